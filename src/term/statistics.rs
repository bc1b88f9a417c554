//! `Statistics`: what went over the line in a session, and the text that says so.

use crate::time::{Moment, show_duration};

/// What went over the line.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    n_received: u64,
    n_sent: u64,
    n_lines: u64,
    n_away: u64,
    opened: Option<Moment>,
    n_lost: u64,
}

impl Statistics {
    pub(crate) fn received(&mut self, bytes: &[u8]) {
        self.n_received += bytes.len() as u64;
        self.n_lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    }

    pub(crate) fn sent(&mut self, bytes: &[u8]) {
        self.n_sent += bytes.len() as u64;
    }

    /// Takes note that bytes came that were not shown, for there was no room to hold them back.
    pub(crate) fn not_shown(&mut self, n: usize) {
        self.n_lost += n as u64;
    }

    pub(crate) fn opened(&mut self, now: Moment) {
        self.opened = Some(now);
    }

    pub(crate) fn went_away(&mut self) {
        self.n_away += 1;
        self.opened = None;
    }

    /// Returns what is to be said of all that.
    pub(crate) fn lines(&self, now: Moment) -> Vec<String> {
        let since = now.since_start();
        let open = match self.opened {
            Some(at) => format!("open for {}", show_duration(whole_seconds(now.since(at)))),
            None => "not open".to_string(),
        };
        let per_second = (self.n_received as f64 / since.as_secs_f64().max(0.001)).round();
        let mut lines = vec![
            format!("received {} bytes in {} lines, {per_second} bytes a second", self.n_received, self.n_lines),
            format!("sent {} bytes", self.n_sent),
            format!("the port is {open}; it went away {} times", self.n_away),
        ];
        if self.n_lost > 0 {
            lines.push(format!("{} bytes were not shown", self.n_lost));
        }
        lines
    }
}

fn whole_seconds(span: std::time::Duration) -> std::time::Duration {
    std::time::Duration::from_secs(span.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted() {
        let mut statistics = Statistics::default();
        statistics.opened(Moment::START);
        statistics.sent(b"AT\r");
        statistics.received(b"\r\nOK\r\n");
        assert_eq!(
            statistics.lines(Moment::from_millis(2000)),
            [
                "received 6 bytes in 2 lines, 3 bytes a second",
                "sent 3 bytes",
                "the port is open for 2s; it went away 0 times"
            ]
        );
    }
}
