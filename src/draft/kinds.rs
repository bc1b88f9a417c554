//! What changes from run to run, as far as a text shows it by itself: addresses, times, identities, measured values.

use std::ops::Range;
use std::sync::Arc;

use crate::pattern::{Fit, Regex};

/// A kind of value.
#[derive(Debug)]
pub(super) struct Kind {
    /// What its variable is called, if nothing before it says so.
    pub name: &'static str,
    /// Finds it in a line; its first group is the value.
    find: &'static str,
    /// What a flow looks for.
    pub regex: &'static str,
    /// How sure it is that it changes.
    pub change: Change,
}

/// How sure it is that a value changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is of one moment: a time, or a measured value.
    Always,
    /// It may be the same for ever: two recordings tell.
    Perhaps,
}

/// The kinds; the first that fits wins.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "uptime",
        find: r"\bup +(\d[^,]*(?:, +\d+:\d+|, +\d+ min)?)",
        regex: r"\d[^,]*(?:, +\d+:\d+|, +\d+ min)?",
        change: Change::Always,
    },
    Kind { name: "load", find: r"load average: ([\d.]+, [\d.]+, [\d.]+)", regex: r"[\d., ]+", change: Change::Always },
    Kind {
        name: "mac",
        find: r"\b([0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5})\b",
        regex: r"[0-9A-Fa-f:-]{17}",
        change: Change::Perhaps,
    },
    Kind {
        name: "uuid",
        find: r"\b([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\b",
        regex: r"[0-9a-fA-F-]{36}",
        change: Change::Perhaps,
    },
    Kind {
        name: "ip",
        find: r"(?:^|[^\d.vV])((?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3})(?:$|[^\d.])",
        regex: r"\d+\.\d+\.\d+\.\d+",
        change: Change::Perhaps,
    },
    Kind {
        name: "clock",
        find: r"\b((?:\d{4}|\d\d)[/-]\d\d[/-]\d\d[ ,T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?)",
        regex: r"[\d\/-]+[ ,T][\d:.]+(?:Z|[-+][\d:]+)?",
        change: Change::Always,
    },
    Kind {
        name: "clock",
        find: r"\b((?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2},? +(?:\d{4},? +)?\d{1,2}:\d\d:\d\d(?: [AP]M)?(?: [A-Z]{3,4})?(?: \d{4})?)",
        regex: r"[A-Z][a-z]{2}.*\d:\d\d:\d\d.*",
        change: Change::Always,
    },
    Kind {
        name: "date",
        find: r"\b(\d{4}[/-]\d\d[/-]\d\d)\b",
        regex: r"\d{4}[\/-]\d\d[\/-]\d\d",
        change: Change::Always,
    },
    Kind {
        name: "date",
        find: r"\b((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d{1,2} +\d{1,2}:\d\d)\b",
        regex: r"[A-Z][a-z]{2} +\d+ +\d+:\d\d",
        change: Change::Always,
    },
    Kind {
        name: "time",
        find: r"(?:^|[^\d:.])(\d{1,2}:\d\d:\d\d(?:\.\d+)?)(?:$|[^\d:])",
        regex: r"\d+:\d\d:\d\d(?:\.\d+)?",
        change: Change::Always,
    },
    Kind {
        name: "iccid",
        find: r"\b(89\d{17,18}[0-9A-Fa-f]?|89\d{16}[0-9A-Fa-f]{2})\b",
        regex: r"89[0-9A-Fa-f]{16,20}",
        change: Change::Perhaps,
    },
    Kind { name: "imei", find: r"\b(\d{14,17})\b", regex: r"\d{14,17}", change: Change::Perhaps },
    Kind { name: "seconds", find: r"^\[ *(\d+\.\d{6})\]", regex: r"\d+\.\d+", change: Change::Always },
    Kind { name: "address", find: r"\b(0x[0-9a-fA-F]{4,})\b", regex: r"0x[0-9a-fA-F]+", change: Change::Perhaps },
    Kind {
        name: "signal",
        find: r"(?:^|[^\w.])(-?\d+(?:\.\d+)?) ?dBm\b",
        regex: r"-?\d+(?:\.\d+)?",
        change: Change::Always,
    },
    Kind {
        name: "voltage",
        find: r"(?:^|[^\w.])(-?\d+(?:\.\d+)?) ?m?V\b",
        regex: r"-?\d+(?:\.\d+)?",
        change: Change::Always,
    },
    Kind {
        name: "current",
        find: r"(?:^|[^\w.])(-?\d+(?:\.\d+)?) ?[mu]?A\b",
        regex: r"-?\d+(?:\.\d+)?",
        change: Change::Always,
    },
    Kind {
        name: "temperature",
        find: r"(?:^|[^\w.])(-?\d+(?:\.\d+)?) ?(?:\xc2\xb0|deg ?)?C\b",
        regex: r"-?\d+(?:\.\d+)?",
        change: Change::Always,
    },
    Kind {
        name: "span",
        find: r"(?:^|[^\w.])(\d+(?:\.\d+)?) ?(?:us|ms|min|secs?|seconds)\b",
        regex: r"\d+(?:\.\d+)?",
        change: Change::Always,
    },
    Kind { name: "pid", find: r"(?i)\bpid[ =:]+(\d+)\b", regex: r"\d+", change: Change::Always },
    Kind { name: "pid", find: r"^\[\d+\] (\d+)$", regex: r"\d+", change: Change::Always },
    Kind {
        name: "reading",
        find: r"(?:^|[^\w.])([+-]\d\.\d{3,}[Ee][+-]\d\d)\b",
        regex: r"[-+]\d\.\d+[Ee][-+]\d\d",
        change: Change::Always,
    },
    Kind {
        name: "hex",
        find: r"\b([0-9a-f]*(?:\d[a-f]|[a-f]\d)[0-9a-f]{10,}|[0-9A-F]*(?:\d[A-F]|[A-F]\d)[0-9A-F]{10,})\b",
        regex: r"[0-9A-Fa-f]+",
        change: Change::Perhaps,
    },
    Kind { name: "number", find: r"(?:^|[^\w.,+-])([1-9]\d{5,})(?:$|[^\w.])", regex: r"\d+", change: Change::Perhaps },
];

/// The fields of answers of modules that change, by what they begin with; one without a name is as it is.
const FIELDS: &[(&str, &[&str])] = &[
    ("+CSQ: ", &["rssi", "ber"]),
    ("+CSQ:", &["rssi", "ber"]),
    ("+CESQ: ", &["rxlev", "ber", "rscp", "ecno", "rsrq", "rsrp"]),
    ("+CBC: ", &["charging", "charge", "battery"]),
    ("+CADC: ", &["", "adc"]),
    ("+SYSRAM:", &["free_ram", "least_ram"]),
    ("+CIPSNTPTIME:", &["clock"]),
];

/// What changes in a line.
#[derive(Debug)]
pub(super) struct Found {
    pub range: Range<usize>,
    pub name: &'static str,
    pub regex: &'static str,
    pub change: Change,
}

/// The kinds, ready to be looked for.
#[derive(Debug)]
pub(super) struct Kinds {
    regexes: Vec<Arc<Regex>>,
}

impl Kinds {
    /// Makes all kinds ready.
    pub(super) fn new() -> Kinds {
        let made = |kind: &Kind| Regex::new(kind.find, "", Fit::Within).expect("it is a regex of this file");
        Kinds { regexes: KINDS.iter().map(made).collect() }
    }

    /// Returns what looks as if it changed in a line that came for a command, in order.
    pub(super) fn find(&self, line: &[u8], command: &[u8]) -> Vec<Found> {
        if let Some(fields) = fields(line) {
            return fields;
        }
        if let Some(range) = frame(line) {
            return vec![Found { range, name: "data", regex: r"[0-9A-Fa-f ]+", change: Change::Perhaps }];
        }
        if is_dump(line) {
            return Vec::new();
        }
        if let Some(found) = decimals(line, command) {
            return found;
        }
        if asks_for_process(command) && !line.is_empty() && line.iter().all(u8::is_ascii_digit) {
            return vec![Found { range: 0..line.len(), name: "pid", regex: r"\d+", change: Change::Always }];
        }
        let mut found: Vec<Found> = Vec::new();
        for (kind, regex) in KINDS.iter().zip(&self.regexes) {
            for value in regex.captures_iter(line).filter_map(|captures| captures.get(1)) {
                let range = value.range();
                let is_taken = found.iter().any(|other| other.range.start < range.end && range.start < other.range.end);
                let is_stable = is_asked(value.as_bytes(), command)
                    || is_version(line, &range)
                    || matches!(kind.name, "clock" | "date" | "time") && is_build(line, command);
                if !is_taken && !is_stable {
                    let name = if kind.name == "imei" { identity(value.as_bytes(), command) } else { kind.name };
                    found.push(Found { range, name, regex: kind.regex, change: kind.change });
                }
            }
        }
        found.sort_by_key(|found| found.range.start);
        found
    }
}

fn fields(line: &[u8]) -> Option<Vec<Found>> {
    let (lead, names) = FIELDS.iter().find(|(lead, _)| line.starts_with(lead.as_bytes()))?;
    let mut at = lead.len();
    let mut found = Vec::new();
    for (i, field) in line[at..].split(|byte| *byte == b',').enumerate() {
        let is_number = !field.is_empty() && field.iter().all(|byte| byte.is_ascii_digit());
        let is_text = *lead == "+CIPSNTPTIME:";
        let name = names.get(i)?;
        if !name.is_empty() {
            if !is_number && !is_text {
                return None;
            }
            let regex = if is_number { r"\d+" } else { r".+" };
            found.push(Found { range: at..at + field.len(), name, regex, change: Change::Always });
        }
        at += field.len() + 1;
    }
    Some(found)
}

/// Returns the decimals of a line of numbers, `0.31 4.54 7.38 7/150 12525`, and the numbers that stand with them in a line of
/// a kernel: the processes, and the number of the last.
fn decimals(line: &[u8], command: &[u8]) -> Option<Vec<Found>> {
    let mut at = 0;
    let (mut found, mut n_decimals, mut n_processes) = (Vec::new(), 0, 0);
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let pair = |text: &[u8], sign: u8| {
        let at = text.iter().position(|byte| *byte == sign)?;
        (digits(&text[..at]) && digits(&text[at + 1..])).then_some(at)
    };
    for word in line.split(|byte| matches!(byte, b' ' | b'\t')) {
        let end = at + word.len();
        let mut push = |range: Range<usize>, name, regex| {
            found.push(Found { range, name, regex, change: Change::Always });
        };
        if pair(word, b'.').is_some() {
            n_decimals += 1;
            push(at..end, "decimal", r"\d+\.\d+");
        } else if let Some(n) = pair(word, b'/') {
            n_processes += 1;
            push(at..at + n, "running", r"\d+");
            push(at + n + 1..end, "processes", r"\d+");
        } else if digits(word) && n_processes > 0 {
            push(at..end, "pid", r"\d+");
        } else if !word.is_empty() && !digits(word) {
            return None;
        }
        at = end + 1;
    }
    let is_load = n_decimals == 3 && n_processes == 1;
    let has = |word: &[u8]| command.windows(word.len()).any(|part| part == word);
    if n_decimals < 2 || n_processes > 0 && !is_load {
        return None;
    }
    let name = match (is_load, n_decimals) {
        (true, _) => "load",
        (false, 2) if has(b"uptime") => "uptime",
        (false, _) => "decimal",
    };
    for found in found.iter_mut().filter(|found| found.name == "decimal") {
        found.name = name;
        found.change = if name == "decimal" { Change::Perhaps } else { Change::Always };
    }
    found.retain(|found| !is_asked(&line[found.range.clone()], command));
    Some(found)
}

/// Returns where the data of a frame are that is shown in hex, `41 0C 14 5F`: the first two bytes say what it is.
fn frame(line: &[u8]) -> Option<Range<usize>> {
    let text = line.trim_ascii_end();
    let is_pair = |pair: &[u8]| pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
    let is_frame = text.len() >= 8 && text.split(|byte| *byte == b' ').all(is_pair);
    is_frame.then_some(6..line.len())
}

/// Whether a line shows what is in a memory.
fn is_dump(line: &[u8]) -> bool {
    let n = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    n >= 8 && line.get(n) == Some(&b':')
}

/// Whether the times in a line are those when something was built.
fn is_build(line: &[u8], command: &[u8]) -> bool {
    let has = |text: &[u8], word: &[u8]| text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    [&b"version"[..], b"build", b"built", b"compile", b"u-boot"].iter().any(|word| has(line, word))
        || has(command, b"version")
        || has(command, b"GMR")
}

/// Whether a shell, or a program, is asked for the number of a process.
fn asks_for_process(command: &[u8]) -> bool {
    [&b"$$"[..], b"$!", b"getpid", b"pidof", b"pgrep"]
        .iter()
        .any(|word| command.windows(word.len()).any(|part| part == *word))
}

/// Whether a value stands in what was asked: then it is what was asked for.
fn is_asked(value: &[u8], command: &[u8]) -> bool {
    value.len() > 1 && command.windows(value.len()).any(|part| part == value)
}

/// Whether what looks like an address is a version.
fn is_version(line: &[u8], range: &Range<usize>) -> bool {
    let before = line[..range.start].to_ascii_lowercase();
    let trimmed = before.trim_ascii_end();
    [&b"version"[..], b"ver", b"rev", b"v", b"version:", b"ver:", b"rev:"].iter().any(|word| trimmed.ends_with(word))
}

/// Returns what a number of some 15 digits is.
fn identity(digits: &[u8], command: &[u8]) -> &'static str {
    let command = command.to_ascii_uppercase();
    let asks = |word: &[u8]| command.windows(word.len()).any(|part| part == word);
    if asks(b"CIMI") {
        "imsi"
    } else if asks(b"GSN") || luhn(digits) {
        "imei"
    } else {
        "imsi"
    }
}

/// Whether the last digit is the check digit of an IMEI.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| {
            let digit = u32::from(digit - b'0');
            if i % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    digits.len() == 15 && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a line with the name of what changes in place of it.
    fn named(line: &str, command: &str) -> String {
        let mut text = line.to_string();
        for found in Kinds::new().find(line.as_bytes(), command.as_bytes()).into_iter().rev() {
            text.replace_range(found.range, &format!("<{}>", found.name));
        }
        text
    }

    #[test]
    fn each_kind_is_found_and_what_is_around_it_stays() {
        for (command, line, expected) in [
            ("AT+CGSN", "866192037701234", "<imei>"),
            ("AT+CIMI", "460011234567890", "<imsi>"),
            ("AT+CCID", "+CCID: 89860012345678901234", "+CCID: <iccid>"),
            ("AT+CSQ", "+CSQ: 21,0", "+CSQ: <rssi>,<ber>"),
            ("AT+CBC", "+CBC: 0,85,4123", "+CBC: <charging>,<charge>,<battery>"),
            ("ifconfig", "inet addr:192.168.1.20  Bcast:192.168.1.255", "inet addr:<ip>  Bcast:<ip>"),
            ("AT+CIFSR", "+CIFSR:STAMAC,\"a4:cf:12:00:1b:2c\"", "+CIFSR:STAMAC,\"<mac>\""),
            ("AT+CCLK?", "+CCLK: \"24/07/22,12:00:03+32\"", "+CCLK: \"<clock>\""),
            ("date", "Mon Nov 30 15:13:17 UTC 2026", "<clock>"),
            ("date", "2026-11-30", "<date>"),
            (
                "uptime",
                " 15:10:53 up 7 min,  0 user,  load average: 10.93, 4.48, 1.80",
                " <time> up <uptime>,  0 user,  load average: <load>",
            ),
            ("cat /proc/uptime", "8265.34 475.09", "<uptime> <uptime>"),
            ("cat /proc/loadavg", "1.51 4.54 7.38 7/150 12525", "<load> <load> <load> <running>/<processes> <pid>"),
            ("sensors", "0.12  3.30 17", "<decimal>  <decimal> 17"),
            ("iw", "signal: -67 dBm", "signal: <signal> dBm"),
            ("ATRV", "12.3V", "<voltage>V"),
            ("dmesg", "[    1.234567] usb 1-1: new", "[    <seconds>] usb 1-1: new"),
            ("sleep 9 &", "[1] 4711", "[1] <pid>"),
            ("ps", "free 1234567 bytes", "free <number> bytes"),
            ("x", "at 0xdeadbeef", "at <address>"),
            ("echo $$", "812", "<pid>"),
            ("010C", "41 0C 14 5F ", "41 0C <data>"),
            ("010D", "41 0D 37 ", "41 0D <data>"),
            ("2**100", "1267650600228229401496703205376", "<number>"),
            ("sum", "9f86d081884c7d65", "<hex>"),
            ("x", "id 550e8400-e29b-41d4-a716-446655440000", "id <uuid>"),
        ] {
            assert_eq!(named(line, command), expected);
        }
    }

    #[test]
    fn what_is_stable_is_left_alone() {
        for (command, line) in [
            ("AT", "OK"),
            ("AT+CGMR", "AirM2M_V5664_AT_S_SSL"),
            ("AT+CREG?", "+CREG: 0,1"),
            ("ATI", "Revision: 1418B05SIM800L24"),
            ("AT+GMR", "AT version:2.2.0.0(b097cdf)"),
            ("ATI", "version 1.2.3.4"),
            ("6*7", "42"),
            ("echo 123456789", "123456789"),
            ("ATZ", "ELM327 v1.5"),
            ("x", "+CME ERROR: 10"),
            ("ver", "2.10"),
            ("ver", "2.10 stable 1.5"),
            ("add 1.5 2.5", "1.5 2.5"),
            ("x", "1/2 3/4"),
            ("version", "U-Boot 2023.01 (Jun 22 2026 - 08:38:07 +0000)"),
            ("AT+GMR", "compile time:Jun 15 2023 08:38:07"),
            ("md.l 40000000", "40000000: edfe0dd0 00001000 40000000 4c1b0000  ............@...L"),
            ("x", "counter 00001000"),
        ] {
            assert_eq!(named(line, command), line);
        }
    }
}
