//! `Keyboard`: bytes of a terminal to keys; how they are cut into reads changes nothing.

/// A key that a line editor knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A character.
    Char(char),
    /// Ctrl and a letter, in lower case.
    Ctrl(char),
    /// Alt and a letter.
    Alt(char),
    Enter,
    Tab,
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Up,
    Down,
    Home,
    End,
}

/// The longest sequence that is kept until it is complete.
const LONGEST: usize = 32;

/// Reads keys.
#[derive(Debug, Default)]
pub(crate) struct Keyboard {
    /// What is not complete.
    begun: Vec<u8>,
}

impl Keyboard {
    /// Takes a byte; returns the key that it completes.
    pub(crate) fn take(&mut self, byte: u8) -> Option<Key> {
        self.begun.push(byte);
        let key = match self.begun.as_slice() {
            [0x1b] => return None,
            [0x1b, 0x1b] => {
                self.begun.pop();
                return None;
            }
            [0x1b, b'[' | b'O'] => return None,
            [0x1b, b'[' | b'O', parameters @ .., last] => {
                if !(0x40..=0x7e).contains(last) && self.begun.len() < LONGEST {
                    return None;
                }
                sequence(parameters, *last)
            }
            [0x1b, 0x7f | 0x08] => Some(Key::Ctrl('w')),
            [0x1b, other] => char::from_u32(u32::from(*other)).map(Key::Alt),
            [byte @ 0..=0x1f] => Some(control(*byte)),
            [0x7f] => Some(Key::Backspace),
            bytes => match std::str::from_utf8(bytes) {
                Ok(text) => text.chars().next().map(Key::Char),
                Err(error) if error.error_len().is_none() => return None,
                // It is no UTF-8: nothing that an editor could show.
                Err(_) => None,
            },
        };
        self.begun.clear();
        key
    }
}

fn control(byte: u8) -> Key {
    match byte {
        b'\r' | b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x08 => Key::Backspace,
        0 => Key::Ctrl('@'),
        1..=26 => Key::Ctrl(char::from(b'a' + byte - 1)),
        other => Key::Ctrl(char::from(other + 0x40)),
    }
}

/// Returns the key of a sequence; its end without what stands between it and `ESC [`.
fn sequence(parameters: &[u8], last: u8) -> Option<Key> {
    let is_with_ctrl_or_alt = parameters.ends_with(b";5") || parameters.ends_with(b";3");
    match (parameters, last) {
        (_, b'A') => Some(Key::Up),
        (_, b'B') => Some(Key::Down),
        (_, b'C') if is_with_ctrl_or_alt => Some(Key::WordRight),
        (_, b'D') if is_with_ctrl_or_alt => Some(Key::WordLeft),
        (_, b'C') => Some(Key::Right),
        (_, b'D') => Some(Key::Left),
        (_, b'H') | (b"1" | b"7", b'~') => Some(Key::Home),
        (_, b'F') | (b"4" | b"8", b'~') => Some(Key::End),
        (b"3", b'~') => Some(Key::Delete),
        // What the editor has no use for, function keys for instance.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keyboard = Keyboard::default();
        bytes.iter().filter_map(|byte| keyboard.take(*byte)).collect()
    }

    #[test]
    fn characters_controls_and_sequences_are_keys() {
        assert_eq!(keys("aé中".as_bytes()), [Key::Char('a'), Key::Char('é'), Key::Char('中')]);
        assert_eq!(
            keys(b"\x01\x7f\r\t\x1b\x62"),
            [Key::Ctrl('a'), Key::Backspace, Key::Enter, Key::Tab, Key::Alt('b')]
        );
        assert_eq!(
            keys(b"\x1b[A\x1bOB\x1b[1;5D\x1b[3~\x1b[H"),
            [Key::Up, Key::Down, Key::WordLeft, Key::Delete, Key::Home]
        );
        assert_eq!(keys(b"\x1b[15~x"), [Key::Char('x')], "a function key is none of ours");
        assert_eq!(keys(b"\xff\xfex"), [Key::Char('x')], "no UTF-8 is no key");
        assert_eq!(keys(b"\x1b\x1b[A"), [Key::Up], "Escape alone does nothing");
    }
}
