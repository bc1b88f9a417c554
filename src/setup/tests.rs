//! Setups: what plays the other end, what a run begins with, and what is refused.

use std::fs;

use super::*;
use crate::address::Address;
use crate::event::Verdict;
use crate::program::Role;
use crate::world::{self, Company, Memory, Nobody};

const FLOW: &str = "flow \"f\"\nparam n = 5\nsend \"N=${n}\"  expect line \"OK\"\n";
const DEVICE: &str = "device \"d\"\nparam answer = \"OK\"\non line /N=.*/ { reply \"${answer}\" }\n";
const RECORDING: &str = "flowrun recording 1\ntitle \"f\"\nseed 42\nbegun 1000\nvariable n \"7\"\n0.000000000 > +0.001000000 \"N=7\\r\"\n\
     0.010000000 < \"OK\\r\\n\"\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Folder {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("it can be written");
        }
        Folder(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Joins `f.flow` with what is at an address in the folder.
    fn setup(&self, address: &Address, terms: Terms) -> Result<Setup, SetupError> {
        let file = self.path("f.flow");
        let flow = read_program(Role::Flow, &file)?.program;
        let found = find_counterpart(std::slice::from_ref(address), &file, &flow)?;
        Setup::join(flow, &file, found.counterpart, terms)
    }
}

fn offered(name: &str, value: &str) -> Offered {
    Offered { given: vec![Given::new(name, value, Origin::Option)], ..Offered::default() }
}

fn verdict(setup: &Setup) -> Verdict {
    let beginning = setup.beginning().expect("nothing of it is random");
    let Stage { mut engine, mut world, .. } =
        setup.stage(setup.inputs(beginning, &[]), &Ender::Nobody).expect("it needs nothing of the system");
    let (mut memory, mut fan) = (Memory::default(), crate::report::Fan::default());
    let company = Company { keeper: &mut memory, audience: &mut fan, person: &mut Nobody, tap: None, hooks: None };
    world::run(&mut engine, world.as_mut(), company)
}

#[test]
fn a_flow_without_a_device_is_played_by_the_recording_beside_it_with_its_own_beginning() {
    let folder = Folder::with(&[("f.flow", FLOW), ("f.recording", RECORDING)]);
    let file = folder.path("f.flow");
    let flow = read_program(Role::Flow, &file).expect("it is right").program;
    let found = find_counterpart(&[Address::OwnDevice], &file, &flow).expect("it is there");
    assert_eq!(found.addresses, [Address::Recording(folder.path("f.recording"))]);
    let setup = folder.setup(&Address::OwnDevice, Terms::default()).expect("it is right");
    assert_eq!(setup.counterpart().pace(), Pace::Virtual);
    assert_eq!(setup.beginning().ok(), Some(Beginning { seed: 42, unix_millis: 1000 }));
    assert_eq!(verdict(&setup), Verdict::Passed, "with the variable that was recorded");
    let terms = Terms { variables: offered("n", "8"), ..Terms::default() };
    let setup = folder.setup(&Address::OwnDevice, terms).expect("it is right");
    assert_eq!(verdict(&setup), Verdict::PortFailed, "what is given counts before what was recorded");
}

#[test]
fn the_device_that_a_flow_names_counts_before_the_recording_beside_it() {
    let flow = FLOW.replace("param", "sim \"d.flow\"\nparam");
    let folder = Folder::with(&[("f.flow", &flow), ("d.flow", DEVICE), ("f.recording", RECORDING)]);
    let setup = folder.setup(&Address::OwnDevice, Terms::default()).expect("it is right");
    assert!(matches!(setup.counterpart(), Counterpart::Device(_)));
    let beginning = Beginning { seed: VIRTUAL_SEED, unix_millis: VIRTUAL_BEGINNING };
    assert_eq!(setup.beginning().ok(), Some(beginning));
    assert_eq!(verdict(&setup), Verdict::Passed);
    let terms = Terms { device_variables: offered("answer", "NO"), ..Terms::default() };
    assert_eq!(verdict(&folder.setup(&Address::OwnDevice, terms).expect("it is right")), Verdict::Failed);
}

#[test]
fn nothing_that_plays_the_other_end_is_an_error_of_its_own() {
    let folder = Folder::with(&[("f.flow", FLOW), ("d.flow", DEVICE), ("bad.recording", "hello")]);
    let refused = |address: Address| folder.setup(&address, Terms::default()).err();
    assert!(matches!(refused(Address::OwnDevice), Some(SetupError::NoCounterpart)));
    let unplayable = refused(Address::Recording(folder.path("bad.recording")));
    assert!(matches!(unplayable, Some(SetupError::Unplayable { .. })), "{unplayable:?}");
    let missing = refused(Address::Recording(folder.path("none.recording")));
    assert!(matches!(missing, Some(SetupError::Unplayable { .. })), "{missing:?}");
    let is_flow = refused(Address::Device(folder.path("f.flow")));
    let wanted = matches!(is_flow, Some(SetupError::WrongRole { wanted: Role::Device, found: Some(Role::Flow), .. }));
    assert!(wanted, "{is_flow:?}");
}

#[test]
fn all_that_is_wrong_on_both_sides_is_told_at_once() {
    let folder = Folder::with(&[("f.flow", FLOW), ("d.flow", DEVICE)]);
    let terms = Terms {
        variables: offered("m", "1"),
        device_variables: offered("answers", "1"),
        problems: vec![Diagnostic::general(crate::diagnostic::Code::CommandLine, "of the caller")],
        ..Terms::default()
    };
    let Err(SetupError::Wrong(complaints)) = folder.setup(&Address::Device(folder.path("d.flow")), terms) else {
        panic!("it is wrong")
    };
    let messages: Vec<Vec<&str>> = complaints
        .iter()
        .map(|complaint| complaint.problems.iter().map(|problem| problem.message.as_str()).collect())
        .collect();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert!(messages[0][0].contains("no variable `m`") && messages[0][1] == "of the caller", "{messages:?}");
    assert!(messages[1][0].contains("no variable `answers`"), "{messages:?}");
}

#[test]
fn a_flow_and_a_device_of_different_speeds_are_told_of_both() {
    let flow = "flow \"f\"\nserial { baud 9600 }\nsend \"AT\"  expect line \"OK\" within 1s\n";
    let device = "device \"d\"\nserial { format 7E1 }\non line \"AT\" { reply \"OK\" }\n";
    let folder = Folder::with(&[("f.flow", flow), ("d.flow", device)]);
    let setup = folder.setup(&Address::Device(folder.path("d.flow")), Terms::default()).expect("it can be joined");
    let beginning = setup.beginning().expect("nothing of it is random");
    let Stage { mut engine, mut world, .. } =
        setup.stage(setup.inputs(beginning, &[]), &Ender::Nobody).expect("it needs nothing of the system");
    let (mut memory, mut fan) = (Memory::default(), crate::report::Fan::default());
    let company = Company { keeper: &mut memory, audience: &mut fan, person: &mut Nobody, tap: None, hooks: None };
    world::run(&mut engine, world.as_mut(), company);
    let cause = engine.failure().and_then(|failure| failure.cause.clone()).unwrap_or_default();
    assert!(cause.ends_with("the device is set to 115200 7E1 and the flow to 9600 8N1"), "{cause}");
}
