//! Whether a device asks for a secret: the one table of words for it, for the terminal and for drafts.

/// What a prompt for a secret has in it, and what is typed there.
const WORDS: &[(&str, &str)] = &[
    ("passphrase", "passphrase"),
    ("passcode", "passcode"),
    ("password", "password"),
    ("passwort", "password"),
    ("passwd", "password"),
    ("mot de passe", "password"),
    ("contraseña", "password"),
    ("密码", "password"),
    ("密碼", "password"),
    ("口令", "password"),
    ("secret key", "secret_key"),
];

/// The same, where it is a word of its own.
const WHOLE: &[(&str, &str)] = &[("pin", "pin"), ("puk", "puk")];

/// What may stand before the word in a prompt that has no colon.
const BEFORE: &[&str] =
    &["enter", "input", "type", "retype", "repeat", "confirm", "please", "your", "the", "new", "old", "current", "sim"];

/// How sure it is that a secret is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A colon follows the word.
    Surely(&'static str),
    /// The word stands at the end by itself, or before `>` or `?`.
    Likely(&'static str),
}

impl Asked {
    /// Looks at the last line that came; it has no line end.
    pub(crate) fn by(line: &[u8]) -> Option<Asked> {
        let text = without_sequences(line);
        let text = String::from_utf8_lossy(&text).to_lowercase();
        let text = text.trim();
        if let Some(question) = text.strip_suffix([':', '：']) {
            return named(question).map(Asked::Surely);
        }
        let question = text.strip_suffix(['>', '?', '？']).unwrap_or(text).trim_end();
        let words = WORDS.iter().chain(WHOLE);
        words
            .filter_map(|(word, name)| Some((question.strip_suffix(word)?, *name)))
            .find(|(before, _)| is_only_polite(before))
            .map(|(_, name)| Asked::Likely(name))
    }

    /// Returns what the secret is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Asked::Surely(name) | Asked::Likely(name) => name,
        }
    }
}

fn named(question: &str) -> Option<&'static str> {
    let is_whole = |word: &str| question.split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
    let found = WORDS.iter().find(|(word, _)| question.contains(word));
    found.or_else(|| WHOLE.iter().find(|(word, _)| is_whole(word))).map(|(_, name)| *name)
}

/// Whether a text only asks for what follows it.
fn is_only_polite(text: &str) -> bool {
    let is_whole = text.is_empty() || text.ends_with(' ') || text.ends_with("输入");
    is_whole && text.replace("请", "").replace("输入", "").split_whitespace().all(|word| BEFORE.contains(&word))
}

/// Returns a text without what a terminal would obey.
pub(crate) fn without_sequences(text: &[u8]) -> Vec<u8> {
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

    #[test]
    fn a_prompt_is_known_by_its_words() {
        let surely = ["Password: ", "root@b's password:", "Passwort für root:", "Passcode:", "PUK:", "SIM PIN: "];
        let others = ["Enter secret key:", "口令：", "Mot de passe :", "Contraseña:", "CONTRASEÑA:", "请输入密码："];
        for text in surely.into_iter().chain(others) {
            assert!(matches!(Asked::by(text.as_bytes()), Some(Asked::Surely(_))), "{text}");
        }
        for text in ["PASSWORD>", "Password", "Password?", "Enter your PIN", "请输入密码", "\x1b[1mPassword\x1b[m "]
        {
            assert!(matches!(Asked::by(text.as_bytes()), Some(Asked::Likely(_))), "{text}");
        }
        for text in ["", "login: ", "# cat password", "passwords>", "shipping:", "spin", "+CPIN: READY", "a/passwd"] {
            assert_eq!(Asked::by(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Asked::by(b"Enter passphrase for key 'a': ").map(Asked::name), Some("passphrase"));
    }
}
