//! `RowIds`: what tells a row from every other, and from itself before somebody edited it.
//!
//! It is a digest of all cells. Where one of them is a secret, a key goes into the digest that only this user has: a short
//! secret could be found out otherwise, by trying all that there are.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::cli::host::data_folder;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{make_private_folder, read_own};
use crate::program::Program;
use crate::rows::Sheet;
use crate::setup::fresh_seed;
use crate::value::coding::hex;
use crate::value::digest::{hmac_sha256, sha256};
use crate::value::escape::harmless_path;

/// How many bytes of the digest are kept.
const LENGTH: usize = 16;
/// How long the key is, in hex.
const KEY_LENGTH: usize = 64;

/// What the digests of rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Nobody needs any.
    Nothing,
    /// They are written to a new file.
    Anew,
    /// They are compared with those that a file has.
    Compared,
}

/// The digest of each row.
#[derive(Debug)]
pub(super) struct RowIds {
    ids: Vec<String>,
}

impl RowIds {
    /// Makes the digests of all rows.
    ///
    /// # Errors
    ///
    /// There is a secret among the cells, and there is no place for a key, or the key is gone that a file was written with.
    pub(super) fn of(sheet: &Sheet, flow: &Program, keeping: Keeping) -> Result<RowIds, Diagnostic> {
        let is_secret = |name: &String| flow.params.iter().any(|param| param.is_secret && param.name == *name);
        let needs_key = keeping != Keeping::Nothing && sheet.columns.iter().any(is_secret);
        let key = needs_key.then(|| key(keeping)).transpose()?;
        let id = |row: &crate::rows::Row| {
            let mut bytes = Vec::new();
            for text in sheet.columns.iter().zip(&row.cells).flat_map(|(name, cell)| [name, cell]) {
                bytes.extend((text.len() as u64).to_le_bytes());
                bytes.extend(text.as_bytes());
            }
            let digest = key.as_ref().map_or_else(|| sha256(&bytes), |key| hmac_sha256(key, &bytes));
            hex(&digest[..LENGTH])
        };
        Ok(RowIds { ids: sheet.rows.iter().map(id).collect() })
    }

    /// Returns the digests, in the order of the rows.
    pub(super) fn all(&self) -> &[String] {
        &self.ids
    }
}

/// Returns the key of this user, and makes it if there is none and nothing was written with one.
fn key(keeping: Keeping) -> Result<Vec<u8>, Diagnostic> {
    let wrong = |message: String| {
        let help =
            "`--rows-out` needs it to tell rows with secrets from each other; `XDG_DATA_HOME` names another folder";
        Diagnostic::general(Code::CommandLine, message).help(help)
    };
    let folder = data_folder().ok_or_else(|| wrong("there is no folder for the key of this user".to_string()))?;
    let path = folder.join("flowrun").join("rows.key");
    let is_gone = std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if keeping == Keeping::Compared && is_gone {
        let message = format!(
            "the key `{}` is gone: without it flowrun does not know which rows have passed",
            harmless_path(&path)
        );
        let help = "bring it back; or name another file with `--rows-out`, without `--resume`, and all rows run";
        return Err(Diagnostic::general(Code::CommandLine, message).help(help));
    }
    key_in(&path).map_err(|error| wrong(format!("the key `{}` cannot be used: {error}", harmless_path(&path))))
}

fn key_in(path: &Path) -> io::Result<Vec<u8>> {
    match read_own(path, KEY_LENGTH as u64) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(key) if key.len() == KEY_LENGTH => return Ok(key),
        Ok(_) => return Err(io::Error::other("it is damaged: remove it, and rows run again")),
        Err(error) => return Err(error),
    }
    let mut key = String::new();
    for _ in 0..KEY_LENGTH / 16 {
        let part = fresh_seed().map_err(|_| io::Error::other("the system gives no random numbers"))?;
        key += &format!("{part:016x}");
    }
    make_private_folder(path.parent().unwrap_or(path))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(key.as_bytes()).and_then(|()| file.sync_all())?;
    Ok(key.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = folder.path().join("flowrun").join("rows.key");
        let key = key_in(&path).expect("it can be made");
        assert_eq!((key.len(), key_in(&path).ok()), (KEY_LENGTH, Some(key)));
        std::fs::write(&path, "short").expect("there is room");
        assert!(key_in(&path).is_err_and(|error| error.to_string().contains("damaged")));
    }
}
