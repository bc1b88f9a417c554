//! The nearest right name for a wrong one.

use crate::value::encoding::LABELS;

/// Returns the candidate most like `name`, if one is near enough to be what was meant.
///
/// Near enough is an edit distance of at most a third of the longer name, and at least one: letters that are inserted,
/// deleted, replaced or swapped with their neighbour. Case is ignored. On equal distances the first candidate wins.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let n = name.chars().count();
    let near = candidates.into_iter().filter_map(|candidate| {
        let lower = candidate.to_lowercase();
        let length = lower.chars().count();
        let most = (n.max(length) / 3).max(1);
        // So many letters are inserted at least.
        let d = (n.abs_diff(length) <= most).then(|| strsim::osa_distance(&name, &lower))?;
        (d <= most).then_some((d, candidate))
    });
    near.min_by_key(|(d, _)| *d).map(|(_, candidate)| candidate)
}

/// Returns the advice for a value that a setting does not take: the nearest label of an encoding, if it wants one.
pub fn nearest_value(setting: &str, value: &str) -> Option<String> {
    let labels = if setting == "encoding" { LABELS } else { &[] };
    nearest(value, labels.iter().copied()).map(|meant| format!("did you mean `\"{meant}\"`?"))
}

/// Returns how many bytes are inserted, deleted, replaced or swapped with their neighbour.
pub fn distance_of_bytes(a: &[u8], b: &[u8]) -> usize {
    // Each byte as the character of its number: the distance is that of the bytes.
    let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    strsim::osa_distance(&text(a), &text(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["expect", "send", "capture"];
        assert_eq!(nearest("expekt", names), Some("expect"));
        assert_eq!(nearest("sned", names), Some("send"));
        assert_eq!(nearest("teleport", names), None);
        assert_eq!(distance_of_bytes(b"spa\xeedsp", b"spandsp"), 1);
        assert_eq!(distance_of_bytes("é".as_bytes(), b"\xc3"), 1);
        assert_eq!(nearest("device_sceret", ["device_secret", "device_name"]), Some("device_secret"));
    }
}
