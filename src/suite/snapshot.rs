//! Snapshot files in the format of insta, so that `cargo insta review` works on them.
//!
//! `snapshots/NAME.snap` beside the flow holds what was accepted, `snapshots/NAME.snap.new` what is to be looked at. Each is
//! whole at any moment. Nothing is read or written through a link out of the folder: it may be a stranger's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{LARGEST_TEXT, Reach, folder_of, put, read_file, too_large};
use crate::report::transcript::Times;
use crate::value::Value;
use crate::value::json::to_json;

/// What the files of flowrun say of themselves; others in the same folder are not touched.
const EXPRESSION: &str = "flowrun test";

/// The snapshot of one flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    path: PathBuf,
    flow: String,
}

impl Snapshot {
    /// Returns the snapshot of a flow: `NAME.snap`, or `NAME.port.snap` where times are hidden because something real was met.
    pub fn of(flow: &Path, times: Times) -> Snapshot {
        let stem = flow.file_stem().unwrap_or_default().to_string_lossy();
        let name = match times {
            Times::Shown => format!("{stem}.snap"),
            Times::Hidden => format!("{stem}.port.snap"),
        };
        let path = flow.parent().unwrap_or(Path::new("")).join("snapshots").join(name);
        Snapshot { path, flow: flow.file_name().unwrap_or_default().to_string_lossy().into_owned() }
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file of what is to be looked at.
    pub fn pending_path(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".new");
        PathBuf::from(name)
    }

    /// Returns the accepted transcript; `None` if there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is a link out of the folder of the flow.
    pub fn read(&self) -> io::Result<Option<String>> {
        let folder = self.folder()?;
        let here = Reach::Below(folder_of(folder));
        match read_file(&self.path, here, LARGEST_TEXT)
            .and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other))
        {
            Ok(text) => Ok(Some(contents(&text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a transcript to be looked at.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn put_aside(&self, transcript: &str) -> io::Result<()> {
        self.write(&self.pending_path(), transcript)
    }

    /// Accepts a transcript.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn accept(&self, transcript: &str) -> io::Result<()> {
        self.write(&self.path, transcript)?;
        self.settle()
    }

    /// Removes what was to be looked at.
    ///
    /// # Errors
    ///
    /// It is there and cannot be removed.
    pub fn settle(&self) -> io::Result<()> {
        self.folder()?;
        match fs::remove_file(self.pending_path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn write(&self, path: &Path, transcript: &str) -> io::Result<()> {
        fs::create_dir_all(self.folder()?)?;
        let text = render(&self.flow, transcript);
        // What is larger could not be read again.
        if text.len() as u64 > LARGEST_TEXT { Err(too_large(LARGEST_TEXT)) } else { put(path, &text) }
    }

    /// Returns the folder of the snapshots, which is no link.
    fn folder(&self) -> io::Result<&Path> {
        let folder = folder_of(&self.path);
        match fs::symlink_metadata(folder) {
            Ok(found) if found.is_symlink() => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the folder `snapshots` is a symbolic link, and snapshots are not written through one",
            )),
            Ok(_) | Err(_) => Ok(folder),
        }
    }
}

/// Returns the snapshots in a folder that flowrun has written and whose flow is gone, sorted.
pub fn orphans(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_orphan = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = name.strip_suffix(".new").unwrap_or(&name).strip_suffix(".snap");
        let Some(stem) = stem else { return false };
        let is_there = |stem: &str| folder.with_file_name(format!("{stem}.flow")).is_file();
        let is_ours = read_file(path, Reach::Below(folder), LARGEST_TEXT)
            .is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok_and(is_of_flowrun));
        is_ours && !is_there(stem) && !stem.strip_suffix(".port").is_some_and(is_there)
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_orphan).collect();
    found.sort();
    found
}

/// A transcript that is put aside to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The flow; it may be gone.
    pub flow: PathBuf,
    /// The snapshot that it would become.
    pub snapshot: PathBuf,
    /// The file.
    pub file: PathBuf,
    /// Whether there is a snapshot, which it differs from.
    pub is_change: bool,
}

/// Returns what flowrun has put aside in a folder `snapshots`, sorted.
pub(super) fn pending(folder: &Path) -> Vec<Pending> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let of = |file: PathBuf| {
        let name = file.file_name()?.to_str()?.strip_suffix(".new")?.to_string();
        let stem = name.strip_suffix(".snap")?;
        let bytes = read_file(&file, Reach::Below(folder), LARGEST_TEXT).ok()?;
        std::str::from_utf8(&bytes).is_ok_and(is_of_flowrun).then_some(())?;
        let beside = |stem: &str| folder.with_file_name(format!("{stem}.flow"));
        let of_port = stem.strip_suffix(".port").filter(|_| !beside(stem).is_file());
        let (flow, snapshot) = (beside(of_port.unwrap_or(stem)), folder.join(&name));
        Some(Pending { flow, is_change: snapshot.exists(), snapshot, file })
    };
    let mut found: Vec<Pending> = entries.flatten().filter_map(|entry| of(entry.path())).collect();
    found.sort_by(|a, b| a.file.cmp(&b.file));
    found
}

/// Returns the text of a snapshot file; a transcript ends with one line end.
fn render(flow: &str, transcript: &str) -> String {
    // JSON strings are YAML strings.
    let source = to_json(&Value::text(flow));
    format!("---\nsource: {source}\nexpression: {EXPRESSION}\n---\n{}\n", transcript.trim_end_matches('\n'))
}

/// Returns what stands behind the head, with one line end; line ends are those of Unix.
fn contents(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let body = match text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")) {
        Some((_, body)) => body,
        None => &text,
    };
    format!("{}\n", body.trim_end_matches('\n'))
}

fn is_of_flowrun(text: &str) -> bool {
    let head = text.lines().skip(1).take_while(|line| *line != "---");
    head.into_iter()
        .any(|line| line.strip_prefix("expression: ").is_some_and(|what| what.trim_matches('"') == EXPRESSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_whatever_the_line_ends_became() {
        let transcript = "flow: a\n\n---\n    0.000 > AT\\r\n";
        let text = render("a \"b\".flow", transcript);
        assert!(
            text.starts_with("---\nsource: \"a \\\"b\\\".flow\"\nexpression: flowrun test\n---\nflow: a\n"),
            "{text}"
        );
        assert_eq!(contents(&text), transcript);
        assert_eq!(contents(&text.replace('\n', "\r\n")), transcript);
    }

    #[test]
    fn blanks_at_the_end_of_a_transcript_count() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let snapshot = Snapshot::of(&folder.path().join("shell.flow"), Times::Shown);
        for transcript in ["    0.000 < > \n", "    0.000 < >\n"] {
            snapshot.accept(transcript).expect("it can be written");
            assert_eq!(snapshot.read().expect("it can be read").as_deref(), Some(transcript));
        }
    }

    #[test]
    fn insta_takes_the_file_for_its_own() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let snapshot = Snapshot::of(&folder.path().join("login.flow"), Times::Shown);
        snapshot.accept("flow: a\n\n    0.000 - port open\n").expect("it can be written");
        let mut settings = insta::Settings::new();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_snapshot_path(folder.path().join("snapshots"));
        settings.bind(|| insta::assert_snapshot!("login", "flow: a\n\n    0.000 - port open\n"));
        assert!(!snapshot.pending_path().exists());
    }

    #[test]
    fn only_what_flowrun_wrote_is_an_orphan() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        for flow in ["here.flow", "gone.flow"] {
            for times in [Times::Shown, Times::Hidden] {
                let snapshot = Snapshot::of(&folder.path().join(flow), times);
                snapshot.accept("x").expect("it can be written");
            }
        }
        let snapshots = folder.path().join("snapshots");
        fs::write(folder.path().join("here.flow"), "").expect("it can be written");
        fs::write(snapshots.join("rust__case.snap"), "---\nsource: x\nexpression: y\n---\n")
            .expect("it can be written");
        let found: Vec<String> = orphans(&snapshots)
            .iter()
            .map(|path| path.file_name().expect("it has a name").to_string_lossy().into_owned())
            .collect();
        assert_eq!(found, ["gone.port.snap", "gone.snap"]);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_or_read_through_a_link() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().expect("a folder can be made for tests");
        let (mine, flows) = (outer.path().join("mine"), outer.path().join("flows"));
        fs::create_dir_all(flows.join("snapshots")).expect("it can be made");
        fs::write(&mine, "mine").expect("it can be written");
        let snapshot = Snapshot::of(&flows.join("a.flow"), Times::Shown);
        symlink("../../mine", snapshot.pending_path()).expect("a link can be made");
        snapshot.put_aside("x\n").expect("it takes the place of the link");
        symlink("../../mine", snapshot.path()).expect("a link can be made");
        assert!(snapshot.read().is_err_and(|error| error.to_string().contains("a link leads out")));
        snapshot.accept("x\n").expect("it takes the place of the link");
        assert_eq!(snapshot.read().expect("it can be read").as_deref(), Some("x\n"));
        fs::remove_dir_all(flows.join("snapshots")).expect("it is there");
        symlink("..", flows.join("snapshots")).expect("a link can be made");
        fs::write(outer.path().join("a.snap.new"), "mine").expect("it can be written");
        for done in [snapshot.accept("x\n"), snapshot.put_aside("x\n"), snapshot.settle(), snapshot.read().map(|_| ())]
        {
            assert!(done.is_err_and(|error| error.to_string().contains("is a symbolic link")));
        }
        let names = fs::read_dir(outer.path()).expect("it can be read").count();
        assert_eq!((names, fs::read_to_string(&mine).ok().as_deref()), (3, Some("mine")));
    }
}
