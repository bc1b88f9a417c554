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
use crate::port::{PortId, WriteToken};
use crate::program::Role;
use crate::settings::{Echo, LineSettings, Settings};
use crate::time::Moment;

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
    /// How far it is.
    stand: Stand,
}

/// How far a port is.
#[derive(Debug)]
enum Stand {
    /// It is being opened.
    Opening,
    /// It can be used.
    Open,
    /// It is gone.
    Closed,
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
            stand: Stand::Opening,
        };
        port.note_echo();
        port
    }

    /// Takes note that it is open. For a flow, what waited in it is left behind: it came before the run.
    pub(in crate::engine) fn open(&mut self, role: Role, now: Moment) {
        self.stand = Stand::Open;
        if role == Role::Flow {
            self.sight.inbox.date(now);
            self.sight.pass_over();
        }
    }

    /// Takes note that it is gone.
    pub(in crate::engine) fn close(&mut self) {
        self.stand = Stand::Closed;
    }

    /// Whether it was opened already, even if it is gone by now.
    pub(in crate::engine) fn was_opened(&self) -> bool {
        !matches!(self.stand, Stand::Opening)
    }

    /// Whether it is gone.
    pub(in crate::engine) fn is_closed(&self) -> bool {
        matches!(self.stand, Stand::Closed)
    }

    /// Takes bytes in. Returns how many unclaimed lines had to be forgotten for them.
    pub(in crate::engine) fn receive(&mut self, bytes: &[u8], now: Moment) -> usize {
        self.silence = Silence::NotYet;
        self.sight.inbox.receive(bytes, now)
    }

    /// Returns whether the silence since the last byte was looked at.
    pub(in crate::engine) fn silence(&self) -> Silence {
        self.silence
    }

    /// Takes note that nothing has come for the settle time.
    pub(in crate::engine) fn settle(&mut self) {
        self.silence = Silence::Settled;
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
    /// When lines that were looked at must be told of at the latest, on whichever port; the least of what the ports say.
    tells_by: Option<Moment>,
}

impl Ports {
    /// Makes ports that are not open yet.
    pub(in crate::engine) fn new(role: Role, settings: impl IntoIterator<Item = Settings>) -> Ports {
        let ids = (0..).map_while(PortId::new);
        let all = ids.zip(settings).map(|(id, settings)| Port::new(id, role, settings)).collect();
        Ports { all, tells_by: None }
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
        self.tells_by = [self.tells_by, port.untold.by].into_iter().flatten().min();
        is_now
    }

    /// Takes note that all that waited is being told of.
    pub(in crate::engine) fn tell_all(&mut self) {
        self.tells_by = None;
    }

    /// Returns when the silence on some port counts, if it was not looked at yet; the port of a wait, which counts its own, is
    /// left out.
    #[inline]
    pub(in crate::engine) fn settle_at(&self, awaited: Option<PortId>) -> Option<Moment> {
        let others = self.all.iter().filter(|port| Some(port.id) != awaited);
        others.filter_map(|port| port.settles_at(None)).min()
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
