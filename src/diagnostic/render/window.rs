//! `Window`: the columns of a source that an excerpt has room for.

use std::ops::Range;

/// So many columns stand before what is meant, if something is cut there.
const BEFORE: usize = 8;

/// A part of the columns of lines.
#[derive(Debug)]
pub(super) struct Window {
    /// Counted in characters.
    columns: Range<usize>,
    dots: &'static str,
}

impl Window {
    /// Returns the columns around those that are meant; `None` if there is room for the longest line.
    pub(super) fn around(meant: Range<usize>, longest: usize, room: usize, dots: &'static str) -> Option<Window> {
        if longest <= room {
            return None;
        }
        let n_dots = dots.chars().count();
        let is_near = meant.end + n_dots <= room;
        // It goes to the end of the line, if what is meant stands in its left half then: a label needs room too.
        let last = (longest + n_dots).saturating_sub(room).max(meant.start.saturating_sub(room / 2));
        let start = if is_near { 0 } else { meant.start.saturating_sub(BEFORE).min(last) };
        // As many columns are cut as the dots take, or more.
        let start = if start < n_dots { 0 } else { start };
        let before = if start > 0 { n_dots } else { 0 };
        let end = start + room.saturating_sub(before + n_dots).max(1);
        Some(Window { columns: start..end, dots })
    }

    /// Returns what is shown of a line.
    pub(super) fn show(&self, line: &str) -> String {
        let Range { start, end } = self.columns;
        let n_chars = line.chars().count();
        let kept: String = line.chars().skip(start).take(end - start).collect();
        let before = if start > 0 && n_chars > 0 { self.dots } else { "" };
        let behind = if n_chars > end { self.dots } else { "" };
        format!("{before}{kept}{behind}")
    }

    /// Returns where in what is shown the byte at an offset of a line stands.
    pub(super) fn place(&self, line: &str, offset: usize) -> usize {
        let column = line[..offset].chars().count().clamp(self.columns.start, self.columns.end);
        let before = if self.columns.start > 0 && !line.is_empty() { self.dots.len() } else { 0 };
        let kept: usize =
            line.chars().skip(self.columns.start).take(column - self.columns.start).map(char::len_utf8).sum();
        before + kept
    }

    /// Returns how many columns less a place has.
    pub(super) fn n_cut(&self) -> usize {
        if self.columns.start > 0 { self.columns.start - self.dots.chars().count() } else { 0 }
    }
}
