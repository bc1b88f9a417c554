//! What `history` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const AFTER_HISTORY_HELP: &str = "\
Examples:
  mkdir -p .flowrun/history                        from now on, each run adds to it
  flowrun history                                  every flow, verdicts and times
  flowrun history flows/login.flow --since 30d
  flowrun history --fail-on-drift 3x               for CI

Simulated runs count for verdicts, runs on real ports for times too. Weeks and days are counted
back from the newest run.

Exit codes: 0 nothing became slower or nobody asked, 1 something became slower by so much, 2 the
command line is wrong or there is no history.";

/// What `history` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct HistoryArguments {
    /// Show the runs of this flow only
    #[arg(value_name = "FLOW")]
    pub flow: Option<PathBuf>,
    /// Read this folder [default: the nearest .flowrun/history]
    #[arg(long, value_name = "DIR")]
    pub history: Option<PathBuf>,
    /// Name what became slower in this time, such as 12h, 7d or 4w
    #[arg(long, value_name = "DURATION", default_value = "7d")]
    pub since: String,
    /// Fail if a device takes this many times as long, such as 3x
    #[arg(long, value_name = "TIMES")]
    pub fail_on_drift: Option<String>,
    /// Write text, or JSON for programs
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: HistoryFormat,
}

/// How the history is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum HistoryFormat {
    Text,
    Json,
}
