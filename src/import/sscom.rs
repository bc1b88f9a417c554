//! The list of strings of SSCOM, which is in its settings: `N101=order,name,delay` and `N1=A,text` or `N1=H,hex`.

use std::collections::BTreeMap;

use super::model::{Script, What};
use super::text::{from_hex, hex_literal, is_binary, millis, quoted, title};

/// Where the settings begin, behind the strings.
const SETTINGS: u32 = 1000;

/// An entry of the list.
#[derive(Clone, Debug, Default)]
struct Entry {
    line: usize,
    text: String,
    is_hex: bool,
    name: String,
    /// Its place when the list is sent by itself; 0 if it takes no part.
    order: u64,
    /// In milliseconds.
    delay: u64,
}

/// Returns the statements of a list.
pub(super) fn read(text: &str) -> Script {
    let mut script = Script::default();
    let mut entries: BTreeMap<u32, Entry> = BTreeMap::new();
    let mut settings: BTreeMap<u32, (usize, String)> = BTreeMap::new();
    for (n, line) in text.lines().enumerate() {
        let number = n + 1;
        let line = line.trim_end();
        if line.trim().is_empty() || line.starts_with([';', '[']) {
            continue;
        }
        let parsed = line.strip_prefix('N').and_then(|rest| rest.split_once('='));
        let Some((Ok(key), value)) = parsed.map(|(key, value)| (key.parse::<u32>(), value)) else {
            script.lost(number, line, "it is not an entry of the list");
            continue;
        };
        match key {
            SETTINGS.. => {
                settings.insert(key, (number, value.trim_start_matches(',').to_string()));
            }
            // A list has at most 99 strings in old versions; the names of longer lists follow the strings.
            100.. => named(entries.entry(key - 100).or_default(), value),
            _ => sent(entries.entry(key).or_default(), number, value),
        }
    }
    let ends_lines = settings.get(&1057).is_some_and(|(_, value)| value == "Y");
    script.settings = line_settings(&settings);
    if ends_lines {
        script.settings.push("eol \"\\r\\n\"".to_string());
    }
    if let Some((_, value)) = settings.get(&1060).filter(|(_, value)| !matches!(value.as_str(), "0" | "")) {
        let kind = match value.as_str() {
            "1" => "crc16_modbus",
            "2" => "sum8",
            _ => "xor8",
        };
        script.note(&format!("SSCOM adds a checksum to each string: {kind}(…) makes it here."));
    }
    let mut list: Vec<Entry> = entries.into_values().filter(|entry| entry.line > 0 && !entry.text.is_empty()).collect();
    if list.iter().any(|entry| entry.order > 0) {
        // The strings that take part come in their order; the others follow.
        list.sort_by_key(|entry| if entry.order == 0 { u64::MAX } else { entry.order });
    }
    if !list.is_empty() {
        script.note("SSCOM waits for no answers: put an `expect` where the device answers.");
    }
    statements(&mut script, &list, ends_lines);
    script
}

fn named(entry: &mut Entry, value: &str) {
    let mut parts = value.splitn(3, ',');
    entry.order = parts.next().and_then(|order| order.trim().parse().ok()).unwrap_or(0);
    entry.name = parts.next().unwrap_or_default().trim().to_string();
    entry.delay = parts.next().and_then(|delay| delay.trim().parse().ok()).unwrap_or(0);
}

fn sent(entry: &mut Entry, line: usize, value: &str) {
    let (kind, text) = value.split_once(',').unwrap_or(("A", value));
    entry.line = line;
    entry.is_hex = kind.trim().eq_ignore_ascii_case("H");
    entry.text = text.to_string();
}

fn line_settings(settings: &BTreeMap<u32, (usize, String)>) -> Vec<String> {
    let baud = settings.get(&1081).and_then(|(_, value)| value.trim().parse::<u32>().ok());
    let switch =
        |key: u32, name: &str| settings.get(&key).filter(|(_, value)| value == "Y").map(|_| format!("{name} on"));
    let baud = baud.filter(|baud| *baud > 0 && *baud != 115_200).map(|baud| format!("baud {baud}"));
    [baud, switch(1061, "dtr"), switch(1062, "rts")].into_iter().flatten().collect()
}

fn statements(script: &mut Script, list: &[Entry], ends_lines: bool) {
    for entry in list {
        let bytes = if entry.is_hex { from_hex(&entry.text) } else { Some(entry.text.clone().into_bytes()) };
        let Some(bytes) = bytes else {
            script.lost(entry.line, &entry.text, "it is not a list of hex digits");
            continue;
        };
        let statement = match (entry.is_hex, ends_lines) {
            (false, true) => format!("send {}", quoted(&bytes)),
            (true, _) if is_binary(&bytes) => format!("send raw {}", hex_literal(&bytes)),
            (_, _) => format!("send raw {}", quoted(&bytes)),
        };
        let mut body = vec![script.stmt(entry.line, What::Plain(statement))];
        if !entry.is_hex && ends_lines && entry.text.starts_with("AT") {
            let wait = "expect line \"OK\"  # the list shows no answer".to_string();
            body.push(script.stmt(entry.line, What::Plain(wait)));
        }
        if entry.order > 0 && entry.delay > 1 {
            let pause = script.stmt(entry.line, What::Plain(format!("sleep {}", millis(entry.delay))));
            body.push(pause);
        }
        let has_name = !entry.name.is_empty() && !entry.name.ends_with("无注释");
        if has_name {
            script.push(entry.line, What::Block { head: format!("step {}", title(&entry.name)), body });
        } else {
            script.body.extend(body);
        }
    }
}
