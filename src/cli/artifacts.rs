//! `--artifacts`: what is kept of runs that failed, in one folder, bounded in number and size.
//!
//! Each command that keeps something makes a folder `DATE` in `flowrun-results`, with a folder for each run that it keeps.
//! Nothing is made before a run has failed. What happened is held in memory until then, so a run that passes writes nothing.

mod held;
mod room;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{env, fs, io};

use super::past::Earlier;
use crate::address::label_of;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{Temporary, folder_of, put_private};
use crate::event::{Event, EventKind, Verdict};
use crate::origin::{About, Origin};
use crate::record::Recording;
use crate::report::Sink;
use crate::report::gathered::Gathered;
use crate::report::html::{render_gathered, rows_of};
use crate::report::jsonl::render_traceable;
use crate::report::transcript::{Times, Transcript};
use crate::source::Sources;
use crate::suite::Judged;
use crate::value::Value;
use crate::value::escape::{harmless, harmless_path};
use crate::value::json::to_json;
pub(super) use held::{Held, HeldEvents};
use room::{date_of, make_folder, make_room};

/// The folder that is used if no other is named, here.
const DEFAULT_FOLDER: &str = "flowrun-results";
/// What has Git pass over the folder.
const IGNORED: &str = ".gitignore";
/// What stands for `--artifacts` where it was not given.
const VARIABLE: &str = "FLOWRUN_ARTIFACTS";
/// So many runs of a command are kept.
const MOST_RUNS: usize = 100;
/// So much is kept of a command, in bytes: the run with which it is more is the last.
const MOST_OF_COMMAND: u64 = 256 << 20;

/// Of which runs something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Failed,
    All,
    None,
}

/// What is kept of the runs of one command, and where.
#[derive(Debug)]
pub(super) struct Artifacts {
    which: Which,
    folder: PathBuf,
    /// Whether somebody asked for it: then it counts if it cannot be kept.
    is_asked_for: bool,
    state: Mutex<State>,
}

/// What a command has kept until now.
#[derive(Debug, Default)]
struct State {
    /// The folder of this command, once it is made.
    made: Option<PathBuf>,
    n_runs: usize,
    size: u64,
}

/// What there is of a run that is over.
pub(super) struct Over<'a> {
    pub events: &'a [Event],
    pub sources: &'a Sources,
    pub about: &'a About,
    /// What it saved; secrets are named.
    pub saved: &'a [(String, String)],
    pub recording: Option<Recorded>,
    /// The earlier runs that the page shows.
    pub earlier: Option<&'a Earlier>,
}

/// The recording of a run that is over; secrets are named.
pub(super) struct Recorded {
    pub text: Vec<u8>,
    /// Whether the run has secrets: then nobody else can read the recording, as with `--record`.
    pub is_private: bool,
}

/// What became of the artifacts of a run.
#[derive(Debug)]
pub(super) enum Fate {
    /// There are none, for nobody wants them.
    Unwanted,
    /// They are in this folder.
    In(PathBuf),
    /// The command has kept as much as it may.
    Full,
    /// They could not be written; why, in words for the user.
    Failed(String),
}

/// Returns the folder that runs leave something in if no option names one.
pub(super) fn default_folder() -> Option<PathBuf> {
    let given = env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    let Artifacts { which, folder, .. } = Artifacts::of(given.as_deref());
    (which != Which::None).then_some(folder)
}

impl Artifacts {
    /// Reads what was given: `never`, `always`, a folder, or `always=FOLDER`; without an option the environment counts.
    pub(super) fn read(option: Option<&str>) -> Artifacts {
        let from_environment = || env::var(VARIABLE).ok().filter(|text| !text.is_empty());
        let given = option.map(str::to_string).or_else(from_environment);
        Artifacts::of(given.as_deref())
    }

    fn of(given: Option<&str>) -> Artifacts {
        let default = Path::new(DEFAULT_FOLDER);
        let (which, folder) = match given {
            None => (Which::Failed, default),
            Some("never") => (Which::None, default),
            Some("always") => (Which::All, default),
            Some(text) => match text.strip_prefix("always=") {
                Some(folder) => (Which::All, Path::new(folder)),
                None => (Which::Failed, Path::new(text)),
            },
        };
        let is_asked_for = given.is_some();
        Artifacts { which, folder: folder.to_path_buf(), is_asked_for, state: Mutex::default() }
    }

    /// Says whether what happens has to be held.
    pub(super) fn are_wanted(&self) -> bool {
        self.which != Which::None
    }

    /// Returns what is wrong with the folder that was asked for, as far as that can be seen before anything is kept.
    pub(super) fn check(&self) -> Option<Diagnostic> {
        if !self.is_asked_for || !self.are_wanted() {
            return None;
        }
        let why = match fs::metadata(&self.folder) {
            Ok(found) if !found.is_dir() => "it is not a folder".to_string(),
            Ok(_) => self.own_folder().and_then(|()| Temporary::attempt(&self.folder.join(IGNORED))).err()?.to_string(),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.folder.as_os_str().is_empty() => {
                // It is made when something is kept: in the nearest folder that is there.
                let above = self.folder.ancestors().skip(1).map(|above| folder_of(&above.join(IGNORED)).to_path_buf());
                let above = above.into_iter().find(|above| above.exists())?;
                Temporary::attempt(&above.join(IGNORED)).err()?.to_string()
            }
            Err(error) => error.to_string(),
        };
        let message = format!("results of runs cannot be kept in `{}`: {why}", harmless_path(&self.folder));
        Some(Diagnostic::general(Code::CommandLine, message).help("name another folder with `--artifacts DIR`"))
    }

    /// Keeps what there is of a run, if it is one of those that are kept; `label` is what its folder is called.
    pub(super) fn keep(&self, label: &str, is_failure: bool, over: &Over<'_>) -> Fate {
        let is_wanted = match self.which {
            Which::Failed => is_failure,
            Which::All => true,
            Which::None => false,
        };
        // A port that never was open has left nothing.
        if !is_wanted || !over.events.iter().any(|event| matches!(event.kind, EventKind::Opened)) {
            return Fate::Unwanted;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.n_runs >= MOST_RUNS || state.size >= MOST_OF_COMMAND {
            return Fate::Full;
        }
        state.n_runs += 1;
        let kept = self.folder_of_command(&mut state, over.about.origin.begun).and_then(|folder| {
            let folder = make_folder(&folder, &safe(label))?;
            let size = write_all(&folder, over)?;
            Ok((folder, size))
        });
        match kept {
            Ok((folder, size)) => {
                state.size += size;
                Fate::In(folder)
            }
            Err(error) => {
                let folder = harmless_path(&self.folder);
                let help = "name another folder with `--artifacts DIR`, or none with `--artifacts never`";
                Fate::Failed(format!("what the run left cannot be kept in `{folder}`: {error}; {help}"))
            }
        }
    }

    /// Keeps a case of a suite, if it is one of those that are kept.
    pub(super) fn keep_case(&self, case: &Judged, origin: &Origin, earlier: Option<&Earlier>) -> Fate {
        let Some(about) = case.report.about(Some(origin)) else { return Fate::Unwanted };
        let file = Path::new(&case.report.file).with_extension("");
        let label = label_of(&file.to_string_lossy());
        // Of several runs it is told which one it was.
        let run = case.report.failed_run.filter(|_| case.report.n_runs > 1);
        let label = run.map_or(label.clone(), |run| format!("{label}.run{run}"));
        let recording = case.recording.clone().map(|(text, is_private)| Recorded { text, is_private });
        let (events, sources) = (case.events.as_slice(), &case.report.sources);
        let over = Over { events, sources, about: &about, saved: &case.report.saved, recording, earlier };
        self.keep(&label, case.report.is_failure, &over)
    }

    /// Says whether it counts that something could not be kept.
    pub(super) fn are_asked_for(&self) -> bool {
        self.is_asked_for
    }

    /// Returns the folder of this command, if it has kept something.
    pub(super) fn kept(&self) -> Option<PathBuf> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).made.clone()
    }

    fn folder_of_command(&self, state: &mut State, begun: i64) -> io::Result<PathBuf> {
        if let Some(made) = &state.made {
            return Ok(made.clone());
        }
        self.own_folder()?;
        if fs::symlink_metadata(&self.folder).is_err() {
            fs::create_dir_all(&self.folder)?;
            fs::write(self.folder.join(IGNORED), "*\n")?;
        }
        make_room(&self.folder);
        let made = make_folder(&self.folder, &date_of(begun))?;
        state.made = Some(made.clone());
        Ok(made)
    }

    /// Makes sure that the folder that nobody named is no link: it may be part of what somebody else wrote, and lead anywhere.
    fn own_folder(&self) -> io::Result<()> {
        let is_link = fs::symlink_metadata(&self.folder).is_ok_and(|found| found.is_symlink());
        if is_link && self.folder == Path::new(DEFAULT_FOLDER) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is a link, and may lead anywhere"));
        }
        Ok(())
    }
}

impl Fate {
    /// Returns a line that says where a run is kept; nothing if it is not.
    pub(super) fn line(&self) -> String {
        match self {
            Fate::In(folder) => format!("kept in {}\n", harmless_path(folder)),
            Fate::Unwanted | Fate::Full | Fate::Failed(_) => String::new(),
        }
    }
}

/// What one run is kept by.
pub(super) struct Tenant {
    pub artifacts: Arc<Artifacts>,
    /// What its folder is called.
    pub label: String,
    pub held: Held,
    /// Makes what makes it traceable, when that is needed: also the beginning of its recording, and whether it has secrets.
    pub about: Box<dyn FnOnce() -> (About, Recording, bool) + Send>,
}

impl Tenant {
    /// Keeps the run, if it is one of those that are kept; `record` returns its recording, which begins as it is told, and `name`
    /// names the secrets in a text.
    pub(super) fn keep(
        self,
        (sources, earlier): (&Sources, Option<&Earlier>),
        saved: &[(String, Vec<u8>)],
        record: impl FnOnce(Recording) -> Option<Vec<u8>>,
        name: impl Fn(&[u8]) -> String,
    ) -> (Fate, Arc<Artifacts>) {
        let Tenant { artifacts, label, held, about } = self;
        let is_failure = !held.verdict().is_some_and(Verdict::is_success);
        if !is_failure && artifacts.which != Which::All {
            return (Fate::Unwanted, artifacts);
        }
        let events = held.take();
        let saved: Vec<(String, String)> = saved.iter().map(|(key, value)| (key.clone(), name(value))).collect();
        let (about, header, is_private) = about();
        let recording = record(header).map(|text| Recorded { text, is_private });
        let over = Over { events: &events, sources, about: &about, saved: &saved, recording, earlier };
        (artifacts.keep(&label, is_failure, &over), artifacts)
    }
}

/// Writes the files of a run into its folder, which is new; returns how large they are.
fn write_all(folder: &Path, over: &Over<'_>) -> io::Result<u64> {
    let Over { events, sources, about, saved, recording, earlier } = over;
    let mut size = 0;
    let mut write = |name: &str, content: &[u8]| {
        size += content.len() as u64;
        fs::write(folder.join(name), content)
    };
    write(room::TRANSCRIPT, &transcript(events, sources, about)?)?;
    write(room::EVENTS, &render_traceable(events, sources, about))?;
    let past = earlier.map(Earlier::times).unwrap_or_default();
    let gathered = Gathered::of(events, sources).about(rows_of(about)).past(past);
    write(room::PAGE, render_gathered(&gathered, sources).as_bytes())?;
    if let Some(Recorded { text, is_private: false }) = recording {
        write(room::RECORDING, text)?;
    }
    if !saved.is_empty() {
        let entries = saved.iter().map(|(name, value)| (name.clone(), Value::Text(value.clone().into_bytes())));
        write(room::SAVED, format!("{}\n", to_json(&Value::Map(entries.collect()))).as_bytes())?;
    }
    if let Some(Recorded { text, is_private: true }) = recording {
        put_private(&folder.join(room::RECORDING), text)?;
        size += text.len() as u64;
    }
    Ok(size)
}

/// Returns the transcript of a run that is over.
///
/// # Errors
///
/// It cannot be made.
pub(super) fn transcript(events: &[Event], sources: &Sources, about: &About) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut transcript = Transcript::new(&mut text, sources, Times::Shown).about(about);
    events.iter().try_for_each(|event| transcript.tell(event))?;
    transcript.end()?;
    drop(transcript);
    Ok(text)
}

/// Returns what stands for a label in the names of folders on every system: no name of a device of Windows.
fn safe(label: &str) -> String {
    let label = harmless(label).replace(['<', '>', ':', '"', '/', '\\', '|', '?', '*', ' '], "_");
    let label = label.trim_matches('.');
    let stem = label.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_numbered = |name: &str| {
        stem.strip_prefix(name).is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is_device =
        ["con", "prn", "aux", "nul"].contains(&stem.as_str()) || ["com", "lpt"].into_iter().any(is_numbered);
    if is_device || label.is_empty() { format!("run_{label}") } else { label.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_says_which_runs_and_where() {
        let read = |given| {
            let read = Artifacts::of(given);
            (read.which, read.folder.to_string_lossy().into_owned())
        };
        assert_eq!(read(None), (Which::Failed, "flowrun-results".to_string()));
        assert_eq!(read(Some("never")).0, Which::None);
        assert_eq!(read(Some("always")), (Which::All, "flowrun-results".to_string()));
        assert_eq!(read(Some("out/a")), (Which::Failed, "out/a".to_string()));
        assert_eq!(read(Some("always=out")), (Which::All, "out".to_string()));
    }

    #[test]
    fn a_label_is_a_name_on_every_system() {
        assert_eq!(safe("login"), "login");
        assert_eq!(safe("a:b/c d"), "a_b_c_d");
        assert_eq!((safe("NUL"), safe("com1.x"), safe("..")), ("run_NUL".into(), "run_com1.x".into(), "run_".into()));
        assert_eq!(safe("command"), "command");
    }
}
