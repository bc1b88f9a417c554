//! The machine and its user: names, rights, folders.

use std::env;
use std::path::PathBuf;

use crate::origin::Origin;
use crate::report::pipeline::Pipeline;
use crate::source::name_of;

/// Whose rights this process has.
#[derive(Clone, Debug)]
#[cfg(any(unix, test))]
pub(super) struct User {
    pub uid: u32,
    /// The groups that it is in.
    pub groups: Vec<u32>,
}

/// Returns whose rights this process has.
#[cfg(unix)]
pub(super) fn user() -> User {
    use rustix::process::{getegid, geteuid, getgroups};
    let mut groups: Vec<u32> = getgroups().unwrap_or_default().into_iter().map(|group| group.as_raw()).collect();
    groups.push(getegid().as_raw());
    User { uid: geteuid().as_raw(), groups }
}

/// Returns the name that the machine has in its network; `None` if it has none.
#[cfg(unix)]
pub(super) fn host_name() -> Option<String> {
    let system = rustix::system::uname();
    Some(system.nodename().to_string_lossy().into_owned()).filter(|name| !name.is_empty())
}

/// Returns the name that the machine has in its network; `None` if it has none.
#[cfg(not(unix))]
pub(super) fn host_name() -> Option<String> {
    env::var("COMPUTERNAME").ok().filter(|name| !name.is_empty())
}

/// Whether this runs where nobody looks on: the usual sign of servers that build and test.
pub(super) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false" && ci != "0")
}

/// Returns the server that shows what is said here, if it is one that makes something of it.
pub(super) fn pipeline() -> Option<Pipeline> {
    let is_set = |name| env::var_os(name).is_some_and(|value| value == "true");
    match () {
        () if !is_ci() => None,
        () if is_set("GITHUB_ACTIONS") => Some(Pipeline::GitHub),
        () if is_set("GITLAB_CI") => Some(Pipeline::GitLab),
        () => None,
    }
}

/// Returns what leads from the root of the repository to the present folder, with `/` behind it; nothing at the root, and where
/// nobody says which folder that is.
pub(super) fn prefix() -> String {
    let root = env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let folder = root.and_then(|root| Some(env::current_dir().ok()?.strip_prefix(root).ok()?.to_path_buf()));
    folder.map(|folder| name_of(&folder)).filter(|name| !name.is_empty()).map_or(String::new(), |name| name + "/")
}

/// Returns the name of the user, as the system or the login says it; `None` if nobody says.
pub(super) fn user_name() -> Option<String> {
    let names = ["LOGNAME", "USER", "USERNAME"].iter();
    names.filter_map(|name| env::var(name).ok()).find(|name| !name.is_empty()).or_else(user_number)
}

/// Returns the number of the user as a name.
#[cfg(unix)]
fn user_number() -> Option<String> {
    Some(format!("uid {}", rustix::process::geteuid().as_raw()))
}

/// Returns the number of the user as a name; `None` where users have none.
#[cfg(not(unix))]
fn user_number() -> Option<String> {
    None
}

/// Returns when and where a command was given, as far as the machine says it.
pub(super) fn origin(begun: i64) -> Origin {
    Origin { begun, host: host_name(), user: user_name(), profile: None, bench: None }
}

/// Returns the folder of the user; `None` if nobody says.
pub(super) fn home() -> Option<PathBuf> {
    folder(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
}

/// Returns the folder for what programs keep for this user; `None` if nobody says.
pub(super) fn data_folder() -> Option<PathBuf> {
    if cfg!(windows) {
        return folder("LOCALAPPDATA");
    }
    let below_home = if cfg!(target_os = "macos") { "Library/Application Support" } else { ".local/share" };
    folder("XDG_DATA_HOME").or_else(|| Some(home()?.join(below_home)))
}

/// Returns the folder for what programs remember for this user, and could do without; `None` if nobody says.
pub(super) fn state_folder() -> Option<PathBuf> {
    if cfg!(windows) || cfg!(target_os = "macos") {
        return data_folder();
    }
    folder("XDG_STATE_HOME").or_else(|| Some(home()?.join(".local/state")))
}

/// Returns the folder that a variable names; a path that depends on the current folder does not count.
fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
