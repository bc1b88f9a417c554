//! Prompts that something unasked follows in the same line: a kernel's message, or a text that a watcher names.
//!
//! Nothing ends the line of a prompt. So what a kernel prints a moment later continues that line, and there is no silence
//! after the prompt. The prompt was there all the same.

use std::ops::Range;

use super::{Watch, for_each};
use crate::pattern::{Candidates, Pattern};

/// Whether a line has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// It has.
    Came,
    /// Not yet; it has been quiet for the settle time.
    Missing,
}

/// How many places of one text in a line are looked at.
const PLACES: usize = 8;

/// How many digits follow the point in a kernel's time stamp.
const MICROSECONDS: usize = 6;

/// Returns where things begin in a line that nobody asked for, in rising order; the line's own beginning is left out.
/// `candidates` are the watchers that the line may concern.
pub(super) fn interruptions(
    watchers: &[(Pattern, Watch)],
    candidates: Option<&Candidates>,
    line: &[u8],
    end: LineEnd,
) -> Vec<usize> {
    let mut places: Vec<usize> = memchr::memchr_iter(b'[', line).filter(|at| is_time_stamp(&line[*at..])).collect();
    for_each(watchers, candidates, |_, pattern, watch| match watch {
        Watch::FailOn => {}
        Watch::On => places.extend(places_of_text(pattern, line)),
        Watch::Ignore => {
            places.extend(places_of_text(pattern, line));
            if end == LineEnd::Came {
                places.extend(pattern.find_at_end_of_line(line));
            }
        }
    });
    places.retain(|at| *at > 0);
    places.sort_unstable();
    places.dedup();
    places
}

fn places_of_text<'a>(pattern: &'a Pattern, line: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let needle = pattern.literal().map(|literal| literal.needle()).filter(|needle| !needle.is_empty());
    needle.into_iter().flat_map(|needle| memchr::memmem::find_iter(line, needle).take(PLACES))
}

/// Whether a text begins with the time stamp of a kernel's message, such as `[    1.234567] `.
fn is_time_stamp(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let Some(text) = text.strip_prefix(b"[") else { return false };
    let text = text.trim_ascii_start();
    let n_seconds = digits(text);
    let Some(fraction) = text[n_seconds..].strip_prefix(b".") else { return false };
    n_seconds > 0 && digits(fraction) == MICROSECONDS && matches!(fraction[MICROSECONDS..], [b']', b' ' | b'[', ..])
}

/// Finds a prompt that stands before one of some places in a line. Returns what matched, and the place.
pub(super) fn find_prompt_before(pattern: &Pattern, line: &[u8], places: &[usize]) -> Option<(Range<usize>, usize)> {
    places.iter().find_map(|at| pattern.find_in_prompt(&line[..*at]).map(|found| (found, *at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_stamp_has_seconds_and_microseconds() {
        for text in ["[    2.299941] tsc", "[12345.000001] x", "[    1.234567][    T1] x"] {
            assert!(is_time_stamp(text.as_bytes()), "{text}");
        }
        for text in ["[1.5] of 3", "[y/n] ", "[", "[ .299941] x", "[1.299941]", "[1.2999411] x", "2.299941] x"] {
            assert!(!is_time_stamp(text.as_bytes()), "{text}");
        }
    }
}
