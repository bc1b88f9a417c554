//! `flowrun lsp` in a real editor without a window: Neovim, with the file of settings that `docs/editor.md` names.
//!
//! Without Neovim the test is skipped and says so; with `FLOWRUN_REQUIRE_NVIM` it fails then.
#![cfg(unix)]

use std::process::{Command, Stdio};

const FLOW: &str =
    "flow \"Net\"\nsim \"device.flow\"\nparam apn = \"é😀\"\n  send \"AT+X=${apn}\"\n  expct line \"OK\"\n";
const DEVICE: &str = "device \"Net\"\non line /AT.*/ { reply \"OK\" }\n";

#[test]
fn neovim_shows_mends_renames_formats_and_runs() {
    let is_there = Command::new("nvim").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success());
    if !is_there {
        assert!(std::env::var_os("FLOWRUN_REQUIRE_NVIM").is_none(), "Neovim is not installed, and is required");
        eprintln!("skipped: Neovim is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    for (name, text) in [("a.flow", FLOW), ("device.flow", DEVICE)] {
        std::fs::write(folder.path().join(name), text).expect("there is room");
    }
    let repo = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("nvim")
        .args(["--headless", "--clean", "-u"])
        .arg(repo.join("editors/nvim/flowrun.lua"))
        .arg("-c")
        .arg(format!("luafile {}", repo.join("tests/editor/nvim.lua").display()))
        .current_dir(folder.path())
        .env("FLOWRUN", env!("CARGO_BIN_EXE_flowrun"))
        .env("HOME", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env("XDG_DATA_HOME", folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("it can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
