//! Memory is bounded: whatever a device sends, a flow computes or a file has in it. There is a test for each limit of which
//! `docs/language.md` has a row, and a table of the rows below.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

#[path = "support/alive.rs"]
mod alive;
mod support;

use std::sync::Arc;

use flowrun::diagnostic::Code;
use flowrun::engine::{Action, Engine, Input, Output, limits};
use flowrun::event::{Event, EventKind, StepOutcome, Verdict, Waiting};
use flowrun::port::{PortCommand, PortId};
use flowrun::record::Recording;
use flowrun::replay::{ReplayWorld, Timing};
use flowrun::time::Moment;
use flowrun::value::bounds::WEIGHT_LIMIT;
use flowrun::world::{self, Audience, Company, Keeper, Memory, Nobody};

use alive::most_alive;
use support::bench::opened;
use support::{Run, repo};

/// How much a device sends that never ends.
const FLOOD: usize = 100 << 20;

/// How much it sends of what takes long to look at.
const SMALL_FLOOD: usize = 4 << 20;

/// How much a run may take meanwhile.
const ROOM: isize = 16 << 20;

/// What a read brings at most.
const READ: usize = 16 << 10;

/// What a device sends over and over, and how much of it: long lines, the shortest lines, and no line at all.
fn floods() -> [(String, usize); 3] {
    let line = "[   12.345678] something that nobody asked for, ".repeat(20);
    [(format!("{line}\r\n"), FLOOD), ("x\n".to_string(), SMALL_FLOOD), ("0123456789abcdef".to_string(), SMALL_FLOOD)]
}

/// Whether what a flow sends leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Takes,
    TakesNothing,
}

/// An audience that keeps nothing.
struct Nothing;

impl Audience for Nothing {
    fn tell(&mut self, _event: &Event) {}

    fn waiting(&mut self, _now: Moment, _why: &Waiting) {}
}

/// An engine whose device sends without end. What it tells is counted, not kept.
struct Flooded {
    engine: Engine,
    line: Line,
    ms: u64,
    verdict: Option<Verdict>,
    /// What it said itself.
    notes: Vec<String>,
    /// How many received bytes it told.
    n_told: usize,
    n_retries: usize,
    /// Everything that it told of the line, if it is to be looked at.
    shown: Option<Vec<u8>>,
}

impl Flooded {
    fn new(flow: &str, line: Line) -> Flooded {
        let engine = opened(flow);
        let mut flooded =
            Flooded { engine, line, ms: 0, verdict: None, notes: vec![], n_told: 0, n_retries: 0, shown: None };
        flooded.drain();
        flooded
    }

    fn drain(&mut self) {
        loop {
            match self.engine.poll() {
                Output::Event(event) => self.told(&event),
                Output::Act(Action::Port(_, PortCommand::Write { token, .. })) => {
                    if self.line == Line::Takes {
                        self.engine.handle(self.engine.now(), Input::Sent(token));
                    }
                }
                Output::Act(_) => {}
                Output::Wait { until, .. } if until.is_some_and(|until| until <= self.engine.now()) => {
                    self.engine.handle(self.engine.now(), Input::Tick);
                }
                Output::Wait { .. } => return,
                Output::Done(verdict) => {
                    self.verdict = Some(verdict);
                    return;
                }
            }
        }
    }

    fn told(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Noted { text } if self.notes.len() < 1000 => self.notes.push(text.clone()),
            EventKind::Received { bytes, .. } => {
                self.n_told += bytes.len();
                self.show(bytes);
            }
            EventKind::Sent { bytes } => self.show(bytes),
            EventKind::Failed(failure) => self.show(format!("{failure:?}").as_bytes()),
            EventKind::StepEnded { outcome: StepOutcome::WillRetry, .. } => self.n_retries += 1,
            _ => {}
        }
    }

    fn show(&mut self, bytes: &[u8]) {
        if let Some(shown) = &mut self.shown {
            shown.extend_from_slice(bytes);
        }
    }

    /// Returns what it showed that was to be looked at.
    fn shown(&self) -> String {
        String::from_utf8_lossy(self.shown.as_deref().unwrap_or_default()).into_owned()
    }

    /// Gives it bytes a millisecond later.
    fn give(&mut self, bytes: &[u8]) {
        self.ms += 1;
        self.engine.handle(Moment::from_millis(self.ms), Input::Received(PortId::FIRST, bytes));
        self.drain();
    }

    /// Gives it a text over and over.
    fn flood(&mut self, text: &str, n_bytes: usize) {
        let read = text.repeat(READ / text.len());
        for _ in 0..n_bytes.div_ceil(read.len()) {
            self.give(read.as_bytes());
        }
    }

    /// Returns why it failed.
    fn failure(&self) -> (Code, &str) {
        let failure = self.engine.failure().expect("it has failed");
        (failure.code, &failure.message)
    }
}

/// Runs a flow while its device sends each flood, all of it though the run may be over; the run takes no more than there is room for.
fn flooded(flow: &str, line: Line, check: impl Fn(Flooded)) {
    flooded_with(&floods(), flow, line, check);
}

/// The same with some of the floods.
fn flooded_with(floods: &[(String, usize)], flow: &str, line: Line, check: impl Fn(Flooded)) {
    for (text, n_bytes) in floods {
        let (flooded, most) = most_alive(|| {
            let mut flooded = Flooded::new(flow, line);
            flooded.flood(text, *n_bytes);
            flooded
        });
        assert!(most < ROOM, "{flow}: {most} bytes were alive while {text:?} came");
        check(flooded);
    }
}

#[test]
fn a_wait_takes_no_more_memory_the_more_comes() {
    flooded("expect \"NEVER\" within 1h", Line::Takes, |flooded| assert_eq!(flooded.verdict, None));
    for wait in ["expect line /NEVER/ within 1h", "expect quiet for 1s within 1h", "sleep 1h expect \"x\""] {
        flooded_with(&floods()[1..], wait, Line::Takes, |flooded| assert_eq!(flooded.verdict, None));
    }
}

#[test]
fn a_read_until_fails_when_more_comes_than_it_may_take() {
    for pattern in ["\"END\"", "line \"END\"", "/END/"] {
        flooded(&format!("read until {pattern} as x within 1h"), Line::Takes, |flooded| {
            assert_eq!(flooded.verdict, Some(Verdict::Failed));
            let message = format!("more than 512 KiB came before {pattern}");
            assert_eq!(flooded.failure(), (Code::RunLimit, message.as_str()));
        });
    }
}

#[test]
fn what_a_read_until_may_take_does_not_depend_on_how_reads_cut_it() {
    let flow = "read until \"END\" as x within 1h assert len(x) == 524288";
    for (n_bytes, verdict) in [(limits::DELIMITED_READ, Verdict::Passed), (limits::DELIMITED_READ + 1, Verdict::Failed)]
    {
        let bytes = format!("{}END\r\n", "x".repeat(n_bytes));
        for size in [1000, READ, READ + 1, bytes.len()] {
            let mut flooded = Flooded::new(flow, Line::Takes);
            bytes.as_bytes().chunks(size).for_each(|chunk| flooded.give(chunk));
            assert_eq!(flooded.verdict, Some(verdict), "{n_bytes} bytes in pieces of {size}");
        }
    }
}

#[test]
fn a_read_until_quiet_fails_when_it_would_take_too_much() {
    let flow = "read until quiet for 1s as x within 1h";
    for (n_bytes, verdict) in [(limits::DELIMITED_READ, None), (limits::DELIMITED_READ + 1, Some(Verdict::Failed))] {
        for size in [READ, READ + 1, n_bytes] {
            let mut flooded = Flooded::new(flow, Line::Takes);
            vec![0; n_bytes].chunks(size).for_each(|chunk| flooded.give(chunk));
            assert_eq!(flooded.verdict, verdict, "{n_bytes} bytes in pieces of {size}");
            if verdict.is_some() {
                let message = "more than 512 KiB came before it was quiet";
                assert_eq!(flooded.failure(), (Code::RunLimit, message));
            }
        }
    }
}

#[test]
fn a_send_that_does_not_leave_fails_when_more_comes_than_can_be_kept() {
    flooded("send \"AT\" expect \"OK\" within 1h", Line::TakesNothing, |flooded| {
        assert_eq!(flooded.verdict, Some(Verdict::Failed));
        let message = "more than 2 MiB came before the flow could look at it";
        assert_eq!(flooded.failure(), (Code::RunLimit, message));
    });
}

#[test]
fn what_comes_after_such_a_failure_is_looked_at_again() {
    let flow = "try { send \"AT\" expect \"OK\" within 1h } else { expect \"BACK\" within 1h }";
    let mut flooded = Flooded::new(flow, Line::TakesNothing);
    flooded.flood("x\n", SMALL_FLOOD);
    assert_eq!(flooded.verdict, None);
    flooded.give(b"BACK\r\n");
    assert_eq!(flooded.verdict, Some(Verdict::Passed));
}

#[test]
fn a_person_may_take_long_to_answer() {
    flooded("ask \"?\"  expect \"READY\" within 1h", Line::Takes, |mut flooded| {
        assert_eq!(flooded.verdict, None);
        assert!(flooded.n_told >= SMALL_FLOOD - (1 << 20), "{} bytes were told", flooded.n_told);
        flooded.give(b"\r\nREADY\r\n");
        flooded.engine.handle(Moment::from_millis(flooded.ms), Input::Answered(Some(vec![])));
        flooded.drain();
        assert_eq!(flooded.verdict, Some(Verdict::Passed), "what came last is kept");
    });
    // What somebody may want of it cannot be passed over.
    flooded("fail on \"panic\"  ask \"?\"  expect \"READY\" within 1h", Line::Takes, |flooded| {
        let message = "more than 2 MiB came before the flow could look at it";
        assert_eq!(flooded.failure(), (Code::RunLimit, message));
    });
}

#[test]
fn a_step_passes_over_what_comes_between_two_attempts() {
    let flow = "step \"s\" retry 3 every 1h { expect line \"OK\" within 1ms }";
    flooded(flow, Line::Takes, |flooded| {
        assert_eq!((flooded.verdict, flooded.n_retries), (None, 1));
        assert!(flooded.n_told >= SMALL_FLOOD - (1 << 20), "{} bytes were told", flooded.n_told);
    });
}

#[test]
fn a_step_that_is_tried_again_and_again_takes_no_more_memory() {
    let flow = "step \"s\" retry 10000 every 1ms { send \"AT\" expect line \"OK\" within 5ms }";
    flooded(flow, Line::Takes, |flooded| {
        assert_eq!(flooded.verdict, None);
    });
}

#[test]
fn bytes_that_come_one_by_one_take_no_more_room_than_their_lines() {
    let (mut flooded, most) = most_alive(|| {
        let mut flooded = Flooded::new("send \"AT\" expect \"OK\" within 1h", Line::TakesNothing);
        (0..1 << 20).for_each(|_| flooded.give(b"x"));
        flooded
    });
    assert!(most < ROOM, "{most} bytes were alive");
    assert_eq!(flooded.verdict, None, "a mebibyte may come while a mebibyte is sent");
    flooded.engine.handle(Moment::from_millis(flooded.ms), Input::Interrupt);
    flooded.drain();
    assert_eq!(flooded.n_told, 1 << 20, "all of it is told");
}

/// A flow that holds back what it receives, until a secret has been made of it.
const HOLDING: &str = "send \"GET\" expect line \"OK\" within 1h capture secret key from /KEY=(\\w+)/ send \"Y\" expect line \"DONE\" within 1h";

/// What becomes a secret.
const KEY: &str = "Tr0ub4dor9Kx7Qm2Z";

#[test]
fn what_is_held_back_for_a_secret_is_left_out_when_it_is_too_much_and_the_run_says_so() {
    flooded(HOLDING, Line::Takes, |mut flooded| {
        assert_eq!((flooded.verdict, flooded.n_told), (None, 0), "it is all held back");
        flooded.give(format!("KEY={KEY}\r\nOK\r\n").as_bytes());
        flooded.give(format!("{KEY}\r\nDONE\r\n").as_bytes());
        assert_eq!(flooded.verdict, Some(Verdict::Passed));
        let note = flooded.notes.iter().find(|note| note.contains("left out")).expect("it is told");
        assert!(note.ends_with("of the line were left out: no more than 4 MiB are held back for a secret"), "{note}");
        let n_left_out: usize = note.split(' ').nth(3).and_then(|n| n.parse().ok()).expect("it is a number");
        assert!(n_left_out + flooded.n_told >= SMALL_FLOOD, "{note}, {} were told", flooded.n_told);
        assert!(flooded.n_told <= limits::HELD, "{} bytes were told", flooded.n_told);
    });
}

#[test]
fn attempts_that_are_held_back_are_left_out_and_the_last_are_told() {
    let flow = "step \"wait\" retry 100000 every 1ms { send \"GET\" expect line \"OK\" within 5ms \
                capture secret key from /KEY=(\\w+)/ }";
    let (mut flooded, most) = most_alive(|| {
        let mut flooded = Flooded::new(flow, Line::Takes);
        flooded.shown = Some(Vec::new());
        for n in 0..20_000 {
            flooded.give(format!("{}{n}\r\n", "not yet: ".repeat(100)).as_bytes());
        }
        flooded
    });
    assert!(most < ROOM, "{most} bytes were alive");
    assert_eq!(flooded.verdict, None);
    // Where the line is quiet an attempt lasts five milliseconds of six.
    while flooded.verdict.is_none() && flooded.ms < 21_000 {
        flooded.ms += 60;
        flooded.engine.handle(Moment::from_millis(flooded.ms), Input::Tick);
        flooded.drain();
        flooded.give(format!("KEY={KEY}\r\nOK\r\n").as_bytes());
    }
    assert_eq!(flooded.verdict, Some(Verdict::Flaky));
    assert!(flooded.notes.iter().any(|note| note.contains("left out")), "{:?}", flooded.notes);
    assert!((2..12).contains(&flooded.n_retries), "{} failed attempts are told", flooded.n_retries);
}

#[test]
fn what_stays_for_the_rest_of_a_secret_is_bounded() {
    let flow = "secret key = \"hunter22-hunter22\" repeat 2000 { log text sleep 1ms } expect \"x\" within 1h";
    let flow = format!("param text = \"{}\" {flow}", "nothing ".repeat(1000));
    let (flooded, most) = most_alive(|| {
        let mut flooded = Flooded::new(&flow, Line::Takes);
        flooded.shown = Some(Vec::new());
        flooded.give(b"k=hunter\r\n");
        for _ in 0..2000 {
            flooded.ms += 1;
            flooded.engine.handle(Moment::from_millis(flooded.ms), Input::Tick);
            flooded.drain();
        }
        flooded
    });
    assert!(most < 4 << 20, "{most} bytes were alive");
    assert_eq!(flooded.shown(), "k=«key…»");
}

/// Makes a text of half a mebibyte.
const LARGE: &str = "compute a = \"x\" repeat 19 { compute a = a + a }";

/// How much more than they count for the values of variables may take: what is being worked out, and room that texts have.
const SPARE: isize = 8 << 20;

fn run_to_the_end(flow: &str) -> (Flooded, isize) {
    most_alive(|| Flooded::new(flow, Line::Takes))
}

fn fails_for_want_of_room(flow: &str) {
    let (flooded, most) = run_to_the_end(flow);
    assert_eq!(flooded.verdict, Some(Verdict::Failed));
    assert_eq!(flooded.failure(), (Code::RunLimit, "all variables together would take more than 64 MiB"));
    assert!(most < limits::VARIABLES as isize + SPARE, "{most} bytes were alive");
}

#[test]
fn all_variables_together_have_a_limit() {
    let copies = |n: usize| (0..n).map(|i| format!("compute v{i} = a ")).collect::<String>();
    fails_for_want_of_room(&format!("{LARGE} {} assert 1 == 1", copies(6000)));
    let (flooded, _) = run_to_the_end(&format!("{LARGE} {} assert 1 == 1", copies(120)));
    assert_eq!(flooded.verdict, Some(Verdict::Passed), "so much is nothing");
    let again = format!("{LARGE} repeat 500 {{ {} }} assert 1 == 1", copies(10));
    assert_eq!(run_to_the_end(&again).0.verdict, Some(Verdict::Passed), "a value that is replaced takes nothing");
    let goes_on = format!("{LARGE} try {{ {} }} else {{ compute b = \"small\" assert b == \"small\" }}", copies(200));
    assert_eq!(run_to_the_end(&goes_on).0.verdict, Some(Verdict::Passed), "what had no room takes none");
}

#[test]
fn the_variables_of_calls_count_until_the_call_ends() {
    let calls = |depth: usize| {
        let procedure = |i: usize| format!("procedure p{i}(x) {{ compute b = x compute c = x call p{}(x) }}\n", i + 1);
        let all: String = (0..depth).map(procedure).collect();
        format!("{all} procedure p{depth}(x) {{ assert len(x) > 0 }} {LARGE}")
    };
    fails_for_want_of_room(&format!("{} call p0(a)", calls(50)));
    let (flooded, _) = run_to_the_end(&format!("{} repeat 20 {{ call p0(a) }}", calls(30)));
    assert_eq!(flooded.verdict, Some(Verdict::Passed));
    let failing =
        "procedure p(x) { compute b = x fail \"no\" } repeat 500 { try { call p(a) } else { } } assert 1 == 1";
    assert_eq!(run_to_the_end(&format!("{LARGE} {failing}")).0.verdict, Some(Verdict::Passed));
}

#[test]
fn what_is_worked_out_at_once_has_a_limit_before_it_is_made() {
    let many = |one: &'static str| std::iter::repeat_n(one, 2000).collect::<Vec<_>>();
    let map: Vec<String> = (0..2000).map(|i| format!("k{i}: a")).collect();
    let works = [
        format!("compute b = [{}]", many("a").join(", ")),
        format!("compute b = {{{}}}", map.join(", ")),
        format!("compute b = \"{}\"", many("${a}").concat()),
    ];
    for work in works {
        let (flooded, most) = run_to_the_end(&format!("{LARGE} {work} assert 1 == 1"));
        assert_eq!(flooded.failure(), (Code::RunValue, "the value is larger than 1 MiB: work on smaller pieces"));
        assert!(most < SPARE, "{most} bytes were alive");
    }
    let parameters: Vec<String> = (0..2000).map(|i| format!("x{i}")).collect();
    let (parameters, arguments) = (parameters.join(", "), many("a").join(", "));
    fails_for_want_of_room(&format!("procedure p({parameters}) {{ assert 1 == 1 }} {LARGE} call p({arguments})"));
}

#[test]
fn what_after_keeps_counts_among_the_variables_of_a_device() {
    let flow = "flow \"t\" send \"AT\" expect line \"OK\" within 60s";
    let device = |n: usize, then: &str| {
        let timers = format!("repeat {n} {{ after 1s {{ log a }} }} {then}");
        format!("device \"d\" on line \"AT\" {{ {LARGE} {timers} }}")
    };
    let (outcome, most) = most_alive(|| Run::texts(flow, &device(8000, "reply \"OK\"")).go());
    assert_eq!(outcome.verdict, Verdict::PortFailed);
    let message = "the simulated device failed: all variables together would take more than 64 MiB";
    assert_eq!(outcome.message(), message);
    assert!(most < limits::VARIABLES as isize + SPARE, "{most} bytes were alive");
    let again = "flow \"t\" repeat 3 { send \"AT\" expect line \"OK\" within 60s sleep 5s }";
    let outcome = Run::texts(again, &device(100, "reply \"OK\"")).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "what has run takes nothing: {}", outcome.report);
}

/// Returns a recording in which so many secrets of a mebibyte were sent and came.
fn recording_of_secrets(n: usize) -> Recording {
    let entry = |i: usize| {
        format!("{i}.000000000 > +0.0 \"«key/plain@{i}#1048576»\"\n{i}.500000000 < \"«k/hex@{i}#1048576»\"\n")
    };
    let entries: String = (0..n).map(entry).collect();
    let text = format!("flowrun recording 2\ntitle \"t\"\nseed 1\nbegun 1\n0.000000000 open 115200 8N1\n{entries}");
    Recording::read(&text.replace("+0.0 ", "+0.000000001 ")).expect("it is one")
}

#[test]
fn a_recording_takes_no_more_than_its_text_and_one_entry() {
    let secrets = [("key", 64 << 10), ("k", 32 << 10)].map(|(name, n)| (Arc::from(name), vec![b's'; n]));
    let ((recording, _world), most) = most_alive(|| {
        let recording = recording_of_secrets(3000);
        let world = ReplayWorld::new(&recording, &secrets, Timing::Same);
        (recording, world)
    });
    assert_eq!(recording.entries.len(), 6001);
    assert!(most < 4 << 20, "{most} bytes were alive");
    let flow = format!("{LARGE} repeat 60 {{ send raw a send raw a expect \"xxx\" within 1h }}");
    let ((verdict, code), most) = most_alive(|| {
        let mut engine = opened(&flow);
        let mut world = ReplayWorld::new(&recording, &[], Timing::Same);
        let (keeper, audience) = (&mut Memory::default(), &mut Nothing);
        let company = Company { keeper, audience, person: &mut Nobody, tap: None, hooks: None };
        let verdict = world::run(&mut engine, &mut world, company);
        (verdict, engine.failure().map(|failure| failure.code))
    });
    assert_eq!((verdict, code), (Verdict::Failed, Some(Code::RunUnplayed)), "it was played so far");
    // 60 MiB were sent in the place of secrets; as much of that is learned as a run may learn of secrets.
    assert!(most < (32 << 20) + ROOM, "{most} bytes were alive");
}

#[test]
fn an_entry_of_a_recording_stands_for_so_much_and_no_more() {
    let read = |n: usize| {
        let masks = "«key/plain#1048576»".repeat(n);
        Recording::read(&format!("flowrun recording 2\ntitle \"t\"\n0.000000000 < \"{masks}\"\n")).map(|_| ())
    };
    assert_eq!((read(4), read(5)), (Ok(()), Err("line 3 stands for more than 4 MiB".to_string())));
}

/// Returns a number with commas.
fn commas(n: usize) -> String {
    match n / 1000 {
        0 => n.to_string(),
        thousands => format!("{},{:03}", commas(thousands), n % 1000),
    }
}

#[test]
fn the_table_of_limits_says_what_the_code_has() {
    let (kib, mib) = (|n: usize| format!("{} KiB", n >> 10), |n: usize| format!("{} MiB", n >> 20));
    let limits = [
        ("kept of what came", format!("{} and {} lines;", kib(limits::KEPT), commas(limits::LINES))),
        ("one line", kib(limits::LINE) + ";"),
        ("`read N bytes`", kib(limits::COUNTED_READ)),
        ("what a `read until` takes", kib(limits::DELIMITED_READ) + ";"),
        ("what comes while nothing can look at it", mib(limits::UNLOOKED) + ";"),
        ("moments of bytes", commas(limits::MOMENTS) + ";"),
        ("held back until a secret is made", mib(limits::HELD) + ";"),
        ("held back for the rest of a secret", mib(limits::STAYING) + ";"),
        ("a file that is sent", mib(limits::FILE)),
        ("one value", format!("{}, eight bytes", mib(WEIGHT_LIMIT))),
        ("all variables of a flow", mib(limits::VARIABLES) + ","),
        ("depth of calls", limits::CALLS.to_string()),
        ("statements executed", commas(limits::STATEMENTS as usize) + ":"),
        // These are no numbers of the engine.
        ("the secrets of a run", "32 MiB;".to_string()),
        ("a recording that is played", "256 MiB of text; a line stands for at most 4 MiB,".to_string()),
        ("what a simulated device logs", "1 MiB is kept".to_string()),
        ("what `save` keeps", "64 MiB;".to_string()),
        ("nesting of blocks", "64".to_string()),
    ];
    let document = std::fs::read_to_string(repo("docs/language.md")).expect("it is there");
    let (_, table) = document.split_once("\n| limit | value |\n|---|---|\n").expect("the document has the table");
    let rows: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
    for row in &rows {
        let cells: Vec<&str> = row.trim_matches('|').splitn(2, " | ").map(str::trim).collect();
        let [name, value] = cells[..] else { panic!("{row}") };
        let known: Vec<_> = limits.iter().filter(|(known, _)| name.starts_with(known)).collect();
        assert!(known.len() == 1 && value.starts_with(&known[0].1), "{row}: {known:?}");
    }
    assert_eq!(rows.len(), limits.len());
}

#[test]
fn a_device_that_is_busy_fails_when_more_comes_than_can_be_kept() {
    let flow = format!("flow \"t\" {LARGE} send \"AT\" repeat 10 {{ send raw a }} expect line \"OK\" within 2h");
    let device = "device \"d\" on line \"AT\" { sleep 1h reply \"OK\" }";
    let (outcome, most) = most_alive(|| Run::texts(&flow, device).go());
    assert_eq!(outcome.verdict, Verdict::PortFailed);
    let message = "the simulated device failed: more than 2 MiB came before the flow could look at it";
    assert_eq!(outcome.message(), message);
    assert!(most < 2 * ROOM, "{most} bytes were alive, what was sent among them");
}

#[test]
fn results_that_are_kept_in_memory_have_a_limit() {
    let flow = format!("{LARGE} expect \"x\" repeat 200 {{ save a }}");
    let mut engine = opened(&flow);
    let (mut saved, mut n_kept) = (Memory::default(), 0);
    engine.handle(Moment::START, Input::Received(PortId::FIRST, b"x"));
    let (verdict, most) = most_alive(|| {
        loop {
            match engine.poll() {
                Output::Act(Action::Save { values }) => {
                    let kept = saved.keep(&values);
                    n_kept += usize::from(kept.is_ok());
                    engine.handle(Moment::START, Input::Kept(kept));
                }
                Output::Done(verdict) => break verdict,
                Output::Event(_) | Output::Act(_) => {}
                Output::Wait { .. } => engine.handle(Moment::START, Input::Tick),
            }
        }
    });
    let failure = engine.failure().expect("it has failed");
    assert_eq!((verdict, n_kept), (Verdict::Failed, 127), "so many values fit into 64 MiB");
    assert_eq!(failure.message, "`a` could not be saved: all that was saved takes more than 64 MiB of memory");
    assert!(most < (64 << 20) + ROOM, "{most} bytes were alive");
}
