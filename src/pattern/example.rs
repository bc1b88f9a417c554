//! A text that a regex matches, one of the shortest.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Puts a text that is matched behind another; returns whether there is one.
pub(super) fn push(hir: &Hir, example: &mut Vec<u8>) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => {
            example.extend_from_slice(&literal.0);
            true
        }
        HirKind::Class(class) => {
            let ranges: Vec<(u8, u8)> = match class {
                Class::Bytes(class) => class.iter().map(|range| (range.start(), range.end())).collect(),
                Class::Unicode(class) => {
                    let byte = |c: char| u8::try_from(c).unwrap_or(u8::MAX);
                    class.iter().map(|range| (byte(range.start()), byte(range.end()))).collect()
                }
            };
            let is_in = |byte: &u8| ranges.iter().any(|(first, last)| (*first..=*last).contains(byte));
            let usual = b"xX0 ".iter().copied().find(is_in).or(ranges.first().map(|(first, _)| *first));
            example.extend(usual);
            usual.is_some()
        }
        HirKind::Repetition(repetition) => (0..repetition.min).all(|_| push(&repetition.sub, example)),
        HirKind::Capture(capture) => push(&capture.sub, example),
        HirKind::Concat(parts) => parts.iter().all(|part| push(part, example)),
        HirKind::Alternation(parts) => parts.first().is_some_and(|part| push(part, example)),
    }
}
