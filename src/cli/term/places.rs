//! What can be known of the files of a session before its port opens: nothing that is there is overwritten.

use std::path::Path;

use super::super::args::TermArguments;
use crate::diagnostic::{Code, Diagnostic};
use crate::value::escape::harmless_path;

/// Makes sure that the files of a session can be written.
///
/// # Errors
///
/// One of them cannot be; why, and what to do.
pub(super) fn check(arguments: &TermArguments) -> Result<(), Diagnostic> {
    if let Some(recording) = arguments.record.as_deref().filter(|path| is_there(path)) {
        let help = "take another name, or move it away: nothing is overwritten";
        return Err(problem(format!("`{}` is there already", harmless_path(recording))).help(help));
    }
    Ok(())
}

/// Whether something has this name: a link that leads nowhere too.
pub(super) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn problem(message: String) -> Diagnostic {
    Diagnostic::general(Code::CommandLine, message)
}
