//! The note at the end of a run that kept its line waiting.

use std::time::Duration;

use crate::time::Moment;

/// Says that flowrun, not the line, was what took so long, if that is so; `also` is what helps besides.
pub(super) fn note_on_speed(behind: Duration, took: Duration, also: &str) -> String {
    if behind < Duration::from_millis(200) || behind < took / 10 {
        return String::new();
    }
    format!(
        "note: flowrun was slower than the line for {} of {} s, so deadlines may have passed too soon; {also}\
         `flowrun check` names patterns that are slow to search with\n",
        Moment::after(behind),
        Moment::after(took)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_keeps_its_line_waiting_is_noted_and_a_quick_one_is_not() {
        let note = |behind, took| note_on_speed(Duration::from_millis(behind), Duration::from_millis(took), "");
        assert!(note(2_110, 2_168).starts_with("note: flowrun was slower than the line for 2.110 of 2.168 s"));
        assert_ne!(note(200, 2_000), "");
        assert_eq!(note(199, 200), "", "a start may take so long");
        assert_eq!(note(400, 4_001), "", "less than a tenth");
    }
}
