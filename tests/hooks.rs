//! Hooks and wires: moment by moment in an engine, against simulated devices, in recordings, and as programs of a bench.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

mod support;

use flowrun::diagnostic::Severity;
use flowrun::engine::Input;
use flowrun::event::{EventKind, HookEnd, HookNews, Verdict};
use support::bench::Bench;
use support::{Outcome, Run, check_text, program};

const DONE: fn() -> Input<'static> = || Input::Hook(HookNews::Ended(HookEnd::Done));

fn said(text: &str) -> Input<'static> {
    Input::Hook(HookNews::Said(text.as_bytes().to_vec()))
}

fn failed(why: &str) -> Input<'static> {
    let (why, help) = (why.to_string(), "look".to_string());
    Input::Hook(HookNews::Ended(HookEnd::Failed { why, help }))
}

/// Returns the lines that hooks wrote, as they are told.
fn lines(bench: &Bench) -> Vec<String> {
    let lines = bench.events.iter().filter_map(|event| match &event.kind {
        EventKind::HookSaid { text } => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    });
    lines.collect()
}

/// Returns the notes that begin so.
fn notes(bench: &Bench, begin: &str) -> Vec<String> {
    let notes = bench.events.iter().filter_map(|event| match &event.kind {
        EventKind::Noted { text } if text.starts_with(begin) => Some(text.clone()),
        _ => None,
    });
    notes.collect()
}

#[test]
fn a_hook_is_over_when_its_program_is_and_not_before() {
    let flow = "hook \"power\", \"off\"\nassert 1 == 1";
    let bench = Bench::new(flow).give(1000, said("switching\r\npor")).give(4000, said("t 2 off"));
    assert_eq!((bench.verdict, lines(&bench)), (None, vec!["switching".to_string()]));
    let bench = bench.give(5000, DONE());
    assert_eq!((bench.verdict, lines(&bench)), (Some(Verdict::Passed), vec!["switching".into(), "port 2 off".into()]));
    assert_eq!(notes(&bench, "hook"), ["hook power \"off\""]);
}

#[test]
fn a_hook_that_fails_fails_its_statement_and_try_catches_it() {
    let bench = Bench::new("hook \"power\"\nassert 1 == 1").give(10, failed("ended with status 3"));
    assert_eq!(
        (bench.verdict, bench.message()),
        (Some(Verdict::Failed), "the hook `power` ended with status 3".into())
    );
    let bench = Bench::new("try { hook \"power\" }\nassert 1 == 1").give(10, failed("ended with status 3"));
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn a_hook_takes_as_long_as_within_says_or_the_file_or_the_step() {
    for (flow, ms, message) in [
        ("hook \"h\"", 5000, "the hook `h` did not end within 5s"),
        ("timeout 3s\nhook \"h\"", 3000, "the hook `h` did not end within 3s"),
        ("hook \"h\", 1 within 20s", 20_000, "the hook `h` did not end within 20s"),
        ("step \"s\" timeout 2s { hook \"h\" within 9s }", 2000, "the step `s` took longer than its timeout"),
    ] {
        let flow = &format!("{flow}\nassert 1 == 1");
        let bench = Bench::new(flow).tick(ms - 1);
        assert_eq!(bench.verdict, None, "{flow}");
        let in_time = Bench::new(flow).give(ms, DONE());
        assert_eq!(in_time.verdict, Some(Verdict::Passed), "an end at the deadline is in time: {flow}");
        let bench = bench.tick(ms);
        assert_eq!((bench.verdict, bench.message()), (Some(Verdict::Failed), message.to_string()), "{flow}");
        assert_eq!(bench.give(ms + 1, DONE()).verdict, Some(Verdict::Failed), "what comes late changes nothing");
    }
}

#[test]
fn an_interrupt_ends_a_hook() {
    let bench = Bench::new("hook \"h\"\nassert 1 == 1").give(10, Input::Interrupt);
    assert_eq!(
        (bench.verdict, bench.message()),
        (Some(Verdict::Interrupted), "interrupted while the hook `h` ran".into())
    );
}

#[test]
fn the_line_is_served_while_a_hook_runs_and_its_lines_are_kept() {
    let flow = "on line \"RING\" { send \"ATA\"  expect line \"OK\" }\nhook \"h\"\nawait line \"BOOT\" within 1s";
    let bench = Bench::new(flow).at(100, "RING\r\nBOOT\r\n").give(200, said("a\n")).give(300, DONE());
    assert_eq!(
        (bench.verdict, bench.written(), lines(&bench)),
        (None, vec!["ATA\r".to_string()], vec!["a".to_string()])
    );
    let bench = bench.at(400, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed), "the end that came while the handler ran counts after it");
    let bench = Bench::new("fail on line \"PANIC\"\nhook \"h\"\nassert 1 == 1").at(100, "PANIC\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Failed));
}

#[test]
fn what_a_hook_writes_is_bounded_and_has_names_in_place_of_secrets() {
    let flow = "secret pin = \"4711-abcd\"\nhook \"h\", pin\nassert 1 == 1";
    let bench = Bench::new(flow).give(1, said("pin 4711-abcd")).give(2, said("\nmore")).give(3, DONE());
    assert_eq!(
        (lines(&bench), notes(&bench, "hook")),
        (vec!["pin «pin»".into(), "more".into()], vec!["hook h \"«pin»\"".into()])
    );
    let long = format!("{}\n", "x".repeat(1023)).repeat(70);
    let bench = Bench::new(flow).give(1, said(&long)).give(2, Input::Hook(HookNews::LeftOut(5))).give(3, DONE());
    assert_eq!(lines(&bench).len(), 64);
    assert_eq!(
        notes(&bench, "the hook"),
        [format!("the hook `h` wrote {} bytes more, which are left out", 6 * 1024 + 5)]
    );
    let bench = Bench::new(flow).give(1, said(&long)).tick(5000);
    assert_eq!((lines(&bench).len(), bench.verdict), (64, Some(Verdict::Failed)));
    assert_eq!(notes(&bench, "the hook"), ["the hook `h` wrote more than 64 KiB: the rest is left out"]);
    let cut = format!("{}4711-abcd", "x".repeat((64 << 10) - 5));
    let bench = Bench::new(flow).give(1, said(&cut)).give(2, DONE());
    assert_eq!(lines(&bench), [""; 0], "the line ends in the middle of a secret, and nobody would find it");
}

/// Runs the statements of a flow against the statements of a device.
fn run(flow: &str, device: &str) -> Outcome {
    let flow = program(check_text("f.flow", &format!("flow \"f\"\n{flow}\n")));
    let device = program(check_text("d.flow", &format!("device \"d\"\nserial {{ header \"\\r\\n\" }}\n{device}\n")));
    Run::new(flow, device).go()
}

/// Returns what the device said with `log`, for a flow that passes.
fn heard(flow: &str, device: &str) -> Vec<String> {
    let outcome = run(flow, device);
    assert_eq!(outcome.verdict, Verdict::Passed, "{}\n{}", outcome.transcript, outcome.report);
    outcome.device_said
}

#[test]
fn a_simulated_device_takes_hooks_with_its_values_as_texts() {
    let device = "on hook \"h\" { log \"none\" }\non hook \"two\" (a, b) { log \"${len(a)} ${a}, ${b}\" }\n";
    let flow = "hook \"h\"\nhook \"two\", 42, \"x y\"\nhook \"two\", x\"00ff\", 5s\nexpect quiet for 10ms";
    assert_eq!(heard(flow, device), ["none", "2 42, x y", "4 00ff, 5s"]);
}

#[test]
fn a_device_that_is_busy_deals_with_hooks_and_wires_in_order_when_it_serves() {
    let device = "wire w = 0\non hook \"h\" (n) { log \"hook ${n}\"  compute w = int(n)  sleep 1s  log \"done ${n}\" }\n\
                  on wire w { log \"wire ${w}\" }\non dtr on { log \"dtr\" }";
    let flow = "hook \"h\", 1\ndtr on\nhook \"h\", 2\nsleep 100ms\nexpect quiet for 3s within 9s";
    let expected = ["hook 1", "done 1", "wire 1", "dtr", "hook 2", "done 2", "wire 2"];
    assert_eq!(heard(flow, device), expected);
}

#[test]
fn a_wire_changes_when_it_gets_another_value_and_outlasts_a_restart() {
    let device = "wire power = \"off\"\nstate n = 0\non wire power { compute n = n + 1  log \"${power} ${n}\" }\n\
                  procedure switch(to) { compute power = to }\n\
                  on hook \"power\" (to) { call switch(to) }\non line \"AT\" { log \"is ${power} ${n}\"  restart }";
    let flow = "hook \"power\", \"off\"\nhook \"power\", \"on\"\nhook \"power\", \"on\"\nsleep 10ms\n\
                send \"AT\"  sleep 1s  send \"AT\"  expect quiet for 1s";
    assert_eq!(heard(flow, device), ["on 1", "is on 1", "is on 0"]);
}

#[test]
fn a_wire_that_changes_itself_for_ever_ends_the_run() {
    let outcome = run(
        "hook \"h\"\nexpect quiet for 1s",
        "wire w = 0\non hook \"h\" { compute w = 1 }\non wire w { compute w = w + 1 }",
    );
    assert_eq!(outcome.verdict, Verdict::PortFailed, "{}", outcome.report);
}

#[test]
fn a_wire_takes_no_secret() {
    let device = "wire w = \"\"\nsecret key = \"hunter22\"\non hook \"h\" { compute w = \"key ${key}\" }";
    let outcome = run("hook \"h\"\nexpect quiet for 1s", device);
    assert_eq!(outcome.verdict, Verdict::PortFailed);
    assert!(outcome.report.contains("the wire `w` cannot hold a secret"), "{}", outcome.report);
    assert!(!outcome.report.contains("hunter22"), "{}", outcome.report);
}

/// Returns what is wrong with a text.
fn errors(text: &str) -> Vec<String> {
    let problems = check_text("t.flow", text).problems;
    let errors = problems.iter().filter(|problem| problem.severity() == Severity::Error);
    errors.map(|problem| problem.message.clone()).collect()
}

#[test]
fn the_new_words_are_names_wherever_they_are_no_statement() {
    assert_eq!(
        errors("flow \"t\"\nsend hook\nassert 1 == 1\n"),
        ["there is no variable `hook`"],
        "the test sees a problem if there is one"
    );
    for body in [
        "send hook  expect line wire_ok(hook)", // the test sees this, too
        "send hook  expect line \"${wire}\"",
        "save b hook wire",
        "save hook, wire, b",
        "save wire hook \"power\", hook, wire",
        "save wire\nhook \"power\", wire within 1s",
        "log hook hook \"power\"",
        "hook \"power\" hook \"power\", hook",
        "compute hook = wire  compute wire = hook + wire",
        "capture hook from wire  capture wire from /(a)/ in hook",
        "ask hook as wire default hook",
        "for hook in [wire, hook] { log {hook: wire, wire: hook}.hook }",
        "call swap(hook, wire) -> wire, hook",
        "read 1 bytes as hook  read until wire_end() as wire",
        "expect line /(?<hook>a)(?<wire>b)/",
        "step \"${hook}\" { fail hook }",
        "if hook == wire and wire != hook { skip wire }",
        "repeat until hook == wire at most 3 { log wire }",
        "try { fail wire } else { log hook }",
    ] {
        let flow = format!(
            "flow \"t\"\nparam hook = \"a\"\nparam wire = \"b\"\nparam b = \"b\"\n\
             procedure swap(hook, wire) {{ return [wire, hook] }}\nsend \"AT\"  expect line \"OK\"\n{body}\n"
        );
        let flow = flow.replace("param hook", if body.contains("compute") { "compute hook" } else { "param hook" });
        let flow = flow.replace("param wire", if body.contains("compute") { "compute wire" } else { "param wire" });
        let wrong = usize::from(body.contains("wire_ok")) + usize::from(body.contains("wire_end"));
        assert_eq!(errors(&flow).len(), wrong, "{body}: {:?}", errors(&flow));
    }
    let device = "device \"d\"\nstate hook = 1\nwire wire = 2\non wire wire { log wire }\n\
                  on hook \"hook\" (a) { compute wire = hook  compute hook = wire  log a }\n\
                  on line /(?<n>.)/ { reply hook  after 1s { reply wire } }\n";
    assert_eq!(errors(device), [""; 0]);
}

#[cfg(unix)]
mod on_a_bench {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use tempfile::TempDir;

    const PORT: &str = "exec:sleep 600";
    const FLOW: &str = "flow \"t\"\nsecret pin = \"4711-abcd\"\nhook \"power\", \"on\", pin\nassert 1 == 1\n";
    const BENCH: &str =
        "[hooks]\npower = [\"sh\", \"-c\", 'pwd; echo \"$0 $1\"; echo \"$1\" > ran', \"{0}\", \"{1}\"]\n";

    /// A repository with a flow and a bench file in it, and a home that has nothing in it.
    struct Repository(TempDir);

    impl Repository {
        fn new(bench: &str, flow: &str) -> Repository {
            let repository = Repository(tempfile::tempdir().expect("a folder can be made for tests"));
            for name in [".git", "flows", "home"] {
                fs::create_dir_all(repository.path(name)).expect("there is room");
            }
            repository.write("flows/a.flow", flow);
            repository.write("flowrun.toml", bench);
            repository
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            use std::os::unix::fs::PermissionsExt;
            fs::write(self.path(name), text).expect("there is room");
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o644)).expect("it is ours");
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.path(name)).unwrap_or_default()
        }

        fn command(&self, arguments: &[&str]) -> Command {
            let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
            command.args(arguments).current_dir(self.path("flows")).env("COLUMNS", "200").env("NO_COLOR", "1");
            command.env("HOME", self.path("home")).env_remove("XDG_DATA_HOME").stdin(Stdio::null());
            command
        }

        /// Runs flowrun in the folder of the flow; returns the exit code and what it said.
        fn flowrun(&self, arguments: &[&str]) -> (Option<i32>, String) {
            let output = self.command(arguments).output().expect("it can be started");
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            (output.status.code(), text)
        }

        fn allow(&self) {
            let (code, text) = self.flowrun(&["allow"]);
            assert_eq!(code, Some(0), "{text}");
        }
    }

    #[test]
    fn an_allowed_program_runs_in_the_folder_of_its_file_and_gets_secrets_plain() {
        let repository = Repository::new(BENCH, FLOW);
        repository.allow();
        let (code, text) = repository.flowrun(&["a.flow", "--port", PORT, "--transcript", "t.txt"]);
        assert_eq!(code, Some(0), "{text}");
        assert_eq!(repository.read("ran"), "4711-abcd\n");
        let transcript = repository.read("flows/t.txt");
        let folder = fs::canonicalize(repository.0.path()).expect("it is there");
        assert!(transcript.contains(&format!(" | {}\n", folder.display())), "{transcript}");
        assert!(transcript.contains(" - hook power \"on\" \"«pin»\"\n"), "{transcript}");
        assert!(transcript.contains(" | on «pin»\n") && !transcript.contains("4711"), "{transcript}");
        assert!(text.contains("| on «pin»") && !text.contains("4711-abcd"), "{text}");
    }

    #[test]
    fn nothing_runs_before_the_file_is_allowed_nor_after_it_has_changed() {
        let repository = Repository::new(BENCH, FLOW);
        let run = ["a.flow", "--port", PORT];
        let (code, text) = repository.flowrun(&run);
        assert!(code == Some(2) && text.contains("is not allowed to run programs"), "{text}");
        repository.allow();
        repository.write("flowrun.toml", &format!("{BENCH}\n"));
        let (code, text) = repository.flowrun(&run);
        assert!(code == Some(2) && text.contains("has changed since it was allowed"), "{text}");
        // A stranger's file nearer to the flow is another file.
        repository.write("flowrun.toml", BENCH);
        repository.write("flows/flowrun.toml", BENCH);
        let (code, text) = repository.flowrun(&run);
        assert!(code == Some(2) && text.contains("is not allowed to run programs"), "{text}");
        fs::remove_file(repository.path("flows/flowrun.toml")).expect("it is ours");
        std::os::unix::fs::symlink("../flowrun.toml", repository.path("flows/flowrun.toml"))
            .expect("a link can be made");
        let (code, text) = repository.flowrun(&run);
        assert!(code == Some(2) && text.contains("cannot be allowed to run programs: it is a link"), "{text}");
        assert_eq!(repository.read("ran"), "", "nothing ran");
        fs::remove_file(repository.path("flows/flowrun.toml")).expect("it is ours");
        assert_eq!(repository.flowrun(&run).0, Some(0), "it is as it was allowed");
    }

    #[test]
    fn a_flow_without_hooks_is_not_held_up_by_a_file_that_nobody_allowed() {
        let repository = Repository::new(BENCH, "flow \"t\"\nassert 1 == 1\n");
        let (code, text) = repository.flowrun(&["a.flow", "--port", PORT]);
        assert_eq!(code, Some(0), "{text}");
    }

    #[test]
    fn a_name_without_a_program_and_another_status_than_0_are_failures_that_try_catches() {
        let bench = "[hooks]\npower = [\"sh\", \"-c\", \"echo no such port >&2; exit 3\"]\n";
        let flow =
            "flow \"t\"\ntry { hook \"press\" }\ntry { hook \"power\", \"on\" }\nhook \"power\"\nassert 1 == 1\n";
        let repository = Repository::new(bench, flow);
        repository.allow();
        let (code, text) = repository.flowrun(&["a.flow", "--port", PORT]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("ignored: the hook `press` has no program"), "{text}");
        assert!(text.contains("| no such port") && text.contains("the hook `power` ended with status 3"), "{text}");
        fs::remove_file(repository.path("flowrun.toml")).expect("it is ours");
        let (code, text) = repository.flowrun(&["a.flow", "--port", PORT]);
        assert!(code == Some(1) && text.contains("the hook `power` has no program"), "{text}");
    }

    #[test]
    fn a_suite_on_a_port_runs_the_hooks_of_its_flows_if_they_are_allowed() {
        let repository = Repository::new(BENCH, FLOW);
        let suite = ["test", ".", "--port", PORT, "--accept"];
        let (code, text) = repository.flowrun(&suite);
        assert!(code == Some(2) && text.contains("is not allowed to run programs"), "{text}");
        assert_eq!(repository.read("ran"), "");
        repository.allow();
        let (code, text) = repository.flowrun(&suite);
        assert_eq!(code, Some(0), "{text}");
        assert_eq!(repository.read("ran"), "4711-abcd\n");
    }

    /// A program that ends when its part does, and does not mind a SIGTERM.
    const STUBBORN: &str =
        "[hooks]\nh = [\"sh\", \"-c\", \"trap '' TERM; sleep 600 & echo $! > part; mv part pid; wait\"]\n";

    /// Waits until a process is gone; one that is dead may wait for init to ask for its status.
    fn await_end_of(pid: &str) {
        let stat = || fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat"));
        while stat().is_ok_and(|stat| !stat.contains(") Z ")) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_hook_that_takes_too_long_is_ended_with_all_that_it_started() {
        let flow = "flow \"t\"\ntry { hook \"h\" within 300ms }\nassert 1 == 1\n";
        let repository = Repository::new(STUBBORN, flow);
        repository.allow();
        let (code, text) = repository.flowrun(&["a.flow", "--port", PORT]);
        assert!(code == Some(0) && text.contains("ignored: the hook `h` did not end within 300ms"), "{text}");
        await_end_of(&repository.read("pid"));
    }

    #[test]
    fn ctrl_c_ends_a_hook_with_all_that_it_started() {
        use rustix::process::{Pid, Signal, kill_process};
        let repository = Repository::new(STUBBORN, "flow \"t\"\nhook \"h\" within 600s\nassert 1 == 1\n");
        repository.allow();
        let mut child = repository.command(&["a.flow", "--port", PORT, "--quiet"]).spawn().expect("it can be started");
        while !repository.path("pid").exists() {
            assert!(child.try_wait().expect("it is a child of this test").is_none(), "it ended");
            std::thread::yield_now();
        }
        kill_process(Pid::from_child(&child), Signal::INT).expect("it is there");
        let status = child.wait().expect("it is a child of this test");
        assert_eq!(status.code(), Some(130));
        await_end_of(&repository.read("pid"));
    }

    #[test]
    fn a_recording_plays_hooks_without_running_them_and_becomes_a_device_that_takes_them() {
        let flow = "flow \"t\"\nhook \"power\", \"on\"\ntry { hook \"fails\" }\nassert 1 == 1\n";
        let bench = "[hooks]\npower = [\"sh\", \"-c\", \"echo x >> ran; sleep 0.2\"]\nfails = \"false\"\n";
        let repository = Repository::new(bench, flow);
        repository.allow();
        let (code, text) = repository.flowrun(&["a.flow", "--port", PORT, "--record", "r.rec"]);
        assert_eq!(code, Some(0), "{text}");
        let recording = repository.read("flows/r.rec");
        assert!(recording.contains(" note hook power 1\n") && recording.contains(" note hook-ended\n"), "{recording}");
        assert!(recording.contains(" note hook fails 0\n"), "{recording}");
        assert!(recording.contains(" note hook-ended ended with status 1\n"), "{recording}");
        let (code, text) = repository.flowrun(&["a.flow", "--port", "replay:r.rec"]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("ignored: the hook `fails` ended with status 1"), "{text}");
        assert_eq!(repository.read("ran"), "x\n", "it ran once, for the recording");
        repository.write("flows/b.flow", "flow \"t\"\nhook \"power\"\nassert 1 == 1\n");
        let (code, text) = repository.flowrun(&["b.flow", "--port", "replay:r.rec"]);
        assert!(code == Some(1) && text.contains("the hook `power` is not what was recorded"), "{text}");
        repository.write("flows/c.flow", "flow \"t\"\nhook \"power\", \"on\"\nassert 1 == 1\n");
        let (code, text) = repository.flowrun(&["c.flow", "--port", "replay:r.rec"]);
        assert!(code == Some(1) && text.contains("the hook `fails` is left"), "{text}");
        let (code, device) = repository.flowrun(&["sim", "--from", "r.rec"]);
        assert!(code == Some(0) && device.contains("on hook \"power\" (_value_1) {"), "{device}");
        assert!(device.contains("on hook \"fails\" {"), "{device}");
        repository.write("flows/d.flow", &device);
        assert_eq!(repository.flowrun(&["a.flow", "--port", "sim:d.flow"]).0, Some(0));
        assert_eq!(repository.read("ran"), "x\n", "a simulated run runs no program");
    }
}
