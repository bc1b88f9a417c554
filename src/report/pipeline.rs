//! What a server that builds and tests makes of a suite: annotations at lines of flows, a summary, groups that fold.
//!
//! GitHub takes a line that begins with `::`, or has `##[` in it, for a command. So every other line is told through
//! [`Guarded`], which writes such a line with escapes: what a device sends commands nothing. GitLab's marks have control
//! characters in them, which nothing that is shown has.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::failure::{diagnostic_of, render_failure};
use super::suite::{CaseReport, Status, SuiteReport};
use crate::diagnostic::render::{Look, Style};
use crate::diagnostic::{Diagnostic, Severity};
use crate::event::Failure;
use crate::source::Sources;
use crate::value::escape::harmless;

/// So many annotations are made: GitHub shows ten of a step, and the tenth says how many there would be more.
pub const MOST_ANNOTATIONS: usize = 9;
/// So many failures are told in full in a summary.
const MOST_FAILURES: usize = 50;
/// So much of one failure is told in a summary, in bytes.
const MOST_OF_FAILURE: usize = 12 << 10;
/// So much of an annotation is told, in characters.
const MOST_OF_ANNOTATION: usize = 3000;

const LOOK: Look = Look { width: 100, style: Style::Plain };

/// A server that shows what a command says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipeline {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
}

impl Pipeline {
    /// Returns the line that begins a folded group; `second` is the Unix time, and `name` distinguishes groups of a job.
    pub fn begin_group(self, second: i64, name: &str, title: &str) -> String {
        match self {
            Pipeline::GitHub => format!("::group::{}\n", escaped(title)),
            Pipeline::GitLab => {
                format!("\u{1b}[0Ksection_start:{second}:{name}[collapsed=true]\r\u{1b}[0K{}\n", harmless(title))
            }
        }
    }

    /// Returns the line that ends it.
    pub fn end_group(self, second: i64, name: &str) -> String {
        match self {
            Pipeline::GitHub => "::endgroup::\n".to_string(),
            Pipeline::GitLab => format!("\u{1b}[0Ksection_end:{second}:{name}\r\u{1b}[0K\n"),
        }
    }

    /// Returns the lines that mark what failed in the files; nothing on a server that takes it from JUnit. `prefix` leads from
    /// the root of the repository to the folder in which the files are named.
    pub fn annotations(self, suite: &SuiteReport, prefix: &str) -> String {
        match self {
            Pipeline::GitHub => annotations(suite, prefix),
            Pipeline::GitLab => String::new(),
        }
    }

    /// Returns the line that marks a problem in its file, as [`annotations`](Self::annotations) does; nothing if it has no place.
    pub fn annotation(self, problem: &Diagnostic, sources: &Sources, prefix: &str) -> String {
        match (self, place_of(problem, sources)) {
            (Pipeline::GitHub, Some((file, line))) => {
                let help = problem.help.iter().map(|help| format!("\nhelp: {}", harmless(help)));
                let said = problem.label.iter().filter(|label| !label.text.is_empty());
                let said = said.map(|label| format!("\n{}", harmless(&label.text)));
                let message: String = std::iter::once(harmless(&problem.message)).chain(said).chain(help).collect();
                let kind = match problem.severity() {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                };
                mark(kind, &format!("{prefix}{file}"), Some(line), problem.code.text(), &message)
            }
            (Pipeline::GitHub, None) | (Pipeline::GitLab, _) => String::new(),
        }
    }

    /// Returns the line that marks the failure of a run in its flow: at the statement, or at the call that led to it.
    pub fn annotation_of_failure(self, failure: &Failure, sources: &Sources, prefix: &str) -> String {
        let Some((_, source)) = sources.iter().next() else { return String::new() };
        match self {
            Pipeline::GitHub => {
                let path = format!("{prefix}{}", source.name());
                mark("error", &path, line_of(failure, sources), "failed", &message_of(failure))
            }
            Pipeline::GitLab => String::new(),
        }
    }
}

/// Returns the file and the line of a problem.
fn place_of(problem: &Diagnostic, sources: &Sources) -> Option<(String, usize)> {
    let site = problem.label.as_ref()?.site;
    let (_, source) = sources.iter().find(|(id, _)| *id == site.source)?;
    Some((source.name().to_string(), source.line_column(site.span.start).0))
}

/// Returns the command that marks a line of a file.
fn mark(kind: &str, path: &str, line: Option<usize>, title: &str, message: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let line = line.map(|line| format!(",line={line}")).unwrap_or_default();
    let message: String = message.chars().take(MOST_OF_ANNOTATION).collect();
    let (path, title) = (escaped_property(path), escaped_property(title));
    format!("::{kind} file={path}{line},title={title}::{}\n", escaped(message.trim_end()))
}

fn annotations(suite: &SuiteReport, prefix: &str) -> String {
    let failed: Vec<&CaseReport> = suite.cases.iter().filter(|case| case.is_failure).collect();
    let mut text = String::new();
    for case in failed.iter().take(MOST_ANNOTATIONS) {
        let (place, message) = told(case);
        let (file, line) = place.map_or_else(|| (case.file.clone(), None), |(file, line)| (file, Some(line)));
        let title = format!("{}: {}", case.status.title(), harmless(case.title()));
        text.push_str(&mark("error", &format!("{prefix}{file}"), line, &title, &message));
    }
    if failed.len() > MOST_ANNOTATIONS {
        // Writing into a String cannot fail.
        let n = failed.len() - MOST_ANNOTATIONS;
        let flows = if n == 1 { "1 more flow".to_string() } else { format!("{n} more flows") };
        let _ = writeln!(text, "::error title=flowrun::{flows} failed: all are in the summary of the job");
    }
    text
}

/// Returns the place that what is wrong is told at, and what is wrong.
fn told(case: &CaseReport) -> (Option<(String, usize)>, String) {
    match &case.summary.tally.failure {
        Some(failure) => {
            let line = line_of(failure, &case.sources);
            (line.map(|line| (case.file.clone(), line)), message_of(failure))
        }
        None => {
            let place = case.mistakes.iter().find_map(|problem| place_of(problem, &case.sources));
            (place, format!("{}\n{}{}", in_a_line(case), case.refusal, case.diff))
        }
    }
}

/// Returns the line of the flow itself that a failure is told at: that of the statement, or of the call that led to it.
fn line_of(failure: &Failure, sources: &Sources) -> Option<usize> {
    let (id, source) = sources.iter().next()?;
    let mut sites = failure.site.into_iter().chain(failure.others.iter().map(|label| label.site));
    let site = sites.find(|site| site.source == id)?;
    Some(source.line_column(site.span.start).0)
}

/// Returns what is said about a failure.
fn message_of(failure: &Failure) -> String {
    let mut text = format!("{}\n", harmless(diagnostic_of(failure).message));
    for (title, lines) in [("sent", failure.sent.clone().map(|sent| vec![sent])), ("came", failure.came.clone())] {
        for said in lines.into_iter().flatten().take(12) {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "{title}: {said}");
        }
    }
    text.extend(failure.cause.iter().map(|cause| format!("help: {cause}\n")));
    text
}

/// Returns what is wrong with a flow in a line.
pub(super) fn in_a_line(case: &CaseReport) -> String {
    match (&case.summary.tally.failure, case.status) {
        (Some(failure), _) => super::failure::render_failure_line(failure, &case.sources),
        (None, Status::Changed) => "the transcript is not that of the snapshot".to_string(),
        (None, Status::New) => "there is no snapshot".to_string(),
        (None, Status::Wrong) => "the flow has mistakes".to_string(),
        (
            None,
            Status::Passed
            | Status::Flaky
            | Status::Skipped
            | Status::Alone
            | Status::Failed
            | Status::PortFailed
            | Status::Interrupted,
        ) => case.status.title().to_string(),
    }
}

/// Returns a suite as Markdown: the counts, a row for each flow that did not simply pass, and each failure, folded.
pub fn render_step_summary(suite: &SuiteReport) -> String {
    let counts = Status::ALL.iter().map(|status| (status.title(), suite.count(*status))).filter(|(_, n)| *n > 0);
    let counts: Vec<String> = counts.map(|(title, n)| format!("{n} {title}")).collect();
    let flows = if suite.cases.len() == 1 { "1 flow".to_string() } else { format!("{} flows", suite.cases.len()) };
    let mut text = format!("### flowrun: {flows}: {}\n\n", counts.join(", "));
    let told: Vec<&CaseReport> = suite.cases.iter().filter(|case| case.status != Status::Passed).collect();
    if !told.is_empty() {
        text.push_str("| flow | | what |\n|---|---|---|\n");
    }
    // Writing into a String cannot fail.
    for case in told.iter().take(10 * MOST_FAILURES) {
        let what = match &case.summary.tally.why_skipped {
            Some(why) => why.clone(),
            None if case.is_failure => in_a_line(case),
            None => String::new(),
        };
        let _ = writeln!(text, "| {} | {} | {} |", plain(&case.file), case.status.title(), plain(&what));
    }
    let failed = || suite.cases.iter().filter(|case| case.is_failure);
    for case in failed().take(MOST_FAILURES) {
        let mut whole = case
            .summary
            .tally
            .failure
            .as_ref()
            .map_or(String::new(), |failure| render_failure(failure, &case.sources, LOOK));
        whole.push_str(&case.refusal);
        whole.extend(case.diff.lines().map(|line| harmless(line) + "\n"));
        if whole.trim().is_empty() {
            continue;
        }
        if whole.len() > MOST_OF_FAILURE {
            let end = whole.floor_char_boundary(MOST_OF_FAILURE);
            whole.truncate(end);
            whole.push_str("\n…");
        }
        let fence = "`".repeat(longest_run(&whole, '`').max(2) + 1);
        let _ = write!(
            text,
            "\n<details><summary>{}: {}</summary>\n\n{fence}text\n{}\n{fence}\n\n</details>\n",
            plain(&case.file),
            plain(case.title()),
            whole.trim_end()
        );
    }
    let n = failed().count();
    if n > MOST_FAILURES {
        let _ = writeln!(text, "\n{} more failures are in the reports.", n - MOST_FAILURES);
    }
    text
}

fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or(0)
}

/// Returns a text in one line of Markdown that means nothing but itself.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in harmless(text).chars() {
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            c if c.is_ascii_punctuation() && !matches!(c, '/' | '.' | '-' | ':' | ',' | '\'' | '"') => {
                // By number: a table takes `\|` for the end of a cell in code, and a character by number nowhere.
                let _ = write!(plain, "&#{};", u32::from(c));
            }
            c => plain.push(c),
        }
    }
    plain
}

/// Returns a text as the message of a command of GitHub.
fn escaped(text: &str) -> String {
    // What has a `##[` in it may be taken for another command.
    text.replace("##[", "##\\x5b").replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Returns a text as a property of such a command.
fn escaped_property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

/// Writes lines in which GitHub finds no command: a `:` that begins a line is `\x3a`, and the bracket of `##[` is `\x5b`.
#[derive(Debug)]
pub struct Guarded<W> {
    out: W,
    is_on: bool,
    line: Line,
    /// How many `#` were written last.
    n_hashes: usize,
}

/// Where in a line the next byte stands.
#[derive(Clone, Debug, Default)]
enum Line {
    /// At its beginning, behind nothing but blanks; the bytes of a character that is not complete.
    #[default]
    Begin,
    /// The same, within a character.
    Within(Vec<u8>),
    /// Behind something else.
    Behind,
}

impl<W: Write> Guarded<W> {
    /// Begins at a line; writes everything as it is for another server, and for people.
    pub fn new(out: W, pipeline: Option<Pipeline>) -> Guarded<W> {
        Guarded { out, is_on: pipeline == Some(Pipeline::GitHub), line: Line::Begin, n_hashes: 0 }
    }

    /// Takes in the next byte; returns what is written for it.
    fn guard(&mut self, byte: u8, text: &mut Vec<u8>) {
        let n_hashes = if byte == b'#' { self.n_hashes + 1 } else { 0 };
        let is_bracket = byte == b'[' && self.n_hashes >= 2;
        self.n_hashes = n_hashes;
        // Its reader ends a line at both.
        if matches!(byte, b'\n' | b'\r') {
            self.line = Line::Begin;
            text.push(byte);
            return;
        }
        self.line = match (std::mem::replace(&mut self.line, Line::Behind), byte) {
            (Line::Begin, b':') => {
                text.extend_from_slice(b"\\x3a");
                return;
            }
            (Line::Begin, byte) if byte.is_ascii_whitespace() || byte == 0x0b => Line::Begin,
            (Line::Begin, 0x80..) => Line::Within(vec![byte]),
            (Line::Within(mut bytes), 0x80..=0xbf) => {
                bytes.push(byte);
                match std::str::from_utf8(&bytes) {
                    Ok(c) if c.trim().is_empty() => Line::Begin,
                    Ok(_) => Line::Behind,
                    Err(_) if bytes.len() < 4 => Line::Within(bytes),
                    Err(_) => Line::Behind,
                }
            }
            (Line::Begin | Line::Within(_) | Line::Behind, _) => Line::Behind,
        };
        if is_bracket {
            text.extend_from_slice(b"\\x5b");
        } else {
            text.push(byte);
        }
    }
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_on {
            return self.out.write(bytes);
        }
        let mut text = Vec::with_capacity(bytes.len());
        bytes.iter().for_each(|byte| self.guard(*byte, &mut text));
        self.out.write_all(&text)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::suite::tests::example;
    use super::*;

    fn guarded(text: &str, at_once: usize) -> String {
        let mut out = Vec::new();
        let mut guarded = Guarded::new(&mut out, Some(Pipeline::GitHub));
        text.as_bytes().chunks(at_once).for_each(|part| guarded.write_all(part).expect("memory takes everything"));
        String::from_utf8(out).expect("it is text")
    }

    #[test]
    fn no_line_is_a_command_however_it_is_written() {
        for (text, wanted) in [
            ("::error::x\n", "\\x3a:error::x\n"),
            ("  \t::add-mask::x", "  \t\\x3a:add-mask::x"),
            ("\u{3000}\u{a0}::error::x", "\u{3000}\u{a0}\\x3a:error::x"),
            ("a\r::error::x\n\n::stop-commands::y", "a\r\\x3a:error::x\n\n\\x3a:stop-commands::y"),
            ("a ##[error]x ###[group]", "a ##\\x5berror]x ###\\x5bgroup]"),
            ("came: ::error::x, a::b #[x] → ::", "came: ::error::x, a::b #[x] → ::"),
            ("→ ::error", "→ ::error"),
        ] {
            for at_once in 1..=text.len() {
                assert_eq!(guarded(text, at_once), wanted, "{at_once} bytes at once");
            }
        }
        let mut out = Vec::new();
        Guarded::new(&mut out, None).write_all(b"::error::x\n").expect("memory takes everything");
        assert_eq!(out, b"::error::x\n", "people see what came");
    }

    #[test]
    fn what_failed_is_marked_at_its_line_of_the_flow() {
        assert_snapshot!(Pipeline::GitHub.annotations(&example(), "bench/"), @r#"
        ::error file=bench/flows/attach.flow,line=3,title=failed%3A Attach to the network::line "OK" did not come within 5s%0Asent: AT+CGATT?\r%0Acame: \r\n+CGATT: 0\r\n%0Acame: \r\nERROR\r\n%0Ahelp: the modem answered ERROR: it does not know the command, or not yet
        ::error file=bench/flows/changed.flow,title=changed%3A Attach to the network::the transcript is not that of the snapshot%0A@@ -1 +1 @@%0A-a ]]> <b> & "c"%0A+b
        ::error file=bench/flows/wrong.flow,title=wrong%3A flows/wrong.flow::the flow has mistakes%0Aflow::syntax::unexpected%0A%0A  × `expct` is not a statement
        "#);
        assert_eq!(Pipeline::GitLab.annotations(&example(), ""), "");
    }

    #[test]
    fn nine_failures_are_marked_and_the_others_counted() {
        let mut suite = example();
        let case = suite.cases[0].clone();
        suite.cases = vec![case; 12];
        let text = Pipeline::GitHub.annotations(&suite, "");
        assert_eq!(text.lines().count(), 10);
        assert!(
            text.ends_with("::error title=flowrun::3 more flows failed: all are in the summary of the job\n"),
            "{text}"
        );
    }

    #[test]
    fn a_device_and_a_file_name_cannot_add_to_a_command() {
        let mut suite = example();
        suite.cases.truncate(1);
        let case = &mut suite.cases[0];
        case.file = "a,line=7::x\n::error::y%.flow".to_string();
        let failure = case.summary.tally.failure.as_mut().expect("it failed");
        failure.came = Some(vec!["\n::error::z\r\n::set-env name=A::b%0A".to_string()]);
        let text = Pipeline::GitHub.annotations(&suite, "");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("file=a%2Cline=7%3A%3Ax%0A%3A%3Aerror%3A%3Ay%25.flow"), "{text}");
        assert!(text.contains("%0A::error::z%0D%0A::set-env name=A::b%250A"), "{text}");
    }

    #[test]
    fn a_summary_is_markdown_that_nothing_can_leave() {
        assert_snapshot!(render_step_summary(&example()));
        let mut suite = example();
        suite.cases.truncate(1);
        let case = &mut suite.cases[0];
        case.file = "<img src=x> | **a** `b` [c](d)\n# e".to_string();
        let failure = case.summary.tally.failure.as_mut().expect("it failed");
        failure.came = Some(vec!["````` </details> <script>".to_string()]);
        let text = render_step_summary(&suite);
        assert!(text.contains("``````text\n"), "the fence is longer than what is in it: {text}");
        assert!(!text.contains("<img") && !text.contains("**a**") && !text.contains("\n# e"), "{text}");
    }

    #[test]
    fn a_group_is_folded() {
        assert_eq!(Pipeline::GitHub.begin_group(7, "a", "3 flows\n"), "::group::3 flows%0A\n");
        assert_eq!(
            Pipeline::GitLab.begin_group(7, "a", "3 flows"),
            "\u{1b}[0Ksection_start:7:a[collapsed=true]\r\u{1b}[0K3 flows\n"
        );
        assert_eq!(Pipeline::GitHub.end_group(8, "a"), "::endgroup::\n");
        assert_eq!(Pipeline::GitLab.end_group(8, "a"), "\u{1b}[0Ksection_end:8:a\r\u{1b}[0K\n");
    }
}
