//! The colours of a file: each part with what it is.

use std::path::Path;

use super::names::{Kind, Use};
use super::{Position, Range, Workspace};
use crate::syntax::PaintKind;

/// The kinds of parts, by the names that the protocol gives them; a part has the number of its kind.
pub(crate) const TOKEN_KINDS: &[&str] = &[
    "keyword",
    "variable",
    "function",
    "property",
    "enumMember",
    "string",
    "regexp",
    "number",
    "operator",
    "comment",
    "parameter",
    "namespace",
];

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Painted {
    /// Where it begins.
    pub start: Position,
    /// How many UTF-16 units it has.
    pub length: u32,
    /// Its kind: a place in [`TOKEN_KINDS`].
    pub kind: u32,
    /// Whether a name is declared here.
    pub is_declaration: bool,
}

impl Workspace {
    /// Returns the parts of a file in their order, or those in a range.
    pub(crate) fn painted(&self, path: &Path, range: Option<Range>) -> Vec<Painted> {
        let Some(known) = self.known(path) else { return Vec::new() };
        let text = &known.text;
        let wanted = range.map_or(0..text.as_str().len(), |range| text.offset(range.start)..text.offset(range.end));
        let mut names = known.names.all.iter().peekable();
        let mut painted = Vec::new();
        for paint in known.paints() {
            let start = paint.span.start;
            while names.next_if(|name| name.span.start < start).is_some() {}
            let name = names.peek().filter(|name| name.span == paint.span && paint.kind == PaintKind::Name);
            if (paint.span.end as usize) < wanted.start || start as usize > wanted.end {
                continue;
            }
            let kind = match (paint.kind, name.map(|name| name.kind)) {
                (PaintKind::Keyword, _) => 0,
                (PaintKind::Name, Some(Kind::Procedure)) => 2,
                (PaintKind::Name, Some(Kind::Parameter)) => 10,
                (PaintKind::Name, Some(Kind::Port)) => 11,
                (
                    PaintKind::Name,
                    Some(Kind::Param | Kind::Secret | Kind::File | Kind::State | Kind::Wire | Kind::Variable) | None,
                ) => 1,
                (PaintKind::Function, _) => 2,
                (PaintKind::Setting, _) => 3,
                (PaintKind::Word, _) => 4,
                (PaintKind::Text, _) => 5,
                (PaintKind::Regex, _) => 6,
                (PaintKind::Number, _) => 7,
                (PaintKind::Operator, _) => 8,
                (PaintKind::Comment, _) => 9,
            };
            let position = text.position(start as usize);
            let length = text.slice(paint.span).chars().map(|c| c.len_utf16() as u32).sum();
            let is_declaration = name.is_some_and(|name| name.usage == Use::Declared);
            painted.push(Painted { start: position, length, kind, is_declaration });
        }
        painted
    }
}
