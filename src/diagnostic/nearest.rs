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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["expect", "send", "capture"];
        assert_eq!(nearest("expekt", names), Some("expect"));
        assert_eq!(nearest("sned", names), Some("send"));
        assert_eq!(nearest("teleport", names), None);
        assert_eq!(nearest("device_sceret", ["device_secret", "device_name"]), Some("device_secret"));
    }
}
