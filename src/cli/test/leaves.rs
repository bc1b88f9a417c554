//! `Leaves`: the files that `flowrun test` writes of each flow in a folder: its transcript, its recording, its results.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::super::args::KeptArguments;
use super::super::artifacts::transcript;
use super::super::outputs::begin_recording;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{folder_of, put};
use crate::origin::Origin;
use crate::record::RecordingFile;
use crate::results::Results;
use crate::setup::{Beginning, Setup};
use crate::suite::Judged;
use crate::testing::Recorder;
use crate::value::escape::harmless_path;
use crate::world::{Keeper, Tap};

/// Which files of each flow are written, and where.
#[derive(Debug)]
pub(super) struct Leaves {
    folders: Vec<(Kind, PathBuf)>,
    origin: Origin,
    /// What could not be recorded, until it is told.
    failures: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Transcript,
    Recording,
    Results,
}

/// A file of a flow.
pub(super) struct Leaf {
    /// What it is.
    pub title: &'static str,
    /// Where it goes.
    pub path: PathBuf,
    /// How another folder is named.
    pub option: &'static str,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Kind::Transcript => "transcript",
            Kind::Recording => "recording",
            Kind::Results => "file of results",
        }
    }

    fn option(self) -> &'static str {
        match self {
            Kind::Transcript => "--transcript DIR",
            Kind::Recording => "--record DIR",
            Kind::Results => "--save DIR",
        }
    }

    /// Returns what the name of a flow's file ends in.
    fn extension(self) -> &'static str {
        match self {
            Kind::Transcript => "txt",
            Kind::Recording => "recording",
            Kind::Results => "saved.toml",
        }
    }
}

impl Leaves {
    /// Reads what was asked for.
    ///
    /// # Errors
    ///
    /// A folder is there and is a file.
    pub(super) fn read(kept: &KeptArguments, origin: &Origin) -> Result<Leaves, Diagnostic> {
        let asked =
            [(Kind::Transcript, &kept.transcript), (Kind::Recording, &kept.record), (Kind::Results, &kept.save)];
        let folders: Vec<(Kind, PathBuf)> =
            asked.into_iter().filter_map(|(kind, folder)| Some((kind, folder.clone()?))).collect();
        for (kind, folder) in &folders {
            if fs::metadata(folder).is_ok_and(|found| !found.is_dir()) {
                let message = format!("`{}` is a file: a suite leaves one for each flow", harmless_path(folder));
                let help = format!("name a folder with `{}`", kind.option());
                return Err(Diagnostic::general(Code::CommandLine, message).help(help));
            }
        }
        Ok(Leaves { folders, origin: origin.clone(), failures: Arc::default() })
    }

    /// Returns the files that a flow leaves.
    pub(super) fn of<'a>(&'a self, flow: &'a Path) -> impl Iterator<Item = Leaf> + 'a {
        let leaf = |(kind, folder): &(Kind, PathBuf)| Leaf {
            title: kind.title(),
            path: place(folder, flow, kind.extension()),
            option: kind.option(),
        };
        self.folders.iter().map(leaf)
    }

    /// Begins to record a run of a flow, if recordings were asked for; that it cannot be is told when the flow is judged.
    pub(super) fn record(
        &self,
        flow: &Path,
        setup: &Setup,
        beginning: Beginning,
        ports: &[String],
    ) -> Option<Box<dyn Recorder>> {
        let path = self.place_of(Kind::Recording, flow)?;
        let inputs = setup.inputs(beginning, ports);
        let about = setup.about(&inputs, &self.origin);
        let begun = fs::create_dir_all(folder_of(&path)).and_then(|()| begin_recording(&path, setup, &inputs, &about));
        match begun {
            Ok(file) => Some(Box::new(Kept { file, failures: self.failures.clone() })),
            Err(error) => {
                fail(&self.failures, &path, &error);
                None
            }
        }
    }

    /// Writes the other files of a flow that is judged; returns what could not be written, and why.
    pub(super) fn keep(&self, case: &Judged) -> Vec<String> {
        let mut troubles = std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner));
        let Some(about) = case.report.about(Some(&self.origin)) else { return troubles };
        let flow = Path::new(&case.report.file);
        if let Some(path) = self.place_of(Kind::Transcript, flow) {
            let written = fs::create_dir_all(folder_of(&path))
                .and_then(|()| transcript(&case.events, &case.report.sources, &about))
                .and_then(|text| put(&path, text));
            troubles.extend(written.err().map(|error| trouble("transcript", &path, &error.to_string())));
        }
        if let Some(path) = self.place_of(Kind::Results, flow).filter(|_| !case.results.is_empty()) {
            let rows = about.addresses.iter().map(|address| ("port", address.clone())).chain(about.rows());
            let mut results = Results::new(&path, case.report.file.as_str()).about(rows);
            let written = fs::create_dir_all(folder_of(&path))
                .map_err(|error| error.to_string())
                .and_then(|()| results.keep(&case.results));
            troubles.extend(written.err().map(|why| trouble("file of results", &path, &why)));
        }
        troubles
    }

    fn place_of(&self, kind: Kind, flow: &Path) -> Option<PathBuf> {
        let (_, folder) = self.folders.iter().find(|(of, _)| *of == kind)?;
        Some(place(folder, flow, kind.extension()))
    }
}

/// Returns where the file of a flow is in a folder: as the flow is below the folder in which flowrun was started.
fn place(folder: &Path, flow: &Path, extension: &str) -> PathBuf {
    let below = flow.components().filter(|part| matches!(part, Component::Normal(_)));
    folder.join(below.collect::<PathBuf>()).with_extension(extension)
}

fn trouble(title: &str, path: &Path, why: &str) -> String {
    format!("the {title} `{}` cannot be written: {why}", harmless_path(path))
}

fn fail(failures: &Mutex<Vec<String>>, path: &Path, error: &io::Error) {
    failures.lock().unwrap_or_else(PoisonError::into_inner).push(trouble("recording", path, &error.to_string()));
}

/// A recording that is written while its flow runs.
struct Kept {
    file: RecordingFile,
    failures: Arc<Mutex<Vec<String>>>,
}

impl Recorder for Kept {
    fn tap(&mut self) -> &mut dyn Tap {
        self.file.tap()
    }

    fn end(self: Box<Self>, secrets: &[(Arc<str>, Vec<u8>)]) {
        let path = self.file.path().to_path_buf();
        if let Err(error) = self.file.finish(secrets) {
            fail(&self.failures, &path, &error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_flows_are_as_the_flows_are_and_in_no_other_folder() {
        let of = |flow: &str| place(Path::new("out"), Path::new(flow), "txt").to_string_lossy().replace('\\', "/");
        assert_eq!(of("flows/login.flow"), "out/flows/login.txt");
        assert_eq!(of("./a.b.flow"), "out/a.b.txt");
        assert_eq!(of("../other/x.flow"), "out/other/x.txt");
        assert_eq!(of("/tmp/x.flow"), "out/tmp/x.txt");
    }
}
