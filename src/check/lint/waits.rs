//! Waits that will not do what they seem to: shadowed arms, nothing sent before, sleeps instead of waits.

use super::{Lint, awaited_text, is_satisfied_by};
use crate::diagnostic::Code;
use crate::syntax::ast::{Arm, File, FileKind, Pattern, Scope, Statement, StatementKind};

impl Lint {
    pub(super) fn waits(&mut self, file: &File) {
        let kind = file.header.as_ref().map(|header| header.kind);
        if kind == Some(FileKind::Flow) {
            self.unasked(&file.body);
        }
        if kind != Some(FileKind::Device) {
            self.sleeps(&file.body);
            self.exchanges(file);
        }
        self.arms(&file.body);
    }

    /// Warns of an `expect` that stands before anything was sent.
    fn unasked(&mut self, body: &[Statement]) {
        for statement in body {
            match &statement.kind {
                StatementKind::Expect { scope: Scope::Answer, pattern, .. } => {
                    let help = "if it comes by itself, at power-on for instance, say so: `await`";
                    let message = "this waits for an answer, but nothing has been sent yet";
                    return self.warn(Code::LintUnasked, pattern.span, message, "nothing asks for it", help);
                }
                // Whatever else may send, wait or wake the device ends the search.
                StatementKind::Use { .. }
                | StatementKind::Sim(_)
                | StatementKind::Tag(_)
                | StatementKind::Port(_)
                | StatementKind::Param(_)
                | StatementKind::Volatile { .. }
                | StatementKind::Serial(_)
                | StatementKind::Timeout(_)
                | StatementKind::Procedure { .. }
                | StatementKind::FailOn { .. }
                | StatementKind::Ignore(_)
                | StatementKind::On { .. }
                | StatementKind::Log(_)
                | StatementKind::Compute { .. } => {}
                StatementKind::Step(step) => return self.unasked(&step.body.body),
                StatementKind::Using { body, .. } => return self.unasked(&body.body),
                StatementKind::After { .. }
                | StatementKind::Header
                | StatementKind::State { .. }
                | StatementKind::Wire { .. }
                | StatementKind::Send { .. }
                | StatementKind::Expect { .. }
                | StatementKind::ExpectAny { .. }
                | StatementKind::ExpectAll { .. }
                | StatementKind::ExpectNone { .. }
                | StatementKind::ExpectQuiet { .. }
                | StatementKind::Read { .. }
                | StatementKind::Capture { .. }
                | StatementKind::Measure(_)
                | StatementKind::Assert { .. }
                | StatementKind::Fail { .. }
                | StatementKind::Ask { .. }
                | StatementKind::Hook { .. }
                | StatementKind::SendFile(_)
                | StatementKind::ReceiveFile(_)
                | StatementKind::Skip(_)
                | StatementKind::Save(_)
                | StatementKind::Sleep(_)
                | StatementKind::Restart
                | StatementKind::Unplug(_)
                | StatementKind::Reopen(_)
                | StatementKind::If { .. }
                | StatementKind::Repeat { .. }
                | StatementKind::For { .. }
                | StatementKind::Try { .. }
                | StatementKind::Call { .. }
                | StatementKind::Return(_)
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
                | StatementKind::Echo(_) => return,
            }
        }
    }

    /// Looks at a sleep between a send and what is awaited behind it.
    fn sleeps(&mut self, body: &[Statement]) {
        for three in body.windows(3) {
            if let [send, sleep, expect] = three
                && matches!(send.kind, StatementKind::Send { .. })
                && matches!(sleep.kind, StatementKind::Sleep(_))
                && matches!(
                    expect.kind,
                    StatementKind::Expect { .. } | StatementKind::ExpectAny { .. } | StatementKind::ExpectAll { .. }
                )
            {
                let help = "leave it out: `expect` waits as long as it must, and no longer; a limit is `within 5s`";
                self.warn(
                    Code::LintSleep,
                    sleep.head,
                    "this sleep waits for nothing",
                    "an `expect` follows anyway",
                    help,
                );
            }
        }
        for statement in body {
            for block in statement.blocks() {
                self.sleeps(&block.body);
            }
        }
    }

    /// Warns of arms that an earlier arm always wins over.
    fn arms(&mut self, body: &[Statement]) {
        for statement in body {
            if let StatementKind::ExpectAny { arms, .. } = &statement.kind {
                for (i, arm) in arms.iter().enumerate() {
                    if let Some(earlier) = shadow_of(&arms[..i], arm) {
                        let message = "this arm is never taken: an earlier one matches everything that it matches";
                        self.warn(
                            Code::LintShadowed,
                            arm.pattern.span,
                            message,
                            "shadowed",
                            "put it before the other, or make the other narrower",
                        );
                        let site = crate::source::Site { source: self.id, span: earlier.span };
                        if let Some(warning) = self.warnings.last_mut() {
                            warning.others.push(crate::diagnostic::Label::new(site, "takes it"));
                        }
                    }
                }
            }
            for block in statement.blocks() {
                self.arms(&block.body);
            }
        }
    }
}

/// Returns the earlier arm that is satisfied whenever this one is.
fn shadow_of<'a>(earlier: &'a [Arm], arm: &Arm) -> Option<&'a Pattern> {
    let (text, is_line) = awaited_text(&arm.pattern)?;
    let port = |pattern: &Pattern| pattern.port.as_ref().map(|port| port.node.clone());
    let same_port = earlier.iter().map(|arm| &arm.pattern).filter(|pattern| port(pattern) == port(&arm.pattern));
    same_port.into_iter().find(|pattern| {
        let takes_whole_line = awaited_text(pattern).is_some_and(|(_, is_line)| is_line);
        // A literal stands in lines of every kind: only a literal in it is sure to come first.
        (is_line || !takes_whole_line && awaited_text(pattern).is_some()) && is_satisfied_by(pattern, &text)
    })
}
