//! Instructions, and what they are made of.

use std::sync::Arc;

use super::{Expr, OpIndex, PatternSpec, Slot, Target, WatcherId};
use crate::pattern::Regex;
use crate::port_id::PortId;
use crate::settings::{InputLine, SettingValue};
use crate::transfer::Protocol;

/// How something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendMode {
    /// With the line ending behind it.
    Line,
    /// As it is.
    Raw,
    /// With the header before and the line ending behind it.
    Reply,
}

/// How far a failure goes that the flow itself declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the `try` around it, or to the step that is tried again.
    Around,
    /// To the end of the run, whatever is around it.
    Run,
}

/// One instruction.
#[derive(Clone, Debug)]
pub enum Op {
    /// Write.
    Send {
        /// What is added to the text.
        mode: SendMode,
        /// What is written.
        text: Expr,
    },
    /// Wait for one of the arms, or for all of them.
    Expect(Arc<Expect>),
    /// Pass if it does not come.
    ExpectNone(Arc<Absence>),
    /// Wait for silence.
    ExpectQuiet {
        /// How long it must be quiet.
        lasting: Expr,
        /// How long that may take to come; `None` is the file's timeout and `lasting`.
        within: Option<Expr>,
    },
    /// Take so many bytes.
    ReadCount(Arc<CountedRead>),
    /// Take everything up to a pattern.
    ReadUntil(Arc<DelimitedRead>),
    /// Take everything up to a silence.
    ReadQuiet(Arc<SilentRead>),
    /// Put a value into a variable and report it.
    Capture {
        /// The value.
        value: Expr,
        /// The variable.
        target: Target,
    },
    /// Put what a pattern finds into a variable and report it.
    CaptureMatch {
        /// What is looked for.
        pattern: PatternSpec,
        /// Where; `None` is the last response.
        text: Option<Expr>,
        /// The variable.
        target: Target,
    },
    /// Put a value into a variable.
    Compute {
        /// The value.
        value: Expr,
        /// The variable.
        target: Target,
    },
    /// Set variables to their first values (devices, at power-on).
    Initial(Vec<(Expr, Target)>),
    /// Put a number into a variable, report it, and fail if it is outside of its limits (flows).
    Measure(Arc<Measure>),
    /// Fail unless it is true.
    Assert {
        /// What must be true.
        condition: Expr,
        /// What the failure says.
        message: Option<Expr>,
    },
    /// Fail.
    Fail {
        /// How far the failure goes.
        reach: Reach,
        /// What it says.
        message: Expr,
    },
    /// Ask a person.
    Ask(Arc<Question>),
    /// Run a hook (flows).
    Hook(Arc<Hook>),
    /// Send a file.
    SendFile(Arc<FileSend>),
    /// Receive a file.
    ReceiveFile(Arc<FileReceive>),
    /// Give a wire a value (devices).
    Wire {
        /// Which of [`Main::wires`](super::Main::wires).
        wire: usize,
        /// The value.
        value: Expr,
    },
    /// End the step or the flow as skipped.
    Skip(Expr),
    /// Make durable.
    Save(Vec<Target>),
    /// Say something.
    Log(Expr),
    /// Wait for time to pass.
    Sleep(Expr),
    /// Put a watcher in force until the enclosing scope ends.
    Watch(WatcherId),
    /// Run a block later (devices).
    After {
        /// How much later.
        delay: Expr,
        /// The block.
        entry: OpIndex,
    },
    /// Begin afresh (devices).
    Restart,
    /// Hang up: for good, or for so long; then [`Op::Replug`] follows (devices).
    Unplug(Option<Expr>),
    /// Be there again (devices).
    Replug,
    /// Wait until the port has gone and come back (flows).
    Reopen(Expr),
    /// Go on elsewhere.
    Jump(OpIndex),
    /// Go on elsewhere unless it is true.
    Unless {
        /// What must be true to go on here.
        condition: Expr,
        /// Where to go on otherwise.
        otherwise: OpIndex,
    },
    /// Put the number of turns of a loop into a counter.
    Count {
        /// How many; `None` is endless.
        turns: Option<Expr>,
        /// The counter; it has no value for an endless loop.
        counter: Slot,
    },
    /// Take one off the counter; go on elsewhere when none is left.
    Turn {
        /// The counter; without a value the loop is endless.
        counter: Slot,
        /// Where to go when none is left.
        done: OpIndex,
        /// What it means that none is left.
        when_over: WhenOver,
    },
    /// Begin to go through a list.
    Each {
        /// The list, or what a list is made of.
        list: Expr,
        /// Where the list is put.
        items: Slot,
        /// Where the place in it is put.
        place: Slot,
    },
    /// Put the next item into the variable; go on elsewhere when none is left.
    Next {
        /// The list.
        list: Slot,
        /// The place.
        place: Slot,
        /// The variable.
        item: Slot,
        /// Where to go when none is left.
        done: OpIndex,
    },
    /// Begin to go from one number to another.
    Numbers {
        /// The first.
        first: Expr,
        /// The last.
        last: Expr,
        /// Where both are put.
        ends: Slot,
        /// Where it is put how many are done.
        place: Slot,
    },
    /// Put the next number into the variable; go on elsewhere when none is left.
    NextNumber {
        /// The first and the last number.
        ends: Slot,
        /// How many are done.
        place: Slot,
        /// The variable.
        item: Slot,
        /// Where to go when none is left.
        done: OpIndex,
    },
    /// Begin a scope.
    Enter(Box<ScopeKind>),
    /// End the innermost scope: its `finally` blocks run now.
    Leave,
    /// Have a block run when the innermost scope ends; go on behind it.
    Finally {
        /// The block.
        entry: OpIndex,
        /// What follows it.
        behind: OpIndex,
    },
    /// The end of a `finally` block.
    FinallyEnd,
    /// Run a procedure.
    Call {
        /// Which of [`Program::procedures`](super::Program::procedures).
        procedure: usize,
        /// What its parameters get.
        arguments: Vec<Expr>,
        /// What its result is put into.
        result: Option<Target>,
    },
    /// Leave the procedure or handler.
    Return(Option<Expr>),
    /// Change settings of the line from here on.
    Settings(Vec<(String, SettingValue)>),
    /// Change the baud rate.
    Baud(Expr),
    /// Switch control lines.
    ControlLines {
        /// Data terminal ready; `None` leaves it as it is.
        dtr: Option<bool>,
        /// Request to send; `None` leaves it as it is.
        rts: Option<bool>,
    },
    /// Switch the lines that the other side reads (devices).
    InputLines(Vec<(InputLine, bool)>),
    /// Wait until the other side has switched a line.
    ExpectInput(InputWait),
    /// Speak to another port, until the innermost scope ends.
    Using(PortId),
    /// Hold the line in break.
    Break(Expr),
    /// Throw away what has come.
    Flush,
    /// Expect, or send, an echo from now on.
    Echo(bool),
    /// From here on events are held back: a secret in them is not known yet.
    Hold,
    /// Events may go.
    Release,
    /// The end of the flow; of a device: begin to serve.
    End,
}

/// `expect`, `await`, `expect all`.
#[derive(Clone, Debug)]
pub struct Expect {
    /// Which lines are looked at.
    pub scope: LookAt,
    /// What is awaited.
    pub arms: Vec<Arm>,
    /// How many of the arms.
    pub needed: Needed,
    /// How long; `None` is the file's timeout.
    pub within: Option<Expr>,
    /// Where to go on when it did not come; `None` is a failure.
    pub timeout: Option<OpIndex>,
}

/// One thing that an [`Expect`] waits for.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What.
    pub pattern: PatternSpec,
    /// On which port; `None` is the one that is current.
    pub port: Option<PortId>,
    /// Where to go on when it came, and nothing more is needed.
    pub then: OpIndex,
}

/// What makes a further attempt at a step pointless, when a line says it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What.
    pub pattern: PatternSpec,
    /// On which port; `None` is the one that is current where the step begins.
    pub port: Option<PortId>,
}

/// How many arms of an [`Expect`] must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// The first that comes.
    One,
    /// Every one, in whatever order.
    All,
}

/// `expect none`
#[derive(Clone, Debug)]
pub struct Absence {
    /// What may not come.
    pub pattern: PatternSpec,
    /// For how long.
    pub lasting: Expr,
}

/// `expect cts on`
#[derive(Clone, Debug)]
pub struct InputWait {
    /// Which line.
    pub line: InputLine,
    /// What it is to be.
    pub on: bool,
    /// How long it may take; `None` is the file's timeout.
    pub within: Option<Expr>,
}

/// `read 16 bytes`
#[derive(Clone, Debug)]
pub struct CountedRead {
    /// How many bytes.
    pub count: Expr,
    /// What they are put into.
    pub target: Target,
    /// How long it may take; `None` is the file's timeout.
    pub within: Option<Expr>,
}

/// `read until quiet`
#[derive(Clone, Debug)]
pub struct SilentRead {
    /// How long it must be quiet.
    pub lasting: Expr,
    /// What the bytes before that are put into.
    pub target: Target,
    /// How long that may take to come; `None` is the file's timeout and `lasting`.
    pub within: Option<Expr>,
}

/// `read until`
#[derive(Clone, Debug)]
pub struct DelimitedRead {
    /// What ends it.
    pub pattern: PatternSpec,
    /// What the bytes before that are put into.
    pub target: Target,
    /// How long it may take; `None` is the file's timeout.
    pub within: Option<Expr>,
}

/// `ask`
#[derive(Clone, Debug)]
pub struct Question {
    /// What is asked.
    pub prompt: Expr,
    /// What the answer is put into.
    pub target: Option<Target>,
    /// Which answers fit; it is asked again after another one.
    pub fits: AnswerFits,
    /// The answer if nobody is there, or an empty one is given.
    pub default: Option<Expr>,
}

/// Which answers of a person fit.
#[derive(Clone, Debug)]
pub enum AnswerFits {
    /// Every answer.
    Any,
    /// One of these.
    OneOf(Vec<Expr>),
    /// What the regex fits as a whole: as written, and as it is used.
    Regex(String, Arc<Regex>),
}

/// `hook`
#[derive(Clone, Debug)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// What is given to it.
    pub arguments: Vec<Expr>,
    /// How long it may take; `None` is the file's timeout.
    pub within: Option<Expr>,
}

/// `send_file`
#[derive(Clone, Debug)]
pub struct FileSend {
    /// What is in the file.
    pub content: Expr,
    /// What messages call it.
    pub title: String,
    /// Whether that is the name of a variable.
    pub is_variable: bool,
    /// What the other side is told that it is called; `None` is the name that the file has.
    pub name: Option<Expr>,
    /// How it is sent; `None` is as it is.
    pub protocol: Option<Protocol>,
    /// How long it may take; `None` is as long as the protocol allows.
    pub within: Option<Expr>,
}

/// `receive_file`
#[derive(Clone, Debug)]
pub struct FileReceive {
    /// What the file is put into.
    pub target: Target,
    /// How it is sent.
    pub protocol: Protocol,
    /// How long it may take; `None` is as long as the protocol allows.
    pub within: Option<Expr>,
    /// Whether it is made durable outside, see [`Program::keeping_files`](super::Program::keeping_files).
    pub is_kept: bool,
}

/// What it means that all turns of a loop are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenOver {
    /// The loop is done: it was counted.
    GoOn,
    /// It fails: the turns were a limit, `at most`, and the condition of `repeat until` is still false.
    StillFalse,
    /// It fails: the turns were a limit, `at most`, and the condition of `repeat while` is still true.
    StillTrue,
}

/// Which lines a wait looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookAt {
    /// What came since the last send and match.
    Answer,
    /// Unclaimed lines first.
    Unclaimed,
}

/// What a scope is for.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "an instruction has it in a box")]
pub enum ScopeKind {
    /// A block with watchers or a `finally` in it.
    Block,
    /// A step.
    Step {
        /// Its title.
        title: Expr,
        /// How many further attempts.
        retry: Option<Expr>,
        /// How long to wait before one.
        every: Option<Expr>,
        /// What a line must not say for one to make sense.
        unless: Arc<[Refusal]>,
        /// How long an attempt may take.
        timeout: Option<Expr>,
        /// What follows it.
        behind: OpIndex,
    },
    /// A failure inside goes on here.
    Try {
        /// The `else` block, or what follows.
        otherwise: OpIndex,
    },
}

/// What is measured.
#[derive(Clone, Debug)]
pub struct Measure {
    /// The number.
    pub value: Expr,
    /// The variable, by whose name the measurement is known.
    pub target: Target,
    /// The unit.
    pub unit: Option<String>,
    /// The limits.
    pub limits: Limits,
    /// Whether the flow goes on if the value is outside of them, and fails at its end.
    pub is_soft: bool,
}

/// Between what a measured value must lie.
#[derive(Clone, Debug)]
pub enum Limits {
    /// From the one to the other; both are allowed themselves, and either may be missing.
    Range {
        /// The least that is allowed.
        low: Option<Expr>,
        /// The most that is allowed.
        high: Option<Expr>,
    },
    /// It must be this.
    Exactly(Expr),
}

impl Limits {
    /// Whether there are any.
    pub fn are_set(&self) -> bool {
        !matches!(self, Limits::Range { low: None, high: None })
    }
}

impl Op {
    /// Returns where an instruction goes on when it does not go on with the next; `None` if it always does, or if it has
    /// several such places.
    pub(crate) fn landing(&mut self) -> Option<&mut OpIndex> {
        match self {
            Op::Jump(to) => Some(to),
            Op::Unless { otherwise, .. } => Some(otherwise),
            Op::Turn { done, .. } | Op::Next { done, .. } | Op::NextNumber { done, .. } => Some(done),
            Op::Finally { behind, .. } => Some(behind),
            Op::Send { .. }
            | Op::Expect(_)
            | Op::ExpectNone(_)
            | Op::ExpectQuiet { .. }
            | Op::ReadCount(_)
            | Op::ReadUntil(_)
            | Op::ReadQuiet(_)
            | Op::Capture { .. }
            | Op::CaptureMatch { .. }
            | Op::Compute { .. }
            | Op::Initial(_)
            | Op::Measure(_)
            | Op::Assert { .. }
            | Op::Fail { .. }
            | Op::Ask(_)
            | Op::Hook(_)
            | Op::SendFile(_)
            | Op::ReceiveFile(_)
            | Op::Wire { .. }
            | Op::Skip(_)
            | Op::Save(_)
            | Op::Log(_)
            | Op::Sleep(_)
            | Op::Watch(_)
            | Op::After { .. }
            | Op::Restart
            | Op::Unplug(_)
            | Op::Replug
            | Op::Reopen(_)
            | Op::Count { .. }
            | Op::Each { .. }
            | Op::Numbers { .. }
            | Op::Enter(_)
            | Op::Leave
            | Op::FinallyEnd
            | Op::Call { .. }
            | Op::Return(_)
            | Op::Settings(_)
            | Op::Baud(_)
            | Op::ControlLines { .. }
            | Op::InputLines(_)
            | Op::ExpectInput(_)
            | Op::Using(_)
            | Op::Break(_)
            | Op::Flush
            | Op::Echo(_)
            | Op::Hold
            | Op::Release
            | Op::End => None,
        }
    }
}
