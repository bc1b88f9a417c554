//! `ResultsFile`: what came of each row, a line each, on disk before anybody is told.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::counted;
use crate::disk::sync_folder;
use crate::value::escape::harmless;

/// The columns that every file of results has before those of the rows.
const BEFORE: [&str; 5] = ["row", "port", "verdict", "step", "reason"];
/// The columns that it has after all others.
const AFTER: [&str; 8] = ["started", "seconds", "host", "user", "flowrun", "seed", "flow_digest", "row_digest"];

/// How large a file of results may be that a run goes on with.
const LARGEST: u64 = 256 << 20;

/// Which columns a file of results has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The columns of the rows.
    rows: Vec<String>,
    /// What a run records: measurements, then what it saves; what is a column of the rows already is left out.
    recorded: Vec<String>,
}

/// A run that is over.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ended {
    pub number: usize,
    pub port: String,
    pub verdict: String,
    /// The step that it ended in, and those around it.
    pub step: String,
    /// Why it failed; empty if it did not.
    pub reason: String,
    /// The cells of its row, as they may be shown.
    pub cells: Vec<String>,
    /// What it recorded: names and values, as they may be shown.
    pub recorded: Vec<(String, String)>,
    /// When it began, in UTC.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: String,
    /// The machine that it ran on.
    pub host: String,
    /// The user who ran it.
    pub user: String,
    /// The version of flowrun.
    pub version: String,
    /// The seed of everything random.
    pub seed: u64,
    /// The digest of the flow.
    pub flow: String,
    /// The digest of the row.
    pub id: String,
}

/// What is in a file already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Past {
    pub verdict: String,
    pub flow: String,
    pub id: String,
}

/// What becomes of a file that is already there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It is left alone: that is an error.
    New,
    /// The run goes on with it.
    Resumed,
}

/// A file of results that is open; no other process writes it meanwhile.
#[derive(Debug)]
pub(crate) struct ResultsFile {
    file: File,
    layout: Layout,
    /// How long it is, without what could not be written whole.
    length: u64,
}

impl Layout {
    /// Makes a layout for rows with these columns, whose runs record this.
    pub(crate) fn new(rows: &[String], recorded: &[String]) -> Layout {
        let mut names: Vec<String> = Vec::new();
        for name in recorded {
            if !rows.contains(name) && !names.contains(name) {
                names.push(name.clone());
            }
        }
        let rows = rows.iter().filter(|name| *name != super::PORT).cloned().collect();
        Layout { rows, recorded: names }
    }

    /// Returns the first line. A column of the rows that is called as one of ours has `row.` before its name.
    fn head(&self) -> Vec<String> {
        let others = self.rows.iter().chain(&self.recorded).map(|name| {
            let is_ours = BEFORE.contains(&name.as_str()) || AFTER.contains(&name.as_str());
            if is_ours { format!("row.{name}") } else { name.clone() }
        });
        BEFORE.iter().map(ToString::to_string).chain(others).chain(AFTER.iter().map(ToString::to_string)).collect()
    }

    /// Returns the line of a run. No line end is in a cell, so that a line is whole if its end is there.
    fn line(&self, ended: &Ended) -> Vec<u8> {
        let recorded = self.recorded.iter().map(|name| {
            let found = ended.recorded.iter().rev().find(|(known, _)| known == name);
            found.map_or("", |(_, value)| value)
        });
        let number = ended.number.to_string();
        let before = [&number, &ended.port, &ended.verdict, &ended.step, &ended.reason].map(String::as_str);
        let seed = ended.seed.to_string();
        let Ended { started, seconds, host, user, version, flow, id, .. } = ended;
        let after = [started, seconds, host, user, version, &seed, flow, id].map(String::as_str);
        let cells = before.into_iter().chain(ended.cells.iter().map(String::as_str)).chain(recorded).chain(after);
        record(cells.map(harmless).map(no_formula))
    }
}

/// Returns a cell that no spreadsheet takes for a formula: a device or a list may say `=HYPERLINK(…)`. A number stays one.
fn no_formula(cell: String) -> String {
    let is_formula = cell
        .trim_start_matches(' ')
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let is_number =
        cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && cell.parse::<f64>().is_ok();
    if is_formula && !is_number { format!("'{cell}") } else { cell }
}

/// Returns the line of a CSV file with these cells.
fn record(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    writer.write_record(cells).expect("memory takes everything");
    writer.into_inner().expect("memory takes everything")
}

impl ResultsFile {
    /// Opens a file and returns what is in it already. A line without an end is one that was being written when the process was
    /// killed: it is removed.
    ///
    /// # Errors
    ///
    /// What is in the way, in words for the user.
    pub(crate) fn open(path: &Path, layout: Layout, opened: Opened) -> Result<(ResultsFile, Vec<Past>), String> {
        let failed = |error: io::Error| super::words(&error);
        match fs::metadata(path) {
            Ok(found) if !found.is_file() => return Err("it is not a file".to_string()),
            Ok(found) if found.len() > 0 && opened == Opened::New => {
                return Err("it is already there: `--resume` continues it".to_string());
            }
            Ok(found) if found.len() > LARGEST => return Err("it is larger than 256 MiB".to_string()),
            Ok(_) | Err(_) => {}
        }
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        if let Err(fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err("another process is writing it".to_string());
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let head = layout.head();
        // Only the beginning of our own first line is one that was being written.
        if whole == 0 && !record(head.iter().cloned()).starts_with(&bytes) {
            return Err(format!("its columns are others than `{}`", head.join(",")));
        }
        let past = read(&bytes[..whole], &head)?;
        let length = whole as u64;
        file.set_len(length).and_then(|()| file.seek(SeekFrom::Start(length))).map_err(failed)?;
        let mut results = ResultsFile { file, layout, length };
        if whole == 0 {
            results.write(&record(head.into_iter())).and_then(|()| sync_folder(path)).map_err(failed)?;
        }
        Ok((results, past))
    }

    /// Writes the lines of runs that are over; they are on disk when this returns.
    ///
    /// # Errors
    ///
    /// They could not be written. None of them is in the file then.
    pub(crate) fn keep(&mut self, ended: &[Ended]) -> io::Result<()> {
        let lines: Vec<u8> = ended.iter().flat_map(|ended| self.layout.line(ended)).collect();
        self.write(&lines)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.length += bytes.len() as u64,
            Err(_) => {
                // The first error is told. If this fails too, a line without an end is removed by the next run.
                let _ = self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length)));
            }
        }
        written
    }
}

/// Reads the lines of a file that has these columns.
fn read(bytes: &[u8], head: &[String]) -> Result<Vec<Past>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_string())?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = reader.records();
    let first = records.next().transpose().map_err(|_| "it is not CSV".to_string())?;
    let Some(first) = first else { return Ok(Vec::new()) };
    if first.iter().ne(head.iter().map(String::as_str)) {
        return Err(format!("its columns are others than `{}`", head.join(",")));
    }
    let place = |name: &str| head.iter().position(|column| column == name).unwrap_or_default();
    let (verdict, flow, id) = (place("verdict"), place("flow_digest"), place("row_digest"));
    let mut past = Vec::new();
    for (number, record) in (2..).zip(records) {
        let record = record.map_err(|_| format!("line {number} is not CSV"))?;
        if record.len() != head.len() {
            return Err(format!("line {number} has {}, and there are {}", counted(record.len(), "cell"), head.len()));
        }
        let cell = |at: usize| record[at].to_string();
        past.push(Past { verdict: cell(verdict), flow: cell(flow), id: cell(id) });
    }
    Ok(past)
}
