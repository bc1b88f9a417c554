//! `flowrun lsp` as an editor sees it: a scripted client on standard input and output.
//!
//! On Unix: a path is what a URI has after `file://` there. `cli/lsp/uri.rs` has the rest.
#![cfg(unix)]

mod editor;

use editor::{Editor, behind, edited, labels};
use serde_json::{Value, json};

const LIBRARY: &str = "library \"Modems\"\n\n# Asks how strong the signal is.\nprocedure signal(port_name, times) {\n  send \"AT+CSQ\"\n  expect line /\\+CSQ: (?<csq>\\d+)/\n  return csq\n}\n";
const DEVICE: &str = "device \"Modem\"\non line \"AT+CSQ\" { reply \"+CSQ: 20\"  reply \"OK\" }\n";
const FLOW: &str = "flow \"Signal\"\n\nuse \"lib/modem.flow\"\nsim \"devices/modem.flow\"\n\nparam apn = \"CMIOT\"\n\nstep \"ask 😀\" {\n  call signal(apn, 2) -> strength\n  log \"signal ${strength} of ${apn}\"\n}\n";

fn files() -> [(&'static str, &'static str); 3] {
    [("a.flow", FLOW), ("lib/modem.flow", LIBRARY), ("devices/modem.flow", DEVICE)]
}

fn messages(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics.iter().map(|found| found["message"].as_str().expect("it has one")).collect()
}

#[test]
fn diagnostics_come_while_typing_and_go_when_all_is_right() {
    let mut editor = Editor::with(&files());
    assert_eq!(editor.open_file("a.flow"), Vec::<Value>::new());
    let wrong = FLOW.replace("log", "lgo").replace("${apn}", "${apm}");
    let found = editor.change("a.flow", 2, &wrong);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["code"], "flow::syntax::unexpected");
    assert_eq!(found[0]["severity"], 1);
    assert_eq!(found[0]["range"]["start"], json!({"line": 9, "character": 2}));
    assert!(messages(&found)[0].contains("help: did you mean `log`?"), "{found:?}");
    // Pieces count in UTF-16 units, one after the other.
    let document = json!({"uri": editor.uri("a.flow"), "version": 3});
    let at = |line: u32, from: u32, to: u32| json!({"start": {"line": line, "character": from}, "end": {"line": line, "character": to}});
    let changes = json!([{"range": at(9, 2, 5), "text": "log"}, {"range": at(7, 10, 12), "text": "é"}]);
    editor.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    let found = editor.diagnostics("a.flow", 3);
    assert_eq!(messages(&found).len(), 1, "{found:?}");
    assert!(messages(&found)[0].starts_with("there is no variable `apm`"), "{found:?}");
    assert_eq!(editor.change("a.flow", 4, FLOW), Vec::<Value>::new());
    assert_eq!(editor.leave(), Some(0));
}

#[test]
fn a_change_of_a_library_is_felt_by_the_files_that_use_it_open_or_not() {
    let mut editor = Editor::with(&files());
    assert_eq!(editor.open_file("lib/modem.flow"), Vec::<Value>::new());
    assert_eq!(
        editor.change("lib/modem.flow", 2, &LIBRARY.replace("signal(port_name, times)", "signal(times)")).len(),
        0
    );
    let uri = editor.uri("a.flow");
    let found = editor.found(&uri, |params| params["diagnostics"] != json!([]));
    assert!(messages(&found)[0].contains("signal"), "{found:?}");
    editor.change("lib/modem.flow", 3, LIBRARY);
    assert_eq!(editor.found(&uri, |params| params["diagnostics"] == json!([])).len(), 0);
}

#[test]
fn what_is_open_counts_in_place_of_what_is_on_the_disk() {
    let mut editor = Editor::with(&files());
    editor.open("lib/modem.flow", "library \"empty\"\n");
    let found = editor.open_file("a.flow");
    let is_missing = |message: &&str| message.contains("there is no procedure `signal`");
    assert!(messages(&found).iter().any(is_missing), "{found:?}");
    let document = json!({"textDocument": {"uri": editor.uri("lib/modem.flow")}});
    editor.notify("textDocument/didClose", document);
    let uri = editor.uri("a.flow");
    assert_eq!(editor.found(&uri, |params| params["diagnostics"] == json!([])).len(), 0);
}

#[test]
fn a_device_that_is_not_there_is_told_at_its_name() {
    let mut editor = Editor::with(&files());
    let found = editor.open("a.flow", &FLOW.replace("devices/modem", "devices/moden"));
    assert!(messages(&found)[0].contains("there is no device file `devices/moden.flow`"), "{found:?}");
}

#[test]
fn statements_names_functions_settings_and_files_are_completed() {
    let mut editor = Editor::with(&files());
    editor.open_file("a.flow");
    let mut version = 1;
    let mut complete = |line: &str| {
        version += 1;
        let text = FLOW.replace("  log \"signal ${strength} of ${apn}\"\n", &format!("  {line}\n"));
        editor.change("a.flow", version, &text);
        editor.ask("textDocument/completion", "a.flow", &text, &format!("-> strength\n  {line}"))
    };
    let has = |items: &Value, wanted: &[&str]| wanted.iter().all(|wanted| labels(items).contains(wanted));
    assert!(has(&complete(""), &["send", "expect", "step", "call"]));
    assert!(!has(&complete(""), &["param"]) && !has(&complete(""), &["reply"]));
    assert!(has(&complete("send "), &["apn", "strength", "md5", "raw"]));
    assert!(has(&complete("log \"x ${"), &["apn", "strength", "md5"]));
    assert_eq!(labels(&complete("log \"x ")), Vec::<&str>::new());
    assert_eq!(labels(&complete("call ")), ["signal"]);
    assert!(has(&complete("expect line \"OK\" "), &["within"]));
    assert!(has(&complete("expect "), &["line", "prompt", "quiet", "secret"]));
    assert!(has(&complete("serial { "), &["baud", "echo", "eol"]));
    assert_eq!(labels(&complete("serial { echo ")), ["auto", "on", "off"]);
    assert!(has(&complete("receive_file f by "), &["xmodem", "ymodem"]));
    assert!(has(&complete("sleep 1s # allow "), &["sleep", "unused-capture"]));
    let items = complete("compute x = substr");
    let item = items.as_array().expect("a list").iter().find(|item| item["label"] == "substring").expect("it is there");
    assert_eq!(item["detail"], "substring(text, start, [length])");
    assert_eq!(item["textEdit"]["newText"], "substring($1)");
    assert_eq!(item["textEdit"]["range"]["start"]["character"], 14);

    let text = FLOW.replace("use \"lib/modem.flow\"", "use \"");
    editor.change("a.flow", 90, &text);
    let items = editor.ask("textDocument/completion", "a.flow", &text, "use \"");
    assert!(
        has(&items, &["lib/modem.flow", "std/at"]) && !has(&items, &["devices/modem.flow"]),
        "{:?}",
        labels(&items)
    );
    let text = FLOW.replace("sim \"devices/modem.flow\"", "sim \"dev");
    editor.change("a.flow", 91, &text);
    assert_eq!(labels(&editor.ask("textDocument/completion", "a.flow", &text, "sim \"dev")), ["devices/modem.flow"]);
}

#[test]
fn an_empty_file_begins_with_a_header() {
    let mut editor = Editor::with(&[]);
    editor.open("new.flow", "");
    let items = editor.ask("textDocument/completion", "new.flow", "", "");
    assert_eq!(labels(&items), ["flow", "device", "library"]);
}

#[test]
fn hover_shows_the_reference_and_where_names_come_from() {
    let mut editor = Editor::with(&files());
    let text = FLOW.replace("log \"", "serial { baud 9600 }\n  log md5(apn)\n  log \"");
    editor.open("a.flow", &text);
    let mut hover = |at: &str| {
        let answer = editor.ask("textDocument/hover", "a.flow", &text, at);
        answer["contents"]["value"].as_str().unwrap_or_default().to_string()
    };
    assert!(hover("cal").contains("run a procedure"));
    assert!(hover("md").starts_with("```flow\nmd5(x)\n```") && hover("md").contains("the digest, as bytes"));
    assert!(hover("bau").contains("bits per second") && hover("bau").contains("115200"));
    let signal = hover("call sig");
    assert!(signal.contains("procedure signal(port_name, times)") && signal.contains("Asks how strong"), "{signal}");
    assert!(signal.contains("`modem.flow`"), "{signal}");
    assert!(hover("log md5(ap").contains("param apn = \"CMIOT\""));
    assert!(hover("flo").contains("a scenario"));
    assert_eq!(hover("\"ask"), "");
}

#[test]
fn the_default_of_a_secret_is_not_in_a_hover() {
    let mut editor = Editor::with(&[]);
    let text = "flow \"t\"\nsecret key = \"hunter22\"\nsend key\n";
    editor.open("a.flow", text);
    let answer = editor.ask("textDocument/hover", "a.flow", text, "send ke");
    assert!(
        answer["contents"]["value"]
            .as_str()
            .is_some_and(|shown| !shown.contains("hunter") && shown.contains("secret key")),
        "{answer}"
    );
}

#[test]
fn the_call_around_the_cursor_shows_its_parameters() {
    let mut editor = Editor::with(&files());
    let text = FLOW.replace("(apn, 2)", "(apn, ").replace("\"signal ${strength}", "substring(a, ");
    editor.open("a.flow", &text);
    let help = editor.ask("textDocument/signatureHelp", "a.flow", &text, "signal(apn, ");
    assert_eq!(help["signatures"][0]["label"], "signal(port_name, times)");
    assert_eq!(help["activeParameter"], 1);
    let help = editor.ask("textDocument/signatureHelp", "a.flow", &text, "substring(");
    assert_eq!(help["signatures"][0]["parameters"][2]["label"], "[length]");
    assert_eq!(help["activeParameter"], 0);
    assert_eq!(editor.ask("textDocument/signatureHelp", "a.flow", &text, "flow"), Value::Null);
}

#[test]
fn definitions_and_references_cross_files() {
    let mut editor = Editor::with(&files());
    editor.open_file("a.flow");
    let place = editor.ask("textDocument/definition", "a.flow", FLOW, "call sign");
    assert_eq!(place["uri"], editor.uri("lib/modem.flow"));
    assert_eq!(place["range"]["start"], json!({"line": 3, "character": 10}));
    let place = editor.ask("textDocument/definition", "a.flow", FLOW, "signal ${str");
    assert_eq!(place["range"]["start"], behind(FLOW, "-> "));
    let place = editor.ask("textDocument/definition", "a.flow", FLOW, "use \"lib");
    assert_eq!(place["uri"], editor.uri("lib/modem.flow"));
    let place = editor.ask("textDocument/definition", "a.flow", FLOW, "sim \"dev");
    assert_eq!(place["uri"], editor.uri("devices/modem.flow"));

    let mut params = editor.place("lib/modem.flow", LIBRARY, "procedure sig");
    params["context"] = json!({"includeDeclaration": true});
    let places = editor.request("textDocument/references", params.clone());
    let uris: Vec<_> = places.as_array().expect("a list").iter().map(|place| place["uri"].clone()).collect();
    assert_eq!(uris, [editor.uri("a.flow"), editor.uri("lib/modem.flow")]);
    params["context"] = json!({"includeDeclaration": false});
    assert_eq!(editor.request("textDocument/references", params).as_array().map(Vec::len), Some(1));
    let marks = editor.ask("textDocument/documentHighlight", "a.flow", FLOW, "param ap");
    assert_eq!(marks.as_array().map(Vec::len), Some(3));
}

#[test]
fn a_name_is_renamed_in_every_file_or_not_at_all() {
    let mut editor = Editor::with(&files());
    editor.open_file("a.flow");
    let mut rename = |name: &str, text: &str, at: &str, new: &str| {
        let mut params = editor.place(name, text, at);
        params["newName"] = json!(new);
        let before = editor.request("textDocument/rename", params);
        (editor.uri("a.flow"), editor.uri("lib/modem.flow"), before["changes"].clone())
    };
    let (flow, library, changes) = rename("a.flow", FLOW, "call sig", "strength_of");
    assert_eq!(edited(FLOW, &changes[&flow]), FLOW.replace("signal(", "strength_of("));
    assert_eq!(edited(LIBRARY, &changes[&library]), LIBRARY.replace("signal(", "strength_of("));
    let (_, library, changes) = rename("lib/modem.flow", LIBRARY, "return cs", "level");
    assert_eq!(edited(LIBRARY, &changes[&library]), LIBRARY.replace("csq", "level"));
    let (flow, _, changes) = rename("a.flow", FLOW, "param apn", "access");
    assert_eq!(edited(FLOW, &changes[&flow]), FLOW.replace("apn", "access"));
    let note = editor.wait(|message| message["method"] == "window/showMessage");
    assert!(note["params"]["message"].as_str().is_some_and(|note| note.contains("--var apn=…")), "{note}");

    let mut refuse = |name: &str, text: &str, at: &str, new: &str| {
        let mut params = editor.place(name, text, at);
        params["newName"] = json!(new);
        editor.refused("textDocument/rename", params).1
    };
    assert!(refuse("a.flow", FLOW, "param apn", "strength").contains("is the name of a variable already, at line 9"));
    assert!(refuse("a.flow", FLOW, "param apn", "send").contains("keyword"));
    assert!(refuse("a.flow", FLOW, "param apn", "1x").contains("no digit first"));
    assert!(refuse("a.flow", FLOW, "call sig", "call").contains("keyword"));
    assert!(refuse("lib/modem.flow", LIBRARY, "return cs", "times").contains("parameter already"));
    assert!(refuse("a.flow", FLOW, "flow", "x").contains("there is no name here"));
    let text = "flow \"t\"\nuse \"std/at\"\ncall ping()\n";
    editor.open("b.flow", text);
    let refused = editor.refused("textDocument/prepareRename", editor.place("a.flow", FLOW, "flow"));
    assert_eq!(refused.0, -32803);
    let answer = editor.ask("textDocument/prepareRename", "a.flow", FLOW, "param ap");
    assert_eq!(answer["placeholder"], "apn");
}

#[test]
fn a_file_has_symbols_folds_and_selections() {
    let mut editor = Editor::with(&files());
    editor.open_file("a.flow");
    let document = json!({"textDocument": {"uri": editor.uri("a.flow")}});
    let symbols = editor.request("textDocument/documentSymbol", document.clone());
    assert_eq!(symbols[0]["name"], "Signal");
    let inner: Vec<_> =
        symbols[0]["children"].as_array().expect("a list").iter().map(|inner| inner["name"].clone()).collect();
    assert_eq!(inner, ["apn", "ask 😀"]);
    let folds = editor.request("textDocument/foldingRange", document);
    assert_eq!(folds, json!([{"startLine": 7, "endLine": 9}]));
    let found = editor.request("workspace/symbol", json!({"query": "SIGN"}));
    let names: Vec<_> = found.as_array().expect("a list").iter().map(|found| found["name"].clone()).collect();
    assert_eq!(names, ["Signal", "signal(port_name, times)"]);
    let params = json!({"textDocument": {"uri": editor.uri("a.flow")}, "positions": [behind(FLOW, "call si")]});
    let selection = editor.request("textDocument/selectionRange", params);
    assert_eq!(selection[0]["range"]["start"], behind(FLOW, "call "));
    assert_eq!(selection[0]["parent"]["range"]["start"], json!({"line": 8, "character": 2}));
}

#[test]
fn formatting_is_that_of_flowrun_fmt() {
    let mut editor = Editor::with(&[]);
    let text = "flow   \"é😀\"\r\nstep \"s\" {\r\nsend \"AT\"\r\n}\r\n";
    editor.open("a.flow", text);
    let params =
        json!({"textDocument": {"uri": editor.uri("a.flow")}, "options": {"tabSize": 4, "insertSpaces": true}});
    let edits = editor.request("textDocument/formatting", params.clone());
    let after = edited(text, &edits);
    assert_eq!(after, "flow \"é😀\"\nstep \"s\" {\n  send \"AT\"\n}\n");
    editor.change("a.flow", 2, &after);
    assert_eq!(editor.request("textDocument/formatting", params.clone()), json!([]));
    editor.change("a.flow", 3, "flow \"t\"\nsend\n");
    assert!(editor.refused("textDocument/formatting", params).1.contains("mistakes"));
}

#[test]
fn colours_are_those_of_the_grammar() {
    let mut editor = Editor::with(&[]);
    let text = "flow \"😀\"  param x\nsend \"${x}\"\n";
    editor.open("a.flow", text);
    let document = json!({"textDocument": {"uri": editor.uri("a.flow")}});
    let tokens = editor.request("textDocument/semanticTokens/full", document.clone());
    let wanted = [
        [0, 0, 4, 0, 0],
        [0, 5, 4, 5, 0],
        [0, 6, 5, 0, 0],
        [0, 6, 1, 1, 1],
        [1, 0, 4, 0, 0],
        [0, 5, 1, 5, 0],
        [0, 3, 1, 1, 0],
        [0, 2, 1, 5, 0],
    ];
    assert_eq!(tokens["data"], json!(wanted.concat()));
    let mut params = document;
    params["range"] = json!({"start": {"line": 1, "character": 0}, "end": {"line": 2, "character": 0}});
    let tokens = editor.request("textDocument/semanticTokens/range", params);
    assert_eq!(tokens["data"][0], 1);
}

#[test]
fn a_diagnostic_is_mended_as_its_help_says() {
    let mut editor = Editor::with(&files());
    let mut version = 1;
    editor.open("a.flow", FLOW);
    let mut mended = |text: &str, title: &str| {
        version += 1;
        let found = editor.change("a.flow", version, text);
        let uri = editor.uri("a.flow");
        let range =
            found.first().map(|found| found["range"].clone()).unwrap_or_else(|| panic!("nothing is wrong: {text}"));
        let params = json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": []}});
        let actions = editor.request("textDocument/codeAction", params);
        let action = actions.as_array().expect("a list").iter().find(|action| action["title"] == title);
        let action = action.unwrap_or_else(|| panic!("{title}: {actions}"));
        let after = edited(text, &action["edit"]["changes"][&uri]);
        version += 1;
        let left = editor.change("a.flow", version, &after);
        assert_eq!(left, Vec::<Value>::new(), "{after}");
        after
    };
    assert_eq!(mended(&FLOW.replace("log", "lgo"), "Change to `log`"), FLOW);
    assert_eq!(mended(&FLOW.replace("${apn}", "${apm}"), "Change to `apn`"), FLOW);
    assert_eq!(mended(&FLOW.replace("call signal", "call signa"), "Change to `signal`"), FLOW);
    let text = FLOW.replace("${apn}", "${unheard_of}");
    assert!(mended(&text, "Declare `param unheard_of`").contains("flow \"Signal\"\n\nparam unheard_of\n"));
    let text = FLOW.replace("  log", "  capture spare from /(.)/\n  log");
    let after = mended(&text, "Allow it here: `# allow unused-capture`");
    assert!(after.contains("  # allow unused-capture\n  capture spare"), "{after}");
}

#[test]
fn a_flow_is_run_against_its_device_from_above_its_header() {
    let mut editor = Editor::with(&files());
    editor.open("a.flow", FLOW);
    let document = json!({"textDocument": {"uri": editor.uri("a.flow")}});
    let lenses = editor.request("textDocument/codeLens", document);
    let command = lenses[0]["command"].clone();
    assert_eq!(command["title"], "Run against the simulator");
    let params = json!({"command": command["command"], "arguments": command["arguments"]});
    let ran = editor.request("workspace/executeCommand", params.clone());
    assert_eq!(ran, json!({"verdict": "passed", "message": "a.flow: passed against the simulator"}));
    let said = editor.wait(|message| message["method"] == "window/showMessage");
    assert_eq!(said["params"], json!({"type": 3, "message": "a.flow: passed against the simulator"}));

    // What is typed and not saved is what runs, and the statement that failed is marked until the next change.
    let wrong = FLOW.replace("  log", "  send \"AT+X\"  expect line \"NEVER\"\n  log");
    editor.change("a.flow", 2, &wrong);
    let ran = editor.request("workspace/executeCommand", params.clone());
    assert_eq!(ran["verdict"], "failed");
    let found = editor.diagnostics("a.flow", 2);
    assert_eq!(found.last().expect("it is marked")["code"], "flow::run::timeout");
    assert_eq!(found.last().expect("it is marked")["range"]["start"], behind(&wrong, "send \"AT+X\"  "));
    assert_eq!(editor.change("a.flow", 3, FLOW), Vec::<Value>::new());

    editor.change("a.flow", 4, &FLOW.replace("sim \"devices/modem.flow\"\n", ""));
    let ran = editor.request("workspace/executeCommand", params);
    assert_eq!(ran["verdict"], "refused");
    let refused = editor.refused("workspace/executeCommand", json!({"command": "rm", "arguments": []}));
    assert_eq!(refused.0, -32602);
}

#[test]
fn the_protocol_is_kept_also_with_an_editor_that_does_not() {
    let mut editor = Editor::started(&[]);
    assert_eq!(editor.refused("textDocument/hover", json!({})).0, -32002);
    editor.request("initialize", json!({"capabilities": {}}));
    assert_eq!(editor.refused("initialize", json!({})).0, -32600);
    assert_eq!(editor.refused("textDocument/no_such_thing", json!({})).0, -32601);
    for params in [
        json!({}),
        json!([]),
        Value::Null,
        json!({"textDocument": 1}),
        json!({"textDocument": {"uri": "file:///x"}, "position": {"line": -1, "character": 1.5}}),
    ] {
        for method in ["hover", "completion", "definition", "rename", "codeAction", "semanticTokens/range"] {
            assert_eq!(
                editor.refused(&format!("textDocument/{method}"), params.clone()).0,
                -32602,
                "{method} {params}"
            );
        }
        for method in ["didOpen", "didChange", "didClose", "didSave"] {
            editor.notify(&format!("textDocument/{method}"), params.clone());
        }
        editor.notify("workspace/didChangeWatchedFiles", params.clone());
        editor.notify("workspace/didChangeWorkspaceFolders", params.clone());
        editor.notify("$/setTrace", params);
    }
    editor.write(b"Content-Length: 5\r\n\r\n{\"a\":");
    let refused = editor.wait(|message| message["id"] == Value::Null && message.get("error").is_some());
    assert_eq!(refused["error"]["code"], -32700);
    // Positions behind every end, and ids of any kind.
    let text = "flow \"t\"\nsend \"é";
    editor.open("a.flow", text);
    for (line, character) in [(0, 99), (1, 7), (1, 8), (99, 0), (u32::MAX, u32::MAX)] {
        let position = json!({"line": line, "character": character});
        let params = json!({"textDocument": {"uri": editor.uri("a.flow")}, "position": position});
        for method in ["hover", "completion", "definition", "signatureHelp", "references", "documentHighlight"] {
            editor.request(&format!("textDocument/{method}"), params.clone());
        }
    }
    editor.send(&json!({"jsonrpc": "2.0", "id": "text", "method": "shutdown"}));
    editor.wait(|message| message["id"] == "text" && message["result"] == Value::Null);
    assert_eq!(editor.refused("textDocument/hover", json!({})).0, -32600);
    editor.notify("exit", Value::Null);
    assert_eq!(editor.end(), Some(0));
}

#[test]
fn a_request_that_is_taken_back_while_it_waits_is_refused() {
    let mut editor = Editor::with(&files());
    editor.open_file("a.flow");
    let message = |value: Value| {
        let text = value.to_string();
        format!("Content-Length: {}\r\n\r\n{text}", text.len())
    };
    // All of it arrives at once, so the server finds the second when it is at the first.
    let position = json!({"textDocument": {"uri": editor.uri("a.flow")}, "position": {"line": 0, "character": 1}});
    let mut bytes = String::new();
    for id in 1000..1200 {
        bytes += &message(json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/hover", "params": position}));
    }
    bytes += &message(json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 1199}}));
    editor.write(bytes.as_bytes());
    let answer = editor.wait(|message| message["id"] == 1199);
    let is_right = answer["error"]["code"] == -32800 || answer["result"]["range"] != Value::Null;
    assert!(is_right, "{answer}");
    assert!(editor.wait(|message| message["id"] == 1000)["result"]["range"] != Value::Null);
    assert_eq!(editor.leave(), Some(0));
}

#[test]
fn an_editor_that_is_gone_ends_the_server() {
    assert_eq!(Editor::with(&[]).end(), Some(1));
    let mut editor = Editor::with(&[]);
    editor.notify("exit", Value::Null);
    assert_eq!(editor.end(), Some(1));
}
