//! `Fuel`: how much may be computed without any waiting, and when the world is looked at meanwhile.
//!
//! It counts what is done, not how long that takes, so that the same run ends at the same statement on every machine. A unit is
//! about a microsecond of an ordinary processor.

use crate::value::Value;

/// So many statements may be executed without any waiting.
const MOST_STATEMENTS: u32 = 1_000_000;

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
#[derive(Debug, Default)]
pub(in crate::engine) struct Fuel {
    statements: u32,
    work: u32,
    /// What was spent since the world was last looked at.
    unbroken: u32,
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
        if self.unbroken >= SHARE {
            return Level::Share;
        }
        self.statements += 1;
        self.unbroken += 1;
        if self.statements > MOST_STATEMENTS {
            Level::NoStatements
        } else if self.work > MOST_WORK {
            Level::NoWork
        } else {
            Level::Enough
        }
    }

    /// Takes what values cost that have so many octets, of which a unit is worth so many.
    #[inline]
    pub(in crate::engine) fn burn(&mut self, n_octets: usize, worth: usize) {
        let units = u32::try_from(n_octets / worth).unwrap_or(u32::MAX);
        self.work = self.work.saturating_add(units);
        self.unbroken = self.unbroken.saturating_add(units);
    }

    /// Begins anew: time has passed, or what is to be done now has its own share.
    pub(in crate::engine) fn refill(&mut self) {
        *self = Fuel::default();
    }

    /// Takes note that the world was looked at.
    pub(in crate::engine) fn breathe(&mut self) {
        self.unbroken = 0;
    }
}

/// Returns about how many octets a value takes, the items of its items not counted.
pub(in crate::engine) fn size_of(value: &Value) -> usize {
    match value {
        Value::Text(octets) | Value::Bytes(octets) => octets.len(),
        Value::List(items) => items.len() * ITEM,
        Value::Map(entries) => entries.len() * ITEM,
        Value::Int(_) | Value::Bool(_) | Value::Duration(_) | Value::Null => 0,
    }
}
