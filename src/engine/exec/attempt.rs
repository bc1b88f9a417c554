//! Attempts at a step: how each begins, and whether a further one makes sense.

use std::sync::Arc;

use crate::diagnostic::Label;
use crate::engine::Engine;
use crate::engine::State;
use crate::engine::flow::Step;
use crate::engine::look::tripwire::{SetFor, Sprung, Tripwire};
use crate::engine::watched::Active;
use crate::event::{EventKind, Failure};
use crate::pattern::Pattern;
use crate::port::PortId;
use crate::program::{Reach, Refusal, WatcherKind};

/// What a tripwire notices on a port: a pattern and its number.
type Noticed = (PortId, (usize, Pattern));

impl Engine {
    /// Makes ready what a line must not say for a further attempt at a step: each on its port, with its number.
    pub(super) fn ready_unless(&mut self, unless: &[Refusal]) -> Result<Vec<Noticed>, Box<Failure>> {
        let mut ready = Vec::with_capacity(unless.len());
        for (number, refusal) in unless.iter().enumerate() {
            ready.push((refusal.port.unwrap_or(self.flow.port), (number, self.ready(&refusal.pattern)?)));
        }
        Ok(ready)
    }

    /// Begins the first attempt at the innermost step, after which a line that fits one of these forbids a further one.
    pub(super) fn begin_first_attempt(&mut self, unless: &[Noticed]) {
        if !unless.is_empty() {
            self.set_tripwire(SetFor::Attempts(self.flow.n_scopes()), unless);
        }
        self.begin_attempt();
    }

    /// Begins the next attempt at the innermost step.
    fn begin_attempt(&mut self) {
        let depth = self.flow.step_depth().saturating_sub(1);
        let now = self.now;
        let Some(step) = self.flow.innermost_step() else { return };
        step.attempt += 1;
        step.began = now;
        let (title, attempt, attempts, site) = (step.title.clone(), step.attempt, step.attempts, step.site);
        self.flow.at = step.body;
        if attempt > 1 {
            self.sight_all();
            let set_for = SetFor::Attempts(self.flow.n_scopes());
            for port in self.ports.iter_mut() {
                port.sight.pass_over();
                port.sight.inbox.reset_tripwire(set_for);
            }
        }
        self.state = State::Ready;
        self.tell(Some(site), EventKind::StepBegan { title, attempt, attempts, depth });
    }

    /// Begins a further attempt when the pause before it is over, unless something came that forbids it.
    pub(in crate::engine) fn try_again(&mut self) {
        let depth = self.flow.n_scopes();
        self.ports.iter_mut().for_each(|port| port.sight.trip_open_lines());
        let forbidden = self.final_watcher_in_pause(depth).or_else(|| self.refusal_in_pause());
        self.remove_tripwire(SetFor::Pause(depth));
        match forbidden {
            Some(failure) => {
                // It is nobody's answer.
                self.sight_all();
                self.ports.iter_mut().for_each(|port| port.sight.pass_over());
                self.fail(failure);
            }
            None => self.begin_attempt(),
        }
    }

    /// Looks out for what ends the run while a further attempt is waited for: nobody else looks at what comes then.
    pub(super) fn watch_pause(&mut self) {
        let program = self.program.clone();
        let mut ready: Vec<Noticed> = Vec::new();
        for port in self.ports.ids() {
            let actives: Vec<Active> = self.flow.watching(port).collect();
            for active in actives {
                let watcher = &program.watchers[active.watcher];
                if matches!(watcher.kind, WatcherKind::FailOn { reach: Reach::Run, .. })
                    && let Ok(pattern) = self.ready(&watcher.pattern)
                {
                    ready.push((port, (active.watcher, pattern)));
                }
            }
        }
        if !ready.is_empty() {
            self.set_tripwire(SetFor::Pause(self.flow.n_scopes()), &ready);
        }
    }

    /// Whether a further attempt is made at a step that has failed. If a line forbids it the failure says so.
    pub(super) fn tries_again(&mut self, step: &mut Step, failure: &mut Failure) -> bool {
        if failure.ends_run || step.attempt >= step.attempts || !self.may_try_again() {
            return false;
        }
        if step.refused.is_none() {
            step.refused = self.refusal(SetFor::Attempts(self.flow.n_scopes() + 1), &step.unless);
        }
        match &step.refused {
            Some(refused) => {
                if self.is_being_tried() {
                    // Nothing else tells of the failure.
                    self.note(refused.text.clone());
                }
                if !failure.others.contains(refused) {
                    failure.others.push(refused.clone());
                }
                false
            }
            None => true,
        }
    }

    /// Takes note of the steps around the present statement that no further attempt is made at.
    pub(super) fn note_refusals(&mut self) {
        for (depth, unless) in self.flow.open_unless() {
            if let Some(refused) = self.refusal(SetFor::Attempts(depth), &unless) {
                self.flow.refuse(depth, refused);
            }
        }
    }

    /// Forgets what the attempts at a step were watched for.
    pub(super) fn end_attempts(&mut self, step: &Step, depth: usize) {
        if step.attempts > 1 || !step.unless.is_empty() {
            self.remove_tripwire(SetFor::Attempts(depth));
            self.remove_tripwire(SetFor::Pause(depth));
        }
    }

    fn final_watcher_in_pause(&mut self, depth: usize) -> Option<Box<Failure>> {
        let (port, Sprung { number, line }) = self.sprung(SetFor::Pause(depth))?;
        let active = self.flow.watching(port).find(|active| active.watcher == number)?;
        Some(self.fail_on(active, &line, None))
    }

    fn refusal_in_pause(&mut self) -> Option<Box<Failure>> {
        self.note_refusals();
        let step = self.flow.innermost_step()?;
        step.refused.as_ref()?;
        step.last_failure.take()
    }

    /// Returns what is said of a step whose `unless` has come.
    fn refusal(&self, set_for: SetFor, unless: &Arc<[Refusal]>) -> Option<Label> {
        if unless.is_empty() {
            return None;
        }
        let (port, sprung) = self.sprung(set_for)?;
        let refusal = &unless[sprung.number];
        let is_kept = !self.ports[port].sight.inbox.slice(sprung.line.clone()).is_empty();
        let came = match is_kept {
            true => format!("`{}` came{}", self.cut_part(port, sprung.line, 120), self.on_port(port)),
            false => format!("it came{}", self.on_port(port)),
        };
        Some(Label::new(refusal.pattern.site, format!("no further attempt: {came}")))
    }

    /// Returns what a tripwire has noticed, on the first port where it did.
    fn sprung(&self, set_for: SetFor) -> Option<(PortId, Sprung)> {
        self.ports.ids().find_map(|port| {
            let sprung = self.ports[port].sight.sprung(set_for)?;
            Some((port, sprung))
        })
    }

    fn set_tripwire(&mut self, set_for: SetFor, ready: &[Noticed]) {
        for port in self.ports.ids() {
            let patterns: Vec<_> = ready.iter().filter(|(on, _)| *on == port).map(|(_, known)| known.clone()).collect();
            if !patterns.is_empty() {
                let inbox = &mut self.ports[port].sight.inbox;
                let from = inbox.end();
                inbox.set_tripwire(Tripwire::new(set_for, patterns, from));
            }
        }
    }

    fn remove_tripwire(&mut self, set_for: SetFor) {
        self.ports.iter_mut().for_each(|port| port.sight.inbox.remove_tripwire(set_for));
    }
}
