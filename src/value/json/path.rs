//! Paths into a JSON text: `$`, then `.name`, `["any key"]` and `[0]` in any number.

use crate::value::escape::visible;

/// A path that is well formed, with the text it was read from.
#[derive(Debug)]
pub(super) struct Path<'a> {
    text: &'a str,
    steps: Vec<Step>,
    /// Where each step ends in the text; as many as there are steps.
    ends: Vec<usize>,
}

/// One step down.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into an object.
    Key(String),
    /// Into an array, counted from 0.
    Index(usize),
}

impl<'a> Path<'a> {
    /// Reads a path; the error says what was to come and where.
    ///
    /// A name consists of letters, digits, `_` and `-`. Any other key stands in brackets and quotes, in which
    /// `\"` is a quote and `\\` a backslash.
    pub(super) fn parse(text: &'a str) -> Result<Path<'a>, String> {
        let wrong = |at: usize, what: &str| {
            let at = text[..at].chars().count() + 1;
            let text = visible(text.as_bytes());
            format!("`{text}` is not a JSON path: {what} at character {at}; write one like `$.data.items[0].name`")
        };
        let mut rest = text.strip_prefix('$').ok_or_else(|| wrong(0, "there is no `$`"))?;
        let mut path = Path { text, steps: Vec::new(), ends: Vec::new() };
        while !rest.is_empty() {
            let at = text.len() - rest.len();
            let (step, behind) = if let Some(name) = rest.strip_prefix('.') {
                name_step(name).ok_or_else(|| wrong(at + 1, "there is no name"))?
            } else if let Some(quoted) = rest.strip_prefix("[\"") {
                key_step(quoted).ok_or_else(|| wrong(at, "there is no `\"]` to end the key"))?
            } else if let Some(digits) = rest.strip_prefix('[') {
                index_step(digits).ok_or_else(|| wrong(at + 1, "there is no `0]` or `\"key\"]`"))?
            } else {
                return Err(wrong(at, "there is neither `.` nor `[`"));
            };
            rest = behind;
            path.steps.push(step);
            path.ends.push(text.len() - rest.len());
        }
        Ok(path)
    }

    /// Returns the steps, from the top down.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the path as written, up to and with the step of this number.
    pub(super) fn up_to(&self, step: usize) -> &'a str {
        self.ends.get(step).map_or(self.text, |end| &self.text[..*end])
    }
}

fn name_step(rest: &str) -> Option<(Step, &str)> {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
    (end > 0).then(|| (Step::Key(rest[..end].to_string()), &rest[end..]))
}

fn key_step(rest: &str) -> Option<(Step, &str)> {
    let mut key = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((Step::Key(key), rest[at + 1..].strip_prefix(']')?)),
            '\\' => match chars.next()?.1 {
                escaped @ ('"' | '\\') => key.push(escaped),
                _ => return None,
            },
            c => key.push(c),
        }
    }
    None
}

fn index_step(rest: &str) -> Option<(Step, &str)> {
    let (digits, behind) = rest.split_once(']')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((Step::Index(digits.parse().ok()?), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_names_keys_and_numbers() {
        let path = Path::parse("$.a-1.é[0][\"x\\\"\\\\]\"][\"\"]").expect("a path");
        let key = |text: &str| Step::Key(text.to_string());
        assert_eq!(path.steps(), [key("a-1"), key("é"), Step::Index(0), key("x\"\\]"), key("")]);
        assert_eq!((path.up_to(0), path.up_to(2)), ("$.a-1", "$.a-1.é[0]"));
        assert_eq!(Path::parse("$").expect("a path").steps(), []);
    }

    #[test]
    fn the_error_shows_the_place_and_a_right_one() {
        let message = Path::parse("$.é.").expect_err("no path");
        assert_eq!(
            message,
            "`$.é.` is not a JSON path: there is no name at character 5; write one like `$.data.items[0].name`"
        );
        for text in [
            "",
            "a",
            ".a",
            "$a",
            "$ .a",
            "$.",
            "$..a",
            "$.a b",
            "$[",
            "$[]",
            "$[0",
            "$[-1]",
            "$[+1]",
            "$[a]",
            "$['a']",
            "$[\"a]",
            "$[\"a\"",
            "$[\"a\"x]",
            "$[\"\\n\"]",
            "$[\"\\",
            "$[99999999999999999999]",
            "$.*",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }
}
