//! The modem's flow against its simulated device, with the transcript as a snapshot.

#[test]
fn the_modem_answers() {
    let outcome = flowrun::testing::run("flows/signal.flow");
    assert!(outcome.has_passed(), "{outcome}");
    insta::assert_snapshot!(outcome.transcript());
}

#[test]
fn a_weak_signal_is_told() {
    let run = flowrun::testing::Run::new("flows/signal.flow").sim_var("signal", "3");
    let outcome = run.go().expect("the flow has no mistakes");
    assert!(outcome.failure().contains("too weak"), "{outcome}");
}
