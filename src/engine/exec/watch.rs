//! An engine looks at input: a line goes to the wait or to the watcher that wants it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::wait::{Wait, WaitKind};
use crate::diagnostic::{Code, Label};
use crate::engine::limits::DELIMITED_READ;
use crate::engine::look::echo::Collision;
use crate::engine::look::inbox::Line;
use crate::engine::look::offset::Offset;
use crate::engine::look::sight::Sight;
use crate::engine::look::sight::read::Counted;
use crate::engine::look::{BULK, Order, Seen, Watch, Watching};
use crate::engine::tell::Piece;
use crate::engine::watched::{Active, Values, Watched};
use crate::engine::{Engine, State};
use crate::event::Failure;
use crate::pattern::{Pattern, Prefilter, Sieve};
use crate::port::PortId;
use crate::program::{PatternSource, Program, Reach, Role, Telling, WatcherId, WatcherKind};
use crate::result_codes;
use crate::source::Site;
use crate::value::escape::visible;

/// How many patterns there must be for one search of all in a small read to take less than a search of each.
const MANY: usize = 3;

/// How many watchers there must be for one search of all in a line to take less than a search of each.
const MANY_WATCHERS: usize = 6;

/// How much must have come on a port for such a search to be made.
const WORTH_A_SIEVE: usize = 4096;

/// How much must have come on a port, while the values in its watchers stayed the same, for what finds the first interesting
/// line of many to be made with them.
const WORTH_A_PREFILTER: usize = 16 * 1024;

/// How many sieves are kept for watchers that are set up again.
const MOST_SIEVES: usize = 64;

/// A prefilter, if there can be one, and the edition of the watchers that it was made for.
type Made = (u64, Option<Arc<Prefilter>>);

/// What finds the first interesting line of many for one wait on one of its ports.
#[derive(Debug)]
pub(in crate::engine) struct Filter {
    /// How much had come when the wait began.
    came_before: Offset,
    /// The prefilter and the edition of the watchers that it was made for, once it is worth it.
    made: Option<Made>,
}

impl Filter {
    /// Begins without one.
    pub(super) fn begin(sight: &Sight) -> Filter {
        Filter { came_before: sight.inbox.end(), made: None }
    }
}

/// Prefilters of long waits: they are made once for each statement that waits, as long as the watchers do not change.
#[derive(Debug, Default)]
pub(in crate::engine) struct Prefilters {
    /// With the edition of the watchers.
    by_statement: HashMap<(PortId, Site), Made>,
    /// How many editions of watchers there were.
    n_editions: u64,
    /// Of watchers that are in force together.
    sieves: HashMap<Vec<WatcherId>, Option<Arc<Sieve>>>,
}

impl Prefilters {
    /// Returns the prefilter of a wait on a port, from the patterns as written, so that it holds for each time its statement is
    /// executed there.
    fn of(&mut self, wait: &Wait, port: PortId, watched: &Watched) -> Option<Arc<Prefilter>> {
        let key = (port, wait.site);
        if let Some((edition, made)) = self.by_statement.get(&key)
            && *edition == watched.edition
        {
            return made.clone();
        }
        let make = || {
            let ready = wait.specs_on(port).map(|spec| match &spec.source {
                PatternSource::Ready(pattern) => Some(pattern),
                PatternSource::Text(..) | PatternSource::Regex { .. } => None,
            });
            let ready: Vec<&Pattern> = ready.collect::<Option<_>>()?;
            Prefilter::new(ready.iter().copied().chain(watched.patterns.iter().map(|(pattern, _)| pattern)))
                .map(Arc::new)
        };
        let made = make();
        self.by_statement.insert(key, (watched.edition, made.clone()));
        made
    }

    /// Returns the number of the next edition of watchers.
    fn next_edition(&mut self) -> u64 {
        self.n_editions += 1;
        self.n_editions
    }

    /// Returns the sieve of watchers, from the patterns as written, so that it holds whatever values they have in them.
    fn sieve(&mut self, watched: &Watched, program: &Program) -> Option<Arc<Sieve>> {
        let watchers: Vec<WatcherId> = watched.actives.iter().map(|active| active.watcher).collect();
        if self.sieves.len() >= MOST_SIEVES && !self.sieves.contains_key(&watchers) {
            self.sieves.clear();
        }
        let make = || {
            let is_fixed = |watcher: WatcherId| !program.watchers[watcher].pattern.source.has_values();
            let patterns = watched.patterns.iter().zip(&watched.actives);
            let fixed = patterns.map(|((pattern, _), active)| is_fixed(active.watcher).then_some(pattern));
            Sieve::new(fixed).map(Arc::new)
        };
        self.sieves.entry(watchers.clone()).or_insert_with(make).clone()
    }
}

impl Engine {
    /// Looks at what has come on every port, as the present state wants it.
    pub(in crate::engine) fn look(&mut self) {
        // What comes at this moment is looked at when the moment is over.
        if matches!(&self.state, State::Waiting(wait) if !wait.elsewhere.is_empty()) {
            let mut there: Vec<PortId> = self.ports.ids().filter(|port| !self.ports.is_fresh(*port)).collect();
            return self.look_at_all(&mut there);
        }
        if self.ports.is_only(PortId::FIRST) {
            return self.look_at(PortId::FIRST);
        }
        for port in self.ports.ids() {
            if !self.ports.is_fresh(port) {
                self.look_at(port);
            }
        }
    }

    /// Looks at what has come on a port, as the present state wants it.
    pub(in crate::engine) fn look_at(&mut self, port: PortId) {
        loop {
            let goes_on = match std::mem::replace(&mut self.state, State::Ready) {
                State::Waiting(wait) if wait.is_on(port) => self.look_for(wait, port),
                State::Transferring(transfer) if transfer.port == port => {
                    self.go_on_transferring(transfer);
                    false
                }
                State::Writing { number, send } if self.looks_meanwhile(&send) => {
                    self.look_meanwhile(State::Writing { number, send }, port)
                }
                state @ (State::Waiting(_)
                | State::Sleeping { .. }
                | State::Guarding { .. }
                | State::Reopening { .. }
                | State::Hooking(_)
                | State::Transferring(_)
                | State::Serving) => self.look_meanwhile(state, port),
                state @ (State::Opening
                | State::Ready
                | State::Breathing
                | State::Writing { .. }
                | State::Retrying { .. }
                | State::Saving { .. }
                | State::Asking { .. }
                | State::Over(_)) => {
                    self.state = state;
                    false
                }
            };
            if !goes_on {
                return self.release_cut();
            }
        }
    }

    /// Looks on a port for what a wait wants; true if it is to be looked at again.
    fn look_for(&mut self, mut wait: Box<Wait>, port: PortId) -> bool {
        if let WaitKind::Count { n, read } = &wait.kind {
            let line = &mut self.ports[port];
            let silence = line.silence();
            let counted = line.sight.read(*n, silence);
            line.hold(counted == Counted::Held, self.now);
            if let Some(collision) = line.sight.take_collision() {
                self.collide(port, &collision, wait.site);
                return false;
            }
            match counted {
                Counted::Here(range) => self.took(port, &read.target, wait.site, range),
                Counted::Short | Counted::Held => self.state = State::Waiting(wait),
            }
            return false;
        }
        if let WaitKind::Silence { .. } = &wait.kind {
            self.look_for_silence(wait, port);
            return false;
        }
        if self.is_line_over(&wait) {
            return false;
        }
        let Some(watched) = self.take_watched(port) else { return false };
        let prefilter = self.prefilter(&mut wait, port, &watched);
        let is_busy = self.is_busy_device();
        let line = &mut self.ports[port];
        let silence = line.silence();
        let wanted = wait.wanted_on(port);
        let seen = if is_busy {
            line.sight.look_busy(wanted, silence)
        } else {
            let watching = Watching {
                watchers: &watched.patterns,
                sieve: watched.sieve(),
                prefilter: prefilter.as_deref(),
                sees_unwanted: false,
                order: Order::Earliest,
            };
            line.sight.look(wanted, watching, silence)
        };
        let active = self.keep_watched(port, watched, &seen);
        self.ports[port].hold(seen == Seen::Held, self.now);
        if let Some(collision) = self.ports[port].sight.take_collision() {
            self.collide(port, &collision, wait.site);
            return false;
        }
        match seen {
            Seen::Nothing | Seen::Held | Seen::Unwanted { .. } => {
                // What a read takes is told as one block, when it is complete.
                if !matches!(wait.kind, WaitKind::Until { .. }) {
                    self.sight_lines(port);
                } else if self.reads_too_much(&wait) {
                    self.fail_read(&wait);
                    return false;
                }
                self.state = State::Waiting(wait);
                false
            }
            Seen::Wanted { arm, found, line } => self.found(wait, port, arm, found, line),
            Seen::Watched { found, line, .. } => {
                self.state = State::Waiting(wait);
                let waiting = self.awaited();
                self.watcher_found(active, found, line, waiting)
            }
        }
    }

    /// Looks whether what a silence is to end has begun, and is no echo.
    fn look_for_silence(&mut self, mut wait: Box<Wait>, port: PortId) {
        let line = &mut self.ports[port];
        let silence = line.silence();
        let counted = line.sight.reaches(1, silence);
        line.hold(counted == Counted::Held, self.now);
        if let Some(collision) = line.sight.take_collision() {
            return self.collide(port, &collision, wait.site);
        }
        if line.sight.inbox.end() > line.sight.read_from + DELIMITED_READ {
            return self.fail_read(&wait);
        }
        if let WaitKind::Silence { has_begun, .. } = &mut wait.kind {
            *has_begun = matches!(counted, Counted::Here(_));
        }
        // If the echo was recognised late, the silence may have passed already: that is looked at when it is due, at once.
        self.state = State::Waiting(wait);
    }

    /// Returns what finds the first interesting line on a port in one search, where that is worth it: many lines came at once, or
    /// the wait has seen many there and there are many patterns.
    fn prefilter(&mut self, wait: &mut Wait, port: PortId, watched: &Watched) -> Option<Arc<Prefilter>> {
        let sight = &self.ports[port].sight;
        let filter = wait.filter_on(port);
        let is_bulk = sight.unlooked() >= BULK;
        let is_long = sight.inbox.end() - filter.came_before >= BULK;
        let is_steady = watched.values == Values::Nowhere || sight.inbox.end() - watched.since >= WORTH_A_PREFILTER;
        if !(is_bulk || is_long) || !is_steady {
            return None;
        }
        if filter.made.as_ref().is_none_or(|(made_for, _)| *made_for != watched.edition) {
            let made = self.prefilters.of(wait, port, watched);
            wait.filter_on(port).made = Some((watched.edition, made));
        }
        let (_, prefilter) = wait.filter_on(port).made.as_ref()?;
        prefilter.as_ref().filter(|prefilter| is_bulk || prefilter.n_patterns() >= MANY).cloned()
    }

    /// Lets the watchers of a port look while nothing is awaited on it; true if it is to be looked at again.
    fn look_meanwhile(&mut self, state: State, port: PortId) -> bool {
        self.state = state;
        if self.is_busy_device() {
            return false;
        }
        let Some(watched) = self.take_watched(port) else { return false };
        let sees_unwanted = self.sends_echo(port);
        let order = match self.program.role {
            Role::Flow => Order::Earliest,
            Role::Device => Order::Declared,
        };
        let line = &mut self.ports[port];
        let silence = line.silence();
        let sieve = watched.sieve();
        let watching = Watching { watchers: &watched.patterns, sieve, prefilter: None, sees_unwanted, order };
        let seen = line.sight.look(None, watching, silence);
        let active = self.keep_watched(port, watched, &seen);
        if let Some(collision) = self.ports[port].sight.take_collision() {
            let site = self.awaited().map_or(self.program.site(self.flow.at), |(_, site)| site);
            self.collide(port, &collision, site);
            return false;
        }
        match seen {
            Seen::Watched { found, line, .. } => {
                let waiting = self.awaited();
                self.watcher_found(active, found, line, waiting)
            }
            Seen::Unwanted { line } => {
                let heard = self.ports[port].sight.hear(&line);
                let site = self.program.site(self.flow.at);
                self.send_echo(port, heard, site);
                true
            }
            Seen::Nothing | Seen::Held | Seen::Wanted { .. } => {
                self.sight_lines(port);
                false
            }
        }
    }

    /// Fails because something else came back than what was sent, where all of it comes back.
    fn collide(&mut self, port: PortId, collision: &Collision, site: Site) {
        self.sight_to(port, collision.came.end, Piece::Line);
        let sent = self.cut(&collision.sent, 60);
        let came = self.cut_part(port, collision.came.clone(), 60);
        let mut failure = self.failure_at(
            Code::RunCollision,
            site,
            format!("a collision: `{sent}` was sent and `{came}` came back"),
            format!("byte {} came back changed", collision.at + 1),
        );
        failure.sent = Some(sent);
        failure.came = Some(vec![came]);
        failure.cause = Some(
            "`echo on` says that everything that is sent comes back: write `echo auto` if raw bytes do not".to_string(),
        );
        self.fail(failure);
    }

    /// Returns what the present state waits for, as messages show it, and the statement.
    fn awaited(&self) -> Option<(String, Site)> {
        match &self.state {
            State::Waiting(wait) => Some((self.what(wait), wait.site)),
            State::Sleeping { site, .. } => Some(("nothing but time to pass".to_string(), *site)),
            State::Reopening { site, .. } => Some(("the port to come back".to_string(), *site)),
            State::Hooking(hooking) => Some((hooking.title(), hooking.site)),
            State::Transferring(transfer) => Some((transfer.awaited(), transfer.site)),
            State::Opening
            | State::Ready
            | State::Breathing
            | State::Guarding { .. }
            | State::Writing { .. }
            | State::Retrying { .. }
            | State::Saving { .. }
            | State::Asking { .. }
            | State::Serving
            | State::Over(_) => None,
        }
    }

    /// Runs the block of an `on`, or ends the wait for a `fail on`; true if it is to be looked at again.
    fn watcher_found(
        &mut self,
        active: Option<Active>,
        found: Range<Offset>,
        line: Line,
        waiting: Option<(String, Site)>,
    ) -> bool {
        let Some(active) = active else { return false };
        let program = self.program.clone();
        let watcher = &program.watchers[active.watcher];
        let port = active.port;
        match &watcher.kind {
            WatcherKind::On { entry, .. } => {
                let pattern = self.ready(&watcher.pattern).ok();
                let holds = self.journal.holds();
                match watcher.telling {
                    Telling::AtOnce => {}
                    Telling::WhenDone => self.hold(),
                }
                let end = if self.reads_next(*entry) { found.end } else { line.next };
                self.sight_to(port, end, Piece::Line);
                if self.sends_echo(port) {
                    let heard = self.ports[port].sight.hear(&line);
                    self.send_echo(port, heard, watcher.site);
                }
                let begun = self.begin_handler(active, holds).and_then(|()| match pattern {
                    Some(pattern) => self.bind(port, &watcher.pattern, &pattern, &found, &line),
                    None => Ok(()),
                });
                if let Err(failure) = begun {
                    self.fail(failure);
                }
                false
            }
            WatcherKind::FailOn { .. } => {
                self.sight_to(port, line.next, Piece::Line);
                let failure = self.fail_on(active, &line.text, waiting);
                self.fail(failure);
                false
            }
            WatcherKind::Ignore => true,
        }
    }

    /// Returns the failure that the text of a line is for a `fail on`.
    pub(super) fn fail_on(
        &mut self,
        active: Active,
        text: &Range<Offset>,
        waiting: Option<(String, Site)>,
    ) -> Box<Failure> {
        let program = self.program.clone();
        let watcher = &program.watchers[active.watcher];
        let (reach, message) = match &watcher.kind {
            WatcherKind::FailOn { reach, message } => (*reach, message.as_ref()),
            WatcherKind::On { .. } | WatcherKind::Ignore => (Reach::Around, None),
        };
        let ends = match reach {
            Reach::Around => "ends any wait",
            Reach::Run => "ends the run",
        };
        let octets = self.ports[active.port].sight.inbox.slice(text.clone()).to_vec();
        let shown = self.cut_part(active.port, text.clone(), 120);
        let said = message.and_then(|message| self.eval(message).ok()).map(|value| self.shown(&value));
        let on_port = self.on_port(active.port);
        let came = match &said {
            Some(said) => format!("{said} (`{shown}` came{on_port})"),
            None => format!("`{shown}` came{on_port}"),
        };
        let (message, site, label) = match waiting {
            Some((what, site)) => (came, site, format!("was waiting for {what}")),
            None => (came, watcher.site, ends.to_string()),
        };
        let mut failure = self.failure_at(Code::RunFailOn, site, message, label);
        failure.ends_run = reach == Reach::Run;
        if site != watcher.site {
            failure.others.push(Label::new(watcher.site, ends));
        }
        // What led to it went over the port that is watched.
        let current = std::mem::replace(&mut self.flow.port, active.port);
        self.add_exchange(&mut failure);
        self.flow.port = current;
        failure.cause = result_codes::explained(&visible(&octets)).or(failure.cause);
        failure
    }

    /// Takes the watchers in force on a port, ready. If one of them cannot be made ready the run has failed, and there are none.
    pub(super) fn take_watched(&mut self, port: PortId) -> Option<Box<Watched>> {
        let (version, values_version) = (self.flow.watching_version(), self.flow.values_version());
        let mut watched = match self.ports[port].watched.take() {
            Some(kept) if kept.is_right(version, values_version) => kept,
            kept => match self.make_watched(port, kept) {
                Ok(watched) => watched,
                Err(failure) => {
                    self.fail(failure);
                    return None;
                }
            },
        };
        if watched.patterns.len() >= MANY_WATCHERS {
            self.make_sieve(port, &mut watched);
        }
        Some(watched)
    }

    /// Makes what finds which of many watchers a line may concern, once that is worth it: first without the values in them, then
    /// with them, if they stay the same.
    fn make_sieve(&mut self, port: PortId, watched: &mut Watched) {
        let end = self.ports[port].sight.inbox.end();
        let is_steady = end - watched.since >= WORTH_A_SIEVE;
        if watched.values != Values::Nowhere && is_steady && !watched.sieve_has_values {
            let sieve = Sieve::new(watched.patterns.iter().map(|(pattern, _)| Some(pattern)));
            watched.sieve = Some(sieve.map(Arc::new));
            watched.sieve_has_values = true;
        } else if watched.sieve.is_none() && end - Offset::START >= WORTH_A_SIEVE {
            watched.sieve = Some(self.prefilters.sieve(watched, &self.program));
        }
    }

    /// Keeps the watchers of a port for the next look; returns the one that was found.
    fn keep_watched(&mut self, port: PortId, watched: Box<Watched>, seen: &Seen) -> Option<Active> {
        let active = match seen {
            Seen::Watched { watcher, .. } => Some(watched.actives[*watcher]),
            Seen::Nothing | Seen::Held | Seen::Unwanted { .. } | Seen::Wanted { .. } => None,
        };
        self.ports[port].watched = Some(watched);
        active
    }

    /// Makes the watchers in force on a port ready; `before` are those that were ready last. Where the patterns are the same, what
    /// was made of them is kept.
    fn make_watched(&mut self, port: PortId, before: Option<Box<Watched>>) -> Result<Box<Watched>, Box<Failure>> {
        let version = self.flow.watching_version();
        let program = self.program.clone();
        let actives: Vec<Active> = self.flow.watching(port).collect();
        let mut patterns = Vec::with_capacity(actives.len());
        let (mut has_values, mut is_steady) = (false, true);
        for active in &actives {
            let watcher = &program.watchers[active.watcher];
            has_values |= watcher.pattern.source.has_values();
            is_steady &= watcher.pattern.source.is_steady();
            let watch = match watcher.kind {
                WatcherKind::On { .. } => Watch::On,
                WatcherKind::FailOn { .. } => Watch::FailOn,
                WatcherKind::Ignore => Watch::Ignore,
            };
            patterns.push((self.ready(&watcher.pattern)?, watch));
        }
        let is_eager = |pattern: &Pattern| matches!(pattern, Pattern::Literal(_)) || pattern.is_prompt();
        self.ports[port].sight.has_eager_watchers =
            patterns.iter().any(|(pattern, watch)| *watch != Watch::Ignore && is_eager(pattern));
        let values = match (has_values, is_steady) {
            (false, _) => Values::Nowhere,
            (true, true) => Values::Of(self.flow.values_version()),
            (true, false) => Values::Fleeting,
        };
        if let Some(before) = before
            && before.has_same(&patterns)
        {
            return Ok(Box::new(Watched { actives, values, version, ..*before }));
        }
        let (edition, since) = (self.prefilters.next_edition(), self.ports[port].sight.inbox.end());
        let (sieve, sieve_has_values) = (None, false);
        Ok(Box::new(Watched { patterns, actives, values, version, edition, since, sieve, sieve_has_values }))
    }
}
