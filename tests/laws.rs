//! The laws of the language, each with tests that would fail without it.

mod support;

use flowrun::event::Verdict;
use support::{Outcome, Run};

/// A device that answers in every way that a flow can wait for.
const CHATTY: &str = r#"device "chatty"
serial { header "\r\n"  echo on }
on line "AT"        { reply "OK" }
on line "INFO"      { send raw "\r\n+INFO: 1,250\r\n+URC: early\r\n\r\nOK\r\n+URC: late\r\n" }
on line "READ"      { send raw "\r\n+READ: 11\r\nab\r\nOK\r\ncde\r\nOK\r\n" }
on line "PUSH"      { reply "OK"  send raw "\r\n+MSUB: \"t\",20 byte,line1\nline2\r\nOK\r\nend.\r\n" }
on line "PROMPT"    { send raw "\r\n> " }
on line "LOGIN"     { send raw "\r\nlogin: " }
on line "CONNECT"   { send raw "\r\nCONNECT OK\r\nOK\r\n" }
on line "UNTIL"     { send raw "\r\nheader: x\r\nbody line\r\n--end--\r\nOK\r\n" }
on line /.*/        { reply "ERROR" }
"#;

/// A flow that uses every kind of pattern and read.
const EVERYTHING: &str = r#"flow "everything"
fail on line "ERROR"
ignore line /\+NITZ.*/
on line /\+URC: (?<urc>\w+)/ { log "urc ${urc}" }
send "AT"      expect line "OK"
send "INFO"    expect /\+INFO: (?<a>\d+),(?<b>\d+)/  expect line "OK"
assert b == "250", "cut short"
send "READ"    expect line /\+READ: (?<n>\d+)/  read n bytes as body  expect line "OK"
assert len(body) == 11, "wrong body"
send "PUSH"    expect line "OK"
await /\+MSUB: "(?<topic>[^"]*)",(?<size>\d+) byte,/
read size bytes as payload
assert payload == "line1\nline2\r\nOK\r\nend", "wrong payload: ${payload}"
send "PROMPT"  expect prompt "> "
send "LOGIN"   expect "login: "
send "CONNECT" expect all { line "OK" line "CONNECT OK" }
send "UNTIL"   expect "header: "  read until line "--end--" as text  expect line "OK"
send "AT"      expect { "OK" -> { log "literal" } line "ERROR" -> { fail "no" } }
expect none line "RING" for 100ms
expect quiet for 80ms
"#;

/// Asserts that two runs told the same: what came at one moment may be told in one event or in several.
fn same(cut: &Outcome, whole: &Outcome, how: &str) {
    let difference = cut.transcript.lines().zip(whole.transcript.lines()).find(|(a, b)| a != b);
    assert!(difference.is_none(), "{how}: {difference:?}");
    assert_eq!(cut.transcript.len(), whole.transcript.len(), "{how}");
    assert_eq!(cut.received(), whole.received(), "{how}");
}

#[test]
fn law_1_a_run_does_not_depend_on_how_reads_cut_the_bytes() {
    let run = Run::texts(EVERYTHING, CHATTY);
    let whole = run.go();
    assert_eq!(whole.verdict, Verdict::Passed, "{}\n{}", whole.transcript, whole.report);
    for chunk in 1..=90 {
        let cut = Run::texts(EVERYTHING, CHATTY).chunks(chunk).go();
        same(&cut, &whole, &format!("chunks of {chunk}"));
    }
}

#[test]
fn law_1_holds_for_the_built_in_flows() {
    for flow in ["flows/aliyun_dynamic.flow", "flows/aliyun_secret.flow"] {
        let whole = Run::built_in(flow).go();
        for chunk in [1, 2, 3, 5, 7, 16, 64] {
            let cut = Run::built_in(flow).chunks(chunk).go();
            same(&cut, &whole, &format!("{flow} in chunks of {chunk}"));
        }
    }
}
