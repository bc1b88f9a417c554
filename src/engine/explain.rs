//! Why something failed: what was awaited, what came instead, and what is likely to blame.

use std::ops::Range;
use std::time::Duration;

use super::look::inbox::Fate;
use super::look::offset::Offset;
use super::near_miss::Came;
use super::{Engine, State};
use crate::diagnostic::Code;
use crate::engine::exec::wait::{Wait, WaitKind};
use crate::event::{CloseReason, Failure};
use crate::pattern::Pattern;
use crate::port::{Carrier, PortId};
use crate::program::{LookAt, Needed, PatternSpec, Role};
use crate::result_codes;
use crate::settings::LineSettings;
use crate::source::Site;
use crate::time::show_duration;
use crate::value::encoding::from_gbk;
use crate::value::escape::{harmless, visible, visible_cut};

/// So many characters of what is read as GBK are shown.
const MOST_OF_GBK: usize = 40;

/// How many lines of what came are kept for a message.
const LINES: usize = 64;

/// What was sent, and what came then, as failures show it.
#[derive(Debug)]
pub(super) struct Exchange {
    sent: Option<String>,
    came: Option<Vec<String>>,
    /// How much had gone over the port when the clean-up behind it was over.
    behind: (PortId, u64, Offset),
}

impl Engine {
    /// Explains a wait that ended without what was awaited.
    pub(super) fn wait_failure(&mut self, wait: &Wait) -> Box<Failure> {
        let waited = show_duration(wait.deadline - wait.begun);
        let what = self.what(wait);
        let (message, label) = if wait.is_bounded {
            let title = self.flow.step_titles().last().cloned().unwrap_or_default();
            (
                format!("the step `{title}` took longer than its timeout"),
                format!("{what} did not come in the remaining {waited}"),
            )
        } else {
            let lacks = if let WaitKind::Input { line, on } = &wait.kind {
                format!("{line} was not {}{}", if *on { "on" } else { "off" }, self.on_port(wait.port))
            } else {
                format!("{what} did not come")
            };
            (format!("{lacks} within {waited}"), format!("waited {waited}"))
        };
        let mut failure = self.failure_at(Code::RunTimeout, wait.site, message, label);
        self.add_exchange(&mut failure);
        self.add_earlier(wait, &mut failure);
        failure.cause = self.cause(wait);
        failure
    }

    /// Returns what is awaited, as messages show it.
    pub(super) fn what(&self, wait: &Wait) -> String {
        let title = |spec: &PatternSpec, pattern: Option<&Pattern>| match pattern {
            Some(pattern) => self.title(spec, pattern),
            None => spec.title.to_string(),
        };
        let on_port = self.on_port(wait.port);
        match &wait.kind {
            WaitKind::Patterns { wanted, expect } => {
                let open = |i: usize| {
                    let other = wait.elsewhere.iter().find(|other| other.wanted.patterns[i].is_some());
                    let (port, wanted) = other.map_or((wait.port, wanted), |other| (other.port, &other.wanted));
                    // Of `expect all` only what has not come is still awaited.
                    let pattern = wanted.patterns[i].as_ref()?;
                    Some((self.on_port(port), title(&expect.arms[i].pattern, Some(pattern))))
                };
                let open: Vec<(String, String)> = (0..expect.arms.len()).filter_map(open).collect();
                let is_one_port = open.windows(2).all(|two| two[0].0 == two[1].0);
                let between = match expect.needed {
                    Needed::All => " and ",
                    Needed::One => " or ",
                };
                if is_one_port {
                    let on = open.first().map_or(String::new(), |(on, _)| on.clone());
                    let titles: Vec<String> = open.into_iter().map(|(_, title)| title).collect();
                    return titles.join(between) + &on;
                }
                open.into_iter().map(|(on, title)| title + &on).collect::<Vec<_>>().join(between)
            }
            WaitKind::Absence { wanted, spec } => {
                format!("no {}{on_port}", title(&spec.pattern, wanted.patterns[0].as_ref()))
            }
            WaitKind::Until { wanted, read } => {
                format!("data up to {}{on_port}", title(&read.pattern, wanted.patterns[0].as_ref()))
            }
            WaitKind::Quiet { lasting } => format!("silence for {}{on_port}", show_duration(*lasting)),
            WaitKind::Input { line, on } => format!("{line} {}{on_port}", if *on { "on" } else { "off" }),
            WaitKind::Count { n, .. } => format!("{n} bytes{on_port}"),
            WaitKind::Silence { lasting, .. } => {
                format!("data with {} of silence after it{on_port}", show_duration(*lasting))
            }
        }
    }

    /// Explains what a run was doing when somebody ended it; `None` if that is its usual end, or if it was doing nothing that
    /// takes time.
    pub(super) fn interruption(&mut self) -> Option<Box<Failure>> {
        if self.program.role == Role::Device {
            return None;
        }
        let state = std::mem::replace(&mut self.state, State::Ready);
        let failure = self.interruption_of(&state);
        self.state = state;
        failure
    }

    fn interruption_of(&mut self, state: &State) -> Option<Box<Failure>> {
        let (site, message, label) = match state {
            State::Waiting(wait) => {
                let lasted = lasting(self.now - wait.begun);
                let whole = show_duration(wait.deadline - wait.begun);
                let message = format!("interrupted: {} had not come after {lasted}", self.what(wait));
                (wait.site, message, format!("waited {lasted} of {whole}"))
            }
            State::Sleeping { until, site, .. } => {
                let left = lasting(*until - self.now);
                (*site, "interrupted during a sleep".to_string(), format!("{left} were left"))
            }
            State::Reopening { until, site, .. } => {
                let left = lasting(*until - self.now);
                (*site, "interrupted before the port was back".to_string(), format!("{left} were left"))
            }
            State::Guarding { send, .. } | State::Writing { send, .. } => {
                (send.site, "interrupted before all bytes had left".to_string(), "was sending this".to_string())
            }
            State::Retrying { site, .. } => {
                (*site, "interrupted before the next attempt".to_string(), "would have begun again".to_string())
            }
            State::Transferring(transfer) => transfer.interruption(),
            State::Hooking(hooking) => {
                let message = format!("interrupted while {} ran", hooking.title());
                (hooking.site, message, "was running".to_string())
            }
            State::Asking { site, .. } => {
                (*site, "interrupted before the answer".to_string(), "asked this".to_string())
            }
            State::Opening => {
                let message = format!("interrupted before {} was open", self.called(self.flow.port));
                let mut failure = self.failure_at(Code::RunInterrupted, self.program.site(0), message, "");
                failure.site = None;
                return Some(failure);
            }
            State::Breathing => {
                let site = self.program.site(self.flow.at);
                (site, "interrupted while something was computed".to_string(), "was about to do this".to_string())
            }
            State::Ready | State::Saving { .. } | State::Serving | State::Over(_) => return None,
        };
        let mut failure = self.failure_at(Code::RunInterrupted, site, message, label);
        self.add_exchange(&mut failure);
        if let State::Waiting(wait) = state {
            self.add_earlier(wait, &mut failure);
            failure.cause = self.cause(wait);
        }
        Some(failure)
    }

    /// Explains a step that took too long while it slept, sent or asked.
    pub(super) fn step_timeout(&mut self, site: Site, label: &str) -> Box<Failure> {
        let title = self.flow.step_titles().last().cloned().unwrap_or_default();
        let mut failure =
            self.failure_at(Code::RunTimeout, site, format!("the step `{title}` took longer than its timeout"), label);
        self.add_exchange(&mut failure);
        failure
    }

    /// Explains why the port is gone.
    pub(super) fn port_failure(&mut self, port: PortId, reason: &CloseReason) -> Box<Failure> {
        let called = self.called(port);
        let (message, cause) = match reason {
            CloseReason::CannotOpen { reason, help } => (format!("{called} cannot be opened: {reason}"), help.clone()),
            CloseReason::Broken { reason, help } => (format!("{called} failed: {reason}"), help.clone()),
            CloseReason::HungUp { help } => (format!("{called} went away"), Some(help.clone())),
            CloseReason::Finished => (format!("{called} was closed"), None),
            CloseReason::DeviceFailed(failure) => (
                format!("the simulated device{} failed: {}", self.on_port(port), failure.message),
                Some("the device file is at fault, not the flow".to_string()),
            ),
        };
        let opening = matches!(reason, CloseReason::CannotOpen { .. }) || matches!(self.state, State::Opening);
        let site = self.program.site(self.flow.at.saturating_sub(1).min(self.program.ops.len() - 1));
        let mut failure = self.failure_at(Code::RunPort, site, message, "was here when the port went");
        if opening {
            failure.site = None;
        } else {
            self.add_exchange(&mut failure);
        }
        failure.cause = cause;
        failure
    }

    /// Explains a run that ended before the recording that it was played.
    pub(super) fn unplayed_failure(&mut self, left: &str) -> Box<Failure> {
        let site = self.program.site(self.program.ops.len() - 1);
        let message = format!("the recording was not played to its end: {left}");
        let mut failure = self.failure_at(Code::RunUnplayed, site, message, "");
        failure.site = None;
        failure.with_cause("the flow stops before the one that was recorded did; record it anew if that is meant")
    }

    /// Explains a flow that came to its end without having checked anything.
    pub(super) fn nothing_checked(&mut self) -> Box<Failure> {
        let site = self.program.site(self.program.ops.len() - 1);
        let mut failure =
            self.failure_at(Code::RunNothingChecked, site, "the flow ended without having checked anything", "");
        failure.site = None;
        failure.with_cause("no `expect` and no `assert` ran: a pass must mean that something was checked")
    }

    /// Adds what was sent last and what has come since.
    pub(super) fn add_exchange(&self, failure: &mut Failure) {
        (failure.sent, failure.came) = self.exchange();
    }

    /// Adds what was sent and what came that led here: what a clean-up sent in between did not.
    pub(super) fn add_leading_exchange(&self, failure: &mut Failure) {
        match &self.tally.before_cleanup {
            Some(before) if self.is_just_behind(before) => {
                (failure.sent, failure.came) = (before.sent.clone(), before.came.clone());
            }
            Some(_) | None => self.add_exchange(failure),
        }
    }

    /// Adds the lines from before the last send at which an `await` looked too.
    fn add_earlier(&self, wait: &Wait, failure: &mut Failure) {
        let shown = self.earlier_lines(wait).into_iter().map(|part| {
            let line = visible_cut(&self.without_foreign(self.named_part(wait.port, part)), self.limit(400));
            format!("{} (before the last send)", with_ends(line))
        });
        let came = failure.came.take().unwrap_or_default();
        failure.came = Some(shown.chain(came).collect());
    }

    /// Returns where the unclaimed lines from before the last send stand, if an `await` looks at them.
    fn earlier_lines(&self, wait: &Wait) -> Vec<Range<Offset>> {
        let is_await = matches!(&wait.kind, WaitKind::Patterns { expect, .. } if expect.scope == LookAt::Unclaimed);
        if !is_await {
            return Vec::new();
        }
        let sight = &self.ports[wait.port].sight;
        let records = sight.inbox.records().filter_map(|number| sight.inbox.recorded(number));
        let open = records.filter(|(line, fate)| *fate == Fate::Unclaimed && line.next <= sight.exchange);
        let mut lines: Vec<Range<Offset>> = open.map(|(line, _)| line.text.clone()).collect();
        lines.retain(|text| !sight.inbox.slice(text.clone()).is_empty());
        lines.split_off(lines.len().saturating_sub(LINES))
    }

    /// Keeps what was sent and what came before a clean-up.
    pub(super) fn keep_exchange(&mut self) {
        if self.flow.is_in_cleanup() || self.tally.before_cleanup.as_ref().is_some_and(|kept| self.is_just_behind(kept))
        {
            return;
        }
        let (sent, came) = self.exchange();
        let behind = self.stand();
        self.tally.before_cleanup = Some(Box::new(Exchange { sent, came, behind }));
    }

    /// Takes note that a clean-up is over.
    pub(super) fn note_cleaned_up(&mut self) {
        let behind = self.stand();
        if let Some(before) = &mut self.tally.before_cleanup {
            before.behind = behind;
        }
    }

    /// Whether nothing was sent and nothing came since a clean-up.
    fn is_just_behind(&self, before: &Exchange) -> bool {
        !self.flow.is_in_cleanup() && before.behind == self.stand()
    }

    /// Returns how much went over the current port.
    fn stand(&self) -> (PortId, u64, Offset) {
        let port = &self.ports[self.flow.port];
        (self.flow.port, port.n_writes(), port.sight.inbox.end())
    }

    /// Returns what was sent last and what has come since.
    fn exchange(&self) -> (Option<String>, Option<Vec<String>>) {
        let sent = self.ports[self.flow.port].sight.last_sent().map(|sent| with_ends(self.cut(sent, 400)));
        // Secrets are named before the lines are parted: one may go on in the next line, or be unfinished.
        let named = |part: Range<Offset>| lines_in(&self.without_foreign(self.named_part(self.flow.port, part)));
        let mut shown = last_lines(self.answer().map(named));
        // The echo of a command says nothing, unless nothing else came.
        let lines = self.response_lines();
        let sent_line = self.ports[self.flow.port].sight.last_sent().map(<[u8]>::trim_ascii_end).unwrap_or_default();
        if shown.len() > 1 && lines.first().is_some_and(|line| line == sent_line) {
            shown.remove(0);
        }
        if shown.is_empty()
            && let Some(echo) = self.ports[self.flow.port].sight.echo()
        {
            shown = named(echo.clone());
        }
        (sent, Some(shown.iter().map(|line| with_ends(visible_cut(line, self.limit(400)))).collect()))
    }

    /// Returns the lines that came since the last send, the unfinished one too; empty ones and the echo are left out.
    pub(super) fn response_lines(&self) -> Vec<Vec<u8>> {
        let inbox = &self.ports[self.flow.port].sight.inbox;
        last_lines(self.answer().map(|part| lines_in(inbox.slice(part))))
    }

    /// Returns a line of the answer to the last send as messages show it: it may be a part of a secret.
    fn named_line(&self, line: &[u8]) -> Vec<u8> {
        let response = self.response();
        let found = memchr::memmem::find(self.ports[self.flow.port].sight.inbox.slice(response.clone()), line);
        match found {
            Some(at) => {
                let part = response.start + at..response.start + at + line.len();
                self.without_foreign(self.named_part(self.flow.port, part))
            }
            None => self.without_foreign(self.journal.clean(line)),
        }
    }

    /// Returns where what came since the last send stands.
    fn response(&self) -> Range<Offset> {
        let sight = &self.ports[self.flow.port].sight;
        sight.exchange..sight.inbox.end()
    }

    /// Returns where it stands before the echo and behind it.
    fn answer(&self) -> [Range<Offset>; 2] {
        let Range { start, end } = self.response();
        match self.ports[self.flow.port].sight.echo() {
            Some(echo) if echo.start >= start => [start..echo.start, echo.end..end],
            Some(_) | None => [start..start, start..end],
        }
    }

    /// Returns the likely cause of a wait that found nothing.
    fn cause(&mut self, wait: &Wait) -> Option<String> {
        if let Some(away) = self.ports[wait.port].away() {
            return Some(self.is_away(away));
        }
        if let WaitKind::Input { line, .. } = wait.kind {
            return Some(self.line_cause(wait.port, line));
        }
        let inbox = &self.ports[self.flow.port].sight.inbox;
        let came = inbox.slice(self.ports[self.flow.port].sight.exchange..inbox.end()).to_vec();
        let lines = self.response_lines();
        if inbox.end() == Offset::START {
            if let Some(other) = self.other_line() {
                return Some(format!("nothing has come at all: {other}"));
            }
            let line = &self.ports[self.flow.port].settings.line;
            return Some(match self.program.role {
                Role::Flow => format!(
                    "nothing has come at all: {}",
                    what_to_check(self.inputs.ports[self.flow.port.index()].carrier, line)
                ),
                Role::Device => "the host has sent nothing".to_string(),
            });
        }
        if self.ports[self.flow.port].sight.awaits_bytes() && !came.is_empty() {
            let said = "`echo on` says that everything that is sent comes back, but not all of it did";
            return Some(format!("{said}: write `echo auto` if raw bytes do not"));
        }
        let has_echo = self.ports[self.flow.port].sight.echo().is_some();
        let is_echo_only =
            has_echo && lines.is_empty() || is_echo_only(&lines, self.ports[self.flow.port].sight.last_sent());
        if let (WaitKind::Count { n, .. }, false) = (&wait.kind, is_echo_only) {
            let from = self.ports[self.flow.port].sight.read_from;
            let have = inbox.end() - from.min(inbox.end());
            return Some(format!("{have} of {n} bytes came: the count may be wrong, or bytes were lost"));
        }
        if let Some(meaning) = lines.iter().rev().find_map(|line| result_codes::explained(&visible(line))) {
            return Some(meaning);
        }
        if came.is_empty() {
            let earlier = self.near_miss_before(wait).or_else(|| self.came_before(wait));
            return Some(earlier.unwrap_or_else(|| {
                "nothing came since then: the device may be busy, asleep or restarting; or it needs another line ending (`eol`)"
                    .to_string()
            }));
        }
        if is_echo_only {
            return Some(
                "only the echo came: the device hears but does not answer; or it needs another line ending (`eol`); or TX and RX are connected to each other"
                    .to_string(),
            );
        }
        self.near_miss(wait, &lines, matches!(came.last(), Some(b'\r' | b'\n')))
            .or_else(|| self.near_miss_before(wait))
            .or_else(|| self.came_before(wait))
            .or_else(|| self.not_text(wait, &came))
    }

    /// Finds what came, but not in the way that was asked for.
    fn near_miss(&self, wait: &Wait, lines: &[Vec<u8>], last_is_ended: bool) -> Option<String> {
        let clean = |bytes: &[u8]| self.named_line(bytes);
        let near = Came { lines, last_is_ended, clean: &clean }.near_miss(wait.patterns());
        let restarted = || {
            let line = lines.iter().find(|line| matches!(line.as_slice(), b"RDY" | b"^boot.rom'v'!\\n"))?;
            Some(format!("`{}` came: the module has restarted", visible(line)))
        };
        near.or_else(restarted)
    }

    /// Finds what nearly came before the last send, for an `await`: it looks there too.
    fn near_miss_before(&self, wait: &Wait) -> Option<String> {
        let inbox = &self.ports[wait.port].sight.inbox;
        let lines: Vec<Vec<u8>> = self.earlier_lines(wait).into_iter().map(|text| inbox.slice(text).to_vec()).collect();
        let clean = |bytes: &[u8]| self.journal.clean(bytes);
        Came { lines: &lines, last_is_ended: true, clean: &clean }.near_miss(wait.patterns())
    }

    /// Returns the first line that is no ASCII as a reader of GBK sees it, with secrets named; `None` if its bytes have one.
    fn as_gbk(&self, came: &[u8]) -> Option<String> {
        let line = came.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_ascii())?;
        let text = (self.named_line(line) == line).then(|| from_gbk(line)).flatten()?;
        let text = harmless(self.journal.clean_text(&text));
        let more = if text.chars().nth(MOST_OF_GBK).is_some() { "…" } else { "" };
        Some(text.chars().take(MOST_OF_GBK).chain(more.chars()).collect())
    }

    /// Explains bytes that are no text.
    fn not_text(&self, wait: &Wait, came: &[u8]) -> Option<String> {
        if let Some(with_parity) = self.with_parity(wait, came) {
            return Some(with_parity);
        }
        if is_gb2312(came) {
            let reads = self.as_gbk(came).map_or(String::new(), |text| format!(", and reads `{text}`"));
            return Some(format!(
                "the input is not UTF-8 and looks like GBK, two bytes a character{reads}: write `serial {{ encoding \"gbk\" }}`, or switch the device to UTF-8"
            ));
        }
        if !is_garbage(came) {
            return None;
        }
        if let Some(other) = self.other_line() {
            return Some(format!("the input is not text: {other}"));
        }
        let is_foreign = |pattern: &Pattern| match pattern {
            Pattern::Literal(literal) => !literal.needle().is_ascii() && std::str::from_utf8(literal.needle()).is_ok(),
            Pattern::Line(text) | Pattern::Prompt(text) => !text.is_ascii() && std::str::from_utf8(text).is_ok(),
            Pattern::Regex(regex) | Pattern::LineRegex(regex) | Pattern::PromptRegex(regex) => {
                !regex.as_str().is_ascii()
            }
        };
        if wait.patterns().any(is_foreign) {
            return Some(
                "the input is not UTF-8: for a device with another encoding write the bytes, as in x\"d6 d0\"".into(),
            );
        }
        let line = &self.ports[self.flow.port].settings.line;
        Some(format!("the input is not text: the baud rate or the format is probably wrong ({line} here)"))
    }

    /// Explains text whose eighth bit is a parity bit.
    fn with_parity(&self, wait: &Wait, came: &[u8]) -> Option<String> {
        if came.is_ascii() || self.ports[wait.port].settings.line.data_bits != 8 {
            return None;
        }
        let seven: Vec<u8> = came.iter().map(|byte| byte & 0x7f).collect();
        let mut lines = seven.split(is_line_end).filter(|line| !line.is_empty());
        let line = lines.find(|line| wait.patterns().any(|pattern| pattern.find_in_text(line).is_some()))?;
        let is_even = |byte: &u8| byte.count_ones().is_multiple_of(2);
        let format = match (came.iter().all(is_even), came.iter().any(is_even)) {
            (true, _) => "`format 7E1` reads it",
            (_, false) => "`format 7O1` reads it",
            (false, true) => "`format 7E1` or another one with seven bits may read it",
        };
        let shown = visible_cut(&self.journal.clean(line), 60);
        Some(format!("`{shown}` came, but with the eighth bit set in some bytes: that is a parity bit, and {format}"))
    }

    /// Returns how the other side of the line is set, if that is known and not the same.
    fn other_line(&self) -> Option<String> {
        let port = &self.ports[self.flow.port];
        let (here, there) = (&port.settings.line, port.other_line()?);
        let speed_and_format = |line: &LineSettings| (line.baud, line.data_bits, line.parity, line.stop_bits);
        let differs = speed_and_format(here) != speed_and_format(there);
        differs.then(|| format!("the device is set to {there} and the flow to {here}"))
    }

    /// Finds what was awaited in what came before the last send.
    fn came_before(&self, wait: &Wait) -> Option<String> {
        let inbox = &self.ports[self.flow.port].sight.inbox;
        let kept = inbox.records();
        for number in kept {
            let Some((line, fate)) = inbox.recorded(number) else { continue };
            let is_open = fate == Fate::Unclaimed;
            if line.next > self.ports[self.flow.port].sight.exchange || !is_open {
                continue;
            }
            let text = inbox.slice(line.text.clone());
            if wait.patterns().any(|pattern| pattern.find_in_text(text).is_some()) {
                let shown = self.cut_part(self.flow.port, line.text.clone(), 60);
                return Some(format!(
                    "`{shown}` came before the last send: `expect` looks only at what came after it, `await` at every unclaimed line"
                ));
            }
        }
        None
    }
}

/// Returns a duration as messages show it, to the millisecond.
pub(super) fn lasting(duration: Duration) -> String {
    show_duration(Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
}

/// Returns the last lines of some bytes that have something in them.
fn lines_in(bytes: &[u8]) -> Vec<Vec<u8>> {
    let lines = bytes.rsplit(is_line_end).filter(|line| !line.is_empty()).take(LINES);
    let mut lines: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
    lines.reverse();
    lines
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Returns the last lines of both parts of an answer.
fn last_lines(parts: [Vec<Vec<u8>>; 2]) -> Vec<Vec<u8>> {
    let mut lines = parts.concat();
    lines.split_off(lines.len().saturating_sub(LINES))
}

/// Puts quotes around a text whose ends could not be seen otherwise.
fn with_ends(text: String) -> String {
    if text.trim() == text && !text.is_empty() { text } else { format!("\"{text}\"") }
}

fn is_echo_only(lines: &[Vec<u8>], sent: Option<&[u8]>) -> bool {
    let Some(sent) = sent else { return false };
    let sent: Vec<&[u8]> = sent.split(|b| matches!(b, b'\r' | b'\n')).filter(|line| !line.is_empty()).collect();
    !sent.is_empty() && lines.len() == sent.len() && lines.iter().zip(sent).all(|(line, sent)| line == sent)
}

/// Whether all bytes that are no ASCII are pairs of GB 2312, signs and the more usual characters, and there are at least two.
fn is_gb2312(bytes: &[u8]) -> bool {
    let mut n_pairs = 0;
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| !byte.is_ascii()) {
        match &rest[at..] {
            [0xa1..=0xa3 | 0xb0..=0xd7, 0xa1..=0xfe, behind @ ..] => rest = behind,
            _ => return false,
        }
        n_pairs += 1;
    }
    n_pairs >= 2 && std::str::from_utf8(bytes).is_err() && !bytes.contains(&0)
}

/// Whether bytes look like what a wrong baud rate makes of text.
fn is_garbage(bytes: &[u8]) -> bool {
    let odd = bytes.iter().filter(|b| !matches!(b, b'\t' | b'\r' | b'\n' | 0x1b | 0x20..=0x7e)).count();
    let is_utf8 = std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0'));
    bytes.len() >= 3 && odd * 10 >= bytes.len() * 3 && !is_utf8
}

/// Returns what to check of a port on which nothing has come.
fn what_to_check(carrier: Carrier, line: &LineSettings) -> String {
    match carrier {
        Carrier::Serial => format!("check the port, the cable, the power and the baud rate ({line})"),
        Carrier::SerialServer => format!("check the server's port, its cable, the power and the baud rate ({line})"),
        Carrier::Connection => {
            "is the device connected to the server, switched on, and at the baud rate of the server?".to_string()
        }
        Carrier::Program => "does the program wait for another line end than `eol` writes?".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn the_cable_is_to_be_checked_only_where_a_line_is_known() {
        let line = Settings::default().line;
        for carrier in [Carrier::Serial, Carrier::SerialServer, Carrier::Connection, Carrier::Program] {
            let help = what_to_check(carrier, &line);
            assert_eq!(
                help.contains("cable") && help.contains("115200 8N1"),
                carrier.has_line(),
                "{carrier:?}: {help}"
            );
        }
    }
}
