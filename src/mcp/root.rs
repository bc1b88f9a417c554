//! `Root`: the folder that the person named. No file outside of it is read or written.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::Refusal;
use crate::bench::{Bench, find};
use crate::source::name_of;
use crate::value::escape::harmless;

/// A folder, with every link followed.
#[derive(Clone, Debug)]
pub(super) struct Root {
    folder: PathBuf,
}

impl Root {
    /// Takes a folder.
    ///
    /// # Errors
    ///
    /// It is not there.
    pub(super) fn new(folder: &Path) -> Result<Root, Refusal> {
        let refused = |why: &str| {
            let message = format!("the folder `{}` cannot be used: {why}", name_of(folder));
            Refusal::new(message, "name a folder that is there: `--root DIR`")
        };
        let found = fs::canonicalize(folder).map_err(|error| refused(&error.to_string()))?;
        if found.is_dir() { Ok(Root { folder: found }) } else { Err(refused("it is not a folder")) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a file or folder that is there, as it is called below the root.
    ///
    /// # Errors
    ///
    /// It is not there, or it is outside.
    pub(super) fn existing(&self, path: &str) -> Result<PathBuf, Refusal> {
        let found = fs::canonicalize(self.folder.join(path)).map_err(|error| unreadable(path, &error))?;
        self.inside(path, &found)
    }

    /// Returns a file that may not be there yet, in a folder that is.
    ///
    /// # Errors
    ///
    /// Its folder is not there, or it is outside.
    pub(super) fn new_file(&self, path: &str) -> Result<PathBuf, Refusal> {
        let full = self.folder.join(path);
        if full.symlink_metadata().is_ok() {
            return self.existing(path);
        }
        let (Some(folder), Some(name)) = (full.parent(), full.file_name()) else { return Err(outside(path)) };
        let folder = fs::canonicalize(folder).map_err(|error| unreadable(path, &error))?;
        self.inside(path, &folder.join(name))
    }

    fn inside(&self, path: &str, found: &Path) -> Result<PathBuf, Refusal> {
        let below = found.strip_prefix(&self.folder).map_err(|_| outside(path))?;
        if below.components().any(|part| matches!(part, Component::ParentDir)) {
            return Err(outside(path));
        }
        // A name that begins with `-` would be an option of a program.
        Ok(if below.as_os_str().is_empty() { PathBuf::from(".") } else { Path::new(".").join(below) })
    }

    /// Returns the path of a file for reading and writing.
    pub(super) fn full(&self, below: &Path) -> PathBuf {
        self.folder.join(below.strip_prefix(".").unwrap_or(below))
    }

    /// Returns what the nearest `flowrun.toml` says, if there is one that can be read.
    pub(super) fn bench(&self) -> Option<Bench> {
        let home = std::env::home_dir();
        find(&self.folder, home.as_deref()).and_then(|file| Bench::read(&file).ok())
    }
}

fn outside(path: &str) -> Refusal {
    let message = format!("`{}` is outside of the folder of this server", harmless(path));
    Refusal::new(message, "name a file below it; the person can start the server with another `--root DIR`")
}

fn unreadable(path: &str, error: &io::Error) -> Refusal {
    let message = format!("`{}` cannot be read: {error}", harmless(path));
    Refusal::new(message, "name a file or folder that is there, as seen from the folder of this server")
}
