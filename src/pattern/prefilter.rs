//! `Prefilter`: where some patterns could match in many lines, found in one search.

use regex::bytes::{self, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Look;

use super::{Pattern, escape};

/// The time stamp of a kernel's message, as a regex.
const TIME_STAMP: &str = r"\[ *[0-9]+\.[0-9]{6}\][ \[]";

/// Finds quickly where some patterns could match in many lines at once.
///
/// It never overlooks a match; what it finds is to be looked at line by line.
#[derive(Debug)]
pub(crate) struct Prefilter {
    regex: bytes::Regex,
    n_patterns: usize,
}

impl Prefilter {
    /// Makes a prefilter for some patterns; `None` if one of them cannot be looked for in many lines at once.
    pub(crate) fn new<'a>(patterns: impl Iterator<Item = &'a Pattern> + Clone) -> Option<Prefilter> {
        let mut alternatives = Vec::new();
        // A prompt may stand before something unasked in an ended line, which is then the rest of it.
        let has_prompts = patterns.clone().any(Pattern::is_prompt);
        let begin = if has_prompts { "" } else { "^" };
        if has_prompts {
            alternatives.push(format!("[^\r\n]{TIME_STAMP}"));
        }
        for pattern in patterns {
            match pattern {
                Pattern::Literal(literal) => alternatives.push(escape(literal.needle())),
                Pattern::Line(text) => alternatives.push(format!("{begin}{}$", escape(text))),
                Pattern::Regex(regex) | Pattern::LineRegex(regex) => {
                    let text = regex.as_str();
                    if !is_about_one_line(text) {
                        return None;
                    }
                    let is_whole = matches!(pattern, Pattern::LineRegex(_));
                    let text = if is_whole && has_prompts { text.trim_start_matches('^') } else { text };
                    alternatives.push(format!("(?:{text})"));
                }
                // An unfinished line is looked at by itself.
                Pattern::Prompt(_) | Pattern::PromptRegex(_) => {}
            }
        }
        let n_patterns = alternatives.len();
        if alternatives.is_empty() {
            // Nothing can be found.
            alternatives.push("[^\\x00-\\xff]".to_string());
        }
        RegexBuilder::new(&alternatives.join("|"))
            .unicode(false)
            .multi_line(true)
            .crlf(true)
            .dot_matches_new_line(true)
            .size_limit(4 << 20)
            .build()
            .ok()
            .map(|regex| Prefilter { regex, n_patterns })
    }

    /// Returns how many patterns it looks for.
    pub(crate) fn n_patterns(&self) -> usize {
        self.n_patterns
    }

    /// Returns the first place in complete lines where a pattern may match; none before it does.
    pub(crate) fn find(&self, lines: &[u8]) -> Option<usize> {
        self.regex.find(lines).map(|found| found.start())
    }
}

/// Whether a regex means the same in many lines as in one: read so that `^` and `$` are the ends of lines, it names no end of
/// the text, and no other kind of line end.
fn is_about_one_line(regex: &str) -> bool {
    let mut parser = ParserBuilder::new();
    parser.utf8(false).unicode(false).multi_line(true).crlf(true).dot_matches_new_line(true);
    parser.build().parse(regex).is_ok_and(|hir| {
        let looks = hir.properties().look_set();
        ![Look::Start, Look::End, Look::StartLF, Look::EndLF].into_iter().any(|look| looks.contains(look))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pattern::{Fit, Literal, Regex};

    fn regex(text: &str, fit: Fit) -> Arc<Regex> {
        Regex::new(text, "", fit).expect("the test's regex is right")
    }

    #[test]
    fn a_prefilter_overlooks_nothing() {
        let literal = Pattern::Literal(Literal::new(b"login: ".to_vec()).into());
        let line = Pattern::Line(b"OK".to_vec());
        let whole = Pattern::LineRegex(Regex::new("ERR[^x]*", "i", Fit::Whole).expect("right"));
        let inside = Pattern::Regex(regex("^\\+CSQ: (?<a>\\d+),\\d+$", Fit::Within));
        let texts: [&[u8]; 5] =
            [b"a\r\nb login: x\r\n", b"x\r\nOK\r\n", b"OKAY\nERROR 5\r\n", b"\r\n+CSQ: 1,2\r\n", b"OK\r\r\n"];
        let patterns = [literal, line, whole, inside];
        let all = Prefilter::new(patterns.iter()).expect("all of them are about one line");
        for text in texts {
            assert!(all.find(text).is_some(), "{:?}", String::from_utf8_lossy(text));
        }
        assert_eq!(all.find(b"nothing\r\nOKAY\r\n +CSQ: 1,2\r\n"), None);
        assert!(Prefilter::new([Pattern::Regex(regex("\\AOK", Fit::Within))].iter()).is_none());
        assert!(Prefilter::new([Pattern::Regex(regex("(?-m)^OK", Fit::Within))].iter()).is_none());
    }

    #[test]
    fn flags_of_groups_are_seen_however_they_are_written() {
        let is_made = |text: &str, flags: &str| {
            let regex = Regex::new(text, flags, Fit::Within).expect("the test's regex is right");
            Prefilter::new([Pattern::Regex(regex)].iter()).is_some()
        };
        for (text, flags) in
            [("( ?-m) ^OK", "x"), ("(?-m)^OK", ""), (r"OK\z", ""), ("(?-R:^OK)", ""), (r"(a|\AOK)", "")]
        {
            assert!(!is_made(text, flags), "{text}");
        }
        for (text, flags) in [("(?m)^OK$", ""), ("^ OK $", "x"), ("OK|^ERROR", "i")] {
            assert!(is_made(text, flags), "{text}");
        }
    }
}
