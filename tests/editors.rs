//! The grammars of editors against the grammar of flowrun: tree-sitter finds the same statements, and every grammar knows
//! every word. What Vim and Visual Studio Code make of the flows is in `.ci/editors`.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use flowrun::settings::SETTINGS;
use flowrun::source::{Source, Sources};
use flowrun::syntax::ast::{Block, Reach, Scope, SendMode, Statement, StatementKind};
use flowrun::syntax::{self, Parsed};
use tree_sitter::{Node, Parser, Query, QueryCursor, StreamingIterator as _, Tree};

const GRAMMAR: &str = include_str!("../grammar/flow.pest");
const LANGUAGE: &str = include_str!("../docs/language.md");
const TREE_SITTER: &str = include_str!("../editors/tree-sitter-flow/grammar.js");
const SCANNER: &str = include_str!("../editors/tree-sitter-flow/src/scanner.c");
const TEXTMATE: &str = include_str!("../editors/vscode/syntaxes/flow.tmLanguage.json");
const VIM: &str = include_str!("../editors/vim/syntax/flow.vim");

/// Texts that flowrun refuses for what they mean; for an editor they are well formed.
const REFUSED_FOR_THEIR_MEANING: &[&str] = &[
    "bad_escape.flow",
    "bad_hex_string.flow",
    "blocks_nested_too_deeply.flow",
    "empty.flow",
    "leading_zeros_and_decimals.flow",
    "nested_too_deeply.flow",
    "no_header.flow",
    "number_too_large.flow",
    "two_headers.flow",
];

/// A text with the place it is from.
struct Text {
    place: String,
    text: String,
}

/// Returns every flow, device and library of the repository and of its documents.
fn texts() -> Vec<Text> {
    fn walk(root: &Path, folder: &Path, into: &mut Vec<Text>) {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("its entries can be read").path();
            let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    walk(root, &path, into);
                }
                continue;
            }
            let place = path.strip_prefix(root).expect("it is below the root").display().to_string();
            let Ok(text) = fs::read_to_string(&path) else { continue };
            if name.ends_with(".flow") {
                into.push(Text { place, text });
            } else if name.ends_with(".md") {
                blocks(&place, &text, into);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort_by(|a, b| a.place.cmp(&b.place));
    assert!(found.len() > 400, "{} texts were found", found.len());
    found
}

/// Puts the flows of a document into a list.
fn blocks(place: &str, document: &str, into: &mut Vec<Text>) {
    let mut lines = document.lines().enumerate();
    while let Some((n, line)) = lines.next() {
        if line == "```flow" {
            let text = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            let text = text.flat_map(|line| [line, "\n"]).collect();
            into.push(Text { place: format!("{place}:{}", n + 1), text });
        }
    }
}

fn parse(text: &str) -> Parsed {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("t.flow", text));
    syntax::parse(id, sources.get(id))
}

fn parse_as_editors_do(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_flow::LANGUAGE.into()).expect("tree-sitter takes this version of the grammar");
    parser.parse(text, None).expect("nothing stops the parser")
}

/// A statement or a comment: where it begins, where it ends, what it is called.
type Found = (usize, usize, String);

/// What tree-sitter calls a statement.
#[expect(clippy::wildcard_enum_match_arm, reason = "most kinds are called as the enum calls them")]
fn title(statement: &Statement) -> String {
    let title = match &statement.kind {
        StatementKind::Param(param) if param.is_file => "file",
        StatementKind::Send { mode: SendMode::Reply, .. } => "reply",
        StatementKind::Expect { scope: Scope::Unclaimed, .. } => "await",
        StatementKind::Expect { .. }
        | StatementKind::ExpectAny { .. }
        | StatementKind::ExpectAll { .. }
        | StatementKind::ExpectNone { .. }
        | StatementKind::ExpectQuiet { .. }
        | StatementKind::ExpectInput { .. } => "expect",
        StatementKind::FailOn { reach: Reach::Run, .. } => "fail_now_on",
        StatementKind::Fail { reach: Reach::Run, .. } => "fail_now",
        other => {
            // `SendFile { … }` is `send_file`.
            let printed = format!("{other:?}");
            let mut title = String::new();
            for c in printed.chars().take_while(char::is_ascii_alphanumeric) {
                if c.is_uppercase() && !title.is_empty() {
                    title.push('_');
                }
                title.push(c.to_ascii_lowercase());
            }
            return title;
        }
    };
    title.to_string()
}

fn statements_of(body: &[Statement], into: &mut Vec<Found>) {
    for statement in body {
        let range = statement.span.range();
        into.push((range.start, range.end, title(statement)));
        statement.blocks().into_iter().for_each(|Block { body, .. }| statements_of(body, into));
    }
}

/// Returns the statements of a tree of tree-sitter and its comments.
fn found_by_editors(node: Node<'_>, into: &mut (Vec<Found>, Vec<Found>)) {
    let found = (node.start_byte(), node.end_byte(), node.kind().to_string());
    let parent = node.parent().map_or("", |parent| parent.kind());
    let is_watcher_of_port = node.is_named() && node.kind() == "using" && node.child_by_field_name("body").is_none();
    // The header is no statement of flowrun's tree.
    let is_statement = matches!(parent, "source_file" | "block") && node.is_named() && node.kind() != "header";
    if node.kind() == "comment" {
        into.1.push(found);
    } else if is_watcher_of_port {
        // Flowrun has the watcher alone, which knows its port.
        let watcher = node.named_child(1).map_or("", |child| child.kind());
        into.0.push((found.0, found.1, watcher.to_string()));
    } else if is_statement || node.is_named() && node.kind() == "if" {
        into.0.push(found);
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).for_each(|child| found_by_editors(child, into));
}

/// Returns the lines of a text in which tree-sitter finds an error, or something that is missing.
fn errors(node: Node<'_>, into: &mut Vec<usize>) {
    if node.is_error() || node.is_missing() {
        into.push(node.start_position().row + 1);
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).for_each(|child| errors(child, into));
}

#[test]
fn editors_read_every_flow_as_flowrun_does() {
    let mut wrong = Vec::new();
    let mut n_statements = 0;
    for Text { place, text } in texts() {
        let parsed = parse(&text);
        if !parsed.problems.is_empty() {
            continue;
        }
        let tree = parse_as_editors_do(&text);
        let mut lines = Vec::new();
        errors(tree.root_node(), &mut lines);
        if !lines.is_empty() {
            wrong.push(format!("{place}: tree-sitter finds errors in the lines {lines:?}"));
            continue;
        }
        let mut editors = (Vec::new(), Vec::new());
        found_by_editors(tree.root_node(), &mut editors);
        let mut flowrun = Vec::new();
        statements_of(&parsed.file.body, &mut flowrun);
        n_statements += flowrun.len();
        let comments = parsed.comments.iter().map(|span| (span.range().start, span.range().end, "comment".to_string()));
        for (flowrun, editors) in [(flowrun, editors.0), (comments.collect(), editors.1)] {
            let flowrun: BTreeSet<Found> = flowrun.into_iter().collect();
            let editors: BTreeSet<Found> = editors.into_iter().collect();
            let only =
                |found: Option<&Found>| found.map(|(from, to, title)| (title.clone(), text[*from..*to].to_string()));
            if flowrun != editors {
                let (one, other) =
                    (only(flowrun.difference(&editors).next()), only(editors.difference(&flowrun).next()));
                wrong.push(format!("{place}: flowrun finds {one:?}, tree-sitter {other:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_statements > 3000, "{n_statements} statements were compared");
}

#[test]
fn editors_mark_what_flowrun_cannot_read() {
    let mut wrong = Vec::new();
    let mut n_refused = 0;
    for Text { place, text } in texts() {
        let Some(name) = place.strip_prefix("tests/cases/syntax/") else { continue };
        if parse(&text).problems.is_empty() {
            continue;
        }
        let has_error = parse_as_editors_do(&text).root_node().has_error();
        n_refused += usize::from(has_error);
        if has_error == REFUSED_FOR_THEIR_MEANING.contains(&name) {
            wrong.push(format!("{place}: tree-sitter {} an error", if has_error { "finds" } else { "does not find" }));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_refused > 15, "{n_refused} texts were refused");
}

#[test]
fn no_half_of_a_flow_confuses_the_parser_for_long() {
    // An editor shows half-written files: after an error, the statements of the next step are found again.
    let broken = "flow \"t\"\nstep \"a\" {\n  send \n}\nstep \"b\" {\n  send \"AT\"  expect line \"OK\"\n}\n";
    let tree = parse_as_editors_do(broken);
    assert!(tree.root_node().has_error());
    let mut found = (Vec::new(), Vec::new());
    found_by_editors(tree.root_node(), &mut found);
    let titles: Vec<&str> = found.0.iter().map(|(_, _, title)| title.as_str()).collect();
    assert!(titles.ends_with(&["step", "send", "expect"]), "{}", tree.root_node().to_sexp());
}

/// Returns the texts that a query gives each name to.
fn captured(query: &str, text: &str) -> Vec<(String, String)> {
    let language = tree_sitter_flow::LANGUAGE.into();
    let query = Query::new(&language, query).expect("the query fits the grammar");
    let tree = parse_as_editors_do(text);
    let mut cursor = QueryCursor::new();
    let mut captures = cursor.captures(&query, tree.root_node(), text.as_bytes());
    let mut found = Vec::new();
    while let Some((matched, at)) = captures.next() {
        let capture = matched.captures()[*at];
        let name = query.capture_names()[capture.index as usize].to_string();
        found.push((name, text[capture.node.byte_range()].to_string()));
    }
    found
}

#[test]
fn queries_of_editors_find_what_they_name() {
    let text =
        "# c\nflow \"t\"\nparam n = 5s\nprocedure p(a) {\n  send \"AT${len(a)}\"  expect line /O\\w/i\n  return a\n}\n";
    let shown = captured(tree_sitter_flow::HIGHLIGHTS, text);
    for (name, wanted) in [
        ("comment", "# c"),
        ("keyword", "param"),
        ("variable", "n"),
        ("number", "5s"),
        ("function", "p"),
        ("variable.parameter", "a"),
        ("function.builtin", "len"),
        ("punctuation.special", "${"),
        ("string.regexp", "/O\\w/i"),
        ("markup.heading", "\"t\""),
        ("keyword.return", "return"),
    ] {
        assert!(shown.contains(&(name.to_string(), wanted.to_string())), "{name} {wanted}: {shown:?}");
    }
    let folded = captured(tree_sitter_flow::FOLDS, text);
    assert_eq!(folded.len(), 1, "{folded:?}");
    assert!(!captured(tree_sitter_flow::INDENTS, text).is_empty());
    let places = captured(tree_sitter_flow::LOCALS, text);
    assert!(places.contains(&("local.definition.parameter".to_string(), "a".to_string())), "{places:?}");
    let others = captured(tree_sitter_flow::INJECTIONS, text);
    assert!(others.contains(&("injection.content".to_string(), "O\\w".to_string())), "{others:?}");
}

/// Returns the texts between double quotes that are words.
fn quoted_words(text: &str) -> BTreeSet<String> {
    text.split('"').skip(1).step_by(2).filter(|word| is_word(word)).map(str::to_string).collect()
}

fn is_word(text: &str) -> bool {
    text.len() > 1 && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

/// Returns every word that the grammar of flowrun has.
fn words_of_flowrun() -> BTreeSet<String> {
    let rules = GRAMMAR.lines().filter(|line| !line.starts_with("//") && !line.starts_with("duration ="));
    let words: BTreeSet<String> = rules.flat_map(quoted_words).collect();
    assert!(words.len() > 90, "{words:?}");
    words
}

/// Returns the words of the rule `keyword`.
fn reserved_words_of_flowrun() -> BTreeSet<String> {
    let (_, rule) = GRAMMAR.split_once("keyword = _{").expect("the grammar has this rule");
    quoted_words(rule.split_once("\n}").expect("it is closed").0)
}

/// Returns the words between two texts.
fn words_between(text: &str, from: &str, to: &str) -> BTreeSet<String> {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{from} is there"));
    quoted_words(rest.split_once(to).unwrap_or_else(|| panic!("{to} is there")).0)
}

fn same(what: &str, wanted: &BTreeSet<String>, found: &BTreeSet<String>) {
    let missing: Vec<_> = wanted.difference(found).collect();
    let unknown: Vec<_> = found.difference(wanted).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "{what}: {missing:?} are missing, {unknown:?} are no words");
}

#[test]
fn tree_sitter_knows_every_word() {
    let reserved = reserved_words_of_flowrun();
    same("RESERVED of grammar.js", &reserved, &words_between(TREE_SITTER, "const RESERVED = [", "];"));
    same("RESERVED of scanner.c", &reserved, &words_between(SCANNER, "RESERVED[] = {", "};"));
    let (_, rules) = TREE_SITTER.split_once("\n  rules: {").expect("it has rules");
    let opening = words_between(TREE_SITTER, "const OPENING = [", "];");
    // Fields have names of their own.
    let mut parts = rules.split("field(\"");
    let first = parts.next().unwrap_or("").to_string();
    let rules = parts.fold(first, |rules, part| rules + part.split_once('"').map_or(part, |(_, rest)| rest));
    same("the rules of grammar.js", &words_of_flowrun(), &quoted_words(&rules).union(&opening).cloned().collect());
    let shown = tree_sitter_flow::HIGHLIGHTS.lines().filter(|line| !line.starts_with(';'));
    // They are nodes of their own.
    let nodes = BTreeSet::from(["true", "false", "restart", "flush"].map(str::to_string));
    same(
        "highlights.scm",
        &words_of_flowrun(),
        &shown.flat_map(quoted_words).collect::<BTreeSet<_>>().union(&nodes).cloned().collect(),
    );
}

/// Returns the functions that the reference describes; its own test compares it with the table of functions.
fn functions() -> BTreeSet<String> {
    let (_, table) = LANGUAGE.split_once("\n| function |").expect("the document has this table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let forms = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let names: BTreeSet<String> = forms.filter_map(|form| Some(form.split_once('(')?.0.to_string())).collect();
    assert!(names.len() > 80, "{names:?}");
    names
}

fn settings() -> BTreeSet<String> {
    SETTINGS.iter().map(|(name, _)| (*name).to_string()).collect()
}

#[test]
fn the_grammar_of_visual_studio_code_knows_every_word() {
    let grammar: serde_json::Value = serde_json::from_str(TEXTMATE).expect("it is JSON");
    // `\b(?:one|two)\b` is a list of words.
    let words = |rule: &str| -> BTreeSet<String> {
        let patterns = grammar["repository"][rule]["patterns"].as_array().unwrap_or_else(|| panic!("it has {rule}"));
        let expressions = patterns.iter().filter_map(|pattern| pattern["match"].as_str());
        let lists = expressions.filter_map(|expression| expression.split_once("(?:")?.1.split_once(')'));
        lists.flat_map(|(list, _)| list.split('|')).map(str::to_string).collect()
    };
    same("keywords of flow.tmLanguage.json", &words_of_flowrun(), &words("keywords"));
    same("functions of flow.tmLanguage.json", &functions(), &words("functions"));
    same("settings of flow.tmLanguage.json", &settings(), &words("settings"));
}

#[test]
fn vim_knows_every_word() {
    let text = VIM.replace("\n  \\", "");
    let words = |groups: &[&str]| -> BTreeSet<String> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("syntax keyword "));
        let lists = lines.filter(|line| groups.iter().any(|group| line.split(' ').next() == Some(group)));
        lists
            .flat_map(|line| line.split_whitespace().skip(1))
            .filter(|word| *word != "contained")
            .map(str::to_string)
            .collect()
    };
    let keywords =
        words(&["flowDeclaration", "flowStatement", "flowConditional", "flowRepeat", "flowOperator", "flowBoolean"]);
    same("keywords of flow.vim", &words_of_flowrun(), &keywords);
    same("functions of flow.vim", &functions(), &words(&["flowFunction"]));
    same("settings of flow.vim", &settings(), &words(&["flowSetting"]));
}

/// Returns the places of what every editor can tell apart: row, column and length in characters, and what it is.
fn colours(node: Node<'_>, text: &str, reserved: &BTreeSet<String>, into: &mut String) {
    let kind = node.kind();
    let colour = match kind {
        "comment" | "string" | "raw_string" | "hex_string" | "regex" | "number" | "duration" => Some(kind),
        _ if !node.is_named() && reserved.contains(kind) => Some("keyword"),
        _ => None,
    };
    if let Some(colour) = colour {
        let line = node.start_byte() - node.start_position().column;
        let before = text[line..node.start_byte()].chars().count();
        let length = text[node.byte_range()].chars().take_while(|c| *c != '\n').count();
        writeln!(into, "{} {before} {length} {colour}", node.start_position().row).expect("a String takes all");
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).for_each(|child| colours(child, text, reserved, into));
}

#[test]
fn colours_are_written_for_the_tests_of_editors() {
    let reserved = reserved_words_of_flowrun();
    let mut written = String::new();
    for Text { place, text } in texts() {
        // What is not formatted, or has line ends of its own, is no subject for a comparison of columns.
        if !place.ends_with(".flow")
            || text.contains('\r')
            || text.starts_with('\u{feff}')
            || !parse(&text).problems.is_empty()
        {
            continue;
        }
        writeln!(written, "= {place}").expect("a String takes all");
        colours(parse_as_editors_do(&text).root_node(), &text, &reserved, &mut written);
    }
    assert!(written.lines().count() > 10_000, "{} places", written.lines().count());
    if let Some(path) = std::env::var_os("FLOWRUN_EDITOR_COLOURS") {
        fs::write(&path, written).expect("the file can be written");
    }
}
