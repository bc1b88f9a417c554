//! How fast a flow of 1 MB is parsed, checked and formatted.

mod support;

use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowrun::check::check;
use flowrun::format::format;
use flowrun::load::load;
use flowrun::source::{Source, Sources};
use flowrun::syntax::parse;
use support::{MB, criterion};

/// Returns a flow of about so many bytes, in which every statement that is usual occurs.
fn flow(n_bytes: usize) -> String {
    let mut text =
        "flow \"a long one\"\ntimeout 10s\nparam apn = \"cmnet\"\nsecret key = \"VWll9fiYWKiwraBk\"\n".to_string();
    for i in 0.. {
        if text.len() >= n_bytes {
            break;
        }
        // Writing to a String does not fail.
        let _ = write!(
            text,
            r#"
# Part {i}: attach, ask, decide.
step "attach {i}" retry 3 every 1s timeout 20s {{
  send "AT+CGDCONT=1,\"IP\",\"${{apn}}\""
  expect line "OK" within 5s
  send `AT+CSQ`
  expect line /\+CSQ: (?<rssi>\d+),(?<ber>\d+)/  # 99 is unknown
  expect line "OK"
  assert int(rssi) > 5 and rssi != "99", "signal is ${{rssi}}"
  compute sign = hex(hmac_md5(key, "part{i}" + rssi))
  if len(sign) == 32 {{
    log "signed ${{sign}} in part {i}"
  }} else {{
    fail "no sign in part {i}"
  }}
  expect within 3s {{
    line "+CREG: 1" -> {{ log "home" }}
    line /\+CREG: (?<registered>\d)/ -> {{ log "registration is ${{registered}}" }}
    timeout -> {{ skip "no network in part {i}" }}
  }}
}}
"#
        );
    }
    text
}

fn language(c: &mut Criterion) {
    let text = flow(MB);
    let source = Source::new("bench.flow", text.as_str());
    let id = Sources::default().add(source.clone());
    let mut group = c.benchmark_group("language");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse", |b| {
        b.iter(|| {
            let parsed = parse(id, &source);
            assert!(parsed.problems.is_empty(), "{:?}", parsed.problems.first());
            black_box(parsed)
        });
    });
    group.bench_function("parse and check", |b| {
        let reader = |_: &Path| Ok(text.as_bytes().to_vec());
        b.iter(|| {
            let checked = check(load(Path::new("bench.flow"), &reader));
            assert!(checked.program.is_some(), "{:?}", checked.problems.first());
            black_box(checked)
        });
    });
    group.bench_function("format", |b| {
        b.iter(|| black_box(format(id, &source).expect("the text is right")));
    });
}

criterion_group! { name = benches; config = criterion(); targets = language }
criterion_main!(benches);
