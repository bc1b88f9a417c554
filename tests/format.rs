//! What formatting promises, for every flow of the repository, as it is and shaken.

use std::fs;
use std::path::{Path, PathBuf};

use flowrun::format::format;
use flowrun::source::{Source, Sources};
use flowrun::syntax::{self, Parsed, Place, Token, TokenKind};

/// How often each file is shaken.
const SHAKES: u64 = 2;

/// Returns every flow of the repository in which nothing is wrong, with its path.
fn flows() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("its entries can be read").path();
            // Flows of older versions are copies of ours, and keep the layout that they had.
            if path.is_dir() && !path.ends_with("tests/kept") {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "flow")
                && let Ok(text) = fs::read_to_string(&path)
                && parse(&text).problems.is_empty()
            {
                into.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("flows"), &mut found);
    walk(&root.join("tests"), &mut found);
    found.sort();
    assert!(found.len() > 10, "the repository has flows");
    found
}

fn parse(text: &str) -> Parsed {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("t.flow", text));
    syntax::parse(id, sources.get(id))
}

fn formatted(text: &str) -> String {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("t.flow", text));
    format(id, sources.get(id)).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

/// Returns the tree of a text as it is printed, without the places.
fn tree(parsed: &Parsed) -> String {
    let printed = format!("{:?}", parsed.file);
    let mut parts = printed.split("Span { start: ");
    let mut tree = parts.next().unwrap_or("").to_string();
    for part in parts {
        tree.push_str(part.split_once(" }").map_or(part, |(_, rest)| rest));
    }
    tree
}

fn comments<'a>(parsed: &Parsed, text: &'a str) -> Vec<&'a str> {
    parsed.comments.iter().map(|span| &text[span.range()]).collect()
}

/// Checks everything that is promised about the layout of a text, and returns the layout.
fn check(text: &str, name: &str) -> String {
    let before = parse(text);
    let layout = formatted(text);
    let after = parse(&layout);
    assert_eq!(after.problems, [], "{name}\n{layout}");
    assert!(tree(&before) == tree(&after), "{name}: the tree has changed\n{layout}");
    assert_eq!(comments(&before, text), comments(&after, &layout), "{name}");
    let again = formatted(&layout);
    if let Some((n, (once, twice))) = layout.lines().zip(again.lines()).enumerate().find(|(_, (a, b))| a != b) {
        panic!("{name}: line {} is not stable\n{once}\n{twice}\n--- text\n{text}", n + 1);
    }
    assert_eq!(layout, again, "{name}");
    assert!(layout.is_empty() || layout.ends_with('\n') && !layout.ends_with("\n\n"), "{name}");
    assert!(!layout.contains("\n\n\n") && !layout.starts_with('\n') && !layout.contains('\r'), "{name}");
    layout
}

#[test]
fn every_flow_keeps_its_tree_and_comments_and_is_formatted_once() {
    for (path, text) in flows() {
        let name = path.display().to_string();
        let layout = check(&text, &name);
        assert!(layout.lines().all(|line| line.trim_end() == line), "{name}: blanks at the end of a line");
        assert_eq!(check(&text.replace('\n', "\r\n"), &name), layout, "{name} with CR LF");
    }
}

#[test]
fn shaken_flows_keep_theirs_too() {
    for (n, (path, text)) in flows().into_iter().enumerate() {
        let expected = tree(&parse(&text));
        // Each file has seeds of its own: together they are many.
        for seed in (1..=SHAKES).map(|i| n as u64 * SHAKES + i) {
            let name = format!("{} shaken with seed {seed}", path.display());
            let shaken = shake(&text, seed);
            let parsed = parse(&shaken);
            assert_eq!(parsed.problems, [], "{name}: shaking broke it\n{shaken}");
            assert!(tree(&parsed) == expected, "{name}: shaking changed its meaning\n{shaken}");
            check(&shaken, &name);
        }
    }
}

/// Returns what `check` says of a text, without the places.
fn said(text: &str) -> Vec<(String, String)> {
    let name = Path::new("t.flow");
    let reader = |path: &Path| match path == name {
        true => Ok(text.as_bytes().to_vec()),
        false => Err(std::io::ErrorKind::NotFound.into()),
    };
    let checked = flowrun::check::check(flowrun::load::load(name, &reader));
    checked.problems.iter().map(|problem| (problem.code.text().to_string(), problem.message.clone())).collect()
}

/// Returns a flow that `check` warns of in many places, with `# allow` behind and before some of its lines.
fn flow_with_warnings(dice: &mut Dice) -> String {
    const STATEMENTS: &[&str] = &[
        "send \"AT\"",
        "sleep 100ms",
        "expect line \"OK\" within 5s",
        "expect /V(?<unused>\\d)/ within 5s",
        "expect line \"AT\" within 5s",
        "log \"a fairly long text that makes this line long, so that it is cut somewhere\"",
        "fail \"no\"",
        "fail   now \"no\"",
        "using relay fail now on line \"FAULT\"",
        "using relay fail on line \"FAULT\"",
        "using spare ignore /noise/",
    ];
    const ARMS: &[&str] =
        &["line \"OK\" -> { log \"once\" }", "\"OK\" -> {", "timeout ->\n{", "using relay \"OK\" ->\n{"];
    const COMMENTS: &[&str] = &[
        "# allow sleep",
        "# allow own-echo, shadowed",
        "# allow unused-capture: x",
        "# allow unreachable unasked",
        "# note",
    ];
    let mut text =
        "flow \"t\"\nport dut{ } port relay{serial{baud 9600}\n sim \"r.flow\"}  port spare { }\n".to_string();
    let mut open = Vec::new();
    let mut n_left = 4 + dice.below(20);
    while n_left > 0 || !open.is_empty() {
        n_left = n_left.saturating_sub(1);
        let pick = |from: &'static [&'static str], dice: &mut Dice| from[dice.below(from.len() as u64) as usize];
        let is_closed = open.last().is_some() && (n_left == 0 || dice.is_one_in(4));
        text.push_str(match open.last().copied() {
            Some("if" | "else") if is_closed && dice.is_one_in(2) && open.last() == Some(&"if") => {
                open.pop();
                open.push("else");
                "} else {"
            }
            Some(_) if is_closed => {
                open.pop();
                "}"
            }
            Some("arms") => {
                let arm = pick(ARMS, dice);
                open.extend(arm.ends_with('{').then_some("arm"));
                arm
            }
            Some(_) | None if dice.is_one_in(4) => {
                let (word, begin) = [
                    ("if", "if 1 == 1 {"),
                    ("if", "try {"),
                    ("step", "step \"s\" {"),
                    ("step", "using relay {"),
                    ("arms", "expect { line \"OK\" -> { log \"first\" }"),
                ][dice.below(5) as usize];
                open.push(word);
                begin
            }
            Some(_) | None => pick(STATEMENTS, dice),
        });
        if dice.is_one_in(4) {
            text.push_str(["  ", "\n", "\n\n"][dice.below(3) as usize]);
            text.push_str(pick(COMMENTS, dice));
            text.push('\n');
        }
        text.push_str(["  ", "  ", "\n", "\n\n"][dice.below(4) as usize]);
    }
    text
}

#[test]
fn what_check_says_is_the_same_before_and_after() {
    let cut = r#"flow "t"
send "AT+AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"  sleep 100ms  expect line "OK" within 5s  log "a fairly long text behind it"  # allow sleep
"#;
    assert_eq!((said(cut), said(&formatted(cut))), (Vec::new(), Vec::new()));
    let (mut n_right, mut n_said) = (0, 0);
    for seed in 1..=600 {
        let text = flow_with_warnings(&mut Dice(seed));
        assert_eq!(parse(&text).problems, [], "seed {seed}\n{text}");
        let (before, layout) = (said(&text), formatted(&text));
        assert_eq!(said(&layout), before, "seed {seed}\n{text}--- layout\n{layout}");
        n_right += 1;
        n_said += before.len();
    }
    assert!(n_right > 0 && n_said > n_right, "{n_right} flows, {n_said} warnings");
}

/// xorshift64*, with a few ways to ask it.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % n
    }

    fn is_one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Returns a text of the same meaning with other white space, and more comments.
fn shake(text: &str, seed: u64) -> String {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let nl = ["\n", "\r\n", "\r"][dice.below(3) as usize];
    // From hardly anything to nearly everything.
    let rarity = 1 + dice.below(8);
    let tokens = syntax::tokens(&Source::new("t.flow", text));
    let mut shaken = String::new();
    let mut done = 0;
    let mut open = Vec::new();
    let mut first_word = "";
    for (i, token) in tokens.iter().enumerate() {
        let range = token.span.range();
        let (gap, own) = (&text[done..range.start], &text[range.clone()]);
        if token.place == Place::Row {
            first_word = own;
        }
        let before = i.checked_sub(1).map(|i| &tokens[i]);
        let last = before.map_or("", |before| &text[before.span.range()]);
        let joint = joint(token, before, last, open.last().copied(), first_word);
        let must_break = before.is_some_and(|before| before.kind == TokenKind::Comment);
        if !dice.is_one_in(rarity) || joint == Joint::Fixed {
            shaken.push_str(&gap.replace('\n', nl));
        } else if must_break || joint == Joint::Break && dice.is_one_in(2) {
            for _ in 0..dice.below(4) {
                blanks(&mut shaken, &mut dice, 0);
                if dice.is_one_in(3) {
                    shaken.push_str(&format!("# {} {}", ["note", "allow"][dice.below(2) as usize], dice.below(100)));
                }
                shaken.push_str(nl);
            }
            if must_break {
                shaken.push_str(nl);
            }
            blanks(&mut shaken, &mut dice, 1);
        } else {
            blanks(&mut shaken, &mut dice, u64::from(joint != Joint::Nothing));
        }
        shaken.push_str(own);
        match token.kind {
            TokenKind::BodyOpen | TokenKind::ValueOpen => open.push(token.kind),
            TokenKind::BodyClose | TokenKind::ValueClose => drop(open.pop()),
            TokenKind::Word | TokenKind::Else | TokenKind::Comma | TokenKind::Arrow | TokenKind::Comment => {}
        }
        done = range.end;
    }
    shaken.push_str(["", nl, " \t"][dice.below(3) as usize]);
    shaken
}

fn blanks(text: &mut String, dice: &mut Dice, least: u64) {
    for _ in 0..least + dice.below(3) * dice.below(4) {
        text.push(if dice.is_one_in(12) { '\t' } else { ' ' });
    }
}

/// What may be done to the white space before a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Joint {
    /// Nothing.
    Fixed,
    /// There may be blanks, or nothing.
    Nothing,
    /// There must be a blank, and may be more.
    Blank,
    /// There may be line breaks and comments too.
    Break,
}

fn joint(token: &Token, before: Option<&Token>, last: &str, open: Option<TokenKind>, first_word: &str) -> Joint {
    let Some(before) = before else { return Joint::Break };
    let is_operator = ["==", "!=", "<=", ">=", "+", "*", "%", "or", "and", "="].contains(&last);
    let is_in_brackets = open == Some(TokenKind::ValueOpen);
    match (before.kind, token.kind) {
        (TokenKind::Comment, TokenKind::BodyOpen | TokenKind::Else | TokenKind::Word | TokenKind::ValueOpen) => {
            Joint::Break
        }
        (TokenKind::Comment, _) => Joint::Break,
        (_, TokenKind::Comment) => Joint::Blank,
        (_, TokenKind::BodyClose | TokenKind::Else) | (TokenKind::BodyOpen | TokenKind::ValueOpen, _) => Joint::Break,
        (TokenKind::Arrow, _) => Joint::Break,
        (_, TokenKind::ValueClose) => Joint::Break,
        (_, TokenKind::Comma) if is_in_brackets => Joint::Break,
        (TokenKind::Comma, _) if is_in_brackets || ["assert", "fail"].contains(&first_word) => Joint::Break,
        (_, TokenKind::Comma | TokenKind::BodyOpen) => Joint::Nothing,
        _ if token.place == Place::Row => Joint::Break,
        _ if token.place == Place::Joined => Joint::Fixed,
        _ if is_operator => Joint::Break,
        _ => Joint::Blank,
    }
}
