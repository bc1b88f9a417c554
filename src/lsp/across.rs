//! Names across files: where a name is declared, and everywhere it stands.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::names::{Kind, Occurrence, Scope, Use};
use super::{Known, Place, Position, Range, Workspace, is_built_in, named_by};
use crate::syntax::ast::{Statement, StatementKind};

/// A program has so many files at most.
const MOST_FILES: usize = 256;

/// A name, with the file that it stands in.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub path: PathBuf,
    pub known: Rc<Known>,
    pub occurrence: Occurrence,
}

impl Found {
    fn place(&self) -> Place {
        Place { path: self.path.clone(), range: self.known.text.range(self.occurrence.span) }
    }
}

impl Workspace {
    /// Returns where the name at a position is declared, or the file that is named there; nothing for what is built in.
    pub(crate) fn definition(&self, path: &Path, position: Position) -> Option<Place> {
        if let Some(place) = self.file_named_at(path, position).or_else(|| self.handler_of_hook(path, position)) {
            return Some(place);
        }
        let found = self.name_at(path, position)?;
        let origin = self.origin(&found)?;
        (!is_built_in(&origin.path)).then(|| origin.place())
    }

    /// Returns every place of the name at a position, in all files of the workspace.
    pub(crate) fn references(&self, path: &Path, position: Position, with_declaration: bool) -> Vec<Place> {
        let Some(found) = self.name_at(path, position) else { return Vec::new() };
        let all = self.everywhere(&found).into_iter();
        let wanted = all.filter(|found| with_declaration || found.occurrence.usage != Use::Declared);
        wanted.filter(|found| !is_built_in(&found.path)).map(|found| found.place()).collect()
    }

    /// Returns the places of the name at a position in its own file, and what each is there for.
    pub(crate) fn highlights(&self, path: &Path, position: Position) -> Vec<(Range, Use)> {
        let Some(Found { known, occurrence, .. }) = self.name_at(path, position) else { return Vec::new() };
        let same = known.names.all.iter().filter(|other| other.is_same(&occurrence));
        same.map(|other| (known.text.range(other.span), other.usage)).collect()
    }

    pub(super) fn name_at(&self, path: &Path, position: Position) -> Option<Found> {
        let known = self.known(path)?;
        let occurrence = known.names.at(known.text.offset(position))?.clone();
        Some(Found { path: path.to_path_buf(), known, occurrence })
    }

    /// Returns where a name is declared, or else gets its first value.
    pub(super) fn origin(&self, found: &Found) -> Option<Found> {
        if found.occurrence.scope != Scope::Program {
            let occurrence = found.known.names.origin(&found.occurrence)?.clone();
            return Some(Found { occurrence, ..found.clone() });
        }
        let declared_in = |files: &[PathBuf]| files.iter().find_map(|file| self.declared_in(file, &found.occurrence));
        declared_in(&self.program_of(&found.path)).or_else(|| {
            let users = self.users(&found.path);
            users.iter().find_map(|user| declared_in(&self.program_of(user)))
        })
    }

    fn declared_in(&self, file: &Path, wanted: &Occurrence) -> Option<Found> {
        let known = self.known(file)?;
        let declares = |other: &&Occurrence| other.usage == Use::Declared && other.is_same(wanted);
        let occurrence = known.names.all.iter().find(declares)?.clone();
        Some(Found { path: file.to_path_buf(), known, occurrence })
    }

    /// Returns every place of a name in the programs that it belongs to.
    pub(super) fn everywhere(&self, found: &Found) -> Vec<Found> {
        let of_file = |path: &Path, known: &Rc<Known>| {
            let same = known.names.all.iter().filter(|other| other.is_same(&found.occurrence));
            same.map(|other| Found { path: path.to_path_buf(), known: known.clone(), occurrence: other.clone() })
                .collect::<Vec<_>>()
        };
        if found.occurrence.scope != Scope::Program {
            return of_file(&found.path, &found.known);
        }
        let origin = self.origin(found);
        let home = origin.as_ref().map_or(&found.path, |origin| &origin.path);
        let mut files = self.program_of(home);
        for user in self.users(home) {
            files.extend(self.program_of(&user));
        }
        files.sort();
        files.dedup();
        let mut all = Vec::new();
        for file in files {
            let Some(known) = self.known(&file) else { continue };
            let here = of_file(&file, &known);
            // A file may call a procedure of the same name that another library has.
            let is_meant = here.first().is_some_and(|first| match (self.origin(first), &origin) {
                (Some(own), Some(meant)) => own.path == meant.path && own.occurrence.span == meant.occurrence.span,
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            });
            if is_meant {
                all.extend(here);
            }
        }
        all
    }

    /// Returns a file and all that it uses, each once, itself first.
    pub(super) fn program_of(&self, path: &Path) -> Vec<PathBuf> {
        let mut files = vec![path.to_path_buf()];
        let mut at = 0;
        while let Some(file) = files.get(at).cloned() {
            at += 1;
            let Some(known) = self.known(&file) else { continue };
            for (written, _) in known.uses() {
                if let Some(named) = named_by(&file, written)
                    && !files.contains(&named)
                    && files.len() < MOST_FILES
                {
                    files.push(named);
                }
            }
        }
        files
    }

    /// Returns all procedures that a file may call, with the files that they are in.
    pub(super) fn procedures(&self, path: &Path) -> Vec<Found> {
        let mut procedures: Vec<Found> = Vec::new();
        for file in self.program_of(path) {
            let Some(known) = self.known(&file) else { continue };
            for occurrence in &known.names.all {
                let is_new = || procedures.iter().all(|known| known.occurrence.name != occurrence.name);
                if occurrence.kind == Kind::Procedure && occurrence.usage == Use::Declared && is_new() {
                    procedures.push(Found { path: file.clone(), known: known.clone(), occurrence: occurrence.clone() });
                }
            }
        }
        procedures
    }

    /// Returns the beginning of the file that is named at a position: by `use` or `sim`.
    fn file_named_at(&self, path: &Path, position: Position) -> Option<Place> {
        let known = self.known(path)?;
        let at = known.text.offset(position);
        let named: Vec<_> = known.uses().chain(known.devices()).collect();
        let (written, _) = named.into_iter().find(|(_, span)| span.range().contains(&at))?;
        let target = named_by(path, written)?;
        (!is_built_in(&target) && self.known(&target).is_some())
            .then(|| Place { path: target, range: Range::default() })
    }

    /// Returns the handler of a simulated device for the hook at a position.
    fn handler_of_hook(&self, path: &Path, position: Position) -> Option<Place> {
        let known = self.known(path)?;
        let at = known.text.offset(position);
        let mut wanted = None;
        each_statement(&known.parsed.file.body, &mut |statement| {
            if let StatementKind::Hook { name, .. } = &statement.kind
                && name.span.range().contains(&at)
            {
                wanted = Some(name.node.clone());
            }
        });
        let wanted = wanted?;
        for (written, _) in known.devices() {
            let Some(device) = named_by(path, written) else { continue };
            let Some(known) = self.known(&device) else { continue };
            let handler = known.parsed.file.body.iter().find_map(|statement| {
                let StatementKind::OnHook { name, .. } = &statement.kind else { return None };
                (name.node == wanted).then_some(name.span)
            });
            if let Some(span) = handler {
                return Some(Place { path: device, range: known.text.range(span) });
            }
        }
        None
    }
}

/// Calls `each` with every statement, those in blocks among them, in the order of the text.
pub(super) fn each_statement<'a>(body: &'a [Statement], each: &mut impl FnMut(&'a Statement)) {
    for statement in body {
        each(statement);
        statement.blocks().into_iter().for_each(|block| each_statement(&block.body, each));
    }
}
