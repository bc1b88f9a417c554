//! The files of a run: the flow, and the device or the recording that its address names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Complaint, Counterpart, End, SetupError};
use crate::address::Address;
use crate::check::check;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::disk::{LARGEST_RECORDING, LARGEST_TEXT, Reach, folder_of, read_file};
use crate::load::{Loaded, beside, load, load_file};
use crate::program::{Program, Role};
use crate::record::Recording;
use crate::source::Site;

/// What the name of a recording ends with that is beside its flow.
const RECORDING: &str = "recording";

/// A program that was read, and the warnings about it.
#[derive(Debug)]
pub(crate) struct Read {
    pub program: Arc<Program>,
    pub warnings: Complaint,
}

/// What was found at the addresses of a flow's ports.
#[derive(Debug)]
pub(crate) struct Found {
    pub counterpart: Counterpart,
    /// The warnings about each device.
    pub warnings: Vec<Complaint>,
    /// The addresses of what was found, one for each port or one for all: that of the recording, if a recording plays instead of
    /// a device.
    pub addresses: Vec<Address>,
}

/// Reads the program in a file that is to play a role.
///
/// # Errors
///
/// Everything that is wrong with the file.
pub(crate) fn read_program(role: Role, path: &Path) -> Result<Read, SetupError> {
    program_within(role, path, Reach::Anywhere)
}

/// Reads a program that flowrun itself has written, and that uses no file but built-in ones.
///
/// # Errors
///
/// Everything that is wrong with the text.
pub(crate) fn read_text(role: Role, name: &str, text: &str) -> Result<Read, SetupError> {
    let path = Path::new(name);
    let reader = |wanted: &Path| match wanted == path {
        true => Ok(text.as_bytes().to_vec()),
        false => Err(std::io::ErrorKind::NotFound.into()),
    };
    program_of(role, path, load(path, &reader))
}

/// Reads a program that flowrun itself has written, as if it were a file at this path: it may use files beside it.
///
/// # Errors
///
/// Everything that is wrong with the text and with what it uses.
pub(crate) fn read_text_here(role: Role, path: &Path, text: &str) -> Result<Read, SetupError> {
    let reader = |wanted: &Path| match wanted == path {
        true => Ok(text.as_bytes().to_vec()),
        false => std::fs::read(wanted),
    };
    program_of(role, path, load(path, &reader))
}

/// Reads a program whose file is being edited: this text counts, and not what is on the disk. What it uses is read as always.
///
/// # Errors
///
/// Everything that is wrong with the text and with what it uses.
pub(crate) fn read_edited(role: Role, path: &Path, text: &str) -> Result<Read, SetupError> {
    let reader = |wanted: &Path| match wanted == path {
        true => Ok(text.as_bytes().to_vec()),
        false => read_file(wanted, Reach::Below(folder_of(path)), LARGEST_TEXT),
    };
    program_of(role, path, load(path, &reader))
}

fn program_within(role: Role, path: &Path, reach: Reach<'_>) -> Result<Read, SetupError> {
    program_of(role, path, load_file(path, reach))
}

fn program_of(role: Role, path: &Path, loaded: Loaded) -> Result<Read, SetupError> {
    let checked = check(loaded);
    let is_wrong = checked.problems.iter().any(|problem| problem.severity() == Severity::Error);
    let complaint = Complaint { problems: checked.problems, sources: checked.sources };
    match checked.program {
        Some(program) if program.role == role => Ok(Read { program: Arc::new(program), warnings: complaint }),
        None if is_wrong => Err(complaint.into()),
        other => Err(SetupError::WrongRole {
            path: path.to_path_buf(),
            wanted: role,
            found: other.map(|program| program.role),
            warnings: complaint,
        }),
    }
}

/// Finds what plays the other ends for a flow at addresses: one for each port that it declares, or one for all of them. Of `sim`
/// that is the device that the flow names for the port, or else the recording `NAME.recording` beside it.
///
/// # Errors
///
/// What is wrong with a file, that there is none, or that one address is not enough for the flow's ports.
pub(crate) fn find_counterpart(addresses: &[Address], file: &Path, flow: &Program) -> Result<Found, SetupError> {
    match (addresses, flow.ports.as_slice()) {
        ([address], [] | [_]) => of_one(address, file, flow),
        ([Address::Recording(path)], _) => recording(path, Reach::Anywhere, flow),
        ([Address::OwnDevice], ports) => {
            let beside = file.with_extension(RECORDING);
            if ports.iter().all(|port| port.sim.is_none()) && beside.exists() {
                return recording(&beside, Reach::Below(folder_of(file)), flow);
            }
            let each: Vec<Address> = ports.iter().map(|_| Address::OwnDevice).collect();
            of_each(&each, file, flow)
        }
        ([one], ports) => Err(SetupError::OneForSeveral {
            address: one.to_string(),
            ports: ports.iter().map(|port| port.name.clone()).collect(),
        }),
        (each, _) => of_each(each, file, flow),
    }
}

/// Finds what plays the other end of the only port.
fn of_one(address: &Address, file: &Path, flow: &Program) -> Result<Found, SetupError> {
    let beside = file.with_extension(RECORDING);
    let here = Reach::Below(folder_of(file));
    let found = |(device, warnings)| Found {
        counterpart: Counterpart::Device(device),
        warnings: vec![warnings],
        addresses: vec![address.clone()],
    };
    match address {
        Address::Real(port) => {
            let counterpart = Counterpart::Real(port.clone());
            Ok(Found { counterpart, warnings: Vec::new(), addresses: vec![address.clone()] })
        }
        Address::Device(path) => device(path, Reach::Anywhere).map(found),
        Address::Recording(path) => recording(path, Reach::Anywhere, flow),
        Address::OwnDevice => match devices_of(file, flow).into_iter().next().flatten() {
            Some((_, Ok(path))) => device(&path, here).map(found),
            Some((_, Err(problem))) => Err(Complaint { problems: vec![problem], sources: flow.sources.clone() }.into()),
            None if beside.exists() => recording(&beside, here, flow),
            None => Err(SetupError::NoCounterpart),
        },
    }
}

/// Finds what plays the other end of each of several ports.
fn of_each(addresses: &[Address], file: &Path, flow: &Program) -> Result<Found, SetupError> {
    let here = Reach::Below(folder_of(file));
    let (mut ends, mut warnings) = (Vec::new(), Vec::new());
    let own = devices_of(file, flow);
    for ((address, port), own) in addresses.iter().zip(&flow.ports).zip(own) {
        let (program, more) = match (address, own) {
            (Address::Real(real), _) => {
                ends.push(End::Real(real.clone()));
                continue;
            }
            (Address::Device(path), _) => device(path, Reach::Anywhere)?,
            (Address::OwnDevice, Some((_, Ok(path)))) => device(&path, here)?,
            (Address::OwnDevice, Some((_, Err(problem)))) => {
                return Err(Complaint { problems: vec![problem], sources: flow.sources.clone() }.into());
            }
            (Address::OwnDevice, None) => return Err(SetupError::NoDevice { port: port.name.clone() }),
            (Address::Recording(path), _) => {
                let why = format!("a recording has all ports of a run, and `{}` is one", port.name);
                return Err(SetupError::Unplayable { path: path.clone(), why });
            }
        };
        ends.push(End::Device(program));
        warnings.push(more);
    }
    Ok(Found { counterpart: Counterpart::Several(ends), warnings, addresses: addresses.to_vec() })
}

fn device(path: &Path, reach: Reach<'_>) -> Result<(Arc<Program>, Complaint), SetupError> {
    let Read { program, warnings } = program_within(Role::Device, path, reach)?;
    Ok((program, warnings))
}

fn recording(path: &Path, reach: Reach<'_>, flow: &Program) -> Result<Found, SetupError> {
    let declared: Vec<&str> = flow.ports.iter().map(|port| port.name.as_str()).collect();
    let recording = recording_within(path, reach)?
        .for_ports(&declared)
        .map_err(|why| SetupError::Unplayable { path: path.to_path_buf(), why })?;
    let counterpart = Counterpart::Recording(Arc::new(recording));
    Ok(Found { counterpart, warnings: Vec::new(), addresses: vec![Address::Recording(path.to_path_buf())] })
}

/// Reads a recording.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn read_recording(path: &Path) -> Result<Recording, SetupError> {
    recording_within(path, Reach::Anywhere)
}

fn recording_within(path: &Path, reach: Reach<'_>) -> Result<Recording, SetupError> {
    let read = read_file(path, reach, LARGEST_RECORDING).map_err(|error| error.to_string()).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|error| format!("it is not UTF-8 (byte {})", error.utf8_error().valid_up_to()))
    });
    read.and_then(|text| Recording::read(&text)).map_err(|why| SetupError::Unplayable { path: path.to_path_buf(), why })
}

/// Returns the device file that a flow names for each of its ports, as a path, and where it names it; `None` for a port without
/// one. What is wrong with what it names stands in place of the path.
pub(crate) fn devices_of(file: &Path, flow: &Program) -> Vec<Option<(Site, Result<PathBuf, Diagnostic>)>> {
    let named: Vec<&Option<(String, Site)>> = match flow.ports.as_slice() {
        [] => vec![&flow.sim],
        ports => ports.iter().map(|port| &port.sim).collect(),
    };
    let path_of = |(path, site): &(String, Site)| {
        let path = beside(file, path).map_err(|why| {
            let message = format!("`{path}` cannot be the simulated device");
            Diagnostic::new(Code::LoadUse, *site, message, why)
                .help("name it relative to this file, without `..`: `sim \"devices/modem.flow\"`")
        });
        (*site, path)
    };
    named.into_iter().map(|named| named.as_ref().map(path_of)).collect()
}
