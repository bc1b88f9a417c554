//! The table of functions, in the order of the documentation.

use super::Secrecy::{Adds, Copies, Cuts, Drops, Gets, Hides, Joins, Keeps, Selects, Splits};
use super::arguments::Arguments;
use super::{
    Ambient, Parameter, Row, Secrecy, Signature, Work, checks, ciphers, encodings, form, numbers, octets, structure,
    surroundings, text,
};
use crate::value::{Type, Value};

/// What has octets: text and bytes as they are, the others as they show.
const OCTETS: &[Type] = &[Type::Text, Type::Bytes, Type::Int, Type::Decimal, Type::Bool, Type::Duration];
/// The same, or a map.
const OCTETS_OR_MAP: &[Type] =
    &[Type::Text, Type::Bytes, Type::Int, Type::Decimal, Type::Bool, Type::Duration, Type::Map];
/// What is or spells a whole number.
const NUMBERS: &[Type] = &[Type::Int, Type::Text];
/// What is or spells a number, whole or decimal.
const REALS: &[Type] = &[Type::Int, Type::Decimal, Type::Text];

const X: Parameter = wanted("x", OCTETS);
const KEY_OCTETS: Parameter = wanted("key", OCTETS);
const TEXT: Parameter = wanted("text", OCTETS);
const FROM: Parameter = wanted("from", OCTETS);
const TO: Parameter = wanted("to", OCTETS);
const SEPARATOR: Parameter = wanted("separator", OCTETS);
const PATH: Parameter = wanted("path", &[Type::Text]);
const PATTERN: Parameter = wanted("pattern", &[Type::Text]);
const REAL: Parameter = wanted("x", REALS);
const N: Parameter = wanted("n", NUMBERS);
const TIME: Parameter = wanted("t", NUMBERS);
const REALS_OR_ONE: Parameter = wanted("x", &[Type::Int, Type::Decimal, Type::Text, Type::List]);
const OTHER: Parameter = optional("y", REALS);
const WIDTH: Parameter = wanted("width", NUMBERS);
const WITH: Parameter = optional("with", OCTETS);
const FORM: Parameter = wanted("form", &[Type::Text]);
const A: Parameter = wanted("a", NUMBERS);
const B: Parameter = wanted("b", NUMBERS);
const BITS: Parameter = wanted("n", NUMBERS);
const SEARCHED: Parameter = wanted("x", &[Type::Text, Type::Bytes, Type::List]);
const HOLDER: Parameter = wanted("x", &[Type::Text, Type::Bytes, Type::List, Type::Map]);
const PART: Parameter = wanted("part", &[Type::Any]);
const PLACES: Parameter = optional("places", NUMBERS);
const BASE: Parameter = optional("base", NUMBERS);
const LENGTH_IN_BYTES: Parameter = wanted("length", NUMBERS);
const MINUTES: Parameter = optional("minutes", NUMBERS);
const START: Parameter = wanted("start", NUMBERS);
const LENGTH: Parameter = optional("length", NUMBERS);
const COUNTABLE: Parameter = wanted("x", &[Type::Text, Type::Bytes, Type::List, Type::Map]);
const LIST: Parameter = wanted("list", &[Type::List]);
const MAP: Parameter = wanted("map", &[Type::Map]);
const KEY: Parameter = wanted("key", &[Type::Text, Type::Int]);
const KEYS: Parameter = wanted("keys", &[Type::List, Type::Text]);
const VALUE: Parameter = wanted("value", &[Type::Any]);
/// The name of a CRC, or its parameters; they may also stand behind what is summed up.
const ALGORITHM: Parameter = wanted("algorithm", OCTETS_OR_MAP);
const SUMMED: Parameter = wanted("x", OCTETS_OR_MAP);
const IV: Parameter = wanted("iv", OCTETS);
const PADDING: Parameter = optional("padding", &[Type::Text]);
const DIGITS: Parameter = optional("digits", NUMBERS);
const METHOD: Parameter = optional("method", &[Type::Text]);
const ENCODING: Parameter = wanted("encoding", &[Type::Text]);
const MODULUS: Parameter = optional("modulus", NUMBERS);
const DEFAULT: Parameter = wanted("default", &[Type::Any]);

/// Every function, once; at most 256.
pub(super) static TABLE: &[Row] = &[
    alone("md5", &[X], Type::Bytes, Hides, octets::md5),
    alone("sha1", &[X], Type::Bytes, Hides, octets::sha1),
    alone("sha256", &[X], Type::Bytes, Hides, octets::sha256),
    alone("sha512", &[X], Type::Bytes, Hides, octets::sha512),
    alone("hmac_md5", &[KEY_OCTETS, X], Type::Bytes, Hides, octets::hmac_md5),
    alone("hmac_sha1", &[KEY_OCTETS, X], Type::Bytes, Hides, octets::hmac_sha1),
    alone("hmac_sha256", &[KEY_OCTETS, X], Type::Bytes, Hides, octets::hmac_sha256),
    alone("hmac_sha512", &[KEY_OCTETS, X], Type::Bytes, Hides, octets::hmac_sha512),
    alone("aes_cbc_encrypt", &[KEY_OCTETS, IV, X, PADDING], Type::Bytes, Keeps, ciphers::aes_cbc_encrypt),
    alone("aes_cbc_decrypt", &[KEY_OCTETS, IV, X, PADDING], Type::Bytes, Keeps, ciphers::aes_cbc_decrypt),
    alone("aes_ecb_encrypt", &[KEY_OCTETS, X, PADDING], Type::Bytes, Keeps, ciphers::aes_ecb_encrypt),
    alone("aes_ecb_decrypt", &[KEY_OCTETS, X, PADDING], Type::Bytes, Keeps, ciphers::aes_ecb_decrypt),
    alone("totp", &[KEY_OCTETS, TIME, DIGITS, METHOD], Type::Text, Keeps, ciphers::totp),
    alone("hex", &[X], Type::Text, Keeps, octets::hex),
    alone("unhex", &[TEXT], Type::Bytes, Keeps, octets::unhex),
    alone("base64", &[X], Type::Text, Keeps, octets::base64),
    alone("unbase64", &[TEXT], Type::Bytes, Keeps, octets::unbase64),
    alone("base32", &[X], Type::Text, Keeps, octets::base32),
    alone("unbase32", &[TEXT], Type::Bytes, Keeps, octets::unbase32),
    alone("url_encode", &[X], Type::Text, Keeps, octets::url_encode),
    alone("url_decode", &[TEXT], Type::Text, Keeps, octets::url_decode),
    alone("encode", &[TEXT, ENCODING], Type::Bytes, Keeps, encodings::encode),
    alone("decode", &[X, ENCODING], Type::Text, Keeps, encodings::decode),
    alone("ucs2", &[TEXT], Type::Text, Keeps, encodings::ucs2),
    alone("unucs2", &[TEXT], Type::Text, Keeps, encodings::unucs2),
    alone("form_encode", &[MAP], Type::Text, Keeps, structure::form_encode),
    alone("form_decode", &[TEXT], Type::Map, Selects, structure::form_decode),
    alone("at_escape", &[X], Type::Text, Keeps, octets::at_escape),
    alone("at_unescape", &[TEXT], Type::Text, Keeps, octets::at_unescape),
    alone("len", &[COUNTABLE], Type::Int, Hides, text::len),
    alone("upper", &[TEXT], Type::Text, Copies, text::upper),
    alone("lower", &[TEXT], Type::Text, Copies, text::lower),
    alone("trim", &[TEXT], Type::Text, Cuts, text::trim),
    alone("replace", &[TEXT, FROM, TO], Type::Any, Keeps, text::replace),
    alone("split", &[TEXT, SEPARATOR], Type::List, Splits, text::split),
    alone("join", &[LIST, SEPARATOR], Type::Text, Joins, text::join),
    alone("substring", &[TEXT, START, LENGTH], Type::Any, Cuts, text::substring),
    alone("starts_with", &[TEXT, X], Type::Bool, Hides, text::starts_with),
    alone("ends_with", &[TEXT, X], Type::Bool, Hides, text::ends_with),
    alone("index", &[SEARCHED, PART], Type::Int, Hides, text::index),
    alone("contains", &[HOLDER, PART], Type::Bool, Hides, text::contains),
    alone("text", &[X], Type::Text, Copies, text::text),
    alone("bytes", &[X], Type::Bytes, Copies, text::bytes),
    alone("int", &[REAL, BASE], Type::Int, Keeps, text::int),
    alone("decimal", &[REAL], Type::Decimal, Keeps, numbers::decimal),
    alone("round", &[REAL, PLACES], Type::Any, Keeps, numbers::round),
    alone("min", &[REALS_OR_ONE, OTHER], Type::Any, Keeps, numbers::min),
    alone("max", &[REALS_OR_ONE, OTHER], Type::Any, Keeps, numbers::max),
    alone("abs", &[REAL], Type::Any, Keeps, numbers::abs),
    alone("pad", &[X, WIDTH, WITH], Type::Text, Keeps, numbers::pad),
    alone("format", &[FORM, VALUE], Type::Text, Keeps, form::format),
    alone("bit_and", &[A, B], Type::Int, Keeps, numbers::bit_and),
    alone("bit_or", &[A, B], Type::Int, Keeps, numbers::bit_or),
    alone("bit_xor", &[A, B], Type::Int, Keeps, numbers::bit_xor),
    alone("shift_left", &[A, BITS], Type::Int, Keeps, numbers::shift_left),
    alone("shift_right", &[A, BITS], Type::Int, Keeps, numbers::shift_right),
    alone("uint_be", &[X], Type::Int, Keeps, octets::uint_be),
    alone("uint_le", &[X], Type::Int, Keeps, octets::uint_le),
    alone("bytes_be", &[N, LENGTH_IN_BYTES], Type::Bytes, Keeps, octets::bytes_be),
    alone("bytes_le", &[N, LENGTH_IN_BYTES], Type::Bytes, Keeps, octets::bytes_le),
    alone("json", &[TEXT, PATH], Type::Any, Selects, structure::json),
    alone("to_json", &[VALUE], Type::Text, Keeps, structure::to_json),
    alone("sorted_concat", &[MAP], Type::Text, Keeps, structure::sorted_concat),
    alone("sorted_form", &[MAP], Type::Text, Keeps, structure::sorted_form),
    alone("get", &[MAP, KEY, DEFAULT], Type::Any, Gets, structure::get),
    alone("with", &[MAP, KEY, VALUE], Type::Map, Adds, structure::with),
    alone("without", &[MAP, KEYS], Type::Map, Drops, structure::without),
    alone("keys", &[MAP], Type::List, Selects, structure::keys),
    alone("append", &[LIST, VALUE], Type::List, Adds, structure::append),
    ambient("unix_time", &[], Type::Int, Keeps, surroundings::unix_time),
    ambient("unix_millis", &[], Type::Int, Keeps, surroundings::unix_millis),
    alone("format_time", &[TIME, PATTERN, MINUTES], Type::Text, Keeps, surroundings::format_time),
    alone("millis", &[N], Type::Duration, Keeps, surroundings::millis),
    alone("seconds", &[N], Type::Duration, Keeps, surroundings::seconds),
    ambient("random_digits", &[N], Type::Text, Keeps, surroundings::random_digits),
    ambient("random_hex", &[N], Type::Text, Keeps, surroundings::random_hex),
    ambient("random_text", &[N], Type::Text, Keeps, surroundings::random_text),
    ambient("uuid", &[], Type::Text, Keeps, surroundings::uuid),
    alone("crc", &[ALGORITHM, SUMMED], Type::Any, Hides, checks::crc),
    alone("crc16_modbus", &[X], Type::Int, Hides, checks::crc16_modbus),
    alone("crc16_ccitt", &[X], Type::Int, Hides, checks::crc16_ccitt),
    alone("crc32", &[X], Type::Int, Hides, checks::crc32),
    alone("fletcher16", &[X, MODULUS], Type::Int, Hides, checks::fletcher16),
    alone("fletcher32", &[X], Type::Int, Hides, checks::fletcher32),
    alone("sum8", &[X], Type::Int, Hides, checks::sum8),
    alone("lrc", &[X], Type::Int, Hides, checks::lrc),
    alone("xor8", &[X], Type::Int, Hides, checks::xor8),
    alone("xor16", &[X], Type::Int, Hides, checks::xor16),
];

const fn wanted(name: &'static str, accepts: &'static [Type]) -> Parameter {
    Parameter { name, accepts, optional: false }
}

const fn optional(name: &'static str, accepts: &'static [Type]) -> Parameter {
    Parameter { name, accepts, optional: true }
}

const fn alone(
    name: &'static str,
    parameters: &'static [Parameter],
    result: Type,
    secrecy: Secrecy,
    work: fn(&Arguments<'_>) -> Result<Value, String>,
) -> Row {
    Row { signature: Signature { name, parameters, result, secrecy }, work: Work::Alone(work) }
}

const fn ambient(
    name: &'static str,
    parameters: &'static [Parameter],
    result: Type,
    secrecy: Secrecy,
    work: fn(&Arguments<'_>, &mut Ambient) -> Result<Value, String>,
) -> Row {
    Row { signature: Signature { name, parameters, result, secrecy }, work: Work::Ambient(work) }
}
