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
    fn sums_wrap_and_nothing_sums_to_zero() {
        assert_eq!((sum8(b""), xor8(b"")), (0, 0));
        assert_eq!(sum8(&[0xff, 0x02]), 1);
        assert_eq!(xor8(b"GPGLL,5057.970,N,00146.110,E,142451,A"), 0x27);
    }
}
