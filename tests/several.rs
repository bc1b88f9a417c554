//! Flows with several ports: simulated, recorded, stressed, and on what the command line names.

#[allow(dead_code, reason = "only a part of it is used here")]
#[path = "support/served.rs"]
mod served;
mod support;

use std::fs;
use std::path::Path;

use flowrun::event::Verdict;
use flowrun::testing::{Outcome, Run};

use served::said;

/// A board that boots when the relay gives it power, and says what the host does with its control lines.
const BOARD: &str = r#"device "board"
wire power = "off"
param word = "login:"
state n = 0
on wire power { if power == "on" { after 200ms { reply "${word}" } } }
on dtr on { reply "dtr on" }
on rts off { reply "rts off" }
on break { reply "break" }
on line "AT" { compute n = n + 1  reply "OK ${n}" }
on line "DICE" { reply "${random_digits(12)}" }
on line "SLOW" { sleep 50ms  reply "DONE" }
on line "BYE" { unplug }
"#;

const RELAY: &str = r#"device "relay"
serial { baud 9600  eol "\n" }
wire power = "off"
on line "ON" { compute power = "on"  reply "OK" }
on line "OFF" { compute power = "off"  reply "OK" }
on hook "power" (state) { compute power = state }
"#;

const PORTS: &str = r#"port dut { sim "board.flow" }
port relay { serial { baud 9600  eol "\n" }  sim "relay.flow" }
"#;

const POWER: &str = r#"using relay { send "ON"  expect line "OK" }
expect line "login:" within 1s
send "AT"  expect line "OK 1"
"#;

/// A folder with the two devices and `f.flow`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(body: &str) -> Folder {
        Folder::of(PORTS, body)
    }

    fn of(ports: &str, body: &str) -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a folder can be made for tests"));
        folder.write("board.flow", BOARD);
        folder.write("relay.flow", RELAY);
        folder.write("f.flow", &format!("flow \"f\"\n{ports}{body}"));
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("there is room");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).expect("it is there")
    }

    fn run(&self) -> Outcome {
        Run::new(self.path().join("f.flow")).go().unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// Runs the program here; returns its exit code and what it said.
    fn said(&self, arguments: &[&str]) -> (Option<i32>, String) {
        said(self.path(), arguments)
    }

    fn passes(&self, arguments: &[&str]) -> String {
        let (code, text) = self.said(arguments);
        assert_eq!(code, Some(0), "{text}");
        text
    }

    /// Returns what is said of a command line that is refused.
    fn refusal(&self, arguments: &[&str]) -> String {
        let (code, text) = self.said(arguments);
        assert_eq!(code, Some(2), "{text}");
        text
    }
}

fn passed(outcome: &Outcome) -> &str {
    assert!(outcome.has_passed(), "{outcome}");
    outcome.transcript()
}

#[test]
fn a_device_whose_answer_leaves_at_the_moment_at_which_another_one_was_heard_goes_on() {
    // Both say the same at the same moment, and the second is spoken to then: it has come to a moment that it was not fed at.
    let same = "device \"same\"\nafter 1s { reply \"HERE\"  reply \"MORE\" }\non line \"AT\" { reply \"OK\" }\n";
    let ports = "port a { sim \"same.flow\" }\nport b { sim \"same.flow\" }\n";
    let body = "await line \"HERE\"\nusing b { send \"AT\"  expect line \"OK\"  await line \"MORE\" }\n";
    let folder = Folder::of(ports, body);
    folder.write("same.flow", same);
    let outcome = folder.run();
    assert!(outcome.has_passed(), "{outcome}");
}

#[test]
fn a_wire_leads_from_one_device_to_another() {
    let outcome = Folder::new(POWER).run();
    let transcript = passed(&outcome);
    assert!(transcript.contains("login:"), "{transcript}");
    let off = Folder::new("using relay { send \"OFF\"  expect line \"OK\" }\nexpect none \"login:\" for 1s\n").run();
    passed(&off);
}

#[test]
fn a_hook_reaches_the_device_that_knows_it_wherever_it_is() {
    let outcome = Folder::new(
        "hook \"power\", \"on\"\nexpect line \"login:\" within 1s\nusing relay { expect quiet for 50ms }\n",
    );
    let outcome = outcome.run();
    passed(&outcome);
    let unknown = Folder::new("hook \"nothing\"\nusing relay { expect quiet for 50ms }\n").run();
    assert!(!unknown.has_passed() && unknown.failure().contains("nothing"), "{unknown}");
}

#[test]
fn each_device_sees_what_is_done_with_its_own_control_lines() {
    let body = "using relay { dtr on  rts off  break 1ms  send \"OFF\"  expect line \"OK\" }\n\
                expect quiet for 100ms\n\
                dtr on  expect line \"dtr on\"\nrts off  expect line \"rts off\"\nbreak 1ms  expect line \"break\"\n";
    passed(&Folder::new(body).run());
}

#[test]
fn a_run_is_the_same_every_time_and_each_device_has_a_seed_of_its_own() {
    let ports = "port one { sim \"board.flow\" }\nport two { sim \"board.flow\" }\n";
    let body = "send \"DICE\"  expect line /(?<a>\\d{12})/\nusing two { send \"DICE\"  expect line /(?<b>\\d{12})/ }\n\
                assert a != b, \"both devices have ${a}\"\n";
    let folder = Folder::of(ports, body);
    assert_eq!(passed(&folder.run()), passed(&folder.run()));
    let alone = Folder::of("sim \"board.flow\"\n", "send \"DICE\"  expect line /(?<a>\\d{12})/\nlog a\n").run();
    let first = folder.run();
    let dice = |outcome: &Outcome| outcome.transcript().lines().find(|line| line.contains("a = ")).map(str::to_string);
    assert_eq!(dice(&first).is_some(), dice(&alone).is_some());
}

#[test]
fn the_order_in_which_ports_are_declared_changes_nothing_but_which_is_meant() {
    let body = "using one { send \"SLOW\" }\nusing two { send \"SLOW\" }\nusing one { expect line \"DONE\" }\n\
                using two { expect line \"DONE\" }\nusing one { send \"AT\"  expect line \"OK 1\" }\n";
    let times = |ports: &str| {
        let outcome = Folder::of(ports, body).run();
        passed(&outcome);
        outcome.events().last().map(|event| event.at)
    };
    let (one, two) = ("port one { sim \"board.flow\" }\n", "port two { sim \"board.flow\" }\n");
    assert_eq!(times(&format!("{one}{two}")), times(&format!("{two}{one}")));
}

#[test]
fn devices_that_change_a_wire_for_ever_end_the_run_and_it_is_said() {
    let folder = Folder::new("using relay { send \"GO\" }\nexpect line \"login:\" within 1s\n");
    folder.write("board.flow", "device \"a\"\nwire w = 0\non wire w { compute w = w + 1 }\n");
    folder.write(
        "relay.flow",
        "device \"b\"\nserial { baud 9600  eol \"\\n\" }\nwire w = 0\non wire w { compute w = w + 1 }\non line \"GO\" { compute w = 1 }\n",
    );
    let outcome = folder.run();
    assert!(outcome.failure().contains("again and again"), "{outcome}");
}

#[test]
fn a_device_that_goes_away_fails_only_what_needs_it() {
    let body = "send \"BYE\"\nusing relay { send \"ON\"  expect line \"OK\" }\n";
    passed(&Folder::new(body).run());
    let outcome = Folder::new(&format!("{body}send \"AT\"  expect line \"OK 1\"\n")).run();
    assert_eq!(outcome.verdict(), Verdict::PortFailed, "{outcome}");
}

#[test]
fn one_recording_holds_all_ports_and_plays_them_all() {
    let folder = Folder::new(POWER);
    folder.passes(&["f.flow", "--port", "sim", "--record", "r.recording", "--transcript", "a.txt"]);
    let recording = folder.read("r.recording");
    assert!(recording.contains("about port \"dut\"\nabout port \"relay\"\n"), "{recording}");
    folder.passes(&["f.flow", "--port", "replay:r.recording", "--transcript", "b.txt"]);
    // What stands before the first empty line says where each of them was made.
    let body = |text: String| text.split_once("\n\n").map(|(_, body)| body.to_string()).expect("there is a head");
    assert_eq!(body(folder.read("a.txt")), body(folder.read("b.txt")));
    // The flow that comes first may differ: it has not passed then, and the port is named.
    folder.write("f.flow", &format!("flow \"f\"\n{PORTS}{}", POWER.replace("\"ON\"", "\"OFF\"")));
    let (code, text) = folder.said(&["f.flow", "--port", "replay:r.recording"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("departs from the recording"), "{text}");
}

#[test]
fn a_recording_without_a_device_beside_it_is_what_test_plays() {
    let folder = Folder::new(POWER);
    folder.passes(&["f.flow", "--port", "sim", "--record", "f.recording"]);
    let bare = "port dut { }\nport relay { serial { baud 9600  eol \"\\n\" } }\n";
    folder.write("f.flow", &format!("flow \"f\"\n{bare}{POWER}"));
    let (_, text) = folder.said(&["test", "f.flow", "--accept"]);
    assert!(text.contains("1 flow: 1 passed") || text.contains("passed"), "{text}");
    folder.passes(&["test", "f.flow", "--check"]);
    assert!(folder.read("snapshots/f.snap").contains("login:"));
}

#[test]
fn a_recording_of_more_ports_than_the_flow_has_is_refused() {
    let folder = Folder::new(POWER);
    folder.passes(&["f.flow", "--port", "sim", "--record", "r.recording"]);
    folder.write("one.flow", "flow \"one\"\nsend \"AT\"  expect line \"OK 1\"\n");
    let text = folder.refusal(&["one.flow", "--port", "replay:r.recording"]);
    assert!(text.contains("it is of 2 ports, and the flow has one"), "{text}");
}

#[test]
fn a_replay_finds_its_ports_by_their_names_in_whatever_order_the_flow_declares_them() {
    let folder = Folder::new(POWER);
    folder.passes(&["f.flow", "--port", "sim", "--record", "r.recording", "--transcript", "a.txt"]);
    let mut ports: Vec<&str> = PORTS.lines().collect();
    ports.reverse();
    let reversed = |body: &str| folder.write("f.flow", &format!("flow \"f\"\n{}\n{body}", ports.join("\n")));
    reversed(&format!("using dut {{ {POWER} }}\n"));
    folder.passes(&["f.flow", "--port", "replay:r.recording", "--transcript", "b.txt"]);
    let sent = |name: &str| {
        let text = folder.read(name);
        text.lines().filter(|line| line.contains(" > ")).map(str::to_string).collect::<Vec<_>>()
    };
    assert_eq!(sent("a.txt"), sent("b.txt"));
    // What is sent to the other port than the recorded one is a departure, although the first port gets it as before.
    reversed(&POWER.replace("using relay", "using dut"));
    let (code, text) = folder.said(&["f.flow", "--port", "replay:r.recording"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("departs from the recording"), "{text}");
}

#[test]
fn a_recording_of_other_or_fewer_ports_than_the_flow_has_is_refused() {
    let folder = Folder::new(POWER);
    folder.passes(&["f.flow", "--port", "sim", "--record", "r.recording"]);
    folder.write("f.flow", &format!("flow \"f\"\n{PORTS}{POWER}").replace("relay", "power"));
    let text = folder.refusal(&["f.flow", "--port", "replay:r.recording"]);
    assert!(text.contains("it is of the ports `dut`, `relay`, and has no `power`"), "{text}");
    folder.write("one.flow", "flow \"one\"\nsim \"board.flow\"\nsend \"AT\"  expect line \"OK 1\"\n");
    folder.passes(&["one.flow", "--port", "sim", "--record", "one.recording"]);
    let text = folder.refusal(&["f.flow", "--port", "replay:one.recording"]);
    assert!(text.contains("it is of one port, and the flow has 2"), "{text}");
}

#[test]
fn a_device_file_is_made_for_each_port_of_a_recording() {
    let folder = Folder::new(POWER);
    folder.passes(&["f.flow", "--port", "sim", "--record", "r.recording"]);
    assert_eq!(folder.passes(&["sim", "--from", "r.recording"]), "r.dut.flow\nr.relay.flow\n");
    let text = folder.passes(&["f.flow", "--port", "dut=sim:r.dut.flow", "--port", "relay=sim:r.relay.flow"]);
    assert!(text.contains("passed"), "{text}");
    let again = folder.refusal(&["sim", "--from", "r.recording"]);
    assert!(again.contains("`r.dut.flow` is already there"), "{again}");
}

#[test]
fn stress_disturbs_each_port_and_names_it() {
    let folder = Folder::new(POWER);
    let text = folder.passes(&["stress", "f.flow", "--runs", "60"]);
    assert!(text.contains("nothing found"), "{text}");
    // A lost answer of the relay is a failure that says so.
    let text = folder.passes(&["stress", "f.flow", "--runs", "1", "--faults", "lost@relay:0"]);
    assert!(text.contains("1 failed and said why") && text.contains("lost in 1"), "{text}");
    let text = folder.refusal(&["stress", "f.flow", "--runs", "1", "--faults", "lost@0"]);
    assert!(text.contains("its ports are: `dut`, `relay`"), "{text}");
    let text = folder.refusal(&["stress", "f.flow", "--runs", "1", "--faults", "lost@relay:99"]);
    assert!(text.contains("0 to 2 of `dut`") || text.contains("of `relay`"), "{text}");
}

#[test]
fn stress_finds_a_flow_that_depends_on_the_order_of_two_ports() {
    let ports = "port one { sim \"board.flow\" }\nport two { sim \"board.flow\" }\n";
    // Both answer at one moment: which line is seen first is decided by nothing but the line.
    let body = "send \"SLOW\"\nusing two { send \"SLOW\" }\n\
                expect within 5s {\n  line \"DONE\" -> { using two { expect line \"DONE\" } }\n\
                  using two line \"DONE\" -> { fail \"the second was first\" }\n}\n";
    let folder = Folder::of(ports, body);
    folder.passes(&["f.flow", "--port", "sim"]);
    let (code, text) = folder.said(&["stress", "f.flow", "--runs", "100"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("fragile") && text.contains("delay@one:"), "{text}");
    let sound = Folder::of(
        ports,
        "using two { send \"SLOW\" }\nsend \"SLOW\"\nexpect line \"DONE\"\nusing two { expect line \"DONE\" }\n",
    );
    sound.passes(&["stress", "f.flow", "--runs", "100"]);
}

#[test]
fn each_mistake_with_ports_is_answered_with_what_to_write() {
    let folder = Folder::new(POWER);
    let wrong = [
        (&["f.flow"][..], "no address was given for the ports of this flow: `dut`, `relay`"),
        (&["f.flow", "--port", "dut=sim"], "add `--port relay=ADDRESS`"),
        (&["f.flow", "--port", "COM3"], "write `--port dut=COM3`"),
        (&["f.flow", "--port", "sim", "--port", "dut=/dev/no*"], "no port fits `/dev/no*`"),
        (&["sim", "f.flow"], "`flowrun sim f.flow --all-ports` serves"),
        (&["f.flow", "--port", "sim", "--port", "rely=COM3"], "did you mean `--port relay=COM3`?"),
        (&["f.flow", "--port", "dut=sim", "--port", "dut=COM3"], "`dut` was given twice"),
        (&["f.flow", "--port", "dut=", "--port", "relay=sim"], "`--port dut=` names no address"),
        (&["f.flow", "--port", "dut=/dev/x", "--port", "relay=/dev/x"], "`dut` and `relay` have one port, `/dev/x`"),
        (
            &["f.flow", "--port", "sim", "--sim-var", "word=x"],
            "write the name of the port first: `--sim-var dut.word=…`",
        ),
        (&["f.flow", "--port", "sim", "--sim-var", "dit.word=x"], "did you mean `dut.word`?"),
        (&["f.flow", "--port", "sim", "--port", "dut=tcp://h:1", "--sim-var", "dut.word=x"], "`dut` is a real port"),
        (&["stress", "f.flow", "--port", "dut=COM3"], "no address was given for `relay`"),
        (&["test", "f.flow", "--check", "--port", "COM3"], "write `--port dut=COM3`"),
    ];
    for (arguments, answer) in wrong {
        let text = folder.refusal(arguments);
        assert!(text.contains(answer), "{arguments:?}: {text}");
    }
    folder.write("one.flow", "flow \"one\"\nsend \"AT\"  expect line \"OK 1\"\n");
    let text = folder.refusal(&["one.flow", "--port", "dut=sim:board.flow"]);
    assert!(text.contains("this flow declares none") && text.contains("write `--port sim:board.flow`"), "{text}");
}

#[test]
fn names_and_variables_are_given_to_each_port() {
    let folder = Folder::new(POWER);
    folder.write(
        "flowrun.toml",
        "[ports.lamp]\naddress = \"sim:relay.flow\"\n\n[profile.bench]\nports = [\"dut=sim\", \"relay=lamp\"]\n",
    );
    folder.passes(&["f.flow", "--port", "dut=sim", "--port", "relay=lamp"]);
    folder.passes(&["f.flow", "--port", "dut=sim", "--port", "relay=@lamp"]);
    folder.passes(&["f.flow", "--profile", "bench"]);
    let (code, text) = folder.said(&["f.flow", "--port", "sim", "--sim-var", "dut.word=boot"]);
    assert_eq!(code, Some(1), "{text}");
    folder.write("f.flow", &format!("flow \"f\"\n{PORTS}{}", POWER.replace("login:", "boot")));
    folder.passes(&["f.flow", "--port", "sim", "--sim-var", "dut.word=boot"]);
}

#[test]
fn a_suite_runs_on_the_ports_of_a_bench() {
    let folder = Folder::new(POWER);
    folder.write("second.flow", "flow \"second\"\nport dut { }\nsend \"AT\"  expect line \"OK 1\"\n");
    folder.write(
        "flowrun.toml",
        "[bench.left]\ndut = \"sim:board.flow\"\nrelay = \"lamp\"\nspare = \"sim\"\n[bench.half]\ndut = \"sim\"\n\
         [bench.twice]\ndut = \"/dev/x\"\nrelay = \"/dev/./x\"\n[ports.lamp]\naddress = \"sim:relay.flow\"\n",
    );
    let text = folder.passes(&["test", "f.flow", "second.flow", "--bench", "left", "--accept"]);
    assert!(text.contains("2 flows: 2 passed"), "{text}");
    let wrong = [
        (&["f.flow", "--bench", "lft"][..], "did you mean `left`?"),
        (&["f.flow", "--bench", "half"], "no address was given for `relay`"),
        (&["f.flow", "--bench", "left", "--port", "sim"], "cannot be used with"),
        (&["one.flow", "--bench", "left"], "`--bench left` is for ports with names, and this flow declares none"),
        (&["f.flow", "--bench", "twice"], "`dut` and `relay` have one port, which is called `/dev/x` and `/dev/./x`"),
    ];
    folder.write("one.flow", "flow \"one\"\nsend \"AT\"  expect line \"OK 1\"\n");
    for (arguments, answer) in wrong {
        let text = folder.refusal(&[&["test"], arguments].concat());
        assert!(text.contains(answer), "{arguments:?}: {text}");
    }
}

#[test]
fn each_mistake_with_benches_is_answered_with_what_to_write() {
    let folder = Folder::new(POWER);
    let text = folder.refusal(&["f.flow", "--bench", "a"]);
    assert!(text.contains("`--bench a` is a name, and there is no `flowrun.toml`"), "{text}");
    let table = "[bench.a]\ndut = \"sim\"\nrelay = \"lamp\"\n[bench.b]\ndut = \"/dev/x\"\nrelay = \"sim\"\n[bench.c]\n\
                 dut = \"/dev/x\"\nrelay = \"sim\"\n[bench.half]\ndut = \"sim\"\n[bench.none]\nspare = \"sim\"\n\
                 [ports.lamp]\naddress = \"sim:relay.flow\"\n";
    folder.write("flowrun.toml", table);
    folder.passes(&["f.flow", "--bench", "a"]);
    let wrong = [
        (&["f.flow", "--bench", "aa"][..], "did you mean `a`?"),
        (&["f.flow", "--bench", "a", "--bench", "a"], "`--bench a` was given twice"),
        (&["f.flow", "--bench", "half"], "no address was given for `relay`"),
        (&["f.flow", "--bench", "none"], "the bench `none` has none of the flow's ports"),
        (&["f.flow", "--bench", "b", "--bench", "c"], "the benches `b` and `c` both have one port, `/dev/x`"),
        (&["f.flow", "--bench", "a", "--port", "sim"], "cannot be used with"),
    ];
    for (arguments, answer) in wrong {
        let text = folder.refusal(arguments);
        assert!(text.contains(answer), "{arguments:?}: {text}");
    }
    folder.write("one.flow", "flow \"one\"\nsend \"AT\"  expect line \"OK 1\"\n");
    let text = folder.refusal(&["one.flow", "--bench", "a"]);
    assert!(text.contains("`--bench a` is for ports with names, and this flow declares none"), "{text}");
    assert!(text.contains("write `--port sim` in its place, or declare `port dut { }` in the flow"), "{text}");
    folder.write("flowrun.toml", "[bench.a]\n\"du t\" = \"sim\"\n");
    assert!(folder.refusal(&["f.flow", "--bench", "a"]).contains("`du t` cannot be the name of a port of a flow"));
}

#[test]
fn check_looks_at_the_device_of_every_port() {
    let folder = Folder::new(POWER);
    folder.passes(&["check", "f.flow"]);
    folder.write("relay.flow", "device \"relay\"\non line \"ON\" { replay \"OK\" }\n");
    let text = folder.refusal(&["check", "f.flow"]);
    assert!(text.contains("the device in `relay.flow` has mistakes"), "{text}");
}

#[cfg(unix)]
mod real {
    use std::io::{BufRead, BufReader, Lines};
    use std::process::{Child, ChildStdout, Stdio};

    use super::served::flowrun;
    use super::*;

    /// The devices of `f.flow`, served as long as this lives.
    struct Bench {
        folder: Folder,
        child: Child,
        _said: Lines<BufReader<ChildStdout>>,
        /// What `--port` takes for each port.
        ports: Vec<String>,
    }

    impl Bench {
        fn new(folder: Folder, options: &[&str]) -> Bench {
            let mut command = flowrun(folder.path(), &[&["sim", "f.flow", "--all-ports"], options].concat());
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it can be started");
            let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
            let said = lines.by_ref().map_while(Result::ok).find(|line| line.contains("talks to all of them"));
            let said = said.expect("the devices are served");
            let words = said.split(['`', ' ']).skip_while(|word| *word != "--port");
            let ports = words.filter(|word| word.contains('=')).map(str::to_string).collect();
            Bench { folder, child, _said: lines, ports }
        }

        fn run(&self, ports: &[String]) -> (Option<i32>, String) {
            let mut arguments = vec!["f.flow"];
            ports.iter().for_each(|port| arguments.extend(["--port", port.as_str()]));
            self.folder.said(&arguments)
        }
    }

    impl Drop for Bench {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn four_pseudo_terminals_in_one_flow() {
        let ports: String = ["a", "b", "c", "d"].map(|name| format!("port {name} {{ sim \"board.flow\" }}\n")).concat();
        let each = ["a", "b", "c", "d"]
            .map(|name| format!("using {name} {{ send \"AT\"  expect line \"OK 1\" within 20s }}\n"));
        let bench = Bench::new(Folder::of(&ports, &each.concat()), &[]);
        assert_eq!(bench.ports.len(), 4, "{:?}", bench.ports);
        let (code, text) = bench.run(&bench.ports);
        assert_eq!(code, Some(0), "{text}");
    }

    #[test]
    fn the_served_port_of_a_device_that_unplugs_goes_and_comes_back() {
        let ports = "port one { sim \"board.flow\" }\nport two { sim \"modem.flow\" }\n";
        let body = "using two { send \"GO\"  expect line \"BYE\"  reopen within 10s  await line \"BACK\" within 10s }\n\
                    send \"AT\"  expect line \"OK 1\"\n";
        let modem =
            "device \"modem\"\non line \"GO\" { reply \"BYE\"  unplug for 300ms  sleep 700ms  reply \"BACK\" }\n";
        for by_name in [true, false] {
            let folder = Folder::of(ports, body);
            folder.write("modem.flow", modem);
            let link = folder.path().join("bench").display().to_string();
            let bench = match by_name {
                true => Bench::new(folder, &["--link", &link]),
                false => Bench::new(folder, &["--tcp", "127.0.0.1:0"]),
            };
            let (code, text) = bench.run(&bench.ports);
            assert_eq!(code, Some(0), "{text}");
            assert!(text.contains("two - waits up to"), "{text}");
        }
    }

    #[test]
    fn wires_lead_from_one_served_port_to_another() {
        for options in [&[][..], &["--tcp", "127.0.0.1:0"]] {
            let bench = Bench::new(Folder::new(&POWER.replace("1s", "20s")), options);
            let (code, text) = bench.run(&bench.ports);
            assert_eq!(code, Some(0), "{text}");
        }
    }

    #[test]
    fn a_connection_a_terminal_and_a_simulated_port_in_one_flow() {
        let ports = format!("{PORTS}port third {{ sim \"board.flow\" }}\n");
        let body = "using third { send \"AT\"  expect line \"OK 1\" within 20s }\n\
                    send \"AT\"  expect line \"OK 1\" within 20s\nusing relay { send \"ON\"  expect line \"OK\" within 20s }\n";
        let terminals = Bench::new(Folder::of(&ports, body), &[]);
        let connections = Bench::new(Folder::of(&ports, body), &["--tcp", "127.0.0.1:0"]);
        let mixture = [terminals.ports[0].clone(), connections.ports[1].clone(), "third=sim".to_string()];
        let (code, text) = terminals.run(&mixture);
        assert_eq!(code, Some(0), "{text}");
    }

    #[test]
    fn sixty_four_benches_of_two_ports_in_one_process() {
        use std::fmt::Write;
        let ports: String = (0..64).map(|n| format!("port p{n} {{ sim \"board.flow\" }}\n")).collect();
        let body: String = (0..64).map(|n| format!("using p{n} {{ expect quiet for 1ms }}\n")).collect();
        let [bench, relays] = [(); 2].map(|()| Bench::new(Folder::of(&ports, &body), &["--tcp", "127.0.0.1:0"]));
        assert_eq!((bench.ports.len(), relays.ports.len()), (64, 64));
        let address = |bench: &Bench, n: usize| bench.ports[n].split_once('=').expect("it has a name").1.to_string();
        let (mut table, mut options) = (String::new(), Vec::new());
        for n in 0..64 {
            let (dut, relay) = (address(&bench, n), address(&relays, n));
            let _ = write!(table, "[bench.b{n}]\ndut = \"{dut}\"\nrelay = \"{relay}\"\n");
            options.push(format!("b{n}"));
        }
        bench.folder.write("flowrun.toml", &table);
        let each = "send \"AT\"  expect line /^OK \\d+$/ within 20s\n";
        let turn = format!("{each}using relay {{ {each} }}\n").repeat(5);
        bench.folder.write("g.flow", &format!("flow \"g\"\nport dut {{ }}\nport relay {{ }}\n{turn}"));
        let mut arguments = vec!["g.flow", "--transcript", "t.txt"];
        options.iter().for_each(|name| arguments.extend(["--bench", name.as_str()]));
        let text = bench.folder.passes(&arguments);
        assert!(text.contains("64 benches: 64 passed"), "{text}");
        assert!(bench.folder.read("t.b63.txt").contains("OK 5"));
        let one = bench.folder.passes(&["g.flow", "--bench", "b0"]);
        assert!(one.contains("OK 10"), "{one}");
    }

    #[test]
    fn an_interrupt_ends_a_run_on_two_ports() {
        let bench = Bench::new(
            Folder::new(
                "using relay { send \"ON\"  expect line \"OK\" within 20s }\nexpect line \"never\" within 1h\n",
            ),
            &[],
        );
        let arguments = ["f.flow", "--port", &bench.ports[0], "--port", &bench.ports[1]];
        let mut run =
            flowrun(bench.folder.path(), &arguments).stdout(Stdio::piped()).spawn().expect("it can be started");
        let mut lines = BufReader::new(run.stdout.take().expect("it is piped")).lines();
        lines.by_ref().map_while(Result::ok).find(|line| line.contains("OK")).expect("the relay answers");
        rustix::process::kill_process(rustix::process::Pid::from_child(&run), rustix::process::Signal::INT)
            .expect("it runs");
        assert_eq!(run.wait().expect("it ends").code(), Some(130));
    }

    #[test]
    fn a_port_that_cannot_be_opened_is_named() {
        let folder = Folder::new(POWER);
        let (code, text) = folder.said(&["f.flow", "--port", "dut=sim", "--port", "relay=/dev/nowhere"]);
        assert_eq!(code, Some(3), "{text}");
        assert!(text.contains("nowhere") || text.contains("relay"), "{text}");
    }
}

#[test]
fn an_arm_on_another_port_finds_its_line_in_a_log_that_comes_at_once() {
    let noise = "[    1.5] module: nothing of interest\\r\\n".repeat(90);
    let device = |name: &str, line: &str, said: &str| {
        format!("device \"{name}\"\non line \"{line}\" {{ send raw \"{noise}{said}\\r\\n{noise}\" }}\n")
    };
    let ports = "port dut { sim \"board.flow\" }\nport relay { sim \"relay.flow\" }\n";
    for (said, passes) in [("done: 7", true), ("done: x", false)] {
        let body = "using relay { send \"ON\" }\nsend \"AT\"\nexpect all within 1h { line \"OK\"  \
                    using relay line /done: (?<n>\\d+)/ }\nassert n == \"7\"\n";
        let folder = Folder::of(ports, body);
        folder.write("board.flow", &device("board", "AT", "OK"));
        folder.write("relay.flow", &device("relay", "ON", said));
        assert_eq!(folder.run().has_passed(), passes, "{said}: {}", folder.run());
    }
}
