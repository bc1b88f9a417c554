//! What a line says: what arrives while nothing is sent, and at which baud rate `AT` is answered.

use super::super::Ending;
use super::super::args::LineArguments;
use super::super::exchange::{Answer, Exchange, answers, failure};
use super::super::finding::{Finding, Topic};
use super::super::named::Named;
use super::super::terminal::Terminal;
use crate::address::Address;
use crate::event::{Event, EventKind, Verdict};
use crate::setup::Ender;
use crate::testing::Outcome;
use crate::value::escape::visible_cut;

/// Where a line is, and how it is set.
pub(super) struct Place<'a> {
    pub address: &'a Address,
    pub line: &'a LineArguments,
    pub named: &'a Named,
}

/// Listens for two seconds. The assertion is what the flow checks: a flow that checks nothing has failed.
const LISTEN: &str = "flow \"listen\"\nsleep 2s\nassert 1 == 1, \"it has listened\"\n";

/// The rates that are tried, the most common first.
const RATES: &[u32] = &[115_200, 9600, 57_600, 38_400, 19_200, 230_400, 460_800, 921_600, 4800, 2400, 1200];

/// So many characters of what arrived are shown.
const SHOWN: usize = 60;

/// Returns what arrives while nothing is sent.
///
/// # Errors
///
/// It cannot begin, and why has been told.
pub(super) fn listen(at: &Place<'_>, ender: &Ender, terminal: &Terminal) -> Result<Vec<Finding>, Ending> {
    let exchange =
        Exchange { name: "what `doctor` runs", flow: LISTEN, given: Vec::new(), line: at.line, named: at.named };
    let outcome = exchange.run(at.address, ender, terminal)?;
    Ok(vec![cannot_open(&outcome).unwrap_or_else(|| heard(&received(outcome.events())))])
}

/// Returns at which rate `AT` is answered, whether the device echoes, or whether the line is a loop.
///
/// # Errors
///
/// It cannot begin, and why has been told.
pub(super) fn probe(at: &Place<'_>, ender: &Ender, terminal: &Terminal) -> Result<Vec<Finding>, Ending> {
    let typed = at.line.baud.and_then(|baud| u32::try_from(baud).ok());
    let rates: Vec<u32> = typed.into_iter().chain(RATES.iter().copied().filter(|rate| Some(*rate) != typed)).collect();
    let flow = probing(&rates);
    let exchange =
        Exchange { name: "what `doctor` runs", flow: &flow, given: Vec::new(), line: at.line, named: at.named };
    let outcome = exchange.run(at.address, ender, terminal)?;
    let mut findings = judged(found(outcome.events()), &answers(outcome.events()));
    findings.extend(cannot_open(&outcome));
    Ok(findings)
}

/// Returns the flow that sends `AT` at each of the rates until it is answered: twice, since the first may follow garbage.
/// Never a bare line end: a boot loader would repeat its last command.
fn probing(rates: &[u32]) -> String {
    let tries = rates.iter().map(|rate| {
        format!(
            "baud {rate}\nrepeat 2 {{\n  send \"AT\"\n  expect within 300ms {{\n    \
             line \"OK\" -> {{ log \"{rate}\"  skip \"answered\" }}\n    timeout -> {{}}\n  }}\n}}\n"
        )
    });
    format!("flow \"probe\"\n{}", tries.collect::<String>())
}

/// Returns the rate at which `AT` was answered.
fn found(events: &[Event]) -> Option<String> {
    events.iter().find_map(|event| {
        let EventKind::Logged { text } = &event.kind else { return None };
        Some(String::from_utf8_lossy(text).into_owned())
    })
}

fn received(events: &[Event]) -> Vec<u8> {
    let bytes = events.iter().filter_map(|event| {
        let EventKind::Received { bytes, .. } = &event.kind else { return None };
        Some(bytes.as_slice())
    });
    bytes.collect::<Vec<_>>().concat()
}

/// Returns why the port could not be used; `None` if it could.
fn cannot_open(outcome: &Outcome) -> Option<Finding> {
    let failure = failure(outcome).filter(|_| outcome.verdict() == Verdict::PortFailed)?;
    let advice =
        failure.cause.clone().unwrap_or_else(|| "unplug the adapter, plug it in again, and try again".to_string());
    Some(Finding::wrong(Topic::Open, failure.message.clone(), advice))
}

/// Returns what is to be said of what arrived.
pub(super) fn heard(bytes: &[u8]) -> Finding {
    let shown = visible_cut(bytes, SHOWN);
    match bytes.len() {
        0 => Finding::fine(Topic::Listen, "nothing arrived within 2 s"),
        1 if bytes == [0] => Finding::note(
            Topic::Listen,
            "a single NUL arrived within 2 s",
            "the line is held low, or was when the port was opened: check that RX is wired, and the power",
        ),
        n if is_text(bytes) => Finding::fine(Topic::Listen, format!("{n} bytes arrived within 2 s: `{shown}`")),
        n => Finding::note(
            Topic::Listen,
            format!("{n} bytes arrived within 2 s, and most are not text: `{shown}`"),
            "the baud rate may be another: give it with `--baud N`, or look for it with `--probe`",
        ),
    }
}

/// Says whether bytes look like text: most of garbage from a wrong rate does not.
fn is_text(bytes: &[u8]) -> bool {
    // Consoles write tabs and colours; a character may be cut at either end.
    let is_readable = |c: &char| (!c.is_control() || "\r\n\t\u{1b}".contains(*c)) && *c != char::REPLACEMENT_CHARACTER;
    let text = String::from_utf8_lossy(bytes);
    let (n, n_readable) = (text.chars().count(), text.chars().filter(is_readable).count());
    n_readable * 10 >= n * 8
}

/// Returns what is to be said of the answers to `AT` at several rates, of which the last is that to the last send.
pub(super) fn judged(rate: Option<String>, answers: &[Answer]) -> Vec<Finding> {
    let (Some(last), Some(rate)) = (answers.last(), rate) else { return vec![unanswered(answers)] };
    let echoes = last.received.windows(2).any(|piece| piece == b"AT");
    let echo = match echoes {
        true => "the device echoes commands (`ATE0` switches that off)",
        false => "the device does not echo commands (`ATE1` switches that on)",
    };
    vec![
        Finding::fine(Topic::Probe, format!("`AT` is answered with `OK` at {rate} baud")),
        Finding::fine(Topic::Echo, echo),
    ]
}

fn unanswered(answers: &[Answer]) -> Finding {
    let is_silent = answers.iter().all(|answer| answer.received.is_empty());
    let is_loop = answers.iter().all(|answer| answer.received == answer.sent);
    let rates = "from 1200 to 921600 baud";
    match (is_silent, is_loop) {
        (true, _) => Finding::note(
            Topic::Probe,
            format!("`AT` is not answered at any rate {rates}"),
            "is the device on, are TX and RX crossed, is GND connected? A device that knows no AT commands does not answer",
        ),
        (false, true) => Finding::note(
            Topic::Loopback,
            "everything that is sent comes back, and nothing else",
            "TX is wired to RX, or the other end only echoes: the adapter works, and the device is not asked",
        ),
        (false, false) => Finding::note(
            Topic::Probe,
            format!("something comes back at some rates {rates}, but never `OK`"),
            "the device may know no AT commands, or use another format: try `--serial format=7E1`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::args::Colours;
    use super::super::super::finding::Level;
    use super::*;

    static NO_LINE: LineArguments = LineArguments { baud: None, serial: Vec::new() };

    fn at<'a>(address: &'a Address, named: &'a Named) -> Place<'a> {
        Place { address, line: &NO_LINE, named }
    }

    /// Returns the topics and the sentences of what is found about a device.
    fn probed(device: &str) -> Vec<(Topic, String)> {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let file = folder.path().join("device.flow");
        std::fs::write(&file, device).expect("there is room");
        let terminal = Terminal::new(Colours::Never);
        let findings =
            probe(&at(&Address::Device(file), &Named::default()), &Ender::Nobody, &terminal).expect("it can begin");
        findings.into_iter().map(|finding| (finding.topic, finding.what)).collect()
    }

    #[test]
    fn the_rate_at_which_a_device_answers_is_found_and_whether_it_echoes() {
        let device = |settings: &str| {
            format!("device \"d\"\nserial {{ {settings}  header \"\\r\\n\" }}\non line \"AT\" {{ reply \"OK\" }}\n")
        };
        for rate in RATES {
            let found = probed(&device(&format!("baud {rate}  echo on")));
            let wanted = format!("`AT` is answered with `OK` at {rate} baud");
            assert_eq!(found[0], (Topic::Probe, wanted));
            assert!(found[1].1.starts_with("the device echoes"), "{found:?}");
        }
        let silent = probed(&device("baud 19200  echo off"));
        assert!(silent[1].1.starts_with("the device does not echo"), "{silent:?}");
    }

    #[test]
    fn a_device_that_does_not_answer_a_loop_and_a_device_that_knows_no_at_are_told_apart() {
        assert_eq!(
            probed("device \"d\"\non line \"x\" {}\n")[0].1,
            "`AT` is not answered at any rate from 1200 to 921600 baud"
        );
        let wire = probed("device \"d\"\nserial { echo on }\non line \"x\" {}\n");
        assert_ne!(wire[0].0, Topic::Loopback, "at another rate garbage comes back from a device");
        let answer = |sent: &str, received: &str| Answer { sent: sent.into(), received: received.into() };
        let topic = |answers: &[Answer]| judged(None, answers)[0].topic;
        assert_eq!(topic(&[answer("AT\r", "AT\r"), answer("AT\r", "AT\r")]), Topic::Loopback);
        assert_eq!(topic(&[answer("AT\r", "AT\r"), answer("AT\r", "AT\r\r\nsh: AT: not found\r\n")]), Topic::Probe);
        assert_eq!(topic(&[answer("AT\r", "AT\r"), answer("AT\r", "")]), Topic::Probe, "a loop has every rate");
    }

    #[test]
    fn a_probe_sends_nothing_but_at() {
        let flow = probing(RATES);
        assert_eq!(flow.matches("send ").count(), flow.matches("send \"AT\"\n").count());
        assert_eq!(flow.matches("send ").count(), RATES.len());
    }

    #[test]
    fn what_arrives_is_text_or_a_sign_of_another_rate() {
        let level = |bytes: &[u8]| heard(bytes).level;
        assert_eq!(
            (level(b""), level(b"\r\nRDY\r\n"), level("Grüße\n".as_bytes())),
            (Level::Fine, Level::Fine, Level::Fine)
        );
        assert_eq!((level(b"\xf8\x00\xe0\x1c"), level(b"\x00")), (Level::Note, Level::Note));
        let long = heard(&[b'a'; 500]).what;
        assert!(long.starts_with("500 bytes arrived within 2 s: `aaa") && long.len() < 140, "{long}");
    }

    #[test]
    fn listening_sends_nothing_and_hears_what_the_device_says() {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let file = folder.path().join("device.flow");
        let device =
            "device \"d\"\nafter 1s { reply \"RDY\" }\nafter 3s { reply \"late\" }\non line /.*/ { fail \"x\" }\n";
        std::fs::write(&file, device).expect("there is room");
        let terminal = Terminal::new(Colours::Never);
        let findings =
            listen(&at(&Address::Device(file), &Named::default()), &Ender::Nobody, &terminal).expect("it can begin");
        let told: Vec<_> = findings.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(told, ["5 bytes arrived within 2 s: `RDY\\r\\n`"]);
    }
}
