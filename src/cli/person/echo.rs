//! Whether the terminal shows what is typed: hidden for a secret, and shown again however the run ends.

#[cfg(unix)]
pub(super) use unix::{discard, hide, show};
#[cfg(windows)]
pub(super) use windows::{discard, hide, show};

#[cfg(unix)]
mod unix {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::stdio::stdin;
    use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

    use crate::transport::at_signal;

    /// How the terminal was before the first secret was asked for. A signal that ends the process at once has nothing else to
    /// find it by.
    static BEFORE: OnceLock<Termios> = OnceLock::new();
    /// Whether the terminal is hiding.
    static IS_HIDDEN: AtomicBool = AtomicBool::new(false);

    /// Shows nothing of what is typed but the end of the line. If the terminal does not allow it, all is shown.
    pub(in crate::cli::person) fn hide() {
        let Ok(now) = tcgetattr(stdin()) else { return };
        let before = BEFORE.get_or_init(|| {
            at_signal(show);
            now
        });
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        IS_HIDDEN.store(true, Ordering::SeqCst);
        let _ = tcsetattr(stdin(), OptionalActions::Now, &hidden);
    }

    /// Shows again what is typed; a signal handler may do so, for it allocates nothing and waits for nobody.
    pub(in crate::cli::person) fn show() {
        if let Some(before) = BEFORE.get()
            && IS_HIDDEN.swap(false, Ordering::SeqCst)
        {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }

    /// Throws away what was typed and not read, a line that is not ended as well.
    pub(in crate::cli::person) fn discard() {
        let _ = tcflush(stdin(), QueueSelector::IFlush);
    }
}

#[cfg(windows)]
mod windows {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use windows_sys::Win32::System::Console::{
        CONSOLE_MODE, ENABLE_ECHO_INPUT, FlushConsoleInputBuffer, GetConsoleMode, GetStdHandle, STD_INPUT_HANDLE,
        SetConsoleMode,
    };

    use crate::transport::at_signal;

    /// How the console was before the first secret was asked for.
    static BEFORE: OnceLock<CONSOLE_MODE> = OnceLock::new();
    /// Whether the console is hiding.
    static IS_HIDDEN: AtomicBool = AtomicBool::new(false);

    /// Shows nothing of what is typed. If the console does not allow it, all is shown.
    pub(in crate::cli::person) fn hide() {
        let mut now = 0;
        // SAFETY: the handle is asked for here, and the mode is written to a variable that lives as long as the call.
        if unsafe { GetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), &mut now) } == 0 {
            return;
        }
        let before = *BEFORE.get_or_init(|| {
            at_signal(show);
            now
        });
        IS_HIDDEN.store(true, Ordering::SeqCst);
        set(before & !ENABLE_ECHO_INPUT);
    }

    /// Shows again what is typed.
    pub(in crate::cli::person) fn show() {
        if let Some(before) = BEFORE.get()
            && IS_HIDDEN.swap(false, Ordering::SeqCst)
        {
            set(*before);
        }
    }

    /// Throws away what was typed and not read.
    pub(in crate::cli::person) fn discard() {
        // SAFETY: the handle is asked for here; the call takes nothing else.
        unsafe { FlushConsoleInputBuffer(GetStdHandle(STD_INPUT_HANDLE)) };
    }

    fn set(mode: CONSOLE_MODE) {
        // SAFETY: the handle is asked for here, and the mode is a number.
        unsafe { SetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), mode) };
    }
}
