//! The module's one MQTT connection: a TCP or TLS link, and the session on it.
//!
//! The two are apart, as in the module: MIPSTART opens the link, MCONNECT begins the session, and the link outlives
//! it until MIPCLOSE or until the broker closes it.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rumqttc::mqttbytes::v4::{Packet, SubscribeReasonCode};
use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, PublishOptions, QoS};
use tokio::io::{DuplexStream, copy, duplex, sink, split};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Late;
use super::network::{Network, Stream, Transport, Trouble};

/// Which link news are of; those of an earlier one are old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkId(pub u64);

/// What happens on the connection.
#[derive(Debug)]
pub(super) enum News {
    /// The link is open.
    Opened(DuplexStream),
    /// It could not be opened.
    Failed(Trouble),
    /// The broker has taken the sign-in.
    SignedIn,
    /// The broker has refused it with this reason.
    Refused(String),
    Subscribed,
    NotSubscribed,
    Unsubscribed,
    Published,
    Received,
    Completed,
    Message {
        topic: Vec<u8>,
        payload: Vec<u8>,
    },
    /// The session has ended; nothing more comes from it.
    Ended,
    /// The broker, or what lies between, has closed the link.
    Closed,
}

/// Client id, user and password, as MCONFIG gives them.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub client_id: String,
    pub user: String,
    pub password: String,
}

/// How far the link is.
#[derive(Debug)]
pub(super) enum Stage {
    Opening,
    /// TCP, and TLS if asked for; MCONNECT takes the stream.
    Open(DuplexStream),
    /// MCONNECT has been sent.
    SigningIn,
    SignedIn,
    /// MDISCONNECT, or a refusal: TCP alone is left.
    Left,
}

/// The link and what lives on it; dropped, it is gone at once.
pub(super) struct Link {
    pub id: LinkId,
    pub stage: Stage,
    /// The broker has closed, and the session has not yet told all.
    pub is_closing: bool,
    /// The session has told all.
    pub has_told_all: bool,
    client: Option<AsyncClient>,
    link_task: JoinHandle<()>,
    session_task: Option<JoinHandle<()>>,
    tell: UnboundedSender<Late>,
}

impl Link {
    /// Begins to open a link.
    pub(super) fn open(
        id: LinkId,
        network: Network,
        (host, port): (String, u16),
        transport: Transport,
        tell: UnboundedSender<Late>,
    ) -> Link {
        let news = tell.clone();
        let link_task = tokio::spawn(async move {
            let patience = Duration::from_secs(60);
            let opened = match timeout(patience, network.connect(&host, port, transport)).await {
                Ok(opened) => opened,
                Err(_) => Err(Trouble::Unreachable("no answer in 60 s".to_string())),
            };
            // Nobody listens any more when the module is gone.
            match opened {
                Ok(stream) => {
                    let (near, far) = duplex(1 << 16);
                    let _ = news.send(Late::Mqtt(id, News::Opened(far)));
                    carry(stream, near).await;
                    let _ = news.send(Late::Mqtt(id, News::Closed));
                }
                Err(trouble) => {
                    let _ = news.send(Late::Mqtt(id, News::Failed(trouble)));
                }
            }
        });
        Link {
            id,
            stage: Stage::Opening,
            is_closing: false,
            has_told_all: false,
            client: None,
            link_task,
            session_task: None,
            tell,
        }
    }

    /// Begins a session on an open link; `false` if there is none, or one already.
    #[must_use]
    pub(super) fn sign_in(&mut self, identity: &Identity, is_clean: bool, keepalive: u16) -> bool {
        let Stage::Open(stream) = std::mem::replace(&mut self.stage, Stage::SigningIn) else {
            return false;
        };
        let mut options = MqttOptions::new(identity.client_id.as_str(), "the-link");
        options.set_credentials(identity.user.as_str(), identity.password.clone().into_bytes());
        options.set_keep_alive(keepalive).set_clean_session(is_clean).set_max_packet_size(1 << 17, 1 << 17);
        // The session runs on the link that is open; there is no second one.
        let stream = Arc::new(Mutex::new(Some(stream)));
        options.set_socket_connector(move |_, _| {
            let taken = stream.lock().expect("no one panics while holding it").take();
            async { taken.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
        });
        let (client, session) = AsyncClient::builder(options).capacity(64).build();
        self.client = Some(client);
        self.session_task = Some(tokio::spawn(attend(self.id, session, self.tell.clone())));
        true
    }

    /// Ends the session and leaves the link open; `false` if there is none.
    #[must_use]
    pub(super) fn sign_off(&mut self) -> bool {
        let is_up = matches!(self.stage, Stage::SignedIn);
        if is_up && let Some(client) = &self.client {
            self.stage = Stage::Left;
            return client.try_disconnect().is_ok();
        }
        false
    }

    /// Subscribes; `false` if it cannot be asked for.
    #[must_use]
    pub(super) fn subscribe(&self, topic: &str, qos: QoS) -> bool {
        self.session().is_some_and(|client| client.try_subscribe(topic, qos).is_ok())
    }

    /// Ends a subscription; `false` if it cannot be asked for.
    #[must_use]
    pub(super) fn unsubscribe(&self, topic: &str) -> bool {
        self.session().is_some_and(|client| client.try_unsubscribe(topic).is_ok())
    }

    /// Publishes; `false` if it cannot be asked for.
    #[must_use]
    pub(super) fn publish(&self, topic: &str, payload: Vec<u8>, qos: QoS, is_retained: bool) -> bool {
        let options = PublishOptions::new(qos).retain(is_retained);
        self.session().is_some_and(|client| client.try_publish(topic, payload, options).is_ok())
    }

    /// Returns whether a broker has taken the sign-in and the session lives.
    pub(super) fn is_signed_in(&self) -> bool {
        matches!(self.stage, Stage::SignedIn)
    }

    /// Returns whether a session may still have something to tell: it may have ended, and its news not been heard yet.
    pub(super) fn has_session(&self) -> bool {
        self.session_task.is_some() && !self.has_told_all
    }

    fn session(&self) -> Option<&AsyncClient> {
        self.client.as_ref().filter(|_| self.is_signed_in())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.link_task.abort();
        if let Some(task) = &self.session_task {
            task.abort();
        }
    }
}

/// The rest of the MQTT settings, which outlive links.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// MQTTMSGSET=1: messages are kept in slots.
    pub is_storing: bool,
    /// MQTTMODE=1: payloads are hex digits.
    pub is_hex: bool,
    pub slots: HashMap<usize, Vec<u8>>,
    pub next_slot: usize,
}

/// How many messages MQTTMSGSET=1 keeps; the oldest goes first.
pub(super) const N_SLOTS: usize = 4;

impl Store {
    /// Returns the line that shows a message, and keeps it if it is to be kept.
    pub(super) fn handle_message(&mut self, topic: &[u8], payload: &[u8]) -> Vec<u8> {
        let shown = if self.is_hex { hex::encode_upper(payload).into_bytes() } else { payload.to_vec() };
        let count = if self.is_hex { format!("{}", payload.len()) } else { format!("{} byte", payload.len()) };
        let line = [b"+MSUB: \"", topic, b"\",", count.as_bytes(), b",", &shown].concat();
        if !self.is_storing {
            return line;
        }
        let slot = self.next_slot;
        self.slots.insert(slot, line);
        self.next_slot = (slot + 1) % N_SLOTS;
        format!("+MSUB: {slot}").into_bytes()
    }
}

/// Carries bytes between the broker and the session until the broker closes. When the session is gone, the link
/// stays.
async fn carry(stream: Box<dyn Stream>, near: DuplexStream) {
    let (mut from_broker, mut to_broker) = split(stream);
    let (mut from_session, mut to_session) = split(near);
    let up = async {
        let _ = copy(&mut from_session, &mut to_broker).await;
        std::future::pending::<()>().await;
    };
    let down = async {
        let _ = copy(&mut from_broker, &mut to_session).await;
        let _ = copy(&mut from_broker, &mut sink()).await;
    };
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

/// Tells all that a session comes to.
async fn attend(id: LinkId, mut session: EventLoop, tell: UnboundedSender<Late>) {
    loop {
        let news = match session.poll().await {
            Ok(Event::Incoming(packet)) => match packet {
                Packet::ConnAck(_) => Some(News::SignedIn),
                Packet::SubAck(answer) => Some(match answer.return_codes.first() {
                    Some(SubscribeReasonCode::Success(_)) => News::Subscribed,
                    Some(SubscribeReasonCode::Failure) | None => News::NotSubscribed,
                }),
                Packet::UnsubAck(_) => Some(News::Unsubscribed),
                Packet::PubAck(_) => Some(News::Published),
                Packet::PubRec(_) => Some(News::Received),
                Packet::PubComp(_) => Some(News::Completed),
                Packet::Publish(message) => {
                    Some(News::Message { topic: message.topic.to_vec(), payload: message.payload.to_vec() })
                }
                // What a client sends, and what it needs no telling of.
                _ => None,
            },
            Ok(Event::Outgoing(_)) => None,
            Err(ConnectionError::ConnectionRefused(code)) => {
                let _ = tell.send(Late::Mqtt(id, News::Refused(format!("{code:?}"))));
                break;
            }
            Err(_) => break,
        };
        if let Some(news) = news
            && tell.send(Late::Mqtt(id, news)).is_err()
        {
            return;
        }
    }
    let _ = tell.send(Late::Mqtt(id, News::Ended));
}
