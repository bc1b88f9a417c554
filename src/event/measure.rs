//! `Measurement`: what was measured, its limits, and whether it is within them.

use std::fmt;

/// What a `measure` statement found; secrets are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measurement {
    /// The name.
    pub name: String,
    /// The number, digit by digit as it is: `3.30`.
    pub value: String,
    /// The unit: `V`.
    pub unit: Option<String>,
    /// The lower limit, which is allowed itself.
    pub low: Option<String>,
    /// The upper limit, which is allowed itself. It equals the lower one if the value must be exactly this.
    pub high: Option<String>,
    /// Whether the value is within the limits; without limits every value is.
    pub passed: bool,
    /// Whether the flow goes on if it is not, and fails at its end.
    pub soft: bool,
    /// By how much the value is outside of its limits: `0.18 V below the lower limit`.
    pub fault: Option<String>,
}

impl Measurement {
    /// Returns the value with its unit: `3.30 V`.
    pub fn value_shown(&self) -> String {
        with_unit(&self.value, self.unit.as_deref())
    }

    /// Returns the limits as a flow says them, `3.60 .. 4.20` or `3`; `None` if there are none.
    pub fn limits_shown(&self) -> Option<String> {
        match (&self.low, &self.high) {
            (Some(low), Some(high)) if low == high => Some(low.clone()),
            (Some(low), Some(high)) => Some(format!("{low} .. {high}")),
            (Some(low), None) => Some(format!("{low} ..")),
            (None, Some(high)) => Some(format!(".. {high}")),
            (None, None) => None,
        }
    }

    /// Returns all texts in it that may hold something of a secret.
    pub fn texts(&mut self) -> impl Iterator<Item = &mut String> {
        let others = [&mut self.unit, &mut self.low, &mut self.high, &mut self.fault];
        others.into_iter().flatten().chain([&mut self.value])
    }

    /// Returns how much its texts take, in bytes.
    pub fn weight(&self) -> usize {
        let others = [&self.unit, &self.low, &self.high, &self.fault];
        others.into_iter().flatten().chain([&self.name, &self.value]).map(String::len).sum()
    }
}

/// Returns a number with its unit.
pub fn with_unit(number: &str, unit: Option<&str>) -> String {
    match unit {
        Some(unit) => format!("{number} {unit}"),
        None => number.to_string(),
    }
}

impl fmt::Display for Measurement {
    /// Writes value, limits and fault: `3.42 V, limits 3.60 .. 4.20, 0.18 V below the lower limit`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.value_shown())?;
        if let Some(limits) = self.limits_shown() {
            write!(f, ", limits {limits}")?;
        }
        match &self.fault {
            Some(fault) => write!(f, ", {fault}"),
            None => Ok(()),
        }
    }
}
