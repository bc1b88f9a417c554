//! The serial ports that the system knows of.

#[cfg(any(target_os = "linux", all(unix, test)))]
mod sysfs;

#[cfg(not(target_os = "linux"))]
use serialport::{SerialPortInfo, SerialPortType};

use super::machine::Machine;
use crate::address::{PortDescription, UsbIdentity, natural_order};

/// Returns the ports of this machine in the order of their names, `ttyUSB2` before `ttyUSB10`.
///
/// Pseudo-terminals are not among them. A system that does not say has none.
pub fn list() -> Vec<PortDescription> {
    list_of(&Machine::this())
}

/// Returns the ports of a machine; where `/sys` does not tell, those of this one.
pub(crate) fn list_of(machine: &Machine) -> Vec<PortDescription> {
    let mut ports = known(machine);
    ports.sort_by(|a, b| natural_order(&a.name, &b.name));
    ports
}

/// Returns what the USB device is whose port has this node; `None` if it is none, or the system does not say.
#[cfg(unix)]
pub(super) fn usb_of(machine: &Machine, node: &str) -> Option<UsbIdentity> {
    #[cfg(any(target_os = "linux", test))]
    return sysfs::usb_of(machine, node);
    #[cfg(not(any(target_os = "linux", test)))]
    {
        // The node of an adapter has the same name each time there.
        let _ = (machine, node);
        None
    }
}

#[cfg(target_os = "linux")]
fn known(machine: &Machine) -> Vec<PortDescription> {
    sysfs::ports(machine)
}

#[cfg(not(target_os = "linux"))]
fn known(_machine: &Machine) -> Vec<PortDescription> {
    serialport::available_ports().unwrap_or_default().into_iter().map(describe).collect()
}

#[cfg(not(target_os = "linux"))]
fn describe(port: SerialPortInfo) -> PortDescription {
    let (what, usb) = match port.port_type {
        SerialPortType::UsbPort(usb) => {
            let what = what_usb(usb.manufacturer, usb.product);
            let identity = UsbIdentity {
                vendor: usb.vid,
                product: usb.pid,
                serial: usb.serial_number,
                interface: usb.interface,
                place: None,
            };
            (what, Some(identity))
        }
        SerialPortType::PciPort => ("PCI".to_string(), None),
        SerialPortType::BluetoothPort => ("Bluetooth".to_string(), None),
        SerialPortType::Unknown => (String::new(), None),
    };
    PortDescription { name: port.port_name, what, driver: None, usb }
}

/// Returns what a USB device is, for people: its maker is not said twice.
fn what_usb(maker: Option<String>, product: Option<String>) -> String {
    let (maker, product) = (maker.unwrap_or_default(), product.unwrap_or_default());
    let what = if product.starts_with(&maker) { product } else { format!("{maker} {product}") };
    if what.trim().is_empty() { "USB".to_string() } else { what.trim().to_string() }
}

#[cfg(all(unix, test))]
pub(in crate::transport) mod tests;
