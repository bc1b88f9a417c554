//! `Legend`: what a line of a device means, by the rules of a flow and of the libraries that it uses.
//!
//! Nothing is guessed: each kind follows from a statement, and from the result codes of modems where these are awaited. So
//! a line means the same in every run of a flow, whatever was awaited when it came.

use std::borrow::Cow;

use crate::pattern::Pattern;
use crate::port_id::PortId;
use crate::program::{LookAt, Op, PatternSource, PatternSpec, Program, WatcherKind};
use crate::result_codes;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something that a device says: no rule names it.
    Answer,
    /// A final result code of success that is awaited somewhere: `OK`, `CONNECT`, `SEND OK`.
    Success,
    /// `fail on` names it, or it is a final result code of failure.
    Failure,
    /// `on` or `await` names it: it comes by itself.
    Message,
    /// `ignore` names it.
    Ignored,
    /// It has no end, and is a prompt that is awaited somewhere.
    Prompt,
}

/// A line explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// What the line is.
    pub kind: Kind,
    /// What the number in it means, if it is an error code that is known.
    pub text: Option<&'static str>,
}

/// The rules by which lines are explained. The default explains error codes and knows no other rule.
#[derive(Clone, Debug, Default)]
pub struct Legend {
    /// In the order in which they are asked.
    rules: Vec<Rule>,
    /// Whether `OK` is awaited somewhere: then the result codes of modems are what they are everywhere.
    has_result_codes: bool,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Pattern,
    /// The port that it is for; `None` is every port.
    port: Option<PortId>,
    kind: Kind,
}

/// What is longer is no message that a rule names.
const LONGEST: usize = 4096;

/// What fails is final too, whether or not a `fail on` says so (V.250 section 5.7.1, and TS 27.007 section 9.2).
const FAILURES: [&str; 5] = ["ERROR", "NO CARRIER", "NO DIALTONE", "NO ANSWER", "BUSY"];

impl Legend {
    /// Collects the rules of a program: of the flow and of every library in it. Patterns with values in them are left out.
    pub fn of(program: &Program) -> Legend {
        let mut watched: [Vec<Rule>; 3] = Default::default();
        for (id, watcher) in program.watchers.iter().enumerate() {
            let Some(pattern) = ready(&watcher.pattern) else { continue };
            let (place, kind) = match watcher.kind {
                WatcherKind::On { .. } => (0, Kind::Message),
                WatcherKind::FailOn { .. } => (1, Kind::Failure),
                WatcherKind::Ignore => (2, Kind::Ignored),
            };
            let standing = program.main.standing.iter().filter(|standing| standing.watcher == id);
            let mut ports: Vec<Option<PortId>> = standing.map(|standing| Some(standing.port)).collect();
            if ports.is_empty() {
                ports.push(watcher.port);
            }
            watched[place].extend(ports.into_iter().map(|port| Rule { pattern: pattern.clone(), port, kind }));
        }
        let mut awaited: [Vec<Rule>; 2] = Default::default();
        let mut has_result_codes = false;
        for op in &program.ops {
            let Op::Expect(expect) = op else { continue };
            for arm in &expect.arms {
                let Some(pattern) = ready(&arm.pattern) else { continue };
                has_result_codes |= matches!(pattern, Pattern::Line(text) if **text == *b"OK");
                let (place, kind) = match (pattern, expect.scope) {
                    (pattern, _) if pattern.is_prompt() => (1, Kind::Prompt),
                    (Pattern::Line(text), _) if is_success(text) => (0, Kind::Success),
                    (_, LookAt::Unclaimed) => (1, Kind::Message),
                    (_, LookAt::Answer) => continue,
                };
                awaited[place].push(Rule { pattern: pattern.clone(), port: arm.port, kind });
            }
        }
        let [messages, failures, ignored] = watched;
        let [successes, others] = awaited;
        // The order of the engine: `on`, `fail on`, what is awaited, `ignore`.
        let rules = [messages, failures, successes, others, ignored].concat();
        Legend { rules, has_result_codes }
    }

    /// Explains a line of a port, without its end.
    pub fn line(&self, port: PortId, line: &[u8]) -> Meaning {
        let line = without_ends(line);
        let text = if line.first() == Some(&b'+') { result_codes::meaning(&lossy(line)) } else { None };
        Meaning { kind: self.kind(port, line, text.is_some()), text }
    }

    /// Explains what has come of a line that is not over.
    pub fn rest(&self, port: PortId, rest: &[u8]) -> Meaning {
        let rest = without_ends(rest);
        let is_prompt = |rule: &Rule| rule.kind == Kind::Prompt && rule.pattern.find_in_prompt(rest).is_some();
        if rest.len() <= LONGEST && self.rules_for(port).any(is_prompt) {
            return Meaning { kind: Kind::Prompt, text: None };
        }
        self.line(port, rest)
    }

    fn kind(&self, port: PortId, line: &[u8], is_code: bool) -> Kind {
        if line.is_empty() || line.len() > LONGEST {
            return Kind::Answer;
        }
        let is_it = |rule: &&Rule| rule.kind != Kind::Prompt && rule.pattern.find_in_text(line).is_some();
        match self.rules_for(port).find(is_it) {
            Some(rule) => rule.kind,
            None if self.has_result_codes && (is_code || is_failure(line)) => Kind::Failure,
            None => Kind::Answer,
        }
    }

    fn rules_for(&self, port: PortId) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.port.is_none_or(|of| of == port))
    }
}

/// Returns a pattern that is always the same.
fn ready(spec: &PatternSpec) -> Option<&Pattern> {
    match &spec.source {
        PatternSource::Ready(pattern) => Some(pattern),
        PatternSource::Text(..) | PatternSource::Regex { .. } => None,
    }
}

/// Whether a line says that a command has done what it should: V.250 section 5.7.1, and the forms that makers have of it.
fn is_success(line: &[u8]) -> bool {
    line == b"OK" || line == b"CONNECT" || line.starts_with(b"CONNECT ") || line.ends_with(b" OK")
}

fn is_failure(line: &[u8]) -> bool {
    FAILURES.iter().any(|code| code.as_bytes() == line)
        || line.starts_with(b"+CME ERROR:")
        || line.starts_with(b"+CMS ERROR:")
}

fn without_ends(line: &[u8]) -> &[u8] {
    let is_end = |b: &u8| matches!(b, b'\r' | b'\n');
    let begin = line.iter().position(|b| !is_end(b)).unwrap_or(line.len());
    let end = line.iter().rposition(|b| !is_end(b)).map_or(begin, |last| last + 1);
    &line[begin..end]
}

/// Returns the beginning of a line as text: no code is longer.
fn lossy(line: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(&line[..line.len().min(64)])
}

#[cfg(test)]
mod tests;
