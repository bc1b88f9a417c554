//! What `test` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Colours, LimitArguments, LineArguments, VariableArguments, one_or_more, output_file};
use crate::report::format::Format;

/// Returns what stands below the options of `test`, with every kind of report.
pub(super) fn after_test_help() -> String {
    let kinds: Vec<&str> = Format::all().map(Format::name).collect();
    format!("{AFTER_TEST_HELP}\n\nKinds of report: {}.", kinds.join(", "))
}

const AFTER_TEST_HELP: &str = "\
Examples:
  flowrun test                                     every flow below this folder
  flowrun test flows --review                      look at each difference, with a key each
  flowrun test flows --accept                      take all transcripts as they are
  flowrun test flows --shard 1/4 --report junit=junit.xml
  flowrun test flows --coverage --report lcov=lcov.info
  flowrun test flows/login.flow --port /dev/ttyUSB0

A variable is set in the flows that have it. The options of the line are for all flows.

A flow runs against the device that it names with `sim`, under the virtual clock. Its transcript
is compared with snapshots/NAME.snap beside it; a difference goes into snapshots/NAME.snap.new.
With CI in the environment, --check is on unless --accept is.

Exit codes are those of a run: 0 all passed, 1 a flow failed or changed, 2 a flow or the command
line is wrong, 3 a port failed, 130 interrupted.";

/// What `test` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct TestArguments {
    /// The flows, and folders of flows [default: this folder]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Name a port, `sim:DEVICE_FILE` or `replay:FILE`, for all flows
    #[arg(long = "port", short, value_name = "PORT")]
    pub ports: Vec<String>,
    /// Take the port of each name from this bench of `flowrun.toml`
    #[arg(long, value_name = "NAME", conflicts_with = "ports")]
    pub bench: Option<String>,
    /// Take the port and variables from this profile of `flowrun.toml`
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Wait this long before the first flow for a port that is not there
    #[arg(long, value_name = "DURATION")]
    pub wait_port: Option<String>,
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Seed everything random (1 for devices, else a new one each time)
    #[arg(long, value_name = "N", help_heading = "Variables")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Set a variable of the devices that have it (repeatable)
    #[arg(long = "sim-var", value_name = "NAME=VALUE", help_heading = "Variables")]
    pub sim_vars: Vec<String>,
    #[command(flatten)]
    pub limits: LimitArguments,
    #[command(flatten)]
    pub line: LineArguments,
    #[command(flatten)]
    pub snapshots: SnapshotArguments,
    #[command(flatten)]
    pub kept: KeptArguments,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: Colours,
}

/// What is shown of the runs of `test`, and what stays of them.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub(in crate::cli) struct KeptArguments {
    /// Show only flows with which something is wrong, and the counts
    #[arg(long, short)]
    pub quiet: bool,
    /// Show which statements and branches no flow of the suite reached
    #[arg(long)]
    pub coverage: bool,
    /// Write a report of the suite; its kinds are below (repeatable)
    #[arg(long, value_name = "KIND=FILE")]
    pub report: Vec<String>,
    /// Write the transcript of each flow into a folder
    #[arg(long, value_name = "DIR", value_parser = output_file())]
    pub transcript: Option<PathBuf>,
    /// Write a recording of each flow into a folder
    #[arg(long, value_name = "DIR", value_parser = output_file())]
    pub record: Option<PathBuf>,
    /// Write what each flow saves into a folder [default: it is not kept]
    #[arg(long, value_name = "DIR", value_parser = output_file())]
    pub save: Option<PathBuf>,
    /// Write the events of all runs to a file, as JSON Lines
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub events: Option<PathBuf>,
    /// Add the runs to the history [default: if there is .flowrun/history]
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub history: Option<Option<PathBuf>>,
    /// Keep what failed runs leave: DIR, always, always=DIR or never
    #[arg(long, value_name = "DIR")]
    pub artifacts: Option<String>,
}

pub(super) const AFTER_PENDING_HELP: &str = "\
Examples:
  flowrun pending flows                            what `flowrun test` has put aside
  flowrun pending flows --format json

`flowrun test --review` asks about each of them.

Exit codes: 0 nothing is put aside, 1 something is, 2 the command line is wrong.";

/// What `pending` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct PendingArguments {
    /// Flows, and folders of flows [default: this folder]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Say how the list is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
}

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ListFormat {
    /// A line for each
    Text,
    /// One JSON document
    Json,
}

/// What becomes of a flow that needed more than one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum FlakyResult {
    /// It passes
    Pass,
    /// It fails
    Fail,
}

/// Which flows `test` runs, and how many times.
#[derive(Args, Debug)]
#[command(next_help_heading = "Selection")]
pub(in crate::cli) struct SelectionArguments {
    /// Run only flows that match: a part of the path, `tag(smoke)`, …
    #[arg(long, value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Run only flows that failed when they were run last
    #[arg(long)]
    pub last_failed: bool,
    /// Run the flows that use a changed file again, until Ctrl-C
    #[arg(long, conflicts_with_all = ["list", "review", "until_fail"])]
    pub watch: bool,
    /// Run nothing, list the flows with titles and tags
    #[arg(long, conflicts_with_all = ["repeat", "until_fail", "fail_fast"])]
    pub list: bool,
    /// Say how the list is written
    #[arg(long, value_name = "FORMAT", default_value = "text", requires = "list")]
    pub format: ListFormat,
    /// Start flows by `name`, `random`, `random:SEED` or `failed-first`
    #[arg(long, value_name = "ORDER")]
    pub order: Option<String>,
    /// Run part K of N
    #[arg(long, value_name = "K/N")]
    pub shard: Option<String>,
    /// Run each flow this many times, each with the next seed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: Option<u32>,
    /// Run each flow until it fails, at most `--repeat` times
    #[arg(long)]
    pub until_fail: bool,
    /// Start no flow after one that failed
    #[arg(long)]
    pub fail_fast: bool,
    /// Say if a flow that needed more than one attempt passes
    #[arg(long, value_name = "WHAT", default_value = "pass")]
    pub flaky: FlakyResult,
    /// Fail a flow if a clean-up in it fails
    #[arg(long)]
    pub strict: bool,
    /// Run this many flows at once [default: one a processor]
    #[arg(long, value_name = "N", value_parser = one_or_more())]
    pub jobs: Option<usize>,
}

/// What becomes of the transcripts of `test`.
#[derive(Args, Debug)]
#[command(next_help_heading = "Snapshots")]
pub(in crate::cli) struct SnapshotArguments {
    /// Ask about each new or changed transcript
    #[arg(long, conflicts_with_all = ["accept", "check"])]
    pub review: bool,
    /// Accept every new or changed transcript
    #[arg(long, conflicts_with = "check")]
    pub accept: bool,
    /// Write nothing; fail if a transcript is new or a snapshot an orphan
    #[arg(long)]
    pub check: bool,
    /// Show what matches as `[NAME]` in transcripts (repeatable)
    #[arg(long, value_name = "REGEX=NAME")]
    pub volatile: Vec<String>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::RunArguments;
    use super::*;

    fn options<T: Args>() -> BTreeSet<String> {
        let command = T::augment_args(clap::Command::new("x"));
        command.get_arguments().filter_map(|argument| argument.get_long()).map(|name| format!("--{name}")).collect()
    }

    #[test]
    fn an_option_of_run_is_one_of_test_too_or_the_document_says_why_not() {
        let document = include_str!("../../../docs/suites.md");
        let (_, table) = document.split_once("| option of a run | why a suite has none |").expect("there is a table");
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let told: BTreeSet<String> = rows
            .flat_map(|row| row.split('|').nth(1).unwrap_or_default().split('·'))
            .map(|name| name.trim().trim_matches('`').to_string())
            .collect();
        let away: BTreeSet<String> =
            options::<RunArguments>().difference(&options::<TestArguments>()).cloned().collect();
        assert_eq!(away, told);
    }
}
