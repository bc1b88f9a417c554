//! `Live`: what a run is waiting for just now, as one line that moves.

use unicode_width::UnicodeWidthChar;

use crate::diagnostic::render::{Look, Style, render_place};
use crate::event::{Direction, Event, EventKind, FileTransfer, Progress, TransferStage, Waiting};
use crate::source::{Site, Sources};
use crate::time::Moment;
use crate::value::escape::{harmless, visible_cut};
use crate::words::Language;
pub(super) use crate::words::columns;

/// How much is shown of what was sent last.
const SENT_SHOWN: usize = 24;
/// How many milliseconds a frame of the sign stands.
const FRAME_MS: u128 = 250;
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ASCII_FRAMES: [&str; 4] = ["|", "/", "-", "\\"];

/// Knows of a run what its line needs.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// The steps that have begun and not ended: title, attempt, attempts.
    steps: Vec<(String, u32, u32)>,
    /// What was sent last, cut.
    sent: Option<String>,
    progress: Progress,
    /// The file that is on its way.
    file: Option<FileTransfer>,
    /// What the line is written in.
    pub(super) language: Language,
}

impl Live {
    /// Takes note of an event.
    pub(super) fn tell(&mut self, event: &Event) {
        match &event.kind {
            EventKind::StepBegan { title, attempt, attempts, .. } => {
                self.steps.push((harmless(title), *attempt, *attempts));
            }
            EventKind::StepEnded { .. } => drop(self.steps.pop()),
            EventKind::Sent { bytes } => self.sent = Some(visible_cut(bytes.trim_ascii_end(), SENT_SHOWN)),
            EventKind::Transfer(file) => {
                let is_over = matches!(file.stage, TransferStage::Passed | TransferStage::Failed);
                self.file = (!is_over).then(|| FileTransfer::clone(file));
            }
            EventKind::RunStarted(_)
            | EventKind::Opened
            | EventKind::Closed(_)
            | EventKind::Received { .. }
            | EventKind::Matched { .. }
            | EventKind::Captured { .. }
            | EventKind::Measured(_)
            | EventKind::Saved { .. }
            | EventKind::Logged { .. }
            | EventKind::HookSaid { .. }
            | EventKind::Noted { .. }
            | EventKind::Skipped { .. }
            | EventKind::CleanupFailed(_)
            | EventKind::Failed(_)
            | EventKind::RunEnded { .. } => {}
        }
    }

    /// Takes note of how far the wait is.
    pub(super) fn progress(&mut self, progress: &Progress) {
        self.progress.clone_from(progress);
    }

    /// Returns the line for a wait, cut to `width` columns; `None` leaves the line as it is.
    ///
    /// What moves stands at its end and is never cut as long as there is room for it.
    pub(super) fn line(
        &self,
        now: Moment,
        why: &Waiting,
        sources: &Sources,
        look: Look,
        width: usize,
    ) -> Option<String> {
        let said = |text: String| self.language.said(&text).into_owned();
        let place = |site: Site| render_place(site, sources);
        let left = |until: Moment| format!("{:.1} s left", until.since(now).as_secs_f64());
        let (what, moving) = match why {
            Waiting::Match { site, .. } | Waiting::Write { site } if self.file.is_some() => {
                (format!("{} ({})", said(self.transfers()), place(*site)), vec![said(self.moved())])
            }
            Waiting::Open => (said("opens the port".to_string()), Vec::new()),
            Waiting::Write { site } => (said(format!("sends ({})", place(*site))), Vec::new()),
            Waiting::Match { site, deadline } => (
                said(format!("waits for {} ({})", self.progress.what, place(*site))),
                vec![said(self.time(now, *deadline)), said(self.came())],
            ),
            Waiting::Sleep { site, until } => (said(format!("sleeps ({})", place(*site))), vec![said(left(*until))]),
            Waiting::Quiet { site } => (said(format!("waits for a quiet line ({})", place(*site))), Vec::new()),
            Waiting::Serve => (said("waits for the host".to_string()), Vec::new()),
            // The person is writing where the line would stand.
            Waiting::Answer { .. } | Waiting::Hook { .. } | Waiting::Breath => return None,
        };
        let (sign, dot) = match look.style {
            Style::Ascii => (frame(now, &ASCII_FRAMES), " - "),
            Style::Plain | Style::Colour => (frame(now, &FRAMES), " · "),
        };
        let step = self.steps.last().map(|(title, attempt, attempts)| match attempts {
            1 => title.clone(),
            attempts => format!("{title}{dot}{}", said(format!("attempt {attempt}/{attempts}"))),
        });
        let head = step.into_iter().chain([what]).collect::<Vec<_>>().join(dot);
        let tail: String = moving.iter().map(|part| format!("{dot}{part}")).collect();
        let sign = format!("{sign} ");
        let room = width.saturating_sub(columns(&sign) + columns(&tail)).max(8);
        let head = harmless(sources.covered(&head));
        let line = sign + &cut(&head, room, look.style) + &sources.covered(&tail);
        Some(cut(&line, width, look.style))
    }

    /// How long the wait is, and of how long.
    fn time(&self, now: Moment, deadline: Option<Moment>) -> String {
        let so_far = now.since(self.progress.begun).as_secs_f64();
        match deadline {
            Some(deadline) => {
                let whole = deadline.since(self.progress.begun).as_secs_f64();
                let whole = format!("{whole:.1}");
                format!("{so_far:.1} of {} s", whole.strip_suffix(".0").unwrap_or(&whole))
            }
            None => format!("{so_far:.1} s"),
        }
    }

    /// Which file goes which way.
    fn transfers(&self) -> String {
        let Some(file) = &self.file else { return String::new() };
        let verb = match file.direction {
            Direction::Sends => "sends",
            Direction::Receives => "receives",
        };
        let how = file.protocol.as_ref().map_or(String::new(), |protocol| format!(" by {protocol}"));
        format!("{verb} {}{how}", harmless(&file.name))
    }

    /// How much of the file was moved.
    fn moved(&self) -> String {
        let (bytes, of) = self.progress.moved.unwrap_or_default();
        match of {
            Some(of) => format!("{bytes} of {of} B, {} %", bytes * 100 / of.max(1)),
            None => format!("{bytes} B"),
        }
    }

    /// How much came, and since what.
    fn came(&self) -> String {
        match &self.sent {
            Some(sent) => format!("{} B since {sent}", self.progress.came),
            None => format!("{} B came", self.progress.came),
        }
    }
}

/// Returns the sign of this moment.
fn frame(now: Moment, frames: &[&'static str]) -> &'static str {
    frames[(now.since_start().as_millis() / FRAME_MS) as usize % frames.len()]
}

fn width_of(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Returns the text, or as much of it as `room` columns hold with the sign that it was cut.
pub(super) fn cut(text: &str, room: usize, style: Style) -> String {
    if columns(text) <= room {
        return text.to_string();
    }
    let dots = if style == Style::Ascii { "..." } else { "…" };
    let room = room.saturating_sub(columns(dots));
    let mut used = 0;
    let kept = text.chars().take_while(|c| {
        used += width_of(*c);
        used <= room
    });
    kept.collect::<String>() + dots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port_id::PortId;
    use crate::report::summary;
    use crate::source::Span;

    const LOOK: Look = Look { width: 80, style: Style::Plain };

    fn told(events: Vec<EventKind>) -> Live {
        let mut live = Live::default();
        for kind in events {
            live.tell(&Event { at: Moment::START, port: PortId::FIRST, site: None, kind });
        }
        live
    }

    fn example() -> (Sources, Waiting, Live) {
        let (sources, _) = summary::tests::example();
        let (id, _) = sources.iter().nth(1).expect("the example has two sources");
        let site = Site { source: id, span: Span::new(57, 83) };
        let why = Waiting::Match { site, deadline: Some(Moment::from_millis(61_000)) };
        let began = EventKind::StepBegan { title: "scan".to_string(), attempt: 2, attempts: 3, depth: 0 };
        let mut live = told(vec![began, EventKind::Sent { bytes: b"AT+COPS=?\r".to_vec() }]);
        live.progress(&Progress {
            what: "line \"OK\"".to_string(),
            begun: Moment::from_millis(1000),
            came: 12,
            moved: None,
        });
        (sources, why, live)
    }

    #[test]
    fn a_wait_says_what_is_awaited_for_how_long_of_how_long_and_how_much_came() {
        let (sources, why, live) = example();
        let line =
            |ms, width| live.line(Moment::from_millis(ms), &why, &sources, LOOK, width).expect("there is a line");
        assert_eq!(
            line(24_400, 200),
            "⠧ scan · attempt 2/3 · waits for line \"OK\" (lib/air.flow:4:3) · 23.4 of 60 s · 12 B since AT+COPS=?"
        );
        assert_ne!(line(24_400, 200), line(24_650, 200), "it moves");
    }

    #[test]
    fn a_file_on_its_way_has_its_amount_until_it_is_over() {
        let (sources, why, _) = example();
        let file = |stage| EventKind::Transfer(Box::new(crate::event::file_on_its_way(stage)));
        let mut live = told(vec![file(TransferStage::Began)]);
        live.progress(&Progress { moved: Some((66_500, Some(133_000))), ..Progress::default() });
        let line = |live: &Live| live.line(Moment::START, &why, &sources, LOOK, 200).expect("there is a line");
        assert_eq!(line(&live), "⠋ sends fw by xmodem_1k (lib/air.flow:4:3) · 66500 of 133000 B, 50 %");
        live.tell(&Event { at: Moment::START, port: PortId::FIRST, site: None, kind: file(TransferStage::Failed) });
        assert!(!line(&live).contains("fw"), "{}", line(&live));
    }

    #[test]
    fn what_moves_is_cut_last() {
        let (sources, why, live) = example();
        let line = live.line(Moment::from_millis(24_400), &why, &sources, LOOK, 70).expect("there is a line");
        assert_eq!(line, "⠧ scan · attempt 2/3 · waits fo… · 23.4 of 60 s · 12 B since AT+COPS=?");
        let line = live.line(Moment::from_millis(24_400), &why, &sources, LOOK, 20).expect("there is a line");
        assert_eq!(columns(&line), 20, "{line}");
    }

    #[test]
    fn the_default_of_a_secret_is_covered() {
        let (mut sources, why, mut live) = example();
        sources.hide(b"hunter22");
        live.progress(&Progress { what: "line \"hunter22\"".to_string(), begun: Moment::START, came: 0, moved: None });
        let line = live.line(Moment::START, &why, &sources, LOOK, 200).expect("there is a line");
        assert!(!line.contains("hunter22"), "{line}");
    }

    #[test]
    fn a_step_that_ended_is_not_named() {
        let (sources, why, mut live) = example();
        let outcome = crate::event::StepOutcome::Passed;
        let took = std::time::Duration::ZERO;
        let kind = EventKind::StepEnded { title: "scan".to_string(), outcome, attempt: 2, took, depth: 0 };
        live.tell(&Event { at: Moment::START, port: PortId::FIRST, site: None, kind });
        let line = live.line(Moment::START, &why, &sources, LOOK, 200).expect("there is a line");
        assert!(line.starts_with("⠋ waits for line"), "{line}");
    }
}
