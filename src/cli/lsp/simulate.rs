//! A run of the flow that is open in an editor, against the devices that it names, in virtual time.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::diagnostic::{Code, Severity};
use crate::lsp::{Finding, Text};
use crate::source::Site;
use crate::testing::{Outcome, Run, Sources};

/// What came of a run.
pub(super) struct Ran {
    /// The request that asked for it.
    pub id: Value,
    /// The flow.
    pub path: PathBuf,
    /// Whether nothing is wrong.
    pub is_success: bool,
    /// The verdict in a word, such as `passed`; `refused` if the run could not begin.
    pub verdict: &'static str,
    /// What a person is told.
    pub message: String,
    /// The statement that failed, with its file.
    pub finding: Option<(PathBuf, Finding)>,
}

/// Runs a flow whose text is this.
pub(super) fn run(id: Value, path: &Path, text: &str) -> Ran {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let ran = |is_success, verdict, message, finding| Ran {
        id,
        path: path.to_path_buf(),
        is_success,
        verdict,
        message,
        finding,
    };
    match Run::new(path).edited(text).go() {
        Ok(outcome) => {
            let verdict = outcome.verdict().title();
            let why = outcome.cause().map(|cause| format!(": {}", cause.message)).unwrap_or_default();
            let is_success = outcome.verdict().is_success();
            ran(is_success, verdict, format!("{name}: {verdict} against the simulator{why}"), failed(&outcome))
        }
        Err(refused) => {
            let why = refused.problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            let help = refused.problems.first().and_then(|problem| problem.help.clone());
            let help = help.map(|help| format!(". {help}")).unwrap_or_default();
            ran(false, "refused", format!("{name} cannot be run against the simulator: {why}{help}"), None)
        }
    }
}

/// Returns what is shown at the statement that failed.
fn failed(outcome: &Outcome) -> Option<(PathBuf, Finding)> {
    let cause = outcome.cause()?;
    let site = cause.site?;
    let mut message = cause.message.clone();
    if let Some(sent) = &cause.sent {
        message.push_str(&format!("\nsent: {sent}"));
    }
    if let Some(came) = &cause.came {
        let came = if came.is_empty() { "nothing".to_string() } else { came.join("\n      ") };
        message.push_str(&format!("\ncame: {came}"));
    }
    Some(finding(cause.code, site, message, cause.cause.clone(), outcome.sources()))
}

fn finding(code: Code, site: Site, message: String, help: Option<String>, sources: &Sources) -> (PathBuf, Finding) {
    let source = sources.get(site.source);
    let range = Text::new(source.text().clone()).range(site.span);
    let finding = Finding { range, code, severity: Severity::Error, message, help, related: Vec::new() };
    (PathBuf::from(source.name()), finding)
}
