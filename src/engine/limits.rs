//! How much an engine keeps: what a device sends, a flow computes or a secret holds back may be any amount.
//!
//! `docs/language.md` has a table of them, and `tests/memory.rs` compares it with these.

/// How much is kept of what came on a port.
pub const KEPT: usize = 256 << 10;

/// No byte that so many came after can be captured any more. Twice as much as is kept is held for a while, so that
/// moving the rest down costs little for each byte.
pub const REACH: usize = 2 * KEPT;

/// How many lines are kept of what came on a port: short ones take more room than their bytes.
pub const LINES: usize = 1 << 16;

/// How long a line can be before it is cut.
pub const LINE: usize = 64 << 10;

/// How many bytes a counted read can take.
pub const COUNTED_READ: usize = REACH;

/// How many bytes may come before what a `read until` waits for, a pattern or a silence.
pub const DELIMITED_READ: usize = REACH;

/// How many bytes may come on a port that nobody can look at yet.
pub const UNLOOKED: usize = 2 << 20;

/// How many moments are kept of bytes that were not told yet.
pub const MOMENTS: usize = 1 << 13;

/// How much of what happened is held back until a secret is known, in bytes.
pub const HELD: usize = 4 << 20;

/// How much is held back for the rest of a secret of which the beginning came, in bytes.
pub const STAYING: usize = 1 << 20;

/// How long a file may be that is sent: as much as one that the command line names.
pub const FILE: usize = 16 << 20;

/// How much all variables take together, those that `after` keeps included, in bytes.
pub const VARIABLES: usize = 64 << 20;

/// How deeply procedures and handlers may call each other.
pub const CALLS: usize = 64;

/// How many statements may be executed without any waiting.
pub const STATEMENTS: u32 = 1_000_000;

/// How much of what the program of a hook writes is told, in bytes.
pub const HOOK_OUTPUT: usize = 64 << 10;
