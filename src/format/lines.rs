//! Lines and how far each is indented.

use super::INDENT;
use super::breaks::{Before, Piece};
use crate::syntax::{Place, TokenKind};

/// A line of the result.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// How many blanks it begins with.
    pub indent: usize,
    /// Whether an empty line stands before it.
    pub is_apart: bool,
    /// What stands on it: at least one cell.
    pub cells: Vec<Cell<'a>>,
}

/// A token on a line.
#[derive(Debug)]
pub(super) struct Cell<'a> {
    /// What was written.
    pub text: &'a str,
    /// What it is.
    pub kind: TokenKind,
    /// Whether it begins a row.
    pub begins_row: bool,
    /// How many blanks stand before it: as many as are wanted, until `columns` adds some.
    pub gap: usize,
    /// Where it stood, if that says what the author wanted it to stand under.
    pub column: Option<usize>,
    /// Whether more blanks stood before it than are wanted.
    pub is_wide: bool,
}

impl Line<'_> {
    /// Whether it is nothing but a comment.
    pub(super) fn is_comment(&self) -> bool {
        self.cells[0].kind == TokenKind::Comment
    }

    /// Returns the columns of the text in which cells stood, comments aside, from left to right, each with its cell.
    pub(super) fn columns(&self) -> Vec<(usize, usize)> {
        let code = self.cells.iter().enumerate().filter(|(_, cell)| cell.kind != TokenKind::Comment);
        code.filter_map(|(i, cell)| cell.column.map(|column| (column, i))).collect()
    }
}

/// Returns the lines that begin where the tokens say.
pub(super) fn lines<'a>(pieces: &[Piece<'a>]) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    // Behind a place where two lines were joined, the columns of the text say nothing.
    let mut is_joined = false;
    for piece in pieces {
        let is_first = piece.before != Before::Blanks;
        if is_first {
            let indent = indent(piece, &open);
            let is_apart = piece.before == Before::EmptyLine;
            lines.push(Line { indent, is_apart, cells: Vec::new() });
            is_joined = false;
        }
        let line = lines.last_mut().expect("the first token begins a line");
        let gap = if is_first { 0 } else { piece.gap };
        is_joined |= !is_first && piece.blanks.is_none();
        let is_free = piece.blanks.is_some_and(|blanks| blanks > 0) && gap > 0;
        let can_move = !is_joined && if is_first { piece.kind == TokenKind::Comment } else { is_free };
        line.cells.push(Cell {
            text: piece.text,
            kind: piece.kind,
            begins_row: piece.place == Place::Row,
            gap,
            column: can_move.then_some(piece.column),
            is_wide: piece.blanks.is_some_and(|blanks| blanks > gap),
        });
        is_joined |= piece.text.contains('\n');
        match piece.kind {
            TokenKind::BodyOpen => open.push(Open::Body),
            TokenKind::ValueOpen => open.push(Open::Value { indent: line.indent }),
            TokenKind::BodyClose | TokenKind::ValueClose => {
                open.pop();
            }
            TokenKind::Word | TokenKind::Else | TokenKind::Comma | TokenKind::Arrow | TokenKind::Comment => {}
        }
    }
    lines
}

/// What is open.
enum Open {
    Body,
    /// A bracket of an expression, in a line with this indentation.
    Value {
        indent: usize,
    },
}

/// Returns how far a line is indented that begins with a token.
fn indent(piece: &Piece<'_>, open: &[Open]) -> usize {
    let row = open.iter().filter(|open| matches!(open, Open::Body)).count() * INDENT;
    if piece.is_between_rows {
        return row;
    }
    match (piece.kind, piece.stands_as, open.last()) {
        (TokenKind::BodyClose, ..) => row - INDENT,
        (TokenKind::ValueClose, _, Some(Open::Value { indent })) => *indent,
        (_, TokenKind::Else | TokenKind::BodyOpen, _) => row,
        (_, _, Some(Open::Value { indent })) => indent + INDENT,
        (_, _, Some(Open::Body) | None) => row + INDENT,
    }
}

/// Returns the text of the lines.
pub(super) fn render(lines: &[Line<'_>]) -> String {
    let mut text = String::new();
    for line in lines {
        if line.is_apart {
            text.push('\n');
        }
        let mut blanks = line.indent;
        for cell in &line.cells {
            blanks += cell.gap;
            text.extend(std::iter::repeat_n(' ', blanks));
            text.push_str(cell.text);
            blanks = 0;
        }
        text.push('\n');
    }
    text
}
