//! Scripts of `chat`: pairs of what to wait for and what to send, with words that change how.

use super::model::{ParamKind, Script, Stmt, What};
use super::text::{
    Part, abort_pattern, escaped_regex, expression, is_login, is_secret, name, pattern, quoted, send, title,
};

/// What chat waits if nobody says otherwise, in seconds.
const USUAL: u64 = 45;

/// A word of a script.
#[derive(Clone, Debug)]
struct Word {
    line: usize,
    text: String,
}

/// Returns the statements of a script.
pub(super) fn read(text: &str) -> Script {
    let mut script = Script::default();
    let mut comments = Vec::new();
    let calls =
        if is_shell(text) { words_of_shell(text, &mut script) } else { vec![words(text, &mut script, &mut comments)] };
    comments.reverse();
    let mut chat =
        Chat { script, timeout: None, file_timeout: None, reports: Vec::new(), asked: String::new(), comments };
    for words in calls {
        chat.pairs(&words);
    }
    chat.comments_before(usize::MAX);
    let mut script = chat.script;
    script.timeout = Some(format!("{}s", chat.file_timeout.unwrap_or(USUAL)));
    script
}

fn is_shell(text: &str) -> bool {
    let is_call = |line: &str| !line.trim_start().starts_with('#') && line.contains("chat -");
    text.starts_with("#!") || text.lines().any(is_call)
}

struct Chat {
    script: Script,
    /// In seconds.
    timeout: Option<u64>,
    file_timeout: Option<u64>,
    reports: Vec<(usize, String)>,
    /// What was waited for last: it tells what the answer is.
    asked: String,
    /// The comments that are still ahead, the next one last.
    comments: Vec<(usize, String)>,
}

impl Chat {
    fn comments_before(&mut self, line: usize) {
        while let Some((number, text)) = self.comments.pop_if(|(number, _)| *number < line) {
            self.script.push(number, What::Comment(text));
        }
    }

    fn pairs(&mut self, words: &[Word]) {
        let mut at = 0;
        let mut aborts: Vec<(String, usize)> = Vec::new();
        while at < words.len() {
            let word = &words[at];
            let line = word.line;
            self.comments_before(line);
            let is_word = matches!(word.text.as_str(), "ABORT" | "TIMEOUT" | "REPORT" | "ECHO" | "HANGUP" | "SAY");
            let is_declared = |stmt: &Stmt| matches!(&stmt.what, What::Plain(text) if text.starts_with("fail on "));
            if !is_word && self.script.body.last().is_some_and(is_declared) {
                self.script.push(line, What::Gap);
            }
            let value = words.get(at + 1).map(|word| word.text.clone());
            match (word.text.as_str(), value) {
                ("ABORT", Some(value)) => {
                    aborts.push((value.clone(), self.script.body.len()));
                    self.script.plain(line, format!("fail on {}", abort_pattern(&plain_bytes(&value))));
                }
                ("CLR_ABORT", Some(value)) => self.clear(line, &value, &mut aborts),
                ("TIMEOUT", Some(value)) => match value.parse::<u64>() {
                    Ok(seconds) => {
                        self.timeout = Some(seconds);
                        self.script.lines.insert(line);
                    }
                    Err(_) => self.script.lost(line, &format!("TIMEOUT {value}"), "it is not a number of seconds"),
                },
                ("SAY", Some(value)) => {
                    let text = String::from_utf8_lossy(&plain_bytes(&value)).trim().to_string();
                    self.script.plain(line, format!("log {}", title(&text)));
                }
                ("REPORT", Some(value)) => {
                    self.script.lines.insert(line);
                    self.reports.push((line, value));
                }
                ("CLR_REPORT", Some(value)) => {
                    self.script.lines.insert(line);
                    self.reports.retain(|(_, report)| *report != value);
                }
                ("ECHO", Some(value)) => {
                    let text = format!("ECHO {value}: flowrun shows everything that goes over the line");
                    self.script.push(line, What::Comment(text));
                    self.script.lines.insert(line);
                }
                ("HANGUP", Some(value)) => {
                    let text = format!("HANGUP {value}: flowrun looks at the carrier only where a flow says so");
                    self.script.push(line, What::Comment(text));
                    self.script.lines.insert(line);
                }
                (_, value) => {
                    self.wait(line, &word.text);
                    if let (Some(value), Some(next)) = (value, words.get(at + 1)) {
                        self.answer(next.line, &value);
                    }
                }
            }
            at += 2;
        }
    }

    /// Puts what an abort counts for into a block, which ends it.
    fn clear(&mut self, line: usize, value: &str, aborts: &mut Vec<(String, usize)>) {
        let Some(found) = aborts.iter().rposition(|(abort, _)| abort == value) else {
            self.script.lost(line, &format!("CLR_ABORT {value}"), "no ABORT before it has this text");
            return;
        };
        self.script.lines.insert(line);
        let (_, declared) = aborts.remove(found);
        let fail = self.script.body.remove(declared);
        for (_, at) in aborts.iter_mut().filter(|(_, at)| *at > declared) {
            *at -= 1;
        }
        // An abort does nothing until something is done.
        let is_declared = |stmt: &Stmt| stmt.what.plain().is_none_or(|text| text.starts_with("fail on "));
        let from = (declared..self.script.body.len()).find(|at| !is_declared(&self.script.body[*at]));
        let from = from.unwrap_or(self.script.body.len());
        let inside: Vec<Stmt> = self.script.body.drain(from..).collect();
        if inside.is_empty() {
            return;
        }
        let still: Vec<Stmt> =
            aborts.iter().filter(|(_, at)| *at >= from).filter_map(|(_, at)| inside.get(at - from).cloned()).collect();
        let head = format!("step {}", title(&format!("until `{value}` no longer ends it")));
        let body = std::iter::once(fail).chain(inside).collect();
        self.script.push(line, What::Block { head, body });
        for (n, (_, at)) in aborts.iter_mut().filter(|(_, at)| *at >= from).enumerate() {
            *at = from + 1 + n;
        }
        self.script.body.extend(still);
    }

    fn within(&mut self) -> String {
        let now = self.timeout.unwrap_or(USUAL);
        let usual = *self.file_timeout.get_or_insert(now);
        if now == usual { String::new() } else { format!(" within {now}s") }
    }

    /// `ogin:--ogin:` waits, sends if it does not come, and waits again.
    fn wait(&mut self, line: usize, text: &str) {
        let parts = split_alternates(text);
        let first = parts.first().cloned().unwrap_or_default();
        if first.is_empty() && parts.len() < 2 {
            self.script.lines.insert(line);
            return;
        }
        self.asked = parts.iter().step_by(2).next_back().cloned().unwrap_or_default();
        let stmts = self.alternates(line, &parts);
        self.script.body.extend(stmts);
    }

    fn alternates(&mut self, line: usize, parts: &[String]) -> Vec<Stmt> {
        let within = self.within();
        let Some((first, rest)) = parts.split_first() else { return Vec::new() };
        let bytes = plain_bytes(first);
        let report = self.reports.iter().find(|(_, report)| !report.is_empty() && first.contains(report)).cloned();
        if rest.is_empty() {
            if bytes.is_empty() {
                return Vec::new();
            }
            if let Some((_, report)) = report {
                let regex = escaped_regex(&plain_bytes(&report));
                let mut out = Vec::new();
                out.push(self.script.stmt(line, What::Plain(format!("expect /{regex}(?<report>.*)/{within}"))));
                let told = format!("{report}${{report}}").replace('"', "'");
                out.push(self.script.stmt(line, What::Plain(format!("log \"{told}\""))));
                return out;
            }
            return vec![self.script.stmt(line, What::Plain(format!("expect {}{within}", pattern(&bytes))))];
        }
        let mut instead = self.sent(line, &rest[0]);
        if rest.len() > 1 {
            instead.extend(self.alternates(line, &rest[1..]));
        }
        if bytes.is_empty() {
            return instead;
        }
        let within = within.trim().strip_prefix("within ").map(str::to_string);
        let arms = vec![(Some(pattern(&bytes)), Vec::new()), (None, instead)];
        vec![self.script.stmt(line, What::Expect { within, arms })]
    }

    fn answer(&mut self, line: usize, text: &str) {
        let asked = String::from_utf8_lossy(&plain_bytes(&self.asked)).into_owned();
        let is_hidden = text.contains("\\q");
        let bare = text.replace("\\q", "");
        let has_escape = bare.contains('\\') || bare.starts_with('$') || bare.is_empty();
        if (is_hidden || is_secret(&asked)) && !has_escape {
            let note = format!("line {line} of the script has it; give it with FLOWRUN_VAR_PASSWORD");
            let called = if self.script.has_param("password") && !is_hidden { "password_2" } else { "password" };
            self.script.param(called, ParamKind::Secret, None, Some(&note.replace("PASSWORD", &called.to_uppercase())));
            self.script.plain(line, format!("send {called}"));
            return;
        }
        if is_login(&asked) && !has_escape {
            let called = if self.script.has_param("user") { "user_2" } else { "user" };
            self.script.param(called, ParamKind::Plain, Some(quoted(&bare)), None);
            self.script.plain(line, format!("send {called}"));
            return;
        }
        let stmts = self.sent(line, text);
        if stmts.is_empty() {
            self.script.lines.insert(line);
        }
        self.script.body.extend(stmts);
    }

    /// Returns what sends a string with its escapes.
    fn sent(&mut self, line: usize, text: &str) -> Vec<Stmt> {
        let plain = |script: &mut Script, text: String| script.stmt(line, What::Plain(text));
        match text {
            "BREAK" => return vec![plain(&mut self.script, "break 250ms".to_string())],
            "EOT" => return vec![plain(&mut self.script, "send raw \"\\x04\"".to_string())],
            _ => {}
        }
        if let Some(file) = text.strip_prefix('@') {
            let note = format!("the script reads it from {file}");
            self.script.param("text", ParamKind::Plain, None, Some(&note));
            return vec![plain(&mut self.script, "send text".to_string())];
        }
        let mut out = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut ends_line = true;
        for piece in pieces(text, Side::Send) {
            match piece {
                Piece::Byte(byte) => match parts.last_mut() {
                    Some(Part::Bytes(bytes)) => bytes.push(byte),
                    Some(Part::Value(_)) | None => parts.push(Part::Bytes(vec![byte])),
                },
                Piece::Variable(variable) => {
                    let called = name(&variable);
                    let kind =
                        if is_secret(&called) || called == "pass" { ParamKind::Secret } else { ParamKind::Plain };
                    self.script.param(&called, kind, None, None);
                    parts.push(Part::Value(called));
                }
                Piece::NoEnd => ends_line = false,
                Piece::Pause(_) | Piece::Break => {
                    if !parts.is_empty() {
                        out.push(plain(&mut self.script, format!("send raw {}", expression(&parts))));
                        parts.clear();
                    }
                    let text = if let Piece::Pause(millis) = piece {
                        format!("sleep {}", super::text::millis(millis))
                    } else {
                        "break 250ms".to_string()
                    };
                    out.push(plain(&mut self.script, text));
                }
            }
        }
        if ends_line {
            parts.push(Part::Bytes(vec![b'\r']));
            if let [.., Part::Bytes(before), Part::Bytes(_)] = &mut parts[..] {
                before.push(b'\r');
                parts.pop();
            }
        }
        if !parts.is_empty() {
            out.push(plain(&mut self.script, send(&parts)));
        }
        out
    }
}

/// Which half of a pair a string is: an escape may mean something in one of them only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Expect,
    Send,
}

enum Piece {
    Byte(u8),
    Variable(String),
    NoEnd,
    /// In milliseconds.
    Pause(u64),
    Break,
}

/// Returns the pieces of a string.
fn pieces(text: &str, side: Side) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    let put = |out: &mut Vec<Piece>, c: char| {
        let mut buffer = [0; 4];
        out.extend(c.encode_utf8(&mut buffer).bytes().map(Piece::Byte));
    };
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('b') => out.push(Piece::Byte(8)),
                Some('c') => out.push(Piece::NoEnd),
                Some('d') => out.push(Piece::Pause(1000)),
                Some('K') if side == Side::Send => out.push(Piece::Break),
                Some('n') => out.push(Piece::Byte(b'\n')),
                Some('N') => out.push(Piece::Byte(0)),
                Some('p') => out.push(Piece::Pause(100)),
                Some('q') => {}
                Some('r') => out.push(Piece::Byte(b'\r')),
                Some('s') => out.push(Piece::Byte(b' ')),
                Some('t') => out.push(Piece::Byte(b'\t')),
                Some('T') if side == Side::Send => out.push(Piece::Variable("number".to_string())),
                Some('U') if side == Side::Send => out.push(Piece::Variable("number_2".to_string())),
                Some(digit @ '0'..='7') => {
                    let mut value = digit.to_digit(8).unwrap_or(0);
                    for _ in 0..2 {
                        let Some(next) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                        value = value * 8 + next;
                        chars.next();
                    }
                    out.push(Piece::Byte(value.to_le_bytes()[0]));
                }
                Some(other) => put(&mut out, other),
                None => {}
            },
            '^' if chars.peek().is_some_and(|c| c.is_ascii_uppercase()) => {
                let letter = chars.next().unwrap_or('@');
                out.push(Piece::Byte((letter as u32).to_le_bytes()[0] & 0x1f));
            }
            '$' if side == Side::Send && chars.peek().is_some_and(|c| c.is_ascii_alphabetic() || *c == '{') => {
                let mut name = String::new();
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '{' | '}')) {
                    name.push(c);
                }
                out.push(Piece::Variable(name));
            }
            c => put(&mut out, c),
        }
    }
    out
}

/// Returns the bytes of a string that has no variables.
fn plain_bytes(text: &str) -> Vec<u8> {
    let bytes = |piece| if let Piece::Byte(byte) = piece { Some(byte) } else { None };
    pieces(text, Side::Expect).into_iter().filter_map(bytes).collect()
}

fn split_alternates(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_escaped = false;
    for c in text.chars() {
        match c {
            '-' if !is_escaped => parts.push(String::new()),
            c => {
                let last = parts.last_mut().expect("there is one from the beginning");
                if is_escaped && c == '-' {
                    last.pop();
                }
                last.push(c);
            }
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    parts
}

/// Returns the words of a script; comments go to the body.
fn words(text: &str, script: &mut Script, comments: &mut Vec<(usize, String)>) -> Vec<Word> {
    let mut words = Vec::new();
    let mut is_head = true;
    for (n, line) in text.lines().enumerate() {
        let line_number = n + 1;
        match line.trim_start().strip_prefix('#') {
            Some(comment) if comment.trim().trim_matches(['=', '-', '#']).is_empty() => {}
            Some(comment) if is_head => script.note(comment),
            Some(comment) => comments.push((line_number, comment.to_string())),
            None => {
                is_head &= line.trim().is_empty();
                words_of(line, line_number, &mut words);
            }
        }
    }
    words
}

fn words_of(line: &str, number: usize, words: &mut Vec<Word>) {
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        let mut text = String::new();
        let quote = matches!(c, '"' | '\'').then_some(c);
        if quote.is_none() {
            text.push(c);
        }
        if c == '\\'
            && let Some(next) = chars.next()
        {
            text.push(next);
        }
        while let Some(c) = chars.next() {
            match (quote, c) {
                (Some(quote), c) if c == quote => break,
                (None, c) if c.is_whitespace() => break,
                (_, '\\') => {
                    text.push('\\');
                    text.extend(chars.next());
                }
                (_, c) => text.push(c),
            }
        }
        words.push(Word { line: number, text });
    }
}

/// Returns the words of each call of chat in a shell script; the other lines have no translation.
fn words_of_shell(text: &str, script: &mut Script) -> Vec<Vec<Word>> {
    let mut calls: Vec<Vec<Word>> = Vec::new();
    let mut is_call = false;
    for (n, line) in text.lines().enumerate() {
        let line_number = n + 1;
        let trimmed = line.trim();
        let goes_on = trimmed.ends_with('\\');
        let said = trimmed.trim_end_matches('\\').trim();
        if let (true, Some(words)) = (is_call, calls.last_mut()) {
            words_of(said, line_number, words);
        } else if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        } else if let Some(arguments) = arguments_of_chat(said) {
            let mut found = Vec::new();
            words_of(arguments, line_number, &mut found);
            let n_options = options(&found);
            calls.push(found.into_iter().skip(n_options).collect());
            script.lines.insert(line_number);
            is_call = true;
        } else {
            script.lost(line_number, trimmed, "a line of the shell");
        }
        is_call &= goes_on;
    }
    calls
}

fn arguments_of_chat(line: &str) -> Option<&str> {
    let at = line.find("chat ")?;
    let before = &line[..at];
    (before.is_empty() || before.ends_with([' ', '/', '"', '\''])).then(|| line[at + 4..].trim())
}

/// Returns how many of the words are options of chat.
fn options(words: &[Word]) -> usize {
    let mut n = 0;
    while let Some(word) = words.get(n).filter(|word| word.text.starts_with('-') && word.text.len() > 1) {
        n += if matches!(word.text.as_str(), "-f" | "-t" | "-r" | "-T" | "-U") { 2 } else { 1 };
    }
    n
}
