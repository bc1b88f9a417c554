//! Which variables secrets are made of, wherever in a program: rather too many than too few.
//!
//! Variables go by their names, and the order of statements does not count. What a function hides, as a digest does, is in
//! no secret that is made of its result.

use std::collections::{BTreeMap, BTreeSet};

use super::needs::names_of;
use super::summary::every;
use crate::function::{Function, Secrecy as Treatment};
use crate::syntax::ast::{Expr, ExprKind, Name, Secrecy, Statement, StatementKind};

/// Returns the names of the variables whose values may stand in a secret, those of the secrets among them.
pub(in crate::check) fn made_of(files: &[&[Statement]]) -> BTreeSet<String> {
    let all: Vec<&Statement> = files.iter().flat_map(|file| every(file)).collect();
    let secrets = all.iter().flat_map(|statement| statement.binds()).filter(|bind| bind.secrecy == Secrecy::Secret);
    let mut names: BTreeSet<String> = secrets.flat_map(names_of).collect();
    if names.is_empty() {
        return names;
    }
    let mut procedures: BTreeMap<&str, (&[Name], &[Statement])> = BTreeMap::new();
    for statement in &all {
        if let StatementKind::Procedure { name, parameters, body } = &statement.kind {
            procedures.entry(&name.node).or_insert((parameters, &body.body));
        }
    }
    loop {
        let n_names = names.len();
        for statement in &all {
            let gives_one = statement.binds().into_iter().flat_map(names_of).any(|name| names.contains(&name));
            if let StatementKind::Call { name, arguments, .. } = &statement.kind {
                let Some((parameters, body)) = procedures.get(name.node.as_str()) else { continue };
                for (parameter, argument) in parameters.iter().zip(arguments) {
                    if names.contains(&parameter.node) {
                        add(argument, &mut names);
                    }
                }
                for inner in every(body).into_iter().filter(|_| gives_one) {
                    if let StatementKind::Return(Some(value)) = &inner.kind {
                        add(value, &mut names);
                    }
                }
            } else if gives_one {
                statement.expressions().into_iter().for_each(|value| add(value, &mut names));
            }
        }
        if names.len() == n_names {
            return names;
        }
    }
}

/// Adds the variables whose values may stand in that of an expression.
fn add(expr: &Expr, names: &mut BTreeSet<String>) {
    if let ExprKind::Name(name) = &expr.kind {
        names.insert(name.clone());
    }
    if let ExprKind::Call { name, .. } = &expr.kind
        && Function::find(&name.node).is_some_and(|function| function.signature().secrecy == Treatment::Hides)
    {
        return;
    }
    expr.parts().into_iter().for_each(|part| add(part, names));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::check::check;
    use crate::load::load;

    /// Returns the params of a flow of which it makes secrets.
    fn made_of(text: &str) -> Vec<String> {
        let reader =
            |_: &Path| Ok(format!("flow \"a\"\nparam a\nparam b\n{text}\nsend \"AT\"  expect \"OK\"\n").into_bytes());
        let checked = check(load(Path::new("a.flow"), &reader));
        let program = checked.program.unwrap_or_else(|| panic!("{text}: {:?}", checked.problems));
        let params = program.params.iter().filter(|param| param.makes_secrets && !param.is_secret);
        params.map(|param| param.name.clone()).collect()
    }

    #[test]
    fn whatever_a_secret_is_made_of_is_found() {
        for text in [
            "secret k = \"${a}x\"",
            "compute secret k = a + \"x\"",
            "compute y = [a]\nstep \"s\" { compute secret k = y[0] }",
            "secret k = upper(a)",
            "procedure p(x) { compute secret k = base64(x) }\ncall p(a)",
            "procedure p(x) { return x }\ncall p(a) -> y\ncompute secret k = y",
            "capture secret k from json(a, \"$.k\")\nlog k",
            "for x in split(a, \",\") { compute secret k = x }",
            "if true { compute secret k = y }\ncompute y = a",
        ] {
            assert_eq!(made_of(text), ["a"], "{text}");
        }
    }

    #[test]
    fn what_a_digest_hides_and_what_is_beside_a_secret_is_not() {
        for text in [
            "log a",
            "secret k\nlog \"${a}${k}\"",
            "secret k\ncompute secret sign = hmac_sha256(k, \"id${a}\")",
            "secret k\nsend \"${a}\"\nexpect line /(?<t>.+)/\ncompute secret s = t",
        ] {
            assert!(made_of(text).is_empty(), "{text}");
        }
    }
}
