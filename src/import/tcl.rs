//! Commands and words of Tcl, as far as expect scripts need them.

/// A word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub line: usize,
    pub text: String,
    pub is_braced: bool,
    /// Whether it has neither braces nor quotes.
    pub is_bare: bool,
}

/// A command: its words, or a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub line: usize,
    pub words: Vec<Word>,
    pub comment: Option<String>,
}

/// Returns the commands of a text whose first line has this number.
pub(super) fn commands(text: &str, line: usize) -> Vec<Command> {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, line };
    let mut out = Vec::new();
    while reader.at < reader.chars.len() {
        let begins = reader.at;
        let line = reader.line;
        if let Some(comment) = reader.comment() {
            out.push(Command { line, words: Vec::new(), comment: Some(comment) });
            continue;
        }
        let words = reader.words(true);
        if let Some(first) = words.first() {
            out.push(Command { line: first.line, words, comment: None });
        }
        if reader.at == begins {
            reader.next();
        }
    }
    out
}

/// Returns the words of a list, in which a line end is a blank.
pub(super) fn list(text: &str, line: usize) -> Vec<Word> {
    let mut reader = Reader { chars: text.chars().collect(), at: 0, line };
    let mut words = Vec::new();
    while reader.at < reader.chars.len() {
        let begins = reader.at;
        words.extend(reader.words(false));
        if reader.at == begins {
            reader.next();
        }
    }
    words
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    /// Returns the comment that begins here.
    fn comment(&mut self) -> Option<String> {
        while self.peek().is_some_and(|c| c.is_whitespace() || c == ';') {
            self.next();
        }
        if self.peek() != Some('#') {
            return None;
        }
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| *c != '\n') {
            text.push(c);
            self.next();
        }
        Some(text.trim_start_matches('#').to_string())
    }

    fn words(&mut self, ends_at_line: bool) -> Vec<Word> {
        let mut words = Vec::new();
        while let Some(c) = self.peek() {
            match c {
                '\n' | ';' if ends_at_line => {
                    self.next();
                    break;
                }
                '\\' if self.chars.get(self.at + 1) == Some(&'\n') => {
                    self.next();
                    self.next();
                }
                c if c.is_whitespace() => {
                    self.next();
                }
                '{' => words.push(self.braced()),
                '"' => words.push(self.quoted()),
                _ => words.push(self.bare(ends_at_line)),
            }
        }
        words
    }

    fn braced(&mut self) -> Word {
        let (line, mut text, mut depth) = (self.line, String::new(), 0usize);
        while let Some(c) = self.next() {
            match c {
                '\\' => {
                    text.push('\\');
                    text.extend(self.next());
                    continue;
                }
                '{' => {
                    depth += 1;
                    if depth == 1 {
                        continue;
                    }
                }
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
            text.push(c);
        }
        Word { line, text, is_braced: true, is_bare: false }
    }

    fn quoted(&mut self) -> Word {
        let (line, mut text) = (self.line, String::new());
        self.next();
        while let Some(c) = self.next() {
            match c {
                '"' => break,
                '\\' => {
                    text.push('\\');
                    text.extend(self.next());
                }
                c => text.push(c),
            }
        }
        Word { line, text, is_braced: false, is_bare: false }
    }

    fn bare(&mut self, ends_at_line: bool) -> Word {
        let (line, mut text, mut depth) = (self.line, String::new(), 0usize);
        while let Some(c) = self.peek() {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                c if c.is_whitespace() && depth == 0 => break,
                ';' if depth == 0 && ends_at_line => break,
                '\\' => {
                    if self.chars.get(self.at + 1) == Some(&'\n') {
                        break;
                    }
                    text.push('\\');
                    self.next();
                    text.extend(self.next());
                    continue;
                }
                _ => {}
            }
            text.push(c);
            self.next();
        }
        Word { line, text, is_braced: false, is_bare: true }
    }
}
