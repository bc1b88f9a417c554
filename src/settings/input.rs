//! The control lines that are no setting: those that the device switches, and what a device sees of those of the host.

use std::fmt;

/// A control line that the device switches and the host reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputLine {
    /// Clear to send.
    Cts,
    /// Data set ready.
    Dsr,
    /// Data carrier detect.
    Dcd,
    /// Ring indicator.
    Ri,
}

impl InputLine {
    /// All of them, in the order in which messages show them.
    pub const ALL: [InputLine; 4] = [InputLine::Cts, InputLine::Dsr, InputLine::Dcd, InputLine::Ri];

    /// Returns the word of flows: `cts`.
    pub fn word(self) -> &'static str {
        match self {
            InputLine::Cts => "cts",
            InputLine::Dsr => "dsr",
            InputLine::Dcd => "dcd",
            InputLine::Ri => "ri",
        }
    }

    /// Returns the line with this word.
    pub fn of_word(word: &str) -> Option<InputLine> {
        InputLine::ALL.into_iter().find(|line| line.word() == word)
    }
}

impl fmt::Display for InputLine {
    /// Writes the name that messages use: `CTS`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word().to_uppercase())
    }
}

/// The states of all four lines at one moment; all are off at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputLines {
    /// One bit for each [`InputLine`] that is on.
    bits: u8,
}

impl InputLines {
    /// Returns whether a line is on.
    pub fn is_on(self, line: InputLine) -> bool {
        self.bits & (1 << line as u8) != 0
    }

    /// Switches a line.
    pub fn switch(&mut self, line: InputLine, on: bool) {
        let bit = 1 << line as u8;
        self.bits = if on { self.bits | bit } else { self.bits & !bit };
    }

    /// Returns them as a recording has them: `cts=on dsr=off dcd=off ri=off`.
    pub fn note(self) -> String {
        self.joined(" ", |line, state| format!("{}={state}", line.word()))
    }

    /// Returns them as a device file switches them: `cts on dsr off dcd off ri off`.
    pub fn statement(self) -> String {
        self.joined(" ", |line, state| format!("{} {state}", line.word()))
    }

    /// Reads what [`InputLines::note`] wrote.
    pub fn read(text: &str) -> Option<InputLines> {
        let mut lines = InputLines::default();
        for word in text.split(' ') {
            let (line, state) = word.split_once('=')?;
            let on = match state {
                "on" => true,
                "off" => false,
                _ => return None,
            };
            lines.switch(InputLine::of_word(line)?, on);
        }
        Some(lines)
    }

    fn joined(self, between: &str, show: impl Fn(InputLine, &str) -> String) -> String {
        let shown = InputLine::ALL.map(|line| show(line, if self.is_on(line) { "on" } else { "off" }));
        shown.join(between)
    }
}

impl fmt::Display for InputLines {
    /// Writes the states as messages show them: `CTS on, DSR off, DCD off, RI off`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined(", ", |line, state| format!("{line} {state}")))
    }
}

/// Something that the host does with its control lines, as a device sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It switches DTR on or off.
    Dtr(bool),
    /// It switches RTS on or off.
    Rts(bool),
    /// It begins to hold the line in break.
    Break,
}

impl fmt::Display for Signal {
    /// Writes what stands after `on` in a device file: `dtr off`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Dtr(true) => "dtr on",
            Signal::Dtr(false) => "dtr off",
            Signal::Rts(true) => "rts on",
            Signal::Rts(false) => "rts off",
            Signal::Break => "break",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_switched_alone_and_a_note_is_read_as_it_was_written() {
        for line in InputLine::ALL {
            let mut lines = InputLines::default();
            lines.switch(line, true);
            assert_eq!(InputLine::ALL.map(|one| lines.is_on(one)), InputLine::ALL.map(|one| one == line));
            assert_eq!(InputLines::read(&lines.note()), Some(lines));
            lines.switch(line, false);
            assert_eq!(lines, InputLines::default());
        }
    }

    #[test]
    fn a_note_of_something_else_is_not_read() {
        for text in ["", "cts", "cts=high", "xyz=on", "dtr=on rts=keep"] {
            assert_eq!(InputLines::read(text), None, "{text}");
        }
    }
}
