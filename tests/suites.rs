//! `flowrun test` as its users meet it: the commands of its document, no secret in any file, and the example project.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use flowrun::diagnostic::render::{Look, Style};
use flowrun::report::format::Format;
use flowrun::report::transcript::Times;
use flowrun::suite::find::{Found, find};
use flowrun::suite::runner::{AfterFailure, Onlooker, Runner};
use flowrun::suite::volatile::Volatile;
use flowrun::suite::{Flaky, Judged, Mode, Rules};
use flowrun::testing;
use flowrun::value::coding::{base64, hex, url_encode};
use support::{copy, repo};

fn flowrun(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FLOWRUN_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .current_dir(folder)
        .env("COLUMNS", "100")
        .env("FLOWRUN_ARTIFACTS", "never")
        .env("XDG_STATE_HOME", folder.join(".state"))
        .env_remove("CI")
        .env_remove("CLICOLOR_FORCE");
    command.stdin(Stdio::null()).output().expect("it can be started")
}

#[test]
fn every_command_of_the_document_passes() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    copy(&repo("flows"), &folder.path().join("flows"));
    let document = fs::read_to_string(repo("docs/suites.md")).expect("it is UTF-8");
    let block = document.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("there is a block");
    let mut n_commands = 0;
    for line in block.lines() {
        let line = line.split(" #").next().expect("there is a first piece").trim();
        let arguments: Vec<&str> = line.strip_prefix("flowrun ").expect("it is ours").split_whitespace().collect();
        let output = flowrun(folder.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}\n{said}");
        n_commands += 1;
    }
    assert!(n_commands >= 6, "{n_commands}");
    let reports: Vec<&str> =
        block.split_whitespace().filter_map(|word| word.split_once('=')).map(|(_, file)| file).collect();
    for format in Format::all().map(Format::name) {
        assert!(block.contains(&format!("--report {format}=")), "no command writes {format}");
    }
    for file in reports.into_iter().chain(["events.jsonl", "run.jsonl", "flows/snapshots/aliyun_secret.snap"]) {
        assert!(folder.path().join(file).metadata().is_ok_and(|meta| meta.len() > 0), "{file}");
    }
}

#[test]
fn the_documents_list_every_format_of_a_report_and_no_other() {
    let document = fs::read_to_string(repo("docs/suites.md")).expect("it is UTF-8");
    let listed: Vec<&str> = document.lines().filter(|line| line.starts_with("| `--report ")).collect();
    let row = |format: Format| format!("| `--report {}=FILE` | {} |", format.name(), format.content());
    assert_eq!(listed, Format::all().map(row).collect::<Vec<_>>());
    let readme = fs::read_to_string(repo("README.md")).expect("it is UTF-8");
    let choices = format!("of `flowrun test`: `{}` |", Format::choices("`, `", "`, `"));
    assert!(readme.contains(&choices), "{choices}");
}

/// Takes note of the order in which flows are handed over.
#[derive(Default)]
struct Order(Vec<String>);

impl Onlooker for Order {
    fn judged(&mut self, case: &mut Judged) {
        self.0.push(format!("{} {}", case.report.title(), case.report.status.title()));
    }
}

#[test]
fn a_suite_runs_without_the_command_line_and_is_told_in_the_order_of_its_files() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
    write("m.flow", "device \"m\"\non line \"A\" { reply \"OK\" }\n");
    for (name, answer) in [("1", "OK"), ("2", "NO"), ("3", "OK"), ("4", "OK")] {
        let flow = format!("flow \"{name}\" sim \"m.flow\" send \"A\" expect line \"{answer}\" within 1s");
        write(&format!("{name}.flow"), &flow);
    }
    write("5.flow", "flow \"5\" send \"A\" expect line \"OK\"");
    let Found { flows, .. } = find(&[folder.path().to_path_buf()]).expect("it can be read");
    let rules = Rules {
        times: Times::Shown,
        volatile: Volatile::default(),
        mode: Mode::Accept,
        n_runs: Some(1),
        seed: 1,
        look: Look { width: 80, style: Style::Plain },
        flaky: Flaky::Passes,
        keeps_recordings: false,
    };
    let mut order = Order::default();
    let judged = Runner::new(flows.clone(), rules.clone()).at_once(3).run(&mut order);
    let alone = format!("{} without a device", folder.path().join("5.flow").display()).replace('\\', "/");
    assert_eq!(order.0, ["1 passed", "2 failed", "3 passed", "4 passed", &alone]);
    assert_eq!(judged.iter().filter(|case| case.report.is_failure).count(), 1);
    let stops = Runner::new(flows, rules).at_once(1).after_failure(AfterFailure::Stop);
    assert_eq!(stops.run(&mut Order::default()).len(), 2, "no flow is begun after the one that failed");
}

#[test]
fn a_recording_beside_its_flow_plays_the_other_end_and_tells_where_the_flow_departs() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
    let flow = "flow \"a\"\nparam n = 5\nsend \"AT+N=${n}\"  expect line /N: (?<got>\\d+)/\nassert got == \"${n}\", \"wrong\"\n";
    write("modem.flow", "device \"m\"\non line /AT.N=(?<n>\\d+)/ { reply \"N: ${n}\" }\n");
    write("a.flow", flow);
    let code = |arguments: &[&str]| flowrun(folder.path(), arguments).status.code();
    assert_eq!(code(&["a.flow", "--port", "sim:modem.flow", "--var", "n=7", "--record", "a.recording"]), Some(0));
    assert_eq!(code(&["test", "a.flow", "--accept"]), Some(0), "with the variable that was recorded");
    assert_eq!(code(&["test", "a.flow", "--check"]), Some(0));
    assert_eq!(code(&["test", "a.flow", "--check", "--port", "replay:a.recording"]), Some(0));
    write("a.flow", &flow.replace("AT+N=", "AT+M="));
    let output = flowrun(folder.path(), &["test", "a.flow", "--check"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("the flow departs from the recording at byte 4 of write 1"), "{said}");
}

#[test]
fn what_a_flow_calls_volatile_is_named_away_in_its_snapshot() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
    write("m.flow", "device \"m\"\non line \"A\" { reply \"imei ${random_digits(15)} csq ${random_digits(2)}\" }\n");
    let flow = "flow \"a\"\nsim \"m.flow\"\nvolatile imei matches /\\b\\d{15}\\b/\nvolatile csq\n\
        send \"A\"  expect line /imei \\d+ csq (?<csq>\\d+)/\n";
    write("a.flow", flow);
    let code = |arguments: &[&str]| flowrun(folder.path(), arguments).status.code();
    assert_eq!(code(&["test", "a.flow", "--accept", "--seed", "1"]), Some(0));
    assert_eq!(code(&["test", "a.flow", "--check", "--seed", "2"]), Some(0), "another seed gives the same snapshot");
    let snapshot = fs::read_to_string(folder.path().join("snapshots/a.snap")).expect("it was accepted");
    assert!(snapshot.contains("< imei [imei] csq [csq]\\r\\n"), "{snapshot}");
}

const SECRETS: &[&str] = &["hunter2/+=&pass word", "tok-5e1f99a0+/x"];

/// A flow that sends and receives its secrets in every form, and fails or passes as it is told.
fn write_secretive(folder: &Path) {
    let flow = "flow \"Secretive\"\nsim \"echo.flow\"\nsecret key\nsecret token\nparam fails = false\n\
        step \"tell\" retry 2 {\n  send \"K=${key}\"\n  send \"H=${hex(key)}\"\n  send \"B=${base64(key)}\"\n  \
        send \"U=${url_encode(key)}\"\n  send \"T=${token};${hex(token)};${base64(token)};${url_encode(token)}\"\n  \
        log \"the key is ${key}\"\n  expect line /^you said T=(?<heard>.*)$/\n  save heard\n  \
        if fails { expect line \"never\" within 1s }\n}\n";
    let device = "device \"Echo\"\non line /^(?<what>.*)$/ { reply \"you said ${what}\" }\n";
    fs::write(folder.join("secretive.flow"), flow).expect("it can be written");
    fs::write(folder.join("echo.flow"), device).expect("it can be written");
}

/// Returns every file below a folder but the flows and what `save` wrote, with its bytes.
fn written(folder: &Path, into: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("it is a folder") {
        let path = entry.expect("it can be read").path();
        let name = path.display().to_string();
        if path.is_dir() {
            written(&path, into);
        } else if !name.ends_with(".flow") && !name.ends_with(".saved.toml") {
            let bytes = fs::read(&path).expect("it can be read");
            into.push((path, bytes));
        }
    }
}

#[test]
fn no_secret_is_in_any_file_that_a_run_writes() {
    for (fails, code) in [("false", 0), ("true", 1)] {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        write_secretive(folder.path());
        let fails = format!("fails={fails}");
        let (key, token) = (format!("key={}", SECRETS[0]), format!("token={}", SECRETS[1]));
        let given = ["--var", &key, "--var", &token, "--var", &fails];
        let run = ["secretive.flow", "--port", "sim", "--transcript", "run.txt", "--events", "run.jsonl"];
        let reports: Vec<String> = Format::all().map(|format| format!("report.{}", format.name())).collect();
        let choices: Vec<String> =
            Format::all().zip(&reports).map(|(format, file)| format!("{}={file}", format.name())).collect();
        let mut test = vec!["test", "--events", "t.jsonl"];
        test.extend(choices.iter().flat_map(|choice| ["--report", choice.as_str()]));
        let mut files = Vec::new();
        for (name, command) in [("run", &run[..]), ("test", &test[..]), ("accept", &["test", "--accept"][..])] {
            let output = flowrun(folder.path(), &[command, &given[..]].concat());
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(
                output.status.code(),
                Some(code),
                "{name}\n{}{complaint}",
                String::from_utf8_lossy(&output.stdout)
            );
            files.push((PathBuf::from(format!("what {name} shows")), output.stdout));
            files.push((PathBuf::from(format!("what {name} complains of")), output.stderr));
            // The pending snapshot goes with the next command.
            written(folder.path(), &mut files);
        }
        let has = |name: &str| files.iter().any(|(path, bytes)| path.ends_with(name) && !bytes.is_empty());
        for name in ["run.txt", "run.jsonl", "t.jsonl"].into_iter().chain(reports.iter().map(String::as_str)) {
            assert!(has(name), "{name} was not written");
        }
        if code == 0 {
            assert!(has("snapshots/secretive.snap") && has("snapshots/secretive.snap.new"));
        }
        for secret in SECRETS {
            let bytes = secret.as_bytes();
            let upper = hex(bytes).to_uppercase();
            for form in [secret.to_string(), hex(bytes), upper, base64(bytes), url_encode(bytes)] {
                // As JSON and XML would write it, too.
                for form in [form.clone(), form.replace('/', "\\/"), form.replace('&', "&amp;")] {
                    for (path, text) in &files {
                        let is_there = text.windows(form.len()).any(|window| window == form.as_bytes());
                        assert!(!is_there, "{}: {form}", path.display());
                    }
                }
            }
        }
    }
}

#[test]
fn the_flow_of_the_example_project_runs_from_a_test_in_five_lines() {
    let outcome = testing::run(repo("examples/rust-test/flows/signal.flow"));
    assert!(outcome.has_passed(), "{outcome}");
    let snapshot = repo("examples/rust-test/tests/snapshots/modem__the_modem_answers.snap");
    let snapshot = fs::read_to_string(snapshot).expect("it is there");
    assert!(snapshot.trim_end().ends_with(outcome.transcript().trim_end()), "{outcome}");
}

#[test]
fn a_run_that_can_not_be_made_says_why() {
    let refused = testing::Run::new(repo("examples/rust-test/flows/modem.flow")).go().expect_err("it is a device");
    assert!(refused.to_string().contains("is not a flow"), "{refused}");
    let run = testing::Run::new(repo("examples/rust-test/flows/signal.flow"));
    let refused = run.clone().var("nope", "1").go().expect_err("there is no such variable");
    assert!(refused.to_string().contains("nope"), "{refused}");
    assert!(run.sim_var("signal", "3").go().expect("it is right").failure().contains("too weak"));
}

/// Returns the exit code of a command and everything that it said.
fn said(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = flowrun(folder, arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

#[test]
fn a_mistyped_command_and_a_folder_get_the_right_hint() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    copy(&repo("flows"), &folder.path().join("flows"));
    for (arguments, hint) in [
        (&["tset", "flows"][..], "did you mean `flowrun test`?"),
        (&["version"], "did you mean `flowrun --version`?"),
        (&["begin"], "the commands are run, test,"),
        (&["flows"], "`flows` is a folder"),
        (&["run", "flows", "--port", "sim"], "`flowrun test flows` runs every flow in it"),
        (&["stress", "flows"], "`flows` is a folder"),
        (&["flows/aliyun_secret.flow", "--port", "sim", "--transcript", "-"], "`-` is not a file here"),
    ] {
        let (code, said) = said(folder.path(), arguments);
        assert!(code == Some(2) && said.contains(hint), "{arguments:?}: {said}");
    }
    let (code, checked) = said(folder.path(), &["check", "flows"]);
    assert!(code == Some(0) && checked.contains("ok  flows/devices/air.flow"), "{checked}");
    assert_eq!(said(folder.path(), &["fmt", "--check", "flows"]), (Some(0), String::new()));
    let (code, said) = said(folder.path(), &["test", "flows", "--check", "--filter", "aliyun_secret"]);
    let hint =
        "1 transcript has no snapshot: run `flowrun test --accept` and commit `flows/snapshots/aliyun_secret.snap`";
    assert!(code == Some(1) && said.contains(hint), "{said}");
}

/// What only Linux tells, and needs a pseudo-terminal.
#[cfg(target_os = "linux")]
mod on_a_pseudo_terminal {
    use std::io::{BufRead, BufReader};
    use std::process::Child;

    use super::*;

    /// A program that ends with the test.
    struct Running(Child);

    impl Drop for Running {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// Serves a device; returns it with its port.
    fn serve(folder: &Path, device: &str) -> (Running, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.args(["sim", device]).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut running = Running(command.spawn().expect("it can be started"));
        let told = running.0.stdout.take().expect("it is piped");
        let lines = BufReader::new(told).lines().map(|line| line.expect("it is UTF-8"));
        let is_end = |c: char| c.is_whitespace() || matches!(c, '`' | ',' | ':');
        let port = |line: String| Some(line[line.find("/dev/pts/")?..].split(is_end).next()?.to_string());
        let port = lines.into_iter().find_map(port).expect("it says what its port is called");
        (running, port)
    }

    #[test]
    fn a_suite_says_once_who_else_has_its_port_and_what_has_no_effect_there() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
        write("m.flow", "device \"m\"\non line \"A\" { reply \"OK\" }\n");
        for name in ["1", "2"] {
            write(&format!("{name}.flow"), "flow \"f\"\ndtr off\nsend \"A\"\nexpect line \"NO\" within 50ms\n");
        }
        let (_device, port) = serve(folder.path(), "m.flow");
        let test = ["test", "1.flow", "2.flow", "--port", &port];
        let (code, alone) = said(folder.path(), &test);
        assert_eq!(code, Some(1), "{alone}");
        assert_eq!(alone.matches("`dtr`, `rts` and `break` have no effect there").count(), 1, "{alone}");
        assert_eq!(alone.matches("open too").count(), 0, "{alone}");
        let reader = fs::File::open(&port).expect("it can be opened");
        let reads = Command::new("sleep").arg("60").stdin(reader).spawn();
        let reads = Running(reads.expect("it can be started"));
        let (code, told) = said(folder.path(), &test);
        assert_eq!(code, Some(1), "{told}");
        let who = format!("process {} (`sleep`) has `{port}` open too", reads.0.id());
        assert_eq!(told.matches(&who).count(), 1, "{told}");
    }
}

/// A folder with two flows that need variables, and their device.
fn folder_with_variables() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
    write("m.flow", "device \"m\"\nserial { echo off  baud 9600 }\non line /(?<said>.+)/ { reply \"got ${said}\" }\n");
    let flow = |title: &str, declared: &str, sent: &str| {
        format!(
            "flow \"{title}\"\n{declared}\nsim \"m.flow\"\nsend \"{sent}\"\nexpect line /got (?<got>.*)/\nlog got\n"
        )
    };
    write("a.flow", &flow("a", "param names = [\"\"]\nparam ca", "${join(names, \"+\")} ${len(ca)}"));
    write("b.flow", &flow("b", "param ca\nparam n = 1\nfile fw = \"x\"", "${ca} ${n} ${len(fw)}"));
    write("vars.json", "{\"names\": [\"one\", \"two\"], \"n\": 5}");
    write("ca.pem", "PEM");
    write("fw.bin", "12345");
    folder
}

#[test]
fn a_suite_takes_the_variables_and_the_line_that_a_run_takes() {
    let folder = folder_with_variables();
    let given = ["--vars", "vars.json", "--var-file", "ca=ca.pem", "--file", "fw=fw.bin"];
    let line = ["--serial", "echo=off", "--baud", "9600"];
    let (code, said_all) = said(folder.path(), &[&["test", "--accept"][..], &given, &line].concat());
    assert_eq!(code, Some(0), "{said_all}");
    for (name, got) in [("a", "one+two 3"), ("b", "PEM 5 5")] {
        let snapshot = fs::read_to_string(folder.path().join(format!("snapshots/{name}.snap"))).expect("it is there");
        assert!(snapshot.contains(got) && snapshot.contains("9600 8N1"), "{snapshot}");
    }
    for (wrong, message) in [
        (&["--serial", "ecko=off"][..], "there is no setting `ecko`"),
        (&["--vars", "none.json"], "`none.json` cannot be read"),
        (&["--var", "m=1"], "no flow here has the variable `m`, which was given with `--var`"),
        (&["--file", "map=fw.bin"], "no flow here has the file `map`"),
        (&["--events", "ca.pem"], "it is the value of a variable"),
    ] {
        let (code, said) = said(folder.path(), &[&["test"][..], &given, wrong].concat());
        assert!(code == Some(2) && said.contains(message), "{wrong:?}: {said}");
    }
    fs::write(folder.path().join("more.toml"), "m = 1\n").expect("it can be written");
    let (code, said) = said(folder.path(), &[&["test"][..], &given, &["--vars", "more.toml"]].concat());
    assert!(code == Some(2) && said.contains("`m`, which was given in `more.toml`"), "{said}");
}
