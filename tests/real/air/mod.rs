//! An emulated AirM2M module: on a pseudo-terminal it speaks the modules' AT dialect, on the other side its HTTP, TLS
//! and MQTT connections are real.
//!
//! It shares no code with `flows/devices/air.flow`, the simulated module, so that each can find the other wrong.
//! Only the radio is made up: SIM card, registration and bearer are always good. A name is found in the table that it
//! is given, or not at all.
#![allow(dead_code, reason = "the tests and the example each use a part of this")]

mod commands;
mod http;
mod input;
mod mqtt;
pub(crate) mod network;
mod notes;
mod pty;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use commands::Module;
use network::Network;
pub(crate) use notes::Notes;
use pty::Pty;

/// What kind of module it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Air202, Air208: needs its data connection before any other.
    TwoG,
    /// Air724UG, Air780E: has one as soon as it is registered.
    FourG,
}

/// What the network side tells the module, later than the command that began it.
#[derive(Debug)]
enum Late {
    Http(http::Done),
    Mqtt(mqtt::LinkId, mqtt::News),
}

/// A module that is powered and plugged in until it is dropped.
pub(crate) struct Air {
    path: PathBuf,
    notes: Arc<Notes>,
    task: JoinHandle<()>,
}

impl Air {
    /// Powers a module on a fresh pseudo-terminal; must be called in a tokio runtime.
    ///
    /// # Errors
    ///
    /// There is no pseudo-terminal left.
    pub(crate) fn start(family: Family, network: Network) -> io::Result<Air> {
        let pty = Pty::open()?;
        let path = pty.path().to_path_buf();
        let notes = Arc::new(Notes::default());
        let task = tokio::spawn(serve(family, network, pty, Arc::clone(&notes)));
        Ok(Air { path, notes, task })
    }

    /// Pulls the adapter: the terminal goes away at once, with whatever waits on it.
    pub(crate) async fn unplug(mut self) {
        self.task.abort();
        // Its files are closed when it has ended.
        let _ = (&mut self.task).await;
    }

    /// Returns the path that a host opens.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the lines of the module's answers and results, without echoes.
    pub(crate) fn notes(&self) -> &Arc<Notes> {
        &self.notes
    }
}

impl Drop for Air {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Lives the module's life: what the host types and what the network brings, in the order it comes.
async fn serve(family: Family, network: Network, pty: Pty, notes: Arc<Notes>) {
    let (tell, mut late) = mpsc::unbounded_channel();
    let mut module = Module::new(family, network, tell, notes);
    let mut buffer = [0; 4096];
    loop {
        // Late results wait while the host is in the middle of something.
        let is_free = module.is_free();
        let deadline = module.deadline();
        tokio::select! {
            biased;
            read = pty.read(&mut buffer) => match read {
                Ok(n) => module.handle_input(&buffer[..n]),
                Err(_) => return,
            },
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => module.handle_deadline(),
            Some(news) = late.recv(), if is_free => module.handle_late(news),
        }
        if pty.write_all(&module.poll_output()).await.is_err() {
            return;
        }
    }
}
