//! Statements about control lines to instructions.

use super::expr::TIME;
use super::names::Names;
use super::{Compiler, Context};
use crate::diagnostic::{Code, Label};
use crate::program::{InputWait, Op, Role, SignalHandler};
use crate::settings::{InputLine, Signal};
use crate::source::Span;
use crate::syntax::ast::{self, Block};

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

    /// Reports a handler of a control line that does not stand at the top level of a device; those that do are compiled already.
    pub(super) fn signal(&mut self, head: Span) {
        self.only_device(head, "a handler of a control line", "a flow waits for lines: `expect cts on`");
        if self.role == Role::Device && !self.is_top_level() {
            self.misplaced(head, "a handler of a control line stands at the top level of a device", "move it there");
        }
    }

    /// Compiles what a device does when the host switches a control line; somebody must jump around it.
    pub(super) fn signal_handler(&mut self, signal: Signal, body: &Block, head: Span) {
        if let Some(first) = self.code.signals.iter().find(|handler| handler.signal == signal).map(|first| first.site) {
            let message = format!("the device has two handlers for `{signal}`");
            self.problem(Code::CheckDuplicate, head, message, "again here").others =
                vec![Label::new(first, "first here")];
        }
        let outer = self.context;
        self.context = Context { is_handler: true, ..outer };
        self.locals = Some(Names::default());
        self.note_all(&body.body);
        let entry = self.here();
        self.scoped_block(body, head);
        self.emit(Op::Return(None), head);
        self.context = outer;
        let locals = self.locals.take().map_or(0, |names| names.places.len());
        self.code.signals.push(SignalHandler { signal, entry, locals, site: self.site(head) });
    }
}
