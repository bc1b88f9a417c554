//! What `mutate` takes.

use std::path::PathBuf;

use clap::Args;

use super::{Colours, LimitArguments, VariableArguments, one_or_more};

pub(super) const AFTER_MUTATE_HELP: &str = "\
Examples:
  flowrun mutate login.flow                        every change of its own simulated device
  flowrun mutate login.flow --port sim:modem.flow --mutants 100 --seed 7
  flowrun mutate login.flow --report json=mutants.json

If the flow need not notice a change, say so beside the answer in the device file:
  reply \"+CSQ: 25,0\"   # mutant ok digit, limit: any signal will do

Exit codes: 0 every change was noticed, or explained, 1 some were not, or the flow fails
without any change, 2 the flow or the command line is wrong.";

/// What `mutate` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct MutateArguments {
    /// The flow to run
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Name the device: `sim`, the flow's own, or `sim:DEVICE_FILE`
    #[arg(long = "port", short, value_name = "PORT", default_value = "sim")]
    pub ports: Vec<String>,
    /// Try at most this many changes; the seed chooses them
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub mutants: u32,
    /// Seed the choice of digits, letters and changes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Pass even if this many changes are not noticed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub allow: u32,
    /// Run this many at once [default: one a processor]
    #[arg(long, value_name = "N", value_parser = one_or_more())]
    pub jobs: Option<usize>,
    #[command(flatten)]
    pub variables: VariableArguments,
    /// Set a variable of the simulated device (repeatable)
    #[arg(long = "sim-var", value_name = "NAME=VALUE", help_heading = "Variables")]
    pub sim_vars: Vec<String>,
    #[command(flatten)]
    pub limits: LimitArguments,
    /// Write a report of every change: json=FILE (repeatable)
    #[arg(long, value_name = "KIND=FILE", help_heading = "Output")]
    pub report: Vec<String>,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}
