//! Asks for each difference whether the new transcript is right.

use std::io::{self, BufRead, Write};

use crate::diagnostic::render::Look;
use crate::report::progress::render_diff;
use crate::report::suite::Status;
use crate::suite::{Judged, unified_diff};
use crate::value::escape::harmless;

/// Shows each new or changed transcript and asks; what is accepted becomes the snapshot, and its flow has passed.
///
/// # Errors
///
/// A snapshot cannot be written, or nobody can be asked.
pub(super) fn review(
    judged: &mut [Judged],
    look: Look,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> io::Result<()> {
    let n = judged.iter().filter(|case| case.pending.is_some()).count();
    for (i, case) in judged.iter_mut().filter(|case| case.pending.is_some()).enumerate() {
        let Some((snapshot, transcript)) = &case.pending else { continue };
        let diff = match case.report.diff.as_str() {
            "" => unified_diff("", transcript),
            diff => diff.to_string(),
        };
        writeln!(output, "\n{} of {n}: {} is {}\n", i + 1, harmless(&case.report.file), case.report.status.title())?;
        output.write_all(render_diff(&diff, look).as_bytes())?;
        match ask(input, output)? {
            Answer::Accept => {
                snapshot.accept(transcript)?;
                let has_retried = case.report.summary.steps.iter().any(|step| step.is_flaky());
                case.report.status = if has_retried { Status::Flaky } else { Status::Passed };
                case.report.is_failure = false;
                case.report.diff.clear();
                case.pending = None;
            }
            Answer::Leave => {}
            Answer::Stop => break,
        }
    }
    Ok(())
}

enum Answer {
    Accept,
    Leave,
    Stop,
}

fn ask(input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<Answer> {
    loop {
        write!(output, "\nIs this right? y accepts it, n leaves it for later, q stops: ")?;
        output.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(Answer::Stop);
        }
        match line.trim() {
            "y" | "yes" => return Ok(Answer::Accept),
            "n" | "no" => return Ok(Answer::Leave),
            "q" | "quit" => return Ok(Answer::Stop),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::diagnostic::render::Style;
    use crate::report::suite::CaseReport;
    use crate::report::summary::Summary;
    use crate::report::transcript::Times;
    use crate::source::Sources;
    use crate::suite::snapshot::Snapshot;

    fn case(folder: &Path, name: &str) -> Judged {
        let report = CaseReport {
            file: name.to_string(),
            status: Status::New,
            is_failure: true,
            summary: Summary::default(),
            sources: Sources::default(),
            refusal: String::new(),
            diff: String::new(),
            n_runs: 1,
            failed_run: None,
            gathered: None,
            given: Vec::new(),
        };
        let snapshot = Snapshot::of(&folder.join(name), Times::Shown);
        let pending = Some((snapshot, "flow: a\n".to_string()));
        Judged { report, events: Vec::new(), saved: Vec::new(), pending, trouble: None }
    }

    #[test]
    fn what_is_accepted_has_passed_and_the_rest_waits() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let mut judged: Vec<Judged> =
            ["a.flow", "b.flow", "c.flow", "d.flow"].map(|name| case(folder.path(), name)).into();
        let mut out = Vec::new();
        let look = Look { width: 80, style: Style::Plain };
        review(&mut judged, look, &mut "n\nwhat\ny\nq\n".as_bytes(), &mut out).expect("all can be written");
        let states: Vec<(Status, bool)> =
            judged.iter().map(|case| (case.report.status, case.pending.is_some())).collect();
        let (new, passed) = ((Status::New, true), (Status::Passed, false));
        assert_eq!(states, [new, passed, new, new]);
        assert!(folder.path().join("snapshots/b.snap").exists() && !folder.path().join("snapshots/a.snap").exists());
        let text = String::from_utf8(out).expect("it is text");
        assert!(text.contains("2 of 4: b.flow is new") && text.contains("  +flow: a\n"), "{text}");
    }
}
