//! Sending: guard, pace, echo, and what a write leaves behind.

use std::borrow::Cow;
use std::time::Duration;

use crate::diagnostic::Code;
use crate::engine::look::echo::Expected;
use crate::engine::tell::NEAR;
use crate::engine::{Engine, State};
use crate::event::Failure;
use crate::port::{PortCommand, PortId, WriteToken};
use crate::program::{Expr, ExprKind, Op, Role, SendMode, WatcherKind};
use crate::settings::Echo;
use crate::source::Site;
use crate::time::{Moment, show_duration};
use crate::value::Value;
use crate::value::bounds::check_length;
use crate::value::encoding::Encoding;

use super::transfer::Transfer;

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
    /// When it has failed, if nothing of it leaves before; `None` for a device, which writes whether somebody reads or not.
    limit: Option<Moment>,
    /// Whether the step's timeout comes first.
    is_bounded: bool,
    /// The transfer that goes on when all of it has left.
    transfer: Option<Box<Transfer>>,
}

/// A longer text is handed over in pieces of so many bytes: each that leaves shows that the line takes them.
const PIECE: usize = 4096;

impl Outgoing {
    /// Returns bytes that a transfer sends; nothing of them may come back.
    pub(super) fn of_transfer(transfer: Box<Transfer>, bytes: Vec<u8>) -> Outgoing {
        Outgoing {
            site: transfer.site,
            port: transfer.port,
            bytes,
            handed_over: 0,
            echo: Expected::Nothing,
            next_at: None,
            limit: None,
            is_bounded: false,
            transfer: Some(transfer),
        }
    }

    /// Returns the transfer that the bytes are a part of.
    pub(in crate::engine) fn transfer(&self) -> Option<&Transfer> {
        self.transfer.as_deref()
    }

    /// Returns the transfer that the bytes are a part of, if the other side answers.
    pub(in crate::engine) fn answered_transfer(&self) -> Option<&Transfer> {
        self.transfer.as_deref().filter(|transfer| transfer.is_answered())
    }

    /// Returns when the next piece is due.
    pub(in crate::engine) fn next_piece_at(&self) -> Option<Moment> {
        self.next_at
    }

    /// Whether some of it was not handed over yet.
    fn has_more(&self) -> bool {
        self.handed_over < self.bytes.len()
    }

    /// Returns when the send has failed.
    pub(in crate::engine) fn limit(&self) -> Option<Moment> {
        self.limit
    }
}

/// What a send waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Stalled {
    /// Silence.
    Guard,
    /// The line to take what was handed over.
    Write,
}

/// Says how much of a send has left that hands over pieces of so many bytes.
fn how_far(send: &Outgoing, piece: usize) -> String {
    let n_left = send.handed_over.saturating_sub(1) / piece * piece;
    match (n_left, send.bytes.len()) {
        (0, 1) => "the byte has not left".to_string(),
        (0, n) => format!("none of {n} bytes has left"),
        (n_left, n) => format!("{n_left} of {n} bytes have left"),
    }
}

/// Returns text as it stands on a line with this encoding; what the encoding does not have stays as it is.
fn encoded(text: &[u8], encoding: Option<Encoding>) -> Cow<'_, [u8]> {
    encoding.and_then(|encoding| encoding.encode_octets(text).ok()).map_or(Cow::Borrowed(text), Cow::Owned)
}

impl Engine {
    /// Begins to send on the current port.
    pub(super) fn send(&mut self, mode: SendMode, text: &Expr, site: Site) -> Result<(), Box<Failure>> {
        self.port_is_open(site)?;
        self.ports[self.flow.port].await_no_return();
        let encoding = self.ports[self.flow.port].settings.encoding;
        let octets = match encoding {
            Some(encoding) => self.eval_to_encode(text, encoding, site)?,
            None => self.eval_to_send(text)?,
        };
        check_length(octets.len()).map_err(|why| self.failure_at(Code::RunValue, site, why, "too long to send"))?;
        let port = self.flow.port;
        let settings = &self.ports[port].settings;
        let echo = match (self.program.role, settings.echo, mode) {
            (Role::Device, _, _) | (_, Echo::Off, _) | (_, Echo::Auto, SendMode::Raw) => Expected::Nothing,
            (Role::Flow, Echo::On, SendMode::Raw) => Expected::Bytes,
            (Role::Flow, Echo::Auto | Echo::On, SendMode::Line | SendMode::Reply) => {
                Expected::Line(encoding.map_or(octets.len(), |encoding| encoding.decode_octets(&octets).len()))
            }
        };
        let bytes = match mode {
            SendMode::Raw => octets,
            SendMode::Line => {
                let mut line = octets;
                line.extend_from_slice(&encoded(&settings.eol, encoding));
                line
            }
            SendMode::Reply => {
                [&encoded(&settings.header, encoding), octets.as_slice(), &encoded(&settings.eol, encoding)].concat()
            }
        };
        let mut send = Outgoing {
            site,
            port,
            bytes,
            handed_over: 0,
            echo,
            next_at: None,
            limit: None,
            is_bounded: false,
            transfer: None,
        };
        let settings = &self.ports[port].settings;
        if settings.guard > Duration::ZERO || settings.line_pace > Duration::ZERO {
            let waits = settings.guard + settings.line_pace;
            self.set_limit(&mut send, waits);
        }
        self.start_writing(send);
        Ok(())
    }

    /// Returns how long nothing of a send may leave: as long as the wait that follows it may take, or as the file's `timeout`.
    fn patience(&mut self) -> Duration {
        let following = match self.program.ops.get(self.flow.at) {
            Some(Op::Expect(expect)) => expect.within.as_ref(),
            Some(Op::ReadCount(read)) => read.within.as_ref(),
            Some(Op::ReadUntil(read)) => read.within.as_ref(),
            Some(Op::ReadQuiet(read)) => read.within.as_ref(),
            Some(_) | None => None,
        };
        let constant = |expr: &Expr| {
            let ExprKind::Const(Value::Duration(lasting)) = &expr.kind else { return None };
            Some(*lasting)
        };
        following.and_then(constant).or_else(|| self.default_timeout().ok()).unwrap_or(Duration::MAX)
    }

    /// Says when a send has failed of which something is to leave after so long.
    fn set_limit(&mut self, send: &mut Outgoing, takes: Duration) {
        if self.program.role == Role::Flow {
            let lasting = self.patience().saturating_add(takes);
            let (at, is_bounded) = self.bounded(lasting);
            (send.limit, send.is_bounded) = (Some(at), is_bounded);
        }
    }

    /// Hands the first piece over, or all of it.
    pub(in crate::engine) fn start_writing(&mut self, mut send: Outgoing) {
        if let Some(until) = self.ports[send.port].away().map(|away| away.until) {
            (send.limit, send.is_bounded) = (self.flow.step_deadline(), true);
            self.state = State::Guarding { until, send };
            return;
        }
        let port = &mut self.ports[send.port];
        let free_from = if send.handed_over == 0 { port.line_free_at(self.now) } else { self.now };
        if free_from > self.now {
            self.state = State::Guarding { until: free_from, send };
            return;
        }
        let left = send.bytes.get(send.handed_over..).unwrap_or_default();
        let longest = match self.program.role {
            _ if port.settings.pace > Duration::ZERO => 1,
            Role::Flow => PIECE,
            Role::Device => usize::MAX,
        };
        let bytes = left[..left.len().min(longest)].to_vec();
        send.handed_over += bytes.len();
        send.next_at = None;
        let token = port.next_write();
        let takes = port.settings.line.character_time().saturating_mul(bytes.len() as u32);
        let to = send.port;
        self.set_limit(&mut send, takes);
        self.state = State::Writing { number: token.number(), send };
        self.command(to, PortCommand::Write { token, bytes });
    }

    /// Hands the next piece of a paced send over.
    pub(in crate::engine) fn next_piece(&mut self, number: u64, send: Outgoing) {
        match send.next_at {
            Some(at) if at <= self.now => self.start_writing(send),
            _ if send.limit().is_some_and(|limit| limit <= self.now) => self.send_expired(&send, Stalled::Write),
            Some(_) | None => self.state = State::Writing { number, send },
        }
    }

    /// Fails a send of which nothing has left for too long; what the system has not taken is thrown away.
    pub(in crate::engine) fn send_expired(&mut self, send: &Outgoing, stalled: Stalled) {
        self.discard_output(send.port);
        let failure = if send.is_bounded {
            let cause = self.ports[send.port].away().map(|away| self.is_away(away));
            let mut failure = self.step_timeout(send.site, "still sending here");
            failure.cause = cause;
            failure
        } else {
            let patience = show_duration(self.patience());
            let settings = &self.ports[send.port].settings;
            let guard = show_duration(settings.guard);
            let piece = if settings.pace > Duration::ZERO { 1 } else { PIECE };
            let (message, label, cause) = match stalled {
                Stalled::Guard => (
                    format!("the line was not quiet for {guard} within {patience}, so nothing was sent"),
                    "waited for silence here",
                    "`guard` waits for silence before each line, and the device goes on talking: take `guard` out, or \
                         give the file a longer `timeout`",
                ),
                Stalled::Write => (
                    format!("nothing more could be sent for {patience}: {}", how_far(send, piece)),
                    "the line accepts no more",
                    "flow control holds the line (the device sent XOFF, or CTS is off), or nobody reads at the other end",
                ),
            };
            let mut failure = self.failure_at(Code::RunTimeout, send.site, message, label).with_cause(cause);
            self.add_exchange(&mut failure);
            failure
        };
        self.fail(failure);
    }

    /// Throws away what was to be sent and has not left.
    pub(in crate::engine) fn discard_output(&mut self, port: PortId) {
        if !self.ports[port].is_closed() {
            self.command(port, PortCommand::DiscardOutput);
        }
    }

    /// Takes note that a write has left.
    pub(in crate::engine) fn sent(&mut self, token: &WriteToken) {
        self.ports[token.port()].write_left(token.number());
        self.go_on_sending();
    }

    /// Goes on with a send if what was handed over of it has left: it may have done so while a handler ran.
    pub(in crate::engine) fn go_on_sending(&mut self) {
        let has_left =
            matches!(&self.state, State::Writing { number, send } if self.ports[send.port].has_left(*number));
        if !has_left {
            return;
        }
        let State::Writing { number, mut send } = std::mem::replace(&mut self.state, State::Ready) else { return };
        if send.has_more() {
            let line = &mut self.ports[send.port];
            line.sight.leaving();
            let pace = line.settings.pace;
            if pace == Duration::ZERO {
                return self.start_writing(send);
            }
            send.next_at = Some(self.now + pace);
            self.set_limit(&mut send, pace);
            self.state = State::Writing { number, send };
            return;
        }
        self.all_sent(send);
    }

    /// Whether the watchers of a port look while it writes. The echo of what is being sent is nothing for them, and what an `on`
    /// sends may not stand in the middle of it.
    pub(in crate::engine) fn looks_meanwhile(&self, send: &Outgoing) -> bool {
        let has_handlers = || {
            let mut watching = self.flow.watching(send.port);
            watching.any(|active| matches!(self.program.watchers[active.watcher].kind, WatcherKind::On { .. }))
        };
        self.program.role == Role::Flow
            && send.answered_transfer().is_none()
            && matches!(send.echo, Expected::Nothing)
            && (!send.has_more() || !has_handlers())
    }

    /// From here on, what comes answers what was sent.
    fn all_sent(&mut self, mut send: Outgoing) {
        let transfer = send.transfer.take();
        if let Some(transfer) = transfer.as_ref().filter(|transfer| transfer.is_answered()) {
            self.ports[transfer.port].line_left(self.now, send.bytes.len());
        } else {
            self.take_as_sent(send, transfer.is_none());
        }
        if let Some(transfer) = transfer {
            self.block_left(transfer);
        }
    }

    /// Takes note of bytes that have left, and tells of them if they are not a part of a file.
    fn take_as_sent(&mut self, mut send: Outgoing, is_told: bool) {
        let port = &mut self.ports[send.port];
        let n_on_line = send.bytes.len();
        // From here on it is compared with what comes, and shown.
        if let Some(encoding) = port.settings.encoding {
            send.bytes = encoding.decode_octets(&send.bytes);
        }
        if is_told {
            port.sight.leaves(&send.bytes, send.echo);
        }
        self.sight_all();
        let port = &mut self.ports[send.port];
        port.line_left(self.now, n_on_line);
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
        if is_told {
            self.tell_sent(send.port, send.site, send.bytes);
        }
    }

    /// Whether what comes on a port goes back: a device echoes.
    pub(crate) fn sends_echo(&self, port: PortId) -> bool {
        self.program.role == Role::Device && self.ports[port].settings.echo == Echo::On
    }

    /// Sends back what a device has heard, if it is anything.
    pub(super) fn send_echo(&mut self, port: PortId, heard: Vec<u8>, site: Site) {
        if heard.is_empty() {
            return;
        }
        let token = self.ports[port].next_write();
        let bytes = encoded(&heard, self.ports[port].settings.encoding).into_owned();
        self.command(port, PortCommand::Write { token, bytes });
        self.tell_sent(port, site, heard);
    }
}
