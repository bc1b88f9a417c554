//! What the options of `flowrun test` mean.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::super::Ending;
use super::super::args::{LineArguments, TestArguments};
use super::super::assign::{Assigned, assign, assign_bench, split_port};
use super::super::given::{device_variables, read_variables, settings, variables};
use super::super::named::Named;
use super::super::one_port::shared;
use super::super::refusal::address_problem;
use super::super::reports::Report;
use super::super::terminal::Terminal;
use crate::address::Address;
use crate::bench::FILE;
use crate::diagnostic::{Code, Diagnostic};
use crate::program::Program;
use crate::settings::Settings;
use crate::setup::{Counterpart, End};
use crate::suite::volatile::Volatile;
use crate::value::escape::harmless;
use crate::variables::{Given, GivenFile, Offered, Ways};

/// What was asked for.
pub(super) struct Wanted {
    /// Where the other ends of all flows are, as far as it was said.
    pub addresses: Vec<Address>,
    pub volatile: Volatile,
    pub reports: Vec<Report>,
    /// What options give to the variables of the flows that have them.
    given: Offered,
    /// What options give to the variables of the devices that have them.
    sim_given: Offered,
    /// What is changed in the settings of all lines; it is known to be right.
    line: LineArguments,
    /// The bench that has the ports, if one was named.
    bench: Option<String>,
    /// What `flowrun.toml` says.
    pub named: Named,
    used: Mutex<Used>,
}

/// What flows took of what was given.
#[derive(Debug, Default)]
struct Used {
    /// The names of variables and files that some flow had.
    names: BTreeSet<String>,
    /// The names of variables that some device had.
    sim_names: BTreeSet<String>,
    /// How many flows were asked; one that cannot be read is not.
    n_flows: usize,
}

impl Wanted {
    /// Reads them, and waits for the ports if that was asked for.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and that has been told.
    pub(super) fn read(arguments: &TestArguments, named: Named, terminal: &Terminal) -> Result<Wanted, Ending> {
        let mut wanted = Wanted::checked(arguments, named).map_err(|problems| {
            problems.into_iter().for_each(|problem| terminal.refuse(problem));
            Ending::Refused
        })?;
        let typed = wanted.named.ports.iter().map(|port| split_port(port).1.to_string());
        let typed: Vec<String> = typed.filter(|port| !port.is_empty()).collect();
        let wait = arguments.wait_port.as_deref();
        wanted.addresses = wanted.named.awaited(wait, terminal, |named| named.addresses_of_ports(&typed))?;
        Ok(wanted)
    }

    fn checked(arguments: &TestArguments, named: Named) -> Result<Wanted, Vec<Diagnostic>> {
        let mut given = read_variables(&arguments.variables);
        let mut sim_given = device_variables(&arguments.sim_vars);
        let mut problems = std::mem::take(&mut given.problems);
        problems.append(&mut sim_given.problems);
        problems.extend(settings(&Settings::default(), &arguments.line).err().into_iter().flatten());
        match Wanted::of(arguments, named, given, sim_given) {
            Ok(wanted) if problems.is_empty() => Ok(wanted),
            Ok(_) => Err(problems),
            Err(problem) => Err([vec![problem], problems].concat()),
        }
    }

    fn of(arguments: &TestArguments, named: Named, given: Offered, sim_given: Offered) -> Result<Wanted, Diagnostic> {
        let mut volatile = Volatile::default();
        for rule in &arguments.snapshots.volatile {
            volatile.add_typed(rule).map_err(|why| wrong(format!("`--volatile {rule}`: {why}")))?;
        }
        for rule in &named.test.volatile {
            volatile.add_typed(rule).map_err(|why| wrong(format!("`volatile` of `{FILE}`, `{rule}`: {why}")))?;
        }
        let unnamed = named.ports.iter().filter(|port| split_port(port).0.is_none()).count();
        if unnamed > 1 {
            let message = format!("{unnamed} ports were given, and a flow of a suite runs on one");
            return Err(
                wrong(message).help("name one of them; a flow that declares its ports takes `--port NAME=ADDRESS`")
            );
        }
        Ok(Wanted {
            addresses: Vec::new(),
            volatile,
            reports: arguments.kept.report.iter().map(|text| Report::of_suite(text)).collect::<Result<_, _>>()?,
            given,
            sim_given,
            line: arguments.line.clone(),
            bench: arguments.bench.clone(),
            named,
            used: Mutex::default(),
        })
    }

    /// Says whether a real port was named.
    pub(super) fn is_real(&self) -> bool {
        self.addresses.iter().any(Address::is_real)
    }

    /// Returns the addresses of a flow: one for each of its ports, or one for all.
    ///
    /// # Errors
    ///
    /// What was typed does not fit the flow's ports.
    pub(super) fn addresses_of(&self, flow: &Program) -> Result<Vec<Address>, Box<Diagnostic>> {
        if self.addresses.is_empty() {
            return Ok(vec![Address::OwnDevice]);
        }
        let texts = match &self.bench {
            Some(bench) => assign_bench(bench, &self.named.ports, &flow.ports)?,
            None => match assign(&self.named.ports, &flow.ports)? {
                Assigned::Runs(texts) | Assigned::Ports(texts) => texts,
            },
        };
        let addresses = self.named.addresses_of_ports(&texts).map_err(|error| Box::new(address_problem(&error)))?;
        match shared(&flow.ports, &addresses) {
            Some(problem) => Err(Box::new(problem)),
            None => Ok(addresses),
        }
    }

    /// Returns the settings of the line at an address of a flow with these settings.
    pub(super) fn settings_at(&self, address: &Address, flow: &Settings) -> Settings {
        let of_port = self.named.settings_at(address, flow);
        settings(&of_port, &self.line).unwrap_or(of_port)
    }

    /// Returns what the environment and options give to a flow, and to its devices; what they do not have may be for another.
    pub(super) fn offered(&self, flow: &Program, counterpart: &Counterpart) -> (Offered, Offered) {
        let has = |given: &&Given| flow.params.iter().any(|param| param.name == given.name);
        let of_profile = self.named.vars.iter().filter(has).cloned();
        let typed: Vec<Given> = self.given.given.iter().filter(has).cloned().collect();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.n_flows += 1;
        used.names.extend(typed.iter().map(|given| given.name.clone()));
        let declares = |file: &&GivenFile| flow.params.iter().any(|param| param.is_file && param.name == file.name);
        let files: Vec<GivenFile> = self.given.files.iter().filter(declares).cloned().collect();
        used.names.extend(files.iter().map(|file| file.name.clone()));
        let for_device = |given: &&Given| has_device_variable(flow, counterpart, &given.name);
        let of_device: Vec<Given> = self.sim_given.given.iter().filter(for_device).cloned().collect();
        used.sim_names.extend(of_device.iter().map(|given| given.name.clone()));
        let given = of_profile.chain(typed).collect();
        let of_flow = variables(flow, &Offered { given, files, problems: Vec::new() });
        (of_flow, Offered { given: of_device, ..Offered::default() })
    }

    /// Returns what is wrong with a variable or a file that none of so many flows had; nothing if one of them could not say.
    pub(super) fn unused(&self, n_flows: usize) -> Option<Diagnostic> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.n_flows < n_flows {
            return None;
        }
        if let Some(given) = self.given.given.iter().find(|given| !used.names.contains(&given.name)) {
            let (name, how) = (harmless(&given.name), given.how(Ways::OF_FILE));
            let problem = wrong(format!("no flow here has the variable `{name}`, which was given {how}"));
            return Some(problem.help("a variable is set in the flows that have it"));
        }
        if let Some(given) = self.sim_given.given.iter().find(|given| !used.sim_names.contains(&given.name)) {
            let problem = wrong(format!("no simulated device here has the variable `{}`", harmless(&given.name)));
            let help = "`--sim-var NAME=VALUE` is for the devices that have NAME; where a flow has several ports, \
                        write `--sim-var PORT.NAME=VALUE`";
            return Some(problem.help(help));
        }
        let file = self.given.files.iter().find(|file| !used.names.contains(&file.name))?;
        let problem = wrong(format!("no flow here has the file `{}`", file.name));
        Some(problem.help("`--file` gives a file to the flows that declare it with `file`"))
    }
}

/// Says whether a variable that `--sim-var` names is one of what plays the other ends of a flow; of a recording it is a secret.
fn has_device_variable(flow: &Program, counterpart: &Counterpart, name: &str) -> bool {
    let has = |device: &Program, name: &str| device.params.iter().any(|param| param.name == name);
    match counterpart {
        Counterpart::Real(_) => false,
        Counterpart::Device(device) => has(device, name),
        Counterpart::Recording(_) => true,
        Counterpart::Several(ends) => name.split_once('.').is_some_and(|(port, name)| {
            let mut ports = flow.ports.iter().zip(ends);
            ports.any(|(declared, end)| match end {
                End::Device(device) => declared.name == port && has(device, name),
                End::Real(_) => false,
            })
        }),
    }
}

fn wrong(message: String) -> Diagnostic {
    Diagnostic::general(Code::CommandLine, message)
}
