//! `serial { encoding … }`: flows and devices whose line is not in UTF-8.

mod support;

use flowrun::event::Verdict;
use support::{Outcome, Run};

/// A menu in GBK, written in bytes: `工厂测试：通过`, after its echo.
const BOARD: &str = r#"device "a board from a Chinese maker"
serial { eol none }
read 2 bytes as _key within 1h
send raw x"31 0d b9 a4 b3 a7 b2 e2 ca d4 a3 ba cd a8 b9 fd 0d 0a"
read 5 bytes as said within 1h
if said == x"b9 a4 b3 a7 0d" { send raw x"b9 a4 b3 a7 0d ca d5 b5 bd 0d 0a ff b9 0d 0a" }
sleep 1s
"#;

const FLOW: &str = r#"flow "工厂测试"
serial { encoding "gbk" }
send "1"
expect line /^工厂测试：(?<result>.+)/
assert result == "通过", result
send "工厂"
expect line "收到"
expect "\xff" within 1s
read 3 bytes as rest within 1s
assert hex(rest) == "b90d0a", hex(rest)
"#;

fn passes(outcome: &Outcome) {
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
}

#[test]
fn patterns_sends_and_echo_are_in_the_encoding_however_reads_cut_it() {
    let whole = Run::texts(FLOW, BOARD).go();
    passes(&whole);
    for shown in ["> 工厂\\r", "< 工厂\\r", "工厂测试：通过", "收到"] {
        assert!(whole.transcript.contains(shown), "{shown}: {}", whole.transcript);
    }
    for size in [1, 2, 3, 7] {
        let cut = Run::texts(FLOW, BOARD).chunks(size).go();
        assert_eq!((cut.verdict, cut.transcript), (whole.verdict, whole.transcript.clone()), "pieces of {size}");
    }
}

#[test]
fn what_is_no_character_stays_as_it_is() {
    let half = "device \"d\"\nserial { eol none }\non line \"GO\" { send raw x\"41 b9\" }";
    let flow = "flow \"t\"\nserial { encoding \"gbk\"  eol \"\\r\\n\" }\nsend \"GO\"\nread until quiet for 200ms as got within 1s\nassert got == x\"41 b9\"";
    let outcome = Run::texts(flow, half).go();
    assert!(outcome.transcript.contains("A\\xb9"), "{}", outcome.transcript);
}

#[test]
fn a_device_writes_in_its_encoding_and_another_side_sees_its_bytes() {
    let device = "device \"d\"\nserial { encoding \"shift_jis\"  echo on }\non line \"テスト\" { reply \"合格\" }";
    passes(
        &Run::texts("flow \"t\"\nserial { encoding \"shift_jis\" }\nsend \"テスト\"\nexpect line \"合格\"", device)
            .go(),
    );
    let bytes = "flow \"t\"\nsend raw x\"83 65 83 58 83 67 0d\"\nexpect x\"8d 87 8a 69 0d 0a\" within 1s";
    passes(&Run::texts(bytes, device).go());
}

#[test]
fn bytes_are_sent_as_they_are_and_the_setting_changes_in_a_block() {
    let device = "device \"d\"\nserial { eol none }\nread 4 bytes as got within 1h\nsend raw hex(got)\nread 4 bytes as got within 1h\nsend raw hex(got)\nsleep 1s";
    let flow = r#"flow "t"
serial { eol none  encoding "gbk" }
send raw x"e5 b7 a5 ff"
expect "e5b7a5ff" within 1s
step "UTF-8" { serial { encoding none }  send "工x"  expect "e5b7a578" within 1s }"#;
    passes(&Run::texts(flow, device).go());
}

#[test]
fn a_character_that_the_encoding_lacks_fails_the_send() {
    let outcome = Run::texts("flow \"t\"\nserial { encoding \"latin1\" }\nsend \"工\"\nexpect line \"OK\"", BOARD).go();
    assert_eq!(outcome.message(), "the text has a character that windows-1252 does not have");
}

#[test]
fn a_secret_is_masked_in_the_encoding_too() {
    let flow = "flow \"t\"\nserial { encoding \"gbk\" }\nsecret word = \"工厂测试\"\nsend \"1\"\nexpect line /工厂测试：.*/\nsend word\nsleep 100ms";
    let outcome = Run::texts(flow, BOARD).go();
    assert!(!outcome.transcript.contains("测试"), "{}", outcome.transcript);
    assert!(outcome.transcript.contains("> «word»"), "{}", outcome.transcript);
}

#[test]
fn a_recording_has_no_secret_in_the_encoding_and_is_played_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it can be written");
    write(
        "board.flow",
        "device \"d\"\nserial { encoding \"gbk\"  echo on }\non line /.*/ { reply \"密码：通过通过\" }",
    );
    write(
        "t.flow",
        "flow \"t\"\nsim \"board.flow\"\nserial { encoding \"gbk\" }\nsecret word = \"工厂测试口令\"\nsend word\nexpect secret line /密码：(?<other>.+)/",
    );
    let run = |port: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_flowrun"));
        let output = command.current_dir(folder.path()).arg("t.flow").args(port).output().expect("it can be started");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["--port", "sim", "--record", "r"]);
    let recording = std::fs::read_to_string(folder.path().join("r")).expect("it was written");
    for piece in ["\\xb9\\xa4\\xb3\\xa7", "\\xcd\\xa8\\xb9\\xfd", "工厂", "通过"] {
        assert!(!recording.contains(piece), "{piece}: {recording}");
    }
    assert!(recording.contains("«word/") && recording.contains("«other/"), "{recording}");
    run(&["--port", "replay:r"]);
}
