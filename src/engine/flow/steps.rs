//! `Step`: a step that goes on, and which of them are around the present instruction.

use std::sync::Arc;
use std::time::Duration;

use super::{Flow, Scope, ScopeIs};
use crate::diagnostic::Label;
use crate::event::Failure;
use crate::program::{OpIndex, Refusal};
use crate::source::Site;
use crate::time::Moment;

/// An attempt at a step.
#[derive(Debug)]
pub(in crate::engine) struct Step {
    pub title: String,
    pub site: Site,
    pub attempt: u32,
    pub attempts: u32,
    pub every: Duration,
    pub lasting: Option<Duration>,
    pub began: Moment,
    pub body: OpIndex,
    pub behind: OpIndex,
    /// How much had been checked when it began.
    pub n_checks: u64,
    /// How many measurements were outside of their limits when it began.
    pub n_outside: usize,
    /// What a line must not say for a further attempt to make sense.
    pub unless: Arc<[Refusal]>,
    /// That a line has said it.
    pub refused: Option<Label>,
    /// Why the last attempt failed, if there is an `unless`.
    pub last_failure: Option<Box<Failure>>,
}

impl Step {
    /// Whether a further attempt is left, and nothing forbids it.
    pub(super) fn retries(&self) -> bool {
        self.attempt < self.attempts && self.refused.is_none()
    }
}

impl Flow {
    /// Returns the step whose scope is the innermost.
    pub(in crate::engine) fn innermost_step(&mut self) -> Option<&mut Step> {
        match self.scopes.last_mut() {
            Some(Scope { is: ScopeIs::Step(step), .. }) => Some(step),
            Some(_) | None => None,
        }
    }

    /// Returns the depths of the scopes of steps that a line may end the attempts at, and what it would say.
    pub(in crate::engine) fn open_unless(&self) -> Vec<(usize, Arc<[Refusal]>)> {
        let open = |(i, scope): (usize, &Scope)| match &scope.is {
            ScopeIs::Step(step) if !step.unless.is_empty() && step.refused.is_none() => {
                Some((i + 1, step.unless.clone()))
            }
            ScopeIs::Main
            | ScopeIs::Block
            | ScopeIs::Step(_)
            | ScopeIs::Try { .. }
            | ScopeIs::Procedure
            | ScopeIs::Handler(_)
            | ScopeIs::Cleanup { .. } => None,
        };
        self.scopes.iter().enumerate().filter_map(open).collect()
    }

    /// Takes note that a line has forbidden further attempts at the step whose scope has this depth.
    pub(in crate::engine) fn refuse(&mut self, depth: usize, refused: Label) {
        if let ScopeIs::Step(step) = &mut self.scopes[depth - 1].is {
            step.refused = Some(refused);
        }
    }

    fn steps(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.scopes.iter().filter_map(|scope| match &scope.is {
            ScopeIs::Step(step) => Some(&**step),
            ScopeIs::Main
            | ScopeIs::Block
            | ScopeIs::Try { .. }
            | ScopeIs::Procedure
            | ScopeIs::Handler(_)
            | ScopeIs::Cleanup { .. } => None,
        })
    }

    /// Returns how many steps enclose the present instruction.
    pub(in crate::engine) fn step_depth(&self) -> u32 {
        self.steps().count() as u32
    }

    /// Returns the titles of the steps that enclose the present instruction, outermost first.
    pub(in crate::engine) fn step_titles(&self) -> Vec<String> {
        self.steps().map(|step| step.title.clone()).collect()
    }

    /// Returns the end of the tightest step's timeout; none inside of a `finally` block.
    pub(in crate::engine) fn step_deadline(&self) -> Option<Moment> {
        // The first is the main part, which has no deadline.
        if self.is_in_main() {
            return None;
        }
        let inner = self.scopes.iter().rev().take_while(|scope| !matches!(scope.is, ScopeIs::Cleanup { .. }));
        let deadline = |scope: &Scope| match &scope.is {
            ScopeIs::Step(step) => step.lasting.map(|lasting| step.began + lasting),
            ScopeIs::Main
            | ScopeIs::Block
            | ScopeIs::Try { .. }
            | ScopeIs::Procedure
            | ScopeIs::Handler(_)
            | ScopeIs::Cleanup { .. } => None,
        };
        inner.filter_map(deadline).min()
    }
}
