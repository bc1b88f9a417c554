//! `format`: a text in the one layout that flows have, not a token or a comment different.
//!
//! The tokens of the text and the white space between them are all that is looked at. What the author
//! decides: which statements share a line, which blocks are opened, where an expression goes on in the next
//! line, where a blank line is, what stands under what. What the layout decides: everything else.
//!
//! * `breaks` decides which tokens begin a line, `lines` how far each line is indented, `columns` what is
//!   moved to the right so that it stands under its like.
//!
//! Each of these steps gives the same again for its own result; that is why formatting twice is formatting
//! once.

mod breaks;
mod columns;
mod lines;

use crate::diagnostic::Diagnostic;
use crate::source::{Source, SourceId};
use crate::syntax::{parse, tokens};

/// So many columns a line may have before the statements and blocks on it get lines of their own.
const WIDTH: usize = 120;

/// So many blanks a level of blocks or brackets is indented.
const INDENT: usize = 2;

/// So many blanks stand between two statements on a line, and before a comment.
const BETWEEN: usize = 2;

/// Returns a text in its layout; lines end with LF, and the last one too.
///
/// # Errors
///
/// What is wrong with the text, if anything is: then it has no layout.
pub fn format(id: SourceId, source: &Source) -> Result<String, Vec<Diagnostic>> {
    let parsed = parse(id, source);
    if !parsed.problems.is_empty() {
        return Err(parsed.problems);
    }
    // A CR in a text is never more than a part of a line end: literals have `\r` for it.
    let text = source.text().replace("\r\n", "\n").replace('\r', "\n");
    let source = Source::new(source.name(), text.trim_start_matches('\u{feff}'));
    let pieces = breaks::pieces(source.text(), &tokens(&source));
    let mut lines = lines::lines(&pieces);
    columns::align(&mut lines);
    Ok(lines::render(&lines))
}

#[cfg(test)]
mod tests;
