//! The nearest right name for a wrong one.

/// Returns the candidate most like `name`, if one is near enough to be what was meant.
///
/// Near enough is an edit distance of at most a third of the longer name, and at least one; on equal
/// distances the first candidate wins.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(d, candidate)| *d <= (name.chars().count().max(candidate.chars().count()) / 3).max(1))
        .min_by_key(|(d, _)| *d)
        .map(|(_, candidate)| candidate)
}

/// Returns how many letters are inserted, deleted, replaced or swapped with their neighbour; case is ignored.
fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
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
