//! `Template`: an English text with places for values, which a finished text fits or not.

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// A place for a value: its name, `0`, `1` … if it has none.
    Place(String),
}

/// A text as `format!` takes it, in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Reads a text as `format!` does: `{}`, `{name}`, `{name:?}`, and `{{` for a brace. A brace that begins nothing of this
    /// kind is itself: the text is one that no `format!` reads.
    pub fn read(text: &str) -> Template {
        let (mut parts, mut literal, mut n_unnamed) = (Vec::new(), String::new(), 0);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '{' | '}' if chars.peek() == Some(&c) => {
                    chars.next();
                    literal.push(c);
                }
                '{' if begins_place(chars.clone()) => {
                    let inside: String = chars.by_ref().take_while(|c| *c != '}').collect();
                    let name = inside.split(':').next().unwrap_or_default().to_string();
                    let name = if name.is_empty() { n_unnamed.to_string() } else { name };
                    n_unnamed += usize::from(inside.split(':').next() == Some(""));
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                    parts.push(Part::Place(name));
                }
                _ => literal.push(c),
            }
        }
        parts.push(Part::Literal(literal));
        Template { parts }
    }

    /// Returns the names of its places, in order.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Place(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// Returns how many bytes of it are no place.
    pub fn weight(&self) -> usize {
        self.literals().map(str::len).sum()
    }

    /// Returns the values with which a text fits; the earliest end of each counts.
    ///
    /// With each value comes whether it is quoted: between backquotes, quotes or the like.
    pub fn values<'a>(&self, text: &'a str) -> Option<Vec<(&str, &'a str, bool)>> {
        let literals: Vec<&str> = self.literals().collect();
        let (first, last) = (*literals.first()?, *literals.last()?);
        if literals.len() == 1 {
            return (text == first).then(Vec::new);
        }
        let mut rest = text.strip_prefix(first)?.strip_suffix(last)?;
        let mut values = Vec::new();
        for (at, name) in self.places().enumerate() {
            let (before, behind) = (literals[at], literals[at + 1]);
            let value = if at + 2 == literals.len() {
                std::mem::take(&mut rest)
            } else {
                let end = rest.find(behind)?;
                let value = &rest[..end];
                rest = &rest[end + behind.len()..];
                value
            };
            values.push((name, value, before.ends_with(['`', '"', '«', '\''])));
        }
        Some(values)
    }

    /// Returns the text with these values in its places; a place that has none stays empty.
    pub fn filled(&self, value_of: impl Fn(&str) -> Option<String>) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Literal(text) => text.clone(),
            Part::Place(name) => value_of(name).unwrap_or_default(),
        });
        parts.collect()
    }

    fn literals(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Place(_) => None,
        })
    }
}

/// Says whether a name, or none, and the way to write it follow up to a closing brace.
fn begins_place(inside: impl Iterator<Item = char>) -> bool {
    let mut inside = inside.skip_while(|c| c.is_ascii_alphanumeric() || *c == '_');
    match inside.next() {
        Some(':') => inside.take_while(|c| *c != '}').all(|c| !c.is_whitespace()),
        next => next == Some('}'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_with_its_values() {
        let template = Template::read("`{}` of {name:?} takes {}{{}}");
        assert_eq!(template.places().collect::<Vec<_>>(), ["0", "name", "1"]);
        let values = template.values("`a of b` of c takes 3{}").expect("it fits");
        assert_eq!(values, [("0", "a of b", true), ("name", "c", false), ("1", "3", false)]);
        for other in ["`a` of c takes 3", "a of c takes 3{}", "", "`"] {
            assert_eq!(template.values(other), None, "{other}");
        }
        assert_eq!(template.filled(|name| Some(name.to_uppercase())), "`0` of NAME takes 1{}");
    }

    #[test]
    fn a_brace_that_begins_no_place_is_itself() {
        for text in ["this `${` is not closed", "write `else { … }`", "no `}` for this"] {
            let template = Template::read(text);
            assert_eq!((template.places().count(), template.filled(|_| None)), (0, text.to_string()));
        }
    }

    #[test]
    fn ends_do_not_overlap() {
        assert_eq!(Template::read("ab{}ba").values("aba"), None);
        assert_eq!(Template::read("{}").values("anything").map(|values| values.len()), Some(1));
    }
}
