//! Manual pages, made of the definition of the command line.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// What the environment says, with the commands that listen to it; none is for all.
const ENVIRONMENT: &[(&str, &[&str], &str)] = &[
    (
        "FLOWRUN_VAR_NAME",
        &["run", "test", "sim", "stress", "mutate"],
        "The value of the variable NAME; --var and --vars come before it. No shell history keeps it: the way for secrets.",
    ),
    ("FLOWRUN_ARTIFACTS", &["run", "test"], "What --artifacts takes: a folder, always, always=DIR or never."),
    ("CI", &["run", "test"], "In a pipeline nothing is asked, and flowrun test writes no snapshot."),
    ("VISUAL, EDITOR", &["test"], "The editor that --review opens."),
    ("NO_COLOR, CLICOLOR_FORCE", &[], "No colours, or colours in pipes too; --color comes before them."),
    ("COLUMNS", &[], "The width of the terminal, if the system does not say it."),
];

/// Files that commands read and write, with the commands; none is for all.
const FILES: &[(&str, &[&str], &str)] = &[
    (
        "flowrun.toml",
        &["run", "test", "say", "term", "doctor", "allow"],
        "Names of ports, benches, profiles and hooks, in the folder of the flow or above it.",
    ),
    ("NAME.saved.toml", &["run"], "What save kept; --save names another file."),
    ("NAME.recording", &["run", "test"], "A recording; beside a flow without a device it plays with --port sim."),
    (
        "snapshots/NAME.snap",
        &["test", "pending"],
        "The transcript that the flow beside it had when it was accepted; NAME.snap.new is one to look at.",
    ),
    ("flowrun-results/", &["run", "test"], "What failed runs leave."),
    (".flowrun/history/", &["run", "test", "history"], "The history of runs, if there is one."),
];

/// What an exit code means, for commands that say nothing else.
const EXIT_CODES: &str = "0 it did what it should, 1 not everything could be written or shown, 2 the command line or a \
                          file is wrong, 3 the system did not give what the command needs.";

/// The whole of what a page may have below the options.
struct Extra {
    examples: Vec<String>,
    exit: Vec<Text>,
    notes: Vec<Text>,
}

/// A paragraph of a page.
enum Text {
    /// Sentences, which a terminal of any width fills.
    Prose(String),
    /// A table, which stands as it is.
    Lines(Vec<String>),
}

/// Returns the page of a command, or of the program without one; `None` if there is no such command.
pub(in crate::cli) fn page(command: Option<&str>) -> Option<String> {
    let mut all = super::definition();
    all.build();
    match command {
        None => Some(render(all, "flowrun", true)),
        Some(name) => all.find_subcommand(name).cloned().map(|command| render(command, name, false)),
    }
}

/// Returns the name of the file and the text of every page.
pub(in crate::cli) fn pages() -> Vec<(String, String)> {
    let of = |name: &String| Some((format!("flowrun-{name}.1"), page(Some(name))?));
    let general = page(None).map(|text| ("flowrun.1".to_string(), text));
    general.into_iter().chain(super::commands().iter().filter_map(of)).collect()
}

fn render(command: Command, name: &str, is_general: bool) -> String {
    let extra = extra(&command.get_after_help().map(ToString::to_string).unwrap_or_default());
    let title = if is_general { "FLOWRUN".to_string() } else { format!("FLOWRUN-{}", name.to_uppercase()) };
    let version = format!("flowrun {}", env!("CARGO_PKG_VERSION"));
    let full = if is_general { "flowrun".to_string() } else { format!("flowrun-{name}") };
    let command = command.display_name(full);
    let usage = command.clone().render_usage().to_string();
    let man = Man::new(command.clone());
    // The date is empty: the same program writes the same page. clap_mangen leaves an empty word out, and the others
    // move to the left.
    let mut page = format!(".TH {title} 1 \"\" \"{version}\" \"User Commands\"\n").into_bytes();
    man.render_name_section(&mut page).expect("a list takes every byte");
    let mut roff = Roff::default();
    roff.control("SH", ["SYNOPSIS"]);
    let usage = usage.trim_start_matches("Usage:").lines().map(|line| line.trim().to_string());
    lines(&mut roff, &usage.collect::<Vec<_>>());
    roff.to_writer(&mut page).expect("a list takes every byte");
    man.render_description_section(&mut page).expect("a list takes every byte");
    man.render_options_section(&mut page).expect("a list takes every byte");
    let mut roff = Roff::default();
    if is_general {
        roff.control("SH", ["COMMANDS"]);
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        for command in shown {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            entry(&mut roff, &format!("flowrun-{}(1)", command.get_name()), &about);
        }
    }
    let key = if is_general { "run" } else { name };
    if !extra.notes.is_empty() {
        roff.control("SH", ["NOTES"]);
        paragraphs(&mut roff, &extra.notes);
    }
    table(&mut roff, "ENVIRONMENT", ENVIRONMENT, key);
    table(&mut roff, "FILES", FILES, key);
    roff.control("SH", ["EXIT STATUS"]);
    match extra.exit.as_slice() {
        [] => drop(roff.text([roman(EXIT_CODES)])),
        exit => paragraphs(&mut roff, exit),
    }
    if !extra.examples.is_empty() {
        roff.control("SH", ["EXAMPLES"]);
        lines(&mut roff, &extra.examples);
    }
    roff.control("SH", ["SEE ALSO"]);
    let see = if is_general { "flowrun help language shows what a flow may say." } else { "flowrun(1)" };
    roff.text([roman(see)]);
    roff.to_writer(&mut page).expect("a list takes every byte");
    String::from_utf8(page).expect("texts are UTF-8")
}

/// Writes a name and what it is.
fn entry(roff: &mut Roff, name: &str, what: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(what)]);
}

/// Writes the rows of a table that concern a command, below a heading.
fn table(roff: &mut Roff, heading: &str, rows: &[(&str, &[&str], &str)], command: &str) {
    let rows: Vec<_> = rows.iter().filter(|(_, of, _)| of.is_empty() || of.contains(&command)).collect();
    if rows.is_empty() {
        return;
    }
    roff.control("SH", [heading]);
    for (name, _, what) in rows {
        entry(roff, name, what);
    }
}

/// Writes paragraphs, with a space before each but the first.
fn paragraphs(roff: &mut Roff, texts: &[Text]) {
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        match text {
            Text::Prose(prose) => drop(roff.text([roman(prose.as_str())])),
            Text::Lines(table) => lines(roff, table),
        }
    }
}

/// Writes lines as they stand.
fn lines(roff: &mut Roff, lines: &[String]) {
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line.as_str())]);
    }
    roff.control("fi", []);
}

/// Parts what stands below the options of a help into examples, exit codes and the rest.
fn extra(text: &str) -> Extra {
    let mut extra = Extra { examples: Vec::new(), exit: Vec::new(), notes: Vec::new() };
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let lines: Vec<String> = paragraph.lines().map(str::to_string).collect();
        match lines[0].as_str() {
            "Examples:" => extra.examples.extend(lines[1..].iter().map(|line| line.trim_start().to_string())),
            "Exit codes:" => {
                extra.exit.push(Text::Lines(lines[1..].iter().map(|line| line.trim_start().to_string()).collect()));
            }
            first => {
                let is_exit = first.starts_with("Exit codes");
                let is_table = lines.iter().any(|line| line.starts_with("  "));
                let text = if is_table { Text::Lines(lines) } else { Text::Prose(lines.join(" ")) };
                if is_exit { extra.exit.push(text) } else { extra.notes.push(text) }
            }
        }
    }
    extra
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_every_command_with_the_sections_that_one_looks_for() {
        let pages = pages();
        assert_eq!(pages.len(), super::super::commands().len() + 1);
        for (file, page) in &pages {
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT"] {
                let is_there =
                    page.lines().any(|line| line == format!(".SH {section}") || line == format!(".SH \"{section}\""));
                assert!(is_there, "{file} has no {section}\n{page}");
            }
        }
        assert_eq!(page(Some("no-such-command")), None);
    }

    #[test]
    fn what_follows_the_options_of_a_help_has_its_section() {
        let page = page(Some("run")).expect("it is there");
        for (section, text) in [
            ("FILES", "snapshots"),
            ("FILES", "flowrun.toml"),
            ("EXAMPLES", "flowrun login.flow \\-\\-port sim"),
            ("\"EXIT STATUS\"", "interrupted (Ctrl\\-C)"),
        ] {
            let after =
                page.split(&format!(".SH {section}\n")).nth(1).unwrap_or_else(|| panic!("no {section}\n{page}"));
            let of_section = after.split(".SH").next().unwrap_or_default();
            // Snapshots are of `test`.
            assert_eq!(of_section.contains(text), text != "snapshots", "{section} and {text}\n{page}");
        }
    }

    #[test]
    fn the_version_stands_at_the_foot_of_a_page_and_not_in_the_place_of_its_date() {
        let version = env!("CARGO_PKG_VERSION");
        let title = format!(".TH FLOWRUN-TEST 1 \"\" \"flowrun {version}\" \"User Commands\"");
        let page = page(Some("test")).expect("it is there");
        assert_eq!(page.lines().find(|line| line.starts_with(".TH")), Some(title.as_str()));
    }

    #[test]
    fn the_synopsis_is_the_usage_of_the_help() {
        let page = page(Some("test")).expect("it is there");
        assert!(page.contains(".SH SYNOPSIS\n.nf\nflowrun test [OPTIONS] [PATH]...\n.fi\n"), "{page}");
    }

    #[test]
    fn sentences_are_filled_and_tables_stand_as_they_are() {
        let one_line = "flow failed or changed, 2 a flow or the command line is wrong, 3 a port failed";
        let page_of = |name| page(Some(name)).expect("it is there");
        assert!(page_of("test").contains(one_line), "{}", page_of("test"));
        assert!(page_of("stress").contains(".nf\nBenign faults"), "{}", page_of("stress"));
    }
}
