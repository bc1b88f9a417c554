//! `Recording::masked`: a recording that is already there, with names in place of further secrets.

use std::sync::Arc;

use super::forms::{Forms, put_bytes};
use super::{Entry, EntryKind, Piece, Recording};
use crate::secret::Stream;

/// Stands for a secret that has its name already: it is no part of another.
const NAMED: u8 = 0;

/// Which of the bytes of an entry are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Sent,
    Received,
}

impl Recording {
    /// Returns it with names in place of these secrets, in whatever form, also where one came in two reads. Variables and what the
    /// run is about are left out if a secret stands in them, and the title names it. All is of one port.
    #[must_use]
    pub fn masked(&self, secrets: &[(Arc<str>, Vec<u8>)]) -> Recording {
        let forms = Forms::of(secrets);
        let mut recording = self.clone();
        recording.title = forms.redactor().clean_text(&self.title);
        for named in [&mut recording.about, &mut recording.variables] {
            named.retain(|(_, value)| !forms.stand_in(value.as_bytes()));
        }
        for way in [Way::Sent, Way::Received] {
            mask(&mut recording.entries, way, &forms);
        }
        recording
    }
}

fn pieces_of(entry: &mut Entry, way: Way) -> Option<&mut Vec<Piece>> {
    match &mut entry.kind {
        EntryKind::Sent { bytes, .. } => (way == Way::Sent).then_some(bytes),
        EntryKind::Received { bytes } => (way == Way::Received).then_some(bytes),
        EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => None,
    }
}

fn mask(entries: &mut [Entry], way: Way, forms: &Forms) {
    let mut all = Vec::new();
    for pieces in entries.iter_mut().filter_map(|entry| pieces_of(entry, way)) {
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => all.extend_from_slice(bytes),
                Piece::Secret(_) => all.push(NAMED),
            }
        }
    }
    let mut stream = Stream::default();
    let part = stream.feed(&all, forms.redactor());
    let regions = stream.regions(&part);
    let mut at = 0;
    for pieces in entries.iter_mut().filter_map(|entry| pieces_of(entry, way)) {
        let mut masked = Vec::new();
        for piece in std::mem::take(pieces) {
            let n = match &piece {
                Piece::Bytes(bytes) => bytes.len(),
                Piece::Secret(_) => 1,
            };
            let (from, to) = (at, at + n);
            at = to;
            if let Piece::Secret(_) = piece {
                masked.push(piece);
                continue;
            }
            let mut next = from;
            for region in &regions {
                let (start, end) = (region.range.start as usize, region.range.end as usize);
                if end <= next || start >= to {
                    continue;
                }
                if start >= from {
                    if start > next {
                        put_bytes(&all[next..start], &mut masked);
                    }
                    forms.put_masks(region.secret, &all[start..end], &mut masked);
                }
                next = end.min(to);
            }
            if next < to {
                put_bytes(&all[next..to], &mut masked);
            }
        }
        *pieces = masked;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "flowrun recording 2\ntitle \"log in with hunter22\"\nseed 1\nbegun 1\nvariable word \"hunter22\"\n";

    #[test]
    fn a_secret_that_came_in_two_reads_stands_in_the_first() {
        let body =
            "0.000000000 > +0.000000000 \"hunter22\\n\"\n0.100000000 < \"it is hun\"\n0.200000000 < \"ter22.\"\n";
        let recording = Recording::read(&format!("{HEAD}{body}")).expect("it is right");
        let text = recording.masked(&[(Arc::from("word"), b"hunter22".to_vec())]).render();
        assert!(!text.contains("hun") && !text.contains("ter22"), "{text}");
        assert!(text.contains("> +0.000000000 \"«word/plain#8»\\n\""), "{text}");
        assert!(text.contains("< \"it is «word/plain#8»\"\n0.200000000 < \".\"\n"), "{text}");
    }

    #[test]
    fn what_is_named_already_stays_and_other_forms_are_found() {
        let body = "0.000000000 < \"«pin/plain#4»hunter2268756e7465723232\"\n";
        let recording = Recording::read(&format!("{HEAD}{body}")).expect("it is right");
        let text = recording.masked(&[(Arc::from("word"), b"hunter22".to_vec())]).render();
        assert!(text.ends_with("< \"«pin/plain#4»«word/plain#8»«word/hex#16»\"\n"), "{text}");
    }
}
