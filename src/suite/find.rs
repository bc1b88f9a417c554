//! The flows below a folder, and the snapshots there that belong to none.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::filter::Described;
use super::snapshot::{Pending, orphans, pending};
use crate::disk::{LARGEST_TEXT, Reach, below, folder_of, read_file};
use crate::source::{Source, Sources, name_of};
use crate::syntax::ast::StatementKind;
use crate::syntax::parse;

/// What was found below the paths that were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The flows, sorted within each path, each once.
    pub flows: Vec<PathBuf>,
    /// Snapshots whose flow is gone.
    pub orphans: Vec<PathBuf>,
}

/// Looks for flows: a file that is named is one whatever is in it; below a folder, files that end in `.flow` and are no
/// device and no library. Hidden folders, `target` and `snapshots` are passed over. Links to folders are not followed.
///
/// # Errors
///
/// The path that cannot be read, and why: it is not there, or it is a link out of the folder that was named.
pub fn find(paths: &[PathBuf]) -> Result<Found, (PathBuf, io::Error)> {
    let mut found = Found::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => walk(path, path, &mut found, &|path| !is_other(path))?,
            Ok(_) => found.flows.push(path.clone()),
            Err(error) => return Err((path.clone(), error)),
        }
    }
    found.flows = each_once(found.flows);
    Ok(found)
}

/// Leaves each flow once, however often and under whichever names it was found: `a.flow`, `./a.flow`, a link beside it. Of a
/// file and its links the file stays. A link in another folder has its device and its snapshot there: it is another flow.
fn each_once(flows: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut known: HashMap<(PathBuf, PathBuf), usize> = HashMap::new();
    let mut once: Vec<PathBuf> = Vec::new();
    for flow in flows {
        let file = fs::canonicalize(&flow).unwrap_or_else(|_| flow.clone());
        let folder = fs::canonicalize(folder_of(&flow)).unwrap_or_else(|_| folder_of(&flow).to_path_buf());
        match known.entry((folder, file)) {
            Entry::Vacant(entry) => {
                entry.insert(once.len());
                once.push(flow);
            }
            Entry::Occupied(entry) => {
                let first = &mut once[*entry.get()];
                if first.is_symlink() && !flow.is_symlink() {
                    *first = flow;
                }
            }
        }
    }
    once
}

/// Returns every file `NAME.flow` below a folder: flows, devices and libraries.
///
/// # Errors
///
/// The path that cannot be read, and why.
pub fn everything_in(folder: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut found = Found::default();
    walk(folder, folder, &mut found, &|_| true)?;
    Ok(found.flows)
}

/// Returns the transcripts below some paths that are put aside to be looked at; of a file, those of its flow.
///
/// # Errors
///
/// The path that cannot be read, and why.
pub fn pending_in(paths: &[PathBuf]) -> Result<Vec<Pending>, (PathBuf, io::Error)> {
    let mut all = Vec::new();
    for path in paths {
        let meta = fs::metadata(path).map_err(|error| (path.clone(), error))?;
        let here = Path::new(".");
        for folder in folders_in(path) {
            let folder = folder.strip_prefix(here).map(Path::to_path_buf).unwrap_or(folder);
            let mut found = pending(&folder.join("snapshots"));
            if !meta.is_dir() {
                found.retain(|pending| pending.flow.file_name() == path.file_name());
            }
            all.extend(found.into_iter().filter(|pending| !all.contains(pending)).collect::<Vec<_>>());
        }
    }
    Ok(all)
}

/// Returns a folder and those below it in which flows are looked for; of a file, its folder.
pub(crate) fn folders_in(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![folder_of(path).to_path_buf()];
    }
    let mut folders = vec![path.to_path_buf()];
    let mut at = 0;
    while let Some(folder) = folders.get(at) {
        // What cannot be read has been told of by `find`.
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let inner = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let is_meant = |name: &str| !name.starts_with('.') && name != "target" && name != "snapshots";
        let inner = inner.filter(|entry| is_meant(&entry.file_name().to_string_lossy()));
        let inner: Vec<PathBuf> = inner.map(|entry| entry.path()).collect();
        folders.extend(inner);
        at += 1;
    }
    folders
}

/// Looks in a folder, which is `all` or below it.
fn walk(
    all: &Path,
    folder: &Path,
    found: &mut Found,
    is_meant: &dyn Fn(&Path) -> bool,
) -> Result<(), (PathBuf, io::Error)> {
    let wrong = |error| (folder.to_path_buf(), error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.file_type().map_err(wrong)?));
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, kind) in entries {
        // `flowrun test` without a path should not name every file `./…`.
        let path = if folder == Path::new(".") { PathBuf::from(&name) } else { folder.join(&name) };
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if kind.is_dir() && name == "snapshots" {
            found.orphans.extend(orphans(&path));
        } else if kind.is_dir() {
            walk(all, &path, found, is_meant)?;
        } else if name.ends_with(".flow") {
            if kind.is_symlink() {
                below(all, &path).map_err(|error| (path.clone(), error))?;
            }
            if is_meant(&path) {
                found.flows.push(path);
            }
        }
    }
    Ok(())
}

/// Says whether a file is a device or a library. What cannot be read is taken for a flow: the run of it then says why.
fn is_other(path: &Path) -> bool {
    let Ok(bytes) = read_file(path, Reach::Anywhere, LARGEST_TEXT) else { return false };
    let Ok(text) = String::from_utf8(bytes) else { return false };
    let header = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    let word = header.and_then(|line| line.split([' ', '\t', '"']).next());
    matches!(word, Some("device" | "library"))
}

/// Returns what a flow says of itself, whether or not it has mistakes: as much of it as can be read.
pub fn describe(flow: &Path) -> Described {
    let mut described = Described { file: name_of(flow), ..Described::default() };
    let Ok(bytes) = read_file(flow, Reach::Anywhere, LARGEST_TEXT) else { return described };
    let Ok(text) = String::from_utf8(bytes) else { return described };
    let mut sources = Sources::default();
    let id = sources.add(Source::new(described.file.clone(), text));
    let file = parse(id, sources.get(id)).file;
    described.title = file.header.map(|header| header.title).unwrap_or_default();
    for statement in &file.body {
        if let StatementKind::Tag(tags) = &statement.kind {
            described.tags.extend(tags.iter().map(|tag| tag.node.clone()));
        }
    }
    described
}

/// Returns the part of a list that falls to shard `number` of `count`, counted from 1.
pub fn shard<T>(all: Vec<T>, number: usize, count: usize) -> Vec<T> {
    all.into_iter().enumerate().filter(|(i, _)| i % count == number - 1).map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_are_found_in_order_and_devices_and_libraries_are_none() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let files = [
            ("b.flow", "# first\n\nflow \"b\"\n"),
            ("a/z.flow", "flow \"z\"\n"),
            ("a/lib.flow", "library \"l\"\n"),
            ("dev.flow", "device \"d\"\n"),
            ("broken.flow", "flw \"x\"\n"),
            ("notes.txt", ""),
            (".hidden/x.flow", "flow \"x\"\n"),
            ("target/x.flow", "flow \"x\"\n"),
        ];
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it has a parent")).expect("it can be made");
            fs::write(path, text).expect("it can be written");
        }
        let named = folder.path().join("dev.flow");
        let other = folder.path().join("./a/../dev.flow");
        let found = find(&[folder.path().to_path_buf(), named, other]).expect("all can be read");
        let names: Vec<String> = found
            .flows
            .iter()
            .map(|path| path.strip_prefix(folder.path()).expect("it is below").display().to_string().replace('\\', "/"))
            .collect();
        assert_eq!(names, ["a/z.flow", "b.flow", "broken.flow", "dev.flow"]);
        assert!(find(&[folder.path().join("no")]).is_err());
    }

    #[test]
    fn the_shards_share_everything_out() {
        let all: Vec<u32> = (0..10).collect();
        let mut shared: Vec<u32> = (1..=4).flat_map(|number| shard(all.clone(), number, 4)).collect();
        shared.sort_unstable();
        assert_eq!(shared, all);
        assert_eq!(shard(all, 4, 4), [3, 7]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_told_of_and_a_pipe_is_no_reason_to_wait() {
        use std::os::unix::fs::symlink;
        let outer = tempfile::tempdir().expect("a folder can be made for tests");
        let folder = outer.path().join("flows");
        fs::create_dir(&folder).expect("it can be made");
        fs::write(folder.join("a.flow"), "flow \"a\"\n").expect("it can be written");
        symlink("a.flow", folder.join("b.flow")).expect("a link can be made");
        let made = std::process::Command::new("mkfifo").arg(folder.join("c.flow")).status();
        assert!(made.expect("mkfifo can be started").success());
        let flows = find(std::slice::from_ref(&folder)).expect("all can be read").flows;
        assert_eq!(
            flows,
            ["a.flow", "c.flow"].map(|name| folder.join(name)),
            "a link beside its file is the same flow"
        );
        // In another folder it has another device and another snapshot.
        fs::create_dir(folder.join("board")).expect("it can be made");
        symlink("../a.flow", folder.join("board/a.flow")).expect("a link can be made");
        let flows = find(std::slice::from_ref(&folder)).expect("all can be read").flows;
        assert_eq!(flows, ["a.flow", "board/a.flow", "c.flow"].map(|name| folder.join(name)));
        fs::remove_dir_all(folder.join("board")).expect("it is there");
        fs::write(outer.path().join("outside"), "root:x:0").expect("it can be written");
        symlink("../outside", folder.join("d.flow")).expect("a link can be made");
        let (path, error) = find(std::slice::from_ref(&folder)).expect_err("a link leads out");
        assert_eq!((path, error.to_string().as_str()), (folder.join("d.flow"), "a link leads out of the folder"));
        // The command line may name it.
        assert!(find(&[folder.join("d.flow")]).is_ok());
    }
}
