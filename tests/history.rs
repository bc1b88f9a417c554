//! The history of runs: who adds to it, that nothing is lost or torn by many processes or by `kill -9`, and what it says.

#[path = "support/served.rs"]
#[allow(dead_code, reason = "each test uses what it needs")]
mod served;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

#[cfg(unix)]
use served::Served;
use served::{flowrun, said};

/// How many processes add a record at once.
const PARALLEL: usize = 200;
/// How often a process is killed.
const KILLS: usize = 60;

const FLOW: &str = r#"flow "Ping"
sim "device.flow"
param sn matches /^\w+$/ = "a"
secret key = "Tr0ub4dor9Kx7"

step "identity" {
  send "PING ${sn}"
  expect line "OK" within 2s
  send "KEY ${key}"
  expect line /GOT \w+/ within 2s
}
measure volts = 3.81 unit "V" limits 3 .. 4
"#;

const DEVICE: &str = r#"device "a device"
param pause = 10ms

on line /PING \w+/     { after pause { reply "OK" } }
on line /KEY (?<k>\w+)/ { reply "GOT ${k}" }
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    fs::create_dir(folder.path().join("flows")).expect("there is room");
    for (name, text) in [("flows/ping.flow", FLOW), ("flows/device.flow", DEVICE)] {
        fs::write(folder.path().join(name), text).expect("there is room");
    }
    folder
}

fn with_history() -> tempfile::TempDir {
    let folder = folder();
    fs::create_dir_all(folder.path().join(".flowrun/history")).expect("there is room");
    folder
}

fn text(folder: &Path) -> String {
    fs::read_to_string(folder.join(".flowrun/history/runs.jsonl")).unwrap_or_default()
}

/// Returns how many records there are; each line must be one, except the last if it has no end.
fn n_records(text: &str) -> usize {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        let json: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(json.is_ok_and(|json| json["format"] == "flowrun run"), "{line}");
    }
    whole.lines().count()
}

#[test]
fn a_run_is_added_where_the_folder_is_or_where_it_is_asked_for() {
    let folder = folder();
    let run = |options: &[&str]| {
        let (code, told) = said(folder.path(), &[&["flows/ping.flow", "--port", "sim"], options].concat());
        assert_eq!(code, Some(0), "{told}");
    };
    run(&[]);
    assert!(!folder.path().join(".flowrun").exists(), "nobody asked");
    run(&["--history"]);
    run(&[]);
    let (code, told) = said(folder.path(), &["test", "flows", "--accept"]);
    assert_eq!(code, Some(0), "{told}");
    run(&["--history=other/runs"]);
    assert_eq!(n_records(&text(folder.path())), 3, "{}", text(folder.path()));
    let other = fs::read_to_string(folder.path().join("other/runs/runs.jsonl")).expect("it was asked for");
    assert_eq!(n_records(&other), 1);
    // The flow has one name, whoever ran it and from where.
    let records = text(folder.path());
    assert!(records.lines().all(|line| line.contains(r#""file":"flows/ping.flow""#)), "{records}");
    assert!(records.lines().all(|line| line.contains(r#""on":"simulated""#) && line.contains(r#""value":"3.81""#)));
    assert!(!records.contains("Tr0ub4dor9Kx7") && !records.contains("9Kx7"), "{records}");
    let (code, told) =
        said(&folder.path().join("flows"), &["history", "ping.flow", "--history", "../.flowrun/history"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.starts_with("flows/ping.flow  Ping\n  simulated: 3 runs, the last "), "{told}");
    assert!(told.contains("\n    ...  3 passed of the last 3\n"), "{told}");
}

#[test]
fn failures_are_told_with_their_reason_and_what_is_wrong_is_refused() {
    let folder = with_history();
    let run = |sn: &str| said(folder.path(), &["flows/ping.flow", "--port", "sim", "--var", &format!("sn={sn}")]);
    assert_eq!(run("a").0, Some(0));
    let mute = DEVICE.replace("reply \"OK\"", "reply \"NO\"");
    fs::write(folder.path().join("flows/device.flow"), mute).expect("there is room");
    assert_eq!([run("a").0, run("a").0], [Some(1), Some(1)]);
    let (code, told) = said(folder.path(), &["history"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("    .FF  1 passed, 2 failed of the last 3\n    failing: 2 runs, since "), "{told}");
    assert!(told.contains("Z: ping.flow:8:3: "), "{told}");
    let (code, told) = said(folder.path(), &["history", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&told).expect("it is JSON");
    assert_eq!((code, json["flows"][0]["failing"]["runs"].as_u64()), (Some(0), Some(2)), "{told}");
    for (arguments, why) in [
        (&["history", "--since", "yesterday"][..], "`--since yesterday` is not a time"),
        (&["history", "--fail-on-drift", "1x"], "`--fail-on-drift 1x` is not a factor"),
        (&["history", "no.flow"], "there is no flow `no.flow`"),
        (&["history", "--history", "nowhere"], "`nowhere` is not a folder"),
    ] {
        let (code, told) = said(folder.path(), arguments);
        assert!(code == Some(2) && told.contains(why), "{told}");
    }
    let (code, told) = said(&folder.path().join("flows"), &["history"]);
    assert!(code == Some(2) && told.contains("mkdir -p .flowrun/history"), "{told}");
}

#[test]
fn a_history_that_cannot_be_written_is_told_and_the_command_does_not_succeed() {
    let folder = with_history();
    fs::create_dir(folder.path().join(".flowrun/history/runs.jsonl")).expect("there is room");
    let (code, told) = said(folder.path(), &["flows/ping.flow", "--port", "sim"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("the history `") && told.contains("` is not complete: `runs.jsonl` is a link, or no file"),
        "{told}"
    );
    let (code, told) = said(folder.path(), &["flows/ping.flow", "--port", "sim", "--history=flows/ping.flow"]);
    assert!(code == Some(2) && told.contains("of the history cannot be made"), "{told}");
}

#[test]
fn two_hundred_processes_add_two_hundred_records() {
    let folder = with_history();
    let start = |n: usize| {
        let mut command = flowrun(folder.path(), &["flows/ping.flow", "--port", "sim", "--seed", &n.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it can be started")
    };
    let children: Vec<_> = (0..PARALLEL).map(start).collect();
    for mut child in children {
        assert!(child.wait().is_ok_and(|status| status.success()));
    }
    let text = text(folder.path());
    assert_eq!(n_records(&text), PARALLEL);
    let mut seeds: Vec<u64> = text.lines().map(seed_of).collect();
    seeds.sort_unstable();
    assert!(seeds.into_iter().eq(0..PARALLEL as u64), "each is there once");
}

fn seed_of(line: &str) -> u64 {
    let json: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
    json["seed"].as_u64().expect("a run has a seed")
}

/// Kills a process that adds forty records, again and again. What it had told of is there, and each line is whole.
#[test]
fn no_record_is_lost_or_torn_when_the_process_is_killed() {
    let folder = with_history();
    let rows: String = (0..40).map(|n| format!("SN{n}\n")).collect();
    fs::write(folder.path().join("units.csv"), format!("sn\n{rows}")).expect("there is room");
    let mut seed = 1u32;
    let mut random = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % below
    };
    let mut n_in_between = 0;
    for kill in 0..KILLS {
        let before = n_records(&text(folder.path()));
        let mut command = flowrun(folder.path(), &["flows/ping.flow", "--rows", "units.csv", "--port", "sim"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
        let is_row = |line: &String| line.contains(" on sim  passed");
        let wanted = random(30) as usize;
        let mut n_told = lines.by_ref().filter(is_row).take(wanted).count();
        for _ in 0..random(3000) {
            std::hint::spin_loop();
        }
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        n_told += lines.filter(is_row).count();
        let text = text(folder.path());
        let n_added = n_records(&text) - before;
        assert!((n_told..=40).contains(&n_added), "kill {kill}: {n_added} were added, {n_told} were told of");
        n_in_between += usize::from(0 < n_added && n_added < 40);
        if kill % 3 == 0 {
            // As if the system had written only a part of the last line.
            let torn = &text[..text.len().saturating_sub(random(50) as usize + 2)];
            fs::write(folder.path().join(".flowrun/history/runs.jsonl"), torn).expect("there is room");
        }
    }
    assert!(n_in_between > KILLS / 4, "only {n_in_between} kills came in the middle");
    let (code, told) = said(folder.path(), &["flows/ping.flow", "--port", "sim"]);
    assert_eq!(code, Some(0), "{told}");
    let text = text(folder.path());
    assert!(text.ends_with('\n') && n_records(&text) > 0, "the next run has mended it");
}

#[test]
fn a_history_stays_small() {
    let folder = with_history();
    let run = || assert_eq!(said(folder.path(), &["flows/ping.flow", "--port", "sim", "--seed", "77"]).0, Some(0));
    run();
    let line = text(folder.path()).replace("\"seed\":77", "\"seed\":1");
    let path = folder.path().join(".flowrun/history/runs.jsonl");
    fs::write(&path, line.repeat((8 << 20) / line.len())).expect("there is room");
    run();
    let text = text(folder.path());
    assert!((4 << 20..=5 << 20).contains(&text.len()), "{} bytes", text.len());
    let n = n_records(&text);
    let n_whole = text.matches("\"times\":[{").count();
    assert!(n_whole < n && n_whole > (3 << 20) / line.len(), "{n_whole} of {n} with times");
    assert_eq!(text.lines().last().map(seed_of), Some(77), "the newest is there");
}

/// A device behind a pseudo-terminal answers later from a certain run on.
#[cfg(unix)]
#[test]
fn a_device_that_answers_late_is_named_and_ci_fails() {
    let folder = with_history();
    let history = folder.path().join(".flowrun/history");
    let history = format!("--history={}", history.display());
    let (mut bench, _) = Served::new(DEVICE, &["--link", "port"]);
    let port = folder.path().join("port");
    let run = |bench: &Served| {
        let _ = fs::remove_file(&port);
        std::os::unix::fs::symlink(bench.folder.path().join("port"), &port).expect("a link can be made");
        let port = port.display().to_string();
        let (code, told) = said(folder.path(), &["flows/ping.flow", "--port", &port, &history]);
        assert_eq!(code, Some(0), "{told}");
    };
    (0..6).for_each(|_| run(&bench));
    let late = DEVICE.replace("10ms", "400ms");
    bench = Served::new(&late, &["--link", "port"]).0;
    let (code, told) = said(folder.path(), &["history", "--fail-on-drift", "3x"]);
    assert_eq!(code, Some(0), "{told}");
    (0..4).for_each(|_| run(&bench));
    let (code, told) = said(folder.path(), &["history"]);
    assert_eq!(code, Some(0), "nobody asked for more: {told}");
    assert!(told.contains("line \"OK\" in step identity (ping.flow:8:10)\n"), "{told}");
    assert!(told.contains(" times slower since the run of "), "{told}");
    assert!(
        told.contains("/GOT \\w+/ in step identity (ping.flow:10:10)  "),
        "no drift, and as the flow has it: {told}"
    );
    let (code, told) = said(folder.path(), &["history", "flows/ping.flow", "--fail-on-drift", "3x"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("flows/ping.flow: line \"OK\" in step identity (ping.flow:8:10) "), "{told}");
    assert!(told.contains("flows/ping.flow: step identity (ping.flow:6:1) "), "{told}");
}

/// The page of a suite shows how long the device took in the runs before, as the page of a run does.
#[cfg(unix)]
#[test]
fn the_page_of_a_suite_on_a_port_shows_the_answer_times() {
    let folder = with_history();
    let (bench, _) = Served::new(DEVICE, &["--link", "port"]);
    let port = bench.folder.path().join("port").display().to_string();
    let page = |port: &str| {
        let (_, told) = said(folder.path(), &["test", "flows", "--port", port, "--report", "html=page.html"]);
        assert!(told.contains("1 flow: 1 "), "{told}");
        fs::read_to_string(folder.path().join("page.html")).expect("it is written")
    };
    page(&port);
    let second = page(&port);
    assert!(second.contains("Answer times") && second.contains("GOT"), "two runs are in the history");
    assert!(!page("sim").contains("Answer times"), "a simulated device answers as its file says");
}
