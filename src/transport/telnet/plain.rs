//! `Plain`: Telnet as far as a port needs it: every byte value passes both ways, and every option is answered once.

use super::protocol::Protocol;
use crate::transport::telnet::ANSWER_WITHIN;

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;

const BINARY: u8 = 0;
const ECHO: u8 = 1;
const SUPPRESS_GO_AHEAD: u8 = 3;

/// The options that have a state, and who may have them on: we, the other end.
const OPTIONS: [(u8, [bool; 2]); 3] =
    [(BINARY, [true, true]), (ECHO, [false, true]), (SUPPRESS_GO_AHEAD, [true, true])];

/// So many bytes of a subnegotiation are passed over at most: a stray beginning of one must not swallow everything.
const LONGEST_SUBNEGOTIATION: usize = 1024;

/// So often the other end may switch an option on: two ends that contradict each other would go on for ever.
const MOST_SWITCHES: u8 = 8;

/// Our end of a Telnet connection.
#[derive(Debug)]
pub(crate) struct Plain {
    place: Place,
    options: [[Standing; 2]; OPTIONS.len()],
    /// The last byte of data that came was CR, and belongs to a line end: a NUL after it is no data.
    after_cr: bool,
    output: Vec<u8>,
    note: Option<String>,
}

/// Whose option it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Ours = 0,
    Theirs = 1,
}

/// How an option stands (RFC 1143, without the states of who asks for an end: we never do).
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    state: State,
    n_switches: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Off,
    /// We asked for it.
    Asked,
    On,
}

/// Where in the stream the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Data,
    Command,
    Option { verb: u8 },
    Subnegotiation { n: usize },
    CommandInSubnegotiation { n: usize },
}

impl Plain {
    /// Makes the end that begins the conversation: it asks for eight bits both ways, and for nothing between.
    pub(super) fn new() -> Plain {
        let mut plain =
            Plain { place: Place::Data, options: Default::default(), after_cr: false, output: Vec::new(), note: None };
        for option in [BINARY, SUPPRESS_GO_AHEAD] {
            for (side, verb) in [(Side::Ours, WILL), (Side::Theirs, DO)] {
                if let Some(standing) = plain.standing(option, side) {
                    standing.state = State::Asked;
                }
                plain.output.extend([IAC, verb, option]);
            }
        }
        plain
    }

    fn standing(&mut self, option: u8, side: Side) -> Option<&mut Standing> {
        let index = OPTIONS.iter().position(|(known, may)| *known == option && may[side as usize])?;
        Some(&mut self.options[index][side as usize])
    }

    fn is_binary(&self, side: Side) -> bool {
        self.options[0][side as usize].state == State::On
    }

    /// Takes what the other end says about an option, and answers if there is something new.
    fn negotiate(&mut self, verb: u8, option: u8) {
        let (side, wants, yes, no) = match verb {
            DO => (Side::Ours, true, WILL, WONT),
            DONT => (Side::Ours, false, WILL, WONT),
            WILL => (Side::Theirs, true, DO, DONT),
            _ => (Side::Theirs, false, DO, DONT),
        };
        let answer = match (self.standing(option, side), wants) {
            (None, true) => Some(no),
            (None, false) => None,
            (Some(standing), true) => match standing.state {
                State::On => None,
                State::Asked => {
                    standing.state = State::On;
                    None
                }
                State::Off if standing.n_switches == MOST_SWITCHES => Some(no),
                State::Off => {
                    *standing = Standing { state: State::On, n_switches: standing.n_switches + 1 };
                    Some(yes)
                }
            },
            (Some(standing), false) => {
                let was = std::mem::replace(&mut standing.state, State::Off);
                (was == State::On).then_some(no)
            }
        };
        if let Some(answer) = answer {
            self.output.extend([IAC, answer, option]);
        }
    }

    /// Takes a byte of data.
    fn data(&mut self, byte: u8, data: &mut Vec<u8>) {
        let is_padding = byte == 0 && std::mem::take(&mut self.after_cr);
        self.after_cr = byte == b'\r' && !self.is_binary(Side::Theirs);
        if !is_padding {
            data.push(byte);
        }
    }
}

impl Protocol for Plain {
    fn receive(&mut self, bytes: &[u8], data: &mut Vec<u8>) {
        for &byte in bytes {
            self.place = match (self.place, byte) {
                (Place::Data, IAC) => Place::Command,
                (Place::Data, _) => {
                    self.data(byte, data);
                    Place::Data
                }
                (Place::Command, IAC) => {
                    self.data(IAC, data);
                    Place::Data
                }
                (Place::Command, WILL | WONT | DO | DONT) => Place::Option { verb: byte },
                (Place::Command, SB) => Place::Subnegotiation { n: 0 },
                // The other commands ask nothing of a port.
                (Place::Command, _) => Place::Data,
                (Place::Option { verb }, option) => {
                    self.negotiate(verb, option);
                    Place::Data
                }
                (Place::Subnegotiation { n }, IAC) => Place::CommandInSubnegotiation { n },
                (Place::CommandInSubnegotiation { .. }, SE) => Place::Data,
                (Place::Subnegotiation { n } | Place::CommandInSubnegotiation { n }, _) => {
                    if n == LONGEST_SUBNEGOTIATION { Place::Data } else { Place::Subnegotiation { n: n + 1 } }
                }
            };
        }
    }

    fn send(&mut self, data: &[u8]) {
        let is_binary = self.is_binary(Side::Ours);
        for (n, &byte) in data.iter().enumerate() {
            self.output.push(byte);
            match byte {
                IAC => self.output.push(IAC),
                b'\r' if !is_binary && data.get(n + 1) != Some(&b'\n') => self.output.push(0),
                _ => {}
            }
        }
    }

    fn take_output(&mut self, output: &mut Vec<u8>) {
        output.append(&mut self.output);
    }

    fn is_settled(&self) -> bool {
        self.options.iter().flatten().all(|standing| standing.state != State::Asked)
    }

    fn give_up(&mut self) {
        if self.options.iter().flatten().all(|standing| standing.state != State::On) {
            self.note = Some(format!(
                "the other end did not answer Telnet within {} s: if it speaks no Telnet, use `tcp://`",
                ANSWER_WITHIN.as_secs()
            ));
        }
    }

    fn note(&mut self) -> Option<String> {
        self.note.take()
    }
}

#[cfg(test)]
pub(super) mod tests;
