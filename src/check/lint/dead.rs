//! Statements that cannot be reached.

use super::Lint;
use crate::diagnostic::Code;
use crate::syntax::ast::{ExprKind, RepeatKind, Statement, StatementKind};

impl Lint {
    pub(super) fn dead(&mut self, body: &[Statement]) {
        let mut ended: Option<&str> = None;
        for statement in body {
            let is_declaration = matches!(
                statement.kind,
                StatementKind::Procedure { .. }
                    | StatementKind::On { .. }
                    | StatementKind::OnSignal { .. }
                    | StatementKind::OnHook { .. }
                    | StatementKind::OnWire { .. }
                    | StatementKind::FailOn { .. }
                    | StatementKind::Ignore(_)
            );
            if let Some(word) = ended
                && !is_declaration
            {
                let message = format!("this is never reached: `{word}` before it ends the block");
                self.warn(Code::LintUnreachable, statement.head, message, "not reached", "remove it, or put it before");
                break;
            }
            ended = ended.or(end_of(statement));
            self.never(statement);
            self.watches_nothing(statement);
        }
        self.late_clean_up(body);
        for statement in body {
            for block in statement.blocks() {
                self.dead(&block.body);
            }
        }
    }

    /// Warns of a clean-up that stands last in its block: nothing can fail behind it, and it does not run if something fails before.
    fn late_clean_up(&mut self, body: &[Statement]) {
        let mut others =
            body.iter().rev().skip_while(|statement| matches!(statement.kind, StatementKind::Procedure { .. }));
        let (Some(last), Some(_)) = (others.next(), others.next()) else { return };
        if matches!(last.kind, StatementKind::Finally(_)) {
            let message = "this clean-up comes last: if something before it fails, it does not run";
            let help = "put it before what may fail: from there on it runs however the block ends";
            self.warn(Code::LintUnreachable, last.head, message, "nothing follows", help);
        }
    }

    /// Warns of a watcher that ends with the `using` around it before anything is awaited.
    fn watches_nothing(&mut self, statement: &Statement) {
        let StatementKind::Using { port, body } = &statement.kind else { return };
        let Some(last) = body.body.last() else { return };
        if let StatementKind::FailOn { .. } | StatementKind::Ignore(_) | StatementKind::On { .. } = &last.kind {
            let message = "this watcher ends with the block of the `using`, and nothing follows in it";
            let help = format!(
                "write `using {} …` before it and leave the braces out: it stays until the block around it ends",
                port.node
            );
            self.warn(Code::LintUnreachable, last.head, message, "watches nothing", help);
        }
    }

    /// Warns of a block whose condition is a constant.
    fn never(&mut self, statement: &Statement) {
        let (condition, never) = if let StatementKind::If { condition, .. } = &statement.kind {
            (condition, matches!(condition.kind, ExprKind::Bool(_)))
        } else if let StatementKind::Repeat { kind: RepeatKind::While(condition), .. } = &statement.kind {
            (condition, matches!(condition.kind, ExprKind::Bool(false)))
        } else {
            return;
        };
        if never {
            let help = "write a condition that can be either, or remove the block that is never run";
            self.warn(Code::LintUnreachable, condition.span, "this condition never changes", "always the same", help);
        }
    }
}

/// Returns the keyword of a statement behind which nothing follows.
fn end_of(statement: &Statement) -> Option<&'static str> {
    match &statement.kind {
        StatementKind::Fail { .. } => Some("fail"),
        StatementKind::Return(_) => Some("return"),
        StatementKind::Skip(_) => Some("skip"),
        StatementKind::Restart => Some("restart"),
        StatementKind::Unplug(None) => Some("unplug"),
        StatementKind::Procedure { .. }
        | StatementKind::On { .. }
        | StatementKind::After { .. }
        | StatementKind::Header
        | StatementKind::Use { .. }
        | StatementKind::Sim(_)
        | StatementKind::Tag(_)
        | StatementKind::Port(_)
        | StatementKind::Using { .. }
        | StatementKind::Param(_)
        | StatementKind::Volatile { .. }
        | StatementKind::State { .. }
        | StatementKind::Wire { .. }
        | StatementKind::Serial(_)
        | StatementKind::Timeout(_)
        | StatementKind::Step(_)
        | StatementKind::Send { .. }
        | StatementKind::Expect { .. }
        | StatementKind::ExpectAny { .. }
        | StatementKind::ExpectAll { .. }
        | StatementKind::ExpectNone { .. }
        | StatementKind::ExpectQuiet { .. }
        | StatementKind::Read { .. }
        | StatementKind::Capture { .. }
        | StatementKind::Compute { .. }
        | StatementKind::Measure(_)
        | StatementKind::Assert { .. }
        | StatementKind::FailOn { .. }
        | StatementKind::Ignore(_)
        | StatementKind::Ask { .. }
        | StatementKind::Hook { .. }
        | StatementKind::SendFile(_)
        | StatementKind::ReceiveFile(_)
        | StatementKind::Save(_)
        | StatementKind::Log(_)
        | StatementKind::Sleep(_)
        | StatementKind::Unplug(Some(_))
        | StatementKind::Reopen(_)
        | StatementKind::If { .. }
        | StatementKind::Repeat { .. }
        | StatementKind::For { .. }
        | StatementKind::Try { .. }
        | StatementKind::Call { .. }
        | StatementKind::Finally(_)
        | StatementKind::Baud(_)
        | StatementKind::ControlLines { .. }
        | StatementKind::InputLines(_)
        | StatementKind::ExpectInput { .. }
        | StatementKind::OnSignal { .. }
        | StatementKind::OnHook { .. }
        | StatementKind::OnWire { .. }
        | StatementKind::Break(_)
        | StatementKind::Flush
        | StatementKind::Echo(_) => None,
    }
}
