//! What the options of `flowrun test` mean.

use std::collections::BTreeSet;
use std::env;
use std::sync::{Mutex, PoisonError};

use super::super::Ending;
use super::super::args::TestArguments;
use super::super::given::{from_environment, typed_variable};
use super::super::named::Named;
use super::super::reports::Report;
use super::super::terminal::Terminal;
use crate::address::Address;
use crate::bench::FILE;
use crate::diagnostic::{Code, Diagnostic};
use crate::program::Program;
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
    /// What `flowrun.toml` says.
    pub named: Named,
    /// The names of variables that some flow had.
    used: Mutex<BTreeSet<String>>,
}

impl Wanted {
    /// Reads them, and waits for the port if that was asked for.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and that has been told.
    pub(super) fn read(arguments: &TestArguments, named: Named, terminal: &Terminal) -> Result<Wanted, Ending> {
        let mut wanted = Wanted::checked(arguments, named).map_err(|problem| {
            terminal.refuse(problem);
            Ending::Refused
        })?;
        if wanted.named.ports.first().is_some_and(|port| !port.is_empty()) {
            wanted.address = wanted.named.awaited_one(arguments.wait_port.as_deref(), terminal)?;
        }
        Ok(wanted)
    }

    fn checked(arguments: &TestArguments, named: Named) -> Result<Wanted, Diagnostic> {
        let mut volatile = Volatile::default();
        for rule in &arguments.snapshots.volatile {
            volatile.add_typed(rule).map_err(|why| wrong(format!("`--volatile {rule}`: {why}")))?;
        }
        for rule in &named.test.volatile {
            volatile.add_typed(rule).map_err(|why| wrong(format!("`volatile` of `{FILE}`, `{rule}`: {why}")))?;
        }
        let given = arguments.vars.iter().map(|text| typed_variable(text, Ways::OF_FILE)).collect::<Result<_, _>>()?;
        if let several @ [_, _, ..] = named.ports.as_slice() {
            let message = format!("the profile has {} ports, and a suite has one", several.len());
            return Err(wrong(message).help("name one of them with `--port`"));
        }
        Ok(Wanted {
            address: Address::OwnDevice,
            shard: arguments.selection.shard.as_deref().map(shard).transpose()?,
            volatile,
            reports: arguments.report.iter().map(|text| Report::of_suite(text)).collect::<Result<_, _>>()?,
            given,
            named,
            used: Mutex::default(),
        })
    }

    /// Returns what the environment and `--var` give to a flow; what it does not have may be for another.
    pub(super) fn offered(&self, flow: &Program) -> Offered {
        let has = |given: &&Given| flow.params.iter().any(|param| param.name == given.name);
        let of_profile = self.named.vars.iter().filter(has).cloned();
        let typed: Vec<Given> = self.given.iter().filter(has).cloned().collect();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.extend(typed.iter().map(|given| given.name.clone()));
        let mut given = from_environment(flow, |name| env::var(name).ok());
        given.extend(of_profile.chain(typed));
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
}
