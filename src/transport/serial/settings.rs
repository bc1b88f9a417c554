//! The words in which serialport is told our settings, and in which it answers.

use std::io;

#[cfg(unix)]
use serialport::SerialPortBuilder;
use serialport::{DataBits, SerialPort, StopBits};

use crate::event::CloseReason;
#[cfg(unix)]
use crate::settings::FlowControl;
use crate::settings::{InputLine, InputLines, LineSettings, Parity};
use crate::transport::words::in_words;

/// The largest difference between the baud asked for and the one that a divisor gives, in percent.
const BAUD_TOLERANCE: u64 = 3;

/// Returns what opens a port with these settings.
#[cfg(unix)]
pub(super) fn builder(name: &str, baud: u32, settings: &LineSettings) -> SerialPortBuilder {
    serialport::new(name, baud)
        .data_bits(data_bits(settings))
        .parity(parity(settings))
        .stop_bits(stop_bits(settings))
        .flow_control(flow_control(settings))
}

/// Changes the format of an open port, and its baud if it has one.
#[cfg(unix)]
pub(super) fn reconfigure(
    port: &mut dyn SerialPort,
    settings: &LineSettings,
    has_baud: bool,
) -> Result<(), CloseReason> {
    let mut change = || {
        port.set_data_bits(data_bits(settings))?;
        port.set_parity(parity(settings))?;
        port.set_stop_bits(stop_bits(settings))?;
        port.set_flow_control(flow_control(settings))?;
        if has_baud { port.set_baud_rate(settings.baud) } else { Ok(()) }
    };
    change().map_err(|error| broken(format!("the port cannot be set to {settings}: {}", words(&error))))
}

/// Compares what a driver says it does with what was asked of it; what it does not say is believed.
pub(super) fn check_settings(port: &dyn SerialPort, settings: &LineSettings) -> Result<(), CloseReason> {
    let baud = port.baud_rate().unwrap_or(settings.baud);
    let off = u64::from(baud.abs_diff(settings.baud)) * 100;
    let is_as_asked = off <= BAUD_TOLERANCE * u64::from(settings.baud)
        && port.data_bits().map_or(true, |is| is == data_bits(settings))
        && port.parity().map_or(true, |is| is == parity(settings))
        && port.stop_bits().map_or(true, |is| is == stop_bits(settings));
    if is_as_asked {
        return Ok(());
    }
    let actual = LineSettings {
        baud,
        data_bits: port.data_bits().map_or(settings.data_bits, u8::from),
        parity: match port.parity() {
            Ok(serialport::Parity::None) => Parity::None,
            Ok(serialport::Parity::Even) => Parity::Even,
            Ok(serialport::Parity::Odd) => Parity::Odd,
            Err(_) => settings.parity,
        },
        stop_bits: port.stop_bits().map_or(settings.stop_bits, u8::from),
        ..settings.clone()
    };
    Err(CloseReason::Broken {
        reason: format!("the driver was asked for {settings} and chose {actual}"),
        help: Some("this adapter cannot do that; use settings that it has".to_string()),
    })
}

/// Returns whether the parity bit never changes.
#[cfg(unix)]
pub(super) fn is_stick(settings: &LineSettings) -> bool {
    match settings.parity {
        Parity::Mark | Parity::Space => true,
        Parity::None | Parity::Even | Parity::Odd => false,
    }
}

/// Returns that a port has no parity bit that never changes.
#[cfg(unix)]
pub(super) fn no_stick(settings: &LineSettings) -> CloseReason {
    CloseReason::Broken {
        reason: format!("this port cannot be set to {settings}: it has no mark and no space parity"),
        help: Some(
            "mark and space parity need Linux or Windows, and a driver that has them, or `rfc2217://HOST:PORT`"
                .to_string(),
        ),
    }
}

pub(super) fn broken(reason: String) -> CloseReason {
    CloseReason::Broken { reason, help: None }
}

pub(super) fn words(error: &serialport::Error) -> String {
    in_words(&io::Error::other(error.description.clone()))
}

fn data_bits(settings: &LineSettings) -> DataBits {
    match settings.data_bits {
        5 => DataBits::Five,
        6 => DataBits::Six,
        7 => DataBits::Seven,
        _ => DataBits::Eight,
    }
}

fn parity(settings: &LineSettings) -> serialport::Parity {
    match settings.parity {
        Parity::None => serialport::Parity::None,
        // A parity bit that never changes is one of these with a further flag, which this crate does not know.
        Parity::Even | Parity::Space => serialport::Parity::Even,
        Parity::Odd | Parity::Mark => serialport::Parity::Odd,
    }
}

fn stop_bits(settings: &LineSettings) -> StopBits {
    if settings.stop_bits == 2 { StopBits::Two } else { StopBits::One }
}

#[cfg(unix)]
fn flow_control(settings: &LineSettings) -> serialport::FlowControl {
    match settings.flow_control {
        FlowControl::None => serialport::FlowControl::None,
        FlowControl::Hardware => serialport::FlowControl::Hardware,
        FlowControl::Software => serialport::FlowControl::Software,
    }
}

/// Returns how CTS, DSR, DCD and RI of a port are.
pub(super) fn input_lines(port: &mut impl SerialPort) -> Result<InputLines, String> {
    let mut lines = InputLines::default();
    for line in InputLine::ALL {
        let on = match line {
            InputLine::Cts => port.read_clear_to_send(),
            InputLine::Dsr => port.read_data_set_ready(),
            InputLine::Dcd => port.read_carrier_detect(),
            InputLine::Ri => port.read_ring_indicator(),
        };
        lines.switch(line, on.map_err(|error| words(&error))?);
    }
    Ok(lines)
}
