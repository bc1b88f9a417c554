//! `Batch`: several ports that are ready at once are read in turn, then their runs go on, then they are written to.
//!
//! This is for speed only: each port could be read, gone on with and written to before the next is looked at. A processor
//! has little room for the code at hand, and the three would push each other out of it at each port; and writes that are
//! close to each other find the system already carrying bytes, which it otherwise has to begin for each. Without it 64
//! ports take 22 % more of the processor (W5 of the yardstick, 12 interleaved rounds of one binary on a quiet machine; nine
//! of ten resamples lie between 11 and 36 %; 13 to 16 % in 61 rounds on a busy one). Holding writes back ([`Holding`])
//! gives 14 to 16 % of that, between 4 and 30 %. At 256 ports neither can be told from the noise. Whoever takes it out
//! calls `look`, `take` and `go_on` for each port in `Fleet::wake`, and this file and `holding.rs` go.
//!
//! [`Holding`]: super::holding::Holding

use std::ops::Range;

use super::member::{Member, Stand};
use crate::port::Happening;
use crate::time::Moment;
use crate::transport::effort::Round;
use crate::transport::watched::Ready;
use crate::world::World;

/// How many ports are in one batch: the first port must not wait long for the last, and each is to be written to before
/// what was read of it is stale (50 µs, see `Line`), for it would be read again. With 64 in a batch 256 ports take 13 %
/// more of the processor (6 interleaved rounds on a quiet machine); 64 ports take the same.
pub(super) const AT_ONCE: usize = 16;

/// The ports that are gone on with just now.
pub(super) struct Batch {
    /// What came from them, one port after the other.
    received: Vec<u8>,
    /// [`AT_ONCE`] at most.
    seen: Vec<Seen>,
}

/// What was seen of one port.
struct Seen {
    index: usize,
    /// What its run has not been told yet.
    told: Option<(Moment, Happening)>,
    /// Where its bytes are in [`Batch::received`].
    bytes: Range<usize>,
    /// Whether the run is to go on now.
    goes_on: bool,
}

impl Batch {
    /// Makes an empty batch.
    pub(super) fn new() -> Batch {
        Batch { received: Vec::with_capacity(16 * 1024), seen: Vec::with_capacity(AT_ONCE) }
    }

    /// Takes as many ports as go into one batch and lets their runs go on until all of them wait or have ended; returns
    /// the numbers of those ports. Ports whose run does not wait are left out.
    pub(super) fn turn(
        &mut self,
        members: &mut [Member<'_>],
        found: &mut impl Iterator<Item = (usize, Ready)>,
        now: Moment,
        round: &Round,
    ) -> impl Iterator<Item = usize> {
        self.read(members, found.take(AT_ONCE), now, round);
        loop {
            self.go_on(members, round);
            if !self.write(members) {
                break;
            }
        }
        self.seen.iter().map(|seen| seen.index)
    }

    /// Reads the ports of those runs that wait.
    fn read(
        &mut self,
        members: &mut [Member<'_>],
        found: impl Iterator<Item = (usize, Ready)>,
        now: Moment,
        round: &Round,
    ) {
        self.seen.clear();
        self.received.clear();
        for (index, found) in found {
            let member = &mut members[index];
            let Stand::Waiting(until) = member.stand else { continue };
            let begin = self.received.len();
            member.port.watched().found(found);
            let told = match member.port.watched().look(until, &mut self.received) {
                None if until.is_some_and(|until| until <= now) => Some((now, Happening::Nothing)),
                told => told,
            };
            if let Some((now, _)) = &told {
                member.backlog.note(self.received.len() - begin, *now, round);
            }
            self.seen.push(Seen { index, told, bytes: begin..self.received.len(), goes_on: true });
        }
    }

    /// Goes on with the runs that are to go on.
    fn go_on(&mut self, members: &mut [Member<'_>], round: &Round) {
        for seen in self.seen.iter_mut().filter(|seen| seen.goes_on) {
            let member = &mut members[seen.index];
            if let Some((now, happening)) = seen.told.take() {
                member.session.take(now, happening, &self.received[seen.bytes.clone()]);
            }
            member.go_on(&mut self.received, round);
        }
    }

    /// Writes what the runs hold, which are to go on then; returns whether there was anything.
    fn write(&mut self, members: &mut [Member<'_>]) -> bool {
        let mut any = false;
        for seen in &mut self.seen {
            let member = &mut members[seen.index];
            seen.goes_on = member.write_held();
            if seen.goes_on {
                let begin = self.received.len();
                seen.told = member.port.news(&mut self.received);
                seen.bytes = begin..self.received.len();
                any = true;
            }
        }
        any
    }
}
