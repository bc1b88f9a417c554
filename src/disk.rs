//! Files that are safe: they change as a whole or not at all, and nobody is misled by what else has their names.

mod identity;
mod log;
mod own;
mod read;
mod remains;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub(crate) use identity::Identity;
pub(crate) use log::append_line;
pub(crate) use own::{make_private_folder, read_own};
pub(crate) use read::{
    LARGEST_FILE, LARGEST_RECORDING, LARGEST_TEXT, LARGEST_VALUE, Reach, below, open_file, read_file, too_large,
};
pub(crate) use remains::remove_remains;

/// How often a file is put into a place again that somebody else takes or leaves at the same moment.
const MOST_TURNS: u32 = 100;

/// How much is written to see whether there is room: less than this is not told from nothing.
const PAGE: usize = 4096;

/// A file beside the one that is to be written; it is gone when this is dropped, unless it was renamed.
pub(crate) struct Temporary {
    path: Option<PathBuf>,
    /// Open and locked as long as it is temporary: see [`remove_remains`].
    _file: File,
}

impl Temporary {
    /// Writes a new file that nobody else can read, down to the disk.
    pub(crate) fn write(beside: &Path, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<Temporary> {
        Temporary::write_and(beside, create_private, content, File::sync_all)
    }

    /// Writes a page to a file beside this one and removes it again, to see whether that is possible.
    pub(crate) fn attempt(beside: &Path) -> io::Result<()> {
        remove_remains(beside);
        Temporary::write_and(beside, create_private, |file| file.write_all(&[0; PAGE]), |_| Ok(())).map(drop)
    }

    /// Makes it, writes it, and then brings it down to the disk.
    fn write_and(
        beside: &Path,
        create: impl Fn(&Path) -> io::Result<File>,
        content: impl FnOnce(&mut File) -> io::Result<()>,
        sync: impl FnOnce(&File) -> io::Result<()>,
    ) -> io::Result<Temporary> {
        let (path, mut file) = first_free(|n| {
            let path = with_suffix(beside, &remains::suffix(n));
            create(&path).map(|file| (path, file))
        })?;
        // Where files cannot be locked, the number of the process in the name must do.
        let _ = file.try_lock();
        let written = content(&mut file).and_then(|()| sync(&file));
        let temporary = Temporary { path: Some(path), _file: file };
        written.map(|()| temporary)
    }

    /// Puts the file into the place of another one.
    pub(crate) fn rename(mut self, to: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, to)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Temporary {
    /// Puts the file into the place of another one, and loses nothing: what has the place at that moment gets the first free
    /// further name, `NAME.1` and so on, which is returned; it is removed if it `is_ours`.
    ///
    /// Another process may do the same with the same name at the same time. Where the system cannot exchange two files in one
    /// step, what comes within the moment between two of them is lost.
    pub(crate) fn take_place(self, to: &Path, is_ours: impl Fn(&Path) -> bool) -> io::Result<Option<PathBuf>> {
        if CAN_EXCHANGE {
            return self.take_place_by(exchange, to, is_ours);
        }
        match fs::hard_link(self.path.as_deref().unwrap_or(to), to) {
            Ok(()) => Ok(None),
            Err(_) => self.take_place_in_two_steps(to, is_ours),
        }
    }

    fn take_place_in_two_steps(self, to: &Path, is_ours: impl Fn(&Path) -> bool) -> io::Result<Option<PathBuf>> {
        let is_nothing_lost = is_ours(to) || fs::symlink_metadata(to).is_err();
        let place = if is_nothing_lost { None } else { Some(further_name(to, to)?) };
        self.rename(to).map(|()| place)
    }

    fn take_place_by(
        mut self,
        exchange: impl Fn(&Path, &Path) -> io::Result<()>,
        to: &Path,
        is_ours: impl Fn(&Path) -> bool,
    ) -> io::Result<Option<PathBuf>> {
        for _ in 0..MOST_TURNS {
            let Some(temporary) = self.path.clone() else { return Ok(None) };
            match fs::hard_link(&temporary, to) {
                Ok(()) => return Ok(None),
                Err(_) if fs::symlink_metadata(to).is_ok() => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                // The file system has no hard links.
                Err(_) => return self.rename(to).map(|()| None),
            }
            let is_temporary = is_ours(to);
            if !is_temporary {
                // Under its later name before it is there: killed in between, the process leaves it where it is found.
                self.path = Some(further_name(&temporary, to)?);
                // Without hard links it is gone already.
                let _ = fs::remove_file(&temporary);
            }
            let Some(own) = self.path.clone() else { return Ok(None) };
            match exchange(&own, to) {
                Ok(()) if is_ours(&own) => return Ok(None),
                Ok(()) if is_temporary => return further_name(&own, to).map(Some),
                Ok(()) => return Ok(self.path.take()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => {
                    if !is_temporary {
                        fs::rename(&own, &temporary)?;
                        self.path = Some(temporary);
                    }
                    return self.take_place_in_two_steps(to, is_ours);
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Puts a text in the place of a file, so that the file is whole at any moment and keeps its permissions and its owner.
///
/// A symbolic link stays one: what it points to is replaced.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    remove_remains(&path);
    let found = fs::metadata(&path)?;
    change(&path, text.as_bytes(), &found)
}

/// Puts bytes in the place of a file as [`replace`] does, or makes the file, down to the disk. What a link with its name leads
/// to is left as it is.
pub(crate) fn put(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let content = content.as_ref();
    remove_remains(path);
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => change(path, content, &found)?,
        Ok(found) if !found.is_symlink() => return Err(not_a_file()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => {
            let content = |file: &mut File| file.write_all(content);
            Temporary::write_and(path, |path| File::create_new(path), content, File::sync_all)?.rename(path)?;
        }
    }
    sync_folder(path)
}

/// Does the same with a new file that nobody else can read.
pub(crate) fn put_private(path: &Path, content: &[u8]) -> io::Result<()> {
    remove_remains(path);
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file() && !found.is_symlink()) {
        return Err(not_a_file());
    }
    Temporary::write(path, |file| file.write_all(content))?.rename(path)?;
    sync_folder(path)
}

fn not_a_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")
}

fn change(path: &Path, content: &[u8], found: &Metadata) -> io::Result<()> {
    if found.permissions().readonly() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
    }
    let temporary = Temporary::write(path, |file| {
        file.write_all(content)?;
        keep_owner(file, found)?;
        file.set_permissions(found.permissions())
    })?;
    temporary.rename(path)
}

/// Gives a file the owner and the group of another.
#[cfg(unix)]
fn keep_owner(file: &File, found: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let made = file.metadata()?;
    let owner = Some(found.uid()).filter(|owner| *owner != made.uid());
    let group = Some(found.gid()).filter(|group| *group != made.gid());
    if owner.is_none() && group.is_none() {
        return Ok(());
    }
    let failed =
        |error: io::Error| io::Error::new(error.kind(), format!("its owner and its group cannot be kept: {error}"));
    fchown(file, owner, group).map_err(failed)
}

#[cfg(not(unix))]
fn keep_owner(_file: &File, _found: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Tries 0, 1, 2 … until one does not exist already.
pub(crate) fn first_free<T>(attempt: impl Fn(u32) -> io::Result<T>) -> io::Result<T> {
    let found = (0..=u32::MAX).map(attempt).find(|made| match made {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::AlreadyExists,
    });
    found.unwrap_or_else(|| Err(io::ErrorKind::AlreadyExists.into()))
}

/// Gives a file the first free further name of `like`, `LIKE.1` and so on, besides its own, and returns it.
///
/// Where the file system has no hard links, it loses its own name.
fn further_name(path: &Path, like: &Path) -> io::Result<PathBuf> {
    first_free(|n| {
        let place = with_suffix(like, &format!(".{}", n.saturating_add(1)));
        match fs::hard_link(path, &place) {
            Ok(()) => Ok(place),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(_) if fs::symlink_metadata(&place).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(path, &place).map(|()| place),
        }
    })
}

/// Whether the system can let two files change their names in one step.
const CAN_EXCHANGE: bool = cfg!(any(target_os = "linux", target_os = "android", target_vendor = "apple"));

/// Lets two files change their names in one step.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_a: &Path, _b: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns a name with something behind it, in the same folder.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    path.with_file_name(name)
}

/// Returns the folder that a file stands in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Empties a file, or makes it, for its owner alone; what is no file, a device for instance, is left as it is.
#[cfg(unix)]
pub(crate) fn empty_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    made_private(OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?)
}

/// Opens a file to add to it, or makes it, for its owner alone; what is no file is left as it is.
#[cfg(unix)]
pub(crate) fn append_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    made_private(OpenOptions::new().append(true).create(true).mode(0o600).open(path)?)
}

#[cfg(unix)]
fn made_private(file: File) -> io::Result<File> {
    use std::os::unix::fs::PermissionsExt;
    let found = file.metadata()?;
    if found.is_file() && found.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

#[cfg(not(unix))]
pub(crate) fn empty_private(path: &Path) -> io::Result<File> {
    File::create(path)
}

#[cfg(not(unix))]
pub(crate) fn append_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Makes sure that a file that is already there is on disk, and its owner's alone.
#[cfg(unix)]
pub(crate) fn make_durable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    file.sync_all()?;
    sync_folder(path)
}

#[cfg(not(unix))]
pub(crate) fn make_durable(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// Makes sure that the names in the folder of a file are on disk.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match File::open(folder_of(path))?.sync_all() {
        // Some network file systems cannot do this to a folder; they do it by themselves or never.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is a folder");
        entries.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_temporary_file_is_on_disk_with_all_that_is_in_it_before_it_gets_its_name() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("results.toml");
        let mut synced = None;
        let sync = |file: &File| {
            synced = Some((file.metadata()?.len(), path.exists()));
            Ok(())
        };
        let temporary = Temporary::write_and(&path, create_private, |file| file.write_all(b"k = 1\n"), sync);
        temporary.and_then(|temporary| temporary.rename(&path)).expect("it can be written");
        assert_eq!(synced, Some((6, false)));
        assert_eq!(names_in(folder.path()), ["results.toml"]);
    }

    #[test]
    fn a_temporary_file_that_could_not_be_written_is_gone() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("results.toml");
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let no_content = Temporary::write(&path, |file| file.write_all(b"k =").and_then(|()| Err(full())));
        let no_sync = Temporary::write_and(&path, create_private, |file| file.write_all(b"k = 1\n"), |_| Err(full()));
        for failed in [no_content, no_sync] {
            assert_eq!(failed.err().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
        }
        drop(Temporary::write(&path, |_| Ok(())).expect("it can be written"));
        assert_eq!(names_in(folder.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_put_whole_with_its_mode_and_its_owner_and_never_through_a_link() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let (path, link) = (folder.path().join("a.snap"), folder.path().join("b.snap"));
        fs::write(&path, "old").expect("the test's file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("the mode can be set");
        // Only root can give a file away; for others it is theirs before and after.
        let is_given = chown(&path, Some(65534), Some(65534)).is_ok();
        symlink(&path, &link).expect("a link can be made");
        put(&path, "new").expect("it can be written");
        let found = fs::metadata(&path).expect("it is there");
        assert_eq!(found.permissions().mode() & 0o777, 0o640);
        assert!(!is_given || (found.uid(), found.gid()) == (65534, 65534));
        put(&link, "other").expect("it can be written");
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), Some("new"));
        assert!(fs::symlink_metadata(&link).is_ok_and(|found| found.is_file()));
        assert!(put(folder.path(), "x").is_err());
        assert_eq!(names_in(folder.path()).len(), 2);
    }

    #[test]
    fn what_has_a_place_is_kept_where_two_files_cannot_be_exchanged() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("r");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
        let put = |text: &str, ours: &str| {
            let temporary = Temporary::write(&path, |file| file.write_all(text.as_bytes())).expect("there is room");
            let is_ours = |path: &Path| fs::read_to_string(path).is_ok_and(|found| found == ours);
            temporary.take_place_in_two_steps(&path, is_ours).ok()
        };
        assert_eq!(put("a", "none"), Some(None));
        assert_eq!(put("b", "none"), Some(Some(folder.path().join("r.1"))));
        assert_eq!(put("c", "b"), Some(None));
        assert_eq!((read("r"), read("r.1")), (Some("c".to_string()), Some("a".to_string())));
        assert_eq!(names_in(folder.path()).len(), 2);
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    #[test]
    fn what_has_a_place_when_it_is_taken_is_kept() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("r");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).ok();
        let temporary =
            |text: &str| Temporary::write(&path, |file| file.write_all(text.as_bytes())).expect("there is room");
        let has = |path: &Path, text: &str| fs::read_to_string(path).is_ok_and(|found| found == text);
        assert_eq!(temporary("a").take_place(&path, |_| false).ok(), Some(None));
        assert_eq!(temporary("b").take_place(&path, |_| false).ok(), Some(Some(folder.path().join("r.1"))));
        assert_eq!(temporary("c").take_place(&path, |path| has(path, "b")).ok(), Some(None));
        assert_eq!((read("r"), read("r.1")), (Some("c".to_string()), Some("a".to_string())));
        // Between the look and the change, another process saves.
        let is_disturbed = std::cell::Cell::new(false);
        let disturbed = |path: &Path| {
            let is_ours = has(path, "c");
            if !is_disturbed.replace(true) {
                temporary("theirs").rename(path).expect("there is room");
            }
            is_ours
        };
        assert_eq!(temporary("d").take_place(&path, disturbed).ok(), Some(Some(folder.path().join("r.2"))));
        assert_eq!((read("r"), read("r.2")), (Some("d".to_string()), Some("theirs".to_string())));
        assert_eq!(names_in(folder.path()).len(), 3);
        let cannot = |_: &Path, _: &Path| Err(io::ErrorKind::Unsupported.into());
        let taken = temporary("e").take_place_by(cannot, &path, |_| false);
        assert_eq!(taken.ok(), Some(Some(folder.path().join("r.3"))));
        assert_eq!(temporary("f").take_place_by(cannot, &path, |path| has(path, "e")).ok(), Some(None));
        assert_eq!((read("r"), read("r.3")), (Some("f".to_string()), Some("d".to_string())));
        assert_eq!(names_in(folder.path()).len(), 4);
    }
}
