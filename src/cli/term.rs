//! `flowrun term PORT`: a terminal for a device, until somebody ends it.

mod files;
mod history_file;
mod keep;
mod lent;
mod offer;
mod places;
pub(super) mod raw;
mod run;
mod session;
mod zone;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::Ending;
use super::args::{RecordArguments, TermArguments, TypedMode, TypedNewline, TypedStamps};
use super::given;
use super::host::state_folder;
use super::named::{Asks, Named, named};
use super::record::{self, check_places, sought_in};
use super::refusal::{complain, refuse};
use super::terminal::Terminal;
use crate::address::{Address, labels};
use crate::diagnostic::render::Style;
use crate::diagnostic::{Code, Diagnostic};
use crate::draft::Sought;
use crate::legend::{Legend, Meaning};
use crate::port::{Carrier, PortId};
use crate::program::{Program, Role};
use crate::record::{Entry, EntryKind};
use crate::report::palette::paint_of;
use crate::settings::{SettingValue, Settings};
use crate::setup::{
    Complaint, Counterpart, Ender, Found, Read, find_counterpart, present, reach, read_recording, read_text,
    settings_of,
};
use crate::syntax::duration;
use crate::term::{Choices, HasSecret, Input, Mode, Newline, Notes, Options, Paint, Stamps, Surface, Term};
use crate::transport::{AnyPort, Clock, Interrupt, carrier, in_words, keys};
use crate::value::escape::{harmless, harmless_path, visible_cut};
use crate::variables::Offered;
use files::Files;
use history_file::HistoryFile;
use offer::Offer;
use places::part_of;
use session::{Manner, Port, Session, Slow, State};
use zone::Zone;

/// The keyboard, as a port beside that of the device.
const KEYS: PortId = PortId::numbered(1);

/// What wakes the session when the size of the terminal changes, and when the process goes on.
const WAKES: PortId = PortId::numbered(2);

/// What messages call the flow that stands for the session.
const NAME: &str = "what `term` runs";

/// Talks to a device.
pub(super) fn term(arguments: &TermArguments, terminal: &Terminal) -> Ending {
    try_term(arguments, terminal).unwrap_or_else(|ending| ending)
}

fn try_term(arguments: &TermArguments, terminal: &Terminal) -> Result<Ending, Ending> {
    let wrong = |problem: Diagnostic| {
        terminal.refuse(problem);
        Ending::Refused
    };
    let escape = escape_key(&arguments.escape).map_err(wrong)?;
    let within = within(&arguments.piped.within).map_err(wrong)?;
    let typed = std::slice::from_ref(&arguments.port);
    let mut named = named(typed, None, Asks::Names, Path::new("."), terminal)?;
    let address = named.awaited(arguments.wait_port.as_deref(), terminal, Named::address)?;
    if address == Address::OwnDevice || address.is_empty() || matches!(address, Address::Recording(_)) {
        let problem = Diagnostic::general(Code::CommandLine, format!("`{}` names no port for `term`", arguments.port));
        return Err(wrong(problem.help("name a serial port, see `flowrun ports`, or a device file: `sim:FILE`")));
    }
    let sought = checked(arguments, terminal)?;
    let library = library(arguments, terminal)?;
    let Read { program: flow, .. } =
        read_text(Role::Flow, NAME, "flow \"term\"\nassert 1 == 1\n").map_err(|error| refuse(error, terminal))?;
    let Found { counterpart, warnings, .. } =
        find_counterpart(std::slice::from_ref(&address), Path::new(NAME), &flow).map_err(|e| refuse(e, terminal))?;
    warnings.iter().for_each(|warnings| complain(warnings, terminal));
    let settings = settings(arguments, &named, &address, &counterpart, terminal)?;

    let ender = Ender::installed().and_then(|ender| ender.interrupt());
    let interrupt: Interrupt = ender.map_err(|error| refuse(error, terminal))?;
    let clock = Clock::start();
    let zone = Zone::at(present());
    let label = labels(std::slice::from_ref(&address)).remove(0);
    let (history, history_file) = HistoryFile::open(state_folder().as_deref(), &label).unwrap_or_else(|error| {
        terminal.warn(&format!("the history cannot be kept: {}", in_words(&error)));
        HistoryFile::open(None, &label).expect("nothing is read without a folder")
    });

    let surface = surface(arguments, terminal);
    let is_interactive = surface.input == Input::Keys;
    let own = own_ports(clock, &interrupt, is_interactive).map_err(|error| {
        terminal.refuse(Diagnostic::general(Code::CommandLine, format!("keys cannot be read: {}", in_words(&error))));
        Ending::Outside
    })?;
    let world = reach(&counterpart, Offered::default(), own, clock, &interrupt).map_err(|e| refuse(e, terminal))?;
    let restored = is_interactive.then(raw::Restored::at_the_end);
    if is_interactive {
        raw::enter().map_err(|error| {
            let message = format!("the terminal cannot be made raw: {}", in_words(&error));
            terminal.refuse(Diagnostic::general(Code::CommandLine, message));
            Ending::Outside
        })?;
    }

    let options = Options {
        choices: choices(arguments, &settings, escape),
        surface,
        clock: zone.clock(),
        encoding: settings.encoding,
        settle: settings.settle,
        history,
        completion: Box::new(Offer::of(library.as_deref())),
        paint: paint(library.as_deref(), surface.has_colours),
        has_secret: has_secret(sought.clone()),
    };
    let port = Port {
        name: address.to_string(),
        label,
        carrier: carrier_of(&counterpart),
        counterpart,
        dtr: settings.line.dtr.wanted().unwrap_or(true),
        rts: settings.line.rts.wanted().unwrap_or(true),
        settings,
        typed: arguments.line.clone(),
        state: State::Opening,
        n_writes: 0,
        n_unsent: 0,
        leftovers_until: None,
    };
    let manner = Manner { is_interactive, reconnects: !arguments.no_reconnect, within, ended: None, is_over: false };
    let mut session = Session {
        world,
        term: Term::new(options),
        clock,
        zone,
        files: Files::new(sought),
        history: history_file,
        port,
        manner,
        terminal,
        screen: Vec::new(),
        slow: Slow::default(),
    };
    if let Some(log) = &arguments.kept.log {
        session.begin_log((!log.is_empty()).then(|| PathBuf::from(log)));
    }
    let recording = arguments.kept.record.clone().or(arguments.kept.write.as_deref().map(part_of));
    if let Some(recording) = recording {
        session.begin_recording(clock.now(), Some(recording));
    }
    let ending = session.run();
    drop(session);
    drop(restored);
    named.release(terminal);
    Ok(match &arguments.kept.write {
        Some(flow) => drafted(flow, arguments, ending, terminal),
        None => ending,
    })
}

/// Makes sure that the files of a session can be written; returns what is secret in it.
fn checked(arguments: &TermArguments, terminal: &Terminal) -> Result<Arc<[Sought]>, Ending> {
    if let Some(flow) = &arguments.kept.write {
        check_places(flow, terminal)?;
    }
    let checked = sought_in(&arguments.kept.secrets).and_then(|sought| {
        places::check(arguments)?;
        Ok(sought.into())
    });
    checked.map_err(|problem| {
        terminal.refuse(*problem);
        Ending::Refused
    })
}

/// Drafts the flow of a session that has ended. Its recording goes when that has worked.
fn drafted(flow: &Path, arguments: &TermArguments, ending: Ending, terminal: &Terminal) -> Ending {
    let part = part_of(flow);
    let is_exchange = |entry: &Entry| matches!(entry.kind, EntryKind::Sent { .. } | EntryKind::Received { .. });
    if read_recording(&part).is_ok_and(|recording| !recording.entries.iter().any(is_exchange)) {
        // Nobody misses it.
        let _ = std::fs::remove_file(&part);
        terminal.warn("nothing was sent and nothing came: there is no flow to write");
        return if ending == Ending::Done { Ending::Refused } else { ending };
    }
    let made = record::record(
        &RecordArguments {
            from: vec![part.clone()],
            write: Some(flow.to_path_buf()),
            secrets: arguments.kept.secrets.clone(),
            title: None,
            color: arguments.color,
        },
        terminal,
    );
    if flow.exists() {
        // What is left of it harms nobody, and says what happened.
        let _ = std::fs::remove_file(&part);
    } else if part.exists() {
        terminal.warn(&format!("the recording of the session is kept in {}", harmless_path(&part)));
    }
    if ending == Ending::Done { made } else { ending }
}

/// Returns the ports that are the session's own: the keyboard, and what wakes it.
fn own_ports(clock: Clock, interrupt: &Interrupt, is_interactive: bool) -> std::io::Result<Vec<(PortId, AnyPort)>> {
    let mut own = vec![(KEYS, keys(clock, interrupt.clone())?)];
    #[cfg(unix)]
    if is_interactive {
        let wakes = crate::transport::wakes(raw::leave, raw::back, clock, interrupt.clone())?;
        own.push((WAKES, wakes));
    }
    #[cfg(not(unix))]
    let _ = is_interactive;
    own.reverse();
    Ok(own)
}

/// Returns what paints a line as the rules of the libraries explain it, and puts the meaning of an error code beside it.
fn paint(library: Option<&Program>, has_colours: bool) -> Paint {
    let legend = library.map_or_else(Legend::default, Legend::of);
    Box::new(move |line, text| {
        let Meaning { kind, text: meaning } = legend.line(PortId::FIRST, line);
        let style = paint_of(kind);
        let text = if has_colours { format!("{style}{text}{style:#}") } else { text };
        meaning.map_or(text.clone(), |meaning| format!("{text}  {meaning}"))
    })
}

/// Returns what says whether a line that was typed has a secret in it.
fn has_secret(sought: Arc<[Sought]>) -> HasSecret {
    Box::new(move |line| sought.iter().any(|sought| !sought.find(line.as_bytes()).is_empty()))
}

/// Returns the program that has what the libraries send; `None` if none is used.
fn library(arguments: &TermArguments, terminal: &Terminal) -> Result<Option<Arc<Program>>, Ending> {
    if arguments.libraries.is_empty() {
        return Ok(None);
    }
    let uses: String = arguments.libraries.iter().map(|name| format!("use {}\n", quoted(name))).collect();
    let text = format!("flow \"term\"\n{uses}assert 1 == 1\n");
    let path = Path::new(NAME);
    let read = crate::setup::read_text_here(Role::Flow, path, &text);
    read.map(|read| Some(read.program)).map_err(|error| refuse(error, terminal))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns how the port is set: the device's own settings, those of its name, and what was typed.
fn settings(
    arguments: &TermArguments,
    named: &Named,
    address: &Address,
    counterpart: &Counterpart,
    terminal: &Terminal,
) -> Result<Settings, Ending> {
    let of_port = named.settings_at(address, &settings_of(counterpart));
    let mut settings = given::settings(&of_port, &arguments.line).map_err(|problems| {
        complain(&Complaint { problems, sources: Default::default() }, terminal);
        Ending::Refused
    })?;
    if let Some(label) = &arguments.encoding
        && settings.set("encoding", &SettingValue::Word(label.clone())).is_err()
    {
        let shown = visible_cut(label.as_bytes(), 60);
        let problem = Diagnostic::general(Code::CommandLine, format!("`--encoding {shown}` is not an encoding"));
        terminal.refuse(problem.help("write a label such as `gbk`, `shift_jis` or `latin1`"));
        return Err(Ending::Refused);
    }
    Ok(settings)
}

fn choices(arguments: &TermArguments, settings: &Settings, escape: Option<u8>) -> Choices {
    Choices {
        mode: match arguments.mode {
            TypedMode::Console => Mode::Console,
            TypedMode::Line => Mode::Line,
        },
        line_end: settings.eol.clone(),
        echo: arguments.echo,
        hex: arguments.hex,
        hex_input: false,
        stamps: match arguments.stamps {
            TypedStamps::Off => Stamps::Off,
            TypedStamps::Clock => Stamps::Clock,
            TypedStamps::Delta => Stamps::Delta,
        },
        newline: match arguments.newline {
            TypedNewline::Keep => Newline::Keep,
            TypedNewline::Lf => Newline::Lf,
            TypedNewline::Cr => Newline::Cr,
        },
        escape,
    }
}

/// Looks at what standard input and standard output are.
fn surface(arguments: &TermArguments, terminal: &Terminal) -> Surface {
    let input = match (std::io::stdin().is_terminal(), arguments.piped.verbatim) {
        (true, _) => Input::Keys,
        (false, true) => Input::Bytes,
        (false, false) => Input::Lines,
    };
    let is_on_screen = input == Input::Keys && std::io::stdout().is_terminal();
    Surface {
        input,
        notes: if is_on_screen { Notes::OnScreen } else { Notes::Apart },
        columns: raw::size().map_or(80, |size| usize::from(size.columns)),
        has_colours: terminal.look().style == Style::Colour,
    }
}

fn carrier_of(counterpart: &Counterpart) -> Carrier {
    match counterpart {
        Counterpart::Real(port) => carrier(port),
        Counterpart::Device(_) | Counterpart::Recording(_) | Counterpart::Several(_) => Carrier::Serial,
    }
}

/// Reads the name of the escape key.
fn escape_key(typed: &str) -> Result<Option<u8>, Diagnostic> {
    let lower = typed.to_lowercase();
    if lower == "none" {
        return Ok(None);
    }
    let key = ["ctrl-", "ctrl+", "c-", "^"].iter().find_map(|start| lower.strip_prefix(start));
    match key.map(str::as_bytes) {
        // Ctrl-M and Ctrl-J are Enter, Ctrl-I is the tab, Ctrl-H may be the Backspace key.
        Some([b'm' | b'j' | b'i' | b'h' | b'[']) => Err(escape_problem(typed, "another key sends the same")),
        Some([key @ (b'a'..=b'z' | b'\\' | b']' | b'^' | b'_')]) => Ok(Some(key & 0x1f)),
        Some(_) | None => Err(escape_problem(typed, "it is not a control key")),
    }
}

fn escape_problem(typed: &str, why: &str) -> Diagnostic {
    let typed = visible_cut(typed.as_bytes(), 30);
    Diagnostic::general(Code::CommandLine, format!("`--escape {typed}` cannot be the escape key: {why}"))
        .help("write `ctrl-t`, another letter or `ctrl-]`, or `none`")
}

/// Reads how long an answer may take.
fn within(typed: &str) -> Result<Duration, Diagnostic> {
    duration(typed.trim()).ok_or_else(|| {
        let shown = visible_cut(typed.as_bytes(), 60);
        Diagnostic::general(Code::CommandLine, format!("`--within {shown}` is not a duration"))
            .help("write `--within 500ms`, `3s` or `2m`")
    })
}

/// Says that a port cannot be opened.
fn cannot_open(name: &str, why: &str, help: Option<&str>) -> Diagnostic {
    let problem = Diagnostic::general(Code::RunPort, format!("`{}` cannot be opened: {why}", harmless(name)));
    match help {
        Some(help) => problem.help(help),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_escape_key_is_a_control_key_that_no_other_key_sends() {
        assert_eq!(escape_key("ctrl-t").ok(), Some(Some(0x14)));
        assert_eq!(escape_key("^]").ok(), Some(Some(0x1d)));
        assert_eq!(escape_key("Ctrl-A").ok(), Some(Some(1)));
        assert_eq!(escape_key("none").ok(), Some(None));
        for typed in ["ctrl-m", "ctrl-i", "x", "ctrl-", "ctrl-tt", ""] {
            assert!(escape_key(typed).is_err(), "{typed}");
        }
    }
}
