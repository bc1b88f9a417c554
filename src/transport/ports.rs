//! The serial ports that the system knows of.

use std::path::Path;

use serialport::{SerialPortInfo, SerialPortType};

use crate::address::natural_order;

/// A port and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortDescription {
    /// What opens it: `/dev/ttyUSB0`, `COM5`.
    pub name: String,
    /// What it is, for people: `FTDI TTL232R-3V3`, `PCI`, `Bluetooth`; empty if nothing is known.
    pub what: String,
    /// What the USB device says of itself, if it is one.
    pub usb: Option<UsbIdentity>,
}

/// What tells one USB device from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbIdentity {
    /// The vendor's number.
    pub vendor: u16,
    /// The product's number.
    pub product: u16,
    /// The serial number, if it has one.
    pub serial: Option<String>,
    /// Which interface of the device, if it has several.
    pub interface: Option<u8>,
}

/// Returns the ports of this machine in the order of their names, `ttyUSB2` before `ttyUSB10`.
///
/// Pseudo-terminals are not among them. A system that can not say has none.
pub fn list() -> Vec<PortDescription> {
    // serialport panics without this folder, which a container may lack.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    let mut ports: Vec<_> = serialport::available_ports().unwrap_or_default().into_iter().map(describe).collect();
    ports.sort_by(|a, b| natural_order(&a.name, &b.name));
    ports
}

fn describe(port: SerialPortInfo) -> PortDescription {
    let (what, usb) = match port.port_type {
        SerialPortType::UsbPort(usb) => {
            let maker = usb.manufacturer.unwrap_or_default();
            let product = usb.product.unwrap_or_default();
            let what = if product.starts_with(&maker) { product } else { format!("{maker} {product}") };
            let what = if what.trim().is_empty() { "USB".to_string() } else { what.trim().to_string() };
            let (vendor, product) = (usb.vid, usb.pid);
            (what, Some(UsbIdentity { vendor, product, serial: usb.serial_number, interface: usb.interface }))
        }
        SerialPortType::PciPort => ("PCI".to_string(), None),
        SerialPortType::BluetoothPort => ("Bluetooth".to_string(), None),
        SerialPortType::Unknown => (String::new(), None),
    };
    PortDescription { name: port.port_name, what, usb }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maker_is_not_said_twice() {
        let usb = |maker: &str, product: &str| {
            let usb = serialport::UsbPortInfo {
                vid: 0x0403,
                pid: 0x6001,
                serial_number: Some("A1".to_string()),
                manufacturer: Some(maker.to_string()),
                product: Some(product.to_string()),
                interface: None,
            };
            describe(SerialPortInfo { port_name: "x".to_string(), port_type: SerialPortType::UsbPort(usb) })
        };
        assert_eq!(usb("FTDI", "FTDI TTL232R").what, "FTDI TTL232R");
        assert_eq!(usb("FTDI", "TTL232R").what, "FTDI TTL232R");
        assert_eq!(usb("", "").what, "USB");
        assert_eq!(usb("", "").usb.and_then(|usb| usb.serial).as_deref(), Some("A1"));
    }

    #[test]
    fn listing_does_not_panic() {
        let names: Vec<_> = list().into_iter().map(|port| port.name).collect();
        assert!(names.iter().all(|name| !name.is_empty()));
    }
}
