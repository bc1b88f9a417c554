//! `Command`: what a key after the escape key and a line that begins with `:` can ask for; one table for both.

use std::time::Duration;

use super::choice::{LineEnd, Mode, Newline, Stamps};
use crate::diagnostic::nearest::nearest;
use crate::value::escape::visible_cut;

/// Something that the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Show the keys and the commands.
    Help,
    /// Keys go out at once, or a line at a time; without a mode the other one.
    Mode(Option<Mode>),
    /// Show what is typed, or do not.
    Echo,
    /// Show bytes in hex, or do not.
    Hex,
    /// Read what is typed as bytes in hex, or do not.
    HexInput,
    /// When a line came; without a choice the next one.
    Stamps(Option<Stamps>),
    /// What the Enter key sends; without a choice the next one.
    LineEnd(Option<LineEnd>),
    /// How line ends that come are shown; without a choice the next one.
    Newline(Option<Newline>),
    /// Empty the screen.
    Clear,
    /// Hold back what comes, or show it again.
    Pause,
    /// Show what went over the line.
    Statistics,
    /// Let the user type a command; it begins with this.
    Open(&'static str),
    /// Send the escape key itself.
    SendEscape,
    /// What the terminal cannot do by itself.
    Errand(Errand),
}

/// What has to be done outside: with the port, with files, with the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// End.
    Quit,
    /// Stop the process until the shell continues it.
    Suspend,
    /// Show how the port is set.
    Settings,
    /// Change a setting of the line.
    Set {
        /// Its name, as flows have it.
        name: String,
        /// Its value, as flows have it.
        value: String,
    },
    /// Switch DTR; without a state to the other one.
    Dtr(Option<bool>),
    /// Switch RTS; without a state to the other one.
    Rts(Option<bool>),
    /// Show CTS, DSR, DCD and RI.
    Lines,
    /// Hold the line in break for so long.
    Break(Duration),
    /// Throw away what was received and not read, and what was not sent.
    Flush,
    /// Send a file.
    SendFile {
        /// Which.
        path: String,
        /// The name of the protocol; `None` sends it as it is.
        protocol: Option<String>,
    },
    /// Run a flow on the open port.
    Run {
        /// Its file.
        path: String,
        /// `NAME=VALUE` each.
        variables: Vec<String>,
    },
    /// Write what comes to a file; without a name to a new one, or stop.
    Log(Option<String>),
    /// Keep a recording in a file; without a name in a new one, or stop.
    Record(Option<String>),
    /// Put a title into the recording; nothing goes to the device.
    Note(String),
    /// Let go of the port so that another program can open it, or take it back.
    Lend,
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// What is typed after `:`.
    pub name: &'static str,
    /// What may follow.
    pub argument: &'static str,
    /// What is pressed after the escape key.
    pub key: Option<char>,
    /// What it does.
    pub help: &'static str,
    /// What is asked for by the key.
    by_key: fn() -> Command,
    /// What is asked for by what follows the name.
    by_text: fn(&str) -> Result<Command, String>,
}

/// Every command, in the order of the help.
pub(crate) const TABLE: &[Row] = &[
    row("help", "", Some('?'), "show this table", || Command::Help, |_| Ok(Command::Help)),
    row("quit", "", Some('q'), "end; the port is closed", || errand(Errand::Quit), |_| Ok(errand(Errand::Quit))),
    row(
        "suspend",
        "",
        Some('z'),
        "stop until the shell continues it with `fg`",
        || errand(Errand::Suspend),
        |_| Ok(errand(Errand::Suspend)),
    ),
    row(
        "mode",
        "[console|line]",
        Some('m'),
        "send each key at once, or whole lines",
        || Command::Mode(None),
        |text| optional(text, &Mode::NAMES).map(Command::Mode),
    ),
    row("echo", "", Some('e'), "show what is typed: on, off", || Command::Echo, |_| Ok(Command::Echo)),
    row("hex", "", Some('h'), "show bytes in hex: on, off", || Command::Hex, |_| Ok(Command::Hex)),
    row(
        "hex_input",
        "",
        Some('x'),
        "read keys as bytes in hex: on, off",
        || Command::HexInput,
        |_| Ok(Command::HexInput),
    ),
    row(
        "stamps",
        "[off|clock|delta]",
        Some('t'),
        "say when a line came: the time, or since the line before",
        || Command::Stamps(None),
        |text| optional(text, &Stamps::NAMES).map(Command::Stamps),
    ),
    row(
        "eol",
        "[cr|lf|crlf|none]",
        Some('n'),
        "what Enter sends",
        || Command::LineEnd(None),
        |text| optional(text, &LineEnd::NAMES).map(Command::LineEnd),
    ),
    row(
        "newline",
        "[keep|lf|cr]",
        Some('i'),
        "start a new line at a bare LF, or at a bare CR",
        || Command::Newline(None),
        |text| optional(text, &Newline::NAMES).map(Command::Newline),
    ),
    row("clear", "", Some('l'), "empty the screen", || Command::Clear, |_| Ok(Command::Clear)),
    row("pause", "", Some('p'), "hold back the input, and show it again", || Command::Pause, |_| Ok(Command::Pause)),
    row(
        "statistics",
        "",
        Some('s'),
        "show what went over the line",
        || Command::Statistics,
        |_| Ok(Command::Statistics),
    ),
    row(
        "settings",
        "",
        Some('c'),
        "show how the port is set",
        || errand(Errand::Settings),
        |_| Ok(errand(Errand::Settings)),
    ),
    row("baud", "N", Some('u'), "change the bits per second", || Command::Open(":baud "), |text| set("baud", text)),
    row(
        "format",
        "8N1",
        Some('U'),
        "change data bits, parity and stop bits",
        || Command::Open(":format "),
        |text| set("format", text),
    ),
    row(
        "set",
        "NAME=VALUE",
        None,
        "change any setting of the line, such as flow_control=hardware",
        || Command::Open(":set "),
        |text| match text.split_once('=') {
            Some((name, value)) => Ok(errand(Errand::Set { name: name.trim().into(), value: value.trim().into() })),
            None => Err("write `:set NAME=VALUE`, such as `:set flow_control=hardware`".to_string()),
        },
    ),
    row(
        "dtr",
        "[on|off]",
        Some('d'),
        "switch DTR",
        || errand(Errand::Dtr(None)),
        |text| switch(text).map(|on| errand(Errand::Dtr(on))),
    ),
    row(
        "rts",
        "[on|off]",
        Some('r'),
        "switch RTS",
        || errand(Errand::Rts(None)),
        |text| switch(text).map(|on| errand(Errand::Rts(on))),
    ),
    row("lines", "", Some('L'), "show CTS, DSR, DCD and RI", || errand(Errand::Lines), |_| Ok(errand(Errand::Lines))),
    row("break", "[DURATION]", Some('b'), "hold the line in break, 250ms", || errand(Errand::Break(BREAK)), lasting),
    row(
        "flush",
        "",
        Some('F'),
        "throw away unread input and unsent output",
        || errand(Errand::Flush),
        |_| Ok(errand(Errand::Flush)),
    ),
    row(
        "send_file",
        "FILE [PROTOCOL]",
        Some('g'),
        "send a file: as it is, or by xmodem, xmodem_1k, ymodem",
        || Command::Open(":send_file "),
        send_file,
    ),
    row(
        "run",
        "FLOW [NAME=VALUE …]",
        Some('R'),
        "run a flow on the open port, then continue by hand",
        || Command::Open(":run "),
        run,
    ),
    row(
        "log",
        "[FILE]",
        Some('f'),
        "write the input to a file, or stop",
        || errand(Errand::Log(None)),
        |text| Ok(errand(Errand::Log(named(text)))),
    ),
    row(
        "record",
        "[FILE]",
        Some('w'),
        "keep a recording of the session, or stop",
        || errand(Errand::Record(None)),
        |text| Ok(errand(Errand::Record(named(text)))),
    ),
    row(
        "#",
        "TITLE",
        Some('#'),
        "give the recording a title; the device gets nothing",
        || Command::Open(":# "),
        |text| Ok(errand(Errand::Note(text.to_string()))),
    ),
    row(
        "lend",
        "",
        Some('o'),
        "let another program have the port, and take it back",
        || errand(Errand::Lend),
        |_| Ok(errand(Errand::Lend)),
    ),
];

/// How long a break lasts if nobody says so.
const BREAK: Duration = Duration::from_millis(250);

impl Command {
    /// Returns what a key after the escape key asks for.
    pub(crate) fn by_key(key: char) -> Option<Command> {
        if key == ':' {
            return Some(Command::Open(":"));
        }
        TABLE.iter().find(|row| row.key == Some(key)).map(|row| (row.by_key)())
    }

    /// Reads what was typed after `:`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to write.
    pub(crate) fn read(text: &str) -> Result<Command, String> {
        let text = text.trim();
        let (name, rest) = match text.strip_prefix('#') {
            Some(title) => ("#", title),
            None => text.split_once(char::is_whitespace).unwrap_or((text, "")),
        };
        let rest = rest.trim();
        let Some(row) = TABLE.iter().find(|row| row.name == name) else {
            let shown = visible_cut(name.as_bytes(), 30);
            let names = TABLE.iter().map(|row| row.name);
            return Err(match nearest(name, names) {
                Some(near) => format!("there is no command `:{shown}`: did you mean `:{near}`?"),
                None => format!("there is no command `:{shown}`: `:help` shows all"),
            });
        };
        if row.argument.is_empty() && !rest.is_empty() {
            return Err(format!("`:{name}` takes nothing after it"));
        }
        if rest.is_empty() && !row.argument.is_empty() && !row.argument.starts_with('[') {
            return Err(format!("write `:{name} {}`", row.argument));
        }
        (row.by_text)(rest)
    }
}

const fn row(
    name: &'static str,
    argument: &'static str,
    key: Option<char>,
    help: &'static str,
    by_key: fn() -> Command,
    by_text: fn(&str) -> Result<Command, String>,
) -> Row {
    Row { name, argument, key, help, by_key, by_text }
}

fn errand(errand: Errand) -> Command {
    Command::Errand(errand)
}

fn named(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_string())
}

fn set(name: &str, value: &str) -> Result<Command, String> {
    Ok(errand(Errand::Set { name: name.to_string(), value: value.to_string() }))
}

fn switch(text: &str) -> Result<Option<bool>, String> {
    optional(text, &[("on", true), ("off", false)])
}

/// Returns the choice of this name, or none if nothing was typed.
fn optional<T: Copy>(text: &str, names: &[(&str, T)]) -> Result<Option<T>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let found = names.iter().find(|(name, _)| *name == text);
    found.map(|(_, choice)| Some(*choice)).ok_or_else(|| {
        let all: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        format!("`{}` is not among `{}`", visible_cut(text.as_bytes(), 30), all.join("`, `"))
    })
}

fn lasting(text: &str) -> Result<Command, String> {
    if text.is_empty() {
        return Ok(errand(Errand::Break(BREAK)));
    }
    let (number, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1000),
        (None, None) => ("", 1),
    };
    match number.trim().parse::<u64>() {
        Ok(n @ 1..=60_000) if n * unit <= 60_000 => Ok(errand(Errand::Break(Duration::from_millis(n * unit)))),
        Ok(_) | Err(_) => Err("write a time of up to a minute, such as `:break 250ms` or `:break 2s`".to_string()),
    }
}

fn send_file(text: &str) -> Result<Command, String> {
    let protocol = text
        .rsplit_once(char::is_whitespace)
        .filter(|(_, word)| crate::transfer::Protocol::named(word).is_some() || *word == "raw");
    let (path, protocol) = match protocol {
        Some((path, "raw")) => (path, None),
        Some((path, word)) => (path, Some(word.to_string())),
        None => (text, None),
    };
    Ok(errand(Errand::SendFile { path: path.trim().to_string(), protocol }))
}

fn run(text: &str) -> Result<Command, String> {
    let mut words = text.split_whitespace();
    let path = words.next().unwrap_or_default().to_string();
    let variables: Vec<String> = words.map(ToString::to_string).collect();
    match variables.iter().find(|word| !word.contains('=')) {
        Some(word) => Err(format!("`{}` is not `NAME=VALUE`", visible_cut(word.as_bytes(), 30))),
        None => Ok(errand(Errand::Run { path, variables })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_every_name_is_in_the_table_once() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(TABLE[at + 1..].iter().all(|other| other.name != row.name), "{}", row.name);
            assert!(row.key.is_none() || TABLE[at + 1..].iter().all(|other| other.key != row.key), "{}", row.name);
            assert_ne!(row.key, Some(':'));
        }
    }

    #[test]
    fn the_document_has_the_same_table() {
        let document = include_str!("../../docs/terminal.md");
        let rows: Vec<&str> = document.lines().filter(|line| line.contains("| `:")).collect();
        let wanted: Vec<String> = TABLE
            .iter()
            .map(|row| {
                let key = row.key.map_or(String::new(), |key| format!("`{key}`"));
                let command = format!(":{} {}", row.name, row.argument.replace('|', "\\|"));
                format!("| {key} | `{}` | {} |", command.trim_end(), row.help)
            })
            .collect();
        assert_eq!(rows, wanted);
    }

    #[test]
    fn a_key_and_its_name_ask_for_the_same() {
        for row in TABLE.iter().filter(|row| row.argument.is_empty() || row.argument.starts_with('[')) {
            let Some(key) = row.key else { continue };
            assert_eq!(Some(Command::read(row.name).expect("a name is enough")), Command::by_key(key), "{}", row.name);
        }
    }

    #[test]
    fn what_is_wrong_with_a_command_says_what_to_write() {
        let wrong = |text: &str| Command::read(text).expect_err("it is wrong");
        assert_eq!(wrong("quite"), "there is no command `:quite`: did you mean `:quit`?");
        assert_eq!(wrong("baud"), "write `:baud N`");
        assert_eq!(wrong("eol lfcr"), "`lfcr` is not among `cr`, `lf`, `crlf`, `none`");
        assert_eq!(wrong("quit now"), "`:quit` takes nothing after it");
        assert_eq!(wrong("run a.flow b"), "`b` is not `NAME=VALUE`");
        assert!(wrong("break long").contains(":break 250ms"));
    }

    #[test]
    fn arguments_are_read() {
        let errand = |text: &str| match Command::read(text) {
            Ok(Command::Errand(errand)) => errand,
            other => panic!("{other:?}"),
        };
        let send = |path: &str, protocol: Option<&str>| Errand::SendFile {
            path: path.to_string(),
            protocol: protocol.map(ToString::to_string),
        };
        assert_eq!(errand("send_file my file.bin ymodem"), send("my file.bin", Some("ymodem")));
        assert_eq!(errand("send_file a.txt"), send("a.txt", None));
        assert_eq!(errand("send_file ymodem raw"), send("ymodem", None));
        assert_eq!(errand("# find the module"), Errand::Note("find the module".to_string()));
        assert_eq!(errand("break 2s"), Errand::Break(Duration::from_secs(2)));
        assert_eq!(errand("dtr off"), Errand::Dtr(Some(false)));
        assert_eq!(errand("log a.log"), Errand::Log(Some("a.log".to_string())));
    }
}
