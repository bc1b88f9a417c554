//! flowrun runs declarative scenarios against a device on a serial port.
//!
//! Data flows one way: text, tree, program, events, report. `docs/architecture.md` draws it, and says what each module
//! may know of the others.
//!
//! # What is public, and how stable it is
//!
//! [`testing`] runs flows from a test written in Rust. It is the public interface of this crate and follows semantic
//! versioning: before 1.0 a minor version may change it, a patch version does not. The modules that this page does not
//! list belong to the program `flowrun`; the tests, benchmarks and fuzz targets of its repository reach them. They can
//! change with any version.
#![warn(missing_docs)]

pub mod testing;

mod address;
mod bench;
mod cli;
mod coverage;
mod disk;
mod draft;
mod function;
mod history;
mod hook;
mod labgrid;
mod legend;
mod lsp;
#[cfg(feature = "mcp")]
mod mcp;
mod pattern;
mod port_id;
mod reference;
mod result_codes;
mod results;
mod rows;
mod secret;
mod setup;
mod shipped;
mod term;
mod variables;

// For the tests, benchmarks and fuzz targets of this repository; no part of the public interface.
#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod diagnostic;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod event;
#[doc(hidden)]
pub mod format;
#[doc(hidden)]
pub mod load;
#[doc(hidden)]
pub mod mutate;
#[doc(hidden)]
pub mod origin;
#[doc(hidden)]
pub mod port;
#[doc(hidden)]
pub mod program;
#[doc(hidden)]
pub mod record;
#[doc(hidden)]
pub mod replay;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod settings;
#[doc(hidden)]
pub mod sim;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod stress;
#[doc(hidden)]
pub mod suite;
#[doc(hidden)]
pub mod syntax;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod transfer;
#[doc(hidden)]
pub mod transport;
#[doc(hidden)]
pub mod value;
#[doc(hidden)]
pub mod world;

#[doc(hidden)]
pub use cli::main;
#[cfg(feature = "mcp")]
#[doc(hidden)]
pub use cli::serve_agent;
