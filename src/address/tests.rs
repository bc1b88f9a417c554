//! Addresses: read, expanded, put in order, and named in files.

use super::*;

fn address(text: &str) -> Address {
    Address::read(text).expect("it is right")
}

/// Nothing that the system lists.
fn none() -> Vec<PortDescription> {
    Vec::new()
}

fn expanded(typed: &[&str]) -> Result<Vec<String>, AddressError> {
    let typed: Vec<String> = typed.iter().map(ToString::to_string).collect();
    Ok(expand(&typed, Known { listed: &none, places: &[] })?.iter().map(ToString::to_string).collect())
}

/// A folder with recordings, and what their addresses begin with.
fn recordings(names: &[&str]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder can be made for tests");
    for name in names {
        std::fs::write(folder.path().join(name), "").expect("it can be written");
    }
    let before = format!("replay:{}/", folder.path().display().to_string().replace('\\', "/"));
    (folder, before)
}

#[test]
fn a_port_is_simulated_or_recorded_only_if_it_says_so() {
    assert_eq!(address("sim"), Address::OwnDevice);
    assert_eq!(address("sim:a.flow"), Address::Device(PathBuf::from("a.flow")));
    assert_eq!(address("replay:a.rec"), Address::Recording(PathBuf::from("a.rec")));
    for text in ["/dev/ttyS0", "COM3", "simcom", "replay", ""] {
        assert_eq!(address(text), Address::Real(RealPort::Node(text.to_string())));
    }
}

#[test]
fn only_a_port_that_is_opened_is_real() {
    let real: Vec<bool> = ["sim", "sim:a.flow", "replay:a.recording", "/dev/ttyUSB0", "exec:cat"]
        .map(|text| address(text).is_real())
        .to_vec();
    assert_eq!(real, [false, false, false, true, true]);
}

#[test]
fn an_address_is_shown_as_it_was_typed() {
    for text in [
        "sim",
        "sim:devices/a.flow",
        "replay:logs/a.recording",
        "/dev/ttyUSB0",
        "COM3",
        "tcp://10.0.0.5:4001",
        "tcp://[fe80::1]:23",
        "unix:/tmp/dut.sock",
        "telnet://box.local:23",
        "rfc2217://box:2217",
        "exec:sh -c 'echo \"[*]\"'",
    ] {
        assert_eq!(address(text).to_string(), text);
    }
}

#[test]
fn names_are_in_the_order_in_which_people_count() {
    let mut names = ["run10.rec", "/dev/ttyUSB10", "run9.rec", "/dev/ttyUSB2", "COM12", "COM3", "/dev/ttyS0", "run"];
    names.sort_by(|a, b| natural_order(a, b));
    let sorted = ["/dev/ttyS0", "/dev/ttyUSB2", "/dev/ttyUSB10", "COM3", "COM12", "run", "run9.rec", "run10.rec"];
    assert_eq!(names, sorted);
    assert_eq!(natural_order("a01", "a1"), "a01".cmp("a1"), "equal numbers have an order too");
    let more_than_any_integer = "9".repeat(60);
    assert_eq!(natural_order(&format!("a{more_than_any_integer}"), "a10"), Ordering::Greater);
}

#[test]
fn a_pattern_of_recordings_is_replaced_by_those_that_fit_it_each_once() {
    let (_folder, before) = recordings(&["run10.recording", "run9.recording", "notes.txt"]);
    let at = |name: &str| format!("{before}{name}");
    let both = [at("run9.recording"), at("run10.recording")];
    assert_eq!(expanded(&[&at("*.recording")]), Ok(both.to_vec()));
    assert_eq!(expanded(&[&at("*.recording"), &at("run9.recording")]), Ok(both.to_vec()));
    assert_eq!(expanded(&[&at("run9.recording"), &at("run9.recording")]), Ok(vec![at("run9.recording")]));
}

#[cfg(unix)]
#[test]
fn where_one_port_is_meant_one_fits_a_pattern_and_several_do_not() {
    let (_folder, before) = recordings(&["tty10", "tty9", "modem"]);
    let known = Known { listed: &Vec::new, places: &[] };
    let before = before.trim_start_matches("replay:");
    let at = |name: &str| format!("{before}{name}");
    assert_eq!(read_one(&at("mod*"), known), Ok(address(&at("modem"))));
    let fitting = vec![at("tty9"), at("tty10")];
    assert_eq!(read_one(&at("tty*"), known), Err(AddressError::SeveralPorts { typed: at("tty*"), fitting }));
}

#[test]
fn a_recording_with_a_sign_of_patterns_in_its_name_is_itself() {
    let (_folder, before) = recordings(&["run[1].recording"]);
    let typed = format!("{before}run[1].recording");
    assert_eq!(expanded(&[&typed]), Ok(vec![typed]));
}

#[test]
fn a_pattern_that_nothing_fits_is_refused_and_says_what_was_looked_for() {
    let (_folder, before) = recordings(&[]);
    let typed = format!("{before}*.recording");
    assert_eq!(expanded(&[&typed]), Err(AddressError::NoRecording { typed }));
    let typed = "/nowhere/tty*".to_string();
    assert_eq!(expanded(&[&typed]), Err(AddressError::NoPort { typed: typed.clone() }));
    let known = Known { listed: &Vec::new, places: &[] };
    assert_eq!(read_one(&typed, known), Err(AddressError::NoPort { typed }));
    assert!(matches!(expanded(&["/dev/tty["]), Err(AddressError::NoPattern { .. })));
}

#[test]
fn what_has_another_clock_is_not_run_together() {
    assert!(expanded(&["sim"]).is_ok() && expanded(&["COM3", "COM4"]).is_ok());
    assert!(expanded(&["replay:a.rec", "replay:b.rec"]).is_ok());
    let simulated = Address::OwnDevice;
    assert_eq!(expanded(&["COM3", "sim"]), Err(AddressError::SimulatedAmongSeveral { simulated }));
    let simulated = Address::Device(PathBuf::from("d.flow"));
    assert_eq!(expanded(&["replay:a.rec", "sim:d.flow"]), Err(AddressError::SimulatedAmongSeveral { simulated }));
    let (recorded, real) = (address("replay:a.rec"), address("COM3"));
    assert_eq!(expanded(&["COM3", "replay:a.rec"]), Err(AddressError::Mixture { recorded, real }));
}

#[test]
fn each_port_has_files_of_its_own() {
    let typed = ["/dev/ttyUSB0", "/dev/pts/5", "/dev/a-b", "/dev/a_b", "/dev/a+b", "COM3"];
    let addresses = typed.map(address);
    assert_eq!(labels(&addresses), ["ttyUSB0", "pts_5", "a_b", "a_b_2", "a_b_3", "COM3"]);
    // Links and folders of a bench, COM ports beyond the ninth, and what has no letter or digit at all.
    let typed = [
        "/tmp/bench/modem3",
        "./modem4",
        "modem5",
        "/tmp/x/7",
        r"\\.\COM12",
        "/dev/serial/by-id/usb-Acme--1-if00",
        "+",
    ];
    let readable = ["modem3", "modem4", "modem5", "x_7", "COM12", "usb_Acme_1_if00", "port"];
    assert_eq!(labels(&typed.map(address)), readable);
    let recorded = ["replay:logs/a.recording", "replay:b.recording", "replay:old/a.recording", "replay:run.COM3.rec"];
    assert_eq!(labels(&recorded.map(address)), ["a", "b", "a_2", "run_COM3"]);
    assert_eq!(labelled(Path::new("out/run.txt"), "ttyUSB0"), PathBuf::from("out/run.ttyUSB0.txt"));
    assert_eq!(labelled(Path::new("a.saved.toml"), "COM3"), PathBuf::from("a.saved.COM3.toml"));
    assert_eq!(labelled(Path::new("run"), "pts_5"), PathBuf::from("run.pts_5"));
}

#[test]
fn an_address_of_another_tool_is_said_to_be_unsupported() {
    for (typed, scheme) in
        [("socket://10.0.0.5:4001", "socket"), ("tpc://a:1", "tpc"), ("SSH:me@box", "ssh"), ("x://y", "x")]
    {
        let error = AddressError::Unsupported { typed: typed.to_string(), scheme: scheme.to_string() };
        assert_eq!(expanded(&[typed]), Err(error.clone()));
        assert_eq!(Address::read(typed), Err(error));
    }
    for typed in ["/dev/ttyUSB0", "COM3", "COM3:", "/dev/serial/by-path/pci-0000:00:14.0"] {
        assert_eq!(address(typed), Address::Real(RealPort::Node(typed.to_string())));
    }
}

#[test]
fn the_place_of_a_usb_adapter_is_taken_by_its_node() {
    let adapter = |n: u8| PortDescription {
        name: format!("/dev/ttyUSB{n}"),
        what: String::new(),
        driver: None,
        usb: Some(UsbIdentity {
            vendor: 0x0403,
            product: 0x6001,
            serial: Some(format!("A{n}")),
            interface: Some(0),
            place: Some(format!("1-1.{n}")),
        }),
    };
    let listed = || vec![adapter(10), adapter(9)];
    let known = Known { listed: &listed, places: &[] };
    let node = |n: u8| Address::Real(RealPort::Node(format!("/dev/ttyUSB{n}")));
    let usb = |wanted: &str, n: u8| Address::Real(RealPort::of_usb(wanted, format!("/dev/ttyUSB{n}")));
    assert_ne!(usb("at=1-1.9", 9), node(9), "what was asked for is kept");
    let expanded = |typed: &[&str]| expand(&typed.iter().map(ToString::to_string).collect::<Vec<_>>(), known);
    assert_eq!(
        expanded(&["usb:serial=A9", "USB:at=1-1.9", "/dev/ttyUSB9"]),
        Ok(vec![usb("serial=A9", 9)]),
        "each is there once"
    );
    assert_eq!(expanded(&["usb:0403:6001:*"]), Ok(vec![node(9), node(10)]));
    assert_eq!(read_one("usb:at=1-1.10", known), Ok(usb("at=1-1.10", 10)));
    assert_eq!(read_one("/dev/ttyS0", known), Ok(address("/dev/ttyS0")));
    for several in ["usb:0403:6001", "usb:0403:6001:*"] {
        let refused = read_one(several, known);
        assert!(matches!(refused, Err(AddressError::Usb { error: UsbError::Several { .. }, .. })), "{refused:?}");
    }
}
#[test]
fn the_letter_case_of_a_scheme_does_not_matter() {
    for (typed, same) in [
        ("TCP://Box:4001", "tcp://Box:4001"),
        ("Telnet://a:23", "telnet://a:23"),
        ("RFC2217://a:1", "rfc2217://a:1"),
        ("Unix:/tmp/A", "unix:/tmp/A"),
        ("EXEC:Cat", "exec:Cat"),
        ("Sim:A.flow", "sim:A.flow"),
        ("REPLAY:A.rec", "replay:A.rec"),
    ] {
        assert_eq!(address(typed), address(same));
        assert_eq!(address(typed).to_string(), same);
    }
}

#[test]
fn a_network_address_has_a_host_and_a_port() {
    for (typed, host, port) in
        [("tcp://10.0.0.5:4001", "10.0.0.5", 4001), ("tcp://box:1/", "box", 1), ("tcp://[::1]:65535", "::1", 65535)]
    {
        let Address::Real(RealPort::Tcp(endpoint)) = address(typed) else { panic!("{typed}") };
        assert_eq!((endpoint.host(), endpoint.port()), (host, port));
    }
}

#[test]
fn a_wrong_address_says_what_is_wrong_and_what_would_be_right() {
    let wrong_port = |port: &str| Fault::WrongPort(port.to_string());
    for (typed, fault, instead) in [
        ("tcp://box", Fault::NoPort, Some("tcp://box:PORT")),
        ("tcp://box:", Fault::NoPort, Some("tcp://box:PORT")),
        ("tcp://[::1]", Fault::NoPort, Some("tcp://[::1]:PORT")),
        ("tcp://box:70000", wrong_port("70000"), Some("tcp://box:PORT")),
        ("tcp://box:0", wrong_port("0"), Some("tcp://box:PORT")),
        ("tcp://box:http", wrong_port("http"), Some("tcp://box:PORT")),
        ("tcp://:4001", Fault::NoHost, Some("tcp://HOST:PORT")),
        ("tcp://", Fault::NoHost, Some("tcp://HOST:PORT")),
        ("tcp://fe80::1:4001", Fault::NoBrackets, Some("tcp://[fe80::1]:4001")),
        ("tcp://[fe80::1:4001", Fault::NoBrackets, Some("tcp://HOST:PORT")),
        ("Rfc2217:box:4001", Fault::NoSlashes, Some("rfc2217://box:4001")),
        ("rfc2217:box", Fault::NoSlashes, Some("rfc2217://HOST:PORT")),
        ("telnet://me@box:23", Fault::MoreThanHostAndPort, Some("telnet://box:23")),
        ("rfc2217://box:23?ign_set_control", Fault::MoreThanHostAndPort, Some("rfc2217://box:23")),
        ("unix:", Fault::NoPath, Some("unix:PATH")),
        ("exec:", Fault::NoCommand, None),
        ("exec:  ", Fault::NoCommand, None),
        ("exec:sh -c 'a", Fault::OpenQuote, None),
    ] {
        let instead = instead.map(str::to_string);
        assert_eq!(Address::read(typed), Err(AddressError::Malformed { typed: typed.to_string(), fault, instead }));
    }
}

#[test]
fn a_sign_of_patterns_in_an_address_that_is_no_name_is_itself() {
    for typed in ["tcp://[::1]:4001", "exec:sh -c 'ls *'", "unix:/tmp/a?"] {
        assert_eq!(expanded(&[typed]), Ok(vec![typed.to_string()]));
    }
}

#[cfg(unix)]
#[test]
fn the_words_of_a_command_are_parted_as_a_shell_parts_them() {
    let Address::Real(RealPort::Exec(command)) = address(r#"exec:ssh -p 22 "root@a b" 'it''s' a\ b"#) else {
        panic!("it is a command");
    };
    assert_eq!(command.program(), "ssh");
    assert_eq!(command.arguments(), ["-p", "22", "root@a b", "its", "a b"]);
}

#[test]
fn labels_of_ports_that_are_no_names_can_be_read() {
    let typed = [
        "tcp://10.0.0.5:4001",
        "rfc2217://10.0.0.5:4001",
        "telnet://[fe80::1]:23",
        "unix:/tmp/dut.sock",
        "exec:ssh -p 22 root@board 'microcom -s 115200 /dev/ttyS1'",
    ];
    let labels = labels(&typed.map(address));
    assert_eq!(
        labels,
        ["10_0_0_5_4001", "10_0_0_5_4001_2", "fe80_1_23", "dut", "ssh_p_22_root_board_microcom_s_115200_de"]
    );
}

#[test]
fn names_are_compared_as_the_system_compares_them() {
    let port = |name: &str| PortDescription { name: name.to_string(), what: String::new(), driver: None, usb: None };
    let listed = || ["COM12", "COM1", "COM5", "LPT1"].map(port).to_vec();
    let like = |text: &str| {
        let pattern = glob::Pattern::new(text).expect("it is a pattern");
        names_like(&pattern, System::Windows, &listed)
    };
    assert_eq!(like("com*"), ["COM1", "COM5", "COM12"]);
    assert_eq!(like("com[51]*"), ["COM1", "COM5", "COM12"]);
    assert_eq!(like("COM?"), ["COM1", "COM5"]);
    assert!(System::Windows.is_same("com5", "COM5") && !System::Windows.is_same("COM5", "COM15"));
    assert!(System::Windows.is_same(r"replay:logs\a.recording", "replay:Logs/A.recording"));
    assert!(!System::Other.is_same("/dev/ttyS0", "/dev/ttys0") && System::Other.is_same("a", "a"));
}

fn place(typed: &str, port: &str) -> Place {
    let name = PlaceName::read(typed).expect("it is a place").expect("it is right");
    Place::new(name, RealPort::parse(port).expect("it is right"))
}

#[test]
fn a_place_is_the_port_that_was_found_for_it_and_keeps_its_name() {
    let acquired = [
        place("labgrid:board-10", "tcp://lab:10"),
        place("labgrid:board-2", "tcp://lab:2"),
        place("labgrid:rack/console", "rfc2217://lab:3"),
    ];
    let known = Known { listed: &none, places: &acquired };
    let expanded = |typed: &[&str]| expand(&typed.iter().map(ToString::to_string).collect::<Vec<_>>(), known);
    let addresses = expanded(&["LABGRID:board-*", "labgrid:rack/console", "labgrid:board-2"]).expect("they are there");
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["labgrid:board-2", "labgrid:board-10", "labgrid:rack/console"]);
    assert_eq!(labels(&addresses), ["board_2", "board_10", "rack_console"]);
    assert!(addresses.iter().all(Address::is_real));
    assert_eq!(read_one("labgrid:board-2", known).as_ref(), Ok(&addresses[0]));
    let several = read_one("labgrid:board-*", known);
    assert!(matches!(several, Err(AddressError::SeveralPlaces { .. })), "{several:?}");
    let other = expanded(&["labgrid:rack"]);
    assert!(matches!(other, Err(AddressError::NoPort { .. })), "{other:?}");
}

#[test]
fn a_place_without_a_name_is_answered_with_how_it_is_written() {
    for (typed, right) in [("labgrid:", "labgrid:PLACE"), ("labgrid:/a", "labgrid:PLACE"), ("labgrid:a/", "labgrid:a")]
    {
        match PlaceName::read(typed) {
            Some(Err(AddressError::Malformed { fault: Fault::NoPlace, instead, .. })) => {
                assert_eq!(instead.as_deref(), Some(right));
            }
            other => panic!("{typed}: {other:?}"),
        }
    }
    assert_eq!(PlaceName::read("/dev/ttyUSB0"), None);
}
