//! Digests and keyed digests, octets to octets: what clouds sign with.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

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
    fn an_empty_key_is_a_key() {
        assert_eq!(hex::encode(hmac_md5(b"", b"")), "74e6f7298a9c2d168935f58c001bad88");
    }
}
