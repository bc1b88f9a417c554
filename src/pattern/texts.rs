//! Texts that a match must contain: what is looked for in a line before a regex is tried.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Texts in lower case; a match contains at least one of them, in whatever letter case.
pub(super) type Texts = Vec<Vec<u8>>;

/// A shorter text stands in too many lines.
const SHORTEST: usize = 3;
/// So many texts are told apart before one gives up to know what stands here.
const MOST_EXACT: usize = 16;
/// So long a text is known as a whole.
const LONGEST_EXACT: usize = 256;
/// More alternatives than this have no texts.
const MOST: usize = 4096;

/// Returns sets of texts: each match contains one text of each set. There are none if no such text is long enough.
pub(super) fn texts(hir: &Hir) -> Vec<Texts> {
    find(hir).into_sets()
}

/// What is known of the matches of a part.
struct Known {
    /// All its matches, if they are few.
    exact: Option<Texts>,
    /// Otherwise, or besides: sets of which each match contains a text.
    sets: Vec<Texts>,
}

impl Known {
    fn exact(texts: Texts) -> Known {
        Known { exact: Some(texts), sets: Vec::new() }
    }

    fn nothing() -> Known {
        Known { exact: None, sets: Vec::new() }
    }

    fn into_sets(self) -> Vec<Texts> {
        let mut sets = self.sets;
        sets.extend(self.exact.filter(is_long));
        sets
    }
}

/// Whether each of these texts is long enough to be looked for.
fn is_long(texts: &Texts) -> bool {
    texts.iter().all(|text| text.len() >= SHORTEST)
}

/// Returns each text with each other behind it, if these are few.
fn join(texts: &Texts, behind: &Texts) -> Option<Texts> {
    if texts.len() * behind.len() > MOST_EXACT {
        return None;
    }
    let joined: Texts = texts.iter().flat_map(|text| behind.iter().map(|other| [&text[..], other].concat())).collect();
    joined.iter().all(|text| text.len() <= LONGEST_EXACT).then_some(joined)
}

fn find(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::exact(vec![Vec::new()]),
        HirKind::Literal(literal) => Known::exact(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(class) => members(class).map_or_else(Known::nothing, Known::exact),
        HirKind::Capture(group) => find(&group.sub),
        HirKind::Repetition(repetition) => {
            let sub = find(&repetition.sub);
            match (repetition.min, repetition.max, sub.exact) {
                (0, Some(0), _) => Known::exact(vec![Vec::new()]),
                (0, Some(1), Some(mut texts)) if texts.len() < MOST_EXACT => {
                    texts.push(Vec::new());
                    Known::exact(texts)
                }
                (0, ..) => Known::nothing(),
                (min, max, Some(texts)) => repeated(&texts, min, max),
                (_, _, None) => Known { exact: None, sets: sub.sets },
            }
        }
        HirKind::Concat(parts) => find_in_row(parts),
        HirKind::Alternation(parts) => find_in_any(parts),
    }
}

/// Returns the members of a small class, in lower case.
fn members(class: &Class) -> Option<Texts> {
    let mut members: Texts = match class {
        Class::Bytes(class) => {
            let n: usize = class.iter().map(|range| range.len()).sum();
            (n <= 2 * MOST_EXACT)
                .then(|| class.iter().flat_map(|range| range.start()..=range.end()).map(|byte| vec![byte]).collect())
        }
        Class::Unicode(class) => {
            let n: usize = class.iter().map(|range| range.len()).sum();
            let letters = class.iter().flat_map(|range| range.start()..=range.end());
            (n <= 2 * MOST_EXACT).then(|| letters.map(|letter| letter.to_string().into_bytes()).collect())
        }
    }?;
    members.iter_mut().for_each(|member| member.make_ascii_lowercase());
    members.sort_unstable();
    members.dedup();
    (members.len() <= MOST_EXACT / 4).then_some(members)
}

/// What is repeated at least once.
fn repeated(texts: &Texts, min: u32, max: Option<u32>) -> Known {
    let mut all = texts.clone();
    for _ in 1..min {
        match join(&all, texts) {
            Some(joined) => all = joined,
            None => return Known { exact: None, sets: vec![all].into_iter().filter(is_long).collect() },
        }
    }
    if max == Some(min) {
        return Known::exact(all);
    }
    Known { exact: None, sets: vec![all].into_iter().filter(is_long).collect() }
}

/// What stands one behind the other: neighbours that are known make longer texts.
fn find_in_row(parts: &[Hir]) -> Known {
    let mut known = Known::nothing();
    let mut run = vec![Vec::new()];
    let mut is_whole = true;
    for part in parts {
        let mut found = find(part);
        let joined = found.exact.as_ref().and_then(|texts| join(&run, texts));
        if let Some(joined) = joined {
            run = joined;
            continue;
        }
        is_whole = false;
        let next = found.exact.take().unwrap_or_else(|| vec![Vec::new()]);
        known.sets.extend(Some(std::mem::replace(&mut run, next)).filter(is_long));
        known.sets.extend(found.sets);
    }
    if is_whole {
        return Known::exact(run);
    }
    known.sets.extend(Some(run).filter(is_long));
    known
}

/// What may stand instead of each other: one text of each, if each has one.
fn find_in_any(parts: &[Hir]) -> Known {
    let found: Vec<Known> = parts.iter().map(find).collect();
    let n_exact: Option<usize> = found.iter().map(|known| known.exact.as_ref().map(Vec::len)).sum();
    if n_exact.is_some_and(|n| n <= MOST_EXACT) {
        return Known::exact(found.into_iter().filter_map(|known| known.exact).flatten().collect());
    }
    let best = |known: Known| known.into_sets().into_iter().max_by_key(quality);
    let all: Option<Vec<Texts>> = found.into_iter().map(best).collect();
    let sets = all.map(|all| all.concat()).filter(|all| all.len() <= MOST);
    Known { exact: None, sets: sets.into_iter().collect() }
}

/// A class of more bytes than this, or of characters beyond ASCII, is no beginning that few lines have.
const NARROW: usize = 16;

/// Whether matches begin at the beginning of a line, and with one of few bytes.
pub(super) fn begins_narrowly(hir: &Hir) -> bool {
    hir.properties().look_set_prefix().contains(Look::Start) && first_is_narrow(hir).unwrap_or(false)
}

/// Whether a part begins with one of few bytes; `None` if it may be empty.
fn first_is_narrow(hir: &Hir) -> Option<bool> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) => Some(true),
        HirKind::Class(Class::Bytes(class)) => Some(class.iter().map(|range| range.len()).sum::<usize>() <= NARROW),
        HirKind::Class(Class::Unicode(_)) => Some(false),
        HirKind::Capture(group) => first_is_narrow(&group.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => first_is_narrow(&repetition.sub),
        HirKind::Repetition(_) => Some(false),
        HirKind::Concat(parts) => parts.iter().find_map(first_is_narrow),
        HirKind::Alternation(parts) => Some(parts.iter().all(|part| first_is_narrow(part) == Some(true))),
    }
}

/// The better a set of texts, the fewer lines contain one.
pub(super) fn quality(texts: &Texts) -> impl Ord + use<> {
    (texts.iter().map(Vec::len).min().unwrap_or(usize::MAX), std::cmp::Reverse(texts.len()))
}

#[cfg(test)]
mod tests {
    use super::super::{Fit, Regex};

    /// Returns the sets of a regex, each with bars between its texts.
    fn sets(text: &str, flags: &str) -> Vec<String> {
        let regex = Regex::new(text, flags, Fit::Within).expect("the test's regex is right");
        let shown = |texts: &Vec<Vec<u8>>| {
            let texts: Vec<_> = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
            texts.join("|")
        };
        regex.texts().iter().map(shown).collect()
    }

    #[test]
    fn what_begins_as_few_lines_do_is_told_apart() {
        for (text, fit, is_told_apart) in [
            (r"\d+", Fit::Whole, true),
            (r"\d+", Fit::Within, false),
            (r"[+-]\w .*", Fit::Whole, true),
            (r"\w+ .*", Fit::Whole, false),
            (r"(?:OK|\d) .*", Fit::Whole, true),
            (r"\s*OK", Fit::Whole, false),
            (r".* abc", Fit::Within, true),
        ] {
            let regex = Regex::new(text, "", fit).expect("the test's regex is right");
            assert_eq!(regex.is_told_apart(), is_told_apart, "{text} {fit:?}");
        }
    }

    #[test]
    fn texts_are_those_that_every_match_contains() {
        for (text, flags, expected) in [
            (r"\[.*\] module5: .* value [0-9a-f]+05 .*", "", vec!["] module5: ", " value ", "05 "]),
            ("^OK$", "", vec![]),
            ("^READY$", "", vec!["ready"]),
            ("error", "i", vec!["error"]),
            ("CONNECT( OK| FAIL)?", "", vec!["connect ok|connect fail|connect"]),
            ("(?<a>abc)+d", "", vec!["abc"]),
            ("a{4}b{2,3}c", "", vec!["aaaa"]),
            ("abc|de", "", vec![]),
            ("abc.*|.*def|[0-9]ghij[0-9]+", "", vec!["abc|def|ghij"]),
            ("[ab][cd]x: ", "", vec!["acx: |adx: |bcx: |bdx: "]),
            ("(abc)?", "", vec![]),
            ("(abcd)*ef", "", vec![]),
            (r"(?:\d+ )?tick", "", vec!["tick"]),
            (r"é+ ready", "", vec![" ready"]),
            ("abc{0}def", "", vec!["abdef"]),
        ] {
            assert_eq!(sets(text, flags), expected, "{text}");
        }
    }
}
