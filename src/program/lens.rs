//! `Lens`: what a tool puts between an expression and its value, and instructions put in the place of one.

use std::fmt;
use std::sync::Arc;

use super::{Op, OpIndex, Program};
use crate::value::Value;

/// What a value goes through on its way: a tool looks at it, or changes it. No text of a flow makes one.
#[derive(Clone)]
pub struct Lens(Arc<Look>);

/// Returns what comes in place of a value, if anything does.
type Look = dyn Fn(&Value) -> Option<Value> + Send + Sync;

impl Lens {
    /// Makes a lens; `None` leaves the value as it is.
    pub fn new(look: impl Fn(&Value) -> Option<Value> + Send + Sync + 'static) -> Lens {
        Lens(Arc::new(look))
    }

    /// Returns what comes in place of a value, if anything does.
    pub fn through(&self, value: &Value) -> Option<Value> {
        (self.0)(value)
    }
}

impl fmt::Debug for Lens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lens")
    }
}

impl Program {
    /// Puts instructions in the place of the one at `at`; behind them the program goes on at `then`. They are given the address
    /// of the first of them. No other instruction moves.
    pub fn splice(&mut self, at: OpIndex, then: OpIndex, ops: impl FnOnce(OpIndex) -> Vec<Op>) {
        let (first, site) = (self.ops.len(), self.sites[at]);
        self.ops.extend(ops(first));
        self.ops.push(Op::Jump(then));
        self.sites.resize(self.ops.len(), site);
        self.ops[at] = Op::Jump(first);
    }
}
