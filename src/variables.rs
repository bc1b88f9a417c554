//! Joins the variables that were given from outside with the params of a program, checked and of the right type.

mod files;
mod secrets;

use std::collections::HashMap;
use std::fmt;

use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::program::{Param, Program};
use crate::syntax;
use crate::value::bounds::{WEIGHT_LIMIT, check_bounds};
use crate::value::coding::unhex;
use crate::value::decimal::{Decimal, NoDecimal};
use crate::value::escape::{harmless, visible_cut};
use crate::value::json::{parse_json, to_json};
use crate::value::{Type, Value};
pub(crate) use files::GivenFile;
pub(crate) use secrets::GivenSecrets;

/// Secrets below so many bytes cannot be told from ordinary text, and so not be masked.
const SHORTEST_SECRET: usize = 4;
/// Of a value that does not fit so many characters are shown.
const SHOWN_AT_MOST: usize = 60;

/// A value for a variable, as it was written.
#[derive(Clone)]
pub(crate) struct Given {
    /// The variable.
    pub name: String,
    /// Its value; perhaps a secret.
    pub value: Supplied,
    /// Who gave it.
    pub from: Origin,
}

/// How a value was given.
#[derive(Clone)]
pub(crate) enum Supplied {
    /// As a text that spells it.
    Spelt(String),
    /// As the content of a file.
    Content(Vec<u8>),
    /// As it is: a list or a map out of a file of variables.
    Whole(Value),
}

impl Supplied {
    /// Returns the octets of a text or a file; of a list or a map those of its JSON.
    pub(crate) fn into_octets(self) -> Vec<u8> {
        match self {
            Supplied::Spelt(text) => text.into_bytes(),
            Supplied::Content(bytes) => bytes,
            Supplied::Whole(value) => to_json(&value).into_bytes(),
        }
    }

    /// Returns how messages show it.
    fn shown(&self, secrets: &GivenSecrets) -> String {
        match self {
            Supplied::Spelt(text) => format!("`{}`", visible_cut(secrets.covered(text).as_bytes(), SHOWN_AT_MOST)),
            Supplied::Content(_) => "the content of a file".to_string(),
            Supplied::Whole(value) => value.kind().title().to_string(),
        }
    }
}

impl Given {
    /// Makes a value for a variable.
    pub(crate) fn new(name: &str, value: &str, from: Origin) -> Given {
        Given { name: name.to_string(), value: Supplied::Spelt(value.to_string()), from }
    }

    /// Returns how it was given, as the end of a sentence.
    pub(crate) fn how(&self, ways: Ways) -> String {
        match &self.from {
            Origin::Environment(name) => format!("by the environment variable `{name}`"),
            Origin::File(name) | Origin::Profile(name) => format!("in `{}`", harmless(name)),
            Origin::Option => format!("with `{}`", ways.option),
            Origin::ContentOf(name) => format!("with `--var-file`, from `{}`", harmless(name)),
            Origin::Column(name) => format!("in the column `{}` of `{}`", harmless(&self.name), harmless(name)),
            Origin::Recording => "by the recording that is played".to_string(),
            Origin::Asked => "at the terminal".to_string(),
        }
    }
}

/// What somebody gave for the variables of a program, before it is known whether it fits.
#[derive(Clone, Default)]
pub(crate) struct Offered {
    /// What could be read.
    pub given: Vec<Given>,
    /// The files that could be read.
    pub files: Vec<GivenFile>,
    /// What is wrong with the rest.
    pub problems: Vec<Diagnostic>,
}

impl Offered {
    /// Returns the values of the params that were given, see [`bind`].
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub(crate) fn bind(mut self, program: &Program, ways: Ways) -> Result<HashMap<String, Value>, Vec<Diagnostic>> {
        let files = std::mem::take(&mut self.files);
        let (mut values, mut wrong) = match bind(program, &self.given, ways) {
            Ok(values) => (values, Vec::new()),
            Err(wrong) => (HashMap::new(), wrong),
        };
        wrong.extend(files::bind(program, files, ways, &mut values));
        let bound = if wrong.is_empty() { Ok(values) } else { Err(wrong) };
        match bound {
            Ok(values) if self.problems.is_empty() => Ok(values),
            Ok(_) => Err(self.problems),
            Err(more) => {
                // What seems missing may stand in what could not be read.
                let is_complete = self.problems.is_empty();
                let is_known = |problem: &Diagnostic| is_complete || problem.code != Code::VariableMissing;
                self.problems.extend(more.into_iter().filter(is_known));
                Err(self.problems)
            }
        }
    }
}

/// Who gave a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The recording that is played.
    Recording,
    /// A profile of `flowrun.toml`, which is this file.
    Profile(String),
    /// An environment variable of this name.
    Environment(String),
    /// A file of this name.
    File(String),
    /// An option of the command line, such as `--var`.
    Option,
    /// `--var-file`: what stands in the file of this name.
    ContentOf(String),
    /// The column of its name in a file of rows, which has this name.
    Column(String),
    /// The person at the terminal.
    Asked,
}

/// How the command line sets the variables of a program, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    /// The option that takes `NAME=VALUE`.
    pub option: &'static str,
    /// What an environment variable begins with that sets a param of that name, if one can.
    pub environment: Option<&'static str>,
    /// The option that takes `NAME=PATH` of a file, if one does.
    pub file_option: Option<&'static str>,
}

impl Ways {
    /// How the variables of the file are set that the command line names.
    pub(crate) const OF_FILE: Ways =
        Ways { option: "--var", environment: Some("FLOWRUN_VAR_"), file_option: Some("--file") };
    /// How the variables of the device are set that a flow is run against.
    pub(crate) const OF_DEVICE: Ways = Ways { option: "--sim-var", environment: None, file_option: None };

    /// Returns the name of the environment variable that sets a param.
    pub(crate) fn environment_name(self, param: &str) -> Option<String> {
        self.environment.map(|prefix| format!("{prefix}{}", param.to_uppercase()))
    }
}

/// Returns the values of the params that were given.
///
/// Of several values for one param an option counts before a file, a file before the environment, the environment before a
/// profile, and a profile before a recording; of equals the last. Params with a default that nobody gave are not in the
/// result. What the environment sets and the program does not
/// have is passed over: it may be meant for another.
///
/// # Errors
///
/// All that is wrong: unknown names, values that do not fit, then what is missing. The value of a secret is
/// in no message.
pub(crate) fn bind(program: &Program, given: &[Given], ways: Ways) -> Result<HashMap<String, Value>, Vec<Diagnostic>> {
    let secrets = GivenSecrets::of(program, given);
    let mut problems: Vec<Diagnostic> = given.iter().filter_map(|given| unknown(program, given, ways)).collect();
    let mut values = HashMap::new();
    let mut missing = Vec::new();
    for param in &program.params {
        let best = given.iter().filter(|given| given.name == param.name).max_by_key(|given| given.from.rank());
        match best {
            // Only an option is meant for this program, and nothing else.
            Some(best) if param.is_file && best.from.is_for_one_program() => {
                problems.push(files::refuse_value(param, &best.how(ways), ways));
            }
            _ if param.is_file => {}
            Some(best) => match value_of(param, &best.value) {
                Ok(value) => drop(values.insert(param.name.clone(), value)),
                Err(expected) => problems.push(unfit(param, best, expected, &secrets, ways)),
            },
            None if param.default.is_none() => missing.push(param),
            None => {}
        }
    }
    problems.extend(missing_problem(&missing, ways));
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// Returns the value that was given for a param.
///
/// # Errors
///
/// What is expected instead, without the value itself.
pub(crate) fn value_of(param: &Param, supplied: &Supplied) -> Result<Value, String> {
    let value = match (supplied, param.kind) {
        (Supplied::Spelt(text), _) => spelt(param, text)?,
        (Supplied::Content(bytes), Type::Any | Type::Text) => Value::Text(bytes.clone()),
        (Supplied::Content(bytes), Type::Bytes) => Value::Bytes(bytes.clone()),
        (Supplied::Content(bytes), _) => {
            // The line end of the last line is no part of a number.
            let text = std::str::from_utf8(bytes).map_err(|_| format!("needs {}", param.kind.title()))?;
            spelt(param, text.trim_end_matches(['\r', '\n']))?
        }
        // A param without a default takes whatever it is given.
        (Supplied::Whole(value), _) if param.default.is_none() || value.kind() == param.kind => value.clone(),
        (Supplied::Whole(_), _) => return Err(format!("needs {}", param.kind.title())),
    };
    check_bounds(&value).map_err(|_| format!("needs less than {} KiB", WEIGHT_LIMIT >> 10))?;
    if param.is_secret && value.octets().len() < SHORTEST_SECRET {
        return Err(format!("needs at least {SHORTEST_SECRET} bytes: what is shorter cannot be masked"));
    }
    match &param.matches {
        Some((regex, compiled)) if !compiled.is_match(&value.show()) => Err(format!("must match `/{regex}/`")),
        Some(_) | None => Ok(value),
    }
}

/// Returns the value that a text spells for a param.
///
/// # Errors
///
/// What is expected instead, without the value itself.
fn spelt(param: &Param, text: &str) -> Result<Value, String> {
    let value = match param.kind {
        Type::Any | Type::Text => Some(Value::text(text)),
        Type::Bytes => unhex(text.as_bytes()).ok().map(Value::Bytes),
        Type::Int | Type::Decimal if has_leading_zeros(text) => {
            return Err("needs a number without leading zeros; put its default in quotes, if the zeros count".into());
        }
        Type::Int | Type::Decimal if Decimal::parse(text.as_bytes()) == Err(NoDecimal::TooLong) => {
            return Err("needs a number of at most 28 digits; put its default in quotes, if the digits count".into());
        }
        Type::Int => integer(text).map(Value::Int),
        Type::Decimal => Decimal::parse(text.as_bytes()).ok().map(Value::Decimal),
        Type::Bool => match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        Type::Duration => syntax::duration(text).map(Value::Duration),
        Type::List | Type::Map => parse_json(text.as_bytes()).ok().filter(|value| value.kind() == param.kind),
    };
    value.ok_or_else(|| {
        let example = match param.kind {
            Type::Bytes => " in hex, such as `0a1b2c`",
            Type::Int => ", such as `42` or `0x2a`",
            Type::Decimal => ", such as `3.30` or `42`",
            Type::Duration => ", such as `250ms` or `5s`",
            Type::List => ", as JSON: `[\"a\", \"b\"]`",
            Type::Map => ", as JSON: `{\"key\": \"value\"}`",
            Type::Any | Type::Text | Type::Bool => "",
        };
        format!("needs {}{example}", param.kind.title())
    })
}

/// Whether zeros would be lost that may count, those of a PIN for instance.
fn has_leading_zeros(text: &str) -> bool {
    let number = text.trim_start_matches(['+', '-']);
    let digits = number.split_once('.').map_or(number, |(whole, _)| whole);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    match digits.strip_prefix("0x") {
        Some(hex) if !hex.starts_with(['+', '-']) => i64::from_str_radix(&format!("{sign}{hex}"), 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

fn unknown(program: &Program, given: &Given, ways: Ways) -> Option<Diagnostic> {
    let is_known = program.params.iter().any(|param| param.name == given.name);
    // A profile and the environment are for many flows.
    if is_known || matches!(given.from, Origin::Environment(_) | Origin::Profile(_)) {
        return None;
    }
    let names = program.params.iter().map(|param| param.name.as_str());
    let help = match nearest(&given.name, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None if program.params.is_empty() => {
            "it has none that the command line may set: they are declared with `param` or `secret`".to_string()
        }
        None => format!("it has: {}", names.collect::<Vec<_>>().join(", ")),
    };
    let name = harmless(&given.name);
    let title = harmless(&program.title);
    let message = format!("`{title}` has no variable `{name}`, which was given {}", given.how(ways));
    Some(Diagnostic::general(Code::VariableUnknown, message).help(help))
}

fn unfit(param: &Param, given: &Given, expected: String, secrets: &GivenSecrets, ways: Ways) -> Diagnostic {
    let message = if param.is_secret {
        format!("the value given for the secret `{}` does not fit", param.name)
    } else {
        format!("`{}` cannot be {}", param.name, given.value.shown(secrets))
    };
    let help = format!("it was given {}", given.how(ways));
    Diagnostic::new(Code::VariableValue, param.site, message, expected).help(help)
}

fn missing_problem(missing: &[&Param], ways: Ways) -> Option<Diagnostic> {
    let (first, others) = missing.split_first()?;
    let names: Vec<String> = missing.iter().map(|param| format!("`{}`", param.name)).collect();
    let message = match missing {
        [_] => format!("{} has no value", names[0]),
        _ => format!("these variables have no value: {}", names.join(", ")),
    };
    let options: Vec<String> =
        missing.iter().filter(|p| !p.is_secret).map(|p| format!("`{} {}=…`", ways.option, p.name)).collect();
    let secrets: Vec<String> = missing
        .iter()
        .filter(|param| param.is_secret)
        .map(|param| match ways.environment_name(&param.name) {
            Some(variable) => format!("the environment variable `{variable}`, which no shell history keeps"),
            None => format!("`{} {}=…`", ways.option, param.name),
        })
        .collect();
    let all: Vec<String> = options.into_iter().chain(secrets).collect();
    Some(missing_at(first, others, message).help(format!("give {}", all.join("\nand "))))
}

/// Reports params that have no value and no default.
fn missing_at(first: &Param, others: &[&Param], message: String) -> Diagnostic {
    let mut problem = Diagnostic::new(Code::VariableMissing, first.site, message, "has no default");
    problem.others = others.iter().map(|param| Label::new(param.site, "has no default")).collect();
    problem
}

impl Origin {
    /// Whether what is given so is meant for one program, and nothing else.
    pub(crate) fn is_for_one_program(&self) -> bool {
        match self {
            Origin::Option | Origin::ContentOf(_) | Origin::Column(_) | Origin::Asked => true,
            Origin::Recording | Origin::Profile(_) | Origin::Environment(_) | Origin::File(_) => false,
        }
    }

    /// The higher, the more it counts.
    fn rank(&self) -> u8 {
        match self {
            Origin::Recording => 0,
            Origin::Profile(_) => 1,
            Origin::Environment(_) => 2,
            Origin::File(_) => 3,
            Origin::Option | Origin::ContentOf(_) | Origin::Column(_) | Origin::Asked => 4,
        }
    }
}

impl fmt::Debug for Given {
    /// Writes everything but the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("name", &self.name).field("from", &self.from).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;
    use std::time::Duration;

    use insta::assert_snapshot;

    use super::*;
    use crate::check::check;
    use crate::diagnostic::render::{Look, Style, render};
    use crate::load::load;

    const LOOK: Look = Look { width: 100, style: Style::Plain };

    fn program(declarations: &str) -> Program {
        let text = format!("flow \"Test\"\n{declarations}\nsend \"AT\"\nexpect line \"OK\"\n");
        let reader = |_: &Path| -> io::Result<Vec<u8>> { Ok(text.as_bytes().to_vec()) };
        let checked = check(load(Path::new("test.flow"), &reader));
        assert_eq!(checked.problems, []);
        checked.program.expect("it has no problems")
    }

    fn option(name: &str, value: &str) -> Given {
        Given::new(name, value, Origin::Option)
    }

    fn decimal(text: &str) -> Value {
        Value::Decimal(Decimal::parse(text.as_bytes()).expect("a number"))
    }

    fn bound(program: &Program, given: &[Given]) -> HashMap<String, Value> {
        bind(program, given, Ways::OF_FILE).unwrap_or_else(|problems| panic!("{problems:?}"))
    }

    /// What is said when these are given.
    fn refusal(declarations: &str, given: &[Given]) -> String {
        let program = program(declarations);
        let problems = bind(&program, given, Ways::OF_FILE).expect_err("something is wrong");
        render(&problems, &program.sources, LOOK)
    }

    #[test]
    fn a_value_takes_the_type_of_the_default() {
        let program =
            program("param n = 1 param v = 3.3 param b = false param d = 1s param t = \"x\" param x = x\"00\" param u");
        for (name, text, value) in [
            ("n", "-42", Value::Int(-42)),
            ("n", "0x2a", Value::Int(42)),
            ("n", "0", Value::Int(0)),
            ("v", "3.3000", decimal("3.3000")),
            ("v", "-1.5E-3", decimal("-0.0015")),
            ("v", "42", decimal("42")),
            ("t", "0042", Value::text("0042")),
            ("u", "0042", Value::text("0042")),
            ("n", "-9223372036854775808", Value::Int(i64::MIN)),
            ("b", "true", Value::Bool(true)),
            ("d", "1.5s", Value::Duration(Duration::from_millis(1500))),
            ("t", " 5 ", Value::text(" 5 ")),
            ("t", "", Value::text("")),
            ("x", "0A 0b", Value::Bytes(vec![10, 11])),
            ("u", "5", Value::text("5")),
        ] {
            let values = bound(&program, &[option("u", "-"), option(name, text)]);
            assert_eq!(values[name], value, "{name}={text}");
        }
        for (name, text) in [
            ("n", "5x"),
            ("n", "5.0"),
            ("v", "abc"),
            ("v", "0x2a"),
            ("v", "00.5"),
            ("v", "0042"),
            ("v", "1e99"),
            ("n", ""),
            ("n", "--5"),
            ("n", "0x-5"),
            ("n", "9223372036854775808"),
            ("n", "0042"),
            ("n", "-007"),
            ("n", "00"),
            ("b", "yes"),
            ("d", "5"),
            ("d", "5s 6s"),
            ("d", "5s timeout 6s"),
            ("d", "9999999h"),
            ("x", "0"),
        ] {
            let problems = bind(&program, &[option("u", "-"), option(name, text)], Ways::OF_FILE);
            let codes: Vec<Code> = problems.expect_err("it does not fit").iter().map(|p| p.code).collect();
            assert_eq!(codes, [Code::VariableValue], "{name}={text}");
        }
    }

    #[test]
    fn no_message_about_a_value_shows_a_secret_that_has_it_too() {
        let given = [option("key", "hunter22"), option("n", "hunter22"), option("t", "my hunter22")];
        let shown = refusal("secret key\nparam n = 5\nparam t matches /x/", &given);
        assert!(shown.contains("`n` cannot be `«key»`") && shown.contains("`t` cannot be `my «key»`"), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
        let long = "9".repeat(30);
        let shown = refusal("param n = 5", &[option("n", &long)]);
        assert!(shown.contains("needs a number of at most 28 digits"), "{shown}");
    }

    #[test]
    fn an_option_counts_before_a_file_before_the_environment_and_the_last_of_equals() {
        let program = program("param a = \"default\"");
        let given = |value: &str, from: Origin| Given::new("a", value, from);
        let mut all = vec![
            given("file 1", Origin::File("1.toml".to_string())),
            given("file 2", Origin::File("2.toml".to_string())),
            given("environment", Origin::Environment("FLOWRUN_VAR_A".to_string())),
        ];
        assert_eq!(bound(&program, &all)["a"], Value::text("file 2"));
        all.insert(0, option("a", "option"));
        assert_eq!(bound(&program, &all)["a"], Value::text("option"));
        assert_eq!(bound(&program, &all[3..])["a"], Value::text("environment"));
        assert!(bound(&program, &[]).is_empty());
    }

    #[test]
    fn an_unknown_name_is_refused_unless_the_environment_has_it() {
        let from = Origin::Environment("FLOWRUN_VAR_OTHER".to_string());
        let environment = Given::new("other", "x", from);
        assert_snapshot!(refusal("param device_name = \"a\"", &[option("devicename", "x"), environment]), @r#"
        flow::variable::unknown

          × `Test` has no variable `devicename`, which was given with `--var`
          help: did you mean `device_name`?
        "#);
    }

    #[test]
    fn everything_missing_is_told_at_once_with_how_to_give_it() {
        assert_snapshot!(refusal("param apn = \"a\"\nparam device_name\nsecret device_secret", &[]), @r#"
        flow::variable::missing

          × these variables have no value: `device_name`, `device_secret`
           ╭─[test.flow:3:7]
         2 │ param apn = "a"
         3 │ param device_name
           ·       ─────┬─────
           ·            ╰── has no default
         4 │ secret device_secret
           ·        ──────┬──────
           ·              ╰── has no default
         5 │ send "AT"
           ╰────
          help: give `--var device_name=…`
                and the environment variable `FLOWRUN_VAR_DEVICE_SECRET`, which no shell history keeps
        "#);
    }

    #[test]
    fn a_value_that_does_not_fit_is_shown_and_a_secret_one_is_not() {
        let declarations = "param n = 5\nsecret key matches /^[0-9a-f]+$/";
        let text = refusal(declarations, &[option("n", "five"), option("key", "hunter22")]);
        assert!(!text.contains("hunter22"), "{text}");
        assert_snapshot!(text, @r#"
        flow::variable::value

          × `n` cannot be `five`
           ╭─[test.flow:2:7]
         1 │ flow "Test"
         2 │ param n = 5
           ·       ┬
           ·       ╰── needs a whole number, such as `42` or `0x2a`
         3 │ secret key matches /^[0-9a-f]+$/
           ╰────
          help: it was given with `--var`

        flow::variable::value

          × the value given for the secret `key` does not fit
           ╭─[test.flow:3:8]
         2 │ param n = 5
         3 │ secret key matches /^[0-9a-f]+$/
           ·        ─┬─
           ·         ╰── must match `/^[0-9a-f]+$/`
         4 │ send "AT"
           ╰────
          help: it was given with `--var`
        "#);
    }

    #[test]
    fn a_secret_that_can_not_be_masked_is_refused() {
        let text = refusal("secret pin", &[option("pin", "123")]);
        assert!(text.contains("needs at least 4 bytes"), "{text}");
        assert!(!text.contains("123"), "{text}");
    }
}
