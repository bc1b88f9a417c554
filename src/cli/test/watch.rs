//! `flowrun test --watch`: runs a suite, and then again each flow that is made of a file that changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use notify::event::EventKind;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher, recommended_watcher};

use super::super::Ending;
use super::super::args::TestArguments;
use super::super::given::named_file;
use super::super::host::home;
use super::super::refusal::refuse;
use super::super::terminal::Terminal;
use super::select::paths;
use super::{folder, run};
use crate::bench;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::event::Verdict;
use crate::setup::Ender;
use crate::suite::find::folders_in;
use crate::suite::needs::{Needs, Place, in_full};
use crate::value::escape::{harmless, harmless_path};

/// After a change, others are awaited for so long: an editor writes a file in several steps.
const QUIET: Duration = Duration::from_millis(15);

/// So many changes are taken together at most, for there may be no quiet.
const MOST_AT_ONCE: usize = 500;

/// A wait for Ctrl-C, which is begun again.
const LONG: Duration = Duration::from_secs(3600);

/// What wakes up who watches.
enum News {
    /// These files have changed, or others: nobody knows which.
    Changed(Vec<PathBuf>),
    Unknown,
    /// Everything is to be run.
    All,
    End,
}

/// What to run again.
enum Wanted {
    All,
    /// What is made of one of these files.
    Changed(BTreeSet<PathBuf>),
}

/// What is known of a suite while it is watched.
pub(super) struct Watched {
    watcher: RecommendedWatcher,
    folders: BTreeSet<PathBuf>,
    flows: BTreeMap<PathBuf, Needs>,
    /// Files that every flow depends on.
    for_all: BTreeSet<PathBuf>,
    /// Files that the suite writes itself, in full.
    written: BTreeSet<PathBuf>,
    wanted: Wanted,
}

/// Runs a suite, and what changes in it, until somebody ends that.
pub(super) fn watch(arguments: &TestArguments, terminal: &Terminal) -> Result<Ending, Ending> {
    let ender = Ender::installed().map_err(|error| refuse(error, terminal))?;
    let (sender, receiver) = channel();
    let tell = sender.clone();
    let watcher =
        recommended_watcher(move |event| tell_change(event, &tell)).map_err(|error| outside(&error, terminal))?;
    await_end(&ender, &sender, terminal)?;
    let has_keys = io::stdin().is_terminal();
    if has_keys {
        let sender = sender.clone();
        thread::spawn(move || read_keys(&sender));
    }
    let for_all = files_for_all(arguments);
    let mut watched = Watched {
        watcher,
        folders: BTreeSet::new(),
        flows: BTreeMap::new(),
        for_all,
        written: BTreeSet::new(),
        wanted: Wanted::All,
    };
    for file in watched.for_all.clone() {
        watched.add_folder(folder_of(&file)).map_err(|error| outside(&error, terminal))?;
    }
    loop {
        for path in paths(arguments) {
            for folder in folders_in(&path) {
                watched.add_folder(&folder).map_err(|error| outside(&error, terminal))?;
            }
        }
        // What is wrong has been told, and may be right after the next change.
        let ending = run(arguments, Some(&mut watched), terminal).unwrap_or_else(|ending| ending);
        if ender.wants_end() {
            return Ok(ending);
        }
        if ending != Ending::Nothing {
            let keys = if has_keys { "; Enter runs all, q and Enter ends" } else { "" };
            let flows = match watched.flows.len() {
                1 => "1 flow".to_string(),
                n => format!("{n} flows"),
            };
            terminal.say(&format!("\nwatching {flows}{keys}\n"));
        }
        match watched.awaited(&receiver) {
            Some(wanted) => watched.wanted = wanted,
            None => return Ok(Ending::Served(Verdict::Interrupted)),
        }
    }
}

impl Watched {
    /// Says whether a flow is to be run now.
    pub(super) fn wants(&self, flow: &Path) -> bool {
        match (&self.wanted, self.flows.get(flow)) {
            (Wanted::All, _) | (_, None) => true,
            (Wanted::Changed(files), Some(needs)) => !self.for_all.is_disjoint(files) || needs.has_changed(files),
        }
    }

    /// Returns a line that says what has changed; nothing if everything is run.
    pub(super) fn reason(&self) -> String {
        let Wanted::Changed(files) = &self.wanted else { return String::new() };
        let names: BTreeSet<String> = files
            .iter()
            .map(|file| file.file_name().unwrap_or_default())
            .map(|name| harmless(&*name.to_string_lossy()))
            .collect();
        format!("\nchanged: {}\n", names.into_iter().collect::<Vec<_>>().join(", "))
    }

    /// Forgets the flows that are not there any more, and returns a line for each, and for each snapshot that now has no flow.
    pub(super) fn gone(&mut self, all: &[PathBuf], orphans: &[PathBuf]) -> String {
        let mut text = String::new();
        self.flows.retain(|flow, _| {
            let is_there = all.contains(flow) || flow.exists();
            if !is_there {
                text.push_str(&format!("gone: {}\n", harmless_path(flow)));
            }
            is_there
        });
        if text.is_empty() {
            return text;
        }
        for orphan in orphans {
            text.push_str(&format!(
                "no flow has the snapshot {}: remove it, or move it with its flow\n",
                harmless_path(orphan)
            ));
        }
        format!("\n{text}")
    }

    /// Passes over changes of these files, which the suite writes itself.
    pub(super) fn pass_over(&mut self, files: impl Iterator<Item = PathBuf>) {
        self.written = files.flat_map(|file| in_full(&file)).collect();
    }

    /// Takes note of what the flows of the suite are made of, and watches it.
    ///
    /// # Errors
    ///
    /// A folder cannot be watched, and that has been told.
    pub(super) fn note(&mut self, flows: &[PathBuf], place: Place<'_>, terminal: &Terminal) -> Result<(), Ending> {
        let mut noted = BTreeMap::new();
        for flow in flows {
            let needs = match self.flows.remove(flow) {
                Some(known) if !self.may_be_made_anew(&known) => known,
                Some(_) | None => Needs::of(flow, place),
            };
            for file in needs.files() {
                self.add_folder(folder_of(file)).map_err(|error| outside(&error, terminal))?;
            }
            noted.insert(flow.clone(), needs);
        }
        self.flows = noted;
        Ok(())
    }

    /// Says whether a flow may be made of other files now.
    fn may_be_made_anew(&self, needs: &Needs) -> bool {
        match &self.wanted {
            Wanted::All => true,
            Wanted::Changed(files) => needs.has_changed(files) || !self.for_all.is_disjoint(files),
        }
    }

    /// Watches a folder, but not those below it. What is not there is not watched.
    fn add_folder(&mut self, folder: &Path) -> notify::Result<()> {
        let Ok(folder) = std::fs::canonicalize(folder) else { return Ok(()) };
        if self.folders.contains(&folder) {
            return Ok(());
        }
        self.watcher.watch(&folder, RecursiveMode::NonRecursive)?;
        self.folders.insert(folder);
        Ok(())
    }

    /// Waits for something to run; `None` if the end is wanted.
    fn awaited(&mut self, receiver: &Receiver<News>) -> Option<Wanted> {
        let mut changed = BTreeSet::new();
        loop {
            let mut news = receiver.recv().ok()?;
            let mut n_news = 0;
            loop {
                match news {
                    News::End => return None,
                    News::All | News::Unknown => return Some(Wanted::All),
                    News::Changed(files) => changed.extend(files.into_iter().filter(|file| self.counts(file))),
                }
                n_news += 1;
                if n_news > MOST_AT_ONCE && !changed.is_empty() {
                    break;
                }
                match receiver.recv_timeout(QUIET) {
                    Ok(next) => news = next,
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return None,
                }
            }
            if !changed.is_empty() {
                return Some(Wanted::Changed(changed));
            }
        }
    }

    /// Says whether a change of a file can mean anything.
    fn counts(&mut self, file: &Path) -> bool {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        // An editor has files of its own beside the one that it writes.
        if name.starts_with('.') || self.written.contains(file) {
            return false;
        }
        // A folder that went and came again has to be watched again.
        self.folders.remove(file);
        name.ends_with(".flow")
            || self.for_all.contains(file)
            || self.flows.values().any(|needs| needs.files().any(|needed| needed == file))
            || file.is_dir()
    }
}

/// Tells that files have changed.
fn tell_change(event: notify::Result<Event>, sender: &Sender<News>) {
    let news = match event {
        // To read a file changes nothing.
        Ok(Event { kind: EventKind::Access(_), .. }) => return,
        Ok(event) if !event.need_rescan() => News::Changed(event.paths),
        Ok(_) | Err(_) => News::Unknown,
    };
    // Nobody listens any more only if the process ends.
    let _ = sender.send(news);
}

/// Has Ctrl-C told.
fn await_end(ender: &Ender, sender: &Sender<News>, terminal: &Terminal) -> Result<(), Ending> {
    let interrupt = ender.interrupt().map_err(|error| refuse(error, terminal))?;
    let sender = sender.clone();
    thread::spawn(move || {
        while !interrupt.is_raised_within(LONG) {}
        let _ = sender.send(News::End);
    });
    Ok(())
}

/// Tells what is typed: Enter runs everything, `q` ends.
fn read_keys(sender: &Sender<News>) {
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { return };
        let news = if line.trim() == "q" { News::End } else { News::All };
        if sender.send(news).is_err() {
            return;
        }
    }
}

/// Returns the files that every flow depends on, in full: `flowrun.toml` and what options name.
fn files_for_all(arguments: &TestArguments) -> BTreeSet<PathBuf> {
    let variables = &arguments.variables;
    let bench = bench::find(folder(arguments), home().as_deref()).unwrap_or(folder(arguments).join(bench::FILE));
    let of_names = variables.var_files.iter().chain(&variables.named_files);
    let of_names = of_names.filter_map(|text| named_file(text)).map(|(_, path)| path.to_path_buf());
    let named = variables.files.iter().chain(&arguments.limits.limits).cloned();
    std::iter::once(bench).chain(of_names).chain(named).flat_map(|path| in_full(&path)).collect()
}

fn outside(error: &notify::Error, terminal: &Terminal) -> Ending {
    let problem = Diagnostic::general(Code::CommandLine, format!("the flows cannot be watched: {error}"));
    let help = "Linux has limits for this, fs.inotify.max_user_watches and max_user_instances: `sysctl` shows them";
    terminal.refuse(if cfg!(target_os = "linux") { problem.help(help) } else { problem });
    Ending::Outside
}
