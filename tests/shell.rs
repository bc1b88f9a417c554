//! What shells and other programs are given: completions as bash and fish ask for them, and findings as JSON.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Makes a folder with a flow, its device and a `flowrun.toml`.
fn bench() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("there is room");
    put("modem.flow", "device \"Modem\"\nparam signal = \"9\"\non \"AT\" { reply \"OK\" }\n");
    let flow = "flow \"Login\"\ntag \"smoke\"\nsim \"modem.flow\"\nparam apn = \"internet\"\nparam pin = \"1\"\n\
                send \"AT {apn} {pin}\"\nexpect line \"OK\"\n";
    put("login.flow", flow);
    put("my flow.flow", flow);
    put("flowrun.toml", "[ports.modem]\naddress = \"/dev/ttyUSB7\"\n");
    put("broken.flow", "flow \"broken\"\nexpct line \"OK\"\n");
    folder
}

fn in_folder(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("HOME", folder).env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn flowrun(folder: &Path, arguments: &[&str]) -> Output {
    in_folder(env!("CARGO_BIN_EXE_flowrun"), folder).args(arguments).output().expect("it can be started")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it is UTF-8")
}

/// Runs a script in a shell that finds flowrun in its path; `None` if the shell is not installed.
#[cfg(target_os = "linux")]
fn shell(shell: &str, option: &str, script: &str, folder: &Path) -> Option<String> {
    let bin = Path::new(env!("CARGO_BIN_EXE_flowrun")).parent().expect("it is in a folder").display().to_string();
    let path = std::env::var("PATH").unwrap_or_default();
    // In a session of its own: a shell that looks for its terminal would stop the tests with it.
    let output = in_folder("setsid", folder)
        .args(["--wait", shell, option, "-c", script])
        .env("PATH", format!("{bin}:{path}"))
        .output();
    let output = output.ok().filter(|output| output.status.code() != Some(127))?;
    assert!(output.stderr.is_empty(), "{shell}: {}", text(&output.stderr));
    Some(text(&output.stdout))
}

/// What is typed, how bash parts it into words, and what it is to be offered: the part after the last word.
#[cfg(target_os = "linux")]
const TYPED: &[(&str, &[&str], &[&str])] = &[
    ("flowrun fm", &["flowrun", "fm"], &["fmt"]),
    ("flowrun check lo", &["flowrun", "check", "lo"], &["login.flow"]),
    ("flowrun check my", &["flowrun", "check", "my"], &["my\\ flow.flow"]),
    ("flowrun login.flow --port mod", &["flowrun", "login.flow", "--port", "mod"], &["modem"]),
    ("flowrun login.flow --port sim:mo", &["flowrun", "login.flow", "--port", "sim", ":", "mo"], &["modem.flow"]),
    ("flowrun login.flow --var ", &["flowrun", "login.flow", "--var", ""], &["apn=", "pin="]),
    ("flowrun login.flow --var=a", &["flowrun", "login.flow", "--var", "=", "a"], &["apn="]),
    ("flowrun login.flow --sim-var ", &["flowrun", "login.flow", "--sim-var", ""], &["signal="]),
    ("flowrun login.flow --serial echo=o", &["flowrun", "login.flow", "--serial", "echo", "=", "o"], &["on", "off"]),
    ("flowrun test --filter 'ta", &["flowrun", "test", "--filter", "'ta"], &["tag(smoke)"]),
    ("flowrun explain flow::run::time", &["flowrun", "explain", "flow", "::", "run", "::", "time"], &["timeout"]),
];

#[cfg(target_os = "linux")]
#[test]
fn bash_completes_words_though_it_parts_them_at_colons_and_signs() {
    let folder = bench();
    let quoted = |word: &&str| format!("'{}'", word.replace('\'', "'\\''"));
    for (line, words, expected) in TYPED {
        let script = format!(
            "source <(flowrun completions bash); COMP_LINE={}; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({}); \
             COMP_CWORD={}; _flowrun flowrun; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            quoted(line),
            words.iter().map(quoted).collect::<Vec<_>>().join(" "),
            words.len() - 1,
        );
        let Some(offered) = shell("bash", "--norc", &script, folder.path()) else {
            eprintln!("bash is not installed");
            return;
        };
        assert_eq!(offered.lines().collect::<Vec<_>>(), *expected, "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn fish_completes_words_with_what_they_are() {
    let folder = bench();
    for (line, expected) in [
        ("flowrun fm", "fmt\tFormat flows, devices and libraries\n"),
        ("flowrun login.flow --port mod", "modem\t/dev/ttyUSB7\n"),
        ("flowrun login.flow --var ", "apn=\ttext\npin=\ttext\n"),
        ("flowrun test --last", "--last-failed\tRun only flows that failed when they were run last\n"),
    ] {
        let script = format!("flowrun completions fish | source; complete --do-complete '{line}'");
        let Some(offered) = shell("fish", "--no-config", &script, folder.path()) else {
            eprintln!("fish is not installed");
            return;
        };
        assert_eq!(offered, expected, "{line}");
    }
}

#[test]
fn what_a_script_asks_for_is_answered_for_every_shell() {
    let folder = bench();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = flowrun(folder.path(), &["completions", shell]);
        assert!(text(&script.stdout).contains(&format!("completions {shell}")), "{shell}");
        let answer = flowrun(folder.path(), &["completions", shell, "--", "login.flow", "--var", "\"\""]);
        assert_eq!((text(&answer.stdout).as_str(), answer.status.code()), ("apn=\ttext\npin=\ttext\n", Some(0)));
        // Whatever is typed, it is no mistake to ask.
        let odd = flowrun(folder.path(), &["completions", shell, "--", "--nonsense", "\u{1b}[2J", "--", "-"]);
        assert_eq!(odd.status.code(), Some(0));
    }
}

#[test]
fn the_document_shows_what_check_finds_as_data() {
    let folder = bench();
    let document = include_str!("../docs/reports.md");
    let shown = document.split("$ flowrun check broken.flow --format json\n").nth(1).expect("the document shows it");
    let shown = shown.split("```").next().expect("the block ends");
    let output = flowrun(folder.path(), &["check", "broken.flow", "--format", "json"]);
    assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), (shown, ""));
    assert_eq!(output.status.code(), Some(2), "the exit code is the one without JSON");
}

#[test]
fn what_cannot_be_read_is_data_too() {
    let folder = bench();
    let output = flowrun(folder.path(), &["check", "missing.flow", "--format", "json"]);
    let written = text(&output.stdout);
    assert!(written.contains("\"line\": null") && written.contains("missing.flow"), "{written}");
    assert_eq!(output.status.code(), Some(2));
    let output = flowrun(folder.path(), &["check", "login.flow", "modem.flow", "--format", "json"]);
    let written = text(&output.stdout);
    assert!(written.contains("\"kind\": \"flow\"") && written.contains("\"kind\": \"device\""), "{written}");
    assert!(written.contains("\"diagnostics\": []") && output.status.code() == Some(0), "{written}");
}

#[test]
fn ports_are_written_as_json_in_two_ways_that_are_one() {
    let folder = bench();
    let of = |arguments: &[&str]| text(&flowrun(folder.path(), arguments).stdout);
    assert_eq!(of(&["ports", "--format", "json"]), of(&["ports", "--json"]));
    assert!(of(&["ports", "--json"]).starts_with("{\n  \"format\": \"flowrun ports\",\n  \"version\": 1,"));
}

#[test]
fn manual_pages_are_written_to_a_folder() {
    let folder = bench();
    let output = flowrun(folder.path(), &["man", "--write", "man1"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let general = fs::read_to_string(folder.path().join("man1/flowrun.1")).expect("it is written");
    assert!(general.contains("flowrun\\-test(1)") && folder.path().join("man1/flowrun-test.1").exists());
    let wrong = flowrun(folder.path(), &["man", "tset"]);
    assert!(text(&wrong.stderr).contains("did you mean `test`?"), "{}", text(&wrong.stderr));
    assert_eq!(wrong.status.code(), Some(2));
}
