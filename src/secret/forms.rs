//! How a secret can be written: what of it is searched, and the forms that a recording has names for.

use std::ops::Range;

use super::SHORTEST;
use crate::value::coding;

/// What of a secret is searched: its blocks of lines, without white space at their ends and without the frame of a PEM file,
/// which is no secret.
pub(super) fn blocks(secret: &[u8]) -> Vec<Range<usize>> {
    let mut blocks: Vec<Range<usize>> = Vec::new();
    let mut is_open = false;
    for line in lines(secret, 0..secret.len()) {
        let text = &secret[line.clone()];
        let is_frame = (text.starts_with(b"-----BEGIN ") || text.starts_with(b"-----END ")) && text.ends_with(b"-----");
        if is_frame {
            is_open = false;
            continue;
        }
        match blocks.last_mut() {
            Some(last) if is_open => last.end = line.end,
            Some(_) | None => {
                blocks.push(line);
                is_open = true;
            }
        }
    }
    blocks
}

/// Returns the lines of a part of a text that have something in them, without white space at their ends.
pub(super) fn lines(text: &[u8], part: Range<usize>) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = part.start;
    for line in text[part].split(|byte| matches!(byte, b'\r' | b'\n')) {
        let before = line.len() - line.trim_ascii_start().len();
        let n = line.trim_ascii().len();
        if n > 0 {
            lines.push(start + before..start + before + n);
        }
        start += line.len() + 1;
    }
    lines
}

/// Says whether a line of a secret can be told from other text.
pub(super) fn is_telling(line: &[u8]) -> bool {
    line.len() >= SHORTEST && line.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

/// Says whether there is enough in a secret to tell it from other text.
pub(crate) fn can_be_masked(secret: &[u8]) -> bool {
    blocks(secret).into_iter().any(|block| without_line_ends(&secret[block]).len() >= SHORTEST)
}

/// Returns a text without its CR and LF.
pub(super) fn without_line_ends(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()
}

/// Returns UCS-2, the high byte first; `None` if it is no text.
pub(super) fn wide(text: &[u8]) -> Option<Vec<u8>> {
    Some(std::str::from_utf8(text).ok()?.encode_utf16().flat_map(u16::to_be_bytes).collect())
}

/// Returns the forms of a secret that have names, the plain one first. A recording keeps these names: they may become more, and
/// none may come to mean something else.
pub(crate) fn forms_of(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex = coding::hex(secret);
    let upper = hex.to_uppercase();
    let url = coding::url_encode(secret);
    let every = |lead: &str, hex: &str| -> Vec<u8> {
        pieces(hex, 2).flat_map(|pair| [lead.as_bytes(), pair].concat()).collect()
    };
    let spaced = |hex: &str, between: u8| -> Vec<u8> { pieces(hex, 2).collect::<Vec<_>>().join(&between) };
    let mut forms = vec![
        ("plain", secret.to_vec()),
        ("HEX", upper.clone().into_bytes()),
        ("hex", hex.clone().into_bytes()),
        ("base64", coding::base64(secret).trim_end_matches('=').to_string().into_bytes()),
        ("url", url.clone().into_bytes()),
        ("at", coding::at_escape(secret)),
        ("json", escaped(secret, |byte| matches!(byte, b'"' | b'\\').then_some(byte))),
    ];
    let inside = ["base64_0", "base64_1", "base64_2"].into_iter().enumerate();
    forms.extend(inside.filter_map(|(behind, title)| Some((title, base64_inside(secret, behind)?))));
    let for_urls = [
        ("base64url", "base64"),
        ("base64url_0", "base64_0"),
        ("base64url_1", "base64_1"),
        ("base64url_2", "base64_2"),
    ];
    for (title, standard) in for_urls {
        if let Some((_, form)) = forms.iter().find(|(known, _)| *known == standard) {
            let form = form.iter().map(|byte| {
                if *byte == b'+' {
                    b'-'
                } else if *byte == b'/' {
                    b'_'
                } else {
                    *byte
                }
            });
            forms.push((title, form.collect()));
        }
    }
    forms.extend([
        ("url_lower", lower_escapes(url.as_bytes(), b'%')),
        ("url_plus", url.replace("%20", "+").into_bytes()),
        ("url_plus_lower", lower_escapes(url.replace("%20", "+").as_bytes(), b'%')),
        ("url_all", every("%", &upper)),
        ("url_all_lower", every("%", &hex)),
        ("at_lower", lower_escapes(&coding::at_escape(secret), b'\\')),
        ("json_lines", escaped(secret, json_letter)),
        ("json_slash", escaped(secret, |byte| if byte == b'/' { Some(byte) } else { json_letter(byte) })),
        ("escaped", escaped(secret, |byte| byte.is_ascii_punctuation().then_some(byte))),
        ("byte_escapes", every("\\x", &hex)),
        ("BYTE_escapes", every("\\x", &upper)),
        ("hex_blank", spaced(&hex, b' ')),
        ("HEX_blank", spaced(&upper, b' ')),
        ("hex_colon", spaced(&hex, b':')),
        ("HEX_colon", spaced(&upper, b':')),
    ]);
    if let Some(wide) = wide(secret) {
        let wide = coding::hex(&wide);
        let upper = wide.to_uppercase();
        let unicode = |hex: &str| -> Vec<u8> { pieces(hex, 4).flat_map(|unit| [b"\\u", unit].concat()).collect() };
        forms.extend([("json_unicode", unicode(&wide)), ("JSON_unicode", unicode(&upper))]);
        forms.extend([("ucs2", wide.into_bytes()), ("UCS2", upper.into_bytes())]);
    }
    forms
}

/// Returns a text in pieces of so many bytes.
fn pieces(text: &str, n: usize) -> impl Iterator<Item = &[u8]> {
    text.as_bytes().chunks(n)
}

fn json_letter(byte: u8) -> Option<u8> {
    match byte {
        b'"' | b'\\' => Some(byte),
        8 => Some(b'b'),
        12 => Some(b'f'),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        b'\t' => Some(b't'),
        _ => None,
    }
}

/// Returns a text with a backslash and a letter for each byte that has one.
fn escaped(text: &[u8], letter: impl Fn(u8) -> Option<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match letter(*byte) {
            Some(letter) => out.extend([b'\\', letter]),
            None => out.push(*byte),
        }
    }
    out
}

/// Returns a text with the two hex digits behind each mark in lower case.
fn lower_escapes(text: &[u8], mark: u8) -> Vec<u8> {
    let mut out = text.to_vec();
    for at in memchr::memchr_iter(mark, text) {
        let end = out.len().min(at + 3);
        out[at + 1..end].make_ascii_lowercase();
    }
    out
}

/// Returns what base64 makes of a secret that stands `behind` bytes into a longer text (modulo 3), without the
/// characters that depend on its neighbours; `None` if too little is left to be told from ordinary text.
fn base64_inside(secret: &[u8], behind: usize) -> Option<Vec<u8>> {
    let mut text = vec![0; behind];
    text.extend_from_slice(secret);
    let whole = coding::base64(&text);
    let whole = whole.trim_end_matches('=');
    let first = [0, 2, 3][behind];
    let last = whole.len() - usize::from(!text.len().is_multiple_of(3));
    let inside = whole.get(first..last)?;
    (inside.len() >= 6).then(|| inside.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Redactor;

    /// Returns the texts in backticks of each row of the table in the reference, column by column.
    fn documented() -> Vec<[Vec<String>; 2]> {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language.md");
        let text = std::fs::read_to_string(path).expect("the reference is there");
        let (_, part) = text.split_once("### The forms in which").expect("it has the section");
        let rows = part.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
        let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_string).collect::<Vec<_>>();
        let columns = |row: &str| {
            let cells: Vec<&str> = row.split('|').collect();
            [quoted(cells[2]), quoted(cells[3])]
        };
        rows.take_while(|line| line.starts_with('|')).map(columns).collect()
    }

    #[test]
    fn the_form_of_json_has_its_escapes() {
        let forms = forms_of(b"ab\"cd\\ef");
        let json = forms.iter().find(|(title, _)| *title == "json").map(|(_, form)| form.as_slice());
        assert_eq!(json, Some(&b"ab\\\"cd\\\\ef"[..]));
    }

    #[test]
    fn the_reference_lists_the_forms_and_every_example_is_found() {
        let secret = b"pa ss/1\"";
        let mut redactor = Redactor::default();
        redactor.learn("key", secret);
        let rows = documented();
        for example in rows.iter().flat_map(|[examples, _]| examples) {
            let shown = redactor.clean_text(&format!("<{example}>"));
            assert_eq!(shown.replace('=', ""), "<«key»>", "{example}");
        }
        let mut listed: Vec<&str> = rows.iter().flat_map(|[_, names]| names).map(String::as_str).collect();
        let mut known: Vec<&str> = forms_of(secret).iter().map(|(title, _)| *title).collect();
        listed.sort_unstable();
        known.sort_unstable();
        assert_eq!(listed, known);
    }

    #[test]
    fn every_form_is_found_alone_and_between_other_bytes() {
        for secret in ["hunter22", "pa ss/1\"", "a\\b\u{e9}c+d%41", "two\nlines, of text", "{\n}\n[]"] {
            let mut redactor = Redactor::default();
            redactor.learn("key", secret.as_bytes());
            for (title, form) in forms_of(secret.as_bytes()) {
                let text = [b"<", form.as_slice(), b">"].concat();
                let shown = String::from_utf8_lossy(&redactor.clean(&text)).into_owned();
                let rest = shown.replace("«key»", "");
                let rest = rest.trim_matches(['<', '>', '\n', '\\', 'n']);
                assert!(shown.contains("«key»") && rest.len() < SHORTEST * 2, "{title} of {secret:?}: {shown:?}");
            }
        }
    }

    #[test]
    fn what_frames_a_key_is_no_secret() {
        let pem = b"-----BEGIN KEY-----\nMHcCAQEE\nAwEHoUQD\n-----END KEY-----\n";
        let texts: Vec<&[u8]> = blocks(pem).into_iter().map(|block| &pem[block]).collect();
        assert_eq!(texts, [&b"MHcCAQEE\nAwEHoUQD"[..]]);
        assert!(!can_be_masked(b"-----BEGIN KEY-----\n") && !can_be_masked(b" ab \n") && can_be_masked(b" a\nbcd "));
    }
}
