//! What a place has, as `labgrid-client env` says it: an environment file of labgrid, in YAML.

use saphyr::{LoadableYamlNode, Yaml};

use crate::address::{Protocol, RealPort};

/// The kind of resource that is a serial port behind a server.
const KIND: &str = "NetworkSerialPort";

/// Why a place has no port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoPort {
    /// What was said of the place is no environment file.
    NoFile(String),
    /// It has no serial port; these are the kinds of what it has.
    NoneThere { kinds: Vec<String> },
    /// It has several, with these names, and none was named.
    Several { names: Vec<String> },
    /// It has none of that name; these are the names.
    NoneCalled { name: String, names: Vec<String> },
    /// Its server speaks a protocol that flowrun does not.
    Protocol(String),
    /// Its server has no host, or no port.
    NoAddress,
}

/// A serial port of a place.
struct Resource<'a> {
    name: &'a str,
    details: &'a Yaml<'a>,
}

/// Returns the serial port of a place: the one of this name, or the only one.
///
/// # Errors
///
/// There is none, or none that can be opened.
pub(super) fn port_in(file: &str, place: &str, name: Option<&str>) -> Result<RealPort, NoPort> {
    let documents = Yaml::load_from_str(file).map_err(|error| NoPort::NoFile(error.to_string()))?;
    let target = documents.first().and_then(|file| file.as_mapping_get("targets")?.as_mapping_get(place));
    let resources = target.and_then(|target| target.as_mapping_get("resources"));
    let resources = match resources.map(Yaml::as_sequence) {
        Some(Some(resources)) => resources.iter().filter_map(Yaml::as_mapping).flatten(),
        Some(None) | None => return Err(NoPort::NoFile(format!("it has no resources of `{place}`"))),
    };
    let (mut ports, mut kinds) = (Vec::new(), Vec::new());
    for (kind, details) in resources {
        let kind = kind.as_str().unwrap_or_default();
        kinds.push(kind.to_string());
        if kind == KIND {
            // A resource that is called as its kind is has no name here.
            let name = details.as_mapping_get("name").and_then(Yaml::as_str).unwrap_or(kind);
            ports.push(Resource { name, details });
        }
    }
    chosen(&ports, name, kinds)?.port()
}

/// Returns the port that is meant.
fn chosen<'a>(ports: &'a [Resource<'a>], name: Option<&str>, kinds: Vec<String>) -> Result<&'a Resource<'a>, NoPort> {
    let names = || ports.iter().map(|port| port.name.to_string()).collect();
    match (ports, name) {
        ([], _) => Err(NoPort::NoneThere { kinds }),
        (_, Some(name)) => ports
            .iter()
            .find(|port| port.name == name)
            .ok_or_else(|| NoPort::NoneCalled { name: name.to_string(), names: names() }),
        ([one], None) => Ok(one),
        (_, None) => Err(NoPort::Several { names: names() }),
    }
}

impl Resource<'_> {
    fn port(&self) -> Result<RealPort, NoPort> {
        let text = |key| self.details.as_mapping_get(key).and_then(Yaml::as_str);
        let protocol = match text("protocol") {
            // labgrid's default.
            None | Some("rfc2217") => Protocol::Rfc2217,
            Some("raw") => Protocol::Raw,
            Some(other) => return Err(NoPort::Protocol(other.to_string())),
        };
        let number = self.details.as_mapping_get("port").and_then(Yaml::as_integer);
        let port = number.and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0);
        let host = text("host").filter(|host| !host.is_empty());
        let (Some(host), Some(port)) = (host, port) else { return Err(NoPort::NoAddress) };
        RealPort::served(protocol, host, port).ok_or(NoPort::NoAddress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What labgrid 26 says of a place with a port of each kind, and of something else.
    const FILE: &str = "targets:
  board-4:
    resources:
    - NetworkSerialPort:
        name: console
        host: ::1
        protocol: rfc2217
        port: 45001
    - NetworkSerialPort:
        name: second
        host: 127.0.0.1
        protocol: raw
        port: 45002
    - NetworkPowerPort:
        model: gude
        host: power.lab
        index: '3'

";

    fn only(text: &str) -> Result<String, NoPort> {
        let file = format!("targets:\n  b:\n    resources:\n{text}\n");
        port_in(&file, "b", None).map(|port| port.to_string())
    }

    #[test]
    fn the_port_of_a_place_is_that_of_its_server() {
        let port = |name| port_in(FILE, "board-4", Some(name)).map(|port| port.to_string());
        assert_eq!(port("console").as_deref(), Ok("rfc2217://[::1]:45001"));
        assert_eq!(port("second").as_deref(), Ok("tcp://127.0.0.1:45002"));
        let one = "    - NetworkSerialPort:\n        speed: 115200\n        port: 51013\n        host: exporter";
        assert_eq!(only(one).as_deref(), Ok("rfc2217://exporter:51013"), "labgrid's default protocol");
    }

    #[test]
    fn what_stands_in_the_way_of_a_port_is_named() {
        let names = || vec!["console".to_string(), "second".to_string()];
        assert_eq!(port_in(FILE, "board-4", None), Err(NoPort::Several { names: names() }));
        let third = NoPort::NoneCalled { name: "third".to_string(), names: names() };
        assert_eq!(port_in(FILE, "board-4", Some("third")), Err(third));
        assert!(matches!(port_in(FILE, "board-5", None), Err(NoPort::NoFile(_))), "of another place");
        assert!(matches!(port_in("{", "b", None), Err(NoPort::NoFile(_))));
        assert!(matches!(port_in("", "b", None), Err(NoPort::NoFile(_))));
        assert_eq!(
            only("    - NetworkPowerPort:\n        host: a"),
            Err(NoPort::NoneThere { kinds: vec!["NetworkPowerPort".to_string()] })
        );
        let none = "targets:\n  b:\n    resources: []\n\n";
        assert_eq!(port_in(none, "b", None), Err(NoPort::NoneThere { kinds: Vec::new() }));
        let served = |rest: &str| only(&format!("    - NetworkSerialPort:\n        host: a\n        {rest}"));
        assert_eq!(served("port: null"), Err(NoPort::NoAddress), "its server does not run");
        assert_eq!(served("port: 70000"), Err(NoPort::NoAddress));
        assert_eq!(served("port: 1\n        protocol: xmodem"), Err(NoPort::Protocol("xmodem".to_string())));
    }
}
