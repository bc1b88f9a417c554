//! `Mutant`: one change of a device, made in its program; and what a device says, found out by listening.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::edit::{Edit, Kind, edits};
use crate::program::{Expr, ExprKind, Lens, Op, OpIndex, Program, SendMode};
use crate::source::{Site, Span};
use crate::value::Value;
use crate::value::random::Rng;

/// So much later an answer comes that is late.
const LATE: Duration = Duration::from_secs(120);
/// So many different texts of one statement are kept.
const MOST_SAID: usize = 16;

/// One change of a device.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// Whose device it is: the place of the port among those of the flow.
    pub port: usize,
    /// What kind of change.
    pub kind: Kind,
    /// The statement, in the texts of the device.
    pub site: Site,
    at: OpIndex,
    edit: Option<Edit>,
    /// An answer that it changes, as it was.
    before: Vec<u8>,
    /// What became of it.
    after: Option<Vec<u8>>,
}

/// What a device said in the good run: of each statement that was reached the different texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Said(Arc<Mutex<BTreeMap<OpIndex, Vec<Vec<u8>>>>>);

impl Said {
    /// Returns a device that tells what it says, and does everything as before.
    pub(super) fn listen_to(&self, device: &Program) -> Arc<Program> {
        let mut device = device.clone();
        for (at, op) in device.ops.iter_mut().enumerate() {
            let said = self.0.clone();
            let note = move |octets: Vec<u8>| {
                let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
                let known: &mut Vec<Vec<u8>> = said.entry(at).or_default();
                if known.len() < MOST_SAID && !known.contains(&octets) {
                    known.push(octets);
                }
            };
            let lens = Lens::new(move |value| {
                note(value.octets());
                None
            });
            if let Op::Send { text, .. } = op {
                *text = through(text, lens);
            }
        }
        // A control line is switched without a value: something is worked out before it.
        for at in 0..device.ops.len() {
            let Op::InputLines(lines) = &device.ops[at] else { continue };
            let (lines, said) = (lines.clone(), self.0.clone());
            let lens = Lens::new(move |_| {
                said.lock().unwrap_or_else(PoisonError::into_inner).entry(at).or_default();
                None
            });
            device.splice(at, at + 1, |first| {
                vec![Op::Unless { condition: always(lens), otherwise: first + 1 }, Op::InputLines(lines)]
            });
        }
        Arc::new(device)
    }

    /// Returns what was said, by statement.
    pub(super) fn take(&self) -> BTreeMap<OpIndex, Vec<Vec<u8>>> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the places of the answers of a device: what it sends, and the lines that it switches.
pub(super) fn answers(device: &Program) -> BTreeSet<OpIndex> {
    let is_answer = |op: &Op| matches!(op, Op::Send { .. } | Op::InputLines(_));
    device.ops.iter().enumerate().filter(|(_, op)| is_answer(op)).map(|(at, _)| at).collect()
}

/// Returns every change of the answers of a device that were heard, in the order of their places.
pub(super) fn mutants(
    port: usize,
    device: &Program,
    said: &BTreeMap<OpIndex, Vec<Vec<u8>>>,
    dice: &mut Rng,
) -> Vec<Mutant> {
    let errors = errors_of(device);
    let mut mutants = Vec::new();
    for (at, said) in said {
        let site = device.site(*at);
        let before = said.first().cloned().unwrap_or_default();
        let plain = |kind| Mutant { port, kind, site, at: *at, edit: None, before: before.clone(), after: None };
        if let Op::InputLines(_) = &device.ops[*at] {
            mutants.extend([plain(Kind::Missing), plain(Kind::Switched)]);
            continue;
        }
        mutants.push(plain(Kind::Missing));
        for (kind, edit) in edits(said, &errors, dice) {
            let changed = said.iter().find_map(|before| Some((before.clone(), edit.apply(before)?)));
            if let Some((before, after)) = changed {
                mutants.push(Mutant { edit: Some(edit), before, after: Some(after), ..plain(kind) });
            }
        }
        mutants.push(plain(Kind::Doubled));
        if device.ops[*at..].iter().take(2).filter(|op| is_reply(op)).count() == 2 {
            mutants.push(plain(Kind::Swapped));
        }
        mutants.push(plain(Kind::Late));
    }
    mutants.sort_by_key(|mutant| (mutant.site.source, mutant.site.span.start, mutant.at));
    mutants
}

fn is_reply(op: &Op) -> bool {
    matches!(op, Op::Send { mode: SendMode::Reply, .. })
}

/// Returns the errors that a device knows: those that stand in its text.
fn errors_of(device: &Program) -> Vec<&'static str> {
    let knows = |error: &str| device.sources.iter().any(|(_, source)| source.text().contains(error));
    let errors = [("ERROR", "ERROR"), ("+CME ERROR", "+CME ERROR: 3")];
    errors.into_iter().filter(|(sign, _)| knows(sign)).map(|(_, error)| error).collect()
}

impl Mutant {
    /// Returns an answer that it changes, as it was; a control line has none.
    pub(super) fn before(&self) -> Option<&[u8]> {
        Some(self.before.as_slice()).filter(|before| !before.is_empty())
    }

    /// Returns what comes instead.
    pub(super) fn after(&self) -> Option<&[u8]> {
        self.after.as_deref()
    }

    /// Returns the device with the change.
    pub(super) fn of(&self, device: &Program) -> Arc<Program> {
        let mut device = device.clone();
        let (at, op) = (self.at, device.ops[self.at].clone());
        match self.kind {
            Kind::Missing => device.ops[at] = Op::Jump(at + 1),
            Kind::Doubled => device.splice(at, at + 1, |_| vec![op.clone(), op]),
            Kind::Swapped => {
                let next = device.ops[at + 1].clone();
                device.splice(at, at + 2, |_| vec![next, op]);
            }
            Kind::Late => device.splice(at, at + 1, |first| {
                let delay = constant(Value::Duration(LATE));
                vec![Op::After { delay, entry: first + 2 }, Op::Jump(first + 4), op, Op::Return(None)]
            }),
            Kind::Switched => {
                if let Op::InputLines(lines) = &mut device.ops[at] {
                    lines.iter_mut().for_each(|(_, on)| *on = !*on);
                }
            }
            Kind::Error | Kind::Empty | Kind::Cut | Kind::Digit | Kind::Limit | Kind::Letter | Kind::Byte => {
                if let (Op::Send { text, .. }, Some(edit)) = (&mut device.ops[at], self.edit.clone()) {
                    let lens = Lens::new(move |value| Some(same_kind(value, edit.apply(&value.octets())?)));
                    *text = through(text, lens);
                }
            }
        }
        Arc::new(device)
    }
}

/// Returns octets as text, if the value before was, and as bytes else.
fn same_kind(value: &Value, octets: Vec<u8>) -> Value {
    if matches!(value, Value::Bytes(_)) { Value::Bytes(octets) } else { Value::Text(octets) }
}

fn through(expr: &Expr, lens: Lens) -> Expr {
    Expr { span: expr.span, kind: ExprKind::Through(Box::new(expr.clone()), lens) }
}

fn constant(value: Value) -> Expr {
    Expr { span: Span::new(0, 0), kind: ExprKind::Const(value) }
}

/// Returns a condition that is true, and is told when it is worked out.
fn always(lens: Lens) -> Expr {
    through(&constant(Value::Bool(true)), lens)
}
