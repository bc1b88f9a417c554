//! A secret is in no output, wherever in a flow it becomes one.
//!
//! The law is made from the tree itself: [`TEMPLATES`] has a row for each kind of statement, or this file does not
//! compile; each statement that can hold a block is tried with each way of making a secret in it.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

mod support;

use std::path::Path;
use std::process::Command;

use flowrun::event::{Event, Verdict};
use flowrun::source::{Source, Sources};
use flowrun::syntax::ast::{Statement, StatementKind};
use support::{Run, flows_in, repo};

/// What the device answers with, and nobody may see.
const PLAIN: &str = "Tr0ub4dor9Kx7Qm2Z";

/// What is looked for: pieces of it as well.
const PIECES: &[&str] = &["Tr0ub", "b4dor9", "r9Kx7", "7Qm2Z", "54723075623464", "VHIwdWI0ZG9"];

const DEVICE: &str = r#"device "d"
on line "GET"  { reply "TOKEN: Tr0ub4dor9Kx7Qm2Z"  reply "OK" }
on line "PAIR" { reply "HEAD"  reply "TOKEN: Tr0ub4dor9Kx7Qm2Z"  reply "OK" }
on line "CUT"  { send raw "TOKEN: Tr0ub"  after 200ms { send raw "4dor9Kx7Qm2Z\r\n" } }
on line "MORE" { after 100ms { send raw "OK\r\nTOKEN: Tr0ub4dor9Kx7Qm2Z\r\n" } }
on line "PING" { reply "READY" }
on line "AT"   { reply "OK" }
"#;

/// A way of making a secret: what stands before the block, what it waits for last, and what stands in the block.
struct Maker {
    before: &'static str,
    last: &'static str,
    inside: &'static str,
}

const MAKERS: &[Maker] = &[
    Maker { before: r#"send "GET""#, last: r#"line "OK""#, inside: r"capture secret made from /TOKEN: (\w+)/" },
    Maker {
        before: r#"send "GET"  expect line /TOKEN: (?<seen>\w+)/"#,
        last: r#"line "OK""#,
        inside: "capture secret made from seen",
    },
    Maker {
        before: r#"send "GET"  expect line /TOKEN: (?<all>.*)/  compute seen = trim(all)  sleep 1s"#,
        last: r#"line "OK""#,
        inside: "compute secret made = seen",
    },
    Maker {
        before: r#"send "GET"  expect line /TOKEN: (?<seen>\w+)/"#,
        last: r#"line "OK""#,
        inside: "call keep(seen)",
    },
    Maker { before: r#"send "GET""#, last: r#"line "OK""#, inside: "call take()" },
    Maker { before: r#"send "GET""#, last: r#"line "OK""#, inside: "call give() -> got  compute secret made = got" },
    Maker {
        before: r#"send "PING""#,
        last: r#"line "READY""#,
        inside: r#"send "GET"  sleep 1s  expect secret line /TOKEN: (?<made>\w+)/  expect line "OK""#,
    },
    Maker { before: r#"send "GET""#, last: r#"line "OK""#, inside: r"await secret line /TOKEN: (?<made>\w+)/" },
    Maker { before: r#"send "GET""#, last: r#""TOKEN: ""#, inside: "read 17 bytes as secret made" },
    Maker { before: r#"send "GET""#, last: r#""TOKEN: ""#, inside: r#"read until "\r\n" as secret made"# },
    Maker {
        before: r#"send "MORE""#,
        last: r#"line "OK""#,
        inside: r#"sleep 1s  expect { line /TOKEN: (?<seen>\w+)/ -> { compute secret made = seen } }"#,
    },
];

/// The beginning of each flow that is tried.
const BEGINNING: &str = r#"flow "t"
sim "device.flow"
procedure keep(value) { compute secret kept = value }
procedure take() { capture secret taken from /TOKEN: (\w+)/ }
procedure give() { capture given from /TOKEN: (\w+)/  return given }
"#;

/// Makes a row for each kind of statement, and a match that knows no other.
macro_rules! templates {
    ($($kind:ident: $templates:expr,)*) => {
        /// For each kind of statement, flows in which it holds a secret's making; none for those without blocks.
        const TEMPLATES: &[(&str, &[&str])] = &[$((stringify!($kind), $templates),)*];

        fn title(kind: &StatementKind) -> &'static str {
            match kind {
                $(StatementKind::$kind { .. } => stringify!($kind),)*
            }
        }
    };
}

templates! {
    Header: &[],
    Use: &[],
    Sim: &[],
    Port: &[],
    Param: &[],
    Volatile: &[],
    Tag: &[],
    State: &[],
    Wire: &[],
    Serial: &[],
    Timeout: &[],
    Procedure: &[
        "procedure holder(seen) { INSIDE } compute seen = \"none\" BEFORE expect LAST call holder(seen)",
        "procedure inner(seen) { INSIDE } procedure holder(seen) { step \"s\" { call inner(seen) } }
         compute seen = \"none\" BEFORE expect LAST call holder(seen)",
    ],
    Step: &[
        "BEFORE expect LAST step \"s\" { INSIDE }",
        "step \"outer\" { BEFORE expect LAST step \"s\" retry 2 { INSIDE } }",
        "compute n = 0 compute seen = \"none\" step \"s\" retry 2 { compute n = n + 1 BEFORE expect LAST assert n == 2, \"no\" INSIDE }",
        "compute n = 0 compute seen = \"none\" step \"outer\" retry 2 { step \"s\" { compute n = n + 1 BEFORE expect LAST assert n == 2, \"no\" INSIDE } }",
    ],
    Send: &[],
    Expect: &[],
    ExpectAny: &[
        "BEFORE expect { line \"never\" -> {} LAST -> { INSIDE } }",
        "BEFORE expect LAST expect within 1s { line \"never\" -> {} timeout -> { INSIDE } }",
    ],
    ExpectAll: &[],
    ExpectNone: &[],
    ExpectQuiet: &[],
    Read: &[],
    Capture: &[],
    Compute: &[],
    Measure: &[],
    Assert: &[],
    FailOn: &[],
    Ignore: &[],
    On: &[
        "on LAST { INSIDE } BEFORE sleep 3s",
        "procedure holder(seen) { on LAST { INSIDE } BEFORE sleep 3s } call holder(\"none\")",
        "step \"s\" { on LAST { INSIDE } BEFORE sleep 3s }",
    ],
    Fail: &[],
    Ask: &[],
    Hook: &[],
    SendFile: &[],
    ReceiveFile: &[],
    Skip: &[],
    Save: &[],
    Log: &[],
    Sleep: &[],
    // Only devices have it: see `a_device_tells_no_secret_that_it_learns_later`.
    After: &[],
    Restart: &[],
    Unplug: &[],
    Reopen: &[],
    If: &[
        "BEFORE expect LAST if 1 == 1 { INSIDE }",
        "BEFORE expect LAST if 1 == 2 { log \"no\" } else { INSIDE }",
    ],
    Repeat: &[
        "BEFORE expect LAST repeat 1 { INSIDE }",
        "BEFORE expect LAST compute n = 0 repeat until n == 1 at most 3 { INSIDE compute n = n + 1 }",
        "compute n = 0 compute seen = \"none\" repeat while n < 2 at most 3 { if n == 1 { INSIDE } else { BEFORE expect LAST } compute n = n + 1 }",
    ],
    For: &[
        "BEFORE expect LAST for item in [1] { INSIDE }",
        "BEFORE expect LAST for item in 1 .. 1 { INSIDE }",
    ],
    Try: &[
        "BEFORE expect LAST try { INSIDE }",
        "BEFORE expect LAST try { fail \"no\" } else { INSIDE }",
        "compute seen = \"none\" try { BEFORE expect LAST fail \"no\" } else { INSIDE }",
    ],
    Call: &[],
    Return: &[],
    Finally: &[
        "BEFORE expect LAST step \"s\" { finally { INSIDE } }",
        "step \"s\" { finally { INSIDE } BEFORE expect LAST }",
        "compute seen = \"none\" try { step \"s\" { finally { INSIDE } BEFORE expect LAST fail \"no\" } }",
        "send \"AT\"  expect line \"OK\" finally { INSIDE } BEFORE expect LAST STOP",
        "compute seen = \"none\" procedure holder(seen) { finally { INSIDE } BEFORE expect LAST return } call holder(seen)",
    ],
    Using: &[
        "BEFORE expect LAST using only { INSIDE }",
        "using only { BEFORE expect LAST } INSIDE",
        "using only on LAST { INSIDE } BEFORE sleep 3s",
    ],
    Baud: &[],
    ControlLines: &[],
    InputLines: &[],
    ExpectInput: &[],
    OnSignal: &[],
    OnHook: &[],
    OnWire: &[],
    Break: &[],
    Flush: &[],
    Echo: &[],
}

/// Returns every flow of the law, with what it is a case of.
fn flows_of_the_law() -> Vec<(String, String)> {
    let mut flows = Vec::new();
    for (kind, templates) in TEMPLATES {
        for template in *templates {
            for maker in MAKERS {
                let last = format!("{}  sleep 1s", maker.last);
                let body = template
                    .replace("expect LAST", &format!("expect {last}"))
                    .replace("LAST", maker.last)
                    .replace("BEFORE", maker.before)
                    .replace("INSIDE", maker.inside);
                // What holds it is left, and the run goes on.
                let flow = match body.strip_suffix("STOP") {
                    Some(body) => format!("{BEGINNING}{body}\n"),
                    None => format!("{BEGINNING}{body}\nsend \"AT\"  expect line \"OK\"\n"),
                };
                let flow = match *kind {
                    "Using" => flow.replace("sim \"device.flow\"", "port only { sim \"device.flow\" }"),
                    _ => flow,
                };
                flows.push((format!("{kind}: {}", maker.inside), flow));
            }
        }
    }
    flows
}

#[test]
fn a_secret_made_inside_of_any_statement_is_in_no_event_transcript_or_failure() {
    let flows = flows_of_the_law();
    let all = flows.iter().flat_map(|flow| [(flow, 1), (flow, usize::MAX)]);
    assert_none(all.filter_map(|((what, flow), chunk)| shows(what, flow, chunk).err()).collect());
}

/// Fails with what went wrong: all in short, the first in full.
fn assert_none(wrong: Vec<String>) {
    let all: Vec<&str> = wrong.iter().filter_map(|why| why.lines().next()).collect();
    assert!(wrong.is_empty(), "{}\n\nThe first:\n{}", all.join("\n"), wrong[0]);
}

/// Runs a flow in which a secret is made, and looks through all that it tells.
fn shows(what: &str, flow: &str, chunk: usize) -> Result<(), String> {
    let outcome = Run::texts(flow, DEVICE).chunks(chunk).go();
    let story = format!("{flow}\n{}\n{}", outcome.transcript, outcome.report);
    if !String::from_utf8_lossy(&outcome.raw_received).contains(PLAIN) {
        return Err(format!("{what}: it never came\n{story}"));
    }
    let told = format!("{}\n{}\n{:?}\n{}", outcome.transcript, outcome.report, outcome.failure, shown(&outcome.events));
    if let Some(piece) = PIECES.iter().find(|piece| told.contains(**piece)) {
        return Err(format!("{what}: `{piece}` shows, in chunks of {chunk}\n{story}"));
    }
    if !["made", "kept", "taken"].iter().any(|name| outcome.transcript.contains(&format!("«{name}»"))) {
        return Err(format!("{what}: it never became a secret\n{story}"));
    }
    Ok(())
}

/// Returns events as text, bytes as the characters that they are.
fn shown(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        text.push_str(&format!("{event:?}\n"));
        match &event.kind {
            flowrun::event::EventKind::Sent { bytes }
            | flowrun::event::EventKind::Received { bytes, .. }
            | flowrun::event::EventKind::Matched { text: bytes, .. }
            | flowrun::event::EventKind::Captured { value: bytes, .. }
            | flowrun::event::EventKind::Logged { text: bytes } => text.push_str(&String::from_utf8_lossy(bytes)),
            _ => {}
        }
    }
    text
}

#[test]
fn a_secret_made_inside_of_any_statement_is_in_no_file_of_the_run() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("device.flow"), DEVICE).expect("it can be written");
    for (what, flow) in flows_of_the_law() {
        std::fs::write(at("t.flow"), &flow).expect("it can be written");
        let output = Command::new(env!("CARGO_BIN_EXE_flowrun"))
            .current_dir(folder.path())
            .args(["t.flow", "--port", "sim", "--transcript", "transcript", "--events", "events"])
            .args(["--record", "recording", "--report", "html=page"])
            .output()
            .expect("it can be started");
        let mut told = vec![("console", output.stdout), ("errors", output.stderr)];
        told.extend(["transcript", "events", "recording"].map(|name| (name, read(&at(name)))));
        let page = String::from_utf8(read(&at("page"))).expect("a page is text");
        told.push(("page", support::without_texts_of_ours(&page)));
        for (name, bytes) in told {
            let text = String::from_utf8_lossy(&bytes);
            // The first line of the events has the texts of both files.
            let text = if name == "events" { text.split_once('\n').expect("it has lines").1 } else { &text };
            assert!(name != "transcript" || text.contains('«'), "{what}: nothing is named\n{flow}\n{text}");
            for piece in PIECES {
                assert!(!text.contains(piece), "{what}: `{piece}` is in the {name}\n{flow}\n{text}");
            }
        }
    }
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_statement_with_a_block_has_its_row() {
    let mut texts: Vec<String> = flows_of_the_law().into_iter().map(|(_, flow)| flow).collect();
    for folder in ["flows", "flows/devices", "tests/cases/run", "tests/cases/check", "tests/cases/run/devices"] {
        for name in flows_in(folder) {
            let text = std::fs::read(repo(&format!("{folder}/{name}.flow"))).expect("it was listed");
            texts.push(String::from_utf8_lossy(&text).into_owned());
        }
    }
    for text in texts {
        let mut sources = Sources::default();
        let id = sources.add(Source::new("t.flow", text));
        let parsed = flowrun::syntax::parse(id, sources.get(id));
        assert_rows(&parsed.file.body);
    }
}

fn assert_rows(body: &[Statement]) {
    for statement in body {
        let title = title(&statement.kind);
        let (_, templates) = TEMPLATES.iter().find(|(kind, _)| *kind == title).expect("both are made from one list");
        let holds = !statement.blocks().is_empty();
        assert!(
            !holds || !templates.is_empty() || matches!(title, "After" | "OnSignal" | "OnHook" | "OnWire"),
            "`{title}` holds a block and has no template"
        );
        assert!(holds || templates.is_empty() || title == "Expect", "`{title}` holds no block and has a template");
        statement.blocks().into_iter().for_each(|block| assert_rows(&block.body));
    }
}

/// What once showed a secret.
const SHAPES: &[(&str, &str)] = &[
    ("a procedure takes it from the response", r#"send "GET"  expect line "OK"  call take()"#),
    (
        "a procedure is given it",
        r#"send "GET"  expect line /TOKEN: (?<value>\w+)/  expect line "OK"  call keep(value)"#,
    ),
    (
        "a handler makes it of a group",
        r#"on line /TOKEN: (?<t>\w+)/ { compute secret made = t }  send "GET"  expect line "OK"  sleep 1s"#,
    ),
    (
        "a handler captures it",
        r#"on line /TOKEN: .*/ { capture secret made from /TOKEN: (\w+)/ }  send "GET"  expect line "OK"  sleep 1s"#,
    ),
    (
        "an arm makes it of its group",
        r#"send "GET"  expect { line /TOKEN: (?<t>\w+)/ -> { compute secret made = t } }  expect line "OK""#,
    ),
    (
        "an arm says that its group is secret",
        r#"send "GET"  expect { line "never" -> {} secret line /TOKEN: (?<made>\w+)/ -> { log "came" } }  expect line "OK""#,
    ),
    (
        "a handler says that its group is secret",
        r#"on secret line /TOKEN: (?<made>\w+)/ { log "came" }  send "GET"  expect line "OK"  sleep 1s"#,
    ),
    (
        "a handler in a step says so, and its line is cut by a send",
        r#"step "s" { on secret /TOKEN: (?<made>\w+)/ { log "came" }  send "CUT"  sleep 100ms  send "unheard"  sleep 1s }"#,
    ),
    (
        "a first attempt fails in a procedure before it makes it",
        r#"procedure fetch(n) { send "GET"  expect line /TOKEN: (?<t>\w+)/  expect line "OK"  sleep 1s  assert n == 2, "${t}?"  compute secret made = t }
compute n = 0  step "s" retry 3 every 1s { compute n = n + 1  call fetch(n) }"#,
    ),
    (
        "clean-up captures what came before",
        r#"step "s" { finally { capture secret made from /TOKEN: (\w+)/ }  send "GET"  expect line "OK" }"#,
    ),
    (
        "clean-up captures what came before its step",
        r#"send "GET"  expect line "OK"  step "s" { finally { capture secret made from /TOKEN: (\w+)/ }  log "x" }"#,
    ),
    (
        "a send cuts the line of a handler",
        r#"on line /TOKEN: (?<t>\w+)/ { compute secret made = t }
send "CUT"  sleep 100ms  send "unheard"  sleep 1s"#,
    ),
    (
        "a handler gives what becomes one later",
        r#"on line /TOKEN: (?<t>\w+)/ { compute late = t }  send "GET"  expect line "OK"  sleep 1s
step "s" { compute secret made = late }"#,
    ),
    (
        "another statement puts something into a secret variable",
        r#"compute secret made = "nothing"  send "GET"  expect line /TOKEN: (?<t>\w+)/  expect line "OK"  sleep 1s  compute made = t"#,
    ),
    (
        "a wait for an answer finds it when it is told already",
        r#"send "GET"  sleep 1s  expect secret line /TOKEN: (?<made>\w+)/  expect line "OK""#,
    ),
    (
        "another match stands between the pause and the wait",
        r#"send "PAIR"  expect quiet for 200ms  expect line "HEAD"  expect secret line /TOKEN: (?<made>\w+)/"#,
    ),
    (
        "other matches stand between the pause and the read",
        r#"send "PAIR"  sleep 1s  expect all { line "HEAD" }  read 7 bytes as x  read 17 bytes as secret made"#,
    ),
    (
        "a match and a read until stand between",
        r#"send "PAIR"  step "x" { sleep 1s }  expect "HEAD"  read until /TOKEN: / as x  read 17 bytes as secret made"#,
    ),
    (
        "a match stands before the block that waits",
        r#"send "PAIR"  sleep 1s  expect line "HEAD"  if true { try { expect secret line /TOKEN: (?<made>\w+)/ } }"#,
    ),
    (
        "it is computed behind further matches",
        r#"send "PAIR"  sleep 1s  expect line "HEAD"  expect line /TOKEN: (?<a>\w+)/  expect line "OK"  compute secret made = a"#,
    ),
    (
        "nobody asked for it",
        r#"send "MORE"  sleep 1s  step "s" { expect line "OK" }  step "t" { await secret line /TOKEN: (?<made>\w+)/ }"#,
    ),
    (
        "a run fails behind it",
        r#"try { send "GET"  expect line /TOKEN: (?<t>\w+)/  sleep 1s  call keep(t)  fail "it was ${t}" }"#,
    ),
];

#[test]
fn shapes_that_once_showed_a_secret_hide_it() {
    let whole = |body: &str| format!("{BEGINNING}{body}\nsend \"AT\"  expect line \"OK\"\n");
    let all = SHAPES.iter().flat_map(|shape| [(shape, 1), (shape, usize::MAX)]);
    assert_none(all.filter_map(|((what, body), chunk)| shows(what, &whole(body), chunk).err()).collect());
}

#[test]
fn a_failure_is_shown_with_the_secrets_that_clean_up_makes() {
    let flow = format!(
        r#"{BEGINNING}
finally {{ compute secret made = t }}
send "GET"  expect line /TOKEN: (?<t>\w+)/  expect line "OK"
step "s" {{ assert t == "other", "it is ${{t}}" }}"#
    );
    assert_eq!(shows("a failure before the clean-up", &flow, usize::MAX), Ok(()));
}

#[test]
fn a_device_tells_no_secret_that_it_learns_later() {
    let handlers = [
        r"on line /TOKEN: (?<seen>\w+)/ { compute secret made = seen }",
        r"on line /TOKEN: (?<seen>\w+)/ { sleep 100ms  compute secret made = seen }",
        r"on secret line /TOKEN: (?<made>\w+)/ { log made }",
        r"on line /TOKEN: (?<seen>\w+)/ { after 100ms { compute secret made = seen } }",
        r#"state kept = "none" on line /TOKEN: (?<seen>\w+)/ { compute kept = seen } on line "NOW" { compute secret made = kept }"#,
        r"procedure keep(x) { compute secret made = x } on line /TOKEN: (?<seen>\w+)/ { call keep(seen) }",
    ];
    for handler in handlers {
        let device = format!("device \"d\" {handler} on line \"AT\" {{ reply \"OK\" }}");
        let flow = format!(
            "flow \"t\" send \"TOKEN: {PLAIN}\" sleep 1s send \"NOW\" sleep 1s send \"AT\" expect line \"OK\" within 1s"
        );
        let outcome = Run::texts(&flow, &device).go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{handler}\n{}", outcome.report);
        let told = shown(&outcome.device_events);
        for piece in PIECES {
            assert!(!told.contains(piece), "{handler}: `{piece}` shows\n{told}");
        }
    }
}

#[test]
fn the_work_does_not_double_with_each_loop_around_a_secret() {
    // With 60 loops, the most that a file may have inside of each other, doubling would never end.
    for (open, close) in [
        ("repeat 2 { compute b = a ", " compute a = b }"),
        ("repeat 2 { on line /(?<a>x)/ { compute b = a ", " } }"),
        ("for x in [1] { try { compute b = a ", " compute a = b } }"),
        ("repeat 2 { step \"s\" { finally { compute b = a } ", " } compute a = b }"),
    ] {
        let n = if open.matches('{').count() > 1 { 30 } else { 60 };
        let body = format!("{}compute secret made = a{}", open.repeat(n), close.repeat(n));
        let flow =
            format!("flow \"t\"\ncompute a = \"abcd\"  compute b = \"y\"\n{body}\nsend \"AT\" expect line \"OK\"");
        let checked = support::check_text("t.flow", &flow);
        assert!(checked.program.is_some(), "{:?}", checked.problems.first().map(|problem| &problem.message));
    }
}

#[test]
fn what_is_no_secret_is_told_before_a_secret_is_made_of_something_else() {
    // A hold begins with what the secret is received in, not before.
    let flow = r#"flow "t"
secret key = "abcdefgh"
step "first" { send "AT"  expect line "OK"  compute secret sign = hex(key) }
step "second" { send "GET"  expect line /TOKEN: (?<t>\w+)/  expect line "OK"  compute secret made = t }
step "third" { send "AT"  expect line "OK"  capture secret again from /(OK\w*)/ }"#;
    let checked = support::check_text("t.flow", flow);
    let program = support::program(checked);
    let holds = program.ops.iter().filter(|op| matches!(op, flowrun::program::Op::Hold)).count();
    assert_eq!(holds, 2, "one in the second step and one in the third");
}

#[test]
fn a_secret_that_comes_in_gbk_is_named_where_a_message_reads_the_input_as_gbk() {
    // The device sends the secret, and more, in two bytes a character.
    let device = r#"device "d" on line "A" { send raw x"b9a4b3a7b2e2cad4"  send raw x"d6d0b9fa0d0a" }"#;
    let flow = "flow \"t\"\nsecret key = \"工厂测试\"\nsend \"A\"  expect line \"ready\" within 1s\n";
    let outcome = Run::texts(flow, device).go();
    assert!(outcome.report.contains("`«key»中国`"), "{}", outcome.report);
    assert!(!format!("{}{:?}", outcome.report, outcome.events).contains("测试"), "{}", outcome.report);
    // What stands there as bytes is not read at all.
    let bytes = flow.replace("\"工厂测试\"", "x\"b9a4b3a7b2e2cad4\"");
    let outcome = Run::texts(&bytes, device).go();
    assert!(!outcome.report.contains("厂") && outcome.report.contains("looks like GBK"), "{}", outcome.report);
}
