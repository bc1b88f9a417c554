//! Digests and keyed digests, octets to octets: what clouds sign with.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

/// Returns the MD5 digest, 16 bytes.
pub fn md5(message: &[u8]) -> Vec<u8> {
    Md5::digest(message).to_vec()
}

/// Returns the SHA-1 digest, 20 bytes.
pub fn sha1(message: &[u8]) -> Vec<u8> {
    Sha1::digest(message).to_vec()
}

/// Returns the SHA-256 digest, 32 bytes.
pub fn sha256(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}

/// Returns the SHA-512 digest, 64 bytes.
pub fn sha512(message: &[u8]) -> Vec<u8> {
    Sha512::digest(message).to_vec()
}

/// Returns the HMAC with MD5, 16 bytes; the key may have any length.
pub fn hmac_md5(key: &[u8], message: &[u8]) -> Vec<u8> {
    keyed::<Hmac<Md5>>(key, message)
}

/// Returns the HMAC with SHA-1, 20 bytes; the key may have any length.
pub fn hmac_sha1(key: &[u8], message: &[u8]) -> Vec<u8> {
    keyed::<Hmac<Sha1>>(key, message)
}

/// Returns the HMAC with SHA-256, 32 bytes; the key may have any length.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    keyed::<Hmac<Sha256>>(key, message)
}

/// Returns the HMAC with SHA-512, 64 bytes; the key may have any length.
pub fn hmac_sha512(key: &[u8], message: &[u8]) -> Vec<u8> {
    keyed::<Hmac<Sha512>>(key, message)
}

/// Returns the one-time password of RFC 4226 for a counter, made with one of the keyed digests above; up to 9 digits.
pub fn one_time(keyed: fn(&[u8], &[u8]) -> Vec<u8>, key: &[u8], counter: u64, n_digits: u32) -> String {
    let digest = keyed(key, &counter.to_be_bytes());
    let at = digest.last().map_or(0, |last| usize::from(last & 0x0f));
    let number = digest[at..at + 4].iter().fold(0_u32, |number, octet| number << 8 | u32::from(*octet)) & 0x7fff_ffff;
    format!("{:0width$}", number % 10_u32.pow(n_digits), width = n_digits as usize)
}

fn keyed<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC hashes a key that is longer than its block");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standards() {
        assert_eq!(hex::encode(md5(b"")), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex::encode(sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex::encode(sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        // FIPS 180-4, the example of one block.
        assert_eq!(
            hex::encode(sha512(b"abc")),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        );
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        let message = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(hex::encode(hmac_md5(&[0xaa; 80], message)), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
        assert_eq!(hex::encode(hmac_sha1(&[0xaa; 80], message)), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
        assert_eq!(
            hex::encode(hmac_sha256(&[0xaa; 131], message)),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn hmac_sha512_gives_the_second_case_of_rfc_4231() {
        assert_eq!(
            hex::encode(hmac_sha512(b"Jefe", b"what do ya want for nothing?")),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
        );
    }

    #[test]
    fn one_time_passwords_are_those_of_rfc_4226() {
        let passwords: Vec<String> =
            (0..10).map(|counter| one_time(hmac_sha1, b"12345678901234567890", counter, 6)).collect();
        let appendix_d =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        assert_eq!(passwords, appendix_d);
    }

    #[test]
    fn an_empty_key_is_a_key() {
        assert_eq!(hex::encode(hmac_md5(b"", b"")), "74e6f7298a9c2d168935f58c001bad88");
    }
}
