//! The settings of a line as Windows keeps them.

use windows_sys::Win32::Devices::Communication::{
    DCB, EVENPARITY, MARKPARITY, NOPARITY, ODDPARITY, ONESTOPBIT, SPACEPARITY, TWOSTOPBITS,
};

use crate::settings::{ControlLine, FlowControl, LineSettings, Parity};

/// What becomes of DTR and RTS; `None` leaves one alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    pub(super) dtr: Option<bool>,
    pub(super) rts: Option<bool>,
}

// The bits of the field that has no names in the structure (`fBinary` and so on in Microsoft's documentation of DCB).
const BINARY: u32 = 1;
const CHECKS_PARITY: u32 = 1 << 1;
const WAITS_FOR_CTS: u32 = 1 << 2;
const DTR_ON: u32 = 1 << 4;
const DTR: u32 = 3 << 4;
const WAITS_FOR_XON: u32 = 1 << 8;
const SENDS_XOFF: u32 = 1 << 9;
const RTS_ON: u32 = 1 << 12;
const RTS: u32 = 3 << 12;
/// RTS is on while there is something to send: what RS-485 needs.
const RTS_WHILE_SENDING: u32 = 3 << 12;

const XON: i8 = 0x11;
const XOFF: i8 = 0x13;

/// Changes the settings found into those wanted. What flowrun has no setting for is off: no byte is dropped or replaced, and
/// no error of the line stops a read.
pub(super) fn set(dcb: &mut DCB, settings: &LineSettings, lines: Lines) {
    let switched = |found: u32, line: Option<bool>, on: u32| match line {
        Some(true) => on,
        Some(false) => 0,
        None => found,
    };
    let parity = if settings.parity == Parity::None { 0 } else { CHECKS_PARITY };
    let flow_control = match settings.flow_control {
        FlowControl::None => 0,
        FlowControl::Hardware => WAITS_FOR_CTS,
        FlowControl::Software => WAITS_FOR_XON | SENDS_XOFF,
    };
    // With hardware flow control RTS says that bytes may come.
    let rts = if settings.flow_control == FlowControl::Hardware { lines.rts.or(Some(true)) } else { lines.rts };
    dcb._bitfield = BINARY
        | parity
        | flow_control
        | switched(dcb._bitfield & DTR, lines.dtr, DTR_ON)
        | transmitter(dcb._bitfield & RTS, settings.rs485.mode, switched(dcb._bitfield & RTS, rts, RTS_ON));
    dcb.BaudRate = settings.baud;
    dcb.ByteSize = settings.data_bits;
    dcb.Parity = match settings.parity {
        Parity::None => NOPARITY,
        Parity::Even => EVENPARITY,
        Parity::Odd => ODDPARITY,
        Parity::Mark => MARKPARITY,
        Parity::Space => SPACEPARITY,
    };
    dcb.StopBits = if settings.stop_bits == 2 { TWOSTOPBITS } else { ONESTOPBIT };
    (dcb.XonChar, dcb.XoffChar) = (XON, XOFF);
    (dcb.ErrorChar, dcb.EofChar) = (0, 0x1a);
}

/// Returns what becomes of RTS if it may be what switches a transmitter; `otherwise` is what becomes of it if it is not.
fn transmitter(found: u32, mode: ControlLine, otherwise: u32) -> u32 {
    match mode {
        ControlLine::On => RTS_WHILE_SENDING,
        ControlLine::Off if found == RTS_WHILE_SENDING && otherwise == found => 0,
        ControlLine::Off | ControlLine::Keep => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn what_is_left_alone_stays_and_what_another_program_left_behind_is_gone() {
        let settings = Settings::default().line;
        let mut dcb = DCB { _bitfield: u32::MAX & !(2 << 4) & !(2 << 12), ..DCB::default() };
        set(&mut dcb, &settings, Lines::default());
        assert_eq!((dcb._bitfield, dcb.BaudRate, dcb.ByteSize), (BINARY | DTR_ON | RTS_ON, settings.baud, 8));
        set(&mut dcb, &settings, Lines { dtr: Some(false), rts: None });
        assert_eq!(dcb._bitfield, BINARY | RTS_ON);
        set(&mut dcb, &settings, Lines { dtr: Some(true), rts: Some(false) });
        assert_eq!(dcb._bitfield, BINARY | DTR_ON);
    }

    #[test]
    fn rts_switches_the_transmitter_if_that_is_wanted() {
        let mut settings = Settings::default().line;
        settings.rs485.mode = ControlLine::On;
        let mut dcb = DCB::default();
        set(&mut dcb, &settings, Lines::default());
        assert_eq!(dcb._bitfield, BINARY | RTS_WHILE_SENDING);
        settings.rs485.mode = ControlLine::Off;
        set(&mut dcb, &settings, Lines::default());
        assert_eq!(dcb._bitfield, BINARY);
    }

    #[test]
    fn a_parity_bit_that_never_changes_is_set() {
        for (parity, byte) in [(Parity::Mark, MARKPARITY), (Parity::Space, SPACEPARITY)] {
            let mut dcb = DCB::default();
            set(&mut dcb, &LineSettings { parity, ..Settings::default().line }, Lines::default());
            assert_eq!((dcb.Parity, dcb._bitfield & CHECKS_PARITY), (byte, CHECKS_PARITY));
        }
    }

    #[test]
    fn hardware_flow_control_lets_the_device_send() {
        let hardware = LineSettings { flow_control: FlowControl::Hardware, ..Settings::default().line };
        let mut dcb = DCB::default();
        set(&mut dcb, &hardware, Lines::default());
        assert_eq!(dcb._bitfield, BINARY | WAITS_FOR_CTS | RTS_ON);
        set(&mut dcb, &hardware, Lines { dtr: None, rts: Some(false) });
        assert_eq!(dcb._bitfield, BINARY | WAITS_FOR_CTS);
        let software = LineSettings { flow_control: FlowControl::Software, parity: Parity::Even, ..hardware };
        set(&mut dcb, &software, Lines::default());
        assert_eq!(dcb._bitfield, BINARY | WAITS_FOR_XON | SENDS_XOFF | CHECKS_PARITY);
        assert_eq!((dcb.XonChar, dcb.XoffChar, dcb.Parity), (XON, XOFF, EVENPARITY));
    }
}
