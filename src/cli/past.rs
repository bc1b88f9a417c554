//! Where the history of runs is, and what a run is called in it.

use std::fs;
use std::path::{Path, PathBuf};

use super::Ending;
use super::host::home;
use super::terminal::Terminal;
use crate::bench::{find, find_named};
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::history::{self, Counterpart, Run};
use crate::report::spark::PastTimes;
use crate::setup::{self, Pace, Setup};
use crate::source::name_of;
use crate::value::escape::harmless_path;

/// The folder of the history, as seen from the one that the history is for.
pub(super) const FOLDER: &str = ".flowrun/history";

/// Returns the folder that the runs of a flow are added to: the one that was typed, or the nearest that is there. If `--history`
/// was typed and there is none, it belongs beside `flowrun.toml`, or else where flowrun was started.
pub(super) fn folder(flow: &Path, typed: Option<&Option<PathBuf>>) -> Option<PathBuf> {
    match typed {
        Some(Some(typed)) => Some(typed.clone()),
        Some(None) => Some(nearest(folder_of(flow)).unwrap_or_else(|| {
            let bench = find(folder_of(flow), home().as_deref());
            let beside = bench.and_then(|file| file.parent().map(Path::to_path_buf));
            beside.unwrap_or_default().join(FOLDER)
        })),
        // What is started elsewhere, as a built-in flow is, does not belong to the history of this folder.
        None => nearest(folder_of(flow)).filter(|folder| below(folder, flow).is_some()),
    }
}

/// Returns the nearest folder of a history that is there: beside the flows in a folder or above, as `flowrun.toml` is found, or
/// so from where flowrun was started.
pub(super) fn nearest(folder: &Path) -> Option<PathBuf> {
    let from = |folder: &Path| find_named(FOLDER, folder, home().as_deref()).filter(|found| found.is_dir());
    let here = Path::new(".");
    from(folder).or_else(|| if folder == here { None } else { from(here) })
}

/// Returns what the record of a run says besides its events; makes the folder if it is not there.
///
/// # Errors
///
/// The folder cannot be made, and that has been told.
pub(super) fn run_in(folder: &Path, setup: &Setup, terminal: &Terminal) -> Result<Run, Ending> {
    let on = match (setup.counterpart(), setup.counterpart().pace()) {
        (_, Pace::Real) => Counterpart::Real,
        (setup::Counterpart::Recording(_), Pace::Virtual) => Counterpart::Replayed,
        (
            setup::Counterpart::Real(_) | setup::Counterpart::Device(_) | setup::Counterpart::Several(_),
            Pace::Virtual,
        ) => Counterpart::Simulated,
    };
    make(folder, terminal)?;
    Ok(Run { folder: folder.to_path_buf(), file: called(folder, setup.file()), on })
}

/// What the page of a run says of earlier ones: of which flow, at which ports.
#[derive(Clone, Debug)]
pub(super) struct Earlier {
    pub folder: PathBuf,
    /// What the flow is called in the history.
    pub file: String,
    pub ports: Vec<String>,
}

impl Earlier {
    /// Returns how long the device took; nothing if nobody knows. A history that cannot be read is no reason to have no page.
    pub(super) fn times(&self) -> Vec<PastTimes> {
        let past = history::read(&self.folder);
        past.map(|past| history::past_times(&past.records, &self.file, &self.ports)).unwrap_or_default()
    }
}

/// Makes the folder of the history if it is not there.
///
/// # Errors
///
/// It cannot be made, and that has been told.
pub(super) fn make(folder: &Path, terminal: &Terminal) -> Result<(), Ending> {
    fs::create_dir_all(folder).map_err(|error| {
        let message = format!("the folder `{}` of the history cannot be made: {error}", harmless_path(folder));
        let help = "name another one with `--history=DIR`";
        terminal.refuse(Diagnostic::general(Code::CommandLine, message).help(help));
        Ending::Refused
    })
}

/// Returns what played the other ends at these addresses, as the report of a suite calls them.
pub(super) fn on(addresses: &[String]) -> Counterpart {
    match () {
        () if addresses.iter().all(|address| address == "sim") => Counterpart::Simulated,
        () if addresses.iter().any(|address| address == "replay") => Counterpart::Replayed,
        () => Counterpart::Real,
    }
}

/// Returns what a flow is called in a history: its path from the folder that the history is for, wherever flowrun was started.
pub(super) fn called(folder: &Path, flow: &Path) -> String {
    below(folder, flow).unwrap_or_else(|| name_of(flow))
}

/// Returns the path of a flow from the folder that a history is for; `None` if it is not below that.
fn below(folder: &Path, flow: &Path) -> Option<String> {
    let n_above = if folder.ends_with(FOLDER) { 2 } else { 1 };
    let folder = fs::canonicalize(folder).ok()?;
    let flow = fs::canonicalize(flow).ok()?;
    flow.strip_prefix(folder.ancestors().nth(n_above)?).ok().map(name_of)
}

/// Returns what the history is called where it cannot be written.
pub(super) fn title(folder: &Path) -> String {
    format!("the history `{}`", harmless_path(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_played_the_other_ends_is_known_by_the_words_of_a_suite() {
        let of = |addresses: &[&str]| on(&addresses.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&["sim"]), Counterpart::Simulated);
        assert_eq!(of(&["replay"]), Counterpart::Replayed);
        assert_eq!(of(&["sim", "/dev/ttyUSB0"]), Counterpart::Real, "one real port makes the time real");
    }

    #[test]
    fn a_flow_has_its_path_from_the_folder_that_the_history_is_for() {
        let outer = tempfile::tempdir().expect("a folder can be made for tests");
        let (project, other) = (outer.path().join("project"), outer.path().join("other.flow"));
        let flow = project.join("flows/login.flow");
        fs::create_dir_all(project.join("flows")).expect("there is room");
        fs::create_dir_all(project.join(FOLDER)).expect("there is room");
        [&flow, &other].into_iter().for_each(|file| fs::write(file, "").expect("there is room"));
        assert_eq!(called(&project.join(FOLDER), &flow), "flows/login.flow");
        assert_eq!(called(&project.join("flows"), &flow), "flows/login.flow");
        assert_eq!(below(&project.join(FOLDER), &other), None, "it is not added without being asked for");
        assert_eq!(called(&project.join(FOLDER), &other), name_of(&other));
        assert_eq!(folder(&flow, Some(&Some(PathBuf::from("here")))), Some(PathBuf::from("here")));
        fs::create_dir(project.join(".git")).expect("there is room");
        let project = fs::canonicalize(&project).expect("it is there");
        assert_eq!(folder(&flow, None), Some(project.join(FOLDER)));
        assert_eq!(folder(&other, None), None);
    }
}
