//! What `record` takes.

use std::path::PathBuf;

use clap::Args;

use super::Colours;

pub(in crate::cli) const AFTER_RECORD_HELP: &str = "\
Examples:
  flowrun login.flow --port COM3 --record monday.recording
  flowrun record --from monday.recording                        show the flow
  flowrun record --from monday.recording --write new.flow       and new.device.flow
  flowrun record --from monday.recording --from tuesday.recording --write new.flow
  flowrun record --from a.recording --secret 'KEY=\"(?<key>[^\"]*)\"' --write new.flow

What changed between two recordings of one job is looked for with a regex. What was typed where
a password was asked for is in none of the files. `flowrun test new.flow` is green at once.

Exit codes: 0 it passed, 1 it did not pass against its device, 2 the command line is wrong,
or a file is already there, 3 a file could not be read or written.";

/// What `record` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct RecordArguments {
    /// Take this recording of a session (repeatable: of the same job)
    #[arg(long, value_name = "RECORDING", required = true)]
    pub from: Vec<PathBuf>,
    /// Write the flow to this file, and its device and snapshot beside it
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Keep what this finds in a line out of every file (repeatable)
    #[arg(long = "secret", value_name = "REGEX")]
    pub secrets: Vec<String>,
    /// Give the flow this title
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}
