//! The secrets that stand in the text of a file: no message may show them.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::nearest::nearest;
use crate::source::{SourceId, Sources, Span};
use crate::syntax::ast::{Secrecy, Statement, StatementKind};
use crate::syntax::{self, ast};

/// Covers the secrets that stand in a text: no message may show them.
///
/// These are the literals of which the defaults of secrets are made, and what is always the same and becomes a secret. A line
/// that begins as the declaration of a secret and could not be read is covered after the name.
pub fn cover_secrets(sources: &mut Sources, id: SourceId, file: &ast::File) {
    let text = sources.get(id).text().clone();
    let mut hidden = Hidden { text: &text, places: Vec::new(), texts: Vec::new() };
    hidden.find(&file.body);
    hidden.find_in_lines(&file.body);
    hidden.places.into_iter().for_each(|span| sources.cover(id, span));
    hidden.texts.into_iter().for_each(|text| sources.hide(&text));
}

/// What is to be covered in a text.
struct Hidden<'a> {
    /// All of it.
    text: &'a str,
    places: Vec<Span>,
    texts: Vec<Vec<u8>>,
}

impl Hidden<'_> {
    fn find(&mut self, body: &[Statement]) {
        let declared: Vec<&str> = body.iter().filter_map(declared_name).collect();
        for statement in body {
            if let StatementKind::Param(ast::Param { secrecy: Secrecy::Secret, default: Some(value), .. }) =
                &statement.kind
            {
                self.literals(value, &declared);
            }
            if let StatementKind::Compute { secrecy: Secrecy::Secret, value, .. }
            | StatementKind::Capture { secrecy: Secrecy::Secret, from: ast::CaptureFrom::Value(value), .. }
            | StatementKind::Ask { secrecy: Secrecy::Secret, default: Some(value), .. } = &statement.kind
                && self.is_fixed(value)
            {
                self.literals(value, &[]);
            }
            statement.blocks().into_iter().for_each(|block| self.find(&block.body));
        }
    }

    /// Finds the literals in an expression; numbers that a function is given say how much, not what.
    fn literals(&mut self, expr: &ast::Expr, declared: &[&str]) {
        match &expr.kind {
            ast::ExprKind::String(pieces) => {
                self.places.push(Span { start: expr.span.start + 1, end: expr.span.end.saturating_sub(1) });
                for piece in pieces {
                    match piece {
                        ast::Piece::Text(text) => self.texts.push(text.clone()),
                        ast::Piece::Value(value) => self.literals(value, declared),
                    }
                }
            }
            ast::ExprKind::Bytes(bytes) => {
                self.places.push(Span { start: expr.span.start + 2, end: expr.span.end.saturating_sub(1) });
                self.texts.push(bytes.clone());
                self.texts.push(self.written(expr.span).trim_start_matches('x').trim_matches('"').as_bytes().to_vec());
            }
            ast::ExprKind::Decimal(n) => {
                self.places.push(expr.span);
                self.texts.push(n.to_string().into_bytes());
            }
            ast::ExprKind::Int(n) => {
                self.places.push(expr.span);
                self.texts.push(n.to_string().into_bytes());
                self.texts.push(self.written(expr.span).as_bytes().to_vec());
            }
            ast::ExprKind::Duration(_) => self.places.push(expr.span),
            // A value without its quotes.
            ast::ExprKind::Name(name) if !declared.contains(&name.as_str()) => {
                self.places.push(expr.span);
                self.texts.push(name.clone().into_bytes());
            }
            ast::ExprKind::Name(_) | ast::ExprKind::Bool(_) => {}
            ast::ExprKind::Call { arguments, .. } => {
                let is_number =
                    |argument: &&ast::Expr| matches!(argument.kind, ast::ExprKind::Int(_) | ast::ExprKind::Decimal(_));
                let others = arguments.iter().filter(|argument| !is_number(argument));
                others.for_each(|argument| self.literals(argument, declared));
            }
            ast::ExprKind::List(_)
            | ast::ExprKind::Map(_)
            | ast::ExprKind::Not(_)
            | ast::ExprKind::Negative(_)
            | ast::ExprKind::Binary { .. }
            | ast::ExprKind::Matches { .. }
            | ast::ExprKind::Index { .. } => expr.parts().into_iter().for_each(|part| self.literals(part, declared)),
        }
    }

    /// Whether an expression has the same value in every run, whatever the device says. A name that stands nowhere else is a value
    /// without its quotes.
    fn is_fixed(&self, expr: &ast::Expr) -> bool {
        if let ast::ExprKind::Name(name) = &expr.kind {
            return self.text.matches(name.as_str()).count() == 1;
        }
        expr.parts().into_iter().all(|part| self.is_fixed(part))
    }

    fn written(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Finds lines that begin with `secret NAME` and are no declaration, or have more in them: something is wrong with them. So it
    /// is with `param secret NAME`, and with a `compute secret NAME` or `capture secret NAME` that could not be read.
    fn find_in_lines(&mut self, body: &[Statement]) {
        let read: HashMap<u32, u32> = body
            .iter()
            .filter(|statement| declares_secret(statement))
            .map(|statement| (statement.span.start, statement.span.end))
            .collect();
        let mut others = HashSet::new();
        starts_of(body, &mut others);
        let mut start = 0;
        let mut goes_on = false;
        for line in self.text.split_inclusive('\n') {
            let begin = start + line.len() - line.trim_start().len();
            let rest = after_secret(line.trim_start());
            let behind = match (rest, read.get(&(begin as u32))) {
                (Some(_), Some(end)) => {
                    line.get((*end as usize).saturating_sub(start)..).filter(|rest| is_leftover(rest))
                }
                (Some(_), None) if others.contains(&(begin as u32)) => None,
                (Some(rest), None) => after_name(rest),
                (None, _) => goes_on.then_some(line),
            };
            goes_on = false;
            if let Some(behind) = behind {
                let from = start + line.len() - behind.len();
                self.places.push(Span::new(from, start + line.len()));
                let is_word = |word: &&str| !word.is_empty() && !is_keyword(word);
                let words = behind.split(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '=' | ','));
                self.texts.extend(words.filter(is_word).map(|word| word.as_bytes().to_vec()));
                // The value may stand on the next line.
                goes_on = behind.trim().ends_with('=');
            }
            start += line.len();
        }
    }
}

/// Takes note of where statements begin.
fn starts_of(body: &[Statement], starts: &mut HashSet<u32>) {
    for statement in body {
        starts.insert(statement.span.start);
        statement.blocks().into_iter().for_each(|block| starts_of(&block.body, starts));
    }
}

/// Returns what follows the word `secret`, perhaps mistyped, at the beginning of a line or of what a statement gives a value.
fn after_secret(line: &str) -> Option<&str> {
    let behind = |word| line.strip_prefix(word).filter(|rest| rest.starts_with([' ', '\t'])).map(str::trim_start);
    let line = ["param", "compute", "capture"].into_iter().find_map(behind).unwrap_or(line);
    let (word, _) = line.split_once([' ', '\t'])?;
    let is_meant = word == "secret" || nearest(&word.to_lowercase(), ["secret"]).is_some() && !is_keyword(word);
    is_meant.then(|| &line[word.len()..])
}

/// Returns what follows the name of a secret; `None` in the arm of an `expect`, which may begin with `secret` too.
fn after_name(rest: &str) -> Option<&str> {
    let rest = rest.trim_start();
    let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let is_name = length > 0 && !is_keyword(&rest[..length]);
    (is_name || !rest.contains("->")).then_some(&rest[length..])
}

/// Whether a word is one of the language's, not a name or a number.
fn is_keyword(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic()) && syntax::is_keyword(word)
}

/// Whether what follows a declaration on its line is neither a comment nor another statement.
fn is_leftover(rest: &str) -> bool {
    let rest = rest.trim();
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    !(rest.is_empty() || rest.starts_with(['#', '}']) || is_keyword(&word))
}

/// Returns the name that a declaration gives a value.
fn declared_name(statement: &Statement) -> Option<&str> {
    if let StatementKind::Param(ast::Param { name, .. }) | StatementKind::State { name, .. } = &statement.kind {
        return Some(&name.node);
    }
    None
}

fn declares_secret(statement: &Statement) -> bool {
    matches!(statement.kind, StatementKind::Param(ast::Param { secrecy: Secrecy::Secret, .. }))
}
