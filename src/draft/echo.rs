//! Tells an echo of what was sent from other lines.

/// Whether a line is what was sent, sent back.
pub(super) fn is_echo(line: &[u8], sent: &[u8]) -> bool {
    line == sent || is_wrapped_echo(line, sent)
}

/// Whether a line is what was sent as a terminal wraps it: with blanks, line ends and moves of the cursor in it.
pub(super) fn is_wrapped_echo(line: &[u8], sent: &[u8]) -> bool {
    let letters =
        |text: &[u8]| -> Vec<u8> { text.iter().copied().filter(|byte| !matches!(byte, 0..=0x20 | 0x7f)).collect() };
    let sent = letters(sent);
    sent.len() > 1 && letters(line) == sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_may_be_wrapped_and_nothing_else() {
        assert!(is_echo(b"AT", b"AT"));
        assert!(is_echo(b"echo a \x08b", b"echo ab"));
        assert!(!is_echo(b"AT+CSQ", b"AT"));
        assert!(!is_echo(b" ", b"  "));
    }
}
