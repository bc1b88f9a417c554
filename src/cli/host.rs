//! The name of the machine, and who this process runs as.

/// Whose rights this process has.
#[derive(Clone, Debug)]
#[cfg_attr(not(any(unix, test)), expect(dead_code, reason = "only Unix has rights of this kind"))]
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
    std::env::var("COMPUTERNAME").ok().filter(|name| !name.is_empty())
}
