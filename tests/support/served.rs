//! The program, and a device that it serves as long as a test looks at it.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A device that is served as long as this lives.
pub(crate) struct Served {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) device: Child,
    /// Kept open: a device whose output nobody takes says so when it ends.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Served {
    /// Serves the device `device.flow` with this text; returns what it is called too, such as `tcp://127.0.0.1:40123`.
    pub(crate) fn new(text: &str, options: &[&str]) -> (Served, String) {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        fs::write(folder.path().join("device.flow"), text).expect("there is room");
        let mut command = flowrun(folder.path(), &[&["sim", "device.flow"], options].concat());
        let mut device = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it can be started");
        let mut lines = BufReader::new(device.stdout.take().expect("it is piped")).lines();
        let at = |line: String| line.strip_prefix("serving on ").map(str::to_string);
        let port = lines.by_ref().map_while(Result::ok).find_map(at).expect("the device is served");
        (Served { folder, device, _said: lines }, port)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.device.kill();
        let _ = self.device.wait();
    }
}

/// Returns the program with these arguments, in a folder.
pub(crate) fn flowrun(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env("COLUMNS", "200").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// Runs the program; returns its exit code and what it said.
pub(crate) fn said(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = flowrun(folder, arguments).output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}
