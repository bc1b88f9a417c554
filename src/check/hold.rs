//! Where events are held back because a secret in them is not known yet.
//!
//! `capture secret token from json(answer, …)` makes a secret of something that was received before it. So from
//! the statement that received it up to the capture nothing is told; then everything is, with the secret named.

use std::collections::HashSet;

use super::Compiler;
use super::names::{groups_of, takes_response};
use crate::syntax::ast::{Block, Bound, CaptureFrom, Expr, Runs, Secrecy, Statement, StatementKind};

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
    if matches!(
        statement.kind,
        StatementKind::Send { .. }
            | StatementKind::Expect { .. }
            | StatementKind::ExpectAny { .. }
            | StatementKind::ExpectAll { .. }
            | StatementKind::Read { .. }
            | StatementKind::Call { .. }
    ) {
        gives.insert(RESPONSE.to_string());
    }
    for bind in statement.binds() {
        match (statement.runs(), bind.into) {
            (Runs::OnLines | Runs::Later | Runs::WhenCalled, _) => {}
            (Runs::Here, Bound::Name(name)) => gives.extend([name.node.clone()]),
            (Runs::Here, Bound::Groups(pattern)) => gives.extend(groups_of(pattern)),
        }
    }
    for inner in blocks_of(statement).iter().flat_map(|block| &block.body) {
        gives.extend(gives_of(inner));
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

/// Returns the blocks of a statement that run where it stands.
fn blocks_of(statement: &Statement) -> Vec<&Block> {
    if statement.runs() == Runs::Here { statement.blocks() } else { Vec::new() }
}

fn names_in(expr: &Expr, names: &mut HashSet<String>) {
    expr.for_each_name(&mut |name| {
        names.insert(name.to_string());
    });
}
