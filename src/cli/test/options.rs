//! What the options of `flowrun test` mean.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, io};

use super::super::args::TestArguments;
use super::super::given::{from_environment, typed_variable};
use super::super::refusal::address_problem;
use crate::address::Address;
use crate::diagnostic::{Code, Diagnostic};
use crate::program::Program;
use crate::report::format::Format;
use crate::report::suite::SuiteReport;
use crate::suite::volatile::Volatile;
use crate::variables::{Given, Offered, Ways};

/// What was asked for.
pub(super) struct Wanted {
    /// Where the other end of all flows is.
    pub address: Address,
    /// Which part of how many.
    pub shard: Option<(usize, usize)>,
    pub volatile: Volatile,
    pub reports: Vec<Report>,
    pub given: Vec<Given>,
    /// The names of variables that some flow had.
    used: Mutex<BTreeSet<String>>,
}

/// A report to be written.
pub(super) struct Report {
    format: Format,
    path: PathBuf,
}

impl Report {
    pub(super) fn write(&self, suite: &SuiteReport) -> io::Result<()> {
        fs::write(&self.path, self.format.render(suite))
    }

    /// What it is called.
    pub(super) fn title(&self) -> String {
        format!("{} report", self.format.name())
    }

    /// How another file is named for it.
    pub(super) fn option(&self) -> String {
        format!("--report {}=FILE", self.format.name())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Wanted {
    pub(super) fn read(arguments: &TestArguments) -> Result<Wanted, Diagnostic> {
        let mut volatile = Volatile::default();
        for rule in &arguments.snapshots.volatile {
            volatile.add_typed(rule).map_err(|why| wrong(format!("`--volatile {rule}`: {why}")))?;
        }
        let given = arguments.vars.iter().map(|text| typed_variable(text, Ways::OF_FILE)).collect::<Result<_, _>>()?;
        let port = arguments.port.as_deref().filter(|port| !port.is_empty());
        Ok(Wanted {
            address: port.map_or(Ok(Address::OwnDevice), Address::read).map_err(|error| address_problem(&error))?,
            shard: arguments.selection.shard.as_deref().map(shard).transpose()?,
            volatile,
            reports: arguments.report.iter().map(|text| report(text)).collect::<Result<_, _>>()?,
            given,
            used: Mutex::default(),
        })
    }

    /// Returns what the environment and `--var` give to a flow; what it does not have may be for another.
    pub(super) fn offered(&self, flow: &Program) -> Offered {
        let has = |given: &&Given| flow.params.iter().any(|param| param.name == given.name);
        let typed: Vec<Given> = self.given.iter().filter(has).cloned().collect();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.extend(typed.iter().map(|given| given.name.clone()));
        let mut given = from_environment(flow, |name| env::var(name).ok());
        given.extend(typed);
        Offered { given, problems: Vec::new() }
    }

    /// Returns a variable that no flow had.
    pub(super) fn unused(&self) -> Option<String> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        self.given.iter().find(|given| !used.contains(&given.name)).map(|given| given.name.clone())
    }
}

fn shard(text: &str) -> Result<(usize, usize), Diagnostic> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((k, n)) if 1 <= k && k <= n => Ok((k, n)),
        Some(_) | None => Err(wrong(format!("`--shard {text}` is no part of a whole")).help("write `--shard 1/4`")),
    }
}

fn report(text: &str) -> Result<Report, Diagnostic> {
    let known = text.split_once('=').and_then(|(name, path)| Some((Format::find(name)?, path)));
    match known {
        Some((format, path)) if !path.is_empty() => Ok(Report { format, path: PathBuf::from(path) }),
        Some(_) | None => {
            let help = format!("write `--report {}`", Format::choices("`, `", "` or `"));
            Err(wrong(format!("`--report {text}` is no report")).help(help))
        }
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
        assert_eq!(shard("2/4").ok(), Some((2, 4)));
        for text in ["0/4", "5/4", "1", "a/b", "1/0"] {
            assert!(shard(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_report_has_a_kind_and_a_file() {
        let read = report("junit=a=b.xml").expect("it is right");
        assert_eq!((read.format.name(), read.path), ("junit", PathBuf::from("a=b.xml")));
        for text in ["junit", "xml=a", "json="] {
            assert!(report(text).is_err(), "{text}");
        }
    }
}
