//! Flows of older versions go on running: `tests/kept/VERSION` has flows with their devices as that version brought them.
//! They are never changed; a release adds a folder (docs/stability.md).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns what is in a folder of the repository, in order.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("its entries can be read").path()).collect();
    found.sort();
    found
}

#[test]
fn flows_of_older_versions_pass_on_their_devices() {
    let mut wrong = Vec::new();
    let mut runs = 0;
    for version in inside(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kept")) {
        for flow in inside(&version).iter().filter(|path| path.extension().is_some_and(|end| end == "flow")) {
            let folder = tempfile::tempdir().expect("a folder can be made");
            let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
            command.current_dir(folder.path()).arg(flow).args(["--port", "sim", "--artifacts", "never"]);
            let output = command.output().expect("it starts");
            runs += 1;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
                wrong.push(format!("{}: {}\n{said}", flow.display(), output.status));
            }
        }
    }
    assert!(runs >= 28, "only {runs} flows are kept");
    assert!(wrong.is_empty(), "a flow that ran does so no more:\n{}", wrong.join("\n"));
}
