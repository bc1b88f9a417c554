//! Asks the person at the terminal for the variables that a run needs and nobody gave.

use super::AtTerminal;
use crate::diagnostic::Code;
use crate::program::{Param, Program};
use crate::setup::{Ender, SetupError};
use crate::variables::{Given, Origin, Supplied, value_of};

/// Returns the params whose values alone keep a run from its beginning: those that are to be asked for.
pub(in crate::cli) fn only_missing<'a>(error: &SetupError, flow: &'a Program) -> Vec<&'a Param> {
    let SetupError::Wrong(complaints) = error else { return Vec::new() };
    let [complaint] = complaints.as_slice() else { return Vec::new() };
    let [problem] = complaint.problems.as_slice() else { return Vec::new() };
    if problem.code != Code::VariableMissing {
        return Vec::new();
    }
    let sites = problem.label.iter().chain(&problem.others).map(|label| label.site);
    let param = |site| flow.params.iter().find(|param| param.site == site && !param.is_file && param.default.is_none());
    sites.map(param).collect::<Option<_>>().unwrap_or_default()
}

/// What came of the questions.
#[derive(Debug)]
pub(in crate::cli) enum Asked {
    /// All values, which fit.
    Given(Vec<Given>),
    /// There was no answer.
    NoAnswer,
    /// Somebody wants the command to end.
    Interrupted,
}

/// Asks for values, each again until it fits.
pub(in crate::cli) fn ask_for(missing: &[&Param], person: &mut AtTerminal, ender: &Ender) -> Asked {
    let mut all = Vec::with_capacity(missing.len());
    for param in missing {
        let question = format!("The value of `{}`?", param.name);
        let mut prompt = question.clone();
        let value = loop {
            let answer = person.answer_to(&prompt, param.is_secret, || ender.wants_end());
            if ender.wants_end() {
                return Asked::Interrupted;
            }
            let Some(answer) = answer else { return Asked::NoAnswer };
            match fitting(param, answer) {
                Ok(value) => break value,
                Err(expected) => prompt = format!("the value {expected}. {question}"),
            }
        };
        all.push(Given { name: param.name.clone(), value, from: Origin::Asked });
    }
    Asked::Given(all)
}

/// Returns a value that fits.
///
/// # Errors
///
/// What is expected instead, without the value itself.
fn fitting(param: &Param, answer: Vec<u8>) -> Result<Supplied, String> {
    let text = String::from_utf8(answer).map_err(|_| "is text in UTF-8".to_string())?;
    if text.is_empty() {
        return Err(format!("is not empty; `--var {}=` gives an empty one", param.name));
    }
    let supplied = Supplied::Spelt(text);
    value_of(param, &supplied).map(|_| supplied)
}
