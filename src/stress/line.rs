//! `FaultyLine`: a simulated world in which faults strike as a plan says, on the virtual clock.

mod ends;

use std::collections::VecDeque;
use std::time::Duration;

pub(super) use ends::Shared;
pub use ends::Write;
use ends::{Arrival, ArrivalKind, Host, Power, Spoken};

use super::cable::Cable;
use super::chatter::Chatter;
use super::fault::{Fault, Occurrence, Plan};
use crate::engine::{Cover, Engine};
use crate::event::{CloseReason, HookCall, HookEnd};
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::sim::SimWorld;
use crate::time::{Moment, show_duration};
use crate::value::Value;
use crate::value::escape::visible_cut;
use crate::value::random::Rng;
use crate::world::{Simulated, World};

/// So much later a block comes at most that is delayed within limits.
const LONGEST_DELAY: u64 = 200;
/// So long a block waits for the next one to be merged with.
const MERGE_WAIT: Duration = Duration::from_millis(40);
/// The longest gap between the pieces of a block; less than any settle time in use.
const LONGEST_GAP: u64 = 20;
/// So long a restarting device says nothing.
const RESET_TIME: Duration = Duration::from_millis(1200);
/// So long a port is away at most, in milliseconds.
const LONGEST_AWAY: u64 = 2000;
/// What a restarted device says.
const BOOT_TEXT: &[u8] = b"\r\n^boot.rom'v'!\r\n\r\nRDY\r\n";
/// A run that waits more often does not end.
const MOST_WAITS: u32 = 2_000_000;
/// A run that takes longer, on its own clock, does not end.
const LONGEST_RUN: Moment = Moment::from_millis(7 * 24 * 3_600_000);

/// What a fault has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    /// Which, and to which block.
    pub occurrence: Occurrence,
    /// When.
    pub at: Moment,
    /// What, in words.
    pub what: String,
}

/// A simulated world whose line is not ideal.
pub(super) struct FaultyLine<'a> {
    port: PortId,
    plan: &'a Plan,
    chatter: &'a Chatter,
    power: Power<'a>,
    cable: Cable,
    host: Host,
    now: Moment,
    /// Ordered by time.
    arrivals: VecDeque<Arrival>,
    shared: Shared,
    /// Until when the flow waits, if the line is one of several.
    awaited: Option<Option<Moment>>,
    spoken: Spoken,
    news: VecDeque<Happening>,
    strikes: Vec<Strike>,
    /// What is not to be seen in what the strikes tell.
    cover: &'a Cover,
    n_waits: u32,
}

impl<'a> FaultyLine<'a> {
    /// Makes the line of a port; `power_on` makes the device, also after a reset.
    pub(super) fn new(
        port: PortId,
        plan: &'a Plan,
        chatter: &'a Chatter,
        power_on: &'a dyn Fn() -> Engine,
        shared: Shared,
        cover: &'a Cover,
    ) -> FaultyLine<'a> {
        FaultyLine {
            port,
            plan,
            chatter,
            power: Power {
                power_on,
                device: SimWorld::new(power_on()),
                born: Moment::START,
                is_reborn: false,
                wires: None,
            },
            cable: Cable::default(),
            host: Host::default(),
            now: Moment::START,
            arrivals: VecDeque::new(),
            shared,
            awaited: None,
            spoken: Spoken::default(),
            news: VecDeque::new(),
            strikes: Vec::new(),
            cover,
            n_waits: 0,
        }
    }

    /// Returns what the faults did, and how many blocks the device wrote.
    pub(super) fn finish(self) -> (Vec<Strike>, u32) {
        (self.strikes, self.spoken.n_blocks)
    }

    /// Whether the run was ended because it did not end by itself.
    pub(super) fn is_endless(&self) -> bool {
        self.n_waits > MOST_WAITS || self.now > LONGEST_RUN
    }

    /// Returns the dice of a fault if it strikes at this block.
    fn struck(&self, fault: Fault, block: u32) -> Option<Rng> {
        self.plan.strikes(fault, self.port, block).then(|| self.plan.dice(fault, self.port, block))
    }

    /// Shows what came or went in a note: secrets are named first, and then it is cut.
    fn shown(&self, bytes: &[u8]) -> String {
        visible_cut(&self.cover.covered(bytes), 40)
    }

    /// Shows one of some bytes.
    fn shown_byte(&self, bytes: &[u8], at: usize) -> String {
        let byte = self.cover.marked(bytes).piece(at..at + 1);
        visible_cut(&byte.covered(|_| None), 40)
    }

    fn note(&mut self, fault: Fault, block: u32, what: impl Into<String>) {
        self.strikes.push(Strike {
            occurrence: Occurrence { fault, port: self.port, block },
            at: self.now,
            what: what.into(),
        });
    }

    /// Takes a block that the device wrote, while the flow waits until a moment.
    fn take_block(&mut self, mut bytes: Vec<u8>, until: Option<Moment>) {
        let block = self.spoken.n_blocks;
        self.spoken.n_blocks += 1;
        if self.host.echoes.front().is_some_and(|sent| bytes.starts_with(sent)) {
            let sent = self.host.echoes.pop_front().expect("there is a first one");
            let answer = bytes[sent.len()..].to_vec();
            if self.struck(Fault::Echo, block).is_some() {
                bytes.drain(..sent.len());
                self.host.is_mute = true;
                self.note(Fault::Echo, block, format!("no echo of `{}`", self.shown(&sent)));
            } else if let Some(mut dice) = self.struck(Fault::Wrap, block)
                && wrap(&mut bytes, sent.trim_ascii_end().len(), &mut dice)
            {
                self.note(Fault::Wrap, block, format!("the echo of `{}` is wrapped", self.shown(&sent)));
            }
            self.overdue(block);
            if !answer.is_empty() {
                self.spoken.last_answer = answer;
            }
        } else {
            self.overdue(block);
            self.spoken.last_answer.clone_from(&bytes);
        }
        if bytes.is_empty() {
            return;
        }
        if self.struck(Fault::Reset, block).is_some() {
            let shown = self.shown(&bytes);
            self.note(Fault::Reset, block, format!("the device restarts instead of saying `{shown}`"));
            return self.reset();
        }
        self.damage(&mut bytes, block);
        if bytes.is_empty() {
            return;
        }
        let unplugs = self.struck(Fault::Unplug, block).filter(|_| self.host.settings.is_some());
        if let Some(mut dice) = unplugs {
            let lasting = Duration::from_millis(1 + dice.below(LONGEST_AWAY));
            let (shown, lasts) = (self.shown(&bytes), show_duration(lasting));
            if dice.below(2) == 0 {
                self.note(
                    Fault::Unplug,
                    block,
                    format!("the port goes away for {lasts} before `{shown}`, which is lost"),
                );
                return self.unplug(lasting);
            }
            self.note(Fault::Unplug, block, format!("the port goes away for {lasts} after `{shown}`"));
            self.push(self.now, bytes, ArrivalKind::Block);
            let last = self.arrivals.back().map_or(self.now, |last| last.at);
            return self.cable.pull_at(last, lasting);
        }
        // Within limits is before nine tenths of the time that is left to what waits.
        let room = until.map_or(Duration::from_secs(1), |until| until.since(self.now) * 9 / 10);
        let mut at = self.now;
        if let Some(mut dice) = self.struck(Fault::Delay, block) {
            let wait = Duration::from_millis(1 + dice.below(LONGEST_DELAY)).min(room);
            at = at + wait;
            let what = format!("`{}` comes {} later", self.shown(&bytes), show_duration(wait));
            self.note(Fault::Delay, block, what);
        }
        if let Some(mut dice) = self.struck(Fault::Late, block)
            && let Some(until) = until
        {
            at = until + Duration::from_millis(1 + dice.below(3000));
            let wait = show_duration(at.since(self.now));
            self.note(Fault::Late, block, format!("`{}` comes {wait} later", self.shown(&bytes)));
        }
        let mut behind = None;
        // A counted block may follow, of which the flow does not know yet.
        if self.chatter.len() > 0
            && !self.host.is_mute
            && let Some(mut dice) = self.struck(Fault::Urc, block)
        {
            let line = self.chatter.line(dice.next_u64());
            let text = format!("\r\n{line}\r\n").into_bytes();
            let shown = self.shown(&bytes);
            let is_boundary = self.spoken.last_byte.is_none_or(|byte| matches!(byte, b'\r' | b'\n'));
            if is_boundary && dice.below(2) == 0 {
                self.note(Fault::Urc, block, format!("`{line}` before `{shown}`"));
                self.push(self.now, text, ArrivalKind::Chatter);
            } else if bytes.ends_with(b"\n") {
                self.note(Fault::Urc, block, format!("`{line}` after `{shown}`"));
                behind = Some(text);
            }
        }
        self.push_block(at, bytes, block, room);
        if let Some(text) = behind {
            let at = self.arrivals.back().map_or(self.now, |last| last.at);
            self.push(at, text, ArrivalKind::Chatter);
        }
    }

    /// Lets what the device said last come once more, if this is the first block after a write.
    fn overdue(&mut self, block: u32) {
        let is_first = std::mem::take(&mut self.host.is_asked);
        if !is_first
            || self.shared.is_reading.get()
            || self.spoken.last_answer.is_empty()
            || self.struck(Fault::Overdue, block).is_none()
        {
            return;
        }
        let late = self.spoken.last_answer.clone();
        self.note(Fault::Overdue, block, format!("`{}` comes once more", self.shown(&late)));
        self.push(self.now, late, ArrivalKind::Chatter);
    }

    /// Does to a block what makes other bytes of it.
    fn damage(&mut self, bytes: &mut Vec<u8>, block: u32) {
        if let Some(mut dice) = self.struck(Fault::Lost, block) {
            let what = if dice.below(3) == 0 {
                let what = format!("all of `{}` is lost", self.shown(bytes));
                bytes.clear();
                what
            } else {
                let at = dice.below(bytes.len() as u64) as usize;
                let lost = self.shown_byte(bytes, at);
                let what = format!("byte {at}, `{lost}`, is lost from `{}`", self.shown(bytes));
                bytes.remove(at);
                what
            };
            self.note(Fault::Lost, block, what);
        }
        if let Some(mut dice) = self.struck(Fault::Garbage, block) {
            const NOISE: [u8; 8] = [0x00, 0xff, 0xc0, 0x80, 0xfe, 0x15, 0xe3, 0x7f];
            let noise: Vec<u8> = (0..1 + dice.below(12)).map(|_| NOISE[dice.below(8) as usize]).collect();
            let at = if dice.below(2) == 0 { 0 } else { dice.below(bytes.len() as u64 + 1) as usize };
            let what = format!("`{}` at byte {at} of `{}`", visible_cut(&noise, 40), self.shown(bytes));
            bytes.splice(at..at, noise);
            self.note(Fault::Garbage, block, what);
        }
        if let Some(mut dice) = self.struck(Fault::Glue, block)
            && bytes.ends_with(b"\n")
        {
            let line = if self.chatter.len() == 0 { "+CREG: 1" } else { self.chatter.line(dice.next_u64()) };
            while bytes.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
                bytes.pop();
            }
            let shown = self.shown(bytes);
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(b"\r\n");
            self.note(Fault::Glue, block, format!("`{line}` glued to `{shown}`"));
        }
    }

    /// Puts a block on its way, whole or in pieces, alone or with the one before.
    fn push_block(&mut self, at: Moment, bytes: Vec<u8>, block: u32, room: Duration) {
        if let Some(last) = self.arrivals.back_mut()
            && last.kind == ArrivalKind::OpenBlock
        {
            last.bytes.extend_from_slice(&bytes);
            last.kind = ArrivalKind::Block;
            self.spoken.last_byte = bytes.last().copied();
            return;
        }
        if let Some(mut dice) = self.struck(Fault::Split, block)
            && bytes.len() > 1
        {
            let longest = [1, 2, 16, 16][dice.below(4) as usize];
            let has_gaps = longest == 16 && dice.below(2) == 0;
            let (mut rest, mut at, mut n) = (&bytes[..], at, 0);
            let latest = self.now + room;
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at((1 + dice.below(longest) as usize).min(rest.len()));
                self.push(at, piece.to_vec(), ArrivalKind::Block);
                rest = behind;
                n += 1;
                if has_gaps {
                    at = (at + Duration::from_millis(1 + dice.below(LONGEST_GAP))).min(latest.max(at));
                }
            }
            let gaps = if has_gaps { " with gaps" } else { "" };
            let what = format!("`{}` in {n} pieces{gaps}", self.shown(&bytes));
            return self.note(Fault::Split, block, what);
        }
        if self.struck(Fault::Merge, block).is_some() {
            let what = format!("`{}` together with what follows", self.shown(&bytes));
            self.note(Fault::Merge, block, what);
            return self.push(at + MERGE_WAIT.min(room), bytes, ArrivalKind::OpenBlock);
        }
        self.push(at, bytes, ArrivalKind::Block);
    }

    /// Nothing overtakes what is on its way.
    fn push(&mut self, at: Moment, bytes: Vec<u8>, kind: ArrivalKind) {
        let at = self.arrivals.back().map_or(at, |last| last.at.max(at));
        self.spoken.last_byte = bytes.last().copied();
        self.arrivals.push_back(Arrival { at, bytes, kind });
    }

    /// Switches the device off and on: what it knew, and what was on its way, is gone.
    fn reset(&mut self) {
        self.power.device = SimWorld::new((self.power.power_on)());
        self.power.born = self.now;
        if let Some(wires) = &self.power.wires {
            self.power.device.share_wires();
            wires.iter().for_each(|(name, value)| self.power.device.set_wire(name, value));
        }
        if let Some(settings) = self.host.settings.clone() {
            self.power.is_reborn = true;
            self.power.device.perform(PortId::FIRST, PortCommand::Open { settings });
        }
        self.arrivals.clear();
        self.host.echoes.clear();
        self.news.extend(self.host.writes.drain(..).map(|number| Happening::Sent(WriteToken::new(self.port, number))));
        self.push(self.now + RESET_TIME, BOOT_TEXT.to_vec(), ArrivalKind::Block);
    }

    /// Lets the port go away: what was on its way, and what the host had not written completely, is gone.
    fn unplug(&mut self, lasting: Duration) {
        self.arrivals.clear();
        self.spoken.last_byte = None;
        self.host = Host::default();
        self.power.device.perform(PortId::FIRST, PortCommand::Close);
        self.news.push_back(Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
        self.cable.leave(self.now + lasting);
    }

    /// Lets the port go away or come back if it is time; returns whether it did.
    fn moves_cable(&mut self) -> bool {
        if let Some(lasting) = self.cable.pulled(self.now) {
            self.unplug(lasting);
            return true;
        }
        let Some(settings) = self.cable.plugged(self.now) else { return false };
        self.host.settings = Some(settings.clone());
        self.power.device.perform(PortId::FIRST, PortCommand::Reopen { settings });
        true
    }

    /// Whether something that the device did is seen while the port is away: only that it failed.
    fn is_seen(&self, happening: &Happening) -> bool {
        match happening {
            Happening::Closed(_, CloseReason::HungUp { .. })
            | Happening::Opened(_)
            | Happening::Received(_)
            | Happening::Sent(_)
            | Happening::Lines(_, _) => !self.cable.is_away(),
            Happening::Nothing
            | Happening::Closed(_, _)
            | Happening::Departed(_, _)
            | Happening::Noted(_, _)
            | Happening::Signalled(_, _)
            | Happening::Hook(_)
            | Happening::Interrupt
            | Happening::Unplayed(_) => true,
        }
    }

    /// Returns what arrives at the present moment.
    fn arrive(&mut self) -> Option<Vec<u8>> {
        self.arrivals.front().filter(|first| first.at <= self.now)?;
        let mut at = 0;
        if self.shared.is_reading.get() {
            // Nothing stands between counted bytes: what is said besides comes behind the next block.
            let block = self.arrivals.iter().position(|arrival| arrival.kind != ArrivalKind::Chatter);
            let due = block.map_or(self.now + Duration::from_millis(5), |block| self.arrivals[block].at);
            at = block.unwrap_or(self.arrivals.len());
            for chatter in self.arrivals.iter_mut().take(at) {
                chatter.at = chatter.at.max(due);
            }
            if due > self.now {
                return None;
            }
        }
        self.arrivals.remove(at).map(|arrival| arrival.bytes)
    }
}

/// Wraps the first `length` bytes, an echo, somewhere; returns whether it can be.
fn wrap(bytes: &mut Vec<u8>, length: usize, dice: &mut Rng) -> bool {
    if length < 2 || !bytes[..length].iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return false;
    }
    let at = 1 + dice.below(length as u64 - 1) as usize;
    let next = bytes[at];
    let wraps: [&[u8]; 5] = [b"\r\n", b"\r\r\n", b" \r", &[next, b'\r'], &[next, 8]];
    let wrap = wraps[dice.below(wraps.len() as u64) as usize].to_vec();
    bytes.splice(at..at, wrap);
    true
}

impl World for FaultyLine<'_> {
    fn takes_hook(&mut self, call: &HookCall) -> bool {
        self.power.device.takes_hook(call)
    }

    fn perform(&mut self, port: PortId, command: PortCommand) {
        if self.cable.is_away() {
            match command {
                PortCommand::Open { settings } | PortCommand::Reopen { settings } => self.cable.want(Some(settings)),
                PortCommand::Close => self.cable.want(None),
                // There is no port that could do it.
                PortCommand::Write { .. }
                | PortCommand::SetLines { .. }
                | PortCommand::ReadLines
                | PortCommand::DriveLines { .. }
                | PortCommand::Break { .. }
                | PortCommand::Reconfigure { .. }
                | PortCommand::DiscardInput
                | PortCommand::DiscardOutput
                | PortCommand::Resize { .. } => {}
            }
            return;
        }
        match &command {
            PortCommand::Open { settings }
            | PortCommand::Reopen { settings }
            | PortCommand::Reconfigure { settings } => {
                self.host.settings = Some(settings.clone());
            }
            PortCommand::Write { token, bytes } => {
                self.host.writes.push(token.number());
                self.shared.sent.borrow_mut().push(Write { port: self.port, bytes: bytes.clone() });
                // An echo comes before the next write, or never.
                self.host.echoes.clear();
                // A device without an echo may answer with what it heard: that is no echo that a line could lose.
                if self.power.device.has_echo() {
                    self.host.echoes.push_back(bytes.clone());
                }
                self.host.is_asked = true;
                self.host.is_mute = false;
            }
            PortCommand::DiscardInput => self.arrivals.retain(|arrival| arrival.at > self.now),
            PortCommand::Close => self.host.settings = None,
            PortCommand::SetLines { .. }
            | PortCommand::ReadLines
            | PortCommand::DriveLines { .. }
            | PortCommand::Break { .. }
            | PortCommand::DiscardOutput
            | PortCommand::Resize { .. } => {}
        }
        self.power.device.perform(port, command);
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let block = self.spoken.n_blocks;
        if self.spoken.last_answer.is_empty() || self.host.is_asked || self.struck(Fault::Stale, block).is_none() {
            return None;
        }
        received.extend_from_slice(&self.spoken.last_answer);
        let what = format!("`{}` is unread in the port", self.shown(received));
        self.note(Fault::Stale, block, what);
        Some((self.now, Happening::Received(PortId::FIRST)))
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        self.n_waits += 1;
        loop {
            if self.is_endless() {
                let reason = "the run does not end by itself".to_string();
                return (self.now, Happening::Closed(PortId::FIRST, CloseReason::Broken { reason, help: None }));
            }
            if let Some(news) = self.news.pop_front() {
                return (self.now, news);
            }
            if let Some(bytes) = self.arrive() {
                received.extend_from_slice(&bytes);
                return (self.now, Happening::Received(PortId::FIRST));
            }
            if self.moves_cable() {
                continue;
            }
            let next = self.arrivals.front().map(|first| first.at.max(self.now));
            let target = [until, next, self.cable.next()].into_iter().flatten().min();
            let mut bytes = Vec::new();
            let device_target = target.map(|at| Moment::after(at.since(self.power.born)));
            let (now, happening) = self.power.device.wait(device_target, &mut bytes);
            self.now = Moment::after(self.power.born.since_start() + now.since_start()).max(self.now);
            match happening {
                unseen if !self.is_seen(&unseen) => {}
                Happening::Received(_) => self.take_block(bytes, self.awaited.unwrap_or(until)),
                Happening::Opened(_) if self.power.is_reborn => self.power.is_reborn = false,
                Happening::Sent(token) => {
                    self.host.writes.retain(|number| *number != token.number());
                    return (self.now, Happening::Sent(token));
                }
                Happening::Nothing => {
                    let is_due = self.arrivals.front().is_some_and(|first| first.at <= self.now);
                    if !is_due && until.is_some_and(|until| until <= self.now) {
                        return (self.now, Happening::Nothing);
                    }
                }
                Happening::Closed(_, _) if !self.arrivals.is_empty() => {
                    // What is on its way arrives before the line is seen to be gone.
                    self.news.push_back(happening);
                    let last = self.arrivals.drain(..).flat_map(|arrival| arrival.bytes);
                    received.extend(last);
                    return (self.now, Happening::Received(PortId::FIRST));
                }
                Happening::Opened(_)
                | Happening::Closed(_, _)
                | Happening::Departed(_, _)
                | Happening::Noted(_, _)
                | Happening::Lines(_, _)
                | Happening::Signalled(_, _)
                | Happening::Hook(_)
                | Happening::Interrupt
                | Happening::Unplayed(_) => {
                    return (self.now, happening);
                }
            }
        }
    }
}

impl Simulated for FaultyLine<'_> {
    fn due(&mut self) -> Option<Moment> {
        if !self.news.is_empty() || self.is_endless() {
            return Some(self.now);
        }
        let born = self.power.born.since_start();
        let device = self.power.device.due().map(|at| Moment::after(born + at.since_start()));
        let arrival = self.arrivals.front().map(|first| first.at);
        [device, arrival, self.cable.next()].into_iter().flatten().min().map(|at| at.max(self.now))
    }

    fn pass_to(&mut self, now: Moment) {
        self.now = self.now.max(now);
        self.power.device.pass_to(Moment::after(self.now.since(self.power.born)));
    }

    fn share_wires(&mut self) {
        self.power.device.share_wires();
        self.power.wires.get_or_insert_default();
    }

    fn next_wire(&mut self) -> Option<(String, Value)> {
        let (name, value) = self.power.device.next_wire()?;
        self.power.keep_wire(&name, &value);
        Some((name, value))
    }

    fn set_wire(&mut self, name: &str, value: &Value) {
        self.power.keep_wire(name, value);
        self.power.device.set_wire(name, value);
    }

    fn hooked(&mut self, call: &HookCall) -> HookEnd {
        self.power.device.hooked(call)
    }

    fn awaits(&mut self, until: Option<Moment>) {
        self.awaited = Some(until);
    }
}
