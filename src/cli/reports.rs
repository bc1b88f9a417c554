//! `--report KIND=FILE`: what it means for `test`, `stress` and `mutate`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::Ending;
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::report::campaign::CampaignReport;
use crate::report::format::{Exchanges, Format};
use crate::report::json::render_mutants_json;
use crate::report::mutants::MutantsReport;
use crate::report::suite::SuiteReport;
use crate::value::escape::harmless_path;

/// A report to be written.
#[derive(Debug)]
pub(super) struct Report {
    format: Format,
    path: PathBuf,
}

impl Report {
    /// Reads what `test` was given.
    ///
    /// # Errors
    ///
    /// It is no report.
    pub(super) fn of_suite(text: &str) -> Result<Report, Diagnostic> {
        read(text).ok_or_else(|| no_report(text, &Format::choices("`, `", "` or `")))
    }

    /// Reads what `stress` was given.
    ///
    /// # Errors
    ///
    /// It is no report, or one that only suites have.
    pub(super) fn of_campaign(text: &str) -> Result<Report, Diagnostic> {
        let choices = Format::choices_of_campaigns("`, `", "` or `");
        match read(text) {
            Some(report) if report.format.of_campaign().is_some() => Ok(report),
            Some(report) => {
                let message = format!("`flowrun stress` writes no {}", report.title());
                let help =
                    format!("write `--report {choices}`; `flowrun test {}` has one run of each flow", report.option());
                Err(Diagnostic::general(Code::CommandLine, message).help(help))
            }
            None => Err(no_report(text, &choices)),
        }
    }

    /// Reads what `mutate` was given.
    ///
    /// # Errors
    ///
    /// It is no report, or another than JSON.
    pub(super) fn of_mutants(text: &str) -> Result<Report, Diagnostic> {
        let known = read(text).filter(|report| report.format.name() == "json");
        known.ok_or_else(|| no_report(text, "json=FILE"))
    }

    /// Writes what came of changes of a device.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn write_mutants(&self, mutants: &MutantsReport) -> io::Result<()> {
        fs::write(&self.path, render_mutants_json(mutants))
    }

    /// Writes what came of a suite.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn write(&self, suite: &SuiteReport) -> io::Result<()> {
        fs::write(&self.path, self.format.render(suite))
    }

    /// Writes what came of a campaign.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn write_campaign(&self, campaign: &CampaignReport) -> io::Result<()> {
        match self.format.of_campaign() {
            Some(format) => fs::write(&self.path, (format.render)(campaign)),
            None => Ok(()),
        }
    }

    /// Says of which runs it shows the lines.
    pub(super) fn exchanges(&self) -> Exchanges {
        self.format.exchanges()
    }

    /// Whether it needs the coverage of the suite.
    pub(super) fn needs_coverage(&self) -> bool {
        self.format.needs_coverage()
    }

    /// What it is called.
    pub(super) fn title(&self) -> String {
        format!("{} report", self.format.name())
    }

    /// How another file is named for it.
    pub(super) fn option(&self) -> String {
        format!("--report {}=FILE", self.format.name())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Writes each of several reports and warns of those that cannot be written; returns how the command ends then.
pub(super) fn write_each(
    reports: &[Report],
    write: impl Fn(&Report) -> io::Result<()>,
    ending: Ending,
    terminal: &Terminal,
) -> Ending {
    let mut is_written = true;
    for report in reports {
        if let Err(error) = write(report) {
            terminal.warn(&format!("the report `{}` cannot be written: {error}", harmless_path(report.path())));
            is_written = false;
        }
    }
    if is_written || ending != Ending::Done { ending } else { Ending::Unwritten }
}

fn read(text: &str) -> Option<Report> {
    let (name, path) = text.split_once('=')?;
    let format = Format::find(name).filter(|_| !path.is_empty())?;
    Some(Report { format, path: PathBuf::from(path) })
}

fn no_report(text: &str, choices: &str) -> Diagnostic {
    let problem = Diagnostic::general(Code::CommandLine, format!("`--report {text}` is not a report"));
    problem.help(format!("write `--report {choices}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_kind_and_a_file() {
        let read = Report::of_suite("junit=a=b.xml").expect("it is right");
        assert_eq!((read.format.name(), read.path), ("junit", PathBuf::from("a=b.xml")));
        for text in ["junit", "xml=a", "json="] {
            assert!(Report::of_suite(text).is_err() && Report::of_campaign(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_only_suites_have_is_refused_for_a_campaign() {
        assert!(Report::of_suite("tap=a").is_ok() && Report::of_campaign("json=a").is_ok());
        let problem = Report::of_mutants("junit=a").expect_err("mutants have no such report");
        assert_eq!(problem.help.as_deref(), Some("write `--report json=FILE`"));
        let problem = Report::of_campaign("tap=a").expect_err("a campaign has no such report");
        let help =
            "write `--report junit=FILE` or `json=FILE`; `flowrun test --report tap=FILE` has one run of each flow";
        assert_eq!(
            (problem.message.as_str(), problem.help.as_deref()),
            ("`flowrun stress` writes no tap report", Some(help))
        );
    }
}
