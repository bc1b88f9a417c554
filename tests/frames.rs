//! The libraries for frames, `std/modbus`, `std/ubx`, `std/slip` and `std/dle`, with frames that others have published.

mod support;

use flowrun::event::Verdict;
use support::{Outcome, Run};

/// Runs a flow against a device, in reads of one byte too: both must end alike.
fn run(flow: &str, device: &str) -> Outcome {
    let serial = "serial { eol none  echo off }";
    let flow = format!("flow \"t\"\n{serial}\n{flow}");
    let device = format!("device \"d\"\n{serial}\n{device}");
    let whole = Run::texts(&flow, &device).go();
    let cut = Run::texts(&flow, &device).chunks(1).go();
    // What nobody reads any more may not have come when the run ends.
    assert_eq!(cut.verdict, whole.verdict, "{}", cut.report);
    if whole.verdict == Verdict::Failed {
        assert_eq!(cut.message(), whole.message());
    }
    whole
}

fn passes(outcome: &Outcome) {
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
}

fn fails(outcome: &Outcome, message: &str) {
    assert_eq!(outcome.verdict, Verdict::Failed, "{}", outcome.transcript);
    assert!(outcome.message().contains(message), "{}", outcome.message());
}

/// A device that takes so many bytes and answers in hex, if they are these.
fn answers(request: &str, answer: &str) -> String {
    let n = request.split(' ').count();
    format!("read {n} bytes as request within 1h\nassert request == x\"{request}\"\nsend raw x\"{answer}\"\nsleep 1s")
}

// ------------------------------------------------------------------------------------------------- Modbus RTU

/// Reading registers 107 to 109 of slave 17, as the application protocol and many manuals have it.
const READ: &str = "11 03 00 6b 00 03 76 87";

#[test]
fn the_frame_of_the_serial_line_guide_has_its_crc() {
    // "MODBUS over serial line" V1.02, 6.2.2: the CRC of 02 07 is 1241, sent as 41 12.
    passes(&run("use \"std/modbus\"\ncall modbus_frame(x\"02 07\") -> frame\nassert frame == x\"02 07 41 12\"", ""));
}

#[test]
fn registers_are_read() {
    let flow = "use \"std/modbus\"\ncall modbus_registers(17, 107, 3, 1s) -> registers\nassert registers == [0xae41, 0x5652, 0x4340]";
    passes(&run(flow, &answers(READ, "11 03 06 ae 41 56 52 43 40 49 ad")));
}

#[test]
fn registers_are_written() {
    let one = "use \"std/modbus\"\ncall modbus_write(17, 1, 3, 1s)";
    passes(&run(one, &answers("11 06 00 01 00 03 9a 9b", "11 06 00 01 00 03 9a 9b")));
    let two = "use \"std/modbus\"\ncall modbus_write_many(17, 1, [10, 0x0102], 1s)";
    passes(&run(two, &answers("11 10 00 01 00 02 04 00 0a 01 02 c6 f0", "11 10 00 01 00 02 12 98")));
    fails(&run(one, &answers("11 06 00 01 00 03 9a 9b", "11 06 00 01 00 04 db 59")), "says that it wrote 00010004");
}

#[test]
fn a_refusal_says_what_it_means() {
    // Reading a coil that slave 10 does not have.
    let flow = "use \"std/modbus\"\ncall modbus_read(10, 1, 1185, 1, 1s) -> _data";
    let outcome = run(flow, &answers("0a 01 04 a1 00 01 ac 63", "0a 81 02 b0 53"));
    fails(&outcome, "unit 10 refuses function 1: exception 2, it has no such address");
}

#[test]
fn a_damaged_answer_and_that_of_another_unit_fail() {
    let flow = "use \"std/modbus\"\ncall modbus_registers(17, 107, 3, 1s) -> _registers";
    fails(&run(flow, &answers(READ, "11 03 06 ae 41 56 52 43 41 49 ad")), "the frame is damaged");
    fails(&run(flow, &answers(READ, "12 03 06 ae 41 56 52 43 40 49 ad")), "1203 is no answer of unit 17");
    fails(&run(flow, &answers(READ, "11 03 06 ae 41")), "bytes did not come");
}

// -------------------------------------------------------------------------------------------------------- UBX

#[test]
fn frames_of_u_blox_have_their_sums() {
    // A poll of UBX-MON-VER and a rate of 5 Hz (UBX-CFG-RATE), as the manuals of receivers print them.
    let flow = "use \"std/ubx\"\ncall ubx_frame(0x0a, 0x04, \"\") -> poll\nassert poll == x\"b5 62 0a 04 00 00 0e 34\"\n\
                call ubx_frame(0x06, 0x08, x\"c8 00 01 00 01 00\") -> rate\n\
                assert rate == x\"b5 62 06 08 06 00 c8 00 01 00 01 00 de 6a\"";
    passes(&run(flow, ""));
}

#[test]
fn messages_are_found_between_sentences_and_false_heads() {
    let flow = "use \"std/ubx\"\ncall ubx_receive(0x05, 0x01, 3s) -> about\nassert about == x\"06 08\"\nexpect \"$GPRMC\" within 1s";
    let device = r#"send raw "$GPGGA,,*56\r\n"
send raw x"b5 62 05 01 ff ff"
send raw x"b5 62 05 01 02 00 06 09 16 3f"
sleep 100ms
send raw x"b5 62 05 01 02 00 06 08 16 3f"
send raw "$GPRMC,,*4B\r\n"
sleep 1s"#;
    let outcome = run(flow, device);
    passes(&outcome);
    assert_eq!(outcome.transcript.matches("a UBX frame is damaged").count(), 2, "{}", outcome.transcript);
}

#[test]
fn a_message_whose_class_is_a_line_end_is_found() {
    let flow = "use \"std/ubx\"\ncall ubx_send(0x0a, 0x04, \"\")\ncall ubx_receive(0x0a, 0x04, 1s) -> version\n\
                assert version == x\"31 00\"";
    passes(&run(flow, &answers("b5 62 0a 04 00 00 0e 34", "b5 62 0a 04 02 00 31 00 41 ba")));
}

#[test]
fn numbers_in_a_payload_may_be_negative() {
    let flow = "use \"std/ubx\"\ncompute payload = x\"00 fe ff ff ff 2a 00\"\n\
                call ubx_int(payload, 1, 4) -> low\nassert low == -2\n\
                call ubx_uint(payload, 5, 2) -> high\nassert high == 42\n\
                call ubx_uint(payload, 5, 4)";
    fails(&run(flow, ""), "the payload has 7 bytes");
}

#[test]
fn a_setting_is_acknowledged_or_refused() {
    let flow = "use \"std/ubx\"\ncall ubx_set(0x06, 0x08, x\"c8 00 01 00 01 00\", 1s)";
    let rate = "b5 62 06 08 06 00 c8 00 01 00 01 00 de 6a";
    passes(&run(flow, &answers(rate, "b5 62 05 01 02 00 06 08 16 3f")));
    fails(&run(flow, &answers(rate, "b5 62 05 00 02 00 06 08 15 3a")), "the receiver does not accept 0608");
}

// ------------------------------------------------------------------------------------------------------- SLIP

#[test]
fn slip_escapes_as_rfc_1055_says() {
    let flow = "use \"std/slip\"\ncall slip_frame(x\"01 c0 db dc dd 02\") -> frame\n\
                assert frame == x\"c0 01 db dc db dd dc dd 02 c0\"\ncall slip_send(x\"c0\")\n\
                call slip_receive(1s) -> one\nassert one == x\"01 c0 db dc dd 02\"\n\
                call slip_receive(1s) -> two\nassert two == x\"ff\"";
    passes(&run(flow, &answers("c0 db dc c0", "c0 01 db dc db dd dc dd 02 c0 c0 ff c0")));
}

#[test]
fn a_damaged_slip_frame_fails() {
    let device = "sleep 10ms\nsend raw x\"c0 01 db 02 c0\"\nsleep 1s";
    fails(&run("use \"std/slip\"\ncall slip_receive(1s) -> _packet", device), "the SLIP frame 01db02 is damaged");
}

#[test]
fn every_packet_survives() {
    let flow = "use \"std/slip\"\nuse \"std/dle\"\ncompute packet = x\"\"\n\
                for a in [0x10, 0x02, 0x03, 0xc0, 0xdb, 0xdc, 0xdd] { for b in [0x10, 0x02, 0x03, 0xc0, 0xdb, 0xdc, 0xdd] { compute packet = packet + bytes_be(a, 1) + bytes_be(b, 1) } }\n\
                call slip_send(packet)\ncall slip_receive(1s) -> same\nassert same == packet\n\
                call dle_frame(packet) -> frame\nsend raw frame\ncall dle_receive(1s) -> same\nassert same == packet";
    passes(&run(flow, "repeat while true at most 1000 { read 1 bytes as b within 1h  send raw b }"));
}

// --------------------------------------------------------------------------------------------------------- DLE

#[test]
fn the_frame_of_a_heat_pump_is_made_and_taken() {
    // Published in a forum: reading two bytes of a Waterkotte; the CRC has the polynomial 8005 and begins with 0.
    let flow = "use \"std/dle\"\ncall dle_frame(x\"01 15 00 00 00 02\") -> frame\n\
                send raw frame + bytes_be(crc(x\"01 15 00 00 00 02\", {width: 16, poly: 0x8005}), 2)\n\
                call dle_receive(1s) -> data\nread 2 bytes as sum\nassert data == x\"00 17 10 03 1f\"\n\
                assert crc(data, {width: 16, poly: 0x8005}) == uint_be(sum)";
    passes(&run(flow, &answers("10 02 01 15 00 00 00 02 10 03 fe 17", "ff 10 02 00 17 10 10 03 1f 10 03 a7 07 ff")));
    let flow = "use \"std/dle\"\ncall dle_receive(1s) -> _data";
    fails(&run(flow, "sleep 1ms\nsend raw x\"10 02 01 10 05\"\nsleep 1s"), "after DLE stands 05");
}
