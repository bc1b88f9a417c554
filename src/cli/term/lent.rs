//! `Lent`: the open port of a terminal as the world of a flow: it stays open when the flow ends, and Ctrl-C ends the flow.

use std::time::Duration;

use super::files::Files;
use super::{KEYS, WAKES};
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::settings::LineSettings;
use crate::time::Moment;
use crate::transport::Several;
use crate::world::World;

/// What the Ctrl-C key sends.
const CONTROL_C: u8 = 3;

/// A world whose time begins when the flow begins.
pub(super) struct Lent<'a> {
    world: &'a mut Several,
    files: &'a mut Files,
    began: Moment,
    /// What the port is set to.
    settings: LineSettings,
    /// What the flow is to be told before anything else.
    told: Option<Happening>,
    /// Whether the port is there.
    is_open: bool,
    /// Whether somebody sits at the keyboard: the session ends with it.
    is_interactive: bool,
    /// Whether the session is to end too.
    is_over: bool,
    now: Moment,
    /// What came of the line that has not ended.
    rest: Vec<u8>,
}

/// What a flow leaves.
pub(super) struct Left {
    /// Whether the port is still there.
    pub(super) is_open: bool,
    /// Whether a signal came, or the keyboard went: the session is to end too.
    pub(super) is_over: bool,
    /// What it is set to.
    pub(super) settings: LineSettings,
    /// What came last of a line that has not ended.
    pub(super) rest: Vec<u8>,
}

/// So much of a line that has not ended is kept.
const LONGEST_REST: usize = 512;

impl<'a> Lent<'a> {
    pub(super) fn new(
        world: &'a mut Several,
        files: &'a mut Files,
        began: Moment,
        settings: LineSettings,
        is_interactive: bool,
    ) -> Lent<'a> {
        Lent {
            world,
            files,
            began,
            settings,
            told: None,
            is_open: true,
            is_interactive,
            is_over: false,
            now: Moment::START,
            rest: Vec::new(),
        }
    }

    /// Returns what the flow has left.
    pub(super) fn end(self) -> Left {
        Left { is_open: self.is_open, is_over: self.is_over, settings: self.settings, rest: self.rest }
    }

    /// Keeps what came of a line that has not ended.
    fn keep_rest(&mut self, bytes: &[u8]) {
        let line = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => {
                self.rest.clear();
                &bytes[at + 1..]
            }
            None => bytes,
        };
        self.rest.extend_from_slice(line);
        let too_much = self.rest.len().saturating_sub(LONGEST_REST);
        self.rest.drain(..too_much);
    }

    fn real(&self) -> Moment {
        self.began + self.now.since_start()
    }

    fn ask(&mut self, command: PortCommand) {
        let now = self.real();
        self.files.performed(now, &command);
        self.world.perform(PortId::FIRST, command);
    }

    /// Returns what the flow hears about what happened; nothing if that is not for the flow.
    fn for_flow(
        &mut self,
        now: Moment,
        happening: Happening,
        bytes: &[u8],
        received: &mut Vec<u8>,
    ) -> Option<(Moment, Happening)> {
        self.now = Moment::after(now.since(self.began)).max(self.now);
        let is_own = |port: PortId| port == KEYS || port == WAKES;
        let told = match &happening {
            Happening::Received(port) if *port == KEYS && bytes.contains(&CONTROL_C) => Happening::Interrupt,
            // Nobody can go on by hand.
            Happening::Closed(port, _) if *port == KEYS && self.is_interactive => {
                self.is_over = true;
                Happening::Interrupt
            }
            Happening::Interrupt => {
                self.is_over = true;
                happening
            }
            Happening::Received(port) | Happening::Closed(port, _) | Happening::Opened(port) if is_own(*port) => {
                return None;
            }
            Happening::Nothing
            | Happening::Opened(_)
            | Happening::Received(_)
            | Happening::Sent(_)
            | Happening::Closed(..)
            | Happening::Departed(..)
            | Happening::Noted(..)
            | Happening::Lines(..)
            | Happening::Signalled(..)
            | Happening::Hook(_)
            | Happening::Unplayed(_) => happening,
        };
        self.files.happened(now, &told, bytes);
        match told {
            Happening::Received(_) => {
                self.keep_rest(bytes);
                received.extend_from_slice(bytes);
            }
            Happening::Closed(..) => self.is_open = false,
            Happening::Opened(_) => self.is_open = true,
            Happening::Nothing
            | Happening::Sent(_)
            | Happening::Departed(..)
            | Happening::Noted(..)
            | Happening::Lines(..)
            | Happening::Signalled(..)
            | Happening::Hook(_)
            | Happening::Interrupt
            | Happening::Unplayed(_) => {}
        }
        Some((self.now, told))
    }
}

impl World for Lent<'_> {
    fn capabilities(&self) -> Capabilities {
        self.world.capabilities_of(PortId::FIRST)
    }

    fn perform(&mut self, _port: PortId, command: PortCommand) {
        match command {
            PortCommand::Open { settings } if self.is_open => {
                self.told = Some(Happening::Opened(PortId::FIRST));
                if settings != self.settings {
                    self.ask(PortCommand::Reconfigure { settings: settings.clone() });
                }
                let (dtr, rts) = (settings.dtr.wanted(), settings.rts.wanted());
                if dtr.is_some() || rts.is_some() {
                    self.ask(PortCommand::SetLines { dtr, rts });
                }
                self.settings = settings;
            }
            // The terminal goes on with it.
            PortCommand::Close => {}
            PortCommand::Reconfigure { settings } => {
                self.settings = settings.clone();
                self.ask(PortCommand::Reconfigure { settings });
            }
            other @ (PortCommand::Open { .. }
            | PortCommand::Reopen { .. }
            | PortCommand::Write { .. }
            | PortCommand::SetLines { .. }
            | PortCommand::ReadLines
            | PortCommand::DriveLines { .. }
            | PortCommand::Break { .. }
            | PortCommand::DiscardInput
            | PortCommand::DiscardOutput
            | PortCommand::Resize { .. }) => self.ask(other),
        }
    }

    fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        if let Some(told) = self.told.take() {
            return Some((self.now, told));
        }
        let mut bytes = Vec::new();
        let (now, happening) = self.world.news(&mut bytes)?;
        self.for_flow(now, happening, &bytes, received)
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        let mut bytes = Vec::new();
        let (now, happening) = self.world.arrived(&mut bytes)?;
        self.for_flow(now, happening, &bytes, received)
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        if let Some(told) = self.told.take() {
            return (self.now, told);
        }
        let until = until.map(|until| self.began + until.since_start());
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let (now, happening) = self.world.wait(until, &mut bytes);
            if let Some(told) = self.for_flow(now, happening, &bytes, received) {
                return told;
            }
        }
    }

    fn behind(&self) -> Duration {
        self.world.behind()
    }
}
