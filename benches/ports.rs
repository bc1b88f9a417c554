//! What a second port costs: a flow that speaks to two simulated devices in turn, beside the same exchanges with one device, twice.

mod support;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowrun::check::check;
use flowrun::engine::{Engine, Inputs};
use flowrun::load::load;
use flowrun::port::PortId;
use flowrun::program::Program;
use flowrun::sim::{SimBench, SimWorld, device_inputs};
use support::{criterion, inputs, program, run};

const TURNS: u64 = 2_500;

const EXCHANGE: &str = "send \"AT+CSQ\"\nexpect line /\\+CSQ: (?<rssi>\\d+),(?<ber>\\d+)/\nexpect line \"OK\"\n";

/// Returns a device that answers this exchange.
fn device() -> Arc<Program> {
    let text = "device \"d\"\nserial { header \"\\r\\n\"  echo on }\non line \"AT+CSQ\" { reply \"+CSQ: 25,0\"  reply \"OK\" }\n";
    let reader = |_: &Path| Ok(text.as_bytes().to_vec());
    Arc::new(check(load(Path::new("device.flow"), &reader)).program.expect("it is right"))
}

fn world(device: &Arc<Program>, inputs: &Inputs, port: PortId) -> SimWorld {
    let given = device_inputs(inputs, port, Default::default(), device.settings.clone());
    SimWorld::new(Engine::new(device.clone(), given))
}

fn ports(c: &mut Criterion) {
    let device = device();
    let one = program(&format!("flow \"one\"\nrepeat {TURNS} {{\n{EXCHANGE}}}\n"));
    let two = program(&format!(
        "flow \"two\"\nport a {{ }}\nport b {{ }}\nrepeat {TURNS} {{\n{EXCHANGE}using b {{\n{EXCHANGE}}}\n}}\n"
    ));
    let mut group = c.benchmark_group("ports");
    group.throughput(Throughput::Elements(2 * TURNS));
    group.bench_function("two runs of one port", |b| {
        b.iter(|| {
            for _ in 0..2 {
                black_box(run(&one, &mut world(&device, &inputs(&one), PortId::FIRST)));
            }
        });
    });
    group.bench_function("one run of two ports", |b| {
        b.iter(|| {
            let inputs = inputs(&two);
            let ids = (0..2).filter_map(PortId::new);
            let mut bench = SimBench::new(ids.map(|port| world(&device, &inputs, port)));
            black_box(run(&two, &mut bench))
        });
    });
}

criterion_group! { name = benches; config = criterion(); targets = ports }
criterion_main!(benches);
