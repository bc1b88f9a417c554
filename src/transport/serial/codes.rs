//! What the error numbers of Windows mean for a port, and what to do about them.

use std::io;

use super::missing::help_for_missing;
use super::settings::broken;
use crate::event::CloseReason;
use crate::transport::words::in_words;

/// Of a port that is open, an adapter that is pulled out gives one of several, and none of them means anything else there:
/// `ERROR_FILE_NOT_FOUND`, `ERROR_ACCESS_DENIED`, `ERROR_INVALID_HANDLE`, `ERROR_NOT_READY`, `ERROR_BAD_COMMAND`,
/// `ERROR_GEN_FAILURE`, `ERROR_DEV_NOT_EXIST`, `ERROR_BROKEN_PIPE`, `ERROR_NO_SUCH_DEVICE`, `ERROR_OPERATION_ABORTED`,
/// `ERROR_IO_DEVICE`, `ERROR_DEVICE_NOT_CONNECTED`, `ERROR_DEVICE_REMOVED`.
const GONE: [i32; 13] = [2, 5, 6, 21, 22, 31, 55, 109, 433, 995, 1117, 1167, 1617];
/// There is no port of this name: `ERROR_FILE_NOT_FOUND`, `ERROR_PATH_NOT_FOUND`.
const MISSING: [i32; 2] = [2, 3];
/// Another program has it: `ERROR_ACCESS_DENIED`, `ERROR_SHARING_VIOLATION`, `ERROR_BUSY`.
const TAKEN: [i32; 3] = [5, 32, 170];
/// What is there takes no settings of a line: `ERROR_INVALID_FUNCTION`, `ERROR_INVALID_HANDLE`, `ERROR_NOT_SUPPORTED`,
/// `ERROR_INVALID_PARAMETER`.
const NO_PORT: [i32; 4] = [1, 6, 50, 87];

/// Returns the reason for a port that cannot be opened; `listed` are the ports that the system knows of.
pub(super) fn cannot_open(name: &str, error: &io::Error, listed: Vec<String>) -> CloseReason {
    let (reason, help) = match error.raw_os_error() {
        Some(code) if TAKEN.contains(&code) => {
            (format!("{}: another program has it open", in_words(error)), Some("close the other program".to_string()))
        }
        Some(code) if MISSING.contains(&code) && listed.iter().any(|port| port.eq_ignore_ascii_case(name)) => {
            (in_words(error), Some("the system lists this port, but its device is gone: plug it in again".to_string()))
        }
        Some(code) if MISSING.contains(&code) => (in_words(error), Some(help_for_missing(name, listed))),
        Some(code) if GONE.contains(&code) => {
            (in_words(error), Some("the device does not answer: plug it in again".to_string()))
        }
        Some(_) | None => (in_words(error), None),
    };
    CloseReason::CannotOpen { reason, help }
}

/// Says whether there is no port of this name.
pub(super) fn is_missing(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| MISSING.contains(&code))
}

/// Returns the reason for what could be opened, and could not be asked for the settings of its line.
pub(super) fn cannot_ask(name: &str, error: &io::Error) -> CloseReason {
    if error.raw_os_error().is_some_and(|code| NO_PORT.contains(&code)) {
        return CloseReason::CannotOpen {
            reason: format!("`{name}` is not a serial port"),
            help: Some("name a port such as `COM3`; `flowrun ports` lists them".to_string()),
        };
    }
    cannot_open(name, error, Vec::new())
}

/// Returns the reason for an error of reading or writing.
pub(super) fn lost(error: &io::Error) -> CloseReason {
    match error.raw_os_error() {
        Some(code) if GONE.contains(&code) => CloseReason::unplugged(),
        Some(_) | None => broken(in_words(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: i32) -> io::Error {
        io::Error::from_raw_os_error(code)
    }

    fn help(reason: CloseReason) -> Option<String> {
        let CloseReason::CannotOpen { help, .. } = reason else { panic!("it is {reason:?}") };
        help
    }

    #[test]
    fn a_port_that_is_gone_is_gone_whatever_the_driver_calls_it() {
        for code in [5, 21, 22, 31, 109, 433, 995, 1167, 1617] {
            assert_eq!(lost(&error(code)), CloseReason::unplugged(), "{code}");
        }
        assert!(matches!(lost(&error(121)), CloseReason::Broken { .. }));
        assert!(matches!(lost(&io::ErrorKind::WriteZero.into()), CloseReason::Broken { .. }));
    }

    #[test]
    fn a_port_that_cannot_be_opened_has_one_cause() {
        let listed = || vec!["COM5".to_string()];
        let other = Some("close the other program".to_string());
        assert_eq!(help(cannot_open("COM5", &error(5), listed())), other);
        assert_eq!(help(cannot_open("COM6", &error(32), listed())), other);
        let gone = "the system lists this port, but its device is gone: plug it in again";
        assert_eq!(help(cannot_open("com5", &error(2), listed())).as_deref(), Some(gone));
        assert_eq!(help(cannot_open("COM6", &error(2), listed())).as_deref(), Some("did you mean `COM5`?"));
        let unanswered = "the device does not answer: plug it in again";
        assert_eq!(help(cannot_open("COM5", &error(31), listed())).as_deref(), Some(unanswered));
        assert_eq!(help(cannot_open("COM5", &error(121), listed())), None);
    }

    #[test]
    fn only_a_port_of_which_there_is_none_is_missing() {
        assert!([2, 3].into_iter().all(|code| is_missing(&error(code))));
        assert!([5, 31, 32].into_iter().all(|code| !is_missing(&error(code))));
    }

    #[test]
    fn what_is_no_port_is_said_to_be_none() {
        for code in [1, 6, 50, 87] {
            let CloseReason::CannotOpen { reason, .. } = cannot_ask("NUL", &error(code)) else {
                panic!("it is no port")
            };
            assert_eq!(reason, "`NUL` is not a serial port");
        }
        assert_eq!(help(cannot_ask("COM5", &error(121))), None);
    }
}
