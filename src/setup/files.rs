//! The files of a run: the flow, and the device or the recording that its address names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Complaint, Counterpart, SetupError};
use crate::address::Address;
use crate::check::check;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::disk::{LARGEST_RECORDING, Reach, folder_of, read_file};
use crate::load::{Loaded, beside, load, load_file};
use crate::program::{Program, Role};
use crate::record::Recording;

/// What the name of a recording ends with that is beside its flow.
const RECORDING: &str = "recording";

/// A program that was read, and the warnings about it.
#[derive(Debug)]
pub(crate) struct Read {
    pub program: Arc<Program>,
    pub warnings: Complaint,
}

/// What was found at an address.
#[derive(Debug)]
pub(crate) struct Found {
    pub counterpart: Counterpart,
    /// The warnings about the device.
    pub warnings: Complaint,
    /// The address of what was found: that of the recording, if a recording plays instead of a device.
    pub address: Address,
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

/// Finds what plays the other end for a flow at an address. Of `sim` that is the device that the flow names, or else the
/// recording `NAME.recording` beside it.
///
/// # Errors
///
/// What is wrong with the file, or that there is none.
pub(crate) fn find_counterpart(address: &Address, file: &Path, flow: &Program) -> Result<Found, SetupError> {
    let beside = file.with_extension(RECORDING);
    let here = Reach::Below(folder_of(file));
    match address {
        Address::Real(port) => {
            let counterpart = Counterpart::Real(port.clone());
            Ok(Found { counterpart, warnings: Complaint::default(), address: address.clone() })
        }
        Address::Device(path) => device(path, Reach::Anywhere, address),
        Address::Recording(path) => recording(path, Reach::Anywhere),
        Address::OwnDevice => match device_of(file, flow) {
            Some(Ok(path)) => device(&path, here, address),
            Some(Err(problem)) => Err(Complaint { problems: vec![problem], sources: flow.sources.clone() }.into()),
            None if beside.exists() => recording(&beside, here),
            None => Err(SetupError::NoCounterpart),
        },
    }
}

fn device(path: &Path, reach: Reach<'_>, address: &Address) -> Result<Found, SetupError> {
    let Read { program, warnings } = program_within(Role::Device, path, reach)?;
    Ok(Found { counterpart: Counterpart::Device(program), warnings, address: address.clone() })
}

fn recording(path: &Path, reach: Reach<'_>) -> Result<Found, SetupError> {
    let counterpart = Counterpart::Recording(Arc::new(recording_within(path, reach)?));
    let address = Address::Recording(path.to_path_buf());
    Ok(Found { counterpart, warnings: Complaint::default(), address })
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
    let of_one_port = |recording: Recording| match recording.n_ports() {
        0 | 1 => Ok(recording),
        n => Err(format!("it is of {n} ports, and a flow has one")),
    };
    read.and_then(|text| Recording::read(&text))
        .and_then(of_one_port)
        .map_err(|why| SetupError::Unplayable { path: path.to_path_buf(), why })
}

/// Returns the device file that a flow names, as a path.
///
/// # Errors
///
/// What is wrong with what it names.
pub(crate) fn device_of(file: &Path, flow: &Program) -> Option<Result<PathBuf, Diagnostic>> {
    let (path, site) = flow.sim.as_ref()?;
    Some(beside(file, path).map_err(|why| {
        let message = format!("`{path}` cannot be the simulated device");
        Diagnostic::new(Code::LoadUse, *site, message, why)
            .help("name it relative to this file, without `..`: `sim \"devices/modem.flow\"`")
    }))
}
