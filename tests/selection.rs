//! Which flows of a suite are run, and in which order: `--filter`, `--list`, `--last-failed`, `--order`, `--flaky`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A folder with a repository of flows.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    write(folder.path(), "m.flow", "device \"m\"\non line \"A\" { reply \"OK\" }\n");
    flow(folder.path(), "login", "tag \"smoke\", \"needs-sim\"\n", "OK");
    flow(folder.path(), "slow_upload", "tag \"smoke\"\ntag \"slow\"\n", "OK");
    flow(folder.path(), "wrong", "", "NO");
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("it can be written");
}

fn flow(folder: &Path, name: &str, tags: &str, answer: &str) {
    let text =
        format!("flow \"Case {name}\"\nsim \"m.flow\"\n{tags}\nsend \"A\"\nexpect line \"{answer}\" within 1s\n");
    write(folder, &format!("{name}.flow"), &text);
}

/// Returns the exit code and everything that was said.
fn test(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.arg("test").args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env("COLUMNS", "100").env("XDG_STATE_HOME", folder.join("state")).env_remove("CI");
    let output = command.env_remove("CLICOLOR_FORCE").output().expect("it can be started");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

/// Returns the names of the flows that were run or listed, in order.
fn names(said: &str) -> Vec<&str> {
    said.split_whitespace().filter_map(|word| word.strip_suffix(".flow")).collect()
}

#[test]
fn a_list_shows_titles_and_tags_and_runs_nothing() {
    let folder = folder();
    let (code, said) = test(folder.path(), &["--list"]);
    let list = "login.flow        Case login        [smoke] [needs-sim]\n\
        slow_upload.flow  Case slow_upload  [smoke] [slow]\nwrong.flow        Case wrong\n";
    assert_eq!((code, said.as_str()), (Some(0), list));
    assert!(!folder.path().join("snapshots").exists());
    let (code, said) = test(folder.path(), &["--list", "--format", "json", "--filter", "tag(slow)"]);
    let json = "{\n  \"format\": \"flowrun test --list\",\n  \"version\": 1,\n  \"flows\": [\n    {\n      \
        \"file\": \"slow_upload.flow\",\n      \"title\": \"Case slow_upload\",\n      \"tags\": [\n        \
        \"smoke\",\n        \"slow\"\n      ]\n    }\n  ]\n}\n";
    assert_eq!((code, said.as_str()), (Some(0), json));
    let (code, said) = test(folder.path(), &["--format", "json"]);
    assert!(code == Some(2) && said.contains("--list"), "{said}");
}

#[test]
fn a_filter_chooses_by_tags_paths_and_titles() {
    let folder = folder();
    for (filter, meant) in [
        ("tag(smoke)", vec!["login", "slow_upload"]),
        ("tag(smoke) and not tag(slow)", vec!["login"]),
        ("upload", vec!["slow_upload"]),
        ("name(\"Case wrong\") or file(login)", vec!["login", "wrong"]),
        ("not tag(smoke)", vec!["wrong"]),
    ] {
        let (code, said) = test(folder.path(), &["--list", "--filter", filter]);
        assert_eq!((code, names(&said)), (Some(0), meant), "{filter}\n{said}");
    }
    let (code, said) = test(folder.path(), &["--list", "--filter", "tag(slow)", "--filter", "wrong"]);
    assert_eq!((code, names(&said)), (Some(0), vec!["slow_upload", "wrong"]), "one of them is enough\n{said}");
}

#[test]
fn a_wrong_filter_is_shown_where_it_is_wrong_and_an_unknown_tag_is_named() {
    let folder = folder();
    let (code, said) = test(folder.path(), &["--filter", "tag(smoke) adn not slow"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--filter:1:12") && said.contains("need `and` or `or` between them"), "{said}");
    let (code, said) = test(folder.path(), &["--filter", "tag(smok)"]);
    assert_eq!(code, Some(2), "{said}");
    let help = "no flow here has the tag `smok`: did you mean `smoke`?";
    assert!(said.contains("`--filter` matches none of 3 flows") && said.contains(help), "{said}");
    let (code, said) = test(folder.path(), &["--list", "--filter", "not tag(late)"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("note: no flow here has the tag `late`; there are `needs-sim`, `slow`, `smoke`"), "{said}");
}

#[test]
fn what_failed_is_run_again_until_it_passes() {
    let folder = folder();
    let (code, said) = test(folder.path(), &["--last-failed"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("no failed run is remembered here") && said.contains("run `flowrun test` first"), "{said}");
    assert_eq!(test(folder.path(), &["--accept"]).0, Some(1));
    let (code, said) = test(folder.path(), &["--last-failed"]);
    assert_eq!((code, names(&said)[0]), (Some(1), "wrong"), "{said}");
    assert!(said.contains("\n1 flow: 1 failed, in "), "{said}");
    // What passes meanwhile is not forgotten to have failed by a run of others.
    assert_eq!(test(folder.path(), &["login.flow"]).0, Some(0));
    flow(folder.path(), "wrong", "", "OK");
    assert_eq!(test(folder.path(), &["--last-failed", "--accept"]).0, Some(0));
    let (code, said) = test(folder.path(), &["--last-failed"]);
    assert_eq!((code, said.as_str()), (Some(0), "no flow here failed in the last run\n"));
}

#[test]
fn the_last_run_is_remembered_beside_the_flowrun_toml_where_there_is_one() {
    let folder = folder();
    write(folder.path(), "flowrun.toml", "");
    assert_eq!(test(folder.path(), &["--accept"]).0, Some(1));
    assert!(folder.path().join(".flowrun/last-run.json").is_file());
    assert!(!folder.path().join("state").exists());
    write(&folder.path().join(".flowrun"), "last-run.json", "{}");
    let (code, said) = test(folder.path(), &["--last-failed"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("it is not a file of") && said.contains("remove the file"), "{said}");
    assert_eq!(test(folder.path(), &["--accept"]).0, Some(1), "a run does without it, and writes it again");
    assert_eq!(test(folder.path(), &["--last-failed"]).0, Some(1));
}

#[test]
fn the_order_can_be_mixed_by_a_seed_or_begin_with_what_failed() {
    let folder = folder();
    assert_eq!(test(folder.path(), &["--accept"]).0, Some(1));
    let (_, said) = test(folder.path(), &["--list", "--order", "failed-first"]);
    assert_eq!(names(&said), ["wrong", "login", "slow_upload"]);
    let mixed = |seed: &str| test(folder.path(), &["--list", "--order", seed]).1;
    assert_eq!(mixed("random:3"), mixed("random:3"));
    let orders: std::collections::BTreeSet<String> = (0..20).map(|seed| mixed(&format!("random:{seed}"))).collect();
    assert_eq!(orders.len(), 6, "three flows have six orders");
    let (_, said) = test(folder.path(), &["--list", "--order", "random"]);
    let seed = said.split('`').nth(1).and_then(|option| option.strip_prefix("--order ")).expect("it says its seed");
    let (list, _) = said.split_once("note: ").expect("it says its seed");
    assert_eq!(mixed(seed), list);
    let (code, said) = test(folder.path(), &["--order", "slow"]);
    assert!(code == Some(2) && said.contains("unknown order `slow`"), "{said}");
}

#[test]
fn a_flaky_flow_fails_where_that_is_wanted() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    write(
        folder.path(),
        "m.flow",
        "device \"m\"\nstate n = 0\non line \"A\" { compute n = n + 1  if n > 1 { reply \"OK\" } }\n",
    );
    let text = "flow \"f\"\nsim \"m.flow\"\nstep \"ask\" retry 2 { send \"A\" expect line \"OK\" within 1s }\n";
    write(folder.path(), "f.flow", text);
    assert_eq!(test(folder.path(), &["--accept"]).0, Some(0));
    assert_eq!(test(folder.path(), &["--check", "--flaky", "pass"]).0, Some(0));
    let reports = ["--report", "junit=j.xml", "--report", "tap=t.tap"];
    let (code, said) = test(folder.path(), &[&["--check", "--flaky", "fail"][..], &reports[..]].concat());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("1 flaky") && said.contains("more than one attempt fails here: `--flaky fail`"), "{said}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was written");
    assert!(read("t.tap").contains("not ok 1 - f.flow"), "{}", read("t.tap"));
    assert!(read("j.xml").contains("failures=\"1\""), "{}", read("j.xml"));
}

#[test]
fn a_failed_flow_that_is_gone_is_named_and_is_no_success() {
    let folder = folder();
    assert_eq!(test(folder.path(), &["--accept"]).0, Some(1));
    fs::create_dir(folder.path().join("auth")).expect("there is room");
    fs::rename(folder.path().join("wrong.flow"), folder.path().join("auth/wrong.flow")).expect("it is there");
    let (code, said) = test(folder.path(), &["--last-failed"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("`wrong.flow` failed when it was run last, and is not there any more"), "{said}");
    // The others that failed are run, and do not make it forgotten.
    flow(folder.path(), "login", "", "NO");
    assert_eq!(test(folder.path(), &["login.flow"]).0, Some(1));
    flow(folder.path(), "login", "tag \"smoke\", \"needs-sim\"\n", "OK");
    for _ in 0..2 {
        let (code, said) = test(folder.path(), &["--last-failed"]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("`wrong.flow`"), "{said}");
    }
    // A run of all does.
    fs::remove_dir_all(folder.path().join("auth")).expect("it is there");
    assert_eq!(test(folder.path(), &["--accept"]).0, Some(0));
    let (code, said) = test(folder.path(), &["--last-failed"]);
    assert_eq!((code, said.as_str()), (Some(0), "no flow here failed in the last run\n"));
}

#[test]
fn one_flow_under_several_names_is_run_once() {
    let folder = folder();
    let (code, said) = test(folder.path(), &["login.flow", "./login.flow", ".", "--list"]);
    assert_eq!((code, names(&said)), (Some(0), vec!["login", "slow_upload", "wrong"]), "{said}");
}

#[test]
fn a_path_or_a_word_that_is_not_there_has_a_hint() {
    let folder = folder();
    for (arguments, hint) in [
        (vec!["logn.flow"], "did you mean `login.flow`?"),
        (vec!["missing"], "name a folder with flows, or a file `NAME.flow`"),
        (vec!["--history", "hist"], "`--history=hist` is a folder for the history, with `=`"),
        (vec!["--filter", "Case"], "3 flows have it in their titles: `--filter 'name(Case)'`"),
        (vec!["--filter", "slow", "--filter", "smoke", "wrong.flow"], "`--list` shows the flows"),
        (vec!["--filter", "needs-sim"], "1 flow has it as a tag: `--filter 'tag("),
    ] {
        let (code, said) = test(folder.path(), &arguments);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(code == Some(2) && said.contains(hint), "{arguments:?}: {said}");
    }
    write(folder.path(), "v.txt", "{\"a\": 1}");
    let (code, said) = test(folder.path(), &["--vars", "v.txt"]);
    assert!(code == Some(2) && said.contains("whose name ends in `.json`"), "{said}");
}

#[test]
fn one_long_name_does_not_push_the_list_off_the_screen() {
    let folder = folder();
    let long = "x".repeat(80);
    flow(folder.path(), &long, "", "OK");
    let (_, said) = test(folder.path(), &["--list"]);
    assert!(said.contains("login.flow        Case login        [smoke]"), "{said}");
}

#[test]
fn each_flow_leaves_its_files_in_the_folders_that_are_named() {
    let folder = folder();
    write(
        folder.path(),
        "value.flow",
        "flow \"v\"\nsim \"m.flow\"\nsecret key = \"k-123456\"\nsend \"A\"\nexpect line /(?<answer>OK)/\nsave answer, key\n",
    );
    let options =
        ["--transcript", "out", "--record", "out/rec", "--save", "out", "--accept", "value.flow", "login.flow"];
    let (code, said) = test(folder.path(), &options);
    assert_eq!(code, Some(0), "{said}");
    let read =
        |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(read("out/login.txt").contains("flow: Case login") && !read("out/value.txt").contains("k-123456"));
    let results = read("out/value.saved.toml");
    assert!(results.contains("answer = \"OK\"") && results.contains("key = \"k-123456\""), "{results}");
    assert!(!folder.path().join("out/login.saved.toml").exists(), "it saves nothing");
    // A recording is played again.
    let played = ["login.flow", "--port", "replay:out/rec/login.recording", "--transcript", "again"];
    let (code, said) = test(folder.path(), &played);
    assert_eq!(code, Some(1), "its snapshot names another port: {said}");
    assert!(said.contains("changed   login.flow") && folder.path().join("again/login.txt").is_file(), "{said}");
    let (code, said) = test(folder.path(), &["--record", "login.flow"]);
    assert!(code == Some(2) && said.contains("a suite leaves one for each flow"), "{said}");
    write(folder.path(), "login.recording", &read("out/rec/login.recording"));
    write(folder.path(), "login.flow", "flow \"Case login\"\nsend \"A\"\nexpect line \"OK\" within 1s\n");
    let (code, said) = test(folder.path(), &["login.flow", "--record", "."]);
    assert!(code == Some(2) && said.contains("it is the recording that is played"), "{said}");
}

#[test]
fn a_variable_of_devices_is_set_in_those_that_have_it() {
    let folder = folder();
    write(folder.path(), "n.flow", "device \"n\"\nparam answer = \"OK\"\non line \"A\" { reply answer }\n");
    write(folder.path(), "wrong.flow", "flow \"w\"\nsim \"n.flow\"\nsend \"A\"\nexpect line \"NO\" within 1s\n");
    let (code, said) = test(folder.path(), &["--sim-var", "answer=NO", "--accept"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(test(folder.path(), &["--accept"]).0, Some(1));
    let (code, said) = test(folder.path(), &["--sim-var", "anser=NO"]);
    assert!(code == Some(2) && said.contains("no simulated device here has the variable `anser`"), "{said}");
}

#[test]
fn a_quiet_suite_shows_what_is_wrong_and_the_counts() {
    let folder = folder();
    let (code, said) = test(folder.path(), &["--accept", "--quiet"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("failed    wrong.flow  1.000 s virtual"), "{said}");
    assert!(!said.contains("login.flow") && said.contains("3 flows: 2 passed, 1 failed, in "), "{said}");
}
