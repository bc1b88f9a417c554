//! How long the system is asked to wait for a deadline, so that it is exact.

use std::time::Duration;

use rustix::event::Timespec;

/// How much before a deadline a long wait ends first.
///
/// A processor that slept for long wakes up slowly: some 0.15 ms late on virtual machines. The short wait for the rest ends
/// within 0.03 ms, since the system does not let the processor sleep deeply for so little. It costs one more system call for
/// a deadline that passes, and none where something happens before.
const APPROACH: Duration = Duration::from_micros(200);

/// Returns how long to wait at first, if so much time is left until a deadline: a wait that is short already is not cut.
pub(super) fn first_part(left: Duration) -> Duration {
    if left > 8 * APPROACH { left - APPROACH } else { left }
}

/// Returns a length of time as the system wants it.
pub(super) fn timespec(span: Duration) -> Timespec {
    Timespec { tv_sec: i64::try_from(span.as_secs()).unwrap_or(i64::MAX), tv_nsec: span.subsec_nanos().into() }
}

/// Asks Linux not to add its usual 50 µs to every deadline of this thread. A system that refuses is only less exact.
pub(super) fn sharpen_timers() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}
