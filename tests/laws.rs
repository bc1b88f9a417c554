//! The laws of the language, each with tests that would fail without it.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

mod support;

use std::collections::VecDeque;

use flowrun::engine::{Engine, Inputs, PortInputs};
use flowrun::event::Verdict;
use flowrun::port::{Happening, PortCommand, PortId};
use flowrun::sim::SimWorld;
use flowrun::time::Moment;
use flowrun::world::World;
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
on line "FRAME"     { send raw "\r\nframe:\x00\r\nOK\r\n\xff" }
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
send "FRAME"   expect "frame:"  read until quiet for 15ms as frame
assert hex(frame) == "000d0a4f4b0d0aff", "wrong frame: ${hex(frame)}"
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
fn law_1_holds_for_a_long_wait_in_a_chatty_line() {
    // So much comes to one wait that all its patterns are looked for at once, in small reads too.
    let device = r#"device "d" serial { baud 921600  echo on }
procedure chat(n) { repeat n { send raw "[   12.345678] usb 1-1: login timeout, OK\r\n\r\n+URC: early\r\nnear => miss\n" } }
on line "GO" { call chat(60) send raw "+NITZ: 1\r\nOops: 00f0 [#1]\r\n" call chat(60) send raw "=> " }"#;
    let flow = r#"flow "t" serial { baud 921600 } timeout 60s
ignore line /\+NITZ.*/
on line /\+URC: (?<urc>\w+)/ { compute seen = urc }
fail on line /Kernel panic.*/
send "GO"
expect { "Kernel panic" -> { fail "no" } /Oops: [0-9a-f]{4}/ -> {} line "login" -> { fail "no" } line "OK" -> { fail "no" } }
expect { "login: " -> { fail "no" } prompt "=> " -> {} line /x+/ -> { fail "no" } line "OK" -> { fail "no" } }"#;
    let whole = Run::texts(flow, device).go();
    assert_eq!(whole.verdict, Verdict::Passed, "{}\n{}", whole.transcript, whole.report);
    assert!(whole.raw_received.len() > 6000);
    for chunk in [1, 2, 7, 64, 101, 1000, 2048, 2049, 5000] {
        same(&Run::texts(flow, device).chunks(chunk).go(), &whole, &format!("chunks of {chunk}"));
    }
}

#[test]
fn law_1_holds_for_the_built_in_flows() {
    for flow in ["aliyun_dynamic", "aliyun_secret", "gateway", "gps_to_receiver", "power_cycle", "two_modems"] {
        let flow = &format!("flows/{flow}.flow");
        let whole = Run::built_in(flow).go();
        for chunk in [1, 2, 3, 5, 7, 16, 64] {
            let cut = Run::built_in(flow).chunks(chunk).go();
            same(&cut, &whole, &format!("{flow} in chunks of {chunk}"));
        }
    }
}

#[test]
fn law_2_nothing_received_is_lost() {
    let device = r#"device "d" serial { header "" }
on line "A" { send raw "zero\r\none\r\n\x00\xff\x1b[2Jnoise\r\n" after 1s { send raw "two\r\nunfinished" } }"#;
    let outcome = Run::texts("flow \"t\" send \"A\" expect line \"one\" expect line \"two\" within 2s", device).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    assert_eq!(outcome.raw_received, b"zero\r\none\r\n\x00\xff\x1b[2Jnoise\r\ntwo\r\nunfinished");
    let told: Vec<u8> = outcome.events.iter().flat_map(received).collect();
    assert_eq!(told, outcome.raw_received, "everything is told, also what nobody awaited");
    for shown in ["zero\\r\\n", "\\0\\xff\\x1b[2Jnoise\\r\\n", "unfinished"] {
        assert!(outcome.transcript.contains(shown), "{shown}: {}", outcome.transcript);
    }
}

fn received(event: &flowrun::event::Event) -> Vec<u8> {
    match &event.kind {
        flowrun::event::EventKind::Received { bytes, .. } => bytes.clone(),
        _ => Vec::new(),
    }
}

#[test]
fn law_3_a_flood_is_bounded_in_time_and_memory() {
    // Half a megabyte at 921600 baud, and all the while something is awaited that does not come.
    let device = r#"device "d" serial { baud 921600 }
procedure flood(n) { repeat n { send raw "kernel: [  12.345678] usb 1-1: new high-speed device number 7\r\n" } }
on line "A" { call flood(12000) reply "needle" }"#;
    let flow = "flow \"t\" serial { baud 921600 } send \"A\" expect { line \"needle\" -> {} \"never\" -> { fail \"no\" } /x{9}/ -> { fail \"no\" } } ";
    let outcome = Run::texts(&flow.replace("send", "timeout 30s send"), device).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    assert!(outcome.raw_received.len() > 500_000);
    let forgotten = outcome.transcript.lines().filter(|line| line.contains("unclaimed lines were forgotten")).count();
    assert!(forgotten > 0, "the limit was reached and nobody was told");
}

#[test]
fn law_4_secrets_stay_in() {
    let flow = r#"flow "t"
secret password = "s3cr3t/pass word"
compute also = upper(password)
step "sign in as ${password}" {
  send "login ${password}"  expect line /token=(?<whole>.*)/
  capture secret token from /token=(\w+)/
  log "hex ${hex(token)} base64 ${base64("user:${token}")} url ${url_encode(password)} upper ${also}"
  send "use ${token} ${base64(password)}" expect line "OK"
  save token
}
fail "the token was ${token}, the password ${password}""#;
    let device = r#"device "d" serial { echo on }
on line /login .*/ { reply "token=abcdef0123456789" }
on line /use .*/   { reply "OK" }"#;
    for chunk in [1, 3, usize::MAX] {
        let outcome = Run::texts(flow, device).chunks(chunk).go();
        assert_eq!(outcome.message(), "the token was «token», the password «password»");
        assert_eq!(
            outcome.saved,
            [("token".to_string(), "abcdef0123456789".to_string())],
            "only `save` writes it plain"
        );
        let everything =
            format!("{}\n{}\n{:?}\n{:?}", outcome.transcript, outcome.report, outcome.events, outcome.failure);
        let forms = [
            "s3cr3t",
            "abcdef0123456789",
            "S3CR3T",
            "61626364656630313233343536373839",
            "czNjcjN0L3Bhc3Mgd29yZ",
            "YWJjZGVmMDEyMzQ1Njc4O",
            "FiY2RlZjAxMjM0NTY3OD",
            "s3cr3t%2Fpass%20word",
        ];
        for form in forms {
            let at = everything
                .find(form)
                .map(|at| everything[at.saturating_sub(80)..].chars().take(160).collect::<String>());
            assert_eq!(at, None, "{form} shows (chunks of {chunk})");
        }
    }
}

#[test]
fn law_4_a_secret_that_is_read_or_expected_as_one_is_never_told_before() {
    let flow = r#"flow "t"
send "A"  expect secret line /key: (?<key>\w+)/
send "B"  expect /len: (?<n>\d+),/  read n bytes as secret blob"#;
    let device = r#"device "d" on line "A" { reply "key: topsecret1" } on line "B" { reply "len: 9,secretbin" }"#;
    for chunk in [1, 2, usize::MAX] {
        let outcome = Run::texts(flow, device).chunks(chunk).go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
        let everything = format!("{}{:?}", outcome.transcript, outcome.events);
        assert!(!everything.contains("topsecret1") && !everything.contains("secretbin"), "{}", outcome.transcript);
    }
}

#[test]
fn law_5_a_run_is_a_function_of_its_inputs() {
    let flow = r#"flow "t"
send "A ${random_hex(8)} ${uuid()} ${unix_time()}"  expect line "OK" within 5m
sleep 1h
send "A"  expect line "OK" within 5m"#;
    let device = "device \"d\" on line /A.*/ { sleep 4m reply \"OK\" }";
    let run = Run::texts(flow, device);
    let (first, again) = (run.go(), run.go());
    assert_eq!(first.verdict, Verdict::Passed);
    assert_eq!(first.transcript, again.transcript);
    assert_eq!(first.took.since_start().as_secs(), 3600 + 480);
    let other = Run::texts(flow, device).seed(2).go();
    assert_ne!(first.transcript, other.transcript, "the seed counts");
}

#[test]
fn law_6_a_failure_explains_itself() {
    let device = "device \"d\" serial { header \"\\r\\n\" echo on } on line \"AT+CPIN?\" { reply \"+CME ERROR: 10\" }";
    let flow = "flow \"t\"\nfail on line /\\+CME ERROR: .*/\nstep \"SIM\" {\n  send \"AT+CPIN?\"  expect line /\\+CPIN: READY/ within 2s\n}";
    let outcome = Run::texts(flow, device).go();
    let failure = outcome.failure.as_ref().expect("it failed");
    assert_eq!(failure.message, "`+CME ERROR: 10` came");
    assert_eq!(failure.label, "was waiting for line /\\+CPIN: READY/");
    assert_eq!(failure.steps, ["SIM"]);
    assert_eq!(failure.sent.as_deref(), Some("AT+CPIN?\\r"));
    assert_eq!(failure.came, Some(vec!["+CME ERROR: 10".to_string()]));
    assert_eq!(failure.cause.as_deref(), Some("`+CME ERROR: 10` means: SIM not inserted"));
}

#[test]
fn law_7_clean_up_happens_and_what_was_saved_stays_saved() {
    let flow = r#"flow "t"
finally { send "BYE"  expect line "OK" }
send "KEY"  expect line /key (?<key>\w+)/
save key
send "SLOW" expect line "OK" within 1m"#;
    let device = "device \"d\" on line \"KEY\" { reply \"key abcd\" } on line \"BYE\" { reply \"OK\" }";
    let saved = [("key".to_string(), "abcd".to_string())];
    let failed = Run::texts(flow, device).go();
    assert_eq!((failed.verdict, &failed.saved[..]), (Verdict::Failed, &saved[..]));
    assert!(failed.sent().contains(&"BYE\r".to_string()));
    let interrupted = Run::texts(flow, device).interrupt_at(Moment::from_millis(2000)).go();
    assert_eq!((interrupted.verdict, &interrupted.saved[..]), (Verdict::Interrupted, &saved[..]));
    assert!(interrupted.sent().contains(&"BYE\r".to_string()));
}

#[test]
fn law_8_a_pass_means_that_something_was_checked() {
    let checked = support::check_text("t.flow", "flow \"t\"\nsend \"AT\"");
    assert_eq!(checked.problems[0].code, flowrun::diagnostic::Code::CheckNothingChecked);
    let checked = support::check_text("t.flow", "flow \"t\"\nserial { bauds 9600 }\nsend \"AT\" expect \"OK\"");
    assert_eq!(checked.problems[0].help.as_deref(), Some("did you mean `baud`?"));
    let flaky = Run::texts(
        "flow \"t\" step \"s\" retry 3 { send \"A\" expect line \"OK\" within 1s }",
        "device \"d\" state n = 0 on line \"A\" { compute n = n + 1 if n > 2 { reply \"OK\" } }",
    );
    let outcome = flaky.go();
    assert_eq!(outcome.verdict, Verdict::Flaky);
    let attempts = outcome.transcript.matches("did not come within 1s").count();
    assert_eq!(attempts, 2, "the failed attempts are kept:\n{}", outcome.transcript);
}

#[test]
fn law_9_a_flow_reaches_nothing_but_what_lies_beside_it() {
    for path in ["/etc/passwd", "../secret.flow", "lib/../../x.flow", "C:\\x.flow"] {
        let checked =
            support::check_text("flows/t.flow", &format!("flow \"t\"\nuse `{path}`\nsend \"A\" expect \"B\""));
        assert_eq!(checked.problems[0].code, flowrun::diagnostic::Code::LoadUse, "{path}");
        assert!(checked.program.is_none());
    }
}

#[test]
fn law_1_holds_behind_a_matched_prompt() {
    let flow = "flow \"t\" send \"AT\"  expect \">\"  send raw \"x\"  expect line \"OK\"";
    let device = "device \"d\" serial { header \"\\r\\n\" } on line \"AT\" { send raw \"\\r\\n>\"  read 1 bytes as x  reply \"OK\" log x }";
    let whole = Run::texts(flow, device).go();
    for chunk in 1..6 {
        same(&Run::texts(flow, device).chunks(chunk).go(), &whole, &format!("chunks of {chunk}"));
    }
}

/// A world that still holds bytes when something is written: they came before, and nobody has looked.
struct Unread {
    world: SimWorld,
    /// What each write finds, in order.
    holds: VecDeque<&'static [u8]>,
}

impl World for Unread {
    fn perform(&mut self, port: PortId, command: PortCommand) {
        self.world.perform(port, command);
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        received.extend_from_slice(self.holds.pop_front()?);
        (!received.is_empty()).then_some((Moment::START, Happening::Received(PortId::FIRST)))
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        self.world.wait(until, received)
    }
}

/// Runs a flow against a device in a world where each write finds unread bytes; returns the verdict, and what went over the
/// line as the transcript tells it.
fn run_unread(flow: &str, device: &str, holds: &[&'static [u8]]) -> (Verdict, String) {
    let engine = |name: &str, text: &str| {
        let program = support::program(support::check_text(name, text));
        let inputs = Inputs {
            variables: Default::default(),
            seed: 1,
            begun: support::BEGUN,
            file: name.to_string(),
            ports: vec![PortInputs::serial("sim", &program.settings)],
        };
        (Engine::new(program.clone(), inputs), program.sources.clone())
    };
    let (mut flow, sources) = engine("test.flow", flow);
    let mut world =
        Unread { world: SimWorld::new(engine("device.flow", device).0), holds: holds.iter().copied().collect() };
    let (verdict, transcript) = support::transcribe(&mut flow, &mut world, &sources);
    (verdict, transcript)
}

#[test]
fn what_came_before_a_send_and_was_not_read_yet_is_no_answer_to_it() {
    let device = "device \"d\" on line \"B\" { sleep 500ms  reply \"OK B\" }";
    let flow = "flow \"t\" send \"A\" send \"B\" expect line /OK (?<which>.*)/ assert which == \"B\", which await line /OK (?<early>.*)/ assert early == \"A\", early";
    // Whole, in two parts of which the rest comes in time, and with a line that the answer follows.
    for late in [&b"OK A\r\n"[..], b"RDY\r\nOK A\r\n", b"\r\nOK A\r"] {
        let (verdict, transcript) = run_unread(flow, device, &[b"", late]);
        assert_eq!(verdict, Verdict::Passed, "{transcript}");
        let place = |what: &str| transcript.find(what).unwrap_or_else(|| panic!("{what}: {transcript}"));
        assert!(place("OK A") < place("> B"), "{transcript}");
    }
    let (verdict, transcript) = run_unread(flow, device, &[b"OK A\r\n"]);
    assert_eq!(verdict, Verdict::Passed, "at the first send of all: {transcript}");
}
