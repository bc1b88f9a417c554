//! `flowrun stress`: a flow on a line that misbehaves, and what that shows about it.

use std::collections::BTreeSet;

use super::Ending;
use super::args::{StressArguments, VariableArguments};
use super::host::origin;
use super::lab::{Asked, Lab};
use super::refusal::refuse;
use super::reports::{Report as ReportFile, write_each};
use super::terminal::Terminal;
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::event::Verdict;
use crate::origin::About;
use crate::port::PortId;
use crate::report::campaign::{CampaignReport, FindingReport, IdealRun, KindOfRuns, StrikeReport};
use crate::report::failure::diagnostic_of;
use crate::report::summary::remark;
use crate::setup::{SetupError, present};
use crate::source::{Sources, name_of};
use crate::stress::{
    Bench, Campaign, Choice, Ending as RunEnding, Fault, Finding, Occurrence, Report, Strike, Tally, Trial, Wrong, run,
};
use crate::value::escape::{harmless, harmless_path};

/// So many faults of a plan are shown.
const MOST_STRIKES: usize = 8;

/// Runs a campaign and tells what it found.
pub(super) fn stress(arguments: &StressArguments, terminal: &Terminal) -> Ending {
    match prepare(arguments, terminal) {
        Ok(prepared) => carry_out(arguments, &prepared, terminal),
        Err(ending) => ending,
    }
}

/// Everything that a campaign needs, checked.
struct Prepared {
    bench: Bench,
    campaign: Campaign,
    /// What makes it traceable, if there are reports.
    about: Option<About>,
    reports: Vec<ReportFile>,
}

fn prepare(arguments: &StressArguments, terminal: &Terminal) -> Result<Prepared, Ending> {
    let wrong = |problem: Diagnostic| {
        terminal.refuse(problem);
        Ending::Refused
    };
    let reports = arguments.report.iter().map(|text| ReportFile::of_campaign(text));
    let reports: Vec<ReportFile> = reports.collect::<Result<_, _>>().map_err(wrong)?;
    let asked = Asked {
        command: "stress",
        why_simulated: "faults cannot be put on the line of a real port",
        file: &arguments.file,
        ports: &arguments.ports,
        variables: &arguments.variables,
        sim_vars: &arguments.sim_vars,
        limits: &arguments.limits,
        reports: &reports,
    };
    let Lab { flow, setup, ports } = asked.read(terminal)?;
    let names: Vec<&str> = flow.ports.iter().map(|port| port.name.as_str()).collect();
    // Of a recording beside the flow there is no line that could be spoilt either.
    let bench = Bench::of(&setup, &ports).ok_or_else(|| refuse(SetupError::NoCounterpart, terminal))?;
    let choice = choice(&arguments.faults, &names, bench.lets_its_port_go()).map_err(|problem| wrong(*problem))?;
    let about = (!reports.is_empty()).then(|| {
        let inputs = setup.inputs(setup.beginning_with(arguments.seed), &ports);
        setup.about(&inputs, &origin(present()))
    });
    let campaign = Campaign { runs: arguments.runs, seed: arguments.seed, choice };
    Ok(Prepared { bench, campaign, about, reports })
}

/// Returns what `--faults` means; nothing is everything. A port that goes away is a fault for flows that let it.
fn choice(typed: &[String], ports: &[&str], lets_its_port_go: bool) -> Result<Choice, Box<Diagnostic>> {
    let problem = |message: String, help: String| Box::new(Diagnostic::general(Code::CommandLine, message).help(help));
    let fault = |name: &str| {
        Fault::named(name).ok_or_else(|| {
            let names = Fault::ALL.map(Fault::name);
            let help = match nearest(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("faults are: {}", names.join(", ")),
            };
            problem(format!("unknown fault `{name}`"), help)
        })
    };
    let fault = |name: &str| {
        let fault = fault(name)?;
        if fault == Fault::Unplug && !lets_its_port_go {
            let message = "`unplug` is for flows that let their port go away, and this one does not";
            let help = "write `serial { reconnect 15s }`, or `reopen within 15s` where the port goes";
            return Err(problem(message.to_string(), help.to_string()));
        }
        Ok(fault)
    };
    let (exact, general): (Vec<&String>, Vec<&String>) = typed.iter().partition(|text| text.contains('@'));
    if !exact.is_empty() && !general.is_empty() {
        let help = format!("leave out `{}`, or the others", general[0]);
        return Err(problem("`--faults` names both exact faults and kinds of them".to_string(), help));
    }
    if typed.is_empty() {
        let all = Fault::ALL.into_iter().filter(|fault| lets_its_port_go || *fault != Fault::Unplug);
        return Ok(Choice::Faults(all.collect()));
    }
    if exact.is_empty() {
        return general.into_iter().map(|name| fault(name.trim())).collect::<Result<_, _>>().map(Choice::Faults);
    }
    let occurrence = |text: &String| {
        let (name, place) = text.trim().split_once('@').expect("it has been looked at");
        let (port, block) = place.split_once(':').map_or((None, place), |(port, block)| (Some(port), block));
        let at = match port {
            // One port needs no name.
            None if ports.len() < 2 => Some(0),
            None => None,
            Some(port) => ports.iter().position(|name| *name == port),
        };
        let port = at.and_then(PortId::new).ok_or_else(|| {
            let (text, names) = (harmless(text), ports.join("`, `"));
            match ports {
                [] => {
                    problem(format!("`{text}` names a port, and this flow declares none"), "write `urc@17`".to_string())
                }
                [first, ..] => problem(
                    format!("`{text}` does not name a port of the flow"),
                    format!("write `urc@{first}:17`, as a report does; its ports are: `{names}`"),
                ),
            }
        })?;
        let block = block.parse().map_err(|_| {
            problem(format!("`{block}` is not the number of a block"), "write `urc@17`, as a report does".to_string())
        })?;
        Ok(Occurrence { fault: fault(name)?, port, block })
    };
    exact.into_iter().map(occurrence).collect::<Result<BTreeSet<_>, _>>().map(Choice::Exactly)
}

fn carry_out(arguments: &StressArguments, prepared: &Prepared, terminal: &Terminal) -> Ending {
    let Prepared { bench, campaign, about, reports } = prepared;
    let file = harmless_path(&arguments.file);
    terminal.say(&format!("stress {file}: {} runs from seed {}\n", campaign.runs, campaign.seed));
    let done = run(bench, campaign);
    let ending = match &done {
        Ok(report) => show(report, arguments, prepared, terminal),
        Err(ideal) => {
            terminal.say("\nit does not pass on an ideal line, so nothing was tried:\n\n");
            if let Some(failure) = &ideal.failure {
                terminal.report(&[diagnostic_of(failure)], &covered(bench, ideal));
            }
            Ending::Found
        }
    };
    if reports.is_empty() {
        return ending;
    }
    let (ideal, report) = match &done {
        Ok(report) => (&report.ideal, Some(report)),
        Err(ideal) => (&**ideal, None),
    };
    let told = CampaignReport { about: about.clone(), ..campaign_report(arguments, bench, ideal, report) };
    write_each(reports, |report| report.write_campaign(&told), ending, terminal)
}

/// Shows what a campaign found; returns how the command ends.
fn show(report: &Report, arguments: &StressArguments, prepared: &Prepared, terminal: &Terminal) -> Ending {
    let Prepared { bench, campaign, .. } = prepared;
    terminal.say(&render_report(report, &bench.port_names()));
    for (i, finding) in report.findings.iter().enumerate() {
        terminal.say(&format!("\n{}. {}\n", i + 1, render_finding(finding, bench, arguments)));
        if let Some(failure) = &finding.trial.failure {
            terminal.report(&[diagnostic_of(failure)], &covered(bench, &finding.trial));
        }
    }
    match (&campaign.choice, report.findings.is_empty()) {
        (_, false) => Ending::Found,
        // There is no such place.
        (Choice::Exactly(_), true) if report.struck.is_empty() => Ending::Refused,
        (Choice::Exactly(_) | Choice::Faults(_), true) => Ending::Done,
    }
}

/// Returns what reports are printed from; nothing but the ideal run if that did not pass.
fn campaign_report(
    arguments: &StressArguments,
    bench: &Bench,
    ideal: &Trial,
    report: Option<&Report>,
) -> CampaignReport {
    let kind = |title, tally: &Tally| {
        let Tally { runs, same, failed, wrong } = *tally;
        KindOfRuns { title, runs, same, failed, wrong }
    };
    let finding = |finding: &Finding| {
        let strike = |strike: &Strike| StrikeReport {
            at: strike.at.since_start(),
            occurrence: strike.occurrence.show(&bench.port_names()),
            what: strike.what.clone(),
        };
        FindingReport {
            wrong: word(finding.wrong),
            site: finding.site,
            runs: finding.runs,
            seed: finding.seed,
            strikes: finding.trial.strikes.iter().map(strike).collect(),
            text: render_finding(finding, bench, arguments),
            failure: finding.trial.failure.clone(),
            sources: covered(bench, &finding.trial),
        }
    };
    CampaignReport {
        file: name_of(&arguments.file),
        title: bench.flow().title.clone(),
        port: arguments.ports.join(" "),
        seed: arguments.seed,
        ideal: IdealRun {
            verdict: verdict_of(ideal).title(),
            is_success: verdict_of(ideal).is_success(),
            took: ideal.took.since_start(),
            n_writes: ideal.sent.len(),
            n_blocks: ideal.blocks.iter().sum(),
            failure: ideal.failure.clone(),
            sources: covered(bench, ideal),
        },
        struck: report
            .map_or(Vec::new(), |report| report.struck.iter().map(|(fault, runs)| (fault.name(), *runs)).collect()),
        kinds: report.map_or(Vec::new(), |report| vec![kind("benign", &report.benign), kind("malign", &report.malign)]),
        findings: report.map_or(Vec::new(), |report| report.findings.iter().map(finding).collect()),
        about: None,
    }
}

fn verdict_of(trial: &Trial) -> Verdict {
    match &trial.ending {
        RunEnding::Verdict(verdict) => *verdict,
        RunEnding::Endless | RunEnding::Panicked(_) => Verdict::Failed,
    }
}

/// Returns the word for what is wrong, as reports have it.
fn word(wrong: Wrong) -> &'static str {
    match wrong {
        Wrong::Fragile => "fragile",
        Wrong::FalsePass => "false pass",
        Wrong::Endless => "endless",
        Wrong::Unexplained => "unexplained",
        Wrong::Panicked => "panic",
    }
}

/// Returns the texts of the flow with the secrets covered that a run knew: one that was given may stand in them too.
fn covered(bench: &Bench, trial: &Trial) -> Sources {
    let mut sources = (*bench.flow().sources).clone();
    trial.secrets.iter().for_each(|(_, secret)| sources.hide(secret));
    sources
}

fn render_report(report: &Report, ports: &[&str]) -> String {
    let Report { ideal, struck, benign, malign, .. } = report;
    let verdict = verdict_of(ideal).title();
    let mut text = format!(
        "  ideal line   {verdict}, {} s, {} writes, {} blocks of answers\n",
        ideal.took,
        ideal.sent.len(),
        ideal.blocks.iter().sum::<u32>()
    );
    for (title, tally) in [("benign", benign), ("malign", malign)] {
        let Tally { runs, same, failed, wrong } = *tally;
        if runs > 0 {
            let failed = if failed > 0 { format!(", {failed} failed and said why") } else { String::new() };
            let wrong = if wrong > 0 { format!(", {wrong} wrong, see below") } else { String::new() };
            text += &format!("  {title}       {runs} runs: {same} as on the ideal line{failed}{wrong}\n");
        }
    }
    let struck: Vec<String> = struck.iter().map(|(fault, runs)| format!("{} in {runs}", fault.name())).collect();
    if !struck.is_empty() {
        text += &format!("  faults       {}\n", struck.join(", "));
    }
    if report.struck.is_empty() {
        let blocks = |(at, n): (usize, &u32)| {
            let of = ports.get(at).filter(|_| ports.len() > 1).map_or_else(String::new, |name| format!(" of `{name}`"));
            format!("0 to {}{of}", n.saturating_sub(1))
        };
        let blocks: Vec<String> = report.ideal.blocks.iter().enumerate().map(blocks).collect();
        text += &format!("  no fault struck, so nothing was tried; the blocks are {}\n", blocks.join(", "));
    } else if report.findings.is_empty() {
        text += "  nothing found\n";
    }
    text
}

fn render_finding(finding: &Finding, bench: &Bench, arguments: &StressArguments) -> String {
    let Finding { wrong, site, runs, seed, trial } = finding;
    let place = site.map(|site| bench.flow().sources.place(site));
    let place = place.map_or(String::new(), |place| format!(" at {}", harmless(&place)));
    let times = if *runs == 1 { "1 run".to_string() } else { format!("{runs} runs") };
    let head = word(*wrong);
    let mut text = match wrong {
        Wrong::Fragile => format!("{head}{place}: {times} ended differently, although nothing on the line was wrong"),
        Wrong::FalsePass => {
            let what = "passed although the device did not receive, or did not send, what it should";
            format!("{head}: {times} {what}\n   to change: expect the answer to each command, and check what is saved")
        }
        Wrong::Endless => format!("{head}{place}: {times} did not end by itself"),
        Wrong::Unexplained => format!("{head}{place}: {times} failed without a reason"),
        Wrong::Panicked => format!("{head}: {times} ended with a panic, a defect of flowrun"),
    };
    match &trial.ending {
        RunEnding::Panicked(why) => text += &format!("\n   {}", harmless(why)),
        RunEnding::Verdict(verdict) => {
            let remarks =
                [remark(trial.n_skipped, "step", "skipped"), remark(trial.n_cleanups_failed, "clean-up", "failed")];
            let ended = [verdict.title().to_string()].into_iter().chain(remarks.into_iter().flatten());
            text += &format!("\n   ended: {}", ended.collect::<Vec<_>>().join(", "));
        }
        RunEnding::Endless => {}
    }
    let names = bench.port_names();
    text += "\n   the smallest case that shows it:";
    for strike in trial.strikes.iter().take(MOST_STRIKES) {
        text +=
            &format!("\n     {:>9} s  {:<10} {}", strike.at.to_string(), strike.occurrence.show(&names), strike.what);
    }
    if trial.strikes.len() > MOST_STRIKES {
        text += &format!("\n     … and {} more", trial.strikes.len() - MOST_STRIKES);
    }
    let faults: Vec<String> = trial.strikes.iter().map(|strike| strike.occurrence.show(&names)).collect();
    text += &format!("\n   again: flowrun stress {}", harmless_path(&arguments.file));
    for port in arguments.ports.iter().filter(|port| *port != "sim") {
        text += &format!(" --port {}", harmless(port));
    }
    text += &format!(" --runs 1 --seed {seed} --faults {}", faults.join(","));
    let VariableArguments { vars, files, var_files, named_files } = &arguments.variables;
    let has_texts = [vars, var_files, named_files].iter().any(|texts| !texts.is_empty());
    let has_variables = has_texts || !files.is_empty() || !arguments.limits.limits.is_empty();
    if has_variables || !arguments.sim_vars.is_empty() {
        text += "\n          (and the same variables)";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Choice, String> {
        let typed: Vec<String> = text.split(',').map(str::to_string).collect();
        choice(&typed, &[], true)
            .map_err(|problem| format!("{}; {}", problem.message, problem.help.unwrap_or_default()))
    }

    #[test]
    fn faults_are_named_by_kind_or_by_place() {
        assert_eq!(read("urc,echo"), Ok(Choice::Faults([Fault::Urc, Fault::Echo].into())));
        let exact = Occurrence::on_first(Fault::Urc, 17);
        assert_eq!(read("urc@17"), Ok(Choice::Exactly([exact].into())));
        assert_eq!(read("ucr"), Err("unknown fault `ucr`; did you mean `urc`?".to_string()));
        assert!(read("urc@x").is_err() && read("urc@1,echo").is_err());
        assert_eq!(choice(&[], &[], true).ok(), Some(Choice::Faults(Fault::ALL.into_iter().collect())));
    }

    #[test]
    fn a_port_goes_away_only_if_the_flow_lets_it() {
        let Ok(Choice::Faults(faults)) = choice(&[], &[], false) else { panic!("they are kinds") };
        assert_eq!((faults.contains(&Fault::Unplug), faults.len()), (false, Fault::ALL.len() - 1));
        for typed in ["unplug", "unplug@3"] {
            let refused = choice(&[typed.to_string()], &[], false).map_err(|problem| problem.message);
            assert_eq!(
                refused,
                Err("`unplug` is for flows that let their port go away, and this one does not".to_string())
            );
        }
    }
}
