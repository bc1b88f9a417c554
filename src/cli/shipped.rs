//! `flowrun demo`, `examples`, `init`, `std`, `explain` and `help`: what a newcomer needs, without the repository.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::args::{
    self, Command, DemoArguments, ExamplesArguments, ExplainArguments, HelpArguments, InitArguments, StdArguments,
};
use super::terminal::Terminal;
use super::{Ending, run};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::load::STANDARD;
use crate::reference::{Explained, Found, codes, explain, topics};
use crate::shipped::{Example, START, examples, introduction};
use crate::value::escape::{harmless, harmless_path};

/// The flow that `demo` runs.
const DEMO: &str = "aliyun_dynamic";

/// Runs a built-in flow against its built-in device; no file of it stays.
pub(super) fn demo(arguments: &DemoArguments, terminal: &Terminal) -> Ending {
    let example = examples().find(|example| example.name == DEMO).expect("a test finds it among the built-in flows");
    let folder = std::env::temp_dir().join(format!("flowrun-demo-{}", std::process::id()));
    let prepared = make_folder(&folder).and_then(|()| {
        write_files(&folder, &files_of(example))?;
        std::env::set_current_dir(&folder)
    });
    let ending = match prepared {
        Ok(()) => {
            let line = ["flowrun", "run", example.file, "--port", "sim"].map(OsString::from);
            let typed = args::read(line).map(|typed| typed.command);
            let Ok(Command::Run(mut of_run)) = typed else { unreachable!("the line is right: a test runs it") };
            of_run.output = arguments.output.clone();
            let ending = run::run(&of_run, terminal);
            terminal.hint(&format!(
                "\nThis was a simulation: the flow and its device are inside of flowrun, and no file of it stays.\n\
                 `flowrun examples {DEMO} --write .` puts them here; then edit them, and run\n\
                 `flowrun {} --port sim`, or `--port COM3` with a module.\n",
                example.file
            ));
            ending
        }
        Err(error) => {
            terminal.refuse(unwritable(&folder, &error));
            Ending::Refused
        }
    };
    // The folder that is removed is not the current one: Windows would not remove it.
    let _ = std::env::set_current_dir(std::env::temp_dir());
    let _ = fs::remove_dir_all(&folder);
    ending
}

/// Lists the built-in flows, shows one, or writes it with all that it names.
pub(super) fn show_examples(arguments: &ExamplesArguments, terminal: &Terminal) -> Ending {
    let Some(name) = &arguments.name else {
        let width = examples().map(|example| example.name.len()).max().unwrap_or(0);
        let lines = examples().map(|example| format!("{:width$}  {}\n", example.name, example.title()));
        terminal.say(&lines.collect::<String>());
        terminal.hint("\n`flowrun examples NAME` shows one, `--write DIR` writes its files to a folder.\n");
        return Ending::Done;
    };
    let name = name.trim_end_matches(".flow");
    let Some(example) = examples().find(|example| example.name == name) else {
        return unknown("built-in flow", name, examples().map(|example| example.name), "examples", terminal);
    };
    let Some(folder) = &arguments.write else {
        terminal.say(example.text);
        return Ending::Done;
    };
    let next = format!("flowrun {} --port sim", harmless_path(&folder.join(example.file)));
    write_new(folder, &files_of(example), &next, terminal)
}

/// Writes a project that passes: a flow, its device, its snapshot, a `flowrun.toml` and a job for CI.
pub(super) fn init(arguments: &InitArguments, terminal: &Terminal) -> Ending {
    let files: Vec<(PathBuf, &str)> = START.iter().map(|&(path, text)| (PathBuf::from(path), text)).collect();
    let at = if arguments.folder == Path::new(".") { String::new() } else { harmless_path(&arguments.folder) };
    let next = format!("flowrun test {at}").trim_end().to_string();
    write_new(&arguments.folder, &files, &next, terminal)
}

/// Lists the libraries of `std/`, or shows one.
pub(super) fn show_std(arguments: &StdArguments, terminal: &Terminal) -> Ending {
    let short = |name: &'static str| name.trim_start_matches("std/");
    let Some(name) = &arguments.name else {
        let width = STANDARD.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let lines = STANDARD.iter().map(|(name, text)| {
            let first = introduction(text).into_iter().find(|line| !line.is_empty()).unwrap_or_default();
            format!("{name:width$}  {first}\n")
        });
        terminal.say(&lines.collect::<String>());
        terminal.hint("\n`flowrun std NAME` shows one; a flow takes it with `use \"std/NAME\"`.\n");
        return Ending::Done;
    };
    let wanted = name.trim_start_matches("std/").trim_end_matches(".flow");
    match STANDARD.iter().find(|(name, _)| short(name) == wanted) {
        Some((_, text)) => {
            terminal.say(text);
            Ending::Done
        }
        None => unknown("library", wanted, STANDARD.iter().map(|(name, _)| short(name)), "std", terminal),
    }
}

/// Says what a code means, or lists all codes.
pub(super) fn show_code(arguments: &ExplainArguments, terminal: &Terminal) -> Ending {
    let Some(code) = &arguments.code else {
        let mut text = String::new();
        let mut group = "";
        for Explained { code, group: of_code, wrong, .. } in codes() {
            if group != of_code {
                text.push_str(&format!("{}{of_code}\n", if group.is_empty() { "" } else { "\n" }));
                group = of_code;
            }
            text.push_str(&format!("  {code}\n      {wrong}\n"));
        }
        terminal.say(&text);
        return Ending::Done;
    };
    match explain(code) {
        Some(Explained { code, group, wrong, remedy }) => {
            terminal.say(&format!("{code}\n{group}\n\nWhat is wrong: {wrong}.\nWhat to do: {remedy}.\n"));
            Ending::Done
        }
        None => unknown("code", code, codes().into_iter().map(|known| known.code), "explain", terminal),
    }
}

/// Shows the help of a command, or a topic of the language.
pub(super) fn show_help(arguments: &HelpArguments, terminal: &Terminal) -> Ending {
    let words: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["language"] => {
            terminal.say(&topics().iter().map(|topic| format!("{topic}\n")).collect::<String>());
            terminal.hint(
                "\n`flowrun help language TOPIC` shows one of these sections, or what is said about a statement, a\n\
                 function or a setting, such as `flowrun help language expect`.\n",
            );
            Ending::Done
        }
        ["language", topic @ ..] => show_topic(&topic.join(" "), terminal),
        words => match args::help_of(words) {
            Some(help) => {
                terminal.say(&help);
                Ending::Done
            }
            None => {
                let names = args::commands();
                let names = names.iter().map(String::as_str).chain(["language"]);
                unknown("command", &words.join(" "), names, "help", terminal)
            }
        },
    }
}

fn show_topic(topic: &str, terminal: &Terminal) -> Ending {
    match Found::about(topic) {
        Some(Found::Section(text)) => terminal.say(&format!("{text}\n")),
        Some(Found::Rows(rows)) => {
            let mut heading = "";
            for (of_row, row) in rows {
                if heading != of_row {
                    terminal.say(&format!("{}{of_row}\n", if heading.is_empty() { "" } else { "\n" }));
                    heading = of_row;
                }
                let cells = row.trim_start_matches("| ").trim_end_matches('|').trim_end();
                let (forms, what) = cells.split_once(" | ").unwrap_or((cells, ""));
                terminal.say(&format!("  {forms}\n      {}\n", what.replace(" | ", " · ").trim()));
            }
        }
        None => {
            let words = crate::syntax::table::STATEMENTS.iter().flat_map(|row| row.words());
            return unknown("topic", topic, topics().into_iter().chain(words), "help language", terminal);
        }
    }
    Ending::Done
}

/// Refuses a name, with the nearest one that there is.
fn unknown<'a>(
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    command: &str,
    terminal: &Terminal,
) -> Ending {
    let known: Vec<&str> = known.collect();
    let within = || {
        let mut names = known.iter().copied().filter(|known| name.len() > 2 && known.contains(name));
        names.next().filter(|_| names.next().is_none())
    };
    let near = nearest(name, known.iter().copied()).or_else(within);
    let near = match (near, args::commands_with_option(name).first()) {
        (Some(near), _) => format!("did you mean `{near}`? "),
        (None, Some(command)) if command == "run" => format!("`--{name}` is an option: see `flowrun help run`. "),
        (None, Some(command)) => format!("`--{name}` is an option of `{command}`: see `flowrun help {command}`. "),
        (None, None) => String::new(),
    };
    let problem = Diagnostic::general(Code::CommandLine, format!("there is no {what} `{}`", harmless(name)));
    terminal.refuse(problem.help(format!("{near}`flowrun {command}` lists all of them")));
    Ending::Refused
}

fn files_of(example: Example) -> Vec<(PathBuf, &'static str)> {
    example.files()
}

/// Writes files that are not there yet, all or none, and says which.
fn write_new(folder: &Path, files: &[(PathBuf, &str)], next: &str, terminal: &Terminal) -> Ending {
    let taken: Vec<String> = files
        .iter()
        .map(|(path, _)| folder.join(path))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| format!("`{}`", harmless_path(&path)))
        .collect();
    if !taken.is_empty() {
        let is = if taken.len() == 1 { "is" } else { "are" };
        let message = format!("{} {is} already there", taken.join(", "));
        terminal.refuse(
            Diagnostic::general(Code::CommandLine, message)
                .help("nothing was written; name another folder, or move the old files away"),
        );
        return Ending::Refused;
    }
    if let Err(error) = write_files(folder, files) {
        terminal.refuse(unwritable(folder, &error));
        return Ending::Refused;
    }
    let lines = files.iter().map(|(path, _)| format!("wrote {}\n", harmless_path(&folder.join(path))));
    terminal.say(&lines.collect::<String>());
    terminal.hint(&format!("\nNow run `{next}`.\n"));
    Ending::Done
}

fn unwritable(folder: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("`{}` cannot be written: {error}", harmless_path(folder));
    Diagnostic::general(Code::CommandLine, message)
        .help("check the permissions of the folder and the free space on its disk")
}

/// Makes a folder that is not there and that nobody else can look into.
fn make_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    let builder = {
        let mut builder = fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
    };
    #[cfg(not(unix))]
    let builder = fs::DirBuilder::new();
    builder.create(folder)
}

/// Writes new files; what is already there is not touched.
fn write_files(folder: &Path, files: &[(PathBuf, &str)]) -> io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::OpenOptions::new().write(true).create_new(true).open(&path)?.write_all(text.as_bytes())?;
    }
    Ok(())
}
