//! `flowrun sim`: a simulated device served to other programs, in real time, until someone ends it.

use std::path::Path;

use super::Ending;
use super::args::SimArguments;
use super::refusal::refuse;
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::replay::device_file;
use crate::setup::read_recording;
use crate::source::name_of;

/// Serves a device.
pub(super) fn sim(arguments: &SimArguments, terminal: &Terminal) -> Ending {
    let file = match (&arguments.from, &arguments.file) {
        (Some(recording), _) => return write_device(recording, terminal),
        (None, Some(file)) => file,
        // clap demands one of the two.
        (None, None) => return Ending::Refused,
    };
    serve(arguments, file, terminal).unwrap_or_else(|ending| ending)
}

/// Writes the device file that a recording makes.
fn write_device(path: &Path, terminal: &Terminal) -> Ending {
    match read_recording(path) {
        Ok(recording) => {
            terminal.say(&device_file(&recording));
            Ending::Done
        }
        Err(error) => refuse(error, terminal),
    }
}

#[cfg(unix)]
fn serve(arguments: &SimArguments, file: &Path, terminal: &Terminal) -> Result<Ending, Ending> {
    use super::given::variables;
    use super::outputs::{CONSOLE, tell_failures};
    use super::refusal::program_for;
    use crate::program::Role;
    use crate::report::Fan;
    use crate::results::Results;
    use crate::setup::{Ender, Pace, Served};
    use crate::transport::{Clock, PtyWorld};
    use crate::value::escape::harmless_path;
    use crate::world::{self, Company, Nobody};

    let program = program_for(Role::Device, file, arguments.output.volume(), terminal)?;
    let refused = |error| refuse(error, terminal);
    let sources = program.sources.clone();
    let mut given = arguments.variables.clone();
    given.vars.extend(arguments.sim_vars.iter().cloned());
    let offered = variables(&program, &given);
    let served = Served::join(program, offered, arguments.seed).map_err(refused)?;
    let interrupt = Ender::installed().and_then(|ender| ender.interrupt()).map_err(refused)?;
    let mut world = PtyWorld::create(Clock::start(), interrupt, arguments.link.as_deref()).map_err(|why| {
        terminal.refuse(Diagnostic::general(Code::CommandLine, format!("the device can not be served: {why}")));
        Ending::Outside
    })?;
    let path = name_of(world.path());
    let name = arguments.link.as_ref().map_or(path.clone(), |link| harmless_path(link));
    terminal.say(&format!("serving on {path}\n`flowrun FLOW --port {name}` talks to it, Ctrl-C ends it\n\n"));
    let mut engine = served.engine(file, path);
    let mut fan = Fan::default();
    fan.add(CONSOLE, terminal.console(&sources, arguments.output.volume(), Pace::Real));
    // The checker lets no device save anything.
    let mut nothing = Results::new("", "");
    let verdict = world::run(
        &mut engine,
        &mut world,
        Company { keeper: &mut nothing, audience: &mut fan, person: &mut Nobody, tap: None },
    );
    tell_failures(&fan.finish(), terminal);
    Ok(Ending::Served(verdict))
}

#[cfg(not(unix))]
fn serve(_arguments: &SimArguments, file: &Path, terminal: &Terminal) -> Result<Ending, Ending> {
    let message = "serving a device needs pseudo-terminals, which this system does not have";
    let path = name_of(file);
    let help = format!(
        "`flowrun FLOW --port sim:{path}` runs a flow against the device; a pair of virtual ports (com0com) is not served yet"
    );
    terminal.refuse(Diagnostic::general(Code::CommandLine, message).help(help));
    Err(Ending::Refused)
}
