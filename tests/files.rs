//! The files that the command line reads and writes: nothing that is needed is overwritten, and nothing is said that is not so.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const FLOW: &str = "flow \"t\"\nuse \"lib.flow\"\nsim \"dev.flow\"\nsend \"AT\"\nexpect line \"OK\"\n";

/// Makes a folder with a flow, its library and its device.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("there is room");
    write("a.flow", FLOW);
    write("lib.flow", "library \"l\"\nignore line \"x\"\n");
    write("dev.flow", "device \"d\"\non line \"AT\" { reply \"OK\" }\n");
    write("vars.toml", "");
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env("COLUMNS", "200").env("NO_COLOR", "1").env_remove("CI");
    command.stdin(Stdio::null());
    command
}

/// Runs flowrun in a folder; returns the exit code and what it said.
fn flowrun(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command(folder, arguments).output().expect("it can be started");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

#[test]
fn no_output_is_written_over_what_is_read_or_over_another() {
    let folder = folder();
    let path = folder.path();
    fs::hard_link(path.join("lib.flow"), path.join("hard")).expect("a link can be made");
    let before = |name: &str| fs::read(path.join(name)).expect("it is there");
    let refused = |arguments: &[&str], over: &str| {
        let bytes = before(over);
        let (code, text) = flowrun(path, arguments);
        assert_eq!((code, before(over)), (Some(2), bytes), "{arguments:?}: {text}");
        assert!(text.contains("cannot be written: it is ") && !path.join("new").exists(), "{text}");
    };
    for name in ["a.flow", "./a.flow", "lib.flow", "hard", "dev.flow", "vars.toml"] {
        let run = ["a.flow", "--port", "sim", "--vars", "vars.toml"];
        refused(&[&run[..], &["--events", "new", "--transcript", name]].concat(), name);
        refused(&[&run[..], &["--transcript", "new", "--events", name]].concat(), name);
        refused(&[&run[..], &["--transcript", "new", "--record", name]].concat(), name);
    }
    refused(&["a.flow", "--port", "sim", "--transcript", "new", "--events", "./new"], "a.flow");
    assert_eq!(flowrun(path, &["test", "a.flow", "--accept", "--events", "e"]).0, Some(0));
    for name in ["a.flow", "lib.flow", "hard", "dev.flow", "snapshots/a.snap"] {
        refused(&["test", "a.flow", "--events", name], name);
        refused(&["test", "a.flow", "--events", "new", "--report", &format!("junit={name}")], name);
    }
    refused(&["test", "a.flow", "--events", "e", "--report", "tap=e"], "e");
    refused(&["a.flow", "--port", "sim", "--transcript", "snapshots/a.snap"], "snapshots/a.snap");
    assert_eq!(flowrun(path, &["a.flow", "--port", "sim", "--record", "r"]).0, Some(0));
    refused(&["a.flow", "--port", "replay:r", "--transcript", "new", "--record", "r"], "r");
    fs::copy(path.join("r"), path.join("s")).expect("there is room");
    // Of several ports, the first has no file yet when the last is refused.
    fs::hard_link(path.join("r"), path.join("t.s")).expect("a link can be made");
    refused(&["a.flow", "--port", "replay:r", "--port", "replay:s", "--events", "new", "--transcript", "t"], "r");
}

/// The commands that show something, each of which ends with 0 where it is seen.
#[cfg(unix)]
const SHOWING: &[&[&str]] = &[
    &["a.flow", "--port", "sim"],
    &["a.flow", "--port", "sim", "--quiet"],
    &["a.flow", "--port", "replay:r", "--port", "replay:s"],
    &["check", "a.flow"],
    &["fmt", "--stdout", "a.flow"],
    &["test", "a.flow"],
    &["sim", "--from", "r"],
    &["stress", "a.flow", "--runs", "1"],
    &["ports"],
    &["say", "sim:dev.flow", "AT"],
    &["doctor", "sim:dev.flow", "--probe"],
    &["--help"],
    &["--version"],
];

/// Makes a folder in which all of [`SHOWING`] end well.
#[cfg(unix)]
fn folder_to_show() -> TempDir {
    let folder = folder();
    for name in ["r", "s"] {
        assert_eq!(flowrun(folder.path(), &["a.flow", "--port", "sim", "--record", name]).0, Some(0));
    }
    for arguments in SHOWING {
        let (code, text) = flowrun(folder.path(), arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {text}");
    }
    folder
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_shown_is_an_error_that_is_told() {
    let folder = folder_to_show();
    let full = || fs::File::options().write(true).open("/dev/full").expect("this system has it");
    for arguments in SHOWING {
        let output = command(folder.path(), arguments).stdout(full()).output().expect("it can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert_eq!(said.matches("what is shown here is not complete: ").count(), 1, "{arguments:?}: {said}");
    }
    let odd = "flow \"t\"\nsend \"AT\"\nsleep 1s\nexpect line \"OK\"\n";
    fs::write(folder.path().join("odd.flow"), odd).expect("there is room");
    let mut warned = command(folder.path(), &["check", "odd.flow"]);
    assert!(!warned.output().expect("it can be started").stderr.is_empty());
    assert_eq!(warned.stderr(full()).output().expect("it can be started").status.code(), Some(1));
    let mut wrong = command(folder.path(), &["check", "missing.flow"]);
    assert_eq!(wrong.stderr(full()).output().expect("it can be started").status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn who_closes_the_pipe_is_told_nothing_and_it_is_no_success() {
    let folder = folder_to_show();
    for arguments in SHOWING {
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let output = command(folder.path(), arguments).stdout(writer).output().expect("it can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(1), ""), "{arguments:?}");
    }
}

#[cfg(unix)]
#[test]
fn no_name_of_a_file_reaches_a_terminal_as_it_would_obey_it() {
    const ODD: &str = "\u{1b}]0;x\u{7}\u{202e}\u{9b}2J\u{61c}";
    let folder = folder();
    let path = folder.path();
    let named = |ending: &str| format!("{ODD}{ending}");
    let (flow, first, second) = (named(".flow"), named("1.rec"), named("2.rec"));
    fs::write(path.join(&flow), format!("{FLOW}capture v from \"x\"\nsave   v\n")).expect("there is room");
    let (device, missing, saved) = (format!("sim:{}", named("dev")), named("no"), named(".toml"));
    fs::copy(path.join("dev.flow"), path.join(named("dev"))).expect("there is room");
    let link = path.join(named("lib.flow"));
    std::os::unix::fs::symlink("/etc/passwd", &link).expect("a link can be made");
    let many = [format!("replay:{first}"), format!("replay:{second}")];
    let lines: &[(&[&str], i32)] = &[
        (&["check", &flow], 0),
        (&["fmt", "--check", &flow], 1),
        (&["fmt", &flow], 0),
        (&["stress", &flow, "--port", &device, "--runs", "1"], 0),
        (&[&flow, "--port", &device, "--save", &saved, "--record", &first], 0),
        (&[&flow, "--port", "sim", "--record", &second], 0),
        (&[&flow, "--port", &many[0], "--port", &many[1], "--save", &saved], 0),
        (&["test", &flow], 0),
        (&["test", "."], 2),
        (&["test", &missing], 2),
        (&["check", &missing], 2),
        (&["fmt", &missing], 2),
        (&["sim", "--from", &missing], 2),
        (&["sim", &flow], 2),
        (&[&missing, "--port", "sim"], 2),
        (&["a.flow", "--port", &device[..], "--transcript", &named("dev")], 2),
        (&["a.flow", "--port", "sim", "--vars", &missing], 2),
        (&["a.flow", "--port", &missing], 3),
        (&["check", "a.flow", "--color", ODD], 2),
        (&["a.flow", &named("--odd")], 2),
    ];
    for (arguments, expected) in lines {
        let (code, text) = flowrun(path, arguments);
        assert_eq!(code, Some(*expected), "{arguments:?}: {text:?}");
        let is_obeyed = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{61c}".contains(c);
        assert!(!text.contains(is_obeyed), "{arguments:?}: {text:?}");
    }
}

#[test]
fn a_variable_gets_each_byte_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let path = folder.path();
    let write = |name: &str, bytes: &[u8]| fs::write(path.join(name), bytes).expect("there is room");
    // No text, and ends that a shell or a file of variables would change.
    write("ca.pem", b"\xff\0-----BEGIN\r\nx\n\n");
    write("n", b"42\n");
    write("long", &vec![b'x'; (1 << 20) + 1]);
    write(
        "a.flow",
        b"flow \"t\"\nparam ca\nparam der = x\"00\"\nparam n = 1\nsend \"AT\"\nexpect line \"OK\"\n\
          assert hex(ca) == \"ff002d2d2d2d2d424547494e0d0a780a0a\", \"text\"\nassert hex(der) == hex(ca), \"bytes\"\n\
          assert n == 42, \"number\"\n",
    );
    write("d.flow", b"device \"d\"\non line \"AT\" { reply \"OK\" }\n");
    let run = |given: &[&str]| {
        let options = given.iter().flat_map(|given| ["--var-file", *given]);
        let arguments: Vec<&str> = ["a.flow", "--port", "sim:d.flow", "-q"].into_iter().chain(options).collect();
        flowrun(path, &arguments)
    };
    let (code, said) = run(&["ca=ca.pem", "der=ca.pem", "n=n"]);
    assert_eq!(code, Some(0), "{said}");
    for (given, why) in [
        ("ca", "a `--var-file` has no `=`"),
        ("ca=none", "`none` cannot be read for `ca`: "),
        ("ca=long", "`long` cannot be read for `ca`: it is larger than 1 MiB"),
        ("ca=.", "`.` cannot be read for `ca`: it is a folder, not a file"),
        ("n=ca.pem", "`n` cannot be the content of a file"),
        ("cert=n", "`t` has no variable `cert`, which was given with `--var-file`, from `n`"),
    ] {
        let (code, said) = run(&[given]);
        assert!(code == Some(2) && said.contains(why), "{given}: {said}");
    }
    let over = ["a.flow", "--port", "sim:d.flow", "--var-file", "ca=ca.pem", "--transcript", "ca.pem"];
    let (code, said) = flowrun(path, &over);
    assert!(code == Some(2) && said.contains("the value of a variable"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_fifo_is_no_value_of_a_variable() {
    let folder = folder();
    let made = Command::new("mkfifo").arg(folder.path().join("fifo")).status().expect("it is there");
    assert!(made.success());
    let (code, said) = flowrun(folder.path(), &["a.flow", "--port", "sim", "--var-file", "ca=fifo"]);
    assert!(code == Some(2) && said.contains("it is a FIFO, not a file"), "{said}");
}

#[test]
fn lists_and_maps_come_from_files_of_variables() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let path = folder.path();
    let write = |name: &str, text: &str| fs::write(path.join(name), text).expect("there is room");
    write("v.toml", "names = [\"temp\", \"hum\"]\nlimits = {low = 1}\nfree = [\"x\"]\n");
    write("v.json", r#"{"names": ["temp", "hum"], "limits": {"low": 1}, "free": ["x"]}"#);
    write("wrong.json", r#"{"names": "temp", "limits": [1], "free": 1}"#);
    write(
        "a.flow",
        "flow \"t\"\nparam names = [\"a\"]\nparam limits = {low: 0}\nparam free\n\
         for n in names { send \"GET ${n}\"  expect line \"VALUE ${n}\" }\n\
         for f in free { send \"GET ${f}\"  expect line \"VALUE x\" }\nassert limits.low == 1, \"limits\"\n",
    );
    write("d.flow", "device \"d\"\non line /GET (?<n>.*)/ { reply \"VALUE ${n}\" }\n");
    let run = |more: &[&str]| {
        let arguments: Vec<&str> = ["a.flow", "--port", "sim:d.flow"].iter().chain(more).copied().collect();
        flowrun(path, &arguments)
    };
    for given in ["v.toml", "v.json"] {
        let (code, said) = run(&["--vars", given]);
        assert!(code == Some(0) && said.contains("GET hum") && said.contains("4 checks"), "{said}");
    }
    let typed = ["--var", r#"names=["temp"]"#, "--var", r#"limits={"low": 1}"#, "--var", "free=x"];
    let (code, said) = run(&typed);
    assert!(code == Some(0) && said.contains("GET temp"), "{said}");
    // A recording has what gives them again.
    let (code, said) = run(&[&typed[..], &["--record", "r.rec"]].concat());
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = flowrun(path, &["a.flow", "--port", "replay:r.rec"]);
    assert_eq!(code, Some(0), "{said}");
    // All that is wrong is told at once.
    let (code, said) = run(&["--vars", "wrong.json"]);
    assert!(code == Some(2) && said.contains("`names` cannot be `temp`"), "{said}");
    assert!(said.contains("`limits` cannot be a list") && said.contains("needs a map"), "{said}");
}
