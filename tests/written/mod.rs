//! Secrets and the forms in which devices write them, drawn at random, a symbol at a time.
//!
//! Nothing here is shared with the search that is tested.

use flowrun::value::random::Rng;

/// So many neighbouring symbols of a secret may not show. Fewer cannot be told from other text.
const PLAIN: usize = 5;

/// What a symbol is written as, and which bytes stand before it that are none.
type Symbols = Vec<(Vec<u8>, Vec<u8>)>;

/// Draws numbers.
pub(crate) struct Draw(pub(crate) Rng);

impl Draw {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.below(end as u64) as usize
    }

    pub(crate) fn is(&mut self, one_of: usize) -> bool {
        self.below(one_of) == 0
    }

    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Draws a secret: letters, punctuation, several lines, or a long text.
pub(crate) fn secret(draw: &mut Draw) -> Vec<u8> {
    let n = 8 + draw.below(32);
    match draw.below(6) {
        0 => draw.0.text(n).into_bytes(),
        1 => {
            let letters = draw.0.text(n).into_bytes();
            let marks = b"+/=&%\"\\,;~ $-_:";
            letters.iter().map(|byte| if draw.is(3) { *draw.one(marks) } else { *byte }).collect()
        }
        2 => {
            let lines: Vec<String> = (0..2 + draw.below(3)).map(|_| draw.0.text(24)).collect();
            let body = lines.join(*draw.one(&["\n", "\r\n"]));
            format!("-----BEGIN KEY-----\n{body}\n-----END KEY-----\n").into_bytes()
        }
        3 => (0..2 + draw.below(3)).map(|_| draw.0.text(16)).collect::<Vec<_>>().join("\n").into_bytes(),
        4 => {
            let n = 280 + draw.below(400);
            draw.0.text(n).into_bytes()
        }
        _ => format!("{}é{}", draw.0.text(n), draw.0.text(6)).into_bytes(),
    }
}

/// Returns the text of a secret that is a secret: without the frame of a PEM file.
pub(crate) fn core(secret: &[u8]) -> &[u8] {
    let text = std::str::from_utf8(secret).expect("the secrets of this test are text");
    let text = text.strip_prefix("-----BEGIN KEY-----\n").map_or(text, |rest| rest.trim_end());
    text.strip_suffix("-----END KEY-----").unwrap_or(text).trim().as_bytes()
}

fn hex_digits(bytes: &[u8], draw: &mut Draw) -> Vec<u8> {
    let case = draw.below(3);
    let digits = bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect::<Vec<_>>();
    let upper = |digit: u8, draw: &mut Draw| match case {
        0 => digit,
        1 => digit.to_ascii_uppercase(),
        _ if draw.is(2) => digit.to_ascii_uppercase(),
        _ => digit,
    };
    digits.into_iter().map(|digit| upper(digit, draw)).collect()
}

fn base64(bytes: &[u8], is_for_urls: bool) -> Vec<u8> {
    let text = flowrun::value::coding::base64(bytes);
    let text = if is_for_urls { text.replace('+', "-").replace('/', "_").replace('=', "") } else { text };
    text.into_bytes()
}

/// How many neighbouring symbols may not show, what is sent, and where the symbols of the secret are in it.
pub(crate) struct Form {
    n_hidden: usize,
    pub(crate) symbols: Symbols,
    /// So many symbols at both ends stand for neighbours too.
    shared: (usize, usize),
}

impl Form {
    fn new(n_hidden: usize, symbols: Symbols) -> Form {
        Form { n_hidden, symbols, shared: (0, 0) }
    }
}

/// Draws a form of a secret.
pub(crate) fn form(secret: &[u8], draw: &mut Draw) -> Form {
    let plain = |bytes: &[u8]| bytes.iter().map(|byte| (Vec::new(), vec![*byte])).collect::<Symbols>();
    let text = std::str::from_utf8(secret).expect("the secrets of this test are text");
    match draw.below(10) {
        0 => Form::new(9, plain(&hex_digits(secret, draw))),
        1 => {
            let between = *draw.one(&[" ", ":", "-", "\r\n"]);
            let digits = hex_digits(secret, draw);
            let before = |i: usize| if i > 0 && i.is_multiple_of(2) { between.as_bytes().to_vec() } else { Vec::new() };
            let symbols = digits.iter().enumerate().map(|(i, digit)| (before(i), vec![*digit])).collect();
            Form::new(9, symbols)
        }
        2 => {
            let around = ["", "u", "us", "use", "user:"];
            let (before, after) = (draw.one(&around).as_bytes(), draw.one(&around).as_bytes());
            let symbols = plain(&base64(&[before, secret, after].concat(), draw.is(2)));
            let first = (before.len() * 8).div_ceil(6);
            let last = (before.len() + secret.len()) * 8 / 6;
            let shared = (first, symbols.len() - last);
            Form { n_hidden: 9, symbols, shared }
        }
        3 => {
            let code = |byte: u8, draw: &mut Draw| {
                let is_safe = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                match byte {
                    b' ' if draw.is(2) => b"+".to_vec(),
                    _ if is_safe && !draw.is(8) => vec![byte],
                    _ if draw.is(2) => format!("%{byte:02x}").into_bytes(),
                    _ => format!("%{byte:02X}").into_bytes(),
                }
            };
            let symbols = secret.iter().map(|byte| (Vec::new(), code(*byte, draw))).collect();
            Form::new(PLAIN, symbols)
        }
        4 => {
            let code = |byte: u8| match byte {
                b'\\' => b"\\5C".to_vec(),
                b'"' => b"\\22".to_vec(),
                b'\r' => b"\\0D".to_vec(),
                b'\n' => b"\\0A".to_vec(),
                _ => vec![byte],
            };
            let is_lower = draw.is(2);
            let lower = |code: Vec<u8>| if is_lower && code.len() > 1 { code.to_ascii_lowercase() } else { code };
            let symbols = secret.iter().map(|byte| (Vec::new(), lower(code(*byte)))).collect();
            Form::new(PLAIN, symbols)
        }
        5 | 6 => {
            let code = |character: char, draw: &mut Draw| match character {
                '"' | '\\' => format!("\\{character}").into_bytes(),
                '\n' => b"\\n".to_vec(),
                '\r' => b"\\r".to_vec(),
                '/' if draw.is(2) => b"\\/".to_vec(),
                'a'..='z' | '&' | 'é' if draw.is(4) => match draw.is(2) {
                    true => format!("\\u{:04x}", character as u32).into_bytes(),
                    false => format!("\\u{:04X}", character as u32).into_bytes(),
                },
                _ => character.to_string().into_bytes(),
            };
            let symbols = text.chars().map(|character| (Vec::new(), code(character, draw))).collect();
            Form::new(PLAIN, symbols)
        }
        7 => {
            let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            Form::new(17, plain(&hex_digits(&units, draw)))
        }
        _ => Form::new(PLAIN, wrapped(secret, draw)),
    }
}

/// Writes a secret as a terminal does that wraps lines, or as a device that ends lines in its own way.
fn wrapped(secret: &[u8], draw: &mut Draw) -> Symbols {
    let width = 3 + draw.below(20);
    let kind = draw.below(5);
    let own_end = *draw.one(&["\n", "\r\n", "\r\r\n"]);
    let mut symbols = Symbols::new();
    for (i, byte) in secret.iter().enumerate() {
        let is_wrap = i > 0 && i.is_multiple_of(width) && !matches!(byte, b'\r' | b'\n') && secret[i - 1] != b'\r';
        let before = match kind {
            0 if is_wrap => b"\r\n".to_vec(),
            1 if is_wrap => b" \r".to_vec(),
            2 if is_wrap => vec![*byte, b'\r'],
            3 if is_wrap => b"\r\r\n".to_vec(),
            _ => Vec::new(),
        };
        match byte {
            b'\r' => {}
            b'\n' => symbols.push((Vec::new(), own_end.as_bytes().to_vec())),
            _ => symbols.push((before, vec![*byte])),
        }
    }
    symbols
}

/// How forms write the ends of the lines of a secret. Each line is a secret for itself, so what crosses one is no piece.
const LINE_ENDS: [&[u8]; 10] = [b"\\0D", b"\\0d", b"\\0A", b"\\0a", b"\\r", b"\\n", b"%0D", b"%0d", b"%0A", b"%0a"];

/// Returns what may not show: so many neighbouring symbols, in all ways in which outputs write them.
pub(crate) fn pieces(form: &Form) -> Vec<Vec<u8>> {
    let is_plain = |symbol: &(Vec<u8>, Vec<u8>)| {
        symbol.1.iter().all(|byte| matches!(byte, b'!'..=b'~')) && !LINE_ENDS.contains(&symbol.1.as_slice())
    };
    let mut pieces = Vec::new();
    let own = form.shared.0..form.symbols.len() - form.shared.1;
    for window in form.symbols[own].windows(form.n_hidden) {
        let has_gap = window[1..].iter().any(|(before, _)| !before.is_empty());
        if has_gap || !window.iter().all(is_plain) {
            continue;
        }
        let bytes: Vec<u8> = window.iter().flat_map(|(_, symbol)| symbol.clone()).collect();
        let twice =
            bytes.iter().flat_map(|byte| if matches!(byte, b'\\' | b'"') { vec![b'\\', *byte] } else { vec![*byte] });
        pieces.push(twice.collect());
        pieces.push(bytes);
    }
    pieces.sort();
    pieces.dedup();
    pieces
}
