//! Where events are held back because a secret in them is not known yet.
//!
//! `capture secret token from json(answer, …)` makes a secret of something that was received before it. So from
//! the statement that received it up to the capture nothing is told; then everything is, with the secret named.
//!
//! What is held is found backwards, as compilers find which values are still needed. A statement that makes a secret needs
//! what it makes it of. A statement that gives this needs in turn what it has it from. What a block needs, the statement
//! around it needs, and so does the call of a procedure. Where it is not certain what happens, more is needed, not less:
//! told late is right, told plain is wrong.

mod made_of;
mod needs;
mod summary;

use super::Compiler;
use crate::program::Telling;
use crate::syntax::ast::{Block, Pattern, Statement};
pub(super) use made_of::made_of;
use needs::{Makers, Needs};
pub(super) use summary::Secrets;

/// Statements of one body during which events are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    /// The first of them.
    pub from: usize,
    /// When it ends.
    pub until: Until,
}

/// When held events are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Behind this statement.
    Statement(usize),
    /// When the scope around the body is left and its clean-up is done.
    ScopeEnds,
}

impl Compiler<'_> {
    /// Returns where events are held back in a body.
    pub(super) fn holds(&self, body: &[Statement]) -> Vec<Hold> {
        if self.secrets.are_none() {
            return Vec::new();
        }
        let making = self.secrets.reader(Makers::Count);
        let hold = |(at, statement): (usize, &Statement)| {
            // A handler and a `finally` act as long as their scope is not left.
            let lasting = making.lasting(statement);
            if !lasting.is_empty() {
                return self.start_when_lasting(body, at, lasting).map(|from| Hold { from, until: Until::ScopeEnds });
            }
            let needs = making.before(statement, Needs::new(), &Needs::new());
            self.start(body, at, needs).map(|from| Hold { from, until: Until::Statement(at) })
        };
        body.iter().enumerate().filter_map(hold).collect()
    }

    /// Returns the first statement that gives what a statement needs, or itself; `None` if nothing gives it: a param
    /// was there before the run.
    fn start(&self, body: &[Statement], at: usize, mut needs: Needs) -> Option<usize> {
        self.secrets.settle(&mut needs);
        let passing = self.secrets.reader(Makers::AreDealtWith);
        let mut from = passing.gives(&body[at], &needs).then_some(at);
        passing.walk(&body[..at], needs, &Needs::new(), &mut |i| from = Some(i));
        from
    }

    /// The same for what may be needed at any time from a statement on.
    fn start_when_lasting(&self, body: &[Statement], at: usize, lasting: Needs) -> Option<usize> {
        let passing = self.secrets.reader(Makers::AreDealtWith);
        let mut is_given = false;
        let needs = passing.walk(&body[at..], lasting.clone(), &lasting, &mut |_| is_given = true);
        self.start(body, at, needs).or(is_given.then_some(at))
    }

    /// Returns when the line may be told that an `on` runs its block for.
    pub(super) fn telling(&self, pattern: &Pattern, body: &Block) -> Telling {
        let is_of_own_line = self.secrets.reader(Makers::Count).is_of_own_line(pattern, body);
        if is_of_own_line { Telling::WhenDone } else { Telling::AtOnce }
    }
}
