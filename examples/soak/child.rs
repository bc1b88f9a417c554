//! A process that is watched from outside: how much memory it holds, how long it has computed, how often it was woken.

use std::fs;
use std::io;
use std::process::{self, Command};
use std::time::Duration;

/// How many ticks of a processor's time make a second in what Linux tells of a process.
const TICKS: u64 = 100;

/// A process that was started.
pub(crate) struct Child {
    process: process::Child,
}

/// What is known of a process at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// How long after its start.
    pub at: Duration,
    /// What it holds in memory, in bytes; 0 when it has ended.
    pub resident: u64,
    /// How long it has computed, user and system.
    pub cpu: Duration,
    /// How often it went to sleep by itself, which is how often it was woken.
    pub n_woken: u64,
}

impl Child {
    /// Starts a command.
    pub(crate) fn start(mut command: Command) -> io::Result<Child> {
        Ok(Child { process: command.spawn()? })
    }

    /// Returns what is known of the process now. It may have ended, as long as nobody has asked for its code.
    pub(crate) fn sample(&self, at: Duration) -> Sample {
        let status = self.read("status");
        Sample {
            at,
            resident: named(&status, "VmRSS:") * 1024,
            cpu: self.cpu(),
            n_woken: named(&status, "voluntary_ctxt_switches:"),
        }
    }

    /// Returns whether the process has ended; it stays known until its code is asked for.
    pub(crate) fn has_ended(&self) -> bool {
        self.fields().first().is_none_or(|state| state == "Z")
    }

    /// Waits for the end and returns the exit code; `None` if a signal has ended it.
    pub(crate) fn code(&mut self) -> Option<i32> {
        self.process.wait().ok()?.code()
    }

    /// Returns the time computed: exactly if the system tells of it, else in hundredths of a second.
    fn cpu(&self) -> Duration {
        let fields = self.fields();
        let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        let coarse = Duration::from_millis((ticks(11) + ticks(12)) * 1000 / TICKS);
        let exact =
            fs::read_dir(format!("/proc/{}/task", self.process.id())).into_iter().flatten().flatten().map(|task| {
                let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
                text.split(' ').next().and_then(|ns| ns.parse().ok()).map_or(Duration::ZERO, Duration::from_nanos)
            });
        coarse.max(exact.sum())
    }

    /// Returns the fields of `/proc/PID/stat` from the third on, the state: the second may hold anything.
    fn fields(&self) -> Vec<String> {
        let text = self.read("stat");
        let behind = text.rsplit_once(") ").map_or("", |(_, behind)| behind);
        behind.split_whitespace().map(str::to_string).collect()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.process.id())).unwrap_or_default()
    }
}

impl Sample {
    /// Returns the first sample taken when that time had passed.
    pub(crate) fn at(samples: &[Sample], at: Duration) -> Option<&Sample> {
        samples.iter().find(|sample| sample.at >= at)
    }
}

impl Drop for Child {
    /// Ends what is still running.
    fn drop(&mut self) {
        // It may have ended before: then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the number behind a name at the beginning of a line.
fn named(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
