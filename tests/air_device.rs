//! The simulated Air module, and the Aliyun behind it, check what the real ones check.

mod support;

use flowrun::event::Verdict;
use flowrun::value::Value;
use support::{Outcome, Run, check_file, check_text_in, program};

/// A data connection for MQTT.
const ONLINE: &str = r#"
send `AT+CSTT="CMNET","",""`  expect line "OK"
send "AT+CIICR"               expect line "OK"
"#;

/// A data connection and a session for HTTP.
const HTTP: &str = r#"
send "AT+SAPBR=1,1"   expect line "OK"
send "AT+HTTPINIT"    expect line "OK"
send `AT+HTTPPARA="URL","https://iot-auth.cn-shanghai.aliyuncs.com/auth/register/device"`  expect line "OK"
send `AT+HTTPPARA="USER_DEFINED","Content-Type: application/x-www-form-urlencoded"`        expect line "OK"
compute form = "productKey=b1KCi45LcCP&deviceName=862991419835241&random=123456&sign=1770d38260cc980dbc4337ed7fe1e8de&signMethod=HmacMD5"
"#;

/// The identity of seed 004.
const CONFIG: &str = r#"
send `AT+MCONFIG="D001|securemode=3,signmethod=hmacsha1|","D001&a1SCOIdrrR9","0ef750162fe4ad93fcf463fc5d5f82c666961dc4"`
expect line "OK"
"#;

/// A connection to the broker.
const OPEN: &str = r#"
send `AT+MIPSTART="a1SCOIdrrR9.iot-as-mqtt.cn-shanghai.aliyuncs.com",1883`
expect all { line "OK" line "CONNECT OK" }
"#;

/// The same over TLS.
const OPEN_TLS: &str = r#"
send `AT+SSLMIPSTART="a1SCOIdrrR9.iot-as-mqtt.cn-shanghai.aliyuncs.com",1883`
expect all { line "OK" line "CONNECT OK" }
"#;

/// A sign-in that is accepted.
const CONNECT: &str = r#"
send "AT+MCONNECT=0,600"  expect all { line "OK" line "CONNACK OK" }
"#;

/// What a refused sign-in looks like.
const REFUSED: &str = r#"
expect line "OK"
expect line "ERROR"
expect line "CLOSED"
"#;

/// Plays statements against the device, whose behaviour may be changed.
fn against(statements: &[&str], behaviour: &[(&str, Value)]) -> Outcome {
    let flow = format!("flow \"test\"\nsend \"AT\" expect line \"OK\"\n{}", statements.concat());
    let run = Run::new(program(check_text_in("flows", &flow)), program(check_file("flows/devices/air.flow")));
    behaviour.iter().fold(run, |run, (name, value)| run.sim_var(name, value.clone())).go()
}

/// Plays statements that pass.
fn passes(statements: &[&str]) -> Outcome {
    passes_with(statements, &[])
}

fn passes_with(statements: &[&str], behaviour: &[(&str, Value)]) -> Outcome {
    let outcome = against(statements, behaviour);
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
    outcome
}

/// Runs the flow of seed 000 and returns why it failed.
fn dynamic_fails(variables: &[(&str, &str)]) -> String {
    let run = Run::built_in("flows/aliyun_dynamic.flow");
    let outcome = variables.iter().fold(run, |run, (name, value)| run.var(name, *value)).go();
    assert_eq!(outcome.verdict, Verdict::Failed, "{}", outcome.transcript);
    outcome.message().to_string()
}

// ------------------------------------------------------------------------------------------------ the module

#[test]
fn an_action_before_http_is_initialised_is_refused() {
    passes(&[r#"send "AT+HTTPACTION=1" expect line "+CME ERROR: 3""#]);
}

#[test]
fn an_action_without_a_url_is_refused() {
    passes(&[r#"send "AT+HTTPINIT" expect line "OK" send "AT+HTTPACTION=1" expect line "+CME ERROR: 3""#]);
}

#[test]
fn an_action_without_a_bearer_ends_with_601() {
    passes(&[
        HTTP,
        r#"send "AT+SAPBR=0,1" expect line "OK"
        send "AT+HTTPACTION=1" expect all within 10s { line "OK" line "+HTTPACTION: 1,601,0" }"#,
    ]);
}

#[test]
fn a_second_action_while_one_runs_is_refused() {
    passes(&[HTTP, r#"send "AT+HTTPACTION=1" expect line "OK" send "AT+HTTPACTION=1" expect line "+CME ERROR: 3""#]);
}

#[test]
fn a_second_httpinit_is_refused() {
    passes(&[r#"send "AT+HTTPINIT" expect line "OK" send "AT+HTTPINIT" expect line "+CME ERROR: 3""#]);
}

#[test]
fn httpterm_without_a_session_is_refused() {
    passes(&[r#"send "AT+HTTPTERM" expect line "ERROR""#]);
}

#[test]
fn httpread_before_a_result_is_refused() {
    passes(&[HTTP, r#"send "AT+HTTPREAD" expect line "ERROR""#]);
}

/// Asks for what the form that was given came to.
const ASK: &str = r#"
send "AT+HTTPACTION=1"  expect all within 10s { line "OK" line /\+HTTPACTION: 1,200,(?<size>\d+)/ }
send "AT+HTTPREAD"      expect line /\+HTTPREAD: \d+/  read size bytes as answer  expect line "OK"
compute code = text(json(answer, "$.code"))
"#;

#[test]
fn a_byte_count_one_too_high_takes_the_cr_into_the_form_and_gives_460() {
    let count = r#"send "AT+HTTPDATA=${len(form) + 1},20000" expect line "DOWNLOAD" send form expect line "OK""#;
    passes(&[HTTP, count, ASK, r#"assert code == "460", answer"#]);
}

#[test]
fn a_byte_count_one_too_low_cuts_the_form_and_gives_460() {
    let count = r#"send "AT+HTTPDATA=${len(form) - 1},20000" expect line "DOWNLOAD" send form expect line "OK""#;
    passes(&[HTTP, count, ASK, r#"assert code == "460", answer"#]);
}

#[test]
fn the_right_byte_count_gives_200() {
    let count = r#"send "AT+HTTPDATA=${len(form)},20000" expect line "DOWNLOAD" send raw form expect line "OK""#;
    passes(&[HTTP, count, ASK, r#"assert code == "200", answer"#]);
}

#[test]
fn a_form_that_is_too_short_holds_the_module_until_its_time_is_over() {
    passes(&[
        HTTP,
        r#"send "AT+HTTPDATA=121,20000" expect line "DOWNLOAD"
        send raw form  expect none line "OK" for 19s  expect line "OK" within 1500ms"#,
        ASK,
        r#"assert code == "460", answer"#,
    ]);
}

#[test]
fn a_form_larger_than_3356_bytes_is_refused() {
    passes(&[HTTP, r#"send "AT+HTTPDATA=3357,20000" expect line "+CME ERROR: 53""#]);
}

#[test]
fn an_apn_longer_than_50_characters_is_refused_for_the_bearer() {
    passes(&[r#"compute apn = replace("0123456789", "0", "0000000000000000000000000000000000000000")
        assert len(apn) == 49, "${len(apn)}"
        send `AT+SAPBR=3,1,"APN","${apn}ab"`  expect line "+CME ERROR: 53"
        send `AT+SAPBR=3,1,"APN","${apn}a"`   expect line "OK""#]);
}

#[test]
fn an_apn_longer_than_128_characters_is_refused_for_the_ip_application() {
    passes(&[r#"compute eight = "abcdefgh"
        compute apn = join([eight, eight, eight, eight, eight, eight, eight, eight], eight)
        assert len(apn) == 120, "${len(apn)}"
        send `AT+CSTT="${apn}123456789","",""`  expect line "+CME ERROR: 53"
        send `AT+CSTT="${apn}12345678","",""`   expect line "OK""#]);
}

#[test]
fn the_ip_application_keeps_its_order() {
    passes(&[r#"
        send "AT+CIICR"                      expect line "+CME ERROR: 3"
        send "AT+CIFSR"                      expect line "ERROR"
        send `AT+CSTT="CMNET","",""`         expect line "OK"
        send `AT+CSTT="CMNET","",""`         expect line "+CME ERROR: 3"
        send "AT+CIICR"                      expect line "OK"
        send "AT+CIFSR"                      expect line "10.0.0.2"  expect none line "OK" for 1s"#]);
}

#[test]
fn without_echo_commands_do_not_come_back() {
    let outcome = passes(&[r#"send "ATE0" expect line "OK" send "AT+CSQ" expect line "+CSQ: 25,0" expect line "OK""#]);
    assert_eq!(outcome.received(), "AT\r\r\nOK\r\nATE0\r\r\nOK\r\n\r\n+CSQ: 25,0\r\n\r\nOK\r\n");
}

#[test]
fn errors_are_told_in_the_way_that_cmee_asks_for() {
    passes_with(
        &[r#"
        send "AT+CMEE=0"  expect line "OK"  send "AT+CPIN?"  expect line "ERROR"
        send "AT+CMEE=1"  expect line "OK"  send "AT+CPIN?"  expect line "+CME ERROR: 10"
        send "AT+CMEE=2"  expect line "OK"  send "AT+CPIN?"  expect line "+CME ERROR: SIM not inserted""#],
        &[("sim_card", "absent".into())],
    );
}

#[test]
fn without_a_sim_card_there_is_no_network() {
    passes_with(
        &[r#"
        send "AT+CPIN?"      expect line "+CME ERROR: 10"
        send "AT+CSQ"        expect line "+CSQ: 99,99"     expect line "OK"
        send "AT+CREG?"      expect line "+CREG: 0,0"      expect line "OK"
        send "AT+CGATT?"     expect line "+CGATT: 0"       expect line "OK"
        send "AT+SAPBR=1,1"  expect line "+CME ERROR: 3""#],
        &[("sim_card", "absent".into())],
    );
}

#[test]
fn a_sim_card_without_its_pin_is_not_ready() {
    passes_with(
        &[r#"send "AT+CPIN?" expect line "+CPIN: SIM PIN" send "AT+CGATT?" expect line "+CGATT: 0""#],
        &[("sim_card", "pin".into())],
    );
}

#[test]
fn a_module_that_measures_the_speed_answers_capital_letters_only() {
    let flow = r#"flow "test"
        send "at"  expect none /./ for 1s
        send "AT"  expect none /./ for 1s
        send "AT"  expect line "OK"
        send "at"  expect line "OK""#;
    let device = program(check_file("flows/devices/air.flow"));
    let outcome = Run::new(program(check_text_in("flows", flow)), device).sim_var("lost_at", 1).go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
}

#[test]
fn an_unknown_command_is_an_error_and_garbage_is_not_answered() {
    passes(&[r#"send "AT+NONSENSE" expect line "ERROR" send "garbage" expect none /./ for 1s"#]);
}

// ------------------------------------------------------------------------------------- the sign-in server

#[test]
fn a_wrong_product_secret_ends_the_flow_with_401() {
    let message = dynamic_fails(&[("product_secret", "0123456789abcdef")]);
    assert!(message.starts_with("Aliyun refused: 401 request auth error: "), "{message}");
}

#[test]
fn an_unknown_product_ends_the_flow_with_5005() {
    let message = dynamic_fails(&[("product_key", "b1KCi45LcCp")]);
    assert!(message.starts_with("Aliyun refused: 5005 product not found"), "{message}");
}

#[test]
fn an_unknown_device_ends_the_flow_with_6100() {
    let message = dynamic_fails(&[("device_name", "862991419835242")]);
    assert!(message.starts_with("Aliyun refused: 6100 device not found"), "{message}");
}

#[test]
fn an_active_device_ends_the_flow_with_6289() {
    let message = dynamic_fails(&[("device_name", "active-0001")]);
    assert!(message.starts_with("Aliyun refused: 6289 device is already active"), "{message}");
}

#[test]
fn a_disabled_device_ends_the_flow_with_6204() {
    let message = dynamic_fails(&[("device_name", "disabled-0001")]);
    assert!(message.starts_with("Aliyun refused: 6204 device is disabled"), "{message}");
}

#[test]
fn a_fresh_device_registers_and_signs_in() {
    let outcome = Run::built_in("flows/aliyun_dynamic.flow").var("device_name", "fresh-0001").go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
}

/// Library and function that post a form to Aliyun, and the form of seed 000 for registering.
const REGISTER: &str = r#"
use "lib/air.flow"
call open_bearer("CMIIOT")
compute register = "https://iot-auth.cn-shanghai.aliyuncs.com/auth/register/device"
compute form = "productKey=b1KCi45LcCP&deviceName=862991419835241&random=123456&sign=1770d38260cc980dbc4337ed7fe1e8de&signMethod=HmacMD5"
"#;

/// The request for user and password of seed 000.
const DEVICENAME: &str = r#"
compute devicename = "https://iot-auth.cn-shanghai.aliyuncs.com/auth/devicename"
compute request = "productKey=b1KCi45LcCP&sign=70e7bb641d7566ad26a305dd20e8e261&clientId=862991419835241&deviceName=862991419835241"
"#;

/// Registering twice, with a sign-in to the broker in between.
fn registered_twice(rereg: &str) -> Outcome {
    let sign_in = r#"
        call aliyun_post(register, form) -> first
        call aliyun_post(devicename, request) -> who
        call mqtt_config("862991419835241", json(who, "$.data.iotId"), json(who, "$.data.iotToken"))
        call mqtt_open("SSLMIPSTART", "b1KCi45LcCP.iot-as-mqtt.cn-shanghai.aliyuncs.com", 1883)
        call mqtt_connect(1, 300)
        call aliyun_post(register, form) -> second
        assert first == second, second"#;
    against(&[REGISTER, DEVICENAME, sign_in], &[("rereg", rereg.into())])
}

#[test]
fn with_same_an_active_device_registers_again_and_gets_the_same_secret() {
    let outcome = registered_twice("same");
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
}

#[test]
fn with_reject6289_and_with_rotate_an_active_device_is_refused() {
    for rereg in ["reject6289", "rotate"] {
        let outcome = registered_twice(rereg);
        assert!(outcome.message().starts_with("Aliyun refused: 6289"), "{rereg}: {}", outcome.message());
    }
}

#[test]
fn with_rotate_an_inactive_device_gets_another_secret_each_time() {
    let twice = r#"
        call aliyun_post(register, form) -> first
        call aliyun_post(register, form) -> second
        assert first != second, second"#;
    passes_with(&[REGISTER, twice], &[("rereg", "rotate".into())]);
}

#[test]
fn with_rotate_only_the_last_secret_signs() {
    let old = r#"
        call aliyun_post(register, form) -> first
        call aliyun_post(register, form) -> second
        call aliyun_post(devicename, request) -> who"#;
    let outcome = against(&[REGISTER, DEVICENAME, old], &[("rereg", "rotate".into())]);
    assert!(outcome.message().starts_with("Aliyun refused: 401"), "{}", outcome.message());
}

#[test]
fn a_wrong_sign_for_user_and_password_is_refused_with_401() {
    let outcome = against(
        &[REGISTER, DEVICENAME, r#"call aliyun_post(devicename, replace(request, "70e7", "70e8")) -> who"#],
        &[],
    );
    assert!(outcome.message().starts_with("Aliyun refused: 401 request auth error"), "{}", outcome.message());
}

#[test]
fn a_missing_parameter_is_refused_with_460() {
    let outcome =
        against(&[REGISTER, r#"call aliyun_post(register, replace(form, "&random=123456", "")) -> answer"#], &[]);
    assert!(outcome.message().starts_with("Aliyun refused: 460"), "{}", outcome.message());
}

#[test]
fn a_form_without_its_content_type_is_refused_with_460() {
    let untyped = HTTP.replace("Content-Type: application/x-www-form-urlencoded", "Accept: text/xml");
    let count = r#"send "AT+HTTPDATA=${len(form)},20000" expect line "DOWNLOAD" send raw form expect line "OK""#;
    passes(&[&untyped, count, ASK, r#"assert code == "460", answer"#]);
}

#[test]
fn a_product_without_dynamic_registration_is_refused_with_6288() {
    let message = dynamic_fails(&[("product_key", "a1SCOIdrrR9"), ("device_name", "D001")]);
    assert!(message.starts_with("Aliyun refused: 6288"), "{message}");
}

#[test]
fn another_region_or_page_is_404_and_another_host_603() {
    for (from, to, status) in [
        ("cn-shanghai", "cn-beijing", 404),
        ("/auth/register/device", "/auth/register", 404),
        (".aliyuncs", ".example", 603),
    ] {
        let elsewhere = HTTP.replace(from, to);
        let action =
            format!(r#"send "AT+HTTPACTION=1" expect all within 10s {{ line "OK" line "+HTTPACTION: 1,{status},0" }}"#);
        passes(&[&elsewhere, &action]);
    }
}

// -------------------------------------------------------------------------------------------------- the broker

#[test]
fn a_connection_without_a_configuration_is_refused() {
    passes(&[
        ONLINE,
        r#"send `AT+MIPSTART="a1SCOIdrrR9.iot-as-mqtt.cn-shanghai.aliyuncs.com",1883` expect line "ERROR""#,
    ]);
}

#[test]
fn mconnect_before_connect_ok_is_refused() {
    passes(&[ONLINE, CONFIG, r#"send "AT+MCONNECT=0,600" expect line "+CME ERROR: 767""#]);
    let begun = r#"send `AT+MIPSTART="a1SCOIdrrR9.iot-as-mqtt.cn-shanghai.aliyuncs.com",1883` expect line "OK"
        send "AT+MCONNECT=0,600" expect line "+CME ERROR: 767""#;
    passes(&[ONLINE, CONFIG, begun]);
}

#[test]
fn publishing_and_subscribing_without_a_session_are_refused() {
    let both = r#"
        send `AT+MPUB="/sys/a1SCOIdrrR9/D001/thing/event/property/post",0,0,"x"`  expect line "+CME ERROR: 767"
        send `AT+MSUB="/sys/a1SCOIdrrR9/D001/thing/service/property/set",0`       expect line "+CME ERROR: 767""#;
    passes(&[both]);
    passes(&[ONLINE, CONFIG, OPEN, both]);
}

#[test]
fn the_session_of_seed_004_is_accepted() {
    passes(&[ONLINE, CONFIG, OPEN, CONNECT]);
}

#[test]
fn a_wrong_password_is_refused_at_mconnect() {
    let wrong = CONFIG.replace("0ef75016", "0ef75017");
    let outcome = passes(&[ONLINE, &wrong, OPEN, r#"send "AT+MCONNECT=0,600""#, REFUSED]);
    assert_eq!(outcome.device_said, ["CONNACK 4"]);
}

#[test]
fn a_wrong_token_is_refused_at_mconnect() {
    let wrong = r#"
        call aliyun_post(devicename, request) -> who
        call mqtt_config("862991419835241", json(who, "$.data.iotId"), "00000000000000000000000000000000")
        call mqtt_open("SSLMIPSTART", "b1KCi45LcCP.iot-as-mqtt.cn-shanghai.aliyuncs.com", 1883)
        send "AT+MCONNECT=1,300""#;
    let outcome = passes(&[REGISTER, DEVICENAME, wrong, REFUSED]);
    assert_eq!(outcome.device_said, ["CONNACK 3"]);
}

#[test]
fn a_token_for_another_client_id_is_refused_at_mconnect() {
    let other = r#"
        call aliyun_post(devicename, request) -> who
        call mqtt_config("another", json(who, "$.data.iotId"), json(who, "$.data.iotToken"))
        call mqtt_open("SSLMIPSTART", "b1KCi45LcCP.iot-as-mqtt.cn-shanghai.aliyuncs.com", 1883)
        send "AT+MCONNECT=1,300""#;
    let outcome = passes(&[REGISTER, DEVICENAME, other, REFUSED]);
    assert_eq!(outcome.device_said, ["CONNACK 3"]);
}

#[test]
fn a_disabled_device_is_refused_at_mconnect() {
    let sign_in = r#"
        use "lib/air.flow"
        compute key = hex(md5("device secret of b1KCi45LcCP/disabled-0001"))
        compute text = sorted_concat({clientId: "x", deviceName: "disabled-0001", productKey: "b1KCi45LcCP"})
        call mqtt_config("x|securemode=3,signmethod=hmacsha1|", "disabled-0001&b1KCi45LcCP", hmac_sha1(key, text))
        call mqtt_open("MIPSTART", "b1KCi45LcCP.iot-as-mqtt.cn-shanghai.aliyuncs.com", 1883)
        send "AT+MCONNECT=0,600""#;
    let outcome = passes(&[ONLINE, sign_in, REFUSED]);
    assert_eq!(outcome.device_said, ["CONNACK 5"]);
}

#[test]
fn a_client_id_without_its_last_bar_is_refused_at_mconnect() {
    let wrong = CONFIG.replace("hmacsha1|", "hmacsha1");
    let outcome = passes(&[ONLINE, &wrong, OPEN, r#"send "AT+MCONNECT=0,600""#, REFUSED]);
    assert_eq!(outcome.device_said, ["CONNACK 2"]);
}

#[test]
fn a_keepalive_out_of_30_to_1200_seconds_is_refused() {
    for keepalive in [1, 29, 1201] {
        let connect = format!("send \"AT+MCONNECT=0,{keepalive}\"");
        let outcome = passes(&[ONLINE, CONFIG, OPEN, &connect, REFUSED]);
        assert_eq!(outcome.device_said, ["CONNACK 2"], "{keepalive}");
    }
    for keepalive in [30, 1200] {
        passes(&[ONLINE, CONFIG, OPEN, &CONNECT.replace("600", &keepalive.to_string())]);
    }
}

#[test]
fn securemode_3_over_tls_is_closed() {
    let outcome =
        passes(&[ONLINE, CONFIG, OPEN_TLS, r#"send "AT+MCONNECT=0,600" expect all { line "OK" line "CLOSED" }"#]);
    assert_eq!(outcome.device_said, ["the broker closes without CONNACK"]);
}

#[test]
fn securemode_2_without_tls_is_closed_and_with_tls_accepted() {
    let config = CONFIG.replace("securemode=3", "securemode=2");
    passes(&[ONLINE, &config, OPEN, r#"send "AT+MCONNECT=0,600" expect all { line "OK" line "CLOSED" }"#]);
    passes(&[ONLINE, &config, OPEN_TLS, CONNECT]);
}

#[test]
fn an_account_without_plain_tcp_is_closed_in_securemode_3() {
    let connect = r#"send "AT+MCONNECT=0,600" expect all { line "OK" line "CLOSED" }"#;
    passes_with(&[ONLINE, CONFIG, OPEN, connect], &[("plain_tcp", false.into())]);
}

#[test]
fn a_host_that_names_another_product_is_closed() {
    let other = OPEN.replace("a1SCOIdrrR9", "b1KCi45LcCP");
    passes(&[ONLINE, CONFIG, &other, r#"send "AT+MCONNECT=0,600" expect all { line "OK" line "CLOSED" }"#]);
}

#[test]
fn the_broker_closes_on_a_client_that_does_not_sign_in() {
    passes(&[ONLINE, CONFIG, OPEN, r#"expect none line "CLOSED" for 4s  expect line "CLOSED" within 2s"#]);
}

#[test]
fn a_second_connection_is_told_that_there_is_one() {
    passes(&[
        ONLINE,
        CONFIG,
        OPEN,
        CONNECT,
        r#"send `AT+MIPSTART="a1SCOIdrrR9.iot-as-mqtt.cn-shanghai.aliyuncs.com",1883`
        expect all { line "OK" line "ALREADY CONNECT" }"#,
    ]);
}

#[test]
fn an_unknown_host_ends_with_connect_fail() {
    passes(&[
        ONLINE,
        CONFIG,
        r#"send `AT+MIPSTART="a1SCOIdrrR9.iot-as-mqtt.cn-beijing.aliyuncs.com",1883`
        expect all { line "OK" line "CONNECT FAIL" }"#,
    ]);
}

#[test]
fn a_subscription_to_a_topic_of_another_device_is_refused() {
    passes(&[
        ONLINE,
        CONFIG,
        OPEN,
        CONNECT,
        r#"send `AT+MSUB="/sys/a1SCOIdrrR9/D002/thing/service/property/set",1`  expect line "OK"  expect line "ERROR""#,
    ]);
}

#[test]
fn publishing_to_a_topic_of_another_device_closes_the_connection() {
    passes(&[
        ONLINE,
        CONFIG,
        OPEN,
        CONNECT,
        r#"send `AT+MPUB="/sys/a1SCOIdrrR9/D002/thing/event/property/post",0,0,"x"`  expect line "OK"  expect line "CLOSED""#,
    ]);
}

#[test]
fn a_second_qos_1_message_before_puback_is_refused() {
    let publish = r#"send `AT+MPUB="/a1SCOIdrrR9/D001/x",1,0,"x"`"#;
    let both = format!(r#"{publish} expect line "OK" {publish} expect line "ERROR" await line "PUBACK" "#);
    passes(&[ONLINE, CONFIG, OPEN, CONNECT, &both]);
}

#[test]
fn a_message_with_a_bare_quote_in_it_is_refused() {
    passes(&[
        ONLINE,
        CONFIG,
        OPEN,
        CONNECT,
        r#"send `AT+MPUB="/a1SCOIdrrR9/D001/x",0,0,"{"a":1}"`  expect line "ERROR""#,
    ]);
}
