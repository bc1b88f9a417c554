//! `docs/errors.md` lists every code once, and the cases that it names are there.

mod support;

use flowrun::diagnostic::{Code, Severity};
use support::repo;

#[test]
fn every_code_is_listed_once_and_nothing_else() {
    let text = include_str!("../docs/errors.md");
    let mut listed: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("| `flow::")).collect();
    listed.sort_unstable();
    let mut listed: Vec<String> =
        listed.iter().map(|row| format!("flow::{}", row.split('`').next().unwrap_or(""))).collect();
    let mut codes: Vec<String> = Code::ALL.iter().map(|code| code.text().to_string()).collect();
    codes.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, codes);
    assert!(codes.len() >= 40, "{} codes", codes.len());
}

#[test]
fn every_case_that_is_named_shows_its_code() {
    for row in include_str!("../docs/errors.md").lines().filter(|line| line.starts_with("| `flow::")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().trim_matches('`')).collect();
        let (code, case) = (cells[0], cells[cells.len() - 1]);
        if !case.ends_with(".flow") {
            assert!(repo(case).exists(), "{case} is not there");
            continue;
        }
        assert!(repo(&format!("tests/cases/{case}")).exists(), "{case} is not there ({code})");
        let name = case.trim_end_matches(".flow").replace('/', "__");
        let snapshot = repo(&format!("tests/snapshots/cases__{name}.snap"));
        let shown = std::fs::read_to_string(&snapshot).unwrap_or_else(|why| panic!("{}: {why}", snapshot.display()));
        assert!(shown.contains(code), "{case} does not show {code}");
    }
}

#[test]
fn warnings_stand_in_their_own_table() {
    let text = include_str!("../docs/errors.md");
    let begins = text.find("(warnings)").expect("there is a table of warnings");
    let ends = begins + text[begins..].find("\n## ").expect("another table follows");
    for code in Code::ALL {
        let at = text.find(&format!("| `{}`", code.text())).expect("every code is listed");
        assert_eq!((begins..ends).contains(&at), code.severity() == Severity::Warning, "{}", code.text());
    }
}
