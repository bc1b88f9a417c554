//! The smallest plan that shows what a larger one has shown.

use std::collections::BTreeSet;

use super::fault::{Aim, Fault, Occurrence, Plan};

/// So many runs may be made to find it.
const MOST_RUNS: u32 = 400;

/// Returns the smallest set of occurrences, of those given, for which `shows` still holds.
///
/// Whole faults are left out first, then halves of what is left, then single occurrences. If the given set does
/// not show it, it is returned as it is.
pub(super) fn shrink(seed: u64, whole: BTreeSet<Occurrence>, shows: impl Fn(&Plan) -> bool) -> BTreeSet<Occurrence> {
    let mut runs = 0;
    let mut holds = |occurrences: &BTreeSet<Occurrence>| {
        runs += 1;
        runs <= MOST_RUNS && shows(&Plan { seed, aim: Aim::Exactly(occurrences.clone()) })
    };
    if !holds(&whole) {
        return whole;
    }
    let mut least = whole;
    for fault in Fault::ALL {
        let without: BTreeSet<_> = least.iter().filter(|occurrence| occurrence.fault != fault).copied().collect();
        if without.len() < least.len() && !without.is_empty() && holds(&without) {
            least = without;
        }
    }
    let mut size = least.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < least.len() && least.len() > 1 {
            let without: BTreeSet<_> =
                least.iter().enumerate().filter(|(i, _)| !(at..at + size).contains(i)).map(|(_, o)| *o).collect();
            if !without.is_empty() && holds(&without) {
                least = without;
            } else {
                at += size;
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_needed_is_left_out() {
        let all = (0..60).flat_map(|block| Fault::ALL.map(|fault| Occurrence::on_first(fault, block))).collect();
        let needed = [Occurrence::on_first(Fault::Urc, 17), Occurrence::on_first(Fault::Delay, 3)];
        let shows = |plan: &Plan| match &plan.aim {
            Aim::Exactly(occurrences) => needed.iter().all(|occurrence| occurrences.contains(occurrence)),
            Aim::Anywhere { .. } => false,
        };
        assert_eq!(shrink(1, all, shows), BTreeSet::from(needed));
    }

    #[test]
    fn whole_faults_are_left_out_first() {
        let many = (0..60).map(|block| Occurrence::on_first(Fault::Split, block));
        let needed = [Occurrence::on_first(Fault::Urc, 17), Occurrence::on_first(Fault::Delay, 3)];
        let n_runs = std::cell::Cell::new(0);
        let shows = |plan: &Plan| {
            n_runs.set(n_runs.get() + 1);
            matches!(&plan.aim, Aim::Exactly(occurrences) if needed.iter().all(|needed| occurrences.contains(needed)))
        };
        assert_eq!(shrink(1, many.chain(needed).collect(), shows), BTreeSet::from(needed));
        assert!(n_runs.get() <= 8, "{}", n_runs.get());
    }
}
