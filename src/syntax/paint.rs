//! The parts of a text that an editor colours, as the grammar reads them.

use pest::iterators::Pair;

use super::grammar::{self, Rule};
use crate::source::Span;

/// A part of a text with a colour of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Where it stands; it ends before the end of its line.
    pub span: Span,
    /// What it is.
    pub kind: PaintKind,
}

/// What a part of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaintKind {
    /// A word of the language.
    Keyword,
    /// A name of the flow: of a variable, a port, a procedure.
    Name,
    /// The name of a function.
    Function,
    /// The name of a setting.
    Setting,
    /// A word that stands for itself: a value of a setting, a key, a protocol.
    Word,
    /// Text between quotes, without the values in it.
    Text,
    /// A regex, without the values in it.
    Regex,
    /// A number or a duration.
    Number,
    /// An operator.
    Operator,
    /// A comment.
    Comment,
}

/// Returns the parts of a text in their order; what cannot be read has none.
pub(super) fn paints(text: &str) -> Vec<Paint> {
    let mut paints = Vec::new();
    if let Ok(pairs) = grammar::file(text) {
        pairs.for_each(|pair| walk(pair, Rule::file, &mut paints));
    }
    paints
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other rule is a keyword or holds others")]
fn walk(pair: Pair<'_, Rule>, outer: Rule, paints: &mut Vec<Paint>) {
    match pair.as_rule() {
        Rule::EOI | Rule::bad | Rule::stray | Rule::unclosed => {}
        Rule::string | Rule::raw | Rule::hex_string => around(pair, PaintKind::Text, paints),
        Rule::regex => around(pair, PaintKind::Regex, paints),
        Rule::comment => push(&pair, PaintKind::Comment, paints),
        Rule::duration | Rule::number => push(&pair, PaintKind::Number, paints),
        Rule::name => push(&pair, PaintKind::Name, paints),
        Rule::word if outer == Rule::function => push(&pair, PaintKind::Function, paints),
        Rule::word if outer == Rule::setting => push(&pair, PaintKind::Setting, paints),
        Rule::word | Rule::setting_word => push(&pair, PaintKind::Word, paints),
        Rule::or | Rule::and | Rule::not | Rule::member | Rule::matches => push(&pair, PaintKind::Keyword, paints),
        Rule::equal
        | Rule::unequal
        | Rule::at_least
        | Rule::at_most_op
        | Rule::above
        | Rule::below
        | Rule::plus
        | Rule::minus
        | Rule::times
        | Rule::divided
        | Rule::remainder
        | Rule::negative
        | Rule::dots
        | Rule::k_arrow
        | Rule::k_equals => push(&pair, PaintKind::Operator, paints),
        rule => {
            if pair.clone().into_inner().next().is_none() {
                if pair.as_str().starts_with(|c: char| c.is_ascii_lowercase()) {
                    push(&pair, PaintKind::Keyword, paints);
                }
                return;
            }
            pair.into_inner().for_each(|inner| walk(inner, rule, paints));
        }
    }
}

/// Paints a literal, and the values in it as what they are.
fn around(pair: Pair<'_, Rule>, kind: PaintKind, paints: &mut Vec<Paint>) {
    let whole = pair.as_span();
    let mut from = whole.start();
    for inner in pair.into_inner().filter(|inner| inner.as_rule() == Rule::interpolation) {
        let span = inner.as_span();
        add(from, span.start(), kind, paints);
        inner.into_inner().for_each(|value| walk(value, Rule::interpolation, paints));
        from = span.end();
    }
    add(from, whole.end(), kind, paints);
}

fn push(pair: &Pair<'_, Rule>, kind: PaintKind, paints: &mut Vec<Paint>) {
    let start = pair.as_span().start();
    add(start, start + pair.as_str().trim_end().len(), kind, paints);
}

fn add(start: usize, end: usize, kind: PaintKind, paints: &mut Vec<Paint>) {
    if start < end {
        paints.push(Paint { span: Span::new(start, end), kind });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_statement_has_its_kind() {
        let text =
            "send \"a${b}c\"  expect line /x(?<y>.)/ within 5s # now\nserial { echo on }\ncompute z = md5(-y) + 1";
        let shown: Vec<String> =
            paints(text).iter().map(|paint| format!("{:?} {}", paint.kind, &text[paint.span.range()])).collect();
        assert_eq!(
            shown,
            [
                "Keyword send",
                "Text \"a",
                "Name b",
                "Text c\"",
                "Keyword expect",
                "Keyword line",
                "Regex /x(?<y>.)/",
                "Keyword within",
                "Number 5s",
                "Comment # now",
                "Keyword serial",
                "Setting echo",
                "Word on",
                "Keyword compute",
                "Name z",
                "Operator =",
                "Function md5",
                "Operator -",
                "Name y",
                "Operator +",
                "Number 1"
            ]
        );
    }
}
