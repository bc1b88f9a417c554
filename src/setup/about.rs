//! What makes a run traceable: which texts, addresses, seed and values it has.

use super::Setup;
use crate::engine::Inputs;
use crate::origin::{About, Digest, Origin};
use crate::program::{Expr, ExprKind, Param, Program, name_key};
use crate::secret::Redactor;
use crate::value::Value;
use crate::value::json::to_json;

/// What stands in place of a value of which a secret may be made.
const NOT_SHOWN: &str = "not shown: a secret may be made of it";

impl Setup {
    /// Returns what makes a run traceable that begins with this. The secrets in it that are known before it begins have names, and
    /// a value of which a secret may be made is left out.
    pub(crate) fn about(&self, inputs: &Inputs, origin: &Origin) -> About {
        let (flow, mut sources) = (self.flow(), (*self.flow().sources).clone());
        let mut redactor = Redactor::default();
        let devices: Vec<(usize, &Program)> =
            self.counterpart.devices().enumerate().filter_map(|(at, device)| Some((at, &**device?))).collect();
        for (_, device) in &devices {
            for (_, source) in device.sources.iter() {
                sources.add(source.clone());
            }
        }
        let nothing = Default::default();
        let given_to = |at: usize| self.device_variables.get(at).unwrap_or(&nothing);
        let of_devices = devices.iter().map(|(at, device)| (*device, given_to(*at)));
        for (program, given) in of_devices.chain([(&**flow, &self.variables)]) {
            for param in program.params.iter().filter(|param| param.is_secret) {
                let default = param.default.as_ref().and_then(constant);
                for value in given.get(&param.name).into_iter().chain(default) {
                    redactor.learn(&param.name, &value.octets());
                    sources.hide(&value.octets());
                }
            }
        }
        let mut variables = Vec::new();
        for param in &flow.params {
            let Some(value) = self.variables.get(&param.name) else { continue };
            let name_of_file = self.variables.get(&name_key(&param.name));
            variables.extend(shown(param, value, name_of_file, param.makes_secrets).map(|text| (param.name.clone(), text)));
        }
        for (at, device) in devices {
            let port = flow.ports.get(at).map_or(String::new(), |port| format!("{}.", port.name));
            for param in &device.params {
                // What a device gives away may be a secret of the flow.
                let is_hidden = param.makes_secrets || flow.learns_secrets;
                let text = given_to(at).get(&param.name).and_then(|value| shown(param, value, None, is_hidden));
                variables.extend(text.map(|text| (format!("device {port}{}", param.name), text)));
            }
        }
        let addresses = inputs.ports.iter().map(|port| port.address.clone()).collect();
        let texts = Digest::all(&sources);
        let about = About { origin: origin.clone(), texts, addresses, seed: inputs.seed, variables };
        about.named(|text| redactor.clean_text(text))
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
