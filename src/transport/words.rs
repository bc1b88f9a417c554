//! What a system says, as a part of our sentences, and what several kinds of ports say in the same words.

use std::io;

use crate::event::CloseReason;
use crate::port::PortCommand;

/// Returns what the system says about an error, as part of a sentence.
pub(crate) fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text).trim_end_matches('.');
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Why nobody can know how the control lines of a port are that carries bytes and nothing else.
pub(super) const NO_LINES: &str = "this port carries bytes and nothing else; a serial port has control lines, and \
                                  `rfc2217://HOST:PORT` if the server knows them";

/// Returns why a port of a kind that only Unix has cannot be opened here.
#[cfg(windows)]
pub(super) fn only_on_unix(what: &str) -> CloseReason {
    CloseReason::CannotOpen {
        reason: format!("there are no {what} on Windows"),
        help: Some("use `tcp://HOST:PORT`, or a port such as `COM3`".to_string()),
    }
}

/// Returns why a flow cannot go on over a connection, if it asks for a break: nothing else that it could do would reach the
/// device in its place. What other commands set has no effect, and the flow may do without.
pub(super) fn no_break(command: &PortCommand) -> Option<CloseReason> {
    matches!(command, PortCommand::Break { .. }).then(|| CloseReason::Broken {
        reason: "`break` cannot be sent over this port: it carries bytes and nothing else".to_string(),
        help: Some("use `rfc2217://HOST:PORT` if the server knows it, or a serial port of this machine".to_string()),
    })
}
