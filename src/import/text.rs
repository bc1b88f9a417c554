//! Texts, patterns and names as they stand in a flow.

use std::fmt::Write;

use crate::syntax::is_keyword;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Bytes(Vec<u8>),
    /// The value of an expression.
    Value(String),
}

/// Lines that end an answer, and nothing else is in them.
const WHOLE_LINES: &[&str] = &[
    "OK",
    "ERROR",
    "BUSY",
    "RING",
    "VOICE",
    "NO CARRIER",
    "NO ANSWER",
    "NO DIALTONE",
    "NO DIAL TONE",
    "SEND OK",
    "SUBACK",
    "PUBACK",
    "CONNACK OK",
    "CONNECT OK",
    "CLOSED",
    "READY",
    "DELAYED",
    "SHUT OK",
    "DOWNLOAD",
    "UNSUBACK",
];

/// Returns a text as a literal: between backticks if that spares escapes.
pub(super) fn literal(parts: &[Part]) -> String {
    let all = || parts.iter().filter_map(|part| if let Part::Bytes(bytes) = part { Some(bytes) } else { None });
    let is_plain = |bytes: &Vec<u8>| {
        std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(|c| c.is_control() || is_unseen(c)))
    };
    let has = |byte: u8| all().any(|bytes| bytes.contains(&byte));
    let is_tick = (has(b'"') || has(b'\\')) && !has(b'`') && !has(b'$') && all().all(is_plain);
    let quote = if is_tick { '`' } else { '"' };
    let mut text = String::from(quote);
    for part in parts {
        match part {
            Part::Bytes(bytes) if is_tick => text += &String::from_utf8_lossy(bytes),
            Part::Bytes(bytes) => put_escaped(&mut text, bytes),
            Part::Value(value) => {
                let _ = write!(text, "${{{value}}}");
            }
        }
    }
    text.push(quote);
    text
}

/// Returns bytes as a literal.
pub(super) fn quoted(bytes: impl AsRef<[u8]>) -> String {
    literal(&[Part::Bytes(bytes.as_ref().to_vec())])
}

/// Returns a title or a message, which has double quotes always.
pub(super) fn title(text: &str) -> String {
    let mut quoted = String::from('"');
    put_escaped(&mut quoted, text.trim().as_bytes());
    quoted.push('"');
    quoted
}

/// Returns an expression for parts: a single value is itself.
pub(super) fn expression(parts: &[Part]) -> String {
    match parts {
        [Part::Value(value)] => value.clone(),
        _ => literal(parts),
    }
}

/// Returns a statement that sends parts; a CR at the end is the line ending, anything else is sent as it is.
pub(super) fn send(parts: &[Part]) -> String {
    let mut parts = parts.to_vec();
    let has_end = match parts.last_mut() {
        Some(Part::Bytes(bytes)) if bytes.last() == Some(&b'\r') => {
            bytes.pop();
            true
        }
        Some(_) | None => false,
    };
    parts.retain(|part| *part != Part::Bytes(Vec::new()));
    match (has_end, &parts[..]) {
        (true, _) => format!("send {}", expression(&parts)),
        (false, [Part::Bytes(bytes)]) if is_binary(bytes) => format!("send raw {}", hex_literal(bytes)),
        (false, _) => format!("send raw {}", expression(&parts)),
    }
}

/// Returns bytes that are not text as a literal.
pub(super) fn hex_literal(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("x\"{}\"", digits.join(" "))
}

/// Whether bytes are read more easily as hex digits.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    let n_odd = bytes.iter().filter(|byte| matches!(byte, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f)).count();
    std::str::from_utf8(bytes).is_err() || n_odd * 4 > bytes.len()
}

/// Returns the pattern that waits for these bytes.
pub(super) fn pattern(bytes: &[u8]) -> String {
    let trimmed = without_line_ends(bytes);
    let Ok(text) = std::str::from_utf8(trimmed) else { return hex_literal(bytes) };
    if trimmed.is_empty() {
        return "line /.*/".to_string();
    }
    if WHOLE_LINES.contains(&text) || (trimmed.len() < bytes.len() && !has_line_end(trimmed)) {
        return format!("line {}", quoted(trimmed));
    }
    let is_prompt = [": ", "# ", "$ ", "> ", "? "].iter().any(|end| text.ends_with(end)) && !has_line_end(trimmed);
    if is_prompt {
        return format!("prompt {}", quoted(trimmed));
    }
    if is_binary(bytes) { hex_literal(bytes) } else { quoted(bytes) }
}

/// Returns the pattern that ends every wait when these bytes are in a line.
pub(super) fn abort_pattern(bytes: &[u8]) -> String {
    let trimmed = without_line_ends(bytes);
    let is_whole = std::str::from_utf8(trimmed).is_ok_and(|text| WHOLE_LINES.contains(&text) && text != "ERROR");
    if trimmed.is_empty() || has_line_end(trimmed) || is_binary(trimmed) {
        return if is_binary(bytes) && !bytes.is_empty() { hex_literal(bytes) } else { quoted(bytes) };
    }
    if is_whole || trimmed.len() < bytes.len() {
        return format!("line {}", quoted(trimmed));
    }
    format!("/{}/", escaped_regex(trimmed))
}

fn has_line_end(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n'))
}

fn without_line_ends(bytes: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let from = bytes.iter().position(|byte| !is_end(byte)).unwrap_or(bytes.len());
    let to = bytes.iter().rposition(|byte| !is_end(byte)).map_or(from, |last| last + 1);
    &bytes[from..to]
}

/// Returns bytes as a regex that fits them and nothing else.
pub(super) fn escaped_regex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\t' => text.push_str("\\t"),
                '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '/' => {
                    text.extend(['\\', c]);
                }
                c if c.is_control() || is_unseen(c) => put_hex(&mut text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        put_hex(&mut text, chunk.invalid());
    }
    text
}

/// Returns a regex of another tool as one of a flow, or `None` if it cannot be one; its groups are called `g1`, `g2`.
pub(super) fn regex(text: &str) -> Option<String> {
    let mut text = text;
    for end in ["\\r\\n", "\\n", "\\r", "\r\n", "\n", "\r"] {
        text = text.strip_suffix(end).unwrap_or(text);
    }
    let text = text.strip_prefix(".*").unwrap_or(text);
    let mut out = String::from("/");
    let (mut n_groups, mut is_class) = (0, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                out.push('\\');
                out.push(chars.next()?);
            }
            '[' if !is_class => {
                is_class = true;
                out.push('[');
            }
            ']' => {
                is_class = false;
                out.push(']');
            }
            '(' if !is_class && chars.peek() != Some(&'?') => {
                n_groups += 1;
                let _ = write!(out, "(?<g{n_groups}>");
            }
            '/' => out.push_str("\\/"),
            '$' if chars.peek() == Some(&'{') => return None,
            c if c.is_control() || is_unseen(c) => put_hex(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()),
            c => out.push(c),
        }
    }
    if out == "/" {
        return None;
    }
    out.push('/');
    Some(out)
}

/// Returns the names of the groups of a regex that `regex` has made.
pub(super) fn groups(regex: &str) -> Vec<String> {
    (1..10).map(|n| format!("g{n}")).filter(|name| regex.contains(&format!("(?<{name}>"))).collect()
}

/// Returns a text that can be a name in a flow.
pub(super) fn name(text: &str) -> String {
    let mut name = String::new();
    for c in text.trim().chars() {
        match c {
            c if c.is_alphanumeric() || c == '_' => name.extend(c.to_lowercase()),
            _ if name.ends_with('_') || name.is_empty() => {}
            _ => name.push('_'),
        }
    }
    let name = name.trim_end_matches('_').to_string();
    match name.chars().next() {
        None => "value".to_string(),
        Some(first) if !(first.is_alphabetic() || first == '_') => format!("_{name}"),
        Some(_) if is_keyword(&name) || WORDS.contains(&&*name) => format!("{name}_"),
        Some(_) => name,
    }
}

/// Words that begin a statement, and names that a function has.
const WORDS: &[&str] =
    &["state", "wire", "hook", "port", "using", "file", "tag", "measure", "unplug", "volatile", "reopen"];

/// Whether a name or a prompt is about a secret.
pub(super) fn is_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["assw", "passphrase", "secret", "token", "pwd", "pin code", "word:"].iter().any(|word| text.contains(word))
}

/// Whether a prompt asks who somebody is.
pub(super) fn is_login(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["ogin:", "ogin", "sername", "name:", "user:"].iter().any(|word| text.trim_end().ends_with(word))
}

/// Whether a message tells of a failure.
pub(super) fn is_failure(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let words =
        ["error", "fail", "timeout", "time out", "timed out", "no answer", "incorrect", "denied", "refused", "cannot"];
    words.iter().any(|word| text.contains(word))
}

/// Returns milliseconds as a duration.
pub(super) fn millis(n: u64) -> String {
    if n >= 1000 && n.is_multiple_of(1000) { format!("{}s", n / 1000) } else { format!("{n}ms") }
}

/// Returns the bytes that hex digits spell, whatever is between the pairs.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok()).collect()
}

fn put_escaped(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        let mut chars = chunk.valid().chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\r' => text.push_str("\\r"),
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '"' | '\\' => text.extend(['\\', c]),
                '$' if chars.peek().is_none_or(|next| *next == '{') => text.push_str("\\$"),
                c if c.is_control() || is_unseen(c) => put_hex(text, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => text.push(c),
            }
        }
        put_hex(text, chunk.invalid());
    }
}

/// Whether a character changes how a text looks and is not seen itself.
pub(super) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn put_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(text, "\\x{byte:02x}");
    }
}
