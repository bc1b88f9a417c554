//! Texts as HTML: nothing in them is markup, and every character of a source stays one character.

use std::borrow::Cow;
use std::fmt;

use askama::filters::HtmlSafe;

use crate::value::escape::harmless;

/// A text that becomes the text of an element: each `<` is escaped, a `&` where it would begin a reference, and nothing else, so
/// that a long exchange stays short. A `<` that begins nothing is a mistake in HTML, a `&` is none.
///
/// It must not stand in an attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(['<', '&', '\r']) {
            f.write_str(&rest[..at])?;
            let next = rest.as_bytes().get(at + 1);
            f.write_str(match rest.as_bytes()[at] {
                b'<' => "&lt;",
                b'&' if next.is_some_and(|next| !next.is_ascii_alphanumeric() && *next != b'#') => "&",
                b'&' => "&amp;",
                // It would be read as a line feed; no text here has one.
                _ => "\u{fffd}",
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

/// Returns a source as a page shows it: with LF at the ends of its lines, and U+FFFD for characters that nobody sees, or that
/// turn the text around. [`utf16_offset`] says where a place of the source is in it.
pub(super) fn readable(source: &str) -> Cow<'_, str> {
    let is_bad = |c: char| {
        let is_usual = matches!(c, ' '..='~' | '\n' | '\t');
        !is_usual && (c.is_ascii() || is_no_character(c) || harmless(c.to_string()) != c.to_string())
    };
    if !source.chars().any(is_bad) {
        return Cow::Borrowed(source);
    }
    let shown = |c: char| if is_bad(c) { "\u{fffd}".repeat(c.len_utf16()) } else { c.to_string() };
    Cow::Owned(source.replace("\r\n", "\n").chars().map(shown).collect())
}

/// Says whether a character is set aside by Unicode for no text ever; HTML may not have it.
fn is_no_character(c: char) -> bool {
    let code = u32::from(c);
    (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}

/// Returns where a byte of a source stands in what [`readable`] makes of it, in units of UTF-16, as scripts count.
pub(super) fn utf16_offset(source: &str, offset: u32) -> usize {
    let before = source.get(..offset as usize).unwrap_or(source);
    before.chars().map(char::len_utf16).sum::<usize>() - before.matches("\r\n").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(Text("a<b>&amp;\r\n\"'").to_string(), "a&lt;b>&amp;amp;\u{fffd}\n\"'");
        assert_eq!(
            Text("a < b && c<- <<5 & <é &é <!-- </a <?x &#6 <a &").to_string(),
            "a &lt; b && c&lt;- &lt;&lt;5 & &lt;é &é &lt;!-- &lt;/a &lt;?x &amp;#6 &lt;a &amp;"
        );
        assert_eq!((Text("<").to_string(), Text("&").to_string()), ("&lt;".to_string(), "&amp;".to_string()));
        assert_eq!(Data::new("{\"a\":\"</script>\"}").to_string(), "{\"a\":\"\\u003c/script>\"}");
    }

    #[test]
    fn what_nobody_sees_is_shown_and_places_stay() {
        let source = "a\u{202e}b\0\u{e0041}\té中\r\nx\r\u{ffff}";
        let shown = readable(source);
        assert_eq!(shown, "a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}\té中\nx\u{fffd}\u{fffd}");
        let at = |text: &str| source.find(text).and_then(|at| u32::try_from(at).ok()).expect("it is there");
        let units: Vec<u16> = shown.encode_utf16().collect();
        for text in ["é", "中", "x"] {
            let begin = utf16_offset(source, at(text));
            assert_eq!(String::from_utf16_lossy(&units[begin..=begin]), text);
        }
        assert!(matches!(readable("send \"AT\"\n"), Cow::Borrowed(_)));
        assert_eq!((utf16_offset("é中😀x", 5), utf16_offset("é中😀x", 9), utf16_offset("a", 9)), (2, 4, 1));
    }
}
