//! `WallClock`: the time of day at a moment, as people read it.

use std::time::Duration;

use crate::time::Moment;

const DAY: i64 = 86_400_000;

/// Knows the time of day at which the session began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock {
    /// In milliseconds since midnight, at the place of the user.
    began: i64,
}

impl WallClock {
    /// Makes one of the Unix time at the beginning, so many minutes east of UTC.
    pub(crate) fn new(unix_millis: i64, offset_minutes: i64) -> WallClock {
        WallClock { began: (unix_millis + offset_minutes * 60_000).rem_euclid(DAY) }
    }

    /// Returns the time of day: `09:05:01.250`.
    pub(crate) fn show(self, now: Moment) -> String {
        let ms = i64::try_from(now.since_start().as_millis()).unwrap_or(0);
        let ms = (self.began + ms).rem_euclid(DAY);
        let (s, ms) = (ms / 1000, ms % 1000);
        format!("{:02}:{:02}:{:02}.{ms:03}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// Returns a time between two lines: `+0.250`, in seconds.
pub(crate) fn show_delta(span: Duration) -> String {
    format!("+{}.{:03}", span.as_secs(), span.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_goes_over_midnight() {
        let clock = WallClock::new(86_399_000, 0);
        assert_eq!(clock.show(Moment::from_millis(250)), "23:59:59.250");
        assert_eq!(clock.show(Moment::from_millis(1000)), "00:00:00.000");
        assert_eq!(WallClock::new(0, 120).show(Moment::START), "02:00:00.000");
        assert_eq!(WallClock::new(0, -60).show(Moment::START), "23:00:00.000");
        assert_eq!(show_delta(Duration::from_millis(61_007)), "+61.007");
    }
}
