//! What is known of the secrets of a whole program: which variables are secret, and what its procedures make secret.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::needs::{Makers, Need, Needs, Reader, names_bound, names_of};
use crate::program::Role;
use crate::syntax::ast::{Block, Name, Origin, Runs, Scope, Secrecy, Statement, StatementKind};

/// What is known of the secrets of a program before it is compiled.
#[derive(Debug)]
pub(crate) struct Secrets {
    role: Role,
    /// Variables that a secret is put into somewhere. They go by their names, whatever they belong to: of two with
    /// one name the other is held for too.
    names: BTreeSet<String>,
    /// Variables that a handler or a `finally` gives values to, when nobody knows, and what it has them from.
    unsettled: BTreeMap<String, Needs>,
    procedures: HashMap<String, Summary>,
}

/// What the callers of a procedure must know.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub parameters: Vec<String>,
    /// What it makes secrets of that was there before the call.
    pub needs: Needs,
    /// The same, if its result becomes a secret.
    pub result: Needs,
    /// Whether a response after the call is one to it.
    pub asks: Asks,
    /// Whether it may end the step that it is called in.
    may_skip: bool,
}

/// Whether a procedure sends something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Always,
    Perhaps,
}

/// The procedures of a program, by name.
type Procedures<'a> = BTreeMap<&'a str, (&'a [Name], &'a Block)>;

impl Secrets {
    /// Returns what is known of a program of which nothing was read.
    pub(crate) fn none(role: Role) -> Secrets {
        Secrets { role, names: BTreeSet::new(), unsettled: BTreeMap::new(), procedures: HashMap::new() }
    }

    /// Reads the files of a program.
    pub(crate) fn of(role: Role, files: &[&[Statement]]) -> Secrets {
        let mut secrets = Secrets::none(role);
        let all: Vec<&Statement> = files.iter().flat_map(|file| every(file)).collect();
        let binds = || all.iter().flat_map(|statement| statement.binds());
        for bind in binds().filter(|bind| bind.secrecy == Secrecy::Secret) {
            secrets.names.extend(names_of(bind));
        }
        // A `secret` that only the command line sets was there before anything came.
        let given: BTreeSet<String> =
            binds().filter(|bind| bind.from != Origin::Declaration).flat_map(names_of).collect();
        secrets.names.retain(|name| given.contains(name));
        if secrets.are_none() {
            return secrets;
        }
        for statement in all.iter().filter(|statement| acts_later(statement)) {
            secrets.unsettled.extend(names_bound(statement).into_iter().map(|name| (name, Needs::new())));
        }
        let mut procedures = Procedures::new();
        for statement in &all {
            if let StatementKind::Procedure { name, parameters, body } = &statement.kind {
                procedures.entry(&name.node).or_insert((parameters, body));
            }
        }
        // What a handler gives may need what a procedure returns, and a procedure may hold handlers.
        loop {
            let before = secrets.unsettled.clone();
            secrets.procedures.clear();
            for name in procedures.keys() {
                secrets.summarise(name, &procedures, &mut Vec::new());
            }
            secrets.settle_all(&all);
            if secrets.unsettled == before {
                return secrets;
            }
        }
    }

    /// Returns what follows needs back with this knowledge.
    pub(super) fn reader(&self, makers: Makers) -> Reader<'_> {
        Reader::new(self, makers)
    }

    /// Whether nothing that is received becomes a secret.
    pub(super) fn are_none(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// Whether a secret is put into a variable somewhere.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn is_unsettled(&self, name: &str) -> bool {
        self.unsettled.contains_key(name)
    }

    pub(super) fn summary(&self, procedure: &str) -> Option<&Summary> {
        self.procedures.get(procedure)
    }

    /// Adds what handlers have those variables from that are needed.
    pub(super) fn settle(&self, needs: &mut Needs) {
        let more: Vec<Need> = needs
            .iter()
            .filter_map(|need| match need {
                Need::Variable(name) => self.unsettled.get(name),
                Need::Rest | Need::Response | Need::Everything => None,
            })
            .flatten()
            .cloned()
            .collect();
        needs.extend(more);
    }

    /// Whether something in a body may end the step that it is in.
    pub(super) fn may_skip(&self, body: &[Statement]) -> bool {
        every(body).iter().any(|statement| {
            let is_in_call = if let StatementKind::Call { name, .. } = &statement.kind {
                self.summary(&name.node).is_none_or(|summary| summary.may_skip)
            } else {
                false
            };
            is_in_call || matches!(statement.kind, StatementKind::Skip(_))
        })
    }

    /// Whether something may become a secret that can come at any moment of the run: then nothing of it is told
    /// before the end.
    ///
    /// That is so where a handler that stands from the beginning takes from more than its line, where an `after` does,
    /// and where what one handler of a device leaves in a `state` becomes a secret in another.
    pub(crate) fn are_of_the_whole_run(&self, root: &[Statement], libraries: &[&[Statement]]) -> bool {
        if self.are_none() {
            return false;
        }
        let making = self.reader(Makers::Count);
        let is_standing = |statement: &&Statement| statement.runs() == Runs::OnLines;
        let mut standing: Vec<&Statement> = libraries.iter().flat_map(|file| *file).filter(is_standing).collect();
        let mut given = BTreeSet::new();
        if self.role == Role::Device {
            standing.extend(root.iter().filter(is_standing));
            let all: Vec<&Statement> = libraries.iter().chain([&root]).flat_map(|file| every(file)).collect();
            for bind in all.iter().flat_map(|statement| statement.binds()) {
                given.extend((bind.from != Origin::Declaration).then(|| names_of(bind)).into_iter().flatten());
            }
            standing.extend(all.iter().filter(|statement| statement.runs() == Runs::Later));
            let summaries = self.procedures.values().flat_map(|summary| summary.needs.iter().chain(&summary.result));
            let is_state = |need: &Need| self.is_given(need, &given) && !need.is_on_line();
            if summaries.clone().any(|need| is_state(need) && !self.is_parameter(need)) {
                return true;
            }
        }
        standing.iter().flat_map(|statement| making.lasting(statement)).any(|need| self.is_given(&need, &given))
    }

    fn is_given(&self, need: &Need, given: &BTreeSet<String>) -> bool {
        match need {
            Need::Variable(name) => given.contains(name),
            Need::Rest | Need::Response | Need::Everything => true,
        }
    }

    fn is_parameter(&self, need: &Need) -> bool {
        let is_own = |summary: &Summary| summary.parameters.iter().any(|name| Need::Variable(name.clone()) == *need);
        self.procedures.values().any(is_own)
    }

    /// Works out the summary of a procedure, those that it calls first. One that calls itself is refused elsewhere.
    fn summarise(&mut self, name: &str, procedures: &Procedures<'_>, callers: &mut Vec<String>) {
        if self.procedures.contains_key(name) || callers.iter().any(|caller| caller == name) {
            return;
        }
        let Some((parameters, body)) = procedures.get(name) else { return };
        callers.push(name.to_string());
        for statement in every(&body.body) {
            if let StatementKind::Call { name, .. } = &statement.kind {
                self.summarise(&name.node, procedures, callers);
            }
        }
        callers.pop();
        let awaits =
            |statement: &&Statement| matches!(statement.kind, StatementKind::Expect { scope: Scope::Unclaimed, .. });
        let always = self.always_sends(&body.body) && !every(&body.body).iter().any(awaits);
        let summary = Summary {
            parameters: parameters.iter().map(|name| name.node.clone()).collect(),
            needs: self.reader(Makers::Count).alone(body),
            result: self.reader(Makers::IsTheCaller).alone(body),
            asks: if always { Asks::Always } else { Asks::Perhaps },
            may_skip: self.may_skip(&body.body),
        };
        self.procedures.insert(name.to_string(), summary);
    }

    /// Whether a body sends something whenever it is run to its end.
    fn always_sends(&self, body: &[Statement]) -> bool {
        for statement in body {
            let sends = if let StatementKind::Call { name, .. } = &statement.kind {
                self.summary(&name.node).is_some_and(|summary| summary.asks == Asks::Always)
            } else if let StatementKind::Step(step) = &statement.kind {
                !self.may_skip(&step.body.body) && self.always_sends(&step.body.body)
            } else {
                matches!(statement.kind, StatementKind::Send { .. } | StatementKind::SendFile(_))
            };
            let leaves = |statement: &&Statement| matches!(statement.kind, StatementKind::Return(_));
            if sends || every(std::slice::from_ref(statement)).iter().any(leaves) {
                return sends;
            }
        }
        false
    }

    /// Works out what handlers and clean-up have the variables from that they give values to.
    fn settle_all(&mut self, all: &[&Statement]) {
        for statement in all.iter().filter(|statement| acts_later(statement)) {
            for name in names_bound(statement) {
                let mut needs = Needs::new();
                for block in statement.blocks() {
                    let wanted = Needs::from([Need::Variable(name.clone())]);
                    needs.extend(self.reader(Makers::AreDealtWith).walk(
                        &block.body,
                        wanted,
                        &Needs::new(),
                        &mut |_| {},
                    ));
                }
                self.unsettled.entry(name).or_default().extend(needs);
            }
        }
    }
}

/// Whether the blocks of a statement act at a moment that nobody knows.
fn acts_later(statement: &Statement) -> bool {
    match statement.runs() {
        Runs::OnLines | Runs::Later => true,
        Runs::Here => matches!(statement.kind, StatementKind::Finally(_)),
        Runs::WhenCalled => false,
    }
}

/// Returns some statements and all those in their blocks.
pub(super) fn every(body: &[Statement]) -> Vec<&Statement> {
    let inner = |statement| {
        let mut all = vec![statement];
        all.extend(Statement::blocks(statement).into_iter().flat_map(|block| every(&block.body)));
        all
    };
    body.iter().flat_map(inner).collect()
}
