//! `Sessions`: ports that an agent has open, each with a thread that reads, and what came and was not handed out yet.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::arguments::Arguments;
use super::consent::{Act, Need, Place, named, needs_of, place};
use super::root::Root;
use super::run::Busy;
use super::{Answer, Job, Refusal};
use crate::address::{Address, Known, covered, read_one};
use crate::event::CloseReason;
use crate::port::{Happening, PortCommand, PortId, WriteToken};
use crate::program::Role;
use crate::settings::{SettingError, SettingValue, Settings};
use crate::setup::{Counterpart, find_counterpart, reach, read_text, settings_of};
use crate::syntax::setting_value;
use crate::transport::{Clock, Interrupt, Several, list};
use crate::value::escape::{harmless, visible_cut};
use crate::variables::Offered;
use crate::world::World;

/// What messages call the flow that stands for a session.
const NAME: &str = "what the session runs";

/// How many ports may be open.
const MOST_SESSIONS: usize = 16;

/// How much is kept of what comes and nobody reads: the newest.
const KEPT: usize = 1024 * 1024;

/// How much one read hands out.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How long a port may take to open.
const OPENING: Duration = Duration::from_secs(20);

/// How often a thread looks for orders.
const TURN: Duration = Duration::from_millis(10);

/// How long one order may take to leave.
const SENDING: Duration = Duration::from_secs(60);

/// The longest a read waits.
const MOST_WAIT: u64 = 600_000;

/// The open ports of a server.
#[derive(Default)]
pub(super) struct Sessions {
    all: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: BTreeMap<String, Arc<Session>>,
}

/// An open port.
struct Session {
    port: String,
    /// What the person has to agree to before something is sent; nothing if the port is simulated.
    to_write: Vec<Need>,
    keys: Vec<String>,
    orders: Mutex<Sender<Order>>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Order {
    Write(Vec<u8>),
    Close,
}

/// What the thread of a session and those of calls have in common.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    change: Condvar,
}

#[derive(Default)]
struct State {
    is_open: bool,
    /// Why it is not open any more, and what to do.
    gone: Option<(String, String)>,
    came: VecDeque<u8>,
    n_dropped: u64,
    n_received: u64,
    n_sent: u64,
    n_asked: u64,
    may_write: bool,
    notes: Vec<String>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, act: impl FnOnce(&mut State)) {
        act(&mut self.lock());
        self.change.notify_all();
    }

    /// Waits until something is so, a time is over or the call is cancelled; says whether it is so.
    fn wait(&self, span: Duration, job: &Job, is_so: impl Fn(&State) -> bool) -> bool {
        let clock = Clock::start();
        let mut state = self.lock();
        loop {
            if is_so(&state) {
                return true;
            }
            let left = span.saturating_sub(clock.now().since_start());
            if left.is_zero() || job.is_cancelled() {
                return false;
            }
            let turn = left.min(Duration::from_millis(50));
            state = self.change.wait_timeout(state, turn).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Returns what the person has to agree to before a port is opened.
pub(super) fn needs_to_open(root: &Root, arguments: &Arguments<'_>) -> Result<Vec<Need>, Refusal> {
    let acts: &[Act] = if arguments.flag("write")? { &[Act::Read, Act::Write] } else { &[Act::Read] };
    needs_of(root, arguments.needed("port")?, acts)
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, arguments: &Arguments<'_>) -> Result<Arc<Session>, Refusal> {
        let name = arguments.needed("session")?;
        self.lock().open.get(name).cloned().ok_or_else(|| {
            let message = format!("there is no session `{}`", visible_cut(name.as_bytes(), 40));
            Refusal::new(message, "open the port with `port_open`; a session ends with `port_close`")
        })
    }

    /// Returns what the person has to agree to before something is sent in a session.
    pub(super) fn needs_to_write(&self, arguments: &Arguments<'_>) -> Result<Vec<Need>, Refusal> {
        let session = self.find(arguments)?;
        Ok(if session.shared.lock().may_write { Vec::new() } else { session.to_write.clone() })
    }

    /// Opens a port.
    pub(super) fn open(&self, root: &Root, busy: &Busy, arguments: &Arguments<'_>, job: &Job) -> Answer {
        if self.lock().open.len() >= MOST_SESSIONS {
            return Err(Refusal::new(format!("{MOST_SESSIONS} ports are open"), "close one with `port_close`"));
        }
        let typed = arguments.needed("port")?;
        let to_write = needs_of(root, typed, &[Act::Write])?;
        let taken = busy.take(&to_write)?;
        let counterpart = counterpart(root, typed)?;
        let settings = settings(&settings_of(&counterpart), &arguments.values("settings")?)?;
        let shared = Arc::new(Shared::default());
        shared.change(|state| state.may_write = arguments.flag("write").unwrap_or_default());
        let (orders, taken_orders) = channel();
        let thread = {
            let (shared, line) = (shared.clone(), settings.line.clone());
            thread::spawn(move || match world(&counterpart) {
                Ok(world) => serve(world, line, &taken_orders, &shared),
                Err(why) => shared.change(|state| state.gone = Some((why, "try again".to_string()))),
            })
        };
        let is_known = shared.wait(OPENING, job, |state| state.is_open || state.gone.is_some());
        let gone = shared.lock().gone.clone();
        if !is_known || gone.is_some() {
            let _ = orders.send(Order::Close);
            let (why, help) = gone.unwrap_or_else(|| ("it does not open".to_string(), "try again later".to_string()));
            let port = harmless(covered(typed).as_ref());
            return Err(Refusal::new(format!("{port} cannot be opened: {why}"), help));
        }
        let keys = taken.keep();
        let port = harmless(covered(typed).as_ref());
        let orders = Mutex::new(orders);
        let session = Session { port: port.clone(), to_write, keys, orders, shared, thread: Mutex::new(Some(thread)) };
        let is_simulated = session.to_write.is_empty();
        let mut table = self.lock();
        table.next += 1;
        let name = format!("s{}", table.next);
        table.open.insert(name.clone(), Arc::new(session));
        drop(table);
        Ok(json!({
            "session": name, "port": port, "line": settings.line.to_string(), "is_simulated": is_simulated,
        }))
    }

    /// Returns what came.
    pub(super) fn read(&self, arguments: &Arguments<'_>, job: &Job) -> Answer {
        let session = self.find(arguments)?;
        let span = arguments.millis("timeout_ms", 2000, MOST_WAIT)?;
        let quiet = arguments.millis("quiet_ms", 200, MOST_WAIT)?;
        let until = arguments.text("until")?.map(str::as_bytes).filter(|text| !text.is_empty());
        let shared = &session.shared;
        let found = match until {
            Some(text) => {
                shared.wait(span, job, |state| find(&state.came, text).is_some() || state.gone.is_some());
                find(&shared.lock().came, text)
            }
            None => {
                wait_for_quiet(shared, span, quiet, job);
                None
            }
        };
        let state = &mut *shared.lock();
        let n = found.unwrap_or(state.came.len()).min(LONGEST_ANSWER);
        let bytes: Vec<u8> = state.came.drain(..n).collect();
        let mut result = shown(&bytes);
        if until.is_some() {
            result["found"] = found.is_some().into();
        }
        result["more"] = state.came.len().into();
        if state.n_dropped > 0 {
            result["bytes_lost"] = std::mem::take(&mut state.n_dropped).into();
        }
        if !state.notes.is_empty() {
            result["notes"] = std::mem::take(&mut state.notes).into();
        }
        if let Some((why, help)) = &state.gone {
            result["port_gone"] = json!({ "why": why, "help": help });
        }
        Ok(result)
    }

    /// Sends something.
    pub(super) fn write(&self, arguments: &Arguments<'_>, job: &Job) -> Answer {
        let session = self.find(arguments)?;
        let bytes = bytes(arguments)?;
        let n_bytes = bytes.len();
        let number = {
            let mut state = session.shared.lock();
            if let Some((why, help)) = &state.gone {
                return Err(Refusal::new(format!("{} is gone: {why}", session.port), help.clone()));
            }
            state.may_write = true;
            state.n_asked += 1;
            // Under the lock: the orders leave in the order of their numbers.
            let orders = session.orders.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = orders.send(Order::Write(bytes));
            state.n_asked
        };
        let has_left = session.shared.wait(SENDING, job, |state| state.n_sent >= number || state.gone.is_some());
        if !has_left {
            let help = "the device does not take it: look at the flow control of the line, and close the session";
            return Err(Refusal::new(format!("the bytes have not left {}", session.port), help));
        }
        if let Some((why, help)) = session.shared.lock().gone.clone() {
            return Err(Refusal::new(format!("{} is gone: {why}", session.port), help));
        }
        Ok(json!({ "sent_bytes": n_bytes }))
    }

    /// Closes a port.
    pub(super) fn close(&self, busy: &Busy, arguments: &Arguments<'_>) -> Answer {
        let session = self.find(arguments)?;
        session.end();
        self.lock().open.remove(arguments.needed("session")?);
        busy.give_back(&session.keys);
        let mut state = session.shared.lock();
        let n = state.came.len().min(LONGEST_ANSWER);
        let bytes: Vec<u8> = state.came.drain(..n).collect();
        let mut result = shown(&bytes);
        result["closed"] = session.port.clone().into();
        Ok(result)
    }

    /// Closes every port.
    pub(super) fn end(&self) {
        let all = std::mem::take(&mut self.lock().open);
        all.values().for_each(|session| session.end());
    }
}

impl Session {
    fn end(&self) {
        let _ = self.orders.lock().unwrap_or_else(PoisonError::into_inner).send(Order::Close);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It has closed the port, or has panicked and with it closed the port.
            let _ = thread.join();
        }
    }
}

/// Waits until something came and the line was quiet for a time.
fn wait_for_quiet(shared: &Shared, span: Duration, quiet: Duration, job: &Job) {
    let clock = Clock::start();
    let left = || span.saturating_sub(clock.now().since_start());
    if !shared.wait(span, job, |state| !state.came.is_empty() || state.gone.is_some()) {
        return;
    }
    loop {
        let n_before = shared.lock().n_received;
        let wait = quiet.min(left());
        let has_more = shared.wait(wait, job, |state| state.n_received != n_before || state.gone.is_some());
        if !has_more || shared.lock().gone.is_some() || left().is_zero() {
            return;
        }
    }
}

/// Returns where a text ends that was found.
fn find(came: &VecDeque<u8>, text: &[u8]) -> Option<usize> {
    let bytes: Vec<u8> = came.iter().copied().collect();
    bytes.windows(text.len()).position(|window| window == text).map(|at| at + text.len())
}

/// Returns bytes as an agent reads them.
fn shown(bytes: &[u8]) -> Json {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "text": String::from_utf8_lossy(bytes), "hex": hex(bytes) }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    pairs.collect()
}

/// Returns what a call wants to send.
fn bytes(arguments: &Arguments<'_>) -> Result<Vec<u8>, Refusal> {
    let (text, hex) = (arguments.text("text")?, arguments.text("hex")?);
    match (text, hex) {
        (None, Some(hex)) => unhex(hex)
            .filter(|bytes| !bytes.is_empty())
            .ok_or_else(|| Refusal::new("`hex` is not pairs of hexadecimal digits", "write bytes as in `01 03 00 0a`")),
        (Some(text), None) => {
            let end = match arguments.text("line_end")?.unwrap_or("cr") {
                "cr" => "\r",
                "lf" => "\n",
                "crlf" => "\r\n",
                "none" => "",
                other => {
                    let message = format!("there is no line end `{}`", visible_cut(other.as_bytes(), 20));
                    return Err(Refusal::new(message, "write `cr`, `lf`, `crlf` or `none`"));
                }
            };
            Ok(format!("{text}{end}").into_bytes())
        }
        (None, None) | (Some(_), Some(_)) => {
            Err(Refusal::new("`port_write` sends either `text` or `hex`", "give one of the two"))
        }
    }
}

/// Returns what plays the other end of a port.
fn counterpart(root: &Root, typed: &str) -> Result<Counterpart, Refusal> {
    let unusable = |why: &str| {
        let message = format!("{} cannot be opened for a session: {why}", harmless(covered(typed).as_ref()));
        Refusal::new(message, "name a port that `ports` lists, or a device file: `sim:FILE`")
    };
    let by_name = named(root, typed)?;
    let is_simulated = matches!(place(root, typed)?, Place::Simulated);
    let mut address = read_one(by_name.as_deref().unwrap_or(typed), Known { listed: &list, places: &[] })
        .map_err(|_| unusable("it is not exactly one port of this machine"))?;
    match &mut address {
        Address::OwnDevice => return Err(unusable("`sim` is the device of a flow")),
        Address::Recording(_) => return Err(unusable("a recording is for `run`")),
        Address::Device(file) if by_name.is_none() => *file = root.folder().join(&*file),
        Address::Device(_) => {}
        Address::Real(port) if by_name.is_some() && port.to_string().starts_with("exec:") => {
            return Err(unusable("`flowrun.toml` has a program for it; type its address `exec:…` instead"));
        }
        Address::Real(_) if is_simulated => return Err(unusable("it has changed")),
        Address::Real(_) => {}
    }
    let wrong = |what: &str| unusable(&format!("{what}; `check` says more"));
    let flow = read_text(Role::Flow, NAME, "flow \"session\"\nassert 1 == 1\n").map_err(|_| wrong("flowrun failed"))?;
    let found = find_counterpart(&[address], std::path::Path::new(NAME), &flow.program);
    found.map(|found| found.counterpart).map_err(|_| wrong("the device file has mistakes"))
}

fn settings(start: &Settings, given: &[(&str, String)]) -> Result<Settings, Refusal> {
    let mut settings = start.clone();
    for (name, value) in given {
        let read = setting_value(value).unwrap_or_else(|| SettingValue::Word(value.clone()));
        settings.set(name, &read).map_err(|error| {
            let (name, value) = (harmless(name), visible_cut(value.as_bytes(), 60));
            match error {
                SettingError::Unknown => {
                    Refusal::new(format!("there is no setting `{name}`"), "call `language` with the topic `set`")
                }
                SettingError::Wants(wanted) => {
                    Refusal::new(format!("`{name}` cannot be `{value}`"), format!("`{name}` is {wanted}"))
                }
            }
        })?;
    }
    Ok(settings)
}

fn world(counterpart: &Counterpart) -> Result<(Several, Clock), String> {
    let clock = Clock::start();
    let interrupt = Interrupt::new().map_err(|error| error.to_string())?;
    let world = reach(counterpart, Offered::default(), Vec::new(), clock, &interrupt);
    Ok((world.map_err(|_| "its device has variables that need values, or the system refuses".to_string())?, clock))
}

/// Serves a session until it is closed, or the port is gone.
fn serve(
    (mut world, clock): (Several, Clock),
    line: crate::settings::LineSettings,
    orders: &Receiver<Order>,
    shared: &Shared,
) {
    world.perform(PortId::FIRST, PortCommand::Open { settings: line });
    let mut received = Vec::new();
    let mut n_writes = 0;
    loop {
        while let Ok(order) = orders.try_recv() {
            match order {
                Order::Write(bytes) => {
                    n_writes += 1;
                    let token = WriteToken::new(PortId::FIRST, n_writes);
                    world.perform(PortId::FIRST, PortCommand::Write { token, bytes });
                }
                Order::Close => {
                    world.perform(PortId::FIRST, PortCommand::Close);
                    return;
                }
            }
        }
        received.clear();
        let until = crate::time::Moment::after(clock.now().since_start() + TURN);
        let (_, happening) = world.wait(Some(until), &mut received);
        match happening {
            Happening::Opened(_) => shared.change(|state| state.is_open = true),
            Happening::Received(_) => shared.change(|state| state.add(&received)),
            Happening::Sent(token) => shared.change(|state| state.n_sent = token.number()),
            Happening::Noted(_, note) => shared.change(|state| state.note(harmless(note))),
            Happening::Closed(_, reason) => {
                shared.change(|state| state.gone = Some(in_words(&reason)));
                return;
            }
            Happening::Departed(..) | Happening::Unplayed(_) | Happening::Interrupt => {
                shared.change(|state| state.gone = Some(("it ended".to_string(), "open it again".to_string())));
                return;
            }
            Happening::Nothing | Happening::Lines(..) | Happening::Signalled(..) | Happening::Hook(_) => {}
        }
    }
}

impl State {
    fn add(&mut self, bytes: &[u8]) {
        self.came.extend(bytes);
        self.n_received += bytes.len() as u64;
        let surplus = self.came.len().saturating_sub(KEPT);
        self.came.drain(..surplus);
        self.n_dropped += surplus as u64;
    }

    fn note(&mut self, note: String) {
        if self.notes.len() < 20 {
            self.notes.push(note);
        }
    }
}

fn in_words(reason: &CloseReason) -> (String, String) {
    let (why, help) = match reason {
        CloseReason::Finished => ("it is closed".to_string(), None),
        CloseReason::CannotOpen { reason, help } | CloseReason::Broken { reason, help } => {
            (reason.clone(), help.clone())
        }
        CloseReason::HungUp { help } => ("it went away".to_string(), Some(help.clone())),
        CloseReason::DeviceFailed(failure) => (format!("the simulated device failed: {}", failure.message), None),
    };
    (harmless(why), help.map_or_else(|| "open it again with `port_open`".to_string(), harmless))
}
