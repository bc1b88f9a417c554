//! What `show` takes, and how a run is told where its page goes.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{StringValueParser, TypedValueParser};

use super::output_file;

pub(super) const AFTER_SHOW_HELP: &str = "\
Examples:
  flowrun login.flow --port COM3 --events run.events
  flowrun show run.events                          writes run.html here
  flowrun show night.jsonl --output night.html     all runs of a suite in one page
  flowrun login.flow --port COM3 --report html=run.html    in one step

The page is one file that asks no network for anything: mail it, or keep it as an artefact of a job.

Exit codes: 0 written, 1 it could not be written, 2 the events or the command line are wrong.";

/// What `show` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct ShowArguments {
    /// The file that `--events` wrote
    #[arg(value_name = "EVENTS")]
    pub file: PathBuf,
    /// Name the page [default: STEM_OF_EVENTS.html, here]
    #[arg(long, short, value_name = "FILE", value_parser = output_file())]
    pub output: Option<PathBuf>,
}

/// Reads where the page of a run goes.
pub(super) fn page_file() -> impl TypedValueParser<Value = PathBuf> {
    StringValueParser::new().try_map(|text| match text.split_once('=') {
        Some(("html", file)) if !file.is_empty() => Ok(PathBuf::from(file)),
        Some(_) | None => Err("of a run there is `html=FILE`; `flowrun test` writes the other kinds"),
    })
}
