//! What the commands take that look at ports, and run no flow from a file.

use std::path::PathBuf;

use clap::Args;

use super::{LineArguments, ListFormat};

pub(super) const AFTER_PORTS_HELP: &str = "\
Examples:
  flowrun ports                                    what there is
  flowrun ports --watch                            and what comes and goes, until Ctrl-C
  flowrun login.flow --port usb:0403:6001:A50285BI one of them, whatever node it has
  flowrun login.flow --port usb:at=1-1.2           whatever is plugged in there (Linux)";

/// What `ports` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct PortsArguments {
    /// Write text, or JSON: one document, with --watch a line a change
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ListFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Keep running, and show what comes and goes, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}

impl PortsArguments {
    /// Returns how the ports are written.
    pub(in crate::cli) fn format(&self) -> ListFormat {
        if self.json { ListFormat::Json } else { self.format }
    }
}

pub(super) const AFTER_SAY_HELP: &str = "\
Examples:
  flowrun say COM3 \"AT+CSQ\"                        the answer ends at OK, ERROR and the like
  flowrun say /dev/ttyUSB0 \"ATE0\" \"AT+COPS=?\" --within 3m
  flowrun say usb:at=1-1.2 \"AT+CPIN?\" --expect READY
  flowrun say /dev/ttyACM0 \"*IDN?\" --serial eol=lf       ends when no more comes
  flowrun say sim:modem.flow \"AT+CSQ\" --expect '/\\+CSQ: \\d+/'

Standard output has the answers without echo and empty lines.

Exit codes: 0 answered, 1 an error was answered, or not what was expected,
2 the command line is wrong, 3 a port failed, 130 interrupted.";

/// What `say` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct SayArguments {
    /// The port: as for a run, or `sim:FILE`
    #[arg(value_name = "PORT")]
    pub port: String,
    /// The commands, one after the other
    #[arg(value_name = "COMMAND", required = true)]
    pub commands: Vec<String>,
    /// Wait for this in the last answer: a text, or /regex/ in a line
    #[arg(long, value_name = "PATTERN")]
    pub expect: Option<String>,
    /// Wait this long for each answer
    #[arg(long, value_name = "DURATION", default_value = "3s")]
    pub within: String,
    /// Wait this long for a port that is not there yet, such as 30s
    #[arg(long, value_name = "DURATION")]
    pub wait_port: Option<String>,
    #[command(flatten)]
    pub line: LineArguments,
}

pub(super) const AFTER_DOCTOR_HELP: &str = "\
Examples:
  flowrun doctor                                   all ports, without opening any
  flowrun doctor /dev/ttyUSB0                      and listen to this one for 2 s
  flowrun doctor /dev/ttyUSB0 --probe              and look for its baud rate

Opening a port may reset a board that has DTR or RTS wired to its reset.

Exit codes: 0 nothing is wrong, 1 something is, 2 the command line is wrong, 130 interrupted.";

/// What `doctor` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct DoctorArguments {
    /// The port to look at and to listen to [default: all, unopened]
    #[arg(value_name = "PORT")]
    pub port: Option<String>,
    /// Send `AT` at the usual rates, and nothing else, to find the rate
    #[arg(long, requires = "port")]
    pub probe: bool,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub line: LineArguments,
}

/// What `allow` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct AllowArguments {
    /// The file [default: the `flowrun.toml` of this folder]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
}
