//! What is wrong with a line that is not a statement.

use std::collections::BTreeSet;

use pest::error::{ErrorVariant, InputLocation};

use super::grammar::{self, Rule};
use super::table::{Row, STATEMENTS};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Site, SourceId, Span};

/// Returns the words that begin a statement, sorted: of two that are as near to a wrong word the first is suggested.
fn beginnings() -> BTreeSet<&'static str> {
    STATEMENTS.iter().flat_map(Row::words).collect()
}

/// Words that people bring from other tools, and what they are called here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("wait", "expect"),
    ("waitfor", "expect"),
    ("waitln", "expect"),
    ("recv", "expect"),
    ("sendln", "send"),
    ("write", "send"),
    ("print", "log"),
    ("echo_off", "echo off"),
    ("delay", "sleep"),
    ("pause", "sleep"),
    ("mpause", "sleep"),
    ("let", "compute"),
    ("set", "compute"),
    ("var", "param"),
    ("include", "use"),
    ("import", "use"),
    ("while", "repeat while"),
    ("loop", "repeat"),
    ("until", "repeat until"),
    ("def", "procedure"),
    ("function", "procedure"),
    ("catch", "try { … } else"),
    ("abort", "fail on"),
    ("exit", "fail"),
];

/// Words that start a program in other tools.
const PROGRAMS: &[&str] = &["exec", "execute", "run", "system", "shell", "spawn", "cmd", "popen", "subprocess"];

/// Explains a piece of text that could not be read as a statement.
pub(super) fn explain(id: SourceId, text: &str, offset: usize) -> Diagnostic {
    let trimmed = text.trim_end();
    let site = |start: usize, end: usize| Site { source: id, span: Span::new(offset + start, offset + end) };
    let error = match grammar::alone(trimmed) {
        Ok(_) => {
            return Diagnostic::new(
                Code::SyntaxUnexpected,
                site(0, trimmed.len()),
                "this does not belong here",
                "not here",
            );
        }
        Err(error) => error,
    };
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(trimmed.len()),
    };
    let positives = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives.clone(),
        ErrorVariant::CustomError { .. } => Vec::new(),
    };
    let found = token(&trimmed[at..]);
    if let Some(diagnostic) = unclosed(id, trimmed, at, offset, &positives) {
        return diagnostic;
    }
    if let Some(diagnostic) = using_without_braces(trimmed, at, site(at, at + found.len().max(1))) {
        return diagnostic;
    }
    // If not even its first word fits: which statements were tried depends on the first letter.
    if at == 0 || positives.contains(&Rule::k_send) || positives.contains(&Rule::alone) {
        return no_statement(found, site(at, at + found.len().max(1)));
    }
    if let Some(help) = other_form(trimmed, at, found, &positives) {
        let expected = list(&positives);
        let message = format!("expected {expected}, found `{found}`");
        let at = site(at, at + found.len());
        return Diagnostic::new(Code::SyntaxUnexpected, at, message, format!("expected {expected}")).help(help);
    }
    if positives.contains(&Rule::name)
        && positives.iter().filter(|rule| !matches!(rule, Rule::comment | Rule::close)).count() <= 2
        && super::is_keyword(found)
        && found.starts_with(char::is_alphabetic)
    {
        let at = site(at, at + found.len());
        return Diagnostic::new(
            Code::SyntaxUnexpected,
            at,
            format!("`{found}` is a keyword and cannot be a name"),
            "a keyword",
        )
        .help(format!("use another name: `{found}_1`, `my_{found}`"));
    }
    if let Some(diagnostic) = unclosed_value(id, trimmed, at, offset) {
        return diagnostic;
    }
    let expected = list(&positives);
    let shown = if found.is_empty() { "the end of the line".to_string() } else { format!("`{found}`") };
    let label = format!("expected {expected}");
    let message = format!("expected {expected}, found {shown}");
    let diagnostic = Diagnostic::new(Code::SyntaxUnexpected, site(at, at + found.len().max(1)), message, label);
    match habit(&trimmed[at..], found, &positives) {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// Returns what to write for what other languages allow: a variable with a `$`, a text without quotes.
fn habit(rest: &str, found: &str, positives: &[Rule]) -> Option<String> {
    if found == "$" {
        return match token(&rest[1..]) {
            name if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
                Some(format!("a variable has no `$` here: write `{name}`; `${{{name}}}` is for strings"))
            }
            _ => Some("a variable has no `$` here: write its name; `${NAME}` is for strings".to_string()),
        };
    }
    let is_word = found.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '+');
    let wants_pattern = positives
        .iter()
        .any(|rule| matches!(rule, Rule::expect_one | Rule::capture_pattern | Rule::one_of_all | Rule::pattern));
    match (is_word && wants_pattern, is_word && positives.contains(&Rule::string)) {
        (true, _) => Some(format!("put a text in quotes: `\"{found}\"`, or `line \"{found}\"` for a whole line")),
        (false, true) => Some("put a text in quotes: `\"…\"`".to_string()),
        (false, false) => None,
    }
}

/// Returns the form of another statement that was meant, where two are mixed up: `secret param NAME`, `capture NAME = EXPR`. It
/// repeats nothing of the flow, which may be a secret.
fn other_form(text: &str, at: usize, found: &str, positives: &[Rule]) -> Option<&'static str> {
    let first = text.split([' ', '\t']).next().unwrap_or_default();
    match (first, found) {
        ("secret", "param") | ("param", "secret") if text[first.len()..at].trim().is_empty() => {
            Some("write `secret NAME`: a secret is a `param` that is masked everywhere")
        }
        ("capture", "=") if positives.contains(&Rule::k_from) => {
            Some("write `compute NAME = EXPR`, or `compute secret NAME = EXPR` for a value that must be masked")
        }
        ("compute", "from") if positives.contains(&Rule::k_equals) => {
            Some("write `capture NAME from EXPR`, or `capture secret NAME from EXPR` for a value that must be masked")
        }
        _ => None,
    }
}

/// Explains a `using relay send "ON 1"`: a wait behind it would look at another port.
fn using_without_braces(text: &str, at: usize, site: Site) -> Option<Diagnostic> {
    let statement = text[at..].lines().next().unwrap_or_default().trim();
    let mut before = text[..at].split_ascii_whitespace().rev();
    let (port, using) = (before.next()?, before.next()?);
    let word = statement.split(' ').next().unwrap_or_default();
    if using != "using" || !beginnings().contains(word) {
        return None;
    }
    let message = format!("`using {port}` without braces is for `fail on`, `ignore` and `on` only");
    let diagnostic = Diagnostic::new(Code::SyntaxUnexpected, site, message, "needs braces around it");
    Some(
        diagnostic
            .help(format!("write `using {port} {{ {statement} }}`: all that is in the braces speaks to `{port}`")),
    )
}

/// Finds a `${` that is not closed on its line.
fn unclosed_value(id: SourceId, text: &str, at: usize, offset: usize) -> Option<Diagnostic> {
    let line_start = text[..at].rfind(['\r', '\n']).map_or(0, |i| i + 1);
    let line_end = text[at..].find(['\r', '\n']).map_or(text.len(), |i| at + i);
    let begins = line_start + text[line_start..at].rfind("${")?;
    if text[begins..line_end].contains('}') {
        return None;
    }
    let site = Site { source: id, span: Span::new(offset + begins, offset + begins + 2) };
    let help = "a value in a string ends with `}`: `\"AT+X=${value}\"`; for the two characters themselves write `\\${`";
    Some(Diagnostic::new(Code::SyntaxUnclosed, site, "this `${` is not closed", "begins here").help(help))
}

/// Explains a word or sign that belongs to the statement before it and could not be read there.
fn leftover(found: &str, site: Site) -> Option<Diagnostic> {
    let (message, help) = match found {
        "within" | "every" | "timeout" | "for" => (
            format!("what follows `{found}` is not a duration"),
            "a duration is a number with a unit: `250ms`, `5s`, `2m`, `1h`",
        ),
        "(" => (
            "these parentheses are not closed, or hold something that is not a value".to_string(),
            "arguments are values with commas between them, and `)` at the end",
        ),
        "unit" => {
            ("this is not the unit of a `measure`".to_string(), "put it in quotes before the limits: `unit \"V\"`")
        }
        "limits" | ".." => (
            "these are not the limits of a `measure`".to_string(),
            "write `limits 3.60 .. 4.20`, `limits 3.60 ..`, `limits .. 4.20` or `limits 3`",
        ),
        "+" | "-" | "*" | "/" | "%" | "=" | "<" | ">" | "and" | "or" | "in" | "matches" => {
            (format!("a value is missing before or after `{found}`"), "an operator goes between two values")
        }
        _ => return None,
    };
    Some(Diagnostic::new(Code::SyntaxUnexpected, site, message, "here").help(help))
}

fn no_statement(found: &str, site: Site) -> Diagnostic {
    if let Some(diagnostic) = leftover(found, site) {
        return diagnostic;
    }
    let word: String = found.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if word.is_empty() {
        return Diagnostic::new(
            Code::SyntaxUnexpected,
            site,
            format!("expected a statement, found `{found}`"),
            "not a statement",
        )
        .help("a statement begins with its keyword: `send \"AT\"`, `expect line \"OK\"`");
    }
    let diagnostic =
        Diagnostic::new(Code::SyntaxUnexpected, site, format!("`{word}` is not a statement"), "not a statement");
    if PROGRAMS.contains(&word.to_lowercase().as_str()) {
        return diagnostic.help(
            "a flow runs no programs: name the program in `flowrun.toml`, below `[hooks]`, and write `hook \"NAME\"`",
        );
    }
    let meant = ELSEWHERE.iter().find(|(other, _)| *other == word.to_lowercase()).map(|(_, ours)| *ours);
    match meant.or_else(|| nearest(&word, beginnings())) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help("a statement begins with its keyword: `send \"AT\"`, `expect line \"OK\"`"),
    }
}

/// Finds a string or regex that is not closed on its line: pest stopped at the line's end, inside of one.
fn unclosed(id: SourceId, text: &str, at: usize, offset: usize, positives: &[Rule]) -> Option<Diagnostic> {
    if !text[at..].is_empty() && !text[at..].starts_with(['\r', '\n']) {
        return None;
    }
    let line_start = text[..at].rfind(['\r', '\n']).map_or(0, |i| i + 1);
    let line = &text[line_start..at];
    let (title, begins, help) = if positives.contains(&Rule::string_text) {
        let help = "a string ends with `\"` on the same line; a quote in it is written `\\\"`, a line break `\\r\\n`";
        ("string", opening_quote(line, '"')?, help)
    } else if positives.contains(&Rule::raw_text) {
        ("raw string", opening_quote(line, '`')?, "a raw string ends with a backquote on the same line")
    } else if positives.contains(&Rule::regex_text) {
        let begins = line.char_indices().rev().find(|(i, c)| *c == '/' && line[..*i].ends_with([' ', '\t', '(']))?;
        ("regex", begins.0, "a regex ends with `/`; a slash in it is written `\\/`")
    } else if positives.contains(&Rule::hex_text) {
        ("hex string", line.rfind("x\"")?, "a hex string ends with `\"`")
    } else {
        return None;
    };
    let site = Site { source: id, span: Span::new(offset + line_start + begins, offset + at) };
    Some(Diagnostic::new(Code::SyntaxUnclosed, site, format!("this {title} is not closed"), "begins here").help(help))
}

/// Returns where the quote that is still open at the end of a line stands.
fn opening_quote(line: &str, quote: char) -> Option<usize> {
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    for (i, c) in line.char_indices() {
        match open {
            _ if escaped => escaped = false,
            Some((_, '"')) if c == '\\' => escaped = true,
            Some((_, kind)) if c == kind => open = None,
            None if c == '"' || c == '`' => open = Some((i, c)),
            _ => {}
        }
    }
    open.filter(|(_, kind)| *kind == quote).map(|(i, _)| i)
}

/// Returns the next word or sign of a text.
fn token(text: &str) -> &str {
    let line = text.lines().next().unwrap_or("");
    let word = line.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(line.len());
    if word > 0 {
        return &line[..word];
    }
    let sign = line.chars().next().map_or(0, char::len_utf8);
    &line[..sign]
}

/// Returns the titles of rules as "a, b or c", without repeats.
fn list(rules: &[Rule]) -> String {
    let mut titles: Vec<&str> = Vec::new();
    let is_operator = |rule: &Rule| {
        use Rule::*;
        matches!(
            rule,
            or | and
                | equal
                | unequal
                | at_least
                | at_most_op
                | above
                | below
                | member
                | matches
                | plus
                | minus
                | times
                | divided
                | remainder
                | index
                | field
        )
    };
    let operators = rules.iter().filter(|rule| is_operator(rule)).count();
    for rule in rules {
        let is_noise = *rule == Rule::comment || (operators > 3 && is_operator(rule) && rules.len() > operators);
        if !is_noise && !titles.contains(&grammar::title(*rule)) {
            titles.push(grammar::title(*rule));
        }
    }
    match titles.as_slice() {
        [] => "something else".to_string(),
        [one] => (*one).to_string(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAMMAR: &str = include_str!("../../grammar/flow.pest");

    /// Returns what stands behind `rule = `.
    fn right_side(rule: &str) -> &'static str {
        let begin = format!("\n{rule} = ");
        let at = GRAMMAR.find(&begin).unwrap_or_else(|| panic!("there is no rule {rule}")) + begin.len();
        let rest = &GRAMMAR[at..];
        &rest[..rest.find("\n}").or(rest.find('\n')).unwrap_or(rest.len()).min(rest.find("}\n").unwrap_or(rest.len()))]
    }

    /// Returns the words that a rule can begin with.
    fn first_words(rule: &str, words: &mut BTreeSet<&'static str>) {
        let right = right_side(rule).trim_start_matches(['_', '@', '{', ' ', '(']);
        if !right.starts_with('"') {
            let end = right.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(right.len());
            return first_words(&right[..end], words);
        }
        let group = right.split(['~', ')']).next().unwrap_or_default();
        words.extend(group.split('|').map(|word| word.trim().trim_matches('"')));
    }

    #[test]
    fn the_words_that_begin_a_statement_are_those_of_the_grammar() {
        let (mut all, mut tried, mut of_header) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        first_words("header", &mut of_header);
        for group in right_side("statement").split("&\"").skip(1) {
            let (letter, rules) = group.split_once("\" ~ ").expect("a letter, and what begins with it");
            let rules = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for rule in rules.filter(|rule| !rule.is_empty()) {
                let mut words = BTreeSet::new();
                first_words(rule, &mut words);
                tried.extend(words.iter().filter(|word| word.starts_with(letter)));
                assert!(words.iter().any(|word| word.starts_with(letter)), "{rule} does not begin with {letter}");
                all.extend(words);
            }
        }
        assert_eq!(tried, all, "each word is tried where its letter is");
        assert_eq!(beginnings(), &all - &of_header);
    }

    #[test]
    fn what_other_tools_have_leads_to_a_statement() {
        for (other, here) in ELSEWHERE {
            let word = here.split(' ').next().unwrap_or_default();
            assert!(beginnings().contains(word), "{here}");
            assert!(!beginnings().contains(other), "{other} is one");
        }
    }
}
