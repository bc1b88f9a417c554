//! Each kind of change of a small device, and what a flow with or without a check makes of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::address::Address;
use crate::program::Role;
use crate::setup::{Terms, find_counterpart, read_program};

fn setup(folder: &Path, flow: &str, device: &str) -> Setup {
    fs::write(folder.join("d.flow"), device).expect("it can be written");
    let path = folder.join("t.flow");
    fs::write(&path, format!("flow \"t\"\nsim \"d.flow\"\n{flow}")).expect("it can be written");
    let read = read_program(Role::Flow, &path).and_then(|read| {
        let found = find_counterpart(&[Address::OwnDevice], &path, &read.program)?;
        Setup::join(read.program, &path, found.counterpart, Terms::default())
    });
    read.unwrap_or_else(|error| panic!("{error:?}"))
}

fn report(flow: &str, device: &str) -> Report {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let setup = setup(folder.path(), flow, device);
    let campaign = Campaign { seed: 1, most: 500, jobs: 2 };
    match run(&setup, &["sim".to_string()], campaign) {
        Ok(report) => report,
        Err(Stopped::NotGood(trial)) => panic!("{:?}", trial.failure),
        Err(Stopped::Refused(error)) => panic!("{error:?}"),
    }
}

/// Returns the kinds of changes that had a fate, in order, with what the answer became.
fn with_fate(report: &Report, is_it: impl Fn(&Fate) -> bool) -> Vec<String> {
    let shown = |tried: &Tried| match &tried.answer {
        Some((_, Some(after))) => format!("{} {after}", tried.mutant.kind.name()),
        Some(_) | None => tried.mutant.kind.name().to_string(),
    };
    report.tried.iter().filter(|tried| is_it(&tried.fate)).map(shown).collect()
}

fn unnoticed(report: &Report) -> Vec<String> {
    with_fate(report, |fate| matches!(fate, Fate::Unnoticed { .. }))
}

const DEVICE: &str = "device \"d\"\n\
    on line \"AT+CSQ\" {\n  reply \"+CSQ: 25,0\"\n  reply \"OK\"\n}\n\
    on line \"AT+CPIN?\" { reply \"+CPIN: READY\"  reply \"OK\" }\n\
    on line /.*/ { reply \"ERROR\" }\n";

#[test]
fn a_flow_that_checks_nothing_has_survivors_and_the_same_flow_with_the_check_has_none() {
    let blind = report("send \"AT+CSQ\"\nexpect line \"OK\"\n", DEVICE);
    let survivors = unnoticed(&blind);
    assert_eq!(
        survivors,
        [
            "missing",
            "empty ",
            "cut +CSQ: 25,",
            "digit +CSQ: 26,0",
            "limit +CSQ: 99,0",
            "digit +CSQ: 25,1",
            "limit +CSQ: 25,9",
            "letter +CSR: 25,0"
        ]
    );
    let checking = report("send \"AT+CSQ\"\nexpect line \"+CSQ: 25,0\"\nexpect line \"OK\"\n", DEVICE);
    assert_eq!(unnoticed(&checking), [""; 0]);
    assert!(checking.count(|fate| *fate == Fate::Noticed) >= survivors.len());
    assert_eq!((checking.n_answers, checking.n_reached), (5, 2));
}

#[test]
fn a_pattern_for_any_value_lets_other_values_pass_and_a_comparison_does_not() {
    let any = report("send \"AT+CSQ\"\nexpect line /\\+CSQ: \\d+,\\d+/\nexpect line \"OK\"\n", DEVICE);
    assert_eq!(unnoticed(&any), ["digit +CSQ: 26,0", "limit +CSQ: 99,0", "digit +CSQ: 25,1", "limit +CSQ: 25,9"]);
    let compared = "send \"AT+CSQ\"\nexpect line /\\+CSQ: (?<rssi>\\d+),0/\nexpect line \"OK\"\n\
                    assert int(rssi) < 26, \"${rssi}\"\n";
    assert_eq!(unnoticed(&report(compared, DEVICE)), [""; 0]);
}

#[test]
fn an_error_instead_of_an_answer_is_tried_if_the_device_knows_errors() {
    let blind =
        "send \"AT+CSQ\"\nexpect line /.*CSQ.*/\nsend \"AT+CPIN?\"\nexpect line \"+CPIN: READY\"\nexpect line \"OK\"\n";
    assert!(unnoticed(&report(blind, DEVICE)).contains(&"error ERROR".to_string()));
    let without = DEVICE.replace("\"ERROR\"", "\"?\"");
    let kinds: BTreeSet<Kind> = report(blind, &without).tried.iter().map(|tried| tried.mutant.kind).collect();
    assert!(!kinds.contains(&Kind::Error));
}

#[test]
fn the_same_answer_twice_late_or_in_another_order_is_borne_if_the_flow_does_the_same() {
    let flow = "send \"AT+CSQ\"\nexpect all within 10m { line \"+CSQ: 25,0\" line \"OK\" }\n";
    let borne = with_fate(&report(flow, DEVICE), |fate| *fate == Fate::Borne);
    assert_eq!(borne, ["doubled", "swapped", "late", "late"], "the second `OK` comes when the flow has ended");
    let strict = "send \"AT+CSQ\"\nexpect line \"+CSQ: 25,0\"\nexpect line \"OK\"\nexpect none line /.*/ for 1s\n";
    let report = report(strict, DEVICE);
    // What comes between two awaited lines is passed over; what comes at the end is not.
    assert_eq!(with_fate(&report, |fate| *fate == Fate::Borne), ["doubled"]);
    assert_eq!(unnoticed(&report), [""; 0]);
}

#[test]
fn what_was_saved_or_measured_with_another_value_is_recorded() {
    let saved = "send \"AT+CSQ\"\nexpect line /\\+CSQ: (?<rssi>\\d+),0/\nexpect line \"OK\"\nsave rssi\n";
    assert_eq!(
        with_fate(&report(saved, DEVICE), |fate| *fate == Fate::Recorded),
        ["digit +CSQ: 26,0", "limit +CSQ: 99,0"]
    );
    let measured = saved.replace("save rssi", "measure rssi_of = int(rssi)");
    assert_eq!(with_fate(&report(&measured, DEVICE), |fate| *fate == Fate::Recorded).len(), 2);
}

#[test]
fn a_comment_in_the_device_explains_what_need_not_be_noticed() {
    let device = DEVICE.replace("25,0\"\n", "25,0\"  # mutant ok digit, limit: any signal will do\n");
    let flow = "send \"AT+CSQ\"\nexpect line /\\+CSQ: \\d+,\\d+/\nexpect line \"OK\"\n";
    let report = report(flow, &device);
    assert_eq!(unnoticed(&report), [""; 0]);
    let why = Fate::Explained("any signal will do".to_string());
    assert_eq!(report.count(|fate| *fate == why), 4);
}

#[test]
fn bytes_and_control_lines_are_changed_too() {
    let device = "device \"d\"\non line \"B\" { send raw x\"01 03 ff\" }\non line \"C\" { cts on  reply \"OK\" }\n";
    let flow = "send \"B\"\nread 3 bytes as frame\nsend \"C\"\nexpect line \"OK\"\n";
    let blind = report(flow, device);
    assert_eq!(
        unnoticed(&blind),
        ["byte \\0\\x03\\xff", "byte \\x01\\x02\\xff", "byte \\x01\\x03\\xfe", "missing", "switched"]
    );
    let checked = format!(
        "{}expect cts on\n",
        flow.replace("as frame\n", "as frame\nassert frame == x\"01 03 ff\", \"other\"\n")
    );
    assert_eq!(unnoticed(&report(&checked, device)), [""; 0]);
}

#[test]
fn a_run_that_does_not_end_by_itself_is_found() {
    let flow = "step \"s\" timeout 8000h {\n  send \"AT+CSQ\"\n  expect line /\\+CSQ: (?<rssi>\\d+),0/\n  expect line \"OK\"\n\
                \x20 repeat until rssi == \"25\" every 1s {\n    send \"AT+CSQ\"\n    expect line /\\+CSQ: (?<rssi>\\d+),0/\n  }\n}\n";
    let report = report(flow, DEVICE);
    assert_eq!(with_fate(&report, |fate| *fate == Fate::Endless), ["digit +CSQ: 26,0", "limit +CSQ: 99,0"]);
    assert!(report.findings().any(|tried| tried.fate == Fate::Endless));
}

#[test]
fn a_flow_that_does_not_pass_against_its_device_is_not_tried() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let setup = setup(folder.path(), "send \"NO\"\nexpect line \"OK\" within 1s\n", DEVICE);
    let stopped = run(&setup, &["sim".to_string()], Campaign { seed: 1, most: 9, jobs: 1 });
    assert!(matches!(stopped, Err(Stopped::NotGood(trial)) if trial.failure.is_some()));
}

#[test]
fn the_seed_says_which_are_tried_and_the_number_of_threads_does_not() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let flow = "send \"AT+CSQ\"\nexpect line \"OK\"\nsend \"AT+CPIN?\"\nexpect line \"OK\"\n";
    let setup = setup(folder.path(), flow, DEVICE);
    let tried = |seed, jobs| {
        let campaign = Campaign { seed, most: 10, jobs };
        let Ok(report) = run(&setup, &["sim".to_string()], campaign) else { panic!("it passes") };
        assert_eq!((report.tried.len(), report.n_mutants > 10), (10, true));
        report.tried.iter().map(|tried| format!("{:?} {:?}", tried.mutant, tried.fate)).collect::<Vec<_>>()
    };
    assert_eq!(tried(1, 1), tried(1, 4));
    assert_ne!(tried(1, 1), tried(2, 1));
}

#[test]
fn a_secret_is_shown_in_no_answer() {
    let device = "device \"d\"\nsecret key = \"hunter22\"\n\
                  on line \"K\" { reply \"KEY=${key}\"  reply \"OK\" }\n";
    let flow = "secret key = \"hunter22\"\nsend \"K\"\nexpect line \"OK\"\n";
    let report = report(flow, device);
    let told = format!("{:?}", report.tried.iter().map(|tried| &tried.answer).collect::<Vec<_>>());
    assert!(told.contains("KEY=") && !told.contains("hunter"), "{told}");
    assert!(!told.contains("unter2"), "a piece of it: {told}");
}

#[test]
fn a_coded_secret_that_was_changed_a_little_is_shown_in_no_answer() {
    let device = "device \"d\"\nsecret key = \"hunter22\"\n\
                  on line \"K\" { reply \"KEY=${base64(key)} ${hex(key)}\"  reply \"OK\" }\n";
    let flow = "secret key = \"hunter22\"\nsend \"K\"\nexpect line \"OK\"\n";
    let report = report(flow, device);
    let told = format!("{:?}", report.tried.iter().map(|tried| &tried.answer).collect::<Vec<_>>());
    // `hunter22` is `aHVudGVyMjI=` and `68756e7465723232`: no piece of either may be read.
    assert!(told.contains("KEY=") && !told.contains("VudG") && !told.contains("756e74"), "{told}");
}

#[test]
fn a_comment_that_explains_nothing_is_named_and_one_that_another_flow_may_need_is_not() {
    let device = "device \"d\"\n\
        on line \"A\" { reply \"OK\" }  # mutant ok digit: it has none\n\
        on line \"A2\" { reply \"N 5\" }  # mutant ok digit, limit, letter, cut: any will do\n\
        on line \"B\" { reply \"OK\" }  # mutant ok: not reached\n\
        # mutant ok: nothing is below\n\n\
        on line \"C\" { reply \"OK\" }  # mutant ok\n\
        on line \"D\" { reply \"OK\" }  # mutant ok digt: a slip\n";
    let flow = "send \"A\"\nexpect line \"OK\"\nsend \"A2\"\nexpect line /N.*/\n";
    let stale: Vec<String> =
        report(flow, device).stale.into_iter().map(|stale| format!("{} {}", stale.line, stale.why)).collect();
    assert_eq!(
        stale,
        [
            "2 explains no change that this flow lets pass: remove it, unless another flow needs it",
            "5 stands beside no answer: put it on the line where one ends, or on the line before it",
            "7 has no reason: write `# mutant ok: why`",
            "8 names no kind of change with `digt`: the kinds are missing, error, empty, cut, digit, limit, letter, byte, \
             switched, doubled, swapped, late"
        ]
    );
}
