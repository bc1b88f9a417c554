//! Captures that nobody uses, and secrets that are not declared as such.

use std::collections::HashSet;

use super::{Lint, blocks_of};
use crate::check::names::groups_of;
use crate::diagnostic::Code;
use crate::source::Span;
use crate::syntax::ast::{
    Block, CaptureFrom, Content, Expr, ExprKind, File, FileKind, Pattern, PatternKind, Piece, ReadWhat, Regex,
    RepeatKind, Secrecy, Statement, StatementKind,
};

/// What a name that ought to be secret contains.
const TELLING: &[&str] = &["password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "psk"];

impl Lint {
    pub(super) fn unused_and_clear(&mut self, file: &File) {
        // What a device hears, its host has told already.
        let is_device = file.header.as_ref().is_some_and(|header| header.kind == FileKind::Device);
        let mut uses = HashSet::new();
        let mut gives = Vec::new();
        walk(&file.body, &mut uses, &mut gives);
        for (name, span, is_secret) in &gives {
            if !uses.contains(name) && !name.starts_with('_') && !crate::syntax::is_keyword(name) {
                let help =
                    format!("leave the name out, or call it `_{name}` to say that it is for the transcript only");
                self.warn(Code::LintUnusedCapture, *span, format!("`{name}` is never used"), "captured here", help);
            }
            if !is_secret && !is_device && is_telling(name) {
                self.clear(name, *span, "capture secret");
            }
        }
        for statement in &file.body {
            if let StatementKind::Param(param) = &statement.kind
                && param.secrecy == Secrecy::Open
                && !is_device
                && is_telling(&param.name.node)
            {
                self.clear(&param.name.node, param.name.span, "secret");
            }
        }
    }

    fn clear(&mut self, name: &str, span: Span, keyword: &str) {
        let message = format!("`{name}` looks like a secret and will show in the transcript");
        self.warn(
            Code::LintClearSecret,
            span,
            message,
            "not masked",
            format!("write `{keyword} {name}` to mask it everywhere"),
        );
    }
}

fn is_telling(name: &str) -> bool {
    let name = name.to_lowercase();
    TELLING.iter().any(|word| name == *word || name.ends_with(&format!("_{word}")))
}

/// Collects the names that are used, and those that a capture gives a value: name, place, whether secret.
fn walk(body: &[Statement], uses: &mut HashSet<String>, gives: &mut Vec<(String, Span, bool)>) {
    for statement in body {
        let give_groups = |pattern: &Pattern, secrecy: Secrecy, gives: &mut Vec<(String, Span, bool)>| {
            gives.extend(groups_of(pattern).into_iter().map(|name| (name, pattern.span, secrecy == Secrecy::Secret)));
        };
        for pattern in patterns_of(statement) {
            pattern_uses(pattern, uses);
        }
        for expr in exprs_of(statement) {
            expr_uses(expr, uses);
        }
        match &statement.kind {
            StatementKind::Expect { pattern, secrecy, .. } => give_groups(pattern, *secrecy, gives),
            StatementKind::ExpectAll { patterns, .. } => {
                patterns.iter().for_each(|p| give_groups(p, Secrecy::Open, gives))
            }
            StatementKind::ExpectAny { arms, .. } => {
                arms.iter().for_each(|arm| give_groups(&arm.pattern, Secrecy::Open, gives))
            }
            StatementKind::On { pattern, .. } => give_groups(pattern, Secrecy::Open, gives),
            StatementKind::Read { name, secrecy, .. } | StatementKind::Capture { name, secrecy, .. } => {
                gives.push((name.node.clone(), name.span, *secrecy == Secrecy::Secret));
            }
            StatementKind::Ask { name: Some(name), secrecy, .. } => {
                gives.push((name.node.clone(), name.span, *secrecy == Secrecy::Secret))
            }
            StatementKind::Volatile { name, matches: None } => {
                uses.insert(name.node.clone());
            }
            StatementKind::Save(names) => uses.extend(names.iter().map(|name| name.node.clone())),
            _ => {}
        }
        for Block { body, .. } in blocks_of(statement) {
            walk(body, uses, gives);
        }
    }
}

fn patterns_of(statement: &Statement) -> Vec<&Pattern> {
    match &statement.kind {
        StatementKind::Expect { pattern, .. }
        | StatementKind::ExpectNone { pattern, .. }
        | StatementKind::FailOn { pattern, .. } => {
            vec![pattern]
        }
        StatementKind::On { pattern, .. } | StatementKind::Ignore(pattern) => vec![pattern],
        StatementKind::ExpectAny { arms, .. } => arms.iter().map(|arm| &arm.pattern).collect(),
        StatementKind::ExpectAll { patterns, .. } => patterns.iter().collect(),
        StatementKind::Read { what: ReadWhat::Until(pattern), .. } => vec![pattern],
        StatementKind::Capture { from: CaptureFrom::Pattern { pattern, .. }, .. } => vec![pattern],
        _ => vec![],
    }
}

fn exprs_of(statement: &Statement) -> Vec<&Expr> {
    match &statement.kind {
        StatementKind::State { value, .. } | StatementKind::Compute { value, .. } => vec![value],
        StatementKind::Timeout(expr)
        | StatementKind::Fail(expr)
        | StatementKind::Skip(expr)
        | StatementKind::Log(expr) => vec![expr],
        StatementKind::Sleep(expr) | StatementKind::Baud(expr) | StatementKind::Break(expr) => vec![expr],
        StatementKind::Param(param) => param.default.iter().collect(),
        StatementKind::Step(step) => {
            [Some(&step.title), step.retry.as_ref(), step.every.as_ref(), step.timeout.as_ref()]
                .into_iter()
                .flatten()
                .collect()
        }
        StatementKind::Send { text, .. } => vec![text],
        StatementKind::Expect { within, .. }
        | StatementKind::ExpectAny { within, .. }
        | StatementKind::ExpectAll { within, .. } => within.iter().collect(),
        StatementKind::ExpectNone { lasting, .. } => vec![lasting],
        StatementKind::ExpectQuiet { lasting, within } => [lasting].into_iter().chain(within).collect(),
        StatementKind::Read { what, within, .. } => {
            let count = match what {
                ReadWhat::Count(count) => Some(count),
                ReadWhat::Until(_) => None,
            };
            count.into_iter().chain(within).collect()
        }
        StatementKind::Capture { from: CaptureFrom::Value(value), .. } => vec![value],
        StatementKind::Capture { from: CaptureFrom::Pattern { text, .. }, .. } => text.iter().collect(),
        StatementKind::Assert { condition, message } => [condition].into_iter().chain(message).collect(),
        StatementKind::FailOn { message, .. } => message.iter().collect(),
        StatementKind::Ask { prompt, default, .. } => [prompt].into_iter().chain(default).collect(),
        StatementKind::After { delay, .. } => vec![delay],
        StatementKind::If { condition, .. } => vec![condition],
        StatementKind::Repeat { kind, every, at_most, .. } => {
            let (RepeatKind::Count(first) | RepeatKind::Until(first) | RepeatKind::While(first)) = kind;
            [first].into_iter().chain(every).chain(at_most).collect()
        }
        StatementKind::For { list, .. } => vec![list],
        StatementKind::Call { arguments, .. } => arguments.iter().collect(),
        StatementKind::Return(value) => value.iter().collect(),
        _ => vec![],
    }
}

fn pattern_uses(pattern: &Pattern, uses: &mut HashSet<String>) {
    match &pattern.kind {
        PatternKind::Literal(text) => expr_uses(text, uses),
        PatternKind::Line(Content::Text(text)) | PatternKind::Prompt(Content::Text(text)) => expr_uses(text, uses),
        PatternKind::Regex(regex) => regex_uses(regex, uses),
        PatternKind::Line(Content::Regex(regex)) | PatternKind::Prompt(Content::Regex(regex)) => {
            regex_uses(regex, uses)
        }
    }
}

fn regex_uses(regex: &Regex, uses: &mut HashSet<String>) {
    pieces_use(&regex.pieces, uses);
}

fn pieces_use(pieces: &[Piece], uses: &mut HashSet<String>) {
    for piece in pieces {
        if let Piece::Value(value) = piece {
            expr_uses(value, uses);
        }
    }
}

fn expr_uses(expr: &Expr, uses: &mut HashSet<String>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            uses.insert(name.clone());
        }
        ExprKind::String(pieces) => pieces_use(pieces, uses),
        ExprKind::List(items) | ExprKind::Call { arguments: items, .. } => {
            items.iter().for_each(|item| expr_uses(item, uses))
        }
        ExprKind::Map(entries) => entries.iter().for_each(|(_, value)| expr_uses(value, uses)),
        ExprKind::Not(inner) | ExprKind::Negative(inner) => expr_uses(inner, uses),
        ExprKind::Matches { text, regex } => {
            expr_uses(text, uses);
            regex_uses(regex, uses);
        }
        ExprKind::Binary { left, right, .. } => {
            expr_uses(left, uses);
            expr_uses(right, uses);
        }
        ExprKind::Index { of, index } => {
            expr_uses(of, uses);
            expr_uses(index, uses);
        }
        ExprKind::Bytes(_) | ExprKind::Int(_) | ExprKind::Bool(_) | ExprKind::Duration(_) => {}
    }
}
