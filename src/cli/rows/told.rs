//! `Teller`: keeps and tells what came of each row, in this order.

use super::crew::{Chief, Next};
use super::row_id::RowIds;
use super::work::{Done, Job};
use super::{Berth, Shop};
use crate::cli::Ending;
use crate::cli::many::{sums, worst};
use crate::cli::outputs::Written;
use crate::cli::refusal::{refuse, tell_others};
use crate::diagnostic::render::Style;
use crate::event::Verdict;
use crate::origin::Origin;
use crate::report::console::Volume;
use crate::report::lanes::Lanes;
use crate::report::table::aligned;
use crate::rows::{Ended, ResultsFile};
use crate::setup::SetupError;
use crate::time::Moment;
use crate::value::escape::harmless;

/// What stands above the columns of the table.
const HEAD: [&str; 4] = ["row", "port", "verdict", "ended in"];
/// Of the rows that passed so many are in the table at most.
const MOST_PASSED: usize = 40;

/// Tells of rows.
pub(super) struct Teller<'a> {
    shop: &'a Shop<'a>,
    results: Option<ResultsFile>,
    ids: RowIds,
    flow_id: String,
    /// What came of each row, in the order in which they ended.
    told: Vec<Told>,
    written: Written,
    n_cleanups_failed: u64,
}

/// A row that is over.
struct Told {
    row: usize,
    port: usize,
    verdict: Verdict,
    steps: Vec<String>,
}

impl<'a> Teller<'a> {
    /// Makes a teller of rows; `ids` are the digests of the rows and of the flow.
    pub(super) fn new(
        shop: &'a Shop<'a>,
        results: Option<ResultsFile>,
        (ids, flow_id): (RowIds, String),
    ) -> Teller<'a> {
        let written = Written::Everything;
        Teller { shop, results, ids, flow_id, told: Vec::new(), written, n_cleanups_failed: 0 }
    }

    /// Shows the table and the sum, and returns how the command ends.
    pub(super) fn finish(self, left_out: &[bool], was_interrupted: bool) -> Ending {
        let Teller { shop, told, .. } = &self;
        let verdicts: Vec<Verdict> = told.iter().map(|told| told.verdict).collect();
        let n_left_out = left_out.iter().filter(|is_left_out| **is_left_out).count();
        let n_not_run = shop.units.len() - n_left_out - told.len();
        if shop.arguments.output.volume() == Volume::Normal && !told.is_empty() {
            let table = self.table(left_out, shop.terminal.look().style);
            shop.terminal.say(&format!("\n{table}"));
        }
        let mut sums = sums(&verdicts, self.n_cleanups_failed);
        let others = [(n_left_out, "passed before"), (n_not_run, "not run")];
        sums.extend(others.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
        let n = shop.units.len();
        shop.terminal.say(&format!("{n} {}: {}\n", if n == 1 { "row" } else { "rows" }, sums.join(", ")));
        let worst = if was_interrupted { Verdict::Interrupted } else { worst(&verdicts) };
        let is_short = n_not_run > 0 && worst.is_success();
        if is_short { Ending::Unwritten } else { self.written.ending(worst) }
    }

    /// Returns a table of all rows, those first that want attention.
    fn table(&self, left_out: &[bool], style: Style) -> String {
        let arrow = if style == Style::Ascii { " > " } else { " › " };
        let units = &self.shop.units;
        let mut told: Vec<&Told> = self.told.iter().collect();
        told.sort_by_key(|told| (told.verdict.is_success(), told.row));
        let cells = |told: &&Told| {
            let step = harmless(told.steps.join(arrow));
            let port = self.shop.berths[told.port].title.clone();
            let step = if step.is_empty() { "-".to_string() } else { step };
            [units[told.row].name.clone(), port, told.verdict.title().to_string(), step]
        };
        let (good, bad): (Vec<&Told>, Vec<&Told>) = told.into_iter().partition(|told| told.verdict.is_success());
        let is_told = |row: &usize| self.told.iter().any(|told| told.row == *row);
        let dash = || "-".to_string();
        let not_run = (0..units.len()).filter(|row| !left_out[*row] && !is_told(row));
        let not_run = not_run.map(|row| [units[row].name.clone(), dash(), "not run".to_string(), dash()]);
        let head = std::iter::once(HEAD.map(String::from));
        let lines = head.chain(bad.iter().map(cells)).chain(not_run).chain(good.iter().take(MOST_PASSED).map(cells));
        let table = aligned(&lines.collect::<Vec<_>>());
        let n_more = good.len().saturating_sub(MOST_PASSED);
        let dots = if style == Style::Ascii { "..." } else { "…" };
        if n_more > 0 { format!("{table}{dots} and {n_more} more that passed\n") } else { table }
    }

    /// Returns the line of a row in the file of results.
    fn ended(&self, row: usize, port: usize, done: &Done) -> Ended {
        let unit = &self.shop.units[row];
        let clean = |text: &String| done.redactor.clean_text(text);
        Ended {
            number: unit.number,
            port: self.shop.berths[port].title.clone(),
            verdict: done.verdict.title().to_string(),
            step: done.steps.join(" › "),
            reason: done.reason.clone(),
            cells: unit.shown.iter().map(clean).collect(),
            recorded: done.recorded.clone(),
            started: done.origin.date(),
            seconds: Moment::after(done.took).to_string(),
            host: done.origin.host.clone().unwrap_or_default(),
            user: done.origin.user.clone().unwrap_or_default(),
            version: Origin::VERSION.to_string(),
            seed: done.seed,
            flow: self.flow_id.clone(),
            id: self.ids.all()[row].clone(),
        }
    }

    /// Returns what becomes of a port whose run has ended.
    fn next(&self, port: usize, verdict: Verdict) -> Next {
        let berth: &Berth = &self.shop.berths[port];
        match verdict {
            Verdict::Interrupted => Next::Stop,
            Verdict::PortFailed if berth.is_real() => {
                let title = &berth.title;
                self.shop.terminal.warn(&format!("{title} gets no more rows: its port has failed"));
                Next::PortIsOut
            }
            Verdict::PortFailed | Verdict::Passed | Verdict::Flaky | Verdict::Skipped | Verdict::Failed => Next::GoOn,
        }
    }
}

impl Chief for Teller<'_> {
    fn prepare(&mut self, row: usize, port: usize) -> Option<Job> {
        let job = self.shop.job(row, port);
        if job.is_err() {
            self.written = Written::NotEverything;
        }
        job.ok()
    }

    fn over(&mut self, ended: Vec<(usize, usize, Result<Done, SetupError>)>, lanes: &mut Lanes<'_>) -> Vec<Next> {
        let terminal = self.shop.terminal;
        lanes.erase();
        let lines = ended.iter().filter_map(|(row, port, done)| Some(self.ended(*row, *port, done.as_ref().ok()?)));
        let lines: Vec<Ended> = lines.collect();
        // What is told is on disk.
        let kept = self.results.as_mut().map_or(Ok(()), |results| results.keep(&lines));
        if let Err(error) = &kept {
            terminal.warn(&format!("the results of the rows cannot be written: {error}; no more rows are started"));
            self.written = Written::NotEverything;
        }
        let mut nexts = Vec::with_capacity(ended.len());
        for (row, port, done) in ended {
            let done = match done {
                Ok(done) => done,
                Err(error) => {
                    refuse(error, terminal);
                    self.written = Written::NotEverything;
                    nexts.push(Next::Stop);
                    continue;
                }
            };
            terminal.say(&done.text);
            self.written = self.written.and(done.closed.told(terminal));
            let real = self.shop.berths[port].aimed.counterpart().real_ports();
            real.for_each(|(_, real)| tell_others(real, done.verdict, terminal));
            self.n_cleanups_failed += done.n_cleanups_failed;
            lanes.count(done.verdict);
            nexts.push(if kept.is_ok() { self.next(port, done.verdict) } else { Next::Stop });
            self.told.push(Told { row, port, verdict: done.verdict, steps: done.steps });
        }
        nexts
    }
}
