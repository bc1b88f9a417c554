//! `Trace`: which instructions of a program were executed, for who asks how much of it some runs reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::program::{OpIndex, Program};

/// It was executed.
const REACHED: u8 = 1;
/// The next one was executed behind it.
const WENT_ON: u8 = 2;
/// Another one was executed behind it.
const WENT_ELSEWHERE: u8 = 4;

/// What was executed of a program, in all runs that share the trace.
#[derive(Clone, Debug)]
pub struct Trace {
    ops: Arc<[AtomicU8]>,
}

impl Trace {
    /// Makes a trace of a program of which nothing was executed yet.
    pub fn of(program: &Program) -> Trace {
        Trace { ops: program.ops.iter().map(|_| AtomicU8::new(0)).collect() }
    }

    /// Whether an instruction was executed.
    pub fn is_reached(&self, at: OpIndex) -> bool {
        self.has(at, REACHED)
    }

    /// Whether the next instruction was executed behind this one.
    pub fn went_on(&self, at: OpIndex) -> bool {
        self.has(at, WENT_ON)
    }

    /// Whether another one was.
    pub fn went_elsewhere(&self, at: OpIndex) -> bool {
        self.has(at, WENT_ELSEWHERE)
    }

    fn has(&self, at: OpIndex, what: u8) -> bool {
        self.ops.get(at).is_some_and(|op| op.load(Ordering::Relaxed) & what != 0)
    }

    fn note(&self, at: OpIndex, what: u8) {
        if let Some(op) = self.ops.get(at) {
            op.fetch_or(what, Ordering::Relaxed);
        }
    }
}

/// Takes note of each instruction of one run.
#[derive(Debug)]
pub(in crate::engine) struct Tracer {
    trace: Trace,
    last: Option<OpIndex>,
}

impl Tracer {
    /// Makes a tracer that nothing was told yet.
    pub(in crate::engine) fn new(trace: Trace) -> Tracer {
        Tracer { trace, last: None }
    }

    /// Takes note that an instruction is executed.
    pub(in crate::engine) fn execute(&mut self, at: OpIndex) {
        self.trace.note(at, REACHED);
        if let Some(last) = self.last.replace(at) {
            self.trace.note(last, if at == last + 1 { WENT_ON } else { WENT_ELSEWHERE });
        }
    }

    /// Takes note that something else may come between two instructions.
    pub(in crate::engine) fn interrupt(&mut self) {
        self.last = None;
    }
}
