//! `Protocol`: what is said over a Telnet connection, without a connection and without a clock.

use crate::settings::{InputLines, LineSettings};
use crate::transport::words::NO_LINES;

/// One end of a Telnet connection. What comes out depends on the bytes alone, never on how reads cut them.
pub(crate) trait Protocol {
    /// Takes what came; the data in it is appended to `data`.
    fn receive(&mut self, bytes: &[u8], data: &mut Vec<u8>);

    /// Takes data that is to be sent.
    fn send(&mut self, data: &[u8]);

    /// Moves what is to be written to the end of `output`.
    fn take_output(&mut self, output: &mut Vec<u8>);

    /// Whether everything that was asked is answered.
    fn is_settled(&self) -> bool;

    /// Takes note that the other end had its time to answer: what it did not answer is not waited for any more.
    fn give_up(&mut self);

    /// Whether the other end takes data now.
    fn takes_data(&self) -> bool {
        true
    }

    /// Returns what the user is to know, once.
    fn note(&mut self) -> Option<String> {
        None
    }

    /// Whether the other end has a serial port that can be asked for what follows; where it has none, nothing comes of it.
    #[cfg(any(windows, test))]
    fn has_settings(&self) -> bool {
        false
    }

    /// Asks for other settings; they are answered like the first.
    fn set(&mut self, _settings: &LineSettings) {}

    /// Switches DTR and RTS.
    fn set_lines(&mut self, _dtr: Option<bool>, _rts: Option<bool>) {}

    /// Leaves DTR and RTS as the settings say: the connection ends.
    fn end(&mut self) {}

    /// Returns how CTS, DSR, DCD and RI are, as the other end said last.
    ///
    /// # Errors
    ///
    /// Why that cannot be known.
    fn input_lines(&self) -> Result<InputLines, String> {
        Err(NO_LINES.to_string())
    }

    /// Holds the line in break, or lets go.
    fn set_break(&mut self, _is_held: bool) {}

    /// Throws away what comes until the other end has thrown away what it has.
    fn discard_input(&mut self) {}

    /// Whether input is still thrown away.
    fn is_discarding(&self) -> bool {
        false
    }

    /// Lets the other end throw away what it has not written to its port.
    fn discard_output(&mut self) {}
}

/// Bytes as they are.
#[cfg(any(windows, test))]
#[derive(Debug, Default)]
pub(crate) struct Raw {
    output: Vec<u8>,
}

#[cfg(any(windows, test))]
impl Protocol for Raw {
    fn receive(&mut self, bytes: &[u8], data: &mut Vec<u8>) {
        data.extend_from_slice(bytes);
    }

    fn send(&mut self, data: &[u8]) {
        self.output.extend_from_slice(data);
    }

    fn take_output(&mut self, output: &mut Vec<u8>) {
        output.append(&mut self.output);
    }

    fn is_settled(&self) -> bool {
        true
    }

    fn give_up(&mut self) {}
}
