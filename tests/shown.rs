//! What a person is shown of the exchange: an echo once, line ends where they are not the usual ones, colours by rule.

mod support;

use flowrun::diagnostic::render::{Look, Style};
use flowrun::event::{Event, EventKind, Verdict};
use flowrun::report::Sink;
use flowrun::report::console::{Console, Detail, Status, Volume};
use flowrun::source::Sources;
use support::{Run, check_text, program};

fn is_exchange(event: &Event) -> bool {
    matches!(event.kind, EventKind::Sent { .. } | EventKind::Received { .. } | EventKind::RunStarted(_))
}

/// Returns the exchange as the console shows it, without times: of each row what follows its sign, of others nothing.
fn console(events: &[Event], detail: Detail, style: Style) -> String {
    let sources = Sources::default();
    let mut out = Vec::new();
    let look = Look { width: 100, style };
    let mut console = Console::new(&mut out, &sources, look, Volume::Normal, Status::Hidden).with_detail(detail);
    events
        .iter()
        .filter(|event| is_exchange(event))
        .for_each(|event| console.tell(event).expect("memory takes everything"));
    console.end().expect("memory takes everything");
    let text = String::from_utf8(out).expect("it is text");
    let (_, rows) = text.split_once("\n\n").expect("a header comes first");
    let times: Vec<f64> =
        rows.lines().map(|row| row[..9].trim().parse().expect("each row begins with a time")).collect();
    assert!(times.is_sorted(), "{rows}");
    rows.lines().map(|row| row.get(11..).unwrap_or(row).to_string() + "\n").collect()
}

/// Runs a flow on a line that is cut in every way; all runs show the same. Returns what is shown.
#[track_caller]
fn shown(flow: &str, device: &str) -> String {
    let of = |chunk: usize| {
        let outcome = Run::texts(flow, device).chunks(chunk).go();
        assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
        let raw = console(&outcome.events, Detail::Raw, Style::Plain);
        let n_received: usize = outcome.raw_received.len();
        assert!(n_received > 0 && !raw.contains("echoed"), "{raw}");
        console(&outcome.events, Detail::Usual, Style::Plain)
    };
    let whole = of(usize::MAX);
    for chunk in [1, 2, 3, 5, 16] {
        assert_eq!(of(chunk), whole, "in pieces of {chunk}");
    }
    whole
}

const MODEM: &str = "device \"modem\" serial { header \"\\r\\n\"  echo on }\non line \"AT\" { reply \"OK\" }\n\
                     on line \"AT+CSQ\" { reply \"+CSQ: 21,0\"  reply \"OK\" }\n\
                     on line \"AT+CPIN?\" { reply \"+CME ERROR: 10\" }\n";

#[test]
fn an_echo_is_a_mark_beside_what_was_sent() {
    let flow = "flow \"t\"\nsend \"AT\"  expect line \"OK\"\nsend \"AT+CSQ\"  expect line /\\+CSQ: .*/  expect line \"OK\"\n\
                send \"AT+CPIN?\"  expect line /\\+CME ERROR: .*/\n";
    assert_eq!(
        shown(flow, MODEM),
        "> AT ⏎ echoed\n< OK\n> AT+CSQ ⏎ echoed\n< +CSQ: 21,0\n< OK\n> AT+CPIN? ⏎ echoed\n< +CME ERROR: 10  SIM not inserted\n"
    );
}

#[test]
fn what_does_not_come_back_has_no_mark() {
    let flow = "flow \"t\"\nsend \"AT\"  expect line \"OK\"\n";
    assert_eq!(shown(flow, &MODEM.replace("  echo on", "")), "> AT\n< OK\n");
    let flow = "flow \"t\" serial { echo off }\nsend \"AT\"  expect line \"OK\"\n";
    assert_eq!(shown(flow, MODEM), "> AT\n< AT\\r\n< OK\n");
}

#[test]
fn a_message_before_the_echo_comes_first() {
    let device = "device \"d\" serial { header \"\\r\\n\" }\n\
                  on line \"AT\" { send raw \"\\r\\n+URC: 1\\r\\n\"  sleep 20ms  send raw \"AT\\r\\r\\nOK\\r\\n\" }\n";
    let flow = "flow \"t\"\nsend \"AT\"  expect line \"OK\"\n";
    assert_eq!(shown(flow, device), "> AT\n< +URC: 1\n< ⏎ echoed\n< OK\n");
}

#[test]
fn an_echo_that_a_terminal_wraps_is_one_mark() {
    let command = "printf '%s' aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbb";
    for wrap in ["\\r\\n", " \\r", "\\r\\r\\n"] {
        let (a, b) = command.split_at(30);
        let device = format!(
            "device \"d\"\non line /printf.*/ {{ send raw \"{a}{wrap}\"  sleep 30ms  send raw \"{b}\\r\\naaa\\r\\n$ \" }}\n"
        );
        let flow = format!("flow \"t\"\nsend \"{command}\"  expect line \"aaa\"  expect prompt \"$ \"\n");
        let expected = format!("> {command} ⏎ echoed\n< aaa\n< $ ⋯\n");
        assert_eq!(shown(&flow, &device), expected, "{wrap}");
    }
}

#[test]
fn an_echo_of_raw_bytes_is_a_mark_too() {
    let flow = "flow \"t\" serial { eol none  echo on }\nsend raw x\"01 03\"\nread 2 bytes as answer\n";
    let device =
        "device \"d\" serial { eol none }\nread 2 bytes as asked within 1h\nsend raw x\"01 03 aa bb\"\nsleep 1s\n";
    assert_eq!(shown(flow, device), "> \\x01\\x03 ⏎ echoed\n< \\xaa\\xbb\n");
}

#[test]
fn a_secret_in_an_echo_and_behind_it_is_named_as_ever() {
    let flow = "flow \"t\"\nsecret word = \"Tr0ub4dor\"\nsend \"login ${word}\"  expect line /hi .*/\n\
                send \"x\"  expect line \"y\"\n";
    let device = "device \"d\" serial { echo on }\non line /login (?<w>.*)/ { reply \"hi ${w}\" }\non line \"x\" { reply \"y\" }\n";
    assert_eq!(shown(flow, device), "> login «word» ⏎ echoed\n< hi «word»\n> x ⏎ echoed\n< y\n");
}

#[test]
fn each_port_has_marks_of_its_own() {
    let flow = "flow \"t\"\nport a { sim \"d.flow\" }\nport b { sim \"d.flow\" }\n\
                using a { send \"AT\" }\nusing b { send \"AT\" }\nusing a { expect line \"OK\" }\nusing b { expect line \"OK\" }\n\
                using a { send \"AT\"  expect line \"OK\" }\n";
    let outcome =
        Run::against(program(check_text("test.flow", flow)), vec![program(check_text("d.flow", MODEM)); 2]).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    assert_eq!(
        console(&outcome.events, Detail::Usual, Style::Ascii),
        "a > AT (echoed)\nb > AT\na < OK\nb < (echoed)\nb < OK\na > AT (echoed)\na < OK\n"
    );
}

#[test]
fn an_echo_that_comes_late_is_a_mark_in_a_row_of_its_own() {
    // Somebody sees what was sent a moment after it was; then the echo comes.
    let device = "device \"d\"\non line \"AT\" { sleep 2s  send raw \"AT\\r\\r\\nOK\\r\\n\" }\n";
    let outcome = Run::texts("flow \"t\"\nsend \"AT\"  expect line \"OK\"\n", device).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    let sources = Sources::default();
    let mut out = Vec::new();
    let look = Look { width: 100, style: Style::Plain };
    let mut console = Console::new(&mut out, &sources, look, Volume::Normal, Status::Hidden);
    let exchange = outcome.events.iter().filter(|event| is_exchange(event));
    for event in exchange {
        console.tell(event).expect("memory takes everything");
        // The loop does so when nothing has happened for a moment, and only if there is something.
        let is_sent = matches!(event.kind, EventKind::Sent { .. });
        assert!(!is_sent || console.has_unwritten());
        let n_times = (0..9).take_while(|_| {
            let has_unwritten = console.has_unwritten();
            console.write_out().expect("memory takes everything");
            has_unwritten
        });
        let n_times = n_times.count();
        assert_eq!(n_times, if is_sent { 3 } else { 1 });
    }
    console.end().expect("memory takes everything");
    let text = String::from_utf8(out).expect("it is text");
    assert_eq!(
        text,
        "t\ntest.flow on sim, 115200 8N1, seed 1\n\n    0.000  > AT\n    2.001  < ⏎ echoed\n    2.001  < OK\n"
    );
}

#[test]
fn an_echo_that_comes_character_by_character_while_a_command_is_being_sent_is_a_mark() {
    let flow = "flow \"t\" serial { pace 5ms }\nsend \"AT+CSQ\"  expect line \"OK\"\n";
    let device =
        "device \"d\"\nrepeat 7 { read 1 bytes as c within 1h  send raw c }\nsend raw \"\\r\\nOK\\r\\n\"\nsleep 1s\n";
    assert_eq!(shown(flow, device), "> AT+CSQ ⏎ echoed\n< OK\n");
}

/// A modem that sends back each character as it comes, and is slow to do so.
const SLOW_ECHO: &str = "device \"d\"\nrepeat 3 { read 1 bytes as c within 1h  sleep 5ms  send raw c }\nsend raw \"\\r\\nOK\\r\\n\"\nsleep 1s\n";

#[test]
fn half_an_echo_is_not_shown_when_another_port_is_spoken_to() {
    let flow = "flow \"t\"\nport a { sim \"d.flow\" }\nport b { sim \"d.flow\" }\n\
                using a { send \"AT\" }\nsleep 8ms\nusing b { send \"AT\" }\nusing a { expect line \"OK\" }\n\
                using b { expect line \"OK\" }\n";
    let devices = vec![program(check_text("d.flow", SLOW_ECHO)); 2];
    let outcome = Run::against(program(check_text("test.flow", flow)), devices).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    let told = "a < A\n";
    assert!(outcome.transcript.contains(told), "the transcript has what came when it came: {}", outcome.transcript);
    let expected = "a > AT\nb > AT\na < ⏎ echoed\na < OK\nb < ⏎ echoed\nb < OK\n";
    assert_eq!(console(&outcome.events, Detail::Usual, Style::Plain), expected);
}

#[test]
fn what_begins_like_an_echo_and_is_none_is_shown() {
    let device = "device \"d\"\nread 3 bytes as asked within 1h\nsend raw \"A\"\nsleep 20ms\nsend raw \"LARM\\r\\nOK\\r\\n\"\nsleep 1s\n";
    let other = "device \"d\"\non line \"AT\" { reply \"OK\" }\n";
    let flow = "flow \"t\"\nport a { sim \"d.flow\" }\nport b { sim \"d.flow\" }\n\
                using a { send \"AT\" }\nsleep 8ms\nusing b { send \"AT\"  expect line \"OK\" }\nusing a { expect line \"OK\" }\n";
    let devices = vec![program(check_text("d.flow", device)), program(check_text("d.flow", other))];
    let outcome = Run::against(program(check_text("test.flow", flow)), devices).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}", outcome.report);
    let expected = "a > AT\nb > AT\nb < OK\na < A⋯\na < LARM\na < OK\n";
    assert_eq!(console(&outcome.events, Detail::Usual, Style::Plain), expected);
}
