//! What the commands take that look at ports, and run no flow from a file.

use clap::Args;

pub(super) const AFTER_PORTS_HELP: &str = "\
Examples:
  flowrun ports                                    what there is
  flowrun ports --watch                            and what comes and goes, until Ctrl-C
  flowrun login.flow --port usb:0403:6001:A50285BI one of them, whatever node it has
  flowrun login.flow --port usb:at=1-1.2           whatever is plugged in there (Linux)";

/// What `ports` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct PortsArguments {
    /// Write JSON: one document, with --watch one line for each change
    #[arg(long)]
    pub json: bool,
    /// Go on, and show what comes and goes, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}
