//! Texts that do not mean what they seem to: a second line end, a text that looks like a regex, a prompt as a line.

use super::{Lint, fixed_text};
use crate::diagnostic::Code;
use crate::settings::SettingValue;
use crate::syntax::ast::{
    Content, Expr, ExprKind, File, FileKind, Pattern, PatternKind, Piece, SendMode, Statement, StatementKind,
};

impl Lint {
    pub(super) fn texts(&mut self, file: &File) {
        // What a device awaits is what a host sends, and it may well print empty lines.
        if file.header.as_ref().is_none_or(|header| header.kind != FileKind::Device) {
            self.texts_in(&file.body, !switches_line_ends_off(&file.body));
        }
    }

    fn texts_in(&mut self, body: &[Statement], adds_line_end: bool) {
        for statement in body {
            if let StatementKind::Send { mode: SendMode::Line, text } = &statement.kind
                && adds_line_end
                && ends_with_line_end(text)
            {
                let message = "this line is sent with two line ends: flowrun adds one more to the one here";
                let help = "leave the line end out, or write `send raw` to send exactly this";
                self.warn(Code::LintSecondLineEnd, text.span, message, "ends with a line end of its own", help);
            }
            statement.patterns().into_iter().for_each(|pattern| self.text_of(pattern));
            for block in statement.blocks() {
                self.texts_in(&block.body, adds_line_end);
            }
        }
    }

    /// Looks at the text that a pattern awaits.
    fn text_of(&mut self, pattern: &Pattern) {
        let (text, is_line) = match &pattern.kind {
            PatternKind::Literal(text) | PatternKind::Prompt(Content::Text(text)) => (text, false),
            PatternKind::Line(Content::Text(text)) => (text, true),
            PatternKind::Regex(_) | PatternKind::Line(Content::Regex(_)) | PatternKind::Prompt(Content::Regex(_)) => {
                return;
            }
        };
        let Some(octets) = fixed_text(text) else { return };
        if let Some(sign) = sign_of_a_regex(&octets) {
            let message = format!("this is a text, in which `{sign}` has no special meaning");
            let help = "write a regex between slashes, `/…/`, or leave the sign out";
            self.warn(Code::LintTextAsRegex, text.span, message, "matched letter by letter", help);
        } else if is_line && is_like_a_prompt(&octets) {
            let message = "this waits for the end of a line that looks like a prompt: a prompt has no line end";
            let help = "leave `line` out, or write `prompt` to wait until nothing follows it";
            self.warn(Code::LintPromptAsLine, pattern.span, message, "ends with a blank", help);
        }
    }
}

/// Whether a file sends lines without an end, here or there.
fn switches_line_ends_off(body: &[Statement]) -> bool {
    body.iter().any(|statement| {
        let is_off = if let StatementKind::Serial(settings) = &statement.kind {
            settings.iter().filter(|setting| setting.name.node == "eol").any(|setting| match &setting.value.node {
                SettingValue::Word(word) => word == "none",
                SettingValue::Text(text) => text.is_empty(),
                SettingValue::Number(_) | SettingValue::Duration(_) => false,
            })
        } else {
            false
        };
        is_off || statement.blocks().into_iter().any(|block| switches_line_ends_off(&block.body))
    })
}

/// Whether a text ends with a line end, whatever stands before it.
fn ends_with_line_end(text: &Expr) -> bool {
    let ExprKind::String(pieces) = &text.kind else { return false };
    let Some(Piece::Text(last)) = pieces.last() else { return false };
    // Nothing but line ends is meant: it wakes the device up.
    let is_all = pieces.len() == 1 && last.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
    !is_all && matches!(last.last(), Some(b'\r' | b'\n'))
}

/// Returns the sign that makes a text look like a regex.
fn sign_of_a_regex(text: &[u8]) -> Option<&'static str> {
    if memchr::memmem::find(text, b".*").is_some() {
        Some(".*")
    } else if text.ends_with(b" $") || text.starts_with(b"^") && text.ends_with(b"$") {
        Some("$")
    } else {
        None
    }
}

/// Whether a text ends as prompts do, with a sign and a blank.
fn is_like_a_prompt(text: &[u8]) -> bool {
    let trimmed = text.trim_ascii_end();
    trimmed.len() < text.len() && matches!(trimmed.last(), Some(b':' | b'>' | b'#' | b'$' | b'%' | b'?'))
}
