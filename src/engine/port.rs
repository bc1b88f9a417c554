//! One port of a run: what came, its settings, when the next line may go out, and whether it is gone.
//!
//! A port knows no program and no variable. What is sent on one port and what comes on another never meet here.

use std::ops::{Index, IndexMut};
use std::time::Duration;

use super::look::inbox::BareCr;
use super::look::offset::Offset;
use super::look::sight::Sight;
use super::look::{Silence, Wanted};
use super::reading::Reading;
use super::watched::Watched;
use crate::event::CloseReason;
use crate::port::{PortId, WriteToken};
use crate::program::Role;
use crate::settings::{Echo, LineSettings, Settings};
use crate::time::{Moment, earlier};

/// How long a line that nobody wanted may wait to be told of: nobody notices, and on a busy line most reads are over once
/// they have been looked at.
const TELL_WITHIN: Duration = Duration::from_millis(50);

/// How long something may be held for an echo on a line that is never quiet.
const HELD_FOR: Duration = Duration::from_secs(1);

/// How much may wait to be told of.
const TELL_AT: usize = 2048;

/// One port.
#[derive(Debug)]
pub(in crate::engine) struct Port {
    id: PortId,
    /// What came, and how far it was looked at.
    pub sight: Sight,
    /// The settings of the line as they are now.
    pub settings: Settings,
    /// The watchers in force here, ready to be compared with lines; made anew when those of the flow change.
    pub watched: Option<Box<Watched>>,
    /// Whether the silence since the last byte was looked at.
    silence: Silence,
    /// Lines that were looked at and are told of a moment later.
    untold: Untold,
    /// What came up to here was told before it was looked at.
    cut_at: Option<Offset>,
    /// When the next line may go out.
    line_free_at: Moment,
    /// When the last send had left.
    asked_at: Moment,
    /// How long its bytes take on the line.
    takes: Duration,
    /// Since when something is held for an echo that is sure to come.
    held_since: Option<Moment>,
    /// How many writes there were, and how many of them have left.
    writes: Writes,
    /// How the other side of the line is set, if that is known.
    other_line: Option<LineSettings>,
    /// What is known of CTS, DSR, DCD and RI.
    pub input_lines: Reading,
    /// How far it is, and its goings and comings.
    life: Life,
}

/// How far a port is, and what it leaves behind when it goes away and comes back.
#[derive(Debug)]
struct Life {
    /// How far it is.
    stand: Stand,
    /// Until when it may be away, as the flow says that waits for it to go.
    expected_by: Option<Moment>,
    /// Whether it came back since the last send.
    has_returned: bool,
    /// The last write that may have been lost.
    n_lost: u64,
    /// Where what came is broken off: nothing reaches across.
    broken_at: Option<Offset>,
}

/// How far a port is.
#[derive(Debug)]
enum Stand {
    /// It is being opened.
    Opening,
    /// It can be used.
    Open,
    /// It went away and may come back.
    Away(Away),
    /// It is gone.
    Closed,
}

/// A port that went away and may come back.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Away {
    /// When it went.
    pub since: Moment,
    /// When it is given up.
    pub until: Moment,
    /// Why it went.
    pub reason: CloseReason,
}

/// How many writes there were, and how many of them have left.
#[derive(Debug, Default)]
struct Writes {
    n_made: u64,
    n_left: u64,
}

/// Lines that have been looked at and are told of a moment later, or before whatever else is told.
#[derive(Debug, Default)]
struct Untold {
    /// Up to where they reached after each look: they are told as if that had been done at once.
    places: Vec<Offset>,
    /// When they are told at the latest.
    by: Option<Moment>,
}

impl Port {
    /// Makes a port that is not open yet.
    fn new(id: PortId, role: Role, settings: Settings) -> Port {
        let bare_cr = match role {
            Role::Flow => BareCr::Waits,
            Role::Device => BareCr::Ends,
        };
        let mut port = Port {
            id,
            sight: Sight::new(bare_cr),
            settings,
            watched: None,
            silence: Silence::NotYet,
            untold: Untold::default(),
            cut_at: None,
            line_free_at: Moment::START,
            asked_at: Moment::START,
            takes: Duration::ZERO,
            held_since: None,
            writes: Writes::default(),
            other_line: None,
            input_lines: Reading::default(),
            life: Life { stand: Stand::Opening, expected_by: None, has_returned: false, n_lost: 0, broken_at: None },
        };
        port.note_echo();
        port
    }

    /// Takes note that it is open. For a flow, what waited in it is left behind: it came before the run.
    pub(in crate::engine) fn open(&mut self, role: Role, now: Moment) {
        self.life.stand = Stand::Open;
        if role == Role::Flow {
            self.sight.inbox.date(now);
            self.sight.pass_over();
        }
    }

    /// Takes note that it is gone.
    pub(in crate::engine) fn close(&mut self) {
        self.sight.take_half();
        self.life.stand = Stand::Closed;
    }

    /// Takes note that it went away and may come back: what came and is unfinished is dropped, and so is what was to leave.
    pub(in crate::engine) fn go_away(&mut self, away: Away) {
        self.life.stand = Stand::Away(away);
        self.silence = Silence::NotYet;
        self.held_since = None;
        self.sight.break_off();
        self.life.n_lost = self.writes.n_made;
        self.life.broken_at = Some(self.sight.inbox.end());
        self.life.has_returned = false;
    }

    /// Takes note that it is there again: the settle time begins now.
    pub(in crate::engine) fn come_back(&mut self, now: Moment) {
        self.life.stand = Stand::Open;
        self.sight.inbox.date(now);
        self.life.has_returned = true;
    }

    /// Gives up a port that did not come back in time; returns what there is to know about it.
    pub(in crate::engine) fn give_up(&mut self) -> Option<Away> {
        match std::mem::replace(&mut self.life.stand, Stand::Closed) {
            Stand::Away(away) => Some(away),
            other @ (Stand::Opening | Stand::Open | Stand::Closed) => {
                self.life.stand = other;
                None
            }
        }
    }

    /// Returns since when and until when it is away, if it went away and may come back.
    pub(in crate::engine) fn away(&self) -> Option<&Away> {
        match &self.life.stand {
            Stand::Away(away) => Some(away),
            Stand::Opening | Stand::Open | Stand::Closed => None,
        }
    }

    /// Returns until when it may be away if it goes now; `None` if it may not.
    pub(in crate::engine) fn may_be_away_until(&self, now: Moment) -> Option<Moment> {
        let reconnect = self.settings.reconnect;
        let set = (reconnect > Duration::ZERO).then(|| now + reconnect);
        self.life.expected_by.filter(|by| *by > now).max(set)
    }

    /// Takes note that the flow waits for it to go and to come back by then.
    pub(in crate::engine) fn await_return(&mut self, by: Moment) {
        self.life.expected_by = Some(by);
        if let Stand::Away(away) = &mut self.life.stand {
            away.until = by;
        }
    }

    /// Takes note that the flow does not wait for it to go any more, and goes on with what there is.
    pub(in crate::engine) fn await_no_return(&mut self) {
        self.life.expected_by = None;
    }

    /// Whether it came back since the last send; asked once.
    pub(in crate::engine) fn take_return(&mut self) -> bool {
        std::mem::take(&mut self.life.has_returned)
    }

    /// Whether a write may have been lost because the port went.
    pub(in crate::engine) fn has_lost(&self, number: u64) -> bool {
        number > self.writes.n_left && number <= self.life.n_lost
    }

    /// Returns where what came is broken off, because the port went.
    pub(in crate::engine) fn broken_at(&self) -> Option<Offset> {
        self.life.broken_at
    }

    /// Whether it was opened already, even if it is gone by now.
    pub(in crate::engine) fn was_opened(&self) -> bool {
        !matches!(self.life.stand, Stand::Opening)
    }

    /// Whether it is gone.
    pub(in crate::engine) fn is_closed(&self) -> bool {
        matches!(self.life.stand, Stand::Closed)
    }

    /// Takes bytes in. Returns how many unclaimed lines had to be forgotten for them.
    pub(in crate::engine) fn receive(&mut self, bytes: &[u8], now: Moment) -> usize {
        self.silence = Silence::NotYet;
        self.sight.receive(bytes, self.settings.encoding, now)
    }

    /// Returns whether the silence since the last byte was looked at.
    pub(in crate::engine) fn silence(&self) -> Silence {
        self.silence
    }

    /// Takes note that nothing has come for the settle time.
    pub(in crate::engine) fn settle(&mut self) {
        self.sight.take_half();
        self.silence = Silence::Settled;
    }

    /// Returns when the silence since the last byte counts, if it was not looked at yet.
    pub(in crate::engine) fn unsettled_until(&self) -> Option<Moment> {
        (self.silence == Silence::NotYet).then(|| self.sight.inbox.last_arrival() + self.settings.settle)
    }

    /// Returns when the silence since the last byte counts, if it was not looked at yet and would matter to a wait.
    pub(in crate::engine) fn settles_at(&self, wanted: Option<&Wanted>) -> Option<Moment> {
        (self.silence == Silence::NotYet && self.sight.waits_for_silence(wanted))
            .then(|| self.sight.inbox.last_arrival() + self.settings.settle)
    }

    /// Takes note of how the other side of the line is set.
    pub(in crate::engine) fn know_other_line(&mut self, line: LineSettings) {
        self.other_line = Some(line);
    }

    /// Returns how the other side of the line is set, if that is known.
    pub(in crate::engine) fn other_line(&self) -> Option<&LineSettings> {
        self.other_line.as_ref()
    }

    /// Returns how many writes there were.
    pub(in crate::engine) fn n_writes(&self) -> u64 {
        self.writes.n_made
    }

    /// Takes note that a write has left.
    pub(in crate::engine) fn write_left(&mut self, number: u64) {
        self.writes.n_left = number;
    }

    /// Whether a write has left.
    pub(in crate::engine) fn has_left(&self, number: u64) -> bool {
        number <= self.writes.n_left
    }

    /// Returns the token of the next write.
    pub(in crate::engine) fn next_write(&mut self) -> WriteToken {
        self.writes.n_made += 1;
        WriteToken::new(self.id, self.writes.n_made)
    }

    /// Returns when the next line may begin to go out; bytes that came during the guard time begin it again.
    pub(in crate::engine) fn line_free_at(&self, now: Moment) -> Moment {
        let quiet_from = match self.settings.guard {
            Duration::ZERO => now,
            guard => self.sight.inbox.last_arrival() + guard,
        };
        quiet_from.max(self.line_free_at)
    }

    /// Takes note that so many bytes have left. The system may have taken them, and put them on the line later.
    pub(in crate::engine) fn line_left(&mut self, now: Moment, n_bytes: usize) {
        self.line_free_at = now + self.settings.line_pace;
        let n_bytes = u32::try_from(n_bytes).unwrap_or(u32::MAX);
        self.asked_at = now;
        self.life.has_returned = false;
        self.takes = self.settings.line.character_time().saturating_mul(n_bytes);
        self.held_since = None;
    }

    /// Switches the echo on or off: a flow expects it, a device sends it.
    pub(in crate::engine) fn set_echo(&mut self, on: bool) {
        self.settings.echo = if on { Echo::On } else { Echo::Off };
        self.note_echo();
    }

    /// Takes note of what the settings say of the echo.
    pub(in crate::engine) fn note_echo(&mut self) {
        if self.settings.echo == Echo::On {
            self.sight.assume_echo();
        }
    }

    /// Takes note whether something is held for an echo that is sure to come.
    pub(in crate::engine) fn hold(&mut self, is_held: bool, now: Moment) {
        self.held_since = if is_held { self.held_since.or(Some(now)) } else { None };
    }

    /// Returns when what is held is let go, since the echo cannot come any more: the line was quiet for the settle time and the
    /// time that the echo takes, or it is never quiet.
    pub(in crate::engine) fn lets_go_at(&self) -> Option<Moment> {
        let since = self.held_since?;
        let quiet_since = self.sight.inbox.last_arrival().max(self.asked_at);
        Some((quiet_since + self.takes + self.settings.settle).min(since + self.takes + HELD_FOR))
    }

    /// Lets go what is held for an echo that did not come.
    pub(in crate::engine) fn let_go(&mut self) {
        self.held_since = None;
        self.sight.miss_echo();
    }

    /// Lets all whole lines that were looked at be told of soon; empty ones wait for the next that is not. Returns whether so
    /// much waits that it is to be told now.
    fn tell_lines_soon(&mut self, now: Moment) -> bool {
        let place = self.sight.inbox.text_end();
        let told = self.sight.inbox.told();
        if place <= self.untold.places.last().map_or(told, |last| *last) {
            return false;
        }
        self.untold.places.push(place);
        let by = *self.untold.by.get_or_insert(now + TELL_WITHIN);
        place - told >= TELL_AT || by <= now
    }

    /// Takes note that what came up to a place is told now. Returns whether some of it was not looked at yet: a secret may
    /// still be made of it.
    pub(in crate::engine) fn note_cut(&mut self, place: Offset) -> bool {
        let is_unlooked = self.sight.is_unlooked(place);
        if is_unlooked {
            self.cut_at = self.cut_at.max(Some(place));
        }
        is_unlooked
    }

    /// Whether something was told before it was looked at, and still was not.
    pub(in crate::engine) fn is_cut(&mut self) -> bool {
        self.cut_at = self.cut_at.filter(|place| self.sight.is_unlooked(*place));
        self.cut_at.is_some()
    }

    /// Takes the places up to which is to be told, in order; `None` if nothing waits. They are given back with
    /// [`Port::keep_places`].
    pub(in crate::engine) fn take_untold(&mut self) -> Option<Vec<Offset>> {
        self.untold.by.take().map(|_| std::mem::take(&mut self.untold.places))
    }

    /// Keeps the memory of places that were told.
    pub(in crate::engine) fn keep_places(&mut self, mut places: Vec<Offset>) {
        places.clear();
        self.untold.places = places;
    }
}

/// The ports of a run; there is at least one.
#[derive(Debug)]
pub(in crate::engine) struct Ports {
    all: Vec<Port>,
    /// When lines that were looked at must be told of at the latest, on whichever port; the least of what the ports say. While
    /// something is fresh it is the present moment.
    tells_by: Option<Moment>,
    /// What came at the present moment, and is looked at when it is over. With one port nothing is fresh.
    fresh: Fresh,
}

/// What came on several ports at one moment, in whatever order they were read: it is looked at in one order, when all of it is
/// there.
#[derive(Debug, Default)]
struct Fresh {
    /// The moment; `None` if nothing is fresh.
    at: Option<Moment>,
    /// On which ports.
    came: Vec<PortId>,
    /// Ports that are gone, and why.
    closing: Vec<(PortId, CloseReason)>,
}

impl Ports {
    /// Makes ports that are not open yet.
    pub(in crate::engine) fn new(role: Role, settings: impl IntoIterator<Item = Settings>) -> Ports {
        let ids = (0..).map_while(PortId::new);
        let all = ids.zip(settings).map(|(id, settings)| Port::new(id, role, settings)).collect();
        Ports { all, tells_by: None, fresh: Fresh::default() }
    }

    /// Returns the names of all ports.
    pub(in crate::engine) fn ids(&self) -> impl Iterator<Item = PortId> + use<> {
        (0..self.all.len()).filter_map(PortId::new)
    }

    /// Returns all ports.
    pub(in crate::engine) fn iter(&self) -> impl Iterator<Item = &Port> {
        self.all.iter()
    }

    /// Returns all ports, to be changed.
    pub(in crate::engine) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Port> {
        self.all.iter_mut()
    }

    /// Whether a port is the only one.
    pub(in crate::engine) fn is_only(&self, port: PortId) -> bool {
        self.all.len() == 1 && port == PortId::FIRST
    }

    /// Returns when lines that were looked at must be told of at the latest, on whichever port.
    pub(in crate::engine) fn tells_by(&self) -> Option<Moment> {
        self.tells_by
    }

    /// Lets all whole lines of a port that were looked at be told of soon. Returns whether so much waits that it is to be told
    /// now.
    pub(in crate::engine) fn tell_lines_soon(&mut self, port: PortId, now: Moment) -> bool {
        let port = &mut self.all[port.index()];
        let is_now = port.tell_lines_soon(now);
        self.tells_by = earlier(self.tells_by, port.untold.by);
        is_now
    }

    /// Takes note that all that waited is being told of.
    pub(in crate::engine) fn tell_all(&mut self) {
        self.tells_by = self.fresh.at;
    }

    /// Takes note that something came on a port: it is looked at when the moment is over, whichever port is read first. Returns
    /// false if there is but one port, on which it is looked at now.
    pub(in crate::engine) fn note_fresh(&mut self, port: PortId, now: Moment) -> bool {
        if self.all.len() == 1 {
            return false;
        }
        self.begin_moment(now);
        if !self.fresh.came.contains(&port) {
            self.fresh.came.push(port);
        }
        true
    }

    /// Takes note that a port is gone, in the same way. Gives the reason back if there is but one port.
    pub(in crate::engine) fn note_closing(
        &mut self,
        port: PortId,
        reason: CloseReason,
        now: Moment,
    ) -> Option<CloseReason> {
        if self.all.len() == 1 {
            return Some(reason);
        }
        self.begin_moment(now);
        self.fresh.closing.push((port, reason));
        None
    }

    fn begin_moment(&mut self, now: Moment) {
        self.fresh.at = Some(now);
        self.tells_by = Some(now);
    }

    /// Whether something is to be looked at when the moment is over.
    #[inline]
    pub(in crate::engine) fn is_any_fresh(&self) -> bool {
        self.fresh.at.is_some()
    }

    /// Whether what came on a port is to be looked at when the moment is over.
    #[inline]
    pub(in crate::engine) fn is_fresh(&self, port: PortId) -> bool {
        self.fresh.at.is_some() && self.fresh.came.contains(&port)
    }

    /// Takes the ports on which something came, in their order; the moment is over.
    pub(in crate::engine) fn take_fresh(&mut self) -> Vec<PortId> {
        self.fresh.at = None;
        self.tells_by = self.all.iter().fold(None, |by, port| earlier(by, port.untold.by));
        let mut came = std::mem::take(&mut self.fresh.came);
        if came.len() > 1 {
            came.sort_unstable();
        }
        came
    }

    /// Keeps the memory of the ports on which something came.
    pub(in crate::engine) fn keep_fresh(&mut self, mut came: Vec<PortId>) {
        if self.fresh.came.is_empty() {
            came.clear();
            self.fresh.came = came;
        }
    }

    /// Takes the ports that are gone, in their order.
    pub(in crate::engine) fn take_closing(&mut self) -> Vec<(PortId, CloseReason)> {
        if self.fresh.closing.is_empty() {
            return Vec::new();
        }
        let mut closing = std::mem::take(&mut self.fresh.closing);
        closing.sort_by_key(|(port, _)| *port);
        closing
    }

    /// Returns when the silence on some port counts, if it was not looked at yet; the port of a wait, which counts its own, is
    /// left out.
    #[inline]
    pub(in crate::engine) fn settle_at(&self, awaited: Option<PortId>) -> Option<Moment> {
        let others = self.all.iter().filter(|port| Some(port.id) != awaited);
        others.fold(None, |at, port| earlier(at, port.settles_at(None)))
    }

    /// Returns when a port is given up that went away, whichever is the first.
    #[inline]
    pub(in crate::engine) fn away_until(&self) -> Option<Moment> {
        self.all.iter().fold(None, |until, port| earlier(until, port.away().map(|away| away.until)))
    }

    /// Returns a port that went away and whose time is over.
    pub(in crate::engine) fn overdue(&self, now: Moment) -> Option<PortId> {
        let is_overdue = |port: &&Port| port.away().is_some_and(|away| away.until <= now);
        self.all.iter().find(is_overdue).map(|port| port.id)
    }

    /// Whether all of them were opened.
    pub(in crate::engine) fn were_opened(&self) -> bool {
        self.all.iter().all(Port::was_opened)
    }
}

impl Index<PortId> for Ports {
    type Output = Port;

    fn index(&self, port: PortId) -> &Port {
        &self.all[port.index()]
    }
}

impl IndexMut<PortId> for Ports {
    fn index_mut(&mut self, port: PortId) -> &mut Port {
        &mut self.all[port.index()]
    }
}
