//! `Series`: how long a device took to answer at one place, run after run, and since when it takes much longer.
//!
//! One slow answer is no drift, nor is noise of some milliseconds. The rule is in `docs/history.md`, and its numbers are here.

use super::{Record, Timed};
use crate::report::spark::median;

/// So many runs are needed before a change.
pub(super) const LEAST_BEFORE: usize = 5;
/// So many runs are needed from the change on.
pub(super) const LEAST_AFTER: usize = 4;
/// What a device takes now is the median of so many runs.
pub(super) const NOW: usize = 5;
/// So many runs are looked at.
const MOST: usize = 200;
/// An answer must be later by so much, in microseconds: less is the noise of a system.
pub(super) const LEAST_GAIN_US: f64 = 20_000.0;
/// Shorter times count as this, in microseconds.
const SHORTEST_US: f64 = 1000.0;

/// How long the device took at one place.
#[derive(Clone, Debug)]
pub(crate) struct Series<'a> {
    /// The place, as the newest run has it.
    pub newest: &'a Timed,
    /// The runs in which it came about, the oldest first.
    pub points: Vec<Point<'a>>,
    /// What became slower; `None` if nothing did.
    pub drift: Option<Drift<'a>>,
}

/// One run of a series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point<'a> {
    pub run: &'a Record,
    /// How long the device took, in microseconds.
    pub us: u64,
}

/// A device that takes longer than before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drift<'a> {
    /// How many times as long.
    pub factor: f64,
    /// The median before, in microseconds.
    pub before_us: u64,
    /// The median of the newest runs, in microseconds.
    pub now_us: u64,
    /// The first of the slow runs.
    pub since: &'a Record,
}

/// A change in a row of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    /// The first number after it.
    pub at: usize,
    pub before: f64,
    pub now: f64,
}

impl<'a> Series<'a> {
    /// Makes a series of its points; a drift counts if it began at `earliest` (Unix milliseconds) or later and makes answers
    /// `factor` times as long.
    pub(super) fn new(newest: &'a Timed, mut points: Vec<Point<'a>>, earliest: i64, factor: f64) -> Series<'a> {
        points.drain(..points.len().saturating_sub(MOST));
        let times: Vec<f64> = points.iter().map(|point| point.us as f64).collect();
        let first = points.iter().position(|point| point.run.began >= earliest).unwrap_or(points.len());
        let drift = change(&times, first, factor).map(|Change { at, before, now }| Drift {
            factor: now / before.max(SHORTEST_US),
            before_us: before as u64,
            now_us: now as u64,
            since: points[at].run,
        });
        Series { newest, points, drift }
    }

    /// Returns the median of all runs, in microseconds.
    pub(crate) fn median_us(&self) -> u64 {
        self.median_of(self.points.len())
    }

    /// Returns the median of the newest runs, in microseconds.
    pub(crate) fn recent_us(&self) -> u64 {
        self.median_of(NOW)
    }

    fn median_of(&self, n: usize) -> u64 {
        let newest = &self.points[self.points.len().saturating_sub(n)..];
        let times: Vec<f64> = newest.iter().map(|point| point.us as f64).collect();
        median(&times).unwrap_or_default() as u64
    }
}

/// Returns the change, at `first` or later, after which numbers are `factor` times as large, and still are at the end.
///
/// A change is where the two parts lie closest to their medians, in logarithms. After one before `first`, only what follows it is
/// looked at. Of the newest numbers all but one must lie on the far side of the middle between before and `factor` times that;
/// all of them if there are fewer than [`NOW`].
pub(super) fn change(times: &[f64], first: usize, factor: f64) -> Option<Change> {
    let logs: Vec<f64> = times.iter().map(|time| time.max(SHORTEST_US).ln()).collect();
    let mut begin = 0;
    let at = loop {
        let at = split(&logs, begin, 0)?;
        if at >= first {
            break at;
        }
        let step = median(&logs[at..])? - median(&logs[begin..at])?;
        if step.abs() < factor.ln() / 2.0 {
            break split(&logs, begin, first)?;
        }
        begin = at;
    };
    let newest = &times[at.max(times.len().saturating_sub(NOW))..];
    let (before, now) = (median(&times[begin..at])?, median(newest)?);
    let middle = before.max(SHORTEST_US) * factor.sqrt();
    let n_near = newest.iter().filter(|time| **time < middle).count();
    let n_forgiven = usize::from(newest.len() >= NOW);
    let is_slower = now >= before.max(SHORTEST_US) * factor && now - before >= LEAST_GAIN_US && n_near <= n_forgiven;
    is_slower.then_some(Change { at, before, now })
}

/// Returns where numbers from `begin` on are best parted in two, at `first` or later; `None` if there are too few.
fn split(logs: &[f64], begin: usize, first: usize) -> Option<usize> {
    let last = logs.len().checked_sub(LEAST_AFTER)?;
    let cost = |at: usize| spread(&logs[begin..at]) + spread(&logs[at..]);
    let candidates = first.max(begin + LEAST_BEFORE)..=last;
    candidates.map(|at| (at, cost(at))).min_by(|one, other| one.1.total_cmp(&other.1)).map(|(at, _)| at)
}

/// Returns how far numbers are from their median, all in all.
fn spread(numbers: &[f64]) -> f64 {
    let middle = median(numbers).unwrap_or_default();
    numbers.iter().map(|number| (number - middle).abs()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made numbers: the same for the same seed.
    struct Dice(u64);

    impl Dice {
        /// Returns a number from 0 to 1, by SplitMix64.
        fn share(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }

        /// Returns a number around 0, as often beyond 1 as the normal distribution has it.
        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.share()).sum::<f64>() - 6.0
        }

        /// Returns a time around `middle`, in microseconds, as devices answer: a third up or down, and one of twenty ten times later.
        fn time(&mut self, middle: f64) -> f64 {
            let late = if self.share() < 0.05 { 10.0 } else { 1.0 };
            middle * (0.33 * self.normal()).exp() * late
        }
    }

    fn ms(times: &[f64]) -> Vec<f64> {
        times.iter().map(|time| time * 1000.0).collect()
    }

    #[test]
    fn a_step_three_times_slower_is_found_with_the_run_in_which_it_began() {
        let times = ms(&[100.0, 110.0, 95.0, 105.0, 100.0, 98.0, 330.0, 320.0, 341.0, 330.0, 300.0]);
        let found = change(&times, 0, 3.0).expect("it is slower");
        assert_eq!((found.at, found.before, found.now), (6, 100_000.0, 330_000.0));
        assert_eq!(change(&times, 0, 3.5), None, "it is not three and a half times slower");
        assert_eq!(change(&times, 6, 3.0), Some(found));
        assert_eq!(change(&times, 7, 3.0), None, "it began before");
    }

    #[test]
    fn a_change_after_another_one_is_found() {
        let one = |middle: f64| (0..8).map(move |n| middle + f64::from(n % 3) * 1000.0);
        let times: Vec<f64> = one(50_000.0).chain(one(500_000.0)).chain(one(2_000_000.0)).collect();
        assert_eq!(change(&times, 16, 3.0).map(|found| (found.at, found.before)), Some((16, 501_000.0)));
        let mended: Vec<f64> = one(500_000.0).chain(one(50_000.0)).chain(one(200_000.0)).collect();
        assert_eq!(change(&mended, 10, 3.0).map(|found| (found.at, found.before)), Some((16, 51_000.0)));
    }

    #[test]
    fn what_is_over_or_rare_or_small_is_no_drift() {
        let before = [100.0, 110.0, 95.0, 105.0, 100.0, 98.0];
        for (after, why) in [
            (&[330.0, 320.0, 330.0][..], "three runs are too few"),
            (&[330.0, 100.0, 320.0, 330.0], "it is not slow each time"),
            (&[330.0, 320.0, 340.0, 100.0, 100.0, 100.0], "it is over"),
            (&[1000.0, 100.0, 1000.0, 100.0, 1000.0], "it changes to and fro"),
            (&[250.0, 260.0, 255.0, 260.0], "it is less than three times slower"),
        ] {
            assert_eq!(change(&ms(&[&before, after].concat()), 0, 3.0), None, "{why}");
        }
        let times = ms(&[1.0, 1.2, 0.9, 1.0, 1.1, 15.0, 16.0, 15.0, 17.0]);
        assert_eq!(change(&times, 0, 3.0), None, "some milliseconds are noise");
        assert_eq!(
            change(&ms(&[100.0, 100.0, 100.0, 100.0, 400.0, 400.0, 400.0, 400.0]), 0, 3.0),
            None,
            "too few before"
        );
        assert_eq!(change(&[], 0, 3.0), None);
    }

    #[test]
    fn a_single_outlier_after_the_change_hides_it_no_more_than_one_before() {
        let times = ms(&[100.0, 900.0, 95.0, 105.0, 100.0, 98.0, 330.0, 320.0, 90.0, 300.0, 310.0]);
        assert_eq!(change(&times, 0, 3.0).map(|found| found.at), Some(6));
    }

    #[test]
    fn noise_is_hardly_ever_called_a_drift_and_a_real_one_is_nearly_always_found() {
        const HISTORIES: u64 = 5000;
        let (mut n_false, mut n_found, mut n_placed) = (0, 0, 0);
        for seed in 0..HISTORIES {
            let mut dice = Dice(seed);
            let n = 9 + (dice.share() * 60.0) as usize;
            let middle = 5000.0 * 1000_f64.powf(dice.share());
            let noise: Vec<f64> = (0..n).map(|_| dice.time(middle)).collect();
            n_false += u64::from(change(&noise, 0, 3.0).is_some());
            // A device that answers late anyway, so that the least gain does not count, and then four times later.
            let slow = (0..n + 8).map(|at| dice.time(if at < n { 50_000.0 } else { 200_000.0 })).collect::<Vec<_>>();
            if let Some(found) = change(&slow, 0, 3.0) {
                n_found += 1;
                n_placed += u64::from(found.at.abs_diff(n) <= 1);
            }
        }
        let told = format!("of {HISTORIES}: {n_false} false, {n_found} found, {n_placed} of them within a run");
        assert!(n_false <= 3, "{told}");
        assert!(n_found >= 4500 && n_placed * 10 >= n_found * 9, "{told}");
        println!("{told}");
    }
}
