//! `Dialect`: what kind of device speaks, and which library of `std/` knows it.

use std::sync::Arc;
use std::time::Duration;

use super::merge::Exchange;
use super::session::{HeardKind, plain, shown};
use crate::pattern::{Fit, Regex};

/// What kind of device speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// AT commands that end with CR.
    At,
    /// AT commands that end with CR LF, as Espressif's firmware wants them.
    Esp,
    /// U-Boot's command line.
    UBoot,
    /// A shell on a Linux console.
    Linux,
    /// Any other.
    Other,
}

/// What is known of a dialect.
#[derive(Debug)]
pub(super) struct Manners {
    pub dialect: Dialect,
    /// The library that a flow uses.
    pub library: Option<&'static str>,
    /// What follows most lines, and what follows unless the flow says otherwise.
    pub end: &'static str,
    pub default_end: &'static str,
    /// How long a wait lasts unless it says otherwise.
    pub patience: Duration,
    chatter: Arc<Regex>,
    last: Arc<Regex>,
}

/// What `std/at` and `std/esp` pass over.
const CHATTER: &str = r"^(\+C(G|E)?REG: ?\d(,.*)?|\+C(TZV|TZE|GEV|IEV|USD|MTI|DS|MT|BM|SQN): ?.*|\+NITZ: .*|\*PSUTTZ: .*|DST: .*|\^MODE: .*|RING|Call Ready|SMS Ready|SMS DONE|\+PBREADY|WIFI (CONNECTED|GOT IP)|STA_(DIS)?CONNECTED:.*|DIST_STA_IP:.*)$";

/// What ends the answer to a command.
const LAST: &str =
    r"^(OK|ERROR|\+CM[ES] ERROR: .*|NO CARRIER|NO DIALTONE|NO ANSWER|BUSY|CONNECT.*|SEND OK|SEND FAIL|FAIL|SHUT OK)$";

/// What the libraries fail on, and no wait names.
const FAILS_AT: &str = r"^(ERROR|\+CM[ES] ERROR: .*|NO CARRIER|NO DIALTONE|NO ANSWER|BUSY)$";
const FAILS_ESP: &str = r"^(ERROR|FAIL|SEND FAIL|ERR CODE:0x[0-9a-fA-F]+|ready)$";
const FAILS_UBOOT: &str = r"^(U-Boot( SPL| TPL)? \d{4}\.\d\d.*|Unknown command '.*' - try 'help'.*|## Error: .*|### ERROR ### Please RESET the board ###.*)$";

impl Manners {
    /// Returns how a device speaks, by what was sent to it at `baud` and what came.
    pub(super) fn of(exchanges: &[&Exchange], line: &str) -> Manners {
        let dialect = dialect_of(exchanges);
        let made = |regex: &str| Regex::new(regex, "", Fit::Within).expect("it is a regex of this file");
        let end = usual_end(exchanges);
        let (library, of_library, fails, patience) = match dialect {
            Dialect::At => ("std/at", "\r", FAILS_AT, 5),
            Dialect::Esp => ("std/esp", "\r\n", FAILS_ESP, 5),
            Dialect::UBoot => ("std/uboot", "\n", FAILS_UBOOT, 30),
            Dialect::Linux => ("std/linux", "\n", "^.*Kernel panic - not syncing.*$", 10),
            Dialect::Other => ("", "\r", "^$", 5),
        };
        // `std/esp` says which speed it means.
        let fits_speed = dialect != Dialect::Esp || line.starts_with("115200 ");
        let fails = made(fails);
        // What the library takes for a failure and the flow does not wait for would end it.
        let unnamed = exchanges.iter().any(|exchange| exchange.has_left_out && exchange.answers.is_empty());
        let fails_alone = exchanges.iter().flat_map(|exchange| &exchange.answers).any(|answer| {
            answer.kind != HeardKind::Line && answer.variants.iter().any(|line| fails.is_match(&shown(line)))
        });
        // What it said before anything was sent is not waited for line by line.
        let starts =
            exchanges.iter().filter(|exchange| exchange.sent.is_empty()).flat_map(|exchange| &exchange.answers);
        let fails_alone =
            fails_alone || starts.flat_map(|answer| &answer.variants).any(|line| fails.is_match(&shown(line)));
        let is_fit = end == of_library && fits_speed && !unnamed && !fails_alone && dialect != Dialect::Other;
        Manners {
            dialect,
            library: is_fit.then_some(library),
            end,
            default_end: if is_fit { of_library } else { "\r" },
            patience: Duration::from_secs(if is_fit { patience } else { 5 }),
            chatter: made(CHATTER),
            last: made(LAST),
        }
    }

    /// Whether a library passes over this line.
    pub(super) fn is_chatter(&self, line: &[u8]) -> bool {
        matches!(self.dialect, Dialect::At | Dialect::Esp) && self.library.is_some() && self.chatter.is_match(line)
    }

    /// Whether a line ends the answer to a command.
    pub(super) fn is_last(&self, line: &[u8]) -> bool {
        matches!(self.dialect, Dialect::At | Dialect::Esp) && self.last.is_match(line)
    }
}

/// Returns what most lines ended with.
fn usual_end(exchanges: &[&Exchange]) -> &'static str {
    let count =
        |end: &str| exchanges.iter().flat_map(|exchange| exchange.sent.first()).filter(|sent| sent.end == end).count();
    ["\r", "\n", "\r\n"].into_iter().rev().max_by_key(|end| count(end)).filter(|end| count(end) > 0).unwrap_or("\r")
}

fn dialect_of(exchanges: &[&Exchange]) -> Dialect {
    let lines = || exchanges.iter().filter_map(|exchange| exchange.sent.first()).filter(|sent| !sent.end.is_empty());
    let n_lines = lines().count();
    let is_at = |text: &[u8]| text.get(..2).is_some_and(|lead| lead.eq_ignore_ascii_case(b"AT"));
    let n_at = lines().filter(|sent| is_at(&shown(&sent.text))).count();
    let answers = |line: &[u8]| {
        exchanges
            .iter()
            .flat_map(|exchange| &exchange.answers)
            .any(|answer| plain(&answer.variants[0]).as_deref() == Some(line))
    };
    let is_prompted =
        |exchange: &&&Exchange| exchange.answers.last().is_some_and(|answer| answer.kind == HeardKind::Rest);
    let n_prompted = exchanges.iter().filter(is_prompted).count();
    if n_at > 0 && n_at * 2 >= n_lines && n_prompted * 2 < n_lines && (answers(b"OK") || answers(b"ERROR")) {
        let is_own = |text: &[u8]| {
            [&b"AT+CW"[..], b"AT+GMR", b"AT+CIPSTA", b"AT+MQTT", b"AT+SYS"].iter().any(|own| text.starts_with(own))
        };
        let is_esp = usual_end(exchanges) == "\r\n" && lines().any(|sent| is_own(&shown(&sent.text)));
        return if is_esp { Dialect::Esp } else { Dialect::At };
    }
    let prompts = || {
        let answers = exchanges.iter().flat_map(|exchange| &exchange.answers);
        answers.filter(|answer| answer.kind == HeardKind::Rest).filter_map(|answer| plain(&answer.variants[0]))
    };
    if prompts().any(|text| matches!(&text[..], b"=> " | b"U-Boot> ")) {
        Dialect::UBoot
    } else if n_lines > 0
        && prompts().filter(|text| text.ends_with(b"# ") || text.ends_with(b"$ ")).count() * 2 > n_lines
    {
        Dialect::Linux
    } else {
        Dialect::Other
    }
}
