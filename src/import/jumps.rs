//! Statements without `goto`: what a label leads to is put where the jump is, and a jump back becomes a loop.
//!
//! Three ways, the first that fits: a part that ends the script is copied to where it is jumped to; a part that only jumps
//! to its own beginning is a loop; anything else is a loop over the parts, with the name of the next part in a variable.

use super::model::{Stmt, What, made};
use super::text::{is_failure, quoted, title};

/// What `break` and `continue` of a loop go to.
pub(super) const BREAK: &str = "\u{0}break";
pub(super) const CONTINUE: &str = "\u{0}continue";

/// A part of more statements is not copied.
const LONGEST_COPY: usize = 12;

/// A script of more statements is not made longer by copies.
const MOST_COPIED: usize = 3000;

/// So many turns a loop has that the script does not bound.
const TURNS: usize = 1000;

/// A part of a script, from a label to the next.
#[derive(Clone, Debug)]
struct Part {
    label: Option<String>,
    body: Vec<Stmt>,
    is_copied: bool,
}

/// Returns the statements without labels and jumps.
pub(super) fn without_jumps(body: Vec<Stmt>) -> Vec<Stmt> {
    let mut n_loops = 0;
    let body = loops(failing(body), &mut n_loops);
    let mut parts = parts(body);
    for part in &mut parts {
        fail_at_end(part);
    }
    copy_ends(&mut parts);
    move_once(&mut parts);
    copy_ends(&mut parts);
    let labels: Vec<String> = parts.iter().filter_map(|part| part.label.clone()).collect();
    for part in &mut parts {
        lose_unknown(&mut part.body, &labels);
    }
    let jumps_to = |part: &Part, label: &str| part.body.iter().any(|stmt| stmt.any(&|what| is_goto(what, label)));
    let has_own_only = parts.iter().all(|part| {
        let others = labels.iter().filter(|label| part.label.as_ref() != Some(label));
        others.into_iter().all(|label| !jumps_to(part, label))
    });
    if !has_own_only {
        return machine(parts);
    }
    let mut out = Vec::new();
    for (n, part) in parts.iter().enumerate() {
        let is_last = n + 1 == parts.len();
        let own = part.label.clone().filter(|label| jumps_to(part, label));
        match own {
            Some(label) => {
                n_loops += 1;
                out.extend(own_loop(part.body.clone(), &label, n_loops));
            }
            None => out.extend(part.body.clone()),
        }
        if !is_last && !ends(&out) {
            out.push(made(What::Gap));
        }
    }
    let out = nested(reachable(out));
    if out.iter().any(|stmt| stmt.any(&|what| *what == What::End(None))) { with_end(out) } else { out }
}

/// Joins a message and the end that follows it, if one of them tells of a failure.
pub(super) fn failing(body: Vec<Stmt>) -> Vec<Stmt> {
    let mut out: Vec<Stmt> = Vec::new();
    for mut stmt in body {
        for block in stmt.blocks_mut() {
            *block = failing(std::mem::take(block));
        }
        let said = out.last().and_then(|last| last.what.plain());
        let before = said.and_then(|text| text.strip_prefix("log ")).map(str::to_string);
        let message = before.filter(|text| match &stmt.what {
            What::End(None) => is_failure(text),
            What::End(Some(message)) => message.starts_with("\"the script ends with"),
            What::Plain(_)
            | What::Comment(_)
            | What::Gap
            | What::Lost { .. }
            | What::If { .. }
            | What::Expect { .. }
            | What::Block { .. }
            | What::Label(_)
            | What::Goto(_) => false,
        });
        if let Some(message) = message {
            out.pop();
            out.push(Stmt { line: stmt.line, what: What::End(Some(message)) });
        } else {
            out.push(stmt);
        }
    }
    out
}

/// Whether a list ends with a jump.
fn ends(body: &[Stmt]) -> bool {
    let last = body.iter().rev().find(|stmt| !matches!(stmt.what, What::Gap | What::Comment(_)));
    last.is_some_and(|stmt| match &stmt.what {
        What::Goto(_) | What::End(_) => true,
        What::If { branches, otherwise } => ends(otherwise) && branches.iter().all(|(_, body)| ends(body)),
        What::Expect { arms, .. } => arms.iter().all(|(_, body)| ends(body)),
        What::Plain(_) | What::Comment(_) | What::Gap | What::Lost { .. } | What::Block { .. } | What::Label(_) => {
            false
        }
    })
}

fn is_goto(what: &What, to: &str) -> bool {
    matches!(what, What::Goto(label) if label == to)
}

fn is_jump(what: &What) -> bool {
    matches!(what, What::Goto(_) | What::End(None))
}

fn parts(body: Vec<Stmt>) -> Vec<Part> {
    let mut parts = vec![Part { label: None, body: Vec::new(), is_copied: false }];
    for stmt in body {
        if let What::Label(label) = stmt.what {
            parts.push(Part { label: Some(label), body: Vec::new(), is_copied: false });
        } else {
            parts.last_mut().expect("there is one from the beginning").body.push(stmt);
        }
    }
    if let Some(last) = parts.last_mut()
        && !ends(&last.body)
    {
        last.body.push(made(What::End(None)));
    }
    parts
}

/// Makes a failure of an end that follows a message about one, or a label that says so.
fn fail_at_end(part: &mut Part) {
    let Some(end) = part.body.iter().rposition(|stmt| !matches!(stmt.what, What::Gap | What::Comment(_))) else {
        return;
    };
    if part.body[end].what != What::End(None) {
        return;
    }
    let before = end.checked_sub(1).map(|at| part.body[at].what.clone());
    let said = before.as_ref().and_then(What::plain);
    let message = said.and_then(|text| text.strip_prefix("log ")).map(str::to_string);
    let says_so = part.label.as_deref().is_some_and(is_failure);
    if let Some(message) = &message
        && (says_so || is_failure(message))
    {
        part.body[end] = Stmt { line: part.body[end].line, what: What::End(Some(message.clone())) };
        part.body.remove(end - 1);
    } else if let (true, Some(label)) = (says_so, &part.label) {
        part.body[end].what = What::End(Some(title(&label.replace('_', " "))));
    }
}

/// Puts parts that end the script where they are jumped to.
fn copy_ends(parts: &mut Vec<Part>) {
    for _ in 0..8 {
        let ending: Vec<(String, Vec<Stmt>)> = parts
            .iter()
            .filter(|part| {
                let has_goto = part.body.iter().any(|stmt| stmt.any(&|what| matches!(what, What::Goto(_))));
                part.body.len() <= LONGEST_COPY && ends(&part.body) && !has_goto
            })
            .filter_map(|part| part.label.clone().map(|label| (label, part.body.clone())))
            .collect();
        let mut is_changed = false;
        let mut n_left = MOST_COPIED;
        for (label, body) in &ending {
            let mut n = 0;
            for part in parts.iter_mut() {
                replace(&mut part.body, label, body, &mut n, &mut n_left);
            }
            is_changed |= n > 0;
            for part in parts.iter_mut().filter(|part| n > 0 && part.label.as_deref() == Some(label)) {
                part.is_copied = true;
            }
        }
        if !is_changed {
            break;
        }
    }
    // A part that was copied stays only where the part before it runs into it.
    let mut kept: Vec<Part> = Vec::new();
    for part in parts.drain(..) {
        let is_run_into = kept.last().is_none_or(|before| !ends(&before.body));
        if !part.is_copied || is_run_into {
            kept.push(part);
        }
    }
    *parts = kept;
}

/// Moves a part that one jump leads to, and nothing runs into, to where this jump is.
fn move_once(parts: &mut Vec<Part>) {
    while let Some((at, label)) = (1..parts.len()).find_map(|at| {
        let label = parts[at].label.clone()?;
        let body = &parts[at].body;
        let is_alone = ends(&parts[at - 1].body) && ends(body) && n_jumps(body, &label) == 0;
        let n: usize = parts.iter().map(|part| n_jumps(&part.body, &label)).sum();
        (is_alone && n == 1).then_some((at, label))
    }) {
        let part = parts.remove(at);
        let (mut n, mut n_left) = (0, MOST_COPIED);
        for other in parts.iter_mut() {
            replace(&mut other.body, &label, &part.body, &mut n, &mut n_left);
        }
    }
}

/// Returns how many jumps lead to a label.
fn n_jumps(body: &[Stmt], label: &str) -> usize {
    let inside = |stmt: &Stmt| stmt.blocks().into_iter().map(|block| n_jumps(block, label)).sum::<usize>();
    body.iter().map(|stmt| usize::from(is_goto(&stmt.what, label)) + inside(stmt)).sum()
}

fn replace(body: &mut Vec<Stmt>, label: &str, with: &[Stmt], n: &mut usize, n_left: &mut usize) {
    let mut at = 0;
    while at < body.len() {
        if is_goto(&body[at].what, label) && *n_left >= with.len() {
            *n_left -= with.len();
            *n += 1;
            let copy: Vec<Stmt> =
                with.iter().filter(|stmt| !matches!(stmt.what, What::Gap | What::Comment(_))).cloned().collect();
            let n_copied = copy.len();
            body.splice(at..=at, copy);
            at += n_copied;
            continue;
        }
        for block in body[at].blocks_mut() {
            replace(block, label, with, n, n_left);
        }
        at += 1;
    }
}

/// Makes a comment of a jump to a label that is not there.
fn lose_unknown(body: &mut [Stmt], labels: &[String]) {
    for stmt in body {
        match &stmt.what {
            What::Goto(label) if !labels.contains(label) => {
                let why = "the label is not at the top level of the script".to_string();
                stmt.what = What::Lost { text: format!("goto {label}"), why };
            }
            What::Label(label) => {
                let text = label.clone();
                stmt.what = What::Lost { text, why: "a label inside of a block".to_string() };
            }
            What::Plain(_)
            | What::Comment(_)
            | What::Gap
            | What::Lost { .. }
            | What::If { .. }
            | What::Expect { .. }
            | What::Block { .. }
            | What::Goto(_)
            | What::End(_) => {
                stmt.blocks_mut().into_iter().for_each(|block| lose_unknown(block, labels));
            }
        }
    }
}

/// Returns a part that jumps to its own beginning as a loop, and what follows the last jump.
fn own_loop(mut body: Vec<Stmt>, label: &str, n: usize) -> Vec<Stmt> {
    let again = if n == 1 { "again".to_string() } else { format!("again_{n}") };
    let last = body.iter().rposition(|stmt| stmt.any(&|what| is_goto(what, label))).map_or(body.len(), |at| at + 1);
    let after = body.split_off(last);
    let jump = |what: &What| {
        let set = |value: &str| made(What::Plain(format!("compute {again} = {value}")));
        is_goto(what, label).then(|| vec![set("true")])
    };
    let mut turn = vec![made(What::Plain(format!("compute {again} = false")))];
    turn.extend(lowered(nested(body), &jump, &format!("not {again}")));
    let mut out = vec![made(What::Plain(format!("compute {again} = true")))];
    out.push(made(What::Block { head: format!("repeat while {again} at most {TURNS}"), body: turn }));
    out.extend(after);
    out
}

/// Returns parts as a loop with the name of the next one.
fn machine(parts: Vec<Part>) -> Vec<Stmt> {
    let name = |part: &Part| part.label.clone().unwrap_or_else(|| "start".to_string());
    let names: Vec<String> = parts.iter().map(name).collect();
    let set = |to: &str| made(What::Plain(format!("compute next = {}", quoted(to))));
    let jump = |what: &What| match what {
        What::Goto(label) => Some(vec![set(label)]),
        What::End(None) => Some(vec![set("end")]),
        What::End(Some(_))
        | What::Plain(_)
        | What::Comment(_)
        | What::Gap
        | What::Lost { .. }
        | What::If { .. }
        | What::Expect { .. }
        | What::Block { .. }
        | What::Label(_) => None,
    };
    let mut branches = Vec::new();
    for (n, part) in parts.into_iter().enumerate() {
        let mut body = part.body;
        if !ends(&body) {
            body.push(made(What::Goto(names.get(n + 1).cloned().unwrap_or_else(|| "end".to_string()))));
        }
        let mut turn = vec![set("")];
        turn.extend(lowered(nested(body), &jump, "next == \"\""));
        branches.push((format!("next == {}", quoted(&names[n])), turn));
    }
    let choice = made(What::If { branches, otherwise: Vec::new() });
    let comment = made(What::Comment("The labels of the script: `next` is the part that comes next.".to_string()));
    let head = format!("repeat while next != \"end\" at most {TURNS}");
    vec![comment, set("start"), made(What::Block { head, body: vec![choice] })]
}

/// Leaves out ends that nothing follows, and guards what follows the others.
fn with_end(body: Vec<Stmt>) -> Vec<Stmt> {
    let set = |value: &str| made(What::Plain(format!("compute is_over = {value}")));
    let jump = |what: &What| matches!(what, What::End(None)).then(|| vec![set("true")]);
    let mut out = vec![set("false")];
    out.extend(lowered(body, &jump, "not is_over"));
    out
}

/// Puts what follows a block with a jump into the branch that does not jump, and leaves out ends at the end.
fn nested(body: Vec<Stmt>) -> Vec<Stmt> {
    let mut body = into_branches(body);
    without_last_end(&mut body);
    body
}

/// Puts what follows a branch that jumps into its `else`.
pub(super) fn into_branches(body: Vec<Stmt>) -> Vec<Stmt> {
    let mut out: Vec<Stmt> = Vec::new();
    let mut rest = body.into_iter();
    while let Some(mut stmt) = rest.next() {
        let jumps = |body: &Vec<Stmt>| body.iter().rev().take(1).any(|stmt| is_jump(&stmt.what));
        let takes_rest = if let What::If { branches, otherwise } = &stmt.what {
            otherwise.is_empty() && branches.iter().all(|(_, body)| jumps(body))
        } else {
            false
        };
        if takes_rest {
            let rest: Vec<Stmt> = rest.by_ref().collect();
            if let What::If { otherwise, .. } = &mut stmt.what
                && rest.iter().any(|stmt| !matches!(stmt.what, What::Gap | What::End(None)))
            {
                *otherwise = into_branches(rest);
            } else {
                out.push(stmt);
                out.extend(rest);
                break;
            }
        }
        out.push(stmt);
    }
    out
}

fn without_last_end(body: &mut Vec<Stmt>) {
    while body.last().is_some_and(|stmt| matches!(stmt.what, What::End(None) | What::Gap)) {
        body.pop();
    }
    if let Some(last) = body.last_mut()
        && !matches!(last.what, What::Block { .. })
    {
        last.blocks_mut().into_iter().for_each(without_last_end);
    }
}

/// Makes comments of what nothing leads to.
fn reachable(body: Vec<Stmt>) -> Vec<Stmt> {
    let mut out = Vec::new();
    let mut is_over = false;
    for stmt in body {
        if is_over {
            out.push(match stmt.what {
                What::Plain(text) if stmt.line > 0 => {
                    Stmt { line: stmt.line, what: What::Lost { text, why: "nothing leads to this line".to_string() } }
                }
                What::Plain(_) | What::End(_) => made(What::Gap),
                What::Comment(_)
                | What::Gap
                | What::Lost { .. }
                | What::If { .. }
                | What::Expect { .. }
                | What::Block { .. }
                | What::Label(_)
                | What::Goto(_) => stmt,
            });
            continue;
        }
        is_over = matches!(stmt.what, What::End(_));
        out.push(stmt);
    }
    // What ends the script says nothing where it is the end.
    while out.last().is_some_and(|stmt| stmt.what == What::Gap) {
        out.pop();
    }
    out
}

/// Replaces jumps by statements, and guards what follows a block that may jump.
pub(super) fn lowered(body: Vec<Stmt>, jump: &dyn Fn(&What) -> Option<Vec<Stmt>>, guard: &str) -> Vec<Stmt> {
    let mut out = Vec::new();
    let mut rest = body.into_iter();
    while let Some(mut stmt) = rest.next() {
        if let Some(with) = jump(&stmt.what) {
            out.extend(with);
            // Nothing leads to what follows.
            break;
        }
        let may_jump = stmt.any(&|what| jump(what).is_some());
        if may_jump {
            if let What::Block { head, .. } = &mut stmt.what
                && let Some(condition) = head.strip_prefix("repeat while ")
            {
                *head = format!("repeat while {guard} and {condition}");
            }
            for block in stmt.blocks_mut() {
                *block = lowered(std::mem::take(block), jump, guard);
            }
        }
        out.push(stmt);
        if may_jump {
            let rest: Vec<Stmt> = lowered(rest.by_ref().collect(), jump, guard);
            if rest.iter().any(|stmt| stmt.what != What::Gap) {
                let branches = vec![(guard.to_string(), rest)];
                out.push(made(What::If { branches, otherwise: Vec::new() }));
            }
        }
    }
    out
}

/// Makes conditions of the `break` and `continue` of loops.
fn loops(body: Vec<Stmt>, n: &mut usize) -> Vec<Stmt> {
    let mut out = Vec::new();
    for mut stmt in body {
        for block in stmt.blocks_mut() {
            *block = loops(std::mem::take(block), n);
        }
        for block in stmt.blocks_mut() {
            let inside = std::mem::take(block);
            *block = inner_loops(inside, n);
        }
        if let What::Block { head, body } = &mut stmt.what
            && (head.starts_with("repeat ") || head.starts_with("for "))
        {
            for (to, word, value) in [(CONTINUE, "skipped", "true"), (BREAK, "left", "true")] {
                if !body.iter().any(|stmt| stmt.any(&|what| is_goto(what, to))) {
                    continue;
                }
                *n += 1;
                let name = if *n == 1 { word.to_string() } else { format!("{word}_{n}") };
                let jump = |what: &What| {
                    is_goto(what, to).then(|| vec![made(What::Plain(format!("compute {name} = {value}")))])
                };
                let guard = format!("not {name}");
                let reset = made(What::Plain(format!("compute {name} = false")));
                let turn = lowered(nested(std::mem::take(body)), &jump, &guard);
                if to == CONTINUE {
                    *body = std::iter::once(reset).chain(turn).collect();
                } else if let Some(condition) = head.strip_prefix("repeat while ") {
                    *head = format!("repeat while {guard} and {condition}");
                    *body = turn;
                    out.push(reset);
                } else if let Some(condition) = head.strip_prefix("repeat until ") {
                    *head = format!("repeat until {name} or {condition}");
                    *body = turn;
                    out.push(reset);
                } else {
                    *body = vec![made(What::If { branches: vec![(guard, turn)], otherwise: Vec::new() })];
                    out.push(reset);
                }
            }
        }
        out.push(stmt);
    }
    out
}

/// Makes loops of the labels of a block that are jumped to from inside of the block only, each from its own part.
fn inner_loops(body: Vec<Stmt>, n: &mut usize) -> Vec<Stmt> {
    let Some(at) = body.iter().rposition(|stmt| matches!(stmt.what, What::Label(_))) else { return body };
    let mut before = body;
    let part: Vec<Stmt> = before.split_off(at);
    let What::Label(label) = part[0].what.clone() else { return before };
    let inside: Vec<Stmt> = part[1..].to_vec();
    let own = inside.iter().any(|stmt| stmt.any(&|what| is_goto(what, &label)));
    let others = before.iter().any(|stmt| stmt.any(&|what| is_goto(what, &label)));
    let mut out = inner_loops(before, n);
    if own && !others {
        *n += 1;
        out.extend(own_loop(inside, &label, *n));
    } else {
        out.extend(part);
    }
    out
}
