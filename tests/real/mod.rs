//! Everything that the flows are run against when it is not simulated: the emulated module, the sign-in service, the
//! broker, and whoever watches.
#![allow(dead_code, reason = "not every part of the servers is asked for by a test")]

pub(crate) mod air;
pub(crate) mod auth;
pub(crate) mod authority;
pub(crate) mod broker;
pub(crate) mod console;
pub(crate) mod flow;
pub(crate) mod peer;
pub(crate) mod transcript;

mod dialect;
mod faults;
mod faulty_line;
mod labgrid;
mod lrzsz;
mod passing;
mod ports;
mod refusals;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use air::network::Network;
use air::{Air, Family};
use auth::AuthService;
use auth::registry::{Registry, Reregistration, direct_password};
use authority::{Authority, Wants};
use broker::{Admin, Installed, MqttBroker};
use console::{Console, Rule};
use peer::Peer;

/// The identities of the vendor's examples, which are the defaults of the built-in flows.
pub(crate) const DYNAMIC_KEY: &str = "b1KCi45LcCP";
pub(crate) const DYNAMIC_NAME: &str = "862991419835241";
const DYNAMIC_PRODUCT_SECRET: &str = "VWll9fiYWKiwraBk";
pub(crate) const DYNAMIC_SECRET: &str = "mRMyB50qafv74A5FofvhxZ2h9iTL9wX7";
pub(crate) const SECRET_KEY: &str = "a1SCOIdrrR9";
pub(crate) const SECRET_NAME: &str = "D001";
const SECRET_SECRET: &str = "c6994889014596cc1167940410f25bb7";

/// The host names that the flows use.
pub(crate) const AUTH_HOST: &str = "iot-auth.cn-shanghai.aliyuncs.com";
pub(crate) const DYNAMIC_HOST: &str = "b1KCi45LcCP.iot-as-mqtt.cn-shanghai.aliyuncs.com";
pub(crate) const SECRET_HOST: &str = "a1SCOIdrrR9.iot-as-mqtt.cn-shanghai.aliyuncs.com";

const WATCHER: (&str, &str) = ("console", "sees-everything");

/// The sign-in service alone, and a network in which it is found.
pub(crate) struct Service {
    pub authority: Authority,
    pub auth: AuthService,
    pub network: Network,
}

impl Service {
    /// Starts it with the vendor's examples and some further devices in its registry.
    pub(crate) async fn start(policy: Reregistration) -> Service {
        Service::with(Authority::new("flowrun tests"), policy, Wants::Nothing, None).await
    }

    async fn with(authority: Authority, policy: Reregistration, wants: Wants, admin: Option<Arc<Admin>>) -> Service {
        let certificate = authority.sign(&[AUTH_HOST.to_string()]);
        let tls = authority.acceptor(&certificate, wants);
        let auth = AuthService::start(AUTH_HOST, tls, registry(policy), admin).await;
        let network = Network::new(&[authority.pem().to_string()]).expect("it is PEM");
        network.add_name(AUTH_HOST, 443, auth.address());
        Service { authority, auth, network }
    }

    /// Returns a network in which it is found and another authority is trusted.
    pub(crate) fn suspicious_network(&self) -> Network {
        let other = Authority::new("somebody else");
        let network = Network::new(&[other.pem().to_string()]).expect("it is PEM");
        network.add_name(AUTH_HOST, 443, self.auth.address());
        network
    }

    /// Starts one whose TLS asks for a certificate, which the module does not have.
    pub(crate) async fn start_exclusive() -> Service {
        Service::with(Authority::new("flowrun tests"), Reregistration::Reject, Wants::Certificate, None).await
    }

    /// Powers a module in this network.
    pub(crate) fn module(&self) -> Air {
        Air::start(Family::TwoG, self.network.clone()).expect("there are pseudo-terminals")
    }
}

/// The sign-in service, the broker and somebody at the console.
pub(crate) struct Cloud {
    pub service: Service,
    pub broker: MqttBroker,
    pub admin: Arc<Admin>,
    pub console: Console,
}

impl Cloud {
    /// Starts all of it, or nothing and says so if there is no Mosquitto on this machine.
    ///
    /// # Panics
    ///
    /// There is none and `FLOWRUN_REQUIRE_MOSQUITTO` is set.
    pub(crate) async fn start(test: &str, rules: Vec<Rule>) -> Option<Cloud> {
        let Some(installed) = Installed::find() else {
            assert!(std::env::var_os("FLOWRUN_REQUIRE_MOSQUITTO").is_none(), "{test}: mosquitto is not installed");
            // Past the test harness, which keeps what passing tests print to itself.
            let _ = writeln!(std::io::stderr(), "skipped: {test}: mosquitto is not installed");
            return None;
        };
        let authority = Authority::new("flowrun tests");
        let certificate = authority.sign(&[DYNAMIC_HOST.to_string(), SECRET_HOST.to_string()]);
        let broker = MqttBroker::start(&installed, &certificate).await;
        let admin = Arc::new(broker.admin().await);
        admin.admit_watcher(WATCHER.0, WATCHER.1).await;
        let console = Console::open(broker.plain().port(), WATCHER, rules).await;
        let told = Some(Arc::clone(&admin));
        let service = Service::with(authority, Reregistration::Reject, Wants::Nothing, told).await;
        service.network.add_name(DYNAMIC_HOST, 1883, broker.tls());
        service.network.add_name(SECRET_HOST, 1883, broker.plain());
        Some(Cloud { service, broker, admin, console })
    }

    /// Makes the second example's device known to the broker, which signs in without the service.
    pub(crate) async fn admit_secret_device(&self, secure_mode: u8) {
        let client_id = format!("{SECRET_NAME}|securemode={secure_mode},signmethod=hmacsha1|");
        let password = direct_password(SECRET_SECRET, SECRET_NAME, SECRET_NAME, SECRET_KEY);
        self.admin.admit_device(SECRET_KEY, SECRET_NAME, &client_id, &password).await;
    }

    /// Signs in somebody who may do everything.
    pub(crate) async fn watcher(&self) -> Peer {
        self.admin.admit_watcher("watcher", WATCHER.1).await;
        Peer::connect(self.broker.plain().port(), ("watcher", WATCHER.1), "$SYS/broker/version").await
    }

    /// Powers a module in this network.
    pub(crate) fn module(&self) -> Air {
        self.service.module()
    }
}

/// Powers a module in a network of its own.
pub(crate) fn module_in(network: &Network) -> Air {
    Air::start(Family::TwoG, network.clone()).expect("there are pseudo-terminals")
}

/// What the simulated console does after `test1`, with a payload of one's own.
pub(crate) fn answer_to_test1(payload: &[u8], reaction: Duration) -> Rule {
    let topic = format!("/{DYNAMIC_KEY}/{DYNAMIC_NAME}/get");
    Rule { when: ("/update", "test1"), reaction, topic, payload: payload.to_vec() }
}

/// What the simulated console does after the event.
pub(crate) fn property_after_event(reaction: Duration) -> Rule {
    let topic = format!("/sys/{SECRET_KEY}/{SECRET_NAME}/thing/service/property/set");
    let payload =
        br#"{"method":"thing.service.property.set","id":"1934023296","params":{"PowerSwitch":1},"version":"1.0.0"}"#;
    Rule { when: ("/post", "GasCheck_Event"), reaction, topic, payload: payload.to_vec() }
}

fn registry(policy: Reregistration) -> Registry {
    let mut registry = Registry::new(policy);
    registry.add_product(DYNAMIC_KEY, DYNAMIC_PRODUCT_SECRET);
    registry.add_device(DYNAMIC_KEY, DYNAMIC_NAME, DYNAMIC_SECRET);
    registry.add_device(DYNAMIC_KEY, "disabled-0001", "00112233445566778899aabbccddeeff");
    registry.device(DYNAMIC_KEY, "disabled-0001").expect("it was added").is_disabled = true;
    registry.add_device(DYNAMIC_KEY, "active-0001", "ffeeddccbbaa99887766554433221100");
    registry.device(DYNAMIC_KEY, "active-0001").expect("it was added").is_active = true;
    registry
}
