//! What is kept of a session: the log and the recording are begun and ended here.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::places::is_there;
use super::session::{Session, State};
use crate::record::Recording;
use crate::time::Moment;
use crate::transport::in_words;
use crate::value::escape::{harmless, harmless_path};

impl Session<'_> {
    pub(super) fn switch_log(&mut self, path: Option<PathBuf>) {
        let (is_logging, _) = self.files.are_open();
        if is_logging {
            match self.files.end_log() {
                Ok(path) => self.tell_path("the log is complete:", path.as_deref()),
                Err(error) => self.term.tell(&format!("the log is not complete: {}", in_words(&error))),
            }
            if path.is_none() {
                return;
            }
        }
        self.begin_log(path);
    }

    /// Begins a log, in a new file if none is named.
    pub(super) fn begin_log(&mut self, path: Option<PathBuf>) {
        let made = match path {
            Some(path) => self.files.begin_log(&path).map(|()| path),
            None => self.files.begin_new_log(&self.zone.file_stem(&self.port.label, self.clock.now())),
        };
        match made {
            Ok(path) => self.tell_path("input is written to", Some(&path)),
            Err(error) => self.term.tell(&format!("the log cannot be written: {}", in_words(&error))),
        }
    }

    pub(super) fn switch_recording(&mut self, now: Moment, path: Option<PathBuf>) {
        if let Some(taken) = path.as_deref().filter(|path| is_there(path)) {
            return self.term.tell(&format!("`{}` exists already: choose another name", harmless_path(taken)));
        }
        let (_, is_recording) = self.files.are_open();
        if is_recording {
            self.end_recording();
            if path.is_none() {
                return;
            }
        }
        self.begin_recording(now, path);
    }

    pub(super) fn end_recording(&mut self) {
        match self.files.end_recording() {
            Ok(path) => self.tell_path("the recording is complete:", path.as_deref()),
            Err(error) => self.term.tell(&format!("the recording is not complete: {}", in_words(&error))),
        }
    }

    /// Begins a recording, in a new file if none is named.
    pub(super) fn begin_recording(&mut self, now: Moment, path: Option<PathBuf>) {
        let header = Recording {
            title: format!("session with {}", harmless(&self.port.name)),
            begun: self.zone.unix_millis(now),
            about: vec![("version".to_string(), env!("CARGO_PKG_VERSION").to_string())],
            ..Recording::default()
        };
        let path = match path {
            Some(path) => File::options().write(true).create_new(true).open(&path).map(|_| path),
            None => {
                let stem = self.zone.file_stem(&self.port.label, now);
                super::files::new_file(&stem, "recording").map(|(path, _)| path)
            }
        };
        let open = (self.port.state == State::Open).then_some(&self.port.settings.line);
        let made = path.and_then(|path| self.files.begin_recording(&path, header, now, open).map(|()| path));
        match made {
            Ok(path) => self.tell_path("the session is recorded in", Some(&path)),
            Err(error) => self.term.tell(&format!("the recording cannot be written: {}", in_words(&error))),
        }
    }

    pub(super) fn tell_path(&mut self, what: &str, path: Option<&Path>) {
        self.term.tell(&format!("{what} {}", path.map_or_else(String::new, harmless_path)));
    }
}
