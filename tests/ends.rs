//! Everything ends: sends that nobody takes, guards that never come, and what is computed without any waiting.

mod support;

use flowrun::engine::{Action, Engine, Input, Output};
use flowrun::event::{EventKind, Verdict};
use flowrun::port::{PortCommand, PortId};
use flowrun::time::Moment;
use support::Run;
use support::bench::{Bench, opened};

#[test]
fn a_send_of_which_nothing_leaves_ends_after_the_time_of_the_wait_behind_it() {
    let flows = [
        ("send raw \"x\" expect line \"OK\" within 1s", 1000),
        ("send raw \"x\" read 2 bytes as b within 2s", 2000),
        ("send raw \"x\" sleep 1s expect line \"OK\" within 1s", 5000),
        ("timeout 3s send raw \"x\" assert 1 == 1", 3000),
        ("step \"s\" timeout 700ms { send raw \"x\" expect line \"OK\" within 1s }", 700),
        ("serial { pace 1ms } step \"s\" timeout 700ms { send raw \"xyz\" expect line \"OK\" within 9s }", 700),
    ];
    for (flow, ms) in flows {
        let bench = Bench::stuck(flow, 0).tick(ms - 1);
        assert_eq!(bench.verdict, None, "{flow}");
        assert!(bench.until.is_some_and(|until| until <= Moment::from_millis(ms + 2)), "{flow}: {:?}", bench.until);
        let bench = bench.tick(ms + 2);
        assert_eq!((bench.verdict, bench.discarded), (Some(Verdict::Failed), 1), "{flow}");
    }
    let bench = Bench::stuck("send raw \"x\" expect line \"OK\" within 1s", 0).tick(1002);
    assert_eq!(bench.message(), "nothing more could be sent for 1s: the byte has not left");
    assert!(bench.cause().contains("flow control"), "{}", bench.cause());
}

#[test]
fn a_long_send_goes_on_as_long_as_some_of_it_leaves() {
    let flow = "compute a = \"x\" repeat 13 { compute a = a + a } send raw a expect line \"OK\" within 1s";
    let bench = Bench::stuck(flow, 1);
    assert_eq!(bench.written.iter().map(Vec::len).collect::<Vec<_>>(), [4096, 4096]);
    let bench = bench.tick(1_400);
    assert_eq!(bench.message(), "nothing more could be sent for 1s: 4096 of 8192 bytes have left");
    let bench = Bench::new(flow).at(1, "OK\r\n");
    assert_eq!((bench.verdict, bench.written.len()), (Some(Verdict::Passed), 2));
    let sent =
        bench.events.iter().filter(|event| matches!(&event.kind, EventKind::Sent { bytes } if bytes.len() == 8192));
    assert_eq!(sent.count(), 1, "it is told as one");
}

#[test]
fn what_cleans_up_is_not_sent_behind_what_did_not_leave() {
    let flow = "finally { send \"BYE\" } send \"X\" expect line \"OK\" within 1s";
    let bench = Bench::stuck(flow, 0).give(100, Input::Interrupt);
    assert_eq!((bench.discarded, bench.written()), (1, vec!["X\r".to_string(), "BYE\r".to_string()]));
    let bench = bench.tick(6_000);
    assert_eq!((bench.verdict, bench.discarded), (Some(Verdict::Interrupted), 2));
}

#[test]
fn a_guard_on_a_line_that_is_never_quiet_ends() {
    let mut bench = Bench::new("serial { guard 300ms } send \"A\" expect line \"OK\" within 1s");
    for ms in (100..2000).step_by(100) {
        bench = bench.at(ms, "chatter\r\n").tick(ms);
    }
    assert_eq!((bench.verdict, bench.written.len()), (Some(Verdict::Failed), 0));
    assert_eq!(bench.message(), "the line was not quiet for 300ms within 1s, so nothing was sent");
    let mut bench = Bench::new("serial { guard 300ms } fail on line \"PANIC\" send \"A\" expect line \"OK\" within 1s");
    bench = bench.at(100, "PANIC\r\n");
    assert_eq!(bench.message(), "`PANIC` came", "watchers look meanwhile");
}

#[test]
fn the_world_is_looked_at_while_much_is_computed() {
    let loops = "compute n = 0 repeat 100000 { compute n = n + 1 } assert n == 100000";
    let bench = Bench::new(loops);
    assert_eq!(bench.verdict, Some(Verdict::Passed), "time stands still, and nothing is lost");
    assert!(bench.breaths >= 9, "{}", bench.breaths);
    let digests =
        "compute a = \"x\" repeat 16 { compute a = a + a } repeat 900000 { compute b = sha256(a) } assert 1 == 1";
    let mut engine = opened(digests);
    let waits = |engine: &mut Engine| loop {
        match engine.poll() {
            Output::Wait { .. } => return true,
            Output::Done(_) => return false,
            Output::Event(_) | Output::Act(_) => {}
        }
    };
    assert!(waits(&mut engine));
    engine.handle(Moment::from_millis(1), Input::Interrupt);
    assert!(!waits(&mut engine), "it is heard between two digests");
}

#[test]
fn a_steps_timeout_bounds_what_is_computed() {
    let flow = "step \"s\" timeout 1s { compute n = 0 repeat 900000 { compute n = n + 1 } assert n == 1 }";
    let mut engine = opened(flow);
    while !matches!(engine.poll(), Output::Wait { .. }) {}
    engine.handle(Moment::from_millis(1001), Input::Tick);
    let failure = engine.failure().expect("its time is over");
    assert_eq!(
        (failure.message.as_str(), failure.label.as_str()),
        ("the step `s` took longer than its timeout", "still computing here")
    );
}

#[test]
fn watchers_look_while_a_write_waits() {
    let long = "compute a = \"x\" repeat 13 { compute a = a + a } send raw a expect line \"OK\" within 9s";
    let bench = Bench::stuck(&format!("fail on line /PANIC.*/ {long}"), 0).at(1000, "PANIC: stack\r\n");
    assert_eq!(bench.message(), "`PANIC: stack` came");
    // What an `on` sends does not stand in the middle of what is being sent, but behind it.
    let on = "on line \"+WAKE\" { send raw \"!\" }";
    let bench = Bench::stuck(&format!("{on} {long}"), 0).at(1000, "+WAKE\r\n");
    assert_eq!(bench.written.len(), 1);
    let short = "send raw \"short\" expect line \"OK\" within 9s";
    let bench = Bench::stuck(&format!("{on} {short}"), 0).at(1000, "+WAKE\r\n");
    assert_eq!(bench.written(), ["short", "!"]);
    // The echo of a line that is being sent is nothing for them.
    let paced = "serial { pace 10ms } fail on \"ERR\" send \"ERR\" expect line \"OK\" within 9s";
    let bench = Bench::new(paced).at(5, "E").tick(10).at(15, "R").tick(20).at(25, "R").tick(30).at(35, "\r\nOK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn a_write_that_leaves_while_a_handler_runs_has_left() {
    let flow = "on line \"+WAKE\" { sleep 1s } send raw \"short\" expect line \"OK\" within 9s";
    let mut engine = opened(flow);
    let mut token = None;
    let drain = |engine: &mut Engine, token: &mut Option<_>| loop {
        match engine.poll() {
            Output::Wait { .. } => return None,
            Output::Done(verdict) => return Some(verdict),
            Output::Act(Action::Port(_, PortCommand::Write { token: of, .. })) => *token = Some(of),
            Output::Event(_) | Output::Act(_) => {}
        }
    };
    drain(&mut engine, &mut token);
    engine.handle(Moment::from_millis(10), Input::Received(PortId::FIRST, b"+WAKE\r\n"));
    drain(&mut engine, &mut token);
    engine.handle(Moment::from_millis(20), Input::Sent(token.take().expect("it was written")));
    drain(&mut engine, &mut token);
    engine.handle(Moment::from_millis(1010), Input::Tick);
    drain(&mut engine, &mut token);
    engine.handle(Moment::from_millis(1020), Input::Received(PortId::FIRST, b"OK\r\n"));
    assert_eq!(drain(&mut engine, &mut token), Some(Verdict::Passed));
}

#[test]
fn what_is_told_does_not_wait_in_memory_until_a_loop_is_over() {
    let text = "compute a = \"x\" repeat 16 { compute a = a + a }";
    for body in ["repeat 500 { log a }", "repeat 500 { capture b from /x+/ in a }"] {
        let mut engine = opened(&format!("{text} {body} assert 1 == 1"));
        let (mut most, mut waiting, mut all) = (0, 0, 0);
        loop {
            match engine.poll() {
                Output::Event(event) => {
                    if let EventKind::Logged { text: bytes } | EventKind::Captured { value: bytes, .. } = &event.kind {
                        waiting += bytes.len();
                        all += bytes.len();
                    }
                }
                Output::Wait { .. } => {
                    most = most.max(waiting);
                    waiting = 0;
                    engine.handle(Moment::START, Input::Tick);
                }
                Output::Done(verdict) => break assert_eq!(verdict, Verdict::Passed, "{body}"),
                Output::Act(_) => {}
            }
        }
        assert!(all == 500 * 65_536 && most < 8 << 20, "{body}: {most} of {all} bytes waited");
    }
}

#[test]
fn what_a_device_logs_is_kept_up_to_a_limit() {
    let flow = "flow \"t\" send \"AT\" expect line \"OK\" within 60s";
    let logs = "compute a = \"x\" repeat 16 { compute a = a + a } repeat 100 { log a }";
    let device = format!("device \"d\" on line \"AT\" {{ log \"first\" {logs} reply \"OK\" }}");
    let outcome = Run::texts(flow, &device).go();
    assert_eq!(outcome.verdict, Verdict::Passed);
    let said = outcome.device_events.len();
    assert!((10..=17).contains(&said), "{said} of 101 texts, 64 KiB each, are kept");
}

#[test]
fn a_paced_send_that_stops_says_how_many_bytes_have_left() {
    let flow = "serial { pace 1ms } send raw \"xyz\" expect line \"OK\" within 1s";
    let bench = Bench::stuck(flow, 2).tick(1).tick(2).tick(5000);
    assert_eq!(bench.message(), "nothing more could be sent for 1s: 2 of 3 bytes have left");
}
