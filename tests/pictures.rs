//! The pictures of the documents are what the program shows: `.ci/pictures` makes them, and here they are compared.

#![cfg(unix)]

#[path = "support/person.rs"]
mod person;
#[path = "support/svg.rs"]
mod svg;

use std::fs;
use std::path::Path;

use person::Person;
use rustix::termios::Winsize;

/// Tells this test to write the pictures.
const WRITE: &str = "FLOWRUN_WRITE_PICTURES";

fn screen_of(rows: u16, columns: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Compares a picture with the screen, or writes it.
fn check(name: &str, command: &str, screen: &vt100::Screen) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures").join(name);
    let picture = svg::picture(command, screen);
    if std::env::var_os(WRITE).is_some() {
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
        return fs::write(&path, picture).expect("there is room");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == picture, "docs/pictures/{name} is not what the program shows: run `.ci/pictures`\n{picture}");
}

/// Returns the flow of the README whose first line is its name.
fn flow_of_readme(name: &str) -> String {
    let readme = include_str!("../README.md");
    let begin = format!("```flow\n# {name}\n");
    let (_, rest) = readme.split_once(&begin).expect("the README has it");
    format!("# {name}\n{}", rest.split_once("```").expect("it ends").0)
}

#[test]
fn a_failure_is_shown_as_in_its_picture() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for name in ["signal.flow", "modem.flow"] {
        fs::write(folder.path().join(name), flow_of_readme(name)).expect("there is room");
    }
    let command = "flowrun signal.flow --port sim --sim-var signal=7,0";
    let arguments: Vec<&str> = command.split(' ').skip(1).chain(["--color", "always"]).collect();
    let mut person = Person::at(folder.path(), screen_of(40, 90), &arguments);
    assert_eq!(person.ends().code(), Some(1));
    person.sees("failed  Is the signal good enough?");
    check("failure.svg", command, person.screen.screen());
}

/// What the terminal talks to.
const MODULE: &str = "device \"a module without a SIM\"
serial { header \"\\r\\n\"  echo on }
on line \"AT\" { reply \"OK\" }
on line \"AT+CSQ\" { reply \"+CSQ: 18,0\"  reply \"OK\" }
on line \"AT+CPIN?\" { reply \"+CME ERROR: 10\" }
on line /.*/ { reply \"ERROR\" }
";

#[test]
fn the_terminal_is_as_in_its_picture() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("module.flow"), MODULE).expect("there is room");
    let command = "flowrun term sim:module.flow --mode line --use std/modem";
    let arguments: Vec<&str> = command.split(' ').skip(1).chain(["--color", "always"]).collect();
    let mut person = Person::at(folder.path(), screen_of(24, 90), &arguments);
    person.sees("ends it");
    for (typed, answer) in
        [("AT", "OK"), ("AT+CSQ", "+CSQ: 18,0\nOK"), ("AT+CPIN?", "+CME ERROR: 10  SIM not inserted")]
    {
        person.types(format!("{typed}\r").as_bytes());
        person.sees(&format!("> {typed}\n{answer}\n>"));
    }
    person.types(b":eol crlf\r");
    person.sees("Enter sends crlf");
    // The Tab key offers what the library sends and what was typed before.
    person.types(b"AT+C\t");
    person.sees("AT+CPIN?  AT+CSQ\n> AT+C");
    check("terminal.svg", command, person.screen.screen());
}
