//! What names mean: variables, their places and types.

use std::collections::HashMap;

use super::Compiler;
use super::kinds::{Handlers, collect};
use crate::diagnostic::Code;
use crate::diagnostic::nearest::nearest;
use crate::pattern::{Fit, Regex};
use crate::program::{Role, Slot, Target};
use crate::source::{Site, Span};
use crate::syntax::ast::{self, Name, Piece, Secrecy, Statement};
use crate::value::Type;

/// The variables of one scope.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By place; a place without a name belongs to a loop.
    pub places: Vec<String>,
    by_name: HashMap<String, Variable>,
}

/// What is known of a variable.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub place: u32,
    pub kind: Type,
    /// The type that every statement gives it that gives it a value, if they all give it the same.
    pub settled: Option<Type>,
    pub is_secret: bool,
    /// In how many places it is given a value.
    pub assigned: u32,
    /// Whether it was declared: a param or a state, and where.
    pub declared: Option<Site>,
}

impl Names {
    /// Adds a variable, or counts one more assignment of a known one.
    pub(super) fn note(&mut self, name: &str, is_secret: bool) -> &mut Variable {
        if !self.by_name.contains_key(name) {
            let place = self.add_place(name.to_string());
            let variable =
                Variable { place, kind: Type::Any, settled: None, is_secret: false, assigned: 0, declared: None };
            self.by_name.insert(name.to_string(), variable);
        }
        let variable = self.by_name.get_mut(name).expect("it was just added");
        variable.assigned += 1;
        variable.is_secret |= is_secret;
        variable
    }

    /// Adds a place without a name.
    pub(super) fn add_place(&mut self, name: String) -> u32 {
        self.places.push(name);
        u32::try_from(self.places.len() - 1).expect("a file of 8 MiB holds fewer variables")
    }

    pub(super) fn get(&self, name: &str) -> Option<&Variable> {
        self.by_name.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Variable> {
        self.by_name.get_mut(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }
}

impl Compiler<'_> {
    /// Finds a variable: a local one, or a global one.
    pub(super) fn find(&self, name: &str) -> Option<(Slot, &Variable)> {
        if let Some(variable) = self.locals.as_ref().and_then(|locals| locals.get(name)) {
            return Some((Slot::Local(variable.place), variable));
        }
        let variable = self.globals.get(name)?;
        // A procedure knows its own variables, and what was declared: not what the main part happens to hold.
        let is_visible = self.locals.is_none() || variable.declared.is_some_and(|site| site.source == self.file.source);
        is_visible.then_some((Slot::Global(variable.place), variable))
    }

    /// Finds a variable that is read, or says that there is none.
    pub(super) fn resolve(&mut self, name: &str, span: Span) -> Option<(Slot, Type)> {
        if let Some((slot, variable)) = self.find(name) {
            return Some((slot, variable.kind));
        }
        let locals = self.locals.iter().flat_map(|names| names.names());
        let mut known: Vec<&str> = locals.chain(self.globals.names()).collect();
        known.sort_unstable();
        let help = if self.globals.get(name).is_some() {
            Some(format!("a procedure has its own variables: pass `{name}` as a parameter"))
        } else {
            nearest(name, known).map(|meant| format!("did you mean `{meant}`?"))
        };
        let otherwise = match name.chars().any(char::is_lowercase) {
            true => "declare it with `param`, or give it a value with `capture` or `compute`",
            // `send AT`: a command that nobody quoted.
            false => "put a text in quotes; a variable gets its value from `param`, `capture` or `compute`",
        };
        let problem =
            self.problem(Code::CheckUnknownName, span, format!("there is no variable `{name}`"), "never given a value");
        problem.help = help.or_else(|| Some(otherwise.to_string()));
        None
    }

    /// Returns the place for a value of a type.
    pub(super) fn target(&mut self, name: &Name, kind: Type, secrecy: Secrecy) -> Target {
        self.target_named(&name.node, name.span, kind, secrecy)
    }

    pub(super) fn target_named(&mut self, name: &str, span: Span, kind: Type, secrecy: Secrecy) -> Target {
        let is_global = self.locals.is_none()
            || (self.locals.as_ref().is_some_and(|locals| locals.get(name).is_none()) && self.find(name).is_some());
        if is_global {
            self.refuse_wire(name, span);
        }
        let names = if is_global { &mut self.globals } else { self.locals.as_mut().expect("not global") };
        if names.get(name).is_none() {
            names.note(name, false);
        }
        let variable = names.get_mut(name).expect("it was just added");
        let was_declared = variable.declared;
        if was_declared.is_none() {
            let open = if variable.assigned > 1 { Type::Any } else { kind };
            variable.kind = variable.settled.unwrap_or(open);
        } else if variable.kind != kind {
            variable.kind = Type::Any;
        }
        variable.is_secret |= secrecy == Secrecy::Secret;
        let is_secret = variable.is_secret;
        self.learns_secrets |= is_secret;
        let slot = if is_global { Slot::Global(variable.place) } else { Slot::Local(variable.place) };
        if crate::syntax::is_keyword(name) {
            let why = match name.bytes().all(|byte| byte.is_ascii_lowercase()) {
                true => "is a keyword and cannot be a variable",
                false => "is not a name: use letters, digits and `_`, and no digit first",
            };
            self.problem(Code::CheckUnknownName, span, format!("`{name}` {why}"), "names a group so").help =
                Some("give the group another name".to_string());
        }
        Target { slot, name: name.to_string(), is_secret }
    }

    /// Returns a place for what a loop counts.
    pub(super) fn hidden(&mut self) -> Slot {
        match &mut self.locals {
            Some(locals) => Slot::Local(locals.add_place(String::new())),
            None => Slot::Global(self.globals.add_place(String::new())),
        }
    }

    /// Notes every variable that statements give a value to, so that a later one is known to an earlier handler.
    pub(super) fn note_all(&mut self, body: &[Statement]) {
        let mut found = Vec::new();
        let handlers = match self.role {
            Role::Device => Handlers::OwnVariables,
            Role::Flow => Handlers::ThoseOfTheBlock,
        };
        collect(body, handlers, &mut found);
        let kinds = self.kinds_of(&found);
        let mut settled: HashMap<String, Option<Type>> = HashMap::new();
        for given in found {
            let name = given.name.clone();
            let is_declared = self.locals.is_some() && self.find(&name).is_some_and(|(_, v)| v.declared.is_some());
            if !is_declared {
                let names = self.locals.as_mut().unwrap_or(&mut self.globals);
                let kind = *settled.entry(name).or_insert_with_key(|name| match names.get(name) {
                    Some(known) => known.settled.filter(|kind| kinds.get(name) == Some(kind)),
                    None => kinds.get(name).copied(),
                });
                let variable = names.note(&given.name, given.secrecy == Secrecy::Secret);
                variable.settled = kind;
                if variable.declared.is_none() {
                    variable.kind = kind.unwrap_or(Type::Any);
                }
            }
        }
    }
}

/// Returns the names of the groups of a pattern; none if its regex is wrong, which is reported elsewhere.
pub(super) fn groups_of(pattern: &ast::Pattern) -> Vec<String> {
    let Some(regex) = pattern.regex() else { return Vec::new() };
    let text = sample(regex);
    // Most have none, which is seen without reading the regex.
    if !text.contains("(?<") && !text.contains("(?P<") {
        return Vec::new();
    }
    match Regex::new(&text, &regex.flags, Fit::Within) {
        Ok(regex) => regex.group_names().to_vec(),
        Err(_) => Vec::new(),
    }
}

/// Returns a regex with a letter in place of each value.
pub(super) fn sample(regex: &ast::Regex) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Piece::Value(_) => "x".to_string(),
    };
    regex.pieces.iter().map(piece).collect()
}
