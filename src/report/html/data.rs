//! What the script of a page knows about a run besides its lines: to which statement each belongs, where steps begin and end.
//!
//! Lists of numbers are flat, for many lines; the script reads them in the order in which they are written here.

use serde_json::{Value as Json, json};

use super::safe::{Data, utf16_offset};
use crate::event::StepOutcome;
use crate::report::gathered::{Gathered, Mark};
use crate::source::{Site, SourceId, Sources};
use crate::value::escape::harmless;

/// Returns what belongs to the lines of an exchange; `number_of` says under which number the page shows a source.
///
/// `sites`: source, begin, end (units of UTF-16). `lines`: how many lines belong to a site, and which, from 1; 0 is none.
/// `matches`: the line (as a step from the one before), site, microseconds, pattern from 1. `steps`: the first line and the last
/// line (as steps from the first line before, and from the own first), depth, outcome (0 passed, 1 again, 2 failed, 3 skipped,
/// 4 not ended). `echoes`: lines (as steps from the one before) that are an echo.
pub(super) fn data_of(exchange: &Gathered, sources: &Sources, number_of: impl Fn(SourceId) -> Option<usize>) -> Data {
    let sites = exchange.sites.iter().flat_map(|site| place_of(*site, sources, &number_of)).collect::<Vec<_>>();
    let ports = exchange.tally.header.iter().flat_map(|header| &header.ports);
    let patterns: Vec<String> = exchange.patterns.iter().map(|pattern| harmless(&**pattern)).collect();
    let mut lines: Vec<u32> = Vec::new();
    let mut matches: Vec<u64> = Vec::new();
    let mut steps = Steps::default();
    let mut echoes: Vec<u64> = Vec::new();
    let mut last_echo = 0;
    let mut before = 0;
    let mut last_match = 0;
    for (at, piece) in exchange.pieces.iter().enumerate() {
        if at == 1 && exchange.gap().is_some() {
            lines.extend([1, 0]);
            before += 1;
        }
        lines.extend(piece.runs.iter().flat_map(|(n, site)| [*n, *site]));
        for found in &piece.matches {
            let line = before + u64::from(found.line);
            let micros = u64::try_from(found.waited.as_micros()).unwrap_or(u64::MAX);
            matches.extend([line - last_match, u64::from(found.site), micros, u64::from(found.pattern)]);
            last_match = line;
        }
        for line in &piece.echoes {
            let line = before + u64::from(*line);
            echoes.push(line - last_echo);
            last_echo = line;
        }
        for (line, mark) in &piece.marks {
            steps.add(before + u64::from(*line), *mark);
        }
        before += u64::from(piece.n_lines);
    }
    let document = json!({
        "ports": ports.map(|port| harmless(&port.name)).collect::<Vec<String>>(),
        "patterns": patterns,
        "sites": sites,
        "lines": lines,
        "matches": matches,
        "echoes": echoes,
        "steps": steps.flat(before.saturating_sub(1)),
    });
    Data::new(&document.to_string())
}

fn place_of(site: Site, sources: &Sources, number_of: &impl Fn(SourceId) -> Option<usize>) -> [Json; 3] {
    let number = number_of(site.source);
    let text = sources.iter().find(|(id, _)| *id == site.source).map_or("", |(_, source)| source.shown());
    [json!(number), utf16_offset(text, site.span.start).into(), utf16_offset(text, site.span.end).into()]
}

/// Attempts at steps, by the lines where they begin and end.
#[derive(Default)]
struct Steps {
    all: Vec<Step>,
    /// Those that have not ended, the innermost last.
    open: Vec<usize>,
}

struct Step {
    first: u64,
    last: Option<u64>,
    depth: u32,
    outcome: u64,
}

impl Steps {
    fn add(&mut self, line: u64, mark: Mark) {
        match mark {
            Mark::Began { depth } => {
                // What was above it has ended where nobody saw it.
                self.open.retain(|at| self.all[*at].depth < depth);
                self.open.push(self.all.len());
                self.all.push(Step { first: line, last: None, depth, outcome: 4 });
            }
            Mark::Ended { depth, outcome } => {
                let Some(at) = self.open.iter().rposition(|at| self.all[*at].depth == depth) else { return };
                let step = &mut self.all[self.open[at]];
                step.last = Some(line);
                step.outcome = match outcome {
                    StepOutcome::Passed => 0,
                    StepOutcome::WillRetry => 1,
                    StepOutcome::Failed => 2,
                    StepOutcome::Skipped => 3,
                };
                self.open.truncate(at);
            }
        }
    }

    fn flat(&self, last_line: u64) -> Vec<u64> {
        let mut before = 0;
        let mut flat = Vec::with_capacity(self.all.len() * 4);
        for step in &self.all {
            let last = step.last.unwrap_or(last_line);
            flat.extend([step.first - before, last - step.first, u64::from(step.depth), step.outcome]);
            before = step.first;
        }
        flat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_a_first_line_and_a_last() {
        let mut steps = Steps::default();
        let ended = |depth, outcome| Mark::Ended { depth, outcome };
        for (line, mark) in [
            (2, Mark::Began { depth: 0 }),
            (3, Mark::Began { depth: 1 }),
            (5, ended(1, StepOutcome::WillRetry)),
            (6, Mark::Began { depth: 1 }),
            (8, ended(1, StepOutcome::Failed)),
            (9, ended(0, StepOutcome::Failed)),
            (10, ended(0, StepOutcome::Passed)),
            (11, Mark::Began { depth: 0 }),
        ] {
            steps.add(line, mark);
        }
        assert_eq!(steps.flat(12), [2, 7, 0, 2, 1, 2, 1, 1, 3, 2, 1, 2, 5, 1, 0, 4]);
    }
}
