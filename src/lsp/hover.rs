//! What is said about a word: the text of the reference, or where a name comes from.

use std::path::Path;

use super::across::Found;
use super::names::{Kind, Scope};
use super::{Position, Range, Workspace, comment_above, is_built_in};
use crate::function::Function;
use crate::reference::{Reference, Subject, call_of};
use crate::source::{Span, name_of};
use crate::syntax::PaintKind;

/// A head, as a flow would write it, and what is said about it, as Markdown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub head: String,
    pub what: String,
}

impl Workspace {
    /// Returns what is said about the word at a position, as Markdown, and where the word stands.
    pub(crate) fn hover(&self, path: &Path, position: Position) -> Option<(String, Range)> {
        let known = self.known(path)?;
        let at = known.text.offset(position);
        if let Some(found) = self.name_at(path, position) {
            return Some((self.describe_name(&found)?, known.text.range(found.occurrence.span)));
        }
        let line = known.text.line(position.line);
        let start = known.text.start_of(position.line);
        // Words of the language: as the grammar reads them, or as they stand in a line that cannot be read.
        let is_there = |span: Span| span.range().contains(&at) || span.end as usize == at;
        let paint = known.paints().iter().find(|paint| is_there(paint.span));
        let (span, kind) = match paint {
            Some(paint) => (paint.span, paint.kind),
            None => (word_at(line, at - start, start)?, PaintKind::Keyword),
        };
        let word = known.text.slice(span);
        let text = match kind {
            PaintKind::Function => shown(&describe_function(&self.reference, Function::find(word)?)),
            PaintKind::Setting => describe(&self.reference, word, |subject| subject == Subject::Setting)?,
            PaintKind::Keyword => self.describe_keyword(word, line, at - start)?,
            PaintKind::Name
            | PaintKind::Word
            | PaintKind::Text
            | PaintKind::Regex
            | PaintKind::Number
            | PaintKind::Operator
            | PaintKind::Comment => return None,
        };
        Some((text, known.text.range(span)))
    }

    /// Describes a keyword: as the beginning of a statement or of a pattern, or else the statement that it belongs to.
    fn describe_keyword(&self, word: &str, line: &str, at: usize) -> Option<String> {
        let is_statement = |subject| matches!(subject, Subject::Statement(_));
        if let Some(header) = describe_header(word) {
            return Some(header);
        }
        if matches!(word, "line" | "prompt") {
            return describe(&self.reference, word, |subject| subject == Subject::Pattern);
        }
        describe(&self.reference, word, is_statement).or_else(|| {
            let words: Vec<&str> =
                line[..at.min(line.len())].split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            words.into_iter().rev().find_map(|word| describe(&self.reference, word, is_statement))
        })
    }

    /// Describes a name: what it is, the line that declares it, and the comment above that line.
    fn describe_name(&self, found: &Found) -> Option<String> {
        let Some(origin) = self.origin(found) else {
            let what = found.occurrence.kind.title();
            return Some(format!("{what} `{}`: nothing declares it here", found.occurrence.name));
        };
        let usage = match (origin.occurrence.kind, origin.occurrence.scope) {
            (Kind::Variable, Scope::Body(_)) => "a variable of this block",
            (Kind::Variable, _) => "a variable",
            (Kind::Param, _) => "a param: the command line may set it",
            (Kind::Secret, _) => "a secret: masked in every output",
            (Kind::File, _) => "a file that the command line names",
            (Kind::State, _) => "a state that all handlers of the device share",
            (Kind::Wire, _) => "a wire that all devices of a bench share",
            (Kind::Parameter, _) => "a parameter",
            (Kind::Port, _) => "a port",
            (Kind::Procedure, _) => "a procedure",
        };
        let place =
            if origin.path == found.path { String::new() } else { format!(" of `{}`", file_name(&origin.path)) };
        Some(format!("{}\n\n{usage}{place}", origin.described()))
    }
}

impl Found {
    /// Returns the line that a name is declared in, as code, and the comment above it.
    pub(super) fn described(&self) -> String {
        let text = &self.known.text;
        let line = text.position(self.occurrence.span.start as usize).line;
        let code = text.line(line).trim();
        // What a secret is by default is not repeated in a window of its own.
        let code = match (self.occurrence.kind, code.split_once('=')) {
            (Kind::Secret, Some((head, _))) => format!("{} = …", head.trim_end()),
            _ => code.trim_end_matches('{').trim_end().to_string(),
        };
        let comment = comment_above(text, line).join("\n");
        let comment = if comment.is_empty() { comment } else { format!("\n\n{comment}") };
        format!("```flow\n{code}\n```{comment}")
    }
}

fn file_name(path: &Path) -> String {
    if is_built_in(path) {
        return name_of(path);
    }
    path.file_name().map_or_else(|| name_of(path), |name| name_of(Path::new(name)))
}

/// Describes a function: how it is called, what it takes and what it gives.
pub(super) fn describe_function(reference: &Reference, function: Function) -> Described {
    let signature = function.signature();
    let entries = reference.about(signature.name, |subject| subject == Subject::Function);
    let mut what: Vec<String> = Vec::new();
    for entry in &entries {
        // A row has several functions; its halves are parted as their names are.
        let forms = entry.each_form();
        let halves: Vec<&str> = entry.what.split(" · ").collect();
        let own = forms.iter().position(|form| form.starts_with(&format!("{}(", signature.name)));
        match own {
            Some(own) if halves.len() == forms.len() && halves.len() > 1 => what.push(halves[own].to_string()),
            Some(_) | None => what.push(entry.what.to_string()),
        }
    }
    let takes =
        signature.parameters.iter().map(|parameter| format!("- `{}`: {}", parameter.name, parameter.accepted()));
    let takes: Vec<String> = takes.collect();
    if !takes.is_empty() {
        what.push(takes.join("\n"));
    }
    Described { head: call_of(function), what: what.join("\n\n") }
}

fn shown(described: &Described) -> String {
    format!("```flow\n{}\n```\n\n{}", described.head, described.what)
}

/// Describes a word by its rows in the reference.
pub(super) fn describe(reference: &Reference, word: &str, is_meant: impl Fn(Subject) -> bool) -> Option<String> {
    let entries = reference.about(word, is_meant);
    if entries.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    for entry in entries {
        let forms = entry.forms_of(word).join("\n");
        let default = entry.default.map(|default| format!("\n\nIf nothing is said: {default}")).unwrap_or_default();
        parts.push(format!("```flow\n{forms}\n```\n\n{}{default}", entry.what).trim_end().to_string());
    }
    Some(parts.join("\n\n---\n\n"))
}

/// Describes the kinds of files.
fn describe_header(word: &str) -> Option<String> {
    let what = match word {
        "flow" => "a scenario: what the host does. `flowrun FILE --port PORT` runs it",
        "device" => "the other end: what a device answers. `--port sim:FILE` and `flowrun sim FILE` play it",
        "library" => "procedures and watchers that others share: `use \"lib/air.flow\"`",
        _ => return None,
    };
    Some(format!("```flow\n{word} \"title\"\n```\n\n{what}"))
}

/// Returns the word of a line at a byte of it.
fn word_at(line: &str, at: usize, start: usize) -> Option<Span> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (before, after) = line.split_at_checked(at.min(line.len()))?;
    let begin = before.len() - before.chars().rev().take_while(|c| is_word(*c)).map(char::len_utf8).sum::<usize>();
    let end = before.len() + after.chars().take_while(|c| is_word(*c)).map(char::len_utf8).sum::<usize>();
    (begin < end).then(|| Span::new(start + begin, start + end))
}
