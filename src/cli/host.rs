//! The name of the machine, for reports.

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
