//! `Hooks`: the hooks of a recording, which end as they did, and run nothing.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::{HookCall, HookEnd};
use crate::record::{EntryKind, HookNote, Recording};
use crate::time::Moment;

/// The hooks of a recording.
#[derive(Debug)]
pub(super) struct Hooks {
    recorded: VecDeque<Recorded>,
    /// When the one that runs ends, and how.
    running: Option<(Moment, HookEnd)>,
}

/// A hook that was recorded.
#[derive(Debug)]
struct Recorded {
    name: String,
    n_arguments: usize,
    began: Moment,
    /// How long it took and how it ended, if it did.
    end: Option<(Duration, HookEnd)>,
}

impl Hooks {
    /// Returns those of a recording.
    pub(super) fn of(recording: &Recording) -> Hooks {
        let mut recorded: VecDeque<Recorded> = VecDeque::new();
        for entry in recording.happened() {
            let note = if let EntryKind::Note { text } = &entry.kind { HookNote::read(text) } else { None };
            match note {
                Some(HookNote::Began { name, n_arguments }) => {
                    recorded.push_back(Recorded { name, n_arguments, began: entry.at, end: None });
                }
                Some(HookNote::Ended(end)) => {
                    if let Some(last) = recorded.back_mut() {
                        last.end.get_or_insert((entry.at.since(last.began), end));
                    }
                }
                None => {}
            }
        }
        Hooks { recorded, running: None }
    }

    /// Begins a hook: it ends as the next one that was recorded, or fails at once if that is another.
    pub(super) fn begin(&mut self, call: &HookCall, now: Moment) {
        let is_same = |next: &mut Recorded| next.name == call.name && next.n_arguments == call.arguments.len();
        self.running = match self.recorded.pop_front_if(is_same) {
            Some(recorded) => recorded.end.map(|(took, end)| (now + took, end)),
            None => {
                let why = match self.recorded.front() {
                    Some(next) => format!("is not what was recorded: the hook `{}` comes next", next.name),
                    None => "is not what was recorded: no hook comes any more".to_string(),
                };
                let help = "the flow has changed since the recording was made: record it again".to_string();
                Some((now, HookEnd::Failed { why, help }))
            }
        };
    }

    /// Returns when the hook that runs ends.
    pub(super) fn ends_at(&self) -> Option<Moment> {
        self.running.as_ref().map(|(at, _)| *at)
    }

    /// Returns how the hook that runs has ended, once.
    pub(super) fn end(&mut self, now: Moment) -> Option<HookEnd> {
        self.running.take_if(|(at, _)| *at <= now).map(|(_, end)| end)
    }

    /// Returns the name of the next hook that was not run.
    pub(super) fn next(&self) -> Option<&str> {
        self.recorded.front().map(|next| next.name.as_str())
    }
}
