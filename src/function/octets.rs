//! Digests, codings and checksums as functions: octets in, text, bytes or a number out.

use super::arguments::Arguments;
use crate::value::{Value, checksum, coding, digest};

type Outcome = Result<Value, String>;

/// Returns the MD5 digest.
pub fn md5(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::md5(&given.octets(0))))
}

/// Returns the SHA-1 digest.
pub fn sha1(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::sha1(&given.octets(0))))
}

/// Returns the SHA-256 digest.
pub fn sha256(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::sha256(&given.octets(0))))
}

/// Returns the HMAC with MD5.
pub fn hmac_md5(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::hmac_md5(&given.octets(0), &given.octets(1))))
}

/// Returns the HMAC with SHA-1.
pub fn hmac_sha1(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::hmac_sha1(&given.octets(0), &given.octets(1))))
}

/// Returns the HMAC with SHA-256.
pub fn hmac_sha256(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Bytes(digest::hmac_sha256(&given.octets(0), &given.octets(1))))
}

/// Returns lower-case hex text.
pub fn hex(given: &Arguments<'_>) -> Outcome {
    Ok(Value::text(coding::hex(&given.octets(0))))
}

/// Returns the octets of hex text.
pub fn unhex(given: &Arguments<'_>) -> Outcome {
    coding::unhex(&given.shown(0)).map(Value::Bytes)
}

/// Returns base64 text.
pub fn base64(given: &Arguments<'_>) -> Outcome {
    Ok(Value::text(coding::base64(&given.octets(0))))
}

/// Returns the octets of base64 text.
pub fn unbase64(given: &Arguments<'_>) -> Outcome {
    coding::unbase64(&given.octets(0)).map(Value::Bytes)
}

/// Returns percent-encoded text.
pub fn url_encode(given: &Arguments<'_>) -> Outcome {
    Ok(Value::text(coding::url_encode(&given.octets(0))))
}

/// Returns the octets of percent-encoded text.
pub fn url_decode(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Text(coding::url_decode(&given.octets(0))))
}

/// Returns text for AT firmware, escaped.
pub fn at_escape(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Text(coding::at_escape(&given.octets(0))))
}

/// Returns text of AT firmware, unescaped.
pub fn at_unescape(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Text(coding::at_unescape(&given.octets(0))))
}

/// Returns CRC-16/MODBUS.
pub fn crc16_modbus(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::crc16_modbus(&given.octets(0)).into()))
}

/// Returns CRC-16/CCITT-FALSE.
pub fn crc16_ccitt(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::crc16_ccitt(&given.octets(0)).into()))
}

/// Returns CRC-32/ISO-HDLC.
pub fn crc32(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::crc32(&given.octets(0)).into()))
}

/// Returns the sum modulo 256.
pub fn sum8(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::sum8(&given.octets(0)).into()))
}

/// Returns the exclusive or.
pub fn xor8(given: &Arguments<'_>) -> Outcome {
    Ok(Value::Int(checksum::xor8(&given.octets(0)).into()))
}
