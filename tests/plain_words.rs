//! Messages, help and documents use the common words of CONTRIBUTING.md, "Plain English".

#[path = "tree/mod.rs"]
mod tree;

use regex::Regex;

/// What is hard to read for people who learned English later, and what to write in its place.
const HARD: &[(&str, &str)] = &[
    (r"\bcan not\b", "cannot"),
    (r"\bin vain\b", "without success"),
    (r"\bstands? (behind|in|at|before|there|here|unread|last|between)\b", "is, follows, comes before"),
    (
        r"[^e] is no (whole |control )?(number|name|text|list|file|folder|duration|statement|time|address|pattern)\b",
        "is not a",
    ),
    (r"[^e] is no (report|encoding|editor|table|CSV|factor|port|value|regex)\b", "is not a"),
    (r"\b(is|are|was|were) awaited\b", "is expected"),
    (r"\bso (many|long)\b", "this many, this long"),
    (r"\bis told\b", "is reported"),
    (r"\b(is|are) to be\b", "must be"),
    (r"\bwas not to come\b", "unexpected"),
    (r"\bit is still not so\b", "its condition is still false"),
    (r"\b(whoever|whereof|lest|afresh|for ever)\b", "the common word"),
];

/// What is compared with other texts, or quotes them.
const QUOTED: &[&str] = &["CONTRIBUTING.md"];

#[test]
fn messages_and_help_have_none_of_the_hard_words() {
    let mut found = Vec::new();
    for file in tree::files("src") {
        let is_help = file.path.starts_with("cli/args");
        let help = file.text.lines().enumerate().map(|(i, line)| (i + 1, line));
        let help = help.filter(|(_, line)| is_help && line.trim_start().starts_with("///"));
        // A reason is for developers, and so is what an `expect` says.
        let is_message = |line: &str| !line.contains(".expect(\"") && !line.contains("reason = \"");
        let messages = file.code().filter(|(_, line)| is_message(line)).map(|(n, line)| (n, without_comment(line)));
        find(&format!("src/{}", file.path), messages.chain(help), &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn documents_have_none_of_the_hard_words() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).expect("there are documents").map(|entry| {
        let name = entry.expect("they can be listed").file_name();
        format!("docs/{}", name.to_string_lossy())
    });
    let mut names: Vec<String> = docs.filter(|name| name.ends_with(".md")).chain(["README.md".to_string()]).collect();
    names.sort();
    let mut found = Vec::new();
    for name in names.iter().filter(|name| !QUOTED.contains(&name.as_str())) {
        let text = std::fs::read_to_string(root.join(name)).expect("it is UTF-8");
        find(name, text.lines().enumerate().map(|(i, line)| (i + 1, line)), &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn each_hard_word_is_found() {
    let line = "what is awaited stands behind it, whoever wants it";
    let mut found = Vec::new();
    find("a", std::iter::once((1, line)), &mut found);
    assert_eq!(found.len(), 3, "{found:?}");
}

/// Returns a line of Rust without the comment at its end.
fn without_comment(line: &str) -> &str {
    line.split(" // ").next().unwrap_or(line)
}

/// Adds what is hard to read in lines, with its place and what to write.
fn find<'a>(name: &str, lines: impl Iterator<Item = (usize, &'a str)>, found: &mut Vec<String>) {
    let hard: Vec<(Regex, &str)> =
        HARD.iter().map(|(hard, plain)| (Regex::new(hard).expect("it is a regex"), *plain)).collect();
    for (n, line) in lines {
        for (regex, plain) in &hard {
            if let Some(part) = regex.find(line) {
                found.push(format!("{name}:{n}: `{}`: write {plain}", part.as_str()));
            }
        }
    }
}
