//! Sending: guard, pace, echo, and what a write leaves behind.

use std::time::Duration;

use crate::engine::{Engine, State};
use crate::event::EventKind;
use crate::port::{PortCommand, WriteToken};
use crate::program::{Role, SendMode};
use crate::settings::Echo;
use crate::source::Site;
use crate::time::Moment;

/// Bytes on their way out.
#[derive(Debug)]
pub(in crate::engine) struct Outgoing {
    /// The statement.
    pub site: Site,
    /// All the bytes.
    bytes: Vec<u8>,
    /// How many have been handed over.
    handed_over: usize,
    /// How many of the bytes are the line whose echo may come back.
    echo: Option<usize>,
    /// When the next piece is handed over, if there is a pace and one piece has left.
    next_at: Option<Moment>,
}

impl Outgoing {
    /// Returns when the next piece is due.
    pub(in crate::engine) fn next_piece_at(&self) -> Option<Moment> {
        self.next_at
    }
}

impl Engine {
    /// Begins to send.
    pub(in crate::engine) fn send(&mut self, mode: SendMode, octets: Vec<u8>, site: Site) {
        let echo = (mode == SendMode::Line && self.program.role == Role::Flow && self.settings.echo != Echo::Off)
            .then_some(octets.len());
        let bytes = match mode {
            SendMode::Raw => octets,
            SendMode::Line => {
                let mut line = octets;
                line.extend_from_slice(&self.settings.eol);
                line
            }
            SendMode::Reply => [self.settings.header.as_slice(), &octets, &self.settings.eol].concat(),
        };
        let send = Outgoing { site, bytes, handed_over: 0, echo, next_at: None };
        self.start_writing(send);
    }

    /// Hands the first piece over, or all of it.
    pub(in crate::engine) fn start_writing(&mut self, mut send: Outgoing) {
        // Bytes that came during the guard time begin it again.
        let quiet_from = match self.settings.guard {
            Duration::ZERO => self.now,
            guard => self.sight.inbox.last_arrival() + guard,
        };
        let free_from = if send.handed_over == 0 { quiet_from.max(self.line_free_at) } else { self.now };
        if free_from > self.now {
            self.state = State::Guarding { until: free_from, send };
            return;
        }
        let left = send.bytes.get(send.handed_over..).unwrap_or_default();
        let piece = if self.settings.pace > Duration::ZERO { left.len().min(1) } else { left.len() };
        let bytes = left[..piece].to_vec();
        send.handed_over += piece;
        send.next_at = None;
        self.writes += 1;
        let number = self.writes;
        self.state = State::Writing { number, send };
        self.command(PortCommand::Write { token: WriteToken::new(number), bytes });
    }

    /// Hands the next piece of a paced send over.
    pub(in crate::engine) fn next_piece(&mut self, number: u64, send: Outgoing) {
        match send.next_at {
            Some(at) if at <= self.now => self.start_writing(send),
            _ => self.state = State::Writing { number, send },
        }
    }

    /// Takes note that a write has left.
    pub(in crate::engine) fn sent(&mut self, token: &WriteToken) {
        let is_ours = matches!(&self.state, State::Writing { number, .. } if *number == token.number());
        if !is_ours {
            return;
        }
        let State::Writing { number, mut send } = std::mem::replace(&mut self.state, State::Ready) else { return };
        if send.handed_over < send.bytes.len() {
            send.next_at = Some(self.now + self.settings.pace);
            self.state = State::Writing { number, send };
            return;
        }
        self.all_sent(send);
    }

    /// From here on, what comes answers what was sent.
    fn all_sent(&mut self, send: Outgoing) {
        self.line_free_at = self.now + self.settings.line_pace;
        self.sight_all();
        // What a device writes is no question: what came before it is still to be read.
        match self.program.role {
            Role::Flow => {
                self.sight.sent(&send.bytes, send.echo);
                // A wait that a handler came into may still read from before.
                if !self.is_in_handler() {
                    self.sight.inbox.forget_taken();
                }
            }
            Role::Device => self.sight.note_sent(&send.bytes),
        }
        self.tell(Some(send.site), EventKind::Sent { bytes: send.bytes });
    }

    /// Sends back what a device has heard.
    pub(in crate::engine) fn send_echo(&mut self, heard: Vec<u8>, site: Site) {
        self.writes += 1;
        self.command(PortCommand::Write { token: WriteToken::new(self.writes), bytes: heard.clone() });
        self.tell(Some(site), EventKind::Sent { bytes: heard });
    }
}
