//! `flowrun term` as a person sees it: a pseudo-terminal whose screen is read, and another one that is the device.

#![cfg(unix)]

#[path = "support/person.rs"]
mod person;

use std::io::Write;
use std::process::Command;

use person::{Device, PATIENCE, Person, STEP, device, fed, folder_with_a_file, read_some, session, size};
use rustix::event::poll;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};
use rustix::termios::{tcgetattr, tcsetwinsize};

#[test]
fn every_key_goes_out_and_what_comes_is_obeyed_by_the_terminal() {
    let (_folder, mut device, mut person) = session(80, &[]);
    device.says(b"\r\n\x1b[5;10Hboard \xe4\xb8\xad$ ");
    person.sees("board 中$ ");
    assert_eq!(person.screen.screen().cursor_position(), (4, 9 + 10));
    // Ctrl-R is for the shell of the device.
    person.types(b"ls\x1b[A\x03\x12\r");
    device.gets(b"ls\x1b[A\x03\x12\r");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0));
    assert!(person.is_restored());
}

#[test]
fn a_person_at_80_and_at_120_columns_sees_lines_above_the_prompt() {
    for columns in [80, 120] {
        let (_folder, mut device, mut person) = session(columns, &["--mode", "line"]);
        person.types(b"AT+CSQ");
        person.sees_row("> AT+CSQ");
        device.says(b"+CREG: 1\r\n");
        person.sees_row("+CREG: 1");
        person.sees_row("> AT+CSQ");
        person.types(b"\r");
        device.gets(b"AT+CSQ\r");
        device.says("AT+CSQ\r\r\n+CSQ: 18,0\r\n\r\n状态: 正常\x1b[2J\r\n".as_bytes());
        person.sees_row("状态: 正常\\x1b[2J");
        person.sees_row("> AT+CSQ");
        let long = "x".repeat(usize::from(columns) + 10);
        person.types(long.as_bytes());
        let end = "x".repeat(usize::from(columns) - 3);
        person.sees_row(&format!("> {end}"));
        assert_eq!(person.contents().matches("AT+CSQ").count(), 1, "the echo is shown once:\n{}", person.contents());
    }
}

#[test]
fn a_prompt_without_a_line_end_stands_before_what_is_typed_and_a_password_is_hidden() {
    let (folder, mut device, mut person) = session(80, &["--mode", "line", "--record", "r", "--log=l"]);
    device.says(b"login: ");
    person.sees_row("login:");
    person.types(b"root\r");
    device.gets(b"root\r");
    device.says(b"root\r\nPassword: ");
    person.sees_row("Password:");
    person.types(b"hunter2");
    person.sees_row("Password: ********");
    person.types(b"\r");
    device.gets(b"hunter2\r");
    device.says(b"\r\nhunter2 is old\r\n$ ");
    person.sees_row("$");
    person.types(b"# look around\r:quit\r");
    assert_eq!(person.ends().code(), Some(0));
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it is there");
    let history = std::fs::read_dir(folder.path().join("state/flowrun/history")).expect("it is there");
    let history = history.map(|file| file.expect("it can be read").path()).next().expect("there is one");
    let history = std::fs::read_to_string(history).expect("it is there");
    assert_eq!(history, "root\n# look around\n:quit\n");
    for text in [text("r"), text("l")] {
        assert!(text.contains("password_1") && !text.contains("hunter2"), "{text}");
    }
    assert!(text("r").contains("note title look around"), "{}", text("r"));
}

#[test]
fn the_row_is_drawn_anew_when_the_terminal_has_another_size() {
    let (_folder, _device, mut person) = session(120, &["--mode", "line"]);
    person.types("y".repeat(100).as_bytes());
    person.sees_row(&format!("> {}", "y".repeat(100)));
    tcsetwinsize(&person.side, size(60)).expect("it can have another size");
    person.screen.screen_mut().set_size(24, 60);
    person.signal(Signal::WINCH);
    person.sees_row(&format!("> {}", "y".repeat(57)));
}

#[test]
fn without_colours_no_sequence_colours_anything() {
    let (_folder, _device, mut person) = session(80, &["--color", "never"]);
    person.types(b"\x14?");
    person.sees("sends the escape key itself");
    assert!(!person.raw.contains(&0x1b), "{}", String::from_utf8_lossy(&person.raw));
}

#[test]
fn a_line_has_the_colour_of_what_the_library_says_it_is() {
    let (_folder, mut device, mut person) = session(80, &["--mode", "line", "--use", "std/modem", "--color", "always"]);
    device.says(b"+CSQ: 18,0\r\nOK\r\n+CME ERROR: 10\r\n");
    person.sees_row("+CME ERROR: 10  SIM not inserted");
    let colour_of = |text: &str| {
        let row = person.contents().lines().position(|line| line.starts_with(text)).expect("it is shown");
        person.screen.screen().cell(row as u16, 0).expect("it is on the screen").fgcolor()
    };
    let colours = ["+CSQ: 18,0", "OK", "+CME ERROR"].map(colour_of);
    assert_eq!(colours, [vt100::Color::Default, vt100::Color::Idx(2), vt100::Color::Idx(1)]);
}

#[test]
fn what_scrolled_away_is_still_there() {
    let (_folder, mut device, mut person) = session(80, &["--mode", "line"]);
    let lines: String = (0..100).map(|n| format!("line {n}\r\n")).collect();
    device.says(lines.as_bytes());
    person.sees_row("line 99");
    person.screen.screen_mut().set_scrollback(70);
    person.sees_row("line 20");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let (_folder, mut device, mut person) = session(80, &[]);
        assert!(!person.is_restored());
        device.says(b"\x1b[?1049h\x1b[?25l");
        person.signal(signal);
        assert_eq!(person.ends().code(), Some(130));
        assert!(person.is_restored());
        assert!(!person.screen.screen().alternate_screen() && !person.screen.screen().hide_cursor());
    }
}

#[test]
fn a_stopped_terminal_is_restored_and_raw_again_when_it_goes_on() {
    let (_folder, mut device, mut person) = session(80, &["--mode", "line"]);
    person.types(b"AT");
    person.sees_row("> AT");
    person.types(b"\x14z");
    let pid = Pid::from_child(&person.child);
    let stopped = waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED).expect("it can be waited for");
    assert!(stopped.is_some_and(|status| status.stopped()));
    assert!(person.is_restored());
    person.signal(Signal::CONT);
    person.waits_until_restored(false);
    person.types(b"I\r");
    device.gets(b"ATI\r");
}

#[test]
fn a_port_that_went_away_is_back_with_a_line_that_says_so() {
    let (folder, mut first, mut person) = session(80, &[]);
    first.says(b"boot\r\n$ ");
    person.sees("$ ");
    // Another test may get a terminal with the same name.
    std::fs::remove_file(folder.path().join("dut")).expect("it is there");
    drop(first);
    person.sees("went away; waits until it is back");
    person.types(b"x");
    person.sees("nothing was sent: the port is away");
    let mut second = device(&folder.path().join("dut"));
    person.sees("is back at");
    person.types(b"y");
    second.gets(b"y");
    let (_folder, gone, mut person) = session(80, &["--no-reconnect"]);
    drop(gone);
    assert_eq!(person.ends().code(), Some(3));
    assert!(person.is_restored());
}

#[test]
fn the_port_is_lent_and_taken_back() {
    let (folder, mut device, mut person) = session(80, &[]);
    person.types(b"\x14o");
    person.sees("is free for another program: Ctrl-T o takes it back");
    let said = Command::new(env!("CARGO_BIN_EXE_flowrun"))
        .current_dir(folder.path())
        .args(["say", "./dut", "AT", "--within", "1ms"])
        .output()
        .expect("it can be started");
    assert_eq!(said.status.code(), Some(1), "it could open the port: {}", String::from_utf8_lossy(&said.stderr));
    device.gets(b"AT\r");
    person.types(b"\x14o");
    person.sees("is back at");
    person.types(b"z");
    device.gets(b"z");
    assert!(tcgetattr(&device.side).is_ok());
}

#[test]
fn ten_megabytes_of_anything_do_not_stop_the_keys() {
    let (_folder, device, mut person) = session(80, &[]);
    let Device { mut line, side, .. } = device;
    let noise: Vec<u8> = (0..10_000_000u32).map(|n| if n % 64 == 63 { b'\n' } else { (n * 7 % 251) as u8 }).collect();
    // What a screen would be told to do does not matter here, and its size must stay.
    let noise: Vec<u8> = noise.into_iter().map(|byte| if matches!(byte, 0x1b | 0x9b) { b'.' } else { byte }).collect();
    std::thread::scope(|scope| {
        let flood = scope.spawn(move || {
            line.write_all(&noise).expect("the port takes all of it");
            (line, noise.len())
        });
        let mut n_seen = 0;
        while n_seen < 10_000_000 {
            let mut bytes = Vec::new();
            read_some(&mut person.terminal, &mut bytes);
            n_seen += bytes.len();
        }
        let (mut line, _) = flood.join().expect("it does not panic");
        person.types(b"k");
        let mut got = Vec::new();
        (0..PATIENCE)
            .take_while(|_| {
                got.is_empty() && {
                    read_some(&mut line, &mut got);
                    true
                }
            })
            .for_each(drop);
        assert_eq!(got, b"k");
        drop(side);
    });
}

#[test]
fn a_flow_runs_on_the_open_port_and_then_it_goes_on_by_hand() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(
        path("d.flow"),
        "device \"d\"\non line \"AT\" { reply \"OK\" }\non line \"load\" { reply \"Ready\" }\n",
    )
    .expect("there is room");
    std::fs::write(path("login.flow"), "flow \"log in\"\nsend \"AT\"\nexpect line \"OK\"\n").expect("there is room");
    std::fs::write(path("fw.txt"), "AT\r").expect("there is room");
    let mut person = Person::new(folder.path(), 100, &["sim:d.flow"]);
    person.sees("ends it");
    person.types(b"\x14:run login.flow\r");
    person.sees("continue by hand");
    assert!(person.contents().contains("passed  log in"), "{}", person.contents());
    person.types(b"\x14l");
    person.types(b"load\r");
    person.sees_row("Ready");
    person.types(b"\x14:send_file fw.txt\r");
    person.sees("continue by hand");
    person.sees("passed  send a file");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0));
}

#[test]
fn a_pipe_goes_in_and_the_answer_comes_out() {
    let folder = folder_with_a_file("other.txt");
    let run = |input: &[u8], arguments: &[&str]| fed(folder.path(), input, arguments);
    assert_eq!(run(b"AT\n", &["sim:d.flow"]), (Some(0), "OK\r\n".to_string(), String::new()));
    assert_eq!(run(b"", &["sim:d.flow", "--within", "1ms"]), (Some(0), String::new(), String::new()));
    let (code, out, said) = run(b"AT\n", &["/dev/there-is-no-such-port"]);
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert!(said.contains("cannot be opened: no such file or directory"), "{said}");
    for wrong in [["sim:d.flow", "--escape=ctrl-m"], ["sim:d.flow", "--encoding=klingon"], ["sim", "--echo"]] {
        assert_eq!(run(b"", &wrong).0, Some(2), "{wrong:?}");
    }
}

#[test]
fn a_session_leaves_a_flow_that_passes_against_its_own_device() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = |name: &str| folder.path().join(name);
    let device = "device \"d\"\nserial { header \"\\r\\n\"  echo on }\non line \"AT\" { reply \"OK\" }\n\
                  on line \"AT+CSQ\" { reply \"+CSQ: 18,0\"  reply \"OK\" }\n";
    std::fs::write(path("d.flow"), device).expect("there is room");
    let mut person = Person::new(folder.path(), 100, &["sim:d.flow", "--mode", "line", "--write", "new.flow"]);
    person.sees("ends it");
    person.types(b"# find the module\rAT\r");
    person.sees_row("OK");
    person.types(b"AT+CSQ\r");
    person.sees_row("+CSQ: 18,0");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0), "{}", person.contents());
    let flow = std::fs::read_to_string(path("new.flow")).expect("it was written");
    assert!(flow.contains("step \"find the module\"") && flow.contains("send \"AT+CSQ\""), "{flow}");
    assert!(path("new.device.flow").exists() && !path("new.flow.part").exists());
    let mut person = Person::new(folder.path(), 100, &["sim:d.flow", "--write", "new.flow"]);
    assert_eq!(person.ends().code(), Some(2), "{}", person.contents());
    assert!(person.is_restored());
}

#[test]
fn a_recording_overwrites_nothing() {
    let folder = folder_with_a_file("mine.flow");
    let kept = || std::fs::read_to_string(folder.path().join("mine.flow")).expect("it is there");
    let (code, _, said) = fed(folder.path(), b"", &["sim:d.flow", "--within=1ms", "--record", "mine.flow"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`mine.flow` is already there"), "{said}");
    assert_eq!(kept(), "precious\n");
    let mut person = Person::new(folder.path(), 100, &["sim:d.flow", "--record", "second.recording"]);
    person.sees("ends it");
    person.types(b"\x14:record mine.flow\r");
    person.sees("`mine.flow` exists already");
    person.types(b"\x14q");
    person.sees("the recording is complete: second.recording");
    assert_eq!(person.ends().code(), Some(0));
    assert_eq!(kept(), "precious\n");
}

#[test]
fn what_cannot_be_written_is_said_before_the_port_opens() {
    let folder = folder_with_a_file("mine.log");
    let port = "/dev/there-is-no-such-port";
    for (wrong, why) in [
        (&["--write", "nodir/x.flow"][..], "`nodir/x.flow.part` cannot be written"),
        (&["--record", "nodir/x.recording"], "`nodir/x.recording` cannot be written"),
        (&["--log=nodir/x.log"], "`nodir/x.log` cannot be written"),
        (&["--log=."], "`.` cannot be written"),
        (&["--write", "x.flow", "--secret", "("], "`--secret (` cannot be looked for"),
    ] {
        let (code, _, said) = fed(folder.path(), b"", &[&[port], wrong].concat());
        assert_eq!(code, Some(2), "{wrong:?}: {said}");
        assert!(said.contains(why) && !said.contains("is kept in"), "{wrong:?}: {said}");
    }
    for right in [&["--write", "x.flow"][..], &["--log=mine.log"], &["--log"], &["--record", "x.recording"]] {
        let (code, _, said) = fed(folder.path(), b"", &[&[port], right].concat());
        assert_eq!(code, Some(3), "{right:?}: {said}");
    }
}

#[test]
fn what_a_killed_session_left_is_kept_and_becomes_a_flow() {
    let folder = folder_with_a_file("other.txt");
    let write = ["sim:d.flow", "--write", "keep.flow", "--within=1ms"];
    let (code, _, said) = fed(folder.path(), b"", &write);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("nothing was sent and nothing came"), "{said}");
    let part = folder.path().join("keep.flow.part");
    assert!(!part.exists());
    let mut person = Person::new(folder.path(), 100, &write);
    person.sees("ends it");
    person.types(b"AT\r");
    person.sees_row("OK");
    let is_written = || std::fs::read_to_string(&part).is_ok_and(|text| text.contains("OK"));
    assert!((0..PATIENCE).any(|_| is_written() || poll(&mut [], Some(&STEP)).is_err()), "nothing is written");
    person.signal(Signal::KILL);
    person.ends();
    let left = std::fs::read(&part).expect("it is there");
    let (code, _, said) = fed(folder.path(), b"", &write);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("`flowrun record --from keep.flow.part --write keep.flow`"), "{said}");
    assert_eq!(std::fs::read(&part).expect("it is there"), left);
    let made = Command::new(env!("CARGO_BIN_EXE_flowrun"))
        .current_dir(folder.path())
        .args(["record", "--from", "keep.flow.part", "--write", "keep.flow"])
        .output()
        .expect("it can be started");
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_signal_ends_a_flow_and_the_session_and_the_key_only_the_flow() {
    let folder = folder_with_a_file("other.txt");
    let flow = "flow \"long\"\nsend \"AT\"\nexpect \"never\" within 10m\n";
    std::fs::write(folder.path().join("long.flow"), flow).expect("there is room");
    let running = || {
        let mut person = Person::new(folder.path(), 100, &["sim:d.flow"]);
        person.sees("ends it");
        person.types(b"\x14:run long.flow\r");
        person.sees("< OK");
        person
    };
    let mut person = running();
    person.types(b"\x03");
    person.sees("interrupted: continue by hand");
    person.types(b"\x14q");
    assert_eq!(person.ends().code(), Some(0));
    for signal in [Signal::TERM, Signal::HUP] {
        let mut person = running();
        person.signal(signal);
        assert_eq!(person.ends().code(), Some(130), "{}", person.contents());
        assert!(person.is_restored());
    }
}
