//! Waits: what is awaited, until when, and what happens when it comes or does not.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::elsewhere::Elsewhere;
use super::watch::Filter;
use crate::diagnostic::Code;
use crate::engine::limits::{COUNTED_READ, DELIMITED_READ};
use crate::engine::look::Wanted;
use crate::engine::look::inbox::Line;
use crate::engine::look::offset::{Offset, found_at};
use crate::engine::port::{Port, Ports};
use crate::engine::tell::Piece;
use crate::engine::{Engine, State};
use crate::event::{EventKind, Failure};
use crate::pattern::{Pattern, Regex};
use crate::port::PortId;
use crate::program::{
    Absence, Arm, CountedRead, DelimitedRead, Expect, Expr, LookAt, Needed, OpIndex, PatternSpec, SilentRead, Target,
};
use crate::secret::SHORTEST;
use crate::settings::InputLine;
use crate::source::Site;
use crate::time::{Moment, earlier, show_duration};
use crate::value::Value;

/// Something that is awaited.
#[derive(Debug)]
pub(in crate::engine) struct Wait {
    /// The statement.
    pub site: Site,
    /// Where it is to come.
    pub port: PortId,
    /// When it began.
    pub begun: Moment,
    /// When it ends.
    pub deadline: Moment,
    /// Whether the end is that of a step's timeout.
    pub is_bounded: bool,
    /// Where the input ended at that end, if a handler ran then: what came later is too late.
    pub cut: Option<Offset>,
    /// What finds the first interesting line of many on its port.
    pub filter: Filter,
    /// What kind.
    pub kind: WaitKind,
    /// What is looked for on other ports; nothing in most flows.
    pub elsewhere: Vec<Elsewhere>,
}

/// What kind of wait.
#[derive(Debug)]
pub(in crate::engine) enum WaitKind {
    /// One of several patterns, or all of them.
    Patterns { wanted: Wanted, expect: Arc<Expect> },
    /// A pattern that may not come.
    Absence { wanted: Wanted, spec: Arc<Absence> },
    /// Silence.
    Quiet { lasting: Duration },
    /// A control line that the other side switches.
    Input { line: InputLine, on: bool },
    /// So many bytes.
    Count { n: usize, read: Arc<CountedRead> },
    /// Everything until it is quiet for so long; whether something of it has come.
    Silence { lasting: Duration, has_begun: bool, read: Arc<SilentRead> },
    /// Everything up to a pattern.
    Until { wanted: Wanted, read: Arc<DelimitedRead> },
}

impl WaitKind {
    /// Returns the patterns as written.
    pub(in crate::engine) fn specs(&self) -> Vec<&PatternSpec> {
        match self {
            WaitKind::Patterns { expect, .. } => expect.arms.iter().map(|arm| &arm.pattern).collect(),
            WaitKind::Absence { spec, .. } => vec![&spec.pattern],
            WaitKind::Until { read, .. } => vec![&read.pattern],
            WaitKind::Quiet { .. } | WaitKind::Input { .. } | WaitKind::Count { .. } | WaitKind::Silence { .. } => {
                vec![]
            }
        }
    }

    /// Returns what is looked for.
    pub(in crate::engine) fn wanted(&self) -> Option<&Wanted> {
        match self {
            WaitKind::Patterns { wanted, .. } | WaitKind::Absence { wanted, .. } | WaitKind::Until { wanted, .. } => {
                Some(wanted)
            }
            WaitKind::Quiet { .. } | WaitKind::Input { .. } | WaitKind::Count { .. } | WaitKind::Silence { .. } => None,
        }
    }

    /// Returns what a `read until` looks for.
    pub(in crate::engine) fn delimiter(&self) -> Option<&Wanted> {
        match self {
            WaitKind::Until { wanted, .. } => Some(wanted),
            WaitKind::Patterns { .. }
            | WaitKind::Absence { .. }
            | WaitKind::Quiet { .. }
            | WaitKind::Input { .. }
            | WaitKind::Count { .. }
            | WaitKind::Silence { .. } => None,
        }
    }

    /// Returns what is looked for, to be looked for.
    pub(in crate::engine) fn wanted_mut(&mut self) -> Option<&mut Wanted> {
        match self {
            WaitKind::Patterns { wanted, .. } | WaitKind::Absence { wanted, .. } | WaitKind::Until { wanted, .. } => {
                Some(wanted)
            }
            WaitKind::Quiet { .. } | WaitKind::Input { .. } | WaitKind::Count { .. } | WaitKind::Silence { .. } => None,
        }
    }
}

impl Wait {
    /// Returns the next moment at which this wait must be looked at again.
    pub(in crate::engine) fn next_deadline(&self, ports: &Ports) -> Moment {
        let own = self.next_on_own(ports);
        self.next_elsewhere(ports).map_or(own, |other| own.min(other))
    }

    fn next_on_own(&self, ports: &Ports) -> Moment {
        let port = &ports[self.port];
        match self.kind {
            WaitKind::Count { .. } | WaitKind::Silence { .. } => {
                let settles = port.sight.awaits_echo().then(|| port.settles_at(None)).flatten();
                self.or_deadline(earlier(earlier(settles, port.lets_go_at()), self.quiet_at(port)))
            }
            WaitKind::Input { .. } => {
                let reads = port.input_lines.read_at();
                self.or_deadline(earlier(port.settles_at(None), reads))
            }
            WaitKind::Quiet { .. } => self.or_deadline(earlier(port.settles_at(None), self.quiet_at(port))),
            WaitKind::Patterns { .. } | WaitKind::Absence { .. } | WaitKind::Until { .. } => {
                let settles = port.settles_at(self.kind.wanted());
                self.or_deadline(earlier(settles, port.lets_go_at()))
            }
        }
    }

    /// Returns the earlier of a moment, if there is one, and the deadline.
    fn or_deadline(&self, at: Option<Moment>) -> Moment {
        at.map_or(self.deadline, |at| at.min(self.deadline))
    }

    /// Returns when the silence is over that it waits for, if nothing more comes.
    pub(super) fn quiet_at(&self, port: &Port) -> Option<Moment> {
        // What had begun may be gone: the port went away.
        let is_there = port.sight.inbox.end() > port.sight.read_from;
        let lasting = match self.kind {
            WaitKind::Quiet { lasting } => lasting,
            WaitKind::Silence { lasting, has_begun: true, .. } if is_there => lasting,
            WaitKind::Silence { .. }
            | WaitKind::Patterns { .. }
            | WaitKind::Absence { .. }
            | WaitKind::Input { .. }
            | WaitKind::Count { .. }
            | WaitKind::Until { .. } => return None,
        };
        Some(port.sight.inbox.last_arrival().max(self.begun) + lasting)
    }

    /// Goes on behind a place on a port: nothing before it belongs to what comes.
    pub(in crate::engine) fn skip_to(&mut self, port: PortId, place: Offset) {
        if let Some(wanted) = self.wanted_on(port) {
            wanted.began_at = wanted.began_at.max(place);
        }
    }
}

impl Engine {
    /// `expect`, `await`, `expect all`
    pub(super) fn expect(&mut self, expect: &Arc<Expect>, site: Site) -> Result<(), Box<Failure>> {
        let within = self.within(expect.within.as_ref())?;
        let mut patterns = self.spare.patterns();
        let mut is_elsewhere = false;
        for arm in &expect.arms {
            if arm.port.is_some_and(|port| port != self.flow.port) {
                is_elsewhere = true;
                patterns.push(None);
                continue;
            }
            patterns.push(Some(self.ready(&arm.pattern)?));
        }
        if !is_elsewhere || patterns.iter().any(Option::is_some) {
            self.port_is_open(site)?;
        }
        let elsewhere = if is_elsewhere { self.elsewhere(expect, site)? } else { Vec::new() };
        let wanted = self.want(patterns, expect.scope);
        self.wait_for(site, within, WaitKind::Patterns { wanted, expect: expect.clone() }, elsewhere);
        Ok(())
    }

    /// `expect none`
    pub(super) fn expect_none(&mut self, absence: &Arc<Absence>, site: Site) -> Result<(), Box<Failure>> {
        let lasting = self.eval_duration(&absence.lasting)?;
        self.port_is_open(site)?;
        let pattern = self.ready(&absence.pattern)?;
        let wanted = self.want(vec![Some(pattern)], LookAt::Answer);
        self.wait(site, lasting, WaitKind::Absence { wanted, spec: absence.clone() });
        Ok(())
    }

    /// `expect quiet`
    pub(super) fn expect_quiet(
        &mut self,
        lasting: &Expr,
        within: Option<&Expr>,
        site: Site,
    ) -> Result<(), Box<Failure>> {
        let lasting = self.eval_duration(lasting)?;
        let within = match within {
            Some(within) => self.eval_duration(within)?,
            None => self.default_timeout()?.saturating_add(lasting),
        };
        self.port_is_open(site)?;
        self.wait(site, within, WaitKind::Quiet { lasting });
        Ok(())
    }

    /// `read … bytes`
    pub(super) fn read_count(&mut self, read: &Arc<CountedRead>, site: Site) -> Result<(), Box<Failure>> {
        let n = self.eval_count(&read.count, COUNTED_READ as i64)? as usize;
        let within = self.within(read.within.as_ref())?;
        self.port_is_open(site)?;
        self.wait(site, within, WaitKind::Count { n, read: read.clone() });
        Ok(())
    }

    /// `read until quiet`
    pub(super) fn read_quiet(&mut self, read: &Arc<SilentRead>, site: Site) -> Result<(), Box<Failure>> {
        let lasting = self.eval_duration(&read.lasting)?;
        let within = match &read.within {
            Some(within) => self.eval_duration(within)?,
            None => self.default_timeout()?.saturating_add(lasting),
        };
        self.port_is_open(site)?;
        self.wait(site, within, WaitKind::Silence { lasting, has_begun: false, read: read.clone() });
        Ok(())
    }

    /// `read until`
    pub(super) fn read_until(&mut self, read: &Arc<DelimitedRead>, site: Site) -> Result<(), Box<Failure>> {
        let within = self.within(read.within.as_ref())?;
        self.port_is_open(site)?;
        let pattern = self.ready(&read.pattern)?;
        let mut wanted = self.want(vec![Some(pattern)], LookAt::Answer);
        // In a handler the line that began it is taken, with its end.
        wanted.literals_from = wanted.literals_from.max(wanted.began_at);
        self.wait(site, within, WaitKind::Until { wanted, read: read.clone() });
        Ok(())
    }

    fn want(&self, patterns: Vec<Option<Pattern>>, scope: LookAt) -> Wanted {
        self.ports[self.flow.port].sight.want(patterns, scope)
    }

    pub(super) fn within(&mut self, within: Option<&Expr>) -> Result<Duration, Box<Failure>> {
        match within {
            Some(within) => self.eval_duration(within),
            None => self.default_timeout(),
        }
    }

    pub(super) fn default_timeout(&mut self) -> Result<Duration, Box<Failure>> {
        let program = self.program.clone();
        self.eval_duration(&program.main.timeout)
    }

    /// Returns the moment after so much time, or the end of the step's timeout if that comes first, and whether it does.
    pub(in crate::engine) fn bounded(&self, lasting: Duration) -> (Moment, bool) {
        let own = self.now + lasting;
        match self.flow.step_deadline() {
            Some(step) if step < own => (step.max(self.now), true),
            Some(_) | None => (own, false),
        }
    }

    /// Begins to wait on the current port; the deadline is cut by the step's timeout.
    pub(super) fn wait(&mut self, site: Site, lasting: Duration, kind: WaitKind) {
        self.wait_for(site, lasting, kind, Vec::new());
    }

    /// The same, with what is looked for on other ports.
    fn wait_for(&mut self, site: Site, lasting: Duration, kind: WaitKind, elsewhere: Vec<Elsewhere>) {
        let (deadline, is_bounded) = self.bounded(lasting);
        let port = self.flow.port;
        let filter = Filter::begin(&self.ports[port].sight);
        self.ports[port].sight.note_wait();
        let wait = Wait { site, port, begun: self.now, deadline, is_bounded, cut: None, filter, kind, elsewhere };
        self.state = State::Waiting(self.spare.put(wait));
        self.look();
        // What is awaited is compiled while the device thinks, not when its answer has come.
        if let State::Waiting(wait) = &self.state {
            wait.patterns().filter_map(Pattern::regex).for_each(Regex::prepare);
        }
    }

    /// Takes what a wait was for, on one of its ports; true if it waits for more.
    pub(super) fn found(
        &mut self,
        mut wait: Box<Wait>,
        port: PortId,
        arm: usize,
        found: Range<Offset>,
        line: Line,
    ) -> bool {
        if wait.is_past(port, found.end) {
            self.timed_out(&wait);
            return false;
        }
        let waited = self.now - wait.begun;
        match &mut wait.kind {
            WaitKind::Patterns { wanted, expect } => {
                let Arm { pattern: spec, then, .. } = &expect.arms[arm];
                let other = wait.elsewhere.iter_mut().find(|other| other.port == port);
                let patterns = other.map_or(&mut wanted.patterns, |other| &mut other.wanted.patterns);
                let pattern = patterns[arm].take().expect("a satisfied pattern is not looked for");
                let is_open = expect.needed == Needed::All
                    && (wanted.patterns.iter().any(Option::is_some) || wait.elsewhere.iter().any(Elsewhere::is_open));
                if let Err(failure) = self.bind(port, spec, &pattern, &found, &line) {
                    self.fail(failure);
                    return false;
                }
                self.tell_match(port, (spec, &pattern), found, &line, waited, *then);
                self.tally.n_checks += 1;
                if is_open {
                    self.state = State::Waiting(wait);
                    return true;
                }
                self.flow.at = *then;
                self.spare.keep(wait);
                false
            }
            WaitKind::Absence { .. } => {
                let text = self.cut_part(port, found.clone(), 120);
                self.sight_to(port, line.next.max(found.end), Piece::Line);
                let mut failure = self.failure_at(
                    Code::RunUnwanted,
                    wait.site,
                    format!("unexpected `{text}`{}", self.on_port(port)),
                    format!("it came after {}", show_duration(waited)),
                );
                self.add_exchange(&mut failure);
                self.fail(failure);
                false
            }
            WaitKind::Until { wanted, read } => {
                let from = wanted.began_at;
                if found.start > from + DELIMITED_READ {
                    self.fail_read(&wait);
                    return false;
                }
                let pattern = wanted.patterns[arm].take().expect("it was just found");
                // The echo, and what came before it, have their own lines.
                let value = self.part_as_value(port, from..found.start);
                let end = if pattern.takes_line() { line.next } else { found.end };
                self.learn_pieces(port, from..found.start);
                let shown = self.named_part(port, from..found.start);
                let result = self
                    .bind(port, &read.pattern, &pattern, &found, &line)
                    .and_then(|()| self.assign(&read.target, value, wait.site));
                if let Err(failure) = result {
                    self.fail(failure);
                    return false;
                }
                self.ports[port].sight.take_block(from..end);
                self.sight_to(port, from, Piece::Line);
                self.sight_to(port, end, Piece::Block);
                self.tally.n_checks += 1;
                let name = read.target.name.as_str().into();
                self.tell_on(port, Some(wait.site), EventKind::Captured { name, value: shown });
                false
            }
            // They look for no pattern, so none is found for them.
            WaitKind::Quiet { .. } | WaitKind::Input { .. } | WaitKind::Count { .. } | WaitKind::Silence { .. } => {
                false
            }
        }
    }

    /// Takes what came up to a silence.
    fn silent(&mut self, port: PortId, read: &SilentRead, site: Site) {
        let sight = &mut self.ports[port].sight;
        let range = sight.read_from..sight.inbox.end();
        sight.take_block(range.clone());
        self.took(port, &read.target, site, range);
    }

    /// Puts the bytes that a read has taken into its variable.
    pub(super) fn took(&mut self, port: PortId, target: &Target, site: Site, range: Range<Offset>) {
        let value = self.part_as_value(port, range.clone());
        self.learn_pieces(port, range.clone());
        let shown = self.named_part(port, range.clone());
        if let Err(failure) = self.assign(target, value, site) {
            return self.fail(failure);
        }
        // What stands before the block has its own lines; then the block as one piece.
        self.sight_to(port, range.start, Piece::Line);
        self.sight_to(port, range.end, Piece::Block);
        self.tally.n_checks += 1;
        self.tell_on(port, Some(site), EventKind::Captured { name: target.name.as_str().into(), value: shown });
    }

    /// Puts what the groups of a pattern found into variables.
    pub(super) fn bind(
        &mut self,
        port: PortId,
        spec: &PatternSpec,
        pattern: &Pattern,
        found: &Range<Offset>,
        line: &Line,
    ) -> Result<(), Box<Failure>> {
        let Some(regex) = pattern.regex() else { return Ok(()) };
        if spec.groups.is_empty() {
            return Ok(());
        }
        let start = line.text.start.min(found.start);
        let groups: Vec<Option<Range<Offset>>> = {
            let end = line.text.end.max(found.end);
            let text = self.ports[port].sight.inbox.slice(start..end);
            let offset = found.start - start;
            let in_line = regex.captures_at(text, offset).filter(|c| c.get(0).is_some_and(|m| m.start() == offset));
            let (captures, from) = match in_line {
                Some(captures) => (Some(captures), start),
                None => (regex.captures(&text[offset..]), start + offset),
            };
            let group =
                |name: &str| captures.as_ref()?.get(regex.group_number(name)?).map(|m| found_at(from, m.range()));
            spec.groups.iter().map(|(name, _)| group(name)).collect()
        };
        for group in groups.iter().flatten() {
            self.learn_pieces(port, group.clone());
        }
        for ((_, target), group) in spec.groups.iter().zip(groups) {
            let value = group.map_or_else(|| Value::text("").into(), |group| self.part_as_value(port, group));
            self.assign(target, value, spec.site)?;
        }
        Ok(())
    }

    /// Tells of a match and of what came up to it.
    fn tell_match(
        &mut self,
        port: PortId,
        (spec, pattern): (&PatternSpec, &Pattern),
        found: Range<Offset>,
        line: &Line,
        waited: Duration,
        then: OpIndex,
    ) {
        let end = match pattern {
            Pattern::Line(_) | Pattern::LineRegex(_) => line.next,
            Pattern::Regex(_) if !self.reads_next(then) => line.next,
            Pattern::Regex(_) | Pattern::Literal(_) | Pattern::Prompt(_) | Pattern::PromptRegex(_) => found.end,
        };
        self.sight_to(port, end, Piece::Line);
        let text = self.named_part(port, found.clone());
        self.tell_on(port, Some(spec.site), EventKind::Matched { pattern: spec.title.clone(), text, waited });
        let line = line.text.start.min(found.start)..line.text.end.max(found.end);
        for (name, target) in &spec.groups {
            let Some(value) = self.flow.get_marked(target.slot) else { continue };
            let value = self.named_group(port, line.clone(), self.covered_octets(value));
            self.tell_on(port, Some(spec.site), EventKind::Captured { name: name.clone(), value });
        }
    }

    /// Returns what a group took out of a line as events show it: it may have taken a piece of a secret.
    fn named_group(&self, port: PortId, line: Range<Offset>, value: Vec<u8>) -> Vec<u8> {
        if value.len() < SHORTEST || self.journal.known().is_empty() {
            return value;
        }
        let found = memchr::memmem::find(self.ports[port].sight.inbox.slice(line.clone()), &value);
        let Some(at) = found.map(|at| line.start + at) else { return value };
        self.named_part(port, at..at + value.len())
    }

    /// Looks again for what a wait wants on ports; returns the wait if it goes on and its deadline has come.
    fn look_again(&mut self, wait: Box<Wait>, mut ports: Vec<PortId>) -> Option<Box<Wait>> {
        self.state = State::Waiting(wait);
        match ports.as_slice() {
            [port] => self.look_at(*port),
            _ => self.look_at_all(&mut ports),
        }
        if matches!(&self.state, State::Waiting(wait) if wait.deadline <= self.now)
            && let State::Waiting(wait) = std::mem::replace(&mut self.state, State::Ready)
        {
            return Some(wait);
        }
        None
    }

    /// Lets a deadline of a wait pass.
    pub(in crate::engine) fn wait_expired(&mut self, wait: Box<Wait>) {
        let due = |engine: &Engine, at: &dyn Fn(&Port) -> Option<Moment>| -> Vec<PortId> {
            wait.ports().filter(|port| at(&engine.ports[*port]).is_some_and(|at| at <= engine.now)).collect()
        };
        let held = due(self, &Port::lets_go_at);
        if !held.is_empty() {
            held.iter().for_each(|port| self.ports[*port].let_go());
            // What is found is in time, though it was held: it came before. If nothing is, the deadline may be due too.
            if let Some(wait) = self.look_again(wait, held) {
                self.wait_expired(wait);
            }
            return;
        }
        let settled = due(self, &Port::unsettled_until);
        if !settled.is_empty() {
            settled.iter().for_each(|port| self.ports[*port].settle());
            // Silence that satisfies the wait comes before its deadline; if it does not, that may be due too.
            if let Some(wait) = self.look_again(wait, settled) {
                self.wait_expired(wait);
            }
            return;
        }
        if wait.quiet_at(&self.ports[wait.port]).is_some_and(|quiet| quiet <= self.now) {
            match &wait.kind {
                WaitKind::Silence { read, .. } => self.silent(wait.port, read, wait.site),
                WaitKind::Quiet { .. }
                | WaitKind::Patterns { .. }
                | WaitKind::Absence { .. }
                | WaitKind::Input { .. }
                | WaitKind::Count { .. }
                | WaitKind::Until { .. } => self.tally.n_checks += 1,
            }
            return;
        }
        if let WaitKind::Input { .. } = wait.kind {
            self.read_lines_if_due(wait.port);
        }
        if wait.deadline > self.now {
            self.state = State::Waiting(wait);
            return;
        }
        let port = wait.port;
        // What is held for the echo came first.
        let held: Vec<PortId> = wait.ports().filter(|port| self.ports[*port].sight.begin_last_look()).collect();
        let wait = if held.is_empty() {
            wait
        } else {
            let wait = self.look_again(wait, held.clone());
            held.into_iter().for_each(|port| self.ports[port].sight.end_last_look());
            let Some(wait) = wait else { return };
            wait
        };
        if let (WaitKind::Absence { wanted, .. }, false) = (&wait.kind, wait.is_bounded) {
            // What stands in the last line has come, whether or not the line has ended.
            if let Some((arm, found, line)) = self.ports[port].sight.look_at_end(wanted) {
                self.found(wait, port, arm, found, line);
                return;
            }
        }
        self.timed_out(&wait);
    }

    /// Ends a wait that nothing in time satisfied.
    pub(super) fn timed_out(&mut self, wait: &Wait) {
        if let (WaitKind::Absence { .. }, false) = (&wait.kind, wait.is_bounded) {
            self.tally.n_checks += 1;
            return self.sight_lines(wait.port);
        }
        self.sight_all();
        if let (WaitKind::Patterns { expect, .. }, false) = (&wait.kind, wait.is_bounded)
            && let Some(otherwise) = expect.timeout
        {
            self.flow.at = otherwise;
            return;
        }
        let failure = self.wait_failure(wait);
        self.fail(failure);
    }
}
