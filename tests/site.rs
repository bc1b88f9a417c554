//! Every link of the documents leads to a file and a heading that are there, and so does every link of the site's pages.

#[path = "../book/site.rs"]
#[expect(dead_code, reason = "its main is for .ci/site, and what reads HTML needs mdBook")]
mod site;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns the anchors of a document: its headings in the form that GitHub and mdBook give them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if !fenced && heading.len() < line.len() && heading.starts_with(' ') {
            let kept = heading.trim().to_lowercase().replace(' ', "-");
            found.insert(kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect());
        }
    }
    found
}

/// Returns the links of a document that lead nowhere: to no file, or to no heading.
fn broken(root: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(root.join(name)).expect("a document is UTF-8");
    let targets = site::links(&text).into_iter().map(|(begin, end)| &text[begin..end]);
    let leads_nowhere = |target: &&str| {
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = if path.is_empty() { name.to_string() } else { site::resolve(name, path) };
        let there = root.join(&path);
        let has = |anchor: &str| anchors(&fs::read_to_string(&there).unwrap_or_default()).contains(anchor);
        !there.exists() || (!anchor.is_empty() && path.ends_with(".md") && !has(anchor))
    };
    targets.filter(|target| !site::is_outside(target)).filter(leads_nowhere).map(|to| format!("{name}: {to}")).collect()
}

fn documents(root: &Path) -> Vec<String> {
    site::documents(root).expect("the documents can be listed")
}

#[test]
fn every_link_of_a_document_leads_to_a_file_and_a_heading() {
    let root = repo(".");
    let wrong: Vec<String> = documents(&root).iter().flat_map(|name| broken(&root, name)).collect();
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
}

#[test]
fn a_link_to_nothing_and_to_no_heading_are_found() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let text = "# A b\n[a](#a-b) [b](#c) [c](d.md) [e](https://e.f)\n`[g](h)`\n```\n[i](j)\n```\n";
    fs::write(folder.path().join("a.md"), text).expect("it can be written");
    assert_eq!(broken(folder.path(), "a.md"), ["a.md: #c", "a.md: d.md"]);
}

#[test]
fn every_document_is_in_the_table_of_contents() {
    let root = repo(".");
    let text = fs::read_to_string(repo("docs/SUMMARY.md")).expect("it is UTF-8");
    let listed = site::links(&text).into_iter().map(|(begin, end)| site::resolve("docs/SUMMARY.md", &text[begin..end]));
    let mut listed: Vec<String> = listed.collect();
    let mut names = documents(&root);
    names.retain(|name| !site::is_chinese(name));
    listed.sort();
    assert_eq!(listed, names, "docs/SUMMARY.md lists each document once");
}

#[test]
fn every_link_of_a_page_leads_to_a_page_and_a_heading() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    site::make(&repo("."), folder.path()).expect("the pages can be made");
    let below = |end| site::files(folder.path(), ".", end).expect("they can be read");
    let pages: Vec<String> = below(".md").iter().map(|name| name.trim_start_matches("./").to_string()).collect();
    let wrong: Vec<String> = pages.iter().flat_map(|name| broken(folder.path(), name)).collect();
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
    let errors = fs::read_to_string(repo("docs/errors.md")).expect("it is UTF-8");
    for [code, ..] in site::errors(&errors) {
        assert!(pages.contains(&format!("errors/{}.md", site::error_page(&code))), "{code} has no page");
    }
    assert_eq!(site::errors(&errors).len(), errors.matches("\n| `flow::").count(), "a row is not understood");
}

/// The grammar has every keyword as `k_NAME = @{ "NAME" ~ !w }`.
#[test]
fn the_site_colours_every_keyword() {
    let grammar = fs::read_to_string(repo("grammar/flow.pest")).expect("it is UTF-8");
    let script = fs::read_to_string(repo("book/theme/flow.js")).expect("it is UTF-8");
    let coloured: Vec<&str> = script.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let words = grammar.lines().filter(|line| line.starts_with("k_")).filter_map(|line| line.split('"').nth(1));
    let keywords = words.filter(|word| word.starts_with(char::is_alphabetic));
    let missing: Vec<&str> = keywords.filter(|word| !coloured.contains(word)).collect();
    assert!(missing.is_empty(), "book/theme/flow.js does not have {missing:?}");
}
