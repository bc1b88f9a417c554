//! `Aligned`: what came, one line below the other under what was awaited, with the first difference marked.

use crate::value::escape::harmless;

/// So many lines from the end are shown.
const LAST: usize = 12;

/// What was awaited and what came instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Aligned {
    /// What was awaited, as the message says it.
    pub(super) awaited: String,
    pub(super) n_left_out: usize,
    pub(super) rows: Vec<Row>,
}

/// A line that came. Joined, the parts are the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What is in front of the difference.
    pub(super) head: String,
    /// The difference from what was awaited; empty if the line is like nothing that was awaited.
    pub(super) other: String,
    pub(super) tail: String,
    /// Whether it is the one that is most like what was awaited.
    pub(super) is_nearest: bool,
}

/// Returns what came under what was awaited; `None` if nothing says what was awaited.
pub(super) fn align(message: &str, came: &[String]) -> Option<Aligned> {
    let awaited = message.split_once(" did not come").map(|(awaited, _)| awaited)?;
    let literal = literal_of(awaited);
    let shown = came.get(came.len().saturating_sub(LAST)..).unwrap_or(came);
    let likeness: Vec<usize> = shown.iter().map(|line| likeness(&literal, core(line))).collect();
    let best = likeness.iter().copied().max().unwrap_or(0);
    // The last of those that are equally like it.
    let nearest = likeness.iter().rposition(|likeness| *likeness == best).filter(|_| best >= 2);
    let row = |(at, line): (usize, &String)| if nearest == Some(at) { marked(&literal, line) } else { plain(line) };
    Some(Aligned {
        awaited: harmless(awaited),
        n_left_out: came.len() - shown.len(),
        rows: shown.iter().enumerate().map(row).collect(),
    })
}

/// Returns the letters that a pattern asks for: of a regex those before the first that stands for others.
fn literal_of(awaited: &str) -> String {
    if let Some((_, rest)) = awaited.split_once('"')
        && !awaited.split('"').next().unwrap_or("").contains('/')
    {
        let end = rest.rfind('"').unwrap_or(rest.len());
        return rest[..end].to_string();
    }
    let Some((_, regex)) = awaited.split_once('/') else { return String::new() };
    let mut literal = String::new();
    let mut chars = regex.trim_start_matches('^').chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped) if escaped.is_ascii_punctuation() => literal.push(escaped),
                Some(_) | None => break,
            },
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/' | '$' | '^' => {
                if matches!(c, '*' | '?' | '{') {
                    literal.pop();
                }
                break;
            }
            c => literal.push(c),
        }
    }
    literal
}

/// Returns a line without its ends.
fn core(line: &str) -> &str {
    let mut core = line;
    while let Some(rest) = core.strip_prefix("\\r").or_else(|| core.strip_prefix("\\n")) {
        core = rest;
    }
    while let Some(rest) = core.strip_suffix("\\r").or_else(|| core.strip_suffix("\\n")) {
        core = rest;
    }
    core
}

/// Returns how many letters two texts share at their beginnings and their ends.
fn likeness(awaited: &str, line: &str) -> usize {
    let (head, tail) = shared(awaited, line);
    head + tail
}

/// Returns how many letters two texts share at their beginnings, and behind these at their ends.
fn shared(one: &str, other: &str) -> (usize, usize) {
    let head = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let rest = one.chars().count().min(other.chars().count()) - head;
    let tail = one.chars().rev().zip(other.chars().rev()).take(rest).take_while(|(one, other)| one == other).count();
    (head, tail)
}

fn plain(line: &str) -> Row {
    Row { head: harmless(line), other: String::new(), tail: String::new(), is_nearest: false }
}

fn marked(literal: &str, line: &str) -> Row {
    let core = core(line);
    let begin = core.as_ptr() as usize - line.as_ptr() as usize;
    let (n_head, n_tail) = shared(literal, core);
    let byte = |n: usize| core.char_indices().nth(n).map_or(core.len(), |(at, _)| at);
    let (head, tail) = (byte(n_head), byte(core.chars().count() - n_tail));
    Row {
        head: harmless(&line[..begin + head]),
        other: harmless(&core[head..tail]),
        tail: harmless(format!("{}{}", &core[tail..], &line[begin + core.len()..])),
        is_nearest: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(message: &str, came: &[&str]) -> Option<(String, String, String)> {
        let came: Vec<String> = came.iter().map(ToString::to_string).collect();
        let aligned = align(message, &came).expect("it says what was awaited");
        for (row, line) in aligned.rows.iter().zip(&came) {
            assert_eq!(&format!("{}{}{}", row.head, row.other, row.tail), line);
        }
        let row = aligned.rows.into_iter().find(|row| row.is_nearest)?;
        Some((row.head, row.other, row.tail))
    }

    #[test]
    fn the_difference_of_the_nearest_line_is_marked() {
        let parts = |head: &str, other: &str, tail: &str| Some((head.to_string(), other.to_string(), tail.to_string()));
        let ready = r#"line "+CPIN: READY" did not come within 5s"#;
        assert_eq!(
            nearest(ready, &["AT+CPIN?\\r", "\\r\\n+CPIN: SIM PIN\\r\\n", "\\r\\nOK\\r\\n"]),
            parts("\\r\\n+CPIN: ", "SIM PIN", "\\r\\n")
        );
        assert_eq!(nearest(ready, &["\\r\\nOK\\r\\n"]), None);
        let csq = r"line /\+CSQ: (?<rssi>\d+),\d+/ did not come within 5s";
        assert_eq!(nearest(csq, &["+CSQ: none\\r\\n"]), parts("+CSQ: ", "none", "\\r\\n"));
        assert_eq!(nearest(r#""OK\r" did not come within 1s"#, &["KO", "OKAY"]), parts("OK", "AY", ""));
    }

    #[test]
    fn of_many_lines_the_last_are_shown_and_without_a_pattern_none() {
        let came: Vec<String> = (0..40).map(|i| format!("line {i}")).collect();
        let aligned = align("line \"OK\" did not come within 5s", &came).expect("it says what was awaited");
        assert_eq!((aligned.n_left_out, aligned.rows.len()), (28, 12));
        assert_eq!(align("`a` is 1, not 2", &came), None);
    }

    #[test]
    fn a_regex_asks_for_the_letters_before_the_first_that_is_not_itself() {
        for (pattern, literal) in [
            (r"line /\+CREG: \d,1/", "+CREG: "),
            (r"/ab*c/", "a"),
            (r"line /^OK|ERROR/", "OK"),
            (r#"line "a\"b""#, r#"a\"b"#),
            ("x\"79\"", "79"),
            ("quiet", ""),
        ] {
            assert_eq!(literal_of(pattern), literal, "{pattern}");
        }
    }
}
