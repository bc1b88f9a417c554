//! What is sent, and the waits that follow it in the order in which they run: own echoes, late answers.

use std::collections::{HashMap, HashSet};

use super::{Lint, is_matched_by, is_satisfied_by};
use crate::check::names::{groups_of, sample};
use crate::diagnostic::{Code, Label};
use crate::pattern::{Fit, Regex};
use crate::settings::SettingValue;
use crate::source::{Site, Span};
use crate::syntax::ast::{
    Block, Bound, Content, Expr, ExprKind, File, Name, Pattern, PatternKind, Piece, ReadWhat, Runs, Scope, SendMode,
    Setting, Statement, StatementKind,
};
use crate::value::operator::Operator;

/// Calls are followed so deep.
const DEEPEST: usize = 8;

/// So many statements are looked at, each as often as it is called.
const MOST: usize = 20_000;

/// Stands for a part of a text that is not known before the run.
const UNKNOWN: u8 = 0x1a;

/// A procedure of the file: its parameters and its block.
type Procedure<'a> = (&'a [Name], &'a Block);

/// What a walk knows besides the place where it is.
struct Walk<'a> {
    lint: &'a mut Lint,
    procedures: HashMap<&'a str, Procedure<'a>>,
    /// The procedures that were called.
    called: HashSet<&'a str>,
    /// What was warned of already, however often it is called.
    warned: HashSet<Span>,
    n_seen: usize,
    /// What the file says of the echo of its ports.
    echoes: HashMap<&'a str, Echo>,
}

/// What holds at one place.
#[derive(Clone, Default)]
struct Place<'a> {
    /// The texts that variables have, as far as they are known.
    names: HashMap<&'a str, Vec<u8>>,
    echo: Echo,
    /// What was sent last and may come back unrecognised.
    sent: Option<Sent>,
    /// What is watched for.
    watchers: Vec<&'a Pattern>,
    /// What was awaited in a `try`, and may still come.
    late: Vec<&'a Pattern>,
    /// Whether something was sent since then.
    is_asked: bool,
}

/// What the file says of the echo.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Echo {
    #[default]
    Auto,
    On,
    Off,
}

#[derive(Clone)]
struct Sent {
    text: Vec<u8>,
    mode: SendMode,
    /// Whether an answer to it was awaited already: the echo comes before that.
    is_answered: bool,
}

impl Lint {
    /// Warns of what is awaited and stands in the command itself, and of what a late answer can satisfy.
    pub(super) fn exchanges(&mut self, file: &File) {
        let mut procedures = HashMap::new();
        for statement in &file.body {
            if let StatementKind::Procedure { name, parameters, body } = &statement.kind {
                procedures.insert(name.node.as_str(), (parameters.as_slice(), body));
            }
        }
        let bodies: Vec<(&str, &Block)> = procedures.iter().map(|(name, (_, body))| (*name, *body)).collect();
        let (called, warned) = (HashSet::new(), HashSet::new());
        let mut walk = Walk { lint: self, procedures, called, warned, n_seen: 0, echoes: HashMap::new() };
        let mut place = Place::default();
        for statement in &file.body {
            let StatementKind::Port(port) = &statement.kind else { continue };
            let echo = echo_in(&port.settings).unwrap_or_else(|| settings_of(file));
            if walk.echoes.is_empty() {
                place.echo = echo;
            }
            walk.echoes.insert(&port.name.node, echo);
        }
        walk.body(&file.body, &mut place, 0);
        let called = std::mem::take(&mut walk.called);
        // By itself, what is called from other files or not at all: where a call is seen, it is known what holds there.
        for (_, body) in bodies.into_iter().filter(|(name, _)| !called.contains(name)) {
            let mut place = Place { echo: settings_of(file), ..Place::default() };
            walk.body(&body.body, &mut place, 0);
        }
    }
}

impl<'a> Walk<'a> {
    fn body(&mut self, body: &'a [Statement], place: &mut Place<'a>, depth: usize) {
        let n_watchers = place.watchers.len();
        for statement in body {
            self.n_seen += 1;
            if self.n_seen > MOST {
                return;
            }
            self.statement(statement, place, depth);
            self.assign(statement, place);
        }
        place.watchers.truncate(n_watchers);
    }

    fn statement(&mut self, statement: &'a Statement, place: &mut Place<'a>, depth: usize) {
        match statement.runs() {
            Runs::Here => {}
            Runs::OnLines | Runs::Later | Runs::WhenCalled => {
                if let StatementKind::On { pattern, .. } = &statement.kind {
                    place.watchers.push(pattern);
                    self.echo_of(place, pattern);
                }
                if statement.runs() != Runs::WhenCalled {
                    let inside = Place { names: HashMap::new(), sent: None, late: Vec::new(), ..place.clone() };
                    statement.blocks().into_iter().for_each(|block| self.body(&block.body, &mut inside.clone(), depth));
                }
                return;
            }
        }
        if let StatementKind::Using { port, body } = &statement.kind {
            // What was sent and awaited on one port is nothing to another.
            let echo = self.echoes.get(port.node.as_str()).copied().unwrap_or(place.echo);
            let mut inside = Place { names: place.names.clone(), echo, ..Place::default() };
            self.body(&body.body, &mut inside, depth);
            return forget(&body.body, place);
        }
        self.exchange(statement, place);
        if let StatementKind::Call { name, arguments, .. } = &statement.kind {
            return self.call(name, arguments, place, depth);
        }
        if let StatementKind::Try { body, otherwise } = &statement.kind {
            self.body(&body.body, place, depth);
            let goes_on = otherwise.as_ref().is_none_or(|block| !ends(&block.body));
            if place.echo == Echo::Auto && goes_on {
                place.late.extend(last_waits(&body.body));
                place.is_asked = false;
            }
            // What stands in `else` runs when the answer did not come.
            if let Some(otherwise) = otherwise {
                self.body(&otherwise.body, place, depth);
            }
            return;
        }
        let is_branch = matches!(
            statement.kind,
            StatementKind::If { .. } | StatementKind::ExpectAny { .. } | StatementKind::Finally(_)
        );
        if matches!(statement.kind, StatementKind::Repeat { .. } | StatementKind::For { .. }) {
            statement.blocks().into_iter().for_each(|block| forget(&block.body, place));
        }
        let blocks = statement.blocks();
        if blocks.is_empty() {
            return;
        }
        let before = place.clone();
        for block in blocks {
            let mut inside = if is_branch { before.clone() } else { place.clone() };
            self.body(&block.body, &mut inside, depth);
            if !is_branch {
                *place = inside;
            } else if sends(&block.body) {
                place.sent = None;
            }
            forget(&block.body, place);
        }
    }

    /// Looks at a statement that sends, or waits.
    fn exchange(&mut self, statement: &'a Statement, place: &mut Place<'a>) {
        if let StatementKind::Send { mode, text } = &statement.kind {
            let is_left_out = place.echo == Echo::Off || place.echo == Echo::On && *mode == SendMode::Raw;
            let text = text_of(text, &place.names).filter(|_| !is_left_out);
            place.sent =
                text.map(|text| Sent { text: text.trim_ascii_end().to_vec(), mode: *mode, is_answered: false });
            place.is_asked = true;
            for pattern in place.watchers.clone() {
                self.echo_of(place, pattern);
            }
        } else if let StatementKind::Expect { scope: Scope::Unclaimed, pattern, .. } = &statement.kind {
            self.echo_of(place, pattern);
        } else if let StatementKind::FailOn { pattern, .. } = &statement.kind {
            place.watchers.push(pattern);
            self.echo_of(place, pattern);
        } else if matches!(
            statement.kind,
            StatementKind::ExpectQuiet { .. } | StatementKind::Flush | StatementKind::Baud(_)
        ) {
            // At another speed nothing of it is heard.
            place.late.clear();
        } else if let StatementKind::Echo(on) = &statement.kind {
            place.echo = if *on { Echo::On } else { Echo::Off };
        } else if let StatementKind::Serial(settings) = &statement.kind {
            place.echo = echo_in(settings).unwrap_or(place.echo);
        } else {
            self.waits(place, &answers(statement));
        }
    }

    fn waits(&mut self, place: &mut Place<'a>, patterns: &[&'a Pattern]) {
        for pattern in patterns {
            self.echo_of(place, pattern);
        }
        if !patterns.is_empty()
            && let Some(sent) = &mut place.sent
        {
            sent.is_answered = true;
        }
        if !place.is_asked {
            return;
        }
        let taken = patterns.iter().find_map(|pattern| {
            let late = place.late.iter().find(|late| overlap(late, pattern))?;
            Some((*pattern, *late))
        });
        let Some((pattern, late)) = taken else { return };
        place.late.clear();
        if self.warned.insert(pattern.span) {
            let message = "the answer to the `try` above may come late, and be taken for this one";
            let help = "end the `try` with a quiet line: `else { expect quiet for 300ms within 5s }`";
            self.lint.warn(Code::LintLateAnswer, pattern.span, message, "a late answer fits too", help);
            let site = Site { source: self.lint.id, span: late.span };
            if let Some(warning) = self.lint.warnings.last_mut() {
                warning.others.push(Label::new(site, "may end without it"));
            }
        }
    }

    /// Warns if a pattern is found in what was sent last.
    fn echo_of(&mut self, place: &Place<'a>, pattern: &Pattern) {
        let Some(sent) = place.sent.as_ref().filter(|_| pattern.port.is_none()) else { return };
        let is_echo_meant =
            sent.mode == SendMode::Raw && known_text(pattern, &place.names).is_some_and(|text| text == sent.text);
        // An unfinished line that stays can be the echo all the same.
        let is_past = sent.is_answered && !matches!(pattern.kind, PatternKind::Prompt(_));
        // What fits an empty line fits every line.
        let is_everything = is_satisfied_by(pattern, b"");
        if is_past
            || is_echo_meant
            || is_everything
            || !is_found_in(pattern, &place.names, &sent.text)
            || !self.warned.insert(pattern.span)
        {
            return;
        }
        let message = match sent.mode {
            SendMode::Raw => "this pattern matches what was sent: after `send raw` its echo is not removed",
            SendMode::Line | SendMode::Reply => {
                "this pattern matches the command itself: if the echo is not recognised, it is taken for the answer"
            }
        };
        let help = "expect something that the command does not contain: `line \"…\"`, or more of the answer";
        self.lint.warn(Code::LintOwnEcho, pattern.span, message, "is part of what was just sent", help);
    }

    fn call(&mut self, name: &Name, arguments: &'a [Expr], place: &mut Place<'a>, depth: usize) {
        let Some((name, (parameters, body))) = self.procedures.get_key_value(name.node.as_str()) else {
            place.sent = None;
            return;
        };
        let (name, parameters, body) = (*name, *parameters, *body);
        self.called.insert(name);
        if depth >= DEEPEST {
            return;
        }
        let known = parameters.iter().zip(arguments);
        let names = known.filter_map(|(name, value)| Some((name.node.as_str(), text_of(value, &place.names)?)));
        let names = names.collect();
        let names = std::mem::replace(&mut place.names, names);
        self.body(&body.body, place, depth + 1);
        place.names = names;
    }

    /// Takes note of what a statement gives a value to.
    fn assign(&mut self, statement: &'a Statement, place: &mut Place<'a>) {
        let value = if let StatementKind::Compute { name, value, .. } = &statement.kind {
            Some((name, value))
        } else if let StatementKind::Param(param) = &statement.kind {
            param.default.as_ref().map(|default| (&param.name, default))
        } else {
            None
        };
        let text = value.and_then(|(name, value)| Some((name, text_of(value, &place.names)?)));
        forget_names(statement, place);
        if let Some((name, text)) = text {
            place.names.insert(&name.node, text);
        }
    }
}

/// Forgets what the variables are that statements give values to, those in their blocks too.
fn forget(body: &[Statement], place: &mut Place<'_>) {
    for statement in body {
        forget_names(statement, place);
        statement.blocks().into_iter().for_each(|block| forget(&block.body, place));
    }
}

fn forget_names(statement: &Statement, place: &mut Place<'_>) {
    for bind in statement.binds() {
        match bind.into {
            Bound::Name(name) => {
                place.names.remove(name.node.as_str());
            }
            Bound::Groups(pattern) => groups_of(pattern).iter().for_each(|name| {
                place.names.remove(name.as_str());
            }),
        }
    }
}

/// Whether statements end what they stand in.
fn ends(body: &[Statement]) -> bool {
    let last = body.last().map(|statement| &statement.kind);
    matches!(last, Some(StatementKind::Fail { .. } | StatementKind::Skip(_) | StatementKind::Return(_)))
}

/// Whether statements may send something.
fn sends(body: &[Statement]) -> bool {
    body.iter().any(|statement| {
        matches!(statement.kind, StatementKind::Send { .. } | StatementKind::SendFile(_) | StatementKind::Call { .. })
            || statement.blocks().into_iter().any(|block| sends(&block.body))
    })
}

/// Returns what a statement awaits as an answer on the port that is current.
fn answers(statement: &Statement) -> Vec<&Pattern> {
    if let StatementKind::Expect { scope: Scope::Answer, pattern, .. }
    | StatementKind::ExpectNone { pattern, .. }
    | StatementKind::Read { what: ReadWhat::Until(pattern), .. } = &statement.kind
    {
        vec![pattern]
    } else if let StatementKind::ExpectAny { arms, .. } = &statement.kind {
        arms.iter().map(|arm| &arm.pattern).filter(|pattern| pattern.port.is_none()).collect()
    } else if let StatementKind::ExpectAll { patterns, .. } = &statement.kind {
        patterns.iter().filter(|pattern| pattern.port.is_none()).collect()
    } else {
        Vec::new()
    }
}

/// Returns what the waits await whose answer may still come when they have failed: those after the last quiet line.
fn last_waits(body: &[Statement]) -> Vec<&Pattern> {
    let mut waits = Vec::new();
    for statement in body {
        if matches!(statement.kind, StatementKind::ExpectQuiet { .. } | StatementKind::Flush) {
            waits.clear();
        }
        // What is awaited on another port is no answer on this one.
        if matches!(statement.kind, StatementKind::Using { .. }) {
            continue;
        }
        waits.extend(answers(statement));
        statement.blocks().into_iter().for_each(|block| waits.extend(last_waits(&block.body)));
    }
    waits
}

/// Whether one line can be what both await.
fn overlap(one: &Pattern, other: &Pattern) -> bool {
    let fits = |pattern: &Pattern, example: Option<Vec<u8>>| {
        example.is_some_and(|example| !example.is_empty() && is_found_in(pattern, &HashMap::new(), &example))
    };
    fits(one, example_of(other)) || fits(other, example_of(one))
}

/// Returns a line that a pattern is satisfied by.
fn example_of(pattern: &Pattern) -> Option<Vec<u8>> {
    let Some(regex) = pattern.regex() else { return known_text(pattern, &HashMap::new()) };
    Regex::new(&sample(regex), &regex.flags, Fit::Within).ok()?.example()
}

/// Whether a pattern is found in a line that consists of `text`, finished or not.
fn is_found_in(pattern: &Pattern, names: &HashMap<&str, Vec<u8>>, text: &[u8]) -> bool {
    let has = |part: Vec<u8>| !part.is_empty() && memchr::memmem::find(text, &part).is_some();
    match &pattern.kind {
        PatternKind::Literal(_) => known_text(pattern, names).is_some_and(has),
        PatternKind::Line(Content::Text(_)) => known_text(pattern, names).is_some_and(|line| line == text),
        PatternKind::Prompt(Content::Text(_)) => {
            known_text(pattern, names).is_some_and(|end| !end.is_empty() && text.ends_with(&end))
        }
        PatternKind::Prompt(Content::Regex(regex)) => is_matched_by(regex, Fit::Within, text),
        PatternKind::Line(Content::Regex(_)) | PatternKind::Regex(_) => is_satisfied_by(pattern, text),
    }
}

/// Returns the text that a pattern awaits, if all of it is known.
fn known_text(pattern: &Pattern, names: &HashMap<&str, Vec<u8>>) -> Option<Vec<u8>> {
    let (PatternKind::Literal(text)
    | PatternKind::Line(Content::Text(text))
    | PatternKind::Prompt(Content::Text(text))) = &pattern.kind
    else {
        return None;
    };
    text_of(text, names).filter(|text| !text.contains(&UNKNOWN))
}

/// Returns what a file's settings say of the echo.
fn settings_of(file: &File) -> Echo {
    let of = |statement: &Statement| {
        if let StatementKind::Serial(settings) = &statement.kind { echo_in(settings) } else { None }
    };
    file.body.iter().filter_map(of).next_back().unwrap_or_default()
}

fn echo_in(settings: &[Setting]) -> Option<Echo> {
    let setting = settings.iter().rfind(|setting| setting.name.node == "echo")?;
    let is = |word: &str| setting.value.node == SettingValue::Word(word.to_string());
    Some(if is("off") {
        Echo::Off
    } else if is("on") {
        Echo::On
    } else {
        Echo::Auto
    })
}

/// Returns the text of an expression, with [`UNKNOWN`] for each part that is not known; `None` if nothing is.
fn text_of(expr: &Expr, names: &HashMap<&str, Vec<u8>>) -> Option<Vec<u8>> {
    let join = |parts: &mut dyn Iterator<Item = Option<Vec<u8>>>| {
        let text = parts.map(|part| part.unwrap_or_else(|| vec![UNKNOWN])).collect::<Vec<_>>().concat();
        (text.is_empty() || text.iter().any(|byte| *byte != UNKNOWN)).then_some(text)
    };
    if let ExprKind::String(pieces) = &expr.kind {
        return join(&mut pieces.iter().map(|piece| match piece {
            Piece::Text(text) => Some(text.clone()),
            Piece::Value(value) => text_of(value, names),
        }));
    }
    if let ExprKind::Binary { operator: Operator::Plus, left, right } = &expr.kind {
        return join(&mut [text_of(left, names), text_of(right, names)].into_iter());
    }
    if let ExprKind::Bytes(bytes) = &expr.kind {
        return Some(bytes.clone());
    }
    if let ExprKind::Int(number) = &expr.kind {
        return Some(number.to_string().into_bytes());
    }
    if let ExprKind::Decimal(number) = &expr.kind {
        return Some(number.to_string().into_bytes());
    }
    if let ExprKind::Name(name) = &expr.kind { names.get(name.as_str()).cloned() } else { None }
}
