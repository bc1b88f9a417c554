//! `PortNames`: what stands in front of the signs where a flow has several ports.

use crate::event::{Event, EventKind};
use crate::port_id::PortId;
use crate::value::escape::harmless;

/// The names of the ports of a run, each as wide as the longest; none for a flow that declares no ports.
#[derive(Debug, Default)]
pub(super) struct PortNames {
    shown: Vec<String>,
}

impl PortNames {
    /// Takes the names from the beginning of a run.
    pub(super) fn tell(&mut self, event: &Event) {
        let EventKind::RunStarted(header) = &event.kind else { return };
        let names: Vec<String> = header.ports.iter().map(|port| harmless(&port.name)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        self.shown = names.into_iter().map(|name| format!("{name:width$} ")).collect();
    }

    /// Returns the name of a port and a blank; nothing if ports have no names.
    pub(super) fn of(&self, port: PortId) -> &str {
        self.shown.get(port.index()).map_or("", String::as_str)
    }
}
