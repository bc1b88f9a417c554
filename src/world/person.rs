//! `Person`: who answers what a flow asks.

/// The person at the bench, if there is one.
pub trait Person {
    /// Asks; the answer is fetched with [`Person::answer`]. A question that was asked before may be over without an answer.
    fn ask(&mut self, prompt: &str, is_secret: bool);

    /// Returns the answer if it is there: `Some(None)` is that nobody will ever answer. Never blocks.
    fn answer(&mut self) -> Option<Option<Vec<u8>>>;
}

/// Nobody: every question is answered by its default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Person for Nobody {
    fn ask(&mut self, _prompt: &str, _is_secret: bool) {}

    fn answer(&mut self) -> Option<Option<Vec<u8>>> {
        Some(None)
    }
}
