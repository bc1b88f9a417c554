//! Unix seconds as a calendar writes them: stamps for credentials and payloads.

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};

use super::escape::visible;

/// How far from UTC an offset may be, in minutes: a day but one minute.
pub const OFFSET_LIMIT_MINUTES: i64 = 24 * 60 - 1;

/// Formats Unix seconds by a strftime pattern, so many minutes east of UTC.
///
/// The year lies between -9999 and 9999. `%Z` is `UTC` for an offset of zero, and the offset otherwise.
pub fn format_time(unix_seconds: i64, pattern: &str, offset_minutes: i64) -> Result<String, String> {
    let stamp = Timestamp::from_second(unix_seconds)
        .map_err(|_| format!("{unix_seconds} seconds since 1970 is not in the years -9999 to 9999"))?;
    let stamp = stamp.to_zoned(zone(offset_minutes)?);
    BrokenDownTime::from(&stamp).to_string(pattern).map_err(|error| {
        let error = visible(error.to_string().as_bytes());
        let error = error.trim_start_matches("strftime formatting failed: ");
        format!("the time pattern cannot be used: {error}")
    })
}

fn zone(offset_minutes: i64) -> Result<TimeZone, String> {
    if offset_minutes == 0 {
        return Ok(TimeZone::UTC);
    }
    i32::try_from(offset_minutes)
        .ok()
        .filter(|minutes| i64::from(*minutes).abs() <= OFFSET_LIMIT_MINUTES)
        .and_then(|minutes| Offset::from_seconds(minutes * 60).ok())
        .map(TimeZone::fixed)
        .ok_or_else(|| {
            format!("an offset lies between -{OFFSET_LIMIT_MINUTES} and {OFFSET_LIMIT_MINUTES} minutes, not {offset_minutes}")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_in_utc_or_minutes_east_of_it() {
        assert_eq!(format_time(1_744_594_496, "%Y%m%d%H", 0).as_deref(), Ok("2025041401"));
        assert_eq!(format_time(1_440_938_160, "%Y%m%dT%H%M%SZ", 0).as_deref(), Ok("20150830T123600Z"));
        assert_eq!(format_time(0, "%F %T %z", 480).as_deref(), Ok("1970-01-01 08:00:00 +0800"));
        assert_eq!(format_time(0, "%F %T %:z", -210).as_deref(), Ok("1969-12-31 20:30:00 -03:30"));
        assert_eq!(format_time(0, "%Z", 0).as_deref(), Ok("UTC"));
        assert_eq!(format_time(-1, "%s", 0).as_deref(), Ok("-1"));
        assert_eq!(format_time(0, "", 0).as_deref(), Ok(""));
    }

    #[test]
    fn a_pattern_that_is_none_is_an_error() {
        for pattern in ["%", "%!", "a%", "%Y %", "%99999999999Y", "%:", "%-", "%é", "%300d"] {
            let error = format_time(0, pattern, 0).expect_err(pattern);
            assert!(error.starts_with("the time pattern cannot be used: "), "{error}");
        }
    }

    #[test]
    fn times_and_offsets_out_of_range_are_errors() {
        for seconds in [i64::MIN, i64::MAX, 253_402_300_800] {
            assert!(format_time(seconds, "%Y", 0).is_err());
        }
        for minutes in [i64::MIN, -1440, 1440, i64::MAX] {
            assert!(format_time(0, "%Y", minutes).is_err());
        }
        for minutes in [-1439, 1439] {
            assert!(format_time(0, "%Y", minutes).is_ok());
        }
    }

    #[test]
    fn every_pattern_of_two_characters_is_text_or_an_error() {
        for c in (0..=0x17f_u32).filter_map(char::from_u32) {
            let _ = format_time(1, &format!("%{c}"), 1);
            let _ = format_time(1, &format!("%{c}{c}"), -1);
            let _ = format_time(1, &format!("%255{c}"), -1);
            let _ = format_time(253_402_207_200, &format!("%:{c}%_{c}"), 1439);
            let _ = format_time(-377_705_023_201, &format!("%^{c}%#{c}"), -1439);
        }
    }
}
