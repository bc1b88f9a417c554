//! `Script`: the statements of a drafted flow, exchange by exchange.

use std::time::Duration;

use super::dialect::Manners;
use super::frame;
use super::kinds::Kinds;
use super::line::{Part, Wanted};
use super::merge::{Answer, Exchange};
use super::names::{Names, shape_of};
use super::prompt::{Prompt, Prompts};
use super::session::{HOOK, HeardKind, Sent, shown};
use crate::pattern::{Fit, Regex};
use crate::record::{Mask, Piece};
use crate::replay::Transfer;
use crate::value::literal::{TextPart, escaped_regex, hex_literal, is_binary, literal, title};

/// Of a longer answer only the beginning and the end are waited for.
const MOST_LINES: usize = 8;
const FIRST_LINES: usize = 3;

/// A device that says nothing for so long, and no prompt, has ended its answer.
const QUIET: Duration = Duration::from_secs(1);

/// A person who waited so long after a command without an answer gave the device time for it.
const PAUSE: Duration = Duration::from_millis(300);

/// A device that changes its speed has done so by then.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);

/// What is sent, and what is waited for.
#[derive(Debug)]
pub(super) struct Act {
    /// Which port, by its number.
    pub port: usize,
    pub title: Option<String>,
    pub pause: Duration,
    /// What was sent, for a title.
    pub command: String,
    /// Waits for what came by itself before it, what is done to the line, and the send.
    pub first: Vec<String>,
    /// The waits behind it.
    pub waits: Vec<String>,
}

/// Makes statements of exchanges.
#[derive(Debug)]
pub(super) struct Script<'a> {
    kinds: Kinds,
    pub names: Names,
    /// Which secrets are sent.
    sent_secrets: Vec<String>,
    voices: Vec<Voice<'a>>,
    /// Which port is spoken to.
    port: usize,
}

/// How one port is spoken to.
#[derive(Debug)]
struct Voice<'a> {
    manners: &'a Manners,
    prompts: Prompts,
    /// Whether nothing ever comes from it, and another port tells what it did.
    is_mute: bool,
    /// What was sent last.
    command: Vec<u8>,
}

impl<'a> Voice<'a> {
    fn of(exchanges: &[Exchange], port: usize, manners: &'a Manners) -> Voice<'a> {
        let hears = |exchange: &Exchange| exchange.port == port && !exchange.answers.is_empty();
        let is_mute = !exchanges.iter().any(hears) && exchanges.iter().any(|exchange| exchange.port != port);
        Voice { manners, prompts: Prompts::of(exchanges, port), is_mute, command: Vec::new() }
    }
}

/// How something is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Expect,
    Await,
}

impl<'a> Script<'a> {
    /// Begins a flow that speaks in these manners, one for each port.
    pub(super) fn new(exchanges: &[Exchange], manners: Vec<&'a Manners>) -> Script<'a> {
        let masks = |pieces: &'_ [Piece]| -> Vec<Mask> {
            pieces
                .iter()
                .filter_map(|piece| if let Piece::Secret(mask) = piece { Some(mask.clone()) } else { None })
                .collect()
        };
        let sent: Vec<Mask> =
            exchanges.iter().flat_map(|exchange| &exchange.sent).flat_map(|sent| masks(&sent.text)).collect();
        let heard = exchanges.iter().flat_map(|exchange| &exchange.answers).flat_map(|answer| &answer.variants);
        let heard: Vec<Mask> = heard.flat_map(|line| masks(line)).collect();
        Script {
            kinds: Kinds::new(),
            names: Names::beside(sent.iter().chain(&heard)),
            sent_secrets: sent.into_iter().map(|mask| mask.name).collect(),
            voices: manners
                .into_iter()
                .enumerate()
                .map(|(port, manners)| Voice::of(exchanges, port, manners))
                .collect(),
            port: 0,
        }
    }

    fn voice(&self) -> &Voice<'a> {
        &self.voices[self.port]
    }

    fn command(&self) -> &[u8] {
        &self.voice().command
    }

    /// Returns the statements of one exchange.
    pub(super) fn act(&mut self, exchange: &Exchange) -> Act {
        self.port = exchange.port;
        let mut first: Vec<String> = exchange.before.iter().map(|statement| self.stated(statement)).collect();
        let command = exchange.sent.first().map(|sent| String::from_utf8_lossy(&shown(&sent.text)).into_owned());
        self.voices[self.port].command = exchange.sent.first().map(|sent| shown(&sent.text)).unwrap_or_default();
        if !exchange.sent.is_empty() {
            first.push(self.send(&exchange.sent));
        }
        let mut waits = self.waits(exchange);
        // What came before the echo may come before the command another time, or behind its answer.
        for answer in exchange.answers.iter().filter(|answer| answer.kind == HeardKind::Early) {
            waits.extend(self.wait(answer, Way::Await));
        }
        Act {
            port: exchange.port,
            title: exchange.title.clone(),
            pause: exchange.pause,
            command: command.unwrap_or_default(),
            first,
            waits,
        }
    }

    /// Returns a statement that was done to the line, or a file that went over it. What was given to a hook is not recorded: it is a param with a stand-in.
    fn stated(&mut self, statement: &str) -> String {
        if let Some(transfer) = Transfer::read(statement) {
            let within = if transfer.took > QUIET * 10 { human(transfer.took * 3) } else { None };
            let within = within.map(|within| format!(" within {within}")).unwrap_or_default();
            let name = self.names.file(&transfer);
            return match transfer.is_sent {
                true => format!("send_file {name} {}{within}", transfer.manner()),
                false => format!(
                    "receive_file {name} by {}{within}\nassert len({name}) > 0, \"{name} is empty\"",
                    transfer.protocol
                ),
            };
        }
        let Some((n_values, name)) = statement.strip_prefix(HOOK).and_then(|hook| hook.split_once(' ')) else {
            return statement.to_string();
        };
        let n_values: usize = n_values.parse().unwrap_or(0);
        let values: String = (0..n_values).map(|_| format!(", {}", self.names.stand_in(name))).collect();
        format!("hook {}{values}", title(name))
    }

    /// Returns the send of a line, or of what is none.
    fn send(&mut self, variants: &[Sent]) -> String {
        let sent = &variants[0];
        let mut parts = Vec::new();
        for (at, piece) in sent.text.iter().enumerate() {
            match piece {
                Piece::Secret(mask) => parts.push(TextPart::Value(self.names.given(mask))),
                Piece::Bytes(bytes) => {
                    let others = variants.iter().map(|other| match other.text.get(at) {
                        Some(Piece::Bytes(bytes)) => bytes.clone(),
                        Some(Piece::Secret(_)) | None => bytes.clone(),
                    });
                    parts.extend(self.sent_text(&others.collect::<Vec<_>>()));
                }
            }
        }
        let is_key = |byte: &u8| matches!(byte, 0x08 | 0x15 | 0x17 | 0x7f);
        let has_keys = shown(&sent.text).iter().any(is_key);
        if sent.end == self.voice().manners.end && !has_keys {
            return format!("send {}", literal(&parts));
        }
        if !sent.end.is_empty() {
            parts.push(TextPart::Bytes(sent.end.as_bytes().to_vec()));
        }
        match &parts[..] {
            [TextPart::Bytes(bytes)] if bytes.len() > 1 && is_binary(bytes) => {
                format!("send raw {}", hex_literal(bytes))
            }
            _ => format!("send raw {}", literal(&parts)),
        }
    }

    /// Returns the parts of a text that is sent: a value that the device gave is its variable, and what was another in each
    /// recording is a param.
    fn sent_text(&mut self, variants: &[Vec<u8>]) -> Vec<TextPart> {
        if let Some(parts) = self.with_captured(variants) {
            return parts;
        }
        let text = &variants[0];
        if variants.iter().all(|other| other == text) {
            return vec![TextPart::Bytes(text.clone())];
        }
        let n_front =
            (0..text.len()).take_while(|at| variants.iter().all(|other| other.get(*at) == Some(&text[*at]))).count();
        let back = |other: &Vec<u8>, at: usize| other.len().checked_sub(at + 1).map(|place| other[place]);
        let shortest = variants.iter().map(Vec::len).min().unwrap_or(0);
        let mut n_back = (0..shortest - n_front)
            .take_while(|at| variants.iter().all(|other| back(other, *at) == back(text, *at)))
            .count();
        // A value is a whole word.
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let mut front = n_front;
        while front > 0 && is_word(text[front - 1]) {
            front -= 1;
        }
        while n_back > 0 && is_word(text[text.len() - n_back]) {
            n_back -= 1;
        }
        let value = &text[front..text.len() - n_back];
        let name = self.names.param("value", value);
        let around = [&text[..front], &text[text.len() - n_back..]];
        let [before, behind] = around.map(|bytes| TextPart::Bytes(bytes.to_vec()));
        let parts = [before, TextPart::Value(name), behind];
        parts.into_iter().filter(|part| !matches!(part, TextPart::Bytes(bytes) if bytes.is_empty())).collect()
    }

    /// Returns a text with the variable whose value stands in it, in each recording; the longest wins.
    fn with_captured(&self, variants: &[Vec<u8>]) -> Option<Vec<TextPart>> {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let place = |text: &[u8], value: &[u8]| {
            (0..=text.len().checked_sub(value.len())?).find(|at| {
                let end = at + value.len();
                text[*at..end] == *value
                    && (*at == 0 || !is_word(&text[at - 1]))
                    && text.get(end).is_none_or(|byte| !is_word(byte))
            })
        };
        let fits = |values: &[Vec<u8>]| -> bool {
            variants.iter().enumerate().all(|(n, text)| {
                let value = values.get(n).or(values.first());
                value.is_some_and(|value| value.len() > 3 && place(text, value).is_some())
            })
        };
        let mut found: Vec<_> = self.names.captured.iter().rev().filter(|captured| fits(&captured.values)).collect();
        found.sort_by_key(|captured| std::cmp::Reverse(captured.values[0].len()));
        let captured = found.first()?;
        let (text, value) = (&variants[0], &captured.values[0]);
        let at = place(text, value)?;
        let parts = [
            TextPart::Bytes(text[..at].to_vec()),
            TextPart::Value(captured.name.clone()),
            TextPart::Bytes(text[at + value.len()..].to_vec()),
        ];
        Some(parts.into_iter().filter(|part| !matches!(part, TextPart::Bytes(bytes) if bytes.is_empty())).collect())
    }

    fn waits(&mut self, exchange: &Exchange) -> Vec<String> {
        let answers: Vec<&Answer> = exchange
            .answers
            .iter()
            .filter(|answer| answer.kind != HeardKind::Early && self.is_worth_waiting(answer))
            .collect();
        let is_silent = answers.iter().all(|answer| answer.kind == HeardKind::Change);
        if is_silent && (exchange.goes_on || self.voice().is_mute) {
            return answers.iter().filter_map(|answer| self.wait(answer, Way::Expect)).collect();
        }
        if is_silent && !exchange.sent.is_empty() {
            // Nothing tells when the device is ready for more.
            let mut waits = vec!["expect quiet for 300ms within 5s".to_string()];
            waits.extend(answers.iter().filter_map(|answer| self.wait(answer, Way::Expect)));
            return waits;
        }
        if exchange.is_any_order {
            return self.all(&answers);
        }
        let last = answers.iter().position(|answer| self.voice().manners.is_last(&shown(&answer.variants[0])));
        let prompt = answers.iter().rposition(|answer| answer.kind == HeardKind::Rest);
        let mut waits = Vec::new();
        let is_lead = exchange.sent.is_empty();
        let lines: Vec<(Way, &Answer)> = answers
            .iter()
            .enumerate()
            .filter_map(|(at, answer)| {
                let is_behind = last.is_some_and(|last| at > last) && answer.kind == HeardKind::Line;
                let is_late =
                    answer.gap >= QUIET && at > 0 && prompt.is_none_or(|prompt| at > prompt) && last.is_none();
                let by_itself = is_lead || is_behind || is_late;
                let is_chatter = (by_itself || last.is_some_and(|last| at != last))
                    && answer.variants.iter().all(|line| self.voice().manners.is_chatter(&shown(line)))
                    && !is_asked(self.command(), &shown(&answer.variants[0]));
                // Of what a device says when it starts, the prompt is what counts.
                let is_passed = is_lead && answer.kind != HeardKind::Change && prompt.is_some_and(|prompt| at < prompt);
                let way = if by_itself { Way::Await } else { Way::Expect };
                (!is_chatter && !is_passed).then_some((way, *answer))
            })
            .collect();
        let n_skipped = lines.len().saturating_sub(MOST_LINES);
        for (at, (way, answer)) in lines.iter().enumerate() {
            let is_inside = at >= FIRST_LINES && at + 2 < lines.len();
            let is_skipped = n_skipped > 0 && is_inside && answer.kind != HeardKind::Change;
            if is_skipped {
                if at == FIRST_LINES {
                    waits.push(format!("# {} more lines", lines.len() - 2 - FIRST_LINES));
                }
                continue;
            }
            waits.extend(self.wait(answer, *way));
        }
        waits
    }

    /// Whether a person sees something of it.
    fn is_worth_waiting(&self, answer: &Answer) -> bool {
        // What is written over, a countdown for instance, is gone when somebody looks.
        let is_seen = |line: &[u8]| !line.contains(&0x08) && !visible_part(line).is_empty();
        matches!(answer.kind, HeardKind::Return | HeardKind::Change | HeardKind::Frame)
            || answer.variants.iter().all(|line| is_seen(&shown(line)))
    }

    /// Waits for all of these, in any order.
    fn all(&mut self, answers: &[&Answer]) -> Vec<String> {
        let longest = answers.iter().map(|answer| answer.after).max().unwrap_or_default();
        let lines: Vec<String> = answers
            .iter()
            .filter(|answer| answer.kind == HeardKind::Line)
            .filter_map(|answer| self.pattern(answer))
            .collect();
        let mut waits = vec![format!("expect all{} {{\n{}\n}}", self.within(longest), lines.join("\n"))];
        for answer in answers.iter().filter(|answer| answer.kind != HeardKind::Line) {
            waits.extend(self.wait(answer, Way::Expect));
        }
        waits
    }

    /// Returns the wait for an answer.
    fn wait(&mut self, answer: &Answer, way: Way) -> Option<String> {
        if answer.kind == HeardKind::Change {
            let statement = self.stated(&String::from_utf8_lossy(&shown(&answer.variants[0])));
            // A device takes its time to change its speed.
            let ms = answer.gap.min(LONGEST_SLEEP).as_millis();
            let is_late = ms >= 20 && statement.contains("baud ");
            return Some(if is_late { format!("sleep {ms}ms\n{statement}") } else { statement });
        }
        if answer.kind == HeardKind::Return {
            return Some(format!("reopen within {}", human(answer.gap.max(answer.after) * 3).unwrap_or("10s")));
        }
        if answer.kind == HeardKind::Early
            && answer.variants.iter().all(|line| self.voice().manners.is_chatter(&shown(line)))
        {
            return None;
        }
        if answer.kind == HeardKind::Frame {
            let variants: Vec<Vec<u8>> = answer.variants.iter().map(|frame| shown(frame)).collect();
            let wait = frame::wait_for(&variants, &self.within(answer.after));
            let awaited = wait.split('"').nth(1).unwrap_or_default();
            let is_own = hex_literal(self.command()).contains(awaited)
                && hex_literal(self.command()) != hex_literal(&variants[0]);
            return Some(if is_own && wait.starts_with("expect") { format!("# allow own-echo\n{wait}") } else { wait });
        }
        let pattern = self.pattern(answer)?;
        let regex = pattern.strip_prefix("line /").and_then(|rest| rest.strip_suffix('/'));
        let is_command = pattern == format!("line {}", literal(&[TextPart::Bytes(self.command().to_vec())]));
        let is_own = is_command || regex.is_some_and(|regex| self.fits_command(regex));
        let note = if is_own { "# allow own-echo\n" } else { "" };
        let word = match way {
            Way::Expect => "expect",
            Way::Await => "await",
        };
        Some(format!("{note}{word} {pattern}{}", self.within(answer.after)))
    }

    /// Whether a regex for a line fits what was just sent: where the echo is not recognised, it passes for the answer.
    fn fits_command(&self, regex: &str) -> bool {
        let regex = Regex::new(&regex.replace("\\/", "/"), "", Fit::Whole);
        regex.is_ok_and(|regex| regex.is_match(self.command()))
    }

    fn pattern(&mut self, answer: &Answer) -> Option<String> {
        if answer.kind == HeardKind::Rest {
            // What stands before it may be a secret.
            let tail = |line: &Vec<Piece>| {
                let begin = line.iter().rposition(|piece| matches!(piece, Piece::Secret(_))).map_or(0, |at| at + 1);
                shown(&line[begin..])
            };
            let texts: Vec<Vec<u8>> = answer.variants.iter().map(tail).collect();
            if texts.iter().all(|text| *text == texts[0] && is_binary(text) && !text.contains(&0x1b)) {
                return Some(hex_literal(&texts[0]));
            }
            return match self.voice().prompts.of_rest(&texts, &self.kinds) {
                Prompt::Text(text) => Some(format!("prompt {}", literal(&[TextPart::Bytes(text)]))),
                Prompt::Countdown(text) => Some(literal(&[TextPart::Bytes(text)])),
                Prompt::Regex(regex) => Some(format!("prompt /{regex}/")),
                Prompt::Unknown => None,
            };
        }
        let whole = shown(&answer.variants[0]);
        if whole.contains(&0x1b) {
            // What is coloured is told by its text.
            let text = visible_part(&whole);
            let is_own = self.command().windows(text.len().max(1)).any(|part| part == text);
            return (text.len() > 2 && !is_own).then(|| literal(&[TextPart::Bytes(text)]));
        }
        let wanted = Wanted::of(&answer.variants, self.command(), &self.kinds)?;
        let is_same = answer.variants.windows(2).all(|pair| pair[0] == pair[1]);
        if is_same && wanted.has_groups() && self.fits_command(&shape_of(&wanted)) {
            return Some(format!("line {}", literal(&[TextPart::Bytes(whole)])));
        }
        Some(self.line(&wanted))
    }

    /// Returns the pattern for a line.
    fn line(&mut self, wanted: &Wanted) -> String {
        if let Some(text) = wanted.text() {
            if is_like_a_regex(&text) {
                return format!("line /{}/", escaped_regex(&text));
            }
            return format!("line {}", literal(&[TextPart::Bytes(text)]));
        }
        let new: Vec<String> = wanted
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Secret(mask) if !self.names.has(mask) => Some(mask.name.clone()),
                Part::Secret(_) | Part::Text(_) | Part::Group { .. } => None,
            })
            .collect();
        if new.is_empty() && !wanted.has_groups() {
            let parts: Vec<TextPart> = wanted
                .parts
                .iter()
                .filter_map(|part| match part {
                    Part::Text(text) => Some(TextPart::Bytes(text.clone())),
                    Part::Secret(mask) => Some(TextPart::Value(self.names.given(mask))),
                    Part::Group { .. } => None,
                })
                .collect();
            return format!("line {}", literal(&parts));
        }
        let mut regex = String::new();
        let mut captured: Vec<String> = Vec::new();
        for (at, part) in wanted.parts.iter().enumerate() {
            match part {
                Part::Text(text) => regex += &escaped_regex(text),
                Part::Group { regex: group, .. } => regex += &format!("(?<{}>{group})", self.names.group(wanted, at)),
                Part::Secret(mask) if new.contains(&mask.name) && !captured.contains(&mask.name) => {
                    captured.push(mask.name.clone());
                    let is_used = self.sent_secrets.contains(&mask.name);
                    regex += &format!("(?<{}>.+)", self.names.capture(mask, is_used));
                }
                Part::Secret(mask) if new.contains(&mask.name) => regex += ".+",
                Part::Secret(mask) => regex += &format!("${{{}}}", self.names.given(mask)),
            }
        }
        let secret = if new.is_empty() { "" } else { "secret " };
        format!("{secret}line /{regex}/")
    }

    /// Returns how long a wait may take, if that is longer than usual.
    fn within(&self, after: Duration) -> String {
        let wanted = after * 3;
        match human(wanted) {
            Some(text) if wanted > self.voice().manners.patience => format!(" within {text}"),
            Some(_) | None => String::new(),
        }
    }
}

/// Whether an answer is what was asked for: `+CREG: 0,1` behind `AT+CREG?`.
fn is_asked(command: &[u8], line: &[u8]) -> bool {
    let n = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    n > 1 && command.windows(n).any(|part| part.eq_ignore_ascii_case(&line[..n]))
}

/// Returns the longest part of a text that a terminal would show as it is.
fn visible_part(text: &[u8]) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = vec![Vec::new()];
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        at += 1;
        if byte == 0x1b {
            let is_sequence = text.get(at) == Some(&b'[');
            if is_sequence {
                let n =
                    text[at + 1..].iter().position(|byte| matches!(byte, 0x40..=0x7e)).map_or(text.len(), |n| n + 2);
                at = (at + n).min(text.len());
            } else {
                at = (at + 1).min(text.len());
            }
            parts.push(Vec::new());
        } else if byte < 0x20 || byte == 0x7f {
            parts.push(Vec::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(byte);
        }
    }
    let longest = parts.into_iter().max_by_key(Vec::len).unwrap_or_default();
    longest.trim_ascii().to_vec()
}

/// Whether `check` would warn of a text as a pattern.
fn is_like_a_regex(text: &[u8]) -> bool {
    let trimmed = text.trim_ascii_end();
    let is_prompt =
        trimmed.len() < text.len() && matches!(trimmed.last(), Some(b':' | b'>' | b'#' | b'$' | b'%' | b'?'));
    let is_regex = text.windows(2).any(|pair| pair == b".*")
        || text.ends_with(b" $")
        || text.starts_with(b"^") && text.ends_with(b"$");
    is_prompt || is_regex
}

/// Returns a duration that a person would write, and that is not shorter.
fn human(least: Duration) -> Option<&'static str> {
    const FIGURES: &[(u64, &str)] = &[
        (1, "1s"),
        (2, "2s"),
        (5, "5s"),
        (10, "10s"),
        (15, "15s"),
        (20, "20s"),
        (30, "30s"),
        (45, "45s"),
        (60, "60s"),
        (90, "90s"),
        (120, "2m"),
        (180, "3m"),
        (300, "5m"),
        (600, "10m"),
        (900, "15m"),
        (1800, "30m"),
        (3600, "1h"),
        (7200, "2h"),
    ];
    FIGURES
        .iter()
        .find(|(seconds, _)| Duration::from_secs(*seconds) >= least)
        .map_or(Some("24h"), |(_, text)| Some(*text))
}

/// Whether a pause is long enough to have been meant.
pub(super) fn is_pause(pause: Duration) -> bool {
    pause >= PAUSE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_becomes_a_figure_that_a_person_writes() {
        let of = |ms| human(Duration::from_millis(ms));
        assert_eq!(
            [of(200), of(4_100), of(12_000), of(61_000), of(400_000)].map(Option::unwrap_or_default),
            ["1s", "5s", "15s", "90s", "10m"]
        );
    }

    #[test]
    fn the_visible_part_of_a_coloured_line_is_its_text() {
        assert_eq!(visible_part(b"\x1b[32m[ok]\x1b[0m done it"), b"done it");
        assert_eq!(visible_part(b"\x1b[?2004l"), b"");
    }
}
