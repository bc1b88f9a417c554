//! What goes into an engine and what comes out of it.

use crate::event::{CloseReason, Event, Verdict};
use crate::source::Site;
use crate::time::Moment;
use crate::world::{Happening, PortCommand};

/// What an engine is told.
#[derive(Debug)]
pub enum Input<'a> {
    /// Time passed, nothing else.
    Tick,
    /// The port is open.
    Opened,
    /// Bytes came.
    Received(&'a [u8]),
    /// The bytes of a write have left.
    Sent(WriteToken),
    /// The port is gone.
    Closed(CloseReason),
    /// The values of an [`Action::Save`] are on disk, or why they are not.
    Kept(Result<(), String>),
    /// What a person answered to an [`Action::Ask`]; `None` if nobody is there.
    Answered(Option<Vec<u8>>),
    /// Someone wants the run to end.
    Interrupt,
}

impl<'a> Input<'a> {
    /// Returns the input for what a world told of; `received` holds the bytes that came.
    pub fn from_happening(happening: Happening, received: &'a [u8]) -> Input<'a> {
        match happening {
            Happening::Nothing => Input::Tick,
            Happening::Opened => Input::Opened,
            Happening::Received => Input::Received(received),
            Happening::Sent(token) => Input::Sent(token),
            Happening::Closed(reason) => Input::Closed(reason),
            Happening::Interrupt => Input::Interrupt,
        }
    }
}

/// What an engine wants next.
#[must_use]
#[derive(Debug)]
pub enum Output {
    /// This is to be done.
    Act(Action),
    /// This happened.
    Event(Event),
    /// Nothing more to do before an input, or before this moment; `None` is never.
    Wait {
        /// When to come back at the latest.
        until: Option<Moment>,
        /// What is waited for.
        why: Waiting,
    },
    /// The run is over; all actions and events have been handed out.
    Done(Verdict),
}

/// What an engine asks the world for.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Something with the port.
    Port(PortCommand),
    /// Make these values durable, then answer with [`Input::Kept`] before anything else.
    Save {
        /// Names and plain values.
        values: Vec<(String, Vec<u8>)>,
    },
    /// Ask a person; the answer comes as [`Input::Answered`] whenever it comes.
    Ask {
        /// What is asked, with secrets named.
        prompt: String,
        /// Whether the answer is a secret: it is not shown while it is typed, where that can be had.
        is_secret: bool,
    },
}

/// What an engine is waiting for.
#[derive(Clone, Debug, PartialEq)]
pub enum Waiting {
    /// The port to open.
    Open,
    /// A write to end.
    Write {
        /// The statement.
        site: Site,
    },
    /// A pattern, or bytes.
    Match {
        /// The statement.
        site: Site,
        /// When the wait ends, if it does.
        deadline: Option<Moment>,
    },
    /// Time to pass.
    Sleep {
        /// The statement.
        site: Site,
        /// Until when.
        until: Moment,
    },
    /// A person to answer.
    Answer {
        /// The statement.
        site: Site,
    },
    /// Silence before a retry or a send.
    Quiet {
        /// The statement.
        site: Site,
    },
    /// A device waits for what the host sends.
    Serve,
    /// The engine has used up its share of steps without waiting and goes on at once.
    Breath,
}

/// Stands for one write: one is made for each, and handed back when the bytes have left.
#[derive(Debug, PartialEq, Eq)]
pub struct WriteToken(u64);

impl WriteToken {
    /// Makes the token of the write with this number.
    pub(crate) fn new(number: u64) -> WriteToken {
        WriteToken(number)
    }

    /// Returns the number of the write.
    pub fn number(&self) -> u64 {
        self.0
    }
}
