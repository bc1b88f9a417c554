//! `flowrun show`: a page of HTML of the runs whose events were kept.

use std::fs;
use std::path::PathBuf;

use super::Ending;
use super::args::ShowArguments;
use super::claims::{Claims, Output};
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{LARGEST_RECORDING, Reach, read_file};
use crate::report::html::{render_html, render_run};
use crate::report::jsonl::{self, Recorded};
use crate::report::suite::SuiteReport;
use crate::value::escape::{harmless, harmless_path};

/// Writes the page.
pub(super) fn show(arguments: &ShowArguments, terminal: &Terminal) -> Ending {
    let place = arguments.output.clone().unwrap_or_else(|| default_place(arguments));
    let runs = match read(arguments).and_then(|runs| claim(arguments, &place).map(|()| runs)) {
        Ok(runs) => runs,
        Err(problem) => {
            terminal.refuse(problem);
            return Ending::Refused;
        }
    };
    let page = match runs.as_slice() {
        [run] => render_run(&run.events, &run.sources, &run.about),
        runs => {
            let runs = runs.iter().map(|run| (run.events.as_slice(), &run.sources, run.about.as_slice()));
            render_html(&SuiteReport::of_runs(runs))
        }
    };
    match fs::write(&place, page) {
        Ok(()) => {
            terminal.say(&format!("{} written\n", harmless_path(&place)));
            Ending::Done
        }
        Err(error) => {
            terminal.warn(&format!("the page `{}` cannot be written: {error}", harmless_path(&place)));
            Ending::Unwritten
        }
    }
}

fn read(arguments: &ShowArguments) -> Result<Vec<Recorded>, Diagnostic> {
    let problem = |why: String| {
        let message = format!("`{}` cannot be shown: {why}", harmless_path(&arguments.file));
        Diagnostic::general(Code::CommandLine, message)
            .help("name a file that a run or a suite wrote with `--events FILE`")
    };
    let bytes =
        read_file(&arguments.file, Reach::Anywhere, LARGEST_RECORDING).map_err(|error| problem(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| problem("it is not UTF-8".to_string()))?;
    let mut runs = jsonl::read(&text).map_err(|why| problem(harmless(why)))?;
    // A run that was stopped before its first event has nothing to show.
    runs.retain(|run| !run.events.is_empty());
    if runs.is_empty() { Err(problem("there is no run in it".to_string())) } else { Ok(runs) }
}

/// Makes sure that the page is not written over the events.
fn claim(arguments: &ShowArguments, place: &PathBuf) -> Result<(), Diagnostic> {
    let mut claims = Claims::default();
    claims.reads("the file of events itself", &arguments.file);
    claims.writes(&Output { title: "page", path: place, option: "--output FILE" })
}

fn default_place(arguments: &ShowArguments) -> PathBuf {
    let mut name = arguments.file.file_stem().unwrap_or_default().to_os_string();
    name.push(".html");
    PathBuf::from(name)
}
