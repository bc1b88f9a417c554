//! Many watchers that each line is compared with, one after the other.

use super::Lint;
use crate::check::names::sample;
use crate::diagnostic::Code;
use crate::pattern::{self, Fit};
use crate::syntax::ast::{Content, File, Pattern, PatternKind, Piece, Statement, StatementKind};

/// So many of them are still searched fast.
const FEW: usize = 7;

impl Lint {
    /// Warns of the patterns of watchers that no text tells apart, if they are many: each costs its own search of each line.
    pub(super) fn slow(&mut self, file: &File) {
        let mut slow = Vec::new();
        push_slow(&file.body, &mut slow);
        if slow.len() <= FEW {
            return;
        }
        for (pattern, why) in &slow {
            let message = format!("this pattern is one of {} that every line is compared with", slow.len());
            let help = "name a text of three bytes or more that every match contains; where that cannot be, `line` and a \
                        beginning that few lines have help too";
            self.warn(Code::LintSlowPattern, pattern.span, message, why, help);
        }
    }
}

/// Collects the slow patterns of watchers, and why they are.
fn push_slow<'a>(body: &'a [Statement], slow: &mut Vec<(&'a Pattern, &'static str)>) {
    for statement in body {
        if let StatementKind::Ignore(pattern)
        | StatementKind::FailOn { pattern, .. }
        | StatementKind::On { pattern, .. } = &statement.kind
        {
            slow.extend(why_slow(pattern).map(|why| (pattern, why)));
        }
        for block in statement.blocks() {
            push_slow(&block.body, slow);
        }
    }
}

fn why_slow(pattern: &Pattern) -> Option<&'static str> {
    let (regex, fit) = match &pattern.kind {
        PatternKind::Regex(regex) => (regex, Fit::Within),
        PatternKind::Line(Content::Regex(regex)) => (regex, Fit::Whole),
        // Prompts are compared with unfinished lines only.
        PatternKind::Literal(_) | PatternKind::Line(Content::Text(_)) | PatternKind::Prompt(_) => return None,
    };
    // A value may be such a text; it is looked for while it stays the same.
    if regex.pieces.iter().any(|piece| matches!(piece, Piece::Value(_))) {
        return None;
    }
    let made = pattern::Regex::new(&sample(regex), &regex.flags, fit).ok()?;
    (!made.is_told_apart()).then_some("no text of three bytes or more is in all that it matches")
}
