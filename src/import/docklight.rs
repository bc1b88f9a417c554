//! Projects of Docklight: sections of lines, `SEND` and `RECEIVE`, each with an index, a name and bytes in hex.

use super::model::{Script, Stmt, What};
use super::text::{Part, from_hex, hex_literal, is_binary, pattern, quoted, send, title};

/// A section of a project.
#[derive(Clone, Debug)]
struct Section {
    line: usize,
    kind: String,
    values: Vec<String>,
}

/// A sequence that is sent or waited for.
#[derive(Clone, Debug)]
struct Sequence {
    line: usize,
    index: usize,
    name: String,
    /// Its bytes; those that may be anything are `None`.
    bytes: Option<Vec<Option<u8>>>,
    text: String,
    /// The sequence that answers it.
    answer: Option<usize>,
    comment: Option<String>,
}

/// Returns the statements of a project.
pub(super) fn read(text: &str) -> Script {
    let mut script = Script::default();
    let (mut sends, mut receives) = (Vec::new(), Vec::new());
    for section in sections(text) {
        match section.kind.as_str() {
            "SEND" => sends.push(sequence(&section)),
            "RECEIVE" => receives.push(sequence(&section)),
            "COMMSETTINGS" => settings(&mut script, &section),
            "VERSION" | "COMMDISPLAY" | "COMMCHANNELS" | "VERSIONINFO" => {}
            _ => {
                let text = format!("{} {}", section.kind, section.values.join(" "));
                script.lost(section.line, &text, "flows have no such section");
            }
        }
    }
    let is_crlf =
        |sequence: &Sequence| sequence.bytes.as_ref().is_some_and(|bytes| bytes.ends_with(&[Some(b'\r'), Some(b'\n')]));
    let ends_with_lf = !sends.is_empty() && sends.iter().all(is_crlf);
    if ends_with_lf {
        script.settings.push("eol \"\\r\\n\"".to_string());
    }
    watchers(&mut script, &sends, &receives, ends_with_lf);
    for sequence in &sends {
        let statement = sending(sequence, ends_with_lf);
        let Some(statement) = statement else {
            script.lost(sequence.line, &sequence.text, "a sequence with wildcards is asked for in Docklight");
            continue;
        };
        let body = vec![script.stmt(sequence.line, What::Plain(statement))];
        script.push(sequence.line, What::Block { head: format!("step {}", title(&sequence.name)), body });
    }
    if !sends.is_empty() {
        script
            .note("Docklight sends what is clicked: put the steps in order, and an `expect` where the device answers.");
    }
    script
}

fn sections(text: &str) -> Vec<Section> {
    let mut out: Vec<Section> = Vec::new();
    let mut is_open = false;
    for (n, line) in text.lines().enumerate() {
        let line = line.trim_end();
        match (is_open, line.is_empty()) {
            (_, true) => is_open = false,
            (false, false) => {
                out.push(Section { line: n + 1, kind: line.to_string(), values: Vec::new() });
                is_open = true;
            }
            (true, false) => out.last_mut().expect("one is open").values.push(line.to_string()),
        }
    }
    out
}

/// `INDEX NAME BYTES …`; of a `RECEIVE` the answer, whether there is one, and a comment follow.
fn sequence(section: &Section) -> Sequence {
    let value = |n: usize| section.values.get(n).cloned().unwrap_or_default();
    let is_answered = value(4) == "1";
    let comment = section.values.iter().find_map(|value| value.strip_prefix("COMMENT "));
    Sequence {
        line: section.line,
        index: value(0).parse().unwrap_or(0),
        name: if value(1).trim().is_empty() { format!("sequence {}", value(0)) } else { value(1) },
        bytes: bytes(&value(2)),
        text: format!("{} {}", value(1), value(2)),
        answer: value(3).parse().ok().filter(|_| is_answered && section.kind == "RECEIVE"),
        comment: comment.map(str::to_string),
    }
}

fn bytes(text: &str) -> Option<Vec<Option<u8>>> {
    let pairs = text.split_whitespace().map(|pair| match pair {
        "??" | "?" => Some(None),
        _ => from_hex(pair).filter(|bytes| bytes.len() == 1).map(|bytes| Some(bytes[0])),
    });
    pairs.collect::<Option<Vec<_>>>().filter(|bytes| !bytes.is_empty())
}

fn known(sequence: &Sequence) -> Option<Vec<u8>> {
    sequence.bytes.as_ref()?.iter().copied().collect()
}

fn sending(sequence: &Sequence, ends_with_lf: bool) -> Option<String> {
    let bytes = known(sequence)?;
    if ends_with_lf
        && let Some(line) = bytes.strip_suffix(b"\r\n")
        && !is_binary(line)
    {
        return Some(format!("send {}", quoted(line)));
    }
    let is_line = !ends_with_lf && bytes.ends_with(b"\r");
    Some(match (is_binary(&bytes), is_line) {
        (true, _) => format!("send raw {}", hex_literal(&bytes)),
        (false, true) => send(&[Part::Bytes(bytes)]),
        (false, false) => format!("send raw {}", quoted(&bytes)),
    })
}

/// Docklight looks at sequences all the time: they are watchers.
fn watchers(script: &mut Script, sends: &[Sequence], receives: &[Sequence], ends_with_lf: bool) {
    for receive in receives {
        let Some(waited) = waited(receive) else {
            script.lost(receive.line, &receive.text, "its bytes are not hex pairs");
            continue;
        };
        let mut body: Vec<Stmt> = Vec::new();
        let comment = receive.comment.clone().unwrap_or_else(|| receive.name.clone());
        body.push(script.stmt(receive.line, What::Plain(format!("log {}", title(&comment)))));
        let answer = receive.answer.and_then(|answer| sends.iter().find(|send| send.index == answer));
        if let Some(statement) = answer.and_then(|answer| sending(answer, ends_with_lf)) {
            body.push(script.stmt(receive.line, What::Plain(statement)));
        }
        script.push(receive.line, What::Block { head: format!("on {waited}"), body });
    }
}

fn waited(sequence: &Sequence) -> Option<String> {
    if let Some(bytes) = known(sequence) {
        return Some(if is_binary(&bytes) { hex_literal(&bytes) } else { pattern(&bytes) });
    }
    let mut regex = String::from("/(?s-u)");
    for byte in sequence.bytes.as_ref()? {
        match byte {
            Some(byte) => regex.push_str(&format!("\\x{byte:02x}")),
            None => regex.push('.'),
        }
    }
    regex.push('/');
    Some(regex)
}

/// The port, the baud rate and the format.
fn settings(script: &mut Script, section: &Section) {
    let baud = section.values.get(3).and_then(|value| value.trim().parse::<u32>().ok());
    if let Some(baud) = baud.filter(|baud| (50..=20_000_000).contains(baud) && *baud != 115_200) {
        script.settings.push(format!("baud {baud}"));
    }
}
