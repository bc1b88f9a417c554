//! `hook`: a program on this machine, or the simulated device, does something for the flow; the line is served meanwhile.

use crate::diagnostic::Code;
use crate::engine::limits::HOOK_OUTPUT;
use crate::engine::{Action, Engine, State};
use crate::event::{EventKind, Failure, HookCall, HookEnd, HookNews};
use crate::program::Hook;
use crate::source::Site;
use crate::time::{Moment, show_duration};

/// A hook that runs.
#[derive(Debug)]
pub(in crate::engine) struct Hooking {
    pub site: Site,
    /// When its time is over.
    pub until: Moment,
    name: String,
    begun: Moment,
    /// Whether its time is that of a step.
    is_bounded: bool,
    /// The beginning of a line that it wrote.
    line: Vec<u8>,
    /// How much it wrote that is told or in `line`.
    n_said: usize,
    /// How much it wrote that is not.
    n_left_out: usize,
    /// How it ended, until that is dealt with: a handler may run.
    end: Option<HookEnd>,
}

impl Hooking {
    /// Returns what messages call it.
    pub(in crate::engine) fn title(&self) -> String {
        format!("the hook `{}`", self.name)
    }

    /// Takes what it wrote; returns the lines that are whole, without their ends.
    fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let room = HOOK_OUTPUT - self.n_said;
        let (taken, rest) = bytes.split_at(bytes.len().min(room));
        self.n_said += taken.len();
        self.n_left_out += rest.len();
        let mut lines = Vec::new();
        for byte in taken {
            match byte {
                b'\n' => lines.push(self.take_line()),
                byte => self.line.push(*byte),
            }
        }
        lines
    }

    fn take_line(&mut self) -> Vec<u8> {
        let mut line = std::mem::take(&mut self.line);
        line.pop_if(|last| *last == b'\r');
        line
    }
}

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
        self.state = State::Hooking(Box::new(Hooking {
            site,
            until,
            name: hook.name.clone(),
            begun: self.now,
            is_bounded,
            line: Vec::new(),
            n_said: 0,
            n_left_out: 0,
            end: None,
        }));
        self.journal.act(Action::Hook(HookCall { name: hook.name.clone(), arguments }));
        self.look();
        Ok(())
    }

    /// Takes what a hook has to tell, also while a handler runs.
    pub(in crate::engine) fn hook_told(&mut self, news: HookNews) {
        let hooking = if let State::Hooking(hooking) = &mut self.state { Some(&mut **hooking) } else { self.flow.hooking() };
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
        self.tell_rest(&mut hooking);
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
