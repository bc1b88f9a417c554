//! `flowrun allow [FILE]`: the word of the user that a `flowrun.toml` may have programs run.

use std::path::Path;

use super::Ending;
use super::args::AllowArguments;
use super::host::{data_folder, home};
use super::terminal::Terminal;
use crate::bench::{Bench, FILE, Ledger, Wrong, find};
use crate::diagnostic::{Code, Diagnostic};
use crate::value::escape::{harmless, harmless_path};

/// Allows a file as it is now, and shows what it would run.
pub(super) fn allow(arguments: &AllowArguments, terminal: &Terminal) -> Ending {
    match carry_out(arguments) {
        Ok(said) => {
            terminal.say(&said);
            Ending::Done
        }
        Err(wrong) => {
            terminal.report(&wrong.problems, &wrong.sources);
            Ending::Refused
        }
    }
}

fn carry_out(arguments: &AllowArguments) -> Result<String, Wrong> {
    let wrong = |code: Code, message: String, help: &str| {
        let problems = vec![Diagnostic::general(code, message).help(help)];
        Wrong { problems, sources: crate::source::Sources::default() }
    };
    let file = arguments.file.clone().or_else(|| find(Path::new("."), home().as_deref()));
    let file = file.ok_or_else(|| {
        let help = "name it, or go to its folder";
        wrong(Code::CommandLine, format!("there is no `{FILE}` here, nor above in the same repository"), help)
    })?;
    let bench = Bench::read(&file)?;
    let shown = harmless_path(&file);
    let programs = bench.programs();
    if programs.is_empty() {
        return Ok(format!("{shown} runs no programs: nothing to allow\n"));
    }
    let data = data_folder().ok_or_else(|| {
        let help = "set `HOME`, or `XDG_DATA_HOME` (on Windows `LOCALAPPDATA`)";
        wrong(Code::CommandLine, "there is no folder for the list of what is allowed".to_string(), help)
    })?;
    Ledger::below(&data).allow(&bench).map_err(|why| {
        let help = "only you may be able to write it, and the list of allowed files too";
        wrong(Code::BenchFile, format!("`{shown}` cannot be allowed: {}", harmless(why.to_string())), help)
    })?;
    let lines = programs.iter().map(|(place, program)| format!("  {}: {}\n", harmless(place), harmless(program)));
    Ok(format!("{shown} may run programs until it changes:\n{}", lines.collect::<String>()))
}
