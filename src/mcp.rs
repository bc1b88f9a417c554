//! `mcp`: what an agent can do with flowrun, as tools: data in, data out, and nothing on a port without a person's consent.
//!
//! [`Tools::call`] carries out a tool; it knows nothing of a protocol. [`Tools::needs`] says which ports the person has to
//! be asked about first. `protocol.rs` joins both with the Model Context Protocol, and is the only file that knows it.
//!
//! What only reads texts is done here. A run and a suite are done by the program `flowrun`, as a child: it brings the names,
//! profiles, hooks and artefacts of the command line, Ctrl-C ends it with its `finally`, and whatever happens to it, the
//! server goes on.

mod arguments;
mod child;
mod consent;
mod job;
mod language;
mod protocol;
mod root;
mod run;
mod session;
mod story;
mod table;
mod texts;

use std::path::PathBuf;

use serde_json::{Map, Value as Json};

use arguments::Arguments;
use consent::Consents;
pub(crate) use consent::Need;
pub(crate) use job::Job;
pub(crate) use protocol::serve;
use root::Root;
use run::Busy;
use session::Sessions;
use table::find_tool;

/// What the person said when the server was started.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The folder that files are read and written below.
    pub root: PathBuf,
    /// The ports that the agent may open without a question.
    pub allowed_ports: Vec<String>,
    /// Whether it may send to them, too.
    pub may_write: bool,
    /// The program that runs flows.
    pub program: PathBuf,
}

/// Why a tool did nothing, or not all: for the agent, with what it can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub message: String,
    pub help: String,
}

impl Refusal {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), help: help.into() }
    }
}

/// What a tool returns.
pub(crate) type Answer = Result<Json, Refusal>;

/// The tools of one server, and what lasts from one call to the next.
pub(crate) struct Tools {
    root: Root,
    program: PathBuf,
    consents: Consents,
    busy: Busy,
    sessions: Sessions,
}

impl Tools {
    /// Makes the tools of a server.
    ///
    /// # Errors
    ///
    /// The folder is not there.
    pub(crate) fn new(config: Config) -> Result<Tools, Refusal> {
        let root = Root::new(&config.root)?;
        let consents = Consents::new(config.allowed_ports, config.may_write);
        Ok(Tools { root, program: config.program, consents, busy: Busy::default(), sessions: Sessions::default() })
    }

    /// Returns what a person has to agree to before this call, with nothing that they agreed to before.
    ///
    /// # Errors
    ///
    /// The arguments are wrong.
    pub(crate) fn needs(&self, name: &str, arguments: &Map<String, Json>) -> Result<Vec<Need>, Refusal> {
        let tool = find_tool(name)?;
        let arguments = Arguments::new(tool, arguments)?;
        let needs = match tool.name {
            "run" | "test" => run::needs(&self.root, &arguments)?,
            "port_open" => session::needs_to_open(&self.root, &arguments)?,
            "port_write" => self.sessions.needs_to_write(&arguments)?,
            _ => Vec::new(),
        };
        Ok(needs.into_iter().filter(|need| !self.consents.has(need)).collect())
    }

    /// Remembers that the person agreed to this until the server ends.
    pub(crate) fn remember(&self, needs: &[Need]) {
        self.consents.remember(needs);
    }

    /// Carries out a tool. The person has agreed to what is `granted`, for this call.
    ///
    /// # Errors
    ///
    /// What is wrong with the arguments, why it cannot be done, or that the person has not agreed to something.
    pub(crate) fn call(&self, name: &str, arguments: &Map<String, Json>, granted: &[Need], job: &Job) -> Answer {
        let tool = find_tool(name)?;
        // Asked again: `flowrun.toml` may have changed while the person was thinking.
        let missing: Vec<Need> =
            self.needs(name, arguments)?.into_iter().filter(|need| !granted.contains(need)).collect();
        if !missing.is_empty() {
            return Err(consent::refusal(&missing));
        }
        let arguments = Arguments::new(tool, arguments)?;
        match tool.name {
            "ports" => Ok(texts::ports(&self.root, &self.consents)),
            "check" => texts::check(&self.root, &arguments),
            "fmt" => texts::fmt(&self.root, &arguments),
            "show_flow" => texts::show_flow(&self.root, &arguments),
            "write_flow" => texts::write_flow(&self.root, &arguments),
            "explain" => language::explain_code(&arguments),
            "examples" => language::examples_of(&self.root, &arguments),
            "std" => language::standard(&arguments),
            "language" => language::language(&arguments),
            "run" => run::run(self, &arguments, job),
            "test" => run::test(self, &arguments, job),
            "port_open" => self.sessions.open(&self.root, &self.busy, &arguments, job),
            "port_read" => self.sessions.read(&arguments, job),
            "port_write" => self.sessions.write(&arguments, job),
            "port_close" => self.sessions.close(&self.busy, &arguments),
            other => Err(Refusal::new(format!("there is no tool `{other}`"), "call `tools/list`")),
        }
    }

    /// Closes every port that is open.
    pub(crate) fn end(&self) {
        self.sessions.end();
    }
}
