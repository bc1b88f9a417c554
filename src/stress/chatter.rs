//! `Chatter`: lines that devices say by themselves, without those that a flow means to fail at.

use crate::pattern::Pattern;
use crate::program::{Op, PatternSource, PatternSpec, Program, WatcherKind};

/// What modules, boards and their systems say unasked; none of it means that something is wrong.
const COMMON: &[&str] = &[
    "+CREG: 1",
    "+CGREG: 1",
    "+CEREG: 5",
    "+CGEV: ME PDN ACT 1",
    "+NITZ: 24/07/22,04:00:00+32,0",
    "*PSUTTZ: 2024,7,22,4,0,0,\"+32\",0",
    "DST: 0",
    "SMS Ready",
    "Call Ready",
    "SMS DONE",
    "RING",
    "+CMTI: \"SM\",3",
    "+CPIN: READY",
    "+SIMCROSS: 1",
    "^MODE: 17,17",
    "+E_UTRAN Service",
    "+CIEV: \"service\",1",
    "+QIND: SMS DONE",
    "%CSQ: 25,99,1",
    "^RSSI: 25",
    "+WIND: 7",
    "WIFI GOT IP",
    "[   12.345678] usb 1-1: new high-speed USB device number 7 using xhci_hcd",
    "I (4021) wifi: state: run -> run",
];

/// Lines that may come at any time.
#[derive(Clone, Debug)]
pub(super) struct Chatter {
    lines: Vec<&'static str>,
}

impl Chatter {
    /// Takes the lines whose coming a flow does not call a failure.
    pub(super) fn for_flow(flow: &Program) -> Chatter {
        let fails = flow.watchers.iter().filter(|watcher| matches!(watcher.kind, WatcherKind::FailOn { .. }));
        let unwanted = flow.ops.iter().filter_map(|op| {
            let Op::ExpectNone(absence) = op else { return None };
            Some(&absence.pattern)
        });
        let meant: Vec<&PatternSpec> = fails.map(|watcher| &watcher.pattern).chain(unwanted).collect();
        let is_harmless = |line: &&&str| !meant.iter().any(|spec| wants(spec, line.as_bytes()));
        Chatter { lines: COMMON.iter().filter(is_harmless).copied().collect() }
    }

    /// Returns the line with this number; numbers go round.
    pub(super) fn line(&self, number: u64) -> &'static str {
        match self.lines.len() as u64 {
            0 => "",
            n => self.lines[(number % n) as usize],
        }
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> u64 {
        self.lines.len() as u64
    }
}

/// Whether a pattern fits a line, as far as that can be said before the run.
fn wants(spec: &PatternSpec, line: &[u8]) -> bool {
    match &spec.source {
        PatternSource::Ready(Pattern::Literal(literal)) => literal.find(line).is_some(),
        PatternSource::Ready(Pattern::Line(text)) => **text == *line,
        PatternSource::Ready(Pattern::Regex(regex) | Pattern::LineRegex(regex)) => regex.is_match(line),
        PatternSource::Ready(Pattern::Prompt(_) | Pattern::PromptRegex(_)) => false,
        // What is worked out while the flow runs may be any of them.
        PatternSource::Text(..) | PatternSource::Regex { .. } => false,
    }
}
