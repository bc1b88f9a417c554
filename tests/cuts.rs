//! The snapshot of a port does not depend on how the system cut the input into reads.

mod support;

use flowrun::event::{Event, HookCall, Verdict, Waiting};
use flowrun::port::{Happening, PortCommand, PortId};
use flowrun::report::Sink;
use flowrun::report::transcript::{Times, Transcript};
use flowrun::sim::SimWorld;
use flowrun::time::Moment;
use flowrun::value::random::Rng;
use flowrun::world::{self, Audience, Company, Memory, Nobody, World};

const DEVICE: &str = r#"device "console"
serial { echo on }
on line "INFO"   { send raw "\r\n+INFO: 1,250\r\n\r\n+URC: early\r\n\r\n\r\nOK\r\n" }
on line "READ"   { send raw "\r\n+READ: 11\r\nab\r\nOK\r\ncde\r\nOK\r\n" }
on line "BLANKS" { send raw "\r"  sleep 1ms  send raw "\n\r\nend\r\n\r\n" }
on line "BARE"   { send raw "10%\r20%\r\nnaked\nOK\r\n" }
on line "LOGIN"  { send raw "\r\n\r\nlogin: " }
on line "root"   { send raw "\r\nwelcome\r\n# " }
on line "LAST"   { send raw "\r\n+LAST: 7 done\r\n\r\n" }
on line /.*/     { send raw "\r\nERROR\r\n" }
"#;

/// Every kind of wait; each answer is awaited to its end before the next command.
const FLOW: &str = r##"flow "console"
on line /\+URC: (?<urc>\w+)/ { log "urc ${urc}" }
step "info" {
  send "INFO"    expect line /\+INFO: (?<a>\d+),(?<b>\d+)/  log "${a} ${b}"  expect line "OK"
}
send "READ"    expect line /\+READ: (?<n>\d+)/  read n bytes as body  log body  expect line "OK"
send "BLANKS"  expect "end"
send "BARE"    expect line "20%"  expect "naked"  expect line "OK"
try { send "WHAT"  expect line "OK" within 200ms }
send "LOGIN"   expect "login: "
send "root"    expect prompt "# "
send "INFO"    read until line "OK" as _text
send "LAST"    expect "done"
"##;

/// A world whose bytes come later and in other pieces than they were sent.
struct Cutter {
    world: SimWorld,
    dice: Rng,
    most: u64,
    waiting: Vec<u8>,
    /// When the next piece comes.
    due: Moment,
}

impl World for Cutter {
    fn takes_hook(&mut self, call: &HookCall) -> bool {
        self.world.takes_hook(call)
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        self.world.perform(port, command);
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        loop {
            let was_empty = self.waiting.is_empty();
            let due = (!was_empty).then_some(self.due);
            let next = [due, until].into_iter().flatten().min();
            let (now, happening) = self.world.wait(next, &mut self.waiting);
            if happening == Happening::Received(PortId::FIRST) {
                if was_empty {
                    self.due = now;
                }
            } else if happening != Happening::Nothing || due.is_none_or(|due| now < due) {
                return (now, happening);
            }
            if now >= self.due && !self.waiting.is_empty() {
                let n = (1 + self.dice.below(self.most) as usize).min(self.waiting.len());
                received.extend(self.waiting.drain(..n));
                self.due = now + std::time::Duration::from_millis(self.dice.below(4));
                return (now, Happening::Received(PortId::FIRST));
            }
        }
    }
}

/// Keeps the events, and the transcript without times.
struct Kept<'a> {
    hidden: Transcript<'a, &'a mut Vec<u8>>,
    events: Vec<Event>,
}

impl Audience for Kept<'_> {
    fn tell(&mut self, event: &Event) {
        self.hidden.tell(event).expect("memory takes everything");
        self.events.push(event.clone());
    }

    fn waiting(&mut self, _now: Moment, _why: &Waiting) {}
}

/// Runs a flow on a line whose bytes come in seeded pieces of at most so many; returns the text of its snapshot, and the events.
fn run(flow: &str, device: &str, seed: u64, most: u64) -> (String, Vec<Event>) {
    let program = |name: &str, text: &str| support::program(support::check_text(name, text));
    let flow = program("test.flow", flow);
    let sources = flow.sources.clone();
    let mut flow = support::engine(&flow, "/dev/ttyUSB0");
    let world = SimWorld::new(support::engine(&program("device.flow", device), "/dev/ttyUSB0"));
    let mut world = Cutter { world, dice: Rng::from_seed(seed), most, waiting: Vec::new(), due: Moment::START };
    let mut hidden = Vec::new();
    let mut kept = Kept { hidden: Transcript::new(&mut hidden, &sources, Times::Hidden), events: Vec::new() };
    let company =
        Company { keeper: &mut Memory::default(), audience: &mut kept, person: &mut Nobody, tap: None, hooks: None };
    let verdict = world::run(&mut flow, &mut world, company);
    let events = kept.events;
    let hidden = String::from_utf8(hidden).expect("a transcript is UTF-8");
    assert_eq!(verdict, Verdict::Passed, "seed {seed}, at most {most} bytes:\n{hidden}");
    let goes_back = events.windows(2).find(|pair| pair[1].at < pair[0].at);
    assert!(goes_back.is_none(), "time goes back: {goes_back:?}");
    (hidden, events)
}

#[test]
fn one_exchange_gives_one_snapshot_however_reads_cut_it() {
    let (whole, _) = run(FLOW, DEVICE, 0, u64::MAX);
    let mut n_events = std::collections::BTreeSet::new();
    for (seed, most) in (0..140).zip([1, 2, 3, 7, 16, 64, 4096].into_iter().cycle()) {
        let (cut, events) = run(FLOW, DEVICE, seed, most);
        assert_eq!(cut, whole, "seed {seed}, at most {most} bytes");
        n_events.insert(events.len());
    }
    assert!(n_events.len() > 5, "the cuts are seen in the events: {n_events:?}");
    insta::assert_snapshot!(whole);
}

#[test]
fn a_blank_line_is_shown_in_one_way_though_it_comes_in_parts() {
    let flow = "flow \"t\" send \"BLANKS\" expect line \"end\"";
    let (whole, _) = run(flow, DEVICE, 0, u64::MAX);
    assert!(whole.contains("\n< \\r\\n\\r\\nend\\r\\n\n-"), "{whole}");
    for seed in 0..40 {
        assert_eq!(run(flow, DEVICE, seed, 3).0, whole, "seed {seed}");
    }
}
