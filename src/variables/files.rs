//! Files that the command line names, and that a program declares with `file`.

use std::collections::HashMap;

use super::{Ways, missing_at};
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::program::{Param, Program, name_key};
use crate::value::Value;
use crate::value::escape::harmless;

/// A file that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenFile {
    /// What the program calls it.
    pub name: String,
    /// What it is called on disk, without its folder.
    pub title: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Puts what is in files, and what they are called, to the values of a program.
///
/// # Errors
///
/// All that is wrong: unknown names, then what is missing.
pub(super) fn bind(
    program: &Program,
    given: Vec<GivenFile>,
    ways: Ways,
    values: &mut HashMap<String, Value>,
) -> Vec<Diagnostic> {
    let is_file = |name: &str| program.params.iter().any(|param| param.is_file && param.name == name);
    let mut problems: Vec<Diagnostic> =
        given.iter().filter(|file| !is_file(&file.name)).map(|file| unknown(program, &file.name)).collect();
    for file in given {
        if is_file(&file.name) {
            values.insert(name_key(&file.name), Value::text(file.title.as_str()));
            values.insert(file.name, Value::Bytes(file.content));
        }
    }
    let is_missing =
        |param: &&Param| param.is_file && param.default.is_none() && !values.contains_key(param.name.as_str());
    let missing: Vec<&Param> = program.params.iter().filter(is_missing).collect();
    problems.extend(missing_problem(&missing, ways));
    problems
}

/// Returns what is wrong with a value that is given to a file as if it were a variable; `from` says how, as the end of a
/// sentence.
pub(super) fn refuse_value(param: &Param, from: &str, ways: Ways) -> Diagnostic {
    let message = format!("`{}` is a file, and a value was given {from}", param.name);
    Diagnostic::new(Code::VariableValue, param.site, message, "declared as a file").help(how_to_give(&[param], ways))
}

fn unknown(program: &Program, name: &str) -> Diagnostic {
    let files = program.params.iter().filter(|param| param.is_file).map(|param| param.name.as_str());
    let help = match nearest(name, files.clone()) {
        _ if program.receives(name) => "it is received, and only a run writes what it receives".to_string(),
        Some(name) => format!("did you mean `{name}`?"),
        None if files.clone().next().is_none() => {
            "it has none that the command line may give: they are declared with `file`".to_string()
        }
        None => format!("it has: {}", files.collect::<Vec<_>>().join(", ")),
    };
    let message =
        format!("`{}` has no file `{}`, which was given with `--file`", harmless(&program.title), harmless(name));
    Diagnostic::general(Code::VariableUnknown, message).help(help)
}

fn missing_problem(missing: &[&Param], ways: Ways) -> Option<Diagnostic> {
    let (first, others) = missing.split_first()?;
    let names: Vec<String> = missing.iter().map(|param| format!("`{}`", param.name)).collect();
    let message = match missing {
        [_] => format!("the file {} was not given", names[0]),
        _ => format!("these files were not given: {}", names.join(", ")),
    };
    Some(missing_at(first, others, message).help(how_to_give(missing, ways)))
}

fn how_to_give(files: &[&Param], ways: Ways) -> String {
    let options = |option: &str| {
        let all: Vec<String> = files.iter().map(|param| format!("`{option} {}=PATH`", param.name)).collect();
        format!("give {}", all.join(" and "))
    };
    match ways.file_option {
        Some(option) => options(option),
        None => {
            "a device that a flow is run against has no file but its default: write `file NAME = x\"…\"`".to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::*;
    use crate::check::check;
    use crate::load::load;
    use crate::variables::{Given, Offered, Origin};

    fn program(declarations: &str) -> Program {
        let text = format!("flow \"Test\"\n{declarations}\nsend \"AT\"\nexpect line \"OK\"\n");
        let reader = |_: &Path| -> io::Result<Vec<u8>> { Ok(text.as_bytes().to_vec()) };
        let checked = check(load(Path::new("test.flow"), &reader));
        assert_eq!(checked.problems, []);
        checked.program.expect("it has no problems")
    }

    fn given(name: &str) -> Offered {
        let file = GivenFile { name: name.to_string(), title: "fw.bin".to_string(), content: vec![1, 2] };
        Offered { files: vec![file], ..Offered::default() }
    }

    fn refusals(declarations: &str, offered: Offered, ways: Ways) -> Vec<(String, String)> {
        let problems = offered.bind(&program(declarations), ways).expect_err("something is wrong");
        problems.into_iter().map(|problem| (problem.message, problem.help.unwrap_or_default())).collect()
    }

    #[test]
    fn a_file_is_bytes_and_has_a_name() {
        let values = given("fw").bind(&program("file fw"), Ways::OF_FILE).expect("it is right");
        assert_eq!(values["fw"], Value::Bytes(vec![1, 2]));
        assert_eq!(values[&name_key("fw")], Value::text("fw.bin"));
        assert!(
            Offered::default().bind(&program("file fw = \"x\""), Ways::OF_FILE).expect("it has a default").is_empty()
        );
    }

    #[test]
    fn what_is_wrong_says_how_to_give_a_file() {
        let pair = |message: &str, help: &str| vec![(message.to_string(), help.to_string())];
        assert_eq!(
            refusals("file fw\nfile map", Offered::default(), Ways::OF_FILE),
            pair("these files were not given: `fw`, `map`", "give `--file fw=PATH` and `--file map=PATH`")
        );
        assert_eq!(
            refusals("file firmware = \"x\"", given("firmwre"), Ways::OF_FILE),
            pair("`Test` has no file `firmwre`, which was given with `--file`", "did you mean `firmware`?")
        );
        assert_eq!(
            refusals("param fw = \"x\"", given("fw"), Ways::OF_FILE),
            pair(
                "`Test` has no file `fw`, which was given with `--file`",
                "it has none that the command line may give: they are declared with `file`"
            )
        );
        assert_eq!(
            refusals("file fw", Offered::default(), Ways::OF_DEVICE),
            pair(
                "the file `fw` was not given",
                "a device that a flow is run against has no file but its default: write `file NAME = x\"…\"`"
            )
        );
        let value = Offered { given: vec![Given::new("fw", "00", Origin::Option)], ..Offered::default() };
        assert_eq!(
            refusals("file fw = \"x\"", value, Ways::OF_FILE),
            pair("`fw` is a file, and a value was given with `--var`", "give `--file fw=PATH`")
        );
    }
}
