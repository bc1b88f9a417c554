//! What was typed, as data: the only module that knows clap.

mod check;
mod complete;
mod files;
mod history;
mod lsp;
mod man;
mod mcp;
mod mutate;
mod ports;
mod record;
mod rows;
mod shell;
mod shipped;
mod short;
mod show;
mod term;
mod test;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::diagnostic::nearest::nearest;
use crate::report::console::Volume;
use crate::report::hex::View;
use crate::value::escape::harmless;
pub(super) use check::{CheckArguments, FormatArguments};
pub(super) use complete::{Candidate, Wanted, candidates};
pub(super) use files::FileArguments;
pub(super) use history::{HistoryArguments, HistoryFormat};
pub(super) use lsp::LspArguments;
pub(super) use man::{page, pages};
pub(super) use mcp::McpArguments;
pub(super) use mutate::MutateArguments;
pub(super) use ports::{AllowArguments, DoctorArguments, PortsArguments, SayArguments};
pub(super) use record::RecordArguments;
pub(super) use rows::RowArguments;
pub(super) use shell::{CompletionsArguments, ManArguments, Shell};
pub(super) use shipped::{
    DemoArguments, ExamplesArguments, ExplainArguments, HelpArguments, InitArguments, StdArguments,
};
pub(super) use show::ShowArguments;
pub(super) use term::{TermArguments, TypedMode, TypedNewline, TypedStamps};
use test::after_test_help;
pub(super) use test::{FlakyResult, KeptArguments, ListFormat, PendingArguments, SelectionArguments, TestArguments};

const ABOUT: &str = "Run declarative scenarios against a device on a serial port";

const AFTER_HELP: &str = "\
Examples:
  flowrun login.flow --port sim                    against the flow's own simulated device
  flowrun login.flow --port /dev/ttyUSB0           against a real one (COM3 on Windows)
  flowrun login.flow --port sim:other_device.flow --sim-var signal=0,0
  flowrun login.flow --port COM3 --var apn=internet --serial echo=off --transcript login.txt
  flowrun program.flow --port COM3 --port COM4 --rows units.csv --rows-out results.csv
  FLOWRUN_VAR_PASSWORD=… flowrun login.flow --port COM3
  flowrun check flows/*.flow

A run against a simulated device takes no time and is the same every time: it begins at
2024-07-22T04:00:00Z with seed 1. Values of secrets are best given in the environment.

Exit codes:
  0  the flow passed, was skipped, or passed at a further attempt
  1  the flow failed, or an output could not be written
  2  the flow or the command line is wrong; nothing was run
  3  the port could not be opened, or went away
  101  flowrun itself failed
  130  interrupted (Ctrl-C)";

const AFTER_SIM_HELP: &str = "\
Examples:
  flowrun sim flows/devices/air.flow
  flowrun sim flows/devices/air.flow --link /tmp/modem --var signal=7,0
  flowrun login.flow --port /tmp/modem             in a second terminal, or any other program
  flowrun sim power_cycle.flow --all-ports         every device of a flow, with their wires

Ctrl-C ends it, with exit code 0.";

const AFTER_STRESS_HELP: &str = "\
Examples:
  flowrun stress login.flow                        300 runs against its own simulated device
  flowrun stress login.flow --runs 10000 --faults split,delay,merge,urc,echo
  flowrun stress login.flow --seed 42 --runs 1 --faults urc@17     one of them again
  flowrun stress login.flow --report junit=stress.xml --report json=stress.json

Benign faults, which must not change how the flow ends:
  split   reads cut anywhere          delay  answers later, within limits
  merge   two writes in one read      urc    unsolicited lines between answers
  echo    no echo of what was sent    wrap   an echo that a terminal wraps
Malign faults, after which a flow must fail with a reason or pass correctly:
  glue    a line end is missing       garbage  bytes that are not text
  late    answers after their limit   lost     bytes that do not arrive
  reset   the device restarts         unplug   the port goes away for a while
  stale   an old answer is unread     overdue  an old answer comes once more

Exit codes: 0 nothing found, 1 something found, 2 the flow or the command line is wrong.";

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "flowrun", version, about = ABOUT, after_help = AFTER_HELP)]
#[command(override_usage = "flowrun FILE --port PORT [OPTIONS]\n       flowrun COMMAND …")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub(super) struct Typed {
    /// The command; `run` if none was typed.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a flow (the default command)
    #[command(after_help = AFTER_HELP, override_usage = "flowrun [run] FILE --port PORT [OPTIONS]")]
    Run(RunArguments),
    /// Run every flow of a folder and compare transcripts with snapshots
    #[command(after_help = after_test_help())]
    Test(TestArguments),
    /// List transcripts that `test` has put aside for review
    #[command(after_help = test::AFTER_PENDING_HELP)]
    Pending(PendingArguments),
    /// Check flows, devices and libraries without running them
    Check(CheckArguments),
    /// Format flows, devices and libraries
    Fmt(FormatArguments),
    /// Serve a simulated device to other programs
    #[command(after_help = AFTER_SIM_HELP)]
    Sim(SimArguments),
    /// Run a flow hundreds of times on a line that misbehaves
    #[command(after_help = AFTER_STRESS_HELP)]
    Stress(StressArguments),
    /// Make an HTML page of runs
    #[command(after_help = show::AFTER_SHOW_HELP)]
    Show(ShowArguments),
    /// Change the answers of the device, and show what the flow misses
    #[command(after_help = mutate::AFTER_MUTATE_HELP)]
    Mutate(MutateArguments),
    /// List the serial ports of this machine
    #[command(after_help = ports::AFTER_PORTS_HELP)]
    Ports(PortsArguments),
    /// Talk to a device by hand, key by key or line by line
    #[command(after_help = term::AFTER_TERM_HELP)]
    Term(Box<TermArguments>),
    /// Send commands to a port and show the answers
    #[command(after_help = ports::AFTER_SAY_HELP)]
    Say(SayArguments),
    /// Draft a flow and its device from recordings of a session
    #[command(after_help = record::AFTER_RECORD_HELP)]
    Record(RecordArguments),
    /// Say why a port may not work, and what to do about it
    #[command(after_help = ports::AFTER_DOCTOR_HELP)]
    Doctor(DoctorArguments),
    /// Show verdicts of past runs, and what became slower
    #[command(after_help = history::AFTER_HISTORY_HELP)]
    History(HistoryArguments),
    /// Allow a `flowrun.toml` to run programs until it changes
    Allow(AllowArguments),
    /// Let an agent use flowrun, with your consent for real ports
    #[command(after_help = mcp::AFTER_MCP_HELP)]
    Mcp(McpArguments),
    /// Run a built-in flow against its device, without any file
    Demo(DemoArguments),
    /// List the built-in flows, show one, or write it to a folder
    #[command(after_help = shipped::AFTER_EXAMPLES_HELP)]
    Examples(ExamplesArguments),
    /// Write a flow, its device, its snapshot, flowrun.toml and a CI job
    Init(InitArguments),
    /// List the built-in libraries, or show one
    Std(StdArguments),
    /// Say what the code of an error or warning means
    Explain(ExplainArguments),
    /// Serve an editor: diagnostics, completion, renaming and more
    #[command(after_help = lsp::AFTER_LSP_HELP)]
    Lsp(LspArguments),
    /// Show the help of a command, or a topic of the language
    #[command(after_help = shipped::AFTER_HELP_HELP)]
    Help(HelpArguments),
    /// Write what makes a shell complete commands, ports and variables
    #[command(after_help = shell::AFTER_COMPLETIONS_HELP)]
    Completions(CompletionsArguments),
    /// Write the manual page of the program or of a command
    #[command(after_help = shell::AFTER_MAN_HELP)]
    Man(ManArguments),
}

/// What `run` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct RunArguments {
    /// The flow to run
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Name a port: `tcp://…`, `sim`, `replay:FILE`; of several: `NAME=…`
    #[arg(long = "port", short, value_name = "PORT")]
    pub ports: Vec<String>,
    /// Run on the ports of this bench of `flowrun.toml` (repeatable)
    #[arg(long = "bench", value_name = "NAME", conflicts_with = "ports")]
    pub benches: Vec<String>,
    /// Take ports and variables from this profile of `flowrun.toml`
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Wait this long for a port that is not there yet, such as 30s
    #[arg(long, value_name = "DURATION")]
    pub wait_port: Option<String>,
    /// Run on this many ports at once [default: all]
    #[arg(long, value_name = "N", value_parser = one_or_more())]
    pub jobs: Option<usize>,
    /// Seed everything random (1 for `sim`, else a new one each time)
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Fail if a clean-up fails
    #[arg(long)]
    pub strict: bool,
    #[command(flatten)]
    pub rows: RowArguments,
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Set a variable of the simulated device (repeatable)
    #[arg(long = "sim-var", value_name = "NAME=VALUE", help_heading = "Variables")]
    pub sim_vars: Vec<String>,
    #[command(flatten)]
    pub limits: LimitArguments,
    #[command(flatten)]
    pub line: LineArguments,
    #[command(flatten)]
    pub files: FileArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// What `sim` takes.
#[derive(Args, Debug)]
pub(super) struct SimArguments {
    /// The device to serve
    #[arg(value_name = "FILE", required_unless_present = "from")]
    pub file: Option<PathBuf>,
    /// Make a device file from a recording, on standard output
    #[arg(long, value_name = "RECORDING", conflicts_with_all = ["file", "pty"])]
    pub from: Option<PathBuf>,
    /// Serve every device of a flow, with their wires, on a port each
    #[arg(long, conflicts_with = "from")]
    pub all_ports: bool,
    /// Serve it on a new pseudo-terminal (the default)
    #[arg(long)]
    pub pty: bool,
    /// Give the pseudo-terminal a second name
    #[arg(long, value_name = "PATH", conflicts_with = "from")]
    pub link: Option<PathBuf>,
    /// Serve it on a TCP port, such as 127.0.0.1:4000 (port 0: a free one)
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["from", "pty", "link"])]
    pub tcp: Option<String>,
    /// With --tcp: speak RFC 2217, so that baud and control lines count
    #[arg(long, requires = "tcp")]
    pub rfc2217: bool,
    /// Seed everything random (a new one each time)
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub variables: VariableArguments,
    /// The same as --var
    #[arg(long = "sim-var", value_name = "NAME=VALUE", hide = true)]
    pub sim_vars: Vec<String>,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// What `stress` takes.
#[derive(Args, Debug)]
pub(super) struct StressArguments {
    /// The flow to run
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Name the device: `sim`, the flow's own, or `sim:DEVICE_FILE`
    #[arg(long = "port", short, value_name = "PORT", default_value = "sim")]
    pub ports: Vec<String>,
    /// Run it this many times
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub runs: u64,
    /// Seed the first run; each further run has the next seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Name the faults: split,delay,… or exactly urc@17 [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub faults: Vec<String>,
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Set a variable of the simulated device (repeatable)
    #[arg(long = "sim-var", value_name = "NAME=VALUE", help_heading = "Variables")]
    pub sim_vars: Vec<String>,
    #[command(flatten)]
    pub limits: LimitArguments,
    /// Write a report of what was found: junit=FILE or json=FILE (repeatable)
    #[arg(long, value_name = "KIND=FILE", help_heading = "Output")]
    pub report: Vec<String>,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}

/// Variables of the file that the command line names.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Variables")]
pub(super) struct VariableArguments {
    /// Set a variable (repeatable; wins over --vars and FLOWRUN_VAR_NAME)
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Set variables from a TOML or JSON file (repeatable)
    #[arg(long = "vars", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Set a variable to the content of a file (repeatable)
    #[arg(long = "var-file", value_name = "NAME=FILE")]
    pub var_files: Vec<String>,
    /// Name a file that the flow declares, or a place for one it receives
    #[arg(long = "file", value_name = "NAME=PATH")]
    pub named_files: Vec<String>,
}

/// The limits that differ from the flow's.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Variables")]
pub(super) struct LimitArguments {
    /// Take limits of measurements from a TOML file (repeatable)
    #[arg(long = "limits", value_name = "FILE")]
    pub limits: Vec<PathBuf>,
}

/// The settings of the line that differ from the flow's.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Line")]
pub(super) struct LineArguments {
    /// Set the bits per second of the line
    #[arg(long, value_name = "N")]
    pub baud: Option<u64>,
    /// Change a setting of the line, such as echo=off (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    pub serial: Vec<String>,
}

/// How much is shown, and how.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArguments {
    /// Show only a failure and the verdict
    #[arg(long, short)]
    pub quiet: bool,
    /// Cut long lines to the width of the terminal
    #[arg(long)]
    pub cut: bool,
    /// Show the exchange as text, as hex, or as hex where it is binary
    #[arg(long, value_name = "HOW", default_value = "auto")]
    view: Views,
    /// Show every byte of the exchange: echoes, and all line ends
    #[arg(long)]
    pub raw: bool,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}

impl OutputArguments {
    /// Returns how much is shown.
    pub(super) fn volume(&self) -> Volume {
        if self.quiet { Volume::Quiet } else { Volume::Normal }
    }

    /// Returns how bytes of the exchange are shown.
    pub(super) fn view(&self) -> View {
        match self.view {
            Views::Auto => View::Auto,
            Views::Text => View::Text,
            Views::Hex => View::Hex,
        }
    }
}

/// How bytes of the exchange are shown: with `auto` as hex where most of a block is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Views {
    Auto,
    Text,
    Hex,
}

/// When there are colours: with `auto` on a terminal, unless `NO_COLOR` is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colours {
    Auto,
    Always,
    Never,
}

/// Reads the name of a file that is written: `-`, which means standard output elsewhere, is none.
fn output_file() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path == Path::new("-") {
        true => Err("`-` is not a file here: name one; standard output shows the run itself"),
        false => Ok(path),
    })
}

/// Reads how many do something at once: nothing can be done by none.
fn one_or_more() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u32).range(1..).map(|count| count as usize)
}

/// Returns the first argument if it looks like a command and is none, and the command that it is most like.
pub(super) fn mistyped(arguments: &[OsString]) -> Option<(String, Option<String>)> {
    let word = arguments.get(1)?.to_str()?;
    let is_word = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if !is_word || word.starts_with('-') || word == "help" || Command::has_subcommand(word) {
        return None;
    }
    let command = Typed::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    let near = if word == "version" { Some("--version") } else { nearest(word, names) };
    Some((word.to_string(), near.map(str::to_string)))
}

/// Returns the long help of a command, or of the program without one; `None` if there is no such command.
pub(super) fn help_of(words: &[&str]) -> Option<String> {
    let mut command = definition();
    command.build();
    match words {
        [] => Some(command.render_long_help().to_string()),
        [word] => command.find_subcommand_mut(word).map(|command| command.render_long_help().to_string()),
        _ => None,
    }
}

/// Returns the names of the commands that have an option.
pub(super) fn commands_with_option(option: &str) -> Vec<String> {
    let has = |command: &&clap::Command| command.get_arguments().any(|known| known.get_long() == Some(option));
    Typed::command().get_subcommands().filter(has).map(|command| command.get_name().to_string()).collect()
}

/// Returns the names of all commands.
pub(super) fn commands() -> Vec<String> {
    Typed::command().get_subcommands().map(|command| command.get_name().to_string()).collect()
}

/// Reads the arguments; the first one is the name of the program.
///
/// # Errors
///
/// What must be shown instead of doing anything: a help text, the version, or what is wrong.
pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Typed, clap::Error> {
    let arguments = with_command(arguments.into_iter().collect());
    if let Some(arguments) = read_run(&arguments) {
        return Ok(Typed { command: Command::Run(arguments) });
    }
    let mut command = definition();
    let matches = command.try_get_matches_from_mut(&arguments).map_err(|error| answer(error, &arguments))?;
    Typed::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Returns what is shown instead of doing anything; the short help has a definition of its own.
fn answer(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand};
    let is_long = arguments.iter().any(|argument| argument == "--help");
    let kind = error.kind();
    let is_short = (kind == DisplayHelp && !is_long) || kind == DisplayHelpOnMissingArgumentOrSubcommand;
    match is_short.then(|| short::definition().try_get_matches_from(arguments)) {
        Some(Err(short)) if short.kind() == error.kind() => short,
        Some(_) | None => harmless_answer(error, arguments),
    }
}

/// Returns an answer in which nothing of what was typed is obeyed by a terminal: the one to the same line made visible.
fn harmless_answer(answer: clap::Error, arguments: &[OsString]) -> clap::Error {
    let made_visible = arguments.iter().map(|argument| OsString::from(harmless(argument.as_encoded_bytes())));
    let made_visible: Vec<OsString> = made_visible.collect();
    if made_visible == arguments {
        return answer;
    }
    definition().try_get_matches_from(made_visible).err().unwrap_or_else(|| {
        let text = answer.to_string();
        clap::Error::raw(answer.kind(), text.lines().map(|line| harmless(line) + "\n").collect::<String>())
    })
}

/// Returns the commands, with the options of `run` in the general help too, though `run` itself reads them.
fn definition() -> clap::Command {
    RunArguments::augment_args(Typed::command()).about(ABOUT)
}

/// Reads a line for `run` by its own definition; `None` leaves the answer to a mistake or to `--help` to the definition of all.
///
/// The definition of all commands describes seven of them to read one. Without this function a run takes at least 100,000
/// instructions more, of 2.6 million for a trivial flow: 4 %. Counted with Valgrind as the difference between
/// `flowrun stress` and `flowrun run` with a file that does not exist, which fail at the same place.
fn read_run(arguments: &[OsString]) -> Option<RunArguments> {
    let [name, command, rest @ ..] = arguments else { return None };
    if command != "run" {
        return None;
    }
    let definition = RunArguments::augment_args(clap::Command::new("flowrun"));
    let matches = definition.try_get_matches_from(std::iter::once(name).chain(rest)).ok()?;
    RunArguments::from_arg_matches(&matches).ok()
}

/// Puts `run` before arguments that do not begin with a command.
fn with_command(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is_named = arguments.get(1).is_none_or(|first| {
        let is_general = ["help", "--help", "-h", "--version", "-V"].iter().any(|general| first == general);
        is_general || first.to_str().is_some_and(Command::has_subcommand)
    });
    if !is_named {
        arguments.insert(1, "run".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_line(line: &str) -> Result<Typed, clap::Error> {
        read(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
    }

    #[test]
    fn a_file_without_a_command_is_run() {
        for line in ["flowrun a.flow --port sim", "flowrun run a.flow -p sim", "flowrun --port sim a.flow"] {
            let typed = read_line(line).expect("it is right");
            let Command::Run(arguments) = typed.command else { panic!("{line} is no run") };
            assert_eq!((arguments.file, arguments.ports), (PathBuf::from("a.flow"), vec!["sim".to_string()]));
        }
        let typed = read_line("flowrun check a.flow b.flow").expect("it is right");
        assert!(matches!(typed.command, Command::Check(arguments) if arguments.files.len() == 2));
    }

    #[test]
    fn what_looks_like_a_command_and_is_none_is_told_apart_from_a_file() {
        let word = |line: &str| mistyped(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(word("flowrun tset flows"), Some(("tset".to_string(), Some("test".to_string()))));
        assert_eq!(word("flowrun version"), Some(("version".to_string(), Some("--version".to_string()))));
        assert_eq!(word("flowrun teleport"), Some(("teleport".to_string(), None)));
        for line in ["flowrun", "flowrun test", "flowrun help", "flowrun a.flow", "flowrun dir/flow", "flowrun -V"] {
            assert_eq!(word(line), None, "{line}");
        }
    }

    #[test]
    fn help_goes_to_standard_output_and_mistakes_do_not() {
        for line in ["flowrun --help", "flowrun -V", "flowrun check --help"] {
            assert!(!read_line(line).expect_err("it shows something").use_stderr(), "{line}");
        }
        for line in [
            "flowrun",
            "flowrun --port sim",
            "flowrun a.flow --prot sim",
            "flowrun sim --from a --link x",
            "flowrun a.flow --port sim --transcript -",
            "flowrun a.flow --port sim --jobs 0",
            "flowrun test --jobs 0",
            "flowrun check",
        ] {
            assert!(read_line(line).expect_err("it is wrong").use_stderr(), "{line}");
        }
    }

    #[test]
    fn no_mistake_is_shown_as_a_terminal_would_obey_it() {
        for odd in ["\u{1b}[2J", "\u{202e}", "\u{9b}2J"] {
            let lines = [
                format!("flowrun a.flow --{odd}"),
                format!("flowrun check a --color {odd}"),
                format!("flowrun a --jobs {odd}"),
            ];
            for line in lines {
                let answer = read_line(&line).expect_err("it is wrong").to_string();
                assert!(!answer.contains(odd) && answer.contains('\\'), "{answer}");
            }
        }
    }

    #[test]
    fn every_help_text_begins_with_a_short_line_without_a_full_stop() {
        let mut command = definition();
        command.build();
        let arguments = command.get_subcommands().flat_map(|c| c.get_arguments().filter_map(|a| a.get_help()));
        let abouts = command.get_subcommands().filter_map(clap::Command::get_about);
        for help in arguments.chain(abouts) {
            let line = help.to_string();
            assert!(line.chars().count() <= 70 && !line.ends_with('.'), "{line}");
        }
    }
}
