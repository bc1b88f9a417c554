//! What secrets cost, by their number: to get to know them, one after the other too, and to look for them in what comes,
//! transcript included.

mod support;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flowrun::engine::Engine;
use flowrun::sim::SimWorld;
use flowrun::value::random::Rng;
use support::{MB, Talking, boot_log, criterion, inputs, program, run};

/// Bytes that one read gives.
const CHUNK: usize = 4096;

/// Numbers of secrets that a run knows.
const COUNTS: [usize; 4] = [0, 1, 8, 32];

/// Numbers of secrets that a run captures.
const CAPTURED: [usize; 2] = [30, 300];

/// So many lines of a log show no secret before one that does.
const APART: usize = 50;

const END: &[u8] = b"boot: ready, code 4711\r\n";

/// Returns so many secrets, 24 letters each.
fn secrets(count: usize) -> Vec<String> {
    let mut rng = Rng::from_seed(2);
    (0..count).map(|_| rng.text(24)).collect()
}

/// Returns a flow that has these secrets and waits for the end of a log.
fn flow_with(secrets: &[String]) -> String {
    let declared: String =
        secrets.iter().enumerate().map(|(i, secret)| format!("secret key_{i} = \"{secret}\"\n")).collect();
    format!("flow \"{} secrets\"\n{declared}expect \"boot: ready, code 4711\" within 1h\n", secrets.len())
}

/// Returns a log in which secrets stand, in turn.
fn log_with(log: &[u8], secrets: &[String]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(log.len() * 2);
    let mut secrets = secrets.iter().cycle();
    for (i, line) in log.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if i % APART == 0
            && let Some(secret) = secrets.next()
        {
            shown.extend_from_slice(format!("key {secret} ").as_bytes());
        }
        shown.extend_from_slice(line);
    }
    shown
}

/// A log of ten times a million bytes. `unseen`: no secret is in it. `seen`: one is in every fiftieth line.
fn looking(c: &mut Criterion) {
    const TIMES: usize = 10;
    let log = boot_log(MB);
    for title in ["unseen", "seen"] {
        let mut group = c.benchmark_group(format!("redaction/{title}"));
        for count in COUNTS {
            let secrets = secrets(count);
            let log = if title == "seen" { log_with(&log, &secrets) } else { log.clone() };
            let program = program(&flow_with(&secrets));
            group.throughput(Throughput::Bytes((log.len() * TIMES) as u64));
            group.bench_function(BenchmarkId::from_parameter(count), |b| {
                b.iter(|| black_box(run(&program, &mut Talking::new(&log, TIMES, END, CHUNK))));
            });
        }
    }
}

/// A run in which nothing comes but its end: what it costs to get to know the secrets.
fn learning(c: &mut Criterion) {
    let mut group = c.benchmark_group("redaction/learning");
    for count in COUNTS {
        let program = program(&flow_with(&secrets(count)));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| black_box(run(&program, &mut Talking::new(b"", 0, END, CHUNK))));
        });
    }
}

/// A run that captures secrets, one after the other; each is known when the next comes.
fn capturing(c: &mut Criterion) {
    let mut group = c.benchmark_group("redaction/capturing");
    let device = program("device \"d\" serial { echo off } on line \"T\" { reply \"T${random_text(32)}\" }");
    for count in CAPTURED {
        let text = format!("flow \"t\" repeat {count} {{ send \"T\" expect secret /T(?<tok>.*)/ }}");
        let flow = program(&text);
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                let device = Engine::new(device.clone(), inputs(&device));
                black_box(run(&flow, &mut SimWorld::new(device)))
            });
        });
    }
}

criterion_group! { name = benches; config = criterion(); targets = looking, learning, capturing }
criterion_main!(benches);
