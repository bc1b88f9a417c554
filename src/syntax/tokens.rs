//! The tokens of a text in their order, each with what a layout must know of it.

use pest::iterators::Pair;

use super::grammar::{self, Rule};
use crate::source::Span;

/// One token; between two of them is nothing but white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: TokenKind,
    /// How it follows the token before.
    pub place: Place,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword, a name, a literal or an operator: whatever is no other kind.
    Word,
    /// `else`
    Else,
    /// `,`
    Comma,
    /// The `->` of an arm.
    Arrow,
    /// `{` around statements, settings, arms or patterns.
    BodyOpen,
    /// The `}` that belongs to it.
    BodyClose,
    /// `(`, `[` or `{` of an expression or of parameters.
    ValueOpen,
    /// What closes it.
    ValueClose,
    /// From `#` to the end of the line, without blanks at its end.
    Comment,
}

/// How a token follows the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It begins a statement, a setting, an arm or a pattern of `expect all`.
    Row,
    /// White space may stand before it and is wanted.
    Apart,
    /// No white space is wanted before it.
    Joined,
}

/// Returns the tokens of a text in which nothing is wrong; none of a text that is nested too deeply.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut walk = Walk { tokens: Vec::new(), next: Place::Apart };
    if let Ok(pairs) = grammar::file(text) {
        pairs.for_each(|pair| walk.pair(pair));
    }
    walk.tokens
}

struct Walk {
    tokens: Vec<Token>,
    /// How the next token follows, unless it is always joined.
    next: Place,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the grammar says which of pest's rules can stand here")]
impl Walk {
    fn pair(&mut self, pair: Pair<'_, Rule>) {
        let rule = pair.as_rule();
        match rule {
            Rule::EOI => {}
            // A line of white space that the grammar does not know, such as U+00A0.
            Rule::bad => {}
            Rule::comment => self.push(&pair, TokenKind::Comment),
            Rule::string | Rule::raw | Rule::hex_string | Rule::regex => self.push(&pair, TokenKind::Word),
            Rule::open => self.open(&pair),
            Rule::close => self.joined(&pair, TokenKind::ValueClose),
            Rule::comma => self.joined(&pair, TokenKind::Comma),
            Rule::k_else => self.push(&pair, TokenKind::Else),
            Rule::negative => {
                self.push(&pair, TokenKind::Word);
                self.next = Place::Joined;
            }
            _ if is_leaf(&pair) => self.push(&pair, TokenKind::Word),
            _ => self.inside(pair),
        }
    }

    /// Walks what a pair holds: its inner pairs, and between them the signs that have no rule.
    fn inside(&mut self, pair: Pair<'_, Rule>) {
        let rule = pair.as_rule();
        let (text, start) = (pair.as_str(), pair.as_span().start());
        let mut done = 0;
        for inner in pair.into_inner() {
            let (from, to) = (inner.as_span().start() - start, inner.as_span().end() - start);
            self.signs(rule, &text[done..from], start + done);
            done = to;
            if is_row(rule, inner.as_rule()) {
                self.next = Place::Row;
            }
            match (rule, inner.as_rule()) {
                (Rule::arm, Rule::k_arrow) => self.push(&inner, TokenKind::Arrow),
                // What a hook gives stands after the hook's name, which is a text.
                (Rule::parameters, Rule::open) => {
                    self.push(&inner, TokenKind::ValueOpen);
                    self.next = Place::Joined;
                }
                _ => self.pair(inner),
            }
        }
        self.signs(rule, &text[done..], start + done);
    }

    fn signs(&mut self, rule: Rule, text: &str, start: usize) {
        let is_body =
            matches!(rule, Rule::block | Rule::port_block | Rule::serial | Rule::expect_any | Rule::expect_all);
        for (i, sign) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            let span = Span::new(start + i, start + i + sign.len_utf8());
            let is_joined = matches!(rule, Rule::function | Rule::index);
            match sign {
                '{' if is_body => self.add(span, TokenKind::BodyOpen, self.next),
                '}' if is_body => self.add(span, TokenKind::BodyClose, Place::Apart),
                '{' | '[' | '(' => {
                    self.add(span, TokenKind::ValueOpen, if is_joined { Place::Joined } else { self.next });
                    self.next = Place::Joined;
                }
                '}' | ']' | ')' => self.add(span, TokenKind::ValueClose, Place::Joined),
                '.' => {
                    self.add(span, TokenKind::Word, Place::Joined);
                    self.next = Place::Joined;
                }
                // The byte order mark is white space here.
                '\u{feff}' => {}
                // The `:` of an entry.
                _ => self.add(span, TokenKind::Word, Place::Joined),
            }
        }
    }

    /// Takes the `(` of a procedure or a call, which follows its name.
    fn open(&mut self, pair: &Pair<'_, Rule>) {
        self.joined(pair, TokenKind::ValueOpen);
        self.next = Place::Joined;
    }

    fn joined(&mut self, pair: &Pair<'_, Rule>, kind: TokenKind) {
        self.add(span(pair), kind, Place::Joined);
    }

    fn push(&mut self, pair: &Pair<'_, Rule>, kind: TokenKind) {
        match kind {
            // It may stand anywhere, and what follows it is where it would be without it.
            TokenKind::Comment => self.tokens.push(Token { span: span(pair), kind, place: Place::Apart }),
            _ => self.add(span(pair), kind, self.next),
        }
    }

    fn add(&mut self, span: Span, kind: TokenKind, place: Place) {
        self.tokens.push(Token { span, kind, place });
        self.next = Place::Apart;
    }
}

/// Whether a pair is a token as a whole; white space and brackets without anything in them are none.
fn is_leaf(pair: &Pair<'_, Rule>) -> bool {
    let has_signs = matches!(
        pair.as_rule(),
        Rule::file | Rule::block | Rule::port_block | Rule::serial | Rule::list | Rule::map | Rule::arguments
    );
    !has_signs && pair.clone().into_inner().next().is_none()
}

/// Whether a pair stands where lines begin.
#[expect(clippy::wildcard_enum_match_arm, reason = "the grammar says which of pest's rules can stand here")]
fn is_row(outer: Rule, inner: Rule) -> bool {
    match outer {
        Rule::file | Rule::block => inner != Rule::comment,
        Rule::serial => inner == Rule::setting,
        Rule::port_block => matches!(inner, Rule::serial | Rule::sim),
        Rule::expect_any => inner == Rule::arm,
        Rule::expect_all => inner == Rule::one_of_all,
        _ => false,
    }
}

fn span(pair: &Pair<'_, Rule>) -> Span {
    let whole = pair.as_span();
    Span::new(whole.start(), whole.start() + whole.as_str().trim_end().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows the tokens with what stands before them: `¶` a row, a blank, or nothing.
    fn shown(text: &str) -> String {
        let mut shown = String::new();
        for token in tokens(text) {
            shown.push_str(match token.place {
                Place::Row => "¶",
                Place::Apart => " ",
                Place::Joined => "",
            });
            shown.push_str(&text[token.span.range()]);
        }
        shown
    }

    #[test]
    fn every_sign_knows_how_it_follows() {
        assert_eq!(
            shown("device \"d\" serial{baud 9600 eol \"\\r\"}"),
            "¶device \"d\"¶serial {¶baud 9600¶eol \"\\r\" }"
        );
        assert_eq!(shown("compute x=-f( a[0].b,{k :[ ]} )*(2)"), "¶compute x = -f(a[0].b, {k: []}) * (2)");
        assert_eq!(
            shown("expect{line\"a\"->{}timeout->{flush}}"),
            "¶expect {¶line \"a\" -> { }¶timeout -> {¶flush } }"
        );
        assert_eq!(shown("procedure p ( a,b ) { }call p(1 )->x"), "¶procedure p(a, b) { }¶call p(1) -> x");
        assert_eq!(shown("on hook\"p\"( a,b ){ }"), "¶on hook \"p\" (a, b) { }");
        assert_eq!(shown("if not(a){ }else if b{ } # c"), "¶if not (a) { } else if b { } # c");
    }

    #[test]
    fn between_two_tokens_is_nothing_but_white_space() {
        let text = include_str!("../../flows/devices/air.flow");
        let mut done = 0;
        for token in tokens(text) {
            assert_eq!(text[done..token.span.range().start].trim(), "");
            assert!(!text[token.span.range()].trim().is_empty());
            done = token.span.range().end;
        }
        assert_eq!(text[done..].trim(), "");
    }
}
