//! `HookNote`: what the notes of a recording say of hooks. What their programs wrote is not recorded.

use crate::event::{HookCall, HookEnd};

/// What a note says of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookNote {
    /// It began.
    Began {
        /// Its name.
        name: String,
        /// How many values were given to it; they may be secrets, and are not recorded.
        n_arguments: usize,
    },
    /// It ended. One that took too long, or was interrupted, has no such note.
    Ended(HookEnd),
}

impl HookNote {
    /// Returns the note of a hook that begins.
    pub fn of(call: &HookCall) -> HookNote {
        HookNote::Began { name: call.name.clone(), n_arguments: call.arguments.len() }
    }

    /// Returns the text of the note.
    pub fn text(&self) -> String {
        match self {
            HookNote::Began { name, n_arguments } => format!("hook {name} {n_arguments}"),
            HookNote::Ended(HookEnd::Done) => "hook-ended".to_string(),
            HookNote::Ended(HookEnd::Failed { why, .. }) => {
                let why: String = why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                format!("hook-ended {why}")
            }
        }
    }

    /// Reads the text of a note; `None` if it is about something else.
    pub fn read(text: &str) -> Option<HookNote> {
        if text == "hook-ended" {
            return Some(HookNote::Ended(HookEnd::Done));
        }
        let (word, rest) = text.split_once(' ')?;
        match word {
            "hook" => {
                let (name, n_arguments) = rest.split_once(' ')?;
                Some(HookNote::Began {
                    name: name.to_string(),
                    n_arguments: n_arguments.parse().ok().filter(|n| *n < 1000)?,
                })
            }
            "hook-ended" => {
                let help = "that is how it was recorded".to_string();
                Some(HookNote::Ended(HookEnd::Failed { why: rest.to_string(), help }))
            }
            _ => None,
        }
    }
}
