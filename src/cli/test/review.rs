//! Shows each difference and asks, with a key for each answer, whether the new transcript is right.

use std::io;
use std::path::Path;

use crate::diagnostic::render::Look;
use crate::report::progress::render_diff;
use crate::report::sides::{WIDE, render_sides};
use crate::report::suite::Status;
use crate::suite::{Judged, rows_beside, unified_diff};
use crate::value::escape::harmless;

/// Who answers, and what is shown to them.
pub(super) trait Reviewer {
    /// Shows a text.
    fn show(&mut self, text: &str);

    /// Waits for a key.
    fn key(&mut self) -> Key;

    /// Opens a file in the editor of the user, and says what came of it; nothing if it went well.
    fn open(&mut self, file: &Path) -> String;
}

/// What a person does at the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A key that writes something.
    Char(char),
    /// Ctrl-C, or a signal that ends the program.
    Interrupt,
    /// Ctrl-D, or nobody is there any more.
    Gone,
}

/// How a review ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// By an answer.
    Done,
    /// By Ctrl-C or a signal.
    Interrupted,
}

/// What the keys do.
const KEYS: &str = "a accept  r reject  s skip  A accept all  v view  o open the flow  q stop";

/// Shows each new or changed transcript and asks; what is accepted becomes the snapshot, and its flow has passed. What is
/// rejected is no longer put aside, and the flow is as it was; what is skipped stays for later.
///
/// # Errors
///
/// A snapshot cannot be written.
pub(super) fn review(judged: &mut [Judged], look: Look, reviewer: &mut dyn Reviewer) -> io::Result<Left> {
    let n = judged.iter().filter(|case| case.pending.is_some()).count();
    let mut accepts_all = false;
    for (i, case) in judged.iter_mut().filter(|case| case.pending.is_some()).enumerate() {
        let title = format!("{} of {n}: {} is {}", i + 1, harmless(&case.report.file), case.report.status.title());
        if accepts_all {
            reviewer.show(&format!("\n{title}: accepted\n"));
            accept(case)?;
            continue;
        }
        reviewer.show(&format!("\n{title}\n\n{}", difference(case, look)));
        match ask(case, reviewer) {
            Answer::Accept => {
                accept(case)?;
                reviewer.show("accepted\n");
            }
            Answer::AcceptAll => {
                accept(case)?;
                accepts_all = true;
                reviewer.show("accepted, and so are the others\n");
            }
            Answer::Reject => {
                if let Some((snapshot, _)) = case.pending.take() {
                    snapshot.settle()?;
                }
                reviewer.show("rejected: the snapshot stays as it is\n");
            }
            Answer::Skip => reviewer.show("skipped: `flowrun pending` lists it\n"),
            Answer::Stop => {
                reviewer.show("stopped\n");
                break;
            }
            Answer::Interrupt => {
                reviewer.show("interrupted: what was not answered stays put aside\n");
                return Ok(Left::Interrupted);
            }
        }
    }
    Ok(Left::Done)
}

/// Returns how a transcript differs from its snapshot: beside each other where there is room.
fn difference(case: &Judged, look: Look) -> String {
    let after = case.pending.as_ref().map_or("", |(_, transcript)| transcript);
    let rows = rows_beside(&case.before, after);
    if look.width >= WIDE && !rows.is_empty() && !case.before.is_empty() {
        return render_sides(["snapshot", "this run"], &rows, look);
    }
    let diff = match case.report.diff.as_str() {
        "" => unified_diff("", after),
        diff => diff.to_string(),
    };
    render_diff(&diff, look)
}

/// Makes the transcript the snapshot.
fn accept(case: &mut Judged) -> io::Result<()> {
    let Some((snapshot, transcript)) = &case.pending else { return Ok(()) };
    snapshot.accept(transcript)?;
    let has_retried = case.report.summary.steps.iter().any(|step| step.is_flaky());
    case.report.status = if has_retried { Status::Flaky } else { Status::Passed };
    case.report.is_failure = false;
    case.report.diff.clear();
    case.pending = None;
    Ok(())
}

enum Answer {
    Accept,
    AcceptAll,
    Reject,
    Skip,
    Stop,
    Interrupt,
}

fn ask(case: &Judged, reviewer: &mut dyn Reviewer) -> Answer {
    reviewer.show(&format!("\n{KEYS}\n"));
    loop {
        match reviewer.key() {
            Key::Char('a' | 'y') => return Answer::Accept,
            Key::Char('A') => return Answer::AcceptAll,
            Key::Char('r') => return Answer::Reject,
            Key::Char('s' | 'n') => return Answer::Skip,
            Key::Char('v') => {
                let transcript = case.pending.as_ref().map_or("", |(_, transcript)| transcript);
                let lines: String = transcript.lines().map(|line| format!("  {}\n", harmless(line))).collect();
                reviewer.show(&format!("\n{lines}\n{KEYS}\n"));
            }
            Key::Char('o') => {
                let said = reviewer.open(Path::new(&case.report.file));
                reviewer.show(&format!("{said}{KEYS}\n"));
            }
            Key::Char('q') | Key::Gone => return Answer::Stop,
            Key::Interrupt => return Answer::Interrupt,
            Key::Char('?' | 'h') => reviewer.show(&format!("{KEYS}\n")),
            // Arrow keys and whatever else is pressed in passing change nothing.
            Key::Char(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::render::Style;
    use crate::report::suite::CaseReport;
    use crate::report::summary::Summary;
    use crate::report::transcript::Times;
    use crate::source::Sources;
    use crate::suite::snapshot::Snapshot;

    /// Presses keys, and keeps what is shown.
    struct Scripted {
        keys: Vec<char>,
        shown: String,
        opened: Vec<String>,
    }

    impl Scripted {
        fn pressing(keys: &str) -> Scripted {
            Scripted { keys: keys.chars().rev().collect(), shown: String::new(), opened: Vec::new() }
        }
    }

    impl Reviewer for Scripted {
        fn show(&mut self, text: &str) {
            self.shown.push_str(text);
        }

        fn key(&mut self) -> Key {
            match self.keys.pop() {
                Some('\u{3}') => Key::Interrupt,
                Some(key) => Key::Char(key),
                None => Key::Gone,
            }
        }

        fn open(&mut self, file: &Path) -> String {
            self.opened.push(file.display().to_string());
            "opened\n".to_string()
        }
    }

    const LOOK: Look = Look { width: 80, style: Style::Plain };

    fn case(folder: &Path, name: &str) -> Judged {
        let report = CaseReport {
            file: name.to_string(),
            status: Status::New,
            is_failure: true,
            summary: Summary::default(),
            sources: Sources::default(),
            refusal: String::new(),
            mistakes: Vec::new(),
            diff: String::new(),
            n_runs: 1,
            failed_run: None,
            gathered: None,
            given: Vec::new(),
            saved: Vec::new(),
        };
        let snapshot = Snapshot::of(&folder.join(name), Times::Shown);
        snapshot.put_aside("flow: a\n").expect("it can be written");
        let pending = Some((snapshot, "flow: a\n".to_string()));
        let (events, results) = (Vec::new(), Vec::new());
        Judged { report, events, recording: None, results, pending, before: String::new(), trouble: None }
    }

    /// Returns what became of four flows: the letter of the status, and the files that are there.
    fn reviewed(keys: &str) -> (Vec<(Status, bool, String)>, Scripted) {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let names = ["a.flow", "b.flow", "c.flow", "d.flow"];
        let mut judged: Vec<Judged> = names.map(|name| case(folder.path(), name)).into();
        let mut reviewer = Scripted::pressing(keys);
        review(&mut judged, LOOK, &mut reviewer).expect("all can be written");
        let of = |case: &Judged| {
            let stem = case.report.file.trim_end_matches(".flow");
            let ends = ["snap", "snap.new"].map(|end| (end, folder.path().join(format!("snapshots/{stem}.{end}"))));
            let there: Vec<&str> = ends.iter().filter(|(_, path)| path.exists()).map(|(end, _)| *end).collect();
            (case.report.status, case.report.is_failure, there.join(" "))
        };
        (judged.iter().map(of).collect(), reviewer)
    }

    #[test]
    fn what_is_accepted_has_passed_what_is_rejected_is_gone_and_the_rest_waits() {
        let (became, reviewer) = reviewed("sxar?q");
        let (waits, passed) =
            ((Status::New, true, "snap.new".to_string()), (Status::Passed, false, "snap".to_string()));
        assert_eq!(became[..3], [waits, passed.clone(), (Status::New, true, String::new())]);
        assert!(reviewer.shown.contains("2 of 4: b.flow is new") && reviewer.shown.contains("  +flow: a\n"));
    }

    #[test]
    fn all_can_be_accepted_at_once_and_an_end_leaves_everything() {
        let (became, reviewer) = reviewed("sA");
        let names: Vec<&str> = became.iter().map(|(_, _, there)| there.as_str()).collect();
        assert_eq!(names, ["snap.new", "snap", "snap", "snap"]);
        assert!(reviewer.shown.contains("4 of 4: d.flow is new: accepted"), "{}", reviewer.shown);
        let (became, _) = reviewed("");
        assert!(became.iter().all(|(status, _, there)| *status == Status::New && there == "snap.new"));
    }

    #[test]
    fn the_whole_transcript_is_viewed_and_the_flow_is_opened() {
        let (_, reviewer) = reviewed("voq");
        assert!(reviewer.shown.contains("\n  flow: a\n\na accept"), "{}", reviewer.shown);
        assert_eq!(reviewer.opened, ["a.flow"]);
        assert!(reviewer.shown.contains("opened\na accept"), "{}", reviewer.shown);
    }

    #[test]
    fn a_wide_terminal_shows_both_beside_each_other() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let mut changed = case(folder.path(), "a.flow");
        changed.before = "flow: b\n".to_string();
        let wide = difference(&changed, Look { width: 120, style: Style::Plain });
        let row = wide.lines().find(|line| line.contains("flow: b")).expect("it is shown");
        assert!(row.contains("│ flow: a"), "{wide}");
    }
}
