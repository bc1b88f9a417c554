//! A folder that stands for a Linux machine, and the ports that are found in it.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

/// A machine with nothing in it, for as long as this lives.
pub(in crate::transport) struct Bench {
    pub(in crate::transport) machine: Machine,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(in crate::transport) fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let machine = Machine::at(folder.path());
        Bench { machine, _folder: folder }
    }

    pub(in crate::transport) fn file(&self, path: &str, text: &str) {
        let path = self.machine.path(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
        fs::write(path, text).expect("there is room");
    }

    pub(in crate::transport) fn link(&self, path: &str, to: &str) {
        let path = self.machine.path(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
        symlink(to, path).expect("a link can be made");
    }

    /// Adds a USB device at a place, with its numbers, its product and its serial number.
    pub(in crate::transport) fn device(&self, place: &str, numbers: (&str, &str), product: &str, serial: &str) {
        for (file, text) in
            [("idVendor", numbers.0), ("idProduct", numbers.1), ("manufacturer", "FTDI"), ("product", product)]
        {
            self.file(&format!("sys/devices/{place}/{file}"), &format!("{text}\n"));
        }
        if !serial.is_empty() {
            self.file(&format!("sys/devices/{place}/serial"), &format!("{serial}\n"));
        }
    }

    /// Adds a port of an adapter that is driven by `ftdi_sio`, as usb-serial does.
    pub(in crate::transport) fn usb_serial(&self, name: &str, place: &str, interface: u8) {
        let below = format!("sys/devices/{place}/{place}:1.{interface}");
        self.file(&format!("{below}/bInterfaceNumber"), &format!("{interface:02x}\n"));
        self.link(&format!("{below}/{name}/subsystem"), "../../../../bus/usb-serial");
        self.link(&format!("{below}/{name}/driver"), "../../../../bus/usb-serial/drivers/ftdi_sio");
        self.link(
            &format!("sys/class/tty/{name}/device"),
            &format!("../../../devices/{place}/{place}:1.{interface}/{name}"),
        );
        self.file(&format!("dev/{name}"), "");
    }

    /// Adds a port that is an interface of a device itself, as `cdc_acm` does.
    #[cfg(target_os = "linux")]
    fn acm(&self, name: &str, place: &str, interface: u8) {
        let below = format!("sys/devices/{place}/{place}:1.{interface}");
        self.file(&format!("{below}/bInterfaceNumber"), &format!("{interface:02x}\n"));
        self.link(&format!("{below}/subsystem"), "../../../bus/usb");
        self.link(&format!("{below}/driver"), "../../../bus/usb/drivers/cdc_acm");
        self.link(&format!("sys/class/tty/{name}/device"), &format!("../../../devices/{place}/{place}:1.{interface}"));
        self.file(&format!("dev/{name}"), "");
    }

    /// Adds a UART of the board.
    #[cfg(target_os = "linux")]
    fn uart(&self, name: &str, kind: &str) {
        self.link(&format!("sys/devices/{name}/subsystem"), "../../bus/serial-base");
        self.file(&format!("sys/class/tty/{name}/type"), kind);
        self.link(&format!("sys/class/tty/{name}/device"), &format!("../../../devices/{name}"));
        self.file(&format!("dev/{name}"), "");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn ports_are_listed_with_their_identity_their_place_and_their_driver() {
    let bench = Bench::new();
    bench.device("1-1.2", ("0403", "6001"), "FTDI TTL232R-3V3", "A50285BI");
    bench.usb_serial("ttyUSB10", "1-1.2", 0);
    bench.device("1-4", ("2341", "0043"), "Uno", "");
    bench.acm("ttyACM0", "1-4", 1);
    bench.uart("ttyS0", "4\n");
    bench.uart("ttyS1", "0\n");
    bench.file("sys/class/tty/tty1/dev", "4:1\n");
    bench.file("dev/tty1", "");
    let ports = list_of(&bench.machine);
    let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(names, ["/dev/ttyACM0", "/dev/ttyS0", "/dev/ttyUSB10"], "no console, and no UART that is not there");
    let usb = |n: usize| ports[n].usb.as_ref().expect("it is an adapter");
    assert_eq!((ports[0].what.as_str(), ports[0].driver.as_deref()), ("FTDI Uno", Some("cdc_acm")));
    assert_eq!((usb(0).serial.as_deref(), usb(0).interface, usb(0).place.as_deref()), (None, Some(1), Some("1-4")));
    assert_eq!((ports[2].what.as_str(), ports[2].driver.as_deref()), ("FTDI TTL232R-3V3", Some("ftdi_sio")));
    assert_eq!((usb(2).vendor, usb(2).product, usb(2).interface), (0x0403, 0x6001, Some(0)));
    assert_eq!(ports[2].addresses(&ports), ["usb:0403:6001:A50285BI", "usb:at=1-1.2"]);
    assert_eq!(ports[1].addresses(&ports), Vec::<String>::new());
}

#[cfg(target_os = "linux")]
#[test]
fn a_port_without_a_node_is_none_and_a_machine_may_have_no_ports() {
    let bench = Bench::new();
    assert_eq!(list_of(&bench.machine), []);
    bench.device("1-1", ("0403", "6001"), "x", "A1");
    bench.usb_serial("ttyUSB0", "1-1", 0);
    assert_eq!(list_of(&bench.machine).len(), 1);
    fs::remove_file(bench.machine.path("dev/ttyUSB0")).expect("it is there");
    assert_eq!(list_of(&bench.machine), []);
}

#[test]
fn the_maker_is_not_said_twice() {
    let what = |maker: &str, product: &str| what_usb(Some(maker.to_string()), Some(product.to_string()));
    assert_eq!(what("FTDI", "FTDI TTL232R"), "FTDI TTL232R");
    assert_eq!(what("FTDI", "TTL232R"), "FTDI TTL232R");
    assert_eq!(what("", ""), "USB");
}

#[test]
fn listing_does_not_panic() {
    assert!(list().iter().all(|port| !port.name.is_empty()));
}
