//! `hook`: a program on this machine, or the simulated device, does something for the flow; the line is served meanwhile.

use crate::diagnostic::Code;
use crate::engine::hooking::Hooking;
use crate::engine::limits::HOOK_OUTPUT;
use crate::engine::{Action, Engine, State};
use crate::event::{EventKind, Failure, HookCall, HookEnd, HookNews};
use crate::program::Hook;
use crate::source::Site;
use crate::time::show_duration;

impl Engine {
    /// Has a hook run.
    pub(super) fn hook(&mut self, hook: &Hook, site: Site) -> Result<(), Box<Failure>> {
        let within = self.within(hook.within.as_ref())?;
        let mut shown = format!("hook {}", hook.name);
        let mut arguments = Vec::with_capacity(hook.arguments.len());
        for argument in &hook.arguments {
            let argument = self.eval(argument)?;
            shown.push_str(&format!(" \"{}\"", self.shown(&argument)));
            arguments.push(argument.value.show());
        }
        self.note(shown);
        let (until, is_bounded) = self.bounded(within);
        let hooking = Hooking::new(hook.name.clone(), site, self.now, (until, is_bounded));
        self.state = State::Hooking(Box::new(hooking));
        self.journal.act(Action::Hook(HookCall { name: hook.name.clone(), arguments }));
        self.look();
        Ok(())
    }

    /// Takes what a hook has to tell, also while a handler runs.
    pub(in crate::engine) fn hook_told(&mut self, news: HookNews) {
        let hooking =
            if let State::Hooking(hooking) = &mut self.state { Some(&mut **hooking) } else { self.flow.hooking() };
        let Some(hooking) = hooking else { return };
        let site = hooking.site;
        match news {
            HookNews::Said(bytes) => {
                for text in hooking.take(&bytes) {
                    self.tell(Some(site), EventKind::HookSaid { text });
                }
            }
            HookNews::LeftOut(n) => hooking.n_left_out += n,
            HookNews::Ended(end) => {
                hooking.end.get_or_insert(end);
                if matches!(self.state, State::Hooking(_)) {
                    self.catch_up();
                }
            }
        }
    }

    /// Goes on after a hook, if it has ended.
    pub(in crate::engine) fn go_on_hooking(&mut self, mut hooking: Box<Hooking>) {
        let Some(end) = hooking.end.take() else {
            self.state = State::Hooking(hooking);
            return;
        };
        self.tell_rest(&mut hooking);
        if let HookEnd::Failed { why, help } = end {
            let message = format!("{} {why}", hooking.title());
            let failure = self.failure_at(Code::RunHook, hooking.site, message, "did not do it").with_cause(help);
            self.fail(failure);
        }
    }

    /// Fails a hook that takes too long. The world ends it, for the engine does not wait for it any more.
    pub(in crate::engine) fn hook_expired(&mut self, mut hooking: Hooking) {
        if hooking.is_full() {
            // How much more it writes is known when it has ended.
            self.note(format!("{} wrote more than {} KiB: the rest is left out", hooking.title(), HOOK_OUTPUT >> 10));
        } else {
            self.tell_rest(&mut hooking);
        }
        let failure = if hooking.is_bounded {
            self.step_timeout(hooking.site, "the hook still ran here")
        } else {
            let waited = show_duration(self.now - hooking.begun);
            let message = format!("{} did not end within {waited}", hooking.title());
            let cause = "flowrun ends it then: if it needs more time, write `within 60s` at the end of the statement";
            self.failure_at(Code::RunTimeout, hooking.site, message, "waited here").with_cause(cause)
        };
        self.fail(failure);
    }

    /// Tells the last line that a hook wrote, and how much is left out. A line that is cut may end in the middle of a secret, which
    /// nobody would find: it is left out.
    fn tell_rest(&mut self, hooking: &mut Hooking) {
        let text = hooking.take_line();
        let n_left_out = hooking.n_left_out;
        if n_left_out > 0 {
            let n = n_left_out + text.len();
            self.note(format!("{} wrote {n} bytes more, which are left out", hooking.title()));
        } else if !text.is_empty() {
            self.tell(Some(hooking.site), EventKind::HookSaid { text });
        }
    }
}
