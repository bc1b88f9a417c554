//! `Endpoint`: a host and a port of a network address, read and checked.

use std::fmt;

use super::Fault;

/// A host and a port: `10.0.0.5:4001`, `box.local:2217`, `[fe80::1]:23`.
///
/// Invariant: `host` is not empty and has no brackets, and `port > 0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// Reads what follows the two slashes of an address.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and the part of an address that would be right.
    pub(super) fn parse(text: &str) -> Result<Endpoint, (Fault, Option<String>)> {
        let text = text.strip_suffix('/').unwrap_or(text);
        if let Some(at) = text.find(['/', '?', '#', '@']) {
            let rest = if text[at..].starts_with('@') { &text[at + 1..] } else { &text[..at] };
            let instead = Endpoint::parse(rest).ok().map(|endpoint| endpoint.to_string());
            return Err((Fault::MoreThanHostAndPort, instead));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or((Fault::NoBrackets, None))?;
                (host, rest.strip_prefix(':').unwrap_or_default())
            }
            None if text.matches(':').count() > 1 => return Err((Fault::NoBrackets, with_brackets(text))),
            None => text.split_once(':').unwrap_or((text, "")),
        };
        if host.is_empty() {
            return Err((Fault::NoHost, None));
        }
        if port.is_empty() {
            return Err((Fault::NoPort, None));
        }
        match port.parse() {
            Ok(port @ 1..) => Ok(Endpoint { host: host.to_string(), port }),
            Ok(0) | Err(_) => Err((Fault::WrongPort(port.to_string()), None)),
        }
    }

    /// Returns the name or the number of the host.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the number of the port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Endpoint { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// Returns an IPv6 address and a port as they are written, if the last number can be a port.
fn with_brackets(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    port.parse::<u16>().is_ok().then(|| format!("[{host}]:{port}"))
}
