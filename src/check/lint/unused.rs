//! Captures that nobody uses, and secrets that are not declared as such.

use std::collections::HashSet;

use super::Lint;
use crate::check::names::groups_of;
use crate::diagnostic::Code;
use crate::source::Span;
use crate::syntax::ast::{Bound, File, FileKind, Origin, Secrecy, Statement, StatementKind};

/// What a name that ought to be secret contains.
const TELLING: &[&str] = &["password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "psk"];

impl Lint {
    pub(super) fn unused_and_clear(&mut self, file: &File) {
        // What a device hears, its host has told already.
        let is_device = file.header.as_ref().is_some_and(|header| header.kind == FileKind::Device);
        let mut uses = HashSet::new();
        let mut gives = Vec::new();
        walk(&file.body, &mut uses, &mut gives);
        for (name, span, is_secret) in &gives {
            // What is secret is covered everywhere: that is its use.
            if !is_secret && !uses.contains(name) && !name.starts_with('_') && !crate::syntax::is_keyword(name) {
                let help =
                    format!("leave the name out, or call it `_{name}` to say that it is for the transcript only");
                self.warn(Code::LintUnusedCapture, *span, format!("`{name}` is never used"), "captured here", help);
            }
            if !is_secret && !is_device && is_telling(name) {
                self.clear(name, *span, "capture secret");
            }
        }
        for statement in &file.body {
            if let StatementKind::Param(param) = &statement.kind
                && param.secrecy == Secrecy::Open
                && !is_device
                && is_telling(&param.name.node)
            {
                self.clear(&param.name.node, param.name.span, "secret");
            }
        }
    }

    fn clear(&mut self, name: &str, span: Span, keyword: &str) {
        let message = format!("`{name}` looks like a secret and will show in the transcript");
        self.warn(
            Code::LintClearSecret,
            span,
            message,
            "not masked",
            format!("write `{keyword} {name}` to mask it everywhere"),
        );
    }
}

fn is_telling(name: &str) -> bool {
    let name = name.to_lowercase();
    TELLING.iter().any(|word| name == *word || name.ends_with(&format!("_{word}")))
}

/// Collects the names that are used, and those that something from outside is put into: name, place, whether secret.
fn walk(body: &[Statement], uses: &mut HashSet<String>, gives: &mut Vec<(String, Span, bool)>) {
    for statement in body {
        let mut used = |name: &str| {
            uses.insert(name.to_string());
        };
        for pattern in statement.patterns() {
            pattern.expressions().into_iter().for_each(|expr| expr.for_each_name(&mut used));
        }
        statement.expressions().into_iter().for_each(|expr| expr.for_each_name(&mut used));
        statement.names().into_iter().for_each(|name| used(&name.node));
        // What is named away in snapshots is for the transcript.
        if let StatementKind::Volatile { name, .. } = &statement.kind {
            used(&name.node);
        }
        for bind in statement.binds() {
            let is_secret = bind.secrecy == Secrecy::Secret;
            match (bind.from, bind.into) {
                (Origin::Outside, Bound::Name(name)) => gives.push((name.node.clone(), name.span, is_secret)),
                (Origin::Outside, Bound::Groups(pattern)) => {
                    gives.extend(groups_of(pattern).into_iter().map(|name| (name, pattern.span, is_secret)));
                }
                (Origin::Inside | Origin::Declaration, _) => {}
            }
        }
        for block in statement.blocks() {
            walk(&block.body, uses, gives);
        }
    }
}
