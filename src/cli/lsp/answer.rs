//! Requests, each with its answer.

use std::collections::HashMap;
use std::path::PathBuf;

use gen_lsp_types as lsp;
use serde_json::{Value, json};

use super::convert;
use super::server::{Client, INVALID_PARAMS, METHOD_NOT_FOUND, REQUEST_FAILED, Server, params_of};
use super::uri::path_of;
use crate::lsp::{Position, Range, TOKEN_KINDS};

/// The command that runs a flow against its simulated devices.
pub(super) const RUN: &str = "flowrun.run";

/// A number of the protocol and a reason.
type Refusal = (i32, String);

/// Returns what the editor can do, and the folders that it has open.
pub(super) fn client(params: &Value) -> (Client, Vec<PathBuf>) {
    let capabilities = &params["capabilities"];
    let is_set = |path: &str| capabilities.pointer(path) == Some(&Value::Bool(true));
    let client = Client {
        takes_snippets: is_set("/textDocument/completion/completionItem/snippetSupport"),
        watches_files: is_set("/workspace/didChangeWatchedFiles/dynamicRegistration"),
    };
    let folders = params["workspaceFolders"].as_array().into_iter().flatten();
    let mut folders: Vec<PathBuf> = folders.filter_map(|folder| folder["uri"].as_str()).map(path_of).collect();
    if folders.is_empty() {
        folders.extend(params["rootUri"].as_str().map(path_of));
    }
    (client, folders)
}

/// Returns what the server can do.
pub(super) fn capabilities() -> Value {
    let signs = |signs: &[&str]| Some(signs.iter().map(ToString::to_string).collect());
    let legend = lsp::SemanticTokensLegend {
        token_types: TOKEN_KINDS.iter().map(ToString::to_string).collect(),
        token_modifiers: vec!["declaration".to_string()],
    };
    let folders = lsp::WorkspaceFoldersServerCapabilities {
        supported: Some(true),
        change_notifications: Some(lsp::ChangeNotifications::Bool(true)),
    };
    let capabilities = lsp::ServerCapabilities {
        text_document_sync: Some(lsp::TextDocumentSync::Options(lsp::TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(lsp::TextDocumentSyncKind::Incremental),
            save: Some(lsp::Save::Bool(true)),
            ..lsp::TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(lsp::CompletionOptions {
            trigger_characters: signs(&["\"", "`", "{", "(", " ", "/"]),
            ..lsp::CompletionOptions::default()
        }),
        hover_provider: Some(lsp::HoverProvider::Bool(true)),
        signature_help_provider: Some(lsp::SignatureHelpOptions {
            trigger_characters: signs(&["(", ","]),
            ..lsp::SignatureHelpOptions::default()
        }),
        definition_provider: Some(lsp::DefinitionProvider::Bool(true)),
        references_provider: Some(lsp::ReferencesProvider::Bool(true)),
        document_highlight_provider: Some(lsp::DocumentHighlightProvider::Bool(true)),
        document_symbol_provider: Some(lsp::DocumentSymbolProvider::Bool(true)),
        workspace_symbol_provider: Some(true.into()),
        code_action_provider: Some(lsp::CodeActionProvider::CodeActionOptions(lsp::CodeActionOptions {
            code_action_kinds: Some(vec![lsp::CodeActionKind::QuickFix]),
            ..lsp::CodeActionOptions::default()
        })),
        code_lens_provider: Some(lsp::CodeLensOptions::default()),
        document_formatting_provider: Some(lsp::DocumentFormattingProvider::Bool(true)),
        rename_provider: Some(lsp::RenameProvider::RenameOptions(lsp::RenameOptions {
            prepare_provider: Some(true),
            ..lsp::RenameOptions::default()
        })),
        folding_range_provider: Some(lsp::FoldingRangeProvider::Bool(true)),
        selection_range_provider: Some(true.into()),
        execute_command_provider: Some(lsp::ExecuteCommandOptions {
            commands: vec![RUN.to_string()],
            ..lsp::ExecuteCommandOptions::default()
        }),
        semantic_tokens_provider: Some(lsp::SemanticTokensProvider::SemanticTokensOptions(
            lsp::SemanticTokensOptions {
                legend,
                range: Some(lsp::SemanticTokensOptionsRange::Bool(true)),
                full: Some(lsp::Full::Bool(true)),
                ..lsp::SemanticTokensOptions::default()
            },
        )),
        workspace: Some(lsp::WorkspaceOptions { workspace_folders: Some(folders), ..lsp::WorkspaceOptions::default() }),
        ..lsp::ServerCapabilities::default()
    };
    let server_info =
        Some(lsp::ServerInfo { name: "flowrun".to_string(), version: Some(env!("CARGO_PKG_VERSION").to_string()) });
    params_of(serde_json::to_value(lsp::InitializeResult { capabilities, server_info }))
}

/// Where in a document something is asked.
struct Asked {
    path: PathBuf,
    position: Position,
}

/// Answers a request.
pub(super) fn answer(server: &mut Server, method: &str, params: &Value) -> Result<Value, Refusal> {
    match method {
        "textDocument/completion" => completion(server, &asked(params)?),
        "textDocument/hover" => {
            let Asked { path, position } = asked(params)?;
            Ok(server.workspace.hover(&path, position).map_or(Value::Null, |(text, at)| {
                let contents = lsp::Contents::MarkupContent(convert::markdown(text));
                json(serde_json::to_value(lsp::Hover { contents, range: Some(convert::range(at)) }))
            }))
        }
        "textDocument/signatureHelp" => {
            let Asked { path, position } = asked(params)?;
            let found = server.workspace.signature(&path, position).map(convert::signatures);
            Ok(json(serde_json::to_value(found)))
        }
        "textDocument/definition" => {
            let Asked { path, position } = asked(params)?;
            let place = server.workspace.definition(&path, position);
            let location =
                place.map(|place| lsp::Location { uri: server.uri(&place.path), range: convert::range(place.range) });
            Ok(json(serde_json::to_value(location)))
        }
        "textDocument/references" => {
            let Asked { path, position } = asked(params)?;
            let with_declaration = params["context"]["includeDeclaration"] != false;
            let places = server.workspace.references(&path, position, with_declaration);
            let location = |place: crate::lsp::Place| lsp::Location {
                uri: server.uri(&place.path),
                range: convert::range(place.range),
            };
            Ok(json(serde_json::to_value(places.into_iter().map(location).collect::<Vec<_>>())))
        }
        "textDocument/documentHighlight" => {
            let Asked { path, position } = asked(params)?;
            let places = server.workspace.highlights(&path, position);
            Ok(json(serde_json::to_value(places.into_iter().map(convert::highlight).collect::<Vec<_>>())))
        }
        "textDocument/documentSymbol" => {
            let symbols = server.workspace.symbols(&document(params)?);
            Ok(json(serde_json::to_value(symbols.into_iter().map(convert::symbol).collect::<Vec<_>>())))
        }
        "workspace/symbol" => {
            let query = params["query"].as_str().unwrap_or_default();
            let found = server.workspace.symbols_everywhere(query).into_iter();
            let symbols: Vec<_> = found.map(|(path, symbol)| convert::symbol_in(&path, symbol)).collect();
            Ok(json(serde_json::to_value(symbols)))
        }
        "textDocument/formatting" => formatting(server, &document(params)?),
        "textDocument/prepareRename" => {
            let Asked { path, position } = asked(params)?;
            let (name, at) = server.workspace.can_rename(&path, position).map_err(failed)?;
            Ok(json!({"range": json(serde_json::to_value(convert::range(at))), "placeholder": name}))
        }
        "textDocument/rename" => rename(server, params),
        "textDocument/foldingRange" => {
            let folds = server.workspace.folds(&document(params)?);
            Ok(json(serde_json::to_value(folds.into_iter().map(convert::fold).collect::<Vec<_>>())))
        }
        "textDocument/selectionRange" => {
            let path = document(params)?;
            let positions: Vec<lsp::Position> = serde_json::from_value(params["positions"].clone()).map_err(invalid)?;
            let around =
                |position| convert::selection(server.workspace.around(&path, convert::position_from(position)));
            Ok(json(serde_json::to_value(positions.into_iter().map(around).collect::<Vec<_>>())))
        }
        "textDocument/semanticTokens/full" => {
            let painted = server.workspace.painted(&document(params)?, None);
            Ok(json(serde_json::to_value(convert::tokens(&painted))))
        }
        "textDocument/semanticTokens/range" => {
            let painted = server.workspace.painted(&document(params)?, Some(range(params)?));
            Ok(json(serde_json::to_value(convert::tokens(&painted))))
        }
        "textDocument/codeAction" => {
            let path = document(params)?;
            let actions = server.workspace.actions(&path, range(params)?, &server.findings(&path));
            let uri = server.uri(&path);
            let actions = actions.into_iter().map(|action| convert::action(action, uri.clone()));
            Ok(json(serde_json::to_value(actions.collect::<Vec<_>>())))
        }
        "textDocument/codeLens" => {
            let path = document(params)?;
            let uri = server.uri(&path);
            let lens = |lens: crate::lsp::Lens| lsp::CodeLens {
                range: convert::range(lens.range),
                command: Some(lsp::Command {
                    title: lens.title.to_string(),
                    command: RUN.to_string(),
                    arguments: Some(vec![Value::String(uri.0.clone())]),
                    tooltip: None,
                }),
                data: None,
            };
            Ok(json(serde_json::to_value(server.workspace.lenses(&path).into_iter().map(lens).collect::<Vec<_>>())))
        }
        _ => Err((METHOD_NOT_FOUND, format!("`{method}` is not served"))),
    }
}

fn completion(server: &Server, asked: &Asked) -> Result<Value, Refusal> {
    let items = server.workspace.completions(&asked.path, asked.position);
    let takes_snippets = server.client.takes_snippets;
    let items = items.into_iter().enumerate().map(|(number, item)| convert::completion(item, number, takes_snippets));
    Ok(json(serde_json::to_value(items.collect::<Vec<_>>())))
}

/// Returns one edit of all the text that the layout changes.
fn formatting(server: &Server, path: &std::path::Path) -> Result<Value, Refusal> {
    let Some(text) = server.workspace.text(path) else { return Ok(Value::Null) };
    match server.workspace.formatted(path) {
        Ok(Some(after)) => {
            let edit = lsp::TextEdit { range: convert::range(text.whole()), new_text: after };
            Ok(json(serde_json::to_value(vec![edit])))
        }
        Ok(None) => Ok(json!([])),
        Err(()) => {
            Err((REQUEST_FAILED, "a text with mistakes has no layout; the diagnostics say what is wrong".into()))
        }
    }
}

fn rename(server: &mut Server, params: &Value) -> Result<Value, Refusal> {
    let Asked { path, position } = asked(params)?;
    let new = params["newName"].as_str().ok_or_else(|| invalid("there is no `newName`"))?;
    let renamed = server.workspace.rename(&path, position, new).map_err(failed)?;
    let mut changes = HashMap::new();
    for (file, ranges) in renamed.edits {
        let edit = |at: Range| lsp::TextEdit { range: convert::range(at), new_text: new.to_string() };
        changes.insert(server.uri(&file), ranges.into_iter().map(edit).collect::<Vec<_>>());
    }
    if let Some(note) = renamed.note {
        server.show(lsp::MessageType::Info, &note);
    }
    let edit = lsp::WorkspaceEdit { changes: Some(changes), ..lsp::WorkspaceEdit::default() };
    Ok(json(serde_json::to_value(edit)))
}

fn json(value: serde_json::Result<Value>) -> Value {
    params_of(value)
}

fn asked(params: &Value) -> Result<Asked, Refusal> {
    let position: lsp::Position = serde_json::from_value(params["position"].clone()).map_err(invalid)?;
    Ok(Asked { path: document(params)?, position: convert::position_from(position) })
}

fn document(params: &Value) -> Result<PathBuf, Refusal> {
    let uri = params["textDocument"]["uri"].as_str().ok_or_else(|| invalid("there is no `textDocument.uri`"))?;
    Ok(path_of(uri))
}

fn range(params: &Value) -> Result<Range, Refusal> {
    let range: lsp::Range = serde_json::from_value(params["range"].clone()).map_err(invalid)?;
    Ok(convert::range_from(range))
}

fn invalid(why: impl ToString) -> Refusal {
    (INVALID_PARAMS, why.to_string())
}

fn failed(why: String) -> Refusal {
    (REQUEST_FAILED, why)
}
