//! The text of a flow, a statement a line, and which statement each line is.

use super::Kind;
use super::model::{Param, ParamKind, Script, Stmt, What};
use super::text::{is_unseen, title};

/// A text and, for each of its lines, the path of the statement that it begins with.
pub(super) struct Written {
    pub text: String,
    /// By line, from 0; a path has the index in each block.
    pub paths: Vec<Option<Vec<usize>>>,
}

impl Written {
    fn line(&mut self, text: &str, path: Option<&[usize]>) {
        self.text.push_str(text);
        self.text.push('\n');
        self.paths.push(path.map(<[usize]>::to_vec));
    }
}

/// Returns the text of a script.
pub(super) fn write(script: &Script, kind: Kind, name: &str) -> Written {
    let mut out = Written { text: String::new(), paths: Vec::new() };
    let shown = comment_text(name);
    out.line(&format!("# Imported from {shown}, made for {}.", kind.tool()), None);
    for note in script.notes.iter().map(|note| comment_text(note)).filter(|note| !note.is_empty()) {
        out.line(&format!("# {note}"), None);
    }
    let named =
        script.title.clone().unwrap_or_else(|| name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_string());
    let named = if named.trim().is_empty() { "imported" } else { named.trim() };
    out.line(&format!("flow {}", title(named)), None);
    out.line("", None);
    for param in &script.params {
        out.line(&declaration(param), None);
    }
    if !script.settings.is_empty() {
        out.line(&format!("serial {{ {} }}", script.settings.join("  ")), None);
    }
    if let Some(timeout) = &script.timeout {
        out.line(&format!("timeout {timeout}"), None);
    }
    out.line("", None);
    block(&mut out, &script.body, &mut Vec::new());
    out
}

fn declaration(param: &Param) -> String {
    let keyword = match param.kind {
        ParamKind::Plain => "param",
        ParamKind::Secret => "secret",
        ParamKind::File => "file",
    };
    let default = param.default.as_ref().map_or_else(String::new, |default| format!(" = {default}"));
    let note = param.note.as_ref().map_or_else(String::new, |note| format!("  # {}", comment_text(note)));
    format!("{keyword} {}{default}{note}", param.name)
}

fn block(out: &mut Written, body: &[Stmt], path: &mut Vec<usize>) {
    for (n, stmt) in body.iter().enumerate() {
        path.push(n);
        statement(out, stmt, path);
        path.pop();
    }
}

fn statement(out: &mut Written, stmt: &Stmt, path: &mut Vec<usize>) {
    match &stmt.what {
        What::Plain(text) => out.line(text, Some(path)),
        What::Comment(text) if comment_text(text).is_empty() => {}
        What::Comment(text) => out.line(&format!("# {}", comment_text(text)), None),
        What::Gap => out.line("", None),
        What::Lost { text, why } => {
            let text = comment_text(text);
            out.line(&format!("# line {}: {text} (not translated: {})", stmt.line, comment_text(why)), None);
        }
        What::If { branches, otherwise } => {
            for (n, (condition, body)) in branches.iter().enumerate() {
                let head = if n == 0 { "if" } else { "} else if" };
                out.line(&format!("{head} {condition} {{"), Some(path));
                nested(out, body, n, path);
            }
            if !otherwise.is_empty() {
                out.line("} else {", Some(path));
                nested(out, otherwise, branches.len(), path);
            }
            out.line("}", Some(path));
        }
        What::Expect { within, arms } => {
            let within = within.as_ref().map_or_else(String::new, |within| format!("within {within} "));
            out.line(&format!("expect {within}{{"), Some(path));
            for (n, (pattern, body)) in arms.iter().enumerate() {
                let pattern = pattern.as_deref().unwrap_or("timeout");
                if body.is_empty() {
                    out.line(&format!("{pattern} -> {{}}"), Some(path));
                    continue;
                }
                out.line(&format!("{pattern} -> {{"), Some(path));
                nested(out, body, n, path);
                out.line("}", Some(path));
            }
            out.line("}", Some(path));
        }
        What::Block { head, body } => {
            out.line(&format!("{head} {{"), Some(path));
            nested(out, body, 0, path);
            out.line("}", Some(path));
        }
        What::End(Some(message)) => out.line(&format!("fail {message}"), Some(path)),
        What::Label(_) | What::Goto(_) | What::End(None) => {}
    }
}

fn nested(out: &mut Written, body: &[Stmt], n: usize, path: &mut Vec<usize>) {
    path.push(n);
    block(out, body, path);
    path.pop();
}

/// Returns a text that can stand in a comment.
pub(super) fn comment_text(text: &str) -> String {
    let harmless: String = text.trim().chars().map(|c| if c.is_control() || is_unseen(c) { ' ' } else { c }).collect();
    harmless.trim().to_string()
}

/// A line that is made of several is not longer.
const ONE_LINE: usize = 90;

/// Puts what belongs together on one line: a command and the wait for its answer, a block of one statement.
pub(super) fn compact(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let is_plain = |line: &str| !line.contains(['{', '}', '#']) && !line.trim().is_empty();
    for line in text.lines() {
        let line = line.trim();
        let before = out.last().map(String::as_str).unwrap_or_default();
        let fits = |more: &str| before.len() + more.len() + 3 <= ONE_LINE;
        if before.starts_with("send ")
            && !before.contains("  expect ")
            && line.starts_with("expect ")
            && !line.ends_with('{')
            && fits(line)
        {
            *out.last_mut().expect("it has text") = format!("{before}  {line}");
            continue;
        }
        // `HEAD {`, one statement, and now `}`.
        if line == "}"
            && let [.., head, inner] = &out[..]
            && (head.ends_with("-> {") || head.starts_with("if ") && head.ends_with('{'))
            && is_plain(inner)
            && head.len() + inner.len() + 3 <= ONE_LINE
        {
            let joined = format!("{head} {inner} }}");
            out.truncate(out.len() - 2);
            out.push(joined);
            continue;
        }
        out.push(line.to_string());
    }
    out.join("\n") + "\n"
}
