//! The flows for modules of other makers, in the situations that their device files can play.

mod support;

use flowrun::event::Verdict;
use support::{Run, check_file, shown};

const FLOWS: &[&str] = &["quectel_aliyun", "simcom_aliyun", "espat_aliyun"];
const FILES: &[&str] = &[
    "flows/quectel_aliyun.flow",
    "flows/simcom_aliyun.flow",
    "flows/espat_aliyun.flow",
    "flows/devices/quectel.flow",
    "flows/devices/simcom.flow",
    "flows/devices/espat.flow",
    "flows/devices/lib/aliyun.flow",
];

fn run(name: &str) -> Run {
    Run::built_in(&format!("flows/{name}.flow"))
}

fn assert_passes(what: &str, run: &Run) {
    let outcome = run.go();
    assert_eq!(outcome.verdict, Verdict::Passed, "{what}\n{}\n{}", outcome.transcript, outcome.report);
    let answered = r#"the device answers: {"id":"1934023296","code":200,"data":{}}"#;
    assert_eq!(outcome.device_said, [answered], "{what}: the cloud's request is not answered");
}

#[test]
fn no_flow_or_device_has_a_warning() {
    for file in FILES {
        let checked = check_file(file);
        assert!(checked.problems.is_empty(), "{}", shown(&checked.problems, &checked));
    }
}

#[test]
fn each_flow_passes_whatever_state_the_module_is_in() {
    for name in FLOWS {
        assert_passes(name, &run(name));
        assert_passes(&format!("{name}, left open"), &run(name).sim_var("left_open", true));
        assert_passes(&format!("{name}, TLS"), &run(name).var("tls", true));
        assert_passes(&format!("{name}, in pieces"), &run(name).chunks(3));
    }
    for name in ["quectel_aliyun", "simcom_aliyun"] {
        assert_passes(&format!("{name}, a fast broker"), &run(name).sim_var("early", true));
    }
}

#[test]
fn firmwares_differ() {
    assert_passes("the module signs", &run("quectel_aliyun").var("signer", "module"));
    assert_passes("the module signs, TLS", &run("quectel_aliyun").var("signer", "module").var("tls", true));
    assert_passes("payloads without quotes", &run("quectel_aliyun").sim_var("quoted", false));
    assert_passes("the result before OK", &run("simcom_aliyun").sim_var("family", "7600"));
    assert_passes("a payload in pieces", &run("simcom_aliyun").sim_var("part", 40));
}

/// Runs it and returns what went wrong.
fn failure(what: &str, run: &Run) -> String {
    let outcome = run.go();
    assert_eq!(outcome.verdict, Verdict::Failed, "{what}\n{}", outcome.transcript);
    outcome.message().to_string()
}

#[test]
fn a_wrong_secret_is_refused_and_told() {
    let wrong = "c6994889014596cc1167940410f25bb8";
    for (name, told) in [
        ("quectel_aliyun", "the broker refused user and password"),
        ("simcom_aliyun", "CMQTTCONNECT ended with 30: user and password are refused"),
        ("espat_aliyun", "the broker refused or cannot be reached"),
    ] {
        let message = failure(name, &run(name).var("device_secret", wrong));
        assert!(message.contains(told), "{name}: {message}");
    }
    let message = failure("aliauth", &run("quectel_aliyun").var("signer", "module").var("device_secret", wrong));
    assert!(message.contains("the broker refused user and password"), "{message}");
}

#[test]
fn the_other_refusals_are_told_too() {
    let keepalive = |name| failure(name, &run(name).var("keepalive", 20));
    assert!(keepalive("quectel_aliyun").contains("the broker refused the client id"));
    assert!(keepalive("simcom_aliyun").contains("ended with 28"));

    let host = |name| failure(name, &run(name).var("mqtt_host", "mqtt.example.com"));
    assert!(host("quectel_aliyun").contains("the broker's name cannot be found"));
    assert!(host("simcom_aliyun").contains("the broker's name cannot be found"));
    assert!(host("espat_aliyun").contains("cannot be reached"));

    let message = failure("no data plan", &run("quectel_aliyun").sim_var("open_result", 3));
    assert!(message.contains("check the APN"), "{message}");
    let message = failure("wrong Wi-Fi password", &run("espat_aliyun").var("wifi_password", "wrong horse"));
    assert!(message.contains("wrong password"), "{message}");
    let message = failure("no such Wi-Fi", &run("espat_aliyun").var("wifi", "elsewhere"));
    assert!(message.contains("there is no such access point"), "{message}");
}

#[test]
fn files_that_use_others_without_end_are_refused() {
    let reader = |_: &std::path::Path| Ok(b"flow \"t\"\nuse \"a/b\"\nuse \"c/d\"\n".to_vec());
    let loaded = flowrun::load::load(std::path::Path::new("t.flow"), &reader);
    assert!(loaded.problems.iter().any(|problem| problem.message == "more than 256 files are used"));
}
