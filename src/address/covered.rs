//! Secrets that somebody typed inside of an address: they have names in everything that is shown or kept.

use std::borrow::Cow;
use std::ops::Range;

/// What a name of an option or of a variable has in it whose value is a secret.
const SECRET_WORDS: [&str; 9] =
    ["password", "passwd", "passphrase", "token", "secret", "api-key", "apikey", "credential", "access-key"];
/// Whole names of options whose value is a secret, in many programs.
const SECRET_OPTIONS: [&str; 3] = ["p", "pass", "pw"];

/// Returns a text with the secrets in it named: the password of `//USER:PASSWORD@HOST`, what follows an option such as
/// `--password`, `--token` or `-p`, and the value of a variable of such a name, `TOKEN=…`. What else may be a secret cannot be
/// known.
pub(crate) fn covered(text: &str) -> Cow<'_, str> {
    let mut found: Vec<(Range<usize>, String)> = Vec::new();
    let mut is_awaited: Option<String> = None;
    for (at, word) in words(text) {
        let bare = word.trim_matches(['"', '\'']);
        let begin = at + (word.len() - word.trim_start_matches(['"', '\'']).len());
        if let Some(name) = is_awaited.take().filter(|_| !bare.starts_with('-')) {
            found.push((begin..begin + bare.len(), name));
            continue;
        }
        if let Some((name, value)) = bare.split_once('=').filter(|(_, value)| !value.is_empty()) {
            // The first word of `exec:TOKEN=…` has its scheme before it.
            let own = name.rsplit(':').next().unwrap_or(name);
            if let Some(name) = secret_name(own) {
                let value_at = begin + bare.len() - value.len();
                found.push((value_at..begin + bare.len(), name));
                continue;
            }
        } else if bare.starts_with('-') {
            is_awaited = secret_name(bare);
        }
        found.extend(password_in(bare).map(|range| (begin + range.start..begin + range.end, "password".to_string())));
    }
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut shown = text.to_string();
    for (range, name) in found.into_iter().rev() {
        shown.replace_range(range, &format!("«{name}»"));
    }
    Cow::Owned(shown)
}

/// Returns what a secret is called that is given by this name, if it is one.
fn secret_name(name: &str) -> Option<String> {
    let bare = name.trim_start_matches('-');
    let is_option = bare.len() < name.len();
    let plain = bare.to_ascii_lowercase().replace('_', "-");
    let is_secret =
        SECRET_WORDS.iter().any(|word| plain.contains(word)) || (is_option && SECRET_OPTIONS.contains(&bare));
    // A file that has a password in it is none.
    (is_secret && !plain.ends_with("-file")).then(|| if bare == "p" { "password".to_string() } else { plain })
}

/// Returns where a password stands in `SCHEME://USER:PASSWORD@HOST`.
fn password_in(word: &str) -> Option<Range<usize>> {
    let begin = word.find("//")? + 2;
    let rest = &word[begin..];
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let user = &rest[..rest[..end].rfind('@').or_else(|| rest.rfind('@'))?];
    let colon = user.find(':')?;
    (colon + 1 < user.len()).then(|| begin + colon + 1..begin + user.len())
}

/// Returns the words of a text as a shell would part them, with their quotes, and where each begins.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let (mut begin, mut quote) = (None, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => {
                quote = Some(c);
                begin.get_or_insert(at);
            }
            (None, ' ' | '\t' | '\n') => words.extend(begin.take().map(|begin| (begin, &text[begin..at]))),
            (None, _) => {
                begin.get_or_insert(at);
            }
        }
    }
    words.extend(begin.map(|begin| (begin, &text[begin..])));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_as_a_secret_has_a_name() {
        let pairs = [
            ("exec:login --password hunter22 --host a", "exec:login --password «password» --host a"),
            ("exec:login --password=hunter22", "exec:login --password=«password»"),
            ("exec:sshpass -p 'hunter 22' ssh box", "exec:sshpass -p '«password»' ssh box"),
            ("exec:env API_TOKEN=t0p x", "exec:env API_TOKEN=«api-token» x"),
            ("exec:PASSWORD=hunter22 x", "exec:PASSWORD=«password» x"),
            ("exec:x --auth-token \"a b\"", "exec:x --auth-token \"«auth-token»\""),
            ("tcp://me:hunter22@box:23", "tcp://me:«password»@box:23"),
            ("exec:curl https://me:p@ss@box/a@b", "exec:curl https://me:«password»@box/a@b"),
            ("modem=exec:x --secret-key é --v", "modem=exec:x --secret-key «secret-key» --v"),
        ];
        for (typed, shown) in pairs {
            assert_eq!(covered(typed), shown);
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "/dev/ttyUSB0",
            "COM3",
            "tcp:box:4001",
            "rfc2217://box:4001",
            "rfc2217://me@box:4001",
            "exec:ssh box --port 22",
            "exec:x --password-file a",
            "exec:x --password --verbose",
            "exec:x --password",
            "a@b:c",
            "",
        ] {
            assert!(matches!(covered(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
