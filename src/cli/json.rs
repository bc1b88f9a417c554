//! What `--json` and `--format json` write: ports and what was found about them, flows.
//!
//! ```text
//! flowrun test --list --format json
//!   { "format": "flowrun test --list", "version": 1,
//!     "flows": [ { "file": "flows/login.flow", "title": "Sign in", "tags": ["smoke"] } ] }
//! flowrun pending --format json
//!   { "format": "flowrun pending", "version": 1,
//!     "pending": [ { "flow": "flows/login.flow", "status": "new" | "changed",
//!                    "snapshot": "flows/snapshots/login.snap", "file": "flows/snapshots/login.snap.new" } ] }
//! flowrun ports --json
//!   { "format": "flowrun ports", "version": 1, "ports": [PORT] }
//! flowrun ports --json --watch, one line for each change
//!   { "event": "present" | "came" | "gone", "port": PORT }
//! PORT: { "name": "/dev/ttyUSB0", "description": "FTDI TTL232R-3V3", "driver": "ftdi_sio" | null,
//!         "addresses": ["usb:0403:6001:A50285BI", "usb:at=1-1.2"],
//!         "usb": { "vendor": "0403", "product": "6001", "serial": "A50285BI" | null, "interface": 0 | null,
//!                  "place": "1-1.2" | null } | null,
//!         "holders": [ { "pid": 812, "command": "ModemManager" } ] }        not with --watch
//! flowrun doctor --json
//!   { "format": "flowrun doctor", "version": 1, "machine": [FINDING],
//!     "ports": [ { "port": "/dev/ttyUSB0", "findings": [FINDING] } ] }
//! FINDING: { "level": "ok" | "note" | "wrong", "topic": "rights", "what": "…", "advice": "…" | null }
//! ```
//!
//! Keys stand in this order. A key may be added at any time; one that goes or changes its meaning changes the version.

use serde_json::{Map, Value as Json, json};

use super::finding::Finding;
use crate::address::PortDescription;
use crate::diagnostic::{Diagnostic, Label, Severity};
use crate::source::{Sources, name_of};
use crate::suite::filter::Described;
use crate::suite::snapshot::Pending;
use crate::transport::Holder;

/// The version of the format.
const VERSION: u32 = 1;

/// Returns the flows of a suite as one document, indented, with a line end.
pub(super) fn render_flows(flows: &[Described]) -> String {
    let of = |flow: &Described| json!({ "file": flow.file, "title": flow.title, "tags": flow.tags });
    let flows: Vec<Json> = flows.iter().map(of).collect();
    format!("{:#}\n", json!({ "format": "flowrun test --list", "version": VERSION, "flows": flows }))
}

/// What became of one file that `flowrun check` was given.
pub(super) struct Reviewed {
    pub file: String,
    /// `flow`, `device` or `library`, if that could be read.
    pub kind: Option<&'static str>,
    /// Of the file and what it uses.
    pub n_errors: usize,
    pub n_warnings: usize,
}

/// Something wrong, as data.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem(Json);

/// Returns a problem as data; one without a place is of the file.
pub(super) fn problem_of(problem: &Diagnostic, sources: &Sources, file: Option<&str>) -> Problem {
    let place = |label: &Label| {
        let source = sources.get(label.site.source);
        let (line, column) = source.line_column(label.site.span.start);
        let (end_line, end_column) = source.line_column(label.site.span.end);
        json!({
            "file": source.name(),
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
            "label": sources.covered(&label.text),
        })
    };
    let nowhere = json!({
        "file": file, "line": null, "column": null, "end_line": null, "end_column": null, "label": null,
    });
    let mut shown = problem.label.as_ref().map_or(nowhere, place);
    let severity = match problem.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    shown["severity"] = json!(severity);
    shown["code"] = json!(problem.code.text());
    shown["message"] = json!(sources.covered(&problem.message));
    shown["help"] = json!(problem.help.as_ref().map(|help| sources.covered(help)));
    shown["others"] = problem.others.iter().map(place).collect();
    Problem(shown)
}

/// Returns what `flowrun check` found as one document, indented, with a line end.
pub(super) fn render_check(files: &[Reviewed], problems: &[Problem]) -> String {
    let of = |file: &Reviewed| json!({ "file": file.file, "kind": file.kind, "errors": file.n_errors, "warnings": file.n_warnings });
    let files: Vec<Json> = files.iter().map(of).collect();
    let problems: Vec<&Json> = problems.iter().map(|problem| &problem.0).collect();
    let document = json!({ "format": "flowrun check", "version": VERSION, "files": files, "diagnostics": problems });
    format!("{document:#}\n")
}

/// Returns transcripts that are put aside as one document, indented, with a line end.
pub(super) fn render_pending(pending: &[Pending]) -> String {
    let of = |one: &Pending| {
        let status = if one.is_change { "changed" } else { "new" };
        let [flow, snapshot, file] = [&one.flow, &one.snapshot, &one.file].map(|path| name_of(path));
        json!({ "flow": flow, "status": status, "snapshot": snapshot, "file": file })
    };
    let pending: Vec<Json> = pending.iter().map(of).collect();
    format!("{:#}\n", json!({ "format": "flowrun pending", "version": VERSION, "pending": pending }))
}

/// Returns ports and who has each open as one document, indented, with a line end.
pub(super) fn render_ports(ports: &[PortDescription], holders: &[Vec<Holder>]) -> String {
    let of = |(port, holders): (&PortDescription, &Vec<Holder>)| {
        let mut shown = port_of(port, ports);
        let holders = holders.iter().map(|holder| json!({ "pid": holder.pid, "command": holder.command }));
        shown.insert("holders".to_string(), holders.collect());
        Json::Object(shown)
    };
    let ports: Vec<Json> = ports.iter().zip(holders).map(of).collect();
    format!("{:#}\n", json!({ "format": "flowrun ports", "version": VERSION, "ports": ports }))
}

/// Returns what was found about the machine and about each port as one document, indented, with a line end.
pub(super) fn render_doctor(machine: &[Finding], ports: &[(&str, &[Finding])]) -> String {
    let of = |finding: &Finding| {
        json!({
            "level": finding.level.word(),
            "topic": finding.topic.word(),
            "what": finding.what,
            "advice": finding.advice,
        })
    };
    let all = |findings: &[Finding]| findings.iter().map(of).collect::<Vec<Json>>();
    let ports: Vec<Json> =
        ports.iter().map(|(port, findings)| json!({ "port": port, "findings": all(findings) })).collect();
    let document = json!({ "format": "flowrun doctor", "version": VERSION, "machine": all(machine), "ports": ports });
    format!("{document:#}\n")
}

/// Returns a change as a line: what happened to a port, one of `all`.
pub(super) fn render_change(event: &str, port: &PortDescription, all: &[PortDescription]) -> String {
    format!("{}\n", json!({ "event": event, "port": port_of(port, all) }))
}

fn port_of(port: &PortDescription, all: &[PortDescription]) -> Map<String, Json> {
    let usb = port.usb.as_ref().map(|usb| {
        json!({
            "vendor": format!("{:04x}", usb.vendor),
            "product": format!("{:04x}", usb.product),
            "serial": usb.serial,
            "interface": usb.interface,
            "place": usb.place,
        })
    });
    let keys = [
        ("name", json!(port.name)),
        ("description", json!(port.what)),
        ("driver", json!(port.driver)),
        ("addresses", json!(port.addresses(all))),
        ("usb", json!(usb)),
    ];
    keys.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::UsbIdentity;

    #[test]
    fn a_port_has_the_same_keys_whatever_is_known_of_it() {
        let plain = PortDescription { name: "COM1".to_string(), what: String::new(), driver: None, usb: None };
        let usb = UsbIdentity { vendor: 0x403, product: 0x6001, serial: None, interface: None, place: None };
        let known = PortDescription { usb: Some(usb), ..plain.clone() };
        let keys = |port: &PortDescription| port_of(port, &[]).keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&plain), ["name", "description", "driver", "addresses", "usb"]);
        assert_eq!(keys(&known), keys(&plain));
        let document = include_str!("../../docs/ports.md");
        for key in keys(&plain) {
            assert!(document.contains(&format!("\"{key}\": ")), "docs/ports.md does not say what `{key}` is");
        }
        let line = render_change("came", &known, &[]);
        assert!(line.contains(r#""vendor":"0403""#) && line.ends_with("}\n") && line.lines().count() == 1, "{line}");
    }
}
