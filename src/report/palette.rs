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
