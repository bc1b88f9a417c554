//! Why a connection does not come about or ends, and what to do about it.

use std::io::{self, ErrorKind};

use super::CONNECT_WITHIN;
use crate::address::Endpoint;
use crate::event::CloseReason;
use crate::transport::words::in_words;

/// How much of what a server says first is kept for [`closed`].
pub(in crate::transport) const BEGINNING: usize = 256;

/// What servers write when somebody else has the port, in small letters: ser2net, and those that call it busy.
const IN_USE: &[&str] = &["in use", "busy", "already open", "not available", "device open failure"];

/// Returns why the name of a host leads nowhere.
pub(in crate::transport) fn not_found(endpoint: &Endpoint, why: &str) -> CloseReason {
    let host = endpoint.host();
    let help = format!("check the name, or give the number of the host; `ping {host}` asks the same");
    CloseReason::CannotOpen { reason: format!("the host `{host}` is not found: {why}"), help: Some(help) }
}

/// Returns why nobody was found or connected to in time.
pub(in crate::transport) fn too_late(endpoint: &Endpoint, is_found: bool) -> CloseReason {
    let (host, port) = (endpoint.host(), endpoint.port());
    let seconds = CONNECT_WITHIN.as_secs();
    let (reason, help) = if is_found {
        (
            format!("no answer within {seconds} s"),
            format!("is `{host}` switched on and in this network, and does its firewall let port {port} through?"),
        )
    } else {
        (
            format!("the name server did not say within {seconds} s where `{host}` is"),
            "give the number of the host, or check the network of this machine".to_string(),
        )
    };
    CloseReason::CannotOpen { reason, help: Some(help) }
}

/// Returns why a connection to a host does not come about.
#[expect(clippy::wildcard_enum_match_arm, reason = "the system has many kinds of errors, and more to come")]
pub(in crate::transport) fn not_connected(endpoint: &Endpoint, error: &io::Error) -> CloseReason {
    let (host, port) = (endpoint.host(), endpoint.port());
    let help = match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!(
                "`{host}` is there, but nothing listens at port {port}: is the server running, is the number right?"
            )
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            format!("is `{host}` switched on, and are it and this machine in the same network?")
        }
        ErrorKind::TimedOut => return too_late(endpoint, true),
        ErrorKind::PermissionDenied => "a firewall of this machine forbids it".to_string(),
        _ => format!("does `nc {host} {port}` connect?"),
    };
    CloseReason::CannotOpen { reason: in_words(error), help: Some(help) }
}

/// Returns why the connection is closed: the other end did it. `beginning` is what came first.
pub(in crate::transport) fn closed(beginning: &[u8]) -> CloseReason {
    let said = String::from_utf8_lossy(beginning);
    let small = said.to_lowercase();
    let help = if IN_USE.iter().any(|words| small.contains(words)) {
        "the server says that somebody else has the port: close the other program, or its connection"
    } else if beginning.is_empty() {
        "the server closed the connection before it sent anything: does it serve somebody else, and is its device plugged in?"
    } else {
        "the server closed the connection: was it stopped, was its device unplugged, or did somebody else take the port?"
    };
    CloseReason::HungUp { help: help.to_string() }
}

/// Returns what to do about an error on a connection that was open.
#[expect(clippy::wildcard_enum_match_arm, reason = "the system has many kinds of errors, and more to come")]
pub(in crate::transport) fn lost(error: ErrorKind) -> Option<String> {
    match error {
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Some("the other end does not answer any more: check the network and the power of the host".to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
#[expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]
mod tests {
    use super::*;
    use crate::address::{Address, RealPort};

    fn endpoint() -> Endpoint {
        match Address::read("tcp://box:4001") {
            Ok(Address::Real(RealPort::Tcp(endpoint))) => endpoint,
            other => panic!("{other:?}"),
        }
    }

    fn help_of(reason: CloseReason) -> String {
        match reason {
            CloseReason::CannotOpen { help: Some(help), .. } | CloseReason::HungUp { help } => help,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_failure_has_advice_of_its_own_and_none_asks_for_a_plug() {
        let box_at = endpoint();
        let of = |kind: ErrorKind| help_of(not_connected(&box_at, &io::Error::from(kind)));
        let advice = [
            of(ErrorKind::ConnectionRefused),
            of(ErrorKind::HostUnreachable),
            of(ErrorKind::TimedOut),
            of(ErrorKind::PermissionDenied),
            of(ErrorKind::InvalidInput),
            help_of(not_found(&box_at, "no such name")),
            help_of(too_late(&box_at, false)),
        ];
        for (n, one) in advice.iter().enumerate() {
            assert!(!one.contains("plugged in"), "{one}");
            assert!(advice[n + 1..].iter().all(|other| other != one), "{one}");
        }
        assert!(advice[0].contains("is the server running"), "{}", advice[0]);
        assert!(advice[2].contains("firewall let port 4001 through"), "{}", advice[2]);
    }

    #[test]
    fn what_the_server_said_last_is_in_the_advice() {
        assert!(help_of(closed(b"Port already in use\r\n")).contains("somebody else has the port"));
        assert!(help_of(closed(b"PORT BUSY")).contains("somebody else has the port"));
        assert!(help_of(closed(b"")).contains("before it sent anything"));
        assert!(help_of(closed(b"login: ")).contains("was it stopped"));
    }
}
