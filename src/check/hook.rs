//! `hook` and `wire` to instructions: what leaves a flow or a device for something else than its line.

use super::Compiler;
use super::expr::{ANYTHING, TIME};
use crate::diagnostic::Code;
use crate::program::{DeclaredWire, ExprKind, Hook, Op, Role};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, Name, Secrecy};
use crate::value::Value;

impl Compiler<'_> {
    /// Compiles `hook "power", "off"`.
    pub(super) fn hook(
        &mut self,
        name: &Spanned<String>,
        arguments: &[ast::Expr],
        within: Option<&ast::Expr>,
        head: Span,
    ) {
        self.only_flow(head, "`hook`");
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if name.node.is_empty() || !name.node.chars().all(is_word) {
            self.problem(Code::CheckUnknownName, name.span, "this cannot be the name of a hook", "this name").help =
                Some("a name has letters, digits and `_`, as in `[hooks]` of `flowrun.toml`".to_string());
        }
        let arguments = arguments.iter().map(|argument| self.want(argument, ANYTHING, "what is given to a hook"));
        let arguments = arguments.collect();
        let within = self.want_some(within, TIME, "`within`");
        self.emit(Op::Hook(Hook { name: name.node.clone(), arguments, within }.into()), head);
    }

    /// Takes note of `wire power = "off"`.
    pub(super) fn wire(&mut self, name: &Name, value: &ast::Expr, head: Span) {
        let (value, _) = self.expr(value);
        if self.role != Role::Device {
            let help =
                "a device file declares the wires of its bench; a flow reaches a device by its port, or with `hook`";
            return self.misplaced(head, "`wire` belongs in a device", help);
        }
        let ExprKind::Const(
            initial @ (Value::Text(_)
            | Value::Bytes(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Bool(_)
            | Value::Duration(_)),
        ) = value.kind
        else {
            self.problem(
                Code::CheckType,
                value.span,
                "the first value of a wire must be a literal",
                "not known before the run",
            )
            .help = Some("all devices of a bench begin with the same value: `wire power = \"off\"`".to_string());
            return;
        };
        let Some(variable) = self.globals.get(&name.node) else { return };
        let slot = variable.place;
        let site = self.site(name.span);
        self.code.wires.push(DeclaredWire { name: name.node.clone(), slot, initial, site });
    }

    /// Compiles `compute power = "on"` if `power` is a wire; returns whether it is.
    pub(super) fn assigns_wire(&mut self, secrecy: Secrecy, name: &Name, value: &ast::Expr, head: Span) -> bool {
        let Some(wire) = self.wire_named(&name.node) else { return false };
        if secrecy == Secrecy::Secret {
            let help = "other devices would show it: use a `state`";
            self.misplaced(head, "a wire holds no secret", help);
        }
        let value = self.want(value, ANYTHING, "the value of a wire");
        self.emit(Op::Wire { wire, value }, head);
        true
    }

    /// Reports a wire that gets a value by something else than `compute`.
    pub(super) fn refuse_wire(&mut self, name: &str, span: Span) {
        if self.wire_named(name).is_some() {
            let help = format!("use another name, and then `compute {name} = …`");
            self.problem(Code::CheckMisplaced, span, format!("only `compute` changes the wire `{name}`"), "not here")
                .help = Some(help);
        }
    }

    /// Returns which wire a name means; none if a variable of that name stands before it.
    fn wire_named(&self, name: &str) -> Option<usize> {
        let wire = self.code.wires.iter().position(|wire| wire.name == name)?;
        let is_declared = self.find(name).is_some_and(|(_, variable)| variable.declared.is_some());
        is_declared.then_some(wire)
    }
}
