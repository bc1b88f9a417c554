//! `Program`: a checked flow or device, flat and resolved; what an engine runs.

mod lens;
mod limits;
mod op;
mod received;

use std::sync::Arc;
use std::time::Duration;

use crate::function::Function;
use crate::pattern::{Pattern, Regex};
use crate::port_id::PortId;
use crate::settings::{Settings, Signal};
use crate::source::{Site, Sources, Span};
use crate::value::operator::Operator;
use crate::value::{Type, Value};

pub use crate::transfer::Protocol;
pub use lens::Lens;
pub use limits::GivenLimits;
pub use op::{
    Absence, AnswerFits, Arm, CountedRead, DelimitedRead, Expect, FileReceive, FileSend, Hook, InputWait, Limits,
    LookAt, Measure, Needed, Op, Question, Reach, Refusal, ScopeKind, SendMode, SilentRead, WhenOver,
};

/// A place in [`Program::ops`].
pub type OpIndex = usize;

/// A checked flow or device.
#[derive(Clone, Debug)]
pub struct Program {
    /// Flow or device.
    pub role: Role,
    /// The title in the header.
    pub title: String,
    /// The texts it came from, for messages.
    pub sources: Arc<Sources>,
    /// Settings of the line; of a flow that declares ports, of the first.
    pub settings: Settings,
    /// The device file that `--port sim` plays: its path as written, and where; of a flow that declares ports, on the first.
    pub sim: Option<(String, Site)>,
    /// The ports that it declares, in the order of the text: the first is the one that is meant when nothing is said. Empty
    /// if it declares none: then it has one port, without a name.
    pub ports: Vec<DeclaredPort>,
    /// What the command line may set, in the order of the text.
    pub params: Vec<Param>,
    /// Whether a value may become secret while it runs: then its bytes may have come before that.
    pub learns_secrets: bool,
    /// What it says to a suite.
    pub for_suites: ForSuites,
    /// The names of the global variables; a [`Slot::Global`] is a place in it.
    pub globals: Vec<String>,
    /// Where it begins.
    pub main: Main,
    /// The instructions.
    pub ops: Vec<Op>,
    /// The statement of each instruction.
    pub sites: Vec<Site>,
    /// The procedures.
    pub procedures: Vec<Procedure>,
    /// `on`, `fail on` and `ignore`.
    pub watchers: Vec<Watcher>,
}

/// What a flow says to the suite that it is part of.
#[derive(Clone, Debug, Default)]
pub struct ForSuites {
    /// What changes from run to run: shown as `[name]` in snapshots, found by a regex, or wherever the variable's value
    /// stands.
    pub volatiles: Vec<(String, Option<String>)>,
    /// The words by which the flow is found, in the order of the text, each once.
    pub tags: Vec<String>,
}

/// A port that a flow declares.
#[derive(Clone, Debug)]
pub struct DeclaredPort {
    /// Its name.
    pub name: String,
    /// The settings of its line: those of the file, with what its block changes.
    pub settings: Settings,
    /// The device file that `--port sim` plays on it: its path as written, and where.
    pub sim: Option<(String, Site)>,
    /// Where it is declared.
    pub site: Site,
}

/// A wire: a value that all devices of a bench share, by its name.
///
/// Each of them has the value among its globals. Who changes it there has an engine tell of it, so that the world tells the
/// others.
#[derive(Clone, Debug)]
pub struct DeclaredWire {
    /// Its name.
    pub name: String,
    /// Its place among the globals.
    pub slot: u32,
    /// What it is when the bench is switched on: the same in every device that declares it.
    pub initial: Value,
    /// Where it is declared.
    pub site: Site,
}

/// The main part of a program.
#[derive(Clone, Debug)]
pub struct Main {
    /// Its first instruction.
    pub entry: OpIndex,
    /// How many local variables it has.
    pub locals: usize,
    /// How long an `expect` waits that says nothing.
    pub timeout: Expr,
    /// The watchers in force from the beginning: those of libraries, and all of a device.
    pub standing: Vec<Standing>,
    /// What a device does when something else than a line reaches it.
    pub handlers: Vec<Handler>,
    /// The wires that a device declares, in the order of the text.
    pub wires: Vec<DeclaredWire>,
}

/// A watcher that is in force from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub watcher: WatcherId,
    /// The port that it watches.
    pub port: PortId,
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
    /// Whether a secret may be made of its value, in the run or as the default of a `secret`: no report shows the value then.
    pub makes_secrets: bool,
    /// Whether no two runs of one command may have the same value: it names the unit.
    pub is_unique: bool,
    /// Whether it is a file: its value is what is in it.
    pub is_file: bool,
    /// The type of its default; text without one.
    pub kind: Type,
    /// What its value must look like: the regex as written, and as it is used.
    pub matches: Option<(String, Arc<Regex>)>,
    /// Its value if none is given.
    pub default: Option<Expr>,
    /// Where it is declared.
    pub site: Site,
}

/// Returns the name under which the values of params have the name of the file that was given for one of them.
pub fn name_key(param: &str) -> String {
    format!("{param}/name")
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
    pub entry: OpIndex,
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
    /// The port that it watches; `None` is the one that is current where it stands.
    pub port: Option<PortId>,
    /// When its line is told.
    pub telling: Telling,
    /// Where it stands.
    pub site: Site,
}

/// When the line is told that a watcher was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Before it does anything.
    AtOnce,
    /// When its block has been run: something in the line may become a secret in it.
    WhenDone,
}

/// What a watcher does.
#[derive(Clone, Debug)]
pub enum WatcherKind {
    /// Runs a block.
    On {
        /// The block.
        entry: OpIndex,
        /// How many locals it has of its own; `None` if it shares those of the block it stands in.
        locals: Option<usize>,
    },
    /// Ends the wait.
    FailOn {
        /// How far the failure goes.
        reach: Reach,
        /// With this message.
        message: Option<Expr>,
    },
    /// Keeps the line out of matching.
    Ignore,
}

/// `on dtr off { … }`, `on hook "power" (state) { … }`, `on wire power { … }`
#[derive(Clone, Debug)]
pub struct Handler {
    /// When it runs.
    pub trigger: Trigger,
    /// Its block.
    pub entry: OpIndex,
    /// How many locals it has; the first ones are what a hook gives.
    pub locals: usize,
    /// Where it stands.
    pub site: Site,
}

/// What reaches a device besides lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The host does this with its control lines.
    Signal(Signal),
    /// The flow runs the hook with this name.
    Hook {
        /// Its name.
        name: String,
        /// How many values it takes.
        parameters: usize,
    },
    /// The wire with this name changes.
    Wire(String),
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
    pub groups: Vec<(Arc<str>, Target)>,
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
    /// What a tool looks at or changes.
    Through(Box<Expr>, Lens),
}

impl PatternSource {
    /// Whether it has values in it.
    pub fn has_values(&self) -> bool {
        match self {
            PatternSource::Ready(_) => false,
            PatternSource::Text(..) | PatternSource::Regex { .. } => true,
        }
    }

    /// Whether it makes the same pattern as long as no variable changes.
    pub fn is_steady(&self) -> bool {
        match self {
            PatternSource::Ready(_) => true,
            PatternSource::Text(_, text) => text.is_steady(),
            PatternSource::Regex { pieces, .. } => are_steady(pieces),
        }
    }
}

impl Expr {
    /// Returns the text that it begins with, as far as that is known before a run; `None` if nothing is.
    pub fn known_beginning(&self) -> Option<&[u8]> {
        match &self.kind {
            ExprKind::Const(Value::Text(text)) => Some(text),
            ExprKind::Template(pieces) => match pieces.first()? {
                Piece::Text(text) => Some(text),
                Piece::Value(_) => None,
            },
            ExprKind::Const(_)
            | ExprKind::Variable(..)
            | ExprKind::Call(..)
            | ExprKind::List(_)
            | ExprKind::Map(_)
            | ExprKind::Not(_)
            | ExprKind::Negative(_)
            | ExprKind::Binary(..)
            | ExprKind::Matches(..)
            | ExprKind::Index(..)
            | ExprKind::Through(..) => None,
        }
    }

    /// Whether its value is the same as long as no variable changes.
    pub fn is_steady(&self) -> bool {
        let are_all = |all: &[Expr]| all.iter().all(Expr::is_steady);
        match &self.kind {
            ExprKind::Const(_) | ExprKind::Variable(..) => true,
            ExprKind::Template(pieces) => are_steady(pieces),
            ExprKind::Call(function, arguments) => function.is_steady() && are_all(arguments),
            ExprKind::List(items) => are_all(items),
            ExprKind::Map(entries) => entries.iter().all(|(_, value)| value.is_steady()),
            ExprKind::Not(inner) | ExprKind::Negative(inner) => inner.is_steady(),
            ExprKind::Binary(_, left, right) | ExprKind::Index(left, right) => left.is_steady() && right.is_steady(),
            ExprKind::Matches(text, source) => text.is_steady() && source.is_steady(),
            // A tool wants to see each time that it is computed.
            ExprKind::Through(..) => false,
        }
    }
}

/// Whether pieces make the same text as long as no variable changes.
fn are_steady(pieces: &[Piece]) -> bool {
    pieces.iter().all(|piece| match piece {
        Piece::Text(_) => true,
        Piece::Value(value) => value.is_steady(),
    })
}

impl Program {
    /// Returns the statement of an instruction.
    pub fn site(&self, at: OpIndex) -> Site {
        self.sites[at]
    }
}

/// A timeout as a constant, for defaults.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
