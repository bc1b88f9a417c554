//! The serial ports of a Linux system, read from `/sys/class/tty`.

use std::fs;
use std::path::Path;

use super::what_usb;
use crate::address::{PortDescription, UsbIdentity};
use crate::transport::machine::{Machine, text_of};

/// Returns the ports that have hardware and a device node, in no order.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "tests elsewhere ask for one port"))]
pub(super) fn ports(machine: &Machine) -> Vec<PortDescription> {
    let entries = fs::read_dir(machine.path("sys/class/tty")).into_iter().flatten().flatten();
    entries.filter_map(|entry| describe(machine, &entry.path())).collect()
}

/// Returns what the USB device is whose port has this node; `None` if it is none.
pub(super) fn usb_of(machine: &Machine, node: &str) -> Option<UsbIdentity> {
    let name = node.strip_prefix("/dev/")?;
    describe(machine, &machine.path(format!("sys/class/tty/{name}")))?.usb
}

/// Returns what is known of a terminal; `None` if it is no serial port.
fn describe(machine: &Machine, tty: &Path) -> Option<PortDescription> {
    let name = format!("/dev/{}", tty.file_name()?.to_str()?);
    if !machine.path(&name).exists() {
        return None;
    }
    if name.starts_with("/dev/rfcomm") {
        return Some(PortDescription { name, what: "Bluetooth".to_string(), driver: None, usb: None });
    }
    let device = fs::canonicalize(tty.join("device")).ok()?;
    let driver = link(&device.join("driver"));
    let plain =
        |what: &str| PortDescription { name: name.clone(), what: what.to_string(), driver: driver.clone(), usb: None };
    match link(&device.join("subsystem"))?.as_str() {
        "usb" => Some(of_usb(name, driver, &device)?),
        "usb-serial" => Some(of_usb(name, driver, device.parent()?)?),
        "pci" => Some(plain("PCI")),
        // The kernel keeps places for UARTs that are not there; their type is 0.
        "amba" | "pnp" | "serial-base" if text_of(&tty.join("type")).as_deref() == Some("0") => None,
        "amba" | "pnp" => Some(plain("")),
        // Its driver is called `port`, whatever the UART is.
        "serial-base" => Some(PortDescription { driver: None, ..plain("") }),
        _ => None,
    }
}

/// Returns the port of an interface of a USB device.
fn of_usb(name: String, driver: Option<String>, interface: &Path) -> Option<PortDescription> {
    let device = interface.parent()?;
    let number = |path: &Path, file: &str| u16::from_str_radix(&text_of(&path.join(file))?, 16).ok();
    let usb = UsbIdentity {
        vendor: number(device, "idVendor")?,
        product: number(device, "idProduct")?,
        serial: text_of(&device.join("serial")),
        interface: number(interface, "bInterfaceNumber").and_then(|number| u8::try_from(number).ok()),
        place: device.file_name().and_then(|place| place.to_str()).map(str::to_string),
    };
    let what = what_usb(text_of(&device.join("manufacturer")), text_of(&device.join("product")));
    Some(PortDescription { name, what, driver, usb: Some(usb) })
}

/// Returns the last name of what a link leads to.
fn link(path: &Path) -> Option<String> {
    Some(fs::read_link(path).ok()?.file_name()?.to_str()?.to_string())
}
