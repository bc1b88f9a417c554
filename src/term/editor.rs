//! `Editor`: one line that is typed, in one row of the screen: it moves sideways where it is longer than the row.
//!
//! It does no I/O and waits for nothing, so what a device sends can be shown between two keys. The keys are those of
//! Emacs, as shells have them.

use unicode_width::UnicodeWidthChar;

use super::history::History;
use super::keyboard::Key;

/// What may follow what was typed.
pub(crate) trait Completion {
    /// Returns the texts that the line up to the cursor can become.
    fn complete(&self, line: &str) -> Vec<String>;
}

/// What a key has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edited {
    /// The line is another, or the cursor is elsewhere.
    Changed,
    /// Nothing.
    Nothing,
    /// The line is to be sent.
    Done(String),
    /// The line was thrown away.
    Cancelled,
    /// A control key that the editor has no use for.
    Control(char),
    /// These are possible.
    Choices(Vec<String>),
}

/// Whether what is typed can be read on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As it is.
    Plain,
    /// Not how long it is either.
    Hidden,
}

/// What stands for a text that is hidden, however long it is.
pub(crate) const HIDDEN: &str = "********";

/// A line that is typed.
#[derive(Debug, Default)]
pub(crate) struct Editor {
    text: Vec<char>,
    /// `cursor <= text.len()`.
    cursor: usize,
    /// What was cut last.
    cut: Vec<char>,
    /// Which line of the history is shown, and what was typed before.
    visited: Option<(usize, Vec<char>)>,
    search: Option<Search>,
}

/// A search in the history.
#[derive(Debug)]
struct Search {
    text: String,
    /// Where it was found.
    at: Option<usize>,
    before: Vec<char>,
}

impl Editor {
    /// Begins with a text.
    pub(crate) fn begin(&mut self, text: &str) {
        *self = Editor { text: text.chars().collect(), cut: std::mem::take(&mut self.cut), ..Editor::default() };
        self.cursor = self.text.len();
    }

    /// Returns what was typed.
    pub(crate) fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Returns what the line is told by while the history is searched.
    pub(crate) fn search_prompt(&self) -> Option<String> {
        let search = self.search.as_ref()?;
        let what = if search.at.is_some() || search.text.is_empty() { "search" } else { "not found" };
        Some(format!("({what}) {}: ", search.text))
    }

    /// Takes a key.
    pub(crate) fn handle(&mut self, key: Key, history: &History, completion: &dyn Completion) -> Edited {
        if self.search.is_some() {
            match self.searched(key, history) {
                Some(edited) => return edited,
                // It ends the search and means what it means.
                None => self.search = None,
            }
        }
        match key {
            Key::Char(c) => self.insert(&[c]),
            Key::Enter => {
                let text = self.text();
                self.begin("");
                return Edited::Done(text);
            }
            Key::Backspace if self.cursor > 0 => {
                self.text.remove(self.cursor - 1);
                self.cursor -= 1;
            }
            Key::Delete if self.cursor < self.text.len() => {
                self.text.remove(self.cursor);
            }
            Key::Ctrl('d') if !self.text.is_empty() => return self.handle(Key::Delete, history, completion),
            Key::Left | Key::Ctrl('b') if self.cursor > 0 => self.cursor -= 1,
            Key::Right | Key::Ctrl('f') if self.cursor < self.text.len() => self.cursor += 1,
            Key::Home | Key::Ctrl('a') => self.cursor = 0,
            Key::End | Key::Ctrl('e') => self.cursor = self.text.len(),
            Key::WordLeft | Key::Alt('b') => self.cursor = self.word_left(),
            Key::WordRight | Key::Alt('f') => self.cursor = self.word_right(),
            Key::Ctrl('w') => self.take_out(self.word_left(), self.cursor),
            Key::Alt('d') => self.take_out(self.cursor, self.word_right()),
            Key::Ctrl('u') => self.take_out(0, self.cursor),
            Key::Ctrl('k') => self.take_out(self.cursor, self.text.len()),
            Key::Ctrl('y') => {
                let cut = self.cut.clone();
                self.insert(&cut);
            }
            Key::Up | Key::Ctrl('p') => return self.earlier(history),
            Key::Down | Key::Ctrl('n') => return self.later(history),
            Key::Ctrl('r') => {
                self.search = Some(Search { text: String::new(), at: None, before: self.text.clone() });
            }
            Key::Ctrl('c' | 'g') if !self.text.is_empty() => {
                self.begin("");
                return Edited::Cancelled;
            }
            Key::Tab => return self.complete(history, completion),
            Key::Ctrl(c) => return Edited::Control(c),
            Key::Backspace | Key::Delete | Key::Left | Key::Right | Key::Alt(_) => return Edited::Nothing,
        }
        Edited::Changed
    }

    /// Draws the line after a prompt into one row of so many columns, and leaves the cursor where it is in the line.
    pub(crate) fn draw(&self, prompt: &str, columns: usize, shown: Shown, out: &mut Vec<u8>) {
        let room = columns.max(8) - 1;
        let prompt = last_columns(prompt, room / 2);
        let in_prompt = width_of(prompt.chars());
        let room = room - in_prompt;
        let visible = |c: &char| if c.is_control() { '?' } else { *c };
        let (text, cursor): (Vec<char>, usize) = match shown {
            Shown::Hidden if self.text.is_empty() => (Vec::new(), 0),
            Shown::Hidden => (HIDDEN.chars().collect(), HIDDEN.len()),
            Shown::Plain => (self.text.iter().map(visible).collect(), self.cursor),
        };
        let mut start = 0;
        while width_of(text[start..cursor].iter().copied()) > room {
            start += 1;
        }
        let mut n = 0;
        let mut end = start;
        while end < text.len() && n + text[end].width().unwrap_or(0) <= room {
            n += text[end].width().unwrap_or(0);
            end += 1;
        }
        out.extend_from_slice(b"\r\x1b[K");
        out.extend_from_slice(prompt.as_bytes());
        out.extend_from_slice(text[start..end].iter().collect::<String>().as_bytes());
        let behind = width_of(text[cursor..end.max(cursor)].iter().copied());
        if behind > 0 {
            out.extend_from_slice(format!("\x1b[{behind}D").as_bytes());
        }
    }

    fn insert(&mut self, chars: &[char]) {
        self.text.splice(self.cursor..self.cursor, chars.iter().copied());
        self.cursor += chars.len();
    }

    fn take_out(&mut self, from: usize, to: usize) {
        if from < to {
            self.cut = self.text.drain(from..to).collect();
            self.cursor = from;
        }
    }

    fn word_left(&self) -> usize {
        let before = &self.text[..self.cursor];
        let end = before.iter().rposition(|c| c.is_alphanumeric()).map_or(0, |at| at + 1);
        before[..end].iter().rposition(|c| !c.is_alphanumeric()).map_or(0, |at| at + 1)
    }

    fn word_right(&self) -> usize {
        let start = (self.cursor..self.text.len()).find(|at| self.text[*at].is_alphanumeric());
        let start = start.unwrap_or(self.text.len());
        (start..self.text.len()).find(|at| !self.text[*at].is_alphanumeric()).unwrap_or(self.text.len())
    }

    fn show(&mut self, line: &str) {
        self.text = line.chars().collect();
        self.cursor = self.text.len();
    }

    fn earlier(&mut self, history: &History) -> Edited {
        let (at, typed) = match self.visited.take() {
            Some((at, typed)) => (at, typed),
            None => (history.len(), self.text.clone()),
        };
        let start: String = typed.iter().collect();
        let found = (0..at).rev().find(|at| history.line(*at).starts_with(&start));
        self.visited = Some((found.unwrap_or(at), typed));
        match found {
            Some(at) => {
                self.show(history.line(at));
                Edited::Changed
            }
            None if at == history.len() => {
                self.visited = None;
                Edited::Nothing
            }
            None => Edited::Nothing,
        }
    }

    fn later(&mut self, history: &History) -> Edited {
        let Some((at, typed)) = self.visited.take() else { return Edited::Nothing };
        let start: String = typed.iter().collect();
        match (at + 1..history.len()).find(|at| history.line(*at).starts_with(&start)) {
            Some(at) => {
                self.show(history.line(at));
                self.visited = Some((at, typed));
            }
            None => {
                self.cursor = typed.len();
                self.text = typed;
            }
        }
        Edited::Changed
    }

    /// Takes a key while the history is searched; `None` if it ends the search.
    fn searched(&mut self, key: Key, history: &History) -> Option<Edited> {
        let search = self.search.as_mut()?;
        let from = match key {
            Key::Char(c) => {
                search.text.push(c);
                search.at.map_or(history.len(), |at| at + 1)
            }
            Key::Backspace => {
                search.text.pop();
                history.len()
            }
            Key::Ctrl('r') => search.at.unwrap_or(history.len()),
            Key::Ctrl('g' | 'c') => {
                let before = std::mem::take(&mut search.before);
                self.search = None;
                self.cursor = before.len();
                self.text = before;
                return Some(Edited::Changed);
            }
            Key::Ctrl(_) | Key::Alt(_) | Key::Enter | Key::Tab | Key::Delete => return None,
            Key::Left | Key::Right | Key::WordLeft | Key::WordRight => return None,
            Key::Up | Key::Down | Key::Home | Key::End => return None,
        };
        if !search.text.is_empty() {
            search.at = history.find(&search.text, from);
            if let Some(at) = search.at {
                self.show(history.line(at));
            }
        }
        Some(Edited::Changed)
    }

    fn complete(&mut self, history: &History, completion: &dyn Completion) -> Edited {
        let typed: String = self.text[..self.cursor].iter().collect();
        let mut found = completion.complete(&typed);
        if !typed.is_empty() && !typed.starts_with(':') {
            found.extend(history.beginning_with(&typed).map(ToString::to_string));
        }
        found.sort();
        found.dedup();
        let Some(first) = found.first() else { return Edited::Nothing };
        let is_in_all = |n: &usize| found.iter().all(|one| one.chars().take(*n).eq(first.chars().take(*n)));
        let n_common = (0..=first.chars().count()).rev().find(is_in_all).unwrap_or(0);
        if n_common > typed.chars().count() {
            self.text.splice(..self.cursor, first.chars().take(n_common));
            self.cursor = n_common;
            return Edited::Changed;
        }
        if found.len() == 1 { Edited::Nothing } else { Edited::Choices(found) }
    }
}

fn width_of(chars: impl Iterator<Item = char>) -> usize {
    chars.map(|c| c.width().unwrap_or(0)).sum()
}

/// Returns the end of a text that takes so many columns at most.
fn last_columns(text: &str, columns: usize) -> &str {
    let mut n = 0;
    for (at, c) in text.char_indices().rev() {
        n += c.width().unwrap_or(0);
        if n > columns {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::keyboard::Keyboard;
    use super::*;

    struct Words(&'static [&'static str]);

    impl Completion for Words {
        fn complete(&self, line: &str) -> Vec<String> {
            self.0.iter().filter(|word| word.starts_with(line)).map(ToString::to_string).collect()
        }
    }

    fn history() -> History {
        History::of(["AT+CSQ", "ATI", "AT+COPS?"].map(String::from))
    }

    /// Types, and returns the line and what the last key has done.
    fn typed(bytes: &[u8], words: &'static [&'static str]) -> (String, Edited) {
        let (mut editor, mut keyboard) = (Editor::default(), Keyboard::default());
        let mut last = Edited::Nothing;
        for key in bytes.iter().filter_map(|byte| keyboard.take(*byte)) {
            last = editor.handle(key, &history(), &Words(words));
        }
        (editor.text(), last)
    }

    fn text(bytes: &[u8]) -> String {
        typed(bytes, &[]).0
    }

    #[test]
    fn the_keys_of_emacs_edit_the_line() {
        assert_eq!(text(b"AT+CSX\x7fQ"), "AT+CSQ");
        assert_eq!(text(b"b\x01a\x05c"), "abc");
        assert_eq!(text(b"one two\x17"), "one ");
        assert_eq!(text(b"one two\x15\x19\x19"), "one twoone two");
        assert_eq!(text(b"one two\x1bb\x0b"), "one ");
        assert_eq!(text(b"ab\x1b[D\x04"), "a");
    }

    #[test]
    fn the_history_is_walked_and_what_was_typed_comes_back() {
        assert_eq!(text(b"\x1b[A"), "AT+COPS?");
        assert_eq!(text(b"\x1b[A\x1b[A"), "ATI");
        assert_eq!(text(b"x\x1b[A\x1b[B"), "x", "nothing begins with it");
        assert_eq!(text(b"AT+\x1b[A\x1b[A"), "AT+CSQ", "only what begins as it was typed");
        assert_eq!(text(b"AT+\x1b[A\x1b[B"), "AT+");
    }

    #[test]
    fn the_history_is_searched() {
        assert_eq!(text(b"\x12AT+"), "AT+COPS?");
        assert_eq!(text(b"\x12AT+\x12"), "AT+CSQ");
        assert_eq!(text(b"x\x12CSQ\x07"), "x");
        assert_eq!(typed(b"\x12CSQ\r", &[]).1, Edited::Done("AT+CSQ".to_string()));
    }

    #[test]
    fn a_line_is_completed_from_the_libraries_and_the_history() {
        assert_eq!(text(b"AT+CO\t"), "AT+COPS?");
        assert_eq!(
            typed(b"AT+QI\t", &["AT+QIOPEN", "AT+QICLOSE"]).1,
            Edited::Choices(vec!["AT+QICLOSE".to_string(), "AT+QIOPEN".to_string()])
        );
        assert_eq!(typed(b"AT+QIO\t", &["AT+QIOPEN", "AT+QICLOSE"]).0, "AT+QIOPEN");
    }

    #[test]
    fn a_long_line_moves_sideways_and_wide_characters_take_two_columns() {
        let drawn = |text: &str, columns: usize, shown| {
            let mut editor = Editor::default();
            editor.begin(text);
            let mut out = Vec::new();
            editor.draw("> ", columns, shown, &mut out);
            String::from_utf8(out).expect("it is UTF-8")
        };
        assert_eq!(drawn("abcdefghijkl", 10, Shown::Plain), "\r\u{1b}[K> fghijkl");
        assert_eq!(drawn("中国移动", 10, Shown::Plain), "\r\u{1b}[K> 国移动");
        assert_eq!(drawn("secret", 20, Shown::Hidden), "\r\u{1b}[K> ********");
        assert_eq!(drawn("a longer secret", 20, Shown::Hidden), drawn("x", 20, Shown::Hidden));
        assert_eq!(drawn("", 20, Shown::Hidden), "\r\u{1b}[K> ");
    }
}
