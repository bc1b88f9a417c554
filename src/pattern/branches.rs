//! `Branches`: a regex with many alternatives that look alike, searched alternative by alternative.
//!
//! One automaton of all of them would have a state for each set of them that may go on, and lines that look alike would reach
//! so many that it is made anew again and again. Each alternative by itself has few.

use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::{self, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::sieve::Sieve;
use super::texts::texts;

/// So few alternatives are one automaton.
pub(super) const FEW: usize = 4;

/// What repeats so many different bytes goes on in nearly every line.
const BIG: usize = 32;

/// The alternatives of a regex.
#[derive(Debug)]
pub(super) struct Branches {
    sieve: Sieve,
    branches: Vec<Branch>,
    /// Whether of two alternatives that match at the same place the first is what the whole regex matches.
    is_in_order: bool,
}

/// One alternative with what stands around all of them; compiled when it is first used.
#[derive(Debug)]
struct Branch {
    text: String,
    compiled: OnceLock<Option<bytes::Regex>>,
}

impl Branch {
    /// Returns the regex; `None` if it cannot be compiled, though the whole was.
    fn regex(&self) -> Option<&bytes::Regex> {
        // It is written for Unicode, as a HIR is; its flags stand in it.
        self.compiled.get_or_init(|| RegexBuilder::new(&self.text).build().ok()).as_ref()
    }
}

impl Branches {
    /// Takes a regex apart, if one automaton for it could become too large.
    pub(super) fn of(hir: &Hir) -> Option<Branches> {
        if wandering(hir) < FEW {
            return None;
        }
        let (hirs, is_in_order) = split(hir).filter(|(hirs, _)| hirs.len() >= FEW)?;
        let sieve = Sieve::of_texts(hirs.iter().map(texts).collect())?;
        let branch = |hir: &Hir| Branch { text: hir.to_string(), compiled: OnceLock::new() };
        Some(Branches { sieve, branches: hirs.iter().map(branch).collect(), is_in_order })
    }

    /// Returns whether one of them matches in a text; `None` if that is not known.
    pub(super) fn is_match(&self, text: &[u8]) -> Option<bool> {
        for number in self.sieve.candidates(text).iter() {
            if self.branches[number].regex()?.is_match(text) {
                return Some(true);
            }
        }
        Some(false)
    }

    /// Returns what the whole regex matches in a text from a place on; `None` if that is not known.
    pub(super) fn find_at(&self, text: &[u8], from: usize) -> Option<Option<Range<usize>>> {
        let mut best: Option<Range<usize>> = None;
        for number in self.sieve.candidates(&text[from..]).iter() {
            let Some(found) = self.branches[number].regex()?.find_at(text, from) else { continue };
            match &best {
                Some(_) if !self.is_in_order => return None,
                Some(best) if best.start <= found.start() => {}
                Some(_) | None => best = Some(found.range()),
            }
        }
        Some(best)
    }
}

/// Returns the alternatives of a regex, and whether they stand behind what can match in one way only.
fn split(hir: &Hir) -> Option<(Vec<Hir>, bool)> {
    match hir.kind() {
        HirKind::Alternation(parts) => Some((parts.clone(), true)),
        HirKind::Capture(group) => split(&group.sub),
        HirKind::Concat(parts) => {
            let choices = parts.iter().enumerate().filter_map(|(at, part)| Some((at, split(part)?)));
            let (at, (branches, is_in_order)) = choices.max_by_key(|(_, (branches, _))| branches.len())?;
            let (before, behind) = (&parts[..at], &parts[at + 1..]);
            let whole = |branch: Hir| Hir::concat([before, &[branch], behind].concat());
            Some((branches.into_iter().map(whole).collect(), is_in_order && before.iter().all(is_fixed)))
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// Whether a part matches in one way only at each place.
fn is_fixed(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => true,
        HirKind::Class(Class::Unicode(_))
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => false,
    }
}

/// Returns how many parts of a regex may go on through most of a line while others do: repetitions of nearly anything that
/// something follows.
pub(super) fn wandering(hir: &Hir) -> usize {
    count_wandering(hir, false)
}

fn count_wandering(hir: &Hir, is_followed: bool) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => 0,
        HirKind::Capture(group) => count_wandering(&group.sub, is_followed),
        HirKind::Repetition(repetition) => {
            let goes_on = is_followed && repetition.max.is_none() && is_big(&repetition.sub);
            usize::from(goes_on) + count_wandering(&repetition.sub, is_followed)
        }
        HirKind::Alternation(parts) => parts.iter().map(|part| count_wandering(part, is_followed)).sum(),
        HirKind::Concat(parts) => {
            let (mut is_followed, mut n) = (is_followed, 0);
            for part in parts.iter().rev() {
                n += count_wandering(part, is_followed);
                is_followed |= part.properties().maximum_len() != Some(0);
            }
            n
        }
    }
}

fn is_big(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(Class::Bytes(class)) => class.iter().map(|range| range.len()).sum::<usize>() >= BIG,
        HirKind::Class(Class::Unicode(class)) => class.iter().map(|range| range.len()).sum::<usize>() >= BIG,
        HirKind::Capture(group) => is_big(&group.sub),
        HirKind::Alternation(parts) => parts.iter().any(is_big),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Look(_) | HirKind::Repetition(_) | HirKind::Concat(_) => false,
    }
}
