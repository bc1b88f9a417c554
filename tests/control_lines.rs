//! Control lines: a flow waits for those of the device, a device sees those of the flow, and recordings hold both.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

mod support;

use std::time::Duration;

use flowrun::event::{EventKind, Verdict};
use flowrun::port::{Happening, PortCommand, PortId};
use flowrun::record::Recording;
use flowrun::replay::{ReplayWorld, Timing};
use flowrun::settings::{InputLine, InputLines, Settings};
use flowrun::time::Moment;
use flowrun::world::World;
use support::{Outcome, Run, check_text, program};

/// Runs the statements of a flow against the statements of a device.
fn run(flow: &str, device: &str) -> Outcome {
    let flow = program(check_text("f.flow", &format!("flow \"f\"\nserial {{ eol \"\\n\" }}\n{flow}\n")));
    let device = program(check_text("d.flow", &format!("device \"d\"\nserial {{ eol \"\\n\" }}\n{device}\n")));
    Run::new(flow, device).go()
}

/// Returns what the device said with `log`, for a flow that passes.
fn heard(flow: &str, device: &str) -> Vec<String> {
    let outcome = run(&format!("{flow}\nexpect quiet for 1ms"), device);
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
    outcome.device_said
}

#[test]
fn a_wait_ends_at_the_moment_at_which_the_device_switches_the_line() {
    for (flow, device, millis) in [
        ("expect cts on within 2s", "after 333ms { cts on }", 333),
        ("expect cts on within 2s", "cts on", 0),
        ("expect dsr off within 2s", "dsr on  after 5ms { dsr off }", 5),
        ("expect dsr on expect dsr off within 2s", "dsr on  after 7ms { dsr off }", 7),
        ("expect dcd on within 1s expect ri on within 1s", "after 20ms { ri on dcd on }", 20),
    ] {
        let outcome = run(flow, device);
        assert_eq!(outcome.verdict, Verdict::Passed, "{flow}\n{}", outcome.report);
        assert_eq!(outcome.took, Moment::from_millis(millis), "{flow} and {device}");
    }
}

#[test]
fn a_line_that_is_switched_at_the_deadline_is_in_time_and_later_is_not() {
    let verdict = |device: &str| run("expect cts on within 100ms", device).verdict;
    assert_eq!(verdict("after 100ms { cts on }"), Verdict::Passed);
    assert_eq!(verdict("after 101ms { cts on }"), Verdict::Failed);
}

#[test]
fn a_wait_is_a_check_and_is_told() {
    let outcome = run("expect dcd off within 1s", "dcd on  after 10ms { dcd off }");
    let matched = outcome.events.iter().find_map(|event| match &event.kind {
        EventKind::Matched { pattern, text, waited } => Some((pattern.to_string(), text.clone(), *waited)),
        _ => None,
    });
    let text = b"CTS off, DSR off, DCD off, RI off".to_vec();
    assert_eq!(matched, Some(("dcd off".to_string(), text, Duration::from_millis(10))));
    assert!(outcome.transcript.contains("DCD is off"), "{}", outcome.transcript);
    assert!(matches!(outcome.events.last().map(|event| &event.kind), Some(EventKind::RunEnded { checks: 1, .. })));
}

#[test]
fn watchers_run_while_a_line_is_awaited_and_the_wait_goes_on() {
    let flow = "on line \"RING\" { log \"seen\" sleep 300ms }\nexpect cts on within 1s";
    let outcome = run(flow, "after 50ms { reply \"RING\" }\nafter 100ms { cts on }\nafter 200ms { cts off cts on }");
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    assert!(outcome.transcript.contains("seen"), "{}", outcome.transcript);
    let failed = run("fail on line \"ERROR\"\nexpect cts on within 1s", "after 50ms { reply \"ERROR\" }");
    assert_eq!(failed.message(), "`ERROR` came");
}

#[test]
fn a_failure_shows_all_four_lines_and_a_try_catches_it() {
    let outcome = run("expect ri on within 1s", "dsr on");
    assert_eq!(outcome.message(), "RI was not on within 1s");
    assert!(outcome.report.contains("CTS off, DSR on, DCD off, RI off"), "{}", outcome.report);
    let caught = run("try { expect ri on within 1s } else { log \"none\" }\nexpect dsr on", "dsr on");
    assert_eq!(caught.verdict, Verdict::Passed, "{}", caught.report);
}

#[test]
fn a_device_sees_what_changes_in_the_order_in_which_it_changes() {
    let device = "on dtr on { log \"dtr on\" }\non dtr off { log \"dtr off\" }\n\
                  on rts on { log \"rts on\" }\non rts off { log \"rts off\" }\non break { log \"break\" }";
    let flow = "dtr on rts off\nrts off dtr off\ndtr off\nbreak 20ms\nrts on\nsleep 1ms";
    assert_eq!(heard(flow, device), ["dtr on", "rts off", "dtr off", "break", "rts on"]);
    let opened = program(check_text("f.flow", "flow \"f\"\nserial { dtr off }\nexpect quiet for 1ms\n"));
    let device = program(check_text("d.flow", &format!("device \"d\"\n{device}\n")));
    assert_eq!(Run::new(opened, device).go().device_said, ["dtr off"]);
}

#[test]
fn a_device_that_is_at_something_deals_with_the_lines_afterwards() {
    let device =
        "on line \"WAIT\" { sleep 100ms log \"waited\" }\non dtr on { log \"dtr on\" }\non dtr off { log \"off\" }";
    assert_eq!(heard("send \"WAIT\"\nsleep 10ms\ndtr on\ndtr off\nsleep 1s", device), ["waited", "dtr on", "off"]);
    let never = "on line \"WAIT\" { sleep 1h }\non dtr on { log \"dtr on\" }\non dtr off { log \"dtr off\" }";
    let toggles = "send \"WAIT\"\nsleep 10ms\nrepeat 2000 { dtr on dtr off }";
    assert_eq!(heard(toggles, never), [""; 0], "it has no memory for all of them, and needs none");
}

#[test]
fn a_break_can_restart_a_device() {
    let device =
        "state n = 0\nreply \"boot\"\non break { restart }\non line \"N\" { compute n = n + 1 reply \"n=${n}\" }";
    let flow = "await line \"boot\"\nsend \"N\" expect line \"n=1\"\nbreak 10ms\nawait line \"boot\"\n\
                send \"N\" expect line \"n=1\"";
    heard(flow, device);
}

#[test]
fn the_words_of_control_lines_are_names_everywhere_else() {
    let places = [
        "param w = \"x\"\nassert w == \"x\"",
        "compute w = \"x\"\nlog w\nassert [w, w] == [\"x\", w]",
        "compute w = 1  compute b = 2  save w b w  save b w, b  save b, w  assert w == 1",
        "compute w = 1\nassert {w: w}.w == w and not (w != w)",
        "procedure same(b, w) { return [b, w] }\ncall same(1, 2) -> w\ncall same(1, 2) -> b, w\nassert w == 2",
        "for w in [1, 2] { log w }\nassert true",
        "ask \"?\" as w default \"yes\"\nassert w == \"yes\", \"it is ${w}\"",
        "send \"A\"  expect line /(?<w>B)/\nassert w == \"B\"",
        "send \"A\"  read 1 bytes as w\nassert w == \"B\"",
        "send \"A\"  read until \"\\n\" as w\ncapture b from w\nassert w == \"B\"",
        "compute w = \"A\"\nsend w\nexpect line \"B\" within 1s\nsend raw w",
        "compute w = 1ms\nsleep w\nexpect quiet for w within 1s",
    ];
    for word in ["cts", "dsr", "dcd", "ri"] {
        for place in places {
            let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let pieces: Vec<&str> = place.split('w').collect();
            let mut flow = pieces[0].to_string();
            for pair in pieces.windows(2) {
                let is_alone = !is_letter(pair[0].chars().last()) && !is_letter(pair[1].chars().next());
                flow.push_str(if is_alone { word } else { "w" });
                flow.push_str(pair[1]);
            }
            let outcome = run(&flow, "on line \"A\" { reply \"B\" }");
            assert_eq!(outcome.verdict, Verdict::Passed, "{flow}\n{}", outcome.report);
        }
        let device = format!("state {word} = \"x\"\non line /A/ {{ compute {word} = \"B\" {word} on reply {word} }}");
        heard(&format!("send \"A\" expect line \"B\" expect {word} on within 1s"), &device);
    }
}

/// Returns a world that plays a recording of these entries.
fn replayed(entries: &str) -> ReplayWorld {
    let text = format!("flowrun recording 2\ntitle \"\"\nseed 0\nbegun 0\n0.000000000 open 115200 8N1\n{entries}");
    let recording = Recording::read(&text).expect("it is one");
    let mut world = ReplayWorld::new(&recording, &[], Timing::Same);
    world.perform(PortId::FIRST, PortCommand::Open { settings: Settings::default().line });
    assert_eq!(world.wait(None, &mut Vec::new()).1, Happening::Opened(PortId::FIRST));
    world
}

#[test]
fn a_recording_answers_as_the_device_did() {
    let mut world = replayed(
        "0.100000000 note cts=off dsr=on dcd=off ri=off\n0.300000000 note cts=on dsr=on dcd=off ri=off\n\
         0.400000000 note dtr=on rts=keep\n",
    );
    let lines = |on: &[InputLine]| {
        let mut lines = InputLines::default();
        on.iter().for_each(|line| lines.switch(*line, true));
        Happening::Lines(PortId::FIRST, Ok(lines))
    };
    let at = Moment::from_millis;
    world.perform(PortId::FIRST, PortCommand::ReadLines);
    assert_eq!(world.wait(Some(at(2000)), &mut Vec::new()), (at(100), lines(&[InputLine::Dsr])));
    world.perform(PortId::FIRST, PortCommand::ReadLines);
    assert_eq!(world.wait(Some(at(2000)), &mut Vec::new()), (at(100), lines(&[InputLine::Dsr])));
    assert_eq!(world.wait(Some(at(2000)), &mut Vec::new()), (at(300), lines(&[InputLine::Dsr, InputLine::Cts])));
    assert_eq!(world.wait(Some(at(2000)), &mut Vec::new()), (at(2000), Happening::Nothing));
}
