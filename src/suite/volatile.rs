//! `Volatile`: values that change from run to run, named away in snapshots: `[imei]` instead of the number.
//!
//! A rule is a name and a regex that is looked for in every line of the transcript. Its first group is replaced, or all of it if
//! it has none. Rules come from the command line, and from the flow's own `volatile` statements.

use regex::{Captures, Regex};

use crate::testing::Sought;

/// The rules of one flow, in the order in which they are applied.
#[derive(Clone, Debug, Default)]
pub struct Volatile {
    rules: Vec<(String, Regex)>,
}

impl Volatile {
    /// Reads `REGEX=NAME`, as on the command line.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words for the user.
    pub fn add_typed(&mut self, text: &str) -> Result<(), String> {
        let (regex, name) = text.rsplit_once('=').ok_or("there is no `=`: write `REGEX=NAME`")?;
        self.add(name, regex)
    }

    /// Returns a transcript in which what matches has its name.
    #[must_use]
    pub fn apply(&self, transcript: &str) -> String {
        let mut lines: Vec<String> = transcript.lines().map(str::to_string).collect();
        for line in &mut lines {
            for (name, regex) in &self.rules {
                let replaced = regex.replace_all(line, |found: &Captures<'_>| {
                    let whole = found.get(0).expect("the whole match is a group");
                    let inner = found.get(1).unwrap_or(whole);
                    let text = whole.as_str();
                    let (from, to) = (inner.start() - whole.start(), inner.end() - whole.start());
                    if from == to { text.to_string() } else { format!("{}[{name}]{}", &text[..from], &text[to..]) }
                });
                if replaced != *line {
                    *line = replaced.into_owned();
                }
            }
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Adds what a flow says is volatile.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words for the user.
    pub(crate) fn add_sought(&mut self, name: &str, sought: &Sought) -> Result<(), String> {
        match sought {
            Sought::Regex(regex) => self.add(name, regex),
            Sought::Text(text) => self.add(name, &regex::escape(text)),
        }
    }

    fn add(&mut self, name: &str, regex: &str) -> Result<(), String> {
        let is_name =
            name.starts_with(|c: char| c.is_alphabetic()) && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !is_name {
            return Err(format!("`{name}` is not a name: use letters, digits and `_`"));
        }
        let regex = Regex::new(regex).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("the regex of `{name}` cannot be compiled: {}", last.trim_start_matches("error: "))
        })?;
        self.rules.push((name.to_string(), regex));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matches_is_named_and_a_group_alone_if_there_is_one() {
        let mut rules = Volatile::default();
        rules.add_typed(r"\b[0-9]{15}\b=imei").expect("it is right");
        rules.add("signal", r"\+CSQ: ([0-9]+)").expect("it is right");
        assert_eq!(
            rules.apply("0.1 < 866192037701234\\r\\n\n0.2 < +CSQ: 21,0\n0.3 < +CSQ: ,21\n"),
            "0.1 < [imei]\\r\\n\n0.2 < +CSQ: [signal],0\n0.3 < +CSQ: ,21\n"
        );
    }

    #[test]
    fn nothing_at_all_is_not_named() {
        let mut rules = Volatile::default();
        rules.add_typed("x*=x").expect("it is right");
        assert_eq!(rules.apply("axb\n"), "a[x]b\n");
    }

    #[test]
    fn a_wrong_rule_says_where_and_what_is_right() {
        let mut rules = Volatile::default();
        assert_eq!(rules.add_typed("abc"), Err("there is no `=`: write `REGEX=NAME`".to_string()));
        assert_eq!(rules.add_typed("a=b c"), Err("`b c` is not a name: use letters, digits and `_`".to_string()));
        assert_eq!(rules.add_typed("(=x"), Err("the regex of `x` cannot be compiled: unclosed group".to_string()));
    }
}
