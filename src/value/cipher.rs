//! AES, octets to octets: what clouds and meters encrypt with.

use aes::{Aes128, Aes256};
use cbc::cipher::block_padding::{NoPadding, Pkcs7, ZeroPadding};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};

/// How many octets a block has.
pub const BLOCK: usize = 16;

/// What fills the last block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Padding {
    /// PKCS#7: as many octets as are missing, each of them that number; a whole block if none is missing.
    Pkcs7,
    /// NULs, none if none is missing; NULs at the end of a message are taken for padding.
    Zeros,
    /// Nothing: a message is whole blocks.
    None,
}

/// How blocks depend on each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode<'a> {
    /// Each block by itself.
    Ecb,
    /// Each block with the one before it; the first with this vector of 16 octets.
    Cbc(&'a [u8]),
}

impl Padding {
    /// Every padding, by the name that flows give it.
    pub const ALL: [(&'static str, Padding); 3] =
        [("pkcs7", Padding::Pkcs7), ("zeros", Padding::Zeros), ("none", Padding::None)];

    /// Returns the padding of this name.
    pub fn find(name: &str) -> Option<Padding> {
        Padding::ALL.iter().find(|(known, _)| *known == name).map(|(_, padding)| *padding)
    }
}

/// Encrypts with AES-128 or AES-256, as the key has 16 or 32 octets.
pub fn encrypt(mode: Mode<'_>, key: &[u8], message: &[u8], padding: Padding) -> Result<Vec<u8>, String> {
    check(mode, key)?;
    if padding == Padding::None && !message.len().is_multiple_of(BLOCK) {
        let n = message.len();
        return Err(format!("without padding a message is whole blocks of {BLOCK} bytes, this one has {n} bytes"));
    }
    Ok(match (mode, key.len()) {
        (Mode::Ecb, 16) => encrypted(ready::<ecb::Encryptor<Aes128>>(key), message, padding),
        (Mode::Ecb, _) => encrypted(ready::<ecb::Encryptor<Aes256>>(key), message, padding),
        (Mode::Cbc(iv), 16) => encrypted(begun::<cbc::Encryptor<Aes128>>(key, iv), message, padding),
        (Mode::Cbc(iv), _) => encrypted(begun::<cbc::Encryptor<Aes256>>(key, iv), message, padding),
    })
}

/// Decrypts with AES-128 or AES-256, as the key has 16 or 32 octets.
pub fn decrypt(mode: Mode<'_>, key: &[u8], message: &[u8], padding: Padding) -> Result<Vec<u8>, String> {
    check(mode, key)?;
    let n = message.len();
    if !n.is_multiple_of(BLOCK) || n == 0 && padding == Padding::Pkcs7 {
        return Err(format!("what was encrypted is whole blocks of {BLOCK} bytes, this has {n} bytes"));
    }
    match (mode, key.len()) {
        (Mode::Ecb, 16) => decrypted(ready::<ecb::Decryptor<Aes128>>(key), message, padding),
        (Mode::Ecb, _) => decrypted(ready::<ecb::Decryptor<Aes256>>(key), message, padding),
        (Mode::Cbc(iv), 16) => decrypted(begun::<cbc::Decryptor<Aes128>>(key, iv), message, padding),
        (Mode::Cbc(iv), _) => decrypted(begun::<cbc::Decryptor<Aes256>>(key, iv), message, padding),
    }
}

fn check(mode: Mode<'_>, key: &[u8]) -> Result<(), String> {
    if !matches!(key.len(), 16 | 32) {
        return Err(format!("the key of AES has 16 or 32 bytes, this one has {}", key.len()));
    }
    match mode {
        Mode::Cbc(iv) if iv.len() != BLOCK => Err(format!("`iv` must have {BLOCK} bytes, this one has {}", iv.len())),
        Mode::Cbc(_) | Mode::Ecb => Ok(()),
    }
}

fn ready<C: KeyInit>(key: &[u8]) -> C {
    C::new_from_slice(key).expect("the length was checked")
}

fn begun<C: KeyIvInit>(key: &[u8], iv: &[u8]) -> C {
    C::new_from_slices(key, iv).expect("the lengths were checked")
}

fn encrypted(cipher: impl BlockModeEncrypt, message: &[u8], padding: Padding) -> Vec<u8> {
    match padding {
        Padding::Pkcs7 => cipher.encrypt_padded_vec::<Pkcs7>(message),
        Padding::Zeros => cipher.encrypt_padded_vec::<ZeroPadding>(message),
        Padding::None => cipher.encrypt_padded_vec::<NoPadding>(message),
    }
}

fn decrypted(cipher: impl BlockModeDecrypt, message: &[u8], padding: Padding) -> Result<Vec<u8>, String> {
    let plain = match padding {
        Padding::Pkcs7 => cipher.decrypt_padded_vec::<Pkcs7>(message),
        Padding::Zeros => cipher.decrypt_padded_vec::<ZeroPadding>(message),
        Padding::None => cipher.decrypt_padded_vec::<NoPadding>(message),
    };
    plain.map_err(|_| {
        "the padding is wrong: the key, the `iv` or the data is another one, or the padding is".to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message of NIST SP 800-38A, appendix F: four blocks.
    const NIST: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                        30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
    const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
    const KEY_256: &str = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
    const IV: &str = "000102030405060708090a0b0c0d0e0f";

    fn octets(hex: &str) -> Vec<u8> {
        crate::value::coding::unhex(hex.as_bytes()).expect("hex")
    }

    #[test]
    fn the_examples_of_nist_sp_800_38a_come_out() {
        let iv = octets(IV);
        // F.1.1, F.1.5, F.2.1 and F.2.5: the first and the last block of each.
        for (mode, key, first, last) in [
            (Mode::Ecb, KEY_128, "3ad77bb40d7a3660a89ecaf32466ef97", "7b0c785e27e8ad3f8223207104725dd4"),
            (Mode::Ecb, KEY_256, "f3eed1bdb5d2a03c064b5a7e3db181f8", "23304b7a39f9f3ff067d8d8f9e24ecc7"),
            (Mode::Cbc(&iv), KEY_128, "7649abac8119b246cee98e9b12e9197d", "3ff1caa1681fac09120eca307586e1a7"),
            (Mode::Cbc(&iv), KEY_256, "f58c4c04d6e5f1ba779eabfb5f7bfbd6", "b2eb05e2c39be9fcda6c19078c6a9d1b"),
        ] {
            let (key, message) = (octets(key), octets(NIST));
            let secret = encrypt(mode, &key, &message, Padding::None).expect("whole blocks");
            assert_eq!((&secret[..16], &secret[48..]), (&octets(first)[..], &octets(last)[..]));
            assert_eq!(decrypt(mode, &key, &secret, Padding::None), Ok(message));
        }
    }

    #[test]
    fn the_first_case_of_rfc_3602_comes_out() {
        let (key, iv) = (octets("06a9214036b8a15b512e03d534120006"), octets("3dafba429d9eb430b422da802c9fac41"));
        let secret = encrypt(Mode::Cbc(&iv), &key, b"Single block msg", Padding::None);
        assert_eq!(secret, Ok(octets("e353779c1079aeb82708942dbe77181a")));
    }

    #[test]
    fn paddings_come_off_again() {
        let (key, iv) = (octets(KEY_256), octets(IV));
        for n in [0, 1, 15, 16, 17, 48] {
            let message = vec![7; n];
            for (mode, (_, padding)) in [Mode::Ecb, Mode::Cbc(&iv)].into_iter().zip(Padding::ALL) {
                if padding == Padding::None && !n.is_multiple_of(BLOCK) {
                    continue;
                }
                let secret = encrypt(mode, &key, &message, padding).expect("a message");
                assert_eq!(decrypt(mode, &key, &secret, padding), Ok(message.clone()), "{n} {padding:?}");
            }
        }
        assert_eq!(encrypt(Mode::Ecb, &key, b"", Padding::Pkcs7).map(|secret| secret.len()), Ok(16));
        assert_eq!(encrypt(Mode::Ecb, &key, b"", Padding::Zeros), Ok(vec![]));
    }

    #[test]
    fn wrong_sizes_and_paddings_are_told() {
        let (key, iv) = (octets(KEY_128), octets(IV));
        let refused = |result: Result<Vec<u8>, String>| result.expect_err("a refusal");
        assert!(refused(encrypt(Mode::Ecb, b"short", b"", Padding::None)).contains("16 or 32 bytes, this one has 5"));
        assert!(refused(encrypt(Mode::Cbc(b"x"), &key, b"", Padding::None)).contains("`iv` must have 16 bytes"));
        assert!(refused(encrypt(Mode::Ecb, &key, b"x", Padding::None)).contains("whole blocks"));
        assert!(refused(decrypt(Mode::Ecb, &key, b"x", Padding::Pkcs7)).contains("whole blocks"));
        assert!(refused(decrypt(Mode::Ecb, &key, b"", Padding::Pkcs7)).contains("whole blocks"));
        let secret = encrypt(Mode::Cbc(&iv), &key, b"text", Padding::Pkcs7).expect("a message");
        assert!(refused(decrypt(Mode::Cbc(&iv), &[0; 16], &secret, Padding::Pkcs7)).contains("the padding is wrong"));
    }
}
