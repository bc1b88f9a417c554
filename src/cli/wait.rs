//! `--wait-port`: a command waits for a port that is not there yet.

use std::time::Duration;

use super::Ending;
use super::refusal::{address_problem, refuse};
use super::terminal::Terminal;
use crate::address::{Address, AddressError, UsbError};
use crate::diagnostic::{Code, Diagnostic};
use crate::event::Verdict;
use crate::port::Carrier;
use crate::setup::Ender;
use crate::syntax;
use crate::time::show_duration;
use crate::transport::{Clock, carrier};
use crate::value::escape::{harmless, visible_cut};

/// How often an address is looked up that names no port yet.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Returns how long to wait: what was typed counts before what a profile says; without either nothing is waited for.
///
/// # Errors
///
/// What was typed is no duration.
pub(super) fn lasting(typed: Option<&str>, of_profile: Duration) -> Result<Duration, Diagnostic> {
    let Some(typed) = typed else { return Ok(of_profile) };
    syntax::duration(typed.trim()).ok_or_else(|| {
        let shown = visible_cut(typed.as_bytes(), 60);
        let problem = Diagnostic::general(Code::CommandLine, format!("`--wait-port {shown}` is not a duration"));
        problem.help("write `--wait-port 500ms`, `30s` or `2m`")
    })
}

/// Returns the addresses that a look finds, and how much of the time is left. A USB adapter, or a port that fits a pattern, may
/// come while it lasts; Ctrl-C ends that.
///
/// # Errors
///
/// What is wrong with the addresses, or that no port came, and that has been told.
pub(super) fn found<T>(
    lasting: Duration,
    look: impl Fn() -> Result<T, AddressError>,
    terminal: &Terminal,
) -> Result<(T, Duration), Ending> {
    let clock = Clock::start();
    let mut is_told = false;
    loop {
        let error = match look() {
            Ok(found) => return Ok((found, lasting.saturating_sub(clock.now().since_start()))),
            Err(error) => error,
        };
        let left = lasting.saturating_sub(clock.now().since_start());
        if left.is_zero() || !may_come(&error) {
            terminal.refuse(address_problem(&error));
            return Err(if is_told { Ending::Outside } else { Ending::Refused });
        }
        let interrupt =
            Ender::installed().and_then(|ender| ender.interrupt()).map_err(|error| refuse(error, terminal))?;
        if !is_told {
            is_told = true;
            let problem = address_problem(&error);
            terminal.hint(&format!("waits up to {} for the port: {}\n", show_duration(lasting), problem.message));
        }
        if interrupt.is_raised_within(left.min(LOOK_AGAIN)) {
            return Err(Ending::Ran(Verdict::Interrupted));
        }
    }
}

/// Returns the line that says what is waited for, if it may not be there yet: for commands that do not show what a run notes.
pub(super) fn note(address: &Address, lasting: Duration) -> String {
    let Address::Real(port) = address else { return String::new() };
    let is_there = match carrier(port) {
        Carrier::Program => true,
        Carrier::Serial | Carrier::SerialServer | Carrier::Connection => {
            port.file().is_some_and(std::path::Path::exists)
        }
    };
    if is_there || lasting.is_zero() {
        return String::new();
    }
    format!("waits up to {} for `{}`\n", show_duration(lasting), harmless(port.to_string()))
}

/// Says whether time alone may make an address right.
fn may_come(error: &AddressError) -> bool {
    match error {
        AddressError::NoPort { .. } | AddressError::Usb { error: UsbError::NoneFits { .. }, .. } => true,
        AddressError::NoPattern { .. }
        | AddressError::Unsupported { .. }
        | AddressError::Usb {
            error: UsbError::Malformed { .. } | UsbError::NoPlaces | UsbError::Several { .. }, ..
        }
        | AddressError::Malformed { .. }
        | AddressError::SeveralPlaces { .. }
        | AddressError::SeveralPorts { .. }
        | AddressError::NoRecording { .. }
        | AddressError::SimulatedAmongSeveral { .. }
        | AddressError::Mixture { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_counts_before_the_profile() {
        let of_profile = Duration::from_secs(9);
        assert_eq!(lasting(Some("2m"), of_profile).ok(), Some(Duration::from_secs(120)));
        assert_eq!(lasting(None, of_profile).ok(), Some(of_profile));
        let refused = lasting(Some("30"), of_profile).err().map(|problem| problem.message);
        assert_eq!(refused.as_deref(), Some("`--wait-port 30` is not a duration"));
    }

    #[test]
    fn only_what_time_may_mend_is_waited_for() {
        let typed = || "usb:0403:6001".to_string();
        assert!(may_come(&AddressError::NoPort { typed: typed() }));
        let error = UsbError::NoneFits { there: Vec::new() };
        assert!(may_come(&AddressError::Usb { typed: typed(), error }));
        let error = UsbError::Several { fitting: Vec::new() };
        assert!(!may_come(&AddressError::Usb { typed: typed(), error }));
    }
}
