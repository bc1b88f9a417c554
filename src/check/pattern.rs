//! Patterns: compiled where they can be, their groups given places.

use super::names::{groups_of, sample};
use super::{Compiler, expr::ANYTHING};
use crate::diagnostic::Code;
use crate::pattern::{Fit, Literal, Pattern, Regex};
use crate::program::{ExprKind, PatternShape, PatternSource, PatternSpec};
use crate::syntax::ast::{self, Content, PatternKind, Secrecy};
use crate::value::{Type, Value};

impl Compiler<'_> {
    /// Resolves a pattern; what its groups find is put into variables.
    pub(super) fn pattern(&mut self, pattern: &ast::Pattern, secrecy: Secrecy) -> PatternSpec {
        let mut spec = self.pattern_without_groups(pattern);
        self.refuse_what_no_line_fits(pattern, &spec);
        spec.groups = groups_of(pattern)
            .into_iter()
            .map(|group| {
                let target = self.target_named(&group, pattern.span, Type::Text, secrecy);
                (group.into(), target)
            })
            .collect();
        spec
    }

    /// Reports a regex that is looked for in lines and that no line can fit.
    pub(super) fn refuse_what_no_line_fits(&mut self, pattern: &ast::Pattern, spec: &PatternSpec) {
        let is_for_none = match &spec.source {
            PatternSource::Ready(Pattern::LineRegex(regex)) => regex.is_for_no_line(),
            // What fits an empty text has been reported.
            PatternSource::Ready(Pattern::Regex(regex) | Pattern::PromptRegex(regex)) => {
                regex.shortest() > 0 && regex.is_for_no_line()
            }
            PatternSource::Ready(Pattern::Literal(_) | Pattern::Line(_) | Pattern::Prompt(_))
            | PatternSource::Text(..)
            | PatternSource::Regex { .. } => false,
        };
        if is_for_none {
            let help = "a regex sees one line without its ending; an empty line is `line \"\"`";
            self.problem(Code::CheckRegex, pattern.span, "no line can match this regex", "can never match").help =
                Some(help.to_string());
        }
    }

    /// Resolves a pattern whose groups name no variables.
    pub(super) fn pattern_without_groups(&mut self, pattern: &ast::Pattern) -> PatternSpec {
        let title = self.sources.get(self.file.source).shown()[pattern.span.range()].into();
        let source = match &pattern.kind {
            PatternKind::Literal(text) => self.text_source(text, PatternShape::Anywhere),
            PatternKind::Regex(regex) => self.regex_source(regex, PatternShape::Anywhere),
            PatternKind::Line(Content::Text(text)) => self.text_source(text, PatternShape::Line),
            PatternKind::Line(Content::Regex(regex)) => self.regex_source(regex, PatternShape::Line),
            PatternKind::Prompt(Content::Text(text)) => self.text_source(text, PatternShape::Prompt),
            PatternKind::Prompt(Content::Regex(regex)) => self.regex_source(regex, PatternShape::Prompt),
        };
        PatternSpec { title, site: self.site(pattern.span), source, groups: Vec::new() }
    }

    fn text_source(&mut self, text: &ast::Expr, shape: PatternShape) -> PatternSource {
        let resolved = self.want(text, ANYTHING, "the expected text");
        let ExprKind::Const(value @ (Value::Text(_) | Value::Bytes(_))) = &resolved.kind else {
            return PatternSource::Text(shape, resolved);
        };
        let octets = value.octets();
        if octets.is_empty() && shape != PatternShape::Line {
            self.problem(Code::CheckRegex, text.span, "the expected text is empty", "matches at once, always").help =
                Some("to wait for an empty line: `line \"\"`".to_string());
        }
        if shape == PatternShape::Line && octets.iter().any(|b| matches!(b, b'\r' | b'\n')) {
            self.problem(Code::CheckRegex, text.span, "a line cannot contain a line break", "can never match").help =
                Some("leave the `\\r` and `\\n` out: a line pattern does not include the ending".to_string());
        }
        PatternSource::Ready(ready_text(octets, shape))
    }

    /// Resolves a regex and reports what is wrong with it.
    pub(super) fn regex_source(&mut self, regex: &ast::Regex, shape: PatternShape) -> PatternSource {
        let fit = fit_of(shape);
        let made = Regex::new(&sample(regex), &regex.flags, fit);
        let compiled = match made {
            Ok(compiled) => compiled,
            Err(why) => {
                self.problem(Code::CheckRegex, regex.span, format!("this regex cannot be compiled: {why}"), "here")
                    .help =
                    Some("the syntax is that of Rust's regex crate: no look-around, no back-references".to_string());
                return PatternSource::Ready(Pattern::Literal(Literal::new(b"x".to_vec()).into()));
            }
        };
        let matches_nothing = || compiled.is_match(b"") && compiled.find(b"\x01").is_some_and(|m| m.is_empty());
        if shape != PatternShape::Line && compiled.shortest() == 0 && matches_nothing() {
            self.problem(Code::CheckRegex, regex.span, "this regex matches an empty text", "matches every line").help =
                Some("match at least one character, or write `line /…/` for a whole line".to_string());
        }
        if regex.pieces.iter().all(|piece| matches!(piece, ast::Piece::Text(_))) {
            return PatternSource::Ready(ready_regex(compiled, shape));
        }
        PatternSource::Regex { shape, pieces: self.pieces(&regex.pieces), flags: regex.flags.clone() }
    }
}

/// Returns how a regex is fitted for a shape.
fn fit_of(shape: PatternShape) -> Fit {
    match shape {
        PatternShape::Line => Fit::Whole,
        PatternShape::Anywhere | PatternShape::Prompt => Fit::Within,
    }
}

fn ready_text(octets: Vec<u8>, shape: PatternShape) -> Pattern {
    match shape {
        PatternShape::Anywhere => Pattern::Literal(Literal::new(octets).into()),
        PatternShape::Line => Pattern::Line(octets.into()),
        PatternShape::Prompt => Pattern::Prompt(octets.into()),
    }
}

fn ready_regex(compiled: std::sync::Arc<Regex>, shape: PatternShape) -> Pattern {
    match shape {
        PatternShape::Anywhere => Pattern::Regex(compiled),
        PatternShape::Line => Pattern::LineRegex(compiled),
        PatternShape::Prompt => Pattern::PromptRegex(compiled),
    }
}
