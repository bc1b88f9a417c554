//! The serial ports of this machine, opened and served.

// The numbers are those of Windows; what is made of them is tested everywhere.
#[cfg(any(windows, test))]
mod codes;
#[cfg(unix)]
mod identity;
mod missing;
#[cfg(unix)]
mod refusal;
mod settings;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use refusal::others;
#[cfg(unix)]
pub(super) use unix::{Serial, is_pseudo_terminal};
#[cfg(windows)]
pub(super) use windows::serve;
