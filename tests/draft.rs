//! The recorder, with strangers: sessions that are typed key by key become flows that pass without a device and with it.
//!
//! `tests/recorder/NAME.session` is what a person types, a line each; `# …` is what they call it. The flow that is drafted of the
//! recording must be green at once, green again on the live device, without a warning, in its layout, and stand benign faults.
//! `tests/recorder/NAME.hand.flow` is what a colleague wrote for the same job. Programs that are not installed are passed over,
//! unless FLOWRUN_REQUIRE_RECORDER is set: `.ci/recorder` installs them.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A device that flowrun has not been made for.
struct Stranger {
    name: &'static str,
    /// Its address; a file of the repository behind `sim:`.
    address: String,
    /// What Enter sends.
    enter: &'static str,
    /// When a person types on: behind a prompt that this regex finds, or once the line is quiet.
    prompt: Option<&'static str>,
    /// What a person does first, as statements; they wait for the device if there is nothing.
    begin: &'static str,
    /// Further options of `flowrun record`.
    options: &'static [&'static str],
    /// The values of secrets of the live device.
    given: &'static [&'static str],
}

impl Stranger {
    fn sim(name: &'static str, device: &str) -> Stranger {
        let device = repo().join(device);
        let address = format!("sim:{}", device.display());
        Stranger { name, address, enter: "\\r", prompt: None, begin: "", options: &[], given: &[] }
    }

    fn program(name: &'static str, command: &str, prompt: &'static str) -> Stranger {
        let address = format!("exec:{command}");
        Stranger { name, address, enter: "\\n", prompt: Some(prompt), begin: "", options: &[], given: &[] }
    }

    /// Returns the wait for the end of an answer.
    fn wait(&self, word: &str) -> String {
        match self.prompt {
            Some(regex) => format!("{word} prompt /{regex}/ within 30s\n"),
            None => "expect quiet for 3s within 60s\n".to_string(),
        }
    }

    /// Types the session; returns the recording.
    fn recorded(&self, folder: &Path, again: &str) -> PathBuf {
        let session = fs::read_to_string(repo().join("tests/recorder").join(format!("{}.session", self.name)));
        let session = session.expect("each stranger has a session");
        let mut flow = "flow \"a session\"\n".to_string();
        let (mut titles, mut n_keys) = (Vec::new(), self.begin.matches("send raw").count());
        flow += &if self.begin.is_empty() { self.wait("await") } else { self.begin.to_string() };
        for line in session.lines() {
            if let Some(title) = line.strip_prefix("# ") {
                titles.push((n_keys, title.to_string()));
                continue;
            }
            for key in keys(line).chain([self.enter.to_string()]) {
                let _ = writeln!(flow, "send raw \"{key}\"\nsleep 15ms");
                n_keys += 1;
            }
            flow += &self.wait("expect");
        }
        let typed = folder.join(format!("typed{again}.flow"));
        let recording = folder.join(format!("{}{again}.recording", self.name));
        fs::write(&typed, flow).expect("there is room");
        let output = flowrun(&["run", text(&typed), "-q", "--port", &self.address, "--record", text(&recording)]);
        assert!(output.status.success(), "{}: {}", self.name, shown(&output));
        put_titles(&recording, &titles);
        recording
    }

    /// Drafts a flow into a folder of its own and returns it.
    fn drafted(&self, folder: &Path, recordings: &[PathBuf]) -> PathBuf {
        let place = folder.join("drafted");
        fs::create_dir_all(&place).expect("there is room");
        let flow = place.join(format!("{}.flow", self.name));
        let mut arguments = vec!["record", "--write", text(&flow)];
        arguments.extend(recordings.iter().flat_map(|recording| ["--from", text(recording)]));
        arguments.extend(self.options);
        let output = flowrun(&arguments);
        let drafted = fs::read_to_string(&flow).unwrap_or_default();
        assert!(output.status.success(), "{}: {}\n{drafted}", self.name, shown(&output));
        flow
    }

    /// Asserts all that is promised of a drafted flow.
    fn assert_holds(&self, flow: &Path) {
        let place = text(flow.parent().expect("it is in a folder"));
        let drafted = fs::read_to_string(flow).expect("it was written");
        let mut live = vec!["run", text(flow), "--port", &self.address];
        live.extend(self.given.iter().flat_map(|given| ["--var", given]));
        let benign = "split,delay,merge,urc,echo,wrap";
        for arguments in [
            vec!["test", place, "--check"],
            live,
            vec!["check", place, "--deny-warnings"],
            vec!["fmt", place, "--check"],
            vec!["stress", text(flow), "--runs", "60", "--faults", benign],
        ] {
            let output = flowrun(&arguments);
            assert!(output.status.success(), "{} {}: {}\n{drafted}", self.name, arguments[0], shown(&output));
        }
    }
}

/// Returns the keys of a line; an escape is one key.
fn keys(line: &str) -> impl Iterator<Item = String> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let n = if rest.starts_with("\\x") { 4 } else { first.len_utf8() };
        let (key, behind) = rest.split_at(n);
        rest = behind;
        Some(match key {
            "\"" => "\\\"".to_string(),
            "\\" => "\\\\".to_string(),
            key => key.to_string(),
        })
    })
}

/// Puts what a person called what follows into a recording, before so many keys.
fn put_titles(recording: &Path, titles: &[(usize, String)]) {
    let text = fs::read_to_string(recording).expect("it was recorded");
    let mut out = String::new();
    let mut n_keys = 0;
    for line in text.lines() {
        if let Some((time, _)) = line.split_once(" > +") {
            for (_, title) in titles.iter().filter(|(at, _)| *at == n_keys) {
                let _ = writeln!(out, "{time} note title {title}");
            }
            n_keys += 1;
        }
        let _ = writeln!(out, "{line}");
    }
    fs::write(recording, out).expect("there is room");
}

fn repo() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the paths of tests are text")
}

fn flowrun(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(repo()).env("COLUMNS", "200").env("NO_COLOR", "1").env_remove("CI");
    // A program on a pseudo-terminal has no colours, no history and no messages in another language.
    command.env("TERM", "dumb").env("LC_ALL", "C").env("PS1", "$ ").env_remove("ENV");
    command.stdin(Stdio::null()).output().expect("it can be started")
}

fn shown(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder can be made for tests")
}

/// Returns how many lines of a flow are no comment and not empty.
fn n_lines(flow: &str) -> usize {
    flow.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).count()
}

/// Records, drafts and proves; returns the drafted flow.
fn proved(stranger: &Stranger) -> String {
    let folder = folder();
    let recording = stranger.recorded(folder.path(), "");
    let flow = stranger.drafted(folder.path(), &[recording]);
    stranger.assert_holds(&flow);
    let hand = repo().join("tests/recorder").join(format!("{}.hand.flow", stranger.name));
    let output = flowrun(&["run", text(&hand), "--port", &stranger.address]);
    assert!(output.status.success(), "{}: {}", hand.display(), shown(&output));
    let drafted = fs::read_to_string(flow).expect("it was written");
    assert_counted(stranger.name, &drafted);
    drafted
}

/// Asserts that the table of the document has the right numbers.
fn assert_counted(name: &str, drafted: &str) {
    let hand = repo().join("tests/recorder").join(format!("{name}.hand.flow"));
    let hand = fs::read_to_string(hand).expect("a colleague wrote one");
    let page = fs::read_to_string(repo().join("docs/recorder.md")).expect("the document is there");
    // What the columns behind promise was asserted before.
    let row = format!("| `{name}` | {} | {} | yes | yes | yes | yes |", n_lines(drafted), n_lines(&hand));
    println!("{row}");
    assert!(page.contains(&row), "docs/recorder.md has not the row `{row}`\n{drafted}");
}

#[test]
fn a_session_with_the_air_module_becomes_a_flow() {
    insta::assert_snapshot!(proved(&Stranger::sim("air", "flows/devices/air.flow")));
}

#[test]
fn a_session_with_a_quectel_module_becomes_a_flow() {
    insta::assert_snapshot!(proved(&Stranger::sim("quectel", "flows/devices/quectel.flow")));
}

#[test]
fn a_session_with_a_simcom_module_becomes_a_flow() {
    insta::assert_snapshot!(proved(&Stranger::sim("simcom", "flows/devices/simcom.flow")));
}

#[test]
fn a_session_with_esp_at_becomes_a_flow_without_the_password() {
    let options: &[&str] = &["--secret", "CWJAP=\"[^\"]*\",\"(?<wifi_password>[^\"]*)\""];
    let given: &[&str] = &["wifi_password=correct horse"];
    let stranger = Stranger { enter: "\\r\\n", options, given, ..Stranger::sim("espat", "flows/devices/espat.flow") };
    insta::assert_snapshot!(proved(&stranger));
}

#[test]
fn a_password_that_was_typed_is_in_no_file() {
    let given: &[&str] = &["password=hunter22!"];
    let stranger = Stranger { given, ..Stranger::sim("login", "tests/recorder/login.flow") };
    let folder = folder();
    let recording = stranger.recorded(folder.path(), "");
    let flow = stranger.drafted(folder.path(), &[recording]);
    stranger.assert_holds(&flow);
    let place = flow.parent().expect("it is in a folder");
    let files = [flow.clone(), place.join("login.device.flow"), place.join("snapshots/login.snap")];
    let hex = "68756e7465723232";
    for file in files {
        let text = fs::read_to_string(&file).expect("it was written");
        assert!(!text.contains("hunter") && !text.contains(hex), "{}\n{text}", file.display());
    }
    insta::assert_snapshot!(fs::read_to_string(flow).expect("it was written"));
}

#[test]
fn two_recordings_of_one_job_make_one_flow() {
    let stranger = Stranger::sim("air", "flows/devices/air.flow");
    let folder = folder();
    let monday = stranger.recorded(folder.path(), "");
    let text = fs::read_to_string(&monday).expect("it was recorded");
    let tuesday = folder.path().join("tuesday.recording");
    let changed = text.replace("V5664_AT", "V5670_AT").replace("+CREG: 0,1", "+CREG: 0,5");
    fs::write(&tuesday, changed).expect("there is room");
    let flow = stranger.drafted(folder.path(), &[monday, tuesday]);
    stranger.assert_holds(&flow);
    insta::assert_snapshot!(fs::read_to_string(flow).expect("it was written"));
}

#[test]
fn flows_with_several_ports_and_with_files_can_be_drafted() {
    let folder = folder();
    let mut wrong = Vec::new();
    for name in ["two_modems", "gps_to_receiver", "firmware_by_xmodem"] {
        let place = folder.path().join(name);
        fs::create_dir(&place).expect("there is room");
        let recording = folder.path().join(format!("{name}.recording"));
        let original = repo().join("flows").join(format!("{name}.flow"));
        let flow = place.join("drafted.flow");
        for arguments in [
            vec!["run", text(&original), "-q", "--port", "sim", "--record", text(&recording)],
            vec!["record", "--from", text(&recording), "--write", text(&flow)],
            vec!["check", text(&place), "--deny-warnings"],
            vec!["fmt", text(&place), "--check"],
        ] {
            let output = flowrun(&arguments);
            if !output.status.success() {
                let drafted = fs::read_to_string(&flow).unwrap_or_default();
                wrong.push(format!("{name} {}: {}\n{drafted}", arguments[0], shown(&output)));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Protocols of bytes: no lines, and silences that count.
const NO_LINES: &[&str] = &["33_raw_repl", "35_bootloader_break"];

#[test]
fn each_job_of_the_corpus_that_passes_can_be_drafted() {
    let folder = folder();
    let mut n_drafted = 0;
    let jobs = fs::read_dir(repo().join("tests/corpus")).expect("it is there");
    let mut jobs: Vec<PathBuf> = jobs.filter_map(|entry| Some(entry.ok()?.path())).collect();
    jobs.retain(|job| job.extension().is_some_and(|extension| extension == "flow"));
    jobs.sort();
    let mut wrong = Vec::new();
    for job in jobs {
        let name = job.file_stem().and_then(|stem| stem.to_str()).expect("its name is text");
        let place = folder.path().join(name);
        fs::create_dir(&place).expect("there is room");
        let (recording, saved) = (folder.path().join("job.recording"), folder.path().join("saved.toml"));
        let run = ["run", text(&job), "-q", "--port", "sim", "--record", text(&recording), "--save", text(&saved)];
        if NO_LINES.contains(&name) || !flowrun(&run).status.success() {
            continue;
        }
        n_drafted += 1;
        let flow = place.join("drafted.flow");
        for arguments in [
            vec!["record", "--from", text(&recording), "--write", text(&flow)],
            vec!["check", text(&place), "--deny-warnings"],
        ] {
            let output = flowrun(&arguments);
            if !output.status.success() {
                wrong.push(format!("{name}: {}", shown(&output)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_drafted > 35, "only {n_drafted} jobs of the corpus pass");
}

/// Returns the exit code and what was complained of.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = flowrun(arguments);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn nothing_is_overwritten_and_what_is_wrong_is_told() {
    let stranger = Stranger::sim("air", "flows/devices/air.flow");
    let folder = folder();
    let recording = stranger.recorded(folder.path(), "");
    let recording = text(&recording);
    let place = |name: &str| folder.path().join(name);
    let (flow, device) = (place("new.flow"), place("new.device.flow"));
    fs::write(&device, "mine").expect("there is room");
    let (code, told) = refused(&["record", "--from", recording, "--write", text(&flow)]);
    assert!(code == Some(2) && told.contains("new.device.flow` is already there"), "{told}");
    assert!(!flow.exists() && fs::read_to_string(&device).is_ok_and(|text| text == "mine"));
    let (code, told) = refused(&["record", "--from", recording, "--write", text(&place("new.txt"))]);
    assert!(code == Some(2) && told.contains("ends with `.flow`"), "{told}");
    let (code, told) = refused(&["record", "--from", recording, "--secret", "("]);
    assert!(code == Some(2) && told.contains("--secret ("), "{told}");
    let (code, told) = refused(&["record", "--from", text(&place("none.recording"))]);
    assert!(code == Some(2) && told.contains("none.recording"), "{told}");
    let output = flowrun(&["record", "--from", recording, "--title", "At my desk"]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && shown.contains("flow \"At my desk\"\n"), "{shown}");
    let n_files = fs::read_dir(folder.path()).expect("it is there").count();
    assert_eq!(n_files, 3, "the session, its recording and what was there");
}

#[cfg(unix)]
#[test]
fn a_session_with_a_shell_becomes_a_flow() {
    proved(&Stranger::program("shell", "sh", r"\$ $"));
}

#[cfg(unix)]
#[test]
fn a_session_with_python_becomes_a_flow() {
    let has_python = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if has_python {
        proved(&Stranger::program("python", "python3 -q", r"(>>>|\.\.\.) $"));
    } else {
        skip("python3 is not installed");
    }
}

#[cfg(unix)]
#[test]
fn a_session_with_u_boot_becomes_a_flow() {
    let Some(qemu) = std::env::var("FLOWRUN_UBOOT").ok() else { return skip("FLOWRUN_UBOOT names no QEMU") };
    let begin = "await \"Hit any key to stop autoboot\" within 60s\nsend raw \" \"\nexpect prompt \"=> \" within 30s\n";
    proved(&Stranger { begin, ..Stranger::program("uboot", &qemu, "=> $") });
}

#[test]
fn a_session_with_an_elm327_becomes_a_flow() {
    let Some(address) = std::env::var("FLOWRUN_ELM327").ok() else { return skip("FLOWRUN_ELM327 names no emulator") };
    let begin = "expect quiet for 300ms within 5s\n";
    proved(&Stranger { address, enter: "\\r", begin, ..Stranger::program("elm327", "", ">$") });
}

fn skip(why: &str) {
    assert!(std::env::var_os("FLOWRUN_REQUIRE_RECORDER").is_none(), "{why}, and it is required");
    eprintln!("skipped: {why}");
}
