//! Tools that read and write texts: ports of this machine, flows, their problems and their layout. No port is opened.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::arguments::Arguments;
use super::consent::Consents;
use super::root::Root;
use super::{Answer, Refusal};
use crate::address::{PortDescription, covered};
use crate::bench::Bench;
use crate::check::check as check_loaded;
use crate::diagnostic::{Diagnostic, Severity};
use crate::disk::{LARGEST_TEXT, Reach, put, read_file, replace};
use crate::format::format as layout;
use crate::load::{cover_secrets, load_file};
use crate::program::Role;
use crate::setup::devices_of;
use crate::source::{Site, Source, SourceId, Sources};
use crate::syntax::parse;
use crate::transport::list;
use crate::value::escape::{harmless, harmless_path};

/// How many problems are in one answer.
const MOST_PROBLEMS: usize = 50;

/// How many files one call checks.
const MOST_FILES: usize = 500;

/// How much of a file is in one answer.
const LONGEST_FILE: usize = 128 * 1024;

/// Lists what an agent can name as a port.
pub(super) fn ports(root: &Root, consents: &Consents) -> Json {
    let found = list();
    let of = |port: &PortDescription| {
        let usb = port.usb.as_ref().map(|usb| {
            json!({
                "vendor": format!("{:04x}", usb.vendor), "product": format!("{:04x}", usb.product),
                "serial": usb.serial.as_ref().map(harmless), "place": usb.place.as_ref().map(harmless),
            })
        });
        json!({
            "name": harmless(&port.name), "description": harmless(&port.what), "driver": port.driver,
            "addresses": port.addresses(&found).iter().map(harmless).collect::<Vec<_>>(), "usb": usb,
        })
    };
    let mut result = json!({
        "ports": found.iter().map(of).collect::<Vec<_>>(),
        "simulated": "`sim` is the device that a flow names, `sim:FILE` a device file, `replay:FILE` a recording",
        "allowed_at_start": consents.named(),
        "may_write_to_them": consents.may_write(),
    });
    if let Some(bench) = root.bench() {
        add_bench(&mut result, &bench);
    }
    result
}

fn add_bench(result: &mut Json, bench: &Bench) {
    let port = |port: &crate::bench::NamedPort| json!({ "name": format!("@{}", port.name), "address": harmless(covered(&port.address).as_ref()) });
    result["names"] = bench.ports.iter().map(port).collect();
    result["profiles"] = bench.profiles.iter().map(|profile| profile.name.clone()).collect();
    result["benches"] = bench.benches.iter().map(|bench| bench.name.clone()).collect();
}

/// Checks files, and the flows of folders, with the devices that they name.
pub(super) fn check(root: &Root, arguments: &Arguments<'_>) -> Answer {
    let mut files = Vec::new();
    for path in arguments.texts("paths")? {
        let path = root.existing(path)?;
        find_flows(&root.full(&path), &path, &mut files);
    }
    let is_too_much = files.len() > MOST_FILES;
    files.truncate(MOST_FILES);
    let mut review = Review { root, seen: BTreeSet::new(), problems: Vec::new(), n_errors: 0, n_warnings: 0 };
    let mut checked = Vec::new();
    for file in &files {
        let before = review.n_errors;
        let role = review.flow(file);
        checked.push(json!({ "file": shown(file), "is": role, "ok": review.n_errors == before }));
    }
    Ok(json!({
        "ok": review.n_errors == 0,
        "errors": review.n_errors,
        "warnings": review.n_warnings,
        "files": checked,
        "more_files_left_out": is_too_much,
        "problems_left_out": (review.n_errors + review.n_warnings).saturating_sub(review.problems.len()),
        "problems": review.problems,
    }))
}

/// Finds the flows of a folder, in the order of their names; a link to a folder is not followed.
fn find_flows(full: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    if !full.is_dir() {
        found.push(below.to_path_buf());
        return;
    }
    let Ok(entries) = std::fs::read_dir(full) else { return };
    let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    names.sort();
    for name in names {
        let (full, below) = (full.join(&name), below.join(&name));
        let is_hidden = name.to_string_lossy().starts_with('.');
        let Ok(kind) = full.symlink_metadata().map(|data| data.file_type()) else { continue };
        if found.len() > MOST_FILES || is_hidden {
            continue;
        }
        if kind.is_dir() {
            find_flows(&full, &below, found);
        } else if kind.is_file() && full.extension().is_some_and(|ending| ending == "flow") {
            found.push(below);
        }
    }
}

/// What was found in files.
struct Review<'a> {
    root: &'a Root,
    seen: BTreeSet<PathBuf>,
    problems: Vec<Json>,
    n_errors: usize,
    n_warnings: usize,
}

impl Review<'_> {
    /// Checks a file, and the devices that it names; returns what it is.
    fn flow(&mut self, file: &Path) -> &'static str {
        let full = self.root.full(file);
        let checked = check_loaded(load_file(&full, Reach::Below(self.root.folder())));
        if self.seen.insert(full.clone()) {
            self.add(&checked.problems, &checked.sources);
        }
        let Some(program) = checked.program else { return "library" };
        for (site, device) in devices_of(&full, &program).into_iter().flatten() {
            match device {
                Ok(device) => self.device(&device, site, &program.sources),
                Err(problem) => self.add(&[problem], &program.sources),
            }
        }
        match program.role {
            Role::Flow => "flow",
            Role::Device => "device",
        }
    }

    fn device(&mut self, device: &Path, site: Site, sources: &Sources) {
        let name = harmless_path(device.strip_prefix(self.root.folder()).unwrap_or(device));
        let checked = check_loaded(load_file(device, Reach::Below(self.root.folder())));
        let problem = match checked.program.as_ref().map(|program| program.role) {
            Some(Role::Device) => None,
            Some(Role::Flow) => Some(format!("`{name}` is a flow, not a device")),
            None => Some(format!("the device `{name}` cannot be used")),
        };
        if self.seen.insert(device.to_path_buf()) {
            self.add(&checked.problems, &checked.sources);
        }
        if let Some(message) = problem {
            let code = crate::diagnostic::Code::LoadUse;
            self.add(&[Diagnostic::new(code, site, message, "named here")], sources);
        }
    }

    fn add(&mut self, problems: &[Diagnostic], sources: &Sources) {
        for problem in problems {
            let is_error = problem.severity() == Severity::Error;
            self.n_errors += usize::from(is_error);
            self.n_warnings += usize::from(!is_error);
            if self.problems.len() < MOST_PROBLEMS {
                self.problems.push(problem_of(self.root, problem, sources));
            }
        }
    }
}

/// Returns a problem as data; secrets of the text are covered.
pub(super) fn problem_of(root: &Root, problem: &Diagnostic, sources: &Sources) -> Json {
    let severity = match problem.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = |text: &str| harmless(sources.covered(text));
    let others = problem.others.iter();
    let others = others.map(|label| json!({ "text": text(&label.text), "place": place(root, label.site, sources) }));
    let label = problem.label.as_ref();
    json!({
        "severity": severity,
        "code": problem.code.text(),
        "message": text(&problem.message),
        "label": label.map(|label| text(&label.text)),
        "place": label.map(|label| place(root, label.site, sources)),
        "line_text": label.map(|label| line_text(label.site, sources)),
        "others": others.collect::<Vec<_>>(),
        "help": problem.help.as_deref().map(text),
    })
}

fn place(root: &Root, site: Site, sources: &Sources) -> Json {
    let source = sources.get(site.source);
    let (line, column) = source.line_column(site.span.start);
    let (end_line, end_column) = source.line_column(site.span.end);
    let name = Path::new(source.name());
    let name = harmless_path(name.strip_prefix(root.folder()).unwrap_or(name));
    json!({ "file": name, "line": line, "column": column, "end_line": end_line, "end_column": end_column })
}

fn line_text(site: Site, sources: &Sources) -> String {
    let source = sources.get(site.source);
    let (line, _) = source.line_column(site.span.start);
    let text = source.shown().lines().nth(line.saturating_sub(1)).unwrap_or_default();
    harmless(text.chars().take(400).collect::<String>())
}

/// Returns a text with its secrets covered in what is shown of it.
fn with_covers(name: &str, text: &str) -> (Sources, SourceId) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new(name, text));
    let parsed = parse(id, sources.get(id));
    cover_secrets(&mut sources, id, &parsed.file);
    (sources, id)
}

fn read(root: &Root, path: &Path) -> Result<String, Refusal> {
    let refused = |why: String| {
        let message = format!("`{}` cannot be read: {why}", shown(path));
        Refusal::new(message, "name a text file, in UTF-8, below the folder of this server")
    };
    let bytes = read_file(&root.full(path), Reach::Below(root.folder()), LARGEST_TEXT);
    let bytes = bytes.map_err(|error| refused(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8".to_string()))
}

/// Puts a file into its layout, or says whether it is.
pub(super) fn fmt(root: &Root, arguments: &Arguments<'_>) -> Answer {
    let path = flow_file(arguments, |path| root.existing(path))?;
    let before = read(root, &path)?;
    let (sources, id) = with_covers(&shown(&path), &before);
    let after = match layout(id, sources.get(id)) {
        Ok(after) => after,
        Err(problems) => {
            let problems: Vec<Json> = problems.iter().map(|problem| problem_of(root, problem, &sources)).collect();
            return Ok(json!({ "ok": false, "file": shown(&path), "changed": false, "problems": problems }));
        }
    };
    let differs = before != after;
    let writes = differs && !arguments.flag("check")?;
    if writes {
        replace(&root.full(&path), &after).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(json!({ "ok": !differs || writes, "file": shown(&path), "changed": writes, "problems": [] }))
}

/// Shows a flow, device or library.
pub(super) fn show_flow(root: &Root, arguments: &Arguments<'_>) -> Answer {
    let path = flow_file(arguments, |path| root.existing(path))?;
    let text = read(root, &path)?;
    let (sources, id) = with_covers(&shown(&path), &text);
    let text = sources.get(id).shown().to_string();
    let (text, is_cut) = match text.char_indices().nth(LONGEST_FILE) {
        Some((at, _)) => (text[..at].to_string(), true),
        None => (text, false),
    };
    Ok(json!({ "file": shown(&path), "text": text, "is_cut": is_cut }))
}

/// Writes a flow, device or library, and says what is wrong with it.
pub(super) fn write_flow(root: &Root, arguments: &Arguments<'_>) -> Answer {
    let path = flow_file(arguments, |path| root.new_file(path))?;
    let text = arguments.needed("text")?;
    if text.len() as u64 > LARGEST_TEXT {
        return Err(Refusal::new("the text is too large for a flow", "split it into libraries"));
    }
    let full = root.full(&path);
    let is_new = !full.exists();
    if !is_new && !arguments.flag("overwrite")? {
        let message = format!("`{}` is already there", shown(&path));
        return Err(Refusal::new(message, "set `overwrite` to true, or name another file"));
    }
    let written = if is_new { put(&full, text) } else { replace(&full, text) };
    written.map_err(|error| unwritable(&path, &error))?;
    let mut review = Review { root, seen: BTreeSet::new(), problems: Vec::new(), n_errors: 0, n_warnings: 0 };
    let role = review.flow(&path);
    let mut result = Map::new();
    result.insert("file".to_string(), shown(&path).into());
    result.insert("is".to_string(), role.into());
    result.insert("ok".to_string(), (review.n_errors == 0).into());
    result.insert("problems".to_string(), review.problems.into());
    Ok(Json::Object(result))
}

/// Returns the file of a call: flows only, so that no tool changes anything else.
fn flow_file(arguments: &Arguments<'_>, find: impl Fn(&str) -> Result<PathBuf, Refusal>) -> Result<PathBuf, Refusal> {
    let typed = arguments.needed("path")?;
    let path = find(typed)?;
    if path.extension().is_some_and(|ending| ending == "flow") {
        Ok(path)
    } else {
        let message = format!("`{}` is not a `.flow` file", harmless(typed));
        Err(Refusal::new(message, "flows, devices and libraries end with `.flow`"))
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Refusal {
    let message = format!("`{}` cannot be written: {error}", shown(path));
    Refusal::new(message, "look at the rights of the folder and at the free space; the file is as it was")
}

/// Returns a path below the root as it is shown.
pub(super) fn shown(path: &Path) -> String {
    harmless_path(path.strip_prefix(".").unwrap_or(path)).replace('\\', "/")
}
