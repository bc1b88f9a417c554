//! `transfers`: a recording in which a file that went over the line by XMODEM or YMODEM is one note, in place of its blocks.

use crate::record::{Entry, EntryKind, Piece, Recording};
use crate::replay::Transfer;

const SOH: u8 = 1;
const STX: u8 = 2;
const EOT: u8 = 4;
const ACK: u8 = 6;
const NAK: u8 = 0x15;
const CAN: u8 = 0x18;
/// A receiver asks for blocks with a CRC.
const ASK: u8 = b'C';

/// Returns the recording with a note for each file.
pub(super) fn transfers(recording: &Recording) -> Recording {
    let all = &recording.entries;
    let mut entries: Vec<Entry> = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let found = if begins_block(&all[at]) && is_sent(&all[at]) {
            read(&all[at..], true)
        } else if asks(&all[at]) && all[at + 1..].iter().find(|entry| !asks(entry)).is_some_and(begins_block) {
            read(&all[at..], false)
        } else {
            None
        };
        let Some(Found { transfer, n, rest }) = found else {
            entries.push(all[at].clone());
            at += 1;
            continue;
        };
        if transfer.is_sent {
            take_question_out(&mut entries);
        }
        let first = &all[at];
        entries.push(Entry { kind: EntryKind::Note { text: transfer.text() }, ..first.clone() });
        let last = &all[at + n - 1];
        if !rest.is_empty() {
            entries.push(Entry { kind: EntryKind::Received { bytes: vec![Piece::Bytes(rest)] }, ..last.clone() });
        }
        at += n;
    }
    Recording { entries, ..recording.clone() }
}

/// A file that was found.
struct Found {
    transfer: Transfer,
    /// How many entries it takes.
    n: usize,
    /// What came behind it in the last of them.
    rest: Vec<u8>,
}

fn bytes_of(entry: &Entry) -> Option<&[u8]> {
    match &entry.kind {
        EntryKind::Sent { bytes, .. } | EntryKind::Received { bytes } => match &bytes[..] {
            [Piece::Bytes(bytes)] => Some(bytes),
            _ => None,
        },
        EntryKind::Opened { .. } | EntryKind::Note { .. } | EntryKind::Closed => None,
    }
}

fn is_sent(entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Sent { .. })
}

fn begins_block(entry: &Entry) -> bool {
    bytes_of(entry).is_some_and(|bytes| bytes.len() > 2 && matches!(bytes[0], SOH | STX) && bytes[1] == !bytes[2])
}

/// Whether the flow asks for a file.
fn asks(entry: &Entry) -> bool {
    is_sent(entry) && matches!(bytes_of(entry), Some([ASK | NAK]))
}

/// Takes what a device asks with out of the end of what came.
fn take_question_out(entries: &mut Vec<Entry>) {
    while let Some(Entry { kind: EntryKind::Received { bytes }, .. }) = entries.last_mut()
        && let [Piece::Bytes(bytes)] = &mut bytes[..]
    {
        let n = bytes.iter().rposition(|byte| !matches!(*byte, ASK | NAK)).map_or(0, |at| at + 1);
        let is_all = n == 0;
        bytes.truncate(n);
        if !is_all {
            return;
        }
        entries.pop();
    }
}

/// Reads a file at the beginning of some entries.
fn read(entries: &[Entry], is_sent_by_flow: bool) -> Option<Found> {
    let has_crc =
        entries.iter().take_while(|entry| !is_sent_by_flow && asks(entry)).all(|entry| bytes_of(entry) == Some(&[ASK]));
    let mut reader = Reader { has_crc, ..Reader::default() };
    let (mut n, mut rest) = (0_usize, Vec::new());
    for entry in entries {
        let Some(bytes) = bytes_of(entry) else { break };
        if is_sent(entry) == is_sent_by_flow {
            reader.buffer.extend_from_slice(bytes);
            if is_sent_by_flow && reader.has_begun_one_of(bytes.len()) {
                reader.has_crc = bytes.len() != 132;
            }
            reader.takes();
            if !reader.buffer.is_empty() && reader.is_over {
                // What is no block stands behind the end.
                if !is_sent_by_flow {
                    rest = std::mem::take(&mut reader.buffer);
                    n += 1;
                }
                break;
            }
        } else if !bytes.iter().all(|byte| matches!(*byte, ACK | NAK | CAN | ASK)) {
            let n_control = bytes.iter().take_while(|byte| matches!(**byte, ACK | NAK | CAN)).count();
            if is_sent_by_flow && reader.is_over && n_control > 0 {
                rest = bytes[n_control..].to_vec();
                n += 1;
            }
            break;
        }
        n += 1;
    }
    let last = entries.get(n.checked_sub(1)?)?;
    let took = last.at.since(entries.first()?.at);
    let transfer = reader.transfer(is_sent_by_flow, took)?;
    Some(Found { transfer, n, rest })
}

/// Takes blocks out of bytes.
#[derive(Debug, Default)]
struct Reader {
    has_crc: bool,
    buffer: Vec<u8>,
    /// Number and data.
    blocks: Vec<(u8, Vec<u8>)>,
    is_over: bool,
}

impl Reader {
    /// Whether a block of this length is the first.
    fn has_begun_one_of(&self, n: usize) -> bool {
        self.blocks.is_empty() && matches!(n, 132 | 133 | 1028 | 1029)
    }

    fn takes(&mut self) {
        loop {
            let length = match self.buffer.first() {
                Some(&EOT) => {
                    self.is_over = true;
                    self.buffer.remove(0);
                    continue;
                }
                Some(&SOH) => 128,
                Some(&STX) => 1024,
                Some(_) | None => return,
            };
            let whole = 3 + length + if self.has_crc { 2 } else { 1 };
            if self.buffer.len() < whole || self.buffer[1] != !self.buffer[2] {
                return;
            }
            let number = self.buffer[1];
            let data = self.buffer[3..3 + length].to_vec();
            self.buffer.drain(..whole);
            // One that was sent again is the same.
            if !self.is_over && self.blocks.last().is_none_or(|(last, _)| *last != number) {
                self.blocks.push((number, data));
            }
        }
    }

    fn transfer(mut self, is_sent: bool, took: std::time::Duration) -> Option<Transfer> {
        if !self.is_over || self.blocks.is_empty() {
            return None;
        }
        let is_long = self.blocks.iter().any(|(_, data)| data.len() > 128);
        let head = if self.blocks[0].0 == 0 { Some(self.blocks.remove(0).1) } else { None };
        let mut content: Vec<u8> = self.blocks.into_iter().flat_map(|(_, data)| data).collect();
        let (protocol, name) = match head {
            Some(head) => {
                let mut words = head.split(|byte| *byte == 0).map(String::from_utf8_lossy);
                let name = words.next().unwrap_or_default().into_owned();
                let size = words.next().and_then(|rest| rest.split(' ').next().and_then(|size| size.parse().ok()));
                content.truncate(size.unwrap_or(content.len()));
                ("ymodem", name)
            }
            None => {
                let n = content.iter().rposition(|byte| *byte != 0x1a).map_or(0, |at| at + 1);
                content.truncate(n);
                let protocol = match (is_long, self.has_crc) {
                    (true, _) => "xmodem_1k",
                    (false, true) => "xmodem_crc",
                    (false, false) => "xmodem",
                };
                (protocol, String::new())
            }
        };
        Some(Transfer { is_sent, protocol: protocol.to_string(), took, name, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u8, text: &str) -> String {
        let data: String =
            text.chars().chain("\u{1a}".chars().cycle()).take(128).map(|c| format!("\\x{:02x}", c as u32)).collect();
        format!("\\x01\\x{number:02x}\\x{:02x}{data}\\x00\\x00", !number)
    }

    /// Returns the recording of what is sent (`>`) and comes (`<`), with notes for files.
    fn noted(happened: &[(&str, String)]) -> Vec<String> {
        let mut text = "flowrun recording 2\ntitle \"t\"\nseed 1\nbegun 1\n".to_string();
        for (i, (sign, bytes)) in happened.iter().enumerate() {
            let took = if *sign == ">" { " +0.000000000" } else { "" };
            text += &format!("{i}.000000000 {sign}{took} \"{bytes}\"\n");
        }
        let made = transfers(&Recording::read(&text).expect("it is right")).render();
        let line = |line: &str| line.split_once(' ').map(|(_, what)| what.replace("+0.000000000 ", ""));
        made.lines().skip(4).filter_map(line).collect()
    }

    #[test]
    fn a_file_is_one_note_and_what_stands_around_it_stays() {
        let text = |text: &str| text.to_string();
        let sent = [
            ("<", text("ready\\r\\nC")),
            (">", block(1, "one")),
            ("<", text("\\x15")),
            (">", block(1, "one")),
            ("<", text("\\x06")),
            (">", text("\\x04")),
            ("<", text("\\x06done\\r\\n")),
            (">", text("go\\r")),
        ];
        let note = "note transfer send xmodem_crc 5000 - -6f6e65";
        assert_eq!(noted(&sent), ["< \"ready\\r\\n\"", note, "< \"done\\r\\n\"", "> \"go\\r\""]);
        let silent = [
            ("<", text("C")),
            (">", block(1, "one")),
            ("<", text("\\x06")),
            (">", text("\\x04")),
            ("<", text("\\x06")),
            (">", text("go\\r")),
        ];
        assert_eq!(noted(&silent), ["note transfer send xmodem_crc 3000 - -6f6e65", "> \"go\\r\""]);
        let received = [
            (">", text("C")),
            ("<", block(0, "a.log\u{0}3 0\u{0}")),
            (">", text("\\x06C")),
            ("<", block(1, "one")),
            (">", text("\\x06")),
            ("<", text("\\x04")),
            (">", text("\\x06C")),
            ("<", block(0, "\u{0}")),
            (">", text("\\x06")),
            ("<", text("OK\\r\\n")),
        ];
        assert_eq!(noted(&received), ["note transfer receive ymodem 9000 -612e6c6f67 -6f6e65", "< \"OK\\r\\n\""]);
    }

    #[test]
    fn a_file_that_does_not_end_stays_as_it_is() {
        let cut = [("<", "C".to_string()), (">", block(1, "one")), ("<", "\\x06".to_string())];
        assert!(noted(&cut).iter().all(|line| !line.starts_with("note")), "{:?}", noted(&cut));
    }
}
