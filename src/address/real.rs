//! `RealPort`: a port that flowrun opens, one variant for each way to open one.

use std::fmt;
use std::path::{Path, PathBuf};

use super::command::CommandLine;
use super::endpoint::Endpoint;
use super::place::Place;
use super::usb::UsbPort;
use super::{AddressError, Fault};

/// A port that flowrun opens, one variant for each way to open one.
///
/// [`fmt::Display`] writes the address as it is typed, with the scheme in small letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RealPort {
    /// A serial port of this machine: `/dev/ttyUSB0`, `COM3`.
    Node(String),
    /// `usb:…`: the same, found by what the adapter is or where it is plugged in.
    Usb(Box<UsbPort>),
    /// `tcp://HOST:PORT`: bytes over a connection, and nothing else.
    Tcp(Endpoint),
    /// `unix:PATH`: the same over a socket of this machine.
    Unix(PathBuf),
    /// `telnet://HOST:PORT`: bytes as Telnet sends them.
    Telnet(Endpoint),
    /// `rfc2217://HOST:PORT`: a serial port of another machine, with baud, format, control lines and break.
    Rfc2217(Endpoint),
    /// `exec:COMMAND`: a program on a pseudo-terminal.
    Exec(Box<CommandLine>),
    /// `labgrid:PLACE`: the port of a place that has been acquired.
    Place(Box<Place>),
}

/// How a server of another program offers a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Bytes, and nothing else.
    Raw,
    /// With baud, format, control lines and break.
    Rfc2217,
}

/// The schemes of real ports, small.
pub(crate) const SCHEMES: &[&str] = &["tcp", "unix", "telnet", "rfc2217", "exec"];

/// What addresses of other tools begin with, besides those with `://`.
const FOREIGN: &[&str] = &["labgrid", "socket", "ssh", "udp", "usb"];

impl RealPort {
    /// Reads the address of a real port.
    ///
    /// # Errors
    ///
    /// It has a scheme that flowrun does not know and is not the name of a file, or something is wrong behind its scheme.
    pub(super) fn parse(text: &str) -> Result<RealPort, AddressError> {
        let Some((typed_scheme, rest)) = text.split_once(':') else { return Ok(RealPort::Node(text.to_string())) };
        let scheme = typed_scheme.to_ascii_lowercase();
        let malformed = |fault: Fault, instead: Option<String>| AddressError::Malformed {
            typed: text.to_string(),
            fault,
            instead: instead.map(|rest| format!("{scheme}:{rest}")),
        };
        let endpoint = || {
            let Some(rest) = rest.strip_prefix("//") else {
                let instead = Endpoint::parse(rest).map_or("//HOST:PORT".to_string(), |right| format!("//{right}"));
                return Err(malformed(Fault::NoSlashes, Some(instead)));
            };
            Endpoint::parse(rest).map_err(|(fault, instead)| {
                let host = match fault {
                    Fault::NoPort | Fault::WrongPort(_) => host_of(rest),
                    Fault::NoSlashes
                    | Fault::NoHost
                    | Fault::NoBrackets
                    | Fault::MoreThanHostAndPort
                    | Fault::NoPlace
                    | Fault::NoPath
                    | Fault::NoCommand
                    | Fault::OpenQuote => "HOST",
                };
                let instead = instead.unwrap_or_else(|| format!("{host}:PORT"));
                malformed(fault, Some(format!("//{instead}")))
            })
        };
        match scheme.as_str() {
            "tcp" => endpoint().map(RealPort::Tcp),
            "telnet" => endpoint().map(RealPort::Telnet),
            "rfc2217" => endpoint().map(RealPort::Rfc2217),
            "unix" if rest.is_empty() => Err(malformed(Fault::NoPath, Some("PATH".to_string()))),
            "unix" => Ok(RealPort::Unix(PathBuf::from(rest))),
            "exec" => {
                CommandLine::parse(rest).map(Box::new).map(RealPort::Exec).map_err(|fault| malformed(fault, None))
            }
            foreign if (FOREIGN.contains(&foreign) || rest.starts_with("//")) && !Path::new(text).exists() => {
                Err(AddressError::Unsupported { typed: text.to_string(), scheme })
            }
            _ => Ok(RealPort::Node(text.to_string())),
        }
    }

    /// Returns the port that what follows `usb:` names, which has this node now.
    pub(super) fn of_usb(rest: &str, node: String) -> RealPort {
        UsbPort::lasting(rest, &node).map_or(RealPort::Node(node), |port| RealPort::Usb(Box::new(port)))
    }

    /// Returns the port at which a server offers bytes, or a serial port as RFC 2217 has it; `None` if a host or a port
    /// is not there.
    pub(crate) fn served(protocol: Protocol, host: &str, port: u16) -> Option<RealPort> {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_string() };
        let endpoint = Endpoint::parse(&format!("{host}:{port}")).ok()?;
        Some(match protocol {
            Protocol::Raw => RealPort::Tcp(endpoint),
            Protocol::Rfc2217 => RealPort::Rfc2217(endpoint),
        })
    }

    /// Returns the file that it is, if it is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            RealPort::Node(name) => Some(Path::new(name)),
            RealPort::Usb(port) => Some(Path::new(port.node())),
            RealPort::Unix(path) => Some(path),
            RealPort::Place(place) => place.port().file(),
            RealPort::Tcp(_) | RealPort::Telnet(_) | RealPort::Rfc2217(_) | RealPort::Exec(_) => None,
        }
    }

    /// Returns what stands for it in the name of a file.
    pub(super) fn label(&self) -> String {
        match self {
            RealPort::Node(name) => super::name_of_node(name).to_string(),
            RealPort::Usb(port) => super::name_of_node(port.node()).to_string(),
            RealPort::Tcp(endpoint) | RealPort::Telnet(endpoint) | RealPort::Rfc2217(endpoint) => endpoint.to_string(),
            RealPort::Unix(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            RealPort::Exec(command) => command.to_string(),
            RealPort::Place(place) => match place.name().resource() {
                Some(resource) => format!("{}_{resource}", place.name().place()),
                None => place.name().place().to_string(),
            },
        }
    }
}

impl fmt::Display for RealPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RealPort::Node(name) => f.write_str(name),
            RealPort::Usb(port) => f.write_str(port.node()),
            RealPort::Tcp(endpoint) => write!(f, "tcp://{endpoint}"),
            RealPort::Unix(path) => write!(f, "unix:{}", path.display()),
            RealPort::Telnet(endpoint) => write!(f, "telnet://{endpoint}"),
            RealPort::Rfc2217(endpoint) => write!(f, "rfc2217://{endpoint}"),
            RealPort::Exec(command) => write!(f, "exec:{command}"),
            RealPort::Place(place) => place.name().fmt(f),
        }
    }
}

/// Returns the host of an address whose port is wrong.
fn host_of(rest: &str) -> &str {
    match rest.rsplit_once(':') {
        Some((host, _)) if !host.is_empty() && !rest.ends_with(']') => host,
        Some(_) | None => rest,
    }
}
