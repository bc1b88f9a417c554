//! A script becomes a formatted flow in which `check` finds no mistake: a statement that it refuses becomes a comment.

use std::path::Path;

use super::jumps::without_jumps;
use super::model::{Script, Stmt, What};
use super::write::{Written, compact, write};
use super::{Imported, Kind, Lost};
use crate::check::check;
use crate::diagnostic::Severity;
use crate::format::format;
use crate::load::load;
use crate::source::{Source, Sources};

/// So many times statements are taken out; each time at least one goes.
const MOST_ROUNDS: usize = 400;

/// Makes the flow.
///
/// # Errors
///
/// What is wrong with the flow, which must not happen.
pub(super) fn finish(kind: Kind, file: &str, mut script: Script) -> Result<Imported, String> {
    script.body = without_jumps(std::mem::take(&mut script.body));
    script.body = tidy(std::mem::take(&mut script.body));
    let mut last = String::new();
    let mut declared = Vec::new();
    let mut waits = false;
    for _ in 0..MOST_ROUNDS {
        let written = write(&script, kind, file);
        let Some((line, message)) = first_mistake(&written.text) else {
            let flow = formatted(&compact(&written.text)).or_else(|_| formatted(&written.text))?;
            let mut lost = Vec::new();
            lost_in(&script.body, &mut lost);
            lost.sort();
            lost.dedup();
            return Ok(Imported { kind, flow, n_lines: script.n_lines(), lost });
        };
        last = format!("line {}: {message}", line + 1);
        if declare(&mut script, &message, &mut declared) {
            continue;
        }
        if message.contains("checks nothing") && !waits {
            waits = true;
            let text = "expect quiet for 200ms within 5s  # the script waits for no answer: say here what comes";
            script.body.push(Stmt { line: 0, what: What::Plain(text.to_string()) });
            continue;
        }
        if !take_out(&mut script, &written, line, &message) {
            break;
        }
    }
    Err(last)
}

/// Gives a value at the beginning to the variable that a message says has none; `false` if it is about something else.
fn declare(script: &mut Script, message: &str, declared: &mut Vec<String>) -> bool {
    let Some(name) = message.split('`').nth(1).map(str::to_string) else { return false };
    let is_ours = script.variables.contains(&name) && !declared.contains(&name);
    if !message.contains("variable") || !is_ours {
        return false;
    }
    let is_number = script.body.iter().any(|stmt| stmt.any(&|what| sets_number(what, &name)));
    let value = if is_number { "0" } else { "\"\"" };
    let at = declared.len();
    script.body.insert(at, Stmt { line: 0, what: What::Plain(format!("compute {name} = {value}")) });
    if at == 0 {
        script.body.insert(1, Stmt { line: 0, what: What::Gap });
    }
    declared.push(name);
    true
}

fn sets_number(what: &What, variable: &str) -> bool {
    let What::Plain(text) = what else { return false };
    let Some(value) = text.strip_prefix(&format!("compute {variable} = ")) else { return false };
    value.parse::<i64>().is_ok() || value.starts_with(&format!("{variable} + ")) || value.starts_with("int(")
}

/// Leaves out what says nothing: gaps beside gaps, blocks of which nothing is left, what follows an end.
fn tidy(body: Vec<Stmt>) -> Vec<Stmt> {
    let mut out: Vec<Stmt> = Vec::new();
    for mut stmt in body {
        for block in stmt.blocks_mut() {
            *block = tidy(std::mem::take(block));
        }
        let is_gap = stmt.what == What::Gap;
        if is_gap && out.last().is_none_or(|last| last.what == What::Gap) {
            continue;
        }
        out.push(stmt);
    }
    while out.last().is_some_and(|last| last.what == What::Gap) {
        out.pop();
    }
    out
}

/// Returns the line of the first mistake in a flow, from 0, and what it is.
fn first_mistake(text: &str) -> Option<(usize, String)> {
    let file = Path::new("imported.flow");
    let reader = |path: &Path| {
        if path == file { Ok(text.as_bytes().to_vec()) } else { Err(std::io::ErrorKind::NotFound.into()) }
    };
    let checked = check(load(file, &reader));
    let problem = checked.problems.iter().find(|problem| problem.severity() == Severity::Error)?;
    let line = problem.label.as_ref().map_or(0, |label| {
        let (line, _) = checked.sources.get(label.site.source).line_column(label.site.span.start);
        line.saturating_sub(1)
    });
    Some((line, problem.message.clone()))
}

fn formatted(text: &str) -> Result<String, String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("imported.flow", text));
    format(id, sources.get(id)).map_err(|problems| {
        problems.first().map_or_else(|| "the flow has no layout".to_string(), |problem| problem.message.clone())
    })
}

/// Makes a comment of the statement at this line, or of the nearest one before it; `false` if there is none.
fn take_out(script: &mut Script, written: &Written, line: usize, message: &str) -> bool {
    let last = line.min(written.paths.len().saturating_sub(1));
    let at_or_before = (0..=last).rev().find_map(|line| written.paths[line].clone());
    let path = at_or_before.or_else(|| written.paths.iter().find_map(Clone::clone));
    match path {
        Some(path) => lose(&mut script.body, &path, message),
        None => false,
    }
}

fn lose(body: &mut Vec<Stmt>, path: &[usize], message: &str) -> bool {
    let Some((&at, rest)) = path.split_first() else { return false };
    let Some(stmt) = body.get_mut(at) else { return false };
    if let [block, inner @ ..] = rest
        && !inner.is_empty()
    {
        let mut blocks = stmt.blocks_mut();
        return blocks.get_mut(*block).is_some_and(|body| lose(body, inner, message));
    }
    let stmt = body.remove(at);
    let mut left = Vec::new();
    leaves(&stmt, message, &mut left);
    body.splice(at..at, left);
    true
}

/// Returns everything of a statement as comments, each line of the script once.
fn leaves(stmt: &Stmt, message: &str, out: &mut Vec<Stmt>) {
    let text = match &stmt.what {
        What::Plain(text) => text.clone(),
        What::Expect { .. } => "expect { … }".to_string(),
        What::If { .. } => "if { … }".to_string(),
        What::Block { head, .. } => format!("{head} {{ … }}"),
        What::Comment(_) | What::Gap | What::Lost { .. } | What::Label(_) | What::Goto(_) | What::End(_) => {
            String::new()
        }
    };
    if matches!(stmt.what, What::Lost { .. } | What::Comment(_)) {
        out.push(stmt.clone());
    } else if stmt.line == 0 {
        if !text.is_empty() {
            out.push(Stmt { line: 0, what: What::Comment(format!("{text} (left out: {message})")) });
        }
    } else if !text.is_empty() {
        out.push(Stmt { line: stmt.line, what: What::Lost { text, why: message.to_string() } });
    }
    for block in stmt.blocks() {
        for stmt in block {
            leaves(stmt, message, out);
        }
    }
}

fn lost_in(body: &[Stmt], lost: &mut Vec<Lost>) {
    for stmt in body {
        if let What::Lost { text, why } = &stmt.what {
            lost.push(Lost { line: stmt.line, text: text.clone(), why: why.clone() });
        }
        for block in stmt.blocks() {
            lost_in(block, lost);
        }
    }
}
