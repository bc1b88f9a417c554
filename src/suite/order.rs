//! `Order`: in which order the flows of a suite are begun and told.

use std::path::{Path, PathBuf};

/// In which order the flows of a suite are begun and told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they are found: by the names of their files.
    Name,
    /// Mixed; one seed always gives one order.
    Random(u64),
    /// Those first that failed in the last run.
    FailedFirst,
}

impl Order {
    /// Puts flows into this order; `has_failed` says which failed in the last run.
    pub fn sort(self, flows: &mut [PathBuf], has_failed: impl Fn(&Path) -> bool) {
        match self {
            Order::Name => {}
            Order::Random(seed) => mix(flows, seed),
            // Those of a kind stay in their order.
            Order::FailedFirst => flows.sort_by_key(|flow| !has_failed(flow)),
        }
    }
}

/// Mixes a list: the shuffle of Fisher and Yates, with numbers of SplitMix64.
fn mix<T>(list: &mut [T], seed: u64) {
    let mut state = seed;
    for at in (1..list.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = state;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^= number >> 31;
        // The remainder is at most `at`, which is a place in the list.
        list.swap(at, (number % (at as u64 + 1)) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(order: Order) -> String {
        let mut flows: Vec<PathBuf> = "abcdefgh".chars().map(|name| PathBuf::from(name.to_string())).collect();
        order.sort(&mut flows, |flow| flow == Path::new("c") || flow == Path::new("g"));
        flows.iter().map(|flow| flow.display().to_string()).collect()
    }

    #[test]
    fn a_seed_gives_one_order_and_failed_flows_stay_in_theirs() {
        assert_eq!(sorted(Order::Name), "abcdefgh");
        assert_eq!(sorted(Order::FailedFirst), "cgabdefh");
        let mixed = sorted(Order::Random(7));
        assert_eq!(mixed, sorted(Order::Random(7)));
        assert_ne!(mixed, sorted(Order::Random(8)));
        let mut letters: Vec<char> = mixed.chars().collect();
        letters.sort_unstable();
        assert_eq!(letters.iter().collect::<String>(), "abcdefgh");
    }
}
