//! Files that are read: regular ones only, so many bytes at the most, and below a folder if another file names them.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How large a file may be that people write: a flow, a device, a library, a snapshot, a file of variables.
pub(crate) const LARGEST_TEXT: u64 = 8 * MEBIBYTE;

/// How large a file may be that a variable holds.
pub(crate) const LARGEST_VALUE: u64 = MEBIBYTE;
/// The largest file that a flow gets from the command line.
pub(crate) const LARGEST_FILE: u64 = 16 * MEBIBYTE;

/// How large a recording may be: hours of a line that is never quiet.
pub(crate) const LARGEST_RECORDING: u64 = 256 * MEBIBYTE;

/// With less room than this, the standard library tries a read into a buffer of its own first.
const SHORTEST_READ: usize = 32;

const MEBIBYTE: u64 = 1024 * 1024;

/// Where a file may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach<'a> {
    /// Anywhere: the command line names it.
    Anywhere,
    /// In this folder or below it, wherever links lead: another file names it.
    Below(&'a Path),
}

/// Reads a regular file of at most so many bytes. Nothing else is opened: a FIFO would make the program wait, and a device
/// may do something when it is opened.
///
/// # Errors
///
/// It is not there, is no regular file, is too large, or is out of reach.
pub(crate) fn read_file(path: &Path, reach: Reach<'_>, largest: u64) -> io::Result<Vec<u8>> {
    let within;
    let path = match reach {
        Reach::Anywhere => path,
        Reach::Below(folder) => {
            within = below(folder, path)?;
            &within
        }
    };
    let (file, size) = open_sized(path)?;
    // With room for all of it and for the end, two reads are enough.
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(largest)).unwrap_or(0).saturating_add(SHORTEST_READ));
    file.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest { Err(too_large(largest)) } else { Ok(bytes) }
}

/// Opens a regular file.
///
/// # Errors
///
/// It is not there, or is no regular file.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    open_sized(path).map(|(file, _)| file)
}

/// Opens a regular file, and says how many bytes are in it.
fn open_sized(path: &Path) -> io::Result<(File, u64)> {
    refuse_other(&fs::metadata(path)?)?;
    let file = open_at_once(path)?;
    // Somebody may have put something else in its place.
    let found = file.metadata()?;
    refuse_other(&found)?;
    Ok((file, found.len()))
}

/// Returns where a file really is, if that is in a folder or below it.
///
/// # Errors
///
/// It is not there, or a link leads out of the folder.
pub(crate) fn below(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let whole = fs::canonicalize(path)?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if whole.starts_with(fs::canonicalize(folder)?) {
        Ok(whole)
    } else {
        Err(refused("a link leads out of the folder".to_string()))
    }
}

/// Returns the error for more than so many bytes.
pub(crate) fn too_large(largest: u64) -> io::Error {
    refused(format!("it is larger than {} MiB", largest / MEBIBYTE))
}

fn refused(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn refuse_other(found: &Metadata) -> io::Result<()> {
    if found.is_file() { Ok(()) } else { Err(refused(format!("it is {}, not a file", kind(found)))) }
}

#[cfg(unix)]
fn kind(found: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

#[cfg(not(unix))]
fn kind(found: &Metadata) -> &'static str {
    if found.is_dir() { "a folder" } else { "a device" }
}

/// Opens what was a file when it was looked at, without waiting if it is a FIFO now.
#[cfg(unix)]
fn open_at_once(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open_at_once(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(read: io::Result<Vec<u8>>) -> String {
        read.expect_err("it is refused").to_string()
    }

    #[test]
    fn a_file_is_read_up_to_its_limit_and_not_beyond() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("a.flow");
        fs::write(&path, vec![b'a'; MEBIBYTE as usize]).expect("the test's file can be written");
        assert_eq!(read_file(&path, Reach::Anywhere, MEBIBYTE).map(|bytes| bytes.len()).ok(), Some(MEBIBYTE as usize));
        File::options().write(true).open(&path).and_then(|file| file.set_len(1 << 40)).expect("it can have a hole");
        assert_eq!(why(read_file(&path, Reach::Anywhere, MEBIBYTE)), "it is larger than 1 MiB");
        assert_eq!(why(read_file(folder.path(), Reach::Anywhere, MEBIBYTE)), "it is a folder, not a file");
        let missing = read_file(&folder.path().join("no"), Reach::Anywhere, MEBIBYTE).expect_err("it is not there");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_but_a_file_is_opened() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo can be started");
        assert!(made.success());
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).expect("there is room");
        assert_eq!(why(read_file(&pipe, Reach::Anywhere, 1)), "it is a FIFO, not a file");
        assert_eq!(why(read_file(&folder.path().join("socket"), Reach::Anywhere, 1)), "it is a socket, not a file");
        assert_eq!(why(read_file(Path::new("/dev/zero"), Reach::Anywhere, 1)), "it is a device, not a file");
        // Should it become a FIFO between two looks, the program does not wait either.
        assert!(open_at_once(&pipe).is_ok_and(|file| file.metadata().is_ok_and(|found| !found.is_file())));
    }

    #[cfg(unix)]
    #[test]
    fn what_a_file_names_is_below_its_folder_wherever_links_lead() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().expect("a folder can be made for tests");
        let folder = outer.path().join("flows");
        fs::create_dir_all(folder.join("lib")).expect("there is room");
        for path in [outer.path().join("secret"), folder.join("lib/a.flow")] {
            fs::write(path, "x").expect("the test's file can be written");
        }
        symlink("../secret", folder.join("out.flow")).expect("a link can be made");
        symlink("lib/a.flow", folder.join("in.flow")).expect("a link can be made");
        symlink("..", folder.join("up")).expect("a link can be made");
        let read = |name: &str| read_file(&folder.join(name), Reach::Below(&folder), 10);
        assert!(read("lib/a.flow").is_ok() && read("in.flow").is_ok() && read("up/flows/in.flow").is_ok());
        for name in ["out.flow", "up/secret"] {
            assert_eq!(why(read(name)), "a link leads out of the folder", "{name}");
        }
        assert!(read_file(&folder.join("out.flow"), Reach::Anywhere, 10).is_ok(), "the command line names it");
    }
}
