//! `Pattern`: what is awaited, ready to be compared with what came.

mod assembly;
mod branches;
mod example;
mod prefilter;
pub(crate) mod sieve;
mod texts;

use std::ops::{Deref, Range};
use std::sync::{Arc, OnceLock};

use memchr::memmem;
use regex::bytes::{self, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::literal::Extractor;
use regex_syntax::hir::{Class, Hir, HirKind};

pub(crate) use assembly::Assembly;
use branches::{Branches, wandering};
pub(crate) use prefilter::Prefilter;
pub(crate) use sieve::{Candidates, Sieve};
use texts::{Texts, texts};

/// A pattern, compiled.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// These bytes anywhere in the stream.
    Literal(Arc<Literal>),
    /// This regex in a complete line.
    Regex(Arc<Regex>),
    /// A whole line that is these bytes.
    Line(Arc<[u8]>),
    /// A whole line that this regex matches from end to end.
    LineRegex(Arc<Regex>),
    /// An unfinished last line that ends with these bytes.
    Prompt(Arc<[u8]>),
    /// An unfinished last line in which this regex is found.
    PromptRegex(Arc<Regex>),
}

impl Pattern {
    /// Whether it is the same as another, known at a glance: two regexes are if they are one.
    pub(crate) fn is_same(&self, other: &Pattern) -> bool {
        match (self, other) {
            (Pattern::Literal(one), Pattern::Literal(other)) => one.needle == other.needle,
            (Pattern::Line(one), Pattern::Line(other)) | (Pattern::Prompt(one), Pattern::Prompt(other)) => one == other,
            (Pattern::Regex(one), Pattern::Regex(other))
            | (Pattern::LineRegex(one), Pattern::LineRegex(other))
            | (Pattern::PromptRegex(one), Pattern::PromptRegex(other)) => Arc::ptr_eq(one, other),
            (
                Pattern::Literal(_)
                | Pattern::Regex(_)
                | Pattern::Line(_)
                | Pattern::LineRegex(_)
                | Pattern::Prompt(_)
                | Pattern::PromptRegex(_),
                _,
            ) => false,
        }
    }
}

/// What is shorter is searched place by place: to begin a quicker search would take longer.
const SHORT: usize = 16;

/// Bytes to look for, with what makes the search quick.
#[derive(Debug)]
pub struct Literal {
    needle: Vec<u8>,
    /// Made when something long is searched first: it asks what the processor can do, which takes long itself.
    finder: OnceLock<memmem::Finder<'static>>,
}

impl Literal {
    /// Prepares the search for some bytes.
    pub fn new(needle: Vec<u8>) -> Literal {
        Literal { needle, finder: OnceLock::new() }
    }

    /// Returns the bytes that are looked for.
    pub fn needle(&self) -> &[u8] {
        &self.needle
    }

    /// Returns where the bytes stand first.
    pub fn find(&self, haystack: &[u8]) -> Option<Range<usize>> {
        let start = match self.needle.split_first() {
            _ if haystack.len() < self.needle.len() => None,
            Some((first, others)) if haystack.len() <= SHORT => {
                let is_here = |at: &usize| haystack[*at] == *first && haystack[at + 1..].starts_with(others);
                (0..=haystack.len() - self.needle.len()).find(is_here)
            }
            _ => self.finder.get_or_init(|| memmem::Finder::new(&self.needle).into_owned()).find(haystack),
        };
        start.map(|start| start..start + self.needle.len())
    }
}

/// A regex of a flow: checked when it is made, compiled when it is first used.
///
/// To compile one takes many times as long as to check it, and many of a flow's are never reached in a run.
#[derive(Debug)]
pub struct Regex {
    text: String,
    groups: Vec<String>,
    /// The numbers of these groups, counted with those that have no name; found when they are first asked for.
    numbers: OnceLock<Vec<Option<usize>>>,
    shortest: usize,
    /// What every match begins with, if that is known and long enough to tell most lines apart.
    lead: Option<Literal>,
    compiled: OnceLock<bytes::Regex>,
    /// The same, but with its beginning anywhere in a line; made when it is first asked for.
    tail: OnceLock<Option<bytes::Regex>>,
    /// How many parts may go on through most of a line while others do.
    wandering: usize,
    /// Its alternatives, if one automaton for all could become too large; made when it is first needed.
    branches: OnceLock<Option<Branches>>,
    /// Sets of texts of which each match contains one of each; found when they are first asked for.
    texts: OnceLock<Vec<Texts>>,
}

/// A shorter beginning is too common to be looked for by itself.
const SHORTEST_LEAD: usize = 3;

impl Regex {
    /// Makes a regex as flows mean it: on bytes, ASCII classes for what is not named otherwise.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in the words of the regex crate.
    pub fn new(regex: &str, flags: &str, fit: Fit) -> Result<Arc<Regex>, String> {
        // The flags stand in the text, so that it says by itself what it means.
        let regex = match (flags.is_empty(), flags.contains('x')) {
            (true, _) => regex.to_string(),
            (false, false) => format!("(?{flags}:{regex})"),
            // A newline closes a comment that an `x` regex may end with.
            (false, true) => format!("(?{flags}:{regex}\n)"),
        };
        let text = match fit {
            Fit::Within => regex,
            Fit::Whole => format!("^(?:{regex})$"),
        };
        let hir = parse(&text).map_err(|error| last_line(&error.to_string()))?;
        let mut groups = Vec::new();
        push_groups(&hir, &mut groups);
        let shortest = hir.properties().minimum_len().unwrap_or(0);
        let compiled = OnceLock::new();
        if size_of(&hir) > SMALL {
            let _ = compiled.set(build(&text, LARGEST).map_err(|error| last_line(&error.to_string()))?);
        }
        let lead = lead(&hir).filter(|lead| lead.len() >= SHORTEST_LEAD).map(Literal::new);
        let wandering = wandering(&hir);
        let (tail, texts, branches) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let numbers = OnceLock::new();
        Ok(Arc::new(Regex { text, groups, numbers, shortest, lead, compiled, tail, wandering, branches, texts }))
    }

    /// Returns sets of texts, in lower case: each match contains one of each, in whatever letter case.
    pub(crate) fn texts(&self) -> &[Texts] {
        self.texts.get_or_init(|| parse(&self.text).map_or_else(|_| Vec::new(), |hir| texts(&hir)))
    }

    /// Returns whether one look at a line says of most lines that it does not match: each match contains a text that is long
    /// enough to be looked for, or stands at the beginning of a line and begins as few lines do.
    pub(crate) fn is_told_apart(&self) -> bool {
        !self.texts().is_empty() || parse(&self.text).is_ok_and(|hir| texts::begins_narrowly(&hir))
    }

    /// Returns how many parts may go on through most of a line while others do, so that together they make many states.
    pub(crate) fn wandering(&self) -> usize {
        self.wandering
    }

    /// Returns its alternatives, if they are to be searched one by one.
    fn branches(&self) -> Option<&Branches> {
        if self.wandering < branches::FEW {
            return None;
        }
        self.branches.get_or_init(|| parse(&self.text).ok().and_then(|hir| Branches::of(&hir))).as_ref()
    }

    /// Returns whether it matches somewhere in a text.
    fn has_match(&self, text: &[u8]) -> bool {
        self.branches().and_then(|branches| branches.is_match(text)).unwrap_or_else(|| self.is_match(text))
    }

    /// Returns what it matches first in a text from a place on; what stands before is looked at too, where it matters.
    fn first_at(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let whole = || self.find_at(text, from).map(|found| found.range());
        self.branches().and_then(|branches| branches.find_at(text, from)).unwrap_or_else(whole)
    }

    /// Returns whether a match could be in a text: false takes one search for a literal, where the regex has one that every
    /// match begins with, and does not compile the regex.
    fn may_match(&self, text: &[u8]) -> bool {
        self.lead.as_ref().is_none_or(|lead| lead.find(text).is_some())
    }

    /// Compiles it now, if it is not, and searches once: for who has time now and none when a match comes, which would be
    /// the first to need the memory and the code of a search.
    pub fn prepare(&self) {
        if !self.is_compiled() {
            let _ = self.find(self.lead.as_ref().map_or(&[], Literal::needle));
        }
    }

    /// Returns whether it has been compiled.
    pub fn is_compiled(&self) -> bool {
        self.compiled.get().is_some()
    }

    /// Returns the text, flags and fit included.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns what every match begins with, if that is known and not short.
    pub fn lead(&self) -> Option<&[u8]> {
        self.lead.as_ref().map(Literal::needle)
    }

    /// Returns where the last part of a text begins that a regex for a whole line would take as its line.
    fn find_tail(&self, text: &[u8]) -> Option<usize> {
        let anywhere = || self.text.strip_prefix('^').and_then(|text| build(text, LARGEST).ok());
        self.tail.get_or_init(anywhere).as_ref()?.find(text).map(|found| found.start())
    }

    /// Returns the names of its groups, in their order.
    pub fn group_names(&self) -> &[String] {
        &self.groups
    }

    /// Returns the number of the group with a name, for what it captures.
    pub fn group_number(&self, name: &str) -> Option<usize> {
        let number = |group: &String| self.capture_names().position(|other| other == Some(group));
        let numbers = self.numbers.get_or_init(|| self.groups.iter().map(number).collect());
        *numbers.get(self.groups.iter().position(|group| group == name)?)?
    }

    /// Returns a text that it matches, one of the shortest; `None` if there is none.
    pub fn example(&self) -> Option<Vec<u8>> {
        let mut example = Vec::new();
        parse(&self.text).is_ok_and(|hir| example::push(&hir, &mut example)).then_some(example)
    }

    /// Says whether no line can have a match, for every match is empty or has a line end in it.
    pub fn is_for_no_line(&self) -> bool {
        let mut parser = ParserBuilder::new();
        parser.utf8(false).unicode(false).dot_matches_new_line(true);
        let is_for_none = |hir: Hir| hir.properties().maximum_len() == Some(0) || has_line_end(&hir);
        parser.build().parse(&self.text).is_ok_and(is_for_none)
    }

    /// Returns how many bytes a match has at the least.
    pub fn shortest(&self) -> usize {
        self.shortest
    }
}

impl Deref for Regex {
    type Target = bytes::Regex;

    fn deref(&self) -> &bytes::Regex {
        self.compiled.get_or_init(|| {
            let built = build(&self.text, LARGEST).or_else(|_| build(&self.text, usize::MAX));
            built.expect("it was parsed by the same rules, and its size, which is small, has no limit now")
        })
    }
}

/// Returns the parts of a regex as flows mean it.
fn parse(text: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    ParserBuilder::new().utf8(false).unicode(false).dot_matches_new_line(true).build().parse(text).map_err(Box::new)
}

/// Says whether a CR or LF stands in every match.
fn has_line_end(hir: &Hir) -> bool {
    let is_end = |byte: u8| matches!(byte, b'\r' | b'\n');
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.iter().copied().any(is_end),
        HirKind::Class(Class::Bytes(class)) => class.iter().all(|range| (range.start()..=range.end()).all(is_end)),
        HirKind::Class(Class::Unicode(class)) => {
            let is_end = |c: char| matches!(c, '\r' | '\n');
            class.iter().all(|range| range.len() <= 2 && (range.start()..=range.end()).all(is_end))
        }
        HirKind::Repetition(repetition) => repetition.min > 0 && has_line_end(&repetition.sub),
        HirKind::Capture(capture) => has_line_end(&capture.sub),
        HirKind::Concat(parts) => parts.iter().any(has_line_end),
        HirKind::Alternation(parts) => parts.iter().all(has_line_end),
    }
}

/// Returns what every match begins with, as far as no choice comes before its end.
fn lead(hir: &Hir) -> Option<Vec<u8>> {
    let literals = Extractor::new().limit_class(1).limit_repeat(1).limit_total(8).extract(hir);
    literals.longest_common_prefix().map(<[u8]>::to_vec)
}

/// How a regex is to be fitted to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Found somewhere.
    Within,
    /// From end to end.
    Whole,
}

/// How large a compiled regex may be.
const LARGEST: usize = 1 << 20;

/// Compiles the text of a regex that may become so large.
fn build(text: &str, largest: usize) -> Result<bytes::Regex, regex::Error> {
    RegexBuilder::new(text)
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(largest)
        .dfa_size_limit(4 << 20)
        .build()
}

/// Returns what an error of the regex crate says, without the picture before it, and without what only who builds the crate can do.
fn last_line(error: &str) -> String {
    let last = error.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(error);
    let last = last.trim_start_matches("error: ").trim();
    match last.split_once(" (make sure the ") {
        Some((what, _)) => format!("{what}: leave the flag `u` away"),
        None => last.to_string(),
    }
}

/// A regex of at most so many parts is far below the limit when it is compiled: a part takes less than 1 KiB.
const SMALL: usize = 1000;

/// Returns how many parts a regex has when it is compiled: what is repeated counts as often as it is repeated.
fn size_of(hir: &Hir) -> usize {
    let sum = |parts: &[Hir]| parts.iter().map(size_of).fold(parts.len(), usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(Class::Bytes(class)) => 1 + class.ranges().len(),
        // A range of characters becomes up to four sequences of up to four bytes.
        HirKind::Class(Class::Unicode(class)) => 1 + class.ranges().len().saturating_mul(16),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min + 1).max(1) as usize;
            size_of(&repetition.sub).saturating_add(1).saturating_mul(times)
        }
        HirKind::Capture(group) => size_of(&group.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
    }
}

/// Puts the names of groups to others, in the order in which the groups open.
fn push_groups(hir: &Hir, names: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Capture(group) => {
            names.extend(group.name.as_deref().map(str::to_string));
            push_groups(&group.sub, names);
        }
        HirKind::Repetition(repetition) => push_groups(&repetition.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().for_each(|part| push_groups(part, names)),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

impl Pattern {
    /// Looks for a match in a complete line, from `from` on (a place in `line`).
    ///
    /// `is_whole` tells whether the line from `from` on counts as a whole line. Returns the bytes that
    /// matched, as a range of `line`. Literals and prompts are not looked for here.
    pub fn find_in_line(&self, line: &[u8], from: usize, is_whole: bool) -> Option<Range<usize>> {
        let rest = &line[from..];
        match self {
            Pattern::Line(text) => (is_whole && rest == &**text).then_some(from..line.len()),
            Pattern::LineRegex(_) | Pattern::Regex(_) if rest.is_empty() => None,
            Pattern::LineRegex(regex) | Pattern::Regex(regex) if !regex.may_match(rest) => None,
            Pattern::LineRegex(regex) => (is_whole && regex.has_match(rest)).then_some(from..line.len()),
            // A line that is whole from here on begins here: `^` matches. Else the text before is looked at too.
            Pattern::Regex(regex) if is_whole => regex.first_at(rest, 0).map(|m| from + m.start..from + m.end),
            Pattern::Regex(regex) => regex.first_at(line, from),
            Pattern::Literal(_) | Pattern::Prompt(_) | Pattern::PromptRegex(_) => None,
        }
    }

    /// Looks for a match in an unfinished line that has been quiet for the settle time.
    pub fn find_in_prompt(&self, rest: &[u8]) -> Option<Range<usize>> {
        match self {
            Pattern::Prompt(text) => {
                (!rest.is_empty() && rest.ends_with(text)).then(|| rest.len() - text.len()..rest.len())
            }
            Pattern::PromptRegex(regex) if !rest.is_empty() && regex.may_match(rest) => regex.first_at(rest, 0),
            Pattern::PromptRegex(_) => None,
            Pattern::Literal(_) | Pattern::Regex(_) | Pattern::Line(_) | Pattern::LineRegex(_) => None,
        }
    }

    /// Looks for a match that reaches to the end of a complete line, wherever it begins. Returns where.
    pub fn find_at_end_of_line(&self, line: &[u8]) -> Option<usize> {
        match self {
            Pattern::Line(text) => line.ends_with(text).then(|| line.len() - text.len()),
            Pattern::LineRegex(regex) => regex.find_tail(line),
            Pattern::Regex(regex) => regex.first_at(line, 0).map(|found| found.start),
            Pattern::Literal(_) | Pattern::Prompt(_) | Pattern::PromptRegex(_) => None,
        }
    }

    /// Looks for a match anywhere in a text that is complete: an unclaimed line, or a text in a variable.
    pub fn find_in_text(&self, text: &[u8]) -> Option<Range<usize>> {
        match self {
            Pattern::Literal(literal) => literal.find(text),
            Pattern::Prompt(_) | Pattern::PromptRegex(_) => self.find_in_prompt(text),
            Pattern::Regex(_) | Pattern::Line(_) | Pattern::LineRegex(_) => self.find_in_line(text, 0, true),
        }
    }

    /// Returns whether a match is tried on an unfinished line.
    pub fn is_prompt(&self) -> bool {
        match self {
            Pattern::Prompt(_) | Pattern::PromptRegex(_) => true,
            Pattern::Literal(_) | Pattern::Regex(_) | Pattern::Line(_) | Pattern::LineRegex(_) => false,
        }
    }

    /// Returns whether a match takes the whole line with its ending.
    pub fn takes_line(&self) -> bool {
        match self {
            Pattern::Line(_) | Pattern::LineRegex(_) => true,
            Pattern::Literal(_) | Pattern::Regex(_) | Pattern::Prompt(_) | Pattern::PromptRegex(_) => false,
        }
    }

    /// Returns the literal, if it is one.
    pub fn literal(&self) -> Option<&Literal> {
        match self {
            Pattern::Literal(literal) => Some(literal),
            Pattern::Regex(_)
            | Pattern::Line(_)
            | Pattern::LineRegex(_)
            | Pattern::Prompt(_)
            | Pattern::PromptRegex(_) => None,
        }
    }

    /// Returns the regex, if it is one.
    pub fn regex(&self) -> Option<&Regex> {
        match self {
            Pattern::Regex(regex) | Pattern::LineRegex(regex) | Pattern::PromptRegex(regex) => Some(regex),
            Pattern::Literal(_) | Pattern::Line(_) | Pattern::Prompt(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(text: &str, fit: Fit) -> Arc<Regex> {
        Regex::new(text, "", fit).expect("the test's regex is right")
    }

    #[test]
    fn a_line_pattern_wants_the_whole_line() {
        let ok = Pattern::Line((*b"OK").into());
        assert_eq!(ok.find_in_line(b"OK", 0, true), Some(0..2));
        assert_eq!(ok.find_in_line(b"CONNECT OK", 0, true), None);
        assert_eq!(ok.find_in_line(b"xxOK", 2, false), None, "the rest of a line is no line");
        let error = Pattern::LineRegex(regex("ERROR|\\+CME ERROR: .*", Fit::Whole));
        assert!(error.find_in_line(b"+CME ERROR: 10", 0, true).is_some());
        assert!(error.find_in_line(b"NO ERROR", 0, true).is_none(), "both sides of the bar are anchored");
    }

    #[test]
    fn a_literal_is_found_at_its_first_place_in_short_and_long_texts() {
        for needle in ["O", "OK", "OOK", "OK\r\n"] {
            let literal = Literal::new(needle.into());
            for before in 0..40 {
                let text = format!("{}{needle}x{needle}", "O".repeat(before));
                assert_eq!(literal.find(text.as_bytes()).map(|found| found.start), text.find(needle), "{text}");
                assert_eq!(literal.find("o".repeat(before).as_bytes()), None);
            }
        }
        assert_eq!(Literal::new(Vec::new()).find(b"x"), Some(0..0));
    }

    #[test]
    fn anchors_of_a_regex_are_the_ends_of_the_line() {
        let anchored = Pattern::Regex(regex("^B", Fit::Within));
        assert_eq!(anchored.find_in_line(b"AB", 1, false), None);
        assert_eq!(anchored.find_in_line(b"AB", 1, true), Some(1..2));
    }

    #[test]
    fn what_a_regex_is_made_of_is_read_as_the_parser_reads_it() {
        let word = format!("( ?u:{})", r"\w".repeat(500));
        let why = Regex::new(&word, "x", Fit::Within).expect_err("500 classes of Unicode are too large");
        assert!(why.contains("size limit"), "{why}");
        for text in [r"( ?u:\w\w)", "a { 3 }", "(?i: x )"] {
            let regex = Regex::new(text, "x", Fit::Within).expect("right");
            regex.prepare();
            assert!(regex.is_compiled(), "{text}");
        }
    }

    #[test]
    fn a_regex_that_no_line_fits_is_known() {
        for (text, is_for_none) in [
            ("^$", true),
            (r"a\nb", true),
            (r"(\r\n)+", true),
            (r"a\n|b\r", true),
            (r"OK[\r\n]", true),
            (r"a\n|b", false),
            (r"(?:a\n)?", false),
            (r"a\s", false),
            (".", false),
            ("x*", false),
        ] {
            assert_eq!(regex(text, Fit::Within).is_for_no_line(), is_for_none, "{text}");
        }
    }

    #[test]
    fn a_regex_is_compiled_when_it_is_used_and_its_groups_are_known_before() {
        let regex = Regex::new(r"(?<a>x(?<b>y)?)|(z)(?<c>w)+", "i", Fit::Whole).expect("right");
        assert!(!regex.is_compiled());
        assert_eq!(regex.group_names(), ["a", "b", "c"]);
        assert_eq!(regex.capture_names().flatten().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(regex.is_match(b"XY") && regex.is_compiled());
    }

    #[test]
    fn a_line_without_what_every_match_begins_with_needs_no_regex() {
        let lead = |text: &str, flags: &str| {
            let regex = Regex::new(text, flags, Fit::Within).expect("right");
            let lead = regex.lead.as_ref().map(|lead| String::from_utf8_lossy(lead.needle()).into_owned());
            assert!(!regex.is_compiled());
            lead.unwrap_or_default()
        };
        assert_eq!(lead(r"\+CSQ: (?<rssi>\d+),(?<ber>\d+)", ""), "+CSQ: ");
        assert_eq!(lead(r"^NEEDLE-[0-9a-f]+ ready$", ""), "NEEDLE-");
        assert_eq!(lead("CONNECT( OK| FAIL)?", ""), "CONNECT");
        assert_eq!(lead("BUG: (unable|soft)", ""), "BUG: ");
        for (text, flags) in
            [("ERROR|FAIL", ""), (r"\d+ ready", ""), ("(abc)?", ""), ("abc|", ""), ("abc", "i"), ("ab+", "")]
        {
            assert_eq!(lead(text, flags), "", "{text}");
        }
        let csq = Pattern::LineRegex(regex(r"\+CSQ: \d+", Fit::Whole));
        assert_eq!(csq.find_in_line(b"+CREG: 1 and more", 0, true), None);
        assert!(csq.regex().is_some_and(|regex| !regex.is_compiled()));
        assert_eq!(csq.find_in_line(b"+CSQ: 25", 0, true), Some(0..8));
    }

    #[test]
    fn what_may_be_too_large_is_compiled_when_it_is_made() {
        for (text, is_large) in
            [(r"\d+", false), ("a{3}", false), ("a{3000}", true), (r"(?u:\w)", true), (r"(?:(?:ab){30}){30}", true)]
        {
            assert_eq!(Regex::new(text, "", Fit::Within).expect("right").is_compiled(), is_large, "{text}");
        }
        let why = Regex::new("(?:[^a]{1000}){1000}", "", Fit::Within).expect_err("too large");
        assert!(why.contains("size limit"), "{why}");
        // The longest that is not compiled when it is made, in the form that takes the most.
        assert!(Regex::new(&".?".repeat(500), "i", Fit::Within).expect("right").is_match(b""));
        assert!(Regex::new(&"[^a]?".repeat(200), "i", Fit::Whole).expect("right").is_match(b""));
    }

    #[test]
    fn what_only_a_builder_of_the_regex_crate_can_do_is_not_asked_of_a_user() {
        let error = "regex parse error:\n    (?iu)é\n         ^\nerror: Unicode-aware case insensitivity matching is not available (make sure the unicode-case feature is enabled)";
        let said = "Unicode-aware case insensitivity matching is not available: leave the flag `u` away";
        assert_eq!(last_line(error), said);
    }

    #[test]
    fn a_wrong_regex_says_why_in_one_line() {
        assert_eq!(Regex::new("(", "", Fit::Within).unwrap_err(), "unclosed group");
    }
}
