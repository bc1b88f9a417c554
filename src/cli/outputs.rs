//! The files that a run leaves: where they go, made before it begins, written while it goes on, finished when it is over.

mod received;
mod taps;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Ending;
use super::args::RunArguments;
use super::artifacts::{Artifacts, Fate, Held, Tenant};
use super::claims::{Claims, Output};
use super::defect::watch;
use super::past::{self, Earlier};
use super::terminal::Terminal;
use crate::address::{label_of, labelled};
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::engine::{Engine, Inputs};
use crate::event::Verdict;
use crate::history::{self, Keeping};
use crate::hook::{Programs, Runner};
use crate::origin::{About, Origin};
use crate::program::{Op, Program};
use crate::report::html::Html;
use crate::report::jsonl::JsonLines;
use crate::report::transcript::{Times, Transcript};
use crate::report::{Fan, SinkFailure};
use crate::results::Results;
use crate::secret::Redactor;
use crate::setup::Setup;
use crate::source::{Sources, name_of};
use crate::value::escape::{harmless_path, visible};
use crate::world::{Audience, Company, Hooks, Person};
pub(super) use received::part;
use received::{Kept, check_place};
use taps::Taps;
pub(super) use taps::begin_recording;

/// What the console is called among the sinks.
pub(super) const CONSOLE: &str = "what is shown here";

/// Where the files of a run go.
#[derive(Clone, Debug)]
pub(super) struct Places {
    results: PathBuf,
    transcript: Option<PathBuf>,
    events: Option<PathBuf>,
    recording: Option<PathBuf>,
    page: Option<PathBuf>,
    /// The variables of received files, and where these go.
    received: Vec<(String, PathBuf)>,
    /// What is kept of the run if it fails, and what its folder is called.
    artifacts: (Arc<Artifacts>, String),
    /// The folder that has a record of each run.
    history: Option<PathBuf>,
}

impl Places {
    /// Returns where they go that were asked for; results have a place anyway.
    pub(super) fn of(arguments: &RunArguments, flow: &Program) -> Places {
        let files = &arguments.files;
        let stem = label_of(&arguments.file.file_stem().unwrap_or_default().to_string_lossy());
        Places {
            results: files.save.clone().unwrap_or_else(|| default_place(&arguments.file)),
            transcript: files.transcript.clone(),
            events: files.events.clone(),
            recording: files.record.clone(),
            page: files.report.clone(),
            received: part(&arguments.variables, flow).1,
            artifacts: (Arc::new(Artifacts::read(files.artifacts.as_deref())), stem),
            history: past::folder(&arguments.file, files.history.as_ref()),
        }
    }

    /// Returns where they go for one of several ports.
    pub(super) fn labelled(&self, label: &str) -> Places {
        let of = |path: &Option<PathBuf>| path.as_deref().map(|path| labelled(path, label));
        Places {
            results: labelled(&self.results, label),
            transcript: of(&self.transcript),
            events: of(&self.events),
            recording: of(&self.recording),
            page: of(&self.page),
            received: self.received.iter().map(|(name, path)| (name.clone(), labelled(path, label))).collect(),
            artifacts: (self.artifacts.0.clone(), format!("{}.{label}", self.artifacts.1)),
            history: self.history.clone(),
        }
    }

    /// Returns what keeps the results of a flow.
    ///
    /// # Errors
    ///
    /// The flow saves something, and it could not be written.
    pub(super) fn results(&self, file: &Path, flow: &Program) -> Result<Results, Diagnostic> {
        let results = Results::new(&self.results, name_of(file));
        if saves(flow) {
            results.check_place().map_err(|why| {
                let help = "name another file with `--save FILE`";
                Diagnostic::general(Code::CommandLine, format!("results cannot be saved: {why}")).help(help)
            })?;
        }
        Ok(results)
    }

    /// Returns what is wrong with the places of the files, as far as that can be seen without making them.
    pub(super) fn check(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for (kind, path) in self.asked_for() {
            let folder = folder_of(path);
            let why = match fs::metadata(folder) {
                Ok(found) if found.is_dir() => continue,
                Ok(_) => format!("`{}` is not a folder", harmless_path(folder)),
                Err(error) => format!("the folder `{}` cannot be used: {error}", harmless_path(folder)),
            };
            problems.push(kind.unwritable(path, &why));
        }
        problems.extend(self.artifacts.0.check());
        for (name, path) in &self.received {
            problems.extend(check_place(path).err().map(|why| unkeepable(name, path, &why)));
        }
        problems
    }

    /// Whether a file is there that a run of a flow would write.
    pub(super) fn are_taken(&self, flow: &Program) -> bool {
        let results = saves(flow).then_some(&self.results);
        let received = self.received.iter().map(|(_, path)| path);
        let mut all = results.into_iter().chain(self.asked_for().map(|(_, path)| path)).chain(received);
        all.any(|path| fs::symlink_metadata(path).is_ok_and(|found| !found.is_dir()))
    }

    /// Returns the files that are written during the run.
    fn asked_for(&self) -> impl Iterator<Item = (Kind, &PathBuf)> {
        let all = [
            (Kind::Transcript, &self.transcript),
            (Kind::Events, &self.events),
            (Kind::Recording, &self.recording),
            (Kind::Page, &self.page),
        ];
        all.into_iter().filter_map(|(kind, path)| Some((kind, path.as_ref()?)))
    }

    /// Says whether a run of a flow leaves any file.
    fn has_any(&self, flow: &Program) -> bool {
        self.asked_for().next().is_some() || self.history.is_some() || saves(flow)
    }

    /// Takes note of the files that a run of a flow writes; returns what is wrong with each.
    pub(super) fn claim(&self, flow: &Program, claims: &mut Claims) -> Vec<Diagnostic> {
        let results = saves(flow).then_some(&self.results);
        let all = results.map(|path| (Kind::Results, path)).into_iter().chain(self.asked_for());
        let mut problems: Vec<Diagnostic> = all
            .filter_map(|(kind, path)| {
                claims.writes(&Output { title: kind.title(), path, option: kind.option() }).err()
            })
            .collect();
        for (name, path) in &self.received {
            let (title, option) = (format!("received file of `{name}`"), format!("--file {name}=PATH"));
            problems.extend(claims.writes(&Output { title: &title, path, option: &option }).err());
        }
        problems
    }
}

fn unkeepable(name: &str, path: &Path, why: &str) -> Diagnostic {
    let message = format!("the received file of `{name}` cannot be written to `{}`: {why}", harmless_path(path));
    Diagnostic::general(Code::CommandLine, message).help(format!("name another file with `--file {name}=PATH`"))
}

fn saves(flow: &Program) -> bool {
    flow.ops.iter().any(|op| matches!(op, Op::Save(_)))
}

/// The files of a run, made.
pub(super) struct Outputs {
    kept: Kept,
    transcript: Option<(PathBuf, File)>,
    events: Option<(PathBuf, File)>,
    taps: Taps,
    /// What the record of the run says besides its events.
    history: Option<history::Run>,
    page: Option<(PathBuf, File)>,
    /// What makes the run traceable.
    about: About,
    /// Runs the hooks of the run, if it has any.
    hooks: Option<Runner>,
    /// The earlier runs that the page shows.
    earlier: Option<Earlier>,
    /// What keeps the run if it fails.
    tenant: Option<Tenant>,
}

/// Whether a run is the only one, for what its files are called and how they are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Share<'a> {
    /// It is; what happened is in the transcript, however the process ends.
    All,
    /// It is one of several.
    Part {
        /// Its port.
        port: &'a str,
        /// How much of the transcript is gathered before it is written.
        gathered: usize,
    },
}

/// Whether everything was written that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Everything,
    /// Something is missing, and that has been told.
    NotEverything,
}

impl Written {
    /// Returns how a command ends whose runs came to this.
    pub(super) fn ending(self, verdict: Verdict) -> Ending {
        match self {
            Written::NotEverything if verdict.is_success() => Ending::Unwritten,
            Written::Everything | Written::NotEverything => Ending::Ran(verdict),
        }
    }

    /// Returns whether everything of both was written.
    pub(super) fn and(self, other: Written) -> Written {
        match (self, other) {
            (Written::Everything, Written::Everything) => Written::Everything,
            (Written::NotEverything, _) | (_, Written::NotEverything) => Written::NotEverything,
        }
    }
}

impl Outputs {
    /// Makes the files, and empties those that are there: last, when everything else is known to be right.
    ///
    /// # Errors
    ///
    /// One cannot be made, and that has been told.
    pub(super) fn create(
        places: &Places,
        results: Results,
        (setup, inputs): (&Setup, &Inputs),
        origin: &Origin,
        terminal: &Terminal,
    ) -> Result<Outputs, Ending> {
        let about = places.has_any(setup.flow()).then(|| setup.about(inputs, origin));
        let about = about.unwrap_or_default();
        let file = |kind: Kind, path: &Option<PathBuf>| {
            let made = path.as_deref().map(|path| create(kind, path, terminal, |path| File::create(path)));
            Ok(path.clone().zip(made.transpose()?))
        };
        let begin = |path: &Path| begin_recording(path, setup, inputs, &about);
        let recording = |path: &PathBuf| create(Kind::Recording, path, terminal, begin);
        let tenant = tenant(places, (setup, inputs), origin);
        let saved = tenant.as_ref().map(|_| Vec::new());
        let addresses = about.addresses.iter().map(|address| ("port", address.clone()));
        let earlier = places.history.as_ref().map(|folder| Earlier {
            folder: folder.clone(),
            file: past::called(folder, setup.file()),
            ports: about.addresses.clone(),
        });
        Ok(Outputs {
            kept: Kept { results: results.about(addresses.chain(about.rows())), files: places.received.clone(), saved },
            transcript: file(Kind::Transcript, &places.transcript)?,
            events: file(Kind::Events, &places.events)?,
            taps: Taps::new(places.recording.as_ref().map(recording).transpose()?, tenant.is_some()),
            history: places.history.as_deref().map(|folder| past::run_in(folder, setup, terminal)).transpose()?,
            page: file(Kind::Page, &places.page)?,
            about,
            hooks: None,
            earlier,
            tenant,
        })
    }

    /// Has the hooks of the run be these programs.
    pub(super) fn with_hooks(self, programs: Option<Arc<Programs>>) -> Outputs {
        Outputs { hooks: programs.map(Runner::new), ..self }
    }

    /// Adds what writes the transcript, the events and the page to the sinks of a run.
    pub(super) fn add_sinks<'a>(&mut self, fan: &mut Fan<'a>, sources: &'a Sources, share: Share<'_>) {
        let name = |kind: Kind, path: &Path| match share {
            Share::All => format!("the {} `{}`", kind.title(), name_of(path)),
            Share::Part { port, .. } => format!("the {} of {port}", kind.title()),
        };
        if let Some((path, file)) = self.transcript.take() {
            let transcript = Transcript::new(file, sources, Times::Shown).about(&self.about);
            let transcript = match share {
                Share::All => transcript,
                Share::Part { gathered, .. } => transcript.gathering(gathered),
            };
            fan.add(name(Kind::Transcript, &path), transcript);
        }
        if let Some((path, file)) = self.events.take() {
            fan.add(name(Kind::Events, &path), JsonLines::new(file, sources).about(&self.about));
        }
        if let Some((path, file)) = self.page.take() {
            let page = Html::new(file, sources).about(&self.about);
            let earlier = self.earlier.clone();
            fan.add(name(Kind::Page, &path), page.past(move || earlier.map(|runs| runs.times()).unwrap_or_default()));
        }
        if let Some(tenant) = &self.tenant {
            fan.keep(tenant.held.clone());
            watch(tenant.held.weak());
        }
        if let Some(run) = self.history.take() {
            fan.add(past::title(&run.folder), Keeping::new(run, &self.about, sources));
        }
    }

    /// Returns the company of the run.
    pub(super) fn company<'a>(&'a mut self, audience: &'a mut dyn Audience, person: &'a mut dyn Person) -> Company<'a> {
        let tap = self.taps.tap();
        let hooks = self.hooks.as_mut().map(|runner| runner as &mut dyn Hooks);
        Company { keeper: &mut self.kept, audience, person, tap, hooks }
    }

    /// Writes the rest when the run is over, says where results are, and tells what could not be written.
    pub(super) fn finish(self, fan: Fan<'_>, engine: &Engine, sources: &Sources, terminal: &Terminal) -> Written {
        let written = self.close(fan, engine, sources).told(terminal);
        if let Some(failure) = engine.failure() {
            terminal.mark_failure(failure, sources);
        }
        written
    }

    /// Writes the rest when the run is over.
    pub(super) fn close(self, fan: Fan<'_>, engine: &Engine, sources: &Sources) -> Closed {
        let mut failures = fan.finish();
        let (failure, held) = self.taps.finish(engine);
        failures.extend(failure);
        let saved = self.kept.saved.unwrap_or_default();
        let earlier = self.earlier;
        let kept = self.tenant.map(|tenant| {
            let record = |header| held?.into_text(header, engine.secrets()).ok();
            tenant.keep((sources, earlier.as_ref()), &saved, record, |value| shown(value, engine))
        });
        Closed { kept: kept_in(&self.kept.results), failures, artifacts: kept }
    }
}

/// The files of a run that is over.
#[derive(Debug)]
pub(super) struct Closed {
    /// Where results are.
    kept: String,
    failures: Vec<SinkFailure>,
    /// What became of the artifacts, if there were to be some.
    artifacts: Option<(Fate, Arc<Artifacts>)>,
}

impl Closed {
    /// Says where results are, and tells what could not be written.
    pub(super) fn told(&self, terminal: &Terminal) -> Written {
        terminal.say(&self.kept);
        let written = tell_failures(&self.failures, terminal);
        let Some((keeping, artifacts)) = &self.artifacts else { return written };
        written.and(tell_kept(keeping, artifacts, terminal))
    }
}

/// Says where the artifacts of a run are, or why there are none.
pub(super) fn tell_kept(keeping: &Fate, artifacts: &Artifacts, terminal: &Terminal) -> Written {
    terminal.say(&keeping.line());
    match keeping {
        Fate::Unwanted | Fate::In(_) | Fate::Full => Written::Everything,
        Fate::Failed(why) => {
            terminal.warn(why);
            if artifacts.are_asked_for() { Written::NotEverything } else { Written::Everything }
        }
    }
}

/// Tells which sinks have failed; what could not be shown counts for the whole command.
pub(super) fn tell_failures(failures: &[SinkFailure], terminal: &Terminal) -> Written {
    let (shown, files): (Vec<_>, Vec<_>) = failures.iter().partition(|failure| failure.sink == CONSOLE);
    shown.iter().for_each(|failure| terminal.lose(&failure.error));
    files.iter().for_each(|failure| terminal.warn(&failure.to_string()));
    if files.is_empty() { Written::Everything } else { Written::NotEverything }
}

/// A file that a run leaves.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Results,
    Transcript,
    Events,
    Recording,
    Page,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Kind::Results => "file of results",
            Kind::Transcript => "transcript",
            Kind::Events => "events",
            Kind::Recording => "recording",
            Kind::Page => "page",
        }
    }

    fn option(self) -> &'static str {
        match self {
            Kind::Results => "--save FILE",
            Kind::Transcript => "--transcript FILE",
            Kind::Events => "--events FILE",
            Kind::Recording => "--record FILE",
            Kind::Page => "--report html=FILE",
        }
    }

    fn unwritable(self, path: &Path, why: &str) -> Diagnostic {
        let message = format!("the {} `{}` cannot be written: {why}", self.title(), harmless_path(path));
        Diagnostic::general(Code::CommandLine, message).help(format!("name another file with `{}`", self.option()))
    }
}

/// Returns what keeps a run if it fails; `None` if nobody wants that.
fn tenant(places: &Places, (setup, inputs): (&Setup, &Inputs), origin: &Origin) -> Option<Tenant> {
    let (artifacts, label) = &places.artifacts;
    if !artifacts.are_wanted() {
        return None;
    }
    let addresses: Vec<String> = inputs.ports.iter().map(|port| port.address.clone()).collect();
    let (setup, inputs, origin) = (setup.clone(), inputs.clone(), origin.clone());
    let about = Box::new(move || {
        let about = setup.about_at(addresses, inputs.seed, &origin);
        let header = setup.recording_header(&inputs, &about);
        (about, header, setup.has_secrets())
    });
    Some(Tenant { artifacts: artifacts.clone(), label: label.clone(), held: Held::default(), about })
}

/// Returns a value as people read it, with the secrets of a run named.
fn shown(value: &[u8], engine: &Engine) -> String {
    let mut redactor = Redactor::default();
    engine.secrets().iter().for_each(|(name, secret)| redactor.learn(name, secret));
    let value = redactor.clean(value);
    String::from_utf8(value).unwrap_or_else(|error| visible(error.as_bytes()))
}

fn create<T>(
    kind: Kind,
    path: &Path,
    terminal: &Terminal,
    create: impl FnOnce(&Path) -> io::Result<T>,
) -> Result<T, Ending> {
    create(path).map_err(|error| {
        terminal.refuse(kind.unwritable(path, &error.to_string()));
        Ending::Refused
    })
}

/// Returns a line that says where results are; nothing if there are none.
fn kept_in(results: &Results) -> String {
    let (path, names) = results.kept();
    let names: Vec<&str> = names.collect();
    if names.is_empty() { String::new() } else { format!("{} saved in {}\n", names.join(", "), harmless_path(path)) }
}

fn default_place(flow: &Path) -> PathBuf {
    let mut name = flow.file_stem().unwrap_or_default().to_os_string();
    name.push(".saved.toml");
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_saved_beside_no_flow_but_here() {
        assert_eq!(default_place(Path::new("flows/a.b.flow")), PathBuf::from("a.b.saved.toml"));
    }
}
