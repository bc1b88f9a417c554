//! The world of one serial port of this machine; the words in which serialport is told our settings.

#[cfg(unix)]
mod refusal;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use unix::SerialWorld;
#[cfg(windows)]
pub use windows::serve;

use serialport::{DataBits, SerialPort, SerialPortBuilder, StopBits};

use super::ports;
use crate::diagnostic::nearest::nearest;
use crate::event::CloseReason;
use crate::settings::{ControlLine, FlowControl, LineSettings, Parity};

/// The largest difference between the baud asked for and the one that a divisor gives, in percent.
const BAUD_TOLERANCE: u64 = 3;

/// How many names a message suggests at most.
const N_SUGGESTED: usize = 3;

/// Returns what opens a port with these settings.
fn builder(name: &str, baud: u32, settings: &LineSettings) -> SerialPortBuilder {
    serialport::new(name, baud)
        .data_bits(data_bits(settings))
        .parity(parity(settings))
        .stop_bits(stop_bits(settings))
        .flow_control(flow_control(settings))
}

/// Changes the format of an open port, and its baud if it has one.
fn reconfigure(port: &mut dyn SerialPort, settings: &LineSettings, has_baud: bool) -> Result<(), CloseReason> {
    let mut change = || {
        port.set_data_bits(data_bits(settings))?;
        port.set_parity(parity(settings))?;
        port.set_stop_bits(stop_bits(settings))?;
        port.set_flow_control(flow_control(settings))?;
        if has_baud { port.set_baud_rate(settings.baud) } else { Ok(()) }
    };
    change().map_err(|error| broken(format!("the port can not be set to {settings}: {}", words(&error))))
}

/// Compares what a driver says it does with what was asked of it; what it does not say is believed.
fn check_settings(port: &dyn SerialPort, settings: &LineSettings) -> Result<(), CloseReason> {
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
        reason: format!("the driver was told {settings} and made it {actual}"),
        help: Some("this adapter can not do that; use settings that it has".to_string()),
    })
}

/// Returns a control line's state as it is to be set, `None` for one that is left alone.
fn wanted(line: ControlLine) -> Option<bool> {
    match line {
        ControlLine::Keep => None,
        ControlLine::On => Some(true),
        ControlLine::Off => Some(false),
    }
}

/// Returns the help for a port that does not exist: names like it, or what there is.
fn help_for_missing(name: &str, mut candidates: Vec<String>) -> String {
    candidates.sort();
    candidates.dedup();
    let mut near = Vec::new();
    while near.len() < N_SUGGESTED
        && let Some(found) = nearest(name, candidates.iter().map(String::as_str))
    {
        let found = found.to_string();
        candidates.retain(|candidate| *candidate != found);
        near.push(format!("`{found}`"));
    }
    if !near.is_empty() {
        return format!("did you mean {}?", near.join(" or "));
    }
    candidates.truncate(N_SUGGESTED);
    if candidates.is_empty() {
        return "no serial port was found: is the device plugged in?".to_string();
    }
    let there_is: Vec<_> = candidates.iter().map(|candidate| format!("`{candidate}`")).collect();
    format!("is the device plugged in? There is {}", there_is.join(", "))
}

/// Returns the names of the ports that the system lists.
fn listed() -> Vec<String> {
    ports::list().into_iter().map(|port| port.name).collect()
}

fn broken(reason: String) -> CloseReason {
    CloseReason::Broken { reason, help: None }
}

fn words(error: &serialport::Error) -> String {
    super::in_words(&std::io::Error::other(error.description.clone()))
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
        Parity::Even => serialport::Parity::Even,
        Parity::Odd => serialport::Parity::Odd,
    }
}

fn stop_bits(settings: &LineSettings) -> StopBits {
    if settings.stop_bits == 2 { StopBits::Two } else { StopBits::One }
}

fn flow_control(settings: &LineSettings) -> serialport::FlowControl {
    match settings.flow_control {
        FlowControl::None => serialport::FlowControl::None,
        FlowControl::Hardware => serialport::FlowControl::Hardware,
        FlowControl::Software => serialport::FlowControl::Software,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_port_brings_the_nearest_names() {
        let there = || ["/dev/ttyUSB0", "/dev/ttyS0", "/dev/ttyACM0"].map(String::from).to_vec();
        assert_eq!(
            help_for_missing("/dev/ttyUBS0", there()),
            "did you mean `/dev/ttyUSB0` or `/dev/ttyS0` or `/dev/ttyACM0`?"
        );
        let help = help_for_missing("modem", there());
        assert_eq!(help, "is the device plugged in? There is `/dev/ttyACM0`, `/dev/ttyS0`, `/dev/ttyUSB0`");
        assert_eq!(help_for_missing("COM5", Vec::new()), "no serial port was found: is the device plugged in?");
    }
}
