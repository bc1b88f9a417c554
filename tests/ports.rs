//! An engine with two ports, moved by hand: what happens on one is no business of the other.

mod support;

use flowrun::diagnostic::Severity;
use flowrun::engine::Input;
use flowrun::event::Verdict;
use flowrun::time::Moment;

use support::ports::{Bench, port};

#[test]
fn bytes_on_one_port_never_satisfy_a_wait_on_the_other() {
    let flow = "send \"A\"\nexpect line \"OK\" within 1s";
    let other = Bench::new(flow).left(0).came(10, 1, "OK\r\n");
    assert_eq!(other.verdict, None);
    let other = other.tick(1000);
    assert_eq!(other.verdict, Some(Verdict::Failed));
    assert!(other.failure().contains("did not come within 1s"), "{}", other.failure());
    let own = Bench::new(flow).left(0).came(10, 0, "OK\r\n");
    assert_eq!(own.verdict, Some(Verdict::Passed));
}

#[test]
fn counted_bytes_quiet_and_absence_look_at_their_own_port_only() {
    let read = Bench::new("read 2 bytes as two within 1s").came(10, 1, "xy");
    assert_eq!(read.verdict, None);
    assert_eq!(read.came(20, 0, "xy").verdict, Some(Verdict::Passed));
    let quiet = Bench::new("expect quiet for 100ms within 1s").came(90, 1, "noise").tick(100).tick(100);
    assert_eq!(quiet.verdict, Some(Verdict::Passed));
    let absent = Bench::new("expect none \"ERROR\" for 1s").came(10, 1, "ERROR\r\n").tick(1000);
    assert_eq!(absent.verdict, Some(Verdict::Passed));
}

#[test]
fn a_frame_ends_with_the_silence_of_its_own_port() {
    let flow = "using two { read until quiet for 100ms as frame within 1s }\nassert frame == \"ab\"";
    let begun = || Bench::new(flow).came(10, 1, "a").came(60, 0, "noise");
    // A byte at the moment at which the silence would be over is in time.
    let whole = begun().came(110, 1, "b").came(150, 0, "noise").tick(209);
    assert_eq!(whole.verdict, None);
    assert_eq!(whole.tick(210).tick(210).verdict, Some(Verdict::Passed));
    let cut = begun().tick(110).tick(110);
    assert_eq!(cut.verdict, Some(Verdict::Failed), "it took `a` alone");
}

#[test]
fn the_current_port_is_that_of_the_innermost_scope() {
    let flow = "using two {\n  using one { using two { send \"ON\" } }\n  expect line \"OK\"\n}\nsend \"AT\"\nexpect line \"OK\"";
    let bench = Bench::new(flow).left(0).came(1, 1, "OK\r\n").left(1).came(2, 0, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    let writes: Vec<&String> = bench.asked.iter().filter(|asked| asked.contains("write")).collect();
    assert_eq!(writes, ["1 write ON\\r", "0 write AT\\r"]);
}

#[test]
fn a_line_that_came_on_one_port_while_the_other_was_awaited_is_kept_for_await() {
    let flow = "send \"A\"\nexpect line \"OK\"\nusing two { await line \"READY\" within 1s }";
    let bench = Bench::new(flow).left(0).came(1, 1, "READY\r\n").came(2, 0, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    assert_eq!(bench.received(), [(1, "READY\r\n".to_string()), (0, "OK\r\n".to_string())]);
}

#[test]
fn each_port_has_its_own_echo() {
    // What was sent on the second port is the echo there, and an ordinary line on the first.
    let flow = "using two { send \"AT\" }\nexpect line \"AT\" within 1s  # allow unasked";
    assert_eq!(Bench::new(flow).left(0).came(1, 0, "AT\r\n").verdict, Some(Verdict::Passed));
    let flow = "using two { send \"AT\"  expect line \"AT\" within 1s }";
    let echo = Bench::new(flow).left(0).came(1, 1, "AT\r\n").tick(1000);
    assert_eq!(echo.verdict, Some(Verdict::Failed), "on its own port it is the echo");
}

#[test]
fn each_port_has_its_own_settle_time() {
    let flow = "using two { expect prompt \"> \" within 5s }";
    let bench = Bench::with(flow, "settle 20ms").came(1, 1, "> ");
    assert_eq!(bench.until, Some(Moment::from_millis(21)));
    assert_eq!(bench.tick(21).verdict, Some(Verdict::Passed));
    let first = Bench::with("expect prompt \"> \" within 5s", "settle 20ms").came(1, 0, "> ").tick(21);
    assert_eq!(first.verdict, None, "the first port has the settle time of the flow");
}

#[test]
fn a_change_of_settings_is_for_one_port() {
    let bench = Bench::new("using two { baud 9600 }\nexpect line \"OK\" within 1s");
    assert_eq!(bench.asked[2..], ["1 reconfigure 9600 8N1"]);
}

#[test]
fn each_port_has_its_own_pace_between_lines() {
    let flow = "serial { line_pace 500ms }\nsend \"A\"\nusing two { send \"B\" }\nsend \"C\"\nexpect line \"OK\"";
    let bench = Bench::new(flow).left(0).left(1).tick(2);
    let writes =
        |bench: &Bench| bench.asked.iter().filter(|asked| asked.contains("write")).cloned().collect::<Vec<_>>();
    assert_eq!(writes(&bench), ["0 write A\\r", "1 write B\\r"]);
    assert_eq!(bench.until, Some(Moment::from_millis(500)));
    assert_eq!(writes(&bench.tick(500))[2..], ["0 write C\\r"]);
}

#[test]
fn a_write_that_left_on_one_port_is_no_write_of_the_other() {
    let mut bench = Bench::new("send \"A\"\nusing two { send \"B\"  expect line \"OK\" }");
    let first = bench.leaving.pop().expect("one is leaving");
    assert_eq!((first.port(), first.number()), (port(0), 1));
    let mut bench = bench.give(0, Input::Sent(first));
    let second = bench.leaving.pop().expect("the other is leaving");
    assert_eq!((second.port(), second.number()), (port(1), 1), "each port counts its own");
    assert_eq!(bench.give(1, Input::Sent(second)).came(2, 1, "OK\r\n").verdict, Some(Verdict::Passed));
}

#[test]
fn watchers_watch_the_port_that_was_current_where_they_stand() {
    let flow = "using two fail on line /FAULT.*/, \"tripped\"\nsend \"A\"\nexpect line \"OK\" within 1s";
    let foreign = Bench::new(flow).left(0).came(1, 0, "FAULT 3\r\n");
    assert_eq!(foreign.verdict, None, "it is not watched on the first port");
    let watched = Bench::new(flow).left(0).came(1, 1, "FAULT 3\r\n");
    assert_eq!(watched.verdict, Some(Verdict::Failed));
    assert!(watched.failure().contains("tripped"), "{}", watched.failure());
}

#[test]
fn a_handler_speaks_to_the_port_that_it_watches() {
    let flow = "using two on line \"PING\" { send \"PONG\" }\nsend \"A\"\nexpect line \"OK\" within 1s";
    let bench = Bench::new(flow).left(0).came(1, 1, "PING\r\n").left(1).came(2, 0, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    assert!(bench.asked.contains(&"1 write PONG\\r".to_string()), "{:?}", bench.asked);
}

#[test]
fn a_port_that_goes_away_fails_only_what_needs_it() {
    let flow = "send \"A\"\nexpect line \"OK\"\nusing two { send \"B\"  expect line \"OK\" }";
    let gone = |bench: Bench, index| bench.gone(1, index);
    let other = gone(Bench::new(flow).left(0), 1);
    assert_eq!(other.verdict, None, "the first port is awaited");
    let other = other.came(2, 0, "OK\r\n");
    assert_eq!(other.verdict, Some(Verdict::PortFailed));
    assert_eq!(other.failure(), "the port `two` at `two` is gone");
    let needed = gone(Bench::new(flow).left(0), 0);
    assert_eq!(needed.verdict, Some(Verdict::PortFailed));
    assert_eq!(needed.failure(), "`one` at `one` went away");
}

#[test]
fn both_ports_are_closed_at_the_end() {
    let bench = Bench::new("send \"A\"\nexpect line \"OK\"").left(0).came(1, 0, "OK\r\n");
    assert_eq!(bench.asked[3..], ["0 close", "1 close"]);
}

#[test]
fn the_words_of_ports_are_names_everywhere_else() {
    let flow = r#"flow "t"
use "lib.flow" for port in [1] { log port }
param port = "a"
param using = "b"
volatile port
volatile using
procedure p(port, using) {
  return port + using
}
call p(port, using) -> sum
compute using2 = using
compute pair = [port, using]
compute map = {port: using, using: port}
for port2 in [port, using] { log port2 }
for using3 in pair { log using3 }
send port
send raw using
log using
log port
save port using
save port, using port
save port port
save using using port  save sum
save port  using only { flush }
save port using  using only on line "X" { log port }
assert port == "a" and using == "b", using
expect line "${port}" within 1s
capture c from /a/ in using
if using == port { fail using }
ask port as answer default using
return port
"#;
    let library = "library \"l\"\n";
    let with = |flow: &str| support::check_texts(&[("test.flow", flow), ("lib.flow", library)]);
    let flow = flow.replace("return port\n", "");
    let without_ports: String =
        flow.lines().filter(|line| !line.contains("only")).map(|line| format!("{line}\n")).collect();
    let errors = |flow: &str| -> Vec<String> {
        let problems = with(flow).problems.into_iter();
        problems.filter(|problem| problem.severity() == Severity::Error).map(|problem| problem.message).collect()
    };
    let none: Vec<String> = vec![];
    assert_eq!(errors(&without_ports), none);
    assert_eq!(errors(&flow.replacen('\n', "\nport only { }\n", 1)), none);
    let group = "flow \"t\"\nsend \"A\"\nexpect line /(?<port>.)(?<using>.)/\nread 2 bytes as port\nsave port using\n";
    assert_eq!(errors(group), none);
}

#[test]
fn an_arm_on_another_port_is_taken_when_its_line_comes() {
    let flow = "send \"A\"\nexpect within 1s {\n  line \"OK\" -> { send \"one\" }\n  using two line \"UP\" -> { send \"first\" }\n\
                  timeout -> { send \"late\" }\n}\nexpect quiet for 10ms";
    let writes = |bench: Bench| bench.asked.iter().filter(|asked| asked.contains("write")).cloned().collect::<Vec<_>>();
    let waiting = || Bench::new(flow).left(0);
    assert_eq!(writes(waiting().came(10, 0, "OK\r\n"))[1..], ["0 write one\\r"]);
    // In an arm's body that port is current which is current around the statement.
    assert_eq!(writes(waiting().came(10, 1, "UP\r\n"))[1..], ["0 write first\\r"]);
    assert_eq!(writes(waiting().came(1000, 1, "UP\r\n"))[1..], ["0 write first\\r"], "at the deadline it is in time");
    assert_eq!(writes(waiting().tick(1000))[1..], ["0 write late\\r"]);
    assert_eq!(writes(waiting().came(10, 1, "OK\r\n").came(11, 0, "UP\r\n"))[1..], [""; 0], "each on its own port");
}

#[test]
fn at_one_moment_the_order_of_the_arms_decides() {
    let arms = |first: &str, second: &str| {
        format!(
            "send \"A\"\nexpect {{\n  {first} -> {{ log \"first\" }}\n  {second} -> {{ log \"second\" }}\n}}\nexpect quiet for 10ms"
        )
    };
    let (one, two) = ("line \"OK\"", "using two line \"UP\"");
    for flow in [arms(one, two), arms(two, one)] {
        for order in [[(0, "OK\r\n"), (1, "UP\r\n")], [(1, "UP\r\n"), (0, "OK\r\n")]] {
            let mut bench = Bench::new(&flow).left(0);
            for (index, bytes) in order {
                bench.hand(10, Input::Received(port(index), bytes.as_bytes()));
            }
            let bench = bench.tick(10);
            assert_eq!(bench.logged(), ["first"], "{flow}\n{order:?}");
        }
    }
}

#[test]
fn all_of_several_ports_may_come_in_any_order() {
    let flow = "send \"A\"\nexpect all within 1s {\n  line \"OK\"\n  using two line /UP (?<n>\\d)/\n  using two \"> \"\n}\nsave n";
    let flow = flow.replace("save n", "assert n == \"7\"");
    let waiting = || Bench::new(&flow).left(0);
    let passed = Some(Verdict::Passed);
    assert_eq!(waiting().came(1, 0, "OK\r\n").came(2, 1, "UP 7\r\n").came(3, 1, "> ").verdict, passed);
    assert_eq!(waiting().came(1, 1, "UP 7\r\n> ").came(3, 0, "OK\r\n").verdict, passed);
    let failed = waiting().came(1, 1, "UP 7\r\n").tick(1000);
    assert_eq!(failed.failure(), "line \"OK\" on `one` and \"> \" on `two` did not come within 1s");
    let failed = waiting().came(1, 0, "OK\r\n").tick(1000);
    assert_eq!(failed.failure(), "line /UP (?<n>\\d)/ and \"> \" on `two` did not come within 1s");
}

#[test]
fn a_prompt_on_another_port_has_the_settle_time_of_that_port() {
    let flow = "expect { line \"never\" -> {}  using two prompt \"> \" -> { log \"prompt\" } }";
    let bench = Bench::with(flow, "settle 20ms").came(1, 1, "> ");
    assert_eq!(bench.until, Some(Moment::from_millis(21)));
    let bench = bench.tick(21);
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    assert_eq!(bench.logged(), ["prompt"]);
}

#[test]
fn a_port_that_is_gone_is_neither_quiet_nor_without_what_may_not_come() {
    for wait in ["expect quiet for 10ms within 1s", "expect none line \"FAULT\" for 10ms"] {
        let flow = format!("send \"A\"\nexpect line \"OK\"\nusing two {{ {wait} }}");
        let gone = Bench::new(&flow).left(0).gone(1, 1).came(2, 0, "OK\r\n").tick(2_000);
        assert_eq!(gone.verdict, Some(Verdict::PortFailed), "{wait}");
        assert_eq!(gone.failure(), "the port `two` at `two` is gone", "{wait}");
    }
}

#[test]
fn a_port_is_needed_as_long_as_one_of_its_arms_is_awaited() {
    let flow = "send \"A\"\nexpect all { line \"OK\"  using two line \"UP\" }";
    let gone = Bench::new(flow).left(0).gone(1, 1);
    assert_eq!(gone.failure(), "`two` at `two` went away");
    let gone = Bench::new(flow).left(0).came(1, 1, "UP\r\n").gone(2, 1);
    assert_eq!(gone.verdict, None);
    assert_eq!(gone.came(3, 0, "OK\r\n").verdict, Some(Verdict::Passed));
    let only_two = "using two { send \"A\" }\nexpect { using two line \"UP\" -> {} }";
    let gone = Bench::new(only_two).left(0).gone(1, 0);
    assert_eq!(gone.came(2, 1, "UP\r\n").verdict, Some(Verdict::Passed), "nothing is awaited on the first port");
}

#[test]
fn procedures_and_their_watchers_are_on_the_port_of_their_caller() {
    let flow = "procedure query(what) {\n  fail on line \"ERROR\"\n  send \"${what}\"\n  expect line /(?<r>\\w+) ready/\n  return r\n}\n\
                using two { call query(\"A\") -> two }\ncall query(\"B\") -> one\nassert one + two == \"xy\"";
    let bench = Bench::new(flow).left(0).came(1, 0, "ERROR\r\n").came(2, 1, "y ready\r\n").left(2);
    let bench = bench.came(3, 1, "ERROR\r\n").came(4, 0, "x ready\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed), "{}", bench.failure());
    let failed = Bench::new(flow).left(0).came(2, 1, "ERROR\r\n");
    assert_eq!(failed.failure(), "`ERROR` came on `two`");
}

#[test]
fn a_clean_up_speaks_to_the_port_that_was_current_where_it_was_reached() {
    let flow = "using two { finally { send \"OFF\" }  using one { send \"A\"  expect line \"OK\" within 1s } }";
    let bench = Bench::new(flow).left(0).tick(1000);
    assert!(bench.asked.contains(&"1 write OFF\\r".to_string()), "{:?}", bench.asked);
    let bench = bench.left(1000);
    assert_eq!(bench.failure(), "line \"OK\" on `one` did not come within 1s");
}

#[test]
fn a_capture_looks_at_the_last_response_of_the_current_port() {
    let flow = "send \"A\"\nexpect line \"OK\"\nusing two { send \"B\"  expect line \"OK\"  capture b from /v=(\\d)/ }\n\
                capture a from /v=(\\d)/\nassert a + b == \"12\"";
    let bench = Bench::new(flow).left(0).came(1, 0, "v=1\r\nOK\r\n").left(1).came(2, 1, "v=2\r\nOK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed), "{}", bench.failure());
}

const LIBRARY: &str = r#"library "l"
use "inner.flow"
serial { eol "\n"  settle 20ms }
fail on line /FAULT.*/
on line "PING" { send "PONG" }
using two fail on line "TRIP", "tripped"
procedure switch() { using two { send "ON"  expect line "OK" } }
"#;

fn with_library(flow: &str) -> Result<Bench, Vec<String>> {
    let inner = "library \"inner\"\nignore line \"noise\"\nfail on line \"INNER\"\n";
    let flow = format!("flow \"test\"\n{flow}\n");
    let checked = support::check_texts(&[("test.flow", &flow), ("lib.flow", LIBRARY), ("inner.flow", inner)]);
    let problems = checked.problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>();
    if checked.program.is_none() { Err(problems) } else { Ok(Bench::begin(support::program(checked))) }
}

#[test]
fn a_library_watches_the_ports_that_it_is_used_for() {
    let flow = |uses: &str| {
        format!(
            "use \"lib.flow\"{uses}\nport one {{ }}\nport two {{ }}\nport three {{ }}\n\
                                     send \"A\"\nexpect line \"OK\" within 1s\nusing three {{ flush }}"
        )
    };
    let waiting = |uses: &str| with_library(&flow(uses)).expect("nothing is wrong").left(0);
    for (uses, watched) in [("", [true, false, false]), (" for two, three", [false, true, true])] {
        for (index, is_watched) in watched.into_iter().enumerate() {
            for line in ["FAULT 1\r\n", "INNER\r\n"] {
                let bench = waiting(uses).came(1, index, line);
                assert_eq!(bench.verdict.is_some(), is_watched, "{uses}: {index} {line}");
            }
            let bench = waiting(uses).came(1, index, "PING\r\n");
            let pong = bench.asked.iter().find(|asked| asked.contains("PONG")).cloned();
            let eol = if is_watched { Some(format!("{index} write PONG\\n")) } else { None };
            assert_eq!(pong, eol, "its settings are those of its ports: {uses}");
        }
        assert_eq!(waiting(uses).came(1, 1, "TRIP\r\n").failure(), "tripped (`TRIP` came on `two`)", "{uses}");
    }
}

#[test]
fn a_using_in_a_library_is_checked_for_each_flow_that_uses_it() {
    let lacks = |flow: &str| with_library(flow).map(|_| ()).expect_err("a port is missing");
    let flow = "use \"lib.flow\"\nport one { }\nsend \"A\"\nexpect line \"OK\"";
    assert_eq!(lacks(flow), ["there is no port `two`"; 2]);
    assert_eq!(lacks(&flow.replace("port one { }\n", "")), ["there is no port `two`"; 2]);
    let flow = "use \"lib.flow\"\nport one { }\nport two { }\ncall switch()\nsend \"A\"\nexpect line \"OK\"";
    let bench = with_library(flow).expect("both are there").left(0);
    assert!(bench.asked.contains(&"1 write ON\\r".to_string()), "{:?}", bench.asked);
    // By itself it is checked without ports.
    let alone = support::check_texts(&[("lib.flow", LIBRARY), ("inner.flow", "library \"inner\"\n")]);
    assert_eq!(alone.problems, []);
}

#[test]
fn what_is_there_when_a_wait_begins_counts_as_one_moment() {
    let flow = "send \"A\"\nusing two { send \"B\" }\nsleep 100ms\n\
                expect { using two line \"UP\" -> { log \"two\" } line \"OK\" -> { log \"one\" } }";
    let bench = Bench::new(flow).left(0).left(0).came(1, 0, "OK\r\n").came(2, 1, "UP\r\n").tick(100);
    assert_eq!(bench.logged(), ["two"]);
}

#[test]
fn a_try_notes_that_another_port_is_gone_and_goes_on() {
    let flow = "try { using two { step \"s\" { send \"B\"  expect line \"OK\" } } }\nsend \"A\"\nexpect line \"OK\"";
    let gone = Bench::new(flow).left(0).gone(1, 1).left(1).came(2, 0, "OK\r\n");
    assert_eq!((gone.verdict, gone.failure().as_str()), (Some(Verdict::Passed), ""));
    let own = Bench::new("try { send \"A\"  expect line \"OK\" }\nusing two { flush }").left(0).gone(1, 0);
    assert_eq!(own.verdict, Some(Verdict::PortFailed), "the port of the flow around it is gone");
}
