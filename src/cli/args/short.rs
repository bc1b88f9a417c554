//! The short help, `-h`: what one needs most, in a screen of 24 lines. `--help` has it all.

use clap::{Arg, Command};

use super::ABOUT;

/// How many lines and columns a small screen has.
const SCREEN: (usize, usize) = (24, 80);

/// So many columns an option takes at most before what it does.
const WIDEST: usize = 30;

/// The commands by what they are for; those of no group follow below the last heading.
const GROUPS: &[(&str, &[&str])] = &[
    ("Run flows", &["run", "test", "pending", "history", "show"]),
    ("Write flows", &["init", "check", "fmt", "record", "examples", "std"]),
    ("Without a device", &["demo", "sim", "stress", "mutate"]),
    ("Ports", &["ports", "doctor", "say", "term", "allow"]),
    ("Help", &["help", "explain", "completions", "man"]),
];

/// What the groups of commands are followed by.
const OTHERS: &str = "More";

/// The options that come first, by their long names, of commands that have too many; others follow as long as there is room.
const FIRST: &[(&str, &[&str])] = &[
    (
        "run",
        &[
            "port",
            "bench",
            "profile",
            "rows",
            "var",
            "vars",
            "baud",
            "serial",
            "transcript",
            "report",
            "record",
            "quiet",
        ],
    ),
    ("test", &["port", "filter", "last-failed", "watch", "var", "review", "accept", "check", "report"]),
    ("sim", &["from", "all-ports", "pty", "link", "tcp", "rfc2217", "seed", "var", "vars", "quiet"]),
    ("stress", &["port", "runs", "seed", "faults", "var", "vars", "sim-var", "report"]),
    ("mutate", &["port", "mutants", "seed", "allow", "jobs", "var", "vars", "sim-var", "report"]),
    ("term", &["mode", "escape", "use", "hex", "stamps", "encoding", "log", "record", "write", "baud"]),
];

/// Returns the definition of all commands with the short help.
///
/// It is made when somebody asks for help only: it takes longer than that of a run.
pub(super) fn definition() -> Command {
    let mut built = super::definition();
    built.build();
    let texts: Vec<(String, String)> =
        built.get_subcommands_mut().map(|command| (command.get_name().to_string(), help(command))).collect();
    let all = super::definition().override_help(general_help(&built));
    texts.iter().fold(all, |all, (name, text)| all.mut_subcommand(name, |command| command.override_help(text.clone())))
}

/// Returns the short help of a command.
fn help(command: &mut Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = format!("{about}\n\n{}\n\n", command.render_usage());
    let first =
        FIRST.iter().find(|(known, _)| *known == command.get_name()).map_or(&[] as &[&str], |(_, first)| *first);
    let mut shown: Vec<&Arg> = command.get_arguments().filter(|argument| !argument.is_hide_set()).collect();
    shown.retain(|argument| argument.get_long() != Some("help"));
    let n_options = shown.len();
    shown.sort_by_key(|argument| match argument.get_long() {
        None => 0,
        Some(long) => 1 + first.iter().position(|name| *name == long).unwrap_or(first.len()),
    });
    let entries: Vec<(String, String)> = shown.iter().map(|argument| (spelling(argument), what(argument))).collect();
    let width = entries.iter().map(|(spelling, _)| spelling.chars().count()).max().unwrap_or(0).min(WIDEST);
    // An empty line and the last one follow.
    let room = SCREEN.0 - text.lines().count() - 2;
    let (mut lines, mut n_shown) = (Vec::new(), 0);
    for (spelling, what) in entries {
        let entry = entry(&spelling, &what, width);
        if lines.len() + entry.len() > room {
            break;
        }
        lines.extend(entry);
        n_shown += 1;
    }
    text.extend(lines.iter().map(|line| format!("{line}\n")));
    let more = match n_options - n_shown {
        0 => "Examples and exit codes".to_string(),
        1 => "One more option, examples and exit codes".to_string(),
        n => format!("{n} more options, examples and exit codes"),
    };
    text.push_str(&format!("\n{more}: flowrun {} --help\n", command.get_name()));
    text
}

/// Returns how an argument is typed: `-p, --port PORT`.
fn spelling(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default().join(" ");
    let takes_value = argument.get_action().takes_values();
    let value = if takes_value && !values.is_empty() { format!(" {values}") } else { String::new() };
    match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}{value}"),
        (None, Some(long)) => format!("    --{long}{value}"),
        (Some(short), None) => format!("-{short}{value}"),
        (None, None) => values,
    }
}

/// Returns what an argument does, with the words that it takes.
fn what(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    // What may be repeated, and what comes before what, is in the long help.
    let help = help.split(" (repeatable").next().unwrap_or_default().to_string();
    if !argument.get_action().takes_values() {
        return help;
    }
    let values: Vec<String> = argument.get_possible_values().iter().map(|value| value.get_name().to_string()).collect();
    if values.is_empty() { help } else { format!("{help}: {}", values.join(", ")) }
}

/// Returns the lines of an argument, no wider than the screen.
fn entry(spelling: &str, what: &str, width: usize) -> Vec<String> {
    let mut lines = vec![format!("  {spelling:width$} ")];
    for word in what.split(' ') {
        let last = lines.last_mut().expect("there is one");
        if last.chars().count() + 1 + word.chars().count() > SCREEN.1 {
            lines.push(format!("  {:width$}  {word}", ""));
        } else {
            last.push_str(&format!(" {word}"));
        }
    }
    lines
}

/// Returns the short help of the program: its commands, a line for each group.
fn general_help(general: &Command) -> String {
    let mut text = format!("{ABOUT}\n\nUsage: {}\n\n", usage());
    let visible = || general.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name);
    let is_grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let others: Vec<&str> = visible().filter(|name| !is_grouped(name)).collect();
    let known = |names: &[&'static str]| names.iter().copied().filter(|name| visible().any(|n| n == *name)).collect();
    let groups = GROUPS.iter().map(|(title, names)| (*title, known(names)));
    for (title, names) in groups.chain((!others.is_empty()).then_some((OTHERS, others))) {
        let names: Vec<&str> = names;
        text.push_str(&format!("  {title:18}{}\n", names.join("  ")));
    }
    text.push_str(
        "\n`flowrun demo` runs a flow without any device, `flowrun init DIR` begins a\n\
         project, `flowrun ports` lists the ports of this machine.\n\n\
         \x20 -h             this; `flowrun COMMAND -h` says what a command takes\n\
         \x20 --help         everything, with examples and exit codes\n\
         \x20 -V, --version  which flowrun this is\n",
    );
    text
}

fn usage() -> &'static str {
    "flowrun FILE --port PORT [OPTIONS]\n       flowrun COMMAND …"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the short help of the program and of each command.
    fn texts() -> Vec<(String, String)> {
        let mut all = definition();
        all.build();
        let mut texts = vec![("flowrun".to_string(), all.render_help().to_string())];
        let commands = all.get_subcommands_mut();
        texts.extend(commands.map(|command| (command.get_name().to_string(), command.render_help().to_string())));
        texts
    }

    #[test]
    fn the_short_help_of_every_command_fits_a_small_screen() {
        for (name, text) in texts() {
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(text.lines().count() <= SCREEN.0 && widest <= SCREEN.1, "{name}\n{text}");
            assert!(text.contains("--help"), "{name} does not say where the rest is\n{text}");
        }
    }

    #[test]
    fn the_tables_name_what_there_is_and_it_is_shown() {
        let texts = texts();
        let help = |name: &str| {
            let found = texts.iter().find(|(known, _)| known == name);
            &found.unwrap_or_else(|| panic!("there is no `{name}`")).1
        };
        for name in GROUPS.iter().flat_map(|(_, names)| *names) {
            assert!(help("flowrun").contains(name) && !help(name).is_empty());
        }
        for (name, first) in FIRST {
            for option in *first {
                assert!(
                    help(name).contains(&format!("--{option}")),
                    "--{option} of `{name}` has no room\n{}",
                    help(name)
                );
            }
        }
    }

    #[test]
    fn a_long_line_is_wrapped_below_its_beginning() {
        let lines = entry("--x", &"word ".repeat(20), 10);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("  --x         word") && lines[1].starts_with("              word"), "{lines:?}");
    }

    #[test]
    fn the_long_help_has_every_option_and_the_examples() {
        let mut all = super::super::definition();
        all.build();
        let run = all.find_subcommand_mut("run").expect("it is there").render_long_help().to_string();
        for text in ["--sim-var", "--artifacts", "Examples:", "Exit codes:"] {
            assert!(run.contains(text), "{text}");
        }
    }
}
