//! `GivenSecrets`: the secrets among what was given, which no message shows.

use super::{Given, SHORTEST_SECRET, Supplied};
use crate::program::Program;

/// The secrets that were given: no message shows one, not even as the value of something else.
#[derive(Default)]
pub(crate) struct GivenSecrets(Vec<(String, String)>);

impl GivenSecrets {
    /// Takes the secrets of a program that were given as texts.
    pub(crate) fn of(program: &Program, given: &[Given]) -> GivenSecrets {
        let is_secret = |name: &str| program.params.iter().any(|param| param.is_secret && param.name == name);
        let text = |given: &Given| match &given.value {
            Supplied::Spelt(text) => Some(text.clone()),
            Supplied::Content(bytes) => String::from_utf8(bytes.clone()).ok(),
            Supplied::Whole(_) => None,
        };
        let mut secrets = GivenSecrets::default();
        for given in given.iter().filter(|given| is_secret(&given.name)) {
            secrets.add(&given.name, &text(given).unwrap_or_default());
        }
        secrets
    }

    /// Adds one.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        // What is shorter is ordinary text, and refused as a secret.
        if value.len() >= SHORTEST_SECRET {
            self.0.push((name.to_string(), value.to_string()));
            // One may be a part of another.
            self.0.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        }
    }

    /// Returns the name of the secret that has this value.
    pub(crate) fn name_of(&self, value: &str) -> Option<&str> {
        self.0.iter().find(|(_, known)| known == value).map(|(name, _)| name.as_str())
    }

    /// Returns a text with the names of secrets in their places.
    pub(crate) fn covered(&self, text: &str) -> String {
        self.0.iter().fold(text.to_string(), |text, (name, value)| text.replace(value, &format!("«{name}»")))
    }
}
