//! Eclipse Mosquitto, a broker that nobody here wrote: its process, and who may sign in to it.
//!
//! It keeps users, client ids and what they may do in its dynamic security plugin, which is told over MQTT.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::{interval, timeout};

use super::auth::registry::Issued;
use super::authority::Certificate;
use super::peer::Peer;

const ADMIN: (&str, &str) = ("admin", "the-broker-s-own");

/// Where the programs and the plugin are.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    broker: PathBuf,
    control: PathBuf,
    plugin: PathBuf,
}

impl Installed {
    /// Looks for a Mosquitto that can be run here.
    pub(crate) fn find() -> Option<Installed> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path)
            .chain(["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"].map(PathBuf::from))
            .collect();
        let program = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
        let roots = ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/lib"].map(PathBuf::from);
        let below = roots.iter().flat_map(|root| fs::read_dir(root).into_iter().flatten().flatten().map(|e| e.path()));
        let plugin = roots.iter().cloned().chain(below).map(|folder| folder.join("mosquitto_dynamic_security.so"));
        let plugin = plugin.into_iter().find(|file| file.is_file())?;
        Some(Installed { broker: program("mosquitto")?, control: program("mosquitto_ctrl")?, plugin })
    }
}

/// A running broker with a plain and a TLS port; dropped, it is killed.
pub(crate) struct MqttBroker {
    process: Child,
    plain: u16,
    tls: u16,
    folder: TempDir,
}

impl MqttBroker {
    /// Starts one on free ports of the loopback interface, and waits until it listens.
    pub(crate) async fn start(installed: &Installed, certificate: &Certificate) -> MqttBroker {
        let folder = tempfile::tempdir().expect("there is room");
        let write = |name: &str, text: &str| {
            let file = folder.path().join(name);
            fs::write(&file, text).expect("there is room");
            file
        };
        let (chain, key) = (write("server.pem", &certificate.pem), write("server.key", &certificate.key));
        let users = folder.path().join("users.json");
        let made = Command::new(&installed.control)
            .args(["dynsec", "init"])
            .arg(&users)
            .args([ADMIN.0, ADMIN.1])
            .output()
            .await
            .expect("mosquitto_ctrl runs");
        assert!(made.status.success(), "mosquitto_ctrl: {made:?}");

        // A port may be taken between looking and starting: then others are tried.
        for _ in 0..5 {
            let (plain, tls) = (free_port().await, free_port().await);
            let settings = format!(
                "user root\nallow_anonymous false\nlog_dest stderr\n\
                 plugin {}\nplugin_opt_config_file {}\n\
                 listener {plain} 127.0.0.1\n\
                 listener {tls} 127.0.0.1\ncertfile {}\nkeyfile {}\n",
                installed.plugin.display(),
                users.display(),
                chain.display(),
                key.display()
            );
            let settings = write("mosquitto.conf", &settings);
            let log = fs::File::create(folder.path().join("log")).expect("there is room");
            let mut process = Command::new(&installed.broker)
                .arg("-c")
                .arg(&settings)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .kill_on_drop(true)
                .spawn()
                .expect("mosquitto runs");
            if listens(plain, &mut process).await && listens(tls, &mut process).await {
                return MqttBroker { process, plain, tls, folder };
            }
        }
        panic!("mosquitto does not start: {}", fs::read_to_string(folder.path().join("log")).unwrap_or_default());
    }

    /// Ends it as a power failure would, and waits until it has ended.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await.expect("it is ours");
    }

    /// Returns where it listens without TLS.
    pub(crate) fn plain(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.plain))
    }

    /// Returns where it listens with TLS.
    pub(crate) fn tls(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.tls))
    }

    /// Returns what it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(Path::new(self.folder.path()).join("log")).unwrap_or_default()
    }

    /// Signs in as its administrator.
    pub(crate) async fn admin(&self) -> Admin {
        let peer = Peer::connect(self.plain, ADMIN, "$CONTROL/dynamic-security/#").await;
        Admin { peer: Mutex::new(peer) }
    }
}

/// Says who may sign in to the broker.
pub(crate) struct Admin {
    peer: Mutex<Peer>,
}

impl Admin {
    /// Lets a device sign in with what the sign-in service has issued, and with nothing that it had before.
    pub(crate) async fn admit_token(&self, issued: &Issued) {
        let filters = device_filters(&issued.product_key, &issued.device_name);
        self.admit((&issued.iot_id, &issued.iot_token), Some(&issued.client_id), &filters).await;
    }

    /// Lets a device sign in with a password that comes from its own secret.
    pub(crate) async fn admit_device(&self, product_key: &str, device_name: &str, client_id: &str, password: &str) {
        let user = format!("{device_name}&{product_key}");
        self.admit((&user, password), Some(client_id), &device_filters(product_key, device_name)).await;
    }

    /// Lets somebody sign in who may do everything.
    pub(crate) async fn admit_watcher(&self, user: &str, password: &str) {
        self.admit((user, password), None, &["#".to_string()]).await;
    }

    async fn admit(&self, (user, password): (&str, &str), client_id: Option<&str>, filters: &[String]) {
        let acl = |kind: &str| {
            let entry = |filter: &String| json!({"acltype": kind, "topic": filter, "allow": true});
            filters.iter().map(entry).collect::<Vec<Value>>()
        };
        let acls = [acl("publishClientSend"), acl("subscribePattern")].concat();
        // What is not there cannot be deleted; that is no matter.
        self.order(json!([{"command": "deleteClient", "username": user}, {"command": "deleteRole", "rolename": user}]))
            .await;
        let mut client =
            json!({"command": "createClient", "username": user, "password": password, "roles": [{"rolename": user}]});
        if let Some(client_id) = client_id {
            client["clientid"] = json!(client_id);
        }
        let answer = self.order(json!([{"command": "createRole", "rolename": user, "acls": acls}, client])).await;
        assert!(!answer.to_string().contains("error"), "the broker does not take {user}: {answer}");
    }

    async fn order(&self, commands: Value) -> Value {
        let mut peer = self.peer.lock().await;
        let order = json!({"commands": commands}).to_string();
        peer.publish("$CONTROL/dynamic-security/v1", order.as_bytes());
        let answer = timeout(Duration::from_secs(10), peer.messages.recv()).await;
        let answer = answer.ok().flatten().unwrap_or_else(|| panic!("the broker does not answer {order}"));
        serde_json::from_slice(&answer.payload).expect("it answers in JSON")
    }
}

/// The topics of a device.
fn device_filters(product_key: &str, device_name: &str) -> [String; 2] {
    [format!("/{product_key}/{device_name}/#"), format!("/sys/{product_key}/{device_name}/#")]
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Waits until a port is listened on; `false` if the process ends before.
async fn listens(port: u16, process: &mut Child) -> bool {
    let mut again = interval(Duration::from_millis(10));
    for _ in 0..1000 {
        again.tick().await;
        if !matches!(process.try_wait(), Ok(None)) {
            return false;
        }
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return true;
        }
    }
    false
}
