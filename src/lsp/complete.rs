//! What may be typed at a place, as the grammar, the tables and the names of the file say.

use std::collections::BTreeSet;
use std::path::Path;

use super::hover::{describe, describe_function};
use super::names::{Kind, Scope, Use};
use super::{Known, Position, Range, Workspace};
use crate::diagnostic::Code;
use crate::function::Function;
use crate::load::STANDARD;
use crate::reference::{Entry, Reference, Subject};
use crate::settings::SETTINGS;
use crate::source::{Span, name_of};
use crate::syntax::ast::{FileKind, StatementKind};
use crate::syntax::table::Place;
use crate::syntax::{Next, next};

/// What is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ItemKind {
    /// A variable, a param, a parameter.
    Variable,
    /// A procedure.
    Procedure,
    /// A port.
    Port,
    /// A function.
    Function,
    /// A statement.
    Statement,
    /// A word of the language.
    Keyword,
    /// A setting.
    Setting,
    /// One of few values.
    Value,
    /// A file.
    File,
}

/// What is put into the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Insert {
    /// This.
    Text(String),
    /// A snippet: `$1` is where the user goes on.
    Snippet(String),
}

/// Something that may be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// What the list shows.
    pub label: String,
    /// What it is.
    pub kind: ItemKind,
    /// What it is, in a few words.
    pub detail: String,
    /// What is said about it, as Markdown.
    pub what: String,
    /// What is put in place of the word that is begun.
    pub insert: Insert,
    /// The word that is begun.
    pub replace: Range,
}

impl Workspace {
    /// Returns what may be typed at a position; the word that is begun there does not matter.
    pub(crate) fn completions(&self, path: &Path, position: Position) -> Vec<Item> {
        let (Some(document), Some(known)) = (self.text(path), self.recent(path)) else { return Vec::new() };
        let text = document.as_str();
        let at = document.offset(position);
        let line_start = document.start_of(position.line);
        let spot = Spot::new(&known, text, at);
        let mut list =
            List { items: Vec::new(), reference: &self.reference, replace: Range { start: position, end: position } };
        match quoted(&text[line_start..at]) {
            Quoted::Comment(begun) => {
                if let Some(word) = begun.trim_start().strip_prefix("allow ") {
                    list.replace.start = document.position(at - word.rsplit([' ', ',']).next().unwrap_or("").len());
                    list.lints();
                }
                return list.items;
            }
            Quoted::Text { before, begun } => {
                list.replace.start = document.position(at - begun.len());
                let word = before.split_whitespace().last().unwrap_or_default();
                if matches!(word, "use" | "sim") {
                    self.add_files(path, word == "use", &mut list);
                }
                return list.items;
            }
            Quoted::Nothing => {}
        }
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let begun: usize = text[line_start..at].chars().rev().take_while(|c| is_word(*c)).map(char::len_utf8).sum();
        let begin = at - begun;
        list.replace.start = document.position(begin);
        if text[..begin].ends_with('.') {
            return list.items;
        }
        let from = start_before(&known, line_start.min(spot.unchanged));
        let before = &text[from..begin];
        let word = before.split_whitespace().last().unwrap_or_default();
        for next in next(before) {
            match next {
                Next::Statement => self.add_statements(&known, spot.at, &mut list),
                Next::Word(word) => list.keyword(word),
                Next::Value => add_values(&known, spot.at, &mut list),
                Next::Pattern => ["line", "prompt"].into_iter().for_each(|word| list.pattern(word)),
                Next::Name => self.add_names(path, &known, spot.at, word, before, &mut list),
                Next::Setting => SETTINGS.iter().for_each(|(name, wanted)| list.setting(name, wanted)),
                Next::SettingValue => list.setting_values(word),
                Next::OtherWord if word == "by" => list.protocols(),
                Next::OtherWord => {}
            }
        }
        list.items
    }

    /// Offers statements: those that the kind of the file has.
    fn add_statements(&self, known: &Known, at: usize, list: &mut List<'_>) {
        let depth_is_top = known.names.scope_at(at) == Scope::Main && is_top_level(known, at);
        let kind = known.kind();
        let Some(kind) = kind else {
            for word in ["flow", "device", "library"] {
                list.snippet(word, ItemKind::Statement, "the first line of a file", format!("{word} \"$1\"\n"));
            }
            return;
        };
        let mut seen = BTreeSet::new();
        for entry in &self.reference.entries {
            let fits = match entry.subject {
                Subject::Statement(Place::Declaration) => depth_is_top,
                Subject::Statement(Place::Statement) => kind != FileKind::Library || !depth_is_top || watches(entry),
                Subject::Statement(Place::Device) => kind == FileKind::Device,
                Subject::Pattern | Subject::Setting | Subject::Function => false,
            };
            if !fits {
                continue;
            }
            for form in entry.each_form() {
                let word = form.split([' ', '(']).next().unwrap_or(form);
                if seen.insert(word) {
                    let what = describe(&self.reference, word, |subject| matches!(subject, Subject::Statement(_)))
                        .unwrap_or_default();
                    let insert = snippet_of(word);
                    list.add(word, ItemKind::Statement, form.to_string(), what, insert);
                }
            }
        }
    }

    /// Offers names where only names can stand.
    fn add_names(&self, path: &Path, known: &Known, at: usize, word: &str, before: &str, list: &mut List<'_>) {
        let statement = before.rsplit(['\n', '{', '}']).next().unwrap_or(before);
        let is_for_port = statement.trim_start().starts_with("use ") && statement.contains(" for ");
        match word {
            "call" => {
                for found in self.procedures(path) {
                    let name = &found.occurrence.name;
                    let head = procedure_head(&found.known, found.occurrence.span, name);
                    let snippet = format!("{name}($1)");
                    list.add(name, ItemKind::Procedure, head, found.described(), Insert::Snippet(snippet));
                }
            }
            _ if word == "using" || is_for_port => {
                let ports = self.program_of(path).into_iter().filter_map(|file| self.known(&file));
                let users = self.users(path).into_iter().filter_map(|file| self.known(&file));
                for file in ports.chain(users) {
                    let declared =
                        |found: &&super::names::Occurrence| found.kind == Kind::Port && found.usage == Use::Declared;
                    for port in file.names.all.iter().filter(declared) {
                        list.add(
                            &port.name,
                            ItemKind::Port,
                            "port".into(),
                            String::new(),
                            Insert::Text(port.name.clone()),
                        );
                    }
                }
            }
            "save" | "volatile" => add_variables(known, at, list),
            _ if statement.trim_start().starts_with("save ") => add_variables(known, at, list),
            // A new name is the user's own.
            _ => {}
        }
    }

    /// Offers files that may be used or simulated: below the folder of this one, and what is built in.
    fn add_files(&self, path: &Path, is_library: bool, list: &mut List<'_>) {
        let folder = super::folder_of(path);
        for file in self.disk.flows(folder).into_iter().chain(self.open.keys().cloned()) {
            let Ok(below) = file.strip_prefix(folder) else { continue };
            let wanted = if is_library { FileKind::Library } else { FileKind::Device };
            let Some(known) = self.known(&file).filter(|known| known.kind() == Some(wanted)) else { continue };
            if file != path {
                let title = known.parsed.file.header.as_ref().map(|header| header.title.clone()).unwrap_or_default();
                let name = name_of(below);
                list.add(&name, ItemKind::File, title, String::new(), Insert::Text(name.clone()));
            }
        }
        if is_library {
            for (name, text) in STANDARD {
                let first = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or_default();
                list.add(name, ItemKind::File, first.to_string(), String::new(), Insert::Text((*name).to_string()));
            }
        }
    }
}

/// A place in a document, as the tree of an earlier version has it.
struct Spot {
    /// The byte in the earlier text.
    at: usize,
    /// So many bytes at the beginning are the same in both.
    unchanged: usize,
}

impl Spot {
    fn new(known: &Known, text: &str, at: usize) -> Spot {
        let before = known.text.as_str();
        let unchanged = before.bytes().zip(text.bytes()).take_while(|(old, new)| old == new).count();
        let moved = || (at + before.len()).saturating_sub(text.len()).max(unchanged);
        Spot { at: if at <= unchanged { at } else { moved() }, unchanged }
    }
}

/// Whether a statement may stand at the top level of a library: a watcher.
fn watches(entry: &Entry) -> bool {
    entry.each_form().iter().any(|form| {
        form.starts_with("on ")
            || form.starts_with("ignore")
            || form.starts_with("fail on")
            || form.starts_with("fail now on")
    })
}

/// What is begun and not closed at the end of a line.
enum Quoted<'a> {
    /// A comment, without its sign.
    Comment(&'a str),
    /// A text in quotes, with what stands before it on the line.
    Text { before: &'a str, begun: &'a str },
    /// Neither; a value inside of a text is neither, too.
    Nothing,
}

fn quoted(line: &str) -> Quoted<'_> {
    let mut open: Option<(char, usize)> = None;
    let mut values: Vec<(char, usize)> = Vec::new();
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (open, c) {
            (Some(('"', _)), '\\') => drop(chars.next()),
            (Some(quote), '$') if chars.peek().is_some_and(|(_, next)| *next == '{') => {
                chars.next();
                values.push(quote);
                open = None;
            }
            (Some((closing, _)), c) if c == closing => open = None,
            (Some(_), _) => {}
            (None, '#') => return Quoted::Comment(&line[at + 1..]),
            (None, '"' | '`') => open = Some((c, at)),
            (None, '}') => open = values.pop().or(open),
            (None, _) => {}
        }
    }
    match open {
        Some((_, at)) => Quoted::Text { before: &line[..at], begun: &line[at + 1..] },
        None => Quoted::Nothing,
    }
}

/// Returns a byte before a line at which a statement of the file begins, so that not the whole file is read once more.
fn start_before(known: &Known, line_start: usize) -> usize {
    let ends = known.parsed.file.body.iter().filter(|statement| (statement.span.end as usize) < line_start);
    // The statement before may go on: `else`.
    ends.map(|statement| statement.span.start as usize).max().unwrap_or(0)
}

/// Whether a byte is in no block of the file.
fn is_top_level(known: &Known, at: usize) -> bool {
    !known.parsed.file.body.iter().any(|statement| {
        statement.blocks().iter().any(|block| (block.span.start as usize) < at && at < block.span.end as usize)
    })
}

fn add_values(known: &Known, at: usize, list: &mut List<'_>) {
    add_variables(known, at, list);
    for function in Function::all() {
        let described = describe_function(list.reference, function);
        let name = function.signature().name;
        let snippet =
            if function.signature().parameters.is_empty() { format!("{name}()") } else { format!("{name}($1)") };
        list.add(name, ItemKind::Function, described.head, described.what, Insert::Snippet(snippet));
    }
    ["true", "false", "not"].into_iter().for_each(|word| list.keyword(word));
}

/// Offers the variables that are known at a byte.
fn add_variables(known: &Known, at: usize, list: &mut List<'_>) {
    let scope = known.names.scope_at(at);
    for found in &known.names.all {
        let is_visible = found.scope == Scope::File || found.scope == scope;
        let is_begun = found.span.start as usize <= at && at <= found.span.end as usize && found.usage == Use::Read;
        if is_visible && !is_begun && (found.usage != Use::Read) {
            let name = found.name.clone();
            list.add(
                &name,
                ItemKind::Variable,
                found.kind.title().to_string(),
                String::new(),
                Insert::Text(name.clone()),
            );
        }
    }
}

/// Returns the head of a procedure: its name and its parameters.
fn procedure_head(known: &Known, span: Span, name: &str) -> String {
    let mut head = format!("{name}()");
    super::across::each_statement(&known.parsed.file.body, &mut |statement| {
        if let StatementKind::Procedure { name, parameters, .. } = &statement.kind
            && name.span == span
        {
            let parameters: Vec<&str> = parameters.iter().map(|parameter| parameter.node.as_str()).collect();
            head = format!("{}({})", name.node, parameters.join(", "));
        }
    });
    head
}

/// Returns what a statement begins with in the text, and where its user goes on.
fn snippet_of(word: &str) -> Insert {
    let rest = match word {
        "step" => " \"$1\" {\n  $0\n}",
        "procedure" => " ${1:name}($2) {\n  $0\n}",
        "port" => " ${1:name} {\n  $0\n}",
        "using" => " ${1:port} {\n  $0\n}",
        "serial" | "try" | "finally" => " {\n  $0\n}",
        "if" => " $1 {\n  $0\n}",
        "repeat" => " ${1:3} {\n  $0\n}",
        "for" => " ${1:item} in ${2:list} {\n  $0\n}",
        "after" => " ${1:1s} {\n  $0\n}",
        "use" | "sim" | "tag" => " \"$1\"",
        "restart" | "flush" | "return" | "unplug" => "",
        _ => " ",
    };
    if rest.contains('$') { Insert::Snippet(format!("{word}{rest}")) } else { Insert::Text(format!("{word}{rest}")) }
}

struct List<'a> {
    items: Vec<Item>,
    reference: &'a Reference,
    /// The word that is begun.
    replace: Range,
}

impl List<'_> {
    fn add(&mut self, label: &str, kind: ItemKind, detail: String, what: String, insert: Insert) {
        if self.items.iter().any(|item| item.label == label && item.kind == kind) {
            return;
        }
        self.items.push(Item { label: label.to_string(), kind, detail, what, insert, replace: self.replace });
    }

    fn snippet(&mut self, label: &str, kind: ItemKind, detail: &str, snippet: String) {
        self.add(label, kind, detail.to_string(), String::new(), Insert::Snippet(snippet));
    }

    fn keyword(&mut self, word: &str) {
        let (label, insert) = (word, Insert::Text(format!("{word} ")));
        if !self.items.iter().any(|item| item.label == label) {
            self.add(label, ItemKind::Keyword, String::new(), String::new(), insert);
        }
    }

    fn pattern(&mut self, word: &str) {
        let what = describe(self.reference, word, |subject| subject == Subject::Pattern).unwrap_or_default();
        self.add(word, ItemKind::Keyword, "pattern".into(), what, Insert::Text(format!("{word} ")));
    }

    fn setting(&mut self, name: &str, wanted: &str) {
        let what = describe(self.reference, name, |subject| subject == Subject::Setting).unwrap_or_default();
        self.add(name, ItemKind::Setting, wanted.replace('`', ""), what, Insert::Text(format!("{name} ")));
    }

    /// Offers the words that a setting may be.
    fn setting_values(&mut self, setting: &str) {
        let Some((_, wanted)) = SETTINGS.iter().find(|(name, _)| *name == setting) else { return };
        for value in wanted.split('`').skip(1).step_by(2) {
            self.add(value, ItemKind::Value, setting.to_string(), String::new(), Insert::Text(value.to_string()));
        }
    }

    fn protocols(&mut self) {
        for entry in &self.reference.entries {
            if entry.forms.starts_with("`receive_file") {
                for word in entry.what.split('`').skip(1).step_by(2) {
                    self.add(word, ItemKind::Value, "protocol".into(), String::new(), Insert::Text(word.to_string()));
                }
            }
        }
    }

    /// Offers the warnings that `# allow` can name.
    fn lints(&mut self) {
        for explained in crate::reference::codes() {
            let is_warning = Code::ALL
                .iter()
                .any(|code| code.text() == explained.code && code.severity() == crate::diagnostic::Severity::Warning);
            if let (true, Some(name)) = (is_warning, explained.code.rsplit("::").next()) {
                let detail = explained.wrong.to_string();
                self.add(name, ItemKind::Value, detail, String::new(), Insert::Text(name.to_string()));
            }
        }
    }
}
