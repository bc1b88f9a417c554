//! `Child`: the program `flowrun` at work for a call: bounded in time and in what is kept of its words.

use std::io::{self, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Job;
use crate::transport::Clock;

/// How much is kept of what a program writes: the first and the last half of it.
const KEPT: usize = 64 * 1024;

/// How often it is looked whether the program has ended.
const LOOK: Duration = Duration::from_millis(50);

/// How long an interrupted flow has for its `finally`.
const GRACE: Duration = Duration::from_secs(30);

/// Why a program was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The agent has cancelled the call, or the server ends.
    Cancelled,
    /// It took too long.
    TimedOut,
}

/// How a program ended.
pub(super) struct Ended {
    /// The exit code; `None` if it had to be killed.
    pub code: Option<i32>,
    pub cut: Option<Cut>,
    pub output: String,
    pub errors: String,
}

/// Runs a program to its end. `look` is called while it runs.
///
/// # Errors
///
/// It cannot be started.
pub(super) fn run(mut command: Command, job: &Job, within: Duration, mut look: impl FnMut(&str)) -> io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    apart(&mut command);
    let mut child = command.spawn()?;
    let output = Kept::of(child.stdout.take());
    let errors = Kept::of(child.stderr.take());
    let clock = Clock::start();
    let mut cut: Option<(Cut, Duration)> = None;
    let status: io::Result<ExitStatus> = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status),
            Ok(None) => {}
            Err(error) => break Err(error),
        }
        look(&output.last_line());
        let now = clock.now().since_start();
        match cut {
            None if job.is_cancelled() || now > within => {
                let why = if job.is_cancelled() { Cut::Cancelled } else { Cut::TimedOut };
                cut = Some((why, now));
                interrupt(&child);
            }
            Some((_, since)) if now > since + GRACE => {
                child.kill()?;
                break child.wait();
            }
            None => job.wait(LOOK),
            // The job would not wait any more.
            Some(_) => thread::park_timeout(LOOK),
        }
    };
    let status = status?;
    let ended =
        Ended { code: status.code(), cut: cut.map(|(why, _)| why), output: output.text(), errors: errors.text() };
    look("");
    Ok(ended)
}

/// Keeps Ctrl-C of the server away from the program: the server passes it on itself.
fn apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(
        command,
        windows_sys::Win32::System::Threading::CREATE_NEW_PROCESS_GROUP,
    );
}

/// Asks a program to end, as Ctrl-C does.
#[cfg(unix)]
fn interrupt(child: &std::process::Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
}

/// Asks a program to end, as Ctrl-Break does.
#[cfg(windows)]
fn interrupt(child: &std::process::Child) {
    use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};
    // SAFETY: the function takes two numbers; the group is that of a child that has not been waited for.
    unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, child.id()) };
}

/// What a program writes, read to its end by a thread.
struct Kept {
    text: Arc<Mutex<Bounded>>,
    reader: Option<JoinHandle<()>>,
}

impl Kept {
    fn of(stream: Option<impl Read + Send + 'static>) -> Kept {
        let text = Arc::new(Mutex::new(Bounded::default()));
        let reader = stream.map(|mut stream| {
            let text = text.clone();
            thread::spawn(move || {
                let mut piece = [0; 8192];
                while let Ok(n) = stream.read(&mut piece) {
                    if n == 0 {
                        break;
                    }
                    text.lock().unwrap_or_else(PoisonError::into_inner).add(&piece[..n]);
                }
            })
        });
        Kept { text, reader }
    }

    fn last_line(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        let tail = String::from_utf8_lossy(&text.tail).into_owned();
        tail.rsplit('\n').find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_string()
    }

    /// Returns the text when the program has closed the stream.
    fn text(mut self) -> String {
        if let Some(reader) = self.reader.take() {
            // A grandchild may hold the stream for as long as it likes: what there is then has to do.
            for _ in 0..40 {
                if reader.is_finished() {
                    break;
                }
                thread::park_timeout(LOOK);
            }
        }
        self.text.lock().unwrap_or_else(PoisonError::into_inner).text()
    }
}

/// The first and the last bytes of a text.
#[derive(Default)]
struct Bounded {
    head: Vec<u8>,
    tail: Vec<u8>,
    n_lost: usize,
}

impl Bounded {
    fn add(&mut self, bytes: &[u8]) {
        let room = (KEPT / 2).saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.tail.extend_from_slice(bytes);
        let surplus = self.tail.len().saturating_sub(KEPT / 2);
        // What the head has is not lost.
        self.tail.drain(..surplus);
        self.n_lost += bytes.len();
    }

    fn text(&self) -> String {
        let n_all = self.n_lost;
        if n_all <= self.tail.len() {
            return String::from_utf8_lossy(&self.tail).into_owned();
        }
        let new_in_tail = (n_all - self.head.len()).min(self.tail.len());
        let tail = &self.tail[self.tail.len() - new_in_tail..];
        let n_left_out = n_all - self.head.len() - new_in_tail;
        let note = if n_left_out > 0 { format!("\n… {n_left_out} bytes are left out …\n") } else { String::new() };
        format!("{}{note}{}", String::from_utf8_lossy(&self.head), String::from_utf8_lossy(tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_of_a_long_text_are_kept_and_a_short_one_is_whole() {
        let kept = |n: usize| {
            let mut text = Bounded::default();
            (0..n).for_each(|at| text.add(format!("{:07}\n", at).as_bytes()));
            text.text()
        };
        let all = |n: usize| (0..n).map(|at| format!("{at:07}\n")).collect::<String>();
        for n in [0, 1, 4095, 4096, 4097, 8192] {
            assert_eq!(kept(n), all(n), "{n} lines");
        }
        let long = kept(10_000);
        assert!(long.starts_with("0000000\n") && long.ends_with("0009999\n"), "both ends are there");
        assert!(long.contains("… 14464 bytes are left out …") && long.len() < KEPT + 100, "{}", long.len());
    }
}
