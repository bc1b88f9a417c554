//! How large things may be, and that nothing is left for later. The length of files is in tests/layers.rs, that of functions is a lint.

mod tree;

use tree::{File, files, names_behind};

/// So many fields a struct may have.
const FIELDS: usize = 15;

/// Returns the structs with named fields that begin in a text and close at the column where they begin: their names, and how
/// many fields they have.
fn structs(text: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let Some(name) = names_behind(code, "struct ").next().filter(|_| code.ends_with('{')) else { continue };
        let is_field = |line: &&str| {
            let field = line[indent.min(line.len())..].strip_prefix("    ").unwrap_or("");
            let field =
                field.strip_prefix("pub ").or_else(|| field.split_once(") ").map(|(_, rest)| rest)).unwrap_or(field);
            let word = field.split(':').next().unwrap_or("");
            field.contains(": ") && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let end = format!("{}}}", " ".repeat(indent));
        let n_fields = lines.by_ref().take_while(|line| *line != end).filter(is_field).count();
        found.push((name, n_fields));
    }
    found
}

#[test]
fn no_struct_has_more_fields_than_one_can_keep_in_mind() {
    assert_eq!(
        structs("pub struct A {\n    /// Text: it.\n    a: u8,\n    pub(super) b: u8,\n    pub c: u8,\n}\n"),
        [("A", 3)]
    );
    let all = files("src");
    let counted: Vec<_> =
        all.iter().flat_map(|file| structs(&file.text).into_iter().map(|one| (&file.path, one))).collect();
    assert!(counted.len() > 100, "{} structs were found", counted.len());
    let wrong: Vec<String> = counted
        .iter()
        .filter(|(_, (_, n))| *n > FIELDS)
        .map(|(path, (name, n))| format!("src/{path}: `{name}` has {n} fields, at most {FIELDS}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    // In two parts, so that this file does not name them.
    let words = [
        concat!("todo", "!"),
        concat!("unimplemented", "!"),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
        concat!("#[should", "_panic"),
    ];
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for File { path, text } in files(folder) {
            for (i, line) in text.lines().enumerate() {
                let found = words.iter().find(|word| line.contains(**word));
                wrong.extend(found.map(|word| format!("{folder}/{path}:{}: {word}", i + 1)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
