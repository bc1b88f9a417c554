//! What stands on the screen: lines above the editor, messages, and what was held back.

use super::choice::Mode;
use super::command::TABLE;
use super::console::hex_rows;
use super::editor::Shown;
use super::lines::Line;
use super::{Input, MOST_HELD, Notes, Term};
use crate::time::Moment;
use crate::value::escape::{harmless, visible};

impl Term {
    /// Shows what came in line mode.
    pub(super) fn show_lines(&mut self, now: Moment, bytes: &[u8]) {
        let lines = self.lines.take(now, bytes);
        self.out.has_settled = self.out.has_settled && lines.is_empty();
        if lines.is_empty() {
            // A prompt goes on at once; what begins waits until it is a prompt or a line.
            self.out.is_stale |= self.out.has_settled;
            return;
        }
        self.out.is_stale = true;
        self.above(|term, out| lines.iter().for_each(|line| term.put_line(line, out)));
    }

    /// Takes what has not ended for a prompt, or for all that there is.
    pub(super) fn settle(&mut self, _now: Moment) {
        self.out.has_settled = true;
        self.out.is_stale = true;
        if self.choices.hex
            && let Some(line) = self.lines.take_begun()
        {
            self.out.has_settled = false;
            self.above(|term, out| term.put_line(&line, out));
        }
    }

    /// Puts a complete line: the only place that makes text of one.
    pub(super) fn put_line(&mut self, line: &Line, out: &mut Vec<u8>) {
        let stamp = self.console.stamp(line.at);
        if self.choices.hex {
            for row in hex_rows(&line.bytes) {
                out.extend_from_slice(format!("{stamp}{row}\r\n").as_bytes());
            }
            return;
        }
        let text = (self.paint)(&line.bytes, visible_text(&line.bytes));
        out.extend_from_slice(format!("{stamp}{text}\r\n").as_bytes());
    }

    /// Shows a message of the terminal itself.
    pub(super) fn say(&mut self, text: &str) {
        self.say_lines(&[harmless(text)]);
    }

    /// Shows messages, a line each.
    pub(super) fn say_lines(&mut self, lines: &[String]) {
        if self.surface.notes == Notes::Apart {
            let end = if self.surface.input == Input::Keys { "\r\n" } else { "\n" };
            lines.iter().for_each(|line| self.out.notes.extend_from_slice(format!("-- {line}{end}").as_bytes()));
            return;
        }
        let (dim, plain) = if self.surface.has_colours { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        let put = |out: &mut Vec<u8>| {
            lines.iter().for_each(|line| out.extend_from_slice(format!("{dim}-- {line}{plain}\r\n").as_bytes()));
        };
        if self.has_editor() || self.choices.mode == Mode::Line {
            return self.above(|_, out| put(out));
        }
        self.console.break_row(&mut self.out.screen);
        put(&mut self.out.screen);
        self.console.resume(&mut self.out.screen);
    }

    /// Returns the keys and the commands.
    pub(super) fn help(&self) -> Vec<String> {
        let escape = self.choices.escape.map_or_else(|| "no escape key".to_string(), key_name);
        let mut lines = vec![format!("{escape} and a key, or a command after `:` ({escape} : in console mode)")];
        lines.extend(TABLE.iter().map(|row| {
            let key = row.key.map_or(' ', |key| key);
            let command = format!(":{} {}", row.name, row.argument);
            format!("{key}  {:<32} {}", command.trim_end(), row.help)
        }));
        lines.push(format!("{escape} {escape} sends the escape key itself"));
        lines
    }

    /// Whether what comes is not shown now.
    pub(super) fn holds_back(&self) -> bool {
        self.held.is_paused || self.typing.is_command_open
    }

    /// Holds back what came. What is too much is lost, the oldest first.
    pub(super) fn hold_back(&mut self, now: Moment, bytes: Vec<u8>, text: Vec<u8>) {
        self.held.n_bytes += bytes.len();
        self.held.pieces.push_back((now, bytes, text));
        while self.held.n_bytes > MOST_HELD
            && let Some((_, bytes, _)) = self.held.pieces.pop_front()
        {
            self.held.n_bytes -= bytes.len();
            self.statistics.not_shown(bytes.len());
        }
    }

    /// Shows what was held back, if nothing holds it back any more.
    pub(super) fn let_go(&mut self) {
        if self.holds_back() {
            return;
        }
        self.held.n_bytes = 0;
        for (at, bytes, text) in std::mem::take(&mut self.held.pieces) {
            let shown = if self.choices.hex { &bytes } else { &text };
            match self.choices.mode {
                Mode::Console => self.console.show(at, shown, &mut self.out.screen),
                Mode::Line => self.show_lines(at, shown),
            }
        }
    }

    /// Whether the last row belongs to an editor.
    pub(super) fn has_editor(&self) -> bool {
        self.surface.input == Input::Keys && (self.choices.mode == Mode::Line || self.typing.is_command_open)
    }

    /// Puts something above the row of the editor.
    pub(super) fn above(&mut self, put: impl FnOnce(&mut Term, &mut Vec<u8>)) {
        self.erase();
        let mut out = std::mem::take(&mut self.out.screen);
        put(self, &mut out);
        self.out.screen = out;
    }

    /// Clears the row of the editor.
    pub(super) fn erase(&mut self) {
        if std::mem::take(&mut self.out.is_drawn) {
            self.out.screen.extend_from_slice(b"\r\x1b[K");
            self.out.is_stale = true;
        }
    }

    /// Draws the row of the editor, if it is not as it should be.
    pub(super) fn draw(&mut self) {
        if !self.has_editor() || !std::mem::take(&mut self.out.is_stale) {
            return;
        }
        if !self.out.is_drawn && self.choices.mode == Mode::Console {
            self.console.break_row(&mut self.out.screen);
        }
        let prompt = self.prompt();
        let shown = if self.hides() { Shown::Hidden } else { Shown::Plain };
        self.typing.editor.draw(&prompt, self.surface.columns, shown, &mut self.out.screen);
        self.out.is_drawn = true;
    }

    /// Returns what stands before what is typed: the device's own prompt, if it shows one.
    pub(super) fn prompt(&self) -> String {
        if let Some(search) = self.typing.editor.search_prompt() {
            return search;
        }
        if self.typing.is_command_open {
            return String::new();
        }
        let begun = self.lines.begun();
        if begun.is_empty() || !self.out.has_settled { "> ".to_string() } else { visible_text(begun) }
    }

    /// Whether what is typed is a secret.
    pub(super) fn hides(&self) -> bool {
        self.choices.mode == Mode::Line && !self.typing.is_command_open && self.password.stands()
    }
}

/// Returns the text of a line with nothing in it that a terminal obeys. A tab is as wide as a terminal makes it.
fn visible_text(bytes: &[u8]) -> String {
    let parts: Vec<String> = bytes.split(|byte| *byte == b'\\').map(visible).collect();
    let text = parts.join("\\");
    text.replace("\\t", "    ")
}

/// Returns what a control key is called.
pub(super) fn key_name(byte: u8) -> String {
    match byte {
        0x1b => "Esc".to_string(),
        0..=0x1f => format!("Ctrl-{}", char::from(byte + 0x40)),
        other => char::from(other).to_string(),
    }
}
