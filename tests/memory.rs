//! Memory is bounded: whatever a device sends, a flow computes or a file has in it. There is a test for each limit of which
//! `docs/language.md` has a row, and a table of the rows below.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

#[path = "support/alive.rs"]
mod alive;
mod support;

use flowrun::diagnostic::Code;
use flowrun::engine::{Action, Engine, Input, Output, limits};
use flowrun::event::{Event, EventKind, StepOutcome, Verdict};
use flowrun::port::{PortCommand, PortId};
use flowrun::time::Moment;

use alive::most_alive;
use support::bench::opened;

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
}

impl Flooded {
    fn new(flow: &str, line: Line) -> Flooded {
        let engine = opened(flow);
        let mut flooded = Flooded { engine, line, ms: 0, verdict: None, notes: vec![], n_told: 0, n_retries: 0 };
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
            EventKind::Received { bytes, .. } => self.n_told += bytes.len(),
            EventKind::StepEnded { outcome: StepOutcome::WillRetry, .. } => self.n_retries += 1,
            _ => {}
        }
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
    for (text, n_bytes) in floods() {
        let (flooded, most) = most_alive(|| {
            let mut flooded = Flooded::new(flow, line);
            flooded.flood(&text, n_bytes);
            flooded
        });
        assert!(most < ROOM, "{flow}: {most} bytes were alive while {text:?} came");
        check(flooded);
    }
}

#[test]
fn a_wait_takes_no_more_memory_the_more_comes() {
    for wait in [
        "expect \"NEVER\" within 1h",
        "expect line /NEVER/ within 1h",
        "expect quiet for 1s within 1h",
        "sleep 1h expect \"x\"",
    ] {
        flooded(wait, Line::Takes, |flooded| assert_eq!(flooded.verdict, None));
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
fn a_send_that_does_not_leave_fails_when_more_comes_than_can_be_kept() {
    flooded("send \"AT\" expect \"OK\" within 1h", Line::TakesNothing, |flooded| {
        assert_eq!(flooded.verdict, Some(Verdict::Failed));
        let message = "more than 2 MiB came that nothing could look at yet";
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
    flooded("ask \"?\"  expect \"NEVER\" within 1h", Line::Takes, |flooded| {
        assert_eq!(flooded.verdict, Some(Verdict::Failed));
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
