//! Help texts, and what clap says about a mistake, in the language of the person.

use clap::builder::StyledStr;

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
pub(super) fn answer(text: &str, language: Language) -> String {
    let around = |text: String| {
        AROUND.iter().fold(text, |text, around| text.replacen(around, language.word(around), 1))
    };
    let line = |line: &str| match line {
        mistake if mistake.starts_with("error: ") || mistake.starts_with("  tip: ") => {
            language.said(mistake).into_owned()
        }
        other => around(language.known_word(other).unwrap_or(other).to_string()),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
