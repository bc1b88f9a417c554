//! Both sides against each other, over a line with a clock of its own that loses, changes and delays bytes.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// What a line does to the bytes of one write.
type Line<'a> = &'a mut dyn FnMut(Direction, Vec<u8>) -> Vec<u8>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToReceiver,
    ToSender,
}

/// One side, and what is on its way to it.
struct Side {
    machine: Machine,
    incoming: Vec<u8>,
    /// When its wait ends, and which wait that is.
    until: Option<(Duration, u64)>,
    end: Option<Result<(), Trouble>>,
}

impl Side {
    fn new(machine: Machine) -> Side {
        Side { machine, incoming: Vec::new(), until: None, end: None }
    }

    /// Goes on as far as it can; returns what it sends.
    fn go_on(&mut self, now: Duration, cut: usize) -> Vec<Vec<u8>> {
        let mut sent = Vec::new();
        while self.end.is_none() {
            match self.machine.step() {
                Step::Send(bytes) => sent.push(bytes),
                Step::Done => self.end = Some(Ok(())),
                Step::Failed(trouble) => self.end = Some(Err(trouble)),
                Step::Await { lasting, since } => {
                    if self.until.is_none_or(|(_, known)| known != since) {
                        self.until = Some((now + lasting, since));
                    }
                    if !self.incoming.is_empty() {
                        let n = self.machine.take(&self.incoming[..self.incoming.len().min(cut)]);
                        self.incoming.drain(..n);
                    } else if self.until.is_some_and(|(until, _)| until <= now) {
                        self.machine.time_out();
                        self.until = None;
                    } else {
                        break;
                    }
                }
            }
        }
        sent
    }
}

/// What came of a transfer.
struct Outcome {
    sender: Result<(), Trouble>,
    receiver: Result<(), Trouble>,
    data: Vec<u8>,
    name: Option<String>,
    sent: Amount,
    took: Duration,
    log: Vec<(Direction, Vec<u8>)>,
}

fn transfer(from: Sender, to: Receiver, cut: usize, line: Line<'_>) -> Outcome {
    let mut now = Duration::ZERO;
    let mut sender = Side::new(Machine::Sender(Box::new(from)));
    let mut receiver = Side::new(Machine::Receiver(Box::new(to)));
    let mut log = Vec::new();
    while sender.end.is_none() || receiver.end.is_none() {
        let out = sender.go_on(now, cut);
        let back = receiver.go_on(now, cut);
        let is_moving = !out.is_empty() || !back.is_empty();
        for bytes in out {
            log.push((Direction::ToReceiver, bytes.clone()));
            receiver.incoming.extend(line(Direction::ToReceiver, bytes));
        }
        for bytes in back {
            log.push((Direction::ToSender, bytes.clone()));
            sender.incoming.extend(line(Direction::ToSender, bytes));
        }
        if is_moving {
            now += Duration::from_millis(1);
            continue;
        }
        let due = [&sender, &receiver].into_iter().filter(|side| side.end.is_none());
        let Some(next) = due.filter_map(|side| Some(side.until?.0)).min() else { break };
        now = now.max(next);
        assert!(now < Duration::from_secs(36_000), "a transfer ends");
    }
    let amount = sender.machine.amount();
    let Machine::Receiver(to) = receiver.machine else { unreachable!("it was put there") };
    Outcome {
        sender: sender.end.expect("both have ended"),
        receiver: receiver.end.expect("both have ended"),
        name: to.name().map(str::to_string),
        data: to.into_data(),
        sent: amount,
        took: now,
        log,
    }
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 % 251) as u8).collect()
}

/// Returns what arrives of a file by a protocol: XMODEM fills the last block.
fn arrives(protocol: Protocol, file: &[u8]) -> Vec<u8> {
    let mut arrived = file.to_vec();
    if protocol != Protocol::Ymodem {
        arrived.resize(file.len().next_multiple_of(128), PAD);
    }
    arrived
}

fn undisturbed(protocol: Protocol, size: usize) -> Outcome {
    let sender = Sender::new(protocol, "fw.bin", content(size));
    transfer(sender, Receiver::new(protocol, 1 << 20), usize::MAX, &mut |_, bytes| bytes)
}

const SIZES: [usize; 8] = [0, 1, 127, 128, 129, 1024, 1025, 40_000];

#[test]
fn every_protocol_carries_files_of_every_size() {
    for protocol in Protocol::ALL {
        for size in SIZES {
            let outcome = undisturbed(protocol, size);
            assert_eq!((&outcome.sender, &outcome.receiver), (&Ok(()), &Ok(())), "{protocol:?} {size}");
            assert_eq!(outcome.data, arrives(protocol, &content(size)), "{protocol:?} {size}");
            assert_eq!(outcome.sent.again, 0, "{protocol:?} {size}");
            assert_eq!(outcome.sent.bytes, size);
            let name = (protocol == Protocol::Ymodem).then(|| "fw.bin".to_string());
            assert_eq!(outcome.name, name);
        }
    }
}

#[test]
fn a_sender_that_sends_more_than_it_told_is_refused() {
    for (told, fits) in [(0, false), (128, false), (129, true)] {
        let sender = Sender::new(Protocol::Ymodem, "fw.bin", content(129));
        let mut line = |_, bytes: Vec<u8>| {
            let is_header = bytes.starts_with(&[SOH, 0]) && bytes[3] != 0;
            if is_header { block::header(Some(("fw.bin", told))) } else { bytes }
        };
        let outcome = transfer(sender, Receiver::new(Protocol::Ymodem, 1 << 20), usize::MAX, &mut line);
        let trouble = outcome.receiver.err().map(|trouble| trouble.message);
        let refused = format!("the sender announced {told} bytes, but sends more");
        assert_eq!(trouble, (!fits).then_some(refused));
    }
}

#[test]
fn block_numbers_wrap_after_255() {
    let outcome = undisturbed(Protocol::XmodemCrc, 128 * 300);
    assert_eq!(outcome.receiver, Ok(()));
    assert_eq!(outcome.sent.blocks, 300);
    let blocks = outcome.log.iter().filter(|(_, bytes)| bytes[0] == SOH);
    let numbers: Vec<u8> = blocks.map(|(_, bytes)| bytes[1]).collect();
    assert_eq!(numbers[253..258], [254, 255, 0, 1, 2]);
}

#[test]
fn the_bytes_on_the_line_are_those_of_the_specification() {
    let outcome = undisturbed(Protocol::Xmodem, 3);
    let mut block = vec![SOH, 1, 254, 0, 31, 62];
    block.resize(131, PAD);
    block.push(block[3..].iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
    let expected = [(Direction::ToSender, vec![NAK]), (Direction::ToReceiver, block), (Direction::ToSender, vec![ACK])];
    assert_eq!(outcome.log[..3], expected);
    assert_eq!(outcome.log[3..], [(Direction::ToReceiver, vec![EOT]), (Direction::ToSender, vec![ACK])]);

    let outcome = undisturbed(Protocol::Ymodem, 1024 + 100);
    let shapes: Vec<(usize, &[u8])> = outcome.log.iter().map(|(_, bytes)| (bytes.len(), &bytes[..1])).collect();
    let expected: [(usize, &[u8]); 12] = [
        (1, b"C"),
        (133, &[SOH]),
        (2, &[ACK]),
        (1029, &[STX]),
        (1, &[ACK]),
        (133, &[SOH]),
        (1, &[ACK]),
        (1, &[EOT]),
        (2, &[ACK]),
        (133, &[SOH]),
        (1, &[ACK]),
        (0, &[]),
    ];
    assert_eq!(shapes, expected[..11]);
    assert!(outcome.log[1].1[3..].starts_with(b"fw.bin\x001124 0 0\0"));
}

#[test]
fn a_receiver_that_asks_for_a_sum_gets_short_blocks_with_one() {
    for protocol in [Protocol::Xmodem, Protocol::Xmodem1k] {
        let sender = Sender::new(protocol, "", content(2000));
        let outcome = transfer(sender, Receiver::new(Protocol::Xmodem, 1 << 20), usize::MAX, &mut |_, bytes| bytes);
        assert_eq!((outcome.sender, outcome.receiver), (Ok(()), Ok(())));
        assert_eq!(outcome.data, arrives(Protocol::Xmodem, &content(2000)));
    }
    let sender = Sender::new(Protocol::XmodemCrc, "", content(2000));
    let outcome = transfer(sender, Receiver::new(Protocol::Xmodem, 1 << 20), usize::MAX, &mut |_, bytes| bytes);
    let trouble = outcome.sender.expect_err("it has no sum");
    assert_eq!(trouble.message, "the receiver asked for blocks with a sum, and these have a CRC");
}

#[test]
fn the_letter_in_the_text_before_is_no_question() {
    let mut sender = Sender::new(Protocol::XmodemCrc, "", content(10));
    assert!(matches!(sender.step(), Step::Await { .. }));
    let text = b"Send the CRC-checked file now\r\n";
    assert_eq!(sender.take(text), text.len());
    let Step::Await { lasting, .. } = sender.step() else { panic!("nobody asked") };
    assert_eq!(lasting, Duration::from_secs(60));
    sender.take(b"CC");
    let Step::Await { lasting, .. } = sender.step() else { panic!("the line is not quiet yet") };
    assert_eq!(lasting, QUIET);
    sender.time_out();
    assert!(matches!(sender.step(), Step::Send(block) if block[..3] == [SOH, 1, 254]));
}

#[test]
fn several_requests_at_once_are_one() {
    let mut sender = Sender::new(Protocol::Xmodem, "", content(300));
    sender.take(&[NAK, NAK, NAK]);
    sender.time_out();
    let Step::Send(first) = sender.step() else { panic!("it was asked") };
    sender.take(&[NAK, NAK]);
    assert!(matches!(sender.step(), Step::Await { lasting: QUIET, .. }));
    sender.time_out();
    assert_eq!(sender.step(), Step::Send(first));
    // Both of its copies are answered.
    sender.take(&[ACK, ACK]);
    sender.time_out();
    assert!(matches!(sender.step(), Step::Send(block) if block[1] == 2));
    assert!(matches!(sender.step(), Step::Await { .. }));
}

#[test]
fn a_block_that_comes_twice_is_taken_once() {
    // The first answer to each block is lost.
    let mut n_answers = 0;
    let sender = Sender::new(Protocol::XmodemCrc, "", content(500));
    let receiver = Receiver::new(Protocol::XmodemCrc, 1 << 20);
    let outcome = transfer(sender, receiver, usize::MAX, &mut |direction, bytes| {
        if direction == Direction::ToSender && bytes == [ACK] {
            n_answers += 1;
            if n_answers == 2 {
                return Vec::new();
            }
        }
        bytes
    });
    assert_eq!((outcome.sender, outcome.receiver), (Ok(()), Ok(())));
    assert_eq!(outcome.data, arrives(Protocol::XmodemCrc, &content(500)));
    assert_eq!(outcome.sent.again, 1);
}

#[test]
fn two_cancels_end_it_and_one_does_not() {
    let mut sender = Sender::new(Protocol::Xmodem, "", content(300));
    sender.take(&[NAK]);
    sender.time_out();
    sender.step();
    sender.take(&[CAN, ACK]);
    assert!(matches!(sender.step(), Step::Send(_)), "one cancel is noise");
    sender.take(&[CAN, CAN]);
    let Step::Failed(trouble) = sender.step() else { panic!("it was cancelled") };
    assert_eq!(trouble.message, "the receiver cancelled the transfer after 1 block");

    let mut receiver = Receiver::new(Protocol::Xmodem, 1 << 20);
    receiver.step();
    receiver.take(&[CAN, CAN]);
    let Step::Failed(trouble) = receiver.step() else { panic!("it was cancelled") };
    assert_eq!(trouble.message, "the sender cancelled the transfer before its first block");
}

#[test]
fn who_gives_up_cancels() {
    let dead: Line<'_> = &mut |_, _| Vec::new();
    let sender = Sender::new(Protocol::Ymodem, "a", content(3));
    let outcome = transfer(sender, Receiver::new(Protocol::Ymodem, 1 << 20), usize::MAX, dead);
    let (sender, receiver) = (outcome.sender.expect_err("it is dead"), outcome.receiver.expect_err("it is dead"));
    assert_eq!(sender.message, "no receiver asked for the file within a minute");
    assert_eq!(receiver.message, "no block came: it was asked for 20 times");
    assert!(outcome.log.contains(&(Direction::ToSender, CANCEL.to_vec())));
    assert!(outcome.log.contains(&(Direction::ToReceiver, CANCEL.to_vec())));
    assert_eq!(outcome.took.as_secs(), 60);
}

#[test]
fn a_line_that_damages_every_block_is_given_up() {
    let sender = Sender::new(Protocol::Xmodem, "", content(3));
    let receiver = Receiver::new(Protocol::Xmodem, 1 << 20);
    let outcome = transfer(sender, receiver, usize::MAX, &mut |direction, mut bytes| {
        if direction == Direction::ToReceiver && bytes.len() > 10 {
            bytes[9] ^= 1;
        }
        bytes
    });
    let (sender, receiver) = (outcome.sender.expect_err("damaged"), outcome.receiver.expect_err("damaged"));
    assert_eq!(receiver.message, "no block came, only 10 other bytes: it was asked for 10 times");
    assert_eq!(sender.message, "the receiver cancelled the transfer before it took a block");
}

#[test]
fn a_file_that_is_too_long_is_refused() {
    let outcome = transfer(
        Sender::new(Protocol::Ymodem, "big", content(5000)),
        Receiver::new(Protocol::Ymodem, 4096),
        usize::MAX,
        &mut |_, bytes| bytes,
    );
    assert_eq!(outcome.receiver.expect_err("too long").message, "the file is longer than 4096 bytes");
    assert!(outcome.sender.expect_err("cancelled").message.contains("cancelled"));
}

#[test]
fn a_sender_of_two_files_is_cancelled() {
    let mut receiver = Receiver::new(Protocol::Ymodem, 1 << 20);
    receiver.step();
    for bytes in [block::header(Some(("one", 1))), block::of_file(1, b"x", 128, block::Check::Crc), vec![EOT]] {
        receiver.take(&bytes);
        if bytes.len() == 1 {
            receiver.time_out();
        }
        assert!(matches!(receiver.step(), Step::Send(_)));
    }
    receiver.take(&block::header(Some(("two\x1b", 1))));
    assert_eq!(receiver.step(), Step::Send(CANCEL.to_vec()));
    let Step::Failed(trouble) = receiver.step() else { panic!("one file only") };
    assert_eq!(trouble.message, "the sender has a second file, `two\\x1b`");
    assert_eq!(receiver.into_data(), b"x");
}

#[test]
fn a_long_name_gets_a_long_block() {
    let name = "n".repeat(200);
    let header = block::header(Some((&name, 7)));
    assert_eq!((header[0], header.len()), (STX, 1029));
    let (number, data) = block::read(&header, block::Check::Crc).expect("it is whole");
    assert_eq!((number, block::named(data)), (0, Some((name, block::Size::Told(7)))));
}

#[test]
fn a_size_is_a_number_or_is_not_told() {
    let named = |data: &[u8]| block::named(data).map(|(_, size)| size);
    assert_eq!(named(b"a\x00123 14 100644\0"), Some(block::Size::Told(123)));
    assert_eq!((named(b"a"), named(b"a\0\0")), (Some(block::Size::NotTold), Some(block::Size::NotTold)));
    for odd in ["12x", "+5", "-1", "99999999999999999999999"] {
        assert_eq!(named(format!("a\0{odd} 14").as_bytes()), Some(block::Size::Unreadable(odd.to_string())));
    }
    let mut receiver = Receiver::new(Protocol::Ymodem, 10_000);
    assert!(matches!(receiver.step(), Step::Send(_)));
    receiver.take(&block::made(0, b"a\x0012x", 128, 0, block::Check::Crc));
    assert_eq!(receiver.step(), Step::Send(CANCEL.to_vec()));
    let Step::Failed(trouble) = receiver.step() else { panic!("nobody knows the size") };
    assert_eq!(trouble.message, "the sender gives a size that is not a number, `12x`");
}

#[test]
fn the_header_says_that_the_time_is_not_known() {
    let header = block::header(Some(("fw", 7)));
    assert!(header[3..].starts_with(b"fw\x007 0 0\0"), "{header:?}");
}

/// What a property's line does to a write.
#[derive(Clone, Debug)]
enum Fault {
    /// Nothing.
    None,
    /// All of it is lost.
    Lost,
    /// One byte is lost.
    ByteLost(usize),
    /// One bit is another.
    Flipped(usize, u8),
    /// One byte comes twice.
    Doubled(usize),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        8 => Just(Fault::None),
        1 => Just(Fault::Lost),
        1 => any::<usize>().prop_map(Fault::ByteLost),
        2 => (any::<usize>(), 0u8..8).prop_map(|(at, bit)| Fault::Flipped(at, bit)),
        1 => any::<usize>().prop_map(Fault::Doubled),
    ]
}

fn disturbed(fault: &Fault, mut bytes: Vec<u8>) -> Vec<u8> {
    match fault {
        Fault::None => {}
        Fault::Lost => bytes.clear(),
        Fault::ByteLost(at) => drop(bytes.remove(at % bytes.len())),
        Fault::Flipped(at, bit) => {
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
        }
        Fault::Doubled(at) => {
            let at = at % bytes.len();
            bytes.insert(at, bytes[at]);
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_arrives_over_a_bad_line_is_right(
        kind in 1usize..4,
        size in 0usize..6000,
        faults in prop::collection::vec(fault(), 0..24),
    ) {
        let protocol = Protocol::ALL[kind];
        let mut faults = faults.into_iter();
        let sender = Sender::new(protocol, "fw.bin", content(size));
        let receiver = Receiver::new(protocol, 1 << 20);
        // Blocks and what is asked for are disturbed. An answer is one byte without a check, so it is lost or it arrives.
        let outcome = transfer(sender, receiver, usize::MAX, &mut |direction, bytes| {
            match (direction, faults.next().unwrap_or(Fault::None)) {
                (Direction::ToReceiver, fault) if bytes.len() > 3 => disturbed(&fault, bytes),
                (_, Fault::Lost) if bytes != CANCEL => Vec::new(),
                (_, _) => bytes,
            }
        });
        if outcome.receiver.is_ok() {
            prop_assert_eq!(&outcome.data, &arrives(protocol, &content(size)));
        }
        if outcome.sender.is_ok() {
            prop_assert_eq!(&outcome.receiver, &Ok(()));
        }
    }

    #[test]
    fn how_reads_cut_the_bytes_changes_nothing(kind in 0usize..4, size in 0usize..3000, cut in 1usize..200) {
        let protocol = Protocol::ALL[kind];
        let sender = Sender::new(protocol, "fw.bin", content(size));
        let cut = transfer(sender, Receiver::new(protocol, 1 << 20), cut, &mut |_, bytes| bytes);
        let whole = undisturbed(protocol, size);
        prop_assert_eq!(cut.log, whole.log);
        prop_assert_eq!(cut.took, whole.took);
    }

    #[test]
    fn nothing_that_comes_makes_a_machine_panic_or_hang(
        kind in 0usize..4,
        came in prop::collection::vec(prop_oneof![any::<u8>(), Just(ACK), Just(NAK), Just(SOH), Just(CAN), Just(b'C')], 0..2000),
        times_out in prop::collection::vec(any::<bool>(), 0..200),
    ) {
        let protocol = Protocol::ALL[kind];
        for mut machine in [
            Machine::Sender(Box::new(Sender::new(protocol, "a", content(200)))),
            Machine::Receiver(Box::new(Receiver::new(protocol, 1000))),
        ] {
            let (mut at, mut times_out) = (0, times_out.iter());
            for _ in 0..10_000 {
                match machine.step() {
                    Step::Send(_) => {}
                    Step::Done | Step::Failed(_) => break,
                    Step::Await { .. } if at < came.len() && *times_out.next().unwrap_or(&true) => {
                        let n = machine.take(&came[at..]);
                        prop_assert!(n > 0);
                        at += n;
                    }
                    Step::Await { .. } => machine.time_out(),
                }
            }
            prop_assert!(matches!(machine.step(), Step::Done | Step::Failed(_)));
        }
    }
}
