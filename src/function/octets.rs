//! Digests and codings as functions: octets in, text, bytes or a number out.

use super::arguments::Arguments;
use crate::value::{Value, coding, digest};

type Outcome = Result<Value, String>;

/// The most octets that a number has.
const NUMBER_OCTETS: i64 = 8;

/// Returns the number that octets are, the highest first.
pub(super) fn uint_be(given: &Arguments<'_>) -> Outcome {
    uint(given.octets(0).iter())
}

/// Returns the number that octets are, the lowest first.
pub(super) fn uint_le(given: &Arguments<'_>) -> Outcome {
    uint(given.octets(0).iter().rev())
}

fn uint<'a>(octets: impl ExactSizeIterator<Item = &'a u8>) -> Outcome {
    let length = octets.len();
    if length as i64 > NUMBER_OCTETS {
        return Err(format!("a number has at most {NUMBER_OCTETS} bytes, these are {length}"));
    }
    let number = octets.fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
    i64::try_from(number)
        .map(Value::Int)
        .map_err(|_| "the number is too large, the largest is 9223372036854775807".to_string())
}

/// Returns a number as so many octets, the highest first.
pub(super) fn bytes_be(given: &Arguments<'_>) -> Outcome {
    number_octets(given).map(Value::Bytes)
}

/// Returns a number as so many octets, the lowest first.
pub(super) fn bytes_le(given: &Arguments<'_>) -> Outcome {
    let mut octets = number_octets(given)?;
    octets.reverse();
    Ok(Value::Bytes(octets))
}

fn number_octets(given: &Arguments<'_>) -> Result<Vec<u8>, String> {
    let number = given.int_within(0, 0..=i64::MAX)?;
    let length = given.int_within(1, 1..=NUMBER_OCTETS)? as usize;
    let octets = number.to_be_bytes();
    let (unused, octets) = octets.split_at(octets.len() - length);
    if unused.iter().any(|octet| *octet != 0) {
        return Err(format!("{number} does not fit into {length} bytes"));
    }
    Ok(octets.to_vec())
}

/// Returns the MD5 digest.
pub(super) fn md5(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::md5(&given.octets(0))))
}

/// Returns the SHA-1 digest.
pub(super) fn sha1(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::sha1(&given.octets(0))))
}

/// Returns the SHA-256 digest.
pub(super) fn sha256(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::sha256(&given.octets(0))))
}

/// Returns the HMAC with MD5.
pub(super) fn hmac_md5(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::hmac_md5(&given.octets(0), &given.octets(1))))
}

/// Returns the HMAC with SHA-1.
pub(super) fn hmac_sha1(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::hmac_sha1(&given.octets(0), &given.octets(1))))
}

/// Returns the HMAC with SHA-256.
pub(super) fn hmac_sha256(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::hmac_sha256(&given.octets(0), &given.octets(1))))
}

/// Returns the SHA-512 digest.
pub(super) fn sha512(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::sha512(&given.octets(0))))
}

/// Returns the HMAC with SHA-512.
pub(super) fn hmac_sha512(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::hmac_sha512(&given.octets(0), &given.octets(1))))
}

/// Returns base32 text.
pub(super) fn base32(given: &Arguments<'_>) -> Outcome {
    Ok(Value::text(coding::base32(&given.octets(0))))
}

/// Returns the octets of base32 text.
pub(super) fn unbase32(given: &Arguments<'_>) -> Outcome {
    coding::unbase32(&given.octets(0)).map(Value::Bytes)
}

/// Returns lower-case hex text.
pub(super) fn hex(given: &Arguments<'_>) -> Outcome {
    Ok(Value::text(coding::hex(&given.octets(0))))
}

/// Returns the octets of hex text.
pub(super) fn unhex(given: &Arguments<'_>) -> Outcome {
    coding::unhex(&given.shown(0)).map(Value::Bytes)
}

/// Returns base64 text.
pub(super) fn base64(given: &Arguments<'_>) -> Outcome {
    Ok(Value::text(coding::base64(&given.octets(0))))
}

/// Returns the octets of base64 text.
pub(super) fn unbase64(given: &Arguments<'_>) -> Outcome {
    coding::unbase64(&given.octets(0)).map(Value::Bytes)
}

/// Returns percent-encoded text.
pub(super) fn url_encode(given: &Arguments<'_>) -> Outcome {
    Ok(Value::text(coding::url_encode(&given.octets(0))))
}

/// Returns the octets of percent-encoded text.
pub(super) fn url_decode(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Text(coding::url_decode(&given.octets(0))))
}

/// Returns text for AT firmware, escaped.
pub(super) fn at_escape(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Text(coding::at_escape(&given.octets(0))))
}

/// Returns text of AT firmware, unescaped.
pub(super) fn at_unescape(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Text(coding::at_unescape(&given.octets(0))))
}
