//! `Person`: who reviews at a terminal: a key at a time, an editor for a flow, and the terminal as before at the end.

use std::collections::VecDeque;
use std::env;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::super::term::raw;
use super::super::terminal::Terminal;
use super::review::{Key, Reviewer};
use crate::address::split_words;
use crate::setup::Ender;
use crate::value::escape::harmless;

/// A wait for a signal, which is begun again.
const LONG: Duration = Duration::from_secs(3600);

/// Ctrl-C and Ctrl-D, which come as keys from a raw terminal.
const INTERRUPT: u8 = 0x03;
const END_OF_INPUT: u8 = 0x04;

/// What the other keys that are no letters begin with.
const ESCAPE: u8 = 0x1b;

/// Who answers at the terminal.
pub(super) struct Person<'a> {
    terminal: &'a Terminal,
    /// Asks for keys: they are read only while somebody waits for one, for an editor wants its own.
    asks: Sender<()>,
    answers: Receiver<Answer>,
    /// What was typed ahead.
    ahead: VecDeque<u8>,
    /// Restores the terminal at the end, whatever that is.
    _restored: raw::Restored,
}

enum Answer {
    /// What keys send; nothing if nobody is there any more.
    Keys(Vec<u8>),
    End,
}

impl<'a> Person<'a> {
    /// Makes the terminal give each key at once.
    ///
    /// # Errors
    ///
    /// The terminal does not allow it.
    pub(super) fn at(terminal: &'a Terminal, ender: &Ender) -> io::Result<Person<'a>> {
        let restored = raw::Restored::at_the_end();
        let (asks, asked) = channel();
        let (answer, answers) = channel();
        if let Ender::Interrupt(interrupt) = ender.clone() {
            let answer = answer.clone();
            thread::spawn(move || {
                while !interrupt.is_raised_within(LONG) {}
                let _ = answer.send(Answer::End);
            });
        }
        thread::spawn(move || read_keys(&asked, &answer));
        raw::enter()?;
        raw::rest();
        Ok(Person { terminal, asks, answers, ahead: VecDeque::new(), _restored: restored })
    }
}

impl Reviewer for Person<'_> {
    fn show(&mut self, text: &str) {
        self.terminal.say(text);
    }

    fn key(&mut self) -> Key {
        loop {
            match self.ahead.pop_front() {
                Some(INTERRUPT) => return Key::Interrupt,
                Some(END_OF_INPUT) => return Key::Gone,
                Some(ESCAPE) => skip_sequence(&mut self.ahead),
                Some(key) => return Key::Char(char::from(key)),
                None => {
                    // Both threads are there as long as the process is.
                    if self.asks.send(()).is_err() {
                        return Key::Gone;
                    }
                    match self.answers.recv() {
                        Ok(Answer::Keys(bytes)) if !bytes.is_empty() => self.ahead.extend(bytes),
                        Ok(Answer::End) => return Key::Interrupt,
                        Ok(Answer::Keys(_)) | Err(_) => return Key::Gone,
                    }
                }
            }
        }
    }

    fn open(&mut self, file: &Path) -> String {
        let named = ["VISUAL", "EDITOR"].iter().find_map(|name| env::var(name).ok().filter(|text| !text.is_empty()));
        let Some(named) = named else {
            return "no editor is set: set VISUAL or EDITOR\n".to_string();
        };
        let words = split_words(&named).unwrap_or_default();
        let Some((program, arguments)) = words.split_first() else {
            return format!("`{}` is not an editor: correct VISUAL or EDITOR\n", harmless(&named));
        };
        raw::leave();
        let status = Command::new(program).args(arguments).arg(file).status();
        // The terminal gave keys before, and does so again.
        let _ = raw::enter();
        raw::rest();
        match status {
            Ok(status) if status.success() => "changes to the flow count in the next run\n".to_string(),
            Ok(status) => format!("`{}` ended with {status}\n", harmless(&named)),
            Err(error) => format!("`{}` cannot be started: {error}\n", harmless(&named)),
        }
    }
}

/// Drops what follows Escape in the sequence of an arrow key, say: `[A` or `[1;5C`.
fn skip_sequence(typed: &mut VecDeque<u8>) {
    let is_sequence = matches!(typed.front(), Some(b'[' | b'O'));
    let end = typed.iter().skip(1).position(|byte| (0x40..=0x7e).contains(byte)).map_or(typed.len(), |at| at + 2);
    if is_sequence {
        typed.drain(..end);
    }
}

/// Reads what is typed, whenever somebody asks for it.
fn read_keys(asked: &Receiver<()>, answer: &Sender<Answer>) {
    while asked.recv().is_ok() {
        let mut bytes = [0; 64];
        let read = io::stdin().lock().read(&mut bytes).map(|n| bytes[..n].to_vec());
        if answer.send(Answer::Keys(read.unwrap_or_default())).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_that_are_no_letters_are_dropped_as_a_whole() {
        for (typed, left) in [("[Aa", "a"), ("[1;5Ca", "a"), ("OPa", "a"), ("a", "a"), ("", ""), ("[", ""), ("[1", "")]
        {
            let mut bytes: VecDeque<u8> = typed.bytes().collect();
            skip_sequence(&mut bytes);
            assert_eq!(bytes, left.bytes().collect::<VecDeque<u8>>(), "{typed}");
        }
    }
}
