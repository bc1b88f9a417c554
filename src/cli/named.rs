//! What the names of ports and profiles stand for that were typed, as `flowrun.toml` says.

use std::path::Path;
use std::time::Duration;

use super::Ending;
use super::assign::split_port;
use super::host::{self, data_folder, home};
use super::places;
use super::terminal::Terminal;
use super::wait;
use crate::address::{Address, AddressError, Known, expand, read_one};
use crate::bench::{Bench, FILE, Ledger, NamedPort, Profile, Standing, TestOptions, Wrong, find};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::labgrid::Laboratory;
use crate::origin::Origin;
use crate::settings::Settings;
use crate::setup::present;
use crate::source::{Site, Sources};
use crate::transport::list;
use crate::value::escape::{harmless, harmless_path};
use crate::variables::{self, Given};

/// Ports and variables, with nothing left in them that only a file can explain, and the places of a laboratory that are
/// among the ports: they are held as long as this is there.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// The addresses, as the command line could have named them: with the name of a flow's port where one was typed.
    pub ports: Vec<String>,
    /// What a profile gives to the variables of flows.
    pub vars: Vec<Given>,
    /// The options of `flowrun test`.
    pub test: TestOptions,
    /// How long a port that is not there yet is awaited: as a profile says, until the command line is read.
    pub wait: Duration,
    /// How long a port may be away, as a profile says.
    reconnect: Option<Duration>,
    /// The profile and the bench that were named.
    profile: Option<String>,
    bench: Option<String>,
    /// The ports that had names, each at its address.
    known: Vec<NamedPort>,
    laboratory: Option<Laboratory>,
}

impl Named {
    /// Takes note that the ports are those of a bench.
    #[must_use]
    pub(super) fn on_bench(self, bench: &str) -> Named {
        Named { bench: Some(bench.to_string()), ..self }
    }

    /// Returns when and where a run on these ports begins now.
    pub(super) fn origin(&self) -> Origin {
        Origin { profile: self.profile.clone(), bench: self.bench.clone(), ..host::origin(present()) }
    }

    /// Returns the addresses of ports, with a run on each; the place of a pattern is taken by what fits it.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(super) fn addresses_of_runs(&self, texts: &[String]) -> Result<Vec<Address>, AddressError> {
        expand(texts, self.surroundings())
    }

    /// Returns the address of each port of one run.
    ///
    /// # Errors
    ///
    /// What is wrong with one, or that several fit.
    pub(super) fn addresses_of_ports(&self, texts: &[String]) -> Result<Vec<Address>, AddressError> {
        texts.iter().map(|text| read_one(text, self.surroundings())).collect()
    }

    /// Returns the address of the first port, the only one of a command that takes one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or that several fit.
    pub(super) fn address(&self) -> Result<Address, AddressError> {
        read_one(self.ports.first().map_or("", String::as_str), self.surroundings())
    }

    /// Returns what a look finds, and waits for ports that are not there yet: as long as was typed, or as the profile says. What is
    /// left of that time is for the opening of the ports.
    ///
    /// # Errors
    ///
    /// What is wrong with the addresses, or that a port did not come, and that has been told.
    pub(super) fn awaited<T>(
        &mut self,
        typed: Option<&str>,
        terminal: &Terminal,
        look: impl Fn(&Named) -> Result<T, AddressError>,
    ) -> Result<T, Ending> {
        let lasting = wait::lasting(typed, self.wait).map_err(|problem| {
            terminal.refuse(problem);
            Ending::Refused
        })?;
        let (found, left) = wait::found(lasting, || look(self), terminal)?;
        self.wait = left;
        Ok(found)
    }

    /// Releases the places of a laboratory, and says which may still be held. They are released silently with this.
    pub(super) fn release(&mut self, terminal: &Terminal) {
        if let Some(laboratory) = self.laboratory.take() {
            places::release(laboratory, terminal);
        }
    }

    fn surroundings(&self) -> Known<'_> {
        Known { listed: &list, places: self.laboratory.as_ref().map_or(&[], Laboratory::places) }
    }

    /// Returns the settings of a flow as the file has them for the port at an address.
    pub(super) fn settings_at(&self, address: &Address, flow: &Settings) -> Settings {
        let is_it = |port: &&NamedPort| {
            let typed = std::slice::from_ref(&port.address);
            // One port may have been named in two ways.
            let is_same = |found: &Address| found.to_string() == address.to_string();
            !port.settings.is_empty() && expand(typed, self.surroundings()).is_ok_and(|found| found.iter().any(is_same))
        };
        let mut settings = flow.clone();
        settings.reconnect = self.reconnect.unwrap_or(settings.reconnect);
        // What is said of one port counts before what is said of all.
        if let Some(port) = self.known.iter().find(is_it) {
            settings = port.settings_over(&settings);
        }
        settings.line.wait = self.wait;
        settings
    }
}

/// How much of a file a command asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Names and profiles, if there are any among what was typed.
    Names,
    /// Its `[test]` too.
    TestOptions,
}

/// Returns what was typed with addresses in place of names, and acquires the places of a laboratory that are among them.
/// The file is looked for from a folder upwards.
///
/// # Errors
///
/// A name stands for nothing, something is wrong with the file, or a place cannot be used, and that has been told.
pub(super) fn named(
    typed: &[String],
    profile: Option<&str>,
    asks: Asks,
    folder: &Path,
    terminal: &Terminal,
) -> Result<Named, Ending> {
    let named = explained(typed, profile, asks, folder, terminal)?;
    let addresses: Vec<String> = named.ports.iter().map(|port| split_port(port).1.to_string()).collect();
    let laboratory = places::hold(&addresses, terminal)?;
    Ok(Named { laboratory, ..named })
}

/// Returns the ports of a bench that `flowrun.toml` names, as the command line could have typed them.
///
/// # Errors
///
/// There is no such bench, or something is wrong with the file, and that has been told.
pub(super) fn ports_of_bench(name: &str, folder: &Path, terminal: &Terminal) -> Result<Vec<String>, Ending> {
    let refused = |problem: Diagnostic, sources: &Sources| {
        terminal.report(&[problem], sources);
        Ending::Refused
    };
    let Some(file) = find(folder, home().as_deref()) else {
        return Err(refused(no_file(&format!("`--bench {}`", harmless(name))), &Sources::default()));
    };
    let bench = Bench::read(&file).map_err(|Wrong { problems, sources }| {
        terminal.report(&problems, &sources);
        Ending::Refused
    })?;
    let Some(known) = bench.bench(name) else {
        let names = bench.benches.iter().map(|bench| bench.name.as_str());
        let message = format!("`{}` has no bench `{}`", harmless_path(&bench.file), harmless(name));
        let problem = Diagnostic::general(Code::CommandLine, message).help(meant(name, names, "[bench.NAME]"));
        return Err(refused(problem, &bench.sources));
    };
    if let Some(site) = known.program {
        check_allowed(&bench, site, "this address runs a program")
            .map_err(|problem| refused(*problem, &bench.sources))?;
    }
    Ok(known.ports.iter().map(|(port, address)| format!("{port}={address}")).collect())
}

fn explained(
    typed: &[String],
    profile: Option<&str>,
    asks: Asks,
    folder: &Path,
    terminal: &Terminal,
) -> Result<Named, Ending> {
    let plain = || Named { ports: typed.to_vec(), ..Named::default() };
    if profile.is_none() && asks == Asks::Names && !typed.iter().any(|port| name_in(split_port(port).1).is_some()) {
        return Ok(plain());
    }
    let refused = |problem: Diagnostic, sources: &Sources| {
        terminal.report(&[problem], sources);
        Ending::Refused
    };
    let Some(file) = find(folder, home().as_deref()) else {
        let must = typed
            .iter()
            .find(|port| split_port(port).1.starts_with('@'))
            .map(|port| format!("`--port {}`", harmless(port)));
        let must = profile.map(|name| format!("`--profile {}`", harmless(name))).or(must);
        return must.map_or_else(|| Ok(plain()), |what| Err(refused(no_file(&what), &Sources::default())));
    };
    let bench = Bench::read(&file).map_err(|Wrong { problems, sources }| {
        terminal.report(&problems, &sources);
        Ending::Refused
    })?;
    resolve(&bench, typed, profile, asks).map_err(|problem| refused(*problem, &bench.sources))
}

/// Returns what was typed with what a file says in place of names.
fn resolve(bench: &Bench, typed: &[String], profile: Option<&str>, asks: Asks) -> Result<Named, Box<Diagnostic>> {
    let profile = profile.map(|name| profile_of(bench, name)).transpose()?;
    let mut named = Named::default();
    let typed = match &profile {
        Some(profile) if typed.is_empty() => &profile.ports,
        Some(_) | None => typed,
    };
    for text in typed {
        let (of_flow, port) = split_port(text);
        let known = name_in(port).and_then(|name| bench.port(name));
        match known {
            Some(known) => {
                if known.runs_a_program() {
                    check_allowed(bench, known.site, "this address runs a program")?;
                }
                let address = known.address.clone();
                named.ports.push(of_flow.map_or_else(|| address.clone(), |name| format!("{name}={address}")));
                named.known.push(known.clone());
            }
            None if port.starts_with('@') => return Err(Box::new(unknown(bench, port))),
            // It may be a device node, such as `COM3`.
            None => named.ports.push(text.clone()),
        }
    }
    if let Some(profile) = profile {
        named.wait = profile.wait;
        named.reconnect = profile.reconnect;
        named.profile = Some(profile.name.clone());
        let origin = variables::Origin::Profile(bench.file.display().to_string());
        named.vars = profile.vars.iter().map(|(name, value)| Given::new(name, value, origin.clone())).collect();
    }
    if asks == Asks::TestOptions {
        named.test = bench.test.clone();
    }
    let is_used = profile.is_some() || !named.known.is_empty() || named.test != TestOptions::default();
    if let (true, Some(hook)) = (is_used, bench.hooks.first()) {
        check_allowed(bench, hook.site, "this runs a program")?;
    }
    Ok(named)
}

fn profile_of<'a>(bench: &'a Bench, name: &str) -> Result<&'a Profile, Box<Diagnostic>> {
    bench.profile(name).ok_or_else(|| {
        let names = bench.profiles.iter().map(|profile| profile.name.as_str());
        let message = format!("`{}` has no profile `{}`", harmless_path(&bench.file), harmless(name));
        Box::new(Diagnostic::general(Code::CommandLine, message).help(meant(name, names, "[profile.NAME]")))
    })
}

fn unknown(bench: &Bench, typed: &str) -> Diagnostic {
    let name = typed.trim_start_matches('@');
    let names = bench.ports.iter().map(|port| port.name.as_str());
    let message = format!("`{}` has no port `{}`", harmless_path(&bench.file), harmless(name));
    Diagnostic::general(Code::CommandLine, message).help(meant(name, names, "[ports.NAME]"))
}

/// Returns the nearest name, or all.
fn meant<'a>(name: &str, names: impl Iterator<Item = &'a str> + Clone, table: &str) -> String {
    let all: Vec<&str> = names.clone().collect();
    match (nearest(name, names), all.as_slice()) {
        (Some(near), _) => format!("did you mean `{}`?", harmless(near)),
        (None, []) => format!("it has no table `{table}`"),
        (None, all) => format!("there are: `{}`", harmless(all.join("`, `"))),
    }
}

/// Makes sure that the user has allowed a file to run programs.
pub(super) fn check_allowed(bench: &Bench, site: Site, label: &str) -> Result<(), Box<Diagnostic>> {
    let standing = data_folder().map_or(Standing::New, |data| bench.standing(&Ledger::below(&data)));
    let file = harmless_path(&bench.file);
    let allow = format!("look at what it runs, then `flowrun allow {file}`");
    let (message, help) = match standing {
        Standing::Allowed => return Ok(()),
        Standing::New => (format!("`{file}` is not allowed to run programs"), allow),
        Standing::Changed => (format!("`{file}` has changed since it was allowed to run programs"), allow),
        Standing::Unsafe(why) => (
            format!("`{file}` cannot be allowed to run programs: {}", harmless(&why)),
            "only you may be able to write it".to_string(),
        ),
    };
    Err(Box::new(Diagnostic::new(Code::BenchFile, site, message, label).help(help)))
}

fn no_file(what: &str) -> Diagnostic {
    let message = format!("{what} is a name, and there is no `{FILE}` that defines it");
    Diagnostic::general(Code::CommandLine, message)
        .help("it belongs in the folder of the flow, or above it in the same repository")
}

/// Returns the name in what was typed for a port, if it may be one: `@modem`, or a word that is no path, pattern or address
/// of another kind.
fn name_in(typed: &str) -> Option<&str> {
    let is_word = !typed.is_empty() && typed != "sim" && !typed.contains(['/', '\\', ':', '*', '?', '[']);
    typed.strip_prefix('@').or_else(|| is_word.then_some(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_may_be_a_name_and_a_path_is_none() {
        for (typed, name) in [("modem", "modem"), ("@modem", "modem"), ("COM3", "COM3"), ("dev.1", "dev.1"), ("@", "")]
        {
            assert_eq!(name_in(typed), Some(name));
        }
        for typed in ["", "sim", "sim:a.flow", "./modem", "/dev/modem", "tty*", "usb:at=1-1", "\\\\.\\COM10"] {
            assert_eq!(name_in(typed), None, "{typed}");
        }
    }
}
