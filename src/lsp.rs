//! `lsp`: what an editor asks about flows, answered from texts: no I/O, no protocol.
//!
//! A [`Workspace`] has the documents that are open in the editor. It reads every other file by its [`Disk`]. The files of this
//! module answer one question each. Positions are those of the protocol: lines, and UTF-16 units in them.

mod across;
mod actions;
mod complete;
mod diagnose;
mod hover;
mod names;
mod outline;
mod paint;
mod rename;
mod signature;
mod text;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::load::{Bytes, Loaded, STANDARD, beside, load};
use crate::reference::Reference;
use crate::source::{Source, Sources, Span, name_of};
use crate::syntax::ast::{FileKind, StatementKind};
use crate::syntax::{Paint, Parsed, paints, parse};
pub(crate) use actions::{Action, Lens};
pub(crate) use complete::{Insert, Item, ItemKind};
pub(crate) use diagnose::Finding;
use names::Names;
pub(crate) use names::Use;
pub(crate) use outline::{Fold, FoldKind, Symbol, SymbolKind};
pub(crate) use paint::{Painted, TOKEN_KINDS};
pub(crate) use signature::Signatures;
pub(crate) use text::{Position, Range, Text};

/// Where files are read that are not open in the editor.
pub(crate) trait Disk {
    /// Reads a file; `below` is the folder that it must not lead out of.
    fn read(&self, path: &Path, below: Option<&Path>) -> Bytes;

    /// Says whether a path leads out of a folder, by a link for instance; one that is not there does not.
    fn leads_out(&self, path: &Path, folder: &Path) -> bool;

    /// Returns the flow files in a folder and below, not more than the editor can be made to wait for.
    fn flows(&self, folder: &Path) -> Vec<PathBuf>;

    /// Returns what tells whether a file has changed since it was read; `None` if it is not there.
    fn stamp(&self, path: &Path) -> Option<u128>;
}

/// A document that is open in the editor.
#[derive(Debug)]
struct Open {
    text: Text,
    version: i32,
    /// How many changes of documents there were when this text came: an editor may give a version twice.
    change: u64,
}

/// A file that was read and parsed.
#[derive(Debug)]
struct Known {
    text: Text,
    parsed: Parsed,
    names: Names,
    painted: OnceCell<Vec<Paint>>,
}

impl Known {
    fn new(path: &Path, text: Text) -> Known {
        let mut sources = Sources::default();
        let id = sources.add(Source::new(name_of(path), text.shared().clone()));
        let parsed = parse(id, sources.get(id));
        let names = Names::of(&parsed.file, text.as_str());
        Known { text, parsed, names, painted: OnceCell::new() }
    }

    /// Returns the parts that an editor colours.
    fn paints(&self) -> &[Paint] {
        self.painted.get_or_init(|| paints(self.text.as_str()))
    }

    fn kind(&self) -> Option<FileKind> {
        self.parsed.file.header.as_ref().map(|header| header.kind)
    }

    /// Returns the files that it uses: by the path that it writes, each with the place of that path.
    fn uses(&self) -> impl Iterator<Item = (&str, Span)> {
        self.parsed.file.body.iter().filter_map(|statement| {
            let StatementKind::Use { path, .. } = &statement.kind else { return None };
            Some((path.node.as_str(), path.span))
        })
    }

    /// Returns the device files that it names.
    fn devices(&self) -> Vec<(&str, Span)> {
        let mut named = Vec::new();
        for statement in &self.parsed.file.body {
            if let StatementKind::Sim(path) = &statement.kind {
                named.push((path.node.as_str(), path.span));
            } else if let StatementKind::Port(port) = &statement.kind {
                named.extend(port.sims.iter().map(|path| (path.node.as_str(), path.span)));
            }
        }
        named
    }
}

/// A document of more bytes is not parsed before each completion.
const LARGE: usize = 64 * 1024;

/// What a kept file was read from: the change of a document, or the stamp of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edition {
    Open(u64),
    Disk(u128),
    BuiltIn,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file.
    pub path: PathBuf,
    /// The piece of it.
    pub range: Range,
}

/// The documents of an editor, and the files around them.
pub(crate) struct Workspace {
    folders: Vec<PathBuf>,
    open: BTreeMap<PathBuf, Open>,
    n_changes: u64,
    disk: Box<dyn Disk>,
    known: RefCell<HashMap<PathBuf, (Edition, Rc<Known>)>>,
    /// The flow files of the folders, if they were looked for since something changed.
    listed: RefCell<Option<Vec<PathBuf>>>,
    reference: Reference,
}

impl Workspace {
    /// Makes a workspace of these folders in which nothing is open.
    pub(crate) fn new(folders: Vec<PathBuf>, disk: Box<dyn Disk>) -> Workspace {
        Workspace {
            folders,
            open: BTreeMap::new(),
            n_changes: 0,
            disk,
            known: RefCell::default(),
            listed: RefCell::default(),
            reference: Reference::new(),
        }
    }

    /// Takes a document that the editor has opened.
    pub(crate) fn open(&mut self, path: &Path, version: i32, text: &str) {
        self.put(path, version, Text::new(text));
        self.known.borrow_mut().remove(path);
        self.forget_files();
    }

    /// Replaces all of an open document; does nothing if it is not open.
    pub(crate) fn replace(&mut self, path: &Path, version: i32, text: &str) {
        if self.open.contains_key(path) {
            self.put(path, version, Text::new(text));
        }
    }

    /// Replaces a piece of an open document; does nothing if it is not open.
    pub(crate) fn edit(&mut self, path: &Path, version: i32, range: Range, by: &str) {
        if let Some(open) = self.open.get(path) {
            let text = open.text.replaced(range, by);
            self.put(path, version, text);
        }
    }

    /// Forgets a document that the editor has closed: from now on the file on the disk counts.
    pub(crate) fn close(&mut self, path: &Path) {
        self.open.remove(path);
        self.known.borrow_mut().remove(path);
        self.forget_files();
    }

    fn put(&mut self, path: &Path, version: i32, text: Text) {
        self.n_changes += 1;
        self.open.insert(path.to_path_buf(), Open { text, version, change: self.n_changes });
    }

    /// Takes note that files may have come or gone.
    pub(crate) fn forget_files(&mut self) {
        self.listed.take();
    }

    /// Adds and removes folders.
    pub(crate) fn change_folders(&mut self, added: Vec<PathBuf>, removed: &[PathBuf]) {
        self.forget_files();
        self.folders.retain(|folder| !removed.contains(folder));
        self.folders.extend(added);
    }

    /// Returns the version of an open document.
    pub(crate) fn version(&self, path: &Path) -> Option<i32> {
        self.open.get(path).map(|open| open.version)
    }

    /// Returns the text of an open document.
    pub(crate) fn text(&self, path: &Path) -> Option<&Text> {
        self.open.get(path).map(|open| &open.text)
    }

    /// Returns a document in its layout; `None` if it has it already.
    ///
    /// # Errors
    ///
    /// Something is wrong with the text; the diagnostics say what.
    pub(crate) fn formatted(&self, path: &Path) -> Result<Option<String>, ()> {
        let Some(text) = self.text(path) else { return Ok(None) };
        let mut sources = Sources::default();
        let id = sources.add(Source::new(name_of(path), text.shared().clone()));
        let after = crate::format::format(id, sources.get(id)).map_err(drop)?;
        Ok((after != text.as_str()).then_some(after))
    }

    /// Reads a file as a flow that is run: with what it uses, and with what is open in place of what is on the disk.
    fn load(&self, root: &Path) -> Loaded {
        let folder = folder_of(root);
        load(root, &|path| self.read(path, (path != root).then_some(folder)))
    }

    fn read(&self, path: &Path, below: Option<&Path>) -> Bytes {
        match self.open.get(path) {
            Some(open) if !below.is_some_and(|folder| self.disk.leads_out(path, folder)) => {
                Ok(open.text.as_str().as_bytes().to_vec())
            }
            Some(_) | None => self.disk.read(path, below),
        }
    }

    /// Returns a file that is open, on the disk or built in, parsed.
    fn known(&self, path: &Path) -> Option<Rc<Known>> {
        let built_in = STANDARD.iter().find(|(name, _)| Path::new(name) == path);
        let edition = match (self.open.get(path), built_in) {
            (Some(open), _) => Edition::Open(open.change),
            (None, Some(_)) => Edition::BuiltIn,
            (None, None) => Edition::Disk(self.disk.stamp(path)?),
        };
        if let Some((kept, known)) = self.known.borrow().get(path)
            && *kept == edition
        {
            return Some(known.clone());
        }
        let text = match (self.open.get(path), built_in) {
            (Some(open), _) => open.text.clone(),
            (None, Some((_, text))) => Text::new(*text),
            (None, None) => Text::new(String::from_utf8(self.disk.read(path, None).ok()?).ok()?),
        };
        let known = Rc::new(Known::new(path, text));
        self.known.borrow_mut().insert(path.to_path_buf(), (edition, known.clone()));
        Some(known)
    }

    /// Returns a large document as it was parsed last, even if it has changed since; any other one as it is.
    ///
    /// To parse 10,000 lines takes longer than the time between two keys. Whoever uses this minds a name less or more little.
    fn recent(&self, path: &Path) -> Option<Rc<Known>> {
        let is_large = self.open.get(path).is_some_and(|open| open.text.as_str().len() > LARGE);
        let kept = || self.known.borrow().get(path).map(|(_, known)| known.clone());
        is_large.then(kept).flatten().or_else(|| self.known(path))
    }

    /// Returns the flow files of the folders, and the documents that are open.
    fn flows(&self) -> Vec<PathBuf> {
        let list = || self.folders.iter().flat_map(|folder| self.disk.flows(folder)).collect();
        let mut flows: Vec<PathBuf> = self.listed.borrow_mut().get_or_insert_with(list).clone();
        flows.extend(self.open.keys().cloned());
        flows.sort();
        flows.dedup();
        flows
    }
}

/// Returns where a file is that another names: a library of `std/` by its name.
fn named_by(file: &Path, written: &str) -> Option<PathBuf> {
    if written.starts_with("std/") {
        return STANDARD.iter().any(|(name, _)| *name == written).then(|| PathBuf::from(written));
    }
    // What is built in names only what is built in.
    if file.starts_with("std") && file.is_relative() { None } else { beside(file, written).ok() }
}

/// Whether a file is built in: it has no place on the disk.
fn is_built_in(path: &Path) -> bool {
    STANDARD.iter().any(|(name, _)| Path::new(name) == path)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the comment right above a line, as plain lines.
fn comment_above(text: &Text, line: u32) -> Vec<String> {
    let mut lines = Vec::new();
    for line in (0..line).rev() {
        let Some(comment) = text.line(line).trim().strip_prefix('#') else { break };
        lines.push(comment.trim().to_string());
    }
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests;
