//! Lints: flows that are right by the letter and will surprise their author.
//!
//! Each is a warning with a code; `# allow NAME` behind the line, or alone on the line before, says that it is
//! meant: NAME is the last part of the code, such as `unused-capture`.

mod dead;
mod exchange;
mod slow;
mod texts;
mod unused;
mod waits;

use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::pattern::{self, Fit};
use crate::source::{Site, Source, SourceId, Span};
use crate::syntax::Parsed;
use crate::syntax::ast::{Content, Expr, ExprKind, File, Pattern, PatternKind, Piece, Regex};

/// Looks at one file and returns its warnings.
pub(super) fn lint(id: SourceId, file: &File) -> Vec<Diagnostic> {
    let mut lint = Lint { id, warnings: Vec::new() };
    lint.unused_and_clear(file);
    lint.waits(file);
    lint.dead(&file.body);
    lint.slow(file);
    lint.texts(file);
    lint.warnings
}

/// Returns whether a warning is allowed by a comment.
pub(super) fn is_allowed(warning: &Diagnostic, source: &Source, parsed: &Parsed) -> bool {
    if warning.severity() != Severity::Warning {
        return false;
    }
    let Some(label) = &warning.label else { return false };
    let name = warning.code.text().rsplit("::").next().unwrap_or_default();
    let line_of = |offset: u32| source.line_column(offset).0;
    let line = line_of(label.site.span.start);
    parsed.comments.iter().any(|comment| {
        let text = &source.text()[comment.range()];
        let Some(allowed) = text.trim_start_matches('#').trim().strip_prefix("allow ") else { return false };
        let names = allowed.split([',', ' ', ':']).map(str::trim);
        let comment_line = line_of(comment.start);
        let stands_alone = is_alone(source.text(), *comment);
        let is_near = comment_line == line || (stands_alone && comment_line + 1 == line);
        is_near && names.into_iter().any(|allowed| allowed == name)
    })
}

/// Whether nothing stands before a comment on its line.
fn is_alone(text: &str, comment: Span) -> bool {
    let before = &text[..comment.start as usize];
    before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty())
}

/// Collects the warnings of a file.
struct Lint {
    id: SourceId,
    warnings: Vec<Diagnostic>,
}

impl Lint {
    fn warn(&mut self, code: Code, span: Span, message: impl Into<String>, label: &str, help: impl Into<String>) {
        let site = Site { source: self.id, span };
        self.warnings.push(Diagnostic::new(code, site, message, label).help(help));
    }
}

/// Returns the text of an expression that is always the same.
fn fixed_text(expr: &Expr) -> Option<Vec<u8>> {
    if let ExprKind::String(pieces) = &expr.kind {
        return match pieces.as_slice() {
            [] => Some(Vec::new()),
            [Piece::Text(text)] => Some(text.clone()),
            _ => None,
        };
    }
    if let ExprKind::Bytes(bytes) = &expr.kind { Some(bytes.clone()) } else { None }
}

/// Returns the text that a pattern awaits, and whether it must be a whole line.
fn awaited_text(pattern: &Pattern) -> Option<(Vec<u8>, bool)> {
    match &pattern.kind {
        PatternKind::Literal(text) => fixed_text(text).map(|text| (text, false)),
        PatternKind::Line(Content::Text(text)) => fixed_text(text).map(|text| (text, true)),
        PatternKind::Line(Content::Regex(_)) | PatternKind::Regex(_) | PatternKind::Prompt(_) => None,
    }
}

/// Whether a pattern is satisfied by a line that consists of `text`.
fn is_satisfied_by(pattern: &Pattern, text: &[u8]) -> bool {
    match &pattern.kind {
        PatternKind::Literal(literal) => fixed_text(literal)
            .is_some_and(|literal| !literal.is_empty() && memchr::memmem::find(text, &literal).is_some()),
        PatternKind::Line(Content::Text(line)) => fixed_text(line).is_some_and(|line| line == text),
        PatternKind::Line(Content::Regex(line)) => is_matched_by(line, Fit::Whole, text),
        PatternKind::Regex(found) => is_matched_by(found, Fit::Within, text),
        PatternKind::Prompt(_) => false,
    }
}

/// Whether a regex without values in it matches a text.
fn is_matched_by(regex: &Regex, fit: Fit, text: &[u8]) -> bool {
    let is_fixed = regex.pieces.iter().all(|piece| matches!(piece, Piece::Text(_)));
    let fits = |regex: Arc<pattern::Regex>| regex.shortest() <= text.len() && regex.is_match(text);
    is_fixed && pattern::Regex::new(&super::names::sample(regex), &regex.flags, fit).is_ok_and(fits)
}
