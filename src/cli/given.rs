//! What the command line, files and the environment give to a run: variables and settings of the line.

use std::borrow::Cow;
use std::env;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::args::{LineArguments, VariableArguments};
use crate::diagnostic::nearest::{nearest, nearest_value};
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{LARGEST_FILE, LARGEST_TEXT, LARGEST_VALUE, Reach, read_file};
use crate::program::Program;
use crate::settings::{SETTINGS, SettingError, SettingValue, Settings};
use crate::source::name_of;
use crate::syntax;
use crate::value::Value;
use crate::value::decimal::Decimal;
use crate::value::escape::{harmless, visible_cut};
use crate::value::json::{parse_json, repeated_key};
use crate::variables::{Given, GivenFile, Offered, Origin, Supplied, Ways};

/// Returns what the environment gives to a program, and what was read that options name.
pub(super) fn variables(program: &Program, read: &Offered) -> Offered {
    let mut offered = read.clone();
    offered.given.extend(from_environment(program, |name| env::var(name).ok()));
    offered
}

/// Reads what options give to the variables of the file that the command line names, or of several.
pub(super) fn read_variables(typed: &VariableArguments) -> Offered {
    let mut offered = Offered::default();
    for path in &typed.files {
        match from_file(path) {
            Ok(more) => offered.given.extend(more),
            Err(problem) => offered.problems.push(problem),
        }
    }
    add_typed(&mut offered, &typed.vars, Ways::OF_FILE);
    for text in &typed.var_files {
        match content_of(text) {
            Ok(given) => offered.given.push(given),
            Err(problem) => offered.problems.push(problem),
        }
    }
    add_files(&mut offered, &typed.named_files);
    offered
}

/// Returns the file that a `NAME=FILE` names, if it names one.
pub(super) fn named_file(text: &str) -> Option<(&str, &Path)> {
    let (name, file) = text.split_once('=')?;
    Some((name, Path::new(file)))
}

/// Reads `NAME=FILE`: the variable gets the bytes of the file, all of them and no other.
///
/// # Errors
///
/// It has no `=`, or the file cannot be read.
fn content_of(text: &str) -> Result<Given, Diagnostic> {
    let Some((name, path)) = named_file(text) else {
        let help = "write `--var-file NAME=FILE`, such as `--var-file ca=ca.pem`";
        return Err(Diagnostic::general(Code::CommandLine, "a `--var-file` has no `=`").help(help));
    };
    match read_file(path, Reach::Anywhere, LARGEST_VALUE) {
        Ok(bytes) => {
            let from = Origin::ContentOf(name_of(path));
            Ok(Given { name: name.to_string(), value: Supplied::Content(bytes), from })
        }
        Err(error) => {
            let (name, shown) = (harmless(name), harmless(path.as_os_str().as_encoded_bytes()));
            let message = format!("`{shown}` cannot be read for `{name}`: {error}");
            Err(Diagnostic::general(Code::CommandLine, message))
        }
    }
}

/// Returns what options give to the device that a flow is run against.
pub(super) fn device_variables(typed: &[String]) -> Offered {
    let mut offered = Offered::default();
    add_typed(&mut offered, typed, Ways::OF_DEVICE);
    offered
}

/// Returns the settings with what `--baud` and `--serial` change.
///
/// # Errors
///
/// All that is wrong.
pub(super) fn settings(start: &Settings, typed: &LineArguments) -> Result<Settings, Vec<Diagnostic>> {
    let mut settings = start.clone();
    let mut problems = Vec::new();
    if let Some(baud) = typed.baud
        && let Err(error) = settings.set("baud", &SettingValue::Number(baud))
    {
        problems.push(refused_setting("baud", &baud.to_string(), "--baud", &error));
    }
    for text in &typed.serial {
        let Some((name, value)) = text.split_once('=') else {
            let names: Vec<&str> = SETTINGS.iter().map(|(name, _)| *name).collect();
            let message = format!("`--serial {}` has no `=`", visible_cut(text.as_bytes(), 60));
            let help = format!("write `--serial NAME=VALUE`; settings are: {}", names.join(", "));
            problems.push(Diagnostic::general(Code::CommandLine, message).help(help));
            continue;
        };
        let read = setting_value(value);
        if let Err(error) = settings.set(name, &read) {
            problems.push(refused_setting(name, value, "--serial", &error));
        }
    }
    if problems.is_empty() { Ok(settings) } else { Err(problems) }
}

/// Reads `NAME=VALUE`.
///
/// # Errors
///
/// It has no `=`. What was typed may be a secret, and is not shown.
fn typed_variable(text: &str, ways: Ways) -> Result<Given, Diagnostic> {
    match text.split_once('=') {
        Some((name, value)) => Ok(Given::new(name, value, Origin::Option)),
        None => {
            let message = format!("a `{}` has no `=`", ways.option);
            Err(Diagnostic::general(Code::CommandLine, message).help(format!("write `{} NAME=VALUE`", ways.option)))
        }
    }
}

fn add_typed(offered: &mut Offered, typed: &[String], ways: Ways) {
    for text in typed {
        match typed_variable(text, ways) {
            Ok(given) => offered.given.push(given),
            Err(problem) => offered.problems.push(problem),
        }
    }
}

/// Reads the files that `--file NAME=PATH` names.
fn add_files(offered: &mut Offered, typed: &[String]) {
    for text in typed {
        match given_file(text) {
            Ok(file) => offered.files.push(file),
            Err(problem) => offered.problems.push(problem),
        }
    }
}

/// Reads a file that `NAME=PATH` names.
///
/// # Errors
///
/// It has no `=`, or the file cannot be read.
fn given_file(text: &str) -> Result<GivenFile, Diagnostic> {
    let problem = |message: String| Diagnostic::general(Code::CommandLine, message);
    let Some((name, path)) = text.split_once('=') else {
        let message = format!("`--file {}` has no `=`", visible_cut(text.as_bytes(), 60));
        return Err(problem(message).help("write `--file NAME=PATH`"));
    };
    let content = read_file(Path::new(path), Reach::Anywhere, LARGEST_FILE)
        .map_err(|error| problem(format!("`--file {name}`: `{}` cannot be read: {error}", harmless(path))))?;
    let title = Path::new(path).file_name().map(|title| title.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(GivenFile { name: name.to_string(), title, content })
}

/// Returns what the environment gives to the params of a program.
fn from_environment(program: &Program, environment: impl Fn(&str) -> Option<String>) -> Vec<Given> {
    let given = program.params.iter().filter_map(|param| {
        let variable = Ways::OF_FILE.environment_name(&param.name)?;
        let value = environment(&variable)?;
        Some(Given::new(&param.name, &value, Origin::Environment(variable)))
    });
    given.collect()
}

/// Reads a file of variables. What stands in it may be secret: no message shows more than names.
fn from_file(path: &Path) -> Result<Vec<Given>, Diagnostic> {
    let shown = harmless(path.as_os_str().as_encoded_bytes());
    let problem = |message: String| Diagnostic::general(Code::CommandLine, message);
    let unreadable = |why: String| problem(format!("`{shown}` cannot be read: {why}"));
    let bytes = read_file(path, Reach::Anywhere, LARGEST_TEXT).map_err(|error| unreadable(error.to_string()))?;
    let text = std::str::from_utf8(without_mark(&bytes)).map_err(|_| unreadable("it is not UTF-8".to_string()))?;
    let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let given = if is_json { read_json(text, &shown)? } else { read(text, &shown)? }.into_iter();
    let from = || Origin::File(name_of(path));
    Ok(given.map(|(name, value)| Given { name, value, from: from() }).collect())
}

/// Returns the bytes of a text without a byte-order mark of UTF-8, which some editors write.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Reads the text of a JSON file of variables.
fn read_json(text: &str, shown: &str) -> Result<Vec<(String, Supplied)>, Diagnostic> {
    let problem = |message: String| Diagnostic::general(Code::CommandLine, message);
    let help = "write one object: `{\"name\": \"value\"}`";
    // What the parser says names the place and nothing that stands there.
    let whole =
        parse_json(text.as_bytes()).map_err(|why| problem(format!("`{shown}` cannot be read: {why}")).help(help))?;
    let Value::Map(entries) = whole else {
        return Err(problem(format!("`{shown}` is {}", whole.kind().title())).help(help));
    };
    if let Some(key) = repeated_key(text) {
        let message = format!("`{shown}` has `{}` twice in one object", visible_cut(key.as_bytes(), 60));
        return Err(problem(message).help("leave one of them out"));
    }
    let mut given = Vec::new();
    for (name, value) in entries {
        let value = match value {
            Value::Text(_)
            | Value::Int(_)
            | Value::Decimal(_)
            | Value::Bool(_)
            | Value::Bytes(_)
            | Value::Duration(_) => Supplied::Spelt(String::from_utf8_lossy(&value.show()).into_owned()),
            Value::List(_) | Value::Map(_) => Supplied::Whole(value),
            Value::Null => {
                let message = format!("`{}` in `{shown}` is null", harmless(&name));
                return Err(problem(message).help("leave it out, or give it a value"));
            }
        };
        given.push((name, value));
    }
    Ok(given)
}

/// Reads the text of a file of variables: their names and values.
fn read(text: &str, shown: &str) -> Result<Vec<(String, Supplied)>, Diagnostic> {
    let problem = |message: String| Diagnostic::general(Code::CommandLine, message);
    let table = toml_table(text, shown).map_err(|problem| {
        // An object of JSON is no line of TOML.
        match text.trim_start().starts_with('{') {
            true => problem.help("JSON is read from a file whose name ends in `.json`: rename it"),
            false => problem.help("write `name = \"value\"`, one a line; put a number with leading zeros in quotes"),
        }
    })?;
    let mut given = Vec::new();
    for (name, value) in table.into_inner() {
        let name: &str = name.get_ref();
        let wrong = |problem_with: Unfit| {
            let shown_name = harmless(name);
            match problem_with {
                Unfit::Kind(kind) => problem(format!("`{shown_name}` in `{shown}` is of the type {kind}"))
                    .help("a variable is a string, a number, `true` or `false`, or a list or table of these"),
                Unfit::TooLarge => problem(format!("`{shown_name}` in `{shown}` is too large a number"))
                    .help("put it in quotes, if its digits count"),
            }
        };
        let value = match value.into_inner() {
            DeValue::String(text) => Supplied::Spelt(text.into_owned()),
            // As it is written: 3.30 stays 3.30.
            DeValue::Float(n) => Supplied::Spelt(n.as_str().to_string()),
            DeValue::Boolean(is_true) => Supplied::Spelt(is_true.to_string()),
            DeValue::Integer(n) => Supplied::Spelt(whole_number(&n).map_err(wrong)?.to_string()),
            value @ (DeValue::Array(_) | DeValue::Table(_)) => Supplied::Whole(whole(value).map_err(wrong)?),
            value @ DeValue::Datetime(_) => return Err(wrong(Unfit::Kind(value.type_str()))),
        };
        given.push((name.to_string(), value));
    }
    Ok(given)
}

/// Reads a text as TOML. A message names the line, and nothing that stands there.
///
/// # Errors
///
/// It is none.
pub(super) fn toml_table<'a>(text: &'a str, shown: &str) -> Result<Spanned<DeTable<'a>>, Diagnostic> {
    DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
        let message = format!("line {line} of `{shown}` is not TOML: {}", harmless(error.message()));
        Diagnostic::general(Code::CommandLine, message)
    })
}

/// Returns a list or a table as a value.
///
/// # Errors
///
/// Something in it is no value of a flow.
fn whole(value: DeValue<'_>) -> Result<Value, Unfit> {
    Ok(match value {
        DeValue::String(text) => Value::text(text.into_owned()),
        DeValue::Integer(n) => Value::Int(whole_number(&n)?),
        DeValue::Float(n) => Value::Decimal(Decimal::parse(n.as_str().as_bytes()).map_err(|_| Unfit::TooLarge)?),
        DeValue::Boolean(is_true) => Value::Bool(is_true),
        DeValue::Array(items) => {
            Value::List(items.into_iter().map(|item| whole(item.into_inner())).collect::<Result<_, _>>()?)
        }
        DeValue::Table(entries) => {
            let entry = |(key, value): (Spanned<Cow<'_, str>>, Spanned<DeValue<'_>>)| {
                Ok((key.into_inner().into_owned(), whole(value.into_inner())?))
            };
            Value::Map(entries.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
        DeValue::Datetime(_) => return Err(Unfit::Kind(value.type_str())),
    })
}

/// Returns the number that TOML writes, in whatever base.
fn whole_number(n: &DeInteger<'_>) -> Result<i64, Unfit> {
    i64::from_str_radix(n.as_str(), n.radix()).map_err(|_| Unfit::TooLarge)
}

/// Why a value of TOML is none of a flow.
enum Unfit {
    /// No value of a flow is of this type.
    Kind(&'static str),
    /// A number has too many digits.
    TooLarge,
}

/// Returns what a flow would read in `serial { … }`; what it would not read is a word that fits nothing.
fn setting_value(text: &str) -> SettingValue {
    syntax::setting_value(text).unwrap_or_else(|| SettingValue::Word(text.to_string()))
}

fn refused_setting(name: &str, value: &str, option: &str, error: &SettingError) -> Diagnostic {
    let name = harmless(name);
    match error {
        SettingError::Unknown => {
            let names = SETTINGS.iter().map(|(name, _)| *name);
            let help = match nearest(&name, names.clone()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("settings are: {}", names.collect::<Vec<_>>().join(", ")),
            };
            Diagnostic::general(Code::CommandLine, format!("`{option}`: there is no setting `{name}`")).help(help)
        }
        SettingError::Wants(wanted) => {
            let help = nearest_value(&name, value.trim_matches('"')).unwrap_or_else(|| format!("`{name}` is {wanted}"));
            let value = visible_cut(value.as_bytes(), 60);
            let message = format!("`{option}`: `{name}` cannot be `{value}`");
            Diagnostic::general(Code::CommandLine, message).help(help)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::settings::Echo;

    fn changed(typed: &[&str]) -> Result<Settings, Vec<String>> {
        let typed = LineArguments { baud: None, serial: typed.iter().map(ToString::to_string).collect() };
        settings(&Settings::default(), &typed).map_err(|problems| {
            problems.into_iter().map(|p| format!("{} ({})", p.message, p.help.unwrap_or_default())).collect()
        })
    }

    fn file(text: &str) -> Result<Vec<(String, String)>, String> {
        file_named("vars.toml", text)
    }

    fn file_named(name: &str, text: &str) -> Result<Vec<(String, String)>, String> {
        let folder = tempfile::TempDir::new().expect("a folder can be made for tests");
        let path = folder.path().join(name);
        fs::write(&path, text).expect("the test's file can be written");
        let given = from_file(&path).map_err(|problem| problem.message)?;
        let shown = |value: Supplied| String::from_utf8(value.into_octets()).expect("it is UTF-8");
        Ok(given.into_iter().map(|given| (given.name, shown(given.value))).collect())
    }

    /// `FLOWRUN_CHAOS=1000000` makes so many files.
    #[test]
    fn no_mutated_file_of_variables_makes_a_panic() {
        let count = env::var("FLOWRUN_CHAOS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
        let right = "apn = \"x\\u00e9y\"\nport = 1883\ntls = true\n\"运\" = '5'\n[t]\na.b = [1, 2]\n# end\n".as_bytes();
        let pieces = b"\"'=[]{}\\\n\r#.-_0x9e\xff\x00";
        let mut random = crate::value::random::Rng::from_seed(1);
        for _ in 0..count {
            let mut bytes = right.to_vec();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len() as u64) as usize;
                let piece = pieces[random.below(pieces.len() as u64) as usize];
                match random.below(3) {
                    0 => bytes[at] = piece,
                    1 => bytes.insert(at, piece),
                    _ => drop(bytes.remove(at)),
                }
            }
            let _ = read(&String::from_utf8_lossy(&bytes), "vars.toml");
        }
    }

    #[test]
    fn a_setting_is_read_as_in_a_flow() {
        let settings =
            changed(&["baud=9600", "format=7E1", r#"eol="\r\n>""#, "header=crlf", "echo=off", "settle=1.5s"]);
        let settings = settings.expect("all of it is right");
        assert_eq!(settings.line.to_string(), "9600 7E1");
        assert_eq!((settings.eol, settings.header), (b"\r\n>".to_vec(), b"\r\n".to_vec()));
        assert_eq!((settings.echo, settings.settle), (Echo::Off, Duration::from_millis(1500)));
    }

    #[test]
    fn a_wrong_setting_says_what_is_right() {
        let problems = changed(&["bauds=1", "echo=yes", "echo", "baud=", "eol=cr } send \"x\"", "baud=9600 echo off"]);
        assert_eq!(
            problems.expect_err("all of it is wrong"),
            [
                "`--serial`: there is no setting `bauds` (did you mean `baud`?)",
                "`--serial`: `echo` cannot be `yes` (`echo` is `auto`, `on` or `off`)",
                "`--serial echo` has no `=` (write `--serial NAME=VALUE`; settings are: baud, format, flow_control, dtr, rts, \
                 dtr_at_close, rts_at_close, rs485, rs485_before, rs485_after, eol, header, encoding, echo, settle, guard, pace, line_pace, reconnect)",
                "`--serial`: `baud` cannot be `` (`baud` is a number from 1 to 4000000, such as 115200)",
                "`--serial`: `eol` cannot be `cr } send \"x\"` (`eol` is a string, or `cr`, `lf`, `crlf`, `none`)",
                "`--serial`: `baud` cannot be `9600 echo off` (`baud` is a number from 1 to 4000000, such as 115200)",
            ]
        );
        let problems = settings(&Settings::default(), &LineArguments { baud: Some(0), serial: Vec::new() })
            .expect_err("it is wrong");
        assert_eq!(problems[0].message, "`--baud`: `baud` cannot be `0`");
    }

    #[test]
    fn a_file_gives_texts_numbers_and_truths() {
        let given = file("a = \"x\"\nn = 5\nis_on = true\nvolts = 3.30\n").expect("it is right");
        let pairs: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("a", "x"), ("is_on", "true"), ("n", "5"), ("volts", "3.30")]);
    }

    #[test]
    fn a_file_gives_lists_and_tables() {
        let given = file("names = [\"a\", 2, true, [\"b\"]]\n[limits]\nlow = 1\nhigh = \"x\"\n").expect("it is right");
        let pairs: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("limits", r#"{"high":"x","low":1}"#), ("names", r#"["a",2,true,["b"]]"#)]);
        let message = file("names = [\"a\", 1979-05-27]").expect_err("it is wrong");
        assert!(message.ends_with("is of the type datetime"), "{message}");
    }

    #[test]
    fn a_json_file_gives_the_same() {
        let given = file_named("vars.JSON", r#"{"apn": "x", "n": 5, "is_on": true, "names": ["a", {"b": 1}]}"#);
        let given = given.expect("it is right");
        let pairs: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("apn", "x"), ("n", "5"), ("is_on", "true"), ("names", r#"["a",{"b":1}]"#)]);
        let marked = file_named("vars.json", "\u{feff}{\"apn\": \"x\"}").expect("a byte-order mark is no content");
        assert_eq!(marked, [("apn".to_string(), "x".to_string())]);
        assert!(file("\u{feff}apn = \"x\"\n").is_ok());
        for (text, end) in [
            ("[1]", " is a list"),
            (r#"{"a": {"b": 1, "b": 2}}"#, "has `b` twice in one object"),
            (r#"{"key": null, "a": "hunter22"}"#, "is null"),
            (r#"{"key": "hunter22""#, "column 18"),
        ] {
            let message = file_named("vars.json", text).expect_err("it is wrong");
            assert!(message.ends_with(end) && !message.contains("hunter22"), "{message}");
        }
    }

    #[test]
    fn no_message_about_a_file_shows_what_stands_in_it() {
        for text in [
            "a = 1\nkey = hunter22\n",
            "key = \"hunter22\n",
            "hunter22",
            "key = 2024-01-01",
            "key = 99999999999999999999",
            "key = [1979-05-27, \"hunter22\"]",
            "[key]\nb = 1979-05-27\na = \"hunter22\"",
        ] {
            let message = file(text).expect_err("it is wrong");
            assert!(!message.contains("hunter22"), "{message}");
        }
        assert!(file("a = 1\nkey = hunter22\n").expect_err("it is wrong").starts_with("line 2 of "));
    }
}
