//! `Prepared`: one run of the command line on one port, with its files made; `Checked`: the same without them.

use std::path::PathBuf;
use std::sync::Arc;

use super::Ending;
use super::args::RunArguments;
use super::claims::Claims;
use super::given::{device_variables, settings, variables};
use super::named::Named;
use super::outputs::{Outputs, Places};
use super::refusal::{refuse, warn};
use super::terminal::Terminal;
use crate::address::{Address, RealPort};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{Inputs, Rigour};
use crate::port::Capability;
use crate::program::{Op, Program, Role};
use crate::report::console::Volume;
use crate::report::transcript::Times;
use crate::results::Results;
use crate::settings::{AtClose, ControlLine, LineSettings, Settings};
use crate::setup::{Counterpart, Ender, Pace, Setup, Terms, find_counterpart, read_program};
use crate::suite::snapshot::Snapshot;
use crate::transport::{capabilities, is_pseudo_terminal};
use crate::value::escape::{harmless, harmless_path};

/// A run that can begin.
pub(super) struct Prepared {
    pub setup: Setup,
    pub inputs: Inputs,
    pub outputs: Outputs,
    pub ender: Ender,
}

/// A run with which nothing is wrong, as far as that can be seen without making its files.
pub(super) struct Checked {
    setup: Setup,
    inputs: Inputs,
    results: Results,
    places: Places,
    ender: Ender,
}

/// Takes note of what a run reads on every port, and of what is compared with it.
pub(super) fn claims_of(flow: &Program, arguments: &RunArguments) -> Claims {
    let mut claims = Claims::default();
    claims.reads("the flow itself", &arguments.file);
    claims.reads_program("the flow itself, or used by it", flow);
    for times in [Times::Shown, Times::Hidden] {
        claims.reads("the snapshot of the flow", Snapshot::of(&arguments.file, times).path());
    }
    arguments.variables.files.iter().for_each(|path| claims.reads("a file of variables", path));
    claims
}

impl Checked {
    /// Checks everything that a run on one port needs, and tells of all that is wrong with it.
    pub(super) fn new(
        flow: &Arc<Program>,
        address: &Address,
        places: Places,
        (arguments, named): (&RunArguments, &Named),
        claims: &mut Claims,
        terminal: &Terminal,
    ) -> Result<Checked, Ending> {
        let file = &arguments.file;
        let found = find_counterpart(address, file, flow).map_err(|error| refuse(error, terminal))?;
        warn(&found.warnings, arguments.output.volume(), terminal);
        if found.address != *address && arguments.output.volume() == Volume::Normal {
            let (file, address) = (harmless_path(file), harmless(found.address.to_string()));
            terminal
                .say(&format!("{file} names no device: the recording beside it plays, as with `--port {address}`\n"));
        }
        claims.reads_found(&found);
        let mut problems = places.claim(flow, claims);
        let of_port = named.settings_at(&found.address, &flow.settings);
        let settings = settings(&of_port, &arguments.line).map_err(|more| problems.extend(more)).ok();
        let results = places.results(file, flow).map_err(|problem| problems.push(problem)).ok();
        if found.counterpart.pace() == Pace::Real && !arguments.sim_vars.is_empty() {
            let problem = Diagnostic::general(Code::CommandLine, "`--sim-var` has no meaning for a real port");
            problems.push(problem.help("use it with `--port sim`, or leave it out"));
        }
        let mut variables = variables(flow, &arguments.variables);
        variables.given.extend(named.vars.iter().cloned());
        let device_variables = device_variables(&arguments.sim_vars);
        let rigour = if arguments.strict { Rigour::Strict } else { Rigour::Usual };
        let terms = Terms { variables, device_variables, settings, rigour, problems };
        let setup =
            Setup::join(flow.clone(), file, found.counterpart, terms).map_err(|error| refuse(error, terminal))?;
        let beginning = match arguments.seed {
            Some(seed) => setup.beginning_with(seed),
            None => setup.beginning().map_err(|error| refuse(error, terminal))?,
        };
        let inputs = setup.inputs(beginning, found.address.to_string());
        let ender = Ender::installed().map_err(|error| refuse(error, terminal))?;
        let results = results.expect("what is wrong with its place is among the problems that were refused");
        Ok(Checked { setup, inputs, results, places, ender })
    }

    /// Makes the files: last, when everything else is known to be right, since it empties those that are there.
    pub(super) fn make_files(self, terminal: &Terminal) -> Result<Prepared, Ending> {
        let Checked { setup, inputs, results, places, ender } = self;
        let outputs = Outputs::create(&places, results, &setup, &inputs, terminal)?;
        Ok(Prepared { setup, inputs, outputs, ender })
    }
}

/// Returns the notes on what flows ask for and their ports cannot do: nothing if all of them can, as far as can be seen before
/// they run. Ports of one kind have one note.
pub(super) fn note_on_abilities<'a>(runs: impl Iterator<Item = (&'a Setup, &'a Inputs)>) -> String {
    let mut lacking: Vec<(Lack, Vec<String>)> = Vec::new();
    for (setup, inputs) in runs {
        let Counterpart::Real(port) = setup.counterpart() else { continue };
        let Some(lack) = Lack::of(setup.flow(), &inputs.ports[0].settings, port) else { continue };
        let name = harmless(&inputs.ports[0].address);
        match lacking.iter_mut().find(|(known, _)| *known == lack) {
            Some((_, names)) => names.push(name),
            None => lacking.push((lack, vec![name])),
        }
    }
    lacking.iter().map(|(lack, names)| lack.note(names)).collect()
}

/// Returns the same notes for a suite, of which all flows run on one port.
pub(super) fn note_for_suite(address: &Address, flows: &[PathBuf]) -> String {
    let Address::Real(port) = address else { return String::new() };
    let lacking = flows.iter().filter_map(|file| {
        let read = read_program(Role::Flow, file).ok()?;
        Lack::of(&read.program, &read.program.settings, port)
    });
    let worst = lacking.max_by_key(|lack| *lack == Lack::BesideBytes { breaks: true });
    worst.map_or_else(String::new, |lack| lack.note(&[harmless(port.to_string())]))
}

/// What a flow asks for and its port cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// A pseudo-terminal has no control lines and no break.
    OnPseudoTerminal,
    /// A connection, or a program, takes bytes and nothing else.
    BesideBytes { breaks: bool },
}

impl Lack {
    fn of(flow: &Program, settings: &Settings, port: &RealPort) -> Option<Lack> {
        let breaks = flow.ops.iter().any(|op| matches!(op, Op::Break(_)));
        let switches_lines = settings.line.dtr != ControlLine::Keep
            || settings.line.rts != ControlLine::Keep
            || settings.line.dtr_at_close != AtClose::System
            || settings.line.rts_at_close != AtClose::System
            || flow.ops.iter().any(|op| matches!(op, Op::ControlLines { .. }));
        if is_pseudo_terminal(port) {
            return (breaks || switches_lines).then_some(Lack::OnPseudoTerminal);
        }
        if capabilities(port).cover(Capability::ControlLines.into()) {
            return None;
        }
        let default = Settings::default().line;
        let has_format =
            LineSettings { dtr: default.dtr, rts: default.rts, wait: default.wait, ..settings.line.clone() };
        let has_format = has_format != default;
        let changes_baud = flow.ops.iter().any(|op| matches!(op, Op::Baud(_)));
        (breaks || switches_lines || has_format || changes_baud).then_some(Lack::BesideBytes { breaks })
    }

    fn note(self, names: &[String]) -> String {
        let [one, others @ ..] = names else { return String::new() };
        let one = format!("`{one}`");
        let n = others.len();
        match (self, n) {
            (Lack::OnPseudoTerminal, 0) => {
                format!("note: {one} is a pseudo-terminal: `dtr`, `rts` and `break` have no effect there\n\n")
            }
            (Lack::OnPseudoTerminal, _) => format!(
                "note: {one} and {n} more are pseudo-terminals: `dtr`, `rts` and `break` have no effect there\n\n"
            ),
            (Lack::BesideBytes { breaks }, n) => {
                let which = if n == 0 { format!("{one} carries") } else { format!("{one} and {n} more carry") };
                let fails = if breaks { ", and the run fails at `break`" } else { "" };
                format!("note: {which} bytes only: baud, format, `dtr` and `rts` have no effect there{fails}\n\n")
            }
        }
    }
}
