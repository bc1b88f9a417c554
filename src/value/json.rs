//! JSON text to values, one place in it by a path, and values to JSON text.

use serde_json::{Number, Value as Json};

use super::Value;
use super::decimal::Decimal;
use super::escape::visible;
use path::{Path, Step};

mod path;

/// Returns the value at `path`, `$.data.items[0]["any key"]` for instance, in a JSON text.
///
/// The error says what is wrong with the path, where the text stops being JSON, or what it does not hold.
pub fn json(text: &[u8], path: &str) -> Result<Value, String> {
    let path = Path::parse(path)?;
    let mut place = parse_json(text)?;
    for (at, step) in path.steps().iter().enumerate() {
        place = into_step(place, step)
            .ok_or_else(|| format!("no `{}` in the JSON text", visible(path.up_to(at).as_bytes())))?;
    }
    Ok(place)
}

/// Checks a path without a text to look into.
pub fn check_path(path: &str) -> Result<(), String> {
    Path::parse(path).map(|_| ())
}

/// Returns the whole of a JSON text as a value.
///
/// An object becomes a map in the order of the text; of a key that comes twice, the last value counts. A
/// number that is no whole number of 64 bits becomes a decimal number, one of too many digits a text.
pub fn parse_json(text: &[u8]) -> Result<Value, String> {
    let whole = serde_json::from_slice(text).map_err(|error| format!("the text is not JSON: {error}"))?;
    Ok(from_json(whole))
}

/// Returns a key that comes twice in one object of a JSON text, wherever that object is.
pub fn repeated_key(text: &str) -> Option<String> {
    // For each object or list around a place: the keys that an object has had.
    let mut around: Vec<Option<Vec<String>>> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '[', '}', ']', '"']) {
        let (sign, behind) = rest[at..].split_at(1);
        rest = behind;
        match sign {
            "{" => around.push(Some(Vec::new())),
            "[" => around.push(None),
            "}" | "]" => drop(around.pop()),
            _ => {
                let length = string_length(behind);
                let literal = &text[text.len() - behind.len() - 1..][..length + 1];
                rest = &behind[length..];
                let is_key = rest.trim_start().starts_with(':');
                if let (true, Some(Some(keys))) = (is_key, around.last_mut()) {
                    let key: String = serde_json::from_str(literal).ok()?;
                    if keys.contains(&key) {
                        return Some(key);
                    }
                    keys.push(key);
                }
            }
        }
    }
    None
}

/// Returns how long a string is behind its first quote, with the last one.
fn string_length(behind: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in behind.bytes().enumerate() {
        match byte {
            b'"' if !is_escaped => return at + 1,
            _ => is_escaped = byte == b'\\' && !is_escaped,
        }
    }
    behind.len()
}

/// Returns a value as compact JSON text, a map in its order.
///
/// Text that is not UTF-8 gets replacement characters, bytes become hex text, a duration becomes the
/// text that it shows as.
pub fn to_json(value: &Value) -> String {
    into_json(value).to_string()
}

fn into_step(place: Value, step: &Step) -> Option<Value> {
    match (place, step) {
        (Value::Map(entries), Step::Key(key)) => {
            entries.into_iter().find_map(|(name, value)| (name == *key).then_some(value))
        }
        (Value::List(items), Step::Index(index)) => items.into_iter().nth(*index),
        _ => None,
    }
}

fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(n) => number(&n),
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        Json::Object(entries) => Value::Map(entries.into_iter().map(|(key, value)| (key, from_json(value))).collect()),
    }
}

/// Returns a number with every digit that it has in the text.
fn number(n: &Number) -> Value {
    if let Some(n) = n.as_i64() {
        return Value::Int(n);
    }
    let written = n.to_string();
    Decimal::parse(written.as_bytes()).map_or_else(|_| Value::text(written), Value::Decimal)
}

fn into_json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::String(String::from_utf8_lossy(text).into_owned()),
        Value::Bytes(_) | Value::Duration(_) => Json::String(String::from_utf8_lossy(&value.show()).into_owned()),
        Value::Int(n) => Json::from(*n),
        Value::Decimal(n) => Json::Number(Number::from_string_unchecked(n.to_string())),
        Value::Bool(b) => Json::Bool(*b),
        Value::List(items) => Json::Array(items.iter().map(into_json).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key.clone(), into_json(value))).collect())
        }
        Value::Null => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] =
        br#"{"code":200,"data":{"deviceSecret":"mRMy","list":[{"a b":true},null]},"message":"success"}"#;

    #[test]
    fn a_key_that_comes_twice_in_an_object_is_found() {
        for (text, key) in [
            (r#"{"a": 1, "b": {"a": 2}, "c": [{"a": 1}, {"a": 2}]}"#, None),
            (r#"{"a": "a", "b": "a\": {", "c": ["a", "a"]}"#, None),
            (r#"{"a": 1, "b": 2, "\u0061" : 3}"#, Some("a")),
            (r#"{"x": [1, {"b\"": 1, "b\"": "}"}]}"#, Some("b\"")),
            ("[]", None),
        ] {
            assert_eq!(repeated_key(text).as_deref(), key, "{text}");
        }
    }

    #[test]
    fn a_path_finds_its_place() {
        assert_eq!(json(REPLY, "$.code"), Ok(Value::Int(200)));
        assert_eq!(json(REPLY, "$.data.deviceSecret"), Ok(Value::text("mRMy")));
        assert_eq!(json(REPLY, "$.data.list[0][\"a b\"]"), Ok(Value::Bool(true)));
        assert_eq!(json(REPLY, "$.data[\"list\"][1]"), Ok(Value::Null));
        assert_eq!(json(b" 7 ", "$"), Ok(Value::Int(7)));
    }

    #[test]
    fn what_is_not_there_is_named_up_to_the_missing_step() {
        for (path, missing) in [
            ("$.datum.x", "$.datum"),
            ("$.data.list[2].x", "$.data.list[2]"),
            ("$.code.x", "$.code.x"),
            ("$.code[0]", "$.code[0]"),
            ("$.data[0]", "$.data[0]"),
            ("$.data[\"a b\"]", "$.data[\"a b\"]"),
            ("$.data.list[18446744073709551615]", "$.data.list[18446744073709551615]"),
        ] {
            assert_eq!(json(REPLY, path), Err(format!("no `{missing}` in the JSON text")));
        }
    }

    #[test]
    fn what_is_not_json_is_told_with_its_place() {
        let error = json(b"{\"a\":1,\n x}", "$").expect_err("not JSON");
        assert_eq!(error, "the text is not JSON: key must be a string at line 2 column 2");
        for text in ["", "{", "nul", "[1,]", "{} x", "01", "1.", "\"\\x\"", "\u{feff}1", "'a'"] {
            assert!(json(text.as_bytes(), "$").is_err(), "{text}");
        }
        assert!(json(b"\"\xff\"", "$").is_err());
        assert!(json("[".repeat(100_000).as_bytes(), "$").is_err());
    }

    #[test]
    fn numbers_keep_every_digit() {
        let text =
            br#"[1.10, -0, 1e3, 9223372036854775807, 9223372036854775808, "1.5\"2.50", -9223372036854775809, 3, 0.12345678901234567890123456789]"#;
        let Ok(Value::List(items)) = parse_json(text) else { panic!("a list") };
        let shown: Vec<String> = items
            .iter()
            .map(|item| format!("{} {}", item.kind().title(), String::from_utf8_lossy(&item.show())))
            .collect();
        assert_eq!(
            shown,
            [
                "a decimal number 1.10",
                "a whole number 0",
                "a decimal number 1000",
                "a whole number 9223372036854775807",
                "a decimal number 9223372036854775808",
                "text 1.5\"2.50",
                "a decimal number -9223372036854775809",
                "a whole number 3",
                "text 0.12345678901234567890123456789",
            ]
        );
    }

    #[test]
    fn a_key_that_comes_twice_has_its_last_value() {
        assert_eq!(to_json(&parse_json(b"{\"b\":1,\"a\":2,\"b\":3}").expect("JSON")), "{\"b\":3,\"a\":2}");
    }

    #[test]
    fn values_are_written_compactly_in_their_order() {
        let text = to_json(&parse_json(REPLY).expect("JSON"));
        assert_eq!(text.as_bytes(), REPLY);
        let map = Value::Map(vec![
            ("z".to_string(), Value::Text(b"\xff\"\n".to_vec())),
            ("a".to_string(), Value::Bytes(vec![0x17, 0x70])),
            ("d".to_string(), Value::Duration(std::time::Duration::from_millis(1500))),
            ("n".to_string(), Value::Int(i64::MIN)),
            ("v".to_string(), Value::Decimal(Decimal::parse(b"3.30").expect("a number"))),
        ]);
        assert_eq!(
            to_json(&map),
            "{\"z\":\"\u{fffd}\\\"\\n\",\"a\":\"1770\",\"d\":\"1.5s\",\"n\":-9223372036854775808,\"v\":3.30}"
        );
    }
}
