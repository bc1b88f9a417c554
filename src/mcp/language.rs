//! Tools from which an agent learns the language: its document, the built-in flows and libraries, and the codes of problems.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::arguments::Arguments;
use super::root::Root;
use super::texts::shown;
use super::{Answer, Refusal};
use crate::diagnostic::nearest::nearest;
use crate::disk::put;
use crate::load::STANDARD;
use crate::reference::{Explained, Found, codes, explain, topics};
use crate::shipped::{Example, examples, introduction};
use crate::value::escape::visible_cut;

fn unknown(kind: &str, typed: &str, known: &[&str]) -> Refusal {
    let message = format!("there is no {kind} `{}`", visible_cut(typed.as_bytes(), 60));
    let help = match nearest(typed, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? call the tool without arguments to list them all"),
        None => "call the tool without arguments to list them all".to_string(),
    };
    Refusal::new(message, help)
}

/// Says what a code means, or lists all codes.
pub(super) fn explain_code(arguments: &Arguments<'_>) -> Answer {
    let of = |known: Explained| {
        json!({
            "code": known.code, "group": known.group, "what_is_wrong": known.wrong, "what_to_do": known.remedy,
        })
    };
    let Some(code) = arguments.text("code")? else {
        let all = codes().into_iter().map(|known| json!({ "code": known.code, "what_is_wrong": known.wrong }));
        return Ok(json!({ "codes": all.collect::<Vec<_>>() }));
    };
    let known = || codes().into_iter().map(|known| known.code).collect::<Vec<_>>();
    explain(code).map(of).ok_or_else(|| unknown("code", code, &known()))
}

/// Shows the language: its topics, or one of them.
pub(super) fn language(arguments: &Arguments<'_>) -> Answer {
    let Some(topic) = arguments.text("topic")? else {
        return Ok(json!({
            "topics": topics(),
            "hint": "call `language` with one of these, or with a word of the language: `expect`, `sha256`",
        }));
    };
    match Found::about(topic) {
        Some(Found::Section(text)) => Ok(json!({ "topic": topic, "text": text })),
        Some(Found::Rows(rows)) => {
            let rows = rows.into_iter().map(|(section, row)| json!({ "section": section, "row": row }));
            Ok(json!({ "topic": topic, "rows": rows.collect::<Vec<_>>() }))
        }
        None => Err(unknown("topic", topic, &topics())),
    }
}

/// Shows the libraries of `std/`, or one of them.
pub(super) fn standard(arguments: &Arguments<'_>) -> Answer {
    let Some(name) = arguments.text("name")? else {
        let libraries = STANDARD.iter().map(|(name, text)| {
            let first = introduction(text).into_iter().find(|line| !line.is_empty()).unwrap_or_default();
            json!({ "name": name, "about": first })
        });
        return Ok(
            json!({ "libraries": libraries.collect::<Vec<_>>(), "hint": "a flow takes one: `use \"std/modem\"`" }),
        );
    };
    let short = name.trim_start_matches("std/").trim_end_matches(".flow");
    let names: Vec<&str> = STANDARD.iter().map(|(name, _)| *name).collect();
    let found = STANDARD.iter().find(|(known, _)| known.trim_start_matches("std/") == short);
    let (name, text) = found.ok_or_else(|| unknown("library", name, &names))?;
    Ok(json!({ "name": name, "text": text }))
}

/// Lists the built-in flows, shows one with all that it names, or writes its files.
pub(super) fn examples_of(root: &Root, arguments: &Arguments<'_>) -> Answer {
    let Some(name) = arguments.text("name")? else {
        let flows = examples().map(|example| json!({ "name": example.name, "title": example.title() }));
        return Ok(json!({ "examples": flows.collect::<Vec<_>>() }));
    };
    let short = name.trim_end_matches(".flow");
    let names: Vec<&str> = examples().map(|example| example.name).collect();
    let example = examples().find(|example| example.name == short).ok_or_else(|| unknown("example", name, &names))?;
    let Some(folder) = arguments.text("write_to")? else {
        let files = example.files();
        let files = files.iter().map(|(path, text)| json!({ "file": shown(path), "text": text }));
        return Ok(json!({ "name": example.name, "files": files.collect::<Vec<_>>() }));
    };
    write(root, &example, folder)
}

fn write(root: &Root, example: &Example, folder: &str) -> Answer {
    let folder = root.existing(folder)?;
    let files: Vec<(PathBuf, &str)> =
        example.files().into_iter().map(|(path, text)| (folder.join(path), text)).collect();
    if let Some((path, _)) = files.iter().find(|(path, _)| root.full(path).symlink_metadata().is_ok()) {
        let message = format!("`{}` is already there; nothing was written", shown(path));
        return Err(Refusal::new(message, "name another folder in `write_to`"));
    }
    for (path, text) in &files {
        let full = root.full(path);
        let written = full.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| put(&full, *text));
        written.map_err(|error| {
            let message = format!("`{}` cannot be written: {error}", shown(path));
            Refusal::new(message, "look at the rights of the folder and at the free space")
        })?;
    }
    let written: Vec<Json> = files.iter().map(|(path, _)| shown(path).into()).collect();
    Ok(json!({ "name": example.name, "written": written, "flow": shown(&folder.join(example.file)) }))
}
