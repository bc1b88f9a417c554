//! The commands of the MQTT service, and what comes of them later.

use rumqttc::QoS;

use super::super::Family;
use super::super::input::{Argument, Form, unescape};
use super::super::mqtt::{Identity, Link, LinkId, N_SLOTS, News, Stage};
use super::super::network::Transport;
use super::{FAILED, Ip, Module, Wanted};

impl Module {
    pub(super) fn mqtt_config(&mut self, given: &[Argument]) {
        let is_fitting = (1..=7).contains(&given.len()) && given.iter().take(3).all(|one| one.bytes.len() <= 256);
        if !is_fitting {
            return self.reply("ERROR");
        }
        let text = |n: usize| given.get(n).map(Argument::text).unwrap_or_default();
        self.identity = Some(Identity { client_id: text(0), user: text(1), password: text(2) });
        self.reply("OK");
    }

    pub(super) fn mqtt_start(&mut self, given: &[Argument], transport: Transport) {
        let [host, port] = given else { return self.reply("ERROR") };
        let port = port.number().and_then(|port| u16::try_from(port).ok()).filter(|&port| port > 0);
        let (Some(port), Some(_)) = (port, &self.identity) else { return self.reply("ERROR") };
        self.reply("OK");
        if self.link.is_some() {
            return self.reply("ALREADY CONNECT");
        }
        self.n_links += 1;
        let id = LinkId(self.n_links);
        let is_reachable = self.family == Family::FourG || self.ip == Ip::GprsAct || self.bearers[1];
        let network = if is_reachable { self.network.clone() } else { self.network.cut_off() };
        self.link = Some(Link::open(id, network, (host.text(), port), transport, self.tell.clone()));
    }

    pub(super) fn mqtt_connect(&mut self, given: &[Argument]) {
        let numbers: Vec<_> = given.iter().map(Argument::number).collect();
        let [Some(clean @ 0..=1), Some(keepalive @ 1..=65535), ..] = numbers[..] else { return self.reply("ERROR") };
        let (Some(link), Some(identity)) = (&mut self.link, &self.identity) else { return self.refuse(FAILED) };
        if !matches!(link.stage, Stage::Open(_)) {
            return self.refuse(FAILED);
        }
        let is_begun = link.sign_in(identity, clean == 1, keepalive as u16);
        self.ok_or(is_begun.then_some(()).ok_or(FAILED));
    }

    pub(super) fn mqtt_subscribe(&mut self, given: &[Argument]) {
        let [topic, qos] = given else { return self.reply("ERROR") };
        let Some(qos) = quality(qos).filter(|_| topic.bytes.len() <= 256) else { return self.reply("ERROR") };
        let is_begun = self.link.as_ref().is_some_and(|link| link.subscribe(&topic.text(), qos));
        self.ok_or(is_begun.then_some(()).ok_or(FAILED));
    }

    pub(super) fn mqtt_unsubscribe(&mut self, given: &[Argument]) {
        let [topic] = given else { return self.reply("ERROR") };
        let is_begun = self.link.as_ref().is_some_and(|link| link.unsubscribe(&topic.text()));
        self.ok_or(is_begun.then_some(()).ok_or(FAILED));
    }

    pub(super) fn mqtt_publish(&mut self, given: &[Argument]) {
        let [topic, qos, retain, message] = given else { return self.reply("ERROR") };
        let (Some(qos), Some(retain @ 0..=1)) = (quality(qos), retain.number()) else { return self.reply("ERROR") };
        let payload = unescape(&message.bytes);
        if !message.is_quoted || payload.len() > 4100 {
            return self.reply("ERROR");
        }
        self.publish(&topic.text(), payload, qos, retain == 1);
    }

    pub(super) fn mqtt_publish_data(&mut self, given: &[Argument]) {
        let [topic, qos, retain, size] = given else { return self.reply("ERROR") };
        let (Some(qos), Some(retain @ 0..=1), Some(size @ 1..=4100)) = (quality(qos), retain.number(), size.number())
        else {
            return self.reply("ERROR");
        };
        self.output.extend_from_slice(b"\r\n> ");
        self.input.begin_data(size as usize);
        self.wanted = Some(Wanted::Publish { topic: topic.text(), qos, is_retained: retain == 1 });
    }

    pub(super) fn publish(&mut self, topic: &str, payload: Vec<u8>, qos: QoS, is_retained: bool) {
        let is_begun = self.link.as_ref().is_some_and(|link| link.publish(topic, payload, qos, is_retained));
        self.ok_or(is_begun.then_some(()).ok_or(FAILED));
    }

    pub(super) fn mqtt_msgset(&mut self, form: &Form) {
        match switch(form) {
            Switch::Ask => self.answer(&format!("+MQTTMSGSET:{}", u8::from(self.store.is_storing))),
            Switch::Set(wanted) => {
                self.store.is_storing = wanted;
                self.reply("OK");
            }
            Switch::Wrong => self.reply("ERROR"),
        }
    }

    pub(super) fn mqtt_mode(&mut self, form: &Form) {
        match switch(form) {
            Switch::Ask => self.answer(&format!("+MQTTMODE:{}", u8::from(self.store.is_hex))),
            Switch::Set(wanted) => {
                self.store.is_hex = wanted;
                self.reply("OK");
            }
            Switch::Wrong => self.reply("ERROR"),
        }
    }

    pub(super) fn mqtt_slots(&mut self) {
        for slot in 0..N_SLOTS {
            let content = if self.store.slots.contains_key(&slot) { "VALID" } else { "INVALID" };
            self.reply(&format!("+MQTTMSGGET: {slot},{content}"));
        }
        self.reply("OK");
    }

    pub(super) fn mqtt_stored(&mut self) {
        let mut slots: Vec<_> = std::mem::take(&mut self.store.slots).into_iter().collect();
        slots.sort();
        self.store.next_slot = 0;
        if !slots.is_empty() {
            self.output.extend_from_slice(b"\r\n");
        }
        for (_, line) in slots {
            self.output.extend_from_slice(&line);
            self.output.extend_from_slice(b"\r\n");
        }
        self.reply("OK");
    }

    pub(super) fn mqtt_status(&mut self) {
        let status = match self.link.as_ref().map(|link| &link.stage) {
            None | Some(Stage::Opening) => 0,
            Some(Stage::SignedIn) => 1,
            Some(Stage::Open(_) | Stage::SigningIn | Stage::Left) => 2,
        };
        self.answer(&format!("+MQTTSTATU :{status}"));
    }

    pub(super) fn handle_news(&mut self, id: LinkId, news: News) {
        let Some(link) = self.link.as_mut().filter(|link| link.id == id) else { return };
        match news {
            News::Opened(stream) => {
                link.stage = Stage::Open(stream);
                self.reply("CONNECT OK");
            }
            News::Failed(_) => {
                self.link = None;
                self.reply("STATE: TCP CLOSED");
                self.reply("CONNECT FAIL");
            }
            News::SignedIn => {
                link.stage = Stage::SignedIn;
                self.reply("CONNACK OK");
            }
            News::Refused(why) => {
                link.stage = Stage::Left;
                self.notes.add(&format!("(the broker says {why})"));
                self.reply("ERROR");
            }
            News::Subscribed => self.reply("SUBACK"),
            News::NotSubscribed => self.reply("ERROR"),
            News::Unsubscribed => self.reply("UNSUBACK"),
            News::Published => self.reply("PUBACK"),
            News::Received => self.reply("PUBREC"),
            News::Completed => self.reply("PUBCOMP"),
            News::Message { topic, payload } => {
                let line = self.store.handle_message(&topic, &payload);
                self.reply_bytes(&line);
            }
            News::Closed if link.has_session() => link.is_closing = true,
            News::Ended if !link.is_closing => {
                link.has_told_all = true;
                link.stage = Stage::Left;
            }
            News::Closed | News::Ended => {
                self.link = None;
                self.reply("CLOSED");
            }
        }
    }
}

fn quality(argument: &Argument) -> Option<QoS> {
    match argument.number()? {
        0 => Some(QoS::AtMostOnce),
        1 => Some(QoS::AtLeastOnce),
        2 => Some(QoS::ExactlyOnce),
        _ => None,
    }
}

/// A command that asks for or sets 0 or 1.
enum Switch {
    Ask,
    Set(bool),
    Wrong,
}

fn switch(form: &Form) -> Switch {
    match form {
        Form::Question => Switch::Ask,
        Form::Set(given) => match given.first().and_then(Argument::number) {
            Some(0) => Switch::Set(false),
            Some(1) => Switch::Set(true),
            _ => Switch::Wrong,
        },
        Form::Plain => Switch::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::duplex;
    use tokio::sync::mpsc::unbounded_channel;

    use super::super::super::network::Network;
    use super::super::super::{Late, Notes};
    use super::*;

    /// A broker refuses and closes at once, and the closing is heard before the refusal.
    #[tokio::test]
    async fn a_refusal_is_error_and_then_closed_whichever_is_heard_first() {
        let (tell, mut late) = unbounded_channel();
        let network = Network::new(&[]).expect("it needs no authority");
        let mut module = Module::new(Family::TwoG, network.clone(), tell.clone(), Arc::new(Notes::default()));
        let id = LinkId(1);
        let mut link = Link::open(id, network, ("broker".to_string(), 1883), Transport::Plain, tell);
        // Nobody is at the other end, so the session ends by itself.
        link.stage = Stage::Open(duplex(64).0);
        let identity = Identity { client_id: "c".to_string(), user: "u".to_string(), password: "p".to_string() };
        assert!(link.sign_in(&identity, true, 60));
        while !matches!(late.recv().await, Some(Late::Mqtt(_, News::Ended))) {}
        tokio::task::yield_now().await;
        module.link = Some(link);
        for news in [News::Closed, News::Refused("NotAuthorized".to_string()), News::Ended] {
            module.handle_news(id, news);
        }
        assert_eq!(String::from_utf8_lossy(&module.output), "\r\nERROR\r\n\r\nCLOSED\r\n");
    }
}
