//! A name gets another name everywhere, or a reason why not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::across::Found;
use super::names::{Kind, Names, Occurrence, Scope, Use};
use super::{Known, Position, Range, Text, Workspace, is_built_in};
use crate::source::{Span, name_of};
use crate::syntax::is_keyword;

/// A renaming that changes no meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// The pieces to be replaced, by file.
    pub edits: BTreeMap<PathBuf, Vec<Range>>,
    /// What else the user may have to change by hand.
    pub note: Option<String>,
}

impl Workspace {
    /// Returns the name at a position if it can be renamed.
    ///
    /// # Errors
    ///
    /// Why nothing can be renamed here.
    pub(crate) fn can_rename(&self, path: &Path, position: Position) -> Result<(String, Range), String> {
        let found = self.name_at(path, position).ok_or("there is no name here that a flow gives")?;
        self.refuse_fixed(&found)?;
        Ok((found.occurrence.name.clone(), found.known.text.range(found.occurrence.span)))
    }

    /// Renames what stands at a position.
    ///
    /// # Errors
    ///
    /// Why the new name would not do.
    pub(crate) fn rename(&self, path: &Path, position: Position, new: &str) -> Result<Renamed, String> {
        let found = self.name_at(path, position).ok_or("there is no name here that a flow gives")?;
        if is_keyword(new) {
            return Err(if new.chars().all(|c| c.is_ascii_lowercase()) && !new.is_empty() {
                format!("`{new}` is a keyword and cannot be a name; take another, such as `my_{new}`")
            } else {
                "a name has letters, digits and `_`, and no digit first".to_string()
            });
        }
        self.refuse_fixed(&found)?;
        let all = self.everywhere(&found);
        let mut files: BTreeMap<PathBuf, Vec<Found>> = BTreeMap::new();
        for found in all {
            files.entry(found.path.clone()).or_default().push(found);
        }
        self.refuse_taken(&found, new, files.keys())?;
        for (file, places) in &files {
            if let Some(first) = places.first() {
                refuse_other_meaning(file, &first.known, places, new)?;
            }
        }
        let edits = files.into_iter().map(|(file, places)| {
            let ranges = places.iter().map(|place| place.known.text.range(place.occurrence.span)).collect();
            (file, ranges)
        });
        Ok(Renamed { edits: edits.collect(), note: note(&found.occurrence, new) })
    }

    /// Refuses what other files or programs know by its name, where they cannot be changed with it.
    fn refuse_fixed(&self, found: &Found) -> Result<(), String> {
        let name = &found.occurrence.name;
        let all = self.everywhere(found);
        if let Some(built_in) = all.iter().find(|found| is_built_in(&found.path)) {
            return Err(format!(
                "`{name}` is in `{}`, which is built in and cannot be changed",
                name_of(&built_in.path)
            ));
        }
        match found.occurrence.kind {
            Kind::Wire => {
                let is_other = |path: &PathBuf| *path != found.path && self.declares(path, &found.occurrence);
                match self.flows().into_iter().find(is_other) {
                    Some(other) => Err(format!(
                        "the wire `{name}` joins this device with `{}` by its name; rename it in both by hand",
                        name_of(&other)
                    )),
                    None => Ok(()),
                }
            }
            Kind::Port => match all.iter().find(|other| other.path != found.path) {
                Some(other) => Err(format!(
                    "`{}` names the port `{name}` too, and other flows may use it; rename the port in both by hand",
                    name_of(&other.path)
                )),
                None => Ok(()),
            },
            Kind::Param
            | Kind::Secret
            | Kind::File
            | Kind::State
            | Kind::Variable
            | Kind::Parameter
            | Kind::Procedure => Ok(()),
        }
    }

    fn declares(&self, path: &Path, wanted: &Occurrence) -> bool {
        self.known(path).is_some_and(|known| {
            known.names.all.iter().any(|found| found.kind == wanted.kind && found.name == wanted.name)
        })
    }

    /// Refuses a name that is taken where the renamed one is known.
    fn refuse_taken<'a>(
        &self,
        found: &Found,
        new: &str,
        files: impl Iterator<Item = &'a PathBuf>,
    ) -> Result<(), String> {
        let Occurrence { scope, kind, .. } = found.occurrence;
        let taken = |what: Kind, path: &Path, known: &Known, span: Span| {
            let line = known.text.position(span.start as usize).line + 1;
            let at = name_of(path.file_name().map_or(path, Path::new));
            Err(format!("`{new}` is the name of a {} already, at line {line} of `{at}`; take another", what.title()))
        };
        if scope != Scope::Program {
            let clashes = |other: &&Occurrence| {
                let meets = match (scope, other.scope) {
                    (_, Scope::Program) => false,
                    (Scope::File, _) | (_, Scope::File) => true,
                    (own, others) => own == others,
                };
                other.name == new && meets
            };
            return match found.known.names.all.iter().find(clashes) {
                Some(other) => taken(other.kind, &found.path, &found.known, other.span),
                None => Ok(()),
            };
        }
        let mut programs: Vec<PathBuf> = files.flat_map(|file| self.program_of(file)).collect();
        programs.extend(self.users(&found.path).iter().flat_map(|user| self.program_of(user)));
        programs.sort();
        programs.dedup();
        for path in programs {
            let Some(known) = self.known(&path) else { continue };
            let clashes = |other: &&Occurrence| {
                other.name == new && other.kind == kind && (other.usage == Use::Declared || kind == Kind::Port)
            };
            if let Some(other) = known.names.all.iter().find(clashes) {
                return taken(other.kind, &path, &known, other.span);
            }
        }
        Ok(())
    }
}

/// Refuses a renaming after which a file would be read in another way: whatever the reason, each name must stay what it was.
fn refuse_other_meaning(path: &Path, known: &Known, places: &[Found], new: &str) -> Result<(), String> {
    let mut text = known.text.as_str().to_string();
    let mut spans: Vec<Span> = places.iter().map(|place| place.occurrence.span).collect();
    spans.sort();
    for span in spans.iter().rev() {
        text.replace_range(span.range(), new);
    }
    let after = Known::new(path, Text::new(text));
    let shape =
        |names: &Names| names.all.iter().map(|name| (name.kind, kind_of(name.scope), name.usage)).collect::<Vec<_>>();
    let n_problems = |known: &Known| known.parsed.problems.len();
    if shape(&after.names) == shape(&known.names) && n_problems(&after) == n_problems(known) {
        return Ok(());
    }
    Err(format!("with the name `{new}` the file `{}` would mean something else; take another", name_of(path)))
}

/// Returns a scope without its place, which moves with the text.
fn kind_of(scope: Scope) -> u8 {
    match scope {
        Scope::Program => 0,
        Scope::File => 1,
        Scope::Main => 2,
        Scope::Body(_) => 3,
    }
}

/// Says what else names a thing: what no file of the language shows.
fn note(found: &Occurrence, new: &str) -> Option<String> {
    let name = &found.name;
    match found.kind {
        Kind::Param | Kind::Secret => Some(format!(
            "`{name}` is now `{new}`: change it also in `--var {name}=…`, in FLOWRUN_VAR_{}, in files of `--vars` and \
             `--rows`, and in flowrun.toml, if you use them",
            name.to_uppercase()
        )),
        Kind::File => Some(format!("`{name}` is now `{new}`: change it also in `--file {name}=…`, if you use it")),
        Kind::Port => Some(format!(
            "`{name}` is now `{new}`: change it also in `--port {name}=…` and in flowrun.toml, if you use them"
        )),
        Kind::State | Kind::Wire | Kind::Variable | Kind::Parameter | Kind::Procedure => None,
    }
}
