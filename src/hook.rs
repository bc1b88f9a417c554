//! `Programs`: what the hooks of a flow are on this machine, as `flowrun.toml` says. `Runner`: runs them, without a shell.
//!
//! Nothing here asks whether a program may run: who makes [`Programs`] has made sure that the user has allowed the file.

mod process;

use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::nearest::nearest;
use crate::event::{HookCall, HookEnd, HookNews};
use crate::world::Hooks;
use process::Process;

/// The hooks of a bench.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// What messages call the file that names them.
    pub file: String,
    /// Its folder, in which they run.
    pub folder: PathBuf,
    /// Names, and the words of each: the program and its arguments, with `{0}` for what the statement gives first.
    pub programs: Vec<(String, Vec<String>)>,
}

impl Programs {
    /// Returns the words that a call has a program started with.
    fn words(&self, call: &HookCall) -> Result<Vec<Vec<u8>>, HookEnd> {
        let Some((_, words)) = self.programs.iter().find(|(name, _)| *name == call.name) else {
            let why = "has no program".to_string();
            let names = self.programs.iter().map(|(name, _)| name.as_str());
            let add =
                format!("name one in `{}`, below `[hooks]`: `{} = [\"PROGRAM\", \"{{0}}\"]`", self.file, call.name);
            let help = nearest(&call.name, names).map_or(add, |meant| format!("did you mean `{meant}`?"));
            return Err(HookEnd::Failed { why, help });
        };
        fill(words, &call.arguments).map_err(|why| {
            let help = format!("compare the statement with `[hooks] {}` in `{}`", call.name, self.file);
            HookEnd::Failed { why, help }
        })
    }
}

/// Puts arguments in the place of `{0}`, `{1}` …; after the last word if no word has such a place.
fn fill(words: &[String], arguments: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
    let mut is_used = vec![false; arguments.len()];
    let mut filled = Vec::with_capacity(words.len() + arguments.len());
    let mut has_places = false;
    for word in words {
        let mut whole = Vec::new();
        let mut rest = word.as_str();
        while let Some((before, place, behind)) = next_place(rest) {
            has_places = true;
            let argument = arguments.get(place).ok_or_else(|| format!("gets no value for its `{{{place}}}`"))?;
            is_used[place] = true;
            whole.extend_from_slice(before.as_bytes());
            whole.extend_from_slice(argument);
            rest = behind;
        }
        whole.extend_from_slice(rest.as_bytes());
        filled.push(whole);
    }
    if !has_places {
        filled.extend(arguments.iter().cloned());
    } else if let Some(unused) = is_used.iter().position(|is_used| !is_used) {
        return Err(format!("gets a value, but has no `{{{unused}}}` for it"));
    }
    Ok(filled)
}

/// Returns the first place for an argument in a word, what stands before it, and what follows.
fn next_place(word: &str) -> Option<(&str, usize, &str)> {
    word.match_indices('{').find_map(|(start, _)| {
        let (number, behind) = word[start + 1..].split_once('}')?;
        let is_number = !number.is_empty() && number.len() <= 3 && number.bytes().all(|byte| byte.is_ascii_digit());
        let place = is_number.then(|| number.parse().ok()).flatten()?;
        Some((&word[..start], place, behind))
    })
}

/// Returns whether the flow could say which program runs.
pub(crate) fn is_chosen_by_flow(program: &str) -> bool {
    next_place(program).is_some()
}

/// Runs hooks, one at a time.
#[derive(Debug)]
pub(crate) struct Runner {
    programs: Arc<Programs>,
    running: Running,
}

/// What a runner is at.
#[derive(Debug)]
enum Running {
    Nothing,
    /// A program.
    Process(Process),
    /// A hook that could not begin.
    Ended(HookEnd),
}

impl Runner {
    /// Makes a runner that runs nothing yet.
    pub(crate) fn new(programs: Arc<Programs>) -> Runner {
        Runner { programs, running: Running::Nothing }
    }
}

impl Hooks for Runner {
    fn begin(&mut self, call: HookCall) {
        let words = self.programs.words(&call);
        let process = words.and_then(|words| Process::start(&words, &self.programs.folder));
        self.running = match process {
            Ok(process) => Running::Process(process),
            Err(end) => Running::Ended(end),
        };
    }

    fn news(&mut self) -> Option<HookNews> {
        let news = match &mut self.running {
            Running::Nothing => return None,
            Running::Process(process) => process.news()?,
            Running::Ended(end) => HookNews::Ended(end.clone()),
        };
        if let HookNews::Ended(_) = news {
            self.running = Running::Nothing;
        }
        Some(news)
    }

    fn end(&mut self) {
        self.running = Running::Nothing;
    }
}

#[cfg(test)]
mod tests;
