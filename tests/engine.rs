//! The engine by itself: inputs at exact moments, outputs looked at one by one.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind among many")]

mod support;

use flowrun::engine::{Action, Engine, Input, Inputs, Output, PortInputs};
use flowrun::event::{CloseReason, EventKind, StepOutcome, Verdict};
use flowrun::port::{PortCommand, PortId};
use flowrun::program::{Op, PatternSource, PatternSpec};
use flowrun::time::Moment;
use support::bench::Bench;
use support::{BEGUN, check_text, program};

#[test]
fn bytes_at_the_deadline_are_in_time() {
    let bench = Bench::new("send \"AT\" expect line \"OK\" within 2s").at(2000, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn bytes_behind_the_deadline_are_too_late_however_late_the_caller_was() {
    let bench = Bench::new("send \"AT\" expect line \"OK\" within 2s").at(2001, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Failed));
    assert_eq!(bench.message(), "line \"OK\" did not come within 2s");
}

#[test]
fn a_chatty_line_does_not_put_the_deadline_off() {
    let mut bench = Bench::new("send \"AT\" expect line \"OK\" within 2s");
    for ms in (100..2000).step_by(100) {
        bench = bench.at(ms, "+URC: 1\r\n");
    }
    assert_eq!(bench.tick(2000).verdict, Some(Verdict::Failed));
}

#[test]
fn a_late_answer_to_an_earlier_command_does_not_satisfy_the_next() {
    let flow = "try { send \"A\" expect line \"DONE\" within 1s }\nsend \"B\" expect line \"DONE\" within 1s";
    let bench = Bench::new(flow).tick(1000).tick(2000);
    assert_eq!(bench.verdict, Some(Verdict::Failed));
    // Here the late answer comes before the second command has left.
    let flow = "try { send \"A\" expect line \"DONE\" within 1s }\nsleep 1s\nsend \"B\" expect line \"DONE\" within 1s";
    let bench = Bench::new(flow).tick(1000).at(1500, "DONE\r\n").tick(2000).tick(3000);
    assert_eq!(bench.verdict, Some(Verdict::Failed));
    assert!(bench.cause().contains("`DONE` came before the last send"), "{}", bench.cause());
}

#[test]
fn what_comes_behind_a_match_stays_for_the_next_expect() {
    let bench = Bench::new("send \"A\" expect line \"ONE\" expect line \"TWO\" expect \"THR\" expect \"EE\"")
        .at(1, "ONE\r\nTWO\r\nTHREE");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn what_came_while_nothing_was_awaited_is_seen_by_the_next_expect() {
    let bench = Bench::new("send \"A\" expect line \"ONE\" sleep 1s expect line \"TWO\" within 1s");
    let bench = bench.at(1, "ONE\r\n").at(500, "TWO\r\n").tick(1001);
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn an_early_event_is_not_lost_for_await() {
    let flow = "send \"A\" expect line \"OK\"\nsend \"B\" expect line \"OK\"\nawait line /RING (?<who>\\d)/\nlog who\nawait line /RING (?<who>\\d)/\nlog who";
    let bench = Bench::new(flow).at(1, "RING 1\r\nOK\r\n").at(2, "RING 2\r\nOK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
    assert_eq!(bench.logged(), ["1", "2"], "oldest first, each once");
}

#[test]
fn an_echo_is_no_answer_wherever_it_stands() {
    let flow = "send \"AT+OK\" expect \"OK\"\nlog \"answered\"";
    for pieces in [vec!["AT+OK\r", "\r\n"], vec!["AT", "+O", "K\r\r\n"], vec!["+URC: 1\r\n", "AT+OK\r\n"]] {
        let mut bench = Bench::new(flow);
        for piece in pieces {
            bench = bench.at(1, piece);
        }
        assert_eq!(bench.verdict, None, "the echo passed for the answer");
        assert_eq!(bench.at(2, "OK\r\n").verdict, Some(Verdict::Passed));
    }
}

#[test]
fn without_an_echo_nothing_changes() {
    let bench = Bench::new("send \"AT\" expect \"OK\"").at(1, "\r\nOK");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn an_echo_is_taken_out_only_once() {
    let bench = Bench::new("send \"X\" expect line \"X\"").at(1, "X\r\n");
    assert_eq!(bench.verdict, None);
    assert_eq!(bench.at(2, "X\r\n").verdict, Some(Verdict::Passed));
}

#[test]
fn what_only_begins_like_an_echo_is_an_answer_once_it_has_settled() {
    let bench = Bench::new("send \">>>\" expect \">\"").at(1, ">");
    assert_eq!(bench.verdict, None, "it may still become the echo");
    assert_eq!(bench.tick(51).verdict, Some(Verdict::Passed));
}

#[test]
fn fail_on_ends_any_wait_unless_the_wait_names_it() {
    let bench = Bench::new("fail on line \"ERROR\"\nsend \"A\" expect line \"OK\"").at(1, "ERROR\r\n");
    assert_eq!(bench.message(), "`ERROR` came");
    let flow = "fail on line \"ERROR\"\nsend \"A\" expect { line \"OK\" -> { log \"ok\" } line \"ERROR\" -> { log \"refused\" } }";
    let bench = Bench::new(flow).at(1, "ERROR\r\n");
    assert_eq!((bench.verdict, bench.logged()), (Some(Verdict::Passed), vec!["refused".to_string()]));
}

#[test]
fn fail_on_is_in_force_to_the_end_of_its_block() {
    let flow = "step \"a\" { fail on line \"BAD\" send \"A\" expect line \"OK\" }\nsend \"B\" expect line \"OK\"";
    let bench = Bench::new(flow).at(1, "OK\r\n").at(2, "BAD\r\nOK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn fail_on_sees_what_came_between_two_waits() {
    let bench = Bench::new(
        "fail on line \"RDY\", \"restarted\"\nsend \"A\" expect line \"OK\"\nsend \"B\" expect line \"OK\" within 9s",
    );
    let bench = bench.at(1, "OK\r\nRDY\r\n");
    assert_eq!(bench.message(), "restarted (`RDY` came)");
}

#[test]
fn a_handler_runs_in_the_middle_of_a_wait_and_may_read() {
    let flow = r#"on /\+MSUB: (?<size>\d+),/ { read size bytes as body log "got ${body}" }
send "A" expect line "OK" within 5s"#;
    let bench = Bench::new(flow).at(1, "+MSUB: 8,OK\r\nab\r").at(2, "\n\r\n").tick(3);
    assert_eq!(bench.logged(), ["got OK\r\nab\r\n"]);
    assert_eq!(bench.verdict, None, "the OK was payload");
    assert_eq!(bench.at(4, "OK\r\n").verdict, Some(Verdict::Passed));
}

#[test]
fn what_a_handler_sends_drops_nothing_that_the_wait_around_it_reads() {
    let flow = r#"on line "RING" { send "ATA" expect line "CONNECT" }
ignore line /[0-9a-e]+/
send "A"
read until line "END" as text within 5s
log text"#;
    let before = "0123456789abcde\r\n".repeat(300);
    let bench = Bench::new(flow).at(1, &before).at(2, "RING\r\n").at(3, "CONNECT\r\n").at(4, "last\r\nEND\r\n");
    assert_eq!(bench.logged(), [before + "RING\r\nCONNECT\r\nlast\r\n"]);
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn a_line_that_nobody_claimed_waits_for_await_however_much_was_taken_since() {
    let flow = "repeat 1000 { send \"A\" expect line \"OK\" }\nawait line /RING (?<who>\\d)/\nawait line \"TAIL\" within 1s\nlog who";
    let mut bench = Bench::new(flow).at(1, "RING 1\r\n");
    for ms in 2..1002 {
        bench = bench.at(ms, "A\r\nOK\r\n");
    }
    let bench = bench.at(1002, "TAIL\r\n");
    assert_eq!(bench.logged(), ["1"]);
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

/// Lines that nobody wants, each at its moment, then what is awaited.
fn chatter(mut bench: Bench, ticks: bool) -> Bench {
    for ms in 1..=40 {
        bench = bench.at(ms * 3, if ms % 5 == 0 { "\r\n+CREG: 1\r\n\r\nunfini" } else { "+URC: 1\r\n" });
        if ticks {
            bench = bench.tick(ms * 3 + 1).tick(ms * 3 + 2);
        }
    }
    bench.at(200, "\r\nOK\r\n")
}

#[test]
fn lines_that_nobody_wants_are_told_within_a_moment_as_if_at_once() {
    let flow = "send \"A\" expect line \"OK\" within 5s log \"done\"";
    let n_told = |bench: &Bench| bench.events.iter().filter(|e| matches!(e.kind, EventKind::Received { .. })).count();
    let bench = Bench::new(flow).at(1, "+URC: 1\r\n").at(20, "+URC: 2\r\n");
    assert_eq!(n_told(&bench), 0);
    assert_eq!(n_told(&bench.tick(51)), 2);
    // However much of it comes, it does not gather.
    let bench = Bench::new(flow).at(1, &"0123456789abcdef\r\n".repeat(200));
    assert_eq!(n_told(&bench), 1);

    let [seldom, often] = [false, true].map(|ticks| chatter(Bench::new(flow), ticks));
    assert_eq!(seldom.verdict, Some(Verdict::Passed));
    assert_eq!(seldom.events, often.events);
    let moments: Vec<_> = seldom.events.iter().map(|event| event.at).collect();
    assert!(moments.is_sorted(), "{moments:?}");
    assert!(n_told(&seldom) > 40, "a piece for each that came");
}

#[test]
fn an_awaited_regex_is_compiled_while_the_device_thinks_and_another_not_at_all() {
    let flow = "fail on line /PANIC: \\d+/\nsend \"A\" expect line /DONE: \\d+/ within 5s";
    let program = program(check_text("test.flow", &format!("flow \"test\"\n{flow}")));
    let expect = program.ops.iter().find_map(|op| match op {
        Op::Expect(expect) => Some(&expect.arms[0].pattern),
        _ => None,
    });
    let regex_of = |spec: &PatternSpec| match &spec.source {
        PatternSource::Ready(pattern) => pattern.regex().expect("it is one").is_compiled(),
        other => panic!("{other:?} is not ready"),
    };
    let is_compiled = || [regex_of(expect.expect("there is one")), regex_of(&program.watchers[0].pattern)];
    assert_eq!(is_compiled(), [false, false]);
    let bench = Bench::of(program.clone());
    assert_eq!(is_compiled(), [true, false]);
    let bench = bench.at(1, "something else\r\nDONE: 1\r\n");
    assert_eq!((bench.verdict, is_compiled()), (Some(Verdict::Passed), [true, false]));
}

#[test]
fn ignored_lines_are_neither_answers_nor_events() {
    let flow = "ignore line /\\+CREG: .*/\nsend \"A\" expect line \"OK\"\nawait /CREG/ within 1s";
    assert_eq!(Bench::new(flow).at(1, "+CREG: 1\r\nOK\r\n").tick(1001).verdict, Some(Verdict::Failed));
}

#[test]
fn a_prompt_counts_once_the_line_is_quiet() {
    let bench = Bench::new("send \"A\" expect prompt \"$ \"").at(1, "text $ ");
    assert_eq!(bench.verdict, None);
    let bench = bench.at(40, "more\r\n$ ").tick(51);
    assert_eq!(bench.verdict, None, "new bytes begin the silence again");
    assert_eq!(bench.tick(90).verdict, Some(Verdict::Passed));
}

#[test]
fn a_regex_waits_for_the_end_of_its_line() {
    let bench = Bench::new("send \"A\" expect /\\+CSQ: (?<csq>\\d+)/\nlog csq").at(1, "+CSQ: 1");
    assert_eq!(bench.verdict, None);
    let bench = bench.at(2, "5,0\r\n");
    assert_eq!(bench.logged(), ["15"]);
}

#[test]
fn expect_all_takes_both_orders_and_each_once() {
    for answer in ["OK\r\nCONNECT OK\r\n", "CONNECT OK\r\nOK\r\n"] {
        let bench = Bench::new("send \"A\" expect all { line \"OK\" line \"CONNECT OK\" }").at(1, answer);
        assert_eq!(bench.verdict, Some(Verdict::Passed));
    }
    let bench = Bench::new("send \"A\" expect all { line \"OK\" line \"CONNECT OK\" }").at(1, "OK\r\nOK\r\n");
    assert_eq!(bench.verdict, None);
}

#[test]
fn a_step_is_tried_again_on_a_quiet_line_and_is_then_flaky() {
    let flow = "step \"a\" retry 2 every 200ms { send \"A\" expect line \"OK\" within 1s }";
    let bench = Bench::new(flow).tick(1000).at(1190, "OK\r\n").tick(1200);
    assert_eq!(bench.written().len(), 1, "the line was not quiet yet");
    let bench = bench.tick(1240);
    assert_eq!(bench.written().len(), 2);
    assert_eq!(bench.verdict, None, "the answer to the first attempt does not count");
    let bench = bench.at(1300, "OK\r\n");
    assert_eq!(bench.verdict, Some(Verdict::Flaky));
    let outcomes: Vec<_> = bench
        .events
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::StepEnded { outcome, attempt, .. } => Some((*attempt, *outcome)),
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [(1, StepOutcome::WillRetry), (2, StepOutcome::Passed)]);
}

#[test]
fn a_step_timeout_bounds_what_is_in_it() {
    let bench = Bench::new("step \"a\" timeout 3s { send \"A\" expect line \"OK\" within 1m }").tick(3000);
    assert_eq!(bench.message(), "the step `a` took longer than its timeout");
    let bench =
        Bench::new("step \"a\" timeout 3s { send \"A\" expect line \"OK\" sleep 1m }").at(1, "OK\r\n").tick(3000);
    assert_eq!(bench.message(), "the step `a` took longer than its timeout");
}

#[test]
fn finally_runs_after_a_failure_a_timeout_and_an_interrupt() {
    let flow = "step \"s\" { finally { send \"BYE\" expect line \"OK\" within 1s }\nfinally { log \"first\" }\nsend \"A\" expect line \"OK\" within 2s }\nlog \"not reached\"";
    let timeout = Bench::new(flow).tick(2000);
    assert_eq!(timeout.written(), ["A\r", "BYE\r"]);
    assert_eq!(timeout.logged(), ["first"], "in reverse order");
    assert_eq!(timeout.at(2100, "OK\r\n").verdict, Some(Verdict::Failed));
    let interrupted = Bench::new(flow).give(500, Input::Interrupt);
    assert_eq!(interrupted.written(), ["A\r", "BYE\r"]);
    assert_eq!(interrupted.at(600, "OK\r\n").verdict, Some(Verdict::Interrupted));
    let in_vain = Bench::new(flow).tick(2000).tick(3000);
    assert_eq!(in_vain.message(), "line \"OK\" did not come within 2s", "a failed clean-up does not hide the failure");
}

#[test]
fn finally_counts_only_once_it_has_been_reached() {
    let bench =
        Bench::new("step \"s\" { send \"A\" expect line \"OK\" within 1s\nfinally { log \"cleaned\" } }").tick(1000);
    assert_eq!(bench.logged(), [""; 0]);
}

#[test]
fn a_failure_inside_of_try_does_not_end_the_flow() {
    let flow = "try { send \"A\" expect line \"OK\" within 1s } else { log \"else\" }\nsend \"B\" expect line \"OK\"";
    let bench = Bench::new(flow).tick(1000).at(1001, "OK\r\n");
    assert_eq!((bench.verdict, bench.logged()), (Some(Verdict::Passed), vec!["else".to_string()]));
}

#[test]
fn a_procedure_has_its_own_variables_and_may_return_from_anywhere() {
    let flow = r#"procedure query(n) {
  finally { log "cleaned" }
  repeat 5 { if n > 2 { return "big ${n}" } compute n = n + 1 }
  return "small"
}
compute n = 1
call query(2) -> answer
log "${answer} ${n}"
send "A" expect line "OK""#;
    let bench = Bench::new(flow).at(1, "OK\r\n");
    assert_eq!(bench.logged(), ["cleaned", "big 3 1"]);
}

#[test]
fn loops_count_and_wait_only_between_turns() {
    let flow = "repeat 3 every 1s { send \"A\" expect line \"OK\" }\nfor x in [1, 2] { log x }\ncompute i = 0\nrepeat until i == 4 at most 9 { compute i = i + 1 }\nlog i";
    let bench = Bench::new(flow).at(0, "OK\r\n").tick(1000).at(1000, "OK\r\n").tick(2000).at(2000, "OK\r\n");
    assert_eq!((bench.verdict, bench.logged()), (Some(Verdict::Passed), vec!["1".into(), "2".into(), "4".into()]));
}

#[test]
fn a_loop_without_any_waiting_ends_in_a_failure() {
    let bench = Bench::new(
        "send \"A\" expect line \"OK\"\ncompute i = 0\nrepeat while i >= 0 at most 4000000000 { compute i = i + 1 }",
    )
    .at(1, "OK\r\n");
    assert_eq!(bench.message(), "a million statements were executed without any waiting");
}

#[test]
fn a_flow_that_passed_every_check_by_can_not_pass() {
    let bench = Bench::new("if false { send \"A\" expect line \"OK\" }");
    assert_eq!(bench.verdict, Some(Verdict::Failed));
    assert_eq!(bench.message(), "the flow ended without having checked anything");
}

#[test]
fn a_port_that_goes_away_fails_the_run_and_still_cleans_up() {
    let bench = Bench::new("finally { log \"cleaned\" }\ntry { send \"A\" expect line \"OK\" }\nlog \"not reached\"");
    let bench = bench.give(5, Input::Closed(PortId::FIRST, CloseReason::unplugged()));
    assert_eq!(bench.verdict, Some(Verdict::PortFailed));
    assert_eq!(bench.message(), "`test` went away");
    assert_eq!(bench.logged(), ["cleaned"]);
}

#[test]
fn what_was_saved_is_durable_before_the_next_statement() {
    let program = program(check_text(
        "test.flow",
        "flow \"t\"\nsend \"A\" expect line /(?<key>\\w+)/\nsave key\nsend \"B\" expect line \"OK\"",
    ));
    let inputs = Inputs {
        variables: Default::default(),
        seed: 1,
        begun: BEGUN,
        file: String::new(),
        ports: vec![PortInputs::serial("", &program.settings)],
    };
    let mut engine = Engine::new(program, inputs);
    let next = |engine: &mut Engine| loop {
        match engine.poll() {
            Output::Event(_) | Output::Act(Action::Port(_, PortCommand::Open { .. })) => {}
            other => return other,
        }
    };
    let _ = next(&mut engine);
    engine.handle(Moment::START, Input::Opened(PortId::FIRST));
    let Output::Act(Action::Port(_, PortCommand::Write { token, .. })) = next(&mut engine) else {
        panic!("a write was due")
    };
    engine.handle(Moment::START, Input::Sent(token));
    engine.handle(Moment::START, Input::Received(PortId::FIRST, b"abcd\r\n"));
    let Output::Act(Action::Save { values }) = next(&mut engine) else { panic!("a save was due") };
    assert_eq!(values, [("key".to_string(), b"abcd".to_vec())]);
    assert!(matches!(next(&mut engine), Output::Wait { .. }), "nothing goes on before it is on disk");
    engine.handle(Moment::START, Input::Kept(Ok(())));
    assert!(matches!(next(&mut engine), Output::Act(Action::Port(_, PortCommand::Write { .. }))));
}

#[test]
fn a_result_that_can_not_be_saved_fails_the_flow() {
    let run = support::Run::texts(
        "flow \"t\"\nsend \"A\" expect line /(?<key>\\w{4})/\nsave key",
        "device \"d\"\non line \"A\" { reply \"abcd\" }",
    );
    let outcome = run.refuse_to_save().go();
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert_eq!(outcome.message(), "`key` could not be saved: the disk is full");
}

#[test]
fn a_person_is_asked_and_a_default_answers_when_nobody_is_there() {
    let flow = "ask \"Which slot?\" as slot default \"A\"\nlog slot\nsend \"A\" expect line \"OK\"";
    let answered = Bench::new(flow).give(9, Input::Answered(Some(b"B7".to_vec()))).at(10, "OK\r\n");
    assert_eq!((answered.verdict, answered.logged()), (Some(Verdict::Passed), vec!["B7".to_string()]));
    let nobody = Bench::new(flow).give(9, Input::Answered(None)).at(10, "OK\r\n");
    assert_eq!(nobody.logged(), ["A"]);
    let enter = Bench::new(flow).give(9, Input::Answered(Some(vec![]))).at(10, "OK\r\n");
    assert_eq!(enter.logged(), ["A"], "an empty line takes the default");
    let no_default =
        Bench::new("ask \"Press the button\"\nsend \"A\" expect line \"OK\"").give(9, Input::Answered(None));
    assert_eq!(no_default.message(), "nobody is there to answer");
}

#[test]
fn a_procedure_can_return_several_values() {
    let flow = "procedure pair() { return [1, \"two\"] }\ncall pair() -> a, b\nlog \"${a} ${b}\"\nsend \"A\" expect line \"OK\"";
    assert_eq!(Bench::new(flow).at(1, "OK\r\n").logged(), ["1 two"]);
    let bench = Bench::new("procedure one() { return [1] }\ncall one() -> a, b\nsend \"A\" expect line \"OK\"");
    assert_eq!(bench.message(), "the list has 1 items, there is no item 1");
}

#[test]
fn watchers_see_an_unfinished_line_once_it_is_quiet() {
    let flow = "on prompt \"more? \" { send raw \"y\" }\nfail on \"panic\"\nsend \"A\" expect line \"OK\"";
    let bench = Bench::new(flow).at(1, "text more? ").tick(51);
    assert_eq!(bench.written(), ["A\r", "y"]);
    let bench = bench.at(60, "\r\nkernel pan").at(70, "ic").tick(120);
    assert_eq!(bench.message(), "`kernel panic` came");
}

#[test]
fn await_takes_a_prompt() {
    let bench = Bench::new("await prompt \"login: \"").at(1, "boot\r\nlogin: ").tick(51);
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}

#[test]
fn settings_change_in_the_middle_of_a_flow_and_lines_keep_their_pace() {
    let flow = "send \"A\"\nsend \"B\"\nstep \"slow\" { serial { line_pace 40ms  eol lf } send \"C\" send \"D\" }\nexpect line \"OK\"";
    let bench = Bench::new(flow);
    assert_eq!(bench.written(), ["A\r", "B\r", "C\n"]);
    let bench = bench.tick(39);
    assert_eq!(bench.written().len(), 3);
    assert_eq!(bench.tick(40).written()[3], "D\n");
}

#[test]
fn for_takes_a_text_apart() {
    let bench = Bench::new("compute all = \"\"\nfor c in \"aé!\" { log \"<${c}>\" }\nsend \"A\" expect line \"OK\"")
        .at(1, "OK\r\n");
    assert_eq!(bench.logged(), ["<a>", "<é>", "<!>"]);
}

#[test]
fn a_flow_may_have_more_variables_than_sixteen_bits_count() {
    let lines: String = (0..66_000).map(|n| format!("compute v{n} = {n}\n")).collect();
    let bench = Bench::new(&format!("{lines}assert v65999 == 65999"));
    assert_eq!(bench.verdict, Some(Verdict::Passed));
}
