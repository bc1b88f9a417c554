//! `Table`: several runs that are over, a row for each: its port, its verdict, and the step that it ended in.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use super::live::columns;
use super::{Sink, Wants};
use crate::diagnostic::render::Style;
use crate::event::{Event, EventKind, Verdict};
use crate::source::Sources;
use crate::value::escape::harmless;

/// What stands above the columns.
const HEAD: [&str; 3] = ["port", "verdict", "ended in"];

/// Several runs, in the order of their ports.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Rc<RefCell<Row>>>,
}

/// What one of several runs tells its row.
#[derive(Debug)]
pub struct Place {
    row: Rc<RefCell<Row>>,
}

#[derive(Debug, Default)]
struct Row {
    port: String,
    /// `None` for a run that never ended.
    verdict: Option<Verdict>,
    steps: Steps,
}

/// The step that a run is in, for what is said of it when it is over.
#[derive(Debug, Default)]
pub struct Steps {
    /// The steps that have begun and not ended, outermost first.
    open: Vec<String>,
    /// The step that began last, and those around it.
    last: Vec<String>,
    /// The steps around the failure that was told last.
    failed_in: Option<Vec<String>>,
}

impl Table {
    /// Makes a table of the runs on these ports, and a place for each.
    pub fn new(ports: &[String]) -> (Table, Vec<Place>) {
        let row = |port: &String| Rc::new(RefCell::new(Row { port: harmless(port), ..Row::default() }));
        let rows: Vec<_> = ports.iter().map(row).collect();
        let places = rows.iter().map(|row| Place { row: row.clone() }).collect();
        (Table { rows }, places)
    }

    /// Takes note of how a run ended.
    pub fn ended(&mut self, number: usize, verdict: Verdict) {
        if let Some(row) = self.rows.get(number) {
            row.borrow_mut().verdict = Some(verdict);
        }
    }

    /// Returns the table: whole lines however wide they are, with what is secret in the texts covered.
    pub fn render(&self, sources: &Sources, style: Style) -> String {
        let arrow = if style == Style::Ascii { " > " } else { " › " };
        let cells = |row: &Rc<RefCell<Row>>| {
            let row = row.borrow();
            let verdict = row.verdict.map_or("not run", Verdict::title).to_string();
            let step = harmless(sources.covered(&row.step().join(arrow)));
            [row.port.clone(), verdict, if step.is_empty() { "-".to_string() } else { step }]
        };
        let lines: Vec<[String; 3]> = [HEAD.map(String::from)].into_iter().chain(self.rows.iter().map(cells)).collect();
        aligned(&lines)
    }
}

/// A cell that is wider moves the rest of its own row and of no other: one long name must not push a whole table off the screen.
const WIDEST: usize = 64;

/// Returns how wide a column of these cells is: as its widest cell, without those that are too wide for a table.
pub fn width_of_column<'a>(cells: impl Iterator<Item = &'a str>) -> usize {
    cells.map(columns).filter(|width| *width <= WIDEST).max().unwrap_or(0)
}

/// Returns lines of cells, each column as wide as [`width_of_column`] says; the last one ends the line.
pub fn aligned<const N: usize>(lines: &[[String; N]]) -> String {
    let wide = |column: usize| width_of_column(lines.iter().map(|cells| cells[column].as_str()));
    let widths: Vec<usize> = (0..N).map(wide).collect();
    let line = |cells: &[String; N]| {
        let mut line = String::new();
        for (cell, width) in cells[..N - 1].iter().zip(&widths) {
            line = format!("{line}{cell}{}  ", " ".repeat(width.saturating_sub(columns(cell))));
        }
        format!("{}\n", format!("{line}{}", cells[N - 1]).trim_end())
    };
    lines.iter().map(line).collect()
}

impl Row {
    /// Returns the step that the run ended in, behind those around it: where it failed, or else the last one.
    fn step(&self) -> &[String] {
        self.verdict.map_or(&self.steps.last, |verdict| self.steps.ended_in(verdict))
    }
}

impl Steps {
    /// Returns the step that a run with this verdict ended in, behind those around it: where it failed, or else the last one.
    pub fn ended_in(&self, verdict: Verdict) -> &[String] {
        self.failed_in.as_deref().filter(|_| !verdict.is_success()).unwrap_or(&self.last)
    }
}

impl Sink for Place {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        self.row.borrow_mut().steps.tell(event)
    }

    fn wants(&self) -> Wants {
        Wants { traffic: false, waits: false }
    }
}

impl Sink for Steps {
    fn tell(&mut self, event: &Event) -> io::Result<()> {
        match &event.kind {
            EventKind::StepBegan { title, .. } => {
                self.open.push(title.clone());
                self.last = self.open.clone();
            }
            EventKind::StepEnded { .. } => drop(self.open.pop()),
            EventKind::Failed(failure) => self.failed_in = Some(failure.steps.clone()),
            EventKind::RunStarted(_)
            | EventKind::Opened
            | EventKind::Closed(_)
            | EventKind::Sent { .. }
            | EventKind::Received { .. }
            | EventKind::Matched { .. }
            | EventKind::Captured { .. }
            | EventKind::Measured(_)
            | EventKind::Saved { .. }
            | EventKind::Logged { .. }
            | EventKind::HookSaid { .. }
            | EventKind::Noted { .. }
            | EventKind::Transfer(_)
            | EventKind::Skipped { .. }
            | EventKind::CleanupFailed(_)
            | EventKind::RunEnded { .. } => {}
        }
        Ok(())
    }

    fn wants(&self) -> Wants {
        Wants { traffic: false, waits: false }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{Failure, StepOutcome};
    use crate::port_id::PortId;
    use crate::report::summary;
    use crate::source::Source;
    use crate::time::Moment;

    fn tell(place: &mut Place, kind: EventKind) {
        let event = Event { at: Moment::START, port: PortId::FIRST, site: None, kind };
        place.tell(&event).expect("memory takes everything");
    }

    fn begin(place: &mut Place, title: &str) {
        tell(place, EventKind::StepBegan { title: title.to_string(), attempt: 1, attempts: 1, depth: 0 });
    }

    fn end(place: &mut Place, outcome: StepOutcome) {
        tell(place, EventKind::StepEnded { title: String::new(), outcome, attempt: 1, took: Duration::ZERO, depth: 0 });
    }

    fn failure(steps: &[&str]) -> EventKind {
        let (_, failure) = summary::tests::example_failure();
        let steps = steps.iter().map(ToString::to_string).collect();
        EventKind::Failed(Box::new(Failure { steps, ..failure }))
    }

    #[test]
    fn each_run_has_a_row_with_the_step_that_it_ended_in() {
        let ports = ["/dev/ttyUSB2", "tcp://10.0.0.5:4001", "/tmp/a\u{1b}b", "labgrid:board-1"].map(String::from);
        let (mut table, mut places) = Table::new(&ports);
        // It passes; a failure that another attempt made good does not count.
        begin(&mut places[0], "attach");
        tell(&mut places[0], failure(&["attach"]));
        end(&mut places[0], StepOutcome::WillRetry);
        begin(&mut places[0], "attach");
        end(&mut places[0], StepOutcome::Passed);
        begin(&mut places[0], "publish");
        end(&mut places[0], StepOutcome::Passed);
        // It fails in a step inside of another, and a clean-up has a step too.
        begin(&mut places[1], "attach");
        begin(&mut places[1], "sign in with hunter2");
        tell(&mut places[1], failure(&["attach", "sign in with hunter2"]));
        end(&mut places[1], StepOutcome::Failed);
        end(&mut places[1], StepOutcome::Failed);
        begin(&mut places[1], "switch off");
        end(&mut places[1], StepOutcome::Passed);
        for (number, verdict) in [Verdict::Passed, Verdict::Failed, Verdict::PortFailed].into_iter().enumerate() {
            table.ended(number, verdict);
        }
        let mut sources = Sources::default();
        sources.add(Source::new("a.flow", ""));
        sources.hide(b"hunter2");
        let shown = [
            "port                 verdict      ended in",
            "/dev/ttyUSB2         passed       publish",
            "tcp://10.0.0.5:4001  failed       attach › sign in with *******",
            "/tmp/a\\x1bb          port failed  -",
            "labgrid:board-1      not run      -",
        ];
        assert_eq!(table.render(&sources, Style::Plain).lines().collect::<Vec<_>>(), shown);
        assert!(table.render(&sources, Style::Ascii).is_ascii());
    }

    #[test]
    fn the_document_shows_a_table_as_it_is() {
        let document = include_str!("../../docs/ports.md");
        let shown = document.split("$ flowrun login.flow").nth(1).and_then(|rest| rest.split("```").next());
        let shown: Vec<&str> = shown.expect("it has an example").lines().filter(|line| line.contains("  ")).collect();
        let ports = ["labgrid:board-1", "labgrid:board-2", "labgrid:board-3"].map(String::from);
        let (mut table, mut places) = Table::new(&ports);
        begin(&mut places[0], "log in");
        tell(&mut places[1], failure(&["boot"]));
        for (number, verdict) in [Verdict::Passed, Verdict::Failed, Verdict::PortFailed].into_iter().enumerate() {
            table.ended(number, verdict);
        }
        let rendered = table.render(&Sources::default(), Style::Plain);
        assert_eq!(shown[shown.len() - 4..], rendered.lines().collect::<Vec<_>>());
    }
}
