//! The table against the documentation, and each function at its edges.

use std::collections::HashMap;
use std::time::Duration;

use super::*;

/// Calls a function that must succeed, from seed 1 at 2023-11-14 22:13:20.999.
#[track_caller]
pub(super) fn call(name: &str, arguments: &[Value]) -> Value {
    attempt(name, arguments).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Makes a text.
pub(super) fn text(text: &str) -> Value {
    Value::text(text)
}

/// Makes a map.
pub(super) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(name, value)| (name.to_string(), value)).collect())
}

fn attempt(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let mut ambient = Ambient { rng: Rng::from_seed(1), unix_millis: 1_700_000_000_999 };
    Function::find(name).expect("a function of the table").call(arguments, &mut ambient)
}

#[track_caller]
fn refusal(name: &str, arguments: &[Value]) -> String {
    attempt(name, arguments).expect_err("a refusal")
}

fn list<const N: usize>(items: [&str; N]) -> Value {
    Value::List(items.into_iter().map(text).collect())
}

fn samples() -> Vec<Value> {
    vec![
        text(""),
        text("12"),
        text("k=v&\\22 é"),
        Value::Text(vec![0xff, 0, b'%']),
        Value::Bytes(vec![0x17, 0x70]),
        Value::Int(0),
        Value::Int(65_536),
        Value::Int(i64::MIN),
        Value::Int(i64::MAX),
        Value::Bool(true),
        Value::Duration(Duration::from_millis(1500)),
        Value::Duration(Duration::MAX),
        list(["b", "a"]),
        map([("z", Value::Null), ("a", text("1"))]),
        Value::Null,
    ]
}

#[test]
fn every_function_has_its_row_in_the_documentation_with_its_parameters() {
    let section =
        include_str!("../../docs/language.md").split("\n## ").find(|section| section.starts_with("Functions"));
    let rows = section.expect("a section on functions").lines().filter_map(|line| line.strip_prefix("| `"));
    let mut documented: HashMap<&str, Vec<Vec<&str>>> = HashMap::new();
    let mut order = Vec::new();
    for call in rows.flat_map(|row| {
        row.split(" | ").next().into_iter().flat_map(|cell| cell.trim_end_matches('`').split('`').step_by(2))
    }) {
        let (name, parameters) = call.trim_end_matches(')').split_once('(').expect("a call in each pair of backticks");
        let forms = documented.entry(name).or_default();
        if forms.is_empty() {
            order.push(name);
        }
        forms.push(parameters.split(", ").filter(|parameter| !parameter.is_empty()).collect());
    }
    assert_eq!(order, Function::all().map(|function| function.signature().name).collect::<Vec<_>>());
    for signature in Function::all().map(Function::signature) {
        let names: Vec<&str> = signature.parameters.iter().map(|parameter| parameter.name).collect();
        let forms: Vec<Vec<&str>> = (signature.n_required()..=names.len()).map(|n| names[..n].to_vec()).collect();
        assert_eq!(documented[signature.name], forms, "{}", signature.name);
    }
}

#[test]
fn names_are_found_and_unique_and_optional_parameters_come_last() {
    for function in Function::all() {
        let signature = function.signature();
        assert_eq!(Function::find(signature.name), Some(function));
        assert!(signature.parameters.is_sorted_by_key(|parameter| parameter.optional));
    }
    assert_eq!(Function::all().count(), TABLE.len());
    assert_eq!(Function::find("MD5"), None);
    assert_eq!(Function::find(""), None);
}

#[test]
fn any_arguments_give_a_result_of_the_promised_type_or_a_sentence() {
    let samples = samples();
    let mut ambient = Ambient { rng: Rng::from_seed(1), unix_millis: i64::MIN };
    for function in Function::all() {
        let signature = function.signature();
        let n = signature.parameters.len();
        for turn in 0..samples.len().pow(n as u32) {
            let pick = |place: usize| samples[turn / samples.len().pow(place as u32) % samples.len()].clone();
            let arguments: Vec<Value> = (0..n).map(pick).collect();
            match function.call(&arguments, &mut ambient) {
                Ok(result) => {
                    let kinds: Vec<Type> = arguments.iter().map(Value::kind).collect();
                    let promised = function.result_for(&kinds);
                    assert!(promised == Type::Any || result.kind() == promised, "{}", signature.name);
                }
                Err(error) => assert!(!error.ends_with('.') && !error.starts_with(char::is_uppercase), "{error}"),
            }
        }
    }
}

#[test]
fn wrong_counts_and_types_are_told() {
    assert_eq!(refusal("md5", &[]), "`md5` takes 1 argument, not 0");
    assert_eq!(refusal("uuid", &[text("")]), "`uuid` takes 0 arguments, not 1");
    assert_eq!(refusal("substring", &[text("")]), "`substring` takes 2 or 3 arguments, not 1");
    assert_eq!(refusal("join", &[text("a"), text("")]), "`join` takes a list as `list`, not text");
    assert_eq!(refusal("len", &[Value::Null]), "`len` takes text, bytes, a list or a map as `x`, not null");
}

#[test]
fn a_number_is_one_or_spells_one() {
    assert_eq!(call("int", &[text(" -12 ")]), Value::Int(-12));
    assert_eq!(refusal("int", &[text("12a")]), "`12a` is not a number");
    assert_eq!(refusal("int", &[text("9223372036854775808")]), "`9223372036854775808` is too large for a whole number");
    assert_eq!(refusal("int", &[text(&"x".repeat(61))]), "a text of 61 bytes is not a number");
    assert_eq!(call("int", &[text("4.0000E+03")]), Value::Int(4000));
    assert_eq!(call("int", &[call("decimal", &[text("-12.0")])]), Value::Int(-12));
    assert_eq!(call("decimal", &[text(" +4.98700000E+00 ")]).show(), b"4.98700000");
    assert_eq!(call("decimal", &[Value::Int(3)]).show(), b"3");
    assert_eq!(call("round", &[text("4.987")]), Value::Int(5));
    assert_eq!(call("round", &[text("4.985"), Value::Int(2)]).show(), b"4.98");
    assert_eq!(call("round", &[Value::Int(3), Value::Int(2)]).show(), b"3.00");
    assert_eq!(refusal("round", &[text("1e20")]), "`1e20` is too large for a whole number");
    assert_eq!(refusal("round", &[text("1e20"), Value::Int(20)]), "`1e20` has more than 28 digits with 20 places");
    assert_eq!(refusal("round", &[text("1"), Value::Int(29)]), "`places` must lie between 0 and 28, not 29");
    assert_eq!(refusal("decimal", &[text("volts")]), "`volts` is not a number");
    assert_eq!(refusal("decimal", &[text("1e40")]), "`1e40` has more than 28 digits");
    assert_eq!(call("millis", &[text("1500")]), Value::Duration(Duration::from_millis(1500)));
    assert_eq!(call("seconds", &[Value::Int(2)]), Value::Duration(Duration::from_secs(2)));
    assert_eq!(refusal("seconds", &[Value::Int(-1)]), "`n` must lie between 0 and 31622400, not -1");
}

#[test]
fn numbers_are_compared_padded_and_formatted() {
    let list = |items: &[i64]| Value::List(items.iter().map(|n| Value::Int(*n)).collect());
    assert_eq!(call("min", &[text("4.9"), Value::Int(5)]).show(), b"4.9");
    assert_eq!(call("max", &[list(&[3, 9, 7])]), Value::Int(9));
    assert_eq!(refusal("max", &[list(&[])]), "the list has no numbers in it");
    assert_eq!(refusal("min", &[list(&[1]), Value::Int(1)]), "it takes two numbers, or one list of them");
    assert_eq!(call("abs", &[text("-1.50")]).show(), b"1.50");
    assert!(refusal("abs", &[Value::Int(i64::MIN)]).contains("too large"));
    assert_eq!(call("pad", &[Value::Int(-7), Value::Int(4), text("0")]), text("-007"));
    assert_eq!(call("pad", &[text("-7"), Value::Int(4), text("0")]), text("00-7"), "a text is no number");
    assert_eq!(call("pad", &[text("abc"), Value::Int(2)]), text("abc"));
    assert_eq!(refusal("pad", &[text("a"), Value::Int(4), text("ab")]), "`with` must be one byte, not 2");
    for (form, value, expected) in [
        ("%04X", Value::Int(47806), "BABE"),
        ("%05d|", Value::Int(-42), "-0042|"),
        ("%-5d|%+d", list(&[7, 8]), "7    |+8"),
        ("%.2f V", text("3.305"), "3.30 V"),
        ("%7.1f", text("-1.25"), "   -1.2"),
        ("%f %10f", Value::List(vec![Value::Int(1), text("-3.30")]), "1.000000  -3.300000"),
        ("%.0f", text("2.5"), "2"),
        ("100%% %s", text("x"), "100% x"),
        ("%08b %o", list(&[5, 8]), "00000101 10"),
    ] {
        assert_eq!(call("format", &[text(form), value]), text(expected), "{form}");
    }
    for (form, value, part) in [
        ("%d", text("4.5"), "whole numbers"),
        ("%x", Value::Int(-1), "no negative number"),
        ("%q", Value::Int(1), "as in `%04X`"),
        ("%", Value::Int(1), "as in `%04X`"),
        ("%d %d", Value::Int(1), "more places than the 1 values"),
        ("x", Value::Int(1), "has 0 places, and 1 values"),
        ("%9999d", Value::Int(1), "at most 1000 wide"),
        ("%.99f", Value::Int(1), "0 to 28 places"),
        ("%.2d", Value::Int(1), "with `%f`"),
    ] {
        assert!(refusal("format", &[text(form), value]).contains(part), "{form}");
    }
}

#[test]
fn bits_are_moved_and_none_is_lost_by_itself() {
    let of = |name, a, b| call(name, &[Value::Int(a), Value::Int(b)]);
    assert_eq!(of("bit_and", 0xff, 0x1f), Value::Int(0x1f));
    assert_eq!(of("bit_or", 0xf0, 0x0f), Value::Int(0xff));
    assert_eq!(of("bit_xor", 0xff, 0x0f), Value::Int(0xf0));
    assert_eq!(of("shift_left", 1, 62), Value::Int(1 << 62));
    assert_eq!(of("shift_right", -8, 1), Value::Int(-4));
    assert!(refusal("shift_left", &[Value::Int(1), Value::Int(63)]).contains("too large a number"));
    assert_eq!(refusal("shift_right", &[Value::Int(1), Value::Int(64)]), "`n` must lie between 0 and 63, not 64");
}

#[test]
fn what_is_looked_for_has_a_place_or_none() {
    let bytes = Value::Bytes(vec![1, 2, 0x1b, 0x1b]);
    assert_eq!(call("index", &[text("a,b,c"), text(",")]), Value::Int(1));
    assert_eq!(call("index", &[text("abc"), text("x")]), Value::Int(-1));
    assert_eq!(call("index", &[text("abc"), text("")]), Value::Int(0));
    assert_eq!(call("index", &[bytes.clone(), Value::Int(0x1b)]), Value::Int(2));
    assert_eq!(call("index", &[Value::List(vec![Value::Int(1), Value::Int(2)]), Value::Int(2)]), Value::Int(1));
    assert_eq!(call("contains", &[bytes.clone(), Value::Bytes(vec![2, 0x1b])]), Value::Bool(true));
    assert_eq!(call("contains", &[map([("a", Value::Null)]), text("b")]), Value::Bool(false));
    assert_eq!(refusal("contains", &[bytes, Value::Int(256)]), "256 is not an octet: octets are 0 to 255");
}

#[test]
fn numbers_are_made_of_octets_and_octets_of_numbers() {
    let two = Value::Bytes(vec![0x01, 0x02]);
    assert_eq!(call("uint_be", std::slice::from_ref(&two)), Value::Int(0x0102));
    assert_eq!(call("uint_le", std::slice::from_ref(&two)), Value::Int(0x0201));
    assert_eq!(call("bytes_be", &[Value::Int(258), Value::Int(3)]), Value::Bytes(vec![0, 1, 2]));
    assert_eq!(call("bytes_le", &[Value::Int(258), Value::Int(2)]), Value::Bytes(vec![2, 1]));
    assert_eq!(call("int", &[text("1F"), Value::Int(16)]), Value::Int(31));
    assert_eq!(refusal("bytes_be", &[Value::Int(258), Value::Int(1)]), "258 does not fit into 1 bytes");
    assert_eq!(refusal("uint_be", &[Value::Bytes(vec![0; 9])]), "a number has at most 8 bytes, these are 9");
    assert_eq!(refusal("int", &[text("12"), Value::Int(2)]), "`12` is not a number in base 2");
    assert!(refusal("int", &[text("4.9")]).contains("`round(…)` rounds it"));
}

#[test]
fn digests_and_what_cuts_take_octets_and_what_rewrites_letters_takes_what_shows() {
    let bytes = Value::Bytes(vec![0x17, 0xa0]);
    assert_eq!(call("hex", std::slice::from_ref(&bytes)), text("17a0"));
    assert_eq!(call("md5", std::slice::from_ref(&bytes)), call("md5", &[Value::Text(vec![0x17, 0xa0])]));
    assert_eq!(call("len", std::slice::from_ref(&bytes)), Value::Int(2));
    assert_eq!(call("upper", std::slice::from_ref(&bytes)), text("17A0"));
    assert_eq!(call("substring", &[bytes.clone(), Value::Int(1)]), Value::Bytes(vec![0xa0]));
    let parts = Value::List(vec![Value::Bytes(vec![0x17]), Value::Bytes(vec![])]);
    assert_eq!(call("split", &[bytes.clone(), Value::Bytes(vec![0xa0])]), parts);
    assert_eq!(call("replace", &[bytes.clone(), Value::Bytes(vec![0x17]), text("")]), Value::Bytes(vec![0xa0]));
    assert_eq!(call("starts_with", &[bytes.clone(), Value::Bytes(vec![0x17])]), Value::Bool(true));
    assert_eq!(call("ends_with", &[bytes.clone(), text("x")]), Value::Bool(false));
    for (name, hex) in [("starts_with", "17"), ("ends_with", "A0")] {
        assert!(refusal(name, &[bytes.clone(), text(hex)]).contains("write `hex(…)`"), "{name}");
    }
    assert_eq!(call("unhex", std::slice::from_ref(&bytes)), bytes);
    assert_eq!(call("text", std::slice::from_ref(&bytes)), Value::Text(vec![0x17, 0xa0]));
    assert_eq!(call("bytes", &[Value::Int(42)]), Value::Bytes(b"42".to_vec()));
    assert_eq!(call("md5", &[Value::Int(42)]), call("md5", &[text("42")]));
}

#[test]
fn texts_are_cut_split_and_joined_by_bytes() {
    let substring = |start, length| call("substring", &[text("abcde"), Value::Int(start), Value::Int(length)]);
    assert_eq!(substring(1, 3), text("bcd"));
    assert_eq!(substring(3, i64::MAX), text("de"));
    assert_eq!(substring(9, 1), text(""));
    assert_eq!(substring(2, 0), text(""));
    assert_eq!(refusal("substring", &[text("a"), Value::Int(-1)]), "`start` must be 0 or more, not -1");
    assert_eq!(call("split", &[text("a,,b,"), text(",")]), list(["a", "", "b", ""]));
    assert_eq!(call("split", &[text(""), text(",")]), list([""]));
    assert_eq!(call("split", &[text("aaa"), text("aa")]), list(["", "a"]));
    assert_eq!(refusal("split", &[text("a"), text("")]), "`separator` must not be empty");
    assert_eq!(call("join", &[Value::List(vec![Value::Int(1), text("b")]), text(", ")]), text("1, b"));
    assert_eq!(call("join", &[Value::List(vec![]), text(", ")]), text(""));
    assert_eq!(call("replace", &[text("aaa"), text("a"), text("aa")]), text("aaaaaa"));
    assert_eq!(call("replace", &[text("a\rb"), Value::Bytes(vec![13]), text("")]), text("ab"));
    assert_eq!(refusal("replace", &[text("a"), text(""), text("b")]), "`from` must not be empty");
    assert_eq!(call("trim", &[text(" \t a b\r\n")]), text("a b"));
    assert_eq!(call("lower", &[text("AÉ")]), text("aÉ"));
    assert_eq!(call("starts_with", &[text("abc"), text("ab")]), Value::Bool(true));
    assert_eq!(call("ends_with", &[text("abc"), text("ab")]), Value::Bool(false));
}

#[test]
fn maps_keep_their_order_and_their_keys_are_unique() {
    let m = map([("z", Value::Int(1)), ("a", text("2"))]);
    assert_eq!(call("with", &[m.clone(), text("z"), text("3")]), map([("z", text("3")), ("a", text("2"))]));
    let longer = map([("z", Value::Int(1)), ("a", text("2")), ("7", Value::Null)]);
    assert_eq!(call("with", &[m.clone(), Value::Int(7), Value::Null]), longer);
    assert_eq!(call("without", &[m.clone(), list(["z", "x"])]), map([("a", text("2"))]));
    assert_eq!(call("without", &[m.clone(), text("a")]), map([("z", Value::Int(1))]));
    assert_eq!(call("keys", std::slice::from_ref(&m)), list(["z", "a"]));
    assert_eq!(call("get", &[m.clone(), text("a"), Value::Null]), text("2"));
    assert_eq!(call("get", &[m.clone(), text("b"), Value::Int(5)]), Value::Int(5));
    assert_eq!(call("sorted_concat", std::slice::from_ref(&m)), text("a2z1"));
    assert_eq!(call("sorted_form", &[m]), text("a=2&z=1"));
    assert_eq!(call("append", &[list(["a"]), text("b")]), list(["a", "b"]));
    assert_eq!(call("form_decode", &[text("k=a%20b&k2")]), map([("k", text("a b")), ("k2", text(""))]));
}

#[test]
fn json_is_read_by_a_path_and_written_in_order() {
    let reply = text("{\"code\":200,\"data\":{\"iotId\":\"Pb\",\"n\":1.50}}");
    assert_eq!(call("json", &[reply.clone(), text("$.data.iotId")]), text("Pb"));
    assert_eq!(call("json", &[reply.clone(), text("$.data.n")]).show(), b"1.50");
    assert_eq!(refusal("json", &[reply, text("$.data.iotToken")]), "no `$.data.iotToken` in the JSON text");
    assert_eq!(call("to_json", &[map([("b", Value::Int(1)), ("a", Value::Null)])]), text("{\"b\":1,\"a\":null}"));
}

#[test]
fn time_and_chance_come_from_the_surroundings() {
    assert_eq!(call("unix_time", &[]), Value::Int(1_700_000_000));
    assert_eq!(call("unix_millis", &[]), Value::Int(1_700_000_000_999));
    let stamp = call("format_time", &[text("1700000000"), text("%Y%m%d%H"), Value::Int(480)]);
    assert_eq!(stamp, text("2023111506"));
    assert!(refusal("format_time", &[Value::Int(0), text("%!")]).starts_with("the time pattern"));
    for name in ["random_digits", "random_hex", "random_text"] {
        assert_eq!(call(name, &[Value::Int(0)]), text(""));
        assert_eq!(call("len", &[call(name, &[Value::Int(65_536)])]), Value::Int(65_536));
        assert_eq!(refusal(name, &[Value::Int(65_537)]), "`n` must lie between 0 and 65536, not 65537");
    }
}

#[test]
fn crcs_have_names_or_parameters() {
    let digits = text("123456789");
    assert_eq!(call("crc", &[text("CRC-16/XMODEM"), digits.clone()]), Value::Int(0x31c3));
    let modbus = map([
        ("width", Value::Int(16)),
        ("poly", Value::Int(0x8005)),
        ("init", Value::Bytes(vec![0xff, 0xff])),
        ("refin", Value::Bool(true)),
        ("refout", Value::Bool(true)),
    ]);
    assert_eq!(call("crc", &[digits.clone(), modbus.clone()]), Value::Int(0x4b37));
    assert_eq!(call("crc", &[modbus.clone(), digits.clone()]), Value::Int(0x4b37));
    let go_iso = Value::Bytes(vec![0xb9, 0x09, 0x56, 0xc7, 0x75, 0xa4, 0x10, 0x01]);
    assert_eq!(call("crc", &[text("CRC-64/GO-ISO"), digits.clone()]), go_iso, "more than a number holds is bytes");
    assert_eq!(call("fletcher16", &[text("abcde")]), Value::Int(0xc8f0));

    let refused = |model: &[(&str, Value)]| refusal("crc", &[digits.clone(), map(model.iter().cloned())]);
    assert_eq!(
        refusal("crc", &[text("CRC-16-XMODEM"), digits.clone()]),
        "the CRC catalogue has no `CRC-16-XMODEM`; did you mean `CRC-16/XMODEM`?"
    );
    assert!(refusal("crc", &[text("teleport"), digits.clone()]).contains("names look like `CRC-16/XMODEM`"));
    assert!(refusal("crc", &[modbus.clone(), modbus]).contains("one name or one map"));
    assert_eq!(refused(&[("widht", Value::Int(1))]), "a CRC has no parameter `widht`; did you mean `width`?");
    assert!(refused(&[("colour", Value::Int(1))]).contains("width, poly, init, refin, refout, xorout"));
    assert!(refused(&[("poly", Value::Int(1))]).contains("a CRC needs `width`"));
    assert!(refused(&[("width", Value::Int(8))]).contains("a CRC needs `poly`"));
    let width = |n| ("width", Value::Int(n));
    assert!(refused(&[width(0), ("poly", Value::Int(1))]).contains("between 1 and 128, not 0"));
    assert!(refused(&[width(8), ("poly", Value::Int(0x107))]).contains("must fit into its 8 bits"));
    assert!(refused(&[width(8), ("poly", Value::Int(-1))]).contains("a number or bytes, not `-1`"));
    assert!(refused(&[width(8), ("poly", Value::Int(7)), ("refin", text("yes"))]).contains("true or false, not `yes`"));
    assert_eq!(refusal("fletcher16", &[text(""), Value::Int(7)]), "`modulus` must lie between 255 and 256, not 7");
}

#[test]
fn text_goes_into_other_encodings_and_back() {
    assert_eq!(call("ucs2", &[text("你好 é😎")]), text("4F60597D002000E9D83DDE0E"));
    assert_eq!(call("unucs2", &[text("4f60 597D002000E9D83DDE0E")]), text("你好 é😎"));
    for broken in ["4F", "D83D", "zz"] {
        assert!(refusal("unucs2", &[text(broken)]).contains("the text is not"), "{broken}");
    }
    assert_eq!(call("encode", &[text("通过"), text("gbk")]), Value::Bytes(vec![0xcd, 0xa8, 0xb9, 0xfd]));
    assert_eq!(call("decode", &[Value::Bytes(vec![0xcd, 0xa8]), text("GBK")]), text("通"));
    assert_eq!(
        refusal("encode", &[text("通"), text("latin1")]),
        "the text has a character that windows-1252 does not have"
    );
    assert_eq!(refusal("encode", &[Value::Text(vec![0xff]), text("gbk")]), "`text` must be UTF-8");
    assert_eq!(refusal("decode", &[Value::Bytes(vec![0xcd]), text("gbk")]), "not all of these bytes are GBK");
    assert_eq!(refusal("decode", &[text(""), text("gkb")]), "there is no encoding `gkb`; did you mean `gbk`?");
    assert!(refusal("decode", &[text(""), text("UCS-2")]).contains("write `utf-16be` or `utf-16le`"));
    assert!(refusal("decode", &[text(""), text("klingon tlh")]).contains("such as gbk"));
}

#[test]
fn ciphers_and_passwords_say_what_they_take() {
    let key = text("0123456789abcdef");
    let secret = call("aes_cbc_encrypt", &[key.clone(), key.clone(), text("hello")]);
    assert_eq!(call("aes_cbc_decrypt", &[key.clone(), key.clone(), secret]), Value::Bytes(b"hello".to_vec()));
    let refused = refusal("aes_ecb_encrypt", &[key.clone(), text("x"), text("PKCS#7")]);
    assert_eq!(refused, "there is no padding `PKCS#7`; did you mean `pkcs7`?");
    assert!(refusal("aes_ecb_encrypt", &[key, text("x"), text("")]).contains("write one of pkcs7, zeros, none"));
    let totp = |t: i64, digits: i64| [text("12345678901234567890"), Value::Int(t), Value::Int(digits)];
    assert_eq!(call("totp", &totp(59, 8)[..2]), text("287082"));
    assert_eq!(refusal("totp", &totp(59, 9)), "`digits` must lie between 6 and 8, not 9");
    assert_eq!(refusal("totp", &totp(-1, 6)), "`t` must be 0 or more, not -1");
    let [seed, time, digits] = totp(59, 8);
    assert!(refusal("totp", &[seed, time, digits, text("sha-256")]).contains("did you mean `sha256`?"));
}

#[test]
fn nothing_grows_without_end() {
    let long = Value::Text(vec![b'a'; 1 << 19]);
    assert!(attempt("replace", &[long.clone(), text("a"), long.clone()]).is_err());
    assert!(attempt("join", &[Value::List(vec![Value::Null; 1000]), long.clone()]).is_err());
    assert!(attempt("hex", &[long]).is_err());
    let mut nested = Value::Int(1);
    let mut n_levels = 0;
    while let Ok(deeper) = attempt("append", &[Value::List(vec![]), nested.clone()]) {
        nested = deeper;
        n_levels += 1;
    }
    assert_eq!(n_levels, crate::value::bounds::DEPTH_LIMIT);
}

#[test]
fn secrets_stay_secret_unless_the_result_cannot_tell_them() {
    let hiding: Vec<&str> = Function::all()
        .map(Function::signature)
        .filter(|signature| signature.secrecy == Secrecy::Hides)
        .map(|signature| signature.name)
        .collect();
    let expected = "md5 sha1 sha256 sha512 hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 len starts_with ends_with index contains \
                    crc crc16_modbus crc16_ccitt crc32 fletcher16 fletcher32 sum8 lrc xor8 xor16";
    assert_eq!(hiding.join(" "), expected);
}
