//! The program `flowrun-mcp`: flowrun for agents, over the Model Context Protocol.

use std::process::ExitCode;

fn main() -> ExitCode {
    flowrun::serve_agent(std::env::args_os())
}
