//! `Cable`: whether the port is there, as the fault `unplug` has it.

use std::time::Duration;

use crate::settings::LineSettings;
use crate::time::Moment;

/// When the port goes away and comes back.
#[derive(Debug, Default)]
pub(super) struct Cable {
    /// When it goes, and for how long.
    leaves: Option<(Moment, Duration)>,
    /// When it is back; `None` while it is there.
    back: Option<Moment>,
    /// With which settings the host opens it as soon as it is back.
    wanted: Option<LineSettings>,
}

impl Cable {
    /// Plans that it goes away, if it is there.
    pub(super) fn pull_at(&mut self, at: Moment, lasting: Duration) {
        if self.back.is_none() {
            self.leaves = Some((at, lasting));
        }
    }

    /// Returns for how long it goes away now, once.
    pub(super) fn pulled(&mut self, now: Moment) -> Option<Duration> {
        let (_, lasting) = self.leaves.take_if(|(at, _)| *at <= now)?;
        Some(lasting)
    }

    /// Takes note that it is away until a moment.
    pub(super) fn leave(&mut self, until: Moment) {
        *self = Cable { leaves: None, back: Some(until), wanted: None };
    }

    /// Whether it is away.
    pub(super) fn is_away(&self) -> bool {
        self.back.is_some()
    }

    /// Takes note of what the host wants as soon as it is back; `None` is nothing.
    pub(super) fn want(&mut self, settings: Option<LineSettings>) {
        self.wanted = settings;
    }

    /// Lets it be there again if its time has come; returns with which settings the host opens it then.
    pub(super) fn plugged(&mut self, now: Moment) -> Option<LineSettings> {
        self.back.take_if(|at| *at <= now)?;
        self.wanted.take()
    }

    /// Returns when it goes or comes next.
    pub(super) fn next(&self) -> Option<Moment> {
        self.leaves.map(|(at, _)| at).into_iter().chain(self.back).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn it_goes_at_its_moment_and_is_opened_when_it_is_back() {
        let at = Moment::from_millis;
        let mut cable = Cable::default();
        cable.pull_at(at(5), Duration::from_millis(10));
        assert_eq!((cable.next(), cable.pulled(at(4))), (Some(at(5)), None));
        assert_eq!(cable.pulled(at(5)), Some(Duration::from_millis(10)));
        cable.leave(at(15));
        cable.pull_at(at(8), Duration::ZERO);
        assert!(cable.is_away() && cable.next() == Some(at(15)), "what is away cannot go");
        cable.want(Some(Settings::default().line));
        assert_eq!(cable.plugged(at(14)), None);
        assert!(cable.plugged(at(15)).is_some() && !cable.is_away());
    }

    #[test]
    fn nobody_opens_what_nobody_wants() {
        let mut cable = Cable::default();
        cable.leave(Moment::from_millis(15));
        assert_eq!(cable.plugged(Moment::from_millis(15)), None);
        assert!(!cable.is_away());
    }
}
