//! `send_file` and `receive_file`: the machines of [`crate::transfer`] say what is to be sent and awaited, here it is done.
//!
//! A transfer has the line for itself. No watcher looks at its bytes, nothing is taken for an echo, and the blocks are told
//! as amounts. It waits in [`State::Transferring`]; while a block leaves it is a part of what is being sent.

use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::Code;
use crate::engine::fuel::EASY;
use crate::engine::limits::FILE;
use crate::engine::look::inbox::Inbox;
use crate::engine::look::offset::Offset;
use crate::engine::tell::Piece;
use crate::engine::{Action, Engine, State};
use crate::event::{Direction, EventKind, Failure, FileTransfer, TransferStage};
use crate::port::{PortCommand, PortId};
use crate::program::{FileReceive, FileSend, name_key};
use crate::secret::can_be_masked;
use crate::source::Site;
use crate::time::{Moment, show_duration};
use crate::transfer::{CANCEL, Machine, Plain, Protocol, Receiver, Sender, Step, Trouble};
use crate::value::Value;
use crate::value::bounds::WEIGHT_LIMIT;
use crate::value::escape::visible_cut;
use crate::value::taint::{Marked, Stain, Stained};

use super::talk::Outgoing;

/// How far apart the reports of a transfer are.
const TOLD_EVERY: usize = 64 << 10;

/// What a value weighs besides its octets.
const OF_VALUE: usize = 8;

/// A file on its way.
#[derive(Debug)]
pub(in crate::engine) struct Transfer {
    /// The statement.
    pub site: Site,
    /// Where it goes or comes.
    pub port: PortId,
    machine: Machine,
    /// What messages call it.
    title: String,
    /// How; none if the bytes go as they are.
    protocol: Option<Protocol>,
    /// What it is put into; none of a file that is sent.
    into: Option<Arc<FileReceive>>,
    /// What in it is made of secrets.
    stains: Vec<Stain>,
    /// When it began.
    pub begun: Moment,
    /// When it has failed, and whether that is the end of a step's timeout.
    limit: Option<(Moment, bool)>,
    /// How long the statement may take.
    within: Option<Duration>,
    /// Which wait of the machine it is, and when that ends.
    wait: Option<(u64, Moment)>,
    /// What came before this place was taken.
    from: Offset,
    /// What was sent last.
    last: Vec<u8>,
    /// How much was told of.
    told: usize,
}

impl Transfer {
    /// Returns the moment at which something happens by itself.
    pub(in crate::engine) fn until(&self) -> Option<Moment> {
        let limit = self.limit.map(|(at, _)| at);
        self.wait.map(|(_, at)| at).into_iter().chain(limit).min()
    }

    /// Whether the other side answers: what comes is not for watchers.
    pub(in crate::engine) fn is_answered(&self) -> bool {
        self.machine.is_answered()
    }

    /// Explains that somebody ended the run: where, what is said, and what of the statement.
    pub(in crate::engine) fn interruption(&self) -> (Site, String, String) {
        (self.site, format!("interrupted: {}", self.how_far()), "was transferring this".to_string())
    }

    /// Returns what is awaited, for who watches the run.
    pub(in crate::engine) fn awaited(&self) -> String {
        format!("the other side; {}", self.how_far())
    }

    /// Returns how many bytes of the file were moved, and how many there are, if that is known.
    pub(in crate::engine) fn moved(&self) -> (usize, Option<usize>) {
        let amount = self.machine.amount();
        (amount.bytes, amount.of)
    }

    /// Returns what is reported about it.
    fn event(&self, stage: TransferStage, now: Moment) -> FileTransfer {
        let amount = self.machine.amount();
        let called = if let Machine::Receiver(receiver) = &self.machine { receiver.name() } else { None };
        FileTransfer {
            stage,
            direction: if self.into.is_some() { Direction::Receives } else { Direction::Sends },
            name: self.title.clone(),
            protocol: self.protocol.map(|protocol| protocol.name().to_string()),
            bytes: amount.bytes as u64,
            of: amount.of.map(|of| of as u64),
            blocks: amount.blocks,
            again: amount.again,
            took: now - self.begun,
            called: called.map(|name| visible_cut(name.as_bytes(), 60)),
        }
    }

    /// Returns how far it is, as the end of a sentence.
    pub(in crate::engine) fn how_far(&self) -> String {
        let done = if self.into.is_some() { "came" } else { "were sent" };
        let amount = self.machine.amount();
        match amount.of {
            Some(of) => format!("{} of {of} bytes of {} {done}", amount.bytes, self.title),
            None => format!("{} bytes of {} {done}", amount.bytes, self.title),
        }
    }
}

impl Engine {
    /// Begins to send a file on the current port.
    pub(super) fn send_file(&mut self, file: &Arc<FileSend>, site: Site) -> Result<(), Box<Failure>> {
        let within = file.within.as_ref().map(|within| self.eval_duration(within)).transpose()?;
        let content = self.eval(&file.content)?;
        let name = match &file.name {
            Some(name) => {
                let name = self.eval(name)?;
                self.learn_made(&name);
                self.name_of_file(name.value.octets().as_ref(), site)?
            }
            None => self.known_name(file),
        };
        self.learn_made(&content);
        let octets = content.octets();
        let length = octets.plain().len();
        if length > FILE {
            let message = format!("a file of {length} bytes is more than the {} MiB that can be sent", FILE >> 20);
            return Err(self.failure_at(Code::RunValue, site, message, "too long to send"));
        }
        self.fuel.burn(length, EASY);
        let stains = octets.stains().to_vec();
        let data = content.value.into_octets();
        let machine = match file.protocol {
            Some(protocol) => Machine::Sender(Box::new(Sender::new(protocol, &name, data))),
            None => {
                let by_lines = self.ports[self.flow.port].settings.line_pace > Duration::ZERO;
                Machine::Plain(Box::new(Plain::new(data, by_lines)))
            }
        };
        self.transfer(machine, site, within, (file.title.clone(), file.protocol), None, stains)
    }

    /// Begins to receive a file on the current port.
    pub(super) fn receive_file(&mut self, file: &Arc<FileReceive>, site: Site) -> Result<(), Box<Failure>> {
        let within = file.within.as_ref().map(|within| self.eval_duration(within)).transpose()?;
        let machine = Machine::Receiver(Box::new(Receiver::new(file.protocol, WEIGHT_LIMIT - OF_VALUE)));
        let name = file.target.name.clone();
        self.transfer(machine, site, within, (name, Some(file.protocol)), Some(file.clone()), Vec::new())
    }

    fn transfer(
        &mut self,
        machine: Machine,
        site: Site,
        within: Option<Duration>,
        (title, protocol): (String, Option<Protocol>),
        into: Option<Arc<FileReceive>>,
        stains: Vec<Stain>,
    ) -> Result<(), Box<Failure>> {
        let port = self.flow.port;
        let begun = self.now;
        let (from, last) = (self.ports[port].sight.read_from, Vec::new());
        let mut transfer = Transfer {
            site,
            port,
            machine,
            title,
            protocol,
            into,
            stains,
            begun,
            limit: None,
            within,
            wait: None,
            from,
            last,
            told: 0,
        };
        self.tell_stage(&transfer, TransferStage::Began);
        self.port_is_open(site)?;
        if transfer.is_answered() && self.ports[port].settings.encoding.is_some() {
            let message = "the blocks of a file are no text, and the line has an encoding";
            let help = "write `serial { encoding none }` before it";
            return Err(self.failure_at(Code::RunValue, site, message, "would be read as text").with_cause(help));
        }
        self.ports[port].await_no_return();
        transfer.limit = match within {
            Some(within) => Some(self.bounded(within)),
            None => self.flow.step_deadline().map(|at| (at, true)),
        };
        transfer.from = self.ports[port].sight.read_from;
        self.go_on_transferring(Box::new(transfer));
        Ok(())
    }

    /// Returns the name of a file that is sent and has no other: the one that it has on disk, or that of the variable.
    fn known_name(&self, file: &FileSend) -> String {
        let given = self.inputs.variables.get(&name_key(&file.title)).filter(|_| file.is_variable);
        match given {
            Some(name) => String::from_utf8_lossy(&name.octets()).into_owned(),
            None if file.is_variable => file.title.clone(),
            None => "file".to_string(),
        }
    }

    /// Checks the name that the other side is told.
    fn name_of_file(&self, name: &[u8], site: Site) -> Result<String, Box<Failure>> {
        let problem =
            |why: &str| self.failure_at(Code::RunValue, site, format!("the name of a file {why}"), "sent as this");
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(problem(&format!("has 1 to {LONGEST_NAME} bytes, this has {}", name.len())));
        }
        if name.iter().any(u8::is_ascii_control) {
            return Err(problem("has no control characters"));
        }
        String::from_utf8(name.to_vec()).map_err(|_| problem("is UTF-8"))
    }

    /// Tells how far a transfer is.
    fn tell_stage(&mut self, transfer: &Transfer, stage: TransferStage) {
        let kind = EventKind::Transfer(Box::new(transfer.event(stage, self.now)));
        self.tell_on(transfer.port, Some(transfer.site), kind);
    }

    /// Returns the transfer that goes on just now, if there is one.
    pub(in crate::engine) fn present_transfer(&self) -> Option<&Transfer> {
        if let State::Transferring(transfer) = &self.state {
            Some(transfer)
        } else if let State::Writing { send, .. } = &self.state {
            send.transfer()
        } else {
            None
        }
    }

    /// Goes on until something must be waited for.
    pub(in crate::engine) fn go_on_transferring(&mut self, mut transfer: Box<Transfer>) {
        if transfer.limit.is_some_and(|(at, _)| at < self.now) {
            return self.transfer_takes_too_long(transfer);
        }
        loop {
            let is_before = transfer.machine.is_before();
            match transfer.machine.step() {
                Step::Send(bytes) => {
                    self.pass_over_blocks(&transfer, is_before);
                    self.learn_blocks_sent(&transfer);
                    self.tell_how_far(&mut transfer);
                    transfer.last.clone_from(&bytes);
                    transfer.wait = None;
                    return self.start_writing(Outgoing::of_transfer(transfer, bytes));
                }
                Step::Done => return self.transferred(*transfer),
                Step::Failed(trouble) => return self.transfer_failed(&transfer, trouble),
                Step::Await { lasting, since } => {
                    let inbox = &self.ports[transfer.port].sight.inbox;
                    let end = inbox.end();
                    if transfer.from < end {
                        let n = transfer.machine.take(inbox.slice(transfer.from..end));
                        transfer.from = transfer.from + n;
                        self.fuel.burn(n, EASY);
                        continue;
                    }
                    if transfer.wait.is_none_or(|(known, _)| known != since) {
                        transfer.wait = Some((since, self.now + lasting));
                    }
                    if !is_before || inbox_holds_much(&transfer, &self.ports[transfer.port].sight.inbox) {
                        self.pass_over_blocks(&transfer, is_before);
                    }
                    self.state = State::Transferring(transfer);
                    return;
                }
            }
        }
    }

    /// Goes on when a block has left.
    pub(super) fn block_left(&mut self, transfer: Box<Transfer>) {
        self.go_on_transferring(transfer);
        // What came on other ports meanwhile was not looked at.
        if self.ports.ids().count() > 1 && matches!(self.state, State::Transferring(_)) {
            self.look();
        }
    }

    /// Lets a deadline of a transfer pass.
    pub(in crate::engine) fn transfer_expired(&mut self, mut transfer: Box<Transfer>) {
        if transfer.limit.is_some_and(|(at, _)| at <= self.now) {
            return self.transfer_takes_too_long(transfer);
        }
        if transfer.wait.is_some_and(|(_, at)| at <= self.now) {
            transfer.wait = None;
            transfer.machine.time_out();
        }
        self.go_on_transferring(transfer);
    }

    /// Takes what came for the machine out of the lines. What came before the first block may be a text, and is told.
    fn pass_over_blocks(&mut self, transfer: &Transfer, is_before: bool) {
        if !transfer.is_answered() {
            return;
        }
        if is_before {
            self.sight_to(transfer.port, transfer.from, Piece::Line);
        } else {
            self.tell_untold();
            self.ports[transfer.port].sight.inbox.pass_told(transfer.from);
        }
        let sight = &mut self.ports[transfer.port].sight;
        sight.take_for_transfer(transfer.from);
    }

    /// Learns the pieces of secrets that blocks cut: nothing else would find them in what is sent.
    fn learn_blocks_sent(&mut self, transfer: &Transfer) {
        let sending = transfer.machine.sending();
        let Machine::Sender(sender) = &transfer.machine else { return };
        let mut pieces = Vec::new();
        for stain in &transfer.stains {
            let range = stain.range.start.max(sending.start)..stain.range.end.min(sending.end);
            if range.start < range.end && range != stain.range {
                pieces.push((stain.name.clone(), sender.data()[range].to_vec()));
            }
        }
        for (name, piece) in pieces {
            if can_be_masked(&piece) {
                self.redact_from_now(&name, &piece);
            }
        }
    }

    fn tell_how_far(&mut self, transfer: &mut Transfer) {
        let amount = transfer.machine.amount();
        if amount.bytes < transfer.told + TOLD_EVERY {
            return;
        }
        transfer.told = amount.bytes / TOLD_EVERY * TOLD_EVERY;
        self.tell_stage(transfer, TransferStage::Moved);
    }

    /// Goes on behind a transfer that has come to its end.
    fn transferred(&mut self, transfer: Transfer) {
        self.pass_over_blocks(&transfer, false);
        self.end_transfer(&transfer);
        if transfer.is_answered() {
            self.tally.n_checks += 1;
        }
        self.tell_stage(&transfer, TransferStage::Passed);
        let Transfer { machine, into, site, .. } = transfer;
        if let (Machine::Receiver(receiver), Some(into)) = (machine, into)
            && let Err(failure) = self.take_file(*receiver, &into, site)
        {
            self.fail(failure);
        }
    }

    /// Puts a file that came into its variable, and has it made durable if it is to be kept.
    fn take_file(&mut self, receiver: Receiver, into: &FileReceive, site: Site) -> Result<(), Box<Failure>> {
        let target = &into.target;
        if target.is_secret {
            // In a recording, blocks part it.
            for piece in receiver.pieces().filter(|piece| can_be_masked(piece)) {
                self.redact_from_now(&target.name, piece);
            }
            self.has_room_for_secrets(site)?;
        }
        let data = receiver.into_data();
        self.fuel.burn(data.len(), EASY);
        let known = if self.journal.known().is_empty() {
            Vec::new()
        } else {
            self.journal.secrets().find_in_part(&data, 0..data.len())
        };
        let stains: Vec<Stain> = known.iter().cloned().map(|(range, name)| Stain { range, name }).collect();
        let taint = if stains.is_empty() { None } else { Some(Stained::new(data.clone(), stains).taint()) };
        let mut value = Marked::from(Value::Bytes(data));
        if let Some(taint) = taint {
            value.taint = taint;
        }
        let content = into.is_kept.then(|| value.value.octets());
        self.assign(target, value, site)?;
        if let Some(content) = content {
            let (name, is_secret) = (target.name.clone(), target.is_secret || !known.is_empty());
            self.state = State::Saving { names: vec![name.clone()], site, option: "--file NAME=PATH" };
            self.journal.act(Action::KeepFile { name, content, is_secret });
        }
        Ok(())
    }

    /// What comes from here on has nothing to do with the transfer.
    fn end_transfer(&mut self, transfer: &Transfer) {
        if transfer.is_answered() {
            self.ports[transfer.port].sight.end_transfer(transfer.from, &transfer.last);
        }
    }

    fn transfer_failed(&mut self, transfer: &Transfer, trouble: Trouble) {
        self.pass_over_blocks(transfer, transfer.machine.is_before());
        self.tell_stage(transfer, TransferStage::Failed);
        let label = format!("{}{}", transfer.how_far(), how(transfer.protocol));
        let mut failure = self.failure_at(Code::RunTransfer, transfer.site, trouble.message, label);
        failure.cause = trouble.cause.map(str::to_string);
        if transfer.machine.is_before() {
            self.add_exchange(&mut failure);
        }
        self.end_transfer(transfer);
        self.sight_all();
        self.fail(failure);
    }

    fn transfer_takes_too_long(&mut self, transfer: Box<Transfer>) {
        if transfer.is_answered() {
            self.cancel(transfer.port);
        }
        let is_step = transfer.limit.is_some_and(|(_, is_step)| is_step);
        if is_step {
            self.pass_over_blocks(&transfer, transfer.machine.is_before());
            self.end_transfer(&transfer);
            self.tell_stage(&transfer, TransferStage::Failed);
            let mut failure = self.step_timeout(transfer.site, &transfer.how_far());
            failure.cause = None;
            return self.fail(failure);
        }
        let within = transfer.within.map(show_duration).unwrap_or_default();
        let message = format!("{} within {within}", transfer.how_far());
        self.transfer_failed(&transfer, Trouble { message, cause: None });
    }

    /// Fails a transfer whose port went away.
    pub(in crate::engine) fn transfer_cut_off(&mut self, transfer: &Transfer) {
        let message = format!("the port went away: {}", transfer.how_far());
        self.transfer_failed(transfer, Trouble { message, cause: None });
    }

    /// Tells everybody that the present transfer is over before its end, if there is one: the other side too.
    pub(in crate::engine) fn cancel_present_transfer(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Ready);
        let transfer = if let State::Transferring(transfer) = &state {
            Some(&**transfer)
        } else if let State::Writing { send, .. } = &state {
            send.transfer()
        } else {
            None
        };
        if let Some(transfer) = transfer {
            self.tell_stage(transfer, TransferStage::Failed);
        }
        let is_cancelled = |transfer: &&Transfer| transfer.is_answered() || matches!(state, State::Transferring(_));
        let port = transfer.filter(is_cancelled).map(|transfer| transfer.port);
        self.state = state;
        if let Some(port) = port {
            self.cancel(port);
        }
    }

    /// Tells the other side of a port that a transfer is over before its end.
    fn cancel(&mut self, port: PortId) {
        if !self.ports[port].is_closed() && self.ports[port].away().is_none() {
            let token = self.ports[port].next_write();
            self.command(port, PortCommand::Write { token, bytes: CANCEL.to_vec() });
        }
    }
}

/// Whether so much of a text came before the first block that it is time to tell of it.
fn inbox_holds_much(transfer: &Transfer, inbox: &Inbox) -> bool {
    transfer.from - inbox.told() > TOLD_EVERY
}

/// The longest name of a file that the other side is told.
const LONGEST_NAME: usize = 255;

/// Returns how a file goes, as the end of a sentence.
fn how(protocol: Option<Protocol>) -> String {
    protocol.map(|protocol| format!(" by {}", protocol.name())).unwrap_or_default()
}
