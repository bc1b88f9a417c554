//! The catalogue of Chinese: nothing is missing in the rooms that it covers, nothing in it is unused, no place is lost, and
//! no file that a run writes knows of it.

mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use flowrun::words::{CHINESE, Language, Template};
use insta::assert_snapshot;
use tree::files;

/// Where every text for people is translated: a file, or a folder that ends with `/`.
///
/// What is not here says in English what the catalogue does not have; the list grows, and never shrinks.
const COVERED: &[&str] = &[
    "check.rs",
    "check/",
    "engine/",
    "load.rs",
    "load/",
    "report/console.rs",
    "report/live.rs",
    "result_codes.rs",
    "settings.rs",
    "syntax.rs",
    "syntax/",
    "variables.rs",
    "variables/",
];

/// Files of covered rooms with texts that no console shows in another language: a topic of the language is a document.
const DOCUMENTS: &[&str] = &["syntax/table.rs", "check/hold/needs.rs"];

/// Texts that look like messages and are none: parts of Rust or of a flow, and what only a defect shows.
const NOT_SAID: &[&str] = &[
    "the grammar has no operator {other:?}",
    "the grammar has no value {other:?}",
    "the grammar has no statement {other:?}",
    "the grammar guarantees a block",
    "{from:?} lies after {self:?}",
    "every scope inside of a finally block was closed before its end",
];

/// Returns the string literals of Rust code with the place of each. What it cannot see: texts of one word, and texts
/// that are put together from parts without a blank. They are in the catalogue, and `unused` sees to them.
fn literals(code: &str) -> Vec<String> {
    let (chars, mut found, mut at) = (code.chars().collect::<Vec<_>>(), Vec::new(), 0);
    while at < chars.len() {
        match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                at += chars[at..].iter().position(|c| *c == '\n').unwrap_or(chars.len() - at);
            }
            // A character, not a lifetime.
            '\'' if chars.get(at + 2) == Some(&'\'') => at += 3,
            '\'' if chars.get(at + 1) == Some(&'\\') => {
                at += 3 + chars[at + 3..].iter().position(|c| *c == '\'').unwrap_or(0) + 1;
            }
            'r' if raw_quotes(&chars, at).is_some() => {
                let n = raw_quotes(&chars, at).expect("it was just looked at");
                let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', n)).collect();
                let begin = at + n + 2;
                let len = chars[begin..].windows(end.len()).position(|window| window == end).expect("it ends");
                found.push(chars[begin..begin + len].iter().collect());
                at = begin + len + end.len();
            }
            '"' => {
                let (text, next) = quoted(&chars, at + 1);
                found.push(text);
                at = next;
            }
            _ => at += 1,
        }
    }
    found
}

/// Returns how many `#` a raw string at this place begins with; `None` if none begins there.
fn raw_quotes(chars: &[char], at: usize) -> Option<usize> {
    let is_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    let n = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    (!is_word && chars.get(at + 1 + n) == Some(&'"')).then_some(n)
}

/// Returns the text of a string that begins here, without its escapes, and what follows it.
fn quoted(chars: &[char], mut at: usize) -> (String, usize) {
    let mut text = String::new();
    while chars[at] != '"' {
        if chars[at] != '\\' {
            text.push(chars[at]);
            at += 1;
            continue;
        }
        match chars[at + 1] {
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            '0' => text.push('\0'),
            'u' => {
                let digits: String = chars[at + 3..].iter().take_while(|c| **c != '}').collect();
                text.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                at += digits.len() + 2;
            }
            'x' => {
                let digits: String = chars[at + 2..at + 4].iter().collect();
                text.extend(u8::from_str_radix(&digits, 16).ok().map(char::from));
                at += 2;
            }
            '\n' => at += chars[at + 2..].iter().take_while(|c| c.is_whitespace()).count(),
            other => text.push(other),
        }
        at += 2;
    }
    (text, at + 1)
}

/// Returns the code of a file before its tests, without what only a developer reads.
fn code_of(file: &tree::File) -> String {
    let lines: Vec<&str> = file.code().map(|(_, line)| line).collect();
    let kept = lines.iter().filter(|line| !line.contains(".expect(\"") && !line.contains("reason = \""));
    kept.copied().collect::<Vec<_>>().join("\n")
}

/// Says whether a literal reads like a sentence: two words of letters, with a blank between them.
fn reads_like_words(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let is_word = |word: &str| {
        let word = word.trim_end_matches([':', ',', ';', '?']);
        word.len() > 1
            && !word.starts_with('-')
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '\'' || c == '-')
    };
    let n_words = words.iter().filter(|word| is_word(word)).count();
    n_words >= 2 || (n_words == 1 && words.len() >= 2 && text.contains(['`', '{']))
}

/// Returns each English text of the catalogue with its translation, read as translators' tools do.
fn catalogue() -> BTreeMap<String, String> {
    let mut entries = BTreeMap::new();
    let (mut english, mut said, mut is_said) = (String::new(), String::new(), false);
    for line in CHINESE.lines().chain(["msgid \"\""]) {
        let text = |line: &str| quoted(&line.chars().collect::<Vec<_>>(), 1).0;
        if let Some(rest) = line.strip_prefix("msgid ") {
            let known = entries.insert(std::mem::take(&mut english), std::mem::take(&mut said));
            assert!(known.is_none_or(|text: String| text.is_empty()), "twice before: {line}");
            (english, is_said) = (text(rest), false);
        } else if let Some(rest) = line.strip_prefix("msgstr ") {
            (said, is_said) = (text(rest), true);
        } else if line.starts_with('"') {
            if is_said { said.push_str(&text(line)) } else { english.push_str(&text(line)) }
        }
    }
    entries.remove("");
    assert!(entries.len() > 1000, "{} entries were read", entries.len());
    entries
}

fn help_of(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_flowrun")).args(words).arg("--help").output().expect("it starts");
    String::from_utf8(output.stdout).expect("help is UTF-8")
}

/// Returns the names of all commands.
fn names() -> Vec<String> {
    let general = help_of(&["--lang", "en"]);
    let lines = general.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<String> = lines.filter_map(|line| line.split_whitespace().next()).map(str::to_string).collect();
    assert!(names.len() > 15, "{names:?}");
    names
}

/// Returns what all help texts say, as the program shows them.
fn all_help() -> String {
    let general = help_of(&["--lang", "en"]);
    names().iter().map(|name| help_of(&[name, "--lang", "en"])).chain([general.clone()]).collect()
}

fn is_covered(path: &str) -> bool {
    let is_in = |place: &str| path == place || (place.ends_with('/') && path.starts_with(place));
    COVERED.iter().any(|place| is_in(place)) && !DOCUMENTS.contains(&path) && !path.ends_with("/tests.rs")
}

#[test]
fn every_message_of_a_covered_room_has_a_translation() {
    let known = catalogue();
    let mut missing = BTreeSet::new();
    for file in files("src").iter().filter(|file| is_covered(&file.path)) {
        for text in literals(&code_of(file)).into_iter().filter(|text| reads_like_words(text)) {
            let is_said = NOT_SAID.contains(&text.as_str());
            if !is_said && known.get(&text).is_none_or(String::is_empty) {
                missing.insert(format!("src/{}: {text:?}", file.path));
            }
        }
    }
    let missing: Vec<String> = missing.into_iter().collect();
    assert!(missing.is_empty(), "po/zh.po does not have:\n{}", missing.join("\n"));
}

#[test]
fn every_help_text_of_an_option_or_a_command_has_a_translation() {
    let is_chinese = |line: &str| line.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let mut untranslated = BTreeSet::new();
    for words in names().iter().map(|name| vec![name.as_str()]).chain([Vec::new()]) {
        let help = help_of(&[words, vec!["--lang", "zh"]].concat());
        // What an option does is in its line, or, with a longer text, in the next one.
        let lines = help.lines().take_while(|line| *line != "示例:").filter(|line| line.starts_with("  "));
        let lines = lines.filter(|line| !line.contains("vim."));
        let texts = lines.filter(|line| line.trim_start().split("  ").last().is_some_and(reads_like_words));
        untranslated.extend(texts.filter(|line| !is_chinese(line)).map(str::to_string));
    }
    let untranslated: Vec<String> = untranslated.into_iter().collect();
    assert!(untranslated.is_empty(), "po/zh.po does not have:\n{}", untranslated.join("\n"));
}

#[test]
fn every_text_of_the_catalogue_is_said_somewhere() {
    let said: BTreeSet<String> = files("src").iter().flat_map(|file| literals(&code_of(file))).collect();
    let help = all_help();
    // What clap, miette and the makers of sentences write by themselves.
    let outside = |text: &str| text.starts_with("error: ") || text.starts_with("  tip: ");
    let unused: Vec<String> = catalogue()
        .into_keys()
        .filter(|text| !said.contains(text) && !help.contains(text.trim_end_matches('.')) && !outside(text))
        .filter(|text| !said.iter().any(|literal| literal.split('\n').any(|line| line == text)))
        .collect();
    assert!(unused.is_empty(), "nothing says any more:\n{}", unused.join("\n"));
}

#[test]
fn both_sides_have_the_same_places() {
    let mut wrong = Vec::new();
    for (english, said) in catalogue() {
        let sorted = |text: &str| Template::read(text).places().map(str::to_string).collect::<BTreeSet<_>>();
        if !said.is_empty() && sorted(&english) != sorted(&said) {
            wrong.push(format!("{english:?}\n  {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_literals_reads_as_rust_does() {
    let code = "let a = \"one \\\"two\\\"\"; // \"not this\"\nlet b = r#\"three \"four\"\"#; let c = '\"'; f(\"five \\\n   six\")";
    assert_eq!(literals(code), ["one \"two\"", "three \"four\"", "five six"]);
}

#[test]
fn each_translation_is_found_for_its_own_text() {
    let mut wrong = Vec::new();
    for (english, said) in catalogue().into_iter().filter(|(_, said)| !said.is_empty()) {
        // Where two places touch, the first ends nowhere.
        if english.contains("}{") {
            continue;
        }
        let value = |name: &str| Some(format!("⟨{name}⟩"));
        let expected = Template::read(&said).filled(value).replace("⟨wanted⟩", "⟨expected⟩");
        let found = Language::Chinese.said(&Template::read(&english).filled(value)).replace("⟨wanted⟩", "⟨expected⟩");
        if found != expected && Template::read(&english).weight() > 8 {
            wrong.push(format!("{english:?}\n  {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs flowrun in a folder, without any language of the environment.
fn flowrun(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    for name in ["FLOWRUN_LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LANG", "COLUMNS"] {
        command.env_remove(name);
    }
    command.args(arguments).envs(environment.iter().copied()).current_dir(folder).output().expect("it starts")
}

fn shown(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(text).expect("it is UTF-8")
}

const FAILING: &str = "flow \"Is it there?\"\nsim \"modem.flow\"\nsend \"AT\"\nexpect line \"READY\" within 1s\n";
const MODEM: &str = "device \"a modem\"\nserial { header \"\\r\\n\" }\non line \"AT\" { reply \"ready\" }\n";
const MISTAKEN: &str = "flow \"Mistakes\"\nsend \"AT\"\nexpect lin \"OK\"\nlog \"${nobody}\"\n";

fn bench() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, text) in [("failing.flow", FAILING), ("modem.flow", MODEM), ("mistaken.flow", MISTAKEN)] {
        fs::write(folder.path().join(name), text).expect("the folder can be written");
    }
    folder
}

#[test]
fn a_failing_flow_is_explained_in_chinese() {
    let folder = bench();
    let arguments = ["--lang", "zh", "failing.flow", "--port", "sim", "--artifacts", "never"];
    assert_snapshot!(shown(&flowrun(folder.path(), &arguments, &[])));
}

#[test]
fn mistakes_in_a_file_are_explained_in_chinese() {
    let folder = bench();
    assert_snapshot!(shown(&flowrun(folder.path(), &["check", "mistaken.flow", "--lang=zh"], &[])));
}

#[test]
fn the_help_of_a_run_is_chinese() {
    let folder = bench();
    assert_snapshot!(shown(&flowrun(folder.path(), &["--lang", "zh", "run", "-h"], &[])));
}

#[test]
fn the_main_job_is_told_in_chinese() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let flow = concat!(env!("CARGO_MANIFEST_DIR"), "/flows/aliyun_dynamic.flow");
    let text = shown(&flowrun(folder.path(), &["--lang", "zh", flow, "--port", "sim"], &[]));
    let lines: Vec<String> = text.lines().map(|line| line.replace(env!("CARGO_MANIFEST_DIR"), "…")).collect();
    let ends = [&lines[..8], &["…".to_string()], &lines[lines.len() - 5..]].concat();
    assert_snapshot!(ends.join("\n"));
}

/// Returns the fenced blocks of a document: what follows the fence, and the text.
#[cfg(unix)]
fn blocks(document: &str) -> Vec<(String, String)> {
    let parts = document.split("\n```").skip(1).step_by(2);
    parts.filter_map(|part| part.split_once('\n')).map(|(kind, text)| (kind.to_string(), format!("{text}\n"))).collect()
}

/// The Chinese documents are as true as the English ones: their flows are checked, and what they show is what is shown.
#[cfg(unix)]
#[test]
fn the_chinese_documents_show_what_the_program_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, least) in [("README.zh.md", 3), ("docs/zh/tutorial.md", 4), ("docs/zh/air.md", 0)] {
        let document = fs::read_to_string(root.join(name)).expect("it is UTF-8");
        let folder = tempfile::tempdir().expect("a folder can be made");
        std::os::unix::fs::symlink(root.join("flows"), folder.path().join("flows")).expect("a link can be made");
        let blocks = blocks(&document);
        for (_, text) in blocks.iter().filter(|(kind, _)| kind == "flow") {
            let file = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("it names its file");
            fs::write(folder.path().join(file), text).expect("the folder can be written");
            let checked = flowrun(folder.path(), &["fmt", "--check", file], &[]);
            assert!(checked.status.success(), "{name}: {}", shown(&checked));
        }
        let consoles: Vec<&String> =
            blocks.iter().filter(|(kind, _)| kind == "console").map(|(_, text)| text).collect();
        assert!(consoles.len() >= least, "{name}");
        for text in consoles {
            let (command, expected) = text.split_once('\n').expect("a command and what it shows");
            let arguments: Vec<&str> = command.split(' ').skip(2).collect();
            let output = shown(&flowrun(folder.path(), &arguments, &[]));
            let mut rest = output.lines();
            for line in expected.lines().filter(|line| *line != "…" && !line.is_empty()) {
                assert!(rest.any(|shown| shown == line), "{name}: {command}\n{line}\n---\n{output}");
            }
        }
    }
}

#[test]
fn files_are_the_same_in_every_language() {
    let written = |arguments: &[&str], environment: &[(&str, &str)]| {
        let folder = bench();
        let run =
            ["failing.flow", "--port", "sim", "--artifacts", "kept", "--events", "e.jsonl", "--record", "r.recording"];
        let more = ["--transcript", "t.txt", "--report", "html=p.html"];
        flowrun(folder.path(), &[arguments, &run, &more].concat(), environment);
        flowrun(
            folder.path(),
            &[arguments, &["test", ".", "--report", "junit=j.xml", "--report", "json=j.json"]].concat(),
            environment,
        );
        let names = ["e.jsonl", "r.recording", "t.txt", "p.html", "j.xml", "j.json", "snapshots/failing.snap.new"];
        names.map(|name| (name, fs::read_to_string(folder.path().join(name)).map(comparable).unwrap_or_default()))
    };
    let english = written(&[], &[]);
    assert!(english.iter().filter(|(_, text)| !text.is_empty()).count() >= 6, "{english:?}");
    assert_eq!(written(&["--lang", "zh"], &[]), english);
    assert_eq!(written(&[], &[("LANG", "zh_CN.UTF-8")]), english);
}

/// Leaves out what differs from run to run: times of day, digests of them, how long it took, the folder.
fn comparable(text: String) -> String {
    let differs = ["date", "time", "took", "seconds", "started", "folder", "command"];
    let lines = text.lines().filter(|line| !differs.iter().any(|word| line.contains(word)));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_language_is_what_was_typed_then_what_the_environment_says() {
    let folder = bench();
    let is_chinese = |arguments: &[&str], environment: &[(&str, &str)]| {
        let arguments = [arguments, &["check", "none.flow"]].concat();
        shown(&flowrun(folder.path(), &arguments, environment)).contains("无法读取")
    };
    assert!(!is_chinese(&[], &[]));
    assert!(is_chinese(&[], &[("LANG", "zh_CN.UTF-8")]));
    assert!(is_chinese(&[], &[("LC_ALL", "zh_CN.UTF-8"), ("LANG", "de_DE.UTF-8")]));
    assert!(is_chinese(&[], &[("LC_MESSAGES", "zh_CN.UTF-8"), ("LANG", "de_DE.UTF-8")]));
    assert!(!is_chinese(&[], &[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")]));
    assert!(!is_chinese(&[], &[("LANG", "zh_CN.GBK")]), "such a console shows no UTF-8");
    assert!(is_chinese(&[], &[("FLOWRUN_LANG", "zh"), ("LANG", "en_GB.UTF-8")]));
    assert!(!is_chinese(&["--lang", "en"], &[("LANG", "zh_CN.UTF-8")]));
    assert!(is_chinese(&["--lang", "zh"], &[("FLOWRUN_LANG", "en")]));
    let refused = shown(&flowrun(folder.path(), &["--lang", "xx", "check", "none.flow"], &[]));
    assert!(refused.contains("possible values: en, zh"), "{refused}");
}
