//! Ports over Telnet: `telnet://`, which carries bytes, and `rfc2217://`, which has the settings of a serial port too.
//!
//! What the two say to the other end is a `Protocol`: a state machine that gets bytes and gives bytes, and knows
//! neither sockets nor clocks.

mod com_port;
mod plain;
mod protocol;
mod served;
#[cfg(any(windows, test))]
mod threaded;
#[cfg(unix)]
mod unix;

use std::time::Duration;

pub use served::{ServedWorld, Speaks};
#[cfg(windows)]
pub(super) use threaded::{serve_com_port, serve_plain, serve_raw};
#[cfg(unix)]
pub(super) use unix::{Rfc2217, Telnet};

/// How long the other end may take to answer what it is asked: on opening, and when settings change. After that the run
/// goes on, and a note says what was not answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
