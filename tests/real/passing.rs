//! Both built-in flows end to end, and the comparison that holds the simulator to the real thing.

use std::time::Duration;

use super::auth::registry::{Reregistration, direct_password};
use super::flow::{Finished, Flow};
use super::transcript::{Exchange, exchanges};
use super::{
    Cloud, DYNAMIC_KEY, DYNAMIC_NAME, DYNAMIC_SECRET, SECRET_HOST, SECRET_KEY, SECRET_NAME, answer_to_test1,
    property_after_event,
};

/// How long the person at the console takes.
const REACTION: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dynamic_registration_passes_and_its_messages_arrive_elsewhere() {
    let rules = vec![answer_to_test1(b"qos0 payload", REACTION)];
    let name = "dynamic_registration_passes_and_its_messages_arrive_elsewhere";
    let Some(cloud) = Cloud::start(name, rules).await else { return };
    let air = cloud.module();
    let run = Flow::built_in("aliyun_dynamic.flow").port(air.path()).await;
    run.assert_passed();
    run.assert_saved("device_secret", DYNAMIC_SECRET);
    let topic = format!("/{DYNAMIC_KEY}/{DYNAMIC_NAME}");
    let sent = [format!("{topic}/update test0"), format!("{topic}/update test1"), format!("{topic}/get qos0 payload")];
    cloud.console.wait_for(&sent[2]).await;
    assert_eq!(cloud.console.seen(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_sign_in_passes_and_its_reports_arrive_elsewhere() {
    let name = "direct_sign_in_passes_and_its_reports_arrive_elsewhere";
    let Some(cloud) = Cloud::start(name, vec![property_after_event(REACTION)]).await else { return };
    cloud.admit_secret_device(3).await;
    let air = cloud.module();
    let run = Flow::built_in("aliyun_secret.flow").port(air.path()).await;
    run.assert_passed();
    let thing = format!("/sys/{SECRET_KEY}/{SECRET_NAME}/thing");
    let last = format!(
        "{thing}/event/property/post {}",
        r#"{"method":"thing.event.property.post","id":"0000000001","params":{"PowerSwitch":1},"version":"1.0.0"}"#
    );
    cloud.console.wait_for(&last).await;
    let seen = cloud.console.seen();
    assert_eq!(
        seen[..3],
        [
            format!("{thing}/event/property/post {}", r#"{"PowerSwitch":0}"#),
            format!("{thing}/event/property/post {}", r#"{"PowerSwitch":1}"#),
            format!("{thing}/event/GasCheck_Event/post {}", r#"{"GasCheck_Event":1}"#),
        ]
    );
    assert_eq!(seen.len(), 5, "{seen:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_sign_in_passes_over_tls_again_and_again() {
    let name = "direct_sign_in_passes_over_tls_again_and_again";
    let rules = vec![property_after_event(REACTION), property_after_event(Duration::ZERO)];
    let Some(cloud) = Cloud::start(name, rules).await else { return };
    cloud.admit_secret_device(2).await;
    cloud.service.network.add_name(SECRET_HOST, 1883, cloud.broker.tls());
    let air = cloud.module();
    // The broker keeps the session of a client that signs in with clean=0, so the second run finds one.
    for _ in 0..2 {
        let flow = Flow::built_in("aliyun_secret.flow").var("tls", "true").var("answer_set", "true");
        flow.port(air.path()).await.assert_passed();
    }
    let reply = format!(
        "/sys/{SECRET_KEY}/{SECRET_NAME}/thing/service/property/set_reply {}",
        r#"{"id":"1934023296","code":200,"data":{}}"#
    );
    cloud.console.wait_for_times(2, &reply).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_with_anything_in_it_is_read_by_its_count() {
    let message = "a, \"b\" \\22\r\nOK\r\n\r\nCLOSED\r\n+MSUB: \"t\",3 byte,\u{e4}\u{1f4e1}";
    let rules = vec![answer_to_test1(message.as_bytes(), Duration::ZERO)];
    let Some(cloud) = Cloud::start("a_message_with_anything_in_it_is_read_by_its_count", rules).await else { return };
    let air = cloud.module();
    let flow = Flow::built_in("aliyun_dynamic.flow").var("message", message);
    flow.port(air.path()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_came_while_the_device_was_away_is_kept_for_it() {
    let name = "a_message_that_came_while_the_device_was_away_is_kept_for_it";
    let Some(cloud) = Cloud::start(name, Vec::new()).await else { return };
    cloud.admit_secret_device(3).await;
    let air = cloud.module();
    let run = Flow::built_in("aliyun_secret.flow").start(air.path());
    run.wait_for("\u{25b8} receive").await;
    air.unplug().await;
    assert_eq!(run.finish().await.code, Some(3));

    let rule = property_after_event(Duration::ZERO);
    let watcher = cloud.watcher().await;
    watcher.publish(&rule.topic, &rule.payload);
    cloud.console.wait_for(&format!("{} {}", rule.topic, String::from_utf8_lossy(&rule.payload))).await;
    // Nobody publishes it again: it is the one that the broker has kept.
    Flow::built_in("aliyun_secret.flow").port(cloud.module().path()).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_has_signed_in_is_not_registered_again() {
    let rules = vec![answer_to_test1(b"qos0 payload", Duration::ZERO)];
    let Some(cloud) = Cloud::start("a_device_that_has_signed_in_is_not_registered_again", rules).await else { return };
    assert_eq!(cloud.service.auth.registry().policy, Reregistration::Reject);
    let air = cloud.module();
    Flow::built_in("aliyun_dynamic.flow").port(air.path()).await.assert_passed();
    // Aliyun sees the sign-in at its own broker; here the console does.
    cloud.console.wait_for(&format!("/{DYNAMIC_KEY}/{DYNAMIC_NAME}/update test1")).await;
    cloud.service.auth.registry().device(DYNAMIC_KEY, DYNAMIC_NAME).expect("it is known").is_active = true;
    let run = Flow::built_in("aliyun_dynamic.flow").port(air.path()).await;
    run.assert_ended(1, "Aliyun refused: 6289 device is already active: sign in with the secret that was saved");
}

/// A difference between the simulated and the real run that the documents allow.
struct Allowed {
    /// The exchange begins with sending this.
    sent: &'static str,
    why: &'static str,
    /// Makes the real exchange what the simulated one would be.
    undo: fn(Exchange) -> Exchange,
}

const ALLOWED: &[Allowed] = &[
    Allowed {
        sent: "AT+MPUB=\"/sys/a1SCOIdrrR9/D001/thing/event/property/post\",1,0,\"{\\\\22PowerSwitch",
        why: "MQTT sets no order between the PUBACK for a message and that message's way back: Mosquitto sends the \
              message first, the 2018 log has PUBACK first (protocols.md 1.3, 4.1 rule 5)",
        undo: |real| Exchange { received: puback_first(&real.received), ..real },
    },
    Allowed {
        sent: "AT+MPUB=\"/sys/a1SCOIdrrR9/D001/thing/event/property/post\",1,0,\"{\\\\22method",
        why: "the last report comes back too; the simulated cloud takes 80 ms for it, and the flow has ended by then",
        undo: |real| {
            let received = puback_first(&real.received);
            let end = received.find("\\r\\n+MSUB").unwrap_or(received.len());
            Exchange { received: received[..end].to_string(), ..real }
        },
    },
    Allowed {
        sent: "AT+MDISCONNECT",
        why: "a broker closes the connection after DISCONNECT (MQTT 3.1.1, 3.14.4); whether the module says so before \
              MIPCLOSE is not known (protocols.md 6.3: the order is unclear), and here a race",
        undo: without_closed,
    },
    Allowed {
        sent: "AT+MIPCLOSE",
        why: "as above: the connection may be closed already, and MIPCLOSE answers 767 then (protocols.md 1.3)",
        undo: |real| {
            let real = without_closed(real);
            let received = real.received.replace("+CME ERROR: 767", "OK");
            let notes = real.notes.into_iter().filter(|note| !note.starts_with("- ignored")).collect();
            Exchange { received, notes, ..real }
        },
    },
];

fn puback_first(received: &str) -> String {
    const PUBACK: &str = "\\r\\nPUBACK\\r\\n";
    match (received.find("\\r\\n+MSUB"), received.find(PUBACK)) {
        (Some(message), Some(puback)) if message < puback => {
            let without = received.replacen(PUBACK, "", 1);
            format!("{}{PUBACK}{}", &without[..message], &without[message..])
        }
        _ => received.to_string(),
    }
}

fn without_closed(real: Exchange) -> Exchange {
    let notes = real.notes.into_iter().filter(|note| note != "# the broker has closed the connection").collect();
    Exchange { received: real.received.replace("\\r\\nCLOSED\\r\\n", ""), notes, ..real }
}

/// Asserts that the runs are the same but for `ALLOWED`; returns which of these were needed.
fn assert_same(simulated: &Finished, real: &Finished) -> Vec<&'static str> {
    let mut needed = Vec::new();
    let [expected, found] = [simulated, real].map(|run| exchanges(&named(&run.transcript)));
    // In the preparation there are MDISCONNECT and MIPCLOSE too, and nothing may differ.
    let sign_in = found.iter().position(|exchange| exchange.sent.starts_with("AT+MCONNECT")).unwrap_or(found.len());
    for (n, (expected, found)) in expected.iter().zip(&found).enumerate() {
        if expected == found {
            continue;
        }
        let allowed = ALLOWED.iter().find(|allowed| n > sign_in && found.sent.starts_with(allowed.sent));
        let undone = allowed.map(|allowed| (allowed.undo)(found.clone()));
        assert_eq!(Some(expected), undone.as_ref().or(Some(found)), "\nsimulated, real as allowed; real:\n{found:#?}");
        needed.extend(allowed.map(|allowed| allowed.why));
    }
    assert!(expected.len() > 20, "this is no transcript:\n{}", simulated.transcript);
    assert_eq!(expected.len(), found.len(), "simulated, real:\n{}\n{}", simulated.transcript, real.transcript);
    needed
}

/// Puts a name for what each cloud makes up: the id that it issues as the user for MQTT.
fn named(transcript: &str) -> String {
    let id = transcript.lines().find_map(|line| line.split_once(" = iot_id: "));
    match id {
        Some((_, id)) => transcript.replace(id, "(iot_id)"),
        None => transcript.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simulated_runs_are_what_the_real_ones_are() {
    let name = "simulated_runs_are_what_the_real_ones_are";
    let rules = vec![answer_to_test1(b"qos0 payload", REACTION), property_after_event(REACTION)];
    let Some(cloud) = Cloud::start(name, rules).await else { return };
    cloud.admit_secret_device(3).await;
    for flow in ["aliyun_dynamic.flow", "aliyun_secret.flow"] {
        let prepared = || match flow {
            "aliyun_dynamic.flow" => Flow::built_in(flow).var("random", "123456"),
            _ => Flow::built_in(flow),
        };
        let simulated = prepared().simulated().await;
        let real = prepared().port(cloud.module().path()).await;
        simulated.assert_passed();
        real.assert_passed();
        // The comments say when and where each of them was made.
        let values = |saved: &str| saved.lines().filter(|line| !line.starts_with('#')).map(str::to_string).collect();
        let (of_simulated, of_real): (Vec<String>, Vec<String>) = (values(&simulated.saved), values(&real.saved));
        assert_eq!(of_simulated, of_real);
        for why in assert_same(&simulated, &real) {
            println!("{flow}: {why}");
        }
        println!("{flow}: {:?} in real time", real.took);
    }
}

#[test]
fn the_password_of_the_second_example_is_that_of_the_documents() {
    let password = direct_password("c6994889014596cc1167940410f25bb7", "D001", "D001", "a1SCOIdrrR9");
    assert_eq!(password, "0ef750162fe4ad93fcf463fc5d5f82c666961dc4");
}
