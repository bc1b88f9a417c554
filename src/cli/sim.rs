//! `flowrun sim`: a simulated device served to other programs, in real time, until someone ends it.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Ending;
use super::args::SimArguments;
use super::given::{device_variables, read_variables, variables};
use super::outputs::{CONSOLE, tell_failures};
use super::refusal::{program_for, refuse};
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::event::{CloseReason, Verdict};
use crate::port::PortId;
use crate::program::Role;
use crate::record::Recording;
use crate::replay::device_file;
use crate::report::Fan;
use crate::results::Results;
use crate::setup::{Ender, Pace, Served, ServedBench, read_recording};
use crate::source::name_of;
use crate::transport::{AnyPort, Clock, Interrupt, ServedWorld, Speaks, in_words};
use crate::value::escape::{harmless, harmless_path};
use crate::world::{self, Company, Nobody};

/// Serves a device.
pub(super) fn sim(arguments: &SimArguments, terminal: &Terminal) -> Ending {
    let file = match (&arguments.from, &arguments.file) {
        (Some(recording), _) => return write_device(recording, terminal),
        (None, Some(file)) => file,
        // clap demands one of the two.
        (None, None) => return Ending::Refused,
    };
    let served =
        if arguments.all_ports { serve_all(arguments, file, terminal) } else { serve(arguments, file, terminal) };
    served.unwrap_or_else(|ending| ending)
}

/// Writes the device file that a recording makes.
fn write_device(path: &Path, terminal: &Terminal) -> Ending {
    match read_recording(path) {
        Ok(recording) if recording.n_ports() > 1 => write_devices(path, &recording, terminal),
        Ok(recording) => {
            terminal.say(&device_file(&recording));
            Ending::Done
        }
        Err(error) => refuse(error, terminal),
    }
}

/// Writes a device file for each port of a recording, beside each other in the present folder: `NAME.PORT.flow`. None that is
/// there is overwritten.
fn write_devices(path: &Path, recording: &Recording, terminal: &Terminal) -> Ending {
    let names = recording.port_names();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ids = (0..recording.n_ports()).filter_map(PortId::new);
    let files: Vec<(PortId, PathBuf)> = ids
        .map(|port| {
            let name = names.get(port.index()).map_or_else(|| port.index().to_string(), ToString::to_string);
            (port, PathBuf::from(format!("{stem}.{name}.flow")))
        })
        .collect();
    let problem = |message: String| Diagnostic::general(Code::CommandLine, message);
    if let Some((_, file)) = files.iter().find(|(_, file)| file.exists()) {
        let message = format!("`{}` is already there", harmless_path(file));
        terminal.refuse(problem(message).help("rename it, or run this in another folder: nothing is overwritten"));
        return Ending::Refused;
    }
    for (port, file) in files {
        let text = device_file(&recording.of_port(port));
        let made = File::options().write(true).create_new(true).open(&file);
        if let Err(error) = made.and_then(|mut made| made.write_all(text.as_bytes())) {
            let message = format!("`{}` cannot be written: {}", harmless_path(&file), in_words(&error));
            terminal.refuse(problem(message));
            return Ending::Outside;
        }
        terminal.say(&format!("{}\n", harmless_path(&file)));
    }
    Ending::Done
}

fn serve(arguments: &SimArguments, file: &Path, terminal: &Terminal) -> Result<Ending, Ending> {
    let program = program_for(Role::Device, file, arguments.output.volume(), terminal)?;
    let refused = |error| refuse(error, terminal);
    let sources = program.sources.clone();
    let mut given = arguments.variables.clone();
    given.vars.extend(arguments.sim_vars.iter().cloned());
    let offered = variables(&program, &read_variables(&given));
    let served = Served::join(program, offered, arguments.seed).map_err(refused)?;
    let interrupt = Ender::installed().and_then(|ender| ender.interrupt()).map_err(refused)?;
    let Place { mut world, shown, port } = match &arguments.tcp {
        Some(at) => on_tcp(at, arguments.rfc2217, Clock::start(), interrupt, terminal)?,
        None => on_pty(arguments.link.as_deref(), file, Clock::start(), interrupt, terminal)?,
    };
    terminal.say(&format!("serving on {shown}\n`flowrun FLOW --port {port}` talks to it, Ctrl-C ends it\n\n"));
    let mut engine = served.engine(file, shown);
    let mut fan = Fan::default();
    fan.add(CONSOLE, terminal.console(&sources, arguments.output.volume(), Pace::Real));
    // The checker lets no device save anything.
    let mut nothing = Results::new("", "");
    let verdict = world::run(
        &mut engine,
        &mut world,
        Company { keeper: &mut nothing, audience: &mut fan, person: &mut Nobody, tap: None, hooks: None },
    );
    tell_failures(&fan.finish(), terminal);
    Ok(Ending::Served(verdict))
}

/// Serves every device of a flow.
fn serve_all(arguments: &SimArguments, file: &Path, terminal: &Terminal) -> Result<Ending, Ending> {
    let flow = program_for(Role::Flow, file, arguments.output.volume(), terminal)?;
    let refused = |error| refuse(error, terminal);
    let mut typed = arguments.variables.vars.clone();
    typed.extend(arguments.sim_vars.iter().cloned());
    let bench = ServedBench::join(&flow, file, device_variables(&typed), arguments.seed).map_err(refused)?;
    let interrupt = Ender::installed().and_then(|ender| ender.interrupt()).map_err(refused)?;
    let clock = Clock::start();
    let (mut ports, mut options) = (Vec::new(), Vec::new());
    for (at, name) in bench.names().iter().enumerate() {
        let place = match &arguments.tcp {
            Some(from) => {
                let from = port_after(from, at).ok_or_else(|| {
                    terminal.refuse(wrong_tcp(from));
                    Ending::Refused
                })?;
                on_tcp(&from, arguments.rfc2217, clock, interrupt.clone(), terminal)?
            }
            None => {
                let link = arguments.link.as_ref().map(|link| link_of(link, name));
                on_pty(link.as_deref(), file, clock, interrupt.clone(), terminal)?
            }
        };
        let (what, option) = match name.as_str() {
            "" => ("the device".to_string(), format!("--port {}", place.port)),
            name => (format!("`{name}`"), format!("--port {name}={}", place.port)),
        };
        terminal.say(&format!("serving {what} on {}\n", place.shown));
        ports.push(place.world);
        options.push(option);
    }
    let options = options.join(" ");
    terminal.say(&format!("`flowrun {} {options}` talks to all of them, Ctrl-C ends it\n", harmless_path(file)));
    match bench.serve(ports, clock, &interrupt).map_err(refused)? {
        None => Ok(Ending::Served(Verdict::Interrupted)),
        Some((name, reason)) => {
            terminal.refuse(end_of(&name, &reason));
            Ok(Ending::Served(Verdict::PortFailed))
        }
    }
}

/// Says why the devices of a flow are not served any more.
fn end_of(name: &str, reason: &CloseReason) -> Diagnostic {
    let name = harmless(name);
    let (message, help) = match reason {
        CloseReason::DeviceFailed(failure) => (format!("the device of `{name}` failed: {}", failure.message), None),
        CloseReason::CannotOpen { reason, help } | CloseReason::Broken { reason, help } => {
            (format!("`{name}` cannot be served any more: {reason}"), help.clone())
        }
        CloseReason::HungUp { help } => (format!("the port of `{name}` is gone"), Some(help.clone())),
        CloseReason::Finished => (format!("the port of `{name}` is closed"), None),
    };
    let problem = Diagnostic::general(Code::CommandLine, message);
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// Returns the second name of the pseudo-terminal of a port.
fn link_of(link: &Path, name: &str) -> PathBuf {
    if name.is_empty() {
        return link.to_path_buf();
    }
    let mut of_port = link.as_os_str().to_os_string();
    of_port.push(".");
    of_port.push(name);
    PathBuf::from(of_port)
}

/// Returns the address of the TCP port whose number is higher by this; 0 is a free one each time.
fn port_after(from: &str, n: usize) -> Option<String> {
    let (host, port) = from.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let port = if port == 0 { 0 } else { port.checked_add(u16::try_from(n).ok()?)? };
    Some(format!("{host}:{port}"))
}

fn wrong_tcp(typed: &str) -> Diagnostic {
    let message = format!("`--tcp {}` is not an address whose port number can be counted up", harmless(typed));
    let help = "write `127.0.0.1:4000`, and the ports have 4000, 4001 and so on; `127.0.0.1:0` takes free ones";
    Diagnostic::general(Code::CommandLine, message).help(help)
}

/// Where a device is served.
struct Place {
    world: AnyPort,
    /// What it is called.
    shown: String,
    /// What a flow calls it.
    port: String,
}

/// Serves on a TCP port.
fn on_tcp(
    at: &str,
    is_rfc2217: bool,
    clock: Clock,
    interrupt: Interrupt,
    terminal: &Terminal,
) -> Result<Place, Ending> {
    let (speaks, scheme) = if is_rfc2217 { (Speaks::Rfc2217, "rfc2217") } else { (Speaks::Bytes, "tcp") };
    match ServedWorld::listen(at, speaks, clock, interrupt) {
        Ok(world) => {
            let address = format!("{scheme}://{}", world.address());
            Ok(Place { world: world.into(), shown: address.clone(), port: address })
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
fn on_pty(
    link: Option<&Path>,
    _file: &Path,
    clock: Clock,
    interrupt: Interrupt,
    terminal: &Terminal,
) -> Result<Place, Ending> {
    use crate::transport::PtyWorld;

    let world = PtyWorld::create(clock, interrupt, link).map_err(|why| {
        terminal.refuse(Diagnostic::general(Code::CommandLine, format!("the device cannot be served: {why}")));
        Ending::Outside
    })?;
    let shown = name_of(world.path());
    let port = link.map_or(shown.clone(), harmless_path);
    Ok(Place { world: world.into(), shown, port })
}

/// Refuses: there are no pseudo-terminals.
#[cfg(not(unix))]
fn on_pty(
    _link: Option<&Path>,
    file: &Path,
    _clock: Clock,
    _interrupt: Interrupt,
    terminal: &Terminal,
) -> Result<Place, Ending> {
    let message = "serving a device as a serial port needs pseudo-terminals, which this system does not have";
    let path = name_of(file);
    let help = format!(
        "`flowrun sim {path} --tcp 127.0.0.1:4000` serves it on a TCP port; `flowrun FLOW --port sim:{path}` runs a flow \
         against it"
    );
    terminal.refuse(Diagnostic::general(Code::CommandLine, message).help(help));
    Err(Ending::Refused)
}
