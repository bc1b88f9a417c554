//! Sending: guard, pace, echo, and what a write leaves behind.

use std::time::Duration;

use crate::diagnostic::Code;
use crate::engine::look::echo::Expected;
use crate::engine::tell::NEAR;
use crate::engine::{Engine, State};
use crate::event::{EventKind, Failure};
use crate::port::{PortCommand, PortId, WriteToken};
use crate::program::{Expr, Role, SendMode};
use crate::settings::Echo;
use crate::source::Site;
use crate::time::Moment;
use crate::value::bounds::check_length;

/// Bytes on their way out.
#[derive(Debug)]
pub(in crate::engine) struct Outgoing {
    /// The statement.
    pub site: Site,
    /// Where they go.
    pub port: PortId,
    /// All the bytes.
    bytes: Vec<u8>,
    /// How many have been handed over.
    handed_over: usize,
    /// What of it may come back.
    echo: Expected,
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
    /// Begins to send on the current port.
    pub(super) fn send(&mut self, mode: SendMode, text: &Expr, site: Site) -> Result<(), Box<Failure>> {
        self.port_is_open(site)?;
        let octets = self.eval_to_send(text)?;
        check_length(octets.len()).map_err(|why| self.failure_at(Code::RunValue, site, why, "too long to send"))?;
        let port = self.flow.port;
        let settings = &self.ports[port].settings;
        let echo = match (self.program.role, settings.echo, mode) {
            (Role::Device, _, _) | (_, Echo::Off, _) | (_, Echo::Auto, SendMode::Raw) => Expected::Nothing,
            (Role::Flow, Echo::On, SendMode::Raw) => Expected::Bytes,
            (Role::Flow, Echo::Auto | Echo::On, SendMode::Line | SendMode::Reply) => Expected::Line(octets.len()),
        };
        let bytes = match mode {
            SendMode::Raw => octets,
            SendMode::Line => {
                let mut line = octets;
                line.extend_from_slice(&settings.eol);
                line
            }
            SendMode::Reply => [settings.header.as_slice(), &octets, &settings.eol].concat(),
        };
        self.start_writing(Outgoing { site, port, bytes, handed_over: 0, echo, next_at: None });
        Ok(())
    }

    /// Hands the first piece over, or all of it.
    pub(in crate::engine) fn start_writing(&mut self, mut send: Outgoing) {
        let port = &mut self.ports[send.port];
        let free_from = if send.handed_over == 0 { port.line_free_at(self.now) } else { self.now };
        if free_from > self.now {
            self.state = State::Guarding { until: free_from, send };
            return;
        }
        let left = send.bytes.get(send.handed_over..).unwrap_or_default();
        let piece = if port.settings.pace > Duration::ZERO { left.len().min(1) } else { left.len() };
        let bytes = left[..piece].to_vec();
        send.handed_over += piece;
        send.next_at = None;
        let token = port.next_write();
        let to = send.port;
        self.state = State::Writing { number: token.number(), send };
        self.command(to, PortCommand::Write { token, bytes });
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
        let port = token.port();
        let is_awaited =
            matches!(&self.state, State::Writing { number, send } if *number == token.number() && send.port == port);
        if !is_awaited {
            return;
        }
        let State::Writing { number, mut send } = std::mem::replace(&mut self.state, State::Ready) else { return };
        if send.handed_over < send.bytes.len() {
            let line = &mut self.ports[port];
            line.sight.leaving();
            send.next_at = Some(self.now + line.settings.pace);
            self.state = State::Writing { number, send };
            return;
        }
        self.all_sent(send);
    }

    /// From here on, what comes answers what was sent.
    fn all_sent(&mut self, send: Outgoing) {
        self.sight_all();
        let port = &mut self.ports[send.port];
        port.line_left(self.now, send.bytes.len());
        // What a device writes is no question: what came before it is still to be read.
        match self.program.role {
            Role::Flow => {
                let is_sole = !self.flow.is_in_handler();
                port.sight.sent(&send.bytes, send.echo, is_sole);
                // A wait that a handler came into may still read from before.
                if !self.flow.is_in_handler() {
                    // What comes next may be the rest of a secret.
                    let n_before = if self.journal.known().is_empty() { 0 } else { NEAR };
                    port.sight.inbox.forget_taken(n_before);
                }
            }
            Role::Device => port.sight.note_sent(&send.bytes),
        }
        self.tell_on(send.port, Some(send.site), EventKind::Sent { bytes: send.bytes });
    }

    /// Whether what comes on a port goes back: a device echoes.
    pub(super) fn sends_echo(&self, port: PortId) -> bool {
        self.program.role == Role::Device && self.ports[port].settings.echo == Echo::On
    }

    /// Sends back what a device has heard, if it is anything.
    pub(super) fn send_echo(&mut self, port: PortId, heard: Vec<u8>, site: Site) {
        if heard.is_empty() {
            return;
        }
        let token = self.ports[port].next_write();
        self.command(port, PortCommand::Write { token, bytes: heard.clone() });
        self.tell_on(port, Some(site), EventKind::Sent { bytes: heard });
    }
}
