//! `flowrun import`: a flow made of a script or a list of another tool.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use super::Ending;
use super::args::ImportArguments;
use super::terminal::Terminal;
use crate::diagnostic::{Code, Diagnostic};
use crate::disk::{LARGEST_TEXT, Reach, read_file, too_large};
use crate::import::{Imported, Kind, import as make_flow};
use crate::source::name_of;
use crate::transport::in_words;
use crate::value::encoding::from_gbk;
use crate::value::escape::{harmless, harmless_path};

/// So many lines without a translation are named; the flow has all of them.
const MOST_NAMED: usize = 20;

/// Makes a flow, and says what of the script is in it.
pub(super) fn import(arguments: &ImportArguments, terminal: &Terminal) -> Ending {
    let refuse = |problem: Diagnostic| {
        terminal.refuse(problem);
        Ending::Refused
    };
    if let Some(problem) = arguments.output.as_deref().and_then(check_place) {
        return refuse(problem);
    }
    let is_input = arguments.file == Path::new("-");
    let shown = if is_input { "standard input".to_string() } else { name_of(&arguments.file) };
    let text = match read(&arguments.file, is_input) {
        Ok(text) => text,
        Err(reason) => {
            let message = format!("`{shown}` cannot be read: {}", harmless(reason));
            return refuse(Diagnostic::general(Code::LoadUnreadable, message).help("check the path"));
        }
    };
    let name = if is_input {
        "standard input".into()
    } else {
        arguments.file.file_name().unwrap_or_default().to_string_lossy()
    };
    let imported = match make_flow(&text, &harmless(name.as_bytes()), arguments.kind.map(Kind::from)) {
        Ok(imported) => imported,
        Err((why, help)) => {
            let message = format!("`{shown}` cannot be imported: {why}");
            return refuse(Diagnostic::general(Code::CommandLine, message).help(help));
        }
    };
    match &arguments.output {
        None => terminal.say(&imported.flow),
        Some(path) => {
            let file = File::options().write(true).create_new(true).open(path);
            if let Err(error) = file.and_then(|mut file| file.write_all(imported.flow.as_bytes())) {
                let message = format!("`{}` cannot be written: {}", harmless_path(path), in_words(&error));
                terminal.refuse(Diagnostic::general(Code::CommandLine, message).help("choose another place with -o"));
                return Ending::Outside;
            }
        }
    }
    terminal.hint(&summary(&imported, arguments.output.as_deref()));
    Ending::Done
}

/// Returns why a flow cannot be written to a place.
fn check_place(path: &Path) -> Option<Diagnostic> {
    let problem = |message: String, help: &str| Some(Diagnostic::general(Code::CommandLine, message).help(help));
    if path.extension().is_none_or(|extension| extension != "flow") {
        let message = format!("`{}` cannot be the name of a flow", harmless_path(path));
        return problem(message, "write a name that ends with `.flow`: `-o new.flow`");
    }
    if path.symlink_metadata().is_ok() {
        let message = format!("`{}` is already there", harmless_path(path));
        return problem(message, "choose another name, or move it away: nothing is overwritten");
    }
    None
}

fn read(path: &Path, is_input: bool) -> Result<String, String> {
    let read = if is_input { read_input() } else { read_file(path, Reach::Anywhere, LARGEST_TEXT) };
    let bytes = read.map_err(|error| in_words(&error))?;
    // Tools for Windows write their files in the encoding of the country.
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let bytes = error.into_bytes();
            Ok(from_gbk(&bytes).unwrap_or_else(|| bytes.iter().map(|byte| char::from(*byte)).collect()))
        }
    }
}

fn read_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().take(LARGEST_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_TEXT { Err(too_large(LARGEST_TEXT)) } else { Ok(bytes) }
}

/// Says how much of a script the flow has, and which lines it does not.
fn summary(imported: &Imported, output: Option<&Path>) -> String {
    let (n, all) = (imported.n_translated(), imported.n_lines);
    let mut text = format!("\n{n} of {all} lines translated (kind: {}).\n", imported.kind.name());
    for lost in imported.lost.iter().take(MOST_NAMED) {
        text.push_str(&format!("  line {}: {} ({})\n", lost.line, harmless(&lost.text), harmless(&lost.why)));
    }
    if imported.lost.len() > MOST_NAMED {
        text.push_str(&format!("  and {} more, all in the flow\n", imported.lost.len() - MOST_NAMED));
    }
    match output {
        Some(path) => {
            let path = harmless_path(path);
            text.push_str(&format!("wrote {path}; read it, then run it: `flowrun {path} --port PORT`\n"));
        }
        None => text.push_str("`-o new.flow` writes it to a file.\n"),
    }
    text
}
