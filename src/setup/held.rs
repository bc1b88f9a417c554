//! `HeldRecording`: what goes over the lines of a run, in memory until it is known whether somebody wants it.

use std::sync::Arc;

use super::Setup;
use crate::engine::Inputs;
use crate::origin::Origin;
use crate::record::Recorder;
use crate::world::Tap;

/// The recording of a run that goes on.
#[derive(Debug)]
pub(crate) struct HeldRecording(Recorder<Vec<u8>>);

impl HeldRecording {
    /// Begins with nothing.
    pub(crate) fn new() -> HeldRecording {
        HeldRecording(Recorder::held())
    }

    /// Returns what the run is to tell.
    pub(crate) fn tap(&mut self) -> &mut dyn Tap {
        &mut self.0
    }

    /// Returns its text when the run of `setup` with `inputs` is over, and whether the run has secrets, which are named in it.
    /// `None` if the secrets are too many to be looked for.
    pub(crate) fn text(
        self,
        (setup, inputs): (&Setup, &Inputs),
        secrets: &[(Arc<str>, Vec<u8>)],
    ) -> Option<(Vec<u8>, bool)> {
        // When and where it was is not known here, and stands in the files beside it.
        let mut header = setup.recording_header(inputs, &setup.about(inputs, &Origin::default()));
        header.about.retain(|(name, _)| name != "date");
        Some((self.0.into_text(header, secrets).ok()?, setup.has_secrets()))
    }
}
