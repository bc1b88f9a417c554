//! `Identity`: what a port is known by when it went away and comes back, perhaps under another name.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::address::{UsbIdentity, UsbPort, found_again};
use crate::event::CloseReason;
use crate::transport::machine::Machine;
use crate::transport::not_open::NotOpen;
use crate::transport::ports::{list_of, usb_of};

/// What a port is known by. A port that is no USB adapter is known by its name, and so is a link: it leads to what its maker
/// meant. The number of a pseudo-terminal is no name: a shell of somebody else may have it next.
#[derive(Debug)]
pub(super) struct Identity {
    machine: Machine,
    /// The name under which it was last open, or which it was given.
    name: String,
    /// What follows `usb:` in the address that names it.
    wanted: Option<String>,
    /// What the adapter was when it was last opened.
    known: Option<UsbIdentity>,
    /// Which pseudo-terminal it was when it was last opened, if it was named by its number.
    numbered: Option<Numbered>,
}

/// What tells a pseudo-terminal from another one with its number: its node, and when that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbered {
    node: u64,
    made: (i64, i64),
}

impl Identity {
    /// Returns that of a port that was named by its node.
    pub(super) fn of_node(machine: Machine, name: &str) -> Identity {
        Identity { machine, name: name.to_string(), wanted: None, known: None, numbered: None }
    }

    /// Returns that of a port that was named by what its adapter is, or where it is plugged in.
    pub(super) fn of_usb(machine: Machine, port: &UsbPort) -> Identity {
        let wanted = Some(port.wanted().to_string());
        Identity { machine, name: port.node().to_string(), wanted, known: None, numbered: None }
    }

    /// Returns the name under which the port was last open, or which it was given.
    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    /// Returns the name under which the port is there that went away.
    ///
    /// # Errors
    ///
    /// It is not there.
    pub(super) fn find_again(&self) -> Result<String, NotOpen> {
        let absent = |what: &str| {
            let reason = format!("{what} is not there");
            NotOpen::absent(CloseReason::CannotOpen { reason, help: None })
        };
        if self.wanted.is_none() && self.known.is_none() {
            let is_it = self.numbered.is_none() || self.numbered == self.numbered(&self.name);
            return if is_it { Ok(self.name()) } else { Err(absent("the pseudo-terminal")) };
        }
        let listed = list_of(&self.machine);
        found_again(self.wanted.as_deref(), self.known.as_ref(), &listed).ok_or_else(|| absent("the adapter"))
    }

    /// Returns what opens the port that has a name.
    pub(super) fn node(&self, name: &str) -> String {
        // A name without a folder counts from the present one.
        if name.starts_with('/') { self.machine.path(name).display().to_string() } else { name.to_string() }
    }

    /// Takes note of the name under which the port is open, and of what its adapter is; returns what the user is to know if it
    /// had another name before.
    pub(super) fn learn(&mut self, name: String) -> Option<String> {
        self.known = usb_of(&self.machine, &name);
        self.numbered = self.numbered(&name);
        let note = (name != self.name).then(|| format!("the port is `{name}` now"));
        self.name = name;
        note
    }

    /// Returns which pseudo-terminal has a number now; `None` if the name is no such number.
    fn numbered(&self, name: &str) -> Option<Numbered> {
        let found = name.strip_prefix("/dev/pts/").and_then(|_| fs::metadata(self.node(name)).ok())?;
        Some(Numbered { node: found.ino(), made: (found.ctime(), found.ctime_nsec()) })
    }
}

#[cfg(test)]
mod tests;
