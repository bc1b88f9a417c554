//! What was typed, as data: the only module that knows clap.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

const ABOUT: &str = "Run declarative scenarios against a device on a serial port";

const AFTER_HELP: &str = "\
Examples:
  flowrun login.flow --port sim                    against the flow's own simulated device
  flowrun login.flow --port /dev/ttyUSB0           against a real one (COM3 on Windows)
  flowrun login.flow --port sim:other_device.flow --sim-var signal=0,0
  flowrun login.flow --port COM3 --var apn=internet --serial echo=off --transcript login.txt
  FLOWRUN_VAR_PASSWORD=… flowrun login.flow --port COM3
  flowrun check flows/*.flow

A run against a simulated device takes no time and is the same every time: it begins at
2024-07-22T04:00:00Z with seed 1. Values of secrets are best given in the environment.

Exit codes:
  0  the flow passed, was skipped, or passed at a further attempt
  1  the flow failed, or what was asked for could not be written
  2  the flow or the command line is wrong; nothing was run
  3  the port could not be opened, or went away
  130  interrupted (Ctrl-C)";

const AFTER_SIM_HELP: &str = "\
Examples:
  flowrun sim flows/devices/air.flow --pty
  flowrun sim flows/devices/air.flow --pty --link /tmp/modem --var signal=7,0
  flowrun login.flow --port /tmp/modem             in a second terminal, or any other program

Ctrl-C ends it, with exit code 0.";

/// What was typed.
#[derive(Debug, Parser)]
#[command(name = "flowrun", version, about = ABOUT, after_help = AFTER_HELP)]
#[command(override_usage = "flowrun FILE --port PORT [OPTIONS]\n       flowrun COMMAND …")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
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
    /// Check flows, devices and libraries without running them
    Check(CheckArguments),
    /// Format flows, devices and libraries
    Fmt(FormatArguments),
    /// Serve a simulated device to other programs
    #[command(after_help = AFTER_SIM_HELP)]
    Sim(SimArguments),
    /// List the serial ports of this machine
    Ports,
}

/// What `run` takes.
#[derive(Args, Clone, Debug)]
pub(super) struct RunArguments {
    /// The flow to run
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Name the port, a pattern of ports, `sim` or `sim:DEVICE_FILE`
    #[arg(long = "port", short, value_name = "PORT")]
    pub ports: Vec<String>,
    /// Run on so many ports at once [default: all]
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Seed everything random (1 for `sim`, else a new one each time)
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Set a variable of the simulated device (repeatable)
    #[arg(long = "sim-var", value_name = "NAME=VALUE", help_heading = "Variables")]
    pub sim_vars: Vec<String>,
    /// Set the bits per second of the line
    #[arg(long, value_name = "N", help_heading = "Line")]
    pub baud: Option<u64>,
    /// Change a setting of the line, such as echo=off (repeatable)
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Line")]
    pub serial: Vec<String>,
    /// Name the file for results [default: STEM_OF_FILE.saved.toml, here]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub save: Option<PathBuf>,
    /// Write a transcript of the run to a file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub transcript: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// What `check` takes.
#[derive(Args, Debug)]
pub(super) struct CheckArguments {
    /// The files to check
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Fail if there are warnings
    #[arg(long)]
    pub deny_warnings: bool,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}

/// What `fmt` takes.
#[derive(Args, Debug)]
pub(super) struct FormatArguments {
    /// The files to format (`-` is standard input, to standard output)
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Change nothing, show what would change, fail if anything would
    #[arg(long, conflicts_with = "stdout")]
    pub check: bool,
    /// Change nothing, write the layout to standard output
    #[arg(long)]
    pub stdout: bool,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}

/// What `sim` takes.
#[derive(Args, Debug)]
pub(super) struct SimArguments {
    /// The device to serve
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Serve it on a fresh pseudo-terminal (not on Windows)
    #[arg(long)]
    pub pty: bool,
    /// Give the pseudo-terminal a second name
    #[arg(long, value_name = "PATH", requires = "pty")]
    pub link: Option<PathBuf>,
    /// Seed everything random (a new one each time)
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub variables: VariableArguments,
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Variables of the file that the command line names.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Variables")]
pub(super) struct VariableArguments {
    /// Set a variable (repeatable; before --vars and FLOWRUN_VAR_NAME)
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Set variables from a TOML file of NAME = VALUE (repeatable)
    #[arg(long = "vars", value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// How much is shown, and how.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArguments {
    /// Show only a failure and the verdict
    #[arg(long, short)]
    pub quiet: bool,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}

/// When there are colours: with `auto` on a terminal, unless `NO_COLOR` is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colours {
    Auto,
    Always,
    Never,
}

/// Reads the arguments; the first one is the name of the program.
///
/// # Errors
///
/// What is to be shown instead of doing anything: a help text, the version, or what is wrong.
pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Typed, clap::Error> {
    let mut command = definition();
    let arguments = with_command(arguments.into_iter().collect(), &command);
    let matches = command.try_get_matches_from_mut(arguments)?;
    Typed::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Returns the commands, with the options of `run` in the general help too, though `run` itself reads them.
fn definition() -> clap::Command {
    RunArguments::augment_args(Typed::command()).about(ABOUT)
}

/// Puts `run` before arguments that do not begin with a command.
fn with_command(mut arguments: Vec<OsString>, command: &clap::Command) -> Vec<OsString> {
    let is_named = arguments.get(1).is_none_or(|first| {
        let is_general = ["help", "--help", "-h", "--version", "-V"].iter().any(|general| first == general);
        is_general || command.get_subcommands().any(|known| first == known.get_name())
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
    fn help_goes_to_standard_output_and_mistakes_do_not() {
        for line in ["flowrun --help", "flowrun -V", "flowrun help sim", "flowrun check --help"] {
            assert!(!read_line(line).expect_err("it shows something").use_stderr(), "{line}");
        }
        for line in
            ["flowrun", "flowrun --port sim", "flowrun a.flow --prot sim", "flowrun sim a --link x", "flowrun check"]
        {
            assert!(read_line(line).expect_err("it is wrong").use_stderr(), "{line}");
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
            assert!(line.chars().count() < 70 && !line.ends_with('.'), "{line}");
        }
    }
}
