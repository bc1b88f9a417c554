//! `LastRun`: which flows failed when they were run last, kept in a file from one run of a suite to the next.
//!
//! ```text
//! { "format": "flowrun last run", "version": 1, "failed": ["/home/me/flows/login.flow"] }
//! ```
//!
//! A flow stays in it until it passes or is gone. The file changes as a whole: of two suites that end at one moment, the
//! last one counts.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{LARGEST_TEXT, Reach, folder_of, put, read_file};
use crate::value::Value;
use crate::value::json::{parse_json, to_json};

/// What the file says it is.
const FORMAT: &str = "flowrun last run";

/// The version of the format.
const VERSION: i64 = 1;

/// Which flows failed when they were run last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastRun {
    /// Their files, in full.
    failed: BTreeSet<String>,
}

impl LastRun {
    /// Reads what a file keeps; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is of another format.
    pub fn read(file: &Path) -> io::Result<Option<LastRun>> {
        let bytes = match read_file(file, Reach::Below(folder_of(file)), LARGEST_TEXT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "it is not a file of the last run");
        let Ok(Value::Map(entries)) = parse_json(&bytes) else { return Err(wrong()) };
        let entry = |name: &str| entries.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        if entry("format") != Some(&Value::text(FORMAT)) || entry("version") != Some(&Value::Int(VERSION)) {
            return Err(wrong());
        }
        let Some(Value::List(failed)) = entry("failed") else { return Err(wrong()) };
        let text = |value: &Value| match value {
            Value::Text(text) => String::from_utf8(text.clone()).map_err(|_| wrong()),
            Value::Bytes(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Bool(_)
            | Value::Duration(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Null => Err(wrong()),
        };
        Ok(Some(LastRun { failed: failed.iter().map(text).collect::<Result<_, _>>()? }))
    }

    /// Keeps it in a file, whose folder is made if it is not there. The file is left to no repository.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let folder = folder_of(file);
        if !folder.exists() {
            fs::create_dir_all(folder)?;
            put(&folder.join(".gitignore"), format!("{}\n", file.file_name().unwrap_or_default().to_string_lossy()))?;
        }
        let document = Value::Map(vec![
            ("format".to_string(), Value::text(FORMAT)),
            ("version".to_string(), Value::Int(VERSION)),
            ("failed".to_string(), Value::List(self.failed.iter().map(|flow| Value::text(flow.as_str())).collect())),
        ]);
        put(file, format!("{}\n", to_json(&document)))
    }

    /// Removes the files beside one that remember nothing but flows which are gone: those of folders that are no more.
    pub fn remove_the_gone(file: &Path) {
        let beside = fs::read_dir(folder_of(file)).into_iter().flatten().flatten().map(|entry| entry.path());
        for other in beside.filter(|other| other != file && other.extension().is_some_and(|end| end == "json")) {
            // What is something else stays.
            if let Ok(Some(mut last)) = LastRun::read(&other) {
                last.forget_the_gone();
                if last.is_empty() {
                    let _ = fs::remove_file(&other);
                }
            }
        }
    }

    /// Takes note of what came of a flow.
    pub fn note(&mut self, flow: &Path, has_failed: bool) {
        let key = key(flow);
        if has_failed {
            self.failed.insert(key);
        } else {
            self.failed.remove(&key);
        }
    }

    /// Forgets the flows below some paths whose files are gone.
    pub fn forget_gone_below(&mut self, paths: &[PathBuf]) {
        let gone: Vec<String> = self.gone_below(paths).into_iter().map(str::to_string).collect();
        self.failed.retain(|flow| !gone.contains(flow));
    }

    /// Forgets flows whose files are gone.
    pub fn forget_the_gone(&mut self) {
        self.failed.retain(|flow| Path::new(flow).exists());
    }

    /// Returns the flows below some paths that failed and whose files are gone, in full.
    pub fn gone_below(&self, paths: &[PathBuf]) -> Vec<&str> {
        let folders: Vec<PathBuf> = paths.iter().map(|path| PathBuf::from(key(path))).collect();
        let is_below = |flow: &Path| folders.iter().any(|folder| flow.starts_with(folder));
        let gone = self.failed.iter().map(String::as_str).filter(|flow| !Path::new(flow).exists());
        gone.filter(|flow| is_below(Path::new(flow))).collect()
    }

    /// Says whether a flow failed when it was run last.
    pub fn has_failed(&self, flow: &Path) -> bool {
        self.failed.contains(&key(flow))
    }

    /// Says whether no flow failed.
    pub fn is_empty(&self) -> bool {
        self.failed.is_empty()
    }
}

/// Returns the one name that a flow has, however it is named.
fn key(flow: &Path) -> String {
    fs::canonicalize(flow).unwrap_or_else(|_| PathBuf::from(flow)).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_remembered_until_it_passes_or_is_gone() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = |name: &str| folder.path().join(name);
        for name in ["a.flow", "b.flow", "c.flow"] {
            fs::write(path(name), "").expect("it can be written");
        }
        let file = path(".flowrun/last-run.json");
        assert_eq!(LastRun::read(&file).expect("it is not there"), None);
        let mut last = LastRun::default();
        ["a.flow", "b.flow", "c.flow"].iter().for_each(|name| last.note(&path(name), true));
        last.write(&file).expect("there is room");
        let mut last = LastRun::read(&file).expect("it was written").expect("it is there");
        last.note(&path("a.flow"), false);
        fs::remove_file(path("c.flow")).expect("it is there");
        let gone = last.gone_below(&[folder.path().to_path_buf()]);
        assert!(matches!(gone.as_slice(), [one] if one.ends_with("c.flow")), "{gone:?}");
        assert!(last.gone_below(&[path("other")]).is_empty());
        last.forget_the_gone();
        last.write(&file).expect("there is room");
        let last = LastRun::read(&file).expect("it was written").expect("it is there");
        let failed = ["a.flow", "./b.flow", "c.flow"].map(|name| last.has_failed(&path(name)));
        assert_eq!(failed, [false, true, false]);
        assert_eq!(fs::read_to_string(path(".flowrun/.gitignore")).ok().as_deref(), Some("last-run.json\n"));
    }

    #[test]
    fn files_of_folders_that_are_gone_go_too() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.flow"), "").expect("it can be written");
        for (file, flow) in [("here.json", "a.flow"), ("gone.json", "gone/b.flow"), ("new.json", "a.flow")] {
            let mut last = LastRun::default();
            last.note(&path(flow), true);
            last.write(&path(file)).expect("there is room");
        }
        fs::write(path("other.json"), "{}").expect("it can be written");
        LastRun::remove_the_gone(&path("new.json"));
        let is_there = ["here.json", "gone.json", "new.json", "other.json"].map(|name| path(name).exists());
        assert_eq!(is_there, [true, false, true, true]);
    }

    #[test]
    fn what_is_no_such_file_is_said() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let file = folder.path().join("last-run.json");
        for text in ["", "[]", "{}", "{\"format\":\"flowrun last run\",\"version\":2,\"failed\":[]}"] {
            fs::write(&file, text).expect("it can be written");
            let error = LastRun::read(&file).expect_err("it is something else");
            assert_eq!(error.to_string(), "it is not a file of the last run", "{text}");
        }
    }
}
