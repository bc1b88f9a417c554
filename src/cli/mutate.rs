//! `flowrun mutate`: a flow against changes of its simulated device, and which of them it does not notice.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::thread;

use super::Ending;
use super::args::MutateArguments;
use super::lab::{Asked, Lab};
use super::refusal::refuse;
use super::reports::{Report as ReportFile, write_each};
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::event::Verdict;
use crate::mutate::{Campaign, Ending as RunEnding, Fate, Kind, Report, Stale, Stopped, Trial, Tried, run};
use crate::report::failure::diagnostic_of;
use crate::report::mutants::{MutantReport, MutantsReport};
use crate::source::{Sources, name_of};
use crate::value::escape::{harmless, harmless_path};

/// So many changes of one answer are shown.
const MOST_SHOWN: usize = 6;
/// So many characters of an answer are shown on both sides of a change.
const NEAR: usize = 10;

/// Runs a flow against changes of its devices and tells which it did not notice.
pub(super) fn mutate(arguments: &MutateArguments, terminal: &Terminal) -> Ending {
    match prepare(arguments, terminal) {
        Ok((lab, reports)) => carry_out(arguments, &lab, &reports, terminal),
        Err(ending) => ending,
    }
}

fn prepare(arguments: &MutateArguments, terminal: &Terminal) -> Result<(Lab, Vec<ReportFile>), Ending> {
    let reports = arguments.report.iter().map(|text| ReportFile::of_mutants(text));
    let reports: Vec<ReportFile> = reports.collect::<Result<_, _>>().map_err(|problem| {
        terminal.refuse(problem);
        Ending::Refused
    })?;
    let asked = Asked {
        command: "mutate",
        why_simulated: "the answers of a real port cannot be changed",
        file: &arguments.file,
        ports: &arguments.ports,
        variables: &arguments.variables,
        sim_vars: &arguments.sim_vars,
        limits: &arguments.limits,
        reports: &reports,
    };
    let lab = asked.read(terminal)?;
    Ok((lab, reports))
}

fn carry_out(arguments: &MutateArguments, lab: &Lab, reports: &[ReportFile], terminal: &Terminal) -> Ending {
    let n_processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let campaign = Campaign {
        seed: arguments.seed,
        most: arguments.mutants as usize,
        jobs: arguments.jobs.unwrap_or_else(n_processors),
    };
    let file = harmless_path(&arguments.file);
    let done = match run(&lab.setup, &lab.ports, campaign) {
        Ok(report) => Ok(report),
        Err(Stopped::NotGood(trial)) => Err(trial),
        Err(Stopped::Refused(error)) => return refuse(error, terminal),
    };
    let ending = match &done {
        Ok(report) => {
            terminal.say(&format!("mutate {file}: seed {}\n{}", arguments.seed, render_report(report)));
            show_findings(report, lab, terminal);
            for Stale { file, line, why } in &report.stale {
                terminal.warn(&format!("{file}:{line}: the comment `# mutant ok` {why}"));
            }
            let n_findings = report.findings().count();
            if n_findings > arguments.allow as usize { Ending::Found } else { Ending::Done }
        }
        Err(trial) => {
            terminal
                .say(&format!("mutate {file}\n\nit does not pass against its unchanged device: nothing was tried\n\n"));
            if let Some(failure) = &trial.failure {
                terminal.report(&[diagnostic_of(failure)], &trial.sources);
            }
            Ending::Found
        }
    };
    if reports.is_empty() {
        return ending;
    }
    let (good, report) = match &done {
        Ok(report) => (&report.good, Some(report)),
        Err(trial) => (&**trial, None),
    };
    let told = mutants_report(arguments, lab, good, report);
    write_each(reports, |report| report.write_mutants(&told), ending, terminal)
}

/// Returns the words for what became of a change, as reports have them.
fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Noticed => "noticed",
        Fate::Recorded => "recorded",
        Fate::Borne => "borne",
        Fate::Equivalent => "no effect",
        Fate::Explained(_) => "explained",
        Fate::Unnoticed { .. } => "not noticed",
        Fate::Endless => "endless",
        Fate::Panicked(_) => "panic",
    }
}

fn verdict_of(trial: &Trial) -> Verdict {
    match &trial.ending {
        RunEnding::Verdict(verdict) => *verdict,
        RunEnding::Endless | RunEnding::Panicked(_) => Verdict::Failed,
    }
}

fn render_report(report: &Report) -> String {
    let Report { good, n_answers, n_reached, n_mutants, tried, stale: _ } = report;
    let mut text = format!(
        "  good run     {}, {} s; the flow reaches {n_reached} of {n_answers} answers of its device\n",
        verdict_of(good).title(),
        good.took
    );
    let n_tried = tried.len();
    let of_all = if n_tried < *n_mutants { format!(" of {n_mutants}") } else { String::new() };
    text += &format!("  changes      {n_tried}{of_all}\n");
    let rows: [(usize, &str, &str); 8] = [
        (report.count(|fate| *fate == Fate::Noticed), "noticed", ""),
        (
            report.count(|fate| *fate == Fate::Recorded),
            "recorded",
            ": the flow passed, and saved or measured another value",
        ),
        (
            report.count(|fate| *fate == Fate::Borne),
            "borne",
            ": twice, late or in another order, and all went as before",
        ),
        (report.count(|fate| *fate == Fate::Equivalent), "no effect", ": all input was the same"),
        (report.count(|fate| matches!(fate, Fate::Explained(_))), "explained", " in the device file"),
        (report.count(|fate| *fate == Fate::Endless), "endless", ", see below"),
        (report.count(|fate| matches!(fate, Fate::Panicked(_))), "panic", ", a defect of flowrun"),
        (report.count(|fate| matches!(fate, Fate::Unnoticed { .. })), "not noticed", ", see below"),
    ];
    for (n, title, more) in rows.into_iter().filter(|(n, title, _)| *n > 0 || *title == "not noticed") {
        let more = if n > 0 { more } else { "" };
        text += &format!("  {title:<12} {n}{more}\n");
    }
    text
}

/// Shows the answers with changes that were not noticed, each where it stands in the device file.
fn show_findings(report: &Report, lab: &Lab, terminal: &Terminal) {
    let mut by_answer: BTreeMap<_, Vec<&Tried>> = BTreeMap::new();
    for tried in report.findings() {
        by_answer.entry((tried.mutant.port, tried.mutant.site)).or_default().push(tried);
    }
    if !by_answer.is_empty() {
        terminal.say("\n");
    }
    for ((port, _), tried) in by_answer {
        terminal.report(&[diagnostic(&tried)], &texts_of(lab, &report.good, port));
    }
}

/// Returns the texts of the device at a port, with the secrets covered that the run knew.
fn texts_of(lab: &Lab, good: &Trial, port: usize) -> Sources {
    let device = lab.setup.counterpart().devices().nth(port).flatten();
    let mut sources = device.map_or_else(Sources::default, |device| (*device.sources).clone());
    sources.hide_all_of(&good.sources);
    sources
}

/// Returns what is to be said of the changes of one answer.
fn diagnostic(tried: &[&Tried]) -> Diagnostic {
    let change = |tried: &&Tried| {
        let kind = tried.mutant.kind.name();
        match &tried.answer {
            Some((before, Some(after))) if !after.is_empty() => format!("{kind} `{}`", around(before, after)),
            Some(_) | None => kind.to_string(),
        }
    };
    let mut changes: Vec<String> = tried.iter().take(MOST_SHOWN).map(change).collect();
    if tried.len() > MOST_SHOWN {
        changes.push(format!("and {} more", tried.len() - MOST_SHOWN));
    }
    let is_endless = tried.iter().any(|tried| tried.fate == Fate::Endless);
    let panic = tried.iter().find_map(|tried| if let Fate::Panicked(why) = &tried.fate { Some(why) } else { None });
    let message = match (panic, is_endless, tried.len()) {
        (Some(why), _, _) => format!("flowrun panicked when this answer was changed: {}", harmless(why)),
        (None, true, _) => "a run does not end by itself when this answer is changed".to_string(),
        (None, false, 1) => "the flow does not notice when this answer is changed".to_string(),
        (None, false, n) => format!("the flow does not notice {n} changes of this answer"),
    };
    let site = tried[0].mutant.site;
    let help = if is_endless {
        "bound what the flow repeats: `at most 20`, or a step with a `timeout`".to_string()
    } else {
        hint(tried)
    };
    Diagnostic::new(Code::MutateUnnoticed, site, message, changes.join("; ")).help(help)
}

/// Returns a text from shortly before the place where it differs from another to shortly behind.
fn around(before: &str, after: &str) -> String {
    let n_same = before.chars().zip(after.chars()).take_while(|(before, after)| before == after).count();
    let from = n_same.saturating_sub(NEAR);
    let from = if from <= 1 { 0 } else { from };
    let n_chars = after.chars().count();
    let to = if n_same + NEAR + 1 >= n_chars { n_chars } else { n_same + NEAR };
    let shown: String = after.chars().skip(from).take(to - from).collect();
    let (left, right) = (if from > 0 { "…" } else { "" }, if to < n_chars { "…" } else { "" });
    format!("{left}{shown}{right}")
}

/// Returns what kind of check would notice.
fn hint(tried: &[&Tried]) -> String {
    let has = |kinds: &[Kind]| tried.iter().any(|tried| kinds.contains(&tried.mutant.kind));
    let said = tried.iter().find_map(|tried| tried.answer.as_ref()).map(|(before, _)| before.trim());
    let whole = |before: &str| !before.contains(['"', '«', '…', '\\', '$', '*']) && !before.is_empty();
    let line = said.filter(|before| whole(before)).map_or("…".to_string(), |before| before.to_string());
    let sent_on = tried.iter().any(|tried| tried.fate == Fate::Unnoticed { sent_the_same: false });
    if said.is_none() {
        return "expect the line: `expect cts on`".to_string();
    }
    if has(&[Kind::Missing, Kind::Empty]) {
        return format!("expect the answer: `expect line \"{line}\"`");
    }
    if has(&[Kind::Error]) {
        return format!(
            "expect the whole line, and name what else may come: `expect line \"{line}\"`, `fail on line /.*ERROR.*/`"
        );
    }
    let names: Vec<&str> = tried.iter().map(|tried| tried.mutant.kind.name()).collect();
    let mut kinds: Vec<&str> = Vec::new();
    names.into_iter().for_each(|name| {
        if !kinds.contains(&name) {
            kinds.push(name)
        }
    });
    let sent = if sent_on { "the flow sends on what it got: " } else { "" };
    format!(
        "{sent}expect the value, `expect line \"{line}\"`, or capture it and `assert` what it may be; \
         if any value will do, say so beside the answer: `# mutant ok {}: why`",
        kinds.join(", ")
    )
}

/// Returns what reports are printed from; nothing but the good run if that did not pass.
fn mutants_report(arguments: &MutateArguments, lab: &Lab, good: &Trial, report: Option<&Report>) -> MutantsReport {
    let mutant = |tried: &Tried| MutantReport {
        kind: tried.mutant.kind.name(),
        fate: word(&tried.fate),
        why: if let Fate::Explained(why) = &tried.fate { Some(why.clone()) } else { None },
        site: tried.mutant.site,
        sources: texts_of(lab, good, tried.mutant.port),
        before: tried.answer.as_ref().map(|(before, _)| before.clone()),
        after: tried.answer.as_ref().and_then(|(_, after)| after.clone()),
    };
    MutantsReport {
        file: name_of(&arguments.file),
        title: lab.flow.title.clone(),
        port: arguments.ports.join(" "),
        seed: arguments.seed,
        verdict: verdict_of(good).title(),
        took: good.took.since_start(),
        failure: good.failure.clone(),
        sources: good.sources.clone(),
        answers: report.map_or((0, 0), |report| (report.n_answers, report.n_reached)),
        n_mutants: report.map_or(0, |report| report.n_mutants),
        mutants: report.map_or(Vec::new(), |report| report.tried.iter().map(mutant).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_shown_around_its_change() {
        assert_eq!(around("+CSQ: 25,0", "+CSQ: 26,0"), "+CSQ: 26,0");
        let before = "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)";
        assert_eq!(around(before, &before.replace("0x13", "0x14")), "…),boot:0x14 (SPI_FAS…");
        assert_eq!(around(before, &before[..before.len() - 1]), "…FLASH_BOOT");
        assert_eq!(around(before, &before.replace("0x1 ", "0x2 ")), "rst:0x2 (POWERON…");
    }
}
