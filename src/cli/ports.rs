//! `flowrun ports`: the serial ports of this machine, who has them open, and what comes and goes.

use std::time::Duration;

use super::Ending;
use super::args::{ListFormat, PortsArguments};
use super::json::{render_change, render_ports};
use super::refusal::refuse;
use super::terminal::Terminal;
use crate::address::PortDescription;
use crate::report::table::width_of_column;
use crate::setup::Ender;
use crate::transport::{Holder, Interrupt, Machine, in_a_list, list_of, readers};
use crate::value::escape::harmless;

/// How often `--watch` looks.
const POLL: Duration = Duration::from_millis(200);

/// Shows the ports; that there are none is no failure.
pub(super) fn ports(arguments: &PortsArguments, terminal: &Terminal) -> Ending {
    let machine = Machine::this();
    if arguments.watch {
        return match Ender::installed().and_then(|ender| ender.interrupt()) {
            Ok(interrupt) => watch(arguments, &machine, &interrupt, terminal),
            Err(error) => refuse(error, terminal),
        };
    }
    let ports = list_of(&machine);
    let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
    let holders = readers(&machine, &names);
    match (arguments.format(), ports.is_empty()) {
        (ListFormat::Json, _) => terminal.say(&render_ports(&ports, &holders)),
        (ListFormat::Text, true) => terminal.say(&format!("no serial ports found\n{ADVICE}")),
        (ListFormat::Text, false) => terminal.say(&table(&ports, &holders)),
    }
    Ending::Done
}

/// Shows the ports, and then each that comes or goes; Ctrl-C is how it ends.
fn watch(arguments: &PortsArguments, machine: &Machine, interrupt: &Interrupt, terminal: &Terminal) -> Ending {
    let mut before = Vec::new();
    let mut is_first = true;
    loop {
        let now = list_of(machine);
        for change in changes(&before, &now) {
            terminal.say(&match (arguments.format(), is_first) {
                (ListFormat::Json, true) => render_change("present", change.port, &now),
                (ListFormat::Json, false) => {
                    render_change(change.what.word(), change.port, change.what.ports(&before, &now))
                }
                (ListFormat::Text, true) => format!("  {}", table(std::slice::from_ref(change.port), &[])),
                (ListFormat::Text, false) => {
                    format!("{} {}", change.what.sign(), table(std::slice::from_ref(change.port), &[]))
                }
            });
        }
        (before, is_first) = (now, false);
        // Who does not read any more is not served.
        if interrupt.is_raised_within(POLL) || terminal.has_lost() {
            return Ending::Done;
        }
    }
}

/// A port that came or went.
#[derive(Debug, PartialEq, Eq)]
struct Change<'a> {
    what: What,
    port: &'a PortDescription,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Came,
    Went,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            What::Came => "came",
            What::Went => "gone",
        }
    }

    fn sign(self) -> char {
        match self {
            What::Came => '+',
            What::Went => '-',
        }
    }

    /// Returns the ports among which the port of such a change is.
    fn ports<'a>(self, before: &'a [PortDescription], now: &'a [PortDescription]) -> &'a [PortDescription] {
        match self {
            What::Came => now,
            What::Went => before,
        }
    }
}

/// Returns what went and then what came, each in the order of the lists. A node that another adapter has now is both.
fn changes<'a>(before: &'a [PortDescription], now: &'a [PortDescription]) -> Vec<Change<'a>> {
    let went = before.iter().filter(|port| !now.contains(port)).map(|port| Change { what: What::Went, port });
    let came = now.iter().filter(|port| !before.contains(port)).map(|port| Change { what: What::Came, port });
    went.chain(came).collect()
}

/// Returns one line a port: name, what it is, its addresses, its driver, who has it open. A column that is empty everywhere
/// is left out.
fn table(ports: &[PortDescription], holders: &[Vec<Holder>]) -> String {
    let n_addresses = ports.iter().map(|port| port.addresses(ports).len()).max().unwrap_or(0);
    let rows: Vec<Vec<String>> = ports
        .iter()
        .enumerate()
        .map(|(n, port)| {
            let mut row = vec![port.name.clone(), port.what.clone()];
            row.extend(port.addresses(ports));
            row.resize(2 + n_addresses, String::new());
            row.push(port.driver.clone().unwrap_or_default());
            row.push(holders.get(n).filter(|held| !held.is_empty()).map(|held| held_by(held)).unwrap_or_default());
            row.iter().map(harmless).collect()
        })
        .collect();
    let width = |column: usize| width_of_column(rows.iter().map(|row| row[column].as_str()));
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let is_used = |column: usize| rows.iter().any(|row| !row[column].is_empty());
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().filter(|(column, _)| is_used(*column));
        let line: Vec<String> = cells.map(|(_, (cell, width))| format!("{cell:width$}")).collect();
        line.join("  ").trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

fn held_by(holders: &[Holder]) -> String {
    format!("open in {}", in_a_list(holders))
}

#[cfg(target_os = "linux")]
pub(super) const ADVICE: &str = "\
  is the adapter plugged in? `lsusb` and `dmesg | tail` show whether the system has seen it
  in a container, a virtual machine or WSL, has it been handed in?
  pseudo-terminals are not listed, but `--port /dev/pts/N` opens them
";
#[cfg(target_os = "macos")]
pub(super) const ADVICE: &str = "\
  is the adapter plugged in? `ls /dev/cu.*` and System Information, USB, show whether the system has seen it
  does it need a driver of its maker?
";
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(super) const ADVICE: &str = "\
  is the adapter plugged in? the Device Manager has it under `Ports (COM & LPT)`
  if it is under `Other devices` there, its driver is missing
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::UsbIdentity;

    fn adapter(name: &str, serial: &str) -> PortDescription {
        let serial = Some(serial.to_string());
        let place = Some("1-1.2".to_string());
        let usb = UsbIdentity { vendor: 0x403, product: 0x6001, serial, interface: Some(0), place };
        let driver = Some("ftdi_sio".to_string());
        PortDescription { name: name.to_string(), what: "FTDI cable".to_string(), driver, usb: Some(usb) }
    }

    fn plain(name: &str) -> PortDescription {
        PortDescription { name: name.to_string(), what: String::new(), driver: None, usb: None }
    }

    #[test]
    fn columns_line_up_and_nothing_disturbs_the_terminal() {
        let ports = [plain("/dev/ttyS0"), adapter("/dev/ttyUSB10", "A\u{1b}[2J")];
        let holders = [vec![Holder { pid: 812, command: "ModemManager".to_string() }], Vec::new()];
        let blank = " ".repeat(60);
        let expected = format!(
            "/dev/ttyS0     {blank}open in 812 (`ModemManager`)\n\
             /dev/ttyUSB10  FTDI cable  usb:0403:6001:A\\x1b[2J  usb:at=1-1.2  ftdi_sio\n"
        );
        assert_eq!(table(&ports, &holders), expected);
        assert_eq!(
            table(&[plain("COM1"), plain("COM2")], &[]),
            "COM1\nCOM2\n",
            "columns with nothing in them are not there"
        );
    }

    #[test]
    fn watching_ends_well_with_an_interrupt() {
        let interrupt = Interrupt::new().expect("the system has descriptors left");
        interrupt.raise();
        let arguments = PortsArguments { format: ListFormat::Text, json: false, watch: true };
        let terminal = Terminal::new(super::super::args::Colours::Never);
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        assert_eq!(watch(&arguments, &Machine::at(folder.path()), &interrupt, &terminal), Ending::Done);
    }

    #[test]
    fn what_went_is_told_before_what_came_and_a_node_that_another_adapter_has_is_both() {
        let before = [plain("/dev/ttyS0"), adapter("/dev/ttyUSB0", "A1"), adapter("/dev/ttyUSB1", "A2")];
        let now = [plain("/dev/ttyS0"), adapter("/dev/ttyUSB0", "A3"), adapter("/dev/ttyUSB1", "A2")];
        let told = |before: &[PortDescription], now: &[PortDescription]| -> Vec<String> {
            changes(before, now).iter().map(|change| format!("{} {}", change.what.sign(), change.port.name)).collect()
        };
        assert_eq!(told(&before, &now), ["- /dev/ttyUSB0", "+ /dev/ttyUSB0"]);
        assert_eq!(told(&before, &before), [""; 0]);
        assert_eq!(told(&[], &now).len(), 3);
    }
}
