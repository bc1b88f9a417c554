//! What to do about a port that does not exist.

use crate::address::natural_order;
use crate::diagnostic::nearest::nearest;
use crate::transport::ports;

/// How many names a message suggests at most.
const N_SUGGESTED: usize = 3;

/// Returns the help for a port that does not exist: names like it, or what there is.
pub(super) fn help_for_missing(name: &str, mut candidates: Vec<String>) -> String {
    candidates.sort_by(|a, b| natural_order(a, b));
    candidates.dedup();
    let mut near = Vec::new();
    while near.len() < N_SUGGESTED
        && let Some(found) = nearest(name, candidates.iter().map(String::as_str))
    {
        let found = found.to_string();
        candidates.retain(|candidate| *candidate != found);
        near.push(format!("`{found}`"));
    }
    if !near.is_empty() {
        return format!("did you mean {}?", near.join(" or "));
    }
    candidates.truncate(N_SUGGESTED);
    if candidates.is_empty() {
        return "no serial port was found: is the device plugged in?".to_string();
    }
    let there_is: Vec<_> = candidates.iter().map(|candidate| format!("`{candidate}`")).collect();
    format!("is the device plugged in? There is {}", there_is.join(", "))
}

/// Returns the names of the ports that the system lists.
pub(super) fn listed() -> Vec<String> {
    ports::list().into_iter().map(|port| port.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_port_brings_the_nearest_names() {
        let there = || ["/dev/ttyUSB0", "/dev/ttyS0", "/dev/ttyACM0"].map(String::from).to_vec();
        assert_eq!(
            help_for_missing("/dev/ttyUBS0", there()),
            "did you mean `/dev/ttyUSB0` or `/dev/ttyS0` or `/dev/ttyACM0`?"
        );
        let many = ["COM1", "COM12", "COM5", "COM100"].map(String::from).to_vec();
        assert_eq!(
            help_for_missing("/dev/ttyUSB0", many),
            "is the device plugged in? There is `COM1`, `COM5`, `COM12`",
            "they are in the order in which people count"
        );
        let help = help_for_missing("modem", there());
        assert_eq!(help, "is the device plugged in? There is `/dev/ttyACM0`, `/dev/ttyS0`, `/dev/ttyUSB0`");
        assert_eq!(help_for_missing("COM5", Vec::new()), "no serial port was found: is the device plugged in?");
    }
}
