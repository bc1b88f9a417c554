//! What fits the word that is being typed: which argument it belongs to, by the definition of all commands.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

/// What can be found for a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Wanted {
    /// A port of a run: an address, a name, for a flow with several ports `NAME=…`.
    Port,
    /// What plays the device of a stressed flow.
    Device,
    /// One port, without a flow.
    OnePort,
    Bench,
    Profile,
    /// A param of the flow, as `NAME=`.
    Param,
    /// A param of the simulated device, as `NAME=`.
    DeviceParam,
    /// `NAME=FILE`.
    ParamAndFile,
    /// `NAME=PATH` of a file that the flow declares.
    DeclaredFile,
    /// A setting of the line, as `NAME=VALUE`.
    Setting,
    Baud,
    Encoding,
    /// What `--filter` takes.
    Filter,
    Order,
    Fault,
    /// `KIND=FILE` of a suite.
    Report,
    /// `KIND=FILE` of `stress`.
    Campaign,
    /// `html=FILE`.
    Page,
    /// Where what failed leaves is kept.
    Artifacts,
    Library,
    /// A library as `use` names it.
    Used,
    Example,
    Code,
    HelpWord,
    Command,
    /// A file with this ending, or a folder on the way to one.
    File(&'static [&'static str]),
    Folder,
}

/// Something that fits, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Candidate {
    pub value: String,
    pub help: Option<String>,
}

impl Candidate {
    /// Makes one.
    pub(in crate::cli) fn new(value: impl Into<String>, help: impl Into<String>) -> Candidate {
        let help = Some(help.into()).filter(|help: &String| !help.is_empty());
        Candidate { value: value.into(), help }
    }
}

/// Finds what fits the part of a word that is typed.
type Find = Arc<dyn Fn(Wanted, &str) -> Vec<Candidate> + Send + Sync>;

const FLOWS: &[&str] = &["flow"];

/// Returns what fits the last of some words, those that follow the name of the program.
pub(in crate::cli) fn candidates(
    words: &[OsString],
    find: impl Fn(Wanted, &str) -> Vec<Candidate> + Send + Sync + 'static,
) -> Vec<Candidate> {
    let find: Find = Arc::new(find);
    let mut line = vec![OsString::from("flowrun")];
    line.extend(words.iter().cloned());
    // The first word may still become a command; after it a line without a command is one of `run`.
    if words.len() > 1 {
        line = super::with_command(line);
    }
    let at = line.len() - 1;
    let given = options_in(&line[..at]);
    let mut all = with_finders(super::definition(), &find);
    let found = clap_complete::engine::complete(&mut all, line, at, None).unwrap_or_default();
    let wants_option = words.last().is_some_and(|word| word.as_encoded_bytes().starts_with(b"-"));
    let mut seen = HashSet::new();
    let fit = found.into_iter().filter_map(|candidate| {
        let value = candidate.get_value().to_str()?.to_string();
        // Options are not offered where a value is meant, nor twice.
        let is_option = value.starts_with('-');
        let is_wanted = !is_option || (wants_option && !given.contains(&value));
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        (is_wanted && seen.insert(value.clone())).then(|| Candidate::new(value, help))
    });
    fit.collect()
}

/// Returns the options that are there already and count once: a second one is a mistake.
fn options_in(line: &[OsString]) -> HashSet<String> {
    let all = super::definition();
    let once = |name: &str| {
        let is_it = |argument: &&Arg| argument.get_long() == name.strip_prefix("--");
        let mut arguments = all.get_subcommands().flat_map(Command::get_arguments).filter(is_it).peekable();
        arguments.peek().is_some() && arguments.all(|argument| !matches!(argument.get_action(), ArgAction::Append))
    };
    let words = line.iter().filter_map(|word| word.to_str()).filter(|word| word.starts_with("--"));
    let names = words.map(|word| word.split('=').next().unwrap_or(word));
    names.filter(|name| once(name)).map(str::to_string).collect()
}

/// Gives each argument what finds its values.
fn with_finders(command: Command, find: &Find) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_string()).collect();
    let command = of_command(command, "run", find);
    names.iter().fold(command, |all, name| all.mut_subcommand(name, |command| of_command(command, name, find)))
}

fn of_command(command: Command, name: &str, find: &Find) -> Command {
    command.mut_args(|argument| match wanted(name, &argument) {
        Some(wanted) => {
            let find = Arc::clone(find);
            let complete = move |typed: &OsStr| -> Vec<CompletionCandidate> {
                let Some(typed) = typed.to_str() else { return Vec::new() };
                let found = find(wanted, typed).into_iter().filter(|found| found.value.starts_with(typed));
                found.map(|found| CompletionCandidate::new(found.value).help(found.help.map(Into::into))).collect()
            };
            argument.add(ArgValueCompleter::new(complete))
        }
        None => argument,
    })
}

/// Returns what completes an argument of a command; `None` if the definition says it, or nothing does.
fn wanted(command: &str, argument: &Arg) -> Option<Wanted> {
    let wanted = match (command, argument.get_id().as_str()) {
        ("stress" | "mutate", "ports") => Wanted::Device,
        (_, "ports") => Wanted::Port,
        (_, "port") => Wanted::OnePort,
        (_, "benches" | "bench") => Wanted::Bench,
        (_, "profile") => Wanted::Profile,
        (_, "vars") => Wanted::Param,
        (_, "sim_vars") => Wanted::DeviceParam,
        (_, "var_files") => Wanted::ParamAndFile,
        (_, "named_files") => Wanted::DeclaredFile,
        (_, "serial") => Wanted::Setting,
        (_, "baud") => Wanted::Baud,
        (_, "encoding") => Wanted::Encoding,
        (_, "filter") => Wanted::Filter,
        (_, "order") => Wanted::Order,
        (_, "faults") => Wanted::Fault,
        ("test", "report") => Wanted::Report,
        ("stress" | "mutate", "report") => Wanted::Campaign,
        (_, "report") => Wanted::Page,
        (_, "artifacts") => Wanted::Artifacts,
        ("std", "name") => Wanted::Library,
        (_, "libraries") => Wanted::Used,
        ("examples", "name") => Wanted::Example,
        (_, "code") => Wanted::Code,
        ("help", "words") => Wanted::HelpWord,
        ("man", "command") => Wanted::Command,
        ("examples" | "man", "write") | (_, "history" | "folder") => Wanted::Folder,
        ("show", "file") => Wanted::File(&["events", "jsonl"]),
        ("allow", "file") => Wanted::File(&["toml"]),
        ("sim" | "record", "from") => Wanted::File(&["recording"]),
        (_, "rows") => Wanted::File(&["csv", "tsv"]),
        ("check" | "fmt", "files") | (_, "file" | "flow" | "paths") => Wanted::File(FLOWS),
        (_, "files" | "limits") => Wanted::File(&["toml", "json"]),
        _ if argument.get_value_hint() == ValueHint::AnyPath => Wanted::File(&[]),
        _ => return None,
    };
    Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(line: &str) -> Vec<String> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let find = |wanted: Wanted, _: &str| vec![Candidate::new(format!("{wanted:?}"), "")];
        candidates(&words, find).into_iter().map(|candidate| candidate.value).collect()
    }

    #[test]
    fn the_first_word_is_a_command_or_a_flow() {
        assert_eq!(values("fm"), ["fmt"]);
        assert_eq!(values("comp"), ["completions"]);
        let all = values("");
        assert!(all.contains(&"run".to_string()) && !all.iter().any(|value| value.starts_with('-')), "{all:?}");
    }

    #[test]
    fn a_value_is_what_its_option_takes_with_and_without_a_command() {
        for (line, value) in [
            ("a.flow --port P", "Port"),
            ("run a.flow --port P", "Port"),
            ("a.flow -p P", "Port"),
            ("stress a.flow --port D", "Device"),
            ("term O", "OnePort"),
            ("a.flow --var P", "Param"),
            ("a.flow --sim-var D", "DeviceParam"),
            ("test --filter F", "Filter"),
            ("test --report R", "Report"),
            ("help H", "HelpWord"),
            ("std L", "Library"),
            ("test --color al", "always"),
            ("check --format j", "json"),
            ("test --flaky f", "fail"),
        ] {
            assert_eq!(values(line), [value], "{line}");
        }
        assert_eq!(values("a.flow --port=P"), ["--port=Port"]);
        assert_eq!(values("check F"), [r#"File(["flow"])"#]);
    }

    #[test]
    fn an_option_that_counts_once_is_offered_once() {
        assert_eq!(values("test --last"), ["--last-failed"]);
        assert_eq!(values("test --last-failed --last"), [""; 0]);
        assert!(values("a.flow --var x=1 --var").contains(&"--var".to_string()), "it may be repeated");
    }
}
