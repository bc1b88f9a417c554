//! `PasswordPrompt`: whether the device asks for something that nobody is to read, and what is typed then.

use crate::secret::{Asked, without_sequences};

/// So much of what came is looked at.
const SEEN: usize = 512;

/// So much of what is typed is kept.
const LONGEST: usize = 1024;

/// Looks at what comes and at what is typed.
#[derive(Debug, Default)]
pub(crate) struct PasswordPrompt {
    /// The end of the line that has not ended, decoded.
    line: Vec<u8>,
    /// A line that ended asked for a secret, and nothing ended that.
    is_asked: bool,
    /// Something was typed since the last line end came: its echo may stand in the line.
    is_echoed: bool,
    /// What is typed while the prompt stands.
    typed: Option<Vec<u8>>,
}

/// What became of typed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// They are no secret.
    Open,
    /// They are a part of one.
    Part,
    /// With them the secret is complete; the line end is not a part of it.
    Whole(Vec<u8>),
}

impl PasswordPrompt {
    /// Takes what came, as UTF-8.
    pub(crate) fn came(&mut self, text: &[u8]) {
        let text = &text[text.len().saturating_sub(SEEN)..];
        for part in text.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            self.line.extend_from_slice(part);
            let too_much = self.line.len().saturating_sub(SEEN);
            self.line.drain(..too_much);
            if part.ends_with(b"\n") || part.ends_with(b"\r") {
                let asks = matches!(Asked::by(&self.line), Some(Asked::Surely(_)));
                self.is_asked |= asks || asks_before_message(&self.line);
                self.line.clear();
                self.is_echoed = false;
            }
        }
        if is_other_prompt(&self.line) {
            self.is_asked = false;
        }
    }

    /// Takes bytes that are sent.
    pub(crate) fn sent(&mut self, bytes: &[u8]) -> Typed {
        if self.typed.is_none() {
            if !self.stands() {
                self.is_echoed = true;
                return Typed::Open;
            }
            self.typed = Some(Vec::new());
        }
        let typed = self.typed.get_or_insert_default();
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => {
                    self.line.clear();
                    self.is_asked = false;
                    return Typed::Whole(self.typed.take().unwrap_or_default());
                }
                // Ctrl-C and Ctrl-D give up.
                3 | 4 => {
                    self.line.clear();
                    self.is_asked = false;
                    return Typed::Whole(self.typed.take().unwrap_or_default());
                }
                8 | 0x7f => while typed.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
                0x15 => typed.clear(),
                other if typed.len() < LONGEST => typed.push(*other),
                _ => {}
            }
        }
        Typed::Part
    }

    /// Gives up waiting for the rest; returns what was typed.
    pub(crate) fn give_up(&mut self) -> Option<Vec<u8>> {
        self.typed.take()
    }

    /// Whether a secret is asked for. That lasts until a line is typed or another prompt comes: a message of the kernel
    /// that comes by itself does not end it.
    pub(crate) fn stands(&self) -> bool {
        self.is_asked
            || asks_before_message(&self.line)
            || match Asked::by(&self.line) {
                Some(Asked::Surely(_)) => true,
                Some(Asked::Likely(_)) => !self.is_echoed,
                None => false,
            }
    }
}

/// Whether a line asks for a secret, and a message of the kernel, `[   12.345678] usb 1-1: …`, follows in it.
fn asks_before_message(line: &[u8]) -> bool {
    let is_time = |text: &[u8]| {
        let text = text.trim_ascii_start();
        text.contains(&b'.') && text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
    };
    let stamp = (0..line.len()).find(|at| {
        let inner = line[*at..].strip_prefix(b"[");
        inner.is_some_and(|rest| rest.iter().position(|byte| *byte == b']').is_some_and(|end| is_time(&rest[..end])))
    });
    stamp.is_some_and(|at| Asked::by(&line[..at]).is_some())
}

/// Whether a line that has not ended is the prompt of a shell, or asks who logs in.
fn is_other_prompt(line: &[u8]) -> bool {
    let text = without_sequences(line).to_ascii_lowercase();
    let text = text.trim_ascii_end();
    let is_shell = text.ends_with(b"#") || text.ends_with(b"$") || text.ends_with(b"%") || text.ends_with(b">");
    (is_shell || text.ends_with(b"login:") || text.ends_with(b"username:")) && Asked::by(line).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(text: &str) -> bool {
        let mut prompt = PasswordPrompt::default();
        prompt.came(text.as_bytes());
        prompt.stands()
    }

    #[test]
    fn a_prompt_for_a_secret_is_known_by_its_words() {
        for text in ["Password: ", "root@board's password:", "Passwort für root: ", "Enter passphrase for key 'a': "] {
            assert!(stands(text), "{text}");
        }
        for text in ["请输入密码：", "SIM PIN: ", "\r\nPassword: \u{1b}[0m", "login: root\r\nPassword:\r\n"] {
            assert!(stands(text), "{text}");
        }
        for text in ["", "login: ", "Password: \r\n$ ", "+CPIN: READY", "shipping: ", "password incorrect\r\n"] {
            assert!(!stands(text), "{text}");
        }
    }

    #[test]
    fn a_message_of_the_kernel_does_not_end_a_prompt_and_another_prompt_does() {
        for text in ["Password: \r\n[   12.3] usb 1-1: new\r\n", "Password: [   12.3] usb 1-1: new\r\n[ 13.0] x\r\n"] {
            assert!(stands(text), "{text}");
            let mut prompt = PasswordPrompt::default();
            text.bytes().for_each(|byte| prompt.came(&[byte]));
            assert!(prompt.stands(), "{text}");
            for other in ["# ", "board login: ", "\x1b[32muart:~$ \x1b[m"] {
                let mut prompt = PasswordPrompt::default();
                prompt.came(text.as_bytes());
                prompt.came(other.as_bytes());
                assert!(!prompt.stands(), "{text} {other}");
                prompt.came(b"ls\r\n");
                assert!(!prompt.stands(), "{text} {other}");
            }
        }
        assert!(!stands("[   12.3] usb 1-1: new\r\n") && !stands("Password\r\n") && !stands("PIN?\r\n"));
    }

    #[test]
    fn the_echo_of_a_word_is_no_prompt() {
        let mut prompt = PasswordPrompt::default();
        assert_eq!(prompt.sent(b"password"), Typed::Open);
        prompt.came(b"password");
        assert_eq!(prompt.sent(b"=x\r"), Typed::Open);
        prompt.came(b"=x\r\nPassword");
        assert_eq!(prompt.sent(b"secret\r"), Typed::Whole(b"secret".to_vec()));
    }

    #[test]
    fn what_is_typed_is_one_secret_with_corrections_resolved() {
        let mut prompt = PasswordPrompt::default();
        assert_eq!(prompt.sent(b"root\r"), Typed::Open);
        prompt.came(b"Pass");
        prompt.came(b"word: ");
        assert_eq!(prompt.sent(b"hunt"), Typed::Part);
        assert_eq!(prompt.sent(b"rr\x7f\x7fer2"), Typed::Part);
        assert_eq!(prompt.sent(b"\r"), Typed::Whole(b"hunter2".to_vec()));
        assert_eq!(prompt.sent(b"ls\r"), Typed::Open, "it was answered");
    }
}
