//! The built-in flows against real servers: program, terminal, emulated module, TLS, HTTPS service, MQTT broker.
//!
//! `docs/testing.md` says what is needed; what needs a broker that is not there is skipped and says so.
#![cfg(unix)]

mod real;
