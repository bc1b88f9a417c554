//! The tree of a file: plain data, as written; nothing in it is resolved or checked.

mod walk;

use std::time::Duration;

use crate::settings::{InputLine, SettingValue, Signal};
use crate::source::{Span, Spanned};
use crate::value::decimal::Decimal;
use crate::value::operator::Operator;
pub use walk::{Bind, Bound, Origin, Runs};

/// A name with its place.
pub type Name = Spanned<String>;

/// A whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// What kind of file it says it is; `None` if the header is missing.
    pub header: Option<Header>,
    /// Everything behind the header.
    pub body: Vec<Statement>,
}

/// `flow "title"`
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Flow, device or library.
    pub kind: FileKind,
    /// The title.
    pub title: String,
    /// Where the header stands.
    pub span: Span,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// What the host does.
    Flow,
    /// What a device answers.
    Device,
    /// What others share.
    Library,
}

impl FileKind {
    /// Returns the keyword.
    pub fn title(self) -> &'static str {
        match self {
            FileKind::Flow => "flow",
            FileKind::Device => "device",
            FileKind::Library => "library",
        }
    }
}

/// One statement or declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The whole statement, with its blocks.
    pub span: Span,
    /// The part before its first block: where messages point.
    pub head: Span,
    /// What it is.
    pub kind: StatementKind,
}

/// Statements in braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// From `{` to `}`.
    pub span: Span,
    /// What stands between.
    pub body: Vec<Statement>,
}

/// What a statement is.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named as the parts in the line above each variant")]
pub enum StatementKind {
    /// A header that does not stand at the beginning.
    Header,
    /// `use "path" for ports`
    Use { path: Spanned<String>, ports: Vec<Name> },
    /// `sim "path"`
    Sim(Spanned<String>),
    /// `tag "smoke", "slow"`
    Tag(Vec<Spanned<String>>),
    /// `port name { … }`
    Port(PortDeclaration),
    /// `using name { … }`
    Using { port: Name, body: Block },
    /// `param` and `secret`.
    Param(Param),
    /// `volatile name matches /…/`
    Volatile { name: Name, matches: Option<Regex> },
    /// `state name = value`
    State { name: Name, value: Expr },
    /// `wire name = value`
    Wire { name: Name, value: Expr },
    /// `serial { … }`
    Serial(Vec<Setting>),
    /// `timeout 5s`
    Timeout(Expr),
    /// `procedure name(…) { … }`
    Procedure { name: Name, parameters: Vec<Name>, body: Block },
    /// `step "title" { … }`
    Step(Step),
    /// `send` and `reply`.
    Send { mode: SendMode, text: Expr },
    /// `expect pattern` and `await pattern`.
    Expect { scope: Scope, secrecy: Secrecy, pattern: Pattern, within: Option<Expr> },
    /// `expect { … }`
    ExpectAny { within: Option<Expr>, arms: Vec<Arm>, timeout: Option<Block> },
    /// `expect all { … }`
    ExpectAll { within: Option<Expr>, patterns: Vec<Pattern> },
    /// `expect none pattern for 2s`
    ExpectNone { pattern: Pattern, lasting: Expr },
    /// `expect quiet for 500ms`
    ExpectQuiet { lasting: Expr, within: Option<Expr> },
    /// `read … as name`
    Read { what: ReadWhat, secrecy: Secrecy, name: Name, within: Option<Expr> },
    /// `capture name from …`
    Capture { secrecy: Secrecy, name: Name, from: CaptureFrom },
    /// `compute name = …`
    Compute { secrecy: Secrecy, name: Name, value: Expr },
    /// `measure soft name = value unit "V" limits low .. high`
    Measure(Box<Measure>),
    /// `assert condition, "message"`
    Assert { condition: Expr, message: Option<Expr> },
    /// `fail on pattern, "message"` and `fail now on pattern, "message"`
    FailOn { reach: Reach, pattern: Pattern, message: Option<Expr> },
    /// `ignore pattern`
    Ignore(Pattern),
    /// `on pattern { … }`
    On { secrecy: Secrecy, pattern: Pattern, body: Block },
    /// `fail "message"` and `fail now "message"`
    Fail { reach: Reach, message: Expr },
    /// `ask "prompt" as name choices "pass", "fail" default value`
    Ask { prompt: Expr, secrecy: Secrecy, name: Option<Name>, fits: AnswerFits, default: Option<Expr> },
    /// `hook "name", arguments within 10s`
    Hook { name: Spanned<String>, arguments: Vec<Expr>, within: Option<Expr> },
    /// `send_file file as "name" by protocol within 60s`
    SendFile(SendFile),
    /// `receive_file name by protocol within 60s`
    ReceiveFile(ReceiveFile),
    /// `skip "why"`
    Skip(Expr),
    /// `save a b`
    Save(Vec<Name>),
    /// `log value`
    Log(Expr),
    /// `sleep 1s`
    Sleep(Expr),
    /// `after 1s { … }`
    After { delay: Expr, body: Block },
    /// `restart`
    Restart,
    /// `unplug` or `unplug for 2s`
    Unplug(Option<Expr>),
    /// `reopen within 15s`
    Reopen(Expr),
    /// `if … { … } else { … }`; `else if` is an `else` with one `if` in it.
    If { condition: Expr, then: Block, otherwise: Option<Block> },
    /// `repeat … { … }`
    Repeat { kind: RepeatKind, every: Option<Expr>, at_most: Option<Expr>, body: Block },
    /// `for name in list { … }`, or `for name in list .. last { … }` from one number to another
    For { name: Name, list: Expr, last: Option<Expr>, body: Block },
    /// `try { … } else { … }`
    Try { body: Block, otherwise: Option<Block> },
    /// `call name(…) -> results`
    Call { name: Name, arguments: Vec<Expr>, results: Vec<Name> },
    /// `return value`
    Return(Option<Expr>),
    /// `finally { … }`
    Finally(Block),
    /// `baud 9600`
    Baud(Expr),
    /// `dtr on rts off`
    ControlLines { dtr: Option<bool>, rts: Option<bool> },
    /// `cts on dcd off`
    InputLines(Vec<(InputLine, bool)>),
    /// `expect cts on within 2s`
    ExpectInput { line: InputLine, on: bool, within: Option<Expr> },
    /// `on dtr off { … }`
    OnSignal { signal: Signal, body: Block },
    /// `on hook "name" (parameters) { … }`
    OnHook { name: Spanned<String>, parameters: Vec<Name>, body: Block },
    /// `on wire name { … }`
    OnWire { name: Name, body: Block },
    /// `break 250ms`
    Break(Expr),
    /// `flush`
    Flush,
    /// `echo on`, `echo off`
    Echo(bool),
}

/// `port name { serial { … } sim "path" }`
#[derive(Clone, Debug, PartialEq)]
pub struct PortDeclaration {
    /// The name.
    pub name: Name,
    /// The settings of its line that are not those of the file.
    pub settings: Vec<Setting>,
    /// The device files that are named; there may be one.
    pub sims: Vec<Spanned<String>>,
}

/// `send_file file as "name" by protocol within 60s`
#[derive(Clone, Debug, PartialEq)]
pub struct SendFile {
    /// What is in it.
    pub content: Expr,
    /// What the other side is told that it is called.
    pub name: Option<Expr>,
    /// How it is sent; `None` is as it is.
    pub protocol: Option<Name>,
    /// How long it may take.
    pub within: Option<Expr>,
}

/// `receive_file secret name by protocol within 60s`
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiveFile {
    /// Whether it is a secret.
    pub secrecy: Secrecy,
    /// The variable.
    pub name: Name,
    /// How it is sent.
    pub protocol: Name,
    /// How long it may take.
    pub within: Option<Expr>,
}

/// `param name unique matches /…/ = default`
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Whether it is a file.
    pub is_file: bool,
    /// Whether it is a secret.
    pub secrecy: Secrecy,
    /// The name.
    pub name: Name,
    /// Where it says that no two runs of one command may have the same value, if it does.
    pub unique: Option<Span>,
    /// What its value must look like.
    pub matches: Option<Regex>,
    /// Its value if none is given.
    pub default: Option<Expr>,
}

/// Whether a value is masked in all output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// It shows.
    Open,
    /// It shows as `«name»`.
    Secret,
}

/// `baud 115200`
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// The name.
    pub name: Name,
    /// The value.
    pub value: Spanned<SettingValue>,
}

/// `step "title" retry 3 every 1s unless line /…/ timeout 60s { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The title.
    pub title: Expr,
    /// How many further attempts.
    pub retry: Option<Expr>,
    /// How long to wait before one.
    pub every: Option<Expr>,
    /// What a line must not say for one to be made.
    pub unless: Vec<Pattern>,
    /// How long each attempt may take.
    pub timeout: Option<Expr>,
    /// What it does.
    pub body: Block,
}

/// `measure soft name = value unit "V" limits low .. high`
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Whether the flow goes on if the value is outside.
    pub severity: Severity,
    /// The name.
    pub name: Name,
    /// The value.
    pub value: Expr,
    /// The unit.
    pub unit: Option<Spanned<String>>,
    /// The limits.
    pub limits: Option<Limits>,
}

/// What a value outside of its limits does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The statement fails.
    Hard,
    /// The flow goes on, and fails at its end.
    Soft,
}

/// `limits low .. high`, `limits low ..`, `limits .. high` or `limits value`
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named as the parts in the line above each variant")]
pub enum Limits {
    /// `low .. high`; one of them may be left out.
    Range { low: Option<Expr>, high: Option<Expr> },
    /// `value`
    Exactly(Expr),
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

/// Which answers of a person fit.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerFits {
    /// Every answer.
    Any,
    /// One of these.
    OneOf(Vec<Expr>),
    /// What this fits as a whole.
    Regex(Regex),
}

/// How far a failure goes that the flow itself declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the `try` around it, or to the step that is tried again.
    Around,
    /// To the end of the run, whatever is around it: `fail now`.
    Run,
}

/// What an expectation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What came since the last send and match.
    Answer,
    /// Every unclaimed line of the run.
    Unclaimed,
}

/// `pattern -> { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Whether what its groups capture is secret.
    pub secrecy: Secrecy,
    /// What it waits for.
    pub pattern: Pattern,
    /// What it then does.
    pub body: Block,
}

/// What `read` takes.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadWhat {
    /// So many bytes.
    Count(Expr),
    /// Everything up to a pattern.
    Until(Pattern),
    /// Everything until nothing has come for so long.
    Quiet(Expr),
}

/// Where `capture` takes a value from.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named as the parts of the statement")]
pub enum CaptureFrom {
    /// An expression.
    Value(Expr),
    /// A pattern in the last response, or in a text.
    Pattern { pattern: Pattern, text: Option<Expr> },
}

/// When a `repeat` ends.
#[derive(Clone, Debug, PartialEq)]
pub enum RepeatKind {
    /// After so many turns.
    Count(Expr),
    /// When this is true after a turn.
    Until(Expr),
    /// When this is false before a turn.
    While(Expr),
}

/// What can be awaited.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// Where it stands.
    pub span: Span,
    /// The port that it is looked for on: `using relay line "OK"`; `None` is the one that is current.
    pub port: Option<Name>,
    /// What it is.
    pub kind: PatternKind,
}

/// The kinds of patterns.
#[derive(Clone, Debug, PartialEq)]
pub enum PatternKind {
    /// These bytes anywhere.
    Literal(Expr),
    /// A regex in a complete line.
    Regex(Regex),
    /// A whole line.
    Line(Content),
    /// An unfinished last line.
    Prompt(Content),
}

/// What a line or a prompt is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A text.
    Text(Expr),
    /// A regex.
    Regex(Regex),
}

/// `/…/flags`
#[derive(Clone, Debug, PartialEq)]
pub struct Regex {
    /// Where it stands.
    pub span: Span,
    /// Text of the regex and values that match themselves.
    pub pieces: Vec<Piece>,
    /// `i`, `x`.
    pub flags: String,
}

/// A part of a string or regex.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// As it is, escapes resolved (in a string).
    Text(Vec<u8>),
    /// `${…}`
    Value(Expr),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are named as the parts in the line above each variant")]
pub enum ExprKind {
    /// A string with or without values in it.
    String(Vec<Piece>),
    /// `x"41 54"`
    Bytes(Vec<u8>),
    /// `42`
    Int(i64),
    /// `3.30`
    Decimal(Decimal),
    /// `true`
    Bool(bool),
    /// `250ms`
    Duration(Duration),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{key: value}`
    Map(Vec<(Name, Expr)>),
    /// A variable.
    Name(String),
    /// A function and its arguments.
    Call { name: Name, arguments: Vec<Expr> },
    /// `not a`
    Not(Box<Expr>),
    /// `-a`
    Negative(Box<Expr>),
    /// `a + b`
    Binary { operator: Operator, left: Box<Expr>, right: Box<Expr> },
    /// `text matches /regex/`
    Matches { text: Box<Expr>, regex: Regex },
    /// `list[0]`, `map["key"]`
    Index { of: Box<Expr>, index: Box<Expr> },
}
