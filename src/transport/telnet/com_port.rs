//! `ComPort`: the settings, control lines and break of a serial port that another machine has (RFC 2217).

use rfc2217::{Client, ComPortState, DataBits, Event, LineState, ModemState, NotReady, PortSettings, Purge, StopBits};

use super::protocol::Protocol;
use crate::settings::{AtClose, ControlLine, FlowControl, InputLine, InputLines, LineSettings, Parity};
use crate::transport::telnet::ANSWER_WITHIN;

/// What refuses the option of RFC 2217, if it comes from the other end.
const REFUSAL: [u8; 3] = [255, 254, 44];

/// More than the longest sequence in which a refusal could be taken for something else.
const MOST_REFUSALS: usize = 1024;

/// Our end of a connection to a server that has a serial port.
#[derive(Debug)]
pub(crate) struct ComPort {
    client: Client,
    notes: Vec<String>,
    /// What came is thrown away until the server has done so too.
    is_discarding: bool,
    /// The errors of the line that were told already.
    told: LineState,
    /// What becomes of DTR and RTS at the end.
    at_close: (AtClose, AtClose),
}

impl ComPort {
    /// Makes the end that asks for these settings.
    pub(super) fn new(settings: &LineSettings) -> ComPort {
        let mut com_port = ComPort {
            client: Client::new(port_settings(settings)),
            notes: Vec::new(),
            is_discarding: false,
            told: LineState::default(),
            at_close: (settings.dtr_at_close, settings.rts_at_close),
        };
        if settings.rs485.mode != ControlLine::Keep {
            com_port.notes.push("RFC 2217 has no `rs485`: set it at the server".to_string());
        }
        com_port.set_lines(settings.dtr.wanted(), settings.rts.wanted());
        com_port
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the crate says that there are kinds yet to come")]
    fn take_note(&mut self, event: &Event) {
        match event {
            Event::Purged(Purge::Receive | Purge::Both) => self.is_discarding = false,
            Event::ComPortRefused => {
                self.is_discarding = false;
                let note = "the server does not speak RFC 2217: baud, format, `dtr`, `rts` and `break` have no effect, as \
                            with `telnet://`";
                self.notes.push(note.to_string());
            }
            Event::LineState(state) => {
                for (error, name) in LINE_ERRORS {
                    if state.contains(error) && !self.told.contains(error) {
                        self.told |= error;
                        self.notes.push(format!("the server's port reports {name}: are baud and format right?"));
                    }
                }
            }
            // Answers to settings are compared when all of them are there.
            _ => {}
        }
    }

    /// Says how the settings differ from those that were asked for, as the server says.
    fn compare(&mut self) {
        let (asked, is) = (self.client.requested_settings(), self.client.reported_settings());
        let mut other = Vec::new();
        if let Some(baud) = is.baud_rate.filter(|baud| *baud != asked.baud_rate) {
            other.push(format!("baud {baud} instead of {}", asked.baud_rate));
        }
        if let Some(bits) = is.data_bits.filter(|bits| *bits != asked.data_bits) {
            other.push(format!("{} data bits instead of {}", word(bits), word(asked.data_bits)));
        }
        if let Some(parity) = is.parity.filter(|parity| *parity != asked.parity) {
            other.push(format!("parity {} instead of {}", word(parity), word(asked.parity)));
        }
        if let Some(bits) = is.stop_bits.filter(|bits| *bits != asked.stop_bits) {
            other.push(format!("{} stop bits instead of {}", word(bits), word(asked.stop_bits)));
        }
        if let Some(flow) = is.flow_control.filter(|flow| *flow != asked.flow_control) {
            other.push(format!("flow control {} instead of {}", word(flow), word(asked.flow_control)));
        }
        if !other.is_empty() {
            self.notes.push(format!("the server set its port to {}", other.join(", ")));
        }
    }
}

impl Protocol for ComPort {
    fn receive(&mut self, bytes: &[u8], data: &mut Vec<u8>) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let known = data.len();
            let was_settled = self.is_settled();
            let n = self.client.receive_until_event(rest, data);
            rest = &rest[n..];
            if self.is_discarding {
                data.truncate(known);
            }
            while let Some(event) = self.client.poll_event() {
                self.take_note(&event);
            }
            if !was_settled && self.is_settled() && self.client.com_port_state() == ComPortState::Active {
                self.compare();
            }
        }
    }

    fn send(&mut self, data: &[u8]) {
        self.client.write_data(data);
    }

    fn take_output(&mut self, output: &mut Vec<u8>) {
        output.append(&mut self.client.take_output());
    }

    fn is_settled(&self) -> bool {
        match self.client.readiness() {
            Ok(()) | Err(NotReady::Refused) => true,
            Err(NotReady::Negotiating | NotReady::Pending(_)) => false,
            Err(_) => self.client.pending_settings().is_empty(),
        }
    }

    fn give_up(&mut self) {
        let seconds = ANSWER_WITHIN.as_secs();
        self.is_discarding = false;
        if self.client.com_port_state() == ComPortState::Negotiating {
            // Data is held as long as the other end may accept the option. So it is taken to have refused, wherever in a
            // sequence it stopped.
            let mut refusals = 0;
            while self.client.com_port_state() == ComPortState::Negotiating && refusals < MOST_REFUSALS {
                let _ = self.client.receive(&REFUSAL);
                refusals += 1;
            }
            while self.client.poll_event().is_some() {}
            self.notes.push(format!(
                "the server did not answer RFC 2217 within {seconds} s: baud, format, `dtr`, `rts` and `break` have no \
                 effect; if it speaks no Telnet, use `tcp://`"
            ));
            return;
        }
        let unanswered = self.client.pending_settings();
        if !unanswered.is_empty() {
            self.notes.push(format!("the server did not acknowledge within {seconds} s: {unanswered}"));
            self.compare();
        }
    }

    fn takes_data(&self) -> bool {
        !self.client.flow_suspended()
    }

    fn note(&mut self) -> Option<String> {
        if self.notes.is_empty() { None } else { Some(self.notes.remove(0)) }
    }

    #[cfg(any(windows, test))]
    fn has_settings(&self) -> bool {
        true
    }

    fn set(&mut self, settings: &LineSettings) {
        self.at_close = (settings.dtr_at_close, settings.rts_at_close);
        self.client.set_port_settings(port_settings(settings));
    }

    fn end(&mut self) {
        let (dtr, rts) = self.at_close;
        self.set_lines(dtr.wanted(), rts.wanted());
    }

    fn input_lines(&self) -> Result<InputLines, String> {
        if let Err(NotReady::Refused) = self.client.readiness() {
            return Err("the server does not speak RFC 2217".to_string());
        }
        let mut lines = InputLines::default();
        // Servers say how the lines are when the option is agreed on, and when one changes; off is what was never said.
        let state = self.client.modem_state().unwrap_or_default();
        for (bit, line) in [
            (ModemState::CTS, InputLine::Cts),
            (ModemState::DSR, InputLine::Dsr),
            (ModemState::CD, InputLine::Dcd),
            (ModemState::RI, InputLine::Ri),
        ] {
            lines.switch(line, state.contains(bit));
        }
        Ok(lines)
    }

    fn set_lines(&mut self, dtr: Option<bool>, rts: Option<bool>) {
        if let Some(dtr) = dtr {
            self.client.set_dtr(dtr);
        }
        if let Some(rts) = rts {
            self.client.set_rts(rts);
        }
    }

    fn set_break(&mut self, is_held: bool) {
        self.client.set_break(is_held);
    }

    fn discard_input(&mut self) {
        if self.client.com_port_state() == ComPortState::Active {
            self.client.purge(Purge::Receive);
            self.is_discarding = true;
        }
    }

    fn discard_output(&mut self) {
        self.client.purge(Purge::Transmit);
    }

    fn is_discarding(&self) -> bool {
        self.is_discarding
    }
}

/// What a server can report of its port that means that bytes are lost or wrong.
const LINE_ERRORS: [(LineState, &str); 3] = [
    (LineState::FRAMING_ERROR, "framing errors"),
    (LineState::PARITY_ERROR, "parity errors"),
    (LineState::OVERRUN_ERROR, "that bytes were lost"),
];

fn port_settings(settings: &LineSettings) -> PortSettings {
    PortSettings {
        baud_rate: settings.baud,
        data_bits: match settings.data_bits {
            5 => DataBits::Five,
            6 => DataBits::Six,
            7 => DataBits::Seven,
            _ => DataBits::Eight,
        },
        parity: match settings.parity {
            Parity::None => rfc2217::Parity::None,
            Parity::Even => rfc2217::Parity::Even,
            Parity::Odd => rfc2217::Parity::Odd,
            Parity::Mark => rfc2217::Parity::Mark,
            Parity::Space => rfc2217::Parity::Space,
        },
        stop_bits: if settings.stop_bits == 2 { StopBits::Two } else { StopBits::One },
        flow_control: match settings.flow_control {
            FlowControl::None => rfc2217::FlowControl::None,
            FlowControl::Hardware => rfc2217::FlowControl::RtsCts,
            FlowControl::Software => rfc2217::FlowControl::XonXoff,
        },
    }
}

/// Returns the name of a value in small letters, as the crate calls it.
fn word(value: impl std::fmt::Debug) -> String {
    format!("{value:?}").to_lowercase()
}

#[cfg(test)]
mod tests;
