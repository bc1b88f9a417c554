//! What is wrong with a file and with those that use it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Place, Range, Text, Workspace, folder_of, is_built_in, named_by};
use crate::check::{Checked, check};
use crate::diagnostic::{Code, Diagnostic, Label, Severity};
use crate::source::{Sources, Span, name_of};
use crate::syntax::ast::FileKind;

/// Something wrong, where the editor shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where.
    pub range: Range,
    /// Which kind.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, with what the place has to do with it.
    pub message: String,
    /// What to do instead.
    pub help: Option<String>,
    /// Further places.
    pub related: Vec<Related>,
}

/// A further place of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Related {
    /// Where.
    pub place: Place,
    /// What is said about it.
    pub message: String,
}

/// So many files are checked at once because one has changed.
const MOST_CHECKED: usize = 200;

impl Workspace {
    /// Checks a file and returns what is wrong, for each file in which it is: the file itself is always among them.
    pub(crate) fn findings(&self, root: &Path) -> BTreeMap<PathBuf, Vec<Finding>> {
        let Checked { program, mut problems, sources } = check(self.load(root));
        problems.extend(self.devices_missing(root, &sources));
        drop(program);
        let mut found = BTreeMap::from([(root.to_path_buf(), Vec::new())]);
        let mut texts: BTreeMap<String, Text> = BTreeMap::new();
        for problem in problems {
            let Some(label) = &problem.label else { continue };
            let path = PathBuf::from(sources.get(label.site.source).name());
            if !is_built_in(&path) {
                let finding = finding(&problem, label, &sources, &mut texts);
                found.entry(path).or_default().push(finding);
            }
        }
        found
    }

    /// Returns the files that are to be checked because these have changed: themselves, and those that use or simulate them.
    pub(crate) fn touched(&self, changed: &[PathBuf]) -> Vec<PathBuf> {
        let mut touched = changed.to_vec();
        for path in changed {
            for user in self.users(path) {
                if !touched.contains(&user) && touched.len() < MOST_CHECKED {
                    touched.push(user);
                }
            }
        }
        touched
    }

    /// Returns the files with this one among those that they name, directly or through others.
    pub(super) fn users(&self, path: &Path) -> Vec<PathBuf> {
        let is_user = |flow: &PathBuf| {
            let names_it = |name: &str, user: &Path| named_by(user, name).is_some_and(|named| named == path);
            self.program_of(flow).iter().any(|file| {
                let Some(known) = self.known(file) else { return false };
                known.uses().any(|(name, _)| names_it(name, file))
                    || file == flow && known.devices().iter().any(|(name, _)| names_it(name, file))
            })
        };
        self.flows().into_iter().filter(|flow| flow != path && is_user(flow)).collect()
    }

    /// Reports devices that a flow names and that are not there, or are none.
    fn devices_missing(&self, root: &Path, sources: &Sources) -> Vec<Diagnostic> {
        let Some(known) = self.known(root).filter(|known| known.kind() == Some(FileKind::Flow)) else {
            return Vec::new();
        };
        let Some((id, _)) = sources.iter().find(|(_, source)| source.name() == name_of(root)) else {
            return Vec::new();
        };
        let wrong = |(written, span): (&str, Span)| {
            let site = crate::source::Site { source: id, span };
            let problem = |message: String, label: &str| Some(Diagnostic::new(Code::LoadUse, site, message, label));
            let Some(path) = named_by(root, written) else {
                let help = "name it relative to this file, without `..`: `sim \"devices/modem.flow\"`";
                return problem(format!("`{written}` cannot be the device"), "not beside or below this file")
                    .map(|problem| problem.help(help));
            };
            if self.read(&path, Some(folder_of(root))).is_err() {
                let help = "make the file, or correct the path";
                return problem(format!("there is no device file `{written}`"), "named here").map(|p| p.help(help));
            }
            let kind = self.known(&path).and_then(|known| known.kind());
            match kind {
                Some(FileKind::Device) | None => None,
                Some(other) => {
                    let help = "a device file begins with `device \"title\"`";
                    problem(format!("`{written}` is a {}, not a device", other.title()), "named here")
                        .map(|problem| problem.help(help))
                }
            }
        };
        known.devices().into_iter().filter_map(wrong).collect()
    }
}

fn finding(problem: &Diagnostic, label: &Label, sources: &Sources, texts: &mut BTreeMap<String, Text>) -> Finding {
    let mut place = |label: &Label| {
        let source = sources.get(label.site.source);
        let text = texts.entry(source.name().to_string()).or_insert_with(|| Text::new(source.text().clone()));
        Place { path: PathBuf::from(source.name()), range: text.range(label.site.span) }
    };
    let message = if label.text.is_empty() || problem.message.contains(&label.text) {
        problem.message.clone()
    } else {
        format!("{}: {}", problem.message, label.text)
    };
    let related =
        problem.others.iter().map(|other| Related { place: place(other), message: sources.covered(&other.text) });
    let related = related.filter(|related| !is_built_in(&related.place.path)).collect();
    Finding {
        range: place(label).range,
        code: problem.code,
        severity: problem.severity(),
        message: sources.covered(&message),
        help: problem.help.as_deref().map(|help| sources.covered(help)),
        related,
    }
}
