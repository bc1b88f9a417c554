//! `flowrun check`: files and what they use, read and checked; what is wrong goes to standard error.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::Ending;
use super::args::{CheckArguments, ListFormat};
use super::json::{Problem, Reviewed, problem_of, render_check};
use super::refusal::files;
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::disk::{Reach, below, folder_of};
use crate::load::load_file;
use crate::program::{Program, Role};
use crate::setup::devices_of;
use crate::source::{Site, Sources, name_of};
use crate::value::escape::harmless_path;

/// Checks every file, and for a flow the device that it names with `sim`.
pub(super) fn check(arguments: &CheckArguments, terminal: &Terminal) -> Ending {
    let files = match files(&arguments.files) {
        Ok(files) => files,
        Err(problem) => {
            match arguments.format {
                ListFormat::Text => terminal.refuse(*problem),
                ListFormat::Json => {
                    terminal.say(&render_check(&[], &[problem_of(&problem, &Sources::default(), None)]));
                }
            }
            return Ending::Refused;
        }
    };
    let data = (arguments.format == ListFormat::Json).then(Vec::new);
    let mut review = Review { terminal, n_errors: 0, n_warnings: 0, seen: HashMap::new(), data };
    let mut reviewed = Vec::new();
    for path in &files {
        reviewed.push(review.file(path));
    }
    if let Some(problems) = &review.data {
        terminal.say(&render_check(&reviewed, problems));
    }
    let is_denied = arguments.deny_warnings && review.n_warnings > 0;
    if is_denied && review.n_errors == 0 {
        terminal.warn("there are warnings, and `--deny-warnings` makes them errors");
    }
    if is_denied || review.n_errors > 0 { Ending::Refused } else { Ending::Done }
}

fn is_wrong(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|problem| problem.severity() == Severity::Error)
}

/// What has been checked so far.
struct Review<'a> {
    terminal: &'a Terminal,
    n_errors: usize,
    n_warnings: usize,
    /// What was found in each file.
    seen: HashMap<PathBuf, Found>,
    /// What was found, if it is wanted as data instead of as text.
    data: Option<Vec<Problem>>,
}

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Flow,
    Device,
    Library,
    Mistakes,
}

impl Found {
    /// Returns what the file says that it is, if it could be read.
    fn word(self) -> Option<&'static str> {
        match self {
            Found::Flow => Some("flow"),
            Found::Device => Some("device"),
            Found::Library => Some("library"),
            Found::Mistakes => None,
        }
    }
}

impl Review<'_> {
    fn file(&mut self, path: &Path) -> Reviewed {
        let (n_errors, n_warnings) = (self.n_errors, self.n_warnings);
        if let Some(program) = self.one(path, Reach::Anywhere) {
            for (site, device) in devices_of(path, &program).into_iter().flatten() {
                self.device(path, &program, site, device);
            }
        }
        let (n_errors, n_warnings) = (self.n_errors - n_errors, self.n_warnings - n_warnings);
        if n_errors == 0 && self.data.is_none() {
            let more = match n_warnings {
                0 => String::new(),
                1 => " (1 warning)".to_string(),
                n => format!(" ({n} warnings)"),
            };
            self.terminal.say(&format!("ok  {}{more}\n", harmless_path(path)));
        }
        let kind = self.seen.get(path).and_then(|found| found.word());
        Reviewed { file: name_of(path), kind, n_errors, n_warnings }
    }

    /// Checks a file by itself.
    fn one(&mut self, path: &Path, reach: Reach<'_>) -> Option<Program> {
        let checked = crate::check::check(load_file(path, reach));
        self.tell(path, &checked.problems, &checked.sources);
        let found = match checked.program.as_ref().map(|program| program.role) {
            Some(Role::Flow) => Found::Flow,
            Some(Role::Device) => Found::Device,
            None if is_wrong(&checked.problems) => Found::Mistakes,
            None => Found::Library,
        };
        self.seen.insert(path.to_path_buf(), found);
        checked.program
    }

    /// Checks a device that a flow names somewhere.
    fn device(&mut self, flow: &Path, program: &Program, site: Site, path: Result<PathBuf, Diagnostic>) {
        let path = match path {
            Ok(path) => path,
            Err(problem) => return self.tell(flow, &[problem], &program.sources),
        };
        let shown = name_of(&path);
        let missing = format!("there is no device file `{shown}`");
        let here = folder_of(flow);
        if let Err(error) = below(here, &path) {
            let message = if error.kind() == std::io::ErrorKind::NotFound {
                missing
            } else {
                format!("the device `{shown}` cannot be read: {error}")
            };
            return self.tell(flow, &[Diagnostic::new(Code::LoadUse, site, message, "named here")], &program.sources);
        }
        if !self.seen.contains_key(&path) {
            self.one(&path, Reach::Below(here));
        }
        let message = match self.seen.get(&path) {
            Some(Found::Device) => return,
            Some(Found::Flow) => format!("`{shown}` is a flow, not a device"),
            Some(Found::Library) => format!("`{shown}` is a library, not a device"),
            Some(Found::Mistakes) => format!("the device in `{shown}` has mistakes"),
            None => missing,
        };
        self.tell(flow, &[Diagnostic::new(Code::LoadUse, site, message, "named here")], &program.sources);
    }

    /// Shows problems, or keeps them as data; those without a place are of the file.
    fn tell(&mut self, file: &Path, problems: &[Diagnostic], sources: &Sources) {
        let n_errors = problems.iter().filter(|problem| problem.severity() == Severity::Error).count();
        self.n_errors += n_errors;
        self.n_warnings += problems.len() - n_errors;
        let Some(data) = &mut self.data else { return self.terminal.report(problems, sources) };
        for problem in problems {
            let problem = problem_of(problem, sources, Some(&name_of(file)));
            // A library that several flows use has its problems once.
            if !data.contains(&problem) {
                data.push(problem);
            }
        }
    }
}
