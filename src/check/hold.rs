//! Where events are held back because a secret in them is not known yet.
//!
//! `capture secret token from json(answer, …)` makes a secret of something that was received before it. So from
//! the statement that received it up to the capture nothing is told; then everything is, with the secret named.

use std::collections::HashSet;

use super::Compiler;
use super::names::{groups_of, takes_response};
use crate::syntax::ast::{self, CaptureFrom, Expr, ExprKind, Piece, ReadWhat, Secrecy, Statement, StatementKind};

/// The last response, among the names of variables.
const RESPONSE: &str = "";

impl Compiler<'_> {
    /// Returns the pairs of statements between which events are held back.
    pub(super) fn holds(&self, body: &[Statement]) -> Vec<(usize, usize)> {
        let mut holds = Vec::new();
        for (i, statement) in body.iter().enumerate() {
            let mut needs = needs_of(statement);
            if needs.is_empty() {
                continue;
            }
            let mut start = i;
            for (k, earlier) in body[..i].iter().enumerate().rev() {
                let gives = gives_of(earlier);
                if gives.iter().any(|name| needs.contains(name)) {
                    start = k;
                    let receives = gives.contains(RESPONSE);
                    needs.retain(|name| !gives.contains(name) || name == RESPONSE && !receives);
                    uses_of(earlier, &mut needs);
                    if matches!(earlier.kind, StatementKind::Send { .. }) {
                        needs.remove(RESPONSE);
                    } else if receives && !matches!(earlier.kind, StatementKind::Call { .. }) {
                        // What an expect found may stand in what came since the send before it.
                        needs.insert(RESPONSE.to_string());
                    }
                }
                if needs.is_empty() {
                    break;
                }
            }
            if start < i {
                holds.push((start, i));
            }
        }
        holds
    }
}

/// Returns what a statement must have received before it can make a secret of it.
fn needs_of(statement: &Statement) -> HashSet<String> {
    let mut needs = HashSet::new();
    match &statement.kind {
        StatementKind::Capture { secrecy: Secrecy::Secret, from, .. } => {
            match from {
                CaptureFrom::Value(value) => names_in(value, &mut needs),
                CaptureFrom::Pattern { text: Some(text), .. } => names_in(text, &mut needs),
                CaptureFrom::Pattern { text: None, .. } => {
                    needs.insert(RESPONSE.to_string());
                }
            };
        }
        StatementKind::Compute { secrecy: Secrecy::Secret, value, .. } => names_in(value, &mut needs),
        _ => {
            for block in blocks_of(statement) {
                for inner in &block.body {
                    needs.extend(needs_of(inner));
                }
            }
        }
    }
    needs
}

/// Returns the variables that a statement gives values to; the empty name is a response.
fn gives_of(statement: &Statement) -> HashSet<String> {
    let mut gives = HashSet::new();
    let response = || RESPONSE.to_string();
    match &statement.kind {
        StatementKind::Send { .. } => {
            gives.insert(response());
        }
        StatementKind::Expect { pattern, .. } => {
            gives.insert(response());
            gives.extend(groups_of(pattern));
        }
        StatementKind::ExpectAll { patterns, .. } => {
            gives.insert(response());
            gives.extend(patterns.iter().flat_map(groups_of));
        }
        StatementKind::ExpectAny { arms, .. } => {
            gives.insert(response());
            gives.extend(arms.iter().flat_map(|arm| groups_of(&arm.pattern)));
        }
        StatementKind::Read { name, what, .. } => {
            gives.insert(response());
            gives.insert(name.node.clone());
            if let ReadWhat::Until(pattern) = what {
                gives.extend(groups_of(pattern));
            }
        }
        StatementKind::Call { results, .. } => {
            gives.insert(response());
            gives.extend(results.iter().map(|name| name.node.clone()));
        }
        StatementKind::Compute { name, .. } | StatementKind::Capture { name, .. } => {
            gives.insert(name.node.clone());
        }
        StatementKind::For { name, .. } => {
            gives.insert(name.node.clone());
        }
        _ => {}
    }
    for block in blocks_of(statement) {
        for inner in &block.body {
            gives.extend(gives_of(inner));
        }
    }
    gives
}

/// Adds what a statement works its values out from; what receives needs nothing before it but its send.
fn uses_of(statement: &Statement, needs: &mut HashSet<String>) {
    match &statement.kind {
        StatementKind::Compute { value, .. } => names_in(value, needs),
        StatementKind::Capture { from: CaptureFrom::Value(value), .. } => names_in(value, needs),
        StatementKind::Capture { from, .. } if takes_response(from) => {
            needs.insert(RESPONSE.to_string());
        }
        StatementKind::Capture { from: CaptureFrom::Pattern { text: Some(text), .. }, .. } => names_in(text, needs),
        _ => {}
    }
}

/// Returns the blocks of a statement.
fn blocks_of(statement: &Statement) -> Vec<&ast::Block> {
    match &statement.kind {
        StatementKind::Step(step) => vec![&step.body],
        StatementKind::ExpectAny { arms, timeout, .. } => arms.iter().map(|arm| &arm.body).chain(timeout).collect(),
        StatementKind::If { then, otherwise, .. } => [then].into_iter().chain(otherwise).collect(),
        StatementKind::Repeat { body, .. } | StatementKind::For { body, .. } => vec![body],
        StatementKind::Try { body, otherwise } => [body].into_iter().chain(otherwise).collect(),
        StatementKind::Finally(body) => vec![body],
        _ => vec![],
    }
}

pub(super) fn names_in(expr: &Expr, names: &mut HashSet<String>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            names.insert(name.clone());
        }
        ExprKind::String(pieces) => {
            for piece in pieces {
                if let Piece::Value(value) = piece {
                    names_in(value, names);
                }
            }
        }
        ExprKind::List(items) | ExprKind::Call { arguments: items, .. } => {
            items.iter().for_each(|item| names_in(item, names))
        }
        ExprKind::Map(entries) => entries.iter().for_each(|(_, value)| names_in(value, names)),
        ExprKind::Not(inner) | ExprKind::Negative(inner) | ExprKind::Matches { text: inner, .. } => {
            names_in(inner, names)
        }
        ExprKind::Binary { left, right, .. } => {
            names_in(left, names);
            names_in(right, names);
        }
        ExprKind::Index { of, index } => {
            names_in(of, names);
            names_in(index, names);
        }
        ExprKind::Bytes(_) | ExprKind::Int(_) | ExprKind::Bool(_) | ExprKind::Duration(_) => {}
    }
}
