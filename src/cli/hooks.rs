//! The hooks of a flow that runs on a real port: the programs that `flowrun.toml` names, if its user has allowed it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Ending;
use super::host::home;
use super::named::check_allowed;
use super::terminal::Terminal;
use crate::bench::{Bench, FILE, Wrong, find};
use crate::disk::folder_of;
use crate::hook::Programs;
use crate::program::{Op, Program, Role};
use crate::setup::read_program;
use crate::source::name_of;

/// Returns what the hooks of several flows stand for, by the flow's file.
///
/// # Errors
///
/// As for one of them.
pub(super) fn programs_for_all(
    files: &[PathBuf],
    terminal: &Terminal,
) -> Result<HashMap<PathBuf, Arc<Programs>>, Ending> {
    let mut programs = HashMap::new();
    for file in files {
        // What is wrong with a flow is told when its turn comes.
        let Ok(read) = read_program(Role::Flow, file) else { continue };
        if let Some(of_flow) = programs_for(&read.program, file, terminal)? {
            programs.insert(file.clone(), of_flow);
        }
    }
    Ok(programs)
}

/// Returns what the hooks of a flow stand for; `None` if it has none. The file is looked for from the flow's folder upwards.
///
/// # Errors
///
/// Something is wrong with the file, or it is not allowed to run programs, and that has been told.
pub(super) fn programs_for(flow: &Program, file: &Path, terminal: &Terminal) -> Result<Option<Arc<Programs>>, Ending> {
    if !flow.ops.iter().any(|op| matches!(op, Op::Hook(_))) {
        return Ok(None);
    }
    let folder = folder_of(file);
    let Some(bench) = find(folder, home().as_deref()) else {
        let none = Programs { file: FILE.to_string(), folder: folder.to_path_buf(), programs: Vec::new() };
        return Ok(Some(Arc::new(none)));
    };
    let bench = Bench::read(&bench).map_err(|Wrong { problems, sources }| {
        terminal.report(&problems, &sources);
        Ending::Refused
    })?;
    if let Some(first) = bench.hooks.first() {
        check_allowed(&bench, first.site, "this runs a program").map_err(|problem| {
            terminal.report(&[*problem], &bench.sources);
            Ending::Refused
        })?;
    }
    let programs = bench.hooks.into_iter().map(|hook| (hook.name, hook.words)).collect();
    let folder = folder_of(&bench.file).to_path_buf();
    Ok(Some(Arc::new(Programs { file: name_of(&bench.file), folder, programs })))
}
