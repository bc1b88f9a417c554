//! `Counterpart`: what plays the other ends of a flow's ports.

use std::sync::Arc;

use crate::address::RealPort;
use crate::port::Carrier;
use crate::program::Program;
use crate::record::Recording;
use crate::transport::carrier;

/// What plays the other end of the line, or the other ends of several.
#[derive(Clone, Debug)]
pub(crate) enum Counterpart {
    /// A real port.
    Real(RealPort),
    /// A device file.
    Device(Arc<Program>),
    /// A recording, of all ports.
    Recording(Arc<Recording>),
    /// Something for each of several ports, in the order in which the flow declares them.
    Several(Vec<End>),
}

/// What plays the other end of one of several ports.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// A real port.
    Real(RealPort),
    /// A device file.
    Device(Arc<Program>),
}

/// Whether somebody has to wait for what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Everything takes its time.
    Real,
    /// The clock jumps.
    Virtual,
}

impl Counterpart {
    /// Returns what the bytes of the port at a place go through.
    pub(super) fn carrier(&self, at: usize) -> Carrier {
        match self {
            Counterpart::Real(port) => carrier(port),
            Counterpart::Device(_) | Counterpart::Recording(_) => Carrier::Serial,
            Counterpart::Several(ends) => match ends.get(at) {
                Some(End::Real(port)) => carrier(port),
                Some(End::Device(_)) | None => Carrier::Serial,
            },
        }
    }

    /// Returns how time passes with it: one real port makes it real.
    pub(crate) fn pace(&self) -> Pace {
        if self.real_ports().next().is_some() { Pace::Real } else { Pace::Virtual }
    }

    /// Returns the real ports, each with the place of the port that it is for.
    pub(crate) fn real_ports(&self) -> impl Iterator<Item = (usize, &RealPort)> {
        let (one, several) = match self {
            Counterpart::Real(port) => (Some((0, port)), &[][..]),
            Counterpart::Device(_) | Counterpart::Recording(_) => (None, &[][..]),
            Counterpart::Several(ends) => (None, ends.as_slice()),
        };
        let several = several.iter().enumerate().filter_map(|(at, end)| match end {
            End::Real(port) => Some((at, port)),
            End::Device(_) => None,
        });
        one.into_iter().chain(several)
    }

    /// Returns the device at each port; `None` for one at which something else is.
    pub(crate) fn devices(&self) -> impl Iterator<Item = Option<&Arc<Program>>> {
        let (one, several) = match self {
            Counterpart::Real(_) | Counterpart::Recording(_) => (Some(None), &[][..]),
            Counterpart::Device(device) => (Some(Some(device)), &[][..]),
            Counterpart::Several(ends) => (None, ends.as_slice()),
        };
        let several = several.iter().map(|end| match end {
            End::Real(_) => None,
            End::Device(device) => Some(device),
        });
        one.into_iter().chain(several)
    }

    /// Returns the same with other devices.
    pub(super) fn with_devices_changed(
        &self,
        mut change: impl FnMut(usize, &Arc<Program>) -> Arc<Program>,
    ) -> Counterpart {
        match self {
            Counterpart::Real(_) | Counterpart::Recording(_) => self.clone(),
            Counterpart::Device(device) => Counterpart::Device(change(0, device)),
            Counterpart::Several(ends) => {
                let end = |(at, end): (usize, &End)| match end {
                    End::Real(_) => end.clone(),
                    End::Device(device) => End::Device(change(at, device)),
                };
                Counterpart::Several(ends.iter().enumerate().map(end).collect())
            }
        }
    }
}
