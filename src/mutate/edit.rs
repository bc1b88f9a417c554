//! What is changed in an answer: kinds of changes, and what each makes of the octets.

use crate::value::random::Rng;

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The answer does not come.
    Missing,
    /// It comes twice.
    Doubled,
    /// It and the one behind it change places.
    Swapped,
    /// It comes much later.
    Late,
    /// It is an error instead.
    Error,
    /// It is an empty line instead.
    Empty,
    /// Its last character is missing.
    Cut,
    /// A digit in it is another.
    Digit,
    /// A number in it is as large as its digits allow.
    Limit,
    /// A letter in it is another.
    Letter,
    /// A byte of it is another, where it is no text.
    Byte,
    /// A control line is switched the other way.
    Switched,
}

impl Kind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Kind; 12] = [
        Kind::Missing,
        Kind::Error,
        Kind::Empty,
        Kind::Cut,
        Kind::Digit,
        Kind::Limit,
        Kind::Letter,
        Kind::Byte,
        Kind::Switched,
        Kind::Doubled,
        Kind::Swapped,
        Kind::Late,
    ];

    /// Returns its name in reports and comments.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Missing => "missing",
            Kind::Doubled => "doubled",
            Kind::Swapped => "swapped",
            Kind::Late => "late",
            Kind::Error => "error",
            Kind::Empty => "empty",
            Kind::Cut => "cut",
            Kind::Digit => "digit",
            Kind::Limit => "limit",
            Kind::Letter => "letter",
            Kind::Byte => "byte",
            Kind::Switched => "switched",
        }
    }

    /// Returns what it does, as the documentation has it.
    pub fn content(self) -> &'static str {
        match self {
            Kind::Missing => "the answer does not come",
            Kind::Doubled => "the answer comes twice",
            Kind::Swapped => "the answer and the next one change places",
            Kind::Late => "the answer comes two minutes later",
            Kind::Error => "`ERROR` or `+CME ERROR: 3` comes instead of an `OK` or a prompt, if the device knows it",
            Kind::Empty => "an empty line comes instead",
            Kind::Cut => "the last character of the answer is missing",
            Kind::Digit => "the last digit of a number changes",
            Kind::Limit => "every digit of a number becomes 9, or 0 if it was 9",
            Kind::Letter => "the last letter of a word changes",
            Kind::Byte => "a byte of an answer that is not text changes",
            Kind::Switched => "a control line is switched the other way",
        }
    }

    /// Whether the flow gets the same answers, at another moment or once more: it may well do without noticing, as long as it
    /// does the same.
    pub fn says_the_same(self) -> bool {
        match self {
            Kind::Doubled | Kind::Swapped | Kind::Late => true,
            Kind::Missing
            | Kind::Error
            | Kind::Empty
            | Kind::Cut
            | Kind::Digit
            | Kind::Limit
            | Kind::Letter
            | Kind::Byte
            | Kind::Switched => false,
        }
    }

    /// Returns the kind of a name.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is made of the octets of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// These instead, where a success was told or the whole was to go.
    Instead(Vec<u8>),
    /// All but the last character.
    Cut,
    /// Another last digit in the number with this place among the numbers.
    Digit(usize),
    /// Nines in it.
    Limit(usize),
    /// Another last letter in the word with this place among the words.
    Letter(usize),
    /// Another byte at this place.
    Byte(usize),
}

/// So many numbers, and so many words, of an answer are changed; the seed says which.
const MOST_OF_EACH: usize = 3;

impl Edit {
    /// Returns the octets with the change, if it changes anything in them.
    pub(super) fn apply(&self, octets: &[u8]) -> Option<Vec<u8>> {
        let mut edited = octets.to_vec();
        match self {
            Edit::Instead(other) => {
                let end = octets.len() - line_end(octets);
                edited.splice(..end, other.iter().copied());
            }
            Edit::Cut => {
                let end = octets.len() - line_end(octets);
                let last = (0..end).rev().find(|at| octets[*at] & 0xc0 != 0x80)?;
                edited.drain(last..end);
            }
            Edit::Digit(nth) => {
                let last = *runs(octets, u8::is_ascii_digit).get(*nth)?.last()?;
                edited[last] = if octets[last] == b'9' { b'0' } else { octets[last] + 1 };
            }
            Edit::Limit(nth) => {
                let number = runs(octets, u8::is_ascii_digit).get(*nth)?.clone();
                let limit = if number.iter().all(|at| octets[*at] == b'9') { b'0' } else { b'9' };
                number.into_iter().for_each(|at| edited[at] = limit);
            }
            Edit::Letter(nth) => {
                let last = *words(octets).get(*nth)?.last()?;
                edited[last] = match octets[last] {
                    b'z' => b'a',
                    b'Z' => b'A',
                    letter => letter + 1,
                };
            }
            Edit::Byte(at) => *edited.get_mut(*at)? ^= 0x01,
        }
        (edited != octets).then_some(edited)
    }
}

/// Returns the changes of an answer that was these octets each time; some are left out as the dice say.
pub(super) fn edits(said: &[Vec<u8>], errors: &[&str], dice: &mut Rng) -> Vec<(Kind, Edit)> {
    let mut edits = Vec::new();
    if said.iter().any(|octets| tells_success(octets)) {
        edits.extend(errors.iter().map(|error| (Kind::Error, Edit::Instead(error.as_bytes().to_vec()))));
    }
    let is_text = said.iter().all(|octets| is_text(octets));
    if said.iter().any(|octets| octets.len() > line_end(octets)) {
        edits.push((Kind::Empty, Edit::Instead(Vec::new())));
        edits.push((Kind::Cut, Edit::Cut));
    }
    let most = |count: fn(&[u8]) -> usize| said.iter().map(|octets| count(octets)).max().unwrap_or(0);
    if is_text {
        let n_numbers = most(|octets| runs(octets, u8::is_ascii_digit).len());
        for nth in some(n_numbers, dice) {
            edits.extend([(Kind::Digit, Edit::Digit(nth)), (Kind::Limit, Edit::Limit(nth))]);
        }
        let n_words = most(|octets| words(octets).len());
        edits.extend(some(n_words, dice).into_iter().map(|nth| (Kind::Letter, Edit::Letter(nth))));
    } else {
        let n_bytes = most(<[u8]>::len);
        edits.extend(some(n_bytes, dice).into_iter().map(|at| (Kind::Byte, Edit::Byte(at))));
    }
    edits
}

/// Returns some of the numbers below `n`, in order.
fn some(n: usize, dice: &mut Rng) -> Vec<usize> {
    let mut left: Vec<usize> = (0..n).collect();
    while left.len() > MOST_OF_EACH {
        left.remove(dice.below(left.len() as u64) as usize);
    }
    left
}

/// Whether an answer says that all went well, or that more may be sent.
fn tells_success(octets: &[u8]) -> bool {
    let text = octets.trim_ascii();
    text == b">" || text == b"OK" || text.ends_with(b" OK")
}

/// Whether octets are text, for people to read.
fn is_text(octets: &[u8]) -> bool {
    std::str::from_utf8(octets).is_ok_and(|text| !text.chars().any(|c| c.is_control() && !c.is_whitespace()))
}

/// Returns how long the line end is that octets have themselves.
fn line_end(octets: &[u8]) -> usize {
    octets.iter().rev().take_while(|octet| matches!(octet, b'\r' | b'\n')).count()
}

/// Returns the places of each run of octets of a kind.
fn runs(octets: &[u8], is_it: fn(&u8) -> bool) -> Vec<Vec<usize>> {
    let mut runs: Vec<Vec<usize>> = Vec::new();
    for (at, _) in octets.iter().enumerate().filter(|(_, octet)| is_it(octet)) {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| last + 1 == at) => run.push(at),
            Some(_) | None => runs.push(vec![at]),
        }
    }
    runs
}

/// Returns the places of each word of two letters at least.
fn words(octets: &[u8]) -> Vec<Vec<usize>> {
    runs(octets, u8::is_ascii_alphabetic).into_iter().filter(|word| word.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(edit: &Edit, text: &str) -> Option<String> {
        edit.apply(text.as_bytes()).map(|octets| String::from_utf8(octets).expect("it is text"))
    }

    #[test]
    fn each_change_does_what_its_name_says() {
        let error = Edit::Instead(b"ERROR".to_vec());
        let cases = [
            (&error, "OK", "ERROR"),
            (&error, "OK\r\n", "ERROR\r\n"),
            (&Edit::Instead(Vec::new()), "+CSQ: 25,0", ""),
            (&Edit::Cut, "+CSQ: 25,0", "+CSQ: 25,"),
            (&Edit::Cut, "20 °\n", "20 \n"),
            (&Edit::Digit(0), "+CSQ: 25,9", "+CSQ: 26,9"),
            (&Edit::Digit(1), "+CSQ: 25,9", "+CSQ: 25,0"),
            (&Edit::Limit(0), "+CSQ: 25,9", "+CSQ: 99,9"),
            (&Edit::Limit(1), "+CSQ: 25,9", "+CSQ: 25,0"),
            (&Edit::Letter(1), "+CPIN: READY", "+CPIN: READZ"),
            (&Edit::Letter(0), "jazz", "jaza"),
        ];
        for (edit, text, wanted) in cases {
            assert_eq!(edited(edit, text).as_deref(), Some(wanted), "{edit:?}");
        }
        assert_eq!(Edit::Byte(1).apply(&[1, 2, 3]), Some(vec![1, 3, 3]));
    }

    #[test]
    fn what_changes_nothing_is_no_change() {
        for (edit, text) in [
            (Edit::Digit(1), "+CSQ: 25"),
            (Edit::Letter(0), "+1"),
            (Edit::Cut, "\r\n"),
            (Edit::Instead(b"OK".to_vec()), "OK"),
            (Edit::Byte(3), "abc"),
        ] {
            assert_eq!(edited(&edit, text), None, "{edit:?}");
        }
    }

    #[test]
    fn an_answer_gets_the_changes_that_fit_it() {
        let kinds = |said: &[u8], errors: &[&str]| {
            let edits = edits(&[said.to_vec()], errors, &mut Rng::from_seed(1));
            edits.into_iter().map(|(kind, _)| kind.name()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(kinds(b"OK", &["ERROR", "+CME ERROR: 3"]), "error error empty cut letter");
        assert_eq!(kinds(b"OK", &[]), "empty cut letter");
        assert_eq!(kinds(b"> ", &["ERROR"]), "error empty cut");
        assert_eq!(kinds(b"+CSQ: 25,0", &["ERROR"]), "empty cut digit limit digit limit letter");
        assert_eq!(kinds(&[1, 3, 0, 0xff], &["ERROR"]), "empty cut byte byte byte");
        assert_eq!(kinds(b"1 2 3 4 5 6", &[]), "empty cut digit limit digit limit digit limit");
        assert_eq!(kinds(b"", &[]), "");
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            assert!(!kind.content().is_empty());
        }
        assert_eq!(Kind::named("misssing"), None);
    }
}
