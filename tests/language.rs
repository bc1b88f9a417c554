//! `docs/language.md` against the code: every statement, pattern and setting has its row, and no row is made up.
//!
//! The table of functions is compared in `src/function/tests.rs`, the examples are checked and run in
//! `tests/readme.rs`.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use flowrun::program::Program;
use flowrun::settings::{SETTINGS, Settings};
use flowrun::syntax::table::{Place, STATEMENTS};
use support::{check_text, program, repo, shown};

const GRAMMAR: &str = include_str!("../grammar/flow.pest");
const DOCUMENT: &str = include_str!("../docs/language.md");

/// Rules that are shown by an example of their own and whose words say nothing about the statement.
const LEAVES: &[&str] = &["block", "pattern", "expr", "string", "raw", "hex_string", "regex", "name", "setting"];

/// Returns the cells of each row of a table.
fn rows(header: &str) -> Vec<Vec<&'static str>> {
    let rows: Vec<Vec<_>> = DOCUMENT
        .lines()
        .skip_while(|line| !line.starts_with(header))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(!rows.is_empty(), "docs/language.md has no table {header}");
    rows
}

/// Returns what stands between backticks; two of them enclose what has one in it.
fn code(cell: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = cell;
    while let Some(start) = rest.find('`') {
        let fence = if rest[start..].starts_with("``") { "``" } else { "`" };
        let inner = &rest[start + fence.len()..];
        let end = inner.find(fence).expect("code is closed in its cell");
        found.push(inner[..end].trim());
        rest = &inner[end + fence.len()..];
    }
    found
}

/// The rules of the grammar, by name.
fn rules() -> BTreeMap<&'static str, &'static str> {
    let mut rules = BTreeMap::new();
    let mut rest = GRAMMAR;
    while let Some(at) = rest.find(" = ") {
        let line = rest[..at].rfind('\n').map_or(0, |end| end + 1);
        let name = &rest[line..at];
        let body = &rest[at + 3..];
        if name.starts_with("//") {
            rest = body.split_once('\n').map_or("", |(_, rest)| rest);
            continue;
        }
        // A rule is closed by the brace at the end of a line: no string of the grammar ends one.
        let end = body.find("}\n").expect("a rule is closed");
        rules.insert(name, &body[..end]);
        rest = &body[end + 2..];
    }
    rules
}

/// Returns the names of rules in a body, outside of its strings and of what may not follow, `!(…)`.
fn references(body: &str) -> Vec<&str> {
    let outside = body.split('"').step_by(2);
    outside
        .flat_map(|piece| {
            let mut parts = piece.split("!(");
            let first = parts.next();
            first.into_iter().chain(parts.filter_map(|part| part.split_once(')').map(|(_, rest)| rest)))
        })
        .flat_map(|piece| piece.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect()
}

/// Returns the words that a rule's own strings spell.
fn spelt(body: &str) -> Vec<&str> {
    let is_word = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase()) && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    body.split('"').skip(1).step_by(2).filter(is_word).collect()
}

/// Adds every word that may stand in a rule.
fn words<'a>(
    rules: &BTreeMap<&'a str, &'a str>,
    name: &'a str,
    seen: &mut BTreeSet<&'a str>,
    into: &mut BTreeSet<&'a str>,
) {
    let Some(body) = rules.get(name).filter(|_| seen.insert(name) && !LEAVES.contains(&name)) else { return };
    into.extend(spelt(body));
    for reference in references(body) {
        words(rules, reference, seen, into);
    }
}

/// The words that each statement of the grammar begins with: `fail on` and `fail`, `param` or `secret`.
fn beginnings<'a>(rules: &BTreeMap<&'a str, &'a str>) -> Vec<(&'a str, Vec<String>)> {
    let statements = references(rules["statement"]);
    let beginning = |name: &&'a str| {
        let mut beginnings = vec![String::new()];
        let first = references(rules[*name]).into_iter().filter(|reference| *reference != "s");
        for reference in first {
            let inner = match reference {
                // `on dtr off` and `on break`: what begins alike is told apart by its second word.
                "signal" => "\"dtr\" \"rts\" \"break\"",
                "control_line" | "input_line" if beginnings.len() > 1 => break,
                "control_line" => rules["control_name"],
                "input_line" => rules["input_name"],
                keyword if keyword.starts_with("k_") || keyword.ends_with("kind") => rules[keyword],
                _ => break,
            };
            let so_far = std::mem::take(&mut beginnings);
            for word in spelt(inner) {
                beginnings.extend(so_far.iter().map(|before| format!("{before} {word}").trim().to_string()));
            }
        }
        (*name, beginnings)
    };
    statements.iter().map(beginning).collect()
}

#[test]
fn every_statement_of_the_grammar_has_its_rows_and_every_row_its_statement() {
    let rules = rules();
    let beginnings = beginnings(&rules);
    assert!(beginnings.len() >= 40, "{beginnings:?}");
    let tables = ["| header |", "| declaration |", "| statement | meaning |"];
    let mut forms: Vec<&str> = tables.iter().flat_map(|header| rows(header)).flat_map(|row| code(row[0])).collect();
    let devices = DOCUMENT.find("Only in devices:").expect("devices have a table of their own");
    let only_devices = DOCUMENT[devices..].lines().skip(4).take_while(|line| line.starts_with('|'));
    forms.extend(only_devices.flat_map(|line| code(line.split(" | ").next().expect("it has a first cell"))));

    let mut by_rule: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for form in forms {
        let rule = beginnings
            .iter()
            .flat_map(|(rule, beginnings)| beginnings.iter().map(move |beginning| (rule, beginning)))
            .filter(|(_, beginning)| {
                let rest = form.strip_prefix(beginning.as_str());
                rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            })
            .max_by_key(|(_, beginning)| beginning.len());
        match rule {
            Some((rule, _)) => by_rule.entry(rule).or_default().push(form),
            None => wrong.push(format!("`{form}` has a row and is not a statement")),
        }
    }
    for (rule, beginnings) in &beginnings {
        let Some(forms) = by_rule.get(rule) else {
            wrong.push(format!("`{rule}` has no row"));
            continue;
        };
        let mut wanted = BTreeSet::new();
        words(&rules, rule, &mut BTreeSet::new(), &mut wanted);
        let has = |word: &str| {
            let is_word = |found: &str| found == word;
            forms.iter().any(|form| form.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_word))
        };
        let missing: Vec<_> = wanted.into_iter().filter(|word| !has(word)).collect();
        if !missing.is_empty() {
            wrong.push(format!("the rows of `{}` do not show: {}", beginnings.join("`, `"), missing.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_tables_of_statements_are_those_of_the_code() {
    let cells = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        (cells[0], cells.get(1).map_or("", |what| what.trim_matches('|').trim()))
    };
    let of = |header: &str| {
        let lines = DOCUMENT.lines().skip_while(move |line| !line.starts_with(header)).skip(2);
        lines.take_while(|line| line.starts_with('|')).map(cells).collect::<Vec<_>>()
    };
    let devices = DOCUMENT.find("Only in devices:").expect("devices have a table of their own");
    let only_devices = DOCUMENT[devices..].lines().skip(4).take_while(|line| line.starts_with('|')).map(cells);
    let shown = [
        (Place::Declaration, of("| declaration |")),
        (Place::Statement, of("| statement | meaning |")),
        (Place::Device, only_devices.collect()),
    ];
    for (place, shown) in shown {
        let rows = STATEMENTS.iter().filter(|row| row.place == place).map(|row| (row.forms, row.what));
        assert_eq!(shown, rows.collect::<Vec<_>>(), "{place:?}");
    }
}

#[test]
fn every_pattern_of_the_grammar_has_its_row_and_every_row_is_a_pattern() {
    let forms: Vec<&str> = rows("| pattern |").into_iter().flat_map(|row| code(row[0])).collect();
    for form in &forms {
        let checked = check_text("pattern.flow", &format!("flow \"pattern\"\nsend \"AT\"\nexpect {form}\n"));
        assert!(checked.problems.is_empty(), "{form}:\n{}", shown(&checked.problems, &checked));
    }
    for kind in references(rules()["pattern"]) {
        let begins = match kind {
            "line_pattern" => "line ",
            "prompt_pattern" => "prompt ",
            "regex" => "/",
            "string" => "\"",
            "raw" => "`",
            "hex_string" => "x\"",
            other => panic!("the pattern `{other}` is new: say how it begins"),
        };
        assert!(forms.iter().any(|form| form.starts_with(begins)), "`{kind}` has no row");
    }
}

/// Returns the settings of a file with these lines in it.
fn settings(kind: &str, lines: &str) -> Settings {
    let text = format!("{kind} \"settings\"\nserial {{ {lines} }}\nassert true\n");
    let program: std::sync::Arc<Program> = program(check_text("settings.flow", &text));
    program.settings.clone()
}

#[test]
fn every_setting_has_its_row_with_values_that_are_taken_and_the_right_default() {
    let mut names = Vec::new();
    for row in rows("| setting |") {
        let [settings_of_row, values, defaults] = row[..] else { panic!("three columns: {row:?}") };
        for name in code(settings_of_row) {
            for value in code(values) {
                settings("flow", &format!("{name} {value}"));
            }
            let defaults: Vec<&str> = match code(defaults)[..] {
                [] => vec![defaults],
                ref found => found.to_vec(),
            };
            let in_flows = defaults[0];
            let in_devices = defaults.last().expect("there is a first");
            assert_eq!(defaults.len() > 1, row[2].contains("in a device"), "{name}");
            assert_eq!(settings("flow", &format!("{name} {in_flows}")), settings("flow", ""), "{name} {in_flows}");
            let device = settings("device", &format!("{name} {in_devices}"));
            assert_eq!(device, settings("device", ""), "{name} {in_devices} in a device");
            names.push(name);
        }
    }
    assert_eq!(names, SETTINGS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[test]
fn every_procedure_of_a_library_has_its_row_and_every_row_its_procedure() {
    let document = include_str!("../docs/libraries.md");
    let sections: Vec<&str> = document.split("\n## ").collect();
    for (library, file) in [
        ("std/at", "flows/std/at.flow"),
        ("std/dle", "flows/std/dle.flow"),
        ("std/esp", "flows/std/esp.flow"),
        ("std/grbl", "flows/std/grbl.flow"),
        ("std/linux", "flows/std/linux.flow"),
        ("std/marlin", "flows/std/marlin.flow"),
        ("std/micropython", "flows/std/micropython.flow"),
        ("std/modbus", "flows/std/modbus.flow"),
        ("std/modem", "flows/std/modem.flow"),
        ("std/nmea", "flows/std/nmea.flow"),
        ("std/scpi", "flows/std/scpi.flow"),
        ("std/slip", "flows/std/slip.flow"),
        ("std/uboot", "flows/std/uboot.flow"),
        ("std/ubx", "flows/std/ubx.flow"),
        ("std/zephyr", "flows/std/zephyr.flow"),
        ("lib/air.flow", "flows/lib/air.flow"),
    ] {
        let text = std::fs::read_to_string(repo(file)).expect("the library is there");
        let procedures: BTreeSet<&str> =
            text.lines().filter_map(|line| line.strip_prefix("procedure ")?.strip_suffix(" {")).collect();
        let section = sections.iter().find(|section| section.starts_with(&format!("{library}:")));
        let section = section.unwrap_or_else(|| panic!("docs/libraries.md has no section on {library}"));
        let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let cells: Vec<String> = cells.map(|cell| format!("`{cell}")).collect();
        let rows: BTreeSet<&str> = cells.iter().flat_map(|cell| code(cell)).collect();
        assert_eq!(rows, procedures, "{library}");
    }
}

#[test]
fn every_keyword_is_listed_and_can_not_be_a_name() {
    let listed: BTreeSet<&str> = {
        let at = DOCUMENT.find("Keywords cannot be names:").expect("the keywords are listed");
        let paragraph = DOCUMENT[at..].split("\n\n").next().expect("it has an end");
        code(paragraph).into_iter().flat_map(|code| code.split_whitespace()).collect()
    };
    assert_eq!(listed, spelt(rules()["keyword"]).into_iter().collect());
    for keyword in listed {
        let checked = check_text("keyword.flow", &format!("flow \"keyword\"\ncompute {keyword} = 1\n"));
        assert!(checked.program.is_none(), "{keyword}");
    }
}
