//! The topics of `docs/language.md`: its sections, and the rows of its tables for a word of the language.

/// The document that describes the language.
const DOCUMENT: &str = include_str!("../../docs/language.md");

/// What the document says about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A section, as it stands there.
    Section(&'static str),
    /// The rows of tables that have the word, each with the heading of its section.
    Rows(Vec<(&'static str, &'static str)>),
}

/// Returns the headings of all sections, in the order of the document.
pub(crate) fn topics() -> Vec<&'static str> {
    sections().into_iter().map(|(heading, _)| heading).collect()
}

impl Found {
    /// Finds a section by its heading, else the rows of tables whose first cell has the word.
    pub(crate) fn about(wanted: &str) -> Option<Found> {
        let sections = sections();
        if let Some((_, text)) = sections.iter().find(|(heading, _)| heading.eq_ignore_ascii_case(wanted)) {
            return Some(Found::Section(text));
        }
        let mut rows: Vec<(&str, &str)> = Vec::new();
        for (heading, text) in &sections {
            for row in text.lines().filter(|line| line.starts_with("| `") && has_word(first_cell(line), wanted)) {
                if !rows.iter().any(|(_, known)| *known == row) {
                    rows.push((heading, row));
                }
            }
        }
        (!rows.is_empty()).then_some(Found::Rows(rows))
    }
}

/// Returns each section with its heading; a section ends where the next of any depth begins.
fn sections() -> Vec<(&'static str, &'static str)> {
    let mut starts = Vec::new();
    let (mut at, mut is_code) = (0, false);
    for line in DOCUMENT.split_inclusive('\n') {
        is_code ^= line.starts_with("```");
        if !is_code && let Some(heading) = line.strip_prefix("## ").or_else(|| line.strip_prefix("### ")) {
            starts.push((heading.trim(), at));
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).map(|(_, at)| *at).chain([DOCUMENT.len()]);
    starts.iter().zip(ends).map(|((heading, from), to)| (*heading, DOCUMENT[*from..to].trim_end())).collect()
}

/// Returns the cells of each row of the table with this header.
pub(super) fn rows(header: &str) -> Vec<Vec<&'static str>> {
    let lines = DOCUMENT.lines().skip_while(|line| !line.starts_with(header)).skip(2);
    let cells = |line: &'static str| line.trim_matches('|').split(" | ").map(str::trim).collect();
    lines.take_while(|line| line.starts_with('|')).map(cells).collect()
}

fn first_cell(row: &str) -> &str {
    row.trim_start_matches("| ").split(" | ").next().unwrap_or_default()
}

/// Returns whether a text has a word that no letter, digit or `_` goes on before or after.
fn has_word(text: &str, word: &str) -> bool {
    let is_inner = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_inner) && !text[at + word.len()..].starts_with(is_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_a_section_or_the_rows_of_a_word() {
        assert!(topics().contains(&"Statements") && topics().contains(&"Echo"));
        let Some(Found::Section(text)) = Found::about("secrets") else { panic!("it is a section") };
        assert!(text.starts_with("## Secrets\n"));
        let Some(Found::Rows(rows)) = Found::about("read") else { panic!("it is a statement") };
        assert!(rows.len() >= 3 && rows[..3].iter().all(|(heading, _)| *heading == "Statements"), "{rows:?}");
        let Some(Found::Rows(rows)) = Found::about("md5") else { panic!("it is a function") };
        assert_eq!(rows.iter().map(|(heading, _)| *heading).collect::<Vec<_>>(), ["Functions"]);
        assert_eq!(Found::about("nonsense"), None);
    }

    #[test]
    fn every_statement_function_and_setting_is_a_topic() {
        let functions = crate::function::Function::all().map(|function| function.signature().name);
        let statements = crate::syntax::table::STATEMENTS.iter().flat_map(|row| row.words());
        let settings = crate::settings::SETTINGS.iter().map(|(name, _)| *name);
        for name in functions.chain(statements).chain(settings) {
            assert!(Found::about(name).is_some(), "{name}");
        }
    }
}
