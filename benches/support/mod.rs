//! Runs programs against lines that are played by hand under a virtual clock, for benchmarks.
//!
//! Everything is the same in every run: logs are seeded, and time passes as the lines say.
#![allow(dead_code, reason = "each benchmark uses a part of this")]

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use flowrun::check::check;
use flowrun::diagnostic::render::{Look, Style, render};
use flowrun::engine::{Engine, Inputs, PortInputs};
use flowrun::event::Verdict;
use flowrun::load::load;
use flowrun::port::{Happening, PortCommand, PortId};
use flowrun::program::Program;
use flowrun::report::Fan;
use flowrun::report::transcript::{Times, Transcript};
use flowrun::sim::{VIRTUAL_BEGINNING, VIRTUAL_SEED};
use flowrun::time::Moment;
use flowrun::value::random::Rng;
use flowrun::world::{self, Company, Memory, Nobody, World};

/// A million bytes.
pub(crate) const MB: usize = 1_000_000;

/// So long a byte takes on the lines of this module: about 10 Mbaud.
const BYTE_TIME: Duration = Duration::from_micros(1);

/// Returns how benchmarks are sampled: ten samples in one second each, so that all of them together take minutes.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .nresamples(1_000)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args()
}

/// Returns the program of a text, or panics with what is wrong with it.
pub(crate) fn program(text: &str) -> Arc<Program> {
    let reader = |_: &Path| Ok(text.as_bytes().to_vec());
    let checked = check(load(Path::new("bench.flow"), &reader));
    let look = Look { width: 100, style: Style::Plain };
    Arc::new(checked.program.unwrap_or_else(|| panic!("{}", render(&checked.problems, &checked.sources, look))))
}

/// Returns what a run of a program begins with.
pub(crate) fn inputs(program: &Program) -> Inputs {
    Inputs {
        variables: Default::default(),
        seed: VIRTUAL_SEED,
        begun: VIRTUAL_BEGINNING,
        file: "bench.flow".to_string(),
        ports: match program.ports.as_slice() {
            [] => vec![PortInputs::serial("bench", &program.settings)],
            ports => ports.iter().map(|port| PortInputs::serial("bench", &port.settings)).collect(),
        },
    }
}

/// Runs a program in a world to its end, with a transcript, and returns how long the transcript is.
///
/// # Panics
///
/// If the run does not pass.
pub(crate) fn run(program: &Arc<Program>, world: &mut dyn World) -> usize {
    let mut engine = Engine::new(program.clone(), inputs(program));
    let mut written = Counted { n_bytes: 0 };
    let mut fan = Fan::default();
    fan.add("the transcript", Transcript::new(&mut written, &program.sources, Times::Shown));
    let company =
        Company { keeper: &mut Memory::default(), audience: &mut fan, person: &mut Nobody, tap: None, hooks: None };
    let verdict = world::run(&mut engine, world, company);
    let failures = fan.finish();
    let failure = engine.failure().map(|failure| &failure.message);
    assert!(verdict == Verdict::Passed && failures.is_empty(), "{verdict:?} {failure:?} {failures:?}");
    written.n_bytes
}

/// Takes whatever is written and counts it.
struct Counted {
    n_bytes: usize,
}

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.n_bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line on which a log comes, as often as wanted, in chunks of one size, then something at its end; then nothing.
pub(crate) struct Talking<'a> {
    log: &'a [u8],
    n_left: usize,
    end: &'a [u8],
    chunk: usize,
    /// What has come of the present log.
    at: usize,
    now: Moment,
    news: VecDeque<Happening>,
}

impl<'a> Talking<'a> {
    /// Makes a line on which the log comes `n_times`.
    pub(crate) fn new(log: &'a [u8], n_times: usize, end: &'a [u8], chunk: usize) -> Talking<'a> {
        Talking { log, n_left: n_times, end, chunk, at: 0, now: Moment::START, news: VecDeque::new() }
    }

    /// Returns what comes next; empty once everything has come.
    fn next_chunk(&mut self) -> &'a [u8] {
        if self.n_left == 0 {
            return std::mem::take(&mut self.end);
        }
        let chunk = &self.log[self.at..self.log.len().min(self.at + self.chunk)];
        self.at += chunk.len();
        if self.at == self.log.len() {
            self.at = 0;
            self.n_left -= 1;
        }
        chunk
    }
}

impl World for Talking<'_> {
    fn perform(&mut self, _port: PortId, command: PortCommand) {
        self.news.extend(answer_of_port(command).map(|(happening, _)| happening));
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        if let Some(news) = self.news.pop_front() {
            return (self.now, news);
        }
        let chunk = self.next_chunk();
        if chunk.is_empty() {
            self.now = until.expect("a wait has an end").max(self.now);
            return (self.now, Happening::Nothing);
        }
        self.now = self.now + BYTE_TIME * chunk.len() as u32;
        received.extend_from_slice(chunk);
        (self.now, Happening::Received(PortId::FIRST))
    }
}

/// A line on which every write is answered with the same bytes.
pub(crate) struct Answering<'a> {
    answer: &'a [u8],
    /// Answers that have not been given.
    n_due: usize,
    now: Moment,
    news: VecDeque<Happening>,
}

impl<'a> Answering<'a> {
    /// Makes a line with this answer.
    pub(crate) fn new(answer: &'a [u8]) -> Answering<'a> {
        Answering { answer, n_due: 0, now: Moment::START, news: VecDeque::new() }
    }
}

impl World for Answering<'_> {
    fn perform(&mut self, _port: PortId, command: PortCommand) {
        if let Some((happening, n_written)) = answer_of_port(command) {
            self.news.push_back(happening);
            self.n_due += usize::from(n_written > 0);
        }
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        if let Some(news) = self.news.pop_front() {
            return (self.now, news);
        }
        if self.n_due == 0 {
            self.now = until.expect("a wait has an end").max(self.now);
            return (self.now, Happening::Nothing);
        }
        self.n_due -= 1;
        self.now = self.now + BYTE_TIME * self.answer.len() as u32;
        received.extend_from_slice(self.answer);
        (self.now, Happening::Received(PortId::FIRST))
    }
}

/// Returns what a port tells at once of a command, and how many bytes were written.
fn answer_of_port(command: PortCommand) -> Option<(Happening, usize)> {
    match command {
        PortCommand::Open { .. } => Some((Happening::Opened(PortId::FIRST), 0)),
        PortCommand::Write { token, bytes } => Some((Happening::Sent(token), bytes.len())),
        PortCommand::Reopen { .. }
        | PortCommand::SetLines { .. }
        | PortCommand::ReadLines
        | PortCommand::DriveLines { .. }
        | PortCommand::Break { .. }
        | PortCommand::Reconfigure { .. }
        | PortCommand::DiscardInput
        | PortCommand::DiscardOutput
        | PortCommand::Resize { .. }
        | PortCommand::Close => None,
    }
}

/// Returns a boot log of about so many bytes: whole lines, a third of them nearly ones that benchmarks wait for.
pub(crate) fn boot_log(n_bytes: usize) -> Vec<u8> {
    let mut rng = Rng::from_seed(1);
    let mut log = Vec::with_capacity(n_bytes + 100);
    let mut millis = 0;
    while log.len() < n_bytes {
        millis += rng.below(50);
        let (n, m) = (rng.below(10), rng.below(1000));
        let line = match rng.below(12) {
            0 => format!("boot: ready, code {}", 4700 + n),
            1 => format!("unit {m} state=starting code={n}"),
            2 => format!("READY {}", 100 + m % 900),
            3 => format!("usb 1-{n}: new high-speed USB device number {m} using xhci_hcd"),
            4 => format!("mmc0: new ultra high speed SDR104 SDHC card at address {m:04x}"),
            5 => format!("EXT4-fs (mmcblk0p{n}): mounted filesystem with ordered data mode"),
            6 => format!("systemd[{m}]: Started Load Kernel Module fuse{n}."),
            7 => format!("eth{n}: link becomes ready, {m} Mbps"),
            8 => format!("random: crng init done after {m} ms"),
            9 => format!("i2c i2c-{n}: adapter probed, {m} clients"),
            10 => format!("login: {m} of {n} units have none"),
            _ => format!("thermal_zone{n}: {m} millidegrees above ambient"),
        };
        let stamp = format!("[{:5}.{:03}] ", millis / 1000, millis % 1000);
        // Lines that are compared as a whole have no stamp.
        let stamp = if line.starts_with("READY") || line.starts_with("login") { "" } else { &stamp };
        log.extend_from_slice(format!("{stamp}{line}\r\n").as_bytes());
    }
    log
}

/// Returns a log of about so many bytes in which many modules say what they do, a line each.
pub(crate) fn chatty_log(n_bytes: usize) -> Vec<u8> {
    const SAID: [&str; 5] = ["temperature", "supply voltage", "queue depth", "free memory", "signal of the link"];
    let mut rng = Rng::from_seed(2);
    let mut log = Vec::with_capacity(n_bytes + 100);
    let mut millis = 0;
    while log.len() < n_bytes {
        millis += rng.below(50);
        let (module, value, n) = (rng.below(120), rng.below(0x10000), rng.below(100));
        let said = SAID[rng.below(5) as usize];
        let stamp = format!("[{:5}.{:03}]", millis / 1000, millis % 1000);
        log.extend_from_slice(
            format!("{stamp} module{module}: {said} {n} value {value:04x} of {n} samples\r\n").as_bytes(),
        );
    }
    log
}

/// Returns the name of one of the messages that modules send by themselves.
pub(crate) fn urc(n: usize) -> String {
    const NAMES: [&str; 10] = ["CREG", "CEREG", "CMTI", "CSQ", "QIURC", "SISR", "CGEV", "CIEV", "QMTRECV", "CUSD"];
    let name = NAMES[n % NAMES.len()];
    if n < NAMES.len() { name.to_string() } else { format!("{name}{}", n / NAMES.len()) }
}

/// Returns a log of about so many bytes of such messages.
pub(crate) fn urc_log(n_bytes: usize) -> Vec<u8> {
    let mut rng = Rng::from_seed(3);
    let mut log = Vec::with_capacity(n_bytes + 100);
    while log.len() < n_bytes {
        let name = urc(rng.below(120) as usize);
        log.extend_from_slice(
            format!("+{name}: {},\"{:08X}\",{}\r\n", rng.below(6), rng.below(1 << 32), rng.below(100)).as_bytes(),
        );
    }
    log
}

/// Returns a log of about so many bytes whose lines consist of some bytes again and again.
pub(crate) fn dense_log(bytes: &[u8], n_bytes: usize) -> Vec<u8> {
    let mut line = bytes.repeat(80 / bytes.len());
    line.extend_from_slice(b"\r\n");
    line.repeat(n_bytes / line.len())
}
