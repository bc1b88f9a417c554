//! Names from `flowrun.toml`: ports, profiles and options, and who may have programs run.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

const FLOW: &str = "flow \"t\"\nparam apn = \"none\"\nsend \"APN=${apn}\"\nexpect line \"OK ${apn}\"\n";
const DEVICE: &str = "device \"d\"\nserial { baud 9600  header \"\\r\\n\" }\non line /APN=(?<apn>.*)/ { reply \"OK ${apn}\" }\n\
                      on line \"AT\" { reply \"OK\" }\n";
const BENCH: &str = "[ports.modem]\naddress = \"sim:devices/d.flow\"\nbaud = 9600\n\
                     [ports.fast]\naddress = \"sim:devices/d.flow\"\n\
                     [profile.lab]\nports = [\"modem\"]\nvars = { apn = \"internet\", other = 1 }\n";

/// A repository with a flow in a folder of it, a home that has nothing in it, and a bench file with this text.
fn repository(bench: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    for name in ["repo/.git", "repo/flows", "repo/devices", "home"] {
        fs::create_dir_all(folder.path().join(name)).expect("there is room");
    }
    fs::write(folder.path().join("repo/flows/a.flow"), FLOW).expect("there is room");
    fs::write(folder.path().join("repo/devices/d.flow"), DEVICE).expect("there is room");
    write(&folder, bench);
    folder
}

fn write(folder: &TempDir, bench: &str) {
    let file = folder.path().join("repo/flowrun.toml");
    fs::write(&file, bench).expect("there is room");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("it is ours");
    }
}

/// Runs flowrun in the repository; returns the exit code and what it said.
fn flowrun(folder: &TempDir, arguments: &[&str]) -> (Option<i32>, String) {
    flowrun_in(&folder.path().join("repo"), &folder.path().join("home"), arguments)
}

fn flowrun_in(folder: &Path, home: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env("COLUMNS", "200").env("NO_COLOR", "1").env_remove("CI");
    command.env_remove("FLOWRUN_VAR_APN").env("HOME", home).env("USERPROFILE", home).env("LOCALAPPDATA", home);
    let output = command.env_remove("XDG_DATA_HOME").stdin(Stdio::null()).output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

#[test]
fn a_name_stands_for_an_address_and_the_settings_of_its_line() {
    let folder = repository(BENCH);
    for port in ["modem", "@modem"] {
        let (code, text) = flowrun(&folder, &["flows/a.flow", "--port", port]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("9600 8N1"), "{text}");
    }
    let (code, text) = flowrun(&folder, &["flows/a.flow", "--port", "fast"]);
    assert_eq!(code, Some(1), "without its settings the two disagree on the baud rate: {text}");
    let (code, text) = flowrun(&folder, &["flows/a.flow", "--port", "fast", "--baud", "9600"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = flowrun(&folder, &["flows/a.flow", "--port", "modem", "--baud", "115200"]);
    assert_eq!(code, Some(1), "the command line counts before the file: {text}");
    let elsewhere = flowrun_in(folder.path(), &folder.path().join("home"), &["repo/flows/a.flow", "-p", "modem"]);
    assert_eq!(elsewhere.0, Some(0), "the folder of the flow counts, not the current one: {}", elsewhere.1);
}

#[test]
fn every_command_that_takes_a_port_takes_its_name() {
    let folder = repository(BENCH);
    assert_eq!(flowrun(&folder, &["say", "modem", "AT"]), (Some(0), "OK\n".to_string()));
    let (code, text) = flowrun(&folder, &["doctor", "modem", "--probe"]);
    assert!(code == Some(0) && text.contains("answered with `OK` at 9600 baud"), "{text}");
    let (code, text) = flowrun(&folder, &["test", "flows", "--port", "modem", "--accept"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(flowrun(&folder, &["test", "flows", "--port", "fast"]).0 == Some(1));
}

#[test]
fn a_profile_gives_ports_and_variables_that_everything_else_counts_before() {
    let folder = repository(BENCH);
    let (code, text) = flowrun(&folder, &["flows/a.flow", "--profile", "lab"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("APN=internet"), "{text}");
    let (_, text) = flowrun(&folder, &["flows/a.flow", "--profile", "lab", "--var", "apn=x"]);
    assert!(text.contains("APN=x"), "{text}");
    let (code, text) = flowrun(&folder, &["flows/a.flow", "--profile", "lab", "--port", "fast"]);
    assert_eq!(code, Some(1), "the command line names another port: {text}");
    let (code, text) = flowrun(&folder, &["test", "flows", "--profile", "lab", "--accept"]);
    assert_eq!(code, Some(0), "{text}");
    let snapshot = fs::read_to_string(folder.path().join("repo/flows/snapshots/a.snap")).expect("it was written");
    assert!(snapshot.contains("APN=internet"), "{snapshot}");
}

#[test]
fn a_name_that_stands_for_nothing_is_told_with_the_nearest() {
    let folder = repository(BENCH);
    let refused = |arguments: &[&str]| {
        let (code, text) = flowrun(&folder, arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        text
    };
    assert!(refused(&["flows/a.flow", "--port", "@moden"]).contains("did you mean `modem`?"));
    assert!(refused(&["flows/a.flow", "--profile", "labs"]).contains("did you mean `lab`?"));
    assert!(refused(&["flows/a.flow", "--port", "@zzzzzzzz"]).contains("there are: `fast`, `modem`"));
    write(&folder, "[ports.modem]\nadress = \"x\"\n");
    assert!(refused(&["flows/a.flow", "--port", "modem"]).contains("did you mean `address`?"));
    assert_eq!(flowrun(&folder, &["flows/a.flow", "--port", "sim:devices/d.flow", "--baud", "9600"]).0, Some(0));
    fs::remove_file(folder.path().join("repo/flowrun.toml")).expect("it is ours");
    assert!(refused(&["flows/a.flow", "--port", "@modem"]).contains("there is no `flowrun.toml`"));
    assert_eq!(flowrun(&folder, &["flows/a.flow", "--port", "modem"]).0, Some(3), "it may be a device node");
}

#[test]
fn a_path_is_a_device_node_whatever_the_file_says() {
    let folder = repository(BENCH);
    assert_eq!(flowrun(&folder, &["flows/a.flow", "--port", "./modem"]).0, Some(3));
}

#[test]
fn the_file_of_the_nearest_folder_counts_and_none_above_the_repository() {
    let folder = repository("");
    fs::write(folder.path().join("flowrun.toml"), BENCH).expect("there is room");
    fs::remove_file(folder.path().join("repo/flowrun.toml")).expect("it is ours");
    let (code, text) = flowrun(&folder, &["flows/a.flow", "--profile", "lab"]);
    assert_eq!(code, Some(2), "a file above the repository is not ours: {text}");
}

#[test]
fn options_of_tests_hold_unless_the_command_line_gives_them() {
    let folder = repository(&format!("{BENCH}[test]\nvolatile = ['none=AN_APN']\n"));
    let (code, text) = flowrun(&folder, &["test", "flows", "--port", "modem", "--accept"]);
    assert_eq!(code, Some(0), "{text}");
    let snapshot = fs::read_to_string(folder.path().join("repo/flows/snapshots/a.snap")).expect("it was written");
    assert!(snapshot.contains("APN=[AN_APN]"), "{snapshot}");
    let cleanup = "flow \"t\"\nsend \"AT\"\nexpect line \"OK\"\nfinally { fail \"x\" }\n";
    fs::write(folder.path().join("repo/flows/a.flow"), cleanup).expect("there is room");
    assert_eq!(flowrun(&folder, &["test", "flows", "--port", "modem", "--accept"]).0, Some(0));
    write(&folder, &format!("{BENCH}[test]\nstrict = true\n"));
    let (code, text) = flowrun(&folder, &["test", "flows", "--port", "modem", "--accept"]);
    assert_eq!(code, Some(1), "a clean-up that fails fails the flow: {text}");
    for (wrong, told) in [("jobs = 0", "from 1 on"), ("volatile = ['x']", "`volatile` of `flowrun.toml`, `x`")] {
        write(&folder, &format!("[test]\n{wrong}\n"));
        let (code, text) = flowrun(&folder, &["test", "flows"]);
        assert!(code == Some(2) && text.contains(told), "{text}");
    }
}

#[test]
fn programs_are_run_only_from_a_file_that_its_user_has_allowed_as_it_is() {
    let with = |program: &str| format!("{BENCH}[ports.tool]\naddress = \"exec:{program}\"\n");
    let folder = repository(&with("cat"));
    let refusal = |arguments: &[&str]| {
        let (code, text) = flowrun(&folder, arguments);
        assert_eq!(code, Some(2), "{text}");
        text
    };
    let run = ["flows/a.flow", "--port", "tool"];
    let text = refusal(&run);
    assert!(text.contains("is not allowed to run programs") && text.contains("flowrun allow "), "{text}");
    assert!(text.contains("address = \"exec:cat\""), "the line is shown: {text}");
    assert_eq!(flowrun(&folder, &["flows/a.flow", "--port", "modem"]).0, Some(0), "what runs nothing needs no word");
    let (code, text) = flowrun(&folder, &["allow"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("[ports.tool]: exec:cat"), "{text}");
    assert!(!refusal_or_run(&folder, &run).contains("allowed"));
    write(&folder, &with("rm"));
    assert!(refusal(&run).contains("has changed since it was allowed"));
    let (code, _) = flowrun(&folder, &["allow", "flowrun.toml"]);
    assert_eq!(code, Some(0));
    assert!(!refusal_or_run(&folder, &run).contains("allowed"));
}

/// Runs it, however that ends: this system may not be able to run a program as a port.
fn refusal_or_run(folder: &TempDir, arguments: &[&str]) -> String {
    flowrun(folder, arguments).1
}

#[test]
fn a_file_with_hooks_is_used_only_when_it_is_allowed() {
    let folder = repository(&format!("{BENCH}[hooks]\npower_on = \"relay on\"\n"));
    let (code, text) = flowrun(&folder, &["flows/a.flow", "--port", "modem"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("is not allowed to run programs") && text.contains("power_on"), "{text}");
    assert_eq!(flowrun(&folder, &["allow"]).0, Some(0));
    assert_eq!(flowrun(&folder, &["flows/a.flow", "--port", "modem"]).0, Some(0));
    write(&folder, BENCH);
    let (code, text) = flowrun(&folder, &["allow"]);
    assert!(code == Some(0) && text.contains("nothing to allow"), "{text}");
}

#[cfg(unix)]
#[test]
fn neither_a_link_nor_a_file_that_others_may_write_is_allowed() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = repository("[hooks]\npower_on = \"relay on\"\n[ports.modem]\naddress = \"COM1\"\n");
    let file = folder.path().join("repo/flowrun.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("it is ours");
    let (code, text) = flowrun(&folder, &["allow"]);
    assert!(code == Some(2) && text.contains("others may write it"), "{text}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("it is ours");
    fs::rename(&file, folder.path().join("real.toml")).expect("it is ours");
    symlink(folder.path().join("real.toml"), &file).expect("a link can be made");
    let (code, text) = flowrun(&folder, &["allow"]);
    assert!(code == Some(2) && text.contains("it is a link"), "{text}");
    let (code, text) = flowrun(&folder, &["flows/a.flow", "--port", "modem"]);
    assert!(code == Some(2) && text.contains("cannot be allowed to run programs: it is a link"), "{text}");
}
