//! Expressions: worked out while the program runs.

use std::time::Duration;

use crate::diagnostic::Code;
use crate::engine::Engine;
use crate::event::Failure;
use crate::function::{Function, Secrecy};
use crate::pattern::{Assembly, Fit, Literal, Pattern, Regex};
use crate::program::{Expr, ExprKind, PatternShape, PatternSource, PatternSpec, Piece};
use crate::source::{Site, Span};
use crate::value::Value;
use crate::value::bounds::check_bounds;
use crate::value::compare;
use crate::value::operator::{self, Operator};

/// Why an expression could not be worked out, and which part of it.
type Trouble = (Span, String);

/// How many regexes with values in them are kept compiled.
const COMPILED: usize = 64;

impl Engine {
    /// Works out an expression of the present statement.
    pub(in crate::engine) fn eval(&mut self, expr: &Expr) -> Result<Value, Box<Failure>> {
        let site = self.program.site(self.flow.at.saturating_sub(1));
        self.eval_at(expr, site)
    }

    /// Works out an expression that stands in the text of `site`.
    pub(in crate::engine) fn eval_at(&mut self, expr: &Expr, site: Site) -> Result<Value, Box<Failure>> {
        self.value(expr).map_err(|trouble| self.trouble(trouble, site))
    }

    fn trouble(&self, (span, message): Trouble, site: Site) -> Box<Failure> {
        let mut failure =
            self.failure_at(Code::RunValue, Site { source: site.source, span }, message, "could not be worked out");
        self.add_exchange(&mut failure);
        failure
    }

    fn wrong(&self, expr: &Expr, message: String) -> Box<Failure> {
        let site = self.program.site(self.flow.at.saturating_sub(1));
        self.trouble((expr.span, message), site)
    }

    /// Works out octets to be sent, with room for a line ending behind them.
    pub(in crate::engine) fn eval_to_send(&mut self, expr: &Expr) -> Result<Vec<u8>, Box<Failure>> {
        let ExprKind::Const(Value::Text(text)) = &expr.kind else { return Ok(self.eval(expr)?.into_octets()) };
        let mut octets = Vec::with_capacity(text.len() + self.ports[self.flow.port].settings.eol.len());
        octets.extend_from_slice(text);
        Ok(octets)
    }

    /// Works out a yes or no.
    pub(in crate::engine) fn eval_bool(&mut self, expr: &Expr) -> Result<bool, Box<Failure>> {
        let value = self.eval(expr)?;
        let Value::Bool(yes) = value else {
            return Err(self.wrong(expr, format!("expected true or false, this is {}", value.kind().title())));
        };
        Ok(yes)
    }

    /// Works out a length of time.
    pub(in crate::engine) fn eval_duration(&mut self, expr: &Expr) -> Result<Duration, Box<Failure>> {
        if let ExprKind::Const(Value::Duration(lasting)) = &expr.kind {
            return Ok(*lasting);
        }
        let value = self.eval(expr)?;
        let Value::Duration(lasting) = value else {
            return Err(self.wrong(expr, format!("expected a duration, this is {}", value.kind().title())));
        };
        Ok(lasting)
    }

    /// Works out a number from 0 to `most`.
    pub(in crate::engine) fn eval_count(&mut self, expr: &Expr, most: i64) -> Result<i64, Box<Failure>> {
        let value = self.eval(expr)?;
        match value.as_int() {
            Some(n) if (0..=most).contains(&n) => Ok(n),
            Some(n) => Err(self.wrong(expr, format!("expected a number from 0 to {most}, this is {n}"))),
            None => {
                let shown = self.shown(&value);
                Err(self.wrong(expr, format!("expected a number, this is `{shown}`")))
            }
        }
    }

    fn value(&mut self, expr: &Expr) -> Result<Value, Trouble> {
        let at = expr.span;
        let value = match &expr.kind {
            ExprKind::Const(value) => return Ok(value.clone()),
            ExprKind::Template(pieces) => Value::Text(self.template(pieces)?),
            ExprKind::Variable(slot, name) => {
                return self.flow.get(*slot).cloned().ok_or_else(|| (at, format!("`{name}` has no value yet")));
            }
            ExprKind::Call(function, arguments) => self.call_function(*function, arguments, at)?,
            ExprKind::List(items) => Value::List(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?),
            ExprKind::Map(entries) => {
                let entry = |(key, value): &(String, Expr)| Ok::<_, Trouble>((key.clone(), self.value(value)?));
                Value::Map(entries.iter().map(entry).collect::<Result<_, _>>()?)
            }
            ExprKind::Not(inner) => Value::Bool(!self.truth(inner)?),
            ExprKind::Negative(inner) => {
                let value = self.value(inner)?;
                let n = value.as_int().and_then(i64::checked_neg);
                Value::Int(
                    n.ok_or_else(|| (inner.span, format!("`-` negates a number, this is {}", value.kind().title())))?,
                )
            }
            ExprKind::Binary(Operator::Or, left, right) => Value::Bool(self.truth(left)? || self.truth(right)?),
            ExprKind::Binary(Operator::And, left, right) => Value::Bool(self.truth(left)? && self.truth(right)?),
            ExprKind::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                operator::apply(*operator, &left, &right).map_err(|why| (at, why))?
            }
            ExprKind::Matches(text, source) => {
                let text = self.value(text)?.octets();
                let pattern = self.ready_source(source)?;
                Value::Bool(pattern.regex().is_some_and(|regex| regex.is_match(&text)))
            }
            ExprKind::Index(of, index) => {
                let (of, index) = (self.value(of)?, self.value(index)?);
                self.item(&of, &index).map_err(|why| (at, why))?
            }
        };
        check_bounds(&value).map_err(|why| (at, why))?;
        Ok(value)
    }

    fn truth(&mut self, expr: &Expr) -> Result<bool, Trouble> {
        let value = self.value(expr)?;
        let Value::Bool(yes) = value else {
            return Err((expr.span, format!("expected true or false, this is {}", value.kind().title())));
        };
        Ok(yes)
    }

    fn template(&mut self, pieces: &[Piece]) -> Result<Vec<u8>, Trouble> {
        let mut out = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Value(value) => out.extend(self.value(value)?.show()),
            }
        }
        Ok(out)
    }

    fn call_function(&mut self, function: Function, arguments: &[Expr], at: Span) -> Result<Value, Trouble> {
        let arguments = arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
        let result = function.call(&arguments, &mut self.ambient).map_err(|why| (at, self.journal.clean_text(&why)))?;
        let secrecy = function.signature().secrecy;
        let of = |argument: &Value| match secrecy {
            Secrecy::Hides => None,
            Secrecy::Keeps => self.journal.secrets().name_in(&argument.octets()),
            Secrecy::Selects => self.journal.secrets().name_of(&argument.octets()),
        };
        if let Some(name) = arguments.iter().find_map(of) {
            self.learn_derived(&name, &result);
        }
        Ok(result)
    }

    /// What a function makes of a secret is secret too, unless the secret itself still stands in it and is named.
    fn learn_derived(&mut self, name: &str, result: &Value) {
        match result {
            Value::List(items) => items.iter().for_each(|item| self.learn_derived(name, item)),
            Value::Text(octets) | Value::Bytes(octets) => {
                if self.journal.secrets().redact(octets).is_none() {
                    self.redact_from_now(name, octets);
                }
            }
            Value::Int(_) | Value::Bool(_) | Value::Duration(_) | Value::Map(_) | Value::Null => {}
        }
    }

    fn item(&self, of: &Value, index: &Value) -> Result<Value, String> {
        match of {
            Value::List(items) => {
                let at = index.as_int().ok_or("the place in a list is a number")?;
                let found = usize::try_from(at).ok().and_then(|at| items.get(at));
                found.cloned().ok_or_else(|| format!("the list has {} items, there is no item {at}", items.len()))
            }
            Value::Map(entries) => {
                let found = compare::entry(entries, index)?;
                found.cloned().ok_or_else(|| {
                    let known: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).take(8).collect();
                    format!("the map has no key `{}`; it has {}", self.shown(index), known.join(", "))
                })
            }
            Value::Text(_) | Value::Bytes(_) | Value::Int(_) | Value::Bool(_) | Value::Duration(_) | Value::Null => {
                Err(format!("{} has no items", of.kind().title()))
            }
        }
    }

    /// Makes a pattern ready.
    pub(in crate::engine) fn ready(&mut self, spec: &PatternSpec) -> Result<Pattern, Box<Failure>> {
        if let PatternSource::Ready(pattern) = &spec.source {
            return Ok(pattern.clone());
        }
        self.ready_source(&spec.source).map_err(|(_, why)| self.trouble((spec.site.span, why), spec.site))
    }

    /// Returns a pattern as messages show it: as written, but with values in place of their names.
    pub(in crate::engine) fn title(&self, spec: &PatternSpec, pattern: &Pattern) -> String {
        let quoted = |text: &[u8]| format!("\"{}\"", crate::value::escape::visible_cut(&self.journal.clean(text), 120));
        match (&spec.source, pattern) {
            (PatternSource::Text(..), Pattern::Literal(literal)) => quoted(literal.needle()),
            (PatternSource::Text(..), Pattern::Line(text)) => format!("line {}", quoted(text)),
            (PatternSource::Text(..), Pattern::Prompt(text)) => format!("prompt {}", quoted(text)),
            _ => spec.title.to_string(),
        }
    }

    fn ready_source(&mut self, source: &PatternSource) -> Result<Pattern, Trouble> {
        match source {
            PatternSource::Ready(pattern) => Ok(pattern.clone()),
            PatternSource::Text(shape, text) => {
                let octets = self.value(text)?.octets();
                if octets.is_empty() && *shape != PatternShape::Line {
                    return Err((text.span, "an empty text is awaited: it would match at once".to_string()));
                }
                Ok(match shape {
                    PatternShape::Anywhere => Pattern::Literal(Literal::new(octets).into()),
                    PatternShape::Line => Pattern::Line(octets),
                    PatternShape::Prompt => Pattern::Prompt(octets),
                })
            }
            PatternSource::Regex { shape, pieces, flags } => self.ready_regex(*shape, pieces, flags),
        }
    }

    fn ready_regex(&mut self, shape: PatternShape, pieces: &[Piece], flags: &str) -> Result<Pattern, Trouble> {
        let mut assembly = Assembly::default();
        for piece in pieces {
            match piece {
                Piece::Text(piece) => assembly.push_regex(&String::from_utf8_lossy(piece)),
                Piece::Value(value) => assembly.push_value(&self.value(value)?.show()),
            }
        }
        let text = assembly.finish();
        let fit = if shape == PatternShape::Line { Fit::Whole } else { Fit::Within };
        let key = (text, flags.to_string(), fit == Fit::Whole);
        let compiled = match self.regexes.get(&key) {
            Some(compiled) => compiled.clone(),
            None => {
                let compiled = Regex::new(&key.0, flags, fit).map_err(|why| (Span::new(0, 0), why))?;
                if self.regexes.len() >= COMPILED {
                    self.regexes.clear();
                }
                self.regexes.insert(key, compiled.clone());
                compiled
            }
        };
        Ok(match shape {
            PatternShape::Anywhere => Pattern::Regex(compiled),
            PatternShape::Line => Pattern::LineRegex(compiled),
            PatternShape::Prompt => Pattern::PromptRegex(compiled),
        })
    }

    /// Finds a value in the last response, or in a text: the group `name`, the only group, or the whole match.
    pub(in crate::engine) fn eval_match(
        &mut self,
        spec: &PatternSpec,
        text: Option<&Expr>,
        name: &str,
        site: Site,
    ) -> Result<Value, Box<Failure>> {
        let pattern = self.ready(spec)?;
        let (texts, place): (Vec<Vec<u8>>, &str) = match text {
            Some(text) => (vec![self.eval(text)?.octets()], "the text"),
            None => (self.response_lines(), "the last response"),
        };
        for text in &texts {
            let Some(found) = pattern.find_in_text(text) else { continue };
            let Some(regex) = pattern.regex() else { return Ok(Value::Text(text[found].to_vec())) };
            let captures = regex.captures(text).expect("it was just found");
            let group = captures
                .name(name)
                .or_else(|| (captures.len() == 2).then(|| captures.get(1)).flatten())
                .or(captures.get(0));
            return Ok(Value::Text(group.map_or(Vec::new(), |m| m.as_bytes().to_vec())));
        }
        let message = format!("{} stands nowhere in {place}", spec.title);
        let mut failure = self.failure_at(Code::RunValue, site, message, "nothing to take");
        if text.is_none() {
            self.add_exchange(&mut failure);
        }
        Err(failure)
    }

    /// Returns the two sides of a comparison as a message shows them.
    pub(in crate::engine) fn sides(&mut self, condition: &Expr) -> Option<String> {
        let ExprKind::Binary(operator, left, right) = &condition.kind else { return None };
        if *operator == Operator::And {
            // The first part that is false is what is to be seen.
            let failing = if self.truth(left).ok()? { right } else { left };
            return self.sides(failing);
        }
        if *operator == Operator::Or {
            let (left, right) = (self.sides(left)?, self.sides(right)?);
            return Some(format!("{left}, {right}"));
        }
        let shown = |engine: &mut Engine, expr: &Expr| {
            let value = engine.value(expr).ok()?;
            let text = crate::value::escape::visible_cut(&engine.journal.clean(&value.show()), 60);
            Some(if matches!(value, Value::Text(_)) { format!("\"{text}\"") } else { text })
        };
        let (left, right) = (shown(self, left)?, shown(self, right)?);
        Some(format!("{left} {} {right} is false", operator.title()))
    }
}
