//! `Term`: a terminal for a device, as a state machine: keys, bytes and time in; bytes for the line and the screen out.
//!
//! It does no I/O and reads no clock. [`Term::handle_keys`] takes what was typed, [`Term::handle_received`] what the device
//! sent, [`Term::handle_news`] what happened to the port, [`Term::handle_time`] that time has passed. [`Term::poll`] says
//! what is to be done outside, [`Term::take_screen`] what the screen gets, and [`Term::due`] when it wants to be told of
//! the time.
//!
//! In **console** mode each key goes out at once, and what comes goes to the screen as it is. In **line** mode there is a
//! line editor in the last row. What comes stands above it, line by line, and nothing in it is obeyed. Keys after the escape
//! key and lines that begin with `:` are commands; [`command`] has one table for both.

mod choice;
mod clock;
mod command;
mod console;
mod editor;
mod history;
mod input;
mod keyboard;
mod lines;
mod password;
mod show;
mod statistics;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Moment;
use crate::value::encoding::{Decoding, Encoding};
pub(crate) use choice::{LineEnd, Mode, Newline, Stamps};
pub(crate) use clock::WallClock;
pub(crate) use command::Errand;
#[cfg(test)]
use command::TABLE;
use console::Console;
pub(crate) use editor::Completion;
use editor::Editor;
pub(crate) use history::{History, MOST as MOST_IN_HISTORY};
use keyboard::Keyboard;
use lines::Lines;
use password::PasswordPrompt;
use statistics::Statistics;

/// So many bytes are held back at most while the screen is paused.
const MOST_HELD: usize = 8 << 20;

/// What a terminal begins with.
pub(crate) struct Options {
    pub(crate) choices: Choices,
    pub(crate) surface: Surface,
    pub(crate) clock: WallClock,
    pub(crate) encoding: Option<Encoding>,
    /// Silence after which a line without an end counts as a prompt.
    pub(crate) settle: Duration,
    pub(crate) history: History,
    pub(crate) completion: Box<dyn Completion>,
    /// Makes the text of a complete line in line mode what the screen gets: the one place where lines get colours.
    pub(crate) paint: Paint,
    /// Whether a line has a secret in it: it is in no history then.
    pub(crate) has_secret: HasSecret,
}

/// Says whether a line has a secret in it.
pub(crate) type HasSecret = Box<dyn Fn(&str) -> bool>;

/// Returns what the screen gets for a line, and for its text with nothing in it that a terminal obeys.
pub(crate) type Paint = Box<dyn Fn(&[u8], String) -> String>;

/// What the user can switch.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) mode: Mode,
    /// What Enter sends.
    pub(crate) line_end: Vec<u8>,
    pub(crate) echo: bool,
    pub(crate) hex: bool,
    pub(crate) hex_input: bool,
    pub(crate) stamps: Stamps,
    pub(crate) newline: Newline,
    /// The byte that a command follows; `None` if there is none.
    pub(crate) escape: Option<u8>,
}

/// Where people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Surface {
    pub(crate) input: Input,
    pub(crate) notes: Notes,
    pub(crate) columns: usize,
    pub(crate) has_colours: bool,
}

/// What keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Keys of a terminal in raw mode.
    Keys,
    /// The lines of a text: each line end becomes that of the device.
    Lines,
    /// Bytes that go out as they are.
    Bytes,
}

/// Where the terminal's own messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notes {
    /// Among what the device sends.
    OnScreen,
    /// Somewhere else: see [`Term::take_notes`].
    Apart,
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Send these bytes: they are a part of a secret, which follows as [`Order::Secret`].
    SendSecret(Vec<u8>),
    /// This is a secret, and complete.
    Secret(Vec<u8>),
    /// Keep this line in the history of the device.
    Keep(String),
    /// Do this.
    Errand(Errand),
}

/// What happened to the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is open.
    Opened,
    /// It is gone.
    Away,
}

/// A terminal.
pub(crate) struct Term {
    choices: Choices,
    surface: Surface,
    settle: Duration,
    encoding: Option<Encoding>,
    decoding: Option<Decoding>,
    console: Console,
    lines: Lines,
    typing: Typing,
    completion: Box<dyn Completion>,
    paint: Paint,
    has_secret: HasSecret,
    password: PasswordPrompt,
    held: Held,
    statistics: Statistics,
    out: Out,
}

/// What is typed and not yet sent.
#[derive(Debug, Default)]
struct Typing {
    keyboard: Keyboard,
    editor: Editor,
    history: History,
    /// The escape key was pressed last.
    is_escaped: bool,
    /// A command is typed in console mode.
    is_command_open: bool,
    /// The first half of a byte in hex.
    nibble: Option<u8>,
    /// The last byte of a text was a CR.
    after_cr: bool,
    /// A line of a text has not ended.
    is_line_begun: bool,
}

/// What is held back while the screen is paused.
#[derive(Debug, Default)]
struct Held {
    is_paused: bool,
    /// When they came, the bytes as they came, and decoded.
    pieces: VecDeque<(Moment, Vec<u8>, Vec<u8>)>,
    n_bytes: usize,
}

/// What goes out.
#[derive(Debug, Default)]
struct Out {
    screen: Vec<u8>,
    notes: Vec<u8>,
    orders: VecDeque<Order>,
    /// The row of the editor is on the screen.
    is_drawn: bool,
    /// It is not as it should be.
    is_stale: bool,
    /// The line that has not ended stands before what is typed.
    has_settled: bool,
}

impl Term {
    /// Makes a terminal.
    pub(crate) fn new(options: Options) -> Term {
        let mut console = Console::new(options.clock);
        console.keeps_title = options.surface.notes == Notes::OnScreen;
        console.is_hex = options.choices.hex;
        console.stamps = options.choices.stamps;
        console.newline = options.choices.newline;
        Term {
            choices: options.choices,
            surface: options.surface,
            settle: options.settle,
            encoding: options.encoding,
            decoding: options.encoding.map(Decoding::new),
            console,
            lines: Lines::default(),
            typing: Typing { history: options.history, ..Typing::default() },
            completion: options.completion,
            paint: options.paint,
            has_secret: options.has_secret,
            password: PasswordPrompt::default(),
            held: Held::default(),
            statistics: Statistics::default(),
            out: Out { is_stale: true, ..Out::default() },
        }
    }

    /// Takes what the device sent.
    pub(crate) fn handle_received(&mut self, now: Moment, bytes: &[u8]) {
        self.statistics.received(bytes);
        let decoded = self.decoding.as_mut().map(|decoding| decoding.decode(bytes));
        let text = decoded.as_deref().unwrap_or(bytes);
        self.password.came(text);
        if self.holds_back() {
            let text = text.to_vec();
            self.hold_back(now, bytes.to_vec(), text);
        } else {
            let shown = if self.choices.hex { bytes } else { text };
            match self.choices.mode {
                // The path of a flood: nothing is copied but to the screen.
                Mode::Console => self.console.show(now, shown, &mut self.out.screen),
                Mode::Line => {
                    let shown = shown.to_vec();
                    self.show_lines(now, &shown);
                }
            }
        }
        self.draw();
    }

    /// Takes note of what happened to the port, and shows why.
    pub(crate) fn handle_news(&mut self, now: Moment, news: News, why: &str) {
        match news {
            News::Opened => self.statistics.opened(now),
            News::Away => self.statistics.went_away(),
        }
        self.say(why);
        self.draw();
    }

    /// Takes note that nothing more is typed: a last line without an end gets that of the device.
    pub(crate) fn handle_end(&mut self, now: Moment) {
        if std::mem::take(&mut self.typing.is_line_begun) {
            let end = self.choices.line_end.clone();
            self.send_as_it_is(now, end);
        }
    }

    /// Takes note of the time: what has not ended by now is a prompt.
    pub(crate) fn handle_time(&mut self, now: Moment) {
        if self.due().is_some_and(|due| due <= now) {
            self.settle(now);
        }
        self.draw();
    }

    /// Takes note that the screen is so wide.
    pub(crate) fn handle_size(&mut self, columns: usize) {
        self.surface.columns = columns;
        if self.has_editor() {
            self.redraw();
        }
    }

    /// Takes note that somebody else talked to the device, and of what came last of a line that has not ended.
    pub(crate) fn handle_elsewhere(&mut self, now: Moment, rest: &[u8]) {
        let decoded = self.decoding.as_mut().map(|decoding| decoding.decode(rest));
        let rest = decoded.unwrap_or_else(|| rest.to_vec());
        self.password = PasswordPrompt::default();
        self.password.came(&rest);
        match self.choices.mode {
            Mode::Console => self.console.begin(rest),
            Mode::Line => {
                self.lines.begin(now, rest);
                self.out.has_settled = true;
                self.out.is_stale = true;
            }
        }
    }

    /// Takes note that somebody else wrote on the screen.
    pub(crate) fn redraw(&mut self) {
        self.out.is_drawn = false;
        self.out.is_stale = true;
        if self.choices.mode == Mode::Console {
            self.console.resume(&mut self.out.screen);
        }
        self.draw();
    }

    /// Clears the row of the editor, so that somebody else can write on the screen.
    pub(crate) fn make_room(&mut self) {
        self.erase();
        if self.choices.mode == Mode::Console {
            self.console.break_row(&mut self.out.screen);
        }
    }

    /// Shows a message of a line.
    pub(crate) fn tell(&mut self, text: &str) {
        self.say(text);
        self.draw();
    }

    /// Takes a line of the device's settings that another one was given: what Enter sends, and the encoding.
    pub(crate) fn handle_settings(&mut self, line_end: &[u8], encoding: Option<Encoding>) {
        self.choices.line_end = line_end.to_vec();
        if self.encoding != encoding {
            self.encoding = encoding;
            self.decoding = encoding.map(Decoding::new);
        }
    }

    /// Returns what is to be done outside next.
    pub(crate) fn poll(&mut self) -> Option<Order> {
        self.out.orders.pop_front()
    }

    /// Takes what the screen gets, into a buffer that is empty.
    pub(crate) fn take_screen(&mut self, into: &mut Vec<u8>) {
        std::mem::swap(&mut self.out.screen, into);
    }

    /// Takes messages that are not for the screen.
    pub(crate) fn take_notes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out.notes)
    }

    /// Returns when time alone changes what is shown.
    pub(crate) fn due(&self) -> Option<Moment> {
        if self.choices.mode != Mode::Line || self.out.has_settled || self.holds_back() {
            return None;
        }
        self.lines.last_came().map(|last| last + self.settle)
    }

    /// Returns what the key is called that commands begin with.
    pub(crate) fn escape_name(&self) -> Option<String> {
        self.choices.escape.map(show::key_name)
    }

    /// Returns how the terminal is set, for people.
    pub(crate) fn settings(&self) -> String {
        let end = LineEnd::of(&self.choices.line_end).map_or("its own", LineEnd::name);
        let on = |on: bool| if on { "on" } else { "off" };
        format!(
            "mode {}, Enter sends {end}, echo {}, hex {}, stamps {}, newline {}, encoding {}",
            self.choices.mode.name(),
            on(self.choices.echo),
            on(self.choices.hex),
            self.choices.stamps.name(),
            self.choices.newline.name(),
            self.encoding.map_or("utf-8", Encoding::name),
        )
    }

    /// Ends: the secret that was not completed is told, and the screen is left as a shell wants it.
    pub(crate) fn finish(&mut self) {
        if let Some(begun) = self.password.give_up() {
            self.out.orders.push_back(Order::Secret(begun));
        }
        if self.choices.mode == Mode::Line
            && let Some(line) = self.lines.take_begun()
        {
            self.above(|term, out| term.put_line(&line, out));
        }
        self.make_room();
        self.reset();
    }

    /// Undoes what the device may have switched on, so that somebody else can have the screen.
    pub(crate) fn reset(&mut self) {
        if self.has_sequences() {
            if std::mem::take(&mut self.console.is_other_screen) {
                self.out.screen.extend_from_slice(LEAVE_OTHER_SCREEN);
            }
            self.out.screen.extend_from_slice(RESET);
            self.console.restore_title(&mut self.out.screen);
        }
    }

    /// Whether the screen has obeyed sequences of the device.
    pub(crate) fn has_sequences(&self) -> bool {
        self.console.has_sequences() && self.surface.notes == Notes::OnScreen
    }
}

/// Undoes what sequences of a device may have switched on: a text that does not end, a region that scrolls,
/// colours, other characters, a hidden cursor, insertion, marks around pasted text, reports of the mouse and of the focus,
/// and the keys of applications.
pub(crate) const RESET: &[u8] =
    b"\x1b\\\x1b7\x1b[?6l\x1b[r\x1b8\x1b[0m\x0f\x1b(B\x1b[?25h\x1b[?7h\x1b[?5l\x1b[4l\x1b[?2004l\
\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1004l\x1b[?1l\x1b>";

/// Leaves the other screen. On a screen that is not there it would move the cursor to where it was at some time.
pub(crate) const LEAVE_OTHER_SCREEN: &[u8] = b"\x1b\\\x1b[?1049l";
