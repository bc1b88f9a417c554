//! `Filter`: which flows of a suite are meant: `tag(smoke) and not file(slow)`.

use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Site, Source, Sources, Span};
use crate::value::escape::harmless;

/// What a filter can ask a flow for.
const QUESTIONS: &[&str] = &["tag", "file", "name"];

/// So deep can parentheses and `not` stand in each other.
const DEEPEST: usize = 64;

/// A filter, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `tag(smoke)`: the flow has this tag.
    Tag(String),
    /// `file(air)`, or the word alone: the path of the flow has this in it.
    File(String),
    /// `name(login)`: the title of the flow has this in it.
    Name(String),
    /// `not …`
    Not(Box<Filter>),
    /// `… and …`
    Both(Box<Filter>, Box<Filter>),
    /// `… or …`
    Either(Box<Filter>, Box<Filter>),
}

/// What a filter asks a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// The file, as the user named it.
    pub file: String,
    /// The title; empty if it cannot be read.
    pub title: String,
    /// The tags, in the order of the text.
    pub tags: Vec<String>,
}

/// What is wrong with a filter, and the text that this points into.
pub type Wrong = Box<(Diagnostic, Sources)>;

impl Filter {
    /// Reads a filter as it was typed.
    ///
    /// # Errors
    ///
    /// The text is no filter.
    pub fn parse(text: &str) -> Result<Filter, Wrong> {
        let mut sources = Sources::default();
        let source = sources.add(Source::new("--filter", text));
        let complain = |problem: Problem| {
            let site = Site { source, span: problem.span };
            let diagnostic = Diagnostic::new(Code::CommandLine, site, problem.message, problem.label);
            Box::new((diagnostic.help(problem.help), sources.clone()))
        };
        let pieces = pieces(text).map_err(complain)?;
        let mut parser = Parser { pieces: &pieces, at: 0, end: text.len(), depth: 0 };
        parser.whole().map_err(complain)
    }

    /// Says whether a flow is meant.
    pub fn takes(&self, flow: &Described) -> bool {
        match self {
            Filter::Tag(tag) => flow.tags.contains(tag),
            Filter::File(part) => flow.file.contains(part.as_str()),
            Filter::Name(part) => flow.title.contains(part.as_str()),
            Filter::Not(inner) => !inner.takes(flow),
            Filter::Both(a, b) => a.takes(flow) && b.takes(flow),
            Filter::Either(a, b) => a.takes(flow) || b.takes(flow),
        }
    }

    /// Returns the tags that it asks for.
    pub fn tags(&self) -> Vec<&str> {
        match self {
            Filter::Tag(tag) => vec![tag],
            Filter::File(_) | Filter::Name(_) => vec![],
            Filter::Not(inner) => inner.tags(),
            Filter::Both(a, b) | Filter::Either(a, b) => [a.tags(), b.tags()].concat(),
        }
    }

    /// Returns the words that it looks for in paths.
    pub fn files(&self) -> Vec<&str> {
        match self {
            Filter::File(part) => vec![part],
            Filter::Tag(_) | Filter::Name(_) => vec![],
            Filter::Not(inner) => inner.files(),
            Filter::Both(a, b) | Filter::Either(a, b) => [a.files(), b.files()].concat(),
        }
    }

    /// Says whether the text of a flow has to be read for it.
    pub fn needs_text(&self) -> bool {
        match self {
            Filter::Tag(_) | Filter::Name(_) => true,
            Filter::File(_) => false,
            Filter::Not(inner) => inner.needs_text(),
            Filter::Both(a, b) | Filter::Either(a, b) => a.needs_text() || b.needs_text(),
        }
    }
}

/// A piece of the text of a filter, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    kind: Kind,
    span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Open,
    Close,
    And,
    Or,
    Not,
    Word(String),
    Quoted(String),
}

/// What is wrong, and where.
struct Problem {
    span: Span,
    message: String,
    label: &'static str,
    help: String,
}

/// Takes a text apart.
fn pieces(text: &str) -> Result<Vec<Piece>, Problem> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let begin = at;
        let kind = match c {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '(' | ')' => {
                at += 1;
                if c == '(' { Kind::Open } else { Kind::Close }
            }
            '"' => {
                let Some(length) = text[at + 1..].find('"') else {
                    return Err(Problem {
                        span: Span::new(at, text.len()),
                        message: "this quote is never closed".to_string(),
                        label: "begins here",
                        help: "put a `\"` after the text".to_string(),
                    });
                };
                at += length + 2;
                Kind::Quoted(text[begin + 1..at - 1].to_string())
            }
            _ => {
                let is_end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"');
                at += text[at..].find(is_end).unwrap_or(text.len() - at);
                match &text[begin..at] {
                    "and" => Kind::And,
                    "or" => Kind::Or,
                    "not" => Kind::Not,
                    word => Kind::Word(word.to_string()),
                }
            }
        };
        pieces.push(Piece { kind, span: Span::new(begin, at) });
    }
    Ok(pieces)
}

struct Parser<'a> {
    pieces: &'a [Piece],
    at: usize,
    /// Where the text ends.
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn whole(&mut self) -> Result<Filter, Problem> {
        let filter = self.either()?;
        let Some(piece) = self.pieces.get(self.at) else { return Ok(filter) };
        let (message, label, help) = match piece.kind {
            Kind::Close => ("this `)` closes nothing", "it has no `(`", "leave it out"),
            Kind::Open | Kind::And | Kind::Or | Kind::Not | Kind::Word(_) | Kind::Quoted(_) => (
                "two conditions need `and` or `or` between them",
                "the second begins here",
                "put a text with blanks in quotes: `name(\"sign in\")`",
            ),
        };
        Err(Problem { span: piece.span, message: message.to_string(), label, help: help.to_string() })
    }

    fn either(&mut self) -> Result<Filter, Problem> {
        let mut filter = self.both()?;
        while self.takes(&Kind::Or) {
            filter = Filter::Either(Box::new(filter), Box::new(self.both()?));
        }
        Ok(filter)
    }

    fn both(&mut self) -> Result<Filter, Problem> {
        let mut filter = self.one()?;
        while self.takes(&Kind::And) {
            filter = Filter::Both(Box::new(filter), Box::new(self.one()?));
        }
        Ok(filter)
    }

    fn one(&mut self) -> Result<Filter, Problem> {
        let piece = self.pieces.get(self.at).cloned().ok_or_else(|| self.missing("a condition"))?;
        if self.depth == DEEPEST {
            return Err(Problem {
                span: piece.span,
                message: format!("more than {DEEPEST} conditions are nested"),
                label: "here",
                help: "write a shorter filter, or give the flows a tag".to_string(),
            });
        }
        self.at += 1;
        self.depth += 1;
        let filter = match piece.kind {
            Kind::Not => Filter::Not(Box::new(self.one()?)),
            Kind::Open => {
                let inner = self.either()?;
                self.close(piece.span)?;
                inner
            }
            Kind::Quoted(text) => Filter::File(text),
            Kind::Word(word) if self.takes(&Kind::Open) => self.question(&word, piece.span)?,
            Kind::Word(word) => Filter::File(word),
            Kind::Close | Kind::And | Kind::Or => {
                return Err(Problem {
                    span: piece.span,
                    message: "a condition is missing here".to_string(),
                    label: "something belongs before this",
                    help: HELP.to_string(),
                });
            }
        };
        self.depth -= 1;
        Ok(filter)
    }

    /// Reads what stands in the parentheses behind `tag`, `file` or `name`.
    fn question(&mut self, word: &str, span: Span) -> Result<Filter, Problem> {
        let make = match word {
            "tag" => Filter::Tag,
            "file" => Filter::File,
            "name" => Filter::Name,
            _ => {
                let help = match nearest(word, QUESTIONS.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}(…)`?"),
                    None => format!("{HELP}; put a text with parentheses in quotes"),
                };
                let message = format!("a filter has no `{}(…)`", harmless(word));
                return Err(Problem { span, message, label: "not known", help });
            }
        };
        let text = match self.pieces.get(self.at).map(|piece| &piece.kind) {
            Some(Kind::Word(text) | Kind::Quoted(text)) if !text.is_empty() => text.clone(),
            Some(Kind::And) => "and".to_string(),
            Some(Kind::Or) => "or".to_string(),
            Some(Kind::Not) => "not".to_string(),
            Some(Kind::Word(_) | Kind::Quoted(_) | Kind::Open | Kind::Close) | None => {
                return Err(self.missing("a word"));
            }
        };
        self.at += 1;
        self.close(span)?;
        Ok(make(text))
    }

    fn close(&mut self, open: Span) -> Result<(), Problem> {
        if self.takes(&Kind::Close) {
            return Ok(());
        }
        let (span, label) = match self.pieces.get(self.at) {
            Some(piece) => (piece.span, "a `)` belongs before this"),
            None => (open, "a `)` is missing after this"),
        };
        let help = "put a text with blanks in quotes: `name(\"sign in\")`".to_string();
        Err(Problem { span, message: "a parenthesis is not closed".to_string(), label, help })
    }

    fn missing(&self, what: &str) -> Problem {
        let span = self.pieces.get(self.at).map_or(Span::new(self.end, self.end), |piece| piece.span);
        let message = format!("{what} is missing");
        Problem { span, message, label: "here", help: HELP.to_string() }
    }

    fn takes(&mut self, kind: &Kind) -> bool {
        let is_there = self.pieces.get(self.at).is_some_and(|piece| piece.kind == *kind);
        self.at += usize::from(is_there);
        is_there
    }
}

const HELP: &str = "conditions are `tag(WORD)`, `file(TEXT)`, `name(TEXT)` and a part of the path";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::render::{Look, Style, render};

    fn takes(filter: &str) -> bool {
        let flow = Described {
            file: "flows/air/login.flow".to_string(),
            title: "Sign in (twice)".to_string(),
            tags: vec!["smoke".to_string(), "air-724".to_string()],
        };
        Filter::parse(filter).expect("it is a filter").takes(&flow)
    }

    #[test]
    fn a_filter_asks_for_tags_paths_and_titles() {
        for filter in [
            "login",
            "air/log",
            "tag(smoke)",
            "tag( air-724 ) and not tag(slow)",
            "not file(slow) and name(\"Sign in (\")",
            "tag(slow) or tag(smoke) and air",
            "not (tag(slow) or tag(late))",
            "\"air/login\"",
            "not not login",
        ] {
            assert!(takes(filter), "{filter}");
        }
        for filter in ["tag(smok)", "tag(Smoke)", "not login", "name(login)", "(tag(slow) or tag(smoke)) and esp"] {
            assert!(!takes(filter), "{filter}");
        }
    }

    #[test]
    fn only_a_filter_of_paths_does_without_the_texts() {
        let needs = |filter: &str| Filter::parse(filter).expect("it is a filter").needs_text();
        assert_eq!(["a", "not file(a) or b", "a and tag(x)", "not name(x)"].map(needs), [false, false, true, true]);
    }

    #[test]
    fn what_is_wrong_with_a_filter_is_shown_in_it() {
        let look = Look { width: 80, style: Style::Plain };
        let mut text = String::new();
        for filter in [
            "",
            "tag(smoke) and",
            "tag(smoke) tag(slow)",
            "tga(smoke)",
            "a(1)",
            "tag()",
            "tag(a b)",
            "(tag(a) or b",
            "a)",
            "and b",
            "name(\"sign in)",
            "tag(\"\")",
        ] {
            let (problem, sources) = *Filter::parse(filter).expect_err("it is none");
            text.push_str(&format!("$ {filter}\n{}\n", render(&[problem], &sources, look)));
        }
        insta::assert_snapshot!(text);
        let deep = format!("{}a{}", "(".repeat(65), ")".repeat(65));
        let message = Filter::parse(&deep).expect_err("it is too deep").0.message;
        assert_eq!(message, "more than 64 conditions are nested");
    }
}
