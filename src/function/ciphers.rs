//! Ciphers and one-time passwords as functions.

use super::Wrong;
use super::arguments::{Arguments, quoted};
use crate::diagnostic::nearest::nearest;
use crate::value::cipher::{self, Mode, Padding};
use crate::value::{Value, digest};

type Outcome = Result<Value, String>;

/// Makes a keyed digest of a key and a message.
type Keyed = fn(&[u8], &[u8]) -> Vec<u8>;

/// How long a time-based password is valid, in seconds.
const PERIOD: i64 = 30;

/// The digests that RFC 6238 allows.
const METHODS: [(&str, Keyed); 3] =
    [("sha1", digest::hmac_sha1), ("sha256", digest::hmac_sha256), ("sha512", digest::hmac_sha512)];

/// Encrypts, each block with the one before it.
pub(super) fn aes_cbc_encrypt(given: &Arguments<'_>) -> Outcome {
    let padding = padding(given, 3)?;
    cipher::encrypt(Mode::Cbc(&given.octets(1)), &given.octets(0), &given.octets(2), padding).map(Value::Bytes)
}

/// Decrypts, each block with the one before it.
pub(super) fn aes_cbc_decrypt(given: &Arguments<'_>) -> Outcome {
    let padding = padding(given, 3)?;
    cipher::decrypt(Mode::Cbc(&given.octets(1)), &given.octets(0), &given.octets(2), padding).map(Value::Bytes)
}

/// Encrypts, each block by itself.
pub(super) fn aes_ecb_encrypt(given: &Arguments<'_>) -> Outcome {
    let padding = padding(given, 2)?;
    cipher::encrypt(Mode::Ecb, &given.octets(0), &given.octets(1), padding).map(Value::Bytes)
}

/// Decrypts, each block by itself.
pub(super) fn aes_ecb_decrypt(given: &Arguments<'_>) -> Outcome {
    let padding = padding(given, 2)?;
    cipher::decrypt(Mode::Ecb, &given.octets(0), &given.octets(1), padding).map(Value::Bytes)
}

/// Returns the password of RFC 6238 for a time.
pub(super) fn totp(given: &Arguments<'_>) -> Outcome {
    let time = given.int_within(1, 0..=i64::MAX)?;
    let n_digits = if given.has(2) { given.int_within(2, 6..=8)? } else { 6 };
    let keyed = match given.has(3).then(|| String::from_utf8_lossy(&given.octets(3)).into_owned()) {
        Some(name) => method(&name).ok_or_else(|| told(unknown_method(given.value(3), &name)))?,
        None => digest::hmac_sha1,
    };
    let counter = (time / PERIOD).unsigned_abs();
    Ok(Value::text(digest::one_time(keyed, &given.octets(0), counter, n_digits as u32)))
}

/// Says what is wrong with the name of a padding.
pub(super) fn check_padding(name: &str) -> Result<(), Wrong> {
    if Padding::find(name).is_some() { Ok(()) } else { Err(unknown_padding(&Value::text(name), name)) }
}

/// Says what is wrong with the name of a digest of a password.
pub(super) fn check_method(name: &str) -> Result<(), Wrong> {
    if method(name).is_some() { Ok(()) } else { Err(unknown_method(&Value::text(name), name)) }
}

fn padding(given: &Arguments<'_>, index: usize) -> Result<Padding, String> {
    if !given.has(index) {
        return Ok(Padding::Pkcs7);
    }
    let name = String::from_utf8_lossy(&given.octets(index)).into_owned();
    Padding::find(&name).ok_or_else(|| told(unknown_padding(given.value(index), &name)))
}

fn method(name: &str) -> Option<Keyed> {
    METHODS.iter().find(|(known, _)| *known == name).map(|(_, keyed)| *keyed)
}

fn unknown_padding(value: &Value, name: &str) -> Wrong {
    let help = instead(name, &Padding::ALL.map(|(name, _)| name));
    Wrong { message: format!("there is no padding {}", quoted(value)), help }
}

fn unknown_method(value: &Value, name: &str) -> Wrong {
    let help = instead(name, &METHODS.map(|(name, _)| name));
    Wrong { message: format!("`totp` has no method {}", quoted(value)), help }
}

fn instead(name: &str, names: &[&'static str]) -> String {
    nearest(name, names.iter().copied())
        .map_or_else(|| format!("write one of {}", names.join(", ")), |meant| format!("did you mean `{meant}`?"))
}

fn told(Wrong { message, help }: Wrong) -> String {
    format!("{message}; {help}")
}
