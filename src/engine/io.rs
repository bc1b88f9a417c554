//! What goes into an engine and what comes out of it.

use crate::event::{CloseReason, Departure, Event, HookCall, HookNews, Verdict, Waiting};
use crate::port::{PortCommand, PortId, WriteToken};
use crate::settings::{InputLines, Signal};
use crate::time::Moment;
use crate::value::Value;

/// What an engine is told.
#[derive(Debug)]
pub enum Input<'a> {
    /// Time passed, nothing else.
    Tick,
    /// A port is open.
    Opened(PortId),
    /// Bytes came on a port.
    Received(PortId, &'a [u8]),
    /// The bytes of a write have left.
    Sent(WriteToken),
    /// A port is gone.
    Closed(PortId, CloseReason),
    /// A port is gone: what was sent is not what the recording has that plays its other end.
    Departed(PortId, Box<Departure>),
    /// A port does something else than it was asked for, and goes on: a sentence for the user.
    Noted(PortId, String),
    /// How CTS, DSR, DCD and RI of a port are, or why that cannot be known.
    Lines(PortId, Result<InputLines, String>),
    /// The host did this with its control lines; only a device takes note.
    Signalled(PortId, Signal),
    /// The values of an [`Action::Save`], or the file of an [`Action::KeepFile`], are on disk, or why they are not.
    Kept(Result<(), String>),
    /// What a person answered to an [`Action::Ask`]; `None` if nobody is there.
    Answered(Option<Vec<u8>>),
    /// What the hook of an [`Action::Hook`] has to tell; nothing more comes after its end.
    Hook(HookNews),
    /// The flow runs a hook that this device takes, see `Engine::takes_hook`; only a device takes note.
    Hooked(HookCall),
    /// Another device of the bench gave a wire this value; only a device that declares it takes note.
    Wire {
        /// Its name.
        name: String,
        /// Its value from now on.
        value: Value,
    },
    /// Someone wants the run to end.
    Interrupt,
    /// The run has ended, and the recording that is played has not: what is left of it.
    Unplayed(String),
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
    /// Something with a port.
    Port(PortId, PortCommand),
    /// Make these values durable, then answer with [`Input::Kept`] before anything else.
    Save {
        /// Names and plain values.
        values: Vec<(String, Vec<u8>)>,
    },
    /// Make a received file durable, then answer with [`Input::Kept`] before anything else.
    KeepFile {
        /// The variable that it was received into.
        name: String,
        /// What is in it.
        content: Vec<u8>,
        /// Whether it is a secret: nobody else may read it.
        is_secret: bool,
    },
    /// Ask a person; the answer comes as [`Input::Answered`] whenever it comes.
    Ask {
        /// What is asked, with secrets named.
        prompt: String,
        /// Whether the answer is a secret: it is not shown while it is typed, where that can be had.
        is_secret: bool,
    },
    /// Run a hook; what comes of it comes as [`Input::Hook`]. It is to be ended when the engine does not wait for it any more, see
    /// `Engine::is_hooking`.
    Hook(HookCall),
    /// This device gave a wire another value: tell the other devices of the bench, with [`Input::Wire`]. This one knows.
    Wire {
        /// Its name.
        name: String,
        /// Its value from now on; it holds no secret.
        value: Value,
    },
}
