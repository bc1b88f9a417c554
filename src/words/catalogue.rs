//! `Catalogue`: the texts of one language, by their English.

use std::collections::HashMap;

use polib::message::{MessageView, SingularPluralMismatchError};
use polib::po_file::{POParseOptions, parse_from_reader_with_option};

use super::Template;

/// A template with fewer bytes of its own says nothing about what is in its places.
const LIGHTEST: usize = 6;

/// A part of a part is translated, and what is in that; no deeper.
const DEEPEST: usize = 3;

/// Every text of a language.
#[derive(Debug)]
pub struct Catalogue {
    whole: HashMap<String, String>,
    /// The heaviest first: of several that fit, it says the most about a text.
    templates: Vec<(Template, Template)>,
}

impl Catalogue {
    /// Reads a catalogue in the format of gettext; what is not translated is left out.
    ///
    /// # Panics
    ///
    /// If it is not one: the catalogues of flowrun are part of the program, and its tests read them.
    pub fn read(text: &str) -> Catalogue {
        let (mut whole, mut templates) = (HashMap::new(), Vec::new());
        for (english, said) in pairs(text).into_iter().filter(|(_, said)| !said.is_empty()) {
            let template = Template::read(&english);
            if template.places().next().is_some() {
                templates.push((template, Template::read(&said)));
            } else {
                let plain = |text: &str| Template::read(text).filled(|_| None);
                whole.insert(plain(&english), plain(&said));
            }
        }
        templates.sort_by_key(|(template, _)| std::cmp::Reverse(template.weight()));
        Catalogue { whole, templates }
    }

    /// Returns a finished text in the language; `None` if the catalogue does not have it.
    pub fn said(&self, english: &str) -> Option<String> {
        self.said_at(english, 0)
    }

    /// Returns a word that stands alone.
    pub fn word(&self, english: &str) -> Option<&str> {
        self.whole.get(english).map(String::as_str)
    }

    fn said_at(&self, english: &str, depth: usize) -> Option<String> {
        if let Some(said) = self.whole.get(english) {
            return Some(said.clone());
        }
        if depth > 0
            && let Some(said) = self.list(english)
        {
            return Some(said);
        }
        let lightest = if depth == 0 { 2 } else { LIGHTEST };
        let templates = self.templates.iter().take_while(|(template, _)| template.weight() >= lightest);
        let (values, said) = templates.filter_map(|(template, said)| Some((template.values(english)?, said))).next()?;
        let value_of = |name: &str| {
            let (_, value, is_quoted) = values.iter().find(|(known, ..)| *known == name)?;
            let is_data = *is_quoted || depth >= DEEPEST || value.is_empty();
            Some(if is_data { None } else { self.said_at(value, depth + 1) }.unwrap_or(value.to_string()))
        };
        Some(said.filled(value_of))
    }
}

/// What parts the members of a list, and the keys of their translations.
const BETWEEN: [&str; 3] = [", ", " or ", " and "];

impl Catalogue {
    /// Returns a list of quoted texts and of texts that the catalogue has, such as ``a value, `cts` or `dsr` ``.
    fn list(&self, english: &str) -> Option<String> {
        let (mut said, mut rest, mut n_known) = (String::new(), english, 0);
        loop {
            let first = BETWEEN.iter().filter_map(|between| Some((rest.find(between)?, *between))).min();
            let (member, between) = first.map_or((rest, ""), |(at, between)| (&rest[..at], between));
            let is_quoted = member.len() > 1 && member.starts_with('`') && member.ends_with('`');
            match self.whole.get(member) {
                Some(text) => said.push_str(text),
                None if is_quoted => said.push_str(member),
                None => return None,
            }
            n_known += 1;
            if between.is_empty() {
                return (n_known > 1).then_some(said);
            }
            said.push_str(self.word(between).unwrap_or(between));
            rest = &rest[member.len() + between.len()..];
        }
    }
}

/// Returns each English text with what the catalogue has for it.
fn pairs(text: &str) -> Vec<(String, String)> {
    let options = POParseOptions { message_body_only: true, ..POParseOptions::default() };
    let read = parse_from_reader_with_option(text.as_bytes(), &options).expect("the catalogue is a PO file");
    let pair = |message: &dyn MessageView| -> Result<(String, String), SingularPluralMismatchError> {
        Ok((message.msgid().to_string(), message.msgstr()?.to_string()))
    };
    read.messages().filter_map(|message| pair(message).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\n"

msgid "a text"
msgstr "文本"

msgid "{what} must be {wanted}, this is {}"
msgstr "{what}必须是{wanted}，而这里是{0}"

msgid "{} of {}"
msgstr "{1}中的{0}"

msgid "the name `{}` is wrong"
msgstr "名称 `{}` 错误"

msgid " or "
msgstr "或"

msgid "not yet translated"
msgstr ""
"#;

    #[test]
    fn parts_are_translated_unless_they_are_quoted() {
        let catalogue = Catalogue::read(TEXT);
        let said = |text: &str| catalogue.said(text);
        assert_eq!(said("a text").as_deref(), Some("文本"));
        assert_eq!(said("x must be a text, this is 3").as_deref(), Some("x必须是文本，而这里是3"));
        assert_eq!(said("the name `a text` is wrong").as_deref(), Some("名称 `a text` 错误"));
        assert_eq!(said("3 of 4").as_deref(), Some("4中的3"));
        assert_eq!(
            said("x must be a text, `b` or a text, this is 3").as_deref(),
            Some("x必须是文本, `b`或文本，而这里是3")
        );
        assert_eq!(said("not yet translated"), None);
        assert_eq!(said(""), None);
    }

    #[test]
    fn of_several_templates_the_one_that_says_the_most_counts() {
        let catalogue = Catalogue::read(TEXT);
        assert_eq!(catalogue.said("the name `a of b` is wrong").as_deref(), Some("名称 `a of b` 错误"));
    }
}
