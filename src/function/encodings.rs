//! Encodings of text as functions.

use super::Wrong;
use super::arguments::{Arguments, quoted};
use crate::diagnostic::nearest::nearest;
use crate::value::Value;
use crate::value::coding;
use crate::value::encoding::{Encoding, LABELS};

type Outcome = Result<Value, String>;

/// Returns text in another encoding.
pub(super) fn encode(given: &Arguments<'_>) -> Outcome {
    let encoding = encoding(given)?;
    let text = given.utf8(0)?;
    // The character itself may be a piece of a secret.
    let lacks = |_| format!("the text has a character that {} does not have", encoding.name());
    encoding.encode(&text).map(Value::Bytes).map_err(lacks)
}

/// Returns the text that octets in another encoding are.
pub(super) fn decode(given: &Arguments<'_>) -> Outcome {
    let encoding = encoding(given)?;
    let text = encoding.decode(&given.octets(0));
    text.map(Value::text).ok_or_else(|| format!("not all of these bytes are {}", encoding.name()))
}

/// Returns text in UCS-2, as hex digits.
pub(super) fn ucs2(given: &Arguments<'_>) -> Outcome {
    let text = given.utf8(0)?;
    let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    Ok(Value::text(coding::hex(&octets).to_uppercase()))
}

/// Returns the text that hex digits in UCS-2 are.
pub(super) fn unucs2(given: &Arguments<'_>) -> Outcome {
    let octets = coding::unhex(&given.shown(0))?;
    let half =
        || "the text is not UCS-2: four hex digits make a character, and one is cut off or half of a pair".to_string();
    if octets.len() % 2 != 0 {
        return Err(half());
    }
    let units = octets.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.map(Value::text).map_err(|_| half())
}

/// Says what is wrong with the label of an encoding.
pub(super) fn check_label(label: &str) -> Result<(), Wrong> {
    if Encoding::find(label).is_some() { Ok(()) } else { Err(unknown(&Value::text(label), label)) }
}

fn encoding(given: &Arguments<'_>) -> Result<Encoding, String> {
    let label = String::from_utf8_lossy(&given.octets(1)).into_owned();
    Encoding::find(&label).ok_or_else(|| {
        let Wrong { message, help } = unknown(given.value(1), &label);
        format!("{message}; {help}")
    })
}

fn unknown(value: &Value, label: &str) -> Wrong {
    let is_unsided = ["utf-16", "ucs-2", "ucs2", "unicode"].contains(&label.to_ascii_lowercase().as_str());
    let help = match nearest(label, LABELS.iter().copied()) {
        _ if is_unsided => {
            "write `utf-16be` or `utf-16le`: the high byte first, as modems have it, or the low one".to_string()
        }
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "labels are those of the WHATWG Encoding Standard, such as gbk, big5, shift_jis, latin1".to_string(),
    };
    Wrong { message: format!("there is no encoding {}", quoted(value)), help }
}
