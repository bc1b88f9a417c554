//! What killed processes left behind: their temporary files, which may have secrets in them.

use std::fs::{self, Metadata};
use std::path::Path;

use super::{folder_of, open_file};

/// How the name of a temporary file ends.
const ENDING: &str = ".tmp";

/// Returns what follows the name of a file in the name of its temporary file.
pub(super) fn suffix(n: u32) -> String {
    format!(".{}-{n}{ENDING}", std::process::id())
}

/// Removes the temporary files beside a file whose processes are gone. What is somebody else's, or cannot be removed, stays.
pub(crate) fn remove_remains(beside: &Path) {
    let Some(name) = beside.file_name() else { return };
    let Ok(entries) = fs::read_dir(folder_of(beside)) else { return };
    for entry in entries.flatten() {
        let process = process_of(entry.file_name().as_encoded_bytes(), name.as_encoded_bytes());
        let is_ours = || entry.metadata().is_ok_and(|found| found.is_file() && is_own(&found));
        if process.is_some_and(is_gone) && is_ours() && is_free(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Returns the number of the process that made a file, if that is a temporary one beside the file with this name.
fn process_of(name: &[u8], beside: &[u8]) -> Option<u32> {
    let middle = name.strip_prefix(beside)?.strip_prefix(b".")?.strip_suffix(ENDING.as_bytes())?;
    let (process, n) = std::str::from_utf8(middle).ok()?.split_once('-')?;
    let _: u32 = n.parse().ok()?;
    process.parse().ok()
}

/// Whether no process has a temporary file open: on a shared disk, a process of another machine may have this number.
fn is_free(path: &Path) -> bool {
    open_file(path).is_ok_and(|file| file.try_lock().is_ok())
}

#[cfg(unix)]
fn is_own(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_found: &Metadata) -> bool {
    true
}

#[cfg(unix)]
fn is_gone(process: u32) -> bool {
    use rustix::io::Errno;
    use rustix::process::{Pid, test_kill_process};
    let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) else { return false };
    test_kill_process(process) == Err(Errno::SRCH)
}

/// Whether the file is free says it all.
#[cfg(not(unix))]
fn is_gone(process: u32) -> bool {
    process != std::process::id()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::disk::Temporary;

    #[test]
    fn the_temporary_files_of_dead_processes_are_removed_and_no_others() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("r.toml");
        // A process that is gone; its number is not given again soon.
        let program = std::env::current_exe().expect("it runs");
        let mut child = Command::new(program).arg("--help").stdout(Stdio::null()).spawn().expect("it can be started");
        let gone = child.id();
        child.wait().expect("it ends");
        let write = |name: String| fs::write(folder.path().join(name), "key").expect("there is room");
        let own = std::process::id();
        write(format!("r.toml.{gone}-0.tmp"));
        write(format!("r.toml.{gone}-12.tmp"));
        let others = [
            format!("r.toml.{own}-7.tmp"),
            format!("r.toml.{gone}-x.tmp"),
            format!("r.toml.{gone}.tmp"),
            format!("r.toml.{gone}-0.tmp.1"),
            format!("s.toml.{gone}-0.tmp"),
            "r.toml".to_string(),
            "r.toml.1".to_string(),
        ];
        others.iter().cloned().for_each(write);
        let live = Temporary::write(&path, |_| Ok(())).expect("there is room");
        remove_remains(&path);
        let n_files = fs::read_dir(folder.path()).expect("it can be read").count();
        assert_eq!(n_files, others.len() + 1);
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
        drop(live);
    }

    #[test]
    fn a_file_that_is_being_written_is_not_free() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let live = Temporary::write(&folder.path().join("r"), |_| Ok(())).expect("there is room");
        let entry = fs::read_dir(folder.path()).expect("it can be read").next().expect("it is there");
        let path = entry.expect("it can be read").path();
        assert!(!is_free(&path));
        drop(live);
        fs::write(&path, "").expect("there is room");
        assert!(is_free(&path));
    }
}
