//! Text to tree: `parse` never fails, it reports problems and returns what could be read.

pub mod ast;
mod grammar;
mod lower;
mod next;
mod paint;
mod recover;
pub mod table;
mod tokens;

use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::settings::SettingValue;
use crate::source::{Source, SourceId, Span};
use ast::File;
pub use next::Next;
pub use paint::{Paint, PaintKind};
pub use tokens::{Place, Token, TokenKind};

/// What a text says, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The tree; statements that could not be read are missing.
    pub file: File,
    /// The comments, in the order of the text.
    pub comments: Vec<Span>,
    /// What is wrong, in the order of the text.
    pub problems: Vec<Diagnostic>,
}

/// Parses a flow, device or library file.
///
/// All problems are reported, at most one for each line; the tree holds every statement that is right.
pub fn parse(id: SourceId, source: &Source) -> Parsed {
    lower::parse(id, source.text())
}

/// Returns the duration that a text spells as a flow would, such as `250ms`.
pub fn duration(text: &str) -> Option<Duration> {
    lower::duration(text.trim())
}

/// Returns the value that a text spells as a flow would in `serial { … }`, such as `9600` or `"\r\n"`.
pub fn setting_value(text: &str) -> Option<SettingValue> {
    lower::setting_value(text.trim())
}

/// Returns the tokens of a text in which [`parse`] finds nothing wrong, comments among them.
pub fn tokens(source: &Source) -> Vec<Token> {
    tokens::tokens(source.text())
}

/// Returns the parts of a text that an editor colours, in their order; what cannot be read has none.
pub fn paints(text: &str) -> Vec<Paint> {
    paint::paints(text)
}

/// Returns what may follow a text that begins at a statement, as far as the grammar knows.
pub fn next(before: &str) -> Vec<Next> {
    next::next(before)
}

/// Returns the words that cannot be names.
pub fn is_keyword(word: &str) -> bool {
    !grammar::is_name(word)
}
