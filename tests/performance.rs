//! The benchmarks, the instruction counts and the yardstick: what `docs/performance.md` says of them is there, and the flows run.

mod support;

use std::collections::BTreeSet;
use std::fs;

use flowrun::event::Verdict;
use flowrun::format::format;
use flowrun::source::{Source, Sources};
use support::{Run, check_file, flows_in, repo, shown};

/// The folder of the flows whose instructions are counted.
const FLOWS: &str = "benches/flows";
/// The folder of flowrun's part in the comparison with other tools.
const YARDSTICK: &str = "benches/yardstick";

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

#[test]
fn each_flow_whose_instructions_are_counted_has_its_row_and_its_count() {
    let flows: BTreeSet<String> = flows_in(FLOWS).into_iter().collect();
    assert_eq!(flows, rows("| flow |"), "{FLOWS} and docs/performance.md");
    let counts = include_str!("../benches/instructions.txt").lines().filter(|line| !line.starts_with('#'));
    let counted = counts.map(|line| {
        let (name, count) = line.split_once(' ').expect("a name and a count");
        assert!(count.parse::<u64>().is_ok_and(|count| count > 0), "{line}");
        name.to_string()
    });
    assert_eq!(flows, counted.collect(), "{FLOWS} and benches/instructions.txt");
}

#[test]
fn the_flows_whose_instructions_are_counted_pass() {
    for name in flows_in(FLOWS) {
        let mut run = Run::built_in(&format!("{FLOWS}/{name}.flow"));
        // As they are they take long without optimisation.
        run = match name.as_str() {
            "exchanges" | "two_ports" => run.var("turns", 3_i64),
            "boot_log" => run.sim_var("blocks", 3_i64),
            _ => run,
        };
        let outcome = run.go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{name}\n{}", outcome.report);
    }
}

#[test]
fn the_flows_are_formatted_and_have_no_problems() {
    for folder in [FLOWS.to_string(), format!("{FLOWS}/devices"), YARDSTICK.to_string()] {
        for name in flows_in(&folder) {
            let path = format!("{folder}/{name}.flow");
            let checked = check_file(&path);
            assert!(checked.problems.is_empty(), "{path}\n{}", shown(&checked.problems, &checked));
            let text = fs::read_to_string(repo(&path)).expect("it is UTF-8");
            let source = Source::new(path.clone(), text.clone());
            let id = Sources::default().add(source.clone());
            assert_eq!(format(id, &source).ok(), Some(text), "{path}");
        }
    }
}

/// Plays what the yardstick's device plays, for all of its flows.
const DEVICE: &str = r#"
device "the yardstick's"

on line "AT" {
  send raw "AT\r\r\nOK\r\n"
}
on line "GO" {
  send raw "[    1.0] BUG: unable to say =>\r\nNEEDLE-5eed"
  send raw "1234 ready\r\n"
}
on line /DONE|T/ { }
"#;

#[test]
fn the_flows_of_the_yardstick_are_those_of_its_contender_and_pass() {
    let contender = include_str!("../benches/yardstick/peer.toml");
    // W2, W2b and W8 go by the yardstick's name for the work.
    let named = contender.split("{dir}/").skip(1).filter_map(|rest| rest.split(".flow").next());
    let named: BTreeSet<String> = named.filter(|name| *name != "{verb}").map(str::to_string).collect();
    let mut flows: BTreeSet<String> = flows_in(YARDSTICK).into_iter().collect();
    for name in &flows {
        let text = fs::read_to_string(repo(&format!("{YARDSTICK}/{name}.flow"))).expect("it is UTF-8");
        let mut run = Run::texts(&text, DEVICE);
        if text.contains("param n") {
            run = run.var("n", 3_i64);
        }
        let outcome = run.go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{name}\n{}", outcome.report);
    }
    assert!(flows.remove("find1") && flows.remove("find8"));
    assert_eq!(flows, named, "{YARDSTICK} and its peer.toml");
}

/// The figures mean nothing here: the programs are those that `docs/performance.md` names, and do the work.
#[cfg(unix)]
#[test]
fn the_exchange_over_tcp_is_done_by_the_bare_loop_and_by_flowrun() {
    use std::process::Command;
    if !Command::new("cc").arg("--version").output().is_ok_and(|found| found.status.success()) {
        eprintln!("skipped: there is no C compiler");
        return;
    }
    let mut script = Command::new(repo(&format!("{YARDSTICK}/tcp/run")));
    let ran = script.args([env!("CARGO_BIN_EXE_flowrun"), "2", "20"]).output().expect("it can be run");
    let shown = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{shown}{}", String::from_utf8_lossy(&ran.stderr));
    let runs = ["bare loop", "command"].map(|who| shown.lines().filter(|line| line.starts_with(who)).count());
    assert_eq!(runs, [2, 2], "{shown}");
    assert!(shown.lines().last().is_some_and(|line| line.starts_with("ratio of the medians: time ")), "{shown}");
    let document = include_str!("../docs/performance.md");
    assert!(document.contains("\nbenches/yardstick/tcp/run "), "the document says how");
}
