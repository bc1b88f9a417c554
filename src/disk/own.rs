//! Files that only their user can change: what they say counts as the user's own word.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::too_large;

/// Reads a regular file that nobody but this user, or root, can change: it is no link, belongs to one of them, and others
/// may not write it.
///
/// # Errors
///
/// It is not there, is too large, or is no such file; why.
pub(crate) fn read_own(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(refused("it is a link, and what it leads to may change"));
    }
    let file = open_no_link(path)?;
    // What was opened is looked at, not what may have its name now.
    check_owner(&file)?;
    let mut bytes = Vec::new();
    file.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest { Err(too_large(largest)) } else { Ok(bytes) }
}

/// Makes a folder, and those above it, that only this user can look into; those that are there stay as they are.
///
/// # Errors
///
/// It cannot be made.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(unix)]
fn open_no_link(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    // A FIFO would make the program wait.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    fs::OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open_no_link(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn check_owner(file: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refused("it is not a regular file"));
    }
    let user = rustix::process::geteuid().as_raw();
    objection(found.uid(), found.mode(), user).map_or(Ok(()), |why| Err(refused(why)))
}

/// Returns why a file with this owner and these rights is no word of a user.
#[cfg(unix)]
fn objection(owner: u32, mode: u32, user: u32) -> Option<&'static str> {
    const OTHERS_MAY_WRITE: u32 = 0o022;
    if owner != 0 && owner != user {
        return Some("it belongs to another user");
    }
    (mode & OTHERS_MAY_WRITE != 0).then_some("others may write it: run `chmod go-w` on it")
}

#[cfg(not(unix))]
fn check_owner(file: &File) -> io::Result<()> {
    if file.metadata()?.is_file() { Ok(()) } else { Err(refused("it is not a regular file")) }
}

#[cfg(all(unix, test))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_somebody_else_could_change_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("file");
        let why = |path: &Path| read_own(path, 10).expect_err("it is refused").to_string();
        let with_mode = |mode: u32| {
            fs::write(&path, "x").expect("there is room");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
        };
        for mode in [0o600, 0o644, 0o400] {
            with_mode(mode);
            assert_eq!(read_own(&path, 10).ok().as_deref(), Some(b"x".as_slice()), "{mode:o}");
            fs::remove_file(&path).expect("it is ours");
        }
        for mode in [0o620, 0o602, 0o666] {
            with_mode(mode);
            assert!(why(&path).starts_with("others may write it"), "{mode:o}");
        }
        with_mode(0o600);
        symlink("file", folder.path().join("link")).expect("a link can be made");
        assert!(why(&folder.path().join("link")).starts_with("it is a link"));
        assert_eq!(why(folder.path()), "it is not a regular file");
        fs::write(&path, "x".repeat(11)).expect("there is room");
        assert!(why(&path).starts_with("it is larger"));
        assert_eq!(
            read_own(&folder.path().join("no"), 10).expect_err("nothing is there").kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn a_file_of_root_counts_and_one_of_another_user_does_not() {
        assert_eq!((objection(0, 0o644, 1000), objection(1000, 0o600, 1000)), (None, None));
        assert_eq!(objection(1001, 0o600, 1000), Some("it belongs to another user"));
        assert_eq!(objection(1000, 0o600, 0), Some("it belongs to another user"), "root trusts nobody else");
        assert!(objection(0, 0o664, 1000).is_some_and(|why| why.starts_with("others may write it")));
    }

    #[test]
    fn the_folder_that_is_made_is_its_users_alone() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("a/b");
        make_private_folder(&path).expect("there is room");
        make_private_folder(&path).expect("it is already there");
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o700);
    }
}
