//! Where the history of runs is, and what a run is called in it.

use std::fs;
use std::path::{Path, PathBuf};

use super::Ending;
use super::host::home;
use super::terminal::Terminal;
use crate::bench::{find, find_named};
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::history::{Counterpart, Run};
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
    from(folder).or_else(|| from(Path::new(".")))
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
