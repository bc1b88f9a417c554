//! `Fuel`: how much may be computed without any waiting, and when the world is looked at meanwhile.
//!
//! It counts what is done, not how long that takes, so that the same run ends at the same statement on every machine. A unit is
//! about a microsecond of an ordinary processor.

use super::limits::STATEMENTS;
use crate::value::Value;

/// So many units may be spent on values meanwhile: half a minute, about.
const MOST_WORK: u32 = 30_000_000;

/// After so many units the world is looked at: some hundredths of a second.
const SHARE: u32 = 20_000;

/// A digest, a regex or the like takes a unit for so many octets.
pub(in crate::engine) const HARD: usize = 256;

/// A copy takes a unit for so many octets.
pub(in crate::engine) const EASY: usize = 4096;

/// An item of a list or a map takes as much as so many octets.
const ITEM: usize = 64;

/// What was spent since time last passed.
#[derive(Debug)]
pub(in crate::engine) struct Fuel {
    /// What is left of the share.
    left: u32,
    /// How many shares were used up.
    n_shares: u32,
    /// How much of all shares went into values.
    for_values: u32,
    /// What values cost; it may be more than a share had left.
    work: u32,
}

impl Default for Fuel {
    fn default() -> Fuel {
        Fuel { left: SHARE, n_shares: 0, for_values: 0, work: 0 }
    }
}

/// Whether there is enough for the next statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Level {
    /// There is.
    Enough,
    /// There is, but the world comes first.
    Share,
    /// Too many statements were executed.
    NoStatements,
    /// Too much was computed.
    NoWork,
}

impl Fuel {
    /// Takes what a statement costs by itself.
    #[inline]
    pub(in crate::engine) fn statement(&mut self) -> Level {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Level::Enough
            }
            None => self.level(),
        }
    }

    #[cold]
    fn level(&self) -> Level {
        let spent = SHARE.saturating_mul(self.n_shares + 1);
        if spent - self.for_values >= STATEMENTS {
            Level::NoStatements
        } else if self.work > MOST_WORK {
            Level::NoWork
        } else {
            Level::Share
        }
    }

    /// Takes what values cost that have so many octets, of which a unit is worth so many.
    #[inline]
    pub(in crate::engine) fn burn(&mut self, n_octets: usize, worth: usize) {
        let units = u32::try_from(n_octets / worth).unwrap_or(u32::MAX);
        self.work = self.work.saturating_add(units);
        let of_share = units.min(self.left);
        self.left -= of_share;
        self.for_values += of_share;
    }

    /// Begins anew: time has passed, or what is to be done now has its own share.
    pub(in crate::engine) fn refill(&mut self) {
        *self = Fuel::default();
    }

    /// Takes note that the world was looked at.
    pub(in crate::engine) fn breathe(&mut self) {
        self.left = SHARE;
        self.n_shares += 1;
    }
}

/// Returns about how many octets a value takes, the items of its items not counted.
pub(in crate::engine) fn size_of(value: &Value) -> usize {
    match value {
        Value::Text(octets) | Value::Bytes(octets) => octets.len(),
        Value::List(items) => items.len() * ITEM,
        Value::Map(entries) => entries.len() * ITEM,
        Value::Int(_) | Value::Decimal(_) | Value::Bool(_) | Value::Duration(_) | Value::Null => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Executes statements, each with so much work, until something else comes first but the world; returns how many, and what.
    fn statements(work: usize) -> (u32, Level) {
        let mut fuel = Fuel::default();
        let mut n = 0;
        loop {
            match fuel.statement() {
                Level::Enough => {
                    n += 1;
                    fuel.burn(work * HARD, HARD);
                }
                Level::Share => fuel.breathe(),
                level @ (Level::NoStatements | Level::NoWork) => return (n, level),
            }
        }
    }

    #[test]
    fn statements_and_work_are_counted_apart() {
        assert_eq!(statements(0), (1_000_000, Level::NoStatements));
        let (n, level) = statements(10);
        assert!((999_000..=1_020_000).contains(&n) && level == Level::NoStatements, "{n} {level:?}");
        let (n, level) = statements(100);
        assert!((299_000..=301_000).contains(&n) && level == Level::NoWork, "{n} {level:?}");
        let (n, level) = statements(100_000);
        assert!((300..=302).contains(&n) && level == Level::NoWork, "more than a share each: {n} {level:?}");
    }
}
