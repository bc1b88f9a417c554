//! `Rng`: what looks random in a run, and is the same again with the same seed.

use std::fmt::Write;

const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const ALPHANUMERICS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A SplitMix64 generator: 64 bits of state, one addition and one mixing a step.
///
/// The algorithm is fixed for ever, and so is how the texts are made from it, so that a seed in an old
/// report gives the same run again. It is for nonces and test data: whoever sees a few outputs can
/// work out the next, so it makes no keys.
///
/// A step adds `0x9e3779b97f4a7c15` to the state; the output is the new state `z` mixed by
/// `z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9`, `z = (z ^ (z >> 27)) * 0x94d049bb133111eb`, `z ^ (z >> 31)`.
#[derive(Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// Makes the generator that this seed stands for; every seed is a good one.
    pub fn from_seed(seed: u64) -> Rng {
        Rng { state: seed }
    }

    /// Steps, and returns 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.state;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from 0 to `end` - 1, each as likely as the others; 0 if `end` is 0.
    ///
    /// Outputs below 2⁶⁴ mod `end` are passed over, the first other one is taken modulo `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 {
            return 0;
        }
        let surplus = end.wrapping_neg() % end;
        loop {
            let bits = self.next_u64();
            if bits >= surplus {
                return bits % end;
            }
        }
    }

    /// Returns `n` decimal digits, the first of which may be 0.
    pub fn digits(&mut self, n: usize) -> String {
        self.pick(DIGITS, n)
    }

    /// Returns `n` lower-case hex digits.
    pub fn hex(&mut self, n: usize) -> String {
        self.pick(HEX, n)
    }

    /// Returns `n` letters and digits, `A–Z a–z 0–9`.
    pub fn text(&mut self, n: usize) -> String {
        self.pick(ALPHANUMERICS, n)
    }

    /// Returns a version 4 UUID in lower case, of two outputs, high half first.
    pub fn uuid(&mut self) -> String {
        let high = (self.next_u64() & !0xf000) | 0x4000;
        let low = (self.next_u64() & !(0b11 << 62)) | (0b10 << 62);
        let mut text = String::with_capacity(36);
        let _ = write!(text, "{:08x}-{:04x}-{:04x}-", high >> 32, (high >> 16) & 0xffff, high & 0xffff);
        let _ = write!(text, "{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff);
        text
    }

    /// One [`Rng::below`] for each character.
    fn pick(&mut self, alphabet: &[u8], n: usize) -> String {
        (0..n).map(|_| char::from(alphabet[self.below(alphabet.len() as u64) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outputs_are_those_of_the_published_algorithm() {
        let mut rng = Rng::from_seed(1_234_567);
        let outputs: Vec<u64> = (0..5).map(|_| rng.next_u64()).collect();
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(outputs, published);
    }

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut rng = Rng::from_seed(1);
        assert_eq!(rng.digits(8), "59051853");
        assert_eq!(rng.hex(8), "861e0a8b");
        assert_eq!(rng.text(8), "zxQiqkDE");
        assert_eq!(rng.uuid(), "497305c5-d1aa-499f-8c43-407dc177b6f7");
    }

    #[test]
    fn every_character_comes_about_as_often_as_the_others() {
        let mut rng = Rng::from_seed(7);
        for (text, alphabet) in
            [(rng.digits(60_000), DIGITS), (rng.hex(60_000), HEX), (rng.text(60_000), ALPHANUMERICS)]
        {
            let fair = 60_000 / alphabet.len();
            for letter in alphabet {
                let count = text.bytes().filter(|byte| byte == letter).count();
                assert!(count.abs_diff(fair) < fair / 4, "{} came {count} times", *letter as char);
            }
        }
    }

    #[test]
    fn below_stays_below_even_where_much_is_passed_over() {
        let mut rng = Rng::from_seed(0);
        for end in [1, 2, 3, 62, (1 << 63) + 1, u64::MAX] {
            assert!((0..100).all(|_| rng.below(end) < end));
        }
        assert_eq!(rng.below(0), 0);
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        let mut rng = Rng::from_seed(u64::MAX);
        for _ in 0..100 {
            let uuid = rng.uuid();
            let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
            assert_eq!(parts, [8, 4, 4, 4, 12]);
            assert_eq!(uuid.as_bytes()[14], b'4');
            assert!(b"89ab".contains(&uuid.as_bytes()[19]));
        }
    }
}
