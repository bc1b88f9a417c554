//! A suite as JUnit XML, as GitLab, Jenkins and GitHub's actions read it.
//!
//! `testsuites` holds one `testsuite` a flow, with its name, port, line, seed and measurements as properties, and one `testcase` a step. What
//! belongs to no step, a changed snapshot for instance, is a `testcase` with the title of the flow. No two of a suite have the
//! same name, for readers keep only one of them: the second `attach` is `attach (2)`. An attempt
//! that failed before one that passed is a `flakyFailure`, one before the last failure a `rerunFailure`. What failed is a
//! `failure`; what could not be run, or whose port failed, is an `error`. What was skipped has its reason. A clean-up that failed
//! is a property and stands in the `system-out` of the suite. What XML cannot have is escaped in every text: a control character
//! as `\x1b`, U+FFFF as `\u{ffff}`. What did not succeed has what went over the lines in its `system-out`, 64 KiB at most.
//!
//! A stress campaign is a `testsuite`: a `testcase` for the ideal line, one for the benign and one for the malign faults if they
//! showed nothing, and a failed one for each finding, with its file and line.

use std::collections::HashSet;
use std::fmt::Write;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite, XmlString};

use super::campaign::{CampaignReport, FindingReport};
use super::failure::{diagnostic_of, render_failure};
use super::suite::{CaseReport, Status, SuiteReport};
use super::summary::{Attempt, StepSummary};
use crate::diagnostic::render::{Look, Style};
use crate::event::{Failure, StepOutcome};
use crate::origin::{About, Digest, Origin};
use crate::source::{Site, Sources};
use crate::value::calendar::format_time;
use crate::value::escape::visible_cut;

const LOOK: Look = Look { width: 100, style: Style::Plain };

/// So much of an exchange stands in a test case, in bytes.
pub(super) const MOST_EXCHANGE: usize = 64 << 10;
/// So much of a value that was saved stands in a report, in characters.
pub(super) const MOST_SAVED: usize = 4 << 10;

/// Returns the whole file.
pub fn render_junit(suite: &SuiteReport) -> String {
    let mut report = Report::new("flowrun");
    let mut took = Duration::ZERO;
    for case in &suite.cases {
        took += case.summary.tally.took;
        report.add_test_suite(suite_of(case, suite.origin.as_ref()));
    }
    report.set_time(took);
    report.to_string().expect("a String takes everything, and all text is UTF-8")
}

/// Returns the whole file of a stress campaign.
pub fn render_campaign_junit(campaign: &CampaignReport) -> String {
    let mut suite = TestSuite::new(legal(&campaign.file));
    suite.set_time(campaign.ideal.took);
    for (name, value) in campaign.about.iter().flat_map(|about| attributes(&about.origin)) {
        suite.extra.insert(legal(name), legal(&value));
    }
    let seed = campaign.seed.to_string();
    for (name, value) in [("title", &campaign.title), ("port", &campaign.port), ("seed", &seed)] {
        suite.add_property(Property::new(name, legal(value)));
    }
    put_about(&mut suite, campaign.about.as_ref());
    let mut names = HashSet::new();
    let mut add = |title: &str, took: Duration, status: TestCaseStatus, (file, line): (String, Option<usize>)| {
        let mut test = TestCase::new(unique(&mut names, title), status);
        test.set_classname(legal(&campaign.file)).set_time(took);
        test.extra.insert(legal("file"), legal(&file));
        if let Some(line) = line {
            test.extra.insert(legal("line"), legal(&line.to_string()));
        }
        suite.add_test_case(test);
    };
    let whole = || (campaign.file.clone(), None);
    add("ideal line", campaign.ideal.took, ideal_status(campaign), whole());
    for kind in campaign.kinds.iter().filter(|kind| kind.runs > 0 && kind.wrong == 0) {
        add(&format!("{} faults", kind.title), Duration::ZERO, TestCaseStatus::success(), whole());
    }
    for finding in &campaign.findings {
        let place = finding.site.and_then(|site| place_of(site, &finding.sources));
        let title = match &place {
            Some((file, line)) => format!("{} at {file}:{line}", finding.wrong),
            None => finding.wrong.to_string(),
        };
        let place = place.map_or_else(whole, |(file, line)| (file, Some(line)));
        add(&title, Duration::ZERO, finding_status(finding), place);
    }
    let mut report = Report::new("flowrun stress");
    report.set_time(campaign.ideal.took);
    report.add_test_suite(suite);
    report.to_string().expect("a String takes everything, and all text is UTF-8")
}

fn ideal_status(campaign: &CampaignReport) -> TestCaseStatus {
    let ideal = &campaign.ideal;
    if ideal.is_success {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message("it does not pass on an ideal line, so nothing else was tried").set_type(ideal.verdict);
    if let Some(failure) = &ideal.failure {
        status.set_description(legal(render_failure(failure, &ideal.sources, LOOK).trim_end()));
    }
    status
}

fn finding_status(finding: &FindingReport) -> TestCaseStatus {
    let mut text = finding.text.clone();
    if let Some(failure) = &finding.failure {
        text += "\n\n";
        text += &render_failure(failure, &finding.sources, LOOK);
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    let message = finding.text.lines().next().unwrap_or(finding.wrong);
    status.set_message(legal(message)).set_type(finding.wrong).set_description(legal(text.trim_end()));
    status
}

fn suite_of(case: &CaseReport, origin: Option<&Origin>) -> TestSuite {
    let mut suite = TestSuite::new(legal(&case.file));
    suite.set_time(case.summary.tally.took);
    for (name, value) in origin.into_iter().flat_map(attributes) {
        suite.extra.insert(legal(name), legal(&value));
    }
    if let Some(header) = &case.summary.tally.header {
        let seed = header.seed.to_string();
        let mut properties = vec![("title", header.title.clone())];
        if header.ports.is_empty() {
            properties.extend([("port", header.port.clone()), ("line", header.line_shown().to_string())]);
        }
        properties.extend(header.ports.iter().map(|port| ("port", port.shown())));
        properties.push(("seed", seed));
        for (name, value) in properties {
            suite.add_property(Property::new(name, legal(&value)));
        }
    }
    put_about(&mut suite, case.about(origin).as_ref());
    for measured in &case.summary.measurements {
        let name = format!("measured {}", measured.name);
        suite.add_property(Property::new(legal(&name), legal(&measured.to_string())));
    }
    for (name, value) in &case.saved {
        let value = visible_cut(value.as_bytes(), MOST_SAVED);
        suite.add_property(Property::new(legal(&format!("saved {name}")), legal(&value)));
    }
    let mut cleanups = String::new();
    for failure in &case.summary.cleanups {
        suite.add_property(Property::new("clean-up failed", legal(&diagnostic_of(failure).message)));
        cleanups.push_str(&format!("clean-up failed\n{}\n", render_failure(failure, &case.sources, LOOK).trim_end()));
    }
    if !cleanups.is_empty() {
        suite.set_system_out(legal(&cleanups));
    }
    let mut names = HashSet::new();
    let (mut has_told, mut has_skipped) = (false, false);
    for (title, step) in case.steps() {
        let told = status_of(step, case);
        has_told |= matches!(told, TestCaseStatus::NonSuccess { .. });
        has_skipped |= matches!(told, TestCaseStatus::Skipped { .. });
        let mut test = TestCase::new(unique(&mut names, &title), told);
        test.set_classname(legal(&case.file)).set_time(step.attempts.iter().map(|attempt| attempt.took).sum());
        set_place(&mut test, step.site, case);
        put_exchange(&mut test, case);
        suite.add_test_case(test);
    }
    if let Some(status) = whole(case, has_told, has_skipped) {
        let mut test = TestCase::new(unique(&mut names, case.title()), status);
        test.set_classname(legal(&case.file)).set_time(case.summary.tally.took);
        set_place(&mut test, case.summary.tally.failure.as_ref().and_then(|failure| failure.site), case);
        put_exchange(&mut test, case);
        suite.add_test_case(test);
    }
    suite
}

/// Puts what went over the lines into a test case that did not succeed, if it was gathered.
fn put_exchange(test: &mut TestCase, case: &CaseReport) {
    let is_wrong = match test.status {
        TestCaseStatus::NonSuccess { .. } => true,
        TestCaseStatus::Success { .. } | TestCaseStatus::Skipped { .. } => false,
    };
    if let Some(gathered) = case.gathered.as_ref().filter(|_| is_wrong) {
        // GitLab makes a link of `[[ATTACHMENT|file]]`, and a device has none to give.
        let text = gathered.excerpt(MOST_EXCHANGE).replace("[[ATTACHMENT", "[\\x5bATTACHMENT");
        test.set_system_out(legal(text.trim_end()));
    }
}

/// Puts what makes a run traceable as properties, each with a name of its own.
fn put_about(suite: &mut TestSuite, about: Option<&About>) {
    let Some(about) = about else { return };
    let origin = about.origin.rows().into_iter().map(|(name, value)| (name.to_string(), value));
    let digest = |text: &Digest| {
        let covered = if text.is_covered { " (with its secrets covered)" } else { "" };
        (format!("sha256 {}{covered}", text.name), text.sha256.clone())
    };
    let variables = about.variables.iter().map(|(name, value)| (format!("variable {name}"), value.clone()));
    for (name, value) in origin.chain(about.texts.iter().map(digest)).chain(variables) {
        suite.add_property(Property::new(legal(&name), legal(&value)));
    }
}

/// Returns when and where a suite was run, as attributes.
fn attributes(origin: &Origin) -> Vec<(&'static str, String)> {
    let timestamp = format_time(origin.begun / 1000, "%FT%TZ", 0).ok().map(|stamp| ("timestamp", stamp));
    let host = origin.host.clone().map(|host| ("hostname", host));
    timestamp.into_iter().chain(host).collect()
}

/// Returns a name that no other test case of the suite has.
fn unique(names: &mut HashSet<String>, title: &str) -> XmlString {
    let title = legal(title);
    let numbered = (2..).map(|n| format!("{} ({n})", title.as_str()));
    let mut free = std::iter::once(title.as_str().to_string()).chain(numbered).filter(|name| !names.contains(name));
    let name = free.next().expect("the numbers do not end");
    names.insert(name.clone());
    XmlString::new(name)
}

/// Says where a test case stands: in the file and line of a site, or else in the file of the flow.
fn set_place(test: &mut TestCase, site: Option<Site>, case: &CaseReport) {
    let (file, line) = match site.and_then(|site| place_of(site, &case.sources)) {
        Some((file, line)) => (file, Some(line)),
        None => (case.file.clone(), None),
    };
    test.extra.insert(legal("file"), legal(&file));
    if let Some(line) = line {
        test.extra.insert(legal("line"), legal(&line.to_string()));
    }
}

/// Returns the file and the line of a site.
fn place_of(site: Site, sources: &Sources) -> Option<(String, usize)> {
    let (_, source) = sources.iter().find(|(id, _)| *id == site.source)?;
    Some((source.name().to_string(), source.line_column(site.span.start).0))
}

/// Returns a text in which everything stands for itself that XML 1.0 can have, and everything else is escaped.
fn legal(text: &str) -> XmlString {
    let mut legal = String::with_capacity(text.len());
    for c in text.chars() {
        // Writing into a String cannot fail.
        let _ = match c {
            '\n' => legal.write_char(c),
            '\r' => legal.write_str("\\r"),
            '\t' => legal.write_str("\\t"),
            c if c.is_ascii_control() => write!(legal, "\\x{:02x}", u32::from(c)),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => write!(legal, "\\u{{{:x}}}", u32::from(c)),
            c => legal.write_char(c),
        };
    }
    XmlString::new(legal)
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
                status.set_message(legal(why));
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
            .set_message(legal(&diagnostic.message))
            .set_type(diagnostic.code.text())
            .set_description(legal(render_failure(failure, &case.sources, LOOK).trim_end()));
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
            .set_message(legal(&diagnostic.message))
            .set_type(diagnostic.code.text())
            .set_description(legal(render_failure(failure, &case.sources, LOOK).trim_end()));
    }
    rerun
}

/// Returns what is to be told of the flow as a whole; `None` if its steps say everything.
fn whole(case: &CaseReport, has_told: bool, has_skipped: bool) -> Option<TestCaseStatus> {
    let refused = |kind, message: String, text: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(message).set_type(case.status.title()).set_description(legal(text.trim_end()));
        status
    };
    match case.status {
        Status::Flaky if case.is_failure => {
            Some(refused(NonSuccessKind::Failure, "a step needed more than one attempt".to_string(), ""))
        }
        Status::Passed | Status::Flaky => case.steps().is_empty().then(TestCaseStatus::success),
        // A skipped step has said so, with its reason.
        Status::Skipped if has_skipped => None,
        Status::Skipped | Status::Alone => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(legal(case.summary.tally.why_skipped.as_deref().unwrap_or(case.status.title())));
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

    use super::super::campaign;
    use super::super::suite::tests::example;
    use super::*;

    #[test]
    fn a_suite_has_a_testcase_a_step_and_every_attempt() {
        assert_snapshot!(render_junit(&example()));
    }

    #[test]
    fn a_suite_says_what_makes_it_traceable() {
        let suite = SuiteReport { origin: Some(crate::origin::tests::example().origin), ..example() };
        let text = render_junit(&suite);
        Report::deserialize_from_str(&text).expect("it is well-formed JUnit");
        for wanted in [
            "timestamp=\"2026-11-29T12:00:00Z\" hostname=\"bench-3\"",
            "<property name=\"date\" value=\"2026-11-29T12:00:00.042Z\"/>",
            "<property name=\"user\" value=\"anna\"/>",
            "<property name=\"bench\" value=\"left\"/>",
            "<property name=\"variable apn\" value=\"cm net\"/>",
            "<property name=\"sha256 main.flow\" value=\"",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        assert!(text.contains(&format!("<property name=\"flowrun\" value=\"{}\"/>", Origin::VERSION)), "{text}");
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
    fn names_are_unique_and_every_text_is_legal_xml() {
        let mut suite = example();
        let nasty = (0..=0xa0_u32).chain([0xfffd, 0xfffe, 0xffff, 0x1_fffe, 0x10_ffff]);
        let nasty: String = nasty.filter_map(char::from_u32).collect();
        let case = &mut suite.cases[0];
        (case.file, case.diff) = (nasty.clone(), nasty.clone());
        case.status = Status::Changed;
        let steps = case.summary.steps.clone();
        for title in ["same", "same (2)", "same", "same", &nasty] {
            let step = StepSummary { title: title.to_string(), depth: 0, ..steps[0].clone() };
            case.summary.steps.push(step);
        }
        suite.origin = Some(Origin { begun: 1_795_953_600_000, host: Some(nasty), ..Origin::default() });
        let text = render_junit(&suite);
        let is_legal = |c: char| matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
        assert_eq!(text.chars().find(|c| !is_legal(*c)), None);
        assert!(text.contains("timestamp=\"2026-11-29T12:00:00Z\""), "{text}");
        for name in ["same", "same (2)", "same (3)", "same (4)"] {
            assert_eq!(text.matches(&format!("<testcase name=\"{name}\"")).count(), 1, "{name}");
        }
        assert!(text.contains("\\0\\x01") || text.contains("\\x00\\x01"), "{text}");
        Report::deserialize_from_str(&text).expect("it is well-formed JUnit");
    }

    #[test]
    fn a_flow_whose_step_was_skipped_is_counted_once() {
        let text = render_junit(&example());
        let (_, skipped) = text.split_once("<testsuite name=\"flows/lte.flow\"").expect("it is there");
        assert_eq!(skipped.matches("<testcase ").count(), 1, "{skipped}");
        assert!(skipped.starts_with(" tests=\"1\" skipped=\"1\""), "{skipped}");
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

    #[test]
    fn a_campaign_has_a_testcase_for_the_ideal_line_and_one_a_finding() {
        assert_snapshot!(render_campaign_junit(&campaign::tests::example()));
    }

    #[test]
    fn a_campaign_is_well_formed_whatever_its_texts_are() {
        let text = render_campaign_junit(&campaign::tests::nasty_example());
        let is_legal = |c: char| matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..);
        assert_eq!(text.chars().find(|c| !is_legal(*c)), None);
        let read = Report::deserialize_from_str(&text).expect("it is well-formed JUnit");
        assert_eq!((read.tests, read.failures, read.errors), (4, 2, 0));
    }
}
