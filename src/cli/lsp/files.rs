//! The files around the documents of an editor.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::disk::{LARGEST_TEXT, Reach, below, read_file};
use crate::load::Bytes;
use crate::lsp::Disk;

/// So many flow files of a folder are looked at, and so many folders are looked into.
const MOST_FILES: usize = 2000;

/// Folders that have no flows of their own in them.
const SKIPPED: &[&str] = &["target", "node_modules"];

/// The disk.
pub(super) struct Files;

impl Disk for Files {
    fn read(&self, path: &Path, within: Option<&Path>) -> Bytes {
        read_file(path, within.map_or(Reach::Anywhere, Reach::Below), LARGEST_TEXT)
    }

    fn leads_out(&self, path: &Path, folder: &Path) -> bool {
        path.exists() && below(folder, path).is_err()
    }

    fn flows(&self, folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_path_buf()];
        let mut at = 0;
        while let Some(folder) = folders.get(at).cloned() {
            at += 1;
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                // Links are not followed: they may lead in a circle.
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && !name.starts_with('.') && !SKIPPED.contains(&&*name) && folders.len() < MOST_FILES {
                    folders.push(entry.path());
                } else if kind.is_file() && name.ends_with(".flow") && found.len() < MOST_FILES {
                    found.push(entry.path());
                }
            }
        }
        found.sort();
        found
    }

    fn stamp(&self, path: &Path) -> Option<u128> {
        let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some((changed.as_nanos() << 32) | u128::from(about.len() & 0xffff_ffff))
    }
}
