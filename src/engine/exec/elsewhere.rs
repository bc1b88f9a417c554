//! `Elsewhere`: what a wait looks for on other ports than its own, and which of them comes first.

use super::wait::{Wait, WaitKind};
use super::watch::Filter;
use crate::engine::look::offset::Offset;
use crate::engine::look::{Order, Seen, Wanted, Watching};
use crate::engine::port::Ports;
use crate::engine::{Engine, REACH, State};
use crate::event::Failure;
use crate::pattern::Pattern;
use crate::port::PortId;
use crate::program::{Expect, PatternSpec};
use crate::source::Site;
use crate::time::{Moment, earlier};

/// What a wait looks for on another port than its own.
#[derive(Debug)]
pub(in crate::engine) struct Elsewhere {
    /// The port.
    pub port: PortId,
    /// What is looked for there: the patterns have the places of their arms, and those of other ports are `None`.
    pub wanted: Wanted,
    /// What finds the first interesting line of many there.
    pub filter: Filter,
    /// Where the input ended at the end of the wait, if a handler ran then: what came later is too late.
    pub cut: Option<Offset>,
}

impl Elsewhere {
    /// Whether something is still awaited here.
    pub(in crate::engine) fn is_open(&self) -> bool {
        self.wanted.patterns.iter().any(Option::is_some)
    }
}

impl Wait {
    /// Returns the ports that it looks at, its own first.
    pub(in crate::engine) fn ports(&self) -> impl Iterator<Item = PortId> {
        std::iter::once(self.port).chain(self.elsewhere.iter().map(|other| other.port))
    }

    /// Whether it looks at a port.
    pub(in crate::engine) fn is_on(&self, port: PortId) -> bool {
        self.port == port || self.elsewhere.iter().any(|other| other.port == port)
    }

    /// Whether it cannot go on without a port: something is awaited there.
    pub(in crate::engine) fn needs(&self, port: PortId) -> bool {
        if let Some(other) = self.elsewhere.iter().find(|other| other.port == port) {
            return other.is_open();
        }
        let has_own = || self.kind.wanted().is_none_or(|wanted| wanted.patterns.iter().any(Option::is_some));
        self.port == port && (self.elsewhere.is_empty() || has_own())
    }

    /// Returns what is looked for on a port.
    pub(in crate::engine) fn wanted_on(&mut self, port: PortId) -> Option<&mut Wanted> {
        match self.elsewhere.iter_mut().find(|other| other.port == port) {
            Some(other) => Some(&mut other.wanted),
            None => self.kind.wanted_mut(),
        }
    }

    /// Returns the patterns that are looked for on a port, as written.
    pub(super) fn specs_on(&self, port: PortId) -> impl Iterator<Item = &PatternSpec> {
        let arms = match &self.kind {
            WaitKind::Patterns { expect, .. } => expect.arms.as_slice(),
            WaitKind::Absence { .. }
            | WaitKind::Quiet { .. }
            | WaitKind::Input { .. }
            | WaitKind::Count { .. }
            | WaitKind::Silence { .. }
            | WaitKind::Until { .. } => &[],
        };
        let is_elsewhere = move |place: usize| arms.get(place).is_some_and(|arm| arm.port.unwrap_or(self.port) != port);
        self.kind.specs().into_iter().enumerate().filter(move |(i, _)| !is_elsewhere(*i)).map(|(_, spec)| spec)
    }

    /// Returns what finds the first interesting line of many on a port.
    pub(super) fn filter_on(&mut self, port: PortId) -> &mut Filter {
        match self.elsewhere.iter_mut().find(|other| other.port == port) {
            Some(other) => &mut other.filter,
            None => &mut self.filter,
        }
    }

    /// Takes note where the input of a port ends: the deadline is over.
    pub(in crate::engine) fn cut(&mut self, port: PortId, end: Offset) {
        if let Some(other) = self.elsewhere.iter_mut().find(|other| other.port == port) {
            other.cut.get_or_insert(end);
        } else if self.port == port {
            self.cut.get_or_insert(end);
        }
    }

    /// Whether what ends here on a port came after the wait's deadline, while a handler ran.
    pub(super) fn is_past(&self, port: PortId, end: Offset) -> bool {
        let cut = match self.elsewhere.iter().find(|other| other.port == port) {
            Some(other) => other.cut,
            None => self.cut,
        };
        cut.is_some_and(|cut| end > cut)
    }

    /// Returns the next moment at which this must be looked at again because of another port than its own.
    pub(super) fn next_elsewhere(&self, ports: &Ports) -> Option<Moment> {
        let next = |other: &Elsewhere| {
            let port = &ports[other.port];
            earlier(port.settles_at(Some(&other.wanted)), port.lets_go_at())
        };
        self.elsewhere.iter().filter_map(next).min()
    }

    /// Returns the patterns that are still awaited, on whichever port.
    pub(in crate::engine) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let own = self.kind.wanted().into_iter();
        let all = own.chain(self.elsewhere.iter().map(|other| &other.wanted));
        all.flat_map(|wanted| wanted.patterns.iter().flatten())
    }
}

impl Engine {
    /// Returns what an `expect` looks for on other ports than the current one.
    pub(super) fn elsewhere(&mut self, expect: &Expect, site: Site) -> Result<Vec<Elsewhere>, Box<Failure>> {
        let mut elsewhere: Vec<Elsewhere> = Vec::new();
        for (i, arm) in expect.arms.iter().enumerate() {
            let Some(port) = arm.port.filter(|port| *port != self.flow.port) else { continue };
            self.is_there(port, site)?;
            let pattern = self.ready(&arm.pattern)?;
            if let Some(other) = elsewhere.iter_mut().find(|other| other.port == port) {
                other.wanted.patterns[i] = Some(pattern);
                continue;
            }
            let mut patterns = vec![None; expect.arms.len()];
            patterns[i] = Some(pattern);
            let wanted = self.ports[port].sight.want(patterns, expect.scope);
            let filter = Filter::begin(&self.ports[port].sight);
            elsewhere.push(Elsewhere { port, wanted, filter, cut: None });
        }
        // What is known of the patterns is known when all are there.
        for other in &mut elsewhere {
            let patterns = std::mem::take(&mut other.wanted.patterns);
            other.wanted = self.ports[other.port].sight.want(patterns, expect.scope);
            self.ports[other.port].sight.note_wait();
        }
        Ok(elsewhere)
    }

    /// Looks at ports on which something came at one moment, or that were quiet at one, or on which something was there when
    /// a wait began: what is awaited first, in the order of the arms, then what the watchers of other ports see.
    pub(in crate::engine) fn look_at_all(&mut self, ports: &mut [PortId]) {
        if let ([_, _, ..], State::Waiting(wait)) = (&*ports, &self.state) {
            let own: Vec<PortId> = ports.iter().copied().filter(|port| wait.is_on(*port)).collect();
            let first_arms: Vec<usize> = match own.as_slice() {
                [] | [_] => own.iter().map(|_| 0).collect(),
                several => several.iter().map(|port| self.first_arm(*port)).collect(),
            };
            let rank = |port: &PortId| own.iter().position(|own| own == port).map_or(usize::MAX, |i| first_arms[i]);
            ports.sort_by_key(rank);
        }
        for port in ports {
            self.look_at(*port);
        }
    }

    /// Returns the arm that a look at a port would find; that of no arm is beyond all arms.
    fn first_arm(&mut self, port: PortId) -> usize {
        let nothing = usize::MAX - 1;
        let State::Waiting(mut wait) = std::mem::replace(&mut self.state, State::Ready) else { return nothing };
        let Some(watched) = self.take_watched(port) else { return nothing };
        let (watchers, sieve) = (watched.patterns.as_slice(), watched.sieve());
        let order = Order::Earliest;
        let watching = Watching { watchers, sieve, prefilter: None, sees_unwanted: false, order };
        let silence = self.ports[port].silence();
        let mut sight = self.ports[port].sight.clone();
        let mut wanted = wait.wanted_on(port).cloned();
        let seen = sight.look(wanted.as_mut(), watching, silence);
        self.ports[port].watched = Some(watched);
        self.state = State::Waiting(wait);
        match seen {
            Seen::Wanted { arm, .. } => arm,
            Seen::Nothing | Seen::Held | Seen::Unwanted { .. } | Seen::Watched { .. } => nothing,
        }
    }

    /// Ends a moment in which something came on several ports, or may have: now it is known what did.
    pub(in crate::engine) fn end_moment(&mut self) {
        let mut came = self.ports.take_fresh();
        if let [port] = came.as_slice() {
            self.look_at(*port);
        } else {
            self.look_at_all(&mut came);
            // In their order, whichever was looked at first.
            came.sort_unstable();
        }
        for port in came.iter().copied() {
            if self.ports[port].sight.inbox.n_held() > REACH {
                self.make_room(port);
            }
        }
        self.ports.keep_fresh(came);
        for (port, reason) in self.ports.take_closing() {
            self.gone(port, reason);
        }
    }
}
