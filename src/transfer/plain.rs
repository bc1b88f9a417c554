//! A file that goes out as it is: nobody answers.

use std::ops::Range;

use super::{Amount, Step};

/// How much goes out at once at most.
const PIECE: usize = 4096;

/// Sends a file as it is.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    data: Vec<u8>,
    /// Whether a line goes out at a time.
    by_lines: bool,
    /// What went out last.
    piece: Range<usize>,
}

impl Plain {
    /// Makes a sender of a file with this content.
    pub(crate) fn new(data: Vec<u8>, by_lines: bool) -> Plain {
        Plain { data, by_lines, piece: 0..0 }
    }

    pub(super) fn amount(&self) -> Amount {
        // What is asked for next has left by then.
        Amount { bytes: self.piece.end, of: Some(self.data.len()), ..Amount::default() }
    }

    pub(super) fn sending(&self) -> Range<usize> {
        self.piece.clone()
    }

    pub(super) fn step(&mut self) -> Step {
        let left = &self.data[self.piece.end..];
        if left.is_empty() {
            return Step::Done;
        }
        let most = left.len().min(PIECE);
        let line = self.by_lines.then(|| left[..most].iter().position(|byte| *byte == b'\n')).flatten();
        let length = line.map_or(most, |at| at + 1);
        self.piece = self.piece.end..self.piece.end + length;
        Step::Send(self.data[self.piece.clone()].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(data: &[u8], by_lines: bool) -> Vec<usize> {
        let mut plain = Plain::new(data.to_vec(), by_lines);
        let mut sizes = Vec::new();
        let mut sent = Vec::new();
        while let Step::Send(piece) = plain.step() {
            sizes.push(piece.len());
            sent.extend(piece);
        }
        assert_eq!(sent, data);
        assert_eq!(plain.amount().bytes, data.len());
        sizes
    }

    #[test]
    fn a_file_goes_out_in_pieces_or_lines() {
        assert_eq!(pieces(&[7; 9000], false), [4096, 4096, 808]);
        assert_eq!(pieces(b"one\ntwo\r\n\nrest", true), [4, 5, 1, 4]);
        assert_eq!(pieces(b"", true), [0; 0]);
        assert_eq!(pieces(&[7; 5000], true), [4096, 904]);
    }
}
