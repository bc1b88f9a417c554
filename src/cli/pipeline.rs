//! A suite on a server that builds and tests: its flows in a folded group, failures in full, annotations, a summary of the job.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use super::host::prefix;
use super::terminal::Terminal;
use crate::report::pipeline::{Pipeline, render_step_summary};
use crate::report::progress::render_case;
use crate::report::suite::SuiteReport;
use crate::setup::present;

/// So large a summary of a step may be: GitHub refuses more than 1 MiB.
const MOST_OF_SUMMARY: usize = 900 << 10;

/// The group in which the flows of a suite are told.
#[derive(Debug)]
pub(super) struct Group {
    pipeline: Option<Pipeline>,
    name: String,
}

impl Group {
    /// Begins it, where a server folds groups.
    pub(super) fn begin(n_flows: usize, begun: i64, terminal: &Terminal) -> Group {
        // A job may run several suites.
        let (pipeline, name) = (terminal.pipeline(), format!("flowrun_{begun}"));
        if let Some(pipeline) = pipeline {
            let flows = if n_flows == 1 { "1 flow".to_string() } else { format!("{n_flows} flows") };
            terminal.command(&pipeline.begin_group(begun.div_euclid(1000), &name, &format!("flowrun test: {flows}")));
        }
        Group { pipeline, name }
    }

    /// Ends it; shows each failure once more, where nobody has to unfold anything, and marks it.
    ///
    /// # Errors
    ///
    /// The summary of the job cannot be written.
    pub(super) fn end(self, suite: &SuiteReport, terminal: &Terminal) -> io::Result<()> {
        let Some(pipeline) = self.pipeline else { return Ok(()) };
        terminal.command(&pipeline.end_group(present().div_euclid(1000), &self.name));
        for case in suite.cases.iter().filter(|case| case.is_failure) {
            terminal.say(&render_case(case, terminal.look(), terminal.language()));
        }
        terminal.command(&pipeline.annotations(suite, &prefix()));
        match (pipeline, env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())) {
            (Pipeline::GitHub, Some(path)) => append(Path::new(&path), &render_step_summary(suite)),
            (Pipeline::GitHub | Pipeline::GitLab, _) => Ok(()),
        }
    }
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    let text = &text[..text.floor_char_boundary(MOST_OF_SUMMARY)];
    OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}
