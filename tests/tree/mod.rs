//! The files of Rust in this repository, for tests that look at them.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::fs;
use std::path::Path;

/// A file of Rust, its path counted from the folder that was listed, with `/`.
pub(crate) struct File {
    pub path: String,
    pub text: String,
}

impl File {
    /// Returns the lines that are no comment, with their numbers; unit tests, which stand last, are left out.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.path.ends_with("/tests.rs");
        let product = self.text.lines().take_while(move |line| !is_test && line.trim() != "#[cfg(test)]");
        product.enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim().starts_with("//"))
    }

    /// Returns the top-level module that the file belongs to.
    pub(crate) fn module(&self) -> &str {
        self.path.split('/').next().unwrap_or(&self.path).trim_end_matches(".rs")
    }
}

/// Returns every file of Rust below a folder of the repository, sorted.
pub(crate) fn files(folder: &str) -> Vec<File> {
    fn walk(root: &Path, folder: &Path, into: &mut Vec<File>) {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("its entries can be read").path();
            if path.is_dir() {
                walk(root, &path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).expect("it is below the root").display().to_string();
                let text = fs::read_to_string(&path).expect("it is UTF-8");
                into.push(File { path: name.replace('\\', "/"), text });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "{folder} has files");
    found
}

/// Returns what follows each `before` that no name or path continues into: the identifiers there.
pub(crate) fn names_behind<'a>(line: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(before).filter_map(move |(at, _)| {
        let is_whole = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        let rest = &line[at + before.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        is_whole.then(|| &rest[..end])
    })
}
