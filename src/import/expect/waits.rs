//! The `expect` of an expect script: patterns, and what is done at each.

use super::Reader;
use crate::import::jumps::{failing, into_branches, lowered};
use crate::import::model::{Stmt, What, made};
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
        let mut n_loops = 0;
        let mut at = 0;
        while at < words.len() {
            if words[at].text.starts_with('#') && words[at].is_bare {
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
                    let does = body.iter().any(goes_on);
                    // A watcher does its block each time; anything less simple is a loop.
                    let is_last = body.last().is_some_and(|last| is_going_on(&last.what));
                    let is_simple = is_last && body.len() <= 4 && !body[..body.len() - 1].iter().any(goes_on);
                    let is_watcher = is_simple && !matches!(wanted, Wanted::Timeout);
                    n_loops += usize::from(does && !is_watcher);
                    (if is_watcher { without_going_on(body) } else { body }, is_watcher)
                }
                None => (Vec::new(), false),
            };
            match wanted {
                Wanted::End => watchers.push(Stmt {
                    line: number,
                    what: What::Comment("eof: a port that goes away ends the run with exit code 3".to_string()),
                }),
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
        let mut wait = self.script.stmt(line, what);
        if n_loops > 0 {
            wait.blocks_mut().into_iter().for_each(|block| *block = once_more(std::mem::take(block)));
            out.push(made(What::Plain("compute waits = true".to_string())));
            let turn = vec![made(What::Plain("compute waits = false".to_string())), wait];
            let head = "repeat while waits at most 1000".to_string();
            out.push(made(What::Block { head, body: turn }));
            return Some(out);
        }
        out.push(wait);
        Some(out)
    }

    /// Returns the pattern that begins at a word, and where its action is.
    fn wanted(&mut self, words: &[Word], mut at: usize) -> Option<(Wanted, usize)> {
        let mut is_regex = false;
        let mut is_exact = false;
        loop {
            let word = words.get(at)?;
            match (word.text.as_str(), word.is_bare) {
                ("-re", true) => is_regex = true,
                ("-ex", true) => is_exact = true,
                ("-gl" | "-nocase" | "--" | "-notransfer", true) => {}
                ("-i", true) => at += 1,
                ("timeout", true) => return Some((Wanted::Timeout, at + 1)),
                ("eof" | "full_buffer", true) => return Some((Wanted::End, at + 1)),
                ("default", true) => return Some((Wanted::Timeout, at + 1)),
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
    matches!(what, What::Goto(to) if to == "exp_continue")
}

/// Makes the wait go on once more where the script says so.
fn once_more(body: Vec<Stmt>) -> Vec<Stmt> {
    let jump = |what: &What| is_going_on(what).then(|| vec![made(What::Plain("compute waits = true".to_string()))]);
    lowered(into_branches(body), &jump, "not waits")
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
