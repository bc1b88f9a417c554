//! Each kind of line, by the rules of real flows.

use std::io;
use std::path::Path;

use super::*;
use crate::check::check;
use crate::load::load;

fn legend(text: &str) -> Legend {
    let reader = |_: &Path| -> io::Result<Vec<u8>> { Ok(text.as_bytes().to_vec()) };
    let checked = check(load(Path::new("test.flow"), &reader));
    Legend::of(&checked.program.unwrap_or_else(|| panic!("{:?}", checked.problems)))
}

fn kind(legend: &Legend, line: &str) -> Kind {
    legend.line(PortId::FIRST, line.as_bytes()).kind
}

#[test]
fn a_line_is_what_the_library_in_use_says() {
    let legend = legend("flow \"T\"\nuse \"std/at\"\nsend \"AT\"\nexpect line \"OK\"\n");
    for (line, expected) in [
        ("OK", Kind::Success),
        ("ERROR", Kind::Failure),
        ("+CME ERROR: 10", Kind::Failure),
        ("+CMS ERROR: no memory", Kind::Failure),
        ("NO CARRIER", Kind::Failure),
        ("+CREG: 1", Kind::Ignored),
        ("RING", Kind::Ignored),
        ("+CSQ: 21,0", Kind::Answer),
        ("NOT OK", Kind::Answer),
        ("", Kind::Answer),
    ] {
        assert_eq!(kind(&legend, line), expected, "{line}");
        assert_eq!(kind(&legend, &format!("\r\n{line}\r\n")), expected, "{line} with its ends");
    }
}

#[test]
fn a_message_is_what_on_or_await_names() {
    let text = "flow \"T\"\non line /\\+CMTI: .*/ { log \"sms\" }\nawait line /\\+LATER: .*/\nsend \"AT\"\n\
                expect line /\\+NOW: .*/\n";
    let legend = legend(text);
    assert_eq!(kind(&legend, "+CMTI: \"SM\",1"), Kind::Message);
    assert_eq!(kind(&legend, "+LATER: 1"), Kind::Message);
    assert_eq!(kind(&legend, "+NOW: 1"), Kind::Answer, "it is asked for");
}

#[test]
fn result_codes_are_none_where_no_ok_is_awaited() {
    let console = legend("flow \"T\"\nsend \"ls\"\nexpect line \"a\"\n");
    for line in ["OK", "ERROR", "BUSY", "+CME ERROR: 10"] {
        assert_eq!(kind(&console, line), Kind::Answer, "{line}");
    }
    let modem = legend("flow \"T\"\nsend \"AT\"\nexpect line \"OK\"\n");
    assert_eq!(kind(&modem, "OK"), Kind::Success);
    assert_eq!(kind(&modem, "SEND OK"), Kind::Answer, "nobody awaits it");
    for line in ["ERROR", "BUSY", "+CME ERROR: 10", "+CMS ERROR: 500"] {
        assert_eq!(kind(&modem, line), Kind::Failure, "{line}");
    }
}

#[test]
fn on_goes_before_fail_on_and_ignore_goes_last() {
    let text = "flow \"T\"\nignore line /X.*/\nfail on line /X[AB]/\non line \"XA\" { log \"a\" }\nsend \"AT\"\n\
                expect line \"OK\"\n";
    let legend = legend(text);
    assert_eq!((kind(&legend, "XA"), kind(&legend, "XB")), (Kind::Message, Kind::Failure));
    assert_eq!(kind(&legend, "XC"), Kind::Ignored);
}

#[test]
fn a_prompt_is_one_only_as_long_as_its_line_is_not_over() {
    let legend = legend("flow \"T\"\nsend \"version\"\nexpect prompt \"=> \"\n");
    let rest = |rest: &str| legend.rest(PortId::FIRST, rest.as_bytes()).kind;
    assert_eq!((rest("=> "), rest("\r\n=> "), rest("U-Boot")), (Kind::Prompt, Kind::Prompt, Kind::Answer));
    assert_eq!(kind(&legend, "=> "), Kind::Answer);
}

#[test]
fn an_error_code_has_its_meaning_with_any_flow_and_with_none() {
    for legend in [Legend::default(), legend("flow \"T\"\nuse \"std/at\"\nsend \"AT\"\nexpect line \"OK\"\n")] {
        let text = |line: &[u8]| legend.line(PortId::FIRST, line).text;
        assert_eq!(text(b"+CME ERROR: 10"), Some("SIM not inserted"));
        assert_eq!(text(b"\r\n+CMS ERROR: 500\r\n"), Some("unknown error"));
        assert_eq!(text(b"+HTTPACTION: 1,603,0"), Some("the host name could not be resolved (DNS)"));
        assert_eq!(text(b"+HTTPACTION: 1,200,149"), None);
        assert_eq!(text(b"+CME ERROR: SIM busy"), None);
        assert_eq!(text(b"see +CME ERROR: 10"), None);
        assert_eq!(text(b"+\xff\xfe"), None);
    }
}

#[test]
fn each_port_has_the_rules_that_are_for_it() {
    let text = "flow \"T\"\nport modem { }\nport relay { }\nusing relay fail on line \"FAULT\"\n\
                using modem { send \"AT\"  expect line \"OK\" }\nusing relay { send \"ON\"  expect line \"DONE\" }\n";
    let legend = legend(text);
    let relay = PortId::new(1).expect("a small number");
    assert_eq!(legend.line(relay, b"FAULT").kind, Kind::Failure);
    assert_eq!(legend.line(PortId::FIRST, b"FAULT").kind, Kind::Answer);
}

#[test]
fn a_line_that_is_too_long_is_not_searched() {
    let legend = legend("flow \"T\"\nignore line /x+/\nsend \"AT\"\nexpect line \"OK\"\n");
    assert_eq!(kind(&legend, &"x".repeat(LONGEST)), Kind::Ignored);
    assert_eq!(kind(&legend, &"x".repeat(LONGEST + 1)), Kind::Answer);
}
