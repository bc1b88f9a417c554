//! How many exchanges and how many statements an engine executes in a second, transcript included.

mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{Answering, criterion, program, run};

/// One send and two expects a turn; the answer comes in one piece.
fn exchanges(c: &mut Criterion) {
    const TURNS: u64 = 5_000;
    let program = program(&format!(
        "flow \"exchanges\"\n\
         repeat {TURNS} {{\n\
           send \"AT+CSQ\"\n\
           expect line /\\+CSQ: (?<rssi>\\d+),(?<ber>\\d+)/\n\
           expect line \"OK\"\n\
         }}\n"
    ));
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(TURNS));
    group.bench_function("exchanges", |b| {
        b.iter(|| black_box(run(&program, &mut Answering::new(b"AT+CSQ\r\r\n+CSQ: 25,0\r\n\r\nOK\r\n"))));
    });
}

/// Statements that neither send nor wait: counted are `repeat`, `compute` and `if`, three a turn.
fn statements(c: &mut Criterion) {
    const TURNS: u64 = 100_000;
    let program = program(&format!(
        "flow \"statements\"\n\
         compute sum = 0\n\
         repeat {TURNS} {{\n\
           compute sum = sum + 3\n\
           if sum % 7 == 0 {{ compute sum = sum + 1 }}\n\
         }}\n\
         assert sum > {TURNS}, \"it counts\"\n"
    ));
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(3 * TURNS));
    group.bench_function("statements", |b| {
        b.iter(|| black_box(run(&program, &mut Answering::new(b""))));
    });
}

criterion_group! { name = benches; config = criterion(); targets = exchanges, statements }
criterion_main!(benches);
