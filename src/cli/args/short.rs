//! The short help, `-h`: what one needs most, in a screen of 24 lines. `--help` has it all.

use clap::Command;

use super::ABOUT;

/// How many lines and columns a small screen has.
#[cfg(test)]
const SCREEN: (usize, usize) = (24, 80);

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

/// The options that the short help shows of commands that have too many for it, by their long names.
const SHOWN: &[(&str, &[&str])] = &[
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
    (
        "test",
        &[
            "port",
            "filter",
            "last-failed",
            "watch",
            "list",
            "shard",
            "var",
            "review",
            "accept",
            "check",
            "report",
            "coverage",
        ],
    ),
    ("sim", &["from", "all-ports", "pty", "link", "tcp", "rfc2217", "seed", "var", "vars", "quiet"]),
    ("stress", &["port", "runs", "seed", "faults", "var", "vars", "sim-var", "report"]),
    ("mutate", &["port", "mutants", "seed", "allow", "jobs", "var", "vars", "sim-var", "report"]),
    ("term", &["mode", "escape", "use", "hex", "stamps", "encoding", "log", "record", "write", "baud", "serial"]),
];

/// Returns the definition of all commands as the short help has it.
///
/// It is made when somebody asks for help only: it takes longer than that of a run.
pub(super) fn definition() -> Command {
    let general = super::definition();
    let text = general_help(&general);
    let names: Vec<String> = general.get_subcommands().map(|command| command.get_name().to_string()).collect();
    names.iter().fold(general, |all, name| all.mut_subcommand(name, shortened)).override_help(text)
}

/// Returns a command with few options, and with what follows them only in its long help.
fn shortened(command: Command) -> Command {
    let name = command.get_name().to_string();
    let shown = SHOWN.iter().find(|(known, _)| *known == name).map(|(_, shown)| *shown);
    let after = command.get_after_help().cloned().unwrap_or_default();
    let command = command.mut_args(|argument| {
        let is_hidden = argument.get_long().is_some_and(|long| shown.is_some_and(|shown| !shown.contains(&long)));
        argument.hide_short_help(is_hidden).help_heading(None)
    });
    command.after_help("").after_long_help(after)
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
        "\n`flowrun demo` shows a run without any device, `flowrun init DIR` begins a project,\n\
         `flowrun ports` lists the ports of this machine.\n\n\
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

    fn help(command: &mut Command) -> String {
        command.render_help().to_string()
    }

    #[test]
    fn the_short_help_of_every_command_fits_a_small_screen() {
        let mut all = definition();
        all.build();
        let mut texts = vec![("flowrun".to_string(), help(&mut all))];
        texts.extend(all.get_subcommands_mut().map(|command| (command.get_name().to_string(), help(command))));
        for (name, text) in texts {
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(text.lines().count() <= SCREEN.0 && widest <= SCREEN.1, "{name}: name fewer in SHOWN\n{text}");
            assert!(text.contains("--help"), "{name} does not say where the rest is\n{text}");
        }
    }

    #[test]
    fn the_tables_name_what_there_is() {
        let all = super::super::definition();
        let command = |name: &str| all.find_subcommand(name).unwrap_or_else(|| panic!("there is no `{name}`"));
        GROUPS.iter().flat_map(|(_, names)| *names).for_each(|name| assert_eq!(command(name).get_name(), *name));
        for (name, shown) in SHOWN {
            for option in *shown {
                let is_there = command(name).get_arguments().any(|argument| argument.get_long() == Some(option));
                assert!(is_there, "`{name}` has no --{option}");
            }
        }
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
