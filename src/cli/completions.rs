//! `flowrun completions`: the scripts for shells, and what they ask for: what fits the word that is being typed.

mod fit;

use super::Ending;
use super::args::{Candidate, CompletionsArguments, Shell, candidates};
use super::terminal::Terminal;
use crate::value::escape::harmless;
use fit::Line;

/// Writes the script for a shell; with words it is the script that asks.
pub(super) fn completions(arguments: &CompletionsArguments, terminal: &Terminal) -> Ending {
    let Some((last, before)) = arguments.words.split_last() else {
        terminal.say(script(arguments.shell));
        return Ending::Done;
    };
    // PowerShell hands on no empty word.
    let last = if last == "\"\"" { Default::default() } else { last.clone() };
    let words: Vec<_> = before.iter().cloned().chain([last]).collect();
    let line = Line::new(before);
    let found = candidates(&words, move |wanted, typed| line.fitting(wanted, typed));
    terminal.say(&found.iter().filter_map(shown).collect::<String>());
    Ending::Done
}

fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("completions/flowrun.bash"),
        Shell::Zsh => include_str!("completions/flowrun.zsh"),
        Shell::Fish => include_str!("completions/flowrun.fish"),
        Shell::Powershell => include_str!("completions/flowrun.ps1"),
    }
}

/// Returns a line for a script: the value, a tab and what it is. What a terminal would obey is not offered.
fn shown(candidate: &Candidate) -> Option<String> {
    let is_plain = harmless(&candidate.value) == candidate.value && !candidate.value.contains(['\t', '\n']);
    let help = candidate.help.as_deref().map(|help| harmless(help.replace(['\t', '\n'], " "))).unwrap_or_default();
    let tab = if help.is_empty() { "" } else { "\t" };
    is_plain.then(|| format!("{}{tab}{help}\n", candidate.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_nothing_that_a_terminal_obeys_or_a_script_takes_for_two() {
        let of = |value: &str, help: &str| shown(&Candidate::new(value, help));
        assert_eq!(of("a.flow", ""), Some("a.flow\n".to_string()));
        assert_eq!(of("a=", "the\tfirst\nline \u{1b}[2J"), Some("a=\tthe first line \\x1b[2J\n".to_string()));
        for value in ["a\u{1b}[2J", "a\tb", "a\nb", "\u{202e}a"] {
            assert_eq!(of(value, ""), None, "{value:?}");
        }
    }
}
