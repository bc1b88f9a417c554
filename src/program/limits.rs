//! `GivenLimits`: limits of measurements that are given from outside, by name.

use std::sync::Arc;

use super::{Expr, ExprKind, Limits, Measure, Op, Program};
use crate::source::Span;
use crate::value::Value;
use crate::value::decimal::Number;

/// Limits for measurements, by their names.
pub type GivenLimits = Vec<(String, Limits)>;

impl Program {
    /// Returns the name of each measurement, in the order of the text; one that stands at several places comes several times.
    pub fn measurements(&self) -> impl Iterator<Item = &str> {
        self.ops
            .iter()
            .filter_map(|op| if let Op::Measure(measure) = op { Some(measure.target.name.as_str()) } else { None })
    }

    /// Returns the program with these limits in place of its own; names that it does not measure are passed over.
    #[must_use]
    pub fn with_limits(mut self: Arc<Program>, given: &GivenLimits) -> Arc<Program> {
        if given.is_empty() {
            return self;
        }
        for op in &mut Arc::make_mut(&mut self).ops {
            let Op::Measure(measure) = op else { continue };
            if let Some((_, limits)) = given.iter().find(|(name, _)| *name == measure.target.name) {
                *measure = Arc::new(Measure { limits: limits.clone(), ..(**measure).clone() });
            }
        }
        self
    }
}

impl Limits {
    /// Returns limits that allow one value.
    pub fn exactly(value: Number) -> Limits {
        Limits::Exactly(constant(value))
    }

    /// Returns limits from one number to another; either may be missing.
    pub fn between(low: Option<Number>, high: Option<Number>) -> Limits {
        Limits::Range { low: low.map(constant), high: high.map(constant) }
    }
}

fn constant(number: Number) -> Expr {
    Expr { span: Span::new(0, 0), kind: ExprKind::Const(Value::from(number)) }
}
