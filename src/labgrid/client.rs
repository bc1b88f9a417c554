//! `Client`: the program `labgrid-client`, asked one thing at a time, and never waited for without a limit.

use std::ffi::OsString;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// A coordinator answers within a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// What has the client do more, or something else, than what it is asked: with an environment file, `acquire` takes all
/// places of that file.
const UNWANTED: &[&str] = &["LG_ENV", "LG_PLACE", "PLACE", "LG_STATE", "STATE", "LG_INITIAL_STATE"];

/// The program that talks with the coordinator.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    program: OsString,
    patience: Duration,
}

/// A question whose answer is on its way.
pub(super) struct Asked {
    child: Child,
    /// What it says on either way, each when it has said all.
    said: Receiver<(Way, String)>,
    patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Answer,
    Complaint,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The program cannot be started.
    NotStarted(String),
    /// It said this.
    Failed(String),
    /// It did not end in time.
    Late,
}

impl Trouble {
    /// Returns what the program said, without its name.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Trouble::NotStarted(why) => vec![why.clone()],
            Trouble::Failed(said) => {
                let plain = |line: &str| line.trim().trim_start_matches("labgrid-client: Error: ").to_string();
                said.lines().map(plain).filter(|line| !line.is_empty()).collect()
            }
            Trouble::Late => vec![format!("`labgrid-client` did not end within {} s", PATIENCE.as_secs())],
        }
    }
}

impl Client {
    /// Returns the client that is found in `PATH`.
    pub(crate) fn installed() -> Client {
        Client { program: "labgrid-client".into(), patience: PATIENCE }
    }

    /// Returns another program that behaves like it.
    #[cfg(all(test, unix))]
    pub(super) fn at(program: &std::path::Path, patience: Duration) -> Client {
        Client { program: program.into(), patience }
    }

    /// Asks something.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<Asked, Trouble> {
        let mut command = Command::new(&self.program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in UNWANTED {
            command.env_remove(name);
        }
        apart(&mut command);
        let not_started = |error: std::io::Error| Trouble::NotStarted(error.to_string());
        let mut child = command.spawn().map_err(not_started)?;
        let (sender, said) = channel();
        let ways: [(Way, Option<Box<dyn Read + Send>>); 2] = [
            (Way::Answer, child.stdout.take().map(|out| Box::new(out) as Box<dyn Read + Send>)),
            (Way::Complaint, child.stderr.take().map(|out| Box::new(out) as Box<dyn Read + Send>)),
        ];
        for (way, out) in ways {
            let Some(mut out) = out else { continue };
            let sender = sender.clone();
            thread::spawn(move || {
                let mut bytes = Vec::new();
                // What was read before an error counts; nobody may be left to hear it.
                let _ = out.read_to_end(&mut bytes);
                let _ = sender.send((way, String::from_utf8_lossy(&bytes).into_owned()));
            });
        }
        Ok(Asked { child, said, patience: self.patience })
    }
}

impl Asked {
    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) fn answer(mut self) -> Result<String, Trouble> {
        let (mut answer, mut complaint) = (String::new(), String::new());
        for _ in [Way::Answer, Way::Complaint] {
            match self.said.recv_timeout(self.patience) {
                Ok((Way::Answer, text)) => answer = text,
                Ok((Way::Complaint, text)) => complaint = text,
                Err(_) => {
                    // It may have ended meanwhile.
                    let _ = self.child.kill();
                    let _ = self.child.wait();
                    return Err(Trouble::Late);
                }
            }
        }
        match self.child.wait() {
            Ok(status) if status.success() => Ok(answer),
            Ok(_) => Err(Trouble::Failed(if complaint.trim().is_empty() { answer } else { complaint })),
            Err(error) => Err(Trouble::Failed(error.to_string())),
        }
    }
}

/// Keeps a Ctrl-C that is meant for flowrun away from a program: it is to finish what it does.
#[cfg(unix)]
fn apart(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// Keeps a Ctrl-C that is meant for flowrun away from a program: it is to finish what it does.
#[cfg(windows)]
fn apart(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    // `CREATE_NEW_PROCESS_GROUP`.
    command.creation_flags(0x200);
}
