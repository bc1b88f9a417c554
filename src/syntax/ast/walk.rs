//! What a statement is made of: its blocks, its expressions, its patterns, the names that it gives values to.
//!
//! Every walk over the tree goes through these. Each is one `match` over all kinds, so that a new statement does not
//! compile before each of them knows it.

use super::{
    AnswerFits, Block, CaptureFrom, Content, Expr, ExprKind, Limits, Name, Pattern, PatternKind, Piece, ReadWhat,
    Regex, RepeatKind, Secrecy, Statement, StatementKind,
};

/// When the blocks of a statement run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Where the statement stands, before the next one; a `finally` when what it stands in ends.
    Here,
    /// When a line comes; a `return` in them leaves only them.
    OnLines,
    /// Some time later; a `return` in them leaves only them.
    Later,
    /// When they are called, with variables of their own.
    WhenCalled,
}

/// A value that a statement puts into a variable, or into several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bind<'a> {
    /// Which variables.
    pub into: Bound<'a>,
    /// Whether the value is a secret from then on.
    pub secrecy: Secrecy,
    /// Where it is from.
    pub from: Origin,
}

/// Which variables get a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound<'a> {
    /// The one with this name.
    Name(&'a Name),
    /// Those that the groups of this pattern name.
    Groups(&'a Pattern),
}

/// Where a value is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A device or a person.
    Outside,
    /// It was worked out.
    Inside,
    /// A declaration.
    Declaration,
}

impl Statement {
    /// Returns the blocks, in the order of the text.
    pub fn blocks(&self) -> Vec<&Block> {
        match &self.kind {
            StatementKind::Procedure { body, .. }
            | StatementKind::On { body, .. }
            | StatementKind::OnSignal { body, .. }
            | StatementKind::OnHook { body, .. }
            | StatementKind::OnWire { body, .. }
            | StatementKind::After { body, .. }
            | StatementKind::Repeat { body, .. }
            | StatementKind::For { body, .. }
            | StatementKind::Using { body, .. }
            | StatementKind::Finally(body) => vec![body],
            StatementKind::Step(step) => vec![&step.body],
            StatementKind::ExpectAny { arms, timeout, .. } => arms.iter().map(|arm| &arm.body).chain(timeout).collect(),
            StatementKind::If { then, otherwise, .. } => [then].into_iter().chain(otherwise).collect(),
            StatementKind::Try { body, otherwise } => [body].into_iter().chain(otherwise).collect(),
            StatementKind::Header
            | StatementKind::Use { .. }
            | StatementKind::Sim(_)
            | StatementKind::Tag(_)
            | StatementKind::Port(_)
            | StatementKind::Param(_)
            | StatementKind::Volatile { .. }
            | StatementKind::State { .. }
            | StatementKind::Wire { .. }
            | StatementKind::Serial(_)
            | StatementKind::Timeout(_)
            | StatementKind::Send { .. }
            | StatementKind::Expect { .. }
            | StatementKind::ExpectAll { .. }
            | StatementKind::ExpectNone { .. }
            | StatementKind::ExpectQuiet { .. }
            | StatementKind::Read { .. }
            | StatementKind::Capture { .. }
            | StatementKind::Compute { .. }
            | StatementKind::Measure(_)
            | StatementKind::Assert { .. }
            | StatementKind::FailOn { .. }
            | StatementKind::Ignore(_)
            | StatementKind::Fail { .. }
            | StatementKind::Ask { .. }
            | StatementKind::Hook { .. }
            | StatementKind::SendFile(_)
            | StatementKind::ReceiveFile(_)
            | StatementKind::Skip(_)
            | StatementKind::Save(_)
            | StatementKind::Log(_)
            | StatementKind::Sleep(_)
            | StatementKind::Restart
            | StatementKind::Unplug(_)
            | StatementKind::Reopen(_)
            | StatementKind::Call { .. }
            | StatementKind::Return(_)
            | StatementKind::Baud(_)
            | StatementKind::ControlLines { .. }
            | StatementKind::InputLines(_)
            | StatementKind::ExpectInput { .. }
            | StatementKind::Break(_)
            | StatementKind::Flush
            | StatementKind::Echo(_) => vec![],
        }
    }

    /// Returns when the blocks run.
    pub fn runs(&self) -> Runs {
        match &self.kind {
            StatementKind::Procedure { .. } => Runs::WhenCalled,
            StatementKind::On { .. } => Runs::OnLines,
            StatementKind::After { .. }
            | StatementKind::OnSignal { .. }
            | StatementKind::OnHook { .. }
            | StatementKind::OnWire { .. } => Runs::Later,
            StatementKind::Header
            | StatementKind::Use { .. }
            | StatementKind::Sim(_)
            | StatementKind::Tag(_)
            | StatementKind::Port(_)
            | StatementKind::Param(_)
            | StatementKind::Volatile { .. }
            | StatementKind::State { .. }
            | StatementKind::Wire { .. }
            | StatementKind::Serial(_)
            | StatementKind::Timeout(_)
            | StatementKind::Step(_)
            | StatementKind::Send { .. }
            | StatementKind::Expect { .. }
            | StatementKind::ExpectAny { .. }
            | StatementKind::ExpectAll { .. }
            | StatementKind::ExpectNone { .. }
            | StatementKind::ExpectQuiet { .. }
            | StatementKind::Read { .. }
            | StatementKind::Capture { .. }
            | StatementKind::Compute { .. }
            | StatementKind::Measure(_)
            | StatementKind::Assert { .. }
            | StatementKind::FailOn { .. }
            | StatementKind::Ignore(_)
            | StatementKind::Fail { .. }
            | StatementKind::Ask { .. }
            | StatementKind::Hook { .. }
            | StatementKind::SendFile(_)
            | StatementKind::ReceiveFile(_)
            | StatementKind::Skip(_)
            | StatementKind::Save(_)
            | StatementKind::Log(_)
            | StatementKind::Sleep(_)
            | StatementKind::Restart
            | StatementKind::Unplug(_)
            | StatementKind::Reopen(_)
            | StatementKind::If { .. }
            | StatementKind::Repeat { .. }
            | StatementKind::For { .. }
            | StatementKind::Try { .. }
            | StatementKind::Call { .. }
            | StatementKind::Return(_)
            | StatementKind::Finally(_)
            | StatementKind::Using { .. }
            | StatementKind::Baud(_)
            | StatementKind::ControlLines { .. }
            | StatementKind::InputLines(_)
            | StatementKind::ExpectInput { .. }
            | StatementKind::Break(_)
            | StatementKind::Flush
            | StatementKind::Echo(_) => Runs::Here,
        }
    }

    /// Returns the expressions that stand in the statement itself; those of its patterns and blocks are theirs.
    pub fn expressions(&self) -> Vec<&Expr> {
        match &self.kind {
            StatementKind::State { value, .. }
            | StatementKind::Wire { value, .. }
            | StatementKind::Compute { value, .. } => {
                vec![value]
            }
            StatementKind::Send { text: expr, .. }
            | StatementKind::Timeout(expr)
            | StatementKind::Fail { message: expr, .. }
            | StatementKind::Skip(expr)
            | StatementKind::Log(expr)
            | StatementKind::Sleep(expr)
            | StatementKind::Reopen(expr)
            | StatementKind::Baud(expr)
            | StatementKind::Break(expr)
            | StatementKind::ExpectNone { lasting: expr, .. }
            | StatementKind::After { delay: expr, .. }
            | StatementKind::If { condition: expr, .. }
            | StatementKind::Capture { from: CaptureFrom::Value(expr), .. } => vec![expr],
            StatementKind::For { list, last, .. } => [list].into_iter().chain(last).collect(),
            StatementKind::Measure(measure) => {
                let (low, high) = match &measure.limits {
                    Some(Limits::Range { low, high }) => (low.as_ref(), high.as_ref()),
                    Some(Limits::Exactly(value)) => (Some(value), None),
                    None => (None, None),
                };
                [&measure.value].into_iter().chain(low).chain(high).collect()
            }
            StatementKind::Param(param) => param.default.iter().collect(),
            StatementKind::Step(step) => {
                let settings = [&step.retry, &step.every, &step.timeout];
                [&step.title].into_iter().chain(settings.into_iter().flatten()).collect()
            }
            StatementKind::Expect { within, .. }
            | StatementKind::ExpectAny { within, .. }
            | StatementKind::ExpectAll { within, .. }
            | StatementKind::ExpectInput { within, .. } => within.iter().collect(),
            StatementKind::ExpectQuiet { lasting, within } => [lasting].into_iter().chain(within).collect(),
            StatementKind::Read { what: ReadWhat::Count(count) | ReadWhat::Quiet(count), within, .. } => {
                [count].into_iter().chain(within).collect()
            }
            StatementKind::Read { what: ReadWhat::Until(_), within, .. } => within.iter().collect(),
            StatementKind::Capture { from: CaptureFrom::Pattern { text, .. }, .. } => text.iter().collect(),
            StatementKind::Assert { condition, message } => [condition].into_iter().chain(message).collect(),
            StatementKind::FailOn { message, .. } => message.iter().collect(),
            StatementKind::Hook { arguments, within, .. } => arguments.iter().chain(within).collect(),
            StatementKind::Ask { prompt, fits, default, .. } => {
                let fitting = match fits {
                    AnswerFits::OneOf(choices) => choices.as_slice(),
                    AnswerFits::Any | AnswerFits::Regex(_) => &[],
                };
                [prompt].into_iter().chain(fitting).chain(default).collect()
            }
            StatementKind::SendFile(file) => {
                [&file.content].into_iter().chain(&file.name).chain(&file.within).collect()
            }
            StatementKind::ReceiveFile(file) => file.within.iter().collect(),
            StatementKind::Repeat { kind, every, at_most, .. } => {
                let (RepeatKind::Count(first) | RepeatKind::Until(first) | RepeatKind::While(first)) = kind;
                [first].into_iter().chain(every).chain(at_most).collect()
            }
            StatementKind::Call { arguments, .. } => arguments.iter().collect(),
            StatementKind::Return(value) | StatementKind::Unplug(value) => value.iter().collect(),
            StatementKind::Header
            | StatementKind::Use { .. }
            | StatementKind::Sim(_)
            | StatementKind::Tag(_)
            | StatementKind::Port(_)
            | StatementKind::Volatile { .. }
            | StatementKind::Serial(_)
            | StatementKind::Procedure { .. }
            | StatementKind::Ignore(_)
            | StatementKind::On { .. }
            | StatementKind::Save(_)
            | StatementKind::Restart
            | StatementKind::Try { .. }
            | StatementKind::Finally(_)
            | StatementKind::Using { .. }
            | StatementKind::ControlLines { .. }
            | StatementKind::InputLines(_)
            | StatementKind::OnSignal { .. }
            | StatementKind::OnHook { .. }
            | StatementKind::OnWire { .. }
            | StatementKind::Flush
            | StatementKind::Echo(_) => vec![],
        }
    }

    /// Returns the patterns that stand in the statement itself.
    pub fn patterns(&self) -> Vec<&Pattern> {
        match &self.kind {
            StatementKind::Expect { pattern, .. }
            | StatementKind::ExpectNone { pattern, .. }
            | StatementKind::FailOn { pattern, .. }
            | StatementKind::On { pattern, .. }
            | StatementKind::Ignore(pattern)
            | StatementKind::Read { what: ReadWhat::Until(pattern), .. }
            | StatementKind::Capture { from: CaptureFrom::Pattern { pattern, .. }, .. } => vec![pattern],
            StatementKind::ExpectAny { arms, .. } => arms.iter().map(|arm| &arm.pattern).collect(),
            StatementKind::ExpectAll { patterns, .. } => patterns.iter().collect(),
            StatementKind::Step(step) => step.unless.iter().collect(),
            StatementKind::Header
            | StatementKind::Use { .. }
            | StatementKind::Sim(_)
            | StatementKind::Tag(_)
            | StatementKind::Port(_)
            | StatementKind::Param(_)
            | StatementKind::Volatile { .. }
            | StatementKind::State { .. }
            | StatementKind::Wire { .. }
            | StatementKind::Serial(_)
            | StatementKind::Timeout(_)
            | StatementKind::Procedure { .. }
            | StatementKind::Send { .. }
            | StatementKind::ExpectQuiet { .. }
            | StatementKind::Read { what: ReadWhat::Count(_) | ReadWhat::Quiet(_), .. }
            | StatementKind::Capture { from: CaptureFrom::Value(_), .. }
            | StatementKind::Compute { .. }
            | StatementKind::Measure(_)
            | StatementKind::Assert { .. }
            | StatementKind::Fail { .. }
            | StatementKind::Ask { .. }
            | StatementKind::Hook { .. }
            | StatementKind::SendFile(_)
            | StatementKind::ReceiveFile(_)
            | StatementKind::Skip(_)
            | StatementKind::Save(_)
            | StatementKind::Log(_)
            | StatementKind::Sleep(_)
            | StatementKind::After { .. }
            | StatementKind::Restart
            | StatementKind::Unplug(_)
            | StatementKind::Reopen(_)
            | StatementKind::If { .. }
            | StatementKind::Repeat { .. }
            | StatementKind::For { .. }
            | StatementKind::Try { .. }
            | StatementKind::Call { .. }
            | StatementKind::Return(_)
            | StatementKind::Finally(_)
            | StatementKind::Using { .. }
            | StatementKind::Baud(_)
            | StatementKind::ControlLines { .. }
            | StatementKind::InputLines(_)
            | StatementKind::ExpectInput { .. }
            | StatementKind::OnSignal { .. }
            | StatementKind::OnHook { .. }
            | StatementKind::OnWire { .. }
            | StatementKind::Break(_)
            | StatementKind::Flush
            | StatementKind::Echo(_) => vec![],
        }
    }

    /// Returns the variables that the statement names without an expression around them and gives no value to.
    pub fn names(&self) -> Vec<&Name> {
        match &self.kind {
            StatementKind::Save(names) => names.iter().collect(),
            StatementKind::Volatile { name, matches: None } | StatementKind::OnWire { name, .. } => vec![name],
            StatementKind::Procedure { .. }
            | StatementKind::On { .. }
            | StatementKind::After { .. }
            | StatementKind::Header
            | StatementKind::Use { .. }
            | StatementKind::Sim(_)
            | StatementKind::Tag(_)
            | StatementKind::Port(_)
            | StatementKind::Param(_)
            | StatementKind::Volatile { matches: Some(_), .. }
            | StatementKind::State { .. }
            | StatementKind::Wire { .. }
            | StatementKind::Serial(_)
            | StatementKind::Timeout(_)
            | StatementKind::Step(_)
            | StatementKind::Send { .. }
            | StatementKind::Expect { .. }
            | StatementKind::ExpectAny { .. }
            | StatementKind::ExpectAll { .. }
            | StatementKind::ExpectNone { .. }
            | StatementKind::ExpectQuiet { .. }
            | StatementKind::Read { .. }
            | StatementKind::Capture { .. }
            | StatementKind::Compute { .. }
            | StatementKind::Measure(_)
            | StatementKind::Assert { .. }
            | StatementKind::FailOn { .. }
            | StatementKind::Ignore(_)
            | StatementKind::Fail { .. }
            | StatementKind::Ask { .. }
            | StatementKind::Hook { .. }
            | StatementKind::SendFile(_)
            | StatementKind::ReceiveFile(_)
            | StatementKind::Skip(_)
            | StatementKind::Log(_)
            | StatementKind::Sleep(_)
            | StatementKind::Restart
            | StatementKind::Unplug(_)
            | StatementKind::Reopen(_)
            | StatementKind::If { .. }
            | StatementKind::Repeat { .. }
            | StatementKind::For { .. }
            | StatementKind::Try { .. }
            | StatementKind::Call { .. }
            | StatementKind::Return(_)
            | StatementKind::Finally(_)
            | StatementKind::Using { .. }
            | StatementKind::Baud(_)
            | StatementKind::ControlLines { .. }
            | StatementKind::InputLines(_)
            | StatementKind::ExpectInput { .. }
            | StatementKind::OnSignal { .. }
            | StatementKind::OnHook { .. }
            | StatementKind::Break(_)
            | StatementKind::Flush
            | StatementKind::Echo(_) => vec![],
        }
    }

    /// Returns what the statement itself gives values to; the parameters of a procedure get theirs from its calls.
    pub fn binds(&self) -> Vec<Bind<'_>> {
        let name = |name, secrecy, from| Bind { into: Bound::Name(name), secrecy, from };
        let groups = |pattern, secrecy| Bind { into: Bound::Groups(pattern), secrecy, from: Origin::Outside };
        match &self.kind {
            StatementKind::Param(param) => vec![name(&param.name, param.secrecy, Origin::Declaration)],
            StatementKind::State { name: declared, .. } | StatementKind::Wire { name: declared, .. } => {
                vec![name(declared, Secrecy::Open, Origin::Declaration)]
            }
            StatementKind::Expect { pattern, secrecy, .. } => vec![groups(pattern, *secrecy)],
            StatementKind::ExpectAny { arms, .. } => arms.iter().map(|arm| groups(&arm.pattern, arm.secrecy)).collect(),
            StatementKind::ExpectAll { patterns, .. } => {
                patterns.iter().map(|pattern| groups(pattern, Secrecy::Open)).collect()
            }
            StatementKind::On { secrecy, pattern, .. } => vec![groups(pattern, *secrecy)],
            StatementKind::Read { what, secrecy, name: target, .. } => {
                let target = name(target, *secrecy, Origin::Outside);
                match what {
                    ReadWhat::Count(_) | ReadWhat::Quiet(_) => vec![target],
                    ReadWhat::Until(pattern) => vec![target, groups(pattern, Secrecy::Open)],
                }
            }
            StatementKind::Capture { secrecy, name: target, .. } => vec![name(target, *secrecy, Origin::Outside)],
            StatementKind::ReceiveFile(file) => vec![name(&file.name, file.secrecy, Origin::Outside)],
            StatementKind::Compute { secrecy, name: target, .. } => vec![name(target, *secrecy, Origin::Inside)],
            StatementKind::Measure(measure) => vec![name(&measure.name, Secrecy::Open, Origin::Inside)],
            StatementKind::Ask { secrecy, name: target, .. } => {
                target.iter().map(|target| name(target, *secrecy, Origin::Outside)).collect()
            }
            StatementKind::For { name: item, .. } => vec![name(item, Secrecy::Open, Origin::Inside)],
            StatementKind::Call { results, .. } => {
                results.iter().map(|result| name(result, Secrecy::Open, Origin::Inside)).collect()
            }
            StatementKind::Header
            | StatementKind::Use { .. }
            | StatementKind::Sim(_)
            | StatementKind::Tag(_)
            | StatementKind::Port(_)
            | StatementKind::Volatile { .. }
            | StatementKind::Serial(_)
            | StatementKind::Timeout(_)
            | StatementKind::Procedure { .. }
            | StatementKind::Step(_)
            | StatementKind::Send { .. }
            | StatementKind::ExpectNone { .. }
            | StatementKind::ExpectQuiet { .. }
            | StatementKind::Assert { .. }
            | StatementKind::FailOn { .. }
            | StatementKind::Ignore(_)
            | StatementKind::Fail { .. }
            | StatementKind::Hook { .. }
            | StatementKind::SendFile(_)
            | StatementKind::Skip(_)
            | StatementKind::Save(_)
            | StatementKind::Log(_)
            | StatementKind::Sleep(_)
            | StatementKind::After { .. }
            | StatementKind::Restart
            | StatementKind::Unplug(_)
            | StatementKind::Reopen(_)
            | StatementKind::If { .. }
            | StatementKind::Repeat { .. }
            | StatementKind::Try { .. }
            | StatementKind::Return(_)
            | StatementKind::Finally(_)
            | StatementKind::Using { .. }
            | StatementKind::Baud(_)
            | StatementKind::ControlLines { .. }
            | StatementKind::InputLines(_)
            | StatementKind::ExpectInput { .. }
            | StatementKind::OnSignal { .. }
            | StatementKind::OnHook { .. }
            | StatementKind::OnWire { .. }
            | StatementKind::Break(_)
            | StatementKind::Flush
            | StatementKind::Echo(_) => vec![],
        }
    }
}

impl Pattern {
    /// Returns the regex, if it is one.
    pub fn regex(&self) -> Option<&Regex> {
        match &self.kind {
            PatternKind::Regex(regex)
            | PatternKind::Line(Content::Regex(regex))
            | PatternKind::Prompt(Content::Regex(regex)) => Some(regex),
            PatternKind::Literal(_) | PatternKind::Line(Content::Text(_)) | PatternKind::Prompt(Content::Text(_)) => {
                None
            }
        }
    }

    /// Returns the expressions in it.
    pub fn expressions(&self) -> Vec<&Expr> {
        match &self.kind {
            PatternKind::Literal(text)
            | PatternKind::Line(Content::Text(text))
            | PatternKind::Prompt(Content::Text(text)) => vec![text],
            PatternKind::Regex(regex)
            | PatternKind::Line(Content::Regex(regex))
            | PatternKind::Prompt(Content::Regex(regex)) => values(&regex.pieces),
        }
    }
}

impl Expr {
    /// Returns the expressions that it is made of.
    pub fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::String(pieces) => values(pieces),
            ExprKind::List(items) | ExprKind::Call { arguments: items, .. } => items.iter().collect(),
            ExprKind::Map(entries) => entries.iter().map(|(_, value)| value).collect(),
            ExprKind::Not(inner) | ExprKind::Negative(inner) => vec![inner],
            ExprKind::Binary { left, right, .. } => vec![left, right],
            ExprKind::Matches { text, regex } => {
                let mut parts = values(&regex.pieces);
                parts.push(text);
                parts
            }
            ExprKind::Index { of, index } => vec![of, index],
            ExprKind::Name(_)
            | ExprKind::Bytes(_)
            | ExprKind::Int(_)
            | ExprKind::Decimal(_)
            | ExprKind::Bool(_)
            | ExprKind::Duration(_) => {
                vec![]
            }
        }
    }

    /// Calls `each` with every variable in it.
    pub fn for_each_name<'a>(&'a self, each: &mut impl FnMut(&'a str)) {
        if let ExprKind::Name(name) = &self.kind {
            each(name);
        }
        self.parts().into_iter().for_each(|part| part.for_each_name(each));
    }
}

fn values(pieces: &[Piece]) -> Vec<&Expr> {
    let mut values = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Value(value) => values.push(value),
            Piece::Text(_) => {}
        }
    }
    values
}
