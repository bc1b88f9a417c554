//! The module itself: its state, and what it answers to each command and result.

mod http;
mod mqtt;

use std::sync::Arc;

use rumqttc::QoS;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::http::Session;
use super::input::{Argument, Command, Form, Input, Typed, command};
use super::mqtt::{Identity, Link, Store};
use super::network::{Network, Transport};
use super::{Family, Late, Notes};

/// The error numbers that it uses.
const NOT_ALLOWED: u16 = 3;
const BAD_PARAMETER: u16 = 53;
const FAILED: u16 = 767;

const ADDRESS: &str = "10.0.0.2";

/// Where the TCP/IP application is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ip {
    Initial,
    Start,
    GprsAct,
}

/// What counted data is for, once it is complete.
#[derive(Debug)]
enum Wanted {
    Form { deadline: Instant },
    Publish { topic: String, qos: QoS, is_retained: bool },
}

/// The module.
pub(super) struct Module {
    family: Family,
    network: Network,
    tell: UnboundedSender<Late>,
    notes: Arc<Notes>,
    input: Input,
    wanted: Option<Wanted>,
    output: Vec<u8>,
    is_echoing: bool,
    error_mode: u64,
    ip: Ip,
    bearers: [bool; 4],
    n_sessions: u64,
    http: Option<Session>,
    identity: Option<Identity>,
    n_links: u64,
    link: Option<Link>,
    store: Store,
}

impl Module {
    /// Powers a module.
    pub(super) fn new(family: Family, network: Network, tell: UnboundedSender<Late>, notes: Arc<Notes>) -> Module {
        Module {
            family,
            network,
            tell,
            notes,
            input: Input::default(),
            wanted: None,
            output: Vec::new(),
            is_echoing: true,
            error_mode: 1,
            ip: Ip::Initial,
            bearers: [false; 4],
            n_sessions: 0,
            http: None,
            identity: None,
            n_links: 0,
            link: None,
            store: Store::default(),
        }
    }

    /// Takes bytes from the host.
    pub(super) fn handle_input(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let is_data = self.input.is_data();
            if self.is_echoing && !is_data && byte != b'\n' && byte != 0 {
                self.output.push(byte);
            }
            match self.input.handle(byte) {
                Some(Typed::Line(line)) => self.execute(&line),
                Some(Typed::TooLong) => self.reply("ERROR"),
                Some(Typed::Data(data)) => self.handle_data(data),
                None => {}
            }
        }
    }

    /// Takes the end of the time for data.
    pub(super) fn handle_deadline(&mut self) {
        let data = self.input.end_data();
        self.handle_data(data);
    }

    /// Takes a result from the network.
    pub(super) fn handle_late(&mut self, late: Late) {
        match late {
            Late::Http(done) => self.handle_http(done),
            Late::Mqtt(id, news) => self.handle_news(id, news),
        }
    }

    /// Gives what the host is to read.
    pub(super) fn poll_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Returns whether a late result may be told now: not within a command, its answer or its data.
    pub(super) fn is_free(&self) -> bool {
        self.input.is_empty()
    }

    /// Returns when data must be complete.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.wanted {
            Some(Wanted::Form { deadline }) => Some(deadline),
            Some(Wanted::Publish { .. }) | None => None,
        }
    }

    fn handle_data(&mut self, data: Vec<u8>) {
        match self.wanted.take() {
            Some(Wanted::Form { .. }) => {
                if let Some(session) = &mut self.http {
                    session.body = data;
                }
                self.reply("OK");
            }
            Some(Wanted::Publish { topic, qos, is_retained }) => self.publish(&topic, data, qos, is_retained),
            None => {}
        }
    }

    fn reply(&mut self, line: &str) {
        self.reply_bytes(line.as_bytes());
    }

    fn reply_bytes(&mut self, line: &[u8]) {
        self.notes.add(&String::from_utf8_lossy(line));
        self.output.extend_from_slice(b"\r\n");
        self.output.extend_from_slice(line);
        self.output.extend_from_slice(b"\r\n");
    }

    fn answer(&mut self, line: &str) {
        self.reply(line);
        self.reply("OK");
    }

    fn refuse(&mut self, number: u16) {
        let text = match number {
            NOT_ALLOWED => "operation not allowed",
            BAD_PARAMETER => "invalid parameter",
            FAILED => "operation failed",
            _ => "unknown",
        };
        match self.error_mode {
            0 => self.reply("ERROR"),
            1 => self.reply(&format!("+CME ERROR: {number}")),
            _ => self.reply(&format!("+CME ERROR: {text}")),
        }
    }

    fn ok_or(&mut self, done: Result<(), u16>) {
        match done {
            Ok(()) => self.reply("OK"),
            Err(number) => self.refuse(number),
        }
    }

    fn execute(&mut self, line: &[u8]) {
        // A line that is no command at all is met with silence.
        let Some(Command { verb, form }) = command(line) else { return };
        match (verb.as_str(), form) {
            ("", Form::Plain) | ("&W" | "+IPR", _) => self.reply("OK"),
            ("E0", Form::Plain) => self.echo(false),
            ("E1", Form::Plain) => self.echo(true),
            ("+CMEE", Form::Question) => self.answer(&format!("+CMEE: {}", self.error_mode)),
            ("+CMEE", Form::Set(given)) => self.set_error_mode(&given),
            ("+CGMI", Form::Plain) => self.answer("+CGMI: \"AirM2M\""),
            ("+CGMR", Form::Plain) => match self.family {
                Family::TwoG => self.answer("AirM2M_V5664_AT_S_SSL"),
                Family::FourG => self.answer("+CGMR: \"AirM2M_780EP_V1007_LTE_AT\""),
            },
            ("+CPIN", Form::Question) => self.answer("+CPIN: READY"),
            ("+CSQ", Form::Plain) => self.answer("+CSQ: 25,0"),
            ("+CREG", Form::Question) => self.answer("+CREG: 0,1"),
            ("+CGATT", Form::Question) => self.answer("+CGATT: 1"),
            ("+CSTT", form) => self.set_apn(&form),
            ("+CIICR", Form::Plain) => self.start_ip(),
            ("+CIFSR", Form::Plain) => self.reply(if self.ip == Ip::GprsAct { ADDRESS } else { "ERROR" }),
            ("+CIPSTATUS", Form::Plain) => self.tell_ip(),
            ("+CIPSHUT", Form::Plain) => self.shut_ip(),
            ("+SAPBR", Form::Set(given)) => self.bearer(&given),
            ("+HTTPINIT", Form::Plain) => self.http_begin(),
            ("+HTTPTERM", Form::Plain) => self.http_end(),
            ("+HTTPPARA", Form::Set(given)) => {
                let done = self.http_set(&given);
                self.ok_or(done);
            }
            ("+HTTPDATA", Form::Set(given)) => self.http_data(&given),
            ("+HTTPACTION", Form::Set(given)) => self.http_action(&given),
            ("+HTTPREAD", Form::Plain) => self.http_read(0, usize::MAX),
            ("+HTTPREAD", Form::Set(given)) => match given.iter().map(Argument::number).collect::<Vec<_>>()[..] {
                [Some(start), Some(length @ ..=3356)] => self.http_read(start as usize, length as usize),
                _ => self.refuse(BAD_PARAMETER),
            },
            ("+MCONFIG", Form::Set(given)) => self.mqtt_config(&given),
            ("+MIPSTART", Form::Set(given)) => self.mqtt_start(&given, Transport::Plain),
            ("+SSLMIPSTART", Form::Set(given)) => self.mqtt_start(&given, Transport::Tls),
            ("+MCONNECT", Form::Set(given)) => self.mqtt_connect(&given),
            ("+MSUB", Form::Set(given)) => self.mqtt_subscribe(&given),
            ("+MUNSUB", Form::Set(given)) => self.mqtt_unsubscribe(&given),
            ("+MPUB", Form::Set(given)) => self.mqtt_publish(&given),
            ("+MPUBEX", Form::Set(given)) => self.mqtt_publish_data(&given),
            ("+MQTTMSGSET", form) => self.mqtt_msgset(&form),
            ("+MQTTMODE", form) => self.mqtt_mode(&form),
            ("+MQTTMSGGET", Form::Question) => self.mqtt_slots(),
            ("+MQTTMSGGET", Form::Plain) => self.mqtt_stored(),
            ("+MQTTSTATU", Form::Plain) => self.mqtt_status(),
            ("+MDISCONNECT", Form::Plain) => {
                let is_done = self.link.as_mut().is_some_and(Link::sign_off);
                self.ok_or(is_done.then_some(()).ok_or(FAILED));
            }
            ("+MIPCLOSE", Form::Plain) => {
                let closed = self.link.take();
                self.ok_or(closed.map(drop).ok_or(FAILED));
            }
            _ => self.reply("ERROR"),
        }
    }

    // ------------------------------------------------------------------------------- module and network

    fn echo(&mut self, wanted: bool) {
        self.is_echoing = wanted;
        self.reply("OK");
    }

    fn set_error_mode(&mut self, given: &[Argument]) {
        match given.first().and_then(Argument::number) {
            Some(mode @ 0..=2) => {
                self.error_mode = mode;
                self.reply("OK");
            }
            _ => self.refuse(BAD_PARAMETER),
        }
    }

    fn set_apn(&mut self, form: &Form) {
        let is_fitting = match form {
            Form::Set(given) => given.iter().zip([128, 32, 32]).all(|(one, most)| one.bytes.len() <= most),
            Form::Plain | Form::Question => true,
        };
        match (is_fitting, self.ip) {
            (false, _) => self.refuse(BAD_PARAMETER),
            (true, Ip::Initial) => {
                self.ip = Ip::Start;
                self.reply("OK");
            }
            (true, Ip::Start | Ip::GprsAct) => self.refuse(NOT_ALLOWED),
        }
    }

    fn start_ip(&mut self) {
        match self.ip {
            Ip::Start => {
                self.ip = Ip::GprsAct;
                self.reply("OK");
            }
            Ip::Initial | Ip::GprsAct => self.refuse(NOT_ALLOWED),
        }
    }

    fn tell_ip(&mut self) {
        let state = match self.ip {
            Ip::Initial => "IP INITIAL",
            Ip::Start => "IP START",
            Ip::GprsAct => "IP GPRSACT",
        };
        self.reply("OK");
        self.reply(&format!("STATE: {state}"));
    }

    fn shut_ip(&mut self) {
        self.ip = Ip::Initial;
        self.link = None;
        self.reply("SHUT OK");
    }

    fn bearer(&mut self, given: &[Argument]) {
        let numbers: Vec<_> = given.iter().take(2).map(Argument::number).collect();
        let [Some(what), Some(number @ 1..=3)] = numbers[..] else { return self.refuse(BAD_PARAMETER) };
        let number = number as usize;
        match (what, given) {
            (3, [_, _, tag, value]) => {
                let is_known = ["CONTYPE", "APN", "USER", "PWD"].contains(&tag.text().as_str());
                self.ok_or(if is_known && value.bytes.len() <= 50 { Ok(()) } else { Err(BAD_PARAMETER) });
            }
            (1, [_, _]) => {
                self.bearers[number] = true;
                self.reply("OK");
            }
            (2, [_, _]) if self.bearers[number] => self.answer(&format!("+SAPBR: {number},1,\"{ADDRESS}\"")),
            (2, [_, _]) => self.answer(&format!("+SAPBR: {number},3,\"0.0.0.0\"")),
            (0, [_, _]) => {
                let was_open = std::mem::replace(&mut self.bearers[number], false);
                self.ok_or(was_open.then_some(()).ok_or(NOT_ALLOWED));
            }
            _ => self.refuse(BAD_PARAMETER),
        }
    }
}
