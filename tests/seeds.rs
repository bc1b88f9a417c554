//! The built-in flows do on the wire what their seeds print, with the seeds' misprints put right.
//!
//! 000 is the vendor's note on dynamic registration, 004 the log of a direct sign-in.

mod support;

use flowrun::event::Verdict;
use support::{Outcome, Run};

/// Seed 000 with the random number that it prints.
fn run_000() -> Run {
    Run::built_in("flows/aliyun_dynamic.flow").var("random", "123456")
}

/// What went over the wire in seed 000.
fn seed_000() -> Outcome {
    passed(run_000().go())
}

/// What went over the wire in seed 004.
fn seed_004() -> Outcome {
    passed(Run::built_in("flows/aliyun_secret.flow").go())
}

fn passed(outcome: Outcome) -> Outcome {
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
    outcome
}

/// Returns how many times these bytes came, in one piece.
fn n_received(outcome: &Outcome, bytes: &str) -> usize {
    outcome.raw_received.windows(bytes.len()).filter(|window| *window == bytes.as_bytes()).count()
}

/// Returns how many times exactly these bytes were sent in one go.
fn n_sent(outcome: &Outcome, bytes: &str) -> usize {
    outcome.raw_sent.iter().filter(|sent| *sent == bytes.as_bytes()).count()
}

const FORM_000_REGISTER: &str = "productKey=b1KCi45LcCP&deviceName=862991419835241&random=123456\
    &sign=1770d38260cc980dbc4337ed7fe1e8de&signMethod=HmacMD5";
const FORM_000_DEVICENAME: &str = "productKey=b1KCi45LcCP&sign=70e7bb641d7566ad26a305dd20e8e261\
    &clientId=862991419835241&deviceName=862991419835241";

#[test]
fn seed_000_signs_the_registration_with_1770d382() {
    let sent = seed_000().raw_sent.concat();
    assert!(String::from_utf8_lossy(&sent).contains("&sign=1770d38260cc980dbc4337ed7fe1e8de&"));
}

#[test]
fn seed_000_registers_with_its_form_of_120_bytes() {
    let outcome = seed_000();
    assert_eq!(FORM_000_REGISTER.len(), 120);
    assert_eq!(n_sent(&outcome, "AT+HTTPDATA=120,20000\r"), 1);
    assert_eq!(n_sent(&outcome, FORM_000_REGISTER), 1);
}

#[test]
fn seed_000_the_registration_is_answered_with_149_bytes() {
    let body = r#"{"code":200,"data":{"deviceName":"862991419835241","deviceSecret":"mRMyB50qafv74A5FofvhxZ2h9iTL9wX7","productKey":"b1KCi45LcCP"},"message":"success"}"#;
    let outcome = seed_000();
    assert_eq!(body.len(), 149);
    assert_eq!(n_received(&outcome, "\r\n+HTTPACTION: 1,200,149\r\n"), 1);
    assert_eq!(n_received(&outcome, &format!("\r\n+HTTPREAD: 149\r\n{body}\r\nOK\r\n")), 1);
}

#[test]
fn seed_000_saves_the_secret_that_the_registration_gave() {
    let expected = ("device_secret".to_string(), "mRMyB50qafv74A5FofvhxZ2h9iTL9wX7".to_string());
    assert_eq!(seed_000().saved, [expected]);
}

#[test]
fn seed_000_signs_the_request_for_user_and_password_with_70e7bb64() {
    let sent = seed_000().raw_sent.concat();
    assert!(String::from_utf8_lossy(&sent).contains("&sign=70e7bb641d7566ad26a305dd20e8e261&"));
}

#[test]
fn seed_000_asks_for_user_and_password_with_its_form_of_112_bytes() {
    let outcome = seed_000();
    assert_eq!(FORM_000_DEVICENAME.len(), 112);
    assert_eq!(n_sent(&outcome, "AT+HTTPDATA=112,20000\r"), 1);
    assert_eq!(n_sent(&outcome, FORM_000_DEVICENAME), 1);
}

#[test]
fn seed_000_user_and_password_come_in_128_bytes() {
    let body = r#"{"code":200,"data":{"iotId":"PbUqGh2URAj1AtNyyd7X00107ceb00","iotToken":"425656f625b64560a4bff2a0f16946a3"},"message":"success"}"#;
    let outcome = seed_000();
    assert_eq!(body.len(), 128);
    assert_eq!(n_received(&outcome, "\r\n+HTTPACTION: 1,200,128\r\n"), 1);
    assert_eq!(n_received(&outcome, &format!("\r\n+HTTPREAD: 128\r\n{body}\r\nOK\r\n")), 1);
}

#[test]
fn seed_000_configures_mqtt_with_user_and_password_as_they_came() {
    let config =
        "AT+MCONFIG=\"862991419835241\",\"PbUqGh2URAj1AtNyyd7X00107ceb00\",\"425656f625b64560a4bff2a0f16946a3\"\r";
    assert_eq!(n_sent(&seed_000(), config), 1);
}

#[test]
fn seed_000_receives_the_message_of_12_bytes() {
    let message = "\r\n+MSUB: \"/b1KCi45LcCP/862991419835241/get\",12 byte,qos0 payload\r\n";
    assert_eq!(n_received(&seed_000(), message), 1);
}

#[test]
fn seed_000_answers_are_framed_as_on_a_module_with_echo() {
    let outcome = seed_000();
    assert!(outcome.raw_received.starts_with(b"AT\r\r\nOK\r\nAT+CGMR\r\r\nAirM2M_V5664_AT_S_SSL\r\n\r\nOK\r\n"));
    // The form is not echoed, and nothing stands between its last byte and OK.
    assert_eq!(n_received(&outcome, "AT+HTTPDATA=120,20000\r\r\nDOWNLOAD\r\n\r\nOK\r\nAT+HTTPACTION=1\r\r\nOK\r\n"), 1);
}

#[test]
fn seed_000_the_secrets_as_printed_do_not_register() {
    // Capital I for small l, and once a small k too.
    for misprint in ["VWII9fiYWKiwraBk", "VWII9fiYWkiwraBk"] {
        let outcome = run_000().var("product_secret", misprint).go();
        assert!(outcome.message().contains("401 request auth error"), "{misprint}: {}", outcome.message());
    }
}

#[test]
fn seed_000_shows_no_secret_in_its_transcript() {
    let transcript = seed_000().transcript;
    for secret in ["VWll9fiYWKiwraBk", "mRMyB50qafv74A5FofvhxZ2h9iTL9wX7", "425656f625b64560a4bff2a0f16946a3"] {
        assert!(!transcript.contains(secret), "{secret}\n{transcript}");
    }
}

#[test]
fn seed_000_sends_every_command_in_its_order() {
    let expected = [
        "AT\r",
        "AT+CGMR\r",
        // Printed behind MSUB: a message that comes before would be stored and not shown.
        "AT+MQTTMSGSET=0\r",
        "AT+CGATT?\r",
        "AT+SAPBR=3,1,\"CONTYPE\",\"GPRS\"\r",
        "AT+SAPBR=3,1,\"APN\",\"CMIIOT\"\r",
        "AT+SAPBR=1,1\r",
        "AT+HTTPINIT\r",
        "AT+HTTPPARA=\"URL\",\"https://iot-auth.cn-shanghai.aliyuncs.com/auth/register/device\"\r",
        // Printed `USER\_DEFINED`.
        "AT+HTTPPARA=\"USER_DEFINED\",\"Content-Type: application/x-www-form-urlencoded\"\r",
        "AT+HTTPDATA=120,20000\r",
        FORM_000_REGISTER,
        "AT+HTTPACTION=1\r",
        "AT+HTTPREAD\r",
        "AT+HTTPTERM\r",
        // Printed `HTTPIINIT`.
        "AT+HTTPINIT\r",
        "AT+HTTPPARA=\"URL\",\"https://iot-auth.cn-shanghai.aliyuncs.com/auth/devicename\"\r",
        "AT+HTTPPARA=\"USER_DEFINED\",\"Content-Type: application/x-www-form-urlencoded\"\r",
        "AT+HTTPDATA=112,20000\r",
        FORM_000_DEVICENAME,
        "AT+HTTPACTION=1\r",
        "AT+HTTPREAD\r",
        "AT+HTTPTERM\r",
        "AT+MCONFIG=\"862991419835241\",\"PbUqGh2URAj1AtNyyd7X00107ceb00\",\"425656f625b64560a4bff2a0f16946a3\"\r",
        // Printed with a blank before the host.
        "AT+SSLMIPSTART=\"b1KCi45LcCP.iot-as-mqtt.cn-shanghai.aliyuncs.com\",1883\r",
        "AT+MCONNECT=1,300\r",
        // The topics are printed with a blank behind the first slash.
        "AT+MSUB=\"/b1KCi45LcCP/862991419835241/get\",0\r",
        "AT+MPUB=\"/b1KCi45LcCP/862991419835241/update\",0,0,\"test0\"\r",
        "AT+MPUB=\"/b1KCi45LcCP/862991419835241/update\",1,0,\"test1\"\r",
    ];
    let added = [
        // Left by an earlier run: older firmwares keep hex mode, and a module keeps its connection.
        ("AT+MQTTMODE=0\r", 1),
        ("AT+MDISCONNECT\r", 1),
        ("AT+MIPCLOSE\r", 1),
        // The SIM card, the signal and the registration, before it waits for the network.
        ("AT+CPIN?\r", 1),
        ("AT+CSQ\r", 1),
        ("AT+CREG?\r", 1),
        // An HTTP session that was left open. The second and the fourth are the seed's own.
        ("AT+HTTPTERM\r", 1),
        ("AT+HTTPTERM\r", 3),
        // The note ends with the message.
        ("AT+MDISCONNECT\r", 2),
        ("AT+MIPCLOSE\r", 2),
    ];
    assert_eq!(without(&seed_000(), &added), expected);
}

#[test]
fn seed_004_signs_the_password_0ef75016() {
    let config = "AT+MCONFIG=\"D001|securemode=3,signmethod=hmacsha1|\",\"D001&a1SCOIdrrR9\",\"0ef750162fe4ad93fcf463fc5d5f82c666961dc4\"\r";
    assert_eq!(n_sent(&seed_004(), config), 1);
}

#[test]
fn seed_004_writes_quotes_in_a_payload_as_22() {
    let report = r#"AT+MPUB="/sys/a1SCOIdrrR9/D001/thing/event/property/post",1,0,"{\22PowerSwitch\22:0}""#;
    assert_eq!(n_sent(&seed_004(), &format!("{report}\r")), 1);
}

#[test]
fn seed_004_receives_its_report_of_17_bytes() {
    let outcome = seed_004();
    let message = "\r\n+MSUB: \"/sys/a1SCOIdrrR9/D001/thing/event/property/post\",17 byte,{\"PowerSwitch\":1}\r\n";
    assert_eq!(n_received(&outcome, message), 1);
}

#[test]
fn seed_004_receives_the_request_of_102_bytes() {
    let message = "\r\n+MSUB: \"/sys/a1SCOIdrrR9/D001/thing/service/property/set\",102 byte,{\"method\":\"thing.service.property.set\",\"id\":\"1934023296\",\"params\":{\"PowerSwitch\":1},\"version\":\"1.0.0\"}\r\n";
    assert_eq!(n_received(&seed_004(), message), 1);
}

#[test]
fn seed_004_shows_no_secret_in_its_transcript() {
    let transcript = seed_004().transcript;
    for secret in ["c6994889014596cc1167940410f25bb7", "0ef750162fe4ad93fcf463fc5d5f82c666961dc4"] {
        assert!(!transcript.contains(secret), "{secret}\n{transcript}");
    }
}

#[test]
fn seed_004_sends_every_command_in_its_order() {
    let expected = [
        "AT\r",
        "AT+CGMI\r",
        "AT+CGMR\r",
        "AT+CPIN?\r",
        "AT+CSQ\r",
        "AT+CREG?\r",
        "AT+CGATT?\r",
        "AT+CSTT=\"CMNET\",\"\",\"\"\r",
        "AT+CIICR\r",
        "AT+CIFSR\r",
        "AT+MCONFIG=\"D001|securemode=3,signmethod=hmacsha1|\",\"D001&a1SCOIdrrR9\",\"0ef750162fe4ad93fcf463fc5d5f82c666961dc4\"\r",
        "AT+MIPSTART=\"a1SCOIdrrR9.iot-as-mqtt.cn-shanghai.aliyuncs.com\",1883\r",
        "AT+MCONNECT=0,600\r",
        "AT+MSUB=\"/sys/a1SCOIdrrR9/D001/thing/event/property/post\",1\r",
        "AT+MSUB=\"/sys/a1SCOIdrrR9/D001/thing/service/property/set\",1\r",
        "AT+MPUB=\"/sys/a1SCOIdrrR9/D001/thing/event/property/post\",1,0,\"{\\22PowerSwitch\\22:0}\"\r",
        "AT+MPUB=\"/sys/a1SCOIdrrR9/D001/thing/event/property/post\",0,0,\"{\\22PowerSwitch\\22:1}\"\r",
        "AT+MPUB=\"/sys/a1SCOIdrrR9/D001/thing/event/GasCheck_Event/post\",1,0,\"{\\22GasCheck_Event\\22:1}\"\r",
        "AT+MPUB=\"/sys/a1SCOIdrrR9/D001/thing/event/property/post\",1,0,\"{\\22method\\22:\\22thing.event.property.post\\22,\\22id\\22:\\220000000001\\22,\\22params\\22:{\\22PowerSwitch\\22:1},\\22version\\22:\\221.0.0\\22}\"\r",
        "AT+MDISCONNECT\r",
    ];
    let added = [
        // Left by an earlier run: settings of messages, and the connection. The second is the seed's own.
        ("AT+MQTTMSGSET=0\r", 1),
        ("AT+MQTTMODE=0\r", 1),
        ("AT+MDISCONNECT\r", 1),
        ("AT+MIPCLOSE\r", 1),
        // The log leaves the TCP connection open.
        ("AT+MIPCLOSE\r", 2),
    ];
    assert_eq!(without(&seed_004(), &added), expected);
}

/// Returns what was sent, without what the flows add: the nth time that something is sent.
fn without(outcome: &Outcome, added: &[(&str, usize)]) -> Vec<String> {
    let sent: Vec<String> =
        outcome.raw_sent.iter().map(|bytes| String::from_utf8(bytes.clone()).expect("commands are text")).collect();
    for (command, nth) in added {
        let n = sent.iter().filter(|sent| sent == command).count();
        assert!(n >= *nth, "{command:?} is sent {n} times only: leave it out of the list");
    }
    let is_added = |i: usize| {
        let nth = sent[..=i].iter().filter(|earlier| **earlier == sent[i]).count();
        added.contains(&(sent[i].as_str(), nth))
    };
    (0..sent.len()).filter(|i| !is_added(*i)).map(|i| sent[i].clone()).collect()
}
