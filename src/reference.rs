//! `reference`: what is said about each word of the language and about each code, as data.
//!
//! `flowrun help`, `flowrun explain` and editors take their words from here. Each thing is described once: a statement in
//! `syntax/table.rs`, everything else in its row of `docs/language.md` or `docs/errors.md`. What a function takes is in
//! `function/table.rs`, and the tests below say which row is missing.

mod codes;
mod topics;

use crate::function::Function;
use crate::syntax::table::{Place, Row, STATEMENTS};
pub(crate) use codes::{Explained, codes, explain};
pub(crate) use topics::{Found, topics};

/// What a description is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A statement or a declaration.
    Statement(Place),
    /// A pattern.
    Pattern,
    /// A setting of `serial`.
    Setting,
    /// A function.
    Function,
}

/// One row of the reference: things that are described together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What it is about.
    pub subject: Subject,
    /// How it is written, each form in backticks as in Markdown, with `·` between them.
    pub forms: &'static str,
    /// What it does, as Markdown; empty if the form says it.
    pub what: &'static str,
    /// The value that a setting has if nothing is said, as Markdown.
    pub default: Option<&'static str>,
}

impl Entry {
    /// Returns each form, without its backticks.
    pub(crate) fn each_form(&self) -> Vec<&'static str> {
        let mut forms = Vec::new();
        let mut rest = self.forms;
        while let Some(start) = rest.find('`') {
            let fence = if rest[start..].starts_with("``") { "``" } else { "`" };
            let inner = &rest[start + fence.len()..];
            let Some(end) = inner.find(fence) else { break };
            forms.push(inner[..end].trim());
            rest = &inner[end + fence.len()..];
        }
        forms
    }

    /// Returns the forms that begin with a word.
    pub(crate) fn forms_of(&self, word: &str) -> Vec<&'static str> {
        self.each_form().into_iter().filter(|form| first_word(form) == word).collect()
    }
}

/// Returns the word that a form begins with: a name, a keyword, or the sign that is there instead.
fn first_word(form: &str) -> &str {
    let end = form.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(form.len());
    if end == 0 { form } else { &form[..end] }
}

/// All descriptions: made once by whoever asks often.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// In the order of the documents.
    pub entries: Vec<Entry>,
}

impl Reference {
    /// Reads the documents that travel inside of the program.
    pub(crate) fn new() -> Reference {
        let statement = |row: &'static Row| Entry {
            subject: Subject::Statement(row.place),
            forms: row.forms,
            what: row.what,
            default: None,
        };
        let mut entries: Vec<Entry> = STATEMENTS.iter().map(statement).collect();
        let tables =
            [("| pattern |", Subject::Pattern), ("| setting |", Subject::Setting), ("| function |", Subject::Function)];
        for (header, subject) in tables {
            for cells in topics::rows(header) {
                let cell = |n: usize| cells.get(n).copied();
                let (forms, what) = (cell(0).unwrap_or_default(), cell(1).unwrap_or_default());
                entries.push(Entry { subject, forms, what, default: cell(2) });
            }
        }
        Reference { entries }
    }

    /// Returns the descriptions of a word as a subject of this kind.
    pub(crate) fn about(&self, word: &str, is_meant: impl Fn(Subject) -> bool) -> Vec<&Entry> {
        let fits = |entry: &&Entry| is_meant(entry.subject) && !entry.forms_of(word).is_empty();
        self.entries.iter().filter(fits).collect()
    }
}

/// Returns how a function is called, with the names of what it takes; what may be left out stands in brackets.
pub(crate) fn call_of(function: Function) -> String {
    let signature = function.signature();
    let parameters: Vec<String> = signature
        .parameters
        .iter()
        .map(|parameter| if parameter.optional { format!("[{}]", parameter.name) } else { parameter.name.to_string() })
        .collect();
    format!("{}({})", signature.name, parameters.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SETTINGS;
    use std::collections::BTreeSet;

    #[test]
    fn everything_that_a_flow_can_name_is_described_and_nothing_else_is() {
        let described = |subject: Subject| {
            let entries = Reference::new().entries.into_iter().filter(move |entry| entry.subject == subject);
            let forms = entries.flat_map(|entry| entry.each_form());
            forms.map(|form| first_word(form).to_string()).collect::<BTreeSet<_>>()
        };
        let functions: BTreeSet<String> = Function::all().map(|f| f.signature().name.to_string()).collect();
        assert_eq!(described(Subject::Function), functions);
        let settings: BTreeSet<String> = SETTINGS.iter().map(|(name, _)| (*name).to_string()).collect();
        assert_eq!(described(Subject::Setting), settings);
        for (word, pattern) in [("line", "line \"text\""), ("prompt", "prompt /regex/"), ("x", "x\"0d 0a\"")] {
            let forms: Vec<_> = Reference::new()
                .about(word, |subject| subject == Subject::Pattern)
                .iter()
                .flat_map(|entry| entry.forms_of(word))
                .collect();
            assert!(forms.contains(&pattern), "{word}: {forms:?}");
        }
    }

    #[test]
    fn the_forms_of_a_function_are_those_that_its_signature_allows() {
        let reference = Reference::new();
        for function in Function::all() {
            let signature = function.signature();
            let entries = reference.about(signature.name, |subject| subject == Subject::Function);
            let forms: Vec<_> = entries.iter().flat_map(|entry| entry.forms_of(signature.name)).collect();
            assert!(!forms.is_empty(), "{}", signature.name);
            for form in forms {
                let inner =
                    form.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).map_or("", |(inner, _)| inner);
                // A form may show an argument instead of a name: then the number of arguments is not looked at.
                if inner.contains(['"', '{', '[', '…']) {
                    continue;
                }
                let n = if inner.is_empty() { 0 } else { inner.split(", ").count() };
                assert_eq!(signature.check_count(n), Ok(()), "{form}");
            }
        }
    }

    #[test]
    fn what_may_be_left_out_of_a_call_stands_in_brackets() {
        let call = |name: &str| Function::find(name).map(call_of);
        assert_eq!(call("substring").as_deref(), Some("substring(text, start, [length])"));
        assert_eq!(call("uuid").as_deref(), Some("uuid()"));
    }
}
