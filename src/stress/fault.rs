//! `Plan`: which faults strike where; the same plan strikes the same way every time.

use std::collections::BTreeSet;

use crate::port::PortId;
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

/// A fault at one block of what a device writes; written `urc@17`, or `urc@relay:17` where the flow has several ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Occurrence {
    /// What happens.
    pub fault: Fault,
    /// The port of the device.
    pub port: PortId,
    /// To which of its blocks, counted from 0.
    pub block: u32,
}

impl Occurrence {
    /// Returns what happens to a block on the first port.
    pub fn on_first(fault: Fault, block: u32) -> Occurrence {
        Occurrence { fault, port: PortId::FIRST, block }
    }

    /// Returns it as it is written for a flow with ports of these names; none if the flow has one port.
    pub fn show(&self, names: &[&str]) -> String {
        match names.get(self.port.index()) {
            Some(name) if names.len() > 1 => format!("{}@{name}:{}", self.fault.name(), self.block),
            Some(_) | None => format!("{}@{}", self.fault.name(), self.block),
        }
    }
}

/// Where faults strike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Wherever the seed says; malign ones once or twice in so many blocks.
    Anywhere {
        /// Which faults.
        faults: BTreeSet<Fault>,
        /// How many blocks a run without faults has, of each port.
        blocks: Vec<u32>,
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

    /// Whether a fault strikes at a block of a port.
    pub fn strikes(&self, fault: Fault, port: PortId, block: u32) -> bool {
        match &self.aim {
            Aim::Exactly(occurrences) => occurrences.contains(&Occurrence { fault, port, block }),
            Aim::Anywhere { faults, .. } if !faults.contains(&fault) => false,
            Aim::Anywhere { blocks, .. } if !fault.is_benign() => {
                // Those of all ports are counted through, port by port.
                let all: u64 = blocks.iter().copied().map(u64::from).sum();
                let before: u64 = blocks.iter().take(port.index()).copied().map(u64::from).sum();
                let is_own = blocks.get(port.index()).is_some_and(|n| block < *n || blocks.len() == 1);
                let mut dice = self.dice(fault, PortId::FIRST, u32::MAX);
                let first = dice.below(all.max(1));
                let second = dice.below(4 * all.max(1));
                let at = before + u64::from(block);
                is_own && (at == first || at == second)
            }
            Aim::Anywhere { .. } => {
                // A run with few of them, with some, with as many as there can be.
                let one_in = [16, 4, 1][self.dice(fault, port, u32::MAX).below(3) as usize];
                self.dice(fault, port, block).below(one_in) == 0
            }
        }
    }

    /// Returns what decides how a fault strikes at a block of a port; it does not depend on the other faults.
    pub fn dice(&self, fault: Fault, port: PortId, block: u32) -> Rng {
        let place = (port.index() as u64) << 40 | (u64::from(block) << 8) | fault as u64;
        Rng::from_seed(Rng::from_seed(self.seed ^ place.wrapping_mul(0xd6e8_feb8_6659_fd93)).next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strikes_at_one_place_does_not_depend_on_what_strikes_elsewhere() {
        let all = Plan { seed: 7, aim: Aim::Anywhere { faults: Fault::ALL.into_iter().collect(), blocks: vec![50] } };
        let alone = Plan { seed: 7, aim: Aim::Anywhere { faults: [Fault::Urc].into(), blocks: vec![50] } };
        for block in 0..50 {
            assert_eq!(all.strikes(Fault::Urc, PortId::FIRST, block), alone.strikes(Fault::Urc, PortId::FIRST, block));
            assert!(!alone.strikes(Fault::Split, PortId::FIRST, block));
        }
    }

    #[test]
    fn a_malign_fault_strikes_at_least_once_and_seldom() {
        for seed in 0..200 {
            let plan = Plan { seed, aim: Aim::Anywhere { faults: [Fault::Lost].into(), blocks: vec![40] } };
            let n = (0..40).filter(|block| plan.strikes(Fault::Lost, PortId::FIRST, *block)).count();
            assert!((1..=2).contains(&n), "{n} times with seed {seed}");
        }
    }

    #[test]
    fn every_name_is_that_of_its_fault() {
        assert!(Fault::ALL.into_iter().all(|fault| Fault::named(fault.name()) == Some(fault)));
        assert_eq!(Fault::named("rain"), None);
    }

    #[test]
    fn a_malign_fault_strikes_on_every_port_in_some_run() {
        let port = |index| PortId::new(index).expect("there are so many");
        let struck = |index: usize| {
            let n_runs = (0..200).filter(|seed| {
                let plan =
                    Plan { seed: *seed, aim: Aim::Anywhere { faults: [Fault::Lost].into(), blocks: vec![10, 30] } };
                (0..[10, 30][index]).any(|block| plan.strikes(Fault::Lost, port(index), block))
            });
            n_runs.count()
        };
        assert!(struck(0) > 30 && struck(1) > 100, "{} and {}", struck(0), struck(1));
    }

    #[test]
    fn a_place_has_the_name_of_its_port_where_there_are_several() {
        let occurrence = Occurrence { fault: Fault::Urc, port: PortId::new(1).expect("it is small"), block: 17 };
        assert_eq!(occurrence.show(&["dut", "relay"]), "urc@relay:17");
        assert_eq!(Occurrence::on_first(Fault::Urc, 17).show(&["dut"]), "urc@17");
    }
}
