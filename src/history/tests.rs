//! What the records of made histories say.

use std::time::Duration;

use super::*;

const DAY: i64 = 86_400_000;
const BEGIN: i64 = 1_795_953_600_000;

/// Returns the record of a run on a real port, the `n`th day.
pub(super) fn example(n: i64) -> Record {
    let wait = Timed {
        place: "login.flow:12:3".to_string(),
        step: "Network".to_string(),
        wait: Some("line \"OK\"".to_string()),
        n: 1,
        us: 120_000 + n.unsigned_abs() % 7 * 1000,
    };
    let step = Timed { place: "login.flow:10:1".to_string(), wait: None, ..wait.clone() };
    Record {
        began: BEGIN + n * DAY,
        file: "flows/login.flow".to_string(),
        title: "Login".to_string(),
        sha256: "0123456789abcdef".repeat(4),
        verdict: Verdict::Passed,
        on: Counterpart::Real,
        ports: vec!["/dev/ttyUSB0".to_string()],
        seed: u64::MAX,
        took_us: 1_250_000,
        reason: None,
        version: "0.1.0".to_string(),
        host: Some("bench-3".to_string()),
        times: vec![wait, step],
        measured: vec![Measured {
            name: "vbat".to_string(),
            value: "3.81".to_string(),
            unit: Some("V".to_string()),
            passed: true,
        }],
    }
}

fn with_verdicts(verdicts: &[Verdict]) -> Vec<Record> {
    (0..).zip(verdicts).map(|(n, verdict)| Record { verdict: *verdict, ..example(n) }).collect()
}

fn week() -> Question {
    Question { since: Duration::from_secs(7 * 86_400), factor: 3.0 }
}

/// Returns 30 runs, the last of them slow by so much.
fn slow_since(n: i64, factor: u64) -> Vec<Record> {
    let mut records: Vec<Record> = (0..30).map(example).collect();
    for record in records.iter_mut().filter(|record| record.began >= BEGIN + n * DAY) {
        record.times[0].us *= factor;
        // A line was added above it: the place is another one.
        record.times[0].place = "login.flow:13:3".to_string();
    }
    records
}

#[test]
fn a_wait_that_got_slower_since_last_week_is_named_with_the_run_in_which_it_began() {
    let records = slow_since(25, 4);
    let stories = stories(&records, &week());
    insta::assert_snapshot!(render_text(&stories));
    let drifts = stories[0].drifts();
    assert_eq!(drifts.len(), 1, "the step itself is not slower");
    assert_eq!(drifts[0].1.since.began, BEGIN + 25 * DAY);
    assert!(render_drifts(&stories).contains("in step Network (login.flow:13:3) 4.0 times slower since the run of"));
}

#[test]
fn what_became_slower_before_that_or_by_less_is_not() {
    for records in [slow_since(15, 4), slow_since(25, 2), slow_since(27, 4), slow_since(30, 4)] {
        assert_eq!(render_drifts(&stories(&records, &week())), "");
    }
    let all = Question { since: Duration::MAX, factor: 3.0 };
    assert!(!render_drifts(&stories(&slow_since(15, 4), &all)).is_empty());
}

#[test]
fn simulated_devices_have_verdicts_and_no_drift() {
    let mut records = slow_since(25, 4);
    records.iter_mut().for_each(|record| record.on = Counterpart::Simulated);
    let stories = stories(&records, &week());
    assert!(stories[0].series.is_empty() && stories[0].recent().n_passed == 20);
}

#[test]
fn each_port_has_a_story_of_its_own() {
    // One device answers late each time; on the average of both nothing can be seen.
    let mut records = slow_since(25, 4);
    for n in 0..30 {
        let mut other = Record { ports: vec!["/dev/ttyUSB1".to_string()], ..example(n) };
        other.times[0].us *= 20;
        records.push(other);
    }
    let stories = stories(&records, &week());
    let n_drifts: Vec<usize> = stories.iter().map(|story| story.drifts().len()).collect();
    assert_eq!(n_drifts, [1, 0]);
}

#[test]
fn two_waits_alike_in_one_step_are_told_apart_by_their_places() {
    let mut records: Vec<Record> = (0..30).map(example).collect();
    for (n, record) in records.iter_mut().enumerate() {
        let mut other = record.times[0].clone();
        other.place = "login.flow:14:3".to_string();
        other.us = if n < 25 { 50_000 } else { 500_000 };
        record.times.push(other);
    }
    let stories = stories(&records, &week());
    let drifts = stories[0].drifts();
    assert_eq!(drifts.iter().map(|(series, _)| series.newest.place.as_str()).collect::<Vec<_>>(), ["login.flow:14:3"]);
}

#[test]
fn a_flow_that_fails_to_and_fro_is_flaky_and_one_that_fails_since_a_run_is_failing() {
    use Verdict::{Failed, Flaky, Interrupted, Passed, Skipped};
    let of = |verdicts: &[Verdict]| {
        let records = with_verdicts(verdicts);
        let stories = stories(&records, &week());
        let recent = stories[0].recent();
        (recent.is_unsteady, recent.n_failed + recent.n_flaky, stories[0].failing().map(|(n, _)| n))
    };
    assert_eq!(of(&[Passed; 5]), (false, 0, None));
    assert_eq!(of(&[Passed, Failed, Passed, Passed, Flaky, Failed, Passed]), (true, 3, None));
    assert_eq!(of(&[Passed, Passed, Failed, Failed]), (false, 2, Some(2)));
    assert_eq!(of(&[Failed, Failed, Passed, Passed]), (false, 2, None), "it was mended");
    assert_eq!(of(&[Failed, Failed, Failed]), (false, 3, None), "it has never passed");
    assert_eq!(of(&[Passed, Failed, Passed, Failed]), (true, 2, Some(1)));
    assert_eq!(of(&[Passed, Skipped, Interrupted, Passed]), (false, 0, None));
    assert_eq!(of(&[vec![Failed; 30], vec![Passed; 20]].concat()), (false, 0, None), "only the last twenty count");
}

#[test]
fn the_document_says_the_same() {
    let mut records = slow_since(25, 4);
    records[29].verdict = Verdict::Failed;
    records[29].reason = Some("login.flow:12:3: no line \"OK\" within 5s".to_string());
    insta::assert_snapshot!(render_json(&stories(&records, &week()), &week()));
}

#[test]
fn a_page_gets_the_times_of_the_flow_at_its_own_port() {
    let mut records = slow_since(26, 10);
    records.extend((0..3).map(|n| Record { ports: vec!["/dev/ttyUSB1".to_string()], ..example(n) }));
    let past = |file: &str, port: &str| past_times(&records, file, &[port.to_string()]);
    let times = past("flows/login.flow", "/dev/ttyUSB0");
    assert_eq!(times.iter().map(|past| past.times.len()).collect::<Vec<_>>(), [30, 30]);
    let wait = &times[0];
    assert_eq!(wait.what, "line \"OK\" in step Network (login.flow:13:3)");
    assert_eq!((wait.median.as_str(), wait.last.as_str()), ("123 ms", "1.2 s"));
    assert!(wait.drift.as_deref().is_some_and(|drift| drift.contains("times slower since")), "{wait:?}");
    assert_eq!(times[1].drift, None);
    assert_eq!(past("flows/login.flow", "/dev/ttyUSB1")[0].times.len(), 3);
    assert_eq!((past("flows/login.flow", "sim"), past("other.flow", "/dev/ttyUSB0")), (vec![], vec![]));
    records.iter_mut().for_each(|record| record.on = Counterpart::Simulated);
    assert_eq!(past_times(&records, "flows/login.flow", &["/dev/ttyUSB0".to_string()]), vec![]);
}
