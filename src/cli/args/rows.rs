//! What `run` takes of rows.

use std::path::PathBuf;

use clap::Args;

use super::output_file;

/// A run for each row of a file.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Rows")]
pub(in crate::cli) struct RowArguments {
    /// Run once for each row of a CSV file; its columns are variables
    #[arg(long = "rows", id = "rows", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Write a line to a CSV file for each row that has ended
    #[arg(long, value_name = "FILE", value_parser = output_file(), requires = "rows")]
    pub rows_out: Option<PathBuf>,
    /// Continue --rows-out: leave out the rows that have passed
    #[arg(long, requires = "rows_out")]
    pub resume: bool,
}
