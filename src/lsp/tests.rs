//! A workspace in memory, asked as an editor asks.

use std::io;
use std::path::{Path, PathBuf};

use super::{Disk, Position, Range, Workspace};
use crate::load::Bytes;

/// Files by their paths; those below `/out` are outside of every folder, wherever links make them seem to be.
struct Files(Vec<(&'static str, &'static str)>);

impl Disk for Files {
    fn read(&self, path: &Path, below: Option<&Path>) -> Bytes {
        if below.is_some_and(|folder| self.leads_out(path, folder)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let found = self.0.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| text.as_bytes().to_vec()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn leads_out(&self, path: &Path, _folder: &Path) -> bool {
        path.ends_with("linked.flow")
    }

    fn flows(&self, folder: &Path) -> Vec<PathBuf> {
        self.0.iter().map(|(name, _)| PathBuf::from(name)).filter(|path| path.starts_with(folder)).collect()
    }

    fn stamp(&self, path: &Path) -> Option<u128> {
        self.0.iter().any(|(name, _)| Path::new(name) == path).then_some(1)
    }
}

fn workspace(files: &[(&'static str, &'static str)]) -> Workspace {
    Workspace::new(vec![PathBuf::from("/d")], Box::new(Files(files.to_vec())))
}

fn behind(text: &str, at: &str) -> Position {
    super::Text::new(text).position(text.find(at).expect("it is in the text") + at.len())
}

#[test]
fn what_is_open_does_not_open_a_way_out_of_the_folder() {
    let flow = "flow \"t\"\nuse \"linked.flow\"\nsend \"A\"\nexpect line \"B\"\n";
    let mut workspace = workspace(&[("/d/a.flow", flow)]);
    workspace.open(Path::new("/d/linked.flow"), 1, "library \"l\"\n");
    let findings = workspace.findings(Path::new("/d/a.flow"));
    let own = &findings[Path::new("/d/a.flow")];
    assert!(own.iter().any(|finding| finding.message.contains("cannot be read")), "{own:?}");
}

#[test]
fn a_change_touches_the_users_of_users_and_the_flows_of_a_device() {
    let workspace = workspace(&[
        ("/d/a.flow", "flow \"a\"\nuse \"l.flow\"\n"),
        ("/d/b.flow", "flow \"b\"\nsim \"d.flow\"\n"),
        ("/d/l.flow", "library \"l\"\nuse \"m.flow\"\n"),
        ("/d/m.flow", "library \"m\"\nuse \"l.flow\"\n"),
        ("/d/d.flow", "device \"d\"\n"),
    ]);
    let touched = |name: &str| workspace.touched(&[PathBuf::from(name)]);
    assert_eq!(touched("/d/m.flow"), [Path::new("/d/m.flow"), Path::new("/d/a.flow"), Path::new("/d/l.flow")]);
    assert_eq!(touched("/d/d.flow"), [Path::new("/d/d.flow"), Path::new("/d/b.flow")]);
    assert_eq!(touched("/d/a.flow"), [Path::new("/d/a.flow")]);
}

#[test]
fn two_libraries_may_have_procedures_of_one_name() {
    let p = "library \"p\"\nprocedure go() { send \"1\" }\n";
    let workspace = workspace(&[
        ("/d/one/p.flow", p),
        ("/d/two/p.flow", p),
        ("/d/one/a.flow", "flow \"a\"\nuse \"p.flow\"\ncall go()\n"),
        ("/d/two/a.flow", "flow \"a\"\nuse \"p.flow\"\ncall go()\n"),
    ]);
    let places = workspace.references(Path::new("/d/one/p.flow"), behind(p, "procedure go"), true);
    let files: Vec<_> = places.iter().map(|place| place.path.display().to_string()).collect();
    assert_eq!(files, ["/d/one/a.flow", "/d/one/p.flow"]);
}

#[test]
fn ports_and_wires_that_other_files_name_are_not_renamed() {
    let flow = "flow \"a\"\nuse \"l.flow\"\nport dut { sim \"d.flow\" }\nport spare { sim \"d.flow\" }\nusing spare { send \"1\" }\n";
    let device = "device \"d\"\nwire power = \"off\"\non wire power { reply power }\n";
    let workspace = workspace(&[
        ("/d/a.flow", flow),
        ("/d/l.flow", "library \"l\"\nprocedure p() { using dut { send \"1\" } }\n"),
        ("/d/d.flow", device),
        ("/d/e.flow", "device \"e\"\nwire power = \"off\"\n"),
    ]);
    let rename = |path: &str, text: &str, at: &str| workspace.rename(Path::new(path), behind(text, at), "fresh");
    let refused = rename("/d/a.flow", flow, "port dut").expect_err("a library names it");
    assert!(refused.contains("/d/l.flow"), "{refused}");
    let refused = rename("/d/d.flow", device, "wire pow").expect_err("another device has it");
    assert!(refused.contains("/d/e.flow"), "{refused}");
    let renamed = rename("/d/a.flow", flow, "port spare").expect("only the flow names it");
    assert_eq!(renamed.edits[Path::new("/d/a.flow")].len(), 2);
    assert!(renamed.note.is_some_and(|note| note.contains("--port spare=")));
}

#[test]
fn a_renaming_that_makes_another_statement_of_a_line_is_refused() {
    let flow = "flow \"a\"\nparam x = 1\nsave x x\nexpect /(?<hook>.)/\nlog hook\n";
    let workspace = workspace(&[("/d/a.flow", flow)]);
    assert!(workspace.rename(Path::new("/d/a.flow"), behind(flow, "param x"), "state").is_ok());
    let clash = workspace.rename(Path::new("/d/a.flow"), behind(flow, "log hook"), "x");
    assert!(clash.is_err_and(|why| why.contains("param already")));
}

#[test]
fn a_hook_leads_to_the_handler_of_the_device() {
    let flow = "flow \"a\"\nsim \"d.flow\"\nhook \"power\", \"off\"\n";
    let workspace =
        workspace(&[("/d/a.flow", flow), ("/d/d.flow", "device \"d\"\non hook \"power\" (to) { log to }\n")]);
    let place = workspace.definition(Path::new("/d/a.flow"), behind(flow, "\"pow")).expect("the device has it");
    assert_eq!((place.path.as_path(), place.range.start.line), (Path::new("/d/d.flow"), 1));
}

#[test]
fn what_is_built_in_is_known_and_never_changed() {
    let flow = "flow \"a\"\nuse \"std/at\"\ncall at_ok()\n";
    let name = crate::load::STANDARD.iter().find(|(name, _)| *name == "std/at").expect("it is there").1;
    let procedure =
        name.lines().find_map(|line| line.strip_prefix("procedure ")?.split_once('(')).expect("it has one").0;
    let flow = flow.replace("at_ok", procedure);
    let mut workspace = workspace(&[]);
    workspace.open(Path::new("/d/a.flow"), 1, &flow);
    let at = behind(&flow, "call ");
    let (hover, _) = workspace.hover(Path::new("/d/a.flow"), at).expect("it is known");
    assert!(hover.contains(procedure) && hover.contains("`std/at`"), "{hover}");
    assert_eq!(workspace.definition(Path::new("/d/a.flow"), at), None);
    let refused = workspace.can_rename(Path::new("/d/a.flow"), at).expect_err("it is built in");
    assert!(refused.contains("built in"), "{refused}");
}

#[test]
fn nothing_is_too_broken_to_be_asked_about() {
    let texts = [
        include_str!("../../flows/two_modems.flow"),
        include_str!("../../flows/devices/air.flow"),
        include_str!("../../flows/std/at.flow"),
        "flow \"t\"\nsend \"${a + \"${b}\"}\"  expect { line /(?<x/ -> { ] ) } timeout\nprocedure p(a, { }\n😀 `${",
    ];
    let path = Path::new("/d/a.flow");
    for text in texts {
        let cuts = text.char_indices().map(|(at, _)| at).step_by(text.len() / 12);
        for (version, cut) in cuts.enumerate() {
            let mut workspace = workspace(&[]);
            // What is typed in the middle, and what is not typed to its end.
            for text in [text[..cut].to_string(), format!("{}\"{{ /${{{}", &text[..cut], &text[cut..])] {
                workspace.open(path, version as i32, &text);
                let at = super::Text::new(text.as_str()).position(cut);
                let range = Range { start: Position::default(), end: at };
                let findings = workspace.findings(path).remove(path).unwrap_or_default();
                workspace.actions(path, range, &findings);
                workspace.completions(path, at);
                workspace.signature(path, at);
                workspace.hover(path, at);
                workspace.references(path, at, true);
                workspace.highlights(path, at);
                workspace.symbols(path);
                workspace.folds(path);
                workspace.around(path, at);
                workspace.lenses(path);
                let _ = workspace.rename(path, at, "fresh_name");
                for part in workspace.painted(path, None) {
                    assert!(part.length > 0);
                }
            }
        }
    }
}
