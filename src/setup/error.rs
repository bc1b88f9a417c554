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
    /// A file is not what it is to be.
    WrongRole {
        /// The file.
        path: PathBuf,
        /// What it is to be.
        wanted: Role,
        /// What it is; `None` is a library.
        found: Option<Role>,
        /// What is to be said about its text.
        warnings: Complaint,
    },
    /// The flow names no device, and no recording is beside it.
    NoCounterpart,
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
