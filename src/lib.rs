//! flowrun runs declarative scenarios against a device on a serial port.
//!
//! ```text
//! text ─▶ syntax ─▶ check ─▶ program ─▶ engine ◀──▶ world ◀── transport | sim
//!            │         │                   │
//!            └────┬────┘                   ▼
//!             diagnostic                 event ─▶ report: console, transcript, summary
//! ```
//!
//! Data flows one way; `docs/architecture.md` says what each room may know of the others.
#![warn(missing_docs)]

pub mod check;
pub mod cli;
pub mod diagnostic;
mod disk;
pub mod engine;
pub mod event;
pub mod format;
pub mod function;
pub mod load;
pub mod pattern;
pub mod port;
pub mod program;
pub mod record;
pub mod replay;
pub mod report;
pub mod results;
pub mod settings;
pub mod sim;
pub mod source;
pub mod stress;
mod suite;
pub mod syntax;
pub mod testing;
pub mod time;
pub mod transport;
pub mod value;
pub mod variables;
pub mod world;
