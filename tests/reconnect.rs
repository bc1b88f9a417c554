//! A port that goes away and comes back, moment by moment; `tests/rules` has whole runs against a device.

mod support;

use flowrun::diagnostic::Severity;
use flowrun::engine::{Action, Input, Output};
use flowrun::event::{CloseReason, Verdict};
use flowrun::port::{PortCommand, PortId};
use flowrun::time::Moment;
use support::bench::{Bench, opened};
use support::{Run, check_text};

const GONE: fn() -> Input<'static> = || Input::Closed(PortId::FIRST, CloseReason::unplugged());
const BACK: Input<'static> = Input::Opened(PortId::FIRST);

/// Returns a flow that allows its port to be away for two seconds.
fn patient(body: &str) -> Bench {
    Bench::new(&format!("serial {{ reconnect 2s }}\n{body}"))
}

#[test]
fn a_port_that_is_back_at_the_last_moment_is_in_time_and_a_later_one_is_not() {
    let flow = "send \"AT\" expect line \"OK\" within 10s";
    let in_time = patient(flow).give(500, GONE()).give(2500, BACK).at(2501, "OK\r\n");
    assert_eq!(in_time.verdict, Some(Verdict::Passed));
    let late = patient(flow).give(500, GONE()).give(2501, BACK);
    assert_eq!(late.verdict, Some(Verdict::PortFailed));
    assert_eq!(late.message(), "`test` went away and did not come back within 2s");
}

#[test]
fn a_wait_keeps_its_deadline_however_often_the_port_goes() {
    let mut bench = patient("send \"AT\" expect line \"OK\" within 10s");
    for s in 0..9 {
        bench = bench.give(1000 * s + 100, GONE()).give(1000 * s + 900, BACK);
    }
    assert_eq!(bench.tick(10_000).message(), "line \"OK\" did not come within 10s");
}

#[test]
fn without_a_word_about_it_a_port_that_goes_ends_the_run() {
    let bench = Bench::new("send \"AT\" expect line \"OK\" within 10s").give(500, GONE());
    assert_eq!((bench.verdict, bench.message().as_str()), (Some(Verdict::PortFailed), "`test` went away"));
}

#[test]
fn a_port_that_fails_for_another_reason_is_not_awaited() {
    let broken = CloseReason::Broken { reason: "no more memory".to_string(), help: None };
    let bench = patient("send \"AT\" expect line \"OK\"").give(500, Input::Closed(PortId::FIRST, broken));
    assert_eq!(bench.verdict, Some(Verdict::PortFailed));
}

#[test]
fn what_comes_from_a_port_that_is_away_is_nothing() {
    let bench = patient("send \"AT\" expect line \"OK\" within 5s").give(500, GONE()).at(600, "OK\r\n");
    assert_eq!(bench.verdict, None);
    assert_eq!(bench.give(700, BACK).at(800, "OK\r\n").verdict, Some(Verdict::Passed));
}

#[test]
fn a_counted_read_begins_again_when_the_port_is_back() {
    let bench = patient("send \"AT\" read 4 bytes as data within 5s\nlog data").at(100, "ab");
    let bench = bench.give(500, GONE()).give(700, BACK).at(800, "cd").at(900, "efg");
    assert_eq!(bench.logged(), ["cdef"]);
}

#[test]
fn a_read_until_takes_nothing_from_before_the_port_went() {
    let bench = patient("send \"AT\" read until \"#\" as data within 5s\nlog data").at(100, "ab");
    assert_eq!(bench.give(500, GONE()).give(700, BACK).at(800, "cd#").logged(), ["cd"]);
}

#[test]
fn an_echo_that_has_not_come_does_not_come_any_more() {
    let flow = "serial { echo on }\nsend \"AT\" expect line \"AT\" within 5s";
    let bench = patient(flow).at(100, "A").give(500, GONE()).give(700, BACK).at(800, "AT\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn reopen_allows_the_port_to_go_only_while_it_waits() {
    let flow = "send \"AT\" expect line \"OK\" reopen within 3s send \"B\" expect line \"OK\"";
    let bench = Bench::new(flow).at(1, "OK\r\n").give(1000, GONE()).give(2000, BACK);
    assert_eq!(bench.written(), ["AT\r", "B\r"]);
    assert_eq!(bench.give(2100, GONE()).verdict, Some(Verdict::PortFailed));
}

#[test]
fn a_flow_with_reopen_goes_on_without_its_port_until_something_needs_it() {
    let start = "send \"AT\" expect line \"OK\" sleep 2s";
    let gone = |rest: &str| Bench::new(&format!("{start} {rest}")).at(1, "OK\r\n").give(1000, GONE());
    let bench = gone("reopen within 3s send \"B\"");
    assert_eq!(bench.verdict, None);
    let bench = bench.tick(2001).give(4000, BACK);
    assert_eq!((bench.written(), bench.verdict), (vec!["AT\r".into(), "B\r".into()], Some(Verdict::Passed)));
    let late = gone("reopen within 3s send \"B\"").tick(2001).tick(5001);
    assert_eq!(late.message(), "`test` went away and did not come back within 3s");
    let needed = gone("send \"B\" expect line \"OK\" reopen within 3s").tick(2001);
    assert_eq!((needed.verdict, needed.message().as_str()), (Some(Verdict::PortFailed), "the port is gone"));
    let without = gone("send \"B\"");
    assert_eq!(without.verdict, Some(Verdict::PortFailed), "it ends at once");
    let broken = CloseReason::Broken { reason: "no more memory".to_string(), help: None };
    let broken = Bench::new(&format!("{start} reopen within 3s"))
        .at(1, "OK\r\n")
        .give(1000, Input::Closed(PortId::FIRST, broken));
    assert_eq!(broken.verdict, Some(Verdict::PortFailed), "it does not come back");
}

#[test]
fn reopen_in_a_clean_up_seeks_a_port_that_is_gone() {
    let flow = "finally { reopen within 3s send \"B\" }\nsend \"AT\" expect line \"OK\"";
    let bench = Bench::new(flow).give(1000, GONE());
    assert_eq!(bench.verdict, None);
    let bench = bench.give(2000, BACK);
    assert_eq!((bench.written(), bench.verdict), (vec!["AT\r".into(), "B\r".into()], Some(Verdict::PortFailed)));
}

#[test]
fn an_interrupt_ends_the_wait_for_a_port() {
    let bench = patient("send \"AT\" expect line \"OK\" reopen within 3s").at(1, "OK\r\n").give(1000, Input::Interrupt);
    assert_eq!(
        (bench.verdict, bench.message().as_str()),
        (Some(Verdict::Interrupted), "interrupted before the port was back")
    );
}

#[test]
fn the_port_is_opened_again_with_the_settings_that_it_has_by_then() {
    let mut engine = opened("serial { reconnect 2s }\nsleep 1s baud 9600 send \"AT\" expect line \"OK\"");
    let mut opened_with = Vec::new();
    for (ms, input) in [(500, GONE()), (1000, Input::Tick), (1200, BACK)] {
        engine.handle(Moment::from_millis(ms), input);
        loop {
            match engine.poll() {
                Output::Act(Action::Port(_, PortCommand::Reopen { settings })) => opened_with.push(settings.baud),
                Output::Act(_) | Output::Event(_) => {}
                Output::Wait { .. } | Output::Done(_) => break,
            }
        }
    }
    assert_eq!(opened_with, [115_200, 9600]);
}

#[test]
fn reopen_is_a_name_wherever_it_is_no_statement() {
    let flow = "flow \"test\"\nparam reopen = \"a\"\nparam b = \"b\"\nsend reopen expect line reopen_ok(reopen)\n";
    assert!(!check_text("test.flow", flow).problems.is_empty(), "the test must see a problem where there is one");
    for body in
        ["save b reopen", "save reopen, b\nreopen within 1s", "log reopen reopen within 1s", "save b reopen within 1s"]
    {
        let flow = format!(
            "flow \"test\"\nparam reopen = \"a\"\nparam b = \"b\"\nsend \"${{reopen}}\" expect line \"OK\"\n{body}\n"
        );
        let problems = check_text("test.flow", &flow).problems;
        assert!(problems.iter().all(|problem| problem.severity() != Severity::Error), "{body}: {problems:?}");
    }
}

/// Returns how a flow whose port may be away ends if its device leaves for good.
fn left_for_good(device: &str) -> support::Outcome {
    let flow = "flow \"t\"\nserial { reconnect 2s }\nsend \"AT\" expect line \"OK\" within 10s";
    Run::texts(flow, &format!("device \"d\"\n{device}")).go()
}

#[test]
fn a_device_that_leaves_for_good_or_fails_while_it_is_away_ends_the_run() {
    let left = left_for_good("on line \"AT\" { unplug }");
    assert_eq!(left.verdict, Verdict::PortFailed);
    assert!(left.report.contains("did not come back within 2s"), "{}", left.report);
    let failed = left_for_good("on line \"AT\" { unplug for 1s  fail \"no power\" }");
    assert!(failed.report.contains("the simulated device failed: no power"), "{}", failed.report);
}
