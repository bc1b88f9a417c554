//! `Offer`: what may follow what was typed: commands that the libraries in use send, files after `:run` and the like.

use std::collections::BTreeSet;
use std::fs;

use crate::program::{Op, Program};
use crate::term::Completion;

/// So many files of a folder are looked at.
const MOST_FILES: usize = 2000;

/// Commands after which a file is named.
const TAKE_FILES: [&str; 4] = [":run ", ":send_file ", ":log ", ":record "];

/// Completes from what a program sends.
pub(super) struct Offer {
    commands: BTreeSet<String>,
}

impl Offer {
    /// Takes the texts that the procedures of a program send, where they are known without running it.
    pub(super) fn of(program: Option<&Program>) -> Offer {
        let texts = program.iter().flat_map(|program| &program.ops).filter_map(|op| {
            let Op::Send { text, .. } = op else { return None };
            let known = String::from_utf8_lossy(text.known_beginning()?).trim_end().to_string();
            (known.len() > 1 && !known.contains(char::is_control)).then_some(known)
        });
        Offer { commands: texts.collect() }
    }
}

impl Completion for Offer {
    fn complete(&self, line: &str) -> Vec<String> {
        if let Some(command) = TAKE_FILES.iter().find(|command| line.starts_with(*command)) {
            let typed = &line[command.len()..];
            return files(typed).into_iter().map(|file| format!("{command}{file}")).collect();
        }
        if line.is_empty() {
            return Vec::new();
        }
        let is_beginning = |text: &&String| {
            text.get(..line.len()).is_some_and(|start| start.eq_ignore_ascii_case(line)) && text.len() > line.len()
        };
        self.commands.iter().filter(is_beginning).cloned().collect()
    }
}

/// Returns the files and folders whose names begin as a path does.
fn files(typed: &str) -> Vec<String> {
    let (folder, start) =
        typed.rsplit_once('/').map_or(("", typed), |(_, start)| (&typed[..typed.len() - start.len()], start));
    let Ok(found) = fs::read_dir(if folder.is_empty() { "." } else { folder }) else { return Vec::new() };
    let named = found.flatten().take(MOST_FILES).filter_map(|entry| {
        let name = entry.file_name().to_str()?.to_string();
        let is_meant = name.starts_with(start) && (start.starts_with('.') || !name.starts_with('.'));
        let end = if entry.path().is_dir() { "/" } else { "" };
        is_meant.then(|| format!("{folder}{name}{end}"))
    });
    named.collect()
}
