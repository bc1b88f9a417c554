//! `Process`: the program of one hook: what it writes, how it ends, and its end before that.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, pipe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::engine::limits::HOOK_OUTPUT;
use crate::event::{HookEnd, HookNews};

/// For so long the last of what a program wrote is waited for after its end: something that it started may hold its output open.
const LAST_OUTPUT: Duration = Duration::from_millis(50);

/// A program that runs.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    heard: Arc<Heard>,
    /// How it ended, once it has.
    status: Option<ExitStatus>,
}

/// What a program wrote and nobody has fetched.
#[derive(Debug, Default)]
struct Heard {
    kept: Mutex<Kept>,
    is_over: Condvar,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    /// How much was kept in all.
    n_kept: usize,
    /// How much was not.
    n_left_out: usize,
    is_over: bool,
}

impl Heard {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    /// Starts a program in a folder: without input, and in a process group of its own, which Ctrl-C does not reach.
    ///
    /// # Errors
    ///
    /// Why it cannot be started.
    pub(super) fn start(words: &[Vec<u8>], folder: &Path) -> Result<Process, HookEnd> {
        let words: Vec<OsString> = words.iter().map(|word| os_string(word)).collect();
        let (program, arguments) = words.split_first().expect("a hook has a program: that was checked");
        let is_path = Path::new(program).components().count() > 1;
        let path = if is_path { folder.join(program) } else { PathBuf::from(program) };
        let mut command = Command::new(&path);
        command.args(arguments).current_dir(folder).stdin(Stdio::null());
        run_apart(&mut command);
        let started = started(command);
        let (child, output) = started.map_err(|error| not_started(&program.to_string_lossy(), is_path, &error))?;
        let heard = Arc::new(Heard::default());
        let ear = heard.clone();
        thread::spawn(move || listen(output, &ear));
        Ok(Process { child, heard, status: None })
    }

    /// Returns what it has to tell; the end is the last.
    pub(super) fn news(&mut self) -> Option<HookNews> {
        let has_ended = self.has_ended();
        let mut kept = self.heard.kept();
        if has_ended && !kept.is_over {
            let waited = self.heard.is_over.wait_timeout_while(kept, LAST_OUTPUT, |kept| !kept.is_over);
            kept = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if !kept.bytes.is_empty() {
            return Some(HookNews::Said(std::mem::take(&mut kept.bytes)));
        }
        let status = self.status?;
        if kept.n_left_out > 0 {
            return Some(HookNews::LeftOut(std::mem::take(&mut kept.n_left_out)));
        }
        Some(HookNews::Ended(end_of(status)))
    }

    fn has_ended(&mut self) -> bool {
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap_or_default();
        }
        self.status.is_some()
    }
}

impl Drop for Process {
    /// Ends the program and what it started, unless it has ended by itself.
    fn drop(&mut self) {
        if !self.has_ended() {
            end(self);
            // Nothing can ignore this end, so it leaves no zombie.
            let _ = self.child.wait();
        }
    }
}

/// Starts a program; returns it, and what it writes to its standard output and error.
fn started(mut command: Command) -> io::Result<(Child, io::PipeReader)> {
    let (output, input) = pipe()?;
    command.stdout(input.try_clone()?).stderr(input);
    Ok((command.spawn()?, output))
}

/// Keeps the beginning of what a program writes, and reads on: a program is never held up.
fn listen(mut output: impl Read, heard: &Heard) {
    let mut bytes = [0; 4096];
    loop {
        match output.read(&mut bytes) {
            Ok(0) => break,
            Ok(n) => {
                let mut kept = heard.kept();
                let n_taken = n.min(HOOK_OUTPUT - kept.n_kept);
                kept.bytes.extend_from_slice(&bytes[..n_taken]);
                kept.n_kept += n_taken;
                kept.n_left_out += n - n_taken;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    heard.kept().is_over = true;
    heard.is_over.notify_all();
}

/// Returns how a hook ends whose program ended so.
fn end_of(status: ExitStatus) -> HookEnd {
    let failed = |why: String, help: &str| HookEnd::Failed { why, help: help.to_string() };
    match status.code() {
        Some(0) => HookEnd::Done,
        Some(code) => failed(
            format!("ended with status {code}"),
            "what its program wrote says why; try the same command in a terminal",
        ),
        None => failed(format!("was ended by {}", signal_of(status)), "somebody stopped its program, or it crashed"),
    }
}

/// Returns why a program cannot be started.
#[expect(clippy::wildcard_enum_match_arm, reason = "the system has many kinds of errors, and more to come")]
fn not_started(program: &str, is_path: bool, error: &io::Error) -> HookEnd {
    let help = match error.kind() {
        ErrorKind::NotFound if is_path => {
            format!("is there a file `{program}`? A path counts from the folder of `flowrun.toml`")
        }
        ErrorKind::NotFound => format!("is `{program}` installed, and in `PATH`?"),
        ErrorKind::PermissionDenied => format!("`chmod +x {program}` lets it be started"),
        ErrorKind::InvalidInput => "a value that the statement gives has a NUL in it".to_string(),
        _ => "try the same command in a terminal".to_string(),
    };
    let text = error.to_string();
    let text = text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words);
    HookEnd::Failed { why: format!("cannot start `{program}`: {text}"), help }
}

#[cfg(unix)]
fn os_string(word: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(word.to_vec())
}

#[cfg(not(unix))]
fn os_string(word: &[u8]) -> OsString {
    String::from_utf8_lossy(word).into_owned().into()
}

#[cfg(unix)]
fn run_apart(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(windows)]
fn run_apart(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    format!("signal {}", status.signal().unwrap_or_default())
}

#[cfg(not(unix))]
fn signal_of(_status: ExitStatus) -> String {
    "the system".to_string()
}

/// Ends a program and what it started: with SIGTERM, and with SIGKILL a moment later.
#[cfg(unix)]
fn end(process: &mut Process) {
    use rustix::process::{Pid, Signal, kill_process_group};
    const GRACE: Duration = Duration::from_millis(200);
    let group = Pid::from_child(&process.child);
    // Who has ended meanwhile needs no signal. SIGCONT lets those notice that are stopped.
    let _ = kill_process_group(group, Signal::TERM);
    let _ = kill_process_group(group, Signal::CONT);
    // Its output is closed when all of them are gone. Until then nobody has asked for its status: the group has its number.
    let kept = process.heard.kept();
    drop(process.heard.is_over.wait_timeout_while(kept, GRACE, |kept| !kept.is_over));
    let _ = kill_process_group(group, Signal::KILL);
}

#[cfg(windows)]
fn end(process: &mut Process) {
    let _ = process.child.kill();
}
