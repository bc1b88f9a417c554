//! `PortOn`: the world of one port on a descriptor; a `Medium` is everything in which such ports differ.

use std::collections::VecDeque;
use std::time::Duration;

use super::clock::Clock;
use super::interrupt::Interrupt;
use super::line::Line;
use super::not_open::NotOpen;
use super::patience::{Next, Patience};
use super::watched::{Awaited, Ready, Watched};
use super::wire::{Wire, discard_input};
use super::words::NO_LINES;
use crate::event::CloseReason;
use crate::port::{Capabilities, Happening, PortCommand, PortId};
use crate::settings::{InputLines, LineSettings};
use crate::time::Moment;
use crate::world::World;

/// What a port is made of.
pub(super) trait Medium {
    /// The port while it is open.
    type Port: Wire;

    /// What can be asked of it.
    const CAPABILITIES: Capabilities;

    /// Opens the port, so that reading and writing do not block.
    ///
    /// All ports of a run, or of many runs, wait while a port is opened: what takes longer than a few system calls is
    /// begun here, and waits go on with it: [`Wire::go_on`].
    ///
    /// # Errors
    ///
    /// Why it cannot be opened.
    fn open(&mut self, settings: LineSettings) -> Result<Self::Port, NotOpen>;

    /// Opens the port again after it went away: what is known of it from before counts, not what it was called.
    ///
    /// # Errors
    ///
    /// Why it cannot be opened.
    fn open_again(&mut self, settings: LineSettings) -> Result<Self::Port, NotOpen> {
        self.open(settings)
    }

    /// Carries out a command other than opening, writing and closing, or begins it: then it is called again, as the
    /// [`Progress`] says, until it is done. Only what is among the capabilities is asked for. What is done here is right for a
    /// port that carries bytes and nothing else: it can throw its input away.
    ///
    /// # Errors
    ///
    /// Why it cannot be done; the port is then closed.
    fn carry_out(port: &mut Self::Port, command: &PortCommand, _now: Moment) -> Result<Progress, CloseReason> {
        if *command == PortCommand::DiscardInput {
            discard_input(port);
        }
        Ok(Progress::Done)
    }

    /// Returns how CTS, DSR, DCD and RI are.
    ///
    /// # Errors
    ///
    /// Why that cannot be known.
    fn input_lines(_port: &mut Self::Port) -> Result<InputLines, String> {
        Err(NO_LINES.to_string())
    }

    /// Returns why a flow cannot go on that asks for what is not among the capabilities; `None` lets the command have no
    /// effect.
    fn refusal(_command: &PortCommand) -> Option<CloseReason> {
        None
    }
}

/// How far a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is done.
    Done,
    /// It is to be gone on with when the system has taken everything that was written before.
    AfterWrites,
    /// It is to be gone on with at this moment.
    At(Moment),
}

/// The world of a port that is made of `M`.
#[derive(Debug)]
pub(super) struct PortOn<M: Medium> {
    medium: M,
    line: Line<M::Port>,
    /// What takes time and must not be overtaken, and how far it is.
    under_way: Option<(PortCommand, Progress)>,
    /// What was asked for meanwhile, to be done in order afterwards.
    later: VecDeque<PortCommand>,
    /// The port is to be opened as soon as it is there.
    seeking: Option<Seeking>,
}

/// That a port is to be opened as soon as it is there.
#[derive(Debug)]
struct Seeking {
    settings: LineSettings,
    patience: Patience,
    /// When it is tried next, unless it is being opened.
    at: Moment,
}

impl<M: Medium> PortOn<M> {
    /// Makes the world of a port; nothing is opened yet.
    pub(super) fn new(medium: M, clock: Clock, interrupt: Interrupt) -> PortOn<M> {
        PortOn { medium, line: Line::new(clock, interrupt), under_way: None, later: VecDeque::new(), seeking: None }
    }

    /// Goes on with what is under way, and then with what was asked for meanwhile; returns when to come back, if time
    /// alone ends it.
    fn advance(&mut self) -> Option<Moment> {
        loop {
            if self.line.port().is_none() {
                self.forget_commands();
                self.seek();
            }
            if let Some(until) = self.line.opening() {
                let now = self.line.now();
                return Some(if self.gives_up_opening() {
                    now
                } else {
                    self.last_attempt().map_or(until, |at| at.min(until))
                });
            }
            if self.line.port().is_none() {
                return self.seeking.as_ref().map(|seeking| seeking.at);
            }
            self.seeking = None;
            match self.under_way.take() {
                None => {
                    let command = self.later.pop_front()?;
                    self.carry_out(command);
                }
                Some((command, Progress::AfterWrites)) if self.line.has_unsent() => {
                    self.under_way = Some((command, Progress::AfterWrites));
                    return None;
                }
                Some((command, Progress::At(at))) if self.line.now() < at => {
                    self.under_way = Some((command, Progress::At(at)));
                    return Some(at);
                }
                Some((command, Progress::Done | Progress::AfterWrites | Progress::At(_))) => self.carry_out(command),
            }
        }
    }

    /// Tries to open the port that is sought as often as it is time, until it is being opened or given up.
    fn seek(&mut self) {
        loop {
            if let Some(failure) = self.line.take_not_open() {
                self.missed(failure);
            }
            let now = self.line.now();
            let Some(seeking) = self.seeking.as_ref().filter(|seeking| seeking.at <= now) else { return };
            let settings = seeking.settings.clone();
            if seeking.patience.is_to_reopen() {
                match self.medium.open_again(settings) {
                    Ok(port) => self.line.open_again(port),
                    Err(failure) => self.missed(failure),
                }
            } else {
                match self.medium.open(settings) {
                    Ok(port) => self.line.open(port),
                    Err(failure) => self.missed(failure),
                }
            }
            if !self.line.is_not_open() {
                return;
            }
        }
    }

    /// Takes note that the port that is sought cannot be opened.
    fn missed(&mut self, failure: NotOpen) {
        let now = self.line.now();
        let Some(seeking) = &mut self.seeking else { return };
        match seeking.patience.failed(failure, now) {
            Next::Again { at, note } => {
                seeking.at = at;
                if let Some(note) = note {
                    self.line.tell(Happening::Noted(PortId::FIRST, note));
                }
            }
            Next::GiveUp(reason) => self.give_up(reason),
        }
    }

    /// Returns when the attempt is given up that goes on.
    fn last_attempt(&self) -> Option<Moment> {
        self.seeking.as_ref()?.patience.until()
    }

    /// Gives up a port that is being opened for too long; returns whether it did.
    fn gives_up_opening(&mut self) -> bool {
        let now = self.line.now();
        let over = self.seeking.as_mut().and_then(|seeking| seeking.patience.is_over(now));
        let is_over = over.is_some();
        if let Some(reason) = over {
            self.line.abandon();
            self.give_up(reason);
        }
        is_over
    }

    fn give_up(&mut self, reason: CloseReason) {
        self.seeking = None;
        self.line.tell(Happening::Closed(PortId::FIRST, reason));
    }

    /// Returns the port, if it is open.
    #[cfg(test)]
    pub(super) fn port(&self) -> Option<&M::Port> {
        self.line.port()
    }

    /// Returns what the port is made of.
    pub(super) fn medium(&self) -> &M {
        &self.medium
    }

    /// Returns what the port is made of, to change it while the port is closed.
    pub(super) fn medium_mut(&mut self) -> &mut M {
        &mut self.medium
    }

    fn open(&mut self, settings: LineSettings) {
        self.close();
        let now = self.line.now();
        self.seeking = Some(Seeking { patience: Patience::to_open(now, settings.wait), settings, at: now });
        self.advance();
    }

    fn close(&mut self) {
        self.seeking = None;
        self.forget_commands();
        self.line.close();
    }

    /// Throws away what was not written: at once, for what waits until it is written would wait for ever.
    fn discard_output(&mut self) {
        self.later.retain(|command| !matches!(command, PortCommand::Write { .. }));
        self.line.discard_output();
        let now = self.line.now();
        let Some(port) = self.line.port_mut() else { return };
        if let Err(reason) = M::carry_out(port, &PortCommand::DiscardOutput, now) {
            return self.line.lose(reason);
        }
        self.advance();
    }

    fn forget_commands(&mut self) {
        self.under_way = None;
        self.later.clear();
    }

    /// Carries out a command other than opening and closing, or goes on with it.
    fn carry_out(&mut self, command: PortCommand) {
        if let PortCommand::Write { token, bytes } = command {
            return self.line.write(token, bytes);
        }
        if !M::CAPABILITIES.cover(command.needs()) {
            if let Some(reason) = M::refusal(&command) {
                self.line.lose(reason);
            }
            return;
        }
        let now = self.line.now();
        let Some(port) = self.line.port_mut() else { return };
        if command == PortCommand::ReadLines {
            let lines = M::input_lines(port);
            return self.line.tell(Happening::Lines(PortId::FIRST, lines));
        }
        match M::carry_out(port, &command, now) {
            Ok(Progress::Done) => {}
            Ok(progress @ (Progress::AfterWrites | Progress::At(_))) => self.under_way = Some((command, progress)),
            Err(reason) => self.line.lose(reason),
        }
    }
}

impl<M: Medium> World for PortOn<M> {
    fn capabilities(&self) -> Capabilities {
        M::CAPABILITIES
    }

    fn perform(&mut self, _port: PortId, command: PortCommand) {
        match command {
            PortCommand::Open { settings } => self.open(settings),
            PortCommand::Close => self.close(),
            PortCommand::Reopen { settings } => {
                self.close();
                self.seeking = Some(Seeking { settings, patience: Patience::to_reopen(), at: self.line.now() });
            }
            PortCommand::DiscardOutput => self.discard_output(),
            other @ (PortCommand::Write { .. }
            | PortCommand::SetLines { .. }
            | PortCommand::ReadLines
            | PortCommand::DriveLines { .. }
            | PortCommand::Break { .. }
            | PortCommand::Reconfigure { .. }
            | PortCommand::DiscardInput
            | PortCommand::Resize { .. }) => {
                if self.under_way.is_some() || self.line.opening().is_some() {
                    self.later.push_back(other);
                } else {
                    self.carry_out(other);
                    self.advance();
                }
            }
        }
    }

    fn news(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.line.news(received)
    }

    fn arrived(&mut self, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.line.arrived(received)
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        loop {
            let stop = [until, self.advance()].into_iter().flatten().min();
            let (now, happening) = self.line.wait(stop, received);
            let is_for_command = happening == Happening::Nothing && until.is_none_or(|until| now < until);
            if !is_for_command {
                return (now, happening);
            }
        }
    }

    fn behind(&self) -> Duration {
        self.line.behind()
    }
}

impl<M: Medium> Watched for PortOn<M> {
    fn awaited(&self) -> Option<Awaited<'_>> {
        self.line.awaited()
    }

    fn found(&mut self, found: Ready) {
        self.line.found(found);
    }

    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        self.advance();
        let told = self.line.look(until, received);
        if told.is_some() || !self.line.is_not_open() {
            return told;
        }
        self.advance();
        self.line.look(until, received)
    }

    fn due(&mut self) -> Option<Moment> {
        let at = self.advance();
        if self.line.has_news() { Some(self.line.now()) } else { at }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::port::{Capability, WriteToken};
    use crate::settings::Settings;

    /// A port that can discard its input, which is begun when all has been written, and takes a millisecond.
    struct Slow {
        near: Option<UnixStream>,
    }

    struct Near {
        stream: UnixStream,
        begun: Option<Moment>,
    }

    impl AsFd for Near {
        fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
            self.stream.as_fd()
        }
    }

    impl Wire for Near {
        fn gone(&mut self) -> CloseReason {
            CloseReason::HungUp { help: "the test ended it".to_string() }
        }
    }

    impl Medium for Slow {
        type Port = Near;

        const CAPABILITIES: Capabilities = Capabilities::of(&[Capability::DiscardInput]);

        fn open(&mut self, _settings: LineSettings) -> Result<Near, NotOpen> {
            let stream = self.near.take().ok_or_else(CloseReason::unplugged)?;
            Ok(Near { stream, begun: None })
        }

        fn carry_out(port: &mut Near, command: &PortCommand, now: Moment) -> Result<Progress, CloseReason> {
            assert_eq!(*command, PortCommand::DiscardInput, "nothing else is among the capabilities");
            match port.begun {
                None => {
                    port.begun = Some(now);
                    Ok(Progress::AfterWrites)
                }
                Some(begun) if now < begun + Duration::from_millis(1) => {
                    Ok(Progress::At(begun + Duration::from_millis(1)))
                }
                Some(_) => Ok(Progress::Done),
            }
        }
    }

    fn pair() -> (UnixStream, UnixStream) {
        let (near, far) = UnixStream::pair().expect("two sockets");
        near.set_nonblocking(true).expect("a socket can do without blocking");
        (near, far)
    }

    /// Opens what there is; returns what is told of it.
    fn open(near: Option<UnixStream>) -> (PortOn<Slow>, Happening) {
        let medium = Slow { near };
        let mut port = PortOn::new(medium, Clock::start(), Interrupt::new().expect("a pipe"));
        port.perform(PortId::FIRST, PortCommand::Open { settings: Settings::default().line });
        let (_, told) = port.wait(None, &mut Vec::new());
        (port, told)
    }

    fn write(number: u64, bytes: &[u8]) -> PortCommand {
        PortCommand::Write { token: WriteToken::new(PortId::FIRST, number), bytes: bytes.to_vec() }
    }

    #[test]
    fn what_a_port_can_not_do_has_no_effect_and_holds_up_nothing() {
        let (near, mut far) = pair();
        let (mut port, _) = open(Some(near));
        port.perform(PortId::FIRST, PortCommand::Break { lasting: Duration::from_secs(3600) });
        port.perform(PortId::FIRST, PortCommand::SetLines { dtr: Some(true), rts: None });
        port.perform(PortId::FIRST, PortCommand::Reconfigure { settings: Settings::default().line });
        port.perform(PortId::FIRST, write(1, b"AT"));
        assert_eq!(port.wait(None, &mut Vec::new()).1, Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
        let mut came = [0; 2];
        far.read_exact(&mut came).expect("two bytes were written");
        assert_eq!(&came, b"AT");
    }

    #[test]
    fn a_command_that_takes_time_follows_what_was_written_and_is_not_overtaken() {
        let (near, mut far) = pair();
        let (mut port, _) = open(Some(near));
        let bytes = vec![b'x'; 1_000_000];
        port.perform(PortId::FIRST, write(1, &bytes));
        port.perform(PortId::FIRST, PortCommand::DiscardInput);
        port.perform(PortId::FIRST, write(2, b"!"));
        let begun = port.line.now();
        let mut came = vec![0; bytes.len()];
        std::thread::scope(|scope| {
            scope.spawn(|| far.read_exact(&mut came).expect("everything is written"));
            assert_eq!(port.wait(None, &mut Vec::new()).1, Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
        });
        let (sent, happening) = port.wait(None, &mut Vec::new());
        assert_eq!(happening, Happening::Sent(WriteToken::new(PortId::FIRST, 2)));
        assert!(sent >= begun + Duration::from_millis(1), "{sent:?} is too soon after {begun:?}");
        assert!(came == bytes);
    }

    #[test]
    fn a_hang_up_has_the_advice_of_the_medium() {
        let (near, far) = pair();
        let (mut port, _) = open(Some(near));
        drop(far);
        let advice = CloseReason::HungUp { help: "the test ended it".to_string() };
        assert_eq!(port.wait(None, &mut Vec::new()).1, Happening::Closed(PortId::FIRST, advice));
    }

    #[test]
    fn a_port_that_went_is_tried_until_it_is_there_and_what_waits_in_it_then_counts() {
        let (near, far) = pair();
        let (mut port, _) = open(Some(near));
        drop(far);
        let mut received = Vec::new();
        assert!(matches!(port.wait(None, &mut received).1, Happening::Closed(..)));
        let settings = Settings::default().line;
        port.perform(PortId::FIRST, PortCommand::Reopen { settings: settings.clone() });
        let soon = port.line.now() + Duration::from_millis(1);
        assert_eq!(port.wait(Some(soon), &mut received).1, Happening::Nothing, "it is not there yet");
        let (near, mut far) = pair();
        far.write_all(b"RDY").expect("it is open");
        port.medium.near = Some(near);
        assert_eq!(port.wait(None, &mut received).1, Happening::Opened(PortId::FIRST));
        assert_eq!(port.wait(None, &mut received).1, Happening::Received(PortId::FIRST));
        assert_eq!(received, b"RDY");
        drop(far);
        assert!(matches!(port.wait(None, &mut received).1, Happening::Closed(..)));
        port.perform(PortId::FIRST, PortCommand::Reopen { settings });
        port.perform(PortId::FIRST, PortCommand::Close);
        assert_eq!(port.advance(), None, "nobody seeks it any more");
    }

    #[test]
    fn a_port_that_is_refused_is_told_of_once() {
        let (mut port, told) = open(None);
        assert_eq!(told, Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
        port.perform(PortId::FIRST, write(1, b"AT"));
        let until = port.line.now();
        assert_eq!(port.wait(Some(until), &mut Vec::new()).1, Happening::Nothing);
    }
}
