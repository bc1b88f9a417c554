//! `Moment`: a point in a run, counted from its beginning.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point in a run: the time since the run began.
///
/// Unlike `std::time::Instant` it has a zero, can be written down, and is the same on every machine
/// under a virtual clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// The beginning of the run.
    pub const START: Moment = Moment(Duration::ZERO);

    /// Returns the moment that lies `since_start` after the beginning of the run.
    pub const fn after(since_start: Duration) -> Moment {
        Moment(since_start)
    }

    /// Returns the moment that lies `ms` milliseconds after the beginning of the run.
    pub const fn from_millis(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    /// Returns the time since the beginning of the run.
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// Returns the time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, span: Duration) -> Moment {
        Moment(self.0.saturating_add(span))
    }
}

impl Sub<Moment> for Moment {
    type Output = Duration;

    fn sub(self, earlier: Moment) -> Duration {
        self.since(earlier)
    }
}

impl fmt::Display for Moment {
    /// Writes seconds with three decimals: `12.345`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.as_millis();
        write!(f, "{}.{:03}", ms / 1000, ms % 1000)
    }
}

/// Returns the earlier of two moments, of which each may be never.
#[inline]
pub fn earlier(one: Option<Moment>, other: Option<Moment>) -> Option<Moment> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Writes a duration as a flow would: `250ms`, `5s`, `1.5s`, `2m`, `1h`.
pub fn show_duration(span: Duration) -> String {
    let us = span.as_micros();
    if us == 0 {
        return "0s".to_string();
    }
    if us < 1000 {
        return format!("{:.3}ms", us as f64 / 1000.0);
    }
    let ms = (us + 500) / 1000;
    if ms < 1000 {
        format!("{ms}ms")
    } else if ms.is_multiple_of(3_600_000) {
        format!("{}h", ms / 3_600_000)
    } else if ms.is_multiple_of(60_000) {
        format!("{}m", ms / 60_000)
    } else if ms.is_multiple_of(1000) {
        format!("{}s", ms / 1000)
    } else {
        let text = format!("{}.{:03}", ms / 1000, ms % 1000);
        format!("{}s", text.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_shows_seconds_and_milliseconds() {
        assert_eq!(Moment::from_millis(12_345).to_string(), "12.345");
        assert_eq!(Moment::START.to_string(), "0.000");
    }

    #[test]
    fn a_duration_shows_as_a_flow_would_write_it() {
        for (ms, text) in [(0, "0s"), (250, "250ms"), (5000, "5s"), (1500, "1.5s"), (120_000, "2m"), (3_600_000, "1h")]
        {
            assert_eq!(show_duration(Duration::from_millis(ms)), text);
        }
    }
}
