//! `Program`: a program on a pseudo-terminal, which is a port as long as it runs.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::poll;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, ioctl_fionread};
use rustix::process::{Pid, Signal, ioctl_tiocsctty, kill_process_group, setsid, test_kill_process_group};
use rustix::termios::{Winsize, tcsetwinsize};

use super::deadline::timespec;
use super::medium::{Medium, Progress};
use super::not_open::NotOpen;
use super::pty::create_pair;
use super::wire::{Wire, discard_input};
use super::words::{in_words, no_break};
use crate::address::CommandLine;
use crate::event::CloseReason;
use crate::port::{Capabilities, Capability, PortCommand, ScreenSize};
use crate::settings::LineSettings;
use crate::time::Moment;

/// For so long a program may go on after its terminal was hung up, in steps of [`STEP`].
const GRACE: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(2);

/// For so long the last bytes wait for a program to read them, and then it may act on them.
const READ_WITHIN: Duration = Duration::from_millis(500);
const ACT_WITHIN: Duration = Duration::from_millis(50);

/// For so long the status of a program is waited for that has closed its terminal.
const STATUS_WITHIN: Duration = Duration::from_millis(200);

/// What a program sees of the size of its terminal, as long as nobody says another.
const SIZE: ScreenSize = ScreenSize { rows: 24, columns: 80 };

/// A program that is started when the port is opened.
#[derive(Clone, Debug)]
pub(super) struct Program {
    command: CommandLine,
}

/// A program that runs, and our side of its terminal.
#[derive(Debug)]
pub(super) struct Running {
    terminal: OwnedFd,
    /// What the program's side of it is called.
    path: PathBuf,
    child: Child,
    has_written: bool,
}

impl Program {
    /// Names a program.
    pub(super) fn new(command: &CommandLine) -> Program {
        Program { command: command.clone() }
    }
}

impl Medium for Program {
    type Port = Running;

    const CAPABILITIES: Capabilities = Capabilities::of(&[Capability::DiscardInput]);

    fn open(&mut self, _settings: LineSettings) -> Result<Running, NotOpen> {
        let name = self.command.program();
        start(name, self.command.arguments()).map_err(|error| not_started(name, &error).into())
    }

    fn carry_out(port: &mut Running, command: &PortCommand, _now: Moment) -> Result<Progress, CloseReason> {
        match command {
            PortCommand::DiscardInput => discard_input(port),
            // A program that does not hear of it goes on with the size that it knows.
            PortCommand::Resize { size } => drop(resize(&port.terminal, *size)),
            PortCommand::Open { .. }
            | PortCommand::Reopen { .. }
            | PortCommand::Write { .. }
            | PortCommand::SetLines { .. }
            | PortCommand::ReadLines
            | PortCommand::DriveLines { .. }
            | PortCommand::Break { .. }
            | PortCommand::Reconfigure { .. }
            | PortCommand::DiscardOutput
            | PortCommand::Close => {}
        }
        Ok(Progress::Done)
    }

    fn refusal(command: &PortCommand) -> Option<CloseReason> {
        no_break(command)
    }
}

impl AsFd for Running {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.terminal.as_fd()
    }
}

impl Wire for Running {
    fn begins_now(&self) -> bool {
        true
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        self.has_written = true;
        rustix::io::write(&self.terminal, bytes)
    }

    fn gone(&mut self) -> CloseReason {
        let mut left = STATUS_WITHIN;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return ended(status),
                Ok(None) if left.is_zero() => break,
                Ok(None) => left = pause(left),
                Err(_) => break,
            }
        }
        let reason = "the program closed its terminal and goes on".to_string();
        CloseReason::Broken { reason, help: Some("a port needs a program that stays in the foreground".to_string()) }
    }
}

impl Running {
    fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Whether a process of the program's group is left.
    fn has_processes(&mut self) -> bool {
        // One that has ended counts until somebody asks for its status.
        self.is_running() || test_kill_process_group(Pid::from_child(&self.child)).is_ok()
    }

    /// Lets the program read what was written to it, and act on it: a hang-up would overtake both.
    fn linger(&mut self) {
        let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Ok(its_side) = open(&self.path, flags, Mode::empty()) else { return };
        let (mut left, mut to_act) = (READ_WITHIN, ACT_WITHIN);
        while !left.is_zero() && !to_act.is_zero() && self.is_running() {
            discard_input(&mut self.terminal);
            // The system brings what was written to the other side in its own time.
            let waits = ioctl_fionread(&its_side).is_ok_and(|n| n > 0);
            left = pause(left);
            to_act = if waits { ACT_WITHIN } else { to_act.saturating_sub(STEP) };
        }
    }
}

impl Drop for Running {
    /// Ends the program and what it started: with SIGHUP, as a terminal that is closed does, and then with SIGKILL.
    fn drop(&mut self) {
        let group = Pid::from_child(&self.child);
        if self.has_written {
            self.linger();
        }
        if self.has_processes() {
            // Whoever has ended meanwhile needs no signal. SIGCONT lets those notice that are stopped.
            let _ = kill_process_group(group, Signal::HUP);
            let _ = kill_process_group(group, Signal::CONT);
        }
        let mut left = GRACE;
        while self.has_processes() {
            if left.is_zero() {
                let _ = kill_process_group(group, Signal::KILL);
                break;
            }
            discard_input(&mut self.terminal);
            left = pause(left);
        }
        // SIGKILL cannot be ignored: this returns, and leaves no zombie.
        let _ = self.child.wait();
    }
}

/// Starts a program on a pseudo-terminal of its own, which has the settings of a terminal that was just opened.
fn start(name: &str, arguments: &[impl AsRef<OsStr>]) -> io::Result<Running> {
    let (terminal, its_side, path) = create_pair()?;
    resize(&terminal, SIZE)?;
    let mut command = Command::new(name);
    command.args(arguments);
    command.stdin(Stdio::from(its_side.try_clone()?));
    command.stdout(Stdio::from(its_side.try_clone()?));
    command.stderr(Stdio::from(its_side));
    let lead = || {
        setsid()?;
        // SAFETY: standard input was just made, and stays open.
        ioctl_tiocsctty(unsafe { BorrowedFd::borrow_raw(0) })?;
        Ok(())
    };
    // SAFETY: what runs between fork and exec are two system calls, which allocate nothing and take no lock.
    unsafe { command.pre_exec(lead) };
    let child = command.spawn()?;
    Ok(Running { terminal, path, child, has_written: false })
}

/// Gives a terminal a size; the system tells its program.
fn resize(terminal: &OwnedFd, size: ScreenSize) -> Result<(), Errno> {
    tcsetwinsize(terminal, Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 })
}

/// Returns why a program cannot be started.
#[expect(clippy::wildcard_enum_match_arm, reason = "the system has many kinds of errors, and more to come")]
fn not_started(name: &str, error: &io::Error) -> CloseReason {
    let help = match error.kind() {
        ErrorKind::NotFound if name.contains('/') => format!("is there a file `{name}`?"),
        ErrorKind::NotFound => format!("is `{name}` installed, and in `PATH`? `command -v {name}` asks the same"),
        ErrorKind::PermissionDenied => format!("`chmod +x {name}` lets it be started"),
        _ => "try the same command in a terminal".to_string(),
    };
    CloseReason::CannotOpen { reason: format!("`{name}` cannot be started: {}", in_words(error)), help: Some(help) }
}

/// Returns why a port is closed whose program has ended.
fn ended(status: ExitStatus) -> CloseReason {
    let (reason, help) = match (status.code(), status.signal()) {
        (Some(0), _) => ("the program ended with status 0".to_string(), "a port needs a program that stays"),
        (Some(code), _) => (
            format!("the program ended with status {code}"),
            "what it wrote last says why; try the same command in a terminal",
        ),
        (None, signal) => {
            (format!("signal {} ended the program", signal.unwrap_or_default()), "somebody stopped it, or it crashed")
        }
    };
    CloseReason::Broken { reason, help: Some(help.to_string()) }
}

/// Waits for a step; returns how much is left.
fn pause(left: Duration) -> Duration {
    // An interrupt shortens it, which does no harm.
    let _ = poll(&mut [], Some(&timespec(STEP)));
    left.saturating_sub(STEP)
}

#[cfg(test)]
mod tests;
