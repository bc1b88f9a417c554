//! Nothing panics, hangs or grows without bound, whatever it is given.

mod support;

use std::collections::HashMap;
use std::path::Path;

use flowrun::check::check;
use flowrun::engine::{Action, Engine, Input, Inputs, Output, PortInputs};
use flowrun::event::{HookCall, HookEnd, HookNews};
use flowrun::format::format;
use flowrun::load::load;
use flowrun::port::{PortCommand, PortId};
use flowrun::record::Recording;
use flowrun::replay::{ReplayWorld, device_file};
use flowrun::source::{Source, Sources};
use flowrun::time::Moment;
use proptest::prelude::*;

/// Pieces of flows: most texts made of them are wrong, and many nearly right.
const WORDS: &[&str] = &[
    "flow",
    "device",
    "library",
    "\"t\"",
    "send",
    "expect",
    "line",
    "\"OK\"",
    "/a(?<x>\\d+)/",
    "/(/",
    "{",
    "}",
    "->",
    "within",
    "5s",
    "99999999999h",
    "timeout",
    "step",
    "retry",
    "3",
    "repeat",
    "until",
    "if",
    "else",
    "x",
    "==",
    "and",
    "not",
    "(",
    ")",
    "[",
    "]",
    ",",
    "capture",
    "secret",
    "from",
    "json(x, \"$.a\")",
    "compute",
    "=",
    "procedure",
    "p",
    "call",
    "p()",
    "on",
    "fail on",
    "fail now",
    "unless",
    "ignore",
    "finally",
    "try",
    "save",
    "log",
    "\"${x}\"",
    "\"${\"",
    "`",
    "x\"0d\"",
    "read",
    "bytes as",
    "await",
    "all",
    "none",
    "prompt",
    "# note\n",
    "\n",
    "\"",
    "/",
    "\\",
    "use",
    "sim",
    "param",
    "serial",
    "baud",
    "state",
    "reply",
    "after",
    "é",
    "\u{feff}",
    "-",
    "%",
    "*",
    "as",
    "state n = 0",
    "port",
    "port a { }",
    "using",
    "using a",
    "use \"l\" for a",
    "hook",
    "hook \"h\", x",
    "on hook \"h\" (x)",
    "wire w = \"off\"",
    "on wire w",
    "compute w = x",
];

fn flowish() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..60).prop_map(|words| words.join(" "))
}

/// Statements that are right wherever they stand; blocks hold others.
fn statement() -> impl Strategy<Value = String> {
    let pattern = prop::sample::select(
        &[
            "line \"OK\"",
            "\"OK\"",
            "line /\\+X: (?<v>\\d+)/",
            "/a(?<v>.)b/",
            "prompt \"> \"",
            "x\"00 ff\"",
            "line /.*R.*/",
        ][..],
    );
    let leaf = prop_oneof![
        prop::sample::select(&["AT", "", "${v}", "long long long line"][..])
            .prop_map(|text| format!("send \"{text}\"")),
        (pattern.clone(), 1..900u32).prop_map(|(pattern, ms)| format!("expect {pattern} within {ms}ms")),
        (pattern.clone(), 1..900u32).prop_map(|(pattern, ms)| format!("await {pattern} within {ms}ms")),
        (pattern.clone(), 1..90u32).prop_map(|(pattern, ms)| format!("expect none {pattern} for {ms}ms")),
        (1..99u32).prop_map(|ms| format!("expect quiet for {ms}ms within 1s")),
        (0..20u32).prop_map(|n| format!("read {n} bytes as v within 300ms")),
        (pattern.clone(), 1..300u32).prop_map(|(pattern, ms)| format!("read until {pattern} as v within {ms}ms")),
        (1..90u32).prop_map(|ms| format!("read until quiet for {ms}ms as v within 300ms")),
        (1..900u32).prop_map(|ms| format!("sleep {ms}ms")),
        Just("compute v = v + \"x\"".to_string()),
        Just("log \"${v} ${hex(v)}\"".to_string()),
        Just("capture w from /(\\d)/".to_string()),
        (prop::sample::select(&["h", "never", "fails"][..]), 1..900u32)
            .prop_map(|(name, ms)| format!("hook \"{name}\", v within {ms}ms")),
        Just("flush".to_string()),
        Just("echo off".to_string()),
        Just("assert len(v) < 9, \"long\"".to_string()),
        (pattern.clone()).prop_map(|pattern| format!("on {pattern} {{ log \"on\" }}")),
        (pattern.clone()).prop_map(|pattern| format!("fail on {pattern}")),
        (pattern.clone()).prop_map(|pattern| format!("fail now on {pattern}")),
        Just("fail now \"over\"".to_string()),
        (pattern.clone()).prop_map(|pattern| format!("ignore {pattern}")),
        (pattern.clone()).prop_map(|pattern| format!("using b on {pattern} {{ send \"b\" }}")),
        (pattern.clone()).prop_map(|pattern| format!("using b fail on {pattern}")),
        (pattern.clone(), pattern.clone())
            .prop_map(|(a, b)| format!("expect {{ {a} -> {{}} {b} -> {{}} timeout -> {{}} }}")),
        (pattern.clone(), pattern.clone())
            .prop_map(|(a, b)| format!("expect {{ {a} -> {{}} using b {b} -> {{ flush }} timeout -> {{}} }}")),
        (pattern.clone(), pattern).prop_map(|(a, b)| format!("expect all within 90ms {{ using b {a} {b} }}")),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        let block = prop::collection::vec(inner, 1..4).prop_map(|statements| statements.join("\n"));
        prop_oneof![
            block.clone().prop_map(|block| format!("try {{ {block} }}")),
            block.clone().prop_map(|block| format!("step \"s\" retry 2 timeout 2s {{ {block} }}")),
            block.clone().prop_map(|block| format!("step \"u\" retry 1 every 9ms unless /ERR/ {{ {block} }}")),
            block.clone().prop_map(|block| format!("repeat 3 {{ {block} }}")),
            block.clone().prop_map(|block| format!("if len(v) > 1 {{ {block} }}")),
            block.clone().prop_map(|block| format!("using b {{ {block} }}")),
            block.prop_map(|block| format!("if true {{ finally {{ log \"f\" }}\n{block} }}")),
        ]
    })
}

/// What flows wait for.
const KNOWN: &[&[u8]] =
    &[b"\r\nOK\r\n", b"OK", b"\r", b"\n", b"+X: 12\r\n", b"> ", b"a1b", b"\0\xff", b"ERROR\r\n", b"AT\r", b"R"];

/// What comes on a line: mostly lines that flows wait for, and noise.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(KNOWN);
    prop_oneof![4 => known.prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

/// What happens in a run: so long after the last, these bytes come, in pieces of so many; or the run is interrupted.
fn happenings() -> impl Strategy<Value = Vec<(u64, Vec<u8>, usize, bool)>> {
    prop::collection::vec((0..700u64, bytes(), 1..9usize, prop::bool::weighted(0.02)), 0..40)
}

/// Runs a hook as its name says; one that never ends is given up by the engine.
fn run_hook(engine: &mut Engine, call: &HookCall) {
    let failed = HookEnd::Failed { why: "fails".to_string(), help: "look".to_string() };
    let news = match call.name.as_str() {
        "never" => vec![HookNews::Said(call.arguments.concat())],
        "fails" => vec![HookNews::LeftOut(3), HookNews::Ended(failed)],
        _ => vec![HookNews::Said(b"a\r\nb".to_vec()), HookNews::Ended(HookEnd::Done), HookNews::Ended(HookEnd::Done)],
    };
    news.into_iter().for_each(|news| engine.handle(engine.now(), Input::Hook(news)));
}

/// Runs a flow on what happens; afterwards the line stays silent. Fails if it does not end.
fn run(text: &str, happenings: &[(u64, Vec<u8>, usize, bool)]) -> Result<(), TestCaseError> {
    let checked = support::check_text("chaos.flow", text);
    let shown = support::shown(&checked.problems, &checked);
    let Some(program) = checked.program else {
        return Err(TestCaseError::reject(shown));
    };
    let inputs = Inputs {
        variables: HashMap::new(),
        seed: 1,
        begun: support::BEGUN,
        file: "chaos.flow".to_string(),
        ports: match program.ports.as_slice() {
            [] => vec![PortInputs::serial("none", &program.settings)],
            several => several.iter().map(|port| PortInputs::serial(&*port.name, &port.settings)).collect(),
        },
    };
    let n_ports = inputs.ports.len();
    let mut engine = Engine::new(std::sync::Arc::new(program), inputs);
    let mut next = Moment::START;
    let mut left = happenings.iter();
    let mut coming: Option<&(u64, Vec<u8>, usize, bool)> = None;
    for _ in 0..200_000 {
        match engine.poll() {
            Output::Event(_) => {}
            Output::Act(Action::Port(port, PortCommand::Open { .. })) => {
                engine.handle(engine.now(), Input::Opened(port))
            }
            Output::Act(Action::Port(_, PortCommand::Write { token, .. })) => {
                engine.handle(engine.now(), Input::Sent(token))
            }
            Output::Act(Action::Port(..)) => {}
            Output::Act(Action::Save { .. } | Action::KeepFile { .. }) => {
                engine.handle(engine.now(), Input::Kept(Ok(())))
            }
            Output::Act(Action::Ask { .. }) => engine.handle(engine.now(), Input::Answered(None)),
            Output::Act(Action::Hook(call)) => run_hook(&mut engine, &call),
            Output::Act(Action::Wire { .. }) => {}
            Output::Wait { until, .. } => {
                if coming.is_none() {
                    coming = left.next();
                    next = engine.now() + std::time::Duration::from_millis(coming.map_or(0, |(ms, ..)| *ms));
                }
                match (coming, until) {
                    (Some((_, bytes, chunk, is_interrupt)), _) if until.is_none_or(|until| next <= until) => {
                        let port = PortId::new(chunk % n_ports).expect("there are two at most");
                        for piece in bytes.chunks(*chunk) {
                            engine.handle(next, Input::Received(port, piece));
                        }
                        if *is_interrupt {
                            engine.handle(next, Input::Interrupt);
                        }
                        coming = None;
                    }
                    (_, Some(until)) => engine.handle(until, Input::Tick),
                    (_, None) => return Err(TestCaseError::fail("it waits for ever")),
                }
            }
            Output::Done(_) => return Ok(()),
        }
    }
    Err(TestCaseError::fail(format!("it does not end: {text}")))
}

/// Returns how many cases there are of a property: so many, or as many as `PROPTEST_CASES` says.
fn cases(cases: u32) -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
    let cases = wanted.unwrap_or(cases);
    let max_global_rejects = cases.saturating_mul(25).max(10_000);
    ProptestConfig { cases, failure_persistence: None, max_global_rejects, ..ProptestConfig::default() }
}

fn read_all(text: &str) {
    let reader = |_: &Path| Ok(text.as_bytes().to_vec());
    let checked = check(load(Path::new("chaos.flow"), &reader));
    support::shown(&checked.problems, &checked);
    let mut sources = Sources::default();
    let source = Source::new("chaos.flow", text);
    let id = sources.add(source.clone());
    if let Ok(formatted) = format(id, &source) {
        let again = Source::new("chaos.flow", formatted.clone());
        let twice = format(sources.add(again.clone()), &again);
        assert_eq!(twice.ok().as_deref(), Some(formatted.as_str()), "formatting twice is formatting once");
    }
}

/// Fails if a file does not load without a mistake, or has not its layout.
fn loads(text: &str) -> Result<(), TestCaseError> {
    let checked = support::check_text("made.flow", text);
    prop_assert!(checked.program.is_some(), "{}\n{text}", support::shown(&checked.problems, &checked));
    let mut sources = Sources::default();
    let source = Source::new("made.flow", text);
    let formatted = format(sources.add(source.clone()), &source).unwrap_or_default();
    prop_assert_eq!(formatted, text);
    Ok(())
}

/// What happened in a recording: how many nanoseconds after the last thing, and what.
fn entry() -> impl Strategy<Value = (u64, String)> {
    let mask = ("[a-z_0-9 -]{0,4}|if|turn_0|_data|tok", "plain|hex|HEX|base64|other|plain@3|hex@1", 0..700usize)
        .prop_map(|(name, form, len)| format!("«{name}/{form}#{len}»"));
    let text = prop::sample::select(
        &["AT", "\\r", "\\n", "\\r\\n", "\\x00\\xff", "$", "${x}", "/", "`", "#", "\\\"", "\\\\", "x"][..],
    );
    let bytes = prop::collection::vec(prop_oneof![3 => text.prop_map(str::to_string), 1 => mask], 0..6);
    let pause = prop_oneof![Just(0), 0..5_000_000_000_u64, Just(40_000_000_000_000_000), Just(u64::MAX / 4)];
    let what = prop_oneof![
        bytes.clone().prop_map(|bytes| format!("> +0.001000000 \"{}\"", bytes.concat())),
        bytes.prop_map(|bytes| format!("< \"{}\"", bytes.concat())),
        Just("open 9600 7E1".to_string()),
        Just("open 0 9X9".to_string()),
        Just("note settings 300 8N2 RTS/CTS".to_string()),
        Just("note break 1s".to_string()),
        ("[a-z\"${} é\\\\]{0,5}", 0..4usize).prop_map(|(name, n)| format!("note hook {name} {n}")),
        Just("note hook-ended".to_string()),
        Just("note hook-ended with \"${x}\"".to_string()),
        Just("closed".to_string()),
    ];
    (pause, what)
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn texts_that_are_nearly_flows_are_parsed_checked_and_formatted(text in flowish()) {
        read_all(&text);
    }

    #[test]
    fn any_text_is_parsed_checked_and_formatted(text in any::<String>()) {
        read_all(&text);
        read_all(&format!("flow \"t\"\n{text}"));
    }

    #[test]
    fn any_text_is_read_as_a_recording(text in "(flowrun recording [12]\n)?([0-9.]{1,12} (#[0-9]{1,6} )?(<|>|open|note|closed) ?\"?.{0,20}\"?\n){0,6}.{0,40}") {
        if let Ok(recording) = Recording::read(&text) {
            prop_assert_eq!(Recording::read(&recording.render()), Ok(recording.clone()));
            let _ = ReplayWorld::new(&recording, &[], flowrun::replay::Timing::Same);
            loads(&device_file(&recording))?;
        }
    }

    #[test]
    fn a_device_made_of_any_recording_loads_and_is_formatted(entries in prop::collection::vec(entry(), 0..20)) {
        let mut at = 0_u64;
        let lines = entries.iter().map(|(pause, what)| {
            at = at.saturating_add(*pause);
            format!("{}.{:09} {what}\n", at / 1_000_000_000, at % 1_000_000_000)
        });
        let text = format!("flowrun recording 2\ntitle \"t\"\nseed 1\nbegun 0\n{}", lines.collect::<String>());
        let recording = Recording::read(&text).map_err(|why| TestCaseError::fail(format!("{why}: {text}")))?;
        loads(&device_file(&recording))?;
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn every_flow_ends_whatever_comes_and_however_it_is_cut(
        statements in prop::collection::vec(statement(), 1..8),
        happenings in happenings(),
        has_ports in prop::bool::ANY,
    ) {
        let body = statements.join("\n");
        let (ports, body) = match has_ports {
            true => ("port a { }\nport b { }\n", body),
            false => ("", body.replace("using b {", "if true {").replace("using b ", "")),
        };
        let text = format!("flow \"chaos\"\n{ports}compute v = \"\"\ncompute w = \"\"\n{body}\nexpect line \"END\" within 1s\n");
        run(&text, &happenings)?;
    }
}

/// xorshift64*, as the tests of `fmt` have it.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % (n.max(1) as u64)) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// What is put into texts: numbers at the ends of their ranges, pieces of regexes, escapes, brackets.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "0", "-1", "255", "65536", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "0x7fffffff",
    "8784h", "8785h", "0ms", "99999999999999999999s", "\"", "`", "/", "{", "}", "(", ")", "[", "]", "->", "\\", "${",
    "#", "\n", "\r", "\0", "\u{feff}", "\u{202e}", "\u{ffff}", "é", "运营商", "( ?u:\\w\\w)", "(?i:é)", "{1000}", "{9,}",
    "[^a]", "(?-m)^", "(?<x>.)", "\\b", "|", "*", "+", "secret ", "raw ", "«k/plain#8»", "«k/hex@3#1048576»", "#1 ",
    "finally { ", "retry 9 ", "\t", "x", "9",
];

/// Returns a text with a few things done to it: pieces left out, doubled, moved, put in.
fn mutated(text: &str, dice: &mut Dice) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(text.len() + 1);
        let longest = 1 + dice.below(60);
        let end = (at + 1 + dice.below(longest)).min(text.len());
        match dice.below(5) {
            0 => drop(text.drain(at..end)),
            1 => {
                let piece = text[at..end].to_vec();
                let to = dice.below(text.len() + 1);
                text.splice(to..to, piece);
            }
            2 => {
                let piece: Vec<char> = text.drain(at..end).collect();
                let to = dice.below(text.len() + 1);
                text.splice(to..to, piece);
            }
            3 => drop(text.splice(at..at, dice.pick(PIECES).chars())),
            _ => drop(text.splice(at..end, dice.pick(PIECES).chars())),
        }
    }
    text.into_iter().collect()
}

/// Runs a flow or a device for a while on what such programs wait for; whether it ends is the matter of another test.
fn run_for_a_while(text: &str, dice: &mut Dice) {
    let checked = support::check_text("chaos.flow", text);
    let Some(program) = checked.program else { return };
    let begun = if dice.below(9) == 0 { i64::MAX - 5 } else { support::BEGUN };
    let ports = vec![PortInputs::serial("none", &program.settings)];
    let inputs = Inputs { variables: HashMap::new(), seed: dice.0, begun, file: "chaos.flow".to_string(), ports };
    let mut engine = Engine::new(std::sync::Arc::new(program), inputs);
    for _ in 0..400 {
        match engine.poll() {
            Output::Event(_) => {}
            Output::Act(Action::Port(_, PortCommand::Open { .. })) => {
                engine.handle(engine.now(), Input::Opened(PortId::FIRST));
            }
            Output::Act(Action::Port(_, PortCommand::Write { token, .. })) => {
                engine.handle(engine.now(), Input::Sent(token));
            }
            Output::Act(Action::Port(..)) => {}
            Output::Act(Action::Save { .. } | Action::KeepFile { .. }) => {
                engine.handle(engine.now(), Input::Kept(Ok(())))
            }
            Output::Act(Action::Ask { .. }) => engine.handle(engine.now(), Input::Answered(None)),
            Output::Act(Action::Hook(call)) => run_hook(&mut engine, &call),
            Output::Act(Action::Wire { .. }) => {}
            Output::Wait { until, .. } => match (dice.below(3), until) {
                (0, Some(until)) => engine.handle(until, Input::Tick),
                _ => engine.handle(engine.now(), Input::Received(PortId::FIRST, dice.pick(KNOWN))),
            },
            Output::Done(_) => return,
        }
    }
}

/// Returns what is mutated: every small flow, device and library of the repository.
fn seeds() -> Vec<String> {
    let folders =
        ["tests/rules", "tests/corpus", "tests/corpus/devices", "tests/cases/run", "flows/std", "tests/cases/check"];
    let files = folders.iter().flat_map(|folder| support::flows_in(folder).into_iter().map(move |name| (folder, name)));
    let texts = files.map(|(folder, name)| std::fs::read_to_string(support::repo(&format!("{folder}/{name}.flow"))));
    texts.filter_map(Result::ok).filter(|text| text.len() < 3_000).collect()
}

const RECORDING: &str = "flowrun recording 2\ntitle \"t\"\nseed 1\nbegun 1721620800000\nabout host \"h\"\n\
    variable n \"5\"\n0.000000000 open 9600 7E1\n0.000000000 > +0.001000000 \"AT «k/plain#8»\\r\"\n\
    0.100000000 < \"\\r\\nOK «k/hex@2#4»\\r\\n\"\n0.200000000 note settings 115200 8N1\n\
    0.300000000 > +0.001000000 \"a\\rb\"\n9.000000000 closed\n";

/// `FLOWRUN_CHAOS=1000000` makes so many inputs, `FLOWRUN_CHAOS_FROM=N` begins with another; a panic tells its number.
#[test]
fn mutated_inputs_panic_nowhere() {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(usual);
    let (count, from) = (number("FLOWRUN_CHAOS", 150), number("FLOWRUN_CHAOS_FROM", 1));
    let seeds = seeds();
    assert!(seeds.len() > 100, "{} texts", seeds.len());
    for n in from..from + count {
        let mut dice = Dice(n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let is_recording = dice.below(4) == 0;
        let seed = if is_recording { RECORDING } else { seeds[dice.below(seeds.len())].as_str() };
        let text = mutated(seed, &mut dice);
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if !is_recording {
                read_all(&text);
                return run_for_a_while(&text, &mut dice);
            }
            let Ok(recording) = Recording::read(&text) else { return };
            let _ = ReplayWorld::new(&recording, &[], flowrun::replay::Timing::Same);
            assert!(support::check_text("made.flow", &device_file(&recording)).program.is_some());
        }));
        assert!(made.is_ok(), "FLOWRUN_CHAOS_FROM={n}\n{text}");
    }
}
