//! Makes the pages of the site from docs, flows and snapshots, and looks whether every link of the site leads somewhere.
//!
//! It needs the standard library only, so that `rustc` makes it in a second: `.ci/site` does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What went wrong, in words that name the file.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// Reads a file, or says which one cannot be read.
fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file, and the folders that it is in.
fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns the files below a folder whose names end so, as paths from the root, in order.
pub(crate) fn files(root: &Path, folder: &str, end: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(root.join(folder)).map_err(|error| format!("{folder}: {error}"))?;
    for entry in entries {
        let entry = entry.map_err(|error| format!("{folder}: {error}"))?;
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(files(root, &path, end)?);
        } else if path.ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the documents that are pages of the site, as paths from the root: those in the root and in docs.
pub(crate) fn documents(root: &Path) -> Result<Vec<String>> {
    let mut found = files(root, "docs", ".md")?;
    for entry in fs::read_dir(root).map_err(|error| error.to_string())? {
        let name = entry.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned();
        found.extend(name.ends_with(".md").then_some(name));
    }
    found.retain(|path| path != "docs/SUMMARY.md");
    found.sort();
    Ok(found)
}

/// Says whether a document is in Chinese: those have a part of their own, at the end of the contents.
pub(crate) fn is_chinese(path: &str) -> bool {
    path.starts_with("docs/zh/") || path.ends_with(".zh.md")
}

/// Returns the part of the contents that is in Chinese: the first heading of each document.
fn chinese(root: &Path, documents: &[String]) -> Result<String> {
    let mut contents = String::new();
    for path in documents.iter().filter(|path| is_chinese(path)) {
        let text = read(&root.join(path))?;
        let title = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(path).replace(['[', ']'], "");
        contents += &format!("- [{title}]({})\n", place(path));
    }
    Ok(if contents.is_empty() { contents } else { format!("\n# 中文\n\n{contents}") })
}

/// Returns the path that a link in a file means: `docs/ports.md` and `../flows` are `flows`.
pub(crate) fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Returns the targets of the links in a document, as (begin, end) of its text: not those in code.
pub(crate) fn links(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let (mut at, mut fenced) = (0, false);
    for line in text.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if !fenced && !fence {
            let mut code = false;
            for (i, c) in line.char_indices() {
                code ^= c == '`';
                // A code span may be the words of a link: `]` then stands behind its end.
                if !code && line[i..].starts_with("](") {
                    let begin = i + 2;
                    let end = line[begin..].find(')').map_or(line.len(), |length| begin + length);
                    found.push((at + begin, at + end));
                }
            }
        }
        at += line.len();
    }
    found
}

/// Says whether a link leads out of the repository.
pub(crate) fn is_outside(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// Returns where a file of the repository is on the site, as the source of a page or as a file to copy.
fn place(path: &str) -> String {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".flow");
    match path {
        "README.md" => "index.md".into(),
        "flows" => "gallery.md".into(),
        _ if path.ends_with(".md") && !path.contains('/') => path.into(),
        _ if path.starts_with("docs/") => path["docs/".len()..].into(),
        _ if path == format!("flows/{stem}.flow") => format!("gallery/{stem}.md"),
        _ if path == format!("flows/devices/{stem}.flow") => format!("devices/{stem}.md"),
        // mdBook takes each `.md` for a page, and copies none.
        _ if path.ends_with(".md") => format!("files/{}.txt", path.trim_end_matches(".md")),
        _ => format!("files/{path}"),
    }
}

/// Returns the document with links that hold on the site. Other files that it links to are copied; folders have no page.
fn page(root: &Path, into: &Path, from: &str, text: &str) -> Result<String> {
    let up = "../".repeat(place(from).matches('/').count());
    let (mut made, mut at) = (String::new(), 0);
    for (begin, end) in links(text) {
        let target = &text[begin..end];
        made += &text[at..begin];
        at = end;
        let (path, anchor) = target.split_once('#').map_or((target, ""), |(path, anchor)| (path, anchor));
        if is_outside(target) || path.is_empty() {
            made += target;
            continue;
        }
        let path = resolve(from, path);
        let place = place(&path);
        let is_page = place.ends_with(".md") && !place.starts_with("files/");
        if root.join(&path).is_dir() && !is_page {
            let words = made.rfind('[').ok_or_else(|| format!("{from}: the link to {target} has no words"))?;
            made = format!("{}{}", &made[..words], &made[words + 1..made.len() - 2]);
            at = end + 1;
            continue;
        }
        if !root.join(&path).exists() {
            return Err(format!("{from}: there is no {path}, which it links to: mend the link"));
        }
        if !is_page {
            let bytes = fs::read(root.join(&path)).map_err(|error| format!("{path}: {error}"))?;
            write(&into.join(&place), bytes)?;
        }
        made += &format!("{up}{place}{}{anchor}", if anchor.is_empty() { "" } else { "#" });
    }
    Ok(made + &text[at..])
}

/// Returns the text as a block of code; no text can end it.
fn block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2) + 1;
    let fence = "`".repeat(longest);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end())
}

/// Returns a snapshot without its head.
fn snapshot(root: &Path, name: &str) -> Result<String> {
    let text = read(&root.join(format!("tests/snapshots/{name}.snap")))?;
    Ok(text.splitn(3, "---\n").nth(2).unwrap_or(&text).to_string())
}

/// Returns the file name of the page of a code: `flow-check-type` of `flow::check::type`.
pub(crate) fn error_page(code: &str) -> String {
    code.replace("::", "-")
}

/// Returns the rows of `docs/errors.md`: code, what is wrong, what to do, where it is tested.
pub(crate) fn errors(document: &str) -> Vec<[String; 4]> {
    let rows = document.lines().filter(|line| line.starts_with("| `flow::"));
    let cells = |row: &str| -> Option<[String; 4]> {
        let cells: Vec<String> = row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_string()).collect();
        cells.try_into().ok()
    };
    rows.filter_map(cells)
        .map(|[code, rest @ ..]| {
            let [wrong, todo, case] = rest;
            [code.trim_matches('`').to_string(), wrong, todo, case]
        })
        .collect()
}

/// Writes the page of each code, with the flow that shows it and what flowrun says of it; returns the lines of the contents.
fn write_errors(root: &Path, into: &Path) -> Result<String> {
    let mut contents = String::new();
    for [code, wrong, todo, case] in errors(&read(&root.join("docs/errors.md"))?) {
        let name = error_page(&code);
        let mut text = format!("# {code}\n\nWhat it means: {wrong}.\n\nWhat to do: {todo}.\n");
        let case = case.trim_matches('`');
        if let Ok(flow) = read(&root.join("tests/cases").join(case))
            && case.ends_with(".flow")
        {
            let said = format!("cases__{}", case.trim_end_matches(".flow").replace('/', "__"));
            text += &format!("\n## A flow that shows it\n\n{}", block("flow", &flow));
            text += &format!("\n## What flowrun says\n\n{}", block("text", &snapshot(root, &said)?));
        }
        text += &format!("\n`flowrun explain {code}` says this in a terminal. [All codes](../errors.md)\n");
        // The links of the table are relative to docs.
        let text = text.replace("](../errors.md)", "](errors.md)");
        let text = page(root, into, "docs/errors.md", &text)?;
        let text = up_one(&text);
        write(&into.join(format!("errors/{name}.md")), text)?;
        contents += &format!("  - [{code}](errors/{name}.md)\n");
    }
    Ok(contents)
}

/// Returns a page whose links were made for the top folder, for a folder below it.
fn up_one(text: &str) -> String {
    let (mut made, mut at) = (String::new(), 0);
    for (begin, end) in links(text) {
        made += &text[at..begin];
        made += if is_outside(&text[begin..end]) { "" } else { "../" };
        at = begin;
    }
    made + &text[at..]
}

/// Writes the page of each built-in flow and device; returns the lines of the contents.
fn write_gallery(root: &Path, into: &Path) -> Result<String> {
    let gallery = read(&root.join("docs/gallery.md"))?;
    let mut contents = String::new();
    let mut devices = BTreeSet::new();
    for row in gallery.lines().filter(|row| row.contains("](../flows/") && row.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [vendor, flow, sims, shows] = cells[..] else {
            return Err(format!("docs/gallery.md: four columns: {row}"));
        };
        let name = flow.trim_start_matches('[').split(']').next().unwrap_or(flow);
        let text = read(&root.join(format!("flows/{name}.flow")))?;
        let sims = sims.replace("../flows/devices/", "../devices/").replace(".flow)", ".md)");
        let made = format!(
            "# {name}\n\n{vendor}: {shows}.\n\n\
             - Simulated device: {sims}\n- Run it: `flowrun flows/{name}.flow --port sim`\n\
             - Copy it with its device: `flowrun examples {name} --write bench`\n- [All flows](../gallery.md)\n\n\
             ## The flow\n\n{}\n## What it says\n\n{}",
            block("flow", &text),
            block("text", &snapshot(root, &format!("transcripts__{name}"))?)
        );
        write(&into.join(format!("gallery/{name}.md")), made)?;
        contents += &format!("  - [{name}](gallery/{name}.md)\n");
    }
    for path in files(root, "flows/devices", ".flow")? {
        let name = path["flows/devices/".len()..].trim_end_matches(".flow").to_string();
        if !name.contains('/') && devices.insert(name.clone()) {
            let text = block("flow", &read(&root.join(&path))?);
            write(&into.join(format!("devices/{name}.md")), format!("# {name}, a simulated device\n\n{text}"))?;
        }
    }
    let devices = devices.iter().map(|name| format!("    - [{name}](devices/{name}.md)\n")).collect::<String>();
    Ok(format!("{contents}  - [Simulated devices](devices/index.md)\n{devices}"))
}

/// Makes the sources of the site below a folder that is empty or not there.
pub(crate) fn make(root: &Path, into: &Path) -> Result<()> {
    let gallery = write_gallery(root, into)?;
    let devices =
        "# Simulated devices\n\nEach answers as the real one does. [The gallery](../gallery.md) names their flows.\n";
    write(&into.join("devices/index.md"), devices)?;
    let errors = write_errors(root, into)?;
    let mut contents = String::new();
    for line in read(&root.join("docs/SUMMARY.md"))?.lines() {
        contents += &format!("{line}\n");
        match line {
            line if line.ends_with("(gallery.md)") => contents += &gallery,
            line if line.ends_with("(errors.md)") => contents += &errors,
            _ => {}
        }
    }
    let documents = documents(root)?;
    contents += &chinese(root, &documents)?;
    write(&into.join("SUMMARY.md"), summary(&contents))?;
    for path in &documents {
        let mut text = read(&root.join(path))?;
        if path == "docs/errors.md" {
            text = text.lines().map(with_link).collect();
        }
        // Pages of codes are made, and not in docs: their links are right already.
        let (made, kept) = ("](errors/flow-", "]\u{0}errors/flow-");
        let text = page(root, into, path, &text.replace(made, kept))?.replace(kept, made);
        write(&into.join(place(path)), text)?;
    }
    for path in files(root, "docs/pictures", ".svg")? {
        let bytes = fs::read(root.join(&path)).map_err(|error| format!("{path}: {error}"))?;
        write(&into.join(place(&path)), bytes)?;
    }
    Ok(())
}

/// Returns the table of contents with the places of the documents that are not in docs.
fn summary(contents: &str) -> String {
    contents.replace("(../README.md)", "(index.md)").replace("(../", "(")
}

/// Returns a row of `docs/errors.md` with a link to the page of its code.
fn with_link(row: &str) -> String {
    match row.strip_prefix("| `").and_then(|rest| rest.split_once('`')) {
        Some((code, rest)) if code.starts_with("flow::") => {
            format!("| [`{code}`](errors/{}.md){rest}\n", error_page(code))
        }
        _ => format!("{row}\n"),
    }
}

/// Returns what is wrong with the links of a folder of HTML: files and anchors that are not there.
pub(crate) fn check(folder: &Path) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let root = folder.to_path_buf();
    for name in files(&root, ".", ".html")? {
        let name = name.trim_start_matches("./").to_string();
        // The page of what is not found is shown at any address, and the list of pages is for those without scripts.
        if name == "404.html" || name == "toc.html" {
            continue;
        }
        let text = read(&root.join(&name))?;
        // What a text says stands outside of tags: there `<` is `&lt;`.
        let tags = text.split('<').filter_map(|part| part.split('>').next());
        let attributes = tags.flat_map(|tag| tag.split(" href=\"").skip(1).chain(tag.split(" src=\"").skip(1)));
        for target in attributes.filter_map(|rest| rest.split('"').next()) {
            if is_outside(target) || target.starts_with("data:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { name.clone() } else { resolve(&name, path) };
            let found = root.join(&path);
            let found: PathBuf = if found.is_dir() { found.join("index.html") } else { found };
            let there = found.is_file();
            let id = format!("id=\"{anchor}\"");
            if !there || (!anchor.is_empty() && path.ends_with(".html") && !read(&found)?.contains(&id)) {
                wrong.push(format!("{name}: {target}"));
            }
        }
    }
    Ok(wrong)
}

/// `site make ROOT FOLDER` or `site check FOLDER`.
fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", root, into] => make(Path::new(root), Path::new(into)),
        ["check", folder] => match check(Path::new(folder))? {
            wrong if wrong.is_empty() => Ok(()),
            wrong => Err(format!("links that lead nowhere:\n{}", wrong.join("\n"))),
        },
        _ => Err("site make ROOT FOLDER, or site check FOLDER".into()),
    }
}
