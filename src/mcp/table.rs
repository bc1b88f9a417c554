//! The table of the tools: names, what they are for, and what they take. Schemas are made of it.

use serde_json::{Map, Value as Json, json};

use super::Refusal;
use crate::diagnostic::nearest::nearest;
use crate::value::escape::visible_cut;

/// What a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Texts,
    Flag,
    Number,
    /// Names with texts, numbers, true and false.
    Values,
}

/// A parameter of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
    pub is_required: bool,
    pub about: &'static str,
}

/// What a tool does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It reads.
    Reads,
    /// It writes files below the root.
    Writes,
    /// It may act on a device.
    Acts,
}

/// A tool.
#[derive(Debug)]
pub(super) struct Tool {
    pub name: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub effect: Effect,
    pub parameters: &'static [Parameter],
}

const fn needed(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, is_required: true, about }
}

const fn may(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, is_required: false, about }
}

const PORTS: Parameter = may(
    "ports",
    Kind::Texts,
    "`sim`, `sim:FILE`, `replay:FILE`, `COM3`, `/dev/ttyUSB0`, `@NAME`; of several: `NAME=…`",
);
const PROFILE: Parameter = may("profile", Kind::Text, "take ports and variables from this profile of flowrun.toml");
const BENCH: Parameter = may("bench", Kind::Text, "run on the ports of this bench of flowrun.toml");
const WAIT_PORT: Parameter = may("wait_port", Kind::Text, "wait this long for a port that is not there yet: `30s`");
const VARS: Parameter = may("vars", Kind::Values, "values of the variables of the flow");
const VARS_FILES: Parameter = may("vars_files", Kind::Texts, "TOML or JSON files with values of variables");
const SETTINGS: Parameter = may("settings", Kind::Values, "settings of the line: {\"baud\": 9600, \"echo\": \"off\"}");
const TIMEOUT: Parameter =
    may("timeout_ms", Kind::Number, "interrupt it after this time; its `finally` still runs [default: 300000]");
const SESSION: Parameter = needed("session", Kind::Text, "what `port_open` returned");

/// Every tool, in the order in which they are listed.
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "ports",
        title: "List ports",
        about: "List the serial ports of this machine, and the names, profiles and benches of flowrun.toml. Opens none.",
        effect: Effect::Reads,
        parameters: &[],
    },
    Tool {
        name: "language",
        title: "Read about the language",
        about: "Read how flows are written: all topics, a topic, or a word such as `expect`. Read this before you write a flow.",
        effect: Effect::Reads,
        parameters: &[may("topic", Kind::Text, "a topic, or a word of the language")],
    },
    Tool {
        name: "examples",
        title: "Read built-in flows",
        about: "List the built-in flows, or read one with its device and libraries.",
        effect: Effect::Writes,
        parameters: &[
            may("name", Kind::Text, "the name of a flow"),
            may("write_to", Kind::Text, "write its files to this folder"),
        ],
    },
    Tool {
        name: "std",
        title: "Read built-in libraries",
        about: "List the built-in libraries, or read one.",
        effect: Effect::Reads,
        parameters: &[may("name", Kind::Text, "the name of a library, such as `std/modem`")],
    },
    Tool {
        name: "explain",
        title: "Explain a code",
        about: "Say what the code of an error or warning means and what to do, or list all codes.",
        effect: Effect::Reads,
        parameters: &[may("code", Kind::Text, "a code, such as `flow::run::timeout`")],
    },
    Tool {
        name: "show_flow",
        title: "Read a flow",
        about: "Read a flow, device or library file. Values of secrets are covered.",
        effect: Effect::Reads,
        parameters: &[needed("path", Kind::Text, "a `.flow` file below the folder of this server")],
    },
    Tool {
        name: "write_flow",
        title: "Write a flow",
        about: "Write a flow, device or library file, and check it.",
        effect: Effect::Writes,
        parameters: &[
            needed("path", Kind::Text, "a `.flow` file below the folder of this server"),
            needed("text", Kind::Text, "the whole text of the file"),
            may("overwrite", Kind::Flag, "replace a file that is there"),
        ],
    },
    Tool {
        name: "check",
        title: "Check flows",
        about: "Check flows, devices and libraries without running them: errors and warnings with places and help.",
        effect: Effect::Reads,
        parameters: &[needed("paths", Kind::Texts, "files, and folders of them")],
    },
    Tool {
        name: "fmt",
        title: "Format a flow",
        about: "Put a file into the one layout of flows.",
        effect: Effect::Writes,
        parameters: &[
            needed("path", Kind::Text, "a `.flow` file below the folder of this server"),
            may("check", Kind::Flag, "change nothing, say whether it would change"),
        ],
    },
    Tool {
        name: "run",
        title: "Run a flow",
        about: "Run a flow: on the device that it simulates (the default), or on a real port, for which the person is asked. \
                Returns the verdict, the failure with its place and cause, the last exchanges, and saved values.",
        effect: Effect::Acts,
        parameters: &[
            needed("flow", Kind::Text, "the `.flow` file"),
            PORTS,
            PROFILE,
            BENCH,
            WAIT_PORT,
            VARS,
            VARS_FILES,
            may("sim_vars", Kind::Values, "values of the variables of the simulated device"),
            SETTINGS,
            may("seed", Kind::Number, "seed everything random"),
            may("strict", Kind::Flag, "fail if a clean-up fails"),
            may("save", Kind::Text, "write what the flow saves to this file; secrets are in it as they are"),
            may("exchange", Kind::Number, "return this many of the last exchanges [default: 40]"),
            TIMEOUT,
        ],
    },
    Tool {
        name: "test",
        title: "Run tests",
        about: "Run the flows of folders on their simulated devices and compare transcripts with snapshots.",
        effect: Effect::Acts,
        parameters: &[
            may("paths", Kind::Texts, "flows, and folders of them [default: the folder of this server]"),
            may("filter", Kind::Text, "run only these: a part of the path, `tag(smoke)`, `file(…) and not …`"),
            may("accept", Kind::Flag, "take new and changed transcripts as snapshots"),
            may("fail_fast", Kind::Flag, "begin no flow after one that failed"),
            PORTS,
            PROFILE,
            BENCH,
            WAIT_PORT,
            VARS,
            VARS_FILES,
            SETTINGS,
            TIMEOUT,
        ],
    },
    Tool {
        name: "port_open",
        title: "Open a port",
        about: "Open a port to talk to a device by hand. The person is asked, unless the port is simulated: `sim:FILE`.",
        effect: Effect::Acts,
        parameters: &[
            needed("port", Kind::Text, "`sim:FILE`, `COM3`, `/dev/ttyUSB0`, `@NAME`, `tcp://HOST:PORT`"),
            may("write", Kind::Flag, "ask for sending, too"),
            SETTINGS,
        ],
    },
    Tool {
        name: "port_read",
        title: "Read from a port",
        about: "Return what the device sent since the last read: until a text is there, or until the line is quiet.",
        effect: Effect::Acts,
        parameters: &[
            SESSION,
            may("until", Kind::Text, "wait until this text is there"),
            may("timeout_ms", Kind::Number, "wait this long at most [default: 2000]"),
            may("quiet_ms", Kind::Number, "without `until`: this much silence ends the answer [default: 200]"),
        ],
    },
    Tool {
        name: "port_write",
        title: "Write to a port",
        about: "Send a line, or bytes. The person is asked once for each session on a real port.",
        effect: Effect::Acts,
        parameters: &[
            SESSION,
            may("text", Kind::Text, "a line; its line end is added"),
            may("line_end", Kind::Text, "`cr`, `lf`, `crlf` or `none` [default: cr]"),
            may("hex", Kind::Text, "bytes instead of a text: `01 03 00 0a`"),
        ],
    },
    Tool {
        name: "port_close",
        title: "Close a port",
        about: "Close a port, and return what was not read.",
        effect: Effect::Acts,
        parameters: &[SESSION],
    },
];

/// Finds a tool.
///
/// # Errors
///
/// There is none of this name.
pub(super) fn find_tool(name: &str) -> Result<&'static Tool, Refusal> {
    TOOLS.iter().find(|tool| tool.name == name).ok_or_else(|| {
        let message = format!("there is no tool `{}`", visible_cut(name.as_bytes(), 60));
        let names = TOOLS.iter().map(|tool| tool.name);
        let help = match nearest(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the tools are: {}", names.collect::<Vec<_>>().join(", ")),
        };
        Refusal::new(message, help)
    })
}

impl Tool {
    /// Returns the JSON schema of what it takes.
    pub(super) fn schema(&self) -> Map<String, Json> {
        let of = |parameter: &Parameter| {
            let mut schema = match parameter.kind {
                Kind::Text => json!({ "type": "string" }),
                Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
                Kind::Flag => json!({ "type": "boolean" }),
                Kind::Number => json!({ "type": "integer", "minimum": 0 }),
                Kind::Values => {
                    json!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } })
                }
            };
            schema["description"] = parameter.about.into();
            (parameter.name.to_string(), schema)
        };
        let properties: Map<String, Json> = self.parameters.iter().map(of).collect();
        let required = self.parameters.iter().filter(|parameter| parameter.is_required);
        let required: Vec<&str> = required.map(|parameter| parameter.name).collect();
        let mut schema = Map::new();
        schema.insert("type".to_string(), "object".into());
        schema.insert("properties".to_string(), Json::Object(properties));
        schema.insert("required".to_string(), required.into());
        schema.insert("additionalProperties".to_string(), false.into());
        schema
    }
}
