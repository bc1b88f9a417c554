//! What a failed run leaves: one folder, with the transcript, the events, the page and the results; no secret in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const DEVICE: &str = "device \"d\"\non line \"AT\" { reply \"hunter22\"  reply \"OK\" }\n";
const GOOD: &str = "flow \"good\"\nsim \"dev.flow\"\nsend \"AT\"\nexpect \"OK\"\n";
const BAD: &str = "flow \"bad\"\nsim \"dev.flow\"\nsecret key\nparam unit = \"1\"\ncompute word = \"7${key}7\"\n\
                   send \"AT\"\nexpect \"OK\"\nsave unit, word\nsend \"AT\"\nexpect \"NEVER\" within 1s\n";
const SECRET: &str = "hunter22";

struct Ran {
    code: Option<i32>,
    shown: String,
    complaints: String,
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let files = [("dev.flow", DEVICE), ("good.flow", GOOD), ("bad.flow", BAD), ("rows.csv", "unit\n1\n2\n")];
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("there is room");
    }
    folder
}

fn flowrun(folder: &Path, arguments: &[&str], variable: Option<&str>) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env_remove("CI").env_remove("FLOWRUN_ARTIFACTS");
    command.envs(variable.map(|value| ("FLOWRUN_ARTIFACTS", value)));
    let output = command.env("FLOWRUN_VAR_KEY", SECRET).output().expect("it can be started");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
    Ran { code: output.status.code(), shown: text(output.stdout), complaints: text(output.stderr) }
}

/// Returns the names in a folder, in order; none if it is not there.
fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("it is there").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Returns the folder of the one command that has kept something in a folder.
fn only_command(results: &Path) -> PathBuf {
    let names = names_in(results);
    let commands: Vec<&String> = names.iter().filter(|name| *name != ".gitignore").collect();
    let [one] = commands.as_slice() else { panic!("{names:?}") };
    results.join(one)
}

#[test]
fn a_failed_run_leaves_a_folder_and_its_last_line_says_where() {
    let folder = folder();
    let ran = flowrun(folder.path(), &["bad.flow", "--port", "sim"], None);
    let results = folder.path().join("flowrun-results");
    let run = only_command(&results).join("bad");
    let place = run.strip_prefix(folder.path()).expect("it is below").display().to_string();
    assert_eq!((ran.code, ran.shown.lines().last()), (Some(1), Some(format!("kept in {place}").as_str())));
    assert_eq!(names_in(&run), ["events.jsonl", "page.html", "run.recording", "saved.json", "transcript.txt"]);
    assert_eq!(fs::read_to_string(results.join(".gitignore")).ok().as_deref(), Some("*\n"));
    for name in names_in(&run) {
        let text = fs::read_to_string(run.join(&name)).expect("it is text");
        assert!(!text.contains(SECRET), "{name} has the secret:\n{text}");
        let named = if name == "run.recording" { "«key/plain#8»" } else { "«key»" };
        assert!(text.contains(named), "{name} does not name the secret:\n{text}");
    }
    let transcript = fs::read_to_string(run.join("transcript.txt")).expect("it is there");
    assert!(transcript.contains("sha256") && transcript.contains("NEVER"), "{transcript}");
    let saved = fs::read_to_string(run.join("saved.json")).expect("it is there");
    assert_eq!(saved, "{\"unit\":\"1\",\"word\":\"7«key»7\"}\n");
    // What is kept can be shown again.
    let events = run.join("events.jsonl");
    let shown = flowrun(folder.path(), &["show", &events.to_string_lossy()], None);
    assert_eq!(shown.code, Some(0), "{}", shown.complaints);
}

#[test]
fn a_run_that_passes_leaves_nothing_unless_that_is_asked_for() {
    let folder = folder();
    let results = folder.path().join("flowrun-results");
    let run = |arguments: &[&str], variable| {
        let ran = flowrun(folder.path(), &[&["good.flow", "--port", "sim"], arguments].concat(), variable);
        assert_eq!(ran.code, Some(0), "{}", ran.complaints);
        ran.shown
    };
    let plain = run(&[], None);
    assert!(!results.exists());
    assert_eq!(plain, run(&["--artifacts", "never"], None), "nothing more is shown");
    assert!(run(&["--artifacts", "always=a/b"], None).contains("kept in a"));
    assert_eq!(names_in(&only_command(&folder.path().join("a/b")).join("good")).len(), 4);
    run(&[], Some("always"));
    run(&["--artifacts", "never"], Some("always"));
    only_command(&results);
    fs::remove_dir_all(&results).expect("it is ours");
    flowrun(folder.path(), &["bad.flow", "--port", "sim"], Some("never"));
    assert!(!results.exists(), "the environment can say so too");
}

#[test]
fn each_row_that_failed_has_a_folder() {
    let folder = folder();
    let ran = flowrun(folder.path(), &["bad.flow", "--port", "sim", "--rows", "rows.csv"], None);
    let command = only_command(&folder.path().join("flowrun-results"));
    assert_eq!((ran.code, names_in(&command).len()), (Some(1), 2), "{}", ran.shown);
    assert_eq!(ran.shown.matches("kept in ").count(), 2, "{}", ran.shown);
}

#[test]
fn a_suite_keeps_what_failed_and_says_where_at_its_end() {
    let folder = folder();
    let ran = flowrun(folder.path(), &["test", ".", "--accept", "--repeat", "2"], None);
    let command = only_command(&folder.path().join("flowrun-results"));
    let name = command.file_name().expect("it has one").to_string_lossy().into_owned();
    let last = ran.shown.lines().last().unwrap_or_default();
    assert!(last.starts_with("results of failed runs are in ") && last.ends_with(&name), "{}", ran.shown);
    assert_eq!((ran.code, names_in(&command)), (Some(1), vec!["bad".to_string()]), "{}", ran.shown);
    assert_eq!(
        names_in(&command.join("bad")),
        ["events.jsonl", "page.html", "run.recording", "saved.json", "transcript.txt"]
    );
    for file in names_in(&command.join("bad")) {
        let text = fs::read_to_string(command.join("bad").join(&file)).expect("it is text");
        assert!(!text.contains(SECRET), "{file} has the secret");
    }
}

#[test]
fn a_suite_keeps_the_recording_of_a_run_that_passed_if_it_is_kept() {
    let folder = folder();
    let all = ["test", "good.flow", "--accept", "--artifacts", "always=all"];
    assert_eq!(flowrun(folder.path(), &all, None).code, Some(0));
    let kept = only_command(&folder.path().join("all")).join("good/run.recording");
    let again = flowrun(folder.path(), &["good.flow", "--port", &format!("replay:{}", kept.display())], None);
    assert_eq!(again.code, Some(0), "{}", again.complaints);
    // A transcript that has changed is a failure of the suite, though the run passed.
    let snapshot = folder.path().join("snapshots/good.snap");
    let text = fs::read_to_string(&snapshot).expect("it was accepted");
    fs::write(&snapshot, format!("{text}more\n")).expect("there is room");
    assert_eq!(flowrun(folder.path(), &["test", "good.flow"], None).code, Some(1));
    let left = names_in(&only_command(&folder.path().join("flowrun-results")).join("good"));
    assert!(left.contains(&"run.recording".to_string()), "{left:?}");
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_if_it_was_asked_for() {
    let folder = folder();
    for command in [["good.flow", "--port", "sim"].as_slice(), &["test", "good.flow", "--accept"]] {
        let ran = flowrun(folder.path(), &[command, &["--artifacts", "rows.csv"]].concat(), None);
        assert_eq!(ran.code, Some(2), "{}", ran.complaints);
        assert!(ran.complaints.contains("it is not a folder"), "{}", ran.complaints);
        assert!(ran.complaints.contains("--artifacts DIR"), "{}", ran.complaints);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_is_refused_before_the_device_is_asked() {
    let folder = folder();
    // Not even root can make a file in these.
    for place in ["/proc", "/proc/none/a/b"] {
        let ran = flowrun(folder.path(), &["good.flow", "--port", "sim", "--artifacts", place], None);
        assert_eq!((ran.code, ran.shown.as_str()), (Some(2), ""), "{}", ran.complaints);
        assert!(ran.complaints.contains("results of runs cannot be kept"), "{}", ran.complaints);
    }
    let ran = flowrun(folder.path(), &["good.flow", "--port", "sim", "--artifacts", "new/er"], None);
    assert_eq!((ran.code, folder.path().join("new").exists()), (Some(0), false), "{}", ran.complaints);
}

#[test]
fn where_the_default_folder_is_in_the_way_the_run_ends_as_it_would() {
    let folder = folder();
    fs::write(folder.path().join("flowrun-results"), "a file").expect("there is room");
    let ran = flowrun(folder.path(), &["bad.flow", "--port", "sim"], None);
    assert_eq!(ran.code, Some(1));
    assert!(ran.complaints.contains("cannot be kept in `flowrun-results`"), "{}", ran.complaints);
    assert_eq!(flowrun(folder.path(), &["good.flow", "--port", "sim"], None).code, Some(0));
}

#[cfg(unix)]
#[test]
fn nothing_is_written_where_a_link_leads() {
    let (folder, other) = (folder(), tempfile::tempdir().expect("a folder can be made for tests"));
    std::os::unix::fs::symlink(other.path(), folder.path().join("flowrun-results")).expect("a link can be made");
    let ran = flowrun(folder.path(), &["bad.flow", "--port", "sim"], None);
    assert_eq!((ran.code, names_in(other.path()).len()), (Some(1), 0));
    assert!(ran.complaints.contains("it is a link"), "{}", ran.complaints);
}

#[test]
fn the_recording_of_a_failed_run_is_the_one_of_record_and_can_be_played() {
    let folder = folder();
    flowrun(folder.path(), &["bad.flow", "--port", "sim", "--record", "mine.recording"], None);
    let kept = only_command(&folder.path().join("flowrun-results")).join("bad/run.recording");
    let read = |path: &Path| fs::read_to_string(path).expect("it is text");
    assert_eq!(read(&kept), read(&folder.path().join("mine.recording")));
    let address = format!("replay:{}", kept.display());
    let ran = flowrun(folder.path(), &["bad.flow", "--port", &address, "--artifacts", "never"], None);
    assert_eq!(ran.code, Some(1), "{}", ran.complaints);
    assert!(ran.shown.contains("NEVER") && !ran.shown.contains("the recording"), "{}", ran.shown);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_recording_of_a_run_with_secrets() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    for arguments in [["bad.flow", "--port", "sim"].as_slice(), &["test", "bad.flow", "--accept"]] {
        flowrun(folder.path(), &[arguments, &["--artifacts", "out"]].concat(), None);
        let kept = only_command(&folder.path().join("out")).join("bad/run.recording");
        let mode = fs::metadata(&kept).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(folder.path().join("out")).expect("it is ours");
    }
}

#[test]
fn the_recording_of_a_long_run_is_its_beginning_and_says_so() {
    let folder = folder();
    let device = "device \"d\"\non line \"AT\" { repeat 400 { reply \"${zeros(4096)}\" }  reply \"OK\" }\n"
        .replace("${zeros(4096)}", &"x".repeat(4096));
    let flow = "flow \"long\"\nsim \"big.flow\"\nsend \"AT\"\nexpect line \"OK\" within 1h\nfail \"now\"\n";
    fs::write(folder.path().join("big.flow"), device).expect("there is room");
    fs::write(folder.path().join("long.flow"), flow).expect("there is room");
    let ran = flowrun(folder.path(), &["long.flow", "--port", "sim", "--quiet"], None);
    assert_eq!(ran.code, Some(1), "{}{}", ran.shown, ran.complaints);
    let kept = only_command(&folder.path().join("flowrun-results")).join("long/run.recording");
    let text = fs::read_to_string(kept).expect("it is text");
    assert!(text.len() > 1 << 20 && text.len() < 2 << 20, "{}", text.len());
    let last = text.lines().last().unwrap_or_default();
    assert!(last.ends_with("note the rest of the run is left out here: `--record FILE` keeps all"), "{last}");
}

/// Returns the one report of a panic in a folder.
fn only_report(folder: &Path) -> String {
    let names: Vec<String> = names_in(folder).into_iter().filter(|name| name.starts_with("flowrun-panic-")).collect();
    let [one] = names.as_slice() else { panic!("{names:?}") };
    fs::read_to_string(folder.join(one)).expect("it is text")
}

// The one way to make flowrun panic is there in builds for developers only.
#[cfg(debug_assertions)]
#[test]
fn a_panic_leaves_a_report_without_secrets_that_says_where_to_send_it() {
    let folder = folder();
    let flow = "flow \"p\"\nsim \"dev.flow\"\nsecret key\nparam apn = \"x\"\nsend \"AT\"\nexpect \"OK\"\n\
                send \"${key} ${apn}\"\nlog \"now\"\nlog \"never\"\n";
    fs::write(folder.path().join("p.flow"), flow).expect("there is room");
    fs::create_dir(folder.path().join("tmp")).expect("there is room");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.args(arguments).current_dir(folder.path()).env_remove("CI").env_remove("FLOWRUN_ARTIFACTS");
        command
            .env("FLOWRUN_VAR_KEY", SECRET)
            .env("FLOWRUN_TEST_PANIC", "now")
            .env("TMPDIR", folder.path().join("tmp"));
        let output = command.env("TEMP", folder.path().join("tmp")).output().expect("it can be started");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is text");
        Ran { code: output.status.code(), shown: text(output.stdout), complaints: text(output.stderr) }
    };
    let ran = run(&["p.flow", "--port", "sim", "--var", "apn=internet.example"]);
    assert_eq!(ran.code, Some(101), "{}", ran.complaints);
    assert!(
        ran.complaints.contains("this is a defect of flowrun: the test wants a panic at now (src"),
        "{}",
        ran.complaints
    );
    assert!(ran.complaints.contains("A report is in ") && ran.complaints.contains("send it to "), "{}", ran.complaints);
    let report = only_report(&folder.path().join("tmp"));
    for part in [
        concat!("flowrun  ", env!("CARGO_PKG_VERSION")),
        "command  ",
        " p.flow --port sim --var apn=…",
        "Please send this file to ",
        "SECURITY.md",
        "\"event\":\"sent\",\"bytes\":{\"text\":\"«key»",
        "Backtrace:",
    ] {
        assert!(report.contains(part), "{part} is not in it:\n{report}");
    }
    for text in [&report, &ran.complaints] {
        assert!(!text.contains(SECRET) && !text.contains("internet.example"), "{text}");
    }
    // Where runs leave something, the report is among it; a panic of another thread ends the command too.
    fs::create_dir(folder.path().join("flowrun-results")).expect("there is room");
    fs::write(folder.path().join("two.csv"), "apn\nabcd\nefgh\n").expect("there is room");
    let ran = run(&["p.flow", "--port", "sim", "--rows", "two.csv"]);
    assert_eq!(ran.code, Some(101), "{}", ran.complaints);
    let report = only_report(&folder.path().join("flowrun-results"));
    assert!(report.contains("«key»") && !report.contains(SECRET), "{report}");
}
