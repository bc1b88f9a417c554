//! `--rows`: a run for each row, on the ports that are free or on those that the rows name; what came of each is kept whatever
//! happens to the process.

#[path = "support/served.rs"]
#[allow(dead_code, reason = "each test uses what it needs")]
mod served;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

#[cfg(unix)]
use served::Served;
use served::{flowrun, said};

/// How often the process is killed.
const KILLS: usize = 200;

const FLOW: &str = r#"flow "Program a unit"
sim "unit.flow"
param sn unique matches /^SN\d{4}$/
secret key
param volts = 12

step "identity" { send "ID?"  expect line /ID=(?<id>\w+)/ }
step "write" {
  send "SN ${sn}"    expect line "OK"
  send "KEY ${key}"  expect line "OK"
}
save sn id key
"#;

const UNIT: &str = r#"device "a unit"
param id = "u1"

on "ID?"               { reply "ID=${id}" }
on line "SN SN0007"    { reply "WORN OUT" }
on line /SN SN\d{4}/   { reply "OK" }
on line /KEY \w+/      { reply "OK" }
"#;

/// Makes a folder with the flow, its device and these rows.
fn folder(rows: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    for (name, text) in [("unit.flow", UNIT), ("program.flow", FLOW), ("units.csv", rows)] {
        fs::write(folder.path().join(name), text).expect("there is room");
    }
    folder
}

/// Runs the program with the rows; returns its exit code and what it said. The key of the user is in the folder.
fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = flowrun(folder, &[&["program.flow", "--rows", "units.csv"], arguments].concat());
    let output = command.env("XDG_DATA_HOME", folder.join("data")).output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

/// Returns the lines of a file of results below the first, parted at commas: none of these tests has one in a cell.
fn lines(folder: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(folder.join("results.csv")).unwrap_or_default();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_string).collect()).collect()
}

/// Returns every file below a folder.
fn files(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("it can be read") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

#[test]
fn each_row_has_a_run_of_its_own_and_its_secrets_are_in_no_output() {
    let rows = "sn;key;volts\nSN0001;hunter2201;\nSN0007;hunter2207;5\nSN0002;hunter2202;24\n";
    let folder = folder(rows);
    let files_of_runs = ["--transcript", "run.txt", "--record", "run.rec", "--events", "run.jsonl"];
    let (code, text) = run(
        folder.path(),
        &[&["--port", "sim", "--jobs", "1", "--rows-out", "results.csv"][..], &files_of_runs[..]].concat(),
    );
    assert_eq!(code, Some(1), "{text}");
    let table = "row     port  verdict  ended in\n\
                 SN0007  sim   failed   write\n\
                 SN0001  sim   passed   write\n\
                 SN0002  sim   passed   write\n\
                 3 rows: 2 passed, 1 failed\n";
    assert!(text.contains(table), "{text}");
    let results = fs::read_to_string(folder.path().join("results.csv")).expect("it is there");
    let cells: Vec<Vec<&str>> = results.lines().map(|line| line.split(',').collect()).collect();
    let begin = |line: &Vec<&str>| line[..9].join(",");
    assert_eq!(
        cells.iter().map(begin).collect::<Vec<_>>(),
        [
            "row,port,verdict,step,reason,sn,key,volts,id",
            "1,sim,passed,write,,SN0001,«key»,,u1",
            "2,sim,failed,write,\"line \"\"OK\"\" did not come within 5s\",SN0007,«key»,5,",
            "3,sim,passed,write,,SN0002,«key»,24,u1",
        ]
    );
    for name in ["program.saved.SN0001.toml", "run.SN0007.txt", "run.SN0002.rec", "run.SN0001.jsonl"] {
        assert!(folder.path().join(name).is_file(), "{name}");
    }
    assert!(!folder.path().join("program.saved.SN0007.toml").exists(), "it saved nothing");
    let mut all = Vec::new();
    files(folder.path(), &mut all);
    let may_have = |path: &Path| {
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        // What is saved on purpose, and what was given.
        name == "units.csv" || name.starts_with("program.saved")
    };
    for path in all.iter().filter(|path| !may_have(path)) {
        let bytes = fs::read(path).expect("it can be read");
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter"), "{}", path.display());
    }
    assert!(!text.contains("hunter"), "{text}");
}

#[test]
fn what_is_wrong_with_rows_is_told_before_anything_runs() {
    let folder = folder("sn,key\nSN1,hunter2201\nSN0002,\n");
    let (code, text) = run(folder.path(), &["--port", "sim", "--rows-out", "results.csv"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("row 1 (line 2), `sn`: `SN1` must match `/^SN\\d{4}$/`"), "{text}");
    assert!(text.contains("row 2 (line 3), `key`: the cell is empty, and there is no default"), "{text}");
    assert!(!folder.path().join("results.csv").exists());
    let with = |rows: &str, arguments: &[&str]| {
        fs::write(folder.path().join("units.csv"), rows).expect("there is room");
        let (code, text) = run(folder.path(), arguments);
        assert_eq!(code, Some(2), "{text}");
        text
    };
    let text = with("port,sn,key\nsim,SN0001,hunter2201\n", &["--port", "sim"]);
    assert!(text.contains("the column `port` of `units.csv` names the ports, and `--port` was given too"), "{text}");
    let text = with("SN0001,hunter2201\nSN0002,hunter2202\n", &["--port", "sim"]);
    assert!(text.contains("is the row with the names of the columns missing?") && !text.contains("hunter"), "{text}");
    let text = with("sn,key\nSN0001,hunter2201\n", &[]);
    assert!(text.contains("no port was given"), "{text}");
    let text = with("sn,key\nSN0001,hunter2201\n", &["--port", "sim", "--rows-out", "units.csv"]);
    assert!(text.contains("it is the file of rows"), "{text}");
    let text = with("sn,key\nSN0001,hunter2201\n", &["--port", "sim", "--resume"]);
    assert!(text.contains("--rows-out"), "{text}");
    fs::write(folder.path().join("results.csv"), "mine\n").expect("there is room");
    let text = with("sn,key\nSN0001,hunter2201\n", &["--port", "sim", "--rows-out", "results.csv"]);
    assert!(text.contains("it is already there: `--resume` continues it"), "{text}");
    let missing = ["--port", "sim", "--rows-out", "new.csv", "--transcript", "none/run.txt"];
    let text = with("sn,key\nSN0001,hunter2201\n", &missing);
    assert!(text.contains("the folder `none` cannot be used") && !folder.path().join("new.csv").exists(), "{text}");
    let text = with("sn,key\nSN0001,hunter2201\nSN0002,SN0002\n", &["--port", "sim"]);
    let told = "row 2 (line 3), `sn`: it is what its files are called, and the value of the secret `key` too";
    assert!(text.contains(told), "{text}");
    let text = with("sn,key,volts\nSN0001,hunter2201,hunter2201\nhunter2202,hunter2202,1\n", &["--port", "sim"]);
    assert!(
        text.contains("`volts`: `«key»` needs a whole number") && text.contains("`sn`: `«key»` must match"),
        "{text}"
    );
    assert!(!text.contains("hunter"), "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("results.csv")).ok().as_deref(), Some("mine\n"));
}

#[test]
fn a_unique_value_is_not_given_to_two_ports() {
    let folder = folder("");
    let ports = ["--port", "/no/a", "--port", "/no/b", "--var", "sn=SN0001", "--var", "key=hunter22"];
    let (code, text) = said(folder.path(), &[&["program.flow"], &ports[..]].concat());
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("`sn` is `unique`, and all 2 ports would have the same value"), "{text}");
}

#[test]
fn a_resumed_run_leaves_out_what_has_passed_and_runs_what_was_edited() {
    let folder = folder("sn,key\nSN0001,hunter2201\nSN0007,hunter2207\nSN0003,hunter2203\n");
    let resume = ["--port", "sim", "--jobs", "1", "--rows-out", "results.csv", "--resume"];
    let (code, text) = run(folder.path(), &resume);
    assert_eq!(code, Some(1), "{text}");
    assert_eq!(lines(folder.path()).len(), 3);
    fs::write(folder.path().join("units.csv"), "sn,key\nSN0001,hunter2201\nSN0007,hunter2207\nSN0003,hunter2200\n")
        .expect("there is room");
    fs::write(folder.path().join("program.flow"), FLOW.replace("volts = 12", "volts = 13")).expect("there is room");
    let (code, text) = run(folder.path(), &resume);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("1 of 3 rows have passed before and are left out"), "{text}");
    assert!(text.contains("note: the flow has changed since 3 rows were run"), "{text}");
    assert!(text.contains("3 rows: 1 passed, 1 failed, 1 passed before"), "{text}");
    let rows: Vec<String> = lines(folder.path()).iter().map(|line| line[0].clone()).collect();
    assert_eq!(rows, ["1", "2", "3", "2", "3"]);
    fs::write(folder.path().join("program.flow"), FLOW.replace("save sn id key", "save sn")).expect("there is room");
    let (code, text) = run(folder.path(), &resume);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("its columns are others than"), "{text}");
}

#[test]
fn a_row_without_a_name_of_its_own_is_not_written_over_by_another_list() {
    let folder = folder("key\nhunter2201\nhunter2202\n");
    let flow = FLOW.replace("param sn unique matches /^SN\\d{4}$/\n", "param sn = \"SN0001\"\n");
    fs::write(folder.path().join("program.flow"), flow).expect("there is room");
    let resume = ["--port", "sim", "--rows-out", "results.csv", "--resume", "--transcript", "run.txt"];
    let (code, text) = run(folder.path(), &resume);
    assert_eq!(code, Some(0), "{text}");
    let transcript = |label: &str| fs::read_to_string(folder.path().join(format!("run.{label}.txt"))).ok();
    let before = transcript("row_1").expect("it is there");
    fs::write(folder.path().join("units.csv"), "key\nhunter2203\nhunter2201\nhunter2202\n").expect("there is room");
    let (code, text) = run(folder.path(), &resume);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("3 rows: 1 passed, 2 passed before"), "{text}");
    assert_eq!(transcript("row_1"), Some(before));
    assert!(transcript("row_1_2").is_some() && transcript("row_2_2").is_none());
}

#[test]
fn rows_with_secrets_are_not_run_again_because_their_key_is_gone() {
    let folder = folder("sn,key\nSN0001,hunter2201\n");
    let resume = ["--port", "sim", "--rows-out", "results.csv", "--resume"];
    assert_eq!(run(folder.path(), &resume).0, Some(0));
    let key = folder.path().join("data/flowrun/rows.key");
    let saved = fs::read(&key).expect("it was made");
    fs::remove_file(&key).expect("it is ours");
    for _ in 0..2 {
        let (code, text) = run(folder.path(), &resume);
        assert!(code == Some(2) && text.contains("rows.key` is gone"), "{text}");
    }
    // With another key no row is known.
    fs::write(&key, "0".repeat(saved.len())).expect("there is room");
    let (code, text) = run(folder.path(), &resume);
    assert!(code == Some(0) && text.contains("has passed before: all run"), "{text}");
}

#[test]
fn a_column_of_a_file_is_told_as_one() {
    let folder = folder("sn,key,fw\nSN0001,hunter2201,00\n");
    let flow = FLOW.replace("param volts = 12\n", "file fw = \"x\"\n");
    fs::write(folder.path().join("program.flow"), flow).expect("there is room");
    let (code, text) = run(folder.path(), &["--port", "sim"]);
    assert!(code == Some(2) && text.contains("`fw` is a file, and `units.csv` has a column of this name"), "{text}");
    assert!(text.contains("`--file fw=PATH`") && !text.contains("--var"), "{text}");
}

/// Kills the process again and again. What it had said is in the results, and nothing is there twice.
#[test]
fn no_row_is_lost_or_written_twice_when_the_process_is_killed() {
    let n_rows = 40;
    let rows: String = (0..n_rows).map(|n| format!("SN{:04},hunter22{n:02}\n", 1000 + n)).collect();
    let folder = folder(&format!("sn,key\n{rows}"));
    let results = folder.path().join("results.csv");
    let arguments = ["program.flow", "--rows", "units.csv", "--port", "sim", "--rows-out", "results.csv", "--resume"];
    let command = || {
        let mut command = flowrun(folder.path(), &arguments);
        command.env("XDG_DATA_HOME", folder.path().join("data"));
        command
    };
    let (mut n_kills, mut n_in_between) = (0, 0);
    let mut seed = 1u32;
    let mut random = |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % below
    };
    while n_kills < KILLS {
        let mut child = command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it can be started");
        let mut said = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        // Some are killed before they say anything, some in the middle of a row.
        let wanted = random(4) as usize;
        let mut told = Vec::new();
        while told.len() < wanted {
            let Some(Ok(line)) = said.next() else { break };
            told.extend(line.split_once(" on sim  passed").map(|(sn, _)| sn.to_string()));
        }
        for _ in 0..random(2000) {
            std::hint::spin_loop();
        }
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        n_kills += 1;
        // What had been said before the end came is in the pipe.
        let rest = said.map_while(Result::ok);
        told.extend(rest.filter_map(|line| line.split_once(" on sim  passed").map(|(sn, _)| sn.to_string())));
        let text = fs::read_to_string(&results).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut passed: BTreeMap<&str, usize> = BTreeMap::new();
        for line in whole.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!((cells.len(), cells[2]), (16, "passed"), "{line}");
            *passed.entry(cells[5]).or_default() += 1;
        }
        assert!(passed.values().all(|n| *n == 1), "after {n_kills} kills: {passed:?}");
        for sn in &told {
            assert!(passed.contains_key(sn.as_str()), "{sn} was said to have passed, after {n_kills} kills");
        }
        n_in_between += usize::from(!passed.is_empty() && passed.len() < n_rows);
        if passed.len() == n_rows {
            let output = command().output().expect("it can be started");
            assert!(output.status.success());
            assert_eq!(lines(folder.path()).len(), n_rows, "nothing is added when all have passed");
            fs::remove_file(&results).expect("it is there");
        }
    }
    assert!(n_in_between > KILLS / 4, "only {n_in_between} kills came in the middle of the rows");
}

#[cfg(unix)]
#[test]
fn rows_go_to_the_ports_that_they_name_or_to_those_that_are_free() {
    let (one, _) = Served::new(&UNIT.replace("u1", "one"), &["--link", "port"]);
    let (two, _) = Served::new(&UNIT.replace("u1", "two"), &["--link", "port"]);
    let port = |served: &Served| served.folder.path().join("port").display().to_string();
    let row = |n: usize, port: String| format!("{port},SN000{n},hunter220{n}\n");
    let named = [row(1, port(&one)), row(2, port(&two)), row(3, port(&one)), row(4, "/no/port".to_string())];
    let folder = folder(&format!("port,sn,key\n{}{}", named.concat(), row(5, "/no/port".to_string())));
    let (code, text) = run(folder.path(), &["--rows-out", "results.csv"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("/no/port gets no more rows: its port has failed"), "{text}");
    assert!(text.contains("5 rows: 3 passed, 1 port failed, 1 not run"), "{text}");
    let mut ids: Vec<(String, String)> =
        lines(folder.path()).iter().map(|line| (line[5].clone(), line[7].clone())).collect();
    ids.sort();
    let expected = [("SN0001", "one"), ("SN0002", "two"), ("SN0003", "one"), ("SN0004", "")];
    assert_eq!(ids, expected.map(|(sn, id)| (sn.to_string(), id.to_string())));
    // A port that is called by another name, or by a link to it, is the same.
    std::os::unix::fs::symlink(port(&one), folder.path().join("link")).expect("a link can be made");
    let link = folder.path().join("link").display().to_string();
    let spelt = port(&one).replace("/port", "/./port");
    let rows = [row(1, port(&one)), row(2, spelt.clone()), row(3, link.clone()), row(4, port(&two))].concat();
    fs::write(folder.path().join("units.csv"), format!("port,sn,key\n{rows}")).expect("there is room");
    let (code, text) = run(folder.path(), &["--rows-out", "spelt.csv"]);
    assert_eq!(code, Some(0), "{text}");
    let results = fs::read_to_string(folder.path().join("spelt.csv")).expect("it is there");
    assert_eq!(results.matches(",one,").count(), 3, "{results}");
    let one_flow = ["program.flow", "--var", "sn=SN0001", "--var", "key=hunter22", "--port", &link, "--port", &spelt];
    let (code, text) = said(folder.path(), &one_flow);
    assert!(code == Some(2) && text.contains("two runs cannot have one port, which is called"), "{text}");
    // Without the column the rows that are left go to whichever port is free.
    let rows: String = (1..=5).map(|n| row(n, String::new())).map(|row| row[1..].to_string()).collect();
    fs::write(folder.path().join("units.csv"), format!("sn,key\n{rows}")).expect("there is room");
    let (one, two) = (port(&one), port(&two));
    let (code, text) = run(folder.path(), &["--port", &one, "--port", &two, "--rows-out", "free.csv"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("5 rows: 5 passed\n"), "{text}");
    let results = fs::read_to_string(folder.path().join("free.csv")).expect("it is there");
    assert!(results.contains(&one) && results.contains(&two), "both were used: {results}");
}
