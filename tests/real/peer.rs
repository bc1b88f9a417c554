//! An MQTT client of its own, independent of the module: for the broker's administration and for whoever watches
//! and publishes from elsewhere.

use std::time::Duration;

use rumqttc::mqttbytes::v4::{Packet, SubscribeReasonCode};
use rumqttc::{AsyncClient, Broker, Event, MqttOptions, PublishOptions, QoS};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub topic: String,
    pub payload: Vec<u8>,
}

/// A client that is signed in and subscribed; dropped, it is gone.
pub(crate) struct Peer {
    pub client: AsyncClient,
    pub messages: UnboundedReceiver<Message>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Signs in on a plain port and subscribes.
    ///
    /// # Panics
    ///
    /// The broker does not let it within ten seconds.
    pub(crate) async fn connect(port: u16, (user, password): (&str, &str), filter: &str) -> Peer {
        let mut options = MqttOptions::new(format!("peer-{user}"), Broker::tcp("127.0.0.1", port));
        options.set_credentials(user, password.as_bytes().to_vec()).set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut session) = AsyncClient::builder(options).capacity(64).build();
        client.try_subscribe(filter, QoS::AtLeastOnce).expect("the filter is right");
        let (tell, messages) = unbounded_channel();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut ready = Some(ready);
            loop {
                match session.poll().await {
                    Ok(Event::Incoming(Packet::SubAck(answer))) => {
                        let is_taken = matches!(answer.return_codes[..], [SubscribeReasonCode::Success(_)]);
                        let _ = ready.take().map(|ready| ready.send(is_taken));
                    }
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let topic = String::from_utf8_lossy(&message.topic).into_owned();
                        if tell.send(Message { topic, payload: message.payload.to_vec() }).is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    // The broker is gone or does not want it.
                    Err(_) => return,
                }
            }
        });
        let is_in = timeout(Duration::from_secs(10), is_ready).await;
        assert!(matches!(is_in, Ok(Ok(true))), "the broker does not let {user} in: {is_in:?}");
        Peer { client, messages, task }
    }

    /// Publishes with QoS 1.
    pub(crate) fn publish(&self, topic: &str, payload: &[u8]) {
        let options = PublishOptions::new(QoS::AtLeastOnce);
        self.client.try_publish(topic, payload.to_vec(), options).expect("the topic is right");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
