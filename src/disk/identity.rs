//! Which file a path leads to, whatever its name is.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

use super::folder_of;

/// How many links one after the other are followed to a file that is not there yet.
const MOST_LINKS: usize = 40;

/// A file: two paths with one identity lead to the same one, by links, hard links, or other ways of writing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// It is there; its device and its number on it.
    #[cfg(unix)]
    Node(u64, u64),
    /// It would be made in this folder, with this name.
    #[cfg(unix)]
    Place(u64, u64, OsString),
    /// It would be made here, or the system has no numbers for files.
    #[cfg(not(unix))]
    Place(PathBuf),
}

impl Identity {
    /// Returns the file that a path leads to; `None` if it leads nowhere, as in a folder that is not there.
    pub(crate) fn of(path: &Path) -> Option<Identity> {
        match fs::metadata(path) {
            Ok(found) => of_file(path, &found),
            Err(_) => place(path),
        }
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no answer for some files")]
fn of_file(_path: &Path, found: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some(Identity::Node(found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn of_file(path: &Path, _found: &Metadata) -> Option<Identity> {
    fs::canonicalize(path).ok().map(Identity::Place)
}

/// Returns where a file would be made.
fn place(path: &Path) -> Option<Identity> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => break,
        }
    }
    let name = path.file_name()?;
    // There, `A.txt` and `a.txt` are one file.
    let name = if cfg!(any(windows, target_os = "macos")) { name.to_ascii_lowercase() } else { name.to_os_string() };
    place_in(folder_of(&path), name)
}

#[cfg(unix)]
fn place_in(folder: &Path, name: OsString) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let folder = fs::metadata(folder).ok().filter(Metadata::is_dir)?;
    Some(Identity::Place(folder.dev(), folder.ino(), name))
}

#[cfg(not(unix))]
fn place_in(folder: &Path, name: OsString) -> Option<Identity> {
    Some(Identity::Place(fs::canonicalize(folder).ok()?.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_however_it_is_named() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = |name: &str| folder.path().join(name);
        let same = |a: &str, b: &str| Identity::of(&path(a)) == Identity::of(&path(b));
        assert!(same("new", "./new") && !same("new", "other"));
        assert_eq!(Identity::of(&path("no/new")), None);
        fs::create_dir(path("sub")).expect("there is room");
        assert!(same("new", "sub/../new"));
        for name in ["a", "b"] {
            fs::write(path(name), "").expect("there is room");
        }
        assert!(same("a", "sub/../a") && !same("a", "b") && !same("a", "new"));
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_one_file_whether_it_is_there_or_not() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = |name: &str| folder.path().join(name);
        let same = |a: &str, b: &str| Identity::of(&path(a)) == Identity::of(&path(b));
        fs::write(path("a"), "").expect("there is room");
        fs::hard_link(path("a"), path("hard")).expect("a link can be made");
        symlink("a", path("soft")).expect("a link can be made");
        symlink("new", path("dangling")).expect("a link can be made");
        symlink("round", path("round")).expect("a link can be made");
        assert!(same("a", "hard") && same("a", "soft") && same("new", "dangling"));
        assert!(!same("a", "new") && !same("round", "new"));
    }
}
