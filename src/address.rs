//! `Address`: what a port is called, on the command line and in reports, and the order and the labels of several.
//!
//! Every command reads an address here. A new kind of real port is a new variant of [`RealPort`] (`address/real.rs`):
//! only that file and `transport` look into one, and the compiler names the places in both. `usb:…` is a way of finding a
//! node, and `labgrid:…` a way of finding a port in a laboratory: [`expand`] puts in what was found. An unknown scheme is refused by [`Address::read`], unless there is a device
//! node of that name.

mod command;
mod covered;
mod endpoint;
mod listed;
mod place;
mod real;
mod usb;

use std::cmp::Ordering;
use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(unix)]
pub(crate) use command::CommandLine;
pub(crate) use command::split_words;
pub(crate) use covered::covered;
pub(crate) use endpoint::Endpoint;
pub use listed::{PortDescription, UsbIdentity};
pub(crate) use place::{Place, PlaceName};
pub(crate) use real::{Protocol, RealPort, SCHEMES};
pub(crate) use usb::UsbError;
#[cfg(unix)]
pub(crate) use usb::{UsbPort, found_again};

/// What a port is called.
///
/// [`fmt::Display`] writes what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// `sim`: the device that the flow names.
    OwnDevice,
    /// `sim:FILE`: the device in this file.
    Device(PathBuf),
    /// `replay:FILE`: the recording in this file.
    Recording(PathBuf),
    /// Everything else: a port that flowrun opens, in real time.
    Real(RealPort),
}

/// What an address may name that nobody has typed.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// The ports that the system knows of: for USB adapters, and for systems on which ports are no files.
    pub listed: &'a dyn Fn() -> Vec<PortDescription>,
    /// The places of a laboratory that have been acquired.
    pub places: &'a [Place],
}

/// How long the label of a command, or of a value, is at most.
const LONGEST_LABEL: usize = 40;

/// How a system compares names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    /// `COM5` is `com5`, and ports are no files.
    Windows,
    /// Each byte counts, and ports are files.
    Other,
}

/// What is wrong with the addresses of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AddressError {
    /// It is no pattern, and why.
    NoPattern { typed: String, why: String },
    /// It is an address of a kind that flowrun cannot open.
    Unsupported { typed: String, scheme: String },
    /// It is to be a USB adapter, and what is wrong with that.
    Usb { typed: String, error: UsbError },
    /// What follows its scheme is wrong; `instead` is the nearest address that is right.
    Malformed { typed: String, fault: Fault, instead: Option<String> },
    /// Several places of a laboratory fit where there is room for one.
    SeveralPlaces { typed: String, fitting: Vec<String> },
    /// Several ports fit a pattern where there is room for one.
    SeveralPorts { typed: String, fitting: Vec<String> },
    /// No port fits the pattern.
    NoPort { typed: String },
    /// No recording fits the pattern.
    NoRecording { typed: String },
    /// A simulated device is one of several ports.
    SimulatedAmongSeveral { simulated: Address },
    /// A recording and a port of this machine are to run together, and have no clock in common.
    Mixture { recorded: Address, real: Address },
}

/// What is wrong behind the scheme of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Two slashes are missing: `rfc2217:box:4001`.
    NoSlashes,
    /// There is no host.
    NoHost,
    /// There is no port.
    NoPort,
    /// This is no number of a port.
    WrongPort(String),
    /// The colons of an IPv6 address stand outside brackets.
    NoBrackets,
    /// A user, a path or a query stands beside host and port.
    MoreThanHostAndPort,
    /// `labgrid:` without a place, or a slash without the name of a port behind it.
    NoPlace,
    /// `unix:` without a path.
    NoPath,
    /// `exec:` without a program.
    NoCommand,
    /// A quote in a command is not closed.
    OpenQuote,
}

impl Address {
    /// Reads an address; upper and lower case of its scheme mean the same.
    ///
    /// # Errors
    ///
    /// It has a scheme that flowrun does not know and is not the name of a file, or something is wrong behind its scheme.
    pub(crate) fn read(text: &str) -> Result<Address, AddressError> {
        match text.split_once(':') {
            Some((scheme, file)) if scheme.eq_ignore_ascii_case("sim") => Ok(Address::Device(PathBuf::from(file))),
            Some((scheme, file)) if scheme.eq_ignore_ascii_case("replay") => {
                Ok(Address::Recording(PathBuf::from(file)))
            }
            None if text == "sim" => Ok(Address::OwnDevice),
            Some(_) | None => RealPort::parse(text).map(Address::Real),
        }
    }

    /// Says whether nothing was typed.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Address::Real(RealPort::Node(name)) => name.is_empty(),
            Address::Real(
                RealPort::Usb(_)
                | RealPort::Tcp(_)
                | RealPort::Unix(_)
                | RealPort::Telnet(_)
                | RealPort::Rfc2217(_)
                | RealPort::Exec(_)
                | RealPort::Place(_),
            )
            | Address::OwnDevice
            | Address::Device(_)
            | Address::Recording(_) => false,
        }
    }

    /// Says whether it is a real port: it takes real time, and one run has it at a time.
    pub(crate) fn is_real(&self) -> bool {
        match self {
            Address::Real(_) => true,
            Address::OwnDevice | Address::Device(_) | Address::Recording(_) => false,
        }
    }

    /// Returns what stands for it in the name of a file: `/dev/ttyUSB0` is `ttyUSB0`, `/tmp/bench/modem3` is `modem3`,
    /// `replay:logs/a.recording` is `a`.
    fn label(&self) -> String {
        let plain = match self {
            Address::OwnDevice => "sim".to_string(),
            Address::Device(file) | Address::Recording(file) => {
                file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
            }
            Address::Real(port) => port.label(),
        };
        let label = words(&plain);
        match self {
            Address::Real(RealPort::Exec(_)) => label.chars().take(LONGEST_LABEL).collect(),
            Address::OwnDevice | Address::Device(_) | Address::Recording(_) | Address::Real(_) => label,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::OwnDevice => f.write_str("sim"),
            Address::Device(file) => write!(f, "sim:{}", file.display()),
            Address::Recording(file) => write!(f, "replay:{}", file.display()),
            Address::Real(port) => port.fmt(f),
        }
    }
}

impl System {
    const HERE: System = if cfg!(windows) { System::Windows } else { System::Other };

    /// Says whether two names mean one port, or one file.
    fn is_same(self, a: &str, b: &str) -> bool {
        match self {
            System::Windows => a.replace('\\', "/").eq_ignore_ascii_case(&b.replace('\\', "/")),
            System::Other => a == b,
        }
    }
}

/// Reads several addresses; the place of a pattern is taken by what fits it, in natural order. Each address is there
/// once.
///
/// # Errors
///
/// A pattern that nothing fits, or addresses that cannot be used together.
pub(crate) fn expand(typed: &[String], known: Known<'_>) -> Result<Vec<Address>, AddressError> {
    let mut addresses: Vec<Address> = Vec::new();
    for text in typed {
        for address in fitting(text, known)? {
            if !addresses.iter().any(|there| System::HERE.is_same(&there.to_string(), &address.to_string())) {
                addresses.push(address);
            }
        }
    }
    check_together(&addresses)?;
    Ok(addresses)
}

/// Reads one address; the place of a pattern, a USB adapter, or of a name in a laboratory, is taken by its port.
///
/// # Errors
///
/// It is of a kind that flowrun cannot open, or not exactly one port fits.
pub(crate) fn read_one(typed: &str, known: Known<'_>) -> Result<Address, AddressError> {
    if let Some(found) = places(typed, known.places) {
        return match found?.as_slice() {
            [one] => Ok(one.clone()),
            several => {
                let fitting = several.iter().map(ToString::to_string).collect();
                Err(AddressError::SeveralPlaces { typed: typed.to_string(), fitting })
            }
        };
    }
    let Some(found) = usb_ports(typed, known.listed) else {
        return match fitting(typed, known)?.as_slice() {
            [one] => Ok(one.clone()),
            several => {
                let fitting = several.iter().map(ToString::to_string).collect();
                Err(AddressError::SeveralPorts { typed: typed.to_string(), fitting })
            }
        };
    };
    match found?.as_slice() {
        [one] => Ok(one.clone()),
        several => {
            let fitting = several.iter().map(|address| format!("`{address}`")).collect();
            Err(AddressError::Usb { typed: typed.to_string(), error: UsbError::Several { fitting } })
        }
    }
}

/// Returns the acquired places that a text stands for; `None` if it names no place.
fn places(typed: &str, places: &[Place]) -> Option<Result<Vec<Address>, AddressError>> {
    let fitting = PlaceName::read(typed)?.and_then(|name| {
        let there: Vec<String> = places.iter().map(|place| place.name().place().to_string()).collect();
        name.fitting(&there)
    });
    let found = fitting.and_then(|names| {
        let of_name = |name| places.iter().find(|place| *place.name() == name);
        let found: Vec<&Place> = names.into_iter().filter_map(of_name).collect();
        if found.is_empty() { Err(AddressError::NoPort { typed: typed.to_string() }) } else { Ok(found) }
    });
    let address = |place: &Place| Address::Real(RealPort::Place(Box::new(place.clone())));
    Some(found.map(|found| found.into_iter().map(address).collect()))
}

/// Returns the ports of the USB adapters that a text stands for; `None` if it is no such address.
fn usb_ports(typed: &str, listed: &dyn Fn() -> Vec<PortDescription>) -> Option<Result<Vec<Address>, AddressError>> {
    // A file may have such a name.
    let rest = usb::behind_scheme(typed).filter(|_| !Path::new(typed).exists())?;
    let fits = |pattern: &str, text: &str| glob::Pattern::new(pattern).is_ok_and(|pattern| pattern.matches(text));
    let found = usb::names_at(rest, &listed(), &fits);
    let addresses =
        found.map(|names| names.into_iter().map(|name| Address::Real(RealPort::of_usb(rest, name))).collect());
    Some(addresses.map_err(|error| AddressError::Usb { typed: typed.to_string(), error }))
}

/// Returns the addresses that a text stands for.
fn fitting(typed: &str, known: Known<'_>) -> Result<Vec<Address>, AddressError> {
    let listed = known.listed;
    if let Some(found) = places(typed, known.places).or_else(|| usb_ports(typed, listed)) {
        return found;
    }
    let address = Address::read(typed)?;
    let is_pattern = is_pattern(typed);
    let found = match &address {
        // A file may have these signs in its name.
        Address::Recording(file) if is_pattern && !file.exists() => {
            let text = file.to_str().unwrap_or(typed);
            let files = files_like(&pattern(text, typed)?);
            files.into_iter().map(|file| Address::Recording(PathBuf::from(file))).collect()
        }
        Address::Real(RealPort::Node(name)) if is_pattern => {
            let names = names_like(&pattern(name, typed)?, System::HERE, listed);
            names.into_iter().map(|name| Address::Real(RealPort::Node(name))).collect()
        }
        Address::OwnDevice | Address::Device(_) | Address::Recording(_) | Address::Real(_) => vec![address.clone()],
    };
    let typed = typed.to_string();
    match address {
        Address::Recording(_) if found.is_empty() => Err(AddressError::NoRecording { typed }),
        Address::Real(_) if found.is_empty() => Err(AddressError::NoPort { typed }),
        Address::OwnDevice | Address::Device(_) | Address::Recording(_) | Address::Real(_) => Ok(found),
    }
}

fn is_pattern(typed: &str) -> bool {
    typed.contains(['*', '?', '['])
}

fn pattern(text: &str, typed: &str) -> Result<glob::Pattern, AddressError> {
    glob::Pattern::new(text)
        .map_err(|error| AddressError::NoPattern { typed: typed.to_string(), why: error.msg.to_string() })
}

fn files_like(pattern: &glob::Pattern) -> Vec<String> {
    let paths = glob::glob(pattern.as_str()).into_iter().flatten();
    let mut files: Vec<String> = paths.flatten().map(|path| path.display().to_string()).collect();
    if System::HERE == System::Windows {
        // As a file is called in whatever is shown or kept.
        files.iter_mut().for_each(|file| *file = file.replace('\\', "/"));
    }
    files.sort_by(|a, b| natural_order(a, b));
    files
}

/// Returns the ports that fit a pattern. Where they are files, links and pseudo-terminals are among them, which the
/// system would not list as ports.
fn names_like(pattern: &glob::Pattern, system: System, listed: &dyn Fn() -> Vec<PortDescription>) -> Vec<String> {
    match system {
        System::Other => files_like(pattern),
        System::Windows => {
            let in_any_case = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::default() };
            let mut names: Vec<String> = listed().into_iter().map(|port| port.name).collect();
            names.retain(|name| pattern.matches_with(name, in_any_case));
            names.sort_by(|a, b| natural_order(a, b));
            names
        }
    }
}

fn check_together(addresses: &[Address]) -> Result<(), AddressError> {
    if addresses.len() < 2 {
        return Ok(());
    }
    let (mut recorded, mut real) = (None, None);
    for address in addresses {
        match address {
            Address::OwnDevice | Address::Device(_) => {
                return Err(AddressError::SimulatedAmongSeveral { simulated: address.clone() });
            }
            Address::Recording(_) => recorded = recorded.or(Some(address)),
            Address::Real(_) => real = real.or(Some(address)),
        }
    }
    match (recorded, real) {
        (Some(recorded), Some(real)) => Err(AddressError::Mixture { recorded: recorded.clone(), real: real.clone() }),
        (Some(_) | None, None) | (None, Some(_)) => Ok(()),
    }
}

/// Compares names as people count: `ttyUSB2` comes before `ttyUSB10`.
pub(crate) fn natural_order(a: &str, b: &str) -> Ordering {
    pieces(a).cmp(pieces(b)).then_with(|| a.cmp(b))
}

/// Returns the pieces of a name, each a text and the number behind it: its length without leading zeros, then its
/// digits.
fn pieces(name: &str) -> impl Iterator<Item = (&str, usize, &str)> {
    let mut rest = name;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let start = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, behind) = rest.split_at(start);
        let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
        let digits = behind[..end].trim_start_matches('0');
        rest = &behind[end..];
        Some((text, digits.len(), digits))
    })
}

/// Returns what tells a device node from others: its name without the folder, unless the name is a number only.
fn name_of_node(node: &str) -> &str {
    let behind = |at: usize| &node[at + 1..];
    let name = node.rfind('/').map_or(node, behind);
    if name.is_empty() || name.bytes().all(|byte| byte.is_ascii_digit()) {
        let folder = &node[..node.len() - name.len()].trim_end_matches('/');
        return folder.rfind('/').map_or(node, behind);
    }
    name
}

/// Returns a text with one `_` in place of all signs between its letters and digits.
fn words(text: &str) -> String {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

/// Returns what stands for each of several addresses in the names of its files, each once.
pub(crate) fn labels(addresses: &[Address]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::with_capacity(addresses.len());
    for address in addresses {
        let plain = Some(address.label()).filter(|label| !label.is_empty()).unwrap_or_else(|| "port".to_string());
        let mut label = plain.clone();
        let mut n = 2;
        while labels.contains(&label) {
            label = format!("{plain}_{n}");
            n += 1;
        }
        labels.push(label);
    }
    labels
}

/// Returns what stands for a text in the names of files, cut where it is long; empty if nothing of it can stand there.
pub(crate) fn label_of(text: &str) -> String {
    words(text).chars().take(LONGEST_LABEL).collect()
}

/// Returns the name of a file for one port, given its label: `a.saved.toml` becomes `a.saved.ttyUSB0.toml`.
pub(crate) fn labelled(path: &Path, label: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = match path.extension() {
        Some(extension) => format!("{stem}.{label}.{}", extension.to_string_lossy()),
        None => format!("{stem}.{label}"),
    };
    path.with_file_name(name)
}

#[cfg(test)]
mod tests;
