//! What fits a word: ports of the machine, names of `flowrun.toml`, params of the flow on the line, files. Nothing is opened
//! but files, and no program runs.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::args::{self, Candidate, Wanted};
use super::super::host::home;
use crate::bench::{Bench, find};
use crate::check::check;
use crate::disk::{Reach, folder_of};
use crate::load::{STANDARD, load_file};
use crate::program::{Param, Program};
use crate::reference::{codes, topics};
use crate::report::format::Format;
use crate::settings::SETTINGS;
use crate::setup::devices_of;
use crate::shipped::{examples, introduction};
use crate::stress::Fault;
use crate::suite::find::{self as suite, describe};
use crate::transport::{Machine, list_of};
use crate::value::encoding::LABELS;

/// So many flows of a suite are read for their tags: who waits for a shell waits for a moment only.
const MOST_FLOWS: usize = 300;

/// So many files of a folder are offered.
const MOST_FILES: usize = 2000;

/// The rates that adapters and devices have.
const RATES: &[&str] =
    &["115200", "9600", "19200", "38400", "57600", "230400", "460800", "921600", "1000000", "1500000", "2400", "4800"];

/// How an address may begin, and what it is.
const SCHEMES: &[(&str, &str)] = &[
    ("sim", "the simulated device that the flow names"),
    ("sim:", "a device file"),
    ("replay:", "a recording"),
    ("tcp://", "a connection"),
    ("telnet://", "bytes over Telnet"),
    ("rfc2217://", "a serial port of another machine"),
    ("unix:", "a socket of this machine"),
    ("exec:", "a program on a pseudo-terminal"),
    ("labgrid:", "a place of a laboratory"),
];

/// A command line, as far as it is typed.
pub(super) struct Line {
    words: Vec<String>,
}

impl Line {
    /// Makes a line of the words before the one that is being typed.
    pub(super) fn new(words: &[OsString]) -> Line {
        Line { words: words.iter().map(|word| word.to_string_lossy().into_owned()).collect() }
    }

    /// Returns what fits; it may have more than begins with what is typed.
    pub(super) fn fitting(&self, wanted: Wanted, typed: &str) -> Vec<Candidate> {
        match wanted {
            Wanted::Port => self.ports_of_a_run(typed),
            Wanted::Device => devices(typed),
            Wanted::OnePort => self.ports(typed),
            Wanted::Bench => self.of_the_bench(|bench| named(bench.benches.iter().map(|bench| &bench.name))),
            Wanted::Profile => self.of_the_bench(|bench| named(bench.profiles.iter().map(|profile| &profile.name))),
            Wanted::Param => self.params(typed, |_| true),
            Wanted::DeviceParam => self.params_of_device(typed),
            Wanted::ParamAndFile => after_name(typed).unwrap_or_else(|| self.params(typed, |param| !param.is_file)),
            Wanted::DeclaredFile => after_name(typed).unwrap_or_else(|| self.params(typed, |param| param.is_file)),
            Wanted::Setting => settings(typed),
            Wanted::Baud => plain(RATES.iter().copied()),
            Wanted::Encoding => plain(LABELS.iter().copied()),
            Wanted::Filter => self.filters(),
            Wanted::Order => plain(["name", "random", "random:", "failed-first"].into_iter()),
            Wanted::Fault => faults(typed),
            Wanted::Report => reports(typed, Format::all()),
            Wanted::Campaign => reports(typed, Format::all().filter(|format| format.of_campaign().is_some())),
            Wanted::Page => {
                after_name(typed).unwrap_or_else(|| vec![Candidate::new("html=", "a page of what happened")])
            }
            Wanted::Artifacts => {
                let words = plain(["always", "always=", "never"].into_iter());
                words.into_iter().chain(files(typed, None)).collect()
            }
            Wanted::Library => libraries("std/"),
            Wanted::Used => libraries(""),
            Wanted::Example => examples().map(|example| Candidate::new(example.name, example.title())).collect(),
            Wanted::Code => codes().into_iter().map(|code| Candidate::new(code.code, code.wrong)).collect(),
            Wanted::HelpWord => self.help_words(),
            Wanted::Command => named(args::commands().iter()),
            Wanted::File(endings) => files(typed, Some(endings)),
            Wanted::Folder => files(typed, None),
        }
    }

    /// Returns the flow on the line, or the first if there are several.
    fn flow(&self) -> Option<PathBuf> {
        let is_flow = |word: &&String| !word.starts_with('-') && word.ends_with(".flow");
        let paths = self.words.iter().filter(is_flow).map(|word| expanded(word));
        paths.into_iter().find(|path| path.is_file())
    }

    fn program(&self) -> Option<(PathBuf, Program)> {
        let path = self.flow()?;
        let program = check(load_file(&path, Reach::Anywhere)).program?;
        Some((path, program))
    }

    fn params(&self, typed: &str, is_meant: impl Fn(&Param) -> bool) -> Vec<Candidate> {
        // What follows the sign is the user's.
        if typed.contains('=') {
            return Vec::new();
        }
        self.program().map(|(_, program)| params_of(&program, is_meant)).unwrap_or_default()
    }

    /// Returns the params of the device: the one of `--port sim:FILE`, else those that the flow names.
    fn params_of_device(&self, typed: &str) -> Vec<Candidate> {
        if typed.contains('=') {
            return Vec::new();
        }
        let ports = self.words.iter().filter_map(|word| word.split_once("sim:").map(|(_, file)| expanded(file)));
        let mut devices: Vec<PathBuf> = ports.filter(|path| path.is_file()).collect();
        if devices.is_empty()
            && let Some((path, flow)) = self.program()
        {
            devices.extend(devices_of(&path, &flow).into_iter().flatten().filter_map(|(_, device)| device.ok()));
        }
        let programs = devices.iter().filter_map(|path| check(load_file(path, Reach::Anywhere)).program);
        programs.flat_map(|program| params_of(&program, |_| true)).collect()
    }

    fn of_the_bench(&self, of: impl Fn(&Bench) -> Vec<Candidate>) -> Vec<Candidate> {
        let flow = self.flow();
        let folder = flow.as_deref().map_or(Path::new("."), folder_of);
        let file = find(folder, home().as_deref());
        file.and_then(|file| Bench::read(&file).ok()).map(|bench| of(&bench)).unwrap_or_default()
    }

    fn ports_of_a_run(&self, typed: &str) -> Vec<Candidate> {
        let declared = self.program().map(|(_, program)| program.ports).unwrap_or_default();
        if let Some((name, rest)) = typed.split_once('=')
            && declared.iter().any(|port| port.name == name)
        {
            let with_name = |found: Candidate| Candidate { value: format!("{name}={}", found.value), ..found };
            return self.ports(rest).into_iter().map(with_name).collect();
        }
        let of_flow = declared.iter().map(|port| Candidate::new(format!("{}=", port.name), "a port of the flow"));
        of_flow.chain(self.ports(typed)).collect()
    }

    fn ports(&self, typed: &str) -> Vec<Candidate> {
        for (scheme, endings) in [("sim:", &["flow"] as &[&str]), ("replay:", &["recording"]), ("unix:", &[])] {
            if let Some(rest) = typed.strip_prefix(scheme) {
                let found = files(rest, Some(endings)).into_iter();
                return found.map(|found| Candidate { value: format!("{scheme}{}", found.value), ..found }).collect();
            }
        }
        let listed = list_of(&Machine::this());
        let mut found: Vec<Candidate> = listed.iter().map(|port| Candidate::new(&port.name, &port.what)).collect();
        let at = if typed.starts_with('@') { "@" } else { "" };
        found.extend(self.of_the_bench(|bench| {
            bench.ports.iter().map(|port| Candidate::new(format!("{at}{}", port.name), &port.address)).collect()
        }));
        let addresses = |port| -> Vec<Candidate> {
            let port: &crate::address::PortDescription = port;
            port.addresses(&listed).into_iter().map(|address| Candidate::new(address, &port.name)).collect()
        };
        found.extend(listed.iter().flat_map(addresses));
        found.extend(SCHEMES.iter().map(|(scheme, what)| Candidate::new(*scheme, *what)));
        // A pseudo-terminal, or a second name of one, is in no list.
        if typed.contains('/') && !found.iter().any(|found| found.value.starts_with(typed)) {
            found.extend(files(typed, Some(&[])));
        }
        found
    }

    fn filters(&self) -> Vec<Candidate> {
        let paths: Vec<PathBuf> = self.words.iter().skip(1).map(|word| expanded(word)).filter(|p| p.exists()).collect();
        let paths = if paths.is_empty() { vec![PathBuf::from(".")] } else { paths };
        let flows = suite::find(&paths).map(|found| found.flows).unwrap_or_default();
        let described: Vec<_> = flows.iter().take(MOST_FLOWS).map(|flow| describe(flow)).collect();
        let tags: BTreeSet<&String> = described.iter().flat_map(|flow| &flow.tags).collect();
        let tags = tags.iter().map(|tag| Candidate::new(format!("tag({tag})"), "flows with this tag"));
        let stem = |file: &str| Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let names = described.iter().filter_map(|flow| Some(Candidate::new(stem(&flow.file)?, &flow.title)));
        tags.chain(names).collect()
    }

    fn help_words(&self) -> Vec<Candidate> {
        if self.words.iter().any(|word| word == "language") {
            let words = crate::syntax::table::STATEMENTS.iter().flat_map(|row| row.words());
            return plain(topics().into_iter().filter(|topic| !topic.contains(' ')).chain(words));
        }
        let language = Candidate::new("language", "what a flow may say");
        named(args::commands().iter()).into_iter().chain([language]).collect()
    }
}

fn plain<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Candidate> {
    values.map(|value| Candidate::new(value, "")).collect()
}

fn named<'a>(names: impl Iterator<Item = &'a String>) -> Vec<Candidate> {
    plain(names.map(String::as_str))
}

fn params_of(program: &Program, is_meant: impl Fn(&Param) -> bool) -> Vec<Candidate> {
    let what = |param: &Param| {
        let kind = if param.is_secret { "a secret" } else { param.kind.title() };
        format!("{kind}{}", if param.default.is_none() { ", needed" } else { "" })
    };
    let params = program.params.iter().filter(|param| is_meant(param));
    params.map(|param| Candidate::new(format!("{}=", param.name), what(param))).collect()
}

/// Returns the files that fit what follows `NAME=`; `None` if no name is there yet.
fn after_name(typed: &str) -> Option<Vec<Candidate>> {
    let (name, rest) = typed.split_once('=')?;
    let with_name = |found: Candidate| Candidate { value: format!("{name}={}", found.value), ..found };
    Some(files(rest, Some(&[])).into_iter().map(with_name).collect())
}

fn reports(typed: &str, formats: impl Iterator<Item = Format>) -> Vec<Candidate> {
    after_name(typed).unwrap_or_else(|| {
        formats.map(|format| Candidate::new(format!("{}=", format.name()), brief(format.content()))).collect()
    })
}

/// Returns what a row of the documents says first, as plain text: a shell shows one line, and no Markdown.
fn brief(row: &str) -> String {
    let first = row.split("; ").next().unwrap_or_default();
    let first = first.split(": ").next().unwrap_or_default().replace('`', "");
    match first.strip_prefix('[').and_then(|rest| rest.split_once("](")) {
        Some((name, rest)) => format!("{name}{}", rest.split_once(')').map_or("", |(_, after)| after)),
        None => first,
    }
}

/// Returns the settings of a line; behind the sign the words that one of them takes.
fn settings(typed: &str) -> Vec<Candidate> {
    let Some((name, _)) = typed.split_once('=') else {
        return SETTINGS.iter().map(|(name, takes)| Candidate::new(format!("{name}="), *takes)).collect();
    };
    let takes = SETTINGS.iter().find(|(known, _)| *known == name).map_or("", |(_, takes)| *takes);
    // What a setting takes stands in backticks.
    let words = takes.split('`').skip(1).step_by(2).map(|word| word.trim_matches('"'));
    words.map(|word| Candidate::new(format!("{name}={word}"), "")).collect()
}

/// Returns faults that are not in the list yet.
fn faults(typed: &str) -> Vec<Candidate> {
    let before = typed.rfind(',').map_or("", |at| &typed[..=at]);
    let names = Fault::ALL.into_iter().filter(|fault| !before.split(',').any(|name| name == fault.name()));
    let what = |fault: Fault| if fault.is_benign() { "benign" } else { "malign" };
    names.map(|fault| Candidate::new(format!("{before}{}", fault.name()), what(fault))).collect()
}

fn devices(typed: &str) -> Vec<Candidate> {
    match typed.strip_prefix("sim:") {
        Some(rest) => {
            let found = files(rest, Some(&["flow"])).into_iter();
            found.map(|found| Candidate { value: format!("sim:{}", found.value), ..found }).collect()
        }
        None => SCHEMES[..2].iter().map(|(scheme, what)| Candidate::new(*scheme, *what)).collect(),
    }
}

fn libraries(without: &str) -> Vec<Candidate> {
    let first = |text| introduction(text).into_iter().find(|line| !line.is_empty()).unwrap_or_default();
    STANDARD.iter().map(|(name, text)| Candidate::new(name.trim_start_matches(without), first(text))).collect()
}

/// Returns the path that a typed one means: a shell hands `~` on as it is.
fn expanded(typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(typed),
    }
}

/// Returns the folders that a typed path may go on with, and files with these endings; `None` is no file, no ending is every.
fn files(typed: &str, endings: Option<&[&str]>) -> Vec<Candidate> {
    let at = typed.rfind(std::path::is_separator).map_or(0, |at| at + 1);
    let (folder, begins) = typed.split_at(at);
    let read = if folder.is_empty() { PathBuf::from(".") } else { expanded(folder) };
    let mut found = Vec::new();
    for entry in fs::read_dir(read).into_iter().flatten().flatten().take(MOST_FILES) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.starts_with(begins) || (name.starts_with('.') && !begins.starts_with('.')) {
            continue;
        }
        if entry.path().is_dir() {
            found.push(format!("{folder}{name}/"));
        } else if endings.is_some_and(|endings| {
            endings.is_empty()
                || endings.iter().any(|ending| name.strip_suffix(ending).is_some_and(|n| n.ends_with('.')))
        }) {
            found.push(format!("{folder}{name}"));
        }
    }
    found.sort();
    named(found.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> Line {
        Line { words: words.iter().map(ToString::to_string).collect() }
    }

    fn values(found: Vec<Candidate>) -> Vec<String> {
        found.into_iter().map(|found| found.value).collect()
    }

    /// Makes a folder with a flow of two params and its device, and returns the path of the flow.
    fn bench() -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("there is room");
        put("modem.flow", "device \"Modem\"\nparam signal = \"9\"\non \"AT\" { reply \"OK\" }\n");
        let flow = "flow \"Login\"\ntag \"smoke\"\nsim \"modem.flow\"\nparam apn = \"internet\"\nsecret password\n\
                    send \"AT {apn} {password}\"\nexpect line \"OK\"\n";
        put("login.flow", flow);
        put("flowrun.toml", "[ports.modem]\naddress = \"/dev/ttyUSB7\"\n\n[profile.lab]\nports = [\"modem\"]\n");
        put("notes.txt", "");
        let path = folder.path().join("login.flow").display().to_string();
        (folder, path)
    }

    #[test]
    fn variables_are_those_of_the_flow_and_of_its_device() {
        let (_folder, flow) = bench();
        let line = line(&[&flow, "--port", "sim"]);
        assert_eq!(values(line.fitting(Wanted::Param, "")), ["apn=", "password="]);
        assert_eq!(values(line.fitting(Wanted::Param, "apn=i")), [""; 0], "what follows is the user's");
        assert_eq!(values(line.fitting(Wanted::DeviceParam, "")), ["signal="]);
        let secret = line.fitting(Wanted::Param, "").into_iter().nth(1).and_then(|found| found.help);
        assert_eq!(secret.as_deref(), Some("a secret, needed"));
    }

    #[test]
    fn a_port_is_a_name_of_the_file_beside_the_flow_or_a_kind_of_address() {
        let (folder, flow) = bench();
        let line = line(&[&flow]);
        let found = values(line.fitting(Wanted::Port, ""));
        assert!(["modem", "sim", "rfc2217://"].iter().all(|value| found.contains(&value.to_string())), "{found:?}");
        assert!(values(line.fitting(Wanted::Port, "@")).contains(&"@modem".to_string()));
        assert_eq!(values(line.fitting(Wanted::Profile, "")), ["lab"]);
        let typed = format!("sim:{}/mo", folder.path().display());
        assert_eq!(values(line.fitting(Wanted::Port, &typed)), [format!("{typed}dem.flow")]);
    }

    #[test]
    fn files_have_the_ending_that_is_wanted() {
        let (folder, _) = bench();
        fs::create_dir(folder.path().join("more")).expect("there is room");
        let at = format!("{}/", folder.path().display());
        let of = |wanted| values(line(&[]).fitting(wanted, &at)).iter().map(|v| v[at.len()..].to_string()).collect();
        let flows: Vec<String> = of(Wanted::File(&["flow"]));
        assert_eq!(flows, ["login.flow", "modem.flow", "more/"]);
        let folders: Vec<String> = of(Wanted::Folder);
        assert_eq!(folders, ["more/"]);
        let found = values(line(&["test", &at]).fitting(Wanted::Filter, ""));
        assert_eq!(found, ["tag(smoke)", "login"]);
    }

    #[test]
    fn settings_and_faults_go_on_behind_a_sign() {
        let of = |wanted, typed: &str| values(line(&[]).fitting(wanted, typed));
        assert!(of(Wanted::Setting, "").contains(&"echo=".to_string()));
        assert_eq!(of(Wanted::Setting, "echo="), ["echo=auto", "echo=on", "echo=off"]);
        let faults = of(Wanted::Fault, "split,");
        assert!(faults.contains(&"split,delay".to_string()) && !faults.contains(&"split,split".to_string()));
        assert!(of(Wanted::Report, "").contains(&"junit=".to_string()));
        assert!(!of(Wanted::Campaign, "").contains(&"lcov=".to_string()));
    }

    #[test]
    fn what_a_report_is_fits_one_line_of_a_shell() {
        let found = reports("", Format::all());
        let shown: Vec<_> =
            found.iter().map(|one| format!("{}  -- {}", one.value, one.help.as_deref().unwrap_or_default())).collect();
        assert!(shown.iter().all(|line| line.len() <= 79 && !line.contains(['`', '[', ';'])), "{shown:#?}");
        assert!(shown.contains(&"ctrf=  -- CTRF, a test a flow with its steps".to_string()), "{shown:#?}");
    }
}
