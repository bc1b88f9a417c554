//! The `expect` of an expect script: patterns, and what is done at each.

use super::Reader;
use crate::import::model::{Stmt, What};
use crate::import::tcl::{Word, list};
use crate::import::text::{Part, escaped_regex, groups, literal, pattern, regex};

/// A pattern, or the timeout, or the end of the port.
enum Wanted {
    Pattern(String),
    Timeout,
    End,
}

impl Reader {
    /// Returns the statements of an `expect`; `expect_after` and `expect_before` count for every wait that follows.
    pub(super) fn waits(&mut self, line: usize, arguments: &[Word], depth: usize, is_here: bool) -> Option<Vec<Stmt>> {
        let words = match arguments {
            [word] if word.is_braced && word.text.contains(char::is_whitespace) => list(&word.text, word.line),
            _ => arguments.to_vec(),
        };
        let mut within = self.timeout.clone();
        let mut arms: Vec<(Option<String>, Vec<Stmt>)> = Vec::new();
        let mut watchers = Vec::new();
        let mut at = 0;
        while at < words.len() {
            if words[at].text.starts_with('#') && !words[at].is_braced {
                // A comment inside of the list: the words of its line.
                let comment = words[at].line;
                while words.get(at).is_some_and(|word| word.line == comment) {
                    at += 1;
                }
                continue;
            }
            if words[at].text == "-timeout" {
                within = words.get(at + 1).and_then(|word| word.text.parse::<u64>().ok()).map(|n| format!("{n}s"));
                at += 2;
                continue;
            }
            let number = words[at].line;
            let (wanted, next) = self.wanted(&words, at)?;
            self.script.lines.insert(number);
            let action = words.get(next);
            at = next + 1;
            let (body, goes_on) = match action {
                Some(action) => {
                    let body = self.body(action, depth);
                    let goes_on = |stmt: &Stmt| stmt.any(&|what| is_going_on(what));
                    (without_going_on(body.clone()), body.iter().any(goes_on))
                }
                None => (Vec::new(), false),
            };
            match wanted {
                Wanted::End => watchers.push(Stmt { line: number, what: What::Comment("eof: a port that goes away ends the run with exit code 3".to_string()) }),
                Wanted::Timeout if is_here => arms.push((None, failing(body))),
                Wanted::Timeout => {}
                Wanted::Pattern(pattern) if goes_on || !is_here => {
                    let fails = failing(body.clone());
                    let what = match &fails[..] {
                        [Stmt { what: What::End(Some(message)), .. }] => {
                            What::Plain(format!("fail on {pattern}, {message}"))
                        }
                        _ => What::Block { head: format!("on {pattern}"), body },
                    };
                    watchers.push(self.script.stmt(number, what));
                }
                Wanted::Pattern(pattern) => arms.push((Some(pattern), failing(body))),
            }
        }
        let mut out = watchers;
        // A wait that runs out fails: an empty arm goes on as the script does.
        let what = match &arms[..] {
            [] => return Some(out),
            [(Some(pattern), body)] => {
                let within = within.map_or_else(String::new, |within| format!(" within {within}"));
                out.push(self.script.stmt(line, What::Plain(format!("expect {pattern}{within}"))));
                out.extend(body.clone());
                return Some(out);
            }
            arms if arms.iter().all(|(pattern, _)| pattern.is_none()) => {
                let body = arms[0].1.clone();
                if out.iter().any(|stmt| matches!(stmt.what, What::Block { .. })) {
                    let arm = (Some("/\\z\\A/".to_string()), Vec::new());
                    What::Expect { within, arms: vec![arm, (None, body)] }
                } else {
                    return Some(out);
                }
            }
            _ => What::Expect { within, arms },
        };
        out.push(self.script.stmt(line, what));
        Some(out)
    }

    /// Returns the pattern that begins at a word, and where its action is.
    fn wanted(&mut self, words: &[Word], mut at: usize) -> Option<(Wanted, usize)> {
        let mut is_regex = false;
        let mut is_exact = false;
        loop {
            let word = words.get(at)?;
            match (word.text.as_str(), word.is_braced) {
                ("-re", false) => is_regex = true,
                ("-ex", false) => is_exact = true,
                ("-gl" | "-nocase" | "--" | "-notransfer", false) => {}
                ("-i", false) => at += 1,
                ("timeout", false) => return Some((Wanted::Timeout, at + 1)),
                ("eof" | "full_buffer", false) => return Some((Wanted::End, at + 1)),
                ("default", false) => return Some((Wanted::Timeout, at + 1)),
                _ => break,
            }
            at += 1;
        }
        let word = &words[at];
        self.asked = word.text.clone();
        if is_regex {
            let text = if word.is_braced { word.text.clone() } else { unescaped(&word.text) };
            let regex = regex(&text)?;
            self.script.variables.extend(groups(&regex));
            return Some((Wanted::Pattern(regex), at + 1));
        }
        let parts = self.parts(word)?;
        let pattern = match &parts[..] {
            [Part::Bytes(bytes)] if is_exact => pattern(bytes),
            [Part::Bytes(bytes)] => glob(bytes),
            _ => literal(&parts),
        };
        Some((Wanted::Pattern(pattern), at + 1))
    }
}

/// Returns a text between quotes without its Tcl escapes, as a regex.
fn unescaped(text: &str) -> String {
    text.replace("\\\\", "\\").replace("\\[", "[").replace("\\]", "]").replace("\\$", "$").replace("\\\"", "\"")
}

/// Returns the pattern of a glob.
fn glob(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let inner = text.trim_matches('*');
    let inner = inner.strip_suffix('$').filter(|inner| inner.ends_with([']', '#', '>', ' '])).unwrap_or(inner);
    let has_sign = inner.contains(['*', '[']) || inner.contains('?') && !inner.trim_end().ends_with('?');
    if !has_sign || inner.is_empty() {
        return pattern(inner.as_bytes());
    }
    let mut regex = String::from("/");
    for c in inner.trim_matches(['\r', '\n']).chars() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '[' | ']' => regex.push(c),
            '-' => regex.push('-'),
            c => regex.push_str(&escaped_regex(c.encode_utf8(&mut [0; 4]).as_bytes())),
        }
    }
    regex.push('/');
    regex
}

fn is_going_on(what: &What) -> bool {
    matches!(what, What::Lost { text, .. } if text.starts_with("exp_continue") || text.starts_with("continue -expect"))
        || matches!(what, What::Goto(to) if to == "exp_continue")
}

fn without_going_on(body: Vec<Stmt>) -> Vec<Stmt> {
    let mut out = Vec::new();
    for mut stmt in body {
        if is_going_on(&stmt.what) {
            continue;
        }
        for block in stmt.blocks_mut() {
            *block = without_going_on(std::mem::take(block));
        }
        out.push(stmt);
    }
    out
}

/// Joins a message and the end that follows it.
fn failing(body: Vec<Stmt>) -> Vec<Stmt> {
    let mut out: Vec<Stmt> = Vec::new();
    for stmt in body {
        let message = match (out.last().map(|last| &last.what), &stmt.what) {
            (Some(What::Plain(text)), What::End(Some(_))) => text.strip_prefix("log ").map(str::to_string),
            _ => None,
        };
        match message {
            Some(message) => {
                out.pop();
                out.push(Stmt { line: stmt.line, what: What::End(Some(message)) });
            }
            None => out.push(stmt),
        }
    }
    out
}
