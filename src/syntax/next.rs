//! What may stand at a place of a text: the grammar's own answer, for an editor.

use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::grammar::{self, Rule};

/// Something that may stand at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A statement.
    Statement,
    /// A keyword.
    Word(&'static str),
    /// A value: a literal, a variable, the call of a function.
    Value,
    /// A pattern.
    Pattern,
    /// A name: of a variable, a port, a procedure.
    Name,
    /// A setting of `serial`.
    Setting,
    /// The value of a setting.
    SettingValue,
    /// A word that is no name, such as a protocol.
    OtherWord,
}

/// A character that no rule takes: it ends a text where the question is asked.
const HERE: char = '\u{1}';

/// So many lines before the place may belong to one statement that goes on over them.
const MOST_LINES: usize = 24;

/// Returns what may follow a text, in the order in which the grammar tries it; nothing inside of a comment or a string.
pub(super) fn next(before: &str) -> Vec<Next> {
    let mut found = Vec::new();
    let text = format!("{before}{HERE}");
    if let Ok(pairs) = grammar::file(&text) {
        let pairs: Vec<_> = pairs.flatten().collect();
        look(&text, &pairs, &mut found);
    }
    found
}

/// Looks for the statement that is begun at the end of a text.
fn look(text: &str, pairs: &[Pair<'_, Rule>], found: &mut Vec<Next>) {
    let here = text.len() - HERE.len_utf8();
    let is_open = |pair: &&Pair<'_, Rule>| pair.as_rule() == Rule::bad && pair.as_span().end() > here;
    let Some(bad) = pairs.iter().rfind(is_open) else { return };
    let begin = bad.as_span().start();
    if begin == here {
        add(found, Next::Statement);
        // What stands before may go on: `expect line "OK"` with `within`.
        let before = |pair: &&Pair<'_, Rule>| is_statement(pair.as_rule()) && end_of(pair) <= here;
        if let Some(pair) = pairs.iter().filter(before).max_by_key(|pair| (end_of(pair), pair.as_span().start())) {
            ask(&text[pair.as_span().start()..], found);
        }
        return;
    }
    // The statement may have begun some lines before, in parentheses.
    let mut begins = vec![begin];
    // `log md5` is a statement, and `(` then begins nothing.
    let before = |pair: &&Pair<'_, Rule>| is_statement(pair.as_rule()) && end_of(pair) <= begin;
    let before = pairs.iter().filter(before).max_by_key(|pair| (end_of(pair), pair.as_span().start()));
    begins.extend(before.map(|pair| pair.as_span().start()));
    let bads = pairs.iter().filter(|pair| pair.as_rule() == Rule::bad && pair.as_span().start() < begin);
    begins.extend(bads.map(|pair| pair.as_span().start()).collect::<Vec<_>>().into_iter().rev().take(MOST_LINES));
    if begins.into_iter().any(|begin| ask(&text[begin..], found)) {
        return;
    }
    // The block of an arm is in a statement that is not closed.
    if let Some(brace) = innermost_open(&text[begin..here]) {
        let inner = &text[begin + brace + 1..];
        if let Ok(pairs) = grammar::file(inner) {
            let pairs: Vec<_> = pairs.flatten().collect();
            look(inner, &pairs, found);
        }
    }
}

/// Asks the grammar what it expects at the end of a statement that is begun; false if it stumbles elsewhere.
fn ask(text: &str, found: &mut Vec<Next>) -> bool {
    let Err(error) = grammar::alone(text) else { return false };
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    if at != text.len() - HERE.len_utf8() {
        return false;
    }
    if let ErrorVariant::ParsingError { positives, .. } = &error.variant {
        // Of a setting pest says that a word is missing.
        let is_in_serial = || innermost_open(text).is_some_and(|brace| text[..brace].trim_end().ends_with("serial"));
        for rule in positives {
            add_rule(found, if *rule == Rule::word && is_in_serial() { Rule::setting } else { *rule });
        }
    }
    true
}

fn add(found: &mut Vec<Next>, next: Next) {
    if !found.contains(&next) {
        found.push(next);
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other rule is said by its title")]
fn add_rule(found: &mut Vec<Next>, rule: Rule) {
    match rule {
        Rule::EOI | Rule::alone | Rule::begins_port | Rule::begins_file | Rule::begins_state => {
            add(found, Next::Statement);
        }
        Rule::block | Rule::comment | Rule::stray | Rule::bad => {}
        // A boolean stands nowhere else.
        Rule::boolean
        | Rule::expr
        | Rule::primary
        | Rule::arguments
        | Rule::repeat_count
        | Rule::read_count
        | Rule::range => {
            add(found, Next::Value);
        }
        Rule::pattern | Rule::capture_pattern => add(found, Next::Pattern),
        Rule::expect_one | Rule::one_of_all | Rule::arm => {
            add(found, Next::Pattern);
            let words: &[&str] = match rule {
                Rule::expect_one => &["secret"],
                Rule::one_of_all => &["using"],
                _ => &["secret", "using", "timeout"],
            };
            words.iter().for_each(|word| add(found, Next::Word(word)));
        }
        Rule::name => add(found, Next::Name),
        Rule::setting => add(found, Next::Setting),
        Rule::setting_value | Rule::setting_word => add(found, Next::SettingValue),
        Rule::word => add(found, Next::OtherWord),
        _ if is_statement(rule) && rule != Rule::step_timeout => {
            add(found, Next::Statement);
        }
        _ => {
            for word in grammar::title(rule).split('`').skip(1).step_by(2) {
                if word.starts_with(|c: char| c.is_ascii_lowercase()) {
                    add(found, Next::Word(word));
                }
            }
        }
    }
}

/// Returns where the innermost `{` stands that is not closed.
fn innermost_open(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some('#'), '\n') => quote = None,
            (Some('"'), '\\') if !is_escaped => {
                is_escaped = true;
                continue;
            }
            (Some(closing), c) if closing == c && !is_escaped || c == '\n' => quote = None,
            (Some(_), _) => {}
            (None, '"' | '`' | '#') => quote = Some(c),
            (None, '{') => open.push(at),
            (None, '}') => drop(open.pop()),
            (None, _) => {}
        }
        is_escaped = false;
    }
    open.pop()
}

fn end_of(pair: &Pair<'_, Rule>) -> usize {
    pair.as_span().start() + pair.as_str().trim_end().len()
}

/// Whether a rule is one of a whole statement.
fn is_statement(rule: Rule) -> bool {
    use Rule::*;
    matches!(
        rule,
        send | step
            | param
            | sim
            | state
            | serial
            | send_file
            | skip
            | save
            | sleep
            | expect
            | echo
            | on_signal
            | on_hook
            | on_wire
            | on
            | reply
            | return_
            | read
            | receive_file
            | restart
            | reopen
            | repeat
            | control_lines
            | input_lines
            | compute
            | call
            | capture
            | if_
            | ignore
            | fail_now_on
            | fail_on
            | fail_now
            | fail
            | header
            | file_
            | for_
            | finally
            | flush
            | log
            | procedure
            | port
            | assert
            | await_
            | ask
            | after
            | timeout
            | try_
            | tag
            | use_file
            | using
            | unplug
            | measure
            | hook
            | volatile
            | wire
            | baud
            | break_
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(before: &str) -> Vec<&'static str> {
        let word = |next| if let Next::Word(word) = next { Some(word) } else { None };
        next(before).into_iter().filter_map(word).collect()
    }

    #[test]
    fn a_statement_may_begin_where_a_file_or_a_block_goes_on() {
        for before in
            ["", "flow \"t\"\n", "flow \"t\" step \"s\" {\n  ", "flow \"t\"\nsend \"AT\"  ", "if a { log a }\n"]
        {
            assert!(next(before).contains(&Next::Statement), "{before}: {:?}", next(before));
        }
        for before in ["send ", "expect line ", "flow \"t\"\nserial { ", "compute x = 1 + "] {
            assert!(!next(before).contains(&Next::Statement), "{before}: {:?}", next(before));
        }
    }

    #[test]
    fn a_statement_says_what_it_still_may_have() {
        assert!(words("expect line \"OK\" ").contains(&"within"));
        assert!(words("step \"s\" {\n  expect line \"OK\" ").contains(&"within"));
        assert!(words("expect line \"OK\" within ").is_empty());
        assert!(words("step \"s\" ").contains(&"retry") && words("step \"s\" retry 3 ").contains(&"every"));
        assert!(words("expect ").contains(&"quiet") && words("expect ").contains(&"secret"));
        assert!(words("if a { log a }\n").contains(&"else"));
        assert_eq!(words("dtr "), ["on", "off"]);
    }

    #[test]
    fn values_patterns_names_and_settings_are_told_apart() {
        for before in
            ["send ", "compute x = ", "log \"${", "log md5(", "compute f = form_encode({a: 1,\n  b: ", "log a +"]
        {
            assert!(next(before).contains(&Next::Value), "{before}: {:?}", next(before));
        }
        for before in ["expect ", "on ", "fail on ", "expect { ", "step \"s\" {\n expect { line \"A\" -> { log 1 }\n "]
        {
            assert!(next(before).contains(&Next::Pattern), "{before}: {:?}", next(before));
        }
        for before in ["call ", "using ", "flow \"t\"\nuse \"a.flow\" for "] {
            assert!(next(before).contains(&Next::Name), "{before}: {:?}", next(before));
        }
        assert!(next("serial { baud 9600  ").contains(&Next::Setting), "{:?}", next("serial { baud 9600  "));
        assert!(next("port a { serial { ").contains(&Next::Setting), "{:?}", next("port a { serial { "));
        assert!(next("serial { echo ").contains(&Next::SettingValue), "{:?}", next("serial { echo "));
        assert!(next("send_file f by ").contains(&Next::OtherWord), "{:?}", next("send_file f by "));
    }

    #[test]
    fn a_block_inside_of_an_arm_is_found() {
        let before = "flow \"t\"\nexpect {\n  line \"OK\" -> {\n    send \"AT\"\n    ";
        assert!(next(before).contains(&Next::Statement), "{:?}", next(before));
        let before = "flow \"t\"\nexpect {\n  line \"OK\" -> {\n    send ";
        assert!(next(before).contains(&Next::Value), "{:?}", next(before));
    }
}
