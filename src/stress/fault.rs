//! `Plan`: which faults strike where; the same plan strikes the same way every time.

use std::collections::BTreeSet;
use std::fmt;

use crate::value::random::Rng;

/// A way in which a serial line, or what hangs on it, departs from the ideal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A block arrives in pieces: single bytes, or up to 16 at a time, with or without gaps.
    Split,
    /// A block arrives later, but before the limit of what waits for it.
    Delay,
    /// A block arrives together with the next one.
    Merge,
    /// A line that nobody asked for stands between two blocks.
    Urc,
    /// The echo of what was sent does not come.
    Echo,
    /// The line end is missing, and the next unsolicited line follows at once.
    Glue,
    /// Bytes that are no text stand in a block.
    Garbage,
    /// A block arrives after the limit of what waits for it.
    Late,
    /// A byte, or a whole block, does not arrive.
    Lost,
    /// The device restarts, and what it knew is gone.
    Reset,
    /// The echo of what was sent is wrapped, as a terminal does at its edge.
    Wrap,
    /// What the device said last stands in the port once more, unread, when the flow sends.
    Stale,
    /// What the device said last comes once more, after the flow has sent and before the echo.
    Overdue,
    /// The port goes away for a while, between two blocks or instead of one.
    Unplug,
}

impl Fault {
    /// Every fault, the benign ones first.
    pub const ALL: [Fault; 14] = [
        Fault::Split,
        Fault::Delay,
        Fault::Merge,
        Fault::Urc,
        Fault::Echo,
        Fault::Wrap,
        Fault::Glue,
        Fault::Garbage,
        Fault::Late,
        Fault::Lost,
        Fault::Reset,
        Fault::Stale,
        Fault::Overdue,
        Fault::Unplug,
    ];

    /// Returns the name that the command line uses.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Split => "split",
            Fault::Delay => "delay",
            Fault::Merge => "merge",
            Fault::Urc => "urc",
            Fault::Echo => "echo",
            Fault::Glue => "glue",
            Fault::Garbage => "garbage",
            Fault::Late => "late",
            Fault::Lost => "lost",
            Fault::Reset => "reset",
            Fault::Wrap => "wrap",
            Fault::Stale => "stale",
            Fault::Overdue => "overdue",
            Fault::Unplug => "unplug",
        }
    }

    /// Returns the fault of this name.
    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Whether every serial line may do it: no flow may end otherwise because of it.
    pub fn is_benign(self) -> bool {
        match self {
            Fault::Split | Fault::Delay | Fault::Merge | Fault::Urc | Fault::Echo | Fault::Wrap => true,
            Fault::Glue
            | Fault::Garbage
            | Fault::Late
            | Fault::Lost
            | Fault::Reset
            | Fault::Stale
            | Fault::Overdue
            | Fault::Unplug => false,
        }
    }
}

/// A fault at one block of what the device writes; written `urc@17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Occurrence {
    /// What happens.
    pub fault: Fault,
    /// To which block, counted from 0.
    pub block: u32,
}

impl fmt::Display for Occurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.fault.name(), self.block)
    }
}

/// Where faults strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Wherever the seed says; malign ones once or twice in so many blocks.
    Anywhere {
        /// Which faults.
        faults: BTreeSet<Fault>,
        /// How many blocks a run without faults has.
        blocks: u32,
    },
    /// Here and nowhere else.
    Exactly(BTreeSet<Occurrence>),
}

/// What happens on the line in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Decides where faults strike, and how.
    pub seed: u64,
    /// Which may.
    pub aim: Aim,
}

impl Plan {
    /// Returns the plan of the ideal line.
    pub fn none() -> Plan {
        Plan { seed: 0, aim: Aim::Exactly(BTreeSet::new()) }
    }

    /// Whether a fault strikes at a block.
    pub fn strikes(&self, fault: Fault, block: u32) -> bool {
        match &self.aim {
            Aim::Exactly(occurrences) => occurrences.contains(&Occurrence { fault, block }),
            Aim::Anywhere { faults, .. } if !faults.contains(&fault) => false,
            Aim::Anywhere { blocks, .. } if !fault.is_benign() => {
                let mut dice = self.dice(fault, u32::MAX);
                let first = dice.below(u64::from(*blocks));
                let second = dice.below(4 * u64::from(*blocks));
                u64::from(block) == first || u64::from(block) == second
            }
            Aim::Anywhere { .. } => {
                // A run with few of them, with some, with as many as there can be.
                let one_in = [16, 4, 1][self.dice(fault, u32::MAX).below(3) as usize];
                self.dice(fault, block).below(one_in) == 0
            }
        }
    }

    /// Returns what decides how a fault strikes at a block; it does not depend on the other faults.
    pub fn dice(&self, fault: Fault, block: u32) -> Rng {
        let place = (u64::from(block) << 8) | fault as u64;
        Rng::from_seed(Rng::from_seed(self.seed ^ place.wrapping_mul(0xd6e8_feb8_6659_fd93)).next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strikes_at_one_place_does_not_depend_on_what_strikes_elsewhere() {
        let all = Plan { seed: 7, aim: Aim::Anywhere { faults: Fault::ALL.into_iter().collect(), blocks: 50 } };
        let alone = Plan { seed: 7, aim: Aim::Anywhere { faults: [Fault::Urc].into(), blocks: 50 } };
        for block in 0..50 {
            assert_eq!(all.strikes(Fault::Urc, block), alone.strikes(Fault::Urc, block));
            assert!(!alone.strikes(Fault::Split, block));
        }
    }

    #[test]
    fn a_malign_fault_strikes_at_least_once_and_seldom() {
        for seed in 0..200 {
            let plan = Plan { seed, aim: Aim::Anywhere { faults: [Fault::Lost].into(), blocks: 40 } };
            let n = (0..40).filter(|block| plan.strikes(Fault::Lost, *block)).count();
            assert!((1..=2).contains(&n), "{n} times with seed {seed}");
        }
    }

    #[test]
    fn every_name_is_that_of_its_fault() {
        assert!(Fault::ALL.into_iter().all(|fault| Fault::named(fault.name()) == Some(fault)));
        assert_eq!(Fault::named("rain"), None);
    }
}
