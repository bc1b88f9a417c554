//! `Prepared`: one run of the command line on one port, with its files made; `Checked`: the same without them.

use std::path::PathBuf;
use std::sync::Arc;

use super::Ending;
use super::args::RunArguments;
use super::claims::Claims;
use super::given::{device_variables, read_variables, settings, variables};
use super::hooks::programs_for;
use super::host::is_ci;
use super::limits;
use super::named::Named;
use super::outputs::{Outputs, Places, part};
use super::person::{Answered, AtTerminal, ask_for, only_missing};
use super::refusal::{refuse, warn};
use super::terminal::Terminal;
use crate::address::{Address, RealPort};
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{Inputs, Rigour};
use crate::event::Verdict;
use crate::hook::Programs;
use crate::origin::Origin;
use crate::port::Capability;
use crate::program::{GivenLimits, Op, Program, Role};
use crate::report::console::Volume;
use crate::report::transcript::Times;
use crate::results::Results;
use crate::settings::{AtClose, ControlLine, LineSettings, Settings};
use crate::setup::{
    Counterpart, Ender, Found, Pace, Setup, SetupError, Terms, find_counterpart, line_settings, read_program,
};
use crate::suite::snapshot::Snapshot;
use crate::transport::{capabilities, is_pseudo_terminal};
use crate::value::escape::{harmless, harmless_path};
use crate::variables::Offered;

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
    hooks: Option<Arc<Programs>>,
    origin: Origin,
    ender: Ender,
}

/// What options name for all runs of a flow, read once.
pub(super) struct Supplies {
    variables: Offered,
    limits: Result<GivenLimits, Vec<Diagnostic>>,
}

impl Supplies {
    /// Reads it; what is wrong is told with what is wrong with the rest.
    pub(super) fn read(arguments: &RunArguments, flow: &Program) -> Supplies {
        let (variables, _) = part(&arguments.variables, flow);
        Supplies { variables: read_variables(&variables), limits: limits::limits(&arguments.limits) }
    }
}

/// What a run was ordered with.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    /// What was typed.
    pub arguments: &'a RunArguments,
    /// What names stand for.
    pub named: &'a Named,
    /// What was read.
    pub supplies: &'a Supplies,
}

/// Takes note of what a run reads on every port, and of what is compared with it.
pub(super) fn claims_of(flow: &Program, arguments: &RunArguments) -> Claims {
    let mut claims = Claims::default();
    claims.reads("the flow itself", &arguments.file);
    claims.reads_program("the flow itself, or used by it", flow);
    for times in [Times::Shown, Times::Hidden] {
        claims.reads("the snapshot of the flow", Snapshot::of(&arguments.file, times).path());
    }
    claims.reads_given(&part(&arguments.variables, flow).0, &arguments.limits);
    claims
}

/// What plays the other ends of a run, and how their lines are set.
pub(super) struct Aimed {
    found: Found,
    /// `None` if something is wrong with them.
    settings: Option<Vec<Settings>>,
    /// Limits of measurements that count instead of those of the flow.
    limits: GivenLimits,
    /// What is wrong; it is told with what is wrong with the rest.
    pub problems: Vec<Diagnostic>,
}

impl Aimed {
    /// Finds what plays the other ends at one address, or at one for each port of the flow, and tells of the warnings about it.
    pub(super) fn new(
        flow: &Arc<Program>,
        addresses: &[Address],
        order: Order<'_>,
        claims: &mut Claims,
        terminal: &Terminal,
    ) -> Result<Aimed, Ending> {
        let Order { arguments, named, supplies } = order;
        let file = &arguments.file;
        let found = find_counterpart(addresses, file, flow).map_err(|error| refuse(error, terminal))?;
        found.warnings.iter().for_each(|warnings| warn(warnings, arguments.output.volume(), terminal));
        let is_replayed = matches!((addresses, &found.addresses[..]), ([Address::OwnDevice], [Address::Recording(_)]));
        if is_replayed && arguments.output.volume() == Volume::Normal {
            let (file, address) = (harmless_path(file), harmless(found.addresses[0].to_string()));
            terminal
                .say(&format!("{file} names no device: the recording beside it plays, as with `--port {address}`\n"));
        }
        claims.reads_found(&found);
        let mut problems = Vec::new();
        let of_each = line_settings(flow).into_iter().enumerate().map(|(at, of_flow)| {
            let address = found.addresses.get(at).or(found.addresses.last());
            let of_port = address.map_or_else(|| of_flow.clone(), |address| named.settings_at(address, &of_flow));
            settings(&of_port, &arguments.line)
        });
        let settings: Option<Vec<Settings>> =
            of_each.collect::<Result<_, _>>().map_err(|more| problems.extend(more)).ok();
        if matches!(found.counterpart, Counterpart::Real(_)) && !arguments.sim_vars.is_empty() {
            let problem = Diagnostic::general(Code::CommandLine, "`--sim-var` has no meaning for a real port");
            problems.push(problem.help("use it with `--port sim`, or leave it out"));
        }
        let limits = supplies.limits.clone().unwrap_or_else(|more| {
            problems.extend(more);
            Vec::new()
        });
        problems.extend(limits::unknown(&limits, std::iter::once(&**flow)));
        Ok(Aimed { found, settings, limits, problems })
    }

    /// Returns what plays the other ends.
    pub(super) fn counterpart(&self) -> &Counterpart {
        &self.found.counterpart
    }

    /// Returns what reports call the ports.
    pub(super) fn addresses(&self) -> Vec<String> {
        self.found.addresses.iter().map(Address::to_string).collect()
    }

    /// Joins a flow with this and with what is given to its variables; `problems` is what is wrong besides.
    ///
    /// # Errors
    ///
    /// Everything that is wrong.
    pub(super) fn join(
        &self,
        flow: &Arc<Program>,
        arguments: &RunArguments,
        variables: Offered,
        problems: Vec<Diagnostic>,
    ) -> Result<Setup, SetupError> {
        let device_variables = device_variables(&arguments.sim_vars);
        let rigour = if arguments.strict { Rigour::Strict } else { Rigour::Usual };
        let (settings, limits) = (self.settings.clone(), self.limits.clone());
        let kept_files = part(&arguments.variables, flow).1.into_iter().map(|(name, _)| name).collect();
        let terms = Terms { variables, device_variables, settings, limits, kept_files, rigour, problems };
        Setup::join(flow.clone(), &arguments.file, self.found.counterpart.clone(), terms)
    }
}

impl Aimed {
    /// Asks a person for the variables that a flow still needs, if that is all that keeps it from its run, and joins again.
    fn join_asking(
        &self,
        flow: &Arc<Program>,
        arguments: &RunArguments,
        (mut offered, error): (Offered, SetupError),
        person: &mut AtTerminal,
        terminal: &Terminal,
    ) -> Result<Setup, Ending> {
        let refused = |error| refuse(error, terminal);
        let missing = only_missing(&error, flow);
        if missing.is_empty() || !person.is_there() || is_ci() {
            return Err(refused(error));
        }
        let ender = Ender::installed().map_err(refused)?;
        match ask_for(&missing, person, &ender) {
            Answered::Given(given) => offered.given.extend(given),
            Answered::NoAnswer => return Err(refused(error)),
            Answered::Interrupted => return Err(Ending::Ran(Verdict::Interrupted)),
        }
        self.join(flow, arguments, offered, Vec::new()).map_err(refused)
    }
}

/// Returns what is given to the variables of a flow besides rows.
pub(super) fn given(flow: &Program, order: Order<'_>) -> Offered {
    let mut variables = variables(flow, &order.supplies.variables);
    variables.given.extend(order.named.vars.iter().cloned());
    variables
}

/// Returns what the engine of a run is given: a seed that was typed counts before the usual one.
///
/// # Errors
///
/// The system gives no seed.
pub(super) fn inputs(setup: &Setup, arguments: &RunArguments, addresses: &[String]) -> Result<Inputs, SetupError> {
    let beginning = match arguments.seed {
        Some(seed) => setup.beginning_with(seed),
        None => setup.beginning()?,
    };
    Ok(setup.inputs(beginning, addresses))
}

impl Checked {
    /// Checks everything that one run needs, at one address or at one for each port of the flow, and tells of all that is wrong with it.
    pub(super) fn new(
        flow: &Arc<Program>,
        addresses: &[Address],
        places: Places,
        order: Order<'_>,
        claims: &mut Claims,
        terminal: &Terminal,
    ) -> Result<Checked, Ending> {
        Checked::asking(flow, addresses, (places, None), order, claims, terminal)
    }

    /// Does the same, and asks a person for the variables that are missing, if nothing else is wrong.
    pub(super) fn asking(
        flow: &Arc<Program>,
        addresses: &[Address],
        (places, person): (Places, Option<&mut AtTerminal>),
        order: Order<'_>,
        claims: &mut Claims,
        terminal: &Terminal,
    ) -> Result<Checked, Ending> {
        let arguments = order.arguments;
        let file = &arguments.file;
        let mut aimed = Aimed::new(flow, addresses, order, claims, terminal)?;
        let mut problems = places.claim(flow, claims);
        problems.extend(places.check());
        problems.append(&mut aimed.problems);
        let results = places.results(file, flow).map_err(|problem| problems.push(problem)).ok();
        let offered = given(flow, order);
        let setup = match (aimed.join(flow, arguments, offered.clone(), problems), person) {
            (Err(error), Some(person)) => aimed.join_asking(flow, arguments, (offered, error), person, terminal)?,
            (joined, _) => joined.map_err(|error| refuse(error, terminal))?,
        };
        let inputs = inputs(&setup, arguments, &aimed.addresses()).map_err(|error| refuse(error, terminal))?;
        let hooks = match setup.counterpart().pace() {
            Pace::Real => programs_for(flow, file, terminal)?,
            Pace::Virtual => None,
        };
        let ender = Ender::installed().map_err(|error| refuse(error, terminal))?;
        let results = results.expect("what is wrong with its place is among the problems that were refused");
        Ok(Checked { setup, inputs, results, places, hooks, origin: order.named.origin(), ender })
    }

    /// Makes the files: last, when everything else is known to be right, since it empties those that are there.
    pub(super) fn make_files(self, terminal: &Terminal) -> Result<Prepared, Ending> {
        let Checked { setup, inputs, results, places, hooks, origin, ender } = self;
        let outputs = Outputs::create(&places, results, (&setup, &inputs), &origin, terminal)?.with_hooks(hooks);
        Ok(Prepared { setup, inputs, outputs, ender })
    }
}

/// Returns the notes on what flows ask for and their ports cannot do: nothing if all of them can, as far as can be seen before
/// they run. Ports of one kind have one note.
pub(super) fn note_on_abilities<'a>(runs: impl Iterator<Item = (&'a Setup, &'a Inputs)>) -> String {
    let mut lacking: Vec<(Lack, Vec<String>)> = Vec::new();
    let ports = runs.flat_map(|(setup, inputs)| {
        let real = setup.counterpart().real_ports();
        real.map(move |(at, port)| (setup.flow(), &inputs.ports[at], port))
    });
    for (flow, known, port) in ports {
        let Some(lack) = Lack::of(flow, &known.settings, port) else { continue };
        let name = harmless(&known.address);
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
        // Of several ports it is not known here which a statement speaks to.
        let ops = if flow.ports.len() > 1 { &[][..] } else { flow.ops.as_slice() };
        let breaks = ops.iter().any(|op| matches!(op, Op::Break(_)));
        let switches_lines = settings.line.dtr != ControlLine::Keep
            || settings.line.rts != ControlLine::Keep
            || settings.line.dtr_at_close != AtClose::System
            || settings.line.rts_at_close != AtClose::System
            || ops.iter().any(|op| matches!(op, Op::ControlLines { .. }));
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
        let changes_baud = ops.iter().any(|op| matches!(op, Op::Baud(_)));
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
