//! Of which type a variable is, wherever it gets its value: found before anything is compiled.
//!
//! A variable has a type if every statement that gives it a value gives it that type. What a procedure returns is found in the
//! same way. So a captured text is known as a text in a handler above, behind a second capture, and behind a procedure.

use std::collections::HashMap;

use super::Compiler;
use super::expr::{negative, number_of, result_of};
use super::names::groups_of;
use crate::function::Function;
use crate::syntax::ast::{self, Bound, CaptureFrom, ExprKind, Name, Origin, Runs, Secrecy, Statement, StatementKind};
use crate::value::Type;

/// How often all assignments are looked at: a type that still changes then is not known.
const PASSES: usize = 8;

/// A variable that a statement gives a value to.
pub(super) struct Given<'a> {
    pub name: String,
    pub secrecy: Secrecy,
    from: From<'a>,
}

/// Where the value is from.
#[derive(Clone, Copy)]
enum From<'a> {
    /// Something of this type.
    Kind(Type),
    /// An expression.
    Value(&'a ast::Expr),
    /// The number that an expression is or spells.
    Measured(&'a ast::Expr),
    /// An item of what an expression gives.
    Item(&'a ast::Expr),
    /// What this procedure returns.
    Procedure(&'a Name),
    /// The item at a place of the list that this procedure returns.
    PartOf(&'a Name, usize),
}

/// Which variables the `on` of a file use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Handlers {
    ThoseOfTheBlock,
    OwnVariables,
}

/// Types of variables as far as they are known; `None` is not known yet.
type Kinds<'a> = HashMap<&'a str, Option<Type>>;

impl Compiler<'_> {
    /// Returns the type of each variable for which these are all statements that give it a value.
    pub(super) fn kinds_of(&mut self, given: &[Given<'_>]) -> HashMap<String, Type> {
        let mut kinds = self.unknown(given);
        if !self.settle(given, &mut kinds) {
            return HashMap::new();
        }
        let known = kinds.into_iter().filter_map(|(name, kind)| Some((name.to_string(), kind?)));
        known.filter(|(_, kind)| *kind != Type::Any).collect()
    }

    /// Returns types that are not known yet; of a state nothing can be known here, for others give it values too.
    fn unknown<'n>(&self, given: &'n [Given<'_>]) -> Kinds<'n> {
        let is_declared = |name: &str| self.globals.get(name).is_some_and(|variable| variable.declared.is_some());
        let kind = |name: &str| is_declared(name).then_some(Type::Any);
        given.iter().map(|given| (given.name.as_str(), kind(&given.name))).collect()
    }

    /// Goes over all assignments until no type changes any more; false if they do not come to rest.
    fn settle<'n>(&mut self, given: &'n [Given<'_>], kinds: &mut Kinds<'n>) -> bool {
        for _ in 0..PASSES {
            let mut is_settled = true;
            for Given { name, from, .. } in given {
                let kind = self.kind_from(*from, kinds);
                let known = kinds.entry(name.as_str()).or_insert(None);
                let joined = join(*known, kind);
                is_settled &= joined == *known;
                *known = joined;
            }
            if is_settled {
                return true;
            }
        }
        false
    }

    /// Returns the type of what a procedure returns.
    pub(super) fn result_of_procedure(&mut self, name: &str) -> Type {
        self.returned(name, None)
    }

    /// Returns the type of the item at a place of the list that a procedure returns.
    pub(super) fn part_of_result(&mut self, name: &str, place: usize) -> Type {
        self.returned(name, Some(place))
    }

    /// Returns the type of what a procedure returns, or of a part of it.
    fn returned(&mut self, name: &str, part: Option<usize>) -> Type {
        let Some((known_name, (parameters, body))) = self.procedures.bodies.get_key_value(name) else {
            return Type::Any;
        };
        let (key, parameters, body) = ((*known_name, part), *parameters, *body);
        if let Some(known) = self.procedures.results.get(&key) {
            return *known;
        }
        // One that calls itself has no type; it is refused anyway.
        self.procedures.results.insert(key, Type::Any);
        let mut given = Vec::new();
        collect(&body.body, Handlers::ThoseOfTheBlock, &mut given);
        let mut kinds = self.unknown(&given);
        kinds.extend(parameters.iter().map(|parameter| (parameter.node.as_str(), Some(Type::Any))));
        let mut result = Some(Type::Any);
        if self.settle(&given, &mut kinds) {
            let mut values = Vec::new();
            returned(&body.body, &mut values);
            let kind_of = |value: &ast::Expr| match (part, &value.kind) {
                (None, _) => self.kind(value, &kinds),
                (Some(place), ExprKind::List(items)) => {
                    items.get(place).map_or(Some(Type::Any), |item| self.kind(item, &kinds))
                }
                (Some(_), _) => Some(Type::Any),
            };
            result = values.into_iter().fold(None, |result, value| join(result, kind_of(value)));
        }
        let result = result.unwrap_or(Type::Any);
        self.procedures.results.insert(key, result);
        result
    }

    fn kind_from(&mut self, from: From<'_>, kinds: &Kinds<'_>) -> Option<Type> {
        match from {
            From::Kind(kind) => Some(kind),
            From::Value(value) => self.kind(value, kinds),
            From::Measured(value) => self.kind(value, kinds).map(number_of),
            From::Item(list) => match (&list.kind, self.kind(list, kinds)?) {
                (ExprKind::List(items), _) => {
                    items.iter().fold(None, |known, item| join(known, self.kind(item, kinds)))
                }
                // A character, or a key.
                (_, Type::Text | Type::Map) => Some(Type::Text),
                // An octet.
                (_, Type::Bytes) => Some(Type::Int),
                (ExprKind::Call { name, .. }, _) if name.node == "keys" => Some(Type::Text),
                (ExprKind::Call { name, arguments }, _) if name.node == "split" => match arguments.first() {
                    Some(text) => self.kind(text, kinds).map(|kind| if kind == Type::Text { kind } else { Type::Any }),
                    None => Some(Type::Any),
                },
                _ => Some(Type::Any),
            },
            From::Procedure(name) => Some(self.result_of_procedure(&name.node)),
            From::PartOf(name, place) => Some(self.part_of_result(&name.node, place)),
        }
    }

    /// Returns the type of an expression; `None` if a variable in it has none yet.
    fn kind(&self, expr: &ast::Expr, kinds: &Kinds<'_>) -> Option<Type> {
        Some(match &expr.kind {
            ExprKind::String(_) => Type::Text,
            ExprKind::Bytes(_) => Type::Bytes,
            ExprKind::Int(_) => Type::Int,
            ExprKind::Decimal(_) => Type::Decimal,
            ExprKind::Negative(inner) => negative(self.kind(inner, kinds)?),
            ExprKind::Bool(_) | ExprKind::Not(_) | ExprKind::Matches { .. } => Type::Bool,
            ExprKind::Duration(_) => Type::Duration,
            ExprKind::List(_) => Type::List,
            ExprKind::Map(_) => Type::Map,
            ExprKind::Name(name) => match kinds.get(name.as_str()) {
                Some(kind) => return *kind,
                None => self.kind_of_param(name),
            },
            ExprKind::Call { name, arguments } => match Function::find(&name.node) {
                Some(function) => {
                    let arguments = arguments.iter().map(|argument| self.kind(argument, kinds));
                    function.result_for(&arguments.collect::<Option<Vec<Type>>>()?)
                }
                None => Type::Any,
            },
            ExprKind::Binary { operator, left, right } => {
                result_of(*operator, self.kind(left, kinds)?, self.kind(right, kinds)?)
            }
            ExprKind::Index { .. } => Type::Any,
        })
    }

    /// Returns the type of a param: nothing in the file changes it.
    fn kind_of_param(&self, name: &str) -> Type {
        let is_param = self.params.iter().any(|param| param == name);
        self.globals.get(name).filter(|_| is_param).map_or(Type::Any, |variable| variable.kind)
    }
}

/// Returns what two assignments make of a variable together.
fn join(known: Option<Type>, kind: Option<Type>) -> Option<Type> {
    match (known, kind) {
        (None, kind) => kind,
        (known, None) => known,
        (Some(known), Some(kind)) => Some(if known == kind { known } else { Type::Any }),
    }
}

/// Collects what statements give values to; procedures, and handlers of devices, have their own variables.
pub(super) fn collect<'a>(body: &'a [Statement], handlers: Handlers, given: &mut Vec<Given<'a>>) {
    for statement in body {
        let is_own = match statement.runs() {
            Runs::Here | Runs::Later => false,
            Runs::OnLines => handlers == Handlers::OwnVariables,
            Runs::WhenCalled => true,
        };
        if is_own {
            continue;
        }
        for bind in statement.binds() {
            match (bind.from, bind.into) {
                (Origin::Declaration, _) => {}
                (Origin::Outside | Origin::Inside, Bound::Name(name)) => {
                    given.push(Given {
                        name: name.node.clone(),
                        secrecy: bind.secrecy,
                        from: from_of(statement, name),
                    });
                }
                (Origin::Outside | Origin::Inside, Bound::Groups(pattern)) => {
                    let groups = groups_of(pattern).into_iter();
                    given.extend(groups.map(|name| Given {
                        name,
                        secrecy: bind.secrecy,
                        from: From::Kind(Type::Text),
                    }));
                }
            }
        }
        for block in statement.blocks() {
            collect(&block.body, handlers, given);
        }
    }
}

/// Returns where the value is from that a statement gives a variable by name.
fn from_of<'a>(statement: &'a Statement, given: &Name) -> From<'a> {
    let kind = &statement.kind;
    if let StatementKind::Compute { value, .. } | StatementKind::Capture { from: CaptureFrom::Value(value), .. } = kind
    {
        From::Value(value)
    } else if let StatementKind::Read { .. }
    | StatementKind::Ask { .. }
    | StatementKind::Capture { from: CaptureFrom::Pattern { .. }, .. } = kind
    {
        From::Kind(Type::Text)
    } else if let StatementKind::ReceiveFile(_) = kind {
        From::Kind(Type::Bytes)
    } else if let StatementKind::Measure(measure) = kind {
        From::Measured(&measure.value)
    } else if let StatementKind::For { list, last, .. } = kind {
        if last.is_some() { From::Kind(Type::Int) } else { From::Item(list) }
    } else if let StatementKind::Call { name, results, .. } = kind {
        match results.iter().position(|result| result == given) {
            Some(place) if results.len() > 1 => From::PartOf(name, place),
            Some(_) | None => From::Procedure(name),
        }
    } else {
        From::Kind(Type::Any)
    }
}

/// Collects what the `return` statements of a procedure give.
fn returned<'a>(body: &'a [Statement], values: &mut Vec<&'a ast::Expr>) {
    for statement in body {
        if let StatementKind::Return(Some(value)) = &statement.kind {
            values.push(value);
        }
        if statement.runs() == Runs::Here {
            statement.blocks().into_iter().for_each(|block| returned(&block.body, values));
        }
    }
}
