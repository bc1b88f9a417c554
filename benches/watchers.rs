//! What watchers cost: by their number and kind, over a chatty log that comes in small writes; and what logs cost that
//! are hard to show.
//!
//! Times are those of the engine, the loop around it and the transcript, which is written to nowhere; the port costs
//! nothing.

mod support;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use support::{MB, Talking, chatty_log, criterion, dense_log, program, run, urc_log};

/// How many watchers there are.
const NUMBERS: [usize; 4] = [1, 8, 32, 100];

/// What one write brings.
const CHUNK: usize = 200;

/// What ends the wait.
const END: &str = "this is the end\r\n";

/// A kind of watcher: its name, the statement of the first, second and so on, and the log that it watches.
type Kind = (&'static str, fn(usize) -> String, fn(usize) -> Vec<u8>);

/// Patterns that look alike, with a text in the middle that every match contains.
fn alike(n: usize) -> String {
    format!(r"\[.*\] module{n}: .* value [0-9a-f]+0{n} .*")
}

/// Patterns without a text of three bytes that every match contains.
fn textless(n: usize) -> String {
    format!(r"\[.*\] \w+: .* {n}[g-z]{{2}} .*")
}

/// A variable, and the patterns of `alike` with its value in the middle.
fn with_value(n: usize) -> String {
    format!("compute v{n} = \"module{n}\"\nignore line /\\[.*\\] ${{v{n}}}: .* value [0-9a-f]+0{n} .*/\n")
}

/// Each kind of watcher.
const KINDS: [Kind; 7] = [
    ("alike", |n| format!("ignore line /{}/\n", alike(n)), chatty_log),
    ("with a value", with_value, chatty_log),
    ("texts", |n| format!("fail on \"module{n} has failed\"\n"), chatty_log),
    ("whole lines", |n| format!("ignore line \"module{n}: ready\"\n"), chatty_log),
    ("URCs", |n| format!("ignore line /\\+{}: .*/\n", support::urc(n)), urc_log),
    ("within a line", |n| format!("fail on /{}/\n", alike(n + 500)), chatty_log),
    ("without a text", |n| format!("ignore line /{}/\n", textless(n)), chatty_log),
];

/// Returns a flow with such watchers that waits for the end of a log.
fn flow_of(watchers: &str) -> String {
    format!("flow \"watchers\"\n{watchers}expect line \"{}\" within 1h\n", END.trim_end())
}

/// Watchers of each kind, more and more of them.
fn growth(c: &mut Criterion) {
    for (kind, watcher, log) in KINDS {
        let log = log(MB);
        let mut group = c.benchmark_group(format!("watchers/{kind}"));
        group.throughput(Throughput::Bytes(log.len() as u64));
        for n in NUMBERS {
            let program = program(&flow_of(&(0..n).map(watcher).collect::<String>()));
            group.bench_function(BenchmarkId::from_parameter(n), |b| {
                b.iter(|| black_box(run(&program, &mut Talking::new(&log, 1, END.as_bytes(), CHUNK))));
            });
        }
    }
}

/// One watcher with so many alternatives.
fn alternations(c: &mut Criterion) {
    let log = chatty_log(MB);
    let mut group = c.benchmark_group("watchers/one of so many alternatives");
    group.throughput(Throughput::Bytes(log.len() as u64));
    for n in NUMBERS {
        let alternatives: Vec<String> = (0..n).map(alike).collect();
        let program = program(&flow_of(&format!("ignore line /{}/\n", alternatives.join("|"))));
        group.bench_function(BenchmarkId::from_parameter(n), |b| {
            b.iter(|| black_box(run(&program, &mut Talking::new(&log, 1, END.as_bytes(), CHUNK))));
        });
    }
}

/// The same watchers, by what one read brings.
fn reads(c: &mut Criterion) {
    let log = chatty_log(MB);
    let mut group = c.benchmark_group("watchers/8 alike, by read");
    group.throughput(Throughput::Bytes(log.len() as u64));
    let program = program(&flow_of(&(0..8).map(|n| format!("ignore line /{}/\n", alike(n))).collect::<String>()));
    for chunk in [64, 200, 4096, 65536] {
        group.bench_function(BenchmarkId::from_parameter(chunk), |b| {
            b.iter(|| black_box(run(&program, &mut Talking::new(&log, 1, END.as_bytes(), chunk))));
        });
    }
}

/// Logs of bytes that a transcript shows as they are, and of those that it escapes.
fn shown(c: &mut Criterion) {
    let mut group = c.benchmark_group("watchers/none, by what is shown");
    let program = program(&flow_of(""));
    for (name, bytes) in [
        ("plain", b"abcdefgh".as_slice()),
        ("NUL", b"\0"),
        ("escapes", b"\x1b[0m\x07\x01"),
        ("UTF-8", "é€".as_bytes()),
        ("broken", b"\xff\xfe\xc3"),
    ] {
        let log = dense_log(bytes, MB);
        group.throughput(Throughput::Bytes(log.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| black_box(run(&program, &mut Talking::new(&log, 1, END.as_bytes(), CHUNK))));
        });
    }
}

criterion_group! { name = benches; config = criterion(); targets = growth, alternations, reads, shown }
criterion_main!(benches);
