//! What makes a run traceable: which texts, addresses, seed and values it has.

use std::collections::HashMap;

use super::Setup;
use crate::engine::Inputs;
use crate::origin::{About, Digest, Origin};
use crate::program::{Expr, ExprKind, Param, Program, name_key};
use crate::record::Recording;
use crate::secret::Redactor;
use crate::value::Value;
use crate::value::json::to_json;

/// What stands in place of a value of which a secret may be made.
const NOT_SHOWN: &str = "not shown: a secret may be made of it";

impl Setup {
    /// Returns what makes a run traceable that begins with this. The secrets in it that are known before it begins have names, and
    /// a value of which a secret may be made is left out.
    pub(crate) fn about(&self, inputs: &Inputs, origin: &Origin) -> About {
        let addresses = inputs.ports.iter().map(|port| port.address.clone()).collect();
        self.about_at(addresses, inputs.seed, origin)
    }

    /// Returns the same for a run at these addresses, with this seed.
    pub(crate) fn about_at(&self, addresses: Vec<String>, seed: u64, origin: &Origin) -> About {
        let mut sources = (*self.flow.sources).clone();
        for (_, device) in self.simulated() {
            for (_, source) in device.sources.iter() {
                sources.add(source.clone());
            }
        }
        let secrets = self.secrets_before();
        secrets.iter().for_each(|(_, secret)| sources.hide(secret));
        let mut redactor = Redactor::default();
        secrets.iter().for_each(|(name, secret)| redactor.learn(name, secret));
        let (texts, variables) = (Digest::all(&sources), self.given());
        About { origin: origin.clone(), texts, addresses, seed, variables }.named(|text| redactor.clean_text(text))
    }

    /// Returns what stands at the beginning of the recording of a run; `about` is what makes the run traceable.
    pub(crate) fn recording_header(&self, inputs: &Inputs, about: &About) -> Recording {
        let flow = &self.flow;
        let is_clear =
            |name: &str| flow.params.iter().any(|param| param.name == name && !param.is_secret && !param.is_file);
        let given = inputs.variables.iter().filter(|(name, _)| is_clear(name));
        let shown = given.filter_map(|(name, value)| Some((name.clone(), spelt(flow, name, value)?)));
        let mut variables: Vec<(String, String)> = shown.collect();
        variables.sort();
        let title = flow.title.clone();
        let mut rows = Recording::about_ports(flow.ports.iter().map(|port| port.name.as_str()));
        rows.extend(about.addresses.iter().map(|address| ("address".to_string(), address.clone())));
        // Seed and variables have lines of their own, and so has what the date would be in a run with a time of its own.
        let others = about.rows().into_iter().filter(|(name, _)| !matches!(*name, "seed" | "variable"));
        rows.extend(others.map(|(name, value)| (name.to_string(), value)));
        Recording { title, seed: inputs.seed, begun: inputs.begun, about: rows, variables, entries: Vec::new() }
    }

    /// Says whether a run has secrets, given ones or those that it learns.
    pub(crate) fn has_secrets(&self) -> bool {
        self.flow.learns_secrets || self.flow.params.iter().any(|param| param.is_secret)
    }

    /// Returns what was given to variables, by name, as it may be shown.
    pub(crate) fn given(&self) -> Vec<(String, String)> {
        let (flow, mut variables) = (&self.flow, Vec::new());
        for param in &flow.params {
            let Some(value) = self.variables.get(&param.name) else { continue };
            let name_of_file = self.variables.get(&name_key(&param.name));
            let text = shown(param, value, name_of_file, param.makes_secrets);
            variables.extend(text.map(|text| (param.name.clone(), text)));
        }
        for (at, device) in self.simulated() {
            let port = flow.ports.get(at).map_or(String::new(), |port| format!("{}.", port.name));
            for param in &device.params {
                // What a device gives away may be a secret of the flow.
                let is_hidden = param.makes_secrets || flow.learns_secrets;
                let given = self.device_variables.get(at).and_then(|given| given.get(&param.name));
                let text = given.and_then(|value| shown(param, value, None, is_hidden));
                variables.extend(text.map(|text| (format!("device {port}{}", param.name), text)));
            }
        }
        let mut redactor = Redactor::default();
        self.secrets_before().iter().for_each(|(name, secret)| redactor.learn(name, secret));
        variables.iter_mut().for_each(|(_, text)| *text = redactor.clean_text(text));
        variables
    }

    /// Returns the devices, each with the place of its port.
    fn simulated(&self) -> impl Iterator<Item = (usize, &Program)> {
        self.counterpart.devices().enumerate().filter_map(|(at, device)| Some((at, &**device?)))
    }

    /// Returns the secrets that are known before the run begins: given ones, and defaults that are written out.
    fn secrets_before(&self) -> Vec<(String, Vec<u8>)> {
        let nothing = HashMap::new();
        let devices = self.simulated().map(|(at, device)| (device, self.device_variables.get(at).unwrap_or(&nothing)));
        let mut secrets = Vec::new();
        for (program, given) in devices.chain([(&*self.flow, &self.variables)]) {
            for param in program.params.iter().filter(|param| param.is_secret) {
                let default = param.default.as_ref().and_then(constant);
                let values = given.get(&param.name).into_iter().chain(default);
                secrets.extend(values.map(|value| (param.name.clone(), value.octets())));
            }
        }
        secrets
    }
}

/// Returns the text that gives a variable this value again; `None` if none does: then a replay has to be given it.
fn spelt(flow: &Program, name: &str, value: &Value) -> Option<String> {
    let has_default = flow.params.iter().any(|param| param.name == name && param.default.is_some());
    match value {
        Value::List(_) | Value::Map(_) => has_default.then(|| to_json(value)),
        Value::Text(_)
        | Value::Bytes(_)
        | Value::Int(_)
        | Value::Decimal(_)
        | Value::Bool(_)
        | Value::Duration(_)
        | Value::Null => String::from_utf8(value.show()).ok(),
    }
}

/// Returns the value of an expression that has one before the run.
fn constant(expr: &Expr) -> Option<&Value> {
    if let ExprKind::Const(value) = &expr.kind { Some(value) } else { None }
}

/// Returns what is shown of a value that was given; nothing of a secret.
fn shown(param: &Param, value: &Value, name_of_file: Option<&Value>, is_hidden: bool) -> Option<String> {
    if param.is_secret {
        return None;
    }
    if is_hidden {
        return Some(NOT_SHOWN.to_string());
    }
    if let (true, Some(name)) = (param.is_file, name_of_file) {
        return Some(format!("{}, {} bytes", String::from_utf8_lossy(&name.octets()), value.octets().len()));
    }
    let is_data = matches!(value, Value::List(_) | Value::Map(_));
    Some(if is_data { to_json(value) } else { String::from_utf8_lossy(&value.show()).into_owned() })
}
