//! Pairs to tree: statements and patterns.

use std::iter::Peekable;

use pest::iterators::Pair;

use super::{Lower, children, span};
use crate::settings::{InputLine, SettingValue, Signal};
use crate::source::Spanned;
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;
use crate::value::decimal::Number;

/// Returns the next pair; the grammar guarantees it.
fn next<'i>(parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> Pair<'i, Rule> {
    parts.next().expect("the grammar guarantees this part")
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the grammar says which of pest's rules can stand here")]
impl Lower {
    /// Lowers one statement; `None` if a problem in it was reported.
    pub(super) fn statement_kind(&mut self, pair: Pair<'_, Rule>) -> Option<StatementKind> {
        let rule = pair.as_rule();
        let mut parts = children(pair);
        let parts = &mut parts;
        Some(match rule {
            Rule::header => StatementKind::Header,
            Rule::use_file => {
                let path = self.plain_string(next(parts));
                let ports = parts.next().map(|ports| children(ports).map(name).collect());
                StatementKind::Use { path, ports: ports.unwrap_or_default() }
            }
            Rule::sim => StatementKind::Sim(self.plain_string(next(parts))),
            Rule::tag => StatementKind::Tag(parts.map(|tag| self.plain_string(tag)).collect()),
            Rule::port => self.port(parts),
            Rule::using => return self.using(parts),
            Rule::param => self.param(parts),
            Rule::volatile => {
                let target = name(next(parts));
                StatementKind::Volatile { name: target, matches: parts.next().map(|regex| self.regex(regex)) }
            }
            Rule::state => StatementKind::State { name: name(next(parts)), value: self.expr(next(parts)) },
            Rule::wire => StatementKind::Wire { name: name(next(parts)), value: self.expr(next(parts)) },
            Rule::serial => StatementKind::Serial(parts.map(|setting| self.setting(setting)).collect()),
            Rule::timeout => StatementKind::Timeout(self.expr(next(parts))),
            Rule::procedure => self.procedure(parts),
            Rule::step => self.step(parts),
            Rule::send => self.send(parts),
            Rule::reply => StatementKind::Send { mode: SendMode::Reply, text: self.expr(next(parts)) },
            Rule::expect => self.expect(next(parts)),
            Rule::await_ => self.expect_one(Scope::Unclaimed, parts),
            Rule::read => self.read(parts),
            Rule::capture => self.capture(parts),
            Rule::compute => {
                let (secrecy, target) = secrecy_and_name(parts);
                StatementKind::Compute { secrecy, name: target, value: self.expr(next(parts)) }
            }
            Rule::measure => self.measure(parts),
            Rule::assert => StatementKind::Assert { condition: self.expr(next(parts)), message: self.optional(parts) },
            Rule::fail_now_on => self.fail_on(Reach::Run, parts),
            Rule::fail_on => self.fail_on(Reach::Around, parts),
            Rule::fail_now => StatementKind::Fail { reach: Reach::Run, message: self.expr(next(parts)) },
            Rule::fail => StatementKind::Fail { reach: Reach::Around, message: self.expr(next(parts)) },
            Rule::ask => self.ask(parts),
            Rule::hook => self.hook(parts),
            Rule::send_file => self.send_file(parts),
            Rule::receive_file => self.receive_file(parts),
            Rule::file_ => StatementKind::Param(self.given_file(parts)),
            Rule::skip => StatementKind::Skip(self.expr(next(parts))),
            Rule::ignore => StatementKind::Ignore(self.pattern(next(parts))),
            Rule::on => {
                let (secrecy, pattern) = self.secrecy_and_pattern(parts);
                StatementKind::On { secrecy, pattern, body: self.block(next(parts)) }
            }
            Rule::on_signal => StatementKind::OnSignal { signal: signal(next(parts)), body: self.block(next(parts)) },
            Rule::on_hook => self.on_hook(parts),
            Rule::on_wire => StatementKind::OnWire { name: name(next(parts)), body: self.block(next(parts)) },
            Rule::save => StatementKind::Save(parts.map(name).collect()),
            Rule::log => StatementKind::Log(self.expr(next(parts))),
            Rule::sleep => StatementKind::Sleep(self.expr(next(parts))),
            Rule::after => StatementKind::After { delay: self.expr(next(parts)), body: self.block(next(parts)) },
            Rule::restart => StatementKind::Restart,
            Rule::unplug => StatementKind::Unplug(parts.next().map(|part| self.only_expr(part))),
            Rule::reopen => StatementKind::Reopen(self.only_expr(next(parts))),
            Rule::if_ => self.if_(parts),
            Rule::repeat => self.repeat(parts),
            Rule::for_ => {
                let target = name(next(parts));
                let over = next(parts);
                let (list, last) = match over.as_rule() {
                    Rule::range => {
                        let mut ends = children(over).filter(|part| part.as_rule() == Rule::expr);
                        (self.expr(next(&mut ends)), self.optional(&mut ends))
                    }
                    _ => (self.expr(over), None),
                };
                StatementKind::For { name: target, list, last, body: self.block(next(parts)) }
            }
            Rule::try_ => {
                let body = self.block(next(parts));
                StatementKind::Try { body, otherwise: parts.next().map(|block| self.block(block)) }
            }
            Rule::call => self.call(parts),
            Rule::return_ => StatementKind::Return(self.optional(parts)),
            Rule::finally => StatementKind::Finally(self.block(next(parts))),
            Rule::baud => StatementKind::Baud(self.expr(next(parts))),
            Rule::control_lines => control_lines(parts),
            Rule::input_lines => StatementKind::InputLines(parts.map(input_line).collect()),
            Rule::break_ => StatementKind::Break(self.expr(next(parts))),
            Rule::flush => StatementKind::Flush,
            Rule::echo => StatementKind::Echo(next(parts).as_str() == "on"),
            other => unreachable!("the grammar has no statement {other:?}"),
        })
    }

    fn optional<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> Option<Expr> {
        parts.next().map(|pair| self.expr(pair))
    }

    fn given_file<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> Param {
        let (name, default) = (name(next(parts)), self.optional(parts));
        Param { is_file: true, secrecy: Secrecy::Open, name, unique: None, matches: None, default }
    }

    fn param<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let secrecy = if next(parts).as_str() == "secret" { Secrecy::Secret } else { Secrecy::Open };
        let target = name(next(parts));
        let mut param = Param { is_file: false, secrecy, name: target, unique: None, matches: None, default: None };
        for part in parts {
            match part.as_rule() {
                Rule::k_unique => param.unique = Some(span(&part)),
                Rule::regex => param.matches = Some(self.regex(part)),
                _ => param.default = Some(self.expr(part)),
            }
        }
        StatementKind::Param(param)
    }

    fn port<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let mut port = PortDeclaration { name: name(next(parts)), settings: Vec::new(), sims: Vec::new() };
        for part in children(next(parts)) {
            match part.as_rule() {
                Rule::sim => port.sims.push(self.plain_string(next(&mut children(part)))),
                _ => port.settings.extend(children(part).map(|setting| self.setting(setting))),
            }
        }
        StatementKind::Port(port)
    }

    /// Lowers `using relay { … }`, or what it says of a declaration: on which port that looks.
    fn using<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> Option<StatementKind> {
        let port = name(next(parts));
        let used = next(parts);
        if used.as_rule() == Rule::block {
            return Some(StatementKind::Using { port, body: self.block(used) });
        }
        let mut kind = self.statement_kind(used)?;
        if let StatementKind::FailOn { pattern, .. }
        | StatementKind::Ignore(pattern)
        | StatementKind::On { pattern, .. } = &mut kind
        {
            pattern.port = Some(port);
        }
        Some(kind)
    }

    fn setting(&mut self, pair: Pair<'_, Rule>) -> Setting {
        let mut parts = children(pair);
        let target = name(next(&mut parts));
        let value = next(&mut parts);
        let at = span(&value);
        Setting { name: target, value: Spanned { node: self.setting_value(value), span: at } }
    }

    pub(super) fn setting_value(&mut self, pair: Pair<'_, Rule>) -> SettingValue {
        let value = next(&mut children(pair));
        match value.as_rule() {
            Rule::duration => SettingValue::Duration(self.duration(&value)),
            Rule::number => match self.number(&value) {
                Number::Int(n) => SettingValue::Number(u64::try_from(n).unwrap_or(u64::MAX)),
                // It fits nothing: all settings that are numbers are whole.
                Number::Decimal(_) => SettingValue::Word(value.as_str().to_string()),
            },
            Rule::string | Rule::raw => SettingValue::Text(self.plain_bytes(value)),
            _ => SettingValue::Word(value.as_str().to_string()),
        }
    }

    fn procedure<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let target = name(next(parts));
        let mut parameters = Vec::new();
        for part in parts {
            match part.as_rule() {
                Rule::name => parameters.push(name(part)),
                _ => return StatementKind::Procedure { name: target, parameters, body: self.block(part) },
            }
        }
        unreachable!("the grammar guarantees a block")
    }

    fn step<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let title = self.expr_of_string(next(parts));
        let (mut retry, mut every, mut unless, mut timeout) = (None, None, Vec::new(), None);
        for part in parts {
            match part.as_rule() {
                Rule::retry => {
                    let mut inner = children(part);
                    retry = Some(self.expr(next(&mut inner)));
                    (every, unless) = (None, Vec::new());
                    for part in inner {
                        match part.as_rule() {
                            Rule::every => every = Some(self.only_expr(part)),
                            _ => unless.push(self.pattern_on_port(part)),
                        }
                    }
                }
                Rule::step_timeout => timeout = Some(self.only_expr(part)),
                _ => return StatementKind::Step(Step { title, retry, every, unless, timeout, body: self.block(part) }),
            }
        }
        unreachable!("the grammar guarantees a block")
    }

    fn send<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let first = next(parts);
        match first.as_rule() {
            Rule::raw_word => StatementKind::Send { mode: SendMode::Raw, text: self.expr(next(parts)) },
            _ => StatementKind::Send { mode: SendMode::Line, text: self.expr(first) },
        }
    }

    fn expect(&mut self, pair: Pair<'_, Rule>) -> StatementKind {
        let rule = pair.as_rule();
        let mut parts = children(pair);
        let parts = &mut parts;
        match rule {
            Rule::expect_one => self.expect_one(Scope::Answer, parts),
            Rule::expect_all => {
                let (mut within, mut patterns) = (None, Vec::new());
                for part in parts {
                    match part.as_rule() {
                        Rule::within => within = Some(self.only_expr(part)),
                        _ => patterns.push(self.pattern_on_port(part)),
                    }
                }
                StatementKind::ExpectAll { within, patterns }
            }
            Rule::expect_none => {
                let pattern = self.pattern(next(parts));
                StatementKind::ExpectNone { pattern, lasting: self.expr(next(parts)) }
            }
            Rule::expect_quiet => {
                let lasting = self.expr(next(parts));
                StatementKind::ExpectQuiet { lasting, within: parts.next().map(|pair| self.only_expr(pair)) }
            }
            Rule::expect_input => {
                let (line, on) = input_line(next(parts));
                StatementKind::ExpectInput { line, on, within: parts.next().map(|pair| self.only_expr(pair)) }
            }
            _ => self.expect_any(parts),
        }
    }

    fn expect_one<'i>(&mut self, scope: Scope, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let (secrecy, pattern) = self.secrecy_and_pattern(parts);
        StatementKind::Expect { scope, secrecy, pattern, within: parts.next().map(|pair| self.only_expr(pair)) }
    }

    fn secrecy_and_pattern<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> (Secrecy, Pattern) {
        let first = next(parts);
        match first.as_rule() {
            Rule::secret_word => (Secrecy::Secret, self.pattern(next(parts))),
            _ => (Secrecy::Open, self.pattern(first)),
        }
    }

    fn expect_any<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let (mut within, mut arms, mut timeout) = (None, Vec::new(), None);
        for part in parts {
            if part.as_rule() == Rule::within {
                within = Some(self.only_expr(part));
                continue;
            }
            let mut inner = children(part).peekable();
            if inner.next_if(|pair| pair.as_rule() == Rule::timeout_word).is_some() {
                timeout = Some(self.block(next(&mut inner)));
                continue;
            }
            let port = using_port(&mut inner);
            let (secrecy, pattern) = self.secrecy_and_pattern(&mut inner);
            let pattern = Pattern { port, ..pattern };
            arms.push(Arm { secrecy, pattern, body: self.block(next(&mut inner)) });
        }
        StatementKind::ExpectAny { within, arms, timeout }
    }

    fn read<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let what = next(parts);
        let what = match what.as_rule() {
            Rule::read_count => ReadWhat::Count(self.only_expr(what)),
            Rule::read_quiet => ReadWhat::Quiet(self.only_expr(what)),
            _ => ReadWhat::Until(self.pattern(next(&mut children(what)))),
        };
        let (secrecy, target) = secrecy_and_name(parts);
        StatementKind::Read { what, secrecy, name: target, within: parts.next().map(|pair| self.only_expr(pair)) }
    }

    fn capture<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let (secrecy, target) = secrecy_and_name(parts);
        let source = next(parts);
        let from = match source.as_rule() {
            Rule::capture_pattern => {
                let at = span(&source);
                let mut inner = children(source);
                let what = next(&mut inner);
                let pattern = Pattern { span: at, port: None, kind: self.pattern_kind(what) };
                CaptureFrom::Pattern { pattern, text: self.optional(&mut inner) }
            }
            _ => CaptureFrom::Value(self.expr(source)),
        };
        StatementKind::Capture { secrecy, name: target, from }
    }

    fn fail_on<'i>(&mut self, reach: Reach, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        StatementKind::FailOn { reach, pattern: self.pattern(next(parts)), message: self.optional(parts) }
    }

    fn ask<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let prompt = self.expr(next(parts));
        let (mut secrecy, mut target, mut fits, mut default) = (Secrecy::Open, None, AnswerFits::Any, None);
        for part in parts {
            match part.as_rule() {
                Rule::ask_as => {
                    let (told, given) = secrecy_and_name(&mut children(part));
                    secrecy = told;
                    target = Some(given);
                }
                Rule::ask_choices => {
                    fits = AnswerFits::OneOf(children(part).map(|choice| self.expr(choice)).collect());
                }
                Rule::ask_matches => fits = AnswerFits::Regex(self.regex(next(&mut children(part)))),
                _ => default = Some(self.only_expr(part)),
            }
        }
        StatementKind::Ask { prompt, secrecy, name: target, fits, default }
    }

    fn hook<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let called = self.plain_string(next(parts));
        let (mut arguments, mut within) = (Vec::new(), None);
        for part in parts {
            match part.as_rule() {
                Rule::within => within = Some(self.only_expr(part)),
                _ => arguments.push(self.expr(part)),
            }
        }
        StatementKind::Hook { name: called, arguments, within }
    }

    fn measure<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let first = next(parts);
        let (severity, target) = match first.as_rule() {
            Rule::soft_word => (Severity::Soft, name(next(parts))),
            _ => (Severity::Hard, name(first)),
        };
        let value = self.expr(next(parts));
        let mut measure = Measure { severity, name: target, value, unit: None, limits: None };
        for part in parts {
            match part.as_rule() {
                Rule::unit => measure.unit = Some(self.plain_string(next(&mut children(part)))),
                _ => measure.limits = Some(self.limits(next(&mut children(part)))),
            }
        }
        StatementKind::Measure(Box::new(measure))
    }

    fn limits(&mut self, pair: Pair<'_, Rule>) -> Limits {
        let rule = pair.as_rule();
        if rule == Rule::expr {
            return Limits::Exactly(self.expr(pair));
        }
        let mut ends = children(pair).filter(|part| part.as_rule() == Rule::expr);
        let first = self.optional(&mut ends);
        match rule {
            Rule::upper_limit => Limits::Range { low: None, high: first },
            _ => Limits::Range { low: first, high: self.optional(&mut ends) },
        }
    }

    fn send_file<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let mut file = SendFile { content: self.expr(next(parts)), name: None, protocol: None, within: None };
        for part in parts {
            match part.as_rule() {
                Rule::file_as => file.name = Some(self.only_expr(part)),
                Rule::file_by => file.protocol = Some(name(next(&mut children(part)))),
                _ => file.within = Some(self.only_expr(part)),
            }
        }
        StatementKind::SendFile(file)
    }

    fn receive_file<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let (secrecy, target) = secrecy_and_name(parts);
        let protocol = name(next(&mut children(next(parts))));
        let within = parts.next().map(|pair| self.only_expr(pair));
        StatementKind::ReceiveFile(ReceiveFile { secrecy, name: target, protocol, within })
    }

    fn on_hook<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let called = self.plain_string(next(parts));
        let part = next(parts);
        let (parameters, body) = match part.as_rule() {
            Rule::parameters => (children(part).map(name).collect(), next(parts)),
            _ => (Vec::new(), part),
        };
        StatementKind::OnHook { name: called, parameters, body: self.block(body) }
    }

    fn if_<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let condition = self.expr(next(parts));
        let then = self.block(next(parts));
        let otherwise = parts.next().map(|part| match part.as_rule() {
            Rule::block => self.block(part),
            _ => {
                let at = span(&part);
                let body = if self.enter(at) { self.statement(part).into_iter().collect() } else { Vec::new() };
                self.leave();
                Block { span: at, body }
            }
        });
        StatementKind::If { condition, then, otherwise }
    }

    fn repeat<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let kind = next(parts);
        let rule = kind.as_rule();
        let value = self.only_expr(kind);
        let kind = match rule {
            Rule::repeat_until => RepeatKind::Until(value),
            Rule::repeat_while => RepeatKind::While(value),
            _ => RepeatKind::Count(value),
        };
        let (mut every, mut at_most) = (None, None);
        for part in parts {
            match part.as_rule() {
                Rule::every => every = Some(self.only_expr(part)),
                Rule::at_most => at_most = Some(self.only_expr(part)),
                _ => return StatementKind::Repeat { kind, every, at_most, body: self.block(part) },
            }
        }
        unreachable!("the grammar guarantees a block")
    }

    fn call<'i>(&mut self, parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
        let target = name(next(parts));
        let arguments = children(next(parts)).map(|pair| self.expr(pair)).collect();
        StatementKind::Call { name: target, arguments, results: parts.map(name).collect() }
    }

    /// Lowers `using relay line "OK"`, whose port may be left out.
    fn pattern_on_port(&mut self, pair: Pair<'_, Rule>) -> Pattern {
        let mut inner = children(pair).peekable();
        let port = using_port(&mut inner);
        Pattern { port, ..self.pattern(next(&mut inner)) }
    }

    /// Lowers a pattern.
    pub(super) fn pattern(&mut self, pair: Pair<'_, Rule>) -> Pattern {
        let at = span(&pair);
        let inner = next(&mut children(pair));
        Pattern { span: at, port: None, kind: self.pattern_kind(inner) }
    }

    fn pattern_kind(&mut self, pair: Pair<'_, Rule>) -> PatternKind {
        match pair.as_rule() {
            Rule::line_pattern => PatternKind::Line(self.content(next(&mut children(pair)))),
            Rule::prompt_pattern => PatternKind::Prompt(self.content(next(&mut children(pair)))),
            Rule::regex => PatternKind::Regex(self.regex(pair)),
            _ => PatternKind::Literal(self.expr_of_string(pair)),
        }
    }

    fn content(&mut self, pair: Pair<'_, Rule>) -> Content {
        match pair.as_rule() {
            Rule::regex => Content::Regex(self.regex(pair)),
            _ => Content::Text(self.expr_of_string(pair)),
        }
    }
}

/// Lowers a name or word.
fn name(pair: Pair<'_, Rule>) -> Name {
    Spanned { node: pair.as_str().to_string(), span: span(&pair) }
}

/// Takes the port off that a pattern is looked for on, if one is named.
fn using_port<'i>(parts: &mut Peekable<impl Iterator<Item = Pair<'i, Rule>>>) -> Option<Name> {
    let using = parts.next_if(|pair| pair.as_rule() == Rule::using_port)?;
    Some(name(next(&mut children(using))))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the grammar says which of pest's rules can stand here")]
fn secrecy_and_name<'i>(parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> (Secrecy, Name) {
    let first = next(parts);
    match first.as_rule() {
        Rule::secret_word => (Secrecy::Secret, name(next(parts))),
        _ => (Secrecy::Open, name(first)),
    }
}

fn control_lines<'i>(parts: &mut impl Iterator<Item = Pair<'i, Rule>>) -> StatementKind {
    let (mut dtr, mut rts) = (None, None);
    for part in parts {
        let mut inner = children(part);
        let which = next(&mut inner);
        let on = Some(next(&mut inner).as_str() == "on");
        match which.as_str() {
            "dtr" => dtr = on,
            _ => rts = on,
        }
    }
    StatementKind::ControlLines { dtr, rts }
}

/// Lowers what a device sees: `dtr off`, `rts on` or `break`.
fn signal(pair: Pair<'_, Rule>) -> Signal {
    let mut parts = children(pair);
    let which = next(&mut parts);
    let on = parts.next().is_some_and(|state| state.as_str() == "on");
    match which.as_str() {
        "dtr" => Signal::Dtr(on),
        "rts" => Signal::Rts(on),
        _ => Signal::Break,
    }
}

/// Lowers `cts on`.
fn input_line(pair: Pair<'_, Rule>) -> (InputLine, bool) {
    let mut parts = children(pair);
    let line = InputLine::of_word(next(&mut parts).as_str()).expect("the grammar knows the same four words");
    (line, next(&mut parts).as_str() == "on")
}
