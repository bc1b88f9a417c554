//! Flows that are right by the letter and will surprise their author.

use super::Compiler;
use crate::diagnostic::{Code, Diagnostic};
use crate::pattern::Pattern;
use crate::port_id::PortId;
use crate::program::{Op, PatternSource, PatternSpec, Role};
use crate::syntax::Parsed;
use crate::syntax::ast::FileKind;

/// Which exchange a text is awaited in, and on which port of those that arms name.
type Exchange = (usize, Option<PortId>);

impl Compiler<'_> {
    /// Reports a flow that checks nothing, and awaited literals that stand in other awaited texts.
    pub(super) fn hazards(&mut self, root: &Parsed) {
        let Some(header) = &root.file.header else { return };
        let checks = self.code.ops.iter().any(|op| {
            if let Op::Measure(measure) = op {
                return measure.limits.are_set();
            }
            matches!(
                op,
                Op::Expect(_)
                    | Op::ExpectNone(_)
                    | Op::ExpectQuiet { .. }
                    | Op::ExpectInput(_)
                    | Op::ReadCount(_)
                    | Op::ReadUntil(_)
                    | Op::ReadQuiet(_)
                    | Op::ReceiveFile(_)
                    | Op::Assert { .. }
            ) || matches!(op, Op::SendFile(file) if file.protocol.is_some())
        });
        if header.kind == FileKind::Flow && !checks && !root.file.body.is_empty() && root.problems.is_empty() {
            self.problem(
                Code::CheckNothingChecked,
                header.span,
                "this flow checks nothing",
                "expects and asserts nothing",
            )
            .help = Some("a pass must mean something: add an `expect`".to_string());
        }
        if header.kind == FileKind::Flow && root.file.body.is_empty() && root.problems.is_empty() {
            self.problem(
                Code::CheckNothingChecked,
                header.span,
                "this flow does nothing",
                "nothing follows the header",
            );
        }
        if self.role == Role::Flow {
            self.contained();
        }
    }

    /// Warns of a literal that stands in another text that is awaited in the same exchange: after the same send, or in waits
    /// between which nothing is sent.
    fn contained(&mut self) {
        let mut texts: Vec<(Exchange, Vec<u8>, bool, &PatternSpec)> = Vec::new();
        let mut exchange = 0;
        // Whether each scope around the instruction speaks to a port of its own.
        let mut is_using = Vec::new();
        for op in &self.code.ops {
            // What is awaited on another port is another exchange, and so is what follows it.
            let is_other_port = if let Op::Enter(_) = op {
                is_using.push(false);
                false
            } else if let Op::Leave = op {
                is_using.pop().unwrap_or(false)
            } else if let Op::Using(_) = op {
                is_using.last_mut().is_some_and(|is_using| !std::mem::replace(is_using, true))
            } else {
                false
            };
            if is_other_port
                || matches!(
                    op,
                    Op::Send { .. } | Op::SendFile(_) | Op::ReceiveFile(_) | Op::Call { .. } | Op::Return(_) | Op::End
                )
            {
                exchange += 1;
            }
            let specs: Vec<(&PatternSpec, Option<PortId>)> = if let Op::Expect(expect) = op {
                expect.arms.iter().map(|arm| (&arm.pattern, arm.port)).collect()
            } else if let Op::ExpectNone(absence) = op {
                vec![(&absence.pattern, None)]
            } else if let Op::ReadUntil(read) = op {
                vec![(&read.pattern, None)]
            } else {
                continue;
            };
            for (spec, port) in specs {
                let exchange = (exchange, port);
                match &spec.source {
                    PatternSource::Ready(Pattern::Literal(literal)) => {
                        texts.push((exchange, literal.needle().to_vec(), true, spec))
                    }
                    PatternSource::Ready(Pattern::Line(text)) => texts.push((exchange, text.to_vec(), false, spec)),
                    PatternSource::Ready(_) | PatternSource::Text(..) | PatternSource::Regex { .. } => {}
                }
            }
        }
        let mut problems = Vec::new();
        for (exchange, text, is_literal, spec) in &texts {
            if !is_literal {
                continue;
            }
            let longer = texts.iter().find(|(of, other, _, _)| {
                of == exchange && other.len() > text.len() && memchr::memmem::find(other, text).is_some()
            });
            if let Some((.., other)) = longer {
                let message = format!("{} is part of {}, which is expected too", spec.title, other.title);
                let problem =
                    Diagnostic::new(Code::CheckContained, spec.site, message, "also matches inside the longer text")
                        .other(other.site, "the longer text")
                        .help(format!("write `line {}` for the whole line", spec.title));
                problems.push(problem);
            }
        }
        self.problems.extend(problems);
    }
}
