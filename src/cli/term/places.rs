//! What can be known of the files of a session before its port opens: nothing that is there is overwritten.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::super::args::TermArguments;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{Temporary, with_suffix};
use crate::transport::in_words;
use crate::value::escape::harmless_path;

/// Makes sure that the files of a session can be written.
///
/// # Errors
///
/// One of them cannot be; why, and what to do.
pub(super) fn check(arguments: &TermArguments) -> Result<(), Box<Diagnostic>> {
    if let Some(recording) = arguments.kept.record.as_deref().filter(|path| is_there(path)) {
        let help = "choose another name, or move it away: nothing is overwritten";
        return Err(problem(format!("`{}` is already there", harmless_path(recording)), help));
    }
    let part = arguments.kept.write.as_deref().map(part_of);
    if let Some((flow, part)) = arguments.kept.write.as_deref().zip(part.as_deref()).filter(|(_, part)| is_there(part))
    {
        let (flow, part) = (harmless_path(flow), harmless_path(part));
        let help = format!("`flowrun record --from {part} --write {flow}` makes its flow; move it away then");
        let message = format!("`{part}` is already there: it is the recording of a session that left no flow");
        return Err(problem(message, &help));
    }
    for recording in [&arguments.kept.record, &part].into_iter().flatten() {
        Temporary::attempt(recording).map_err(|error| unwritable(recording, &error))?;
    }
    match arguments.kept.log.as_deref().map(Path::new) {
        Some(log) if log.is_file() || log.is_dir() => {
            File::options().append(true).open(log).map(|_| ()).map_err(|error| unwritable(log, &error))
        }
        // A device, or a pipe that somebody is to read.
        Some(log) if log.exists() => Ok(()),
        Some(log) if log.as_os_str().is_empty() => {
            Temporary::attempt(Path::new("log")).map_err(|error| unwritable(Path::new("."), &error))
        }
        Some(log) => Temporary::attempt(log).map_err(|error| unwritable(log, &error)),
        None => Ok(()),
    }
}

/// Returns where the recording is until the flow is drafted.
pub(super) fn part_of(flow: &Path) -> PathBuf {
    with_suffix(flow, ".part")
}

/// Whether something has this name: a link that leads nowhere too.
pub(super) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn unwritable(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    let message = format!("`{}` cannot be written: {}", harmless_path(path), in_words(error));
    problem(message, "name a file in a folder that is there and that you can write to")
}

fn problem(message: String, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::general(Code::CommandLine, message).help(help))
}
