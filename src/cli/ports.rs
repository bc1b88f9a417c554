//! `flowrun ports`: the serial ports of this machine as a table.

use super::Ending;
use super::terminal::Terminal;
use crate::transport::{PortDescription, list};
use crate::value::escape::harmless;

/// Shows the ports; that there are none is no failure.
pub(super) fn ports(terminal: &Terminal) -> Ending {
    let ports = list();
    if ports.is_empty() {
        terminal.say(&format!("no serial ports found\n{ADVICE}"));
    } else {
        terminal.say(&table(&ports));
    }
    Ending::Done
}

/// Returns one line a port: name, what it is, its USB numbers.
pub(super) fn table(ports: &[PortDescription]) -> String {
    let rows: Vec<[String; 3]> = ports
        .iter()
        .map(|port| [port.name.clone(), port.what.clone(), usb(port)].map(|cell| harmless(&cell)))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name, what) = (width(0), width(1));
    let line =
        |row: &[String; 3]| format!("{:name$}  {:what$}  {}", row[0], row[1], row[2]).trim_end().to_string() + "\n";
    rows.iter().map(line).collect()
}

fn usb(port: &PortDescription) -> String {
    let Some(usb) = &port.usb else { return String::new() };
    let mut text = format!("usb {:04x}:{:04x}", usb.vendor, usb.product);
    if let Some(serial) = &usb.serial {
        text.push_str(&format!(" serial {serial}"));
    }
    if let Some(interface) = usb.interface {
        text.push_str(&format!(" interface {interface}"));
    }
    text
}

#[cfg(target_os = "linux")]
const ADVICE: &str = "\
  is the adapter plugged in? `lsusb` and `dmesg | tail` show whether the system has seen it
  in a container, a virtual machine or WSL, has it been handed in?
  pseudo-terminals are not listed, but `--port /dev/pts/N` opens them
";
#[cfg(target_os = "macos")]
const ADVICE: &str = "\
  is the adapter plugged in? `ls /dev/cu.*` and System Information, USB, show whether the system has seen it
  does it need a driver of its maker?
";
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
const ADVICE: &str = "\
  is the adapter plugged in? the Device Manager has it under `Ports (COM & LPT)`
  if it is under `Other devices` there, its driver is missing
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::UsbIdentity;

    #[test]
    fn columns_line_up_and_nothing_disturbs_the_terminal() {
        let serial = Some("A\u{1b}[2J".to_string());
        let usb = UsbIdentity { vendor: 0x403, product: 0x6001, serial, interface: Some(1) };
        let ports = [
            PortDescription { name: "/dev/ttyS0".into(), what: String::new(), usb: None },
            PortDescription { name: "/dev/ttyUSB10".into(), what: "FTDI cable".into(), usb: Some(usb) },
        ];
        let expected = "/dev/ttyS0\n/dev/ttyUSB10  FTDI cable  usb 0403:6001 serial A\\x1b[2J interface 1\n";
        assert_eq!(table(&ports), expected);
    }
}
