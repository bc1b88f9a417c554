//! What a code of an error or warning means: the rows of `docs/errors.md`.

/// The document that has a row for each code.
const DOCUMENT: &str = include_str!("../../docs/errors.md");

/// What is said about a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explained {
    /// The code: `flow::run::timeout`.
    pub code: &'static str,
    /// What the codes of its group have in common, as a heading.
    pub group: &'static str,
    /// What is wrong.
    pub wrong: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Returns all codes, in the order of the document.
pub(crate) fn codes() -> Vec<Explained> {
    let mut group = "";
    let mut found = Vec::new();
    for line in DOCUMENT.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            group = heading;
        }
        let Some(row) = line.strip_prefix("| `flow") else { continue };
        let code = &line[3..];
        let Some((code, _)) = code.split_once('`') else { continue };
        let mut cells = row.split(" | ").skip(1);
        if let (Some(wrong), Some(remedy)) = (cells.next(), cells.next()) {
            let remedy = remedy.trim_end_matches(" |");
            found.push(Explained { code, group, wrong, remedy });
        }
    }
    found
}

/// Returns what is said about a code; its last part alone names it too: `timeout`.
pub(crate) fn explain(wanted: &str) -> Option<Explained> {
    let codes = codes();
    let last = |code: &str| code.rsplit("::").next() == Some(wanted);
    let at = codes.iter().position(|known| known.code == wanted).or_else(|| codes.iter().position(|k| last(k.code)))?;
    codes.into_iter().nth(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

    #[test]
    fn every_code_is_explained() {
        for code in Code::ALL {
            let explained = explain(code.text()).unwrap_or_else(|| panic!("{} has no row", code.text()));
            assert!(!explained.wrong.is_empty() && !explained.remedy.is_empty() && !explained.group.is_empty());
        }
        assert_eq!(codes().len(), Code::ALL.len());
    }

    #[test]
    fn the_last_part_of_a_code_names_it() {
        assert_eq!(explain("unused-port").map(|found| found.code), Some("flow::lint::unused-port"));
        assert_eq!(explain("no-such-code"), None);
    }
}
