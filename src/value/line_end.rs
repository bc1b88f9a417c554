//! Where lines end.

/// What is shorter is looked through byte by byte: to prepare a quicker search would take longer.
const SHORT: usize = 24;

/// Returns where the first CR or LF stands.
pub fn find(bytes: &[u8]) -> Option<usize> {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    if bytes.len() <= SHORT { bytes.iter().position(is_end) } else { memchr::memchr2(b'\r', b'\n', bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_end_is_found_however_long_the_line_is() {
        for end in [b'\r', b'\n'] {
            for n in 0..100 {
                let mut bytes = vec![b'x'; n];
                assert_eq!(find(&bytes), None);
                bytes.extend([end, b'y', b'\n']);
                assert_eq!(find(&bytes), Some(n));
            }
        }
    }
}
