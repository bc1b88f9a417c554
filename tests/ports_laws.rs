//! What holds for several ports, whatever comes: how reads are cut and which port is read first at one moment changes nothing.

mod support;

use flowrun::engine::Input;
use flowrun::event::{Event, EventKind, Verdict};
use flowrun::report::Sink;
use flowrun::report::console::{Console, Status, Volume};
use flowrun::report::jsonl::{read, render_jsonl};
use flowrun::report::transcript::{Times, Transcript};
use flowrun::source::Sources;
use flowrun::value::random::Rng;

use support::LOOK;
use support::ports::{Bench, port};

/// Flows in which two ports matter at one moment.
const FLOWS: &[&str] = &[
    "send \"A\"\nexpect within 40ms { line \"OK\" -> { log \"a\" } using two line \"OK\" -> { log \"b\" } timeout -> { log \"c\" } }\nexpect quiet for 5ms within 1s",
    "send \"A\"\nexpect within 40ms { using two line /U(?<u>\\w)/ -> { log u } line \"ERROR\" -> { log \"a\" } \"> \" -> {} using two \"> \" -> {} }\nexpect quiet for 5ms within 1s",
    "using two fail on line \"ERROR\", \"two\"\non line \"UP\" { log \"up\" }\nsend \"A\"\nexpect line \"OK\" within 50ms\nusing two { send \"B\"  expect line \"OK\" within 50ms }",
    "using two on line \"UP\" { send \"PONG\"  expect line \"OK\" within 20ms }\nfail on \"ERROR\"\nsend \"A\"\nexpect all within 60ms { line \"OK\"  using two line \"OK\"  using two prompt \"> \" }",
    "send \"A\"\nawait line \"UP\" within 30ms\nusing two { await line \"UP\" within 30ms  read 3 bytes as three within 30ms  log three }",
    "step \"s\" retry 2 { send \"A\"  expect within 20ms { line \"OK\" -> {} using two line \"ERROR\" -> { fail \"no\" } } }\nusing two { expect none line \"UP\" for 10ms }",
    "using two { finally { send \"OFF\" } step \"t\" timeout 30ms { using one { expect line \"OK\" } expect line \"OK\" } }",
];

/// What comes in pieces at a moment.
const PIECES: &[&str] = &["OK\r\n", "ERROR\r\n", "UP\r\n", "> ", "O", "K\r\n", "x", "\r\n", "U", "P\r\n"];

/// One moment: what comes on each port then.
type Script = Vec<(u64, [String; 2])>;

/// How the inputs of a moment are handed in.
#[derive(Clone, Copy, Debug)]
enum Way {
    Forth,
    Back,
    Bytes,
    BytesBack,
}

fn script(rng: &mut Rng) -> Script {
    let mut at = 0;
    let mut script = Vec::new();
    for _ in 0..3 + rng.below(6) {
        at += rng.below(15);
        let mut piece = || {
            let n = rng.below(3);
            (0..n).map(|_| PIECES[rng.below(PIECES.len() as u64) as usize]).collect::<String>()
        };
        script.push((at, [piece(), piece()]));
    }
    script
}

/// Runs a flow with a script; every write leaves at once.
fn run(flow: &str, script: &Script, way: Way) -> Bench {
    let mut bench = Bench::new(flow).left(0);
    for (at, texts) in script {
        let ports = match way {
            Way::Forth | Way::Bytes => [0, 1],
            Way::Back | Way::BytesBack => [1, 0],
        };
        bench = bench.until(*at);
        let mut hand = |index: usize, bytes: &[u8]| {
            if !bytes.is_empty() && bench.verdict.is_none() {
                bench.hand(*at, Input::Received(port(index), bytes));
            }
        };
        match way {
            Way::Forth | Way::Back => ports.iter().for_each(|index| hand(*index, texts[*index].as_bytes())),
            Way::Bytes | Way::BytesBack => {
                let longest = texts.iter().map(String::len).max().unwrap_or(0);
                for i in 0..longest {
                    for index in ports {
                        hand(index, texts[index].as_bytes().get(i..=i).unwrap_or_default());
                    }
                }
            }
        }
        bench = bench.over(*at);
    }
    bench.until(5000)
}

#[test]
fn neither_cuts_nor_the_order_of_reads_at_one_moment_change_anything() {
    let mut endings = std::collections::BTreeSet::new();
    for seed in 0..400 {
        let mut rng = Rng::from_seed(seed);
        let flow = FLOWS[rng.below(FLOWS.len() as u64) as usize];
        let script = script(&mut rng);
        let first = run(flow, &script, Way::Forth);
        endings.insert(format!("{:?} {}", first.verdict, first.failure()));
        for way in [Way::Back, Way::Bytes, Way::BytesBack] {
            let other = run(flow, &script, way);
            let what = || format!("seed {seed}, {way:?}\n{flow}\n{script:?}");
            assert_eq!(other.verdict, first.verdict, "{}", what());
            assert_eq!(other.failure(), first.failure(), "{}", what());
            assert_eq!(other.asked, first.asked, "{}", what());
            assert_eq!(other.events, first.events, "{}", what());
        }
    }
    assert!(endings.len() >= 12, "these scripts show too little: {endings:#?}");
}

#[test]
fn each_port_has_all_its_bytes_in_their_order_and_no_line_is_interleaved() {
    for seed in 0..100 {
        let mut rng = Rng::from_seed(seed);
        let flow = FLOWS[rng.below(FLOWS.len() as u64) as usize];
        let script = script(&mut rng);
        let bench = run(flow, &script, Way::Bytes);
        for index in [0, 1] {
            let came: String =
                bench.received().into_iter().filter(|(port, _)| *port == index).map(|(_, text)| text).collect();
            let sent: String = script.iter().map(|(_, texts)| texts[index].as_str()).collect();
            assert!(sent.starts_with(&came), "seed {seed}, port {index}: {came:?} of {sent:?}");
        }
    }
}

#[test]
fn a_port_that_goes_at_a_moment_goes_after_what_came_then() {
    let flow = "send \"A\"\nexpect { line \"OK\" -> { log \"a\" } using two line \"UP\" -> { log \"b\" } }";
    for order in [[0, 1, 2], [1, 0, 2], [1, 2, 0], [2, 1, 0]] {
        let mut bench = Bench::new(flow).left(0);
        for what in order {
            match what {
                0 => bench.hand(5, Input::Received(port(0), b"OK\r\n")),
                1 => bench.hand(5, Input::Received(port(1), b"UP\r\n")),
                _ => bench.hand(5, Input::Closed(port(1), flowrun::event::CloseReason::unplugged())),
            }
        }
        let bench = bench.over(5);
        assert_eq!((bench.verdict, bench.logged()), (Some(Verdict::Passed), vec!["a".to_string()]), "{order:?}");
    }
}

const SECRET: &str = "Tr0ub4dor9Kx7Qm2Z";

fn told(bench: &Bench) -> String {
    bench.events.iter().map(|event| format!("{event:?}\n")).collect::<String>()
        + &bench.received().into_iter().map(|(_, text)| text + "\n").collect::<String>()
}

#[test]
fn a_secret_of_one_port_is_named_on_the_other() {
    let flow = "send \"A\"\nexpect secret line /KEY=(?<key>\\w+)/\nusing two { send \"B ${key}\"  expect line /OK.*/ }\n\
                await line /LATE.*/ within 1s";
    let late = format!("LATE {SECRET}\r\n");
    let bench = Bench::new(flow).left(0).came(1, 0, &format!("KEY={SECRET}\r\n")).left(1);
    let bench = bench.came(2, 1, &format!("echo {SECRET}\r\nOK {SECRET}\r\n")).came(3, 0, &late);
    assert_eq!(bench.verdict, Some(Verdict::Passed), "{}", bench.failure());
    assert!(!told(&bench).contains("Tr0ub"), "{}", told(&bench));
    let named: Vec<_> =
        bench.received().into_iter().filter(|(_, text)| text.contains("«key»")).map(|(i, _)| i).collect();
    assert_eq!(named, [0, 1, 0]);
}

#[test]
fn a_secret_that_comes_in_turns_with_another_port_is_named_all_the_same() {
    let flow = "param n = 1\nsecret key = \"Tr0ub4dor9Kx7Qm2Z\"\nsend \"A\"\nexpect line /END/ within 1s";
    for chunk in [1, 2, 5] {
        let mut bench = Bench::new(flow).left(0);
        let text = format!("a {SECRET} b\r\n");
        for (i, piece) in text.as_bytes().chunks(chunk).enumerate() {
            let at = 1 + i as u64;
            bench = bench.came(at, 0, std::str::from_utf8(piece).expect("it is ASCII"));
            bench = bench.came(at, 1, ["x\r\n", "y"][i % 2]);
        }
        let bench = bench.came(100, 0, "END\r\n");
        assert_eq!(bench.verdict, Some(Verdict::Passed), "{}", bench.failure());
        assert!(!told(&bench).contains("Tr0ub") && told(&bench).contains("«key»"), "{}", told(&bench));
    }
}

#[test]
fn what_becomes_a_secret_on_one_port_after_it_came_is_told_on_none_before() {
    let flow = "using two { send \"GET\"  expect line \"OK\" }\nsend \"A\"\nexpect line \"OK\"\n\
                using two { capture secret made from /TOKEN: (\\w+)/ }";
    let bench = Bench::new(flow).left(0).came(1, 1, &format!("TOKEN: {SECRET}\r\nOK\r\n")).left(1);
    let bench = bench.came(2, 0, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed), "{}", bench.failure());
    assert!(!told(&bench).contains("Tr0ub"), "{}", told(&bench));
    let arms = "using two { send \"GET\" }\nsend \"A\"\nexpect { using two secret line /TOKEN: (?<made>\\w+)/ -> { } }";
    let bench = Bench::new(arms).left(0).left(0).came(1, 1, &format!("TOKEN: {SECRET}\r\n"));
    assert_eq!(bench.verdict, Some(Verdict::Passed), "{}", bench.failure());
    assert!(!told(&bench).contains("Tr0ub"), "{}", told(&bench));
}

fn texts(events: &[Event]) -> [String; 3] {
    let sources = Sources::default();
    let transcript = |times| {
        let mut out = Vec::new();
        let mut transcript = Transcript::new(&mut out, &sources, times);
        events.iter().for_each(|event| transcript.tell(event).expect("memory takes everything"));
        transcript.end().expect("memory takes everything");
        String::from_utf8(out).expect("it is text")
    };
    let mut out = Vec::new();
    let mut console = Console::new(&mut out, &sources, LOOK, Volume::Normal, Status::Hidden);
    events.iter().for_each(|event| console.tell(event).expect("memory takes everything"));
    console.end().expect("memory takes everything");
    [transcript(Times::Shown), transcript(Times::Hidden), String::from_utf8(out).expect("it is text")]
}

#[test]
fn the_name_of_the_port_stands_in_front_of_the_sign() {
    let flow = "using relay { send \"ON\"  expect line /OK (?<n>\\d)/ }\nlog \"${n}\"\nbaud 9600\nexpect line \"UP\"";
    let bench =
        Bench::named(["dut", "relay"], flow).left(0).came(1, 1, "OK 1\r\n").came(2, 1, "no\r\n").came(2, 0, "UP\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed), "{}", bench.failure());
    let [shown, hidden, console] = texts(&bench.events);
    insta::assert_snapshot!("transcript_of_two_ports", shown);
    insta::assert_snapshot!("transcript_of_two_ports_without_times", hidden);
    insta::assert_snapshot!("console_of_two_ports", console);
    // No event here stands at a place, so that no source is needed.
    let events: Vec<Event> = bench.events.iter().map(|event| Event { site: None, ..event.clone() }).collect();
    let lines = String::from_utf8(render_jsonl(&events, &Sources::default())).expect("it is UTF-8");
    assert!(
        lines.contains("\"port\":\"relay\",\"bytes\"") || lines.contains("\"port\":\"relay\",\"event\":\"sent\""),
        "{lines}"
    );
    assert_eq!(read(&lines).expect("it was written by us")[0].events, events);
    assert!(events.iter().any(|event| matches!(event.kind, EventKind::Sent { .. }) && event.port == port(1)));
}
