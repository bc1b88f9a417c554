//! The structure of the crate: which module may know which, where each outside crate lives, and what every file has.
//!
//! `docs/architecture.md` shows the two tables and gives the reasons. A new edge is a commit of its own.

mod tree;

use std::collections::{BTreeMap, BTreeSet};

use tree::{File, files, first_names, names_behind};

/// Which top-level module of `src/` may import which others.
const LAYERS: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("source", &[]),
    ("settings", &["value"]),
    ("disk", &[]),
    ("address", &[]),
    ("value", &["time"]),
    ("pattern", &[]),
    ("port_id", &[]),
    ("origin", &["source", "value"]),
    ("secret", &["value"]),
    ("function", &["diagnostic", "value"]),
    ("diagnostic", &["source", "value"]),
    ("syntax", &["diagnostic", "settings", "source", "value"]),
    ("format", &["diagnostic", "source", "syntax"]),
    ("load", &["diagnostic", "disk", "source", "syntax"]),
    ("transfer", &["value"]),
    ("program", &["function", "pattern", "port_id", "settings", "source", "transfer", "value"]),
    (
        "check",
        &["diagnostic", "function", "load", "pattern", "port_id", "program", "settings", "source", "syntax", "value"],
    ),
    ("result_codes", &[]),
    ("legend", &["pattern", "port_id", "program", "result_codes"]),
    ("variables", &["diagnostic", "program", "syntax", "value"]),
    ("event", &["diagnostic", "port_id", "source", "time"]),
    ("port", &["event", "port_id", "settings"]),
    (
        "engine",
        &[
            "diagnostic",
            "event",
            "function",
            "pattern",
            "port",
            "program",
            "result_codes",
            "secret",
            "settings",
            "source",
            "time",
            "transfer",
            "value",
        ],
    ),
    ("world", &["engine", "event", "port", "time", "value"]),
    ("sim", &["engine", "event", "port", "settings", "source", "time", "value", "world"]),
    ("transport", &["address", "diagnostic", "event", "port", "settings", "time", "world"]),
    ("results", &["disk", "value", "world"]),
    ("rows", &["address", "diagnostic", "disk", "program", "source", "value", "variables"]),
    ("report", &["diagnostic", "event", "legend", "origin", "port_id", "source", "time", "value", "world"]),
    ("history", &["diagnostic", "disk", "event", "origin", "report", "source", "value"]),
    ("record", &["disk", "engine", "event", "port", "secret", "settings", "time", "value", "world"]),
    ("replay", &["event", "format", "port", "record", "settings", "source", "syntax", "time", "value", "world"]),
    (
        "draft",
        &["format", "pattern", "port", "record", "replay", "secret", "settings", "source", "syntax", "time", "value"],
    ),
    (
        "setup",
        &[
            "address",
            "check",
            "diagnostic",
            "disk",
            "engine",
            "event",
            "load",
            "origin",
            "port",
            "program",
            "record",
            "replay",
            "secret",
            "settings",
            "sim",
            "source",
            "transport",
            "value",
            "variables",
            "world",
        ],
    ),
    (
        "stress",
        &[
            "engine", "event", "pattern", "port", "program", "settings", "setup", "sim", "source", "time", "value",
            "world",
        ],
    ),
    (
        "testing",
        &[
            "address",
            "diagnostic",
            "event",
            "program",
            "report",
            "secret",
            "setup",
            "source",
            "time",
            "value",
            "variables",
            "world",
        ],
    ),
    ("coverage", &["engine", "program", "report", "source"]),
    ("mutate", &["engine", "event", "port", "program", "setup", "sim", "source", "time", "value", "world"]),
    (
        "suite",
        &[
            "address",
            "coverage",
            "diagnostic",
            "disk",
            "event",
            "program",
            "report",
            "settings",
            "setup",
            "source",
            "syntax",
            "testing",
            "value",
            "variables",
            "world",
        ],
    ),
    ("term", &["diagnostic", "secret", "time", "transfer", "value"]),
    ("reference", &["function", "syntax"]),
    ("lsp", &["check", "diagnostic", "format", "function", "load", "reference", "settings", "source", "syntax"]),
    ("labgrid", &["address"]),
    ("hook", &["diagnostic", "engine", "event", "world"]),
    ("bench", &["address", "diagnostic", "disk", "hook", "settings", "source", "syntax", "value"]),
    ("shipped", &["load", "source", "syntax"]),
    ("mcp", AGENTS),
    ("cli", &[EVERYTHING]),
];

/// Where system calls are made.
#[rustfmt::skip]
const RUSTIX: &[&str] =
    &["cli/host.rs", "cli/person/echo.rs", "cli/term/raw.rs", "cli/terminal.rs", "disk", "hook", "mcp", "transport"];

/// What the room for agents may import.
#[rustfmt::skip]
const AGENTS: &[&str] = &[
    "address", "bench", "check", "diagnostic", "disk", "event", "format", "load", "port", "program", "reference",
    "settings", "setup", "shipped", "source", "syntax", "time", "transport", "value", "variables", "world",
];

const EVERYTHING: &str = "everything";

/// Of these modules an importer may name nothing but these types: an exception is as narrow as it can be.
const NARROW: &[(&str, &str, &[&str])] = &[
    ("function", "diagnostic", &["nearest::nearest"]),
    ("report", "world", &["Audience"]),
    ("results", "world", &["Keeper"]),
];

/// Which files of `src/` may name each outside crate; a name without `.rs` is a folder.
const CRATES: &[(&str, &[&str])] = &[
    ("aes", &["value/cipher.rs"]),
    ("aho_corasick", &["pattern/sieve.rs"]),
    ("anstream", &["cli/terminal.rs"]),
    ("anstyle", &["report/console.rs", "report/palette.rs", "report/progress.rs", "report/sides.rs"]),
    ("askama", &["report/html"]),
    ("base64", &["value/coding.rs"]),
    ("cbc", &["value/cipher.rs"]),
    ("clap", &["cli/args"]),
    ("clap_complete", &["cli/args/complete.rs"]),
    ("clap_mangen", &["cli/args/man.rs"]),
    ("crc", &["value/catalogue.rs", "value/checksum.rs"]),
    ("csv", &["rows.rs", "rows"]),
    ("ctrlc", &["transport/interrupt.rs"]),
    ("data_encoding", &["value/coding.rs"]),
    ("ecb", &["value/cipher.rs"]),
    ("encoding_rs", &["value/encoding.rs"]),
    ("gen_lsp_types", &["cli/lsp"]),
    ("getrandom", &["setup.rs"]),
    ("glob", &["address.rs"]),
    ("hex", &["syntax/lower/expr.rs", "value.rs", "value/coding.rs", "value/digest.rs"]),
    ("hmac", &["value/digest.rs"]),
    ("jiff", &["cli/term/zone.rs", "value/calendar.rs"]),
    ("md5", &["value/digest.rs"]),
    (
        "memchr",
        &["check", "engine", "pattern.rs", "record/forms.rs", "secret", "value/compare.rs", "value/line_end.rs"],
    ),
    ("miette", &["diagnostic/render.rs"]),
    ("notify", &["cli/test/watch.rs"]),
    ("percent_encoding", &["value/coding.rs"]),
    ("pest", &["syntax"]),
    ("pest_derive", &["syntax/grammar.rs"]),
    ("quick_junit", &["report/junit.rs"]),
    ("regex", &["pattern", "pattern.rs", "suite/volatile.rs"]),
    ("regex_syntax", &["pattern", "pattern.rs"]),
    ("rust_decimal", &["value/decimal.rs"]),
    ("rustix", RUSTIX),
    ("shlex", &["address/command.rs"]),
    ("rfc2217", &["transport/telnet"]),
    ("rmcp", &["mcp/protocol.rs"]),
    (
        "serde_json",
        &[
            "cli/json.rs",
            "cli/lsp.rs",
            "cli/lsp",
            "history/json.rs",
            "mcp",
            "report/ctrf.rs",
            "report/html",
            "report/json.rs",
            "report/jsonl",
            "value/json.rs",
        ],
    ),
    ("saphyr", &["labgrid/resources.rs"]),
    ("serialport", &["transport/ports.rs", "transport/serial.rs", "transport/serial"]),
    ("sha1", &["value/digest.rs"]),
    ("sha2", &["value/digest.rs"]),
    ("signal_hook", &["transport/interrupt.rs"]),
    ("similar", &["suite.rs"]),
    ("strsim", &["diagnostic/nearest.rs"]),
    ("tokio", &["mcp/protocol.rs"]),
    ("toml", &["bench", "cli/given.rs", "cli/limits.rs", "results.rs"]),
    ("unicode_width", &["report/live.rs", "term/editor.rs"]),
    ("windows_sys", &["cli/person/echo.rs", "cli/term/raw.rs", "mcp/child.rs", "transport/serial"]),
];

/// Modules whose files import each other in one direction.
const INSIDE: &[&str] = &["cli", "engine", "mutate", "setup", "suite", "report", "stress"];

/// Modules that do no I/O, read no clock, start no thread and print nothing.
const PURE: &[&str] = &[
    "time",
    "source",
    "origin",
    "settings",
    "value",
    "pattern",
    "port_id",
    "secret",
    "function",
    "diagnostic",
    "syntax",
    "format",
    "lsp",
    "reference",
    "program",
    "result_codes",
    "legend",
    "check",
    "event",
    "port",
    "engine",
    "sim",
    "term",
];

/// What pure modules do not name.
const OUTSIDE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "Instant",
    "SystemTime",
    "println!",
    "print!",
    "eprintln!",
    "eprint!",
    "dbg!",
    "static mut",
];

/// So many lines a file may have.
const LONGEST: usize = 600;

#[test]
fn every_module_has_its_row_and_imports_only_what_the_row_lists() {
    let mut wrong = Vec::new();
    let mut used: BTreeSet<(&str, &str)> = BTreeSet::new();
    let all = files("src");
    for file in &all {
        let module = file.module();
        if matches!(module, "lib" | "main" | "bin") {
            continue;
        }
        let Some((row, allowed)) = LAYERS.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("src/{}: `{module}` has no row", file.path));
            continue;
        };
        for (n, line) in file.code() {
            for name in names_behind(line, "crate::") {
                let Some((target, _)) = LAYERS.iter().find(|(target, _)| *target == name) else {
                    wrong.push(format!("src/{}:{n}: `crate::{name}` is no module: import by name", file.path));
                    continue;
                };
                if target != row && !allowed.contains(target) && !allowed.contains(&EVERYTHING) {
                    wrong.push(format!("src/{}:{n}: `{module}` may not know `{name}`", file.path));
                }
                used.insert((*row, *target));
            }
        }
    }
    for (row, allowed) in LAYERS {
        let is_there = all.iter().any(|file| file.module() == *row);
        if !is_there {
            wrong.push(format!("`{row}` has a row and no file"));
        }
        let idle = allowed.iter().filter(|target| **target != EVERYTHING && !used.contains(&(*row, **target)));
        wrong.extend(idle.map(|target| format!("`{row}` does not use `{target}` any more: take it out of its row")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Who knows whom.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// Returns the names along a circle, the first of them again at the end; `None` if there is no circle.
fn circle(edges: &Edges) -> Option<Vec<String>> {
    fn visit(at: &str, edges: &Edges, path: &mut Vec<String>, done: &mut BTreeSet<String>) -> Option<Vec<String>> {
        if let Some(start) = path.iter().position(|name| name == at) {
            return Some(path[start..].iter().cloned().chain([at.to_string()]).collect());
        }
        if !done.insert(at.to_string()) {
            return None;
        }
        path.push(at.to_string());
        let found = edges.get(at).into_iter().flatten().find_map(|next| visit(next, edges, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|start| visit(start, edges, &mut Vec::new(), &mut done))
}

#[test]
fn no_module_knows_one_that_knows_it() {
    let edges = LAYERS.iter().map(|(row, allowed)| {
        let all = LAYERS.iter().map(|(name, _)| *name).filter(|name| name != row);
        let known: BTreeSet<String> = match allowed {
            [EVERYTHING] => all.map(str::to_string).collect(),
            some => some.iter().map(ToString::to_string).collect(),
        };
        (row.to_string(), known)
    });
    assert_eq!(circle(&edges.collect()), None);
}

/// Returns which files and folders directly below a module know which others there; what the module's own file passes
/// on counts as known from where it is.
fn edges_inside(module: &str, all: &[File]) -> Edges {
    let text_of = |file: &File| file.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    let inside: Vec<&File> = all.iter().filter(|file| file.path.starts_with(&format!("{module}/"))).collect();
    let parts_of = |file: &File| file.path.trim_end_matches(".rs").split('/').map(str::to_string).collect::<Vec<_>>();
    let children: BTreeSet<String> = inside.iter().map(|file| parts_of(file)[1].clone()).collect();
    let parent = all.iter().find(|file| file.path == format!("{module}.rs")).expect("a module has a file");
    let parent = text_of(parent);
    let passed_on: BTreeMap<String, String> = children
        .iter()
        .flat_map(|child| {
            let names = first_names(&parent, &format!("{child}::"));
            names.into_iter().map(move |name| (name, child.clone()))
        })
        .collect();
    let mut edges = Edges::new();
    for file in inside {
        let (text, parts) = (text_of(file), parts_of(file));
        let own = &parts[1];
        let ways = [format!("crate::{module}::"), "super::".repeat(parts.len() - 1)];
        let names = ways.iter().flat_map(|way| first_names(&text, way));
        let known = names.filter_map(|name| children.get(&name).or_else(|| passed_on.get(&name)).cloned());
        edges.entry(own.clone()).or_default().extend(known.filter(|child| child != own));
    }
    edges
}

#[test]
fn the_files_of_a_module_import_each_other_in_one_direction() {
    let all = files("src");
    for module in INSIDE {
        let edges = edges_inside(module, &all);
        assert!(edges.values().any(|known| !known.is_empty()), "src/{module}: nothing was found");
        assert_eq!(circle(&edges), None, "src/{module}");
    }
}

/// Returns everything that a part knows, directly or through others.
fn reach(from: &str, edges: &Edges) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from.to_string()];
    while let Some(at) = next.pop() {
        let known = edges.get(&at).into_iter().flatten();
        next.extend(known.filter(|name| reached.insert(String::clone(name))).cloned());
    }
    reached
}

#[test]
fn the_three_parts_of_an_engine_do_not_know_each_other() {
    let edges = edges_inside("engine", &files("src"));
    let parts = ["port", "flow", "journal"];
    for part in parts {
        let reached = reach(part, &edges);
        assert!(!reached.is_empty(), "src/engine/{part}.rs: nothing was found");
        let known: Vec<_> = parts.iter().filter(|other| **other != part && reached.contains(**other)).collect();
        assert!(known.is_empty(), "src/engine/{part}.rs knows {known:?}, perhaps through others");
    }
}

#[test]
fn code_ends_where_the_module_of_unit_tests_begins_and_not_before() {
    let code = |text: &str| {
        let file = File { path: "a.rs".to_string(), text: text.to_string() };
        file.code().map(|(n, _)| n).collect::<Vec<_>>()
    };
    assert_eq!(code("a\n// b\n#[cfg(test)]\nfn c() {}\nd\n#[cfg(test)]\nmod tests {\n}"), [1, 3, 4, 5]);
    assert_eq!(code("a\n#[cfg(test)]\n#[expect(x)]\npub(crate) mod tests;\nb"), [1]);
    assert_eq!(code("a\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod vectors;"), [1]);
}

#[test]
fn a_circle_is_found_wherever_it_begins() {
    let edges = |pairs: &[(&str, &str)]| {
        let mut edges = Edges::new();
        for (from, to) in pairs {
            edges.entry(from.to_string()).or_default().insert(to.to_string());
        }
        edges
    };
    assert_eq!(circle(&edges(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])), None);
    let found = circle(&edges(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")]));
    assert_eq!(found.map(|path| path.join(" ")).as_deref(), Some("b c d b"));
    assert_eq!(
        first_names("use super::{run, many::{a, b}, c};\nsuper::x::y();\nsuper::super::z", "super::"),
        ["run", "many", "c", "x", "super"]
    );
}

#[test]
fn narrow_exceptions_stay_narrow() {
    let mut wrong = Vec::new();
    for file in files("src") {
        for (_, target, types) in NARROW.iter().filter(|(module, ..)| *module == file.module()) {
            let prefix = format!("crate::{target}::");
            for (n, line) in file.code() {
                for (at, _) in line.match_indices(&prefix) {
                    let rest = line[at + prefix.len()..].trim_end_matches(';').trim_matches(['{', '}']);
                    let named = rest.split(',').map(str::trim).find(|name| !types.contains(name));
                    wrong.extend(named.map(|name| format!("src/{}:{n}: `{prefix}{name}`", file.path)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_outside_crate_lives_in_its_place() {
    let mut wrong = Vec::new();
    for file in files("src") {
        for (n, line) in file.code() {
            for (name, places) in CRATES {
                let path = format!("{name}::");
                let is_named = names_behind(line, &path).next().is_some() || line.trim() == format!("use {name};");
                let is_at_home = places.iter().any(|place| {
                    file.path == *place
                        || file.path == format!("{place}.rs")
                        || file.path.starts_with(&format!("{place}/"))
                });
                if is_named && !is_at_home {
                    wrong.push(format!("src/{}:{n}: `{name}` belongs in {}", file.path, places.join(", ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_has_its_place_and_a_comment_that_says_what_it_spares_us() {
    let manifest = include_str!("../Cargo.toml");
    let mut section = "";
    let mut is_explained = false;
    let mut wrong = Vec::new();
    for line in manifest.lines() {
        if let Some(title) = line.strip_prefix('[') {
            section = title.trim_end_matches(']');
            is_explained = false;
            continue;
        }
        if line.starts_with('#') {
            is_explained = true;
            continue;
        }
        let Some((name, _)) = line.split_once('=').filter(|_| section.ends_with("dependencies")) else {
            is_explained &= !line.is_empty();
            continue;
        };
        // Those that come together share a comment.
        let name = match name.trim() {
            "md-5" => "md5".to_string(),
            other => other.replace('-', "_"),
        };
        if !is_explained {
            wrong.push(format!("Cargo.toml: `{name}` has no comment"));
        }
        let is_for_tests = section.contains("dev-dependencies");
        if !is_for_tests && !CRATES.iter().any(|(known, _)| *known == name) {
            wrong.push(format!("`{name}` has no row in tests/layers.rs"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_modules_reach_nothing_outside() {
    let mut wrong = Vec::new();
    for file in files("src").iter().filter(|file| PURE.contains(&file.module())) {
        for (n, line) in file.code() {
            let named = OUTSIDE.iter().find(|word| names_behind(line, word).next().is_some());
            wrong.extend(named.map(|word| format!("src/{}:{n}: `{word}`", file.path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_in_its_first_line_what_it_is_for_and_is_not_too_long() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for File { path, text } in files(folder) {
            if !text.starts_with("//! ") {
                wrong.push(format!("{folder}/{path}: the first line is not `//! …`"));
            }
            if text.lines().count() > LONGEST {
                wrong.push(format!("{folder}/{path}: {} lines, at most {LONGEST}", text.lines().count()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the rows of a table of a document: the words in backticks of each of its first two columns.
fn table<'a>(document: &'a str, header: &str) -> Vec<(Vec<&'a str>, Vec<&'a str>)> {
    fn words(cell: &str) -> Vec<&str> {
        cell.split('`').skip(1).step_by(2).collect()
    }
    let rows: Vec<_> = document
        .lines()
        .skip_while(|line| !line.starts_with(header))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|');
            (words(cells.next().unwrap_or("")), words(cells.next().unwrap_or("")))
        })
        .collect();
    assert!(!rows.is_empty(), "no table {header}");
    rows
}

#[test]
fn the_architecture_document_shows_these_tables() {
    let document = include_str!("../docs/architecture.md");
    let shown: Vec<_> =
        table(document, "| module | may import").into_iter().map(|(row, allowed)| (row[0], allowed)).collect();
    let meant: Vec<_> = LAYERS
        .iter()
        .map(|(row, allowed)| (*row, allowed.iter().copied().filter(|to| *to != EVERYTHING).collect::<Vec<_>>()))
        .collect();
    assert_eq!(shown, meant);
    let mut shown = BTreeSet::new();
    for (crates, places) in table(document, "| crate | lives in") {
        shown.extend(crates.into_iter().map(|name| (name, places.clone())));
    }
    let meant: BTreeSet<_> = CRATES.iter().map(|(name, places)| (*name, places.to_vec())).collect();
    assert_eq!(shown, meant);
}
