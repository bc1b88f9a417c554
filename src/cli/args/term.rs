//! What `term` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Colours, LineArguments, output_file};

pub(super) const AFTER_TERM_HELP: &str = "\
Examples:
  flowrun term /dev/ttyUSB0                        every key goes out at once
  flowrun term @modem --mode line --use std/modem  a line editor that knows commands
  flowrun term sim:modem.flow                      a simulated device
  flowrun term tcp://10.0.0.5:4001 --log
  flowrun term COM3 --write login.flow             and leave with a flow
  echo AT+CSQ | flowrun term COM3                  until the answer is over

Ctrl-T ? shows the keys, Ctrl-T q ends it. docs/terminal.md has them all.

Exit codes: 0 ended normally, 2 the command line is wrong, 3 the port could not be opened
or went away, 130 interrupted (SIGTERM, SIGHUP).";

/// What `term` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct TermArguments {
    /// The port: as for a run, or `sim:FILE`
    #[arg(value_name = "PORT")]
    pub port: String,
    /// Send each key at once, or whole lines from a line editor
    #[arg(long, value_name = "MODE", default_value = "console")]
    pub mode: TypedMode,
    /// Choose the key that commands begin with, such as ctrl-a, or none
    #[arg(long, value_name = "KEY", default_value = "ctrl-t")]
    pub escape: String,
    /// Complete commands of this library, such as std/modem (repeatable)
    #[arg(long = "use", value_name = "LIBRARY")]
    pub libraries: Vec<String>,
    /// Show what is typed
    #[arg(long)]
    pub echo: bool,
    /// Show bytes in hex
    #[arg(long)]
    pub hex: bool,
    /// Say when a line came
    #[arg(long, value_name = "KIND", default_value = "off")]
    pub stamps: TypedStamps,
    /// Start a new line at a bare LF or CR
    #[arg(long, value_name = "KIND", default_value = "keep")]
    pub newline: TypedNewline,
    /// Decode what comes, and encode what is typed, such as gbk
    #[arg(long, value_name = "LABEL")]
    pub encoding: Option<String>,
    #[command(flatten)]
    pub kept: KeptOfSession,
    /// End when the port goes away, instead of waiting for it
    #[arg(long)]
    pub no_reconnect: bool,
    #[command(flatten)]
    pub piped: PipedArguments,
    /// Wait this long for a port that is not there yet, such as 30s
    #[arg(long, value_name = "DURATION")]
    pub wait_port: Option<String>,
    #[command(flatten)]
    pub line: LineArguments,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}

/// What stays of a session.
#[derive(Args, Debug)]
pub(in crate::cli) struct KeptOfSession {
    /// Write what comes to a file [default: a new one, named by the time]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub log: Option<String>,
    /// Keep a recording of the session in a file
    #[arg(long, value_name = "FILE", value_parser = output_file())]
    pub record: Option<PathBuf>,
    /// Write a flow of the session, and its device beside it, at the end
    #[arg(long, value_name = "FILE", conflicts_with = "record")]
    pub write: Option<PathBuf>,
    /// With --write: keep what this finds in a line out (repeatable)
    #[arg(long = "secret", value_name = "REGEX", requires = "write")]
    pub secrets: Vec<String>,
}

/// How input from a pipe is sent.
#[derive(Args, Debug)]
pub(in crate::cli) struct PipedArguments {
    /// With input from a pipe: send it as it is, line ends too
    #[arg(long)]
    pub verbatim: bool,
    /// With input from a pipe: wait this long for the answer
    #[arg(long, value_name = "DURATION", default_value = "3s")]
    pub within: String,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TypedMode {
    /// It goes out at once.
    Console,
    /// It goes into a line.
    Line,
}

/// What comes before a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TypedStamps {
    /// Nothing.
    Off,
    /// The time of day.
    Clock,
    /// The time since the line before.
    Delta,
}

/// Where a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TypedNewline {
    /// Where the terminal begins one.
    Keep,
    /// After LF too.
    Lf,
    /// After CR too.
    Cr,
}
