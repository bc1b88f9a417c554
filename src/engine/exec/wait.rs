//! Waits: what is awaited, until when, and what happens when it comes or does not.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::diagnostic::{Code, Label};
use crate::engine::exec::call::Active;
use crate::engine::look::inbox::Line;
use crate::engine::look::{BULK, Seen, Sight, Wanted, Watch, Watching};
use crate::engine::{Engine, State};
use crate::event::{EventKind, Failure};
use crate::pattern::{Pattern, Prefilter, Regex};
use crate::program::{
    Absence, Address, Arm, CountedRead, DelimitedRead, Expect, Needed, PatternSource, PatternSpec, Program, WatcherKind,
};
use crate::source::Site;
use crate::time::{Moment, show_duration};
use crate::value::Value;
use crate::value::escape::{visible, visible_cut};

/// Something that is awaited.
#[derive(Debug)]
pub(in crate::engine) struct Wait {
    /// The statement.
    pub site: Site,
    /// When it began.
    pub begun: Moment,
    /// When it ends.
    pub deadline: Moment,
    /// Whether the end is that of a step's timeout.
    pub is_bounded: bool,
    /// How much had come when it began.
    came_before: u64,
    /// What finds the first interesting line of many, once it is worth it, and the watchers that it was made for.
    prefilter: Option<(u64, Option<Arc<Prefilter>>)>,
    /// What kind.
    pub kind: WaitKind,
}

/// How many patterns there must be for one search of all in a small read to take less than a search of each.
const MANY: usize = 3;

/// What kind of wait.
#[derive(Debug)]
pub(in crate::engine) enum WaitKind {
    /// One of several patterns, or all of them.
    Patterns { wanted: Wanted, expect: Arc<Expect> },
    /// A pattern that may not come.
    Absence { wanted: Wanted, spec: Arc<Absence> },
    /// Silence.
    Quiet { lasting: Duration },
    /// So many bytes.
    Count { n: u64, read: Arc<CountedRead> },
    /// Everything up to a pattern.
    Until { wanted: Wanted, read: Arc<DelimitedRead> },
}

impl WaitKind {
    /// Returns the patterns as written.
    fn specs(&self) -> Vec<&PatternSpec> {
        match self {
            WaitKind::Patterns { expect, .. } => expect.arms.iter().map(|arm| &arm.pattern).collect(),
            WaitKind::Absence { spec, .. } => vec![&spec.pattern],
            WaitKind::Until { read, .. } => vec![&read.pattern],
            WaitKind::Quiet { .. } | WaitKind::Count { .. } => vec![],
        }
    }
}

/// The watchers in force, ready to be compared with lines.
#[derive(Debug)]
pub(in crate::engine) struct Watched {
    pub patterns: Vec<(Pattern, Watch)>,
    actives: Vec<Active>,
    /// Whether a pattern has values in it that may change.
    has_values: bool,
    /// Tells them from those in force before.
    number: u64,
}

impl Wait {
    /// Returns the next moment at which this wait must be looked at again.
    pub(in crate::engine) fn next_deadline(&self, sight: &Sight, settle: Duration, settled: bool) -> Moment {
        let wanted = match &self.kind {
            WaitKind::Patterns { wanted, .. } | WaitKind::Absence { wanted, .. } | WaitKind::Until { wanted, .. } => {
                Some(wanted)
            }
            WaitKind::Quiet { .. } => None,
            WaitKind::Count { .. } => return self.deadline,
        };
        let mut next = self.deadline;
        if let WaitKind::Quiet { lasting } = self.kind {
            next = next.min(sight.inbox.last_arrival().max(self.begun) + lasting);
        }
        if !settled && sight.waits_for_silence(wanted) {
            next = next.min(sight.inbox.last_arrival() + settle);
        }
        next
    }
}

impl Engine {
    /// Begins to wait; the deadline is cut by the step's timeout.
    pub(in crate::engine) fn wait(&mut self, site: Site, lasting: Duration, kind: WaitKind) {
        let own = self.now + lasting;
        let (deadline, is_bounded) = match self.step_deadline() {
            Some(step) if step < own => (step.max(self.now), true),
            _ => (own, false),
        };
        let came_before = self.sight.inbox.end();
        let (begun, prefilter) = (self.now, None);
        let wait = Wait { site, begun, deadline, is_bounded, came_before, prefilter, kind };
        self.state = State::Waiting(self.spare.put(wait));
        self.look();
        // What is awaited is compiled while the device thinks, not when its answer has come.
        if let State::Waiting(wait) = &self.state {
            wait.patterns().filter_map(Pattern::regex).for_each(Regex::prepare);
        }
    }

    /// Looks at what has come, as the present state wants it.
    pub(in crate::engine) fn look(&mut self) {
        loop {
            let goes_on = match std::mem::replace(&mut self.state, State::Ready) {
                State::Waiting(wait) => self.look_for(wait),
                state @ (State::Sleeping { .. } | State::Serving) => self.look_meanwhile(state),
                state => {
                    self.state = state;
                    false
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Looks for what a wait wants; true if it is to be looked at again.
    fn look_for(&mut self, mut wait: Box<Wait>) -> bool {
        if let WaitKind::Count { n, read } = &wait.kind {
            match self.sight.read(*n) {
                Some(range) => self.counted(read, wait.site, range),
                None => self.state = State::Waiting(wait),
            }
            return false;
        }
        let watched = match self.take_watched() {
            Ok(watched) => watched,
            Err(failure) => {
                self.fail(failure);
                return false;
            }
        };
        let prefilter = self.prefilter(&mut wait, &watched);
        let wanted = match &mut wait.kind {
            WaitKind::Patterns { wanted, .. } | WaitKind::Absence { wanted, .. } | WaitKind::Until { wanted, .. } => {
                Some(wanted)
            }
            WaitKind::Count { .. } | WaitKind::Quiet { .. } => None,
        };
        let seen = if self.is_busy_device() {
            self.sight.look_busy(wanted, self.settled)
        } else {
            let watching =
                Watching { watchers: &watched.patterns, prefilter: prefilter.as_deref(), sees_unwanted: false };
            self.sight.look(wanted, watching, self.settled)
        };
        match seen {
            Seen::Nothing | Seen::Unwanted { .. } => {
                self.watched = Some(watched);
                // What a read takes is told as one block, when it is complete.
                if !matches!(wait.kind, WaitKind::Until { .. }) {
                    self.sight_lines();
                }
                self.state = State::Waiting(wait);
                false
            }
            Seen::Wanted { arm, found, line } => {
                self.watched = Some(watched);
                self.found(wait, arm, found, line)
            }
            Seen::Watched { watcher, found, line } => {
                let active = watched.actives[watcher];
                self.watched = Some(watched);
                let waiting = (self.what(&wait), wait.site);
                self.state = State::Waiting(wait);
                self.watcher_found(active, found, line, Some(waiting))
            }
        }
    }

    /// Returns what finds the first interesting line in one search, where that is worth it: many lines came at once, or the
    /// wait has seen many and there are many patterns.
    fn prefilter(&mut self, wait: &mut Wait, watched: &Watched) -> Option<Arc<Prefilter>> {
        let is_bulk = self.sight.unlooked() >= BULK;
        let is_long = self.sight.inbox.end() - wait.came_before >= BULK;
        if !(is_bulk || is_long) || watched.has_values {
            return None;
        }
        if wait.prefilter.as_ref().is_none_or(|(made_for, _)| *made_for != watched.number) {
            wait.prefilter = Some((watched.number, self.prefilter_of(wait, watched)));
        }
        let (_, prefilter) = wait.prefilter.as_ref()?;
        prefilter.as_ref().filter(|prefilter| is_bulk || prefilter.n_patterns() >= MANY).cloned()
    }

    /// Returns the prefilter of a statement that waits. It is made once, from the patterns as written, so that it holds for
    /// each time the statement is executed.
    fn prefilter_of(&mut self, wait: &Wait, watched: &Watched) -> Option<Arc<Prefilter>> {
        let make = || {
            let specs = wait.kind.specs();
            let ready = specs.iter().map(|spec| match &spec.source {
                PatternSource::Ready(pattern) => Some(pattern),
                PatternSource::Text(..) | PatternSource::Regex { .. } => None,
            });
            let ready: Vec<&Pattern> = ready.collect::<Option<_>>()?;
            Prefilter::new(ready.into_iter().chain(watched.patterns.iter().map(|(pattern, _)| pattern))).map(Arc::new)
        };
        self.prefilters.entry(wait.site).or_insert_with(make).clone()
    }

    /// Lets watchers look while nothing is awaited.
    fn look_meanwhile(&mut self, state: State) -> bool {
        let site = match &state {
            State::Sleeping { site, .. } => Some(*site),
            _ => None,
        };
        self.state = state;
        if self.is_busy_device() {
            return false;
        }
        let watched = match self.take_watched() {
            Ok(watched) => watched,
            Err(failure) => {
                self.fail(failure);
                return false;
            }
        };
        let seen = {
            let sees_unwanted = self.sends_echo();
            let watching = Watching { watchers: &watched.patterns, prefilter: None, sees_unwanted };
            self.sight.look(None, watching, self.settled)
        };
        match seen {
            Seen::Watched { watcher, found, line } => {
                let active = watched.actives[watcher];
                self.watched = Some(watched);
                self.watcher_found(active, found, line, site.map(|site| ("nothing but time to pass".to_string(), site)))
            }
            Seen::Unwanted { line } => {
                self.watched = Some(watched);
                let heard = self.sight.inbox.slice(line.text.start..line.next).to_vec();
                let site = self.program.site(self.at);
                self.send_echo(heard, site);
                true
            }
            Seen::Nothing | Seen::Wanted { .. } => {
                self.watched = Some(watched);
                self.sight_lines();
                false
            }
        }
    }

    /// Takes what a wait was for; true if it waits for more.
    fn found(&mut self, mut wait: Box<Wait>, arm: usize, found: Range<u64>, line: Line) -> bool {
        let waited = self.now - wait.begun;
        match &mut wait.kind {
            WaitKind::Patterns { wanted, expect } => {
                let Arm { pattern: spec, then } = &expect.arms[arm];
                let pattern = wanted.patterns[arm].take().expect("a satisfied pattern is not looked for");
                if let Err(failure) = self.bind(spec, &pattern, &found, &line) {
                    self.fail(failure);
                    return false;
                }
                self.tell_match(spec, &pattern, found, &line, waited, *then);
                self.has_checked = true;
                if expect.needed == Needed::All && wanted.patterns.iter().any(Option::is_some) {
                    self.state = State::Waiting(wait);
                    return true;
                }
                self.at = *then;
                self.spare.keep(wait);
                false
            }
            WaitKind::Absence { .. } => {
                let text = visible_cut(&self.redactor.clean(self.sight.inbox.slice(found.clone())), 120);
                self.sight_to(line.next.max(found.end), false);
                let mut failure = self.failure_at(
                    Code::RunUnwanted,
                    wait.site,
                    format!("`{text}` came, which was not to come"),
                    format!("it came after {}", show_duration(waited)),
                );
                self.add_exchange(&mut failure);
                self.fail(failure);
                false
            }
            WaitKind::Until { wanted, read } => {
                let pattern = wanted.patterns[arm].take().expect("it was just found");
                let from = wanted.began_at;
                let value = self.sight.inbox.slice(from..found.start).to_vec();
                let end = if pattern.takes_line() { line.next } else { found.end };
                let result = self
                    .bind(&read.pattern, &pattern, &found, &line)
                    .and_then(|()| self.assign(&read.target, Value::Text(value.clone()), wait.site));
                if let Err(failure) = result {
                    self.fail(failure);
                    return false;
                }
                self.sight.take_block(from..end);
                self.sight_to(end, true);
                self.has_checked = true;
                let name = read.target.name.clone();
                self.tell(Some(wait.site), EventKind::Captured { name, value });
                false
            }
            // They look for no pattern, so none is found for them.
            WaitKind::Quiet { .. } | WaitKind::Count { .. } => false,
        }
    }

    /// Takes counted bytes.
    fn counted(&mut self, read: &CountedRead, site: Site, range: Range<u64>) {
        let value = self.sight.inbox.slice(range.clone()).to_vec();
        if let Err(failure) = self.assign(&read.target, Value::Text(value.clone()), site) {
            return self.fail(failure);
        }
        // What stands before the block has its own lines; then the block as one piece.
        self.sight_to(range.start, false);
        self.sight_to(range.end, true);
        self.has_checked = true;
        self.tell(Some(site), EventKind::Captured { name: read.target.name.clone(), value });
    }

    /// Puts what the groups of a pattern found into variables.
    fn bind(
        &mut self,
        spec: &PatternSpec,
        pattern: &Pattern,
        found: &Range<u64>,
        line: &Line,
    ) -> Result<(), Box<Failure>> {
        let Some(regex) = pattern.regex() else { return Ok(()) };
        if spec.groups.is_empty() {
            return Ok(());
        }
        let values: Vec<Option<Vec<u8>>> = {
            let start = line.text.start.min(found.start);
            let end = line.text.end.max(found.end);
            let text = self.sight.inbox.slice(start..end);
            let offset = (found.start - start) as usize;
            let in_line = regex.captures_at(text, offset).filter(|c| c.get(0).is_some_and(|m| m.start() == offset));
            let captures = in_line.or_else(|| regex.captures(&text[offset..]));
            let group = |name: &str| captures.as_ref()?.name(name).map(|m| m.as_bytes().to_vec());
            spec.groups.iter().map(|(name, _)| group(name)).collect()
        };
        for ((_, target), value) in spec.groups.iter().zip(values) {
            self.assign(target, Value::Text(value.unwrap_or_default()), spec.site)?;
        }
        Ok(())
    }

    /// Tells of a match and of what came up to it.
    fn tell_match(
        &mut self,
        spec: &PatternSpec,
        pattern: &Pattern,
        found: Range<u64>,
        line: &Line,
        waited: Duration,
        behind: Address,
    ) {
        let end = match pattern {
            Pattern::Line(_) | Pattern::LineRegex(_) => line.next,
            Pattern::Regex(_) if !self.reads_next(behind) => line.next,
            Pattern::Regex(_) | Pattern::Literal(_) | Pattern::Prompt(_) | Pattern::PromptRegex(_) => found.end,
        };
        self.sight_to(end, false);
        let text = self.sight.inbox.slice(found).to_vec();
        self.tell(Some(spec.site), EventKind::Matched { pattern: spec.title.clone(), text, waited });
        let captured: Vec<_> = spec
            .groups
            .iter()
            .filter_map(|(name, target)| Some((name.clone(), self.get(target.slot)?.octets())))
            .collect();
        for (name, value) in captured {
            self.tell(Some(spec.site), EventKind::Captured { name, value });
        }
    }

    /// Runs the block of an `on`, or ends the wait for a `fail on`; true if it is to be looked at again.
    fn watcher_found(
        &mut self,
        active: Active,
        found: Range<u64>,
        line: Line,
        waiting: Option<(String, Site)>,
    ) -> bool {
        let program = self.program.clone();
        let watcher = &program.watchers[active.watcher];
        match &watcher.kind {
            WatcherKind::On { entry, .. } => {
                let pattern = self.sight_pattern(&program, active);
                self.sight_to(if self.reads_next(*entry) { found.end } else { line.next }, false);
                if self.sends_echo() {
                    let heard = self.sight.inbox.slice(line.text.start..line.next).to_vec();
                    self.send_echo(heard, watcher.site);
                }
                let begun = self.begin_handler(active).and_then(|()| match pattern {
                    Some(pattern) => self.bind(&watcher.pattern, &pattern, &found, &line),
                    None => Ok(()),
                });
                if let Err(failure) = begun {
                    self.fail(failure);
                }
                false
            }
            WatcherKind::FailOn { message } => {
                self.sight_to(line.next, false);
                let failure = self.fail_on(watcher.site, message.as_ref(), found, &line, waiting);
                self.fail(failure);
                false
            }
            WatcherKind::Ignore => true,
        }
    }

    fn sight_pattern(&mut self, program: &Program, active: Active) -> Option<Pattern> {
        self.ready(&program.watchers[active.watcher].pattern).ok()
    }

    fn fail_on(
        &mut self,
        watcher: Site,
        message: Option<&crate::program::Expr>,
        found: Range<u64>,
        line: &Line,
        waiting: Option<(String, Site)>,
    ) -> Box<Failure> {
        let text = self.sight.inbox.slice(line.text.clone()).to_vec();
        let shown = visible_cut(&self.redactor.clean(&text), 120);
        let said = message.and_then(|message| self.eval(message).ok()).map(|value| self.shown(&value));
        let came = match &said {
            Some(said) => format!("{said} (`{shown}` came)"),
            None => format!("`{shown}` came"),
        };
        let (message, site, label) = match waiting {
            Some((what, site)) => (came, site, format!("was waiting for {what}")),
            None => (came, watcher, "ends any wait".to_string()),
        };
        let mut failure = self.failure_at(Code::RunFailOn, site, message, label);
        if site != watcher {
            failure.others.push(Label::new(watcher, "ends any wait"));
        }
        let _ = found;
        self.add_exchange(&mut failure);
        failure.cause = crate::engine::result_codes::meaning(&visible(&text)).or(failure.cause);
        failure
    }

    /// Lets a deadline of a wait pass.
    pub(in crate::engine) fn wait_expired(&mut self, wait: Box<Wait>) {
        let settles_at = self.sight.inbox.last_arrival() + self.settings.settle;
        if !self.settled && settles_at <= self.now {
            self.settled = true;
            self.state = State::Waiting(wait);
            self.look();
            // Silence that satisfies the wait comes before its deadline; if it does not, that may be due too.
            return match std::mem::replace(&mut self.state, State::Ready) {
                State::Waiting(wait) if wait.deadline <= self.now => self.wait_expired(wait),
                state => self.state = state,
            };
        }
        if let WaitKind::Quiet { lasting } = wait.kind
            && self.sight.inbox.last_arrival().max(wait.begun) + lasting <= self.now
        {
            self.has_checked = true;
            return;
        }
        if wait.deadline > self.now {
            self.state = State::Waiting(wait);
            return;
        }
        if wait.is_bounded {
            self.sight_all();
            let failure = self.wait_failure(&wait);
            return self.fail(failure);
        }
        match &wait.kind {
            WaitKind::Absence { .. } => {
                self.has_checked = true;
                self.sight_lines();
            }
            WaitKind::Patterns { expect, .. } => {
                self.sight_all();
                match expect.timeout {
                    Some(otherwise) => self.at = otherwise,
                    None => {
                        let failure = self.wait_failure(&wait);
                        self.fail(failure);
                    }
                }
            }
            WaitKind::Quiet { .. } | WaitKind::Count { .. } | WaitKind::Until { .. } => {
                self.sight_all();
                let failure = self.wait_failure(&wait);
                self.fail(failure);
            }
        }
    }

    /// Returns the watchers in force, ready.
    fn take_watched(&mut self) -> Result<Watched, Box<Failure>> {
        match self.watched.take() {
            Some(watched) if !watched.has_values => Ok(watched),
            _ => self.make_watched(),
        }
    }

    fn make_watched(&mut self) -> Result<Watched, Box<Failure>> {
        self.prefilters.clear();
        self.n_watched += 1;
        let program = self.program.clone();
        let actives: Vec<Active> = self.watching.iter().rev().copied().collect();
        let mut patterns = Vec::with_capacity(actives.len());
        let mut has_values = false;
        for active in &actives {
            let watcher = &program.watchers[active.watcher];
            has_values |= !matches!(watcher.pattern.source, PatternSource::Ready(_));
            let watch = match watcher.kind {
                WatcherKind::On { .. } => Watch::On,
                WatcherKind::FailOn { .. } => Watch::FailOn,
                WatcherKind::Ignore => Watch::Ignore,
            };
            patterns.push((self.ready(&watcher.pattern)?, watch));
        }
        let is_eager = |pattern: &Pattern| matches!(pattern, Pattern::Literal(_)) || pattern.is_prompt();
        self.sight.has_eager_watchers =
            patterns.iter().any(|(pattern, watch)| *watch != Watch::Ignore && is_eager(pattern));
        Ok(Watched { patterns, actives, has_values, number: self.n_watched })
    }
}

impl Wait {
    /// Returns the patterns that are still awaited.
    pub(in crate::engine) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let wanted = match &self.kind {
            WaitKind::Patterns { wanted, .. } | WaitKind::Absence { wanted, .. } | WaitKind::Until { wanted, .. } => {
                Some(wanted)
            }
            WaitKind::Quiet { .. } | WaitKind::Count { .. } => None,
        };
        wanted.into_iter().flat_map(|wanted| wanted.patterns.iter().flatten())
    }
}
