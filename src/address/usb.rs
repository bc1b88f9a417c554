//! Addresses of USB adapters, `usb:VID:PID[:SERIAL]`, `usb:serial=…` and `usb:at=…`: read, and found among the ports there are.

use super::listed::{PortDescription, UsbIdentity};
use super::natural_order;

/// What is wrong with an address of a USB adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UsbError {
    /// It is no such address, and why.
    Malformed { why: String },
    /// No port fits it; these have an address of this kind.
    NoneFits { there: Vec<String> },
    /// It asks where an adapter is plugged in, and this system does not say.
    NoPlaces,
    /// Several ports fit it, and it is no pattern.
    Several { fitting: Vec<String> },
}

/// An address that was read.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    by: By<'a>,
    /// Which interface of the device.
    interface: Option<u8>,
}

/// What an adapter is found by; each part may be a pattern.
#[derive(Debug, PartialEq, Eq)]
enum By<'a> {
    Numbers { vendor: String, product: String, serial: Option<&'a str> },
    Serial(&'a str),
    Place(&'a str),
}

/// The port of an adapter that an address names whatever node it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsbPort {
    /// What followed `usb:`.
    wanted: String,
    /// The node that it had when it was looked up.
    node: String,
}

impl UsbPort {
    /// Returns the port that what follows `usb:` names, which has this node now; `None` if it may name another one the next
    /// time: a pattern, or an address without serial number and place.
    pub(super) fn lasting(rest: &str, node: &str) -> Option<UsbPort> {
        let wanted = Wanted::read(rest).ok().filter(|_| !is_pattern(rest))?;
        let lasts = match wanted.by {
            By::Numbers { serial, .. } => serial.is_some(),
            By::Serial(_) | By::Place(_) => true,
        };
        lasts.then(|| UsbPort { wanted: rest.to_string(), node: node.to_string() })
    }

    /// Returns the node that it had when it was looked up.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Returns what followed `usb:`.
    #[cfg(unix)]
    pub(crate) fn wanted(&self) -> &str {
        &self.wanted
    }
}

/// Returns the name that an adapter has now which was away: the one that an address names, or else the one with the identity
/// that it had. Of several it is the one at the same place.
#[cfg(any(unix, test))]
pub(crate) fn found_again(
    wanted: Option<&str>,
    known: Option<&UsbIdentity>,
    listed: &[PortDescription],
) -> Option<String> {
    let wanted = match wanted {
        Some(rest) => Some(Wanted::read(rest).ok()?),
        None => None,
    };
    let is_it = |usb: &UsbIdentity| match (&wanted, known) {
        (Some(wanted), _) => wanted.is(usb, &|_, _| false),
        (None, Some(known)) => usb.is_again(known),
        (None, None) => false,
    };
    let is_there =
        |usb: &UsbIdentity| known.is_some_and(|known| usb.place == known.place && usb.interface == known.interface);
    let adapters = listed.iter().filter_map(|port| Some((port.name.as_str(), port.usb.as_ref()?)));
    let found: Vec<_> = adapters.filter(|(_, usb)| is_it(usb)).collect();
    let mut near = found.iter().filter(|(_, usb)| is_there(usb));
    match (found.as_slice(), near.next(), near.next()) {
        ([(name, _)], ..) | (_, Some((name, _)), None) => Some((*name).to_string()),
        _ => None,
    }
}

fn is_pattern(rest: &str) -> bool {
    rest.contains(['*', '?', '['])
}

/// Returns what follows `usb:` if a text begins so, in whatever letters.
pub(super) fn behind_scheme(typed: &str) -> Option<&str> {
    let (scheme, rest) = typed.split_once(':')?;
    scheme.eq_ignore_ascii_case("usb").then_some(rest)
}

/// Returns the names of the ports that fit what follows `usb:`, in natural order: one, or several if it has a sign of
/// patterns in it.
///
/// `fits` says whether a text fits a pattern.
///
/// # Errors
///
/// It is no such address, or none fits, or several do.
pub(super) fn names_at(
    rest: &str,
    listed: &[PortDescription],
    fits: &dyn Fn(&str, &str) -> bool,
) -> Result<Vec<String>, UsbError> {
    let wanted = Wanted::read(rest)?;
    let is_it = |port: &&PortDescription| port.usb.as_ref().is_some_and(|usb| wanted.is(usb, fits));
    let mut found: Vec<&PortDescription> = listed.iter().filter(is_it).collect();
    found.sort_by(|a, b| natural_order(&a.name, &b.name));
    match (found.as_slice(), &wanted.by) {
        ([], By::Place(_)) if says_no_places(listed) => Err(UsbError::NoPlaces),
        ([], _) => Err(UsbError::NoneFits { there: in_words(listed.iter(), listed) }),
        ([_, _, ..], _) if !is_pattern(rest) => {
            Err(UsbError::Several { fitting: in_words(found.iter().copied(), listed) })
        }
        (some, _) => Ok(some.iter().map(|port| port.name.clone()).collect()),
    }
}

/// Says whether there are USB adapters, and of none the place.
fn says_no_places(listed: &[PortDescription]) -> bool {
    let mut adapters = listed.iter().filter_map(|port| port.usb.as_ref()).peekable();
    adapters.peek().is_some() && adapters.all(|usb| usb.place.is_none())
}

/// Returns each USB port as messages show it: its name, and the addresses that tell it from others.
fn in_words<'a>(ports: impl Iterator<Item = &'a PortDescription>, all: &[PortDescription]) -> Vec<String> {
    let adapters = ports.filter(|port| port.usb.is_some());
    adapters.map(|port| format!("`{}` is `{}`", port.name, port.addresses(all).join("`, `"))).collect()
}

impl<'a> Wanted<'a> {
    fn read(rest: &'a str) -> Result<Wanted<'a>, UsbError> {
        let (rest, interface) = match rest.rsplit_once('/') {
            Some((before, number)) => match number.parse() {
                Ok(interface) => (before, Some(interface)),
                Err(_) => return Err(malformed(format!("`{number}` is not the number of an interface"))),
            },
            None => (rest, None),
        };
        let by = match rest.split_once('=') {
            Some(("serial" | "at", "")) => return Err(malformed("nothing follows the `=`".to_string())),
            Some(("serial", serial)) => By::Serial(serial),
            Some(("at", place)) => By::Place(place),
            Some((key, _)) if !key.contains(':') => {
                return Err(malformed(format!("there is no `{key}=`, only `serial=` and `at=`")));
            }
            Some(_) | None => numbers(rest)?,
        };
        Ok(Wanted { by, interface })
    }

    /// Says whether an adapter is meant. What is the same needs no pattern: a serial number may have any sign in it.
    fn is(&self, usb: &UsbIdentity, fits: &dyn Fn(&str, &str) -> bool) -> bool {
        let is = |wanted: &str, found: &str| wanted == found || fits(wanted, found);
        let has = |wanted: &str, found: &Option<String>| found.as_ref().is_some_and(|found| is(wanted, found));
        let is_device = match &self.by {
            By::Numbers { vendor, product, serial } => {
                is(vendor, &format!("{:04x}", usb.vendor))
                    && is(product, &format!("{:04x}", usb.product))
                    && serial.is_none_or(|serial| has(serial, &usb.serial))
            }
            By::Serial(serial) => has(serial, &usb.serial),
            By::Place(place) => has(place, &usb.place),
        };
        is_device && (self.interface.is_none() || self.interface == usb.interface)
    }
}

fn numbers(rest: &str) -> Result<By<'_>, UsbError> {
    let mut parts = rest.splitn(3, ':');
    let vendor = number(parts.next().unwrap_or_default(), "vendor", "0403")?;
    let product = number(parts.next().unwrap_or_default(), "product", "6001")?;
    match parts.next() {
        Some("") => Err(malformed("nothing follows the last `:`".to_string())),
        serial => Ok(By::Numbers { vendor, product, serial }),
    }
}

/// Returns a number as it is compared: four small hex digits, or a pattern of them.
fn number(text: &str, whose: &str, example: &str) -> Result<String, UsbError> {
    let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
    let is_pattern = digits.contains(['*', '?', '[']);
    let is_number = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match is_number || is_pattern {
        true => Ok(digits),
        false => {
            Err(malformed(format!("a {whose} has a number of four hex digits, such as `{example}`, not `{text}`")))
        }
    }
}

fn malformed(why: String) -> UsbError {
    UsbError::Malformed { why }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A port of an adapter.
    fn port(name: &str, numbers: (u16, u16), serial: &str, place: &str, interface: u8) -> PortDescription {
        let (vendor, product) = numbers;
        let text = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
        let usb = UsbIdentity { vendor, product, serial: text(serial), interface: Some(interface), place: text(place) };
        PortDescription { name: name.to_string(), what: String::new(), driver: None, usb: Some(usb) }
    }

    fn bench() -> Vec<PortDescription> {
        vec![
            port("/dev/ttyUSB10", (0x0403, 0x6001), "A2", "1-1.10", 0),
            port("/dev/ttyUSB9", (0x0403, 0x6001), "A1", "1-1.9", 0),
            port("/dev/ttyUSB2", (0x2c7c, 0x0125), "", "1-2", 2),
            port("/dev/ttyUSB3", (0x2c7c, 0x0125), "", "1-2", 3),
            PortDescription { name: "/dev/ttyS0".to_string(), what: String::new(), driver: None, usb: None },
        ]
    }

    fn named(rest: &str) -> Result<Vec<String>, UsbError> {
        let fits = |pattern: &str, text: &str| super::super::pattern(pattern, pattern).is_ok_and(|it| it.matches(text));
        names_at(rest, &bench(), &fits)
    }

    #[test]
    fn an_adapter_is_found_by_its_numbers_its_serial_number_and_its_place() {
        for rest in ["0403:6001:A1", "0x0403:0x6001:A1", "serial=A1", "at=1-1.9", "at=1-1.9/0", "0403:*:A1"] {
            assert_eq!(named(rest), Ok(vec!["/dev/ttyUSB9".to_string()]), "{rest}");
        }
        assert_eq!(named("2C7C:0125/3"), Ok(vec!["/dev/ttyUSB3".to_string()]));
        assert_eq!(behind_scheme("USB:0403:6001"), Some("0403:6001"));
        assert_eq!(behind_scheme("/dev/usb:1"), None);
    }

    #[test]
    fn a_pattern_stands_for_all_that_fit_in_natural_order() {
        let both = ["/dev/ttyUSB9", "/dev/ttyUSB10"].map(str::to_string).to_vec();
        for rest in ["0403:6001:*", "serial=A?", "at=1-1.*", "at=1-1.[19]*"] {
            assert_eq!(named(rest), Ok(both.clone()), "{rest}");
        }
    }

    #[test]
    fn several_without_a_pattern_are_told_apart_for_the_user() {
        let fitting = vec![
            "`/dev/ttyUSB9` is `usb:0403:6001:A1`, `usb:at=1-1.9`".to_string(),
            "`/dev/ttyUSB10` is `usb:0403:6001:A2`, `usb:at=1-1.10`".to_string(),
        ];
        assert_eq!(named("0403:6001"), Err(UsbError::Several { fitting }));
        let fitting = vec![
            "`/dev/ttyUSB2` is `usb:2c7c:0125/2`, `usb:at=1-2/2`".to_string(),
            "`/dev/ttyUSB3` is `usb:2c7c:0125/3`, `usb:at=1-2/3`".to_string(),
        ];
        assert_eq!(named("at=1-2"), Err(UsbError::Several { fitting }), "the ports of one device differ by interface");
    }

    #[test]
    fn every_address_that_is_shown_names_its_port_and_no_other() {
        for port in bench() {
            for address in port.addresses(&bench()) {
                let rest = behind_scheme(&address).expect("it is an address of a USB adapter");
                assert_eq!(named(rest), Ok(vec![port.name.clone()]), "{address}");
            }
        }
    }

    fn again(wanted: Option<&str>, known: (&str, u8), listed: &[PortDescription]) -> Option<String> {
        let known = port("", (0x0403, 0x6001), known.0, "1-1.9", known.1);
        found_again(wanted, known.usb.as_ref(), listed)
    }

    #[test]
    fn an_adapter_is_found_again_by_its_serial_number_wherever_it_is() {
        assert_eq!(again(None, ("A2", 0), &bench()).as_deref(), Some("/dev/ttyUSB10"));
        assert_eq!(again(None, ("A2", 1), &bench()), None, "it is another interface");
        assert_eq!(again(None, ("A3", 0), &bench()), None);
    }

    #[test]
    fn an_adapter_without_a_serial_number_is_found_again_at_its_place() {
        let without = |name: &str, place: &str| port(name, (0x0403, 0x6001), "", place, 0);
        let listed = [without("/dev/ttyUSB4", "1-1.8"), without("/dev/ttyUSB5", "1-1.9")];
        assert_eq!(again(None, ("", 0), &listed).as_deref(), Some("/dev/ttyUSB5"));
        assert_eq!(again(None, ("", 0), &listed[..1]), None);
        let other = [port("/dev/ttyUSB5", (0x0403, 0x6001), "A7", "1-1.9", 0)];
        assert_eq!(again(None, ("", 0), &other), None, "what has a serial number is another one");
    }

    #[test]
    fn of_adapters_with_one_serial_number_it_is_the_one_at_the_same_place() {
        let twin = |name: &str, place: &str| port(name, (0x0403, 0x6001), "0001", place, 0);
        let listed = [twin("/dev/ttyUSB4", "1-1.8"), twin("/dev/ttyUSB5", "1-1.9")];
        assert_eq!(again(None, ("0001", 0), &listed).as_deref(), Some("/dev/ttyUSB5"));
        let elsewhere = [twin("/dev/ttyUSB4", "1-1.7"), twin("/dev/ttyUSB5", "1-1.8")];
        assert_eq!(again(None, ("0001", 0), &elsewhere), None, "nobody can tell which of them it is");
    }

    #[test]
    fn what_an_address_names_counts_before_what_was_there() {
        assert_eq!(again(Some("at=1-1.10"), ("A1", 0), &bench()).as_deref(), Some("/dev/ttyUSB10"));
        assert_eq!(again(Some("serial=A2"), ("A1", 0), &bench()).as_deref(), Some("/dev/ttyUSB10"));
        assert_eq!(again(Some("at=1-2"), ("", 3), &bench()), None, "both interfaces are at another place");
        for rest in ["at=1-1.9", "serial=A1", "0403:6001:A1"] {
            assert!(UsbPort::lasting(rest, "/dev/ttyUSB9").is_some(), "{rest}");
        }
        for rest in ["0403:6001", "at=1-1.*", "0403:6001:*"] {
            assert!(UsbPort::lasting(rest, "/dev/ttyUSB9").is_none(), "{rest}");
        }
    }

    #[test]
    fn what_fits_nothing_says_what_there_is() {
        let Err(UsbError::NoneFits { there }) = named("serial=B1") else { panic!("nothing has this number") };
        assert_eq!(there.len(), 4, "{there:?}");
        let placeless: Vec<_> = [port("COM3", (0x0403, 0x6001), "A1", "", 0)].to_vec();
        assert_eq!(names_at("at=1-1", &placeless, &|_, _| false), Err(UsbError::NoPlaces));
        assert_eq!(names_at("at=1-1", &[], &|_, _| false), Err(UsbError::NoneFits { there: Vec::new() }));
    }

    #[test]
    fn a_malformed_address_says_what_is_wrong_with_it() {
        for (rest, why) in [
            ("", "a vendor has a number of four hex digits, such as `0403`, not ``"),
            ("0403", "a product has a number of four hex digits, such as `6001`, not ``"),
            ("403:6001", "a vendor has a number of four hex digits, such as `0403`, not `403`"),
            ("0403:6001:", "nothing follows the last `:`"),
            ("serial=", "nothing follows the `=`"),
            ("port=1-1", "there is no `port=`, only `serial=` and `at=`"),
            ("at=1-1/x", "`x` is not the number of an interface"),
        ] {
            assert_eq!(named(rest), Err(UsbError::Malformed { why: why.to_string() }), "{rest}");
        }
    }
}
