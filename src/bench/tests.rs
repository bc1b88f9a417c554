//! Files of a bench: what they say, what is wrong with them, and who may have programs run.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value as Json;

use super::*;
use crate::diagnostic::render::{Look, Style, render};

const LOOK: Look = Look { width: 80, style: Style::Plain };

fn bench(text: &str) -> Bench {
    let file = Path::new("bench/flowrun.toml");
    match Bench::of(file, text.as_bytes().to_vec()) {
        Ok(bench) => bench,
        Err(wrong) => panic!("{}", wrong.map(shown).unwrap_or_default()),
    }
}

fn shown(wrong: Wrong) -> String {
    render(&wrong.problems, &wrong.sources, LOOK)
}

fn refused(text: &str) -> String {
    let wrong = Bench::of(Path::new("flowrun.toml"), text.as_bytes().to_vec()).expect_err("it is wrong");
    wrong.map(shown).unwrap_or_default()
}

const RIGHT: &str = r#"
[ports.modem]
address = "usb:serial=A50285BI"
baud = 9600
format = "7E1"
eol = "crlf"
header = "\r\n>"
settle = "80ms"

[ports."dev.1"]
address = "sim:devices/modem.flow"

[profile.bench]
ports = ["modem"]
vars = { apn = "internet", tries = 3, tls = true }

[test]
jobs = 2
strict = true
volatile = ['\d{15}=IMEI']

[hooks]
power_on = "relay --on 3"
power = ["uhubctl", "-a", "{0}", "with blanks"]
"#;

#[test]
fn a_file_gives_names_settings_profiles_and_options() {
    let read = bench(RIGHT);
    let modem = read.port("modem").expect("it is there");
    assert_eq!(modem.address, "usb:serial=A50285BI");
    let settings = modem.settings_over(&Settings::default());
    assert_eq!(
        (settings.line.to_string(), settings.eol, settings.header),
        ("9600 7E1".to_string(), b"\r\n".to_vec(), b"\r\n>".to_vec())
    );
    let beside = format!("sim:{}", Path::new("bench").join("devices/modem.flow").display());
    assert_eq!(read.port("dev.1").map(|port| port.address.as_str()), Some(beside.as_str()));
    let profile = read.profile("bench").expect("it is there");
    let vars = [("apn", "internet"), ("tls", "true"), ("tries", "3")]
        .map(|(name, value)| (name.to_string(), value.to_string()));
    assert_eq!(
        (profile.ports.as_slice(), profile.vars.as_slice()),
        (["modem".to_string()].as_slice(), vars.as_slice())
    );
    assert_eq!(read.test, TestOptions { jobs: Some(2), strict: true, volatile: vec![r"\d{15}=IMEI".to_string()] });
    let shown = r#"["uhubctl", "-a", "{0}", "with blanks"]"#;
    let programs = read.programs().into_iter().collect::<std::collections::BTreeMap<_, _>>();
    assert_eq!(
        programs,
        [("[hooks] power".to_string(), shown), ("[hooks] power_on".to_string(), "relay --on 3")].into()
    );
    let words = |name: &str| read.hooks.iter().find(|hook| hook.name == name).map(|hook| hook.words.clone());
    assert_eq!(words("power_on"), Some(["relay", "--on", "3"].map(str::to_string).to_vec()));
    assert_eq!(words("power"), Some(["uhubctl", "-a", "{0}", "with blanks"].map(str::to_string).to_vec()));
    assert!(bench("").ports.is_empty(), "an empty file is right");
}

#[test]
fn the_file_that_the_document_shows_is_right() {
    let text = include_str!("../../docs/ports.md").split("```toml\n").nth(1).expect("it shows a file");
    let shown = bench(text.split("```").next().expect("the block ends"));
    assert_eq!((shown.ports.len(), shown.profiles.len(), shown.test.strict), (2, 1, true));
    let keys = shown.profile("bench").map(|profile| profile.ports.clone()).unwrap_or_default();
    assert!(keys.iter().all(|name| shown.port(name).is_some()), "its profile names ports that it has");
}

#[test]
fn a_wrong_key_is_shown_with_the_nearest_right_one() {
    let text = refused("[ports.modem]\nadress = \"COM3\"\naddress = \"COM4\"\n[prots.x]\n[test]\nzzzzzzzz = 1\n");
    for part in ["[ports.modem] has no key `adress`", "2 │ adress", "did you mean `address`?", "did you mean `ports`?"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("there are: `jobs`, `strict`, `volatile`"), "{text}");
    let places: Vec<_> = ["`adress`", "`prots`", "`zzzzzzzz`"].iter().map(|key| text.find(key)).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "in the order of the file: {text}");
}

#[test]
fn a_wrong_value_says_what_is_right() {
    for (text, part) in [
        ("[ports.m]\naddress = 5", "it is a string that is not empty"),
        ("[ports.m]\naddress = \"\"", "it is a string that is not empty"),
        ("[ports.m]\nbaud = 9600", "`[ports.m]` has no address"),
        ("[ports.m]\naddress = \"x\"\nbaud = \"fast\"", "`baud` is a number from 1 to 4000000"),
        ("[ports.m]\naddress = \"x\"\nbaud = -5", "`baud` is a number from 1 to 4000000"),
        ("[ports.m]\naddress = \"x\"\ndtr = true", "`dtr` is `on`, `off` or `keep`"),
        ("[ports.m]\naddress = \"x\"\neol = 5", "`eol` is a string"),
        ("[ports.sim]\naddress = \"x\"", "`sim` cannot be the name of a port"),
        ("[ports.\"a/b\"]\naddress = \"x\"", "`a/b` cannot be the name of a port"),
        ("[ports.m]\naddress = \"sim:../d.flow\"", "can use only files beside or below itself"),
        ("[ports.m]\naddress = \"replay:/etc/passwd\"", "can use only files beside or below itself"),
        ("ports = 5", "`ports` must be a table"),
        ("[profile.p]\nports = \"modem\"", "write `ports = "),
        ("[profile.p]\nvars = { a = 2026-11-30 }", "a variable is a string, a number"),
        ("[test]\njobs = 0", "`jobs` is a number from 1 on"),
        ("[test]\nstrict = \"yes\"", "`strict` is `true` or `false`"),
        ("[hooks]\npower = []", "it is a program and its arguments"),
        ("[hooks]\npower = \"\"", "it is a program and its arguments"),
        ("[hooks]\npower = [\"\", \"a\"]", "it is a program and its arguments"),
        ("[hooks]\npower = [\"a\", 1]", "it is a program and its arguments"),
        ("[hooks]\npower = \"relay 'on\"", "with quotes closed"),
        ("[hooks]\npower = \"{0} on\"", "a flow cannot say which program runs"),
        ("[hooks]\npower = [\"/bin/{0}\"]", "a flow cannot say which program runs"),
        ("[hooks]\n\"a b\" = \"x\"", "`a b` cannot be the name of a hook"),
        ("a = 1\n= 2\n", "line 2 of `flowrun.toml` is not TOML"),
        ("[ports.m]\naddress = \"a\"\naddress = \"b\"", "line 3 of `flowrun.toml` is not TOML"),
    ] {
        let message = refused(text);
        assert!(message.contains(part), "{text}\n{message}");
    }
    assert!(Bench::of(Path::new("x"), b"\xff".to_vec()).is_err_and(|wrong| wrong.is_none()));
}

#[test]
fn no_message_shows_the_value_of_a_variable() {
    let vars = "[profile.p]\nvars = { key = \"hunter22\", bad = 2026-11-30 }\n";
    for text in [
        vars.to_string(),
        format!("{vars}wrong = 1\n"),
        vars.replace("22\"", "22"),
        vars.replace("2026-11-30", "\"x"),
        vars.replace("vars", "var"),
        vars.replace("profile", "profil"),
        "[profile.p.vars]\nkey = \"hunter22\"\n[profile.p.wrong]\nkey = [\"hunter22\"]\n".to_string(),
        "[profile.p]\nvars = \"hunter22\"\n".to_string(),
        "password = \"hunter22\"\n".to_string(),
        "[ports.m]\naddress = \"x\"\npassword = \"hunter22\"\n".to_string(),
    ] {
        let message = refused(&text);
        assert!(!message.contains("hunter22"), "{message}");
    }
}

/// `FLOWRUN_CHAOS=1000000` makes so many files.
#[test]
fn no_mutated_file_makes_a_panic() {
    let count = std::env::var("FLOWRUN_CHAOS").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let pieces = b"\"'=[]{}.,\\\n\r#-_0x9e:\xff\x00";
    let mut random = crate::value::random::Rng::from_seed(1);
    for _ in 0..count {
        let mut bytes = RIGHT.as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64) as usize;
            let piece = pieces[random.below(pieces.len() as u64) as usize];
            match random.below(3) {
                0 => bytes[at] = piece,
                1 => bytes.insert(at, piece),
                _ => drop(bytes.remove(at)),
            }
        }
        if let Err(Some(wrong)) = Bench::of(Path::new("flowrun.toml"), bytes) {
            assert!(!shown(wrong).is_empty());
        }
    }
}

/// A bench file in a folder of its own, and the user's list of what is allowed.
struct Attack {
    folder: tempfile::TempDir,
    ledger: Ledger,
}

impl Attack {
    fn new() -> Attack {
        let folder = tempfile::tempdir().expect("a folder can be made for tests");
        let ledger = Ledger::below(&folder.path().join("data"));
        let attack = Attack { folder, ledger };
        attack.write("[hooks]\npower_on = \"relay on\"\n");
        attack
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    fn write(&self, text: &str) {
        fs::write(self.file(), text).expect("there is room");
        keep_to_ourselves(&self.file());
    }

    fn read(&self) -> Bench {
        Bench::read(&self.file()).expect("it is right")
    }

    fn standing(&self) -> Standing {
        self.read().standing(&self.ledger)
    }

    fn allow(&self) {
        self.ledger.allow(&self.read()).expect("it can be allowed");
    }
}

/// Takes the right to write from the group, which some systems give to every new file.
fn keep_to_ourselves(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("it is ours");
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[test]
fn a_planted_file_is_not_allowed_and_a_changed_one_is_not_any_more() {
    let attack = Attack::new();
    assert_eq!(attack.standing(), Standing::New);
    attack.allow();
    assert_eq!(attack.standing(), Standing::Allowed);
    attack.write("[hooks]\npower_on = \"rm -rf /\"\n");
    assert_eq!(attack.standing(), Standing::Changed);
    attack.write("[hooks]\npower_on = \"relay on\"\n");
    assert_eq!(attack.standing(), Standing::Allowed, "it is what it was");
    let elsewhere = attack.folder.path().join("repo");
    fs::create_dir(&elsewhere).expect("there is room");
    fs::copy(attack.file(), elsewhere.join(FILE)).expect("there is room");
    keep_to_ourselves(&elsewhere.join(FILE));
    let copy = Bench::read(&elsewhere.join(FILE)).expect("it is right");
    assert_eq!(copy.standing(&attack.ledger), Standing::New, "the same text in another place is another file");
}

#[test]
fn what_is_allowed_is_what_was_read() {
    let attack = Attack::new();
    let shown = attack.read();
    attack.write("[hooks]\npower_on = \"rm -rf /\"\n");
    assert!(attack.ledger.allow(&shown).is_err(), "it was changed between the look and the word");
    attack.write("[hooks]\npower_on = \"relay on\"\n");
    attack.allow();
    let read = attack.read();
    attack.write("[hooks]\npower_on = \"rm -rf /\"\n");
    assert!(matches!(read.standing(&attack.ledger), Standing::Unsafe(_)), "or after it was read");
}

#[cfg(unix)]
#[test]
fn what_others_can_change_is_not_allowed_whatever_was_allowed_before() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let attack = Attack::new();
    attack.allow();
    let mode = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(&attack.file(), 0o666);
    assert!(matches!(attack.standing(), Standing::Unsafe(why) if why.contains("others may write it")));
    assert!(attack.ledger.allow(&attack.read()).is_err());
    mode(&attack.file(), 0o644);
    assert_eq!(attack.standing(), Standing::Allowed);
    let real = attack.folder.path().join("real.toml");
    fs::rename(attack.file(), &real).expect("it is ours");
    symlink(&real, attack.file()).expect("a link can be made");
    assert!(matches!(attack.standing(), Standing::Unsafe(why) if why.contains("link")));
    assert!(attack.ledger.allow(&attack.read()).is_err());
}

#[cfg(unix)]
#[test]
fn the_list_is_its_users_alone_and_counts_only_then() {
    use std::os::unix::fs::PermissionsExt;
    let attack = Attack::new();
    attack.allow();
    attack.allow();
    let list = attack.folder.path().join("data/flowrun/allowed");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&list), mode(list.parent().expect("it has one"))), (0o600, 0o700));
    let text = fs::read_to_string(&list).expect("it is UTF-8");
    assert_eq!(text.lines().count(), 1, "a file is in it once: {text}");
    fs::set_permissions(&list, fs::Permissions::from_mode(0o666)).expect("it is ours");
    assert_eq!(attack.standing(), Standing::New, "anybody may have written it");
    assert!(attack.ledger.allow(&attack.read()).is_err());
}

#[test]
fn the_schema_has_the_keys_that_a_file_may_have() {
    let schema: Json = serde_json::from_str(include_str!("../../editors/flowrun.schema.json")).expect("it is JSON");
    let keys = |at: &str| -> BTreeSet<String> {
        let table = schema.pointer(at).unwrap_or_else(|| panic!("there is no {at}"));
        assert_eq!(table["additionalProperties"], Json::Bool(false), "{at}");
        table["properties"].as_object().expect("it has keys").keys().cloned().collect()
    };
    let set = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(keys(""), set(read::TABLES));
    assert_eq!(keys("/properties/ports/additionalProperties"), set(&read::of_port().collect::<Vec<_>>()));
    assert_eq!(keys("/properties/profile/additionalProperties"), set(read::OF_PROFILE));
    assert_eq!(keys("/properties/test"), set(read::OF_TEST));
}
