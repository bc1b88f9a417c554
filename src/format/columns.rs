//! What stands under what: a token that the author put under another one stays there.
//!
//! A token with more blanks before it than are wanted, and one in the same column of the line above or below it,
//! are a pair; so are those in the nearest lines that begin with the same word. Tokens that are joined by pairs are
//! moved to the right until all stand in one column, which is that of the one that needs most room. All other
//! blanks are dropped.

use std::collections::BTreeMap;

use super::breaks::end_column;
use super::lines::Line;
use crate::syntax::TokenKind;

/// So many lines above are searched for what a token stands under.
const REACH: usize = 24;

/// Gives the cells of the lines the gaps that they need to stand where they are meant to.
pub(super) fn align(lines: &mut [Line<'_>]) {
    let arrows: Vec<Option<usize>> = lines.iter().map(arrow).collect();
    let mut groups = Groups::of(lines);
    groups.pair_arms(lines, &arrows);
    groups.pair_columns(lines, &arrows);
    let mut cursors: Vec<Cursor> = lines.iter().map(|line| Cursor { cell: 0, column: line.indent }).collect();
    for members in groups.in_order(lines, &arrows) {
        move_together(lines, &mut cursors, &members, 0);
    }
    align_comments(lines, &mut cursors);
}

/// Where a cell is: the number of its line, and its own in the line.
type At = (usize, usize);

/// How far a line has been laid out: `cell` is the next one, `column` is behind the one before.
struct Cursor {
    cell: usize,
    column: usize,
}

impl Cursor {
    /// Lays out the line up to a cell and returns where that one wants to stand.
    fn advance(&mut self, line: &Line<'_>, cell: usize) -> usize {
        while self.cell < cell {
            let cell = &line.cells[self.cell];
            self.column = end_column(cell.text, self.column + cell.gap);
            self.cell += 1;
        }
        self.column + line.cells[cell].gap
    }
}

/// Moves cells into one column, `least` or the first in which all have room.
fn move_together(lines: &mut [Line<'_>], cursors: &mut [Cursor], members: &[At], least: usize) {
    let wanted: Vec<usize> = members.iter().map(|(line, cell)| cursors[*line].advance(&lines[*line], *cell)).collect();
    let column = wanted.iter().copied().max().unwrap_or(0).max(least);
    for ((line, cell), wanted) in members.iter().zip(wanted) {
        lines[*line].cells[*cell].gap += column - wanted;
    }
}

/// Returns what is found in the line above another, and in the nearest that begins with the same word: in lines of
/// the same indentation, with at most one empty line and no other code between.
fn above(lines: &[Line<'_>], from: usize, find: impl Fn(usize) -> Option<usize>) -> Vec<At> {
    let mut found = Vec::new();
    let mut n_apart = usize::from(lines[from].is_apart);
    let mut is_next = n_apart == 0;
    for n in (from.saturating_sub(REACH)..from).rev() {
        let line = &lines[n];
        if !line.is_comment() {
            let is_like = line.cells[0].text == lines[from].cells[0].text;
            if line.indent != lines[from].indent || n_apart > 1 {
                break;
            }
            if let Some(cell) = find(n).filter(|_| is_next || is_like) {
                found.push((n, cell));
                if is_like {
                    break;
                }
            }
            is_next = false;
        }
        n_apart += usize::from(line.is_apart);
        is_next &= n_apart == 0;
    }
    found
}

/// Where in its line a cell stands: what stands before an arrow never stands under what is behind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// In a line that is not an arm, or before the arm's arrow.
    Before,
    /// The arrow.
    Arrow,
    /// Behind the arrow.
    Behind,
}

/// Returns where the arrow of a line is, if that is an arm and nothing else.
fn arrow(line: &Line<'_>) -> Option<usize> {
    let code = line.cells.iter().take_while(|cell| cell.kind != TokenKind::Comment);
    let mut depth = 0_usize;
    let mut arrow = None;
    let mut n_bodies = 0;
    for (i, cell) in code.enumerate() {
        match cell.kind {
            TokenKind::Arrow if depth == 0 && arrow.is_none() => arrow = Some(i),
            TokenKind::BodyOpen => depth += 1,
            TokenKind::BodyClose => {
                depth = depth.checked_sub(1)?;
                n_bodies += usize::from(depth == 0);
            }
            TokenKind::Arrow
            | TokenKind::Word
            | TokenKind::Else
            | TokenKind::Comma
            | TokenKind::ValueOpen
            | TokenKind::ValueClose
            | TokenKind::Comment => {}
        }
    }
    arrow.filter(|_| line.cells[0].begins_row && depth == 0 && n_bodies == 1)
}

fn stage(arrow: Option<usize>, cell: usize) -> Stage {
    match arrow {
        Some(arrow) if cell == arrow => Stage::Arrow,
        Some(arrow) if cell > arrow => Stage::Behind,
        _ => Stage::Before,
    }
}

/// Cells that stand under each other, as a forest: each cell points to one of its group, the last to itself.
struct Groups {
    /// The number of the first cell of each line.
    firsts: Vec<usize>,
    cells: Vec<At>,
    parents: Vec<usize>,
}

impl Groups {
    fn of(lines: &[Line<'_>]) -> Groups {
        let mut groups = Groups { firsts: Vec::new(), cells: Vec::new(), parents: Vec::new() };
        for (n, line) in lines.iter().enumerate() {
            groups.firsts.push(groups.cells.len());
            groups.cells.extend((0..line.cells.len()).map(|cell| (n, cell)));
        }
        groups.parents = (0..groups.cells.len()).collect();
        groups
    }

    /// Arms that follow each other have their arrows under each other.
    fn pair_arms(&mut self, lines: &[Line<'_>], arrows: &[Option<usize>]) {
        let mut above: Option<At> = None;
        for (n, line) in lines.iter().enumerate() {
            if line.is_apart {
                above = None;
            }
            if line.is_comment() {
                continue;
            }
            let here = arrows[n].map(|arrow| (n, arrow));
            if let (Some(above), Some(here)) = (above, here)
                && lines[above.0].indent == line.indent
            {
                self.pair(above, here);
            }
            above = here;
        }
    }

    /// What the author put under something stays under it.
    fn pair_columns(&mut self, lines: &[Line<'_>], arrows: &[Option<usize>]) {
        let columns: Vec<Vec<(usize, usize)>> = lines.iter().map(Line::columns).collect();
        for (n, line) in lines.iter().enumerate() {
            for (column, i) in columns[n].iter().copied() {
                let stage = stage(arrows[n], i);
                if stage == Stage::Arrow {
                    continue;
                }
                let find = |above: usize| {
                    let place = columns[above].binary_search_by_key(&column, |(column, _)| *column).ok()?;
                    let (_, j) = columns[above][place];
                    (self::stage(arrows[above], j) == stage).then_some(j)
                };
                for (above, j) in above(lines, n, find) {
                    if line.cells[i].is_wide || lines[above].cells[j].is_wide {
                        self.pair((above, j), (n, i));
                    }
                }
            }
        }
    }

    fn pair(&mut self, one: At, other: At) {
        let (one, other) = (self.root(self.number(one)), self.root(self.number(other)));
        self.parents[other] = one;
    }

    /// Returns the groups of more than one cell, such that those in the same line come from left to right.
    fn in_order(&mut self, lines: &[Line<'_>], arrows: &[Option<usize>]) -> Vec<Vec<At>> {
        let mut groups: BTreeMap<(Stage, usize, usize), Vec<At>> = BTreeMap::new();
        for number in 0..self.cells.len() {
            let at = self.cells[number];
            let stage = stage(arrows[at.0], at.1);
            let column = match stage {
                // They were not in one column.
                Stage::Arrow => 0,
                Stage::Before | Stage::Behind => match lines[at.0].cells[at.1].column {
                    Some(column) => column,
                    None => continue,
                },
            };
            groups.entry((stage, column, self.root(number))).or_default().push(at);
        }
        groups.into_values().filter(|members| members.len() > 1).collect()
    }

    fn number(&self, (line, cell): At) -> usize {
        self.firsts[line] + cell
    }

    fn root(&mut self, mut number: usize) -> usize {
        while self.parents[number] != number {
            self.parents[number] = self.parents[self.parents[number]];
            number = self.parents[number];
        }
        number
    }
}

/// Gives the comments that stand behind something, and those that hang above or below one, their columns.
///
/// Comments that stand under each other move together if one of them needs more room. Where all have room, they
/// keep their column, provided that it is not the whim of a single comment.
fn align_comments(lines: &mut [Line<'_>], cursors: &mut [Cursor]) {
    let mut stayers: BTreeMap<usize, Vec<Vec<At>>> = BTreeMap::new();
    for (column, members) in comment_groups(lines) {
        let mut wanted = members.iter().map(|(line, cell)| cursors[*line].advance(&lines[*line], *cell));
        match wanted.all(|wanted| wanted <= column) {
            true => stayers.entry(column).or_default().push(members),
            false => move_together(lines, cursors, &members, 0),
        }
    }
    for (column, groups) in stayers {
        let members = groups.concat();
        if members.len() > 1 {
            move_together(lines, cursors, &members, column);
        }
    }
}

/// Returns the comments that stand under each other, with their columns: in lines of one paragraph and one indentation.
fn comment_groups(lines: &[Line<'_>]) -> Vec<(usize, Vec<At>)> {
    let mut groups: Vec<(usize, Vec<At>)> = Vec::new();
    // The groups of this paragraph, by their columns.
    let mut here: BTreeMap<usize, usize> = BTreeMap::new();
    let mut indent = 0;
    for (n, line) in lines.iter().enumerate() {
        if line.is_apart || !line.is_comment() && line.indent != indent {
            here.clear();
        }
        if !line.is_comment() {
            indent = line.indent;
        }
        let cell = line.cells.len() - 1;
        let is_meant = line.cells[cell].kind == TokenKind::Comment && (!line.is_comment() || hangs(lines, n));
        let Some(column) = line.cells[cell].column.filter(|_| is_meant) else { continue };
        let group = *here.entry(column).or_insert(groups.len());
        if group == groups.len() {
            groups.push((column, Vec::new()));
        }
        groups[group].1.push((n, cell));
    }
    groups
}

/// Whether a line that is a comment goes on with one that stands behind something above or below it.
fn hangs(lines: &[Line<'_>], from: usize) -> bool {
    let comment = |n: usize| lines[n].cells.last().filter(|cell| cell.kind == TokenKind::Comment);
    let column = comment(from).and_then(|cell| cell.column);
    let is_right = column.is_some_and(|column| column > lines[from].indent);
    let is_in_column = |n: usize| comment(n).is_some_and(|cell| cell.column == column);
    let up = (0..from).rev().take(REACH).take_while(|n| is_in_column(*n) && !lines[n + 1].is_apart);
    let down = (from + 1..lines.len()).take(REACH).take_while(|n| is_in_column(*n) && !lines[*n].is_apart);
    is_right && up.chain(down).any(|n| !lines[n].is_comment())
}
