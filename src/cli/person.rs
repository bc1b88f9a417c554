//! The person at the terminal: asked on standard error, answering on standard input.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use crate::setup::Pace;
use crate::world::Person;

/// The person at the terminal, if there is one; nobody in a run under the virtual clock, or without a terminal.
pub(super) struct AtTerminal {
    is_there: bool,
    answer: Option<Receiver<Option<Vec<u8>>>>,
}

impl AtTerminal {
    pub(super) fn new(pace: Pace) -> AtTerminal {
        let is_there = pace == Pace::Real && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        AtTerminal { is_there, answer: None }
    }
}

impl Person for AtTerminal {
    fn ask(&mut self, prompt: &str, is_secret: bool) {
        if !self.is_there {
            return;
        }
        let hint = if is_secret { " (will be masked in all output)" } else { "" };
        let mut out = std::io::stderr();
        // Nothing else can be done if the terminal is gone: the question then stays unanswered.
        let _ = write!(out, "\n? {prompt}{hint} ").and_then(|()| out.flush());
        let (sender, receiver) = channel();
        self.answer = Some(receiver);
        // Reading blocks, and the line must be served meanwhile. The thread ends with its line, or with the program.
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = std::io::stdin().lock().read_line(&mut line);
            let answer = match read {
                Ok(0) | Err(_) => None,
                Ok(_) => Some(line.trim_end_matches(['\r', '\n']).as_bytes().to_vec()),
            };
            // Nobody listens any more if the run has ended meanwhile.
            let _ = sender.send(answer);
        });
    }

    fn answer(&mut self) -> Option<Option<Vec<u8>>> {
        let Some(receiver) = &self.answer else { return Some(None) };
        match receiver.try_recv() {
            Ok(answer) => {
                self.answer = None;
                Some(answer)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(None),
        }
    }
}
