//! `Unit`: a row whose values fit the params of a flow; everything that is wrong with rows is found before one of them runs.

use std::collections::{HashMap, HashSet};

use super::{PORT, Row, Sheet, counted, shown};
use crate::address::label_of;
use crate::diagnostic::nearest::nearest;
use crate::diagnostic::{Code, Diagnostic};
use crate::program::{Param, Program};
use crate::value::escape::harmless;
use crate::variables::{Given, GivenSecrets, Origin, Supplied, Ways, value_of};

/// What one run gets of its row.
#[derive(Clone)]
pub(crate) struct Unit {
    /// The number of the row; the first is 1.
    pub number: usize,
    /// What the row gives to the params of the flow.
    pub given: Vec<Given>,
    /// The port that the row names.
    pub port: Option<String>,
    /// What people call it: the value of the param that is `unique`, or else `row 3`.
    pub name: String,
    /// The same in the names of files; no other row has it.
    pub label: String,
    /// Whether the label is the name as it is: then it is that of this unit in every list.
    pub is_labelled_by_name: bool,
    /// What may be shown of the cells but for that of the port; a secret is its name.
    pub shown: Vec<String>,
}

/// Joins rows with the params of a flow; `others` is what is given to all rows.
///
/// A cell counts before everything else, as if it was typed. An empty cell is the default of its param.
///
/// # Errors
///
/// Everything that is wrong with the columns, or else with the cells. The value of a secret is in no message.
pub(crate) fn check(sheet: &Sheet, flow: &Program, others: &[Given]) -> Result<Vec<Unit>, Vec<Diagnostic>> {
    let problems = wrong_columns(sheet, flow, others);
    if !problems.is_empty() {
        return Err(problems);
    }
    let columns: Vec<Column<'_>> = sheet.columns.iter().filter_map(|name| Column::of(name, flow)).collect();
    let mut problems = Vec::new();
    let cells = sheet.rows.iter().flat_map(|row| {
        let secrets = secrets_of(row, &columns, flow, others);
        let objection = |cell: &str, column: &Column<'_>| {
            Some(format!(
                "{}, {}",
                row.place(),
                column.objection(cell, &secrets).or_else(|| column.tells(cell, &secrets))?
            ))
        };
        row.cells.iter().zip(&columns).filter_map(|(cell, column)| objection(cell, column)).collect::<Vec<_>>()
    });
    let wrong: Vec<String> = cells.collect();
    if !wrong.is_empty() {
        let verb = if wrong.len() == 1 { "does" } else { "do" };
        let message = format!("{} of `{}` {verb} not fit", counted(wrong.len(), "cell"), sheet.name);
        problems.push(Diagnostic::general(Code::VariableValue, message).help(wrong.join("\n")));
    }
    let secrets = |row: &Row| secrets_of(row, &columns, flow, others);
    problems.extend(columns.iter().enumerate().filter_map(|(at, column)| twice(sheet, at, column, &secrets)));
    if problems.is_empty() { Ok(units(sheet, &columns)) } else { Err(problems) }
}

/// What a column is for.
enum Column<'a> {
    Port,
    Param(&'a Param),
}

impl<'a> Column<'a> {
    fn of(name: &str, flow: &'a Program) -> Option<Column<'a>> {
        let param = || flow.params.iter().find(|param| param.name == name).map(Column::Param);
        if name == PORT { Some(Column::Port) } else { param() }
    }

    /// Returns the param, if it has to be another in each row.
    fn unique(&self) -> Option<&'a Param> {
        match self {
            Column::Param(param) if param.is_unique => Some(param),
            Column::Param(_) | Column::Port => None,
        }
    }

    /// Says whether a cell gives its param no value.
    fn is_left_out(&self, cell: &str) -> bool {
        matches!(self, Column::Param(param) if cell.is_empty() && param.default.is_some())
    }

    /// Returns what is wrong with a cell, if something is.
    fn objection(&self, cell: &str, secrets: &GivenSecrets) -> Option<String> {
        match self {
            Column::Port if cell.is_empty() => Some(format!("`{PORT}`: the cell is empty")),
            Column::Port => None,
            Column::Param(_) if self.is_left_out(cell) => None,
            Column::Param(param) if cell.is_empty() => {
                Some(format!("`{}`: the cell is empty, and there is no default", param.name))
            }
            Column::Param(param) => {
                let why = value_of(param, &Supplied::Spelt(cell.to_string())).err()?;
                let what = if param.is_secret {
                    "the value".to_string()
                } else {
                    format!("`{}`", shown(&secrets.covered(cell)))
                };
                Some(format!("`{}`: {what} {why}", param.name))
            }
        }
    }

    /// Says that a cell is what the row or its port is called, and a secret of the row too.
    fn tells(&self, cell: &str, secrets: &GivenSecrets) -> Option<String> {
        let (name, what) = match self {
            Column::Port => (PORT, "the name of a port"),
            Column::Param(param) if param.is_unique && !param.is_secret => {
                (param.name.as_str(), "what its files are called")
            }
            Column::Param(_) => return None,
        };
        let secret = secrets.name_of(cell)?;
        Some(format!("`{name}`: it is {what}, and the value of the secret `{secret}` too"))
    }
}

/// Returns the secrets of a row, and those that were given to all.
fn secrets_of(row: &Row, columns: &[Column<'_>], flow: &Program, others: &[Given]) -> GivenSecrets {
    let mut secrets = GivenSecrets::of(flow, others);
    for (cell, column) in row.cells.iter().zip(columns) {
        match column {
            Column::Param(param) if param.is_secret => secrets.add(&param.name, cell),
            Column::Param(_) | Column::Port => {}
        }
    }
    secrets
}

/// Returns what is wrong with the columns: those that the flow does not have, and those that it needs.
fn wrong_columns(sheet: &Sheet, flow: &Program, others: &[Given]) -> Vec<Diagnostic> {
    let file = &sheet.name;
    let title = harmless(&flow.title);
    let params = || flow.params.iter().map(|param| param.name.as_str());
    let is_needed = |param: &&Param| {
        let is_given = others.iter().any(|given| given.name == param.name);
        param.default.is_none() && !is_given && sheet.column(&param.name).is_none()
    };
    let missing: Vec<&Param> = flow.params.iter().filter(is_needed).collect();
    let unknown: Vec<&String> = sheet.columns.iter().filter(|name| Column::of(name, flow).is_none()).collect();
    let is_no_head =
        unknown.len() == sheet.columns.len() && unknown.iter().all(|name| nearest(name, params()).is_none());
    if is_no_head && !flow.params.is_empty() {
        // What stands there may be the cells of a row, with a secret among them.
        let message = format!("the first row of `{file}` names no param of `{title}`");
        let help = format!(
            "is the row with the names of the columns missing? its params are: {}",
            params().collect::<Vec<_>>().join(", ")
        );
        return vec![Diagnostic::general(Code::VariableUnknown, message).help(help)];
    }
    let mut problems = Vec::new();
    for name in &unknown {
        let help = match nearest(name, params()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if flow.params.is_empty() => format!("the flow has no params: only a column `{PORT}` has a meaning"),
            None => format!("its params are: {}; leave other columns out", params().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("`{file}` has a column `{}`, and `{title}` has no param of this name", shown(name));
        problems.push(Diagnostic::general(Code::VariableUnknown, message).help(help));
    }
    for param in missing {
        let name = &param.name;
        let help = match nearest(name, unknown.iter().map(|name| name.as_str())) {
            Some(near) => format!("is the column `{}` meant?", shown(near)),
            None if param.is_unique || param.is_secret => format!("add the column `{name}`"),
            None => format!("add the column `{name}`, or give one value to all rows: `--var {name}=…`"),
        };
        let message = format!("`{file}` has no column `{name}`, and `{name}` has no default");
        problems.push(Diagnostic::general(Code::VariableMissing, message).help(help));
    }
    for name in &sheet.columns {
        if let Some(given) = others.iter().find(|given| given.name == *name && given.from.is_for_one_program()) {
            let message = format!("`{name}` is a column of `{file}`, and was given {} too", given.how(Ways::OF_FILE));
            problems.push(Diagnostic::general(Code::CommandLine, message).help("leave one of them out"));
        }
        if flow.params.iter().any(|param| param.is_file && param.name == *name) {
            let message = format!("`{name}` is a file, and `{file}` has a column of this name");
            let help = format!("leave the column out, and give the file to all rows: `--file {name}=PATH`");
            problems.push(Diagnostic::general(Code::VariableValue, message).help(help));
        }
    }
    if sheet.column(PORT).is_some() && params().any(|name| name == PORT) {
        let message =
            format!("the column `{PORT}` of `{file}` names the serial port, and the flow has a param `{PORT}`");
        problems.push(Diagnostic::general(Code::CommandLine, message).help("give the param another name"));
    }
    let shared = flow.params.iter().filter(|param| param.is_unique && sheet.column(&param.name).is_none());
    for param in shared.filter(|param| sheet.rows.len() > 1 && others.iter().any(|given| given.name == param.name)) {
        let name = &param.name;
        let message = format!("`{name}` is `unique`, and `{file}` has no column for it: all rows would have one value");
        problems.push(Diagnostic::general(Code::VariableValue, message).help(format!("add the column `{name}`")));
    }
    problems
}

/// Returns which rows have one value for a param that is to be another in each.
fn twice(sheet: &Sheet, at: usize, column: &Column<'_>, secrets: &dyn Fn(&Row) -> GivenSecrets) -> Option<Diagnostic> {
    let param = column.unique()?;
    let mut rows: HashMap<&str, Vec<&Row>> = HashMap::new();
    let mut order = Vec::new();
    for row in sheet.rows.iter().filter(|row| !row.cells[at].is_empty()) {
        let same = rows.entry(row.cells[at].as_str()).or_default();
        if same.is_empty() {
            order.push(row.cells[at].as_str());
        }
        same.push(row);
    }
    let lines = order.into_iter().filter(|value| rows[value].len() > 1).map(|value| {
        let places: Vec<String> = rows[value].iter().map(|row| row.place()).collect();
        let covered = rows[value].iter().fold(value.to_string(), |text, row| secrets(row).covered(&text));
        let what = if param.is_secret { String::new() } else { format!("`{}`: ", shown(&covered)) };
        format!("{what}{}", places.join(", "))
    });
    let lines: Vec<String> = lines.collect();
    let message = format!("`{}` is `unique`, and rows of `{}` have the same value", param.name, sheet.name);
    (!lines.is_empty()).then(|| Diagnostic::general(Code::VariableValue, message).help(lines.join("\n")))
}

fn units(sheet: &Sheet, columns: &[Column<'_>]) -> Vec<Unit> {
    // A value that is masked is no name for a file either.
    let named = columns.iter().position(|column| column.unique().is_some_and(|param| !param.is_secret));
    let mut labels = HashSet::new();
    let unit = |row: &Row| {
        let number = row.number;
        let name = named.map_or_else(|| format!("row {number}"), |at| harmless(&row.cells[at]));
        let mut label = Some(label_of(&name)).filter(|label| !label.is_empty());
        // Some systems do not tell `a` from `A` in the name of a file.
        if label.as_ref().is_none_or(|label| !labels.insert(label.to_lowercase())) {
            label = Some(format!("{}row_{number}", label.map_or_else(String::new, |label| label + "_")));
        }
        let (mut given, mut port, mut shown) = (Vec::new(), None, Vec::new());
        for (cell, column) in row.cells.iter().zip(columns) {
            match column {
                Column::Port => port = Some(cell.clone()),
                Column::Param(_) if column.is_left_out(cell) => shown.push(String::new()),
                Column::Param(param) => {
                    given.push(Given::new(&param.name, cell, Origin::Column(sheet.name.clone())));
                    shown.push(if param.is_secret { format!("«{}»", param.name) } else { harmless(cell) });
                }
            }
        }
        let label = label.unwrap_or_default();
        let is_labelled_by_name = named.is_some() && label == name;
        Unit { number, given, port, name, label, is_labelled_by_name, shown }
    };
    sheet.rows.iter().map(unit).collect()
}
