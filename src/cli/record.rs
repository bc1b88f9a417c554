//! `flowrun record`: a flow and its device, drafted from recordings.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Ending;
use super::args::RecordArguments;
use super::refusal::refuse;
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::draft::{Draft, Sought, Wish, device_file_name, draft};
use crate::record::Recording;
use crate::report::progress::render_case;
use crate::report::transcript::Times;
use crate::setup::read_recording;
use crate::suite::runner::{Onlooker, Runner};
use crate::suite::snapshot::Snapshot;
use crate::suite::volatile::Volatile;
use crate::suite::{Flaky, Judged, Mode, Rules};
use crate::transport::in_words;
use crate::value::escape::{harmless, harmless_path};

/// Drafts a flow.
pub(super) fn record(arguments: &RecordArguments, terminal: &Terminal) -> Ending {
    drafted(arguments, terminal).unwrap_or_else(|ending| ending)
}

/// Makes sure that a draft can be written to a file, before there is anything to draft.
///
/// # Errors
///
/// A file is already there, or the name is no name for a flow, and that has been told.
pub(super) fn check_places(flow: &Path, terminal: &Terminal) -> Result<(), Ending> {
    places(flow, None).map(|_| ()).map_err(|problem| {
        terminal.refuse(*problem);
        Ending::Refused
    })
}

/// Where the parts of a draft are written.
struct Places {
    flow: PathBuf,
    devices: Vec<PathBuf>,
    snapshot: Snapshot,
}

impl Places {
    fn all(&self) -> impl Iterator<Item = &Path> {
        let devices = self.devices.iter().map(PathBuf::as_path);
        [&*self.flow].into_iter().chain(devices).chain([self.snapshot.path()])
    }
}

fn drafted(arguments: &RecordArguments, terminal: &Terminal) -> Result<Ending, Ending> {
    let wrong = |problem: Diagnostic| {
        terminal.refuse(problem);
        Ending::Refused
    };
    if let Some(flow) = &arguments.write {
        check_places(flow, terminal)?;
    }
    let secrets = sought_in(&arguments.secrets).map_err(|problem| wrong(*problem))?;
    let mut recordings: Vec<Recording> = Vec::new();
    for path in &arguments.from {
        recordings.push(read_recording(path).map_err(|error| refuse(error, terminal))?);
    }
    let first = arguments.from.first().map(PathBuf::as_path).unwrap_or(Path::new("new"));
    let made = draft_of(
        &recordings,
        arguments.write.as_deref().unwrap_or(first),
        arguments.title.as_deref(),
        &secrets,
        terminal,
    )?;
    match &arguments.write {
        Some(flow) => {
            let places = places(flow, Some(&made)).map_err(|problem| wrong(*problem))?;
            Ok(keep(&places, &made, terminal))
        }
        None => {
            terminal.say(&made.flow);
            tell(&made, terminal);
            Ok(Ending::Done)
        }
    }
}

/// Drafts a flow that is to stand in this file.
fn draft_of(
    recordings: &[Recording],
    flow: &Path,
    title: Option<&str>,
    secrets: &[Sought],
    terminal: &Terminal,
) -> Result<Draft, Ending> {
    let stem = harmless(flow.file_stem().unwrap_or_default().to_string_lossy().as_bytes());
    draft(recordings, &Wish { title, stem: &stem, secrets }).map_err(|why| {
        let help = "record a session: `flowrun term PORT --record FILE`, or `flowrun FLOW --port PORT --record FILE`";
        terminal.refuse(Diagnostic::general(Code::CommandLine, why).help(help));
        Ending::Refused
    })
}

/// Writes a draft, runs it against its device, and keeps the transcript as its snapshot.
fn keep(places: &Places, made: &Draft, terminal: &Terminal) -> Ending {
    if let Err((path, error)) = write(places, made) {
        let message = format!("`{}` cannot be written: {}", harmless_path(path), in_words(&error));
        terminal.refuse(Diagnostic::general(Code::CommandLine, message));
        return Ending::Outside;
    }
    tell(made, terminal);
    try_out(places, terminal)
}

fn tell(made: &Draft, terminal: &Terminal) {
    for note in &made.notes {
        terminal.warn(&harmless(note));
    }
}

/// Returns where everything is written, as far as it is known what there is; nothing that is there is overwritten.
fn places(flow: &Path, made: Option<&Draft>) -> Result<Places, Box<Diagnostic>> {
    let problem = |message: String, help: &str| Box::new(Diagnostic::general(Code::CommandLine, message).help(help));
    if flow.extension().is_none_or(|extension| extension != "flow") || flow.file_stem().is_none() {
        let message = format!("`{}` cannot be the name of a flow", harmless_path(flow));
        return Err(problem(message, "write a name that ends with `.flow`: `--write new.flow`"));
    }
    let stem = flow.file_stem().unwrap_or_default().to_string_lossy();
    let files = match made {
        Some(made) => made.devices.iter().map(|device| device.file.clone()).collect(),
        None => vec![device_file_name(&stem, None)],
    };
    let places = Places {
        flow: flow.to_path_buf(),
        devices: files.iter().map(|file| flow.with_file_name(file)).collect(),
        snapshot: Snapshot::of(flow, Times::Shown),
    };
    let there = places.all().find(|path| path.symlink_metadata().is_ok()).map(Path::to_path_buf);
    match there {
        Some(path) => {
            let message = format!("`{}` is already there", harmless_path(&path));
            Err(problem(message, "choose another name, or move it away: nothing is overwritten"))
        }
        None => Ok(places),
    }
}

/// Reads what a person says is secret.
///
/// # Errors
///
/// One of the regexes is wrong.
pub(super) fn sought_in(secrets: &[String]) -> Result<Vec<Sought>, Box<Diagnostic>> {
    secrets.iter().map(|regex| sought(regex)).collect()
}

fn sought(regex: &str) -> Result<Sought, Box<Diagnostic>> {
    Sought::read(regex).map_err(|why| {
        let message = format!("`--secret {}` cannot be looked for: {}", harmless(regex), harmless(why));
        let help = "write a regex that finds the secret in a line, or has a group around it: `KEY=(?<key>.*)`";
        Box::new(Diagnostic::general(Code::CommandLine, message).help(help))
    })
}

fn write<'a>(places: &'a Places, made: &Draft) -> Result<(), (&'a Path, io::Error)> {
    let devices = places.devices.iter().zip(&made.devices).map(|(path, device)| (path, &device.text));
    for (path, text) in devices.chain([(&places.flow, &made.flow)]) {
        let file = File::options().write(true).create_new(true).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| (path.as_path(), error))?;
    }
    Ok(())
}

/// Runs the flow against its device; the first transcript is its snapshot.
fn try_out(places: &Places, terminal: &Terminal) -> Ending {
    let rules = Rules {
        times: Times::Shown,
        volatile: Volatile::default(),
        flaky: Flaky::Passes,
        mode: Mode::Accept,
        n_runs: Some(1),
        seed: 1,
        look: terminal.look(),
        keeps_recordings: false,
    };
    let mut result = TriedOut { terminal, text: String::new(), is_failure: true, trouble: None };
    Runner::new(vec![places.flow.clone()], rules).run(&mut result);
    for path in places.all() {
        if path.exists() {
            terminal.say(&format!("wrote {}\n", harmless_path(path)));
        }
    }
    terminal.say(&result.text);
    if let Some(trouble) = &result.trouble {
        terminal.warn(trouble);
        return Ending::Unwritten;
    }
    if result.is_failure { Ending::Found } else { Ending::Done }
}

/// How the flow ended against its device.
struct TriedOut<'a> {
    terminal: &'a Terminal,
    text: String,
    is_failure: bool,
    trouble: Option<String>,
}

impl Onlooker for TriedOut<'_> {
    fn judged(&mut self, case: &mut Judged) {
        self.is_failure = case.report.is_failure;
        self.text = render_case(&case.report, self.terminal.look(), self.terminal.language());
        self.trouble = case.trouble.take();
    }
}
