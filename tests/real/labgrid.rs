//! `labgrid:PLACE` against a coordinator, an exporter and a client of labgrid 26, on 127.0.0.1.
//!
//! `board-1` and `board-2` are devices behind a server of raw bytes, and `board-3` is a pseudo-terminal, which the exporter
//! serves with ser2net as it serves serial ports.

#[path = "../support/answering.rs"]
mod answering;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

use super::ports::{Started, free_port, start, wait_for};

const ASKS: &str = "flow \"asks\"\n\nsend \"AT\"\nexpect line \"OK\" within 20s\n";
const WAITS: &str = "flow \"waits\"\n\nsend \"AT\"\nexpect line \"OK\" within 20s\nexpect line \"never\" within 60s\n";

/// A laboratory.
struct Laboratory {
    folder: TempDir,
    programs: PathBuf,
    coordinator: String,
    _servers: Vec<Started>,
}

/// Returns the folder of labgrid's programs; says so and returns nothing if labgrid is not there.
fn programs(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("FLOWRUN_LABGRID").map(PathBuf::from);
    let folder = folder.filter(|folder| folder.join("labgrid-coordinator").exists());
    if folder.is_none() {
        assert!(std::env::var_os("FLOWRUN_REQUIRE_LABGRID").is_none(), "{test}: labgrid is not installed");
        // Past the test harness, which keeps what passing tests print to itself.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: {test}: labgrid is not installed; .ci/real-servers installs it for itself"
        );
    }
    folder
}

impl Laboratory {
    fn start(test: &str) -> Option<Laboratory> {
        let programs = programs(test)?;
        let folder = tempfile::tempdir().expect("a folder");
        let (near, far) = (folder.path().join("near"), folder.path().join("far"));
        let end = |path: &Path| format!("pty,raw,echo=0,link={}", path.display());
        let line = start(Command::new("socat").args([end(&near), end(&far)]));
        wait_for("the line", || near.exists() && far.exists());
        answer(&far);
        let coordinator = format!("127.0.0.1:{}", free_port());
        let in_folder = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(folder.path()).env("LG_COORDINATOR", &coordinator);
            command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
            command
        };
        let served = start(in_folder("labgrid-coordinator").args(["-l", &coordinator]));
        let answers = || in_folder("labgrid-client").arg("places").output().is_ok_and(|said| said.status.success());
        wait_for("the coordinator", answers);
        let near = fs::canonicalize(near).expect("it is there");
        let mut configuration = String::new();
        for n in [1, 2] {
            let port = answering::devices();
            configuration.push_str(&format!(
                "board-{n}:\n  NetworkSerialPort: {{ host: 127.0.0.1, port: {port}, protocol: raw }}\n"
            ));
        }
        configuration.push_str(&format!("board-3:\n  RawSerialPort: {{ port: {} }}\n", near.display()));
        fs::write(folder.path().join("exporter.yaml"), configuration).expect("there is room");
        let exporter = start(in_folder("labgrid-exporter").args([
            "-c",
            &coordinator,
            "--hostname",
            "127.0.0.1",
            "--name",
            "lab",
            "exporter.yaml",
        ]));
        let laboratory = Laboratory { folder, programs, coordinator, _servers: vec![line, served, exporter] };
        wait_for("the exporter", || laboratory.client(&["resources"]).lines().count() == 3);
        let create = |n: usize| {
            let place = format!("board-{n}");
            laboratory.client(&["-p", &place, "create"]);
            laboratory.client(&["-p", &place, "add-match", &format!("lab/{place}/*")]);
        };
        thread::scope(|scope| (1..=3).for_each(|n| drop(scope.spawn(move || create(n)))));
        Some(laboratory)
    }

    /// Returns what the client of labgrid says.
    fn client(&self, arguments: &[&str]) -> String {
        self.client_as("flowrun-tests", arguments)
    }

    fn client_as(&self, user: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(self.programs.join("labgrid-client"));
        command.args(arguments).env("LG_COORDINATOR", &self.coordinator).env("LG_USERNAME", user);
        let said = command.output().expect("it is installed");
        String::from_utf8_lossy(&said.stdout).into_owned()
    }

    fn flowrun(&self, flow: &str, arguments: &[&str]) -> Command {
        fs::write(self.folder.path().join("a.flow"), flow).expect("there is room");
        let path = format!("{}:{}", self.programs.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.current_dir(self.folder.path()).arg("a.flow").args(arguments).env("PATH", path);
        command.env("LG_COORDINATOR", &self.coordinator).env("LG_USERNAME", "flowrun-tests");
        command
    }

    fn run(&self, flow: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let Output { status, stdout, stderr } = self.flowrun(flow, arguments).output().expect("it is built");
        let text = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (status.code(), text)
    }

    /// Returns the places that somebody holds.
    fn held(&self) -> Vec<String> {
        let who = self.client(&["who"]);
        let mut held: Vec<String> =
            who.split_whitespace().filter(|word| word.starts_with("board-")).map(str::to_string).collect();
        held.sort();
        held
    }
}

/// Plays a device at the far end of a line.
fn answer(far: &Path) {
    let mut device = fs::File::options().read(true).write(true).open(far).expect("the far end");
    thread::spawn(move || {
        let mut bytes = [0; 64];
        while let Ok(n @ 1..) = device.read(&mut bytes) {
            if bytes[..n].ends_with(b"\r") && device.write_all(b"OK\r\n").is_err() {
                return;
            }
        }
    });
}

#[test]
fn a_place_of_labgrid_is_acquired_used_and_released() {
    let Some(laboratory) = Laboratory::start("a_place_of_labgrid") else { return };
    // Raw bytes, and RFC 2217 by way of ser2net.
    for place in ["labgrid:board-1", "labgrid:board-3"] {
        let (status, text) = laboratory.run(ASKS, &["--port", place]);
        assert_eq!(status, Some(0), "{text}");
        assert!(text.contains(&format!("a.flow on {place}, ")), "{text}");
        assert_eq!(laboratory.held(), Vec::<String>::new());
    }
    // Several, and their files.
    let (status, text) = laboratory.run(ASKS, &["--port", "labgrid:board-*", "--jobs", "8", "--transcript", "run.txt"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("3 ports: 3 passed"), "{text}");
    let transcript = fs::read_to_string(laboratory.folder.path().join("run.board_2.txt")).expect("it is there");
    assert!(transcript.contains("labgrid:board-2"), "{transcript}");
    assert_eq!(laboratory.held(), Vec::<String>::new());
    // Somebody else has one of them: it is said who, and nothing is kept.
    laboratory.client_as("somebody-else", &["-p", "board-2", "acquire"]);
    let (status, text) = laboratory.run(ASKS, &["--port", "labgrid:board-*"]);
    assert_eq!(status, Some(3), "{text}");
    // As wide as it is shown, words may stand in two lines.
    let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "│").collect();
    let words = words.join(" ");
    assert!(words.contains("Place board-2 is already acquired by") && words.contains("/somebody-else"), "{text}");
    assert_eq!(laboratory.held(), ["board-2"]);
    // What its user holds already is used, and stays held.
    laboratory.client(&["-p", "board-1", "acquire"]);
    let (status, text) = laboratory.run(ASKS, &["--port", "labgrid:board-1"]);
    assert_eq!(status, Some(0), "{text}");
    assert_eq!(laboratory.held(), ["board-1", "board-2"]);
    laboratory.client(&["-p", "board-1", "release"]);
    // Ctrl-C.
    let mut command = laboratory.flowrun(WAITS, &["--port", "labgrid:board-1"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it is built");
    let mut shown = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    assert!(shown.any(|line| line.is_ok_and(|line| line.contains("< OK"))), "the device answers");
    assert_eq!(laboratory.held(), ["board-1", "board-2"]);
    let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("there is kill");
    assert!(asked.success());
    shown.for_each(drop);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!(laboratory.held(), ["board-2"]);
}
