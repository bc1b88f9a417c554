//! What happens in a run, as data: the only thing that console, transcript and reports see.
//!
//! Order: `RunStarted` first and `RunEnded` last; `Received` before the match that it allows; `Sent` when
//! the bytes have left; `Failed` before the `StepEnded` or `RunEnded` that it causes. Secrets are replaced
//! by `«name»` before an event is made.

mod hook;
mod measure;
mod transfer;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::{Code, Label};
use crate::port_id::PortId;
use crate::source::Site;
use crate::time::Moment;
pub use hook::{HookCall, HookEnd, HookNews};
pub use measure::{Measurement, with_unit};
#[cfg(test)]
pub(crate) use transfer::tests::example as file_on_its_way;
pub use transfer::{Direction, FileTransfer, TransferStage};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// On which port: the one that it came on or went to, or the one that was current.
    pub port: PortId,
    /// The statement it belongs to, if it belongs to one.
    pub site: Option<Site>,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// The run begins.
    RunStarted(Box<RunHeader>),
    /// An attempt at a step begins.
    StepBegan {
        /// The step's title.
        title: String,
        /// 1 for the first attempt.
        attempt: u32,
        /// How many attempts there can be.
        attempts: u32,
        /// How many steps enclose it.
        depth: u32,
    },
    /// An attempt at a step ended.
    StepEnded {
        /// The step's title.
        title: String,
        /// How.
        outcome: StepOutcome,
        /// Which attempt.
        attempt: u32,
        /// How long this attempt took.
        took: Duration,
        /// How many steps enclose it.
        depth: u32,
    },
    /// The port is open.
    Opened,
    /// The port is gone, or was closed.
    Closed(CloseReason),
    /// These bytes have left.
    Sent {
        /// The bytes, with secrets named.
        bytes: Vec<u8>,
    },
    /// These bytes came: whole lines where possible, a part of one where a match, a read or a send cuts it.
    Received {
        /// The bytes, with secrets named.
        bytes: Vec<u8>,
        /// Whether they were taken by a counted `read`, as one block whatever is in them.
        block: bool,
        /// The part of the bytes that is an echo.
        echo: Option<EchoPart>,
    },
    /// An awaited pattern was found.
    Matched {
        /// The pattern as messages show it.
        pattern: Arc<str>,
        /// What was found, with secrets named.
        text: Vec<u8>,
        /// How long the wait was.
        waited: Duration,
    },
    /// A variable got its value from what was received.
    Captured {
        /// The variable.
        name: Arc<str>,
        /// Its value, with secrets named.
        value: Vec<u8>,
    },
    /// Something was measured.
    Measured(Box<Measurement>),
    /// A result is safe on disk.
    Saved {
        /// The variable.
        name: String,
    },
    /// The flow said something with `log`.
    Logged {
        /// What, with secrets named.
        text: Vec<u8>,
    },
    /// The program of a hook wrote a line.
    HookSaid {
        /// The line, with secrets named.
        text: Vec<u8>,
    },
    /// A file is on its way, has arrived, or was given up.
    Transfer(Box<FileTransfer>),
    /// The engine has something to say: a setting changed, a failure inside `try`, a retry.
    Noted {
        /// What, with secrets named.
        text: String,
    },
    /// `skip` was reached: the step that ends next, or else the run, does not apply here.
    Skipped {
        /// Why, with secrets named.
        why: String,
    },
    /// A `finally` block failed: the verdict does not change, but says so.
    CleanupFailed(Box<Failure>),
    /// The run, or a step that will be tried again, failed.
    Failed(Box<Failure>),
    /// The run is over.
    RunEnded {
        /// How.
        verdict: Verdict,
        /// How much was checked: patterns that were found, reads, silences, assertions. What a skipped step checked is left out.
        checks: u64,
    },
}

/// An echo among received bytes; of one that came in several pieces, this piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EchoPart {
    /// Where it stands in the bytes, with its line end.
    pub at: Range<usize>,
    /// What it is an echo of.
    pub of: EchoOf,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EchoOf {
    /// What was sent last.
    Last,
    /// What is being sent: the next `Sent` tells of it.
    Next,
    /// What was sent last, if the rest of it follows: then the next piece says so.
    Maybe,
}

/// What is known before the first byte.
#[derive(Clone, Debug, PartialEq)]
pub struct RunHeader {
    /// The flow's title.
    pub title: String,
    /// `flow`, `device`.
    pub kind: String,
    /// The file, as the user named it.
    pub file: String,
    /// The port, as the user named it.
    pub port: String,
    /// The settings of the line, such as `115200 8N1`.
    pub line: String,
    /// Whether there is a line that they are settings of; otherwise the port carries bytes and nothing else.
    pub has_line: bool,
    /// The ports that the flow declares, the first of them told above too; none if it declares none.
    pub ports: Vec<RunPort>,
    /// The seed of everything random.
    pub seed: u64,
}

/// What is known before the first byte of a port that a flow declares.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPort {
    /// Its name.
    pub name: String,
    /// Its address, as the user named it.
    pub address: String,
    /// The settings of its line.
    pub line: String,
    /// Whether there is a line that they are settings of.
    pub has_line: bool,
}

impl RunPort {
    /// Returns what people are told of the port: name, address and line.
    pub fn shown(&self) -> String {
        let line = if self.has_line { &self.line } else { "bytes only" };
        format!("{} at {}, {line}", self.name, self.address)
    }
}

impl RunHeader {
    /// Returns what people are told of the line.
    pub fn line_shown(&self) -> &str {
        if self.has_line { &self.line } else { "bytes only" }
    }
}

/// How an attempt at a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// All its statements did what they should.
    Passed,
    /// It failed and will be tried again.
    WillRetry,
    /// It failed.
    Failed,
    /// `skip` was reached.
    Skipped,
}

/// Why a port is gone.
#[derive(Clone, Debug, PartialEq)]
pub enum CloseReason {
    /// The run is over and the port was closed on purpose.
    Finished,
    /// It could not be opened; why, and what to do.
    CannotOpen {
        /// What is wrong, in the words of the system.
        reason: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// The other side hung up, or the adapter was unplugged.
    HungUp {
        /// What the likely cause is, and what to do about it: each kind of port has its own.
        help: String,
    },
    /// Reading, writing or a setting failed.
    Broken {
        /// What is wrong, in the words of the system.
        reason: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// The simulated device failed.
    DeviceFailed(Box<Failure>),
}

impl CloseReason {
    /// Returns that a serial port, real or simulated, hung up.
    pub fn unplugged() -> CloseReason {
        let help = "the adapter was unplugged, or the device switched itself off: check the cable and the power";
        CloseReason::HungUp { help: help.to_string() }
    }
}

/// How a flow departs from the recording that plays the other end: plain bytes, for the engine to make a reason of, which knows
/// the secrets in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Departure {
    /// What the flow sent.
    pub sent: Vec<u8>,
    /// The first byte of it that is another one.
    pub at: usize,
    /// What is recorded instead; `None` if the recording has ended.
    pub recorded: Option<Recorded>,
    /// How many writes were as they are recorded.
    pub n_same: usize,
    /// What may help.
    pub help: Option<String>,
}

/// A write in a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its bytes; letters stand where a secret stands that is not known.
    pub bytes: Vec<u8>,
    /// Where secrets stand in it, and their names.
    pub secrets: Vec<(Range<usize>, String)>,
    /// The first byte that is another one.
    pub at: usize,
    /// When it was written.
    pub moment: Moment,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything held.
    Passed,
    /// Everything held, but a step needed more than one attempt.
    Flaky,
    /// The flow itself said that it does not apply here.
    Skipped,
    /// Something did not hold.
    Failed,
    /// The port could not be opened, or went away.
    PortFailed,
    /// Ctrl-C, or a request of the system to end.
    Interrupted,
}

/// Whether a run may pass though a clean-up failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rigour {
    /// It may, and says so.
    #[default]
    Usual,
    /// It fails.
    Strict,
}

impl Verdict {
    /// Returns the word that console and reports use.
    pub fn title(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Flaky => "passed (flaky)",
            Verdict::Skipped => "skipped",
            Verdict::Failed => "failed",
            Verdict::PortFailed => "port failed",
            Verdict::Interrupted => "interrupted",
        }
    }

    /// Says whether nothing is wrong: the run passed, at whichever attempt, or did not apply.
    pub fn is_success(self) -> bool {
        match self {
            Verdict::Passed | Verdict::Flaky | Verdict::Skipped => true,
            Verdict::Failed | Verdict::PortFailed | Verdict::Interrupted => false,
        }
    }
}

/// Why a run failed, with everything that is needed to explain it; secrets are named.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Which kind of failure.
    pub code: Code,
    /// The statement that failed; `None` only for what no statement is to blame for.
    pub site: Option<Site>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What is said about the statement itself.
    pub label: String,
    /// Further places: the calls that led here, the `fail on` that ended the wait.
    pub others: Vec<Label>,
    /// The steps that it happened in, outermost first.
    pub steps: Vec<String>,
    /// What was sent last, as visible text.
    pub sent: Option<String>,
    /// What came since, one visible text a line; empty if nothing came.
    pub came: Option<Vec<String>>,
    /// The likely cause, and what to do.
    pub cause: Option<String>,
    /// Whether it ends the run whatever is around it: no `try` stops it, and no step is tried again after it.
    pub ends_run: bool,
}

/// How far a wait for input is, for who watches it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is awaited, as messages show it, with secrets named; empty if no input is awaited.
    pub what: String,
    /// When the wait began.
    pub begun: Moment,
    /// How many bytes came since the last send.
    pub came: usize,
    /// How many bytes of a file were moved, and how many there are, if that is known; `None` if no file is on its way.
    pub moved: Option<(usize, Option<usize>)>,
}

/// What an engine is waiting for.
#[derive(Clone, Debug, PartialEq)]
pub enum Waiting {
    /// The port to open.
    Open,
    /// A write to end.
    Write {
        /// The statement.
        site: Site,
    },
    /// A pattern, or bytes.
    Match {
        /// The statement.
        site: Site,
        /// When the wait ends, if it does.
        deadline: Option<Moment>,
    },
    /// Time to pass.
    Sleep {
        /// The statement.
        site: Site,
        /// Until when.
        until: Moment,
    },
    /// A person to answer.
    Answer {
        /// The statement.
        site: Site,
    },
    /// The program of a hook to end.
    Hook {
        /// The statement.
        site: Site,
    },
    /// Silence before a retry or a send.
    Quiet {
        /// The statement.
        site: Site,
    },
    /// A device waits for what the host sends.
    Serve,
    /// The engine has used up its share of steps without waiting and goes on at once.
    Breath,
}
