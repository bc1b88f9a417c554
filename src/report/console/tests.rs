//! The console: a run as it is shown, quiet, in colours, whole and cut.

use std::ops::Range;

use insta::assert_snapshot;

use super::*;
use crate::check::check;
use crate::event::{EchoOf, Failure, Verdict};
use crate::legend::Kind;
use crate::load::load;
use crate::port_id::PortId;
use crate::report::palette::GOOD;
use crate::report::summary;
use crate::source::{Site, Span};

const LOOK: Look = Look { width: 80, style: Style::Plain };

fn watch(look: Look, volume: Volume) -> String {
    let (sources, events) = summary::tests::example();
    let mut out = Vec::new();
    let mut console = Console::new(&mut out, &sources, look, volume, Status::Hidden);
    for event in &events {
        console.tell(event).expect("a Vec takes whatever is written");
    }
    console.end().expect("a Vec can be flushed");
    String::from_utf8(out).expect("a console shows text")
}

#[test]
fn a_run_is_shown_as_it_happens_with_the_failure_at_its_end() {
    assert_snapshot!(watch(Look { width: 60, style: Style::Plain }, Volume::Normal), @r#"
    Attach to the network
    main.flow on /dev/ttyUSB0, 115200 8N1, seed 42

        0.003  ▸ SIM
        0.004  > AT+CPIN? ⏎ echoed
        0.009  < +CME ERROR: 14  SIM busy
        5.009  ! line "OK" did not come within 5s (lib/air.flow:4:3)
        5.009  ↻ SIM  5.006 s, attempt 1 failed
        6.009  ▸ SIM (attempt 2 of 3)
        6.010  > AT+CPIN? ⏎ echoed
        6.020  < +CPIN: READY
        6.020  < OK
        6.020  = pin: READY
        6.020  + pin saved
        6.020  # SIM is ready
        6.021  ✓ SIM  0.012 s, attempt 2
        6.021  ▸ Network
        6.021    ▸ Attach
        6.021  = vbat: 3.42 V, limits 3.60 .. 4.20, 0.18 V below the lower limit
        6.021  > AT+CGATT?
        6.031  < +CGATT: 0
        6.031  < ERROR
        6.040  < \0\x1b[2J\r\n\xffa\n
       11.021  ! line "OK" did not come within 5s (lib/air.flow:4:3)
       11.021    ✗ Attach  5.000 s
       11.021  - cleaning up
       11.022  ✗ Network  5.001 s

    flow::run::timeout

      × line "OK" did not come within 5s
       ╭─[lib/air.flow:4:3]
     3 │   send "AT+CGATT?"
     4 │   expect line "OK" within 5s
       ·   ─────────────┬────────────
       ·                ╰── waited here
     5 │ }
       ╰────
       ╭─[main.flow:3:3]
     2 │ use "lib/air.flow"
     3 │ call attach(5)
       ·   ──────┬─────
       ·         ╰── called here
       ╰────
      step: Network › Attach
      sent: AT+CGATT?\r
      came: \r\n+CGATT: 0\r\n
            \r\nERROR\r\n
      help: the modem answered ERROR: it does not know the
            command, or not yet

    failed  Attach to the network  3 steps, 1 check, 11.031 s
    "#);
}

#[test]
fn a_port_that_cannot_be_opened_is_said_once() {
    let (sources, failure) = summary::tests::example_failure();
    let reason = "no such file".to_string();
    let message = format!("`/dev/ttyX` cannot be opened: {reason}");
    let failure = Failure { code: Code::RunPort, site: None, message, steps: Vec::new(), ..failure };
    let mut out = Vec::new();
    let mut console = Console::new(&mut out, &sources, LOOK, Volume::Normal, Status::Hidden);
    for kind in [
        EventKind::Closed(CloseReason::CannotOpen { reason, help: None }),
        EventKind::Failed(Box::new(failure)),
        EventKind::RunEnded { verdict: Verdict::PortFailed, checks: 0 },
    ] {
        let event = Event { at: Moment::START, port: PortId::FIRST, site: None, kind };
        console.tell(&event).expect("a Vec takes whatever is written");
    }
    let text = String::from_utf8(out).expect("a console shows text");
    assert_eq!(text.matches("no such file").count(), 1, "{text}");
}

#[test]
fn with_several_ports_the_verdict_names_its_own() {
    let (sources, events) = summary::tests::example();
    let mut out = Vec::new();
    let console = Console::new(&mut out, &sources, LOOK, Volume::Quiet, Status::Hidden);
    let mut console = console.of_port("/dev/ttyUSB0");
    for event in &events {
        console.tell(event).expect("a Vec takes whatever is written");
    }
    let text = String::from_utf8(out).expect("a console shows text");
    assert!(text.contains("\n/dev/ttyUSB0  failed  Attach to the network  3 steps"), "{text}");
}

#[test]
fn quiet_leaves_the_failure_and_the_verdict() {
    assert_snapshot!(watch(Look { width: 80, style: Style::Ascii }, Volume::Quiet), @r#"
    flow::run::timeout

      x line "OK" did not come within 5s
       ,-[lib/air.flow:4:3]
     3 |   send "AT+CGATT?"
     4 |   expect line "OK" within 5s
       :   ^^^^^^^^^^^^^|^^^^^^^^^^^^
       :                `-- waited here
     5 | }
       `----
       ,-[main.flow:3:3]
     2 | use "lib/air.flow"
     3 | call attach(5)
       :   ^^^^^^|^^^^^
       :         `-- called here
       `----
      step: Network > Attach
      sent: AT+CGATT?\r
      came: \r\n+CGATT: 0\r\n
            \r\nERROR\r\n
      help: the modem answered ERROR: it does not know the command, or not yet

    failed  Attach to the network  3 steps, 1 check, 11.031 s
    "#);
}

#[test]
fn nothing_but_our_own_colours_reaches_the_terminal() {
    let text = watch(Look { width: 50, style: Style::Colour }, Volume::Normal);
    for (at, _) in text.match_indices('\u{1b}') {
        let (code, _) = text[at + 1..].split_once('m').expect("each sequence sets a colour");
        assert!(code.starts_with('[') && code[1..].bytes().all(|b| b.is_ascii_digit() || b == b';'), "{code:?}");
    }
    assert!(!text.chars().any(|c| c != '\n' && c != '\u{1b}' && c.is_control()));
    assert!(text.contains("\\x1b[2J"));
}

#[test]
fn a_line_of_the_exchange_is_whole_however_long_it_is() {
    let sources = Sources::default();
    let mut out = Vec::new();
    let look = Look { width: 30, style: Style::Plain };
    let mut console = Console::new(&mut out, &sources, look, Volume::Normal, Status::Hidden);
    let kind = EventKind::Received { bytes: "日本".repeat(500).into_bytes(), block: false, echo: None };
    let event = Event { at: Moment::START, port: PortId::FIRST, site: None, kind };
    console.tell(&event).and_then(|()| console.end()).expect("a Vec takes whatever is written");
    let text = String::from_utf8(out).expect("a console shows text");
    assert_eq!(text, format!("    0.000  < {}⋯\n", "日本".repeat(500)));
}

#[test]
fn no_line_of_the_exchange_is_wider_than_the_terminal_if_they_are_to_be_cut() {
    let sources = Sources::default();
    let mut out = Vec::new();
    let look = Look { width: 30, style: Style::Plain };
    let console = Console::new(&mut out, &sources, look, Volume::Normal, Status::Hidden);
    let mut console = console.with_lines(Overlong::Cut);
    for bytes in
        ["x".repeat(1000), "日本".repeat(50), "\r\n".repeat(99), "x".repeat(17), "x".repeat(18), "é\r\n".into()]
    {
        let kind = EventKind::Received { bytes: bytes.into_bytes(), block: true, echo: None };
        console
            .tell(&Event { at: Moment::START, port: PortId::FIRST, site: None, kind })
            .expect("a Vec takes whatever is written");
    }
    console.end().expect("a Vec takes whatever is written");
    let text = String::from_utf8(out).expect("a console shows text");
    assert!(text.lines().all(|line| columns(line) <= 30), "{text}");
    assert_snapshot!(text, @r#"
    0.000  < xxxxxxxxxxxxxxxx…
    0.000  < 日本日本日本日本…
    0.000  < \r\n\r\n\r\n\r\n…
    0.000  < xxxxxxxxxxxxxxxxx
    0.000  < xxxxxxxxxxxxxxxx…
    0.000  < é\r\n
    "#);
}

#[test]
fn the_status_line_is_erased_before_the_next_line_and_not_written_twice() {
    let (sources, _) = summary::tests::example();
    let (id, _) = sources.iter().nth(1).expect("the example has two sources");
    let site = Site { source: id, span: Span::new(57, 83) };
    let mut out = Vec::new();
    let look = Look { width: 80, style: Style::Plain };
    let mut console = Console::new(&mut out, &sources, look, Volume::Normal, Status::Shown);
    let deadline = Some(Moment::from_millis(5000));
    let why = Waiting::Match { site, deadline };
    let mut all = || -> io::Result<()> {
        let begun = Moment::from_millis(300);
        console.progress(&Progress { what: "line \"OK\"".to_string(), begun, came: 3, moved: None });
        console.waiting(Moment::from_millis(1800), &why)?;
        console.waiting(Moment::from_millis(1800), &why)?;
        console.waiting(Moment::from_millis(1800), &Waiting::Breath)?;
        let kind = EventKind::Received { bytes: b"OK\r\n".to_vec(), block: false, echo: None };
        console.tell(&Event { at: Moment::from_millis(1801), port: PortId::FIRST, site: None, kind })?;
        console.waiting(Moment::from_millis(1801), &Waiting::Sleep { site, until: Moment::from_millis(2000) })?;
        console.end()
    };
    all().expect("a Vec takes whatever is written");
    let text = String::from_utf8(out).expect("a console shows text").replace('\r', "<cr>").replace('\u{1b}', "<esc>");
    assert_snapshot!(text, @r#"
    <cr><esc>[K⠧ waits for line "OK" (lib/air.flow:4:3) · 1.5 of 4.7 s · 3 B came<cr><esc>[K    1.801  < OK
    <cr><esc>[K⠧ sleeps (lib/air.flow:4:3) · 0.2 s left<cr><esc>[K
    "#);
}

#[test]
fn a_binary_block_is_a_table_unless_text_is_wanted_and_everything_is_if_hex_is() {
    let shown = |view: View| {
        let sources = Sources::default();
        let mut out = Vec::new();
        let mut console = Console::new(&mut out, &sources, LOOK, Volume::Normal, Status::Hidden).with_view(view);
        let frame: Vec<u8> = (0x80..0x94).collect();
        for kind in [
            EventKind::Sent { bytes: b"\x01\x03\x00\x00\x00\x02".to_vec() },
            EventKind::Received { bytes: frame, block: true, echo: None },
            EventKind::Received { bytes: b"OK\r\n".to_vec(), block: false, echo: None },
        ] {
            console.tell(&Event { at: Moment::START, port: PortId::FIRST, site: None, kind }).expect("there is room");
        }
        console.end().expect("a Vec can be flushed");
        String::from_utf8(out).expect("a console shows text")
    };
    assert_snapshot!(shown(View::Auto), @r"
        0.000  > 01 03 00 00 00 02  |......|
        0.000  < 20 bytes
                 0000  80 81 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f  |................|
                 0010  90 91 92 93                                      |....|
        0.000  < OK
    ");
    assert!(shown(View::Text).contains("> \\x01\\x03\\0\\0\\0\\x02"), "{}", shown(View::Text));
    assert!(shown(View::Hex).contains("< 4f 4b 0d 0a  |OK..|"), "{}", shown(View::Hex));
}

/// What a console writes for these events, a millisecond apart, with colours as `<colour text>`.
fn exchange(detail: Detail, kinds: Vec<EventKind>) -> String {
    let text = "flow \"T\"\nuse \"std/at\"\non line /\\+CMTI: .*/ { log \"sms\" }\nsend \"AT\"\nexpect line \"OK\"\n\
                expect prompt \"> \"\n";
    let checked = check(load(std::path::Path::new("t.flow"), &|_: &std::path::Path| Ok(text.as_bytes().to_vec())));
    let legend = Legend::of(&checked.program.expect("the flow is right"));
    let sources = Sources::default();
    let mut out = Vec::new();
    let look = Look { width: 80, style: Style::Colour };
    let console = Console::new(&mut out, &sources, look, Volume::Normal, Status::Hidden);
    let mut console = console.with_detail(detail).with_legend(legend);
    for (at, kind) in (1..).zip(kinds) {
        let event = Event { at: Moment::from_millis(at), port: PortId::FIRST, site: None, kind };
        console.tell(&event).expect("a Vec takes whatever is written");
    }
    console.end().expect("a Vec can be flushed");
    let mut text = String::from_utf8(out).expect("a console shows text");
    for (paint, name) in [(DIM, "dim"), (GOOD, "good"), (BAD, "bad"), (SENT, "sent"), (BOLD, "bold")] {
        text = text.replace(&format!("{paint}"), &format!("<{name} "));
    }
    text = text.replace(&format!("{}", paint_of(Kind::Message)), "<message ");
    text.replace("\u{1b}[0m", ">")
}

fn sent(text: &str) -> EventKind {
    EventKind::Sent { bytes: text.as_bytes().to_vec() }
}

fn came(text: &str, echo: Option<Range<usize>>) -> EventKind {
    let echo = echo.map(|at| EchoPart { at, of: EchoOf::Last });
    EventKind::Received { bytes: text.as_bytes().to_vec(), block: false, echo }
}

#[test]
fn lines_are_painted_by_what_they_are_and_error_codes_have_their_meaning() {
    let lines = "\r\n+CSQ: 1,0\r\nOK\r\nRING\r\n+CMTI: \"SM\",1\r\n+CME ERROR: 10\r\n> ";
    assert_snapshot!(exchange(Detail::Usual, vec![sent("AT\r"), came("AT\r", Some(0..3)), came(lines, None)]), @r#"
    <dim     0.001  ><sent > ><sent AT><dim  ⏎ echoed>
    <dim     0.003  >< +CSQ: 1,0
    <dim     0.003  ><good < ><good OK>
    <dim     0.003  ><dim < ><dim RING>
    <dim     0.003  ><message < ><message +CMTI: "SM",1>
    <dim     0.003  ><bad < ><bad +CME ERROR: 10><dim   SIM not inserted>
    <dim     0.003  ><bold < ><bold > ><dim ⋯>
    "#);
}

#[test]
fn every_byte_is_shown_if_that_is_wanted() {
    let kinds = vec![sent("AT\r"), came("AT\r\r\n+CME ERROR: 10\r\n", Some(0..3))];
    assert_snapshot!(exchange(Detail::Raw, kinds), @r#"
    <dim     0.001  ><sent > ><sent AT><dim \r>
    <dim     0.002  >< AT<dim \r>
    <dim     0.002  ><bad < ><dim \r\n><bad +CME ERROR: 10><dim \r\n>
    "#);
}

#[test]
fn what_was_sent_is_seen_on_a_terminal_though_its_echo_does_not_come() {
    let sources = Sources::default();
    let mut out = Vec::new();
    let mut console = Console::new(&mut out, &sources, LOOK, Volume::Normal, Status::Shown);
    let why = Waiting::Open;
    let mut all = || -> io::Result<()> {
        let at = |ms, kind| Event { at: Moment::from_millis(ms), port: PortId::FIRST, site: None, kind };
        console.tell(&at(1, sent("AT\r")))?;
        console.waiting(Moment::from_millis(1), &why)?;
        for _ in 0..3 {
            assert!(console.has_unwritten());
            console.write_out()?;
        }
        assert!(!console.has_unwritten());
        console.waiting(Moment::from_millis(301), &why)?;
        console.tell(&at(700, came("AT\r\r\nOK\r\n", Some(0..3))))?;
        console.tell(&at(701, sent("AT\r")))?;
        console.waiting(Moment::from_millis(701), &why)?;
        console.tell(&at(702, came("AT\r\r\nOK\r\n", Some(0..3))))?;
        console.end()
    };
    all().expect("a Vec takes whatever is written");
    let text = String::from_utf8(out).expect("a console shows text").replace('\r', "<cr>").replace('\u{1b}', "<esc>");
    assert_snapshot!(text, @r#"
    <cr><esc>[K⠋ opens the port<cr><esc>[K    0.001  > AT
    <cr><esc>[K⠙ opens the port<cr><esc>[K    0.700  < ⏎ echoed
        0.700  < OK
    <cr><esc>[K⠹ opens the port<cr><esc>[K    0.701  > AT ⏎ echoed
        0.702  < OK
    "#);
}
