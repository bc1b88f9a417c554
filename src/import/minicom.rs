//! Scripts of minicom's `runscript`: lines of a small language with `goto`.

use super::model::{ParamKind, Script, Stmt, What};
use super::text::{Part, is_secret, name, pattern, send, title};

/// What runscript waits in an `expect` if nobody says otherwise.
const USUAL: &str = "60s";

/// Returns the statements of a script.
pub(super) fn read(text: &str) -> Script {
    let mut script = Script { timeout: Some(USUAL.to_string()), ..Script::default() };
    let lines: Vec<(usize, &str)> = text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())).collect();
    let mut at = 0;
    while at < lines.len() {
        let (number, line) = lines[at];
        at += 1;
        if line.is_empty() {
            script.push(number, What::Gap);
        } else if let Some(comment) = line.strip_prefix('#') {
            script.push(number, What::Comment(comment.to_string()));
        } else if let Some(label) = line.strip_suffix(':').filter(|label| !label.contains(char::is_whitespace)) {
            script.push(number, What::Label(label.to_string()));
        } else if let Some(rest) = word(line, "expect") {
            let mut arms = Vec::new();
            if rest == "{" {
                while let Some((number, line)) = lines.get(at).copied().filter(|(_, line)| *line != "}") {
                    arms.push((number, line));
                    at += 1;
                }
                script.lines.extend(lines.get(at).map(|(number, _)| *number));
                at += 1;
            } else {
                arms.push((number, rest.trim_matches(['{', '}']).trim()));
            }
            let stmts = expect(&mut script, number, &arms);
            script.body.extend(stmts);
        } else {
            let stmts = statement(&mut script, number, line);
            script.body.extend(stmts);
        }
    }
    subroutines(&mut script);
    script
}

/// Returns what follows a word.
fn word<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(word)?;
    (rest.is_empty() || rest.starts_with([' ', '\t', '"'])).then(|| rest.trim())
}

fn expect(script: &mut Script, line: usize, arms: &[(usize, &str)]) -> Vec<Stmt> {
    let mut within = None;
    let mut branches: Vec<(Option<String>, Vec<Stmt>)> = Vec::new();
    let mut going_on = Vec::new();
    script.lines.insert(line);
    for &(number, arm) in arms {
        if arm.is_empty() || arm.starts_with('#') {
            continue;
        }
        script.lines.insert(number);
        if let Some(rest) = word(arm, "timeout") {
            let (seconds, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            within = seconds.parse::<u64>().ok().map(|seconds| format!("{seconds}s")).filter(|limit| limit != USUAL);
            let body = match rest.trim() {
                "" | "break" => Vec::new(),
                rest => statement(script, number, rest),
            };
            branches.push((None, body));
            continue;
        }
        let (text, rest) = first_string(arm);
        let waited = pattern(&bytes_of(&text));
        let rest = rest.trim();
        let body = match rest {
            "" | "break" => Vec::new(),
            _ => statement(script, number, rest),
        };
        let leaves = body.iter().any(|stmt| matches!(stmt.what, What::Goto(_) | What::End(_)));
        if body.is_empty() || leaves {
            branches.push((Some(waited), body));
        } else {
            // What does not leave the wait is done each time it comes.
            going_on.push(script.stmt(number, What::Block { head: format!("on {waited}"), body }));
        }
    }
    let has_pattern = branches.iter().any(|(pattern, _)| pattern.is_some());
    if !has_pattern {
        return Vec::new();
    }
    let what = match &branches[..] {
        [(Some(pattern), body)] if body.is_empty() => {
            let within = within.map_or_else(String::new, |within| format!(" within {within}"));
            What::Plain(format!("expect {pattern}{within}"))
        }
        _ => What::Expect { within, arms: branches },
    };
    let wait = script.stmt(line, what);
    if going_on.is_empty() {
        return vec![wait];
    }
    going_on.push(wait);
    going_on
}

/// Returns the statements of a line.
fn statement(script: &mut Script, line: usize, text: &str) -> Vec<Stmt> {
    let mut words = text.splitn(2, char::is_whitespace);
    let (keyword, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().trim());
    let plain = |script: &mut Script, text: String| vec![script.stmt(line, What::Plain(text))];
    match keyword {
        "send" => {
            let sent = sent(script, rest);
            plain(script, sent)
        }
        "print" => {
            let text = String::from_utf8_lossy(&bytes_of(&all_strings(rest))).into_owned();
            plain(script, format!("log {}", title(text.trim_matches(['\n', '\r']))))
        }
        "sleep" => match rest.parse::<u64>() {
            Ok(seconds) => plain(script, format!("sleep {seconds}s")),
            Err(_) => lost(script, line, text, "it is not a number of seconds"),
        },
        "goto" => vec![script.stmt(line, What::Goto(rest.to_string()))],
        "exit" => {
            let is_failure = rest.parse::<i64>().is_ok_and(|status| status != 0);
            let message = is_failure.then(|| title(&format!("the script ends with {rest}")));
            vec![script.stmt(line, What::End(message))]
        }
        "set" => {
            let (variable, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, "0"));
            let value = operand(script, value.trim());
            set(script, line, variable, &value)
        }
        "inc" => set(script, line, rest, &format!("{} + 1", name(rest))),
        "dec" => set(script, line, rest, &format!("{} - 1", name(rest))),
        "if" => condition(script, line, text, rest),
        "timeout" => {
            script.lines.insert(line);
            script.note(&format!("the script ends after {rest} s: `step \"…\" timeout {rest}s {{ … }}` does that"));
            Vec::new()
        }
        "verbose" | "log" => {
            script.lines.insert(line);
            vec![
                script
                    .stmt(line, What::Comment(format!("{text}: flowrun shows the exchange, `--transcript` keeps it"))),
            ]
        }
        "gosub" => vec![script.stmt(line, What::Plain(format!("call {}()", name(rest))))],
        "return" => vec![script.stmt(line, What::Plain("return".to_string()))],
        "break" => lost(script, line, text, "it is outside of an expect"),
        "call" => lost(script, line, text, "import that script too, and put its statements here"),
        "!" | "!<" => lost(script, line, text, "a flow runs no programs; `hook` runs one that flowrun.toml names"),
        _ => lost(script, line, text, "it is not a statement of runscript"),
    }
}

fn lost(script: &mut Script, line: usize, text: &str, why: &str) -> Vec<Stmt> {
    vec![script.stmt(line, What::Lost { text: text.to_string(), why: why.to_string() })]
}

fn set(script: &mut Script, line: usize, variable: &str, value: &str) -> Vec<Stmt> {
    let variable = name(variable);
    let stmt = script.stmt(line, What::Plain(format!("compute {variable} = {value}")));
    script.variables.insert(variable);
    vec![stmt]
}

fn operand(script: &mut Script, text: &str) -> String {
    if text.parse::<i64>().is_ok() {
        return text.to_string();
    }
    if let Some(variable) = text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')) {
        return parameter(script, variable);
    }
    name(text)
}

fn condition(script: &mut Script, line: usize, text: &str, rest: &str) -> Vec<Stmt> {
    let mut words = rest.split_whitespace();
    let (Some(left), Some(sign), Some(right)) = (words.next(), words.next(), words.next()) else {
        return lost(script, line, text, "it has no condition");
    };
    let sign = match sign {
        "=" => "==",
        "<" | ">" | "!=" | "==" => sign,
        _ => return lost(script, line, text, "the condition has no known sign"),
    };
    let then = rest.splitn(4, char::is_whitespace).nth(3).unwrap_or_default().trim();
    let condition = format!("{} {sign} {}", operand(script, left), operand(script, right));
    let body = statement(script, line, then);
    vec![script.stmt(line, What::If { branches: vec![(condition, body)], otherwise: Vec::new() })]
}

fn parameter(script: &mut Script, variable: &str) -> String {
    let called = match variable {
        "LOGIN" => "user".to_string(),
        "PASS" => "password".to_string(),
        _ => name(variable),
    };
    let kind = if is_secret(&called) { ParamKind::Secret } else { ParamKind::Plain };
    let note = format!("$({variable}) of the script");
    script.param(&called, kind, None, Some(&note));
    called
}

fn sent(script: &mut Script, text: &str) -> String {
    let text = all_strings(text);
    let mut parts = Vec::new();
    let mut rest = text.as_str();
    let (body, ends_line) = match rest.find("\\c") {
        Some(at) if at + 2 == rest.len() => (&rest[..at], false),
        Some(_) | None => (rest, true),
    };
    rest = body;
    while let Some(at) = rest.find("$(") {
        let Some(end) = rest[at..].find(')') else { break };
        if at > 0 {
            parts.push(Part::Bytes(bytes_of(&rest[..at])));
        }
        let variable = parameter(script, &rest[at + 2..at + end]);
        parts.push(Part::Value(variable));
        rest = &rest[at + end + 1..];
    }
    let mut last = bytes_of(rest);
    if ends_line {
        last.push(b'\r');
    }
    parts.push(Part::Bytes(last));
    send(&parts)
}

/// Returns the first string of a line, and what follows it.
fn first_string(line: &str) -> (String, &str) {
    match line.strip_prefix('"') {
        Some(rest) => {
            let end = closing(rest).unwrap_or(rest.len());
            (rest[..end].to_string(), rest.get(end + 1..).unwrap_or_default())
        }
        None => {
            let end = line.find(char::is_whitespace).unwrap_or(line.len());
            (line[..end].to_string(), &line[end..])
        }
    }
}

fn closing(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let is_end = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end.then_some(at)
    })
}

/// Returns all strings of a line, joined as `print` and `send` do.
fn all_strings(line: &str) -> String {
    if line.starts_with('"') { first_string(line).0 } else { line.to_string() }
}

/// Returns the bytes of a string.
fn bytes_of(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    let put = |out: &mut Vec<u8>, c: char| out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('a') => out.push(7),
                Some('b') => out.push(8),
                Some('f') => out.push(12),
                Some('n') => out.push(b'\n'),
                Some('r') => out.push(b'\r'),
                Some('t') => out.push(b'\t'),
                Some('c') | None => {}
                Some(digit @ '0'..='7') => {
                    let mut value = digit.to_digit(8).unwrap_or(0);
                    for _ in 0..2 {
                        let Some(next) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                        value = value * 8 + next;
                        chars.next();
                    }
                    out.push(value.to_le_bytes()[0]);
                }
                Some(other) => put(&mut out, other),
            },
            '^' if chars.peek().is_some_and(|c| c.is_ascii_alphabetic()) => {
                let letter = chars.next().unwrap_or('@').to_ascii_uppercase();
                out.push((letter as u32).to_le_bytes()[0] & 0x1f);
            }
            c => put(&mut out, c),
        }
    }
    out
}

/// Makes procedures of what `gosub` goes to.
fn subroutines(script: &mut Script) {
    let called: Vec<String> = script
        .body
        .iter()
        .filter_map(|stmt| stmt.what.plain()?.strip_prefix("call ")?.strip_suffix("()").map(str::to_string))
        .collect();
    for label in called {
        let from = script.body.iter().position(|stmt| matches!(&stmt.what, What::Label(text) if name(text) == label));
        let Some(from) = from else { continue };
        let ending = |stmt: &Stmt| stmt.what == What::Plain("return".to_string());
        let Some(to) = script.body[from..].iter().position(ending).map(|at| from + at) else { continue };
        let mut body: Vec<Stmt> = script.body.drain(from..=to).collect();
        let line = body[0].line;
        body.remove(0);
        body.pop();
        let head = format!("procedure {label}()");
        script.body.insert(0, Stmt { line, what: What::Block { head, body } });
    }
}
