//! Pairs to tree: files, items and blocks.

mod expr;
mod statement;

use std::time::Duration;

use pest::iterators::Pair;

use super::ast::{Block, File, FileKind, Header, Statement, StatementKind};
use super::grammar::{self, Rule};
use super::{Parsed, recover};
use crate::diagnostic::{Code, Diagnostic};
use crate::settings::SettingValue;
use crate::source::{Site, Source, SourceId, Sources, Span};

/// How deeply blocks and expressions may be nested.
const DEPTH_LIMIT: usize = 64;

/// Parses a text and lowers what pest found.
pub(super) fn parse(id: SourceId, text: &str) -> Parsed {
    let mut lower = Lower { id, problems: Vec::new(), depth: 0 };
    let nothing = File { header: None, body: Vec::new() };
    if text.len() > 8 << 20 {
        let site = Site { source: id, span: Span::new(0, 0) };
        let problem = Diagnostic::new(Code::SyntaxDepth, site, "the file is larger than 8 MiB", "too large for a flow");
        return Parsed { file: nothing, comments: Vec::new(), problems: vec![problem] };
    }
    let pairs = match grammar::file(text) {
        Ok(mut pairs) => pairs.next().expect("the rule `file` gives one pair"),
        Err(_) => {
            let site = Site { source: id, span: Span::new(0, 0) };
            let problem =
                Diagnostic::new(Code::SyntaxDepth, site, "the file is nested too deeply to be read", "in this file")
                    .help(format!(
                        "blocks and expressions can be nested {DEPTH_LIMIT} deep; move inner ones to procedures"
                    ));
            return Parsed { file: nothing, comments: Vec::new(), problems: vec![problem] };
        }
    };
    let comments =
        pairs.clone().into_inner().flatten().filter(|p| p.as_rule() == Rule::comment).map(|p| span(&p)).collect();
    let file = lower.file(pairs);
    let mut problems = lower.problems;
    problems.sort_by_key(|p| p.label.as_ref().map(|label| label.site.span.start));
    Parsed { file, comments, problems }
}

/// Returns the duration that a text is as a whole; `None` if it is none.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let pair = grammar::whole(Rule::duration, text)?;
    let mut lower = Lower::of_value(text);
    let duration = lower.duration(&pair);
    lower.problems.is_empty().then_some(duration)
}

/// Returns the value of a setting that a text is as a whole; `None` if it is none.
pub(super) fn setting_value(text: &str) -> Option<SettingValue> {
    let pair = grammar::whole(Rule::setting_value, text)?;
    let mut lower = Lower::of_value(text);
    let value = lower.setting_value(pair);
    lower.problems.is_empty().then_some(value)
}

/// Lowers the pairs of one text.
struct Lower {
    id: SourceId,
    problems: Vec<Diagnostic>,
    depth: usize,
}

impl Lower {
    /// Returns what lowers a value that stands in no file.
    fn of_value(text: &str) -> Lower {
        let id = Sources::default().add(Source::new("", text));
        Lower { id, problems: Vec::new(), depth: 0 }
    }
}

/// Returns the span of a pair without blanks at its end.
fn span(pair: &Pair<'_, Rule>) -> Span {
    let whole = pair.as_span();
    Span::new(whole.start(), whole.start() + whole.as_str().trim_end().len())
}

/// Returns the first block of a statement, or of the statement that a `using` without braces is about.
#[expect(clippy::wildcard_enum_match_arm, reason = "few of pest's rules are meant")]
fn first_block<'i>(pair: &Pair<'i, Rule>) -> Option<Pair<'i, Rule>> {
    pair.clone().into_inner().find_map(|inner| match inner.as_rule() {
        Rule::block => Some(inner),
        Rule::on if pair.as_rule() == Rule::using => first_block(&inner),
        _ => None,
    })
}

/// Returns what a pair holds, without comments and punctuation.
fn children<'i>(pair: Pair<'i, Rule>) -> impl Iterator<Item = Pair<'i, Rule>> + Clone {
    pair.into_inner().filter(|p| {
        let rule = p.as_rule();
        !matches!(rule, Rule::comment | Rule::open | Rule::close | Rule::comma) && !is_word(rule)
    })
}

/// Whether a rule is a keyword that says nothing beyond the rule it stands in.
fn is_word(rule: Rule) -> bool {
    use Rule::*;
    matches!(
        rule,
        k_use
            | k_sim
            | k_port
            | k_using
            | k_state
            | k_wire
            | k_tag
            | k_file
            | k_send_file
            | k_receive_file
            | k_by
            | k_hook
            | k_measure
            | k_unit
            | k_limits
            | k_serial
            | k_timeout
            | k_procedure
            | k_step
            | k_retry
            | k_every
            | k_unless
            | k_send
            | k_reply
            | k_expect
            | k_all
            | k_none
            | k_quiet
            | k_for
            | k_within
            | k_await
            | k_read
            | k_bytes
            | k_as
            | k_until
            | k_while
            | k_at
            | k_most
            | k_capture
            | k_from
            | k_in
            | k_matches
            | k_compute
            | k_assert
            | k_fail
            | k_on
            | k_now
            | k_skip
            | k_ask
            | k_volatile
            | k_default
            | k_choices
            | k_ignore
            | k_save
            | k_log
            | k_sleep
            | k_after
            | k_restart
            | k_unplug
            | k_reopen
            | k_if
            | k_else
            | k_repeat
            | k_try
            | k_call
            | k_return
            | k_finally
            | k_baud
            | k_break
            | k_flush
            | k_echo
            | k_line
            | k_prompt
            | k_arrow
            | k_equals
    )
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the grammar says which of pest's rules can stand here")]
impl Lower {
    fn file(&mut self, pair: Pair<'_, Rule>) -> File {
        let mut body = Vec::new();
        let mut header = None;
        for item in children(pair) {
            match item.as_rule() {
                Rule::EOI => {}
                Rule::header if header.is_none() && body.is_empty() => header = Some(self.header(item)),
                Rule::header => {
                    let at = span(&item);
                    self.problem(
                        Code::SyntaxHeader,
                        at,
                        "the header comes once, at the beginning of a file",
                        "a second header",
                    );
                }
                _ => self.item(item, &mut body),
            }
        }
        File { header, body }
    }

    fn header(&mut self, pair: Pair<'_, Rule>) -> Header {
        let at = span(&pair);
        let mut parts = children(pair);
        let kind = match parts.next().expect("a header has a kind").as_str() {
            "flow" => FileKind::Flow,
            "device" => FileKind::Device,
            _ => FileKind::Library,
        };
        let title = self.plain_string(parts.next().expect("a header has a title")).node;
        Header { kind, title, span: at }
    }

    /// Lowers a statement or reports a bad line.
    fn item(&mut self, pair: Pair<'_, Rule>, body: &mut Vec<Statement>) {
        match pair.as_rule() {
            Rule::bad => self.bad(pair),
            Rule::stray => {
                let at = span(&pair);
                self.problem(Code::SyntaxUnexpected, at, "this `}` closes nothing", "no block is open here");
            }
            _ => {
                let statement = self.statement(pair);
                body.extend(statement);
            }
        }
    }

    fn bad(&mut self, pair: Pair<'_, Rule>) {
        let offset = pair.as_span().start();
        if pair.as_str().trim().is_empty() {
            return;
        }
        self.problems.push(recover::explain(self.id, pair.as_str(), offset));
    }

    fn block(&mut self, pair: Pair<'_, Rule>) -> Block {
        let at = span(&pair);
        let mut body = Vec::new();
        if self.enter(at) {
            for item in children(pair) {
                match item.as_rule() {
                    Rule::unclosed => {
                        let brace = Span { start: at.start, end: at.start + 1 };
                        self.problem(Code::SyntaxUnclosed, brace, "this block is not closed", "no `}` for this");
                    }
                    _ => self.item(item, &mut body),
                }
            }
        }
        self.leave();
        Block { span: at, body }
    }

    fn statement(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let whole = span(&pair);
        let block = first_block(&pair);
        let head_end = block.map_or(whole.end as usize, |b| b.as_span().start());
        let text = &pair.as_str()[..head_end.saturating_sub(whole.start as usize).min(pair.as_str().len())];
        let text = text.lines().next().unwrap_or(text).trim_end();
        let head = Span::new(whole.start as usize, whole.start as usize + text.len());
        let kind: Option<StatementKind> = self.statement_kind(pair);
        kind.map(|kind| Statement { span: whole, head, kind })
    }

    /// Goes one level down; false if that is too deep, which is then reported once.
    fn enter(&mut self, at: Span) -> bool {
        self.depth += 1;
        if self.depth == DEPTH_LIMIT + 1 {
            self.problem(Code::SyntaxDepth, at, "this is nested too deeply", "too deep").help =
                Some(format!("{DEPTH_LIMIT} levels are allowed; move the inner ones to a procedure"));
        }
        self.depth <= DEPTH_LIMIT
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn problem(
        &mut self,
        code: Code,
        at: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> &mut Diagnostic {
        let site = Site { source: self.id, span: at };
        self.problems.push(Diagnostic::new(code, site, message, label));
        self.problems.last_mut().expect("one was just pushed")
    }
}
