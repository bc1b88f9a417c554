//! `PortDescription`: a port that the system lists, and what is known about it.

/// A port and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortDescription {
    /// What opens it: `/dev/ttyUSB0`, `COM5`.
    pub name: String,
    /// What it is, for people: `FTDI TTL232R-3V3`, `PCI`, `Bluetooth`; empty if nothing is known.
    pub what: String,
    /// What drives it: `ftdi_sio`, `cdc_acm`; only Linux says.
    pub driver: Option<String>,
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
    /// Where it is plugged in, `1-1.2`: bus 1, port 1, port 2 of the hub there; only Linux says.
    pub place: Option<String>,
}

impl PortDescription {
    /// Returns the addresses that name this port whatever node it has: by its identity, and by where it is plugged in.
    ///
    /// `all` are the ports that there are: where one device has several of them, the interface is part of the address.
    pub(crate) fn addresses(&self, all: &[PortDescription]) -> Vec<String> {
        let Some(usb) = &self.usb else { return Vec::new() };
        let is_sibling = |other: &PortDescription| {
            other.name != self.name && other.usb.as_ref().is_some_and(|other| usb.is_of_device(other))
        };
        let interface = match usb.interface {
            Some(interface) if all.iter().any(is_sibling) => format!("/{interface}"),
            Some(_) | None => String::new(),
        };
        let serial = usb.serial.as_ref().map(|serial| format!(":{serial}")).unwrap_or_default();
        let identity = format!("usb:{:04x}:{:04x}{serial}{interface}", usb.vendor, usb.product);
        let place = usb.place.as_ref().map(|place| format!("usb:at={place}{interface}"));
        std::iter::once(identity).chain(place).collect()
    }
}

impl UsbIdentity {
    /// Says whether this is the same interface of the same device that was there before. A device without a serial number is the
    /// same if it is at the same place.
    #[cfg(any(unix, test))]
    pub(super) fn is_again(&self, before: &UsbIdentity) -> bool {
        let is_same_kind = |usb: &UsbIdentity| (usb.vendor, usb.product, usb.interface, usb.serial.clone());
        let is_same_place = self.serial.is_some() || self.place == before.place;
        is_same_kind(self) == is_same_kind(before) && is_same_place
    }

    /// Says whether both are the same device, whichever interface of it.
    fn is_of_device(&self, other: &UsbIdentity) -> bool {
        let device = |usb: &UsbIdentity| (usb.vendor, usb.product, usb.serial.clone(), usb.place.clone());
        device(self) == device(other)
    }
}
