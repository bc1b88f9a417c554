//! `flowrun man`: the manual pages, on standard output or into a folder.

use std::fs;

use super::Ending;
use super::args::{ManArguments, commands, page, pages};
use super::terminal::Terminal;
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::value::escape::{harmless, harmless_path};

/// Shows one page, or writes all of them.
pub(super) fn man(arguments: &ManArguments, terminal: &Terminal) -> Ending {
    if let Some(folder) = &arguments.write {
        let written = fs::create_dir_all(folder)
            .and_then(|()| pages().iter().try_for_each(|(name, text)| fs::write(folder.join(name), text)));
        return match written {
            Ok(()) => {
                terminal.hint(&format!("{} pages written to {}\n", pages().len(), harmless_path(folder)));
                Ending::Done
            }
            Err(error) => {
                let message = format!("the pages cannot be written to `{}`: {error}", harmless_path(folder));
                terminal.refuse(
                    Diagnostic::general(Code::CommandLine, message).help("name a folder that you may write to"),
                );
                Ending::Outside
            }
        };
    }
    match page(arguments.command.as_deref()) {
        Some(text) => {
            terminal.say(&text);
            Ending::Done
        }
        None => {
            let (name, commands) = (arguments.command.as_deref().unwrap_or_default(), commands());
            let near = nearest(name, commands.iter().map(String::as_str));
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            let problem = Diagnostic::general(Code::CommandLine, format!("there is no command `{}`", harmless(name)));
            terminal.refuse(problem.help(format!("{near}`flowrun -h` lists the commands")));
            Ending::Refused
        }
    }
}
