//! The world of a port that has a thread, against threads that play the port.

use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::port::{PortId, WriteToken};
use crate::settings::Settings;

/// Longer than any of this takes; it only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(10);

fn interrupt() -> Interrupt {
    Interrupt::new().expect("a pipe")
}

fn world(serve: impl Fn(&Errand) -> CloseReason + Send + Sync + 'static) -> ThreadedWorld {
    trying_world(move |errand| serve(errand).into())
}

fn trying_world(serve: impl Fn(&Errand) -> NotOpen + Send + Sync + 'static) -> ThreadedWorld {
    ThreadedWorld::new("COM3", Clock::start(), interrupt(), Arc::new(serve))
}

fn open(world: &mut ThreadedWorld) {
    world.perform(PortId::FIRST, PortCommand::Open { settings: Settings::default().line });
}

fn next(world: &mut ThreadedWorld) -> Happening {
    let until = world.timeline.now() + PATIENCE;
    world.wait(Some(until), &mut Vec::new()).1
}

fn write(number: u64) -> PortCommand {
    PortCommand::Write { token: WriteToken::new(PortId::FIRST, number), bytes: b"AT\r".to_vec() }
}

/// Returns the next order, however long it takes.
fn order(errand: &Errand) -> Result<PortCommand, CloseReason> {
    loop {
        match errand.next_order()? {
            Some(order) => return Ok(order),
            None => thread::yield_now(),
        }
    }
}

/// Opens at once, and says of each write that it has left.
fn takes_everything(errand: &Errand) -> CloseReason {
    errand.tell(Happening::Opened(PortId::FIRST));
    takes_what_comes(errand)
}

/// Says of each write that it has left.
fn takes_what_comes(errand: &Errand) -> CloseReason {
    loop {
        match order(errand) {
            Ok(PortCommand::Write { token, .. }) => errand.tell(Happening::Sent(token)),
            Ok(_) => {}
            Err(reason) => return reason,
        }
    }
}

/// Tells of these bytes first.
fn says(bytes: &'static [u8]) -> impl Fn(&Errand) -> CloseReason {
    move |errand| {
        errand.tell_received(bytes);
        takes_everything(errand)
    }
}

/// Waits until the thread rang, without looking why.
fn hear(world: &ThreadedWorld) {
    world.bell.wait(Some(PATIENCE), &mut Vec::new());
}

#[test]
fn a_thread_is_given_what_it_needs_to_open_the_port() {
    let begun = Clock::start();
    let mut world = world(move |errand| {
        let is_right = errand.name == "COM3" && errand.settings == Settings::default().line;
        if is_right && errand.clock.now() <= begun.now() { takes_everything(errand) } else { CloseReason::unplugged() }
    });
    open(&mut world);
    assert_eq!(next(&mut world), Happening::Opened(PortId::FIRST));
}

#[test]
fn orders_are_carried_out_in_order() {
    let mut world = world(takes_everything);
    open(&mut world);
    world.perform(PortId::FIRST, write(1));
    world.perform(PortId::FIRST, write(2));
    assert_eq!(next(&mut world), Happening::Opened(PortId::FIRST));
    assert_eq!(next(&mut world), Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
    assert_eq!(next(&mut world), Happening::Sent(WriteToken::new(PortId::FIRST, 2)));
}

#[test]
fn bytes_at_the_deadline_are_in_time_however_late_they_are_found() {
    let mut world = world(says(b"OK\r\n"));
    let until = world.timeline.now();
    open(&mut world);
    hear(&world);
    let mut received = Vec::new();
    assert_eq!(world.wait(Some(until), &mut received), (until, Happening::Received(PortId::FIRST)));
    assert_eq!(received, b"OK\r\n");
}

#[test]
fn a_deadline_is_never_early_and_needs_no_port() {
    let mut world = world(takes_everything);
    for us in [0, 1, 999, 2500] {
        let until = world.timeline.now() + Duration::from_micros(us);
        let (now, happening) = world.wait(Some(until), &mut Vec::new());
        assert_eq!(happening, Happening::Nothing);
        assert!(now >= until, "{now:?} is before {until:?}");
    }
}

#[test]
fn a_port_that_is_lost_is_told_of_once_and_takes_nothing() {
    let mut world = world(|_| CloseReason::unplugged());
    open(&mut world);
    assert_eq!(next(&mut world), Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
    world.perform(PortId::FIRST, write(1));
    let until = world.timeline.now() + Duration::from_millis(1);
    assert_eq!(world.wait(Some(until), &mut Vec::new()).1, Happening::Nothing);
}

#[test]
fn what_is_left_of_the_port_before_is_not_heard() {
    let mut world = world(says(b"x"));
    open(&mut world);
    hear(&world);
    open(&mut world);
    let mut received = Vec::new();
    let until = world.timeline.now() + PATIENCE;
    assert_eq!(world.wait(Some(until), &mut received).1, Happening::Received(PortId::FIRST));
    assert_eq!(received, b"x");
    assert_eq!(next(&mut world), Happening::Opened(PortId::FIRST));
}

#[test]
fn a_port_is_opened_again_only_when_its_last_thread_has_let_go() {
    let has_it = Arc::new(Mutex::new(()));
    let mut world = world(move |errand| match has_it.try_lock() {
        Ok(_held) => takes_everything(errand),
        Err(_) => CloseReason::unplugged(),
    });
    for _ in 0..5 {
        open(&mut world);
        assert_eq!(next(&mut world), Happening::Opened(PortId::FIRST));
    }
}

#[test]
fn closing_does_not_wait_for_the_thread_which_learns_that_it_is_not_wanted() {
    let mut world = world(|errand| {
        errand.tell(Happening::Opened(PortId::FIRST));
        while errand.is_wanted() {
            thread::yield_now();
        }
        CloseReason::Finished
    });
    open(&mut world);
    assert_eq!(next(&mut world), Happening::Opened(PortId::FIRST));
    world.perform(PortId::FIRST, PortCommand::Close);
    assert!(world.leaving.is_some());
}

#[test]
fn orders_given_before_the_closing_are_still_carried_out() {
    let n_switched = Arc::new(Mutex::new(0));
    let counted = n_switched.clone();
    let mut world = world(move |errand| {
        while errand.is_wanted() {
            thread::yield_now();
        }
        loop {
            match order(errand) {
                Ok(_) => *counted.lock().expect("nobody panicked") += 1,
                Err(reason) => return reason,
            }
        }
    });
    open(&mut world);
    world.perform(PortId::FIRST, PortCommand::SetLines { dtr: Some(false), rts: None });
    world.perform(PortId::FIRST, PortCommand::Close);
    drop(world);
    assert_eq!(*n_switched.lock().expect("nobody panicked"), 1);
}

#[test]
fn an_interrupt_ends_a_wait_and_is_told_once_to_each_world() {
    let interrupt = interrupt();
    let alone = || {
        ThreadedWorld::new(
            "COM3",
            Clock::start(),
            interrupt.clone(),
            Arc::new(|errand: &Errand| takes_everything(errand).into()),
        )
    };
    let (mut one, mut other) = (alone(), alone());
    thread::scope(|scope| {
        scope.spawn(|| interrupt.raise());
        assert_eq!(one.wait(None, &mut Vec::new()).1, Happening::Interrupt);
    });
    assert_eq!(other.wait(None, &mut Vec::new()).1, Happening::Interrupt);
    let until = one.timeline.now() + Duration::from_millis(1);
    assert_eq!(one.wait(Some(until), &mut Vec::new()).1, Happening::Nothing);
}

#[test]
fn a_thread_that_waits_for_its_port_is_woken_by_each_order_and_by_the_end() {
    let has_learned_of_the_end = Arc::new(AtomicBool::new(false));
    let learns = has_learned_of_the_end.clone();
    let mut world = world(move |errand| {
        let (wake, woken) = channel();
        errand.when_ordered(move || {
            // A thread that has ended hears nothing.
            let _ = wake.send(());
        });
        errand.tell(Happening::Opened(PortId::FIRST));
        loop {
            match errand.next_order() {
                Ok(Some(PortCommand::Write { token, .. })) => errand.tell(Happening::Sent(token)),
                Ok(Some(_)) => {}
                Ok(None) if woken.recv_timeout(PATIENCE).is_ok() => {}
                Ok(None) => return CloseReason::unplugged(),
                Err(reason) => {
                    learns.store(true, Ordering::Relaxed);
                    return reason;
                }
            }
        }
    });
    open(&mut world);
    assert_eq!(next(&mut world), Happening::Opened(PortId::FIRST));
    for number in [1, 2] {
        world.perform(PortId::FIRST, write(number));
        assert_eq!(next(&mut world), Happening::Sent(WriteToken::new(PortId::FIRST, number)));
    }
    drop(world);
    assert!(has_learned_of_the_end.load(Ordering::Relaxed), "the thread was not woken");
}

/// Is missing so many times, and then takes everything.
fn missing(times: usize) -> impl Fn(&Errand) -> NotOpen {
    let left = Mutex::new(times);
    move |errand| {
        let mut left = left.lock().expect("nobody panics with it");
        if *left > 0 {
            *left -= 1;
            return NotOpen::absent(CloseReason::CannotOpen { reason: "no such port".to_string(), help: None });
        }
        drop(left);
        errand.tell_open(b"RDY");
        takes_what_comes(errand).into()
    }
}

#[test]
fn a_port_that_went_away_is_tried_until_it_is_there_and_then_speaks() {
    let mut world = trying_world(missing(2));
    world.perform(PortId::FIRST, PortCommand::Reopen { settings: Settings::default().line });
    world.perform(PortId::FIRST, write(1));
    assert_eq!(next(&mut world), Happening::Opened(PortId::FIRST));
    assert_eq!(next(&mut world), Happening::Received(PortId::FIRST), "what it says is told afterwards");
    world.perform(PortId::FIRST, write(2));
    assert_eq!(next(&mut world), Happening::Sent(WriteToken::new(PortId::FIRST, 2)), "the first had no port");
}

#[test]
fn a_port_that_is_awaited_is_spoken_of_and_opened_when_it_comes() {
    let mut world = trying_world(missing(1));
    let settings = LineSettings { wait: PATIENCE, ..Settings::default().line };
    world.perform(PortId::FIRST, PortCommand::Open { settings });
    let note = "waits up to 10s for the port: no such port".to_string();
    assert_eq!(next(&mut world), Happening::Noted(PortId::FIRST, note));
    assert_eq!(next(&mut world), Happening::Received(PortId::FIRST), "what waited in it is told before");
    assert_eq!(next(&mut world), Happening::Opened(PortId::FIRST));
}

#[test]
fn a_port_that_is_tried_in_vain_is_closed_at_once_when_nobody_wants_it() {
    let mut world = trying_world(missing(usize::MAX));
    let until = world.timeline.now() + Duration::from_millis(1);
    world.perform(PortId::FIRST, PortCommand::Reopen { settings: Settings::default().line });
    assert_eq!(world.wait(Some(until), &mut Vec::new()).1, Happening::Nothing);
    world.perform(PortId::FIRST, PortCommand::Close);
    assert_eq!(world.wait(Some(until), &mut Vec::new()).1, Happening::Nothing);
}
