//! `Zone`: the time of day where the user is, for stamps and for the names of files.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::term::WallClock;
use crate::time::Moment;
use crate::value::calendar::format_time;

/// When the session began, and how far the user's clock is from UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zone {
    began: i64,
    offset_minutes: i64,
}

impl Zone {
    /// Asks the system for the zone at a Unix time.
    pub(super) fn at(unix_millis: i64) -> Zone {
        let offset = Timestamp::from_millisecond(unix_millis).map(|at| TimeZone::system().to_offset(at).seconds());
        Zone { began: unix_millis, offset_minutes: i64::from(offset.unwrap_or(0) / 60) }
    }

    pub(super) fn clock(self) -> WallClock {
        WallClock::new(self.began, self.offset_minutes)
    }

    /// Returns the Unix time at a moment of the session.
    pub(super) fn unix_millis(self, now: Moment) -> i64 {
        self.began + i64::try_from(now.since_start().as_millis()).unwrap_or(0)
    }

    /// Returns what the name of a file begins with that is about a port, and begun at a moment.
    pub(super) fn file_stem(self, label: &str, now: Moment) -> String {
        let time = format_time(self.unix_millis(now) / 1000, "%Y-%m-%dT%H-%M-%S", self.offset_minutes);
        format!("{}.{}", label, time.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_has_the_port_and_the_time() {
        let zone = Zone { began: 1_721_620_800_000, offset_minutes: 120 };
        assert_eq!(zone.file_stem("ttyUSB0", Moment::from_millis(61_000)), "ttyUSB0.2024-07-22T06-01-01");
    }
}
