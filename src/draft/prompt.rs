//! `Prompts`: what a device shows when it waits for a line, as a flow waits for it.

use super::kinds::Kinds;
use super::merge::Exchange;
use super::session::{HeardKind, shown};
use crate::value::literal::escaped_regex;

/// A rest that is longer is no prompt by itself.
const LONGEST: usize = 60;

/// The prompts of a session.
#[derive(Debug, Default)]
pub(super) struct Prompts {
    /// What stood where a line was typed, more than once.
    known: Vec<Vec<u8>>,
}

/// How a flow waits for a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// The line ends with this.
    Text(Vec<u8>),
    /// This is found in it.
    Regex(String),
    /// This is found in it, and what follows it counts down.
    Countdown(Vec<u8>),
    /// Nothing is known that stays the same.
    Unknown,
}

impl Prompts {
    /// Finds what stood at least twice where something was typed, on this port.
    pub(super) fn of(exchanges: &[Exchange], port: usize) -> Prompts {
        let own = exchanges.iter().filter(|exchange| exchange.port == port);
        let rests = own.flat_map(|exchange| &exchange.answers).filter(|answer| answer.kind == HeardKind::Rest);
        let rests: Vec<Vec<u8>> = rests.map(|answer| shown(&answer.variants[0])).collect();
        let mut known: Vec<Vec<u8>> = Vec::new();
        for (at, rest) in rests.iter().enumerate() {
            if rests[..at].contains(rest) && !known.contains(rest) {
                known.push(rest.clone());
            }
        }
        Prompts { known }
    }

    /// Returns what a flow waits for where a line was left open, in each recording.
    pub(super) fn of_rest(&self, variants: &[Vec<u8>], kinds: &Kinds) -> Prompt {
        let rest = &variants[0];
        // Output without a line end may stand before a prompt.
        let known = self.known.iter().filter(|known| variants.iter().all(|rest| rest.ends_with(known)));
        let text = known.max_by_key(|known| known.len()).unwrap_or(rest);
        let text = behind_escapes(text);
        let n_common = (0..text.len()).take_while(|at| {
            let byte = text[text.len() - 1 - at];
            variants.iter().all(|other| other.len() > *at && other[other.len() - 1 - at] == byte)
        });
        let n_common = n_common.count();
        let common = &text[text.len() - n_common..];
        let sign = sign_of(common);
        let has_place = common.contains(&b'@') || !kinds.find(common, b"").is_empty() || n_common < text.len();
        let countdown =
            common.iter().rposition(|byte| *byte == b':').filter(|at| *at > 8 && is_count(&common[at + 1..]));
        if let Some(at) = countdown {
            Prompt::Countdown(common[..at].to_vec())
        } else if common.trim_ascii().is_empty() {
            Prompt::Unknown
        } else if common.len() > LONGEST || has_place {
            match sign {
                Some(sign) => Prompt::Text(sign.to_vec()),
                None if common.len() > LONGEST => Prompt::Unknown,
                None if n_common > 2 => Prompt::Text(common.to_vec()),
                None => Prompt::Regex(format!("{}$", escaped_regex(common))),
            }
        } else {
            Prompt::Text(common.to_vec())
        }
    }
}

/// Whether a text is a number.
fn is_count(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Returns the sign that ends the prompt of a shell, and what follows it.
fn sign_of(text: &[u8]) -> Option<&[u8]> {
    let at = text.iter().rposition(|byte| matches!(byte, b'#' | b'$' | b'%' | b'>'))?;
    text[at + 1..].iter().all(|byte| *byte == b' ').then(|| &text[at..])
}

/// Returns what follows the escape sequences that a prompt begins with; those at its end belong to it.
fn behind_escapes(text: &[u8]) -> &[u8] {
    let mut from = 0;
    let mut at = 0;
    while at < text.len() {
        if text[at] != 0x1b {
            at += 1;
            continue;
        }
        let n = match text.get(at + 1) {
            Some(b'[') => {
                text[at + 2..].iter().position(|byte| matches!(byte, 0x40..=0x7e)).map_or(text.len() - at, |n| n + 3)
            }
            Some(_) => 2,
            None => 1,
        };
        at = (at + n).min(text.len());
        if text[at..].iter().any(|byte| byte.is_ascii_graphic() && *byte != 0x1b) && !is_only_escapes(&text[at..]) {
            from = at;
        }
    }
    &text[from..]
}

fn is_only_escapes(text: &[u8]) -> bool {
    text.first() == Some(&0x1b) && behind_first(text).iter().all(|byte| *byte == b' ')
}

fn behind_first(text: &[u8]) -> &[u8] {
    let n = text.iter().position(|byte| byte.is_ascii_alphabetic()).map_or(text.len(), |at| at + 1);
    &text[n..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(variants: &[&str]) -> Prompt {
        let texts: Vec<Vec<u8>> = variants.iter().map(|text| text.as_bytes().to_vec()).collect();
        Prompts::default().of_rest(&texts, &Kinds::new())
    }

    #[test]
    fn a_prompt_is_what_stays_the_same() {
        let text = |text: &str| Prompt::Text(text.as_bytes().to_vec());
        assert_eq!(prompt(&["=> "]), text("=> "));
        assert_eq!(prompt(&[">>> "]), text(">>> "));
        assert_eq!(prompt(&["\x1b[?2004hbash-5.2# "]), text("bash-5.2# "));
        assert_eq!(prompt(&["root@3f2a1b:/tmp# "]), text("# "));
        assert_eq!(prompt(&["Password: "]), text("Password: "));
        assert_eq!(prompt(&["/tmp $ ", "/var $ "]), text("$ "));
        assert_eq!(prompt(&["\x1b[1;32muart:~$ \x1b[m"]), text("uart:~$ \x1b[m"));
        let countdown = Prompt::Countdown(b"Hit any key to stop autoboot".to_vec());
        assert_eq!(prompt(&["Hit any key to stop autoboot:  2 "]), countdown);
        assert_eq!(prompt(&["a", "b"]), Prompt::Unknown);
    }

    #[test]
    fn output_without_a_line_end_is_not_taken_for_the_prompt() {
        let prompts = Prompts { known: vec![b"$ ".to_vec()] };
        assert_eq!(prompts.of_rest(&[b"hello$ ".to_vec()], &Kinds::new()), Prompt::Text(b"$ ".to_vec()));
    }
}
