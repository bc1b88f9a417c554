//! `Board`: several runs at once on a terminal, a line that moves for each port.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use super::live::{Live, columns, cut};
use super::screen::Screen;
use super::{Sink, Wants};
use crate::diagnostic::render::Look;
use crate::event::{Event, EventKind, Progress, Waiting};
use crate::source::Sources;
use crate::time::Moment;
use crate::value::escape::harmless;

/// A port has so many columns at most.
const NAME_WIDTH: usize = 24;
/// The lines are not written again before so much time is over: a little less than a run waits to be looked at again.
const REST: Duration = Duration::from_millis(200);

/// The last lines of a terminal, one for each run that goes on.
pub struct Board<'a> {
    screen: Screen<'a>,
    sources: &'a Sources,
    look: Look,
    rows: Vec<Row>,
    /// When they were written; `None` writes them at once.
    shown_at: Option<Moment>,
}

/// One run.
struct Row {
    port: String,
    live: Live,
    /// What it waits for; `None` before it began and after its end.
    why: Option<Waiting>,
    /// What was shown last.
    line: String,
}

/// The place of one run on a board.
pub struct Place<'a> {
    board: Rc<RefCell<Board<'a>>>,
    number: usize,
}

impl<'a> Board<'a> {
    /// Makes a board of at most `height` lines for the runs on these ports, and a place for each.
    pub fn new(
        out: impl Write + 'a,
        sources: &'a Sources,
        look: Look,
        height: usize,
        ports: &[String],
    ) -> (Rc<RefCell<Board<'a>>>, Vec<Place<'a>>) {
        let row = |port: &String| Row {
            port: cut(&harmless(port), NAME_WIDTH, look.style),
            live: Live::default(),
            why: None,
            line: String::new(),
        };
        let rows = ports.iter().map(row).collect();
        let board = Board { screen: Screen::new(out, height), sources, look, rows, shown_at: None };
        let board = Rc::new(RefCell::new(board));
        let places = (0..ports.len()).map(|number| Place { board: board.clone(), number }).collect();
        (board, places)
    }

    /// Takes the lines away: something else is about to be written. They come back with the next wait.
    pub fn erase(&mut self) {
        self.screen.erase();
        self.shown_at = None;
    }

    /// Writes the lines again, if it is time.
    fn draw(&mut self, now: Moment) -> io::Result<()> {
        if self.shown_at.is_some_and(|at| now < at + REST) {
            return Ok(());
        }
        let names = self.rows.iter().map(|row| columns(&row.port)).max().unwrap_or(0);
        let room = self.look.width.saturating_sub(names + 3).max(8);
        let mut lines = Vec::new();
        for row in &mut self.rows {
            let Some(why) = &row.why else { continue };
            if let Some(line) = row.live.line(now, why, self.sources, self.look, room) {
                row.line = line;
            }
            let pad = " ".repeat(names - columns(&row.port));
            lines.push(format!("{}{pad}  {}", row.port, row.line));
        }
        self.shown_at = Some(now);
        self.screen.show(lines, self.look.style)
    }
}

impl Sink for Place<'_> {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        let row = &mut self.board.borrow_mut().rows[self.number];
        row.live.tell(event);
        if matches!(event.kind, EventKind::RunEnded { .. }) {
            row.why = None;
        }
        Ok(())
    }

    fn wants(&self) -> Wants {
        Wants { traffic: true, waits: true }
    }

    fn progress(&mut self, progress: &Progress) {
        self.board.borrow_mut().rows[self.number].live.progress(progress);
    }

    fn waiting(&mut self, now: Moment, why: &Waiting) -> io::Result<()> {
        let mut board = self.board.borrow_mut();
        board.rows[self.number].why = Some(why.clone());
        board.draw(now)
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::diagnostic::render::Style;
    use crate::event::Verdict;
    use crate::port_id::PortId;
    use crate::report::summary;
    use crate::source::{Site, Span};

    /// What is written, for a test to read while it grows.
    #[derive(Clone, Default)]
    struct Written(Rc<RefCell<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        fn take(&self) -> String {
            let bytes = std::mem::take(&mut *self.0.borrow_mut());
            String::from_utf8_lossy(&bytes).replace('\r', "<cr>").replace('\u{1b}', "<esc>")
        }
    }

    #[test]
    fn each_run_has_a_line_that_moves_until_its_end() {
        let (sources, _) = summary::tests::example();
        let (id, _) = sources.iter().nth(1).expect("the example has two sources");
        let site = Site { source: id, span: Span::new(57, 83) };
        let why = Waiting::Match { site, deadline: Some(Moment::from_millis(5000)) };
        let written = Written::default();
        let look = Look { width: 70, style: Style::Plain };
        let ports = ["/dev/ttyUSB0", "m4", "m5"].map(String::from);
        let (board, mut places) = Board::new(written.clone(), &sources, look, 2, &ports);
        let mut wait = |number: usize, ms: u64| {
            let what = "line \"OK\"".to_string();
            places[number].progress(&Progress { what, begun: Moment::START, came: number, moved: None });
            places[number].waiting(Moment::from_millis(ms), &why).expect("memory takes everything");
            written.take()
        };
        assert_snapshot!(wait(0, 0), @"/dev/ttyUSB0  ⠋ waits for line \"OK\" (lib/air… · 0.0 of 5 s · 0 B came");
        assert_eq!(wait(1, 100), "", "not so often");
        assert_snapshot!(wait(1, 250), @r#"
        <cr><esc>[J/dev/ttyUSB0  ⠙ waits for line "OK" (lib/air… · 0.2 of 5 s · 0 B came<cr>
        m4            ⠙ waits for line "OK" (lib/air… · 0.2 of 5 s · 1 B came
        "#);
        assert_snapshot!(wait(2, 500), @r#"
        <cr><esc>[A<esc>[J/dev/ttyUSB0  ⠹ waits for line "OK" (lib/air… · 0.5 of 5 s · 0 B came<cr>
        … and 2 more
        "#);
        let kind = EventKind::RunEnded { verdict: Verdict::Passed, checks: 1 };
        let event = Event { at: Moment::START, port: PortId::FIRST, site: None, kind };
        places[0].tell(&event).expect("memory takes everything");
        board.borrow_mut().erase();
        assert_eq!(written.take(), "<cr><esc>[A<esc>[J");
        places[2].waiting(Moment::from_millis(501), &why).expect("memory takes everything");
        assert!(written.take().starts_with("m4  "), "they come back at once");
    }
}
