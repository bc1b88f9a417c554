//! No line of a document is longer than 120 columns, so that documents can be read and compared in any editor.

use std::fs;
use std::path::{Path, PathBuf};

/// So many columns a line may have; a character counts as one.
const WIDEST: usize = 120;

/// Collects the documents below a folder; what cargo has built and folders that begin with a dot are left out.
fn documents(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let entry = entry.expect("its entries can be read");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let kind = entry.file_type().expect("it has a type");
        if kind.is_dir() && !name.starts_with('.') && name != "target" {
            documents(&entry.path(), into);
        } else if kind.is_file() && name.ends_with(".md") {
            into.push(entry.path());
        }
    }
}

/// Says whether a line is long because of a link, which cannot be broken.
fn is_one_link(line: &str) -> bool {
    line.split_whitespace().any(|word| word.contains("://") && word.chars().count() > WIDEST / 2)
}

/// Returns the numbers of the lines that are too long: rows of tables may be, and links.
fn too_long(text: &str) -> Vec<usize> {
    let is_wide = |line: &&str| line.chars().count() > WIDEST;
    let lines = text.lines().enumerate().filter(|(_, line)| is_wide(line));
    lines.filter(|(_, line)| !line.starts_with('|') && !is_one_link(line)).map(|(i, _)| i + 1).collect()
}

#[test]
fn no_line_of_a_document_is_longer_than_120_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    documents(root, &mut found);
    found.sort();
    for name in ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/language.md"] {
        assert!(found.contains(&root.join(name)), "{name} is not among the documents");
    }
    let mut wrong = Vec::new();
    for path in found {
        let text = fs::read_to_string(&path).expect("a document is UTF-8");
        let name = path.strip_prefix(root).expect("it is below the root").display().to_string();
        wrong.extend(too_long(&text).into_iter().map(|n| format!("{name}:{n}")));
    }
    assert!(wrong.is_empty(), "longer than {WIDEST} columns:\n{}", wrong.join("\n"));
}

#[test]
fn only_tables_and_links_may_be_longer() {
    let long = "ä".repeat(WIDEST);
    assert!(too_long(&long).is_empty(), "characters count, not bytes");
    assert_eq!(too_long(&format!("short\n{long} a\n")), [2]);
    assert!(too_long(&format!("| {long} |")).is_empty());
    assert!(too_long(&format!("[a](https://example.com/{long})")).is_empty());
    assert_eq!(too_long(&format!("{long} <https://example.com>")), [1], "a short link can be broken off");
}
