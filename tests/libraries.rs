//! The libraries that come with flowrun, where the real thing does what it seldom does.

mod support;

use flowrun::event::Verdict;
use support::{Outcome, Run, check_file, check_text, program};

fn passes(outcome: &Outcome) {
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
}

/// Asserts that a run fails soon, with a message that has a part.
fn fails(outcome: &Outcome, message: &str, within_s: u64) {
    assert_eq!(outcome.verdict, Verdict::Failed, "{}", outcome.transcript);
    assert!(outcome.message().contains(message), "{}", outcome.message());
    assert!(outcome.took.since_start().as_secs() <= within_s, "after {:?}", outcome.took);
}

// ------------------------------------------------------------------------------- the SIM card and the signal

/// The flows over a radio, and the devices that they name.
const RADIO: [&str; 4] = ["aliyun_dynamic", "aliyun_secret", "quectel_aliyun", "simcom_aliyun"];

#[test]
fn a_missing_sim_card_is_named_within_seconds() {
    for flow in RADIO {
        fails(&Run::built_in(&format!("flows/{flow}.flow")).sim_var("sim_card", "absent").go(), "no SIM card", 8);
    }
}

#[test]
fn a_sim_card_that_wants_its_pin_is_named() {
    for flow in RADIO {
        fails(&Run::built_in(&format!("flows/{flow}.flow")).sim_var("sim_card", "pin").go(), "it wants SIM PIN", 8);
    }
}

#[test]
fn a_missing_signal_is_named_before_the_network_is_awaited() {
    for flow in RADIO {
        fails(&Run::built_in(&format!("flows/{flow}.flow")).sim_var("signal", "99,99").go(), "no signal", 40);
    }
}

#[test]
fn a_signal_that_comes_late_is_waited_for() {
    let run = Run::built_in("flows/aliyun_dynamic.flow")
        .sim_var("signal_after", flowrun::value::Value::Duration(std::time::Duration::from_secs(9)));
    passes(&run.go());
}

// ---------------------------------------------------------------------------------------- the prompt for data

#[test]
fn a_message_with_the_prompts_sign_in_it_is_no_prompt() {
    for between in ["temp > 21", ">", "> ", "a\r\n>b"] {
        passes(&Run::built_in("flows/espat_aliyun.flow").sim_var("between", between).go());
    }
    let flow = "flow \"t\"\nuse \"std/at\"\nuse \"std/modem\"\nsend `AT+QMTPUBEX=0,1,1,0,\"t\",5`\ncall at_prompt()\nsend raw \"hello\"\nexpect line \"OK\"";
    for prompt in [">", "> "] {
        let device = format!(
            r#"device "d"
serial {{ echo on }}
on line /AT\+QMTPUBEX=.*/ {{
  send raw "\r\n+QMTRECV: 0,0,\"rules\",9,\"temp > 21\"\r\n"
  sleep 40ms
  flush
  send raw "\r\n{prompt}"
  read 5 bytes as body within 2s
  if body == "hello" {{ send raw "\r\nOK\r\n" }}
}}"#
        );
        passes(&Run::texts(flow, &device).go());
    }
}

#[test]
fn a_prompt_for_data_counts_though_a_message_comes_right_after_it() {
    let flow = "flow \"t\"\nuse \"std/at\"\nuse \"std/modem\"\nsend \"AT+SEND=5\"\ncall at_prompt()\nsend raw \"hello\"\nexpect line \"OK\"";
    let device = "device \"d\"\nserial { echo on }\non line \"AT+SEND=5\" { send raw \"\\r\\n> \\r\\nRING\\r\\n\" read 5 bytes as body within 2s send raw \"\\r\\nOK\\r\\n\" log body }";
    passes(&Run::texts(flow, device).go());
}

// --------------------------------------------------------------------------------------------- Linux consoles

/// A shell that somebody has left open, and a kernel that speaks so long after each prompt.
fn talking_kernel(gap: &str) -> String {
    format!(
        r#"device "a console with a kernel that speaks after each prompt"
serial {{ echo off }}
procedure say(text) {{
  send raw text
  sleep {gap}
  send raw "[   37.369462] systemd-journald[159]: Time jumped backwards, rotating.\r\n"
}}
on line "" {{ send raw "\r\nroot@board:~# " }}
on line /printf 'flowrun-user=.*/ {{ send raw "flowrun-user=<root>\r\nroot@board:~# " }}
on line /stty -echo;.*/ {{ call say("stty\r\nflowrun> ") }}
on line /printf 'flowrun-%s\.\\n' begin; (?<c>.*); printf '\\nflowrun-status=%d\.\\n' \$\?/ {{
  send raw "flowrun-begin.\r\n${{c}}\r\n\r\nflowrun-status=3."
  call say("\r\nflowrun> ")
}}"#
    )
}

#[test]
fn a_kernel_that_speaks_after_the_prompt_is_no_part_of_an_output() {
    let flow = r#"flow "t"
use "std/linux"
call linux_login("root", "unused") -> _host
call linux_quiet()
for command in ["uname -r", "dmesg", "true"] {
  call linux_run(command, 3s) -> output, status
  assert output == command and status == 3, "${output}"
}"#;
    for gap in ["0ms", "1ms", "10ms", "49ms", "60ms", "200ms"] {
        passes(&Run::texts(flow, &talking_kernel(gap)).go());
    }
}

#[test]
fn the_lines_of_dmesg_are_an_output() {
    let flow = "flow \"t\"\nuse \"std/linux\"\ncall linux_quiet()\ncall linux_run(\"dmesg\", 3s) -> output, _status\nassert output == \"[    0.000000] Linux\", output";
    let device = r#"device "d"
serial { echo off }
on line /stty -echo;.*/ { send raw "flowrun> " }
on line /printf 'flowrun-%s\.\\n' begin; dmesg; .*/ { send raw "flowrun-begin.\r\n[    0.000000] Linux\r\n\r\nflowrun-status=0.\r\nflowrun> " }"#;
    passes(&Run::texts(flow, device).go());
}

/// A login.
const LOGIN: &str = "flow \"t\"\nuse \"std/linux\"\nsecret password = \"toor\"\ncall linux_login(\"root\", password) -> _host\nexpect quiet for 10ms";

#[test]
fn a_kernel_that_speaks_after_the_password_prompt_does_not_hinder_a_login() {
    for gap in ["0ms", "20ms", "49ms", "60ms"] {
        let device = format!(
            "device \"d\"\non line \"\" {{ send raw \"\\r\\nboard login: \" }}\non line \"root\" {{ send raw \"root\\r\\nPassword: \" sleep {gap} send raw \"[    2.299941] tsc: Refined TSC clocksource calibration\\r\\n\" }}\non line \"toor\" {{ send raw \"\\r\\nroot@board:~# \" }}"
        );
        passes(&Run::texts(LOGIN, &device).go());
    }
}

#[test]
fn what_a_booting_board_prints_is_no_shell() {
    for text in ["fsck: /dev/mmcblk0p2: 45%", "=> ", "Marvell>> ", "progress #"] {
        let device = format!(
            "device \"d\"\nsend raw \"[    1.000000] Run /sbin/init\\r\\n{text}\"\nsleep 20s\nsend raw \"\\r\\nboard login: \"\non line \"\" {{ }}\non line /.*/ {{ send raw \"\\r\\nPassword: \" }}"
        );
        let outcome = Run::texts(LOGIN, &device).go();
        assert_eq!(outcome.verdict, Verdict::Failed, "{text}\n{}", outcome.transcript);
        assert!(outcome.sent().contains(&"root\n".to_string()), "{}", outcome.transcript);
    }
}

/// A login that knocks after a second of silence is a key between two numbers of the countdown.
#[test]
fn a_countdown_is_not_stopped_by_a_login() {
    let outcome = Run::built_in("flows/linux_health.flow").go();
    passes(&outcome);
    assert!(outcome.transcript.contains("Starting kernel"), "{}", outcome.transcript);
}

#[test]
fn a_boot_loader_whose_prompt_is_that_of_a_shell_is_named() {
    let device = "device \"d\"\non line \"\" { send raw \"\\r\\nMX6 # \" }\non line /(?<c>\\w+).*/ { send raw \"\\r\\nUnknown command '${c}' - try 'help'\\r\\nMX6 # \" }";
    fails(&Run::texts(LOGIN, device).go(), "a boot loader", 20);
}

// ----------------------------------------------------------------------------------------------------- U-Boot

#[test]
fn the_text_of_the_countdown_is_a_parameter() {
    let text = "flow \"t\"\nuse \"std/uboot\"\ncall uboot_stop_at(\"Press SPACE to abort\", \" \") -> version\nassert version == \"2024.01\", version";
    let flow = program(check_text("t.flow", text));
    let device = program(check_file("tests/corpus/devices/23_uboot.flow"));
    passes(&Run::new(flow, device).sim_var("countdown", "Press SPACE to abort autoboot in 2 seconds: ").go());
}

#[test]
fn a_board_that_restarts_in_the_middle_ends_the_flow_though_version_does_not() {
    let text = "flow \"t\"\nuse \"std/uboot\"\ncall uboot_stop_autoboot(\" \")\ncall uboot_execute(\"version\", 5s) -> _output, status\nassert status == 0, \"${status}\"\ncall uboot_execute(\"printenv\", 5s)";
    let flow = program(check_text("t.flow", text));
    let device = program(check_file("tests/corpus/devices/23_uboot.flow"));
    let outcome = Run::new(flow, device).sim_var("crashes", true).go();
    assert!(outcome.message().contains("restarted"), "{}\n{}", outcome.transcript, outcome.report);
}
