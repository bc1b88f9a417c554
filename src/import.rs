//! `import`: a flow made of a script or a list of another tool: texts in, texts out, nothing read or written.
//!
//! `kind` says which tool a text is for. A file for each tool makes statements of it (`model`). `jumps` makes branches
//! and loops of `goto`, `write` makes lines, and `finish` proves that they are a flow and formats them.

mod chat;
mod dialogue;
mod docklight;
mod expect;
mod finish;
mod jumps;
mod kind;
mod minicom;
mod model;
mod sscom;
mod tcl;
mod teraterm;
mod text;
mod ttl;
mod write;

pub use kind::Kind;

/// A flow that was made of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Which tool the script is for.
    pub kind: Kind,
    /// The text of the flow, formatted and without mistakes that `check` finds.
    pub flow: String,
    /// How many lines of the script say something: lines that are empty or a comment do not count.
    pub n_lines: usize,
    /// The lines that stay as comments.
    pub lost: Vec<Lost>,
}

impl Imported {
    /// Returns how many lines of the script the flow says in its own words.
    pub fn n_translated(&self) -> usize {
        let mut lines: Vec<usize> = self.lost.iter().map(|lost| lost.line).collect();
        lines.dedup();
        self.n_lines.saturating_sub(lines.len())
    }
}

/// A line that has no translation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// Its number, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
    /// Why it has none.
    pub why: String,
}

/// The largest script, in bytes: everything that people write by hand is smaller.
const LARGEST: usize = 1024 * 1024;

/// Makes a flow of a script.
///
/// `name` is the file of the script without folders: the title of the flow, and a hint at the tool. What the text says
/// counts more. `kind` overrules both.
///
/// # Errors
///
/// Why no flow can be made of it, and what to do.
pub fn import(text: &str, name: &str, kind: Option<Kind>) -> Result<Imported, (String, String)> {
    if text.len() > LARGEST {
        let help = "split the file: an import takes 1 MiB at most";
        return Err((format!("it has {} bytes, which is too much for a script", text.len()), help.to_string()));
    }
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let Some(kind) = kind.or_else(|| Kind::of(&text, name)) else {
        let help = format!("say which tool it is for: `--kind` takes {}", Kind::names().join(", "));
        return Err(("this is not a script of a tool that flowrun knows".to_string(), help));
    };
    let script = match kind {
        Kind::Teraterm => teraterm::read(&text),
        Kind::Chat => chat::read(&text),
        Kind::Minicom => minicom::read(&text),
        Kind::Expect => expect::read(&text),
        Kind::Sscom => sscom::read(&text),
        Kind::Docklight => docklight::read(&text),
        Kind::Dialogue => dialogue::read(&text),
    };
    if script.n_lines() == 0 {
        let help = format!("check the file, or say which tool it is for: `--kind` takes {}", Kind::names().join(", "));
        return Err((format!("nothing in it is for {}", kind.tool()), help));
    }
    finish::finish(kind, name, script).map_err(|why| (why, "report this text: an import always gives a flow".into()))
}

#[cfg(test)]
mod tests;
