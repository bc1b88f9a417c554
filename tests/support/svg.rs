//! A screen as a picture: rows of text in SVG, on a ground of its own, so that it can be read on a light and on a dark page.

use std::fmt::Write;

/// The width of a column and the height of a row, in tenths of a pixel: whole numbers are the same everywhere.
const COLUMN: usize = 84;
const ROW: usize = 190;
/// What is free around the text.
const MARGIN: usize = 160;

/// How a part of a row looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    colour: vt100::Color,
    is_bold: bool,
    is_dim: bool,
}

/// Returns the picture of a screen below the command that was typed; rows at the end with nothing in them are left out.
pub(crate) fn picture(command: &str, screen: &vt100::Screen) -> String {
    let (n_rows, n_columns) = screen.size();
    let is_empty = |row: &u16| screen.contents_between(*row, 0, *row, n_columns).trim().is_empty();
    let last = (0..n_rows).rev().find(|row| !is_empty(row)).map_or(0, |row| usize::from(row) + 1);
    let (width, height) = (usize::from(n_columns) * COLUMN + 2 * MARGIN, (last + 1) * ROW + 2 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {0} {1}\">\n",
        pixels(width),
        pixels(height)
    );
    out.push_str(STYLE);
    let _ = writeln!(out, "<title>{}</title>", escaped(command));
    let _ = writeln!(
        out,
        "<rect class=\"ground\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\"/>",
        pixels(width - 10),
        pixels(height - 10)
    );
    put(&mut out, 0, 0, "$", Look { colour: vt100::Color::Idx(2), is_bold: true, is_dim: false }, 1);
    let plain = Look { colour: vt100::Color::Default, is_bold: true, is_dim: false };
    put(&mut out, 0, 2, command, plain, command.chars().count());
    for row in 0..last {
        put_row(&mut out, screen, row, usize::from(n_columns));
    }
    let (row, column) = screen.cursor_position();
    if usize::from(row) < last && column > 0 {
        let (x, y) = (usize::from(column) * COLUMN + MARGIN, (usize::from(row) + 1) * ROW + MARGIN + 20);
        let _ = writeln!(
            out,
            "<rect class=\"cursor\" x=\"{}\" y=\"{}\" width=\"8.4\" height=\"17\"/>",
            pixels(x),
            pixels(y)
        );
    }
    out + "</svg>\n"
}

const STYLE: &str = "<style>
.ground { fill: #0d1117; stroke: #30363d }
.cursor { fill: #e6edf3 }
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }
</style>
";

/// Puts the parts of a row that look alike.
fn put_row(out: &mut String, screen: &vt100::Screen, row: usize, n_columns: usize) {
    let mut column = 0;
    while column < n_columns {
        let look_at = |column: usize| {
            let cell = screen.cell(row as u16, column as u16)?;
            let look = Look { colour: cell.fgcolor(), is_bold: cell.bold(), is_dim: cell.dim() };
            let text = if cell.has_contents() { cell.contents() } else { " " };
            Some((look, if cell.is_wide_continuation() { "" } else { text }))
        };
        let Some((look, _)) = look_at(column) else { return };
        let begin = column;
        let mut text = String::new();
        while let Some((_, more)) = look_at(column).filter(|(other, _)| *other == look && column < n_columns) {
            text.push_str(more);
            column += 1;
        }
        let n_before = text.chars().take_while(|c| *c == ' ').count();
        let trimmed = text.trim();
        if !trimmed.is_empty() {
            let n_behind = text.chars().rev().take_while(|c| *c == ' ').count();
            put(out, row + 1, begin + n_before, trimmed, look, column - begin - n_before - n_behind);
        }
    }
}

/// Puts a text that takes so many columns.
fn put(out: &mut String, row: usize, column: usize, text: &str, look: Look, n_columns: usize) {
    let (x, y) = (column * COLUMN + MARGIN, row * ROW + MARGIN + 145);
    let weight = if look.is_bold { " font-weight=\"bold\"" } else { "" };
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" textLength=\"{}\" fill=\"{}\"{weight}>{}</text>",
        pixels(x),
        pixels(y),
        pixels(n_columns * COLUMN),
        fill(look),
        escaped(text)
    );
}

fn fill(look: Look) -> &'static str {
    match look.colour {
        _ if look.is_dim => "#8b949e",
        vt100::Color::Idx(1 | 9) => "#ff7b72",
        vt100::Color::Idx(2 | 10) => "#3fb950",
        vt100::Color::Idx(3 | 11) => "#d29922",
        vt100::Color::Idx(4 | 12) => "#79c0ff",
        vt100::Color::Idx(5 | 13) => "#d2a8ff",
        vt100::Color::Idx(6 | 14) => "#56d4dd",
        vt100::Color::Idx(_) | vt100::Color::Rgb(..) | vt100::Color::Default => "#e6edf3",
    }
}

fn pixels(tenths: usize) -> String {
    if tenths.is_multiple_of(10) { format!("{}", tenths / 10) } else { format!("{}.{}", tenths / 10, tenths % 10) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
