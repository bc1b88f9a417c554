//! Checksums that serial protocols end their frames with.

use crc::{CRC_16_IBM_3740, CRC_16_MODBUS, CRC_16_XMODEM, CRC_32_ISO_HDLC, Crc};

/// Returns CRC-16/MODBUS; a Modbus frame carries it low byte first.
pub fn crc16_modbus(octets: &[u8]) -> u16 {
    const MODBUS: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);
    MODBUS.checksum(octets)
}

/// Returns CRC-16/IBM-3740, which manuals call CRC-16/CCITT-FALSE.
pub fn crc16_ccitt(octets: &[u8]) -> u16 {
    const CCITT: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);
    CCITT.checksum(octets)
}

/// Returns CRC-16/XMODEM, which blocks of XMODEM and YMODEM end with, the high byte first.
pub fn crc16_xmodem(octets: &[u8]) -> u16 {
    const XMODEM: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);
    XMODEM.checksum(octets)
}

/// Returns CRC-32/ISO-HDLC, the one of Ethernet and zip files.
pub fn crc32(octets: &[u8]) -> u32 {
    const ISO_HDLC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
    ISO_HDLC.checksum(octets)
}

/// Returns the sum of all bytes, modulo 256.
pub fn sum8(octets: &[u8]) -> u8 {
    octets.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// Returns all bytes combined by exclusive or, as NMEA sentences do.
pub fn xor8(octets: &[u8]) -> u8 {
    octets.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Returns all words of two bytes combined by exclusive or, the high byte first; a last byte alone is a high one.
pub fn xor16(octets: &[u8]) -> u16 {
    let word = |pair: &[u8]| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
    octets.chunks(2).fold(0, |sum, pair| sum ^ word(pair))
}

/// Returns the LRC of Modbus ASCII: what makes the sum of all bytes 0, modulo 256.
pub fn lrc(octets: &[u8]) -> u8 {
    sum8(octets).wrapping_neg()
}

/// Returns Fletcher-16: the sum of all bytes in the low byte, the sum of these sums in the high one, by this modulus.
///
/// The modulus of Fletcher is 255; u-blox takes 256.
pub fn fletcher16(octets: &[u8], modulus: u16) -> u16 {
    let modulus = u32::from(modulus);
    let (low, high) = octets.iter().fold((0, 0), |(low, high), octet| {
        let low = (low + u32::from(*octet)) % modulus;
        (low, (high + low) % modulus)
    });
    (high << 8 | low) as u16
}

/// Returns Fletcher-32: the same with words of two bytes, the low byte first, modulo 65535; a last byte alone is a low one.
pub fn fletcher32(octets: &[u8]) -> u32 {
    let word = |pair: &[u8]| u64::from(u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    let (low, high) = octets.chunks(2).fold((0, 0), |(low, high), pair| {
        let low = (low + word(pair)) % 65_535;
        (low, (high + low) % 65_535)
    });
    (high << 16 | low) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_the_catalogue_come_out() {
        assert_eq!(crc16_modbus(b"123456789"), 0x4b37);
        assert_eq!(crc16_ccitt(b"123456789"), 0x29b1);
        assert_eq!(crc16_xmodem(b"123456789"), 0x31c3);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn fletcher_gives_what_is_published() {
        // https://en.wikipedia.org/wiki/Fletcher%27s_checksum#Test_vectors
        for (text, of_16, of_32) in
            [(&b"abcde"[..], 0xc8f0, 0xf04f_c729), (b"abcdef", 0x2057, 0x5650_2d2a), (b"abcdefgh", 0x0627, 0xebe1_9591)]
        {
            assert_eq!((fletcher16(text, 255), fletcher32(text)), (of_16, of_32));
        }
        // UBX-MON-VER as a poll, from u-blox's protocol specification: the sums are 0E 34.
        assert_eq!(fletcher16(&[0x0a, 0x04, 0x00, 0x00], 256), 0x340e);
    }

    #[test]
    fn the_lrc_is_that_of_modbus_ascii() {
        // Modbus over serial line, V1.02: reading registers 107 to 109 of slave 17.
        assert_eq!(lrc(&[0x11, 0x03, 0x00, 0x6b, 0x00, 0x03]), 0x7e);
        assert_eq!(lrc(b""), 0);
    }

    #[test]
    fn words_are_combined_the_high_byte_first() {
        assert_eq!(xor16(&[0x12, 0x34, 0x00, 0xff]), 0x12cb);
        assert_eq!(xor16(&[0x12, 0x34, 0x01]), 0x1334);
        assert_eq!(xor16(b""), 0);
    }

    #[test]
    fn sums_wrap_and_nothing_sums_to_zero() {
        assert_eq!((sum8(b""), xor8(b"")), (0, 0));
        assert_eq!(sum8(&[0xff, 0x02]), 1);
        assert_eq!(xor8(b"GPGLL,5057.970,N,00146.110,E,142451,A"), 0x27);
    }
}
