//! `CoverageReport`: which statements and branches some runs reached, as a table and as LCOV.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::live::columns;
use super::table::width_of_column;
use crate::value::escape::harmless;

/// What was reached of each file, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoverageReport {
    /// The files.
    pub files: Vec<FileCoverage>,
}

/// What was reached of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// The file, as the user named it.
    pub name: String,
    /// The statements, in the order of the text.
    pub statements: Vec<Reached>,
    /// The branches, in the order of the text: both sides of an `if`, the arms of an `expect`, what follows `on`.
    pub branches: Vec<Reached>,
    /// The procedures, with their names.
    pub procedures: Vec<(String, Reached)>,
}

/// A place in a file, and how many runs reached it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its first line, from 1.
    pub line: usize,
    /// Its last line.
    pub end: usize,
    /// How many runs did: within one run it counts once.
    pub runs: u32,
}

/// So many ranges of lines are shown of a file.
const MOST_RANGES: usize = 12;

impl FileCoverage {
    /// Returns the ranges of lines of statements that no run reached; statements that were reached part them.
    pub fn missing(&self) -> Vec<(usize, usize)> {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        let mut is_open = false;
        for statement in &self.statements {
            match ranges.last_mut().filter(|_| is_open) {
                Some(last) if statement.runs == 0 => last.1 = last.1.max(statement.end),
                None if statement.runs == 0 => ranges.push((statement.line, statement.end)),
                Some(_) | None => {}
            }
            is_open = statement.runs == 0;
        }
        ranges.dedup();
        ranges
    }
}

/// Returns how many of some places were reached, and how many there are.
fn counts(places: &[Reached]) -> (usize, usize) {
    (places.iter().filter(|place| place.runs > 0).count(), places.len())
}

/// Returns the share of places that were reached, in percent and rounded down: 100 is all of them.
fn percent((reached, all): (usize, usize)) -> String {
    (reached * 100).checked_div(all).map_or("-".to_string(), |percent| format!("{percent} %"))
}

/// Returns a table of the files: how much of each was reached, and the lines that were not.
pub fn render_coverage(report: &CoverageReport) -> String {
    let mut rows = vec![["coverage", "statements", "", "branches", "", "not reached"].map(str::to_string)];
    let cells = |name: String, statements: (usize, usize), branches: (usize, usize), missing: String| {
        let of = |(reached, all): (usize, usize)| format!("{reached}/{all}");
        [name, of(statements), percent(statements), of(branches), percent(branches), missing]
    };
    let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
    let (mut statements, mut branches) = ((0, 0), (0, 0));
    for file in &report.files {
        let own = (counts(&file.statements), counts(&file.branches));
        (statements, branches) = (add(statements, own.0), add(branches, own.1));
        let ranges = file.missing();
        let range = |(from, to): &(usize, usize)| if from == to { from.to_string() } else { format!("{from}-{to}") };
        let mut missing: Vec<String> = ranges.iter().take(MOST_RANGES).map(range).collect();
        if ranges.len() > MOST_RANGES {
            missing.push(format!("and {} more", ranges.len() - MOST_RANGES));
        }
        rows.push(cells(harmless(&file.name), own.0, own.1, missing.join(", ")));
    }
    rows.push(cells("all".to_string(), statements, branches, String::new()));
    let widths: Vec<usize> =
        (0..5).map(|column| width_of_column(rows.iter().map(|row| row[column].as_str()))).collect();
    let line = |row: &[String; 6]| {
        let [name, statements, share, branches, other, missing] = row;
        let text = format!(
            "{name}{pad}  {statements:>s$}  {share:>p$}  {branches:>b$}  {other:>q$}  {missing}",
            pad = " ".repeat(widths[0].saturating_sub(columns(name))),
            s = widths[1],
            p = widths[2],
            b = widths[3],
            q = widths[4]
        );
        format!("{}\n", text.trim_end())
    };
    rows.iter().map(line).collect()
}

/// Returns the whole as LCOV: lines, branches and procedures. A line counts as reached if one of the statements that
/// begin on it is: its branches say which part was not.
pub fn render_lcov(report: Option<&CoverageReport>) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    for file in report.into_iter().flat_map(|report| &report.files) {
        let one_line = |text: &str| text.replace(['\r', '\n'], " ");
        let _ = writeln!(out, "TN:\nSF:{}", one_line(&file.name));
        for (name, place) in &file.procedures {
            let _ = writeln!(out, "FN:{},{}\nFNDA:{},{}", place.line, one_line(name), place.runs, one_line(name));
        }
        let n_hit = file.procedures.iter().filter(|(_, place)| place.runs > 0).count();
        let _ = writeln!(out, "FNF:{}\nFNH:{n_hit}", file.procedures.len());
        let mut of_line: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        file.branches.iter().for_each(|branch| of_line.entry(branch.line).or_default().push(branch.runs));
        for (line, branches) in &of_line {
            for (number, runs) in branches.iter().enumerate() {
                let _ = writeln!(out, "BRDA:{line},0,{number},{runs}");
            }
        }
        let (reached, all) = counts(&file.branches);
        let _ = writeln!(out, "BRF:{all}\nBRH:{reached}");
        let mut lines: BTreeMap<usize, u32> = BTreeMap::new();
        for statement in &file.statements {
            let runs = lines.entry(statement.line).or_insert(statement.runs);
            *runs = (*runs).max(statement.runs);
        }
        for (line, runs) in &lines {
            let _ = writeln!(out, "DA:{line},{runs}");
        }
        let n_hit = lines.values().filter(|runs| **runs > 0).count();
        let _ = writeln!(out, "LF:{}\nLH:{n_hit}\nend_of_record", lines.len());
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use insta::assert_snapshot;

    use super::*;

    pub(crate) fn example() -> CoverageReport {
        let at = |line, end, runs| Reached { line, end, runs };
        let flow = FileCoverage {
            name: "flows/login.flow".to_string(),
            statements: vec![at(2, 2, 3), at(3, 3, 0), at(4, 6, 0), at(7, 7, 1), at(9, 9, 0)],
            branches: vec![at(3, 3, 0), at(7, 7, 1), at(7, 7, 0)],
            procedures: vec![("sign_in".to_string(), at(1, 1, 3)), ("sign_out".to_string(), at(8, 8, 0))],
        };
        let device = FileCoverage {
            name: "flows/devices/modem.flow".to_string(),
            statements: vec![at(3, 3, 1)],
            branches: Vec::new(),
            procedures: Vec::new(),
        };
        CoverageReport { files: vec![device, flow] }
    }

    #[test]
    fn a_table_shows_shares_and_the_lines_that_were_not_reached() {
        assert_snapshot!(render_coverage(&example()));
    }

    #[test]
    fn lcov_has_lines_branches_and_procedures() {
        assert_snapshot!(render_lcov(Some(&example())));
        assert_eq!(render_lcov(None), "");
    }

    #[test]
    fn a_line_that_was_reached_in_part_is_reached() {
        let at = |runs| Reached { line: 2, end: 2, runs };
        let file = FileCoverage { statements: vec![at(3), at(0)], branches: vec![at(0)], ..FileCoverage::default() };
        let lcov = render_lcov(Some(&CoverageReport { files: vec![file] }));
        assert!(lcov.contains("BRDA:2,0,0,0") && lcov.contains("DA:2,3\nLF:1\nLH:1"), "{lcov}");
    }

    #[test]
    fn what_was_reached_parts_the_ranges_that_were_not() {
        assert_eq!(example().files[1].missing(), [(3, 6), (9, 9)]);
    }
}
