//! `Finding`: one thing that `flowrun doctor` has found, and what to do about it.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// It is as it should be.
    Fine,
    /// It may explain something.
    Note,
    /// The port cannot be used, or not well.
    Wrong,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub level: Level,
    /// What was looked at, in one word, for programs: it stays the same.
    pub topic: &'static str,
    /// What was found, in one sentence without a full stop.
    pub what: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Finding {
    pub(super) fn fine(topic: &'static str, what: impl Into<String>) -> Finding {
        Finding { level: Level::Fine, topic, what: what.into(), advice: None }
    }

    pub(super) fn note(topic: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { level: Level::Note, topic, what: what.into(), advice: Some(advice.into()) }
    }

    pub(super) fn wrong(topic: &'static str, what: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { level: Level::Wrong, topic, what: what.into(), advice: Some(advice.into()) }
    }
}

impl Level {
    /// Returns the word that people and programs read.
    pub(super) fn word(self) -> &'static str {
        match self {
            Level::Fine => "ok",
            Level::Note => "note",
            Level::Wrong => "wrong",
        }
    }
}
