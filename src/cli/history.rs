//! `flowrun history [FLOW]`: what became of past runs, and since when a device takes longer to answer.

use std::path::Path;
use std::time::Duration;

use super::Ending;
use super::args::{HistoryArguments, HistoryFormat};
use super::past::{FOLDER, called, nearest};
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::folder_of;
use crate::history::{Past, Question, read, render_drifts, render_json, render_text, stories};
use crate::source::name_of;
use crate::syntax::duration;
use crate::value::escape::{harmless, harmless_path};

/// How many times as long a device takes that is named if nobody says otherwise.
const FACTOR: f64 = 3.0;
/// Seconds in a day.
const DAY: f64 = 86_400.0;

/// Shows the history.
pub(super) fn history(arguments: &HistoryArguments, terminal: &Terminal) -> Ending {
    carry_out(arguments, terminal).unwrap_or_else(|problem| {
        terminal.refuse(*problem);
        Ending::Refused
    })
}

fn carry_out(arguments: &HistoryArguments, terminal: &Terminal) -> Result<Ending, Box<Diagnostic>> {
    let since = span(&arguments.since).ok_or_else(|| {
        wrong(format!("`--since {}` is not a time", harmless(&arguments.since)), "write `--since 12h`, `7d` or `4w`")
    })?;
    let factor = match &arguments.fail_on_drift {
        None => FACTOR,
        Some(typed) => times(typed).ok_or_else(|| {
            let help = "write how many times as long a device may take, more than 1: `--fail-on-drift 3x`";
            wrong(format!("`--fail-on-drift {}` is not a factor", harmless(typed)), help)
        })?,
    };
    let beside = match &arguments.flow {
        None => Path::new("."),
        Some(flow) => folder_of(flow),
    };
    let folder = arguments.history.clone().or_else(|| nearest(beside)).ok_or_else(|| {
        let help = format!("`mkdir -p {FOLDER}` makes one: then each run adds to it");
        wrong("there is no history here, nor above in the same repository".to_string(), &help)
    })?;
    if !folder.is_dir() {
        let help = "name the folder that runs were given with `--history=DIR`";
        return Err(wrong(format!("`{}` is not a folder", harmless_path(&folder)), help));
    }
    let Past { mut records, n_unreadable, n_newer } = read(&folder).map_err(|error| {
        wrong(format!("the history `{}` cannot be read: {error}", harmless_path(&folder)), "check its permissions")
    })?;
    if n_unreadable > 0 {
        terminal.warn(&format!("{n_unreadable} lines of the history are not records, and were ignored"));
    }
    if n_newer > 0 {
        terminal.warn(&format!("{n_newer} lines of the history are from a newer flowrun, and were ignored"));
    }
    if let Some(flow) = &arguments.flow {
        let name = called(&folder, flow);
        records.retain(|record| record.file == name);
        if records.is_empty() && !flow.exists() {
            let help = "`flowrun history` shows every flow that has runs";
            return Err(wrong(format!("there is no flow `{}`, and no run of it", harmless(name_of(flow))), help));
        }
    }
    let question = Question { since, factor };
    let stories = stories(&records, &question);
    match arguments.format {
        HistoryFormat::Json => terminal.say(&render_json(&stories, &question)),
        HistoryFormat::Text if stories.is_empty() => terminal.say("no run has been added yet\n"),
        HistoryFormat::Text => terminal.say(&render_text(&stories)),
    }
    let drifts = render_drifts(&stories);
    if arguments.fail_on_drift.is_none() || drifts.is_empty() {
        return Ok(Ending::Done);
    }
    for drift in drifts.lines() {
        terminal.warn(drift);
    }
    Ok(Ending::Found)
}

/// Reads a time: as flows have it, or in days and weeks.
fn span(text: &str) -> Option<Duration> {
    let of_days = |number: &str, days: f64| {
        let number: f64 = number.parse().ok()?;
        Duration::try_from_secs_f64(number * days * DAY).ok()
    };
    match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(number), _) => of_days(number, 1.0),
        (None, Some(number)) => of_days(number, 7.0),
        (None, None) => duration(text),
    }
}

/// Reads how many times: `3x`, `2.5x` or `3`.
fn times(text: &str) -> Option<f64> {
    let factor: f64 = text.strip_suffix('x').unwrap_or(text).parse().ok()?;
    (factor > 1.0 && factor.is_finite()).then_some(factor)
}

fn wrong(message: String, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::general(Code::CommandLine, message).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_factors_are_read_or_refused() {
        let seconds = |text: &str| span(text).map(|span| span.as_secs());
        assert_eq!([seconds("7d"), seconds("2w"), seconds("12h")], [Some(604_800), Some(1_209_600), Some(43_200)]);
        for text in ["", "d", "-1d", "7", "nan d", "NaNd", "infd", "1e300w", "last week"] {
            assert_eq!(span(text), None, "{text}");
        }
        assert_eq!([times("3x"), times("2.5x"), times("4")], [Some(3.0), Some(2.5), Some(4.0)]);
        for text in ["", "x", "1x", "0.5", "-3x", "NaN", "inf", "3xx"] {
            assert_eq!(times(text), None, "{text}");
        }
    }
}
