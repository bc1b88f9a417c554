//! No secret is in any output of a flow with several ports, in whatever turns its bytes come on them. `tests/leaks.rs` says it of
//! one port.

mod support;
mod written;

use std::collections::HashMap;

use flowrun::engine::Input;
use flowrun::event::Event;
use flowrun::report::Sink;
use flowrun::report::console::{Console, Status, Volume};
use flowrun::report::failure::render_failure;
use flowrun::report::html::render_run as render_page;
use flowrun::report::jsonl::render_jsonl;
use flowrun::report::transcript::{Times, Transcript};
use flowrun::source::Sources;
use flowrun::value::Value;
use flowrun::value::random::Rng;

use support::ports::{Bench, port};
use written::{Draw, core, form, pieces, secret};

/// So many cases are tried.
const CASES: u64 = 150;

/// What comes on a port: moments, and pieces of a text that has the secret in it.
type Coming = Vec<(u64, Vec<u8>)>;

/// Draws what comes on a port, and what may not show of it.
fn coming(secret: &[u8], draw: &mut Draw) -> (Coming, Vec<Vec<u8>>) {
    let form = form(core(secret), draw);
    let mut text = draw.one(&["", "k=", "{\"password\":\"", "\r\n"]).as_bytes().to_vec();
    let begin = text.len();
    for (before, symbol) in &form.symbols {
        text.extend_from_slice(before);
        text.extend_from_slice(symbol);
    }
    let end = text.len();
    text.extend_from_slice(draw.one(&[";", "\"}", " end", ","]).as_bytes());
    text.extend_from_slice(b"\r\nOK\r\n");
    let mut cuts: Vec<usize> = (0..draw.below(5)).map(|_| begin + draw.below(end - begin)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let mut at = 0;
    let mut pause = || {
        at += *draw.one(&[0, 1, 20, 200]);
        at
    };
    let coming = cuts.windows(2).map(|cut| (1 + pause(), text[cut[0]..cut[1]].to_vec())).collect();
    (coming, pieces(&form))
}

/// Draws what the flow does.
fn statements(draw: &mut Draw) -> String {
    let wait = *draw.one(&[1, 20, 150, 500]);
    match draw.below(10) {
        0 => "expect all within 1m { line \"OK\"  using two line \"OK\" }".to_string(),
        1 => format!("expect within {wait}ms {{ line \"OK\" -> {{}} using two line \"OK\" -> {{}} timeout -> {{}} }}"),
        2 => format!("using two {{ expect line \"OK\" within {wait}ms }}"),
        3 => format!("sleep {wait}ms  using two {{ send \"AT\" }}  expect line \"OK\" within 1m"),
        4 => format!("using two {{ read 9 bytes as a within 1m }}  sleep {wait}ms  send raw a  log \"a: ${{a}}\""),
        5 => format!("using two fail on line /.{{8,}}/, \"two\"  expect line \"OK\" within {wait}ms"),
        6 => "using two on line /(?<t>.*)/ { log \"got ${t}\"  send \"it is ${t}\" }  expect line \"OK\" within 1m"
            .to_string(),
        7 => "expect { using two line /(?<x>.{3,})/ -> { log \"it is ${x}\"  fail \"it was ${x}\" } }".to_string(),
        8 => format!("step \"s\" retry 2 {{ expect line \"NO\" within {wait}ms }}  using two {{ await line \"OK\" }}"),
        _ => "using two { send raw key  send \"K=${key}\" }  send \"${key}\"  expect line \"OK\" within 1m".to_string(),
    }
}

/// Returns everything that the reports of a run say.
fn told(bench: &Bench, sources: &Sources) -> Vec<(&'static str, Vec<u8>)> {
    let (mut shown, mut hidden, mut console) = (Vec::new(), Vec::new(), Vec::new());
    let tell = |sink: &mut dyn Sink, events: &[Event]| {
        events.iter().for_each(|event| sink.tell(event).expect("memory takes everything"));
        sink.end().expect("memory takes everything");
    };
    tell(&mut Transcript::new(&mut shown, sources, Times::Shown), &bench.events);
    tell(&mut Transcript::new(&mut hidden, sources, Times::Hidden), &bench.events);
    let look = support::LOOK;
    tell(&mut Console::new(&mut console, sources, look, Volume::Normal, Status::Hidden), &bench.events);
    let report = bench.engine.failure().map_or(String::new(), |failure| render_failure(failure, sources, look));
    let jsonl = render_jsonl(&bench.events, sources);
    let first = jsonl.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    vec![
        ("transcript", shown),
        ("page", support::without_texts_of_ours(&render_page(&bench.events, sources, &[]))),
        ("transcript without times", hidden),
        ("console", console),
        ("report", report.into_bytes()),
        ("events as JSON", jsonl[first..].to_vec()),
    ]
}

fn try_case(seed: u64) -> bool {
    let mut draw = Draw(Rng::from_seed(seed));
    let secret = secret(&mut draw);
    let flow = format!(
        "flow \"t\"\nserial {{ echo off }}\nport one {{ }}\nport two {{ }}\nsecret key\nsend \"GO\"\nusing two {{ send \"GO\" }}\n{}\n",
        statements(&mut draw)
    );
    let program = support::program(support::check_text("t.flow", &flow));
    let sources = program.sources.clone();
    let variables = HashMap::from([("key".to_string(), Value::Text(secret.clone()))]);
    let mut bench = Bench::given(program, variables);
    let (one, mut hidden) = coming(&secret, &mut draw);
    let (two, more) = coming(&secret, &mut draw);
    hidden.extend(more);
    let mut all: Vec<(u64, usize, Vec<u8>)> = one.into_iter().map(|(at, bytes)| (at, 0, bytes)).collect();
    all.extend(two.into_iter().map(|(at, bytes)| (at, 1, bytes)));
    all.sort_by_key(|(at, ..)| *at);
    for (at, index, bytes) in &all {
        bench = bench.until(*at);
        if bench.verdict.is_none() {
            bench.hand(*at, Input::Received(port(*index), bytes));
        }
    }
    let bench = bench.until(200_000);
    let told = told(&bench, &sources);
    for (name, bytes) in &told {
        for piece in &hidden {
            let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert!(
                memchr::memmem::find(bytes, piece).is_none(),
                "case {seed}: `{}` is in the {name}\nthe secret: {:?}\n{flow}\n{all:?}\n{}",
                shown(piece),
                shown(&secret),
                shown(bytes),
            );
        }
    }
    let has_named = |text: &[u8]| memchr::memmem::find(text, "«key".as_bytes()).is_some();
    told.iter().any(|(_, text)| has_named(text))
}

#[test]
fn no_secret_is_in_any_output_in_whatever_turns_it_comes_on_two_ports() {
    let n_named = (0..CASES).filter(|seed| try_case(*seed)).count() as u64;
    assert!(n_named > CASES / 2, "only {n_named} of {CASES} cases named something");
}
