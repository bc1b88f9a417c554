//! `Sheet`: rows of values from a file as spreadsheets and databases export them, a run for each.
//!
//! The first row has the names of the columns. Cells are parted by commas, semicolons or tabs: what the first row has most of
//! counts. The text is UTF-8, or UTF-16 with a byte-order mark. [`check()`] joins the rows with the params of a flow, and
//! [`ResultsFile`] keeps what came of each.

mod check;
mod results;

use std::path::Path;

use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{LARGEST_TEXT, Reach, read_file};
use crate::source::name_of;
use crate::value::escape::{harmless, visible_cut};

pub(crate) use check::{Unit, check};
pub(crate) use results::{Ended, Layout, Opened, Past, ResultsFile};

/// The column that says on which port a row runs.
pub(crate) const PORT: &str = "port";

/// Of what is shown of a cell.
const SHOWN_AT_MOST: usize = 60;

/// A file of rows.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    /// What the user calls the file, for messages.
    pub name: String,
    /// The names of the columns, each once.
    pub columns: Vec<String>,
    /// Each has as many cells as there are columns.
    pub rows: Vec<Row>,
}

/// A row.
#[derive(Clone)]
pub(crate) struct Row {
    /// The first row below the names is 1.
    pub number: usize,
    /// The line of the file that it begins in.
    pub line: u64,
    /// What stands in it; perhaps a secret.
    pub cells: Vec<String>,
}

impl Sheet {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with its form. No message shows a cell.
    pub(crate) fn read(path: &Path) -> Result<Sheet, Vec<Diagnostic>> {
        let name = harmless(name_of(path));
        let unreadable = |why: String| vec![problem(format!("`{name}` cannot be read: {why}"))];
        let bytes = read_file(path, Reach::Anywhere, LARGEST_TEXT).map_err(|error| unreadable(words(&error)))?;
        Sheet::parse(&bytes, name)
    }

    /// Reads the content of a file with a name that is shown.
    fn parse(bytes: &[u8], name: String) -> Result<Sheet, Vec<Diagnostic>> {
        let text = text_of(bytes).map_err(|why| {
            let help = "save it as CSV in UTF-8: most programs call that `CSV UTF-8`";
            vec![problem(format!("`{name}` cannot be read: {why}")).help(help)]
        })?;
        let (below, delimiter) = delimiter_of(&text);
        if let Some((line, what, help)) = wrong_quote(&text, text.len() - below.len(), delimiter) {
            return Err(vec![problem(format!("a quote that begins in line {line} of `{name}` {what}")).help(help)]);
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(below.as_bytes());
        let mut lines = Lines { text: &text, at: 0, line: 1 };
        let mut records = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|_| vec![problem(format!("`{name}` cannot be read: it is not CSV"))])?;
            let begin = record.position().map_or(0, |position| position.byte() as usize);
            let line = lines.of(text.len() - below.len() + begin);
            records.push((line, record));
        }
        let mut records = records.into_iter();
        let Some((_, head)) = records.next() else {
            return Err(vec![problem(format!("`{name}` is empty")).help("its first row has the names of the columns")]);
        };
        Sheet::of_records(name, &head, records)
    }

    fn of_records(
        name: String,
        head: &csv::StringRecord,
        records: impl Iterator<Item = (u64, csv::StringRecord)>,
    ) -> Result<Sheet, Vec<Diagnostic>> {
        let mut columns: Vec<String> = head.iter().map(|name| name.trim().to_string()).collect();
        // A last delimiter of each row makes columns that nobody wants.
        while columns.last().is_some_and(String::is_empty) {
            columns.pop();
        }
        let mut problems: Vec<Diagnostic> = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            if column.is_empty() {
                let message = format!("column {} of `{name}` has no name", at + 1);
                problems.push(problem(message).help("the first row has the names of the columns"));
            } else if columns[..at].contains(column) {
                let message = format!("`{name}` has two columns `{}`", shown(column));
                problems.push(problem(message).help("leave one of them out"));
            }
        }
        let mut rows = Vec::new();
        let mut wrong = Vec::new();
        for (line, record) in records {
            let mut cells: Vec<String> = record.iter().map(str::to_string).collect();
            if cells.iter().all(String::is_empty) {
                continue;
            }
            while cells.len() > columns.len() && cells.last().is_some_and(String::is_empty) {
                cells.pop();
            }
            let row = Row { number: rows.len() + 1, line, cells };
            if row.cells.len() != columns.len() {
                wrong.push(format!("{}: {}", row.place(), counted(row.cells.len(), "cell")));
            }
            rows.push(row);
        }
        if !wrong.is_empty() {
            let verb = if wrong.len() == 1 { "has" } else { "have" };
            let (n, wanted) = (counted(wrong.len(), "row"), counted(columns.len(), "column"));
            let message = format!("{n} of `{name}` {verb} another number of cells than there are columns: {wanted}");
            problems.push(problem(message).help(wrong.join("\n")));
        }
        if rows.is_empty() && problems.is_empty() {
            problems.push(problem(format!("`{name}` has no row below the names of its columns")));
        }
        if problems.is_empty() { Ok(Sheet { name, columns, rows }) } else { Err(problems) }
    }

    /// Returns the place of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Returns what the rows say of their ports, each once, in the order of the rows; `None` if no column says it.
    pub(crate) fn ports(&self) -> Option<Vec<String>> {
        let at = self.column(PORT)?;
        let mut ports: Vec<String> = Vec::new();
        for row in self.rows.iter().filter(|row| !row.cells[at].is_empty()) {
            if !ports.contains(&row.cells[at]) {
                ports.push(row.cells[at].clone());
            }
        }
        Some(ports)
    }
}

/// Counts the lines of a text, from place to place.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// Returns the line of the first row that begins at a place or behind empty lines there. Places never go back.
    fn of(&mut self, place: usize) -> u64 {
        let rest = &self.text.as_bytes()[place..];
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let place = place + blank;
        self.line += self.text.as_bytes()[self.at..place].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = place;
        self.line
    }
}

impl Row {
    /// Returns where it is, for messages.
    fn place(&self) -> String {
        format!("row {} (line {})", self.number, self.line)
    }
}

impl std::fmt::Debug for Row {
    /// Writes everything but the cells, which may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").field("number", &self.number).field("line", &self.line).finish_non_exhaustive()
    }
}

/// Returns the text in a file, without a byte-order mark.
fn text_of(bytes: &[u8]) -> Result<String, String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks(2).map(|two| unit([two[0], two.get(1).copied().unwrap_or(0)])).collect();
        String::from_utf16(&units).map_err(|_| "it begins like UTF-16, but it is not".to_string())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        bytes if bytes.contains(&0) => Err("it has zero bytes, as UTF-16 without a byte-order mark".to_string()),
        bytes => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            std::str::from_utf8(bytes).map(str::to_string).map_err(|error| {
                let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
                format!("line {line} is not UTF-8")
            })
        }
    }
}

/// Returns the text from the names on, and what parts its cells: what `sep=;` says in a line before them, or what the names have
/// most of outside quotes.
fn delimiter_of(text: &str) -> (&str, u8) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(said) = first.trim_end().strip_prefix("sep=").filter(|said| said.len() == 1) {
        return (rest, said.as_bytes()[0]);
    }
    let mut is_quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in text.bytes() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            other if !is_quoted => counts.iter_mut().filter(|(of, _)| *of == other).for_each(|(_, n)| *n += 1),
            _ => {}
        }
    }
    // Of equals the first.
    let best = counts.iter().rev().max_by_key(|(_, n)| *n).map_or(b',', |(of, _)| *of);
    (text, best)
}

/// Returns the first cell in quotes that is not as it must be, from a place on: the line that it begins in, what is wrong, what
/// to do.
fn wrong_quote(text: &str, from: usize, delimiter: u8) -> Option<(usize, &'static str, &'static str)> {
    let bytes = text.as_bytes();
    let line_of = |at: usize| bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let mut at = from;
    while at < bytes.len() {
        if bytes[at] == b'"' {
            let begin = at;
            // The next quote ends the cell, unless it is doubled.
            loop {
                let Some(length) = bytes[at + 1..].iter().position(|byte| *byte == b'"') else {
                    return Some((line_of(begin), "is not closed", "write `\"\"` for a quote in a quoted cell"));
                };
                at += 1 + length;
                if bytes.get(at + 1) != Some(&b'"') {
                    break;
                }
                at += 1;
            }
            at += 1;
            if bytes.get(at).is_some_and(|byte| *byte != delimiter && !matches!(byte, b'\r' | b'\n')) {
                let help = "quote the whole cell, and write `\"\"` for a quote in it";
                return Some((line_of(begin), "is closed before the end of its cell", help));
            }
        }
        // The rest of the cell.
        let length = bytes[at..].iter().position(|byte| *byte == delimiter || *byte == b'\n');
        at += length.map_or(bytes.len() - at, |length| length + 1);
    }
    None
}

/// Returns what an error of the system is in words.
fn words(error: &std::io::Error) -> String {
    let is_missing = error.kind() == std::io::ErrorKind::NotFound;
    if is_missing { "there is no such file".to_string() } else { error.to_string() }
}

fn problem(message: impl Into<String>) -> Diagnostic {
    Diagnostic::general(Code::CommandLine, message)
}

/// Returns the name of a column, or the value in a cell, as messages show it.
fn shown(text: &str) -> String {
    visible_cut(text.as_bytes(), SHOWN_AT_MOST)
}

/// Returns a number with its noun.
fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests;
