//! Runs of the program itself, as a user would start it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::air::Notes;

/// A run to be made; the program is killed if it does not end in time.
pub(crate) struct Flow {
    arguments: Vec<String>,
    folder: TempDir,
    limit: Duration,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Finished {
    pub code: Option<i32>,
    pub console: String,
    pub transcript: String,
    /// What `save` has written; empty if nothing.
    pub saved: String,
    pub took: Duration,
}

impl Flow {
    /// Prepares a run of a flow of this repository.
    pub(crate) fn built_in(name: &str) -> Flow {
        Flow::at(&repository().join("flows").join(name))
    }

    /// Prepares a run of a flow that a test has written; it may use the built-in library.
    pub(crate) fn text(text: &str) -> Flow {
        let mut flow = Flow::at(Path::new(""));
        let folder = flow.folder.path().join("flow");
        fs::create_dir_all(folder.join("lib")).expect("there is room");
        fs::copy(repository().join("flows/lib/air.flow"), folder.join("lib/air.flow")).expect("it is there");
        let file = folder.join("test.flow");
        fs::write(&file, text).expect("there is room");
        flow.arguments[0] = file.display().to_string();
        flow
    }

    fn at(file: &Path) -> Flow {
        let folder = tempfile::tempdir().expect("there is room");
        let path = |name: &str| folder.path().join(name).display().to_string();
        let arguments = [
            file.display().to_string(),
            "--color=never".to_string(),
            format!("--save={}", path("saved.toml")),
            format!("--transcript={}", path("transcript.txt")),
        ];
        Flow { arguments: arguments.to_vec(), folder, limit: Duration::from_secs(60) }
    }

    /// Sets a variable.
    pub(crate) fn var(mut self, name: &str, value: &str) -> Flow {
        self.arguments.push(format!("--var={name}={value}"));
        self
    }

    /// Runs it against the device that it names, under the virtual clock.
    pub(crate) async fn simulated(self) -> Finished {
        self.on("sim").await
    }

    /// Runs it on a port.
    pub(crate) async fn port(self, path: &Path) -> Finished {
        self.start(path).finish().await
    }

    /// Begins to run it on a port.
    pub(crate) fn start(self, path: &Path) -> Running {
        let console = Arc::new(Notes::default());
        let (told, path) = (Arc::clone(&console), path.display().to_string());
        let task = tokio::spawn(async move { self.go(&path, &told).await });
        Running { console, task }
    }

    async fn on(self, port: &str) -> Finished {
        self.go(port, &Notes::default()).await
    }

    async fn go(self, port: &str, console: &Notes) -> Finished {
        let begun = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_flowrun"))
            .args(&self.arguments)
            .args(["--port", port])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut shown = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let mut complaints = process.stderr.take().expect("it is piped");
        let run = async {
            let listen = async {
                while let Ok(Some(line)) = shown.next_line().await {
                    console.add(&line);
                }
            };
            let mut complaint = Vec::new();
            let (_, _, status) = tokio::join!(listen, complaints.read_to_end(&mut complaint), process.wait());
            (status.expect("it is ours"), complaint)
        };
        let (status, complaint) = timeout(self.limit, run).await.expect("the run ends in time");
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        Finished {
            code: status.code(),
            console: format!("{}\n{}", console.all().join("\n"), String::from_utf8_lossy(&complaint)),
            transcript: read("transcript.txt"),
            saved: read("saved.toml"),
            took: begun.elapsed(),
        }
    }
}

/// A run that has begun; dropped, it is killed.
pub(crate) struct Running {
    console: Arc<Notes>,
    task: JoinHandle<Finished>,
}

impl Running {
    /// Waits until the program shows a line with this in it, at most 60 s.
    pub(crate) async fn wait_for(&self, text: &str) {
        self.console.wait_for(text).await;
    }

    /// Waits for the end.
    pub(crate) async fn finish(mut self) -> Finished {
        (&mut self.task).await.expect("it does not panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Finished {
    /// Asserts that the flow has passed, in less than 30 s.
    pub(crate) fn assert_passed(&self) {
        assert_eq!(self.code, Some(0), "{self}");
        assert!(self.took < Duration::from_secs(30), "{self}");
    }

    /// Asserts that it ended with this code, and that the user was told this.
    pub(crate) fn assert_ended(&self, code: i32, message: &str) {
        assert_eq!(self.code, Some(code), "{self}");
        // A message may be wrapped, with a frame in the margin.
        let words = |text: &str| -> String {
            text.split_whitespace().filter(|word| !["│", "|", "·", "×"].contains(word)).collect::<Vec<_>>().join(" ")
        };
        // Not in the excerpt of the source, where all messages of the flow stand.
        let said = self.console.rsplit('×').next().unwrap_or_default();
        let said = said.split('╭').next().unwrap_or(said);
        assert!(words(said).contains(&words(message)), "`{message}` is not said\n{self}");
    }

    /// Asserts that a result was saved before the end.
    pub(crate) fn assert_saved(&self, name: &str, value: &str) {
        let is_there = self.saved.lines().any(|line| line.trim() == format!("{name} = \"{value}\""));
        assert!(is_there, "{name} is not saved in {:?}\n{self}", self.saved);
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Finished { code, console, transcript, saved, took } = self;
        write!(f, "exit code {code:?} after {took:?}\n{console}\n{transcript}\nsaved: {saved}")
    }
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
