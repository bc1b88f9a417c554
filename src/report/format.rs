//! `Format`: every form in which the report of a suite can be written: its name, what is in it, and what writes it.
//!
//! The command line, its help and `docs/suites.md` take names from here. A new format is a row, the function that it names,
//! and a row in that document; a test compares the two.

use super::json::render_json;
use super::junit::render_junit;
use super::suite::SuiteReport;
use super::tap::render_tap;

/// The formats, in the order of the documentation.
static TABLE: &[Row] = &[
    Row {
        name: "junit",
        content: "a `testsuite` a flow, a `testcase` a step with its file and line; attempts before the last are `flakyFailure` or `rerunFailure`",
        render: render_junit,
    },
    Row {
        name: "json",
        content: "everything, as one document; its keys are described in `src/report/json.rs`",
        render: render_json,
    },
    Row { name: "tap", content: "TAP 14, a test point a flow", render: render_tap },
];

struct Row {
    name: &'static str,
    content: &'static str,
    render: fn(&SuiteReport) -> String,
}

/// A form of report.
#[derive(Clone, Copy)]
pub struct Format {
    row: &'static Row,
}

impl Format {
    /// Returns the format of this name.
    pub fn find(name: &str) -> Option<Format> {
        Format::all().find(|format| format.name() == name)
    }

    /// Returns every format, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Format> {
        TABLE.iter().map(|row| Format { row })
    }

    /// Returns `junit=FILE`, `json=FILE` and so on, with `between` them and `last` before the last.
    pub fn choices(between: &str, last: &str) -> String {
        let choices: Vec<String> = TABLE.iter().map(|row| format!("{}=FILE", row.name)).collect();
        match choices.split_last() {
            Some((only, [])) => only.clone(),
            Some((end, others)) => format!("{}{last}{end}", others.join(between)),
            None => String::new(),
        }
    }

    /// Returns its name on the command line.
    pub fn name(self) -> &'static str {
        self.row.name
    }

    /// Returns what is in it, as the documentation says it.
    pub fn content(self) -> &'static str {
        self.row.content
    }

    /// Returns the whole report of a suite.
    pub fn render(self, suite: &SuiteReport) -> String {
        (self.row.render)(suite)
    }
}
