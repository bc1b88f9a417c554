//! Who gets what comes: the earliest text, whatever the order of declaration, the pauses and the cut of reads; and prompts
//! that something unasked follows in the same line.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

mod support;

use flowrun::event::{EventKind, Verdict};
use support::{Outcome, Run};

/// Returns what a flow said with `log`.
fn logged(outcome: &Outcome) -> Vec<String> {
    let said = |kind: &EventKind| match kind {
        EventKind::Logged { text } => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    outcome.events.iter().filter_map(|event| said(&event.kind)).collect()
}

/// Runs a flow against a device that sends pieces with pauses after `go`; every cut of reads ends in the same way.
fn go(statements: &str, answer: &str) -> Outcome {
    let flow = format!("flow \"t\"\nserial {{ echo off }}\n{statements}");
    let device = format!("device \"d\"\nserial {{ echo off }}\non line \"go\" {{ {answer} }}");
    let whole = Run::texts(&flow, &device).go();
    for chunk in [1, 2, 3, 7] {
        let cut = Run::texts(&flow, &device).chunks(chunk).go();
        let how = format!("{statements}\n{answer}\nin chunks of {chunk}");
        assert_eq!(
            (cut.verdict, cut.message(), logged(&cut)),
            (whole.verdict, whole.message(), logged(&whole)),
            "{how}"
        );
        // A run that fails leaves out what the next read would bring.
        if whole.verdict == Verdict::Passed {
            assert_eq!(cut.transcript, whole.transcript, "{how}");
        }
    }
    whole
}

/// Two `on` with a text each, in both orders.
const BOTH: [&str; 2] = [
    "on \"<<A>>\" { log \"A\" }\non \"<<B>>\" { log \"B\" }",
    "on \"<<B>>\" { log \"B\" }\non \"<<A>>\" { log \"A\" }",
];

#[test]
fn texts_are_handled_in_the_order_in_which_they_came() {
    for on in BOTH {
        for (answer, expected) in [
            (r#"send raw "<<A>><<B>>""#, vec!["A", "B"]),
            (r#"send raw "<<B>><<A>>""#, vec!["B", "A"]),
            (r#"send raw "<<A>><<B>>\r\n""#, vec!["A", "B"]),
            (r#"send raw "x<<B>> y <<A>>z\r\n""#, vec!["B", "A"]),
            (r#"send raw "<<A>><<A>>\r\n<<B>>""#, vec!["A", "A", "B"]),
            (r#"send raw "<<A>>"  sleep 100ms  send raw "<<B>>\r\n""#, vec!["A", "B"]),
            (r#"send raw "<<B>>"  sleep 20ms  send raw "<<A>>""#, vec!["B", "A"]),
        ] {
            let flow = format!("{on}\nsend \"go\"\nexpect line \"end\" within 2s");
            let outcome = go(&flow, &format!("{answer}  sleep 200ms  send raw \"\\r\\nend\\r\\n\""));
            assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.transcript);
            assert_eq!(logged(&outcome), expected, "{on}\n{answer}\n{}", outcome.transcript);
        }
    }
}

#[test]
fn every_sequence_of_texts_is_handled_in_its_order_whatever_the_pauses() {
    const TOKENS: [&str; 3] = ["<<A>>", "<<B>>", "-\\r\\n"];
    for n in 0..TOKENS.len().pow(3) {
        let tokens = [n % 3, n / 3 % 3, n / 9].map(|i| TOKENS[i]);
        let texts = tokens.iter().filter(|token| token.starts_with("<<"));
        let expected: Vec<&str> = texts.map(|token| &token[2..3]).collect();
        for pauses in 0..4 {
            let pause = |bit: u32| if pauses >> bit & 1 == 1 { "sleep 80ms" } else { "" };
            let [a, b, c] = tokens;
            let answer = format!("send raw \"{a}\" {} send raw \"{b}\" {} send raw \"{c}\"", pause(0), pause(1));
            let device = format!(
                "device \"d\"\nserial {{ echo off }}\non line \"go\" {{ {answer} sleep 200ms send raw \"\\r\\nend\\r\\n\" }}"
            );
            for on in BOTH {
                let flow = format!("flow \"t\"\n{on}\nsend \"go\"\nexpect line \"end\" within 2s");
                let outcome = Run::texts(&flow, &device).go();
                assert_eq!(logged(&outcome), expected, "{on}\n{answer}\n{}", outcome.transcript);
            }
        }
    }
}

#[test]
fn a_fail_on_whose_text_came_first_ends_the_wait_whatever_the_pause() {
    for watchers in
        ["fail on \"PANIC\"\non \"ready>\" { log \"ready\" }", "on \"ready>\" { log \"ready\" }\nfail on \"PANIC\""]
    {
        for end in ["sleep 500ms  send raw \"\\r\\nend\\r\\n\"", "send raw \"\\r\\nend\\r\\n\""] {
            for gap in ["", "sleep 20ms", "sleep 100ms"] {
                let answer = format!("send raw \"\\r\\nPANIC \"  {gap}  send raw \"ready> \"  {end}");
                let outcome = go(&format!("{watchers}\nsend \"go\"\nexpect line \"end\" within 2s"), &answer);
                assert_eq!(outcome.verdict, Verdict::Failed, "{watchers}\n{gap}\n{}", outcome.transcript);
                assert!(outcome.message().contains("PANIC"), "{}", outcome.message());
                assert_eq!(logged(&outcome), Vec::<String>::new());
            }
        }
    }
}

#[test]
fn a_fail_on_text_before_what_a_wait_finds_in_the_line_ends_the_wait() {
    let panics = |statements: &str, answer: &str| {
        let outcome = go(&format!("fail on \"PANIC\"\nsend \"go\"\n{statements}"), answer);
        (outcome.verdict, outcome.message().contains("PANIC"))
    };
    for gap in ["", "sleep 20ms", "sleep 100ms"] {
        let answer = format!("send raw \"PANIC \" {gap} send raw \"end 1\" sleep 100ms send raw \"\\r\\n\"");
        for wait in ["expect \"end\"", "expect /end \\d/", "await \"end\"", "expect prompt \"end 1\""] {
            assert_eq!(panics(&format!("{wait} within 1s"), &answer), (Verdict::Failed, true), "{wait} {gap}");
        }
    }
    for wait in ["expect \"PANIC\"", "expect line \"PANIC end 1\"", "expect /C end/", "expect prompt \"PANIC end 1\""] {
        let answer = "send raw \"PANIC end 1\" sleep 60ms send raw \"\\r\\n\"".to_string();
        let answer = if wait.contains("prompt") { answer } else { answer.replace("sleep 60ms", "") };
        let waits = format!("{wait} within 1s\nexpect quiet for 100ms");
        assert_eq!(panics(&waits, &answer).0, Verdict::Passed, "{wait}");
    }
}

#[test]
fn a_fail_on_text_that_came_after_an_on_text_is_found_too() {
    let flow = "on \"ready>\" { log \"ready\" }\nfail on \"PANIC\"\nsend \"go\"\nexpect line \"end\" within 2s";
    for line in ["ready> PANIC\\r\\nend\\r\\n", "ready> PANIC"] {
        let outcome = go(flow, &format!("send raw \"{line}\""));
        assert_eq!((outcome.verdict, logged(&outcome)), (Verdict::Failed, vec!["ready".to_string()]), "{line}");
    }
}

#[test]
fn of_texts_that_end_at_the_same_byte_the_longer_wins_then_on_before_fail_on() {
    for watchers in [
        "on \"OK\" { log \"short\" }\non \"CONNECT OK\" { log \"long\" }",
        "on \"CONNECT OK\" { log \"long\" }\non \"OK\" { log \"short\" }",
    ] {
        let outcome =
            go(&format!("{watchers}\nsend \"go\" expect line \"end\""), "send raw \"CONNECT OK\\r\\nend\\r\\n\"");
        assert_eq!(logged(&outcome), ["long"]);
    }
    for watchers in ["on \"OK\" { log \"on\" }\nfail on \"OK\"", "fail on \"OK\"\non \"OK\" { log \"on\" }"] {
        let outcome = go(&format!("{watchers}\nsend \"go\" expect line \"end\""), "send raw \"OK\\r\\nend\\r\\n\"");
        assert_eq!((outcome.verdict, logged(&outcome)), (Verdict::Passed, vec!["on".to_string()]));
    }
}

#[test]
fn what_follows_a_text_is_a_line_for_all_others() {
    let panics = "send raw \"[  1.000001] Kernel panic - not syncing: x\\r\\nend\\r\\n\"";
    let outcome =
        go("on \"[\" { log \"[\" }\nfail on line /.*Kernel panic.*/\nsend \"go\" expect line \"end\"", panics);
    assert_eq!((outcome.verdict, logged(&outcome)), (Verdict::Failed, vec!["[".to_string()]));
    let outcome = go("on \"<<A>>\" { log \"A\" }\nsend \"go\" expect line \"OK\"", "send raw \"<<A>>OK\\r\\n\"");
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.transcript);
}

#[test]
fn an_ignored_text_hides_no_other_text_of_its_line() {
    for watchers in [
        "ignore \"noise\"\nfail on \"PANIC\"",
        "fail on \"PANIC\"\nignore \"noise\"",
        "ignore line /.*noise.*/\nfail on line /.*PANIC.*/",
        "fail on line /.*PANIC.*/\nignore /noise/",
    ] {
        for line in ["noise PANIC", "PANIC noise"] {
            let answer = format!("send raw \"{line}\\r\\nend\\r\\n\"");
            let outcome = go(&format!("{watchers}\nsend \"go\" expect line \"end\""), &answer);
            assert_eq!(outcome.verdict, Verdict::Failed, "{watchers}\n{line}");
        }
    }
}

#[test]
fn whole_lines_go_to_on_before_fail_on_whatever_the_block() {
    let flow =
        "on line \"URC\" { log \"on\" }\nif true {\n  fail on line \"URC\"\n  send \"go\" expect line \"end\"\n}";
    let outcome = go(flow, "send raw \"URC\\r\\nend\\r\\n\"");
    assert_eq!((outcome.verdict, logged(&outcome)), (Verdict::Passed, vec!["on".to_string()]));
}

#[test]
fn texts_are_looked_for_in_the_rest_of_a_line_of_which_a_wait_took_a_part() {
    for (watcher, verdict) in [("fail on \"ERR\"", Verdict::Failed), ("fail on /ERR/", Verdict::Passed)] {
        for gap in ["", "sleep 100ms"] {
            let answer = format!("send raw \"+X:\" {gap} send raw \" ERR\" {gap} send raw \"\\r\\nOK\\r\\n\"");
            let outcome = go(&format!("{watcher}\nsend \"go\" expect \"+X:\"\nexpect line \"OK\" within 1s"), &answer);
            assert_eq!(outcome.verdict, verdict, "{watcher} {gap}\n{}", outcome.transcript);
        }
    }
}

#[test]
fn an_answer_that_follows_a_prompt_in_its_line_is_a_line_for_watchers() {
    let flow = "flow \"t\"\nserial { echo off }\nfail on line \"Oops\"\nsend \"a\" expect prompt \"> \"\nsend \"b\" expect line \"OK\" within 1s";
    let device = "device \"d\"\nserial { echo off }\non line \"a\" { send raw \"> \" }\non line \"b\" { send raw \"Oops\\r\\nOK\\r\\n\" }";
    assert_eq!(Run::texts(flow, device).go().message(), "`> Oops` came");
}

#[test]
fn no_text_is_found_in_an_echo_whose_line_has_not_ended() {
    let flow = "flow \"t\"\nfail on \"PANIC\"\nsend \"say PANIC\" expect line \"OK\" within 1s";
    let device = "device \"d\"\nserial { echo off }\non line \"say PANIC\" { send raw \"say PANIC\" sleep 200ms send raw \"\\r\\nOK\\r\\n\" }";
    let outcome = Run::texts(flow, device).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.transcript);
}

#[test]
fn a_device_gives_a_line_to_its_first_handler_and_sends_it_back_once() {
    let device = "device \"d\"\nserial { echo on }\non line \"AT+FOO\" { reply \"foo\" }\non \"AT\" { reply \"at\" }\non line /.*/ { reply \"ERROR\" }";
    let flow = "flow \"t\"\nsend \"AT+FOO\" expect line \"foo\" expect quiet for 100ms\nsend \"AT+BAR\" expect line \"at\" expect quiet for 100ms\nsend \"X\" expect line \"ERROR\"";
    let outcome = Run::texts(flow, device).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.transcript);
    assert_eq!(outcome.received(), "AT+FOO\rfoo\r\nAT+BAR\rat\r\nX\rERROR\r\n");
}

#[test]
fn a_device_finds_all_texts_of_a_line() {
    let device = "device \"d\"\nserial { echo on }\non \"<<A>>\" { reply \"a\" }\non \"<<B>>\" { reply \"b\" }";
    for end in ["", "\\r"] {
        let flow = format!(
            "flow \"t\"\nsend raw \"<<B>><<A>>{end}\" expect line /.*b/ expect line \"a\" expect quiet for 200ms"
        );
        let outcome = Run::texts(&flow, device).go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.transcript);
        assert_eq!(outcome.received().matches("<<B>><<A>>").count(), 1, "{}", outcome.transcript);
    }
}

// ------------------------------------------------------------------------------------------------- prompts

/// What a kernel says.
const KERNEL: &str = "[    2.299941] tsc: Refined TSC clocksource calibration: 2599.969 MHz";

#[test]
fn a_prompt_counts_though_a_kernel_speaks_after_it_in_the_same_line() {
    for pattern in ["prompt \"Password: \"", "prompt /[Pp]assword: ?$/"] {
        for statement in ["expect", "await", "sleep 400ms\nexpect", "sleep 400ms\nawait"] {
            for gap in ["", "sleep 20ms", "sleep 80ms"] {
                for end in ["\\r\\n", ""] {
                    let flow = format!("send \"go\"\n{statement} {pattern} within 2s");
                    let outcome = go(&flow, &format!("send raw \"\\r\\nPassword: \" {gap} send raw \"{KERNEL}{end}\""));
                    assert_eq!(outcome.verdict, Verdict::Passed, "{flow}\n{gap}\n{}", outcome.transcript);
                }
            }
        }
    }
}

#[test]
fn a_prompt_counts_though_something_that_a_watcher_names_follows_it() {
    for watcher in [
        "ignore \"audit: \"",
        "ignore /audit: \\d+/",
        "ignore line /audit: .*/",
        "ignore line \"audit: 1 x\"",
        "on \"audit: \" { log \"heard\" }",
    ] {
        for pattern in ["prompt \"# \"", "prompt /[#$] $/"] {
            let flow = format!("{watcher}\nsend \"go\"\nexpect {pattern} within 2s");
            let outcome = go(&flow, "send raw \"\\r\\nroot@x:~# audit: 1 x\\r\\n\"");
            assert_eq!(outcome.verdict, Verdict::Passed, "{flow}\n{}", outcome.transcript);
        }
    }
}

#[test]
fn what_follows_such_a_prompt_is_a_line_for_watchers_and_waits() {
    let answer = "send raw \"Password: [    2.299941] Kernel panic - not syncing\\r\\n\"";
    let flow =
        "fail on line /.*Kernel panic.*/\nsend \"go\"\nexpect prompt \"Password: \"\nexpect line \"OK\" within 1s";
    let outcome = go(flow, answer);
    assert!(outcome.message().contains("Kernel panic"), "{}", outcome.transcript);
    let outcome = go("send \"go\"\nexpect prompt \"Password: \"\nexpect line /\\[ .*/ within 1s", answer);
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.transcript);
}

#[test]
fn a_handler_of_a_prompt_runs_though_a_kernel_speaks_after_it() {
    for gap in ["", "sleep 20ms", "sleep 80ms"] {
        let flow = "on prompt \"more? \" { send raw \"y\" }\nsend \"go\"\nexpect line \"end\" within 2s";
        let device = format!(
            "device \"d\"\non line \"go\" {{ send raw \"more? \" {gap} send raw \"{KERNEL}\\r\\n\" read 1 bytes as key within 1s send raw \"end\\r\\n\" log key }}"
        );
        let outcome = Run::texts(&format!("flow \"t\"\n{flow}"), &device).go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{gap}\n{}", outcome.transcript);
    }
}

#[test]
fn nothing_else_that_follows_in_the_line_makes_a_prompt_of_it() {
    for line in ["# [1.5] of 3", "# text", "x# y", "# [    2.29994] short"] {
        let outcome = go("send \"go\"\nexpect prompt \"# \" within 1s", &format!("send raw \"\\r\\n{line}\\r\\n\""));
        assert_eq!(outcome.verdict, Verdict::Failed, "{line}\n{}", outcome.transcript);
    }
}

#[test]
fn a_query_of_the_terminal_that_follows_a_prompt_is_answered() {
    let flow = "on \"\\x1b[6n\" { send raw \"\\x1b[24;80R\" }\nsend \"go\"\nexpect prompt \"# \" within 1s\nexpect quiet for 100ms";
    let device = "device \"d\"\nserial { echo off }\non line \"go\" { send raw \"\\r\\n# \\x1b[6n\" }";
    let outcome = Run::texts(&format!("flow \"t\"\n{flow}"), device).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.transcript);
    assert_eq!(outcome.sent(), ["go\r", "\x1b[24;80R"]);
}

#[test]
fn a_handler_does_not_make_a_late_answer_one_in_time() {
    let on = "on line \"URC\" { sleep 3s }";
    for (wait, answer, passes) in [
        ("expect line \"OK\" within 1s", "sleep 900ms  reply \"OK\"", true),
        ("expect line \"OK\" within 1s", "sleep 2100ms  reply \"OK\"", false),
        ("expect \"OK\" within 1s", "sleep 2100ms  reply \"OK\"", false),
        ("expect line /O(?<x>K)/ within 1s", "sleep 2100ms  reply \"OK\"", false),
        ("expect all within 1s { line \"A\"  line \"OK\" }", "reply \"A\"  sleep 2100ms  reply \"OK\"", false),
        (
            "expect within 1s { line \"OK\" -> { fail \"late\" }  timeout -> { } }\nassert true",
            "sleep 2100ms  reply \"OK\"",
            true,
        ),
        ("expect none line \"OK\" for 1s", "sleep 2100ms  reply \"OK\"", true),
        ("expect none line \"OK\" for 1s", "sleep 900ms  reply \"OK\"", false),
        ("read until \"K\" as x within 1s\nassert true", "sleep 2100ms  send raw \"OK\"", false),
    ] {
        let outcome = go(&format!("{on}\nsend \"go\"\n{wait}"), &format!("reply \"URC\"  {answer}"));
        assert_eq!(outcome.verdict.is_success(), passes, "{wait} {answer}: {}", outcome.transcript);
    }
}

#[test]
fn a_value_in_a_watcher_counts_as_it_is_when_a_line_comes_however_long_it_stayed_the_same() {
    // So much that the texts of all watchers are looked for in one search, with the values that stayed the same.
    let log = "repeat 900 { send raw \"[    1.5] module: nothing of interest\\r\\n\" }";
    let event = |name: &str, n: u32| format!("send raw \"event {name}: {n}\\r\\n\"");
    let said = [event("alpha", 1), event("alpha", 2), event("beta", 3), event("alpha", 4), event("beta", 5)];
    let answer = format!("{log}\n{}\n{log}\n{}\nsend raw \"end\\r\\n\"", said[..2].join("\n"), said[2..].join("\n"));
    let device = format!("device \"d\"\nserial {{ echo off }}\non line \"go\" {{ {answer} }}");
    let others: String = (0..8).map(|n| format!("ignore line /noise {n} of ${{name}}: .*/\n")).collect();
    // With the time in it, a pattern may be another one at each look.
    for fleeting in ["", "ignore line \"at ${unix_time()}\"\n"] {
        let flow = format!(
            "flow \"t\"\nserial {{ echo off }}\ncompute name = \"alpha\"\n{others}{fleeting}\
             on line /event ${{name}}: (?<n>\\d+)/ {{ log \"${{name}} ${{n}}\"  compute name = \"beta\" }}\n\
             send \"go\"\nexpect line \"end\" within 1h"
        );
        for chunk in [200, 5000] {
            let outcome = Run::texts(&flow, &device).chunks(chunk).go();
            assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.message());
            assert_eq!(logged(&outcome), ["alpha 1", "beta 3", "beta 5"], "{flow}\nin chunks of {chunk}");
        }
    }
}
