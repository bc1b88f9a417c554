//! `Joined`: input as lines that do not depend on how the system cut it into reads.
//!
//! Input is gathered until something else happens. Line ends with no text after them stay: they belong to the next text,
//! whether they came with the text before them or later. At the end of the run they are left out.

use super::lines::lines;
use crate::port_id::PortId;

/// Input that is not shown yet.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// By the number of the port.
    ports: Vec<Vec<u8>>,
}

impl Joined {
    /// Takes input of a port.
    pub(super) fn take(&mut self, port: PortId, bytes: &[u8]) {
        let index = port.index();
        if self.ports.len() <= index {
            self.ports.resize_with(index + 1, Vec::new);
        }
        self.ports[index].extend_from_slice(bytes);
    }

    /// Returns the input up to the end of the last line with text in it, of one port after the other.
    pub(super) fn texts(&mut self) -> Vec<(PortId, Vec<u8>)> {
        let texts = self.ports.iter_mut().enumerate().filter_map(|(i, bytes)| {
            let rest = bytes.split_off(text_end(bytes));
            Some((PortId::new(i)?, std::mem::replace(bytes, rest)))
        });
        texts.filter(|(_, text)| !text.is_empty()).collect()
    }

    /// Returns all input of a port.
    pub(super) fn all(&mut self, port: PortId) -> Vec<u8> {
        self.ports.get_mut(port.index()).map(std::mem::take).unwrap_or_default()
    }
}

/// Returns where the last line with text in it ends.
fn text_end(bytes: &[u8]) -> usize {
    let is_text = |line: &&[u8]| line.iter().any(|byte| !matches!(byte, b'\r' | b'\n'));
    lines(bytes).take_while(is_text).map(<[u8]>::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_stay_until_a_text_follows() {
        let mut joined = Joined::default();
        let mut take = |text: &str| {
            joined.take(PortId::FIRST, text.as_bytes());
            joined.texts().iter().map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect::<String>()
        };
        assert_eq!(take("a\r\n\r\nb\r\n\r\n"), "a\r\n\r\nb\r\n");
        assert_eq!(take("\r"), "");
        assert_eq!(take("\nc"), "\r\n\r\nc");
        assert_eq!(take("\r\nd\r\n"), "\r\nd\r\n");
    }

    #[test]
    fn each_port_has_lines_of_its_own() {
        let second = PortId::new(1).expect("it is a small number");
        let mut joined = Joined::default();
        joined.take(second, b"b\r\n");
        joined.take(PortId::FIRST, b"a");
        joined.take(second, b"\r\n");
        assert_eq!(joined.texts(), [(PortId::FIRST, b"a".to_vec()), (second, b"b\r\n".to_vec())]);
        assert_eq!((joined.all(PortId::FIRST), joined.all(second)), (Vec::new(), b"\r\n".to_vec()));
    }
}
