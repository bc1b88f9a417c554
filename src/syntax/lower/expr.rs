//! Pairs to tree: expressions, strings and literals.

use std::sync::LazyLock;
use std::time::Duration;

use pest::iterators::Pair;
use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::{Lower, children, span};
use crate::diagnostic::Code;
use crate::source::{Span, Spanned};
use crate::syntax::ast::*;
use crate::syntax::grammar::Rule;
use crate::value::decimal::{Decimal, Number};
use crate::value::operator::Operator;

/// The operators, loosest first.
static PRATT: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    PrattParser::new()
        .op(Op::infix(Rule::or, Assoc::Left))
        .op(Op::infix(Rule::and, Assoc::Left))
        .op(Op::prefix(Rule::not))
        .op(Op::infix(Rule::equal, Assoc::Left)
            | Op::infix(Rule::unequal, Assoc::Left)
            | Op::infix(Rule::below, Assoc::Left)
            | Op::infix(Rule::at_most_op, Assoc::Left)
            | Op::infix(Rule::above, Assoc::Left)
            | Op::infix(Rule::at_least, Assoc::Left)
            | Op::infix(Rule::member, Assoc::Left)
            | Op::infix(Rule::matches, Assoc::Left))
        .op(Op::infix(Rule::plus, Assoc::Left) | Op::infix(Rule::minus, Assoc::Left))
        .op(Op::infix(Rule::times, Assoc::Left)
            | Op::infix(Rule::divided, Assoc::Left)
            | Op::infix(Rule::remainder, Assoc::Left))
        .op(Op::prefix(Rule::negative))
        .op(Op::postfix(Rule::index) | Op::postfix(Rule::field))
});

/// What the operators join: a value, or the regex behind `matches`.
enum Operand {
    Value(Expr),
    Regex(Regex),
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the grammar says which of pest's rules can stand here")]
impl Lower {
    /// Lowers an expression.
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let at = span(&pair);
        let mut deepest = Expr { span: at, kind: ExprKind::Bool(false) };
        if self.enter(at) {
            let parts: Vec<_> = children(pair).collect();
            // A chain of operators makes a tree as deep as it is long, and whoever walks it recurses.
            if parts.len() > 400 {
                self.problem(
                    Code::SyntaxDepth,
                    at,
                    "this expression is too long",
                    "too many operators in one expression",
                );
            } else {
                let operand = self.operators(parts.into_iter());
                deepest = self.value(operand);
            }
        }
        self.leave();
        deepest
    }

    /// Lowers the only expression that a pair holds: `within 5s`.
    pub(super) fn only_expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let inner = children(pair).next().expect("the grammar guarantees an expression");
        self.expr(inner)
    }

    fn operators<'i>(&mut self, parts: impl Iterator<Item = Pair<'i, Rule>>) -> Operand {
        // The closures of the Pratt parser all need `self`, one at a time.
        let this = std::cell::RefCell::new(self);
        PRATT
            .map_primary(|pair| this.borrow_mut().primary(pair))
            .map_prefix(|operator, operand| {
                let mut lower = this.borrow_mut();
                let operand = lower.value(operand);
                let at = Span { start: span(&operator).start, end: operand.span.end };
                let kind = match operator.as_rule() {
                    Rule::not => ExprKind::Not(Box::new(operand)),
                    _ => ExprKind::Negative(Box::new(operand)),
                };
                Operand::Value(Expr { span: at, kind })
            })
            .map_postfix(|operand, operator| this.borrow_mut().postfix(operand, operator))
            .map_infix(|left, operator, right| this.borrow_mut().infix(left, operator, right))
            .parse(parts)
    }

    /// Takes an operand as a value; a regex where none belongs is reported.
    fn value(&mut self, operand: Operand) -> Expr {
        match operand {
            Operand::Value(expr) => expr,
            Operand::Regex(regex) => {
                self.problem(
                    Code::SyntaxUnexpected,
                    regex.span,
                    "a regex is not a value",
                    "a regex goes after `matches`, or is a pattern",
                )
                .help = Some("to look for it in a text: `text matches /regex/`".to_string());
                Expr { span: regex.span, kind: ExprKind::Bool(false) }
            }
        }
    }

    fn infix(&mut self, left: Operand, operator: Pair<'_, Rule>, right: Operand) -> Operand {
        let left = self.value(left);
        if operator.as_rule() == Rule::matches {
            return match right {
                Operand::Regex(regex) => {
                    let at = Span { start: left.span.start, end: regex.span.end };
                    Operand::Value(Expr { span: at, kind: ExprKind::Matches { text: Box::new(left), regex } })
                }
                Operand::Value(value) => {
                    self.problem(Code::SyntaxUnexpected, value.span, "expected a regex after `matches`", "not a regex");
                    Operand::Value(left)
                }
            };
        }
        let right = self.value(right);
        let at = Span { start: left.span.start, end: right.span.end };
        let operator = match operator.as_rule() {
            Rule::or => Operator::Or,
            Rule::and => Operator::And,
            Rule::equal => Operator::Equal,
            Rule::unequal => Operator::Unequal,
            Rule::below => Operator::Below,
            Rule::at_most_op => Operator::AtMost,
            Rule::above => Operator::Above,
            Rule::at_least => Operator::AtLeast,
            Rule::member => Operator::In,
            Rule::plus => Operator::Plus,
            Rule::minus => Operator::Minus,
            Rule::times => Operator::Times,
            Rule::divided => Operator::Divided,
            Rule::remainder => Operator::Remainder,
            other => unreachable!("the grammar has no operator {other:?}"),
        };
        Operand::Value(Expr {
            span: at,
            kind: ExprKind::Binary { operator, left: Box::new(left), right: Box::new(right) },
        })
    }

    fn postfix(&mut self, operand: Operand, operator: Pair<'_, Rule>) -> Operand {
        let of = self.value(operand);
        let at = Span { start: of.span.start, end: span(&operator).end };
        let rule = operator.as_rule();
        let inner = children(operator).next().expect("an index has a value, a field a word");
        let index = match rule {
            Rule::index => self.expr(inner),
            _ => Expr {
                span: span(&inner),
                kind: ExprKind::String(vec![Piece::Text(inner.as_str().as_bytes().to_vec())]),
            },
        };
        Operand::Value(Expr { span: at, kind: ExprKind::Index { of: Box::new(of), index: Box::new(index) } })
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Operand {
        let at = span(&pair);
        let kind = match pair.as_rule() {
            Rule::regex => return Operand::Regex(self.regex(pair)),
            Rule::group => {
                let inner = children(pair).next().expect("a group holds an expression");
                let inner = self.expr(inner);
                return Operand::Value(Expr { span: at, kind: inner.kind });
            }
            Rule::duration => ExprKind::Duration(self.duration(&pair)),
            Rule::number => match self.number(&pair) {
                Number::Int(n) => ExprKind::Int(n),
                Number::Decimal(n) => ExprKind::Decimal(n),
            },
            Rule::boolean => ExprKind::Bool(pair.as_str() == "true"),
            Rule::string | Rule::raw | Rule::hex_string => return Operand::Value(self.expr_of_string(pair)),
            Rule::name => ExprKind::Name(pair.as_str().to_string()),
            Rule::list => ExprKind::List(children(pair).map(|item| self.expr(item)).collect()),
            Rule::map => ExprKind::Map(children(pair).map(|entry| self.entry(entry)).collect()),
            Rule::function => {
                let mut parts = children(pair);
                let word = parts.next().expect("a function has a name");
                let name = Spanned { node: word.as_str().to_string(), span: span(&word) };
                let arguments = parts.next().expect("a function has arguments");
                ExprKind::Call { name, arguments: children(arguments).map(|argument| self.expr(argument)).collect() }
            }
            other => unreachable!("the grammar has no value {other:?}"),
        };
        Operand::Value(Expr { span: at, kind })
    }

    fn entry(&mut self, pair: Pair<'_, Rule>) -> (Name, Expr) {
        let mut parts = children(pair);
        let key = parts.next().expect("an entry has a key");
        let value = parts.next().expect("an entry has a value");
        let key = match key.as_rule() {
            Rule::string => self.plain_string(key),
            _ => Spanned { node: key.as_str().to_string(), span: span(&key) },
        };
        (key, self.expr(value))
    }

    /// Lowers a string, raw string or hex string to an expression.
    pub(super) fn expr_of_string(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let at = span(&pair);
        if pair.as_rule() == Rule::hex_string {
            let inner = children(pair).next().expect("a hex string has digits");
            return Expr { span: at, kind: ExprKind::Bytes(self.hex_digits(&inner)) };
        }
        Expr { span: at, kind: ExprKind::String(self.pieces(pair)) }
    }

    fn hex_digits(&mut self, pair: &Pair<'_, Rule>) -> Vec<u8> {
        let digits: String = pair.as_str().chars().filter(|c| !c.is_whitespace()).collect();
        hex::decode(&digits).unwrap_or_else(|_| {
            self.problem(
                Code::SyntaxEscape,
                span(pair),
                "this is not hex",
                "expected pairs of hex digits, such as `41 54 0d`",
            );
            Vec::new()
        })
    }

    fn pieces(&mut self, pair: Pair<'_, Rule>) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for part in children(pair) {
            let bytes = match part.as_rule() {
                Rule::interpolation => {
                    let value = self.only_expr(part);
                    pieces.push(Piece::Value(value));
                    continue;
                }
                Rule::escape => self.escape(&part),
                Rule::regex_flags => continue,
                _ => part.as_str().as_bytes().to_vec(),
            };
            match pieces.last_mut() {
                Some(Piece::Text(text)) => text.extend(bytes),
                _ => pieces.push(Piece::Text(bytes)),
            }
        }
        pieces
    }

    fn escape(&mut self, pair: &Pair<'_, Rule>) -> Vec<u8> {
        let text = &pair.as_str()[1..];
        let single = |byte: u8| vec![byte];
        match text {
            "r" => single(b'\r'),
            "n" => single(b'\n'),
            "t" => single(b'\t'),
            "0" => single(0),
            "\\" | "\"" | "$" => text.as_bytes().to_vec(),
            _ if text.starts_with('x') && text.len() == 3 => {
                single(u8::from_str_radix(&text[1..], 16).expect("the grammar wants two hex digits"))
            }
            _ if text.starts_with("u{") => {
                let digits = text.trim_start_matches("u{").trim_end_matches('}');
                match u32::from_str_radix(digits, 16).ok().and_then(char::from_u32) {
                    Some(c) => c.to_string().into_bytes(),
                    None => {
                        self.problem(
                            Code::SyntaxEscape,
                            span(pair),
                            format!("U+{digits} is not a character"),
                            "no such character",
                        );
                        Vec::new()
                    }
                }
            }
            _ => {
                let message = format!("unknown escape `\\{text}`");
                self.problem(Code::SyntaxEscape, span(pair), message, "no such escape").help = Some(
                    "escapes are `\\r \\n \\t \\\\ \\\" \\$ \\0 \\xNN \\u{…}`; in a raw string `…` a backslash is a backslash".to_string(),
                );
                Vec::new()
            }
        }
    }

    /// Lowers a string that may not hold values, to text.
    pub(super) fn plain_string(&mut self, pair: Pair<'_, Rule>) -> Spanned<String> {
        let at = span(&pair);
        let bytes = self.plain_bytes(pair);
        match String::from_utf8(bytes) {
            Ok(node) => Spanned { node, span: at },
            Err(_) => {
                self.problem(Code::SyntaxEscape, at, "this must be readable text", "not UTF-8");
                Spanned { node: String::new(), span: at }
            }
        }
    }

    /// Lowers a string that may not hold values, to bytes.
    pub(super) fn plain_bytes(&mut self, pair: Pair<'_, Rule>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for piece in self.pieces(pair) {
            match piece {
                Piece::Text(text) => bytes.extend(text),
                Piece::Value(value) => {
                    self.problem(
                        Code::SyntaxUnexpected,
                        value.span,
                        "this string cannot contain a value",
                        "`${…}` has no meaning here",
                    )
                    .help = Some("write `\\$` for a dollar sign".to_string());
                }
            }
        }
        bytes
    }

    /// Lowers a regex.
    pub(super) fn regex(&mut self, pair: Pair<'_, Rule>) -> Regex {
        let at = span(&pair);
        let flags = pair.clone().into_inner().find(|p| p.as_rule() == Rule::regex_flags);
        let flags = flags.map_or(String::new(), |p| p.as_str().to_string());
        if let Some(wrong) = flags.chars().find(|c| !matches!(c, 'i' | 'x')) {
            self.problem(
                Code::SyntaxUnexpected,
                at,
                format!("there is no regex flag `{wrong}`"),
                "flags are `i` and `x`",
            );
        }
        Regex { span: at, pieces: self.pieces(pair), flags }
    }

    /// Lowers `42`, `0x2a` or `3.30`.
    pub(super) fn number(&mut self, pair: &Pair<'_, Rule>) -> Number {
        let text = pair.as_str();
        let whole_part = text.split_once('.').map_or(text, |(whole, _)| whole);
        // Nobody can say whether the zeros count: in a PIN they do.
        if whole_part.len() > 1 && whole_part.starts_with('0') && !text.starts_with("0x") {
            self.problem(Code::SyntaxNumber, span(pair), "a number has no leading zeros", "begins with 0").help =
                Some("put it in quotes if the zeros count; otherwise leave them out".to_string());
        }
        if text.contains('.') {
            let number = Decimal::parse(text.as_bytes());
            return Number::Decimal(number.unwrap_or_else(|_| {
                self.problem(Code::SyntaxNumber, span(pair), "this number is too long", "more than 28 digits");
                Decimal::default()
            }));
        }
        let parsed = match text.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        Number::Int(parsed.unwrap_or_else(|_| {
            self.problem(
                Code::SyntaxNumber,
                span(pair),
                "this number is too large",
                format!("the largest is {}", i64::MAX),
            );
            0
        }))
    }

    /// Lowers `250ms`, `1.5s`.
    pub(super) fn duration(&mut self, pair: &Pair<'_, Rule>) -> Duration {
        let text = pair.as_str();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let per_unit: u64 = match &text[digits.len()..] {
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            _ => 3_600_000_000_000,
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let whole: Option<u64> = whole.parse().ok().and_then(|n: u64| n.checked_mul(per_unit));
        let part = part.get(..9.min(part.len())).unwrap_or("");
        let digits = part.parse::<u128>().unwrap_or(0);
        let fraction = (digits * u128::from(per_unit) / 10u128.pow(part.len() as u32)) as u64;
        match whole.and_then(|whole| whole.checked_add(fraction)) {
            Some(nanos) if nanos <= 366 * 24 * 3_600_000_000_000 => Duration::from_nanos(nanos),
            _ => {
                self.problem(
                    Code::SyntaxNumber,
                    span(pair),
                    "this duration is too long",
                    "the longest is 8784h, a year",
                );
                Duration::ZERO
            }
        }
    }
}
