//! What two sides of a line hear of each other whose settings differ.

use super::LineSettings;

/// Returns whether two sides understand each other: a UART tolerates some 3 percent.
pub fn agree(a: &LineSettings, b: &LineSettings) -> bool {
    let (fast, slow) = (a.baud.max(b.baud), a.baud.min(b.baud));
    u64::from(fast - slow) * 100 <= u64::from(fast) * 3 && a.data_bits == b.data_bits && a.parity == b.parity
}

/// Returns what bytes become at the wrong speed: about as many as fit into the same time, none of them text.
pub fn garble(bytes: &[u8], heard_at: &LineSettings, sent_at: &LineSettings) -> Vec<u8> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let length = (bytes.len() as u64 * u64::from(heard_at.baud) / u64::from(sent_at.baud.max(1)))
        .clamp(1, 4 * bytes.len() as u64);
    (0..length).map(|i| bytes[(i as usize) % bytes.len()].rotate_left(3) | 0x80).collect()
}
