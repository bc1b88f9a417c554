//! `Recorder`: writes a recording while the run goes on; what it keeps in memory does not grow with the run.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use super::forms::Forms;
use super::tail::{Hold, Tail};
use super::{Entry, EntryKind, HookNote, Recording, text};
use crate::engine::REACH;
use crate::event::{CloseReason, HookCall, HookNews};
use crate::port::{Happening, PortCommand, PortId};
use crate::secret::{FULL, LONGEST};
use crate::settings::InputLines;
use crate::time::Moment;
use crate::value::escape::harmless;
use crate::world::Tap;

/// What came is held back, and text is gathered, until it is so much: the cost of a write is shared by many reads.
const GATHERED: usize = 32 << 10;

/// So long text is gathered at most on a line that is never quiet.
const WRITE_OUT: Duration = Duration::from_secs(1);

/// How much is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldBack {
    /// What the run can still make a secret of: everything that a capture reaches.
    Reach,
    /// Only what must be, a secret that may not be complete for instance: all secrets are known before they come.
    Least,
    /// Everything until the run is over: most runs pass, and nobody wants their recording. Of a long run it is the beginning.
    All,
}

/// What stands at the end of a recording that has only the beginning of its run.
const CUT: &str = "the rest of the run is left out here: `--record FILE` keeps all";

/// Writes what goes over a line.
///
/// Nothing is lost when the run ends, however it ends. A process that is killed loses what is held back: with
/// [`HoldBack::Least`] the last tenth of a second of a quiet line, or the last second of a busy one.
#[derive(Debug)]
pub struct Recorder<W> {
    header: Recording,
    hold_back: HoldBack,
    tail: Tail,
    forms: Forms,
    outlet: Outlet<W>,
    now: Moment,
    /// The ports that are gone: nothing leaves through them.
    gone: Vec<PortId>,
    /// Those of them that are opened again as soon as they are there, and with which settings.
    sought: Vec<(PortId, String)>,
    /// How the lines of a port were last.
    lines: Vec<(PortId, InputLines)>,
    written_at: Moment,
    /// Something was seen since the last writing out.
    is_behind: bool,
    /// What stands before this was written before all secrets were known.
    late: Option<u64>,
    /// Whether what comes next is left out.
    is_cut: bool,
    failure: Option<io::Error>,
}

impl Recorder<Vec<u8>> {
    /// Begins a recording that is held in memory until the run is over, about 1 MiB of it.
    pub fn held() -> Recorder<Vec<u8>> {
        Recorder::new(Recording::default(), HoldBack::All, Vec::new())
    }

    /// Returns the text of it; these are all secrets, and the entries of `header` are left out.
    ///
    /// # Errors
    ///
    /// The secrets are too many to be looked for.
    pub fn into_text(mut self, header: Recording, secrets: &[(Arc<str>, Vec<u8>)]) -> io::Result<Vec<u8>> {
        self.header = header;
        self.end(secrets);
        self.failure.map_or(Ok(self.outlet.sink), Err)
    }
}

impl<W: Write> Recorder<W> {
    /// Begins a recording; the entries of `header` are left out.
    pub fn new(header: Recording, hold_back: HoldBack, sink: W) -> Recorder<W> {
        Recorder {
            header,
            hold_back,
            tail: Tail::default(),
            forms: Forms::default(),
            outlet: Outlet::new(sink),
            now: Moment::START,
            gone: Vec::new(),
            sought: Vec::new(),
            lines: Vec::new(),
            written_at: Moment::START,
            is_behind: false,
            late: None,
            is_cut: false,
            failure: None,
        }
    }

    /// Writes everything; these are all secrets. Returns where what was written ends that is to be looked at again,
    /// for secrets that were not known or not complete at that time.
    ///
    /// # Errors
    ///
    /// The first thing that went wrong; nothing was written after it.
    pub fn finish(mut self, secrets: &[(Arc<str>, Vec<u8>)]) -> io::Result<Option<u64>> {
        self.end(secrets);
        match self.failure {
            Some(error) => Err(error),
            None if self.tail.has_cut() => Ok(Some(self.outlet.n_put)),
            None => Ok(self.late),
        }
    }

    /// Puts a note of a line, at the moment of what happened last.
    pub(super) fn remark(&mut self, port: PortId, text: &str) {
        if self.failure.is_none() {
            self.note(port, EntryKind::Note { text: harmless(text) });
            self.is_behind = true;
        }
    }

    fn end(&mut self, secrets: &[(Arc<str>, Vec<u8>)]) {
        self.learn(secrets);
        self.write(Hold::Nothing);
    }

    /// Says whether nothing more is taken: of a recording that is held there is enough.
    fn is_over(&mut self) -> bool {
        if self.hold_back == HoldBack::All && !self.is_cut && self.tail.is_full() {
            self.is_cut = true;
            self.note(PortId::FIRST, EntryKind::Note { text: CUT.to_string() });
        }
        self.is_cut || self.failure.is_some()
    }

    fn note(&mut self, port: PortId, kind: EntryKind) {
        self.tail.takes(Entry { at: self.now, port, kind });
    }

    fn learn(&mut self, secrets: &[(Arc<str>, Vec<u8>)]) {
        if self.forms.learn(secrets) {
            self.tail.knows_more();
            self.late = (self.outlet.n_put > 0).then_some(self.outlet.n_put);
        }
        if self.forms.redactor().is_full() && self.failure.is_none() {
            self.take_note(Err(io::Error::other(FULL)));
        }
        if self.outlet.n_put == 0 {
            self.outlet.put_header(&self.header, &self.forms);
        }
    }

    /// Puts out what is held no longer.
    fn let_go(&mut self, hold: Hold) -> io::Result<()> {
        while let Some(entry) = self.tail.next(&self.forms, hold) {
            self.outlet.put(&entry)?;
        }
        Ok(())
    }

    /// Writes all that is held no longer.
    fn write(&mut self, hold: Hold) {
        if self.failure.is_none() {
            let written = self.let_go(hold).and_then(|()| self.outlet.flush());
            self.take_note(written);
        }
        self.written_at = self.now;
        self.is_behind = false;
    }

    fn take_note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.failure = Some(error);
            self.tail = Tail::default();
        }
    }

    fn n_held_back(&self) -> usize {
        match self.hold_back {
            HoldBack::Reach => REACH,
            HoldBack::Least => 0,
            HoldBack::All => usize::MAX,
        }
    }
}

impl<W: Write> Tap for Recorder<W> {
    fn performed(&mut self, port: PortId, command: &PortCommand) {
        if let PortCommand::Open { .. } = command {
            self.gone.retain(|gone| *gone != port);
        }
        if let PortCommand::Reopen { settings } = command {
            self.sought.retain(|(sought, _)| *sought != port);
            self.sought.push((port, settings.to_string()));
        }
        // What is asked of a port that is gone has no effect: it is no part of what went over the line.
        if self.is_over() || self.gone.contains(&port) {
            return;
        }
        let state = |on: Option<bool>| match on {
            Some(true) => "on",
            Some(false) => "off",
            None => "keep",
        };
        match command {
            PortCommand::Open { settings } => self.note(port, EntryKind::Opened { line: settings.to_string() }),
            PortCommand::Write { token, bytes } => self.tail.writes(self.now, token, bytes),
            PortCommand::SetLines { dtr, rts } => {
                self.note(port, EntryKind::Note { text: format!("dtr={} rts={}", state(*dtr), state(*rts)) });
            }
            PortCommand::Break { lasting } => {
                self.note(port, EntryKind::Note { text: format!("break {}", crate::time::show_duration(*lasting)) });
            }
            PortCommand::Reconfigure { settings } => {
                self.note(port, EntryKind::Note { text: format!("settings {settings}") });
            }
            PortCommand::DiscardInput => self.note(port, EntryKind::Note { text: "flush".to_string() }),
            PortCommand::ReadLines | PortCommand::Resize { .. } => return,
            PortCommand::Reopen { .. }
            | PortCommand::DriveLines { .. }
            | PortCommand::DiscardOutput
            | PortCommand::Close => {}
        }
        self.is_behind = true;
    }

    fn hooked(&mut self, call: &HookCall) {
        if !self.is_over() {
            self.note(PortId::FIRST, EntryKind::Note { text: HookNote::of(call).text() });
            self.is_behind = true;
        }
    }

    fn happened(&mut self, now: Moment, happening: &Happening, received: &[u8]) {
        self.now = now.max(self.now);
        if self.is_over() {
            return;
        }
        match happening {
            Happening::Received(port) => self.tail.receives(self.now, *port, received),
            Happening::Sent(token) => self.tail.left(self.now, token),
            Happening::Closed(_, CloseReason::Finished)
            | Happening::Nothing
            | Happening::Noted(_, _)
            | Happening::Signalled(_, _)
            | Happening::Hook(HookNews::Said(_) | HookNews::LeftOut(_))
            | Happening::Lines(_, Err(_))
            | Happening::Interrupt
            | Happening::Unplayed(_) => return,
            Happening::Opened(port) => {
                let Some(at) = self.sought.iter().position(|(sought, _)| sought == port) else { return };
                let (_, line) = self.sought.swap_remove(at);
                self.gone.retain(|gone| gone != port);
                self.note(*port, EntryKind::Opened { line });
            }
            Happening::Lines(port, Ok(lines)) => {
                // They are read often while one is awaited, and seldom change.
                if self.lines.contains(&(*port, *lines)) {
                    return;
                }
                self.lines.retain(|(told, _)| told != port);
                self.lines.push((*port, *lines));
                self.note(*port, EntryKind::Note { text: lines.note() });
            }
            Happening::Hook(HookNews::Ended(end)) => {
                self.note(PortId::FIRST, EntryKind::Note { text: HookNote::Ended(end.clone()).text() });
            }
            Happening::Closed(port, _) | Happening::Departed(port, _) => {
                if !self.gone.contains(port) {
                    self.gone.push(*port);
                    self.tail.loses(self.now, *port);
                    self.note(*port, EntryKind::Closed);
                }
            }
        }
        self.is_behind = true;
    }

    fn waiting(&mut self, secrets: &[(Arc<str>, Vec<u8>)]) {
        if self.hold_back == HoldBack::All {
            return;
        }
        self.learn(secrets);
        let n_held_back = self.n_held_back();
        if self.is_behind && self.now.since(self.written_at) >= WRITE_OUT {
            self.write(Hold::Back(n_held_back));
        } else if self.tail.n_bytes() >= n_held_back + GATHERED || self.tail.is_full() {
            // Nearly always a secret is complete that begins before so many bytes.
            let written = self.let_go(Hold::Back(n_held_back.max(LONGEST as usize)));
            self.take_note(written);
        }
    }

    fn has_unwritten(&self) -> bool {
        self.is_behind && self.hold_back == HoldBack::Least && self.failure.is_none()
    }

    fn write_out(&mut self) {
        self.write(Hold::Back(self.n_held_back()));
    }
}

/// The text of a recording, on its way to where it is kept.
#[derive(Debug)]
pub(super) struct Outlet<W> {
    sink: W,
    text: Vec<u8>,
    /// How long everything is that was put into it.
    pub n_put: u64,
}

impl<W: Write> Outlet<W> {
    pub(super) fn new(sink: W) -> Outlet<W> {
        Outlet { sink, text: Vec::new(), n_put: 0 }
    }

    /// Puts everything that stands before the first entry, without the variables in which a secret stands.
    pub(super) fn put_header(&mut self, recording: &Recording, forms: &Forms) {
        let before = self.text.len();
        let is_clear = |value: &str| !value.is_empty() && !forms.stand_in(value.as_bytes());
        text::put_header(recording, is_clear, &mut self.text);
        self.n_put += (self.text.len() - before) as u64;
    }

    /// Puts an entry.
    pub(super) fn put(&mut self, entry: &Entry) -> io::Result<()> {
        let before = self.text.len();
        text::put_entry(entry, &mut self.text);
        self.n_put += (self.text.len() - before) as u64;
        if self.text.len() >= GATHERED { self.flush() } else { Ok(()) }
    }

    /// Writes what was gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.sink.write_all(&self.text)?;
        self.text.clear();
        self.sink.flush()
    }
}

#[cfg(test)]
mod tests;
