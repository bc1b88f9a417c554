//! Whether two addresses lead to one serial port: a node, a link to it and the adapter that has it are one.

use crate::address::{Address, RealPort};
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::Identity;
use crate::program::DeclaredPort;
use crate::value::escape::harmless;

/// Whether only one run can have what is at both of these addresses.
pub(super) fn is_same(one: &Address, other: &Address) -> bool {
    one.is_real() && one == other || same_serial(one, other)
}

/// Whether both are one serial port of this machine. A server may take two connections, and a program can be started twice.
fn same_serial(one: &Address, other: &Address) -> bool {
    let (Some(one), Some(other)) = (serial(one), serial(other)) else { return false };
    let identity = |port: &RealPort| port.file().and_then(Identity::of);
    one == other || identity(one).is_some_and(|one| Some(one) == identity(other))
}

fn serial(address: &Address) -> Option<&RealPort> {
    match address {
        Address::Real(port @ (RealPort::Node(_) | RealPort::Usb(_))) => Some(port),
        Address::Real(
            RealPort::Tcp(_)
            | RealPort::Unix(_)
            | RealPort::Telnet(_)
            | RealPort::Rfc2217(_)
            | RealPort::Exec(_)
            | RealPort::Place(_),
        )
        | Address::OwnDevice
        | Address::Device(_)
        | Address::Recording(_) => None,
    }
}

/// Returns the first two serial ports that are one.
pub(super) fn first_twice(addresses: &[Address]) -> Option<(usize, usize)> {
    let identities: Vec<Option<Identity>> =
        addresses.iter().map(|address| serial(address).and_then(RealPort::file).and_then(Identity::of)).collect();
    let is_one = |before: usize, at: usize| {
        let is_known = identities[at].is_some() && identities[before] == identities[at];
        is_known || serial(&addresses[at]).is_some() && addresses[before] == addresses[at]
    };
    (1..addresses.len()).find_map(|at| (0..at).find(|before| is_one(*before, at)).map(|before| (before, at)))
}

/// Leaves the first of several addresses of one serial port.
pub(super) fn each_once(mut addresses: Vec<Address>) -> Vec<Address> {
    while let Some((_, at)) = first_twice(&addresses) {
        addresses.remove(at);
    }
    addresses
}

/// Returns what is wrong if two ports of a flow have one serial port.
pub(super) fn shared(ports: &[DeclaredPort], addresses: &[Address]) -> Option<Diagnostic> {
    let (before, at) = first_twice(&addresses[..ports.len().min(addresses.len())])?;
    let (one, other) = (&ports[before].name, &ports[at].name);
    let message = format!("`{one}` and `{other}` have one port, {}", names(&addresses[before], &addresses[at]));
    Some(Diagnostic::general(Code::CommandLine, message).help("give each a port of its own, or `sim`"))
}

/// Returns what is wrong if two runs have one serial port.
pub(super) fn taken_twice(addresses: &[Address]) -> Option<Diagnostic> {
    let (before, at) = first_twice(addresses)?;
    let message = format!("two runs cannot have one port, {}", names(&addresses[before], &addresses[at]));
    Some(Diagnostic::general(Code::CommandLine, message).help("leave one of its names out"))
}

/// Returns how one port is called, once or in both ways.
pub(super) fn names(one: &Address, other: &Address) -> String {
    let (one, other) = (harmless(one.to_string()), harmless(other.to_string()));
    if one == other { format!("`{one}`") } else { format!("which is called `{one}` and `{other}`") }
}
