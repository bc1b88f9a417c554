//! Places of a laboratory, for one command: acquired before it opens a port, released when it is over.

use super::Ending;
use super::refusal::{address_problem, refuse};
use super::terminal::Terminal;
use crate::address::PlaceName;
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::event::Verdict;
use crate::labgrid::{Client, LabError, Laboratory, NoPort};
use crate::setup::Ender;

/// Acquires the places that are among some ports; `None` if none is.
///
/// # Errors
///
/// One of them cannot be used, and that has been told.
pub(super) fn hold(ports: &[String], terminal: &Terminal) -> Result<Option<Laboratory>, Ending> {
    let refused = |why: LabError| {
        let ending = ending(&why);
        terminal.refuse(problem(why));
        ending
    };
    let wanted: Result<Vec<PlaceName>, _> = ports.iter().filter_map(|port| PlaceName::read(port)).collect();
    let wanted = wanted.map_err(|error| refused(LabError::Address(error)))?;
    if wanted.is_empty() {
        return Ok(None);
    }
    let ender = Ender::installed().map_err(|error| refuse(error, terminal))?;
    Laboratory::hold(Client::installed(), &wanted, &|| ender.wants_end()).map(Some).map_err(refused)
}

/// Releases the places that were acquired, and says which may still be held.
pub(super) fn release(laboratory: Laboratory, terminal: &Terminal) {
    let mut laboratory = laboratory;
    for (place, why) in laboratory.release() {
        let why = why.first().map_or(String::new(), |why| format!(": {why}"));
        terminal.warn(&format!(
            "the place `{place}` may not have been released{why}; look with `labgrid-client -p {place} show`"
        ));
    }
}

/// Returns how a command ends that cannot have a place.
fn ending(why: &LabError) -> Ending {
    match why {
        LabError::Address(_) | LabError::Unknown { .. } | LabError::NoPort { .. } => Ending::Refused,
        LabError::NoClient { .. }
        | LabError::NoPlaces { .. }
        | LabError::Refused { .. }
        | LabError::Unresolved { .. } => Ending::Outside,
        LabError::Interrupted => Ending::Ran(Verdict::Interrupted),
    }
}

fn problem(why: LabError) -> Diagnostic {
    let (message, help) = match why {
        LabError::Address(error) => return address_problem(&error),
        LabError::NoClient { why } => (
            format!("`labgrid-client` cannot be started: {why}"),
            "install labgrid, `pip install labgrid`, and make sure that `labgrid-client` is in `PATH`".to_string(),
        ),
        LabError::NoPlaces { why } => (
            format!("the labgrid coordinator does not say which places there are{}", said(&why)),
            "`LG_COORDINATOR` names it, `HOST:PORT`; `labgrid-client places` must work".to_string(),
        ),
        LabError::Unknown { typed, there } => {
            let addresses: Vec<String> = there.iter().map(|place| format!("labgrid:{place}")).collect();
            let typed_place = typed.split_once(':').map_or(typed.as_str(), |(_, place)| place);
            let near = nearest(typed_place, there.iter().map(String::as_str));
            let help = match (near, addresses.len()) {
                (_, 0) => "the coordinator has no places; `labgrid-client -p PLACE create` makes one".to_string(),
                (Some(near), _) => format!("did you mean `labgrid:{near}`?"),
                (None, n) if n > 8 => format!("it has {n} places, see `labgrid-client places`"),
                (None, _) => format!("it has: `{}`", addresses.join("`, `")),
            };
            (format!("the labgrid coordinator has no place `{typed}`"), help)
        }
        LabError::Refused { place, why } => (
            format!("the place `{place}` cannot be acquired{}", said(&why)),
            format!("`labgrid-client who` shows who holds which places, `labgrid-client -p {place} show` what it has"),
        ),
        LabError::Unresolved { place, why } => (
            format!("the place `{place}` was acquired, and does not say what it has{}", said(&why)),
            format!("`labgrid-client -p {place} env` must show it; is its exporter running?"),
        ),
        LabError::NoPort { place, why } => without_port(&place, why),
        LabError::Interrupted => {
            ("interrupted before the places were acquired".to_string(), "nothing was run".to_string())
        }
    };
    Diagnostic::general(Code::CommandLine, message).help(help)
}

/// Says why a place has no port for a run.
fn without_port(place: &str, why: NoPort) -> (String, String) {
    let each = |names: &[String]| {
        let addresses: Vec<String> = names.iter().map(|name| format!("`labgrid:{place}/{name}`")).collect();
        addresses.join(", ")
    };
    match why {
        NoPort::NoFile(why) => (
            format!("`labgrid-client -p {place} env` shows no environment: {why}"),
            "flowrun knows the output of labgrid 24 to 26".to_string(),
        ),
        NoPort::NoneThere { kinds } if kinds.is_empty() => (
            format!("the place `{place}` has no resources"),
            format!("is its exporter running? `labgrid-client -p {place} add-match EXPORTER/GROUP/*` adds some"),
        ),
        NoPort::NoneThere { kinds } => (
            format!("the place `{place}` has no serial port"),
            format!("it has {}; flowrun uses `NetworkSerialPort`", kinds.join(", ")),
        ),
        NoPort::Several { names } => {
            (format!("the place `{place}` has {} serial ports", names.len()), format!("name one: {}", each(&names)))
        }
        NoPort::NoneCalled { name, names } => {
            (format!("the place `{place}` has no serial port `{name}`"), format!("it has: {}", each(&names)))
        }
        NoPort::Protocol(protocol) => (
            format!("the serial port of `{place}` speaks `{protocol}`"),
            "flowrun speaks `raw` and `rfc2217`".to_string(),
        ),
        NoPort::NoAddress => (
            format!("the serial port of `{place}` has no host or no port"),
            format!("is its exporter running? `labgrid-client -p {place} show` shows what it says"),
        ),
    }
}

/// Returns what the client said, behind a colon.
fn said(why: &[String]) -> String {
    if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_place_is_said_with_what_to_do() {
        let shown = |why: LabError| {
            let problem = problem(why);
            format!("{} | {}", problem.message, problem.help.unwrap_or_default())
        };
        let there = || ["board-1", "rack"].map(String::from).to_vec();
        let unknown = |typed: &str| shown(LabError::Unknown { typed: typed.to_string(), there: there() });
        assert_eq!(
            unknown("labgrid:borad-1"),
            "the labgrid coordinator has no place `labgrid:borad-1` | did you mean `labgrid:board-1`?"
        );
        assert_eq!(
            unknown("labgrid:modem-*"),
            "the labgrid coordinator has no place `labgrid:modem-*` | it has: `labgrid:board-1`, `labgrid:rack`"
        );
        let why = vec!["Place b is already acquired by h2/other.".to_string()];
        assert_eq!(
            shown(LabError::Refused { place: "b".to_string(), why }),
            "the place `b` cannot be acquired: Place b is already acquired by h2/other. | `labgrid-client who` shows who \
             holds which places, `labgrid-client -p b show` what it has"
        );
        let names = ["console", "second"].map(String::from).to_vec();
        assert_eq!(
            shown(LabError::NoPort { place: "b".to_string(), why: NoPort::Several { names } }),
            "the place `b` has 2 serial ports | name one: `labgrid:b/console`, `labgrid:b/second`"
        );
    }

    #[test]
    fn a_place_that_is_taken_is_no_mistake_of_the_command_line() {
        let taken = LabError::Refused { place: "b".to_string(), why: Vec::new() };
        assert_eq!(ending(&taken), Ending::Outside);
        assert_eq!(ending(&LabError::Unknown { typed: "b".to_string(), there: Vec::new() }), Ending::Refused);
        assert_eq!(ending(&LabError::Interrupted), Ending::Ran(Verdict::Interrupted));
    }
}
