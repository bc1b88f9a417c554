//! A flow and its simulated devices, read and checked for a command that runs it many times.

use std::path::PathBuf;
use std::sync::Arc;

use super::Ending;
use super::args::{LimitArguments, VariableArguments};
use super::assign::{Assigned, assign};
use super::claims::{Claims, Output};
use super::given::{device_variables, read_variables, variables};
use super::limits;
use super::refusal::{complain, program_for, refuse, refuse_address};
use super::reports::Report as ReportFile;
use super::terminal::Terminal;
use crate::address::Address;
use crate::diagnostic::{Code, Diagnostic};
use crate::program::{Program, Role};
use crate::report::console::Volume;
use crate::setup::{Setup, Terms, find_counterpart};

/// What such a command was given.
pub(super) struct Asked<'a> {
    /// The command.
    pub command: &'static str,
    /// Why it needs a simulated device: a sentence that ends one about an address.
    pub why_simulated: &'static str,
    pub file: &'a PathBuf,
    pub ports: &'a [String],
    pub variables: &'a VariableArguments,
    pub sim_vars: &'a [String],
    pub limits: &'a LimitArguments,
    /// The reports that it writes.
    pub reports: &'a [ReportFile],
}

/// A flow with its devices, and what its ports are called.
pub(super) struct Lab {
    pub flow: Arc<Program>,
    pub setup: Setup,
    pub ports: Vec<String>,
}

impl Asked<'_> {
    /// Reads the files and joins them with the variables, after telling of everything that is wrong with them.
    ///
    /// # Errors
    ///
    /// It cannot be run, and that has been told.
    pub(super) fn read(&self, terminal: &Terminal) -> Result<Lab, Ending> {
        let file = self.file;
        let refused = |error| refuse(error, terminal);
        let wrong = |problem: Diagnostic| {
            terminal.refuse(problem);
            Ending::Refused
        };
        let flow = program_for(Role::Flow, file, Volume::Normal, terminal)?;
        let (Assigned::Runs(ports) | Assigned::Ports(ports)) =
            assign(self.ports, &flow.ports).map_err(|problem| wrong(*problem))?;
        let addresses: Result<Vec<Address>, _> = ports.iter().map(|text| Address::read(text)).collect();
        let addresses = addresses.map_err(|error| refuse_address(&error, terminal))?;
        for address in &addresses {
            match address {
                Address::OwnDevice | Address::Device(_) => {}
                Address::Recording(_) | Address::Real(_) => return Err(wrong(self.no_device(address))),
            }
        }
        if addresses.len() > flow.ports.len().max(1) {
            let message =
                format!("`{}` runs a flow against one device, and {} were named", self.command, addresses.len());
            return Err(wrong(Diagnostic::general(Code::CommandLine, message).help("run it once for each")));
        }
        let found = find_counterpart(&addresses, file, &flow).map_err(refused)?;
        found.warnings.iter().for_each(|warnings| complain(warnings, terminal));
        let mut claims = Claims::default();
        claims.reads("the flow itself", file);
        claims.reads_program("the flow itself, or used by it", &flow);
        claims.reads_found(&found);
        claims.reads_given(self.variables, self.limits);
        for report in self.reports {
            let output = Output { title: &report.title(), path: report.path(), option: &report.option() };
            claims.writes(&output).map_err(wrong)?;
        }
        let mut problems = Vec::new();
        let limits = limits::limits(self.limits).unwrap_or_else(|more| {
            problems.extend(more);
            Vec::new()
        });
        problems.extend(limits::unknown(&limits, std::iter::once(&*flow)));
        let terms = Terms {
            variables: variables(&flow, &read_variables(self.variables)),
            device_variables: device_variables(self.sim_vars),
            limits,
            problems,
            ..Terms::default()
        };
        let setup = Setup::join(flow.clone(), file, found.counterpart, terms).map_err(refused)?;
        Ok(Lab { flow, setup, ports })
    }

    fn no_device(&self, address: &Address) -> Diagnostic {
        let message = format!("`{address}` is not a simulated device: {}", self.why_simulated);
        let help = "name one with `--port sim:FILE`, or leave `--port` out";
        Diagnostic::general(Code::CommandLine, message).help(help)
    }
}
