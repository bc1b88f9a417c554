//! `Consents`: what the person has agreed to, at the start or when they were asked. Simulated ports are free.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::Refusal;
use super::root::Root;
use crate::address::{Address, Known, RealPort, covered, expand};
use crate::transport::list;
use crate::value::escape::harmless;

/// What is done with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// It is opened, and what the device sends is read.
    Read,
    /// Something is sent, by hand or by a flow.
    Write,
}

/// Something that needs a person's consent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Need {
    pub act: Act,
    /// What makes the port the same port, whatever it is called.
    key: String,
    /// The port as a person reads it, without a password.
    pub port: String,
}

impl Need {
    /// Returns what the person is asked, without a question mark.
    pub(crate) fn wish(&self) -> String {
        match self.act {
            Act::Read => format!("open {} and read what the device sends", self.port),
            Act::Write => format!("send to the device on {}", self.port),
        }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }
}

/// What the person agreed to.
#[derive(Debug)]
pub(super) struct Consents {
    named: Vec<String>,
    may_write: bool,
    remembered: Mutex<BTreeSet<(Act, String)>>,
}

impl Consents {
    pub(super) fn new(named: Vec<String>, may_write: bool) -> Consents {
        Consents { named, may_write, remembered: Mutex::default() }
    }

    /// Returns the ports that were named at the start.
    pub(super) fn named(&self) -> Vec<String> {
        self.named.iter().map(|port| harmless(covered(port).as_ref())).collect()
    }

    pub(super) fn may_write(&self) -> bool {
        self.may_write
    }

    /// Says whether the person has agreed to something.
    pub(super) fn has(&self, need: &Need) -> bool {
        let by_start = need.act == Act::Read || self.may_write;
        let is_named = |port: &String| *port == need.key || keys(port).contains(&need.key);
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.contains(&(need.act, need.key.clone())) || by_start && self.named.iter().any(is_named)
    }

    pub(super) fn remember(&self, needs: &[Need]) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.extend(needs.iter().map(|need| (need.act, need.key.clone())));
    }
}

/// What an agent may name as a port.
pub(super) enum Place {
    /// A device file, a recording, or the device that a flow names: below the root, or the person's own file says so.
    Simulated,
    /// Everything else, with what each port of it is known by.
    Real { keys: Vec<String>, shown: String },
}

/// Reads what an agent named as a port: `sim`, `COM3`, `@modem`, `NAME=/dev/ttyUSB0`.
///
/// # Errors
///
/// It is a file outside of the root, or a name that `flowrun.toml` does not have.
pub(super) fn place(root: &Root, typed: &str) -> Result<Place, Refusal> {
    let (_, address) = split_port(typed);
    if let Some(address) = named(root, address)? {
        return Ok(match Address::read(&address) {
            Ok(Address::OwnDevice | Address::Device(_) | Address::Recording(_)) => Place::Simulated,
            Ok(Address::Real(_)) | Err(_) => real(&address),
        });
    }
    match Address::read(address) {
        Ok(Address::OwnDevice) => Ok(Place::Simulated),
        Ok(Address::Device(file) | Address::Recording(file)) => {
            root.existing(&file.to_string_lossy())?;
            Ok(Place::Simulated)
        }
        Ok(Address::Real(_)) | Err(_) => Ok(real(address)),
    }
}

/// Returns the needs of acts on a port; none if it is simulated.
pub(super) fn needs_of(root: &Root, typed: &str, acts: &[Act]) -> Result<Vec<Need>, Refusal> {
    match place(root, typed)? {
        Place::Simulated => Ok(Vec::new()),
        Place::Real { keys, shown } => {
            let of = |key: &String| {
                let need = |act: &Act| Need { act: *act, key: key.clone(), port: shown.clone() };
                acts.iter().map(need).collect::<Vec<_>>()
            };
            Ok(keys.iter().flat_map(of).collect())
        }
    }
}

/// Returns the address that `flowrun.toml` has for a name; `None` if it is no name.
pub(super) fn named(root: &Root, typed: &str) -> Result<Option<String>, Refusal> {
    let bench = root.bench();
    let known = |name: &str| bench.as_ref().and_then(|bench| bench.port(name)).map(|port| port.address.clone());
    match typed.strip_prefix('@') {
        Some(name) => known(name).map(Some).ok_or_else(|| {
            let message = format!("`flowrun.toml` has no port `{}`", harmless(name));
            Refusal::new(message, "call `ports`: it lists the names and the ports of this machine")
        }),
        None => Ok(known(typed)),
    }
}

/// Returns the name in `NAME=ADDRESS`, if there is one, and the address.
fn split_port(typed: &str) -> (Option<&str>, &str) {
    let is_first = |c: char| c.is_alphabetic() || c == '_';
    let is_name = |name: &str| name.starts_with(is_first) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    match typed.split_once('=') {
        Some((name, address)) if is_name(name) => (Some(name), address),
        Some(_) | None => (None, typed),
    }
}

fn real(address: &str) -> Place {
    Place::Real { keys: keys(address), shown: harmless(covered(address).as_ref()) }
}

/// Returns what the ports of an address are known by: the node with every link followed, else the address itself.
fn keys(address: &str) -> Vec<String> {
    let found = expand(&[address.to_string()], Known { listed: &list, places: &[] }).unwrap_or_default();
    let mut keys: Vec<String> = found.iter().map(key).collect();
    if keys.is_empty() {
        keys.push(address.to_string());
    }
    keys
}

fn key(address: &Address) -> String {
    let file =
        if let Address::Real(port @ (RealPort::Node(_) | RealPort::Usb(_))) = address { port.file() } else { None };
    let node = file.and_then(|file| std::fs::canonicalize(file).ok());
    let key = node.map_or_else(|| address.to_string(), |node| node.to_string_lossy().into_owned());
    if cfg!(windows) { key.to_ascii_uppercase() } else { key }
}

/// Returns why something is not done without a consent that nobody can be asked for.
pub(super) fn refusal(needs: &[Need]) -> Refusal {
    let wishes: Vec<String> = needs.iter().map(Need::wish).collect();
    let port = needs.first().map_or("", |need| need.port.as_str());
    let write = if needs.iter().any(|need| need.act == Act::Write) { " --allow-write" } else { "" };
    Refusal::new(
        format!("the person has not agreed: {}", wishes.join("; ")),
        format!(
            "the person can start the server with `flowrun mcp --allow-port {port}{write}`; `sim` needs no consent"
        ),
    )
}
