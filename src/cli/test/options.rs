//! What the options of `flowrun test` mean.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::super::args::TestArguments;
use super::super::given::typed_variable;
use crate::address::Address;
use crate::diagnostic::{Code, Diagnostic};
use crate::report::json::render_json;
use crate::report::junit::render_junit;
use crate::report::suite::SuiteReport;
use crate::report::tap::render_tap;
use crate::suite::volatile::Volatile;
use crate::variables::{Given, Ways};

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
    pub kind: Kind,
    pub path: PathBuf,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Junit,
    Json,
    Tap,
}

impl Kind {
    pub(super) fn render(self, suite: &SuiteReport) -> String {
        match self {
            Kind::Junit => render_junit(suite),
            Kind::Json => render_json(suite),
            Kind::Tap => render_tap(suite),
        }
    }
}

impl Wanted {
    pub(super) fn read(arguments: &TestArguments) -> Result<Wanted, Diagnostic> {
        let mut volatile = Volatile::default();
        for rule in &arguments.volatile {
            volatile.add_typed(rule).map_err(|why| wrong(format!("`--volatile {rule}`: {why}")))?;
        }
        let given = arguments.vars.iter().map(|text| typed_variable(text, Ways::OF_FILE)).collect::<Result<_, _>>()?;
        let port = arguments.port.as_deref().filter(|port| !port.is_empty());
        Ok(Wanted {
            address: port.map_or(Address::OwnDevice, Address::parse),
            shard: arguments.shard.as_deref().map(shard).transpose()?,
            volatile,
            reports: arguments.report.iter().map(|text| report(text)).collect::<Result<_, _>>()?,
            given,
            used: Mutex::default(),
        })
    }

    /// Takes note that a flow has these variables.
    pub(super) fn note_used(&self, given: &[Given]) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.extend(given.iter().map(|given| given.name.clone()));
    }

    /// Returns a variable that no flow had, if all flows were asked.
    pub(super) fn unused(&self, is_complete: bool) -> Option<String> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let unused = self.given.iter().find(|given| !used.contains(&given.name));
        unused.filter(|_| is_complete).map(|given| given.name.clone())
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
    let help = "write `--report junit=FILE`, `json=FILE` or `tap=FILE`";
    let known = text.split_once('=').and_then(|(kind, path)| match kind {
        "junit" => Some((Kind::Junit, path)),
        "json" => Some((Kind::Json, path)),
        "tap" => Some((Kind::Tap, path)),
        _ => None,
    });
    match known {
        Some((kind, path)) if !path.is_empty() => Ok(Report { kind, path: PathBuf::from(path) }),
        Some(_) | None => Err(wrong(format!("`--report {text}` is no report")).help(help)),
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
        assert_eq!((read.kind, read.path), (Kind::Junit, PathBuf::from("a=b.xml")));
        for text in ["junit", "xml=a", "json="] {
            assert!(report(text).is_err(), "{text}");
        }
    }
}
