//! What a console says at the end of a step or a run: how it ended, why it failed, the counts.

use std::io::Write;

use super::{Ansi, Console, Volume, lasting};
use crate::event::{StepOutcome, Verdict};
use crate::report::failure::render_failure_said;
use crate::report::palette::{BAD, GOOD, SHAKY};
use crate::value::escape::harmless;

impl<W: Write> Console<'_, W> {
    /// Says how the run ended; nothing of it is said after that.
    pub(super) fn say_verdict(&mut self, verdict: Verdict) {
        let language = self.live.language;
        if self.volume == Volume::Normal && self.has_said {
            self.text.push('\n');
        }
        if let Some(failure) = &self.tally.failure {
            self.text.push_str(&render_failure_said(failure, self.sources, self.look, language));
            self.text.push('\n');
        }
        let paint = match verdict {
            Verdict::Passed if self.tally.n_cleanups_failed == 0 => GOOD,
            Verdict::Passed | Verdict::Flaky | Verdict::Skipped | Verdict::Interrupted => SHAKY,
            Verdict::Failed | Verdict::PortFailed => BAD,
        };
        let title = self.tally.header.as_ref().map_or(String::new(), |h| harmless(&h.title));
        let mut counts = vec![
            language.counted(self.tally.n_steps, "1 step", "{} steps"),
            language.counted(self.tally.n_checks, "1 check", "{} checks"),
        ];
        let remarks = [
            (self.tally.n_skipped, "1 step skipped", "{} steps skipped"),
            (self.tally.n_cleanups_failed, "1 clean-up failed", "{} clean-ups failed"),
        ];
        counts
            .extend(remarks.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| language.counted(n, one, many)));
        counts.push(lasting(self.tally.took));
        self.text.push_str(&self.port);
        self.paint(paint.bold(), language.word(verdict.title()));
        self.text.push_str(&format!("  {title}  {}\n", counts.join(", ")));
    }

    /// Returns how the end of a step is painted, its sign, and what is said of its attempts.
    pub(super) fn step_ended(&self, outcome: StepOutcome, attempt: u32) -> (Ansi, &'static str, String) {
        let said = |text: &str| self.live.language.said(text).into_owned();
        match outcome {
            StepOutcome::Passed if attempt > 1 => (SHAKY, self.sign("✓", "ok"), said(&format!(", attempt {attempt}"))),
            StepOutcome::Passed => (GOOD, self.sign("✓", "ok"), String::new()),
            StepOutcome::WillRetry => {
                let more = said(&format!(", attempt {attempt} failed"));
                (SHAKY, self.sign("↻", "again"), more)
            }
            StepOutcome::Failed => (BAD, self.sign("✗", "FAILED"), String::new()),
            StepOutcome::Skipped => (SHAKY, self.sign("○", "skipped"), said(", skipped")),
        }
    }
}
