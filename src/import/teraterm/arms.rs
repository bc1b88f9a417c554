//! A wait and the branches on its `result` that follow it, as one `expect` with arms.

use crate::import::model::{Stmt, What, made};

/// Joins waits with what follows them. An `expect` of a macro has an arm for each pattern, and the last is that of the
/// timeout, all of them empty.
pub(super) fn with_arms(body: Vec<Stmt>) -> Vec<Stmt> {
    let body = with_conditions(body);
    let mut out: Vec<Stmt> = Vec::new();
    let mut rest = body.into_iter().peekable();
    while let Some(mut stmt) = rest.next() {
        for block in stmt.blocks_mut() {
            *block = with_arms(std::mem::take(block));
        }
        let What::Expect { within, arms } = &mut stmt.what else {
            out.push(stmt);
            continue;
        };
        if arms.last().is_none_or(|(pattern, _)| pattern.is_some()) || arms.iter().any(|(_, body)| !body.is_empty()) {
            out.push(stmt);
            continue;
        }
        let mut n_joined = 0;
        let mut between: Vec<Stmt> = Vec::new();
        let mut waiting: Vec<Stmt> = Vec::new();
        while let Some(next) = rest.peek() {
            match &next.what {
                What::Gap | What::Comment(_) => between.extend(rest.next()),
                What::Plain(text) if text.starts_with("sleep ") => waiting.extend(rest.next()),
                What::If { branches, otherwise }
                    if branches.iter().all(|(condition, _)| fits(condition, 0).is_some()) =>
                {
                    n_joined += 1;
                    for (n, (pattern, body)) in arms.iter_mut().enumerate() {
                        let result = if pattern.is_some() { n + 1 } else { 0 };
                        let found = branches.iter().find(|(condition, _)| fits(condition, result) == Some(true));
                        if n_joined == 1 && result > 0 {
                            body.extend(waiting.clone());
                        }
                        body.extend(with_arms(found.map_or(otherwise, |(_, body)| body).clone()));
                    }
                    between.clear();
                    rest.next();
                }
                What::Plain(_)
                | What::Lost { .. }
                | What::If { .. }
                | What::Expect { .. }
                | What::Block { .. }
                | What::Label(_)
                | What::Goto(_)
                | What::End(_) => break,
            }
        }
        // The next wait or comparison at this level gives `result` another value.
        let sets = |stmt: &Stmt| matches!(stmt.what, What::Expect { .. }) || comparison(stmt).is_some();
        let uses_later =
            rest.clone().take_while(|stmt| !sets(stmt)).any(|stmt| stmt.any(&|what| mentions_result(what)));
        if uses_later && n_joined == 0 {
            for (n, (pattern, body)) in arms.iter_mut().enumerate() {
                let result = if pattern.is_some() { n + 1 } else { 0 };
                body.push(made(What::Plain(format!("compute result = {result}"))));
            }
        } else if n_joined == 0 {
            // A wait that runs out fails.
            arms.pop();
        }
        if let [(Some(pattern), body)] = &arms[..]
            && body.is_empty()
        {
            let within = within.as_ref().map_or_else(String::new, |within| format!(" within {within}"));
            stmt.what = What::Plain(format!("expect {pattern}{within}"));
        }
        out.push(stmt);
        if n_joined == 0 {
            out.extend(waiting);
        }
        out.extend(between);
    }
    out
}

/// Joins a comparison and the branch on its `result` that follows it.
fn with_conditions(body: Vec<Stmt>) -> Vec<Stmt> {
    let mut out: Vec<Stmt> = Vec::new();
    for mut stmt in body {
        let compared = out.last().and_then(comparison);
        if let (Some(compared), What::If { branches, .. }) = (compared, &mut stmt.what)
            && let [(condition, _)] = &mut branches[..]
        {
            let joined = match (fits(condition, 1), fits(condition, 0)) {
                (Some(true), Some(false)) => Some(compared),
                (Some(false), Some(true)) => Some(negated(&compared)),
                _ => None,
            };
            if let Some(joined) = joined {
                *condition = joined;
                out.pop();
            }
        }
        out.push(stmt);
    }
    out
}

/// Returns the condition of a statement that does nothing but put it into `result`.
fn comparison(stmt: &Stmt) -> Option<String> {
    let sets = |body: &[Stmt], value: &str| matches!(body, [Stmt { what: What::Plain(text), .. }] if text.strip_prefix("compute result = ") == Some(value));
    let What::If { branches, otherwise } = &stmt.what else { return None };
    match &branches[..] {
        [(condition, body)] if sets(body, "1") && sets(otherwise, "0") => Some(condition.clone()),
        _ => None,
    }
}

fn negated(condition: &str) -> String {
    match condition.split_once(" != ") {
        Some((left, right)) if !right.contains(" != ") => format!("{left} == {right}"),
        Some(_) | None => format!("not ({condition})"),
    }
}

/// Whether a condition on nothing but `result` holds for a value.
fn fits(condition: &str, result: usize) -> Option<bool> {
    let mut words = condition.split(' ');
    let (Some("result"), Some(sign), Some(value), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return None;
    };
    let (left, right) = (i64::try_from(result).ok()?, value.parse::<i64>().ok()?);
    Some(match sign {
        "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "<=" => left <= right,
        ">=" => left >= right,
        _ => return None,
    })
}

fn mentions_result(what: &What) -> bool {
    let has = |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == "result");
    match what {
        What::Plain(text) => has(text),
        What::If { branches, .. } => branches.iter().any(|(condition, _)| has(condition)),
        What::Block { head, .. } => has(head),
        What::Expect { .. }
        | What::Comment(_)
        | What::Gap
        | What::Lost { .. }
        | What::Label(_)
        | What::Goto(_)
        | What::End(_) => false,
    }
}
