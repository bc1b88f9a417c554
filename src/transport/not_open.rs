//! `NotOpen`: why a port is not open, and whether it may be there later.

use crate::event::CloseReason;

/// Why a port is not open.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NotOpen {
    pub(super) reason: CloseReason,
    /// Whether there is no such port yet: to wait may help.
    pub(super) is_absent: bool,
}

impl NotOpen {
    /// Returns that there is no such port yet.
    pub(super) fn absent(reason: CloseReason) -> NotOpen {
        NotOpen { reason, is_absent: true }
    }

    /// Returns the same of a port that is absent if that is so.
    pub(super) fn absent_if(is_absent: bool, reason: CloseReason) -> NotOpen {
        NotOpen { reason, is_absent }
    }

    /// Returns what the system said.
    pub(super) fn words(&self) -> &str {
        match &self.reason {
            CloseReason::CannotOpen { reason, .. } | CloseReason::Broken { reason, .. } => reason,
            CloseReason::HungUp { .. } => "it went away",
            CloseReason::Finished | CloseReason::DeviceFailed(_) => "it was closed",
        }
    }
}

impl From<CloseReason> for NotOpen {
    /// Takes it that the port is there.
    fn from(reason: CloseReason) -> NotOpen {
        NotOpen { reason, is_absent: false }
    }
}
