//! What a serial port leaves behind when it is closed: DTR and RTS, if a flow says how they are to be.

use std::time::Duration;

use rustix::event::poll;
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};

use super::Port;
use crate::settings::AtClose;
use crate::transport::deadline::timespec;

/// How often it looks whether bytes still leave, at least.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Port {
    /// Leaves DTR and RTS as the settings say, once everything has left that was written before. A port that cannot do it is
    /// closed all the same.
    pub(super) fn leave_lines(&mut self) {
        let (dtr, rts) = (self.settings.dtr_at_close, self.settings.rts_at_close);
        if (dtr, rts) == (AtClose::System, AtClose::System) {
            return;
        }
        self.let_bytes_leave();
        if (dtr.outlasts() || rts.outlasts())
            && let Ok(mut modes) = tcgetattr(&self)
        {
            modes.control_modes.remove(ControlModes::HUPCL);
            let _ = tcsetattr(&self, OptionalActions::Now, &modes);
        }
        let _ = self.set_lines(dtr.wanted(), rts.wanted());
    }

    /// Waits until all bytes have left, as long as they get fewer.
    fn let_bytes_leave(&mut self) {
        let mut left = u32::MAX;
        loop {
            let still = self.n_leaving();
            if still == 0 || still >= left {
                return;
            }
            left = still;
            let pause = (self.settings.character_time() * still).max(LOOK_AGAIN).min(5 * LOOK_AGAIN);
            // What comes of it does not matter: nothing is watched.
            let _ = poll(&mut [], Some(&timespec(pause)));
        }
    }
}
