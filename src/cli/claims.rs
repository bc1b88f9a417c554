//! `Claims`: what a command reads and what it writes, so that no file is overwritten that it needs, or that it writes too.

use std::fs;
use std::path::Path;

use super::args::{LimitArguments, VariableArguments};
use super::given::named_file;
use crate::address::Address;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::Identity;
use crate::load::STANDARD;
use crate::program::Program;
use crate::setup::Found;
use crate::value::escape::harmless_path;

/// The files of a command.
#[derive(Debug, Default)]
pub(super) struct Claims {
    files: Vec<Claim>,
}

/// A file, and what it is to the command.
#[derive(Debug)]
struct Claim {
    what: String,
    identity: Identity,
    use_of_it: Use,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Read,
    Written,
}

/// A file that a command is to write.
#[derive(Debug)]
pub(super) struct Output<'a> {
    /// What it is, such as `transcript`.
    pub title: &'a str,
    pub path: &'a Path,
    /// How another is named.
    pub option: &'a str,
}

impl Claims {
    /// Takes note that a file is read; `what` it is, such as "the recording that is played".
    pub(super) fn reads(&mut self, what: &str, path: &Path) {
        if let Some(identity) = Identity::of(path) {
            self.files.push(Claim { what: what.to_string(), identity, use_of_it: Use::Read });
        }
    }

    /// Takes note that the files of a program are read; `what` the program is.
    pub(super) fn reads_program(&mut self, what: &str, program: &Program) {
        let names = program.sources.iter().map(|(_, source)| source.name());
        for name in names.filter(|name| STANDARD.iter().all(|(standard, _)| standard != name)) {
            self.reads(what, Path::new(name));
        }
    }

    /// Takes note of the files that options give to variables and to limits.
    pub(super) fn reads_given(&mut self, variables: &VariableArguments, limits: &LimitArguments) {
        variables.files.iter().for_each(|path| self.reads("a file of variables", path));
        let contents = variables.var_files.iter().filter_map(|text| named_file(text));
        contents.for_each(|(_, path)| self.reads("the value of a variable", path));
        let named = variables.named_files.iter().filter_map(|text| named_file(text));
        named.for_each(|(_, path)| self.reads("a file that the flow is given", path));
        limits.limits.iter().for_each(|path| self.reads("a file of limits", path));
    }

    /// Takes note that what was found at an address is read.
    pub(super) fn reads_found(&mut self, found: &Found) {
        for address in &found.addresses {
            match address {
                Address::Recording(path) => self.reads("the recording that is played", path),
                Address::OwnDevice | Address::Device(_) | Address::Real(_) => {}
            }
        }
        for device in found.counterpart.devices().flatten() {
            self.reads_program("the simulated device itself, or used by it", device);
        }
        for (_, port) in found.counterpart.real_ports() {
            port.file().into_iter().for_each(|file| self.reads("the port", file));
        }
    }

    /// Takes note that a file is written.
    ///
    /// # Errors
    ///
    /// It is read or written as something else too.
    pub(super) fn writes(&mut self, output: &Output<'_>) -> Result<(), Diagnostic> {
        let Output { title, path, option } = output;
        let Some(identity) = Identity::of(path) else { return Ok(()) };
        // `/dev/null` takes everything.
        let is_file = fs::metadata(path).map_or(true, |found| found.is_file());
        let is_same = |claim: &&Claim| claim.identity == identity && (is_file || claim.use_of_it == Use::Read);
        if let Some(claim) = self.files.iter().find(is_same) {
            let message = format!("the {title} `{}` cannot be written: it is {}", harmless_path(path), claim.what);
            let help = format!("name another file with `{option}`");
            return Err(Diagnostic::general(Code::CommandLine, message).help(help));
        }
        let what = format!("named for the {title} too");
        self.files.push(Claim { what, identity, use_of_it: Use::Written });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_or_written_once() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let path = |name: &str| folder.path().join(name);
        let mut claims = Claims::default();
        fs::write(path("dev.flow"), "").expect("there is room");
        fs::hard_link(path("dev.flow"), path("hard")).expect("a link can be made");
        claims.reads("the simulated device itself, or used by it", &path("dev.flow"));
        claims.reads("a file of variables", &path("missing"));
        let mut writes = |title: &str, name: &str| {
            let output = Output { title, path: &path(name), option: "--x FILE" };
            claims
                .writes(&output)
                .map_err(|problem| problem.message.rsplit_once(": ").expect("it says why").1.to_string())
        };
        // Not every system says that two names are one file.
        let names = if cfg!(unix) { vec!["dev.flow", "hard"] } else { vec!["dev.flow"] };
        for name in names {
            assert_eq!(writes("transcript", name), Err("it is the simulated device itself, or used by it".to_string()));
        }
        assert_eq!(writes("transcript", "missing"), Err("it is a file of variables".to_string()));
        assert_eq!((writes("transcript", "new"), writes("recording", "new.rec")), (Ok(()), Ok(())));
        assert_eq!(writes("events", "./new"), Err("it is named for the transcript too".to_string()));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_takes_everything_but_is_not_read_too() {
        let null = Path::new("/dev/null");
        let output = |title| Output { title, path: null, option: "--x FILE" };
        let mut claims = Claims::default();
        assert!(claims.writes(&output("transcript")).is_ok() && claims.writes(&output("events")).is_ok());
        claims.reads("the port", null);
        assert!(claims.writes(&output("recording")).is_err());
    }
}
