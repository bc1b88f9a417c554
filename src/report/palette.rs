//! The colours of a run on a terminal, and of the lines of a device.

use anstyle::{AnsiColor, Style};

use crate::legend::Kind;

pub(super) const PLAIN: Style = Style::new();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const SHAKY: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const SENT: Style = AnsiColor::Cyan.on_default();
pub(super) const FOUND: Style = AnsiColor::Magenta.on_default();
const MESSAGE: Style = AnsiColor::BrightBlue.on_default();

/// Returns how a line of a device is painted.
pub fn paint_of(kind: Kind) -> Style {
    match kind {
        Kind::Answer => PLAIN,
        Kind::Success => GOOD,
        Kind::Failure => BAD,
        Kind::Message => MESSAGE,
        Kind::Ignored => DIM,
        Kind::Prompt => BOLD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/libraries.md");

    #[test]
    fn the_document_has_the_colour_of_each_kind() {
        for (kind, name, shown) in [
            (Kind::Answer, "answer", "plain"),
            (Kind::Success, "success", "green"),
            (Kind::Failure, "failure", "red"),
            (Kind::Message, "message", "bright blue"),
            (Kind::Ignored, "ignored", "dim"),
            (Kind::Prompt, "prompt", "bold"),
        ] {
            let paint = match shown {
                "plain" => Style::new(),
                "green" => AnsiColor::Green.on_default(),
                "red" => AnsiColor::Red.on_default(),
                "bright blue" => AnsiColor::BrightBlue.on_default(),
                "dim" => Style::new().dimmed(),
                _ => Style::new().bold(),
            };
            assert_eq!(paint_of(kind), paint, "{name}");
            assert!(DOCUMENT.contains(&format!("\n| {name} | {shown} | ")), "{name}");
        }
    }
}
