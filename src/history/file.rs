//! The file of records: a line of JSON for each run, whoever writes it, and however its process ends.

use std::io;
use std::path::Path;

use super::Record;
use super::json::{Line, line_of, read_line};
use crate::disk::{Reach, append_line, read_file};

/// The name of the file in its folder.
const FILE: &str = "runs.jsonl";
/// How large it may become; then it is made smaller.
const MOST: u64 = 8 << 20;
/// So many bytes of the newest records stay as they are then.
const WHOLE: usize = 4 << 20;
/// So many bytes of those before stay as verdicts, without times.
const SHORT: usize = 1 << 20;
/// How large a file is read that others have put together.
const LARGEST: u64 = 256 << 20;

/// What a file has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// The runs, in the order in which they began.
    pub records: Vec<Record>,
    /// How many lines are no records: cut off, or by somebody else.
    pub n_unreadable: usize,
    /// How many lines a newer flowrun wrote.
    pub n_newer: usize,
}

/// Adds the record of a run to the file in a folder.
///
/// # Errors
///
/// It could not be written.
pub(crate) fn append(folder: &Path, record: &Record) -> io::Result<()> {
    append_line(&folder.join(FILE), line_of(record).as_bytes(), MOST, |bytes| shrunk(bytes, WHOLE, SHORT))
}

/// Reads the file in a folder; without a file there are no runs.
///
/// # Errors
///
/// It cannot be read.
pub(crate) fn read(folder: &Path) -> io::Result<Past> {
    match read_file(&folder.join(FILE), Reach::Anywhere, LARGEST) {
        Ok(bytes) => Ok(past_of(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Past::default()),
        Err(error) => Err(error),
    }
}

fn past_of(bytes: &[u8]) -> Past {
    let mut past = Past::default();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match read_line(line) {
            Line::Run(record) => past.records.push(*record),
            Line::Newer => past.n_newer += 1,
            Line::Unreadable => past.n_unreadable += 1,
        }
    }
    // Runs that went on at once stand in the order of their ends.
    past.records.sort_by_key(|record| record.began);
    past
}

/// Returns what stays of a file: its newest lines as they are, those before as verdicts, and the oldest not at all.
fn shrunk(bytes: &[u8], whole: usize, short: usize) -> Vec<u8> {
    let begin = bytes.len().saturating_sub(whole);
    let begin = bytes[begin..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| begin + at + 1);
    let mut kept: Vec<String> = Vec::new();
    let mut n_bytes = 0;
    for line in bytes[..begin].split(|byte| *byte == b'\n').rev() {
        let Line::Run(record) = read_line(line) else { continue };
        let line = line_of(&Record { times: Vec::new(), measured: Vec::new(), ..*record });
        n_bytes += line.len();
        if n_bytes > short {
            break;
        }
        kept.push(line);
    }
    kept.reverse();
    [kept.concat().as_bytes(), &bytes[begin..]].concat()
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn what_was_written_is_read_again_and_torn_lines_are_passed_over() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        assert!(read(folder.path()).is_ok_and(|past| past.records.is_empty()));
        let (one, other) = (example(1), example(2));
        append(folder.path(), &other).and_then(|()| append(folder.path(), &one)).expect("there is room");
        let path = folder.path().join(FILE);
        let whole = std::fs::read(&path).expect("it is there");
        for cut in 0..line_of(&one).len() {
            std::fs::write(&path, &whole[..whole.len() - cut]).expect("there is room");
            let past = read(folder.path()).expect("it is there");
            // Without its line end only, a record is whole.
            let n = if cut <= 1 { 2 } else { 1 };
            assert_eq!((past.records.len(), past.n_newer), (n, 0), "{cut} bytes are missing");
        }
        append(folder.path(), &one).expect("there is room");
        let past = read(folder.path()).expect("it is there");
        assert_eq!((past.records, past.n_unreadable), (vec![one, other], 0), "mended, and in the order of time");
        let newer = b"{\"format\":\"flowrun run\",\"version\":2}\n{\"format\":\"other\"}\nx\n";
        std::fs::write(&path, newer).expect("there is room");
        let past = read(folder.path()).expect("it is there");
        assert_eq!((past.n_newer, past.n_unreadable), (1, 2));
    }

    #[test]
    fn old_runs_become_verdicts_and_the_oldest_go() {
        let lines: Vec<String> = (0..100).map(|n| line_of(&example(n))).collect();
        let bytes = lines.concat().into_bytes();
        let (size, short) =
            (lines[50].len(), line_of(&Record { times: Vec::new(), measured: Vec::new(), ..example(50) }));
        let past = past_of(&shrunk(&bytes, size * 40, short.len() * 20));
        let n_whole = past.records.iter().filter(|record| !record.times.is_empty()).count();
        assert!((39..=40).contains(&n_whole), "{n_whole}");
        let n = past.records.len();
        assert!((58..=61).contains(&n), "{n}");
        assert_eq!(past.records.last(), Some(&example(99)));
        assert_eq!(past.records[0].began, example(100 - n as i64).began, "none in between is missing");
        assert_eq!(past.n_unreadable, 0);
    }
}
