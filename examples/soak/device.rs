//! The chatty devices: pseudo-terminals that talk all the time, answer `AT`, never answer `T`, and note when the host
//! did what it should have done at a certain moment.

use std::io;
use std::mem;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flowrun::time::Moment;
use flowrun::transport::Clock;
use flowrun::value::random::Rng;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
use rustix::io::{Errno, ioctl_fionread, read, write};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// How long the host waits for an answer to `T`; written in `chatty.flow`.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(50);
/// How many lines are said in answer to `FILL`, one by one: flowrun then has had more bytes (twice 256 KiB, for a while),
/// lines and moments of arrival than it ever keeps, so that its memory has no reason to grow any more.
const FILLING: u32 = 20_000;
/// How long a device that fills waits before it looks again whether its host has read the last line.
const PATIENCE: Duration = Duration::from_micros(200);
/// How much waits for a slow host at most; what would come on top is not said.
const WAITING: usize = 64 * 1024;

/// What a device is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// It talks.
    Chatty,
    /// It says nothing, ever.
    Silent,
}

/// All devices, in one thread.
pub(crate) struct Devices {
    clock: Clock,
    temper: Temper,
    devices: Vec<Device>,
    /// A moment of the last round; what was not read in it came later.
    looked: Moment,
}

/// What all devices have seen of their hosts.
#[derive(Debug, Default)]
pub(crate) struct Witnessed {
    /// How many commands were answered.
    pub n_answered: u64,
    /// How many lines were said unasked, and how many could not be said.
    pub n_said: u64,
    pub n_unsaid: u64,
    pub timeouts: Vec<Timeout>,
    /// For each tick: when, and how far it was from its moment, counted from the first tick of its port; in microseconds.
    pub ticks: Vec<(Moment, i64)>,
    /// By how many microseconds this program itself was late with each line unasked: what the machine does to everybody.
    pub own: Vec<i64>,
}

/// One time-out as seen from the device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeout {
    /// When it was over.
    pub at: Moment,
    /// Microseconds between the moments when `T` and what follows the time-out were read, less the time-out.
    pub late: i64,
    /// The same, but from a moment at which `T` had certainly not left the host: negative only if the host was early.
    pub late_at_most: i64,
}

struct Device {
    master: OwnedFd,
    /// Kept open, so that reading is no error while no host is there.
    host_side: OwnedFd,
    path: PathBuf,
    rng: Rng,
    /// What has come of a line.
    heard: Vec<u8>,
    /// What the system has not taken yet.
    unsent: Vec<u8>,
    /// When the next line is said unasked; `None` while it is silent.
    next: Option<Moment>,
    /// How many lines are still to be said in answer to `FILL`.
    filling: u32,
    filled_at: Option<Moment>,
    /// When `T` was read, and a moment before it had been written.
    asked: Option<(Moment, Moment)>,
    first_tick: Option<Moment>,
    witnessed: Witnessed,
}

impl Devices {
    /// Makes so many pseudo-terminals.
    pub(crate) fn new(n: usize, temper: Temper, seed: u64, clock: Clock) -> io::Result<Devices> {
        let device = |i| Device::new(Rng::from_seed(seed.wrapping_mul(1000).wrapping_add(i)));
        let devices = (0..n as u64).map(device).collect::<io::Result<_>>()?;
        Ok(Devices { clock, temper, devices, looked: clock.now() })
    }

    /// Does what the devices do, until that moment.
    pub(crate) fn serve(&mut self, until: Moment) {
        loop {
            let now = self.clock.now();
            for device in &mut self.devices {
                device.fill(now);
                device.chat(now);
            }
            if now >= until {
                return;
            }
            let next = self.devices.iter().filter_map(|device| device.next).min().map_or(until, |next| next.min(until));
            let is_filling = self.devices.iter().any(|device| device.filling > 0);
            let left = if is_filling { next.since(now).min(PATIENCE) } else { next.since(now) };
            let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
            let wanted =
                |device: &Device| if device.unsent.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
            let mut fds: Vec<PollFd<'_>> =
                self.devices.iter().map(|device| PollFd::new(&device.master, wanted(device))).collect();
            wait(&mut fds, timeout);
            let before = mem::replace(&mut self.looked, self.clock.now());
            // Looked at once more: what is not ready now comes after `looked`, however long the first wait was.
            wait(&mut fds, Timespec::default());
            let ready: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
            for (device, ready) in self.devices.iter_mut().zip(ready) {
                if ready.contains(PollFlags::OUT) {
                    device.write_on();
                }
                if ready.contains(PollFlags::IN) {
                    device.hear(before, self.clock, self.temper);
                }
            }
        }
    }

    /// Returns what the hosts open.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.devices.iter().map(|device| device.path.as_path())
    }

    /// Returns when the last device had said enough to fill what a host keeps; `None` if one has not.
    pub(crate) fn filled_at(&self) -> Option<Moment> {
        self.devices.iter().map(|device| device.filled_at).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Returns what all of them have seen.
    pub(crate) fn witnessed(self) -> Witnessed {
        let mut all = Witnessed::default();
        for Device { witnessed, .. } in self.devices {
            all.n_answered += witnessed.n_answered;
            all.n_said += witnessed.n_said;
            all.n_unsaid += witnessed.n_unsaid;
            all.timeouts.extend(witnessed.timeouts);
            all.ticks.extend(witnessed.ticks);
            all.own.extend(witnessed.own);
        }
        all
    }
}

impl Device {
    fn new(rng: Rng) -> io::Result<Device> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = PathBuf::from(ptsname(&master, Vec::new())?.into_string().map_err(io::Error::other)?);
        let host_side = open(&path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        let mut modes = tcgetattr(&host_side)?;
        modes.make_raw();
        tcsetattr(&host_side, OptionalActions::Now, &modes)?;
        fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
        Ok(Device {
            master,
            host_side,
            path,
            rng,
            heard: Vec::new(),
            unsent: Vec::new(),
            next: None,
            filling: 0,
            filled_at: None,
            asked: None,
            first_tick: None,
            witnessed: Witnessed::default(),
        })
    }

    /// Says what is due unasked.
    fn chat(&mut self, now: Moment) {
        while let Some(next) = self.next.filter(|next| *next <= now) {
            let line = match self.rng.below(20) {
                0 => format!("+CREG: {}\r\n", self.rng.below(6)),
                _ => self.log_line(next, 20..80),
            };
            if self.unsent.len() < WAITING {
                self.witnessed.n_said += 1;
                self.say(&line);
            } else {
                self.witnessed.n_unsaid += 1;
            }
            self.witnessed.own.push(micros(now - next));
            self.next = Some(next + Duration::from_millis(20 + self.rng.below(160)));
        }
    }

    /// Says the next line of those that fill, if the last has been read: each is to arrive by itself.
    fn fill(&mut self, now: Moment) {
        if self.filling == 0 || !ioctl_fionread(&self.host_side).is_ok_and(|n| n == 0) {
            return;
        }
        self.filling -= 1;
        let line = self.log_line(now, 8..38);
        self.say(&line);
        if self.filling == 0 {
            self.say("FILLED\r\n");
            self.filled_at = Some(now);
            self.next = Some(now);
        }
    }

    fn log_line(&mut self, now: Moment, length: Range<u64>) -> String {
        let length = (length.start + self.rng.below(length.end - length.start)) as usize;
        format!("[{:>12.6}] {}\r\n", now.since_start().as_secs_f64(), self.rng.text(length))
    }

    /// Takes what has come, which was written after `before`.
    fn hear(&mut self, before: Moment, clock: Clock, temper: Temper) {
        let mut bytes = [0; 4096];
        // No host, or nothing after all: both are looked at again.
        let Ok(n) = read(&self.master, &mut bytes) else { return };
        let now = clock.now();
        for byte in &bytes[..n] {
            if *byte != b'\r' {
                self.heard.push(*byte);
                continue;
            }
            let line = String::from_utf8_lossy(&mem::take(&mut self.heard)).into_owned();
            if temper == Temper::Chatty {
                self.answer(&line, before, now);
            }
        }
    }

    fn answer(&mut self, line: &str, before: Moment, now: Moment) {
        match line {
            "AT" => self.reply("OK\r\n"),
            "AT+CSQ" => {
                let signal = self.rng.below(32);
                self.reply(&format!("+CSQ: {signal},0\r\n\r\nOK\r\n"));
            }
            "T" => self.asked = Some((now, before)),
            "U" => {
                let Some((asked, before)) = self.asked.take() else { return };
                let late = |since: Moment| micros(now - since) - micros(TIMEOUT);
                self.witnessed.timeouts.push(Timeout { at: now, late: late(asked), late_at_most: late(before) });
            }
            "FILL" => self.filling = FILLING,
            "BYE" => {
                self.next = None;
                self.reply("BYE\r\n");
            }
            other => {
                let Some(n) = other.strip_prefix("TICK ").and_then(|n| n.parse().ok()) else { return };
                let first = *self.first_tick.get_or_insert(now);
                let off = micros(now - first) - micros(Duration::from_secs(n));
                self.witnessed.ticks.push((now, off));
            }
        }
    }

    fn reply(&mut self, text: &str) {
        self.witnessed.n_answered += 1;
        self.say(text);
    }

    fn say(&mut self, text: &str) {
        self.unsent.extend_from_slice(text.as_bytes());
        if self.unsent.len() == text.len() {
            self.write_on();
        }
    }

    fn write_on(&mut self) {
        // What is not taken now waits until there is room.
        if let Ok(n) = write(&self.master, &self.unsent) {
            self.unsent.drain(..n);
        }
    }
}

fn wait(fds: &mut [PollFd<'_>], timeout: Timespec) {
    match poll(fds, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => panic!("the devices cannot wait: {errno}"),
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
