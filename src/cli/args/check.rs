//! What `check` and `fmt` take.

use std::path::PathBuf;

use clap::Args;

use super::{Colours, ListFormat};

/// What `check` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct CheckArguments {
    /// The files to check, and folders of them
    #[arg(value_name = "PATH", required = true)]
    pub files: Vec<PathBuf>,
    /// Fail if there are warnings
    #[arg(long)]
    pub deny_warnings: bool,
    /// Write text to standard error, or one JSON document to standard output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}

/// What `fmt` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct FormatArguments {
    /// The files to format, and folders of them (`-` is standard input)
    #[arg(value_name = "PATH", required = true)]
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
