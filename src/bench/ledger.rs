//! `Ledger`: which files the user has allowed to run programs, by their path and their digest.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::disk::{LARGEST_TEXT, Temporary, make_private_folder, read_own};
use crate::value::digest::sha256;

/// The list of the files that are allowed: a line each, the digest in hex, two blanks, the path.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    file: PathBuf,
}

/// Whether a file may have programs run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The user has allowed it as it is.
    Allowed,
    /// The user was never asked.
    New,
    /// The user has allowed what it was before.
    Changed,
    /// Somebody else could change it, or it is not what it seems; why.
    Unsafe(String),
}

impl Ledger {
    /// Returns the list of the user whose folder for data this is.
    pub(crate) fn below(data: &Path) -> Ledger {
        Ledger { file: data.join("flowrun").join("allowed") }
    }

    /// Returns whether a file with this content may have programs run.
    pub(super) fn standing(&self, file: &Path, content: &[u8]) -> Standing {
        match read_own(file, LARGEST_TEXT) {
            Err(error) => return Standing::Unsafe(error.to_string()),
            Ok(now) if now != content => return Standing::Unsafe("it has changed since it was read".to_string()),
            Ok(_) => {}
        }
        let (Ok(path), Ok(entries)) = (name_of(file), self.entries()) else { return Standing::New };
        let digest = hex_digest(content);
        match entries.iter().find(|(_, of)| *of == path) {
            Some((allowed, _)) if *allowed == digest => Standing::Allowed,
            Some(_) => Standing::Changed,
            None => Standing::New,
        }
    }

    /// Allows a file as it is; what was allowed of it before is not any more.
    ///
    /// # Errors
    ///
    /// Somebody else could change the file or the list, or the list cannot be written.
    pub(crate) fn allow(&self, bench: &super::Bench) -> io::Result<()> {
        if let Standing::Unsafe(why) = self.standing(&bench.file, &bench.bytes) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        let path = name_of(&bench.file)?;
        let folder = self.file.parent().unwrap_or(Path::new("."));
        make_private_folder(folder)?;
        let mut entries = self.entries()?;
        entries.retain(|(_, of)| *of != path);
        entries.push((hex_digest(&bench.bytes), path));
        let text: String = entries.iter().map(|(digest, path)| format!("{digest}  {path}\n")).collect();
        Temporary::write(&self.file, |file| file.write_all(text.as_bytes()))?.rename(&self.file)
    }

    /// Returns digests and paths; a list that somebody else could change is none.
    fn entries(&self) -> io::Result<Vec<(String, String)>> {
        let bytes = match read_own(&self.file, LARGEST_TEXT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read?,
        };
        let text = String::from_utf8_lossy(&bytes);
        let pairs = text.lines().filter_map(|line| line.split_once("  "));
        Ok(pairs.map(|(digest, path)| (digest.to_string(), path.to_string())).collect())
    }
}

/// Returns the path that a file has in the list.
fn name_of(file: &Path) -> io::Result<String> {
    let path = fs::canonicalize(file)?;
    let name = path.to_str().filter(|name| !name.contains('\n'));
    let odd = || io::Error::new(io::ErrorKind::InvalidInput, "its path has a line end in it, or is not UTF-8");
    name.map(str::to_string).ok_or_else(odd)
}

fn hex_digest(content: &[u8]) -> String {
    sha256(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
