//! The language of Tera Term macros: tokens of a line, and expressions.

use super::text::{Part, expression, quoted};

/// A token of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Text(Vec<u8>),
    Number(i64),
    /// A name, as it is written.
    Name(String),
    Sign(String),
}

impl Token {
    /// Whether it is this word, in either case.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Token::Name(name) if name.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self, Token::Sign(text) if text == sign)
    }
}

/// Returns the tokens of a line and its comment, or `None` if it cannot be read.
pub(super) fn tokens(line: &str) -> Option<(Vec<Token>, Option<String>)> {
    let mut tokens: Vec<Token> = Vec::new();
    let chars: Vec<char> = line.chars().collect();
    let mut at = 0;
    // Texts and `#13` without a blank between them are one text.
    let mut text_ends = None;
    while at < chars.len() {
        let c = chars[at];
        let begins = at;
        match c {
            c if c.is_whitespace() => at += 1,
            ';' => return Some((tokens, Some(chars[at + 1..].iter().collect()))),
            '\'' | '"' => {
                let end = chars[at + 1..].iter().position(|end| *end == c)? + at + 1;
                let text: String = chars[at + 1..end].iter().collect();
                at = end + 1;
                add_text(&mut tokens, text.into_bytes(), text_ends == Some(begins));
                text_ends = Some(at);
            }
            '#' => {
                at += 1;
                let (value, next) = number(&chars, at)?;
                at = next;
                add_text(&mut tokens, vec![value.to_le_bytes()[0]], text_ends == Some(begins));
                text_ends = Some(at);
            }
            '$' | '0'..='9' => {
                let (value, next) = number(&chars, at)?;
                at = next;
                tokens.push(Token::Number(value));
            }
            c if c.is_alphabetic() || c == '_' => {
                while chars.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                    at += 1;
                }
                tokens.push(Token::Name(chars[begins..at].iter().collect()));
            }
            c => {
                let two: String = chars[at..(at + 2).min(chars.len())].iter().collect();
                let is_two = ["<>", "<=", ">=", "==", "!=", "&&", "||", "<<", ">>"].contains(&two.as_str());
                at += if is_two { 2 } else { 1 };
                tokens.push(Token::Sign(if is_two { two } else { c.to_string() }));
            }
        }
    }
    Some((tokens, None))
}

fn add_text(tokens: &mut Vec<Token>, text: Vec<u8>, is_continued: bool) {
    match tokens.last_mut() {
        Some(Token::Text(before)) if is_continued => before.extend(text),
        Some(_) | None => tokens.push(Token::Text(text)),
    }
}

fn number(chars: &[char], mut at: usize) -> Option<(i64, usize)> {
    let is_hex = chars.get(at) == Some(&'$');
    at += usize::from(is_hex);
    let radix = if is_hex { 16 } else { 10 };
    let begins = at;
    while chars.get(at).is_some_and(|c| c.is_digit(radix)) {
        at += 1;
    }
    let digits: String = chars[begins..at].iter().collect();
    Some((i64::from_str_radix(&digits, radix).ok()?, at))
}

/// Returns tokens as an expression of a flow; `names` says what a name is called there.
pub(super) fn expr(tokens: &[Token], names: &mut dyn FnMut(&str) -> String) -> Option<String> {
    if tokens.is_empty() {
        return None;
    }
    let mut out: Vec<String> = Vec::new();
    for token in tokens {
        out.push(match token {
            Token::Text(text) => quoted(text),
            Token::Number(number) => number.to_string(),
            Token::Name(name) => match name.to_ascii_lowercase().as_str() {
                word @ ("and" | "or" | "not") => word.to_string(),
                "xor" => return None,
                _ => names(name),
            },
            Token::Sign(sign) => match sign.as_str() {
                "=" | "==" => "==".to_string(),
                "<>" | "!=" => "!=".to_string(),
                "&" | "&&" => "and".to_string(),
                "|" | "||" => "or".to_string(),
                "!" => "not".to_string(),
                "<" | ">" | "<=" | ">=" | "+" | "-" | "*" | "/" | "%" | "(" | ")" => sign.clone(),
                _ => return None,
            },
        });
    }
    let text = out.join(" ");
    Some(text.replace("( ", "(").replace(" )", ")"))
}

/// Returns tokens as a condition: a number is true unless it is 0.
pub(super) fn condition(tokens: &[Token], names: &mut dyn FnMut(&str) -> String) -> Option<String> {
    let text = expr(tokens, names)?;
    let compares = tokens.iter().any(|token| match token {
        Token::Sign(sign) => ["=", "==", "<>", "!=", "<", ">", "<=", ">="].contains(&sign.as_str()),
        Token::Text(_) | Token::Number(_) | Token::Name(_) => false,
    });
    if compares { Some(text) } else { Some(format!("{} != 0", parenthesised(&text, tokens.len()))) }
}

fn parenthesised(text: &str, n_tokens: usize) -> String {
    if n_tokens > 1 { format!("({text})") } else { text.to_string() }
}

/// Returns the parts of a text that `sprintf` makes, with the values in order; `None` for a form that flows do not have.
pub(super) fn formatted(form: &[u8], values: &[String]) -> Option<String> {
    let form = std::str::from_utf8(form).ok()?;
    let mut parts = Vec::new();
    let mut rest = form;
    let mut values = values.iter();
    while let Some(at) = rest.find('%') {
        parts.push(Part::Bytes(rest.as_bytes()[..at].to_vec()));
        let after = &rest[at + 1..];
        let letter = after.find(|c: char| c.is_ascii_alphabetic() || c == '%')?;
        let spec = &after[..=letter];
        rest = &after[letter + 1..];
        match spec {
            "%" => parts.push(Part::Bytes(b"%".to_vec())),
            "s" | "d" | "i" | "u" => parts.push(Part::Value(values.next()?.clone())),
            _ => {
                let is_known =
                    spec.chars().all(|c| c.is_ascii_digit() || matches!(c, 'd' | 'x' | 'X' | 'o' | '.' | 's'));
                let value = values.next()?;
                parts.push(Part::Value(is_known.then(|| format!("format(\"%{spec}\", {value})"))?));
            }
        }
    }
    parts.push(Part::Bytes(rest.as_bytes().to_vec()));
    parts.retain(|part| *part != Part::Bytes(Vec::new()));
    Some(expression(&parts))
}
