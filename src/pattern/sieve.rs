//! `Sieve`: which of many patterns may match in a text, found in one search.

use aho_corasick::automaton::{Automaton, OverlappingState};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, Input};
use std::collections::HashMap;

use super::Pattern;
use super::texts::{Texts, quality};

/// Searches a text once for what the matches of many patterns must contain.
///
/// Its memory and its time grow with the length of these texts only, however much the patterns look alike. It never overlooks
/// a pattern that matches.
#[derive(Debug)]
pub(crate) struct Sieve {
    automaton: NFA,
    /// The patterns whose matches may contain the text of this number.
    owners: Vec<Vec<usize>>,
    /// The patterns of which no such text is known.
    always: Candidates,
    has_always: bool,
}

/// Numbers of patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Candidates {
    /// Those below 64, a bit each: for most flows that is all, and it takes no memory of its own.
    first: u64,
    /// The others, 64 in each.
    more: Vec<u64>,
}

impl Candidates {
    fn insert(&mut self, number: usize) {
        let (word, bit) = (number / 64, number % 64);
        let word = match word.checked_sub(1) {
            None => &mut self.first,
            Some(place) => {
                if self.more.len() <= place {
                    self.more.resize(place + 1, 0);
                }
                &mut self.more[place]
            }
        };
        *word |= 1 << bit;
    }

    /// Returns the numbers, rising.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::once(&self.first).chain(&self.more).enumerate().flat_map(|(i, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.checked_sub(1)?;
                Some(64 * i + bit)
            })
        })
    }
}

impl Sieve {
    /// Makes a sieve of patterns; one that is `None` may always match. `None` if there are too many texts for it.
    pub(crate) fn new<'a>(patterns: impl Iterator<Item = Option<&'a Pattern>>) -> Option<Sieve> {
        Sieve::of_texts(patterns.map(|pattern| pattern.map_or_else(Vec::new, sets_of)).collect())
    }

    /// Makes a sieve of what the matches of each pattern must contain: one text of each set.
    pub(super) fn of_texts(sets: Vec<Vec<Texts>>) -> Option<Sieve> {
        let mut n_uses: HashMap<&[u8], usize> = HashMap::new();
        for text in sets.iter().flatten().flatten() {
            *n_uses.entry(text).or_default() += 1;
        }
        // What only few patterns share tells most.
        let shared = |texts: &Texts| texts.iter().map(|text| n_uses[text.as_slice()]).max().unwrap_or(0);
        let mut numbers: HashMap<&[u8], usize> = HashMap::new();
        let (mut texts, mut owners): (Vec<&[u8]>, Vec<Vec<usize>>) = Default::default();
        let (mut always, mut has_always) = (Candidates::default(), false);
        for (pattern, sets) in sets.iter().enumerate() {
            let best = sets.iter().max_by_key(|texts| (std::cmp::Reverse(shared(texts)), quality(texts)));
            let Some(best) = best else {
                always.insert(pattern);
                has_always = true;
                continue;
            };
            for text in best {
                let number = *numbers.entry(text).or_insert_with(|| {
                    texts.push(text);
                    owners.push(Vec::new());
                    texts.len() - 1
                });
                if owners[number].last() != Some(&pattern) {
                    owners[number].push(pattern);
                }
            }
        }
        let automaton = NFA::builder().ascii_case_insensitive(true).build(&texts).ok()?;
        Some(Sieve { automaton, owners, always, has_always })
    }

    /// Returns the patterns that may match in a text.
    pub(crate) fn candidates(&self, text: &[u8]) -> Candidates {
        let mut candidates = self.always.clone();
        let input = Input::new(text).anchored(Anchored::No);
        let mut state = OverlappingState::start();
        loop {
            let searched = self.automaton.try_find_overlapping(&input, &mut state);
            let Some(found) = searched.ok().and_then(|()| state.get_match()) else { return candidates };
            self.owners[found.pattern().as_usize()].iter().for_each(|owner| candidates.insert(*owner));
        }
    }

    /// Whether there is a pattern that may match in whatever text.
    pub(crate) fn has_always(&self) -> bool {
        self.has_always
    }

    /// Returns where the text stands that ends first, of those that matches must contain: if each pattern has some, no match
    /// ends before that does. `None` if none can match at all.
    pub(crate) fn find(&self, text: &[u8]) -> Option<usize> {
        self.automaton.try_find(&Input::new(text)).ok()?.map(|found| found.start())
    }
}

/// Returns what the matches of a pattern contain: one text of each set.
fn sets_of(pattern: &Pattern) -> Vec<Texts> {
    let text = |text: &[u8]| if text.is_empty() { Vec::new() } else { vec![vec![text.to_ascii_lowercase()]] };
    match pattern {
        Pattern::Literal(literal) => text(literal.needle()),
        Pattern::Line(line) => text(line),
        Pattern::Prompt(prompt) => text(prompt),
        Pattern::Regex(regex) | Pattern::LineRegex(regex) | Pattern::PromptRegex(regex) => regex.texts().to_vec(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::branches::Branches;
    use super::super::{Fit, Literal, Prefilter, Regex, parse};
    use super::*;

    /// What random regexes and lines are made of.
    const PARTS: [&str; 14] = [
        "abc",
        "ab",
        "c",
        ".*",
        "[a-c]+",
        "(?:abc|bca)",
        "(?:ab|c)",
        "c?",
        "(?:ab){2}",
        "(?:abc)+",
        "(?i:ABC)",
        r"\d",
        "[^a]*?",
        r"\b",
    ];
    const PIECES: [&str; 9] = ["abc", "ab", "bca", "c", "ABC", "1", " ", "a", "abab"];

    fn alternative() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(&PARTS[..]), 1..5).prop_map(|parts| parts.concat())
    }

    /// Regexes with up to so many alternatives.
    fn regex(most: usize) -> impl Strategy<Value = Arc<Regex>> {
        let whole = prop::bool::ANY.prop_map(|is_whole| if is_whole { Fit::Whole } else { Fit::Within });
        let text = prop::collection::vec(alternative(), 1..most + 1).prop_map(|all| all.join("|"));
        let around = prop::sample::select(vec![("", ""), ("ab(", ")c"), ("(", ").*c"), (".*(", ")"), ("^(", ")$")]);
        let text = (around, text).prop_map(|((before, behind), text)| format!("{before}{text}{behind}"));
        (text, prop::sample::select(vec!["", "i"]), whole)
            .prop_map(|(text, flags, fit)| Regex::new(&text, flags, fit).expect("its parts are right"))
    }

    /// Lines without their ends.
    pub(crate) fn line() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(&PIECES[..]), 0..8).prop_map(|pieces| pieces.concat())
    }

    /// Patterns of all kinds.
    pub(crate) fn pattern() -> impl Strategy<Value = Pattern> {
        let text = || line().prop_filter("an empty text is refused", |text| !text.is_empty());
        prop_oneof![
            text().prop_map(|text| Pattern::Literal(Literal::new(text.into_bytes()).into())),
            line().prop_map(|text| Pattern::Line(text.into_bytes().into())),
            text().prop_map(|text| Pattern::Prompt(text.into_bytes().into())),
            regex(3).prop_map(Pattern::PromptRegex),
            regex(5).prop_map(Pattern::Regex),
            regex(5).prop_map(Pattern::LineRegex),
        ]
    }

    proptest! {
        #[test]
        fn a_sieve_overlooks_no_pattern(patterns in prop::collection::vec(pattern(), 1..12), line in line()) {
            let sieve = Sieve::new(patterns.iter().map(Some)).expect("there are few texts");
            let candidates: Vec<usize> = sieve.candidates(line.as_bytes()).iter().collect();
            prop_assert!(candidates.is_sorted_by(|a, b| a < b), "{candidates:?}");
            for (number, pattern) in patterns.iter().enumerate() {
                let bytes = line.as_bytes();
                let is_found = pattern.find_in_text(bytes).is_some()
                    || pattern.find_at_end_of_line(bytes).is_some()
                    || (0..bytes.len()).any(|from| pattern.find_in_line(bytes, from, false).is_some());
                prop_assert!(!is_found || candidates.contains(&number), "{pattern:?} in {line:?}");
            }
        }

        #[test]
        fn alternatives_match_one_by_one_what_they_match_together(regex in regex(9), line in line()) {
            let branches = parse(regex.as_str()).ok().and_then(|hir| Branches::of(&hir));
            if let Some(branches) = branches {
                let bytes = line.as_bytes();
                prop_assert_eq!(branches.is_match(bytes), Some(regex.is_match(bytes)), "{} in {:?}", regex.as_str(), line);
                for from in 0..=bytes.len() {
                    let whole = regex.find_at(bytes, from).map(|found| found.range());
                    let found = branches.find_at(bytes, from).unwrap_or_else(|| whole.clone());
                    prop_assert_eq!(found, whole, "{} in {:?} from {}", regex.as_str(), line, from);
                }
            }
        }

        #[test]
        fn a_prefilter_overlooks_no_line(
            patterns in prop::collection::vec(pattern(), 1..20),
            lines in prop::collection::vec(line(), 1..6),
        ) {
            if let Some(prefilter) = Prefilter::new(patterns.iter()) {
                let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
                let found = prefilter.find(text.as_bytes()).unwrap_or(text.len());
                let mut start = 0;
                for line in &lines {
                    let line_end = start + line.len();
                    for pattern in patterns.iter().filter(|pattern| !pattern.is_prompt()) {
                        if pattern.find_in_text(line.as_bytes()).is_some() {
                            prop_assert!(found <= line_end, "{found}, {line_end}: {pattern:?} in {text:?}");
                        }
                    }
                    start = line_end + 2;
                }
            }
        }
    }

    #[test]
    fn a_sieve_looks_for_what_few_patterns_share() {
        let regexes: Vec<Pattern> = (0..100)
            .map(|n| format!("reading of a sensor [0-9]+ .* id={n:03};"))
            .map(|text| Pattern::Regex(Regex::new(&text, "", Fit::Within).expect("right")))
            .collect();
        let sieve = Sieve::new(regexes.iter().map(Some)).expect("there are few texts");
        let candidates = sieve.candidates(b"reading of a sensor 5 is 7, id=042;");
        assert_eq!(candidates.iter().collect::<Vec<_>>(), [42]);
        assert!(!sieve.has_always());
    }

    #[test]
    fn what_has_no_text_may_always_match() {
        let ok = Pattern::Line((*b"OK").into());
        let digits = Pattern::Regex(Regex::new(r"\d+%", "", Fit::Within).expect("right"));
        let sieve = Sieve::new([Some(&ok), Some(&digits), None].into_iter()).expect("there are few texts");
        assert!(sieve.has_always());
        assert_eq!(sieve.candidates(b"ERROR").iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(sieve.candidates(b"ok").iter().collect::<Vec<_>>(), [0, 1, 2]);
    }
}
