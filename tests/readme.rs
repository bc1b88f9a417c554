//! What the documents show is true: flows are checked and run, output is what the program writes, tables are its own.

mod support;

use std::collections::BTreeSet;
use std::fs;
#[cfg(unix)]
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flowrun::event::Verdict;
use flowrun::format::format;
use flowrun::source::{Source, Sources};
use support::{Run, check_text, copy, program, repo, shown};

const README: &str = include_str!("../README.md");

/// A block of a document between fences.
struct Block {
    /// What follows the fence: `flow`, `console`, `sh`.
    kind: String,
    text: String,
    /// Document and line, for messages.
    place: String,
}

impl Block {
    /// Returns the file that the first line of a flow names: `# signal.flow`.
    fn file_name(&self) -> Option<&str> {
        self.text.lines().next()?.strip_prefix("# ").filter(|name| name.ends_with(".flow"))
    }

    /// Says whether the block is a whole file of this kind; pieces have no header.
    fn begins_with(&self, header: &str) -> bool {
        let first = self.text.lines().find(|line| !line.is_empty() && !line.starts_with('#'));
        first.is_some_and(|line| line.starts_with(&format!("{header} \"")))
    }
}

/// Returns the blocks of a document, in order.
fn blocks(name: &str, document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (i, line) in document.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if is_open => is_open = false,
            Some(kind) => {
                is_open = true;
                let place = format!("{name}:{}", i + 2);
                blocks.push(Block { kind: kind.to_string(), text: String::new(), place });
            }
            None if is_open => {
                let text = &mut blocks.last_mut().expect("one is open").text;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    assert!(!is_open, "{name}: a block is not closed");
    blocks
}

/// The README and every document in `docs`.
fn documents() -> Vec<(String, String)> {
    let mut names = vec!["README.md".to_string()];
    for entry in fs::read_dir(repo("docs")).expect("there is docs/") {
        let name = entry.expect("it can be read").file_name().into_string().expect("names are UTF-8");
        if name.ends_with(".md") {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    let read = |name: String| {
        let text = fs::read_to_string(repo(&name)).expect("a document is UTF-8");
        (name, text)
    };
    names.into_iter().map(read).collect()
}

#[test]
fn every_flow_in_the_documents_checks_and_passes_against_the_device_below_it() {
    let mut n_runs = 0;
    for (name, document) in documents() {
        let mut flow: Option<Block> = None;
        for block in blocks(&name, &document).into_iter().filter(|block| block.kind == "flow") {
            let is_whole = ["flow", "device", "library"].iter().any(|header| block.begins_with(header));
            let text = if is_whole { block.text.clone() } else { format!("flow \"a piece\"\n{}", block.text) };
            let checked = check_text(&block.place, &text);
            assert!(checked.problems.is_empty(), "{}\n{}", block.place, shown(&checked.problems, &checked));
            if block.begins_with("device") {
                let flow = flow.take().unwrap_or_else(|| panic!("{}: no flow stands above this device", block.place));
                let needs_values =
                    program(check_text(&flow.place, &flow.text)).params.iter().any(|p| p.default.is_none());
                if needs_values {
                    // tests/production.rs runs it.
                    assert_eq!(name, "docs/production.md", "{}: a param has no value", flow.place);
                    continue;
                }
                let outcome = Run::new(program(check_text(&flow.place, &flow.text)), program(checked)).go();
                // A flow that shows a retry needs one.
                let has_passed = matches!(outcome.verdict, Verdict::Passed | Verdict::Flaky);
                assert!(has_passed, "{}\n{}", flow.place, outcome.report);
                n_runs += 1;
            } else if block.begins_with("flow") {
                flow = Some(block);
            }
        }
    }
    assert!(n_runs >= 3, "{n_runs} flows of the documents were run");
}

#[test]
fn every_flow_in_the_documents_is_formatted() {
    for (name, document) in documents() {
        for block in blocks(&name, &document).into_iter().filter(|block| block.kind == "flow") {
            let source = Source::new(block.place.clone(), block.text.clone());
            let mut sources = Sources::default();
            let id = sources.add(source.clone());
            let formatted = format(id, &source).unwrap_or_else(|problems| panic!("{}: {problems:?}", block.place));
            let different = formatted.lines().zip(block.text.lines()).find(|(wanted, is)| wanted != is);
            assert!(formatted == block.text, "{}: {different:?}", block.place);
        }
    }
}

/// Runs the program in a folder, 100 columns wide, without colours and without variables from outside.
fn flowrun(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("it can be started")
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FLOWRUN_")) {
        command.env_remove(name);
    }
    command.env("FLOWRUN_ARTIFACTS", "never");
    command.args(arguments).current_dir(folder).env("COLUMNS", "100").env_remove("CLICOLOR_FORCE").stdin(Stdio::null());
    command
}

/// A folder with the flows of the README and those of the repository.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    for block in blocks("README.md", README).iter().filter(|block| block.kind == "flow") {
        if let Some(name) = block.file_name() {
            fs::write(folder.path().join(name), &block.text).expect("it can be written");
        }
    }
    copy(&repo("flows"), &folder.path().join("flows"));
    folder
}

#[test]
fn the_output_that_the_readme_shows_is_what_the_program_writes() {
    let folder = folder();
    let mut n_commands = 0;
    for block in blocks("README.md", README).into_iter().filter(|block| block.kind == "console") {
        let (line, wanted) = block.text.split_once('\n').expect("a command and what it writes");
        let line = line.strip_prefix("$ ").expect("the first line is a command");
        let line = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("flowrun "));
        let arguments: Vec<&str> = line.expect("it is ours").split(' ').collect();
        let output = flowrun(folder.path(), &arguments);
        let written = String::from_utf8(output.stdout).expect("it is UTF-8");
        let mut rest = written.as_str();
        let mut pieces = wanted.split("…\n").peekable();
        let mut is_first = true;
        while let Some(piece) = pieces.next() {
            let at = match (is_first, pieces.peek().is_none()) {
                (true, _) => 0,
                (false, true) => rest.len().saturating_sub(piece.len()),
                (false, false) => rest.find(piece).unwrap_or(0),
            };
            let begins = rest.is_char_boundary(at) && rest[at..].starts_with(piece);
            assert!(begins, "{}: not in the output:\n{piece}\nof:\n{written}", block.place);
            rest = &rest[at + piece.len()..];
            is_first = false;
        }
        assert!(rest.is_empty(), "{}: more was written:\n{rest}", block.place);
        n_commands += 1;
    }
    assert!(n_commands >= 3, "{n_commands} commands of the README were run");
}

/// Returns every long option in a text.
fn options(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = text.split(|c: char| !is_part(c)).filter(|word| word.starts_with("--") && word.len() > 3);
    words.map(str::to_string).collect()
}

#[test]
fn the_readme_names_every_option_and_no_other() {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let general = flowrun(folder.path(), &["--help"]);
    let general = String::from_utf8(general.stdout).expect("it is UTF-8");
    let listed = general.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("it lists them");
    let commands = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let commands: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 10 && commands.contains(&"fmt"), "{commands:?}");
    let helps = std::iter::once(vec!["--help"]).chain(commands.into_iter().map(|command| vec![command, "--help"]));
    let mut real = BTreeSet::new();
    for arguments in helps {
        let output = flowrun(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        real.extend(options(&String::from_utf8_lossy(&output.stdout)));
    }
    // What cargo and other tools are told is theirs.
    let ours = README.lines().map(|line| {
        line.split_once("cargo ")
            .map_or(line, |(before, after)| after.split_once(" -- ").map_or(before, |(_, arguments)| arguments))
    });
    let named: BTreeSet<String> = ours.flat_map(options).collect();
    let made_up: Vec<_> = named.difference(&real).collect();
    assert!(made_up.is_empty(), "the README names options that do not exist: {made_up:?}");
    let of_all = ["--help".to_string(), "--version".to_string()];
    let left_out: Vec<_> = real.difference(&named).filter(|option| !of_all.contains(option)).collect();
    assert!(left_out.is_empty(), "the README does not name: {left_out:?}");
}

#[test]
fn the_commands_that_the_readme_shows_are_understood() {
    let folder = folder();
    for block in blocks("README.md", README).into_iter().filter(|block| block.kind == "sh") {
        for line in block.text.lines() {
            let line = line.split(" #").next().expect("there is a first piece").trim();
            let Some(line) = line.strip_prefix("flowrun ") else { continue };
            let mut arguments: Vec<&str> = line.split_whitespace().collect();
            // Help instead of the real thing: the arguments are read all the same.
            arguments.push("--help");
            let output = flowrun(folder.path(), &arguments);
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{}: {line}\n{complaint}", block.place);
        }
    }
}

/// Returns the exit codes of the README's table, with what it says of them.
fn exit_codes() -> Vec<(i32, &'static str)> {
    let table = README.lines().skip_while(|line| !line.starts_with("| exit code")).skip(2);
    let row = |line: &'static str| {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        let code = cells.next().and_then(|cell| cell.parse().ok()).expect("the first cell is a number");
        (code, cells.next().expect("there is a second cell"))
    };
    table.take_while(|line| line.starts_with('|')).map(row).collect()
}

#[test]
fn the_exit_codes_of_the_readme_are_those_of_the_program_and_of_its_help() {
    let folder = folder();
    fs::write(folder.path().join("wrong.flow"), "flow \"wrong\"\nexpct line \"OK\"\n").expect("it can be written");
    let skips = "flow \"skips\"\nsend \"AT\"\nexpect line \"OK\"\nskip \"not here\"\n";
    fs::write(folder.path().join("skips.flow"), skips).expect("it can be written");
    let code = |arguments: &[&str]| flowrun(folder.path(), arguments).status.code();
    assert_eq!(code(&["signal.flow", "--port", "sim"]), Some(0));
    assert_eq!(code(&["skips.flow", "--port", "sim:modem.flow"]), Some(0));
    assert_eq!(code(&["signal.flow", "--port", "sim", "--sim-var", "signal=7,0"]), Some(1));
    assert_eq!(code(&["wrong.flow", "--port", "sim:modem.flow"]), Some(2));
    assert_eq!(code(&["signal.flow"]), Some(2), "no port");
    assert_eq!(code(&["signal.flow", "--prot", "sim"]), Some(2), "no such option");
    assert_eq!(code(&["check", "wrong.flow"]), Some(2));
    assert_eq!(code(&["check", "signal.flow", "modem.flow"]), Some(0));
    let missing = folder.path().join("no-such-port").display().to_string();
    assert_eq!(code(&["signal.flow", "--port", &missing]), Some(3));

    let listed: Vec<i32> = exit_codes().iter().map(|(code, _)| *code).collect();
    assert_eq!(listed, [0, 1, 2, 3, 101, 130]);
    let help = String::from_utf8(flowrun(folder.path(), &["--help"]).stdout).expect("it is UTF-8");
    for (code, meaning) in exit_codes() {
        let meaning = meaning.split(';').next().expect("there is a first piece");
        let is_told = help.lines().any(|line| line.trim().starts_with(&format!("{code} ")) && line.contains(meaning));
        assert!(is_told, "the help text says something else of {code} than {meaning}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_does_its_clean_up_and_ends_with_130() {
    let folder = folder();
    let text = "flow \"waits\"\nfinally { log \"cleaned up\" }\nlog \"waiting\"\nexpect line \"never\" within 1h\n";
    fs::write(folder.path().join("waits.flow"), text).expect("it can be written");
    let mut device = command(folder.path(), &["sim", "modem.flow", "--pty", "--link", "modem"]);
    let mut device = device.stdout(Stdio::piped()).spawn().expect("it can be started");
    let mut lines = BufReader::new(device.stdout.take().expect("it is piped")).lines();
    let served = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("serving on")));
    assert!(served.is_some(), "the device is not served");

    let mut run = command(folder.path(), &["waits.flow", "--port", "modem"]);
    let mut run = run.stdout(Stdio::piped()).spawn().expect("it can be started");
    let mut output = BufReader::new(run.stdout.take().expect("it is piped"));
    let mut so_far = String::new();
    while !so_far.contains("# waiting") {
        assert_ne!(output.read_line(&mut so_far).expect("it is UTF-8"), 0, "{so_far}");
    }
    interrupt(run.id());
    output.read_to_string(&mut so_far).expect("it is UTF-8");
    assert_eq!(run.wait().expect("it was started").code(), Some(130), "{so_far}");
    assert!(so_far.contains("# cleaned up"), "{so_far}");

    interrupt(device.id());
    assert_eq!(device.wait().expect("it was started").code(), Some(0));
}

/// Does what Ctrl-C does to a process.
#[cfg(unix)]
fn interrupt(process: u32) {
    let status = Command::new("kill").args(["-INT", &process.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "it is still there");
}

/// Returns the name of the anchor that a heading has: small letters and digits, `-` for each blank.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// Returns the anchors of a document: those of its headings outside of code.
fn anchors(document: &str) -> BTreeSet<String> {
    let outside = document.split("```").step_by(2).flat_map(str::lines);
    let headings = outside.filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(anchor).collect()
}

/// Every document of Markdown at the top and below `docs`.
fn all_documents() -> Vec<(String, String)> {
    let mut names = Vec::new();
    for folder in ["", "docs/", "docs/dev/"] {
        for entry in fs::read_dir(repo(folder)).expect("there is the folder") {
            let name = entry.expect("it can be read").file_name().into_string().expect("names are UTF-8");
            if name.ends_with(".md") {
                names.push(format!("{folder}{name}"));
            }
        }
    }
    let read = |name: String| (name.clone(), fs::read_to_string(repo(&name)).expect("a document is UTF-8"));
    names.into_iter().map(read).collect()
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut n_links = 0;
    let mut n_anchors = 0;
    let mut dead = Vec::new();
    for (name, document) in all_documents() {
        let folder = repo(&name).parent().expect("it stands in a folder").to_path_buf();
        for link in document.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            n_links += 1;
            let (path, place) = link.split_once('#').map_or((link, None), |(path, place)| (path, Some(place)));
            let target = if path.is_empty() { repo(&name) } else { folder.join(path) };
            let leads = match place {
                None => target.exists(),
                Some(place) => {
                    n_anchors += 1;
                    fs::read_to_string(&target).is_ok_and(|text| anchors(&text).contains(place))
                }
            };
            if !leads {
                dead.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
    assert!(n_links > 20 && n_anchors > 0, "{n_links} links, {n_anchors} to a heading");
    assert_eq!(anchor("`flowrun stress FLOW`, and more"), "flowrun-stress-flow-and-more");
}

#[test]
fn the_first_command_of_the_readme_names_no_program() {
    assert!(README.contains("cargo run --release -- flows/aliyun_dynamic.flow"));
    // There is a second one, for agents.
    assert!(include_str!("../Cargo.toml").contains("\ndefault-run = \"flowrun\"\n"));
}
