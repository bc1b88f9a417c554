//! `Session`: the terminal joined with its port, the keys, the screen and the files, until somebody ends it.

use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::Ending;
use super::super::args::LineArguments;
use super::super::given;
use super::super::terminal::Terminal;
use super::files::Files;
use super::history_file::HistoryFile;
use super::zone::Zone;
use super::{KEYS, WAKES, raw};
use crate::event::{CloseReason, Verdict};
use crate::port::{Carrier, Happening, PortCommand, PortId, WriteToken};
use crate::settings::{ControlLine, InputLines, LineSettings, Settings};
use crate::setup::Counterpart;
use crate::term::{Errand, News, Order, Term};
use crate::time::Moment;
use crate::transport::{Clock, Several, in_words};
use crate::value::escape::{harmless, harmless_path};
use crate::world::World;

/// Input from a pipe is over when the answer to it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(300);

/// What a session is made of.
pub(super) struct Session<'a> {
    pub(super) world: Several,
    pub(super) term: Term,
    pub(super) clock: Clock,
    pub(super) zone: Zone,
    pub(super) files: Files,
    pub(super) history: HistoryFile,
    pub(super) port: Port,
    pub(super) manner: Manner,
    pub(super) terminal: &'a Terminal,
    pub(super) screen: Vec<u8>,
    pub(super) slow: Slow,
}

/// What is sent slowly, as the settings `pace` and `line_pace` want it.
#[derive(Default)]
pub(super) struct Slow {
    waiting: VecDeque<u8>,
    /// When the next of it goes out.
    at: Moment,
}

/// The port of a session.
pub(super) struct Port {
    /// What it is called.
    pub(super) name: String,
    /// What stands for it in the names of files.
    pub(super) label: String,
    pub(super) counterpart: Counterpart,
    pub(super) carrier: Carrier,
    pub(super) settings: Settings,
    /// What the user has set, for flows that run here.
    pub(super) typed: LineArguments,
    pub(super) state: State,
    pub(super) dtr: bool,
    pub(super) rts: bool,
    pub(super) n_writes: u64,
    pub(super) n_unsent: u64,
    /// Until then the other side may still give up a transfer.
    pub(super) leftovers_until: Option<Moment>,
}

/// What both sides of a transfer send to give it up, and what the other side sends then to take it from the screen again.
pub(super) const CANCEL: u8 = 0x18;
pub(super) const BACKSPACE: u8 = 0x08;

/// Whether the port is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is being opened for the first time.
    Opening,
    Open,
    /// It is gone, and waited for.
    Away,
    /// Another program may have it.
    Lent,
}

/// How a session goes on and ends.
pub(super) struct Manner {
    /// Somebody sits at the keyboard.
    pub(super) is_interactive: bool,
    /// Whether a port that goes away is waited for.
    pub(super) reconnects: bool,
    /// How long an answer may take after the end of the input.
    pub(super) within: Duration,
    /// The end of the input, and when something last happened since.
    pub(super) ended: Option<Ended>,
    /// A signal came while a flow ran.
    pub(super) is_over: bool,
}

/// The input has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    last: Moment,
    is_answered: bool,
}

impl Session<'_> {
    /// Goes on until somebody ends it; says how that was.
    pub(super) fn run(&mut self) -> Ending {
        let opening = PortCommand::Open { settings: self.port.settings.line.clone() };
        self.files.performed(self.clock.now(), &opening);
        self.world.perform(PortId::FIRST, opening);
        for own in [KEYS, WAKES] {
            self.world.perform(own, PortCommand::Open { settings: Settings::default().line });
        }
        let ending = self.go_on();
        self.end();
        ending
    }

    fn go_on(&mut self) -> Ending {
        let mut received = Vec::with_capacity(64 * 1024);
        loop {
            while let Some(order) = self.term.poll() {
                if let Some(ending) = self.obey(order) {
                    return ending;
                }
            }
            let now = self.clock.now();
            if self.show().is_err() {
                // Nobody reads any more, which `head` may mean.
                return Ending::Done;
            }
            self.write_files(now);
            let over = self.over();
            if over.is_some_and(|over| over <= now) {
                return Ending::Done;
            }
            self.send_slowly(now);
            let slow = (!self.slow.waiting.is_empty()).then_some(self.slow.at);
            let until = [self.term.due(), self.files.due(), over, slow].into_iter().flatten().min();
            received.clear();
            let (now, happening) = self.world.wait(until, &mut received);
            if let Some(ending) = self.take(now, happening, &received) {
                return ending;
            }
        }
    }

    /// Takes what happened; returns how the session ends, if it does.
    fn take(&mut self, now: Moment, happening: Happening, received: &[u8]) -> Option<Ending> {
        match happening {
            Happening::Received(PortId::FIRST) => {
                self.files.happened(now, &happening, received);
                let received = self.without_leftovers(now, received);
                self.term.handle_received(now, received);
                if let Some(ended) = &mut self.manner.ended {
                    *ended = Ended { last: now, is_answered: true };
                }
            }
            Happening::Received(port) if port == KEYS => self.term.handle_keys(now, received),
            Happening::Received(_) => {
                if let Some(size) = raw::size() {
                    self.term.handle_size(usize::from(size.columns));
                }
                self.pass_size_on();
            }
            Happening::Closed(port, _) if port == KEYS => {
                if self.manner.is_interactive {
                    return Some(Ending::Ran(Verdict::Interrupted));
                }
                self.term.handle_end(now);
                self.manner.ended = Some(Ended { last: now, is_answered: false });
            }
            Happening::Closed(PortId::FIRST, reason) => {
                self.files.happened(now, &Happening::Closed(PortId::FIRST, reason.clone()), &[]);
                return self.lose(now, &reason);
            }
            Happening::Opened(PortId::FIRST) => {
                self.files.happened(now, &happening, &[]);
                self.opened(now);
            }
            Happening::Sent(_) => {
                self.files.happened(now, &happening, &[]);
                self.port.n_unsent = self.port.n_unsent.saturating_sub(1);
                if let Some(ended) = &mut self.manner.ended {
                    ended.last = ended.last.max(now);
                }
            }
            Happening::Lines(_, lines) => self.term.tell(&lines_text(&lines)),
            Happening::Noted(_, note) => self.term.tell(&note),
            Happening::Interrupt => return Some(Ending::Ran(Verdict::Interrupted)),
            Happening::Nothing => self.term.handle_time(now),
            Happening::Opened(_)
            | Happening::Closed(..)
            | Happening::Departed(..)
            | Happening::Signalled(..)
            | Happening::Hook(_)
            | Happening::Unplayed(_) => {}
        }
        None
    }

    /// Returns what came without what the other side of a transfer sent last: it gives up with CAN and Backspace, many times.
    fn without_leftovers<'a>(&mut self, now: Moment, received: &'a [u8]) -> &'a [u8] {
        let Some(until) = self.port.leftovers_until else { return received };
        let n = received.iter().take_while(|byte| matches!(**byte, CANCEL | BACKSPACE)).count();
        if now > until || n < received.len() {
            self.port.leftovers_until = None;
        }
        if now > until { received } else { &received[n..] }
    }

    /// Lets a program at the other end know how large the screen is.
    fn pass_size_on(&mut self) {
        if self.port.carrier == Carrier::Program
            && self.port.state == State::Open
            && let Some(size) = raw::size().filter(|_| self.manner.is_interactive)
        {
            self.world.perform(PortId::FIRST, PortCommand::Resize { size });
        }
    }

    fn opened(&mut self, now: Moment) {
        let name = harmless(&self.port.name);
        let line = match self.port.carrier.has_line() {
            true => format!(" at {}", self.port.settings.line),
            false => String::new(),
        };
        let is_again = self.port.state != State::Opening;
        self.port.state = State::Open;
        self.pass_size_on();
        let said = match (is_again, self.manner.is_interactive) {
            (true, _) => format!("{name} is back{line}"),
            (false, true) => format!("{name}{line}, {}", self.hint()),
            (false, false) => return,
        };
        self.term.handle_news(now, News::Opened, &said);
    }

    /// Returns how to get help and how to end.
    fn hint(&self) -> String {
        match self.term.escape_name() {
            Some(escape) => format!("{escape} ? shows the keys, {escape} q ends it"),
            None => "no escape key: a signal ends it".to_string(),
        }
    }

    /// The port is gone, or cannot be opened.
    fn lose(&mut self, now: Moment, reason: &CloseReason) -> Option<Ending> {
        let (why, help) = in_words_of(reason);
        let name = harmless(&self.port.name);
        self.port.n_unsent = 0;
        self.slow.waiting.clear();
        if self.port.state == State::Lent {
            return None;
        }
        let was_open = self.port.state != State::Opening;
        if !was_open {
            self.make_way();
            self.terminal.refuse(super::cannot_open(&name, &why, help.as_deref()));
            return Some(Ending::Outside);
        }
        let is_program = self.port.carrier == Carrier::Program;
        if is_program || !self.manner.reconnects || !self.manner.is_interactive {
            self.term.handle_news(now, News::Away, &format!("{name}: {why}"));
            let is_well =
                is_program && matches!(reason, CloseReason::Broken { reason, .. } if reason.ends_with("status 0"));
            return Some(if is_well { Ending::Done } else { Ending::Outside });
        }
        self.port.state = State::Away;
        self.term.handle_news(now, News::Away, &format!("{name}: {why}; waits until it is back"));
        self.ask(PortCommand::Reopen { settings: self.port.settings.line.clone() });
        None
    }

    /// Returns when the session is over without anybody ending it.
    fn over(&self) -> Option<Moment> {
        let Ended { last, is_answered } = self.manner.ended?;
        if self.port.n_unsent > 0 || !self.slow.waiting.is_empty() || self.port.state == State::Opening {
            return None;
        }
        Some(last + if is_answered { QUIET } else { self.manner.within })
    }

    /// Does what the terminal cannot do by itself; returns how the session ends, if it does.
    fn obey(&mut self, order: Order) -> Option<Ending> {
        let now = self.clock.now();
        match order {
            Order::Send(bytes) => self.send(now, bytes),
            Order::SendSecret(bytes) => {
                self.files.sent_secret(now, &bytes);
                self.write(now, bytes);
            }
            Order::Secret(secret) => self.files.knows(now, &secret),
            Order::Keep(line) => {
                if let Err(error) = self.history.keep(&line) {
                    self.term.tell(&format!("the history cannot be kept: {}", in_words(&error)));
                }
            }
            Order::Errand(errand) => return self.run_errand(now, errand),
        }
        None
    }

    fn run_errand(&mut self, now: Moment, errand: Errand) -> Option<Ending> {
        match errand {
            Errand::Quit => return Some(Ending::Done),
            Errand::Suspend => self.suspend(),
            Errand::Settings => self.tell_settings(),
            Errand::Set { name, value } => self.set(&name, &value),
            Errand::Dtr(on) => {
                self.port.dtr = on.unwrap_or(!self.port.dtr);
                self.switch("DTR", Some(self.port.dtr), None);
            }
            Errand::Rts(on) => {
                self.port.rts = on.unwrap_or(!self.port.rts);
                self.switch("RTS", None, Some(self.port.rts));
            }
            Errand::Lines => self.ask_if_open(PortCommand::ReadLines),
            Errand::Break(lasting) => {
                if self.can(&PortCommand::Break { lasting }, "hold the line in break") {
                    self.ask_if_open(PortCommand::Break { lasting });
                    self.term.tell("break sent");
                }
            }
            Errand::Flush => {
                self.ask_if_open(PortCommand::DiscardInput);
                self.ask_if_open(PortCommand::DiscardOutput);
                self.port.n_unsent = 0;
                self.slow.waiting.clear();
                self.term.tell("unread input and unsent output were thrown away");
            }
            Errand::SendFile { path, protocol } => self.send_file(Path::new(&path), protocol.as_deref()),
            Errand::Run { path, variables } => self.run_flow(Path::new(&path), &variables),
            Errand::Log(path) => self.switch_log(path.map(PathBuf::from)),
            Errand::Record(path) => self.switch_recording(now, path.map(PathBuf::from)),
            Errand::Note(title) => {
                if !self.files.title(now, &title) {
                    self.term.tell("no recording is running: `:record` starts one");
                }
            }
            Errand::Lend => self.lend_or_take_back(),
        }
        self.manner.is_over.then_some(Ending::Ran(Verdict::Interrupted))
    }

    fn send(&mut self, now: Moment, bytes: Vec<u8>) {
        // What is typed while a port is being opened leaves as soon as it is open.
        if matches!(self.port.state, State::Open | State::Opening) {
            let token = WriteToken::new(PortId::FIRST, self.port.n_writes + 1);
            self.files.performed(now, &PortCommand::Write { token, bytes: bytes.clone() });
        }
        self.write(now, bytes);
    }

    fn write(&mut self, now: Moment, bytes: Vec<u8>) {
        let is_slow = !self.port.settings.pace.is_zero() || !self.port.settings.line_pace.is_zero();
        match self.port.state {
            State::Open | State::Opening if is_slow || !self.slow.waiting.is_empty() => {
                self.slow.waiting.extend(bytes);
                self.send_slowly(now);
            }
            State::Open | State::Opening => self.put(bytes),
            State::Away => self.term.tell("nothing was sent: the port is away"),
            State::Lent => self.term.tell("nothing was sent: the port is lent"),
        }
    }

    fn put(&mut self, bytes: Vec<u8>) {
        self.port.n_writes += 1;
        self.port.n_unsent += 1;
        let token = WriteToken::new(PortId::FIRST, self.port.n_writes);
        self.world.perform(PortId::FIRST, PortCommand::Write { token, bytes });
    }

    /// Sends what is due of what is sent slowly: a byte, or the rest of a line if only lines have a pause.
    fn send_slowly(&mut self, now: Moment) {
        let Settings { pace, line_pace, .. } = self.port.settings;
        while !self.slow.waiting.is_empty() && self.slow.at <= now {
            let line = self.slow.waiting.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            // CR and LF end one line.
            let is_pair =
                |at: usize| self.slow.waiting.get(at) == Some(&b'\r') && self.slow.waiting.get(at + 1) == Some(&b'\n');
            let line = line.map_or(self.slow.waiting.len(), |at| at + 1 + usize::from(is_pair(at)));
            let n = if pace.is_zero() { line } else { 1 };
            let bytes: Vec<u8> = self.slow.waiting.drain(..n).collect();
            let is_end = n == line && matches!(bytes.last(), Some(b'\r' | b'\n'));
            self.slow.at = now + pace + if is_end { line_pace } else { Duration::ZERO };
            self.put(bytes);
        }
    }

    /// Asks something of the port.
    pub(super) fn ask(&mut self, command: PortCommand) {
        self.files.performed(self.clock.now(), &command);
        self.world.perform(PortId::FIRST, command);
    }

    fn ask_if_open(&mut self, command: PortCommand) {
        if self.port.state == State::Open {
            self.ask(command);
        }
    }

    /// Whether the port can do something; says so if it cannot.
    fn can(&mut self, command: &PortCommand, what: &str) -> bool {
        let can = self.world.capabilities_of(PortId::FIRST).cover(command.needs());
        if !can {
            self.term.tell(&format!("this kind of port cannot {what}"));
        }
        can
    }

    fn switch(&mut self, name: &str, dtr: Option<bool>, rts: Option<bool>) {
        let command = PortCommand::SetLines { dtr, rts };
        if !self.can(&command, &format!("switch {name}")) {
            return;
        }
        let kept = |on| if on { ControlLine::On } else { ControlLine::Off };
        let line = &mut self.port.settings.line;
        line.dtr = dtr.map_or(line.dtr, kept);
        line.rts = rts.map_or(line.rts, kept);
        let on = dtr.or(rts).unwrap_or(false);
        self.ask_if_open(command);
        self.term.tell(&format!("{name} is {}", if on { "on" } else { "off" }));
    }

    fn set(&mut self, name: &str, value: &str) {
        let typed = LineArguments { baud: None, serial: vec![format!("{name}={value}")] };
        let settings = match given::settings(&self.port.settings, &typed) {
            Ok(settings) => settings,
            Err(problems) => {
                for problem in problems {
                    let help = problem.help.map_or_else(String::new, |help| format!(": {help}"));
                    self.term.tell(&format!("{}{help}", problem.message.replace("`--serial`: ", "")));
                }
                return;
            }
        };
        self.port.typed.serial.extend(typed.serial);
        let is_same_line = settings.line == self.port.settings.line;
        self.port.settings = settings;
        self.term.handle_settings(&self.port.settings.eol, self.port.settings.encoding);
        if !is_same_line {
            let command = PortCommand::Reconfigure { settings: self.port.settings.line.clone() };
            if self.port.carrier.has_line() {
                self.ask_if_open(command);
            } else {
                self.term.tell("this kind of port has no baud and no format: nothing changes on the line");
                return;
            }
        }
        self.tell_settings();
    }

    fn tell_settings(&mut self) {
        let name = harmless(&self.port.name);
        let line: &LineSettings = &self.port.settings.line;
        let line = if self.port.carrier.has_line() { format!(" at {line}") } else { String::new() };
        self.term.tell(&format!("{name}{line}; {}", self.term.settings()));
    }

    fn lend_or_take_back(&mut self) {
        if self.port.state == State::Lent {
            self.port.state = State::Away;
            self.ask(PortCommand::Reopen { settings: self.port.settings.line.clone() });
            return;
        }
        if let Some(why) = self.cannot_lend() {
            return self.term.tell(&why);
        }
        self.world.perform(PortId::FIRST, PortCommand::Close);
        let now = self.clock.now();
        self.files.happened(now, &Happening::Closed(PortId::FIRST, CloseReason::Finished), &[]);
        self.port.state = State::Lent;
        self.port.n_unsent = 0;
        let escape = self.term.escape_name().unwrap_or_default();
        let how = if escape.is_empty() { "`:lend`".to_string() } else { format!("{escape} o") };
        let said = format!("{} is free for another program: {how} takes it back", harmless(&self.port.name));
        self.term.handle_news(now, News::Away, &said);
    }

    /// Returns why no other program could open the port, and what can be done instead.
    fn cannot_lend(&self) -> Option<String> {
        match (&self.port.counterpart, self.port.carrier) {
            (Counterpart::Device(_) | Counterpart::Recording(_) | Counterpart::Several(_), _) => {
                let file = self.port.name.strip_prefix("sim:").unwrap_or("FILE");
                let file = harmless(file);
                Some(format!(
                    "a simulated device has no port to lend: `flowrun sim {file} --link /tmp/port` serves it on one that \
                     every program can open"
                ))
            }
            (Counterpart::Real(_), Carrier::Program) => {
                Some("a program has no port to lend: it would end. `:suspend` and `:run` leave it as it is".to_string())
            }
            (Counterpart::Real(_), Carrier::Serial | Carrier::SerialServer | Carrier::Connection) => None,
        }
    }

    /// Stops the process as Ctrl-Z would, until the shell continues it.
    fn suspend(&mut self) {
        #[cfg(unix)]
        {
            self.term.make_room();
            self.term.reset();
            let _ = self.show();
            crate::transport::stop();
            self.term.redraw();
        }
        #[cfg(not(unix))]
        self.term.tell("this system cannot stop a program");
    }

    /// Leaves the screen to somebody else.
    pub(super) fn make_way(&mut self) {
        self.term.make_room();
        let _ = self.show();
    }

    /// Writes what the screen gets, and the messages beside it.
    ///
    /// # Errors
    ///
    /// Nobody reads it any more.
    pub(super) fn show(&mut self) -> std::io::Result<()> {
        self.screen.clear();
        self.term.take_screen(&mut self.screen);
        let notes = self.term.take_notes();
        if !notes.is_empty() {
            // There is nobody left who could be told.
            let _ = std::io::stderr().write_all(&notes);
        }
        if self.term.has_sequences() {
            raw::owes_reset();
        }
        if self.screen.is_empty() { Ok(()) } else { raw::write(&self.screen) }
    }

    fn write_files(&mut self, now: Moment) {
        if let Err((path, error)) = self.files.write_due(now) {
            self.term.tell(&format!("`{}` cannot be written any more: {}", harmless_path(&path), in_words(&error)));
        }
    }

    /// Ends everything that the session has begun.
    fn end(&mut self) {
        self.term.finish();
        while let Some(order) = self.term.poll() {
            if let Order::Secret(secret) = order {
                self.files.knows(self.clock.now(), &secret);
            }
        }
        let (is_logging, is_recording) = self.files.are_open();
        if is_logging {
            match self.files.end_log() {
                Ok(path) => self.tell_path("the log is complete:", path.as_deref()),
                Err(error) => self.term.tell(&format!("the log is not complete: {}", in_words(&error))),
            }
        }
        if is_recording {
            self.end_recording();
        }
        self.term.make_room();
        let _ = self.show();
        self.world.perform(PortId::FIRST, PortCommand::Close);
    }
}

/// Returns why a port is closed, and what to do about it.
pub(super) fn in_words_of(reason: &CloseReason) -> (String, Option<String>) {
    match reason {
        CloseReason::Finished => ("it is closed".to_string(), None),
        CloseReason::CannotOpen { reason, help } | CloseReason::Broken { reason, help } => {
            (reason.clone(), help.clone())
        }
        CloseReason::HungUp { help } => ("it went away".to_string(), Some(help.clone())),
        CloseReason::DeviceFailed(failure) => (format!("the simulated device failed: {}", failure.message), None),
    }
}

fn lines_text(lines: &Result<InputLines, String>) -> String {
    match lines {
        Ok(lines) => lines.statement(),
        Err(why) => why.clone(),
    }
}
