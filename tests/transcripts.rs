//! Whole runs as their transcripts show them: each built-in flow, and each flow in `tests/transcripts`, against
//! the device that it names.
//!
//! To add a case, add a file and accept its snapshot.

mod support;

use flowrun::event::Verdict;
use support::{Run, assert_cases, check_file, flows_in, repo, shown, snapshots};

const FOLDERS: &[&str] = &["flows", "tests/transcripts"];

/// Returns the name and the file of each case.
fn cases() -> Vec<(String, String)> {
    let in_folder = |folder: &&str| {
        flows_in(folder).into_iter().map(|name| (name.clone(), format!("{folder}/{name}.flow"))).collect()
    };
    FOLDERS.iter().flat_map(|folder| -> Vec<_> { in_folder(folder) }).collect()
}

#[test]
fn each_flow_passes_with_the_transcript_of_its_snapshot() {
    let shown = |(name, file): (String, String)| {
        let outcome = Run::built_in(&file).go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{file}\n{}\n{}", outcome.transcript, outcome.report);
        (name, file, outcome.transcript)
    };
    assert_cases("transcripts", &cases().into_iter().map(shown).collect::<Vec<_>>());
}

#[test]
fn no_flow_or_device_here_has_a_warning() {
    let files = ["tests/transcripts", "tests/transcripts/devices"].map(|folder| (folder, flows_in(folder)));
    for (folder, names) in files {
        for name in names {
            let checked = check_file(&format!("{folder}/{name}.flow"));
            assert!(checked.problems.is_empty(), "{}", shown(&checked.problems, &checked));
        }
    }
}

#[test]
fn a_second_run_has_the_same_transcript() {
    for (_, file) in cases() {
        let run = Run::built_in(&file);
        assert_eq!(run.go().transcript, run.go().transcript, "{file}");
    }
}

#[test]
fn pieces_of_one_byte_give_the_same_transcript() {
    for (_, file) in cases() {
        let whole = Run::built_in(&file).go().transcript;
        assert_eq!(Run::built_in(&file).chunks(1).go().transcript, whole, "{file}");
    }
}

#[test]
fn every_name_is_that_of_one_case() {
    let mut names: Vec<String> = cases().into_iter().map(|(name, _)| name).collect();
    let n = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), n, "two flows share a name, and so a snapshot: {names:?}");
}

#[test]
fn every_snapshot_belongs_to_a_test_file() {
    for snapshot in snapshots() {
        let (file, _) = snapshot.split_once("__").unwrap_or_else(|| panic!("{snapshot} has no test file in its name"));
        assert!(repo(&format!("tests/{file}.rs")).exists(), "{snapshot}: there is no tests/{file}.rs");
    }
}
