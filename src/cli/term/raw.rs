//! The terminal of the user: raw while keys go out at once, and as it was before however the session ends.

#[cfg(unix)]
pub(in crate::cli) use unix::{enter, leave, rest, size, write};
#[cfg(windows)]
pub(in crate::cli) use windows::{enter, leave, rest, size, write};

use std::sync::atomic::{AtomicBool, Ordering};

use crate::term::{LEAVE_OTHER_SCREEN, RESET};

/// Whether the screen has obeyed sequences of a device, which a panic has to undo.
static OWES_RESET: AtomicBool = AtomicBool::new(false);

/// Takes note that the screen has obeyed sequences of a device.
pub(super) fn owes_reset() {
    OWES_RESET.store(true, Ordering::Relaxed);
}

/// Restores the terminal when it is dropped, and when the process panics.
pub(in crate::cli) struct Restored;

impl Restored {
    /// Has the terminal restored at the end of the session, before a panic is told, and when a signal ends the process.
    pub(in crate::cli) fn at_the_end() -> Restored {
        crate::transport::at_signal(leave);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            if OWES_RESET.swap(false, Ordering::SeqCst) {
                // Nobody is left who could be told.
                let _ = write(LEAVE_OTHER_SCREEN).and_then(|()| write(RESET));
            }
            before(panic);
        }));
        Restored
    }
}

impl Drop for Restored {
    fn drop(&mut self) {
        leave();
    }
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU8, Ordering};

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    use rustix::stdio::{stdin, stdout};
    use rustix::termios::{OptionalActions, OutputModes, Termios, tcgetattr, tcgetwinsize, tcsetattr};

    use crate::port::ScreenSize;

    /// How the terminal was before. A signal that ends the process has nothing else to find it by.
    static BEFORE: OnceLock<Termios> = OnceLock::new();

    /// How the terminal is wanted.
    static WANTED: AtomicU8 = AtomicU8::new(BEFORE_ALL);
    const BEFORE_ALL: u8 = 0;
    const RAW: u8 = 1;
    const RAW_WITH_LINES: u8 = 2;

    /// Makes the terminal raw: every key comes at once, and what is written stays as it is.
    ///
    /// # Errors
    ///
    /// Standard input is no terminal, or does not allow it.
    pub(in crate::cli) fn enter() -> io::Result<()> {
        let now = tcgetattr(stdin())?;
        BEFORE.get_or_init(|| now);
        WANTED.store(RAW, Ordering::SeqCst);
        apply(RAW).map_err(io::Error::from)
    }

    /// Makes line ends that are written begin a new line again, while somebody else writes; keys still come at once.
    pub(in crate::cli) fn rest() {
        WANTED.store(RAW_WITH_LINES, Ordering::SeqCst);
        let _ = apply(RAW_WITH_LINES);
    }

    /// Restores the terminal; a signal handler may do so, for it allocates nothing and waits for nobody.
    pub(in crate::cli) fn leave() {
        let _ = apply(BEFORE_ALL);
    }

    /// Makes the terminal what it was before [`leave`]; a signal handler may do so too.
    pub(in crate::cli) fn back() {
        let _ = apply(WANTED.load(Ordering::SeqCst));
    }

    fn apply(how: u8) -> Result<(), Errno> {
        let Some(before) = BEFORE.get() else { return Ok(()) };
        let mut wanted = before.clone();
        if how != BEFORE_ALL {
            wanted.make_raw();
        }
        if how == RAW_WITH_LINES {
            wanted.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
        }
        tcsetattr(stdin(), OptionalActions::Now, &wanted)
    }

    /// Returns how large the terminal is.
    pub(in crate::cli) fn size() -> Option<ScreenSize> {
        let size = tcgetwinsize(stdout()).ok()?;
        let size = ScreenSize { rows: size.ws_row, columns: size.ws_col };
        (size.rows > 0 && size.columns > 0).then_some(size)
    }

    /// Writes to standard output, in as few calls as the system allows.
    ///
    /// # Errors
    ///
    /// Nobody reads it any more.
    pub(in crate::cli) fn write(mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(stdout(), bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(Errno::INTR) => {}
                // Somebody else made it so that it does not block.
                Err(Errno::AGAIN) => {
                    let out = stdout();
                    let _ = poll(&mut [PollFd::new(&out, PollFlags::OUT)], None);
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
pub(in crate::cli) use unix::back;

#[cfg(windows)]
mod windows {
    use std::io::{self, Write};
    use std::sync::OnceLock;

    use windows_sys::Win32::System::Console::{
        CONSOLE_MODE, CONSOLE_SCREEN_BUFFER_INFO, DISABLE_NEWLINE_AUTO_RETURN, ENABLE_PROCESSED_OUTPUT,
        ENABLE_VIRTUAL_TERMINAL_INPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING, GetConsoleMode, GetConsoleScreenBufferInfo,
        GetStdHandle, STD_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetConsoleMode,
    };

    use crate::port::ScreenSize;

    /// How the console was before: what is read, and what is written.
    static BEFORE: OnceLock<(Option<CONSOLE_MODE>, Option<CONSOLE_MODE>)> = OnceLock::new();

    const OUTPUT: CONSOLE_MODE = ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;

    /// Makes the console raw: every key comes at once, as the sequences of a terminal.
    ///
    /// # Errors
    ///
    /// Standard input is no console, or does not allow it.
    pub(in crate::cli) fn enter() -> io::Result<()> {
        BEFORE.get_or_init(|| (mode(STD_INPUT_HANDLE), mode(STD_OUTPUT_HANDLE)));
        if !set(STD_INPUT_HANDLE, ENABLE_VIRTUAL_TERMINAL_INPUT) {
            return Err(io::Error::last_os_error());
        }
        set(STD_OUTPUT_HANDLE, OUTPUT | DISABLE_NEWLINE_AUTO_RETURN);
        Ok(())
    }

    /// Makes line ends that are written begin a new line again, while somebody else writes.
    pub(in crate::cli) fn rest() {
        set(STD_OUTPUT_HANDLE, OUTPUT);
    }

    /// Restores the console.
    pub(in crate::cli) fn leave() {
        let Some((input, output)) = BEFORE.get() else { return };
        if let Some(input) = input {
            set(STD_INPUT_HANDLE, *input);
        }
        if let Some(output) = output {
            set(STD_OUTPUT_HANDLE, *output);
        }
    }

    /// Returns how large the console is.
    pub(in crate::cli) fn size() -> Option<ScreenSize> {
        // SAFETY: the structure has numbers only, for which zero is right.
        let mut size: CONSOLE_SCREEN_BUFFER_INFO = unsafe { std::mem::zeroed() };
        // SAFETY: the handle is asked for here, and the structure lives as long as the call.
        let found = unsafe { GetConsoleScreenBufferInfo(GetStdHandle(STD_OUTPUT_HANDLE), &mut size) };
        let window = size.srWindow;
        let from_to = |from: i16, to: i16| u16::try_from(i32::from(to) - i32::from(from) + 1).ok().filter(|n| *n > 0);
        let (rows, columns) = (from_to(window.Top, window.Bottom)?, from_to(window.Left, window.Right)?);
        (found != 0).then_some(ScreenSize { rows, columns })
    }

    /// Writes to standard output.
    ///
    /// # Errors
    ///
    /// Nobody reads it any more.
    pub(in crate::cli) fn write(bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        // A console takes text only.
        let text = String::from_utf8_lossy(bytes);
        let bytes = if mode(STD_OUTPUT_HANDLE).is_some() { text.as_bytes() } else { bytes };
        out.write_all(bytes).and_then(|()| out.flush())
    }

    fn mode(handle: STD_HANDLE) -> Option<CONSOLE_MODE> {
        let mut mode = 0;
        // SAFETY: the handle is asked for here, and the mode is written to a variable that lives as long as the call.
        let found = unsafe { GetConsoleMode(GetStdHandle(handle), &mut mode) };
        (found != 0).then_some(mode)
    }

    fn set(handle: STD_HANDLE, mode: CONSOLE_MODE) -> bool {
        // SAFETY: the handle is asked for here, and the mode is a number.
        unsafe { SetConsoleMode(GetStdHandle(handle), mode) != 0 }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::io::{ErrorKind, Read};
    use std::os::fd::OwnedFd;
    use std::process::{Command, Stdio};

    use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};

    use super::*;

    /// Tells a process that it is the one to panic.
    const PANICS: &str = "FLOWRUN_THIS_TEST_PANICS";

    /// Makes a pseudo-terminal: both its ends.
    fn pair() -> (File, OwnedFd) {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a pseudo-terminal");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("its other end can be opened");
        fcntl_setfl(&ours, OFlags::NONBLOCK).expect("it is open");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        (File::from(ours), open(name, flags, Mode::empty()).expect("it can be opened"))
    }

    #[test]
    fn a_panic_restores_the_terminal_and_then_says_why() {
        if std::env::var_os(PANICS).is_some() {
            // Nothing drops it: what restores the terminal is the panic.
            Box::leak(Box::new(Restored::at_the_end()));
            enter().expect("standard input is a terminal");
            owes_reset();
            let modes = tcgetattr(rustix::stdio::stdin()).expect("it is a terminal").local_modes;
            assert!(modes.contains(LocalModes::ICANON), "the terminal is raw");
        }
        let (mut terminal, side) = pair();
        let before = tcgetattr(&side).expect("it is a terminal");
        let end = || Stdio::from(side.try_clone().expect("a descriptor is left"));
        let status = Command::new(std::env::current_exe().expect("this is a program"))
            .args(["--exact", "cli::term::raw::tests::a_panic_restores_the_terminal_and_then_says_why", "--nocapture"])
            .env(PANICS, "1")
            .env("RUST_BACKTRACE", "0")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .status()
            .expect("it can be started");
        let after = tcgetattr(&side).expect("it is a terminal");
        let mut shown = Vec::new();
        let read = terminal.read_to_end(&mut shown);
        assert!(read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "there is no more");
        let shown = String::from_utf8_lossy(&shown);
        let (reset, why) = (shown.find("\x1b[?1049l"), shown.find("the terminal is raw"));
        assert!(!status.success() && reset.is_some() && reset < why, "{shown}");
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
    }
}
