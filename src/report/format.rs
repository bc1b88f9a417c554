//! `Format`: every form in which the report of a suite, or of a stress campaign, can be written: its name, what is in it, and
//! what writes it.
//!
//! The command line, its help, `docs/suites.md` and `docs/robustness.md` take names from here. A new format is a row, the
//! functions that it names, and a row in these documents; a test compares them.

use super::campaign::CampaignReport;
use super::coverage::render_lcov;
use super::ctrf::render_ctrf;
use super::html::render_html;
use super::json::{render_campaign_json, render_json};
use super::junit::{render_campaign_junit, render_junit};
use super::suite::SuiteReport;
use super::tap::render_tap;

/// Of which runs a format shows the lines: they have to be gathered for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exchanges {
    /// Of none.
    None,
    /// Of those for which the suite fails.
    OfFailed,
    /// Of all.
    All,
}

/// The name of the format that needs the coverage of the suite.
const LCOV: &str = "lcov";

/// The formats, in the order of the documentation.
static TABLE: &[Row] = &[
    Row {
        name: "junit",
        content: "a `testsuite` a flow, a `testcase` a step with its file and line; attempts before the last are `flakyFailure` or `rerunFailure`; what failed has its exchange",
        render: render_junit,
        exchanges: Exchanges::OfFailed,
        of_campaign: Some(OfCampaign {
            content: "a `testsuite` of the campaign: a `testcase` for the ideal line, one for each kind of faults that showed nothing, a failed one for each finding with its file and line",
            render: render_campaign_junit,
        }),
    },
    Row {
        name: "json",
        content: "everything, as one document; its keys are described in `src/report/json.rs`",
        render: render_json,
        exchanges: Exchanges::None,
        of_campaign: Some(OfCampaign {
            content: "everything, as one document; its keys are described in `src/report/json.rs`",
            render: render_campaign_json,
        }),
    },
    Row {
        name: "tap",
        content: "TAP 14, a test point a flow",
        render: render_tap,
        exchanges: Exchanges::None,
        of_campaign: None,
    },
    Row {
        name: "ctrf",
        content: "[CTRF](https://ctrf.io), a `test` a flow with its steps; what failed has its exchange",
        render: render_ctrf,
        exchanges: Exchanges::OfFailed,
        of_campaign: None,
    },
    Row {
        name: "html",
        content: "one page for people: each flow beside its exchange, a timeline, why it failed; see [reports](reports.md)",
        render: render_html,
        exchanges: Exchanges::All,
        of_campaign: None,
    },
    Row {
        name: LCOV,
        content: "the coverage as LCOV, for CI systems and editors: lines, branches and procedures that the suite reached",
        render: |suite| render_lcov(suite.coverage.as_ref()),
        exchanges: Exchanges::None,
        of_campaign: None,
    },
];

#[derive(Debug)]
struct Row {
    name: &'static str,
    content: &'static str,
    render: fn(&SuiteReport) -> String,
    /// Of which runs it shows the lines.
    exchanges: Exchanges,
    /// How a campaign is written, if it can be.
    of_campaign: Option<OfCampaign>,
}

/// The report of a campaign in a format.
#[derive(Clone, Copy, Debug)]
pub struct OfCampaign {
    /// What is in it, as the documentation says it.
    pub content: &'static str,
    /// Returns the whole report.
    pub render: fn(&CampaignReport) -> String,
}

/// A form of report.
#[derive(Clone, Copy, Debug)]
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
        Format::joined(Format::all(), between, last)
    }

    /// Returns the same of the formats that a campaign can be written in.
    pub fn choices_of_campaigns(between: &str, last: &str) -> String {
        Format::joined(Format::all().filter(|format| format.of_campaign().is_some()), between, last)
    }

    fn joined(formats: impl Iterator<Item = Format>, between: &str, last: &str) -> String {
        let choices: Vec<String> = formats.map(|format| format!("{}=FILE", format.name())).collect();
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

    /// Says of which runs it shows the lines: [`CaseReport::gathered`](super::suite::CaseReport::gathered).
    pub fn exchanges(self) -> Exchanges {
        self.row.exchanges
    }

    /// Returns how a campaign is written in it; `None` if it cannot be.
    pub fn of_campaign(self) -> Option<OfCampaign> {
        self.row.of_campaign
    }

    /// Whether it is made of the coverage of a suite, which is taken note of only then.
    pub fn needs_coverage(self) -> bool {
        self.row.name == LCOV
    }

    /// Returns the whole report of a suite.
    pub fn render(self, suite: &SuiteReport) -> String {
        (self.row.render)(suite)
    }
}
