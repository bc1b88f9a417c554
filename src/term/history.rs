//! `History`: the lines that were typed, the last one last, bounded, each one once in a row.

/// So many lines are kept.
pub(crate) const MOST: usize = 2000;

/// Lines longer than this are not kept.
const LONGEST: usize = 4096;

/// What was typed.
#[derive(Debug, Default)]
pub(crate) struct History {
    lines: Vec<String>,
}

impl History {
    /// Makes one of lines that were kept.
    pub(crate) fn of(lines: impl IntoIterator<Item = String>) -> History {
        let mut history = History::default();
        lines.into_iter().for_each(|line| {
            history.push(&line);
        });
        history
    }

    /// Keeps a line; returns whether it is new.
    pub(crate) fn push(&mut self, line: &str) -> bool {
        let line = line.trim_end();
        let is_kept = !line.is_empty()
            && line.len() <= LONGEST
            && !line.contains(char::is_control)
            && self.lines.last().is_none_or(|last| last != line);
        if is_kept {
            self.lines.push(line.to_string());
            if self.lines.len() > MOST {
                self.lines.remove(0);
            }
        }
        is_kept
    }

    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns the line at a place.
    pub(crate) fn line(&self, at: usize) -> &str {
        self.lines.get(at).map_or("", String::as_str)
    }

    /// Returns the place of the last line before `before` that has a text in it.
    pub(crate) fn find(&self, text: &str, before: usize) -> Option<usize> {
        self.lines[..before.min(self.lines.len())].iter().rposition(|line| line.contains(text))
    }

    /// Returns the last line that begins with a text and goes on.
    pub(crate) fn beginning_with<'a>(&'a self, text: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().rev().map(String::as_str).filter(move |line| line.starts_with(text) && *line != text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_kept_once_in_a_row_and_an_empty_one_never() {
        let mut history = History::default();
        let kept = ["AT", "AT", " ", "ATI", "AT", "a\u{1b}b"].map(|line| history.push(line));
        assert_eq!(kept, [true, false, false, true, true, false]);
        assert_eq!(history.len(), 3);
        assert_eq!((history.find("TI", 3), history.find("TI", 1)), (Some(1), None));
    }

    #[test]
    fn the_oldest_goes_first() {
        let history = History::of((0..MOST + 5).map(|n| n.to_string()));
        assert_eq!((history.len(), history.line(0)), (MOST, "5"));
    }
}
