//! `Language`: what a console and a help text say in it; English is the key, and everything else is a catalogue.
//!
//! Messages are made in English, and English they stay in files, events and reports. [`Language::said`] is asked where a
//! text is shown to a person, and nowhere else. A run in English never reads a catalogue.

mod catalogue;
mod template;

use std::borrow::Cow;
use std::sync::OnceLock;

use unicode_width::UnicodeWidthStr;

pub use catalogue::Catalogue;
pub use template::Template;

/// The catalogue of Simplified Chinese.
pub const CHINESE: &str = include_str!("../po/zh.po");

/// A language that flowrun speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, which is what the program is written in.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// What `--lang` takes.
    pub const NAMES: [&str; 2] = ["en", "zh"];

    /// Returns the language that `--lang` or `FLOWRUN_LANG` names.
    pub fn of_name(name: &str) -> Option<Language> {
        match name {
            "en" => Some(Language::English),
            "zh" => Some(Language::Chinese),
            _ => None,
        }
    }

    /// Returns the language of a locale, such as `zh_CN.UTF-8` or `zh-Hans`; English if flowrun does not speak it.
    pub fn of_locale(locale: &str) -> Language {
        let language = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        Language::of_name(language).unwrap_or_default()
    }

    /// Returns a finished English text in this language; as it is, if the catalogue does not have it.
    ///
    /// What a message says about a value, a file or a device stays as it is. A part of a message that is a text of the
    /// catalogue itself is translated too, unless it is quoted.
    pub fn said(self, english: &str) -> Cow<'_, str> {
        let said = self.catalogue().and_then(|catalogue| catalogue.said(english));
        said.map_or(Cow::Borrowed(english), Cow::Owned)
    }

    /// Returns a word that stands alone, such as the name of a note.
    pub fn word(self, english: &'static str) -> &'static str {
        self.known_word(english).unwrap_or(english)
    }

    /// Returns a word like [`Language::word`]; `None` if it is not in the catalogue.
    pub fn known_word(self, english: &str) -> Option<&'static str> {
        self.catalogue().and_then(|catalogue| catalogue.word(english))
    }

    /// Returns `one` if there is one, else `many` with the number in the place of `{}`, in this language.
    pub fn counted(self, n: u64, one: &str, many: &str) -> String {
        let english = if n == 1 { one.to_string() } else { many.replacen("{}", &n.to_string(), 1) };
        self.said(&english).into_owned()
    }

    /// Returns a text of several lines, each line that the catalogue has in this language.
    pub fn said_lines(self, english: &str) -> String {
        english.split('\n').map(|line| self.said(line).into_owned()).collect::<Vec<_>>().join("\n")
    }

    fn catalogue(self) -> Option<&'static Catalogue> {
        static READ: OnceLock<Catalogue> = OnceLock::new();
        match self {
            Language::English => None,
            Language::Chinese => Some(READ.get_or_init(|| Catalogue::read(CHINESE))),
        }
    }
}

/// Returns how many columns of a terminal a text takes.
pub fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_gives_its_language() {
        for locale in ["zh_CN.UTF-8", "zh_TW.utf8", "zh-Hans-CN", "zh", "zh_CN@pinyin"] {
            assert_eq!(Language::of_locale(locale), Language::Chinese, "{locale}");
        }
        for locale in ["de_DE.UTF-8", "zhx.UTF-8", "C", "POSIX", "", "en_GB.UTF-8"] {
            assert_eq!(Language::of_locale(locale), Language::English, "{locale}");
        }
    }

    #[test]
    fn english_is_what_it_was_and_an_unknown_text_too() {
        for language in [Language::English, Language::Chinese] {
            assert_eq!(language.said("the cat sat on `the mat`"), "the cat sat on `the mat`");
        }
        assert_eq!(Language::English.said("waited here"), "waited here");
        assert_ne!(Language::Chinese.said("waited here"), "waited here");
    }
}
