//! Fine points of the engine that no other test would miss: each stands for a mutant of the seeded sample that survived.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

mod support;

use flowrun::engine::{Action, Engine, Output};
use flowrun::event::{EventKind, Verdict};
use flowrun::port::{Happening, PortCommand, PortId, WriteToken};
use flowrun::record::Recording;
use flowrun::replay::{ReplayWorld, Timing};
use flowrun::settings::Settings;
use flowrun::world::World;
use support::Run;
use support::bench::{Bench, opened};

#[test]
fn what_an_await_did_not_get_is_not_a_line_that_another_wait_took() {
    let flow = "send \"A\" expect line \"+READY: 1\" send \"B\" expect line \"OK\" await line \"+READY\" within 1s";
    let bench = Bench::new(flow).at(1, "+READY: 1\r\n").at(2, "OK\r\n").tick(5000);
    assert_eq!(bench.verdict, Some(Verdict::Failed));
    assert!(!bench.cause().contains("+READY: 1"), "{}", bench.cause());
    let flow = "send \"A\" expect line \"OK\" send \"B\" expect line \"OK\" await line \"+READY\" within 1s";
    let bench = Bench::new(flow).at(1, "+READY: 1\r\nOK\r\n").at(2, "OK\r\n").tick(5000);
    assert!(bench.cause().contains("+READY: 1"), "{}", bench.cause());
}

#[test]
fn a_control_character_comes_back_as_two_characters_wherever_they_are_cut() {
    let flow = "serial { echo on } send raw x\"03\" expect line \"OK\" within 1s";
    let bench = Bench::new(flow).at(1, "^").at(2, "C\r\nOK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed), "{}", bench.message());
}

#[test]
fn what_is_told_before_it_is_looked_at_is_held_back_until_it_is_and_no_longer() {
    let flow = "send \"A\" expect line \"OK\" send \"B\" expect line \"DONE\" within 1m \
                send \"C\" expect secret line /K=(?<k>.+)/";
    let bench = Bench::new(flow).at(1, "OK\r\n+PART");
    let told =
        |bench: &Bench| bench.events.iter().any(|event| event.kind == EventKind::Sent { bytes: b"B\r".to_vec() });
    assert!(!told(&bench), "a secret may still be made of the line");
    let bench = bench.at(2, "IAL\r\n");
    assert!(told(&bench), "{:?}", bench.events);
}

#[test]
fn a_step_that_fails_inside_of_try_does_not_fail_the_run() {
    let bench = Bench::new("try { step \"s\" { fail \"no\" } } assert 1 == 1");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    assert!(!bench.events.iter().any(|event| matches!(event.kind, EventKind::Failed(_))));
}

#[test]
fn await_looks_only_at_what_is_left_of_a_line() {
    let flow = "send \"A\" expect \"AB\" await /(?<x>A?B?CD)/ within 1s log x";
    let bench = Bench::new(flow).at(1, "ABCD\r\n");
    assert_eq!((bench.verdict, bench.logged()), (Some(Verdict::Passed), vec!["CD".to_string()]));
}

#[test]
fn control_lines_are_switched_on_the_port() {
    let mut engine = opened("dtr off rts on expect line \"OK\"");
    let mut asked = Vec::new();
    loop {
        match engine.poll() {
            Output::Act(Action::Port(_, command @ PortCommand::SetLines { .. })) => asked.push(command),
            Output::Wait { .. } => break,
            _ => {}
        }
    }
    let line = |dtr, rts| PortCommand::SetLines { dtr, rts };
    assert_eq!(asked, [line(Some(false), Some(true))]);
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

/// Returns the token of a write.
fn token(flow: &str) -> (Engine, WriteToken) {
    let mut engine = opened(flow);
    loop {
        if let Output::Act(Action::Port(_, PortCommand::Write { token, .. })) = engine.poll() {
            return (engine, token);
        }
    }
}

#[test]
fn what_is_recorded_before_a_write_comes_before_it() {
    let mut world = replayed("0.100000000 < \"early\"\n0.200000000 > +0.001000000 \"ABCD\"\n0.300000000 < \"OK\"\n");
    let mut received = Vec::new();
    assert_eq!(world.arrived(&mut received).map(|(_, told)| told), Some(Happening::Received(PortId::FIRST)));
    assert_eq!(received, b"early");
    assert_eq!(world.arrived(&mut Vec::new()), None, "nothing more had come");
    let (_engine, token) = token("send raw \"AB\" expect line \"OK\"");
    world.perform(PortId::FIRST, PortCommand::Write { token, bytes: b"AB".to_vec() });
    assert_eq!(world.arrived(&mut Vec::new()), None, "in the middle of a write nothing comes");
}

#[test]
fn a_departure_is_where_the_bytes_differ_though_they_are_of_two_recorded_writes() {
    let mut world =
        replayed("0.100000000 > +0.001000000 \"AB\"\n0.200000000 > +0.001000000 \"CDEF\"\n0.300000000 < \"OK\"\n");
    let (_engine, token) = token("send raw \"AB\" expect line \"OK\"");
    world.perform(PortId::FIRST, PortCommand::Write { token, bytes: b"ABCX".to_vec() });
    let departure = loop {
        match world.wait(None, &mut Vec::new()).1 {
            Happening::Departed(_, departure) => break departure,
            Happening::Closed(..) => panic!("it departs"),
            _ => {}
        }
    };
    assert_eq!((departure.at, departure.n_same), (3, 1));
}

#[test]
fn a_read_in_a_handler_begins_behind_the_line_that_began_it() {
    let flow = "flow \"t\" send \"PW\" expect line \"ready\" send \"hunter2\" expect line /welcome (?<n>.*)/ assert n == \"7\"";
    let device = "device \"d\" serial { header \"\\r\\n\" echo on }
on line \"PW\" { reply \"ready\" read until x\"0d\" as pw reply \"welcome ${len(pw)}\" }";
    assert_eq!(Run::texts(flow, device).go().verdict, Verdict::Passed);
}
