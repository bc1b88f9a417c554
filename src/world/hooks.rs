//! `Hooks`: what runs the hooks of a flow on this machine, and how a session looks after it.

use std::time::Duration;

use super::{Session, World};
use crate::event::{HookCall, HookEnd, HookNews};
use crate::port::Happening;
use crate::time::Moment;

/// How often a hook that runs is looked at.
const HOOK_POLL: Duration = Duration::from_millis(10);

/// Runs hooks, one at a time.
pub trait Hooks {
    /// Begins to run a hook. What goes wrong with that is its end.
    fn begin(&mut self, call: HookCall);

    /// Returns what the hook that runs has to tell, in order; the end is the last. Never blocks.
    fn news(&mut self) -> Option<HookNews>;

    /// Ends the hook that runs, with everything that it started.
    fn end(&mut self);
}

impl Session<'_> {
    /// Has a hook run by the world, or on this machine.
    pub(super) fn begin_hook(&mut self, call: HookCall, world: &mut dyn World) {
        self.end_hook();
        if let Some(tap) = &mut self.company.tap {
            tap.hooked(&call);
        }
        if world.takes_hook(&call) {
            return;
        }
        match &mut self.company.hooks {
            Some(hooks) => {
                hooks.begin(call);
                self.is_hooking = true;
            }
            None => {
                let why = "cannot run here: no program is named for it".to_string();
                let help = "`flowrun FLOW --port …` reads `flowrun.toml`".to_string();
                self.take_hook(HookNews::Ended(HookEnd::Failed { why, help }));
            }
        }
    }

    /// Takes what the hook that runs has to tell, or ends it if nobody waits for it any more; returns whether there was anything.
    pub(super) fn take_hook_news(&mut self) -> bool {
        if self.is_hooking && !self.engine.is_hooking() {
            self.end_hook();
        }
        if !self.is_hooking {
            return false;
        }
        let Some(news) = self.company.hooks.as_mut().and_then(|hooks| hooks.news()) else { return false };
        self.is_hooking = !matches!(news, HookNews::Ended(_));
        self.take_hook(news);
        true
    }

    /// Returns when a wait is to end at the latest: a hook that runs is looked at.
    pub(super) fn until_hook(&self, until: Option<Moment>) -> Option<Moment> {
        if !self.is_hooking {
            return until;
        }
        let look_at = self.engine.now() + HOOK_POLL;
        Some(until.map_or(look_at, |until| until.min(look_at)))
    }

    /// Ends the hook that runs, if one does.
    pub(super) fn end_hook(&mut self) {
        if std::mem::take(&mut self.is_hooking)
            && let Some(hooks) = &mut self.company.hooks
        {
            hooks.end();
        }
    }

    fn take_hook(&mut self, news: HookNews) {
        let now = self.engine.now();
        self.take(now, Happening::Hook(news), &[]);
    }
}
