//! RS-485: the driver switches the transmitter on with RTS, for as long as it sends.

use super::{Kind, Port};
use crate::event::CloseReason;
use crate::settings::ControlLine;

impl Port {
    /// Has the driver switch the transmitter, or leaves that to others, as the settings say.
    ///
    /// # Errors
    ///
    /// The driver of this port cannot do it.
    pub(super) fn set_rs485(&mut self) -> Result<(), CloseReason> {
        let is_on = match self.settings.rs485.mode {
            ControlLine::Keep => return Ok(()),
            ControlLine::On => true,
            ControlLine::Off => false,
        };
        let set = match self.kind {
            Kind::Hardware => self.ask_for_rs485(is_on),
            Kind::Pseudo => Err("a pseudo-terminal has no transmitter".to_string()),
        };
        // What cannot be on is off.
        if is_on { set.map_err(|why| refused(&why)) } else { Ok(()) }
    }

    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm")))]
    fn ask_for_rs485(&mut self, is_on: bool) -> Result<(), String> {
        use std::os::fd::AsFd;

        use rustix::io::Errno;
        use rustix::ioctl::{Updater, ioctl};

        use crate::transport::words::in_words;

        const TIOCGRS485: u32 = 0x542E;
        const TIOCSRS485: u32 = 0x542F;
        const NOT_KNOWN: [Errno; 4] = [Errno::NOTTY, Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP];
        let refused = |errno: Errno| {
            let is_known = !NOT_KNOWN.contains(&errno);
            if is_known { in_words(&errno.into()) } else { "its driver does not know it".to_string() }
        };
        let mut found = kernel::Rs485::default();
        // SAFETY: TIOCGRS485 fills in this structure; this is its number on this system.
        unsafe { ioctl(self.as_fd(), Updater::<TIOCGRS485, kernel::Rs485>::new(&mut found)) }.map_err(refused)?;
        let mut wanted = kernel::wanted(&found, is_on, &self.settings.rs485);
        // SAFETY: TIOCSRS485 reads this structure and fills in what it made of it; this is its number on this system.
        unsafe { ioctl(self.as_fd(), Updater::<TIOCSRS485, kernel::Rs485>::new(&mut wanted)) }.map_err(refused)?;
        // SAFETY: as above.
        unsafe { ioctl(self.as_fd(), Updater::<TIOCGRS485, kernel::Rs485>::new(&mut found)) }.map_err(refused)?;
        if found.is_enabled() == is_on { Ok(()) } else { Err("its driver did not do it".to_string()) }
    }

    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm"))))]
    fn ask_for_rs485(&mut self, _is_on: bool) -> Result<(), String> {
        Err("this system has no call for it".to_string())
    }
}

fn refused(why: &str) -> CloseReason {
    CloseReason::Broken {
        reason: format!("`rs485 on` has no effect on this port: {why}"),
        help: Some(
            "an adapter that switches its transmitter by itself needs no `rs485`: leave it out, or take \
             `--serial rs485=keep`"
                .to_string(),
        ),
    }
}

/// The structure of the kernel (`linux/serial.h`), and what is made of it.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm")))]
mod kernel {
    use crate::settings;

    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub(super) struct Rs485 {
        pub(super) flags: u32,
        /// In milliseconds.
        pub(super) before: u32,
        pub(super) after: u32,
        rest: [u32; 5],
    }

    pub(super) const ENABLED: u32 = 1;
    pub(super) const RTS_ON_SEND: u32 = 1 << 1;
    pub(super) const RTS_AFTER_SEND: u32 = 1 << 2;

    impl Rs485 {
        pub(super) fn is_enabled(&self) -> bool {
            self.flags & ENABLED != 0
        }
    }

    /// Returns what the driver is told: RTS is on while it sends and off afterwards. What flowrun has no setting for stays as
    /// it was found.
    pub(super) fn wanted(found: &Rs485, is_on: bool, settings: &settings::Rs485) -> Rs485 {
        if !is_on {
            return Rs485 { flags: found.flags & !ENABLED, ..found.clone() };
        }
        let flags = (found.flags & !RTS_AFTER_SEND) | ENABLED | RTS_ON_SEND;
        let millis = |delay: std::time::Duration| delay.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u32::MAX);
        Rs485 { flags, before: millis(settings.before), after: millis(settings.after), ..found.clone() }
    }

    #[cfg(test)]
    mod tests {
        use std::time::Duration;

        use super::*;
        use crate::settings::ControlLine;

        #[test]
        fn the_structure_is_as_large_as_that_of_the_kernel() {
            assert_eq!(size_of::<Rs485>(), 32);
        }

        #[test]
        fn rts_is_on_while_the_driver_sends_and_what_else_was_set_stays() {
            let found = Rs485 { flags: RTS_AFTER_SEND | 1 << 4, ..Rs485::default() };
            let settings = settings::Rs485 {
                mode: ControlLine::On,
                before: Duration::from_micros(1500),
                after: Duration::from_millis(3),
            };
            let on = wanted(&found, true, &settings);
            assert_eq!((on.flags, on.before, on.after), (ENABLED | RTS_ON_SEND | 1 << 4, 2, 3));
            let off = wanted(&on, false, &settings);
            assert!(on.is_enabled() && !off.is_enabled());
            assert_eq!((off.before, off.after), (2, 3));
        }
    }
}
