//! The libraries that come with flowrun, where the real thing does what it seldom does.

mod support;

use flowrun::event::Verdict;
use support::{Outcome, Run};

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
    let flow = "flow \"t\"\nuse \"std/at\"\nsend `AT+QMTPUBEX=0,1,1,0,\"t\",5`\ncall at_prompt()\nsend raw \"hello\"\nexpect line \"OK\"";
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
    let flow =
        "flow \"t\"\nuse \"std/at\"\nsend \"AT+SEND=5\"\ncall at_prompt()\nsend raw \"hello\"\nexpect line \"OK\"";
    let device = "device \"d\"\nserial { echo on }\non line \"AT+SEND=5\" { send raw \"\\r\\n> \\r\\nRING\\r\\n\" read 5 bytes as body within 2s send raw \"\\r\\nOK\\r\\n\" log body }";
    passes(&Run::texts(flow, device).go());
}
