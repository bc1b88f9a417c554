//! `Arguments`: what an agent gave to a tool, read by name; what the tool does not take is refused.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::Refusal;
use super::table::Tool;
use crate::value::escape::visible_cut;

/// How much of a wrong value a message shows.
const SHOWN: usize = 60;

/// The arguments of one call.
pub(super) struct Arguments<'a> {
    tool: &'static Tool,
    given: &'a Map<String, Json>,
}

impl<'a> Arguments<'a> {
    /// Takes the arguments of a call.
    ///
    /// # Errors
    ///
    /// One has a name that the tool does not know, or one is missing.
    pub(super) fn new(tool: &'static Tool, given: &'a Map<String, Json>) -> Result<Arguments<'a>, Refusal> {
        let known: Vec<&str> = tool.parameters.iter().map(|parameter| parameter.name).collect();
        if let Some(other) = given.keys().find(|name| !known.contains(&name.as_str())) {
            let message = format!("`{}` has no argument `{}`", tool.name, visible_cut(other.as_bytes(), SHOWN));
            return Err(Refusal::new(message, format!("its arguments are: {}", known.join(", "))));
        }
        let mut needed = tool.parameters.iter().filter(|parameter| parameter.is_required);
        if let Some(missing) = needed.find(|parameter| given.get(parameter.name).is_none_or(Json::is_null)) {
            let message = format!("`{}` needs the argument `{}`", tool.name, missing.name);
            return Err(Refusal::new(message, missing.about));
        }
        Ok(Arguments { tool, given })
    }

    fn get(&self, name: &str) -> Option<&'a Json> {
        self.given.get(name).filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &str, needed: &str) -> Refusal {
        let message = format!("the argument `{name}` of `{}` is not {needed}", self.tool.name);
        Refusal::new(message, "look at the schema of the tool")
    }

    /// Returns a text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let text = |value: &'a Json| value.as_str().ok_or_else(|| self.wrong(name, "a text"));
        self.get(name).map(text).transpose()
    }

    /// Returns a text that the tool needs.
    pub(super) fn needed(&self, name: &str) -> Result<&'a str, Refusal> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "there"))
    }

    /// Returns whether something is wanted.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        let flag = |value: &Json| value.as_bool().ok_or_else(|| self.wrong(name, "true or false"));
        self.get(name).map(flag).transpose().map(Option::unwrap_or_default)
    }

    /// Returns a whole number within limits.
    pub(super) fn number(&self, name: &str, from: u64, to: u64) -> Result<Option<u64>, Refusal> {
        let number = |value: &Json| {
            let number = value.as_u64().filter(|number| (from..=to).contains(number));
            number.ok_or_else(|| self.wrong(name, &format!("a whole number from {from} to {to}")))
        };
        self.get(name).map(number).transpose()
    }

    /// Returns a time in milliseconds.
    pub(super) fn millis(&self, name: &str, default: u64, most: u64) -> Result<Duration, Refusal> {
        Ok(Duration::from_millis(self.number(name, 0, most)?.unwrap_or(default)))
    }

    /// Returns texts: a list, or one text.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, Refusal> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Json::String(one)) => Ok(vec![one]),
            Some(value) => {
                let texts = value.as_array().and_then(|list| list.iter().map(Json::as_str).collect());
                texts.ok_or_else(|| self.wrong(name, "a list of texts"))
            }
        }
    }

    /// Returns names with values that are texts, numbers or true and false; a value as a text.
    pub(super) fn values(&self, name: &str) -> Result<Vec<(&'a str, String)>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let wrong = || self.wrong(name, "an object of texts, numbers, true and false");
        let one = |(key, value): (&'a String, &Json)| match value {
            Json::String(text) => Ok((key.as_str(), text.clone())),
            Json::Number(_) | Json::Bool(_) => Ok((key.as_str(), value.to_string())),
            Json::Null | Json::Array(_) | Json::Object(_) => Err(wrong()),
        };
        value.as_object().ok_or_else(wrong)?.iter().map(one).collect()
    }
}
