//! `flowrun FILE`: a flow run against a port, a simulated device or a recording.

use std::path::Path;
use std::time::Duration;

use super::Ending;
use super::args::RunArguments;
use super::many;
use super::named::{Asks, Named, named};
use super::outputs::{CONSOLE, Places, Share};
use super::person::AtTerminal;
use super::prepare::{Checked, Prepared, claims_of, note_on_abilities};
use super::refusal::{program_for, refuse, tell_others};
use super::terminal::Terminal;
use crate::address::Address;
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::program::{Program, Role};
use crate::report::Fan;
use crate::report::console::Volume;
use crate::setup::{Counterpart, Stage};
use crate::time::Moment;
use crate::transport::list;
use crate::world;

/// Runs a flow.
pub(super) fn run(arguments: &RunArguments, terminal: &Terminal) -> Ending {
    try_run(arguments, terminal).unwrap_or_else(|ending| ending)
}

fn try_run(arguments: &RunArguments, terminal: &Terminal) -> Result<Ending, Ending> {
    let folder = folder_of(&arguments.file);
    let mut named = named(&arguments.ports, arguments.profile.as_deref(), Asks::Names, folder, terminal)?;
    let ending = match named.awaited(arguments.wait_port.as_deref(), terminal) {
        Ok(addresses) if addresses.iter().any(Address::is_empty) => run_one(arguments, &named, None, terminal),
        Ok(addresses) if addresses.len() > 1 => many::run(arguments, &named, &addresses, terminal),
        Ok(addresses) => run_one(arguments, &named, addresses.first(), terminal),
        Err(ending) => Err(ending),
    };
    named.release(terminal);
    ending
}

fn run_one(
    arguments: &RunArguments,
    named: &Named,
    address: Option<&Address>,
    terminal: &Terminal,
) -> Result<Ending, Ending> {
    let file = &arguments.file;
    let flow = program_for(Role::Flow, file, arguments.output.volume(), terminal)
        .inspect_err(|_| suggest_command(file, terminal))?;
    let Some(address) = address else {
        terminal.report(&[no_port(&flow)], &flow.sources);
        return Err(Ending::Refused);
    };
    let mut claims = claims_of(&flow, arguments);
    let checked = Checked::new(&flow, address, Places::of(arguments), (arguments, named), &mut claims, terminal)?;
    let Prepared { setup, inputs, mut outputs, ender } = checked.make_files(terminal)?;
    if arguments.output.volume() == Volume::Normal {
        terminal.hint(&note_on_abilities([(&setup, &inputs)].into_iter()));
    }
    let pace = setup.counterpart().pace();
    let Stage { mut engine, mut world, sources } =
        setup.stage(inputs, &ender).map_err(|error| refuse(error, terminal))?;
    let mut fan = Fan::default();
    outputs.add_sinks(&mut fan, &sources, Share::All);
    fan.add(CONSOLE, terminal.console(&sources, arguments.output.volume(), pace));
    let mut person = AtTerminal::new(pace);
    let verdict = world::run(&mut engine, world.as_mut(), outputs.company(&mut fan, &mut person));
    let written = outputs.finish(fan, &engine, terminal);
    terminal.hint(&note_on_speed(world.behind(), engine.now().since_start()));
    if let Counterpart::Real(port) = setup.counterpart() {
        tell_others(port, verdict, terminal);
    }
    Ok(written.ending(verdict))
}

/// Says that flowrun, not the line, was what took so long, if that is so.
fn note_on_speed(behind: Duration, took: Duration) -> String {
    if behind < Duration::from_millis(200) || behind < took / 10 {
        return String::new();
    }
    format!(
        "note: flowrun was slower than the line for {} of {} s, so deadlines may have passed too soon; \
         `flowrun check` names patterns that are slow to search with\n",
        Moment::after(behind),
        Moment::after(took)
    )
}

fn no_port(flow: &Program) -> Diagnostic {
    let ports = list();
    let names: Vec<String> = ports.iter().map(|port| format!("`{}`", port.name)).collect();
    let found = match names.len() {
        0 => "no serial ports were found, see `flowrun ports`".to_string(),
        n if n > 8 => format!("give one of {n} with `--port NAME`, see `flowrun ports`"),
        _ => format!("give one with `--port NAME`; there are: {}", names.join(", ")),
    };
    let simulated = if flow.sim.is_some() { "--port sim" } else { "--port sim:DEVICE_FILE" };
    Diagnostic::general(Code::CommandLine, "no port was given")
        .help(format!("{found}\n`{simulated}` runs it against a simulated device"))
}

/// Tells those who mistyped a command which one they may have meant.
fn suggest_command(path: &Path, terminal: &Terminal) {
    if let Some(word) = path.to_str()
        && let Some(command) =
            nearest(word, ["run", "check", "fmt", "test", "stress", "sim", "ports", "say", "doctor", "allow", "help"])
        && !path.exists()
    {
        terminal.warn(&format!("`{word}` was taken for a file; the command is `{command}`"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_keeps_its_line_waiting_is_noted_and_a_quick_one_is_not() {
        let note = |behind, took| note_on_speed(Duration::from_millis(behind), Duration::from_millis(took));
        assert!(note(2_110, 2_168).starts_with("note: flowrun was slower than the line for 2.110 of 2.168 s"));
        assert_ne!(note(200, 2_000), "");
        assert_eq!(note(199, 200), "", "a start may take so long");
        assert_eq!(note(400, 4_001), "", "less than a tenth");
    }
}
