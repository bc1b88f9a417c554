//! What `test` takes.

use std::path::PathBuf;

use clap::Args;

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
  flowrun test flows --review                      look at each difference, y or n
  flowrun test flows --accept                      take all transcripts as they are
  flowrun test flows --shard 1/4 --report junit=junit.xml
  flowrun test flows --coverage --report lcov=lcov.info
  flowrun test flows/login.flow --port /dev/ttyUSB0

A variable is set in the flows that have it. The options of the line are for all flows.

A flow runs against the device that it names with `sim`, under the virtual clock. Its transcript
is compared with snapshots/NAME.snap beside it; what differs is put into snapshots/NAME.snap.new.
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
    /// Wait so long before the first flow for a port that is not there
    #[arg(long, value_name = "DURATION")]
    pub wait_port: Option<String>,
    #[command(flatten)]
    pub selection: SelectionArguments,
    /// Seed everything random (1 for devices, else a new one each time)
    #[arg(long, value_name = "N", help_heading = "Variables")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub variables: VariableArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
    #[command(flatten)]
    pub line: LineArguments,
    #[command(flatten)]
    pub snapshots: SnapshotArguments,
    /// Show which statements and branches no flow of the suite reached
    #[arg(long, help_heading = "Output")]
    pub coverage: bool,
    /// Write a report of the suite; its kinds are below (repeatable)
    #[arg(long, value_name = "KIND=FILE", help_heading = "Output")]
    pub report: Vec<String>,
    /// Write the events of all runs to a file, as JSON Lines
    #[arg(long, value_name = "FILE", value_parser = output_file(), help_heading = "Output")]
    pub events: Option<PathBuf>,
    /// Keep what failed runs leave: DIR, always, always=DIR or never
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub artifacts: Option<String>,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: Colours,
}

/// Which flows `test` runs, and how many times.
#[derive(Args, Debug)]
#[command(next_help_heading = "Selection")]
pub(in crate::cli) struct SelectionArguments {
    /// Run only flows with this in their path (repeatable)
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Run part K of N
    #[arg(long, value_name = "K/N")]
    pub shard: Option<String>,
    /// Run each flow so many times, each with the next seed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: Option<u32>,
    /// Run each flow until it fails, at most `--repeat` times
    #[arg(long)]
    pub until_fail: bool,
    /// Begin no flow after one that failed
    #[arg(long)]
    pub fail_fast: bool,
    /// Fail a flow if a clean-up in it fails
    #[arg(long)]
    pub strict: bool,
    /// Run so many flows at once [default: one a processor]
    #[arg(long, value_name = "N", value_parser = one_or_more())]
    pub jobs: Option<usize>,
}

/// What becomes of the transcripts of `test`.
#[derive(Args, Debug)]
#[command(next_help_heading = "Snapshots")]
pub(in crate::cli) struct SnapshotArguments {
    /// Ask for each new or changed transcript whether it is right
    #[arg(long, conflicts_with_all = ["accept", "check"])]
    pub review: bool,
    /// Take every new or changed transcript as it is
    #[arg(long, conflicts_with = "check")]
    pub accept: bool,
    /// Write nothing; fail if a transcript is new or a snapshot an orphan
    #[arg(long)]
    pub check: bool,
    /// Show what matches as `[NAME]` in transcripts (repeatable)
    #[arg(long, value_name = "REGEX=NAME")]
    pub volatile: Vec<String>,
}
