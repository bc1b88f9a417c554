//! A suite as JUnit XML, as GitLab, Jenkins and GitHub's actions read it.
//!
//! `testsuites` holds one `testsuite` a flow, with its name, port, line and seed as properties, and one `testcase` a step. What
//! belongs to no step, a changed snapshot for instance, is a `testcase` with the title of the flow. An attempt
//! that failed before one that passed is a `flakyFailure`, one before the last failure a `rerunFailure`. What failed is a
//! `failure`; what could not be run, or whose port failed, is an `error`. What was skipped has its reason. A clean-up that failed
//! is a property and stands in the `system-out` of the suite.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::failure::{diagnostic_of, render_failure};
use super::suite::{CaseReport, Status, SuiteReport};
use super::summary::{Attempt, StepSummary};
use crate::diagnostic::render::{Look, Style};
use crate::event::{Failure, StepOutcome};

const LOOK: Look = Look { width: 100, style: Style::Plain };

/// Returns the whole file.
pub fn render_junit(suite: &SuiteReport) -> String {
    let mut report = Report::new("flowrun");
    let mut took = Duration::ZERO;
    for case in &suite.cases {
        took += case.summary.tally.took;
        report.add_test_suite(suite_of(case));
    }
    report.set_time(took);
    report.to_string().expect("a String takes everything, and all text is UTF-8")
}

fn suite_of(case: &CaseReport) -> TestSuite {
    let mut suite = TestSuite::new(case.file.as_str());
    suite.set_time(case.summary.tally.took);
    if let Some(header) = &case.summary.tally.header {
        let seed = header.seed.to_string();
        for (name, value) in [("title", &header.title), ("port", &header.port), ("line", &header.line), ("seed", &seed)]
        {
            suite.add_property(Property::new(name, value.as_str()));
        }
    }
    let mut cleanups = String::new();
    for failure in &case.summary.cleanups {
        suite.add_property(Property::new("clean-up failed", diagnostic_of(failure).message));
        cleanups.push_str(&format!("clean-up failed\n{}\n", render_failure(failure, &case.sources, LOOK).trim_end()));
    }
    if !cleanups.is_empty() {
        suite.set_system_out(cleanups);
    }
    let mut has_told = false;
    for (title, step) in case.steps() {
        let told = status_of(step, case);
        has_told |= matches!(told, TestCaseStatus::NonSuccess { .. });
        let mut test = TestCase::new(title, told);
        test.set_classname(case.file.as_str()).set_time(step.attempts.iter().map(|attempt| attempt.took).sum());
        suite.add_test_case(test);
    }
    if let Some(status) = whole(case, has_told) {
        let mut test = TestCase::new(case.title(), status);
        test.set_classname(case.file.as_str()).set_time(case.summary.tally.took);
        suite.add_test_case(test);
    }
    suite
}

fn status_of(step: &StepSummary, case: &CaseReport) -> TestCaseStatus {
    let Some((last, earlier)) = step.attempts.split_last() else {
        // It began and never ended.
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message("it did not end");
        return status;
    };
    let mut status = match last.outcome {
        StepOutcome::Passed => TestCaseStatus::success(),
        StepOutcome::Skipped => {
            let mut status = TestCaseStatus::skipped();
            if let Some(why) = &last.why_skipped {
                status.set_message(why.as_str());
            }
            status
        }
        StepOutcome::WillRetry | StepOutcome::Failed => failed(last.failure.as_deref(), case),
    };
    status.add_reruns(earlier.iter().filter(|attempt| attempt.outcome != StepOutcome::Passed).map(|a| rerun(a, case)));
    status
}

fn failed(failure: Option<&Failure>, case: &CaseReport) -> TestCaseStatus {
    let kind = match case.status {
        Status::PortFailed | Status::Interrupted | Status::Wrong => NonSuccessKind::Error,
        Status::Passed
        | Status::Flaky
        | Status::Skipped
        | Status::Alone
        | Status::New
        | Status::Changed
        | Status::Failed => NonSuccessKind::Failure,
    };
    let mut status = TestCaseStatus::non_success(kind);
    if let Some(failure) = failure {
        let diagnostic = diagnostic_of(failure);
        status
            .set_message(diagnostic.message)
            .set_type(diagnostic.code.text())
            .set_description(render_failure(failure, &case.sources, LOOK).trim_end());
    } else {
        status.set_message(case.status.title());
    }
    status
}

fn rerun(attempt: &Attempt, case: &CaseReport) -> TestRerun {
    let mut rerun = TestRerun::new(NonSuccessKind::Failure);
    rerun.set_time(attempt.took);
    if let Some(failure) = attempt.failure.as_deref() {
        let diagnostic = diagnostic_of(failure);
        rerun
            .set_message(diagnostic.message)
            .set_type(diagnostic.code.text())
            .set_description(render_failure(failure, &case.sources, LOOK).trim_end());
    }
    rerun
}

/// Returns what is to be told of the flow as a whole; `None` if its steps say everything.
fn whole(case: &CaseReport, has_told: bool) -> Option<TestCaseStatus> {
    let refused = |kind, message: String, text: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(message).set_type(case.status.title()).set_description(text.trim_end());
        status
    };
    match case.status {
        Status::Passed | Status::Flaky => case.steps().is_empty().then(TestCaseStatus::success),
        Status::Skipped | Status::Alone => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(case.summary.tally.why_skipped.as_deref().unwrap_or(case.status.title()));
            Some(status)
        }
        Status::New if !case.is_failure => case.steps().is_empty().then(TestCaseStatus::success),
        Status::New => Some(refused(NonSuccessKind::Failure, "there is no snapshot".to_string(), "")),
        Status::Changed => {
            let message = "the transcript is not that of the snapshot".to_string();
            Some(refused(NonSuccessKind::Failure, message, &case.diff))
        }
        Status::Wrong => Some(refused(NonSuccessKind::Error, "the flow has mistakes".to_string(), &case.refusal)),
        Status::Failed | Status::PortFailed | Status::Interrupted if has_told => None,
        Status::Failed | Status::PortFailed | Status::Interrupted => {
            Some(failed(case.summary.tally.failure.as_ref(), case))
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::suite::tests::example;
    use super::*;

    #[test]
    fn a_suite_has_a_testcase_a_step_and_every_attempt() {
        assert_snapshot!(render_junit(&example()));
    }

    /// Returns the number in an attribute of an element's tag.
    fn number(tag: &str, name: &str) -> usize {
        let (_, rest) = tag.split_once(&format!(" {name}=\"")).unwrap_or_else(|| panic!("{tag} has no {name}"));
        rest.split('"').next().and_then(|text| text.parse().ok()).expect("it is a number")
    }

    #[test]
    fn the_counts_are_those_of_the_elements_at_both_levels() {
        let text = render_junit(&example());
        let count = |text: &str, tag: &str| text.matches(&format!("<{tag} ")).count();
        let check = |tag: &str, body: &str| {
            assert_eq!(number(tag, "tests"), count(body, "testcase"), "{tag}");
            assert_eq!(number(tag, "failures"), count(body, "failure"), "{tag}");
            assert_eq!(number(tag, "errors"), count(body, "error"), "{tag}");
        };
        let (_, all) = text.split_once("<testsuites").expect("there is a root");
        let (tag, body) = all.split_once('>').expect("it is closed");
        check(tag, body);
        let mut n_suites = 0;
        for suite in body.split("<testsuite ").skip(1) {
            let (tag, body) = suite.split_once('>').expect("it is closed");
            check(&format!(" {tag}"), body.split("</testsuite>").next().expect("there is a first piece"));
            n_suites += 1;
        }
        assert_eq!(n_suites, 6);
    }

    #[test]
    fn it_is_well_formed_and_reads_back_as_the_same() {
        let text = render_junit(&example());
        let read = Report::deserialize_from_str(&text).expect("it is well-formed JUnit");
        assert_eq!(read.to_string().expect("it can be written"), text);
    }

    #[test]
    fn every_testcase_has_a_name_a_class_and_a_time() {
        let text = render_junit(&example());
        for case in text.split("<testcase ").skip(1) {
            let tag = case.split('>').next().expect("there is a first piece");
            for name in ["name=\"", "classname=\"", "time=\""] {
                assert!(tag.contains(name), "{tag} has no {name}");
            }
        }
    }
}
