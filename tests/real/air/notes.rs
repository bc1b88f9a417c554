//! Lines that somebody says, for whoever waits for one.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// What was said, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    lines: Mutex<Vec<String>>,
    more: Notify,
}

impl Notes {
    /// Adds a line.
    pub(crate) fn add(&self, line: &str) {
        self.lines.lock().expect("no one panics while holding it").push(line.to_string());
        self.more.notify_waiters();
    }

    /// Returns all lines so far.
    pub(crate) fn all(&self) -> Vec<String> {
        self.lines.lock().expect("no one panics while holding it").clone()
    }

    /// Waits until a line has a text in it, at most 60 s.
    ///
    /// # Panics
    ///
    /// No such line has come.
    pub(crate) async fn wait_for(&self, text: &str) {
        let found = async {
            loop {
                let more = self.more.notified();
                tokio::pin!(more);
                more.as_mut().enable();
                if self.all().iter().any(|line| line.contains(text)) {
                    return;
                }
                more.await;
            }
        };
        let ended = timeout(Duration::from_secs(60), found).await;
        assert!(ended.is_ok(), "nobody said `{text}`, only {:#?}", self.all());
    }
}
