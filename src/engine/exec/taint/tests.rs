//! What is made of a secret shows nowhere, whatever it is made with.

use std::fs;

use crate::event::EventKind;
use crate::function::{Function, Secrecy};
use crate::testing::{Outcome, Run};

const DEVICE: &str = r#"device "d"
on line /KEY: (?<key>.*)/ { reply "your key is ${key}, is it?"  reply "OK" }
on line /WAIT (?<said>.*)/ { expect line "${said}" within 100ms }
on line /(?<said>.*)/ { reply "heard ${said}"  reply "OK" }
"#;

/// What begins each flow; `KIND` is `secret`, or `param` to see what would show.
const BEGINNING: &str = r#"flow "t"
sim "device.flow"
KIND key = "Tr0ub4dor9Kx7Qm2Z"
KIND pin = "00471199"
KIND answer = `{"k":"Tr0ub4dor9Kx7Qm2Z","c":200,"n":471199,"l":["Qm2Z-part",{"x":"deep4dor"}]}`
procedure part(x) { return substring(x, 3, 9) }
procedure parts(x) { return split(x, "9") }
procedure lookup(map) { return map.inner.key }
"#;

/// For each function that does not hide a secret, what it makes of one; nothing for those that are given none.
const FUNCTIONS: &[(&str, &[&str])] = &[
    ("hex", &["hex(key)", "hex(upper(key))", r#"substring(hex(key), 3, 12)"#]),
    ("unhex", &["unhex(hex(key))", r#"unhex("00471199" + pin)"#]),
    ("base64", &["base64(key)", r#"base64("u" + key)"#, "base64(substring(key, 1, 8))"]),
    ("unbase64", &["unbase64(base64(key))", "text(unbase64(base64(upper(key))))"]),
    ("encode", &[r#"encode(key, "utf-16le")"#, r#"encode(substring(key, 2), "gbk")"#]),
    ("decode", &[r#"decode(key, "latin1")"#, r#"decode(encode(upper(key), "utf-16be"), "utf-16be")"#]),
    ("ucs2", &["ucs2(key)", "ucs2(substring(key, 3, 9))"]),
    ("unucs2", &["unucs2(ucs2(key))", "unucs2(ucs2(lower(key)))"]),
    ("base32", &["base32(key)", "base32(substring(key, 1, 9))"]),
    ("unbase32", &["unbase32(base32(key))", "text(unbase32(base32(upper(key))))"]),
    (
        "aes_cbc_encrypt",
        &[
            r#"aes_cbc_encrypt("0123456789abcdef", "0123456789abcdef", key)"#,
            r#"aes_cbc_encrypt(substring(key, 0, 16), "0123456789abcdef", "plain")"#,
        ],
    ),
    (
        "aes_cbc_decrypt",
        &[
            r#"text(aes_cbc_decrypt("0123456789abcdef", "0123456789abcdef", aes_cbc_encrypt("0123456789abcdef", "0123456789abcdef", upper(key))))"#,
        ],
    ),
    ("aes_ecb_encrypt", &[r#"aes_ecb_encrypt("0123456789abcdef", key)"#]),
    (
        "aes_ecb_decrypt",
        &[
            r#"aes_ecb_decrypt("0123456789abcdef", aes_ecb_encrypt("0123456789abcdef", lower(key)))"#,
            r#"aes_ecb_decrypt(substring(key, 1, 16), "0123456789abcdef", "none")"#,
        ],
    ),
    ("totp", &["totp(key, 59)", "totp(substring(key, 2), 59, 8, \"sha256\")"]),
    ("url_encode", &[r#"url_encode(key + "/")"#, r#"substring(url_encode("/" + key), 4, 9)"#]),
    ("url_decode", &["url_decode(key)", "url_decode(substring(key, 1))"]),
    ("form_encode", &["form_encode({a: key})", "form_encode({a: substring(key, 2), b: int(pin)})"]),
    ("form_decode", &[r#"form_decode("a=" + key)"#, r#"form_decode("a=" + substring(key, 5) + "&b=1").a"#]),
    ("at_escape", &[r#"at_escape(key + "\"")"#]),
    ("at_unescape", &["at_unescape(key)", "at_unescape(substring(key, 4))"]),
    ("upper", &["upper(key)", r#"upper("k=" + key)"#]),
    ("lower", &["lower(key)", "lower(substring(key, 4))"]),
    ("trim", &["trim(key)", r#"trim("  " + substring(key, 2) + " ")"#]),
    ("replace", &[r#"replace(key, "9", "-")"#, r#"replace("${key}/${pin}", "00", "1")"#]),
    ("split", &[r#"split(key, "9")"#, r#"split("x9" + key, "9")[2]"#, r#"split("${pin}9${key}", "9")"#]),
    ("join", &[r#"join(split(key, "9"), "-")"#, r#"join(["ab", substring(key, 2)], "/")"#, "join([1, 2], key)"]),
    ("substring", &["substring(key, 2, 9)", r#"substring("abc" + key, 1, 9)"#, "substring(key + pin, 14, 6)"]),
    ("text", &["text(key)", "text(bytes(substring(key, 3)))", "text(int(pin))"]),
    ("bytes", &["bytes(key)", "bytes(substring(key, 3))"]),
    ("int", &["int(pin)", "int(pin) + 1", "int(pin) * 3 - 2", "-int(pin)", "int(pin, 16)", "int(pin) % 10007"]),
    ("decimal", &["decimal(pin)", "decimal(pin) / 100", "-decimal(pin) * 1.5", "decimal(\"${pin}E-3\")"]),
    ("round", &["round(pin)", "round(pin, 2)", "round(decimal(pin) / 7, 1)"]),
    ("min", &["min(pin, 99999999)", "min([int(pin), 99999999])"]),
    ("max", &["max(pin, 7)"]),
    ("abs", &["abs(-int(pin))", "abs(decimal(pin) / -10)"]),
    ("pad", &[r#"pad(key, 30, "-")"#, r#"pad(int(pin), 12, "0")"#]),
    ("format", &[r#"format("%012d", pin)"#, r#"format("%X %s", [pin, key])"#]),
    ("bit_and", &["bit_and(pin, 1048575)"]),
    ("bit_or", &["bit_or(pin, 1048576)"]),
    ("bit_xor", &["bit_xor(pin, 255)"]),
    ("shift_left", &["shift_left(pin, 4)"]),
    ("shift_right", &["shift_right(pin, 1)"]),
    ("uint_be", &["uint_be(bytes(substring(key, 0, 4)))"]),
    ("uint_le", &["uint_le(substring(key, 9, 4))"]),
    ("bytes_be", &["bytes_be(int(pin), 4)", "hex(bytes_be(int(pin) + 9, 5))"]),
    ("bytes_le", &["bytes_le(int(pin), 4)"]),
    (
        "json",
        &[
            r#"json(answer, "$.k")"#,
            r#"json(answer, "$.n")"#,
            r#"json(answer, "$.l")"#,
            r#"json(answer, "$").l[1].x"#,
            r#"json(answer, "$.l")[0]"#,
            r#"json("[${answer}]", "$[0].l[1]")"#,
            r#"substring(json(answer, "$.l[0]"), 1)"#,
        ],
    ),
    ("to_json", &["to_json({k: key})", r#"to_json(split(key, "9"))"#, "to_json({n: int(pin)})"]),
    ("sorted_concat", &["sorted_concat({a: key})", "sorted_concat({a: substring(key, 1), b: pin})"]),
    ("sorted_form", &["sorted_form({a: key})", "sorted_form({a: int(pin)})"]),
    ("get", &[r#"get({a: int(pin)}, "a", "")"#, r#"get({b: 1}, "a", substring(key, 2))"#]),
    ("with", &[r#"with({b: 1}, "a", substring(key, 2))"#, r#"with({a: int(pin)}, "b", 1)"#]),
    ("without", &[r#"without({a: int(pin), b: 1}, "b")"#]),
    ("append", &["append([], int(pin))", "append([substring(key, 2)], 1)"]),
    ("format_time", &[r#"format_time(int(pin), "%Y%m%d%H%M%S")"#]),
    ("millis", &["millis(int(pin))"]),
    ("seconds", &["seconds(int(pin))"]),
    ("keys", &[]),
    ("unix_time", &[]),
    ("unix_millis", &[]),
    ("random_digits", &[]),
    ("random_hex", &[]),
    ("random_text", &[]),
    ("uuid", &[]),
];

/// Other ways in which something is made of a secret and told.
const WAYS: &[&str] = &[
    r#"measure soft made = int(pin) unit "V" limits .. 5  log made"#,
    r#"measure soft made = pin unit "V" limits 1000000 .. 2000000  log made"#,
    r#"measure soft made = 5 limits 1000000 .. int(pin) + 2000000  log int(pin) + 2000000"#,
    r#"measure made = decimal(pin) * 1.5 limits int(pin)"#,
    "for c in key { log c }",
    r#"for n in int(pin) .. int(pin) + 2 { log n }"#,
    r#"compute s = "" for n in bytes(key) { compute s = s + hex(bytes_be(n, 1)) } log s"#,
    r#"compute s = "" for c in key { compute s = s + c  log s }"#,
    r#"compute s = "" for c in key { compute s = "${s}${c}-" }  log s  send s  expect line "OK""#,
    r#"for p in split(key, "9") { log p  send p  expect line "OK" }"#,
    r#"capture piece from /^.(.{6})/ in key  log piece  send piece  expect line "OK""#,
    r#"capture piece from /b(.*)$/ in "k=${key}"  log piece"#,
    "call part(key) -> piece  log piece",
    "call parts(key) -> one, two, three  log one  log two  log three",
    "call lookup({inner: {key: int(pin)}}) -> number  log number",
    "compute m = {a: {b: [1, upper(key)]}}  log m  log m.a.b[1]  log m.a",
    r#"compute l = ["x"] + [lower(key)]  log l  log l[1]"#,
    "log [upper(key)] + [int(pin)]",
    r#"log "${substring(key, 0, 2)}${substring(key, 2, 2)}""#,
    r#"step "${lower(key)}" { log "ordinary" }"#,
    r#"try { fail "${int(pin) + 5}" }"#,
    r#"try { assert substring(key, 0, 3) == "no" and 1 == 1 }"#,
    r#"try { assert int(pin) + 1 == 7 }"#,
    r#"try { assert 1 == 2, "${substring(key, 0, 3)}" }"#,
    r#"compute n = 0 try { compute n = int(key) }"#,
    r#"compute n = 0 try { compute n = int(substring(key, 0, 5), 16) }"#,
    r#"compute n = 0 try { compute n = int(pin) * 99999999999999 }"#,
    r#"try { log [1][int(pin)] }"#,
    r#"try { log {a: 1}[substring(key, 1)] }"#,
    r#"try { repeat int(pin) * 9000000 { log "x" } }"#,
    r#"try { expect line "${lower(key)}" within 100ms }"#,
    r#"try { expect /${lower(key)}/ within 100ms }"#,
    r#"send "KEY: ${key}"  expect line /your key is (?<seen>.{5}).*/  log seen  expect line "OK""#,
    r#"send "KEY: ${key}"  expect line "OK"  capture seen from /is (.{5})/  log seen"#,
    r#"send "KEY: ${key}"  expect line /(?<seen>.*), is it\?/  log substring(seen, 15, 6)  expect line "OK""#,
    r#"compute secret m = {inner: {k: upper(key), n: int(pin)}, code: 7}  log m.inner.k  log m.inner.n  log m"#,
    r#"skip "${upper(key)}""#,
];

fn run(kind: &str, body: &str) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let flow = folder.path().join("t.flow");
    let text = format!("{}send \"AT\"  expect line \"OK\"\n{body}\n", BEGINNING.replace("KIND", kind));
    let text = if kind == "param" { text.replace("compute secret", "compute") } else { text };
    fs::write(folder.path().join("device.flow"), DEVICE).expect("it can be written");
    fs::write(&flow, text).expect("it can be written");
    Run::new(flow).go().unwrap_or_else(|refused| panic!("{body}: {refused}"))
}

/// Returns everything that a run tells, but for its sources.
fn told(outcome: &Outcome) -> String {
    let mut told = format!("{}\n{}", outcome.transcript(), outcome.failure());
    for event in outcome.events() {
        told.push_str(&format!("{:?}\n", event.kind));
        if let EventKind::Sent { bytes }
        | EventKind::Received { bytes, .. }
        | EventKind::Matched { text: bytes, .. }
        | EventKind::Captured { value: bytes, .. }
        | EventKind::Logged { text: bytes } = &event.kind
        {
            told.push_str(&String::from_utf8_lossy(bytes));
        }
    }
    told
}

/// Returns the words of four letters or more that a run tells in plain.
fn words(told: &str) -> Vec<&str> {
    told.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() >= 4).collect()
}

/// Returns pieces of what a run tells if nothing in it is a secret, as far as the run with secrets tells them too.
fn leaks(body: &str) -> Vec<String> {
    let (secret, plain) = (run("secret", body), run("param", body));
    let shown = told(&secret);
    let logged = |outcome: &Outcome| -> Vec<String> {
        let text = |kind: &EventKind| {
            if let EventKind::Logged { text } = kind {
                return Some(String::from_utf8_lossy(text).into_owned());
            }
            if let EventKind::Noted { text } = kind { Some(text.clone()) } else { None }
        };
        outcome.events().iter().filter_map(|event| text(&event.kind)).collect()
    };
    let mut leaks: Vec<String> = Vec::new();
    // A word is a leak if a window of it stands in a value that is made of the secrets and shows.
    let made: Vec<String> =
        logged(&plain).iter().flat_map(|text| words(text).into_iter().map(str::to_string)).collect();
    for word in &made {
        for window in word.as_bytes().windows(4) {
            let window = String::from_utf8_lossy(window).into_owned();
            if shown.contains(&window) && !ORDINARY.iter().any(|word| word.contains(&window)) {
                leaks.push(window);
            }
        }
    }
    for (plain, shown) in logged(&plain).iter().zip(logged(&secret)) {
        let is_short = plain.len() < 4 && plain.chars().all(|c| c.is_ascii_alphanumeric());
        if is_short && shown.contains(plain.as_str()) && shown != "«key»" {
            leaks.push(format!("{plain} in {shown}"));
        }
    }
    leaks.dedup();
    leaks
}

/// Words of messages.
const ORDINARY: &[&str] = &[
    "ordinary",
    "lower",
    "inner",
    "code",
    "99999999999999",
    "ignored",
    "number",
    "base",
    "skipped",
    "expected",
    "from",
    "this",
    "line",
    "within",
    "come",
    "large",
    "list",
    "items",
    "there",
    "item",
    "text",
    "bytes",
    "1000000",
    "4294967295",
    "came",
    "could",
    "worked",
    "assertion",
    "hold",
    "does",
    "false",
    "100ms",
    "part",
    "large",
    "times",
];

#[test]
fn what_a_function_makes_of_a_secret_shows_nowhere() {
    let mut wrong = Vec::new();
    for function in Function::all() {
        let signature = function.signature();
        let row = FUNCTIONS.iter().find(|(name, _)| *name == signature.name);
        assert_eq!(row.is_none(), signature.secrecy == Secrecy::Hides, "{} has a row unless it hides", signature.name);
        for expr in row.map_or(&[][..], |(_, exprs)| exprs) {
            let ways = [
                format!("log {expr}"),
                format!("compute made = {expr}  log \"<${{made}}>\"  log made"),
                format!("compute made = {expr}  send \"X ${{made}} Y\"  expect line \"OK\"  log \"${{made}}\""),
            ];
            for body in ways {
                let leaks = leaks(&body);
                if !leaks.is_empty() {
                    wrong.push(format!("{body}: {leaks:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_statements_make_of_a_secret_shows_nowhere() {
    let wrong: Vec<String> = WAYS
        .iter()
        .map(|body| (body, leaks(body)))
        .filter(|(_, leaks)| !leaks.is_empty())
        .map(|(body, leaks)| format!("{body}: {leaks:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_made_of_a_secret_is_shown() {
    let shown = |body: &str| run("secret", body).transcript().to_string();
    for (body, text) in [
        (r#"log json(answer, "$.c")"#, "# 200"),
        (r#"log "AT+PIN=${pin}""#, "# AT+PIN=«pin»"),
        (r#"log substring("AT+PIN=${pin}", 0, 7)"#, "# AT+PIN=\n"),
        (r#"log split("first,${key},last", ",")"#, "# [first, «key», last]"),
        ("log len(key)", "# 17"),
        (r#"log {a: 1, b: key}.a"#, "# 1\n"),
        ("log hex(md5(key))", "# 0"),
        ("log upper(key)", "# «key»"),
        (r#"log form_encode({a: key, b: "plain"})"#, "# a=«key»&b=plain"),
        (r#"send "SEE ${key}"  expect line /heard (?<said>.*)/  log substring(said, 0, 3)"#, "# SEE"),
    ] {
        let transcript = shown(body);
        let is_there = text == "# 0" && !transcript.contains("«key»\n") || transcript.contains(text);
        assert!(is_there, "{body}: {transcript}");
    }
}

/// Ways in which a message quotes a text and cuts it: `PAD` stands before the secret.
const CUTS: &[&str] = &[
    r#"try { assert "PAD${key}" == "other" }"#,
    r#"try { assert 1 == 2, "PAD${key}" }"#,
    r#"try { fail "PAD${key}" }"#,
    r#"try { expect line "PAD${key}" within 100ms }"#,
    r#"try { read until "PAD${key}" as data within 100ms }"#,
    r#"send "PAD${key}"  try { expect line "PADno" within 100ms }"#,
    r#"send "PAD${key}"  try { expect none /heard .*/ for 100ms }"#,
    r#"send "PAD${key}"  try { fail on /heard .*/  expect line "NO" within 100ms }"#,
    r#"send "PAD${key}"  try { expect line /heard/ within 100ms }"#,
    r#"send "PAD${key}"  expect line "OK"  send "AT"  try { expect line "heard PAD${key}" within 100ms }"#,
    r#"send "PAD${key}"  expect line "OK"  step "last" { assert 1 == 2 }"#,
    r#"send "WAIT PAD${key}"  sleep 1s"#,
    r#"try { log int("PAD${key}", 16) }"#,
    r#"try { log int("PAD${key}") }"#,
    r#"try { log {a: 1}["PAD${key}"] }"#,
    // Not known when the message is made: a later attempt makes it a secret.
    r#"compute n = 0
step "s" retry 1 {
  compute n = n + 1
  send "PADTr0ub4dor7Late"  expect line /heard (?<said>.*)/  expect line "OK"
  assert n == 2, "${said}"
  compute secret late = substring(said, len("PAD"))
}"#,
];

#[test]
fn no_message_is_cut_before_the_secrets_in_it_have_names() {
    let mut wrong = Vec::new();
    for body in CUTS {
        for pad in [0, 45, 51, 57, 110, 117, 390, 397] {
            let body = body.replace("PAD", &"-".repeat(pad));
            let told = told(&run("secret", &body));
            if let Some(piece) = ["Tr0u", "ub4d", "9Kx7", "Qm2Z", "7Lat"].iter().find(|piece| told.contains(**piece)) {
                wrong.push(format!("`{piece}` of {body}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
