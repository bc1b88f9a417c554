//! The call around a place: which function or procedure, and which of its arguments.

use std::path::Path;

use super::hover::{Described, describe_function};
use super::{Position, Workspace};
use crate::function::Function;
use crate::syntax::ast::StatementKind;

/// How something is called, and how far its call is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signatures {
    /// The whole call: `substring(text, start, [length])`.
    pub label: String,
    /// What it does, as Markdown.
    pub what: String,
    /// Each parameter, as it stands in the label.
    pub parameters: Vec<String>,
    /// The one that is written, counted from 0.
    pub active: u32,
}

impl Workspace {
    /// Returns the call that a position stands in.
    pub(crate) fn signature(&self, path: &Path, position: Position) -> Option<Signatures> {
        let text = self.text(path)?;
        let at = text.offset(position);
        let (name, is_procedure, active) = call_around(&text.as_str()[..at])?;
        if is_procedure {
            let found = self.procedures(path).into_iter().find(|found| found.occurrence.name == name)?;
            let mut parameters = Vec::new();
            super::across::each_statement(&found.known.parsed.file.body, &mut |statement| {
                if let StatementKind::Procedure { name, parameters: named, .. } = &statement.kind
                    && name.span == found.occurrence.span
                {
                    parameters = named.iter().map(|parameter| parameter.node.clone()).collect();
                }
            });
            let label = format!("{name}({})", parameters.join(", "));
            return Some(Signatures { label, what: found.described(), parameters, active });
        }
        let function = Function::find(&name)?;
        let parameters = function.signature().parameters.iter().map(|parameter| {
            if parameter.optional { format!("[{}]", parameter.name) } else { parameter.name.to_string() }
        });
        let Described { head, what } = describe_function(&self.reference, function);
        Some(Signatures { label: head, what, parameters: parameters.collect(), active })
    }
}

/// Finds the innermost call that is open at the end of a text: its name, whether it is a `call`, and how many commas its arguments
/// have so far. A statement goes on over few lines, so no more than the last of the text is looked at.
fn call_around(before: &str) -> Option<(String, bool, u32)> {
    const FARTHEST: usize = 4096;
    let mut start = before.len().saturating_sub(FARTHEST);
    while !before.is_char_boundary(start) {
        start += 1;
    }
    let before = &before[start..];
    let mut open: Vec<(char, usize, u32)> = Vec::new();
    let mut quote: Option<char> = None;
    let mut outer: Vec<char> = Vec::new();
    let mut chars = before.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some('"'), '\\') => drop(chars.next()),
            (Some('"' | '`'), '$') if chars.peek().is_some_and(|(_, next)| *next == '{') => {
                chars.next();
                outer.extend(quote.take());
                open.push(('$', at, 0));
            }
            // No text goes on in the next line.
            (_, '\n') if quote.is_some() => {
                quote = None;
                outer.clear();
            }
            (Some(closing), c) if closing == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`') => quote = Some(c),
            (None, '#') => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            (None, '(' | '[' | '{') => open.push((c, at, 0)),
            (None, ')' | ']' | '}') => {
                if let Some(('$', ..)) = open.pop() {
                    quote = outer.pop();
                }
            }
            (None, ',') => {
                if let Some((_, _, commas)) = open.last_mut() {
                    *commas += 1;
                }
            }
            (None, _) => {}
        }
    }
    if quote.is_some() && open.is_empty() {
        return None;
    }
    // A map or a list is an argument; a block is not.
    for (sign, at, commas) in open.into_iter().rev() {
        let head = before[..at].trim_end_matches(' ');
        match sign {
            '(' => {
                let is_word = |c: char| c.is_alphanumeric() || c == '_';
                let begin = head
                    .rfind(|c| !is_word(c))
                    .map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
                let name = &head[begin..];
                if name.is_empty() {
                    continue;
                }
                let is_procedure = head[..begin].trim_end().ends_with("call");
                return Some((name.to_string(), is_procedure, commas));
            }
            '$' => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::call_around;

    #[test]
    fn the_innermost_call_counts_with_its_commas() {
        let call = |before: &str| {
            call_around(before).map(|(name, is_procedure, active)| format!("{name} {is_procedure} {active}"))
        };
        assert_eq!(call("log md5(").as_deref(), Some("md5 false 0"));
        assert_eq!(call("log replace(a, \"x,(\", ").as_deref(), Some("replace false 2"));
        assert_eq!(call("log \"${substring(a, ").as_deref(), Some("substring false 1"));
        assert_eq!(call("log \"${substring(a, 1)} (").as_deref(), None);
        assert_eq!(call("call http_post(url, md5(a), ").as_deref(), Some("http_post true 2"));
        assert_eq!(call("log form_encode({a: 1, ").as_deref(), Some("form_encode false 0"));
        assert_eq!(call("step \"s\" { log a # md5(\n").as_deref(), None);
        assert_eq!(call("log \"é${len(").as_deref(), Some("len false 0"));
        assert_eq!(call("").as_deref(), None);
    }
}
