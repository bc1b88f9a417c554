//! `Bench`: what `flowrun.toml` says of a bench: names of ports, profiles, options of tests, hooks; checked, with places.

mod find;
mod ledger;
mod read;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{LARGEST_TEXT, Reach, read_file};
use crate::settings::{SettingValue, Settings};
use crate::source::{Site, Sources};
use crate::value::escape::harmless_path;
pub(crate) use find::{find, find_named};
pub(crate) use ledger::{Ledger, Standing};

/// What the file is called.
pub(crate) const FILE: &str = "flowrun.toml";

/// What a file says.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The file, as it was found.
    pub file: PathBuf,
    /// The texts that the sites of its parts point into.
    pub sources: Sources,
    pub ports: Vec<NamedPort>,
    pub profiles: Vec<Profile>,
    pub benches: Vec<NamedBench>,
    pub test: TestOptions,
    pub hooks: Vec<Hook>,
    /// What was read: what is allowed is this, and nothing else that may have the name of the file later.
    bytes: Vec<u8>,
}

/// `[ports.NAME]`: a port with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedPort {
    pub name: String,
    /// The address, with the path of a device or a recording as seen from here.
    pub address: String,
    /// Where the address stands.
    pub site: Site,
    /// The settings of its line instead of the flow's, each of which fits.
    pub settings: Vec<(String, SettingValue)>,
}

/// `[bench.NAME]`: where the ports of flows are on a bench, for `--bench NAME`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamedBench {
    pub name: String,
    /// The name that flows have for a port, and its address or its name in `[ports.NAME]`.
    pub ports: Vec<(String, String)>,
    /// Where an address stands that runs a program.
    pub program: Option<Site>,
}

/// `[profile.NAME]`: what `--profile NAME` gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub name: String,
    /// Values for the variables of flows; they may be secrets.
    pub vars: Vec<(String, String)>,
    /// The ports that are taken if the command line names none.
    pub ports: Vec<String>,
    /// How long a port that is not there yet is awaited.
    pub wait: Duration,
    /// How long a port may be away that goes during a run, whatever the flow says.
    pub reconnect: Option<Duration>,
}

/// `[test]`: options of `flowrun test` that hold if the command line does not give them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TestOptions {
    pub jobs: Option<usize>,
    pub strict: bool,
    pub volatile: Vec<String>,
}

/// A line of `[hooks]`: a program with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hook {
    pub name: String,
    /// The program and its arguments, with `{0}`, `{1}` … for what a flow gives.
    pub words: Vec<String>,
    /// The same as it is shown.
    pub command: String,
    pub site: Site,
}

/// Why a file cannot be used.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub problems: Vec<Diagnostic>,
    pub sources: Sources,
}

impl Bench {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it. What stands in `vars` is in no message.
    pub(crate) fn read(file: &Path) -> Result<Bench, Wrong> {
        let unreadable = |why: String| {
            let message = format!("`{}` cannot be read: {why}", harmless_path(file));
            Wrong { problems: vec![Diagnostic::general(Code::BenchFile, message)], sources: Sources::default() }
        };
        let bytes = read_file(file, Reach::Anywhere, LARGEST_TEXT).map_err(|error| unreadable(error.to_string()))?;
        Bench::of(file, bytes).map_err(|wrong| wrong.unwrap_or_else(|| unreadable("it is not UTF-8".to_string())))
    }

    /// Reads what stands in a file; `None` if it is no text.
    fn of(file: &Path, bytes: Vec<u8>) -> Result<Bench, Option<Wrong>> {
        let text = std::str::from_utf8(&bytes).map_err(|_| None)?.to_string();
        let mut bench = read::bench(file, &text).map_err(Some)?;
        bench.bytes = bytes;
        Ok(bench)
    }

    /// Returns the port with a name.
    pub(crate) fn port(&self, name: &str) -> Option<&NamedPort> {
        self.ports.iter().find(|port| port.name == name)
    }

    /// Returns the bench with a name.
    pub(crate) fn bench(&self, name: &str) -> Option<&NamedBench> {
        self.benches.iter().find(|bench| bench.name == name)
    }

    /// Returns the profile with a name.
    pub(crate) fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }

    /// Returns everything that the file would have run on this machine: where it stands, and what it is.
    pub(crate) fn programs(&self) -> Vec<(String, &str)> {
        let ports = self.ports.iter().filter(|port| port.runs_a_program());
        let ports = ports.map(|port| (format!("[ports.{}]", port.name), port.address.as_str()));
        let benches = self.benches.iter().flat_map(|bench| {
            let programs = bench.ports.iter().filter(|(_, address)| runs_a_program(address));
            programs.map(|(port, address)| (format!("[bench.{}] {port}", bench.name), address.as_str()))
        });
        let hooks = self.hooks.iter().map(|hook| (format!("[hooks] {}", hook.name), hook.command.as_str()));
        ports.chain(benches).chain(hooks).collect()
    }

    /// Returns whether the user has allowed this file as it was read.
    pub(crate) fn standing(&self, ledger: &Ledger) -> Standing {
        ledger.standing(&self.file, &self.bytes)
    }
}

/// Says whether an address is a program to be run.
fn runs_a_program(address: &str) -> bool {
    address.split_once(':').is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("exec"))
}

impl NamedPort {
    /// Says whether its address is a program to be run.
    pub(crate) fn runs_a_program(&self) -> bool {
        runs_a_program(&self.address)
    }

    /// Returns the settings of a flow with those of the port.
    pub(crate) fn settings_over(&self, flow: &Settings) -> Settings {
        let mut settings = flow.clone();
        for (name, value) in &self.settings {
            // They were tried when the file was read.
            let _ = settings.set(name, value);
        }
        settings
    }
}

#[cfg(test)]
mod tests;
