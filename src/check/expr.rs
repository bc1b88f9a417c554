//! Expressions: resolved, and given a type.

use super::Compiler;
use crate::diagnostic::Code;
use crate::diagnostic::nearest::nearest;
use crate::function::{Function, Wrong};
use crate::program::{Expr, ExprKind, PatternShape, Piece};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::compare::{Spelt, hex_meant, is_hex_of, misfit_help, spells};
use crate::value::decimal::Number;
use crate::value::operator::Operator;
use crate::value::{Type, Value};

/// What counts as a number: captured digits do.
pub(super) static NUMBER: &[Type] = &[Type::Int, Type::Text];
/// What counts as a number of either kind.
pub(super) static NUMBERS: &[Type] = &[Type::Int, Type::Decimal, Type::Text];
/// What counts as a length of time.
pub(super) const TIME: &[Type] = &[Type::Duration];
/// What counts as a yes or no.
pub(super) const TRUTH: &[Type] = &[Type::Bool];
/// Anything at all.
pub(super) const ANYTHING: &[Type] = &[Type::Any];

impl Compiler<'_> {
    /// Resolves an expression that must be of one of some types.
    pub(super) fn want(&mut self, expr: &ast::Expr, types: &[Type], what: &str) -> Expr {
        let (resolved, kind) = self.expr(expr);
        let fits = kind == Type::Any || types.contains(&Type::Any) || types.contains(&kind);
        let is_no_number = |value: &Value| match std::ptr::eq(types, NUMBER) {
            true => value.as_int().is_none(),
            false => std::ptr::eq(types, NUMBERS) && Number::of(value).is_err(),
        };
        if let ExprKind::Const(value @ Value::Text(_)) = &resolved.kind
            && is_no_number(value)
        {
            self.problem(
                Code::CheckType,
                expr.span,
                format!("{what} must be a number, this text is none"),
                "not a number",
            );
        }
        if !fits {
            let wanted = if std::ptr::eq(types, NUMBERS) { "a number" } else { types[0].title() };
            let help = match (types[0], kind, &expr.kind) {
                (Type::Duration, Type::Int, ast::ExprKind::Int(n)) => Some(format!("give a unit: `{n}ms` or `{n}s`")),
                (Type::Duration, Type::Decimal, ast::ExprKind::Decimal(n)) => Some(format!("give a unit: `{n}s`")),
                (Type::Int, Type::Decimal, _) => Some("`round(…)` gives the nearest whole number".to_string()),
                (Type::Duration, Type::Int | Type::Text, _) => {
                    Some("`millis(…)` and `seconds(…)` make a duration of a number".into())
                }
                (Type::Bool, _, _) => Some("compare it: `status == \"200\"`".to_string()),
                _ => None,
            };
            let message = format!("{what} must be {wanted}, this is {}", kind.title());
            self.problem(Code::CheckType, expr.span, message, format!("this is {}", kind.title())).help = help;
        }
        resolved
    }

    /// Resolves an expression if there is one.
    pub(super) fn want_some(&mut self, expr: Option<&ast::Expr>, types: &[Type], what: &str) -> Option<Expr> {
        expr.map(|expr| self.want(expr, types, what))
    }

    /// Resolves an expression and tells its type.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> (Expr, Type) {
        let (kind, result) = self.expr_kind(expr);
        (Expr { span: expr.span, kind }, result)
    }

    fn expr_kind(&mut self, expr: &ast::Expr) -> (ExprKind, Type) {
        let constant = |value: Value| {
            let kind = value.kind();
            (ExprKind::Const(value), kind)
        };
        match &expr.kind {
            ast::ExprKind::String(pieces) => (self.template(pieces), Type::Text),
            ast::ExprKind::Bytes(bytes) => constant(Value::Bytes(bytes.clone())),
            ast::ExprKind::Int(n) => constant(Value::Int(*n)),
            ast::ExprKind::Decimal(n) => constant(Value::Decimal(*n)),
            ast::ExprKind::Bool(b) => constant(Value::Bool(*b)),
            ast::ExprKind::Duration(d) => constant(Value::Duration(*d)),
            ast::ExprKind::List(items) => {
                (ExprKind::List(items.iter().map(|item| self.expr(item).0).collect()), Type::List)
            }
            ast::ExprKind::Map(entries) => (self.map(entries), Type::Map),
            ast::ExprKind::Name(name) => match self.resolve(name, expr.span) {
                Some((slot, kind)) => (ExprKind::Variable(slot, name.clone()), kind),
                None => (ExprKind::Const(Value::Null), Type::Any),
            },
            ast::ExprKind::Call { name, arguments } => self.call_function(name, arguments, expr.span),
            ast::ExprKind::Not(inner) => {
                (ExprKind::Not(Box::new(self.want(inner, TRUTH, "what `not` negates"))), Type::Bool)
            }
            ast::ExprKind::Negative(inner) => {
                let (_, kind) = self.expr(inner);
                (ExprKind::Negative(Box::new(self.want(inner, NUMBERS, "what `-` negates"))), negative(kind))
            }
            ast::ExprKind::Binary { operator, left, right } => self.binary(*operator, left, right, expr.span),
            ast::ExprKind::Matches { text, regex } => {
                let text = self.want(text, &[Type::Text, Type::Bytes], "what a regex looks into");
                let source = self.regex_source(regex, PatternShape::Anywhere);
                (ExprKind::Matches(Box::new(text), Box::new(source)), Type::Bool)
            }
            ast::ExprKind::Index { of, index } => {
                let (of, kind) = self.expr(of);
                let wanted: &[Type] = match kind {
                    Type::List => NUMBER,
                    Type::Map => &[Type::Text],
                    Type::Any => ANYTHING,
                    Type::Text | Type::Bytes | Type::Int | Type::Decimal | Type::Bool | Type::Duration => {
                        let message = format!("{} has no items", kind.title());
                        self.problem(Code::CheckType, expr.span, message, "neither a list nor a map");
                        ANYTHING
                    }
                };
                let index = self.want(index, wanted, "the place in it");
                (ExprKind::Index(Box::new(of), Box::new(index)), Type::Any)
            }
        }
    }

    /// Resolves a string; one without values is a constant.
    pub(super) fn template(&mut self, pieces: &[ast::Piece]) -> ExprKind {
        match pieces {
            [] => ExprKind::Const(Value::text("")),
            [ast::Piece::Text(text)] => ExprKind::Const(Value::Text(text.clone())),
            _ => ExprKind::Template(self.pieces(pieces)),
        }
    }

    pub(super) fn pieces(&mut self, pieces: &[ast::Piece]) -> Vec<Piece> {
        let piece = |piece: &ast::Piece| match piece {
            ast::Piece::Text(text) => Piece::Text(text.clone()),
            ast::Piece::Value(value) => Piece::Value(self.expr(value).0),
        };
        pieces.iter().map(piece).collect()
    }

    fn map(&mut self, entries: &[(ast::Name, ast::Expr)]) -> ExprKind {
        let mut resolved: Vec<(String, Expr)> = Vec::new();
        for (key, value) in entries {
            if resolved.iter().any(|(known, _)| *known == key.node) {
                let message = format!("the key `{}` is in this map twice", key.node);
                self.problem(Code::CheckDuplicate, key.span, message, "again here");
            }
            resolved.push((key.node.clone(), self.expr(value).0));
        }
        ExprKind::Map(resolved)
    }

    fn call_function(&mut self, name: &ast::Name, arguments: &[ast::Expr], span: Span) -> (ExprKind, Type) {
        let resolved: Vec<(Expr, Type)> = arguments.iter().map(|argument| self.expr(argument)).collect();
        let Some(function) = Function::find(&name.node) else {
            let help = if self.procedures.signatures.contains_key(&name.node) {
                Some(format!("`{}` is a procedure: `call {}(…) -> result`", name.node, name.node))
            } else if matches!(name.node.as_str(), "float" | "double" | "real" | "number") {
                Some("`decimal(…)` gives the number that a text spells, exactly".to_string())
            } else {
                nearest(&name.node, Function::all().map(|f| f.signature().name))
                    .map(|meant| format!("did you mean `{meant}`?"))
            };
            let message = format!("there is no function `{}`", name.node);
            self.problem(Code::CheckUnknownFunction, name.span, message, "not a function").help = help;
            return (ExprKind::Const(Value::Null), Type::Any);
        };
        let signature = function.signature();
        if let Err(why) = signature.check_count(arguments.len()) {
            self.problem(Code::CheckArguments, span, why, "wrong number of arguments").help = Some(usage(function));
        }
        for (parameter, (argument, (_, kind))) in signature.parameters.iter().zip(arguments.iter().zip(&resolved)) {
            if *kind != Type::Any && !parameter.is_open_to(*kind) {
                let message = format!(
                    "`{}` of `{}` must be {}, this is {}",
                    parameter.name,
                    name.node,
                    parameter.accepted(),
                    kind.title()
                );
                self.problem(Code::CheckType, argument.span, message, format!("this is {}", kind.title()));
            }
        }
        if name.node == "json"
            && let Some(ast::Expr { kind: ast::ExprKind::String(pieces), span }) = arguments.get(1)
            && let [ast::Piece::Text(path)] = pieces.as_slice()
            && let Err(why) = crate::value::json::check_path(&String::from_utf8_lossy(path))
        {
            self.problem(Code::CheckType, *span, why, "not a path").help =
                Some("a path looks like `$.data.items[0].name`".into());
        }
        let kinds: Vec<Type> = resolved.iter().map(|(_, kind)| *kind).collect();
        self.words(function, arguments, &kinds);
        let arguments = resolved.into_iter().map(|(expr, _)| expr).collect();
        (ExprKind::Call(function, arguments), function.result_for(&kinds))
    }

    /// Checks what a flow spells out and the function takes only in certain forms.
    fn words(&mut self, function: Function, arguments: &[ast::Expr], kinds: &[Type]) {
        let mut wrong = Vec::new();
        for (place, argument) in arguments.iter().enumerate() {
            if let ast::ExprKind::String(pieces) = &argument.kind
                && let [ast::Piece::Text(text)] = pieces.as_slice()
                // A map says which algorithm it is; then the text is what is summed up.
                && kinds.iter().all(|kind| *kind != Type::Map)
            {
                let checked = function.check_word(place, &String::from_utf8_lossy(text));
                wrong.extend(checked.err().map(|wrong| (argument.span, wrong)));
            }
            if let ast::ExprKind::Map(entries) = &argument.kind {
                let checked = |key: &ast::Name| function.check_key(&key.node).err().map(|wrong| (key.span, wrong));
                wrong.extend(entries.iter().filter_map(|(key, _)| checked(key)));
            }
        }
        for (span, Wrong { message, help }) in wrong {
            self.problem(Code::CheckType, span, message, "not known").help = Some(help);
        }
    }

    fn binary(&mut self, operator: Operator, left: &ast::Expr, right: &ast::Expr, span: Span) -> (ExprKind, Type) {
        let (left, a) = self.expr(left);
        let (right, b) = self.expr(right);
        if !fits(operator, a, b) {
            let message = format!("`{}` cannot join {} and {}", operator.title(), a.title(), b.title());
            let help = match (a, b) {
                (Type::Text, Type::Int) | (Type::Int, Type::Text) if operator != Operator::In => {
                    Some("what a pattern captured is text: compare it with a string, or write `int(…)`".to_string())
                }
                _ => misfit_help(operator, a, b).map(str::to_string),
            };
            self.problem(Code::CheckType, span, message, format!("{} {} {}", a.title(), operator.title(), b.title()))
                .help = help;
        } else {
            match operator {
                Operator::Equal | Operator::Unequal => self.hex_of_bytes(operator, (&left, a), (&right, b), span),
                Operator::Below | Operator::AtMost | Operator::Above | Operator::AtLeast => {
                    self.order_of_texts(operator, (&left, a), (&right, b), span);
                }
                Operator::In => self.items(a, &right, span),
                Operator::Or
                | Operator::And
                | Operator::Plus
                | Operator::Minus
                | Operator::Times
                | Operator::Divided
                | Operator::Remainder => {}
            }
        }
        (ExprKind::Binary(operator, Box::new(left), Box::new(right)), result_of(operator, a, b))
    }

    /// Reports bytes that are compared with hex digits: they are compared octet by octet.
    fn hex_of_bytes(&mut self, operator: Operator, left: (&Expr, Type), right: (&Expr, Type), span: Span) {
        let ((bytes, Type::Bytes), (text, Type::Text)) =
            (if left.1 == Type::Bytes { (left, right) } else { (right, left) })
        else {
            return;
        };
        let Some(Value::Text(text)) = constant(text) else { return };
        let is_hex = match constant(bytes) {
            Some(bytes) => is_hex_of(text, &bytes.octets()),
            // No digest is shorter, and nobody writes so many octets that happen to be hex digits.
            None => text.len() >= 32 && text.len() % 2 == 0 && text.iter().all(u8::is_ascii_hexdigit),
        };
        if is_hex {
            self.problem(Code::CheckType, span, hex_meant(operator.title()), "never equal");
        }
    }

    /// Warns of two texts that are ordered letter by letter, though they are numbers, or may be.
    fn order_of_texts(&mut self, operator: Operator, left: (&Expr, Type), right: (&Expr, Type), span: Span) {
        let constant =
            |expr: &Expr| constant(expr).map(|value| if let Value::Text(text) = value { spells(text) } else { None });
        let help = match (left.1 == Type::Text && right.1 == Type::Text, constant(left.0), constant(right.0)) {
            (true, None, None) => "for numbers write `int(…)` or `decimal(…)` around both".to_string(),
            (true, Some(Some(Spelt::Decimal)), _) | (true, _, Some(Some(Spelt::Decimal))) => {
                "write `decimal(…)` around the text, and the number without quotes".to_string()
            }
            (true, Some(Some(Spelt::Whole)), _) | (true, _, Some(Some(Spelt::Whole))) => {
                "write `int(…)` around the text, and the number without quotes".to_string()
            }
            _ => return,
        };
        let message = format!("`{}` compares texts letter by letter: \"9\" is more than \"10\"", operator.title());
        self.problem(Code::CheckTextOrder, span, message, "both are texts").help = Some(help);
    }

    /// Reports a value that can be no item of a list of constants.
    fn items(&mut self, wanted: Type, list: &Expr, span: Span) {
        let ExprKind::List(items) = &list.kind else { return };
        let kinds = items.iter().map(|item| constant(item).map(Value::kind));
        let Some(kinds) = kinds.collect::<Option<Vec<Type>>>() else { return };
        if let Some(other) = kinds.first()
            && !kinds.iter().any(|kind| fits(Operator::Equal, wanted, *kind))
        {
            let message = format!("{} is never in a list of {}", wanted.title(), plural(*other));
            self.problem(Code::CheckType, span, message, "never true").help =
                misfit_help(Operator::Equal, wanted, *other).map(str::to_string);
        }
    }
}

/// Returns what an expression gives that is always the same.
fn constant(expr: &Expr) -> Option<&Value> {
    if let ExprKind::Const(value) = &expr.kind { Some(value) } else { None }
}

/// Whether an operator can join two types.
fn fits(operator: Operator, a: Type, b: Type) -> bool {
    let is_known = a != Type::Any && b != Type::Any;
    let is_text = |kind: Type| matches!(kind, Type::Text | Type::Bytes);
    let is_number = |kind: Type| matches!(kind, Type::Int | Type::Decimal | Type::Text);
    let is_of_numbers = |kind: Type| matches!(kind, Type::Int | Type::Decimal);
    match operator {
        Operator::Or | Operator::And => matches!(a, Type::Bool | Type::Any) && matches!(b, Type::Bool | Type::Any),
        Operator::In => match b {
            Type::Any | Type::List => true,
            Type::Map | Type::Text => a == Type::Any || is_text(a),
            Type::Bytes => matches!(a, Type::Any | Type::Int) || is_text(a),
            Type::Int | Type::Decimal | Type::Bool | Type::Duration => false,
        },
        _ if !is_known => true,
        Operator::Equal | Operator::Unequal => {
            a == b || (is_text(a) && is_text(b)) || (is_of_numbers(a) && is_of_numbers(b))
        }
        Operator::Below | Operator::AtMost | Operator::Above | Operator::AtLeast => {
            a == b && matches!(a, Type::Duration | Type::Text) || (is_of_numbers(a) && is_of_numbers(b))
        }
        Operator::Plus => a == b && !matches!(a, Type::Bool | Type::Map) || (is_number(a) && is_number(b)),
        Operator::Minus => a == b && a == Type::Duration || is_number(a) && is_number(b),
        Operator::Times | Operator::Divided | Operator::Remainder => is_number(a) && is_number(b),
    }
}

/// Returns the type of what an operator makes of two types.
pub(super) fn result_of(operator: Operator, a: Type, b: Type) -> Type {
    let is_known = a != Type::Any && b != Type::Any;
    match operator {
        Operator::Plus if !is_known => Type::Any,
        Operator::Plus if a == b => a,
        Operator::Minus if a == Type::Duration => Type::Duration,
        Operator::Plus | Operator::Minus | Operator::Times | Operator::Divided | Operator::Remainder
            if a == Type::Decimal || b == Type::Decimal =>
        {
            Type::Decimal
        }
        Operator::Minus | Operator::Times | Operator::Divided | Operator::Remainder if !is_known => Type::Any,
        Operator::Plus | Operator::Minus | Operator::Times | Operator::Divided | Operator::Remainder => Type::Int,
        Operator::Or
        | Operator::And
        | Operator::Equal
        | Operator::Unequal
        | Operator::Below
        | Operator::AtMost
        | Operator::Above
        | Operator::AtLeast
        | Operator::In => Type::Bool,
    }
}

/// Returns the type of what `-` makes of a type.
pub(super) fn negative(kind: Type) -> Type {
    match kind {
        Type::Decimal | Type::Any => kind,
        Type::Text | Type::Bytes | Type::Int | Type::Bool | Type::Duration | Type::List | Type::Map => Type::Int,
    }
}

/// Returns the type of the number that a value of this type is or spells.
pub(super) fn number_of(kind: Type) -> Type {
    match kind {
        Type::Int | Type::Decimal => kind,
        Type::Any | Type::Text | Type::Bytes | Type::Bool | Type::Duration | Type::List | Type::Map => Type::Any,
    }
}

fn plural(kind: Type) -> &'static str {
    match kind {
        Type::Any => "values",
        Type::Text => "texts",
        Type::Bytes => "bytes",
        Type::Int => "whole numbers",
        Type::Decimal => "decimal numbers",
        Type::Bool => "`true` and `false`",
        Type::Duration => "durations",
        Type::List => "lists",
        Type::Map => "maps",
    }
}

/// Returns how a function is called: `hmac_md5(key, x)`.
fn usage(function: Function) -> String {
    let signature = function.signature();
    let names: Vec<String> = signature
        .parameters
        .iter()
        .map(|p| if p.optional { format!("[{}]", p.name) } else { p.name.to_string() })
        .collect();
    format!("it is called as `{}({})`", signature.name, names.join(", "))
}
