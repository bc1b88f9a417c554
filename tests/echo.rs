//! Echoes: what of the input is the echo of a command, however it comes, and where the answer begins.

mod support;

use flowrun::event::Verdict;
use support::{Outcome, Run};

/// Runs a flow on a line that is cut in every way; all runs tell the same. Returns one of them.
fn run(flow: &str, device: &str) -> Outcome {
    let whole = Run::texts(flow, device).go();
    for chunk in [1, 2, 3, 7, 16] {
        let cut = Run::texts(flow, device).chunks(chunk).go();
        assert_eq!(cut.transcript, whole.transcript, "in pieces of {chunk}");
    }
    whole
}

#[track_caller]
fn passes(flow: &str, device: &str) -> Outcome {
    let outcome = run(flow, device);
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
    outcome
}

#[track_caller]
fn fails(flow: &str, device: &str, message: &str) -> Outcome {
    let outcome = run(flow, device);
    assert_eq!(outcome.verdict, Verdict::Failed, "{}", outcome.transcript);
    assert!(outcome.message().contains(message), "{}", outcome.report);
    outcome
}

/// Answers slowly to one command, and echoes the next one only then.
const SLOW: &str = r#"device "slow" serial { header "\r\n"  echo on }
on line "AT"      { reply "OK" }
on line "AT+SLOW" { sleep 1500ms  reply "done slow" }
on line "AT+NEXT" { sleep 100ms  reply "done next" }"#;

#[test]
fn a_late_answer_that_comes_before_the_echo_is_no_answer_to_the_next_command() {
    let flow = r#"flow "t"
try { send "AT+SLOW"  expect line /done .*/ within 1s }
send "AT+NEXT"  expect line /done (?<which>.*)/
assert which == "next", which
await line /done (?<late>.*)/ within 1ms
assert late == "slow", late"#;
    passes(flow, SLOW);
    // It has come and was looked at before the wait begins.
    passes(&flow.replace(r#""AT+NEXT""#, r#""AT+NEXT"  sleep 505ms"#), SLOW);
    passes(&flow.replace("flow \"t\"", "flow \"t\" serial { echo on }"), SLOW);
}

#[test]
fn a_late_answer_is_still_for_those_who_watch() {
    let flow = r#"flow "t"
compute seen = ""
on line /done (?<what>slow)/ { compute seen = what }
send "AT"  expect line "OK"
try { send "AT+SLOW"  expect line "never" within 1s }
send "AT+NEXT"  expect line /done (?<which>.*)/
assert which == "next" and seen == "slow", "${which} ${seen}""#;
    passes(flow, SLOW);
}

#[test]
fn a_late_answer_is_left_out_of_what_is_read() {
    let flow = r#"flow "t"
try { send "AT+SLOW"  expect line /done .*/ within 1s }
send "AT+NEXT"  read until line /done (?<which>.*)/ as before
assert which == "next" and before == "\r\n", "${which} ${before}""#;
    passes(flow, SLOW);
    let flow = r#"flow "t"
try { send "AT+SLOW"  expect line /done .*/ within 1s }
send "AT+NEXT"  read 11 bytes as answer
assert answer == "\r\ndone next", answer
expect quiet for 10ms
await line "done slow" within 1ms"#;
    passes(flow, SLOW);
}

/// A modem that echoes until ATE0.
const MODEM: &str = r#"device "modem" serial { header "\r\n"  echo on }
on line "ATE0"   { echo off  reply "OK" }
on line "ATE1"   { echo on  reply "OK" }
on line "AT"     { reply "OK" }
on line "AT+ID"  { reply "+ID: 7"  reply "OK" }"#;

#[test]
fn switching_the_echo_off_costs_one_settle_time_and_not_one_per_exchange() {
    let exchanges = r#"repeat 1000 { send "AT+ID"  expect line /\+ID: \d/  expect line "OK" }"#;
    let took = |before: &str, device: &str| {
        let flow = format!("flow \"t\" serial {{ baud 921600 }} send \"{before}\" expect line \"OK\"\n{exchanges}");
        let device = device.replace("header", "baud 921600  header");
        let outcome = Run::texts(&flow, &device).go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
        outcome.took.since_start().as_millis()
    };
    let silent = took("AT", &MODEM.replacen("echo on", "echo off", 1));
    let switched = took("ATE0", MODEM);
    assert!((silent + 50..silent + 70).contains(&switched), "{silent} ms without echo, {switched} ms with ATE0");
    let echoing = took("AT", MODEM);
    let n_echoed = 1000 * "AT+ID\r".len() as u128;
    assert!(echoing <= silent + n_echoed * 10_000 / 921_600 + 10, "{silent} ms without echo, {echoing} ms with it");
}

#[test]
fn an_answer_that_is_held_for_an_echo_that_does_not_come_is_in_time() {
    let flow = r#"flow "t" send "ATE0"  expect line "OK" send "AT"  expect line "OK" within 20ms"#;
    let outcome = passes(flow, MODEM);
    let flow = r#"flow "t" send "ATE0"  expect line "OK" send "AT+ID"  read 10 bytes as id within 20ms assert id == "\r\n+ID: 7\r\n", id"#;
    passes(flow, MODEM);
    assert!(outcome.took.since_start().as_millis() < 50);
    let flow = r#"flow "t" send "ATE0"  expect line "OK" send "AT"  expect none line "OK" for 20ms"#;
    fails(flow, MODEM, "unexpected `OK`");
}

#[test]
fn an_answer_is_not_held_for_ever_on_a_line_that_is_never_quiet() {
    let device = r#"device "chatty" serial { header "\r\n"  echo on }
on line "ATE0" { echo off  reply "OK" }
on line "AT"   { reply "OK"  repeat 500 { sleep 20ms  send raw "+CSQ: 20\r\n" } }"#;
    let flow = r#"flow "t" send "ATE0"  expect line "OK" send "AT"  expect line "OK" within 1m"#;
    let took = passes(flow, device).took.since_start().as_millis();
    assert!((1000..1100).contains(&took), "{took} ms");
}

#[test]
fn the_echo_is_known_again_when_it_comes_again() {
    let flow = r#"flow "t"
send "ATE0"  expect line "OK"
send "AT"    expect line "OK"
send "AT"    expect line "OK"
send "ATE1"  expect line "OK"
send "AT"    expect line "OK"
log "and now"
send "AT"    expect line "OK""#;
    let outcome = passes(flow, MODEM);
    let took = outcome.took.since_start().as_millis();
    assert!((50..80).contains(&took), "one settle time and the bytes: {took} ms\n{}", outcome.transcript);
}

#[test]
fn an_echo_that_the_terminal_wraps_is_no_answer() {
    let wraps =
        [r"R \rRESULT", r"\r\nRESULT", r"\r\r\nRESULT", r"R\rRESULT", r"R\x08RESULT", r"RE\r\nSULT", r"RES\nULT"];
    for wrap in wraps {
        let device = format!(
            "device \"shell\" on line /echo .*/ {{ send raw \"echo {wrap}-PASS-or-not\\r\\n\"  reply \"RESULT-FAIL\"  send raw \"# \" }}"
        );
        let flow = r##"flow "t"
send "echo RESULT-PASS-or-not"
expect { line /.*PASS.*/ -> { fail "the echo was taken for the answer" }  line /.*RESULT.*/ -> { log "right" } }
expect prompt "# "
capture last from /RES.*/
assert last == "RESULT-FAIL", last
send "echo RESULT-PASS-or-not"  read until "# " as output
assert output == "RESULT-FAIL\r\n", output"##;
        passes(flow, &device);
    }
}

#[test]
fn an_answer_that_begins_like_the_command_is_one() {
    let device = r#"device "d" on line "12 34" { send raw "12\r\n"  sleep 10ms  send raw "34 OK\r\n" }"#;
    passes(r#"flow "t" send "12 34"  expect line "12" within 1s  expect line "34 OK""#, device);
    passes(r#"flow "t" send "12 34"  expect line "12" within 5ms  expect line "34 OK""#, device);
}

#[test]
fn what_is_read_begins_after_the_echo() {
    let flow = r#"flow "t"
send "AT+ID"  read until line "OK" as first
assert first == "\r\n+ID: 7\r\n\r\n", first
send "AT+ID"  read 8 bytes as second  expect line "OK"
assert second == "\r\n+ID: 7", second
send "ATE0"   expect line "OK"
send "AT+ID"  read 8 bytes as third   expect line "OK"
assert third == second, third"#;
    passes(flow, MODEM);
}

/// A two-wire line: what is sent comes back first.
const TWO_WIRE: &str = r#"device "two wires" param answers = true
repeat while true at most 10 {
  read 8 bytes as request within 1h
  send raw request
  if answers { sleep 8ms  send raw request }
}"#;

const FRAME: &str = r#"flow "t" serial { eol none  echo on } timeout 500ms
send raw x"01 06 00 01 00 2a 59 d5"
read 8 bytes as answer
assert answer == x"01 06 00 01 00 2a 59 d5", hex(answer)"#;

#[test]
fn raw_bytes_that_come_back_are_no_answer_where_an_echo_is_expected() {
    passes(&FRAME.replace("answer == x", "bytes(answer) == x"), TWO_WIRE);
    let silent = TWO_WIRE.replace("answers = true", "answers = false");
    fails(FRAME, &silent, "8 bytes did not come within 500ms");
    let waits = r#"flow "t" serial { eol none  echo on } send raw x"01 06 00 01 00 2a 59 d5"  expect x"01 06" within 1s  expect quiet for 10ms"#;
    passes(waits, TWO_WIRE);
    fails(waits, &silent, "did not come within 1s");
    fails(&waits.replace("expect x", "sleep 100ms expect x"), &silent, "did not come within 1s");
}

#[test]
fn raw_bytes_that_come_back_as_others_are_a_collision() {
    let other = r#"send raw x"01 06 00 01 40"  sleep 1ms  send raw x"2a 59 d5""#;
    let device = TWO_WIRE.replacen("send raw request", other, 1);
    let outcome = fails(FRAME, &device, "a collision");
    assert!(outcome.report.contains("byte 5 came back changed"), "{}", outcome.report);
}

#[test]
fn bytes_that_come_back_while_the_rest_still_leaves_are_the_echo() {
    let device = r#"device "eager" serial { baud 115200 }
read 2 bytes as _a  send raw "AT"
read 5 bytes as _b  send raw "+ID\r\n"  send raw "+ID: 7\r\nOK\r\n""#;
    let flow = r#"flow "t" serial { baud 115200  pace 5ms  eol "\r\n" }
send "AT+ID"  read until line "OK" as answer
assert answer == "+ID: 7\r\n", answer"#;
    passes(flow, device);
}

#[test]
fn a_modem_that_answers_late_what_it_was_sent_while_it_booted_is_quiet_before_the_next_command() {
    let device = r#"device "boots"
state booted = false
state queued = 0
after 3s {
  compute booted = true
  send raw "\r\n*ATREADY: 1\r\n"
  repeat queued { send raw "AT\r\r\nOK\r\n"  sleep 60ms }
}
on line "AT" { if booted { send raw "AT\r\r\nOK\r\n" } else { compute queued = queued + 1 } }
on line /AT\+CPIN="(?<pin>\d+)"/ { send raw "AT+CPIN=\"${pin}\"\r"  sleep 400ms  send raw "\r\n+CME ERROR: 16\r\n" }"#;
    let flow = "flow \"t\" use \"std/at\" call at_wake() call at_command(`AT+CPIN=\"1234\"`)";
    fails(flow, device, "`+CME ERROR: 16` came");
}

#[test]
fn a_prompt_that_a_kernel_line_follows_before_the_echo_belongs_to_the_command_before() {
    let device = r##"device "shell" serial { echo on }
on line "true" { send raw "# " }
on line "slow" { sleep 1500ms  send raw "# [    1.234567] first\r\n" }
on line "next" { sleep 100ms  send raw "# [    2.234567] second\r\n" }"##;
    let flow = r##"flow "t"
send "true"  expect prompt "# "
try { send "slow"  expect prompt "# " within 1s }
send "next"  expect prompt "# "
expect line /\[ .*\] (?<which>.*)/
assert which == "second", which"##;
    passes(flow, device);
}

#[test]
fn what_was_held_goes_to_a_fail_on_before_it_goes_to_the_wait() {
    let device = MODEM.replace(r#"reply "+ID: 7""#, r#"reply "ERROR, then +ID: 7""#);
    let flow = r#"flow "t"
fail on "ERROR"
send "ATE0"   expect line "OK"
send "AT+ID"  expect /ID: \d/"#;
    fails(flow, &device, "`ERROR, then +ID: 7` came");
}

#[test]
fn a_line_without_an_end_is_no_absence_where_the_echo_did_not_come() {
    let device = MODEM.replace(r#"{ reply "OK" }"#, r#"{ send raw "\r\nOK" }"#);
    let flow = r#"flow "t" send "ATE0"  expect line "OK" send "AT"  expect none line "OK" for 20ms"#;
    fails(flow, &device, "unexpected `OK`");
    // What was held comes before what is unfinished.
    let device = MODEM.replace(r#"{ reply "OK" }"#, r#"{ send raw "\r\nERROR 1\r\nERROR 2" }"#);
    let flow = flow.replace(r#"none line "OK""#, r#"none /ERROR \d/"#);
    fails(&flow, &device, "unexpected `ERROR 1`");
}

#[test]
fn a_collision_names_the_secret_that_was_sent() {
    let device = r#"device "two wires" serial { echo off }
read 9 bytes as _request
send raw "no""#;
    let flow = r#"flow "t" serial { eol none  echo on }
compute secret key = "hunter2-9"
send raw key
read 1 bytes as _answer within 1s"#;
    let outcome = Run::texts(flow, device).go();
    for text in [&outcome.report, &outcome.transcript] {
        assert!(!text.contains("hunter2") && text.contains("`«key»` was sent and `n` came back"), "{text}");
    }
}

#[test]
fn commands_that_are_sent_one_after_the_other_are_answered_one_after_the_other() {
    let device = r#"device "d" serial { header "\r\n"  echo on }
on line "AT" { reply "OK" }
on line /A(?<n>\d)/ { reply "r${n}" }"#;
    let flow = r#"flow "t"
send "AT"  expect line "OK"
send "A1"  send "A2"  expect line "r1" within 1s  expect line "r2" within 1s"#;
    passes(flow, device);
}

#[test]
fn what_a_handler_sends_takes_no_answer_from_the_wait_that_it_interrupts() {
    let flow = r#"flow "t"
on /\+URC: \d/ { send "ACK" }
send "AT"  expect line "OK"
send "AT+X"  expect line "+X: 1"  expect line "OK""#;
    for busy in ["0ms", "20ms", "45ms", "60ms", "200ms"] {
        let device = format!(
            r#"device "d" serial {{ header "\r\n"  echo on }}
on line "AT" {{ reply "OK" }}
on line "AT+X" {{ sleep 100ms  reply "+URC: 7"  sleep 300ms  reply "+X: 1"  reply "OK"  sleep {busy} }}
on line "ACK" {{ reply "acked" }}"#
        );
        passes(flow, &device);
    }
}

#[test]
fn raw_bytes_that_are_sent_in_several_pieces_come_back_as_one() {
    let device = r#"device "d" serial { header "\r\n"  echo on }
on line "W" { sleep 400ms  reply "OK" }
on line /.*/ { reply "OK" }"#;
    let all = [
        r#"send raw "RO"  send raw "W b\r"  expect line "OK""#,
        r#"send raw "A"  send raw "T"  send raw "\r"  expect line "OK""#,
        r#"send raw "ROW "  sleep 100ms  send raw "b\r"  expect line "OK""#,
        r#"send "W"  send raw "AT\r"  expect line "OK""#,
    ];
    for sends in all {
        passes(&format!("flow \"t\" serial {{ echo on }} send \"AT\" expect line \"OK\" {sends}"), device);
    }
}
