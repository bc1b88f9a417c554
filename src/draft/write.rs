//! The text of a drafted flow: its head, and steps of exchanges.

use std::fmt::Write;
use std::time::Duration;

use super::acts::{Act, Script};
use super::dialect::Manners;
use super::merge::Exchange;
use super::names::Names;
use crate::value::literal::{TextPart, literal, title as quoted};

/// A shorter pause begins no step.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);

/// A send and its only wait stand on one line that is not longer.
const ONE_LINE: usize = 90;

/// A title that is made of commands is not longer.
const LONGEST_TITLE: usize = 48;

/// What is written into the head of a flow.
pub(super) struct Head<'a> {
    pub title: &'a str,
    /// The file of the flow.
    pub file: &'a str,
    /// The first is the one that is meant when nothing is said.
    pub ports: &'a [Port<'a>],
}

/// A port of a flow.
pub(super) struct Port<'a> {
    /// Nothing if it is the only one.
    pub name: Option<&'a str>,
    /// The file of its device.
    pub device: &'a str,
    /// The settings of the line, such as `115200 8N1`.
    pub line: &'a str,
    pub manners: &'a Manners,
}

/// Returns the text of a flow, and what a person is to know of its names.
pub(super) fn flow(exchanges: &[Exchange], head: &Head<'_>) -> (String, Vec<String>) {
    let mut script = Script::new(exchanges, head.ports.iter().map(|port| port.manners).collect());
    let acts: Vec<Act> = exchanges.iter().map(|exchange| script.act(exchange)).collect();
    let body = body(acts, head.ports);
    let mut text = String::new();
    let _ = writeln!(text, "# Drafted from a recorded session.\n#");
    let given: String = match head.ports {
        [_] => " --port PORT".to_string(),
        ports => ports.iter().filter_map(|port| port.name).map(|name| format!(" --port {name}=PORT")).collect(),
    };
    let test = format!("flowrun test {}", head.file);
    let run = format!("flowrun {}{given}", head.file);
    let width = run.len() + 8;
    let _ = writeln!(text, "#   {test:width$}  without a device\n#   {run:width$}  with one");
    let _ = writeln!(text, "flow {}", quoted(head.title));
    text += &uses(head.ports);
    for port in head.ports {
        let serial = serial(port.manners, port.line);
        match port.name {
            None => {
                let _ = write!(text, "sim {}\n{serial}", quoted(port.device));
            }
            Some(name) => {
                let _ = writeln!(text, "port {name} {{ {} sim {} }}", serial.trim_end(), quoted(port.device));
            }
        }
    }
    let declarations = script.names.declarations();
    if !declarations.is_empty() {
        let _ = writeln!(text, "\n{}", declarations.join("\n"));
    }
    let _ = write!(text, "\n{body}");
    (text, notes_of(&script.names))
}

/// Returns which libraries are used, and for which ports.
fn uses(ports: &[Port<'_>]) -> String {
    let mut libraries: Vec<&str> = Vec::new();
    for library in ports.iter().filter_map(|port| port.manners.library) {
        if !libraries.contains(&library) {
            libraries.push(library);
        }
    }
    let line = |library: &&str| {
        let own = ports.iter().filter(|port| port.manners.library == Some(library));
        let names: Vec<&str> = own.filter_map(|port| port.name).collect();
        let is_of_first =
            ports.first().is_none_or(|first| names.is_empty() || names == [first.name.unwrap_or_default()]);
        if is_of_first {
            format!("use \"{library}\"\n")
        } else {
            format!("use \"{library}\" for {}\n", names.join(", "))
        }
    };
    libraries.iter().map(line).collect()
}

/// Returns what a person is to know of the names in a flow.
fn notes_of(names: &Names) -> Vec<String> {
    let doubt = |word: &String| {
        format!("`{word}` looks like a secret, but is not one here: `--secret REGEX` says what is secret")
    };
    let unknown = |name: &String| {
        format!("what a hook was given is not recorded: write its value in place of the default of `param {name}`")
    };
    names.doubtful.iter().map(doubt).chain(names.stand_ins.iter().map(unknown)).collect()
}

/// Returns the settings that differ from what is usual.
fn serial(manners: &Manners, line: &str) -> String {
    let mut words = line.split(' ');
    let (baud, format) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut settings = Vec::new();
    if !matches!(baud, "" | "115200") {
        settings.push(format!("baud {baud}"));
    }
    if !matches!(format, "" | "8N1") {
        settings.push(format!("format {format}"));
    }
    if manners.end != manners.default_end {
        settings.push(format!("eol {}", literal(&[TextPart::Bytes(manners.end.as_bytes().to_vec())])));
    }
    if settings.is_empty() { String::new() } else { format!("serial {{ {} }}\n", settings.join("  ")) }
}

/// Returns the statements, in steps if there are pauses.
fn body(acts: Vec<Act>, ports: &[Port<'_>]) -> String {
    let limit = longest_usual_pause(&acts);
    let mut groups: Vec<(Option<String>, Vec<Act>)> = Vec::new();
    let mut n_sent = 0;
    for act in acts {
        let is_first = n_sent == 0;
        n_sent += usize::from(!act.command.is_empty() || !act.first.is_empty());
        let begins = act.title.is_some() || !is_first && act.pause > limit;
        match groups.last_mut() {
            Some((_, group)) if !begins => group.push(act),
            Some(_) | None => groups.push((act.title.clone(), vec![act])),
        }
    }
    // What comes before the first command belongs to the first step.
    if groups.len() > 1 && groups[0].1.iter().all(|act| act.command.is_empty() && act.first.is_empty()) {
        let (_, lead) = groups.remove(0);
        groups[0].1.splice(0..0, lead);
    }
    // At the top level of a file `serial` says how the line is from the beginning.
    let says_serial = |group: &[Act]| {
        group.iter().any(|act| act.first.iter().chain(&act.waits).any(|statement| statement.starts_with("serial ")))
    };
    if let [(None, group)] = &groups[..]
        && !says_serial(group)
    {
        return on_ports(group, ports);
    }
    let steps = groups.iter().map(|(title, group)| {
        let title = title.clone().unwrap_or_else(|| title_of(group));
        format!("step {} {{\n{}}}\n", quoted(&title), on_ports(group, ports))
    });
    steps.collect::<Vec<_>>().join("\n")
}

/// Returns the pause that a new step begins behind: much longer than the others.
fn longest_usual_pause(acts: &[Act]) -> Duration {
    let mut pauses: Vec<Duration> = acts.iter().skip(1).map(|act| act.pause).collect();
    pauses.sort();
    let median = pauses.get(pauses.len() / 2).copied().unwrap_or_default();
    (median * 3).max(SHORTEST_PAUSE)
}

/// Returns a title that is made of what is sent.
fn title_of(group: &[Act]) -> String {
    let commands: Vec<&str> = group
        .iter()
        .map(|act| act.command.trim_matches([' ', '\r', '\n']))
        .filter(|text| !text.is_empty() && !text.contains('\u{ab}'))
        .collect();
    let mut title = String::new();
    for (n, command) in commands.iter().enumerate() {
        let command: String = shown_keys(command).take(LONGEST_TITLE - 8).collect();
        let n_more = commands.len() - n;
        if n > 0 && title.len() + command.len() + 2 > LONGEST_TITLE {
            return format!("{title} and {n_more} more");
        }
        if n > 0 {
            title += ", ";
        }
        title += &command;
    }
    if title.is_empty() { "start".to_string() } else { title }
}

/// Returns what was typed, as people call it.
fn shown_keys(command: &str) -> Box<dyn Iterator<Item = char> + '_> {
    match command.as_bytes() {
        [key @ 1..=0x1a] => {
            Box::new(format!("Ctrl-{}", char::from(key + b'@')).chars().collect::<Vec<_>>().into_iter())
        }
        [0x1b] => Box::new("Esc".chars()),
        _ => Box::new(command.chars().filter(|c| !c.is_control())),
    }
}

/// Returns statements, with `using` around those for another port than the first.
fn on_ports(group: &[Act], ports: &[Port<'_>]) -> String {
    let mut text = String::new();
    for acts in group.chunk_by(|act, next| act.port == next.port) {
        let statements = statements(acts);
        if !text.is_empty() {
            text.push('\n');
        }
        match ports.get(acts[0].port).and_then(|port| port.name).filter(|_| acts[0].port > 0) {
            Some(name) if !statements.is_empty() => {
                let _ = write!(text, "using {name} {{\n{statements}}}\n");
            }
            Some(_) | None => text += &statements,
        }
    }
    text
}

fn statements(group: &[Act]) -> String {
    let mut text = String::new();
    let mut was_long = false;
    for (n, act) in group.iter().enumerate() {
        let is_short = act.first.len() == 1
            && act.waits.len() == 1
            && act.first[0].len() + act.waits[0].len() + 2 <= ONE_LINE
            && !act.waits[0].starts_with("expect all")
            && !act.waits[0].starts_with('#')
            && !act.waits[0].contains('\n');
        let is_long = act.waits.len() > 1;
        if n > 0 && (is_long || was_long) && !text.is_empty() {
            text.push('\n');
        }
        was_long = is_long || act.command.is_empty();
        if is_short {
            let _ = writeln!(text, "{}  {}", act.first[0], act.waits[0]);
            continue;
        }
        for statement in act.first.iter().chain(&act.waits) {
            let _ = writeln!(text, "{statement}");
        }
    }
    text
}
