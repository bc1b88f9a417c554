//! What came, but not in the way that was asked for: what to write instead.

use super::limits;
use crate::diagnostic::nearest::distance_of_bytes;
use crate::pattern::{Fit, Pattern, Regex};
use crate::value::escape::{visible, visible_cut};

/// How much of a line is shown.
const SHOWN: usize = 120;
/// How much of a pattern is shown.
const PATTERN_SHOWN: usize = 60;

/// So many bytes that are no text are taken for noise of the line.
const NOISE: usize = 3;
/// So many bytes may differ at most.
const DIFFERENT: usize = 3;
/// Longer texts are not compared byte by byte.
const COMPARED: usize = 256;
/// Result codes as numbers (ATV0) that say how a command ended.
const NUMERIC: &[(&[u8], &str)] = &[(b"0", "OK"), (b"3", "NO CARRIER"), (b"4", "ERROR")];

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

    /// Returns what to write for the first of some patterns that nearly came: first one that is there in another way, then one
    /// that other bytes stand in, then one from which some bytes differ.
    pub(super) fn near_miss<'p>(&self, patterns: impl Iterator<Item = &'p Pattern>) -> Option<String> {
        let patterns: Vec<&Pattern> = patterns.collect();
        let each = |near: &dyn Fn(&Pattern) -> Option<String>| patterns.iter().find_map(|pattern| near(pattern));
        each(&|pattern| self.numeric(pattern))
            .or_else(|| each(&|pattern| self.beside_noise(pattern)))
            .or_else(|| each(&|pattern| self.in_another_way(pattern)))
            .or_else(|| each(&|pattern| self.behind_escape_codes(pattern)))
            .or_else(|| each(&|pattern| self.nearly_the_same(pattern)))
    }

    fn in_another_way(&self, pattern: &Pattern) -> Option<String> {
        match pattern {
            Pattern::Regex(regex) => self.near_regex(regex),
            Pattern::LineRegex(regex) => self.near_line_regex(regex),
            Pattern::PromptRegex(regex) => self.near_prompt_regex(regex),
            Pattern::Line(text) => self.near_line(text),
            Pattern::Prompt(text) => self.near_prompt(text),
            Pattern::Literal(_) => None,
        }
    }

    /// Explains a result code that is a number instead of the word that is awaited.
    fn numeric(&self, pattern: &Pattern) -> Option<String> {
        if text_of(pattern)? != b"OK" {
            return None;
        }
        let meaning = |line: &[u8]| NUMERIC.iter().find(|(number, _)| *number == line).map(|(_, word)| *word);
        let (line, word) = self.all().find_map(|(line, _)| Some((line, meaning(line)?)))?;
        let line = visible(line);
        Some(format!("`{line}` came: it means {word} where results are numbers; send `ATV1` to get words"))
    }

    /// Explains a line that would be the awaited one without a few bytes at its ends that are no text.
    fn beside_noise(&self, pattern: &Pattern) -> Option<String> {
        if !pattern.takes_line() && !pattern.is_prompt() {
            return None;
        }
        let is_noise = |byte: &u8| !matches!(byte, b'\t' | 0x1b | b' '..=b'~');
        let (line, noise) = self.all().find_map(|(line, _)| {
            let begin = line.iter().position(|byte| !is_noise(byte))?;
            let end = line.iter().rposition(|byte| !is_noise(byte))? + 1;
            let n_noise = line.len() - (end - begin);
            // Letters of another language are text.
            let is_text = std::str::from_utf8(line).is_ok_and(|text| !text.contains('\0'));
            let is_near = (1..=NOISE).contains(&n_noise) && !is_text;
            let fits = is_near && pattern.find_in_text(&line[begin..end]).is_some();
            fits.then(|| (line, [&line[..begin], &line[end..]].concat()))
        })?;
        let (line, noise) = (self.show(line, SHOWN), visible(&noise));
        Some(format!(
            "`{line}` came: without `{noise}` it is what is expected; that is noise on the line, or left over from a restart"
        ))
    }

    /// Explains a line in which the pattern is found without its escape codes for colours and the cursor.
    fn behind_escape_codes(&self, pattern: &Pattern) -> Option<String> {
        let is_near = |line: &[u8]| {
            let plain = without_escape_codes(line);
            plain.len() < line.len() && pattern.find_in_text(&plain).is_some()
        };
        let (line, _) = self.all().find(|(line, _)| is_near(line))?;
        Some(format!(
            "`{}` came: what is expected is there, with escape codes for colours or the cursor in it; switch them off at the device, or let a regex allow them: `(\\x1b\\[[0-9;]*m)?`",
            self.show(line, SHOWN)
        ))
    }

    /// Explains a line from which some bytes differ.
    fn nearly_the_same(&self, pattern: &Pattern) -> Option<String> {
        let text = text_of(pattern)?;
        let most = (text.len() / 8).clamp(1, DIFFERENT);
        let distance = |line: &[u8]| {
            let is_as_long = line.len().abs_diff(text.len()) <= most && text.len() > 1 && text.len() <= COMPARED;
            is_as_long.then(|| distance_of_bytes(line, text)).filter(|distance| (1..=most).contains(distance))
        };
        let (line, n) = self.all().filter_map(|(line, _)| Some((line, distance(line)?))).min_by_key(|(_, n)| *n)?;
        let what = match n {
            1 if line.len() < text.len() => "one byte is missing".to_string(),
            1 if line.len() > text.len() => "there is one byte too many".to_string(),
            1 => "one byte differs".to_string(),
            n => format!("{n} bytes differ"),
        };
        Some(format!("`{}` came: {what}; that is noise on the line, or another spelling", self.show(line, SHOWN)))
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
            format!("the regex is found in `{shown}`, but does not match the whole line: write it without `line`")
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
        self.lines.iter().find(|line| line.len() > limits::LINE && regex.is_match(line))?;
        Some(format!(
            "lines are cut at {} KiB, and the regex is found in a longer one: `read until` takes it",
            limits::LINE / 1024
        ))
    }

    /// Explains a line in which the regex would be found but for the blanks at its end.
    fn only_blanks(&self, regex: &Regex) -> Option<String> {
        let is_near =
            |line: &[u8]| line.ends_with(b" ") && !regex.is_match(line) && regex.is_match(line.trim_ascii_end());
        let (line, _) = self.all().find(|(line, _)| is_near(line))?;
        Some(format!(
            "the regex is found in `{}` except for the blank at its end: write ` ?$` instead of `$`",
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
            if memchr::memmem::find(line, text).is_some() {
                let line_shown = self.show(line, SHOWN);
                return Some(if !is_ended && line.ends_with(text) {
                    format!(
                        "`{shown}` came, but the line `{line_shown}` had not ended: write `prompt` instead of `line`"
                    )
                } else {
                    format!("`{shown}` came, but not as a whole line: it is in `{line_shown}`")
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

/// Returns the text that a pattern is.
fn text_of(pattern: &Pattern) -> Option<&[u8]> {
    match pattern {
        Pattern::Literal(literal) => Some(literal.needle()),
        Pattern::Line(text) | Pattern::Prompt(text) => Some(text),
        Pattern::Regex(_) | Pattern::LineRegex(_) | Pattern::PromptRegex(_) => None,
    }
}

/// Returns a line without the escape codes of ECMA-48 that begin with `ESC [`.
fn without_escape_codes(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = memchr::memmem::find(rest, b"\x1b[") {
        plain.extend_from_slice(&rest[..at]);
        let code = &rest[at + 2..];
        let end = code.iter().position(|byte| matches!(byte, b'@'..=b'~')).map_or(code.len(), |end| end + 1);
        rest = &code[end..];
    }
    plain.extend_from_slice(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Literal;

    fn near(pattern: &Pattern, lines: &[&[u8]]) -> String {
        let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.to_vec()).collect();
        let came = Came { lines: &lines, last_is_ended: true, clean: &|line| line.to_vec() };
        came.near_miss(std::iter::once(pattern)).unwrap_or_default()
    }

    fn line(text: &str) -> Pattern {
        Pattern::Line(text.as_bytes().into())
    }

    fn literal(text: &str) -> Pattern {
        Pattern::Literal(Literal::new(text.as_bytes().to_vec()).into())
    }

    fn regex(text: &str) -> Pattern {
        Pattern::LineRegex(Regex::new(text, "", Fit::Whole).expect("it is a regex"))
    }

    #[test]
    fn what_differs_in_a_few_bytes_is_shown() {
        let noise = near(&line("spandsp"), &[b"spa\xeedsp"]);
        assert_eq!(noise, "`spa\\xeedsp` came: one byte differs; that is noise on the line, or another spelling");
        assert!(near(&line("OK"), &[b"O\0K"]).starts_with("`O\\0K` came: there is one byte too many;"));
        let prompt = literal("Password: ");
        assert!(near(&prompt, &[b"Pssword: "]).starts_with("`Pssword: ` came: one byte is missing;"));
        assert_eq!(near(&line("+CSQ: 1"), &[b"+CREG: 1,2", b"DE"]), "");
    }

    #[test]
    fn noise_beside_a_line_is_told_from_what_belongs_to_it() {
        let text = "`\\x8a0,1,1.0` came: without `\\x8a` it is what is expected";
        assert!(near(&regex(r"\d,\d,(?<v>[\d.]+)"), &[b"\x8a0,1,1.0"]).starts_with(text));
        assert!(near(&regex(r"[\d.]+V"), &[b"13.1V\0"]).contains("without `\\0` it is"));
    }

    #[test]
    fn escape_codes_and_numeric_results_are_named() {
        let coloured = near(&line("uart: ready"), &[b"\x1b[1;32muart\x1b[0m: ready"]);
        assert!(coloured.contains("with escape codes"), "{coloured}");
        assert!(near(&literal("OK"), &[b"4"]).starts_with("`4` came: it means ERROR"));
    }
}
