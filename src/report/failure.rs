//! What a failed run looks like: the place in the flow, what was sent, what came instead, the likely cause.

use crate::diagnostic::render::{Look, Note, Style, render_noted, render_place};
use crate::diagnostic::{Diagnostic, Label};
use crate::event::Failure;
use crate::source::Sources;
use crate::value::escape::harmless;
use crate::words::Language;

/// So many lines of what came are shown from the beginning, if not all are.
const FIRST: usize = 4;
/// So many lines of what came are shown from the end, if not all are.
const LAST: usize = 8;

/// Returns the failure as a diagnostic; its likely cause is the help.
pub fn diagnostic_of(failure: &Failure) -> Diagnostic {
    Diagnostic {
        code: failure.code,
        message: failure.message.clone(),
        label: failure.site.map(|site| Label::new(site, failure.label.clone())),
        others: failure.others.clone(),
        help: failure.cause.clone(),
    }
}

/// Returns the failure as an engineer at the bench reads it, top down: what is wrong, where in the flow,
/// in which step, what was sent last, what came since, what to do.
pub fn render_failure(failure: &Failure, sources: &Sources, look: Look) -> String {
    render_failure_said(failure, sources, look, Language::English)
}

/// Returns the failure like [`render_failure`], in a language.
pub fn render_failure_said(failure: &Failure, sources: &Sources, look: Look, language: Language) -> String {
    render_noted(&diagnostic_of(failure), &notes_of(failure, look.style), sources, look, language)
}

/// Returns the failure in one line: its message and its place.
pub fn render_failure_line(failure: &Failure, sources: &Sources) -> String {
    let message = harmless(&failure.message);
    match failure.site {
        Some(site) => format!("{message} ({})", render_place(site, sources)),
        None => message,
    }
}

/// Returns the failure in one line like [`render_failure_line`], in a language.
pub fn render_failure_line_said(failure: &Failure, sources: &Sources, language: Language) -> String {
    let message = diagnostic_of(failure).said_in(language).message;
    render_failure_line(&Failure { message, ..failure.clone() }, sources)
}

/// Returns what is told about a failure besides its place: step, what was sent, what came.
///
/// Of what came at most a dozen lines, from both ends; the others are counted.
pub fn notes_of(failure: &Failure, style: Style) -> Vec<Note> {
    let (arrow, dots) = match style {
        Style::Ascii => (" > ", "..."),
        Style::Plain | Style::Colour => (" › ", "…"),
    };
    let mut notes = Vec::new();
    if !failure.steps.is_empty() {
        notes.push(Note { title: "step", lines: vec![failure.steps.join(arrow)] });
    }
    if let Some(sent) = &failure.sent {
        notes.push(Note { title: "sent", lines: vec![sent.clone()] });
    }
    if let Some(came) = &failure.came {
        let lines = match came.len() {
            0 => vec!["nothing".to_string()],
            n if n <= FIRST + LAST => came.clone(),
            n => {
                let counted = format!("{dots} {} more lines {dots}", n - FIRST - LAST);
                [&came[..FIRST], &[counted], &came[n - LAST..]].concat()
            }
        };
        notes.push(Note { title: "came", lines });
    }
    notes
}

#[cfg(test)]
pub(super) mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::diagnostic::Code;
    use crate::source::{Site, Source, Span};

    /// Two sources and a failure in them, for the tests of all sinks.
    pub(crate) fn example() -> (Sources, Failure) {
        let mut sources = Sources::default();
        let main = sources.add(Source::new("main.flow", "flow \"Attach\"\nuse \"lib/air.flow\"\ncall attach(5)\n"));
        let text = "library \"air\"\nprocedure attach(n) {\n  send \"AT+CGATT?\"\n  expect line \"OK\" within 5s\n}\n";
        let lib = sources.add(Source::new("lib/air.flow", text));
        let failure = Failure {
            code: Code::RunTimeout,
            site: Some(Site { source: lib, span: Span::new(57, 83) }),
            message: "line \"OK\" did not come within 5s".to_string(),
            label: "waited here".to_string(),
            others: vec![Label::new(Site { source: main, span: Span::new(35, 49) }, "called here")],
            steps: vec!["Network".to_string(), "Attach".to_string()],
            sent: Some("AT+CGATT?\\r".to_string()),
            came: Some(vec!["\\r\\n+CGATT: 0\\r\\n".to_string(), "\\r\\nERROR\\r\\n".to_string()]),
            cause: Some("the modem answered ERROR: it does not know the command, or not yet".to_string()),
            ends_run: false,
        };
        (sources, failure)
    }

    const PLAIN: Look = Look { width: 80, style: Style::Plain };

    #[test]
    fn a_failure_tells_step_and_sent_and_came_between_the_places_and_the_cause() {
        let (sources, failure) = example();
        assert_snapshot!(render_failure(&failure, &sources, PLAIN), @r#"
        flow::run::timeout

          × line "OK" did not come within 5s
           ╭─[lib/air.flow:4:3]
         3 │   send "AT+CGATT?"
         4 │   expect line "OK" within 5s
           ·   ─────────────┬────────────
           ·                ╰── waited here
         5 │ }
           ╰────
           ╭─[main.flow:3:3]
         2 │ use "lib/air.flow"
         3 │ call attach(5)
           ·   ──────┬─────
           ·         ╰── called here
           ╰────
          step: Network › Attach
          sent: AT+CGATT?\r
          came: \r\n+CGATT: 0\r\n
                \r\nERROR\r\n
          help: the modem answered ERROR: it does not know the command, or not yet
        "#);
        assert_snapshot!(render_failure_line(&failure, &sources), @r#"line "OK" did not come within 5s (lib/air.flow:4:3)"#);
    }

    #[test]
    fn silence_is_said_and_much_is_cut_in_the_middle() {
        let (sources, mut failure) = example();
        failure.site = None;
        failure.others.clear();
        failure.came = Some(Vec::new());
        assert_snapshot!(render_failure(&failure, &sources, PLAIN), @r#"
        flow::run::timeout

          × line "OK" did not come within 5s
          step: Network › Attach
          sent: AT+CGATT?\r
          came: nothing
          help: the modem answered ERROR: it does not know the command, or not yet
        "#);
        failure.came = Some((0..40).map(|i| format!("line {i}\\r\\n")).collect());
        failure.cause = None;
        assert_snapshot!(render_failure(&failure, &sources, PLAIN), @r#"
        flow::run::timeout

          × line "OK" did not come within 5s
          step: Network › Attach
          sent: AT+CGATT?\r
          came: line 0\r\n
                line 1\r\n
                line 2\r\n
                line 3\r\n
                … 28 more lines …
                line 32\r\n
                line 33\r\n
                line 34\r\n
                line 35\r\n
                line 36\r\n
                line 37\r\n
                line 38\r\n
                line 39\r\n
        "#);
    }

    #[test]
    fn a_long_line_takes_three_rows_at_most() {
        let (sources, mut failure) = example();
        failure.site = None;
        failure.others.clear();
        failure.steps.clear();
        failure.came = Some(vec!["0123456789".repeat(100)]);
        assert_snapshot!(render_failure(&failure, &sources, Look { width: 40, style: Style::Ascii }), @r#"
        flow::run::timeout

          x line "OK" did not come within 5s
          sent: AT+CGATT?\r
          came: 012345678901234567890123456789
                012345678901234567890123456789
                012345678901234567890123456789...
          help: the modem answered ERROR: it
                does not know the command, or
                not yet
        "#);
    }

    #[test]
    fn the_title_of_a_note_is_coloured_like_the_help() {
        let (sources, failure) = example();
        let text = render_failure(&failure, &sources, Look { width: 80, style: Style::Colour });
        assert!(text.contains("\u{1b}[36m  sent: \u{1b}[0mAT+CGATT?"), "{text:?}");
        assert!(text.contains("\u{1b}[36m  help: \u{1b}[0m"), "{text:?}");
    }
}
