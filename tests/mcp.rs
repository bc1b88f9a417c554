//! `flowrun mcp` as a scripted client sees it: lines of JSON on standard input and output, and no library between.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value as Json, json};
use support::repo;

#[path = "support/served.rs"]
#[allow(dead_code, reason = "each test binary uses a part of this")]
mod served;
use served::Served;

const DEVICE: &str = "device \"modem\"\non line \"AT+CSQ\" {\n  send \"+CSQ: 17,0\"\n  send \"OK\"\n}\n";
const FLOW: &str = "flow \"signal\"\nsim \"modem.flow\"\nsend \"AT+CSQ\"\n\
    expect line /\\+CSQ: (?<rssi>\\d+),\\d+/\nexpect line \"OK\"\nsave rssi\n";
const WAITS: &str =
    "flow \"waits\"\nfinally { log \"cleaned up\" }\nstep \"for ever\" {\n  expect line \"never\" within 1h\n}\n";

/// A client without anything between it and the lines.
struct Client {
    server: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    last: u64,
    /// Everything that came and was no answer that was waited for.
    others: Vec<Json>,
    /// What the person answers; `None` if the client cannot ask.
    person: Option<&'static str>,
    asked: Vec<String>,
}

impl Client {
    fn new(root: &Path, options: &[&str], person: Option<&'static str>) -> Client {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun-mcp"));
        command.arg("--root").arg(root).args(options).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().expect("it can be started");
        let input = server.stdin.take();
        let output = BufReader::new(server.stdout.take().expect("it is piped"));
        let mut client = Client { server, input, output, last: 0, others: Vec::new(), person, asked: Vec::new() };
        let can = if person.is_some() { json!({ "elicitation": {} }) } else { json!({}) };
        let about = json!({ "name": "script", "version": "1" });
        let begun = client
            .ask("initialize", json!({ "protocolVersion": "2025-06-18", "capabilities": can, "clientInfo": about }));
        assert_eq!(begun["result"]["serverInfo"]["name"], "flowrun", "{begun}");
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        client
    }

    fn send(&mut self, message: &Json) {
        self.send_text(&message.to_string());
    }

    fn send_text(&mut self, line: &str) {
        let input = self.input.as_mut().expect("it is not closed");
        writeln!(input, "{line}").expect("the server reads");
        input.flush().expect("the server reads");
    }

    fn receive(&mut self) -> Option<Json> {
        let mut line = String::new();
        let n = self.output.read_line(&mut line).expect("it is UTF-8");
        (n > 0).then(|| serde_json::from_str(&line).expect("each line is JSON"))
    }

    /// Sends a request; returns its number.
    fn request(&mut self, method: &str, params: Json) -> u64 {
        self.last += 1;
        self.send(&json!({ "jsonrpc": "2.0", "id": self.last, "method": method, "params": params }));
        self.last
    }

    /// Waits for the answer to a request, and answers for the person meanwhile.
    fn answer(&mut self, id: u64) -> Json {
        loop {
            let message = self.receive().expect("the server is there");
            if message["method"] == "elicitation/create" {
                self.asked.push(message["params"]["message"].as_str().expect("it has a message").to_string());
                let content = json!({ "remember": self.person == Some("always") });
                let action = if self.person == Some("decline") { "decline" } else { "accept" };
                let result = json!({ "action": action, "content": content });
                self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }));
            } else if message["id"] == json!(id) {
                return message;
            } else {
                self.others.push(message);
            }
        }
    }

    fn ask(&mut self, method: &str, params: Json) -> Json {
        let id = self.request(method, params);
        self.answer(id)
    }

    /// Calls a tool; returns its result as data, or what it says is wrong.
    fn call(&mut self, tool: &str, arguments: Json) -> Result<Json, String> {
        let answer = self.ask("tools/call", json!({ "name": tool, "arguments": arguments }));
        let result = &answer["result"];
        let data = result["structuredContent"].clone();
        let text = result["content"][0]["text"].as_str().expect("the result is a text, too");
        assert_eq!(serde_json::from_str::<Json>(text).expect("it is JSON"), data);
        if result["isError"] == json!(true) {
            let help = data["help"].as_str().unwrap_or_default();
            assert!(!help.is_empty(), "an error says what to do: {data}");
            return Err(format!("{}; {help}", data["error"].as_str().expect("it says what is wrong")));
        }
        Ok(data)
    }

    fn good(&mut self, tool: &str, arguments: Json) -> Json {
        self.call(tool, arguments).unwrap_or_else(|wrong| panic!("{tool}: {wrong}"))
    }

    fn bad(&mut self, tool: &str, arguments: Json) -> String {
        self.call(tool, arguments).expect_err("it is refused")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    for (name, text) in [("modem.flow", DEVICE), ("signal.flow", FLOW), ("waits.flow", WAITS)] {
        fs::write(folder.path().join(name), text).expect("there is room");
    }
    folder
}

/// Returns the transcripts that runs have left in the folder.
fn transcripts(folder: &Path) -> Vec<String> {
    let below = |folder: PathBuf| -> Vec<PathBuf> {
        fs::read_dir(folder).map(|all| all.filter_map(|one| Some(one.ok()?.path())).collect()).unwrap_or_default()
    };
    let runs = below(folder.join("flowrun-results")).into_iter().flat_map(below);
    runs.filter_map(|run| fs::read_to_string(run.join("transcript.txt")).ok()).collect()
}

#[test]
fn a_flow_is_run_and_its_verdict_failure_exchange_and_values_are_data() {
    let folder = folder();
    let mut client = Client::new(folder.path(), &[], None);
    let ran = client.good("run", json!({ "flow": "signal.flow" }));
    assert_eq!((&ran["verdict"], &ran["saved"]), (&json!("passed"), &json!({ "rssi": "17" })), "{ran}");
    assert_eq!(ran["exchange"][0]["text"], "AT+CSQ\r", "{ran}");
    let text = FLOW.replace("line \"OK\"", "line \"READY\" within 1s");
    fs::write(folder.path().join("fails.flow"), text).expect("there is room");
    let ran = client.good("run", json!({ "flow": "fails.flow", "exchange": 1 }));
    assert_eq!((&ran["verdict"], &ran["exit_code"]), (&json!("failed"), &json!(1)), "{ran}");
    assert_eq!(ran["failure"]["place"], json!({ "file": "./fails.flow", "line": 5, "column": 1 }), "{ran}");
    assert_eq!(ran["failure"]["code"], "flow::run::timeout", "{ran}");
    assert_eq!(ran["exchange"].as_array().map(Vec::len), Some(1), "{ran}");
    assert_ne!(ran["exchange_left_out"], 0, "{ran}");
    let kept = folder.path().join(ran["artifacts"].as_str().expect("it was kept")).join("transcript.txt");
    assert!(kept.is_file(), "{ran}");
    let ran = client.good("run", json!({ "flow": "signal.flow", "vars": { "nothing": 1 } }));
    assert_eq!(ran["verdict"], "refused", "{ran}");
    assert!(ran["messages"].as_str().is_some_and(|text| text.contains("nothing")), "{ran}");
}

#[test]
fn check_and_fmt_return_problems_with_places() {
    let folder = folder();
    fs::write(folder.path().join("wrong.flow"), "flow \"wrong\"\nexpct line \"OK\"\n").expect("there is room");
    let mut client = Client::new(folder.path(), &[], None);
    let checked = client.good("check", json!({ "paths": ["."] }));
    assert_eq!((&checked["ok"], &checked["errors"]), (&json!(false), &json!(1)), "{checked}");
    let problem = &checked["problems"][0];
    assert_eq!((&problem["place"]["file"], &problem["place"]["line"]), (&json!("wrong.flow"), &json!(2)), "{problem}");
    let code = problem["code"].as_str().expect("it has a code").to_string();
    assert_eq!(client.good("explain", json!({ "code": code }))["code"], code.as_str());
    fs::write(folder.path().join("wide.flow"), "flow   \"wide\"\nsend \"AT\"\n").expect("there is room");
    let differs = client.good("fmt", json!({ "path": "wide.flow", "check": true }));
    assert_eq!((&differs["ok"], &differs["changed"]), (&json!(false), &json!(false)), "{differs}");
    assert_eq!(client.good("fmt", json!({ "path": "wide.flow" }))["changed"], true);
    let shown = client.good("show_flow", json!({ "path": "wide.flow" }));
    assert_eq!(shown["text"], "flow \"wide\"\nsend \"AT\"\n");
}

#[test]
fn a_real_port_needs_consent_and_without_a_way_to_ask_it_is_refused() {
    let folder = folder();
    let (_served, port) = Served::new(DEVICE, &["--tcp", "127.0.0.1:0"]);
    let run = json!({ "flow": "signal.flow", "ports": [port] });
    let mut client = Client::new(folder.path(), &[], None);
    let wrong = client.bad("run", run.clone());
    assert!(wrong.contains("has not agreed") && wrong.contains("--allow-port"), "{wrong}");
    assert!(client.bad("port_open", json!({ "port": port })).contains("--allow-port"), "it is not opened");
    let mut client = Client::new(folder.path(), &["--allow-port", &port], None);
    let wrong = client.bad("run", run.clone());
    assert!(wrong.contains("--allow-write"), "reading was allowed, a flow sends: {wrong}");
    let opened = client.good("port_open", json!({ "port": port }));
    let wrong = client.bad("port_write", json!({ "session": opened["session"], "text": "AT+CSQ" }));
    assert!(wrong.contains("--allow-write"), "{wrong}");
    client.good("port_close", json!({ "session": opened["session"] }));
    let mut client = Client::new(folder.path(), &["--allow-port", &port, "--allow-write"], None);
    assert_eq!(client.good("run", run)["verdict"], "passed");
}

#[test]
fn the_person_is_asked_for_each_call_unless_they_say_that_it_lasts() {
    let folder = folder();
    let (_served, port) = Served::new(DEVICE, &["--tcp", "127.0.0.1:0"]);
    let run = json!({ "flow": "signal.flow", "ports": [port] });
    let mut client = Client::new(folder.path(), &[], Some("decline"));
    assert!(client.bad("run", run.clone()).contains("did not agree"), "the person declined");
    assert!(client.asked[0].contains(&port), "{:?}", client.asked);
    let mut client = Client::new(folder.path(), &[], Some("accept"));
    for n in 1..=2 {
        assert_eq!(client.good("run", run.clone())["verdict"], "passed");
        assert_eq!(client.asked.len(), n, "each call is a question");
    }
    let mut client = Client::new(folder.path(), &[], Some("always"));
    for _ in 0..2 {
        assert_eq!(client.good("run", run.clone())["verdict"], "passed");
        assert_eq!(client.asked.len(), 1, "the answer lasts");
    }
    assert_eq!(client.good("run", json!({ "flow": "signal.flow" }))["verdict"], "passed");
    assert_eq!(client.asked.len(), 1, "a simulated device is free");
}

#[test]
fn a_name_in_flowrun_toml_is_the_port_that_it_stands_for() {
    let folder = folder();
    let (_served, port) = Served::new(DEVICE, &["--tcp", "127.0.0.1:0"]);
    let bench = format!("[ports.modem]\naddress = \"{port}\"\n[profile.bench]\nports = [\"modem\"]\n");
    fs::write(folder.path().join("flowrun.toml"), bench).expect("there is room");
    let mut client = Client::new(folder.path(), &[], None);
    for run in [json!({ "ports": ["@modem"] }), json!({ "ports": ["modem"] }), json!({ "profile": "bench" })] {
        let mut run = run;
        run["flow"] = "signal.flow".into();
        let wrong = client.bad("run", run);
        assert!(wrong.contains("has not agreed") && wrong.contains(&port), "{wrong}");
    }
    assert_eq!(client.good("ports", json!({}))["names"][0], json!({ "name": "@modem", "address": port }));
    let mut client = Client::new(folder.path(), &["--allow-port", &port, "--allow-write"], None);
    assert_eq!(client.good("run", json!({ "flow": "signal.flow", "profile": "bench" }))["verdict"], "passed");
}

#[test]
fn files_outside_of_the_folder_are_neither_read_nor_written() {
    let outer = tempfile::tempdir().expect("a folder can be made for tests");
    let root = outer.path().join("root");
    fs::create_dir(&root).expect("there is room");
    fs::write(outer.path().join("secret.flow"), FLOW).expect("there is room");
    fs::write(root.join("notes.txt"), "x").expect("there is room");
    let mut client = Client::new(&root, &[], None);
    let absolute = outer.path().join("secret.flow").display().to_string();
    let mut paths = vec!["../secret.flow".to_string(), absolute];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outer.path().join("secret.flow"), root.join("link.flow")).expect("it can be made");
        paths.push("link.flow".to_string());
    }
    for path in &paths {
        for (tool, name) in [("show_flow", "path"), ("fmt", "path"), ("run", "flow")] {
            assert!(client.bad(tool, json!({ name: path })).contains("is outside"), "{tool} {path}");
        }
        assert!(client.bad("check", json!({ "paths": [path] })).contains("is outside"), "{path}");
        assert!(client.bad("run", json!({ "flow": "x.flow", "ports": [format!("sim:{path}")] })).contains("outside"));
        let wrong = client.bad("write_flow", json!({ "path": path, "text": FLOW, "overwrite": true }));
        assert!(wrong.contains("is outside"), "{path}: {wrong}");
    }
    assert!(client.bad("write_flow", json!({ "path": "notes.txt", "text": "y" })).contains("`.flow`"));
    assert!(client.bad("write_flow", json!({ "path": "../new.flow", "text": FLOW })).contains("is outside"));
    assert_eq!(fs::read_to_string(root.join("notes.txt")).ok().as_deref(), Some("x"));
}

#[test]
fn secrets_have_names_in_every_result() {
    let folder = folder();
    let text = "flow \"secret\"\nsim \"echo.flow\"\nsecret key\nsend key\nexpect line \"OK\" within 1s\nsave key\n";
    fs::write(folder.path().join("secret.flow"), text).expect("there is room");
    let device = "device \"echo\"\non line /(?<all>.+)/ { send \"got {all}\" }\n";
    fs::write(folder.path().join("echo.flow"), device).expect("there is room");
    let mut client = Client::new(folder.path(), &[], None);
    let ran = client.good("run", json!({ "flow": "secret.flow", "vars": { "key": "hunter2hunter2" } }));
    assert_eq!(ran["verdict"], "failed", "{ran}");
    assert!(!ran.to_string().contains("hunter2hunter2") && ran.to_string().contains("«key»"), "{ran}");
}

#[test]
fn a_cancelled_call_and_one_that_takes_too_long_run_their_finally() {
    let folder = folder();
    let (_served, port) = Served::new(DEVICE, &["--tcp", "127.0.0.1:0"]);
    let mut client = Client::new(folder.path(), &["--allow-port", &port, "--allow-write"], None);
    let run = json!({ "flow": "waits.flow", "ports": [port], "timeout_ms": 300 });
    let ran = client.good("run", run.clone());
    assert_eq!(ran["verdict"], "interrupted", "{ran}");
    assert!(ran["ended_by"].as_str().is_some_and(|why| why.contains("time of this call")), "{ran}");
    assert!(transcripts(folder.path()).iter().any(|text| text.contains("cleaned up")), "{ran}");

    // Progress says that it runs, and only then is it cancelled.
    let call = json!({ "name": "run", "arguments": { "flow": "waits.flow", "ports": [port] },
        "_meta": { "progressToken": "p" } });
    let id = client.request("tools/call", call);
    while client.others.iter().all(|message| message["method"] != "notifications/progress") {
        let message = client.receive().expect("the server is there");
        client.others.push(message);
    }
    let told = client.others.iter().any(|message| message["params"]["message"] == "for ever");
    assert!(told, "{:?}", client.others);
    // Nobody else has the port meanwhile.
    assert!(client.bad("run", run).contains("in use"), "two runs on one port");
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }));
    let mut n_looks = 0;
    while transcripts(folder.path()).iter().filter(|text| text.contains("cleaned up")).count() < 2 {
        client.good("language", json!({}));
        n_looks += 1;
        assert!(n_looks < 100_000, "the cancelled run goes on");
    }
}

#[test]
fn the_end_of_the_input_ends_a_run_with_its_finally_and_the_server() {
    let folder = folder();
    let (_served, port) = Served::new(DEVICE, &["--tcp", "127.0.0.1:0"]);
    let mut client = Client::new(folder.path(), &["--allow-port", &port, "--allow-write"], None);
    let call = json!({ "name": "run", "arguments": { "flow": "waits.flow", "ports": [port] },
        "_meta": { "progressToken": 1 } });
    client.request("tools/call", call);
    while client.receive().expect("the server is there")["method"] != "notifications/progress" {}
    client.input = None;
    while client.receive().is_some() {}
    assert!(client.server.wait().expect("it was started").success(), "the server ends well");
    assert!(transcripts(folder.path()).iter().any(|text| text.contains("cleaned up")), "its finally ran");
}

#[test]
fn a_session_on_a_simulated_device_reads_and_writes() {
    let folder = folder();
    let mut client = Client::new(folder.path(), &[], None);
    let opened = client.good("port_open", json!({ "port": "sim:modem.flow" }));
    let session = &opened["session"];
    assert_eq!(opened["is_simulated"], true, "{opened}");
    assert_eq!(client.good("port_write", json!({ "session": session, "text": "AT+CSQ" }))["sent_bytes"], 7);
    let read = client.good("port_read", json!({ "session": session, "until": "OK\r\n", "timeout_ms": 60000 }));
    assert_eq!(read["found"], true, "{read}");
    assert!(read["text"].as_str().is_some_and(|text| text.contains("+CSQ: 17,0")), "{read}");
    client.good("port_write", json!({ "session": session, "hex": "41 54 2b 43 53 51 0d" }));
    let read = client.good("port_read", json!({ "session": session, "until": "17,0", "timeout_ms": 60000 }));
    assert_eq!(read["found"], true, "{read}");
    assert!(client.bad("port_write", json!({ "session": session })).contains("either"), "nothing to send");
    assert!(client.bad("port_write", json!({ "session": session, "hex": "4" })).contains("pairs"));
    let closed = client.good("port_close", json!({ "session": session }));
    assert_eq!(closed["closed"], "sim:modem.flow");
    assert!(client.bad("port_read", json!({ "session": session })).contains("no session"));
}

#[test]
fn a_suite_is_tested_and_only_what_matters_of_it_is_returned() {
    let folder = folder();
    fs::remove_file(folder.path().join("waits.flow")).expect("it is there");
    let mut client = Client::new(folder.path(), &[], None);
    let tested = client.good("test", json!({}));
    assert_eq!((&tested["verdict"], &tested["counts"]["new"]), (&json!("failed"), &json!(1)), "{tested}");
    assert_eq!(client.good("test", json!({ "accept": true }))["verdict"], "passed");
    let tested = client.good("test", json!({ "filter": "signal" }));
    assert_eq!(tested["flows"][0]["status"], "passed", "{tested}");
}

#[test]
fn what_is_wrong_in_a_call_is_an_answer_and_the_server_goes_on() {
    let folder = folder();
    let mut client = Client::new(folder.path(), &[], None);
    assert!(client.bad("chekc", json!({})).contains("did you mean `check`?"));
    assert!(client.bad("check", json!({})).contains("needs the argument `paths`"));
    assert!(client.bad("check", json!({ "paths": 7 })).contains("is not a list of texts"));
    assert!(client.bad("run", json!({ "flow": "signal.flow", "prot": "sim" })).contains("no argument `prot`"));
    assert!(client.bad("run", json!({ "flow": "signal.flow", "seed": -1 })).contains("whole number"));
    assert!(client.bad("run", json!({ "flow": "nothing.flow" })).contains("cannot be read"));
    assert!(client.bad("port_open", json!({ "port": "sim" })).contains("device of a flow"));
    assert!(client.bad("explain", json!({ "code": "flow::run::timeot" })).contains("did you mean"));
    // A name that looks like an option is a file.
    assert!(client.bad("run", json!({ "flow": "--help" })).contains("cannot be read"));
    let hostile = client.bad("run", json!({ "flow": "\u{1b}[2Jx" }));
    assert!(!hostile.contains('\u{1b}'), "{hostile}");
    client.send_text("this is not JSON");
    client.send_text("");
    assert_eq!(client.good("run", json!({ "flow": "signal.flow" }))["verdict"], "passed");
}

#[test]
fn flowrun_mcp_starts_the_program_that_is_beside_it() {
    let folder = folder();
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.arg("mcp").arg("--root").arg(folder.path().join("none")).stdin(Stdio::null());
    let output = command.output().expect("it can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot be used") && said.contains("--root DIR"), "{said}");
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{said}");
}

/// Says whether everything in one value is in the other, too.
fn has(whole: &Json, part: &Json) -> bool {
    match (whole, part) {
        (Json::Object(whole), Json::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| has(whole, part)))
        }
        (Json::Array(whole), Json::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| has(whole, part))
        }
        _ => whole == part,
    }
}

#[test]
fn the_session_of_the_document_is_what_happens() {
    let document = fs::read_to_string(repo("docs/agents.md")).expect("there is the document");
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let mut client = Client::new(folder.path(), &[], None);
    let session = document.split("```text\n> ").nth(1).and_then(|rest| rest.split("```").next());
    let session = format!("> {}", session.expect("there is the session")).replace("\n    ", " ");
    let mut result = Json::Null;
    let mut n_calls = 0;
    for line in session.lines().filter(|line| !line.is_empty()) {
        if let Some(call) = line.strip_prefix("> ") {
            let (tool, arguments) = call.split_once(' ').expect("a tool has arguments");
            result =
                client.good(tool, serde_json::from_str(arguments).unwrap_or_else(|error| panic!("{line}: {error}")));
            n_calls += 1;
        } else {
            let part = line.strip_prefix("< ").unwrap_or_else(|| panic!("{line}"));
            let part = serde_json::from_str(part).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(has(&result, &part), "{line}\n{result}");
        }
    }
    assert!(n_calls >= 5, "{n_calls} calls");
}

#[test]
fn the_document_has_a_row_for_every_tool() {
    let document = fs::read_to_string(repo("docs/agents.md")).expect("there is the document");
    let rows = document.lines().skip_while(|line| !line.starts_with("| tool |")).skip(2);
    let rows: Vec<&str> =
        rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('`').nth(1)).collect();
    let folder = folder();
    let mut client = Client::new(folder.path(), &[], None);
    let listed = client.ask("tools/list", json!({}));
    let tools = listed["result"]["tools"].as_array().expect("it is a list").clone();
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(rows, names);
    for tool in &tools {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        let described = tool["inputSchema"]["properties"].as_object().expect("it is an object");
        assert!(described.values().all(|property| property["description"].is_string()), "{tool}");
    }
}
