//! The benchmarks: what `docs/performance.md` says of them is there.

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::repo;

/// Returns the words in backticks of the first column of a table of the document.
fn rows(header: &str) -> BTreeSet<String> {
    let document = include_str!("../docs/performance.md");
    let lines = document.lines().skip_while(|line| !line.starts_with(header)).skip(2);
    let rows: BTreeSet<String> = lines
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('|').nth(1)?.split('`').nth(1).map(str::to_string))
        .collect();
    assert!(!rows.is_empty(), "no table {header}");
    rows
}

#[test]
fn the_document_names_every_benchmark_and_no_other() {
    let manifest = include_str!("../Cargo.toml");
    let mut named = BTreeSet::new();
    for section in manifest.split("[[bench]]").skip(1) {
        let lines: Vec<&str> = section.lines().skip(1).take_while(|line| !line.is_empty()).collect();
        let name = lines[0].strip_prefix("name = ").expect("the name stands first").trim_matches('"');
        assert!(lines.contains(&"harness = false") && lines.contains(&"test = false"), "{name}: {lines:?}");
        assert!(repo(&format!("benches/{name}.rs")).exists(), "benches/{name}.rs");
        named.insert(name.to_string());
    }
    let files = fs::read_dir(repo("benches")).expect("it is a folder");
    let files = files.map(|entry| entry.expect("it can be read").path());
    let programs = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let programs = programs.map(|path| path.file_stem().expect("it has a name").display().to_string());
    assert_eq!(named, programs.collect(), "Cargo.toml and benches/");
    assert_eq!(named, rows("| benchmark |"), "Cargo.toml and docs/performance.md");
}
