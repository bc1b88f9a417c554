//! Scripts of other tools become flows: what comes out, how much of each script is in it, and that it always loads.
//!
//! `tests/import/KIND/FILE` is a script, written for these tests; `tests/import/made/FILE.flow` is what comes of it. With
//! `UPDATE_IMPORT=1` both the flows and the table of docs/import.md are written anew. Scripts of other people are read where
//! their packages are installed, or below the folder that `FLOWRUN_IMPORT_CORPUS` names.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flowrun::event::Verdict;
use flowrun::format::format;
use flowrun::import::{Imported, Kind, import};
use flowrun::source::{Source, Sources};
use support::{Run, check_text, program, repo, shown};

const PAGE: &str = include_str!("../docs/import.md");

/// Scripts of other people: whose they are, the folder of the package when it is unpacked, and the file in it.
const FOREIGN: &[(&str, &str, &str)] = &[
    ("Debian's ppp", "ppp", "etc/chatscripts/gprs"),
    ("Debian's ppp", "ppp", "etc/chatscripts/pap"),
    ("Debian's ppp", "ppp", "usr/share/ppp/provider.chatscript"),
    ("Debian's ppp", "ppp", "usr/share/doc/ppp/examples/scripts/ppp-on-dialer"),
    ("Debian's ppp", "ppp", "usr/share/doc/ppp/examples/scripts/chat-callback"),
    ("Debian's ppp", "ppp", "usr/share/doc/ppp/examples/scripts/callback"),
    ("Debian's ppp", "ppp", "usr/share/doc/ppp/examples/scripts/secure-card"),
    ("Debian's minicom", "minicom", "usr/share/doc/minicom/examples/unixlogin"),
    ("Debian's minicom", "minicom", "usr/share/doc/minicom/examples/saralogin"),
    ("Debian's minicom", "minicom", "usr/share/doc/minicom/examples/htsalogin"),
    ("Tera Term's", "teraterm", "installer/release/dialup.ttl"),
    ("Tera Term's", "teraterm", "installer/release/login.ttl"),
    ("Tera Term's", "teraterm", "installer/release/mpause.ttl"),
    ("Tera Term's", "teraterm", "installer/release/random.ttl"),
    ("Tera Term's", "teraterm", "installer/release/ssh2login.ttl"),
    ("Tera Term's", "teraterm", "installer/release/wait_regex.ttl"),
    ("Tera Term's", "teraterm", "tests/waitn.ttl"),
    ("Tera Term's", "teraterm", "tests/wait_timeout_connected.ttl"),
    ("SSCOM's", "sscom", "sscom51.ini"),
    ("Docklight's", "docklight", "exampleFiles/projects/PingPong.ptp"),
    ("Docklight's", "docklight", "exampleFiles/projects/ModemDiagnostics.ptp"),
];

/// Returns the scripts of the tests, with their kinds.
fn scripts() -> Vec<(Kind, PathBuf)> {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let folder = repo("tests/import").join(kind.name());
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .expect("there are scripts")
            .map(|entry| entry.expect("it can be listed").path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "there is no script of {}", kind.name());
        found.extend(files.into_iter().map(|file| (*kind, file)));
    }
    found
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("it is a file").to_string_lossy().into_owned()
}

/// Imports a file; its kind must be seen without a hint.
fn imported(path: &Path) -> Imported {
    let text = fs::read_to_string(path).expect("it is UTF-8");
    import(&text, &file_name(path), None).unwrap_or_else(|why| panic!("{}: {why:?}", path.display()))
}

/// Asserts that a flow has no errors and is in its layout.
fn assert_loads(flow: &str, what: &str) {
    let checked = check_text("imported.flow", flow);
    assert!(checked.program.is_some(), "{what}: {}\n{flow}", shown(&checked.problems, &checked));
    let mut sources = Sources::default();
    let id = sources.add(Source::new("imported.flow", flow));
    assert_eq!(format(id, sources.get(id)).expect("it parses"), flow, "{what}");
}

#[test]
fn each_script_becomes_the_flow_beside_it() {
    for (kind, path) in scripts() {
        let made = imported(&path);
        assert_eq!(made.kind, kind, "{}", path.display());
        assert_loads(&made.flow, &file_name(&path));
        let expected = repo("tests/import/made").join(format!("{}.flow", file_name(&path)));
        if std::env::var_os("UPDATE_IMPORT").is_some() {
            fs::write(&expected, &made.flow).expect("it can be written");
        }
        assert_eq!(fs::read_to_string(&expected).unwrap_or_default(), made.flow, "{}", expected.display());
    }
}

#[test]
fn every_line_without_a_translation_is_in_the_flow_with_its_number() {
    for (_, path) in scripts() {
        let made = imported(&path);
        let text = fs::read_to_string(&path).expect("it is UTF-8");
        for lost in &made.lost {
            assert!(lost.line >= 1 && lost.line <= text.lines().count(), "{lost:?}");
            assert!(made.flow.contains(&format!("# line {}: ", lost.line)), "{lost:?}\n{}", made.flow);
        }
        assert!(made.n_translated() <= made.n_lines && made.n_lines > 0);
    }
}

/// Returns the row of the table for a script.
fn row(kind: Kind, shown: &str, made: &Imported) -> String {
    let share = made.n_translated() * 100 / made.n_lines;
    format!("| {} | {shown} | {} | {} | {share} % |", kind.name(), made.n_lines, made.n_translated())
}

/// Returns a file of a package, where it is installed or unpacked.
fn foreign(package: &str, file: &str) -> Option<PathBuf> {
    let unpacked =
        std::env::var_os("FLOWRUN_IMPORT_CORPUS").map(|folder| PathBuf::from(folder).join(package).join(file));
    [Some(Path::new("/").join(file)), unpacked].into_iter().flatten().find(|path| path.is_file())
}

#[test]
fn the_table_has_the_share_of_each_script() {
    let mut rows = Vec::new();
    for (kind, path) in scripts() {
        let shown = format!("[{0}](../tests/import/{1}/{0})", file_name(&path), kind.name());
        rows.push(row(kind, &shown, &imported(&path)));
    }
    for (whose, package, file) in FOREIGN {
        let Some(path) = foreign(package, file) else { continue };
        let made = imported(&path);
        assert_loads(&made.flow, file);
        rows.push(row(made.kind, &format!("{whose} `{file}`"), &made));
    }
    if std::env::var_os("UPDATE_IMPORT").is_some() {
        // Rows of scripts that are not here stay.
        let begin = PAGE.find("|---|---|--:|--:|--:|\n").expect("the page has the table") + 22;
        let end = begin + PAGE[begin..].find("\n\n").expect("the table ends") + 1;
        let named = |row: &str| row.split(" | ").take(2).collect::<Vec<_>>().join(" | ");
        let known: Vec<String> = rows.iter().map(|row| named(row)).collect();
        let kept = PAGE[begin..end].lines().filter(|row| !known.contains(&named(row))).map(str::to_string);
        let all: Vec<String> = rows.iter().cloned().chain(kept).collect();
        let page = format!("{}{}\n{}", &PAGE[..begin], all.join("\n"), &PAGE[end..]);
        fs::write(repo("docs/import.md"), page).expect("it can be written");
        return;
    }
    for row in rows {
        assert!(PAGE.lines().any(|line| line == row), "docs/import.md has no row `{row}`; UPDATE_IMPORT=1 writes it");
    }
}

/// An edit of the page: what it is in, what is replaced, and by what.
fn edits(document: &str) -> Vec<(String, String)> {
    let begin = PAGE.find("| document | find | write | why |").expect("the page has the table of edits");
    let rows = PAGE[begin..].lines().skip(2).take_while(|line| line.starts_with('|'));
    let cell = |cell: &str| cell.trim().trim_matches('`').trim().replace('⏎', "\n");
    let parted = rows.map(|row| row.trim_matches('|').split(" | ").collect::<Vec<_>>());
    parted.filter(|cells| cells[0].trim() == document).map(|cells| (cell(cells[1]), cell(cells[2]))).collect()
}

/// Applies the edits of the page, each after the one before it.
fn edited(flow: &str, document: &str) -> String {
    let mut text = flow.to_string();
    let mut from = 0;
    let all = edits(document);
    assert!(!all.is_empty(), "the page has no edit of {document}");
    for (find, write) in all {
        // The lines of an edit begin where the lines of the flow do.
        let found = [find.clone(), find.replace('\n', "\n  ")]
            .into_iter()
            .find_map(|find| text[from..].find(&find).map(|at| (from + at, find.len())));
        let (at, length) =
            found.unwrap_or_else(|| panic!("{document}: `{find}` is not there after the edit before it"));
        text.replace_range(at..at + length, &write);
        from = at + write.len();
    }
    text
}

#[test]
fn the_dialogues_of_two_manuals_pass_against_the_module_after_the_edits_of_the_page() {
    let device = fs::read_to_string(repo("flows/devices/air.flow")).expect("it is there");
    let library = fs::read_to_string(repo("flows/devices/lib/aliyun.flow")).expect("it is there");
    for document in ["air_dynamic", "air_secret"] {
        let made = imported(&repo(&format!("tests/import/dialogue/{document}.txt")));
        let flow = edited(&made.flow, document);
        let checked = support::check_texts(&[("a.flow", &flow)]);
        let flow = program(checked);
        let device = program(support::check_texts(&[("air.flow", &device), ("lib/aliyun.flow", &library)]));
        let before = Run::new(program(check_text("a.flow", &made.flow)), device.clone()).go();
        assert_eq!(before.verdict, Verdict::Failed, "{document} needs no edits any more");
        let outcome = Run::new(flow, device).go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{document}: {}\n{}", outcome.transcript, outcome.report);
    }
}

#[test]
fn an_imported_expect_script_logs_in_at_a_board() {
    let made = imported(&repo("tests/import/expect/board.exp"));
    let device = r##"
device "a board"
state asked = 0
on line "" { compute asked = asked + 1  if asked == 2 { send raw "Press any key" } }
on "q" { send raw "\r\nlogin: " }
on line "root" { send raw "Password: " }
on line "hush-hush" { send raw "# " }
on line "version" { reply "version: 2.7" }
on line /selftest \d/ { reply "selftest: passed" }
on line /led \w+/ { reply "OK" }
"##;
    let outcome = Run::texts(&made.flow, device).var("password", "hush-hush").go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}\n{}", made.flow, outcome.transcript, outcome.report);
    assert!(outcome.transcript.contains("it is 2"), "{}", outcome.transcript);
    assert!(!outcome.transcript.contains("hush-hush"), "{}", outcome.transcript);
}

#[test]
fn labels_of_a_script_become_a_loop_that_ends_as_the_script_does() {
    let made = imported(&repo("tests/import/minicom/wake.minicom"));
    let late = "device \"wakes at the third line\"\nstate n = 0\non line \"\" { compute n = n + 1  if n == 3 { reply \"server>\" } }\n\
                on \"open 4\" { reply \"Escape character\" }\n";
    let outcome = Run::texts(&made.flow, late).var("password", "hush-hush").go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", made.flow, outcome.report);
    let deaf = "device \"never wakes\"\non line /.*/ { }\n";
    let outcome = Run::texts(&made.flow, deaf).var("password", "hush-hush").go();
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert!(outcome.report.contains("No answer from the server"), "{}", outcome.report);
    assert_eq!(outcome.sent().len(), 5, "{:?}", outcome.sent());
}

/// Numbers from a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).expect("it is below the limit")
    }
}

/// Changes a text in one of the ways that break scripts.
fn mutated(text: &str, numbers: &mut Numbers) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(lines.len());
        let other = numbers.below(lines.len());
        let Some(line) = lines.get(at).cloned() else { break };
        let cut = line.char_indices().map(|(at, _)| at).nth(numbers.below(line.chars().count())).unwrap_or(0);
        match numbers.below(7) {
            0 => drop(lines.remove(at)),
            1 => lines.swap(at, other),
            2 => lines.insert(other, line),
            3 => lines[at].truncate(cut),
            4 => {
                let sign =
                    ["\"", "'", "{", "}", "\\", "$", "${", "[", "`", "\u{202e}", "\u{0}", "#", "%", "/", "(?", "€"];
                lines[at].insert_str(cut, sign[numbers.below(sign.len())]);
            }
            5 => {
                let rest = lines[at].split_off(cut);
                lines.insert(at + 1, rest);
            }
            _ => lines[at] = line.chars().rev().collect(),
        }
    }
    lines.join("\n")
}

#[test]
fn whatever_a_script_says_the_flow_loads() {
    let mut n_made = 0;
    for (kind, path) in scripts() {
        let text = fs::read_to_string(&path).expect("it is UTF-8");
        for seed in 1..=40 {
            let mut numbers = Numbers(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
            let text = mutated(&text, &mut numbers);
            // A script of one tool, taken for that of another, is as good as any other nonsense.
            let kind = if seed % 8 == 0 { Kind::ALL[numbers.below(Kind::ALL.len())] } else { kind };
            let what = format!("{} as {}, seed {seed}", path.display(), kind.name());
            match import(&text, "a b\u{202e}\".txt", Some(kind)) {
                Ok(made) => {
                    assert_loads(&made.flow, &what);
                    n_made += 1;
                }
                Err((why, help)) => assert!(why.starts_with("nothing in it"), "{what}: {why}, {help}\n{text}"),
            }
        }
    }
    assert!(n_made > 300, "{n_made}");
}

fn flowrun(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_flowrun");
    Command::new(program).current_dir(folder).args(arguments).output().expect("flowrun can be started")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_command_writes_a_flow_once_and_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let script = repo("tests/import/minicom/wake.minicom");
    let script = script.to_str().expect("it is UTF-8");
    let output = flowrun(folder.path(), &["import", script, "-o", "wake.flow"]);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(output.stdout.is_empty());
    assert!(errors(&output).contains("22 of 23 lines translated (kind: minicom)"), "{}", errors(&output));
    assert!(errors(&output).contains("line 19: ! date"), "{}", errors(&output));
    let first = fs::read_to_string(folder.path().join("wake.flow")).expect("it was written");
    let again = flowrun(folder.path(), &["import", script, "--output", "wake.flow"]);
    assert_eq!(again.status.code(), Some(2));
    assert!(errors(&again).contains("is already there"), "{}", errors(&again));
    assert_eq!(fs::read_to_string(folder.path().join("wake.flow")).expect("it is there"), first);
    let shown = flowrun(folder.path(), &["import", script]);
    assert_eq!(String::from_utf8_lossy(&shown.stdout), first);
    let check = flowrun(folder.path(), &["check", "wake.flow"]);
    assert_eq!(check.status.code(), Some(0), "{}", errors(&check));
}

#[test]
fn the_command_says_what_to_do_with_a_file_that_it_does_not_know() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    fs::write(folder.path().join("letter.txt"), "Dear Sir,\nhow are you?\n").expect("it can be written");
    fs::write(folder.path().join("empty.ttl"), "").expect("it can be written");
    let output = flowrun(folder.path(), &["import", "letter.txt"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("`--kind` takes teraterm, chat, minicom"), "{}", errors(&output));
    let output = flowrun(folder.path(), &["import", "empty.ttl"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("nothing in it is for Tera Term"), "{}", errors(&output));
    let output = flowrun(folder.path(), &["import", "missing.ttl"]);
    assert_eq!(output.status.code(), Some(2));
    let output = flowrun(folder.path(), &["import", "letter.txt", "-o", "letter.txt"]);
    assert!(errors(&output).contains("write a name that ends with `.flow`"), "{}", errors(&output));
}

#[test]
fn a_list_in_gbk_is_read_as_sscom_writes_it() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    // `N101=1,信号,100`, in GBK.
    let list = b"N101=1,\xd0\xc5\xba\xc5,100\r\nN1=A,AT+CSQ\r\n;\r\nN1057=,Y\r\n";
    fs::write(folder.path().join("sscom51.ini"), list).expect("it can be written");
    let output = flowrun(folder.path(), &["import", "sscom51.ini"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("step \"信号\" {"), "{output:?}");
}
