//! An editor for tests: it starts `flowrun lsp`, and says and hears what a script wants.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// So long an answer may take before the test is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// An editor with a folder of files.
pub(crate) struct Editor {
    server: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// What came and was not looked at yet.
    kept: Vec<Value>,
    n_requests: i64,
    folder: tempfile::TempDir,
}

impl Editor {
    /// Starts a server for a folder with these files, and initializes it.
    pub(crate) fn with(files: &[(&str, &str)]) -> Editor {
        let mut editor = Editor::started(files);
        let capabilities = json!({
            "textDocument": {"completion": {"completionItem": {"snippetSupport": true}}},
            "workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}},
        });
        let folder = json!([{"uri": editor.uri(""), "name": "flows"}]);
        let params = json!({"processId": null, "capabilities": capabilities, "workspaceFolders": folder});
        let answer = editor.request("initialize", params);
        assert!(answer["capabilities"]["hoverProvider"] == true, "{answer}");
        editor.notify("initialized", json!({}));
        editor
    }

    /// Starts a server and says nothing to it.
    pub(crate) fn started(files: &[(&str, &str)]) -> Editor {
        let folder = tempfile::tempdir().expect("there is a place for temporary files");
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("there is room");
            std::fs::write(path, text).expect("there is room");
        }
        let mut server = Command::new(env!("CARGO_BIN_EXE_flowrun"))
            .args(["lsp", "--stdio"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("it can be started");
        let input = server.stdin.take();
        let mut output = BufReader::new(server.stdout.take().expect("it is piped"));
        let (sender, messages) = channel();
        thread::spawn(move || while read(&mut output).is_some_and(|message| sender.send(message).is_ok()) {});
        Editor { server, input, messages, kept: Vec::new(), n_requests: 0, folder }
    }

    /// Returns the path of a file.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns what the protocol calls a file.
    pub(crate) fn uri(&self, name: &str) -> String {
        let path = self.path(name);
        let path = path.to_str().expect("it is UTF-8").trim_end_matches('/').to_string();
        format!("file://{path}")
    }

    /// Writes bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("it is open");
        input.write_all(bytes).and_then(|()| input.flush()).expect("the server reads");
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    /// Sends a notification.
    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request and returns its result.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let answer = self.request_any(method, params);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// Sends a request and returns why it is refused.
    pub(crate) fn refused(&mut self, method: &str, params: Value) -> (i64, String) {
        let answer = self.request_any(method, params);
        let error = &answer["error"];
        (
            error["code"].as_i64().unwrap_or_else(|| panic!("{method}: {answer}")),
            error["message"].as_str().expect("a refusal has a reason").to_string(),
        )
    }

    fn request_any(&mut self, method: &str, params: Value) -> Value {
        self.n_requests += 1;
        let id = self.n_requests;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.wait(|message| message["id"] == id && message.get("method").is_none())
    }

    /// Returns the next message that is wanted; others are kept.
    pub(crate) fn wait(&mut self, is_wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is_wanted) {
            return self.kept.remove(at);
        }
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect("the server answers");
            if is_wanted(&message) {
                return message;
            }
            self.kept.push(message);
        }
    }

    /// Opens a file of the folder, or a new one, with this text; returns what is wrong with it.
    pub(crate) fn open(&mut self, name: &str, text: &str) -> Vec<Value> {
        let document = json!({"uri": self.uri(name), "languageId": "flow", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
        self.diagnostics(name, 1)
    }

    /// Opens a file of the folder as it is.
    pub(crate) fn open_file(&mut self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(name)).expect("the file is there");
        self.open(name, &text)
    }

    /// Replaces all of an open document.
    pub(crate) fn change(&mut self, name: &str, version: i64, text: &str) -> Vec<Value> {
        let document = json!({"uri": self.uri(name), "version": version});
        let changes = json!([{"text": text}]);
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
        self.diagnostics(name, version)
    }

    /// Returns what is wrong with a version of a document.
    pub(crate) fn diagnostics(&mut self, name: &str, version: i64) -> Vec<Value> {
        let uri = self.uri(name);
        self.found(&uri, |params| params["version"] == version)
    }

    /// Waits for diagnostics of a file that are wanted.
    pub(crate) fn found(&mut self, uri: &str, is_wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let message = self.wait(|message| {
            let params = &message["params"];
            message["method"] == "textDocument/publishDiagnostics" && params["uri"] == *uri && is_wanted(params)
        });
        message["params"]["diagnostics"].as_array().expect("it is a list").clone()
    }

    /// Asks something about the place of a text in a file; the place is right behind the text.
    pub(crate) fn ask(&mut self, method: &str, name: &str, text: &str, at: &str) -> Value {
        let params = self.place(name, text, at);
        self.request(method, params)
    }

    /// Returns the parameters that name the place right behind a text.
    pub(crate) fn place(&self, name: &str, text: &str, at: &str) -> Value {
        json!({"textDocument": {"uri": self.uri(name)}, "position": behind(text, at)})
    }

    /// Says goodbye and returns the exit code.
    pub(crate) fn leave(mut self) -> Option<i32> {
        self.request("shutdown", Value::Null);
        self.notify("exit", Value::Null);
        self.end()
    }

    /// Closes the input and returns the exit code.
    pub(crate) fn end(mut self) -> Option<i32> {
        self.input = None;
        self.server.wait().expect("it ends").code()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Returns the position right behind the first place of a text in another.
pub(crate) fn behind(text: &str, at: &str) -> Value {
    let end = text.find(at).unwrap_or_else(|| panic!("{at:?} is not in the text")) + at.len();
    let line = text[..end].matches('\n').count();
    let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
    json!({"line": line, "character": text[start..end].encode_utf16().count()})
}

/// Returns a text after the edits of the protocol.
pub(crate) fn edited(text: &str, edits: &Value) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let offset = |position: &Value| {
        let line = position["line"].as_u64().expect("it is a number") as usize;
        let mut units = position["character"].as_u64().expect("it is a number");
        let start: usize = lines.iter().take(line).map(|line| line.len()).sum();
        let mut bytes = 0;
        for c in lines.get(line).copied().unwrap_or_default().chars() {
            if units == 0 {
                break;
            }
            units -= c.len_utf16() as u64;
            bytes += c.len_utf8();
        }
        start + bytes
    };
    let mut pieces: Vec<(usize, usize, &str)> = edits
        .as_array()
        .expect("edits are a list")
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (offset(&range["start"]), offset(&range["end"]), edit["newText"].as_str().expect("it is a text"))
        })
        .collect();
    pieces.sort();
    let mut after = text.to_string();
    for (start, end, new) in pieces.into_iter().rev() {
        after.replace_range(start..end, new);
    }
    after
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.parse().ok()?;
        }
    }
    let mut bytes = vec![0; length];
    output.read_exact(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Returns the labels of what may be typed.
pub(crate) fn labels(items: &Value) -> Vec<&str> {
    items.as_array().expect("it is a list").iter().map(|item| item["label"].as_str().expect("it has one")).collect()
}
