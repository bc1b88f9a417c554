//! `Series`: the values that were measured under one name, drawn with their limits.

use crate::event::Measurement;

/// So many values of a name are drawn; of more, every second one is given up, again and again.
const MOST_VALUES: usize = 256;
/// So many names there can be.
const MOST_NAMES: usize = 1000;

/// How wide and how high a drawing is.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 44.0;
/// What is left free at each side.
const MARGIN: f64 = 6.0;

/// The measurements of one name.
#[derive(Clone, Debug)]
pub(in crate::report) struct Series {
    /// The last of them.
    pub(in crate::report) last: Measurement,
    /// Why the last one that was outside of its limits was.
    pub(in crate::report) fault: Option<String>,
    pub(in crate::report) n: u64,
    pub(in crate::report) n_outside: u64,
    /// The values that are drawn, and whether each is within its limits.
    values: Vec<(f64, bool)>,
    /// Of so many values one is kept.
    every: u64,
}

/// The series of a run, in the order of their first values.
#[derive(Clone, Debug, Default)]
pub(in crate::report) struct AllSeries(Vec<Series>);

impl AllSeries {
    pub(in crate::report) fn add(&mut self, measured: &Measurement) {
        let known = self.0.iter().position(|series| series.last.name == measured.name);
        let at = match known {
            Some(at) => at,
            None if self.0.len() < MOST_NAMES => {
                let (last, fault, values) = (measured.clone(), None, Vec::new());
                self.0.push(Series { last, fault, n: 0, n_outside: 0, values, every: 1 });
                self.0.len() - 1
            }
            None => return,
        };
        self.0[at].add(measured);
    }

    pub(in crate::report) fn all(self) -> Vec<Series> {
        self.0
    }
}

impl Series {
    fn add(&mut self, measured: &Measurement) {
        self.last = measured.clone();
        if !measured.passed {
            self.n_outside += 1;
            self.fault.clone_from(&measured.fault);
        }
        if self.n.is_multiple_of(self.every)
            && let Some(value) = number(&measured.value)
        {
            if self.values.len() == MOST_VALUES {
                let mut at = 0;
                self.values.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.every *= 2;
            }
            self.values.push((value, measured.passed));
        }
        self.n += 1;
    }

    /// Returns the drawing: the limits as a band, the values in it or outside of it. `None` if there is nothing to draw.
    pub(in crate::report) fn drawing(&self) -> Option<Drawing> {
        let (low, high) = (limit(self.last.low.as_deref()), limit(self.last.high.as_deref()));
        let known = self.values.iter().map(|(value, _)| *value).chain(low).chain(high);
        let (least, most) =
            known.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
        if self.values.is_empty() || !least.is_finite() || !most.is_finite() || !(most - least).is_finite() {
            return None;
        }
        let spread = if most > least { (most - least) * 1.2 } else { 2.0 };
        let middle = least / 2.0 + most / 2.0;
        let x = |value: f64| {
            let place = ((value - middle) / spread + 0.5).clamp(0.0, 1.0);
            MARGIN + place * (WIDTH - 2.0 * MARGIN)
        };
        let round = |value: f64| (value * 10.0).round() / 10.0;
        let (begin, end) = (low.map_or(0.0, x), high.map_or(WIDTH, x));
        let n = self.values.len();
        // The newest value stands below, as the lines of the exchange do.
        let y = |at: usize| {
            if n == 1 { HEIGHT / 2.0 } else { MARGIN + at as f64 * (HEIGHT - 2.0 * MARGIN) / (n - 1) as f64 }
        };
        let dots =
            self.values.iter().enumerate().map(|(at, (value, passed))| (round(x(*value)), round(y(at)), *passed));
        let (inside, outside): (Vec<_>, Vec<_>) = dots.partition(|(_, _, passed)| *passed);
        let path = |dots: &[(f64, f64, bool)]| dots.iter().map(|(x, y, _)| format!("M{x} {y}h0")).collect::<String>();
        let has_limits = low.is_some() || high.is_some();
        Some(Drawing {
            band: has_limits.then(|| (round(begin), round((end - begin).max(1.0)))),
            low: low.map(|low| round(x(low))),
            high: high.map(|high| round(x(high))),
            inside: path(&inside),
            outside: path(&outside),
        })
    }
}

/// A drawing, in the coordinates of its `viewBox`.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Drawing {
    /// Where what is allowed begins, and how wide it is.
    pub(in crate::report) band: Option<(f64, f64)>,
    pub(in crate::report) low: Option<f64>,
    pub(in crate::report) high: Option<f64>,
    /// The values within the limits, a dot each, as a path.
    pub(in crate::report) inside: String,
    pub(in crate::report) outside: String,
}

fn limit(text: Option<&str>) -> Option<f64> {
    text.and_then(number)
}

/// Returns how far a number is to the right; exactness is the business of the text beside the drawing.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: &str, low: Option<&str>, high: Option<&str>, passed: bool) -> Measurement {
        let text = |text: Option<&str>| text.map(str::to_string);
        let fault = (!passed).then(|| format!("{value} is outside"));
        Measurement {
            name: "vbat".to_string(),
            value: value.to_string(),
            low: text(low),
            high: text(high),
            passed,
            fault,
            ..Measurement::default()
        }
    }

    fn series(all: &[Measurement]) -> Series {
        let mut series = AllSeries::default();
        all.iter().for_each(|measured| series.add(measured));
        series.all().remove(0)
    }

    #[test]
    fn a_value_outside_stands_beside_the_band_on_its_side() {
        let drawn = series(&[
            measured("3.9", Some("3.6"), Some("4.2"), true),
            measured("3.42", Some("3.6"), Some("4.2"), false),
            measured("4.5", Some("3.6"), Some("4.2"), false),
        ]);
        assert_eq!((drawn.n, drawn.n_outside, drawn.fault.as_deref()), (3, 2, Some("4.5 is outside")));
        let drawing = drawn.drawing().expect("there are values");
        let (begin, width) = drawing.band.expect("there are limits");
        let x = |path: &str| {
            path.split('M').skip(1).map(|dot| dot.split(' ').next()?.parse::<f64>().ok()).collect::<Vec<_>>()
        };
        let (inside, outside) = (x(&drawing.inside), x(&drawing.outside));
        assert!(inside.iter().flatten().all(|x| *x > begin && *x < begin + width), "{drawing:?}");
        assert!(outside[0] < Some(begin) && outside[1] > Some(begin + width), "{drawing:?}");
        assert!(outside.iter().flatten().all(|x| (0.0..=WIDTH).contains(x)), "{drawing:?}");
    }

    #[test]
    fn an_open_limit_reaches_the_border_and_a_single_value_is_in_the_middle() {
        let drawing = series(&[measured("5", Some("4"), None, true)]).drawing().expect("there is a value");
        let (begin, width) = drawing.band.expect("there is a limit");
        assert_eq!((begin + width, drawing.high), (WIDTH, None));
        let alone = series(&[measured("5", None, None, true)]).drawing().expect("there is a value");
        assert_eq!((alone.band, alone.inside.as_str()), (None, "M120 22h0"));
    }

    #[test]
    fn many_values_are_thinned_out_and_all_are_counted() {
        let all: Vec<Measurement> = (0..5000).map(|i| measured(&i.to_string(), None, None, true)).collect();
        let series = series(&all);
        assert!(series.values.len() <= MOST_VALUES && series.values.len() > MOST_VALUES / 4);
        assert_eq!((series.n, series.last.value.as_str()), (5000, "4999"));
        assert!(series.drawing().is_some());
    }

    #[test]
    fn numbers_beyond_all_bounds_are_drawn_or_left_out() {
        let huge = "9".repeat(300);
        assert!(series(&[measured(&huge, Some(&format!("-{huge}")), None, true)]).drawing().is_some());
        assert_eq!(series(&[measured(&"9".repeat(400), None, None, true)]).drawing(), None);
        assert_eq!(series(&[measured("«pin»", None, None, true)]).drawing(), None);
    }
}
