//! `flowrun pending`: which transcripts are put aside to be looked at.

use std::path::PathBuf;

use super::Ending;
use super::args::{ListFormat, PendingArguments};
use super::json::render_pending;
use super::terminal::Terminal;
use super::test::unreadable;
use crate::source::name_of;
use crate::suite::find::pending_in;
use crate::value::escape::harmless;

/// Lists them; that there are some is told by the exit code too.
pub(super) fn pending(arguments: &PendingArguments, terminal: &Terminal) -> Ending {
    let here = vec![PathBuf::from(".")];
    let paths = if arguments.paths.is_empty() { &here } else { &arguments.paths };
    let found = match pending_in(paths) {
        Ok(found) => found,
        Err((path, error)) => {
            terminal.refuse(unreadable(&path, &error));
            return Ending::Refused;
        }
    };
    match arguments.format {
        ListFormat::Json => terminal.say(&render_pending(&found)),
        ListFormat::Text => {
            for pending in &found {
                let what = if pending.is_change { "changed" } else { "new    " };
                terminal.say(&format!("{what}  {}\n", harmless(name_of(&pending.file))));
            }
        }
    }
    if found.is_empty() { Ending::Done } else { Ending::Found }
}
