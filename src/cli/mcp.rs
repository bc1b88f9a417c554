//! `flowrun mcp`: starts the program `flowrun-mcp`, which serves agents; it is not a part of `flowrun`, which starts in 2 ms.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use super::Ending;
use super::args::McpArguments;
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};

/// The program that serves agents.
const PROGRAM: &str = "flowrun-mcp";

/// Starts the program, and ends as it does.
pub(super) fn start(arguments: &McpArguments, terminal: &Terminal) -> Ending {
    let mut command = Command::new(beside(PROGRAM).unwrap_or_else(|| PathBuf::from(PROGRAM)));
    command.arg("--root").arg(&arguments.root);
    arguments.allow_ports.iter().for_each(|port| {
        command.arg("--allow-port").arg(port);
    });
    if arguments.allow_write {
        command.arg("--allow-write");
    }
    match become_it(command) {
        Ok(ending) => ending,
        Err(error) => {
            terminal.refuse(not_there(&error));
            Ending::Refused
        }
    }
}

/// Returns a program in the folder of this one, if it is there.
pub(super) fn beside(name: &str) -> Option<PathBuf> {
    let own = env::current_exe().ok()?;
    let file = own.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX));
    file.is_file().then_some(file)
}

/// Goes on as another program: there is no process between the agent and its server.
#[cfg(unix)]
fn become_it(mut command: Command) -> std::io::Result<Ending> {
    Err(std::os::unix::process::CommandExt::exec(&mut command))
}

/// Runs another program to its end.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> std::io::Result<Ending> {
    Ok(if command.status()?.success() { Ending::Done } else { Ending::Outside })
}

fn not_there(error: &std::io::Error) -> Diagnostic {
    let message = if error.kind() == std::io::ErrorKind::NotFound {
        format!("the program `{PROGRAM}` is neither beside `flowrun` nor on PATH")
    } else {
        format!("the program `{PROGRAM}` cannot be started: {error}")
    };
    Diagnostic::general(Code::CommandLine, message).help(
        "it is built with the feature `mcp`: run `cargo install --path . --features mcp` in the source of flowrun",
    )
}

/// Serves an agent: the program `flowrun-mcp`.
#[cfg(feature = "mcp")]
pub(super) fn serve(arguments: McpArguments, terminal: &Terminal) -> Ending {
    use crate::mcp::{Config, serve};
    let McpArguments { root, allow_ports, allow_write } = arguments;
    let program = beside("flowrun").unwrap_or_else(|| PathBuf::from("flowrun"));
    match serve(Config { root, allowed_ports: allow_ports, may_write: allow_write, program }) {
        Ok(()) => Ending::Done,
        Err(refusal) => {
            terminal.refuse(Diagnostic::general(Code::CommandLine, refusal.message).help(refusal.help));
            Ending::Refused
        }
    }
}
