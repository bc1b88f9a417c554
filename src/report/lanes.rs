//! `Lanes`: the runs of rows on a terminal, a line that moves for each that goes on, and how many are over.

use std::io::Write;
use std::time::Duration;

use super::live::{columns, cut};
use super::screen::Screen;
use crate::diagnostic::render::Look;
use crate::event::Verdict;
use crate::time::Moment;
use crate::value::escape::harmless;

/// The name of a run has so many columns at most.
const NAME_WIDTH: usize = 32;
/// The lines are not written again before so much time is over.
const REST: Duration = Duration::from_millis(200);

/// The runs that go on; without a terminal only their names.
pub struct Lanes<'a> {
    screen: Option<Screen<'a>>,
    look: Look,
    lanes: Vec<Option<Lane>>,
    n_rows: usize,
    n_passed: usize,
    n_failed: usize,
    shown_at: Option<Moment>,
}

struct Lane {
    title: String,
    line: String,
}

impl<'a> Lanes<'a> {
    /// Makes lanes for so many runs at once of so many rows; `out` is a terminal of so many lines.
    pub fn new(out: Option<(impl Write + 'a, usize)>, look: Look, n_lanes: usize, n_rows: usize) -> Lanes<'a> {
        let screen = out.map(|(out, height)| Screen::new(out, height));
        let lanes = (0..n_lanes).map(|_| None).collect();
        Lanes { screen, look, lanes, n_rows, n_passed: 0, n_failed: 0, shown_at: None }
    }

    /// Takes note that a run begins.
    pub fn begins(&mut self, lane: usize, title: &str) {
        self.lanes[lane] = Some(Lane { title: harmless(title), line: String::new() });
    }

    /// Takes note of what a run waits for.
    pub fn moves(&mut self, lane: usize, line: String) {
        if let Some(lane) = &mut self.lanes[lane] {
            lane.line = line;
        }
    }

    /// Takes note that a run is over.
    pub fn ends(&mut self, lane: usize) {
        self.lanes[lane] = None;
    }

    /// Takes note of how a run ended.
    pub fn count(&mut self, verdict: Verdict) {
        if verdict.is_success() {
            self.n_passed += 1;
        } else {
            self.n_failed += 1;
        }
    }

    /// Returns what a run is called; empty if none goes on there.
    pub fn title(&self, lane: usize) -> &str {
        self.lanes[lane].as_ref().map_or("", |lane| &lane.title)
    }

    /// Takes the lines away: something else is about to be written. They come back with the next draw.
    pub fn erase(&mut self) {
        if let Some(screen) = &mut self.screen {
            screen.erase();
        }
        self.shown_at = None;
    }

    /// Writes the lines again, if it is time.
    pub fn draw(&mut self, now: Moment) {
        let Some(screen) = &mut self.screen else { return };
        if self.shown_at.is_some_and(|at| now < at + REST) {
            return;
        }
        self.shown_at = Some(now);
        let style = self.look.style;
        let failed = if self.n_failed > 0 { format!(", {} failed", self.n_failed) } else { String::new() };
        let summary =
            format!("{} of {} rows: {} passed{failed}", self.n_passed + self.n_failed, self.n_rows, self.n_passed);
        let lanes = || self.lanes.iter().flatten().filter(|lane| !lane.line.is_empty());
        let name = |lane: &Lane| cut(&lane.title, NAME_WIDTH, style);
        let names = lanes().map(|lane| columns(&name(lane))).max().unwrap_or(0);
        let room = self.look.width.saturating_sub(names + 3).max(8);
        let line = |lane: &Lane| {
            let name = name(lane);
            format!("{name}{}  {}", " ".repeat(names - columns(&name)), cut(&lane.line, room, style))
        };
        let lines = std::iter::once(summary).chain(lanes().map(line)).collect();
        // The next write of a verdict reports that the terminal is gone.
        let _ = screen.show(lines, style);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::render::Style;

    #[test]
    fn each_run_that_goes_on_has_a_line_below_the_sum() {
        let look = Look { width: 48, style: Style::Plain };
        let mut out = Vec::new();
        let mut lanes = Lanes::new(Some((&mut out, 5)), look, 3, 100);
        lanes.begins(0, "SN000001 on /dev/ttyUSB0");
        lanes.begins(2, "SN000003 on m3");
        lanes.moves(2, "⠋ waits for line \"OK\" · 0.1 of 5 s".to_string());
        lanes.count(Verdict::Passed);
        lanes.count(Verdict::Failed);
        lanes.draw(Moment::from_millis(0));
        lanes.moves(0, "⠋ opens the port".to_string());
        lanes.draw(Moment::from_millis(100));
        lanes.draw(Moment::from_millis(250));
        assert_eq!((lanes.title(0), lanes.title(1)), ("SN000001 on /dev/ttyUSB0", ""));
        lanes.erase();
        drop(lanes);
        let text = String::from_utf8_lossy(&out).replace('\r', "<cr>").replace('\u{1b}', "<esc>");
        let expected = "2 of 100 rows: 1 passed, 1 failed<cr>\nSN000003 on m3  ⠋ waits for line \"OK\" · 0.1 of…\
                        <cr><esc>[A<esc>[J2 of 100 rows: 1 passed, 1 failed<cr>\nSN000001 on /dev/ttyUSB0  ⠋ opens the port\
                        <cr>\nSN000003 on m3            ⠋ waits for line \"OK…<cr><esc>[A<esc>[A<esc>[J";
        assert_eq!(text, expected);
    }
}
