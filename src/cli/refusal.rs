//! What the command line says when a run cannot begin, and how the command then ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Ending;
use super::assign::listed;
use super::terminal::Terminal;
use crate::address::{AddressError, Fault, RealPort, SCHEMES, UsbError};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::event::Verdict;
use crate::program::{Program, Role};
use crate::report::console::Volume;
use crate::setup::{Complaint, Read, SetupError, read_program};
use crate::source::name_of;
use crate::suite::find::everything_in;
use crate::transport::others;
use crate::value::escape::harmless;

/// Returns the program in a file that is to play a role, after telling of everything that is wrong with it.
///
/// # Errors
///
/// There is none, and that has been told.
pub(super) fn program_for(
    role: Role,
    path: &Path,
    volume: Volume,
    terminal: &Terminal,
) -> Result<Arc<Program>, Ending> {
    Looked::at(role, path).told(volume, terminal)
}

/// A file that was read, of which nothing was told yet.
pub(super) struct Looked<'a> {
    role: Role,
    path: &'a Path,
    /// `None` of a folder.
    read: Option<Result<Read, SetupError>>,
}

impl<'a> Looked<'a> {
    /// Reads a file that is to play a role.
    pub(super) fn at(role: Role, path: &'a Path) -> Looked<'a> {
        Looked { role, path, read: (!path.is_dir()).then(|| read_program(role, path)) }
    }

    /// Returns the program, if the file has one.
    pub(super) fn program(&self) -> Option<&Program> {
        self.read.as_ref()?.as_ref().ok().map(|read| &*read.program)
    }

    /// Returns the program, after telling of everything that is wrong with it.
    ///
    /// # Errors
    ///
    /// There is none, and that has been told.
    pub(super) fn told(self, volume: Volume, terminal: &Terminal) -> Result<Arc<Program>, Ending> {
        let Some(read) = self.read else {
            terminal.refuse(folder(self.role, self.path));
            return Err(Ending::Refused);
        };
        let Read { program, warnings } = read.map_err(|error| refuse(error, terminal))?;
        warn(&warnings, volume, terminal);
        Ok(program)
    }
}

/// Returns the files that were named, and those of flows, devices and libraries in folders that were.
///
/// # Errors
///
/// What is wrong with a folder.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Box<Diagnostic>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let shown = name_of(path);
        let found = everything_in(path)
            .map_err(|(path, error)| problem(format!("`{}` cannot be read: {error}", name_of(&path))))?;
        if found.is_empty() {
            let problem = problem(format!("`{shown}` is a folder without a file `NAME.flow`"));
            return Err(Box::new(problem.help("name a file, or another folder")));
        }
        files.extend(found);
    }
    Ok(files)
}

/// Says how many warnings there are about a file that is run, unless only its verdict is wanted.
pub(super) fn warn(warnings: &Complaint, volume: Volume, terminal: &Terminal) {
    match volume {
        Volume::Normal => terminal.hint(&warned(warnings)),
        Volume::Quiet => {}
    }
}

/// Returns how many warnings there are and what shows them; nothing if there are none.
fn warned(warnings: &Complaint) -> String {
    let file = warnings.sources.iter().next().map_or("FILE", |(_, source)| source.name());
    let file = harmless(file);
    match warnings.problems.len() {
        0 => String::new(),
        1 => format!("1 warning: `flowrun check {file}` shows it\n\n"),
        n => format!("{n} warnings: `flowrun check {file}` shows them\n\n"),
    }
}

/// Shows problems, if there are any.
pub(super) fn complain(complaint: &Complaint, terminal: &Terminal) {
    terminal.report(&complaint.problems, &complaint.sources);
}

/// Says why a run cannot begin.
pub(super) fn refuse(error: SetupError, terminal: &Terminal) -> Ending {
    let problem = match error {
        SetupError::Wrong(complaints) => {
            complaints.iter().for_each(|complaint| complain(complaint, terminal));
            return Ending::Refused;
        }
        SetupError::WrongRole { path, wanted: _, found, warnings } => {
            complain(&warnings, terminal);
            wrong_role(&path, found)
        }
        SetupError::NoCounterpart => {
            let help = "add `sim \"devices/modem.flow\"` to it, or name one with `--port sim:FILE`";
            problem("this flow names no simulated device").help(help)
        }
        SetupError::NoDevice { port } => {
            let port = harmless(port);
            let help = format!("add `sim \"devices/{port}.flow\"` to it, or name one with `--port {port}=sim:FILE`");
            problem(format!("the port `{port}` of this flow names no simulated device")).help(help)
        }
        SetupError::OneForSeveral { address, ports } => one_for_several(&address, &ports),
        SetupError::Unplayable { path, why } => unplayable(&path, &why),
        SetupError::NoWait { n_ports, why } => {
            terminal.refuse(problem(format!("the system cannot wait for {n_ports} ports: {why}")));
            return Ending::Outside;
        }
        SetupError::NoSeed(why) => {
            let message = format!("the system gives no random seed: {why}");
            terminal.refuse(problem(message).help("give one with `--seed N`"));
            return Ending::Outside;
        }
        SetupError::NoInterrupt(why) => {
            terminal.refuse(problem(format!("Ctrl-C cannot be handled: {why}")));
            return Ending::Outside;
        }
    };
    terminal.refuse(problem);
    Ending::Refused
}

/// Says who else has the port of a run open that did not end well: what the device answers may go there.
pub(super) fn tell_others(port: &RealPort, verdict: Verdict, terminal: &Terminal) {
    match verdict {
        Verdict::Failed | Verdict::Interrupted => {
            if let Some(others) = others(port) {
                let port = harmless(port.to_string());
                terminal.warn(&format!("{others} `{port}` open too: what the device answers may go there"));
            }
        }
        Verdict::Passed | Verdict::Flaky | Verdict::Skipped | Verdict::PortFailed => {}
    }
}

/// Says what is wrong with the ports that were typed.
pub(super) fn refuse_address(error: &AddressError, terminal: &Terminal) -> Ending {
    terminal.refuse(address_problem(error));
    Ending::Refused
}

/// Says that one file is wanted.
fn folder(role: Role, path: &Path) -> Diagnostic {
    let path = name_of(path);
    let help = match role {
        Role::Flow => format!("`flowrun test {path}` runs every flow in it; else name one of them"),
        Role::Device => "name the file of a device in it".to_string(),
    };
    problem(format!("`{path}` is a folder")).help(help)
}

/// Says that a flow has several ports, and that each needs an address.
fn one_for_several(address: &str, ports: &[String]) -> Diagnostic {
    let names: Vec<&str> = ports.iter().map(String::as_str).collect();
    let message =
        format!("`--port {}` is one port, and the flow has {}: {}", harmless(address), ports.len(), listed(&names));
    let help =
        format!("write `--port {}=ADDRESS` for each; `--port sim` simulates all of them", names.first().unwrap_or(&""));
    problem(message).help(help)
}

fn unplayable(path: &Path, why: &str) -> Diagnostic {
    let message = format!("the recording `{}` cannot be played: {why}", name_of(path));
    problem(message).help("`flowrun FLOW --port … --record FILE` makes one")
}

fn wrong_role(path: &Path, found: Option<Role>) -> Diagnostic {
    let path = name_of(path);
    let (message, help) = match found {
        Some(Role::Device) => (
            format!("`{path}` is a device, not a flow"),
            format!("`--port sim:{path}` plays it for a flow, `flowrun sim {path}` serves it to other programs"),
        ),
        Some(Role::Flow) => (
            format!("`{path}` is a flow, not a device"),
            format!(
                "`flowrun {path} --port …` runs it, `flowrun sim {path} --all-ports` serves the devices that it names"
            ),
        ),
        None => (
            format!("`{path}` is a library, which does nothing by itself"),
            "`use` it in a flow; `flowrun check` checks it alone".to_string(),
        ),
    };
    problem(message).help(help)
}

/// Returns what is wrong with the ports that were typed.
pub(super) fn address_problem(error: &AddressError) -> Diagnostic {
    let (message, help) = match error {
        AddressError::Usb { typed, error } => return usb_problem(typed, error),
        AddressError::Unsupported { typed, scheme } => return unsupported(typed, scheme),
        AddressError::Malformed { typed, fault, instead } => {
            let message = format!("`--port {typed}`: {}", what_is_wrong(fault));
            let help = match (fault, instead) {
                (Fault::OpenQuote, _) => "close it, and quote the whole address for your shell".to_string(),
                (_, Some(instead)) => format!("write `{instead}`"),
                (_, None) => "name the program and its arguments: `exec:ssh root@board`".to_string(),
            };
            return problem(message).help(help);
        }
        AddressError::NoPattern { typed, why } => {
            (format!("`{typed}` is not a pattern: {why}"), "use `*`, `?` and `[…]` as a shell does")
        }
        AddressError::SeveralPlaces { typed, fitting } => {
            let message = format!("{} places fit `{typed}`", fitting.len());
            return problem(message).help(format!("name one of them: `{}`", fitting.join("`, `")));
        }
        AddressError::SeveralPorts { typed, fitting } => {
            let message = format!("{} addresses fit `{typed}`, and one is needed", fitting.len());
            return problem(message).help(format!("name one of them: `{}`", fitting.join("`, `")));
        }
        AddressError::NoPort { typed } => (
            format!("no port fits `{typed}`"),
            "see `flowrun ports`; quote the pattern, so that the shell does not expand it",
        ),
        AddressError::NoRecording { typed } => (
            format!("no recording fits `{typed}`"),
            "quote the pattern, so that the shell does not expand it; `flowrun FLOW --port … --record FILE` makes a recording",
        ),
        AddressError::SimulatedAmongSeveral { simulated } => (
            format!("`--port {simulated}` cannot be one of several ports"),
            "run the flow once with `--port sim`, and once on the real ports",
        ),
        AddressError::Mixture { recorded, real } => (
            format!("`--port {recorded}` and `--port {real}` cannot run together"),
            "a recording runs in virtual time and a port in real time: run the flow once on the recordings, and once on the ports",
        ),
    };
    problem(message).help(help)
}

/// Returns what is wrong with the address of a USB adapter.
fn usb_problem(typed: &str, error: &UsbError) -> Diagnostic {
    let lines = |ports: &[String]| ports.iter().map(|port| format!("\n{port}")).collect::<String>();
    match error {
        UsbError::Malformed { why } => problem(format!("`--port {typed}` is not the address of a USB adapter: {why}"))
            .help("write `usb:0403:6001`, `usb:0403:6001:SERIAL`, `usb:serial=SERIAL` or `usb:at=1-1.2`"),
        UsbError::NoneFits { there } if there.is_empty() => problem(format!("no USB adapter fits `{typed}`"))
            .help("no USB adapter is plugged in that the system has a serial port for, see `flowrun ports`"),
        UsbError::NoneFits { there } => problem(format!("no USB adapter fits `{typed}`"))
            .help(format!("is it plugged in? There is:{}", lines(there))),
        UsbError::NoPlaces => problem(format!("`{typed}`: this system does not say where a USB adapter is plugged in"))
            .help("only Linux says; name the adapter with `usb:VID:PID:SERIAL` or `usb:serial=SERIAL`"),
        UsbError::Several { fitting } => problem(format!("{} ports fit `{typed}`", fitting.len())).help(format!(
            "name one of them, or write a pattern such as `usb:0403:6001:*` to run on all:{}",
            lines(fitting)
        )),
    }
}

/// Says that flowrun opens no addresses of a kind, and what it opens instead.
fn unsupported(typed: &str, scheme: &str) -> Diagnostic {
    let rest = &typed[scheme.len()..];
    let help = match scheme {
        "labgrid" => "a flow, `flowrun test`, `say` and `doctor` run in a place of a laboratory".to_string(),
        "socket" => format!("`tcp{rest}` is the same"),
        "ssh" => "`exec:ssh USER@HOST` runs the program".to_string(),
        "usb" => "`flowrun ports` lists the serial ports of this machine".to_string(),
        _ => match nearest(scheme, SCHEMES.iter().copied()) {
            Some(near) => format!("did you mean `{near}{rest}`?"),
            None => {
                "a port is a device node, or `tcp://HOST:PORT`, `unix:PATH`, `telnet://HOST:PORT`, `rfc2217://HOST:PORT`, \
                 `exec:COMMAND`, `labgrid:PLACE`"
                    .to_string()
            }
        },
    };
    problem(format!("`--port {typed}`: flowrun does not know `{scheme}` addresses")).help(help)
}

fn what_is_wrong(fault: &Fault) -> String {
    match fault {
        Fault::NoSlashes => "`//` is missing after the scheme".to_string(),
        Fault::NoHost => "the host is missing".to_string(),
        Fault::NoPort => "the number of the port is missing".to_string(),
        Fault::WrongPort(port) => format!("`{port}` is not a port: a port is a number from 1 to 65535"),
        Fault::NoBrackets => "put an IPv6 address in brackets".to_string(),
        Fault::MoreThanHostAndPort => "only a host and a port belong here".to_string(),
        Fault::NoPlace => "the name of the place, or of its port after the slash, is missing".to_string(),
        Fault::NoPath => "the path of the socket is missing".to_string(),
        Fault::NoCommand => "the program is missing".to_string(),
        Fault::OpenQuote => "a quote is not closed".to_string(),
    }
}

fn problem(message: impl Into<String>) -> Diagnostic {
    Diagnostic::general(Code::CommandLine, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::source::{Source, Sources};

    #[test]
    fn a_wrong_address_is_answered_with_the_nearest_right_one() {
        let answer = |typed: &str| {
            let problem = address_problem(&Address::read(typed).expect_err("it is wrong"));
            format!("{} | {}", problem.message, problem.help.unwrap_or_default())
        };
        let answers = [
            "tpc://box:4001",
            "socket://box:4001",
            "usb:0403:6001",
            "gopher://box:70",
            "tcp://box",
            "tcp://box:70000",
            "rfc2217:box:2217",
            "exec:cat 'a",
        ]
        .map(answer);
        assert_eq!(
            answers,
            [
                "`--port tpc://box:4001`: flowrun does not know `tpc` addresses | did you mean `tcp://box:4001`?",
                "`--port socket://box:4001`: flowrun does not know `socket` addresses | `tcp://box:4001` is the same",
                "`--port usb:0403:6001`: flowrun does not know `usb` addresses | `flowrun ports` lists the serial ports of \
                 this machine",
                "`--port gopher://box:70`: flowrun does not know `gopher` addresses | a port is a device node, or \
                 `tcp://HOST:PORT`, `unix:PATH`, `telnet://HOST:PORT`, `rfc2217://HOST:PORT`, `exec:COMMAND`, \
                 `labgrid:PLACE`",
                "`--port tcp://box`: the number of the port is missing | write `tcp://box:PORT`",
                "`--port tcp://box:70000`: `70000` is not a port: a port is a number from 1 to 65535 | write `tcp://box:PORT`",
                "`--port rfc2217:box:2217`: `//` is missing after the scheme | write `rfc2217://box:2217`",
                "`--port exec:cat 'a`: a quote is not closed | close it, and quote the whole address for your shell",
            ]
        );
    }

    #[test]
    fn warnings_of_a_run_are_one_line() {
        let mut sources = Sources::default();
        sources.add(Source::new("flows/bench.flow", ""));
        let warnings = |n| Complaint { problems: vec![problem("it is unused"); n], sources: sources.clone().into() };
        assert_eq!(warned(&warnings(0)), "");
        assert_eq!(warned(&warnings(1)), "1 warning: `flowrun check flows/bench.flow` shows it\n\n");
        assert_eq!(warned(&warnings(3)), "3 warnings: `flowrun check flows/bench.flow` shows them\n\n");
    }
}
