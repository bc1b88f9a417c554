//! Places held by way of a program that behaves like `labgrid-client` 26, and writes down what it was asked.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tempfile::TempDir;

use super::*;

/// `board-1` and `board-2` are free, `held` is held by the same user, `taken` by another, and `odd` has no
/// serial port.
const CLIENT: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$*" >>"$here/asked"
[ -z "$LG_ENV" ] || exit 9
case "$*" in
    "complete places") printf '%s\n' board-1 board-10 board-2 held odd taken ;;
    "-p held acquire") echo "labgrid-client: Error: You have already acquired place held." >&2; exit 1 ;;
    "-p taken acquire") echo "labgrid-client: Error: Place taken is already acquired by h2/other." >&2; exit 1 ;;
    "-p taken env") echo "labgrid-client: Error: place taken is not acquired by your user" >&2; exit 1 ;;
    *" acquire") echo "acquired place $2" ;;
    *" release") if [ -e "$here/stuck" ]; then echo "Server error: it is stuck" >&2; exit 1; fi ;;
    "-p odd env") printf 'targets:\n  odd:\n    resources: []\n\n' ;;
    *" env") printf 'targets:\n  %s:\n    resources:\n    - NetworkSerialPort:\n        host: lab\n        port: 7\n' "$2" ;;
esac
"#;

struct Bench {
    folder: TempDir,
    client: Client,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("client");
        fs::write(&program, CLIENT).expect("there is room");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
        let client = Client::at(&program, Duration::from_secs(20));
        Bench { folder, client }
    }

    fn hold(&self, typed: &[&str]) -> Result<Laboratory, LabError> {
        let named = |typed: &&str| PlaceName::read(typed).expect("it is a place").expect("it is right");
        let wanted: Vec<PlaceName> = typed.iter().map(named).collect();
        Laboratory::hold(self.client.clone(), &wanted, &|| false)
    }

    /// Returns what the client was asked since the last time, in alphabetical order: some of it is asked at once.
    fn asked(&self) -> Vec<String> {
        let file = self.folder.path().join("asked");
        let mut asked: Vec<String> =
            fs::read_to_string(&file).unwrap_or_default().lines().map(str::to_string).collect();
        let _ = fs::remove_file(file);
        asked.sort();
        asked
    }
}

fn shown(laboratory: &Laboratory) -> Vec<String> {
    laboratory.places().iter().map(|place| format!("{} {}", place.name(), place.port())).collect()
}

#[test]
fn places_are_acquired_and_released_and_each_has_its_port() {
    let bench = Bench::new();
    let laboratory = bench.hold(&["labgrid:board-*", "LABGRID:board-2"]).expect("they are free");
    let port = "rfc2217://lab:7";
    let expected = ["board-1", "board-2", "board-10"].map(|place| format!("labgrid:{place} {port}"));
    assert_eq!(shown(&laboratory), expected, "in natural order, each once");
    let each = |what: &str| ["1", "10", "2"].map(|n| format!("-p board-{n} {what}"));
    let mut begun: Vec<String> = each("acquire").into_iter().chain(each("env")).collect();
    begun.push("complete places".to_string());
    begun.sort();
    assert_eq!(bench.asked(), begun);
    drop(laboratory);
    assert_eq!(bench.asked(), each("release"));
}

#[test]
fn a_place_that_was_held_before_is_used_and_stays_held() {
    let bench = Bench::new();
    let laboratory = bench.hold(&["labgrid:held"]).expect("it is ours");
    assert_eq!(shown(&laboratory), ["labgrid:held rfc2217://lab:7"]);
    drop(laboratory);
    assert!(!bench.asked().iter().any(|asked| asked.ends_with("release")));
}

#[test]
fn who_holds_a_place_is_said_and_the_others_are_released() {
    let bench = Bench::new();
    let why = bench.hold(&["labgrid:board-1", "labgrid:taken"]).expect_err("one is taken");
    let said = vec!["Place taken is already acquired by h2/other.".to_string()];
    assert_eq!(why, LabError::Refused { place: "taken".to_string(), why: said });
    assert!(bench.asked().contains(&"-p board-1 release".to_string()));
    let why = bench.hold(&["labgrid:odd"]).expect_err("it has no port");
    assert_eq!(why, LabError::NoPort { place: "odd".to_string(), why: NoPort::NoneThere { kinds: Vec::new() } });
    assert!(bench.asked().contains(&"-p odd release".to_string()));
}

#[test]
fn a_place_that_does_not_exist_is_not_asked_for() {
    let bench = Bench::new();
    for typed in ["labgrid:board", "labgrid:rack-*"] {
        let LabError::Unknown { typed: shown, there } = bench.hold(&[typed]).expect_err("there is none") else {
            panic!("{typed}");
        };
        assert_eq!((shown.as_str(), there.len()), (typed, 6), "labgrid-client would take a part of a name");
        assert_eq!(bench.asked(), ["complete places"]);
    }
}

#[test]
fn a_client_that_does_not_end_is_ended() {
    let shell = Client::at("/bin/sh".as_ref(), Duration::from_millis(100));
    let answer = shell.ask(&["-c", "exec sleep 600"]).and_then(client::Asked::answer);
    assert_eq!(answer, Err(Trouble::Late));
}

#[test]
fn a_client_that_is_not_there_is_named_and_a_place_that_stays_held_too() {
    let bench = Bench::new();
    let nowhere = Client::at(&bench.folder.path().join("nowhere"), Duration::from_secs(1));
    let wanted = [PlaceName::read("labgrid:a").expect("it is a place").expect("it is right")];
    let why = Laboratory::hold(nowhere, &wanted, &|| false).map(|_| ());
    assert!(matches!(why, Err(LabError::NoClient { .. })), "{why:?}");
    let mut laboratory = bench.hold(&["labgrid:board-1"]).expect("it is free");
    fs::write(bench.folder.path().join("stuck"), "").expect("there is room");
    let kept = laboratory.release();
    assert_eq!(kept, [("board-1".to_string(), vec!["Server error: it is stuck".to_string()])]);
    bench.asked();
    drop(laboratory);
    assert_eq!(bench.asked(), Vec::<String>::new(), "once is enough");
}

#[test]
fn an_interrupt_releases_what_was_acquired() {
    let bench = Bench::new();
    let wanted = [PlaceName::read("labgrid:board-1").expect("it is a place").expect("it is right")];
    let calls = std::cell::Cell::new(0);
    let at_the_end = || calls.replace(calls.get() + 1) > 0;
    let why = Laboratory::hold(bench.client.clone(), &wanted, &at_the_end).map(|_| ());
    assert_eq!(why, Err(LabError::Interrupted));
    assert!(bench.asked().contains(&"-p board-1 release".to_string()));
}
