//! What `hook` asks the world for, and what comes of it.

/// A hook that is to be run: by a program on this machine, or by the simulated device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCall {
    /// Its name.
    pub name: String,
    /// What the statement gives to it, plain.
    pub arguments: Vec<Vec<u8>>,
}

/// What a hook that runs has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookNews {
    /// Its program wrote this; lines may come in pieces.
    Said(Vec<u8>),
    /// Its program wrote so many bytes more, and nobody keeps them; told once, before the end.
    LeftOut(usize),
    /// It has ended.
    Ended(HookEnd),
}

/// How a hook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookEnd {
    /// As it should.
    Done,
    /// It did not do what was asked for, or could not begin.
    Failed {
        /// Why, in words that follow its name.
        why: String,
        /// What to do about it.
        help: String,
    },
}
