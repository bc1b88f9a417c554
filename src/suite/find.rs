//! The flows below a folder, and the snapshots there that belong to none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::snapshot::orphans;

/// What was found below the paths that were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The flows, sorted within each path, each once.
    pub flows: Vec<PathBuf>,
    /// Snapshots whose flow is gone.
    pub orphans: Vec<PathBuf>,
}

/// Looks for flows: a file that is named is one whatever is in it; below a folder, files that end in `.flow` and are no
/// device and no library. Hidden folders, `target` and `snapshots` are passed over.
///
/// # Errors
///
/// The path that can not be read, and why.
pub fn find(paths: &[PathBuf]) -> Result<Found, (PathBuf, io::Error)> {
    let mut found = Found::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(meta) if meta.is_dir() => walk(path, &mut found)?,
            Ok(_) => found.flows.push(path.clone()),
            Err(error) => return Err((path.clone(), error)),
        }
    }
    let mut seen = Vec::new();
    found.flows.retain(|flow| {
        let is_new = !seen.contains(flow);
        seen.push(flow.clone());
        is_new
    });
    Ok(found)
}

fn walk(folder: &Path, found: &mut Found) -> Result<(), (PathBuf, io::Error)> {
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
            walk(&path, found)?;
        } else if name.ends_with(".flow") && !is_other(&path) {
            found.flows.push(path);
        }
    }
    Ok(())
}

/// Says whether a file is a device or a library. What can not be read is taken for a flow, so that it is told of.
fn is_other(path: &Path) -> bool {
    let Ok(text) = fs::read_to_string(path) else { return false };
    let header = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    let word = header.and_then(|line| line.split([' ', '\t', '"']).next());
    matches!(word, Some("device" | "library"))
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
        let found = find(&[folder.path().to_path_buf(), named.clone(), named]).expect("all can be read");
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
}
