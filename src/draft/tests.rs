//! Whole drafts of small recordings, and of recordings that nobody would make.

use super::*;
use crate::syntax::parse;

const HEAD: &str = "flowrun recording 2\ntitle \"a session\"\nseed 1\nbegun 1\n0.000000000 open 115200 8N1\n";

/// Returns a recording: each line is the milliseconds since the line before, and what happened.
fn recording(happened: &str) -> Recording {
    let mut text = HEAD.to_string();
    let mut at = 0_u64;
    for line in happened.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (span, what) = line.split_once(' ').expect("a time and what happened");
        at += span.parse::<u64>().expect("milliseconds");
        let what =
            what.replacen("> ", "> +0.000000000 ", usize::from(what.starts_with('>') || what.starts_with("#1 >")));
        text += &format!("{}.{:03}000000 {what}\n", at / 1000, at % 1000);
    }
    Recording::read(&text).expect("it is right")
}

fn drafted(recordings: &[Recording], secrets: &[&str]) -> Draft {
    let secrets: Vec<Sought> = secrets.iter().map(|regex| Sought::read(regex).expect("it is right")).collect();
    let wish = Wish { title: None, stem: "new", secrets: &secrets };
    let made = draft(recordings, &wish).expect("something can be made of it");
    assert_readable(&made);
    made
}

/// Asserts that both files can be read.
fn assert_readable(made: &Draft) {
    for text in made.devices.iter().map(|device| &device.text).chain([&made.flow]) {
        let mut sources = Sources::default();
        let source = Source::new("new.flow", text.clone());
        let problems = parse(sources.add(source.clone()), &source).problems;
        assert!(problems.is_empty(), "{}\n{text}", problems[0].message);
    }
}

/// Returns the flow without its head.
fn body(recordings: &[Recording]) -> String {
    let flow = drafted(recordings, &[]).flow;
    flow.split_once("sim \"new.device.flow\"\n").expect("it names its device").1.to_string()
}

#[test]
fn two_recordings_tell_what_changes_and_in_which_order() {
    let monday = "10 > \"CONNECT a\\r\"\n20 < \"OK\\r\\nCONNACK 17\\r\\n\"\n900 > \"STATUS\\r\"\n5 < \"up, build 1042, 3 users\\r\\n\"";
    let tuesday = "10 > \"CONNECT a\\r\"\n20 < \"CONNACK 9\\r\\nOK\\r\\n\"\n900 > \"STATUS\\r\"\n5 < \"up, build 1042, 12 users\\r\\n\"";
    insta::assert_snapshot!(body(&[recording(monday), recording(tuesday)]));
}

#[test]
fn a_value_that_is_sent_again_is_a_variable_and_one_that_differs_a_param() {
    let monday = "10 > \"sleep 99 &\\n\"\n20 < \"[1] 48112\\r\\n$ \"\n900 > \"kill 48112\\n\"\n5 < \"$ \"\n900 > \"name board-7\\n\"\n5 < \"$ \"";
    let tuesday = monday.replace("48112", "51977").replace("board-7", "board-8");
    insta::assert_snapshot!(body(&[recording(monday), recording(&tuesday)]));
}

#[test]
fn a_slow_answer_a_restart_and_what_comes_by_itself_have_their_statements() {
    let happened = "10 > \"AT+COPS=?\\r\"\n18000 < \"\\r\\n+COPS: (2,\\\"A\\\",\\\"A\\\",\\\"00101\\\")\\r\\n\\r\\nOK\\r\\n\"\n\
                    100 note dtr=off rts=keep\n900 > \"AT+CFUN=1,1\\r\"\n50 < \"\\r\\nOK\\r\\n\"\n300 closed\n2000 open 115200 8N1\n\
                    3000 < \"\\r\\nRDY\\r\\n\"\n9000 note title is it back?\n100 > \"AT\\r\"\n20 < \"AT\\r\\r\\nOK\\r\\n\"\n4000 < \"\\r\\n+CREG: 1\\r\\n\"";
    let flow = body(&[recording(happened)]);
    assert!(!flow.contains("CREG"), "{flow}");
    insta::assert_snapshot!(flow);
}

#[test]
fn a_secret_that_the_device_gave_is_captured_and_sent() {
    let happened = "10 > \"login\\n\"\n20 < \"token=8fa1c0ffee77; ok\\r\\n\"\n500 > \"use 8fa1c0ffee77\\n\"\n20 < \"welcome\\r\\n\"";
    let made = drafted(&[recording(happened)], &["token=(?<token>[^;]*)"]);
    assert!(
        !made.flow.contains("c0ffee") && !made.devices[0].text.contains("c0ffee"),
        "{}\n{}",
        made.flow,
        made.devices[0].text
    );
    insta::assert_snapshot!(made.flow);
    let made = drafted(&[recording(happened)], &[]);
    assert_eq!(made.notes, ["`token` looks like a secret, but is not one here: `--secret REGEX` says what is secret"]);
}

#[test]
fn a_secret_that_the_device_prints_has_its_own_name() {
    let happened = "10 > \"show\\n\"\n20 < \"token=8fa1c0ffee77; ok\\r\\n\"";
    let made = drafted(&[recording(happened)], &["token=(?<token>[^;]*)"]);
    assert!(made.flow.contains("expect secret line /token=(?<token>.+); ok/"), "{}", made.flow);
    assert!(made.notes.is_empty() && !made.devices[0].text.contains("c0ffee"), "{}", made.devices[0].text);
}

#[test]
fn a_comment_that_was_sent_is_a_title() {
    let happened = "10 > \"ls\\n\"\n20 < \"a\\r\\n$ \"\n500 > \"# look again\\n\"\n20 < \"# look again\\r\\n$ \"\n500 > \"ls\\n\"\n20 < \"a\\r\\n$ \"";
    let flow = body(&[recording(happened)]);
    assert!(flow.contains("step \"look again\" {") && !flow.contains("send \"#"), "{flow}");
}

#[test]
fn a_correction_that_the_device_did_not_obey_is_sent_as_it_was_typed() {
    let happened =
        "10 > \"ATT\"\n5 < \"ATT\"\n90 > \"\\x7f\"\n5 < \"\\x7f\"\n90 > \"\\r\"\n5 < \"\\r\\r\\nERROR\\r\\n\"";
    let made = drafted(&[recording(happened)], &[]);
    assert!(made.flow.contains("send raw \"ATT\\x7f\\r\"") && !made.flow.contains("line \"ATT"), "{}", made.flow);
    assert!(made.flow.contains("expect line \"ERROR\""), "{}", made.flow);
    let obeyed = happened.replacen("5 < \"\\x7f\"", "5 < \"\\x08 \\x08\"", 1);
    let made = drafted(&[recording(&obeyed)], &[]);
    assert!(made.flow.contains("send \"AT\""), "{}", made.flow);
}

#[test]
fn a_recording_of_nothing_and_recordings_of_other_ports_are_refused() {
    let wish = Wish { title: None, stem: "new", secrets: &[] };
    let refused = |happened: &str| draft(&[recording(happened)], &wish).expect_err("nothing can be made of it");
    assert_eq!(refused(""), "in the recording nothing was sent and nothing came");
    let two = [recording("10 < \"x\""), recording("10 #1 < \"x\"")];
    let why = draft(&two, &wish).expect_err("they do not fit");
    assert_eq!(why, "recording 2 has other ports than the first: draft each by itself");
}

#[test]
fn what_was_done_on_two_ports_is_one_flow() {
    let happened = "10 > \"AT\\r\"\n20 < \"AT\\r\\r\\nOK\\r\\n\"\n900 > \"AT+WAIT\\r\"\n5 < \"AT+WAIT\\r\"\n\
                    900 #1 > \"ON 1\\n\"\n20 #1 < \"OK\\n\"\n400 < \"\\r\\n+SEEN: 1\\r\\n\\r\\nOK\\r\\n\"\n\
                    900 #1 > \"OFF 1\\n\"\n20 #1 < \"OK\\n\"\n300 > \"AT\\r\"\n20 < \"AT\\r\\r\\nOK\\r\\n\"";
    let mut recording = recording(happened);
    recording.about = Recording::about_ports(["modem", "relay"]);
    let made = drafted(&[recording], &[]);
    let files: Vec<&str> = made.devices.iter().map(|device| &device.file[..]).collect();
    assert_eq!(files, ["new.modem.device.flow", "new.relay.device.flow"]);
    insta::assert_snapshot!(made.flow);
}

#[test]
fn whatever_was_recorded_the_draft_can_be_read() {
    let bytes: Vec<&str> = vec![
        "\\r\\n",
        "\\r",
        "\\n",
        "OK",
        "AT+CSQ",
        "$ ",
        "> ",
        "\\x1b[31m",
        "\\x08",
        "\\x15",
        "\\x03",
        "\\t",
        "\\\"",
        "\\\\",
        "${x}",
        "/",
        "\\xff\\xfe",
        "\\xc3\\xa9",
        "192.168.0.1",
        "866192037701234",
        "+CSQ: 21,0",
        "12:00:01",
        "Password: ",
        "#",
        " ",
        "\\x00",
        "(",
        ".*",
        "«key/plain#4»",
        "«key/hex#8»",
        "«key/plain@2#2»",
        "41 0C 14 5F ",
        "token=",
        "a",
        "`",
    ];
    let mut seed = 20_261_130_u64;
    let mut random = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    for number in 0..60 {
        let mut recordings = Vec::new();
        for _ in 0..1 + random(2) {
            let mut text = "1 < \"x\"\n".to_string();
            for _ in 0..random(14) {
                let what =
                    ["> ", "> ", "< ", "< ", "< ", "note title ", "closed", "open 9600 7E1", "note dtr=on rts=off"]
                        [random(9)];
                let n = random(4);
                let said: String = (0..n).map(|_| bytes[random(bytes.len())]).collect();
                let rest = match what {
                    "> " | "< " => format!("\"{said}\""),
                    "note title " => "a \"title\" ${x}".to_string(),
                    _ => String::new(),
                };
                text += &format!("{} {what}{rest}\n", [1, 40, 1200, 7000][random(4)]);
            }
            recordings.push(recording(&text));
        }
        let wish = Wish { title: None, stem: "new", secrets: &[] };
        let made = draft(&recordings, &wish).unwrap_or_else(|why| panic!("{number}: {why}"));
        assert_readable(&made);
    }
}
