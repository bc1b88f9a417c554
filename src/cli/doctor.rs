//! `flowrun doctor [PORT]`: why a port may not work, and what to do about it.

mod line;
mod system;

use std::path::Path;

use super::Ending;
use super::args::DoctorArguments;
use super::finding::{Finding, Level, Topic};
use super::json::render_doctor;
use super::named::{Asks, named};
use super::ports::ADVICE;
use super::refusal::{address_problem, refuse};
use super::terminal::Terminal;
use crate::address::{Address, PortDescription};
use crate::diagnostic::{Code, Diagnostic};
use crate::event::Verdict;
use crate::setup::Ender;
use crate::transport::{Machine, list_of, readers};
use crate::value::escape::harmless;

/// What was found about one port.
struct Examined {
    /// What it is called, and what is known of it.
    title: String,
    name: String,
    findings: Vec<Finding>,
}

/// Looks at one port, or at all without opening any.
pub(super) fn doctor(arguments: &DoctorArguments, terminal: &Terminal) -> Ending {
    let machine = Machine::this();
    let examined = match &arguments.port {
        Some(port) => one(port, arguments, &machine, terminal),
        None => {
            let ports = list_of(&machine);
            Ok(ports.iter().map(|port| unopened(port, &ports, &machine)).collect())
        }
    };
    let examined = match examined {
        Ok(examined) => examined,
        Err(ending) => return ending,
    };
    let general = system::programs(&machine);
    if arguments.json {
        let ports = examined.iter().map(|port| (port.name.as_str(), port.findings.as_slice()));
        terminal.say(&render_doctor(&general, &ports.collect::<Vec<_>>()));
    } else {
        terminal.say(&in_words(&general, &examined));
    }
    let mut findings = general.iter().chain(examined.iter().flat_map(|port| &port.findings));
    if findings.any(|finding| finding.level == Level::Wrong) { Ending::Found } else { Ending::Done }
}

/// Looks at a port, one of `all`, that is not to be opened.
fn unopened(port: &PortDescription, all: &[PortDescription], machine: &Machine) -> Examined {
    let mut title = vec![port.name.clone(), port.what.clone()];
    title.extend(port.addresses(all));
    title.retain(|part| !part.is_empty());
    let mut findings: Vec<Finding> = rights_to(&port.name, machine).into_iter().collect();
    findings.extend(readers(machine, &[&port.name]).first().map(|held| system::held(held)));
    findings.extend(system::adapter(&port.name, port.driver.as_deref(), machine));
    Examined { title: title.join("  "), name: port.name.clone(), findings }
}

/// Returns what is to be said of the rights to a node; nothing if there is none.
#[cfg(unix)]
fn rights_to(name: &str, machine: &Machine) -> Option<Finding> {
    use std::os::unix::fs::MetadataExt;

    use super::host::user;
    let node = std::fs::metadata(machine.path(name)).ok()?;
    let node = system::Node { uid: node.uid(), gid: node.gid(), mode: node.mode() & 0o777 };
    Some(system::rights(&user(), node, machine))
}

#[cfg(not(unix))]
fn rights_to(_name: &str, _machine: &Machine) -> Option<Finding> {
    None
}

/// Looks at one port, and listens to it if nothing is in the way.
fn one(
    typed: &str,
    arguments: &DoctorArguments,
    machine: &Machine,
    terminal: &Terminal,
) -> Result<Vec<Examined>, Ending> {
    let wrong = |problem: Diagnostic| {
        terminal.refuse(problem);
        Ending::Refused
    };
    let mut named = named(&[typed.to_string()], None, Asks::Names, Path::new("."), terminal)?;
    let address = named.address().map_err(|error| wrong(address_problem(&error)))?;
    let mut examined = match &address {
        Address::OwnDevice | Address::Recording(_) => {
            let problem = Diagnostic::general(Code::CommandLine, format!("`{typed}` names no port for `doctor`"));
            return Err(wrong(problem.help("name a serial port, see `flowrun ports`, or a device file: `sim:FILE`")));
        }
        Address::Device(_) => Examined { title: typed.to_string(), name: typed.to_string(), findings: Vec::new() },
        Address::Real(port) => {
            let name = port.to_string();
            let ports = list_of(machine);
            let known = ports.iter().find(|port| port.name == name).cloned();
            let known = known.unwrap_or(PortDescription { name, what: String::new(), driver: None, usb: None });
            unopened(&known, &ports, machine)
        }
    };
    if examined.findings.iter().any(|finding| finding.level == Level::Wrong) {
        let why = "it was not opened, because something else is wrong already";
        examined.findings.push(Finding::note(Topic::Listen, why, "correct that first, then try again"));
        return Ok(vec![examined]);
    }
    let ender = Ender::installed().map_err(|error| refuse(error, terminal))?;
    let at = line::Place { address: &address, line: &arguments.line, named: &named };
    let heard = line::listen(&at, &ender, terminal)?;
    examined.findings.extend(heard);
    if arguments.probe && examined.findings.iter().all(|finding| finding.level != Level::Wrong) {
        examined.findings.extend(line::probe(&at, &ender, terminal)?);
    }
    named.release(terminal);
    if ender.wants_end() { Err(Ending::Ran(Verdict::Interrupted)) } else { Ok(vec![examined]) }
}

/// Returns the findings for people: first those of the machine, then those of each port below its name.
fn in_words(general: &[Finding], examined: &[Examined]) -> String {
    let mut text = String::new();
    if examined.is_empty() {
        text.push_str(&format!("no serial ports found\n{ADVICE}"));
    }
    if !general.is_empty() {
        text.push_str("this machine\n");
        general.iter().for_each(|finding| text.push_str(&lines(finding)));
    }
    for port in examined {
        text.push_str(&format!("{}\n", harmless(&port.title)));
        port.findings.iter().for_each(|finding| text.push_str(&lines(finding)));
    }
    text
}

fn lines(finding: &Finding) -> String {
    let line = format!("  {:5}  {}\n", finding.level.word(), harmless(&finding.what));
    let advice = finding.advice.as_ref().map(|advice| format!("         {}\n", harmless(advice)));
    line + &advice.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::exchange::Answer;
    use super::super::host::User;
    use super::*;

    #[test]
    fn the_document_shows_what_is_said() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let machine = Machine::at(folder.path());
        for (path, text) in [
            ("etc/group", "dialout:x:20:\n"),
            ("proc/7/comm", "ModemManager\n"),
            ("sys/bus/usb-serial/devices/ttyUSB0/latency_timer", "16\n"),
        ] {
            let path = machine.path(path);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
            std::fs::write(path, text).expect("there is room");
        }
        let user = User { uid: 1000, groups: vec![20] };
        let mut findings = vec![system::rights(&user, system::Node { uid: 0, gid: 20, mode: 0o660 }, &machine)];
        findings.push(system::held(&[]));
        findings.extend(system::adapter("/dev/ttyUSB0", Some("ftdi_sio"), &machine));
        findings.push(line::heard(b""));
        let answer = Answer { sent: b"AT\r".to_vec(), received: b"AT\r\r\nOK\r\n".to_vec() };
        findings.extend(line::judged(Some("9600".to_string()), &[answer]));
        let title = "/dev/ttyUSB0  FTDI TTL232R-3V3  usb:0403:6001:A50285BI  usb:at=1-1.2".to_string();
        let examined = [Examined { title, name: "/dev/ttyUSB0".to_string(), findings }];
        let said = in_words(&system::programs(&machine), &examined);
        let command = "$ flowrun doctor /dev/ttyUSB0 --probe\n";
        let block = include_str!("../../docs/ports.md").split(command).nth(1).expect("the document has an example");
        let shown: Vec<&str> = block.split("```").next().unwrap_or_default().lines().collect();
        assert_eq!(shown.len(), said.lines().count(), "{said}");
        for (shown, said) in shown.iter().zip(said.lines()) {
            assert!(
                said == *shown || shown.strip_suffix('…').is_some_and(|part| said.starts_with(part)),
                "{said}\n{shown}"
            );
        }
    }

    #[test]
    fn findings_stand_below_what_they_are_about() {
        let general = [Finding::note(Topic::Brltty, "brltty is running", "stop it")];
        let findings = vec![
            Finding::fine(Topic::Rights, "you may"),
            Finding::wrong(Topic::Holders, "it is open in 9\u{1b}", "wait"),
        ];
        let examined = [Examined { title: "/dev/ttyUSB0".to_string(), name: "/dev/ttyUSB0".to_string(), findings }];
        let expected = "this machine\n  note   brltty is running\n         stop it\n/dev/ttyUSB0\n  ok     you may\n  \
                        wrong  it is open in 9\\x1b\n         wait\n";
        assert_eq!(in_words(&general, &examined), expected);
        assert!(in_words(&[], &[]).starts_with("no serial ports found\n"));
    }
}
