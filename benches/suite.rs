//! How many flows `flowrun test` judges in a second, and how many the library runs.
//!
//! `program` is the built program over a folder of flows, each with its step, its simulated device and its accepted
//! snapshot: start, all runs on as many threads as there are processors, comparison and report. `library` is
//! `flowrun::testing::Run` on one of these flows: reading, checking and running it, on one thread.

mod support;

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowrun::testing::Run;
use support::criterion;

/// So many flows are in the folder.
const FLOWS: u64 = 100;

const DEVICE: &str = r#"device "a modem"
serial { header "\r\n"  echo on }

param signal = "25,0"

on line "AT"     { reply "OK" }
on line "AT+CSQ" { sleep 20ms  reply "+CSQ: ${signal}"  reply "OK" }
on line /.*/     { reply "ERROR" }
"#;

fn flow(number: u64) -> String {
    format!(
        r#"flow "signal {number}"
sim "devices/modem.flow"
fail on line "ERROR"

step "wake up" retry 2 every 1s {{
  send "AT"
  expect line "OK" within 2s
}}
step "ask for the signal" {{
  send "AT+CSQ"
  expect line /\+CSQ: (?<rssi>\d+),(?<ber>\d+)/
  expect line "OK"
  assert int(rssi) > 5, "signal is ${{rssi}}"
}}
"#
    )
}

/// Runs `flowrun test` over a folder; only its exit code matters.
fn test(folder: &Path, option: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(["test", ".", option]).current_dir(folder).stdout(Stdio::null());
    let status = command.status().expect("it can be started");
    assert!(status.success(), "flowrun test {option}: {status}");
}

fn suite(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    fs::create_dir(folder.path().join("devices")).expect("it can be made");
    fs::write(folder.path().join("devices/modem.flow"), DEVICE).expect("it can be written");
    for number in 0..FLOWS {
        fs::write(folder.path().join(format!("signal_{number}.flow")), flow(number)).expect("it can be written");
    }
    test(folder.path(), "--accept");

    let mut group = c.benchmark_group("suite");
    group.throughput(Throughput::Elements(FLOWS));
    group.bench_function("program", |b| b.iter(|| test(folder.path(), "--check")));
    group.throughput(Throughput::Elements(1));
    let run = Run::new(folder.path().join("signal_0.flow"));
    group.bench_function("library", |b| {
        b.iter(|| {
            let outcome = run.go().expect("it can be run");
            assert!(outcome.has_passed(), "{outcome}");
            black_box(outcome)
        });
    });
}

criterion_group! { name = benches; config = criterion(); targets = suite }
criterion_main!(benches);
