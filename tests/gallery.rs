//! `docs/gallery.md` lists every built-in flow with its devices, and what it shows of them is what they do.

mod support;

use std::path::Path;
use std::process::Command;

use support::{Run, check_file, flows_in, program, repo};

fn document() -> String {
    std::fs::read_to_string(repo("docs/gallery.md")).expect("it is UTF-8")
}

/// Returns the cells of the rows of each table that begins with this heading.
fn rows(document: &str, heading: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for table in document.split(heading).skip(1) {
        let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
        let cells = |row: &str| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_string()).collect();
        found.extend(rows.map(cells));
    }
    found
}

/// Returns the targets of the links in a cell.
fn links(cell: &str) -> Vec<&str> {
    cell.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect()
}

#[test]
fn every_built_in_flow_has_its_row_with_the_devices_that_it_names() {
    let mut listed = Vec::new();
    for row in rows(&document(), "| device | flow | simulated device | what it shows |\n") {
        let [_, flow, devices, _] = &row[..] else { panic!("four columns: {row:?}") };
        let file = links(flow)[0].trim_start_matches("../");
        let flow = program(check_file(file));
        let sims: Vec<String> = match flow.ports.as_slice() {
            [] => flow.sim.iter().map(|(sim, _)| sim.clone()).collect(),
            ports => ports.iter().filter_map(|port| port.sim.clone()).map(|(sim, _)| sim).collect(),
        };
        let mut sims: Vec<String> = sims.iter().map(|sim| format!("../flows/{sim}")).collect();
        sims.dedup();
        assert_eq!(links(devices), sims, "{file}");
        let name = Path::new(file).file_stem().expect("it has a name").to_string_lossy().into_owned();
        listed.push(name);
    }
    listed.sort();
    assert_eq!(listed, flows_in("flows"));
}

/// Each excerpt stands behind the name of its flow. Lines that nobody needs may be left out of it, such as an echo.
#[test]
fn every_flow_has_an_excerpt_and_each_is_a_part_of_its_transcript() {
    let document = document();
    let mut shown = Vec::new();
    for part in document.split("`:\n\n```text\n").collect::<Vec<_>>().windows(2) {
        let name = part[0].rsplit('`').next().expect("there is a last");
        let excerpt = part[1].split("```").next().expect("it has an end");
        let transcript = Run::built_in(&format!("flows/{name}.flow")).go().transcript;
        let mut said = transcript.lines().filter_map(|line| line.get(10..)).map(str::trim_end);
        for line in excerpt.lines() {
            assert!(said.any(|said| said == line), "{name}: `{line}` does not stand there:\n{transcript}");
        }
        shown.push(name.to_string());
    }
    shown.sort();
    shown.dedup();
    assert_eq!(shown, flows_in("flows"));
}

#[test]
fn every_fault_in_the_tables_has_the_message_beside_it() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let rows = rows(&document(), "| flow | fault | what the flow says |\n");
    assert!(rows.len() > 40, "{}", rows.len());
    for row in rows {
        let [flow, fault, message] = &row[..] else { panic!("three columns: {row:?}") };
        let flow = repo(&format!("flows/{}.flow", flow.trim_matches('`')));
        let options: Vec<&str> = fault.trim_matches('`').split(' ').collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowrun"));
        command.current_dir(folder.path()).arg(flow).args(["--port", "sim", "--artifacts", "never"]).args(options);
        let output = command.env("COLUMNS", "1000").output().expect("it can be started");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(1), "{row:?}\n{said}");
        assert!(said.contains(message.as_str()), "{row:?}\n{said}");
    }
}
