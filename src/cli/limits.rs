//! `--limits`: limits of measurements by name, from TOML files.

use std::path::Path;

use toml::de::DeValue;

use super::args::LimitArguments;
use super::given::{toml_table, without_mark};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{LARGEST_TEXT, Reach, read_file};
use crate::program::{GivenLimits, Limits, Program};
use crate::source::name_of;
use crate::value::decimal::{Decimal, Number};
use crate::value::escape::harmless;

const FORM: &str =
    "write `NAME = { lower = 3.60, upper = 4.20 }`, with one of them or both, or `NAME = 3` for an exact value";

/// Reads the files of limits; of a name that comes twice the last counts.
///
/// # Errors
///
/// All that is wrong with the files.
pub(super) fn limits(typed: &LimitArguments) -> Result<GivenLimits, Vec<Diagnostic>> {
    let mut all = GivenLimits::new();
    let mut problems = Vec::new();
    for path in &typed.limits {
        match from_file(path) {
            Ok(limits) => {
                all.retain(|(name, _)| limits.iter().all(|(other, _)| other != name));
                all.extend(limits);
            }
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

/// Returns what is wrong with limits that are given for measurements of these programs: names that none of them measures.
pub(super) fn unknown<'a>(given: &GivenLimits, programs: impl Iterator<Item = &'a Program>) -> Vec<Diagnostic> {
    let measured: Vec<String> = programs.flat_map(|program| program.measurements().map(str::to_string)).collect();
    let unknown = given.iter().filter(|(name, _)| !measured.contains(name));
    let problem = |(name, _): &(String, Limits)| {
        let message = format!("`--limits`: nothing is measured as `{}`", harmless(name));
        let mut names = measured.clone();
        names.sort();
        names.dedup();
        let help = match nearest(name, names.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None if names.is_empty() => "no `measure` is in the flow".to_string(),
            None => format!("measured are: {}", names.join(", ")),
        };
        Diagnostic::general(Code::CommandLine, message).help(help)
    };
    unknown.map(problem).collect()
}

fn from_file(path: &Path) -> Result<GivenLimits, Vec<Diagnostic>> {
    let shown = harmless(name_of(path));
    let problem = |message: String| Diagnostic::general(Code::CommandLine, message);
    let unreadable = |why: String| vec![problem(format!("`{shown}` cannot be read: {why}"))];
    let bytes = read_file(path, Reach::Anywhere, LARGEST_TEXT).map_err(|error| unreadable(error.to_string()))?;
    let text = std::str::from_utf8(without_mark(&bytes)).map_err(|_| unreadable("it is not UTF-8".to_string()))?;
    read(text, &shown)
}

/// Reads the text of a file of limits.
fn read(text: &str, shown: &str) -> Result<GivenLimits, Vec<Diagnostic>> {
    let problem = |message: String| Diagnostic::general(Code::CommandLine, message).help(FORM);
    let table = toml_table(text, shown).map_err(|problem| vec![problem.help(FORM)])?;
    let mut limits = GivenLimits::new();
    let mut problems = Vec::new();
    for (name, value) in table.get_ref() {
        let name: &str = name.get_ref();
        match limits_of(value.get_ref()) {
            Ok(found) => limits.push((name.to_string(), found)),
            Err(why) => problems.push(problem(format!("`{}` in `{shown}`: {why}", harmless(name)))),
        }
    }
    if problems.is_empty() { Ok(limits) } else { Err(problems) }
}

fn limits_of(value: &DeValue<'_>) -> Result<Limits, String> {
    let DeValue::Table(table) = value else { return number(value).map(Limits::exactly) };
    let (mut low, mut high, mut exact) = (None, None, None);
    for (key, value) in table {
        let key: &str = key.get_ref();
        let place = match key {
            "lower" => &mut low,
            "upper" => &mut high,
            "exact" => &mut exact,
            other => return Err(format!("there is no `{}` in limits", harmless(other))),
        };
        *place = Some(number(value.get_ref()).map_err(|why| format!("`{key}`: {why}"))?);
    }
    match (low, high, exact) {
        (None, None, None) => Err("it has no limit".to_string()),
        (None, None, Some(exact)) => Ok(Limits::exactly(exact)),
        (_, _, Some(_)) => Err("an exact value has no other limits".to_string()),
        (Some(low), Some(high), None) if low.order(high).is_gt() => {
            Err(format!("the lower limit {low} is above the upper one {high}"))
        }
        (low, high, None) => Ok(Limits::between(low, high)),
    }
}

/// Returns a number as it is written; a text that spells one will do.
fn number(value: &DeValue<'_>) -> Result<Number, String> {
    let decimal = |text: &str| {
        let number = Decimal::parse(text.as_bytes());
        number.map(Number::Decimal).map_err(|why| format!("`{}` {}", harmless(text), why.reason()))
    };
    match value {
        DeValue::Integer(n) => {
            let number = i64::from_str_radix(n.as_str(), n.radix()).map(Number::Int);
            number.or_else(|_| decimal(n.as_str()))
        }
        DeValue::Float(n) => decimal(n.as_str()),
        DeValue::String(text) => decimal(text),
        other @ (DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_)) => {
            Err(format!("a limit is a number, this is of the type {}", other.type_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::{Expr, ExprKind};

    fn refusals(text: &str) -> Vec<String> {
        read(text, "limits.toml").expect_err("it is wrong").into_iter().map(|problem| problem.message).collect()
    }

    fn limits_shown(limits: &Limits) -> String {
        let number = |expr: &Expr| {
            let ExprKind::Const(value) = &expr.kind else { panic!("{expr:?} is no number") };
            String::from_utf8_lossy(&value.show()).into_owned()
        };
        let end = |expr: &Option<Expr>| expr.as_ref().map_or(String::new(), number);
        match limits {
            Limits::Exactly(value) => format!("={}", number(value)),
            Limits::Range { low, high } => format!("{}..{}", end(low), end(high)),
        }
    }

    #[test]
    fn limits_are_read_digit_by_digit() {
        let text = "vbat = { lower = 3.60, upper = \"4.20\" }\ndepth = 4000\n[top]\nupper = 1e3\n[one]\nexact = -1\n";
        let limits = read(text, "limits.toml").expect("it is right");
        let shown: Vec<String> =
            limits.iter().map(|(name, limits)| format!("{name} {}", limits_shown(limits))).collect();
        assert_eq!(shown, ["depth =4000", "one =-1", "top ..1000", "vbat 3.60..4.20"]);
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        assert_eq!(
            refusals(
                "a = true\nb = {}\nc = { lower = 2, upper = 1 }\nd = { low = 1 }\ne = { exact = 1, upper = 2 }\nf = nan\n"
            ),
            [
                "`a` in `limits.toml`: a limit is a number, this is of the type boolean",
                "`b` in `limits.toml`: it has no limit",
                "`c` in `limits.toml`: the lower limit 2 is above the upper one 1",
                "`d` in `limits.toml`: there is no `low` in limits",
                "`e` in `limits.toml`: an exact value has no other limits",
                "`f` in `limits.toml`: `nan` is not a number",
            ]
        );
        assert!(refusals("a = \n")[0].starts_with("line 1 of `limits.toml` is not TOML"));
    }
}
