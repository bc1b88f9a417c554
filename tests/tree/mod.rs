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
    /// Returns the lines that are no comment, with their numbers. The module of unit tests, which stands last, is left
    /// out; a single item that only tests have is code as any other.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let n_lines = if self.path.ends_with("/tests.rs") { 0 } else { self.n_lines_before_tests() };
        let product = self.text.lines().take(n_lines).enumerate();
        product.map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim().starts_with("//"))
    }

    /// Returns how many lines stand before `#[cfg(test)] mod …`: all of them, if there is no such module.
    fn n_lines_before_tests(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().map(str::trim).collect();
        let begins_module = |at: usize| {
            let item = lines[at + 1..].iter().find(|line| !line.starts_with("#["));
            lines[at] == "#[cfg(test)]" && item.is_some_and(|item| is_module(item))
        };
        (0..lines.len()).find(|at| begins_module(*at)).unwrap_or(lines.len())
    }

    /// Returns the top-level module that the file belongs to.
    pub(crate) fn module(&self) -> &str {
        self.path.split('/').next().unwrap_or(&self.path).trim_end_matches(".rs")
    }
}

/// Says whether a line begins a module, whoever may see it.
fn is_module(line: &str) -> bool {
    let behind_visibility =
        line.strip_prefix("pub").map_or(line, |rest| rest.split_once(' ').map_or(rest, |(_, item)| item));
    behind_visibility.starts_with("mod ")
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

/// Returns the first names of the paths that are named behind each `before` in a text: one, or those of a group.
pub(crate) fn first_names(text: &str, before: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices(before) {
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &text[at + before.len()..];
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut start = true;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    c if depth == 1 && start && is_name(c) => name.push(c),
                    _ => {}
                }
                let ends = !is_name(c) && !name.is_empty();
                if ends {
                    names.push(std::mem::take(&mut name));
                    start = false;
                }
                start |= c == ',' && depth == 1;
                if depth == 0 {
                    break;
                }
            }
        } else {
            names.push(rest.chars().take_while(|c| is_name(*c)).collect());
        }
    }
    names
}
