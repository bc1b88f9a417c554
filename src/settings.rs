//! Settings of the line: one table for `serial { … }` in a flow and for `--baud` and `--serial` on the
//! command line.

mod input;
mod mismatch;

use std::fmt;
use std::time::Duration;

use crate::value::encoding::Encoding;

pub use input::{InputLine, InputLines, Signal};
pub use mismatch::{agree, garble};

/// Parity of a character on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// No parity bit.
    None,
    /// Even parity.
    Even,
    /// Odd parity.
    Odd,
    /// A parity bit that is always 1.
    Mark,
    /// A parity bit that is always 0.
    Space,
}

/// Who holds back whom when a buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowControl {
    /// Nobody.
    None,
    /// RTS and CTS.
    Hardware,
    /// XON and XOFF.
    Software,
}

/// What is done with DTR or RTS when the port is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlLine {
    /// Nothing: it is what the driver makes it, usually on.
    Keep,
    /// It is switched on.
    On,
    /// It is switched off.
    Off,
}

impl ControlLine {
    /// Returns what it is switched to, if it is switched.
    pub fn wanted(self) -> Option<bool> {
        match self {
            ControlLine::Keep => None,
            ControlLine::On => Some(true),
            ControlLine::Off => Some(false),
        }
    }
}

/// What is done with DTR or RTS when the port is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtClose {
    /// Nothing: the system does what it does, which mostly is to switch both off.
    System,
    /// It stays as it is.
    Keep,
    /// It is switched on, and stays so.
    On,
    /// It is switched off.
    Off,
}

impl AtClose {
    /// Returns what it is switched to, if it is switched.
    pub fn wanted(self) -> Option<bool> {
        match self {
            AtClose::System | AtClose::Keep => None,
            AtClose::On => Some(true),
            AtClose::Off => Some(false),
        }
    }

    /// Whether the system must not switch the line off.
    pub fn outlasts(self) -> bool {
        match self {
            AtClose::System | AtClose::Off => false,
            AtClose::Keep | AtClose::On => true,
        }
    }
}

/// Whether the driver switches a transmitter on for as long as it sends, as two wires of RS-485 need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rs485 {
    /// Whether it does; [`ControlLine::Keep`] leaves the driver as it is.
    pub mode: ControlLine,
    /// How long the transmitter is on before the first bit.
    pub before: Duration,
    /// How long it stays on after the last bit.
    pub after: Duration,
}

/// Whether the other side sends back what it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// An echo is recognised where there is one.
    Auto,
    /// A flow takes an echo out where there is one; a device sends one.
    On,
    /// Nothing is taken for an echo; a device sends none.
    Off,
}

/// What the port itself must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// Bits per second.
    pub baud: u32,
    /// 5 to 8.
    pub data_bits: u8,
    /// Parity.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
    /// Flow control.
    pub flow_control: FlowControl,
    /// DTR at opening.
    pub dtr: ControlLine,
    /// RTS at opening.
    pub rts: ControlLine,
    /// DTR at closing.
    pub dtr_at_close: AtClose,
    /// RTS at closing.
    pub rts_at_close: AtClose,
    /// Who switches the transmitter.
    pub rs485: Rs485,
    /// How long a port that is not there yet is awaited when it is opened; zero does not wait. No flow sets it.
    pub wait: Duration,
}

impl LineSettings {
    /// Returns how long one character takes: start bit, data, parity and stop bits.
    pub fn character_time(&self) -> Duration {
        let parity = u32::from(self.parity != Parity::None);
        let bits = 1 + u32::from(self.data_bits) + parity + u32::from(self.stop_bits);
        Duration::from_nanos(u64::from(bits) * 1_000_000_000 / u64::from(self.baud.max(1)))
    }
}

impl fmt::Display for LineSettings {
    /// Writes `115200 8N1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parity = match self.parity {
            Parity::None => 'N',
            Parity::Even => 'E',
            Parity::Odd => 'O',
            Parity::Mark => 'M',
            Parity::Space => 'S',
        };
        write!(f, "{} {}{parity}{}", self.baud, self.data_bits, self.stop_bits)?;
        match self.flow_control {
            FlowControl::None => Ok(()),
            FlowControl::Hardware => f.write_str(" RTS/CTS"),
            FlowControl::Software => f.write_str(" XON/XOFF"),
        }
    }
}

/// All settings of one side of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What the port must know.
    pub line: LineSettings,
    /// What `send` puts behind a line, and `reply` too.
    pub eol: Vec<u8>,
    /// What `reply` puts before a line (the header of V.250, section 5.7.1).
    pub header: Vec<u8>,
    /// How text stands on the line; `None` is UTF-8, or no text.
    pub encoding: Option<Encoding>,
    /// Echo.
    pub echo: Echo,
    /// Silence after which an unfinished line counts as a prompt, and the line as quiet.
    pub settle: Duration,
    /// Silence kept before each `send`.
    pub guard: Duration,
    /// Pause behind each byte that is sent.
    pub pace: Duration,
    /// Pause behind each line that is sent, before the next goes out.
    pub line_pace: Duration,
    /// How long a port that goes away may be away; zero ends the run at once.
    pub reconnect: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            line: LineSettings {
                baud: 115_200,
                data_bits: 8,
                parity: Parity::None,
                stop_bits: 1,
                flow_control: FlowControl::None,
                dtr: ControlLine::Keep,
                rts: ControlLine::Keep,
                dtr_at_close: AtClose::System,
                rts_at_close: AtClose::System,
                rs485: Rs485 { mode: ControlLine::Keep, before: Duration::ZERO, after: Duration::ZERO },
                wait: Duration::ZERO,
            },
            eol: b"\r".to_vec(),
            header: Vec::new(),
            encoding: None,
            echo: Echo::Auto,
            settle: Duration::from_millis(50),
            guard: Duration::ZERO,
            pace: Duration::ZERO,
            line_pace: Duration::ZERO,
            reconnect: Duration::ZERO,
        }
    }
}

/// A value as it was written for a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingValue {
    /// A bare word: `auto`, `none`, `8N1`.
    Word(String),
    /// A string.
    Text(Vec<u8>),
    /// A number.
    Number(u64),
    /// A duration.
    Duration(Duration),
}

impl SettingValue {
    /// Returns a word or a string as it was written; nothing of a number or a duration.
    pub fn written(&self) -> String {
        match self {
            SettingValue::Word(word) => word.clone(),
            SettingValue::Text(text) => String::from_utf8_lossy(text).into_owned(),
            SettingValue::Number(_) | SettingValue::Duration(_) => String::new(),
        }
    }
}

/// Why a setting was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingError {
    /// There is no such setting.
    Unknown,
    /// The value does not fit; what would.
    Wants(&'static str),
}

/// Name and accepted values of each setting, for messages and documents.
pub const SETTINGS: &[(&str, &str)] = &[
    ("baud", "a number from 1 to 4000000, such as 115200"),
    ("format", "data bits, parity and stop bits in one word: `8N1`, `7E1`"),
    ("flow_control", "`none`, `hardware` or `software`"),
    ("dtr", "`on`, `off` or `keep`"),
    ("rts", "`on`, `off` or `keep`"),
    ("dtr_at_close", "`system`, `keep`, `on` or `off`"),
    ("rts_at_close", "`system`, `keep`, `on` or `off`"),
    ("rs485", "`on`, `off` or `keep`"),
    ("rs485_before", "a duration up to 100ms, such as 1ms"),
    ("rs485_after", "a duration up to 100ms, such as 1ms"),
    ("eol", "a string, or `cr`, `lf`, `crlf`, `none`"),
    ("header", "a string, or `cr`, `lf`, `crlf`, `none`"),
    ("encoding", "a label such as `\"gbk\"` or `\"shift_jis\"`, or `none`"),
    ("echo", "`auto`, `on` or `off`"),
    ("settle", "a duration, such as 50ms"),
    ("guard", "a duration, such as 20ms"),
    ("pace", "a duration, such as 2ms"),
    ("line_pace", "a duration, such as 40ms"),
    ("reconnect", "a duration, such as 15s"),
];

/// A driver takes no longer delay around what it sends (Linux, `RS485_MAX_RTS_DELAY`).
const LONGEST_DELAY: Duration = Duration::from_millis(100);

impl Settings {
    /// Sets one setting by its name.
    ///
    /// # Errors
    ///
    /// [`SettingError::Unknown`] if [`SETTINGS`] has no such name, [`SettingError::Wants`] if the value
    /// does not fit; nothing is changed then.
    pub fn set(&mut self, name: &str, value: &SettingValue) -> Result<(), SettingError> {
        let Some((_, wanted)) = SETTINGS.iter().find(|(known, _)| *known == name) else {
            return Err(SettingError::Unknown);
        };
        self.try_set(name, value).ok_or(SettingError::Wants(wanted))
    }

    fn try_set(&mut self, name: &str, value: &SettingValue) -> Option<()> {
        match (name, value) {
            ("baud", SettingValue::Number(n @ 1..=4_000_000)) => self.line.baud = *n as u32,
            ("format", SettingValue::Word(word)) => {
                let (data_bits, parity, stop_bits) = parse_format(word)?;
                self.line = LineSettings { data_bits, parity, stop_bits, ..self.line.clone() };
            }
            ("flow_control", SettingValue::Word(word)) => {
                self.line.flow_control = match word.as_str() {
                    "none" => FlowControl::None,
                    "hardware" => FlowControl::Hardware,
                    "software" => FlowControl::Software,
                    _ => return None,
                }
            }
            ("dtr", SettingValue::Word(word)) => self.line.dtr = parse_control_line(word)?,
            ("rts", SettingValue::Word(word)) => self.line.rts = parse_control_line(word)?,
            ("dtr_at_close", SettingValue::Word(word)) => self.line.dtr_at_close = parse_at_close(word)?,
            ("rts_at_close", SettingValue::Word(word)) => self.line.rts_at_close = parse_at_close(word)?,
            ("rs485", SettingValue::Word(word)) => self.line.rs485.mode = parse_control_line(word)?,
            ("rs485_before", SettingValue::Duration(d)) if *d <= LONGEST_DELAY => self.line.rs485.before = *d,
            ("rs485_after", SettingValue::Duration(d)) if *d <= LONGEST_DELAY => self.line.rs485.after = *d,
            ("eol", value) => self.eol = parse_ending(value)?,
            ("header", value) => self.header = parse_ending(value)?,
            ("encoding", SettingValue::Word(word)) if word == "none" => self.encoding = None,
            ("encoding", SettingValue::Word(label)) => self.encoding = Some(Encoding::find(label)?),
            ("encoding", SettingValue::Text(label)) => {
                self.encoding = Some(Encoding::find(std::str::from_utf8(label).ok()?)?);
            }
            ("echo", SettingValue::Word(word)) => {
                self.echo = match word.as_str() {
                    "auto" => Echo::Auto,
                    "on" => Echo::On,
                    "off" => Echo::Off,
                    _ => return None,
                }
            }
            ("settle", SettingValue::Duration(d)) => self.settle = *d,
            ("guard", SettingValue::Duration(d)) => self.guard = *d,
            ("pace", SettingValue::Duration(d)) => self.pace = *d,
            ("line_pace", SettingValue::Duration(d)) => self.line_pace = *d,
            ("reconnect", SettingValue::Duration(d)) => self.reconnect = *d,
            _ => return None,
        }
        Some(())
    }
}

fn parse_format(word: &str) -> Option<(u8, Parity, u8)> {
    let [data @ b'5'..=b'8', parity, stop @ (b'1' | b'2')] = word.as_bytes() else { return None };
    let parity = match parity.to_ascii_uppercase() {
        b'N' => Parity::None,
        b'E' => Parity::Even,
        b'O' => Parity::Odd,
        b'M' => Parity::Mark,
        b'S' => Parity::Space,
        _ => return None,
    };
    Some((data - b'0', parity, stop - b'0'))
}

fn parse_control_line(word: &str) -> Option<ControlLine> {
    match word {
        "keep" => Some(ControlLine::Keep),
        "on" => Some(ControlLine::On),
        "off" => Some(ControlLine::Off),
        _ => None,
    }
}

fn parse_at_close(word: &str) -> Option<AtClose> {
    match word {
        "system" => Some(AtClose::System),
        "keep" => Some(AtClose::Keep),
        "on" => Some(AtClose::On),
        "off" => Some(AtClose::Off),
        _ => None,
    }
}

fn parse_ending(value: &SettingValue) -> Option<Vec<u8>> {
    match value {
        SettingValue::Text(text) => Some(text.clone()),
        SettingValue::Word(word) => match word.as_str() {
            "cr" => Some(b"\r".to_vec()),
            "lf" => Some(b"\n".to_vec()),
            "crlf" => Some(b"\r\n".to_vec()),
            "none" => Some(Vec::new()),
            _ => None,
        },
        SettingValue::Number(_) | SettingValue::Duration(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parity_is_read_as_it_is_written() {
        for format in ["8N1", "7E1", "8O2", "8M1", "5S1"] {
            let mut settings = Settings::default();
            assert_eq!(settings.set("format", &SettingValue::Word(format.to_string())), Ok(()));
            assert_eq!(settings.line.to_string(), format!("115200 {format}"));
        }
        let mut settings = Settings::default();
        assert!(settings.set("format", &SettingValue::Word("8X1".to_string())).is_err());
    }

    #[test]
    fn every_setting_in_the_table_can_be_set() {
        let word = |w: &str| SettingValue::Word(w.to_string());
        let value = |name: &str| match name {
            "baud" => SettingValue::Number(9600),
            "format" => word("7E1"),
            "flow_control" => word("hardware"),
            "dtr" | "rts" | "dtr_at_close" | "rts_at_close" | "rs485" | "echo" => word("off"),
            "eol" | "header" => word("crlf"),
            "encoding" => word("gbk"),
            _ => SettingValue::Duration(Duration::from_millis(5)),
        };
        let mut settings = Settings::default();
        for (name, _) in SETTINGS {
            let before = settings.clone();
            assert_eq!(settings.set(name, &value(name)), Ok(()), "{name}");
            assert_ne!(settings, before, "{name} changed nothing");
        }
        assert_eq!(settings.line.to_string(), "9600 7E1 RTS/CTS");
    }

    #[test]
    fn a_wrong_value_says_what_is_wanted() {
        let mut settings = Settings::default();
        assert_eq!(settings.set("bauds", &SettingValue::Number(9600)), Err(SettingError::Unknown));
        let refused = settings.set("echo", &SettingValue::Word("yes".into()));
        assert_eq!(refused, Err(SettingError::Wants("`auto`, `on` or `off`")));
    }

    #[test]
    fn a_delay_that_no_driver_takes_is_refused() {
        let mut settings = Settings::default();
        let set = |settings: &mut Settings, ms| {
            settings.set("rs485_after", &SettingValue::Duration(Duration::from_millis(ms)))
        };
        assert_eq!(set(&mut settings, 100), Ok(()));
        assert!(set(&mut settings, 101).is_err());
    }

    #[test]
    fn a_character_takes_ten_bits_at_8n1() {
        let line = Settings::default().line;
        assert_eq!(line.character_time(), Duration::from_nanos(86_805));
    }
}
