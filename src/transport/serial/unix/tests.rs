//! The serial world against the device's side of a pseudo-terminal, in one thread.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::check::check;
use crate::engine::{Engine, Inputs, PortInputs};
use crate::event::Verdict;
use crate::load::load;
use crate::port::{Happening, PortId, WriteToken};
use crate::report::Fan;
use crate::report::transcript::{Times, Transcript};
use crate::settings::{AtClose, ControlLine, Settings};
use crate::transport::clock::Clock;
use crate::transport::interrupt::Interrupt;
use crate::transport::medium::PortOn;
use crate::transport::pty::PtyWorld;
use crate::world::{self, Company, Memory, Person, World};

/// Longer than any of this takes; it only ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(10);

struct Pair {
    host: PortOn<Serial>,
    device: PtyWorld,
    clock: Clock,
}

fn line() -> LineSettings {
    Settings::default().line
}

fn world(path: &Path, clock: Clock) -> PortOn<Serial> {
    let name = path.to_str().expect("the path of a pseudo-terminal is ASCII");
    PortOn::new(Serial::new(name), clock, Interrupt::new().expect("a pipe"))
}

fn pair() -> Pair {
    let clock = Clock::start();
    let interrupt = Interrupt::new().expect("a pipe");
    let mut device = PtyWorld::create(clock, interrupt, None).expect("a pseudo-terminal");
    let mut host = world(device.path(), clock);
    for side in [&mut device as &mut dyn World, &mut host] {
        side.perform(PortId::FIRST, PortCommand::Open { settings: line() });
        assert_eq!(side.wait(None, &mut Vec::new()).1, Happening::Opened(PortId::FIRST));
    }
    Pair { host, device, clock }
}

fn write(number: u64, bytes: &[u8]) -> PortCommand {
    PortCommand::Write { token: WriteToken::new(PortId::FIRST, number), bytes: bytes.to_vec() }
}

/// Waits until that many bytes have come and nothing else happens.
fn take(side: &mut dyn World, clock: Clock, n_bytes: usize) -> Vec<u8> {
    let mut received = Vec::new();
    while received.len() < n_bytes {
        let (_, happening) = side.wait(Some(clock.now() + PATIENCE), &mut received);
        assert_eq!(happening, Happening::Received(PortId::FIRST));
    }
    received
}

fn next(side: &mut dyn World, clock: Clock) -> Happening {
    side.wait(Some(clock.now() + PATIENCE), &mut Vec::new()).1
}

fn refusal_of(name: &str, settings: LineSettings) -> (String, String) {
    let mut world = PortOn::new(Serial::new(name), Clock::start(), Interrupt::new().expect("a pipe"));
    world.perform(PortId::FIRST, PortCommand::Open { settings });
    let told = world.wait(None, &mut Vec::new()).1;
    let Happening::Closed(
        PortId::FIRST,
        CloseReason::CannotOpen { reason, help } | CloseReason::Broken { reason, help },
    ) = told
    else {
        panic!("{name} was not refused: {told:?}");
    };
    (reason, help.unwrap_or_default())
}

#[test]
fn what_the_other_side_writes_arrives() {
    let Pair { mut host, mut device, clock } = pair();
    device.perform(PortId::FIRST, write(1, b"\r\nOK\r\n"));
    assert_eq!(take(&mut host, clock, 6), b"\r\nOK\r\n");
    assert_eq!(next(&mut device, clock), Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
    host.perform(PortId::FIRST, write(2, b"AT\r"));
    assert_eq!(next(&mut host, clock), Happening::Sent(WriteToken::new(PortId::FIRST, 2)));
    assert_eq!(take(&mut device, clock, 3), b"AT\r");
}

#[test]
fn a_write_that_nobody_reads_does_not_block_and_is_not_yet_sent() {
    const SIZE: usize = 1024 * 1024;
    let Pair { mut host, mut device, clock } = pair();
    let bytes: Vec<u8> = (0..SIZE).map(|i| (i % 251) as u8).collect();
    host.perform(PortId::FIRST, write(1, &bytes));
    let until = clock.now() + Duration::from_millis(5);
    assert_eq!(host.wait(Some(until), &mut Vec::new()).1, Happening::Nothing);
    let mut received = Vec::new();
    let mut is_sent = false;
    while received.len() < SIZE {
        if !is_sent {
            let told = host.wait(Some(clock.now()), &mut Vec::new()).1;
            is_sent = matches!(told, Happening::Sent(_));
            assert!(is_sent || told == Happening::Nothing, "{told:?}");
        }
        assert!(!is_sent || received.len() > SIZE / 2, "sent when only {} bytes were read", received.len());
        let until = clock.now() + Duration::from_millis(1);
        device.wait(Some(until), &mut received);
        assert!(clock.now() < Moment::START + PATIENCE, "only {} bytes came", received.len());
    }
    assert!(is_sent);
    assert_eq!(received, bytes);
}

#[test]
fn a_device_that_goes_away_hangs_up() {
    let Pair { mut host, device, clock } = pair();
    drop(device);
    assert_eq!(next(&mut host, clock), Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
    host.perform(PortId::FIRST, write(1, b"AT\r"));
    let until = clock.now() + Duration::from_millis(1);
    assert_eq!(host.wait(Some(until), &mut Vec::new()).1, Happening::Nothing);
}

#[test]
fn a_write_after_the_hang_up_tells_of_the_hang_up() {
    let Pair { mut host, device, clock } = pair();
    drop(device);
    host.perform(PortId::FIRST, write(1, b"AT\r"));
    assert_eq!(next(&mut host, clock), Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
}

#[test]
fn a_port_can_be_closed_and_opened_again() {
    let Pair { mut host, mut device, clock } = pair();
    for number in 1..=3 {
        host.perform(PortId::FIRST, PortCommand::Close);
        host.perform(PortId::FIRST, PortCommand::Open { settings: line() });
        assert_eq!(next(&mut host, clock), Happening::Opened(PortId::FIRST));
        host.perform(PortId::FIRST, write(number, b"AT\r"));
        assert_eq!(next(&mut host, clock), Happening::Sent(WriteToken::new(PortId::FIRST, number)));
        assert_eq!(take(&mut device, clock, 3), b"AT\r");
    }
}

#[test]
fn a_second_opener_is_told_who_has_the_port_and_the_first_keeps_it() {
    let Pair { mut host, mut device, clock } = pair();
    let name = device.path().display().to_string();
    let (reason, help) = refusal_of(&name, line());
    let pid = std::process::id().to_string();
    assert!(reason.contains("busy") && (reason.contains(&pid) || !cfg!(target_os = "linux")), "{reason}");
    assert!(help.contains("close"), "{help}");
    device.perform(PortId::FIRST, write(1, b"OK"));
    assert_eq!(take(&mut host, clock, 2), b"OK");
}

#[test]
fn a_name_that_does_not_exist_brings_the_nearest() {
    let Pair { device, .. } = pair();
    let folder = tempfile::tempdir().expect("a folder");
    symlink(device.path(), folder.path().join("ttyX0")).expect("a link");
    let (reason, help) = refusal_of(&folder.path().join("ttyX1").display().to_string(), line());
    assert_eq!(reason, "no such file or directory");
    let near = format!("did you mean `{}`", folder.path().join("ttyX0").display());
    assert!(help.starts_with(&near), "{help}");
}

#[test]
fn what_is_no_terminal_is_refused() {
    for name in ["/dev/null", "/"] {
        let (reason, _) = refusal_of(name, line());
        assert_eq!(reason, format!("`{name}` is not a serial port"));
    }
}

#[test]
fn control_lines_have_no_effect_on_a_pseudo_terminal() {
    let Pair { mut host, device, clock } = pair();
    host.perform(PortId::FIRST, PortCommand::SetLines { dtr: None, rts: None });
    host.perform(PortId::FIRST, write(1, b"AT\r"));
    host.perform(PortId::FIRST, PortCommand::SetLines { dtr: Some(false), rts: Some(true) });
    assert_eq!(next(&mut host, clock), Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
    host.perform(PortId::FIRST, write(2, b"AT\r"));
    assert_eq!(next(&mut host, clock), Happening::Sent(WriteToken::new(PortId::FIRST, 2)));
    host.perform(PortId::FIRST, PortCommand::ReadLines);
    let none = Err("a pseudo-terminal has no CTS, DSR, DCD and RI".to_string());
    assert_eq!(next(&mut host, clock), Happening::Lines(PortId::FIRST, none));
    let name = device.path().display().to_string();
    assert!(is_pseudo_terminal(&name) && !is_pseudo_terminal("/dev/null"));
}

#[test]
fn a_break_holds_back_later_writes_and_nothing_else() {
    let Pair { mut host, mut device, clock } = pair();
    let begun = clock.now();
    let lasting = Duration::from_millis(30);
    host.perform(PortId::FIRST, PortCommand::Break { lasting });
    host.perform(PortId::FIRST, write(1, b"AT\r"));
    device.perform(PortId::FIRST, write(2, b"OK"));
    assert_eq!(take(&mut host, clock, 2), b"OK");
    let (sent, happening) = host.wait(None, &mut Vec::new());
    assert_eq!(happening, Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
    assert!(sent >= begun + lasting, "{sent:?}");
    assert_eq!(next(&mut device, clock), Happening::Sent(WriteToken::new(PortId::FIRST, 2)));
    assert_eq!(take(&mut device, clock, 3), b"AT\r");
}

#[test]
fn a_wait_that_ends_within_a_break_ends_on_time() {
    let Pair { mut host, clock, device: _device } = pair();
    host.perform(PortId::FIRST, PortCommand::Break { lasting: PATIENCE });
    let until = clock.now() + Duration::from_millis(1);
    let (now, happening) = host.wait(Some(until), &mut Vec::new());
    assert_eq!(happening, Happening::Nothing);
    assert!(now >= until && now < Moment::START + PATIENCE);
}

#[test]
fn settings_of_an_open_port_can_change() {
    let Pair { mut host, mut device, clock } = pair();
    host.perform(
        PortId::FIRST,
        PortCommand::Reconfigure { settings: LineSettings { baud: 9600, data_bits: 7, ..line() } },
    );
    let port = host.port().expect("the port is open");
    assert_eq!((port.tty.baud_rate().ok(), port.settings.data_bits), (Some(9600), 7));
    device.perform(PortId::FIRST, write(1, b"OK"));
    assert_eq!(take(&mut host, clock, 2), b"OK");
}

#[test]
fn discarded_input_does_not_come() {
    let Pair { mut host, mut device, clock } = pair();
    device.perform(PortId::FIRST, write(1, b"old"));
    assert_eq!(next(&mut device, clock), Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
    let has_come = |host: &PortOn<Serial>| host.port().and_then(|port| port.tty.bytes_to_read().ok()) == Some(3);
    while !has_come(&host) {
        device.wait(Some(clock.now() + Duration::from_millis(1)), &mut Vec::new());
        assert!(clock.now() < Moment::START + PATIENCE);
    }
    host.perform(PortId::FIRST, PortCommand::DiscardInput);
    device.perform(PortId::FIRST, write(2, b"new"));
    assert_eq!(take(&mut host, clock, 3), b"new");
}

#[test]
fn output_that_nobody_takes_can_be_discarded() {
    let Pair { mut host, mut device, clock } = pair();
    host.perform(PortId::FIRST, write(1, &[b'x'; 100_000]));
    host.perform(PortId::FIRST, PortCommand::Reconfigure { settings: LineSettings { baud: 9600, ..line() } });
    let until = clock.now() + Duration::from_millis(1);
    assert_eq!(host.wait(Some(until), &mut Vec::new()).1, Happening::Nothing, "it is not taken");
    host.perform(PortId::FIRST, PortCommand::DiscardOutput);
    host.perform(PortId::FIRST, write(2, b"new"));
    assert_eq!(next(&mut host, clock), Happening::Sent(WriteToken::new(PortId::FIRST, 2)));
    let mut came = Vec::new();
    while !came.ends_with(b"new") {
        device.wait(Some(clock.now() + Duration::from_millis(1)), &mut came);
        assert!(clock.now() < Moment::START + PATIENCE && came.len() < 50_000);
    }
    let baud = host.port().and_then(|port| port.tty.baud_rate().ok());
    assert_eq!(baud, Some(9600), "what waited for the write is done");
}

#[test]
fn a_command_that_fails_because_the_device_is_gone_tells_of_the_hang_up() {
    let Pair { mut host, device, clock } = pair();
    drop(device);
    host.perform(PortId::FIRST, PortCommand::Break { lasting: Duration::from_millis(1) });
    assert_eq!(next(&mut host, clock), Happening::Closed(PortId::FIRST, CloseReason::unplugged()));
}

#[test]
fn an_interrupt_ends_a_wait_for_an_open_port() {
    let Pair { device, clock, .. } = pair();
    drop(device);
    let device = PtyWorld::create(clock, Interrupt::new().expect("a pipe"), None).expect("a pseudo-terminal");
    let interrupt = Interrupt::new().expect("a pipe");
    let name = device.path().display().to_string();
    let mut host = PortOn::new(Serial::new(&name), clock, interrupt.clone());
    host.perform(PortId::FIRST, PortCommand::Open { settings: line() });
    assert_eq!(next(&mut host, clock), Happening::Opened(PortId::FIRST));
    std::thread::scope(|scope| {
        scope.spawn(|| interrupt.raise());
        assert_eq!(host.wait(None, &mut Vec::new()).1, Happening::Interrupt);
    });
}

/// Waits until that many bytes can be read on the host's side, without reading them.
fn until_readable(path: &Path, n_bytes: u64, clock: Clock) {
    let look = open(path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("the host's side");
    while rustix::io::ioctl_fionread(&look).expect("a terminal counts") < n_bytes {
        std::thread::yield_now();
        assert!(clock.now() < Moment::START + PATIENCE);
    }
}

#[test]
fn what_waits_in_a_port_is_told_before_it_is_open() {
    let Pair { mut host, mut device, clock } = pair();
    host.perform(PortId::FIRST, PortCommand::Close);
    device.perform(PortId::FIRST, write(1, b"\r\nOK\r\n"));
    until_readable(device.path(), 6, clock);
    host.perform(PortId::FIRST, PortCommand::Open { settings: line() });
    let mut received = Vec::new();
    assert_eq!(host.news(&mut received).map(|(_, told)| told), Some(Happening::Received(PortId::FIRST)));
    assert_eq!(received, b"\r\nOK\r\n");
    assert_eq!(next(&mut host, clock), Happening::Opened(PortId::FIRST));
}

/// Lets so much time pass that a port is read again before a write.
fn until_a_read_is_old(clock: Clock) {
    let begun = clock.now();
    while clock.now() < begun + Duration::from_micros(100) {
        std::thread::yield_now();
    }
}

#[test]
fn what_has_come_is_told_before_a_write_even_if_it_is_more_than_a_terminal_hands_over_at_once() {
    let many = vec![b'x'; 6000];
    // The system brings the rest when it has time; a busy one may take longer than is waited for.
    let comes_whole = |_| {
        let Pair { mut host, mut device, clock } = pair();
        device.perform(PortId::FIRST, write(1, &many));
        assert_eq!(next(&mut device, clock), Happening::Sent(WriteToken::new(PortId::FIRST, 1)));
        until_readable(device.path(), 4095, clock);
        until_a_read_is_old(clock);
        let mut received = Vec::new();
        assert_eq!(host.arrived(&mut received).map(|(_, told)| told), Some(Happening::Received(PortId::FIRST)));
        received == many
    };
    assert!((0..20).any(comes_whole));
}

#[test]
fn what_came_just_after_a_read_is_found_before_a_write_too() {
    let Pair { mut host, mut device, clock } = pair();
    device.perform(PortId::FIRST, write(1, b"one"));
    assert_eq!(take(&mut host, clock, 3), b"one");
    device.perform(PortId::FIRST, write(2, b"two"));
    until_readable(device.path(), 3, clock);
    until_a_read_is_old(clock);
    let mut received = Vec::new();
    assert_eq!(host.arrived(&mut received).map(|(_, told)| told), Some(Happening::Received(PortId::FIRST)));
    assert_eq!(received, b"two");
}

/// A device that speaks when a person is asked: while the flow is busy with something else than its port.
struct Ventriloquist {
    device: PtyWorld,
    clock: Clock,
    says: &'static [u8],
}

impl Person for Ventriloquist {
    fn ask(&mut self, _prompt: &str, _is_secret: bool) {
        self.device.perform(PortId::FIRST, write(1, self.says));
        until_readable(self.device.path(), self.says.len() as u64, self.clock);
    }

    fn answer(&mut self) -> Option<Option<Vec<u8>>> {
        Some(Some(b"y".to_vec()))
    }
}

/// Runs a flow on a pseudo-terminal in which `waits` waits when it is opened, and whose device says `says` when a person is
/// asked; returns the verdict and the transcript.
fn run_stale(flow: &str, waits: &[u8], says: &'static [u8]) -> (Verdict, String) {
    let Pair { mut host, mut device, clock } = pair();
    host.perform(PortId::FIRST, PortCommand::Close);
    device.perform(PortId::FIRST, write(1, waits));
    until_readable(device.path(), waits.len() as u64, clock);
    let reader = |_: &Path| Ok(flow.as_bytes().to_vec());
    let program = Arc::new(check(load(Path::new("test.flow"), &reader)).program.expect("the flow is right"));
    let inputs = Inputs {
        variables: Default::default(),
        seed: 1,
        begun: 0,
        file: "test.flow".to_string(),
        ports: vec![PortInputs::serial("pty", &program.settings)],
    };
    let sources = program.sources.clone();
    let mut engine = Engine::new(program, inputs);
    let mut person = Ventriloquist { device, clock, says };
    let mut text = Vec::new();
    let verdict = {
        let mut audience = Fan::default();
        audience.add("transcript", Transcript::new(&mut text, &sources, Times::Hidden));
        let company = Company {
            keeper: &mut Memory::default(),
            audience: &mut audience,
            person: &mut person,
            tap: None,
            hooks: None,
        };
        world::run(&mut engine, &mut host, company)
    };
    (verdict, String::from_utf8(text).expect("a transcript is UTF-8"))
}

#[test]
fn what_waits_in_the_port_at_the_beginning_is_no_answer_to_the_first_send() {
    let flow = "flow \"t\"\nsend \"AT\"  expect none line \"OK\" for 20ms\nawait line \"OK\" within 20ms";
    let (verdict, transcript) = run_stale(flow, b"\r\nOK\r\n", b"");
    assert_eq!(verdict, Verdict::Passed, "{transcript}");
    assert!(transcript.find("OK\\r") < transcript.find("AT\\r"), "{transcript}");
}

#[test]
fn what_waits_in_the_port_at_the_beginning_is_no_answer_to_nothing_either() {
    let flow = "flow \"t\"\nexpect none line \"OK\" for 20ms # allow unasked\nawait line \"OK\" within 20ms";
    let (verdict, transcript) = run_stale(flow, b"\r\nOK\r\n", b"");
    assert_eq!(verdict, Verdict::Passed, "{transcript}");
}

#[test]
fn what_comes_while_the_flow_does_something_else_is_no_answer_to_the_next_send() {
    let flow = "flow \"t\"\nask \"go on?\" as _yes\nsend \"AT\"  expect none line \"OK\" for 20ms\nawait line \"OK\" within 20ms";
    let (verdict, transcript) = run_stale(flow, b"", b"\r\nOK\r\n");
    assert_eq!(verdict, Verdict::Passed, "{transcript}");
    assert!(transcript.find("OK\\r") < transcript.find("AT\\r"), "{transcript}");
}

#[cfg(target_os = "linux")]
#[test]
fn another_process_that_has_the_port_open_is_named_without_a_lock() {
    let Pair { device, .. } = pair();
    let name = device.path().display().to_string();
    assert_eq!(crate::transport::serial::others(&name), None, "this process is no other");
    let open = fs::File::open(&name).expect("the port is there");
    let mut other = std::process::Command::new("sleep").arg("60").stdin(open).spawn().expect("it can be started");
    // Between its start and its first instruction it has the name of this process.
    let is_sleep = || fs::read_to_string(format!("/proc/{}/comm", other.id())).is_ok_and(|name| name == "sleep\n");
    while !is_sleep() {
        std::thread::yield_now();
    }
    let told = crate::transport::serial::others(&name);
    other.kill().and_then(|()| other.wait()).expect("it was started");
    assert_eq!(told, Some(format!("process {} (`sleep`) has", other.id())));
}

#[test]
fn a_port_that_is_to_keep_its_lines_is_closed_without_the_hang_up_of_the_system() {
    use rustix::termios::{ControlModes, tcgetattr};
    let hangs_up = |dtr_at_close: AtClose| {
        let clock = Clock::start();
        let device = PtyWorld::create(clock, Interrupt::new().expect("a pipe"), None).expect("a pseudo-terminal");
        let looks_on = fs::File::open(device.path()).expect("the host's side");
        let mut modes = tcgetattr(&looks_on).expect("it is a terminal");
        modes.control_modes.insert(ControlModes::HUPCL);
        rustix::termios::tcsetattr(&looks_on, rustix::termios::OptionalActions::Now, &modes).expect("it is a terminal");
        let mut host = world(device.path(), clock);
        host.perform(PortId::FIRST, PortCommand::Open { settings: LineSettings { dtr_at_close, ..line() } });
        assert_eq!(next(&mut host, clock), Happening::Opened(PortId::FIRST));
        host.perform(PortId::FIRST, PortCommand::Close);
        tcgetattr(&looks_on).expect("it is a terminal").control_modes.contains(ControlModes::HUPCL)
    };
    assert!(hangs_up(AtClose::System) && hangs_up(AtClose::Off));
    assert!(!hangs_up(AtClose::On) && !hangs_up(AtClose::Keep));
}

#[test]
fn a_port_without_a_transmitter_cannot_be_one_of_rs485() {
    let device = PtyWorld::create(Clock::start(), Interrupt::new().expect("a pipe"), None).expect("a pseudo-terminal");
    let name = device.path().to_str().expect("its path is ASCII");
    let with = |mode| {
        let mut settings = line();
        settings.rs485.mode = mode;
        settings
    };
    let (reason, help) = refusal_of(name, with(ControlLine::On));
    assert_eq!(reason, "`rs485 on` has no effect on this port: a pseudo-terminal has no transmitter");
    assert!(help.contains("rs485=keep"), "{help}");
    let mut host = world(device.path(), Clock::start());
    host.perform(PortId::FIRST, PortCommand::Open { settings: with(ControlLine::Off) });
    assert_eq!(host.wait(None, &mut Vec::new()).1, Happening::Opened(PortId::FIRST), "what cannot be on is off");
}
