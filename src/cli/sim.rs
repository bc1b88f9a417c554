//! `flowrun sim`: a simulated device served to other programs, in real time, until someone ends it.

use std::io::ErrorKind;
use std::path::Path;

use super::Ending;
use super::args::SimArguments;
use super::given::variables;
use super::outputs::{CONSOLE, tell_failures};
use super::refusal::{program_for, refuse};
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::program::Role;
use crate::replay::device_file;
use crate::report::Fan;
use crate::results::Results;
use crate::setup::{Ender, Pace, Served, read_recording};
use crate::source::name_of;
use crate::transport::{Clock, Interrupt, ServedWorld, Speaks, in_words};
use crate::value::escape::harmless;
use crate::world::{self, Company, Nobody, World};

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

fn serve(arguments: &SimArguments, file: &Path, terminal: &Terminal) -> Result<Ending, Ending> {
    let program = program_for(Role::Device, file, arguments.output.volume(), terminal)?;
    let refused = |error| refuse(error, terminal);
    let sources = program.sources.clone();
    let mut given = arguments.variables.clone();
    given.vars.extend(arguments.sim_vars.iter().cloned());
    let offered = variables(&program, &given);
    let served = Served::join(program, offered, arguments.seed).map_err(refused)?;
    let interrupt = Ender::installed().and_then(|ender| ender.interrupt()).map_err(refused)?;
    let Place { mut world, shown, port } = match &arguments.tcp {
        Some(at) => on_tcp(at, arguments.rfc2217, interrupt, terminal)?,
        None => on_pty(arguments, file, interrupt, terminal)?,
    };
    terminal.say(&format!("serving on {shown}\n`flowrun FLOW --port {port}` talks to it, Ctrl-C ends it\n\n"));
    let mut engine = served.engine(file, shown);
    let mut fan = Fan::default();
    fan.add(CONSOLE, terminal.console(&sources, arguments.output.volume(), Pace::Real));
    // The checker lets no device save anything.
    let mut nothing = Results::new("", "");
    let verdict = world::run(
        &mut engine,
        world.as_mut(),
        Company { keeper: &mut nothing, audience: &mut fan, person: &mut Nobody, tap: None },
    );
    tell_failures(&fan.finish(), terminal);
    Ok(Ending::Served(verdict))
}

/// Where a device is served.
struct Place {
    world: Box<dyn World>,
    /// What it is called.
    shown: String,
    /// What a flow calls it.
    port: String,
}

/// Serves on a TCP port.
fn on_tcp(at: &str, is_rfc2217: bool, interrupt: Interrupt, terminal: &Terminal) -> Result<Place, Ending> {
    let (speaks, scheme) = if is_rfc2217 { (Speaks::Rfc2217, "rfc2217") } else { (Speaks::Bytes, "tcp") };
    match ServedWorld::listen(at, speaks, Clock::start(), interrupt) {
        Ok(world) => {
            let address = format!("{scheme}://{}", world.address());
            Ok(Place { world: Box::new(world), shown: address.clone(), port: address })
        }
        Err(error) => {
            let message = format!("the device cannot be served on `{}`: {}", harmless(at), in_words(&error));
            let help = if error.kind() == ErrorKind::AddrInUse {
                "another program has this port: end it, or take another one; 0 is a free one"
            } else if error.kind() == ErrorKind::PermissionDenied {
                "ports below 1024 need special rights: take a higher one"
            } else {
                "write an address of this machine and a port, such as `127.0.0.1:4000`"
            };
            terminal.refuse(Diagnostic::general(Code::CommandLine, message).help(help));
            Err(Ending::Outside)
        }
    }
}

/// Serves on a fresh pseudo-terminal.
#[cfg(unix)]
fn on_pty(arguments: &SimArguments, _file: &Path, interrupt: Interrupt, terminal: &Terminal) -> Result<Place, Ending> {
    use crate::transport::PtyWorld;
    use crate::value::escape::harmless_path;

    let world = PtyWorld::create(Clock::start(), interrupt, arguments.link.as_deref()).map_err(|why| {
        terminal.refuse(Diagnostic::general(Code::CommandLine, format!("the device cannot be served: {why}")));
        Ending::Outside
    })?;
    let shown = name_of(world.path());
    let port = arguments.link.as_ref().map_or(shown.clone(), |link| harmless_path(link));
    Ok(Place { world: Box::new(world), shown, port })
}

/// Refuses: there are no pseudo-terminals.
#[cfg(not(unix))]
fn on_pty(_arguments: &SimArguments, file: &Path, _interrupt: Interrupt, terminal: &Terminal) -> Result<Place, Ending> {
    let message = "serving a device as a serial port needs pseudo-terminals, which this system does not have";
    let path = name_of(file);
    let help = format!(
        "`flowrun sim {path} --tcp 127.0.0.1:4000` serves it on a TCP port; `flowrun FLOW --port sim:{path}` runs a flow \
         against it"
    );
    terminal.refuse(Diagnostic::general(Code::CommandLine, message).help(help));
    Err(Ending::Refused)
}
