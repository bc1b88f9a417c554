//! Several ports: the variables of the device of each.

use std::collections::HashMap;

use super::{Complaint, End, bound};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::program::Program;
use crate::value::Value;
use crate::value::escape::harmless;
use crate::variables::{Given, Offered};

/// Gives each device what is for it: `relay.NAME` is for the device at the port `relay`.
///
/// # Errors
///
/// Everything that is wrong with them.
pub(super) fn variables(
    flow: &Program,
    ends: &[End],
    offered: Offered,
) -> Result<Vec<HashMap<String, Value>>, Vec<Complaint>> {
    let mut of_each: Vec<Offered> = ends.iter().map(|_| Offered::default()).collect();
    let mut problems = offered.problems;
    for given in offered.given {
        match place_of(flow, ends, &given) {
            Ok((at, name)) => of_each[at].given.push(Given { name, ..given }),
            Err(problem) => problems.push(*problem),
        }
    }
    let mut complaints = Vec::new();
    if !problems.is_empty() {
        complaints.push(Complaint { problems, sources: flow.sources.clone() });
    }
    let mut variables = Vec::with_capacity(ends.len());
    for (end, offered) in ends.iter().zip(of_each) {
        variables.push(match end {
            End::Real(_) => HashMap::new(),
            End::Device(device) => bound(offered, device).unwrap_or_else(|complaint| {
                complaints.push(complaint);
                HashMap::new()
            }),
        });
    }
    if complaints.is_empty() { Ok(variables) } else { Err(complaints) }
}

/// Returns the place of the port whose device a variable is for, and what the device calls it.
fn place_of(flow: &Program, ends: &[End], given: &Given) -> Result<(usize, String), Box<Diagnostic>> {
    let wrong =
        |message: String, help: String| Err(Box::new(Diagnostic::general(Code::CommandLine, message).help(help)));
    let names = || flow.ports.iter().map(|port| port.name.as_str());
    let typed = harmless(&given.name);
    let Some((port, name)) = given.name.split_once('.') else {
        let first = names().next().unwrap_or_default();
        let message = format!("`--sim-var {typed}=…` does not say whose variable it is: the flow has several ports");
        return wrong(message, format!("write the name of the port first: `--sim-var {first}.{typed}=…`"));
    };
    match flow.ports.iter().position(|declared| declared.name == port) {
        Some(at) if matches!(ends[at], End::Device(_)) => Ok((at, name.to_string())),
        Some(_) => {
            let message = format!("`--sim-var {typed}=…` has no meaning: `{}` is a real port", harmless(port));
            wrong(message, format!("use it with `--port {}=sim`, or leave it out", harmless(port)))
        }
        None => {
            let message = format!("`--sim-var {typed}=…`: the flow declares no port `{}`", harmless(port));
            let all: Vec<&str> = names().collect();
            let help = match nearest(port, names()) {
                Some(near) => format!("did you mean `{near}.{}`?", harmless(name)),
                None => format!("its ports are: `{}`", all.join("`, `")),
            };
            wrong(message, help)
        }
    }
}
