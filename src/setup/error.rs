//! `SetupError`: why a run cannot begin, as data.

use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::program::Role;
use crate::source::Sources;

/// Why a run cannot begin.
#[derive(Debug)]
pub(crate) enum SetupError {
    /// Files or variables are wrong; in the order in which they were looked at.
    Wrong(Vec<Complaint>),
    /// A file has another role than the one that is needed.
    WrongRole {
        /// The file.
        path: PathBuf,
        /// The role that is needed.
        wanted: Role,
        /// The role that the file has; `None` is a library.
        found: Option<Role>,
        /// The warnings about its text.
        warnings: Complaint,
    },
    /// The flow names no device, and no recording is beside it.
    NoCounterpart,
    /// A port of a flow with several names no device.
    NoDevice {
        /// Its name.
        port: String,
    },
    /// One address was given for several ports, and it is of one.
    OneForSeveral {
        /// The address.
        address: String,
        /// The ports that the flow declares.
        ports: Vec<String>,
    },
    /// A recording cannot be played.
    Unplayable {
        /// The recording.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The system gives no random seed.
    NoSeed(String),
    /// The system gives no interrupt.
    NoInterrupt(String),
    /// The system cannot wait for several ports.
    NoWait {
        /// How many.
        n_ports: usize,
        /// Why.
        why: String,
    },
}

/// Problems, and the texts that they point into.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complaint {
    pub problems: Vec<Diagnostic>,
    pub sources: Arc<Sources>,
}

impl From<Complaint> for SetupError {
    fn from(complaint: Complaint) -> SetupError {
        SetupError::Wrong(vec![complaint])
    }
}
