//! Ports over a network: bytes over a connection, and nothing else.
//!
//! On Unix such a port is one more descriptor. Where ports have threads, `telnet/threaded.rs` serves it; the words about
//! what went wrong are the same.

pub(super) mod advice;
#[cfg(unix)]
mod connecting;
#[cfg(unix)]
mod unix;

use std::time::Duration;

#[cfg(unix)]
pub(super) use unix::{Connection, LINGER, LINGER_STEP, Socket};

/// How long finding a host and connecting to it may take together.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(10);
