//! Which address each port of a flow has: `--port NAME=ADDRESS`.

use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::program::DeclaredPort;
use crate::value::escape::harmless;

/// What was typed for the ports of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Assigned {
    /// A run on each of these.
    Runs(Vec<String>),
    /// One run, with an address for each port that the flow declares, in their order.
    Ports(Vec<String>),
}

/// Returns the name in `NAME=ADDRESS`, if there is one, and the address. What has a path, a scheme or anything else but a word
/// before its `=` is an address.
pub(super) fn split_port(typed: &str) -> (Option<&str>, &str) {
    let is_first = |c: char| c.is_alphabetic() || c == '_';
    let is_name = |name: &str| name.starts_with(is_first) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    match typed.split_once('=') {
        Some((name, address)) if is_name(name) => (Some(name), address),
        Some(_) | None => (None, typed),
    }
}

/// Gives each port that a flow declares what was typed for it.
///
/// # Errors
///
/// A name that the flow does not declare, a port that was given twice or not at all, or no name where one is needed.
pub(super) fn assign(typed: &[String], ports: &[DeclaredPort]) -> Result<Assigned, Box<Diagnostic>> {
    let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
    for (name, address) in typed.iter().map(|text| split_port(text)) {
        if let Some(name) = name {
            known(name, address, &names)?;
        }
    }
    match names.as_slice() {
        // There is no name left in it.
        [] => Ok(Assigned::Runs(typed.to_vec())),
        [_] => Ok(Assigned::Runs(typed.iter().map(|text| split_port(text).1.to_string()).collect())),
        several => assign_each(typed, several),
    }
}

fn assign_each(typed: &[String], names: &[&str]) -> Result<Assigned, Box<Diagnostic>> {
    let (named, others): (Vec<_>, Vec<_>) =
        typed.iter().map(|text| split_port(text)).partition(|(name, _)| name.is_some());
    let mut of_each: Vec<Option<&str>> = vec![None; names.len()];
    for (name, address) in named {
        if address.is_empty() {
            let message = format!("`--port {}=` names no address", name.unwrap_or_default());
            return Err(wrong(message, "write an address after the `=`, or `sim` for a simulated device".to_string()));
        }
        let at = names.iter().position(|known| Some(*known) == name).expect("it has been looked at");
        if let Some(before) = of_each[at].replace(address) {
            let message =
                format!("`{}` was given twice: `{}` and `{}`", names[at], harmless(before), harmless(address));
            return Err(wrong(message, "leave one of them out; `--bench` runs a flow on several benches".to_string()));
        }
    }
    let rest = match others.as_slice() {
        [] => None,
        [(_, "sim")] => Some("sim"),
        [(_, replay)] if replay.starts_with("replay:") && typed.len() == 1 => {
            return Ok(Assigned::Runs(typed.to_vec()));
        }
        [(_, replay), ..] if replay.starts_with("replay:") => {
            let message = format!("`--port {}` plays all ports, and another was given too", harmless(replay));
            return Err(wrong(message, "leave the others out".to_string()));
        }
        [(_, address), ..] => {
            let message = format!("`--port {}` does not say which of the flow's ports it is for", harmless(address));
            return Err(wrong(message, format!("{}\nits ports are: {}", form(names, address), listed(names))));
        }
    };
    let missing: Vec<&str> =
        names.iter().zip(&of_each).filter(|(_, given)| given.is_none()).map(|(name, _)| *name).collect();
    match (rest, missing.as_slice()) {
        (Some(_), _) | (None, []) => {
            let all = of_each.into_iter().map(|given| given.or(rest).unwrap_or_default().to_string());
            Ok(Assigned::Ports(all.collect()))
        }
        // Nothing was typed: the caller says what there is.
        (None, _) if typed.is_empty() => Ok(Assigned::Runs(Vec::new())),
        (None, missing) => {
            let message = format!("no address was given for {}", listed(missing));
            let one = missing[0];
            let help =
                format!("add `--port {one}=ADDRESS`, or `--port {one}=sim` for the device that the flow names for it");
            Err(wrong(message, help))
        }
    }
}

/// Returns the addresses that a bench has for the ports of a flow, as the file has them; it may have more ports.
///
/// # Errors
///
/// The flow declares no ports, or the bench does not have all of them.
pub(super) fn assign_bench(
    bench: &str,
    given: &[String],
    ports: &[DeclaredPort],
) -> Result<Vec<String>, Box<Diagnostic>> {
    if ports.is_empty() {
        return Err(Box::new(without_names(bench, given)));
    }
    let own = given.iter().filter(|text| {
        let name = split_port(text).0;
        ports.iter().any(|port| Some(port.name.as_str()) == name)
    });
    let own: Vec<String> = own.cloned().collect();
    match assign(&own, ports)? {
        Assigned::Runs(texts) if texts.is_empty() => Err(Box::new(no_ports_on(bench, ports))),
        Assigned::Runs(texts) | Assigned::Ports(texts) => Ok(texts),
    }
}

/// Says that a bench is for flows with names for their ports.
fn without_names(bench: &str, given: &[String]) -> Diagnostic {
    let given: Vec<(Option<&str>, &str)> = given.iter().map(|text| split_port(text)).collect();
    let names: Vec<&str> = given.iter().filter_map(|(name, _)| *name).collect();
    let bench = harmless(bench);
    let message = format!("`--bench {bench}` is for ports with names, and this flow declares none");
    let (name, address) = match given.first() {
        Some((Some(name), address)) => (*name, harmless(address)),
        Some((None, _)) | None => ("dut", "ADDRESS".to_string()),
    };
    let help = format!(
        "write `--port {address}` in its place, or declare `port {name} {{ }}` in the flow\nthe bench has: {}",
        harmless(listed(&names))
    );
    Diagnostic::general(Code::CommandLine, message).help(help)
}

fn no_ports_on(bench: &str, ports: &[DeclaredPort]) -> Diagnostic {
    let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
    let message = format!("the bench `{}` has none of the flow's ports", harmless(bench));
    Diagnostic::general(Code::CommandLine, message).help(format!("the flow declares {}", listed(&names)))
}

/// Returns what to write for several ports, of which one has this address.
fn form(names: &[&str], address: &str) -> String {
    let first = names.first().copied().unwrap_or_default();
    let address = harmless(address);
    format!("write `--port {first}={address}`, and likewise for the others; `--port sim` simulates all of them")
}

/// Makes sure that a flow declares a port.
fn known(name: &str, address: &str, names: &[&str]) -> Result<(), Box<Diagnostic>> {
    if names.contains(&name) {
        return Ok(());
    }
    let (name, address) = (harmless(name), harmless(address));
    if names.is_empty() {
        let message = format!("`--port {name}={address}` names a port, and this flow declares none");
        let help = format!("write `--port {address}`; a device node that is called so is `./{name}={address}`");
        return Err(wrong(message, help));
    }
    let message = format!("the flow declares no port `{name}`");
    let help = match nearest(&name, names.iter().copied()) {
        Some(near) => format!("did you mean `--port {near}={address}`?"),
        None => format!("its ports are: {}", listed(names)),
    };
    Err(wrong(message, help))
}

pub(super) fn listed(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}

fn wrong(message: String, help: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::general(Code::CommandLine, message).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::source::{Site, Source, SourceId, Sources, Span};

    fn site() -> Site {
        let source: SourceId = Sources::default().add(Source::new("a.flow", "text"));
        Site { source, span: Span::new(0, 4) }
    }

    fn assigned(typed: &[&str], names: &[&str]) -> Result<Assigned, String> {
        let ports: Vec<DeclaredPort> = names
            .iter()
            .map(|name| DeclaredPort { name: name.to_string(), settings: Settings::default(), sim: None, site: site() })
            .collect();
        let typed: Vec<String> = typed.iter().map(ToString::to_string).collect();
        assign(&typed, &ports).map_err(|problem| format!("{} | {}", problem.message, problem.help.unwrap_or_default()))
    }

    fn ports(texts: &[&str]) -> Result<Assigned, String> {
        Ok(Assigned::Ports(texts.iter().map(ToString::to_string).collect()))
    }

    fn runs(texts: &[&str]) -> Result<Assigned, String> {
        Ok(Assigned::Runs(texts.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn a_name_is_a_word_before_the_sign() {
        assert_eq!(split_port("dut=/dev/ttyUSB0"), (Some("dut"), "/dev/ttyUSB0"));
        assert_eq!(split_port("relay=usb:at=1-1.2"), (Some("relay"), "usb:at=1-1.2"));
        for address in ["usb:at=1-1.2", "exec:env A=1 cat", "./a=b", "/dev/a=b", "COM3", "=x", "1=x"] {
            assert_eq!(split_port(address), (None, address));
        }
    }

    #[test]
    fn each_port_gets_its_own_address_in_the_order_of_the_flow() {
        let names = ["dut", "relay"];
        assert_eq!(assigned(&["relay=COM4", "dut=COM3"], &names), ports(&["COM3", "COM4"]));
        assert_eq!(assigned(&["sim"], &names), ports(&["sim", "sim"]));
        assert_eq!(assigned(&["sim", "dut=COM3"], &names), ports(&["COM3", "sim"]), "`sim` plays the others");
        assert_eq!(assigned(&["replay:a.recording"], &names), runs(&["replay:a.recording"]));
        assert_eq!(assigned(&[], &names), runs(&[]));
    }

    #[test]
    fn a_flow_of_one_port_runs_on_many_and_may_name_it() {
        assert_eq!(assigned(&["COM3", "COM4"], &[]), runs(&["COM3", "COM4"]));
        assert_eq!(assigned(&["dut=COM3", "COM4"], &["dut"]), runs(&["COM3", "COM4"]));
        assert_eq!(assigned(&["usb:at=1-1.2"], &[]), runs(&["usb:at=1-1.2"]));
    }

    #[test]
    fn what_is_wrong_is_answered_with_what_to_write() {
        let names = ["dut", "relay"];
        let answers = [
            assigned(&["dut=COM3"], &names),
            assigned(&["dut=COM3", "rely=COM4"], &names),
            assigned(&["dut=COM3", "relay=sim", "dut=COM4"], &names),
            assigned(&["dut=", "relay=sim"], &names),
            assigned(&["COM3"], &names),
            assigned(&["dut=COM3", "replay:a"], &names),
            assigned(&["dut=COM3"], &[]),
            assigned(&["x=COM3"], &["dut"]),
        ]
        .map(|answer| answer.expect_err("it is wrong"));
        assert_eq!(
            answers,
            [
                "no address was given for `relay` | add `--port relay=ADDRESS`, or `--port relay=sim` for the device that the \
                 flow names for it",
                "the flow declares no port `rely` | did you mean `--port relay=COM4`?",
                "`dut` was given twice: `COM3` and `COM4` | leave one of them out; `--bench` runs a flow on several benches",
                "`--port dut=` names no address | write an address after the `=`, or `sim` for a simulated device",
                "`--port COM3` does not say which of the flow's ports it is for | write `--port dut=COM3`, and likewise for the \
                 others; `--port sim` simulates all of them\nits ports are: `dut`, `relay`",
                "`--port replay:a` plays all ports, and another was given too | leave the others out",
                "`--port dut=COM3` names a port, and this flow declares none | write `--port COM3`; a device node that is called \
                 so is `./dut=COM3`",
                "the flow declares no port `x` | its ports are: `dut`",
            ]
        );
    }
}
