//! Small pictures of how a number went: as a line of blocks for text, and as the points of a line for SVG.

/// The blocks, the lowest first.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How long a device took at one place, run after run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastTimes {
    /// The step, or the wait and its step.
    pub what: String,
    /// The times, the oldest first.
    pub times: Vec<f64>,
    /// Their median, for people.
    pub median: String,
    /// The last of them, for people.
    pub last: String,
    /// Since when it takes longer, if it does.
    pub drift: Option<String>,
}

impl PastTimes {
    /// Returns the points of a line in a box of 120 by 24, with room for its ends.
    pub(super) fn points(&self) -> String {
        spark_points(&self.times, 120.0, 24.0)
    }
}

/// Returns values as blocks, at most `most`; of more, each block is the median of several. The lowest block is zero, the highest
/// the largest value: so what hardly changes looks so.
pub fn sparkline(values: &[f64], most: usize) -> String {
    let values = thinned(values, most);
    let highest = values.iter().copied().fold(0.0, f64::max);
    let block = |value: &f64| {
        let share = if highest > 0.0 { value.max(0.0) / highest } else { 0.0 };
        BLOCKS[((share * (BLOCKS.len() - 1) as f64).round() as usize).min(BLOCKS.len() - 1)]
    };
    values.iter().map(block).collect()
}

/// Returns values as the `points` of an SVG `polyline` in a box of this size, such as `0,12 10,0`: zero is at the bottom, the
/// largest value on top. A single value is a line from side to side.
pub fn spark_points(values: &[f64], width: f64, height: f64) -> String {
    let twice = [values, values].concat();
    let values = if values.len() == 1 { &twice[..] } else { values };
    let highest = values.iter().copied().fold(0.0, f64::max);
    let pace = width / values.len().saturating_sub(1).max(1) as f64;
    let point = |(at, value): (usize, &f64)| {
        let share = if highest > 0.0 { value.max(0.0) / highest } else { 0.0 };
        format!("{},{}", short(pace * at as f64), short(height * (1.0 - share)))
    };
    values.iter().enumerate().map(point).collect::<Vec<_>>().join(" ")
}

/// Returns the median of values; `None` if there are none.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let is_odd = sorted.len() % 2 == 1;
    Some(if is_odd { upper } else { f64::midpoint(sorted[sorted.len() / 2 - 1], upper) })
}

/// Returns at most so many values, each the median of its share.
fn thinned(values: &[f64], most: usize) -> Vec<f64> {
    let n = most.min(values.len());
    let share = |at: usize| &values[at * values.len() / n..(at + 1) * values.len() / n];
    (0..n).filter_map(|at| median(share(at))).collect()
}

/// Returns a coordinate with one digit behind the point, or none.
fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_blocks_begins_at_zero() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 20), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[100.0, 101.0, 99.0], 20), "███", "what hardly changes looks so");
        assert_eq!(sparkline(&[0.0, 0.0], 20), "▁▁");
        assert_eq!(sparkline(&[], 20), "");
        assert_eq!(sparkline(&[1.0, 1.0, 9.0, 1.0, 9.0, 9.0], 2), "▂█", "one value of three is not the median");
    }

    #[test]
    fn points_fill_their_box() {
        assert_eq!(spark_points(&[1.0, 2.0, 4.0], 20.0, 8.0), "0,6 10,4 20,0");
        assert_eq!(spark_points(&[3.0], 20.0, 8.0), "0,0 20,0");
        assert_eq!(spark_points(&[0.0, 0.0], 7.5, 8.0), "0,8 7.5,8");
        assert_eq!(spark_points(&[], 20.0, 8.0), "");
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(
            (median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 2.0, 3.0]), median(&[])),
            (Some(2.0), Some(2.5), None)
        );
    }
}
