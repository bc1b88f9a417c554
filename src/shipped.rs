//! `shipped`: the flows that travel inside of the program, found by name.

use std::path::{Path, PathBuf};

use crate::load::beside;
use crate::source::{Source, Sources};
use crate::syntax::ast::StatementKind;
use crate::syntax::parse;

/// The built-in flows with the devices and libraries that they name, by their paths below `flows/`.
const FLOWS: &[(&str, &str)] = &[
    ("aliyun_dynamic.flow", include_str!("../flows/aliyun_dynamic.flow")),
    ("aliyun_secret.flow", include_str!("../flows/aliyun_secret.flow")),
    ("arduino_reset.flow", include_str!("../flows/arduino_reset.flow")),
    ("drive_modbus.flow", include_str!("../flows/drive_modbus.flow")),
    ("esp32_reset.flow", include_str!("../flows/esp32_reset.flow")),
    ("espat_aliyun.flow", include_str!("../flows/espat_aliyun.flow")),
    ("espat_wifi.flow", include_str!("../flows/espat_wifi.flow")),
    ("firmware_by_xmodem.flow", include_str!("../flows/firmware_by_xmodem.flow")),
    ("gateway.flow", include_str!("../flows/gateway.flow")),
    ("gps_fix.flow", include_str!("../flows/gps_fix.flow")),
    ("gps_to_receiver.flow", include_str!("../flows/gps_to_receiver.flow")),
    ("grbl_move.flow", include_str!("../flows/grbl_move.flow")),
    ("linux_health.flow", include_str!("../flows/linux_health.flow")),
    ("marlin_heat.flow", include_str!("../flows/marlin_heat.flow")),
    ("micropython_run.flow", include_str!("../flows/micropython_run.flow")),
    ("modem_check.flow", include_str!("../flows/modem_check.flow")),
    ("nordic_mqtt.flow", include_str!("../flows/nordic_mqtt.flow")),
    ("operator_test.flow", include_str!("../flows/operator_test.flow")),
    ("power_cycle.flow", include_str!("../flows/power_cycle.flow")),
    ("power_supply.flow", include_str!("../flows/power_supply.flow")),
    ("quectel_aliyun.flow", include_str!("../flows/quectel_aliyun.flow")),
    ("simcom_aliyun.flow", include_str!("../flows/simcom_aliyun.flow")),
    ("two_modems.flow", include_str!("../flows/two_modems.flow")),
    ("ublox_socket.flow", include_str!("../flows/ublox_socket.flow")),
    ("uboot_boot.flow", include_str!("../flows/uboot_boot.flow")),
    ("ubx_position.flow", include_str!("../flows/ubx_position.flow")),
    ("voltmeter.flow", include_str!("../flows/voltmeter.flow")),
    ("zephyr_shell.flow", include_str!("../flows/zephyr_shell.flow")),
    ("devices/air.flow", include_str!("../flows/devices/air.flow")),
    ("devices/arduino.flow", include_str!("../flows/devices/arduino.flow")),
    ("devices/board.flow", include_str!("../flows/devices/board.flow")),
    ("devices/boot_loader.flow", include_str!("../flows/devices/boot_loader.flow")),
    ("devices/drive.flow", include_str!("../flows/devices/drive.flow")),
    ("devices/esp32.flow", include_str!("../flows/devices/esp32.flow")),
    ("devices/espat.flow", include_str!("../flows/devices/espat.flow")),
    ("devices/gateway_bus.flow", include_str!("../flows/devices/gateway_bus.flow")),
    ("devices/gateway_console.flow", include_str!("../flows/devices/gateway_console.flow")),
    ("devices/gps.flow", include_str!("../flows/devices/gps.flow")),
    ("devices/grbl.flow", include_str!("../flows/devices/grbl.flow")),
    ("devices/gsm.flow", include_str!("../flows/devices/gsm.flow")),
    ("devices/marlin.flow", include_str!("../flows/devices/marlin.flow")),
    ("devices/micropython.flow", include_str!("../flows/devices/micropython.flow")),
    ("devices/modem.flow", include_str!("../flows/devices/modem.flow")),
    ("devices/nordic.flow", include_str!("../flows/devices/nordic.flow")),
    ("devices/panel.flow", include_str!("../flows/devices/panel.flow")),
    ("devices/power_supply.flow", include_str!("../flows/devices/power_supply.flow")),
    ("devices/quectel.flow", include_str!("../flows/devices/quectel.flow")),
    ("devices/receiver_console.flow", include_str!("../flows/devices/receiver_console.flow")),
    ("devices/receiver_gps.flow", include_str!("../flows/devices/receiver_gps.flow")),
    ("devices/relay.flow", include_str!("../flows/devices/relay.flow")),
    ("devices/simcom.flow", include_str!("../flows/devices/simcom.flow")),
    ("devices/ublox.flow", include_str!("../flows/devices/ublox.flow")),
    ("devices/uboot_linux.flow", include_str!("../flows/devices/uboot_linux.flow")),
    ("devices/ubx.flow", include_str!("../flows/devices/ubx.flow")),
    ("devices/voltmeter.flow", include_str!("../flows/devices/voltmeter.flow")),
    ("devices/zephyr.flow", include_str!("../flows/devices/zephyr.flow")),
    ("lib/air.flow", include_str!("../flows/lib/air.flow")),
    ("devices/lib/aliyun.flow", include_str!("../flows/devices/lib/aliyun.flow")),
];

/// The files that `flowrun init` writes, by their paths below its folder.
pub(crate) const START: &[(&str, &str)] = &[
    ("signal.flow", include_str!("shipped/start/signal.flow")),
    ("devices/modem.flow", include_str!("shipped/start/devices/modem.flow")),
    ("snapshots/signal.snap", include_str!("shipped/start/snapshots/signal.snap")),
    ("flowrun.toml", include_str!("shipped/start/flowrun.toml")),
    (".github/workflows/flowrun.yml", include_str!("shipped/start/flowrun.yml")),
];

/// A built-in flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Example {
    /// Its file without the ending: `aliyun_dynamic`.
    pub name: &'static str,
    /// Its file, below the folder that it is written to.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl Example {
    /// Returns the title that reports call it by.
    pub(crate) fn title(&self) -> String {
        let (_, parsed) = parsed(self.text);
        parsed.file.header.map(|header| header.title).unwrap_or_default()
    }

    /// Returns its file and all that it names, each with its path below the folder that they are written to; libraries of
    /// `std/` are not among them.
    pub(crate) fn files(&self) -> Vec<(PathBuf, &'static str)> {
        let mut files: Vec<(PathBuf, &'static str)> = vec![(PathBuf::from(self.file), self.text)];
        let mut at = 0;
        while let Some((path, text)) = files.get(at).cloned() {
            for named in named_in(text) {
                let Ok(path) = beside(&path, &named) else { continue };
                let known = files.iter().any(|(known, _)| *known == path);
                if let Some((_, text)) = FLOWS.iter().find(|(known, _)| !known.is_empty() && Path::new(known) == path)
                    && !known
                {
                    files.push((path, text));
                }
            }
            at += 1;
        }
        files
    }
}

/// Returns the built-in flows, in the order of their names.
pub(crate) fn examples() -> impl Iterator<Item = Example> {
    let flows = FLOWS.iter().filter(|(file, _)| !file.contains('/'));
    flows.map(|&(file, text)| Example { name: file.trim_end_matches(".flow"), file, text })
}

/// Returns the comment that a file begins with, or the one right above its header, as plain lines.
pub(crate) fn introduction(text: &str) -> Vec<&str> {
    let lines = text.lines().take_while(|line| line.starts_with('#') || line.is_empty());
    lines.map(|line| line.trim_start_matches('#').trim_start_matches(' ')).collect()
}

/// Returns the paths of the files that a flow, device or library names.
fn named_in(text: &str) -> Vec<String> {
    let (_, parsed) = parsed(text);
    let mut named = Vec::new();
    for statement in parsed.file.body {
        if let StatementKind::Use { path, .. } | StatementKind::Sim(path) = statement.kind {
            named.push(path.node);
        } else if let StatementKind::Port(port) = statement.kind {
            named.extend(port.sims.into_iter().map(|path| path.node));
        }
    }
    named
}

fn parsed(text: &str) -> (Sources, crate::syntax::Parsed) {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("built-in".to_string(), text.to_string()));
    let parsed = parse(id, sources.get(id));
    (sources, parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Returns the paths of the flow files in a folder of the repository and below, without those of `std/`.
    fn below(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("it is a folder").map(|entry| entry.expect("it is readable")) {
            let name = entry.file_name().into_string().expect("it is UTF-8");
            let path = format!("{prefix}{name}");
            if entry.path().is_dir() && path != "std" {
                below(&entry.path(), &format!("{path}/"), found);
            } else if path.ends_with(".flow") {
                found.insert(path);
            }
        }
    }

    #[test]
    fn every_built_in_flow_travels_inside() {
        let mut expected = BTreeSet::new();
        below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("flows"), "", &mut expected);
        let shipped: BTreeSet<String> = FLOWS.iter().map(|(path, _)| (*path).to_string()).collect();
        assert_eq!(shipped, expected);
    }

    #[test]
    fn an_example_has_a_title_an_introduction_and_every_file_that_it_names() {
        for example in examples() {
            assert!(!example.title().is_empty(), "{}", example.name);
            for (path, text) in example.files() {
                let named = named_in(text).into_iter().filter(|named| !named.starts_with("std/"));
                for named in named {
                    let wanted = beside(&path, &named).expect("it is beside or below");
                    assert!(example.files().iter().any(|(path, _)| *path == wanted), "{} needs {named}", example.name);
                }
            }
        }
        let aliyun = examples().find(|example| example.name == "aliyun_dynamic").expect("it is there");
        let files: Vec<String> = aliyun.files().iter().map(|(path, _)| path.display().to_string()).collect();
        assert!(files.len() >= 3 && files.iter().any(|file| file.contains("air")), "{files:?}");
    }
}
