//! Source texts, and places in them: byte spans, lines and columns.

use std::path::Path;
use std::sync::Arc;

/// Which text of a [`Sources`] is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u16);

/// A run of bytes in one text: `start <= end`, both offsets from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One behind the last byte.
    pub end: u32,
}

impl Span {
    /// Returns the span from `start` to `end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span { start: start as u32, end: end as u32 }
    }

    /// Returns the span as a range for indexing the text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A span in a certain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site {
    /// The text.
    pub source: SourceId,
    /// The bytes of it.
    pub span: Span,
}

/// Something together with the place where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was written.
    pub node: T,
    /// Where.
    pub span: Span,
}

/// One text: a flow, a device, a library.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    text: Arc<str>,
    shown: Arc<str>,
    line_starts: Vec<u32>,
}

impl Source {
    /// Makes a source from the name that messages show and its text.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Source {
        let text = text.into();
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1));
        Source { name: name.into(), shown: text.clone(), text, line_starts }
    }

    /// Returns the name that messages show: a path as the user wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the whole text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Returns the text as messages may show it: as long as the whole text, secrets in it covered with `*`.
    pub fn shown(&self) -> &Arc<str> {
        &self.shown
    }

    /// Returns the line and the column of a byte offset, both counted from 1, the column in characters.
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line - 1] as usize;
        let end = (offset as usize).min(self.text.len());
        let column = self.text.get(start..end).map_or(0, |t| t.chars().count());
        (line, column + 1)
    }
}

/// All texts of a program; a [`SourceId`] is valid for the `Sources` that gave it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    texts: Vec<Source>,
    /// Secrets that are covered wherever they stand; the longest first.
    hidden: Vec<String>,
}

/// Texts under so many bytes are covered only where they are known to be a secret.
const SHORTEST: usize = 4;

impl Sources {
    /// Adds a text and returns its id.
    pub fn add(&mut self, mut source: Source) -> SourceId {
        source.shown = covered(&source.shown, &self.hidden).into();
        self.texts.push(source);
        SourceId(self.texts.len() as u16 - 1)
    }

    /// Covers what stands at a place in what messages show of a source.
    pub fn cover(&mut self, id: SourceId, span: Span) {
        let source = &mut self.texts[id.0 as usize];
        let Some(text) = source.shown.get(span.range()) else { return };
        let stars: String = text.chars().map(star).collect();
        let mut shown = source.shown.to_string();
        shown.replace_range(span.range(), &stars);
        source.shown = shown.into();
    }

    /// Covers a secret wherever it stands in what messages show of the sources, and in [`Sources::covered`]. Texts under four
    /// bytes could be anything, and are not.
    pub fn hide(&mut self, secret: &[u8]) {
        let Ok(secret) = std::str::from_utf8(secret) else { return };
        if secret.trim().len() < SHORTEST || self.hidden.iter().any(|known| known == secret) {
            return;
        }
        self.hidden.push(secret.to_string());
        self.hidden.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for source in &mut self.texts {
            source.shown = covered(&source.shown, &self.hidden).into();
        }
    }

    /// Covers what is covered in other sources too.
    pub fn hide_all_of(&mut self, other: &Sources) {
        other.hidden.iter().for_each(|secret| self.hide(secret.as_bytes()));
    }

    /// Returns a message with the secrets covered that are covered in the sources.
    pub fn covered(&self, message: &str) -> String {
        covered(message, &self.hidden)
    }

    /// Returns the text of an id.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.texts[id.0 as usize]
    }

    /// Returns all texts in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.texts.iter().enumerate().map(|(i, s)| (SourceId(i as u16), s))
    }

    /// Returns `file:line:column` of the beginning of a site.
    pub fn place(&self, site: Site) -> String {
        let source = self.get(site.source);
        let (line, column) = source.line_column(site.span.start);
        format!("{}:{line}:{column}", source.name())
    }
}

/// Returns a text, as long as before, with secrets covered.
fn covered(text: &str, secrets: &[String]) -> String {
    let mut shown = text.to_string();
    for secret in secrets {
        if shown.contains(secret.as_str()) {
            shown = shown.replace(secret.as_str(), &secret.chars().map(star).collect::<String>());
        }
    }
    shown
}

/// Returns what covers a character, in as many bytes; blanks stay, so that lines and words do.
fn star(c: char) -> String {
    if c.is_whitespace() { c.to_string() } else { "*".repeat(c.len_utf8()) }
}

/// Returns what a file is called in whatever is shown or kept: with `/` between the parts of its path on every system.
pub fn name_of(path: &Path) -> String {
    let name = path.display().to_string();
    if cfg!(windows) { name.replace('\\', "/") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let source = Source::new("a.flow", "send \"é\"\n  expect");
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(8), (1, 8));
        assert_eq!(source.line_column(12), (2, 3));
        assert_eq!(source.line_column(99), (2, 9));
    }

    #[test]
    fn what_is_hidden_is_covered_in_texts_that_were_there_and_that_come_and_in_messages() {
        let mut sources = Sources::default();
        let first = sources.add(Source::new("a.flow", "secret k = \"hünter22\"\nsend \"hünter22\""));
        sources.hide("hünter22".as_bytes());
        sources.hide(b"to");
        let second = sources.add(Source::new("b.flow", "log \"to hünter22\""));
        assert_eq!(&**sources.get(first).shown(), "secret k = \"*********\"\nsend \"*********\"");
        assert_eq!(&**sources.get(second).shown(), "log \"to *********\"");
        assert_eq!(sources.covered("found `hünter22`"), "found `*********`");
        sources.cover(first, Span::new(0, 6));
        assert!(sources.get(first).shown().starts_with("****** k"));
        assert_eq!(sources.get(first).shown().len(), sources.get(first).text().len());
    }

    #[test]
    fn the_name_of_a_file_has_slashes_on_every_system() {
        assert_eq!(name_of(&Path::new("flows").join("lib").join("air.flow")), "flows/lib/air.flow");
        assert_eq!(name_of(Path::new("./a.flow")), "./a.flow");
    }
}
