//! The world of one serial port of this machine.

mod missing;
#[cfg(unix)]
mod refusal;
mod settings;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::SerialWorld;
#[cfg(windows)]
pub(super) use windows::serve;
