//! `Recording`: what went over a line in one run, as a text that can be played again; secrets have names in it.
//!
//! The first line is `flowrun recording 1`; a reader refuses any other number. Then come `title "…"`, `seed N`,
//! `begun MILLISECONDS`, `variable NAME "…"` for each variable that was given and is no secret, and what happened, a line each, with
//! the seconds since the run began:
//!
//! ```text
//! 0.000000000 open 115200 8N1
//! 0.000000000 > +0.000260416 "AT\r"
//! 0.034000000 < "\r\nOK\r\n"
//! 1.000000000 note dtr=on rts=keep
//! 9.250000000 closed
//! ```
//!
//! `>` is what the flow wrote, and how long it took to leave, `<` what came. In quotes everything but printable ASCII is
//! escaped: `\r \n \t \" \\ \xNN`. `«name/form#len»` stands for a secret, of so many bytes in this form; a secret that came in two
//! reads stands in the first.

mod entry;
mod text;

use std::time::Duration;

use crate::engine::forms_of;
use crate::event::CloseReason;
use crate::time::Moment;
use crate::world::{Happening, PortCommand, World};
pub use entry::{Entry, EntryKind, Mask, Piece};

/// So many bytes are kept of a run, both ways together; what comes after that is left out.
const MOST_BYTES: usize = 64 << 20;

/// A recorded run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The flow's title.
    pub title: String,
    /// The seed of everything random.
    pub seed: u64,
    /// Unix time in milliseconds when the run began.
    pub begun: i64,
    /// What was given to the flow's params, but for secrets.
    pub variables: Vec<(String, String)>,
    /// What happened, in order.
    pub entries: Vec<Entry>,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    ///
    /// What is wrong with the first wrong line, and its number.
    pub fn read(text: &str) -> Result<Recording, String> {
        text::read(text)
    }

    /// Returns the recording as a text.
    pub fn render(&self) -> String {
        text::render(self)
    }

    /// Puts names into the place of secrets, in each form that they usually take.
    pub fn mask(&mut self, secrets: &[(std::sync::Arc<str>, Vec<u8>)]) {
        let mut forms: Vec<(Mask, Vec<u8>)> = Vec::new();
        for (name, secret) in secrets.iter().rev() {
            for (form, bytes) in forms_of(secret) {
                let mask = Mask { name: name.to_string(), form: form.to_string(), len: bytes.len() };
                if !bytes.is_empty() && !forms.iter().any(|(_, known)| *known == bytes) {
                    forms.push((mask, bytes));
                }
            }
        }
        forms.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.len()));
        entry::mask(&mut self.entries, &forms, |kind| matches!(kind, EntryKind::Sent { .. }));
        entry::mask(&mut self.entries, &forms, |kind| matches!(kind, EntryKind::Received { .. }));
        for (_, value) in &mut self.variables {
            if forms.iter().any(|(_, form)| value.as_bytes().windows(form.len()).any(|window| window == form)) {
                value.clear();
            }
        }
        self.variables.retain(|(_, value)| !value.is_empty());
    }
}

/// A world of which a recording is kept.
pub struct RecordedWorld {
    world: Box<dyn World>,
    entries: Vec<Entry>,
    /// Writes that have not left: their number, and their entry.
    leaving: Vec<(u64, usize)>,
    now: Moment,
    n_bytes: usize,
}

impl std::fmt::Debug for RecordedWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordedWorld").field("entries", &self.entries.len()).field("now", &self.now).finish()
    }
}

impl RecordedWorld {
    /// Records what goes in and out of a world.
    pub fn new(world: Box<dyn World>) -> RecordedWorld {
        RecordedWorld { world, entries: Vec::new(), leaving: Vec::new(), now: Moment::START, n_bytes: 0 }
    }

    /// Returns what happened so far.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn note(&mut self, kind: EntryKind) {
        if self.n_bytes < MOST_BYTES {
            self.entries.push(Entry { at: self.now, kind });
        }
    }
}

impl World for RecordedWorld {
    fn perform(&mut self, command: PortCommand) {
        let state = |on: Option<bool>| match on {
            Some(true) => "on",
            Some(false) => "off",
            None => "keep",
        };
        match &command {
            PortCommand::Open { settings } => self.note(EntryKind::Opened { line: settings.to_string() }),
            PortCommand::Write { token, bytes } => {
                self.n_bytes += bytes.len();
                self.leaving.push((token.number(), self.entries.len()));
                self.note(EntryKind::Sent { bytes: vec![Piece::Bytes(bytes.clone())], took: Duration::ZERO });
            }
            PortCommand::SetLines { dtr, rts } => {
                self.note(EntryKind::Note { text: format!("dtr={} rts={}", state(*dtr), state(*rts)) });
            }
            PortCommand::Break { lasting } => {
                self.note(EntryKind::Note { text: format!("break {}", crate::time::show_duration(*lasting)) });
            }
            PortCommand::Reconfigure { settings } => {
                self.note(EntryKind::Note { text: format!("settings {settings}") });
            }
            PortCommand::DiscardInput => self.note(EntryKind::Note { text: "flush".to_string() }),
            PortCommand::Close => {}
        }
        self.world.perform(command);
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        let known = received.len();
        let (now, happening) = self.world.wait(until, received);
        self.now = now.max(self.now);
        match &happening {
            Happening::Received => {
                let bytes = received[known..].to_vec();
                self.n_bytes += bytes.len();
                self.note(EntryKind::Received { bytes: vec![Piece::Bytes(bytes)] });
            }
            Happening::Sent(token) => {
                if let Some(at) = self.leaving.iter().position(|(number, _)| *number == token.number()) {
                    let (_, entry) = self.leaving.remove(at);
                    if let Some(entry) = self.entries.get_mut(entry)
                        && let EntryKind::Sent { took, .. } = &mut entry.kind
                    {
                        *took = now.since(entry.at);
                    }
                }
            }
            Happening::Closed(CloseReason::Finished)
            | Happening::Nothing
            | Happening::Opened
            | Happening::Interrupt => {}
            Happening::Closed(_) => self.note(EntryKind::Closed),
        }
        (now, happening)
    }
}
