//! What becomes of what is typed: keys, lines, commands, and the bytes that go to the device.

use super::choice::{LineEnd, Mode, Stamps};
use super::command::{Command, Errand, TABLE};
use super::editor::{Completion, Edited, HIDDEN};
use super::keyboard::Key;
use super::password::Typed;
use super::show::key_name;
use super::{Input, Order, Term};
use crate::time::Moment;
use crate::value::escape::visible_cut;

impl Term {
    /// Takes what was typed.
    pub(crate) fn handle_keys(&mut self, now: Moment, bytes: &[u8]) {
        match self.surface.input {
            Input::Bytes => self.send(now, bytes.to_vec()),
            Input::Lines => {
                let bytes = self.with_line_ends(bytes);
                self.send(now, bytes);
            }
            Input::Keys => self.take_keys(now, bytes),
        }
        self.draw();
    }

    fn take_keys(&mut self, now: Moment, bytes: &[u8]) {
        let mut out = Vec::new();
        for byte in bytes {
            if std::mem::take(&mut self.typing.is_escaped) {
                self.send(now, std::mem::take(&mut out));
                self.take_command_key(now, *byte);
            } else if self.choices.escape == Some(*byte) {
                self.typing.is_escaped = true;
            } else if self.has_editor() {
                self.send(now, std::mem::take(&mut out));
                if let Some(key) = self.typing.keyboard.take(*byte) {
                    self.take_editor_key(now, key);
                }
            } else if self.choices.hex_input {
                out.extend(self.byte_of_hex(*byte));
            } else if *byte == b'\r' {
                out.extend_from_slice(&self.choices.line_end);
            } else {
                out.push(*byte);
            }
        }
        self.send(now, out);
    }

    /// Takes the key after the escape key.
    fn take_command_key(&mut self, now: Moment, byte: u8) {
        if self.choices.escape == Some(byte) {
            return self.carry_out(now, Command::SendEscape);
        }
        match Command::by_key(char::from(byte)) {
            Some(command) => self.carry_out(now, command),
            None => {
                let escape = self.choices.escape.map_or_else(String::new, key_name);
                self.say(&format!("the key {} has no command: {escape} ? shows all", key_name(byte)));
            }
        }
    }

    /// Takes a key that edits a line.
    fn take_editor_key(&mut self, now: Moment, key: Key) {
        self.out.is_stale = true;
        let commands = Commands { others: &*self.completion };
        let before = self.typing.editor.text();
        match self.typing.editor.handle(key, &self.typing.history, &commands) {
            Edited::Changed if self.typing.is_command_open && self.typing.editor.text().is_empty() => {
                self.close_command();
            }
            Edited::Changed | Edited::Nothing => {}
            Edited::Cancelled => self.close_command(),
            Edited::Control('c' | 'g') if self.typing.is_command_open => self.close_command(),
            Edited::Control('l') => self.clear(),
            Edited::Control('z') if self.choices.mode == Mode::Line => {
                self.typing.editor.begin("");
                self.submit(now, &before, b"\x1a");
            }
            Edited::Control(c) if !self.typing.is_command_open => self.send(now, vec![c as u8 & 0x1f]),
            Edited::Control(_) => {}
            Edited::Choices(choices) => self.say_lines(&in_columns(&choices, self.surface.columns)),
            Edited::Done(text) if self.typing.is_command_open => {
                self.close_command();
                self.command(now, text.trim_start().trim_start_matches(':'));
            }
            Edited::Done(text) => self.take_line(now, &text),
        }
    }

    /// Takes a line that was typed in line mode.
    fn take_line(&mut self, now: Moment, text: &str) {
        if self.hides() {
            let end = self.choices.line_end.clone();
            return self.submit(now, text, &end);
        }
        if let Some(command) = text.strip_prefix(':').filter(|rest| !rest.starts_with(':')) {
            // The values that a flow is given may be secrets.
            let kept = if command.starts_with("run ") { text.split('=').next().unwrap_or(text) } else { text };
            let kept = if kept == text { text } else { kept.rsplit_once(' ').map_or(kept, |(before, _)| before) };
            self.keep(kept);
            return self.command(now, command);
        }
        if text.starts_with("# ") {
            self.keep(text);
            return self.command(now, text);
        }
        let text = text.strip_prefix(':').unwrap_or(text);
        let end = self.choices.line_end.clone();
        self.submit(now, text, &end);
    }

    /// Sends a line, and leaves it on the screen where it was typed.
    fn submit(&mut self, now: Moment, text: &str, end: &[u8]) {
        let is_secret = self.hides();
        let shown = if is_secret && !text.is_empty() {
            HIDDEN
        } else if is_secret {
            ""
        } else {
            text
        };
        // What has come stays on the screen, though it may not be all of a prompt.
        self.out.has_settled = true;
        let prompt = self.prompt();
        let stamp = self.console.stamp(self.lines.began().unwrap_or(now));
        self.above(|_, out| out.extend_from_slice(format!("{stamp}{prompt}{shown}\r\n").as_bytes()));
        let Some(encoded) = self.encoded(text.as_bytes()) else { return };
        if !is_secret {
            self.keep(text);
        }
        self.lines.sent(&encoded);
        self.out.has_settled = false;
        let mut bytes = encoded;
        bytes.extend_from_slice(end);
        self.send_as_it_is(now, bytes);
    }

    /// Keeps a line in the history.
    fn keep(&mut self, line: &str) {
        if !(self.has_secret)(line) && self.typing.history.push(line) {
            self.out.orders.push_back(Order::Keep(line.to_string()));
        }
    }

    /// Carries out what was typed after `:`.
    fn command(&mut self, now: Moment, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        match Command::read(text) {
            Ok(command) => self.carry_out(now, command),
            Err(why) => self.say(&why),
        }
    }

    fn carry_out(&mut self, now: Moment, command: Command) {
        match command {
            Command::Help => self.say_lines(&self.help()),
            Command::Mode(mode) => self.switch_mode(now, mode.unwrap_or(self.choices.mode.other())),
            Command::Echo => {
                self.choices.echo = !self.choices.echo;
                self.say_switch("local echo", self.choices.echo);
            }
            Command::Hex => {
                if self.choices.mode == Mode::Console {
                    self.console.break_row(&mut self.out.screen);
                }
                self.choices.hex = !self.choices.hex;
                self.console.is_hex = self.choices.hex;
                self.say_switch("hex", self.choices.hex);
            }
            Command::HexInput => {
                self.choices.hex_input = !self.choices.hex_input;
                self.typing.nibble = None;
                self.say_switch("hex input", self.choices.hex_input);
            }
            Command::Stamps(stamps) => {
                let stamps = stamps.unwrap_or(self.choices.stamps.next());
                self.choices.stamps = stamps;
                self.console.stamps = stamps;
                let what = match stamps {
                    Stamps::Off => "off",
                    Stamps::Clock => "the time of day",
                    Stamps::Delta => "the time since the line before",
                };
                self.say(&format!("time stamps: {what}"));
            }
            Command::LineEnd(end) => {
                let present = LineEnd::of(&self.choices.line_end);
                let end = end.unwrap_or(present.map_or(LineEnd::Cr, LineEnd::next));
                self.choices.line_end = end.bytes().to_vec();
                self.say(&format!("Enter sends {}", end.name()));
            }
            Command::Newline(newline) => {
                let newline = newline.unwrap_or(self.choices.newline.next());
                self.choices.newline = newline;
                self.console.newline = newline;
                self.say(&format!("line ends that come: {}", newline.name()));
            }
            Command::Clear => self.clear(),
            Command::Pause => {
                self.held.is_paused = !self.held.is_paused;
                let said = if self.held.is_paused { "paused: input is held back" } else { "goes on" };
                self.say(said);
                self.let_go();
            }
            Command::Statistics => self.say_lines(&self.statistics.lines(now)),
            Command::Open(text) => {
                self.typing.editor.begin(text);
                self.typing.is_command_open = self.choices.mode == Mode::Console;
                self.out.is_stale = true;
            }
            Command::SendEscape => {
                let escape = self.choices.escape.into_iter().collect();
                self.send(now, escape);
            }
            Command::Errand(errand @ Errand::Note(_)) => {
                if let Errand::Note(title) = &errand {
                    self.say(&format!("# {title}"));
                }
                self.out.orders.push_back(Order::Errand(errand));
            }
            Command::Errand(errand) => self.out.orders.push_back(Order::Errand(errand)),
        }
    }

    fn say_switch(&mut self, what: &str, on: bool) {
        self.say(&format!("{what}: {}", if on { "on" } else { "off" }));
    }

    fn clear(&mut self) {
        self.out.screen.extend_from_slice(b"\x1b[H\x1b[2J");
        self.out.is_drawn = false;
        self.out.is_stale = true;
        self.console.cleared();
        if self.choices.mode == Mode::Console && !self.typing.is_command_open {
            self.console.resume(&mut self.out.screen);
        }
    }

    /// Ends the line of a command that was opened by a key.
    fn close_command(&mut self) {
        if !std::mem::take(&mut self.typing.is_command_open) {
            return;
        }
        self.typing.editor.begin("");
        self.erase();
        self.console.resume(&mut self.out.screen);
        self.let_go();
    }

    fn switch_mode(&mut self, now: Moment, mode: Mode) {
        if mode != self.choices.mode {
            self.choices.mode = mode;
            match mode {
                Mode::Line => {
                    let line = self.console.take_line();
                    self.out.screen.extend_from_slice(b"\r\x1b[K");
                    self.lines.begin(now, line);
                    self.out.has_settled = true;
                    self.out.is_stale = true;
                }
                Mode::Console => {
                    self.erase();
                    let line = self.lines.take_begun().map(|line| line.bytes).unwrap_or_default();
                    self.console.show(now, &line, &mut self.out.screen);
                }
            }
        }
        self.say(&format!("{} mode", mode.name()));
    }

    /// Sends what was typed; it is UTF-8.
    fn send(&mut self, now: Moment, bytes: Vec<u8>) {
        let is_text = self.surface.input != Input::Bytes && !self.choices.hex_input;
        match is_text.then(|| self.encoded(&bytes)) {
            Some(None) => {}
            Some(Some(encoded)) => self.send_as_it_is(now, encoded),
            None => self.send_as_it_is(now, bytes),
        }
    }

    pub(super) fn send_as_it_is(&mut self, now: Moment, bytes: Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.statistics.sent(&bytes);
        let typed = self.password.sent(&bytes);
        if self.choices.echo && typed == Typed::Open && self.choices.mode == Mode::Console {
            let shown = if self.choices.hex { bytes.clone() } else { echoed(&bytes) };
            self.console.show(now, &shown, &mut self.out.screen);
        }
        match typed {
            Typed::Open => self.out.orders.push_back(Order::Send(bytes)),
            Typed::Part => self.out.orders.push_back(Order::SendSecret(bytes)),
            Typed::Whole(secret) => {
                self.out.orders.push_back(Order::SendSecret(bytes));
                self.out.orders.push_back(Order::Secret(secret));
            }
        }
    }

    /// Returns a text in the encoding of the device; says so and returns nothing if the device's has no such character.
    fn encoded(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        let Some(encoding) = self.encoding else { return Some(text.to_vec()) };
        match encoding.encode_octets(text) {
            Ok(bytes) => Some(bytes),
            Err(c) => {
                self.say(&format!("{} has no character `{c}`: nothing was sent", encoding.name()));
                None
            }
        }
    }

    /// Returns the byte that a hex digit completes. What is no hex digit begins anew.
    fn byte_of_hex(&mut self, key: u8) -> Option<u8> {
        let digit = char::from(key).to_digit(16).map(|digit| digit as u8);
        match (self.typing.nibble.take(), digit) {
            (Some(high), Some(low)) => Some(high << 4 | low),
            (None, Some(high)) => {
                self.typing.nibble = Some(high);
                None
            }
            (_, None) => {
                if !matches!(key, b' ' | b'\r' | b'\n' | b'\t') {
                    self.say(&format!("`{}` is not a hex digit", visible_cut(&[key], 8)));
                }
                None
            }
        }
    }

    /// Returns a text with the line ends of the device.
    fn with_line_ends(&mut self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        for byte in text {
            let after_cr = std::mem::replace(&mut self.typing.after_cr, *byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\r' | b'\n' => out.extend_from_slice(&self.choices.line_end),
                other => out.push(*other),
            }
            self.typing.is_line_begun = !matches!(byte, b'\r' | b'\n');
        }
        out
    }
}

/// Returns bytes as a screen shows that they were typed.
fn echoed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' => out.extend_from_slice(b"\r\n"),
            b'\n' if at > 0 && bytes[at - 1] == b'\r' => {}
            b'\n' => out.extend_from_slice(b"\r\n"),
            0x7f | 0x08 => out.extend_from_slice(b"\x08 \x08"),
            0..=0x1f => out.extend_from_slice(&[b'^', byte + 0x40]),
            other => out.push(*other),
        }
    }
    out
}

/// Returns texts in columns that fit.
fn in_columns(texts: &[String], columns: usize) -> Vec<String> {
    const MOST: usize = 100;
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0) + 2;
    let in_row = (columns.saturating_sub(4) / width).max(1);
    let row = |texts: &[String]| texts.iter().map(|text| format!("{text:<width$}")).collect::<String>();
    let mut rows: Vec<String> =
        texts[..texts.len().min(MOST)].chunks(in_row).map(|texts| row(texts).trim_end().to_string()).collect();
    if texts.len() > MOST {
        rows.push(format!("and {} more", texts.len() - MOST));
    }
    rows
}

/// Completes the names of commands, and leaves the rest to another.
struct Commands<'a> {
    others: &'a dyn Completion,
}

impl Completion for Commands<'_> {
    fn complete(&self, line: &str) -> Vec<String> {
        match line.strip_prefix(':') {
            Some(name) if !name.contains(' ') => {
                let names = TABLE.iter().filter(|row| row.name.starts_with(name));
                names.map(|row| format!(":{}{}", row.name, if row.argument.is_empty() { "" } else { " " })).collect()
            }
            Some(_) | None => self.others.complete(line),
        }
    }
}
