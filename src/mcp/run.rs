//! `run` and `test`: a flow, or the flows of a folder, run by the program `flowrun`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value as Json, json};

use super::arguments::Arguments;
use super::child::{self, Cut, Ended};
use super::consent::{Act, Need, needs_of};
use super::root::Root;
use super::story::Story;
use super::{Answer, Job, Refusal, Tools};
use crate::disk::{LARGEST_TEXT, Reach, put_private, read_file};
use crate::value::escape::harmless;

/// How long a run may take if the agent says nothing, and at most.
const WITHIN: u64 = 300_000;
const MOST_WITHIN: u64 = 4 * 3_600_000;

/// Where the results of runs are kept.
const KEPT_IN: &str = "flowrun-results";

/// How much of what `flowrun` says goes into a result.
const LONGEST_WORDS: usize = 16 * 1024;

/// How many flows of a suite are described one by one.
const MOST_FLOWS: usize = 200;

/// The ports on which something goes on.
#[derive(Default)]
pub(super) struct Busy {
    keys: Mutex<BTreeSet<String>>,
}

/// Ports that are taken until this is dropped.
pub(super) struct Taken<'a> {
    busy: &'a Busy,
    keys: Vec<String>,
}

impl Busy {
    /// Takes ports.
    ///
    /// # Errors
    ///
    /// One of them is taken.
    pub(super) fn take(&self, needs: &[Need]) -> Result<Taken<'_>, Refusal> {
        let keys: BTreeSet<&str> = needs.iter().map(Need::key).collect();
        let mut taken = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(need) = needs.iter().find(|need| taken.contains(need.key())) {
            let message = format!("{} is in use by another call or session of this server", need.port);
            return Err(Refusal::new(message, "wait for that run to end, or close the session with `port_close`"));
        }
        let keys: Vec<String> = keys.into_iter().map(str::to_string).collect();
        taken.extend(keys.iter().cloned());
        Ok(Taken { busy: self, keys })
    }

    pub(super) fn give_back(&self, keys: &[String]) {
        let mut taken = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.iter().for_each(|key| {
            taken.remove(key);
        });
    }
}

impl Taken<'_> {
    /// Keeps the ports until [`Busy::give_back`].
    pub(super) fn keep(mut self) -> Vec<String> {
        std::mem::take(&mut self.keys)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.busy.give_back(&self.keys);
    }
}

/// Returns what the person has to agree to before a run or a suite: each real port is opened, and flows send.
pub(super) fn needs(root: &Root, arguments: &Arguments<'_>) -> Result<Vec<Need>, Refusal> {
    let mut needs = Vec::new();
    for port in ports(root, arguments)? {
        needs.extend(needs_of(root, &port, &[Act::Read, Act::Write])?);
    }
    needs.sort();
    needs.dedup();
    Ok(needs)
}

/// Returns the ports of a run, whoever names them: the agent, or `flowrun.toml` with a bench or a profile.
fn ports(root: &Root, arguments: &Arguments<'_>) -> Result<Vec<String>, Refusal> {
    let typed: Vec<String> = arguments.texts("ports")?.into_iter().map(str::to_string).collect();
    let (profile, bench) = (arguments.text("profile")?, arguments.text("bench")?);
    if profile.is_none() && bench.is_none() {
        return Ok(typed);
    }
    let file = root.bench().ok_or_else(|| {
        let help = "profiles and benches are in `flowrun.toml`; run without `profile` and `bench`";
        Refusal::new("there is no `flowrun.toml` here that can be read", help)
    })?;
    let unknown = |kind: &str, name: &str| {
        let message = format!("`flowrun.toml` has no {kind} `{}`", harmless(name));
        Refusal::new(message, "call `ports`: it lists what there is")
    };
    let mut found = typed;
    if let Some(name) = profile {
        let profile = file.profile(name).ok_or_else(|| unknown("profile", name))?;
        if found.is_empty() && bench.is_none() {
            found.extend(profile.ports.iter().cloned());
        }
    }
    if let Some(name) = bench {
        let bench = file.bench(name).ok_or_else(|| unknown("bench", name))?;
        found.extend(bench.ports.iter().map(|(_, address)| address.clone()));
    }
    Ok(found)
}

/// Runs a flow.
pub(super) fn run(tools: &Tools, arguments: &Arguments<'_>, job: &Job) -> Answer {
    let flow = tools.root.existing(arguments.needed("flow")?)?;
    let n_exchanges = arguments.number("exchange", 0, 500)?.unwrap_or(40);
    let save = arguments.text("save")?.map(|path| tools.root.new_file(path)).transpose()?;
    let needs = needs(&tools.root, arguments)?;
    let _taken = tools.busy.take(&needs)?;
    let scratch = Scratch::new()?;
    let mut command = command(tools, "run");
    command.arg(&flow).arg("--quiet");
    if ports(&tools.root, arguments)?.is_empty() {
        command.args(["--port", "sim"]);
    }
    let saved = save.map_or_else(|| scratch.0.join("saved.toml"), |save| tools.root.full(&save));
    let events = scratch.0.join("events.jsonl");
    command.arg("--save").arg(saved).arg("--events").arg(&events);
    command.arg("--artifacts").arg(format!("always={KEPT_IN}"));
    common(tools, arguments, &scratch, &mut command)?;
    for (name, value) in arguments.values("sim_vars")? {
        command.arg("--sim-var").arg(format!("{name}={value}"));
    }
    if let Some(seed) = arguments.number("seed", 0, u64::MAX)? {
        command.arg("--seed").arg(seed.to_string());
    }
    if arguments.flag("strict")? {
        command.arg("--strict");
    }
    let mut story = Story::of(&events, usize::try_from(n_exchanges).unwrap_or(40));
    let ended = child::run(command, job, arguments.millis("timeout_ms", WITHIN, MOST_WITHIN)?, |_| {
        if let Some(step) = story.look() {
            job.tell(&step);
        }
    });
    let ended = ended.map_err(|error| not_started(&error))?;
    story.look();
    Ok(outcome(tools, story, &ended))
}

fn outcome(tools: &Tools, story: Story, ended: &Ended) -> Json {
    let verdict = story.verdict().map(str::to_string).unwrap_or_else(|| verdict_of(ended.code).to_string());
    let mut result = Map::new();
    result.insert("verdict".to_string(), verdict.into());
    result.insert("exit_code".to_string(), ended.code.into());
    add_cut(&mut result, ended.cut);
    let kept = kept_in(&format!("{}\n{}", ended.output, ended.errors));
    result.insert("saved".to_string(), kept.as_ref().map_or(Json::Null, |kept| saved(tools, kept)));
    story.tell(&mut result);
    result.insert("artifacts".to_string(), kept.into());
    result.insert("messages".to_string(), words(ended).into());
    Json::Object(result)
}

/// Returns the values that a run saved, as the kept folder has them: secrets are names there.
fn saved(tools: &Tools, kept: &str) -> Json {
    let file = tools.root.folder().join(kept).join("saved.json");
    let text = read_file(&file, Reach::Anywhere, LARGEST_TEXT).ok();
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_else(|| json!({}))
}

/// Returns the folder that a run was kept in, as `flowrun` says it.
fn kept_in(said: &str) -> Option<String> {
    said.lines().rev().find_map(|line| line.trim().strip_prefix("kept in ")).map(str::to_string)
}

fn verdict_of(code: Option<i32>) -> &'static str {
    match code {
        Some(0) => "passed",
        Some(1) => "failed",
        Some(2) => "refused",
        Some(3) => "port-failed",
        Some(130) => "interrupted",
        Some(_) => "defect",
        None => "killed",
    }
}

fn add_cut(result: &mut Map<String, Json>, cut: Option<Cut>) {
    let why = match cut {
        None => return,
        Some(Cut::Cancelled) => "the call was cancelled; flowrun interrupted the run, and its `finally` ran",
        Some(Cut::TimedOut) => "the time of this call was over; flowrun interrupted the run, and its `finally` ran",
    };
    result.insert("ended_by".to_string(), why.into());
}

fn words(ended: &Ended) -> String {
    let all = format!("{}{}", ended.output, ended.errors);
    let all = all.trim_end();
    match all.char_indices().nth(LONGEST_WORDS) {
        Some((at, _)) => format!("{}\n… the rest is left out", &all[..at]),
        None => all.to_string(),
    }
}

/// Runs the flows of a folder.
pub(super) fn test(tools: &Tools, arguments: &Arguments<'_>, job: &Job) -> Answer {
    let mut paths = Vec::new();
    for path in arguments.texts("paths")? {
        paths.push(tools.root.existing(path)?);
    }
    let needs = needs(&tools.root, arguments)?;
    let _taken = tools.busy.take(&needs)?;
    let scratch = Scratch::new()?;
    let report = scratch.0.join("report.json");
    let mut command = command(tools, "test");
    command.args(&paths).arg("--report").arg(format!("json={}", report.display()));
    command.arg(if arguments.flag("accept")? { "--accept" } else { "--check" });
    if let Some(filter) = arguments.text("filter")? {
        command.arg(format!("--filter={filter}"));
    }
    if arguments.flag("fail_fast")? {
        command.arg("--fail-fast");
    }
    common(tools, arguments, &scratch, &mut command)?;
    let mut last = String::new();
    let ended = child::run(command, job, arguments.millis("timeout_ms", WITHIN, MOST_WITHIN)?, |line| {
        if line != last && !line.is_empty() {
            last = line.to_string();
            job.tell(line);
        }
    });
    let ended = ended.map_err(|error| not_started(&error))?;
    let mut result = Map::new();
    let verdict = if ended.code == Some(0) { "passed" } else { verdict_of(ended.code) };
    result.insert("verdict".to_string(), verdict.into());
    result.insert("exit_code".to_string(), ended.code.into());
    add_cut(&mut result, ended.cut);
    let read = read_file(&report, Reach::Anywhere, 64 * LARGEST_TEXT).ok();
    if let Some(Json::Object(document)) = read.and_then(|text| serde_json::from_slice(&text).ok()) {
        result.extend(suite(document));
    }
    result.insert("artifacts".to_string(), all_kept_in(&ended.output).into());
    result.insert("messages".to_string(), words(&ended).into());
    Ok(Json::Object(result))
}

fn all_kept_in(said: &str) -> Option<String> {
    let line = said.lines().rev().find(|line| line.starts_with("all that was kept is in "));
    line.and_then(|line| line.strip_prefix("all that was kept is in ")).map(str::to_string).or_else(|| kept_in(said))
}

/// Returns what an agent needs of the report of a suite: of flows that passed, that they did.
fn suite(mut document: Map<String, Json>) -> Map<String, Json> {
    let mut result = Map::new();
    for key in ["counts", "orphans"] {
        result.insert(key.to_string(), document.remove(key).unwrap_or(Json::Null));
    }
    let Some(Json::Array(flows)) = document.remove("flows") else { return result };
    let n_left_out = flows.len().saturating_sub(MOST_FLOWS);
    let (bad, good): (Vec<Json>, Vec<Json>) =
        flows.into_iter().partition(|flow| flow["is_failure"].as_bool().unwrap_or(true));
    let shown = bad.iter().chain(&good).take(MOST_FLOWS).map(|flow| {
        let always = ["file", "title", "status", "is_failure", "took_ms", "checks"];
        let if_there = ["why_skipped", "failure", "refusal", "diff", "measurements", "saved", "cleanups_failed"];
        let always = always.iter().map(|key| (key.to_string(), flow[*key].clone()));
        let is_there = |key: &&&str| match &flow[**key] {
            Json::Null => false,
            Json::Array(list) => !list.is_empty(),
            Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => true,
        };
        let if_there = if_there.iter().filter(is_there).map(|key| (key.to_string(), flow[*key].clone()));
        Json::Object(always.chain(if_there).collect())
    });
    result.insert("flows".to_string(), shown.collect());
    result.insert("flows_left_out".to_string(), n_left_out.into());
    result
}

fn command(tools: &Tools, word: &str) -> Command {
    let mut command = Command::new(&tools.program);
    command.arg(word).args(["--color", "never"]).current_dir(tools.root.folder());
    command.env_remove("FLOWRUN_ARTIFACTS").env("NO_COLOR", "1");
    command
}

/// Adds what a run and a suite both take. Values go by a file that only this user can read: the list of processes shows none.
fn common(tools: &Tools, arguments: &Arguments<'_>, scratch: &Scratch, command: &mut Command) -> Result<(), Refusal> {
    for port in arguments.texts("ports")? {
        command.arg(format!("--port={port}"));
    }
    for (option, name) in [("--profile", "profile"), ("--bench", "bench"), ("--wait-port", "wait_port")] {
        if let Some(value) = arguments.text(name)? {
            command.arg(format!("{option}={value}"));
        }
    }
    let vars = arguments.values("vars")?;
    if !vars.is_empty() {
        let vars: Map<String, Json> = vars.into_iter().map(|(name, value)| (name.to_string(), value.into())).collect();
        let file = scratch.0.join("vars.json");
        put_private(&file, Json::Object(vars).to_string().as_bytes()).map_err(|error| no_room(&error))?;
        command.arg("--vars").arg(file);
    }
    for path in arguments.texts("vars_files")? {
        command.arg("--vars").arg(tools.root.existing(path)?);
    }
    for (name, value) in arguments.values("settings")? {
        command.arg("--serial").arg(format!("{name}={value}"));
    }
    Ok(())
}

fn not_started(error: &std::io::Error) -> Refusal {
    let message = format!("the program `flowrun` cannot be started: {error}");
    Refusal::new(message, "the person can put `flowrun` beside `flowrun-mcp`, or on PATH")
}

fn no_room(error: &std::io::Error) -> Refusal {
    let message = format!("a folder for temporary files cannot be used: {error}");
    Refusal::new(message, "the person can look at the free space and the rights of the temporary folder")
}

/// A folder of this user that goes with the call.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Refusal> {
        let temporary = std::env::temp_dir();
        let place = |n: u32| temporary.join(format!("flowrun-mcp-{}-{n}", std::process::id()));
        let made = (0..10_000).find_map(|n| {
            let folder = place(n);
            match make(&folder) {
                Ok(()) => Some(Ok(folder)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => None,
                Err(error) => Some(Err(error)),
            }
        });
        match made {
            Some(Ok(folder)) => Ok(Scratch(folder)),
            Some(Err(error)) => Err(no_room(&error)),
            None => Err(no_room(&std::io::ErrorKind::AlreadyExists.into())),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes a folder that nobody else can look into.
fn make(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    let builder = {
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
    };
    #[cfg(not(unix))]
    let builder = std::fs::DirBuilder::new();
    builder.create(folder)
}
