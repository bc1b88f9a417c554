//! Which files a run leaves.

use std::path::PathBuf;

use clap::Args;

use super::output_file;
use super::show::page_file;

/// The files that a run leaves.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Output")]
pub(in crate::cli) struct FileArguments {
    /// Name the file for results [default: STEM_OF_FILE.saved.toml, here]
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub save: Option<PathBuf>,
    /// Write a transcript of the run to a file
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub transcript: Option<PathBuf>,
    /// Write the events of the run to a file, as JSON Lines
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub events: Option<PathBuf>,
    /// Write a page about the run when it has ended: html=FILE
    #[arg(long, value_name = "html=FILE", value_parser = page_file())]
    pub report: Option<PathBuf>,
    /// Keep a recording that `--port replay:FILE` plays
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub record: Option<PathBuf>,
    /// Add the run to the history [default: if there is .flowrun/history]
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub history: Option<Option<PathBuf>>,
    /// Keep what failed runs leave: DIR, always, always=DIR or never
    #[arg(long, value_name = "DIR")]
    pub artifacts: Option<String>,
}
