//! Answers as the protocol writes them.

use std::path::Path;

use gen_lsp_types as lsp;

use super::uri::uri_of;
use crate::diagnostic::Severity;
use crate::lsp::{
    Action, Finding, Fold, FoldKind, Insert, Item, ItemKind, Painted, Place, Position, Range, Signatures, Symbol,
    SymbolKind, Use,
};

/// Who says what a diagnostic says.
pub(super) const SOURCE: &str = "flowrun";

pub(super) fn position(position: Position) -> lsp::Position {
    lsp::Position { line: position.line, character: position.character }
}

pub(super) fn range(range: Range) -> lsp::Range {
    lsp::Range { start: position(range.start), end: position(range.end) }
}

pub(super) fn position_from(position: lsp::Position) -> Position {
    Position { line: position.line, character: position.character }
}

pub(super) fn range_from(range: lsp::Range) -> Range {
    Range { start: position_from(range.start), end: position_from(range.end) }
}

pub(super) fn uri(path: &Path) -> lsp::Uri {
    lsp::Uri(uri_of(path))
}

pub(super) fn location(place: &Place) -> lsp::Location {
    lsp::Location { uri: uri(&place.path), range: range(place.range) }
}

pub(super) fn markdown(text: String) -> lsp::MarkupContent {
    lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value: text }
}

/// Returns a finding as editors show it: the message, and what to do in the line below.
pub(super) fn diagnostic(finding: &Finding) -> lsp::Diagnostic {
    let message = match &finding.help {
        Some(help) => format!("{}\nhelp: {help}", finding.message),
        None => finding.message.clone(),
    };
    let related = finding.related.iter().map(|related| lsp::DiagnosticRelatedInformation {
        location: location(&related.place),
        message: related.message.clone(),
    });
    let related: Vec<_> = related.collect();
    lsp::Diagnostic {
        range: range(finding.range),
        severity: Some(match finding.severity {
            Severity::Error => lsp::DiagnosticSeverity::Error,
            Severity::Warning => lsp::DiagnosticSeverity::Warning,
        }),
        code: Some(lsp::Code::String(finding.code.text().to_string())),
        source: Some(SOURCE.to_string()),
        message: lsp::Message::String(message),
        related_information: (!related.is_empty()).then_some(related),
        ..lsp::Diagnostic::default()
    }
}

/// Returns what may be typed; a list of items keeps its order in the editor.
pub(super) fn completion(item: Item, number: usize, takes_snippets: bool) -> lsp::CompletionItem {
    let (text, format) = match item.insert {
        Insert::Text(text) => (text, lsp::InsertTextFormat::PlainText),
        Insert::Snippet(snippet) if takes_snippets => (snippet, lsp::InsertTextFormat::Snippet),
        // Up to where the user goes on.
        Insert::Snippet(snippet) => {
            (snippet.split(['$', '\n']).next().unwrap_or_default().to_string(), lsp::InsertTextFormat::PlainText)
        }
    };
    let rank = match item.kind {
        ItemKind::Variable | ItemKind::Procedure | ItemKind::Port | ItemKind::File | ItemKind::Value => 0,
        ItemKind::Keyword | ItemKind::Setting => 1,
        ItemKind::Function => 2,
        ItemKind::Statement => 3,
    };
    lsp::CompletionItem {
        kind: Some(match item.kind {
            ItemKind::Variable => lsp::CompletionItemKind::Variable,
            ItemKind::Procedure => lsp::CompletionItemKind::Method,
            ItemKind::Port => lsp::CompletionItemKind::Module,
            ItemKind::Function => lsp::CompletionItemKind::Function,
            ItemKind::Statement | ItemKind::Keyword => lsp::CompletionItemKind::Keyword,
            ItemKind::Setting => lsp::CompletionItemKind::Property,
            ItemKind::Value => lsp::CompletionItemKind::Value,
            ItemKind::File => lsp::CompletionItemKind::File,
        }),
        detail: (!item.detail.is_empty()).then_some(item.detail),
        documentation: (!item.what.is_empty()).then(|| lsp::Documentation::MarkupContent(markdown(item.what))),
        sort_text: Some(format!("{rank}{number:04}")),
        insert_text_format: Some(format),
        text_edit: Some(lsp::CompletionItemTextEdit::TextEdit(lsp::TextEdit {
            range: range(item.replace),
            new_text: text,
        })),
        label: item.label,
        ..lsp::CompletionItem::default()
    }
}

pub(super) fn signatures(found: Signatures) -> lsp::SignatureHelp {
    let parameter =
        |label| lsp::ParameterInformation { label: lsp::ParameterInformationLabel::String(label), documentation: None };
    let last = u32::try_from(found.parameters.len()).unwrap_or(u32::MAX).saturating_sub(1);
    let active = lsp::ActiveParameter::Int(found.active.min(last));
    let signature = lsp::SignatureInformation {
        label: found.label,
        documentation: Some(lsp::Documentation::MarkupContent(markdown(found.what))),
        parameters: Some(found.parameters.into_iter().map(parameter).collect()),
        active_parameter: None,
    };
    lsp::SignatureHelp { signatures: vec![signature], active_signature: Some(0), active_parameter: Some(active) }
}

fn symbol_kind(kind: SymbolKind) -> lsp::SymbolKind {
    match kind {
        SymbolKind::File => lsp::SymbolKind::File,
        SymbolKind::Step => lsp::SymbolKind::Namespace,
        SymbolKind::Procedure => lsp::SymbolKind::Function,
        SymbolKind::Declared => lsp::SymbolKind::Variable,
        SymbolKind::Port => lsp::SymbolKind::Interface,
        SymbolKind::Handler => lsp::SymbolKind::Event,
    }
}

#[expect(deprecated, reason = "the protocol's type has a field that must be written and means nothing any more")]
pub(super) fn symbol(symbol: Symbol) -> lsp::DocumentSymbol {
    let children: Vec<_> = symbol.children.into_iter().map(self::symbol).collect();
    lsp::DocumentSymbol {
        name: symbol.name,
        detail: Some(symbol.detail.to_string()),
        kind: symbol_kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: range(symbol.range),
        selection_range: range(symbol.selection),
        children: (!children.is_empty()).then_some(children),
    }
}

#[expect(deprecated, reason = "the protocol's type has a field that must be written and means nothing any more")]
pub(super) fn symbol_in(path: &Path, symbol: Symbol) -> lsp::SymbolInformation {
    lsp::SymbolInformation {
        deprecated: None,
        location: lsp::Location { uri: uri(path), range: range(symbol.selection) },
        base_symbol_information: lsp::BaseSymbolInformation {
            name: symbol.name,
            kind: symbol_kind(symbol.kind),
            tags: None,
            container_name: Some(symbol.detail.to_string()),
        },
    }
}

pub(super) fn fold(fold: Fold) -> lsp::FoldingRange {
    lsp::FoldingRange {
        start_line: fold.from,
        end_line: fold.to,
        kind: match fold.kind {
            FoldKind::Block => None,
            FoldKind::Comment => Some(lsp::FoldingRangeKind::Comment),
        },
        ..lsp::FoldingRange::default()
    }
}

pub(super) fn highlight((at, usage): (Range, Use)) -> lsp::DocumentHighlight {
    let kind = match usage {
        Use::Declared | Use::Written => lsp::DocumentHighlightKind::Write,
        Use::Read => lsp::DocumentHighlightKind::Read,
    };
    lsp::DocumentHighlight { range: range(at), kind: Some(kind) }
}

/// Returns ranges, each in the next.
pub(super) fn selection(ranges: Vec<Range>) -> Option<lsp::SelectionRange> {
    ranges
        .into_iter()
        .rev()
        .fold(None, |parent, inner| Some(lsp::SelectionRange { range: range(inner), parent: parent.map(Box::new) }))
}

/// Returns the parts of a file, each counted from the one before.
pub(super) fn tokens(painted: &[Painted]) -> lsp::SemanticTokens {
    let mut before = Position::default();
    let token = |part: &Painted| {
        let delta_line = part.start.line - before.line;
        let from = if delta_line == 0 { before.character } else { 0 };
        before = part.start;
        lsp::SemanticToken {
            delta_line,
            delta_start: part.start.character - from,
            length: part.length,
            token_type: part.kind,
            token_modifiers_bitset: u32::from(part.is_declaration),
        }
    };
    lsp::SemanticTokens { result_id: None, data: painted.iter().map(token).collect() }
}

pub(super) fn action(action: Action, path: lsp::Uri) -> lsp::CodeAction {
    let edit = lsp::TextEdit { range: range(action.range), new_text: action.text };
    lsp::CodeAction {
        title: action.title,
        kind: Some(lsp::CodeActionKind::QuickFix),
        diagnostics: Some(vec![diagnostic(&action.finding)]),
        is_preferred: action.is_preferred.then_some(true),
        edit: Some(lsp::WorkspaceEdit { changes: Some([(path, vec![edit])].into()), ..lsp::WorkspaceEdit::default() }),
        ..lsp::CodeAction::default()
    }
}
