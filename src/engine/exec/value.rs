//! Expressions: worked out while the program runs.

use std::time::Duration;

use crate::diagnostic::Code;
use crate::engine::Engine;
use crate::engine::fuel::{self, EASY, HARD};
use crate::event::Failure;
use crate::function::{Function, Secrecy};
use crate::pattern::{Assembly, Fit, Literal, Pattern, Regex};
use crate::program::{Expr, ExprKind, PatternShape, PatternSource, PatternSpec, Piece};
use crate::secret::FULL;
use crate::source::{Site, Span};
use crate::value::Value;
use crate::value::bounds::{Room, check_bounds, check_length};
use crate::value::compare;
use crate::value::encoding::Encoding;
use crate::value::operator::{self, Operator};
use crate::value::taint::{Marked, Stained, Taint, Taints};

/// Why an expression could not be worked out, and which part of it.
type Trouble = (Span, String);

/// To compile a regex takes so many units at least.
const COMPILATION: usize = 64;

/// How many regexes with values in them are kept compiled.
const COMPILED: usize = 64;

impl Engine {
    /// Works out an expression of the present statement.
    pub(in crate::engine) fn eval(&mut self, expr: &Expr) -> Result<Marked, Box<Failure>> {
        let site = self.program.site(self.flow.at.saturating_sub(1));
        self.eval_at(expr, site)
    }

    /// Works out an expression that stands in the text of `site`.
    pub(in crate::engine) fn eval_at(&mut self, expr: &Expr, site: Site) -> Result<Marked, Box<Failure>> {
        self.value(expr).map_err(|trouble| self.trouble(trouble, site))
    }

    fn trouble(&self, (span, message): Trouble, site: Site) -> Box<Failure> {
        let mut failure =
            self.failure_at(Code::RunValue, Site { source: site.source, span }, message, "could not be computed");
        self.add_leading_exchange(&mut failure);
        failure
    }

    fn wrong(&self, expr: &Expr, message: String) -> Box<Failure> {
        let site = self.program.site(self.flow.at.saturating_sub(1));
        self.trouble((expr.span, message), site)
    }

    /// Works out octets to be sent, with room for a line ending behind them.
    pub(in crate::engine) fn eval_to_send(&mut self, expr: &Expr) -> Result<Vec<u8>, Box<Failure>> {
        let ExprKind::Const(Value::Text(text)) = &expr.kind else {
            let value = self.eval(expr)?;
            self.learn_made(&value);
            return Ok(value.value.into_octets());
        };
        let mut octets = Vec::with_capacity(text.len() + self.ports[self.flow.port].settings.eol.len());
        octets.extend_from_slice(text);
        Ok(octets)
    }

    /// Works out what is sent on a line with this encoding: text is written in it, bytes are as they are.
    pub(in crate::engine) fn eval_to_encode(
        &mut self,
        expr: &Expr,
        encoding: Encoding,
        site: Site,
    ) -> Result<Vec<u8>, Box<Failure>> {
        let value = self.eval(expr)?;
        self.learn_made(&value);
        if let Value::Bytes(octets) = value.value {
            return Ok(octets);
        }
        encoding.encode_octets(&value.value.into_octets()).map_err(|_| {
            // The character itself may be a piece of a secret.
            let message = format!("the text has a character that {} does not have", encoding.name());
            let failure = self.failure_at(Code::RunValue, site, message, "cannot be sent");
            failure.with_cause("leave it out, or send bytes: `send raw x\"…\"` is not encoded")
        })
    }

    /// Works out a yes or no.
    pub(in crate::engine) fn eval_bool(&mut self, expr: &Expr) -> Result<bool, Box<Failure>> {
        let value = self.eval(expr)?.value;
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
        let value = self.eval(expr)?.value;
        let Value::Duration(lasting) = value else {
            return Err(self.wrong(expr, format!("expected a duration, this is {}", value.kind().title())));
        };
        Ok(lasting)
    }

    /// Works out a number from 0 to `most`.
    pub(in crate::engine) fn eval_count(&mut self, expr: &Expr, most: i64) -> Result<i64, Box<Failure>> {
        let value = self.eval(expr)?;
        match value.value.as_int() {
            Some(n) if (0..=most).contains(&n) => Ok(n),
            Some(_) => {
                let shown = self.shown(&value);
                Err(self.wrong(expr, format!("expected a number from 0 to {most}, this is {shown}")))
            }
            None => {
                let shown = self.shown(&value);
                Err(self.wrong(expr, format!("expected a number, this is `{shown}`")))
            }
        }
    }

    fn value(&mut self, expr: &Expr) -> Result<Marked, Trouble> {
        let at = expr.span;
        let marked = match &expr.kind {
            ExprKind::Const(value) => return Ok(value.clone().into()),
            ExprKind::Template(pieces) => {
                let text = self.template(pieces)?;
                self.fuel.burn(text.plain().len(), EASY);
                text.into_text()
            }
            ExprKind::Variable(slot, name) => {
                let value = self.flow.get_marked(*slot).cloned();
                return value.ok_or_else(|| (at, format!("`{name}` has no value yet")));
            }
            ExprKind::Call(function, arguments) => self.call_function(*function, arguments, at)?,
            ExprKind::List(items) => {
                let mut taints = Taints::default();
                let (mut values, mut room) = (Vec::with_capacity(items.len()), Room::default());
                for item in items {
                    let marked = self.value(item)?;
                    room.take(&marked.value).map_err(|why| (at, why))?;
                    values.push(marked.value);
                    taints.push(marked.taint);
                }
                Marked { value: Value::List(values), taint: taints.into_taint() }
            }
            ExprKind::Map(entries) => {
                let mut taints = Taints::default();
                let (mut values, mut room) = (Vec::with_capacity(entries.len()), Room::default());
                for (key, value) in entries {
                    let marked = self.value(value)?;
                    room.take(&marked.value).map_err(|why| (at, why))?;
                    values.push((key.clone(), marked.value));
                    taints.push(marked.taint);
                }
                Marked { value: Value::Map(values), taint: taints.into_taint() }
            }
            ExprKind::Not(inner) => Value::Bool(!self.truth(inner)?).into(),
            ExprKind::Negative(inner) => self.negative(inner)?,
            ExprKind::Binary(Operator::Or, left, right) => Value::Bool(self.truth(left)? || self.truth(right)?).into(),
            ExprKind::Binary(Operator::And, left, right) => Value::Bool(self.truth(left)? && self.truth(right)?).into(),
            ExprKind::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                match operator::apply(*operator, &left.value, &right.value) {
                    Ok(value) => {
                        self.fuel.burn(fuel::size_of(&value), EASY);
                        let taint = Engine::taint_of_operator(*operator, &left, &right, &value);
                        Marked { value, taint }
                    }
                    Err(why) => return Err((at, self.without_secrets(why, &[&left, &right]))),
                }
            }
            ExprKind::Matches(text, source) => {
                let text = self.value(text)?.value.octets();
                self.fuel.burn(text.len(), HARD);
                let pattern = self.ready_source(source)?;
                Value::Bool(pattern.regex().is_some_and(|regex| regex.is_match(&text))).into()
            }
            ExprKind::Index(of, index) => {
                let (of, index) = (self.value(of)?, self.value(index)?);
                self.item(&of, &index).map_err(|why| (at, why))?
            }
            ExprKind::Through(inner, lens) => {
                let marked = self.value(inner)?;
                match lens.through(&marked.value) {
                    None => return Ok(marked),
                    Some(value) => value.into(),
                }
            }
        };
        check_bounds(&marked.value).map_err(|why| (at, why))?;
        Ok(marked)
    }

    fn negative(&mut self, inner: &Expr) -> Result<Marked, Trouble> {
        let Marked { value, taint } = self.value(inner)?;
        let negated = match &value {
            Value::Decimal(n) => Some(Value::Decimal(n.negated())),
            Value::Text(_)
            | Value::Bytes(_)
            | Value::Int(_)
            | Value::Bool(_)
            | Value::Duration(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Null => value.as_int().and_then(i64::checked_neg).map(Value::Int),
        };
        match negated {
            Some(value) => {
                let taint = taint.name().cloned().map_or(Taint::Nothing, Taint::All);
                Ok(Marked { value, taint })
            }
            None => Err((inner.span, format!("`-` negates a number, this is {}", value.kind().title()))),
        }
    }

    fn truth(&mut self, expr: &Expr) -> Result<bool, Trouble> {
        let value = self.value(expr)?.value;
        let Value::Bool(yes) = value else {
            return Err((expr.span, format!("expected true or false, this is {}", value.kind().title())));
        };
        Ok(yes)
    }

    fn template(&mut self, pieces: &[Piece]) -> Result<Stained, Trouble> {
        let mut out = Stained::default();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_plain(text),
                Piece::Value(value) => {
                    let marked = self.value(value)?;
                    out.push(&marked.value, &marked.taint);
                    check_length(out.plain().len()).map_err(|why| (value.span, why))?;
                }
            }
        }
        Ok(out)
    }

    fn call_function(&mut self, function: Function, arguments: &[Expr], at: Span) -> Result<Marked, Trouble> {
        let mut values = Vec::with_capacity(arguments.len());
        let mut taints = Taints::default();
        for argument in arguments {
            let marked = self.value(argument)?;
            values.push(marked.value);
            taints.push(marked.taint);
        }
        let worth = if function.signature().secrecy == Secrecy::Hides { HARD } else { EASY };
        self.fuel.burn(values.iter().map(fuel::size_of).sum(), worth);
        let result = function.call(&values, &mut self.ambient);
        if taints.are_nothing() && self.journal.known().is_empty() {
            return result.map(Marked::from).map_err(|why| (at, why));
        }
        let given = values.into_iter().zip(taints.into_all());
        let given: Vec<Marked> = given.map(|(value, taint)| Marked { value, taint }).collect();
        match result {
            Ok(value) => {
                let taint = self.taint_of_result(function, &given, &value);
                let made = Marked { value, taint };
                self.learn_made(&made);
                if self.journal.secrets().is_full() {
                    return Err((at, FULL.to_string()));
                }
                Ok(made)
            }
            Err(why) => Err((at, self.without_secrets(why, &given.iter().collect::<Vec<_>>()))),
        }
    }

    fn item(&self, of: &Marked, index: &Marked) -> Result<Marked, String> {
        match &of.value {
            Value::List(items) => {
                let at = index.value.as_int().ok_or("the index of a list is a number")?;
                let place = usize::try_from(at).ok().filter(|place| *place < items.len());
                let place = place.ok_or_else(|| {
                    let at = self.shown(index);
                    format!("the list has {} items, there is no item {at}", items.len())
                })?;
                Ok(Marked { value: items[place].clone(), taint: of.taint.item(place) })
            }
            Value::Map(entries) => {
                let found = compare::place_of(entries, &index.value)?;
                let place = found.ok_or_else(|| {
                    let known: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).take(8).collect();
                    format!("the map has no key `{}`; it has {}", self.shown(index), known.join(", "))
                })?;
                Ok(Marked { value: entries[place].1.clone(), taint: of.taint.item(place) })
            }
            Value::Text(_)
            | Value::Bytes(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Bool(_)
            | Value::Duration(_)
            | Value::Null => Err(format!("{} has no items", of.value.kind().title())),
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
        let quoted = |text: &[u8]| format!("\"{}\"", self.cut(text, 120));
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
                let marked = self.value(text)?;
                self.learn_made(&marked);
                let octets = marked.value.into_octets();
                if octets.is_empty() && *shape != PatternShape::Line {
                    return Err((text.span, "the expected text is empty: it would match at once".to_string()));
                }
                Ok(match shape {
                    PatternShape::Anywhere => Pattern::Literal(Literal::new(octets).into()),
                    PatternShape::Line => Pattern::Line(octets.into()),
                    PatternShape::Prompt => Pattern::Prompt(octets.into()),
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
                Piece::Value(value) => {
                    let marked = self.value(value)?;
                    self.learn_made(&marked);
                    assembly.push_value(&marked.value.show());
                }
            }
        }
        let text = assembly.finish();
        let fit = if shape == PatternShape::Line { Fit::Whole } else { Fit::Within };
        let key = (text, flags.to_string(), fit == Fit::Whole);
        let compiled = match self.regexes.get(&key) {
            Some(compiled) => compiled.clone(),
            None => {
                self.fuel.burn((key.0.len() + COMPILATION) * HARD, HARD);
                let compiled = Regex::new(&key.0, flags, fit).map_err(|why| (Span::new(0, 0), why))?;
                // Those of all watchers are needed at one look.
                if self.regexes.len() >= COMPILED + self.program.watchers.len() {
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
    ) -> Result<Marked, Box<Failure>> {
        let pattern = self.ready(spec)?;
        let (texts, place): (Vec<Stained>, &str) = match text {
            Some(text) => {
                let text = self.eval(text)?;
                (vec![self.with_found(&text)], "the text")
            }
            None => {
                let lines = self.response_lines().into_iter();
                (lines.map(|line| self.marked_octets(line)).collect(), "the last response")
            }
        };
        for text in &texts {
            self.fuel.burn(text.plain().len(), HARD);
            let Some(found) = pattern.find_in_text(text.plain()) else { continue };
            let Some(regex) = pattern.regex() else { return Ok(text.piece(found).into_text()) };
            let captures = regex.captures(text.plain()).expect("it was just found");
            let group = captures
                .name(name)
                .or_else(|| (captures.len() == 2).then(|| captures.get(1)).flatten())
                .or(captures.get(0));
            let piece = text.piece(group.map_or(0..0, |m| m.range()));
            self.learn_stains(&piece);
            return Ok(piece.into_text());
        }
        let message = format!("{} is not in {place}", spec.title);
        let mut failure = self.failure_at(Code::RunValue, site, message, "nothing found");
        if text.is_none() {
            self.add_leading_exchange(&mut failure);
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
            let text = engine.cut(&engine.covered(&value), 60);
            Some(if matches!(value.value, Value::Text(_)) { format!("\"{text}\"") } else { text })
        };
        let (left, right) = (shown(self, left)?, shown(self, right)?);
        Some(format!("{left} {} {right} is false", operator.title()))
    }
}
