//! `flowrun FILE`: a flow run against a port, a simulated device or a recording.

use std::path::Path;
use std::sync::Arc;

use super::Ending;
use super::args::RunArguments;
use super::assign::{Assigned, assign, assign_bench, listed};
use super::many::{self, OneOf};
use super::named::{Asks, Named, named, ports_of_bench};
use super::one_port::{self, is_same, names, shared};
use super::outputs::{CONSOLE, Places, Share};
use super::person::AtTerminal;
use super::prepare::{Checked, Order, Prepared, Supplies, claims_of, note_on_abilities};
use super::refusal::{Looked, refuse, tell_others};
use super::rows::{self, sheet_of, with_ports_of};
use super::speed::note_on_speed;
use super::terminal::Terminal;
use crate::address::Address;
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::program::{Program, Role};
use crate::report::Fan;
use crate::report::console::Volume;
use crate::setup::{Pace, Stage};
use crate::transport::list;
use crate::value::escape::harmless;
use crate::world;

/// Runs a flow.
pub(super) fn run(arguments: &RunArguments, terminal: &Terminal) -> Ending {
    try_run(arguments, terminal).unwrap_or_else(|ending| ending)
}

fn try_run(arguments: &RunArguments, terminal: &Terminal) -> Result<Ending, Ending> {
    let folder = folder_of(&arguments.file);
    let flow = Looked::at(Role::Flow, &arguments.file);
    let sheet = sheet_of(arguments, terminal)?;
    let with_ports = sheet.as_ref().map(|sheet| with_ports_of(sheet, flow.program(), arguments, terminal));
    let with_ports = with_ports.transpose()?;
    let arguments = with_ports.as_ref().unwrap_or(arguments);
    let begin = |flow: Looked<'_>, runs: &[OneOf<'_>]| match (&sheet, runs) {
        (Some(sheet), [_, ..]) => rows::run(arguments, sheet, flow, runs, terminal),
        (None, [one]) => run_one(arguments, one.named(), flow, one.addresses(), terminal),
        (None, [_, _, ..]) => many::run(arguments, flow, runs, terminal),
        (_, []) => {
            let flow = told(arguments, flow, terminal)?;
            terminal.report(&[no_port(&flow)], &flow.sources);
            Err(Ending::Refused)
        }
    };
    if !arguments.benches.is_empty() {
        return run_on_benches(arguments, folder, flow, &begin, terminal);
    }
    let mut named = named(&arguments.ports, arguments.profile.as_deref(), Asks::Names, folder, terminal)?;
    let ending = run_at_addresses(arguments, &mut named, flow, &begin, terminal);
    named.release(terminal);
    ending
}

/// Begins the runs of a flow.
type Begin<'a> = dyn Fn(Looked<'_>, &[OneOf<'_>]) -> Result<Ending, Ending> + 'a;

fn run_at_addresses(
    arguments: &RunArguments,
    named: &mut Named,
    flow: Looked<'_>,
    begin: &Begin<'_>,
    terminal: &Terminal,
) -> Result<Ending, Ending> {
    let ports = flow.program().map_or(&[][..], |flow| &flow.ports);
    let wait = arguments.wait_port.as_deref();
    match assign(&named.ports, ports) {
        Ok(Assigned::Runs(texts)) => {
            let addresses = named.awaited(wait, terminal, |named| named.addresses_of_runs(&texts))?;
            // Of rows, each is on the port that it names, however it is called.
            let is_for_rows = arguments.rows.file.is_some();
            let addresses = if is_for_rows { one_port::each_once(addresses) } else { addresses };
            if let Some(problem) = one_port::taken_twice(&addresses) {
                terminal.refuse(problem);
                return Err(Ending::Refused);
            }
            let is_any_empty = addresses.iter().any(Address::is_empty);
            begin(flow, &if is_any_empty { Vec::new() } else { OneOf::on_ports(&addresses, named) })
        }
        Ok(Assigned::Ports(texts)) => {
            let addresses = named.awaited(wait, terminal, |named| named.addresses_of_ports(&texts))?;
            if let Some(problem) = shared(ports, &addresses) {
                terminal.refuse(problem);
                return Err(Ending::Refused);
            }
            begin(flow, &[OneOf::on_all(addresses, named)])
        }
        Err(problem) => {
            // What is wrong with the flow comes first.
            told(arguments, flow, terminal)?;
            terminal.refuse(*problem);
            Err(Ending::Refused)
        }
    }
}

/// Runs a flow on benches that `flowrun.toml` names.
fn run_on_benches(
    arguments: &RunArguments,
    folder: &Path,
    flow: Looked<'_>,
    begin: &Begin<'_>,
    terminal: &Terminal,
) -> Result<Ending, Ending> {
    let mut benches = Vec::with_capacity(arguments.benches.len());
    for (at, bench) in arguments.benches.iter().enumerate() {
        if arguments.benches[..at].contains(bench) {
            let problem =
                Diagnostic::general(Code::CommandLine, format!("`--bench {}` was given twice", harmless(bench)));
            terminal.refuse(problem.help("leave one of them out"));
            return Err(Ending::Refused);
        }
        let typed = ports_of_bench(bench, folder, terminal)?;
        let named = named(&typed, arguments.profile.as_deref(), Asks::Names, folder, terminal)?;
        benches.push((bench, named.on_bench(bench)));
    }
    let ending = run_on(arguments, &mut benches, flow, begin, terminal);
    benches.iter_mut().for_each(|(_, named)| named.release(terminal));
    ending
}

fn run_on(
    arguments: &RunArguments,
    benches: &mut [(&String, Named)],
    flow: Looked<'_>,
    begin: &Begin<'_>,
    terminal: &Terminal,
) -> Result<Ending, Ending> {
    let Some(program) = flow.program() else { return told(arguments, flow, terminal).map(|_| Ending::Refused) };
    let mut found: Vec<Vec<Address>> = Vec::with_capacity(benches.len());
    let mut taken: Vec<(Address, &String)> = Vec::new();
    for (bench, named) in benches.iter_mut() {
        let refused = |problem: Box<Diagnostic>| {
            terminal.refuse(*problem);
            Ending::Refused
        };
        let texts = assign_bench(bench, &named.ports, &program.ports).map_err(refused)?;
        let addresses =
            named.awaited(arguments.wait_port.as_deref(), terminal, |named| named.addresses_of_ports(&texts))?;
        if let Some(problem) = shared(&program.ports, &addresses) {
            return Err(refused(Box::new(problem)));
        }
        let other = addresses.iter().find_map(|address| {
            let (known, other) = taken.iter().find(|(known, _)| is_same(known, address))?;
            Some((names(known, address), other))
        });
        if let Some((called, other)) = other {
            return Err(refused(Box::new(taken_twice(&called, other, bench))));
        }
        taken.extend(addresses.iter().map(|address| (address.clone(), *bench)));
        found.push(addresses);
    }
    let runs = benches.iter().zip(found).map(|((bench, named), addresses)| OneOf::on_bench(bench, addresses, named));
    let runs: Vec<OneOf<'_>> = runs.collect();
    begin(flow, &runs)
}

fn taken_twice(called: &str, other: &str, bench: &str) -> Diagnostic {
    let (other, bench) = (harmless(other), harmless(bench));
    let message = format!("the benches `{other}` and `{bench}` both have one port, {called}");
    Diagnostic::general(Code::CommandLine, message).help("run them one after the other, or correct `flowrun.toml`")
}

/// Returns the flow, after telling of everything that is wrong with it.
fn told(arguments: &RunArguments, flow: Looked<'_>, terminal: &Terminal) -> Result<Arc<Program>, Ending> {
    flow.told(arguments.output.volume(), terminal).inspect_err(|_| suggest_command(&arguments.file, terminal))
}

/// Runs a flow once; each of its ports has an address, or one is for all of them.
fn run_one(
    arguments: &RunArguments,
    named: &Named,
    flow: Looked<'_>,
    addresses: &[Address],
    terminal: &Terminal,
) -> Result<Ending, Ending> {
    let flow = told(arguments, flow, terminal)?;
    let mut claims = claims_of(&flow, arguments);
    let order = Order { arguments, named, supplies: &Supplies::read(arguments, &flow) };
    let mut person = AtTerminal::new(Pace::Real);
    let places = (Places::of(arguments, &flow), Some(&mut person));
    let checked = Checked::asking(&flow, addresses, places, order, &mut claims, terminal)?;
    let Prepared { setup, inputs, mut outputs, ender } = checked.make_files(terminal)?;
    if arguments.output.volume() == Volume::Normal {
        terminal.hint(&note_on_abilities([(&setup, &inputs)].into_iter()));
    }
    let pace = setup.counterpart().pace();
    let Stage { mut engine, mut world, sources } =
        setup.stage(inputs, &ender).map_err(|error| refuse(error, terminal))?;
    let mut fan = Fan::default();
    outputs.add_sinks(&mut fan, &sources, Share::All);
    let volume = arguments.output.volume();
    fan.add(CONSOLE, terminal.console(&sources, volume, pace).with_legend(terminal.legend(&flow, volume)));
    let mut person = person.in_run(pace);
    let verdict = world::run(&mut engine, world.as_mut(), outputs.company(&mut fan, &mut person));
    let written = outputs.finish(fan, &engine, &sources, terminal);
    terminal.hint(&note_on_speed(world.behind(), engine.now().since_start(), ""));
    setup.counterpart().real_ports().for_each(|(_, port)| tell_others(port, verdict, terminal));
    Ok(written.ending(verdict))
}

fn no_port(flow: &Program) -> Diagnostic {
    if let [first, _, ..] = flow.ports.as_slice() {
        let names: Vec<&str> = flow.ports.iter().map(|port| port.name.as_str()).collect();
        let first = &first.name;
        let help = format!("write `--port {first}=ADDRESS` for each, or `--port sim` to simulate all of them");
        let message = format!("no address was given for the ports of this flow: {}", listed(&names));
        return Diagnostic::general(Code::CommandLine, message).help(help);
    }
    let ports = list();
    let names: Vec<String> = ports.iter().map(|port| format!("`{}`", port.name)).collect();
    let found = match names.len() {
        0 => "no serial ports were found, see `flowrun ports`".to_string(),
        n if n > 8 => format!("give one of {n} with `--port NAME`, see `flowrun ports`"),
        _ => format!("give one with `--port NAME`; there are: {}", names.join(", ")),
    };
    let has_device = flow.sim.is_some() || flow.ports.iter().any(|port| port.sim.is_some());
    let simulated = if has_device { "--port sim" } else { "--port sim:DEVICE_FILE" };
    Diagnostic::general(Code::CommandLine, "no port was given")
        .help(format!("{found}\n`{simulated}` runs it against a simulated device"))
}

/// Tells those who mistyped a command which one they may have meant.
fn suggest_command(path: &Path, terminal: &Terminal) {
    if let Some(word) = path.to_str()
        && let Some(command) = nearest(
            word,
            [
                "run", "check", "fmt", "test", "stress", "show", "sim", "ports", "term", "say", "doctor", "history",
                "allow", "help",
            ],
        )
        && !path.exists()
    {
        terminal.warn(&format!("`{word}` was taken for a file; the command is `{command}`"));
    }
}
