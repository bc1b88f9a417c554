//! `HistoryFile`: the lines that were typed for a device, kept for the next session; only its owner can read it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::disk::{empty_private, make_private_folder};
use crate::term::{History, MOST_IN_HISTORY};
use crate::value::escape::harmless;

/// So much of a history is read.
const LARGEST: usize = 4 << 20;

/// A history on disk.
pub(super) struct HistoryFile {
    file: Option<File>,
}

impl HistoryFile {
    /// Reads the history of a device, below a folder; without a folder nothing is kept.
    ///
    /// # Errors
    ///
    /// That of the system: the session can do without it.
    pub(super) fn open(folder: Option<&Path>, label: &str) -> io::Result<(History, HistoryFile)> {
        let Some(folder) = folder else { return Ok((History::default(), HistoryFile { file: None })) };
        let folder = folder.join("flowrun").join("history");
        make_private_folder(&folder)?;
        let path: PathBuf = folder.join(format!("{}.txt", file_name(label)));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LARGEST)..]).into_owned();
        let n_lines = text.lines().count();
        let history = History::of(text.lines().map(ToString::to_string));
        let file = if n_lines > 2 * MOST_IN_HISTORY || bytes.is_empty() {
            let mut file = empty_private(&path)?;
            let kept: String = (0..history.len()).map(|at| history.line(at).to_string() + "\n").collect();
            file.write_all(kept.as_bytes())?;
            file
        } else {
            File::options().append(true).open(&path)?
        };
        Ok((history, HistoryFile { file: Some(file) }))
    }

    /// Keeps a line.
    ///
    /// # Errors
    ///
    /// That of the system; nothing more is kept then.
    pub(super) fn keep(&mut self, line: &str) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(format!("{}\n", harmless(line)).as_bytes()).inspect_err(|_| self.file = None)
    }
}

/// Returns a name of a file for a label.
fn file_name(label: &str) -> String {
    let clear = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let name: String = label.chars().map(clear).take(120).collect();
    name.trim_start_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_there_in_the_next_session_and_of_each_device_apart() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let open = |label: &str| HistoryFile::open(Some(folder.path()), label).expect("there is room");
        let (_, mut file) = open("/dev/ttyUSB0");
        ["AT", "ATI"].iter().for_each(|line| file.keep(line).expect("there is room"));
        let (history, _) = open("/dev/ttyUSB0");
        assert_eq!((history.len(), history.line(1)), (2, "ATI"));
        assert_eq!(open("/dev/ttyUSB1").0.len(), 0);
    }

    #[test]
    fn a_long_history_is_cut_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let (_, mut file) = HistoryFile::open(Some(folder.path()), "x").expect("there is room");
        (0..=2 * MOST_IN_HISTORY).for_each(|n| file.keep(&n.to_string()).expect("there is room"));
        let (history, _) = HistoryFile::open(Some(folder.path()), "x").expect("there is room");
        assert_eq!(history.len(), MOST_IN_HISTORY);
        let path = folder.path().join("flowrun/history/x.txt");
        assert_eq!(fs::read_to_string(path).expect("it is there").lines().count(), MOST_IN_HISTORY);
    }
}
