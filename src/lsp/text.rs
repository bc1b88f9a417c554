//! The text of a document under the positions of the protocol: lines, and UTF-16 units in them.

use std::sync::Arc;

use crate::source::Span;

/// A place between two characters; both numbers count from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position {
    /// The line.
    pub line: u32,
    /// How many UTF-16 units of the line stand before it.
    pub character: u32,
}

/// A piece of a text: `start <= end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Range {
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
}

/// A text whose lines are known; a line ends with LF, CR LF or CR.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    text: Arc<str>,
    /// Where each line begins; the first is 0.
    starts: Vec<u32>,
}

impl Text {
    /// Finds the lines of a text.
    pub(crate) fn new(text: impl Into<Arc<str>>) -> Text {
        let text = text.into();
        let bytes = text.as_bytes();
        let ends = bytes
            .iter()
            .enumerate()
            .filter(|(at, byte)| **byte == b'\n' || **byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        let starts = [0].into_iter().chain(ends.map(|(at, _)| at as u32 + 1)).collect();
        Text { text, starts }
    }

    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the text, to be kept.
    pub(crate) fn shared(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns the text of a span; empty if it is out of the text.
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Returns the byte that a position is before. What is behind the end of a line or of the text counts as its end.
    pub(crate) fn offset(&self, position: Position) -> usize {
        let Some(start) = self.starts.get(position.line as usize) else { return self.text.len() };
        let line = self.line(position.line);
        let mut units = 0;
        for (at, c) in line.char_indices() {
            if units >= position.character {
                return *start as usize + at;
            }
            units += c.len_utf16() as u32;
        }
        *start as usize + line.len()
    }

    /// Returns the position before a byte; one inside of a character counts as its beginning.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start as usize <= offset) - 1;
        let before = &self.text[self.starts[line] as usize..offset];
        Position { line: line as u32, character: before.chars().map(|c| c.len_utf16() as u32).sum() }
    }

    /// Returns where a span stands.
    pub(crate) fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.start as usize), end: self.position(span.end as usize) }
    }

    /// Returns the whole text as a range.
    pub(crate) fn whole(&self) -> Range {
        Range { start: Position::default(), end: self.position(self.text.len()) }
    }

    /// Returns a line without its end; empty if there is none.
    pub(crate) fn line(&self, line: u32) -> &str {
        let Some(start) = self.starts.get(line as usize) else { return "" };
        let end = self.starts.get(line as usize + 1).map_or(self.text.len(), |next| *next as usize);
        self.text[*start as usize..end].trim_end_matches(['\r', '\n'])
    }

    /// Returns where a line begins.
    pub(crate) fn start_of(&self, line: u32) -> usize {
        self.starts.get(line as usize).map_or(self.text.len(), |start| *start as usize)
    }

    /// Returns the text with something else in place of a piece of it.
    pub(crate) fn replaced(&self, range: Range, by: &str) -> Text {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        let (start, end) = (start.min(end), start.max(end));
        Text::new(format!("{}{by}{}", &self.text[..start], &self.text[end..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn positions_count_utf_16_units_and_lines_of_every_kind() {
        let text = Text::new("send \"é😀x\"\r\nlog 1\rlog 2\n");
        assert_eq!(text.offset(at(0, 6)), 6);
        assert_eq!(text.offset(at(0, 7)), 8);
        assert_eq!(text.offset(at(0, 9)), 12);
        assert_eq!(text.position(12), at(0, 9));
        assert_eq!((text.line(1), text.line(2), text.line(3), text.starts.len()), ("log 1", "log 2", "", 4));
        for offset in text.as_str().char_indices().map(|(offset, _)| offset).filter(|offset| *offset != 15) {
            assert_eq!(text.offset(text.position(offset)), offset);
        }
    }

    #[test]
    fn what_is_out_of_the_text_counts_as_its_end() {
        let text = Text::new("ab\ncd");
        assert_eq!(text.offset(at(0, 99)), 2);
        assert_eq!(text.offset(at(9, 0)), 5);
        assert_eq!(text.position(99), at(1, 2));
    }

    #[test]
    fn a_piece_is_replaced_also_if_its_ends_are_the_wrong_way_round() {
        let text = Text::new("a😀b\nc");
        let range = |start, end| Range { start, end };
        assert_eq!(text.replaced(range(at(0, 1), at(0, 3)), "x").as_str(), "axb\nc");
        assert_eq!(text.replaced(range(at(1, 0), at(0, 3)), "").as_str(), "a😀c");
    }
}
