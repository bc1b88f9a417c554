//! Files to and from lrzsz, which speaks XMODEM and YMODEM on many systems: each program on a pseudo-terminal.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The sizes of the files: around the ends of blocks, and many blocks.
const SIZES: [usize; 7] = [0, 1, 127, 128, 129, 1024, 40_000];

/// A protocol: what a flow calls it, and the options of the programs of lrzsz; none of a program that has no such protocol.
pub(super) struct Protocol {
    pub name: &'static str,
    /// What receives: `rx` or `rb`.
    pub receives: &'static str,
    /// What sends: `sx` or `sb`.
    pub sends: &'static str,
    /// Whether the size arrives too.
    pub has_size: bool,
}

const PROTOCOLS: [Protocol; 4] = [
    Protocol { name: "xmodem", receives: "rx", sends: "sx", has_size: false },
    Protocol { name: "xmodem_crc", receives: "rx -c", sends: "sx", has_size: false },
    Protocol { name: "xmodem_1k", receives: "rx -c", sends: "sx -k", has_size: false },
    Protocol { name: "ymodem", receives: "rb", sends: "sb -k", has_size: true },
];

/// Returns the command of lrzsz with its options; systems put an `l` before its name, or do not.
pub(super) fn installed(command: &str) -> Option<String> {
    let (program, _) = command.split_once(' ').unwrap_or((command, ""));
    let finds = |program: &str| {
        let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
        found.is_ok_and(|found| found.status.success())
    };
    if finds(program) {
        return Some(command.to_string());
    }
    finds(&format!("l{program}")).then(|| format!("l{command}"))
}

/// Says that a test is skipped, unless it must not be.
fn skipped(name: &str) {
    assert!(env::var_os("FLOWRUN_REQUIRE_LRZSZ").is_none(), "lrzsz is not installed");
    eprintln!("{name}: skipped, lrzsz is not installed");
}

/// Tries all protocols at once: lrzsz waits for a second here and there.
pub(super) fn each_protocol(
    name: &str,
    program: impl Fn(&Protocol) -> Option<String>,
    work: impl Fn(&Protocol, &str) + Copy + Send + Sync,
) {
    let programs: Option<Vec<String>> = PROTOCOLS.iter().map(program).collect();
    let Some(programs) = programs else { return skipped(name) };
    std::thread::scope(|scope| {
        for (protocol, program) in PROTOCOLS.iter().zip(&programs) {
            scope.spawn(move || work(protocol, program));
        }
    });
}

pub(super) fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 37 % 253) as u8).collect()
}

fn hex_digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs a flow against a program of lrzsz in a folder.
fn run(folder: &Path, flow: &str, program: &str, options: &[String]) -> Output {
    let file = folder.join("test.flow");
    fs::write(&file, flow).expect("there is room");
    // Neither side may change a byte. lrzsz empties the buffers of its terminal when it answers and when it ends, which a real
    // line is too slow to be hurt by: it gets pipes to the terminal instead.
    let port = format!(
        "exec:sh -c 'stty raw -echo; cd \"{}\"; cat | {{ {program} 2>errors; echo END; }} | cat'",
        folder.display()
    );
    Command::new(env!("CARGO_BIN_EXE_flowrun"))
        .arg(&file)
        .args(["--port", &port, "--color", "never"])
        .args(options)
        .output()
        .expect("it can be started")
}

fn assert_passed(output: &Output, folder: &TempDir, what: &str) {
    let errors = fs::read_to_string(folder.path().join("errors")).unwrap_or_default();
    let shown = [&output.stdout[..], &output.stderr[..]].concat();
    assert!(output.status.success(), "{what}\n{}\n{errors}", String::from_utf8_lossy(&shown));
}

#[test]
fn lrzsz_receives_what_a_flow_sends() {
    let name = "lrzsz_receives_what_a_flow_sends";
    each_protocol(
        name,
        |protocol| installed(protocol.receives),
        |protocol, program| {
            for size in SIZES {
                let folder = tempfile::tempdir().expect("there is room");
                let (given, arrives) = (folder.path().join("given.bin"), folder.path().join("arrived.bin"));
                fs::write(&given, content(size)).expect("there is room");
                let name = protocol.name;
                let flow = format!(
                    "flow \"send\"\nfile fw\nsend_file fw as \"arrived.bin\" by {name} within 50s\nexpect line \"END\"\n"
                );
                let (flow, program) = if protocol.has_size {
                    (flow, program.to_string())
                } else {
                    (flow.replace(" as \"arrived.bin\"", ""), format!("{program} arrived.bin"))
                };
                let options = ["--file".to_string(), format!("fw={}", given.display())];
                let output = run(folder.path(), &flow, &program, &options);
                let what = format!("{name} {size}");
                assert_passed(&output, &folder, &what);
                let arrived = fs::read(&arrives).expect("it was written");
                assert!(arrived.starts_with(&content(size)), "{what}: {} bytes arrived", arrived.len());
                let rest = &arrived[size..];
                let is_filled = rest.len() < 128 && rest.iter().all(|byte| *byte == 0x1a);
                assert!(rest.is_empty() || !protocol.has_size && is_filled, "{what}: {} bytes more", rest.len());
            }
        },
    );
}

#[test]
fn a_flow_receives_what_lrzsz_sends() {
    let name = "a_flow_receives_what_lrzsz_sends";
    each_protocol(
        name,
        |protocol| installed(protocol.sends),
        |protocol, program| {
            for size in SIZES {
                let folder = tempfile::tempdir().expect("there is room");
                fs::write(folder.path().join("given.bin"), content(size)).expect("there is room");
                let name = protocol.name;
                let flow = format!(
                    "flow \"receive\"\nreceive_file came by {name} within 50s\n\
                 assert hex(sha256(substring(came, 0, {size}))) == \"{}\", \"another content\"\n\
                 assert len(came) - {size} < {}, \"${{len(came)}} bytes\"\n",
                    hex_digest(&content(size)),
                    if protocol.has_size { 1 } else { 1024 },
                );
                let output = run(folder.path(), &flow, &format!("{program} given.bin"), &[]);
                assert_passed(&output, &folder, &format!("{name} {size}"));
            }
        },
    );
}

#[test]
fn a_receiver_of_another_protocol_is_told_apart() {
    let Some(program) = installed("rx") else { return skipped("a_receiver_of_another_protocol_is_told_apart") };
    let folder = tempfile::tempdir().expect("there is room");
    let flow = "flow \"send\"\nfile fw = \"x\"\nsend_file fw by ymodem within 3s\n";
    let output = run(folder.path(), flow, &format!("{program} arrived.bin"), &[]);
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("0 of 1 bytes of fw were sent within 3s"), "{shown}");
}
