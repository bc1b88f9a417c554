//! What the host types, cut into command lines and counted data, and a command line cut into its parts.

/// The longest command line; a longer one is refused.
const LONGEST_LINE: usize = 8192;

/// Something that the host has typed to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A line without its CR; LF is left out.
    Line(Vec<u8>),
    /// A line that was too long.
    TooLong,
    /// The data that a command has asked for.
    Data(Vec<u8>),
}

/// Collects bytes until something is complete.
#[derive(Debug, Default)]
pub(super) struct Input {
    begun: Vec<u8>,
    /// How many bytes of data are awaited; zero while lines are.
    awaited: usize,
}

impl Input {
    /// Takes one byte in.
    pub(super) fn handle(&mut self, byte: u8) -> Option<Typed> {
        if self.awaited > 0 {
            self.begun.push(byte);
            return (self.begun.len() == self.awaited).then(|| Typed::Data(self.end_data()));
        }
        match byte {
            b'\n' | 0 => None,
            b'\r' => {
                let line = std::mem::take(&mut self.begun);
                Some(if line.len() > LONGEST_LINE { Typed::TooLong } else { Typed::Line(line) })
            }
            _ => {
                // One byte more than fits tells that it was too long.
                if self.begun.len() <= LONGEST_LINE {
                    self.begun.push(byte);
                }
                None
            }
        }
    }

    /// Takes the next `size` bytes as data, whatever they are; `size` is at least one.
    pub(super) fn begin_data(&mut self, size: usize) {
        self.begun.clear();
        self.awaited = size;
    }

    /// Goes back to lines and returns the data so far.
    pub(super) fn end_data(&mut self) -> Vec<u8> {
        self.awaited = 0;
        std::mem::take(&mut self.begun)
    }

    /// Returns whether data is awaited.
    pub(super) fn is_data(&self) -> bool {
        self.awaited > 0
    }

    /// Returns whether nothing is begun.
    pub(super) fn is_empty(&self) -> bool {
        self.awaited == 0 && self.begun.is_empty()
    }
}

/// A command line in its parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// What stands behind `AT`, in capital letters, up to `=` or `?`.
    pub verb: String,
    pub form: Form,
}

/// What a command does with its verb.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `AT+VERB`
    Plain,
    /// `AT+VERB?`
    Question,
    /// `AT+VERB=…`, cut at the commas that are in no quotes; the quotes are gone.
    Set(Vec<Argument>),
}

/// One argument of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub bytes: Vec<u8>,
    pub is_quoted: bool,
}

impl Argument {
    /// Returns the argument as text; what is no UTF-8 is replaced.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Returns the whole number that it spells in decimal digits, if it does.
    pub(super) fn number(&self) -> Option<u64> {
        let is_spelt = !self.bytes.is_empty() && self.bytes.iter().all(u8::is_ascii_digit);
        is_spelt.then(|| self.text().parse().ok()).flatten()
    }
}

/// Takes a command line apart; nothing for a line that does not begin with `AT`.
pub(super) fn command(line: &[u8]) -> Option<Command> {
    let (at, rest) = line.split_at_checked(2)?;
    if !at.eq_ignore_ascii_case(b"AT") {
        return None;
    }
    let end = rest.iter().position(|byte| matches!(byte, b'=' | b'?')).unwrap_or(rest.len());
    let verb = String::from_utf8_lossy(&rest[..end]).to_ascii_uppercase();
    let form = match &rest[end..] {
        [] => Form::Plain,
        [b'?'] => Form::Question,
        [_, arguments @ ..] => Form::Set(cut(arguments)),
    };
    Some(Command { verb, form })
}

fn cut(text: &[u8]) -> Vec<Argument> {
    let mut all = Vec::new();
    let mut current = Argument { bytes: Vec::new(), is_quoted: false };
    let mut is_inside = false;
    for &byte in text {
        match byte {
            b'"' => {
                is_inside = !is_inside;
                current.is_quoted = true;
            }
            b',' if !is_inside => {
                all.push(std::mem::replace(&mut current, Argument { bytes: Vec::new(), is_quoted: false }));
            }
            _ => current.bytes.push(byte),
        }
    }
    all.push(current);
    all
}

/// Puts back what `\22`, `\0D`, `\0A` and `\5C` stand for; anything else stays as it is.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, length) = match rest {
            [b'\\', b'2', b'2', ..] => (b'"', 3),
            [b'\\', b'0', b'D', ..] => (b'\r', 3),
            [b'\\', b'0', b'A', ..] => (b'\n', 3),
            [b'\\', b'5', b'C', ..] => (b'\\', 3),
            _ => (first, 1),
        };
        plain.push(byte);
        rest = if length == 1 { behind } else { &rest[length..] };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_in_quotes_keeps_its_commas() {
        let typed =
            command(br#"at+mconfig="D001|securemode=3,signmethod=hmacsha1|","u",p"#).expect("it begins with AT");
        let Form::Set(arguments) = typed.form else { panic!("it sets something") };
        let texts: Vec<String> = arguments.iter().map(Argument::text).collect();
        assert_eq!(
            (typed.verb.as_str(), texts),
            ("+MCONFIG", vec!["D001|securemode=3,signmethod=hmacsha1|".to_string(), "u".to_string(), "p".to_string()])
        );
    }

    #[test]
    fn data_is_counted_and_not_looked_at() {
        let mut input = Input::default();
        input.begin_data(4);
        let typed: Vec<_> = b"AT\r\nAT\r\n".iter().filter_map(|&byte| input.handle(byte)).collect();
        assert_eq!(typed, vec![Typed::Data(b"AT\r\n".to_vec()), Typed::Line(b"AT".to_vec())]);
    }

    #[test]
    fn four_escapes_are_undone() {
        assert_eq!(unescape(br"{\22a\22:1}\0D\0A\5C22\x"), b"{\"a\":1}\r\n\\22\\x");
    }
}
