//! Which language people are spoken to in: what was typed, then what the environment says.

use std::env;
use std::ffi::OsString;

#[cfg(not(windows))]
use super::terminal::is_ascii_only;
use crate::words::Language;

/// Takes `--lang` out of the arguments, and returns the language that is spoken.
///
/// An explicit choice counts first, `--lang` before `FLOWRUN_LANG`; then the locale, if the console is one of UTF-8. What is
/// not the name of a language stays in the arguments, where it is refused like any other mistake.
pub(super) fn chosen(arguments: &mut Vec<OsString>) -> Language {
    let named = || env::var("FLOWRUN_LANG").ok().as_deref().and_then(Language::of_name);
    typed(arguments).or_else(named).unwrap_or_else(of_system)
}

/// Takes every `--lang` before a `--` out of the arguments; the last one counts.
fn typed(arguments: &mut Vec<OsString>) -> Option<Language> {
    let mut found = None;
    let mut at = 1;
    while let Some(argument) = arguments.get(at).and_then(|argument| argument.to_str()) {
        let (n, name) = match argument {
            "--" => break,
            "--lang" => (2, arguments.get(at + 1).and_then(|name| name.to_str())),
            other => (1, other.strip_prefix("--lang=")),
        };
        match name.and_then(Language::of_name) {
            Some(language) => {
                found = Some(language);
                arguments.drain(at..at + n);
            }
            None => at += 1,
        }
    }
    found
}

/// Returns the language of the locale for messages, as POSIX has it.
#[cfg(not(windows))]
fn of_system() -> Language {
    let is_set = |name: &&&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some(name) = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find(is_set) else { return Language::English };
    let language = env::var(name).map_or(Language::English, |locale| Language::of_locale(&locale));
    // Such a console would show other characters than flowrun writes.
    if is_ascii_only() { Language::English } else { language }
}

/// Returns the language of the user's interface.
#[cfg(windows)]
fn of_system() -> Language {
    sys_locale::get_locale().map_or(Language::English, |locale| Language::of_locale(&locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_option_is_taken_out_wherever_it_is_and_only_with_a_language() {
        let read = |line: &str| {
            let mut arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let language = typed(&mut arguments);
            (language, arguments.join(&OsString::from(" ")).into_string().expect("it is UTF-8"))
        };
        let zh = Some(Language::Chinese);
        for (line, language, left) in [
            ("flowrun --lang zh a.flow", zh, "flowrun a.flow"),
            ("flowrun check a.flow --lang=zh", zh, "flowrun check a.flow"),
            ("flowrun --lang en a.flow --lang zh", zh, "flowrun a.flow"),
            ("flowrun --lang", None, "flowrun --lang"),
            ("flowrun --lang de a.flow", None, "flowrun --lang de a.flow"),
            ("flowrun say COM3 -- --lang zh", None, "flowrun say COM3 -- --lang zh"),
            ("--lang zh", None, "--lang zh"),
        ] {
            assert_eq!(read(line), (language, left.to_string()), "{line}");
        }
    }
}
