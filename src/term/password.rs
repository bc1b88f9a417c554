//! `PasswordPrompt`: whether the device asks for something that nobody is to read, and what is typed then.

/// So much of what came is looked at.
const SEEN: usize = 512;

/// So much of what is typed is kept.
const LONGEST: usize = 1024;

/// Words that a prompt for a secret has.
const WORDS: [&str; 4] = ["password", "passwort", "passphrase", "密码"];

/// Looks at what comes and at what is typed.
#[derive(Debug, Default)]
pub(crate) struct PasswordPrompt {
    /// The end of what came, decoded.
    tail: Vec<u8>,
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
        self.tail.extend_from_slice(text);
        let too_much = self.tail.len().saturating_sub(SEEN);
        self.tail.drain(..too_much);
    }

    /// Takes bytes that are sent.
    pub(crate) fn sent(&mut self, bytes: &[u8]) -> Typed {
        if self.typed.is_none() {
            if !self.stands() {
                return Typed::Open;
            }
            self.typed = Some(Vec::new());
        }
        let typed = self.typed.get_or_insert_default();
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => {
                    self.tail.clear();
                    return Typed::Whole(self.typed.take().unwrap_or_default());
                }
                // Ctrl-C and Ctrl-D give up.
                3 | 4 => {
                    self.tail.clear();
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

    /// Whether the last line that came asks for a secret.
    pub(crate) fn stands(&self) -> bool {
        let text = without_sequences(&self.tail);
        let text = String::from_utf8_lossy(&text).to_lowercase();
        let text = text.trim_end();
        let line = text.rsplit(['\n', '\r']).next().unwrap_or_default();
        let Some(line) = line.strip_suffix([':', '：']) else { return false };
        WORDS.iter().any(|word| line.contains(word)) || has_word(line, "pin")
    }
}

/// Says whether a word stands in a line, and not as a part of another.
fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
}

/// Returns a text without what a terminal would obey.
fn without_sequences(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        if *byte != 0x1b {
            out.push(*byte);
        } else if rest.next() == Some(&b'[') {
            let _ = rest.find(|byte| (0x40..=0x7e).contains(*byte));
        }
    }
    out
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
