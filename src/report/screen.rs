//! `Screen`: the last lines of a terminal, written again and again.

use std::io::{self, Write};

use crate::diagnostic::render::Style;

/// Lines that stand on a terminal, below what was written before.
pub(super) struct Screen<'a> {
    out: Box<dyn Write + 'a>,
    /// So many lines fit at most.
    height: usize,
    /// So many lines stand on the terminal now.
    n_shown: usize,
}

impl<'a> Screen<'a> {
    /// Makes a screen of at most so many lines.
    pub(super) fn new(out: impl Write + 'a, height: usize) -> Screen<'a> {
        Screen { out: Box::new(out), height: height.max(1), n_shown: 0 }
    }

    /// Takes the lines away: something else is about to be written.
    pub(super) fn erase(&mut self) {
        if self.n_shown > 0 {
            let text = format!("\r{}\u{1b}[J", "\u{1b}[A".repeat(self.n_shown - 1));
            // The next write reports that a terminal is gone.
            let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        }
        self.n_shown = 0;
    }

    /// Writes lines in the place of those that stand there; of more than fit, the last say how many.
    pub(super) fn show(&mut self, mut lines: Vec<String>, style: Style) -> io::Result<()> {
        if lines.len() > self.height {
            let dots = if style == Style::Ascii { "..." } else { "…" };
            let n_more = lines.len() - (self.height - 1);
            lines.truncate(self.height - 1);
            lines.push(format!("{dots} and {n_more} more"));
        }
        self.erase();
        self.n_shown = lines.len();
        self.out.write_all(lines.join("\r\n").as_bytes())?;
        self.out.flush()
    }
}
