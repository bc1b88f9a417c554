//! Help texts, and what clap says about a mistake, in the language of the person.

use std::ffi::OsString;

use clap::builder::StyledStr;

use super::{definition, short};
use crate::value::escape::harmless;
use crate::words::Language;

/// What clap writes around the texts of a command.
const AROUND: [&str; 9] = [
    "Usage:",
    "Arguments:",
    "Options:",
    "Commands:",
    "[default: ",
    "[possible values: ",
    "[env: ",
    "Possible values:",
    "For more information, try",
];

/// Returns the definition with every text in a language; names of commands and options stay as they are.
pub(super) fn command(mut command: clap::Command, language: Language) -> clap::Command {
    if language == Language::English {
        return command;
    }
    command.build();
    translated(command, language)
}

fn translated(command: clap::Command, language: Language) -> clap::Command {
    let said = |text: &StyledStr| language.said_lines(&text.to_string());
    let (about, long) = (command.get_about().map(said), command.get_long_about().map(said));
    let after = command.get_after_help().map(said);
    let command = about.into_iter().fold(command, clap::Command::about);
    let command = long.into_iter().fold(command, clap::Command::long_about);
    let command = after.into_iter().fold(command, clap::Command::after_help);
    let command = command.mut_args(|arg| {
        let (help, long) = (arg.get_help().map(said), arg.get_long_help().map(said));
        let heading = arg.get_help_heading().and_then(|heading| language.known_word(heading));
        let arg = help.into_iter().fold(arg, clap::Arg::help);
        let arg = long.into_iter().fold(arg, clap::Arg::long_help);
        match heading {
            Some(heading) => arg.help_heading(heading),
            None => arg,
        }
    });
    command.mut_subcommands(|command| translated(command, language))
}

/// Returns what clap wrote, with what it writes by itself in a language too.
fn spoken(text: &str, language: Language) -> String {
    let around =
        |text: String| AROUND.iter().fold(text, |text, around| text.replacen(around, language.word(around), 1));
    let line = |line: &str| match line {
        mistake if mistake.starts_with("error: ") || mistake.starts_with("  tip: ") => {
            language.said(mistake).into_owned()
        }
        // A value that an option takes: `- json: One JSON document`.
        value if value.trim_start().starts_with("- ") && value.contains(": ") => {
            let (name, what) = value.split_once(": ").expect("it was just looked for");
            format!("{name}: {}", language.known_word(what.trim_start()).unwrap_or(what))
        }
        other => around(language.known_word(other).unwrap_or(other).to_string()),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Returns the long help of a command, or of the program without one; `None` if there is no such command.
pub(in crate::cli) fn help_of(words: &[&str], language: Language) -> Option<String> {
    let mut all = command(definition(), language);
    all.build();
    let help = match words {
        [] => all.render_long_help(),
        [word] => all.find_subcommand_mut(word)?.render_long_help(),
        _ => return None,
    };
    Some(spoken(&help.to_string(), language))
}

/// Returns a help text, the version or what is wrong in a language; `None` in English, which clap shows by itself.
pub(in crate::cli) fn in_language(answer: &clap::Error, language: Language) -> Option<String> {
    (language != Language::English).then(|| spoken(&answer.render().to_string(), language))
}

/// Returns what is shown instead of doing anything; the short help has a definition of its own.
pub(super) fn answer(error: clap::Error, arguments: &[OsString], language: Language) -> clap::Error {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand};
    let is_long = arguments.iter().any(|argument| argument == "--help");
    let kind = error.kind();
    let is_short = (kind == DisplayHelp && !is_long) || kind == DisplayHelpOnMissingArgumentOrSubcommand;
    match is_short.then(|| short::definition(language).try_get_matches_from(arguments)) {
        Some(Err(short)) if short.kind() == error.kind() => short,
        Some(_) | None => harmless_answer(error, arguments, language),
    }
}

/// Returns an answer in which nothing of what was typed is obeyed by a terminal: the one to the same line made visible.
fn harmless_answer(answer: clap::Error, arguments: &[OsString], language: Language) -> clap::Error {
    let made_visible = arguments.iter().map(|argument| OsString::from(harmless(argument.as_encoded_bytes())));
    let made_visible: Vec<OsString> = made_visible.collect();
    if made_visible == arguments {
        return answer;
    }
    command(definition(), language).try_get_matches_from(made_visible).err().unwrap_or_else(|| {
        let text = answer.to_string();
        clap::Error::raw(answer.kind(), text.lines().map(|line| harmless(line) + "\n").collect::<String>())
    })
}
