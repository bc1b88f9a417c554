//! Words of Tcl as texts, values and conditions of a flow.

use super::Reader;
use crate::import::model::ParamKind;
use crate::import::tcl::Word;
use crate::import::text::{Part, expression, is_secret, name};

impl Reader {
    /// Returns the parts of a word; `None` if it has a command in brackets.
    pub(super) fn parts(&mut self, word: &Word) -> Option<Vec<Part>> {
        if word.is_braced {
            return Some(vec![Part::Bytes(word.text.clone().into_bytes())]);
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut bytes: Vec<u8> = Vec::new();
        let chars: Vec<char> = word.text.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            match chars[at] {
                '\\' => at = escape(&chars, at + 1, &mut bytes),
                '[' => return None,
                '$' => {
                    let (variable, next) = variable(&chars, at + 1);
                    at = next;
                    if variable.is_empty() {
                        bytes.push(b'$');
                        continue;
                    }
                    if !bytes.is_empty() {
                        parts.push(Part::Bytes(std::mem::take(&mut bytes)));
                    }
                    parts.push(Part::Value(self.variable(&variable)));
                }
                c => {
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    at += 1;
                }
            }
        }
        if !bytes.is_empty() || parts.is_empty() {
            parts.push(Part::Bytes(bytes));
        }
        Some(parts)
    }

    /// Returns what a variable of the script is called here.
    pub(super) fn variable(&mut self, text: &str) -> String {
        if let Some(variable) = text.strip_prefix("env(").and_then(|rest| rest.strip_suffix(')')) {
            let called = name(variable);
            let kind = if is_secret(&called) { ParamKind::Secret } else { ParamKind::Plain };
            self.script.param(&called, kind, None, None);
            return called;
        }
        if let Some(group) = text.strip_prefix("expect_out(").and_then(|rest| rest.strip_suffix(",string)")) {
            return format!("g{group}");
        }
        name(text)
    }

    /// Returns a word as a value.
    pub(super) fn value(&mut self, word: &Word) -> Option<String> {
        if word.text.parse::<i64>().is_ok_and(|n| n.to_string() == word.text) {
            return Some(word.text.clone());
        }
        if let Some(inner) = word.text.strip_prefix("[expr ").and_then(|rest| rest.strip_suffix(']')) {
            return self.condition(inner.trim().trim_matches(['{', '}']));
        }
        Some(expression(&self.parts(word)?))
    }

    /// Returns an expression of Tcl as one of a flow.
    pub(super) fn condition(&mut self, text: &str) -> Option<String> {
        let chars: Vec<char> = text.chars().collect();
        let mut out: Vec<String> = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let two: String = chars[at..(at + 2).min(chars.len())].iter().collect();
            match chars[at] {
                c if c.is_whitespace() => at += 1,
                '$' => {
                    let (variable, next) = variable(&chars, at + 1);
                    at = next;
                    let called = self.variable(&variable);
                    out.push(called);
                }
                '"' => {
                    let end = chars[at + 1..].iter().position(|c| *c == '"')? + at + 1;
                    let text: String = chars[at + 1..end].iter().collect();
                    let word = Word { line: 0, text, is_braced: false, is_bare: false };
                    out.push(expression(&self.parts(&word)?));
                    at = end + 1;
                }
                '[' => return None,
                '&' | '|' | '=' | '!' | '<' | '>' if ["&&", "||", "==", "!=", "<=", ">="].contains(&two.as_str()) => {
                    let sign = match two.as_str() {
                        "&&" => "and",
                        "||" => "or",
                        sign => sign,
                    };
                    out.push(sign.to_string());
                    at += 2;
                }
                '!' => {
                    out.push("not".to_string());
                    at += 1;
                }
                c @ ('<' | '>' | '+' | '-' | '*' | '/' | '%' | '(' | ')') => {
                    out.push(c.to_string());
                    at += 1;
                }
                c if c.is_ascii_digit() => {
                    let begins = at;
                    while chars.get(at).is_some_and(char::is_ascii_digit) {
                        at += 1;
                    }
                    out.push(chars[begins..at].iter().collect());
                }
                c if c.is_alphabetic() => {
                    let begins = at;
                    while chars.get(at).is_some_and(|c| c.is_alphanumeric()) {
                        at += 1;
                    }
                    let word: String = chars[begins..at].iter().collect();
                    out.push(match word.as_str() {
                        "eq" => "==".to_string(),
                        "ne" => "!=".to_string(),
                        "true" | "false" => word,
                        _ => return None,
                    });
                }
                _ => return None,
            }
        }
        (!out.is_empty()).then(|| out.join(" ").replace("( ", "(").replace(" )", ")"))
    }
}

/// Returns the milliseconds of seconds such as `0.5`.
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.')?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    whole.checked_mul(1000)?.checked_add(part.parse::<u64>().ok()?)
}

fn variable(chars: &[char], mut at: usize) -> (String, usize) {
    let mut text = String::new();
    if chars.get(at) == Some(&'{') {
        at += 1;
        while let Some(c) = chars.get(at).filter(|c| **c != '}') {
            text.push(*c);
            at += 1;
        }
        return (text, at + 1);
    }
    while let Some(c) = chars.get(at).filter(|c| c.is_alphanumeric() || matches!(c, '_' | ':')) {
        text.push(*c);
        at += 1;
    }
    if chars.get(at) == Some(&'(') && !text.is_empty() {
        while let Some(c) = chars.get(at) {
            text.push(*c);
            at += 1;
            if *c == ')' {
                break;
            }
        }
    }
    (text, at)
}

/// Adds the byte of an escape; returns where the text goes on.
fn escape(chars: &[char], at: usize, bytes: &mut Vec<u8>) -> usize {
    let Some(c) = chars.get(at) else { return at };
    match c {
        'r' => bytes.push(b'\r'),
        'n' => bytes.push(b'\n'),
        't' => bytes.push(b'\t'),
        'a' => bytes.push(7),
        'b' => bytes.push(8),
        'x' => {
            let digits: String = chars[at + 1..].iter().take(2).take_while(|c| c.is_ascii_hexdigit()).collect();
            bytes.push(u8::from_str_radix(&digits, 16).unwrap_or(b'x'));
            return at + 1 + digits.len();
        }
        '0'..='7' => {
            let digits: String = chars[at..].iter().take(3).take_while(|c| c.is_digit(8)).collect();
            bytes.push(u32::from_str_radix(&digits, 8).unwrap_or(0).to_le_bytes()[0]);
            return at + digits.len();
        }
        c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
    at + 1
}
