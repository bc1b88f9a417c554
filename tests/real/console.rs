//! Somebody at the cloud's console: sees every message that the broker carries and answers some of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::peer::{Message, Peer};

/// What the person publishes, and when.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// The last part of the topic that they wait for, and what the payload has in it.
    pub when: (&'static str, &'static str),
    /// How long they take.
    pub reaction: Duration,
    pub topic: String,
    pub payload: Vec<u8>,
}

/// An independent subscriber and publisher; dropped, it is gone.
pub(crate) struct Console {
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    messages: Mutex<Vec<Message>>,
    more: Notify,
}

impl Console {
    /// Signs in and begins to watch; each rule is followed once.
    pub(crate) async fn open(port: u16, who: (&str, &str), rules: Vec<Rule>) -> Console {
        let peer = Peer::connect(port, who, "#").await;
        let seen = Arc::new(Seen::default());
        let task = tokio::spawn(watch(peer, rules, Arc::clone(&seen)));
        Console { seen, task }
    }

    /// Returns the messages so far, as `topic payload`.
    pub(crate) fn seen(&self) -> Vec<String> {
        let messages = self.seen.messages.lock().expect("no one panics while holding it");
        messages.iter().map(|m| format!("{} {}", m.topic, String::from_utf8_lossy(&m.payload))).collect()
    }

    /// Waits until a message with this text as topic and payload has come, at most 60 s.
    ///
    /// # Panics
    ///
    /// It has not.
    pub(crate) async fn wait_for(&self, wanted: &str) {
        self.wait_for_times(1, wanted).await;
    }

    /// Waits until it has come so many times, at most 60 s.
    ///
    /// # Panics
    ///
    /// It has not.
    pub(crate) async fn wait_for_times(&self, times: usize, wanted: &str) {
        let found = async {
            loop {
                let more = self.seen.more.notified();
                tokio::pin!(more);
                more.as_mut().enable();
                if self.seen().iter().filter(|message| *message == wanted).count() >= times {
                    return;
                }
                more.await;
            }
        };
        let ended = timeout(Duration::from_secs(60), found).await;
        assert!(ended.is_ok(), "`{wanted}` never came, only {:#?}", self.seen());
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(mut peer: Peer, mut rules: Vec<Rule>, seen: Arc<Seen>) {
    while let Some(message) = peer.messages.recv().await {
        let text = String::from_utf8_lossy(&message.payload).into_owned();
        let topic = message.topic.clone();
        seen.messages.lock().expect("no one panics while holding it").push(message);
        seen.more.notify_waiters();
        let fits = |rule: &Rule| topic.ends_with(rule.when.0) && text.contains(rule.when.1);
        if let Some(n) = rules.iter().position(fits) {
            let rule = rules.remove(n);
            sleep(rule.reaction).await;
            peer.publish(&rule.topic, &rule.payload);
        }
    }
}
