//! The day at the line of docs/production.md: its files, its commands and what it shows, on eight pseudo-terminals, with a
//! person at a terminal.

#![cfg(unix)]

#[path = "support/served.rs"]
#[allow(dead_code, reason = "each test uses what it needs")]
mod served;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use served::flowrun;

const DOCUMENT: &str = include_str!("../docs/production.md");

/// Returns the blocks of the document that begin with this, without their fences.
fn blocks(begin: &str) -> Vec<&'static str> {
    let after = DOCUMENT.split("\n```").filter_map(|part| part.strip_prefix(begin));
    after.collect()
}

/// Returns the command of the document that has this in it, as words.
fn command(with: &str) -> Vec<&'static str> {
    let lines = blocks("sh\n").into_iter().flat_map(str::lines);
    let line = lines.map(|line| line.split(" #").next().unwrap_or_default().trim()).find(|line| line.ends_with(with));
    let line = line.unwrap_or_else(|| panic!("the document has no command that ends with {with}"));
    line.split_whitespace().skip(1).map(|word| word.trim_matches('\'')).collect()
}

/// A board that is served until this is dropped.
struct Board(Child);

impl Board {
    fn serve(folder: &Path, arguments: &[&str]) -> Board {
        let mut child =
            flowrun(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let is_served = lines.by_ref().map_while(Result::ok).any(|line| line.starts_with("serving on "));
        assert!(is_served, "{arguments:?}");
        Board(child)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command with a person who answers the only question; returns the exit code and everything that was shown.
fn run(folder: &Path, arguments: &[&str], answer: &str) -> (Option<i32>, String) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("its other end can be opened");
    let name = ptsname(&ours, Vec::new()).expect("it has a name");
    let side = open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it can be opened");
    let input = side.try_clone().expect("a descriptor is left");
    let mut command = flowrun(folder, arguments);
    let mut child = command.stdin(input).stderr(side).stdout(Stdio::piped()).spawn().expect("it can be started");
    // What this process keeps of it would keep the terminal open.
    drop(command);
    let mut terminal = File::from(ours);
    let mut asked = Vec::new();
    let mut bytes = [0; 4096];
    let mut is_answered = false;
    // The terminal is gone when the process is.
    while let Ok(n @ 1..) = terminal.read(&mut bytes) {
        asked.extend(&bytes[..n]);
        if !is_answered && String::from_utf8_lossy(&asked).contains("what you see:") {
            terminal.write_all(format!("{answer}\n").as_bytes()).expect("it can be typed");
            is_answered = true;
        }
    }
    let mut text = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut text).expect("it is text");
    let code = child.wait().expect("it is ours").code();
    (code, String::from_utf8_lossy(&asked).replace("\r\n", "\n") + &text)
}

/// Returns a text in which every port is `line/b?`: which of them is free first is not said.
fn without_ports(text: &str) -> String {
    (1..=8).fold(text.to_string(), |text, n| text.replace(&format!("line/b{n}"), "line/b?"))
}

fn assert_shows(text: &str, block: &str) {
    let shown = without_ports(text);
    for line in without_ports(block).lines().filter(|line| *line != "…") {
        assert!(
            shown.lines().any(|shown| shown == line),
            "the document shows `{line}`, and the program does not:\n{text}"
        );
    }
}

#[test]
fn the_day_at_the_line_is_as_the_document_tells_it() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let folder = folder.path();
    for (name, text) in blocks("flow\n").into_iter().filter_map(|block| block.strip_prefix("# ")?.split_once('\n')) {
        fs::write(folder.join(name), text).expect("there is room");
    }
    let rows: String = (1..=100).map(|n| format!("SN{n:06},2026-48\n")).collect();
    fs::write(folder.join("units.csv"), format!("sn,lot\n{rows}")).expect("there is room");
    fs::create_dir(folder.join("line")).expect("there is room");
    let serve = |n: usize| {
        let link = format!("line/b{n}");
        let found = command(if n == 5 { "dead=true" } else { "--link line/b1" });
        let words: Vec<&str> =
            found.into_iter().map(|word| if word == "line/b1" { link.as_str() } else { word }).collect();
        Board::serve(folder, &words)
    };
    let mut boards: Vec<Board> = (1..=8).map(serve).collect();

    let (code, text) = run(folder, &command("--rows-out results.csv"), "green");
    assert_eq!(code, Some(1), "{text}");
    let consoles = blocks("console\n");
    assert_shows(&text, consoles[0]);
    assert!(text.contains("? SN000042 on line/b"), "{text}");
    assert!(text.contains("`supply` is 3105 mV, 495 mV below the lower limit of 3600 mV"), "{text}");
    let results = fs::read_to_string(folder.join("results.csv")).expect("it is there");
    assert_eq!(results.lines().count(), 101);
    assert!(results.starts_with("row,port,verdict,step,reason,sn,lot,supply,lamp,started,seconds,"), "{results}");
    let supply_of = |sn: &str| results.lines().find(|line| line.contains(sn))?.split(',').rev().nth(9);
    assert_eq!((supply_of("SN000001"), supply_of("SN000013")), (Some("3842"), Some("3105")), "{results}");
    assert!(folder.join("program.saved.SN000042.toml").is_file());

    // The dead board is replaced.
    boards.remove(4);
    boards.push(Board::serve(folder, &["sim", "board.flow", "--link", "line/b5"]));
    let (code, text) = run(folder, &command("--resume"), "nothing is asked");
    assert_eq!(code, Some(1), "{text}");
    assert_shows(&text, consoles[1]);
    let results = fs::read_to_string(folder.join("results.csv")).expect("it is there");
    assert_eq!(results.lines().count(), 103);
}
