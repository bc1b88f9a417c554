//! `Identity`: what a port is known by when it went away and comes back, perhaps under another name.

use crate::address::{UsbIdentity, UsbPort, found_again};
use crate::event::CloseReason;
use crate::transport::machine::Machine;
use crate::transport::not_open::NotOpen;
use crate::transport::ports::{list_of, usb_of};

/// What a port is known by. A port that is no USB adapter is known by its name, and so is a link: it leads to what its maker
/// meant.
#[derive(Debug)]
pub(super) struct Identity {
    machine: Machine,
    /// The name under which it was last open, or which it was given.
    name: String,
    /// What follows `usb:` in the address that names it.
    wanted: Option<String>,
    /// What the adapter was when it was last opened.
    known: Option<UsbIdentity>,
}

impl Identity {
    /// Returns that of a port that was named by its node.
    pub(super) fn of_node(machine: Machine, name: &str) -> Identity {
        Identity { machine, name: name.to_string(), wanted: None, known: None }
    }

    /// Returns that of a port that was named by what its adapter is, or where it is plugged in.
    pub(super) fn of_usb(machine: Machine, port: &UsbPort) -> Identity {
        let wanted = Some(port.wanted().to_string());
        Identity { machine, name: port.node().to_string(), wanted, known: None }
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
        if self.wanted.is_none() && self.known.is_none() {
            return Ok(self.name());
        }
        let listed = list_of(&self.machine);
        found_again(self.wanted.as_deref(), self.known.as_ref(), &listed).ok_or_else(|| {
            let reason = "the adapter is not there".to_string();
            NotOpen::absent(CloseReason::CannotOpen { reason, help: None })
        })
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
        let note = (name != self.name).then(|| format!("the port is `{name}` now"));
        self.name = name;
        note
    }
}

#[cfg(test)]
mod tests;
