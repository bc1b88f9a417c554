//! `Interrupt`: the wish of someone outside that the run ends, seen by every wait at once.

use std::io;
#[cfg(any(windows, test))]
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

#[cfg(any(windows, test))]
use super::bell::Bell;
use super::clock::Clock;

/// The exit code of a process that was interrupted twice.
const EXIT_CODE: i32 = 130;

/// Signals that come so soon after the first are the same wish: a terminal that is closed, and systemd, send two at once.
const SAME_WISH: Duration = Duration::from_millis(500);

/// The one that the signals raise: a process has one handler for them, whatever else is not global.
static INSTALLED: Mutex<Option<Interrupt>> = Mutex::new(None);

/// When the first signal came.
#[derive(Debug)]
struct First {
    /// Since this moment times are counted.
    clock: Clock,
    /// In milliseconds, and one more; 0 if there was none.
    at: AtomicU64,
}

impl First {
    fn new() -> First {
        First { clock: Clock::start(), at: AtomicU64::new(0) }
    }

    /// Takes note of a signal that comes now; returns whether it is another wish than the first. It does only what a signal
    /// handler may: to read the clock is one system call at most.
    fn is_over(&self) -> bool {
        self.is_over_at(self.clock.now().since_start())
    }

    fn is_over_at(&self, now: Duration) -> bool {
        let now = now.as_millis() as u64 + 1;
        match self.at.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => false,
            Err(first) => now.saturating_sub(first) >= SAME_WISH.as_millis() as u64,
        }
    }
}

/// What is done at once when a signal comes, before anything else: a second one ends the process, and what is not restored then
/// stays as it is.
static AT_SIGNAL: OnceLock<fn()> = OnceLock::new();

/// Has this done when a signal asks the process to end. It may do only what a signal handler may; the first call counts.
pub fn at_signal(restore: fn()) {
    let _ = AT_SIGNAL.set(restore);
}

/// Has a byte written to this pipe when the terminal has another size and when the process goes on after a stop. `leave` is
/// called before it stops, and `back` when it goes on. Both may do only what a signal handler may; the pipe does not block.
///
/// # Errors
///
/// The system refuses a handler.
#[cfg(unix)]
pub(super) fn at_job_control(pipe: Arc<std::os::fd::OwnedFd>, leave: fn(), back: fn()) -> io::Result<()> {
    use rustix::process::{Signal, getpid, kill_process};
    use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};
    use signal_hook::low_level::register;
    // A full pipe wakes its reader all the same.
    let tell = move || {
        let _ = rustix::io::write(&*pipe, b"!");
    };
    let again = tell.clone();
    let stop = move || {
        leave();
        let _ = kill_process(getpid(), Signal::STOP);
    };
    let go_on = move || {
        back();
        again();
    };
    // SAFETY: what the handlers do are system calls that a handler may make: `leave` and `back` promise so, and the rest are
    // `write` and `kill`. The handlers stay for as long as the process does, so nothing in them is dropped.
    unsafe {
        register(SIGTSTP, stop)?;
        register(SIGCONT, go_on)?;
        register(SIGWINCH, tell)?;
    }
    Ok(())
}

fn restore() {
    if let Some(restore) = AT_SIGNAL.get() {
        restore();
    }
}

/// Says whether someone wants the run to end. Clones are the same interrupt; once raised it stays so.
#[derive(Clone, Debug)]
pub struct Interrupt {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    is_raised: AtomicBool,
    #[cfg(unix)]
    pipe: Pipe,
    /// What it rings when it is raised.
    #[cfg(any(windows, test))]
    bells: Mutex<Vec<Weak<Bell>>>,
}

/// Becomes readable when the interrupt is raised, and is never read: every poll sees it.
#[cfg(unix)]
#[derive(Debug)]
struct Pipe {
    reader: std::os::fd::OwnedFd,
    writer: std::os::fd::OwnedFd,
}

impl Interrupt {
    /// Makes an interrupt that only [`Interrupt::raise`] raises.
    ///
    /// # Errors
    ///
    /// The system has no descriptors left.
    pub fn new() -> io::Result<Interrupt> {
        #[cfg(unix)]
        let pipe = {
            use rustix::fs::{OFlags, fcntl_setfl};
            use rustix::io::{FdFlags, fcntl_setfd};
            // macOS has no call that does all of it.
            let (reader, writer) = rustix::pipe::pipe()?;
            fcntl_setfd(&reader, FdFlags::CLOEXEC)?;
            fcntl_setfd(&writer, FdFlags::CLOEXEC)?;
            fcntl_setfl(&writer, OFlags::NONBLOCK)?;
            Pipe { reader, writer }
        };
        let shared = Shared {
            is_raised: AtomicBool::new(false),
            #[cfg(unix)]
            pipe,
            #[cfg(any(windows, test))]
            bells: Mutex::default(),
        };
        Ok(Interrupt { shared: Arc::new(shared) })
    }

    /// Returns the interrupt that Ctrl-C, SIGTERM, SIGHUP or the closing of the console raise; the same
    /// one every time.
    ///
    /// When they come a second time, half a second later or more, the process ends at once with exit code 130.
    ///
    /// # Errors
    ///
    /// The system refuses the handler, or someone else in this process has installed one.
    pub fn installed() -> io::Result<Interrupt> {
        let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interrupt) = &*installed {
            return Ok(interrupt.clone());
        }
        let interrupt = Interrupt::new()?;
        interrupt.install()?;
        *installed = Some(interrupt.clone());
        Ok(interrupt)
    }

    /// Lets the signals that ask a process to end raise it: what they do is no more than to set a flag and to write to
    /// the pipe.
    #[cfg(unix)]
    fn install(&self) -> io::Result<()> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        use signal_hook::low_level;
        let first = Arc::new(First::new());
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let (first, interrupt) = (first.clone(), self.clone());
            let handle = move || {
                restore();
                if first.is_over() {
                    low_level::exit(EXIT_CODE);
                }
                interrupt.wake();
            };
            // SAFETY: what is restored is restored by system calls that a handler may make, see `at_signal`; the clock is read,
            // and the process ends, in ways that a handler may; `wake` sets a flag and makes one system call. The handler stays
            // for as long as the process does, so nothing in it is dropped.
            unsafe { low_level::register(signal, handle) }?;
        }
        Ok(())
    }

    /// Lets the events of the console that ask a process to end raise it, from a thread that Windows makes for them.
    #[cfg(not(unix))]
    fn install(&self) -> io::Result<()> {
        let of_handler = self.clone();
        let first = First::new();
        let handle = move || {
            restore();
            if first.is_over() {
                std::process::exit(EXIT_CODE);
            }
            of_handler.raise();
        };
        ctrlc::set_handler(handle).map_err(io::Error::other)
    }

    /// Raises it: every wait that shares it ends.
    pub fn raise(&self) {
        self.wake();
        #[cfg(any(windows, test))]
        for bell in self.bells().iter().filter_map(Weak::upgrade) {
            bell.ring_for_interrupt();
        }
    }

    /// Sets the flag, and wakes whoever waits for the pipe: both may be done in a signal handler.
    fn wake(&self) {
        self.shared.is_raised.store(true, Ordering::SeqCst);
        // A full pipe is readable, which is all that is wanted.
        #[cfg(unix)]
        let _ = rustix::io::write(&self.shared.pipe.writer, b"!");
    }

    /// Rings this bell too when it is raised, as long as there is someone who waits for it.
    #[cfg(any(windows, test))]
    pub(super) fn rings(&self, bell: &Arc<Bell>) {
        let mut bells = self.bells();
        bells.retain(|bell| bell.strong_count() > 0);
        bells.push(Arc::downgrade(bell));
    }

    #[cfg(any(windows, test))]
    fn bells(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Bell>>> {
        self.shared.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether it has been raised.
    pub fn is_raised(&self) -> bool {
        self.shared.is_raised.load(Ordering::SeqCst)
    }

    /// Waits for so long, or until it is raised; returns whether it has been.
    pub(crate) fn is_raised_within(&self, span: Duration) -> bool {
        #[cfg(unix)]
        {
            use rustix::event::{PollFd, PollFlags, poll};
            let mut watched = [PollFd::from_borrowed_fd(self.descriptor(), PollFlags::IN)];
            // A signal ends the wait early, which is no harm.
            let _ = poll(&mut watched, Some(&super::deadline::timespec(span)));
        }
        #[cfg(not(unix))]
        {
            let bell = Arc::new(Bell::default());
            self.rings(&bell);
            // What is raised from here on rings it.
            if !self.is_raised() {
                bell.wait(Some(span), &mut Vec::new());
            }
        }
        self.is_raised()
    }

    /// Returns what a poll has to watch.
    #[cfg(unix)]
    pub(super) fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.shared.pipe.reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_signals_at_one_moment_are_one_wish() {
        let first = First::new();
        let over = |ms| first.is_over_at(Duration::from_millis(ms));
        assert_eq!([over(0), over(0), over(499), over(500), over(9000)], [false, false, false, true, true]);
    }

    #[test]
    fn clones_are_the_same_interrupt() {
        let interrupt = Interrupt::new().expect("a pipe");
        let other = interrupt.clone();
        assert!(!other.is_raised());
        assert!(!other.is_raised_within(Duration::ZERO));
        interrupt.raise();
        assert!(other.is_raised() && other.is_raised_within(Duration::from_secs(3600)), "nobody waits any more");
    }
}
