//! Coverage: which statements, branches and procedures of flows, libraries and devices the runs of a suite reached.
//!
//! A statement is reached if one run executed it; a step that was tried again counts once. Branches are both sides of an `if`,
//! the arms and the `timeout` of an `expect`, the blocks of `on`, and the handlers of a device.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Trace;
use crate::program::{Needed, Op, OpIndex, Program, ScopeKind, WatcherKind};
use crate::report::coverage::{CoverageReport, FileCoverage, Reached};
use crate::source::{Site, Source, Span};

/// What some runs reached.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    files: BTreeMap<String, FileParts>,
}

/// What they reached of a file; each part with where it ends.
#[derive(Debug, Default)]
struct FileParts {
    statements: BTreeMap<Span, Part>,
    /// Of each statement its branches by their numbers.
    branches: BTreeMap<(Span, usize), Part>,
    procedures: BTreeMap<String, Part>,
}

/// The lines of a part, and how many runs reached it.
#[derive(Clone, Copy, Debug)]
struct Part {
    line: usize,
    end: usize,
    runs: u32,
}

/// Libraries with such names are built in: only the procedures that somebody calls count.
const BUILT_IN: &str = "std/";

/// The word of an arm that no pattern has.
const TIMEOUT: &str = "timeout";

impl Coverage {
    /// Takes note of what the runs of a flow executed of its programs.
    pub(crate) fn add(&mut self, executed: &[(&Arc<Program>, &Trace)]) {
        // Two ports may have the same device: what one of them reached is reached.
        let mut of_flow = Coverage::default();
        for (program, trace) in executed {
            of_flow.add_program(program, trace);
        }
        for (name, parts) in of_flow.files {
            let known = self.files.entry(name).or_default();
            join(&mut known.statements, parts.statements);
            join(&mut known.branches, parts.branches);
            join(&mut known.procedures, parts.procedures);
        }
    }

    /// Returns what was reached of each file.
    pub(crate) fn report(self) -> CoverageReport {
        let files = self.files.into_iter().filter(|(_, parts)| !parts.statements.is_empty());
        let file = |(name, parts): (String, FileParts)| {
            let reached = |part: &Part| Reached { line: part.line, end: part.end, runs: part.runs };
            FileCoverage {
                name,
                statements: parts.statements.values().map(reached).collect(),
                branches: parts.branches.values().map(reached).collect(),
                procedures: parts.procedures.iter().map(|(name, part)| (name.clone(), reached(part))).collect(),
            }
        };
        CoverageReport { files: files.map(file).collect() }
    }

    fn add_program(&mut self, program: &Program, trace: &Trace) {
        let unused = self.add_procedures(program, trace);
        let counts = |at: &OpIndex| !unused.iter().any(|range| range.contains(at));
        let watchers: Vec<Site> = program.watchers.iter().map(|watcher| watcher.site).collect();
        for at in (0..program.ops.len()).filter(counts) {
            let (op, site) = (&program.ops[at], program.site(at));
            if is_statement(op, keyword(program, site)) {
                let parts = self.file(program, site);
                let statement = parts.statements.entry(site.span);
                note(statement.or_insert(part(source(program, site), site.span)), trace.is_reached(at));
            }
            if let Op::Unless { .. } = op
                && keyword(program, site) == "if"
            {
                self.branch(program, (site, 0), site.span, trace.went_on(at));
                self.branch(program, (site, 1), site.span, trace.went_elsewhere(at));
            }
            if let Op::Expect(expect) = op
                && expect.needed == Needed::One
                && expect.arms.len() > 1
            {
                for (number, arm) in expect.arms.iter().enumerate() {
                    let is_reached = trace.is_reached(arm.then);
                    self.branch(program, (site, number), arm.pattern.site.span, is_reached);
                }
                if let Some(timeout) = expect.timeout {
                    let shown = timeout_word(program, site, timeout);
                    self.branch(program, (site, expect.arms.len()), shown, trace.is_reached(timeout));
                }
            }
        }
        let blocks = program.watchers.iter().zip(&watchers).filter_map(|(watcher, site)| match &watcher.kind {
            WatcherKind::On { entry, .. } => Some((*entry, *site)),
            WatcherKind::FailOn { .. } | WatcherKind::Ignore => None,
        });
        let handlers = program.main.handlers.iter().map(|handler| (handler.entry, handler.site));
        for (entry, site) in blocks.chain(handlers).filter(|(entry, _)| counts(entry)) {
            self.branch(program, (site, 0), site.span, trace.is_reached(entry));
        }
    }

    /// Adds the procedures; returns the instructions of those that do not count.
    fn add_procedures(&mut self, program: &Program, trace: &Trace) -> Vec<std::ops::Range<OpIndex>> {
        let mut unused = Vec::new();
        for procedure in &program.procedures {
            let is_end = |at: &OpIndex| keyword(program, program.site(*at)) == "procedure";
            let Some(end) = (procedure.entry..program.ops.len()).find(is_end) else { continue };
            let (site, is_reached) = (program.site(end), trace.is_reached(procedure.entry));
            if !is_reached && source(program, site).name().starts_with(BUILT_IN) {
                unused.push(procedure.entry..end + 1);
                continue;
            }
            let own = part(source(program, site), site.span);
            note(self.file(program, site).procedures.entry(procedure.name.clone()).or_insert(own), is_reached);
        }
        unused
    }

    fn branch(&mut self, program: &Program, (site, number): (Site, usize), shown: Span, is_reached: bool) {
        let own = part(source(program, site), shown);
        note(self.file(program, site).branches.entry((site.span, number)).or_insert(own), is_reached);
    }

    fn file(&mut self, program: &Program, site: Site) -> &mut FileParts {
        self.files.entry(source(program, site).name().to_string()).or_default()
    }
}

fn join<K: Ord>(known: &mut BTreeMap<K, Part>, more: BTreeMap<K, Part>) {
    for (key, part) in more {
        let n_before = known.get(&key).map_or(0, |known| known.runs);
        known.insert(key, Part { runs: n_before + part.runs, ..part });
    }
}

/// Takes note that one flow reached a part, or did not.
fn note(part: &mut Part, is_reached: bool) {
    part.runs = part.runs.max(u32::from(is_reached));
}

fn source(program: &Program, site: Site) -> &Source {
    program.sources.get(site.source)
}

fn part(source: &Source, span: Span) -> Part {
    let line = source.line_column(span.start).0;
    let end = source.line_column(span.end.saturating_sub(1).max(span.start)).0;
    Part { line, end, runs: 0 }
}

/// Returns the word `timeout` of an `expect` with several arms: the last one before the statement that is next in the text after
/// `entry`, where its block begins.
fn timeout_word(program: &Program, expect: Site, entry: OpIndex) -> Span {
    let is_behind = |site: &Site| site.source == expect.source && site.span.start > expect.span.start;
    let next = (entry..program.ops.len()).map(|at| program.site(at)).find(is_behind);
    let text = source(program, expect).text();
    let (from, to) = (expect.span.end as usize, next.map_or(text.len(), |site| site.span.start as usize));
    let found = text.get(from..to).and_then(|before| before.rfind(TIMEOUT));
    found.map_or(expect.span, |at| Span::new(from + at, from + at + TIMEOUT.len()))
}

/// Returns the word that a statement begins with.
fn keyword(program: &Program, site: Site) -> &str {
    let text = source(program, site).text().get(site.span.range()).unwrap_or_default();
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Whether an instruction is what a statement does, and not how a block of it begins or ends.
fn is_statement(op: &Op, keyword: &str) -> bool {
    match op {
        Op::Jump(_) | Op::Leave | Op::FinallyEnd | Op::Hold | Op::Release | Op::End | Op::Replug | Op::Initial(_) => {
            false
        }
        // A procedure or a handler ends with one of its own.
        Op::Return(_) => keyword == "return",
        Op::Enter(kind) => match kind.as_ref() {
            ScopeKind::Block => false,
            ScopeKind::Step { .. } | ScopeKind::Try { .. } => true,
        },
        Op::Send { .. }
        | Op::Expect(_)
        | Op::ExpectNone(_)
        | Op::ExpectQuiet { .. }
        | Op::ReadCount(_)
        | Op::ReadUntil(_)
        | Op::ReadQuiet(_)
        | Op::Capture { .. }
        | Op::CaptureMatch { .. }
        | Op::Compute { .. }
        | Op::Measure(_)
        | Op::Assert { .. }
        | Op::Fail { .. }
        | Op::Ask(_)
        | Op::Hook(_)
        | Op::SendFile(_)
        | Op::ReceiveFile(_)
        | Op::Wire { .. }
        | Op::Skip(_)
        | Op::Save(_)
        | Op::Log(_)
        | Op::Sleep(_)
        | Op::Watch(_)
        | Op::After { .. }
        | Op::Restart
        | Op::Unplug(_)
        | Op::Reopen(_)
        | Op::Unless { .. }
        | Op::Count { .. }
        | Op::Turn { .. }
        | Op::Each { .. }
        | Op::Next { .. }
        | Op::Numbers { .. }
        | Op::NextNumber { .. }
        | Op::Finally { .. }
        | Op::Call { .. }
        | Op::Settings(_)
        | Op::Baud(_)
        | Op::ControlLines { .. }
        | Op::InputLines(_)
        | Op::ExpectInput(_)
        | Op::Using(_)
        | Op::Break(_)
        | Op::Flush
        | Op::Echo(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::address::Address;
    use crate::program::Role;
    use crate::report::coverage::render_coverage;
    use crate::setup::{Ender, Setup, Terms, find_counterpart, read_program};
    use crate::testing::{Around, outcome};

    const DEVICE: &str = "device \"d\"\n\
        on line /S(?<n>\\d)/ {\n\
        \x20 if n == \"1\" {\n\
        \x20   reply \"one\"\n\
        \x20 } else {\n\
        \x20   reply \"other\"\n\
        \x20 }\n\
        }\n\
        on line \"never\" {\n\
        \x20 reply \"never\"\n\
        }\n\
        on dtr off { call gone() }\n\
        procedure gone() {\n\
        \x20 reply \"gone\"\n\
        }\n";

    const LIBRARY: &str = "library \"l\"\n\
        procedure used() {\n\
        \x20 send \"S1\"\n\
        \x20 expect line \"one\"\n\
        }\n\
        procedure unused() {\n\
        \x20 send \"S2\"\n\
        }\n";

    fn traced(folder: &Path, name: &str, body: &str) -> Setup {
        fs::write(folder.join("d.flow"), DEVICE).expect("it can be written");
        fs::write(folder.join("l.flow"), LIBRARY).expect("it can be written");
        let path = folder.join(name);
        fs::write(&path, format!("flow \"t\"\nuse \"l.flow\"\nuse \"std/at\"\nsim \"d.flow\"\n{body}"))
            .expect("it can be written");
        let read = read_program(Role::Flow, &path).and_then(|read| {
            let found = find_counterpart(&[Address::OwnDevice], &path, &read.program)?;
            Setup::join(read.program, &path, found.counterpart, Terms::default())
        });
        let setup = read.unwrap_or_else(|error| panic!("{error:?}")).traced();
        outcome(&setup, 1, &Ender::Nobody, Around::default()).unwrap_or_else(|error| panic!("{error:?}"));
        setup
    }

    /// Returns what was reached of a file: the lines of statements that were not, and each branch with its line.
    fn told(report: &CoverageReport, name: &str) -> (Vec<(usize, usize)>, String) {
        let file = report.files.iter().find(|file| file.name.ends_with(name)).unwrap_or_else(|| panic!("{report:?}"));
        let branches = file.branches.iter().map(|branch| format!("{}:{}", branch.line, branch.runs));
        (file.missing(), branches.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_no_flow_reached_is_told_of_flows_libraries_and_devices() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let body = "call used()\n\
            expect {\n  line \"two\" -> { log \"two\" }\n  timeout 1s -> { log \"late\" }\n}\n\
            if 1 == 2 {\n  log \"never\"\n}\n";
        let body = body
            .replace("  timeout 1s -> { log \"late\" }\n", "  line \"three\" -> {}\n  timeout -> { log \"late\" }\n");
        let body = body.replace("expect {", "expect within 1s {");
        let mut coverage = Coverage::default();
        coverage.add(&traced(folder.path(), "a.flow", &body).executed());
        let report = coverage.report();
        assert_eq!(told(&report, "a.flow"), (vec![(7, 7), (12, 12)], "7:0 8:0 9:1 11:0 11:1".to_string()));
        assert_eq!(told(&report, "l.flow"), (vec![(7, 7)], String::new()));
        assert_eq!(told(&report, "d.flow"), (vec![(6, 14)], "2:1 3:1 3:0 9:0 12:0".to_string()));
        assert!(!report.files.iter().any(|file| file.name.starts_with("std/")), "nothing of it was called: {report:?}");
        let table = render_coverage(&report);
        assert!(table.lines().last().is_some_and(|line| line.starts_with("all ")), "{table}");
    }

    #[test]
    fn another_flow_adds_what_it_reached_and_counts_once_however_often_it_tried() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let mut coverage = Coverage::default();
        coverage.add(&traced(folder.path(), "a.flow", "call used()\n").executed());
        let again = "compute n = 0\nstep \"s\" retry 2 {\n  compute n = n + 1\n  send \"S${n}\"\n  expect line \"other\" within 1s\n}\ncall unused()\n";
        coverage.add(&traced(folder.path(), "b.flow", again).executed());
        let report = coverage.report();
        assert_eq!(told(&report, "l.flow"), (vec![], String::new()));
        assert_eq!(told(&report, "d.flow").1, "2:2 3:2 3:1 9:0 12:0");
        let library = report.files.iter().find(|file| file.name.ends_with("l.flow")).expect("it is used");
        let procedures: Vec<_> =
            library.procedures.iter().map(|(name, place)| (name.as_str(), place.line, place.runs)).collect();
        assert_eq!(procedures, [("unused", 6, 1), ("used", 2, 1)]);
    }
}
