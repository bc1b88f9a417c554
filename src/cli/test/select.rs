//! Which flows `flowrun test` runs, in which order, and how they are listed.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::super::Ending;
use super::super::args::{ListFormat, SelectionArguments, TestArguments};
use super::super::host::{home, state_folder};
use super::super::json::render_flows;
use super::super::refusal::refuse;
use super::super::terminal::Terminal;
use crate::bench;
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::report::table::aligned;
use crate::setup::fresh_seed;
use crate::source::name_of;
use crate::suite::Judged;
use crate::suite::filter::{Described, Filter};
use crate::suite::find::{Found, describe, find, shard};
use crate::suite::last::LastRun;
use crate::suite::order::Order;
use crate::value::coding::hex;
use crate::value::digest::sha256;
use crate::value::escape::{harmless, harmless_path};

/// What the file of the last run is called.
const LAST_RUN: &str = "last-run.json";

/// How flows are chosen, checked.
pub(super) struct Selection {
    filters: Vec<Filter>,
    /// Which part of how many.
    shard: Option<(usize, usize)>,
    order: Order,
    last: Memory,
    /// Whether only flows are meant that failed in the last run.
    is_last_failed: bool,
}

/// What is remembered of the last run, and where.
pub(super) struct Memory {
    /// `None` if nobody says where.
    file: Option<PathBuf>,
    last: LastRun,
}

impl Selection {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and that has been told.
    pub(super) fn read(arguments: &TestArguments, folder: &Path, terminal: &Terminal) -> Result<Selection, Ending> {
        let selection = &arguments.selection;
        let mut filters = Vec::new();
        for text in &selection.filter {
            filters.push(Filter::parse(text).map_err(|wrong| {
                terminal.report(&[wrong.0], &wrong.1);
                Ending::Refused
            })?);
        }
        let refused = |problem| {
            terminal.refuse(problem);
            Ending::Refused
        };
        let shard = selection.shard.as_deref().map(part).transpose().map_err(refused)?;
        let order = order(selection, terminal)?;
        let file = file_of_last_run(folder);
        let wants_last = selection.last_failed || order == Order::FailedFirst;
        let last = match file.as_deref().map(LastRun::read).transpose() {
            Ok(last) => last.flatten(),
            Err(error) if wants_last => {
                let file = file.as_deref().map(harmless_path).unwrap_or_default();
                let problem = wrong(format!("the last run cannot be read from `{file}`: {error}"));
                return Err(refused(problem.help("remove the file; the next run writes it again")));
            }
            // It is written again.
            Err(_) => None,
        };
        if selection.last_failed && last.is_none() {
            let problem = wrong("no failed run is remembered here".to_string());
            let help = match &file {
                Some(file) => {
                    format!("run `flowrun test` first: flows that fail are remembered in `{}`", harmless_path(file))
                }
                None => format!("put a `{}` beside the flows: what failed is remembered beside it", bench::FILE),
            };
            return Err(refused(problem.help(help)));
        }
        let last = Memory { file, last: last.unwrap_or_default() };
        Ok(Selection { filters, shard, order, last, is_last_failed: selection.last_failed })
    }

    /// Returns the flows that are meant, in their order; with `--last-failed` there may be none.
    ///
    /// # Errors
    ///
    /// A path cannot be read, or nothing is left.
    pub(super) fn flows(&self, arguments: &TestArguments, terminal: &Terminal) -> Result<Found, Diagnostic> {
        let mut found = find(&paths(arguments)).map_err(|(path, error)| {
            let problem = unreadable(&path, &error);
            // `--history` takes its folder with `=`, so that a flow may follow it.
            match &arguments.kept.history {
                Some(None) if error.kind() == io::ErrorKind::NotFound => {
                    problem.help(format!("`--history={}` is a folder for the history, with `=`", harmless_path(&path)))
                }
                Some(_) | None => problem,
            }
        })?;
        let n_found = found.flows.len();
        if n_found == 0 {
            let help = "a flow is a file `NAME.flow` that begins with `flow \"…\"`; name a folder, or the file itself";
            return Err(wrong("there are no flows here".to_string()).help(help));
        }
        self.keep(&mut found.flows, n_found, terminal)?;
        if self.is_last_failed {
            found.flows.retain(|flow| self.last.last.has_failed(flow));
        }
        self.order.sort(&mut found.flows, |flow| self.last.last.has_failed(flow));
        if let Some((number, count)) = self.shard {
            found.flows = shard(found.flows, number, count);
        }
        Ok(found)
    }

    /// Leaves the flows that a filter takes.
    fn keep(&self, flows: &mut Vec<PathBuf>, n_found: usize, terminal: &Terminal) -> Result<(), Diagnostic> {
        if self.filters.is_empty() {
            return Ok(());
        }
        let needs_text = self.filters.iter().any(Filter::needs_text);
        let all = flows.clone();
        let mut tags = BTreeSet::new();
        flows.retain(|flow| {
            let described = match needs_text {
                true => describe(flow),
                false => Described { file: name_of(flow), ..Described::default() },
            };
            tags.extend(described.tags.iter().cloned());
            self.filters.iter().any(|filter| filter.takes(&described))
        });
        let asked = self.filters.iter().flat_map(Filter::tags);
        let unknown = asked.filter(|tag| !tags.contains(*tag)).map(|tag| unknown_tag(tag, &tags)).next();
        if flows.is_empty() {
            let problem = wrong(format!("`--filter` matches none of {n_found} flows"));
            let elsewhere = || self.found_elsewhere(&all);
            let help = unknown.or_else(elsewhere);
            return Err(problem.help(help.unwrap_or_else(|| "`--list` shows the flows, with their tags".to_string())));
        }
        // A filter may speak of what no flow is yet: it is no mistake.
        if let Some(unknown) = unknown {
            terminal.hint(&format!("note: {unknown}\n"));
        }
        Ok(())
    }

    /// Returns where a word was found that no path has in it: in titles or tags.
    fn found_elsewhere(&self, all: &[PathBuf]) -> Option<String> {
        let described: Vec<Described> = all.iter().map(|flow| describe(flow)).collect();
        self.filters.iter().flat_map(Filter::files).find_map(|word| {
            let n_titles = described.iter().filter(|flow| flow.title.contains(word)).count();
            let n_tags = described.iter().filter(|flow| flow.tags.iter().any(|tag| tag == word)).count();
            let (question, n, what) = match (n_tags, n_titles) {
                (0, 0) => return None,
                (0, n) => ("name", n, "has it in its title"),
                (n, _) => ("tag", n, "has it as a tag"),
            };
            let flows = if n == 1 {
                format!("1 flow {what}")
            } else {
                format!("{n} flows {}", what.replace("has", "have").replace("its title", "their titles"))
            };
            let word = harmless(word);
            let quoted = if word.contains([' ', '(', ')']) { format!("\"{word}\"") } else { word.clone() };
            Some(format!("`{word}` alone is looked for in paths; {flows}: `--filter '{question}({quoted})'`"))
        })
    }

    /// Tells of flows that failed in the last run and are gone: to run the others says nothing of them. Returns whether there are
    /// any.
    pub(super) fn tell_gone(&self, arguments: &TestArguments, terminal: &Terminal) -> bool {
        let gone = if self.is_last_failed { self.last.last.gone_below(&paths(arguments)) } else { Vec::new() };
        let here = std::env::current_dir().and_then(std::fs::canonicalize).unwrap_or_default();
        for flow in &gone {
            let flow = Path::new(flow);
            let flow = harmless_path(flow.strip_prefix(&here).unwrap_or(flow));
            let remedy = "without `--last-failed` all flows are run, and it is forgotten";
            terminal.warn(&format!("`{flow}` failed when it was run last, and is not there any more: {remedy}"));
        }
        !gone.is_empty()
    }

    /// Takes note of what came of flows; what cannot be kept is told.
    pub(super) fn remember(&mut self, judged: &[(PathBuf, bool)], paths: &[PathBuf], terminal: &Terminal) {
        let Some(file) = &self.last.file else { return };
        let last = &mut self.last.last;
        let before = last.clone();
        judged.iter().for_each(|(flow, has_failed)| last.note(flow, *has_failed));
        // What was meant to be run was looked for here, and is not there.
        if !self.is_last_failed && self.filters.is_empty() && self.shard.is_none() {
            last.forget_gone_below(paths);
        }
        // Where nothing has ever failed, no file is made.
        if *last == before {
            return;
        }
        // Beside a `flowrun.toml` there is one file, elsewhere one for each folder.
        if state_folder().is_some_and(|state| file.starts_with(state)) {
            LastRun::remove_the_gone(file);
        }
        if let Err(error) = last.write(file) {
            terminal.warn(&format!("which flows failed cannot be kept in `{}`: {error}", name_of(file)));
        }
    }

    /// Says that there is nothing to run, since nothing failed; `None` if there is.
    pub(super) fn nothing_failed(&self, found: &Found) -> Option<&'static str> {
        (self.is_last_failed && found.flows.is_empty()).then_some("no flow here failed in the last run\n")
    }
}

/// Returns the paths in which flows are looked for.
pub(super) fn paths(arguments: &TestArguments) -> Vec<PathBuf> {
    if arguments.paths.is_empty() { vec![PathBuf::from(".")] } else { arguments.paths.clone() }
}

/// Returns the files of judged flows, and whether each failed.
pub(super) fn outcomes(judged: &[Judged]) -> Vec<(PathBuf, bool)> {
    judged.iter().map(|case| (PathBuf::from(&case.report.file), case.report.is_failure)).collect()
}

/// Shows the flows that would be run.
pub(super) fn list(found: &Found, format: ListFormat, terminal: &Terminal) -> Ending {
    let flows: Vec<Described> = found.flows.iter().map(|flow| describe(flow)).collect();
    match format {
        ListFormat::Text => terminal.say(&render_list(&flows)),
        ListFormat::Json => terminal.say(&render_flows(&flows)),
    }
    Ending::Done
}

fn render_list(flows: &[Described]) -> String {
    let row = |flow: &Described| {
        let tags: Vec<String> = flow.tags.iter().map(|tag| format!("[{}]", harmless(tag))).collect();
        [harmless(&flow.file), harmless(&flow.title), tags.join(" ")]
    };
    aligned(&flows.iter().map(row).collect::<Vec<_>>())
}

/// Returns what is said of a path that cannot be read: with the name beside it that may be meant.
pub(in crate::cli) fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let shown = harmless_path(path);
    if error.kind() != io::ErrorKind::NotFound {
        return wrong(format!("`{shown}` cannot be read: {error}"));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let entries = std::fs::read_dir(folder_of(path)).into_iter().flatten().flatten();
    let is_meant = |name: &String| name.ends_with(".flow") || folder_of(path).join(name).is_dir();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(is_meant).collect();
    names.sort();
    let problem = wrong(format!("there is no file or folder `{shown}`"));
    match nearest(&name, names.iter().map(String::as_str)) {
        Some(near) => problem.help(format!("did you mean `{}`?", harmless_path(&path.with_file_name(near)))),
        None => problem.help("name a folder with flows, or a file `NAME.flow`"),
    }
}

fn unknown_tag(tag: &str, known: &BTreeSet<String>) -> String {
    let names = || known.iter().map(String::as_str);
    let tag_shown = harmless(tag);
    match nearest(tag, names()) {
        Some(meant) => format!("no flow here has the tag `{tag_shown}`: did you mean `{}`?", harmless(meant)),
        None if known.is_empty() => format!("no flow here has the tag `{tag_shown}`, or any other"),
        None => {
            let names: Vec<String> = names().map(|name| format!("`{}`", harmless(name))).collect();
            format!("no flow here has the tag `{tag_shown}`; there are {}", names.join(", "))
        }
    }
}

/// Returns where the failures of the flows in a folder are remembered: beside their `flowrun.toml`, else where programs keep
/// what they remember.
fn file_of_last_run(folder: &Path) -> Option<PathBuf> {
    if let Some(file) = bench::find(folder, home().as_deref()) {
        return Some(folder_of(&file).join(".flowrun").join(LAST_RUN));
    }
    let here = std::fs::canonicalize(folder).ok()?;
    let digest = sha256(here.to_string_lossy().as_bytes());
    let name = format!("{}.json", hex(&digest[..8]));
    Some(state_folder()?.join("flowrun").join("last-run").join(name))
}

fn order(selection: &SelectionArguments, terminal: &Terminal) -> Result<Order, Ending> {
    let Some(text) = &selection.order else { return Ok(Order::Name) };
    let order = match text.split_once(':') {
        None if text == "name" => Some(Order::Name),
        None if text == "failed-first" => Some(Order::FailedFirst),
        None if text == "random" => {
            let seed = fresh_seed().map_err(|error| refuse(error, terminal))?;
            terminal.hint(&format!("note: `--order random:{seed}` gives this order again\n"));
            Some(Order::Random(seed))
        }
        Some(("random", seed)) => seed.parse().ok().map(Order::Random),
        None | Some(_) => None,
    };
    order.ok_or_else(|| {
        let problem = wrong(format!("unknown order `{}`", harmless(text)));
        terminal.refuse(problem.help("orders are `name`, `random`, `random:SEED` and `failed-first`"));
        Ending::Refused
    })
}

fn part(text: &str) -> Result<(usize, usize), Diagnostic> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((k, n)) if 1 <= k && k <= n => Ok((k, n)),
        Some(_) | None => Err(wrong(format!("`--shard {text}` is not a part of a whole")).help("write `--shard 1/4`")),
    }
}

fn wrong(message: String) -> Diagnostic {
    Diagnostic::general(Code::CommandLine, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_a_part_of_a_whole() {
        assert_eq!(part("2/4").ok(), Some((2, 4)));
        for text in ["0/4", "5/4", "1", "a/b", "1/0"] {
            assert!(part(text).is_err(), "{text}");
        }
    }
}
