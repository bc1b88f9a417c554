//! `measure`: its number, its limits, and what is wrong with them before the run.

use super::Compiler;
use super::expr::{NUMBERS, number_of};
use crate::diagnostic::Code;
use crate::program::{Expr, ExprKind, Limits, Measure, Op};
use crate::source::Span;
use crate::syntax::ast::{self, Secrecy, Severity};
use crate::value::decimal::Number;

impl Compiler<'_> {
    /// Compiles `measure vbat = decimal(volts) unit "V" limits 3.60 .. 4.20`.
    pub(super) fn measure(&mut self, measure: &ast::Measure, head: Span) {
        self.only_flow(head, "`measure`");
        let (_, kind) = self.expr(&measure.value);
        let value = self.want(&measure.value, NUMBERS, "what is measured");
        self.refuse_param(&measure.name);
        let target = self.target(&measure.name, number_of(kind), Secrecy::Open);
        let limits = match &measure.limits {
            Some(ast::Limits::Range { low, high }) => {
                let low = self.want_some(low.as_ref(), NUMBERS, "a limit");
                let high = self.want_some(high.as_ref(), NUMBERS, "a limit");
                self.upside_down(low.as_ref(), high.as_ref());
                Limits::Range { low, high }
            }
            Some(ast::Limits::Exactly(value)) => Limits::Exactly(self.want(value, NUMBERS, "a limit")),
            None => Limits::Range { low: None, high: None },
        };
        let unit = measure.unit.as_ref().map(|unit| unit.node.clone());
        let is_soft = measure.severity == Severity::Soft;
        self.emit(Op::Measure(Measure { value, target, unit, limits, is_soft }.into()), head);
    }

    /// Reports limits that no value is between.
    fn upside_down(&mut self, low: Option<&Expr>, high: Option<&Expr>) {
        let (Some(low), Some(high)) = (low, high) else { return };
        let number = |expr: &Expr| if let ExprKind::Const(value) = &expr.kind { Number::of(value).ok() } else { None };
        if let (Some(lower), Some(upper)) = (number(low), number(high))
            && lower.order(upper).is_gt()
        {
            let span = Span { start: low.span.start, end: high.span.end };
            let message = "no value is within these limits".to_string();
            self.problem(Code::CheckType, span, message, "the lower limit is above the upper one").help =
                Some(format!("the lower one comes first: `limits {upper} .. {lower}`"));
        }
    }
}
