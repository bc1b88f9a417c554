//! File transfer: moment by moment in an engine, against simulated devices, in recordings, and with files of the command
//! line.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use flowrun::engine::Input;
use flowrun::event::{Direction, EventKind, FileTransfer, TransferStage, Verdict};
use flowrun::port::PortId;
use support::bench::Bench;
use support::{Outcome, Run};
use tempfile::TempDir;

const SEND: &str = "file fw = \"abc\"\nsend \"go\"\nsend_file fw by xmodem\nexpect \"done\"";

/// Returns what people read about the files of a run, and its notes, that begins so.
fn notes(events: &[flowrun::event::Event], begin: &str) -> Vec<String> {
    let notes = events.iter().filter_map(|event| match &event.kind {
        EventKind::Noted { text } => Some(text.clone()),
        EventKind::Transfer(file) => file.shown(),
        _ => None,
    });
    notes.filter(|text| text.starts_with(begin)).collect()
}

/// Returns how the blocks begin that were written.
fn blocks(bench: &Bench) -> Vec<String> {
    bench.written().iter().map(|bytes| bytes.chars().take(8).collect()).collect()
}

#[test]
fn a_block_leaves_when_the_line_is_quiet_after_the_question_and_what_follows_the_last_answer_is_kept() {
    let bench = Bench::new(SEND).at(10, "ready\r\n\x15").tick(110);
    assert_eq!(blocks(&bench), ["go\r", "\x01\x01\u{fffd}abc\x1a\x1a"]);
    let bench = bench.at(300, "\x06");
    assert_eq!(bench.written().last().map(String::as_str), Some("\x04"));
    let bench = bench.at(310, "\x06done\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    assert_eq!(notes(&bench.events, "sent"), ["sent fw: 3 bytes in 1 block, in 310ms"]);
}

#[test]
fn reads_of_one_byte_and_of_all_at_once_are_the_same() {
    let whole = Bench::new(SEND).at(10, "ready C\r\n\x15\x15").tick(110).at(300, "\x06").at(310, "\x06done\r\n");
    let mut cut = Bench::new(SEND);
    for byte in "ready C\r\n\x15\x15".chars() {
        cut = cut.at(10, &byte.to_string());
    }
    let cut = cut.tick(110).at(300, "\x06").at(310, "\x06").at(310, "done\r\n");
    let told = |bench: &Bench| format!("{:?}", bench.events);
    assert_eq!(told(&cut), told(&whole));
    assert_eq!(cut.verdict, Some(Verdict::Passed));
}

#[test]
fn a_transfer_that_takes_too_long_tells_the_other_side_and_how_far_it_was() {
    let flow = "file fw = \"abc\"\nsend \"go\"\nsend_file fw by xmodem within 2s\nexpect \"done\"";
    let bench = Bench::new(flow).at(10, "\x15").tick(110).tick(2000);
    assert_eq!(
        (bench.verdict, bench.message()),
        (Some(Verdict::Failed), "0 of 3 bytes of fw were sent within 2s".into())
    );
    assert_eq!(bench.written().last().map(String::as_str), Some("\x18\x18\x18"));

    let flow = "step \"load\" timeout 3s { send \"go\"  receive_file came by ymodem }\nexpect \"done\"";
    let bench = Bench::new(flow).tick(3000);
    let message = "the step `load` took longer than its timeout";
    assert_eq!((bench.verdict, bench.message().as_str()), (Some(Verdict::Failed), message));
    assert_eq!(bench.written().last().map(String::as_str), Some("\x18\x18\x18"));
}

#[test]
fn who_ends_a_run_ends_its_transfer() {
    let bench = Bench::new(SEND).at(10, "\x15").tick(110).give(500, Input::Interrupt);
    assert_eq!(
        (bench.verdict, bench.message()),
        (Some(Verdict::Interrupted), "interrupted: 0 of 3 bytes of fw were sent".into())
    );
    let stages = bench.events.iter().filter_map(|event| {
        let EventKind::Transfer(transfer) = &event.kind else { return None };
        Some(transfer.stage)
    });
    assert_eq!(stages.collect::<Vec<_>>(), [TransferStage::Began, TransferStage::Failed], "it has an end");
    assert_eq!(bench.written().last().map(String::as_str), Some("\x18\x18\x18"));
}

#[test]
fn a_port_that_goes_away_ends_a_transfer() {
    let reason = flowrun::event::CloseReason::unplugged();
    let bench = Bench::new(SEND).at(10, "\x15").tick(110).give(500, Input::Closed(PortId::FIRST, reason.clone()));
    assert_eq!(bench.verdict, Some(Verdict::PortFailed));
    let flow = format!(
        "serial {{ reconnect 10s }}\ntry {{ {} }} else {{ log \"gone\" }}\nassert 1 == 1",
        "send \"go\"  send_file \"abc\" by xmodem"
    );
    let bench = Bench::new(&flow).at(10, "\x15").tick(110).give(500, Input::Closed(PortId::FIRST, reason));
    let failed = notes(&bench.events, "a failure in `try`");
    assert!(bench.logged() == ["gone"], "{failed:?} {:?}", bench.events);
}

#[test]
fn blocks_are_not_sent_on_a_line_with_an_encoding() {
    let bench = Bench::new("serial { encoding \"gbk\" }\nsend_file \"abc\" by xmodem");
    assert_eq!(bench.verdict, Some(Verdict::Failed));
    let failure = bench.events.iter().find_map(|event| match &event.kind {
        EventKind::Failed(failure) => Some(format!("{failure:?}")),
        _ => None,
    });
    assert!(failure.is_some_and(|text| text.contains("serial { encoding none }")));
}

#[test]
fn a_cancelled_transfer_says_so() {
    let bench = Bench::new(SEND).at(10, "\x15").tick(110).at(200, "\x18\x18");
    let message = "the receiver cancelled the transfer before it took a block";
    assert_eq!((bench.verdict, bench.message().as_str()), (Some(Verdict::Failed), message));
}

#[test]
fn no_watcher_looks_at_a_block() {
    let flow = "flow \"t\"\nfail on line \"ERROR\"\nsend \"dump\"\nreceive_file came by xmodem_crc\nexpect line \"OK\"\n\
                assert starts_with(text(came), \"a\\nERROR\\nb\")";
    let device = "device \"d\"\nserial { header \"\\r\\n\" }\non line \"dump\" { send_file \"a\\nERROR\\nb\" by xmodem_crc  reply \"OK\" }";
    let outcome = Run::texts(flow, device).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
}

/// A flow that sends a file to a device and gets it back, each by its protocol.
fn there_and_back(there: &str, back: &str, size: usize) -> Run {
    let content = "0123456789abcdef".repeat(size / 16 + 1);
    let content = &content[..size];
    let flow = format!(
        "flow \"t\"\nfile fw = \"{content}\"\nsend \"load\"\nsend_file fw by {there}\nexpect line \"OK\"\nsend \"dump\"\n\
         receive_file came by {back}\nexpect line \"OK\"\nassert substring(came, 0, {size}) == fw\nlog \"${{len(came)}}\""
    );
    let device = format!(
        "device \"d\"\nserial {{ header \"\\r\\n\"  echo on }}\nstate image = x\"\"\n\
         on line \"load\" {{ receive_file came by {there}  compute image = substring(came, 0, {size})  reply \"OK\" }}\n\
         on line \"dump\" {{ send_file image by {back}  reply \"OK\" }}"
    );
    Run::texts(&flow, &device)
}

#[test]
fn every_protocol_goes_both_ways_between_a_flow_and_a_device() {
    let protocols = ["xmodem", "xmodem_crc", "xmodem_1k", "ymodem"];
    for (there, back) in protocols.iter().zip(protocols.iter().rev()) {
        for size in [0, 1, 128, 1025, 5000] {
            let run = there_and_back(there, back, size);
            let outcome = run.go();
            assert_eq!(outcome.verdict, Verdict::Passed, "{there} {back} {size}\n{}", outcome.report);
            let in_bytes = run.chunks(1).go();
            assert_eq!(in_bytes.transcript, outcome.transcript, "{there} {back} {size}");
            let arrived = if *back == "ymodem" { size } else { size.next_multiple_of(128) };
            assert_eq!(logged(&outcome), [arrived.to_string()]);
        }
    }
}

fn logged(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.events.iter().filter_map(|event| match &event.kind {
        EventKind::Logged { text } => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    });
    lines.collect()
}

#[test]
fn a_file_without_a_protocol_goes_as_it_is_and_is_not_shown() {
    let flow = "flow \"t\"\nserial { line_pace 10ms }\nfile fw = \"one\\ntwo\\n\"\nsend_file fw\nexpect line \"three\"";
    let device = "device \"d\"\non line \"one\" { log \"one\" }\non line \"two\" { reply \"three\" }";
    let outcome = Run::texts(flow, device).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    assert_eq!(outcome.sent(), [""; 0]);
    assert_eq!(notes(&outcome.events, "sen"), ["sending fw: 8 bytes", "sent fw: 8 bytes, in 11ms"]);
}

#[test]
fn a_long_transfer_tells_how_far_it_is() {
    let content = "x".repeat(60_000);
    let flow = format!(
        "flow \"t\"\nserial {{ baud 921600 }}\ncompute part = \"{content}\"\nsend_file part + part + part\nexpect quiet for 1s"
    );
    let outcome = Run::texts(&flow, "device \"d\"\nserial { baud 921600 }").go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    let told = notes(&outcome.events, "");
    assert!(told.iter().any(|text| text.starts_with("65536 of 180000 bytes of the file were sent")), "{told:?}");
    assert_eq!(told.iter().filter(|text| text.contains(" of 180000 ")).count(), 2);
}

#[test]
fn a_transfer_is_told_as_data_from_its_beginning_to_its_end() {
    let files = |outcome: &Outcome| -> Vec<FileTransfer> {
        let files = outcome.events.iter().filter_map(|event| match &event.kind {
            EventKind::Transfer(file) => Some((**file).clone()),
            _ => None,
        });
        files.collect()
    };
    let device = "device \"d\"\non line \"load\" { receive_file came by xmodem_crc  reply \"ok\" }\n";
    let flow = "flow \"t\"\nfile fw = \"twelve bytes\"\nsend \"load\"\nsend_file fw by xmodem_crc\nexpect line \"ok\"";
    let outcome = Run::texts(flow, device).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    let [began, passed] = &files(&outcome)[..] else { panic!("{:?}", files(&outcome)) };
    assert_eq!((began.stage, passed.stage), (TransferStage::Began, TransferStage::Passed));
    assert_eq!(
        (began.direction, began.name.as_str(), began.protocol.as_deref()),
        (Direction::Sends, "fw", Some("xmodem_crc"))
    );
    assert_eq!((began.bytes, began.of, began.took), (0, Some(12), Duration::ZERO));
    assert_eq!((passed.bytes, passed.of, passed.blocks, passed.again), (12, Some(12), 1, 0));
    assert!(passed.took > Duration::ZERO);
    let outcome = Run::texts(&flow.replace("xmodem_crc\n", "xmodem_crc within 2s\n"), "device \"d\"").go();
    assert_eq!(outcome.verdict, Verdict::Failed);
    let stages: Vec<TransferStage> = files(&outcome).iter().map(|file| file.stage).collect();
    assert_eq!(stages, [TransferStage::Began, TransferStage::Failed]);
}

/// A folder with a flow and its device, and the program itself in it.
struct Folder(TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Folder {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("the test's file can be written");
        }
        Folder(folder)
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_flowrun"))
            .args(arguments)
            .args(["--color", "never"])
            .current_dir(self.0.path())
            .env_remove("CI")
            .output()
            .expect("it can be started");
        let shown = [&output.stdout[..], &output.stderr[..]].concat();
        (output.status.code(), String::from_utf8_lossy(&shown).into_owned())
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect("it was written")
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

const LOADER: &str = "device \"d\"\non line \"load\" { receive_file came by ymodem  reply \"crc ${crc32(came)}\" }\n";
const LOAD: &str =
    "flow \"t\"\nsim \"d.flow\"\nfile fw\nsend \"load\"\nsend_file fw by ymodem\nexpect line \"crc ${crc32(fw)}\"\n";

#[test]
fn the_command_line_names_the_file() {
    let folder = Folder::with(&[("d.flow", LOADER), ("f.flow", LOAD), ("fw.bin", "the firmware")]);
    let (code, shown) = folder.run(&["f.flow", "--port", "sim", "--file", "fw=fw.bin"]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("sent fw: 12 bytes in 1 block"), "{shown}");
    let given = ["test", "f.flow", "--accept", "--file", "fw=fw.bin", "--report", "json=r.json", "--events", "e.jsonl"];
    let (code, shown) = folder.run(&given);
    assert_eq!(code, Some(0), "{shown}");
    let file = "\"direction\": \"sends\",\n          \"name\": \"fw\",\n          \"protocol\": \"ymodem\",\n          \"bytes\": 12,";
    assert!(folder.text("r.json").contains(file), "{}", folder.text("r.json"));
    assert!(folder.text("e.jsonl").contains("\"event\":\"transfer-passed\",\"direction\":\"sends\",\"name\":\"fw\""));
    for (arguments, wanted) in [
        (vec![], "give `--file fw=PATH`"),
        (vec!["--file", "fw"], "write `--file NAME=PATH`"),
        (vec!["--file", "fw=none.bin"], "`none.bin` cannot be read"),
        (vec!["--file", "fw=."], "`.` cannot be read"),
        (vec!["--file", "f=fw.bin"], "did you mean `fw`?"),
        (vec!["--var", "fw=00"], "`fw` is a file, and a value was given with `--var`"),
        (vec!["--var-file", "fw=fw.bin"], "`fw` is a file, and a value was given with `--var-file`"),
        (vec!["--file", "fw=fw.bin", "--transcript", "fw.bin"], "fw.bin"),
    ] {
        let (code, shown) = folder.run(&[&["f.flow", "--port", "sim"][..], &arguments].concat());
        assert_eq!(code, Some(2), "{arguments:?}\n{shown}");
        assert!(shown.contains(wanted), "{arguments:?}\n{shown}");
    }
    assert_eq!(folder.text("fw.bin"), "the firmware");
}

#[test]
fn a_suite_gets_files_too() {
    let folder = Folder::with(&[("d.flow", LOADER), ("f.flow", LOAD), ("fw.bin", "the firmware")]);
    let (code, shown) = folder.run(&["test", ".", "--file", "fw=fw.bin"]);
    assert_eq!(code, Some(0), "{shown}");
    let (code, shown) = folder.run(&["test", ".", "--file", "fw=fw.bin", "--file", "map=fw.bin"]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("no flow here has the file `map`"), "{shown}");
}

#[test]
fn a_file_has_a_largest_size() {
    let folder = Folder::with(&[("d.flow", LOADER), ("f.flow", LOAD)]);
    let file = fs::File::create(folder.path().join("fw.bin")).expect("there is room");
    file.set_len((16 << 20) + 1).expect("there is room");
    let (code, shown) = folder.run(&["f.flow", "--port", "sim", "--file", "fw=fw.bin"]);
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("16 MiB"), "{shown}");
}

#[test]
fn the_other_side_is_told_the_name_on_disk() {
    let flow = "flow \"t\"\nfile fw = \"x\"\nsend \"load\"\nsend_file fw by ymodem\nexpect line /crc.*/\n";
    let folder = Folder::with(&[("d.flow", LOADER), ("f.flow", flow), ("image 2.bin", "y")]);
    for (file, name) in [(None, "fw"), (Some("fw=image 2.bin"), "image 2.bin")] {
        let file = file.map(|file| ["--file", file]);
        let mut arguments = vec!["f.flow", "--port", "sim:d.flow", "--record", "r"];
        arguments.extend(file.into_iter().flatten());
        let (code, shown) = folder.run(&arguments);
        assert_eq!(code, Some(0), "{shown}");
        assert!(folder.text("r").contains(&format!("\"\\x01\\x00\\xff{name}\\x00")), "{}", folder.text("r"));
        fs::remove_file(folder.path().join("r")).expect("it is there");
    }
}

#[test]
fn a_recording_of_a_transfer_is_replayed_with_its_file() {
    let folder =
        Folder::with(&[("d.flow", LOADER), ("f.flow", LOAD), ("fw.bin", "the firmware"), ("other.bin", "another")]);
    let (code, shown) = folder.run(&["f.flow", "--port", "sim", "--file", "fw=fw.bin", "--record", "r"]);
    assert_eq!(code, Some(0), "{shown}");
    let (code, shown) = folder.run(&["f.flow", "--port", "replay:r", "--file", "fw=fw.bin"]);
    assert_eq!(code, Some(0), "{shown}");
    let (code, shown) = folder.run(&["f.flow", "--port", "replay:r", "--file", "fw=other.bin"]);
    assert_eq!(code, Some(3), "{shown}");
}

#[test]
fn a_secret_that_blocks_part_is_in_no_output() {
    // Nothing of it repeats, so each piece of it is found.
    let key: String = (0..60).map(|n| format!("k{}y", 10_000 + n * 37)).collect();
    let flow = format!(
        "flow \"t\"\nsim \"d.flow\"\nsecret key = \"{key}\"\nsend \"load\"\nsend_file key by xmodem_crc\nexpect line \"OK\"\n\
         send \"dump\"\nreceive_file secret back by xmodem_crc\nexpect line \"OK\"\n"
    );
    let device = "device \"d\"\nstate image = x\"\"\n\
                  on line \"load\" { receive_file came by xmodem_crc  compute image = came  reply \"OK\" }\n\
                  on line \"dump\" { send_file image by xmodem_crc  reply \"OK\" }\n";
    let folder = Folder::with(&[("d.flow", device), ("f.flow", &flow)]);
    let arguments = ["f.flow", "--port", "sim", "--record", "r", "--transcript", "t", "--events", "e"];
    let (code, shown) = folder.run(&arguments);
    assert_eq!(code, Some(0), "{shown}");
    for text in [shown, folder.text("r"), folder.text("t"), folder.text("e")] {
        for n in 0..60 {
            let piece = format!("{}y", 10_000 + n * 37);
            assert!(!text.contains(&piece), "{piece} in {text}");
        }
    }
}

#[test]
fn what_a_line_does_that_is_no_fault_of_the_device_changes_nothing() {
    let flow = Path::new(env!("CARGO_MANIFEST_DIR")).join("flows/firmware_by_xmodem.flow");
    let folder = Folder::with(&[]);
    let (code, shown) = folder.run(&["stress", &flow.display().to_string(), "--runs", "60"]);
    assert_eq!(code, Some(0), "{shown}");
}

const DUMP: &str =
    "flow \"t\"\nsim \"logger.flow\"\nsend \"dump\"\nreceive_file boot_log by ymodem\nexpect line \"OK\"\n";
const LOGGER: &str = "device \"d\"\non line \"dump\" { send_file \"booted\\n\" by ymodem  reply \"OK\" }\n";

#[test]
fn a_received_file_goes_where_the_command_line_says() {
    let folder = Folder::with(&[("f.flow", DUMP), ("logger.flow", LOGGER), ("old.txt", "something longer than it")]);
    for path in ["new.txt", "old.txt"] {
        let (code, shown) = folder.run(&["f.flow", "--port", "sim", "--file", &format!("boot_log={path}")]);
        assert_eq!(code, Some(0), "{shown}");
        assert_eq!(folder.text(path), "booted\n");
    }
    let (code, shown) =
        folder.run(&["f.flow", "--port", "sim", "--port", "sim:logger.flow", "--file", "boot_log=log.txt"]);
    assert_eq!(code, Some(2), "{shown}");
    let entries = fs::read_dir(folder.path()).expect("it is there").count();
    assert_eq!(entries, 4, "nothing is left beside the files");
}

#[test]
fn a_file_that_cannot_be_kept_is_refused_before_the_device_is_asked() {
    let folder = Folder::with(&[("f.flow", DUMP), ("logger.flow", LOGGER), ("t", "")]);
    fs::create_dir(folder.path().join("sub")).expect("there is room");
    for (path, wanted) in [
        ("none/log.txt", "the received file of `boot_log` cannot be written to `none/log.txt`"),
        (".", "it is not the name of a file"),
        ("sub", "it is not a file"),
        ("", "the received file of `boot_log` cannot be written"),
        ("f.flow", "it is the flow itself"),
        ("t", "named for the transcript too"),
    ] {
        let file = format!("boot_log={path}");
        let (code, shown) = folder.run(&["f.flow", "--port", "sim", "--transcript", "t", "--file", &file]);
        assert!(code == Some(2) && shown.contains(wanted), "{path}: {shown}");
        assert!(shown.contains("--file boot_log=PATH"), "{shown}");
        assert_eq!(folder.text("t"), "");
    }
    let (code, shown) = folder.run(&["stress", "f.flow", "--runs", "1", "--file", "boot_log=t"]);
    assert!(code == Some(2) && shown.contains("only a run writes what it receives"), "{shown}");
}

#[cfg(unix)]
#[test]
fn a_received_secret_is_for_its_owner_and_a_file_that_was_there_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let secret = DUMP.replace("receive_file boot_log", "receive_file secret boot_log");
    let folder = Folder::with(&[("f.flow", DUMP), ("s.flow", &secret), ("logger.flow", LOGGER), ("old.txt", "")]);
    let mode = |name: &str| fs::metadata(folder.path().join(name)).expect("it is there").permissions().mode() & 0o777;
    fs::set_permissions(folder.path().join("old.txt"), fs::Permissions::from_mode(0o640)).expect("it is ours");
    for (flow, path, wanted) in [("f.flow", "old.txt", 0o640), ("s.flow", "key.txt", 0o600)] {
        let (code, shown) = folder.run(&[flow, "--port", "sim", "--file", &format!("boot_log={path}")]);
        assert_eq!((code, mode(path)), (Some(0), wanted), "{shown}");
        assert_eq!(folder.text(path), "booted\n");
    }
}

#[test]
fn each_row_keeps_a_received_file_of_its_own() {
    let flow = DUMP.replace("sim \"logger.flow\"\n", "sim \"logger.flow\"\nparam sn unique\n");
    let folder = Folder::with(&[("f.flow", &flow), ("logger.flow", LOGGER), ("units.csv", "sn\nA1\nA2\n")]);
    let (code, shown) = folder.run(&["f.flow", "--port", "sim", "--rows", "units.csv", "--file", "boot_log=log.txt"]);
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!((folder.text("log.A1.txt"), folder.text("log.A2.txt")), ("booted\n".into(), "booted\n".into()));
}
