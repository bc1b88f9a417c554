//! Statements about control lines to instructions.

use super::Compiler;
use super::expr::TIME;
use crate::program::{InputWait, Op};
use crate::settings::InputLine;
use crate::source::Span;
use crate::syntax::ast;

impl Compiler<'_> {
    /// Compiles `cts on`.
    pub(super) fn input_lines(&mut self, lines: &[(InputLine, bool)], head: Span) {
        self.only_device(head, "switching CTS, DSR, DCD or RI", "a flow waits for them: `expect cts on`");
        self.emit(Op::InputLines(lines.to_vec()), head);
    }

    /// Compiles `expect cts on`.
    pub(super) fn expect_input(&mut self, line: InputLine, on: bool, within: Option<&ast::Expr>, head: Span) {
        self.only_flow(head, "waiting for CTS, DSR, DCD or RI");
        let within = self.want_some(within, TIME, "`within`");
        self.emit(Op::ExpectInput(InputWait { line, on, within }), head);
    }
}
