//! What a layout changes in a text, line by line, as people read it in a diff.

use crate::value::escape::harmless;

/// So many lines of changes are shown.
const LIMIT: usize = 60;

/// Shows which lines of a text become which others.
///
/// The two texts differ in nothing but white space. So lines belong together if as many other characters stand
/// before them, and no search is needed.
pub(super) fn render_changes(before: &str, after: &str) -> String {
    let before_lines = before.replace("\r\n", "\n").replace('\r', "\n");
    let old: Vec<&str> = before_lines.trim_start_matches('\u{feff}').lines().collect();
    let new: Vec<&str> = after.lines().collect();
    let mut shown = Vec::new();
    for change in changes(&old, &new) {
        let Change { old: (from, to), new: (begin, end) } = change;
        shown.push(format!("@@ -{},{} +{},{} @@", from + 1, to - from, begin + 1, end - begin));
        shown.extend(old[from..to].iter().map(|line| format!("-{}", harmless(line))));
        shown.extend(new[begin..end].iter().map(|line| format!("+{}", harmless(line))));
    }
    if shown.is_empty() {
        shown.push("(only the ends of lines, or of the file)".to_string());
    }
    if shown.len() > LIMIT {
        let more = format!("… and {} more lines", shown.len() - LIMIT);
        shown.truncate(LIMIT);
        shown.push(more);
    }
    shown.join("\n") + "\n"
}

/// Lines, from the first up to one behind the last, and what they become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    old: (usize, usize),
    new: (usize, usize),
}

fn changes(old: &[&str], new: &[&str]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        let (from, begin) = (i, j);
        let (mut n_old, mut n_new) = (0, 0);
        loop {
            let is_behind = n_old <= n_new;
            if i < old.len() && (is_behind || j == new.len()) {
                n_old += weight(old[i]);
                i += 1;
            } else if j < new.len() {
                n_new += weight(new[j]);
                j += 1;
            }
            let is_done = i == old.len() && j == new.len();
            if is_done || n_old == n_new && i > from && j > begin {
                break;
            }
        }
        let (old_lines, new_lines) = (&old[from..i], &new[begin..j]);
        let n_first = old_lines.iter().zip(new_lines).take_while(|(a, b)| a == b).count();
        let rest = old_lines[n_first..].iter().rev().zip(new_lines[n_first..].iter().rev());
        let n_last = rest.take_while(|(a, b)| a == b).count();
        let change = Change { old: (from + n_first, i - n_last), new: (begin + n_first, j - n_last) };
        match changes.last_mut() {
            _ if change.old.0 == change.old.1 && change.new.0 == change.new.1 => {}
            Some(last) if last.old.1 == change.old.0 && last.new.1 == change.new.0 => {
                (last.old.1, last.new.1) = (change.old.1, change.new.1);
            }
            _ => changes.push(change),
        }
    }
    changes
}

/// Returns how many characters of a line are no white space.
fn weight(line: &str) -> usize {
    line.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn lines_that_change_stand_beside_what_they_become() {
        let before = "a\n\n\nb  c\nd { e }\nf\n g\nh\n\n";
        let after = "a\n\nb c\nd {\n  e\n}\nf\ng\nh\n";
        assert_snapshot!(render_changes(before, after), @r"
        @@ -3,3 +3,4 @@
        -
        -b  c
        -d { e }
        +b c
        +d {
        +  e
        +}
        @@ -7,1 +8,1 @@
        - g
        +g
        @@ -9,1 +10,0 @@
        -
        ");
    }

    #[test]
    fn nothing_in_a_file_disturbs_the_terminal_and_long_lists_are_cut() {
        assert_snapshot!(render_changes("log  1 # \u{1b}[2J\u{202e}\r\nb", "log 1  # \u{1b}[2J\u{202e}\nb\n"), @r"
        @@ -1,1 +1,1 @@
        -log  1 # \x1b[2J\u{202e}
        +log 1  # \x1b[2J\u{202e}
        ");
        assert_eq!(render_changes("a\r\n", "a\n"), "(only the ends of lines, or of the file)\n");
        let before: String = (0..100).map(|n| format!(" {n}\nx\n")).collect();
        let shown = render_changes(&before, &before.replace(' ', ""));
        assert_eq!(shown.lines().count(), LIMIT + 1);
        assert!(shown.ends_with("… and 240 more lines\n"), "{shown}");
    }
}
