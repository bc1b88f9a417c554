//! What comes becomes UTF-8 before it is looked at, where the line has another encoding.

use super::Sight;
use crate::time::Moment;
use crate::value::encoding::{Decoding, Encoding};

impl Sight {
    /// Takes bytes in, as they stand on the line. Returns how many unclaimed lines had to be forgotten since it was asked last.
    pub(in crate::engine) fn receive(&mut self, bytes: &[u8], encoding: Option<Encoding>, now: Moment) -> usize {
        let Some(encoding) = encoding else {
            let rest = self.decoding.take().map_or(Vec::new(), |mut decoding| decoding.finish());
            let lost = if rest.is_empty() { 0 } else { self.inbox.receive(&rest, now) };
            return lost + self.inbox.receive(bytes, now);
        };
        let mut text = Vec::new();
        if self.decoding.as_ref().is_none_or(|decoding| decoding.encoding() != encoding)
            && let Some(mut last) = self.decoding.replace(Decoding::new(encoding))
        {
            text = last.finish();
        }
        text.extend(self.decoding.as_mut().map_or(Vec::new(), |decoding| decoding.decode(bytes)));
        if text.is_empty() { 0 } else { self.inbox.receive(&text, now) }
    }

    /// Takes in the beginning of a character whose rest does not come.
    pub(in crate::engine) fn take_half(&mut self) {
        let half = self.decoding.as_mut().map_or(Vec::new(), Decoding::finish);
        if !half.is_empty() {
            let at = self.inbox.last_arrival();
            self.inbox.receive(&half, at);
        }
    }
}
