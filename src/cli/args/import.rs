//! What `import` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Colours;
use crate::import::Kind;

pub(in crate::cli) const AFTER_IMPORT_HELP: &str = "\
Examples:
  flowrun import login.ttl                         show the flow
  flowrun import login.ttl -o login.flow           write it
  flowrun import /etc/chatscripts/gprs --kind chat
  flowrun import manual.txt --kind dialogue        what a manual prints

What has no translation stays as a comment with the number of its line. The summary names it.

Exit codes: 0 a flow was made, 2 the file is for no tool that flowrun knows, or a file is
already there, 3 a file could not be written.";

/// What `import` takes.
#[derive(Args, Debug)]
pub(in crate::cli) struct ImportArguments {
    /// The script, list or text (`-` is standard input)
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Say which tool it is for, if that cannot be seen
    #[arg(long, value_name = "TOOL")]
    pub kind: Option<TypedKind>,
    /// Write the flow to this file
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Say when to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Colours,
}

/// A tool, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum TypedKind {
    Teraterm,
    Chat,
    Minicom,
    Expect,
    Sscom,
    Docklight,
    Dialogue,
}

impl From<TypedKind> for Kind {
    fn from(typed: TypedKind) -> Kind {
        match typed {
            TypedKind::Teraterm => Kind::Teraterm,
            TypedKind::Chat => Kind::Chat,
            TypedKind::Minicom => Kind::Minicom,
            TypedKind::Expect => Kind::Expect,
            TypedKind::Sscom => Kind::Sscom,
            TypedKind::Docklight => Kind::Docklight,
            TypedKind::Dialogue => Kind::Dialogue,
        }
    }
}
