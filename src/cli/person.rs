//! The person at the terminal: asked on standard error, answering on standard input.

mod echo;
mod missing;

use std::io::{BufRead, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::Duration;

use crate::setup::Pace;
use crate::world::Person;
pub(super) use missing::{Asked as Answered, ask_for, only_missing};

/// How often it is looked whether somebody wants an end of the questions.
const END_POLL: Duration = Duration::from_millis(50);

/// The person at the terminal, if there is one; nobody in a run under the virtual clock, or without a terminal.
///
/// One thread reads what is typed, for all questions. What is typed before a question is shown is no answer to it and is thrown
/// away, unless the same question was asked before: then it may be late, and it counts. So no secret that somebody types for one
/// question becomes the answer to another.
pub(super) struct AtTerminal {
    is_there: bool,
    /// What was typed, a line each; `None` is the end of the input.
    lines: Option<Receiver<Option<Vec<u8>>>>,
    /// The question that was asked last.
    asked: Option<Asked>,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    prompt: String,
    is_secret: bool,
}

impl AtTerminal {
    pub(super) fn new(pace: Pace) -> AtTerminal {
        let is_there = pace == Pace::Real && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        AtTerminal { is_there, lines: None, asked: None }
    }

    /// Returns the same person for a run at this pace.
    pub(super) fn in_run(mut self, pace: Pace) -> AtTerminal {
        self.is_there &= pace == Pace::Real;
        self
    }

    /// Says whether somebody is there.
    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Asks and waits for the answer; `None` if there is none, or if it `is_over`.
    fn answer_to(&mut self, prompt: &str, is_secret: bool, is_over: impl Fn() -> bool) -> Option<Vec<u8>> {
        self.ask(prompt, is_secret);
        let lines = self.lines.as_ref()?;
        let answer = loop {
            match lines.recv_timeout(END_POLL) {
                Ok(answer) => break answer,
                Err(RecvTimeoutError::Timeout) if !is_over() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break None,
            }
        };
        self.asked = None;
        echo::show();
        answer
    }
}

impl Person for AtTerminal {
    fn ask(&mut self, prompt: &str, is_secret: bool) {
        if !self.is_there {
            return;
        }
        let asked = Asked { prompt: prompt.to_string(), is_secret };
        let is_new = self.asked.as_ref() != Some(&asked);
        self.asked = Some(asked);
        if is_new {
            echo::discard();
            if let Some(lines) = &self.lines {
                while matches!(lines.try_recv(), Ok(Some(_))) {}
            }
        }
        let hint = if is_secret { " (not shown while you type)" } else { "" };
        if is_secret {
            echo::hide()
        } else {
            echo::show()
        }
        let mut out = std::io::stderr();
        // Nothing else can be done if the terminal is gone: the question then stays unanswered.
        let _ = write!(out, "\n? {prompt}{hint} ").and_then(|()| out.flush());
        self.lines.get_or_insert_with(read_lines);
    }

    fn answer(&mut self) -> Option<Option<Vec<u8>>> {
        let (Some(lines), true) = (&self.lines, self.is_there) else { return Some(None) };
        match lines.try_recv() {
            Ok(answer) => {
                self.asked = None;
                echo::show();
                Some(answer)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(None),
        }
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        echo::show();
    }
}

/// Reads lines as long as there is input. Reading blocks, and the port must be served meanwhile: so it is done by a thread, which
/// ends with the input or with the program.
fn read_lines() -> Receiver<Option<Vec<u8>>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        loop {
            let mut line = Vec::new();
            let read = std::io::stdin().lock().read_until(b'\n', &mut line);
            let is_over = !matches!(read, Ok(n) if n > 0);
            while line.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
                line.pop();
            }
            // Nobody listens any more if the run has ended meanwhile.
            if sender.send((!is_over).then_some(line)).is_err() || is_over {
                return;
            }
        }
    });
    receiver
}
