//! What `flowrun term` leaves and passes on: the size of the screen, its modes, files by XMODEM and YMODEM, secrets, and input
//! from a pipe.

#![cfg(unix)]

#[path = "support/person.rs"]
mod person;

use std::fs;
use std::process::Command;

use person::{PATIENCE, Person, fed, folder_with_a_file, read_some, session};
use rustix::process::Signal;
use rustix::termios::{Winsize, tcsetwinsize};

#[test]
fn a_program_knows_the_size_of_the_screen_and_hears_when_it_changes() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let program = "exec:sh -c 'trap \"stty size\" WINCH; stty size; while :; do read x; done'";
    let mut person = Person::new(folder.path(), 100, &[program]);
    person.sees_row("24 100");
    let size = Winsize { ws_row: 30, ws_col: 61, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&person.side, size).expect("it can have another size");
    person.signal(Signal::WINCH);
    person.sees_row("30 61");
}

#[test]
fn what_a_device_has_switched_on_is_off_when_the_session_ends() {
    let (_folder, mut device, mut person) = session(80, &[]);
    device.says(
        b"\x1b]0;the title of a device\x07\x1b[?1049h\x1b[?25l\x1b[?1h\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[7mready",
    );
    person.sees("ready");
    let screen = person.screen.screen();
    assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0));
    let screen = person.screen.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    assert!(!screen.application_cursor() && !screen.inverse());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    let place = |sequence: &[u8]| person.raw.windows(sequence.len()).position(|bytes| bytes == sequence);
    let (kept, changed, restored) = (place(b"\x1b[22;0t"), place(b"\x1b]0;"), place(b"\x1b[23;0t"));
    assert!(kept.is_some() && kept < changed && changed < restored, "{kept:?} {changed:?} {restored:?}");
}

#[test]
fn the_cursor_stays_where_it_is_when_the_device_has_left_the_other_screen_before() {
    let (_folder, mut device, mut person) = session(80, &[]);
    device.says(b"first\r\n\x1b[?1049h\x1b[2J\x1b[20;1Hediting\x1b[?1049l\r\nsecond\r\nthird\r\n$ ");
    person.sees_row("$");
    person.types(b"\x14s");
    person.sees("it went away 0 times");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0));
    let shown = person.contents();
    assert!(!shown.contains("editing") && shown.trim_end().ends_with('$'), "{shown}");
    assert_eq!(usize::from(person.screen.screen().cursor_position().0), shown.lines().count(), "{shown}");
}

#[test]
fn what_a_receiver_sends_to_give_up_is_not_shown() {
    let (folder, mut device, mut person) = session(100, &[]);
    fs::write(folder.path().join("fw.bin"), "firmware").expect("there is room");
    person.types(b"\x14:send_file fw.bin xmodem\r");
    person.sees("sends content by xmodem");
    device.says(b"\x15");
    for _ in 0..PATIENCE {
        if device.got.len() >= 132 {
            break;
        }
        read_some(&mut device.line, &mut device.got);
    }
    assert!(device.got.starts_with(b"\x01\x01\xfefirmware"), "{:?}", device.got);
    device.says(&[&[0x18; 5][..], &[0x08; 5]].concat());
    person.sees("the receiver cancelled the transfer");
    person.sees("continue by hand");
    device.says(&[&[0x18; 5][..], &[0x08; 5]].concat());
    device.says(b"\x18\x08Transfer aborted\r\n$ ");
    person.sees_row("Transfer aborted");
    assert!(!person.raw.contains(&0x18) && !person.raw.contains(&0x08), "{}", person.raw.escape_ascii());
    device.got.clear();
    person.types(b"\x18");
    device.gets(b"\x18");
}

/// Returns the program of lrzsz of this name; systems put an `l` before it, or do not.
fn installed(program: &str) -> Option<String> {
    let finds = |name: &String| {
        let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output();
        found.is_ok_and(|found| found.status.success())
    };
    let found = [program.to_string(), format!("l{program}")].into_iter().find(finds);
    assert!(found.is_some() || std::env::var_os("FLOWRUN_REQUIRE_LRZSZ").is_none(), "lrzsz is not installed");
    found
}

#[test]
fn lrzsz_receives_what_a_person_sends() {
    for (protocol, program, options, file) in [
        ("xmodem", "rx", "-c", "arrived.bin"),
        ("xmodem_1k", "rx", "-c", "arrived.bin"),
        ("ymodem", "rb", "", "fw.bin"),
    ] {
        let Some(program) = installed(program) else {
            return eprintln!("lrzsz_receives_what_a_person_sends: skipped, lrzsz is not installed");
        };
        let folder = tempfile::tempdir().expect("a folder can be made");
        let there = folder.path().join("there");
        fs::create_dir(&there).expect("there is room");
        let content: Vec<u8> = (0..20_000_usize).map(|at| (at * 37 % 253) as u8).collect();
        fs::write(folder.path().join("fw.bin"), &content).expect("there is room");
        let name = if file == "fw.bin" { "" } else { file };
        // A terminal between the two would change bytes, and lrzsz empties the buffers of one.
        let port = format!(
            "exec:sh -c 'stty raw -echo; cd \"{}\"; cat | {{ {program} {options} {name} 2>errors; echo END; }} | cat'",
            there.display()
        );
        let mut person = Person::new(folder.path(), 100, &[&port]);
        person.sees("ends it");
        person.types(format!("\x14:send_file fw.bin {protocol}\r").as_bytes());
        person.sees("passed  send a file");
        person.sees("continue by hand");
        person.sees("END");
        let arrived = fs::read(there.join(file)).expect("it was written");
        assert!(arrived.starts_with(&content), "{protocol}: {} bytes arrived", arrived.len());
        assert!(arrived[content.len()..].iter().all(|byte| *byte == 0x1a), "{protocol}");
        assert!(!person.raw.contains(&0x18), "{protocol}: {}", person.raw.escape_ascii());
    }
}

#[test]
fn what_cannot_be_done_says_what_can() {
    let folder = folder_with_a_file("fw.bin");
    let mut person = Person::new(folder.path(), 160, &["sim:d.flow"]);
    person.sees("ends it");
    person.types(b"\x14o");
    person.sees("a simulated device has no port to lend: `flowrun sim d.flow --link /tmp/port` serves it on one");
    person.types(b"AT\r");
    person.sees_row("OK");
    person.types(b"\x14:send_file fw.bin zmodem\r");
    person.sees("there is no protocol `zmodem`: write `raw`, `xmodem`, `xmodem_crc`, `xmodem_1k`, `ymodem`");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0));
}

#[test]
fn a_prompt_has_a_time_stamp_and_a_secret_no_length() {
    let (_folder, mut device, mut person) = session(80, &["--mode", "line", "--stamps", "clock"]);
    device.says(b"login: ");
    person.sees_row("login:");
    person.types(b"root\r");
    device.gets(b"root\r");
    device.says(b"\r\nPassword: ");
    person.sees_row("Password:");
    person.types(b"x");
    person.sees_row("Password: ********");
    person.types(b"yz\r");
    device.gets(b"xyz\r");
    device.says(b"\r\n$ ");
    person.sees_row("$");
    person.types(b"ls\r");
    device.gets(b"ls\r");
    person.sees("] $ ls");
    let rows: Vec<String> = person.contents().lines().map(str::to_string).collect();
    for row in ["login: root", "Password: ********", "$ ls"] {
        let stamped = |line: &String| line.starts_with('[') && line.trim_end().ends_with(&format!("] {row}"));
        assert!(rows.iter().any(stamped), "{row}: {rows:#?}");
    }
}

#[test]
fn the_last_line_of_a_pipe_is_sent_though_it_has_no_end() {
    let folder = folder_with_a_file("other.txt");
    let answered = (Some(0), "OK\r\n".to_string(), String::new());
    assert_eq!(fed(folder.path(), b"AT", &["sim:d.flow"]), answered);
    assert_eq!(fed(folder.path(), b"AT\r\n", &["sim:d.flow"]), answered);
    let verbatim = ["sim:d.flow", "--verbatim", "--within", "1ms"];
    assert_eq!(fed(folder.path(), b"AT", &verbatim), (Some(0), String::new(), String::new()));
}
