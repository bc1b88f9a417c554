//! `Recording`: what went over a line in one run, as a text that can be played again; secrets have names in it.
//!
//! The first line is `flowrun recording 2`; a reader takes 1 too and refuses any other number. Then come `title "…"`,
//! `seed N`, `begun MILLISECONDS`, `about NAME "…"` for what makes the run traceable, `variable NAME "…"` for each
//! variable that was given and is no secret, and what happened, a line each, with the seconds since the run began:
//!
//! ```text
//! 0.000000000 open 115200 8N1
//! 0.000000000 > +0.000260416 "AT\r"
//! 0.034000000 < "\r\nOK\r\n"
//! 1.000000000 note dtr=on rts=keep
//! 9.250000000 closed
//! ```
//!
//! What happened on another port than the first has its number after the time, `0.034000000 #1 < "OK\r\n"`. The names of the
//! ports that a flow declares stand in lines `about port "…"`, in the order of their numbers. `note` is
//! for what is not compared when the recording is played: control lines, settings, breaks. `note hook power 1` says that a
//! hook with one value began, `note hook-ended` that it did what it should, `note hook-ended WHY` that it failed: no hook runs
//! when the recording is played.
//!
//! After `closed` nothing leaves through the port until it is opened again, with `open` as at the beginning. A write that
//! had not left when the port went stands with a time that goes beyond `closed`. Such a write or note is not recorded; a
//! reader passes over one that an earlier version left there.
//!
//! `note title TEXT` is what a person called what follows: a draft makes a step of it.
//!
//! `>` is what the flow wrote, and how long it took to leave, `<` what came. In quotes everything but printable ASCII is
//! escaped: `\r \n \t \" \\ \xNN`. `«name/form#len»` stands for a secret, of so many bytes in this form; a secret that came in two
//! reads stands in the first. `«name/form@12#5»` is a part of a form: a line of a secret of several, or what stands before and
//! behind a terminal's wrap. The form `other` has no name; what was there is not known any more.
//!
//! A recording is written while the run goes on ([`Recorder`]). Where the flow makes secrets of what came, everything
//! is held back that it can still reach, 512 KiB; else only what may be the beginning of a secret, a write that has not
//! left, and what happened within the last tenth of a second, or the last second of a busy line. All of it is
//! written when the run ends: when it passes, fails or is interrupted. A process that is killed loses it.

mod entry;
mod file;
mod forms;
mod hook;
mod mask;
mod recorder;
mod tail;
mod text;

pub use entry::{Entry, EntryKind, Mask, Piece};
pub use file::{Readers, RecordingFile};
pub(crate) use forms::Known;
pub use hook::HookNote;
pub use recorder::{HoldBack, Recorder};

use crate::port::PortId;

/// What an `about` line is called that has the name of a port.
const ABOUT_PORT: &str = "port";

/// How a note begins that has the title of what follows.
const NOTE_TITLE: &str = "title ";

/// A recorded run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The flow's title.
    pub title: String,
    /// The seed of everything random.
    pub seed: u64,
    /// Unix time in milliseconds when the run began.
    pub begun: i64,
    /// What makes the run traceable: the host, the version and so on, by name.
    pub about: Vec<(String, String)>,
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

    /// Returns the names of its ports, if the flow declared them: in the order of their numbers.
    pub fn port_names(&self) -> Vec<&str> {
        let names = self.about.iter().filter(|(name, _)| name == ABOUT_PORT);
        names.map(|(_, value)| value.as_str()).collect()
    }

    /// Returns what a recording says about the ports that a flow declares.
    pub fn about_ports<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<(String, String)> {
        names.into_iter().map(|name| (ABOUT_PORT.to_string(), name.to_string())).collect()
    }

    /// Returns what it has of one port, as the recording of a run with one port.
    pub fn of_port(&self, port: PortId) -> Recording {
        let own = self.entries.iter().filter(|entry| entry.port == port);
        let entries = own.map(|entry| Entry { port: PortId::FIRST, ..entry.clone() }).collect();
        let about = self.about.iter().filter(|(name, _)| name != ABOUT_PORT).cloned().collect();
        Recording { entries, about, ..self.clone() }
    }

    /// Returns it with its ports in the order in which a flow declares them, found by their names. A recording without names, and
    /// one of a single port for a single port, stays as it is.
    ///
    /// # Errors
    ///
    /// What the two do not have in common.
    pub fn for_ports(self, declared: &[&str]) -> Result<Recording, String> {
        let count = |n: usize| if n == 1 { "one".to_string() } else { n.to_string() };
        let names = self.port_names();
        let (recorded, n) = (self.n_ports().max(names.len()).max(1), declared.len().max(1));
        if recorded != n {
            let what = if recorded == 1 { "port" } else { "ports" };
            return Err(format!("it is of {} {what}, and the flow has {}", count(recorded), count(n)));
        }
        if n == 1 || names.is_empty() || names == declared {
            return Ok(self);
        }
        let mut places = Vec::with_capacity(n);
        for name in declared {
            let place = names.iter().position(|recorded| recorded == name);
            places.push(
                place.ok_or_else(|| format!("it is of the ports `{}`, and has no `{name}`", names.join("`, `")))?,
            );
        }
        let port_at = |place: usize| places.iter().position(|at| *at == place).and_then(PortId::new);
        let placed = |entry: &Entry| port_at(entry.port.index()).map(|port| Entry { port, ..entry.clone() });
        let entries: Option<Vec<Entry>> = self.entries.iter().map(placed).collect();
        let entries = entries.ok_or("two of its ports have one name")?;
        let mut about = Recording::about_ports(declared.iter().copied());
        about.extend(self.about.iter().filter(|(name, _)| name != ABOUT_PORT).cloned());
        Ok(Recording { entries, about, ..self })
    }

    /// Returns how many ports it has entries of, the last of them counted up to; 0 if it has no entries.
    pub fn n_ports(&self) -> usize {
        self.entries.iter().map(|entry| entry.port.index() + 1).max().unwrap_or(0)
    }

    /// Returns what happened on the lines, in order: without writes and notes that follow the end of their line.
    pub fn happened(&self) -> impl Iterator<Item = &Entry> {
        let mut gone: Vec<PortId> = Vec::new();
        self.entries.iter().filter(move |entry| match entry.kind {
            EntryKind::Opened { .. } => {
                gone.retain(|port| *port != entry.port);
                true
            }
            EntryKind::Closed => {
                gone.push(entry.port);
                true
            }
            // A hook may be what brings the line back.
            EntryKind::Note { ref text } if HookNote::read(text).is_some() => true,
            EntryKind::Sent { .. } | EntryKind::Note { .. } => !gone.contains(&entry.port),
            EntryKind::Received { .. } => true,
        })
    }

    /// Returns the recording as a text.
    pub fn render(&self) -> String {
        let mut out = Vec::new();
        text::put_header(self, |_| true, &mut out);
        for entry in &self.entries {
            text::put_entry(entry, &mut out);
        }
        String::from_utf8(out).expect("names are UTF-8, and everything else is escaped")
    }
}
