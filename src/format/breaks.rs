//! Which tokens begin a line: those of the author's line breaks that mean something, and those that the width wants.
//!
//! A line that an `# allow` is about is neither cut nor joined with another: `check` says of the layout what it says of the text.

use std::collections::HashSet;

use super::{BETWEEN, INDENT, WIDTH};
use crate::syntax::{Place, Token, TokenKind};

/// A token, and how it stood in the text.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    /// What was written.
    pub text: &'a str,
    /// What it is.
    pub kind: TokenKind,
    /// What it wants before it.
    pub place: Place,
    /// How many lines end between it and the token before.
    n_breaks: usize,
    /// Whether it begins a line.
    pub before: Before,
    /// Where it stood in the line it was in.
    pub column: usize,
    /// How much white space stood before it, if it did not begin a line.
    pub blanks: Option<usize>,
    /// How many blanks are wanted before it, if it does not begin a line.
    pub gap: usize,
    /// Whether it stands between rows, or is the first token of one.
    pub is_between_rows: bool,
    /// Its kind; of a comment, the kind of what follows.
    pub stands_as: TokenKind,
    /// Whether an `# allow` is about the line that it stands in: that line has the same tokens in every layout.
    is_held: bool,
}

/// What stands before a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing but blanks: it goes on in the line.
    Blanks,
    /// It begins a line.
    Break,
    /// It begins a line, and the line before is empty.
    EmptyLine,
}

impl Piece<'_> {
    fn begin_line(&mut self) {
        if self.before == Before::Blanks && !self.is_held {
            self.before = Before::Break;
        }
    }
}

/// Returns the tokens of a text with all line breaks decided.
pub(super) fn pieces<'a>(text: &'a str, tokens: &[Token]) -> Vec<Piece<'a>> {
    let mut pieces = read(text, tokens);
    hold(&mut pieces);
    let closes = partners(&mut pieces);
    tidy(&mut pieces);
    let mut rows = Rows { pieces, closes };
    rows.settle(0, rows.pieces.len(), 0);
    rows.pieces
}

/// Takes the tokens as they stand in the text.
fn read<'a>(text: &'a str, tokens: &[Token]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::with_capacity(tokens.len());
    let (mut end, mut column, mut last) = (0, 0, None);
    for token in tokens {
        let range = token.span.range();
        let gap = &text[end..range.start];
        let n_breaks = gap.matches('\n').count();
        let blanks = gap.rsplit('\n').next().unwrap_or(gap).chars().count();
        let is_first = pieces.is_empty() || n_breaks > 0;
        column = if n_breaks > 0 { blanks } else { column + blanks };
        let token_text = &text[range.clone()];
        pieces.push(Piece {
            text: token_text,
            kind: token.kind,
            place: token.place,
            n_breaks,
            before: match n_breaks {
                _ if pieces.is_empty() => Before::Break,
                0 => Before::Blanks,
                1 => Before::Break,
                _ => Before::EmptyLine,
            },
            column,
            blanks: if is_first { None } else { Some(blanks) },
            gap: wanted(*token, last),
            is_between_rows: token.place == Place::Row,
            stands_as: token.kind,
            is_held: false,
        });
        column = end_column(token_text, column);
        (end, last) = (range.end, Some(token.kind));
    }
    pieces
}

/// Marks what stands in lines that an `# allow` is about: in its own, or in the next if it stands alone.
fn hold(pieces: &mut [Piece<'_>]) {
    let mut lines = Vec::with_capacity(pieces.len());
    let (mut line, mut allowed) = (0, HashSet::new());
    for piece in pieces.iter() {
        line += piece.n_breaks;
        lines.push(line);
        if is_allow(piece) {
            allowed.insert(if piece.before == Before::Blanks { line } else { line + 1 });
        }
        line += piece.text.matches('\n').count();
    }
    for (piece, line) in pieces.iter_mut().zip(lines) {
        piece.is_held = allowed.contains(&line);
    }
}

/// Whether it is a comment that says that a warning is meant.
fn is_allow(piece: &Piece<'_>) -> bool {
    piece.kind == TokenKind::Comment && piece.text.trim_start_matches('#').trim().starts_with("allow ")
}

/// Returns how many blanks are wanted before a token.
fn wanted(token: Token, last: Option<TokenKind>) -> usize {
    let is_behind_open = last == Some(TokenKind::BodyOpen);
    match (token.kind, token.place) {
        (TokenKind::Comment, _) => BETWEEN,
        (TokenKind::BodyClose, _) if is_behind_open => 0,
        (_, Place::Row) if !is_behind_open => BETWEEN,
        (_, Place::Row | Place::Apart) => 1,
        (_, Place::Joined) => 0,
    }
}

/// Returns the column behind a text that begins in `column`; a `${…}` may go over several lines.
pub(super) fn end_column(text: &str, column: usize) -> usize {
    match text.rsplit_once('\n') {
        Some((_, last)) => last.chars().count(),
        None => column + text.chars().count(),
    }
}

/// Returns where the body that begins at each token ends, and says of comments what they stand before.
fn partners(pieces: &mut [Piece<'_>]) -> Vec<usize> {
    let mut closes = vec![0; pieces.len()];
    let mut open = Vec::new();
    let (mut stands_as, mut is_between_rows) = (TokenKind::BodyClose, true);
    for (i, piece) in pieces.iter_mut().enumerate().rev() {
        match piece.kind {
            TokenKind::Comment => {
                (piece.stands_as, piece.is_between_rows) = (stands_as, is_between_rows);
                continue;
            }
            TokenKind::BodyClose => open.push(i),
            TokenKind::BodyOpen => closes[i] = open.pop().expect("the grammar closes every body"),
            TokenKind::Word
            | TokenKind::Else
            | TokenKind::Comma
            | TokenKind::Arrow
            | TokenKind::ValueOpen
            | TokenKind::ValueClose => {}
        }
        stands_as = piece.kind;
        is_between_rows = piece.place == Place::Row || piece.kind == TokenKind::BodyClose;
    }
    closes
}

/// Takes away the line breaks and empty lines that mean nothing.
fn tidy(pieces: &mut [Piece<'_>]) {
    let mut open = Vec::new();
    let mut last = TokenKind::BodyOpen;
    let (mut is_behind_held, mut is_behind_allow) = (false, false);
    for piece in pieces {
        let is_in_value = open.last() == Some(&TokenKind::ValueOpen);
        let goes_on = match piece.kind {
            TokenKind::Comma | TokenKind::Arrow | TokenKind::BodyOpen | TokenKind::Else => true,
            TokenKind::BodyClose => last == TokenKind::BodyOpen,
            TokenKind::Word | TokenKind::ValueOpen | TokenKind::ValueClose | TokenKind::Comment => false,
        };
        if goes_on && last != TokenKind::Comment && !piece.is_held && !is_behind_held {
            piece.before = Before::Blanks;
        }
        let is_close = matches!(piece.kind, TokenKind::BodyClose | TokenKind::ValueClose);
        let is_behind_open = matches!(last, TokenKind::BodyOpen | TokenKind::ValueOpen);
        let may_be_apart = (piece.is_between_rows || is_in_value) && !is_close && !is_behind_open;
        if piece.before == Before::EmptyLine && !may_be_apart && !is_behind_allow {
            piece.before = Before::Break;
        }
        match piece.kind {
            TokenKind::BodyOpen | TokenKind::ValueOpen => open.push(piece.kind),
            TokenKind::BodyClose | TokenKind::ValueClose => {
                open.pop();
            }
            TokenKind::Word | TokenKind::Else | TokenKind::Comma | TokenKind::Arrow | TokenKind::Comment => {}
        }
        last = piece.kind;
        (is_behind_held, is_behind_allow) = (piece.is_held, is_allow(piece));
    }
}

/// The tokens, while rows and bodies are given their lines.
struct Rows<'a> {
    pieces: Vec<Piece<'a>>,
    /// For each `{` of a body, where its `}` is.
    closes: Vec<usize>,
}

impl Rows<'_> {
    /// Gives lines to the rows between two tokens, and to those inside of them.
    fn settle(&mut self, first: usize, end: usize, indent: usize) {
        let rows = self.rows(first, end);
        let mut group = Vec::new();
        for (start, end) in rows {
            let is_behind_open_row = group.last().is_some_and(|(start, end)| self.is_broken(*start, *end));
            if is_behind_open_row {
                self.pieces[start].begin_line();
            }
            if self.pieces[start].before != Before::Blanks {
                self.fit(&group, indent);
                group.clear();
            }
            group.push((start, end));
        }
        self.fit(&group, indent);
        let mut i = first;
        while i < end {
            if self.pieces[i].kind == TokenKind::BodyOpen {
                let close = self.closes[i];
                if self.is_broken(i, close + 1) {
                    self.open(i);
                    self.settle(i + 1, close, indent + INDENT);
                }
                i = close;
            }
            i += 1;
        }
    }

    /// Returns the rows between two tokens, without the comments behind them.
    fn rows(&self, first: usize, end: usize) -> Vec<(usize, usize)> {
        let mut rows: Vec<(usize, usize)> = Vec::new();
        let mut i = first;
        while i < end {
            let piece = &self.pieces[i];
            if piece.place == Place::Row {
                rows.push((i, i + 1));
            }
            if piece.kind == TokenKind::BodyOpen {
                i = self.closes[i];
            }
            if let Some(row) = rows.last_mut()
                && !(self.pieces[i].kind == TokenKind::Comment && self.pieces[i].is_between_rows)
            {
                row.1 = i + 1;
            }
            i += 1;
        }
        rows
    }

    /// Whether a line ends between two tokens of a row.
    fn is_broken(&self, start: usize, end: usize) -> bool {
        self.pieces[start + 1..end].iter().any(|piece| piece.before != Before::Blanks)
    }

    /// Makes lines that are too long shorter: rows that share a line get their own, then bodies are opened.
    fn fit(&mut self, group: &[(usize, usize)], indent: usize) {
        let (Some((start, _)), Some((_, end))) = (group.first(), group.last()) else { return };
        let segments = self.segments(*start, *end);
        if let [_, others @ ..] = group
            && !others.is_empty()
            && self.width(&segments[0], indent) > WIDTH
        {
            for (start, _) in others {
                self.pieces[*start].begin_line();
            }
            group.iter().for_each(|row| self.fit(&[*row], indent));
            return;
        }
        for segment in segments {
            if self.width(&segment, indent) > WIDTH {
                segment.bodies.iter().for_each(|open| self.open(*open));
            }
        }
    }

    /// Cuts rows that share a line into what stands on one line each, without what is in opened bodies.
    fn segments(&self, start: usize, end: usize) -> Vec<Segment> {
        let new = |start| Segment { start, end: start + 1, bodies: Vec::new() };
        let mut segments = Vec::new();
        let mut segment = new(start);
        let mut i = start;
        while i < end {
            if i > segment.start && self.pieces[i].before != Before::Blanks {
                segments.push(std::mem::replace(&mut segment, new(i)));
            }
            segment.end = i + 1;
            if self.pieces[i].kind == TokenKind::BodyOpen {
                let close = self.closes[i];
                if self.is_broken(i, close + 1) {
                    segments.push(std::mem::replace(&mut segment, new(close)));
                } else {
                    segment.bodies.push(i);
                    segment.end = close + 1;
                }
                i = close;
            }
            i += 1;
        }
        segments.push(segment);
        segments
    }

    fn width(&self, segment: &Segment, indent: usize) -> usize {
        let pieces = &self.pieces[segment.start..segment.end];
        let is_first = |i: usize| i == 0;
        let length =
            |(i, piece): (usize, &Piece<'_>)| piece.text.chars().count() + if is_first(i) { 0 } else { piece.gap };
        indent + pieces.iter().enumerate().map(length).sum::<usize>()
    }

    /// Puts what is in a body on lines of its own; an empty body stays as it is.
    fn open(&mut self, open: usize) {
        let close = self.closes[open];
        let first = &mut self.pieces[open + 1];
        // A comment behind the brace stays there.
        if open + 1 < close && first.kind != TokenKind::Comment {
            first.begin_line();
        }
        if open + 1 < close {
            self.pieces[close].begin_line();
        }
    }
}

/// What stands on one line.
struct Segment {
    start: usize,
    end: usize,
    /// The bodies on it that are not opened.
    bodies: Vec<usize>,
}
