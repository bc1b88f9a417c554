//! The commands of the HTTP service.

use std::time::Duration;

use tokio::time::Instant;

use super::super::Late;
use super::super::http::{self, Session};
use super::super::input::{Argument, unescape};
use super::{BAD_PARAMETER, Module, NOT_ALLOWED, Wanted};

impl Module {
    pub(super) fn http_begin(&mut self) {
        if self.http.is_some() {
            return self.refuse(NOT_ALLOWED);
        }
        self.n_sessions += 1;
        self.http = Some(Session::new(self.n_sessions));
        self.reply("OK");
    }

    pub(super) fn http_end(&mut self) {
        let was_open = self.http.take().is_some();
        self.reply(if was_open { "OK" } else { "ERROR" });
    }

    pub(super) fn http_set(&mut self, given: &[Argument]) -> Result<(), u16> {
        let session = self.http.as_mut().ok_or(NOT_ALLOWED)?;
        let [name, value] = given else { return Err(BAD_PARAMETER) };
        match name.text().as_str() {
            "URL" if value.bytes.len() <= 500 => session.url = value.text(),
            "USER_DEFINED" => session.headers.push(String::from_utf8_lossy(&unescape(&value.bytes)).into_owned()),
            "CID" => {
                session.bearer = value.number().filter(|cid| (1..=3).contains(cid)).ok_or(BAD_PARAMETER)? as usize;
            }
            "TIMEOUT" => session.patience = Duration::from_secs(value.number().ok_or(BAD_PARAMETER)?),
            "BREAK" | "BREAKEND" | "UA" => {}
            _ => return Err(BAD_PARAMETER),
        }
        Ok(())
    }

    pub(super) fn http_data(&mut self, given: &[Argument]) {
        let numbers: Vec<_> = given.iter().map(Argument::number).collect();
        let [Some(size @ ..=3356), Some(limit @ 1000..=120_000)] = numbers[..] else {
            return self.refuse(if self.http.is_some() { BAD_PARAMETER } else { NOT_ALLOWED });
        };
        let Some(session) = &mut self.http else { return self.refuse(NOT_ALLOWED) };
        session.body.clear();
        if size == 0 {
            return self.reply("OK");
        }
        self.reply("DOWNLOAD");
        self.input.begin_data(size as usize);
        self.wanted = Some(Wanted::Form { deadline: Instant::now() + Duration::from_millis(limit) });
    }

    pub(super) fn http_action(&mut self, given: &[Argument]) {
        let Some(action @ 0..=2) = given.first().and_then(Argument::number) else { return self.refuse(BAD_PARAMETER) };
        let ready = self.http.as_mut().filter(|session| !session.url.is_empty() && !session.is_running);
        let Some(session) = ready else { return self.refuse(NOT_ALLOWED) };
        session.is_running = true;
        let session = session.clone();
        self.reply("OK");
        if !self.bearers[session.bearer] {
            let done = http::Done { session: session.id, action, status: http::NETWORK_ERROR, body: Vec::new() };
            return self.handle_http(done);
        }
        let (network, tell) = (self.network.clone(), self.tell.clone());
        tokio::spawn(async move {
            // Nobody listens any more when the module is gone.
            let _ = tell.send(Late::Http(http::fetch(session, action, network).await));
        });
    }

    pub(super) fn handle_http(&mut self, done: http::Done) {
        let Some(session) = self.http.as_mut().filter(|session| session.id == done.session) else { return };
        session.is_running = false;
        let result = format!("+HTTPACTION: {},{},{}", done.action, done.status, done.body.len());
        session.answer = Some(done.body);
        self.reply(&result);
    }

    pub(super) fn http_read(&mut self, start: usize, length: usize) {
        let answer = self.http.as_ref().and_then(|session| session.answer.as_ref());
        let Some(answer) = answer else { return self.reply("ERROR") };
        let part: Vec<u8> = answer.iter().skip(start).take(length).copied().collect();
        self.reply(&format!("+HTTPREAD: {}", part.len()));
        self.output.extend_from_slice(&part);
        self.reply("OK");
    }
}
