//! The robustness lab: what it finds, and that the built-in flows give it nothing to find.

mod support;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use flowrun::engine::{Inputs, PortInputs};
use flowrun::program::Program;
use flowrun::report::format::Format;
use flowrun::stress::{Aim, Bench, Campaign, Choice, Fault, Occurrence, Plan, Report, Wrong, run};

/// Joins a flow with a device for each of its ports.
fn bench(flow: Arc<Program>, devices: Vec<Arc<Program>>) -> Bench {
    let inputs = |program: &Program, seed| Inputs {
        variables: HashMap::new(),
        seed,
        begun: support::BEGUN,
        file: "test.flow".to_string(),
        ports: match program.ports.as_slice() {
            [] => vec![PortInputs::serial("sim", &program.settings)],
            ports => ports.iter().map(|port| PortInputs::serial("sim", &port.settings)).collect(),
        },
    };
    let flow_inputs = inputs(&flow, 1);
    let devices = devices.into_iter().zip(1..).map(|(device, seed)| {
        let given = inputs(&device, seed);
        (device, given)
    });
    Bench::new(flow, flow_inputs, devices.collect())
}

fn texts(flow: &str, device: &str) -> Bench {
    bench(
        support::program(support::check_text("test.flow", flow)),
        vec![support::program(support::check_text("device.flow", device))],
    )
}

fn campaign(bench: &Bench, runs: u64, faults: &[Fault]) -> Report {
    let choice = Choice::Faults(faults.iter().copied().collect());
    run(bench, &Campaign { runs, seed: 1, choice }).unwrap_or_else(|ideal| panic!("{ideal:?}"))
}

fn benign() -> Vec<Fault> {
    Fault::ALL.into_iter().filter(|fault| fault.is_benign()).collect()
}

const DEVICE: &str = r#"device "d" serial { header "\r\n" echo on }
on line "AT"    { reply "OK" }
on line "STATE" { sleep 50ms reply "+STATE: 3" reply "OK" }
on line "BODY"  { reply "+BODY: 9" sleep 30ms send raw "123456789" reply "OK" }"#;

const ROBUST: &str = r#"flow "t"
send "AT"     expect line "OK"
send "STATE"  expect line /\+STATE: (?<phase>\d)/  expect line "OK"
send "BODY"   expect line /\+BODY: (?<n>\d+)/  read n bytes as body  expect line "OK"
assert phase == "3" and body == "123456789", "wrong: ${body}"
save body"#;

#[test]
fn a_robust_flow_survives_every_benign_plan_and_explains_itself_under_the_others() {
    let report = campaign(&texts(ROBUST, DEVICE), 600, &Fault::ALL);
    assert_eq!(report.findings.iter().filter(|finding| finding.wrong != Wrong::FalsePass).count(), 0, "{report:#?}");
    assert!(report.benign.runs > 300 && report.malign.runs > 100 && report.malign.failed > 30, "{report:#?}");
    assert_eq!(report.struck.len(), Fault::ALL.len(), "every fault has struck: {:?}", report.struck);
}

#[test]
fn a_fragile_statement_is_named_with_the_one_fault_that_shows_it_and_a_seed_that_repeats_it() {
    // Takes whatever line comes first for the answer.
    let fragile = "flow \"t\" send \"AT\" expect line \"OK\" send \"STATE\" expect line /(?<phase>\\S.*)/ expect line \"OK\"\nassert phase == \"+STATE: 3\", \"${phase}\"";
    let bench = texts(fragile, DEVICE);
    let report = campaign(&bench, 300, &benign());
    let finding = report.findings.first().expect("something is found");
    assert_eq!(finding.wrong, Wrong::Fragile);
    let strikes: Vec<_> = finding.trial.strikes.iter().map(|strike| strike.occurrence).collect();
    assert_eq!(strikes.len(), 1, "{strikes:?}");
    assert_eq!(strikes[0].fault, Fault::Urc);
    let place = finding.site.map(|site| bench.flow().sources.place(site));
    assert!(place.is_some_and(|place| place.starts_with("test.flow:2:")));
    let again = Campaign { runs: 1, seed: finding.seed, choice: Choice::Exactly(strikes.into_iter().collect()) };
    let again = run(&bench, &again).expect("the ideal run passes");
    assert_eq!(again.findings.len(), 1);
    assert_eq!(again.findings[0].trial.failure, finding.trial.failure);
}

#[test]
fn a_pass_with_other_results_than_those_of_an_ideal_line_is_found() {
    let trusting = "flow \"t\" send \"BODY\" expect \"+BODY: 9\\r\\n\" read until line \"OK\" as body save body";
    let report = campaign(&texts(trusting, DEVICE), 200, &[Fault::Lost, Fault::Garbage]);
    assert!(report.findings.iter().any(|finding| finding.wrong == Wrong::FalsePass), "{report:#?}");
}

#[test]
fn a_flow_whose_step_asks_again_is_not_accused_when_there_are_fewer_attempts() {
    let document = include_str!("../docs/tutorial.md");
    let last = |name: &str| {
        let blocks = document.split("```flow\n").skip(1).filter_map(|block| block.split("```").next());
        let found = blocks.filter(|block| block.starts_with(name)).last();
        found.unwrap_or_else(|| panic!("the tutorial has {name}")).to_string()
    };
    let report = campaign(&texts(&last("# sensor.flow"), &last("# sn20.flow")), 300, &Fault::ALL);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.ideal.needed.len() < report.ideal.sent.len(), "a step is tried again");
    // An attempt that counts is missed all the same.
    let twice = "flow \"t\" step \"s\" retry 2 { send \"AT\" expect line \"OK\" } send \"BODY\" expect \"+BODY: 9\\r\\n\" \
                 read until line \"OK\" as body save body";
    let report = campaign(&texts(twice, DEVICE), 200, &[Fault::Lost, Fault::Garbage]);
    assert!(report.findings.iter().any(|finding| finding.wrong == Wrong::FalsePass), "{report:#?}");
}

#[test]
fn a_fault_that_strikes_nowhere_is_said() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("d.flow"), "device \"d\" on line /.*/ { reply \"OK\" }").expect("it can be written");
    std::fs::write(at("t.flow"), "flow \"t\" sim \"d.flow\" send \"AT\" expect line \"OK\"")
        .expect("it can be written");
    std::fs::write(at("alone.flow"), "flow \"t\" send \"AT\" expect line \"OK\"").expect("it can be written");
    let told = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_flowrun"));
        let output =
            command.current_dir(folder.path()).args(arguments).env_remove("CI").output().expect("it can be started");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (code, said) = told(&["stress", "t.flow", "--runs", "1", "--faults", "urc@99999"]);
    assert!(code == Some(2) && said.contains("no fault struck") && !said.contains("nothing found"), "{said}");
    let (code, said) = told(&["test", "alone.flow"]);
    assert!(code == Some(2) && said.contains("no flow here names a simulated device"), "{said}");
    assert_eq!(told(&["test", "alone.flow", "t.flow"]).0, Some(0));
}

#[test]
fn a_campaign_is_the_same_every_time_however_many_threads_share_it() {
    let show = || format!("{:?}", campaign(&texts(ROBUST, DEVICE), 100, &Fault::ALL));
    assert_eq!(show(), show());
}

#[test]
fn a_flow_that_fails_on_the_ideal_line_is_not_tried_on_others() {
    let bench = texts("flow \"t\" send \"NO\" expect line \"OK\" within 1s", DEVICE);
    let choice = Choice::Faults(BTreeSet::from(Fault::ALL));
    assert!(run(&bench, &Campaign { runs: 5, seed: 1, choice }).is_err());
}

/// Seeds of `flowrun stress` that once passed although a digit of a counted message was lost: the line's end filled its place.
#[test]
fn a_counted_message_that_lost_a_byte_fails_the_built_in_flows() {
    for (name, block, seed) in [("simcom", 63, 1000), ("espat", 48, 5726)] {
        let flow = support::program(support::check_file(&format!("flows/{name}_aliyun.flow")));
        let device = support::program(support::check_file(&format!("flows/devices/{name}.flow")));
        let choice = Choice::Exactly([Occurrence::on_first(Fault::Lost, block)].into());
        let report =
            run(&bench(flow, vec![device]), &Campaign { runs: 1, seed, choice }).expect("the ideal run passes");
        assert_eq!((report.malign.failed, report.findings.len()), (1, 0), "{name}: {report:#?}");
    }
}

#[test]
fn the_built_in_flows_survive_every_benign_plan() {
    for name in support::flows_in("flows") {
        let path = format!("flows/{name}.flow");
        let flow = support::program(support::check_file(&path));
        let sims = match flow.ports.as_slice() {
            [] => vec![flow.sim.clone()],
            ports => ports.iter().map(|port| port.sim.clone()).collect(),
        };
        let device = |sim: Option<(String, _)>| {
            let (sim, _) = sim.expect("a built-in flow names its devices");
            support::program(support::check_file(&Path::new("flows").join(sim).display().to_string()))
        };
        let bench = bench(flow, sims.into_iter().map(device).collect());
        let report = campaign(&bench, 40, &benign());
        assert!(report.findings.is_empty(), "{path}: {:#?}", report.findings);
    }
}

#[test]
fn a_step_that_is_skipped_only_on_a_real_line_is_found() {
    let flow = "flow \"t\"\nsend \"AT\" expect line \"OK\"\nstep \"state\" {\n  send \"STATE\"\n  \
                expect { line \"+STATE: 3\" -> { log \"3\" } line /.+/ -> { skip \"another state\" } }\n}\n";
    let report = campaign(&texts(flow, DEVICE), 100, &[Fault::Urc]);
    assert_eq!((report.ideal.n_skipped, report.findings.len()), (0, 1), "{report:#?}");
    let finding = &report.findings[0];
    assert_eq!((finding.wrong, finding.trial.n_skipped), (Wrong::Fragile, 1), "{finding:#?}");
}

#[test]
fn no_report_has_a_piece_of_a_secret_whatever_the_line_did_to_it() {
    let device = r#"device "d" serial { echo on }
on line "KEY" { send raw "KEY=Tr0ub4d"  send raw "or-9Kx7Qm2Z\r\n"  reply "OK" }
on line "SAY" { reply "it is Tr0ub4dor-9Kx7Qm2Z" }"#;
    let flow = "flow \"t\" send \"KEY\" expect secret /KEY=(?<k>.*)/ expect line \"OK\" save k\n\
                send \"SAY\" expect /(?<said>\\S.*)/ assert said == \"it is ${k}\", \"${said}\"";
    let bench = texts(flow, device);
    let mut n_findings = 0;
    for fault in Fault::ALL {
        for finding in campaign(&bench, 60, &[fault]).findings {
            n_findings += 1;
            let strikes: Vec<&str> = finding.trial.strikes.iter().map(|strike| strike.what.as_str()).collect();
            let told = format!("{}\n{:?}", strikes.join("\n"), finding.trial.failure);
            for piece in ["Tr0ub", "b4do", "dor-", "9Kx7", "Qm2Z", "TR0U", "B4DO", "9KX7"] {
                assert!(!told.contains(piece), "{}: `{piece}` is in {told}", fault.name());
            }
        }
    }
    assert!(n_findings > 0, "something is reported");
}

#[test]
fn a_secret_that_is_given_is_covered_in_the_text_of_the_flow_too() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("d.flow"), "device \"d\" on line /.*/ { reply \"OK\" }").expect("it can be written");
    let flow = "flow \"t\" sim \"d.flow\"\nsecret key\nsend \"AT\" expect line \"OK\"\n\
                send \"K=Zq7Wx9Kp2L\" expect line \"Zq7Wx9Kp2L-OK\" within 1s\n";
    std::fs::write(at("t.flow"), flow).expect("it can be written");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_flowrun"))
        .current_dir(folder.path())
        .env("FLOWRUN_VAR_KEY", "Zq7Wx9Kp2L")
        .args(["stress", "t.flow", "--runs", "5"])
        .output()
        .expect("it can be started");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains("does not pass on an ideal line"), "{told}");
    assert!(!told.contains("Zq7W"), "{told}");
}

#[test]
fn the_document_lists_every_report_of_a_campaign_and_its_command_writes_them() {
    let document = std::fs::read_to_string(support::repo("docs/robustness.md")).expect("it is UTF-8");
    let listed: Vec<&str> = document.lines().filter(|line| line.starts_with("| `--report ")).collect();
    let row =
        |format: Format| Some(format!("| `--report {}=FILE` | {} |", format.name(), format.of_campaign()?.content));
    assert_eq!(listed, Format::all().filter_map(row).collect::<Vec<_>>());
    let folder = tempfile::tempdir().expect("a folder can be made");
    support::copy(&support::repo("flows"), &folder.path().join("flows"));
    let command = document.lines().find(|line| line.starts_with("flowrun stress flows/")).expect("there is one");
    let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
    assert_eq!(stress(folder.path(), &arguments).0, Some(0), "{command}");
    for (file, text) in [("stress.xml", "<testcase name=\"benign faults\""), ("stress.json", "\"flowrun stress\"")] {
        let written = std::fs::read_to_string(folder.path().join(file)).expect("it was written");
        assert!(written.contains(text), "{file}: {written}");
    }
}

/// Runs a command of flowrun in a folder; returns its exit code and everything that it said.
fn stress(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_flowrun"));
    let output = command.current_dir(folder).args(arguments).output().expect("it can be started");
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).into_owned())
}

#[test]
fn a_report_has_what_was_found_and_is_not_written_over_the_flow() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("d.flow"), DEVICE).expect("it can be written");
    let fragile =
        "flow \"t\" sim \"d.flow\"\nsend \"STATE\"\nexpect /(?<got>.+)/\nassert got == \"+STATE: 3\", \"${got}\"\n";
    std::fs::write(at("t.flow"), fragile).expect("it can be written");
    let (code, told) =
        stress(folder.path(), &["stress", "t.flow", "--report", "junit=s.xml", "--report", "json=s.json"]);
    assert_eq!(code, Some(1), "{told}");
    let read = |name: &str| std::fs::read_to_string(at(name)).expect("it was written");
    let (xml, json) = (read("s.xml"), read("s.json"));
    assert!(xml.contains("<testcase name=\"fragile at t.flow:4\"") && xml.contains("line=\"4\""), "{xml}");
    assert!(json.contains("\"wrong\": \"fragile\"") && json.contains("\"place\": \"t.flow:4:1\""), "{json}");
    std::fs::write(at("n.flow"), fragile.replace("STATE: 3", "STATE: 4")).expect("it can be written");
    let (code, told) = stress(folder.path(), &["stress", "n.flow", "--report", "junit=n.xml"]);
    assert!(code == Some(1) && read("n.xml").contains("it does not pass on an ideal line"), "{told}");
    for (report, why) in [
        ("junit=t.flow", "it is the flow itself"),
        ("json=d.flow", "it is the simulated device itself"),
        ("tap=x", "`flowrun stress` writes no tap report"),
    ] {
        let (code, told) = stress(folder.path(), &["stress", "t.flow", "--report", report]);
        assert!(code == Some(2) && told.contains(why), "{report}: {told}");
    }
}

/// A plan of one fault decides everything that happens on the line: what is lost, where noise stands, how long what comes late
/// is on its way. All of it is in the snapshot, since a fault that does something else tests something else.
#[test]
fn the_same_plan_does_the_same_to_the_line() {
    // Of the second, `fail on` names every line that a device could say in between.
    let silent = ROBUST.replacen("flow \"t\"", "flow \"t\" fail on line /[A-Z+*^].*:.*/ fail on line /[A-Z ]+/", 1);
    let mut text = of_each_fault(&texts(ROBUST, DEVICE));
    text += "\n";
    text += &of_each_fault(&texts(&silent, DEVICE));
    insta::assert_snapshot!(text);
}

/// Returns what a plan of each fault, for five seeds, does to a run.
fn of_each_fault(bench: &Bench) -> String {
    let ideal = bench.run(&Plan::none());
    let mut text = format!("the ideal line: {:?}, {} blocks, {} s\n", ideal.ending, ideal.blocks[0], ideal.took);
    for fault in Fault::ALL {
        for seed in 1..=5 {
            let plan = Plan { seed, aim: Aim::Anywhere { faults: [fault].into(), blocks: ideal.blocks.clone() } };
            let trial = bench.run(&plan);
            let saved: Vec<String> =
                trial.saved.iter().map(|(name, value)| format!("{name}={}", value.escape_ascii())).collect();
            text += &format!("\n{} {seed}: {:?} {} s {}\n", fault.name(), trial.ending, trial.took, saved.join(" "));
            for strike in &trial.strikes {
                text += &format!("  {} {} {}\n", strike.at, strike.occurrence.show(&[]), strike.what);
            }
            if let Some(failure) = &trial.failure {
                text += &format!("  failed: {}; came {:?}\n", failure.message, failure.came);
            }
            if trial.sent != ideal.sent {
                text += &format!("  {} writes\n", trial.sent.len());
            }
        }
    }
    text
}

/// Restarts the module, and asks again in each attempt.
const PATIENT: &str = r#"flow "t"
serial { reconnect 5s }
step "ask" retry 3 every 100ms { send "AT" expect line "OK" within 2s }
step "state" retry 3 every 100ms {
  send "STATE" expect line /\+STATE: (?<phase>\d)/ within 2s expect line "OK" within 2s
}
save phase"#;

#[test]
fn a_flow_that_lets_its_port_go_survives_that_it_does() {
    let bench = texts(PATIENT, DEVICE);
    assert!(bench.lets_its_port_go());
    let report = campaign(&bench, 300, &[Fault::Unplug]);
    assert!(report.findings.is_empty(), "{report:#?}");
    assert_eq!((report.malign.runs, report.malign.failed), (300, 0), "{report:#?}");
}

#[test]
fn a_port_that_goes_away_and_is_not_allowed_to_is_said_to_be_what_failed() {
    let bench = texts(ROBUST, DEVICE);
    assert!(!bench.lets_its_port_go());
    let report = campaign(&bench, 50, &[Fault::Unplug]);
    assert!(report.findings.is_empty() && report.malign.failed > 0, "{report:#?}");
    let reopens = ROBUST.replace("send \"STATE\"", "reopen within 9s\nsend \"STATE\"");
    assert!(texts(&reopens, DEVICE).lets_its_port_go());
    let set_later = ROBUST.replace("send \"STATE\"", "serial { reconnect 2s }\nsend \"STATE\"");
    assert!(texts(&set_later, DEVICE).lets_its_port_go());
}

#[test]
fn the_help_names_every_fault() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_flowrun")).args(["stress", "--help"]).output();
    let output = output.expect("it can be started");
    let help = String::from_utf8_lossy(&output.stdout);
    for fault in Fault::ALL {
        assert!(help.split_whitespace().any(|word| word == fault.name()), "`{}` is missing", fault.name());
    }
}

#[test]
fn a_watcher_that_ends_a_run_is_accused_of_nothing_on_a_good_line_and_says_why_on_a_bad_one() {
    let device = r#"device "d" serial { header "\r\n" echo on }
on line "AT"   { reply "OK" }
on line "PIN"  { reply "+CPIN: READY" sleep 20ms reply "OK" }
on line "LATE" { reply "OK" }"#;
    let flow = r#"flow "t"
fail now on line /\+CME ERROR: \d+/, "the SIM is refused"
step "unlock" retry 3 unless line /\+CPIN: SIM PUK/ {
  send "AT"   expect line "OK"
  send "PIN"  expect line "+CPIN: READY"  expect line "OK"
}
send "LATE" expect line "OK""#;
    let report = campaign(&texts(flow, device), 300, &Fault::ALL);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.benign.runs > 100 && report.malign.runs > 50 && report.malign.failed > 5, "{report:#?}");
}

#[test]
fn a_line_that_a_flow_calls_an_error_is_no_chatter_of_the_lab() {
    let strict = "flow \"t\"\nfail now on line /[+*^%].*/, \"no such line is known\"\n\
                  step \"ask\" retry 5 { send \"AT\" expect line \"OK\" }";
    let report = campaign(&texts(strict, DEVICE), 200, &[Fault::Urc]);
    assert!(report.findings.is_empty() && report.struck.iter().any(|(fault, _)| *fault == Fault::Urc), "{report:#?}");
}

#[test]
fn a_step_that_gives_up_at_a_harmless_line_is_found() {
    let stubborn = "flow \"t\"\nstep \"ask\" retry 5 unless line /\\+.*/ {\n  send \"AT\"  expect line \"OK\"\n  sleep 100ms\n  send \"STATE\"\n  \
                    expect {\n    line \"OK\" -> {}\n    line /\\+C.*/ -> { fail \"it came first\" }\n  }\n}";
    let report = campaign(&texts(stubborn, DEVICE), 200, &[Fault::Urc]);
    let finding = report.findings.first().expect("it is found");
    assert_eq!(finding.wrong, Wrong::Fragile);
    let failure = finding.trial.failure.as_ref().expect("it says why");
    assert!(failure.message.contains("it came first"), "{}", failure.message);
}

#[test]
fn an_answer_with_the_bytes_of_the_question_is_no_echo_that_a_line_loses() {
    let device = "device \"d\" serial { header \"\" eol \"\\r\" echo off }\non line \"PING\" { reply \"PING\" }";
    let flow = "flow \"t\"\nserial { echo off  eol \"\\r\" }\nsend \"PING\"\nexpect \"PING\"";
    let report = campaign(&texts(flow, device), 100, &[Fault::Echo, Fault::Wrap]);
    assert!(report.findings.is_empty() && report.struck.is_empty(), "{report:#?}");
}
