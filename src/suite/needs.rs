//! `Needs`: which files a flow is made of; a change of one of them says which flows to run again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::address::Address;
use crate::diagnostic::Diagnostic;
use crate::program::{Program, Role};
use crate::setup::{SetupError, find_counterpart, read_program};
use crate::source::Sources;

/// Says where the ports of a flow are.
pub(crate) type Place<'a> = &'a dyn Fn(&Program) -> Result<Vec<Address>, Box<Diagnostic>>;

/// The files that a flow is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// In full, as [`in_full`] returns them.
    files: BTreeSet<PathBuf>,
    /// Whether all are known: what a flow with mistakes uses is not.
    is_whole: bool,
}

impl Needs {
    /// Returns the files of a flow: itself, what it uses, its device or its recording, and what the device uses.
    pub(crate) fn of(flow: &Path, place: Place<'_>) -> Needs {
        let mut needs = Needs { files: BTreeSet::new(), is_whole: false };
        needs.add(flow);
        needs.add(&flow.with_extension("recording"));
        match read_program(Role::Flow, flow) {
            Ok(read) => {
                needs.add_sources(&read.program.sources);
                needs.add_counterpart(flow, &read.program, place);
            }
            Err(error) => needs.add_wrong(&error),
        }
        needs
    }

    /// Says whether the flow may run in another way now that files have changed, each in full.
    pub(crate) fn has_changed(&self, changed: &BTreeSet<PathBuf>) -> bool {
        let may_be_used = |path: &PathBuf| path.extension().is_some_and(|end| end == "flow");
        !self.files.is_disjoint(changed) || !self.is_whole && changed.iter().any(may_be_used)
    }

    /// Returns the files, in full.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    fn add(&mut self, path: &Path) {
        self.files.extend(in_full(path));
    }

    fn add_sources(&mut self, sources: &Sources) {
        sources.iter().for_each(|(_, source)| self.add(Path::new(source.name())));
    }

    fn add_counterpart(&mut self, flow: &Path, program: &Program, place: Place<'_>) {
        let Ok(addresses) = place(program) else { return };
        match find_counterpart(&addresses, flow, program) {
            Ok(found) => {
                found.counterpart.devices().flatten().for_each(|device| self.add_sources(&device.sources));
                for address in &found.addresses {
                    match address {
                        Address::Recording(path) => self.add(path),
                        Address::OwnDevice | Address::Device(_) | Address::Real(_) => {}
                    }
                }
                self.is_whole = true;
            }
            Err(error) => self.add_wrong(&error),
        }
    }

    fn add_wrong(&mut self, error: &SetupError) {
        match error {
            SetupError::Wrong(complaints) => {
                complaints.iter().for_each(|complaint| self.add_sources(&complaint.sources));
            }
            SetupError::WrongRole { path, .. } | SetupError::Unplayable { path, .. } => self.add(path),
            // The flow itself is known, and it has nothing else.
            SetupError::NoCounterpart | SetupError::NoDevice { .. } | SetupError::OneForSeveral { .. } => {
                self.is_whole = true;
            }
            SetupError::NoSeed(_) | SetupError::NoInterrupt(_) | SetupError::NoWait { .. } => {}
        }
    }
}

/// Returns the names under which a change of a file is told: that in its folder, and that of the file itself if the name is
/// a link. A file need not be there.
pub(crate) fn in_full(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let here = fs::canonicalize(folder).ok().zip(path.file_name()).map(|(folder, name)| folder.join(name));
    here.into_iter().chain(fs::canonicalize(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_needs_its_library_its_device_and_what_that_uses() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
        write("a.flow", "flow \"a\"\nuse \"lib.flow\"\nsim \"m.flow\"\nsend \"A\"\nexpect line \"OK\"\n");
        write("lib.flow", "library \"l\"\n");
        write("m.flow", "device \"m\"\nuse \"deep.flow\"\non line \"A\" { reply \"OK\" }\n");
        write("deep.flow", "library \"d\"\n");
        write("other.flow", "flow \"o\"\n");
        let changed = |name: &str| in_full(&folder.path().join(name)).into_iter().collect::<BTreeSet<PathBuf>>();
        let needs = || Needs::of(&folder.path().join("a.flow"), &|_| Ok(vec![Address::OwnDevice]));
        let touched = |names: &[&str]| -> Vec<bool> {
            let needs = needs();
            names.iter().map(|name| needs.has_changed(&changed(name))).collect()
        };
        assert_eq!(touched(&["a.flow", "lib.flow", "m.flow", "deep.flow", "a.recording"]), [true; 5]);
        assert_eq!(touched(&["other.flow", "notes.txt"]), [false; 2]);
        // What a flow with mistakes would use is not known.
        fs::remove_file(folder.path().join("lib.flow")).expect("it is there");
        assert_eq!(touched(&["lib.flow", "m.flow", "other.flow", "notes.txt"]), [true, true, true, false]);
    }
}
