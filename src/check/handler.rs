//! What a device does when something else than a line reaches it: a control line, a hook, a wire.

use super::names::Names;
use super::{Compiler, Context};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Label};
use crate::program::{Handler, Op, Role, Trigger};
use crate::source::Span;
use crate::syntax::ast::{Block, Name, Statement, StatementKind};

impl Compiler<'_> {
    /// Reports a handler that does not stand at the top level of a device; those that do are compiled already.
    pub(super) fn misplaced_handler(&mut self, statement: &Statement) {
        let head = statement.head;
        let (what, help) = if let StatementKind::OnHook { .. } = &statement.kind {
            ("a handler of a hook", "a flow runs a hook: `hook \"power\", \"off\"`")
        } else if let StatementKind::OnWire { .. } = &statement.kind {
            ("a handler of a wire", "a flow has no wires: they join the devices of a bench")
        } else {
            ("a handler of a control line", "a flow waits for lines: `expect cts on`")
        };
        self.only_device(head, what, help);
        if self.role == Role::Device && !self.is_top_level() {
            self.misplaced(head, &format!("{what} belongs at the top level of a device"), "move it there");
        }
    }

    /// Compiles a handler; does nothing with another statement. Somebody must jump around it.
    pub(super) fn handler(&mut self, statement: &Statement) {
        let head = statement.head;
        if let StatementKind::OnSignal { signal, body } = &statement.kind {
            self.handle(Trigger::Signal(*signal), &format!("`{signal}`"), &[], body, head);
        } else if let StatementKind::OnHook { name, parameters, body } = &statement.kind {
            let trigger = Trigger::Hook { name: name.node.clone(), parameters: parameters.len() };
            self.handle(trigger, &format!("the hook `{}` with as many values", name.node), parameters, body, head);
        } else if let StatementKind::OnWire { name, body } = &statement.kind {
            self.known_wire(name);
            self.handle(Trigger::Wire(name.node.clone()), &format!("the wire `{}`", name.node), &[], body, head);
        }
    }

    fn handle(&mut self, trigger: Trigger, what: &str, parameters: &[Name], body: &Block, head: Span) {
        if let Some(first) =
            self.code.handlers.iter().find(|handler| handler.trigger == trigger).map(|first| first.site)
        {
            let message = format!("the device has two handlers for {what}");
            self.problem(Code::CheckDuplicate, head, message, "again here").others =
                vec![Label::new(first, "first here")];
        }
        let outer = self.context;
        self.context = Context { is_handler: true, ..outer };
        self.locals = Some(self.parameter_names(parameters));
        self.note_all(&body.body);
        let entry = self.here();
        self.scoped_block(body, head);
        self.emit(Op::Return(None), head);
        self.context = outer;
        let locals = self.locals.take().map_or(0, |names: Names| names.places.len());
        self.code.handlers.push(Handler { trigger, entry, locals, site: self.site(head) });
    }

    /// Reports a wire that the device does not declare.
    fn known_wire(&mut self, name: &Name) {
        if self.code.wires.iter().any(|wire| wire.name == name.node) {
            return;
        }
        let known = self.code.wires.iter().map(|wire| wire.name.as_str());
        let help = match nearest(&name.node, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("declare it: `wire {} = \"off\"`", name.node),
        };
        let message = format!("the device has no wire `{}`", name.node);
        self.problem(Code::CheckUnknownName, name.span, message, "never declared").help = Some(help);
    }
}
