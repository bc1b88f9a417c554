//! How fast what comes is compared with what is awaited, transcript included: by pattern, by chunk, and by length.
//!
//! A boot log comes, a third of its lines nearly what is awaited, which comes at its end. Times are those of the
//! engine, the loop around it and the transcript, which is written to nowhere; the port costs nothing.

mod support;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use support::{MB, Talking, boot_log, criterion, program, run};

/// Sizes of what one read gives.
const CHUNKS: [usize; 4] = [64, 256, 4096, 65536];

/// One pattern of each kind, and what ends the wait for it.
const KINDS: [(&str, &str, &str); 5] = [
    ("literal", r#""boot: ready, code 4711""#, "boot: ready, code 4711\r\n"),
    ("regex", r"/state=(?<unit>ready|failed) code=(?<code>\d+)/", "unit 7 state=ready code=0\r\n"),
    ("line", r#"line "READY""#, "READY\r\n"),
    ("line regex", r"line /READY (?<number>\d{4})/", "READY 4711\r\n"),
    ("prompt", r#"prompt "login: ""#, "board login: "),
];

/// What a careful flow awaits at once. The last of the first 1, 4, 8 or 16 is what comes.
const PATTERNS: [(&str, &str); 16] = [
    (r#""boot: ready, code 4711""#, "boot: ready, code 4711\r\n"),
    (r"/state=(?<unit>ready|failed) code=(?<code>\d+)/", "unit 7 state=ready code=0\r\n"),
    (r#"line "READY""#, "READY\r\n"),
    (r"line /READY (?<number>\d{4})/", "READY 4711\r\n"),
    (r#"line "ERROR""#, "ERROR\r\n"),
    (r"line /\+CM[ES] ERROR: .*/", "+CME ERROR: 10\r\n"),
    (r#""Kernel panic""#, "Kernel panic - not syncing\r\n"),
    (r"/assert(ion)? failed at (?<place>\S+)/", "assertion failed at main.c:7\r\n"),
    (r#"line "OK""#, "OK\r\n"),
    (r"line /\+CSQ: (?<rssi>\d+),(?<ber>\d+)/", "+CSQ: 25,0\r\n"),
    (r#""login refused""#, "login refused\r\n"),
    (r"/link (?<link>up|down) at (?<speed>\d+) Mbps/", "eth0: link up at 1000 Mbps\r\n"),
    (r#""watchdog: reset""#, "watchdog: reset\r\n"),
    (r#"line "CLOSED""#, "CLOSED\r\n"),
    (r"line /\^BOOT: (?<boot>\d+)/", "^BOOT: 1\r\n"),
    (r#""U-Boot SPL""#, "U-Boot SPL 2024.01\r\n"),
];

/// Returns a flow that waits for the first so many patterns, and what ends it.
fn flow_of(n_patterns: usize) -> (String, &'static str) {
    let awaited = &PATTERNS[..n_patterns];
    let arms: String = awaited.iter().map(|(pattern, _)| format!("  {pattern} -> {{ log \"it came\" }}\n")).collect();
    let end = awaited.last().expect("there is at least one").1;
    (format!("flow \"any of {n_patterns}\"\nexpect within 1h {{\n{arms}}}\n"), end)
}

/// One pattern of each kind, for each size of a read.
fn kinds(c: &mut Criterion) {
    let log = boot_log(MB);
    let mut group = c.benchmark_group("matching/kind");
    group.throughput(Throughput::Bytes(log.len() as u64));
    for (kind, pattern, end) in KINDS {
        let program = program(&format!("flow \"one {kind}\"\nexpect {pattern} within 1h\n"));
        for chunk in CHUNKS {
            group.bench_function(BenchmarkId::new(kind, chunk), |b| {
                b.iter(|| black_box(run(&program, &mut Talking::new(&log, 1, end.as_bytes(), chunk))));
            });
        }
    }
}

/// Several patterns at once, for each size of a read.
fn patterns(c: &mut Criterion) {
    let log = boot_log(MB);
    let mut group = c.benchmark_group("matching/patterns");
    group.throughput(Throughput::Bytes(log.len() as u64));
    for n_patterns in [1, 4, 8, 16] {
        let (flow, end) = flow_of(n_patterns);
        let program = program(&flow);
        for chunk in CHUNKS {
            group.bench_function(BenchmarkId::new(n_patterns.to_string(), chunk), |b| {
                b.iter(|| black_box(run(&program, &mut Talking::new(&log, 1, end.as_bytes(), chunk))));
            });
        }
    }
}

/// One wait for 1, 10 and 100 MB: what a byte costs must not depend on how many came before it.
fn growth(c: &mut Criterion) {
    let log = boot_log(MB);
    let mut group = c.benchmark_group("matching/growth");
    for n_patterns in [1, 8] {
        let (flow, end) = flow_of(n_patterns);
        let program = program(&flow);
        for n_times in [1, 10, 100] {
            group.throughput(Throughput::Bytes((log.len() * n_times) as u64));
            group.bench_function(BenchmarkId::new(n_patterns.to_string(), format!("{n_times} MB")), |b| {
                b.iter(|| black_box(run(&program, &mut Talking::new(&log, n_times, end.as_bytes(), 4096))));
            });
        }
    }
}

criterion_group! { name = benches; config = criterion(); targets = kinds, patterns, growth }
criterion_main!(benches);
