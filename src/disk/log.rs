//! A file that grows by whole lines, from several processes at once, and stays within a size.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::{put, remove_remains, with_suffix};

/// How much is looked at in one turn for the end of the last whole line.
const STRIDE: u64 = 4096;
/// How often a lock that somebody else has is tried, and how long is between two turns: 5 s in all. A line takes far less.
const LOCK_TURNS: u32 = if cfg!(test) { 5 } else { 500 };
const LOCK_TURN: Duration = Duration::from_millis(10);

/// Adds a line to a file, and makes the file if it is not there. The line ends in `\n` and has no other.
///
/// Whoever adds a line has a lock on `NAME.lock` meanwhile. A line without an end is one that was being written when its process
/// was killed: it is removed. Above `most` bytes, the file gets the content that `shrink` makes of it, as a whole or not at all.
///
/// # Errors
///
/// The line is not in the file: it cannot be written, or what has its name is no file.
pub(crate) fn append_line(
    path: &Path,
    line: &[u8],
    most: u64,
    shrink: impl FnOnce(&[u8]) -> Vec<u8>,
) -> io::Result<()> {
    let lock = with_suffix(path, ".lock");
    refuse_other(&lock)?;
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(lock)?;
    wait_for(&lock)?;
    refuse_other(path)?;
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let length = mend(&mut file)?;
    if let Err(error) = file.write_all(line) {
        // The first error is told. If this fails too, the next process removes the line.
        let _ = file.set_len(length);
        return Err(error);
    }
    if length + line.len() as u64 <= most {
        return Ok(());
    }
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    remove_remains(path);
    put(path, shrink(&bytes))
}

/// Waits until nobody else has the lock. Where files cannot be locked, one write at the end of the file must do.
#[expect(
    clippy::disallowed_methods,
    reason = "the run is over: no world waits, and another process has the lock for a moment"
)]
fn wait_for(lock: &File) -> io::Result<()> {
    for _ in 0..LOCK_TURNS {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_TURN),
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(()),
        }
    }
    let why = "another process has had its lock for 5 s";
    Err(io::Error::new(io::ErrorKind::TimedOut, why))
}

/// Removes what follows the last whole line; returns how long the file is then.
fn mend(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut end = length;
    while end > 0 {
        let begin = end.saturating_sub(STRIDE);
        file.seek(SeekFrom::Start(begin))?;
        let mut bytes = Vec::new();
        Read::by_ref(file).take(end - begin).read_to_end(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            end = begin + at as u64 + 1;
            break;
        }
        end = begin;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(end)
}

/// Refuses what is there and is no file: a link may lead to a file that is for something else.
fn refuse_other(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is a link, or no file")))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u64 = 100;

    fn add(path: &Path, line: &str) -> io::Result<()> {
        append_line(path, line.as_bytes(), MOST, |bytes| bytes[bytes.len() - 20..].to_vec())
    }

    #[test]
    fn a_torn_line_is_removed_wherever_it_was_cut() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("log");
        let torn = format!("{{{}", "x".repeat(10_000));
        for cut in [0, 1, 7, 4095, 4096, 4097, 10_001] {
            fs::write(&path, format!("one\ntwo\n{}", &torn[..cut])).expect("there is room");
            append_line(&path, b"three\n", u64::MAX, <[u8]>::to_vec).expect("there is room");
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), Some("one\ntwo\nthree\n"), "cut at {cut}");
            fs::write(&path, &torn[..cut]).expect("there is room");
            append_line(&path, b"three\n", u64::MAX, <[u8]>::to_vec).expect("there is room");
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), Some("three\n"), "nothing but {cut} bytes");
        }
    }

    #[test]
    fn a_file_shrinks_when_it_is_too_large_and_not_before() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("log");
        for n in 0..10 {
            add(&path, &format!("line {n:>4}\n")).expect("there is room");
        }
        assert_eq!(fs::metadata(&path).map(|found| found.len()).ok(), Some(MOST));
        add(&path, "the last\n").expect("there is room");
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), Some("\nline    9\nthe last\n"));
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let (path, other) = (folder.path().join("log"), folder.path().join("other"));
        fs::write(&other, "mine").expect("there is room");
        for name in ["log", "log.lock"] {
            let link = folder.path().join(name);
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(&other, &link).expect("a link can be made");
            let why = add(&path, "line\n").expect_err("it is refused").to_string();
            assert_eq!(why, format!("`{name}` is a link, or no file"));
            fs::remove_file(link).expect("it is ours");
        }
        assert_eq!(fs::read_to_string(&other).ok().as_deref(), Some("mine"));
    }

    #[test]
    fn a_lock_that_somebody_keeps_is_told_and_not_waited_for_without_end() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("log");
        let other = File::create(folder.path().join("log.lock")).expect("it can be made");
        other.lock().expect("nobody has it");
        let error = append_line(&path, b"a\n", 1000, <[u8]>::to_vec).expect_err("the lock is kept");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(other);
        append_line(&path, b"a\n", 1000, <[u8]>::to_vec).expect("nobody has the lock any more");
    }
}
