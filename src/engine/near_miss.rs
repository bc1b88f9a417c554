//! What came, but not in the way that was asked for: what to write instead.

use super::look::inbox::LINE_LIMIT;
use crate::pattern::{Fit, Pattern, Regex};
use crate::value::escape::{visible, visible_cut};

/// How much of a line is shown.
const SHOWN: usize = 120;
/// How much of a pattern is shown.
const PATTERN_SHOWN: usize = 60;

/// What came, in lines, without the empty ones.
pub(super) struct Came<'a> {
    /// All of them.
    pub lines: &'a [Vec<u8>],
    /// Whether the last has ended.
    pub last_is_ended: bool,
    /// What shows bytes without secrets.
    pub clean: &'a dyn Fn(&[u8]) -> Vec<u8>,
}

impl Came<'_> {
    fn show(&self, line: &[u8], limit: usize) -> String {
        visible_cut(&(self.clean)(line), limit)
    }

    /// Returns the last line, if it has not ended.
    fn unfinished(&self) -> Option<&[u8]> {
        self.lines.last().filter(|_| !self.last_is_ended).map(Vec::as_slice)
    }

    /// Returns all lines, and whether each has ended.
    fn all(&self) -> impl Iterator<Item = (&[u8], bool)> {
        let n_ended = self.lines.len() - usize::from(!self.last_is_ended && !self.lines.is_empty());
        self.lines.iter().enumerate().map(move |(i, line)| (line.as_slice(), i < n_ended))
    }

    /// Returns what to write for the first of some patterns that nearly came.
    pub(super) fn near_miss<'p>(&self, patterns: impl Iterator<Item = &'p Pattern>) -> Option<String> {
        let mut patterns = patterns;
        patterns.find_map(|pattern| match pattern {
            Pattern::Regex(regex) => self.near_regex(regex),
            Pattern::LineRegex(regex) => self.near_line_regex(regex),
            Pattern::PromptRegex(regex) => self.near_prompt_regex(regex),
            Pattern::Line(text) => self.near_line(text),
            Pattern::Prompt(text) => self.near_prompt(text),
            Pattern::Literal(_) => None,
        })
    }

    fn near_regex(&self, regex: &Regex) -> Option<String> {
        if let Some(too_long) = self.too_long(regex) {
            return Some(too_long);
        }
        let rest = self.unfinished()?;
        let found = regex.find(rest)?;
        let shown = self.show(rest, SHOWN);
        let instead = match regex.lead() {
            Some(lead) if found.end() < rest.len() => {
                format!("write the text \"{}\", and `read until` what ends it", visible(lead))
            }
            Some(_) | None => "write `prompt` before it".to_string(),
        };
        Some(format!("the regex is found in `{shown}`, whose line has not ended: {instead}"))
    }

    fn near_line_regex(&self, regex: &Regex) -> Option<String> {
        if let Some(too_long) = self.too_long(regex) {
            return Some(too_long);
        }
        if let Some(rest) = self.unfinished().filter(|rest| regex.is_match(rest)) {
            let shown = self.show(rest, SHOWN);
            return Some(format!("`{shown}` came, but its line had not ended: write `prompt` for an unfinished line"));
        }
        if let Some(differs) = self.only_blanks(regex) {
            return Some(differs);
        }
        let part = regex.as_str().strip_prefix("^(?:")?.strip_suffix(")$")?;
        let part = Regex::new(part, "", Fit::Within).ok()?;
        let (line, is_ended) = self.all().find(|(line, _)| part.is_match(line))?;
        let shown = self.show(line, SHOWN);
        Some(if is_ended {
            format!("the regex is found in `{shown}`, but does not take the whole line: write it without `line`")
        } else {
            format!("the regex is found in `{shown}`, whose line has not ended: write `prompt` instead of `line`")
        })
    }

    fn near_prompt_regex(&self, regex: &Regex) -> Option<String> {
        if let Some((line, _)) = self.all().find(|(line, is_ended)| *is_ended && regex.is_match(line)) {
            let shown = self.show(line, SHOWN);
            return Some(format!(
                "the regex is found in `{shown}`, which is a finished line: write it without `prompt`"
            ));
        }
        self.only_blanks(regex)
    }

    /// Explains a line that was cut, though the regex is found in the whole of it.
    fn too_long(&self, regex: &Regex) -> Option<String> {
        self.lines.iter().find(|line| line.len() > LINE_LIMIT && regex.is_match(line))?;
        Some(format!(
            "lines are cut at {} KiB, and the regex is found in a longer one: `read until` takes it",
            LINE_LIMIT / 1024
        ))
    }

    /// Explains a line in which the regex would be found but for the blanks at its end.
    fn only_blanks(&self, regex: &Regex) -> Option<String> {
        let is_near =
            |line: &[u8]| line.ends_with(b" ") && !regex.is_match(line) && regex.is_match(line.trim_ascii_end());
        let (line, _) = self.all().find(|(line, _)| is_near(line))?;
        Some(format!(
            "the regex is found in `{}` but for the blank at its end: write ` ?$` instead of `$`",
            self.show(line, SHOWN)
        ))
    }

    fn near_line(&self, text: &[u8]) -> Option<String> {
        let shown = self.show(text, PATTERN_SHOWN);
        for (line, is_ended) in self.all() {
            if let Some(differs) = self.nearly_equal(line, text) {
                return Some(differs);
            }
            if line == text {
                return Some(format!(
                    "`{shown}` came, but its line had not ended: write `prompt` for an unfinished line"
                ));
            }
            if text == b"OK" && line == b"0" {
                return Some("`0` came: it means OK where results are numbers; send `ATV1` to get words".to_string());
            }
            if memchr::memmem::find(line, text).is_some() {
                let line_shown = self.show(line, SHOWN);
                return Some(if !is_ended && line.ends_with(text) {
                    format!(
                        "`{shown}` came, but the line `{line_shown}` had not ended: write `prompt` instead of `line`"
                    )
                } else {
                    format!("`{shown}` came, but not as a whole line: it stands in `{line_shown}`")
                });
            }
        }
        None
    }

    fn near_prompt(&self, text: &[u8]) -> Option<String> {
        let shown = self.show(text, PATTERN_SHOWN);
        for (line, is_ended) in self.all() {
            if let Some(differs) = self.nearly_equal(line, text) {
                return Some(differs);
            }
            if is_ended && line.ends_with(text) {
                return Some(format!("`{shown}` came, but as a finished line: write `line` for it"));
            }
            let Some(at) = memchr::memmem::find(line, text) else { continue };
            let tail = &line[at + text.len()..];
            if !tail.is_empty() {
                let tail = self.show(tail, PATTERN_SHOWN);
                return Some(format!(
                    "`{shown}` came, but `{tail}` follows in the same line: write it without `prompt`"
                ));
            }
        }
        None
    }

    /// Explains a line that differs from a text in blanks or in case.
    fn nearly_equal(&self, line: &[u8], text: &[u8]) -> Option<String> {
        if line == text {
            return None;
        }
        let shown = self.show(line, SHOWN);
        if line.trim_ascii() == text.trim_ascii() {
            return Some(format!("`{shown}` came: only blanks at its ends differ"));
        }
        line.eq_ignore_ascii_case(text).then(|| format!("`{shown}` came: only upper and lower case differ"))
    }
}
