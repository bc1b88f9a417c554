//! What goes wrong on the way, and how the flow says so; what was saved stays.

use std::net::SocketAddr;
use std::time::Duration;

use super::auth::Mood;
use super::auth::registry::Reregistration;
use super::flow::Flow;
use super::{
    AUTH_HOST, Cloud, DYNAMIC_HOST, DYNAMIC_KEY, DYNAMIC_NAME, DYNAMIC_SECRET, Service, answer_to_test1, module_in,
};

/// Mosquitto closes right behind its refusal. The module tells of the refusal first, as its manual says.
const REFUSED: &str = "the broker refused the sign-in: check client id, user, password";
const UNREACHABLE: &str = "the broker cannot be reached: check host, port and data connection";
const CLOSED: &str = "the broker has closed the connection";

/// Where nobody listens: the port is that of `discard`, which needs privileges.
const NOBODY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

fn dynamic() -> Flow {
    Flow::built_in("aliyun_dynamic.flow")
}

/// The step in which the flows wait for the cloud, as the console shows it.
const WAITING: &str = "\u{25b8} receive";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_does_not_know_the_token_refuses_it() {
    let name = "a_broker_that_does_not_know_the_token_refuses_it";
    let Some(cloud) = Cloud::start(name, Vec::new()).await else { return };
    cloud.service.auth.set_mood(Mood::Forgetful);
    let run = dynamic().port(cloud.module().path()).await;
    run.assert_ended(1, REFUSED);
    run.assert_saved("device_secret", DYNAMIC_SECRET);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_refuses_the_password_of_another_secret() {
    let name = "a_broker_refuses_the_password_of_another_secret";
    let Some(cloud) = Cloud::start(name, Vec::new()).await else { return };
    cloud.admit_secret_device(3).await;
    let flow = Flow::built_in("aliyun_secret.flow").var("device_secret", "c6994889014596cc1167940410f25bb8");
    let run = flow.port(cloud.module().path()).await;
    run.assert_ended(1, REFUSED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_refuses_the_topic_of_another_device() {
    let name = "a_broker_refuses_the_topic_of_another_device";
    let Some(cloud) = Cloud::start(name, Vec::new()).await else { return };
    let run = dynamic().var("get_topic", "/b1KCi45LcCP/another/get").port(cloud.module().path()).await;
    run.assert_ended(1, "the broker refused the subscription to /b1KCi45LcCP/another/get");
    run.assert_saved("device_secret", DYNAMIC_SECRET);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_dies_is_told_as_a_closed_connection() {
    let name = "a_broker_that_dies_is_told_as_a_closed_connection";
    let Some(mut cloud) = Cloud::start(name, Vec::new()).await else { return };
    let air = cloud.module();
    let run = dynamic().start(air.path());
    run.wait_for(WAITING).await;
    cloud.broker.kill().await;
    let run = run.finish().await;
    run.assert_ended(1, CLOSED);
    run.assert_saved("device_secret", DYNAMIC_SECRET);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_client_with_the_same_name_closes_the_connection_of_the_first() {
    let name = "a_second_client_with_the_same_name_closes_the_connection_of_the_first";
    let Some(cloud) = Cloud::start(name, Vec::new()).await else { return };
    cloud.admit_secret_device(3).await;
    let (first, second) = (cloud.module(), cloud.module());
    let waiting = Flow::built_in("aliyun_secret.flow").start(first.path());
    waiting.wait_for(WAITING).await;
    let second = Flow::built_in("aliyun_secret.flow").var("message_limit", "1s").port(second.path()).await;
    waiting.finish().await.assert_ended(1, CLOSED);
    // Nobody sets the property; the second one got so far.
    second.assert_ended(1, "did not come within 1s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_goes_away_ends_the_wait_at_once() {
    let name = "a_terminal_that_goes_away_ends_the_wait_at_once";
    let Some(cloud) = Cloud::start(name, Vec::new()).await else { return };
    let air = cloud.module();
    let run = dynamic().start(air.path());
    run.wait_for(WAITING).await;
    let path = air.path().display().to_string();
    air.unplug().await;
    let run = run.finish().await;
    run.assert_ended(3, &format!("`{path}` went away"));
    run.assert_saved("device_secret", DYNAMIC_SECRET);
    assert!(run.took < Duration::from_secs(10), "{run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_service_that_takes_25_s_is_waited_for() {
    let rules = vec![answer_to_test1(b"qos0 payload", Duration::ZERO)];
    let Some(cloud) = Cloud::start("a_sign_in_service_that_takes_25_s_is_waited_for", rules).await else { return };
    cloud.service.auth.set_mood(Mood::SlowOnce(Duration::from_secs(25)));
    let run = dynamic().port(cloud.module().path()).await;
    // Not `assert_passed`: its 30 s are for servers that answer.
    assert_eq!(run.code, Some(0), "{run}");
    assert!(run.took > Duration::from_secs(25), "{run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_whose_certificate_is_not_trusted_is_not_connected_to() {
    let name = "a_broker_whose_certificate_is_not_trusted_is_not_connected_to";
    let Some(cloud) = Cloud::start(name, Vec::new()).await else { return };
    // The certificate is for the names that the flows use, not for this one.
    let network = &cloud.service.network;
    network.add_name("broker.example", 1883, cloud.broker.tls());
    let run = dynamic().var("mqtt_host", "broker.example").port(cloud.module().path()).await;
    run.assert_ended(1, UNREACHABLE);
    run.assert_saved("device_secret", DYNAMIC_SECRET);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_can_not_be_found_or_does_not_listen_is_told_as_unreachable() {
    let service = Service::start(Reregistration::Reject).await;
    let unknown = dynamic().port(service.module().path()).await;
    unknown.assert_ended(1, UNREACHABLE);
    unknown.assert_saved("device_secret", DYNAMIC_SECRET);

    service.network.add_name(DYNAMIC_HOST, 1883, NOBODY);
    let deaf = dynamic().port(service.module().path()).await;
    deaf.assert_ended(1, UNREACHABLE);
    deaf.assert_saved("device_secret", DYNAMIC_SECRET);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_trusted_is_605() {
    let service = Service::start(Reregistration::Reject).await;
    let run = dynamic().port(module_in(&service.suspicious_network()).path()).await;
    run.assert_ended(1, "HTTP status 605: no TLS connection");
    assert_eq!(service.auth.requests(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_for_another_host_is_605() {
    let service = Service::start(Reregistration::Reject).await;
    service.network.add_name("iot-auth.eu-central-1.aliyuncs.com", 443, service.auth.address());
    let run = dynamic().var("region", "eu-central-1").port(service.module().path()).await;
    run.assert_ended(1, "HTTP status 605: no TLS connection");
    assert_eq!(service.auth.requests(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_of_the_server_is_606() {
    let service = Service::start_exclusive().await;
    let run = dynamic().port(service.module().path()).await;
    run.assert_ended(1, "HTTP status 606: the server ended the TLS connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_can_not_be_found_is_603() {
    let service = Service::start(Reregistration::Reject).await;
    let run = dynamic().var("region", "cn-nowhere").port(service.module().path()).await;
    run.assert_ended(1, "HTTP status 603: the server's name cannot be found: check the host");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_listen_is_601() {
    let service = Service::start(Reregistration::Reject).await;
    service.network.add_name(AUTH_HOST, 443, NOBODY);
    let run = dynamic().port(service.module().path()).await;
    run.assert_ended(1, "HTTP status 601: network error, or the bearer was lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_of_500_is_told() {
    let service = Service::start(Reregistration::Reject).await;
    service.auth.set_mood(Mood::Broken(500));
    let run = dynamic().port(service.module().path()).await;
    run.assert_ended(1, "HTTP status 500: not what was hoped for");
}

const PATIENT: &str = r#"flow "registers and signs in, and tries again"
use "lib/air.flow"
step "join" { call find_module(5)  call open_bearer("") }
step "register" retry 3 every 200ms {
  compute sign = hex(hmac_md5("VWll9fiYWKiwraBk",
    sorted_concat({deviceName: "862991419835241", productKey: "b1KCi45LcCP", random: "1"})))
  compute form = form_encode({productKey: "b1KCi45LcCP", deviceName: "862991419835241", random: "1", sign: sign,
    signMethod: "HmacMD5"})
  call aliyun_post("https://iot-auth.cn-shanghai.aliyuncs.com/auth/register/device", form) -> answer
  capture secret device_secret from json(answer, "$.data.deviceSecret")
  save device_secret
}
step "fetch" {
  compute id = "862991419835241"
  compute sign = hex(hmac_md5(device_secret,
    sorted_concat({clientId: id, deviceName: id, productKey: "b1KCi45LcCP"})))
  compute form = form_encode({productKey: "b1KCi45LcCP", sign: sign, clientId: id, deviceName: id})
  call aliyun_post("https://iot-auth.cn-shanghai.aliyuncs.com/auth/devicename", form) -> answer
  capture        iot_id    from json(answer, "$.data.iotId")
  capture secret iot_token from json(answer, "$.data.iotToken")
  call mqtt_config(id, iot_id, iot_token)
}
step "sign in" retry 3 every 200ms {
  call mqtt_open("SSLMIPSTART", "b1KCi45LcCP.iot-as-mqtt.cn-shanghai.aliyuncs.com", 1883)
  call mqtt_connect(1, 300)
}
call publish("/b1KCi45LcCP/862991419835241/update", 1, "at last")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_comes_back_is_found_by_the_next_attempt() {
    let name = "a_network_that_comes_back_is_found_by_the_next_attempt";
    let Some(cloud) = Cloud::start(name, Vec::new()).await else { return };
    let network = &cloud.service.network;
    network.remove_name(AUTH_HOST, 443);
    network.remove_name(DYNAMIC_HOST, 1883);
    let air = cloud.module();
    let run = Flow::text(PATIENT).start(air.path());
    air.notes().wait_for("+HTTPACTION: 1,603,0").await;
    network.add_name(AUTH_HOST, 443, cloud.service.auth.address());
    air.notes().wait_for("CONNECT FAIL").await;
    network.add_name(DYNAMIC_HOST, 1883, cloud.broker.tls());
    let run = run.finish().await;
    run.assert_passed();
    run.assert_saved("device_secret", DYNAMIC_SECRET);
    cloud.console.wait_for(&format!("/{DYNAMIC_KEY}/{DYNAMIC_NAME}/update at last")).await;
    assert!(run.console.contains("flaky"), "{run}");
}
