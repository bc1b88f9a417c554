//! `Prefilter`: where some patterns could match in many lines, found in one search.

use regex::bytes::{self, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

use super::{Pattern, Sieve};

/// The time stamp of a kernel's message behind something else in its line, as a regex.
const TIME_STAMP: &str = r"[^\r\n]\[ *[0-9]+\.[0-9]{6}\][ \[]";

/// So many patterns are one automaton, if none of them goes on through most of a line before it is decided. Others make so many
/// states together that the automaton is made anew again and again.
const MOST_JOINED: usize = 16;

/// Finds quickly where some patterns could match in many lines at once.
///
/// It never overlooks a match; what it finds is to be looked at line by line.
#[derive(Debug)]
pub(crate) struct Prefilter {
    search: Search,
    n_patterns: usize,
}

/// What is searched for.
#[derive(Debug)]
enum Search {
    /// A match of any pattern.
    Joined(Box<bytes::Regex>),
    /// A text that matches contain.
    Texts(Box<Sieve>),
}

impl Prefilter {
    /// Makes a prefilter for some patterns; `None` if one of them cannot be looked for in many lines at once.
    pub(crate) fn new<'a>(patterns: impl Iterator<Item = &'a Pattern> + Clone) -> Option<Prefilter> {
        let n_patterns = patterns.clone().count();
        let goes_on = |pattern: &Pattern| pattern.regex().is_some_and(|regex| regex.wandering() > 0);
        let joined = if n_patterns <= MOST_JOINED && !patterns.clone().any(goes_on) {
            join(patterns.clone()).map(|regex| Search::Joined(Box::new(regex)))
        } else {
            None
        };
        let texts = || {
            Sieve::new(patterns.map(Some))
                .filter(|sieve| !sieve.has_always())
                .map(|sieve| Search::Texts(Box::new(sieve)))
        };
        joined.or_else(texts).map(|search| Prefilter { search, n_patterns })
    }

    /// Returns how many patterns it looks for.
    pub(crate) fn n_patterns(&self) -> usize {
        self.n_patterns
    }

    /// Returns the first place in complete lines where a pattern may match; none before it does.
    pub(crate) fn find(&self, lines: &[u8]) -> Option<usize> {
        match &self.search {
            Search::Joined(regex) => regex.find(lines).map(|found| found.start()),
            Search::Texts(sieve) => sieve.find(lines),
        }
    }
}

/// Makes one regex for many lines of some patterns; `None` if one of them does not mean the same there.
fn join<'a>(patterns: impl Iterator<Item = &'a Pattern> + Clone) -> Option<bytes::Regex> {
    let mut alternatives = Vec::new();
    // A prompt may stand before something unasked in an ended line, which is then the rest of it.
    let has_prompts = patterns.clone().any(Pattern::is_prompt);
    if has_prompts {
        alternatives.push(parse(TIME_STAMP)?);
    }
    for pattern in patterns {
        match pattern {
            Pattern::Literal(literal) => alternatives.push(Hir::literal(literal.needle())),
            Pattern::Line(text) => {
                let begin = if has_prompts { Hir::empty() } else { Hir::look(Look::StartCRLF) };
                alternatives.push(Hir::concat(vec![begin, Hir::literal(&**text), Hir::look(Look::EndCRLF)]));
            }
            Pattern::Regex(regex) => alternatives.push(about_one_line(regex.as_str())?),
            Pattern::LineRegex(regex) => {
                let text = regex.as_str();
                alternatives.push(about_one_line(if has_prompts { text.trim_start_matches('^') } else { text })?);
            }
            // An unfinished line is looked at by itself.
            Pattern::Prompt(_) | Pattern::PromptRegex(_) => {}
        }
    }
    // Without alternatives nothing can be found. The flags stand in the text, which is that of a HIR.
    RegexBuilder::new(&Hir::alternation(alternatives).to_string()).size_limit(4 << 20).build().ok()
}

/// Parses a regex for many lines: `^` and `$` are the ends of each.
fn parse(regex: &str) -> Option<Hir> {
    let mut parser = ParserBuilder::new();
    parser.utf8(false).unicode(false).multi_line(true).crlf(true).dot_matches_new_line(true);
    parser.build().parse(regex).ok()
}

/// Returns a regex that means in many lines what it means in one; `None` if there is none: it names an end of the text, or
/// another kind of line end.
fn about_one_line(regex: &str) -> Option<Hir> {
    let hir = parse(regex)?;
    let looks = hir.properties().look_set();
    let is_other = [Look::Start, Look::End, Look::StartLF, Look::EndLF].into_iter().any(|look| looks.contains(look));
    (!is_other).then(|| within_line(hir))
}

/// Takes the ends of lines out of what a regex matches: what goes on to the end of its line would else go on through all lines.
fn within_line(hir: Hir) -> Hir {
    let all = |parts: Vec<Hir>| parts.into_iter().map(within_line).collect();
    match hir.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Class(Class::Bytes(mut class)) => {
            class.difference(&ClassBytes::new([b'\r', b'\n'].map(|end| ClassBytesRange::new(end, end))));
            Hir::class(Class::Bytes(class))
        }
        HirKind::Class(Class::Unicode(mut class)) => {
            class.difference(&ClassUnicode::new(['\r', '\n'].map(|end| ClassUnicodeRange::new(end, end))));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Repetition(repetition) => {
            let sub = within_line((*repetition.sub).clone());
            Hir::repetition(repetition.with(sub))
        }
        HirKind::Capture(group) => within_line(*group.sub),
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
    }
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
        let line = Pattern::Line((*b"OK").into());
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
        assert!(join([Pattern::Regex(regex("\\AOK", Fit::Within))].iter()).is_none());
        assert!(join([Pattern::Regex(regex("(?-m)^OK", Fit::Within))].iter()).is_none());
    }

    #[test]
    fn flags_of_groups_are_seen_however_they_are_written() {
        let is_made = |text: &str, flags: &str| {
            let regex = Regex::new(text, flags, Fit::Within).expect("the test's regex is right");
            join([Pattern::Regex(regex)].iter()).is_some()
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
