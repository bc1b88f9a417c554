//! `ServedWorld`: a device on a TCP port of this machine, which one client after the other can use.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::fd::AsFd;
use std::time::Duration;

use rfc2217::{ModemState, PortSettings, Server, ServerEvent};

use crate::event::CloseReason;
use crate::port::{Capabilities, Capability, Happening, PortCommand, PortId, WriteToken};
use crate::settings::{InputLine, InputLines, LineSettings, Parity, Signal, agree, garble};
use crate::time::{Moment, earlier};
use crate::transport::clock::{Clock, Timeline};
use crate::transport::interrupt::Interrupt;
use crate::transport::watched::Watched;
#[cfg(unix)]
use crate::transport::watched::{Awaited, Interest};
use crate::transport::words::in_words;
use crate::world::World;

/// What a second client is told before its connection is closed.
const BUSY: &[u8] = b"flowrun: this device serves another client; one at a time\r\n";

/// So much of what the device sends while no client is there waits for the next one.
const KEPT: usize = 64 << 10;

/// How long a connection that is given up waits for its last bytes to be taken, and for the other end to close too.
const LINGER: Duration = Duration::from_millis(300);

/// How often such a connection is looked at.
const LINGER_STEP: Duration = Duration::from_millis(2);

/// How often it looks at all of its sockets, where one wait is for several ports.
#[cfg(unix)]
const LOOK_FOR_OTHERS: Duration = Duration::from_millis(50);
#[cfg(not(unix))]
const LOOK_FOR_OTHERS: Duration = LOOK_AGAIN;

/// How long it rests between two looks at its sockets, where the system cannot wait for all of them.
#[cfg(not(unix))]
const LOOK_AGAIN: Duration = Duration::from_millis(1);

const READ_SIZE: usize = 16 * 1024;

/// What is spoken over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// Bytes and nothing else.
    Bytes,
    /// RFC 2217: the client sets baud and format, and sees and switches control lines.
    Rfc2217,
}

/// The world of a simulated device that real programs talk to over TCP.
///
/// Clients may come and go, and nothing tells the device of it. While the device is unplugged nobody listens. A second client is refused with a line that says so. A
/// client that has set another baud or format than the device gets garbage, as on a real line.
#[derive(Debug)]
pub struct ServedWorld {
    /// `None` while the device is away.
    listener: Option<TcpListener>,
    /// Where it listens.
    at: SocketAddr,
    speaks: Speaks,
    clock: Clock,
    timeline: Timeline,
    interrupt: Interrupt,
    /// Whether the interrupt was told; it is told once.
    is_heard: bool,
    client: Option<Client>,
    /// Connections that the device gave up, and whose last bytes are on their way.
    going: Vec<Going>,
    news: VecDeque<Happening>,
    /// How the device has set its line, once it has opened it.
    line: Option<LineSettings>,
    inputs: InputLines,
    /// What the device sent while no client was there.
    kept: Vec<u8>,
    /// Writes that the connection has not taken completely.
    leaving: VecDeque<WriteToken>,
}

/// A connection that was given up.
#[derive(Debug)]
struct Going {
    client: Client,
    /// When it is closed at the latest.
    until: Moment,
    /// Whether the other end was told that nothing more comes.
    is_told: bool,
}

/// A client and what is spoken with it.
#[derive(Debug)]
struct Client {
    stream: TcpStream,
    /// `None` if only bytes are spoken.
    server: Option<Box<Server>>,
    /// What came and is not understood yet.
    raw: Vec<u8>,
    /// What the connection has not taken yet.
    output: Vec<u8>,
    /// How the client has set its line; `None` if it has not.
    line: Option<LineSettings>,
}

impl ServedWorld {
    /// Listens at an address, `127.0.0.1:4000`; port 0 is a free one.
    ///
    /// # Errors
    ///
    /// The system does not let it listen there.
    pub fn listen(at: &str, speaks: Speaks, clock: Clock, interrupt: Interrupt) -> io::Result<ServedWorld> {
        let listener = listening(at)?;
        Ok(ServedWorld {
            at: listener.local_addr()?,
            listener: Some(listener),
            speaks,
            clock,
            timeline: Timeline::new(clock),
            interrupt,
            is_heard: false,
            client: None,
            going: Vec::new(),
            news: VecDeque::new(),
            line: None,
            inputs: InputLines::default(),
            kept: Vec::new(),
            leaving: VecDeque::new(),
        })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// Listens again, if the device was away.
    fn plug_in(&mut self) -> Result<(), CloseReason> {
        if self.listener.is_none() {
            let taken = |error: io::Error| CloseReason::CannotOpen {
                reason: format!("{} cannot be listened at any more: {}", self.at, in_words(&error)),
                help: Some("another program has taken the port while the device was away".to_string()),
            };
            self.listener = Some(listening(self.at).map_err(taken)?);
        }
        Ok(())
    }

    /// Closes the connection, and listens no more until the device is back.
    fn unplug(&mut self) {
        self.line = None;
        self.listener = None;
        self.kept.clear();
        if let Some(client) = self.client.take() {
            self.going.push(Going { client, until: self.clock.now() + LINGER, is_told: false });
        }
    }

    /// Closes the connections that were given up and have nothing left to do; returns when to look again, if one is left.
    fn let_go(&mut self) -> Option<Moment> {
        if self.going.is_empty() {
            return None;
        }
        let now = self.clock.now();
        self.going.retain_mut(|going| now < going.until && going.goes_on());
        (!self.going.is_empty()).then(|| now + LINGER_STEP)
    }

    /// Sends bytes of the device, or keeps them for the next client.
    fn send(&mut self, token: WriteToken, bytes: Vec<u8>) {
        match (&mut self.client, &self.line) {
            (Some(client), Some(line)) => {
                client.send(line, &bytes);
                self.leaving.push_back(token);
                self.write_on();
            }
            (Some(_) | None, _) => {
                let room = KEPT - self.kept.len().min(KEPT);
                self.kept.extend(bytes.iter().take(room));
                self.news.push_back(Happening::Sent(token));
            }
        }
    }

    /// Writes what the connection takes, and tells of writes that have left.
    fn write_on(&mut self) {
        if let Some(client) = &mut self.client
            && client.write_on().is_err()
        {
            self.client = None;
        }
        if self.client.as_ref().is_none_or(|client| client.output.is_empty()) {
            self.news.extend(self.leaving.drain(..).map(Happening::Sent));
        }
    }

    /// Lets clients in, or refuses them, and takes what the one that is in has sent; data is appended to `received`.
    fn look_at_sockets(&mut self, received: &mut Vec<u8>) {
        self.read(received);
        // An error is that of a client that went away before it was let in.
        while let Some(Ok((stream, _))) = self.listener.as_ref().map(TcpListener::accept) {
            match (&self.client, &self.line) {
                (None, Some(line)) => {
                    let Ok(mut client) = Client::new(stream, self.speaks, line, self.inputs) else { continue };
                    client.send(line, &std::mem::take(&mut self.kept));
                    self.client = Some(client);
                }
                (Some(_) | None, _) => refuse(stream),
            }
        }
        self.write_on();
    }

    fn read(&mut self, received: &mut Vec<u8>) {
        let (Some(client), Some(line)) = (&mut self.client, &self.line) else { return };
        if client.raw.is_empty() {
            client.raw.resize(READ_SIZE, 0);
            let n = match client.stream.read(&mut client.raw) {
                Ok(n @ 1..) => n,
                Err(error) if is_not_yet(&error) => 0,
                Ok(0) | Err(_) => {
                    self.client = None;
                    return;
                }
            };
            client.raw.truncate(n);
        }
        client.take(line, received, &mut self.news);
    }

    /// Rests until a socket or the interrupt may have news, or until that moment.
    fn rest(&self, until: Option<Moment>) {
        let span = until.map(|until| until.since(self.clock.now()));
        #[cfg(unix)]
        {
            use rustix::event::{PollFd, PollFlags, poll};
            let mut watched = vec![PollFd::from_borrowed_fd(self.interrupt.descriptor(), PollFlags::IN)];
            watched.extend(self.listener.as_ref().map(|listener| PollFd::new(listener, PollFlags::IN)));
            if let Some(client) = &self.client {
                let room = if client.output.is_empty() { PollFlags::empty() } else { PollFlags::OUT };
                watched.push(PollFd::new(&client.stream, PollFlags::IN | room));
            }
            // What comes of it does not matter: the caller looks for itself.
            let _ = poll(&mut watched, span.map(crate::transport::deadline::timespec).as_ref());
        }
        #[cfg(not(unix))]
        {
            let _ = self.interrupt.is_raised_within(span.map_or(LOOK_AGAIN, |span| span.min(LOOK_AGAIN)));
        }
    }
}

impl World for ServedWorld {
    fn capabilities(&self) -> Capabilities {
        Capabilities::of(&[Capability::DiscardInput])
    }

    fn perform(&mut self, _port: PortId, command: PortCommand) {
        match command {
            PortCommand::Open { settings } => {
                let happening = match self.plug_in() {
                    Ok(()) => Happening::Opened(PortId::FIRST),
                    Err(reason) => Happening::Closed(PortId::FIRST, reason),
                };
                self.line = Some(settings);
                self.news.push_back(happening);
            }
            PortCommand::Write { token, bytes } => self.send(token, bytes),
            PortCommand::Reconfigure { settings } => self.line = Some(settings),
            PortCommand::DriveLines { lines } => {
                lines.into_iter().for_each(|(line, on)| self.inputs.switch(line, on));
                if let Some(server) = self.client.as_mut().and_then(|client| client.server.as_mut()) {
                    server.set_modem_state(modem_state(self.inputs));
                }
                self.write_on();
            }
            PortCommand::DiscardInput => self.read(&mut Vec::new()),
            PortCommand::DiscardOutput => {
                self.leaving.clear();
                if let Some(client) = &mut self.client {
                    client.output.clear();
                }
            }
            PortCommand::Close => self.unplug(),
            // A device has no use for them here.
            PortCommand::Reopen { .. }
            | PortCommand::SetLines { .. }
            | PortCommand::ReadLines
            | PortCommand::Break { .. }
            | PortCommand::Resize { .. } => {}
        }
    }

    fn wait(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> (Moment, Happening) {
        loop {
            if !self.is_heard && self.interrupt.is_raised() {
                self.is_heard = true;
                return self.timeline.at_once(Happening::Interrupt);
            }
            if let Some(news) = self.news.pop_front() {
                return self.timeline.at_once(news);
            }
            let step = self.let_go();
            self.look_at_sockets(received);
            if !received.is_empty() {
                return (self.timeline.in_time_for(until, received.len()), Happening::Received(PortId::FIRST));
            }
            if !self.news.is_empty() {
                continue;
            }
            if until.is_some_and(|until| self.timeline.now() >= until) {
                return self.timeline.at_once(Happening::Nothing);
            }
            self.rest(earlier(until, step));
        }
    }
}

impl Drop for ServedWorld {
    fn drop(&mut self) {
        for Going { client, .. } in self.going.drain(..) {
            client.linger();
        }
    }
}

impl Watched for ServedWorld {
    #[cfg(unix)]
    fn awaited(&self) -> Option<Awaited<'_>> {
        let (port, is_full) = match &self.client {
            Some(client) => (client.stream.as_fd(), !client.output.is_empty()),
            None => (self.listener.as_ref()?.as_fd(), false),
        };
        Some(Awaited { port, interest: if is_full { Interest::BytesOrRoom } else { Interest::Bytes } })
    }

    fn look(&mut self, until: Option<Moment>, received: &mut Vec<u8>) -> Option<(Moment, Happening)> {
        if !self.is_heard && self.interrupt.is_raised() {
            self.is_heard = true;
            return Some(self.timeline.at_once(Happening::Interrupt));
        }
        self.let_go();
        if self.news.is_empty() {
            let known = received.len();
            self.look_at_sockets(received);
            let n = received.len() - known;
            if n > 0 {
                return Some((self.timeline.in_time_for(until, n), Happening::Received(PortId::FIRST)));
            }
        }
        let news = self.news.pop_front()?;
        Some(self.timeline.at_once(news))
    }

    /// While it serves a client another may want to be told so.
    fn due(&mut self) -> Option<Moment> {
        let step = self.let_go();
        earlier(Some(self.timeline.now() + LOOK_FOR_OTHERS), step)
    }
}

impl Going {
    /// Writes what is left and waits for the other end to close, without blocking; false if nothing is left to do.
    fn goes_on(&mut self) -> bool {
        if self.client.write_on().is_err() {
            return false;
        }
        if !self.client.output.is_empty() {
            return true;
        }
        if !self.is_told {
            self.is_told = true;
            // The other end may be gone already.
            if self.client.stream.shutdown(Shutdown::Write).is_err() {
                return false;
            }
        }
        match self.client.stream.read(&mut [0; READ_SIZE]) {
            Ok(n) => n > 0,
            Err(error) => is_not_yet(&error),
        }
    }
}

impl Client {
    fn new(stream: TcpStream, speaks: Speaks, line: &LineSettings, inputs: InputLines) -> io::Result<Client> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let server = match speaks {
            Speaks::Bytes => None,
            Speaks::Rfc2217 => {
                let settings = PortSettings { baud_rate: line.baud, ..PortSettings::default() };
                let mut server = Box::new(Server::new(settings).with_signature("flowrun sim"));
                server.set_modem_state(modem_state(inputs));
                Some(server)
            }
        };
        Ok(Client { stream, server, raw: Vec::new(), output: Vec::new(), line: None })
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the crate says that there are kinds yet to come")]
    /// Takes what came over the connection, up to the first thing that is done with control lines: what follows is taken
    /// the next time, so that the device has both in their order.
    fn take(&mut self, device: &LineSettings, received: &mut Vec<u8>, news: &mut VecDeque<Happening>) {
        let Some(server) = &mut self.server else { return received.append(&mut self.raw) };
        while !self.raw.is_empty() {
            let mut data = Vec::new();
            let n_taken = server.receive_until_event(&self.raw, &mut data);
            self.raw.drain(..n_taken);
            match self.line.as_ref().filter(|line| !agree(line, device)) {
                Some(line) => received.extend(garble(&data, device, line)),
                None => received.append(&mut data),
            }
            let n_news = news.len();
            while let Some(event) = server.poll_event() {
                match event {
                    ServerEvent::SettingsChanged(settings) => self.line = Some(line_of(&settings, device)),
                    ServerEvent::Dtr(on) => news.push_back(Happening::Signalled(PortId::FIRST, Signal::Dtr(on))),
                    ServerEvent::Rts(on) => news.push_back(Happening::Signalled(PortId::FIRST, Signal::Rts(on))),
                    ServerEvent::Break(true) => news.push_back(Happening::Signalled(PortId::FIRST, Signal::Break)),
                    // Whatever else a client may say needs no answer but the one that the crate gives.
                    _ => {}
                }
            }
            if news.len() > n_news {
                return;
            }
        }
    }

    fn send(&mut self, device: &LineSettings, bytes: &[u8]) {
        let garbled = self.line.as_ref().filter(|line| !agree(line, device)).map(|line| garble(bytes, line, device));
        let bytes = garbled.as_deref().unwrap_or(bytes);
        match &mut self.server {
            Some(server) => server.write_data(bytes),
            None => self.output.extend_from_slice(bytes),
        }
    }

    fn write_on(&mut self) -> io::Result<()> {
        if let Some(server) = &mut self.server {
            self.output.append(&mut server.take_output());
        }
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(n) => drop(self.output.drain(..n)),
                Err(error) if is_not_yet(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Closes the connection, once the other end has taken the last bytes, or [`LINGER`] is over.
    fn linger(mut self) {
        let _ = self.write_on();
        let prepared = self.stream.set_nonblocking(false).and_then(|()| self.stream.set_write_timeout(Some(LINGER)));
        // The other end may be gone already.
        let written = prepared.and_then(|()| self.stream.write_all(&self.output));
        if written.and_then(|()| self.stream.shutdown(Shutdown::Write)).is_ok()
            && self.stream.set_read_timeout(Some(LINGER)).is_ok()
        {
            let _ = self.stream.read(&mut [0; READ_SIZE]);
        }
    }
}

fn listening(at: impl ToSocketAddrs) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Tells a client that another one is served, and closes its connection.
fn refuse(mut stream: TcpStream) {
    // What it has sent is read, so that closing does not throw away what it is told. It may be gone already.
    let _ = stream.set_nonblocking(true).and_then(|()| stream.write_all(BUSY));
    let _ = stream.read(&mut [0; READ_SIZE]);
    let _ = stream.shutdown(Shutdown::Write);
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn line_of(settings: &PortSettings, device: &LineSettings) -> LineSettings {
    let data_bits = match settings.data_bits {
        rfc2217::DataBits::Five => 5,
        rfc2217::DataBits::Six => 6,
        rfc2217::DataBits::Seven => 7,
        rfc2217::DataBits::Eight => 8,
    };
    let parity = match settings.parity {
        rfc2217::Parity::Odd => Parity::Odd,
        rfc2217::Parity::Even => Parity::Even,
        rfc2217::Parity::Mark => Parity::Mark,
        rfc2217::Parity::Space => Parity::Space,
        rfc2217::Parity::None => Parity::None,
    };
    LineSettings { baud: settings.baud_rate, data_bits, parity, ..device.clone() }
}

fn modem_state(lines: InputLines) -> ModemState {
    let bit = |line| match line {
        InputLine::Cts => ModemState::CTS,
        InputLine::Dsr => ModemState::DSR,
        InputLine::Dcd => ModemState::CD,
        InputLine::Ri => ModemState::RI,
    };
    let on = InputLine::ALL.into_iter().filter(|line| lines.is_on(*line)).map(bit);
    on.fold(ModemState::default(), |all, bit| all | bit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn a_client_that_reads_nothing_holds_nobody_up_when_the_device_unplugs() {
        let clock = Clock::start();
        let interrupt = Interrupt::new().expect("a pipe");
        let listened = ServedWorld::listen("127.0.0.1:0", Speaks::Bytes, clock, interrupt);
        let mut device = listened.expect("there is a free port");
        device.perform(PortId::FIRST, PortCommand::Open { settings: Settings::default().line });
        assert_eq!(device.wait(None, &mut Vec::new()).1, Happening::Opened(PortId::FIRST));
        let mut client = TcpStream::connect(device.address()).expect("it listens");
        client.write_all(b"AT").expect("there is room for two bytes");
        let mut received = Vec::new();
        while received.len() < 2 {
            assert_eq!(device.wait(None, &mut received).1, Happening::Received(PortId::FIRST));
        }
        // More than the system takes for somebody who does not read.
        let (token, bytes) = (WriteToken::new(PortId::FIRST, 1), vec![b'x'; 64 << 20]);
        device.perform(PortId::FIRST, PortCommand::Write { token, bytes });
        device.perform(PortId::FIRST, PortCommand::Close);
        let going = device.going.first().expect("the device went on, and the connection is still there");
        let (until, now) = (going.until, clock.now());
        assert!(!going.client.output.is_empty() && until <= now + LINGER);
        while !device.going.is_empty() {
            let next = device.timeline.now() + LINGER_STEP;
            device.wait(Some(next), &mut Vec::new());
        }
        assert!(clock.now() >= until, "it had its time");
    }
}
