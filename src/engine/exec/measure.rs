//! `measure`: a number, held against its limits and reported.

use crate::diagnostic::{Code, Label};
use crate::engine::Engine;
use crate::event::{EventKind, Failure, Measurement, with_unit};
use crate::program::{Expr, Limits, Measure};
use crate::source::Site;
use crate::value::Value;
use crate::value::decimal::Number;
use crate::value::taint::{Marked, Taint};

/// How many values outside of soft limits are listed at the end.
const LISTED: usize = 100;

/// Limits that are worked out.
#[derive(Default)]
struct Bounds {
    low: Option<(Number, Marked)>,
    high: Option<(Number, Marked)>,
    is_exact: bool,
}

/// Which limit a value is outside of, and by how much.
struct Excess {
    /// `0.18 V`, if a decimal number can hold it and it tells nothing of a secret.
    distance: Option<String>,
    /// `below` or `above`.
    side: &'static str,
    /// The limit, as it is shown.
    limit: String,
}

impl Engine {
    /// Puts a number into a variable, reports it with its limits, and fails if it is outside of them.
    pub(super) fn measure(&mut self, measure: &Measure, site: Site) -> Result<(), Box<Failure>> {
        let given = self.eval(&measure.value)?;
        let (number, marked) = self.measured_number(given, "what is measured", site)?;
        let bounds = self.bounds(&measure.limits, site)?;
        self.assign(&measure.target, marked.clone(), site)?;
        // A variable that is a secret somewhere else is one here too.
        let marked = self.flow.get_marked(measure.target.slot).cloned().unwrap_or(marked);
        let unit = measure.unit.as_deref();
        let excess = self.excess(&(number, marked.clone()), &bounds, unit);
        let name = measure.target.name.clone();
        let fault = excess.as_ref().map(|excess| excess.fault(bounds.is_exact));
        let measurement = Measurement {
            name: name.clone(),
            value: self.shown(&marked),
            unit: measure.unit.clone(),
            low: bounds.low.as_ref().map(|(_, low)| self.shown(low)),
            high: bounds.high.as_ref().map(|(_, high)| self.shown(high)),
            passed: excess.is_none(),
            soft: measure.is_soft,
            fault,
        };
        let Some(excess) = excess else {
            self.tally.n_checks += u64::from(measure.limits.are_set());
            self.tell(Some(site), EventKind::Measured(measurement.into()));
            return Ok(());
        };
        let message = excess.message(&measurement, bounds.is_exact);
        let limits = measurement.limits_shown().unwrap_or_default();
        self.tell(Some(site), EventKind::Measured(measurement.into()));
        if measure.is_soft {
            if self.tally.outside.len() < LISTED {
                self.tally.outside.push(Label::new(site, message));
            }
            return Ok(());
        }
        let label = if bounds.is_exact { format!("not {limits}") } else { format!("outside of {limits}") };
        let mut failure = self.failure_at(Code::RunMeasure, site, message, label);
        self.add_leading_exchange(&mut failure);
        Err(failure)
    }

    /// Tells of the values that were outside of soft limits, as the failure of the run; false if there are none.
    pub(super) fn tell_outside(&mut self) -> bool {
        let mut outside = std::mem::take(&mut self.tally.outside).into_iter();
        let Some(first) = outside.next() else { return false };
        let others: Vec<Label> = outside.collect();
        let n_outside = others.len() + 1;
        let (message, label) = match n_outside {
            1 => (first.text, "outside of its limits".to_string()),
            LISTED => (format!("{LISTED} measurements or more are outside of their limits"), first.text),
            _ => (format!("{n_outside} measurements are outside of their limits"), first.text),
        };
        let mut failure = self.failure_at(Code::RunMeasure, first.site, message, label);
        failure.others = others;
        self.told_failure(failure);
        true
    }

    fn bounds(&mut self, limits: &Limits, site: Site) -> Result<Bounds, Box<Failure>> {
        let mut bounds = match limits {
            Limits::Range { low, high } => {
                Bounds { low: self.bound(low.as_ref(), site)?, high: self.bound(high.as_ref(), site)?, is_exact: false }
            }
            Limits::Exactly(value) => {
                let bound = self.bound(Some(value), site)?;
                Bounds { low: bound.clone(), high: bound, is_exact: true }
            }
        };
        if let (Some((lower, low)), Some((upper, high))) = (&bounds.low, &bounds.high)
            && lower.order(*upper).is_gt()
        {
            let message = format!("no value is within the limits {} .. {}", self.shown(low), self.shown(high));
            return Err(self.failure_at(Code::RunValue, site, message, "the lower limit is above the upper one"));
        }
        // Both ends the same is an exact value, however it is written.
        bounds.is_exact |= matches!((&bounds.low, &bounds.high), (Some((a, _)), Some((b, _))) if a.order(*b).is_eq());
        Ok(bounds)
    }

    fn bound(&mut self, limit: Option<&Expr>, site: Site) -> Result<Option<(Number, Marked)>, Box<Failure>> {
        let Some(limit) = limit else { return Ok(None) };
        let given = self.eval(limit)?;
        self.measured_number(given, "a limit", site).map(Some)
    }

    /// Returns the number that a value is or spells.
    fn measured_number(&self, given: Marked, what: &str, site: Site) -> Result<(Number, Marked), Box<Failure>> {
        match Number::of(&given.value) {
            Ok(number) => Ok((
                number,
                Marked {
                    value: Value::from(number),
                    taint: given.taint.name().cloned().map_or(Taint::Nothing, Taint::All),
                },
            )),
            Err(why) => {
                let message = format!("{what} must be a number: `{}` {}", self.shown(&given), why.reason());
                let mut failure = self.failure_at(Code::RunValue, site, message, "could not be measured");
                self.add_leading_exchange(&mut failure);
                Err(failure)
            }
        }
    }

    fn excess(&self, (number, marked): &(Number, Marked), bounds: &Bounds, unit: Option<&str>) -> Option<Excess> {
        let below = bounds.low.as_ref().filter(|(low, _)| number.order(*low).is_lt());
        let above = bounds.high.as_ref().filter(|(high, _)| number.order(*high).is_gt());
        let ((limit, shown), side) = match (below, above) {
            (Some(low), _) => (low, "below"),
            (None, Some(high)) => (high, "above"),
            (None, None) => return None,
        };
        // With the limit the distance would tell the value.
        let is_open = [marked, shown].into_iter().all(|value| self.with_found(value).taint().is_nothing());
        let distance = number.decimal().minus(limit.decimal()).filter(|_| is_open);
        let distance = distance.map(|distance| with_unit(&distance.without_sign().to_string(), unit));
        Some(Excess { distance, side, limit: with_unit(&self.shown(shown), unit) })
    }
}

impl Excess {
    /// Returns by how much the value is outside: `0.18 V below the lower limit`.
    fn fault(&self, is_exact: bool) -> String {
        let limit = match (is_exact, self.side) {
            (true, _) => "the only value allowed",
            (false, "below") => "the lower limit",
            (false, _) => "the upper limit",
        };
        match &self.distance {
            Some(distance) => format!("{distance} {} {limit}", self.side),
            None => format!("{} {limit}", self.side),
        }
    }

    /// Returns what is wrong, in a sentence.
    fn message(&self, measured: &Measurement, is_exact: bool) -> String {
        let (name, value, limit) = (&measured.name, measured.value_shown(), &self.limit);
        let apart = if is_exact { "," } else { " of" };
        format!("`{name}` is {value}, {}{apart} {limit}", self.fault(is_exact))
    }
}
