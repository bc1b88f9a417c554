//! What the commands take that show what travels inside of the program.

use std::path::PathBuf;

use clap::Args;

use super::OutputArguments;

pub(super) const AFTER_EXAMPLES_HELP: &str = "\
Examples:
  flowrun examples                                 the built-in flows
  flowrun examples voltmeter                       the text of one of them
  flowrun examples voltmeter --write bench         its files, in the folder `bench`
  flowrun bench/voltmeter.flow --port sim";

pub(super) const AFTER_HELP_HELP: &str = "\
Examples:
  flowrun help test                                a command
  flowrun help language                            the topics of the language
  flowrun help language expect                     a statement, a function, a setting
  flowrun help language secrets                    a section";

/// What `demo` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct DemoArguments {
    #[command(flatten)]
    pub output: OutputArguments,
}

/// What `examples` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct ExamplesArguments {
    /// The flow to show; without it all are listed
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Write its files to this folder instead
    #[arg(long, value_name = "DIR", requires = "name")]
    pub write: Option<PathBuf>,
}

/// What `init` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct InitArguments {
    /// The folder to fill; it is made if it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

/// What `std` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct StdArguments {
    /// The library to show, such as `at`; without it all are listed
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

/// What `explain` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct ExplainArguments {
    /// The code, such as `flow::run::timeout`; without it all are listed
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// What `help` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct HelpArguments {
    /// A command; or `language`, with a topic
    #[arg(value_name = "WORD", num_args = 0..)]
    pub words: Vec<String>,
}
