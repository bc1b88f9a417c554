//! Checksums as functions: octets in, a number out.

use super::Wrong;
use super::arguments::{Arguments, quoted};
use crate::diagnostic::nearest::nearest;
use crate::value::catalogue::{self, Model, Reflected};
use crate::value::{Value, checksum};

type Outcome = Result<Value, String>;

/// What a map says of a CRC; the first two it must say.
const PARAMETERS: [&str; 6] = ["width", "poly", "init", "refin", "refout", "xorout"];

/// Returns the CRC of the catalogue, or the one with these parameters, which may stand behind the octets.
pub(super) fn crc(given: &Arguments<'_>) -> Outcome {
    let is_map = |index: usize| matches!(given.value(index), Value::Map(_));
    let (algorithm, octets) = if is_map(1) { (1, 0) } else { (0, 1) };
    if is_map(octets) {
        return Err("`crc` takes what it sums up, and one name or one map".to_string());
    }
    let model = if is_map(algorithm) {
        model_of(given.map(algorithm))?
    } else {
        let name = given.octets(algorithm);
        let name = String::from_utf8_lossy(&name);
        catalogue::find(&name).ok_or_else(|| {
            let Wrong { message, help } = unknown_name(given.value(algorithm), &name);
            format!("{message}; {help}")
        })?
    };
    let sum = model.checksum(&given.octets(octets));
    Ok(i64::try_from(sum).ok().filter(|_| model.width() < 64).map_or_else(
        || {
            let n_octets = usize::from(model.width().div_ceil(8));
            Value::Bytes(sum.to_be_bytes()[16 - n_octets..].to_vec())
        },
        Value::Int,
    ))
}

/// Says what is wrong with the name of a CRC.
pub(super) fn check_name(name: &str) -> Result<(), Wrong> {
    if catalogue::find(name).is_some() { Ok(()) } else { Err(unknown_name(&Value::text(name), name)) }
}

/// Says what is wrong with a key of the map of a CRC.
pub(super) fn check_parameter(key: &str) -> Result<(), Wrong> {
    if PARAMETERS.contains(&key) {
        return Ok(());
    }
    let help = nearest(key, PARAMETERS).map_or_else(
        || format!("the parameters are {}", PARAMETERS.join(", ")),
        |meant| format!("did you mean `{meant}`?"),
    );
    Err(Wrong { message: format!("a CRC has no parameter `{key}`"), help })
}

fn unknown_name(value: &Value, name: &str) -> Wrong {
    let help = catalogue::name_for(name).or_else(|| nearest(name, catalogue::names())).map_or_else(
        || "names look like `CRC-16/XMODEM`; a CRC without a name is a map, `{width: 16, poly: 0x8005}`".to_string(),
        |meant| format!("did you mean `{meant}`?"),
    );
    Wrong { message: format!("the CRC catalogue has no {}", quoted(value)), help }
}

fn model_of(entries: &[(String, Value)]) -> Result<Model, String> {
    for (key, _) in entries {
        check_parameter(key).map_err(|Wrong { message, help }| format!("{message}; {help}"))?;
    }
    let find = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let number = |key: &str| find(key).map(|value| number(key, value)).transpose();
    let truth = |key: &str| match find(key) {
        None => Ok(false),
        Some(Value::Bool(is_set)) => Ok(*is_set),
        Some(other) => Err(format!("`{key}` of a CRC is true or false, not {}", quoted(other))),
    };
    let needed =
        |key: &str| number(key)?.ok_or_else(|| format!("a CRC needs `{key}`, as in `{{width: 16, poly: 0x8005}}`"));
    let width = needed("width")?;
    let width = u8::try_from(width)
        .ok()
        .filter(|width| (1..=catalogue::WIDEST).contains(width))
        .ok_or_else(|| format!("`width` of a CRC must lie between 1 and {}, not {width}", catalogue::WIDEST))?;
    let reflected = Reflected { input: truth("refin")?, output: truth("refout")? };
    let (poly, init) = (needed("poly")?, number("init")?.unwrap_or(0));
    let xorout = number("xorout")?.unwrap_or(0);
    Model::new(width, poly, init, xorout, reflected)
        .ok_or_else(|| format!("`poly`, `init` and `xorout` of this CRC must fit into its {width} bits"))
}

/// Reads a number of any size: bytes are one, the highest first.
fn number(key: &str, value: &Value) -> Result<u128, String> {
    let wrong = || format!("`{key}` of a CRC must be a number or bytes, not {}", quoted(value));
    match value {
        Value::Bytes(octets) => {
            let is_small = octets.len() <= 16;
            let number = octets.iter().fold(0_u128, |number, octet| number << 8 | u128::from(*octet));
            is_small.then_some(number).ok_or_else(wrong)
        }
        Value::Int(n) => u128::try_from(*n).map_err(|_| wrong()),
        Value::Text(_) => value.as_int().and_then(|n| u128::try_from(n).ok()).ok_or_else(wrong),
        Value::Decimal(_) | Value::Bool(_) | Value::Duration(_) | Value::List(_) | Value::Map(_) | Value::Null => {
            Err(wrong())
        }
    }
}

/// Returns CRC-16/MODBUS.
pub(super) fn crc16_modbus(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::crc16_modbus(&given.octets(0)).into()))
}

/// Returns CRC-16/CCITT-FALSE.
pub(super) fn crc16_ccitt(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::crc16_ccitt(&given.octets(0)).into()))
}

/// Returns CRC-32/ISO-HDLC.
pub(super) fn crc32(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::crc32(&given.octets(0)).into()))
}

/// Returns the sum modulo 256.
pub(super) fn sum8(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::sum8(&given.octets(0)).into()))
}

/// Returns the exclusive or of the octets.
pub(super) fn xor8(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::xor8(&given.octets(0)).into()))
}

/// Returns the exclusive or of the words of two octets.
pub(super) fn xor16(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::xor16(&given.octets(0)).into()))
}

/// Returns the LRC of Modbus ASCII.
pub(super) fn lrc(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::lrc(&given.octets(0)).into()))
}

/// Returns Fletcher-16.
pub(super) fn fletcher16(given: &Arguments<'_>) -> Outcome {
    let modulus = if given.has(1) { given.int_within(1, 255..=256)? } else { 255 };
    Ok(Value::Int(checksum::fletcher16(&given.octets(0), modulus as u16).into()))
}

/// Returns Fletcher-32.
pub(super) fn fletcher32(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::fletcher32(&given.octets(0)).into()))
}
