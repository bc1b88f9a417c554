//! What a file is made of: its symbols, and what can be folded.

use std::path::{Path, PathBuf};

use super::{Position, Range, Text, Workspace};
use crate::source::Span;
use crate::syntax::ast::{ExprKind, Pattern, Piece, Secrecy, Statement, StatementKind};

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SymbolKind {
    /// The file itself: its header.
    File,
    /// A step.
    Step,
    /// A procedure.
    Procedure,
    /// A param, a secret, a file, a state, a wire.
    Declared,
    /// A port.
    Port,
    /// What a device does when something comes.
    Handler,
}

/// Something with a name in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    /// The name.
    pub name: String,
    /// What people call its kind, such as `step`.
    pub detail: &'static str,
    /// What it is.
    pub kind: SymbolKind,
    /// All of it.
    pub range: Range,
    /// Its name, in the range.
    pub selection: Range,
    /// What stands in it.
    pub children: Vec<Symbol>,
}

/// What is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FoldKind {
    /// A block.
    Block,
    /// Comments on lines of their own.
    Comment,
}

/// Lines that an editor may show as one: from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    /// What it is.
    pub kind: FoldKind,
    /// The first line.
    pub from: u32,
    /// The last line.
    pub to: u32,
}

impl Workspace {
    /// Returns the symbols of a file, each with those in it.
    pub(crate) fn symbols(&self, path: &Path) -> Vec<Symbol> {
        let Some(known) = self.known(path) else { return Vec::new() };
        let inner = symbols(&known.parsed.file.body, &known.text);
        let Some(header) = &known.parsed.file.header else { return inner };
        let whole = known.text.whole();
        let selection = known.text.range(header.span);
        let name = if header.title.is_empty() { header.kind.title().to_string() } else { header.title.clone() };
        let range = Range { start: selection.start, end: whole.end.max(selection.end) };
        vec![Symbol { name, detail: header.kind.title(), kind: SymbolKind::File, range, selection, children: inner }]
    }

    /// Returns the procedures and titles of all files of the folders whose names have a text in them.
    pub(crate) fn symbols_everywhere(&self, query: &str) -> Vec<(PathBuf, Symbol)> {
        let query = query.to_lowercase();
        let mut found = Vec::new();
        for path in self.flows() {
            let mut open = self.symbols(&path);
            while let Some(symbol) = open.pop() {
                open.extend(symbol.children.iter().cloned());
                if symbol.name.to_lowercase().contains(&query) {
                    found.push((path.clone(), Symbol { children: Vec::new(), ..symbol }));
                }
            }
        }
        found
    }

    /// Returns what can be folded, in the order of the text.
    pub(crate) fn folds(&self, path: &Path) -> Vec<Fold> {
        let Some(known) = self.known(path) else { return Vec::new() };
        let text = &known.text;
        let mut folds = Vec::new();
        super::across::each_statement(&known.parsed.file.body, &mut |statement| {
            let settings = matches!(
                statement.kind,
                StatementKind::Serial(_)
                    | StatementKind::Port(_)
                    | StatementKind::ExpectAny { .. }
                    | StatementKind::ExpectAll { .. }
            );
            let blocks = statement.blocks().into_iter().map(|block| block.span);
            for span in blocks.chain(settings.then_some(statement.span)) {
                let (from, to) = (text.position(span.start as usize).line, text.position(span.end as usize).line);
                // The last line, with its `}`, stays to be seen.
                if to > from + 1 {
                    folds.push(Fold { kind: FoldKind::Block, from, to: to - 1 });
                }
            }
        });
        folds.extend(comments(&known.parsed.comments, text));
        folds.sort_by_key(|fold| (fold.from, fold.to));
        folds.dedup();
        folds
    }

    /// Returns the ranges around a position, the narrowest first: blocks and statements.
    pub(crate) fn around(&self, path: &Path, position: Position) -> Vec<Range> {
        let Some(known) = self.known(path) else { return Vec::new() };
        let at = known.text.offset(position);
        let mut spans: Vec<Span> = known.names.at(at).map(|found| found.span).into_iter().collect();
        super::across::each_statement(&known.parsed.file.body, &mut |statement| {
            let blocks = statement.blocks().into_iter().map(|block| block.span);
            spans.extend([statement.span].into_iter().chain(blocks).filter(|span| span.range().contains(&at)));
        });
        spans.sort_by_key(|span| span.end - span.start);
        spans.dedup();
        let ranges = spans.into_iter().map(|span| known.text.range(span));
        ranges.chain([known.text.whole()]).collect()
    }
}

/// Returns runs of comments that stand on lines of their own.
fn comments(comments: &[Span], text: &Text) -> Vec<Fold> {
    let mut folds: Vec<Fold> = Vec::new();
    for comment in comments {
        let line = text.position(comment.start as usize).line;
        if !text.line(line).trim_start().starts_with('#') {
            continue;
        }
        match folds.last_mut() {
            Some(last) if last.to + 1 == line => last.to = line,
            Some(_) | None => folds.push(Fold { kind: FoldKind::Comment, from: line, to: line }),
        }
    }
    folds.retain(|fold| fold.to > fold.from);
    folds
}

fn symbols(body: &[Statement], text: &Text) -> Vec<Symbol> {
    let mut found = Vec::new();
    for statement in body {
        let inner = || statement.blocks().into_iter().flat_map(|block| symbols(&block.body, text)).collect();
        match named(statement, text) {
            Some((name, detail, kind, selection)) if !name.is_empty() => found.push(Symbol {
                name,
                detail,
                kind,
                range: text.range(statement.span),
                selection: text.range(selection),
                children: inner(),
            }),
            Some(_) | None => found.extend(inner()),
        }
    }
    found
}

/// Returns what a statement is called, if it is a symbol.
fn named(statement: &Statement, text: &Text) -> Option<(String, &'static str, SymbolKind, Span)> {
    let kind = &statement.kind;
    if let StatementKind::Step(step) = kind {
        return Some((title(&step.title.kind, text.slice(step.title.span)), "step", SymbolKind::Step, step.title.span));
    }
    if let StatementKind::Procedure { name, parameters, .. } = kind {
        let parameters: Vec<&str> = parameters.iter().map(|parameter| parameter.node.as_str()).collect();
        let shown = format!("{}({})", name.node, parameters.join(", "));
        return Some((shown, "procedure", SymbolKind::Procedure, name.span));
    }
    if let StatementKind::Param(param) = kind {
        let detail = match param.secrecy {
            _ if param.is_file => "file",
            Secrecy::Secret => "secret",
            Secrecy::Open => "param",
        };
        return Some((param.name.node.clone(), detail, SymbolKind::Declared, param.name.span));
    }
    if let StatementKind::State { name, .. } = kind {
        return Some((name.node.clone(), "state", SymbolKind::Declared, name.span));
    }
    if let StatementKind::Wire { name, .. } = kind {
        return Some((name.node.clone(), "wire", SymbolKind::Declared, name.span));
    }
    if let StatementKind::Port(port) = kind {
        return Some((port.name.node.clone(), "port", SymbolKind::Port, port.name.span));
    }
    if let StatementKind::On { pattern: Pattern { span, .. }, .. } = kind {
        return Some((text.slice(*span).to_string(), "on", SymbolKind::Handler, *span));
    }
    if let StatementKind::OnHook { name, .. } = kind {
        return Some((name.node.clone(), "on hook", SymbolKind::Handler, name.span));
    }
    if let StatementKind::OnWire { name, .. } = kind {
        return Some((name.node.clone(), "on wire", SymbolKind::Handler, name.span));
    }
    if let StatementKind::OnSignal { signal, .. } = kind {
        return Some((signal.to_string(), "on", SymbolKind::Handler, statement.head));
    }
    None
}

/// Returns a title as people read it: without its quotes, with its values as they are written.
fn title(kind: &ExprKind, written: &str) -> String {
    if let ExprKind::String(pieces) = kind
        && let [Piece::Text(text)] = pieces.as_slice()
    {
        return String::from_utf8_lossy(text).into_owned();
    }
    written.trim_matches(['"', '`']).to_string()
}
