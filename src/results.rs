//! `Results`: the file that `save` writes, safe on disk before the run goes on, never over what an earlier
//! run left.
//!
//! It is TOML, one `name = "value"` for each in the order in which they were saved, and `--vars` reads it back.
//! A value that is not UTF-8 is written as lower-case hex, as it shows inside a string, with a comment above
//! it saying so: refusing it would lose a result that perhaps cannot be had twice. It
//! begins with comments that make the run traceable; a run that saves what an earlier one has saved changes nothing
//! but them.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::disk::{Temporary, folder_of, make_durable, open_file, sync_folder};
use crate::value::escape::{harmless, harmless_path};
use crate::world::Keeper;

/// Stands above a value that is written in hex.
const IN_HEX: &str = "# not UTF-8, so in hex:";

/// A file whose head is longer is none of ours.
const LONGEST_HEAD: u64 = 1 << 20;

/// The results of one run.
///
/// The file can be read by its owner only (Unix). What an earlier run left under its name is renamed to
/// `NAME.1`, `NAME.2` and so on, unless this run saves the same.
#[derive(Debug)]
pub(crate) struct Results {
    path: PathBuf,
    flow: String,
    /// What makes the run traceable: names and values.
    head: Vec<(&'static str, String)>,
    /// What is on disk.
    values: Vec<(String, Vec<u8>)>,
    /// What this run has written so far.
    written: Option<String>,
    /// Where what was found under the name is now.
    earlier: Option<PathBuf>,
}

impl Results {
    /// Makes results that go to the file at `path`; `flow` is the flow that its first line names.
    ///
    /// Nothing is touched before the first value is kept.
    pub(crate) fn new(path: impl Into<PathBuf>, flow: impl Into<String>) -> Results {
        let (head, values) = (Vec::new(), Vec::new());
        Results { path: path.into(), flow: flow.into(), head, values, written: None, earlier: None }
    }

    /// Begins with these names and values, which make the run traceable.
    #[must_use]
    pub(crate) fn about(self, rows: impl IntoIterator<Item = (&'static str, String)>) -> Results {
        Results { head: rows.into_iter().collect(), ..self }
    }

    /// Returns the file, and the names of what was kept in it.
    pub(crate) fn kept(&self) -> (&Path, impl Iterator<Item = &str>) {
        (&self.path, self.values.iter().map(|(name, _)| name.as_str()))
    }

    /// Says whether the file could be written, as far as that can be seen without writing it: better before a run than in the
    /// middle of it, when a device has given away what it gives once. A file is made beside it, and removed again.
    ///
    /// # Errors
    ///
    /// What is in the way, in words for the user.
    pub(crate) fn check_place(&self) -> Result<(), String> {
        self.check_name()?;
        match open_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(format!("the earlier results in {} cannot be read: {error}", quoted(&self.path)));
            }
            Ok(_) | Err(_) => {}
        }
        Temporary::attempt(&self.path)
            .map_err(|error| format!("no file can be written in the folder {}: {error}", quoted(folder_of(&self.path))))
    }

    /// Says whether what has the name of the file, if anything does, is one that may be replaced.
    fn check_name(&self) -> Result<(), String> {
        let folder = folder_of(&self.path);
        if self.path.file_name().is_none() {
            return Err(format!("{} is not the name of a file", quoted(&self.path)));
        }
        match fs::metadata(folder) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(format!("{} is not a folder", quoted(folder))),
            Err(error) => return Err(format!("the folder {} cannot be used: {error}", quoted(folder))),
        }
        match fs::symlink_metadata(&self.path) {
            Ok(meta) if meta.is_symlink() => Err(format!(
                "{} is a symbolic link, and results are not written through one: name the file itself",
                quoted(&self.path)
            )),
            Ok(meta) if !meta.is_file() => Err(format!("{} is not a file", quoted(&self.path))),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(format!("{} cannot be used: {error}", quoted(&self.path))),
        }
    }

    /// The whole file with these values in it.
    fn text(&self, values: &[(String, Vec<u8>)]) -> Result<String, String> {
        let mut out = format!("# Results of {}, written by flowrun\n", harmless(&self.flow));
        for (name, value) in &self.head {
            let _ = writeln!(out, "# {name}: {}", harmless(value));
        }
        for (name, value) in values {
            let text = match std::str::from_utf8(value) {
                Ok(text) => text.to_string(),
                Err(_) => {
                    let _ = writeln!(out, "{IN_HEX}");
                    value.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
                }
            };
            let line = toml::Table::from_iter([(name.clone(), toml::Value::String(text))]);
            out.push_str(&toml::to_string(&line).map_err(|error| format!("{name} cannot be written: {error}"))?);
        }
        Ok(out)
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        self.check_name()?;
        let failed = |what: &str, error: io::Error| format!("{what} {}: {error}", quoted(&self.path));
        if has_content(&self.path, text) {
            return make_durable(&self.path).map_err(|error| failed("cannot make sure of", error));
        }
        let temporary = Temporary::write(&self.path, |file| file.write_all(text.as_bytes()))
            .map_err(|error| failed("cannot write a file beside", error))?;
        let is_ours = |path: &Path| {
            self.written.as_ref().is_some_and(|written| has_content(path, written)) || has_values_of(path, text)
        };
        let earlier = temporary.take_place(&self.path, is_ours).map_err(|error| failed("cannot write", error))?;
        sync_folder(&self.path).map_err(|error| failed("cannot make sure of", error))?;
        self.earlier = earlier.or(self.earlier.take());
        if let Some(place) = self.earlier.take_if(|place| has_values_of(place, text)) {
            // This run has saved the same as the earlier one: a copy of it is of no use.
            let _ = fs::remove_file(place);
        }
        Ok(())
    }
}

/// Says whether a file has exactly this in it; what cannot be read has not.
fn has_content(path: &Path, text: &str) -> bool {
    let is_as_long = fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == text.len() as u64);
    is_as_long && fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes())
}

/// Says whether a file has the same values in it as a text, of whichever run of the same flow; what cannot be read has not.
fn has_values_of(path: &Path, text: &str) -> bool {
    let may_be_it =
        fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() < text.len() as u64 + LONGEST_HEAD);
    may_be_it && fs::read_to_string(path).is_ok_and(|other| values_in(&other) == values_in(text))
}

/// Returns the line that names the flow, and what follows the comments at the beginning.
fn values_in(text: &str) -> (&str, &str) {
    let (flow, mut rest) = text.split_once('\n').unwrap_or((text, ""));
    while rest.starts_with('#') && !rest.starts_with(IN_HEX) {
        rest = rest.split_once('\n').map_or("", |(_, behind)| behind);
    }
    (flow, rest)
}

impl Keeper for Results {
    fn keep(&mut self, values: &[(String, Vec<u8>)]) -> Result<(), String> {
        let mut all = self.values.clone();
        for (name, value) in values {
            match all.iter_mut().find(|(known, _)| known == name) {
                Some((_, old)) => old.clone_from(value),
                None => all.push((name.clone(), value.clone())),
            }
        }
        let text = self.text(&all)?;
        self.write(&text)?;
        // What is not on disk is not kept.
        self.values = all;
        self.written = Some(text);
        Ok(())
    }
}

fn quoted(path: &Path) -> String {
    format!("`{}`", harmless_path(path))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use insta::assert_snapshot;
    use tempfile::TempDir;

    use super::*;
    use crate::disk::with_suffix;

    fn folder() -> (TempDir, PathBuf) {
        let folder = TempDir::new().expect("a folder can be made for tests");
        let path = folder.path().join("results.toml");
        (folder, path)
    }

    fn value(name: &str, value: &[u8]) -> (String, Vec<u8>) {
        (name.to_string(), value.to_vec())
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).expect("the test's file is there")
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).expect("the test's folder is there");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn values_accumulate_in_order_and_toml_reads_them_back() {
        let (folder, path) = folder();
        let mut results = Results::new(&path, "aliyun.flow");
        let odd = "a\"b\\c\r\n\u{1b}'é''' # = [x]\t\0";
        results.keep(&[value("z_first", b"1"), value("odd", odd.as_bytes())]).expect("it can be saved");
        results.keep(&[value("raw", b"\xff\x00a"), value("z_first", b"2")]).expect("it can be saved");
        assert_snapshot!(read(&path), @r#"
        # Results of aliyun.flow, written by flowrun
        z_first = "2"
        odd = """
        a"b\\c\r
        \u001B'é''' # = [x]\t\u0000"""
        # not UTF-8, so in hex:
        raw = "ff0061"
        "#);
        let table: toml::Table = read(&path).parse().expect("it is TOML");
        assert_eq!(table["odd"].as_str(), Some(odd));
        assert_eq!(table["z_first"].as_str(), Some("2"));
        assert_eq!(table["raw"].as_str(), Some("ff0061"));
        assert_eq!(names(&folder), ["results.toml"]);
    }

    #[test]
    fn an_earlier_file_with_other_content_gets_the_first_free_name() {
        let (folder, path) = folder();
        for n in 1..=3_u8 {
            Results::new(&path, "a.flow").keep(&[value("n", &[b'0' + n])]).expect("it can be saved");
        }
        assert_eq!(names(&folder), ["results.toml", "results.toml.1", "results.toml.2"]);
        assert!(read(&path).contains("n = \"3\""));
        assert!(read(&with_suffix(&path, ".1")).contains("n = \"1\""));
        assert!(read(&with_suffix(&path, ".2")).contains("n = \"2\""));
    }

    #[test]
    fn the_same_results_again_leave_one_file() {
        let (folder, path) = folder();
        for _ in 0..2 {
            let mut results = Results::new(&path, "a.flow");
            results.keep(&[value("a", b"1")]).expect("it can be saved");
            results.keep(&[value("b", b"2")]).expect("it can be saved");
        }
        assert_eq!(names(&folder), ["results.toml"]);
        assert_eq!(read(&path), "# Results of a.flow, written by flowrun\na = \"1\"\nb = \"2\"\n");
    }

    #[test]
    fn the_same_results_of_another_run_change_nothing_but_the_head() {
        let (folder, path) = folder();
        for day in ["2026-11-29", "2026-11-30"] {
            let mut results = Results::new(&path, "a.flow").about([("date", day.to_string())]);
            results.keep(&[value("a", b"\xff")]).expect("it can be saved");
            results.keep(&[value("b", b"# date: 1")]).expect("it can be saved");
        }
        assert_eq!(names(&folder), ["results.toml"]);
        assert_snapshot!(read(&path), @r##"
        # Results of a.flow, written by flowrun
        # date: 2026-11-30
        # not UTF-8, so in hex:
        a = "ff"
        b = "# date: 1"
        "##);
        let mut results = Results::new(&path, "a.flow").about([("date", "a\nb = \"1\"".to_string())]);
        results.keep(&[value("a", b"\xff")]).expect("it can be saved");
        assert_eq!(names(&folder), ["results.toml", "results.toml.1"], "it has other values");
        let table: toml::Table = read(&path).parse().expect("it is TOML");
        assert_eq!(table.len(), 1, "no head forges a value");
    }

    #[test]
    fn what_someone_else_wrote_during_the_run_is_kept_too() {
        let (folder, path) = folder();
        let mut results = Results::new(&path, "a.flow");
        results.keep(&[value("a", b"1")]).expect("it can be saved");
        fs::write(&path, "theirs").expect("the test's file can be written");
        results.keep(&[value("b", b"2")]).expect("it can be saved");
        assert_eq!(names(&folder), ["results.toml", "results.toml.1"]);
        assert_eq!(read(&with_suffix(&path, ".1")), "theirs");
    }

    #[test]
    fn a_flow_with_a_line_end_in_its_name_can_not_forge_a_value() {
        let (_folder, path) = folder();
        Results::new(&path, "a\nadmin = \"1\"").keep(&[value("a", b"1")]).expect("it can be saved");
        let table: toml::Table = read(&path).parse().expect("it is TOML");
        assert_eq!(table.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it_whatever_was_there_before() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, path) = folder();
        let mode = |path: &Path| fs::metadata(path).expect("the file is there").permissions().mode() & 0o777;
        let mut results = Results::new(&path, "a.flow");
        results.keep(&[value("a", b"1")]).expect("it can be saved");
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("the mode can be set");
        Results::new(&path, "a.flow").keep(&[value("a", b"1")]).expect("it can be saved");
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("the mode can be set");
        Results::new(&path, "a.flow").keep(&[value("a", b"2")]).expect("it can be saved");
        assert_eq!(mode(&path), 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_not_followed() {
        let (folder, path) = folder();
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "x").expect("the test's file can be written");
        std::os::unix::fs::symlink(&elsewhere, &path).expect("a link can be made");
        let error = Results::new(&path, "a.flow").keep(&[value("a", b"1")]).expect_err("it is refused");
        assert!(error.contains("is a symbolic link, and results are not written through one"), "{error}");
        assert_eq!(read(&elsewhere), "x");
    }

    #[test]
    fn two_runs_that_save_to_one_file_lose_nothing() {
        let (folder, path) = folder();
        let mut runs = [Results::new(&path, "a.flow"), Results::new(&path, "b.flow")];
        for n in 0..20 {
            for run in &mut runs {
                run.keep(&[value(&format!("v{n}"), b"1")]).expect("it can be saved");
            }
        }
        let texts: Vec<String> = names(&folder).iter().map(|name| read(&folder.path().join(name))).collect();
        for flow in ["a.flow", "b.flow"] {
            let whole = |text: &&String| text.contains(flow) && text.lines().count() == 21;
            assert_eq!(texts.iter().filter(whole).count(), 1, "{texts:?}");
        }
    }

    #[test]
    fn what_could_not_be_written_is_not_kept() {
        let (folder, path) = folder();
        let mut results = Results::new(&path, "a.flow");
        results.keep(&[value("a", b"1")]).expect("it can be saved");
        fs::remove_file(&path).and_then(|()| fs::create_dir(&path)).expect("it can be in the way");
        results.keep(&[value("a", b"2"), value("b", b"3")]).expect_err("a folder is in the way");
        assert_eq!(results.kept().1.collect::<Vec<_>>(), ["a"]);
        fs::remove_dir(&path).expect("it is empty");
        results.keep(&[value("c", b"4")]).expect("it can be saved");
        assert_eq!(read(&path), "# Results of a.flow, written by flowrun\na = \"1\"\nc = \"4\"\n");
        assert_eq!(names(&folder), ["results.toml"]);
    }

    #[test]
    fn there_is_always_a_name_for_an_earlier_file() {
        let (folder, path) = folder();
        fs::write(&path, "earlier").expect("the test's file can be written");
        (1..=10_001).for_each(|n| {
            File::create(with_suffix(&path, &format!(".{n}"))).expect("the test's file can be made");
        });
        Results::new(&path, "a.flow").keep(&[value("a", b"1")]).expect("it can be saved");
        assert_eq!(read(&folder.path().join("results.toml.10002")), "earlier");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_in_which_nothing_can_be_written_is_found_before_the_run() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, path) = folder();
        fs::write(&path, "earlier").expect("the test's file can be written");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).expect("the mode can be set");
        // Root may write everywhere.
        let is_root = fs::write(folder.path().join("x"), "").is_ok();
        let checked = Results::new(&path, "a.flow").check_place();
        assert!(is_root || checked.is_err_and(|why| why.starts_with("no file can be written in the folder")));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("the mode can be set");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("the mode can be set");
        let checked = Results::new(&path, "a.flow").check_place();
        assert!(is_root || checked.is_err_and(|why| why.starts_with("the earlier results in")));
    }

    #[test]
    fn what_is_in_the_way_is_said_before_the_run() {
        let (folder, path) = folder();
        let says = |path: PathBuf, text: &str| {
            let error = Results::new(path, "a.flow").check_place().expect_err("it is refused");
            assert!(error.contains(text), "{error}");
        };
        says(folder.path().join("none/x.toml"), "/none` cannot be used: ");
        says(folder.path().to_path_buf(), "is not a file");
        fs::write(&path, "").expect("the test's file can be written");
        says(path.join("x.toml"), "is not a folder");
        assert_eq!(Results::new(&path, "a.flow").check_place(), Ok(()));
        assert_eq!(Results::new("x.toml", "a.flow").check_place(), Ok(()));
    }
}
