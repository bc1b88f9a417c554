//! No secret is in any output, whatever form it has, wherever its bytes are cut, and whatever the flow does meanwhile.
//!
//! A case is made from a number: a secret, a form in which the device sends it, cuts in what it sends, and the statements of
//! the flow that get it. The forms are written here a second time, a symbol at a time, so that the search and its test do not
//! share a fault. `FLOWRUN_LEAKS=100000 cargo test --test leaks` tries as many cases; `FLOWRUN_LEAKS_FROM` is the first.

mod support;
mod written;

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use flowrun::engine::{Engine, Inputs, PortInputs};
use flowrun::event::{Event, EventKind, Progress, Waiting};
use flowrun::port::{Happening, PortCommand, PortId};
use flowrun::program::Program;
use flowrun::record::{HoldBack, Recorder, Recording};
use flowrun::replay::{ReplayWorld, Timing};
use flowrun::report::Sink;
use flowrun::report::console::{Console, Status, Volume};
use flowrun::report::failure::render_failure;
use flowrun::report::html::render_run as render_page;
use flowrun::report::jsonl::render_jsonl;
use flowrun::report::transcript::{Times, Transcript};
use flowrun::sim::SimWorld;
use flowrun::stress::{Bench, Campaign, Choice, Fault};
use flowrun::time::Moment;
use flowrun::value::Value;
use flowrun::value::random::Rng;
use flowrun::world::{self, Audience, Company, Memory, Nobody, Tap, World};
use written::{Draw, core, form, pieces, secret};

/// So many cases are tried by the suite.
const CASES: u64 = 200;

/// Cases that once showed a secret: a send stood between the lines of a wrapped one, a read began in the middle of a long one.
const ONCE: [u64; 5] = [7462, 15157, 23160, 54614, 56334];

/// A case.
#[derive(Debug)]
struct Case {
    secret: Vec<u8>,
    /// What the device sends, in pieces, with the pauses before them.
    sends: Vec<(u64, Vec<u8>)>,
    flow: String,
    /// What may not show, as bytes.
    pieces: Vec<Vec<u8>>,
    seed: u64,
}

/// Draws a case.
fn case(seed: u64) -> Case {
    let mut draw = Draw(Rng::from_seed(seed));
    let secret = secret(&mut draw);
    let core = core(&secret).to_vec();
    let form = form(&core, &mut draw);
    let before = draw.one(&["", "k=", "id 7: ", "{\"password\":\"", "\r\n"]).as_bytes().to_vec();
    let after = draw.one(&["", ";", "\"}", " end", ","]).as_bytes().to_vec();
    let mut text = before;
    let begin = text.len();
    for (before, symbol) in &form.symbols {
        text.extend_from_slice(before);
        text.extend_from_slice(symbol);
    }
    let end = text.len();
    text.extend_from_slice(&after);
    let n_read = text.len();
    text.extend_from_slice(b"\r\nOK\r\n");
    // Cuts mostly stand inside of the secret.
    let mut cuts: Vec<usize> = (0..draw.below(4))
        .map(|_| if draw.is(4) { draw.below(text.len()) } else { begin + draw.below(end - begin) })
        .collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let pause = *draw.one(&[0, 20, 200, 1000]);
    let sends = cuts.windows(2).map(|cut| (pause, text[cut[0]..cut[1]].to_vec())).collect();
    let flow = statements(n_read, &mut draw);
    let flow = format!("flow \"t\"\nserial {{ echo off }}\nsecret key\nsend \"GO\"\n{flow}\n");
    Case { secret, sends, flow, pieces: pieces(&form), seed }
}

/// Draws what the flow does to get it.
fn statements(n_read: usize, draw: &mut Draw) -> String {
    let first = 1 + draw.below(n_read - 1);
    let rest = n_read - first;
    let wait = *draw.one(&[10, 150, 500]);
    match draw.below(14) {
        0 => "expect line \"OK\" within 1m".to_string(),
        1 => format!(
            "read {first} bytes as a  read {rest} bytes as b  expect line \"OK\" within 1m  log \"a: ${{a}}\"  log b"
        ),
        2 => format!(
            "expect within {wait}ms {{ line \"NO\" -> {{}} timeout -> {{ log \"waiting\" }} }}  expect line \"OK\" within 1m"
        ),
        3 => format!("sleep {wait}ms  send \"AT\"  expect line /.*/ within 10s  expect line \"OK\" within 1m"),
        4 => format!("expect line \"NO\" within {wait}ms"),
        5 => format!("try {{ expect line \"NO\" within {wait}ms }}  expect line \"OK\" within 1m"),
        6 => {
            format!("read {first} bytes as a within {wait}ms  sleep {wait}ms  send raw a  expect line \"OK\" within 1m")
        }
        7 => "read until \"OK\" as x within 1m  log \"it is ${x}\"  fail \"it was ${x}\"".to_string(),
        8 => format!("expect line /(?<x>.{{3,}})/ within 1m  log \"it is ${{x}}\"  assert x == \"{wait}\", \"${{x}}\""),
        9 => format!("fail on line /.{{8,}}/  step \"s\" retry 2 {{ expect line \"OK\" within {wait}ms }}"),
        10 => format!("expect none line \"OK\" for {wait}ms  await line \"OK\" within 1m"),
        11 => format!(
            "on line /(?<t>.*)/ {{ log \"got ${{t}}\" }}  sleep {wait}ms  send \"AT\"  sleep 10s  assert 1 == 1"
        ),
        12 => {
            "send raw key  expect line \"OK\" within 1m  send \"K=${key}\"  log \"${key}\"  fail \"${key}\"".to_string()
        }
        _ => format!("repeat 3 {{ read {} bytes as a  log a }}", 1 + first / 3),
    }
}

/// Returns a device that sends what a case sends.
fn device(case: &Case) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let send = |(pause, bytes): &(u64, Vec<u8>)| format!("sleep {pause}ms  send raw x\"{}\"\n", hex(bytes));
    let sends: String = case.sends.iter().map(send).collect();
    format!("device \"d\"\nserial {{ echo off }}\non line \"GO\" {{ {sends} }}\non line /.*/ {{ }}\n")
}

/// Everything that a run wrote, with what each is.
type Written = Vec<(&'static str, Vec<u8>)>;

fn inputs(program: &Program, secret: Option<&[u8]>) -> Inputs {
    let value = |secret: &[u8]| ("key".to_string(), Value::Text(secret.to_vec()));
    Inputs {
        variables: secret.map(value).into_iter().collect::<HashMap<_, _>>(),
        seed: 1,
        begun: support::BEGUN,
        file: "t.flow".to_string(),
        ports: vec![PortInputs::serial("sim", &program.settings)],
    }
}

/// Gathers events, and what the status line says meanwhile.
struct Gather<'a> {
    events: Vec<Event>,
    console: Console<'a, &'a mut Vec<u8>>,
    transcript: Transcript<'a, &'a mut Vec<u8>>,
}

impl Audience for Gather<'_> {
    fn tell(&mut self, event: &Event) {
        self.console.tell(event).expect("memory takes everything");
        self.transcript.tell(event).expect("memory takes everything");
        self.events.push(event.clone());
    }

    fn waiting(&mut self, now: Moment, why: &Waiting) {
        self.console.waiting(now, why).expect("memory takes everything");
    }

    fn looks_every(&self) -> Option<Duration> {
        Some(Duration::from_millis(250))
    }

    fn progress(&mut self, progress: &Progress) {
        self.console.progress(progress);
    }
}

/// A recorder that keeps the secrets that it was told last.
struct Keeping<'a> {
    recorder: Recorder<&'a mut Vec<u8>>,
    secrets: Vec<(Arc<str>, Vec<u8>)>,
}

impl Tap for Keeping<'_> {
    fn performed(&mut self, port: PortId, command: &PortCommand) {
        self.recorder.performed(port, command);
    }

    fn happened(&mut self, now: Moment, happening: &Happening, received: &[u8]) {
        self.recorder.happened(now, happening, received);
    }

    fn waiting(&mut self, secrets: &[(Arc<str>, Vec<u8>)]) {
        self.recorder.waiting(secrets);
        self.secrets = secrets.to_vec();
    }

    fn has_unwritten(&self) -> bool {
        self.recorder.has_unwritten()
    }

    fn write_out(&mut self) {
        self.recorder.write_out();
    }
}

/// Runs a flow in a world; returns everything that was written.
fn run(flow: &Arc<Program>, secret: &[u8], world: &mut dyn World) -> Written {
    let mut engine = Engine::new(flow.clone(), inputs(flow, Some(secret)));
    let (mut console, mut transcript, mut recording) = (Vec::new(), Vec::new(), Vec::new());
    let sources = flow.sources.clone();
    let mut gather = Gather {
        events: Vec::new(),
        console: Console::new(&mut console, &sources, support::LOOK, Volume::Normal, Status::Shown),
        transcript: Transcript::new(&mut transcript, &sources, Times::Shown),
    };
    let recorder = Recorder::new(Recording::default(), HoldBack::Least, &mut recording);
    let mut tap = Keeping { recorder, secrets: Vec::new() };
    let company = Company {
        keeper: &mut Memory::default(),
        audience: &mut gather,
        person: &mut Nobody,
        tap: Some(&mut tap),
        hooks: None,
    };
    world::run(&mut engine, world, company);
    gather.console.end().expect("memory takes everything");
    gather.transcript.end().expect("memory takes everything");
    let events = gather.events;
    tap.recorder.finish(&tap.secrets).expect("memory takes everything");
    let report = engine.failure().map_or(String::new(), |failure| render_failure(failure, &sources, support::LOOK));
    let jsonl = render_jsonl(&events, &sources);
    let first = jsonl.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    vec![
        ("recording", recording),
        ("console", console),
        ("transcript", transcript),
        ("page", support::without_texts_of_ours(&render_page(&events, &sources, &[]))),
        ("report", report.into_bytes()),
        ("events as JSON", jsonl[first..].to_vec()),
        ("events", events.iter().flat_map(bytes_of).collect()),
    ]
}

/// Returns the bytes of an event as they are.
fn bytes_of(event: &Event) -> Vec<u8> {
    let bytes = match &event.kind {
        EventKind::Sent { bytes }
        | EventKind::Received { bytes, .. }
        | EventKind::Matched { text: bytes, .. }
        | EventKind::Captured { value: bytes, .. }
        | EventKind::HookSaid { text: bytes }
        | EventKind::Logged { text: bytes } => bytes.clone(),
        EventKind::Failed(failure) | EventKind::CleanupFailed(failure) => format!("{failure:?}").into_bytes(),
        EventKind::Measured(measured) => format!("{measured:?}").into_bytes(),
        EventKind::Transfer(file) => format!("{file:?}").into_bytes(),
        EventKind::Noted { text } | EventKind::Skipped { why: text } => text.clone().into_bytes(),
        EventKind::RunStarted(_)
        | EventKind::StepBegan { .. }
        | EventKind::StepEnded { .. }
        | EventKind::Opened
        | EventKind::Closed(_)
        | EventKind::Saved { .. }
        | EventKind::RunEnded { .. } => Vec::new(),
    };
    [bytes, b"\n".to_vec()].concat()
}

/// Fails if a piece of the secret is in an output.
fn search(case: &Case, written: &Written, what: &str) {
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for (name, bytes) in written {
        for piece in &case.pieces {
            assert!(
                memchr::memmem::find(bytes, piece).is_none(),
                "case {}: `{}` is in the {name} of {what}\nthe secret: {:?}\n{}\n{}\n{}",
                case.seed,
                shown(piece),
                shown(&case.secret),
                case.flow,
                device(case),
                shown(bytes),
            );
        }
    }
}

/// Tries one case.
fn try_case(seed: u64) {
    let case = case(seed);
    let flow = support::program(support::check_text("t.flow", &case.flow));
    let device = support::program(support::check_text("device.flow", &device(&case)));
    let device_engine = || Engine::new(device.clone(), inputs(&device, None));
    let written = run(&flow, &case.secret, &mut SimWorld::new(device_engine()));
    search(&case, &written, "the run");
    let recording = String::from_utf8(written[0].1.clone()).expect("a recording is UTF-8");
    let recording = Recording::read(&recording).unwrap_or_else(|why| panic!("case {seed}: {why}\n{recording}"));
    let secrets = [(Arc::from("key"), case.secret.clone())];
    let written = run(&flow, &case.secret, &mut ReplayWorld::new(&recording, &secrets, Timing::Same));
    search(&case, &written, "the replay");
    if seed.is_multiple_of(16) {
        let written = run(&flow, &case.secret, &mut ReplayWorld::new(&recording, &[], Timing::Same));
        search(&case, &written, "the replay without the secret");
        let bench =
            Bench::new(flow.clone(), inputs(&flow, Some(&case.secret)), vec![(device.clone(), inputs(&device, None))]);
        let choice = Choice::Faults(Fault::ALL.into_iter().filter(|fault| fault.is_benign()).collect());
        let report = match flowrun::stress::run(&bench, &Campaign { runs: 8, seed, choice }) {
            Ok(report) => report.findings.into_iter().map(|finding| finding.trial.failure).collect(),
            Err(ideal) => vec![ideal.failure],
        };
        search(&case, &vec![("failures", format!("{report:?}").into_bytes())], "stress");
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().expect("it is a number"))
}

#[test]
fn no_output_of_any_run_has_a_secret_in_it() {
    let from = number("FLOWRUN_LEAKS_FROM", 0);
    let n_cases = number("FLOWRUN_LEAKS", CASES);
    for seed in (from..from + n_cases).chain(ONCE) {
        try_case(seed);
    }
}

/// The secret of the flows below.
const KEY: &str = "Tr0ub4dor-9Kx7Qm2Z";

/// What once showed a secret: what it is, the flow, what the device does, and what may not show.
const SHAPES: &[(&str, &str, &str, &[&str])] = &[
    (
        "the boundary of two reads is in it",
        r#"send "AT"  read 20 bytes as a  log a  read 20 bytes as b  log b  expect line "OK""#,
        r#"on line "AT" { send raw "xxxxxxxxxxxTr0ub4dor-9Kx7Qm2Zyyyyyyyyyyy"  reply "OK" }"#,
        &["Tr0ub", "Kx7Q"],
    ),
    (
        "a timeout arm cuts it",
        r#"send "AT"  expect within 300ms { line "NO" -> {} timeout -> { log "waiting" } }  expect line /.*Z/ within 3s"#,
        r#"on line "AT" { send raw "k=Tr0ub4dor"  sleep 1s  send raw "-9Kx7Qm2Z\r\n" }"#,
        &["Tr0ub", "Kx7Q"],
    ),
    (
        "a timeout cuts it, and the report shows what came",
        r#"send "AT"  expect line "NO" within 300ms"#,
        r#"on line "AT" { send raw "k=Tr0ub4dor" }"#,
        &["Tr0ub"],
    ),
    (
        "a send cuts it",
        r#"send "AT"  sleep 100ms  send "X"  expect line /.*Z/ within 3s"#,
        r#"on line "AT" { send raw "k=Tr0ub4dor"  sleep 1s  send raw "-9Kx7Qm2Z\r\n" }"#,
        &["Tr0ub", "Kx7Q"],
    ),
    (
        "the end of the run cuts it",
        r#"send "AT"  expect "k=" within 3s  sleep 10ms"#,
        r#"on line "AT" { send raw "k=Tr0ub4dor" }"#,
        &["Tr0ub"],
    ),
    (
        "it is wrapped, and the report parts the lines",
        r#"send "AT"  expect line "NO" within 300ms"#,
        r#"on line "AT" { send raw "k=Tr0ub4d\r\nor-9Kx7Qm2Z\r\n" }"#,
        &["Tr0ub", "Kx7Q"],
    ),
    (
        "a group takes a part of it",
        r#"send "AT"  expect line /k=(?<x>.{9}).*/ within 3s  log x  fail "it was ${x}""#,
        r#"on line "AT" { send raw "k=Tr0ub4dor-9Kx7Qm2Z\r\n" }"#,
        &["Tr0ub"],
    ),
    (
        "a send stands between its lines",
        r#"on line /(?<t>.*)/ { log "got ${t}" }  send "AT"  sleep 100ms  send "X"  sleep 1s  assert 1 == 1"#,
        r#"on line "AT" {
  repeat 40 { send raw "a line of the log\r\n" }
  send raw "Tr0ub4dor\r\n"  sleep 300ms  send raw "-9Kx7Qm2Z\r\n"
}
on line /.*/ { }"#,
        &["Tr0ub", "Kx7Q"],
    ),
    (
        "a large secret comes later",
        r#"compute a = "x"  repeat 17 { compute a = a + a }  compute secret big = "y" + a
send "AT ${key}"  expect line "OK"  log "key ${key}""#,
        r#"on line /.*/ { reply "OK" }"#,
        &["Tr0ub"],
    ),
    (
        "large secrets are read",
        r#"repeat 4 { send "B"  read 20000 bytes as secret body within 30s }  flush
send "AT ${key}"  expect line "OK""#,
        r#"on line /AT.*/ { reply "OK" } on line "B" { compute a = random_text(20000)  send raw a }"#,
        &["Tr0ub"],
    ),
];

#[test]
fn what_once_showed_a_secret_hides_it() {
    for (what, body, handlers, pieces) in SHAPES {
        let flow = format!("flow \"t\"\nserial {{ echo off }}\nsecret key\n{body}\n");
        let device = format!("device \"d\"\nserial {{ echo off }}\n{handlers}\n");
        let case = Case {
            secret: KEY.as_bytes().to_vec(),
            sends: Vec::new(),
            flow,
            pieces: pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect(),
            seed: 0,
        };
        let program = support::program(support::check_text("t.flow", &case.flow));
        let device = support::program(support::check_text("device.flow", &device));
        let device = Engine::new(device.clone(), inputs(&device, None));
        let written = run(&program, &case.secret, &mut SimWorld::new(device));
        search(&case, &written, what);
        let transcript = String::from_utf8_lossy(&written[2].1);
        let is_cut = what.ends_with("cuts it");
        assert!(!is_cut || transcript.contains("«key…»"), "{what}: the cut waits for the rest\n{transcript}");
        assert!(transcript.contains("«key") || transcript.contains("key»"), "{what}: nothing is named\n{transcript}");
    }
}

/// Cases that the program is tried with, not its parts.
const WHOLE: u64 = 6;

#[test]
fn no_file_and_no_report_of_the_program_has_a_secret_in_it() {
    for seed in 0..WHOLE {
        let case = case(seed);
        let folder = tempfile::tempdir().expect("a folder can be made");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("there is room");
        let flow = case.flow.replacen('\n', "\nsim \"device.flow\"\n", 1);
        write("t.flow", &flow);
        write("device.flow", &device(&case));
        let files = ["--transcript", "t", "--events", "e", "--record", "r"];
        let commands: [&[&str]; 5] = [
            &[&["t.flow", "--port", "sim"], &files[..]].concat(),
            &["t.flow", "--port", "replay:r"],
            &["test", "t.flow", "--report", "junit=j.xml", "--report", "tap=j.tap", "--report", "json=j.json"],
            &["stress", "t.flow", "--runs", "8"],
            &["sim", "--from", "r"],
        ];
        let mut written = Written::new();
        for command in commands {
            let output = Command::new(env!("CARGO_BIN_EXE_flowrun"))
                .current_dir(folder.path())
                .args(command)
                .env("FLOWRUN_VAR_KEY", std::str::from_utf8(&case.secret).expect("it is text"))
                .output()
                .expect("it can be started");
            assert!(output.status.code() != Some(2), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
            written.extend([("console", output.stdout), ("errors", output.stderr)]);
        }
        let own = ["t.flow", "device.flow"];
        let mut folders = vec![folder.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("it can be read") {
                let path = entry.expect("it can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else if !own.iter().any(|name| path.ends_with(name)) {
                    let mut bytes = std::fs::read(&path).expect("it can be read");
                    // The first line of the events has the texts of both files.
                    if path.ends_with("e") {
                        let first = bytes.iter().position(|byte| *byte == b'\n').expect("it has lines");
                        bytes.drain(..first);
                    }
                    written.push(("files", bytes));
                }
            }
        }
        search(&case, &written, "the program");
    }
}
