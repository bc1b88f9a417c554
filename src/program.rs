//! `Program`: a checked flow or device, flat and resolved; what an engine runs.

use std::sync::Arc;
use std::time::Duration;

use crate::function::Function;
use crate::pattern::{Pattern, Regex};
use crate::settings::{SettingValue, Settings};
use crate::source::{Site, Sources, Span};
use crate::value::operator::Operator;
use crate::value::{Type, Value};

/// A place in [`Program::ops`].
pub type Address = usize;

/// A checked flow or device.
#[derive(Clone, Debug)]
pub struct Program {
    /// Flow or device.
    pub role: Role,
    /// The title in the header.
    pub title: String,
    /// The texts it came from, for messages.
    pub sources: Arc<Sources>,
    /// Settings of the line.
    pub settings: Settings,
    /// How long an `expect` waits that says nothing.
    pub timeout: Expr,
    /// The device file that `--port sim` plays: its path as written, and where.
    pub sim: Option<(String, Site)>,
    /// What the command line may set, in the order of the text.
    pub params: Vec<Param>,
    /// Whether a value may become secret while it runs: then its bytes may have come before that.
    pub learns_secrets: bool,
    /// What changes from run to run: shown as `[name]` in snapshots, found by a regex, or wherever the variable's value
    /// stands.
    pub volatiles: Vec<(String, Option<String>)>,
    /// The names of the global variables; a [`Slot::Global`] is a place in it.
    pub globals: Vec<String>,
    /// The first instruction of the main part.
    pub entry: Address,
    /// How many local variables the main part has.
    pub locals: usize,
    /// The instructions.
    pub ops: Vec<Op>,
    /// The statement of each instruction.
    pub sites: Vec<Site>,
    /// The procedures.
    pub procedures: Vec<Procedure>,
    /// `on`, `fail on` and `ignore`.
    pub watchers: Vec<Watcher>,
    /// The watchers in force from the beginning: those of libraries, and all of a device.
    pub standing: Vec<WatcherId>,
}

/// What a program plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The host: runs from top to bottom.
    Flow,
    /// The other end: serves what comes.
    Device,
}

/// A variable that the command line may set.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its place among the globals.
    pub slot: u32,
    /// Whether it is masked.
    pub is_secret: bool,
    /// The type of its default; text without one.
    pub kind: Type,
    /// What its value must look like: the regex as written, and as it is used.
    pub matches: Option<(String, Arc<Regex>)>,
    /// Its value if none is given.
    pub default: Option<Expr>,
    /// Where it is declared.
    pub site: Site,
}

/// A procedure.
#[derive(Clone, Debug)]
pub struct Procedure {
    /// Its name.
    pub name: String,
    /// How many parameters it has: its first locals.
    pub parameters: usize,
    /// The names of its locals.
    pub locals: Vec<String>,
    /// Its first instruction.
    pub entry: Address,
}

/// Which watcher of [`Program::watchers`].
pub type WatcherId = usize;

/// `on`, `fail on` or `ignore`.
#[derive(Clone, Debug)]
pub struct Watcher {
    /// What it watches for.
    pub pattern: PatternSpec,
    /// What it does then.
    pub kind: WatcherKind,
    /// Where it stands.
    pub site: Site,
}

/// What a watcher does.
#[derive(Clone, Debug)]
pub enum WatcherKind {
    /// Runs a block.
    On {
        /// The block.
        entry: Address,
        /// How many locals it has of its own; `None` if it shares those of the block it stands in.
        locals: Option<usize>,
    },
    /// Ends the wait.
    FailOn {
        /// With this message.
        message: Option<Expr>,
    },
    /// Keeps the line out of matching.
    Ignore,
}

/// A variable's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Shared by the whole run.
    Global(u32),
    /// Of the procedure or handler that runs.
    Local(u32),
}

/// A variable that something is put into.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its place.
    pub slot: Slot,
    /// Its name.
    pub name: String,
    /// Whether what is put into it is secret.
    pub is_secret: bool,
}

/// A pattern as written, to be made ready when it is reached.
#[derive(Clone, Debug)]
pub struct PatternSpec {
    /// As the flow has it, for messages.
    pub title: Arc<str>,
    /// Where it stands.
    pub site: Site,
    /// How it is made.
    pub source: PatternSource,
    /// What its named groups are put into.
    pub groups: Vec<(String, Target)>,
}

/// How a pattern is made.
#[derive(Clone, Debug)]
pub enum PatternSource {
    /// It is always the same.
    Ready(Pattern),
    /// A text with values in it.
    Text(PatternShape, Expr),
    /// A regex with values in it.
    Regex {
        /// Line, prompt or within a line.
        shape: PatternShape,
        /// Text of the regex and values that match themselves.
        pieces: Vec<Piece>,
        /// `i`, `x`.
        flags: String,
    },
}

/// What a text or regex is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternShape {
    /// A text: the stream. A regex: a part of a line.
    Anywhere,
    /// A whole line.
    Line,
    /// An unfinished line.
    Prompt,
}

/// A part of a string or regex.
#[derive(Clone, Debug)]
pub enum Piece {
    /// As it is.
    Text(Vec<u8>),
    /// A value.
    Value(Expr),
}

/// An expression, resolved.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Where it stands, in the text of its statement.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A value.
    Const(Value),
    /// A string with values in it.
    Template(Vec<Piece>),
    /// A variable and its name.
    Variable(Slot, String),
    /// A function.
    Call(Function, Vec<Expr>),
    /// A list.
    List(Vec<Expr>),
    /// A map.
    Map(Vec<(String, Expr)>),
    /// `not`
    Not(Box<Expr>),
    /// `-`
    Negative(Box<Expr>),
    /// An operator.
    Binary(Operator, Box<Expr>, Box<Expr>),
    /// `matches`
    Matches(Box<Expr>, Box<PatternSource>),
    /// `of[index]`
    Index(Box<Expr>, Box<Expr>),
}

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
    /// Fail unless it is true.
    Assert {
        /// What must be true.
        condition: Expr,
        /// What the failure says.
        message: Option<Expr>,
    },
    /// Fail.
    Fail(Expr),
    /// Ask a person.
    Ask(Arc<Question>),
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
        entry: Address,
    },
    /// Begin afresh (devices).
    Restart,
    /// Hang up (devices).
    Unplug,
    /// Go on elsewhere.
    Jump(Address),
    /// Go on elsewhere unless it is true.
    Unless {
        /// What must be true to go on here.
        condition: Expr,
        /// Where to go on otherwise.
        otherwise: Address,
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
        done: Address,
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
        done: Address,
    },
    /// Begin a scope.
    Enter(Box<ScopeKind>),
    /// End the innermost scope: its `finally` blocks run now.
    Leave,
    /// Have a block run when the innermost scope ends; go on behind it.
    Finally {
        /// The block.
        entry: Address,
        /// What follows it.
        behind: Address,
    },
    /// The end of a `finally` block.
    FinallyEnd,
    /// Run a procedure.
    Call {
        /// Which of [`Program::procedures`].
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
    pub timeout: Option<Address>,
}

/// One thing that an [`Expect`] waits for.
#[derive(Clone, Debug)]
pub struct Arm {
    /// What.
    pub pattern: PatternSpec,
    /// Where to go on when it came, and nothing more is needed.
    pub then: Address,
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
    /// The answer if nobody is there, or an empty one is given.
    pub default: Option<Expr>,
}

/// What it means that all turns of a loop are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenOver {
    /// The loop is done: it was counted.
    GoOn,
    /// It fails: the turns were a limit, `at most`.
    Fail,
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
        /// How long an attempt may take.
        timeout: Option<Expr>,
        /// What follows it.
        behind: Address,
    },
    /// A failure inside goes on here.
    Try {
        /// The `else` block, or what follows.
        otherwise: Address,
    },
}

impl Op {
    /// Returns where an instruction goes on when it does not go on with the next; `None` if it always does, or if it has
    /// several such places.
    pub(crate) fn landing(&mut self) -> Option<&mut Address> {
        match self {
            Op::Jump(to) => Some(to),
            Op::Unless { otherwise, .. } => Some(otherwise),
            Op::Turn { done, .. } | Op::Next { done, .. } => Some(done),
            Op::Finally { behind, .. } => Some(behind),
            Op::Send { .. }
            | Op::Expect(_)
            | Op::ExpectNone(_)
            | Op::ExpectQuiet { .. }
            | Op::ReadCount(_)
            | Op::ReadUntil(_)
            | Op::Capture { .. }
            | Op::CaptureMatch { .. }
            | Op::Compute { .. }
            | Op::Initial(_)
            | Op::Assert { .. }
            | Op::Fail(_)
            | Op::Ask(_)
            | Op::Skip(_)
            | Op::Save(_)
            | Op::Log(_)
            | Op::Sleep(_)
            | Op::Watch(_)
            | Op::After { .. }
            | Op::Restart
            | Op::Unplug
            | Op::Count { .. }
            | Op::Each { .. }
            | Op::Enter(_)
            | Op::Leave
            | Op::FinallyEnd
            | Op::Call { .. }
            | Op::Return(_)
            | Op::Settings(_)
            | Op::Baud(_)
            | Op::ControlLines { .. }
            | Op::Break(_)
            | Op::Flush
            | Op::Echo(_)
            | Op::Hold
            | Op::Release
            | Op::End => None,
        }
    }
}

impl Program {
    /// Returns the statement of an instruction.
    pub fn site(&self, at: Address) -> Site {
        self.sites[at]
    }
}

/// A timeout as a constant, for defaults.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
