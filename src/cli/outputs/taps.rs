//! `Taps`: the recordings of a run, the one that was asked for and the one that is held for the artifacts.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::engine::{Engine, Inputs};
use crate::event::HookCall;
use crate::origin::About;
use crate::port::{Happening, PortCommand, PortId};
use crate::record::{HoldBack, Readers, Recorder, RecordingFile};
use crate::report::SinkFailure;
use crate::setup::{Pace, Setup};
use crate::source::name_of;
use crate::time::Moment;
use crate::world::Tap;

/// What sees all that goes over the lines of a run.
#[derive(Debug)]
pub(super) struct Taps {
    file: Option<RecordingFile>,
    held: Option<Recorder<Vec<u8>>>,
}

impl Taps {
    /// Takes the file that was asked for; `is_held` says whether a recording is held besides.
    pub(super) fn new(file: Option<RecordingFile>, is_held: bool) -> Taps {
        Taps { file, held: is_held.then(Recorder::held) }
    }

    /// Returns what a run is to tell, if anybody wants to know.
    pub(super) fn tap(&mut self) -> Option<&mut dyn Tap> {
        match self {
            Taps { file: Some(_), held: Some(_) } => Some(self),
            Taps { file: Some(file), held: None } => Some(file.tap()),
            Taps { file: None, held: Some(held) } => Some(held),
            Taps { file: None, held: None } => None,
        }
    }

    /// Writes the rest of the file; returns what went wrong with it, and what is held.
    pub(super) fn finish(self, engine: &Engine) -> (Option<SinkFailure>, Option<Recorder<Vec<u8>>>) {
        let failure = self.file.and_then(|file| {
            let sink = format!("the recording `{}`", name_of(file.path()));
            file.finish(engine.secrets()).err().map(|error| SinkFailure { sink, error })
        });
        (failure, self.held)
    }

    fn each(&mut self) -> impl Iterator<Item = &mut dyn Tap> {
        let file = self.file.as_mut().map(RecordingFile::tap);
        file.into_iter().chain(self.held.as_mut().map(|held| held as &mut dyn Tap))
    }
}

impl Tap for Taps {
    fn performed(&mut self, port: PortId, command: &PortCommand) {
        self.each().for_each(|tap| tap.performed(port, command));
    }

    fn hooked(&mut self, call: &HookCall) {
        self.each().for_each(|tap| tap.hooked(call));
    }

    fn happened(&mut self, now: Moment, happening: &Happening, received: &[u8]) {
        self.each().for_each(|tap| tap.happened(now, happening, received));
    }

    fn waiting(&mut self, secrets: &[(Arc<str>, Vec<u8>)]) {
        self.each().for_each(|tap| tap.waiting(secrets));
    }

    fn has_unwritten(&self) -> bool {
        self.file.as_ref().is_some_and(RecordingFile::has_unwritten)
    }

    fn write_out(&mut self) {
        // What is held is written when the run is over.
        self.file.iter_mut().for_each(|file| file.tap().write_out());
    }
}

/// Begins the recording of a run that is about to begin.
pub(in crate::cli) fn begin_recording(
    path: &Path,
    setup: &Setup,
    inputs: &Inputs,
    run: &About,
) -> io::Result<RecordingFile> {
    let readers = if setup.has_secrets() { Readers::Owner } else { Readers::Others };
    let hold_back = match setup.counterpart().pace() {
        Pace::Real if !setup.flow().learns_secrets => HoldBack::Least,
        // In virtual time there is no quiet in which something could be written.
        Pace::Real | Pace::Virtual => HoldBack::Reach,
    };
    RecordingFile::create(path, readers, setup.recording_header(inputs, run), hold_back)
}
