//! Texts as HTML: nothing in them is markup, and every character of a source stays one character.

use std::borrow::Cow;
use std::fmt;

use askama::filters::HtmlSafe;

use crate::value::escape::harmless;

/// A text that becomes the text of an element: `<` and `&` are escaped and nothing else, so that a long exchange stays short.
///
/// It must not stand in an attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['<', '&', '\r']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'<' => "&lt;",
                b'&' => "&amp;",
                // A bare one would be read as a line feed.
                _ => "&#13;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

impl HtmlSafe for Text<'_> {}

/// JSON that becomes the text of a `script` which is data: nothing in it can end the element.
#[derive(Clone, Debug, Default)]
pub(super) struct Data(String);

impl Data {
    /// Takes a document; `<` stands in strings only, and is escaped there.
    pub(super) fn new(json: &str) -> Data {
        Data(json.replace('<', "\\u003c"))
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Data {}

/// Returns a source as a page shows it: characters that nobody sees, or that turn the text around, are U+FFFD. Each takes as
/// many units of UTF-16 as before, so places in the text stay.
pub(super) fn readable(source: &str) -> Cow<'_, str> {
    let is_bad = |c: char| {
        let is_usual = matches!(c, ' '..='~' | '\n' | '\r' | '\t');
        !is_usual && (c.is_control() || !c.is_ascii() && harmless(c.to_string()) != c.to_string())
    };
    if !source.chars().any(is_bad) {
        return Cow::Borrowed(source);
    }
    let shown = |c: char| if is_bad(c) { "\u{fffd}".repeat(c.len_utf16()) } else { c.to_string() };
    Cow::Owned(source.chars().map(shown).collect())
}

/// Returns where a byte of a text stands, in units of UTF-16, as scripts count.
pub(super) fn utf16_offset(text: &str, offset: u32) -> usize {
    let before = text.get(..offset as usize).unwrap_or(text);
    before.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(Text("a<b>&amp;\r\n\"'").to_string(), "a&lt;b>&amp;amp;&#13;\n\"'");
        assert_eq!(Data::new("{\"a\":\"</script>\"}").to_string(), "{\"a\":\"\\u003c/script>\"}");
    }

    #[test]
    fn what_nobody_sees_is_shown_and_places_stay() {
        let source = "a\u{202e}b\0\u{e0041}\té中\r\n";
        let shown = readable(source);
        assert_eq!(shown, "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}\té中\r\n");
        assert_eq!(shown.encode_utf16().count(), source.encode_utf16().count());
        assert!(matches!(readable("send \"AT\"\n"), Cow::Borrowed(_)));
        assert_eq!((utf16_offset("é中😀x", 5), utf16_offset("é中😀x", 9), utf16_offset("a", 9)), (2, 4, 1));
    }
}
