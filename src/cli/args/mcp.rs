//! What `mcp` takes.

use std::path::PathBuf;

use clap::Args;

pub(super) const AFTER_MCP_HELP: &str = "\
An agent speaks the Model Context Protocol on standard input and output. Simulated devices
are free; a real port needs your consent: the agent's program asks you, or you name it here.

Examples:
  flowrun mcp                                      simulated devices; asks for others
  flowrun mcp --root ~/bench --allow-port COM3     may open and read COM3
  flowrun mcp --allow-port @modem --allow-write    may send to it and run flows on it

docs/agents.md has the tools, and configurations to paste.";

/// What `mcp` takes.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct McpArguments {
    /// Read and write only files below this folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub root: PathBuf,
    /// Let the agent open this port without a question (repeatable)
    #[arg(long = "allow-port", value_name = "PORT")]
    pub allow_ports: Vec<String>,
    /// Let it send to these ports, and run flows on them
    #[arg(long, requires = "allow_ports")]
    pub allow_write: bool,
}
