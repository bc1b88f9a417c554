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
use crate::address::Address;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{Inputs, Rigour};
use crate::program::{Op, Program, Role};
use crate::report::console::Volume;
use crate::report::transcript::Times;
use crate::results::Results;
use crate::settings::{ControlLine, Settings};
use crate::setup::{Counterpart, Ender, Pace, Setup, Terms, find_counterpart, read_program};
use crate::suite::snapshot::Snapshot;
use crate::transport::is_pseudo_terminal;
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

/// Returns the note that a flow switches control lines, or holds the line in break, on ports that are pseudo-terminals; nothing
/// if it does not, as far as can be seen before it runs.
pub(super) fn note_on_control_lines<'a>(runs: impl Iterator<Item = (&'a Setup, &'a Inputs)>) -> String {
    let has_no_effect = |(setup, inputs): &(&Setup, &Inputs)| match setup.counterpart() {
        Counterpart::Real(port) => uses_control_lines(setup.flow(), &inputs.settings) && is_pseudo_terminal(port),
        Counterpart::Device(_) | Counterpart::Recording(_) => false,
    };
    note_on(&runs.filter(has_no_effect).map(|(_, inputs)| harmless(&inputs.port)).collect::<Vec<_>>())
}

/// Returns the same note for a suite, of which all flows run on one port.
pub(super) fn note_for_suite(address: &Address, flows: &[PathBuf]) -> String {
    let Address::Real(port) = address else { return String::new() };
    let uses_them = |file: &PathBuf| {
        read_program(Role::Flow, file).is_ok_and(|read| uses_control_lines(&read.program, &read.program.settings))
    };
    if is_pseudo_terminal(port) && flows.iter().any(uses_them) {
        note_on(&[harmless(port.to_string())])
    } else {
        String::new()
    }
}

fn note_on(pseudo_terminals: &[String]) -> String {
    let which = match pseudo_terminals {
        [] => return String::new(),
        [one] => format!("`{one}` is a pseudo-terminal"),
        [one, others @ ..] => format!("`{one}` and {} more are pseudo-terminals", others.len()),
    };
    format!("note: {which}: `dtr`, `rts` and `break` have no effect there\n\n")
}

/// Whether a flow switches DTR or RTS or holds the line in break, as far as can be seen before it runs.
fn uses_control_lines(flow: &Program, settings: &Settings) -> bool {
    let line = &settings.line;
    line.dtr != ControlLine::Keep
        || line.rts != ControlLine::Keep
        || flow.ops.iter().any(|op| matches!(op, Op::ControlLines { .. } | Op::Break(_)))
}
