//! Blocks: how they look on the line.

use super::{ACK, PAD, SOH, STX};
use crate::value::checksum::{crc16_xmodem, sum8};

/// How blocks are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// By the sum of their bytes.
    Sum,
    /// By a CRC.
    Crc,
}

impl Check {
    /// Returns how many bytes it takes.
    fn len(self) -> usize {
        match self {
            Check::Sum => 1,
            Check::Crc => 2,
        }
    }

    fn of(self, data: &[u8]) -> Vec<u8> {
        match self {
            Check::Sum => vec![sum8(data)],
            Check::Crc => crc16_xmodem(data).to_be_bytes().to_vec(),
        }
    }
}

/// The data of a short block.
pub(super) const SHORT: usize = 128;
/// The data of a long block.
pub(super) const LONG: usize = 1024;

/// Returns a block with this number; what is missing of its data is filled.
pub(super) fn made(number: u8, data: &[u8], len: usize, filled_with: u8, check: Check) -> Vec<u8> {
    let mut block = vec![if len == LONG { STX } else { SOH }, number, !number];
    block.extend_from_slice(data);
    block.resize(3 + len, filled_with);
    let sum = check.of(&block[3..]);
    block.extend(sum);
    block
}

/// Returns a block of a file.
pub(super) fn of_file(number: u8, data: &[u8], len: usize, check: Check) -> Vec<u8> {
    made(number, data, len, PAD, check)
}

/// Returns the block that begins a file of YMODEM, or ends its files if there is no name.
/// The time of the file, in octal seconds since 1970, and its mode are 0: nobody knows them. Left out, some receivers take what
/// happens to be in their memory.
pub(super) fn header(file: Option<(&str, usize)>) -> Vec<u8> {
    let data = file.map_or_else(Vec::new, |(name, size)| format!("{name}\0{size} 0 0").into_bytes());
    let len = if data.len() < SHORT { SHORT } else { LONG };
    made(0, &data[..data.len().min(LONG)], len, 0, Check::Crc)
}

/// Returns how long a block is on the line that begins with this byte.
pub(super) fn length(first: u8, check: Check) -> Option<usize> {
    let data = match first {
        SOH => SHORT,
        STX => LONG,
        _ => return None,
    };
    Some(3 + data + check.len())
}

/// Returns the number and the data of a whole block; `None` if something of it is not as it was sent.
pub(super) fn read(block: &[u8], check: Check) -> Option<(u8, &[u8])> {
    let (number, inverse) = (*block.get(1)?, *block.get(2)?);
    let end = block.len().checked_sub(check.len())?;
    let data = block.get(3..end)?;
    (number == !inverse && check.of(data) == block[end..]).then_some((number, data))
}

/// What the first block of YMODEM says of the size of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Told(usize),
    NotTold,
    /// It says something that is no size.
    Unreadable(String),
}

/// Returns the name and the size that the first block of YMODEM has; without a name there is no further file.
pub(super) fn named(data: &[u8]) -> Option<(String, Size)> {
    let mut parts = data.split(|byte| *byte == 0);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let size = parts.next().unwrap_or_default().split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_number = size.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(size).ok().filter(|_| is_number).and_then(|size| size.parse().ok());
    let size = match number {
        _ if size.is_empty() => Size::NotTold,
        Some(size) => Size::Told(size),
        None => Size::Unreadable(String::from_utf8_lossy(size).into_owned()),
    };
    Some((String::from_utf8_lossy(name).into_owned(), size))
}

/// Returns what answers a block.
pub(super) fn acknowledged(and: Option<u8>) -> Vec<u8> {
    [ACK].into_iter().chain(and).collect()
}
