//! The state of a server: documents, what is found in them, and what is still to be checked.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use gen_lsp_types as lsp;
use serde_json::{Value, json};

use super::checker::{self, Checked, Order};
use super::files::Files;
use super::simulate::Ran;
use super::uri::path_of;
use super::{Happened, answer, convert, wire};
use crate::lsp::{Finding, Workspace};

/// Numbers of the protocol for what goes wrong.
pub(super) const PARSE_ERROR: i32 = -32700;
pub(super) const INVALID_REQUEST: i32 = -32600;
pub(super) const METHOD_NOT_FOUND: i32 = -32601;
pub(super) const INVALID_PARAMS: i32 = -32602;
pub(super) const NOT_INITIALIZED: i32 = -32002;
pub(super) const REQUEST_CANCELLED: i32 = -32800;
pub(super) const REQUEST_FAILED: i32 = -32803;

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Begun,
    Serving,
    ShutDown,
}

/// What the editor can do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Client {
    /// It fills in snippets.
    pub takes_snippets: bool,
    /// It tells of changed files if it is asked to.
    pub watches_files: bool,
}

/// A server for one editor.
pub(super) struct Server {
    phase: Phase,
    pub client: Client,
    pub workspace: Workspace,
    /// Where a run says that it is over.
    pub runs: Sender<Happened>,
    /// What the editor calls its documents.
    uris: BTreeMap<PathBuf, lsp::Uri>,
    /// Whoever checks what changes.
    checker: Sender<Order>,
    /// What is found in which file when this one is checked.
    found: BTreeMap<PathBuf, BTreeMap<PathBuf, Vec<Finding>>>,
    /// Where the last run of a flow failed.
    failed: BTreeMap<PathBuf, (PathBuf, Finding)>,
    published: BTreeMap<PathBuf, Value>,
    output: Vec<Value>,
}

impl Server {
    pub(super) fn new(runs: Sender<Happened>) -> Server {
        Server {
            phase: Phase::Begun,
            client: Client::default(),
            workspace: Workspace::new(Vec::new(), Box::new(Files)),
            checker: checker::start(runs.clone()),
            runs,
            uris: BTreeMap::new(),
            found: BTreeMap::new(),
            failed: BTreeMap::new(),
            published: BTreeMap::new(),
            output: Vec::new(),
        }
    }

    /// Takes a request, a notification, or the answer to a request of the server.
    pub(super) fn take(&mut self, message: &Value) {
        let Some(method) = message["method"].as_str() else {
            // An answer to the server says nothing that it needs.
            if message.get("id").is_none() || message.get("result").is_none() && message.get("error").is_none() {
                self.refuse(&Value::Null, INVALID_REQUEST, "a message has a method, or answers a request");
            }
            return;
        };
        let params = &message["params"];
        match message.get("id") {
            Some(id) => self.request(id, method, params),
            None if self.phase == Phase::Serving => self.notice(method, params),
            None => {}
        }
    }

    pub(super) fn refuse_broken(&mut self, why: &str) {
        self.refuse(&Value::Null, PARSE_ERROR, &format!("this is no JSON: {why}"));
    }

    pub(super) fn refuse_cancelled(&mut self, id: &Value) {
        self.refuse(id, REQUEST_CANCELLED, "the editor took the request back");
    }

    /// Takes what came of a run.
    pub(super) fn ran(&mut self, ran: Ran) {
        let kind = if ran.is_success { lsp::MessageType::Info } else { lsp::MessageType::Error };
        self.show(kind, &ran.message);
        self.output.push(wire::answer(&ran.id, json!({"verdict": ran.verdict, "message": ran.message})));
        self.forget_run(&ran.path);
        if let Some(failed) = ran.finding {
            let file = failed.0.clone();
            self.failed.insert(ran.path, failed);
            self.publish(&file, true);
        }
    }

    /// Takes what is found in a file and in those that it uses, unless the file is another one by now.
    pub(super) fn checked(&mut self, Checked { root, version, findings }: Checked) {
        if self.workspace.version(&root) != version {
            return;
        }
        let after: Vec<PathBuf> = findings.keys().cloned().collect();
        let before = self.found.insert(root.clone(), findings).unwrap_or_default();
        let gone = before.into_keys().filter(|file| !after.contains(file));
        for file in after.iter().cloned().chain(gone) {
            self.publish(&file, file == root && version.is_some());
        }
    }

    /// Writes what there is to be written.
    pub(super) fn flush(&mut self, output: &mut impl Write) -> io::Result<()> {
        self.output.drain(..).try_for_each(|message| wire::write(output, &message))
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.phase == Phase::ShutDown
    }

    /// Returns what is found in a file, in its own check and in those of the files that use it.
    pub(super) fn findings(&self, path: &Path) -> Vec<Finding> {
        let own = self.found.get(path).and_then(|found| found.get(path));
        let others = self.found.iter().filter(|(root, _)| *root != path).filter_map(|(_, found)| found.get(path));
        let mut findings: Vec<Finding> = Vec::new();
        let failed = self.failed.values().filter(|(file, _)| file == path).map(|(_, finding)| finding);
        for finding in own.into_iter().chain(others).flatten().chain(failed) {
            if !findings.contains(finding) {
                findings.push(finding.clone());
            }
        }
        findings
    }

    /// Returns what the editor calls a file.
    pub(super) fn uri(&self, path: &Path) -> lsp::Uri {
        self.uris.get(path).cloned().unwrap_or_else(|| convert::uri(path))
    }

    /// Shows something to the user.
    pub(super) fn show(&mut self, kind: lsp::MessageType, message: &str) {
        let params = lsp::ShowMessageParams { kind, message: message.to_string() };
        self.notify("window/showMessage", &params_of(serde_json::to_value(params)));
    }

    fn refuse(&mut self, id: &Value, code: i32, why: &str) {
        self.output.push(wire::refusal(id, code, why));
    }

    fn notify(&mut self, method: &str, params: &Value) {
        self.output.push(wire::notification(method, params.clone()));
    }

    fn request(&mut self, id: &Value, method: &str, params: &Value) {
        match (self.phase, method) {
            (Phase::Begun, "initialize") => {
                let (client, folders) = answer::client(params);
                self.client = client;
                self.order(Order::Folders { added: folders, removed: Vec::new() });
                self.phase = Phase::Serving;
                self.output.push(wire::answer(id, answer::capabilities()));
            }
            (Phase::Begun, _) => self.refuse(id, NOT_INITIALIZED, "the first request is `initialize`"),
            (Phase::ShutDown, _) => self.refuse(id, INVALID_REQUEST, "the server is shut down; only `exit` may follow"),
            (Phase::Serving, "initialize") => self.refuse(id, INVALID_REQUEST, "`initialize` came before"),
            (Phase::Serving, "shutdown") => {
                self.phase = Phase::ShutDown;
                self.output.push(wire::answer(id, Value::Null));
            }
            (Phase::Serving, "workspace/executeCommand") => {
                if let Err((code, why)) = self.start_run(id, params) {
                    self.refuse(id, code, &why);
                }
            }
            (Phase::Serving, _) => match answer::answer(self, method, params) {
                Ok(result) => self.output.push(wire::answer(id, result)),
                Err((code, why)) => self.refuse(id, code, &why),
            },
        }
    }

    /// Starts a run in a thread of its own; its end answers the request.
    fn start_run(&mut self, id: &Value, params: &Value) -> Result<(), (i32, String)> {
        if params["command"] != answer::RUN {
            return Err((
                INVALID_PARAMS,
                format!("there is no command {}; there is `{}`", params["command"], answer::RUN),
            ));
        }
        let Some(uri) = params["arguments"][0].as_str() else {
            return Err((INVALID_PARAMS, "the first argument is the URI of a flow".to_string()));
        };
        let path = path_of(uri);
        let Some(text) = self.workspace.text(&path).map(|text| text.as_str().to_string()) else {
            return Err((REQUEST_FAILED, "the flow is not open; open it, then run it".to_string()));
        };
        let (id, runs) = (id.clone(), self.runs.clone());
        std::thread::spawn(move || {
            // If nobody listens, the server has ended.
            let _ = runs.send(Happened::Ran(Box::new(super::simulate::run(id, &path, &text))));
        });
        Ok(())
    }

    fn notice(&mut self, method: &str, params: &Value) {
        match method {
            "initialized" => self.watch(),
            "textDocument/didOpen" => {
                let Ok(lsp::DidOpenTextDocumentParams { text_document: document }) =
                    serde_json::from_value(params.clone())
                else {
                    return;
                };
                let path = path_of(&document.uri.0);
                let language = params["textDocument"]["languageId"].as_str().unwrap_or_default();
                if language == "flow" || path.extension().is_some_and(|ending| ending == "flow") {
                    self.uris.insert(path.clone(), document.uri);
                    self.forget_run(&path);
                    self.order(Order::Open { path, version: document.version, text: document.text });
                }
            }
            "textDocument/didChange" => {
                let Ok(changed) = serde_json::from_value::<lsp::DidChangeTextDocumentParams>(params.clone()) else {
                    return;
                };
                let path = path_of(&changed.text_document.text_document_identifier.uri.0);
                if self.workspace.version(&path).is_none() {
                    return;
                }
                self.forget_run(&path);
                self.edit(&path, changed.text_document.version, changed.content_changes);
            }
            "textDocument/didClose" => {
                let path = path_of(params["textDocument"]["uri"].as_str().unwrap_or_default());
                self.order(Order::Close(path.clone()));
                let found = self.found.remove(&path).unwrap_or_default();
                self.forget_run(&path);
                found.keys().for_each(|file| self.publish(file, false));
                self.uris.remove(&path);
            }
            "textDocument/didSave" => self.order(Order::Forget),
            "workspace/didChangeWatchedFiles" => {
                let changes = params["changes"].as_array().into_iter().flatten();
                let paths: Vec<PathBuf> = changes.filter_map(|change| change["uri"].as_str()).map(path_of).collect();
                for path in paths {
                    if self.workspace.version(&path).is_none() {
                        self.order(Order::Changed(path));
                    }
                }
            }
            "workspace/didChangeWorkspaceFolders" => {
                let paths = |name: &str| {
                    let folders = params["event"][name].as_array().into_iter().flatten();
                    folders.filter_map(|folder| folder["uri"].as_str()).map(path_of).collect::<Vec<_>>()
                };
                self.order(Order::Folders { added: paths("added"), removed: paths("removed") });
            }
            // Others may be ignored: that is what the protocol says.
            _ => {}
        }
    }

    fn edit(&mut self, path: &Path, version: i32, changes: Vec<lsp::TextDocumentContentChangeEvent>) {
        for change in changes {
            match change {
                lsp::TextDocumentContentChangeEvent::TextDocumentContentChangePartial(change) => {
                    let range = convert::range_from(change.range);
                    self.order(Order::Edit { path: path.to_path_buf(), version, range, text: change.text });
                }
                lsp::TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change) => {
                    self.order(Order::Replace { path: path.to_path_buf(), version, text: change.text });
                }
            }
        }
    }

    /// Asks the editor to tell which flow files change.
    fn watch(&mut self) {
        if self.client.watches_files {
            let watchers = json!([{"globPattern": "**/*.flow"}]);
            let method = "workspace/didChangeWatchedFiles";
            let registration = json!({"id": "flows", "method": method, "registerOptions": {"watchers": watchers}});
            self.output.push(json!({
                "jsonrpc": "2.0",
                "id": "watch",
                "method": "client/registerCapability",
                "params": {"registrations": [registration]},
            }));
        }
    }

    /// Does what changes documents, here and where they are checked.
    fn order(&mut self, order: Order) {
        order.apply(&mut self.workspace);
        // It ends only with the server.
        let _ = self.checker.send(order);
    }

    /// Forgets where the last run of a flow failed: the flow is another one now.
    fn forget_run(&mut self, path: &Path) {
        if let Some((file, _)) = self.failed.remove(path) {
            self.publish(&file, false);
        }
    }

    /// Tells the editor what is found in a file, if that has changed or if it waits for it.
    fn publish(&mut self, path: &Path, is_awaited: bool) {
        let diagnostics: Vec<_> = self.findings(path).iter().map(convert::diagnostic).collect();
        let params =
            lsp::PublishDiagnosticsParams { uri: self.uri(path), version: self.workspace.version(path), diagnostics };
        let params = params_of(serde_json::to_value(params));
        let nothing = json!([]);
        let before = self.published.get(path).unwrap_or(&nothing);
        if is_awaited || *before != params["diagnostics"] {
            self.published.insert(path.to_path_buf(), params["diagnostics"].clone());
            self.notify("textDocument/publishDiagnostics", &params);
        }
    }
}

/// Returns a value of the protocol as JSON.
pub(super) fn params_of(value: serde_json::Result<Value>) -> Value {
    value.expect("the keys of the protocol's types are texts")
}
