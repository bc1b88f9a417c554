//! `flowrun lsp`: an editor asks about flows on standard input, and gets answers on standard output.
//!
//! One thread reads messages, and this one takes them in their order. Another checks what has changed: so whoever types waits for no
//! check. A run of a flow has a thread of its own.

mod answer;
mod checker;
mod convert;
mod files;
mod server;
mod simulate;
mod uri;
mod wire;

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value;

use super::Ending;
use super::args::LspArguments;
use super::terminal::Terminal;
use checker::Checked;
use server::Server;
use simulate::Ran;
use wire::Incoming;

/// Something that the server is to look at.
enum Happened {
    /// The editor has sent something.
    Came(Incoming),
    /// A file was checked.
    Checked(Box<Checked>),
    /// A run is over.
    Ran(Box<Ran>),
}

/// Serves an editor until it says `exit`, or is gone.
pub(super) fn lsp(arguments: &LspArguments, terminal: &Terminal) -> Ending {
    // Editors say `--stdio` to every server; it is the only way here.
    let LspArguments { stdio: _ } = arguments;
    if io::stdin().is_terminal() {
        terminal.hint("`flowrun lsp` is started by an editor: `flowrun help lsp` says how. Ctrl-D ends it.\n");
    }
    let (sender, receiver) = channel();
    let messages = sender.clone();
    thread::spawn(move || read_all(&messages));
    let mut server = Server::new(sender);
    match serve(&mut server, &receiver, &mut io::stdout().lock()) {
        Ok(true) => Ending::Done,
        Ok(false) => Ending::Abandoned,
        Err(error) => {
            terminal.lose(&error);
            Ending::Unwritten
        }
    }
}

/// Hands on every message until there are no more.
fn read_all(messages: &Sender<Happened>) {
    let mut input = io::stdin().lock();
    loop {
        let incoming = wire::read(&mut input);
        let is_end = incoming == Incoming::End;
        if messages.send(Happened::Came(incoming)).is_err() || is_end {
            return;
        }
    }
}

/// Takes messages until the last; says whether the editor left in the right way.
fn serve(server: &mut Server, receiver: &Receiver<Happened>, output: &mut impl Write) -> io::Result<bool> {
    let mut queue = VecDeque::new();
    loop {
        queue.extend(receiver.try_iter());
        let Some(happened) = queue.pop_front().or_else(|| receiver.recv().ok()) else { return Ok(false) };
        match happened {
            Happened::Came(Incoming::Message(message)) => {
                if message["method"] == "exit" {
                    return Ok(server.is_shut_down());
                }
                if message.get("id").is_some() && is_cancelled(&message["id"], &queue) {
                    server.refuse_cancelled(&message["id"]);
                } else {
                    server.take(&message);
                }
            }
            Happened::Came(Incoming::Broken(why)) => server.refuse_broken(&why),
            Happened::Came(Incoming::End) => return Ok(false),
            Happened::Checked(checked) => server.checked(*checked),
            Happened::Ran(ran) => server.ran(*ran),
        }
        server.flush(output)?;
    }
}

/// Whether a message that waits takes a request back.
fn is_cancelled(id: &Value, queue: &VecDeque<Happened>) -> bool {
    queue.iter().any(|happened| match happened {
        Happened::Came(Incoming::Message(message)) => {
            message["method"] == "$/cancelRequest" && message["params"]["id"] == *id
        }
        Happened::Came(Incoming::Broken(_) | Incoming::End) | Happened::Checked(_) | Happened::Ran(_) => false,
    })
}
