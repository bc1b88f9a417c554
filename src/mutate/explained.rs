//! `# mutant ok: why`: a comment in a device that says why a flow need not notice a change of an answer.

use super::edit::Kind;
use crate::source::{Site, Sources};

/// What such a comment begins with.
const MARK: &str = "# mutant ok";

/// Returns why a flow need not notice a change of the answer at a place: from a comment on the line where its statement ends, or
/// alone on the line before it. `# mutant ok digit, limit: why` is about these kinds of changes only.
pub(super) fn explanation(sources: &Sources, site: Site, kind: Kind) -> Option<String> {
    let text = sources.get(site.source).shown();
    let behind = text.get(site.span.end as usize..)?.lines().next().unwrap_or_default();
    let before = text.get(..site.span.start as usize)?;
    // The line that the statement begins on is the last one here.
    let above = before.lines().rev().nth(usize::from(!before.ends_with('\n'))).unwrap_or_default();
    let beside = behind.find(MARK).map(|at| &behind[at..]);
    let alone = Some(above.trim_start()).filter(|line| line.starts_with(MARK));
    beside.into_iter().chain(alone).find_map(|comment| said(comment, kind))
}

/// Returns the reason of a comment, if it is about a kind of change; a comment without a reason explains nothing.
fn said(comment: &str, kind: Kind) -> Option<String> {
    let (kinds, why) = comment.strip_prefix(MARK)?.split_once(':')?;
    let mut kinds = kinds.split([' ', ',']).filter(|word| !word.is_empty()).peekable();
    let is_meant = kinds.peek().is_none() || kinds.any(|name| Kind::named(name) == Some(kind));
    let why = why.trim();
    (is_meant && !why.is_empty()).then(|| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Source, Span};

    const DEVICE: &str = "device \"d\"\n\
        on line \"A\" { reply \"1\" }  # mutant ok: any number will do\n\
        # mutant ok digit, limit: it is the time\n\
        on line \"B\" { reply \"2\" }\n\
        on line \"C\" { reply \"3\" }\n\
        on line \"D\" { reply \"4\" }  # mutant ok:\n\
        on line \"E\" { reply \"5\" }  # mutant ok\n\
        reply \"6\"\n";

    fn why(answer: &str, kind: Kind) -> Option<String> {
        let mut sources = Sources::default();
        let source = sources.add(Source::new("d.flow", DEVICE));
        let start = DEVICE.find(answer).expect("it is there");
        explanation(&sources, Site { source, span: Span::new(start, start + answer.len()) }, kind)
    }

    #[test]
    fn a_comment_beside_an_answer_or_above_it_explains_the_kinds_that_it_names() {
        assert_eq!(why("reply \"1\"", Kind::Cut).as_deref(), Some("any number will do"));
        assert_eq!(why("reply \"2\"", Kind::Digit).as_deref(), Some("it is the time"));
        assert_eq!(why("reply \"2\"", Kind::Limit).as_deref(), Some("it is the time"));
        assert_eq!(why("reply \"2\"", Kind::Missing), None, "another kind");
        assert_eq!(why("reply \"3\"", Kind::Digit), None, "another line");
    }

    #[test]
    fn a_comment_without_a_reason_explains_nothing() {
        assert_eq!(why("reply \"4\"", Kind::Cut), None);
        assert_eq!(why("reply \"5\"", Kind::Cut), None);
        assert_eq!(why("reply \"6\"", Kind::Cut), None);
    }
}
