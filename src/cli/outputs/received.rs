//! `Kept`: results and received files, on disk before the run goes on.

use std::path::{Path, PathBuf};

use crate::cli::args::VariableArguments;
use crate::cli::given::named_file;
use crate::disk::{Temporary, put, put_private};
use crate::program::Program;
use crate::results::Results;
use crate::value::escape::harmless_path;
use crate::world::Keeper;

/// Parts what `--file` names: files that a flow is given stay in the arguments, those that it receives are returned with the
/// names of their variables.
pub(in crate::cli) fn part(typed: &VariableArguments, flow: &Program) -> (VariableArguments, Vec<(String, PathBuf)>) {
    let is_received = |text: &str| named_file(text).is_some_and(|(name, _)| flow.receives(name));
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for (name, path) in typed.named_files.iter().filter(|text| is_received(text)).filter_map(|text| named_file(text)) {
        // Of several for one name the last counts.
        files.retain(|(known, _)| known != name);
        files.push((name.to_string(), path.to_path_buf()));
    }
    let mut given = typed.clone();
    given.named_files.retain(|text| !is_received(text));
    (given, files)
}

/// Says whether a file could be written, as far as that can be seen without writing it: better before the device is asked.
///
/// # Errors
///
/// What is in the way, in words for the user.
pub(super) fn check_place(path: &Path) -> Result<(), String> {
    if path.file_name().is_none() {
        return Err("it is not the name of a file".to_string());
    }
    match path.metadata() {
        Ok(found) if !found.is_file() => return Err("it is not a file".to_string()),
        Ok(found) if found.permissions().readonly() => return Err("it is read-only".to_string()),
        Ok(_) | Err(_) => {}
    }
    Temporary::attempt(path).map_err(|error| error.to_string())
}

/// Keeps the results of a run, and the files that it receives.
#[derive(Debug)]
pub(super) struct Kept {
    pub results: Results,
    /// The variables of received files, and where these go.
    pub files: Vec<(String, PathBuf)>,
    /// A copy of the results, if one is wanted.
    pub saved: Option<Vec<(String, Vec<u8>)>>,
}

impl Keeper for Kept {
    fn keep(&mut self, values: &[(String, Vec<u8>)]) -> Result<(), String> {
        self.results.keep(values)?;
        self.saved.iter_mut().for_each(|saved| saved.extend_from_slice(values));
        Ok(())
    }

    fn keep_file(&mut self, name: &str, content: &[u8], is_secret: bool) -> Result<(), String> {
        let Some((_, path)) = self.files.iter().find(|(known, _)| known == name) else {
            return Err("no `--file` names a place for it".to_string());
        };
        let written = if is_secret { put_private(path, content) } else { put(path, content) };
        written.map_err(|error| format!("cannot write `{}`: {error}", harmless_path(path)))
    }
}
