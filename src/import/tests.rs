//! Each kind of script, at the smallest text that shows a point.

use super::*;

/// Returns the statements of a flow, without its head.
fn body(kind: Kind, text: &str) -> String {
    let flow = import(text, "a.txt", Some(kind)).expect("it can be imported").flow;
    flow.split_once("\n\n").map_or_else(String::new, |(_, body)| body.to_string())
}

#[test]
fn a_chat_string_has_its_escapes() {
    let text = body(Kind::Chat, "'' '\\d+++\\d\\c' OK 'ATDT\\T' CONNECT \\c\n");
    assert_eq!(
        text,
        "param number\ntimeout 45s\n\nsleep 1s\nsend raw \"+++\"\nsleep 1s\nexpect line \"OK\"\n\
         send \"ATDT${number}\"  expect \"CONNECT\"\n"
    );
    assert!(body(Kind::Chat, "'' \\101\\x\\s\\^A\\K").contains("break 250ms"));
}

#[test]
fn a_password_that_a_chat_script_has_is_not_in_the_flow() {
    let text = body(Kind::Chat, "ogin: joe ssword: hush-hush\n");
    assert!(!text.contains("hush-hush") && text.contains("send password"), "{text}");
    assert!(text.contains("param  user     = \"joe\"") || text.contains("param user = \"joe\""), "{text}");
}

#[test]
fn an_abort_that_is_cleared_ends_with_its_step() {
    let text = body(Kind::Chat, "ABORT BUSY ABORT VOICE '' AT OK ATD CLR_ABORT BUSY CONNECT ''\n");
    let step = text.find("step ").expect("there is a step");
    assert!(text.find("\"VOICE\"").expect("it is there") < step, "{text}");
    assert!(text.find("\"BUSY\"").expect("it is there") > step, "{text}");
    assert!(text.find("\"CONNECT\"").expect("it is there") > text.find("\n}\n").expect("the step ends"), "{text}");
}

#[test]
fn a_wait_and_its_results_are_one_expect() {
    let text = body(Kind::Teraterm, "wait 'A' 'B'\nif result = 2 then\nsendln 'b'\nelse\nsendln 'a'\nendif\n");
    assert!(
        text.contains("\"A\"     -> { send \"a\" }\n  \"B\"     -> { send \"b\" }\n  timeout -> { send \"a\" }"),
        "{text}"
    );
}

#[test]
fn a_wait_whose_result_nobody_asks_for_fails_when_it_runs_out() {
    assert!(body(Kind::Teraterm, "timeout = 3\nwait 'x'\n").ends_with("timeout 3s\n\nexpect \"x\"\n"));
}

#[test]
fn a_text_of_tera_term_is_joined_with_its_codes() {
    assert!(body(Kind::Teraterm, "send 'a'#13'b' $0d\nwait 'x'").contains("send \"a\\rb\""));
    assert!(body(Kind::Teraterm, "sendln 'a;b' ; note\nwait 'x'").contains("send \"a;b\"  expect \"x\""));
}

#[test]
fn what_a_loop_of_labels_does_is_what_the_script_does() {
    let text =
        body(Kind::Minicom, "set a 0\nagain:\ninc a\nsend x\nexpect {\n\"y\"\ntimeout 2 goto again\n}\nsend z\n");
    assert!(text.contains("repeat while again at most 1000 {"), "{text}");
    assert!(text.ends_with("send \"z\"\n"), "{text}");
}

#[test]
fn a_regex_of_expect_has_named_groups() {
    let text = body(Kind::Expect, "expect -re {v: (\\d+)/(\\d+)\\r}\nsend \"$expect_out(2,string)\\r\"\n");
    assert!(text.contains("expect /v: (?<g1>\\d+)\\/(?<g2>\\d+)/") && text.contains("send g2"), "{text}");
}

#[test]
fn words_of_a_manual_are_comments_and_data_is_sent_raw() {
    let text = body(Kind::Dialogue, "AT+CSQ 查询\n\n+CSQ: <rssi>,<ber>\nOK\nAT+CIPSEND=3\n>\nabc\nSEND OK\n");
    assert!(text.contains("# 查询\nsend \"AT+CSQ\"  expect line /\\+CSQ: [^,]*,[^,]*/\nexpect line \"OK\""), "{text}");
    assert!(
        text.contains("expect prompt \"> \"\nsend raw \"abc\"\nexpect line \"SEND OK\"")
            || text.contains("send raw \"abc\"  expect line \"SEND OK\""),
        "{text}"
    );
}

#[test]
fn strings_of_sscom_come_in_their_order() {
    let text = body(Kind::Sscom, "N101=2,b,10\nN1=A,bb\nN102=1,a,10\nN2=H,01 02\n");
    assert!(text.find("step \"a\"").expect("it is there") < text.find("step \"b\"").expect("it is there"), "{text}");
    assert!(text.contains("send raw x\"01 02\""), "{text}");
}

#[test]
fn a_wildcard_of_docklight_is_any_byte() {
    let text = body(Kind::Docklight, "RECEIVE\n0\nframe\n02 ?? 03\n0\n0\n");
    assert!(text.contains("on /(?s-u)\\x02.\\x03/ {"), "{text}");
}

#[test]
fn a_text_that_is_too_large_or_for_no_tool_is_refused_with_what_to_do() {
    let (why, help) = import(&"x".repeat(LARGEST + 1), "a.ttl", None).expect_err("it is too large");
    assert!(why.contains("too much") && help.contains("1 MiB"));
    let (_, help) = import("hello", "a.txt", None).expect_err("it is for no tool");
    assert!(help.contains("--kind"));
}
