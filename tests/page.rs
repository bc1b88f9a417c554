//! The page of HTML as a parser of HTML reads it: whole, valid, small, and with no markup that a device sent.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use flowrun::diagnostic::{Code, Label};
use flowrun::event::{CloseReason, Event, EventKind, Failure, Measurement, RunHeader, RunPort, StepOutcome, Verdict};
use flowrun::report::Sink;
use flowrun::report::gathered::Gathered;
use flowrun::report::html::{render_gathered, render_html, render_run};
use flowrun::report::spark::PastTimes;
use flowrun::report::suite::SuiteReport;
use flowrun::report::transcript::{Times, Transcript};
use flowrun::source::{Site, Source, Sources, Span};
use flowrun::testing::Run;
use flowrun::time::Moment;
use flowrun::value::digest::sha256;
use flowrun::value::escape::harmless;
use html5ever::tendril::TendrilSink;
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::prelude::*;

/// The elements that the template has; a device has none.
const ELEMENTS: &str = "html head meta title style script body header p h1 h2 h3 dl div dt dd main nav table thead tbody tr th td a \
    article section span pre mark details summary svg path polyline rect footer kbd";

/// An element.
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

impl Element {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Returns every element of a page in order, and what is wrong with the page.
fn read(page: &str) -> (Vec<Element>, Vec<String>) {
    let document = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(page);
    let mut all = Vec::new();
    gather(&document.document, &mut all);
    let errors = document.errors.borrow().iter().map(ToString::to_string).collect();
    (all, errors)
}

fn gather(node: &Handle, into: &mut Vec<Element>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let attributes = attrs.borrow();
        let attributes = attributes.iter().map(|attr| (attr.name.local.to_string(), attr.value.to_string()));
        let attributes = attributes.collect();
        let mut text = String::new();
        text_of(node, &mut text);
        into.push(Element { name: name.local.to_string(), attributes, text });
    }
    node.children.borrow().iter().for_each(|child| gather(child, into));
}

fn text_of(node: &Handle, into: &mut String) {
    if let NodeData::Text { contents } = &node.data {
        into.push_str(&contents.borrow());
    }
    node.children.borrow().iter().for_each(|child| text_of(child, into));
}

fn pre<'a>(page: &'a [Element], class: &str) -> &'a str {
    let found = page.iter().find(|element| element.name == "pre" && element.attribute("class") == Some(class));
    &found.unwrap_or_else(|| panic!("there is no `pre` of class {class}")).text
}

/// Returns the lines of a run as its transcript has them.
fn transcript(events: &[Event], sources: &Sources) -> String {
    let mut text = Vec::new();
    let mut sink = Transcript::new(&mut text, sources, Times::Shown);
    events.iter().for_each(|event| sink.tell(event).expect("memory takes everything"));
    sink.end().expect("memory takes everything");
    let text = String::from_utf8(text).expect("a transcript is text");
    text.split_once("\n\n").map_or(text.clone(), |(_, lines)| lines.to_string())
}

/// Checks what is true of every page.
fn check_page(page: &str) -> Vec<Element> {
    let (elements, errors) = read(page);
    assert_eq!(errors, Vec::<String>::new(), "{page}");
    let known: Vec<&str> = ELEMENTS.split_whitespace().collect();
    for element in &elements {
        assert!(known.contains(&element.name.as_str()), "<{}> is none of ours", element.name);
        for (name, value) in &element.attributes {
            assert!(
                !name.starts_with("on") && !["style", "src", "srcdoc", "action"].contains(&name.as_str()),
                "{name}"
            );
            assert!(name != "href" || value.starts_with("#flow-"), "{name}={value}");
        }
    }
    let scripts: Vec<&Element> = elements.iter().filter(|element| element.name == "script").collect();
    let (data, code): (Vec<_>, Vec<_>) =
        scripts.into_iter().partition(|script| script.attribute("class") == Some("data"));
    assert_eq!(code.len(), 1, "one script is the page's own");
    for data in data {
        assert_eq!(data.attribute("type"), Some("application/json"));
        serde_json::from_str::<serde_json::Value>(&data.text).expect("it is JSON");
    }
    let styles: Vec<&Element> = elements.iter().filter(|element| element.name == "style").collect();
    assert_eq!(styles.len(), 1);
    let policy = elements.iter().filter_map(|element| element.attribute("content")).next().expect("there is a policy");
    let digest = |text: &str| format!("'sha256-{}'", flowrun::value::coding::base64(&sha256(text.as_bytes())));
    let (style, script) = (digest(&styles[0].text), digest(&code[0].text));
    let expected =
        format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'");
    assert_eq!(policy, expected);
    elements
}

/// Returns the events of a run in which these texts and bytes are everywhere where there can be any.
fn events(texts: &[String], bytes: &[u8]) -> (Sources, Vec<Event>) {
    let text = |n: usize| texts[n % texts.len()].clone();
    let mut sources = Sources::default();
    let source = sources.add(Source::new(text(0), format!("flow \"{}\"\n{}\n{}", text(1), text(2), text(3))));
    let site = Site { source, span: Span::new(0, 4) };
    let failure = Failure {
        code: Code::RunTimeout,
        site: Some(site),
        message: format!("line \"{}\" did not come within 5s", text(4)),
        label: text(5),
        others: vec![Label::new(site, text(6))],
        steps: vec![text(7), text(8)],
        sent: Some(text(9)),
        came: Some(texts.to_vec()),
        cause: Some(text(1)),
        ends_run: false,
    };
    let measured = Measurement {
        name: text(2),
        value: "3.42".to_string(),
        unit: Some(text(3)),
        low: Some("3.60".to_string()),
        high: Some(text(4)),
        passed: false,
        soft: true,
        fault: Some(text(5)),
    };
    let port = |n| RunPort { name: text(n), address: text(n + 1), line: text(n + 2), has_line: true };
    let header = RunHeader {
        title: text(6),
        kind: "flow".to_string(),
        file: text(7),
        port: text(8),
        line: text(9),
        has_line: true,
        ports: vec![port(0), port(3)],
        seed: 1,
    };
    let bytes = bytes.to_vec();
    let step = |outcome, depth| EventKind::StepEnded {
        title: text(0),
        outcome,
        attempt: 1,
        took: Duration::from_millis(1),
        depth,
    };
    let kinds = vec![
        EventKind::RunStarted(Box::new(header)),
        EventKind::Opened,
        EventKind::StepBegan { title: text(0), attempt: 1, attempts: 2, depth: 0 },
        EventKind::Sent { bytes: bytes.clone() },
        EventKind::Received { bytes: bytes.clone(), block: false, echo: None },
        EventKind::Matched { pattern: Arc::from(text(1)), text: bytes.clone(), waited: Duration::from_micros(5) },
        EventKind::Captured { name: text(2).into(), value: bytes.clone() },
        EventKind::Measured(Box::new(measured)),
        EventKind::Saved { name: text(3) },
        EventKind::Logged { text: bytes.clone() },
        EventKind::HookSaid { text: bytes.clone() },
        EventKind::Noted { text: text(4) },
        EventKind::Received { bytes, block: true, echo: None },
        EventKind::CleanupFailed(Box::new(failure.clone())),
        EventKind::Skipped { why: text(5) },
        EventKind::Failed(Box::new(failure)),
        step(StepOutcome::Failed, 0),
        EventKind::Closed(CloseReason::Broken { reason: text(6), help: Some(text(7)) }),
        EventKind::RunEnded { verdict: Verdict::Failed, checks: 1 },
    ];
    let events = kinds.into_iter().enumerate().map(|(at, kind)| Event {
        at: Moment::from_millis(at as u64),
        port: flowrun::port::PortId::new(at % 2).expect("there are two"),
        site: Some(site),
        kind,
    });
    (sources, events.collect())
}

/// Returns texts that try to be more than text.
fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("</script><script>alert(1)</script>".to_string()),
        Just("</pre></style></title><img src=x onerror=alert(1)>".to_string()),
        Just("\" onmouseover=\"alert(1)".to_string()),
        Just("<!--<script>&lt;&#60;&amp;".to_string()),
        Just("]]>{{ page }}{% x %}`${x}`\\u003c\\".to_string()),
        Just("\u{202e}\u{2066}\u{feff}\r\n\0\u{7f}\u{80}\u{fdd0}\u{ffff}".to_string()),
        any::<String>(),
        "[<>&\"'/=a-c! -]{0,30}",
        "",
    ]
}

fn nasty_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![any::<Vec<u8>>(), nasty().prop_map(String::into_bytes)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_a_device_or_a_flow_says_is_markup(texts in prop::collection::vec(nasty(), 10), bytes in nasty_bytes()) {
        let (sources, events) = events(&texts, &bytes);
        let about = [(texts[1].clone(), texts[2].clone())];
        let page = check_page(&render_run(&events, &sources, &about));
        let title = harmless(&texts[6]);
        let shown = page.iter().find(|element| element.name == "h1").expect("there is a title");
        prop_assert_eq!(&shown.text, &title);
        prop_assert_eq!(pre(&page, "exchange"), transcript(&events, &sources));
        let suite = SuiteReport::of_runs([(events.as_slice(), &sources, &about[..]); 2].into_iter());
        let page = check_page(&render_html(&suite));
        prop_assert_eq!(page.iter().filter(|element| element.name == "article").count(), 2);
        let n_sources = page.iter().filter(|element| element.attribute("class") == Some("source")).count();
        prop_assert_eq!(n_sources, 1, "what two flows have in common stands there once");
    }
}

#[test]
fn the_page_of_a_real_run_has_its_flow_and_its_exchange_and_is_small() {
    for flow in ["flows/aliyun_dynamic.flow", "flows/two_modems.flow", "flows/voltmeter.flow", "flows/gateway.flow"] {
        let outcome = Run::new(flow).go().unwrap_or_else(|refused| panic!("{refused}"));
        let (events, sources) = (outcome.events(), outcome.sources());
        let text = render_run(events, sources, &[]);
        let page = check_page(&text);
        let lines = transcript(events, sources);
        assert_eq!(pre(&page, "exchange"), lines);
        let (_, source) = sources.iter().next().expect("there is the flow");
        assert_eq!(pre(&page, "source"), &**source.shown(), "secrets in it are covered");
        let shown = page.iter().filter(|element| element.attribute("class") == Some("source"));
        let n_sources: usize = shown.map(|element| element.text.len()).sum();
        let empty = render_run(&events[..1], &Sources::default(), &[]).len();
        let most = lines.len() * 3 / 2 + n_sources * 11 / 10 + empty + 8000;
        assert!(text.len() <= most, "{flow}: {} > {most}, transcript {}", text.len(), lines.len());
    }
}

#[test]
fn the_page_draws_how_long_the_device_took_in_earlier_runs_and_says_it_in_words() {
    let outcome = Run::new("flows/voltmeter.flow").go().unwrap_or_else(|refused| panic!("{refused}"));
    let past = vec![PastTimes {
        what: "line \"<b>\u{202e}\" in step <script>".to_string(),
        times: vec![100.0, 200.0, 400.0],
        median: "200 ms".to_string(),
        last: "400 ms".to_string(),
        drift: Some("4.0 times slower".to_string()),
    }];
    let gathered = Gathered::of(outcome.events(), outcome.sources()).past(past);
    let text = render_gathered(&gathered, outcome.sources());
    let page = check_page(&text);
    let section = page.iter().find(|element| element.attribute("aria-label") == Some("Answer times"));
    let said = &section.expect("there is one").text;
    for part in ["line \"<b>\\u{202e}\" in step <script>", "200 ms", "400 ms", "3", "4.0 times slower"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(text.contains("points=\"0,18 60,12 120,0\""), "{text}");
    assert!(!render_run(outcome.events(), outcome.sources(), &[]).contains("Answer times"), "not where there is none");
}

#[test]
fn a_long_log_takes_half_as_much_again_as_its_transcript_at_the_most() {
    let sources = Sources::default();
    let mut all = Vec::new();
    for i in 0..20_000 {
        let bytes = match i % 2 {
            0 => format!("[{i:8}] <wlan0> associated & \"ready\"\r\n"),
            _ => "a && b &= c & d && {\"e\": [\"&\"]} && f & g && h & i && <j>\r\n".to_string(),
        };
        let bytes = bytes.into_bytes();
        let kind = EventKind::Received { bytes, block: false, echo: None };
        all.push(Event { at: Moment::from_millis(i), port: flowrun::port::PortId::FIRST, site: None, kind });
    }
    let lines = transcript(&all, &sources).len();
    let page = render_run(&all, &sources, &[]).len() - render_run(&[], &sources, &[]).len();
    assert!(page <= lines * 3 / 2, "{page} > 1.5 × {lines}");
    assert!(page > lines, "everything is there");
}

fn flowrun(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
    command.args(arguments).current_dir(folder).env("COLUMNS", "100").env_remove("CI");
    command.output().expect("it can be started")
}

/// Returns a folder with a flow that passes with `--var answer=OK`, and fails otherwise.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
    write("m.flow", "device \"m\"\non line \"A\" { reply \"OK\" }\n");
    write("a.flow", "flow \"a\" sim \"m.flow\" param answer = \"NO\" send \"A\" expect line \"${answer}\" within 1s");
    folder
}

#[test]
fn a_run_writes_its_page_and_show_makes_the_same_of_its_events() {
    let folder = folder();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it was written");
    let code = |arguments: &[&str]| flowrun(folder.path(), arguments).status.code();
    let run = ["a.flow", "--port", "sim", "--report", "html=run.html", "--events", "a.events"];
    assert_eq!(code(&run), Some(1));
    let page = read("run.html");
    let elements = check_page(&page);
    assert!(elements.iter().any(|element| element.attribute("class") == Some("failure")));
    let output = flowrun(folder.path(), &["show", "a.events"]);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), "a.html written\n"));
    assert_eq!(read("a.html"), page);
    // What makes the run traceable is there, in a run of which nothing else is kept too.
    assert_eq!(code(&["a.flow", "--port", "sim", "--report", "html=alone.html", "--var", "answer=OK"]), Some(0));
    let elements = check_page(&read("alone.html"));
    let about = elements.iter().find(|element| element.name == "details").expect("it is told");
    for what in ["date20", "flowrun", "sha256", "  a.flow", "answer = OK"] {
        assert!(about.text.replace('\n', "").contains(what), "{what}: {}", about.text);
    }
    // Of several runs each has a page of its own.
    let flow = "flow \"r\" sim \"m.flow\" param sn param answer send \"A\" expect line \"${answer}\" within 1s log sn";
    fs::write(folder.path().join("r.flow"), flow).expect("it can be written");
    fs::write(folder.path().join("units.csv"), "sn,answer\n1,OK\n2,NO\n").expect("it can be written");
    let code = code(&["r.flow", "--port", "sim", "--rows", "units.csv", "--report", "html=p.html"]);
    let files = fs::read_dir(folder.path()).expect("it is a folder").filter_map(Result::ok);
    let mut pages: Vec<String> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    pages.retain(|name| name.starts_with("p."));
    pages.sort();
    assert_eq!((code, pages), (Some(1), vec!["p.row_1.html".to_string(), "p.row_2.html".to_string()]));
}

#[test]
fn the_runs_of_a_suite_are_shown_in_one_page() {
    let folder = folder();
    let code = |arguments: &[&str]| flowrun(folder.path(), arguments).status.code();
    fs::write(folder.path().join("b.flow"), "flow \"b <i>\" sim \"m.flow\" send \"A\" expect line \"OK\"")
        .expect("it can be written");
    assert_eq!(code(&["test", ".", "--accept", "--events", "all.jsonl", "--report", "html=suite.html"]), Some(1));
    assert_eq!(code(&["show", "all.jsonl", "-o", "all.html"]), Some(0));
    for name in ["suite.html", "all.html"] {
        let page = check_page(&fs::read_to_string(folder.path().join(name)).expect("it was written"));
        let titles: Vec<&str> =
            page.iter().filter(|element| element.name == "a").map(|element| element.text.as_str()).collect();
        assert_eq!(titles, ["a", "b <i>"], "{name}");
        assert_eq!(page.iter().filter(|element| element.attribute("class") == Some("exchange")).count(), 2);
    }
}

#[test]
fn the_document_has_every_key_of_the_page() {
    let script = include_str!("../src/report/html/page.js");
    let table =
        script.split("const KEYS = [").nth(1).and_then(|rest| rest.split("];").next()).expect("there is a table");
    let pairs: Vec<&str> = table.split('"').skip(1).step_by(2).collect();
    let keys = pairs.chunks(2).map(|pair| {
        let keys: Vec<String> = pair[0].split("  ").map(|key| format!("`{key}`")).collect();
        format!("| {} | {} |", keys.join(" "), pair[1])
    });
    let document = include_str!("../docs/reports.md");
    let section =
        document.split("## Keys").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("there is a section");
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows, keys.collect::<Vec<_>>());
}

#[test]
fn every_command_of_the_document_passes() {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    support::copy(&support::repo("flows"), &folder.path().join("flows"));
    let document = include_str!("../docs/reports.md");
    let block = document.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("there is a block");
    for line in block.lines() {
        let words: Vec<&str> = line.strip_prefix("flowrun ").expect("it is ours").split_whitespace().collect();
        let output = flowrun(folder.path(), &words);
        assert_eq!(output.status.code(), Some(0), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    for name in ["run.html", "suite.html", "two.html", "page.html"] {
        check_page(&fs::read_to_string(folder.path().join(name)).expect("it was written"));
    }
}

#[test]
fn what_cannot_be_shown_says_why_and_nothing_is_overwritten() {
    let folder = folder();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("it can be written");
    write("x.events", "{}\n");
    write("empty.events", "");
    write("page.html", "precious");
    let cases: [(&[&str], &str); 6] = [
        (&["show", "x.events"], "`x.events` cannot be shown: line 1: it does not say what it is: not a file of events"),
        (&["show", "empty.events"], "there is no run in it"),
        (&["show", "none.events"], "`none.events` cannot be shown: "),
        (&["show", "m.flow"], "line 1: it is not JSON"),
        (&["a.flow", "--port", "sim", "--report", "html=a.flow"], "the page `a.flow` cannot be written: it is "),
        (&["a.flow", "--port", "sim", "--report", "junit=a.xml"], "of a run there is `html=FILE`"),
    ];
    for (arguments, why) in cases {
        let output = flowrun(folder.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}\n{said}");
        assert!(said.contains(why), "{arguments:?}\n{said}");
    }
    assert!(flowrun(folder.path(), &["a.flow", "--port", "sim", "--events", "a.html"]).status.code() == Some(1));
    let output = flowrun(folder.path(), &["show", "a.html"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("name another file with `--output FILE`"), "{said}");
}
