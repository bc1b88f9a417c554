//! Two texts beside each other, for wide terminals: what was on the left, what is on the right.

use anstyle::Style as Ansi;

use super::live::{columns, cut};
use super::palette::{BAD, DIM, GOOD, PLAIN};
use crate::diagnostic::render::{Look, Style};
use crate::value::escape::harmless;

/// From so many columns on, two texts have room beside each other.
pub const WIDE: usize = 120;

/// So many rows of a difference are shown.
const LIMIT: usize = 120;

/// A row of two texts beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// Both have this line.
    Same(String),
    /// The left one has this line where the right one has that, if either has one.
    Differs(Option<String>, Option<String>),
    /// So many lines that both have are left out.
    Gap(usize),
}

/// Returns rows as text: two columns with a line between them, and their titles above.
pub fn render_sides(titles: [&str; 2], rows: &[Row], look: Look) -> String {
    let bar = if look.style == Style::Ascii { '|' } else { '│' };
    let width = (look.width.saturating_sub(5) / 2).max(10);
    let mut text = String::new();
    let mut put = |left: &str, left_paint: Ansi, right: &str, right_paint: Ansi| {
        let [left, right] = [left, right].map(|line| cut(&harmless(line), width, look.style));
        let room = " ".repeat(width.saturating_sub(columns(&left)));
        let (left, right) = (paint(left_paint, &left, look), paint(right_paint, &right, look));
        text.push_str(format!("  {left}{room} {bar} {right}").trim_end());
        text.push('\n');
    };
    put(titles[0], DIM, titles[1], DIM);
    for row in rows.iter().take(LIMIT) {
        match row {
            Row::Same(line) => put(line, PLAIN, line, PLAIN),
            Row::Differs(left, right) => {
                put(left.as_deref().unwrap_or(""), BAD, right.as_deref().unwrap_or(""), GOOD);
            }
            Row::Gap(n) => {
                let lines = if *n == 1 { "1 line as before".to_string() } else { format!("{n} lines as before") };
                put(&lines, DIM, "", DIM);
            }
        }
    }
    if rows.len() > LIMIT {
        text.push_str(&format!("  … and {} more rows\n", rows.len() - LIMIT));
    }
    text
}

fn paint(colour: Ansi, text: &str, look: Look) -> String {
    match look.style {
        Style::Colour if colour != PLAIN => format!("{colour}{text}{colour:#}"),
        Style::Colour | Style::Plain | Style::Ascii => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_stands_beside_each_other() {
        let line = |text: &str| Some(text.to_string());
        let rows = [
            Row::Gap(12),
            Row::Same("> AT".to_string()),
            Row::Differs(line("< OK 中文"), line("< ERROR of a kind that is too long for its column")),
            Row::Differs(None, line("< \u{1b}[2J")),
            Row::Differs(line("verdict"), None),
        ];
        let look = Look { width: 60, style: Style::Plain };
        insta::assert_snapshot!(render_sides(["snapshot", "this run"], &rows, look));
    }
}
